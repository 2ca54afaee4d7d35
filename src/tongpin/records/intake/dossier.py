"""Dossier 清单档案: everything a home knows of one case: its versions and what changed, findings, states, persons."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tongpin.records.case.patients import masked
from tongpin.records.case.schema import CASE_SCHEMA, DETAIL_SCHEMA
from tongpin.records.intake.finding_history import OPEN
from tongpin.records.intake.lake_tables import (
    CASES,
    DECISIONS,
    FINDINGS,
    KEYS,
    LOADS,
    ORDERS,
    RECEIPTS,
    RESULTS,
    SEALED,
    WITHDRAWALS,
    read_loaded,
    schema_of,
    typed,
)
from tongpin.records.intake.states import Appeal, ListFacts, Receipt, Rejection, Step, state_chain
from tongpin.store import lake, seal, versions
from tongpin.store.digests import SEPARATOR

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date, datetime

    from tongpin.store.home import Home

LIST_SOURCE = "settlement_list"
APPEALS = ("appeal", "special_case")
NOT_COMPARED = frozenset({"file", "record", SEALED})


@dataclass(frozen=True)
class Version:
    """A version of a case: the load that brought it and when, its file, the columns in which it differs from the last.

    `changes` holds (column, value before, value now); `case` is the whole of it, without what names the patient.
    """

    load: int
    loaded_at: datetime | None
    file: str
    record: int
    upload_time: datetime | None
    in_force: bool
    changes: tuple[tuple[str, Any, Any], ...]
    case: dict[str, Any]


@dataclass(frozen=True)
class Dossier:
    """One case: the version in force typed, its persons masked, its versions in order, its findings, its states."""

    case: dict[str, Any]
    persons: dict[str, str]
    versions: tuple[Version, ...]
    findings: tuple[dict[str, Any], ...]
    states: tuple[Step, ...]


class Further(NamedTuple):
    """What the rooms above know of a list: it stands in a settled month, its appeals, when it became final unasked."""

    grouped: bool = False
    appeals: tuple[Appeal, ...] = ()
    final_on: date | None = None


def dossiers(
    home: Home, case_id: str, *, as_of: int | None = None, further: Mapping[str, Further] | None = None
) -> list[Dossier]:
    """The cases of that id, one for each source and institution; rejected ones have findings but no case.

    `as_of` shows the case as it was after a load; `further`, by institution, is what records do not hold. Reads the
    home's patient key to show who the patient is, masked. Source: S901-05.
    """
    further = further or {}
    rows = lake.read(home, CASES, where=("case_id", pa.array([case_id])))
    findings = _findings(home, case_id, as_of)
    loads = {row["load"]: row["loaded_at"] for row in read_loaded(home, LOADS).to_pylist()}
    subjects = {one["subject"] for one in findings}
    made: list[Dossier] = []
    if rows is not None and rows.num_rows:
        if as_of is not None:
            rows = rows.filter(pc.less_equal(rows[lake.VERSION], as_of))
        keys = lake.key_texts(rows, KEYS[CASES])
        for key in pc.unique(keys).to_pylist():
            mine = [one for one in findings if one["subject"] == key]
            subjects.discard(key)
            known = further.get(key.split(SEPARATOR)[1], Further())
            made.append(_dossier(home, rows.filter(pc.equal(keys, key)), mine, loads, known))
    for subject in sorted(subjects):
        mine = [one for one in findings if one["subject"] == subject]
        source, institution, number = subject.split(SEPARATOR)
        case = {"source": source, "institution_code": institution or None, "case_id": number}
        known = further.get(institution, Further())
        made.append(Dossier(case, {}, (), tuple(mine), _states(home, case, (), mine, loads, known)))
    return made


def _findings(home: Home, case_id: str, as_of: int | None) -> list[dict[str, Any]]:
    table = read_loaded(home, FINDINGS, as_of=as_of)
    return list(table.filter(pc.equal(table["case_id"], case_id)).to_pylist())


def _dossier(
    home: Home, rows: pa.Table, findings: list[dict[str, Any]], loads: dict[int, datetime], further: Further
) -> Dossier:
    """The case of which these are all versions."""
    ranks = versions.ranks_of(rows, ORDERS[CASES])
    order = np.lexsort((np.asarray(rows[lake.VERSION]), ranks))
    rows = rows.take(pa.array(order))
    numbers = rows[lake.VERSION].to_pylist()
    known = pa.schema([field for field in schema_of(CASES) if field.name in rows.column_names])
    cases = typed(rows, known)
    plain = cases.drop_columns([SEALED]).to_pylist()
    persons = [_persons(home, cases.slice(row, 1)) for row in range(cases.num_rows)]
    made = []
    for row, case in enumerate(plain):
        changes = _changes(plain[row - 1], case) + _hidden(persons[row - 1], persons[row]) if row else ()
        loaded_at = loads.get(numbers[row])
        last = row == len(plain) - 1
        place = (case["file"], case["record"], case["upload_time"])
        made.append(Version(numbers[row], loaded_at, *place, last, changes, case))
    case = plain[-1]
    return Dossier(
        case,
        {name: masked(name, value) for name, value in persons[-1].items()},
        tuple(made),
        tuple(findings),
        _states(home, case, made, findings, loads, further),
    )


def _persons(home: Home, row: pa.Table) -> dict[str, str]:
    """Who the patient is, unsealed; nothing where the file did not say."""
    if row[SEALED].null_count:
        return {}
    (found,) = seal.unseal(home, row[SEALED]).to_pylist()
    return dict(found)


def persons_of(home: Home, source: str, institution_code: str | None, case_id: str) -> dict[str, str]:
    """Who the patient of a case is, in clear, by column; nothing where no version in force says it.

    Whoever calls it answers for who is shown it and that it is noted. Source: S901-05.
    """
    rows = lake.read(home, CASES, where=("case_id", pa.array([case_id])))
    if rows is None:
        return {}
    rows = lake.in_force_of(rows, KEYS[CASES], ORDERS[CASES])
    same = pc.and_(
        pc.equal(rows["source"], source), pc.equal(pc.fill_null(rows["institution_code"], ""), institution_code or "")
    )
    rows = rows.filter(same)
    return _persons(home, typed(rows, pa.schema([schema_of(CASES).field(SEALED)]))) if rows.num_rows else {}


def _hidden(before: dict[str, str], now: dict[str, str]) -> tuple[tuple[str, Any, Any], ...]:
    """The changes of who the patient is, masked."""
    made = []
    for name, *pair in _changes(before, now):
        first, second = (None if value is None else masked(name, value) for value in pair)
        made.append((name, first, second))
    return tuple(made)


def _changes(before: dict[str, Any], now: dict[str, Any]) -> tuple[tuple[str, Any, Any], ...]:
    names = [name for name in {**before, **now} if name not in NOT_COMPARED]
    return tuple((name, before.get(name), now.get(name)) for name in names if before.get(name) != now.get(name))


def _states(
    home: Home,
    case: dict[str, Any],
    made: Sequence[Version],
    findings: list[dict[str, Any]],
    loads: dict[int, datetime],
    further: Further,
) -> tuple[Step, ...]:
    """The states of a settlement list; other sources have none."""
    if case["source"] != LIST_SOURCE:
        return ()
    of_list = (case["institution_code"], case["case_id"])
    withdrawal = next(iter(_about(home, WITHDRAWALS, *of_list)), None)
    results = read_loaded(home, RESULTS, ["setl_id", "accepted_date"])
    accepted = results.filter(pc.equal(results["setl_id"], of_list[1]))["accepted_date"].to_pylist()
    uploads = [one.upload_time for one in made if one.upload_time is not None]
    if not uploads:  # a list that names no time of sending may still say when it was accepted
        accepted.append(case.get("accepted_date"))
    refused = {one["first_load"]: one for one in findings if one["severity"] == "error"}
    facts = ListFacts(
        uploads=uploads,
        receipts=[
            Receipt(row["received_time"], bool(row["accepted"]), row["message"] or "")
            for row in _about(home, RECEIPTS, *of_list)
        ],
        accepted_on=next((day for day in accepted if day is not None), None),
        rejections=[
            Rejection(loads[load], f"装载时：{one['message']}", one["status"] != OPEN)
            for load, one in refused.items()
            if load in loads
        ],
        grouped=further.grouped,
        appeals=[
            *further.appeals,
            *(
                Appeal(row["decided_date"], row["result"] or "")
                for row in _about(home, DECISIONS, *of_list)
                if row["kind"] in APPEALS
            ),
        ],
        final_on=further.final_on,
        withdrawn_on=_day(withdrawal, "withdrawn_date"),
        withdrawn_why=(withdrawal or {}).get("reason") or "",
    )
    return state_chain(facts)


def _day(row: dict[str, Any] | None, name: str) -> date | None:
    return None if row is None else row[name]


def _about(home: Home, table: str, institution_code: str | None, setl_id: str) -> list[dict[str, Any]]:
    """The rows in force of a table that name a list."""
    found = read_loaded(home, table)
    same = pc.and_(pc.equal(found["setl_id"], setl_id), pc.equal(found["institution_code"], institution_code or ""))
    return list(found.filter(same).to_pylist())


def same_stay(home: Home, case: dict[str, Any]) -> pa.Table:
    """Every record in force of the stay of a case, whole, from all sources: same institution, 病案号, discharge day.

    Core and detail columns; the case itself is among them. Of a case without 病案号 or discharge it alone.
    """
    names = [*CASE_SCHEMA.names, *DETAIL_SCHEMA.names]
    ids = [case["case_id"]]
    if case.get("record_no") and case.get("discharge_time"):
        wanted = ["source", "institution_code", "case_id", "record_no", "discharge_time"]
        known = read_loaded(home, CASES, wanted, where=("institution_code", pa.array([case["institution_code"]])))
        day = pc.cast(known["discharge_time"], pa.date32(), safe=False)
        same = pc.and_(pc.equal(known["record_no"], case["record_no"]), pc.equal(day, case["discharge_time"].date()))
        ids = [*ids, *known.filter(pc.fill_null(same, False))["case_id"].to_pylist()]
    found = read_loaded(home, CASES, names, where=("case_id", pa.array(ids)))
    return found.filter(pc.equal(pc.fill_null(found["institution_code"], ""), case["institution_code"] or ""))
