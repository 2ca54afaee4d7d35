"""The kernel against the interpreter on random schemes of every shape; any number of threads; tables of any make."""

from __future__ import annotations

import dataclasses
from concurrent.futures import ThreadPoolExecutor

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from random_schemes import draw_cases, draw_scheme

from tongpin.base.errors import TongpinError
from tongpin.grouping.compiled import kernel, stage
from tongpin.grouping.compiled.compiler import CompiledScheme, compile_scheme
from tongpin.grouping.compiled.one import OneCase
from tongpin.grouping.compiled.stage import RESULT_COLUMNS, group
from tongpin.grouping.tables.interpreter import Case, interpret
from tongpin.grouping.tables.model import Outcome, SchemeTables

SEEDS = range(16)
"""Four bits, so that every combination of options is among them."""


def answers(table: pa.Table) -> list[tuple[str, ...]]:
    return list(zip(*(table.column(name).to_pylist() for name in RESULT_COLUMNS), strict=True))


def interpreted(scheme: SchemeTables, table: pa.Table) -> list[Outcome]:
    return [interpret(scheme, Case.of(row)) for row in table.to_pylist()]


def shape(seed: int) -> dict[str, int]:
    """Every fourth scheme has more lists of each kind, and more rules, than one word has bits."""
    return {"lists": 300, "mdcs": 26} if seed % 4 == 3 else {}


@pytest.fixture(scope="module")
def schemes() -> list[SchemeTables]:
    return [draw_scheme(seed, **shape(seed)) for seed in SEEDS]


def test_kernel_and_interpreter_agree_on_random_schemes(schemes: list[SchemeTables]) -> None:
    statuses: dict[str, int] = {}
    groups = set()
    for seed, scheme in enumerate(schemes):
        table = draw_cases(seed, 1_300)
        expected = [dataclasses.astuple(outcome) for outcome in interpreted(scheme, table)]
        assert answers(group(table, scheme)) == expected, f"scheme {seed}"
        for status, *_, drg in expected:
            statuses[status] = statuses.get(status, 0) + 1
            groups.add((seed, drg))
    total = sum(statuses.values())
    assert total >= 20_000
    assert len(groups) > 300, "the cases reach many groups"
    assert statuses["grouped"] > total / 3
    assert all(statuses[status] > total / 200 for status in ("ambiguous", "ungrouped", "check_failed"))
    assert all(statuses[status] > 100 for status in ("dx_not_mapped", "px_not_mapped"))


def test_the_random_schemes_hold_every_kind_of_condition(schemes: list[SchemeTables]) -> None:
    conditions = [c for s in schemes for m in s.mdcs for c in (m.when, *(step.when for step in m.steps))]
    conditions += [leaf.when for s in schemes for m in s.mdcs for step in m.steps for leaf in step.leaves]
    atoms = {(atom.kind, atom.negated) for condition in conditions for clause in condition for atom in clause}
    kinds = {"dx_main", "dx_any", "dx_other", "px_main", "px_any", "px_other", "mcc", "cc", "sex", "age", "age_days"}
    kinds |= {"birth_weight", "los", "icu_hours", "dx_count", "px_count", "dept", "discharge_way", "ward"}
    kinds |= {"new_technique", "admission_weight"}
    assert atoms == {(kind, negated) for kind in kinds for negated in (False, True)}
    compiled = [compile_scheme(scheme) for scheme in schemes]
    assert max(c.rule_words for c in compiled) > 3
    assert max(c.dx_member_words for c in compiled) > 1 < max(c.px_member_words for c in compiled)
    assert max(len(set(scheme.sites.values())) for scheme in schemes) > 32
    assert any(code in scheme.mcc for scheme in schemes for code in scheme.cc), "one code in both lists"


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(16, 2**32 - 1), lists=st.sampled_from([2, 24, 70]), mdcs=st.sampled_from([1, 3, 9]))
def test_kernel_and_interpreter_agree_on_any_scheme(seed: int, lists: int, mdcs: int) -> None:
    scheme = draw_scheme(seed, lists=lists, mdcs=mdcs)
    table = draw_cases(seed, 60)
    assert answers(group(table, compile_scheme(scheme))) == [
        dataclasses.astuple(outcome) for outcome in interpreted(scheme, table)
    ]


def test_one_case_at_a_time_gives_the_answers_of_the_table(schemes: list[SchemeTables]) -> None:
    for seed, scheme in enumerate(schemes):
        table = draw_cases(seed, 150)
        one = OneCase(compile_scheme(scheme))
        cases = [Case.of(row) for row in table.to_pylist()]
        expected = answers(group(table, scheme))
        assert [dataclasses.astuple(one.outcome(case)) for case in cases] == expected
        assert [dataclasses.astuple(one.outcome_of(one.intern(case))) for case in cases] == expected


def test_one_case_with_more_codes_than_usual_and_odd_values(schemes: list[SchemeTables]) -> None:
    one = OneCase(schemes[0])
    for case in (
        Case(sex=1, age=50, dx=("D001",) * 100, px=("P001",) * 100),
        Case(sex=1, age=10**400, dx=("D001",)),
        Case(sex=2, age=float("nan"), dx=("D001",)),
        Case(sex=1, age=0, age_days=float("nan"), birth_weight=3000, dx=("D001",)),
    ):
        assert one.outcome(case) == interpret(schemes[0], case)
    for case, name in ((Case(sex="1", age=50), "sex"), (Case(sex=1, age=50, dept=3), "dept")):
        with pytest.raises(TongpinError, match=name) as caught:
            one.outcome(case)
        assert caught.value.code == "group.column"


def test_any_number_of_threads_gives_the_same_answers(
    schemes: list[SchemeTables], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stage, "BLOCK_ROWS", 97)
    for scheme in schemes[3:5]:
        table = draw_cases(5, 3_000)
        single = group(table, scheme)
        assert answers(single) == [dataclasses.astuple(outcome) for outcome in interpreted(scheme, table)]
        for threads in range(2, 9):
            many = group(table, scheme, threads=threads)
            assert many.select(RESULT_COLUMNS).equals(single.select(RESULT_COLUMNS))


def test_threads_that_group_at_once_give_the_answers_of_one(
    schemes: list[SchemeTables], monkeypatch: pytest.MonkeyPatch
) -> None:
    table = draw_cases(7, 2_000)
    expected = [answers(group(table, compile_scheme(scheme))) for scheme in schemes[:4]]
    compiled: list[str] = []

    def counted(scheme: SchemeTables) -> CompiledScheme:
        compiled.append(scheme.digest)
        return compile_scheme(scheme)

    monkeypatch.setattr(stage, "compile_scheme", counted)
    monkeypatch.setattr(stage, "_COMPILED", {})
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda number: answers(group(table, schemes[number % 4], threads=2)), range(24)))
    assert found == [expected[number % 4] for number in range(24)]
    assert sorted(compiled) == sorted(scheme.digest for scheme in schemes[:4]), "each compiled once"


def test_plain_strings_of_every_kind_group_like_encoded_ones(schemes: list[SchemeTables]) -> None:
    table = draw_cases(2, 500)
    expected = answers(group(table, schemes[2]))
    for kind in (
        pa.list_(pa.string()),
        pa.list_(pa.large_string()),
        pa.large_list(pa.string()),
        pa.large_list(pa.large_string()),
        pa.list_(pa.string_view()),
        pa.list_view(pa.string()),
        pa.list_(pa.dictionary(pa.int8(), pa.string())),
        pa.list_(pa.dictionary(pa.int32(), pa.large_string())),
    ):
        other = table
        for name in ("dx", "px"):
            lists = pa.array(table.column(name).to_pylist(), kind)
            other = other.set_column(other.schema.get_field_index(name), name, lists)
        for name in ("dept", "ward"):
            texts = pa.array(table.column(name).to_pylist(), pa.large_string())
            other = other.set_column(other.schema.get_field_index(name), name, texts)
        assert answers(group(other, schemes[2])) == expected, kind
        halves = pa.concat_tables([other.slice(0, 123), other.slice(123)])
        assert answers(group(halves, schemes[2])) == expected, kind
        assert answers(group(other.slice(77, 300), schemes[2])) == expected[77:377], kind


def test_numbers_of_every_width_group_alike(schemes: list[SchemeTables]) -> None:
    table = draw_cases(4, 400)
    expected = answers(group(table, schemes[1]))
    for kind in (pa.int8(), pa.uint8(), pa.int32(), pa.uint64(), pa.float32(), pa.float64()):
        other = table
        for name in ("sex", "age"):
            index = other.schema.get_field_index(name)
            other = other.set_column(index, name, other.column(name).cast(kind))
        assert answers(group(other, schemes[1])) == expected
    flags = table.set_column(table.schema.get_field_index("code_map"), "code_map", table["code_map"].cast(pa.bool_()))
    assert answers(group(flags, schemes[1])) == expected


def test_a_text_column_of_numbers_is_refused(schemes: list[SchemeTables]) -> None:
    table = draw_cases(4, 3)
    table = table.set_column(table.schema.get_field_index("ward"), "ward", pa.array([1, 2, 3]))
    with pytest.raises(TongpinError, match="ward") as caught:
        group(table, schemes[3])
    assert caught.value.code == "group.column"


def test_the_kernel_is_compiled_once(schemes: list[SchemeTables]) -> None:
    group(draw_cases(1, 10), schemes[0])
    OneCase(schemes[1]).outcome(Case(sex=1, age=50, dx=("D001",)))
    assert len(kernel.group_cases.signatures) == 1
