"""Lists 清单: every list of a month with its state and clock; appeals with what came of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from tongpin.payment.lists.board import board_in_home
from tongpin.payment.lists.editions import area_in
from tongpin.payment.lists.facts import SOURCE_LABELS
from tongpin.payment.lists.feedback import appeals
from tongpin.payment.lists.standing import ACTOR_LABELS
from tongpin.workbench.listings.catalogue import Loaded
from tongpin.workbench.listings.places import institution_names
from tongpin.workbench.today import today

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tongpin.store.home import Home

_DATES = ("discharge_date", "settlement_date", "first_upload", "upload_due", "since", "due", "accepted_date")
_NUMBERS = ("days_in_state", "over_days", "upload_over_days", "resubmission_over_days", "returned_count")


def load_lists_standing(home: Home, parameters: Mapping[str, str]) -> Loaded:
    """The lists discharged in a month as they stand today, with those that should have come and did not."""
    on = today(home)
    board = board_in_home(home, area_in(home, parameters["area"], parameters["month"]), parameters["month"], on)
    units = board.units
    names = institution_names(home)
    columns: dict[str, Any] = {
        name: units[name]
        for name in ("case_id", "institution_code", "state", "late", "period", "total_fee_fen", *_DATES, *_NUMBERS)
    }
    columns |= {
        "institution_name": _said(units["institution_code"], names),
        "source_label": _said(units["source"], SOURCE_LABELS),
        "act_by_label": _said(units["act_by"], ACTOR_LABELS),
    }
    is_simulated = board.policy is not None and any(key.startswith("clock.") for key in board.policy.assumed_keys())
    return Loaded(pa.table(columns), (f"按 {on} 的情况", *board.notes), is_simulated)


def load_appeals(home: Home, parameters: Mapping[str, str]) -> Loaded:
    """Every appeal of an area, the undecided ones too."""
    names = institution_names(home)
    on = today(home)
    rows = [
        {
            **{name: getattr(one, name) for name in ("institution_code", "setl_id", "month", "reason")},
            **{name: getattr(one, name) for name in ("filed_on", "window_end", "decided_on", "document", "amount_fen")},
            "institution_name": names.get(one.institution_code, one.institution_code),
            "result": one.stage,
            "opinion": one.reviews[-1].opinion if one.reviews else None,
            "reviewed_on": one.reviews[-1].on if one.reviews else None,
            "days_open": None if one.result else (on - one.filed_on).days,
            "evidence": len(one.evidence),
        }
        for one in appeals(home, parameters["area"])
    ]
    return Loaded(pa.Table.from_pylist(rows, schema=_APPEALS))


_APPEALS = pa.schema(
    [
        *((name, pa.string()) for name in ("institution_code", "institution_name", "setl_id", "month", "reason")),
        *((name, pa.date32()) for name in ("filed_on", "window_end", "reviewed_on", "decided_on")),
        *((name, pa.string()) for name in ("opinion", "result", "document")),
        *((name, pa.int64()) for name in ("days_open", "evidence", "amount_fen")),
    ]
)


def _said(codes: pa.ChunkedArray, words: Mapping[str, str]) -> pa.Array:
    """Codes as words; a code without a word stays."""
    plain = codes.combine_chunks()
    found = pa.array(list(words.values()), pa.string()).take(
        pc.index_in(plain, value_set=pa.array(list(words), pa.string()))
    )
    return pc.coalesce(found, plain)
