"""The grouping benchmark: it times what it says, and what it times is right."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from tongpin.bench import grouping, grouping_files
from tongpin.bench.grouping_cases import build, city_cases, draw_cases, hostile_cases
from tongpin.bench.timing import Result, Timing, pairs, percentile
from tongpin.grouping.compiled.stage import group
from tongpin.grouping.library import DEMO_SCHEME, open_scheme, shipped_folder
from tongpin.grouping.scheme import Scheme
from tongpin.grouping.tables.interpreter import Case, interpret
from tongpin.store.home import Home

FOLDER = shipped_folder() / DEMO_SCHEME


@pytest.fixture(scope="module")
def scheme() -> Scheme:
    return Scheme.load(FOLDER, cache=False, notice=lambda _: None)


@pytest.fixture(scope="module")
def stays(tmp_path_factory: pytest.TempPathFactory) -> pa.Table:
    return city_cases(build(tmp_path_factory.mktemp("bench") / "city", FOLDER, cases=2_500), 2_500)


@pytest.mark.parametrize(("draw", "groups"), [(draw_cases, 100), (hostile_cases, 60)])
def test_the_cases_it_draws_group_alike_in_kernel_and_interpreter(tmp_path: Path, draw, groups: int) -> None:
    tables = open_scheme(Home.open(tmp_path), DEMO_SCHEME)
    cases = draw(tables, 3_000)
    rows = group(cases, tables).select(["status", "mdc", "adrg", "drg"]).to_pylist()
    for drawn, row in zip(cases.to_pylist(), rows, strict=True):
        outcome = interpret(tables, Case.of(drawn))
        assert (outcome.status, outcome.mdc, outcome.adrg, outcome.drg) == tuple(row.values())
    assert len({row["drg"] for row in rows}) > groups


def test_random_cases_meet_every_kind_of_refusal(scheme: Scheme) -> None:
    found = set(scheme.group(hostile_cases(scheme.tables, 3_000))["status"].to_pylist())
    assert {"grouped", "ungrouped", "check_failed", "dx_not_mapped"} <= found


def test_stays_of_the_city_are_grouped_almost_all(scheme: Scheme, stays: pa.Table) -> None:
    cases = stays
    assert cases.num_rows == 2_500
    assert pc.count_distinct(cases["case_id"]).as_py() == 2_500
    statuses = scheme.group(cases)["status"].to_pylist()
    assert statuses.count("grouped") > 0.99 * len(statuses)


def test_a_difference_between_interpreter_and_kernel_would_be_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    assert grouping.differences((str(FOLDER), 500, 1))[:2] == (0, 500)
    real = interpret
    monkeypatch.setattr(grouping, "interpret", lambda tables, case: real(tables, Case(dx=case.dx)))
    assert grouping.differences((str(FOLDER), 500, 1))[0] > 100


def test_the_lake_is_measured_against_the_same_columns(scheme: Scheme, stays: pa.Table, tmp_path: Path) -> None:
    result = grouping_files.lake(scheme, stays, tmp_path)
    assert [timing.step.split("，")[0] for timing in result.timings] == ["只读同样的列", "读并分组"] * 2
    assert dict(result.figures).keys() == {"lake_1_threads_ratio", "lake_2_threads_ratio"}
    assert all(timing.cases == stays.num_rows for timing in result.timings)


def test_the_whole_city_is_counted_file_by_file(scheme: Scheme, tmp_path: Path) -> None:
    """What the benchmark does with the city of 1,252,850 lists, on a small one (S004-08)."""
    paths = build(tmp_path / "city", FOLDER, cases=2_500)
    files = [pq.read_table(path) for path in paths]
    insured = sum(table.num_rows - table["insurance"].null_count for table in files)
    result = grouping_files.whole_city(scheme, paths, 0.0)
    figures = dict(result.figures)
    assert (figures["city_cases"], figures["city_insured_cases"]) == (sum(t.num_rows for t in files), insured)
    counts = Counter(status for table in files for status in scheme.group(table)["status"].to_pylist())
    assert f"grouped {counts['grouped']:,}" in result.notes[1]
    assert sum("入组率" in note for note in result.notes) == 2


def test_texts_of_the_plain_layout_group_like_the_typed_cases(scheme: Scheme, stays: pa.Table) -> None:
    from tongpin.grouping.scheme import typed_cases

    cases = stays.slice(0, 300)
    texts = grouping_files.as_texts(cases)
    assert {str(kind) for kind in texts.schema.types} == {"string"}
    assert scheme.group(typed_cases(texts))["drg"].equals(scheme.group(cases)["drg"])


def test_the_first_line_is_the_floor_of_the_ratios() -> None:
    result = Result("t", (Timing("只读", 0.5, 100), Timing("读并分组", 1.5, 200)), ("n",), (("ratio", 1.5),))
    assert [row[-1] for row in result.rows()] == ["1.00", "1.50"]
    assert result.as_dict()["figures"] == {"ratio": 1.5}


def test_pairs_take_turns_and_give_the_median_ratio() -> None:
    turns: list[str] = []
    found = pairs(lambda: turns.append("a"), lambda: turns.append("b"), 3)
    assert turns == ["a", "b"] * 3
    assert found.first > 0
    assert found.ratio > 0


def test_percentiles_are_times_that_were_met() -> None:
    seconds = [float(number) for number in range(100)]
    assert (percentile(seconds, 0.5), percentile(seconds, 0.99), percentile([7.0], 0.99)) == (50.0, 99.0, 7.0)
