"""Populations 人群口径: the cases that a figure counts, read from a home (S900-03).

Settled cases are posted lists by the month that paid them; discharged ones front pages by the month of discharge. Both
carry the columns by which figures are sliced.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tongpin.grouping.compiled.stage import RESULT_COLUMNS, group
from tongpin.measures.catalogue import load_definitions
from tongpin.payment.month.closed import posted
from tongpin.payment.month.posting import LATE, REGULAR
from tongpin.records.case.schema import CASE_SCHEMA
from tongpin.records.intake.load import CASES, read_loaded
from tongpin.records.views.stay_lists import INPATIENT

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tongpin.grouping.tables.model import SchemeTables
    from tongpin.payment.policy.policy import Policy
    from tongpin.store.home import Home

DRG_POPULATION, LIST_POPULATION, PAGE_POPULATION = "医保DRG", "医保全部", "全部出院"
SLICES = (
    *("institution_code", "hospital_level", "region", "month", "drg", "mdc", "insurance"),
    *("dept", "ward", "team", "doctor_code"),
)
"""By what cases may be sliced; a case that does not know one of them has empty text there."""
PROCEDURES = "procedures"
SURGERY_LEVELS = ("1", "2", "3", "4")
"""The codes of 手术级别 (RC029); an entry without one is no operation with a level."""


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


def discharged_cases(
    home: Home,
    scheme: SchemeTables,
    policy: Policy,
    months: Iterable[str] | None = None,
    *,
    operations: bool = False,
) -> pa.Table:
    """Front pages of inpatients, grouped by the scheme and weighted by the edition, with `month`.

    `weight_e4` is null where the edition has no weight; all months of discharge unless named. `operations` adds what
    `operation_counts` counts. Source: S900-03.
    """
    nested = [PROCEDURES] if operations else []
    cases = read_loaded(home, CASES, [*CASE_SCHEMA.names, "discharge_ward", *nested])
    of_inpatients = pc.is_in(cases["care_type"], value_set=pa.array(INPATIENT))
    is_page = pc.and_(pc.equal(cases["source"], "front_page"), pc.is_valid(cases["discharge_time"]))
    pages = cases.filter(pc.and_(is_page, of_inpatients))
    pages = pages.rename_columns(["ward" if name == "discharge_ward" else name for name in pages.column_names])
    month = pa.array(np.asarray(pages["discharge_time"].to_numpy().astype("datetime64[M]").astype(str)), pa.string())
    pages = pages.append_column("month", month)
    if months is not None:
        pages = pages.filter(pc.is_in(pages["month"], value_set=pa.array(list(months), pa.string())))
    if operations:
        pages = operation_counts(pages).drop_columns(nested)
    return sliced(weighted(pages, scheme, policy))


def operation_counts(pages: pa.Table) -> pa.Table:
    """The pages with `operation_count` and `high_operation_count`: operations with a level, and those of level 3 or 4.

    Each operation counts, not the highest of the stay: the second form of 三四级手术占比 (S003-11).
    """
    procedures = pages[PROCEDURES].combine_chunks()
    parents = np.asarray(pc.list_parent_indices(procedures).to_numpy())
    flat = procedures.flatten()
    level = pa.nulls(0, pa.string()) if not len(flat) else flat.field("level").cast(pa.string())
    graded = pc.is_in(level, value_set=pa.array(SURGERY_LEVELS))
    high_from = load_definitions()["surgery.high_level"].value
    high = pc.is_in(level, value_set=pa.array([one for one in SURGERY_LEVELS if int(one) >= high_from]))
    for name, mask in (("operation_count", graded), ("high_operation_count", high)):
        where = np.asarray(mask.to_numpy(zero_copy_only=False), dtype=np.bool_)
        counts = np.bincount(parents[where], minlength=pages.num_rows)
        pages = pages.append_column(name, pa.array(counts, pa.int64()))
    return pages


def performance_cases(cases: pa.Table) -> pa.Table:
    """The cases that performance counts 绩效口径: stays beyond `performance.excluded_stay_days` are out (TV-P8).

    Which stays are paid by their group is another question, and the edition's own (`scope.stay_days`).
    """
    longest = load_definitions()["performance.excluded_stay_days"].value
    return cases.filter(pc.fill_null(pc.less_equal(cases["los"], longest), True))


def placed(cases: pa.Table, institutions: pa.Table) -> pa.Table:
    """The cases with `hospital_level` and `region` of their institution, as registered at the end of their `month`.

    A level that the case was paid at stays; what is not registered is empty text.
    """
    ends = np.asarray(cases["month"].cast(pa.string()).to_numpy(zero_copy_only=False), dtype="datetime64[M]") + 1
    day = pa.array(ends.astype("datetime64[D]") - np.timedelta64(1, "D"), pa.date32())
    names = {"settlement_level": "hospital_level", "region": "region"}
    kept = {old: new for old, new in names.items() if new not in cases.column_names}
    found = as_of(cases, institutions, ("institution_code",), ("institution_code",), day, list(kept))
    for old, new in kept.items():
        cases = cases.append_column(new, found[old])
    return sliced(cases)


def staffed(cases: pa.Table, staff: pa.Table) -> pa.Table:
    """The cases with `team`, and `ward` where they name none, of their doctor on the day of discharge (S002-05)."""
    day = cases["discharge_time"].cast(pa.date32())
    keys = ("institution_code", "doctor_code")
    found = as_of(cases, staff, keys, ("institution_code", "staff_code"), day, ["team", "ward"])
    if "ward" in cases.column_names:
        own = pc.if_else(pc.equal(cases["ward"], ""), pa.scalar(None, pa.string()), cases["ward"])
        cases = cases.set_column(cases.column_names.index("ward"), "ward", pc.coalesce(own, found["ward"]))
    else:
        cases = cases.append_column("ward", found["ward"])
    return sliced(cases.append_column("team", found["team"]))


def as_of(
    cases: pa.Table,
    table: pa.Table,
    case_keys: Sequence[str],
    table_keys: Sequence[str],
    day: Any,
    columns: Sequence[str],
) -> dict[str, Any]:
    """Columns of a dated table for every case: of the latest row of its key that is in force on its day, else null.

    A row holds from `valid_from` to `valid_until` (open where the table has no such column).
    """
    days = _day_numbers(day)
    wanted = _joined_keys(cases, case_keys)
    table = table.sort_by("valid_from")
    keys = _joined_keys(table, table_keys)
    since, until = _day_numbers(table["valid_from"]), np.full(table.num_rows, _FOREVER)
    if "valid_until" in table.column_names:
        until = _day_numbers(table["valid_until"], _FOREVER)
    row = np.full(cases.num_rows, -1, dtype=np.int64)
    for places in _versions(keys):
        met = pc.index_in(wanted, value_set=keys.take(pa.array(places))).to_numpy(zero_copy_only=False)
        at = np.where(np.isnan(met), -1, met).astype(np.int64)
        rows = np.where(at >= 0, np.asarray(places)[at] if len(places) else -1, -1)
        holds = (rows >= 0) & (since[rows] <= days) & (until[rows] >= days)
        row = np.where(holds, rows, row)
    indices = pa.array(row, pa.int64(), mask=row < 0)
    return {name: table[name].combine_chunks().cast(pa.string()).take(indices) for name in columns}


_FOREVER = np.iinfo(np.int32).max


def _day_numbers(days: Any, missing: int = -1) -> Any:
    return np.asarray(pc.fill_null(days.cast(pa.date32()).cast(pa.int32()), missing).to_numpy(), dtype=np.int64)


def _joined_keys(table: pa.Table, names: Sequence[str]) -> Any:
    columns = [pc.fill_null(table[name].cast(pa.string()), "").combine_chunks() for name in names]
    return pc.binary_join_element_wise(*columns, "\x1f") if len(columns) > 1 else columns[0]


def _versions(keys: Any) -> list[list[int]]:
    """The rows of a table in rounds: in each round a key stands at most once, its rows keep their order."""
    rounds: list[list[int]] = []
    seen: dict[str, int] = {}
    for place, key in enumerate(keys.to_pylist()):
        number = seen.get(key, 0)
        seen[key] = number + 1
        if number == len(rounds):
            rounds.append([])
        rounds[number].append(place)
    return rounds


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
