"""Rows that no case reaches: what is proved, why, and that nothing else is accused."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tongpin.base.findings import Finding
from tongpin.grouping.checks.check import check_scheme
from tongpin.grouping.checks.dead import dead_rows
from tongpin.grouping.checks.reach import end_of, reach
from tongpin.grouping.checks.regions import Space
from tongpin.grouping.tables.interpreter import Case
from tongpin.grouping.tables.read import load_scheme
from tongpin.grouping.trials.conformance import Scenario, load_suite, scheme_of

HEADERS = {
    "scheme": "key,value",
    "field": "field,kind,label",
    "mdc": "seq,mdc,name,when,min_sites",
    "adrg": "seq,mdc,kind,adrg,rule,name,when",
    "drg": "mdc,adrg,rule,seq,drg,name,when",
    "dx_list": "list,code",
    "px_list": "list,code",
    "valid_px": "code,name",
    "empty_list": "list",
    "mcc": "code,exclusion_table",
    "cc": "code,exclusion_table",
    "exclusion": "code,exclusion_table",
    "site": "code,site",
}


def write_scheme(folder: Path, **tables: list[str]) -> Path:
    """A scheme of a few rows; what is left out has one row or none."""
    rows = {
        "scheme": ["scheme_id,s"],
        "mdc": ["1,MDCB,甲,dx_main:B,0"],
        "adrg": ["1,MDCB,adrg,BA1,BA1,甲,always"],
        "drg": ["MDCB,BA1,BA1,1,BA19,甲,always"],
        "dx_list": ["B,D10", "B,D11", "C,D10", "X,D90"],
        "px_list": ["P,P10", "P,P11", "Q,P10", "R,P12"],
        **tables,
    }
    folder.mkdir(exist_ok=True)
    for name, lines in rows.items():
        (folder / f"{name}.csv").write_text("\n".join([HEADERS[name], *lines, ""]), encoding="utf-8")
    return folder


def dead(folder: Path) -> list[tuple[str, str, int]]:
    return [(f.rule_id, f.severity, f.record) for f in found(folder)]


def found(folder: Path) -> list[Finding]:
    scheme = load_scheme(folder)
    return dead_rows(scheme, Space(scheme))


def leaves(*conditions: str) -> list[str]:
    return [f'MDCB,BA1,BA1,{at},BA1{at},甲,"{when}"' for at, when in enumerate(conditions, start=1)]


@pytest.mark.parametrize(
    ("conditions", "rule_id", "row"),
    [
        (("always", "mcc"), "SCH-D001", 3),
        (("never", "always"), "SCH-D002", 2),
        (("px_main:E", "always"), "SCH-D003", 2),
        (("mcc", "mcc & age<17", "always"), "SCH-D006", 3),
        (("mcc | cc", "cc", "always"), "SCH-D006", 3),
        (("age<17", "age<=16", "always"), "SCH-D006", 3),  # whole years: the same children
        (("px_any:P", "px_main:Q", "always"), "SCH-D006", 3),  # Q lies within P
        (("los<5", "los>=5", "los==7", "always"), "SCH-D006", 4),  # two rows together
        (("discharge_way:2,5", "discharge_way:5", "always"), "SCH-D006", 3),
        (("los<5 & los>5", "always"), "SCH-D005", 2),
        (("sex==1 & sex==2", "always"), "SCH-D005", 2),
        (("px_main:P & !px_main:P", "always"), "SCH-D005", 2),
        (("px_main:Q & px_main:R", "always"), "SCH-D005", 2),  # lists without a common code
        (("px_main:Q & !px_any:P", "always"), "SCH-D005", 2),
        (("px_other:Q & px_count==0", "always"), "SCH-D005", 2),
    ],
)
def test_a_leaf_that_no_case_reaches(tmp_path: Path, conditions: tuple[str, ...], rule_id: str, row: int) -> None:
    folder = write_scheme(tmp_path / "s", drg=leaves(*conditions), empty_list=["E"], mcc=["M,1"], cc=["N,1"])
    assert (rule_id, "warning", row) in dead(folder)


@pytest.mark.parametrize(
    "conditions",
    [
        ("mcc", "mcc | cc", "always"),
        ("mcc", "cc", "always"),
        ("age<17", "age<=17", "always"),
        ("px_main:Q", "px_any:P", "always"),
        ("px_any:Q & px_any:P", "px_other:P", "always"),
        ("los<5", "los>5", "los==5", "always"),  # the last leaf is for those without days of stay
        ("px_main:P & px_other:P", "px_count==1", "px_count>=2", "always"),
        ("!px_any:P", "px_main:R & px_other:P", "always"),
        ("mcc & cc", "mcc & !cc", "cc", "always"),
        ("age<17 & mcc | age<17 & cc", "mcc | cc", "always"),
    ],
)
def test_leaves_that_are_reached_are_not_accused(tmp_path: Path, conditions: tuple[str, ...]) -> None:
    assert dead(write_scheme(tmp_path / "s", drg=leaves(*conditions), mcc=["M,1"], cc=["N,2"])) == []


def test_the_entry_of_the_category_counts(tmp_path: Path) -> None:
    folder = write_scheme(
        tmp_path / "s",
        mdc=["1,MDCB,甲,px_main:valid_px,0"],
        adrg=["1,MDCB,adrg,BA1,BA1,甲,px_main:R", "2,MDCB,adrg,BB1,BB1,乙,px_main:Q"],
        drg=["MDCB,BA1,BA1,1,BA19,甲,always", "MDCB,BB1,BB1,1,BB19,乙,always"],
        valid_px=["P10,甲"],
    )
    findings = found(folder)
    assert [(f.rule_id, f.record) for f in findings] == [("SCH-D008", 2), ("SCH-D005", 2)]
    assert "MDCB 的 px_main:valid_px，BA1 的 px_main:R" in findings[1].message


@pytest.mark.parametrize(
    ("tables", "owner"),
    [
        ({"mdc": ["1,MDCB,甲,never,0"]}, "MDCB"),
        ({"adrg": ["1,MDCB,adrg,BA1,BA1,甲,never"]}, "BA1"),
    ],
)
def test_what_is_switched_off_above_a_leaf_is_named(tmp_path: Path, tables: dict[str, list[str]], owner: str) -> None:
    findings = found(write_scheme(tmp_path / "s", **tables))
    assert f"{owner} 的条件写着 never" in next(f for f in findings if f.rule_id == "SCH-D005").message


def test_a_rule_behind_one_that_takes_all(tmp_path: Path) -> None:
    folder = write_scheme(
        tmp_path / "s",
        adrg=[
            "1,MDCB,adrg,BA1,BA1,甲,dx_main:B",
            "2,MDCB,ambiguous,BQY,BQY,歧义,px_any:P",
            "3,MDCB,adrg,BB1,BB1,乙,dx_main:C",
        ],
        drg=["MDCB,BA1,BA1,1,BA19,甲,always", "MDCB,BB1,BB1,1,BB19,乙,always"],
    )
    findings = found(folder)
    assert [(f.rule_id, f.severity, f.file, f.record) for f in findings] == [
        ("SCH-D009", "info", "adrg.csv", 3),
        ("SCH-D008", "warning", "adrg.csv", 4),
        ("SCH-D006", "warning", "drg.csv", 3),
    ]
    assert "drg.csv 第 2 行（BA19）" in findings[2].message
    assert "BB19 组因此不会有病例" in findings[2].message


def test_a_group_that_another_row_gives_is_only_a_remark(tmp_path: Path) -> None:
    folder = write_scheme(
        tmp_path / "s",
        adrg=["1,MDCB,adrg,BA1,BA1_1,甲,dx_main:B", "2,MDCB,adrg,BA1,BA1_2,乙,dx_main:C"],
        drg=["MDCB,BA1,BA1_1,1,BA19,甲,always", "MDCB,BA1,BA1_2,1,BA19,甲,always"],
    )
    findings = found(folder)
    assert {f.severity for f in findings} == {"info"}
    assert "BA19 组仍可由第 2 行得到" in findings[-1].message
    assert [f for f in check_scheme(load_scheme(folder)) if f.rule_id.startswith("SCH-D")] == []


def test_a_category_behind_another_of_the_same_codes(tmp_path: Path) -> None:
    folder = write_scheme(
        tmp_path / "s",
        mdc=["1,MDCB,甲,dx_main:B,0", "2,MDCC,乙,dx_main:C,0"],
        adrg=["1,MDCB,adrg,BA1,BA1,甲,always", "1,MDCC,adrg,CA1,CA1,乙,always"],
        drg=["MDCB,BA1,BA1,1,BA19,甲,always", "MDCC,CA1,CA1,1,CA19,乙,always"],
    )
    assert ("SCH-D010", "warning", 3) in dead(folder)


def test_too_many_sites_are_a_contradiction(tmp_path: Path) -> None:
    table = {"mdc": ["1,MDCB,甲,dx_main:B,3"], "site": ["D10,头", "D11,胸"]}
    assert ("SCH-D005", "warning", 2) in dead(write_scheme(tmp_path / "s", **table))
    table = {"mdc": ["1,MDCB,甲,dx_main:B,2"], "site": ["D10,头", "D11,胸"]}
    assert dead(write_scheme(tmp_path / "s", **table)) == []


def test_an_option_decides_whether_what_follows_is_reached(tmp_path: Path) -> None:
    tables = {
        "adrg": ["1,MDCB,adrg,BA1,BA1,甲,always", "2,MDCB,adrg,BB1,BB1,乙,always"],
        "drg": ["MDCB,BA1,BA1,1,BA19,甲,age<17", "MDCB,BB1,BB1,1,BB19,乙,always"],
    }
    stop = write_scheme(tmp_path / "stop", scheme=["scheme_id,s", "adrg_without_leaf,stop"], **tables)
    assert ("SCH-D006", "warning", 3) in dead(stop)
    go_on = write_scheme(tmp_path / "next", scheme=["scheme_id,s", "adrg_without_leaf,next"], **tables)
    assert dead(go_on) == []


def test_what_is_not_proved_is_only_tried(tmp_path: Path) -> None:
    """The one MCC shares its table with the one principal: no region knows that, so the leaf is tried and says so."""
    folder = write_scheme(
        tmp_path / "s",
        dx_list=["B,D10"],
        drg=leaves("mcc", "always"),
        mcc=["M,1"],
        exclusion=["D10,1"],
    )
    findings = found(folder)
    assert [(f.rule_id, f.record) for f in findings] == [("SCH-D007", 2)]
    assert "没有证明" in findings[0].message


CONDITIONS = st.sampled_from(
    (
        *("always", "mcc", "cc", "mcc | cc", "age<17", "age>=17", "los>5 & mcc", "px_any:P", "px_main:Q", "!px_any:P"),
        *("px_other:R", "dx_main:C", "dx_other:X", "!dx_main:C & px_main:P", "sex==1", "px_any:Q & px_any:R", "los==3"),
    )
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    steps=st.lists(st.tuples(CONDITIONS, st.lists(CONDITIONS, min_size=1, max_size=3)), min_size=1, max_size=4),
    option=st.sampled_from(["stop", "next"]),
)
def test_every_verdict_is_a_case_or_a_proof(tmp_path: Path, steps: list[tuple[str, list[str]]], option: str) -> None:
    """A case put at a row by the interpreter reaches it; in these schemes what is not reached is proved."""
    names = [f"B{letter}1" for letter in "ABCD"[: len(steps)]]
    folder = write_scheme(
        tmp_path / "s",
        scheme=["scheme_id,s", f"adrg_without_leaf,{option}"],
        adrg=[f"{at},MDCB,adrg,{n},{n},甲,{when}" for at, (n, (when, _)) in enumerate(zip(names, steps, strict=True))],
        drg=[
            f"MDCB,{n},{n},{at},{n}{at},甲,{when}"
            for n, (_, inner) in zip(names, steps, strict=True)
            for at, when in enumerate(inner)
        ],
        mcc=["M,1"],
        cc=["N,2"],
    )
    scheme = load_scheme(folder)
    for row, verdict in reach(scheme, Space(scheme)).items():
        assert verdict.proved == (verdict.case is None)
        if verdict.case is not None:
            assert end_of(scheme, verdict.case) == (row.file, row.row)


MORE = st.sampled_from(
    (
        *("always", "mcc", "cc", "px_any:P", "px_main:Q", "!px_any:P", "px_other:P", "px_count>=2", "px_count==0"),
        *("dx_main:C", "dx_any:X", "!dx_any:X", "dx_count==1", "dx_other:B", "px_main:valid_px", "!px_main:P"),
        *("sex==2", "age==0", "age_days<=28", "birth_weight<1500", "dept==ICU", "mcc & !cc", "px_main:P & los<5"),
        *("dx_main:C & px_any:R | dx_other:X", "px_any:Q & !px_other:R"),
    )
)
RANDOM_CASES = st.lists(
    st.builds(
        Case,
        sex=st.sampled_from([1, 2]),
        age=st.sampled_from([0, 5, 50]),
        age_days=st.sampled_from([3, 28, 29]),
        birth_weight=st.sampled_from([0, 1200, 1500]),
        los=st.sampled_from([None, 3, 5, 9]),
        dept=st.sampled_from([None, "ICU", "内科"]),
        dx=st.lists(st.sampled_from(["D10", "D11", "D90", "M", "N", "?"]), max_size=4).map(tuple),
        px=st.lists(st.sampled_from(["P10", "P11", "P12", "?"]), max_size=3).map(tuple),
    ),
    min_size=40,
    max_size=40,
)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    entries=st.tuples(st.sampled_from(["always", "dx_main:B", "dx_any:X", "px_main:valid_px"]), MORE),
    sites=st.sampled_from([0, 2]),
    steps=st.lists(st.tuples(MORE, st.lists(MORE, max_size=2), st.booleans()), min_size=2, max_size=5),
    options=st.lists(
        st.sampled_from(["adrg_without_leaf,next", "mdc_without_group,stop", "retry_other_px,1"]), unique=True
    ),
    cases=RANDOM_CASES,
)
def test_no_case_ends_at_a_row_that_is_proved_dead(
    tmp_path: Path,
    entries: tuple[str, str],
    sites: int,
    steps: list[tuple[str, list[str], bool]],
    options: list[str],
    cases: list[Case],
) -> None:
    """Whatever the scheme: random cases never end where the check has proved that none does."""
    owned = [(f"MDC{'BC'[at % 2]}", f"A{at}", *step) for at, step in enumerate(steps)]
    folder = write_scheme(
        tmp_path / "s",
        scheme=["scheme_id,s", *options],
        mdc=[f"1,MDCB,甲,{entries[0]},{sites}", f"2,MDCC,乙,{entries[1]},0"],
        adrg=[
            f"{at},{mdc},{'ambiguous' if gate else 'adrg'},{name},{name},甲,{when}"
            for at, (mdc, name, when, _, gate) in enumerate(owned)
        ],
        drg=[
            f"{mdc},{name},{name},{at},{name}{at},甲,{when}"
            for mdc, name, _, inner, gate in owned
            for at, when in enumerate(inner)
            if not gate
        ],
        mcc=["M,1"],
        cc=["N,2", "M,2"],
        exclusion=["D10,1", "D11,2"],
        valid_px=["P10,甲", "P12,乙"],
        site=["D10,头", "D11,胸", "D90,头"],
    )
    scheme = load_scheme(folder)
    verdicts = {(row.file, row.row): verdict for row, verdict in reach(scheme, Space(scheme)).items()}
    for case in cases:
        end = end_of(scheme, case)
        assert end not in verdicts or not verdicts[end].proved
    for end, verdict in verdicts.items():
        assert verdict.case is None or end_of(scheme, verdict.case) == end


@pytest.mark.parametrize("scenario", load_suite(), ids=lambda scenario: scenario.scenario_id)
def test_no_answer_of_the_conformance_suite_is_called_dead(scenario: Scenario) -> None:
    scheme = scheme_of(scenario)
    verdicts = reach(scheme, Space(scheme))
    reached = {row.code for row, verdict in verdicts.items() if verdict.case is not None}
    leaves_told = {check.expected.drg for check in scenario.checks} & set(scheme.drg_codes)
    assert leaves_told <= reached


WUXI = {"AG19", "AG29", "PV13", "PV15"}
FOSHAN = {"BR28", "BX18", "BZ18", "CB11", "LF13", "LF15", "LL12", "LL13", "LL14", "PK10"}
FOSHAN |= {"RE16", "RE17", "ST16", "XR18", "XR28"}


@pytest.mark.needs("reference")
@pytest.mark.parametrize(("name", "groups"), [("wuxi-2022", WUXI), ("foshan-2022", FOSHAN), ("chs-drg-1.1", set())])
def test_the_groups_without_cases_of_published_schemes(reference_folder: Path, name: str, groups: set[str]) -> None:
    scheme = load_scheme(reference_folder / name)
    verdicts = reach(scheme, Space(scheme))
    rows: dict[str, list[bool]] = {}
    for row, verdict in verdicts.items():
        if row.file == "drg.csv":
            rows.setdefault(row.code, []).append(verdict.case is not None)
            assert verdict.case is not None or verdict.proved
    assert {code for code, reached in rows.items() if not any(reached)} == groups
    leaf_rules = ("SCH-D001", "SCH-D002", "SCH-D003", "SCH-D005", "SCH-D006", "SCH-D007")
    told = {f.value.split("/")[2] for f in check_scheme(scheme) if f.rule_id in leaf_rules}
    assert told == groups
