"""Assemble 成表: the text columns of any format made into the typed case table, with the rules all formats share."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tongpin.base.money import yuan
from tongpin.records.case import columns, schema
from tongpin.records.case.schema import CASE_SCHEMA, DETAIL_SCHEMA, PERSON_SCHEMA
from tongpin.records.formats.tables import checked_codes, dictionary

if TYPE_CHECKING:
    from tongpin.records.case.rules import Sheet

DAYS_OF_INFANCY = 366
"""Below one year of age the days count; a year has at most so many."""

KEY_COLUMNS = ("record", "institution_code", "case_id", "upload_time")
"""What names a record, one that was left out too."""


@dataclass(frozen=True)
class CodeBook:
    """Known diagnosis and procedure codes; a code outside is worth a warning (S900)."""

    dx: frozenset[str]
    px: frozenset[str]


class Assembled(NamedTuple):
    """What a file came to: cases that no error left out, the persons beside them, and the key of every record met.

    `cases` has `CASE_SCHEMA` and the columns of `DETAIL_SCHEMA` that the format fills, `persons` the columns of
    `PERSON_SCHEMA` that it fills, row by row beside the cases; `keys` has `KEY_COLUMNS`, of the records
    left out too.
    """

    cases: pa.Table
    persons: pa.Table
    keys: pa.Table


@dataclass
class Raw:
    """Cases of one file before typing: cleaned texts, ready columns, and where each came from.

    `text` maps case or working columns to string arrays (null = missing), `ready` maps columns of any group to typed
    arrays, `paths` maps columns to the field that a finding names. All arrays have the length of `sheet.records`.
    """

    source: str
    sheet: Sheet
    text: dict[str, Any] = field(default_factory=dict)
    ready: dict[str, Any] = field(default_factory=dict)
    paths: dict[str, str] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """Number of rows."""
        return len(self.sheet.records)

    def texts(self, column: str) -> Any:
        """A text column, all null where the format has none."""
        found = self.text.get(column)
        return pa.nulls(self.size, pa.string()) if found is None else found

    def path(self, column: str) -> str:
        """What a finding calls the column."""
        return self.paths.get(column, column)


def take(raw: Raw, column: str, texts: Any, path: str, words: str = "") -> None:
    """Cleaned texts of one field into its column, typed; what is no such value is noted and missing.

    With `words` values outside that dictionary are noted and kept, where the dictionary is confirmed as a whole.
    """
    raw.paths[column] = path
    raw.ready[column], notes = typed(column, texts, words)
    for rule, found in notes:
        raw.sheet.note_rows(rule, found, path, texts)


def typed(column: str, texts: Any, words: str = "") -> tuple[Any, list[tuple[str, Any]]]:
    """Cleaned texts as the type of a column (`payers.amount_fen` too), and the masks of what breaks which rule."""
    kind, money = schema.columns()[column].type, column.endswith("_fen")
    found, bad = columns.typed(texts, kind, money=money)
    notes = [(bad_value_rule(column, kind), bad)]
    if money:
        notes.append(("REC-F001", columns.mask(pc.less(found, 0))))
    known = None if not words or pa.types.is_boolean(kind) else _code_array(words)
    if known is not None:
        outside = pc.invert(pc.is_in(texts, value_set=known))
        notes.append(("REC-U001", columns.mask(pc.and_(pc.is_valid(texts), outside))))
    return found, notes


@cache
def _code_array(words: str) -> Any:
    """The codes of a dictionary that is confirmed as a whole, as an array; None where it is not."""
    known = checked_codes(words)
    return None if known is None else pa.array(sorted(known), pa.string())


def bad_value_rule(column: str, kind: Any) -> str:
    """The rule for a value that its column cannot hold."""
    if column.endswith("_fen"):
        return "REC-N001"
    return "REC-D003" if pa.types.is_temporal(kind) else "REC-N002"


def numbers(raw: Raw, column: str) -> Any:
    """A text column as the whole numbers of its case column; unreadable ones are noted and missing."""
    typed, bad = columns.whole(raw.texts(column), CASE_SCHEMA.field(column).type)
    raw.sheet.note_rows("REC-N002", bad, raw.path(column), raw.texts(column))
    return typed


def dates(raw: Raw, column: str, rule: str = "REC-D003") -> Any:
    """A text column as times; unreadable ones are noted under `rule` and missing."""
    typed, bad = columns.times(raw.texts(column))
    raw.sheet.note_rows(rule, bad, raw.path(column), raw.texts(column))
    return typed


def translated(raw: Raw, column: str, name: str) -> Any:
    """A text column through a dictionary; values outside it are noted and missing."""
    texts = raw.texts(column)
    known = dictionary(name)
    index = pc.index_in(texts, value_set=pa.array(list(known), pa.string()))
    unknown = columns.mask(pc.and_(pc.is_valid(texts), pc.is_null(index)))
    raw.sheet.note_rows("REC-U001", unknown, raw.path(column), texts)
    return pa.array(list(known.values()), pa.string()).take(index)


def stays(raw: Raw) -> None:
    """Admission, discharge and length of stay: 入出院只计一天, same day = 1 (S900: dates)."""
    sheet = raw.sheet
    admission = dates(raw, "admission_time", "REC-D002")
    discharge = dates(raw, "discharge_time", "REC-D002")
    sheet.note_rows("REC-D001", columns.mask(pc.less(discharge, admission)), raw.path("discharge_time"), discharge)
    day = pa.int64()
    nights = pc.subtract(discharge.cast(pa.date32()).cast(pa.int32()), admission.cast(pa.date32()).cast(pa.int32()))
    computed = pc.max_element_wise(nights.cast(day), pa.scalar(1, day), skip_nulls=False).cast(pa.int32())
    given = numbers(raw, "los")
    differs = columns.mask(pc.not_equal(given, computed)) & ~sheet.left_out
    sheet.note_rows("REC-L001", differs, raw.path("los"), given)
    raw.ready |= {
        "admission_time": admission,
        "discharge_time": discharge,
        "los": pc.coalesce(computed, given),
    }


def ages(raw: Raw) -> None:
    """Whole years and, below one year, days: from birth date and admission when both exist, else as given."""
    sheet = raw.sheet
    birth = dates(raw, "birth_date").cast(pa.date32())
    admission = raw.ready["admission_time"].cast(pa.date32())
    unborn = columns.mask(pc.less(admission, birth))
    sheet.note_rows("REC-D005", unborn & ~sheet.left_out, raw.path("birth_date"), raw.texts("birth_date"))
    birth = pc.if_else(pa.array(unborn), pa.scalar(None, pa.date32()), birth)
    given_days = numbers(raw, "age_days")
    given_years = infant_years(numbers(raw, "age"), given_days)
    raw.ready["age"], raw.ready["age_days"] = known_ages(birth, admission, given_years, given_days)
    differs = columns.mask(pc.not_equal(given_years, raw.ready["age"]))
    sheet.note_rows("REC-A001", differs, raw.path("age"), given_years)


def infant_years(years: Any, days: Any) -> Any:
    """Whole years, 0 where only the days of an infant are given."""
    infant = pc.fill_null(pc.less(days, DAYS_OF_INFANCY), False)
    return pc.if_else(pc.and_(pc.is_null(years), infant), pa.scalar(0, pa.int16()), years)


def known_ages(birth: Any, admission: Any, given_years: Any, given_days: Any) -> tuple[Any, Any]:
    """Whole years and, below one year, days: from two date columns where both are known, else as given."""
    years = full_years(birth, admission)
    age = pc.coalesce(years, given_years)
    of_infant = pc.fill_null(pc.equal(age, 0), True)
    age_days = pc.if_else(pc.is_valid(years), day_difference(birth, admission), given_days)
    return age, pc.if_else(of_infant, age_days, pa.scalar(None, pa.int32()))


def full_years(birth: Any, day: Any) -> Any:
    """Completed years between two date columns (int16)."""
    before_birthday = pc.less(
        pc.add(pc.multiply(pc.month(day), 100), pc.day(day)),
        pc.add(pc.multiply(pc.month(birth), 100), pc.day(birth)),
    )
    years = pc.subtract(pc.subtract(pc.year(day), pc.year(birth)), before_birthday.cast(pa.int64()))
    return years.cast(pa.int16())


def day_difference(start: Any, end: Any) -> Any:
    """Days between two date columns (int32)."""
    return pc.subtract(end.cast(pa.int32()), start.cast(pa.int32()))


def sexes(raw: Raw) -> None:
    """1 男, 2 女; anything else is missing and noted, since grouping will reject it."""
    texts = raw.texts("sex")
    index = pc.index_in(texts, value_set=pa.array(["1", "2"]))
    raw.sheet.note_rows("REC-X001", columns.mask(pc.is_null(index)), raw.path("sex"), texts)
    raw.ready["sex"] = pc.add(index, 1).cast(pa.int8())


def emptied(lists: Any, rows: Any) -> Any:
    """The lists with those of the masked rows emptied."""
    if not rows.any():
        return lists
    counts = np.asarray(pc.list_value_length(lists)).astype(np.int64)
    parents = np.asarray(pc.list_parent_indices(lists))
    flat = pc.list_flatten(lists).cast(pa.string()).filter(pa.array(~rows[parents]))
    return columns.code_lists(flat, np.where(rows, 0, counts))


def missing_principals(raw: Raw) -> None:
    """Note the rows without a diagnosis."""
    none = columns.mask(pc.equal(pc.list_value_length(raw.ready["dx"]), 0))
    raw.sheet.note_rows("REC-M001", none, raw.path("dx"))


def unknown_codes(raw: Raw, codes: CodeBook) -> None:
    """Note every diagnosis and procedure code outside the code book."""
    for column, known, rule in (("dx", codes.dx, "REC-U002"), ("px", codes.px, "REC-U003")):
        lists = raw.ready[column]
        flat = pc.list_flatten(lists)
        outside = np.array([code not in known for code in flat.dictionary.to_pylist()], dtype=bool)
        if not outside.any():
            continue
        parents = np.asarray(pc.list_parent_indices(lists))
        starts = np.asarray(lists.offsets)
        for place in np.flatnonzero(outside[np.asarray(flat.indices)]):
            row = int(parents[place])
            path = f"{raw.path(column)}[{int(place) - int(starts[row])}]"
            raw.sheet.note(rule, row, path, flat[int(place)].as_py())


def fee_groups(raw: Raw, total: Any, parts: dict[str, Any]) -> None:
    """Total fee and its four parts; the part 其余医疗服务费 takes the rest, so that the parts sum to the total.

    `parts` holds drug, consumable, exam and service in fen, null where no part is known. Parts above the total are
    an error (REC-S003), parts below it a warning (REC-S002).
    """
    named = pc.add(pc.add(parts["drug"], parts["consumable"]), parts["exam"])
    known = pc.add(named, parts["service"])
    for rule, wrong in (("REC-S003", pc.greater(known, total)), ("REC-S002", pc.less(known, total))):
        for row in np.flatnonzero(columns.mask(wrong) & ~raw.sheet.left_out):
            shown = f"{yuan(known[int(row)].as_py())} ≠ {yuan(total[int(row)].as_py())}"
            raw.sheet.note(rule, int(row), raw.path("total_fee_fen"), shown)
    raw.ready |= {
        "total_fee_fen": total,
        "drug_fee_fen": parts["drug"],
        "consumable_fee_fen": parts["consumable"],
        "exam_fee_fen": parts["exam"],
        "service_fee_fen": pc.subtract(total, named),
    }


def payer_balance(raw: Raw) -> None:
    """The payers of a settled case sum to its fee, or the case is left out (REC-S001)."""
    names = ("patient_pay_fen", "pool_pay_fen", "other_fund_pay_fen")
    patient, pool, other = (column_of(raw, name) for name in names)
    total = column_of(raw, "total_fee_fen")
    paid = pc.add(pc.add(patient, pool), other)
    for row in np.flatnonzero(columns.mask(pc.not_equal(paid, total)) & ~raw.sheet.left_out):
        shown = f"{yuan(paid[int(row)].as_py())} ≠ {yuan(total[int(row)].as_py())}"
        raw.sheet.note("REC-S001", int(row), raw.path("pool_pay_fen"), shown)


def column_of(raw: Raw, name: str) -> Any:
    """A typed column, all null where it has not been made."""
    found = raw.ready.get(name)
    return pa.nulls(raw.size, CASE_SCHEMA.field(name).type) if found is None else found


def case_table(raw: Raw) -> Assembled:
    """The rows that no error left out; a row without its key is left out (REC-C003)."""
    sheet = raw.sheet
    raw.ready |= {
        "source": pa.repeat(pa.scalar(raw.source, pa.string()), raw.size),
        "file": pa.repeat(pa.scalar(sheet.file, pa.string()), raw.size),
        "record": pa.array(sheet.records, pa.int64()),
    }
    made = {
        name: raw.texts(name) if name in raw.text and name not in raw.ready else column_of(raw, name)
        for name in CASE_SCHEMA.names
    }
    made |= {name: raw.ready[name] for name in DETAIL_SCHEMA.names if name in raw.ready}
    cases = _table(made)
    sheet.note_rows("REC-C003", columns.mask(pc.is_null(cases["case_id"])), raw.path("case_id"))
    persons = _table({name: raw.ready[name] for name in PERSON_SCHEMA.names if name in raw.ready})
    if not sheet.left_out.any():
        return Assembled(cases, persons, cases.select(list(KEY_COLUMNS)))
    kept = pa.array(~sheet.left_out)
    return Assembled(
        cases.filter(kept),
        persons.filter(kept) if persons.num_columns else persons,
        cases.select(list(KEY_COLUMNS)),
    )


def _table(made: dict[str, Any]) -> pa.Table:
    """Arrays as a table of their columns' types."""
    fields = [(name, schema.columns()[name].type) for name in made]
    arrays = [one.cast(kind) if one.type != kind else one for one, (_, kind) in zip(made.values(), fields, strict=True)]
    return pa.table(arrays, schema=pa.schema(fields))
