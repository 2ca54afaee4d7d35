"""Weights from history: trimming, spread, few cases, order of severity, totals, coefficients, stability."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from payment_cases import make_policy
from weight_cases import RULES, grouped_fees, rules, trimming

from tongpin.base.errors import PolicyError
from tongpin.base.money import SCALE
from tongpin.payment.policy.library import policy_named
from tongpin.payment.weights.coefficients import ENOUGH, FEW, history_coefficients
from tongpin.payment.weights.making import make_weights
from tongpin.payment.weights.order import pooled
from tongpin.payment.weights.rounding import keep_total, round_weights
from tongpin.payment.weights.rules import WeightRules, checked_shares
from tongpin.payment.weights.stability import weight_changes, yearly_weights
from tongpin.payment.weights.statistics import CLASS_PREFIX, group_statistics, spread, with_class_fees
from tongpin.payment.weights.trim import trim
from tongpin.store.home import Home

FAMILY = {"AA11D": "AA1", "AA13D": "AA1", "AA15D": "AA1"}


def weights_of(fees: dict[str, list[float]], catalogue: dict[str, str] | None = None, **changes: object) -> dict:
    made = make_weights(group_statistics(grouped_fees(fees)), rules(**changes), catalogue or {})
    return {row["drg"]: row for row in made.weights.to_pylist()}


# Rules


def test_an_edition_says_how_weights_are_made(tmp_path: Path) -> None:
    shipped = policy_named(Home.open(tmp_path), "demo-east/2025")
    read = WeightRules.of(shipped, date(2025, 6, 30))
    assert (read.trim.stay_days_above, read.trim.fee_below_fen) == (60, 500)
    assert (read.severity("BR21D", "BR2"), read.severity("HC29D", "HC2")) == ("mcc", None)


def test_an_edition_that_leaves_it_open_makes_no_weights(tmp_path: Path) -> None:
    with pytest.raises(PolicyError) as refused:
        WeightRules.of(make_policy(tmp_path / "policy"), date(2025, 6, 30))
    assert refused.value.code == "policy.gap"


# Trimming


def test_long_stays_and_tiny_fees_are_cut_and_listed() -> None:
    cases = grouped_fees({"AA11D": [1000, 4.99, 5, 1000]}, los=pa.array([60, 3, 3, 61], pa.int32()))
    trimmed = trim(cases, trimming())
    assert trimmed.kept["case_id"].to_pylist() == ["AA11D-0", "AA11D-2"]
    assert {row["case_id"]: row["reason"] for row in trimmed.cut.to_pylist()} == {
        "AA11D-1": "fee_below",
        "AA11D-3": "stay_above",
    }
    assert trimmed.counts()["fee_below"] == trimmed.counts()["stay_above"] == 1
    assert trimmed.counts()["group_high"] == 0


def test_cases_without_a_group_or_a_fee_are_cut() -> None:
    cases = grouped_fees({"AA11D": [1000, 2000]}, status=["ungrouped", "grouped"])
    cases = cases.set_column(cases.schema.get_field_index("total_fee_fen"), "total_fee_fen", pa.array([1, None]))
    assert trim(cases, trimming()).counts()["not_grouped"] == 1
    assert trim(cases, trimming()).counts()["no_fee"] == 1


@pytest.mark.parametrize(("method", "multiple"), [("iqr", "1.5"), ("deviation", "1.5")])
def test_outliers_are_cut_within_their_group(method: str, multiple: str) -> None:
    fees = {"AA11D": [100, 101, 102, 103, 104, 900], "BB11D": [900, 901, 902, 903, 904, 100]}
    trimmed = trim(grouped_fees(fees), trimming(method=method, multiple=Decimal(multiple)))
    assert {row["case_id"]: row["reason"] for row in trimmed.cut.to_pylist()} == {
        "AA11D-5": "group_high",
        "BB11D-11": "group_low",
    }


def test_a_value_on_the_quartile_limit_stays() -> None:
    # Quartiles 200 and 400: the upper limit is 400 + 1.5 x 200 = 700.
    cases = grouped_fees({"AA11D": [100, 200, 300, 400, 700]})
    assert trim(cases, trimming(method="iqr")).cut.num_rows == 0
    assert trim(grouped_fees({"AA11D": [100, 200, 300, 400, 701]}), trimming(method="iqr")).cut.num_rows == 1


def test_a_small_group_keeps_its_outliers() -> None:
    fees = {"AA11D": [100, 100, 100, 100, 9000]}
    assert trim(grouped_fees(fees), trimming(method="iqr", minimum_cases=6)).cut.num_rows == 0
    assert trim(grouped_fees(fees), trimming(method="iqr", minimum_cases=5)).cut.num_rows == 1


def test_on_the_logarithm_both_ends_count_alike() -> None:
    fees = {"AA11D": [1000, 1100, 1200, 1300, 1400, 120, 12000]}
    by_amount = trim(grouped_fees(fees), trimming(method="iqr"))
    assert by_amount.counts()["group_low"] + by_amount.counts()["group_high"] == 2
    wide = {"AA11D": [1000, 2000, 4000, 8000, 16000, 60]}
    by_log = trim(grouped_fees(wide), trimming(method="iqr", multiple=Decimal(1), scale="logarithm"))
    assert by_log.counts()["group_low"] == 1
    assert trim(grouped_fees(wide), trimming(method="iqr", multiple=Decimal(1))).counts()["group_low"] == 0


# Spread


def test_riv_is_the_part_of_the_variance_that_groups_explain() -> None:
    assert spread(grouped_fees({"AA11D": [100, 100], "BB11D": [300, 300]})).riv == 1
    assert spread(grouped_fees({"AA11D": [100, 300], "BB11D": [100, 300]})).riv == 0
    # Within 2 x 50² x 2 = 10,000, all 4 cases 50 + ... around 200: 2 x (150² + 50²) = 50,000.
    assert spread(grouped_fees({"AA11D": [50, 150], "BB11D": [250, 350]})).riv == pytest.approx(0.8)


def test_cv_is_weighted_by_cases_and_needs_two_of_them() -> None:
    found = spread(grouped_fees({"AA11D": [50, 150], "BB11D": [900]}))
    assert found.mean_cv == pytest.approx(0.5)
    by_group = group_statistics(grouped_fees({"AA11D": [50, 150], "BB11D": [900]})).to_pylist()
    assert [row["cv"] for row in by_group] == [pytest.approx(0.5), None]


# Five classes


def test_fee_items_fall_into_five_classes_and_parts_are_not_counted_twice() -> None:
    cases = grouped_fees({"AA11D": [10], "BB11D": [10]}, source=["settlement_list", "front_page"]).append_column(
        "fees",
        pa.array(
            [
                [{"category": "05", "amount_fen": 400}, {"category": "09", "amount_fen": 600}],
                [{"category": "D20", "amount_fen": 700}, {"category": "D20x01", "amount_fen": 200}],
            ]
        ),
    )
    found = with_class_fees(cases)
    assert found[f"{CLASS_PREFIX}医疗"].to_pylist() == [400, 700]
    assert found[f"{CLASS_PREFIX}药品"].to_pylist() == [600, 0]
    assert f"{CLASS_PREFIX}其中" not in found.column_names


@pytest.mark.parametrize("items", [[], [{"category": "99", "amount_fen": 1}]])
def test_a_case_without_known_fee_items_is_refused(items: list[dict[str, object]]) -> None:
    kind = pa.list_(pa.struct([("category", pa.string()), ("amount_fen", pa.int64())]))
    cases = grouped_fees({"AA11D": [10]}, source=["settlement_list"])
    with pytest.raises(PolicyError) as refused:
        with_class_fees(cases.append_column("fees", pa.array([items], kind)))
    assert refused.value.code == "weights.class"


def test_class_shares_must_sum_to_one() -> None:
    assert checked_shares({"药品": Decimal("0.4"), "医技": Decimal("0.6")})["药品"] == Fraction(2, 5)
    with pytest.raises(PolicyError) as refused:
        checked_shares({"药品": Decimal("0.4"), "医技": Decimal("0.5")})
    assert refused.value.code == "weights.shares"


def test_five_class_weights_are_normalised_to_mean_one() -> None:
    cases = grouped_fees({"AA11D": [30, 30], "BB11D": [90]})
    for name, fees in {"药品": [1000, 1000, 7000], "医技": [2000, 2000, 2000]}.items():
        cases = cases.append_column(CLASS_PREFIX + name, pa.array(fees))
    shares = {"药品": Decimal("0.5"), "医技": Decimal("0.5")}
    made = make_weights(group_statistics(cases), rules(method="five_class", class_shares=shares), {})
    # 药品 1000/3000 and 7000/3000, 医技 1 and 1: halves of each are 0.6667 and 1.6667, whose mean is 1.
    assert made.weights["weight_e4"].to_pylist() == [6667, 16667]


# Few cases and order (S905-03)


def test_few_cases_are_drawn_to_their_like_by_cases() -> None:
    # The usual ratio CC : none is 2 (BB1). AA13D has one case at 4 x its ADRG; with 4 cases asked it counts a quarter.
    fees = {"BB13D": [200.0] * 4, "BB15D": [100.0] * 4, "AA13D": [900.0], "AA15D": [100.0] * 4}
    row = weights_of(fees, few_cases=4)["AA13D"]
    assert row["credibility"] == 0.25
    # Like: ADRG mean 1300 over expected 4 x 1 + 1 x 2 = 6, times 2 = 433.33; drawn = 225 + 325 = 550.
    assert row["drawn_e4"] / row["own_e4"] == pytest.approx(550 / 900, rel=1e-3)
    assert row["like_e4"] / row["own_e4"] == pytest.approx((1300 / 6 * 2) / 900, rel=1e-3)


def test_enough_cases_keep_their_own_weight() -> None:
    row = weights_of({"AA13D": [900.0] * 4, "AA15D": [100.0] * 4}, few_cases=4)["AA13D"]
    assert row["credibility"] == 1
    assert row["drawn_e4"] == row["own_e4"]


def test_a_group_without_cases_takes_its_like_and_one_without_an_adrg_stays_open() -> None:
    fees = {"AA13D": [200.0] * 4, "AA15D": [100.0] * 4}
    catalogue = {"AA11D": "AA1", "ZZ15D": "ZZ1"}
    made = make_weights(group_statistics(grouped_fees(fees)), rules(few_cases=4), catalogue)
    rows = {row["drg"]: row for row in made.weights.to_pylist()}
    assert made.open_groups() == ("ZZ15D",)
    assert rows["AA11D"]["weight_e4"] == rows["AA13D"]["weight_e4"], "no ADRG shows what MCC adds: as the next lighter"


def test_a_heavier_degree_never_weighs_less() -> None:
    fees = {"AA11D": [100.0], "AA13D": [300.0], "AA15D": [250.0] * 2}
    assert weights_of(fees)["AA11D"]["weight_e4"] < weights_of(fees)["AA15D"]["weight_e4"]
    rows = weights_of(fees, order="pool")
    assert {row["weight_e4"] for row in rows.values()} == {SCALE}, "all three pool to the mean"
    assert rows["AA11D"]["merged_with"] == "AA15D、AA13D、AA11D"


def test_only_violators_are_pooled() -> None:
    rows = weights_of({"AA11D": [900.0], "AA13D": [100.0], "AA15D": [200.0]}, order="pool")
    assert rows["AA13D"]["ordered_e4"] == rows["AA15D"]["ordered_e4"] == 3750
    assert rows["AA11D"]["merged_with"] is None


def test_merged_violators_count_with_the_cases_of_both() -> None:
    fees = {"AA13D": [100.0] * 2, "AA15D": [200.0] * 2}
    pool, merge = (weights_of(fees, order=choice, few_cases=4)["AA13D"] for choice in ("pool", "merge"))
    assert pool["credibility"] == 0.5
    assert merge["credibility"] == 1
    assert merge["merged_with"] == "AA15D、AA13D"


def test_the_total_of_the_weights_in_force_is_kept() -> None:
    statistics = group_statistics(grouped_fees({"AA11D": [300.0], "BB11D": [100.0] * 2, "CC11D": [100.0]}))
    in_force = {"AA11D": 20_000, "BB11D": 5_000, "ZZ11D": 90_000}
    made = make_weights(statistics, rules(total="keep"), {}, in_force)
    weights = dict(zip(made.weights["drg"].to_pylist(), made.weights["weight_e4"].to_pylist(), strict=True))
    # The two groups in force: 1 x 2.0 + 2 x 0.5 = 3.0, divided as 300 : 100 : 100; the new group in the same measure.
    assert weights == {"AA11D": 18_000, "BB11D": 6_000, "CC11D": 6_000}


def test_no_case_makes_no_weight() -> None:
    with pytest.raises(PolicyError) as refused:
        make_weights(group_statistics(grouped_fees({})), RULES, FAMILY)
    assert refused.value.code == "weights.cases"


FEES = st.lists(st.integers(6, 90_000), max_size=6)


@given(
    st.lists(st.tuples(FEES, FEES, FEES), min_size=1, max_size=4), st.integers(0, 8), st.sampled_from(["pool", "merge"])
)
@settings(max_examples=60, deadline=None)
def test_what_always_holds(families: list[tuple[list[int], ...]], few: int, order: str) -> None:
    fees = {
        f"A{letter}1{mark}D": [float(fee) for fee in many]
        for letter, family in zip("ABCD", families, strict=False)
        for mark, many in zip("135", family, strict=True)
    }
    catalogue = {drg: drg[:3] for drg in fees}
    statistics = group_statistics(grouped_fees(fees))
    if not statistics.num_rows:
        return
    made = make_weights(statistics, rules(few_cases=few, order=order, rounding="close"), catalogue)
    rows = made.weights.to_pylist()
    cases = sum(row["case_count"] for row in rows)
    assert sum(row["case_count"] * (row["weight_e4"] or 0) for row in rows) - cases * SCALE == made.residue_e4
    assert abs(made.residue_e4) <= cases, "at most what rounding moved"
    for row in rows:
        if row["weight_e4"] is not None:
            assert row["weight_e4"] > 0
        if row["own_e4"] is not None and row["like_e4"] is not None and order == "pool":
            low, high = sorted([row["own_e4"], row["like_e4"]])
            assert low - 1 <= row["drawn_e4"] <= high + 1, "drawn between own and like"
    by_group = {row["drg"]: row["weight_e4"] for row in rows}
    for adrg in {row["adrg"] for row in rows}:
        family = [by_group[f"{adrg}{mark}D"] for mark in "531" if by_group[f"{adrg}{mark}D"] is not None]
        assert all(light <= heavy for light, heavy in pairwise(family))


@given(st.lists(st.tuples(st.integers(1, 900), st.integers(0, 9)), min_size=1, max_size=9))
def test_pooling_keeps_the_total_and_puts_in_order(pairs: list[tuple[int, int]]) -> None:
    values, counts = [Fraction(value) for value, _ in pairs], [count for _, count in pairs]
    ordered, blocks = pooled(values, counts)
    assert all(low <= high for low, high in pairwise(ordered))
    assert sum(v * n for v, n in zip(ordered, counts, strict=True)) == sum(
        v * n for v, n in zip(values, counts, strict=True)
    )
    assert len(blocks) == len(values)


# Totals


@given(
    st.lists(st.tuples(st.integers(1, 60_000), st.integers(1, 400)), min_size=1, max_size=12),
    st.booleans(),
)
def test_rounding_closes_where_a_group_of_one_case_can_move(pairs: list[tuple[int, int]], close: bool) -> None:
    counts = [count for _, count in pairs] + [1] * 40
    total = sum(value * count for value, count in pairs) + 40 * 7000
    exact = [Fraction(value * sum(counts), total) for value, _ in pairs] + [Fraction(7000 * sum(counts), total)] * 40
    rounded = round_weights(exact, counts, close=close, holds=lambda _: True)
    paid = sum(count * weight for count, weight in zip(counts, rounded.weights_e4, strict=True))
    assert paid - sum(counts) * SCALE == rounded.residue_e4
    assert not (close and rounded.residue_e4)
    if not close:
        rounded_off = [abs(weight - value * SCALE) for weight, value in zip(rounded.weights_e4, exact, strict=True)]
        assert all(
            off <= Fraction(1, 2) or off < 1 == weight
            for off, weight in zip(rounded_off, rounded.weights_e4, strict=True)
        )


def test_single_steps_bring_the_total_back() -> None:
    exact = [Fraction(1, 3), Fraction(1, 3), Fraction(7, 3)]
    plain = round_weights(exact, [1, 1, 1], close=False, holds=lambda _: True)
    assert plain.residue_e4 == -1
    closed = round_weights(exact, [1, 1, 1], close=True, holds=lambda _: True)
    assert (sum(closed.weights_e4), closed.residue_e4) == (3 * SCALE, 0)


def test_two_groups_close_what_one_cannot() -> None:
    # 3 x 3333.4 + 2 x 10000 = 30000.2 -> 30000; rounded 29999 lacks 1: the group of 3 goes up, the group of 2 down.
    exact = [Fraction(33_334, 100_000), Fraction(1)]
    rounded = round_weights(exact, [3, 2], close=True, holds=lambda _: True)
    assert (rounded.weights_e4, rounded.residue_e4) == ([3334, 9999], 0)


def test_what_cannot_close_is_said() -> None:
    rounded = round_weights([Fraction(10_001, 30_000)], [3], close=True, holds=lambda _: True)
    assert (rounded.weights_e4, rounded.residue_e4) == ([3334], 1)


def test_an_adjustment_of_other_groups_is_refused() -> None:
    with pytest.raises(PolicyError) as refused:
        keep_total({"A": Fraction(1)}, {"B": Fraction(1)}, {"A": 1, "B": 1})
    assert refused.value.code == "weights.adjust"


@given(
    st.dictionaries(
        st.sampled_from("ABCDEF"), st.tuples(st.integers(1, 99), st.integers(1, 99), st.integers(1, 500)), min_size=1
    )
)
def test_an_adjustment_always_keeps_the_total(groups: dict[str, tuple[int, int, int]]) -> None:
    before = {drg: Fraction(old, 10) for drg, (old, _, _) in groups.items()}
    counts = {drg: count for drg, (_, _, count) in groups.items()}
    found = keep_total(before, {drg: Fraction(new, 10) for drg, (_, new, _) in groups.items()}, counts)
    assert sum(found.weights[d] * counts[d] for d in groups) == sum(before[d] * counts[d] for d in groups)


# Stability


def test_changes_above_the_limit_are_flagged() -> None:
    rows = weight_changes({"A": 100, "B": 100, "C": 100, "D": 5}, {"A": 120, "B": 121, "C": 79, "E": 9}, Decimal("0.2"))
    flags = {row["drg"]: row["flag"] for row in rows.to_pylist()}
    assert flags == {"A": None, "B": "上升超过", "C": "下降超过", "D": "取消", "E": "新增"}


def test_weights_of_the_years_are_flagged_where_both_years_have_enough_cases() -> None:
    cases = grouped_fees({"AA11D": [200, 200, 400, 400], "BB11D": [200, 200, 200, 200], "CC11D": [100, 300]})
    years = pa.array([2023, 2023, 2024, 2024, 2023, 2023, 2024, 2024, 2023, 2024])
    rows = yearly_weights(cases, years, 2, Decimal("0.1")).to_pylist()
    # Means of all: 900 / 5 = 180 and 1500 / 5 = 300.
    weights = {(row["drg"], row["year"]): row["weight_e4"] for row in rows}
    assert (weights["AA11D", 2023], weights["AA11D", 2024]) == (11_111, 13_333)
    flags = {row["drg"]: row["flag"] for row in rows if row["year"] == 2024}
    assert flags == {"AA11D": "上升超过", "BB11D": "下降超过", "CC11D": None}


# Coefficients from history


def test_a_coefficient_compares_like_with_like() -> None:
    # At the group means 150 and 600 each hospital's mix would cost 750 x 2; H1 costs more within both groups.
    cases = grouped_fees({"AA11D": [200, 100], "BB11D": [800, 400]}, hospital=["H1", "H2", "H1", "H2"])
    rows = {row["unit"]: row for row in history_coefficients(cases, "hospital", few_cases=1).to_pylist()}
    assert rows["H1"]["expected_fen"] == rows["H2"]["expected_fen"] == 75_000
    assert (rows["H1"]["coefficient_e4"], rows["H2"]["coefficient_e4"]) == (13_333, 6_667)
    assert rows["H1"]["grade"] == ENOUGH


def test_few_cases_are_drawn_to_the_unit_above() -> None:
    cases = grouped_fees(
        {"AA11D": [200, 100, 100, 100]}, hospital=["H1", "H2", "H2", "H2"], level=["三级", "三级", "三级", "三级"]
    )
    above = ("level", {"三级": 10_000})
    rows = {row["unit"]: row for row in history_coefficients(cases, "hospital", few_cases=2, above=above).to_pylist()}
    assert rows["H1"]["grade"] == FEW
    assert rows["H1"]["own_e4"] == 16_000
    assert rows["H1"]["credibility"] == 0.5
    # Drawn 1.3 x 125 + 0.8 x 375 = 462.5 against 500: everything is scaled by 500 / 462.5.
    assert rows["H1"]["coefficient_e4"] == round(13_000 * 500 / 462.5)


def test_a_unit_in_two_places_is_refused() -> None:
    cases = grouped_fees({"AA11D": [200, 100]}, hospital=["H1", "H1"], level=["三级", "二级"])
    with pytest.raises(PolicyError) as refused:
        history_coefficients(cases, "hospital", few_cases=1, above=("level", {"三级": 10_000, "二级": 9_000}))
    assert refused.value.code == "weights.unit"
