"""Page groups 首页各组: nested columns spread over the numbered columns of a front page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tongpin.records.case import columns, nested
from tongpin.records.case.schema import column_of
from tongpin.records.formats.page_fields import NUMBER, page_fields, place
from tongpin.records.readers.page_groups import WESTERN, blood
from tongpin.records.writers.details import details
from tongpin.records.writers.further import spread
from tongpin.records.writers.list_texts import text_of
from tongpin.records.writers.shared import Sheet

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tongpin.records.writers.shared import Names

CENT_HOURS_PER_MINUTE = (100, 60)
"""Hundredths of an hour in a minute, as a fraction."""


def group_texts(cases: pa.Table, names: Names) -> dict[str, Any]:
    """The columns of all groups by code, texts, null = missing; what a case has no details for comes from its core."""
    found = details(cases, names)
    made = _diagnoses(found["diagnoses"]) | _procedures(found["procedures"], column_of(cases, "surgery_level"))
    made |= _numbered("pathology", nested.flatten(column_of(cases, "pathology")), first=0)
    made |= _intensive_care(found["icu_stays"], columns.mask(pc.is_null(column_of(cases, "icu_stays"))))
    return made | _transfusions(column_of(cases, "transfusions")) | _fees(cases)


def _diagnoses(lists: Any) -> dict[str, Any]:
    """Western diagnoses, the principal one in the main columns."""
    flat = nested.flatten(lists)
    western = columns.mask(pc.equal(pc.coalesce(flat.fields["kind"], pa.scalar(WESTERN)), WESTERN))
    return _with_main("diagnoses", flat, western, flat.fields)


def _procedures(lists: Any, highest: Any) -> dict[str, Any]:
    """Procedures, the principal one in the main columns; without any level the highest one stands with the first."""
    flat = nested.flatten(lists)
    begin = pc.coalesce(flat.fields["date"], flat.fields["begin"])
    fields = flat.fields | {"date": begin, "duration_minutes": _hours(flat.fields["duration_minutes"])}
    made = _with_main("procedures", flat, np.ones(len(flat.parents), dtype=bool), fields)
    levelled = np.zeros(len(lists), dtype=bool)
    levelled[flat.parents[columns.mask(pc.is_valid(fields["level"]))]] = True
    alone = pc.if_else(pa.array(levelled), columns.NOTHING, highest.cast(pa.string()))
    made["C17x01"] = pc.coalesce(made.get("C17x01", pa.nulls(len(lists), pa.string())), alone)
    return made


def _hours(minutes: Any) -> Any:
    """Minutes as hours with at most two decimals."""
    hundredths, per = CENT_HOURS_PER_MINUTE
    whole = pc.divide(pc.add(pc.multiply(minutes.cast(pa.int64()), hundredths), per // 2), per)
    return pc.multiply(whole.cast(pa.decimal128(19, 0)), columns.CENT)


def _with_main(group: str, flat: nested.Flat, kept: Any, fields: Mapping[str, Any]) -> dict[str, Any]:
    """The kept entries, of each row the first principal one as number 0, the others from 1 on."""
    principal = columns.mask(flat.fields["principal"]) & kept
    main = principal & (_rank(flat, principal) == 0)
    others = kept & ~main
    numbers = np.where(main, 0, _rank(flat, others) + 1)
    chosen = pa.array(kept)
    taken = {name: values.filter(chosen) for name, values in fields.items()}
    return _columns(group, len(flat.counts), flat.parents[kept], numbers[kept], taken)


def _rank(flat: nested.Flat, marked: Any) -> Any:
    """How many marked entries of the same row stand before each entry."""
    before = np.cumsum(marked) - marked
    starts = np.cumsum(flat.counts) - flat.counts
    at_start = before[starts[flat.parents]] if len(before) else before
    return before - at_start


def _numbered(group: str, flat: nested.Flat, *, first: int) -> dict[str, Any]:
    """Entries in their order, numbered from `first`."""
    return _columns(group, len(flat.counts), flat.parents, flat.places + first, flat.fields)


def _columns(group: str, size: int, rows: Any, numbers: Any, fields: Mapping[str, Any]) -> dict[str, Any]:
    """The entries of a group in the columns of their numbers; the unnumbered columns hold number 0."""
    made: dict[str, Any] = {}
    for field in page_fields():
        if field.group != group or field.part not in fields:
            continue
        texts = text_of(fields[field.part])
        of_field = numbers > 0 if NUMBER in field.code else numbers == 0
        for number in np.unique(numbers[of_field & columns.mask(pc.is_valid(texts))]):
            here = numbers == number
            made[place(field, int(number)).code] = spread(size, rows[here], texts.filter(pa.array(here)))
    return made


def _intensive_care(lists: Any, made_up: Any) -> dict[str, Any]:
    """Stays in intensive care; one made from mere hours has no known ward."""
    flat = nested.flatten(lists)
    ward = pc.if_else(pa.array(made_up[flat.parents]), columns.NOTHING, flat.fields["ward"])
    return _numbered("icu_stays", flat._replace(fields=flat.fields | {"ward": ward}), first=1)


def _transfusions(lists: Any) -> dict[str, Any]:
    """Amounts of each kind of blood in its column, summed where a case has several of a kind."""
    flat = nested.flatten(lists)
    made: dict[str, Any] = {}
    for code, row in blood().items():
        here = columns.mask(pc.equal(flat.fields["kind"], row["kind"]))
        here &= columns.mask(pc.is_valid(flat.fields["amount"]))
        if here.any():
            amounts = pc.multiply(
                flat.fields["amount"].filter(pa.array(here)).cast(pa.decimal128(16, 2)), columns.HUNDRED
            )
            sums = _sums(len(lists), flat.parents[here], amounts.cast(pa.int64()))
            made[code] = text_of(pc.multiply(sums.cast(pa.decimal128(19, 0)), columns.CENT))
    return made


def _fees(cases: pa.Table) -> dict[str, Any]:
    """Fees in their columns; where a case has none by column, an exact split of its four parts."""
    flat = nested.flatten(column_of(cases, "fees"))
    made: dict[str, Any] = {}
    codes = [field.code for field in page_fields() if field.group == "fees"]
    index = pc.index_in(flat.fields["category"], value_set=pa.array(codes))
    listed = columns.mask(pc.is_valid(index)) & columns.mask(pc.is_valid(flat.fields["amount_fen"]))
    detailed = np.zeros(cases.num_rows, dtype=bool)
    detailed[flat.parents[listed]] = True
    numbers = np.asarray(pc.fill_null(index, -1))
    for number, code in enumerate(codes):
        here = listed & (numbers == number)
        if here.any():
            made[code] = _sums(cases.num_rows, flat.parents[here], flat.fields["amount_fen"].filter(pa.array(here)))
    sheet = Sheet(cases)
    split = np.array(sheet.fees_known(), dtype=bool) & ~detailed
    if split.any():
        for code, amounts in sheet.fees("front_page").items():
            made[code] = pc.coalesce(pa.array(amounts, mask=~split), made.get(code, pa.nulls(len(split), pa.int64())))
    return {code: columns.fen_text(amounts) for code, amounts in made.items()}


def _sums(size: int, rows: Any, values: Any) -> Any:
    """Whole numbers summed by row (int64), null in rows without any."""
    total = np.zeros(size, dtype=np.int64)
    np.add.at(total, rows, np.asarray(values))
    known = np.zeros(size, dtype=bool)
    known[rows] = True
    return pa.array(total, mask=~known)
