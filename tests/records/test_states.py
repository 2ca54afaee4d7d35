"""States of a list: derived from what is known of it, in order, and shown with its versions and findings."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from records_samples import json_lines, message

from tongpin.records.case.patients import masked
from tongpin.records.intake.dossier import Further, dossiers
from tongpin.records.intake.load import load_files
from tongpin.records.intake.states import (
    ACCEPTED,
    APPEALED,
    DRAFT,
    FINAL,
    GROUPED,
    RETURNED,
    UPLOADED,
    WITHDRAWN,
    Appeal,
    ListFacts,
    Receipt,
    Rejection,
    state_chain,
)
from tongpin.store.home import Home

FIRST, SECOND = datetime(2025, 6, 12, 10), datetime(2025, 6, 15, 10)  # noqa: DTZ001
READ = datetime(2025, 7, 1, 8)  # noqa: DTZ001
RETURN = Receipt(datetime(2025, 6, 13, 9), accepted=False, message="主诊不符")  # noqa: DTZ001
ACCEPT = Receipt(datetime(2025, 6, 16, 9), accepted=True, message="")  # noqa: DTZ001


@pytest.mark.parametrize(
    ("facts", "states"),
    [
        (ListFacts(), [DRAFT]),
        (ListFacts(uploads=[FIRST]), [UPLOADED]),
        (ListFacts(uploads=[FIRST, FIRST]), [UPLOADED]),
        (ListFacts(uploads=[SECOND, FIRST], receipts=[ACCEPT, RETURN]), [UPLOADED, RETURNED, UPLOADED, ACCEPTED]),
        (ListFacts(uploads=[FIRST], accepted_on=date(2025, 6, 12)), [UPLOADED, ACCEPTED]),
        (ListFacts(accepted_on=date(2025, 6, 12)), [ACCEPTED]),
        (ListFacts(rejections=[Rejection(READ, "负费用", mended=False)]), [DRAFT, RETURNED]),
        (ListFacts(uploads=[FIRST], rejections=[Rejection(READ, "负费用", mended=False)]), [UPLOADED, RETURNED]),
        (ListFacts(uploads=[SECOND], rejections=[Rejection(READ, "负费用", mended=True)]), [RETURNED, UPLOADED]),
        (ListFacts(rejections=[Rejection(READ, "负费用", mended=True)]), [RETURNED, DRAFT]),
        (ListFacts(uploads=[FIRST], grouped=True), [UPLOADED, GROUPED]),
        (ListFacts(uploads=[FIRST], grouped=True, final_on=date(2025, 8, 1)), [UPLOADED, GROUPED, FINAL]),
        (
            ListFacts(
                uploads=[FIRST], grouped=True, appeals=[Appeal(date(2025, 8, 1), "受理")], final_on=date(2025, 8, 1)
            ),
            [UPLOADED, GROUPED, APPEALED],
        ),
        (
            ListFacts(
                uploads=[FIRST],
                grouped=True,
                appeals=[Appeal(date(2025, 8, 1), "不成立"), Appeal(date(2025, 8, 1), "受理")],
            ),
            [UPLOADED, GROUPED, APPEALED, FINAL],
        ),
        (
            ListFacts(
                uploads=[FIRST],
                grouped=True,
                appeals=[Appeal(date(2025, 9, 1), "调整"), Appeal(date(2025, 8, 1), "受理")],
            ),
            [UPLOADED, GROUPED, APPEALED, FINAL],
        ),
        (
            ListFacts(uploads=[FIRST], receipts=[ACCEPT], withdrawn_on=date(2025, 7, 2)),
            [UPLOADED, ACCEPTED, WITHDRAWN],
        ),
    ],
)
def test_the_chain_of_states(facts: ListFacts, states: list[str]) -> None:
    assert [step.state for step in state_chain(facts)] == states


def test_a_step_says_when_and_why() -> None:
    upload, returned, *_ = state_chain(ListFacts(uploads=[FIRST, SECOND], receipts=[RETURN]))
    assert (upload.at, upload.why) == (FIRST, "医院申报")
    assert (returned.at, returned.why) == (RETURN.at, "主诊不符")


@pytest.mark.parametrize(
    ("column", "value", "shown"),
    [
        ("psn_name", "示例甲", "示**"),
        ("certno", "X0000000000000001X", "**************001X"),
        ("hi_no", "1234", "***"),
        ("birth_date", "1960-03-04", "1960-**-**"),
        ("current_address", "示例路 1 号", "***"),
        ("current_phone", "13800000000", "***"),
    ],
)
def test_persons_are_shown_masked(column: str, value: str, shown: str) -> None:
    assert masked(column, value) == shown


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A list rejected, corrected and uploaded again, with a receipt for the first version."""
    home = Home.open(tmp_path / "home")
    rows = "institution_code,setl_id,received_time,accepted,message\nH32020000001,S1,2025-06-13 09:00:00,N,主诊不符\n"
    (tmp_path / "r.csv").write_text(rows, encoding="utf-8")
    for name, made in (("a", sent("S1", 12, gend="9")), ("b", sent("S1", 15, dscg_way="2"))):
        (tmp_path / f"{name}.jsonl").write_bytes(json_lines(made))
        load_files(home, [tmp_path / f"{name}.jsonl", tmp_path / "r.csv"])
    (tmp_path / "c.jsonl").write_bytes(json_lines(sent("S9", 12, adm_time="2025-07-02 08:30:00")))
    load_files(home, [tmp_path / "c.jsonl"])
    return home


def sent(setl_id: str, day: int, **changes: Any) -> dict[str, Any]:
    return message(
        setl_id, dcla_time=f"2025-06-{day} 10:00:00", psn_name="示例甲" if day == 12 else "示例乙", **changes
    )


def test_a_case_is_shown_whole(home: Home) -> None:
    (one,) = dossiers(home, "S1")
    assert one.case["discharge_way"] == "2"
    assert one.persons["psn_name"] == "示**"
    assert [(version.load, version.file, version.in_force) for version in one.versions] == [
        (1, "a.jsonl", False),
        (2, "b.jsonl", True),
    ]
    changes = {name: (before, now) for name, before, now in one.versions[1].changes}
    assert changes["discharge_way"] == ("1", "2")
    assert changes["sex"] == (None, 1)
    assert changes["psn_name"] == ("示**", "示**")
    assert one.versions[0].changes == ()
    assert [(row["rule_id"], row["status"]) for row in one.findings] == [("REC-X001", "mended")]
    assert [step.state for step in one.states] == [UPLOADED, RETURNED, UPLOADED]


def test_a_case_is_shown_as_it_was(home: Home) -> None:
    (one,) = dossiers(home, "S1", as_of=1)
    assert (one.case["discharge_way"], len(one.versions)) == ("1", 1)
    assert [row["status"] for row in one.findings] == ["open"]


def test_a_rejected_case_is_known_by_its_findings(home: Home) -> None:
    (one,) = dossiers(home, "S9")
    assert (one.versions, one.case["institution_code"]) == ((), "H32020000001")
    assert [step.state for step in one.states] == [DRAFT, RETURNED]
    assert dossiers(home, "S404") == []


def test_a_settled_list_is_grouped(home: Home) -> None:
    (one,) = dossiers(home, "S1", further={"H32020000001": Further(grouped=True)})
    assert one.states[-1].state == GROUPED
