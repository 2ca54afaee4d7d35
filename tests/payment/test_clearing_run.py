"""A home through its clearing: closed once, tried, reversed, and never half written."""

from __future__ import annotations

import json
import signal
from datetime import date
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow as pa
import pytest
from clearing_cases import clearing_edition, line, lines_of, statements_of
from clearing_faults import clear, killed_at, reverse
from payment_cases import BASE, fen, write_policy

from tongpin.base.errors import PolicyError, StoreError
from tongpin.payment.month import run as month_run
from tongpin.payment.month.closed import LINES, RUN, RUNS, STATEMENTS, run_name
from tongpin.payment.year.letter_xlsx import write_clearing_xlsx
from tongpin.payment.year.run import (
    BOUNDARIES,
    CHANGED,
    PLACES,
    Papers,
    clear_in_home,
    cleared,
    clearing_runs,
    reverse_in_home,
)
from tongpin.records.intake.load import DECISIONS, KEYS
from tongpin.records.readers.own_layouts import layout_schema
from tongpin.store import lake
from tongpin.store.home import Home

MONTHS = [f"2025-{month:02d}" for month in range(1, 13)]


def close_months(home: Home, months: list[str], table: pa.Table, area: str = "test") -> None:
    """Closed months as settling leaves them."""
    for name, rows, month in ((LINES, table, "period"), (STATEMENTS, statements_of(table, deposit=0.03), "month")):
        named = pa.array([run_name(area, one) for one in rows[month].to_pylist()], pa.string())
        lake.append(home, name, rows.append_column(RUN, named))
    manifests = [{"month": month, "area": area, "result_digest": f"digest of {month}"} for month in months]
    runs = [{"month": one["month"], "area": area, "digest": "", "manifest": json.dumps(one)} for one in manifests]
    lake.append(home, RUNS, pa.Table.from_pylist(runs))


def edition(folder: Path, values: dict[str, Any]) -> None:
    write_policy(folder, change=lambda data: clearing_edition(data, values))


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home.open(tmp_path / "home")
    edition(home.policies / "test" / "2025", {"band.apply": "bands"})
    assert BASE["id"] == "test/2025"
    over = [line(f"{month}-a", 100, month=month, fee=106) for month in MONTHS]
    even = [line(f"{month}-b", 50, month=month) for month in MONTHS]
    close_months(home, MONTHS, lines_of(*over, *even))
    return home


def decide(home: Home, **decision: Any) -> None:
    row = {"institution_code": "H3", "decided_date": date(2026, 1, 20), "document": "示例〔2026〕1号", **decision}
    table = pa.Table.from_pylist([row], schema=layout_schema("decision"))
    lake.upsert(home, DECISIONS, table, KEYS[DECISIONS])


def amounts(home: Home) -> list[tuple[str, int, int]]:
    table = lake.read(home, PLACES, ["run", "due_fen", "balance_fen"])
    return sorted(tuple(row.values()) for row in table.to_pylist())


def test_a_year_is_cleared_once_and_shown_again_as_it_was(home: Home) -> None:
    first = clear_in_home(home, 2025)
    assert first.clearing.places["due_fen"].to_pylist() == [fen(1_800) + fen(36)], "half of the 72 over"
    decide(home, kind="overdue", setl_id="2025-01-a")
    again = clear_in_home(home, 2025)
    assert (first.was_closed, again.was_closed) == (False, True)
    assert again.clearing.digest == first.clearing.digest
    assert again.clearing.reasons.equals(first.clearing.reasons)
    assert list(again.manifest["months"]) == MONTHS


def test_a_draft_closes_nothing_and_works_on_open_years(home: Home) -> None:
    draft = clear_in_home(home, 2025, draft=True)
    assert not lake.exists(home, PLACES)
    assert draft.clearing.digest == clear_in_home(home, 2025).clearing.digest
    close_months(home, ["2026-01"], lines_of(line("x", 100, month="2026-01")))
    with pytest.raises(PolicyError, match=r"clear\.months.*11 个月没有关账"):
        clear_in_home(home, 2026)
    assert "11 个月没有关账" in clear_in_home(home, 2026, draft=True).manifest["notes"][0]


def test_a_year_is_reopened_only_by_a_reversal_and_both_stay_visible(home: Home) -> None:
    clear_in_home(home, 2025)
    with pytest.raises(PolicyError, match="写明原因"):
        reverse_in_home(home, 2025, " ")
    reverse_in_home(home, 2025, "漏记逾期清单，示例〔2026〕2号")
    with pytest.raises(StoreError, match="没有已关账的清算"):
        cleared(home, 2025)
    decide(home, kind="overdue", setl_id="2025-01-a")
    second = clear_in_home(home, 2025)
    assert [run["run"] for run in clearing_runs(home)] == ["test/2025-1", "test/2025-1R", "test/2025-2"]
    assert amounts(home)[0][1] == -amounts(home)[1][1]
    assert second.clearing.changed["case_id"].to_pylist() == ["2025-01-a"]
    assert sum(row[1] for row in amounts(home)) == second.clearing.places["due_fen"][0].as_py()


def test_tampering_is_noticed(home: Home) -> None:
    clear_in_home(home, 2025)
    table = lake.read(home, PLACES)
    place = table.column_names.index("balance_fen")
    lake.replace(home, PLACES, table.set_column(place, "balance_fen", pa.array([1])), "run", "test/2025-1")
    with pytest.raises(StoreError, match="摘要不符"):
        clear_in_home(home, 2025)


@pytest.mark.parametrize("boundary", BOUNDARIES)
def test_a_clearing_killed_at_a_boundary_loses_and_doubles_nothing(home: Home, boundary: str) -> None:
    wanted = clear_in_home(home, 2025, draft=True).clearing.digest
    assert killed_at(home, boundary, clear) == -signal.SIGKILL
    closed = boundary == BOUNDARIES[-1]
    assert len(clearing_runs(home)) == closed, "only the last write closes"
    again = clear_in_home(home, 2025)
    assert (again.was_closed, again.clearing.digest) == (closed, wanted)
    assert len(amounts(home)) == 1
    assert [run["run"] for run in clearing_runs(home)] == ["test/2025-1"]


@pytest.mark.parametrize("boundary", BOUNDARIES)
def test_a_reversal_killed_at_a_boundary_loses_and_doubles_nothing(home: Home, boundary: str) -> None:
    clear_in_home(home, 2025)
    assert killed_at(home, boundary, reverse) == -signal.SIGKILL
    if boundary != BOUNDARIES[-1]:
        assert clear_in_home(home, 2025).was_closed, "still in force"
        reverse_in_home(home, 2025, "重算")
    assert sum(row[1] for row in amounts(home)) == 0
    assert [run["run"] for run in clearing_runs(home)] == ["test/2025-1", "test/2025-1R"]


def test_the_thirteenth_period_belongs_to_the_year_before(home: Home) -> None:
    edition(
        home.policies / "test" / "2025",
        {"calendar.thirteenth_period": True, "calendar.thirteenth_period_end": "01-31"},
    )
    with pytest.raises(PolicyError, match=r"例如 2026-01"):
        clear_in_home(home, 2025)
    late = line("late", 70, month="2026-01", settlement_date=date(2025, 12, 30), line_kind="late")
    new = line("new", 30, month="2026-01")
    close_months(home, ["2026-01"], lines_of(late, new))
    places = clear_in_home(home, 2025).clearing.places
    assert places["posted_fen"].to_pylist() == [fen(1_870)]
    assert places["deposit_fen"].to_pylist() == [fen(1_870 * 0.03)]
    rest = clear_in_home(home, 2026, draft=True).clearing.places
    assert rest["posted_fen"].to_pylist() == [fen(30)]
    assert rest["deposit_fen"].to_pylist() == [fen(0.9)]


def test_the_workbook_shows_every_step_and_the_capitals(home: Home, tmp_path: Path) -> None:
    run = clear_in_home(home, 2025)
    write_clearing_xlsx(run.clearing, run.manifest, tmp_path / "letter.xlsx", notices=["模拟"])
    book = openpyxl.load_workbook(tmp_path / "letter.xlsx")
    assert book.sheetnames == ["清算汇总", "比例与系数", "各步理由", "逐例改付", "口径与依据"]
    texts = [str(cell.value) for sheet in book for row in sheet.iter_rows() for cell in row if cell.value is not None]
    assert any("本次补付（大写）：玖拾元整" in text for text in texts), "36 of the overspend and 54 of the deposit"
    assert any("经办机构（盖章）" in text for text in texts)
    assert lake.read(home, CHANGED).num_rows == 0


def test_the_command_writes_the_letters_and_reverses(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    from tongpin.cli import clearing_commands

    clearing_commands.clear(home.root, 2025, None, draft=True)
    assert "草稿，没有关账" in capsys.readouterr().out
    clearing_commands.clear(home.root, 2025, None, draft=False)
    said = capsys.readouterr().out
    assert "2025 年度清算，万元（已关账；测试付费办法；模拟）" in said
    names = {path.name for path in home.reports.iterdir() if path.suffix == ".xlsx"}
    assert names == {"年度清算书-test-2025-1-草稿.xlsx", "年度清算书-test-2025-1.xlsx"}
    clearing_commands.reverse(home.root, 2025, "重算")
    assert "清算 test/2025-1 已撤销（test/2025-1R）：重算" in capsys.readouterr().out


def test_the_agreement_sheet_is_read_and_named_in_the_manifest(home: Home, tmp_path: Path) -> None:
    edition(home.policies / "test" / "2025", {"assessment.applies_to": "deposit", "assessment.source": "agreement"})
    sheet = tmp_path / "sheet.csv"
    head = "institution_code,year,clause,evidence,deduction,checked_on\n"
    sheet.write_text(f"{head}H3,2025,第八条,抽查记录,7.5,2025-12-01\n", encoding="utf-8")
    run = clear_in_home(home, 2025, papers=Papers(agreement=sheet))
    assert run.clearing.places["coefficient_e4"].to_pylist() == [9_250]
    assert set(run.manifest["inputs"]) == {"decision", "agreement"}
    sheet.write_text(f"{head}H3,2025,第八条,抽查记录,七分,2025-12-01\n", encoding="utf-8")
    with pytest.raises(PolicyError, match=r"clear\.agreement.*第 2 行"):
        clear_in_home(home, 2026, papers=Papers(agreement=sheet), draft=True)


def test_a_debt_is_claimed_by_one_later_month_only(tmp_path: Path) -> None:
    home = Home.open(tmp_path / "owing")
    owing = lines_of(line("a", 100, month="2025-01"))
    close_months(home, ["2025-01"], owing)
    table = lake.read(home, STATEMENTS)
    owed = table.set_column(table.column_names.index("debt_fen"), "debt_fen", pa.array([fen(7)]))
    lake.replace(home, STATEMENTS, owed, RUN, "test/2025-01")
    first = month_run._carried(home, "test", "2025-02")
    assert (first.claims["amount_fen"].to_pylist(), first.months) == ([fen(7)], ("2025-01",))
    manifest = {"month": "2025-02", "area": "test", "carried_from": list(first.months)}
    row = {"month": "2025-02", "area": "test", "digest": "", "manifest": json.dumps(manifest)}
    lake.append(home, RUNS, pa.Table.from_pylist([row]))
    assert month_run._carried(home, "test", "2025-03").claims.num_rows == 0
