"""Coefficients 支付系数: a named list in the order of the edition, its product capped and rounded once (family 6)."""

from __future__ import annotations

from decimal import Decimal
from math import prod
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tongpin.base.errors import PolicyError
from tongpin.base.money import SCALE, round_half_up
from tongpin.payment.policy.lookup import Coded, Lookup
from tongpin.payment.pricing.means import figures

if TYPE_CHECKING:
    from collections.abc import Callable

    from tongpin.payment.policy.leaves import Band
    from tongpin.payment.policy.lookup import BoolColumn, IntColumn
    from tongpin.payment.pricing.rows import CaseRows

GIVEN = "product"
"""The coefficient that an edition gives as one number; an edition with it alone has no cap and no exceptions."""
COST = "cost"
"""The cost coefficient of the points method, which stands before the others."""
CAP = "cap"
_WITHHELD = "coefficient.withheld"
_LEAF = 3


class Coefficients(NamedTuple):
    """The product of each case in ten-thousandths, and its parts as text: `level=10500 difficulty=11000`."""

    product_e4: IntColumn
    parts: Coded


def coefficients(cases: CaseRows, lookup: Lookup, basic: BoolColumn, cost_e4: IntColumn | None = None) -> Coefficients:
    """The coefficients of each case by `coefficient.order`, multiplied exactly and rounded once to four decimals.

    `cases` holds `age` and `dx` where the order names difficulty. Raises `policy.gap`, `policy.figure`,
    `policy.column`. Source: S004-07, S000-40, S001-52, S900-01.
    """
    orders = lookup.coded_over((), lambda on, _: " ".join(lookup.policy.value("coefficient.order", on)))
    size = len(lookup.days)
    product, parts = np.full(size, SCALE), Coded(np.zeros(size, np.int64), [""])
    for text in orders.values:
        rows = np.flatnonzero(orders.equals(text))
        whole = len(rows) == size
        part = cases if whole else cases.take(rows)
        cost = None if cost_e4 is None else cost_e4[rows]
        found = _of_order(text.split(), part, lookup.narrowed(rows), basic[rows], cost)
        if whole:
            return found
        values = [*parts.values, *found.parts.values]
        codes = parts.codes.copy()
        codes[rows] = found.parts.codes + len(parts.values)
        product[rows], parts = found.product_e4, Coded(codes, values)
    return Coefficients(product, parts)


def _of_order(
    order: list[str], cases: CaseRows, lookup: Lookup, basic: BoolColumn, cost_e4: IntColumn | None
) -> Coefficients:
    columns: dict[str, IntColumn] = {} if cost_e4 is None else {COST: cost_e4}
    capped = Coded(np.zeros(len(lookup.days), np.int64), [""])
    has_rules = bool(set(order) - {GIVEN})
    spared = _Spared(lookup, basic) if has_rules else None
    for name in order:
        values = _COLUMNS[name](cases, lookup)
        columns[name] = spared.spare(name, values) if spared else values
    if has_rules:
        capped = lookup.coded_over((), lambda on, _: " ".join(lookup.policy.value("coefficient.capped", on)))
        if any(capped.values):
            columns[CAP] = lookup.scaled("coefficient.cap")
    return _multiplied(columns, capped)


def _multiplied(columns: dict[str, IntColumn], capped: Coded) -> Coefficients:
    """Each distinct combination of values is multiplied once, in whole numbers of any size."""
    size = len(capped.codes)
    codes = [capped, *(_values(column) for column in columns.values())]
    if size and all(len(one.values) == 1 for one in codes):
        values = {name: int(column[0]) for name, column in columns.items()}
        text = " ".join(f"{name}={value}" for name, value in values.items())
        product = product_e4(values, capped.values[0].split())
        return Coefficients(np.full(size, product), Coded(np.zeros(size, dtype=np.int64), [text]))
    key = np.zeros(size, dtype=np.int64)
    for one in codes:
        if len(one.values) > 1:
            key = _compact(key * len(one.values) + one.codes)
    encoded = pc.dictionary_encode(pa.array(key))
    places = encoded.indices.to_numpy()
    first = np.zeros(len(encoded.dictionary), dtype=np.int64)
    first[places[::-1]] = np.arange(size - 1, -1, -1)
    products, texts = [], []
    for row in first:
        inside = capped.values[capped.codes[row]].split()
        values = {name: int(column[row]) for name, column in columns.items()}
        products.append(product_e4(values, inside))
        texts.append(" ".join(f"{name}={value}" for name, value in values.items()))
    return Coefficients(np.array(products, dtype=np.int64)[places], Coded(places.astype(np.int64), texts))


def _compact(key: IntColumn) -> IntColumn:
    """The same distinctions in small numbers, so that the next factor cannot overflow."""
    found: IntColumn = pc.dictionary_encode(pa.array(key)).indices.to_numpy().astype(np.int64)
    return found


def _values(column: IntColumn) -> Coded:
    if not len(column) or (column[0] == column[-1] and (column == column[0]).all()):
        return Coded(np.zeros(len(column), np.int64), [""])
    encoded = pc.dictionary_encode(pa.array(column))
    return Coded(encoded.indices.to_numpy().astype(np.int64), [""] * len(encoded.dictionary))


def product_e4(values: dict[str, int], inside: list[str]) -> int:
    """The product of coefficients in ten-thousandths; those `inside` together at most `values["cap"]`; rounded once."""
    factors = {name: value for name, value in values.items() if name != CAP}
    within = [value for name, value in factors.items() if name in inside]
    outside = [value for name, value in factors.items() if name not in inside]
    numerator, denominator = prod(within), SCALE ** len(within)
    if CAP in values and within and numerator * SCALE > values[CAP] * denominator:
        numerator, denominator = values[CAP], SCALE
    return round_half_up(numerator * prod(outside) * SCALE, denominator * SCALE ** len(outside))


class _Spared:
    """The cases of groups that some coefficients do not touch: by list, by the ending of a split leaf, basic groups."""

    def __init__(self, lookup: Lookup, basic: BoolColumn) -> None:
        policy = lookup.policy
        self._withheld = lookup.coded_over((), lambda on, _: " ".join(policy.value("coefficient.withheld", on)))
        self._cases = np.zeros(len(lookup.days), dtype=bool)
        if any(self._withheld.values):
            ending = lookup.over(("drg",), lambda on, c: _ending(c["drg"]) in policy.value(f"{_WITHHELD}_endings", on))
            spares_basic = lookup.over((), lambda on, _: policy.value(f"{_WITHHELD}_basic", on))
            listed = lookup.listed(f"{_WITHHELD}_groups", "drg")
            self._cases = listed | ending.astype(bool) | (basic & spares_basic.astype(bool))

    def spare(self, name: str, values: IntColumn) -> IntColumn:
        """The coefficient, 1 for the cases that it does not touch."""
        spared = self._cases & self._withheld.mask(lambda text: name in text.split())
        return np.where(spared, SCALE, values) if spared.any() else values


def _ending(drg: str) -> str:
    """The fourth character of a group, which tells how a leaf was split."""
    return drg[_LEAF : _LEAF + 1]


def band_of(bands: tuple[Band, ...], number: int) -> int:
    """The value of the band that holds a number, both in ten-thousandths; below the lowest band it is refused."""
    chosen = [band for band in bands if band.start * SCALE <= number]
    if not chosen:
        raise PolicyError(
            "policy.bands", f"{number / SCALE:.4f} 低于最低的一档 {bands[0].start}", hint="第一档从 0 写起，写全各档"
        )
    return int(Decimal(chosen[-1].value) * SCALE)


def banded(lookup: Lookup, key: str, number_e4: IntColumn) -> IntColumn:
    """The band value of each case by a number in ten-thousandths; each distinct number is looked up once."""
    names = lookup.policy.parameter(key).by if len(lookup.days) else ()
    found = lookup.with_dimensions({"banded": _texts(number_e4)}).over(
        (*names, "banded"), lambda on, c: band_of(lookup.policy.value(key, on, **c), int(c["banded"]))
    )
    return np.asarray(found, dtype=np.int64)


def _texts(column: IntColumn) -> Coded:
    encoded = pc.dictionary_encode(pa.array(column))
    return Coded(encoded.indices.to_numpy().astype(np.int64), [str(value) for value in encoded.dictionary.to_pylist()])


def _difficulty(cases: CaseRows, lookup: Lookup) -> IntColumn:
    """S001-52: old age and/or many other diagnoses."""
    for name in ("age", "dx"):
        if name not in cases.column_names:
            raise PolicyError("policy.column", f"病例表没有 {name}", where=name, hint="病例难度系数要用年龄与诊断")
    age = pc.fill_null(cases["age"], -1).to_numpy().astype(np.int64)
    others = pc.fill_null(pc.list_value_length(cases["dx"]), 1).to_numpy().astype(np.int64) - 1
    condition = lookup.choices("coefficient.difficulty_condition")
    size = len(lookup.days)
    is_old, is_many = np.zeros(size, bool), np.zeros(size, bool)
    if set(condition.values) - {"comorbidities"}:
        is_old = age >= lookup.numbers("coefficient.difficulty_age")
    if set(condition.values) - {"age"}:
        is_many = others >= lookup.numbers("coefficient.difficulty_comorbidities")
    both, either = condition.equals("all"), condition.equals("any")
    hard = np.select([both, either, condition.equals("age")], [is_old & is_many, is_old | is_many, is_old], is_many)
    return np.where(hard, lookup.scaled("coefficient.difficulty"), SCALE)


def _heads(_cases: CaseRows, lookup: Lookup) -> IntColumn:
    """A21: visits per head of last year over this year's, at most the cap."""
    return np.minimum(figures(lookup, "heads_ratio"), lookup.scaled("coefficient.heads_cap"))


def _cmi(_cases: CaseRows, lookup: Lookup) -> IntColumn:
    """A22, S000-40: by the CMI of the hospital over the mean of its level, in bands."""
    return banded(lookup, "coefficient.cmi", figures(lookup, "cmi_ratio"))


def _given(name: str) -> Callable[[CaseRows, Lookup], IntColumn]:
    return lambda _cases, lookup: lookup.scaled(f"coefficient.{name}")


_COLUMNS: dict[str, Callable[[CaseRows, Lookup], IntColumn]] = {
    **{name: _given(name) for name in (GIVEN, "level", "institution", "discipline", "rescale")},
    "cmi": _cmi,
    "heads": _heads,
    "difficulty": _difficulty,
}


def neutral_factor_e4(weight_e4: IntColumn, rate_fen: IntColumn, coefficient_e4: IntColumn) -> int:
    """The factor in ten-thousandths that keeps the total what it was without coefficients; 1 without cases.

    Σ RW × rate ÷ Σ RW × rate × coefficient, rounded half up; it enters an edition as `coefficient.rescale`.
    """
    plain = weight_e4.astype(object) * rate_fen.astype(object)
    raised = plain * coefficient_e4.astype(object)
    before, after = int(plain.sum()) if len(plain) else 0, int(raised.sum()) if len(raised) else 0
    return round_half_up(before * SCALE * SCALE, after) if after else SCALE
