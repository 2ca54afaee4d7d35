"""Price 定价: steps 1-5 of the order C0 for every case, as columns (S900-01).

1 scope, 2 group (done before), 3 standard and outlier class, 4 gross, 5 pool payable. Each rule stands in a module of
its own; here they are only composed. The patient's part and the other funds come from the settlement result and are not
recomputed (but for the form by policy ratio, which says so); the difference falls on 统筹 and the hospital alone.
"""

from __future__ import annotations

import contextlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tongpin.base.errors import PolicyError, TongpinError
from tongpin.base.money import SCALE
from tongpin.payment.policy.lookup import Coded, Lookup, coded
from tongpin.payment.policy.period import case_days
from tongpin.payment.pricing.institutions import institution_terms
from tongpin.payment.pricing.outliers import outliers
from tongpin.payment.pricing.outside import registered_pay, ungrouped_pay
from tongpin.payment.pricing.payers import settled_amounts
from tongpin.payment.pricing.points import PointCases, bed_day_points, case_points, cost_coefficients, pay_of_points
from tongpin.payment.pricing.pool import outside_fees, pool_by_difference, pool_by_ratio
from tongpin.payment.pricing.rounding import rounded_column
from tongpin.payment.pricing.rows import Among, CaseRows
from tongpin.payment.pricing.schema import PRICED_SCHEMA, SCOPES, UNGROUPED
from tongpin.payment.pricing.scope import BY_ITEM_CODE, DRG_CODE, OUT_CODE, Scoped, scope_cases
from tongpin.payment.pricing.standard import priced_groups, standards
from tongpin.payment.pricing.stay import stay_days

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tongpin.payment.policy.lookup import BoolColumn, DayColumn, IntColumn
    from tongpin.payment.policy.policy import Policy

_GROUPED = "grouped"
_AMBIGUOUS = "ambiguous"
THREADS = 2
SLICE_ROWS = 2**18
"""A large table is priced in slices of at most so many cases, so that the memory does not grow with it."""
FEW_ROWS = 2**17
"""A slice of fewer cases costs more in looking up than it saves."""


def price(grouped: pa.Table, policy: Policy, institutions: pa.Table) -> pa.Table:
    """Grouped cases with the columns of `PRICED_SCHEMA` added.

    `grouped`: the case table plus `status, mdc, adrg, drg`. `institutions`: `institution_code, settlement_level,
    valid_from` (the level in force from that day; date32), and where it has one `pay_mode`. Amounts in fen.
    Refuses the whole table with PolicyError: `policy.gap`, `policy.weight` (no weight), `policy.institution`,
    `policy.date`, `policy.amount`, `policy.column`, `policy.mean`, `policy.figure`, `policy.table`, `policy.stay`,
    `policy.bands`; and with BalanceError when the payer split of a case does not sum to its fee.
    """
    columns = _in_slices(grouped, policy, institutions)
    result = grouped
    for field in PRICED_SCHEMA:
        result = result.append_column(field, columns[field.name])
    return result


def _in_slices(grouped: pa.Table, policy: Policy, institutions: pa.Table) -> Mapping[str, Any]:
    """The priced columns, slice by slice where no rule of the edition looks at several cases at once."""
    count = max(-(-grouped.num_rows // SLICE_ROWS), min(THREADS, grouped.num_rows // FEW_ROWS))
    if count > 1 and not _compares_cases(policy):
        rows = -(-grouped.num_rows // count)
        slices = [grouped.slice(first, rows) for first in range(0, grouped.num_rows, rows)]
        # A refusal counts the cases of the whole table: it is left to the whole to say.
        with contextlib.suppress(TongpinError), ThreadPoolExecutor(THREADS) as pool:
            parts = list(pool.map(lambda part: _priced_columns(part, policy, institutions), slices))
            return {name: pa.chunked_array([part[name] for part in parts]) for name in parts[0]}
    return _priced_columns(grouped, policy, institutions)


def _compares_cases(policy: Policy) -> bool:
    """Whether the price of a case may depend on other cases: its rank among them, a readmission, a method for all."""
    by_rank = "top_share" in _stated(policy, "outlier.high.rule")
    returns = bool(_stated(policy, "points.readmission_stay") - {"none"})
    return by_rank or returns or len(_stated(policy, "pay.method")) > 1


def _stated(policy: Policy, key: str) -> set[Any]:
    """Every value that the edition gives a parameter, on whatever day and for whatever case."""
    days = policy.parameter(key).values if key in policy.edition.parameters else ()
    return {policy.value(key, day, **leaf) for day in days for leaf in policy.leaves(key, day)}


def _priced_columns(grouped: pa.Table, policy: Policy, institutions: pa.Table) -> dict[str, pa.Array]:
    """The columns of `PRICED_SCHEMA` for the cases of a table."""
    days = case_days(grouped, policy.edition.edition_by.value)
    care = Lookup(policy, days, grouped["case_id"], {"care_type": coded(grouped["care_type"])})
    care_scope = care.choices("scope.care_type")
    inside = np.flatnonzero(~care_scope.equals("OUT"))
    whole_table = len(inside) == grouped.num_rows
    cases = grouped if whole_table else grouped.take(inside)
    scope = care_scope if whole_table else care_scope.take(inside)
    columns = _price_inside(CaseRows(cases), policy, institutions, days if whole_table else days[inside], scope)
    spread = None
    if not whole_table:
        places = np.full(grouped.num_rows, -1, dtype=np.int64)
        places[inside] = np.arange(len(inside))
        spread = pa.array(places, mask=places < 0)
        columns = {name: column.take(spread) for name, column in columns.items()}
        columns["pay_scope"] = pc.fill_null(columns["pay_scope"], "OUT")
    return columns


@dataclass
class _Priced:
    """The steps' columns of the cases inside the settlement, filled one after another; fen."""

    gross: IntColumn
    mode: _Texts
    points_e4: IntColumn
    columns: dict[str, Any]


class _Texts:
    """A coded column that is written in pieces."""

    def __init__(self, size: int, first: str) -> None:
        self.codes = np.zeros(size, dtype=np.int64)
        self.values = [first]

    def write(self, rows: IntColumn, piece: Coded) -> None:
        for value in piece.values:
            if value not in self.values:
                self.values.append(value)
        if len(rows):
            self.codes[rows] = np.array([self.values.index(value) for value in piece.values])[piece.codes]

    def array(self) -> pa.Array:
        return Coded(self.codes, self.values).texts()


def _price_inside(
    cases: CaseRows, policy: Policy, institutions: pa.Table, days: DayColumn, care_scope: Coded
) -> dict[str, pa.Array]:
    """The priced columns of the cases inside the scope of the settlement."""
    fee, patient, item_pool, other = settled_amounts(cases)
    lookup = _lookup(cases, policy, institutions, days)
    scoped = scope_cases(cases, lookup, care_scope)
    _by_status(cases, lookup, scoped)

    size = len(fee)
    priced = _Priced(fee.copy(), _Texts(size, "by_item"), np.full(size, -1, dtype=np.int64), {})
    _pay_ungrouped(lookup, scoped, priced, (fee, patient + other, item_pool))
    _pay_registered(cases, lookup, scoped, priced, patient + other)
    outside = outside_fees(cases, lookup, fee)
    rows = np.flatnonzero(scoped.scope == DRG_CODE)
    _pay_drg(cases.take(rows), lookup.narrowed(rows), scoped, rows, priced, (fee - outside, outside, patient + other))

    is_drg = scoped.scope == DRG_CODE
    pool = pool_by_difference(lookup, priced.gross, patient + other, is_drg)
    out = scoped.scope == OUT_CODE
    columns: dict[str, pa.Array] = {
        "fund": lookup.dimension("fund").texts(),
        "hospital_level": lookup.dimension("hospital_level").texts(),
        "hospital_pay_mode": lookup.dimension("pay_mode").texts(),
        "by_item_reason": _or_null(scoped.reasons()),
        "register": _or_null(scoped.registers()),
        "register_code": _or_null(scoped.register_code),
        "early_end": _or_null(scoped.early_end),
        "pay_mode": priced.mode.array(),
        "points_e4": pa.array(priced.points_e4, mask=priced.points_e4 < 0),
        "gross_fen": pa.array(priced.gross),
        "patient_fen": pa.array(patient),
        "other_funds_fen": pa.array(other),
        "outside_fee_fen": pa.array(outside),
        "item_pool_fen": pa.array(item_pool),
        "pool_payable_fen": pa.array(pool.payable_fen),
        "result_fen": pa.array(pool.payable_fen - item_pool),
        "floored_fen": pa.array(pool.floored_fen),
    }
    among = Among(rows, size)
    for name, values in priced.columns.items():
        columns[name] = among.spread(values, PRICED_SCHEMA.field(name).type)
    if out.any():
        columns = {name: pc.if_else(pa.array(out), pa.scalar(None, a.type), a) for name, a in columns.items()}
    columns["pay_scope"] = Coded(scoped.scope.astype(np.int64), list(SCOPES)).texts()
    return columns


def _lookup(cases: CaseRows, policy: Policy, institutions: pa.Table, days: DayColumn) -> Lookup:
    """The look-up of all cases, with fund, level and pay mode of their institution."""

    def of(name: str) -> Callable[[], Coded]:
        return lambda: coded(cases[name])

    ids = cases["case_id"]
    names = ("insurance", "institution_code", "drg", "dept", "care_type")
    lookup = Lookup(policy, days, ids, {name: of(name) for name in names if name in cases.column_names})
    terms = institution_terms(lookup.dimension("institution_code"), institutions, days, ids)
    lookup.dimensions |= {
        "fund": lookup.choices("fund.of_insurance"),
        "hospital_level": terms.level,
        "pay_mode": terms.pay_mode,
    }
    return lookup


def _by_status(cases: CaseRows, lookup: Lookup, scoped: Scoped) -> None:
    """Step 2: what no test took out and has no group is not paid by its group."""
    status = coded(cases["status"])
    kinds = ["" if text == _GROUPED else "QY" if text == _AMBIGUOUS else "0000" for text in status.values]
    values = ["", "QY", "0000"]
    places = np.array([values.index(kind) for kind in kinds], dtype=np.int64)
    lookup.dimensions["ungrouped"] = Coded(places[status.codes], values)
    if any(kinds):
        lost = (scoped.scope == DRG_CODE) & status.mask(lambda text: text != _GROUPED)
        scoped.scope[lost] = BY_ITEM_CODE
        scoped.reason[lost] = scoped.reasons().values.index(UNGROUPED)
        scoped.is_capped &= ~lost


def _pay_ungrouped(
    lookup: Lookup, scoped: Scoped, priced: _Priced, amounts: tuple[IntColumn, IntColumn, IntColumn]
) -> None:
    rows = np.flatnonzero(scoped.reasons().equals(UNGROUPED))
    if len(rows):
        paid = ungrouped_pay(lookup.narrowed(rows), *(amount[rows] for amount in amounts))
        priced.gross[rows] = paid.gross_fen
        priced.mode.write(rows, paid.mode)


def _pay_registered(cases: CaseRows, lookup: Lookup, scoped: Scoped, priced: _Priced, not_pool: IntColumn) -> None:
    """Fixed amounts and bed-days; a case that its register pays by item needs nothing more."""
    pay = scoped.register_pay
    is_daily = pay.equals("per_day")
    rows = np.flatnonzero(is_daily | pay.equals("fixed"))
    if not len(rows):
        return
    some = _of_registers(lookup, scoped, rows)
    in_points = np.flatnonzero(some.choices("pay.method").equals("points") & is_daily[rows])
    in_fen = np.setdiff1d(np.arange(len(rows)), in_points)
    if len(in_fen):
        at = rows[in_fen]
        paid = registered_pay(cases.take(at), some.narrowed(in_fen), pay.take(at))
        priced.gross[at] = paid.gross_fen
        priced.mode.write(at, paid.mode)
    if len(in_points):
        at, part = rows[in_points], some.narrowed(in_points)
        points_e4 = bed_day_points(part, stay_days(cases.take(at), part))
        priced.points_e4[at] = points_e4
        priced.gross[at] = _gross_of_points(part, points_e4, not_pool[at])
        priced.mode.write(at, Coded(np.zeros(len(at), np.int64), ["points"]))


def _of_registers(lookup: Lookup, scoped: Scoped, rows: IntColumn) -> Lookup:
    """The look-up of registered cases, with their register and its code."""
    held = {"register": scoped.registers().take(rows), "register_code": scoped.register_code.take(rows)}
    return lookup.narrowed(rows).with_dimensions(held)


def _gross_of_points(lookup: Lookup, points_e4: IntColumn, not_pool: IntColumn) -> IntColumn:
    """Points at the monthly value; with a budget of the pool alone the other payers come on top."""
    pay = pay_of_points(lookup, points_e4)
    return np.where(lookup.choices("points.budget_base").equals("fund"), pay + not_pool, pay)


def _pay_drg(
    cases: CaseRows,
    lookup: Lookup,
    scoped: Scoped,
    rows: IntColumn,
    priced: _Priced,
    amounts: tuple[IntColumn, IntColumn, IntColumn],
) -> None:
    """Steps 3 and 4 for the DRG cases: group to standard, outlier class, pay mode, gross."""
    fee, outside, not_pool = (amount[rows] for amount in amounts)
    method = lookup.choices("pay.method")
    by_points = method.equals("points")
    if by_points.any() and not by_points.all():
        raise PolicyError("policy.method", "同一次定价里有费率法也有点数法的日期", hint="按方法分开定价")
    is_points = bool(by_points.any())
    drg = priced_groups(cases, lookup, fee)
    lookup = lookup.with_dimensions({"drg": drg})
    standard = standards(cases, lookup, cost_coefficients(lookup) if is_points else None)
    is_shared = scoped.register_pay.take(rows).equals("drg_share")
    at_standard = _shared(lookup, scoped, rows, is_shared, standard.standard_fen)
    if is_points:
        told = case_points(PointCases(cases, lookup, fee, standard, scoped.early_end.take(rows)))
        gross = _gross_of_points(lookup, told.points_e4, not_pool)
        mode = Coded(np.zeros(len(rows), np.int64), ["points"])
        base, outlier, outside = told.mean_fen, told.outlier, np.zeros_like(gross)
        priced.points_e4[rows] = told.points_e4
    else:
        paid = outliers(cases, lookup, fee, at_standard, standard.weight_e4, scoped.is_capped[rows])
        gross, mode, base, outlier = paid.gross_fen, paid.mode, paid.base_fen, paid.outlier
    gross = gross + outside
    priced.mode.write(rows, mode)
    shared = rows[is_shared & mode.equals("standard")]
    priced.mode.write(shared, Coded(np.zeros(len(shared), np.int64), ["drg_share"]))
    gross = _by_policy_ratio(cases, lookup, gross, mode, priced, rows, not_pool)
    priced.gross[rows] = gross
    priced.columns = {
        "priced_drg": standard.priced_drg,
        "weight_e4": standard.weight_e4,
        "basic_group": standard.basic,
        "rate_fen": standard.rate_fen,
        "coefficient_e4": standard.coefficient_e4,
        "coefficient_parts": standard.coefficient_parts,
        "standard_fen": standard.standard_fen,
        "outlier_base_fen": base,
        "outlier_class": outlier,
    }


def _shared(lookup: Lookup, scoped: Scoped, rows: IntColumn, is_shared: BoolColumn, standard: IntColumn) -> IntColumn:
    """The standard, or its share for cases whose register pays one (S914-01)."""
    places = np.flatnonzero(is_shared)
    if not len(places):
        return standard
    some = lookup.narrowed(places).with_dimensions({"register": scoped.registers().take(rows[places])})
    factors = (standard[places], some.scaled("register.share"))
    result = standard.copy()
    result[places] = rounded_column(factors, SCALE, some.numbers("rounding.standard"))
    return result


def _by_policy_ratio(
    cases: CaseRows,
    lookup: Lookup,
    gross: IntColumn,
    mode: Coded,
    priced: _Priced,
    rows: IntColumn,
    not_pool: IntColumn,
) -> IntColumn:
    """Form 1 of the pool payable for cases that are not paid by item: the gross is then what all payers pay."""
    form = lookup.choices("pool.form")
    places = np.flatnonzero(form.equals("policy_ratio") & ~mode.mask(lambda text: text in {"by_item", "item_capped"}))
    if not len(places):
        return gross
    payable = pool_by_ratio(cases.take(places), lookup.narrowed(places), gross[places])
    result = gross.copy()
    result[places] = payable + not_pool[places]
    priced.mode.write(rows[places], Coded(np.zeros(len(places), np.int64), ["policy_ratio"]))
    return result


def _or_null(column: Coded) -> pa.Array:
    """The texts, null where they are empty."""
    if column.values == [""]:
        return pa.nulls(len(column.codes), pa.string())
    return pa.array([value or None for value in column.values], pa.string()).take(pa.array(column.codes))
