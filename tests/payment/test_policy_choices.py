"""Every choice in which cities differ can be said by an edition, is read by the code, and has no value of its own."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import tongpin
from tongpin.payment.policy.vocabulary import FAMILIES, KNOWN

SOURCE = Path(tongpin.__file__).parent

CHOICES: dict[int, dict[str, tuple[str, ...]]] = {
    1: {
        "order of scope tests": ("scope.tests",),
        "excluded groups": ("scope.excluded_groups", "scope.excluded_pay"),
        "bed-day by group or by register": ("register.pay", "register.amount"),
    },
    2: {
        "same-day discharge": ("scope.same_day_counts",),
        "limits, by whole days": ("scope.stay_days_min", "scope.stay_days_max", "scope.stay_days_pay"),
    },
    3: {"pay of 0000 and of QY": ("scope.ungrouped_pay", "scope.ungrouped_share", "scope.ungrouped_mean_of")},
    4: {
        "limits by level and weight": ("outlier.high.multiple", "outlier.high.bands", "outlier.low.bands"),
        "against the standard or a mean": ("outlier.base",),
    },
    5: {
        "pay of HIGH and LOW": ("outlier.high.pay", "outlier.low.pay", "outlier.high.share"),
        "exempt groups": ("outlier.exempt_groups",),
    },
    6: {
        "which, and their order": ("coefficient.order",),
        "and/or": ("coefficient.difficulty_condition",),
        "cap on the product": ("coefficient.cap", "coefficient.capped"),
        "groups and leaves untouched": (
            *("coefficient.withheld", "coefficient.withheld_groups"),
            *("coefficient.withheld_endings", "coefficient.withheld_basic"),
        ),
        "budget-neutral rescale": ("coefficient.rescale",),
    },
    7: {"rate of basic groups, of which total": ("rate.basic_group", "rate.tier_budget", "rate.forecast_basic_weight")},
    8: {"negative pool, with or without carry": ("pool.negative", "pool.negative_carry")},
    9: {
        "where": ("rounding.rate", "rounding.standard", "rounding.excess", "rounding.deposit", "rounding.clearing"),
        "half away from zero or even": ("rounding.halves",),
    },
    10: {
        "closing day": ("calendar.month_cutoff_day",),
        "13th period": ("calendar.thirteenth_period", "calendar.thirteenth_period_end"),
        "late lists": ("calendar.late_list_deadline",),
    },
    12: {"base of the deposit": ("deposit.base",), "amounts that carry none": ("deposit.covers",)},
    13: {
        "order of claims": ("transfer.order",),
        "what is capped, a debt or 托收": ("transfer.uncovered", "transfer.negative"),
    },
    14: {
        "quota: base, rounding, what counts, per whom": (
            *("special.quota_ratio", "special.quota_base", "special.quota_rounding"),
            *("special.quota_counts", "special.quota_scope"),
        ),
        "pay of an approved case": ("special.pay",),
    },
    15: {
        "cap on HIGH": ("outlier.cap.ratio", "outlier.cap.base", "outlier.cap.order", "outlier.cap.pay"),
        "whether special cases leave first": ("outlier.cap.special_leaves",),
    },
    16: {"share, and of what": ("overdue.share", "overdue.base")},
    17: {
        "before or after audit": ("tier.audit",),
        "on which money": ("tier.measure", "tier.covers", "tier.scaling"),
    },
    18: {"audit in the bands": ("audit.bands",), "appeals": ("appeal.pay",)},
    19: {
        "edges and base": ("band.lower", "band.upper", "band.covers"),
        "below the band": ("band.below", "band.below_share"),
        "source of top-ups, where cut money goes": ("band.topup_source", "band.cut_to"),
        "reasonable overspend once or twice": ("band.overspend", "band.overspend_share"),
        "cap before or after k": ("band.cap_base",),
    },
    20: {"on the deposit or all": ("assessment.applies_to",), "on negative sums": ("assessment.negative",)},
    21: {"base of the surplus": ("surplus.base",), "shares": ("surplus.shares",)},
    22: {
        "thresholds of the uplift": ("uplift.ratio", "uplift.cmi_growth", "uplift.fee_growth"),
        "edition of the comparison": ("uplift.weights",),
    },
    23: {
        "reserve on what": ("prepay.reserve_base", "prepay.reserve_ratio"),
        "mean of how many years": ("prepay.mean_years",),
        "edges of the fund test": ("prepay.reserve_months", "prepay.reserve_edge"),
        "recovery": ("prepay.recovery", "prepay.recovery_months"),
    },
    24: {"rate and outlier class at clearing": ("clearing.rate", "clearing.outlier")},
    25: {
        "addition for HIGH, LOW": ("points.high", "points.high_limit", "points.high_coefficient", "points.incomplete"),
        "bed-day points": ("points.bed_day",),
        "readmission": (
            *("points.readmission_days", "points.readmission_among", "points.readmission_stay"),
            *("points.readmission_chain", "points.readmission_factor", "points.readmission_exempt"),
        ),
        "rounding, split, adjustment fund": ("points.decimals", "points.value_split", "points.adjustment_fund"),
    },
    26: {
        "mean divided by a coefficient": ("dip.deviation.mean_divided_by",),
        "exactly or rounded": ("dip.deviation.compare", "dip.value.decimals"),
        "above the review limit": ("dip.deviation.review", "dip.deviation.unreviewed", "dip.review.by"),
        "auxiliary inside or outside": ("dip.auxiliary.place",),
        "steps floored or not": ("dip.institution.steps",),
        "deposit, bands, k": ("dip.applies.deposit", "dip.applies.bands", "dip.applies.tier_budget"),
    },
    27: {
        "interim bills": ("scope.interim_bills",),
        "newborns": ("scope.newborn_days", "scope.newborn_admitted", "scope.newborn_pay"),
        "twins": ("scope.twin_weight",),
        "离休": ("fund.of_insurance",),
        "stays across years": ("scope.stays_across_years",),
        "level change": ("clearing.level",),
        "campuses": ("clearing.payee",),
    },
}
"""Family → sub-choice → the keys that say it. Family 11 is fixed (`families.csv` says how); 28 is our own."""


@pytest.mark.parametrize("family", CHOICES)
def test_an_edition_can_say_every_choice_of_a_family(family: int) -> None:
    for choice, keys in CHOICES[family].items():
        for key in keys:
            assert key in KNOWN, f"{family} {choice}: {key}"
            assert KNOWN[key].family == family, f"{key} stands in family {KNOWN[key].family}"


def test_a_family_without_parameters_says_what_is_fixed() -> None:
    silent = {number for number in FAMILIES if not any(known.family == number for known in KNOWN.values())}
    assert silent == {11}
    assert FAMILIES[11].fixed
    assert set(FAMILIES) - silent - set(CHOICES) == {28}


def test_every_parameter_is_read_somewhere() -> None:
    text = "\n".join(
        path.read_text(encoding="utf-8")
        for pattern in ("payment/**/*.py", "payment/**/*.csv", "cli/*.py")
        for path in sorted(SOURCE.glob(pattern))
        if path.name != "parameters.csv"
    )
    beginnings = {*re.findall(r"f\"([a-z_]+\.(?:[a-z_]+\.)?)\{", text)}
    beginnings |= {f"{name}." for name in re.findall(r"=\s*\"([a-z]+\.[a-z_]+)\"", text)}
    endings = tuple(re.findall(r"f\"\{[a-z_]+\}(\.[a-z_]+)\"", text))
    named = {key for key in KNOWN if f'"{key}"' in text} | set(text.split())
    unread = [key for key in KNOWN if key not in named and not key.startswith(tuple(beginnings))]
    assert [key for key in unread if not key.endswith(endings)] == []
