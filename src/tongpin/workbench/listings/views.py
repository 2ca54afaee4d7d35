"""Views 已装入的列表: each list of a desk loaded once, and again only after the home has changed."""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import duckdb

from tongpin.base.errors import TongpinError
from tongpin.store import lake
from tongpin.workbench.listings.query import PACKED, TABLE, Asked, page

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tongpin.store.home import Home
    from tongpin.workbench.listings.catalogue import ListColumn, Listing, Loaded
    from tongpin.workbench.listings.query import Page

MOST_VIEWS, MOST_ROWS = 64, 4_000_000
"""So many lists, and so many of their rows, are kept at a time; the longest unused go first."""


def state_of(home: Home) -> tuple[tuple[str, tuple[Any, ...]], ...]:
    """What changes whenever a table of the home's lake does: the log of each, and the loads that did not end."""
    try:
        names = sorted(entry.name for entry in os.scandir(home.lake) if entry.is_dir())
    except FileNotFoundError:
        return ()
    logs = ((name, lake.log_state(home.lake / name)) for name in names)
    return (*((name, log) for name, log in logs if log), ("", tuple(sorted(lake.unfinished(home)))))


def columns_for(one: Listing, *, sees_money: bool) -> list[ListColumn]:
    """The columns of a list that a role may see."""
    return [column for column in one.columns if sees_money or not column.is_money]


@dataclass
class _View:
    """A loaded list: its rows in a DuckDB of its own, and what was said beside them."""

    loaded: Loaded
    base: duckdb.DuckDBPyConnection
    size: int


@dataclass
class Views:
    """The lists loaded by this process; safe for threads."""

    _kept: OrderedDict[Any, _View] = field(default_factory=OrderedDict)
    _locks: dict[Any, threading.Lock] = field(default_factory=dict)
    _guard: threading.Lock = field(default_factory=threading.Lock)
    # More questions at a time than processors only keep each other waiting.
    _turns: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(os.cpu_count() or 1))

    def page(self, home: Home, one: Listing, asked: Asked, *, sees_money: bool) -> tuple[Page, Loaded]:
        """A page of a list of a (scoped) home; errors of the loader pass through."""
        parameters = checked(one, asked.parameters)
        columns = columns_for(one, sees_money=sees_money)
        view = self._view(home, one, parameters)
        with self._turns, view.base.cursor() as cursor:
            return page(cursor, one, columns, asked), view.loaded

    def _view(self, home: Home, one: Listing, parameters: Mapping[str, str]) -> _View:
        if not one.kept:
            return _opened(one, one.loader()(home, parameters))
        key = (str(home.root), home.scope, one.id, tuple(sorted(parameters.items())))
        state = state_of(home)
        with self._guard:
            lock = self._locks.setdefault(key, threading.Lock())
        with lock:
            with self._guard:
                found = self._kept.get((key, state))
                if found is not None:
                    self._kept.move_to_end((key, state))
                    return found
            view = _opened(one, one.loader()(home, parameters))
            with self._guard:
                for stale in [kept for kept in self._kept if kept[0] == key]:
                    del self._kept[stale]
                self._kept[key, state] = view
                self._shrink()
            return view

    def _shrink(self) -> None:
        while len(self._kept) > MOST_VIEWS or (
            len(self._kept) > 1 and sum(view.size for view in self._kept.values()) > MOST_ROWS
        ):
            (key, _), _view = self._kept.popitem(last=False)
            self._locks.pop(key, None)


def checked(one: Listing, given: Mapping[str, str]) -> dict[str, str]:
    """The parameters of a list; TongpinError `table.parameter` when one is missing or unknown."""
    known = {parameter.id: parameter for parameter in one.parameters}
    for name, value in given.items():
        if name not in known:
            raise TongpinError("table.parameter", f"“{one.label}”没有参数 {name}", where=name, hint="删去它")
        choices = known[name].choices
        if choices and value and value not in choices:
            raise TongpinError(
                "table.parameter", f"{known[name].label}不能是 {value}", where=name, hint="、".join(choices)
            )
    for parameter in one.parameters:
        if parameter.required and not given.get(parameter.id):
            raise TongpinError("table.parameter", f"请选择{parameter.label}", where=parameter.id, hint="选好再看")
    return {name: value for name, value in given.items() if value}


def _opened(one: Listing, loaded: Loaded) -> _View:
    names = [column.id for column in one.columns]
    missing = sorted(set(names) - set(loaded.table.column_names))
    if missing:
        raise AssertionError(f"{one.id}: the loader gives no {missing}")
    base = duckdb.connect()
    base.execute("SET threads = 1")
    # Packed, a list takes a tenth of the memory, and a condition on a text is tried on each different text once.
    base.execute(f"ATTACH ':memory:' AS {PACKED} (COMPRESS)")
    base.register("given", loaded.table.select(names))
    base.execute(f"CREATE TABLE {TABLE} AS SELECT * FROM given")  # noqa: S608
    base.execute(f"CHECKPOINT {PACKED}")
    base.unregister("given")
    return _View(loaded._replace(table=loaded.table.schema.empty_table()), base, loaded.table.num_rows)


def rows_of(page: Page, columns: Sequence[ListColumn]) -> list[dict[str, Any]]:
    """The rows as JSON holds them: dates as ISO text."""
    names = [column.id for column in columns]
    rows = [dict(zip(names, row, strict=True)) for row in page.rows]
    days = [column.id for column in columns if column.kind == "date"]
    for row in rows:
        for name in days:
            if row[name] is not None:
                row[name] = row[name].isoformat()
    return rows
