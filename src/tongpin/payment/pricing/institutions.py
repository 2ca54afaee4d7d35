"""Institutions 机构: the settlement level and the pay mode in force for each case."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tongpin.base.errors import PolicyError
from tongpin.payment.policy.lookup import Coded, coded
from tongpin.payment.pricing.dated import rows_in_force
from tongpin.payment.pricing.schema import DRG

if TYPE_CHECKING:
    from tongpin.payment.policy.lookup import DayColumn


class Terms(NamedTuple):
    """Settlement level and pay mode (drg where none is registered) of each case's institution."""

    level: Coded
    pay_mode: Coded


def institution_terms(institution: Coded, institutions: pa.Table, days: DayColumn, case_ids: pa.Array) -> Terms:
    """The terms of each case's institution on its day.

    `institutions`: `institution_code, settlement_level, valid_from` (from that day), and where it has one `pay_mode`.
    `policy.institution` when an institution has no level on that day.
    """
    since = pc.cast(institutions["valid_from"], pa.date32()).to_numpy().astype("datetime64[D]")
    known = [code or "" for code in institutions["institution_code"].to_pylist()]
    row = rows_in_force(known, since, None, institution, days)
    missing = np.flatnonzero(row < 0)
    if len(missing):
        first = int(missing[0])
        code = institution.values[institution.codes[first]] or "（空）"
        raise PolicyError(
            "policy.institution",
            f"机构 {code} 在 {days[first]} 没有登记的结算级别"
            f"（共 {len(missing)} 例，例如病例 {case_ids[first].as_py()}）",
            where="institution",
            hint="在机构登记表中补上该机构及生效日期",
        )
    level = _gathered(institutions["settlement_level"], row)
    if "pay_mode" not in institutions.column_names:
        return Terms(level, Coded(np.zeros(len(row), dtype=np.int64), [DRG]))
    return Terms(level, _gathered(pc.fill_null(institutions["pay_mode"], DRG), row))


def _gathered(column: pa.ChunkedArray, row: np.ndarray[tuple[int], np.dtype[np.int64]]) -> Coded:
    of_institution = coded(column)
    return Coded(of_institution.codes[row], of_institution.values)
