"""Populations 人群口径: the cases that a figure counts, read from a home (S900-03).

Settled cases are posted lists by the month that paid them; discharged ones front pages by the month of discharge. Both
carry the columns by which figures are sliced.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tongpin.grouping.compiled.stage import RESULT_COLUMNS, group
from tongpin.payment.month.closed import posted
from tongpin.payment.month.posting import LATE, REGULAR
from tongpin.records.case.schema import CASE_SCHEMA
from tongpin.records.intake.load import CASES, read_loaded
from tongpin.records.views.stay_lists import INPATIENT

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tongpin.grouping.tables.model import SchemeTables
    from tongpin.payment.policy.policy import Policy
    from tongpin.store.home import Home

DRG_POPULATION, LIST_POPULATION, PAGE_POPULATION = "医保DRG", "医保全部", "全部出院"
SLICES = ("institution_code", "hospital_level", "month", "drg", "insurance", "dept", "ward", "doctor_code")
"""By what cases may be sliced; a case that does not know one of them has empty text there."""


def settled_cases(home: Home, months: Iterable[str] | None = None, area: str | None = None) -> pa.Table:
    """The regular and late lists that closed months paid (`LINE_SCHEMA`), with `month`; all closed months unless named.

    What lies outside the settlement, red and blue lines are left out.
    """
    lines = posted(home, area, months)
    return settled_lines(lines.append_column("month", lines["period"]))


def settled_lines(lines: pa.Table) -> pa.Table:
    """The same of lines at hand."""
    counted = pc.and_(
        pc.is_in(lines["line_kind"], value_set=pa.array([REGULAR, LATE])), pc.not_equal(lines["pay_scope"], "OUT")
    )
    return sliced(lines.filter(counted))


def paid_by_group(lists: pa.Table) -> pa.Table:
    """Of settled cases those paid by their group (医保DRG)."""
    return lists.filter(pc.equal(lists["pay_scope"], "DRG"))


def discharged_cases(home: Home, scheme: SchemeTables, policy: Policy, months: Iterable[str] | None = None) -> pa.Table:
    """Front pages of inpatients, grouped by the scheme and weighted by the edition, with `month`.

    `weight_e4` is null where the edition has no weight; all months of discharge unless named. Source: S900-03.
    """
    cases = read_loaded(home, CASES, [*CASE_SCHEMA.names, "discharge_ward"])
    of_inpatients = pc.is_in(cases["care_type"], value_set=pa.array(INPATIENT))
    is_page = pc.and_(pc.equal(cases["source"], "front_page"), pc.is_valid(cases["discharge_time"]))
    pages = cases.filter(pc.and_(is_page, of_inpatients))
    pages = pages.rename_columns(["ward" if name == "discharge_ward" else name for name in pages.column_names])
    month = pa.array(np.asarray(pages["discharge_time"].to_numpy().astype("datetime64[M]").astype(str)), pa.string())
    pages = pages.append_column("month", month)
    if months is not None:
        pages = pages.filter(pc.is_in(pages["month"], value_set=pa.array(list(months), pa.string())))
    return sliced(weighted(pages, scheme, policy))


def weighted(pages: pa.Table, scheme: SchemeTables, policy: Policy) -> pa.Table:
    """The cases with their group by a scheme and its weight by an edition, null where it has none."""
    grouped = group(pages, scheme)
    for name in RESULT_COLUMNS:
        place = grouped.column_names.index(name)
        grouped = grouped.set_column(place, name, grouped[name].cast(pa.string()))
    drgs = pa.array(policy.weights, pa.string())
    weights = pa.array([weight.weight_e4 for weight in policy.weights.values()], pa.int64())
    found = pc.index_in(grouped["drg"], value_set=drgs)
    return grouped.append_column("weight_e4", weights.take(found.combine_chunks()))


def sliced(cases: pa.Table) -> pa.Table:
    """The cases with empty text for a slice they do not know, so that they stay a slice of their own."""
    for name in SLICES:
        if name in cases.column_names:
            text = pc.fill_null(pc.cast(cases[name], pa.string()), "")
            cases = cases.set_column(cases.column_names.index(name), name, text)
    return cases
