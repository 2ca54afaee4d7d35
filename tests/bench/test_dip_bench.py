"""The benchmark of DIP: both ways price the same cases, and it says how they compare."""

from __future__ import annotations

from tongpin.bench.dip import run


def test_the_benchmark_prices_the_same_cases_both_ways_and_gives_the_ratio() -> None:
    (result,) = run(3_000)
    figures = dict(result.figures)
    assert set(figures) == {"ratio", "grouping_ratio", "pricing_ratio"}
    assert all(value > 0 for value in figures.values())
    assert [timing.cases for timing in result.timings] == [3_000] * len(result.timings)
    assert "辅助目录" in result.notes[-1]
