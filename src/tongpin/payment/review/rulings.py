"""Rulings 入清算: what was decided, as rows of the decision layout for step 8 of the clearing (S903-03)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa

from tongpin.payment.review.account import Application, applications, read_events
from tongpin.payment.review.criteria import LABELS
from tongpin.records.layouts.catalogue import layout_schema

if TYPE_CHECKING:
    from tongpin.store.home import Home


def decisions(home: Home, area: str, year: int) -> pa.Table:
    """The decided applications of an area and clearing year, refused ones too, in the layout `decision`.

    A list posted in a later year than its own may be cleared in either (S900-02): it is given for both, and the
    clearing that does not hold the list leaves it aside.
    """
    schema = layout_schema("decision")
    known = applications(read_events(home, area)).values()
    rows = [_row(one) for one in known if one.decided and year in {one.body["year"], int(one.body["period"][:4])}]
    return pa.Table.from_pylist([{name: row.get(name) for name in schema.names} for row in rows], schema=schema)


def _row(one: Application) -> dict[str, Any]:
    body, decided = one.body, one.decided
    assert decided is not None
    return {
        "area": one.area,
        "institution_code": body["institution_code"],
        "kind": "special_case",
        "fund": body["fund"],
        "year": body["year"],
        "amount_fen": decided.body["amount_fen"],
        "result": decided.body["result"],
        "setl_id": body["list_id"],
        "group_code": body["drg"],
        "subject": f"特例单议 {one.id}：{LABELS[body['criterion']]}",
        "reason": decided.body["rule"],
        "decided_date": decided.on,
        "document": decided.body["document"],
    }
