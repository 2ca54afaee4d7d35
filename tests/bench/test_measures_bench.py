"""The benchmark of measures: every figure it prints is measured, over the cases it was given."""

from __future__ import annotations

from tongpin.bench.measures import run


def test_the_benchmark_sums_every_fact_and_tries_a_hospital_year() -> None:
    cube, tried = run(6_000)
    assert [timing.cases for timing in cube.timings] == [6_000] * 4
    figures = dict(cube.figures)
    assert set(figures) == {"pass_seconds", "pass_ratio", "slice_seconds", "on_demand_seconds", "cells"}
    assert 0 < figures["cells"] <= 6_000
    assert figures["pass_ratio"] > 1
    assert "2,000 例" in tried.title
    assert all(seconds > 0 for _, seconds in tried.figures)
