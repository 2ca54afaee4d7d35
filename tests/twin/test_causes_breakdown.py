"""A group by diagnosis and doctor: pieces sum, shares sum, and nobody is ranked on five cases."""

from __future__ import annotations

from typing import Any

from causes_cases import fen, group, line, lines
from hypothesis import given, settings
from hypothesis import strategies as st

from tongpin.twin.causes.breakdown import ALIKE, FEW, HIGHER, LOWER, pieces, verdict
from tongpin.twin.causes.catalogue import setting


def by_doctor(rows: list[dict[str, Any]], base_fen: int, base_count: int) -> dict[str, Any]:
    return {one.name: one for one in pieces(lines(rows), "doctor_code", base_fen, base_count)}


def spread(count: int, doctor: str, *, drug: float, around: float = 100) -> list[dict[str, Any]]:
    """Cases whose drugs lie on both sides of a mean."""
    return [
        line(f"{doctor}{number}", drug=drug + (around if number % 2 else -around), doctor_code=doctor)
        for number in range(count)
    ]


def test_a_doctor_with_few_cases_is_shown_with_an_interval_but_not_compared() -> None:
    least = setting("compare.minimum_cases")
    rows = [*spread(least * 4, "D1", drug=2_000), *spread(least - 1, "D2", drug=9_000)]
    found = by_doctor(rows, fen(2_000) * 10, 10)
    assert found["D2"].verdict == FEW
    assert found["D2"].low_fen is not None
    assert found["D2"].high_fen is not None
    assert list(found) == ["D1", "D2"]  # the worst figure does not lead: it rests on too few cases


def test_compared_doctors_come_by_what_they_lose() -> None:
    rows = [*spread(20, "D1", drug=2_000), *spread(20, "D2", drug=2_500), *spread(20, "D3", drug=1_500)]
    found = by_doctor(rows, fen(2_000), 1)
    assert [(one.name, one.verdict) for one in found.values()] == [("D2", LOWER), ("D1", ALIKE), ("D3", HIGHER)]
    assert found["D2"].difference_fen == -fen(500) * 20


def test_the_interval_narrows_with_more_cases() -> None:
    rows = [*spread(10, "D1", drug=2_000), *spread(40, "D2", drug=2_000)]
    found = by_doctor(rows, fen(2_000), 1)
    assert found["D1"].high_fen is not None
    assert found["D2"].high_fen is not None
    assert found["D1"].high_fen > found["D2"].high_fen > 0


def test_one_case_alone_has_no_spread_and_is_not_judged() -> None:
    (only,) = pieces(lines([line("x")]), "doctor_code", fen(1_000), 1)
    assert (only.low_fen, only.verdict) == (None, FEW)
    assert verdict(10_000, None, None) == FEW
    assert pieces(lines([]), "doctor_code", 0, 0) == ()


def test_without_a_base_the_group_is_its_own() -> None:
    found = by_doctor([*spread(10, "D1", drug=2_000), *spread(10, "D2", drug=2_200)], 0, 0)
    assert found["D1"].difference_fen == fen(1_000)
    assert found["D2"].difference_fen == -fen(1_000)


@settings(max_examples=50)
@given(
    counts=st.lists(st.integers(1, 30), min_size=1, max_size=6),
    base=st.tuples(st.integers(-10_000_000, 10_000_000), st.integers(1, 99)),
)
def test_pieces_and_shares_sum_to_the_whole(counts: list[int], base: tuple[int, int]) -> None:
    rows = [row for number, count in enumerate(counts) for row in group(count, doctor_code=f"D{number}", prefix="x")]
    found = pieces(lines(rows), "doctor_code", *base)
    assert sum(one.share_e4 for one in found) == 10_000
    assert sum(one.result_fen for one in found) == fen(2_000) * sum(counts)
    whole = sum(counts) * base[0]
    rounded = (2 * abs(whole) + base[1]) // (2 * base[1]) * (1 if whole >= 0 else -1)
    assert sum(one.difference_fen for one in found) == fen(2_000) * sum(counts) - rounded
