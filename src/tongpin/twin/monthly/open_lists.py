"""Open lists 未了清单: lists of a hospital that it has to send, or send again, with department and clock (S901-01)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from tongpin.payment.lists.overdue import standing_in_home
from tongpin.payment.lists.standing import HOSPITAL
from tongpin.records.intake.lake_tables import CASES, RECEIPTS, read_loaded
from tongpin.records.intake.states import DRAFT, RETURNED

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from tongpin.store.home import Home


class OpenList(NamedTuple):
    """A list that waits for the hospital: returned and not sent again, or not sent at all.

    `number` is the 病案号, else the number of the list; `due` the last day, `over_days` days beyond it (0: in time);
    `message` what the platform last answered to a returned one.
    """

    institution_code: str
    list_id: str
    number: str
    dept: str
    month: str
    state: str
    since: date | None
    days: int
    due: date | None
    over_days: int
    discharged: date | None
    message: str

    @property
    def is_returned(self) -> bool:
        """Whether it came back and was not sent again."""
        return self.state == RETURNED


def open_lists(home: Home, area: str | None, hospital: str, month: str, on: date) -> tuple[OpenList, ...]:
    """The lists of a hospital, discharged up to a month, that wait for it on a day; the longest overdue first.

    Raises PolicyError `policy.gap` and `lists.holidays` as `standing_in_home`.
    """
    units = standing_in_home(home, area, on)
    mine = pc.and_(pc.equal(units["institution_code"], hospital), pc.less_equal(units["month"], month))
    waiting = pc.and_(pc.is_in(units["state"], pa.array([DRAFT, RETURNED])), pc.equal(units["act_by"], HOSPITAL))
    units = units.filter(pc.fill_null(pc.and_(mine, waiting), False))
    known = _cases(home, hospital, units)
    answers = _answers(home, hospital, units)
    found = [_open(row, known.get((row["source"], row["case_id"]), {}), answers) for row in units.to_pylist()]
    return tuple(sorted(found, key=lambda one: (-one.over_days, not one.is_returned, -one.days, one.list_id)))


def _open(row: Mapping[str, Any], case: Mapping[str, Any], answers: Mapping[str, str]) -> OpenList:
    returned = row["state"] == RETURNED
    return OpenList(
        institution_code=row["institution_code"],
        list_id=row["case_id"],
        number=case.get("record_no") or row["case_id"],
        dept=case.get("dept") or "",
        month=row["month"],
        state=row["state"],
        since=row["since"],
        days=row["days_in_state"] or 0,
        due=row["due"],
        over_days=row["over_days"] or 0,
        discharged=row["discharge_date"],
        message=answers.get(row["case_id"], "") if returned else "",
    )


def _cases(home: Home, hospital: str, units: pa.Table) -> dict[tuple[str, str], dict[str, Any]]:
    """病案号 and department of the lists, by source and number; of those that were not read in nothing is known."""
    if not units.num_rows:
        return {}
    cases = read_loaded(home, CASES, ["source", "institution_code", "case_id", "record_no", "dept"])
    mine = pc.and_(
        pc.equal(cases["institution_code"], hospital),
        pc.is_in(cases["case_id"], value_set=units["case_id"].combine_chunks()),
    )
    return {(row["source"], row["case_id"]): row for row in cases.filter(mine).to_pylist()}


def _answers(home: Home, hospital: str, units: pa.Table) -> dict[str, str]:
    """The last refusal of the platform by list."""
    if not units.num_rows:
        return {}
    answers = read_loaded(home, RECEIPTS)
    chosen = pc.and_(
        pc.and_(pc.equal(answers["institution_code"], hospital), pc.invert(pc.fill_null(answers["accepted"], True))),
        pc.is_in(answers["setl_id"], value_set=units["case_id"].combine_chunks()),
    )
    rows = answers.filter(chosen).sort_by("received_time").to_pylist()
    return {row["setl_id"]: row["message"] or row["code"] or "" for row in rows}
