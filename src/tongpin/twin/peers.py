"""Peers 同级: the last figures of assessed hospitals that were loaded, against which a score is simulated (S000-42)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tongpin.measures.guokao.score import PEER_SCHEMA, peer_values

if TYPE_CHECKING:
    import pyarrow as pa

    from tongpin.store.home import Home

YEARS_BACK = 3
"""How many years back peers still count."""


def latest_peers(home: Home, year: int, manual: str) -> tuple[pa.Table, int | None]:
    """The peers of a manual in a year, or the last year before it that has any (`PEER_SCHEMA`), and that year."""
    for before in range(YEARS_BACK):
        peers = peer_values(home, year - before, manual)
        if peers.num_rows:
            return peers, year - before
    return PEER_SCHEMA.empty_table(), None
