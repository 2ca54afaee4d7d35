"""Actors 办事人: who acts on a document, as a plain value; users and passwords are no business of this room."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from tongpin.store.scope import Scope


class Actor(NamedTuple):
    """Somebody by login name, the ids of the roles in which they act now, and whose documents they see (None: all)."""

    name: str
    roles: tuple[str, ...]
    scope: Scope | None = None
