"""Why not: every way is proved by grouping the changed case, the nearest first, and nothing is advised."""

from __future__ import annotations

import csv
import gzip
import random
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from time import perf_counter

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from random_schemes import draw_cases, draw_scheme

from tongpin.grouping.explain import WhyNot, why_not
from tongpin.grouping.explain.changes import INVENTED
from tongpin.grouping.explain.words import NOTICE
from tongpin.grouping.tables.interpreter import Case, interpret
from tongpin.grouping.tables.model import SchemeTables
from tongpin.grouping.tables.read import load_scheme

ADULT = {"sex": 1, "age": 50}
LEVELS = ("drg", "adrg", "mdc")


@pytest.fixture
def scheme(scheme_folder: Path) -> SchemeTables:
    return load_scheme(scheme_folder)


def said(answer: WhyNot) -> list[list[str]]:
    """The changes of each way, as sentences."""
    return [[change.text(answer.tables) for change in way.changes] for way in answer.ways]


def prove(scheme: SchemeTables, case: Case, answer: WhyNot) -> None:
    """Each way leads to the group, no part of it does, its examples do, and the ways stand in order."""
    dx, px = (tuple(code or "" for code in codes) for codes in (case.dx, case.px))
    case = replace(case, dx=dx, px=px, code_map=False)

    def reached(changes) -> bool:
        changed = case
        for change in changes:
            changed = change.apply(changed)
        outcome = interpret(scheme, changed)
        return answer.group in {getattr(outcome, level) for level in LEVELS}

    assert 0 < len(answer.ways) <= 5
    assert [way.cost for way in answer.ways] == sorted(way.cost for way in answer.ways)
    for way in answer.ways:
        assert 0 < len(way.changes) <= 3
        assert reached(way.changes)
        for size in range(len(way.changes)):
            assert not any(reached(part) for part in combinations(way.changes, size)), "a change too many"
        for index, change in enumerate(way.changes):
            assert (change.code in change.examples) is (change.kind in INVENTED)
            for code in change.examples:
                other = type(change)(change.kind, code)
                assert reached([*way.changes[:index], other, *way.changes[index + 1 :]])


WAYS = [
    # What the case has in another order comes before any code that it does not have.
    (
        Case(**ADULT, dx=("R17.x00", "K80.200"), px=("51.2300",)),
        "HC29",
        [["把次要诊断 K80.200 作为主要诊断"]],
    ),
    (
        Case(**ADULT, dx=("K80.200",), px=("47.0100", "51.2300")),
        "HC2",
        [["把手术操作 51.2300 作为主要手术"]],
    ),
    (Case(**ADULT, dx=("K80.200",)), "HC29", [["主要手术在清单 HC2.px（1 个编码，例如 51.2300）"]]),
    # J96.000 is in the exclusion table of the principal: it is no example.
    (Case(**ADULT, dx=("J18.900", "J96.000")), "ES31", [["另有一个其他诊断在 MCC（1 个编码，例如 A41.900）"]]),
    (
        Case(**ADULT, dx=("J18.900", "A41.900")),
        "ES35",
        [["没有其他诊断 A41.900（否则先归入 ES31 重）"]],
    ),
    (Case(**ADULT, dx=("J18.900",)), "ES37", [["年龄 < 17 岁（例如 年龄 16 岁）"]]),
    (Case(**ADULT, dx=("K80.200",), px=("51.2300",), los=3), "HC28", [["住院天数 > 30 天（例如 住院天数 31 天）"]]),
    (
        Case(**ADULT, dx=("K80.200",), discharge_way="1"),
        "HZ19",
        [["离院方式 2、5（例如 离院方式 2）"]],
    ),
    (Case(**ADULT, dx=("S06.200",)), "MDCZ", [["另有一个其他诊断在 部位 脊柱创伤（1 个编码，例如 S32.000）"]]),
    (
        Case(**ADULT, dx=("S06.200", "S32.000"), px=("51.2300", "?", "47.0100")),
        "ZZ19",
        [["没有手术操作 51.2300、47.0100"]],
    ),
    (Case(**ADULT, dx=("J18.900",), px=("47.0100",)), "ES35", [["没有手术操作 47.0100（否则先归入 EQY）"]]),
    (
        Case(**ADULT, dx=("J18.900",)),
        "EQY",
        [["另有一个手术操作在手术室手术清单 valid_px（2 个编码，例如 47.0100、51.2300）"]],
    ),
    (
        Case(**ADULT, dx=("J18.900",)),
        "EC19",
        [
            [
                "主要手术在清单 EC1.px（1 个编码，例如 33.2400）",
                "另有一个手术操作在清单 EC1.px2（1 个编码，例如 96.7201）",
            ]
        ],
    ),
    (
        Case(sex=1, age=50, dx=("P07.300",)),
        "PV19",
        [["年龄 0 岁、日龄 200 天"]],
    ),
    (Case(age=50, dx=("J18.900",)), "ES35", [["性别已填写（例如 性别 男）"]]),
    (Case(**ADULT), "ES3", [["主要诊断在清单 MDCE.dx 且在清单 ES3.dx（1 个编码，例如 J18.900）"]]),
]


@pytest.mark.parametrize(("case", "group", "expected"), WAYS, ids=[f"{group}" for _, group, _ in WAYS])
def test_the_nearest_ways(scheme: SchemeTables, case: Case, group: str, expected: list[list[str]]) -> None:
    answer = why_not(scheme, case, group)
    assert answer.verdict == "ways"
    assert said(answer) == expected
    prove(scheme, case, answer)
    assert answer == why_not(scheme, case, group), "the same question, the same answer"


def test_what_the_nearest_row_lacks_is_told_first(scheme: SchemeTables) -> None:
    answer = why_not(scheme, Case(**ADULT, dx=("R17.x00",)), "HC29")
    assert answer.reasons == (
        "最近的一条 MDCH → HC2 → HC29：主要诊断 R17.x00 不在清单 MDCH.dx；没有手术操作（要求主要手术在清单 HC2.px）",
    )
    blocked = why_not(scheme, Case(**ADULT, dx=("J18.900",), px=("47.0100",)), "ES35")
    assert blocked.reasons == ("MDCE → ES3 → ES35 的条件都成立，但前面的 EQY 先成立",)


def test_the_case_may_be_there_already(scheme: SchemeTables) -> None:
    for group in ("ES35", "es3", "MDCE", "E"):
        assert why_not(scheme, Case(**ADULT, dx=("J18.900",)), group).verdict == "reached"


def test_a_group_that_does_not_exist_has_neighbours(scheme: SchemeTables) -> None:
    answer = why_not(scheme, Case(**ADULT, dx=("J18.900",)), "ES39")
    assert answer.verdict == "unknown_group"
    assert answer.near[0] == "ES3"
    assert set(answer.near[1:]) < {"ES31", "ES33", "ES35", "ES37", "EC19", "PS19", "ZZ19"}
    assert why_not(scheme, Case(**ADULT, dx=("J18.900",)), "早产").near == ("PS19",)
    assert why_not(scheme, Case(**ADULT), "0000").verdict == "unknown_group"


@pytest.mark.parametrize(
    ("table", "old", "new", "reason"),
    [
        ("drg", "久住,los>30", "久住,never", "条件写着 never，永远不成立"),
        ("drg", "MDCH,HC2,HC2,2,HC29,胆囊切除,always\n", "MDCH,HC2,HC2,0,HC29,胆囊切除,always\n", "（drg 表第"),
        ("adrg", "胆囊切除,px_main:HC2.px", "胆囊切除,px_main:none.px", "条件要求一个空清单"),
        ("adrg", "2,MDCE,ambiguous,EQY,EQY,歧义,px_any:valid_px\n", "2,MDCE,ambiguous,EQY,EQY,歧义,never\n", "never"),
    ],
)
def test_a_group_that_no_case_reaches_says_why(
    scheme_folder: Path, table: str, old: str, new: str, reason: str
) -> None:
    (scheme_folder / "empty_list.csv").write_text("list\nnone.px\n", encoding="utf-8")
    path = scheme_folder / f"{table}.csv"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
    group = "EQY" if "EQY" in old else "HC28"
    answer = why_not(load_scheme(scheme_folder), Case(**ADULT, dx=("J18.900",)), group)
    assert answer.verdict == "dead"
    assert reason in "".join(answer.reasons)


def test_a_code_that_cannot_be_mapped_comes_first(scheme: SchemeTables) -> None:
    answer = why_not(scheme, Case(**ADULT, dx=("Q99",), code_map=True), "ES35")
    assert answer.verdict == "not_mapped"
    assert "Q99" in answer.reasons[0]


def test_ways_are_told_in_the_codes_that_grouping_uses(scheme: SchemeTables) -> None:
    answer = why_not(scheme, Case(**ADULT, dx=("J18.901",), code_map=True), "ES31")
    assert [way.outcome.drg for way in answer.ways] == ["ES31"]


def test_a_reordering_that_mends_no_condition_is_a_way_too(scheme_folder: Path) -> None:
    # Grouped again with each other procedure alone, the case comes in once the operation leads, not when it follows.
    with (scheme_folder / "scheme.csv").open("a", encoding="utf-8") as file:
        file.write("retry_other_px,1\n")
    scheme = load_scheme(scheme_folder)
    case = Case(**ADULT, dx=("S06.200", "S32.000"), px=("33.2400", "51.2300"))
    answer = why_not(scheme, case, "ZZ19")
    assert said(answer)[0] == ["把手术操作 51.2300 作为主要手术"]
    prove(scheme, case, answer)


def test_too_far_is_said_as_such(scheme_folder: Path) -> None:
    lists = (scheme_folder / "px_list.csv").read_text(encoding="utf-8")
    (scheme_folder / "px_list.csv").write_text(lists + "F1.px,1\nF2.px,2\nF3.px,3\nF4.px,4\n", encoding="utf-8")
    path = scheme_folder / "adrg.csv"
    asked = " & ".join(f"px_any:F{number}.px" for number in (1, 2, 3, 4))
    path.write_text(
        path.read_text(encoding="utf-8").replace("px_main:EC1.px & px_other:EC1.px2", asked), encoding="utf-8"
    )
    tables = load_scheme(scheme_folder)
    answer = why_not(tables, Case(**ADULT, dx=("J18.900",)), "EC19")
    assert (answer.verdict, answer.ways) == ("far", ())
    assert answer.reasons[-1] == "改动不超过 3 处，没有找到进入这个组的办法"
    nearer = why_not(tables, Case(**ADULT, dx=("J18.900",), px=("1",)), "EC19")
    assert [len(way.changes) for way in nearer.ways] == [3]


def test_every_text_carries_the_notice(scheme: SchemeTables) -> None:
    for case, group, _ in [*WAYS, (Case(**ADULT), "nothing", [])]:
        answer = why_not(scheme, case, group)
        assert answer.lines()[-1].strip() == NOTICE
        assert answer.as_dict()["notice"] == NOTICE


DX = ["J18.900", "P07.300", "S06.200", "S32.000", "K80.200", "R17.x00", "J96.000", "A41.900", "E11.900", "?"]
PX = ["33.2400", "96.7201", "51.2300", "47.0100", "?"]


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    dx=st.lists(st.sampled_from(DX), min_size=1, max_size=4, unique=True).map(tuple),
    px=st.lists(st.sampled_from(PX), max_size=3, unique=True).map(tuple),
    age=st.sampled_from([0, 5, 50]),
    group=st.sampled_from(
        ["ES31", "ES33", "ES35", "ES37", "EC19", "EQY", "HC29", "HZ1", "MDCH", "PS19", "ZZ19", "MDCE"]
    ),
)
@pytest.mark.parametrize("options", ["", "retry_other_px,1\n", "mdc_without_group,stop\n"])
def test_whatever_is_answered_holds(scheme_folder: Path, options: str, dx, px, age: int, group: str) -> None:
    text = f"key,value\nscheme_id,small\ntitle,小方案\nsource,测试\nadrg_without_leaf,next\n{options}"
    (scheme_folder / "scheme.csv").write_text(text, encoding="utf-8")
    scheme = load_scheme(scheme_folder)
    case = Case(sex=1, age=age, age_days=5 if age == 0 else None, birth_weight=1200, dx=dx, px=px)
    answer = why_not(scheme, case, group)
    assert answer.verdict in {"ways", "reached", "far"}
    if answer.verdict == "ways":
        prove(scheme, case, answer)
    if answer.verdict != "reached":
        reordered = [Case(**{**_fields(case), "dx": _led_by(dx, code)}) for code in dx[1:]]
        reordered += [Case(**{**_fields(case), "px": _led_by(px, code)}) for code in px[1:]]
        there = [one for one in reordered if group in {getattr(interpret(scheme, one), level) for level in LEVELS}]
        assert bool(there) <= any(way.cost == (1, 0) for way in answer.ways), "a mere reordering was overlooked"


def _fields(case: Case) -> dict:
    return {name: getattr(case, name) for name in Case.__dataclass_fields__}


def _led_by(codes: tuple[str, ...], code: str) -> tuple[str, ...]:
    return (code, *(one for one in codes if one != code))


@pytest.mark.parametrize("seed", range(6))
def test_no_group_that_a_case_reached_is_called_dead(seed: int) -> None:
    scheme = draw_scheme(seed)
    cases = [Case.of(row) for row in draw_cases(seed, 150).to_pylist()]
    reached = {interpret(scheme, case).drg for case in cases} - {scheme.options.ungrouped[2]}
    assert len(reached) >= 3
    verdicts = set()
    for group in sorted(reached):
        case = next(case for case in cases if interpret(scheme, case).drg != group and not case.code_map)
        answer = why_not(scheme, case, group)
        verdicts.add(answer.verdict)
        if answer.verdict == "ways":
            prove(scheme, case, answer)
    assert verdicts <= {"ways", "far"}


@pytest.mark.needs("reference")
def test_ways_into_real_groups_hold_and_come_soon(reference_folder: Path) -> None:
    scheme = load_scheme(reference_folder / "chs-drg-1.1")
    with gzip.open(reference_folder / "oracle" / "chs_drg_11.csv.gz", "rt", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["expected_status"] == "grouped" and row["code_map"] == "0"]
    draw = random.Random(11)
    found = 0
    slowest = 0.0
    for row in draw.sample(rows, 40):
        case = Case(
            **{name: float(row[name]) if row[name] else None for name in ("age", "age_days", "birth_weight", "los")},
            sex=int(row["sex"]),
            dx=tuple(row["dx"].split("|")),
            px=tuple(row["px"].split("|")) if row["px"] else (),
        )
        start = perf_counter()
        answer = why_not(scheme, case, draw.choice(scheme.drg_codes))
        slowest = max(slowest, perf_counter() - start)
        if answer.verdict == "ways":
            found += 1
            prove(scheme, case, answer)
    assert found >= 30
    assert slowest < 1
