"""Scope 付费范围: step 1 of the order C0, the tests in the order that the edition gives (families 1 and 2)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tongpin.payment.policy.lookup import Coded
from tongpin.payment.pricing.registers import held_codes
from tongpin.payment.pricing.schema import (
    CARE_TYPE,
    EARLY_END,
    EXCLUDED,
    NEWBORN,
    OBSERVED,
    REASONS,
    REGISTER,
    REGISTERS,
    SCOPES,
    STAY_DAYS,
)
from tongpin.payment.pricing.stay import early_ends, not_admitted, stay_days
from tongpin.payment.pricing.tables import registers

if TYPE_CHECKING:
    from tongpin.payment.policy.lookup import BoolColumn, IntColumn, Lookup
    from tongpin.payment.pricing.rows import CaseRows

DRG_CODE, BY_ITEM_CODE, BED_DAY_CODE, SINGLE_CODE, OUT_CODE = range(len(SCOPES))
_REASON_CODES = {reason: code for code, reason in enumerate(("", *REASONS))}
_REGISTER_CODES = {name: code for code, name in enumerate(("", *REGISTERS))}
_REGISTER_SCOPES = {
    "drg_share": DRG_CODE,
    "by_item": BY_ITEM_CODE,
    "fixed": SINGLE_CODE,
    "per_day": BED_DAY_CODE,
    "out": OUT_CODE,
}


@dataclass
class Scoped:
    """What step 1 found of each case: codes into `SCOPES`, `("", *REASONS)`, and what the later steps need.

    `register_pay` is the option of `register.pay` (empty: none); `is_capped` marks cases paid by item but never above
    the standard.
    """

    scope: IntColumn
    reason: IntColumn
    register: IntColumn
    register_code: Coded
    register_pay: Coded
    early_end: Coded
    is_capped: BoolColumn

    def reasons(self) -> Coded:
        """Why a case is not paid by its group; empty text in DRG."""
        return Coded(self.reason, ["", *REASONS])

    def registers(self) -> Coded:
        """The register that holds the case; empty text for none."""
        return Coded(self.register, ["", *REGISTERS])


def scope_cases(cases: CaseRows, lookup: Lookup, care_scope: Coded) -> Scoped:
    """Step 1 for cases inside the settlement; `care_scope` is what their care type says (DRG or BY_ITEM).

    The first test of `scope.tests` that decides a case keeps it; a register whose pay is `drg` only marks it. What no
    test decides stays in DRG. Source: S900-01, S914-01, S915-01, TV-P8.
    """
    size = len(lookup.days)
    none = Coded(np.zeros(size, dtype=np.int64), [""])
    found = Scoped(
        np.full(size, DRG_CODE),
        np.zeros(size, np.int64),
        np.zeros(size, np.int64),
        none,
        none,
        none,
        np.zeros(size, bool),
    )
    orders = lookup.coded_over((), lambda on, _: " ".join(lookup.policy.value("scope.tests", on)))
    if "scope.early_hours" in lookup.policy.edition.parameters or any(EARLY_END in text for text in orders.values):
        found.early_end = early_ends(cases, lookup)
    for text in orders.values:
        is_open = orders.equals(text)
        for test in text.split():
            rows = np.flatnonzero(is_open)
            if len(rows):
                is_open[rows[_decided(test, cases, lookup, care_scope, found, rows)]] = False
    return found


def _decided(
    test: str, cases: CaseRows, lookup: Lookup, care_scope: Coded, found: Scoped, rows: IntColumn
) -> BoolColumn:
    """Which of the rows the test decides; what it says of them is written into `found`."""
    some = lookup.narrowed(rows)
    if test == CARE_TYPE:
        by_item = care_scope.take(rows).equals("BY_ITEM")
        return _set(found, rows, by_item, BY_ITEM_CODE, CARE_TYPE)
    if test == "pay_mode":
        return _set(found, rows, some.choices("scope.pay_mode").equals("BY_ITEM"), BY_ITEM_CODE, OBSERVED)
    if test == EXCLUDED:
        hit = some.listed("scope.excluded_groups", "drg")
        return _set_choice(found, rows, hit, some.choices("scope.excluded_pay"), EXCLUDED)
    part = cases.take(rows)
    if test == STAY_DAYS:
        days = stay_days(part, some)
        hit = (days <= some.numbers("scope.stay_days_min")) | (days >= some.numbers("scope.stay_days_max"))
        return _set_choice(found, rows, hit, some.choices("scope.stay_days_pay"), STAY_DAYS)
    if test == EARLY_END:
        return _early(found, some, rows)
    if test == NEWBORN:
        return _set_choice(found, rows, not_admitted(part, some), some.choices("scope.newborn_pay"), NEWBORN)
    return _registered(test, part, some, found, rows)


def _set(found: Scoped, rows: IntColumn, hit: BoolColumn, scope: int, reason: str) -> BoolColumn:
    found.scope[rows[hit]] = scope
    found.reason[rows[hit]] = _REASON_CODES[reason]
    return hit


def _set_choice(found: Scoped, rows: IntColumn, hit: BoolColumn, choice: Coded, reason: str) -> BoolColumn:
    """By item or out, as the edition chooses for what the test hit."""
    _set(found, rows, hit & choice.equals("BY_ITEM"), BY_ITEM_CODE, reason)
    _set(found, rows, hit & choice.equals("OUT"), OUT_CODE, reason)
    return hit


def _early(found: Scoped, lookup: Lookup, rows: IntColumn) -> BoolColumn:
    ends = found.early_end.take(rows)
    hit = ~ends.equals("")
    places = np.flatnonzero(hit)
    some = lookup.narrowed(places)
    some.dimensions["early_end"] = ends.take(places)
    pay = some.choices("scope.early_pay")
    found.is_capped[rows[places[pay.equals("CAPPED")]]] = True
    by_item = np.zeros(len(rows), dtype=bool)
    by_item[places[pay.equals("BY_ITEM")]] = True
    return _set(found, rows, by_item, BY_ITEM_CODE, EARLY_END)


def _registered(test: str, cases: CaseRows, lookup: Lookup, found: Scoped, rows: IntColumn) -> BoolColumn:
    held = held_codes(cases, lookup, test, registers(lookup.policy))
    places = np.flatnonzero(~held.equals(""))
    decided = np.zeros(len(rows), dtype=bool)
    if not len(places):
        return decided
    some = lookup.narrowed(places)
    some.dimensions["register"] = Coded(np.zeros(len(places), np.int64), [test])
    pays = some.choices("register.pay")
    at = rows[places]
    found.register[at] = _REGISTER_CODES[test]
    found.register_code = _written(found.register_code, at, held.take(places))
    found.register_pay = _written(found.register_pay, at, pays)
    for option, scope in _REGISTER_SCOPES.items():
        hit = pays.equals(option)
        found.scope[at[hit]] = scope
        found.reason[at[hit]] = _REASON_CODES[REGISTER] if scope != DRG_CODE else 0
        decided[places[hit]] = True
    return decided


def _written(old: Coded, rows: IntColumn, new: Coded) -> Coded:
    """The column with the values of some rows replaced."""
    values = list(dict.fromkeys([*old.values, *new.values]))
    codes = np.array([values.index(value) for value in old.values])[old.codes]
    codes[rows] = np.array([values.index(value) for value in new.values])[new.codes]
    return Coded(codes, values)
