"""Lists of other care types never enter an inpatient denominator: not the statement, not a measure (S914-02)."""

from __future__ import annotations

from datetime import date
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow.compute as pc
import pytest
from payment_cases import INSTITUTIONS, case, decisions, grouped

from tongpin.payment.month.interim import join_interim_bills
from tongpin.payment.month.posting import LINE_SCHEMA, WITHDRAWAL_SCHEMA
from tongpin.payment.month.statement import MonthSettlement, settle_month
from tongpin.payment.policy.policy import Policy
from tongpin.payment.pricing.price import price

if TYPE_CHECKING:
    import pyarrow as pa

DEMONSTRATION = Policy.load(Path(str(files("tongpin"))) / "policies" / "demo-east" / "2025")
OTHERS = ("outpatient_special", "outpatient", "outpatient_maternity", None)
DRG = next(iter(DEMONSTRATION.weights))


def settled(*cases: pa.Table) -> MonthSettlement:
    nothing = LINE_SCHEMA.empty_table()
    joined = join_interim_bills(grouped(*cases), nothing, WITHDRAWAL_SCHEMA.empty_table(), "2025-06", DEMONSTRATION)
    priced = price(joined.lists, DEMONSTRATION, INSTITUTIONS)
    return settle_month("2025-06", priced, nothing, joined.withdrawals, decisions(), set(), DEMONSTRATION)


@pytest.mark.parametrize("care_type", OTHERS)
def test_other_lists_change_no_figure_of_the_statement(care_type: str | None) -> None:
    stay = case("stay", 9_000, 1_000, drg=DRG, mdtrt_id="M1")
    clinic = case("clinic", 700, 100, drg=DRG, mdtrt_id="M1", care_type=care_type)
    alone, beside = settled(stay), settled(stay, clinic)
    assert beside.statement.equals(alone.statement)
    assert beside.lines["case_id"].to_pylist() == ["stay"]
    assert beside.notes == ("1 份清单不在住院结算口径，不入账",)


def test_day_surgery_is_an_inpatient_list() -> None:
    found = settled(case("day", 9_000, 1_000, drg=DRG, care_type="day_surgery"))
    assert found.statement["drg_cases"].to_pylist() == [1]


def test_an_outpatient_list_needs_neither_amounts_nor_a_known_hospital() -> None:
    stray = case("clinic", 0, 0, care_type="outpatient_special", institution_code="nobody", total_fee_fen=None)
    found = settled(case("stay", 9_000, 1_000, drg=DRG, settled=date(2025, 6, 3)), stray)
    assert pc.sum(found.statement["cases"]).as_py() == 1
