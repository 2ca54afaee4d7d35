"""The stay 住院: days as the edition counts them, and stays that ended within its first hours (S900-01, S915-01)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow.compute as pc

from tongpin.base.errors import PolicyError
from tongpin.payment.policy.lookup import Coded, coded
from tongpin.payment.pricing.schema import EARLY_ENDS

if TYPE_CHECKING:
    from tongpin.payment.policy.lookup import BoolColumn, DayColumn, IntColumn, Lookup
    from tongpin.payment.pricing.rows import CaseRows

_WAYS = {"5": "death_24h", "2": "transfer_24h", "4": "against_advice_24h"}
"""Ways of discharge of the national dictionary (dscg_way) that may end a stay early."""
_HOUR = 3600


def stay_days(cases: CaseRows, lookup: Lookup) -> IntColumn:
    """Days of stay: `los`, or counted from the times; a stay within one day counts as `scope.same_day_counts` says.

    `policy.stay` when a case has neither days nor times.
    """
    admitted, discharged = (_days(cases, name) for name in ("admission_time", "discharge_time"))
    known = ~np.isnat(admitted) & ~np.isnat(discharged)
    counted = np.where(known, np.maximum((discharged - admitted).astype(np.int64), 1), -1)
    stated = pc.fill_null(cases["los"], -1).to_numpy().astype(np.int64)
    days: IntColumn = np.where(stated >= 0, stated, counted)
    missing = np.flatnonzero(days < 0)
    if len(missing):
        raise PolicyError(
            "policy.stay",
            f"{len(missing)} 个病例没有住院天数，例如 {cases['case_id'][int(missing[0])].as_py()}",
            where="los",
            hint="补上入院、出院时间或住院天数，才能按天数判断范围",
        )
    return np.where(known & (admitted == discharged), lookup.numbers("scope.same_day_counts"), days)


def _days(cases: CaseRows, name: str) -> DayColumn:
    found: DayColumn = cases[name].to_numpy().astype("datetime64[D]")
    return found


def not_admitted(cases: CaseRows, lookup: Lookup) -> BoolColumn:
    """Which lists are of newborns that were born here and not admitted as patients of their own (policy choice 27).

    A newborn is known by `age_days`; one whose list leaves the type of admission open counts as admitted.
    """
    for name in ("age_days", "newborn_admission_type"):
        if name not in cases.column_names:
            raise PolicyError("policy.column", f"病例表没有 {name}", where=name, hint="新生儿的判断要用日龄与入院类型")
    days = pc.fill_null(cases["age_days"], -1).to_numpy().astype(np.int64)
    is_newborn = (days >= 0) & (days <= lookup.numbers("scope.newborn_days"))
    rows = np.flatnonzero(is_newborn)
    born_here = np.zeros(len(days), dtype=bool)
    if len(rows):
        types = coded(cases.take(rows)["newborn_admission_type"])
        some = lookup.narrowed(rows)
        known = lookup.policy
        admitted = some.with_dimensions({"newborn_type": types}).over(
            ("newborn_type",), lambda on, c: c["newborn_type"] in ("", *known.value("scope.newborn_admitted", on))
        )
        born_here[rows] = ~admitted.astype(bool)
    return born_here


def early_ends(cases: CaseRows, lookup: Lookup) -> Coded:
    """Which stays ended within `scope.early_hours` by death, transfer or against advice; empty text for the others."""
    admitted, discharged = (
        cases[name].to_numpy().astype("datetime64[s]") for name in ("admission_time", "discharge_time")
    )
    known = ~np.isnat(admitted) & ~np.isnat(discharged)
    seconds = np.where(known, (discharged - admitted).astype(np.int64), -1)
    early = (seconds >= 0) & (seconds <= lookup.numbers("scope.early_hours") * _HOUR)
    codes = np.zeros(len(seconds), dtype=np.int64)
    ways = cases["discharge_way"]
    for place, name in enumerate(EARLY_ENDS, start=1):
        chosen = [way for way, end in _WAYS.items() if end == name]
        is_way = pc.fill_null(pc.equal(ways, chosen[0]), False).to_numpy()
        codes[early & is_way] = place
    return Coded(codes, ["", *EARLY_ENDS])
