"""Payers 其他付费方: what further funds and personal accounts pay of posted lines, by fund (S003-18, S900-05)."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tongpin.payment.ledger.accounts import PERSONAL_ACCOUNT, UNDIVIDED
from tongpin.payment.month.posting import list_keys
from tongpin.records.views.stay_lists import MERGED

POOL_FUNDS = ("310100", "340100", "390100")
"""The funds whose part the statement settles; every other payer is a further fund."""

PAYER_SCHEMA = pa.schema(
    [*((name, pa.string()) for name in ("month", "institution_code", "fund")), ("amount_fen", pa.int64())]
)


class Payers(NamedTuple):
    """Amounts by month, institution and fund (`PAYER_SCHEMA`), and the lines whose further funds are not told apart."""

    rows: pa.Table
    undivided_lines: int


def payers_of(lines: pa.Table, cases: pa.Table) -> Payers:
    """What further funds and personal accounts paid of posted lines (`LINE_SCHEMA`); red lines take it back.

    `cases`: `institution_code, case_id, payers` of the lists as they are loaded. A line whose payers do not sum to the
    amount that was frozen with it goes, whole, to the fund of what is not divided.
    """
    sign = np.asarray(lines["line_sign"])
    frozen = pc.fill_null(lines["other_funds_fen"], 0).to_numpy()
    line, fund, amount = _entries(lines, cases)
    signed = amount * sign[line]
    told = np.zeros(lines.num_rows, np.int64)
    np.add.at(told, line, signed)
    divided = told == frozen
    kept = divided[line]
    whole = ~divided
    own = pc.fill_null(lines["account_pay_fen"], 0).to_numpy()
    every = np.arange(lines.num_rows)
    place = pa.array(np.concatenate([line[kept], every[whole], every]))
    names = pa.concat_arrays(
        [
            fund.filter(pa.array(kept)),
            pa.array([UNDIVIDED] * int(whole.sum()), pa.string()),
            pa.array([PERSONAL_ACCOUNT] * lines.num_rows, pa.string()),
        ]
    )
    amounts = np.concatenate([signed[kept], frozen[whole], own])
    made = pa.table(
        {
            "month": lines["period"].take(place),
            "institution_code": lines["institution_code"].take(place),
            "fund": names,
            "amount_fen": pa.array(amounts),
        }
    )
    sums = made.group_by(PAYER_SCHEMA.names[:3]).aggregate([("amount_fen", "sum")])
    rows = sums.rename_columns({"amount_fen_sum": "amount_fen"}).select(PAYER_SCHEMA.names).cast(PAYER_SCHEMA)
    return Payers(rows.sort_by([(name, "ascending") for name in PAYER_SCHEMA.names[:3]]), int(whole.sum()))


def _entries(lines: pa.Table, cases: pa.Table) -> tuple[Any, Any, Any]:
    """Line, fund and amount of every payer beyond the pool."""
    units = paid_units(lines)
    place = pc.index_in(units.lists, value_set=list_keys(cases, "case_id"), skip_nulls=True)
    found = pc.is_valid(place)
    line = units.line[np.asarray(found)]
    owed = pc.take(cases["payers"], place.filter(found))
    owed = pa.concat_arrays(owed.chunks) if isinstance(owed, pa.ChunkedArray) else owed
    parents, flat = pc.list_parent_indices(owed), pc.list_flatten(owed)
    fund, amount = pc.struct_field(flat, "fund"), pc.fill_null(pc.struct_field(flat, "amount_fen"), 0)
    beyond = pc.invert(pc.is_in(fund, pa.array([*POOL_FUNDS, PERSONAL_ACCOUNT])))
    chosen = np.asarray(beyond)
    return line[np.asarray(parents)[chosen]], fund.filter(beyond), np.asarray(amount)[chosen]


class Units(NamedTuple):
    """The lists that lines pay: the key of each list (institution and id), and the place of the line that pays it."""

    lists: Any
    line: Any


def paid_units(lines: pa.Table) -> Units:
    """Every list behind lines: the line's own id, or those of the lists of one stay that it pays together."""
    merged = lines[MERGED].combine_chunks()
    merged = pa.concat_arrays(merged.chunks) if isinstance(merged, pa.ChunkedArray) else merged
    alone = np.asarray(pc.fill_null(pc.equal(pc.list_value_length(merged), 0), True))
    parents = pc.list_parent_indices(merged)
    together = pa.table(
        {"institution_code": lines["institution_code"].take(parents), "case_id": pc.list_flatten(merged)}
    )
    own = list_keys(lines, "case_id").filter(pa.array(alone))
    keys = pa.concat_arrays([own, list_keys(together, "case_id")])
    return Units(keys, np.concatenate([np.flatnonzero(alone), np.asarray(parents)]))
