"""Errands 事项: every kind of document that something follows, and what a proposal was asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tongpin.base.errors import TongpinError
from tongpin.documents.attachments import kept_file
from tongpin.workbench.approval.edition_errand import EDITION
from tongpin.workbench.approval.errand_shapes import File, Wanted
from tongpin.workbench.approval.filing_errand import FILING
from tongpin.workbench.approval.money_errands import MONEY

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tongpin.store.home import Home
    from tongpin.workbench.approval.errand_shapes import Errand


def errands() -> dict[str, Errand]:
    """Every errand by the kind of its document."""
    return {one.kind: one for one in (*MONEY, FILING, EDITION)}


def errand_of(kind: str) -> Errand:
    """The errand of a kind; TongpinError `documents.errand` when nothing is carried out by documents of that kind."""
    if kind not in errands():
        raise TongpinError("documents.errand", "这种公文办结后没有要执行的事", where=kind, hint="、".join(errands()))
    return errands()[kind]


def wanted_again(home: Home, payload: Mapping[str, Any]) -> Wanted:
    """What a document was asked for, to be made anew; `documents.changed` when its file is not what was attached."""
    file = payload.get("file")
    return Wanted(
        payload.get("area", ""),
        payload.get("month", ""),
        payload.get("year", 0),
        payload.get("edition"),
        tuple(payload.get("short", ())),
        payload.get("history", ""),
        payload.get("hospital", ""),
        None if file is None else File(file["name"], kept_file(home, file["digest"], file["name"])),
    )
