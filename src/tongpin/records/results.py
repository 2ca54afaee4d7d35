"""Results 结算结果: what a settlement returned fills what the list lacks; where both speak, they are compared."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tongpin.base.money import yuan
from tongpin.records import columns
from tongpin.records.assemble import infant_years, known_ages
from tongpin.records.rules import finding
from tongpin.records.schema import CASE_SCHEMA

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tongpin.base.findings import Finding
    from tongpin.records.assemble import Raw

UNSPECIFIC_INSURANCE = "999"
FILLED = (
    "mdtrt_id",
    "patient_hash",
    "total_fee_fen",
    "patient_pay_fen",
    "account_pay_fen",
    "pool_pay_fen",
    "other_fund_pay_fen",
    "settlement_date",
)
FILLED_TEXTS = ("sex", "age", "age_days", "birth_date")
COMPARED = (("REC-S005", "total_fee_fen", "iteminfo"), ("REC-S006", "pool_pay_fen", "payinfo"))
"""The rule for an amount of the list that is not that of the result, and the node it is in."""
PAYERS = ("patient_pay_fen", "pool_pay_fen", "other_fund_pay_fen")


def fill_from_results(raw: Raw, results: pa.Table | None) -> None:
    """Fill the missing columns of lists while they are read, from settlement results by `setl_id`.

    A result sets the acceptance date; a total or pool amount unlike the list's own is noted (REC-S005, REC-S006).
    """
    if results is None or not results.num_rows:
        return
    found = results.take(pc.index_in(raw.texts("case_id"), value_set=results["setl_id"].combine_chunks()))
    found = found.combine_chunks()
    for rule, path, row, shown in _disagreements(raw.ready, found):
        if not raw.sheet.left_out[row]:
            raw.sheet.note(rule, row, path, shown)
    raw.ready |= _filled(raw.ready | {"mdtrt_id": raw.texts("mdtrt_id")}, found)
    for name in FILLED_TEXTS:
        raw.text[name] = pc.coalesce(raw.texts(name), _column(found, name).cast(pa.string()))


def complete_lists(cases: pa.Table, results: pa.Table) -> tuple[pa.Table, list[Finding]]:
    """The settlement lists among `cases` that have a result, completed by it like lists read after it, and findings.

    A list whose payers would not sum to its fee stays as it is (REC-S007). Both tables hold each key once.
    """
    lists = cases.filter(pc.equal(cases["source"], "settlement_list"))
    index = pc.index_in(lists["case_id"], value_set=results["setl_id"].combine_chunks())
    lists = lists.filter(pc.is_valid(index)).combine_chunks()
    found = results.take(index.drop_null()).combine_chunks()
    own = {name: _column(lists, name) for name in lists.column_names}
    places = list(zip(lists["file"].to_pylist(), lists["record"].to_pylist(), strict=True))
    findings = [finding(rule, *places[row], path, shown) for rule, path, row, shown in _disagreements(own, found)]
    made = own | _filled(own, found)
    made |= paid_by_patient_alone(made)
    made |= _persons(own, found)
    paid = pc.add(pc.add(*(made[name] for name in PAYERS[:2])), made[PAYERS[2]])
    unequal = columns.mask(pc.not_equal(paid, made["total_fee_fen"]))
    for row in np.flatnonzero(unequal):
        shown = f"{yuan(paid[int(row)].as_py())} ≠ {yuan(made['total_fee_fen'][int(row)].as_py())}"
        findings.append(finding("REC-S007", *places[row], "payinfo", shown))
    table = pa.table([made[name].cast(CASE_SCHEMA.field(name).type) for name in CASE_SCHEMA.names], schema=CASE_SCHEMA)
    return table.filter(pa.array(~unequal)), findings


def paid_by_patient_alone(case: Mapping[str, Any]) -> dict[str, Any]:
    """The columns of the funds: a list without payers whose patient paid it all is settled, the funds paid nothing."""
    alone = pc.fill_null(pc.equal(case["patient_pay_fen"], case["total_fee_fen"]), False)
    nothing = pc.if_else(alone, pa.scalar(0, pa.int64()), pa.scalar(None, pa.int64()))
    return {name: pc.coalesce(case[name], nothing) for name in ("pool_pay_fen", "other_fund_pay_fen")}


def _column(table: pa.Table, name: str) -> Any:
    """A column in one piece."""
    column = table[name].combine_chunks()
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def _disagreements(own: Mapping[str, Any], found: pa.Table) -> Iterator[tuple[str, str, int, str]]:
    """Amounts of lists unlike those of their results, as (rule, node, row, both amounts)."""
    for rule, name, path in COMPARED:
        other = _column(found, name)
        for row in np.flatnonzero(columns.mask(pc.not_equal(own[name], other))):
            yield rule, path, int(row), f"{yuan(own[name][int(row)].as_py())} ≠ {yuan(other[int(row)].as_py())}"


def _filled(own: Mapping[str, Any], found: pa.Table) -> dict[str, Any]:
    """The columns that a result fills whatever the list looks like."""
    filled = {name: pc.coalesce(own[name], _column(found, name)) for name in FILLED}
    insurance = own["insurance"]
    unspecific = pc.or_kleene(pc.is_null(insurance), pc.equal(insurance, UNSPECIFIC_INSURANCE))
    named = pc.coalesce(_column(found, "insurance"), insurance)
    return filled | {
        "insurance": pc.if_else(unspecific, named, insurance),
        "accepted_date": pc.coalesce(_column(found, "accepted_date"), own["accepted_date"]),
    }


def _persons(own: Mapping[str, Any], found: pa.Table) -> dict[str, Any]:
    """Sex and age of typed cases, from the result where the list named none."""
    sex = pc.add(pc.index_in(_column(found, "sex"), value_set=pa.array(["1", "2"])), 1)
    admission = own["admission_time"].cast(pa.date32())
    birth = _column(found, "birth_date")
    birth = pc.if_else(pc.fill_null(pc.less(admission, birth), False), pa.scalar(None, pa.date32()), birth)
    days = _column(found, "age_days")
    age, age_days = known_ages(birth, admission, infant_years(_column(found, "age").cast(pa.int16()), days), days)
    unknown = pc.is_null(own["age"])
    return {
        "sex": pc.coalesce(own["sex"], sex.cast(pa.int8())),
        "age": pc.if_else(unknown, age, own["age"]),
        "age_days": pc.if_else(unknown, age_days, own["age_days"]),
    }
