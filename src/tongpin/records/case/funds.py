"""Funds 基金: amounts that settlements name by column, as payers by `fund_pay_type`."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tongpin.records.case import columns, nested
from tongpin.records.formats.tables import rows

if TYPE_CHECKING:
    from collections.abc import Mapping

POOL, OTHER = "pool_pay_fen", "other_fund_pay_fen"
NAMED = ("hifmi_pay_fen", "hifob_pay_fen", "cvlserv_pay_fen", "hifes_pay_fen", "maf_pay_fen", "oth_pay_fen")
"""Columns of a settlement result that name one further fund each; their sum is `OTHER`."""


@cache
def _codes(column: str) -> dict[str, str]:
    """Insurance -> fund of a column; the empty insurance stands for all others."""
    return {row["insurance"]: row["fund"] for row in rows("fields/fund_codes.csv") if row["column"] == column}


def fund_named(column: str) -> str:
    """The fund that a column of `NAMED` stands for."""
    return _codes(column)[""]


def fund_of(column: str, insurance: Any) -> Any:
    """The fund under which an amount of a column stands, by insurance."""
    codes = _codes(column)
    index = pc.index_in(insurance, value_set=pa.array(list(codes), pa.string()))
    return pc.fill_null(pa.array(list(codes.values()), pa.string()).take(index), codes[""])


def payers_of(insurance: Any, amounts: Mapping[str, Any]) -> Any:
    """The `payers` column of amounts in fen by column, in their order; of nothing only the pool has an entry.

    A row without a known amount has an empty list. Source: S900-05.
    """
    size = len(insurance)
    written = [
        columns.mask(pc.is_valid(found) if name == POOL else pc.not_equal(found, 0)) for name, found in amounts.items()
    ]
    owners, which = np.nonzero(np.column_stack(written))
    places = pa.array(which * size + owners)
    fields = {
        "fund": pa.concat_arrays([fund_of(name, insurance) for name in amounts]).take(places),
        "amount_fen": pa.concat_arrays(list(amounts.values())).take(places),
    }
    return nested.build("payers", np.bincount(owners, minlength=size), fields)
