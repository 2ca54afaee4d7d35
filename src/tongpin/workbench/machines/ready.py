"""Ready 备好: schemes and pricing methods kept in memory, made again when their files or the lake have changed."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, Any, NamedTuple

from tongpin.base.errors import TongpinError
from tongpin.grouping.library import folder_of
from tongpin.grouping.scheme import Scheme
from tongpin.payment.dip.library import open_catalogue
from tongpin.payment.month.closed import every_run
from tongpin.payment.month.methods import method_of
from tongpin.payment.month.statement_columns import DIP, assumed_labels
from tongpin.payment.policy.library import open_policy, policy_folders
from tongpin.records.intake.load import INSTITUTIONS, read_loaded
from tongpin.records.views.edition import open_edition
from tongpin.store import lake
from tongpin.workbench.listings.views import state_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    import pyarrow as pa

    from tongpin.payment.dip.catalogue import Catalogue
    from tongpin.payment.month.methods import Method
    from tongpin.payment.policy.policy import Policy
    from tongpin.records.views.edition import Edition
    from tongpin.store.home import Home

MOST_KEPT = 32


class Desk(NamedTuple):
    """All that the price of a case of a month needs: edition, method, catalogue (DIP), institutions, reading edition.

    `assumed`: what of edition and catalogue no document confirms.
    """

    policy: Policy
    method: Method
    catalogue: Catalogue | None
    institutions: pa.Table
    edition: Edition
    assumed: tuple[str, ...]


class Ready:
    """What is kept in memory; safe for threads, one a process."""

    def __init__(self) -> None:
        self._kept: dict[Any, tuple[Any, Any]] = {}
        self._locks: dict[Any, threading.Lock] = {}
        self._guard = threading.Lock()

    def scheme(self, home: Home, name: str | None) -> Scheme:
        """A scheme by id, or the one of the last closed month. Errors: `scheme.unknown`, `group.scheme`."""
        chosen = name or self._of_last_month(home)
        folder = folder_of(home, chosen)
        made: Scheme = self._get(("scheme", folder), files_state([folder]), lambda: Scheme.load(chosen, home=home))
        return made

    def kept_scheme(self, home: Home, name: str | None) -> Scheme | None:
        """The same where it is in memory and its files did not change; nothing is read but their times."""
        if name is None and not every_run(home):
            return None
        folder = folder_of(home, name or self._of_last_month(home))
        kept = self._kept.get(("scheme", folder))
        if kept is None or kept[0] != files_state([folder]):
            return None
        made: Scheme = kept[1]
        return made

    def desk(self, home: Home, area: str | None, month: str) -> Desk:
        """The desk that prices a month (`YYYY-MM`) of an area; errors as of `open_policy` and `method_of`."""
        folders = [*policy_folders(home).values(), home.schemes, home.policies]
        state = (files_state(folders), state_of(home))
        made: Desk = self._get(("desk", home.root, area, month), state, lambda: _desk(home, area, month))
        return made

    def hospital_names(self, home: Home) -> dict[str, str]:
        """The name of every registered institution by its code."""
        state = lake.state(home, INSTITUTIONS)
        found: dict[str, str] = self._get(("names", home.root, home.scope), state, lambda: _names(home))
        return found

    def _of_last_month(self, home: Home) -> str:
        runs = every_run(home)
        if not runs:
            hint = "在 scheme 里写方案的代号；看 /api/v1/tables 或 tongpin scheme list"
            raise TongpinError("group.scheme", "还没有关账的月份，不知道用哪个分组方案", where="scheme", hint=hint)
        last: str = max(runs.values(), key=lambda one: one["month"])["scheme"]
        return last

    def _get(self, key: Any, state: Any, make: Callable[[], Any]) -> Any:
        with self._guard:
            lock = self._locks.setdefault(key, threading.Lock())
        # Whoever wants the same waits, for seconds at most, and it is never made twice; others go on.
        with lock:
            with self._guard:
                kept = self._kept.get(key)
            if kept is not None and kept[0] == state:
                return kept[1]
            made = make()
            with self._guard:
                self._kept.pop(key, None)
                self._kept[key] = (state, made)
                while len(self._kept) > MOST_KEPT:
                    oldest = next(iter(self._kept))
                    del self._kept[oldest]
                    self._locks.pop(oldest, None)
            return made


def _names(home: Home) -> dict[str, str]:
    register = read_loaded(home, INSTITUTIONS, ["institution_code", "institution_name"])
    return dict(zip(*(register[name].to_pylist() for name in register.column_names), strict=True))


def _desk(home: Home, area: str | None, month: str) -> Desk:
    policy = open_policy(home, area, month)
    method = method_of(home, policy)
    catalogue = open_catalogue(home, method.scheme_id) if method.name == DIP else None
    institutions = read_loaded(home, INSTITUTIONS)
    edition = open_edition(home, policy.id.split("/")[0])
    return Desk(policy, method, catalogue, institutions, edition, (*assumed_labels(policy), *method.assumed))


def files_state(folders: Iterable[Path]) -> tuple[tuple[str, int, int], ...]:
    """What changes whenever a file of these folders does: name, time and size of each."""
    found = []
    for folder in folders:
        try:
            with os.scandir(folder) as entries:
                for entry in sorted(entries, key=lambda one: one.name):
                    status = entry.stat()
                    found.append((entry.path, status.st_mtime_ns, status.st_size))
        except FileNotFoundError:
            continue
    return tuple(found)
