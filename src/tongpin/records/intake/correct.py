"""Correct 更正: lists of the lake as 4101 messages again, a field of each put right, to be sent as a newer version."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from tongpin.base.errors import RecordsError
from tongpin.records.case.schema import CASE_SCHEMA, DETAIL_SCHEMA, PERSON_SCHEMA
from tongpin.records.intake.lake_tables import CASES, SEALED, read_loaded
from tongpin.records.views.returns import column_of_path
from tongpin.records.writers.settlement_list import settlement_lines
from tongpin.records.writers.shared import Names
from tongpin.store import seal

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tongpin.store.home import Home

LIST_SOURCE = "settlement_list"
SENT = "dcla_time"
_PATH = re.compile(r"(?:(setlinfo)|([a-z]+info)\[(\d+)\])\.(\w+)")
_NAMES = {"diag_code": ("diag_name", "dx"), "oprn_oprt_code": ("oprn_oprt_name", "px")}
"""A code and the name that stands beside it."""
_KEPT = frozenset({"setl_id", "fixmedins_code", SENT})
"""Fields that say which list it is: another value would make it another list."""

Key = tuple[str, str]
"""Institution and setl_id."""


class Correction(NamedTuple):
    """A field of a list and the value that it is to have."""

    institution_code: str
    case_id: str
    path: str
    value: str


def is_correctable(path: str) -> bool:
    """Whether a path names one field whose value can be put right in a list."""
    found = _PATH.fullmatch(path)
    return found is not None and found[4] not in _KEPT and column_of_path(path) is not None


def messages_of(home: Home, keys: Iterable[Key], names: Names | None = None) -> dict[Key, dict[str, Any]]:
    """The lists in force as 4101 messages, by key; those that the lake does not hold are left out.

    They name the patients: whoever asks keeps them no longer than needed.
    """
    wanted = set(keys)
    columns = [*CASE_SCHEMA.names, *DETAIL_SCHEMA.names, SEALED]
    ids = pa.array(sorted({case_id for _, case_id in wanted}), pa.string())
    found = read_loaded(home, CASES, columns, where=("case_id", ids))
    found = found.filter(pc.equal(found["source"], LIST_SOURCE))
    places = list(zip(found["institution_code"].to_pylist(), found["case_id"].to_pylist(), strict=True))
    mine = [row for row, key in enumerate(places) if key in wanted]
    found = found.take(pa.array(mine, pa.int64()))
    persons = seal.unseal(home, found[SEALED].combine_chunks())
    known = pa.table(
        {
            field.name: pc.cast(persons[field.name], field.type)
            if field.name in persons.column_names
            else pa.nulls(found.num_rows, field.type)
            for field in PERSON_SCHEMA
        },
        schema=PERSON_SCHEMA,
    )
    lines = settlement_lines(found.drop_columns([SEALED]), names=names or Names(), persons=known)
    return {places[row]: orjson.loads(line) for row, line in zip(mine, lines, strict=True)}


def value_at(message: Mapping[str, Any], path: str) -> str | None:
    """What stands in a field of a message; None where it has no such place."""
    owner, field = _owner(message, path)
    return None if owner is None else str(owner.get(field, ""))


def corrected_lines(
    home: Home, corrections: Iterable[Correction], sent: datetime, names: Names | None = None
) -> list[bytes]:
    """The corrected lists as 4101 messages, one JSON object each, sent at a time; a code takes its name along.

    Raises RecordsError `correct.path` for what is no field, `correct.unread` for a list that the lake does not hold (it
    was never read in: the hospital's own system has to send it again), `correct.place` where it has no such entry.
    """
    wanted = list(corrections)
    names = names or Names()
    for one in wanted:
        if not is_correctable(one.path):
            raise RecordsError(
                "correct.path",
                f"字段 {one.path or '（空）'} 不能在这里改",
                where=one.case_id,
                hint="在医院系统里改正后重传",
            )
    messages = messages_of(home, [(one.institution_code, one.case_id) for one in wanted], names)
    for one in wanted:
        message = messages.get((one.institution_code, one.case_id))
        if message is None:
            raise RecordsError(
                "correct.unread",
                f"库里没有清单 {one.case_id}（{one.institution_code}）",
                where=one.case_id,
                hint="没有读入过的清单由医院系统改正后重传",
            )
        owner, field = _owner(message, one.path)
        if owner is None:
            raise RecordsError(
                "correct.place", f"清单 {one.case_id} 没有 {one.path}", where=one.case_id, hint="在医院系统里补上后重传"
            )
        owner[field] = one.value
        if field in _NAMES:
            name, kind = _NAMES[field]
            owner[name] = getattr(names, kind).get(one.value, owner.get(name, ""))
        message["setlinfo"][SENT] = _after(message["setlinfo"].get(SENT), sent)
    return [orjson.dumps(message) for message in messages.values()]


def _after(before: str | None, sent: datetime) -> str:
    """The time of sending: now, or a second after the version before, which it replaces."""
    if before and len(before) == len(f"{sent:%Y-%m-%d %H:%M:%S}"):
        sent = max(sent, datetime.fromisoformat(before) + timedelta(seconds=1))
    return f"{sent:%Y-%m-%d %H:%M:%S}"


def _owner(message: Mapping[str, Any], path: str) -> tuple[dict[str, Any] | None, str]:
    """The object that holds a field, and the field's name; a missing first entry of a node is made."""
    found = _PATH.fullmatch(path)
    if found is None:
        return None, ""
    if found[1]:
        return message["setlinfo"], found[4]
    entries, place = message.get(found[2]), int(found[3])
    if entries is None or place > len(entries):
        return None, found[4]
    if place == len(entries):
        entries.append({})
    return entries[place], found[4]
