"""The cases beside a scheme 方案自带病例: replayed both ways, refused with line and column, carried by an import."""

from __future__ import annotations

import pytest

from tongpin.grouping.importers.sources import TABLES_KIND
from tongpin.grouping.library import import_scheme
from tongpin.grouping.tables.model import Outcome
from tongpin.grouping.tables.read import load_scheme
from tongpin.grouping.trials.cases import read_cases, run_cases
from tongpin.store.home import Home

HEADER = "case_id,sex,age,los,dx,px,expected_status,expected_mdc,expected_adrg,expected_drg,for_group,kind,note"
PNEUMONIA = "1,1,40,7,J18.900,,grouped,MDCE,ES3,ES35,ES3,positive,"
CHILD = "2,1,16,7,J18.900,,grouped,MDCE,ES3,ES37,ES37,positive,16岁"
GALL = "3,1,40,7,J18.900,51.2300,ambiguous,MDCE,QY,EQY,ES3,negative,与诊断不符的手术"


def write(folder, *rows, header=HEADER):
    (folder / "cases.csv").write_text("\n".join((header, *rows, "")), encoding="utf-8")


def found(folder):
    return [(one.rule_id, one.record, one.path) for one in run_cases(load_scheme(folder), folder)]


def test_cases_that_come_out_as_expected_leave_no_finding(scheme_folder):
    write(scheme_folder, PNEUMONIA, CHILD, GALL)
    cases, findings = read_cases(load_scheme(scheme_folder), scheme_folder)
    assert [case.case_id for case in cases] == ["1", "2", "3"]
    assert cases[1].values["age"] == 16
    assert findings == []
    assert found(scheme_folder) == []


def test_a_scheme_without_cases_has_none_to_replay(scheme_folder):
    assert found(scheme_folder) == []


def test_another_answer_is_said_with_the_line_and_both_groups(scheme_folder):
    write(scheme_folder, PNEUMONIA, CHILD.replace(",16,", ",17,"))
    (finding,) = run_cases(load_scheme(scheme_folder), scheme_folder)
    assert (finding.rule_id, finding.severity, finding.record) == ("SCH-A001", "warning", 3)
    assert (finding.path, finding.value) == ("expected_drg", "ES37")
    assert "应得 ES37（分组成功），实得 ES35（分组成功）" in finding.message
    assert "16岁" in finding.hint


def test_a_changed_rule_is_noticed_by_its_case(scheme_folder):
    write(scheme_folder, PNEUMONIA, CHILD, GALL)
    leaves = scheme_folder / "drg.csv"
    leaves.write_text(leaves.read_text(encoding="utf-8").replace("age<17", "age<14"), encoding="utf-8")
    assert found(scheme_folder) == [("SCH-A001", 3, "expected_drg")]


def test_two_ways_that_disagree_are_said(scheme_folder, monkeypatch):
    write(scheme_folder, PNEUMONIA)
    other = Outcome("ungrouped", "0000", "00", "0000")
    monkeypatch.setattr("tongpin.grouping.trials.cases._compiled_answers", lambda _scheme, _cases: [other])
    (finding,) = run_cases(load_scheme(scheme_folder), scheme_folder)
    assert finding.rule_id == "SCH-A002"
    assert "ES35（分组成功）" in finding.message
    assert "0000（无法入组）" in finding.message


@pytest.mark.parametrize(
    ("row", "finding"),
    [
        (PNEUMONIA.replace(",40,", ",四十,"), ("SCH-A003", 2, "age")),
        (PNEUMONIA.replace(",40,", ",nan,"), ("SCH-A003", 2, "age")),
        (PNEUMONIA.replace("1,1,40", ",1,40"), ("SCH-A003", 2, "case_id")),
        (PNEUMONIA.replace("grouped", "done"), ("SCH-A003", 2, "expected_status")),
        (PNEUMONIA + ",", ("SCH-A003", 2, "")),
        (PNEUMONIA.replace("ES3,positive", "ES9,negative"), ("SCH-A004", 2, "for_group")),
        (PNEUMONIA.replace("positive", "negative"), ("SCH-A004", 2, "kind")),
        (PNEUMONIA.replace("ES3,positive", "HC2,positive"), ("SCH-A004", 2, "kind")),
        (PNEUMONIA.replace("positive", "yes"), ("SCH-A004", 2, "kind")),
    ],
)
def test_a_row_that_is_no_case_is_named_and_the_others_are_replayed(scheme_folder, row, finding):
    write(scheme_folder, row, CHILD)
    assert found(scheme_folder) == [finding]


def test_an_open_quote_ends_the_reading(scheme_folder):
    write(scheme_folder, PNEUMONIA, '"' + CHILD)
    assert found(scheme_folder) == [("SCH-A003", 3, "")]
    write(scheme_folder, PNEUMONIA, header='"' + HEADER)
    assert found(scheme_folder) == [("SCH-A003", 2, "")]


def test_the_same_number_twice_is_refused(scheme_folder):
    write(scheme_folder, PNEUMONIA, PNEUMONIA)
    assert found(scheme_folder) == [("SCH-A003", 3, "case_id")]


@pytest.mark.parametrize(
    "header",
    [HEADER.replace("sex", "gender"), HEADER.replace("for_group,", ""), HEADER.replace("sex", "age")],
)
def test_a_wrong_header_refuses_the_file(scheme_folder, header):
    write(scheme_folder, PNEUMONIA, header=header)
    assert found(scheme_folder) == [("SCH-A003", 1, "")]


def test_a_file_that_is_not_utf8_is_refused(scheme_folder):
    (scheme_folder / "cases.csv").write_bytes(f"{HEADER}\n{GALL}\n".encode("gb18030"))
    assert found(scheme_folder) == [("SCH-A003", 0, "")]


def test_a_declared_field_is_a_column_of_the_cases(scheme_folder):
    (scheme_folder / "field.csv").write_text("field,kind,label\nnew_technology,number,新技术\n", encoding="utf-8")
    leaves = scheme_folder / "drg.csv"
    text = leaves.read_text(encoding="utf-8").replace("久住,los>30", "新技术,new_technology==1")
    leaves.write_text(text, encoding="utf-8")
    header = HEADER.replace("sex,", "sex,new_technology,")
    answer = "7,K80.200,51.2300,grouped,MDCH,HC2"
    write(
        scheme_folder,
        f"1,1,1,40,{answer},HC28,HC28,positive,",
        f"2,1,,40,{answer},HC29,HC28,negative,没有用新技术",
        header=header,
    )
    assert found(scheme_folder) == []


def test_an_import_brings_the_cases_along_and_says_which_fail(scheme_folder, tmp_path):
    home = Home.open(tmp_path / "home")
    write(scheme_folder, PNEUMONIA, CHILD.replace(",16,", ",17,"))
    imported = import_scheme(home, scheme_folder, "small-2")
    assert imported.provenance["kind"] == TABLES_KIND
    assert [(finding.rule_id, finding.severity) for finding in imported.findings] == [("SCH-A001", "warning")]
    kept = home.schemes / "small-2" / "cases.csv"
    assert kept.read_bytes() == (scheme_folder / "cases.csv").read_bytes()


def test_cases_are_no_part_of_the_digest(scheme_folder):
    before = load_scheme(scheme_folder).digest
    write(scheme_folder, PNEUMONIA)
    assert load_scheme(scheme_folder).digest == before
