"""Page columns 首页单列: the columns of a front page that hold one value, from the case, its person or its core."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from tongpin.records.case import columns
from tongpin.records.case.schema import PERSON_SCHEMA, column_of
from tongpin.records.formats.page_fields import page_fields, place
from tongpin.records.readers.front_page import COMA, MINUTES_OF_PARTS
from tongpin.records.writers.list_texts import text_of

PAYMENT_METHODS = {"310": "1", "390": "2"}
OTHER_SOCIAL_INSURANCE = "8"
DAY_SURGERY = {"day_surgery": "1", "inpatient": "2"}
FIRST_STAY = "1"
MINUTES_PER_HOUR = 60


def column_texts(cases: pa.Table, persons: pa.Table | None) -> dict[str, Any]:
    """The columns with one value by code, texts, null = missing.

    Persons come from `persons` (row by row beside `cases`) or from columns of their names in `cases`.
    """
    who = persons if persons is not None and persons.num_columns else cases
    made: dict[str, Any] = {}
    named, brought, of_person = set(who.column_names), set(cases.column_names), set(PERSON_SCHEMA.names)
    for field in page_fields():
        table, held = (who, named) if field.column in of_person else (cases, brought)
        if field.group or field.column in (*COMA, "birth_weights") or field.column not in held:
            continue
        made[field.code] = text_of(column_of(table, field.column), money=field.column.endswith("_fen"))
    born = column_of(who, "birth_date")
    made["A49"] = _stay_numbers(cases)
    made["A12C"] = _either(cases, "sex_code", "sex")
    made["A14"] = _stated(cases, "stated_age", "age", pc.is_valid(born))
    computed = pc.and_(*(pc.is_valid(column_of(cases, name)) for name in ("admission_time", "discharge_time")))
    made["B20"] = _stated(cases, "stated_stay_days", "los", computed)
    made["A46C"] = pc.coalesce(column_of(cases, "payment_method"), _payment_methods(cases))
    made["B38"] = _day_surgery(cases)
    made["C47"] = _hours_begun(column_of(cases, "ventilation_minutes"))
    return made | _birth_weights(cases) | _comas(cases)


def _either(cases: pa.Table, detail: str, core: str) -> Any:
    return pc.coalesce(column_of(cases, detail), column_of(cases, core).cast(pa.string()))


def _stated(cases: pa.Table, detail: str, core: str, computed: Any) -> Any:
    """What the page stated; where the case does not say so, the core value, unless it was computed beside a statement.

    A case that brings the statement brings its absence too: a computed value is not written in its place.
    """
    value = text_of(column_of(cases, core))
    if detail not in cases.column_names:
        return value
    given = pc.if_else(computed, columns.NOTHING, value)
    return pc.coalesce(text_of(column_of(cases, detail)), given)


def _stay_numbers(cases: pa.Table) -> Any:
    """The number of the stay: as given, else the tail of a front-page case id, else 1.

    A page without a number has an id that ends in 1, and stays without.
    """
    given = column_of(cases, "stay_no").cast(pa.string())
    if not given.null_count:
        return given
    heads = pc.binary_join_element_wise(
        column_of(cases, "institution_code"), column_of(cases, "record_no"), columns.EMPTY, "-"
    )
    pairs = zip(column_of(cases, "case_id").to_pylist(), heads.to_pylist(), strict=True)
    told = [_told(case_id, head) for case_id, head in pairs]
    return pc.coalesce(given, pa.array(told, pa.string()))


def _told(case_id: str | None, head: str | None) -> str | None:
    """What a case id says of the number of the stay."""
    if case_id is None or head is None or not case_id.startswith(head):
        return FIRST_STAY
    tail = case_id.removeprefix(head)
    return None if tail == FIRST_STAY else tail


def _payment_methods(cases: pa.Table) -> Any:
    """The way of payment that an insurance is known by."""
    insurance = column_of(cases, "insurance")
    index = pc.index_in(insurance, value_set=pa.array(list(PAYMENT_METHODS)))
    found = pa.array(list(PAYMENT_METHODS.values())).take(index)
    return pc.if_else(pc.is_valid(insurance), pc.coalesce(found, pa.scalar(OTHER_SOCIAL_INSURANCE)), None)


def _day_surgery(cases: pa.Table) -> Any:
    """Whether a stay was day surgery; that it was not is said where the case does not bring the flag itself."""
    index = pc.index_in(column_of(cases, "care_type"), value_set=pa.array(list(DAY_SURGERY)))
    known = pa.array(list(DAY_SURGERY.values())).take(index)
    if "day_surgery_flag" not in cases.column_names:
        return known
    positive = pc.if_else(pc.equal(known, DAY_SURGERY["day_surgery"]), known, columns.NOTHING)
    return pc.coalesce(column_of(cases, "day_surgery_flag"), positive)


def _hours_begun(minutes: Any) -> Any:
    """Minutes as hours, those begun counted, as the format wants them."""
    return pc.divide(pc.add(minutes, MINUTES_PER_HOUR - 1), MINUTES_PER_HOUR).cast(pa.string())


def _birth_weights(cases: pa.Table) -> dict[str, Any]:
    """Birth weights, one a column."""
    lists = column_of(cases, "birth_weights")
    counts = pc.fill_null(pc.list_value_length(lists), 0)
    (field,) = (field for field in page_fields() if field.column == "birth_weights")
    most = max(pc.max(counts).as_py() or 0, 1)
    starts = lists.offsets.slice(0, len(lists))
    made: dict[str, Any] = {}
    for number in range(most):
        index = pc.if_else(pc.greater(counts, number), pc.add(starts, number), pa.scalar(None, pa.int32()))
        made[place(field, number + 1).code] = lists.values.take(index).cast(pa.string())
    first = place(field, 1).code
    made[first] = pc.coalesce(made[first], column_of(cases, "birth_weight").cast(pa.string()))
    return made


def _comas(cases: pa.Table) -> dict[str, Any]:
    """Coma in days, hours and minutes."""
    made: dict[str, Any] = {}
    for column, codes in COMA.items():
        rest = column_of(cases, column)
        for code, minutes in zip(codes, MINUTES_OF_PARTS, strict=True):
            count = pc.divide(rest, pa.scalar(minutes, pa.int32()))
            rest = pc.subtract(rest, pc.multiply(count, pa.scalar(minutes, pa.int32())))
            made[code] = count.cast(pa.string())
    return made
