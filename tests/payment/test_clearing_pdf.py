"""The 清算书 on A4: text that can be read and copied, pages counted, seal marks, an embedded font."""

from __future__ import annotations

import re
import zlib
from typing import TYPE_CHECKING

import pytest
from clearing_cases import cleared, clearing_policy, line, ruling
from payment_cases import fen

from tongpin.payment.year.letter import Letter, basis_lines, capital_line, letters, place_lines
from tongpin.payment.year.letter_pdf import write_letters_pdf
from tongpin.report.pdf import Paper, Ruled, write_papers

if TYPE_CHECKING:
    from pathlib import Path

MANIFEST = {
    "run": "2025-1",
    "area_label": "测试",
    "policy": "test/2025",
    "policy_label": "测试付费办法",
    "policy_digest": "a" * 64,
    "result_digest": "b" * 64,
    "version": "0",
    "months": {"2025-06": "c" * 64},
    "inputs": {"decision": "d" * 64},
    "shares": {"surplus": "s001_57", "overspend": "none"},
    "notes": ["一条说明"],
    "assumed": ["口径"],
}


@pytest.fixture
def clearing(tmp_path: Path):
    policy = clearing_policy(tmp_path, band__apply="bands", assessment__applies_to="all")
    rows = [line("a", 100, fee=90), line("b", 40, hospital="H2", fund="390")]
    scores = [ruling("score", institution_code=code, year=2025, value_e4=1_000_000) for code in ("H3", "H2")]
    return cleared(policy, rows, *scores, ruling("grade", year=2023, result="A"), deposit=0.1)


def test_one_letter_for_each_hospital(clearing) -> None:
    first, second = letters(clearing)
    assert (first.institution_code, second.institution_code) == ("H2", "H3")
    assert isinstance(second, Letter)
    assert second.balance_fen == fen(10)
    assert [row["step"] for row in second.reasons[0]] == [7, 12, 13, 14]


def test_the_lines_above_a_fund_tell_band_score_grade_and_shares(clearing) -> None:
    lines = "\n".join(place_lines(letters(clearing)[1].places[0], MANIFEST))
    for wanted in (
        "= 90.00%",
        "考核系数 1.0000",
        "国考等级：A（2023 年度）",
        "医院 3.00 元，科室 5.00 元，个人 2.00 元",
    ):
        assert wanted in lines
    assert "（S001-57）" in lines


def test_the_balance_is_written_out(clearing) -> None:
    assert capital_line(fen(1_234.56)) == "本次补付（大写）：壹仟贰佰叁拾肆元伍角陆分　（小写）：1,234.56 元"
    assert capital_line(-fen(10)).startswith("本次收回（大写）：壹拾元整")
    told = basis_lines(MANIFEST)[-1]
    assert "参数 1 项" in told
    assert "模拟" in told
    assert "tongpin policy explain test/2025" in told


def test_the_pdf_embeds_its_font_and_is_a4(clearing, tmp_path: Path) -> None:
    path = tmp_path / "letter.pdf"
    write_letters_pdf(clearing, MANIFEST, path, notices=["模拟"])
    data = path.read_bytes()
    assert data.startswith(b"%PDF-")
    assert re.search(rb"/FontFile[23]? ", data)
    assert re.search(rb"/MediaBox \[0 0 595\.\d+ 841\.\d+\]", data)
    assert len(re.findall(rb"/Type /Page\b", data)) >= 2, "a page of its own for each hospital"


def streams(data: bytes) -> int:
    """How many page contents can be inflated."""
    found = re.findall(rb"stream\r?\n(.*?)\r?\nendstream", data, re.DOTALL)
    return sum(b" Tf" in zlib.decompressobj().decompress(one) for one in found if one[:1] == b"x")


def test_a_long_paper_goes_over_pages_with_its_head_repeated(tmp_path: Path) -> None:
    rows = [(str(number), "说明" * 30) for number in range(60)]
    table = Ruled(("号", "内容"), (1, 6), rows, frozenset({0}))
    write_papers([Paper("标题", ["抬头"], ["一段话", table], ["盖章"], "脚注")], tmp_path / "long.pdf", title="标题")
    data = (tmp_path / "long.pdf").read_bytes()
    pages = len(re.findall(rb"/Type /Page\b", data))
    assert pages >= 3
    assert streams(data) == pages


@pytest.mark.parametrize("count", [3, 60])
def test_pages_are_counted_and_marked_for_the_seal_across_them(
    count: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[tuple[int, str]] = []
    monkeypatch.setattr("fpdf.FPDF.cell", lambda pdf, _, __, text="", **___: written.append((pdf.page, text)))
    table = Ruled(("号", "内容"), (1, 6), [(str(number), "说明" * 30) for number in range(count)], frozenset({0}))
    write_papers([Paper("标题", ["抬头"], [table], ["盖章"], "摘要 0123abcd")], tmp_path / "long.pdf", title="标题")
    pages = max(page for page, _ in written)
    assert (pages > 1) == (count > 3)
    for page in range(1, pages + 1):
        said = [text for number, text in written if number == page]
        assert f"第 {page} 页 / 共 {pages} 页" in said
        assert "摘要 0123abcd" in said
        assert ({"骑", "缝", "章"} <= set(said)) == (pages > 1)
