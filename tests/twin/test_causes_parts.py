"""A result taken apart: every part alone moves its own amount, and all parts sum to the difference, to the fen."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest
from causes_cases import fen, group, line, lines
from hypothesis import given, settings
from hypothesis import strategies as st

from tongpin.base.errors import BalanceError
from tongpin.twin.causes.catalogue import setting
from tongpin.twin.causes.decompose import Counted, count_cases, take_apart, with_coding
from tongpin.twin.causes.parts import FACTORS, PART_IDS, PARTS
from tongpin.twin.causes.regroup import regroup

HEAD = ("base_fen", "result_fen")


def apart(now: list[dict[str, Any]], base: list[dict[str, Any]], **how: Any) -> dict[str, int]:
    """The parts over all groups."""
    found = take_apart(count_cases(lines(now), ()), count_cases(lines(base), ()), **how)
    return {name: sum(found[name].to_pylist()) for name in (*HEAD, *PART_IDS)}


def moved(parts: dict[str, int]) -> dict[str, int]:
    return {name: parts[name] for name in PART_IDS if parts[name]}


BASE = group(10)
"""Ten cases of 8,000 yuan paid 10,000 each: +20,000 yuan."""


def test_the_same_cases_give_no_difference() -> None:
    found = apart(BASE, BASE)
    assert found["base_fen"] == found["result_fen"] == fen(20_000)
    assert moved(found) == {}


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"rate": 9_000}, {"rate": -10_000}),
        ({"weight_e4": 9_000}, {"weight": -10_000}),
        ({"coefficient": 1.1}, {"coefficient": 10_000}),
        ({"drug": 2_300}, {"drug": -3_000}),
        ({"consumable": 900}, {"consumable": 1_000}),
        ({"exam": 1_500}, {"exam": -5_000}),
        ({"service": 3_000}, {"service": 10_000}),
    ],
)
def test_what_alone_changed_takes_the_whole_difference(changed: dict[str, Any], expected: dict[str, float]) -> None:
    found = apart(group(10, **changed), BASE)
    assert moved(found) == {name: fen(yuan) for name, yuan in expected.items()}


def test_more_of_the_same_is_volume() -> None:
    assert moved(apart(group(15), BASE)) == {"volume": fen(10_000)}


def test_other_groups_are_mix() -> None:
    base = [*group(5), *group(5, "BB11D", weight_e4=5_000)]  # +2,000 and -3,000 a case
    now = [*group(8), *group(2, "BB11D", weight_e4=5_000)]
    assert moved(apart(now, base)) == {"mix": fen(3 * 2_000 + 3 * 3_000)}


def test_longer_stays_carry_their_share_of_each_fee() -> None:
    """Ten days instead of five: what moves with days doubles, and is no dearer drug or service."""
    share = {part: setting(f"stay.moves_{part}") / 10_000 for part in ("drug", "consumable", "exam", "service")}
    fees = {"drug": 2_000, "consumable": 1_000, "exam": 1_000, "service": 4_000}
    longer = {part: fee * (1 + share[part]) for part, fee in fees.items()}
    added = sum(longer.values()) - sum(fees.values())
    assert moved(apart(group(10, stay=10, **longer), BASE)) == {"stay": -fen(added * 10)}


def test_unknown_days_leave_the_fees_whole() -> None:
    found = moved(apart(group(10, stay=None, drug=2_300), BASE))
    assert found == {"drug": -fen(3_000)}


def test_an_outlier_is_told_apart_from_the_fees_of_the_others() -> None:
    """Nine normal cases and one paid by item: the lost surplus of that case is the part, its fee is none."""
    now = [*group(9), line("x", outlier="HIGH", drug=90_000)]
    assert moved(apart(now, BASE)) == {"outlier": -fen(2_000)}


def test_a_group_the_base_does_not_know_stands_by_itself() -> None:
    found = moved(apart([*BASE, *group(2, "ZZ11D", weight_e4=20_000)], BASE))
    assert found == {"volume": fen(4_000), "mix": -fen(4_000), "uncompared": fen(24_000)}


def test_points_without_weight_and_rate_put_the_price_into_one_step() -> None:
    now, base = group(10, rate=9_000), group(10)
    for row in (*now, *base):
        row |= {"rate_fen": None, "weight_e4": None}
    assert moved(apart(now, base)) == {"rate": -fen(10_000)}


def test_means_of_others_say_nothing_of_volume() -> None:
    others = group(40, drug=1_500)
    found = apart(BASE, others, as_means=True)
    assert found["base_fen"] == fen(25_000)
    assert moved(found) == {"drug": -fen(5_000)}


def test_parts_are_told_by_factor_and_none_is_left_out() -> None:
    assert [part.id for part in PARTS] == list(PART_IDS)
    assert {part.factor for part in PARTS} == set(FACTORS)


def test_sums_that_do_not_balance_stop_the_run() -> None:
    counted = count_cases(lines(BASE), ())
    broken = take_apart(counted, counted)
    broken = broken.set_column(broken.column_names.index("drug"), "drug", pa.array([1]))
    with pytest.raises(BalanceError) as caught:
        with_coding(broken, counted)
    assert caught.value.code == "causes.parts"


def test_a_wrong_group_is_coding_tv_d1() -> None:
    """RW 1.6 was paid, 1.1 is right, at a rate of 10,000: 5,000 yuan."""
    paid = lines([*BASE, line("x", "HH11D", weight_e4=16_000)])
    right = regroup(paid, {"x": "LL11D", "nobody": "AA11D"}, {"LL11D": 11_000})
    assert (right.found, right.moved, right.repriced) == (1, 1, 1)
    base = [*BASE, line("x", "LL11D", weight_e4=11_000)]
    found = take_apart(count_cases(right.cases, ()), count_cases(lines(base), ()))
    found = with_coding(found, count_cases(paid, ()))
    assert sum(found["coding"].to_pylist()) == fen(5_000)
    total = {name: sum(found[name].to_pylist()) for name in (*HEAD, *PART_IDS)}
    assert moved(total) == {"coding": fen(5_000)}
    assert total["result_fen"] - total["base_fen"] == fen(5_000)
    moves = {row["drg"]: row["coding"] for row in found.to_pylist()}
    assert moves == {"AA11D": 0, "HH11D": fen(8_000), "LL11D": -fen(3_000)}


def test_a_right_group_without_weight_moves_the_list_and_leaves_its_amounts() -> None:
    right = regroup(lines(BASE), {BASE[0]["case_id"]: "YY11D"}, {})
    assert (right.moved, right.repriced) == (1, 0)
    assert sum(right.cases["result_fen"].to_pylist()) == fen(20_000)


amounts = st.integers(0, 40_000)
CASES = st.lists(
    st.fixed_dictionaries(
        {
            "drg": st.sampled_from(["AA11D", "BB11D", "CC11D"]),
            "hospital": st.sampled_from(["H1", "H2"]),
            **dict.fromkeys(("drug", "consumable", "exam", "service"), amounts.map(lambda fens: fens / 100)),
            "stay": st.none() | st.integers(0, 30),
            "weight_e4": st.integers(0, 30_000),
            "rate": st.integers(0, 1_000_000).map(lambda fens: fens / 100),
            "coefficient": st.sampled_from([0.9, 1.0, 1.05]),
            "outlier": st.sampled_from(["NORMAL", "NORMAL", "HIGH", "LOW"]),
        }
    ),
    min_size=1,
    max_size=12,
)


def made(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [line(f"c{number}", **row) for number, row in enumerate(rows)]


@settings(max_examples=12, deadline=None)
@given(now=CASES, base=CASES, as_means=st.booleans())
def test_parts_sum_to_the_difference_in_every_row(now: list[Any], base: list[Any], as_means: bool) -> None:
    own, other = lines(made(now)), lines(made(base))
    found = take_apart(count_cases(own, ()), count_cases(other, ()), as_means=as_means)
    for row in found.to_pylist():
        assert row["base_fen"] + sum(row[name] for name in PART_IDS) == row["result_fen"]
    assert sum(found["result_fen"].to_pylist()) == sum(own["result_fen"].to_pylist())
    if not as_means:
        assert sum(found["base_fen"].to_pylist()) == sum(other["result_fen"].to_pylist())
    else:
        assert sum(found["volume"].to_pylist()) == 0


@settings(max_examples=6, deadline=None)
@given(rows=CASES, times=st.integers(1, 3))
def test_the_same_cases_so_many_times_are_volume_alone(rows: list[Any], times: int) -> None:
    base = made(rows)
    found = apart(base * times, base)
    groups = [row["drg"] for row in base if row["outlier_class"] == "NORMAL"]
    if {row["drg"] for row in base} <= set(groups):
        assert moved(found) in ({}, {"volume": found["base_fen"] * (times - 1)})
    if times == 1:
        assert moved(found) == {}


@settings(max_examples=5, deadline=None)
@given(now=CASES, base=CASES)
def test_slices_have_the_same_results_and_differences_as_the_whole(now: list[Any], base: list[Any]) -> None:
    by = ["institution_code"]
    found = take_apart(count_cases(lines(made(now)), by), count_cases(lines(made(base)), by), by)
    whole = apart(made(now), made(base))
    for name in HEAD:
        assert sum(found[name].to_pylist()) == whole[name]


@settings(max_examples=5, deadline=None)
@given(now=CASES, base=CASES, right=st.dictionaries(st.sampled_from([f"c{n}" for n in range(12)]), st.just("BB11D")))
def test_with_a_review_the_parts_still_sum(now: list[Any], base: list[Any], right: dict[str, str]) -> None:
    paid = lines(made(now))
    corrected = regroup(paid, right, {"BB11D": 12_345}).cases
    found = take_apart(count_cases(corrected, ()), count_cases(lines(made(base)), ()))
    found = with_coding(found, count_cases(paid, ()))
    assert sum(found["result_fen"].to_pylist()) == sum(paid["result_fen"].to_pylist())
    coded = sum(paid["result_fen"].to_pylist()) - sum(corrected["result_fen"].to_pylist())
    assert sum(found["coding"].to_pylist()) == coded


def test_the_base_may_be_shared_by_all_slices() -> None:
    now = [*group(4, hospital="H1"), *group(6, hospital="H2", prefix="d", drug=2_500)]
    base: Counted = count_cases(lines(group(20, hospital="H3")), ())
    found = take_apart(
        count_cases(lines(now), ["institution_code"]), base, ["institution_code"], base_by=(), as_means=True
    )
    parts = {row["institution_code"]: moved(row) for row in found.to_pylist()}
    assert parts == {"H1": {}, "H2": {"drug": -fen(3_000)}}
