"""Guokao 国考: how far the filing of every hospital of the scope is."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from tongpin.base.errors import TongpinError
from tongpin.measures.guokao.catalogue import load_set
from tongpin.measures.guokao.tables import calendar_of
from tongpin.measures.guokao.tasks import AGAIN, BACK, OPEN, OWNED, READY, SENT, read_events, tasks_of
from tongpin.store.scope import Scope
from tongpin.workbench.assess.filing import late_of, seen_hospitals, states_of
from tongpin.workbench.listings.catalogue import Loaded
from tongpin.workbench.today import today

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tongpin.store.home import Home

_COUNTS = ("indicators", "open", "owned", "ready", "sent", "back", "late")
_SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in ("code", "name", "manual", "reason")),
        ("participates", pa.bool_()),
        *((name, pa.int64()) for name in _COUNTS),
        ("done", pa.float64()),
    ]
)


def year_of(text: str) -> int:
    """A year as it was chosen; TongpinError `table.parameter` for anything else."""
    if not re.fullmatch(r"20\d\d", text):
        raise TongpinError("table.parameter", f"年度“{text}”不对", where="year", hint="例如 2025")
    return int(text)


def load_guokao_hospitals(home: Home, parameters: Mapping[str, str]) -> Loaded:
    """A row for each hospital: indicators by state, those behind the calendar, or why it does not take part."""
    year = year_of(parameters["year"])
    steps, day = calendar_of(year, home), today(home)
    rows = []
    for one in seen_hospitals(home, home.scope or Scope(), year):
        row: dict[str, Any] = {"code": one.code, "name": one.name, "manual": one.manual.manual}
        row["reason"] = one.reason or None
        if not one.set_name:
            rows.append(row | {"participates": False})
            continue
        tasks = tasks_of(read_events(home, one.code, year), load_set(one.set_name))
        states = states_of(tasks)
        sent = states[SENT] + states[AGAIN]
        rows.append(
            row
            | {
                "participates": True,
                "indicators": len(tasks),
                "open": states[OPEN],
                "owned": states[OWNED],
                "ready": states[READY],
                "sent": sent,
                "back": states[BACK],
                "late": late_of(tasks, steps, day),
                "done": sent / len(tasks),
            }
        )
    return Loaded(pa.Table.from_pylist(rows, schema=_SCHEMA), (f"今天按 {day}；期限见填报日历，假定的以通知为准",))
