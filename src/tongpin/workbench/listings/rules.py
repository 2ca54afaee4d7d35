"""Rules 目录: every entry of every catalogue."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from tongpin.store.home import Home
from tongpin.workbench.assess.entries import KINDS, entries
from tongpin.workbench.listings.catalogue import Loaded

if TYPE_CHECKING:
    from collections.abc import Mapping

_TEXTS = ("kind", "kind_label", "id", "label", "words", "unit", "reference", "origin", "text")


def load_catalogue(home: Home, parameters: Mapping[str, str]) -> Loaded:
    """A row for each entry, of one kind where it is named; `text` holds all that a search looks through."""
    wanted = parameters.get("kind")
    rows = [
        {
            **{name: getattr(one, name) for name in ("kind", "id", "label", "words", "unit", "reference", "origin")},
            "kind_label": KINDS[one.kind],
            "assumed": one.assumed,
            "text": " ".join([one.id, one.label, one.words, one.reference, *(text for _, text in one.details)]),
        }
        # Rules only, the same for everybody; which of them count depends on what the whole home holds.
        for one in entries(Home(home.root))
        if wanted in {None, one.kind}
    ]
    schema = pa.schema([*((name, pa.string()) for name in _TEXTS), ("assumed", pa.bool_())])
    return Loaded(pa.Table.from_pylist(rows, schema=schema))
