"""Grouping against a DIP catalogue: stages, order, traces; the kernel and the interpreter say the same."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from dip_cases import stay, table, usual
from hypothesis import given, settings
from hypothesis import strategies as st

from tongpin.base.errors import PolicyError
from tongpin.grouping.compiled.compiler import compile_scheme
from tongpin.grouping.compiled.stage import group
from tongpin.grouping.library import shipped_folder
from tongpin.grouping.tables.interpreter import Case, interpret
from tongpin.grouping.tables.read import load_scheme
from tongpin.payment.dip.catalogue import Catalogue, Group, SpecialRule
from tongpin.payment.dip.scheme import STAGES, group_dip, prepared, tables_of
from tongpin.payment.dip.trace import trace_of


def one(catalogue, dx, px=(), **more):
    row = group_dip(table([stay(1, dx, px, 1000, **more)]), catalogue).to_pylist()[0]
    return row["mdc"], row["drg"]


@pytest.mark.parametrize(
    ("dx", "px", "stage", "disease"),
    [
        ("I20.000", ("36.0700", "88.5500"), "core_related", "I20.0:36.0700+88.5500"),
        ("I20.000", ("36.0700", "51.2300", "88.5500"), "core_related", "I20.0:36.0700+88.5500"),
        ("I20.000x999", ("36.0700",), "core_main", "I20.0:36.0700"),
        ("I20.000", ("36.0700", "51.2300"), "core_main", "I20.0:36.0700"),
        ("I20.000", (), "core_conservative", "I20.0:BSZL"),
        ("I20.000", ("93.9900",), "core_conservative", "I20.0:BSZL"),
        ("I20.900", (), "composite", "I20:BSZL"),
        ("I20.000", ("88.5500",), "composite", "I20:ZDXCZ"),
        ("K80.900", ("39.9500", "51.2200"), "composite", "K80:SS"),
        ("K80.900", ("88.5500", "39.9500"), "composite", "K80:ZLXCZ"),
        ("Z99.900", (), "none", ""),
        ("K80.900", (), "none", ""),
    ],
)
def test_a_case_stands_in_the_first_stage_that_takes_it(dx, px, stage, disease):
    assert one(usual().catalogue, dx, px) == (stage, disease)


def test_the_main_procedure_stands_first_unless_any_may():
    catalogue = usual().catalogue
    assert one(catalogue, "I20.000", ("88.5500", "36.0700")) == ("none", "")  # no composite surgery was ever seen
    anywhere = replace(catalogue, facts={**catalogue.facts, "main_procedure": "any"})
    assert one(anywhere, "I20.000", ("88.5500", "36.0700")) == ("core_related", "I20.0:36.0700+88.5500")


def catalogue_of(*groups: tuple[str, str, tuple[str, ...], int], special=(), lists=None) -> Catalogue:
    made = tuple(
        Group(
            code,
            code,
            "special" if code.startswith("T") else "core",
            "surgery",
            dx,
            px[0] if px else "",
            px[1:],
            (1, 1, 1),
            (100, 100, 100),
            100,
            rw,
        )
        for code, dx, px, rw in groups
    )
    facts = {**usual().catalogue.facts, "id": "made"}
    return Catalogue(facts, made, {}, special_rules=special, special_lists=lists or {})


def test_most_procedures_then_highest_weight_then_code_decides():
    catalogue = catalogue_of(
        ("A", "I20.0", ("36.0700", "88.5500"), 10_000),
        ("B", "I20.0", ("36.0700", "39.9500"), 20_000),
        ("C", "I20.0", ("36.0700", "39.9500", "51.2300"), 5_000),
        ("D", "I20.0", ("36.0700", "51.2200"), 20_000),
    )
    assert one(catalogue, "I20.000", ("36.0700", "39.9500", "88.5500")) == ("core_related", "B")
    assert one(catalogue, "I20.000", ("36.0700", "39.9500", "51.2300", "88.5500")) == ("core_related", "C")
    assert one(catalogue, "I20.000", ("36.0700", "39.9500", "51.2200")) == ("core_related", "B")


def test_special_rules_come_first_and_may_ask_of_secondary_codes():
    catalogue = catalogue_of(
        ("A", "A15.0", (), 10_000),
        ("T1", "A15.0", (), 30_000),
        special=(SpecialRule(1, "T1", "dx_main:结核 & dx_other:耐药 & age>=18"),),
        lists={("dx", "结核"): frozenset({"A15"}), ("dx", "耐药"): frozenset({"U82.8"})},
    )
    assert one(catalogue, ["A15.000", "U82.800x001"]) == ("special", "T1")
    assert one(catalogue, ["A15.000", "U83.800"]) == ("core_conservative", "A")
    assert one(catalogue, ["A15.000", "U82.800"], age=17) == ("core_conservative", "A")


@pytest.mark.parametrize(
    "rule", [SpecialRule(1, "X", "always"), SpecialRule(1, "A", "dx_main:没有"), SpecialRule(1, "A", "age~3")]
)
def test_a_special_rule_that_leads_nowhere_is_refused(rule):
    with pytest.raises(PolicyError, match=r"dip\.special"):
        tables_of(catalogue_of(("A", "A15.0", (), 10_000), special=(rule,)))


def test_a_case_without_sex_is_in_no_disease():
    row = group_dip(table([stay(1, "I20.000", (), 1000, sex=None)]), usual().catalogue).to_pylist()[0]
    assert (row["status"], row["mdc"], row["drg"]) == ("check_failed", "none", "")


def test_the_history_is_grouped_as_the_catalogue_says():
    found = usual()
    for code, group_ in found.catalogue.by_code.items():
        assert found.history["drg"].to_pylist().count(code) == sum(group_.cases)


DX = st.sampled_from(["I20.000", "I20.000x001", "I20.100", "I20.900", "K80.000", "K80.200", "J18.900", "X", ""])
PX = st.sampled_from(["36.0700", "88.5500", "51.2300", "51.2200", "39.9500", "93.9900", "99.9999"])


@settings(max_examples=150, deadline=None)
@given(dx=st.lists(DX, max_size=3), px=st.lists(PX, max_size=4))
def test_every_case_has_one_stage_and_the_trace_tells_it(dx, px):
    catalogue = usual().catalogue
    cases = table([stay(1, dx, tuple(px), 1000)])
    row = group_dip(cases, catalogue).to_pylist()[0]
    assert row["mdc"] in {*STAGES, "none"}
    assert (row["mdc"] == "none") == (row["status"] != "grouped") == (row["drg"] == "")
    cut = prepared(cases.select(["sex", "age", "dx", "px"]), catalogue).to_pylist()[0]
    slow = interpret(tables_of(catalogue), Case.of(cut))
    assert (slow.status, slow.mdc, slow.drg) == (row["status"], row["mdc"], row["drg"])
    trace = trace_of(cases.to_pylist()[0], catalogue)
    assert (trace.stage, trace.disease) == (row["mdc"], row["drg"])
    assert [stage.took for stage in trace.stages].count(True) == (row["mdc"] != "none")
    assert trace.lines()[-1] == f"结果：{row['drg'] or '未入病种'}"


def test_a_trace_says_what_was_missing():
    trace = trace_of(stay(1, "I20.000", ("36.0700",), 1000), usual().catalogue)
    related = next(stage for stage in trace.stages if stage.stage == "core_related")
    assert [(asked.disease, asked.missing) for asked in related.asked] == [
        ("I20.0:36.0700+88.5500", ("px_other:88.5500",))
    ]
    assert "缺 其他手术 88.5500" in "\n".join(trace.lines())
    assert trace.stages[-1].stage == "core_main"


def national_size(random: np.random.Generator) -> Catalogue:
    """A catalogue of the size of the national library: 3,209 without procedures, 6,311 with, composites besides."""
    dx = [f"{letter}{n // 10:02d}.{n % 10}" for letter in "ABCDEFGHIJKLMNOPQRST" for n in range(250)]
    px = [f"{n // 100:02d}.{n % 100:02d}00" for n in range(3000)]
    groups = [(f"{code}:BSZL", code, ()) for code in dx[:3209]]
    groups += [(f"p{n}", dx[int(random.integers(len(dx)))], (px[int(random.integers(3000))],)) for n in range(5211)]
    groups += [(f"r{n}", dx[int(random.integers(len(dx)))], (px[n], px[n + 1])) for n in range(1100)]
    core = catalogue_of(*((code, d, p, int(random.integers(100, 90_000))) for code, d, p in groups))
    types = {code: ("surgery", "therapeutic", "diagnostic")[n % 3] for n, code in enumerate(px)}
    composite = tuple(
        Group(f"{c}:{t}", c, "composite", t, c, "", (), (1, 1, 1), (100,) * 3, 100, 10_000)
        for c in sorted({code[:3] for code in dx})
        for t in ("surgery", "therapeutic", "diagnostic", "conservative")
    )
    return replace(core, groups=(*core.groups, *composite), procedure_types=types)


def test_the_national_size_is_grouped_as_fast_as_drg_within_a_factor_of_three():
    random = np.random.default_rng(5)
    catalogue = national_size(random)
    tables = tables_of(catalogue)
    assert sum(len(mdc.steps) for mdc in tables.mdcs) > 11_000
    compiled = compile_scheme(tables)
    count, times = 20_000, 25
    groups = [catalogue.groups[int(n)] for n in random.integers(len(catalogue.groups), size=count)]
    scheme = load_scheme(shipped_folder() / "demo-drg")
    own_dx, own_px = list(scheme.dx_names), list(scheme.px_names)
    schema = pa.schema([(name, table([]).schema.field(name).type) for name in ("sex", "age", "dx", "px")])

    def cases(codes):
        rows = [{"sex": 1, "age": 50, "dx": dx, "px": px} for dx, px in codes]
        return pa.concat_tables([pa.Table.from_pylist(rows, schema)] * times).combine_chunks()

    for_dip = cases([([f"{one.dx}00", *(f"Z{n}" for n in range(3))], list(one.procedures)) for one in groups])
    for_drg = cases(
        [
            (
                [own_dx[i] for i in random.integers(len(own_dx), size=4)],
                [own_px[i] for i in random.integers(len(own_px), size=len(one.procedures))],
            )
            for one in groups
        ]
    )

    drg_compiled = compile_scheme(scheme)
    seconds = {"drg": float("inf"), "dip": float("inf")}
    for _ in range(6):  # in turns, so that a busy machine slows both
        for name, work in (
            ("drg", lambda: group(for_drg, drg_compiled)),
            ("dip", lambda: group_dip(for_dip, catalogue, compiled)),
        ):
            start = time.perf_counter()
            work()
            seconds[name] = min(seconds[name], time.perf_counter() - start)
    assert seconds["dip"] < 3 * seconds["drg"], seconds
