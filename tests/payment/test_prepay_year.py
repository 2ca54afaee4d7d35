"""Prepayment through a year of a home: plan, pay, twelve months, clear, settle; nothing is counted twice."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from clearing_cases import line, lines_of
from payment_cases import fen
from prepay_cases import MONTHS, a_home, fund_months, history, paid, recovered, register, s001_policy
from test_clearing_run import close_months
from test_run import HOSPITAL, a_list, keep

from tongpin.base.errors import PolicyError, StoreError
from tongpin.payment.month.closed import statements
from tongpin.payment.month.run import settle_in_home
from tongpin.payment.prepay.account import read_account
from tongpin.payment.prepay.plan import Plan, PlanRow
from tongpin.payment.prepay.year_end import Cleared, settle_year
from tongpin.payment.prepay_home import (
    account_in_home,
    book_in_home,
    instant_in_home,
    pay_in_home,
    plan_in_home,
    settle_prepayments,
)
from tongpin.payment.year.run import clear_in_home, reverse_in_home
from tongpin.records.intake.load import DECISIONS, KEYS
from tongpin.records.readers.own_layouts import layout_schema
from tongpin.store import lake
from tongpin.store.home import Home

SETTLED_ON = date(2026, 3, 1)
RECEIVABLE = ("paid_fen", "offset_fen", "recovered_fen", "balance_fen")


def receivable(home: Home) -> tuple[int, ...]:
    """Paid, offset, recovered and balance of the one account of the home."""
    (one,) = account_in_home(home, 2025).standings
    return tuple(getattr(one, name) for name in RECEIVABLE)


def a_year_of_lists(home: Home) -> None:
    """Two lists a month: each is paid 5,000.00 yuan by the fund."""
    keep(
        home,
        *(
            a_list(f"{month}-{number}", 10_000, date.fromisoformat(f"{month}-03"), date.fromisoformat(f"{month}-08"))
            for month in MONTHS
            for number in (1, 2)
        ),
    )


def test_a_year_from_plan_to_settlement_leaves_the_account_at_zero(tmp_path: Path) -> None:
    home = a_home(
        tmp_path,
        prepay__scheme="national_2024",
        prepay__instalments=1,
        prepay__dates=["01-15"],
        prepay__recovery_lag=0,
        prepay__recovery_months=12,
    )
    a_year_of_lists(home)
    fund_months(home, balance=12_000, spending=1_000, income=1_000)
    file = history(tmp_path, *(f"{HOSPITAL},310,{year},120000.00,,," for year in (2022, 2023, 2024)))
    plan = plan_in_home(home, 2025, history=file, document="示例〔2025〕1号").plan
    assert [(row.paid_fen, row.refused) for row in plan.rows] == [(fen(10_000), "")]
    assert [one.amount_fen for one in pay_in_home(home, date(2025, 1, 31))] == [fen(10_000)]
    assert pay_in_home(home, date(2025, 12, 31)) == [], "a second run books nothing twice"
    for month in MONTHS:
        settle_in_home(home, month)
    rows = statements(home, "test").sort_by("month").to_pylist()
    offsets = [row["prepay_offset_fen"] for row in rows]
    assert offsets[:4] == [83_334] * 4
    assert offsets[4:] == [83_333] * 8
    assert [row["cash_transfer_fen"] + row["deposit_fen"] + row["prepay_offset_fen"] for row in rows] == [
        fen(10_000)
    ] * 12
    clearing = clear_in_home(home, 2025).clearing
    (place,) = clearing.places.to_pylist()
    assert place["advance_fen"] == fen(10_000)
    assert place["due_fen"] == fen(120_000)
    assert place["balance_fen"] == fen(3_600), "the deposit alone: the prepayment is not paid a second time"
    run = settle_prepayments(home, 2025, SETTLED_ON)
    (row,) = run.settlement.rows
    assert (row.due_fen, row.paid_fen, row.now_fen, row.reserve_payable_fen) == (
        fen(120_000),
        fen(116_400),
        fen(3_600),
        0,
    )
    assert (run.booked, row.left_fen) == (0, 0)
    assert receivable(home) == (fen(10_000), fen(10_000), 0, 0)
    # Everything that left the fund for the hospital, told from the flows, is what the year owed.
    cash = sum(row["cash_transfer_fen"] for row in rows)
    assert fen(10_000) + cash + row.now_fen == place["due_fen"]


def test_a_receivable_beyond_the_balance_is_stated_and_closes_when_it_is_returned(tmp_path: Path) -> None:
    home = a_home(tmp_path, prepay__recovery="year_end", prepay__instalments=1, prepay__dates=["01-15"])
    register(home, "H3")
    close_months(home, MONTHS, lines_of(*(line(f"{month}-a", 1_000, month=month) for month in MONTHS)))
    file = history(tmp_path, *(f"H3,310,{year},900.00,,," for year in (2022, 2023, 2024)))
    plan = plan_in_home(home, 2025, history=file, document="示例〔2025〕1号").plan
    (row,) = plan.rows
    assert (row.core_fen, row.reserve_fen, row.paid_fen) == (fen(792), fen(39.6), fen(554.4))
    pay_in_home(home, date(2025, 1, 31))
    with pytest.raises(StoreError, match=r"clear\.open"):
        settle_prepayments(home, 2025, SETTLED_ON)
    clear_in_home(home, 2025)
    draft = settle_prepayments(home, 2025, SETTLED_ON, draft=True)
    assert (draft.booked, receivable(home)) == (0, (fen(554.4), 0, 0, fen(554.4)))
    run = settle_prepayments(home, 2025, SETTLED_ON)
    (settled,) = run.settlement.rows
    assert settled.transferred_fen == fen(12_000 * 0.97)
    assert settled.ahead_fen == fen(554.4)
    assert settled.now_fen == fen(360 - 554.4 - 39.6)
    assert (settled.recovered_fen, settled.left_fen) == (fen(360), fen(194.4))
    assert receivable(home) == (fen(554.4), 0, fen(360), fen(194.4))
    again = settle_prepayments(home, 2025, SETTLED_ON)
    assert (again.booked, again.settlement.rows) == (0, run.settlement.rows)
    back = recovered("2026-03-10", 194.4, scheme="s001")
    assert book_in_home(home, back)
    assert not book_in_home(home, back), "booked once"
    with pytest.raises(PolicyError, match=r"已记过 194\.40 元"):
        book_in_home(home, back._replace(amount_fen=1))
    assert receivable(home)[-1] == 0
    with pytest.raises(PolicyError, match=r"prepay\.account"):
        book_in_home(home, recovered("2026-03-11", 0.01, scheme="s001"))


def test_a_reopened_clearing_gives_back_what_it_recovered(tmp_path: Path) -> None:
    home = a_home(tmp_path, prepay__recovery="year_end")
    close_months(home, MONTHS, lines_of(*(line(f"{month}-a", 1_000, month=month) for month in MONTHS)))
    book_in_home(home, paid("2025-01-15", 500, scheme="s001"))
    clear_in_home(home, 2025)
    settle_prepayments(home, 2025, SETTLED_ON)
    reverse_in_home(home, 2025, "漏记扣款，示例〔2026〕2号")
    row = {
        "institution_code": "H3",
        "kind": "overdue",
        "setl_id": "2025-01-a",
        "decided_date": date(2026, 1, 20),
        "document": "示例〔2026〕2号",
    }
    lake.upsert(home, DECISIONS, pa.Table.from_pylist([row], schema=layout_schema("decision")), KEYS[DECISIONS])
    clear_in_home(home, 2025)
    run = settle_prepayments(home, 2025, SETTLED_ON)
    (settled,) = run.settlement.rows
    assert settled.recovered_fen == fen(60), "of the 360 of the deposit 300 are lost with the overdue list"
    assert [one.amount_fen for one in read_account(home, "test")] == [fen(500), fen(360), -fen(300)]
    assert receivable(home) == (fen(500), 0, fen(60), fen(440))


def test_instant_settlement_is_paid_by_windows_and_taken_back_by_the_month(tmp_path: Path) -> None:
    home = a_home(tmp_path)
    days = [(1, date(2025, 6, 1)), (2, date(2025, 6, 5)), (3, date(2025, 6, 8)), (4, date(2025, 6, 11))]
    keep(home, *(a_list(f"L{number}", 10_000, day, day) for number, day in days))
    entries = instant_in_home(home, date(2025, 6, 10), "批次 1")
    assert [(str(one.entry_date), one.amount_fen) for one in entries] == [
        ("2025-06-01", fen(4_500)),  # a Sunday ends its week
        ("2025-06-08", fen(9_000)),
    ]
    assert instant_in_home(home, date(2025, 6, 10), "批次 1") == []
    assert [one.amount_fen for one in instant_in_home(home, date(2025, 6, 30), "批次 2")] == [fen(4_500)]
    (row,) = settle_in_home(home, "2025-06").settlement.statement.to_pylist()
    assert row["instant_advance_fen"] == fen(18_000)
    assert row["cash_transfer_fen"] == fen(20_000 - 600 - 18_000)
    assert receivable(home) == (fen(18_000), fen(18_000), 0, 0)
    with pytest.raises(PolicyError, match=r"prepay\.closed"):
        instant_in_home(home, date(2025, 6, 30), "批次 3")


def test_advances_and_drug_payments_beyond_the_payable_are_collected(tmp_path: Path) -> None:
    home = a_home(tmp_path)
    keep(home, a_list("L1", 10_000, date(2025, 6, 3), date(2025, 6, 3)))
    book_in_home(
        home,
        paid("2025-06-01", 3_000, institution_code=HOSPITAL, first="2025-06"),
    )
    row = {
        "institution_code": HOSPITAL,
        "kind": "direct_drug",
        "fund": "310",
        "month": "2025-06",
        "amount_fen": fen(2_500),
        "decided_date": date(2025, 6, 30),
        "document": "代付 1",
    }
    lake.upsert(home, DECISIONS, pa.Table.from_pylist([row], schema=layout_schema("decision")), KEYS[DECISIONS])
    run = settle_in_home(home, "2025-06")
    (found,) = run.settlement.statement.to_pylist()
    assert found["cash_transfer_fen"] == fen(5_000 - 150 - 3_000 - 2_500)
    assert "托收" in run.settlement.notes[-1]
    double = row | {"kind": "prepay_offset", "month": "2025-07", "amount_fen": 1}
    lake.upsert(home, DECISIONS, pa.Table.from_pylist([double], schema=layout_schema("decision")), KEYS[DECISIONS])
    book_in_home(
        home,
        paid("2025-07-01", 100, institution_code=HOSPITAL, first="2025-07", entry_id="july"),
    )
    keep(home, a_list("L2", 10_000, date(2025, 7, 3), date(2025, 7, 3)))
    with pytest.raises(PolicyError, match=r"prepay\.double"):
        settle_in_home(home, "2025-07")


def carrying(data: dict[str, Any]) -> None:
    """What a month cannot take of a prepayment waits on its account."""
    label = {"label": "拨付", "assumed": True}
    start = date(2025, 1, 1)
    data["parameters"]["transfer.negative"] |= {"values": {start: "carry"}}
    order = ["deposit", "instant_advance", "prepay_offset"]
    data["parameters"]["transfer.order"] = {**label, "unit": "codes", "values": {start: order}}
    data["parameters"]["transfer.uncovered"] = {
        **label, "unit": "choice", "by": ["claim"], "values": {start: {"prepay_offset": "wait", "*": "debt"}},
    }  # fmt: skip


def test_a_prepayment_may_be_used_up_month_by_month(tmp_path: Path) -> None:
    """Each month takes what it reaches of the whole, the rest waits: 4,850 + 4,850 + 2,300 of 12,000 yuan."""
    home = a_home(tmp_path, carrying)
    days = [date(2025, month, 3) for month in (1, 2, 3)]
    keep(home, *(a_list(f"L{day.month}", 10_000, day, day) for day in days))
    book_in_home(home, paid("2025-01-02", 12_000, institution_code=HOSPITAL, first="2025-01"))
    rows = [settle_in_home(home, f"2025-0{month}").settlement.statement.to_pylist()[0] for month in (1, 2, 3)]
    assert [row["prepay_offset_fen"] - row["waiting_fen"] for row in rows] == [fen(4_850), fen(4_850), fen(2_300)]
    assert [row["cash_transfer_fen"] for row in rows] == [0, 0, fen(2_550)]
    view = account_in_home(home, 2025)
    assert [one.balance_fen for one in view.months] == [fen(7_150), fen(2_300), 0]
    assert [one.alarms for one in view.months] == [("到期未冲抵 7,150.00 元",), ("到期未冲抵 2,300.00 元",), ()]


def test_the_worked_case_settles_in_the_account(tmp_path: Path) -> None:
    """9,500 due, 7,000 paid ahead, 500 kept for the assessment: 2,000 now and 500 still payable (S001-41), 万元."""
    wan = 1_000_000
    rules = s001_policy(tmp_path)
    row = PlanRow(
        "H3", "医院", "三级", "310", "职工", "s001", "ordinary", None, 0, 500 * wan, 10_000 * wan, (), (), (), ""
    )  # fmt: skip
    plan = Plan("test", "测试", 2025, rules.id, "", rules.digest, (), (), (row,), ())
    cleared = {("H3", "310"): Cleared("H3", "医院", "310", "职工", 9_500 * wan, 0, 0)}
    entries = [paid("2025-01-15", 70_000_000, scheme="s001")]
    found = settle_year(2025, "test/2025-1", SETTLED_ON, "test", cleared, entries, {}, plan, rules)
    (settled,) = found.rows
    assert (settled.due_fen, settled.paid_fen, settled.now_fen) == (9_500 * wan, 7_000 * wan, 2_000 * wan)
    assert (settled.reserve_payable_fen, settled.left_fen) == (500 * wan, 0)
    assert [one.amount_fen for one in found.entries] == [7_000 * wan]


def test_a_reserve_may_be_limited_to_what_is_unpaid(tmp_path: Path) -> None:
    rules = s001_policy(tmp_path, prepay__reserve_held="unpaid")
    row = PlanRow("H3", "医院", "三级", "310", "职工", "s001", "ordinary", None, 0, 500, 0, (), (), (), "")
    plan = Plan("test", "测试", 2025, rules.id, "", rules.digest, (), (), (row,), ())
    for transferred, kept, now in ((9_000, 500, 500), (9_800, 200, 0), (10_100, 0, -100)):
        cleared = {("H3", "310"): Cleared("H3", "医院", "310", "职工", 10_000, transferred, 0)}
        (settled,) = settle_year(2025, "1", SETTLED_ON, "test", cleared, [], {}, plan, rules).rows
        assert (settled.reserve_payable_fen, settled.now_fen) == (kept, now)


def test_use_is_watched_by_month_against_the_plan(tmp_path: Path) -> None:
    home = a_home(tmp_path, prepay__recovery="year_end")
    register(home, "H3")
    before = [line(f"2024-{month:02d}-a", 100, month=f"2024-{month:02d}") for month in range(1, 13)]
    now = [line(f"{month}-a", 120, month=month) for month in MONTHS[:6]]
    close_months(home, [f"2024-{month:02d}" for month in range(1, 13)], lines_of(*before))
    close_months(home, MONTHS[:6], lines_of(*now))
    file = history(tmp_path, *(f"H3,310,{year},1000.00,,," for year in (2022, 2023)))
    run = plan_in_home(home, 2025, history=file, document="示例〔2025〕1号")
    (row,) = run.plan.rows
    assert row.steps[0].formula == "2022 年取自文件；2023 年取自文件；2024 年取自月结"
    pay_in_home(home, date(2025, 6, 30))
    view = account_in_home(home, 2025)
    june = view.months[-1]
    assert (june.month, june.used_fen, june.growth_e4) == ("2025-06", fen(720), 2_000)
    assert june.use_e4 == round(720 / (june.paid_fen / 100) * 10_000)
    assert june.plan_e4 == round(720 / (row.total_fen / 100) * 10_000)
    assert "建议暂停拨付" in june.alarms[0]
    assert view.months[0].alarms == ()


def test_a_plan_that_has_paid_is_not_replaced(tmp_path: Path) -> None:
    home = a_home(tmp_path)
    register(home, "H3")
    file = history(tmp_path, *(f"H3,310,{year},1000.00,,," for year in (2022, 2023, 2024)))
    with pytest.raises(PolicyError, match=r"prepay\.plan"):
        pay_in_home(home, date(2025, 1, 31), "test")
    draft = plan_in_home(home, 2025, history=file)
    assert (draft.plan.number, draft.was_adopted) == (0, False)
    first = plan_in_home(home, 2025, history=file, document="1号").plan
    second = plan_in_home(home, 2025, history=file, short=["H3"], document="2号").plan
    assert (first.number, second.number) == (1, 2)
    shown = plan_in_home(home, 2025)
    assert (shown.was_adopted, shown.plan) == (True, second)
    assert len(pay_in_home(home, date(2025, 5, 1))) == 2
    assert [one.amount_fen for one in read_account(home, "test")] == [
        one.amount_fen for one in second.rows[0].instalments[:2]
    ]
    with pytest.raises(PolicyError, match=r"prepay\.adopted"):
        plan_in_home(home, 2025, history=file, document="3号")
