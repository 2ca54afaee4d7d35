"""The cases beside the demonstration scheme: every group proved by a case, every ADRG by one that just misses it."""

from __future__ import annotations

import csv
from importlib import resources
from pathlib import Path

import pytest

from tongpin.grouping.tables.read import load_scheme
from tongpin.grouping.trials.cases import NEGATIVE, POSITIVE, read_cases, run_cases

FOLDER = Path(str(resources.files("tongpin"))) / "schemes" / "demo-drg"
WITHOUT_SPLIT = {"XE02", "XF02", "XF03", "XF04", "XJ01", "XL02", "XL03", "XN05"}
"""CC tables whose principals all lie in groups that CC do not split: no case can show that they exclude."""


@pytest.fixture(scope="module")
def scheme():
    return load_scheme(FOLDER)


@pytest.fixture(scope="module")
def cases(scheme):
    found, findings = read_cases(scheme, FOLDER)
    assert findings == []
    return found


def principals_and_complications(scheme, cases, kind, complications):
    """Per exclusion table: what a case of this kind has as principal and as a complication of the table."""
    for case in cases:
        principal, *others = case.values["dx"]
        if case.kind == kind and case.for_group in scheme.drg_codes and len(others) == 1:
            table = complications.get(others[0])
            if table is not None:
                yield table, scheme.exclusion.get(principal), case


def test_all_cases_come_out_as_argued_with_interpreter_and_kernel(scheme):
    assert run_cases(scheme, FOLDER) == []


def test_every_adrg_has_a_positive_and_a_negative_case(scheme, cases):
    adrgs = {step.adrg for mdc in scheme.mdcs for step in mdc.steps if not step.is_gate}
    assert len(adrgs) == 192
    for kind in (POSITIVE, NEGATIVE):
        assert adrgs - {case.for_group[:3] for case in cases if case.kind == kind} == set(), kind


def test_a_negative_case_of_every_adrg_ends_outside_of_it(scheme, cases):
    adrgs = {step.adrg for mdc in scheme.mdcs for step in mdc.steps if not step.is_gate}
    outside = {case.for_group for case in cases if case.kind == NEGATIVE and case.expected.adrg != case.for_group}
    assert adrgs <= outside


def test_every_leaf_has_a_positive_case(scheme, cases):
    assert set(scheme.drg_codes) - {case.for_group for case in cases if case.kind == POSITIVE} == set()


def test_every_leaf_that_depends_on_age_days_or_stay_has_a_near_miss(scheme, cases):
    missed = {case.for_group for case in cases if case.kind == NEGATIVE}
    leaves = [leaf for mdc in scheme.mdcs for step in mdc.steps for leaf in step.leaves]
    numbered = {
        leaf.drg
        for leaf in leaves
        if any(atom.kind in {"age", "age_days", "los", "discharge_way"} for clause in leaf.when for atom in clause)
    }
    assert len(numbered) >= 20
    assert numbered - missed == set()


def test_every_exclusion_table_lets_a_complication_count_and_bars_it(scheme, cases):
    for complications in (scheme.mcc, scheme.cc):
        tables = set(complications.values())
        bare = WITHOUT_SPLIT if complications is scheme.cc else set()
        counted = {
            table
            for table, principal, case in principals_and_complications(scheme, cases, POSITIVE, complications)
            if table != principal and case.expected.drg[3] in "13"
        }
        barred = {
            table
            for table, principal, case in principals_and_complications(scheme, cases, NEGATIVE, complications)
            if table == principal and case.expected.drg[3] == "5" and case.expected.adrg == case.for_group[:3]
        }
        assert tables - counted - bare == set()
        assert tables - barred - bare == set()
        assert barred & bare == set()


def test_a_case_without_its_exclusion_table_comes_out_otherwise(scheme, tmp_path):
    for file in FOLDER.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / "exclusion.csv").write_text("code,exclusion_table\n", encoding="utf-8")
    findings = run_cases(load_scheme(tmp_path), tmp_path)
    assert {finding.rule_id for finding in findings} == {"SCH-A001"}
    assert len(findings) >= len(set(scheme.mcc.values()) | set(scheme.cc.values())) - len(WITHOUT_SPLIT)


def test_every_status_is_shown(cases):
    assert {case.expected.status for case in cases} == {
        *("grouped", "ambiguous", "ungrouped", "check_failed", "dx_not_mapped", "px_not_mapped")
    }


def test_every_case_says_why_in_words_of_its_own_row(cases):
    assert [case.case_id for case in cases if len(case.note) < 5] == []
    assert [case.case_id for case in cases if not case.case_id.startswith(case.for_group)] == []


def test_no_case_is_written_twice():
    with (FOLDER / "cases.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) >= 2 * 192 + 335
    own = [tuple(value for name, value in row.items() if name not in {"case_id", "note"}) for row in rows]
    assert len(set(own)) == len(own)
