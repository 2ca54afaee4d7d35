"""The 110 % line by fee and by cost: a warning, never a deduction; cost only where imported (S000-17, S906-01)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from tongpin.measures.catalogue import load_measures
from tongpin.measures.imported import lacks_fees, with_cost
from tongpin.measures.intervals import intervals
from tongpin.twin.catalogue import load_red_lines
from tongpin.twin.red_lines import group_line, groups_by_cost, groups_over


def facts(*rows: dict[str, Any]) -> pa.Table:
    """Groups of one hospital: 20 cases, fee and cost 1,000 against a standard of 1,000, unless said otherwise."""
    plain = {
        "institution_code": "H",
        "drg": "A",
        "case_count": 20,
        "total_fee_fen": 1_000,
        "standard_fen": 1_000,
        "costed_count": 20,
        "standard_cost_fen": 1_000,
        "costed_standard_fen": 1_000,
    }
    return pa.Table.from_pylist([plain | row for row in rows])


def test_the_hospital_judges_by_cost_and_the_bureau_by_fee() -> None:
    assert (group_line().measure, group_line(costed=True).measure) == (
        "settlement.fee_to_standard",
        "settlement.cost_to_standard",
    )
    for line in load_red_lines():
        if line.level == "病组":
            assert (line.limit_e4, line.reference) == (11_000, "S000-17")
            assert "只预警，不扣款" in line.note
    assert "成本" not in group_line().label + group_line().basis


def test_cost_at_110_percent_is_no_warning_and_one_fen_more_is_one() -> None:
    found = groups_by_cost(
        facts({"drg": "A", "standard_cost_fen": 1_100}, {"drg": "B", "standard_cost_fen": 1_101})
    ).to_pylist()
    assert [(row["drg"], row["cost_over"], row["cost_excess_fen"]) for row in found] == [("B", True, 1)]
    assert found[0]["cost_multiple"] == 1.101
    assert (found[0]["fee_over"], found[0]["fee_excess_fen"]) == (False, 0)


def test_both_are_shown_and_those_over_by_cost_come_first() -> None:
    found = groups_by_cost(
        facts(
            {"drg": "A", "total_fee_fen": 9_000},
            {"drg": "B", "standard_cost_fen": 1_200},
            {"drg": "C", "standard_cost_fen": 1_300, "total_fee_fen": 1_150},
        )
    ).to_pylist()
    told = [(row["drg"], row["cost_excess_fen"], row["fee_excess_fen"]) for row in found]
    assert told == [("C", 200, 50), ("B", 100, 0), ("A", 0, 7_900)]
    assert [row["cost_over"] for row in found] == [True, True, False]


def test_cost_counts_only_the_cases_that_have_one() -> None:
    half = {"costed_count": 19, "standard_cost_fen": 5_000, "costed_standard_fen": 500}
    assert groups_by_cost(facts(half)).num_rows == 0, "19 costed cases are too few"
    none = {"costed_count": 0, "standard_cost_fen": 0, "costed_standard_fen": 0, "total_fee_fen": 2_000}
    (row,) = groups_by_cost(facts(none)).to_pylist()
    assert (row["cost_multiple"], row["cost_over"], row["fee_over"]) == (None, False, True)


def test_the_bureau_lists_by_fee_whatever_cost_says() -> None:
    found = groups_over(facts({"drg": "A", "standard_cost_fen": 9_000}, {"drg": "B", "total_fee_fen": 1_200}))
    assert [(row["drg"], row["multiple"], row["excess_fen"]) for row in found.to_pylist()] == [("B", 1.2, 100)]
    assert not [name for name in found.column_names if "cost" in name]


@given(st.integers(0, 10**12), st.integers(1, 10**12))
def test_the_amount_over_is_cost_less_110_percent_and_never_below_zero(cost: int, standard: int) -> None:
    found = groups_by_cost(facts({"standard_cost_fen": cost, "costed_standard_fen": standard})).to_pylist()
    over = cost * 10 > standard * 11
    assert bool(found) == over
    if over:
        assert found[0]["cost_excess_fen"] == max(0, cost - (standard * 11 + 5) // 10)


LISTS = pa.table(
    {
        "institution_code": ["H", "H"],
        "month": ["2025-06", "2025-06"],
        "dept": ["03", "03"],
        "drg": ["A", "A"],
        "total_fee_fen": [1_000, 3_000],
    }
)
DEPARTMENTS = pa.table({"institution_code": ["H"], "dept_code": ["K1"], "national_dept": ["03"]})


def whole_cost(**more: Any) -> pa.Table:
    row = {"institution_code": "H", "month": "2025-06", "dept_code": "K1", "cost_kind": "全成本", "stage": "分摊后"}
    plain = {"group_code": None, "amount_fen": 6_000, "fee_amount_fen": None, "cost_to_fee_ratio": None}
    ratio = pa.field("cost_to_fee_ratio", pa.decimal128(10, 4))
    table = pa.Table.from_pylist([row | plain | more])
    place = table.column_names.index(ratio.name)
    return table.set_column(place, ratio, table[ratio.name].cast(ratio.type))


def test_a_whole_cost_without_its_fees_stands_against_all_patients_not_the_insured_alone() -> None:
    pages = pa.concat_tables([LISTS, LISTS.set_column(4, "total_fee_fen", pa.array([2_000, 6_000]))])
    assert with_cost(LISTS, whole_cost(), DEPARTMENTS, pages)["cost_fen"].to_pylist() == [500, 1_500]
    assert lacks_fees(whole_cost())


def test_a_cost_with_its_fees_or_a_ratio_needs_no_other_patients() -> None:
    other = LISTS.slice(0, 0)
    for more in ({"fee_amount_fen": 12_000}, {"cost_kind": "成本费用比", "cost_to_fee_ratio": Decimal("0.5000")}):
        cost = whole_cost(**more)
        assert not lacks_fees(cost)
        assert with_cost(LISTS, cost, DEPARTMENTS, other)["cost_fen"].to_pylist() == [500, 1_500]
    assert with_cost(LISTS, whole_cost(), DEPARTMENTS, other)["cost_fen"].to_pylist() == [None, None]


def test_stays_of_one_day_are_no_rate() -> None:
    one = {"n": [3], "a": [3.0], "b": [3.0], "aa": [3.0], "ab": [3.0], "bb": [3.0], "ones": [True]}
    stay = intervals(pa.table(one), load_measures()["discharge.mean_stay"])
    assert (stay["value"][0], stay["low"][0], stay["high"][0]) == (1, 1, 1)
    rate = intervals(pa.table(one), load_measures()["discharge.mortality"])
    assert 0.4 < rate["low"][0] < rate["high"][0] == 1
