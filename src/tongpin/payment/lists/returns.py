"""Returned lists 退回的清单: what the platform or the reading sent back, why, and whose it is to mend (S901-03)."""

from __future__ import annotations

import hashlib
import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from tongpin.payment.lists.editions import Editions
from tongpin.payment.lists.facts import LIST, REJECTED, read_facts
from tongpin.payment.lists.feedback import appeal_steps, publications
from tongpin.payment.lists.standing import standing
from tongpin.payment.lists.workdays import open_workdays
from tongpin.payment.month.posting import SEPARATOR, list_keys
from tongpin.records.case.rules import rules
from tongpin.records.intake.finding_history import OPEN
from tongpin.records.intake.lake_tables import CASES, FINDINGS, LOADS, read_loaded
from tongpin.records.intake.states import RETURNED, WITHDRAWN
from tongpin.records.views.returns import Pointed, field_label, pointers

if TYPE_CHECKING:
    from datetime import date, datetime

    from tongpin.payment.lists.facts import Facts
    from tongpin.records.views.returns import Pointers
    from tongpin.store.home import Home

BY_PLATFORM, BY_READING, BY_CHECK = "platform", "reading", "check"
KIND_LABELS = {BY_PLATFORM: "平台退回", BY_READING: "没有读入", BY_CHECK: "读入时发现"}
RETURN_SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in ("institution_code", "case_id", "month", "dept", "kind", "code", "message")),
        *((name, pa.string()) for name in ("path", "field", "office", "office_label", "hint", "cause")),
        ("returned_on", pa.date32()),
        ("due", pa.date32()),
        ("days_open", pa.int64()),
        ("over_days", pa.int64()),
        ("open", pa.bool_()),
        ("assumed", pa.bool_()),
    ]
)
"""A return of a list: `open` until the list is known to be sent again, accepted or withdrawn, even where a month has
paid it since; then `days_open` since it came back, `due` the last day to send it again, `over_days` how much later it
is. `cause` is the same for the same code, message and field."""
AGES = ((3, "3 日内"), (7, "4–7 日"), (14, "8–14 日"), (30, "15–30 日"))
OLDEST = "30 日以上"
_INDEX = re.compile(r"\[\d+\]")


class Cause(NamedTuple):
    """Returns of one cause: how many are open and how many came in all, from how many hospitals, for whom."""

    cause: str
    kind: str
    code: str
    message: str
    path: str
    field: str
    office: str
    office_label: str
    hint: str
    open_count: int
    total_count: int
    overdue_count: int
    hospitals: int
    assumed: bool


def returns_in_home(home: Home, area: str | None, month: str | None, on: date) -> pa.Table:
    """The returns of the lists of a month (by discharge; None: all) as they stand on a day (`RETURN_SCHEMA`).

    Answers of the platform that refuse, and readings that an error kept out; the latest first.
    """
    facts = read_facts(home, area, with_pages=False)
    windows = publications(home, area)
    units = standing(facts, appeal_steps(home, area), windows, Editions(home, area).of, open_workdays(home), on)
    if month is not None:
        units = units.filter(pc.equal(units["month"], month))
    by_key = dict(zip(list_keys(units, "case_id").to_pylist(), units.to_pylist(), strict=True))
    known = pointers(home)
    rows = [*_of_platform(facts.receipts, by_key, known, on), *_of_reading(home, by_key, known)]
    depts = _departments(home, [row["case_id"] for row in rows])
    answered = _answered(facts, [row["case_id"] for row in rows])
    last: dict[tuple[str, str], dict[str, Any]] = {}
    for row in sorted(rows, key=lambda one: str(one["at"])):
        row["dept"] = depts.get((row["institution_code"], row["case_id"]))
        last[row["institution_code"], row["case_id"]] = row
    for place, row in last.items():
        unit = by_key[SEPARATOR.join(place)]
        later = answered.get(place)
        if unit["state"] != WITHDRAWN and (later is None or row["at"] is None or later <= row["at"]):
            over = unit["over_days"] if unit["state"] == RETURNED else unit["resubmission_over_days"]
            due = on - timedelta(days=over) if over else unit["due"] if unit["state"] == RETURNED else None
            waited = (on - row["returned_on"]).days if row["returned_on"] else None
            row |= {"open": True, "due": due, "days_open": waited, "over_days": over}
    made = pa.Table.from_pylist([{"open": False, **row} for row in rows], schema=RETURN_SCHEMA)
    return made.sort_by([("open", "descending"), ("returned_on", "descending"), ("case_id", "ascending")])


def _answered(facts: Facts, case_ids: list[str]) -> dict[tuple[str, str], datetime]:
    """When each of these lists was last sent or accepted."""
    wanted = pa.array(sorted(set(case_ids)), pa.string())
    accepted = facts.receipts.filter(pc.fill_null(facts.receipts["accepted"], False))
    found: dict[tuple[str, str], datetime] = {}
    for table, name, at in ((facts.uploads, "case_id", "upload_time"), (accepted, "setl_id", "received_time")):
        for row in table.filter(pc.is_in(table[name], value_set=wanted)).to_pylist():
            key = row["institution_code"], row[name]
            if row[at] is not None and (key not in found or found[key] < row[at]):
                found[key] = row[at]
    return found


def _of_platform(receipts: pa.Table, units: dict[str, Any], known: Pointers, on: date) -> list[dict[str, Any]]:
    answers = receipts.filter(pc.invert(pc.fill_null(receipts["accepted"], True)))
    made = []
    for key, row in zip(list_keys(answers, "setl_id").to_pylist(), answers.to_pylist(), strict=True):
        if key in units and row["received_time"].date() <= on:
            pointed = known.of(row["code"], row["message"], row["field_path"])
            made.append(
                _row(units[key], BY_PLATFORM, row["code"] or "", row["message"] or "", pointed)
                | {"at": row["received_time"], "returned_on": row["received_time"].date()}
            )
    return made


def _of_reading(home: Home, units: dict[str, Any], known: Pointers) -> list[dict[str, Any]]:
    found = read_loaded(home, FINDINGS)
    found = found.filter(pc.and_(pc.equal(found["severity"], "error"), pc.equal(found["source"], LIST)))
    loads = {row["load"]: row["loaded_at"] for row in read_loaded(home, LOADS, ["load", "loaded_at"]).to_pylist()}
    made = []
    for key, row in zip(list_keys(found, "case_id").to_pylist(), found.to_pylist(), strict=True):
        unit = units.get(key)
        if unit is not None and unit["source"] == REJECTED and row["status"] == OPEN:
            pointed = known.of(row["rule_id"], None, row["path"])._replace(hint=row["hint"])
            loaded = loads.get(row["first_load"])
            made.append(
                _row(unit, BY_READING, row["rule_id"], _rule_label(row), pointed)
                | {"at": None, "returned_on": loaded.date() if loaded else None}
            )
    return made


def _row(unit: dict[str, Any], kind: str, code: str, message: str, pointed: Pointed) -> dict[str, Any]:
    path = _INDEX.sub("", pointed.path)
    return {
        **{name: unit[name] for name in ("institution_code", "case_id", "month")},
        "kind": kind,
        "code": code,
        "message": message,
        "path": pointed.path,
        "field": pointed.field,
        "office": pointed.office,
        "office_label": pointed.office_label,
        "hint": pointed.hint,
        "assumed": pointed.assumed,
        "cause": cause_id(kind, code, message if kind == BY_PLATFORM else "", path),
    }


def _rule_label(row: dict[str, Any]) -> str:
    """What people call the rule of a finding; its message where the rule is gone."""
    rule = rules().get(row["rule_id"])
    return rule.label if rule is not None else str(row["message"])


def cause_id(*parts: str) -> str:
    """A short name for a cause, the same for the same parts."""
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:12]


def causes_of(returns: pa.Table) -> list[Cause]:
    """The returns (`RETURN_SCHEMA`) by cause, the one with most open ones first."""
    by_cause: dict[str, list[dict[str, Any]]] = {}
    for row in returns.to_pylist():
        by_cause.setdefault(row["cause"], []).append(row)
    made = []
    for cause, rows in by_cause.items():
        first = rows[0]
        open_ones = [row for row in rows if row["open"]]
        paths = {row["path"] for row in rows}
        plain = next(iter(paths)) if len(paths) == 1 else _INDEX.sub("", first["path"])
        made.append(
            Cause(
                cause=cause,
                **{name: first[name] for name in ("kind", "code", "message", "office", "office_label", "hint")},
                path=plain,
                field=field_label(plain),
                open_count=len(open_ones),
                total_count=len(rows),
                overdue_count=sum(bool(row["over_days"]) for row in open_ones),
                hospitals=len({row["institution_code"] for row in rows}),
                assumed=any(row["assumed"] for row in rows),
            )
        )
    return sorted(made, key=lambda one: (-one.open_count, -one.total_count, one.code, one.message))


def open_findings(home: Home) -> pa.Table:
    """The findings about records that were read in and wait to be mended, in the columns of returns (`RETURN_SCHEMA`).

    Hints (`info`) ask for nothing and are left out.
    """
    found = read_loaded(home, FINDINGS)
    kept_out = pc.and_(pc.equal(found["severity"], "error"), pc.equal(found["source"], LIST))
    wanted = pc.and_(pc.equal(found["status"], OPEN), pc.not_equal(found["severity"], "info"))
    found = found.filter(pc.and_(pc.and_(wanted, pc.invert(kept_out)), pc.is_valid(found["case_id"])))
    known = pointers(home)
    depts = _departments(home, found["case_id"].to_pylist())
    rows = []
    for row in found.to_pylist():
        pointed = known.of(row["rule_id"], None, row["path"])
        unit = {name: row.get(name) for name in ("institution_code", "case_id")} | {"month": None}
        made = _row(unit, BY_CHECK, row["rule_id"], _rule_label(row), pointed._replace(hint=row["hint"]))
        rows.append(made | {"open": True, "dept": depts.get((row["institution_code"], row["case_id"]))})
    return pa.Table.from_pylist(rows, schema=RETURN_SCHEMA)


def ages_of(returns: pa.Table) -> dict[str, int]:
    """How many lists have been back for how long: the open returns by days."""
    counts = dict.fromkeys([*(label for _, label in AGES), OLDEST], 0)
    for days in returns.filter(returns["open"])["days_open"].to_pylist():
        counts[next((label for most, label in AGES if (days or 0) <= most), OLDEST)] += 1
    return counts


def headline(returns: pa.Table) -> str:
    """The returns in one sentence: how many are open, and how many of them for one reason."""
    causes = causes_of(returns)
    waiting = sum(one.open_count for one in causes)
    if not returns.num_rows:
        return "没有退回的清单"
    if not waiting:
        return f"退回过 {returns.num_rows} 份次，都已改正重传"
    first = causes[0]
    if waiting == 1:
        return f"退回待改 1 份：{first.message}"
    if first.open_count == 1:
        return f"退回待改 {waiting} 份，原因各不相同"
    return f"退回待改 {waiting} 份，其中 {first.open_count} 份同一原因：{first.message}"


def _departments(home: Home, case_ids: list[str]) -> dict[tuple[str, str], str]:
    """The department of each list that the lake holds."""
    if not case_ids:
        return {}
    wanted = ["source", "institution_code", "case_id", "dept"]
    found = read_loaded(home, CASES, wanted, where=("case_id", pa.array(sorted(set(case_ids)))))
    return {
        (row["institution_code"], row["case_id"]): row["dept"] for row in found.to_pylist() if row["source"] == LIST
    }
