"""The kinds of faults 差错种类: registered by name, each an edit of one 4101 message; a new kind is a function."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np

Message = dict[str, Any]

OTHER_GROUP = "other_group"
HARMLESS = "harmless"
STATUSES = ("ungrouped", "check_failed")
MODULES = ("codes", "money", "persons", "transfer")
"""The modules of this package that hold the kinds."""


class Material(NamedTuple):
    """What edits draw from: a random stream, and codes by what they do under the scheme of the city.

    `of_sex` are principal diagnoses of one sex (1, 2), `ungroupable` known diagnoses that group nowhere, `tcm` TCM
    diagnoses; all as (code, name).
    """

    rng: np.random.Generator
    of_sex: dict[str, tuple[tuple[str, str], ...]]
    ungroupable: tuple[tuple[str, str], ...]
    tcm: tuple[tuple[str, str], ...]


class Kind(NamedTuple):
    """A kind of fault.

    `breaks` is the reading rule (`REC-…`), the grouping status, `other_group` (groups, but elsewhere) or `harmless`.
    `returned` says that the platform sends such a list back. `edit` gives the line as sent, None where the kind does
    not fit the list. `repeats` adds the line once more at the end; `blanks` are columns that the settlement result
    lacks too.
    """

    name: str
    label: str
    breaks: str
    returned: bool
    edit: Callable[[Message, Material], bytes | None]
    repeats: bool = False
    blanks: tuple[str, ...] = ()

    @property
    def regroups(self) -> bool:
        """Whether a candidate has to be grouped to know that the fault does what it says."""
        return self.breaks == OTHER_GROUP or self.breaks in STATUSES


_KINDS: dict[str, Kind] = {}


def fault(
    name: str,
    label: str,
    *,
    breaks: str,
    returned: bool = True,
    blanks: tuple[str, ...] = (),
) -> Callable[[Callable[[Message, Material], Message | None]], Callable[[Message, Material], Message | None]]:
    """Register an edit of a message under a name; the edit changes the message in place and gives it, or gives None."""

    def register(
        edit: Callable[[Message, Material], Message | None],
    ) -> Callable[[Message, Material], Message | None]:
        def line(message: Message, material: Material) -> bytes | None:
            edited = edit(message, material)
            return None if edited is None else orjson.dumps(edited)

        register_kind(Kind(name, label, breaks, returned, line, blanks=blanks))
        return edit

    return register


def register_kind(kind: Kind) -> None:
    """Register a kind as it is; a name stands once."""
    if kind.name in _KINDS:
        raise ValueError(f"the fault {kind.name} is registered already")
    _KINDS[kind.name] = kind


@cache
def _modules() -> None:
    for name in MODULES:
        import_module(f"tongpin.demo.faults.{name}")


def kinds() -> dict[str, Kind]:
    """Every kind by name."""
    _modules()
    return _KINDS
