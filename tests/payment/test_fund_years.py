"""A year of the funds and the execution of hospitals' budgets, through a small home: cleared, shared, assessed."""

from __future__ import annotations

import csv
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from clearing_cases import line, lines_of
from fund_cases import close_months, fund_edition, series_table, year_rows
from payment_cases import write_policy

from tongpin.base.errors import PolicyError
from tongpin.payment.fund.execution import agreement_lines, executed_in_home, read_budgets
from tongpin.payment.fund.series import SERIES
from tongpin.payment.fund.years import year_in_home
from tongpin.payment.prepay.account import PAID, S001, Entry, book
from tongpin.payment.year.run import Papers, clear_in_home
from tongpin.records.intake.load import KEYS
from tongpin.records.readers.own_layouts import layout_schema
from tongpin.store import lake
from tongpin.store.home import Home

MONTHS = [f"2025-{month:02d}" for month in range(1, 13)]
HEADER = "institution_code,fund,year,budget,document\n"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """Twelve closed months: H3 overspends 100 by 6 a month, H4 has 10 of 100 left."""
    home = Home.open(tmp_path / "home")
    values = {
        "band__apply": "bands",
        "assessment__applies_to": "deposit",
        "assessment__source": "agreement",
        "assessment__negative": "apply",
    }
    write_policy(home.policies / "test" / "2025", change=lambda data: fund_edition(data, **values))
    rows = [line(f"{month}-a", 100, month=month, fee=106) for month in MONTHS]
    rows += [line(f"{month}-b", 100, month=month, fee=90, hospital="H4") for month in MONTHS]
    close_months(home, lines_of(*rows))
    series = [row | {"budget_spending_fen": 20_000} for row in year_rows(2025, 3_000, 2_520, 1_000)]
    lake.upsert(home, SERIES, series_table(series).select(layout_schema("fund-series").names), KEYS[SERIES])
    return home


def budgets(folder: Path, text: str) -> Path:
    path = folder / "budgets.csv"
    path.write_text(HEADER + text, encoding="utf-8")
    return path


def test_before_the_clearing_the_year_says_so(home: Home) -> None:
    book(home, [Entry("test", "e1", "H3", "310", S001, PAID, 50_000, date(2025, 1, 5), "2025-01", "示例〔2025〕1号")])
    report = year_in_home(home, 2025)
    (fund,) = report.funds
    assert (fund.budget_fen, fund.spending_fen, fund.rate) == (240_000, 252_000, Decimal("1.05"))
    assert (fund.prepaid_fen, fund.due_fen, fund.retained_fen) == (50_000, None, None)
    assert report.notes == ("2025 年度还没有清算，清算、结余留用与超支分担没有列出",)
    assert year_in_home(home, 2024).funds == []


def test_the_execution_becomes_points_and_enters_the_assessment(home: Home, tmp_path: Path) -> None:
    path = budgets(tmp_path, "H3,310,2025,1000.00,示例〔2025〕7号\nH4,310,2025,1250.00,示例〔2025〕7号\n")
    found = executed_in_home(home, 2025, path)
    assert [(one.institution_code, one.spent_fen, one.rate_e4, one.deduction) for one in found.rows] == [
        ("H3", 120_000, 12_000, Decimal("2.5")),
        ("H4", 120_000, 9_600, 0),
    ]
    sheet = tmp_path / "sheet.csv"
    sheet.write_text(agreement_lines(found, date(2026, 1, 31)), encoding="utf-8")
    (_, row, _) = csv.reader(sheet.read_text(encoding="utf-8").splitlines())
    assert row[:3] == ["H3", "2025", "预算执行率（职工）"]
    assert row[3] == "预算 1,000.00 元（示例〔2025〕7号），12 个月统筹应付 1,200.00 元，执行率 120.00%"
    assert row[4:] == ["2.5", "2026-01-31"]
    places = clear_in_home(home, 2025, papers=Papers(sheet)).clearing.places.to_pylist()
    assert [(one["institution_code"], one["score_e4"]) for one in places] == [("H3", 975_000), ("H4", 1_000_000)]

    (fund,) = year_in_home(home, 2025).funds
    # H3: 72 over 1,200, half of it the fund's; H4: 120 left of 1,200, kept by the hospital.
    assert (fund.overspend_fen, fund.shared_fen, fund.borne_fen, fund.overspend_hospitals) == (7_200, 3_600, 3_600, 1)
    assert (fund.surplus_fen, fund.retained_fen, fund.returned_fen, fund.surplus_hospitals) == (12_000, 12_000, 0, 1)
    assert fund.due_fen == 240_000 + 3_600 + fund.assessed_fen
    assert fund.due_fen == fund.transferred_fen + fund.balance_fen


def test_a_year_half_closed_and_a_hospital_without_budget_are_said(tmp_path: Path) -> None:
    home = Home.open(tmp_path / "half")
    write_policy(home.policies / "test" / "2025", change=fund_edition)
    close_months(home, lines_of(line("a", 95), line("b", 100, hospital="H4")))
    found = executed_in_home(home, 2025, budgets(tmp_path, "H3,310,2025,100,示例\n"))
    assert (found.months, found.rows[0].rate_e4, found.rows[0].deduction) == (1, 9_500, 0)
    assert "只有 1 个月已关账" in found.notes[0]
    with pytest.raises(PolicyError, match="还不能计入考核") as caught:
        agreement_lines(found, date(2026, 1, 31))
    assert caught.value.code == "fund.open"
    assert "1 个机构的一项基金没有预算，不考核执行率，例如 医院H4（职工）" in found.notes[1]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("H7,310,2025,100,示例\n", "没有机构 H7"),
        ("H3,310,2025,0,示例\n", "预算不大于 0"),
        ("H3,310,2025,100,\n", "没有来源文件"),
        ("H3,310,2025,100,示例\nH3,310,2025,200,示例\n", "写了两行"),
        ("H3,310,twenty,100,示例\n", "年度或预算不对"),
        ("H3,310,2025,100\n", "列数不对"),
    ],
)
def test_budgets_that_cannot_be_are_refused(home: Home, tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(PolicyError, match=words) as caught:
        executed_in_home(home, 2025, budgets(tmp_path, text))
    assert caught.value.code == "fund.budgets"


def test_other_tables_and_years_without_months_are_refused(home: Home, tmp_path: Path) -> None:
    (tmp_path / "other.csv").write_text("a,b\n", encoding="utf-8")
    with pytest.raises(PolicyError, match="表头不对"):
        read_budgets(tmp_path / "other.csv")
    with pytest.raises(PolicyError, match="不存在"):
        read_budgets(tmp_path / "none.csv")
    with pytest.raises(PolicyError, match="还没有关账的月份"):
        executed_in_home(home, 2023, budgets(tmp_path, ""))


def test_an_edition_that_leaves_the_points_open_is_refused(tmp_path: Path) -> None:
    home = Home.open(tmp_path / "open")
    write_policy(home.policies / "test" / "2025", change=lambda data: fund_edition(data, fund__assess__deduction=None))
    close_months(home, lines_of(line("a", 95)))
    with pytest.raises(PolicyError, match="没有这个参数") as caught:
        executed_in_home(home, 2025, budgets(tmp_path, "H3,310,2025,100,示例\n"))
    assert caught.value.code == "policy.gap"
