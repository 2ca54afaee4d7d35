"""The worked examples TV-A4 … TV-A10 and TV-P4 … TV-P9 of pricing, read from their file."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from payment_cases import INSTITUTIONS, START, case, fen, grouped, priced_rows
from pricing_cases import POINTS, edition, means_table

from tongpin.payment.pricing.points_value import spend_points
from tongpin.payment.pricing.price import price
from tongpin.payment.pricing.rates import level_rate, overall_rate, rounded
from tongpin.payment.pricing.special import new_technology, quota_cases

if TYPE_CHECKING:
    from tongpin.payment.policy.policy import Policy

VECTORS = Path(__file__).resolve().parents[3] / "shared" / "spec" / "test_vectors.json"
pytestmark = pytest.mark.needs("reference")
CLASSES = ["TV-A7-35000-3", "TV-A7-30000-3", "TV-A7-25000-2", "TV-A7-3900-3", "TV-A7-4000-3"]


def vector(name: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Inputs and expected values of a worked example."""
    found = {row["id"]: row for row in json.loads(VECTORS.read_text(encoding="utf-8"))}[name]
    return found["inputs"], found["expected"]


def one(policy: Policy, **details: Any) -> dict[str, Any]:
    (row,) = priced_rows(policy, case("c1", **details))
    return row


def test_the_rate_from_the_fund_budget_tv_a4() -> None:
    told, expected = vector("TV-A4")
    found = overall_rate(fen(told["fund"]), int(told["comp"] * 10_000), told["total_weight"] * 10_000, 1)
    assert found == (fen(expected["total_cost"]), fen(expected["rate"]))


def test_level_rates_before_the_basic_groups_tv_a5() -> None:
    told, expected = vector("TV-A5")
    for level in ("三级", "二级"):
        budget, weight = told[level]
        assert overall_rate(fen(budget), 10_000, weight * 10_000, 1).rate_fen == fen(expected[level])
    budget, weight = told["city"]
    basic = overall_rate(fen(budget), 10_000, weight * 10_000, 1).rate_fen
    assert basic == fen(expected["基础病组费率"])
    assert rounded(6_000 * basic, 10_000, 1) == fen(expected["基础病组RW0_6"])


def test_level_rates_close_after_the_basic_groups_tv_p9(tmp_path: Path) -> None:
    told, expected = vector("TV-P9")
    levels = ("三级", "二级")
    values = {
        "rate.tier_budget": {level: fen(told[level]["budget"]) for level in levels},
        "rate.forecast_weight": {level: told[level]["weight"] for level in levels},
        "rate.forecast_basic_weight": {level: told[level]["basic_weight"] for level in levels},
        "rate.basic_group": fen(told["basic_rate"]),
    }
    by = dict.fromkeys(("rate.tier_budget", "rate.forecast_weight", "rate.forecast_basic_weight"), ("hospital_level",))
    policy = edition(tmp_path, values, by=by)
    rates = {level: level_rate(policy, START, "310", level) for level in levels}
    assert {level: rate.rate_fen for level, rate in rates.items()} == {level: fen(expected[level]) for level in levels}
    assert sum(rate.paid_fen - rate.residue_fen for rate in rates.values()) == fen(expected["total"])


def form_one(told: dict[str, Any], policy: Policy) -> dict[str, Any]:
    cases = grouped(case("c1", told["std"], 0, drg="BB11D"))
    for name, key in (("full_own_pay", "self"), ("first_own_pay", "first"), ("deductible", "deductible")):
        cases = cases.append_column(f"{name}_fen", pa.array([fen(told[key])]))
    (row,) = price(cases, policy, INSTITUTIONS).to_pylist()
    return row


def test_the_fund_by_policy_ratio_tv_a6a(tmp_path: Path) -> None:
    told, expected = vector("TV-A6a")
    values = {"pool.form": "policy_ratio", "pool.ratio": told["ratio"], "rounding.pool": 1}
    weights = f"drg,weight,basic_group\nBB11D,{told['std'] / 10_000:.4f},0\n"
    row = form_one(told, edition(tmp_path, values, weights=weights))
    assert (row["standard_fen"], row["pool_payable_fen"]) == (fen(told["std"]), fen(expected["pay"]))
    assert row["pay_mode"] == "policy_ratio", "a recomputation says so"


def test_the_fund_by_difference_tv_a6b(tmp_path: Path) -> None:
    told, expected = vector("TV-A6b")
    row = one(edition(tmp_path), fee=told["cost"], patient=told["personal"], other=told["other"])
    assert row["standard_fen"] == fen(told["std"])
    assert (row["pool_payable_fen"], row["result_fen"]) == (fen(expected["pool"]), fen(expected["profit"]))


@pytest.mark.parametrize("name", CLASSES)
def test_the_class_of_a_fee_tv_a7(tmp_path: Path, name: str) -> None:
    told, expected = vector(name)
    row = one(edition(tmp_path), fee=told["cost"], patient=0, institution_code=f"H{told['level']}")
    assert (row["standard_fen"], row["outlier_class"]) == (fen(told["std"]), expected["cls"])


def test_points_of_a_case_tv_a8a(tmp_path: Path) -> None:
    told, expected = vector("TV-A8a")
    weights = f"drg,weight,basic_group\nAA11D,{told['group'] / told['city']:.4f},0\n"
    means = means_table(("AA11D", "city", "", told["group"]), ("AA11D", "hospital", "H3", told["hosp"]))
    values = POINTS | {"points.cost_coefficient": "hospital"}
    row = one(edition(tmp_path, values, tables={"group_means.csv": means}, weights=weights), fee=14_000, patient=0)
    assert row["weight_e4"] * 100 == expected["base"] * 10_000
    assert row["coefficient_e4"] == expected["coef"] * 10_000
    assert row["points_e4"] == expected["points"] * 10_000


def test_points_of_incomplete_stays_tv_a8b(tmp_path: Path) -> None:
    told, expected = vector("TV-A8b")
    weights = f"drg,weight,basic_group\nAA11D,{told['base'] / 100:.4f},0\n"
    means = {"group_means.csv": means_table(("AA11D", "city", "", told["mean"]))}
    ended = POINTS | {"points.incomplete_ends": ["death_24h"], "scope.early_hours": 24}
    policy = edition(tmp_path, ended, tables=means, weights=weights)
    found = [one(policy, fee=cost, patient=0, **died()) for cost in told["costs"]]
    assert [row["points_e4"] / 10_000 for row in found] == expected["points"]


def died() -> dict[str, Any]:
    """A stay that ended by death within a day."""
    discharged = grouped(case("x", 1, 0))["discharge_time"][0].as_py()
    return {"discharge_way": "5", "admission_time": discharged.replace(day=discharged.day - 1)}


def test_points_of_dear_cases_tv_a8c(tmp_path: Path) -> None:
    told, expected = vector("TV-A8c")
    weights = f"drg,weight,basic_group\nAA11D,{told['base'] / 100:.4f},0\n"
    means = {"group_means.csv": means_table(("AA11D", "city", "", told["mean"]))}
    values = POINTS | {"points.high_limit": told["limit"], "points.high_coefficient": told["coef"]}
    row = one(edition(tmp_path, values, tables=means, weights=weights), fee=told["cost"], patient=0)
    assert row["points_e4"] == expected["points"] * 10_000
    assert row["points_e4"] - told["base"] * 10_000 == expected["extra"] * 10_000


def test_a_readmission_halves_the_stay_before_tv_a8d(tmp_path: Path) -> None:
    told, expected = vector("TV-A8d")
    weights = f"drg,weight,basic_group\nAA11D,{told['prev'] / 100:.4f},0\n"
    means = {"group_means.csv": means_table(("AA11D", "city", "", 16_500))}
    policy = edition(tmp_path, POINTS, tables=means, weights=weights)
    stays = [
        case("first", 16_000, 0, patient_hash="p", admission_time=at(1), discharge_time=at(5)),
        case("again", 16_000, 0, patient_hash="p", admission_time=at(5 + told["days"]), discharge_time=at(25)),
    ]
    first, again = priced_rows(policy, *stays)
    assert (first["points_e4"], again["points_e4"]) == (expected["prev_after"] * 10_000, told["prev"] * 10_000)


def at(day: int) -> Any:
    return grouped(case("x", 1, 0, settled=date(2025, 6, day)))["discharge_time"][0].as_py()


def test_the_point_value_spends_the_budget_tv_a8e(tmp_path: Path) -> None:
    told, expected = vector("TV-A8e")
    others = told["points"] - told["case"]
    weights = f"drg,weight,basic_group\nAA11D,{told['case'] / 100:.4f},0\nBB11D,{others / 100:.4f},0\n"
    means = means_table(("AA11D", "city", "", 16_500), ("BB11D", "city", "", 100_000_000))
    policy = edition(tmp_path, POINTS, tables={"group_means.csv": means}, weights=weights)
    both = grouped(case("c", 16_500, 0), case("rest", 100_000_000, 0, drg="BB11D"))
    points = price(both, policy, INSTITUTIONS)["points_e4"].to_numpy()
    value, paid = spend_points(policy, START, "310", fen(told["budget"]), points)
    assert (value.value_e4, value.residue_fen) == (fen(expected["pv"]) * 10_000, 0)
    assert paid[0] == fen(expected["pay"])


def test_the_quota_of_special_cases_tv_a9(tmp_path: Path) -> None:
    told, expected = vector("TV-A9")
    for scheme, ratio in (("DRG", 0.05), ("DIP", 0.005)):
        policy = edition(tmp_path / scheme, {"special.quota_ratio": ratio, "special.quota_rounding": "floor"})
        assert quota_cases(policy, START, told["discharges"], "三级") == expected[scheme]


def test_a_new_technology_is_paid_on_top_tv_a10(tmp_path: Path) -> None:
    told, expected = vector("TV-A10")
    policy = edition(tmp_path, {"special.technology_multiple": 2, "special.technology_share": 0.64})
    names = {
        "total_fee": "cost",
        "group_mean": "mean",
        "standard": "std",
        "new_item_fee": "new",
        "kind_mean": "std_drug",
    }
    found = new_technology(policy, START, pa.table({f"{name}_fen": [fen(told[key])] for name, key in names.items()}))
    assert bool(found.qualifies[0]) is expected["ok"]
    assert round(found.share_e4[0] / 100, 2) == expected["share"]
    assert (found.extra_fen[0], found.pay_fen[0]) == (fen(expected["extra"]), fen(expected["pay"]))


@pytest.mark.parametrize("choice", ["allow", "floor_case"])
def test_a_standard_below_the_other_payers_tv_p4(tmp_path: Path, choice: str) -> None:
    told, expected = vector("TV-P4")
    weights = f"drg,weight,basic_group\nAA11D,{told['standard'] / 10_000:.4f},0\n"
    policy = edition(tmp_path, {"pool.negative": choice}, weights=weights)
    row = one(policy, fee=4_600, patient=told["patient"], other=told["other_funds"])
    assert (row["standard_fen"], row["pool_payable_fen"]) == (fen(told["standard"]), fen(expected[choice]))


@pytest.mark.parametrize(("pay", "key"), [("by_item", "by_item"), ("standard_plus_share", "standard_plus_excess")])
def test_what_a_high_outlier_is_paid_tv_p5(tmp_path: Path, pay: str, key: str) -> None:
    told, expected = vector("TV-P5")
    values = {"outlier.high.multiple": told["limit"], "outlier.high.pay": pay, "outlier.high.share": told["share"]}
    row = one(edition(tmp_path, values), fee=told["fee"], patient=told["patient"], other=told["other_funds"])
    assert row["standard_fen"] == fen(told["standard"])
    found = {"pool": row["pool_payable_fen"], "hospital_result": row["result_fen"]}
    assert found == {name: fen(amount) for name, amount in expected[key].items()}


def test_what_a_low_outlier_is_paid_tv_p7(tmp_path: Path) -> None:
    told, expected = vector("TV-P7")
    row = one(edition(tmp_path), fee=told["fee"], patient=told["patient"])
    assert (row["standard_fen"], row["outlier_class"]) == (fen(told["standard"]), "LOW")
    assert (row["pool_payable_fen"], row["result_fen"]) == (fen(expected["pool"]), fen(expected["hospital_result"]))


def test_the_days_of_stay_decide_the_scope_tv_p8(tmp_path: Path) -> None:
    told, expected = vector("TV-P8")
    values = {
        "scope.tests": ["care_type", "pay_mode", "stay_days"],
        "scope.stay_days_min": 2,
        "scope.stay_days_max": 60,
        "scope.stay_days_pay": "BY_ITEM",
        "scope.same_day_counts": 1,
    }
    policy = edition(tmp_path, values)
    found = [one(policy, fee=9_000, patient=0, los=days) for days in told["los"]]
    assert ["in" if row["pay_scope"] == "DRG" else "out" for row in found] == expected["payment"]
    assert {row["by_item_reason"] for row in found} == {None, "stay_days"}
