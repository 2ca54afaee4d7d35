"""Results 结算结果: what a settlement returned fills what the list lacks; where both speak, they are compared."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tongpin.base.money import yuan
from tongpin.records.case import columns, schema
from tongpin.records.case.assemble import infant_years, known_ages
from tongpin.records.case.funds import NAMED, OTHER, POOL, payers_of
from tongpin.records.case.rules import finding
from tongpin.records.formats.tables import dictionary

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tongpin.base.findings import Finding
    from tongpin.records.case.assemble import Raw

OUTPATIENT = ("outpatient", "outpatient_special")
UNSPECIFIC_INSURANCE = "999"
FILLED = (
    *("mdtrt_id", "patient_hash", "insured_region", "medical_type", "settlement_date"),
    *("total_fee_fen", "patient_pay_fen", "account_pay_fen", "cash_pay_fen", "pool_pay_fen", "other_fund_pay_fen"),
    *("filing_month", "transfer_date", "clearing_year"),
)
FILLED_TEXTS = ("sex", "age", "age_days", "birth_date")
COMPARED = (("REC-S005", "total_fee_fen", "iteminfo"), ("REC-S006", "pool_pay_fen", "payinfo"))
"""The rule for an amount of the list that is not that of the result, and the node it is in."""
USED = ("setl_id", "institution_code", "insurance", "accepted_date", *FILLED, *FILLED_TEXTS, *NAMED)
"""The columns of a result that lists are filled from and compared with while they are read."""
PAYERS = ("patient_pay_fen", "pool_pay_fen", "other_fund_pay_fen")


def fill_from_results(raw: Raw, results: pa.Table | None) -> None:
    """Fill the missing columns of lists while they are read, from settlement results by `setl_id`.

    A result sets the acceptance date, and its funds are the payers of a list that names none (4101A); a total or pool
    amount unlike the list's own is noted (REC-S005, REC-S006).
    """
    if results is None or not results.num_rows:
        return
    found = results.take(_places_of(raw.texts("case_id"), results["setl_id"])).combine_chunks()
    for rule, path, row, shown in _disagreements(raw.ready, found):
        if not raw.sheet.left_out[row]:
            raw.sheet.note(rule, row, path, shown)
    raw.ready |= _filled(raw.ready, found)
    # 4101A names no institution; of a list already kept it is part of the key, and stays.
    raw.ready["institution_code"] = _own_or_found(raw.ready["institution_code"], _column(found, "institution_code"))
    for name in FILLED_TEXTS:
        raw.text[name] = pc.coalesce(raw.texts(name), _column(found, name).cast(pa.string()))


def _places_of(ids: Any, results: Any) -> Any:
    """Where the result of each list stands, null where there is none.

    The few lists of a piece are looked for among all results: a lookup of all results for every piece takes longer,
    and as much memory again in every process.
    """
    few = ids.dictionary_encode()
    codes = pc.fill_null(pc.index_in(results, value_set=few.dictionary), -1).to_numpy()
    found = np.flatnonzero(codes >= 0)
    places = np.full(len(few.dictionary), -1)
    places[codes[found]] = found
    return pa.array(places, mask=places < 0).take(few.indices)


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
    made["care_type"] = _completed_care(own["care_type"], made["medical_type"])
    paid = pc.add(pc.add(*(made[name] for name in PAYERS[:2])), made[PAYERS[2]])
    unequal = columns.mask(pc.not_equal(paid, made["total_fee_fen"]))
    for row in np.flatnonzero(unequal):
        shown = f"{yuan(paid[int(row)].as_py())} ≠ {yuan(made['total_fee_fen'][int(row)].as_py())}"
        findings.append(finding("REC-S007", *places[row], "payinfo", shown))
    types = lists.schema
    table = pa.table([made[name].cast(types.field(name).type) for name in types.names], schema=types)
    return table.filter(pa.array(~unequal)), findings


def settled_care(medical_types: Any) -> tuple[Any, Any]:
    """The care types that settlements name by `med_type`, and whether each is none of an inpatient (S914-02)."""
    known = dictionary("med_type")
    index = pc.index_in(medical_types, value_set=pa.array(list(known), pa.string()))
    settled = pa.array(list(known.values()), pa.string()).take(index)
    return settled, pc.is_in(settled, value_set=pa.array(OUTPATIENT))


def _completed_care(care: Any, medical_types: Any) -> Any:
    """The care type of a list, unless its settlement says that it was no inpatient one."""
    settled, elsewhere = settled_care(medical_types)
    changed = pc.and_(elsewhere, pc.invert(pc.fill_null(pc.is_in(care, value_set=pa.array(OUTPATIENT)), False)))
    return pc.if_else(changed, settled, pc.coalesce(care, settled))


def paid_by_patient_alone(case: Mapping[str, Any]) -> dict[str, Any]:
    """The columns of the funds: a list without payers whose patient paid it all is settled, the funds paid nothing."""
    alone = pc.fill_null(pc.equal(case["patient_pay_fen"], case["total_fee_fen"]), False)
    nothing = pc.if_else(alone, pa.scalar(0, pa.int64()), pa.scalar(None, pa.int64()))
    return {name: pc.coalesce(case[name], nothing) for name in ("pool_pay_fen", "other_fund_pay_fen")}


def _column(table: pa.Table, name: str) -> Any:
    """A column in one piece, all null where the table has none."""
    if name not in table.column_names:
        kind = schema.columns()[name].type if name in schema.columns() else pa.int64()
        return pa.nulls(table.num_rows, kind)
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
    filled = {name: _own_or_found(own.get(name), _column(found, name)) for name in FILLED}
    insurance = own["insurance"]
    unspecific = pc.or_kleene(pc.is_null(insurance), pc.equal(insurance, UNSPECIFIC_INSURANCE))
    named = pc.coalesce(_column(found, "insurance"), insurance)
    insurance = pc.if_else(unspecific, named, insurance)
    return filled | {
        "insurance": insurance,
        "accepted_date": pc.coalesce(_column(found, "accepted_date"), own["accepted_date"]),
        "payers": _payers(own, found, insurance),
    }


def _own_or_found(own: Any, found: Any) -> Any:
    """What the list says, else what the result says."""
    return found if own is None else pc.coalesce(own, found.cast(own.type))


def _payers(own: Mapping[str, Any], found: pa.Table, insurance: Any) -> Any:
    """The payers of the list; of one without any the funds of its result."""
    size = found.num_rows
    payers = own.get("payers", pa.nulls(size, schema.columns()["payers"].type))
    alone = pc.equal(pc.fill_null(pc.list_value_length(payers), 0), 0)
    amounts = {POOL: _column(found, POOL)} | {name: _column(found, name) for name in NAMED}
    rest = _column(found, OTHER)
    for name in NAMED:
        rest = pc.subtract(rest, pc.fill_null(amounts[name], 0))
    settled = pc.and_(alone, pc.is_valid(amounts[POOL]))
    if not pc.any(settled).as_py():
        return payers
    nothing = pa.scalar(None, pa.int64())
    shares = {name: pc.if_else(settled, amount, nothing) for name, amount in (amounts | {OTHER: rest}).items()}
    return pc.if_else(settled, payers_of(insurance, shares), payers)


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
