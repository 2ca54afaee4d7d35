"""The pricing benchmark: its cases can be priced, and it says what it measured."""

from __future__ import annotations

import pyarrow.compute as pc

from tongpin.bench.pricing import draw_cases, hospitals, run
from tongpin.payment.policy.library import shipped_policies
from tongpin.payment.policy.policy import Policy


def test_the_benchmark_prices_what_it_draws_and_gives_ratios() -> None:
    (result,) = run(2_000)
    figures = dict(result.figures)
    assert figures["read_ratio"] >= 1
    assert figures["largest_doubling_ratio"] > 0
    assert [timing.cases for timing in result.timings] == [2_000] * 4


def test_the_drawn_cases_have_payers_that_sum_to_the_fee() -> None:
    policy = Policy.load(shipped_policies() / "demo-east" / "2025")
    cases = draw_cases(policy, 1_000)
    parts = pc.add(pc.add(cases["patient_pay_fen"], cases["pool_pay_fen"]), cases["other_fund_pay_fen"])
    assert parts.equals(cases["total_fee_fen"])
    assert set(cases["institution_code"].to_pylist()) <= set(hospitals()["institution_code"].to_pylist())
    assert "0000" in cases["drg"].to_pylist(), "some cases have no group"
