"""Replay: the recorded facts alone lead to the same group, for every case and every option."""

from __future__ import annotations

import json
import random
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from random_schemes import draw_cases, draw_scheme

from tongpin.base.errors import SchemeError
from tongpin.grouping.explain import explain, explain_lines, reason_of, replay
from tongpin.grouping.library import open_scheme
from tongpin.grouping.tables.interpreter import Case, interpret
from tongpin.grouping.tables.model import SchemeTables
from tongpin.grouping.tables.read import load_scheme
from tongpin.store.home import Home

DX = ["J18.900", "J18.901", "P07.300", "S06.200", "S32.000", "K80.200", "R17.x00", "J96.000", "A41.900", "E11.900", "?"]
PX = ["33.2400", "96.7201", "51.2300", "47.0100", "?"]
CASES = st.builds(
    Case,
    sex=st.sampled_from([1, 1, 2, 3, None]),
    age=st.sampled_from([0, 5, 17, 50, 50, None]),
    age_days=st.sampled_from([3, 28, 29, None]),
    birth_weight=st.sampled_from([0, 1200, 1500, None]),
    los=st.sampled_from([1, 30, 31, None]),
    discharge_way=st.sampled_from(["1", "2", "5", None]),
    dx=st.lists(st.sampled_from(DX), max_size=4).map(tuple),
    px=st.lists(st.sampled_from(PX), max_size=3).map(tuple),
    code_map=st.booleans(),
)
OPTIONS = ["", "retry_other_px,1\n", "mdc_without_group,stop\n"]


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(cases=st.lists(CASES, min_size=1, max_size=20))
@pytest.mark.parametrize("without_leaf", ["stop", "next"])
@pytest.mark.parametrize("options", OPTIONS)
def test_the_facts_lead_to_the_same_group(
    scheme_folder: Path, options: str, without_leaf: str, cases: list[Case]
) -> None:
    text = f"key,value\nscheme_id,small\ntitle,小方案\nsource,测试\nadrg_without_leaf,{without_leaf}\n{options}"
    (scheme_folder / "scheme.csv").write_text(text, encoding="utf-8")
    scheme = load_scheme(scheme_folder)
    for case in cases:
        told = explain(scheme, case)
        assert told.outcome == interpret(scheme, case)
        assert replay(scheme, told) == told.outcome
        assert replay(scheme, json.loads(json.dumps(told.as_dict()))) == told.outcome


def demo_cases(scheme: SchemeTables, count: int) -> list[Case]:
    """Seeded cases of a scheme's own codes."""
    draw = random.Random(20)
    dx = sorted({code for codes in scheme.dx_lists.values() for code in codes})
    px = sorted({code for codes in scheme.px_lists.values() for code in codes})
    complications = sorted({*scheme.mcc, *scheme.cc})
    return [
        Case(
            sex=draw.choice([1, 2]),
            age=draw.choice([0, 3, 16, 45, 70, 90]),
            age_days=draw.choice([2, 20, 200]),
            birth_weight=draw.choice([900, 1400, 2600, None]),
            los=draw.randrange(1, 70),
            dx=(draw.choice(dx), *draw.choices(complications, k=draw.randrange(4))),
            px=tuple(draw.choices(px, k=draw.choice([0, 0, 1, 2]))),
        )
        for _ in range(count)
    ]


def test_the_demonstration_scheme_replays(tmp_path: Path) -> None:
    scheme = open_scheme(Home.open(tmp_path), "demo-drg")
    outcomes = set()
    for case in demo_cases(scheme, 400):
        told = explain(scheme, case)
        assert told.outcome == interpret(scheme, case)
        assert replay(scheme, json.loads(json.dumps(told.as_dict()))) == told.outcome
        outcomes.add(told.outcome.drg)
    assert len(outcomes) > 60


@pytest.mark.parametrize("seed", range(5))
def test_random_schemes_of_every_condition_replay_and_can_be_told(seed: int) -> None:
    scheme = draw_scheme(seed)
    statuses = set()
    for row in draw_cases(seed, 150).to_pylist():
        case = Case.of(row)
        told = explain(scheme, case)
        assert told.outcome == interpret(scheme, case)
        assert replay(scheme, json.loads(json.dumps(told.as_dict()))) == told.outcome
        assert told.has_led is (told.outcome.status in {"grouped", "ambiguous"})
        assert (reason_of(scheme, case).code == "grouped") is (told.outcome.status == "grouped")
        assert len(explain_lines(told, full=True)) >= 1 + len(told.tried)
        statuses.add(told.outcome.status)
    assert len(statuses) >= 4


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda told: told.update(format=2), "explain.format"),
        (lambda told: told.update(scheme_digest="0"), "explain.scheme"),
        (lambda told: told["rounds"][0]["true"].remove("dx_main:ES3.dx"), "explain.facts"),
        (lambda told: told["rounds"].clear(), "explain.facts"),
    ],
)
def test_a_record_that_cannot_be_replayed_is_refused(scheme_folder: Path, change, code: str) -> None:
    scheme = load_scheme(scheme_folder)
    told = explain(scheme, Case(sex=1, age=50, dx=("J18.900",))).as_dict()
    change(told)
    with pytest.raises(SchemeError) as refused:
        replay(scheme, told)
    assert refused.value.code == code


def test_a_changed_fact_changes_the_replayed_group(scheme_folder: Path) -> None:
    scheme = load_scheme(scheme_folder)
    told = explain(scheme, Case(sex=1, age=50, dx=("J18.900",))).as_dict()
    told["rounds"][0]["true"].append("mcc")
    told["rounds"][0]["false"].remove("mcc")
    assert replay(scheme, told).drg == "ES31"


def test_eight_threads_tell_the_traces_of_one() -> None:
    scheme = draw_scheme(8)
    cases = [Case.of(row) for row in draw_cases(8, 400).to_pylist()]
    alone = [explain(scheme, case).as_dict(full=True) for case in cases]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda case: explain(scheme, case).as_dict(full=True), cases))
    assert together == alone
    assert len({told["drg"] for told in alone}) > 1
