"""What one case of a group more or fewer does to CMI and to the result, by hand (S000-01)."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from portfolio_cases import page, stays

from tongpin.base.errors import TongpinError
from tongpin.cli.portfolio_commands import changes_of, counted
from tongpin.twin.catalogue import load_directions
from tongpin.twin.joint_mix import MixEffect, by_direction, mix_effects


def desks(*groups: tuple[str, int, int, int, int]) -> tuple[pa.Table, pa.Table]:
    """Lists and pages of groups: name, cases at both desks, weight, result and fee of a case."""
    lists: list[dict[str, Any]] = []
    pages: list[dict[str, Any]] = []
    for drg, count, weight_e4, result, fee in groups:
        sums = {"case_count": count, "weight_e4": weight_e4 * count, "total_fee_fen": fee * count, "stay_days": count}
        lists.append({"drg": drg, **sums, "result_fen": result * count, "pool_payable_fen": fee * count})
        pages.append({"drg": drg, **sums, "weighted_count": count if weight_e4 else 0})
    return pa.Table.from_pylist(lists), pa.Table.from_pylist(pages)


def effects(*groups: tuple[str, int, int, int, int]) -> dict[str, MixEffect]:
    return {one.drg: one for one in mix_effects(*desks(*groups))}


TWO = (("LOW", 30, 10_000, -10_000, 500_000), ("HIGH", 30, 30_000, 20_000, 900_000))
"""CMI 2: thirty cases of weight 1 that lose 100 yuan each, thirty of weight 3 that gain 200."""


def test_one_case_more_or_fewer_by_hand() -> None:
    found = effects(*TWO)["HIGH"]
    assert (found.weight, found.page_count, found.list_count, found.direction) == (3, 30, 30, "both_up")
    assert found.more == (1, Fraction(123, 61) - 2, 20_000)
    assert found.fewer == (-1, Fraction(117, 59) - 2, -20_000)


def test_a_share_more_by_hand() -> None:
    found = effects(*TWO)["LOW"]
    assert found.direction == "both_down"
    assert found.grown == (3, Fraction(123, 63) - 2, -30_000)


def test_the_two_desks_may_count_different_cases() -> None:
    lists, pages = desks(*TWO)
    half = lists.set_column(1, "case_count", pa.array([20, 20]))
    half = half.set_column(half.column_names.index("result_fen"), "result_fen", pa.array([-300_000, 600_000]))
    found = {one.drg: one for one in mix_effects(half, pages)}["HIGH"]
    assert found.list_count == 20
    assert found.more == (1, Fraction(123, 61) - 2, 20_000), "a page more brings its share of the lists"


def test_groups_of_few_cases_without_weight_or_without_name_are_left_out() -> None:
    few = ("FEW", 19, 50_000, 1, 1)
    assert set(effects(*TWO, few, ("0000", 30, 0, 1, 1), ("", 30, 10_000, 1, 1))) == {"LOW", "HIGH"}


def test_each_direction_names_the_groups_that_move_both_most() -> None:
    more = (("GAIN", 30, 5_000, 1_000, 1), ("LOSS", 30, 60_000, -5_000, 1), ("MORE", 30, 60_000, -9_000, 1))
    shown = {way.id: [one.drg for one in rows] for way, rows in by_direction(effects(*TWO, *more).values(), 1)}
    assert shown == {"both_up": [], "cmi_up": ["MORE"], "result_up": ["HIGH"], "both_down": ["LOW"]}
    assert [one.id for one in load_directions()] == list(shown)


def test_nobody_is_told_to_refuse_or_to_admit() -> None:
    notes = " ".join(one.note + one.label for one in load_directions())
    assert "淘汰" not in notes
    assert "不得拒收" in notes


@settings(max_examples=30)
@given(
    st.lists(
        st.tuples(st.integers(20, 90), st.integers(1_000, 90_000), st.integers(-90_000, 90_000)), min_size=2, max_size=6
    )
)
def test_a_case_above_the_mean_raises_it(rows: list[tuple[int, int, int]]) -> None:
    found = effects(*((f"G{number}", *row, 1) for number, row in enumerate(rows)))
    total, count = sum(weight * cases for cases, weight, _ in rows), sum(cases for cases, _, _ in rows)
    for number, (_, weight, result) in enumerate(rows):
        one = found[f"G{number}"]
        assert (one.more.cmi > 0) == (weight * count > total)
        assert (one.more.cmi >= 0) == (one.fewer.cmi <= 0)
        assert one.more.result_fen == -one.fewer.result_fen == result


def test_a_what_if_takes_a_share_of_a_group_as_well() -> None:
    asked = changes_of(["A=10%", "B=4", "C=all"], "--stop")
    assert asked == {"A": Fraction(1, 10), "B": 4, "C": None}
    held = stays([page(number, "A") for number in range(25)] + [page(99, "D")])
    assert counted(held, {"A": Fraction(1, 10), "B": 4, "C": None}) == {"A": 3, "B": 4, "C": None}
    assert counted(held, {"D": Fraction(1, 10)}) == {"D": 1}, "at least one case"
    for text in ("A=%", "A=1.5%", "A=-1%"):
        with pytest.raises(TongpinError) as caught:
            changes_of([text], "--grow")
        assert caught.value.code == "portfolio.change"
