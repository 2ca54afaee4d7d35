"""List rates 清单时效: how many lists of a month of discharge were sent in time and came back, as additive facts.

They are the counts of the board of lists (S901-02), so that a rate here and the board never differ.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tongpin.payment.lists.board import hospitals_of
from tongpin.payment.lists.clocks import UPLOAD, is_stated

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tongpin.payment.lists.editions import Editions


def list_facts(units: pa.Table, editions: Editions, months: Sequence[str]) -> list[pa.Table]:
    """Facts of standing lists (`STANDING_SCHEMA`) by institution and month of discharge: returns, and the upload.

    `list_sent_count`, `list_returned_count`; `list_on_time_count` of `list_due_count` (sent, or overdue and not sent)
    for the months whose edition sets a limit for the upload: without a limit nothing is in time. Source: S901-02.
    """
    tables = []
    for month in months:
        board = hospitals_of(units.filter(pc.fill_null(pc.equal(units["month"], month), False)), {})
        if not board.num_rows:
            continue
        count = {name: np.asarray(board[name].to_numpy(), dtype=np.int64) for name in _COUNTS}
        place = {"institution_code": board["institution_code"], "month": pa.array([month] * board.num_rows)}
        sent = {"list_sent_count": count["sent"], "list_returned_count": count["ever_returned"]}
        tables.append(pa.table(place | sent))
        policy = editions.of(month)
        if policy is not None and is_stated(policy, UPLOAD):
            due = {
                "list_on_time_count": count["sent"] - count["sent_overdue"],
                "list_due_count": count["sent"] + count["unsent_overdue"],
            }
            tables.append(pa.table(place | due))
    return tables


_COUNTS = ("sent", "ever_returned", "sent_overdue", "unsent_overdue")
