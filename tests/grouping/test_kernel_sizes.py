"""Schemes larger than any DRG: some ten thousand rules of diagnosis and procedures, as a DIP catalogue has."""

from __future__ import annotations

import dataclasses
import random
import time

import pyarrow as pa
import pytest

from tongpin.grouping.compiled.compiler import CompiledScheme, compile_scheme
from tongpin.grouping.compiled.one import OneCase
from tongpin.grouping.compiled.stage import RESULT_COLUMNS, group
from tongpin.grouping.tables.interpreter import Case, interpret
from tongpin.grouping.tables.model import Leaf, Mdc, Options, SchemeTables, Step
from tongpin.grouping.tables.when import ALWAYS, parse_when

DIAGNOSES, PROCEDURES, RULES = 2_000, 4_000, 12_000


@pytest.fixture(scope="module")
def catalogue() -> SchemeTables:
    """For each diagnosis list a few rules with procedures, then one without any."""
    draw = random.Random(1)
    dx_lists = {f"d{n}": frozenset(f"D{n:04d}.{code}" for code in range(8)) for n in range(DIAGNOSES)}
    px_lists = {f"p{n}": frozenset(f"{draw.randrange(9_000):04d}" for _ in range(4)) for n in range(PROCEDURES)}
    whens = []
    for number in range(DIAGNOSES):
        for _ in range(RULES // DIAGNOSES - 1):
            first, second = draw.randrange(PROCEDURES), draw.randrange(PROCEDURES)
            two = draw.random() < 0.3
            whens.append(f"dx_main:d{number} & px_any:p{first}" + (f" & px_any:p{second}" if two else ""))
        whens.append(f"dx_main:d{number} & px_count==0")
    steps = tuple(
        Step("adrg", f"R{n}", f"R{n}", "", parse_when(when), (Leaf(f"R{n}", "", ALWAYS, n),), n)
        for n, when in enumerate(whens)
    )
    nothing: dict[str, str] = {}
    tables = (nothing,) * 9
    return SchemeTables(
        "catalogue", "", "", Options(), (), (Mdc("DIP", "", ALWAYS, 0, steps, 1),), dx_lists, px_lists, *tables, "dip"
    )


@pytest.fixture(scope="module")
def compiled(catalogue: SchemeTables) -> CompiledScheme:
    return compile_scheme(catalogue)


def cases(scheme: SchemeTables, count: int) -> list[Case]:
    """Cases made for a rule, half of them with the procedures it needs."""
    draw = random.Random(2)
    found = []
    for step in draw.choices(scheme.mdcs[0].steps, k=count):
        picked = [draw.choice(sorted(scheme.listed(atom))) for atom in step.when[0] if atom.list_name]
        px = picked[1:] if draw.random() < 0.6 else picked[2:]
        draw.shuffle(px)
        found.append(Case(sex=1, age=50, dx=(picked[0], "D0001.1"), px=(*px, "0001")[: len(px) + draw.randrange(2)]))
    return found


def test_ten_thousand_rules_are_compiled_in_seconds_and_stay_small(catalogue: SchemeTables) -> None:
    start = time.thread_time()
    tables = compile_scheme(catalogue)
    assert time.thread_time() - start < 10
    assert len(tables.rule_outcome) == RULES, "a leaf that always holds ends its rule"
    assert sum(part.nbytes for part in tables.packed) < 50_000_000
    assert len(tables.dx_word) < 3 * DIAGNOSES, "only the words that a principal leaves"


def test_the_rules_of_a_catalogue_are_met(catalogue: SchemeTables, compiled: CompiledScheme) -> None:
    drawn = cases(catalogue, 4_000)
    names = ("sex", "age", "dx", "px")
    table = pa.table({name: [getattr(case, name) for case in drawn] for name in names})
    grouped = group(table, compiled)
    found = list(zip(*(grouped[name].to_pylist() for name in RESULT_COLUMNS), strict=True))
    assert len({drg for *_, drg in found}) > 1_000
    # The interpreter walks thousands of rules for each case: a sample, and single cases for the rest.
    assert found[:40] == [dataclasses.astuple(interpret(catalogue, case)) for case in drawn[:40]]
    one = OneCase(compiled)
    assert found == [dataclasses.astuple(one.outcome(case)) for case in drawn]
