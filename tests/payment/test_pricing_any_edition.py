"""What holds for every edition: the parts of each case sum up, whatever the switches say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hypothesis import given, settings
from hypothesis import strategies as st
from payment_cases import case, priced_rows
from pricing_cases import POINTS, edition, means_table

from tongpin.payment.explain import explain_steps

if TYPE_CHECKING:
    from pathlib import Path

MEANS = means_table(*((drg, "city", "", 9_000) for drg in ("AA11D", "BB11D", "CC11D", "0000", "AQY")))
REGISTERS = "register,code_kind,code,from,until\nbed_day,drg,CC11D,2025-01-01,\nday_surgery,drg,BB11D,2025-01-01,\n"
ALWAYS: dict[str, Any] = {
    **POINTS,
    "points.readmission_stay": "none",
    "points.bed_day": 2,
    "scope.tests": ["care_type", "pay_mode", "bed_day", "day_surgery", "stay_days"],
    "scope.stay_days_min": 2,
    "scope.stay_days_max": 60,
    "scope.stay_days_pay": "BY_ITEM",
    "scope.same_day_counts": 1,
    "scope.ungrouped_share": 0.8,
    "scope.ungrouped_mean_of": "city",
    "register.amount": 25_000,
    "register.share": 0.85,
    "rounding.pool": 1,
    "coefficient.order": ["level", "rescale"],
    "coefficient.level": 1.07,
    "coefficient.rescale": 0.97,
    "coefficient.capped": [],
    "coefficient.withheld": [],
    "outlier.high.bands": [{"from": 0, "value": 3}, {"from": 1, "value": 2}],
    "outlier.high.share": 0.7,
}
SWITCHES: dict[str, list[Any]] = {
    "pay.method": ["rate", "points"],
    "points.budget_base": ["total", "fund"],
    "register.pay": ["drg", "drg_share", "by_item", "fixed", "per_day", "out"],
    "scope.ungrouped_pay": ["by_item", "item_share", "group_mean", "held"],
    "outlier.base": ["standard", "city"],
    "outlier.high.rule": ["multiple", "bands"],
    "outlier.high.pay": ["by_item", "standard", "standard_plus_share"],
    "outlier.low.pay": ["by_item", "standard"],
    "pool.negative": ["allow", "floor_case"],
}
amount = st.integers(0, 6 * 10**6)
groups = st.sampled_from([("AA11D", "grouped"), ("BB11D", "grouped"), ("CC11D", "grouped"), ("0000", "ungrouped")])
stays = st.tuples(amount, amount, amount, groups, st.integers(1, 70))


@settings(deadline=None, max_examples=60)
@given(
    choices=st.fixed_dictionaries({key: st.sampled_from(options) for key, options in SWITCHES.items()}),
    cases=st.lists(stays, min_size=1, max_size=8),
)
def test_no_fen_appears_or_disappears_under_any_edition(
    tmp_path_factory: Any, choices: dict[str, Any], cases: list[Any]
) -> None:
    folder: Path = tmp_path_factory.mktemp("any")
    policy = edition(folder, ALWAYS | choices, tables={"group_means.csv": MEANS, "registers.csv": REGISTERS})
    rows = [
        case(f"c{index}", (a + b + c) / 100, a / 100, b / 100, drg=drg, status=status, los=los)
        for index, (a, b, c, (drg, status), los) in enumerate(cases)
    ]
    for row in priced_rows(policy, *rows):
        told = explain_steps(row, policy)
        assert told[-1].text.startswith("依据：") or row["pay_scope"] == "OUT"
        assert {step.source for step in told if step.keys} <= {"模拟"}, "every parameter of this edition is assumed"
        if row["pay_scope"] == "OUT":
            assert row["gross_fen"] is None
            continue
        not_pool = row["patient_fen"] + row["other_funds_fen"]
        assert row["total_fee_fen"] == not_pool + row["item_pool_fen"]
        assert row["pool_payable_fen"] == row["gross_fen"] - not_pool + row["floored_fen"]
        assert row["result_fen"] == row["gross_fen"] + row["floored_fen"] - row["total_fee_fen"]
        if row["pay_scope"] == "DRG" and choices["pool.negative"] == "floor_case":
            assert row["pool_payable_fen"] >= 0
        assert (row["points_e4"] is None) == (row["pay_mode"] != "points")
        assert (row["by_item_reason"] is None) == (row["pay_scope"] == "DRG")
