"""Standing 清单现状: the state of every list with its clock: since when, who must act, until when, how late (S901-01).

The state is the last step of `records.intake.states.state_chain`, taken for all lists at once; the clock is that of the
edition in force.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tongpin.payment.lists.clocks import (
    ACCEPTANCE,
    DECISION,
    RESUBMISSION,
    UPLOAD,
    UPLOAD_FROM,
    deadlines,
    is_stated,
)
from tongpin.payment.lists.facts import days_of
from tongpin.payment.month.posting import LATE, REVERSAL, list_keys
from tongpin.records.intake.dossier import APPEALS
from tongpin.records.intake.states import (
    ACCEPTED,
    APPEALED,
    DRAFT,
    FINAL,
    GROUPED,
    RETURNED,
    STATES,
    UNDECIDED,
    UPLOADED,
    WITHDRAWN,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import date

    from tongpin.payment.lists.facts import Facts
    from tongpin.payment.lists.workdays import Workdays
    from tongpin.payment.policy.lookup import BoolColumn, DayColumn, IntColumn
    from tongpin.payment.policy.policy import Policy

HOSPITAL, AGENCY, NOBODY = "hospital", "agency", ""
ACTOR_LABELS = {HOSPITAL: "医院", AGENCY: "经办", NOBODY: ""}
_NAT = np.datetime64("NaT")
_TRACK, _REJECTED, _PAID, _APPEALS, _WINDOW, _GONE = range(6)
"""The parts of the chain in order: what was sent and answered, readings still refused, the month, appeals, the end of
the window for them, the withdrawal."""

STANDING_SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in ("institution_code", "case_id", "source", "month", "state", "act_by")),
        ("since", pa.date32()),
        ("days_in_state", pa.int64()),
        ("due", pa.date32()),
        ("over_days", pa.int64()),
        ("discharge_date", pa.date32()),
        ("settlement_date", pa.date32()),
        ("accepted_date", pa.date32()),
        ("first_upload", pa.date32()),
        ("upload_due", pa.date32()),
        ("upload_over_days", pa.int64()),
        ("returned_count", pa.int64()),
        ("resubmission_over_days", pa.int64()),
        ("late", pa.bool_()),
        ("period", pa.string()),
        ("published_on", pa.date32()),
        ("window_end", pa.date32()),
        ("total_fee_fen", pa.int64()),
        ("pool_pay_fen", pa.int64()),
    ]
)
"""A unit with its clock. `month` (`YYYY-MM`): of its discharge, else settlement, else upload. `since`: the day its
state began (null: unknown), `due` the last day of who must act, `over_days` how many days later it is (0: in time).
`upload_over_days`: sent, or still not sent, so many days after `upload_due`; `resubmission_over_days` the worst of its
returns. `late`: paid in a later month than its own; `period` the month that paid it."""


class Published(NamedTuple):
    """When the group results of a month were published, and the last day for appeals (none: the edition sets none)."""

    on: date
    until: date | None


def months_of(units: pa.Table) -> Any:
    """The month (`YYYY-MM`) of each unit: of its discharge, else settlement, else upload."""
    day = pc.coalesce(
        *(
            pc.cast(units[name], pa.date32(), safe=False)
            for name in ("discharge_time", "settlement_date", "upload_time")
        )
    )
    return pc.strftime(day, "%Y-%m")


def standing(
    facts: Facts,
    appeals: pa.Table,
    published: Mapping[str, Published],
    policy_of: Callable[[str], Policy | None],
    workdays: Workdays,
    on: date,
) -> pa.Table:
    """Every unit of the facts as it stands on a day (`STANDING_SCHEMA`).

    `appeals`: institution_code, case_id, on, result of the home's own book; `policy_of`: the edition of a month, none
    where there is none (its units have no clock). What happened after `on` has not happened yet; being in a closed
    month has no date and counts always. Raises `policy.gap` and `lists.holidays` as `clocks.deadlines`.
    """
    units = facts.units
    size = units.num_rows
    today = np.datetime64(on)
    keys = list_keys(units, "case_id")
    paid = _paid(facts.lines, keys, size)
    months = months_of(units)
    events = _events(facts, appeals, published, paid, keys, today)
    last = _last(events, size)
    state = np.where(last.row >= 0, last.state, STATES.index(DRAFT))
    discharge, settled = days_of(units["discharge_time"]), days_of(units["settlement_date"])
    first = days_of(units["first_upload"])
    first = np.where(first <= today, first, _NAT)
    since = last.at.astype("datetime64[D]")
    returns = _returns(events)
    windows = {period: one for period, one in published.items() if one.on <= on}
    published_on = _of_period(paid.period, {period: one.on for period, one in windows.items()})
    window_end = _of_period(paid.period, {period: one.until for period, one in windows.items()})
    since = np.where((state == STATES.index(GROUPED)) & np.isnat(since), published_on, since)
    due = np.where(state == STATES.index(RETURNED), last.due, _NAT)
    upload_due = np.full(size, _NAT, dtype="datetime64[D]")
    return_due = np.full(len(returns.row), _NAT, dtype="datetime64[D]")
    for month in pc.unique(months).to_pylist():
        policy = None if month is None else policy_of(month)
        if policy is None:
            continue
        rows = np.flatnonzero(np.asarray(pc.fill_null(pc.equal(months, month), False)))
        begins = _begins(policy, discharge[rows], settled[rows])
        if is_stated(policy, UPLOAD):
            upload_due[rows] = deadlines(policy, UPLOAD, begins, workdays)
        since[rows] = np.where((state[rows] == STATES.index(DRAFT)) & np.isnat(since[rows]), begins, since[rows])
        for name, clock in ((UPLOADED, ACCEPTANCE), (RETURNED, RESUBMISSION), (APPEALED, DECISION)):
            ask = rows[(state[rows] == STATES.index(name)) & np.isnat(due[rows])]
            if len(ask) and is_stated(policy, clock):
                due[ask] = deadlines(policy, clock, since[ask], workdays)
        of_month = np.isin(returns.row, rows)
        if of_month.any() and is_stated(policy, RESUBMISSION):
            stated = deadlines(policy, RESUBMISSION, returns.at[of_month].astype("datetime64[D]"), workdays)
            return_due[of_month] = np.where(np.isnat(returns.due[of_month]), stated, returns.due[of_month])
    is_draft, is_grouped = state == STATES.index(DRAFT), state == STATES.index(GROUPED)
    due = np.where(is_draft, upload_due, np.where(is_grouped, window_end, due))
    act_by = _act_by(state, published_on)
    lateness = np.where(np.isnat(first), _days(today - upload_due), _days(first - upload_due))
    over = np.where(act_by == NOBODY, 0, _days(today - due))
    columns = {
        "institution_code": units["institution_code"],
        "case_id": units["case_id"],
        "source": units["source"],
        "month": months,
        "state": pa.array(np.array(STATES, dtype=object)[state], pa.string()),
        "act_by": pa.array(act_by.astype(object), pa.string()),
        "since": since,
        "days_in_state": pa.array(_days(today - since), mask=np.isnat(since)),
        "due": due,
        "over_days": np.maximum(over, 0),
        "discharge_date": discharge,
        "settlement_date": settled,
        "accepted_date": units["accepted_date"],
        "first_upload": first,
        "upload_due": upload_due,
        "upload_over_days": np.maximum(lateness, 0),
        "returned_count": np.bincount(returns.row, minlength=size),
        "resubmission_over_days": _worst(returns, return_due, today, state == STATES.index(RETURNED)),
        "late": paid.late,
        "period": paid.period,
        "published_on": published_on,
        "window_end": window_end,
        "total_fee_fen": units["total_fee_fen"],
        "pool_pay_fen": units["pool_pay_fen"],
    }
    made = pa.table([_column(columns[one.name], one.type) for one in STANDING_SCHEMA], schema=STANDING_SCHEMA)
    return made.filter(pa.array(np.isnat(discharge) | (discharge <= today)))


def _column(values: Any, kind: pa.DataType) -> Any:
    if isinstance(values, np.ndarray) and values.dtype.kind == "M":
        return pa.array(values.astype("datetime64[D]"), pa.date32())
    return pc.cast(values if isinstance(values, pa.Array | pa.ChunkedArray) else pa.array(values), kind)


def _days(spans: Any) -> IntColumn:
    """Spans as whole days; an unknown one is none."""
    found: IntColumn = np.where(np.isnat(spans), 0, spans.astype("timedelta64[D]").astype(np.int64))
    return found


def _begins(policy: Policy, discharge: DayColumn, settled: DayColumn) -> DayColumn:
    """The day from which the upload counts, by the value in force on the discharge (else the settlement)."""
    if UPLOAD_FROM not in policy.edition.parameters:
        return np.where(np.isnat(discharge), settled, discharge)
    any_day = np.where(np.isnat(discharge), settled, discharge)
    begins = np.full(len(any_day), _NAT, dtype="datetime64[D]")
    for day in np.unique(any_day[~np.isnat(any_day)]):
        rows = any_day == day
        chosen = discharge if policy.value(UPLOAD_FROM, day.item()) == "discharge" else settled
        begins[rows] = chosen[rows]
    return begins


class _Paid(NamedTuple):
    """For each unit the month whose closing paid it (null: none) and whether it was late there."""

    period: Any
    late: Any


def _paid(lines: pa.Table, keys: Any, size: int) -> _Paid:
    lines = lines.filter(pc.not_equal(lines["line_kind"], REVERSAL)).sort_by("period")
    place = pc.index_in(keys, value_set=list_keys(lines, "case_id"))
    late = pc.fill_null(pc.equal(lines["line_kind"].take(place), LATE), False)
    return _Paid(lines["period"].take(place), late if size else pa.array([], pa.bool_()))


class _Events(NamedTuple):
    """Steps of units: the row of the unit, the part of the chain, when, the state, and a deadline that was named."""

    row: IntColumn
    part: IntColumn
    at: Any
    state: IntColumn
    due: DayColumn


def _events(
    facts: Facts,
    appeals: pa.Table,
    published: Mapping[str, Published],
    paid: _Paid,
    keys: Any,
    today: np.datetime64,
) -> _Events:
    """All that happened to the units until the end of a day."""
    units = facts.units
    made: list[_Events] = []

    def add(table_keys: Any, part: int, at: Any, state: Any, due: Any = None) -> None:
        rows = pc.index_in(table_keys, value_set=keys)
        known = np.asarray(pc.is_valid(rows))
        when = np.asarray(at)[known].astype("datetime64[s]")
        states = np.asarray(state)[known] if isinstance(state, np.ndarray) else np.full(len(when), state)
        dues = np.full(len(when), _NAT, dtype="datetime64[D]") if due is None else due[known]
        rows_of = np.asarray(rows.drop_null()).astype(np.int64)
        happened = np.isnat(when) | (when.astype("datetime64[D]") <= today)
        made.append(
            _Events(
                rows_of[happened],
                np.full(int(happened.sum()), part),
                when[happened],
                states[happened].astype(np.int64),
                dues[happened].astype("datetime64[D]"),
            )
        )

    sent = facts.uploads.filter(pc.is_valid(facts.uploads["upload_time"]))
    add(list_keys(sent, "case_id"), _TRACK, _seconds(sent["upload_time"]), STATES.index(UPLOADED))
    answers = facts.receipts
    accepted = np.asarray(pc.fill_null(answers["accepted"], False))
    add(
        list_keys(answers, "setl_id"),
        _TRACK,
        _seconds(answers["received_time"]),
        np.where(accepted, STATES.index(ACCEPTED), STATES.index(RETURNED)),
        days_of(answers["due_date"]),
    )
    result = units.filter(pc.is_valid(units["result_accepted"]))
    add(list_keys(result, "case_id"), _TRACK, _end_of(days_of(result["result_accepted"])), STATES.index(ACCEPTED))
    refused = facts.rejections
    add(list_keys(refused, "case_id"), _REJECTED, _seconds(refused["at"]), STATES.index(RETURNED))
    grouped = units.filter(pc.is_valid(paid.period))
    add(
        list_keys(grouped, "case_id"),
        _PAID,
        np.full(grouped.num_rows, _NAT, dtype="datetime64[s]"),
        STATES.index(GROUPED),
    )
    decided = facts.decisions.filter(pc.is_in(facts.decisions["kind"], pa.array(APPEALS)))
    for table, name, when in ((decided, "setl_id", "decided_date"), (appeals, "case_id", "on")):
        open_ones = np.asarray(pc.is_in(pc.fill_null(table["result"], ""), pa.array(sorted(UNDECIDED))))
        add(
            list_keys(table, name),
            _APPEALS,
            _end_of(days_of(table[when])) + open_ones * np.timedelta64(-1, "s"),
            np.where(open_ones, STATES.index(APPEALED), STATES.index(FINAL)),
        )
    appealing = np.unique(np.concatenate([one.row[one.part == _APPEALS] for one in made]))
    ends = _of_period(paid.period, {period: one.until for period, one in published.items()})
    ended = ends + 1
    silent = ~np.isnat(ended) & ~np.isin(np.arange(units.num_rows), appealing)
    add(keys.filter(pa.array(silent)), _WINDOW, ended[silent].astype("datetime64[s]"), STATES.index(FINAL))
    gone = facts.withdrawals
    add(list_keys(gone, "setl_id"), _GONE, _end_of(days_of(gone["withdrawn_date"])), STATES.index(WITHDRAWN))
    return _Events(*(np.concatenate(parts) for parts in zip(*made, strict=True)))


def _seconds(column: Any) -> Any:
    return pc.cast(column, pa.timestamp("s")).to_numpy(zero_copy_only=False).astype("datetime64[s]")


def _end_of(days: DayColumn) -> Any:
    """A date without a time counts as the end of its day."""
    return days.astype("datetime64[s]") + np.timedelta64(86399, "s")


def _order(events: _Events) -> IntColumn:
    """Events by unit, part of the chain, time and state, as `state_chain` orders them."""
    at = np.where(np.isnat(events.at), np.datetime64(0, "s"), events.at)
    found: IntColumn = np.lexsort((events.state, at, events.part, events.row))
    return found


def _last(events: _Events, size: int) -> _Events:
    """The last step of each unit; row −1 where nothing ever happened."""
    order = _order(events)
    ends = order[np.append(events.row[order][1:] != events.row[order][:-1], True)] if len(order) else order
    row = np.full(size, -1)
    at = np.full(size, _NAT, dtype="datetime64[s]")
    part, state = np.zeros(size, np.int64), np.zeros(size, np.int64)
    due = np.full(size, _NAT, dtype="datetime64[D]")
    units = events.row[ends]
    row[units], part[units], at[units] = units, events.part[ends], events.at[ends]
    state[units], due[units] = events.state[ends], events.due[ends]
    return _Events(row, part, at, state, due)


class _Returns(NamedTuple):
    """Returns of lists: the unit, when, the deadline that the receipt names, when it was answered (NaT: not)."""

    row: IntColumn
    at: Any
    due: DayColumn
    again: Any


def _returns(events: _Events) -> _Returns:
    """Every return of a sent list, with the next time that the list was sent again, or accepted as it was."""
    track = np.flatnonzero(np.isin(events.part, (_TRACK, _REJECTED)))
    order = track[np.lexsort((events.state[track], events.at[track], events.row[track]))]
    row, at, state, due = events.row[order], events.at[order], events.state[order], events.due[order]
    returned = np.flatnonzero(state == STATES.index(RETURNED))
    sent = np.flatnonzero(np.isin(state, (STATES.index(UPLOADED), STATES.index(ACCEPTED))))
    following = np.searchsorted(sent, returned)
    place = sent[np.minimum(following, max(len(sent) - 1, 0))] if len(sent) else np.zeros(len(returned), np.int64)
    same = (following < len(sent)) & (row[place] == row[returned]) if len(returned) else np.zeros(0, bool)
    again = np.where(same, at[place], np.datetime64("NaT", "s")) if len(returned) else at[:0]
    return _Returns(row[returned], at[returned], due[returned], again)


def _worst(returns: _Returns, due: DayColumn, today: np.datetime64, is_returned: BoolColumn) -> IntColumn:
    """The most days that a unit took beyond the limit for sending a returned list again.

    A return that nobody answered counts as long as the list stands returned: once a month has paid it, none is awaited.
    """
    again = returns.again.astype("datetime64[D]")
    waiting = np.where(is_returned[returns.row], _days(today - due), 0)
    over = np.where(np.isnat(again), waiting, _days(again - due))
    worst = np.zeros(len(is_returned), np.int64)
    np.maximum.at(worst, returns.row, over)
    return worst


def _of_period(period: Any, days: Mapping[str, date | None]) -> DayColumn:
    """The day that belongs to the month of each unit, NaT where there is none."""
    values = pa.array(list(days.values()), pa.date32())
    place = pc.index_in(period, value_set=pa.array(list(days), pa.string()), skip_nulls=True)
    found: DayColumn = days_of(values.take(place.combine_chunks() if isinstance(place, pa.ChunkedArray) else place))
    return found


def _act_by(state: IntColumn, published_on: DayColumn) -> Any:
    """Who must act in a state; in a published month the hospital may appeal."""
    actors = {
        DRAFT: HOSPITAL,
        UPLOADED: AGENCY,
        RETURNED: HOSPITAL,
        ACCEPTED: AGENCY,
        GROUPED: AGENCY,
        APPEALED: AGENCY,
        FINAL: NOBODY,
        WITHDRAWN: NOBODY,
    }
    found = np.array([actors[one] for one in STATES])[state]
    is_open: BoolColumn = (state == STATES.index(GROUPED)) & ~np.isnat(published_on)
    return np.where(is_open, HOSPITAL, found)
