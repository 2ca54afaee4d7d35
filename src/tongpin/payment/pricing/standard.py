"""Standard 支付标准: weight × rate × coefficients, rounded once (C0 step 3)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from tongpin.base.errors import PolicyError
from tongpin.base.money import SCALE
from tongpin.payment.policy.lookup import Coded
from tongpin.payment.pricing.coefficients import coefficients
from tongpin.payment.pricing.rates import rate_fen
from tongpin.payment.pricing.rounding import rounded_column, whole
from tongpin.payment.pricing.stay import stay_days

if TYPE_CHECKING:
    from tongpin.payment.policy.lookup import BoolColumn, IntColumn, Lookup
    from tongpin.payment.pricing.rows import CaseRows

TCM_FEE = "tcm_fee_fen"
"""The fee of TCM treatment of a case, which the TCM rule needs; no national format of the lists gives it."""


class Standard(NamedTuple):
    """The standard of each DRG case and what it was made of; fen, ten-thousandths."""

    priced_drg: Coded
    weight_e4: IntColumn
    basic: BoolColumn
    rate_fen: IntColumn
    coefficient_e4: IntColumn
    coefficient_parts: Coded
    standard_fen: IntColumn


def priced_groups(cases: CaseRows, lookup: Lookup, fee: IntColumn) -> Coded:
    """The group each case is priced as: a TCM group falls back when treatment share or stay is too small (A19)."""
    drg = lookup.dimension("drg")
    if "tcm.fallback" not in lookup.policy.edition.parameters or not len(lookup.days):
        return drg
    first, last = lookup.days.min().item(), lookup.days.max().item()
    days = {first, *(day for day in lookup.policy.breakpoints if first < day <= last)}
    groups = {leaf["drg"] for day in days for leaf in lookup.policy.leaves("tcm.fallback", day)}
    rows = np.flatnonzero(drg.mask(lambda value: value in groups))
    if not len(rows):
        return drg
    if TCM_FEE not in cases.column_names:
        raise PolicyError(
            "policy.column",
            f"{len(rows)} 个病例在中医病组，但病例表没有中医治疗费用",
            where=TCM_FEE,
            hint=f"病例表补上 {TCM_FEE}（分），或从付费办法中删去 tcm.fallback",
        )
    part, some = cases.take(rows), lookup.narrowed(rows)
    share_short = whole(part[TCM_FEE]) * SCALE < some.scaled("tcm.share_min") * fee[rows]
    short = share_short | (stay_days(part, some) < some.numbers("tcm.stay_days_min"))
    fallen = rows[short]
    fallback = lookup.narrowed(fallen).choices("tcm.fallback")
    values = list(dict.fromkeys([*drg.values, *fallback.values]))
    codes = drg.codes.copy()
    codes[fallen] = np.array([values.index(value) for value in fallback.values], dtype=np.int64)[fallback.codes]
    return Coded(codes, values)


def standards(cases: CaseRows, lookup: Lookup, cost_e4: IntColumn | None = None) -> Standard:
    """The standard of DRG cases; `lookup` gets the dimension `basic`, and `drg` becomes the group they are priced as.

    `cost_e4`: the cost coefficient of the points method, where the rate is the point value times `points.scale`.
    Source: S900-01, S004-07, S900-09.
    """
    policy = lookup.policy
    drg = lookup.dimension("drg")
    weight_e4 = lookup.over(("drg",), lambda _, c: policy.weight(c["drg"]).weight_e4).astype(np.int64)
    basic = lookup.over(("drg",), lambda _, c: policy.weight(c["drg"]).basic_group).astype(bool)
    is_basic = Coded(basic.astype(np.int64), ["0", "1"])
    lookup.dimensions["basic"] = is_basic
    if cost_e4 is None:
        rate = lookup.over(
            ("fund", "hospital_level", "basic"),
            lambda on, c: rate_fen(policy, on, c["fund"], c["hospital_level"], basic_group=c["basic"] == "1"),
        ).astype(np.int64)
    else:
        rate = lookup.numbers("points.value") * lookup.numbers("points.scale")
    found = coefficients(cases, lookup, basic, cost_e4)
    lookup.choices("rounding.halves")
    factors = (weight_e4, rate, found.product_e4)
    standard = rounded_column(factors, SCALE * SCALE, lookup.numbers("rounding.standard"))
    return Standard(drg, weight_e4, basic, rate, found.product_e4, found.parts, standard)
