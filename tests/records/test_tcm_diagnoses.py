"""TCM diagnoses are kept with the case and never lead its group (S914-03)."""

from __future__ import annotations

from typing import Any

import pytest
from records_samples import message, the_case

from tongpin.grouping.explain import explain
from tongpin.grouping.library import open_scheme
from tongpin.grouping.tables.interpreter import Case
from tongpin.store.home import Home

WESTERN = [
    {"diag_type": "1", "diag_code": "I63.900", "diag_name": "脑梗死", "maindiag_flag": "1"},
    {"diag_type": "1", "diag_code": "I10.x00", "diag_name": "高血压", "maindiag_flag": "0"},
]
TCM = [
    {"diag_type": "2", "diag_code": "K80.200", "diag_name": "中风病", "maindiag_flag": "1"},
    {"diag_type": "3", "diag_code": "J18.900", "diag_name": "风痰阻络证", "maindiag_flag": "0"},
]
"""Written with codes that would lead to other groups if anybody read them as western ones."""


def told(read_lists: Any, diagnoses: list[dict[str, str]]) -> tuple[dict[str, Any], dict[str, Any]]:
    case = the_case(read_lists(message() | {"diseinfo": diagnoses, "oprninfo": []}))
    return case, explain(open_scheme(Home.open("no-home"), "demo-drg"), Case.of(case)).as_dict()


@pytest.mark.parametrize("order", [[*TCM, *WESTERN], [*WESTERN, *TCM], [TCM[1], *WESTERN, TCM[0]]])
def test_a_tcm_diagnosis_changes_no_group_wherever_it_stands(read_lists: Any, order: list[dict[str, str]]) -> None:
    plain, group = told(read_lists, WESTERN)
    beside, same = told(read_lists, order)
    assert beside["dx"] == plain["dx"] == ["I63.900", "I10.x00"]
    assert (same["drg"], same["status"]) == (group["drg"], "grouped")
    kept = {one["code"] for one in beside["diagnoses"] if one["kind"] in {"2", "3"}}
    assert kept == {"K80.200", "J18.900"}


def test_a_case_with_tcm_diagnoses_alone_has_no_principal_and_no_group(read_lists: Any) -> None:
    case, group = told(read_lists, TCM)
    assert case["dx"] == []
    assert group["status"] != "grouped"
