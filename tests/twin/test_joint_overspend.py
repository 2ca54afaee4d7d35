"""Do cases above their standard run high drug and consumable shares? Asked of the data, told either way (S000-02)."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tongpin.twin.crossing import BY_COST, BY_FEE, crossing_groups, groups_against_expected
from tongpin.twin.joint_overspend import FEW, HOLDS, REVERSED, UNCLEAR, judged, overspend_counts, overspend_of, told

REGION = pa.table({"drg": ["A"], "drug_share_e6": [300_000], "consumable_share_e6": [100_000]})
"""Drugs and consumables are 40 % of the fees of group A in the region; group B has too few cases for a share."""


def one_list(fee: int, drug: int, consumable: int = 0, **more: Any) -> dict[str, Any]:
    """A list of group A with a standard of 1,000 fen."""
    return {
        "institution_code": "H",
        "drg": "A",
        "total_fee_fen": fee,
        "drug_fee_fen": drug,
        "consumable_fee_fen": consumable,
        "standard_fen": 1_000,
        **more,
    }


def counts(*rows: dict[str, Any], basis: str = "费用") -> tuple[int, ...]:
    found = overspend_of(overspend_counts(pa.Table.from_pylist(list(rows)), REGION), basis)
    return found.overspent_count, found.overspent_high_count, found.other_count, found.other_high_count


def test_cases_are_counted_by_overspending_and_by_their_share() -> None:
    assert counts(
        one_list(1_100, 441),  # above, 40.09 %: high
        one_list(1_100, 400, 40),  # above, exactly 40 %: not high
        one_list(1_000, 401),  # at the standard is not above; high
        one_list(900, 100, 100),  # below, 22 %
    ) == (2, 1, 2, 1)


def test_what_cannot_be_judged_counts_nowhere() -> None:
    assert counts(
        one_list(1_100, 441),
        one_list(1_100, 441, drg="B"),
        one_list(1_100, 441, standard_fen=None),
        one_list(1_100, 441, drug_fee_fen=None),
        one_list(0, 0),
    ) == (1, 1, 0, 0)


def test_by_cost_only_the_cases_with_a_cost() -> None:
    rows = [one_list(1_100, 500, cost_fen=900), one_list(900, 100, cost_fen=1_200), one_list(900, 500, cost_fen=None)]
    assert counts(*rows) == (1, 1, 2, 1)
    assert counts(*rows, basis="成本") == (1, 0, 1, 1)
    table = overspend_counts(pa.Table.from_pylist([one_list(900, 1)]), REGION)
    assert table["basis"].to_pylist() == ["费用"], "without a cost there is no row of it"


def of(overspent: tuple[int, int], others: tuple[int, int]) -> dict[str, int]:
    """Cases with a high share of all cases, on both sides."""
    names = ("overspent_high_count", "overspent_count", "other_high_count", "other_count")
    return dict(zip(names, (*overspent, *others), strict=True))


def test_the_interval_is_newcombes() -> None:
    """56 of 70 against 48 of 80: 0.2000, 0.0524 to 0.3339 (Newcombe 1998, method 10)."""
    found = judged("费用", of((56, 70), (48, 80)))
    assert found.difference == pytest.approx(0.2)
    assert (found.low, found.high) == (pytest.approx(0.0524, abs=5e-5), pytest.approx(0.3339, abs=5e-5))
    assert found.verdict == HOLDS
    assert told(found) == (
        "成立。按费用超支的 70 例中 80.00% 药耗偏高，其余 80 例中 60.00%，"
        "差 +20.00 个百分点（95% 区间 +5.24 ～ +33.39）。"
    )


@pytest.mark.parametrize(
    ("overspent", "others", "verdict"),
    [
        ((40, 70), (40, 80), UNCLEAR),
        ((48, 80), (56, 70), REVERSED),
        ((29, 29), (0, 80), FEW),
        ((30, 30), (0, 29), FEW),
        ((30, 30), (0, 30), HOLDS),
        ((0, 0), (5, 80), FEW),
    ],
)
def test_it_is_said_when_it_does_not_hold(overspent: tuple[int, int], others: tuple[int, int], verdict: str) -> None:
    found = judged("费用", of(overspent, others))
    assert found.verdict == verdict
    assert told(found).startswith(verdict)


@given(st.integers(1, 500), st.integers(1, 500), st.data())
def test_the_interval_holds_the_difference(first: int, second: int, data: st.DataObject) -> None:
    hits, others = data.draw(st.integers(0, first)), data.draw(st.integers(0, second))
    found = judged("费用", of((hits, first), (others, second)))
    assert found.difference is not None
    assert found.low is not None
    assert found.high is not None
    assert -1 - 1e-9 <= found.low <= found.difference + 1e-9
    assert found.difference - 1e-9 <= found.high <= 1 + 1e-9


def a_group(drg: str, fee_ratio: float | None, drug: float, cases: int = 20, **more: Any) -> dict[str, Any]:
    """A group of a hospital whose region has a drug share of 30 % and a consumable share of 10 %."""
    return {
        "institution_code": "H",
        "drg": drg,
        "settlement.cases": cases,
        "discharge.cases": cases,
        BY_FEE: fee_ratio,
        "discharge.compared_drug_share": drug,
        "discharge.expected_drug_share.fee_weighted": 0.30,
        "discharge.compared_consumable_share": 0.10,
        "discharge.expected_consumable_share.fee_weighted": 0.10,
        **more,
    }


def named(*rows: dict[str, Any]) -> list[str]:
    return crossing_groups(groups_against_expected(pa.Table.from_pylist(list(rows))))["drg"].to_pylist()


def test_groups_that_overspend_with_a_high_share_are_named_the_worst_first() -> None:
    rows = [a_group("mild", -0.01, 0.34), a_group("worst", -0.2, 0.34), a_group("surplus", 0.1, 0.34)]
    rows += [a_group("within", -0.2, 0.329), a_group("few", -0.2, 0.34, cases=19), a_group("unknown", None, 0.34)]
    assert named(*rows) == ["worst", "mild"]


def test_a_group_may_overspend_by_cost_alone() -> None:
    rows = [a_group("fee", -0.1, 0.34, **{BY_COST: 0.1}), a_group("cost", 0.1, 0.34, **{BY_COST: -0.1})]
    rows += [a_group("neither", 0.1, 0.34, **{BY_COST: 0.1}), a_group("none", 0.1, 0.34, **{BY_COST: None})]
    assert sorted(named(*rows)) == ["cost", "fee"]
