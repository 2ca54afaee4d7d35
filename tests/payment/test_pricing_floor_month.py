"""Negative pool amounts floored by the month, with and without carry (S900-06)."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from payment_cases import case, fen, settle
from pricing_cases import edition

from tongpin.payment.explain import explain_case

if TYPE_CHECKING:
    from pathlib import Path

    from tongpin.payment.month.statement import MonthSettlement
    from tongpin.payment.policy.policy import Policy


def floor(folder: Path, *, carry: bool) -> Policy:
    return edition(folder, {"pool.negative": "floor_month", "pool.negative_carry": carry})


def row_of(settlement: MonthSettlement) -> dict[str, Any]:
    (row,) = settlement.statement.to_pylist()
    return row


MAY, JUNE = date(2025, 5, 20), date(2025, 6, 20)


def test_negative_cases_are_set_off_within_the_month_first(tmp_path: Path) -> None:
    below, above = case("below", 12_000, 10_600), case("above", 9_500, 3_000)
    row = row_of(settle(floor(tmp_path, carry=False), "2025-06", [below, above]))
    assert (row["pool_payable_fen"], row["month_floored_fen"]) == (fen(6_400), 0)


def test_a_negative_month_is_lifted_to_zero(tmp_path: Path) -> None:
    policy = floor(tmp_path, carry=False)
    found = settle(policy, "2025-06", [case("below", 12_000, 10_600)])
    row = row_of(found)
    assert (row["month_pool_payable_fen"], row["month_floored_fen"]) == (fen(-600), fen(600))
    assert (row["deposit_fen"], row["cash_transfer_fen"]) == (0, 0)
    assert "月末按机构、基金合计" in explain_case(found.lines.to_pylist()[0], policy)


@pytest.mark.parametrize(("carry", "recovered", "transfer"), [(False, 0, 6_790), (True, 600, 6_208)])
def test_what_was_lifted_is_taken_back_only_with_carry(
    tmp_path: Path, *, carry: bool, recovered: int, transfer: int
) -> None:
    policy = floor(tmp_path, carry=carry)
    may = settle(policy, "2025-05", [case("m", 12_000, 10_600, settled=MAY)])
    june = settle(policy, "2025-06", [case("j", 9_500, 3_000, settled=JUNE)], posted=may.lines, closed={"2025-05"})
    row = row_of(june)
    assert (row["floor_recovered_fen"], row["cash_transfer_fen"]) == (fen(recovered), fen(transfer))


def test_a_debt_is_taken_back_once_and_never_below_zero(tmp_path: Path) -> None:
    policy = floor(tmp_path, carry=True)
    april = settle(policy, "2025-04", [case("a", 18_000, 17_000, settled=date(2025, 4, 20))])
    may = settle(policy, "2025-05", [case("m", 9_500, 8_000, settled=MAY)], posted=april.lines, closed={"2025-04"})
    assert (row_of(may)["floor_recovered_fen"], row_of(may)["cash_transfer_fen"]) == (fen(2_000), 0)
    both = pa.concat_tables([april.lines, may.lines])
    june = settle(policy, "2025-06", [case("j", 9_500, 0)], posted=both, closed={"2025-04", "2025-05"})
    assert row_of(june)["floor_recovered_fen"] == fen(5_000)
