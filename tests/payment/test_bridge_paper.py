"""The bridge from discharge to transfer on paper: page, picture and workbook hold the figures shown (S901-09)."""

from __future__ import annotations

import html
import json
import re
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lists_cases import AREA, H1, H2, a_list, home_of, keep
from openpyxl import load_workbook

from tongpin.base.errors import BalanceError
from tongpin.cli import main
from tongpin.payment.lists import bridge_papers
from tongpin.payment.lists.bridge_papers import bridge_html, bridge_of_month, picture, write_bridge_xlsx
from tongpin.payment.lists.dates import DATES_SCHEMA, PATH_SCHEMA, STAGES, bridge_of, paths, paths_in_home
from tongpin.payment.month.run import settle_in_home

if TYPE_CHECKING:
    from pathlib import Path

    from tongpin.store.home import Home

PATHS = (
    ("2025-06", "2025-06", "2025-06", "2025-06", "2025-07", 70, 700_000_00, 400_000_00),
    ("2025-06", "2025-06", "2025-07", "2025-07", "2025-08", 20, 200_000_00, 100_000_00),
    ("2025-06", "2025-07", None, None, None, 10, 100_000_00, None),
    ("2025-05", "2025-05", "2025-06", "2025-06", "2025-07", 5, 50_000_00, 30_000_00),
)


def table() -> pa.Table:
    return pa.Table.from_pylist([dict(zip(PATH_SCHEMA.names, row, strict=True)) for row in PATHS], schema=PATH_SCHEMA)


def text_of(markup: str) -> str:
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]*>", " ", markup)))


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = home_of(tmp_path)
    day = date(2025, 6, 5)
    late = {"settlement_date": date(2025, 7, 1)}
    keep(
        home,
        a_list("A", date(2025, 6, 2), day, accepted=day),
        a_list("B", date(2025, 6, 3), day, accepted=day, institution_code=H2, fee=4000),
        a_list("C", date(2025, 6, 30), None, **late),
    )
    settle_in_home(home, "2025-06")
    return home


def test_each_stage_of_the_discharges_sums_to_all_of_them() -> None:
    made = bridge_of_month(table(), "2025-06", "示例市", ["演示"])
    for stage in STAGES:
        rows = [row for row in made.discharged if row["stage"] == stage]
        assert (sum(row["count"] for row in rows), sum(row["total_fee_fen"] for row in rows)) == (100, 1_000_000_00)
    uploaded = [(row["stage_month"], row["count"]) for row in made.discharged if row["stage"] == "uploaded"]
    assert uploaded == [("2025-06", 70), ("2025-07", 20), (None, 10)]
    reached = [(row["stage"], row["discharge_month"], row["count"]) for row in made.reached]
    assert ("uploaded", "2025-05", 5) in reached
    assert ("paid", "2025-06", 70) not in reached


def test_a_stage_that_lost_a_list_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = bridge_of(table())
    lost = broken.filter(pa.array([row["stage_month"] is not None for row in broken.to_pylist()]))
    monkeypatch.setattr(bridge_papers, "bridge_of", lambda _: lost)
    with pytest.raises(BalanceError, match="上传"):
        bridge_of_month(table(), "2025-06", "示例市", [])


def test_the_page_names_every_stage_and_asks_for_nothing() -> None:
    page = bridge_html(bridge_of_month(table(), "2025-06", "示例市", ["演示城市的合成数据"]))
    assert "default-src 'none'" in page
    assert not re.search(r"<script|(src|href)=\"(?!#)|url\(http", page)
    said = text_of(page)
    assert "示例市 2025年6月出院到拨付" in said
    assert "演示城市的合成数据" in said
    assert all(f"{label} 2025-06" in said for label in ("出院", "结算"))
    assert "上传 2025-06 70 70.00 40.00 2025-07 20 20.00 10.00 还没有 10 10.00 —" in said


def test_the_picture_labels_what_is_large_enough() -> None:
    drawn = html.unescape(picture(bridge_of_month(table(), "2025-06", "示例市", [])))
    assert all(f">{label}</text>" in drawn for label in STAGES.values())
    assert "70 例" in drawn
    assert "还没有 · 10 例 · 10.00 万元" in drawn
    small = [dict(zip(PATH_SCHEMA.names, row, strict=True)) for row in PATHS]
    small[2] |= {"count": 1}
    tiny = bridge_of_month(pa.Table.from_pylist(small, schema=PATH_SCHEMA), "2025-06", "示例市", [])
    assert "还没有" not in html.unescape(picture(tiny))


def test_a_month_without_discharges_is_a_page_that_says_so() -> None:
    empty = bridge_of_month(table(), "2024-01", "示例市", [])
    assert "没有出院的住院清单" in text_of(bridge_html(empty))


def test_the_workbook_holds_the_same(tmp_path: Path) -> None:
    path = tmp_path / "bridge.xlsx"
    write_bridge_xlsx(bridge_of_month(table(), "2025-06", "示例市", ["演示"]), path)
    book = load_workbook(path)
    assert book.sheetnames == ["出院的各步", "本月走到各步的", "路径"]
    rows = [[cell.value for cell in line] for line in book["出院的各步"].iter_rows()]
    assert ["上传", "还没有", 10, 100_000, None] in rows
    assert ["每一步合计", None, 100, 1_000_000, 500_000] in rows
    assert len([row for row in book["路径"].iter_rows(values_only=True) if row[0] == "2025-06"]) == 3


def test_the_command_writes_both_papers_for_area_and_hospital(
    home: Home, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(*more: str) -> dict[str, Any]:
        words = ["tongpin", "lists", "bridge", "--month", "2025-06", "--json", "--home", str(home.root), *more]
        monkeypatch.setattr("sys.argv", words)
        with pytest.raises(SystemExit) as ended:
            main()
        assert not ended.value.code
        found: dict[str, Any] = json.loads(capsys.readouterr().out)
        return found

    def counted(found: dict[str, Any]) -> dict[tuple[str, str | None], int]:
        return {(row["stage"], row["stage_month"]): row["count"] for row in found["discharged"]}

    area, one = run(), run("--institution", H2)
    assert counted(area)["settled", "2025-06"] == 2
    assert (counted(area)["settled", "2025-07"], counted(area)["grouped", None]) == (1, 1)
    assert counted(one) == dict.fromkeys(((stage, "2025-06") for stage in STAGES), 1)
    assert area["page"].endswith(f"出院到拨付-{AREA}-2025-06.html")
    assert "示例二院 2025年6月出院到拨付" in text_of(
        (home.reports / f"出院到拨付-{H2}-2025-06.html").read_text("utf-8")
    )
    assert (home.reports / f"出院到拨付-{H2}-2025-06.xlsx").exists()
    assert paths_in_home(home, AREA, H1)["count"].to_pylist() == [1, 1]


SOME_DAY = st.none() | st.integers(0, 90).map(lambda n: date(2025, 5, 1) + timedelta(days=n))
SOME_LIST = st.fixed_dictionaries(
    {
        **dict.fromkeys(("settlement_date", "upload_date", "transfer_date"), SOME_DAY),
        "discharge_date": SOME_DAY,
        "period": st.sampled_from([None, "2025-05", "2025-06"]),
        "total_fee_fen": st.integers(0, 10**8),
    }
)


@given(st.lists(SOME_LIST, max_size=15))
def test_no_list_is_lost_on_any_path(rows: list[dict[str, Any]]) -> None:
    found = paths(pa.Table.from_pylist(rows, schema=DATES_SCHEMA))
    assert sum(found["count"].to_pylist()) == len(rows)
    for month in ("2025-05", "2025-06", "2025-07"):
        made = bridge_of_month(found, month, "示例市", [])
        expected = [row for row in rows if row["discharge_date"] and f"{row['discharge_date']:%Y-%m}" == month]
        assert made.lists == len(expected)
        assert sum(made.paths["total_fee_fen"].to_pylist()) == sum(row["total_fee_fen"] for row in expected)
