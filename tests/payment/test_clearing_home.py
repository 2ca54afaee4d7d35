"""What a clearing of a home takes besides its months: last year's figures, rooms that decide, lines settled apart."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import openpyxl
import pyarrow as pa
import pytest
from clearing_cases import clearing_policy, line, lines_of, ruling
from payment_cases import fen
from test_clearing_run import MONTHS, close_months, decide, edition

from tongpin.base.errors import PolicyError
from tongpin.payment.year import run as year_run
from tongpin.payment.year.letter import Apart, letters
from tongpin.payment.year.letter_pdf import write_letters_pdf
from tongpin.payment.year.letter_xlsx import write_clearing_xlsx
from tongpin.payment.year.next_base import weights_digest
from tongpin.payment.year.rulings import RULING_SCHEMA, with_derived
from tongpin.payment.year.run import BASES, Papers, clear_in_home, reverse_in_home
from tongpin.records.readers.own_layouts import layout_schema
from tongpin.store import lake
from tongpin.store.home import Home

if TYPE_CHECKING:
    from pathlib import Path

UPLIFT = {
    "uplift.base": "due",
    "uplift.ratio": 0.08,
    "uplift.cmi_growth": 0.03,
    "uplift.fee_growth": 0.02,
    "uplift.weights": "same",
}
LAST_MONTHS = [f"2024-{month:02d}" for month in range(1, 13)]


def a_year(months: list[str], weight: float, hospital: str = "H3") -> pa.Table:
    """A case a month of so much weight, paid and costing 100 yuan a tenth of a weight."""
    rows = [line(f"{month}-{hospital}", weight * 1_000, month=month, hospital=hospital) for month in months]
    return lines_of(*(row | {"weight_e4": round(weight * 10_000)} for row in rows))


def a_home(folder: Path, **values: Any) -> Home:
    home = Home.open(folder / "home")
    edition(home.policies / "test" / "2025", UPLIFT | {key.replace("__", "."): value for key, value in values.items()})
    close_months(home, MONTHS, a_year(MONTHS, 1.1))
    return home


def last_year(folder: Path, *rows: str, head: str = "institution_code,fund,drg_cases,total_weight,drg_fee") -> Path:
    path = folder / "last.csv"
    path.write_text("\n".join([head, *rows, ""]), encoding="utf-8")
    return path


def test_next_years_base_needs_the_figures_of_the_year_before(tmp_path: Path) -> None:
    home = a_home(tmp_path)
    with pytest.raises(PolicyError, match=r"clear\.base.*没有 2024 年度"):
        clear_in_home(home, 2025)
    assert not lake.exists(home, BASES), "nothing was closed"


def test_next_years_base_is_stated_from_given_figures_with_its_uplift(tmp_path: Path) -> None:
    home = a_home(tmp_path)
    papers = Papers(last_year=last_year(tmp_path, "H3,310,12,12,12000.00"))
    run = clear_in_home(home, 2025, papers=papers)
    (base,) = run.clearing.bases.to_pylist()
    assert (base["base_fen"], base["uplift_e4"], base["next_fen"]) == (fen(13_200), 800, fen(14_256))
    assert base["reason"] == "CMI +10.00 %，每权重费用 +0.00 %：CMI 提升显著且控费达标，上浮 8.00 %"
    assert set(run.manifest["inputs"]) == {"decision", "last_year"}
    assert lake.read(home, BASES).num_rows == 1
    again = clear_in_home(home, 2025)
    assert again.was_closed
    assert again.clearing.bases.equals(run.clearing.bases)
    reverse_in_home(home, 2025, "重算")
    assert sum(lake.read(home, BASES)["next_fen"].to_pylist()) == 0


def test_next_years_base_is_stated_from_the_clearing_of_the_year_before(tmp_path: Path) -> None:
    home = Home.open(tmp_path / "home")
    for year, values in ((2024, {"uplift.base": "none"}), (2025, UPLIFT)):
        edition(home.policies / "test" / "2025", UPLIFT | values)
        months = LAST_MONTHS if year == 2024 else MONTHS
        text = (home.policies / "test" / "2025" / "policy.yaml").read_text(encoding="utf-8")
        (home.policies / "test" / "2025" / "policy.yaml").write_text(
            text.replace("2025-01-01", "2024-01-01"), encoding="utf-8"
        )
        close_months(home, months, a_year(months, 1.0 if year == 2024 else 1.02))
        run = clear_in_home(home, year)
    (base,) = run.clearing.bases.to_pylist()
    assert (base["uplift_e4"], base["next_fen"]) == (0, fen(12_240))
    assert base["reason"].endswith("CMI 提升不到 +3.00 %，不上浮")


def test_the_base_stands_in_the_letters(tmp_path: Path) -> None:
    run = clear_in_home(a_home(tmp_path), 2025, papers=Papers(last_year=last_year(tmp_path, "H3,310,12,12,12000")))
    path = tmp_path / "letter.xlsx"
    write_clearing_xlsx(run.clearing, run.manifest, path)
    book = openpyxl.load_workbook(path)
    assert "下年基数" in book.sheetnames
    cells = [cell.value for row in book["下年基数"].iter_rows() for cell in row]
    assert 14_256 in cells
    assert letters(run.clearing)[0].bases[0]["next_fen"] == fen(14_256)
    write_letters_pdf(run.clearing, run.manifest, tmp_path / "letter.pdf")
    assert (tmp_path / "letter.pdf").read_bytes().startswith(b"%PDF-")


def test_the_command_states_the_base(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from tongpin.cli import clearing_commands

    home = a_home(tmp_path)
    figures = last_year(tmp_path, "H3,310,12,12,12000")
    clearing_commands.clear(home.root, 2025, None, None, figures, draft=True)
    said = capsys.readouterr().out
    assert "2026 年度基数" in said
    assert "8.00 %" in said
    assert "下一步" in said


@pytest.mark.parametrize(
    ("rows", "why"),
    [
        (["H3,310,12,十二,12000"], "不是数"),
        (["H3,310,12,-1,12000"], "不能为负"),
        (["H3,310,12,1.00001,12000"], "最多四位小数"),
        (["H3,310,12,12,12000", "H3,310,1,1,1"], "写了两次"),
    ],
)
def test_figures_of_last_year_that_cannot_be_read_are_refused(tmp_path: Path, rows: list[str], why: str) -> None:
    with pytest.raises(PolicyError, match=rf"clear\.last_year.*{why}"):
        clear_in_home(a_home(tmp_path), 2025, papers=Papers(last_year=last_year(tmp_path, *rows)))


def test_a_wrong_head_or_a_missing_file_is_refused(tmp_path: Path) -> None:
    home = a_home(tmp_path)
    wrong = last_year(tmp_path, "H3,310", head="institution_code,fund")
    with pytest.raises(PolicyError, match="表头不对"):
        clear_in_home(home, 2025, papers=Papers(last_year=wrong))
    with pytest.raises(PolicyError, match="文件不存在"):
        clear_in_home(home, 2025, papers=Papers(last_year=tmp_path / "nowhere.csv"))


def test_weights_are_told_apart_by_what_they_say(tmp_path: Path) -> None:
    policy = clearing_policy(tmp_path)
    assert weights_digest(policy, "catalogue") == weights_digest(clearing_policy(tmp_path / "same"), "another")
    assert weights_digest(policy, "") != "catalogue"


# Rooms that decide themselves.


def rows(*decided: dict[str, Any]) -> pa.Table:
    return pa.Table.from_pylist(list(decided), schema=RULING_SCHEMA)


def test_a_loaded_decision_stands_instead_of_a_derived_one() -> None:
    loaded = rows(ruling("overdue", setl_id="a", result="豁免"))
    derived = rows(ruling("overdue", setl_id="a", result="逾期"), ruling("overdue", setl_id="b", result="逾期"))
    both = with_derived(loaded, [derived]).to_pylist()
    assert [(row["setl_id"], row["result"]) for row in both] == [("a", "豁免"), ("b", "逾期")]


def test_what_a_room_decides_enters_step_8_and_an_exemption_takes_it_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = a_home(tmp_path, uplift__base="none")
    asked = []

    def overdue(home: Home, area: str, year: int) -> pa.Table:
        asked.append((area, year))
        told = {"institution_code": "H3", "kind": "overdue", "setl_id": "2025-01-H3", "result": "逾期"}
        return pa.Table.from_pylist([told | {"decided_date": date(2025, 3, 1)}], schema=layout_schema("decision"))

    assert clear_in_home(home, 2025, draft=True).clearing.changed.num_rows == 0, "the rooms themselves decided nothing"
    monkeypatch.setattr(year_run, "SOURCES", (overdue,))
    assert clear_in_home(home, 2025, draft=True).clearing.changed["case_id"].to_pylist() == ["2025-01-H3"]
    assert asked == [("test", 2025)]
    decide(home, kind="overdue", setl_id="2025-01-H3", result="豁免")
    assert clear_in_home(home, 2025, draft=True).clearing.changed.num_rows == 0


# Lines settled apart.


def test_lines_settled_apart_stand_in_the_letter_and_move_no_balance(tmp_path: Path) -> None:
    run = clear_in_home(a_home(tmp_path, uplift__base="none"), 2025)
    apart = [Apart("H3", "集采结余留用（职工）", "节省 100.00 × 留用比例 50.00 %", fen(50), "模拟")]
    plain, with_line = letters(run.clearing)[0], letters(run.clearing, apart)[0]
    assert with_line.apart == tuple(apart)
    assert plain.apart == ()
    assert with_line.balance_fen == plain.balance_fen
    write_clearing_xlsx(run.clearing, run.manifest, tmp_path / "a.xlsx", apart=apart)
    book = openpyxl.load_workbook(tmp_path / "a.xlsx")
    assert "集采结余留用（职工）" in [cell.value for row in book["另行结算"].iter_rows() for cell in row]
    write_clearing_xlsx(run.clearing, run.manifest, tmp_path / "b.xlsx")
    assert "另行结算" not in openpyxl.load_workbook(tmp_path / "b.xlsx").sheetnames
