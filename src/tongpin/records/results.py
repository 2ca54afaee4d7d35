"""Results 结算结果: what a settlement returned fills what the list lacks; where both speak, they are compared."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tongpin.base.money import yuan
from tongpin.records import columns

if TYPE_CHECKING:
    from tongpin.records.assemble import Raw

UNSPECIFIC_INSURANCE = "999"
FILLED = (
    "mdtrt_id",
    "patient_hash",
    "total_fee_fen",
    "patient_pay_fen",
    "account_pay_fen",
    "pool_pay_fen",
    "other_fund_pay_fen",
    "settlement_date",
)
FILLED_TEXTS = ("sex", "age", "age_days", "birth_date")


def fill_from_results(raw: Raw, results: pa.Table | None) -> None:
    """Fill the missing columns of lists from settlement results by `setl_id`.

    A result sets the acceptance date; a total or pool amount unlike the list's own is noted (REC-S005, REC-S006).
    """
    if results is None or not results.num_rows:
        return
    index = pc.index_in(raw.texts("case_id"), value_set=results["setl_id"].combine_chunks())
    found = results.take(index)
    for rule, name in (("REC-S005", "total_fee_fen"), ("REC-S006", "pool_pay_fen")):
        own, other = raw.ready[name], found[name].combine_chunks()
        for row in np.flatnonzero(columns.mask(pc.not_equal(own, other))):
            shown = f"{yuan(own[int(row)].as_py())} ≠ {yuan(other[int(row)].as_py())}"
            raw.sheet.note(rule, int(row), raw.path(name), shown)
    for name in FILLED:
        own = raw.ready[name] if name in raw.ready else raw.texts(name)
        raw.ready[name] = pc.coalesce(own, found[name].combine_chunks())
    for name in FILLED_TEXTS:
        raw.text[name] = pc.coalesce(raw.texts(name), found[name].combine_chunks().cast(pa.string()))
    own = raw.ready["insurance"]
    unspecific = pc.or_kleene(pc.is_null(own), pc.equal(own, UNSPECIFIC_INSURANCE))
    raw.ready["insurance"] = pc.if_else(unspecific, pc.coalesce(found["insurance"].combine_chunks(), own), own)
    raw.ready["accepted_date"] = pc.coalesce(found["accepted_date"].combine_chunks(), raw.ready["accepted_date"])
