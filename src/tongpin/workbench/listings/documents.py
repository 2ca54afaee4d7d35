"""Documents 公文: every document that the desk sees, with what it waits for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from tongpin.documents.document import PENDING, STATES, listed
from tongpin.documents.duties import open_duties
from tongpin.documents.flow import SUBJECT
from tongpin.documents.kinds import kind_of
from tongpin.store.control import control_engine, reading
from tongpin.workbench.approval.after import STAGES, After, after_all
from tongpin.workbench.listings.catalogue import Loaded

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tongpin.store.home import Home

_SCHEMA = pa.schema(
    [
        ("id", pa.int64()),
        *((name, pa.string()) for name in ("kind", "kind_label", "title", "state", "state_label", "waits")),
        *((name, pa.string()) for name in ("institution_code", "digest")),
        ("version", pa.int64()),
        ("amount_fen", pa.int64()),
        ("created", pa.date32()),
        ("changed", pa.date32()),
    ]
)


def load_documents(home: Home, parameters: Mapping[str, str]) -> Loaded:
    """The documents of the scope, newest first; of one kind or state where named."""
    rules = open_duties(home)
    kind, state = parameters.get("kind") or None, parameters.get("state")
    with reading(control_engine(home)) as connection:
        documents = listed(connection, home.scope, kind=kind, states=(state,) if state else ())
        every = after_all(connection)
    rows = []
    for one in documents:
        now = every.get(SUBJECT.format(one.id), After())
        waits = f"待{rules.step_label(one.step)}" if one.state == PENDING else STAGES.get(now.stage(one), "")
        amount = one.payload.get("amount_fen")
        rows.append(
            {
                "id": one.id,
                "kind": one.kind,
                "kind_label": kind_of(one.kind).label,
                "title": one.title,
                "state": one.state,
                "state_label": STATES[one.state],
                "waits": waits,
                "institution_code": one.institution_code,
                "digest": (one.digest or "")[:16] or None,
                "version": one.version,
                "amount_fen": amount if isinstance(amount, int) else None,
                "created": one.created_at.date(),
                "changed": max([one.changed_at, *(entry.at for entry in now if entry)]).date(),
            }
        )
    return Loaded(pa.Table.from_pylist(rows, schema=_SCHEMA))
