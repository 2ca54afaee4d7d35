"""The grouping benchmark: it times what it says, and what it times is right."""

from __future__ import annotations

from pathlib import Path

from tongpin.bench.grouping import draw_cases, run
from tongpin.grouping.interpreter import Case, interpret
from tongpin.grouping.library import DEMO_SCHEME, open_scheme
from tongpin.grouping.stage import group
from tongpin.store.home import Home


def test_the_cases_it_draws_group_alike_in_kernel_and_interpreter(tmp_path: Path) -> None:
    scheme = open_scheme(Home.open(tmp_path), DEMO_SCHEME)
    cases = draw_cases(scheme, 3_000)
    rows = group(cases, scheme).select(["status", "mdc", "adrg", "drg"]).to_pylist()
    for drawn, row in zip(cases.to_pylist(), rows, strict=True):
        outcome = interpret(scheme, Case.of(drawn))
        assert (outcome.status, outcome.mdc, outcome.adrg, outcome.drg) == tuple(row.values())
    assert len({row["drg"] for row in rows}) > 100


def test_the_floor_comes_first_and_ratios_refer_to_it(tmp_path: Path) -> None:
    result = run(tmp_path, 500)
    assert result.timings[0].step == "只读 Parquet"
    assert result.rows()[0][-1] == "1.00"
    assert all(timing.seconds > 0 for timing in result.timings)
    assert result.as_dict()["timings"][1]["cases"] == 500
