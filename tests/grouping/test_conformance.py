"""The conformance suite: ours passes every case both ways, and another grouper's answers can be held against it."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from tongpin.base.errors import SchemeError
from tongpin.grouping.tables.model import Outcome, Status
from tongpin.grouping.tables.read import load_scheme
from tongpin.grouping.trials.conformance import (
    EXPORTED,
    Scenario,
    by_interpreter,
    by_kernel,
    case_table,
    compare,
    export,
    load_suite,
    read_answers,
    run,
    scheme_of,
    shipped_suite,
)

SUITE = load_suite()
IDS = [scenario.scenario_id for scenario in SUITE]


@pytest.mark.parametrize("scenario", SUITE, ids=IDS)
def test_interpreter_and_kernel_give_the_answers_of_the_suite(scenario: Scenario) -> None:
    assert scenario.checks
    assert run(scenario, by_interpreter) == []
    assert run(scenario, by_kernel) == []


def test_the_suite_holds_what_it_promises() -> None:
    checks = [check for scenario in SUITE for check in scenario.checks]
    assert len(SUITE) >= 45
    assert len(checks) >= 250
    assert len({check.case_id for check in checks}) == len(checks)
    assert {check.expected.status for check in checks} == set(Status)
    assert all(len({check.expected for check in scenario.checks}) > 1 for scenario in SUITE)


def test_every_kind_of_condition_is_asked_for() -> None:
    seen = set()
    for scenario in SUITE:
        scheme = scheme_of(scenario)
        conditions = [mdc.when for mdc in scheme.mdcs]
        for step in (step for mdc in scheme.mdcs for step in mdc.steps):
            conditions += [step.when, *(leaf.when for leaf in step.leaves)]
        for atom in (atom for condition in conditions for clause in condition for atom in clause):
            name = ":valid_px" if atom.list_name == "valid_px" else ":LIST" if atom.list_name else atom.op
            seen.add(f"{'!' * atom.negated}{atom.kind}{name}")
    assert seen >= _words(
        "mcc dx_main:LIST cc px_main:LIST px_any:LIST px_main:valid_px age_days<= !px_main:valid_px dx_any:LIST "
        "px_any:valid_px age<= age< birth_weight< age> birth_weight>= los< discharge_way age== sex== birth_weight> "
        "!px_any:valid_px dx_other:LIST icu_hours> los> icu_hours>= icu_hours<= los>= px_other:LIST dept los<= los== "
        "!dx_main:LIST"
    )


def _words(text: str) -> set[str]:
    return set(text.split())


def test_a_wrong_answer_is_told_apart() -> None:
    scenario = next(one for one in SUITE if one.scenario_id == "px-main")
    right = {check.case_id: check.expected for check in scenario.checks}
    assert compare(scenario, right) == []
    wrong = right | {"px-main.01": Outcome("ungrouped", "0000", "00", "0000")}
    del wrong["px-main.02"]
    differences = compare(scenario, wrong)
    assert [(one.case_id, one.found) for one in differences] == [
        ("px-main.01", wrong["px-main.01"]),
        ("px-main.02", None),
    ]


def test_a_grouper_that_never_looks_at_order_fails() -> None:
    """The suite can fail: a grouper that takes any procedure for the main one is found out."""

    def careless(scheme: object, cases: object) -> list[Outcome]:
        rows = cases.to_pylist()
        for row in rows:
            row["px"] = sorted(row["px"])
        return by_interpreter(scheme, type(cases).from_pylist(rows, cases.schema))

    failed = {scenario.scenario_id for scenario in SUITE if run(scenario, careless)}
    assert {"px-main", "px-unknown-main", "retry"} <= failed


def test_what_is_exported_can_be_read_and_answered(tmp_path: Path) -> None:
    written = export(SUITE, tmp_path)
    assert len(written) == len(SUITE)
    for scenario, path in zip(SUITE, written, strict=True):
        assert path.name == EXPORTED
        assert load_scheme(path.parent).mdcs == scheme_of(scenario).mdcs
        with path.open(encoding="utf-8", newline="") as handle:
            rows = list(csv.DictReader(handle))
        assert [row["case_id"] for row in rows] == [check.case_id for check in scenario.checks]
        assert [row["expected_drg"] for row in rows] == [check.expected.drg for check in scenario.checks]
        kept = case_table(scenario, scheme_of(scenario)).column("dx").to_pylist()
        assert ["|".join(codes) for codes in kept] == [row["dx"] for row in rows]
        with (path.parent / "answers.csv").open("w", encoding="utf-8", newline="") as handle:
            writer = csv.writer(handle)
            writer.writerow(("case_id", "status", "mdc", "adrg", "drg"))
            writer.writerows(
                [row["case_id"], *(row[f"expected_{n}"] for n in ("status", "mdc", "adrg", "drg"))] for row in rows
            )
    answers = read_answers(tmp_path)  # the case files themselves have no answers and are left aside
    assert all(compare(scenario, answers) == [] for scenario in SUITE)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("case_id,drg\na,b\n", "缺少答案的列"),
        ("case_id,status,mdc,adrg,drg\na,grouped,M,A,D\na,grouped,M,A,D\n", "有两个答案"),
        ("case_id,status,mdc,adrg,drg\n", "没有读到答案"),
    ],
)
def test_answers_that_cannot_be_used(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "a.csv").write_text(text, encoding="utf-8")
    with pytest.raises(SchemeError, match=words):
        read_answers(tmp_path / "a.csv")


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("id: dx-main\n", "id: other\n", "文件名"),
        ("proves:", "prove: x\nproves:", "不认识这个键"),
        ("  dx_list:", "  dx_lists:", "dx_lists"),
        ("answer: grouped MDCB BA1 BA19", "answer: grouped MDCB", "answer"),
        ("id: dx-main.02", "id: dx-main.01", "同号"),
        ("dx: 'D11'", "dz: 'D11'", "dz"),
    ],
)
def test_a_scenario_with_a_fault_is_refused(tmp_path: Path, old: str, new: str, words: str) -> None:
    text = (shipped_suite() / "dx-main.yaml").read_text(encoding="utf-8")
    assert old in text
    (tmp_path / "dx-main.yaml").write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(SchemeError) as caught:
        load_suite(tmp_path)
    assert words in f"{caught.value.message}{caught.value.where}{caught.value.hint}"
    assert "dx-main.yaml" in caught.value.where
