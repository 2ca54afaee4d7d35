"""The benchmark of the clearing runs on a small city and says what it measured."""

from __future__ import annotations

from tongpin.bench import clearing
from tongpin.payment.year.clear import STEPS


def test_the_bench_clears_a_year_and_shows_every_step() -> None:
    (result,) = clearing.run(3_000, hospitals=5, years=1)
    names = [timing.step for timing in result.timings]
    assert [name for name in names if name.startswith("其中 第")] == [
        f"其中 第 {step.number} 步 {step.label}" for step in STEPS
    ]
    assert {"只读这一年的支付行", "清算关账，写入在内", "清算书 xlsx", "清算书 PDF"} <= set(names)
    assert all(timing.cases == 3_000 for timing in result.timings)
    figures = dict(result.figures)
    assert figures["seconds"] > 0
    assert "机构的基金" in result.notes[1]
