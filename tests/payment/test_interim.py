"""Interim bills through the months: joined as the policy says, and nothing is paid twice or lost (practice §2)."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from payment_cases import INSTITUTIONS, START, case, decisions, fen, grouped, make_policy, withdrawals

from tongpin.base.errors import PolicyError
from tongpin.payment.explain import explain_case
from tongpin.payment.month.interim import join_interim_bills
from tongpin.payment.month.posting import LINE_SCHEMA
from tongpin.payment.month.statement import MonthSettlement, settle_month
from tongpin.payment.pricing.price import price

if TYPE_CHECKING:
    from pathlib import Path

    from tongpin.payment.policy.policy import Policy

MAY, JUNE, JULY, AUGUST = "2025-05", "2025-06", "2025-07", "2025-08"


def bill(case_id: str, fee: float, settled: date, **more: Any) -> dict[str, Any]:
    return case(case_id, fee, fee / 4, settled=settled, mdtrt_id="M1", **more)


A = bill("A", 4_000, date(2025, 5, 20))
B = bill("B", 5_000, date(2025, 6, 20))
C = bill("C", 3_000, date(2025, 7, 20))
OTHER = case("X", 9_000, 1_000, settled=date(2025, 6, 2), mdtrt_id="M9")


class Books:
    """A hospital's months, closed one after another."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self.posted = LINE_SCHEMA.empty_table()
        self.closed: set[str] = set()

    def close(self, month: str, *cases: dict[str, Any], gone: pa.Table | None = None) -> MonthSettlement:
        seen = [one for one in cases if f"{one['settlement_date']:%Y-%m}" <= month]
        joined = join_interim_bills(
            grouped(*seen), self.posted, withdrawals() if gone is None else gone, month, self.policy
        )
        priced = price(joined.lists, self.policy, INSTITUTIONS)
        found = settle_month(month, priced, self.posted, joined.withdrawals, decisions(), self.closed, self.policy)
        self.posted = pa.concat_tables([self.posted, found.lines])
        self.closed.add(month)
        return found

    def fees(self) -> int:
        return pc.sum(self.posted["total_fee_fen"]).as_py() or 0


def told(found: MonthSettlement) -> list[tuple[str, str, int]]:
    names = ("case_id", "line_kind", "total_fee_fen")
    return [tuple(row[name] for name in names) for row in found.lines.to_pylist()]  # type: ignore[misc]


@pytest.fixture
def books(tmp_path: Path) -> Books:
    return Books(make_policy(tmp_path))


def test_bills_of_one_stay_are_paid_as_one_case(books: Books) -> None:
    found = books.close(JUNE, A, B, OTHER)
    assert told(found) == [("B", "regular", fen(9_000)), ("X", "regular", fen(9_000))]
    line = found.lines.to_pylist()[0]
    assert line["merged_case_ids"] == ["A", "B"]
    assert line["standard_fen"] == fen(10_000), "one standard for the stay, not one a bill"
    assert "本例由同一次住院的 2 份清单合并：A、B（模拟）" in explain_case(line, books.policy)
    assert "合并" not in explain_case(found.lines.to_pylist()[1], books.policy)


def test_a_bill_paid_before_is_reversed_when_the_stay_goes_on(books: Books) -> None:
    assert told(books.close(MAY, A, B, C)) == [("A", "regular", fen(4_000))]
    june = books.close(JUNE, A, B, C)
    assert told(june) == [("A", "reversal", fen(-4_000)), ("B", "replacement", fen(9_000))]
    assert [line["original_period"] for line in june.lines.to_pylist()] == [MAY, MAY]
    july = books.close(JULY, A, B, C)
    assert told(july) == [("B", "reversal", fen(-9_000)), ("C", "replacement", fen(12_000))]
    assert books.fees() == fen(12_000)
    total = pc.sum(books.posted["pool_payable_fen"]).as_py()
    assert total == fen(10_000 - 3_000), "what stands in the end is the one standard less the patient's part"
    assert told(books.close(AUGUST, A, B, C, case("Y", 100, 0, settled=date(2025, 8, 1)))) == [
        ("Y", "regular", fen(100))
    ]


def test_a_late_first_bill_joins_the_last_one_that_was_paid(books: Books) -> None:
    books.close(JUNE, B)
    late = A | {"accepted_date": date(2025, 7, 15)}
    july = books.close(JULY, late, B)
    assert told(july) == [("A", "replacement", fen(9_000)), ("B", "reversal", fen(-5_000))]
    assert july.lines.to_pylist()[0]["merged_case_ids"] == ["A", "B"]
    assert books.fees() == fen(9_000)
    august = books.close(AUGUST, late, B, case("Y", 100, 0, settled=date(2025, 8, 1)))
    assert told(august) == [("Y", "regular", fen(100))]
    assert august.notes == ()


def test_the_merged_case_waits_for_its_last_bill_and_the_first_stays_paid_until_then(books: Books) -> None:
    books.close(MAY, A)
    later = B | {"accepted_date": date(2025, 8, 5)}
    assert told(books.close(JUNE, A, later, OTHER)) == [("X", "regular", fen(9_000))]
    july = books.close(JULY, A, later, OTHER)
    assert sorted(told(july)) == [("A", "reversal", fen(-4_000)), ("B", "replacement", fen(9_000))]


def test_a_withdrawn_merged_case_gives_way_to_its_successor(books: Books) -> None:
    books.close(JUNE, A, B)
    again = bill("B2", 6_000, date(2025, 6, 21), accepted=date(2025, 7, 3))
    gone = withdrawals(("B", date(2025, 7, 2), "B2"))
    july = books.close(JULY, A, B, again, gone=gone)
    assert told(july) == [("B", "reversal", fen(-9_000)), ("B2", "replacement", fen(10_000))]
    assert july.lines.to_pylist()[1]["merged_case_ids"] == ["A", "B2"]
    assert books.fees() == fen(10_000)


def test_what_is_left_of_a_withdrawn_stay_is_still_paid(books: Books) -> None:
    first = A | {"settlement_date": date(2025, 6, 5), "discharge_time": None}
    books.close(JUNE, first, B)
    july = books.close(JULY, first, B, gone=withdrawals(("B", date(2025, 7, 2), None)))
    assert told(july) == [("A", "late", fen(4_000)), ("B", "reversal", fen(-9_000))]


def test_a_withdrawn_member_of_a_paid_case_is_told(books: Books) -> None:
    books.close(JUNE, A, B)
    rest = case("Y", 100, 0, settled=date(2025, 7, 1))
    gone = withdrawals(("A", date(2025, 7, 2), None))
    seen = grouped(A, B, rest)
    joined = join_interim_bills(seen, books.posted, gone, JULY, books.policy)
    assert "已并入他份入账的清单后来撤销" in joined.notes[0]
    assert told(books.close(JULY, A, B, rest, gone=gone)) == [("Y", "regular", fen(100))]


def test_each_bill_may_be_a_case_of_its_own(tmp_path: Path) -> None:
    books = Books(make_policy(tmp_path, {"scope.interim_bills": "each"}))
    assert told(books.close(MAY, A, B)) == [("A", "regular", fen(4_000))]
    assert told(books.close(JUNE, A, B)) == [("B", "regular", fen(5_000))]
    assert books.posted["merged_case_ids"].null_count == books.posted.num_rows
    assert books.posted["standard_fen"].to_pylist() == [fen(10_000)] * books.posted.num_rows


DECEMBER, JANUARY = "2025-12", "2026-01"
D = bill("D", 4_000, date(2025, 12, 28))
E = bill("E", 5_000, date(2026, 1, 10))


def test_a_stay_across_years_is_one_case_or_one_a_year(tmp_path: Path) -> None:
    whole = Books(make_policy(tmp_path / "whole", {"scope.stays_across_years": "whole"}))
    whole.close(DECEMBER, D, E)
    assert told(whole.close(JANUARY, D, E)) == [("D", "reversal", fen(-4_000)), ("E", "replacement", fen(9_000))]
    apart = Books(make_policy(tmp_path / "apart", {"scope.stays_across_years": "by_year"}))
    apart.close(DECEMBER, D, E)
    assert told(apart.close(JANUARY, D, E)) == [("E", "regular", fen(5_000))]
    assert apart.fees() == whole.fees() == fen(9_000)


def test_only_a_stay_across_years_asks_how_it_is_paid(tmp_path: Path) -> None:
    books = Books(make_policy(tmp_path, change=lambda data: data["parameters"].pop("scope.stays_across_years")))
    assert told(books.close(JUNE, A, B)) == [("B", "regular", fen(9_000))]
    with pytest.raises(PolicyError) as refused:
        books.close(JANUARY, A, B, D, E)
    assert refused.value.code == "policy.gap"


def test_bed_days_are_paid_by_item_and_must_be_said(tmp_path: Path) -> None:
    def with_bed_day(data: dict[str, Any]) -> None:
        scope = {"inpatient": "DRG", "bed_day": "BY_ITEM", "*": "OUT"}
        data["parameters"]["scope.care_type"]["values"] = {START: scope}
        data["parameters"]["scope.interim_bills"]["values"] = {START: "bed_day"}

    books = Books(make_policy(tmp_path / "said", change=with_bed_day))
    lines = books.close(JUNE, A | {"settlement_date": date(2025, 6, 1)}, B, OTHER).lines.to_pylist()
    assert [(row["case_id"], row["pay_scope"], row["by_item_reason"]) for row in lines] == [
        ("A", "BY_ITEM", "care_type"),
        ("B", "BY_ITEM", "care_type"),
        ("X", "DRG", None),
    ]
    assert "就医类别 床日（一次住院的几份清单） 不按病组付费（模拟）" in explain_case(lines[0], books.policy)
    unsaid = make_policy(tmp_path / "unsaid", {"scope.interim_bills": "bed_day"})
    with pytest.raises(PolicyError, match="没有写 bed_day"):
        Books(unsaid).close(JUNE, A, B)


def test_an_edition_that_leaves_interim_bills_open_is_refused(tmp_path: Path) -> None:
    policy = make_policy(tmp_path, change=lambda data: data["parameters"].pop("scope.interim_bills"))
    with pytest.raises(PolicyError) as refused:
        Books(policy).close(JUNE, A, B)
    assert (refused.value.code, "scope.interim_bills" in refused.value.where) == ("policy.gap", True)


def test_bills_that_were_paid_apart_are_not_joined_afterwards(tmp_path: Path) -> None:
    books = Books(make_policy(tmp_path / "each", {"scope.interim_bills": "each"}))
    books.close(MAY, A)
    books.close(JUNE, A, B)
    books.policy = make_policy(tmp_path / "merge")
    july = books.close(JULY, A, B, case("Y", 100, 0, settled=date(2025, 7, 1)))
    assert told(july) == [("Y", "regular", fen(100))]
    assert july.notes == ()


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.integers(5, 8), st.integers(0, 2), st.integers(1, 9_000)), min_size=1, max_size=5),
)
def test_whatever_comes_late_every_bill_is_paid_exactly_once(
    tmp_path_factory: pytest.TempPathFactory, bills: list[tuple[int, int, int]]
) -> None:
    books = Books(make_policy(tmp_path_factory.mktemp("policy")))
    cases = [
        bill(f"L{number}", fee, date(2025, month, 10 + number), accepted=date(2025, month + delay, 28))
        for number, (month, delay, fee) in enumerate(bills)
    ]
    for month in range(5, 12):
        name = f"2025-{month:02d}"
        known = [one for one in cases if f"{one['accepted_date']:%Y-%m}" <= name]
        filler = [case(f"F{number}", 1, 0, settled=date(2025, number, 1)) for number in range(5, month + 1)]
        books.close(name, *known, *filler)
    stays = books.posted.filter(pc.equal(books.posted["mdtrt_id"], "M1"))
    assert pc.sum(stays["total_fee_fen"]).as_py() == sum(one["total_fee_fen"] for one in cases)
    assert pc.sum(stays["line_sign"]).as_py() == 1, "one case stands in the end"
