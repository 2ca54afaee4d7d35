"""Settlement results 结算结果: what the settlements of cases returned, in the own layout `settlement-result`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from tongpin.records.case.funds import NAMED, OTHER, POOL, fund_named, payers_of
from tongpin.records.case.nested import flatten, sums
from tongpin.records.case.schema import column_of
from tongpin.records.writers.layouts import write_layout
from tongpin.records.writers.shared import NEUTRAL

if TYPE_CHECKING:
    from pathlib import Path

AS_THEY_ARE = (
    *("mdtrt_id", "institution_code", "sex", "age", "age_days", "insured_region", "medical_type", "total_fee_fen"),
    *("patient_pay_fen", "account_pay_fen", "cash_pay_fen", "own_pay_fen", POOL, "settlement_date", "accepted_date"),
    *("filing_month", "transfer_date", "clearing_year", "birth_date"),
)
PERSONS = ("certno", "psn_no")
REST = "oth_pay_fen"


def write_settlement_results(cases: pa.Table, path: Path) -> None:
    """Cases as settlement results by suffix (CSV, CSV.gz, Parquet): persons, funds and fees by `setl_id`.

    Takes `CASE_SCHEMA`, details and the person columns `certno, psn_no, birth_date`; who is not known is `-`.
    """
    made = {name: column_of(cases, name) for name in AS_THEY_ARE}
    made |= {name: column_of(cases, name).fill_null(NEUTRAL) for name in PERSONS}
    made["setl_id"] = column_of(cases, "case_id")
    made["sex"] = made["sex"].cast(pa.string())
    made["insurance"] = column_of(cases, "insurance")
    write_layout(pa.table(made | _funds(cases)), "settlement-result", path)


def _funds(cases: pa.Table) -> dict[str, Any]:
    """The further funds by their columns; what none of them names is `oth_pay`."""
    other, insurance, payers = (column_of(cases, name) for name in (OTHER, "insurance", "payers"))
    if payers.null_count:
        amounts = {name: column_of(cases, name) for name in (POOL, OTHER)}
        payers = pc.if_else(pc.is_valid(payers), payers, payers_of(insurance, amounts))
    flat = flatten(payers)
    made: dict[str, Any] = {}
    rest = other
    for name in NAMED[: NAMED.index(REST)]:
        share = pc.if_else(pc.equal(flat.fields["fund"], fund_named(name)), flat.fields["amount_fen"], 0)
        made[name] = pa.array(sums(flat.counts, share))
        rest = pc.subtract(rest, made[name])
    made[REST] = rest
    nothing = pa.scalar(None, pa.int64())
    return {name: pc.if_else(pc.not_equal(amount, 0), amount, nothing) for name, amount in made.items()}
