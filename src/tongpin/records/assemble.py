"""Assemble 成表: the text columns of any format made into the typed case table, with the rules all formats share."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tongpin.base.money import yuan
from tongpin.records import columns
from tongpin.records.schema import CASE_SCHEMA
from tongpin.records.tables import dictionary

if TYPE_CHECKING:
    from tongpin.records.rules import Sheet

DAYS_OF_INFANCY = 366
"""Below one year of age the days count; a year has at most so many."""


@dataclass(frozen=True)
class CodeBook:
    """Known diagnosis and procedure codes; a code outside is worth a warning (S900)."""

    dx: frozenset[str]
    px: frozenset[str]


@dataclass
class Raw:
    """Cases of one file before typing: cleaned texts, ready columns, and where each came from.

    `text` maps case or working columns to string arrays (null = missing), `ready` maps case columns to typed arrays,
    `paths` maps columns to the field that a finding names. All arrays have the length of `sheet.records`.
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


def numbers(raw: Raw, column: str) -> Any:
    """A text column as the whole numbers of its case column; unreadable ones are noted and missing."""
    typed, bad = columns.whole(raw.texts(column), CASE_SCHEMA.field(column).type)
    raw.sheet.note_rows("REC-N002", bad, raw.path(column), raw.texts(column))
    return typed


def amounts(raw: Raw, column: str) -> Any:
    """A text column of yuan as fen; unreadable and negative amounts are noted as errors."""
    texts = raw.texts(column)
    typed, bad = columns.fen(texts)
    raw.sheet.note_rows("REC-N001", bad, raw.path(column), texts)
    raw.sheet.note_rows("REC-F001", columns.mask(pc.less(typed, 0)), raw.path(column), texts)
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


def case_table(raw: Raw) -> pa.Table:
    """The rows that no error left out, as `CASE_SCHEMA`; later copies of a case within the file are left out too."""
    sheet = raw.sheet
    raw.ready |= {
        "source": pa.array([raw.source] * raw.size, pa.string()),
        "file": pa.array([sheet.file] * raw.size, pa.string()),
        "record": pa.array(sheet.records, pa.int64()),
    }
    made = [
        raw.texts(name) if name in raw.text and name not in raw.ready else column_of(raw, name)
        for name in CASE_SCHEMA.names
    ]
    table = pa.table(
        [one.cast(kind) if one.type != kind else one for one, kind in zip(made, CASE_SCHEMA.types, strict=True)],
        schema=CASE_SCHEMA,
    )
    sheet.note_rows("REC-C003", columns.mask(pc.is_null(table["case_id"])), raw.path("case_id"))
    duplicates(raw, table)
    return table.filter(pa.array(~sheet.left_out))


def duplicates(raw: Raw, table: pa.Table) -> None:
    """Note and leave out every later row with the institution and case of an earlier one that was loaded."""
    sheet = raw.sheet
    keys = pc.binary_join_element_wise(
        pc.fill_null(table["institution_code"], ""), pc.fill_null(table["case_id"], ""), "\x1f"
    ).combine_chunks()
    codes = np.asarray(keys.dictionary_encode().indices)
    rows = np.flatnonzero(~sheet.left_out)
    _, first, inverse = np.unique(codes[rows], return_index=True, return_inverse=True)
    if len(first) == len(rows):
        return
    compared = table.drop_columns(["record"])
    for place in np.flatnonzero(first[inverse] != np.arange(len(rows))):
        row, earlier = int(rows[place]), int(rows[first[inverse[place]]])
        same = compared.slice(row, 1).to_pylist() == compared.slice(earlier, 1).to_pylist()
        case_id = table["case_id"][row].as_py()
        shown = f"{case_id}（与第 {int(sheet.records[earlier])} 条）"
        sheet.note("REC-P002" if same else "REC-P001", row, raw.path("case_id"), shown)
        sheet.left_out[row] = True
