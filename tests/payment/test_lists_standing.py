"""The clock of a list: its state as the chain says, since when, who must act, until when, over by how many days."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lists_cases import AREA, H1, H2, a_list, a_page, at, decide, home_of, keep, receipt, withdraw

from tongpin.base.errors import PolicyError
from tongpin.payment.lists.board import attention, board_in_home, hospitals_of
from tongpin.payment.lists.facts import PAGE, REJECTED, UNIT_SCHEMA, Facts
from tongpin.payment.lists.overdue import standing_in_home
from tongpin.payment.lists.standing import AGENCY, HOSPITAL, NOBODY, Published, standing
from tongpin.payment.lists.workdays import open_workdays
from tongpin.payment.month.run import settle_in_home
from tongpin.payment.policy.library import open_policy
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
from tongpin.records.layouts.catalogue import layout_schema
from tongpin.store.home import Home

EXAMPLES = Path(__file__).resolve().parents[2] / "docs" / "examples"
JUNE = date(2025, 6, 2)  # a Monday


def june(day: int) -> date:
    return date(2025, 6, day)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return home_of(tmp_path)


def clock(home: Home, case_id: str, on: date) -> dict[str, Any]:
    (row,) = standing_in_home(home, AREA, on, case_id).to_pylist()
    return row


def test_a_list_sent_waits_for_the_agency(home: Home) -> None:
    keep(home, a_list("A", JUNE, june(4)))
    row = clock(home, "A", june(6))
    assert (row["state"], row["act_by"], row["since"], row["days_in_state"]) == (UPLOADED, AGENCY, june(4), 2)
    assert (row["due"], row["over_days"]) == (june(11), 0)  # five working days after Wednesday the 4th
    late = clock(home, "A", june(14))
    assert (late["due"], late["over_days"], late["days_in_state"]) == (june(11), 3, 10)


def test_a_returned_list_waits_for_the_hospital(home: Home) -> None:
    keep(home, a_list("A", JUNE, june(4)))
    receipt(home, "A", at(june(6)), accepted=False)
    row = clock(home, "A", june(18))
    assert (row["state"], row["act_by"], row["since"], row["due"]) == (RETURNED, HOSPITAL, june(6), june(13))
    assert (row["over_days"], row["resubmission_over_days"], row["returned_count"]) == (5, 5, 1)


def test_the_deadline_of_a_receipt_comes_before_that_of_the_edition(home: Home) -> None:
    keep(home, a_list("A", JUNE, june(4)))
    receipt(home, "A", at(june(6)), accepted=False, due_date=june(20))
    row = clock(home, "A", june(18))
    assert (row["due"], row["over_days"]) == (june(20), 0)


def test_a_list_sent_again_too_late_remembers_it(home: Home) -> None:
    keep(home, a_list("A", JUNE, june(4)), a_list("A", JUNE, june(17), fee=5000))
    receipt(home, "A", at(june(6)), accepted=False)
    row = clock(home, "A", june(17))
    assert (row["state"], row["since"], row["resubmission_over_days"]) == (UPLOADED, june(17), 4)
    assert (row["first_upload"], row["upload_over_days"]) == (june(4), 0)
    before = clock(home, "A", june(10))  # what comes later has not happened yet
    assert (before["state"], before["resubmission_over_days"]) == (RETURNED, 0)


def test_a_return_that_a_closed_month_settled_is_awaited_no_more(home: Home) -> None:
    keep(home, a_list("A", JUNE, june(4), accepted=june(5)))
    receipt(home, "A", at(june(6)), accepted=False)
    settle_in_home(home, "2025-06")
    row = clock(home, "A", date(2025, 8, 1))
    assert (row["state"], row["resubmission_over_days"], row["act_by"]) == (GROUPED, 0, AGENCY)


def test_an_accepted_list_and_a_withdrawn_one(home: Home) -> None:
    keep(home, a_list("A", JUNE, june(4)), a_list("B", JUNE, june(4)))
    receipt(home, "A", at(june(6)), accepted=True)
    withdraw(home, "B", june(9))
    assert clock(home, "A", june(8))["state"] == ACCEPTED
    row = clock(home, "B", june(12))
    assert (row["state"], row["act_by"], row["since"], row["due"]) == (WITHDRAWN, NOBODY, june(9), None)


def test_a_discharge_without_a_list_is_a_draft_until_the_day_of_upload(home: Home) -> None:
    keep(home, a_page("R1", JUNE), a_page("R-A", JUNE), a_list("A", JUNE, june(4)))
    keep(home, a_page("R2", JUNE, insurance=None))
    table = standing_in_home(home, AREA, june(15))
    (row,) = table.filter(pc.equal(table["source"], PAGE)).to_pylist()
    assert (row["case_id"], row["state"], row["act_by"], row["since"]) == ("P-R1", DRAFT, HOSPITAL, JUNE)
    assert (row["due"], row["upload_due"], row["over_days"], row["upload_over_days"]) == (june(12), june(12), 3, 3)


def test_a_list_that_was_never_read_stands_returned(home: Home, tmp_path: Path) -> None:
    message = json.loads((EXAMPLES / "4101.json").read_text(encoding="utf-8"))[0]
    message["setlinfo"] |= {"setl_id": "BAD", "adm_time": "2025-07-02 08:30:00", "dscg_time": "2025-06-02 08:30:00"}
    (tmp_path / "bad.json").write_text(json.dumps(message), encoding="utf-8")
    load_files(home, [tmp_path / "bad.json"])
    table = standing_in_home(home, AREA, date(2100, 1, 1))
    found = [(row["case_id"], row["source"], row["state"], row["act_by"]) for row in table.to_pylist()]
    assert found == [("BAD", REJECTED, RETURNED, HOSPITAL)]


def test_the_upload_counts_from_settlement_where_the_edition_says_so(tmp_path: Path) -> None:
    home = home_of(tmp_path, {"clock.upload_from": "settlement"})
    keep(home, a_list("A", JUNE, june(16), settlement_date=june(5)))
    row = clock(home, "A", june(20))
    assert (row["upload_due"], row["upload_over_days"]) == (june(15), 1)


def test_a_limit_that_the_edition_leaves_open_gives_no_deadline(tmp_path: Path) -> None:
    home = home_of(tmp_path, {"clock.days": {"upload": 10}})
    keep(home, a_list("A", JUNE, june(4)))
    row = clock(home, "A", june(30))
    assert (row["state"], row["due"], row["over_days"]) == (UPLOADED, None, 0)


def test_a_limit_without_its_kind_of_days_is_refused(tmp_path: Path) -> None:
    home = home_of(tmp_path, {"clock.day_kind": None})
    keep(home, a_list("A", JUNE, june(4)))
    with pytest.raises(PolicyError) as refused:
        standing_in_home(home, AREA, june(30))
    assert refused.value.code == "policy.gap"


def test_the_board_of_a_month(home: Home) -> None:
    keep(
        home,
        a_list("A", JUNE, june(4), accepted=june(5)),
        a_list("B", JUNE, june(20)),
        a_list("C", JUNE, june(4)),
        a_list("D", JUNE, june(4), institution_code=H2),
        a_list("E", date(2025, 5, 30), june(4)),
        a_list("W", JUNE, june(4)),
        a_page("R1", JUNE),
    )
    receipt(home, "C", at(june(6)), accepted=False)
    withdraw(home, "W", june(6))
    board = board_in_home(home, AREA, "2025-06", june(25))
    first, second = board.hospitals.to_pylist()
    assert (first["institution_name"], first["should"], first["sent"], first["unsent"]) == ("示例一院", 4, 3, 1)
    assert (first["without_list"], first["withdrawn"], first["returned_now"], first["uploaded"]) == (1, 1, 1, 2)
    assert (first["ever_returned"], first["unsent_overdue"], first["sent_overdue"]) == (1, 1, 1)
    assert first["resubmission_overdue"] == 1
    assert (second["should"], second["sent"], second["sent_overdue"]) == (1, 1, 0)
    assert {row["case_id"] for row in attention(board.units).to_pylist()} == {"A", "B", "C", "D", "P-R1"}


def test_a_late_list_is_counted_on_the_board(home: Home) -> None:
    keep(
        home,
        a_list("M", date(2025, 5, 20), date(2025, 5, 21), accepted=date(2025, 5, 22)),
        a_list("L", date(2025, 5, 21), june(20), accepted=june(25)),
        a_list("J", JUNE, june(4), accepted=june(5)),
    )
    for month in ("2025-05", "2025-06"):
        settle_in_home(home, month)
    (row,) = board_in_home(home, AREA, "2025-05", date(2025, 8, 1)).hospitals.to_pylist()
    assert (row["should"], row["late"], row["grouped"], row["sent_overdue"]) == (2, 1, 2, 1)


DAYS = st.integers(0, 60).map(lambda n: JUNE + timedelta(days=n))
TIMES = st.builds(at, DAYS, st.integers(0, 23))
RESULTS = st.sampled_from(["受理", "复核中", "", "成立", "不成立"])


@st.composite
def list_facts(draw: st.DrawFn) -> ListFacts:
    grouped = draw(st.booleans())
    return ListFacts(
        uploads=draw(st.lists(TIMES, max_size=3)),
        receipts=[
            Receipt(when, good, "") for when, good in draw(st.lists(st.tuples(TIMES, st.booleans()), max_size=3))
        ],
        accepted_on=draw(st.none() | DAYS),
        rejections=[Rejection(when, "", mended=False) for when in draw(st.lists(TIMES, max_size=2))],
        grouped=grouped,
        appeals=[Appeal(on, result) for on, result in draw(st.lists(st.tuples(DAYS, RESULTS), max_size=2))],
        final_on=draw(st.none() | DAYS) if grouped else None,
        withdrawn_on=draw(st.none() | DAYS),
    )


def columns_of(each: list[ListFacts]) -> tuple[Facts, pa.Table, dict[str, Published]]:
    """The facts of many lists as columns; each list that is grouped is paid by a month of its own."""

    def table(rows: list[dict[str, Any]], schema: pa.Schema) -> pa.Table:
        return pa.Table.from_pylist(rows, schema=schema)

    def key(number: int) -> dict[str, Any]:
        return {"institution_code": H1, "case_id": f"L{number}", "setl_id": f"L{number}"}

    texts = [("institution_code", pa.string()), ("case_id", pa.string())]
    numbered = list(enumerate(each))
    units = table(
        [
            {
                "source": "settlement_list",
                **key(n),
                "discharge_time": at(JUNE, 0),
                "first_upload": min(one.uploads, default=None),
                "result_accepted": one.accepted_on,
            }
            for n, one in numbered
        ],
        UNIT_SCHEMA,
    )
    facts = Facts(
        units,
        table(
            [{**key(n), "upload_time": when} for n, one in numbered for when in one.uploads],
            pa.schema([*texts, ("upload_time", pa.timestamp("s"))]),
        ),
        table(
            [{**key(n), "received_time": r.at, "accepted": r.accepted} for n, one in numbered for r in one.receipts],
            layout_schema("receipt"),
        ),
        table(
            [{**key(n), "at": r.at} for n, one in numbered for r in one.rejections],
            pa.schema([*texts, ("at", pa.timestamp("s"))]),
        ),
        table(
            [{**key(n), "period": f"P{n}", "line_kind": "regular"} for n, one in numbered if one.grouped],
            pa.schema([*texts, ("period", pa.string()), ("line_kind", pa.string())]),
        ),
        table(
            [
                {**key(n), "kind": "appeal", "decided_date": a.on, "result": a.result}
                for n, one in numbered
                for a in one.appeals[:1]
            ],
            layout_schema("decision"),
        ),
        table(
            [{**key(n), "withdrawn_date": one.withdrawn_on} for n, one in numbered if one.withdrawn_on],
            layout_schema("withdrawal"),
        ),
    )
    own = table(
        [{**key(n), "on": a.on, "result": a.result} for n, one in numbered for a in one.appeals[1:]],
        pa.schema([*texts, ("on", pa.date32()), ("result", pa.string())]),
    )
    windows = {
        f"P{n}": Published(one.final_on - timedelta(days=8), one.final_on - timedelta(days=1))
        for n, one in numbered
        if one.final_on is not None
    }
    return facts, own, windows


@settings(deadline=None)
@given(st.lists(list_facts(), min_size=1, max_size=12))
def test_the_state_of_every_list_is_the_last_of_its_chain(each: list[ListFacts]) -> None:
    facts, own, windows = columns_of(each)
    home = Home.open("no-such-home")
    policy = open_policy(home, AREA, "2025-06")
    on = date(2025, 12, 31)
    found = standing(facts, own, windows, lambda _: policy, open_workdays(home), on)
    for one, row in zip(each, found.to_pylist(), strict=True):
        last = state_chain(one)[-1]
        assert row["state"] == last.state
        if last.at is not None:
            assert row["since"] == last.at.date()
            assert row["days_in_state"] == (on - last.at.date()).days
        assert (row["act_by"] == NOBODY) == (row["state"] in {FINAL, WITHDRAWN})
        assert row["over_days"] == (max((on - row["due"]).days, 0) if row["due"] and row["act_by"] else 0)
        assert row["upload_due"] == JUNE + timedelta(days=10)
    hospitals = hospitals_of(found, {}).to_pylist()
    assert sum(row["should"] + row["withdrawn"] for row in hospitals) == len(each)


def test_an_appeal_in_hand_is_the_agencys(home: Home) -> None:
    keep(home, a_list("A", JUNE, june(4), accepted=june(5)))
    decide(home, "appeal", "A", june(16), result="受理")
    row = clock(home, "A", june(20))
    assert (row["state"], row["act_by"], row["since"], row["due"]) == (APPEALED, AGENCY, june(16), june(30))


def test_lists_of_other_care_stand_outside(home: Home) -> None:
    keep(home, a_list("O", JUNE, june(4), care_type="outpatient_special"))
    assert standing_in_home(home, AREA, june(20)).num_rows == 0
