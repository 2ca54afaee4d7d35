"""Errand shapes 事项的形状: what a document puts forward, and the sheet that is signed, the same for every kind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from tongpin.store.home import Home


class File(NamedTuple):
    """A file as it was sent."""

    name: str
    content: bytes


class Proposal(NamedTuple):
    """What is put forward: what it is about, its title, the content that is signed, whose it is, a file beside it."""

    subject: str
    title: str
    payload: dict[str, Any]
    institution_code: str | None = None
    file: File | None = None


class Wanted(NamedTuple):
    """What a proposal is asked for.

    `area`, `month`, `year` for money; `edition`, `short` of cash, `history` (CSV) for prepayments; `hospital` and
    `year` for a filing; `file` for an edition of the terms of payment.
    """

    area: str = ""
    month: str = ""
    year: int = 0
    edition: str | None = None
    short: tuple[str, ...] = ()
    history: str = ""
    hospital: str = ""
    file: File | None = None


class Task(NamedTuple):
    """An approved document that is carried out: its payload, its number as 文号, and who carries it out."""

    payload: Mapping[str, Any]
    document: str
    actor: str


class Errand(NamedTuple):
    """A kind of document that something follows: who proposes and carries it out, how, and what its acts are called.

    `again` is what making the proposal anew is called; `pays` says that a stamp and a transfer follow. `carry_out`
    gives what the journal keeps.
    """

    kind: str
    permission: str
    act_label: str
    consequence: str
    again: str
    propose: Callable[[Home, Wanted], Proposal]
    carry_out: Callable[[Home, Task], dict[str, Any]]
    pays: bool = False


def column(name: str, label: str, kind: str = "text", unit: str = "") -> dict[str, str]:
    """A column of a signed table."""
    return {"id": name, "label": label, "kind": kind, "unit": unit}


def fact(name: str, label: str, value: Any, kind: str = "text", unit: str = "") -> dict[str, Any]:
    """A line of what a document rests on."""
    return {"id": name, "label": label, "kind": kind, "unit": unit, "value": value}


def table(
    name: str,
    label: str,
    columns: Sequence[Mapping[str, str]],
    rows: Sequence[Mapping[str, Any]],
    *,
    total: bool = False,
    amounts: Sequence[str] = (),
) -> dict[str, Any]:
    """A signed table; `total` adds a row of sums, `amounts` are the texts that are money where the row's unit is."""
    return {
        "id": name,
        "label": label,
        "columns": [*columns],
        "rows": [*rows],
        "total": total,
        "amounts": [*amounts],
    }
