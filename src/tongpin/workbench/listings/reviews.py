"""Reviews 特例单议: lists that could be applied for before their deadline, and the applications with their state."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from tongpin.payment.month.statement_columns import synthetic_notice
from tongpin.payment.review.account import applications, read_events
from tongpin.payment.review.candidates import candidates
from tongpin.payment.review.criteria import LABELS
from tongpin.workbench.listings.catalogue import Loaded
from tongpin.workbench.listings.money import sees, whole_of
from tongpin.workbench.today import today

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tongpin.store.home import Home

_CANDIDATES = pa.schema(
    [
        *((name, pa.string()) for name in ("list_id", "institution_code", "institution_name", "drg")),
        *((name, pa.int64()) for name in ("los", "fee_fen", "standard_fen", "gross_fen", "gain_fen")),
        *((name, pa.string()) for name in ("criteria", "state")),
        ("deadline", pa.date32()),
    ]
)
_REVIEWS = pa.schema(
    [
        *((name, pa.string()) for name in ("id", "institution_name", "list_id", "drg", "criterion_label", "state")),
        ("filed", pa.date32()),
        *((name, pa.int64()) for name in ("fee_fen", "gross_fen", "asked_fen", "decided_fen", "panel", "votes")),
    ]
)


def load_review_candidates(home: Home, parameters: Mapping[str, str]) -> Loaded:
    """The lists of a month that meet a criterion and would be paid more; seen on the day of the home."""
    # A case is judged against its group in the whole area: computed with the whole home, only own rows are given.
    on = today(home)
    found = candidates(whole_of(home), parameters["month"], on, parameters["area"])
    rows = [
        one._asdict()
        | {
            "criteria": "、".join(LABELS[code] for code in one.criteria),
            "state": f"已申报 {one.application}"
            if one.application
            else f"还有 {one.days_left} 天"
            if one.days_left >= 0
            else "已过期限",
        }
        for one in found.rows
        if sees(home, one.institution_code)
    ]
    table = pa.Table.from_pylist([{name: row[name] for name in _CANDIDATES.names} for row in rows], schema=_CANDIDATES)
    quotas = tuple(one.text for one in found.quotas if home.scope is not None and sees(home, one.institution_code))
    day = f"按 {on} 计算期限"
    return Loaded(
        table,
        (*synthetic_notice(home), day, *quotas, *(note.partition("：")[0] for note in found.notes)),
        found.assumed,
    )


def load_reviews(home: Home, parameters: Mapping[str, str]) -> Loaded:
    """The applications of the scope; to experts, who see cases only, no hospital and no list is named."""
    is_blind = home.scope is not None and home.scope.cases is not None
    known = applications(read_events(home, parameters["area"])).values()
    rows = [
        {
            "id": one.id,
            "institution_name": None if is_blind else one.body["institution_name"],
            "list_id": None if is_blind else one.body["list_id"],
            "drg": one.body["drg"],
            "criterion_label": LABELS[one.body["criterion"]],
            "state": one.state,
            "filed": one.filed,
            "fee_fen": one.body["figures"]["total_fee_fen"],
            "gross_fen": one.body["figures"]["gross_fen"],
            "asked_fen": one.body["pay"]["amount_fen"],
            "decided_fen": one.decided.body["amount_fen"] if one.decided else None,
            "panel": len(one.panel),
            "votes": len(one.votes),
        }
        for one in known
    ]
    simulated = any(one.body["assumed"] for one in known)
    return Loaded(pa.Table.from_pylist(rows, schema=_REVIEWS), synthetic_notice(home), simulated)
