"""The points method: points of a case, readmissions, and a whole month from cases to pay, closing to the fen."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from payment_cases import START, case, decisions, fen, priced_rows, settle
from pricing_cases import POINTS, edition, means_table

from tongpin.base.errors import PolicyError
from tongpin.base.money import split_fen
from tongpin.payment.explain import explain_case
from tongpin.payment.pricing.points_value import spend_points, split_column

if TYPE_CHECKING:
    from pathlib import Path

    from tongpin.payment.policy.policy import Policy

MEANS = means_table(
    ("AA11D", "city", "", 10_000),
    ("AA11D", "hospital", "H3", 11_000),
    ("BB11D", "city", "", 14_100),
    ("CC11D", "city", "", 5_000),
)
TABLES = {"group_means.csv": MEANS}


def points_edition(folder: Path, values: dict[str, Any] | None = None, **more: Any) -> Policy:
    return edition(folder, POINTS | (values or {}), tables=TABLES | more.pop("tables", {}), **more)


@pytest.fixture(scope="session")
def policy(tmp_path_factory: pytest.TempPathFactory) -> Policy:
    return points_edition(tmp_path_factory.mktemp("points"))


def only(policy: Policy, **details: Any) -> dict[str, Any]:
    (row,) = priced_rows(policy, case("c1", **{"fee": 9_000, "patient": 0} | details))
    return row


def day(number: int) -> datetime:
    return datetime(2025, 6, number)  # noqa: DTZ001


def stay(case_id: str, first: int, last: int, **more: Any) -> dict[str, Any]:
    times = {"admission_time": day(first), "discharge_time": day(last), "patient_hash": "p"}
    return case(case_id, 9_000, 0, **times | more)


def points_of(policy: Policy, *stays: dict[str, Any]) -> list[float]:
    return [row["points_e4"] / 10_000 for row in priced_rows(policy, *stays)]


def test_a_case_is_paid_its_points_at_the_monthly_value(policy: Policy) -> None:
    row = only(policy, drg="BB11D", fee=12_000, patient=3_000)
    assert (row["points_e4"], row["pay_mode"], row["gross_fen"]) == (1_410_000, "points", fen(14_100))
    assert (row["pool_payable_fen"], row["standard_fen"]) == (fen(11_100), fen(14_100))
    assert "点数 141.0000 × 月度预付点值 100.00" in explain_case(row, policy)


def test_a_budget_of_the_pool_alone_leaves_the_other_payers_on_top(tmp_path: Path) -> None:
    row = only(points_edition(tmp_path, {"points.budget_base": "fund"}), patient=3_000)
    assert (row["pool_payable_fen"], row["gross_fen"]) == (fen(10_000), fen(13_000))


def test_a_group_new_to_a_hospital_has_the_cost_coefficient_one(tmp_path: Path) -> None:
    policy = points_edition(tmp_path, {"points.cost_coefficient": "hospital"})
    assert only(policy)["coefficient_parts"] == "cost=11000 product=10000"
    assert only(policy, institution_code="H2")["coefficient_e4"] == 10_000


@pytest.mark.parametrize(
    ("choice", "expected"), [("base", 30.0), ("base_times_coefficient", 33.0), ("complete", 110.0)]
)
def test_an_incomplete_stay_gets_points_by_its_fee(tmp_path: Path, choice: str, expected: float) -> None:
    policy = points_edition(tmp_path, {"points.cost_coefficient": "hospital", "points.incomplete": choice})
    row = only(policy, fee=3_000)
    assert row["points_e4"] / 10_000 == expected


def test_points_are_rounded_where_the_edition_says(tmp_path: Path) -> None:
    assert only(points_edition(tmp_path, {"points.decimals": 0}), fee=1_255, drg="CC11D")["points_e4"] == 130_000


def test_a_group_under_review_gets_points_by_fee_or_none_yet(tmp_path: Path) -> None:
    review = {"points.review_groups": ["BB11D"], "points.region_mean": 900_000}
    assert only(points_edition(tmp_path / "fee", review), drg="BB11D", fee=45_000)["points_e4"] == 5_000_000
    waiting = points_edition(tmp_path / "none", review | {"points.review_until": "none"})
    assert only(waiting, drg="BB11D")["points_e4"] == 0


def test_bed_days_have_points_of_their_own(tmp_path: Path) -> None:
    values = {
        "scope.tests": ["bed_day"],
        "register.pay": "per_day",
        "points.bed_day": 3.5,
        "scope.same_day_counts": 1,
    }
    rows = {"registers.csv": "register,code_kind,code,from,until\nbed_day,drg,CC11D,2025-01-01,\n"}
    row = only(points_edition(tmp_path, values, tables=rows), drg="CC11D", los=20)
    assert (row["pay_scope"], row["points_e4"], row["gross_fen"]) == ("BED_DAY", 700_000, fen(7_000))


@pytest.mark.parametrize(
    ("details", "first"),
    [
        ({}, 50.0),
        ({"admission_time": day(20)}, 50.0),
        ({"admission_time": day(21)}, 100.0),
        ({"drg": "BB11D"}, 100.0),
        ({"patient_hash": "q"}, 100.0),
        ({"patient_hash": None}, 100.0),
        ({"institution_code": "H2"}, 100.0),
    ],
)
def test_a_readmission_within_the_window_takes_points_from_the_stay_before(
    policy: Policy, details: dict[str, Any], first: float
) -> None:
    assert points_of(policy, stay("a", 1, 5), stay("b", 6, 25, **details))[0] == first


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({}, [50.0, 50.0, 100.0]),
        ({"points.readmission_chain": "first"}, [50.0, 100.0, 100.0]),
        ({"points.readmission_stay": "later"}, [100.0, 50.0, 50.0]),
        ({"points.readmission_stay": "none"}, [100.0, 100.0, 100.0]),
        ({"points.readmission_exempt": ["AA11D"]}, [100.0, 100.0, 100.0]),
        ({"points.readmission_factor": 0.8}, [80.0, 80.0, 100.0]),
    ],
)
def test_chains_of_readmissions(tmp_path: Path, values: dict[str, Any], expected: list[float]) -> None:
    policy = points_edition(tmp_path, values)
    assert points_of(policy, stay("a", 1, 3), stay("b", 8, 10), stay("c", 15, 18)) == expected


def test_a_readmission_elsewhere_counts_where_the_region_does(tmp_path: Path) -> None:
    policy = points_edition(tmp_path, {"points.readmission_among": "region"})
    assert points_of(policy, stay("a", 1, 5), stay("b", 6, 9, institution_code="H2")) == [50.0, 100.0]


def test_points_of_priced_cases_spend_a_budget_to_the_fen(policy: Policy) -> None:
    cases = [
        case("whole", 9_000, 2_000),
        case("dear", 60_000, 9_000, drg="BB11D"),
        case("short", 1_500, 300, drg="CC11D", institution_code="H2"),
        stay("before", 1, 5),
        stay("again", 9, 12),
    ]
    rows = priced_rows(policy, *cases)
    points = np.array([row["points_e4"] for row in rows])
    value, paid = spend_points(policy, START, "310", fen(60_000), points)
    assert (value.residue_fen, int(paid.sum())) == (0, fen(60_000))
    place = [row["case_id"] for row in rows].index("dear")
    assert abs(paid[place] - fen(60_000) * points[place] / points.sum()) <= 1


def test_a_month_of_points_is_posted_like_any_other(policy: Policy) -> None:
    found = settle(policy, "2025-06", [case("c", 9_000, 2_000)], decided=decisions(("audit_deduction", 1_000)))
    (row,) = found.statement.to_pylist()
    assert (row["gross_fen"], row["month_pool_payable_fen"]) == (fen(10_000), fen(8_000))


def test_a_rounded_value_shows_what_it_leaves(tmp_path: Path) -> None:
    values = {"points.value_split": "rounded", "rounding.point_value": 100, "points.adjustment_fund": 0.05}
    policy = points_edition(tmp_path, values)
    value, paid = spend_points(policy, START, "310", fen(25_000), np.array([1_000_000, 1_410_000]))
    assert value.adjustment_fund_fen == fen(1_250)
    assert value.value_e4 == fen(99) * 10_000, "23,750 over 241 points is 98.55"
    assert paid.tolist() == [fen(9_900), fen(99 * 141)]
    assert value.residue_fen == fen(99 * 241) - fen(23_750)


def test_a_budget_needs_points(policy: Policy) -> None:
    with pytest.raises(PolicyError, match="点数之和为 0") as caught:
        spend_points(policy, START, "310", fen(1), np.array([0, 0]))
    assert caught.value.code == "points.budget"


@settings(deadline=None)
@given(total=st.integers(0, 10**12), weights=st.lists(st.integers(0, 10**9), min_size=1, max_size=30))
def test_a_split_leaves_no_fen_over_and_agrees_with_the_plain_one(total: int, weights: list[int]) -> None:
    if not sum(weights):
        weights[0] = 1
    assert split_column(total, np.array(weights, dtype=np.int64)).tolist() == split_fen(total, weights)


@settings(deadline=None, max_examples=30)
@given(points=st.lists(st.integers(1, 10**8), min_size=1, max_size=12), budget=st.integers(1, 10**13))
def test_no_fen_of_a_budget_appears_or_disappears(policy: Policy, points: list[int], budget: int) -> None:
    value, paid = spend_points(policy, START, "310", budget, np.array(points))
    assert int(paid.sum()) == value.paid_fen == budget
