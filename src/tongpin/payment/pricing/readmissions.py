"""Readmissions 再入院: which stays lose a share of their points because the patient came back (TV-A8d)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tongpin.base.errors import PolicyError
from tongpin.base.money import SCALE
from tongpin.payment.policy.lookup import coded

if TYPE_CHECKING:
    from tongpin.payment.policy.lookup import BoolColumn, IntColumn, Lookup
    from tongpin.payment.pricing.rows import CaseRows

_NEEDED = ("patient_hash", "admission_time", "discharge_time")


def readmission_share_e4(cases: CaseRows, lookup: Lookup) -> IntColumn:
    """The share of its points that each stay keeps, in ten-thousandths: 1, or `points.readmission_factor`.

    A stay and the patient's next one in the same group, at the same institution or anywhere in the region, are linked
    when the next admission falls within `points.readmission_days` after the discharge, both days inclusive. The
    edition says which of the two is reduced, and in a chain of links whether each counts or the first only. Groups of
    `points.readmission_exempt` and patients without an identity are left out. Source: payment rule S900-01, TV-A8d.
    """
    size = len(lookup.days)
    kept = np.full(size, SCALE, dtype=np.int64)
    which = lookup.choices("points.readmission_stay")
    concerned = ~which.equals("none")
    if not concerned.any():
        return kept
    for name in _NEEDED:
        if name not in cases.column_names:
            raise PolicyError(
                "policy.column", f"病例表没有 {name}", where=name, hint="再入院扣减要用患者标识与入出院时间"
            )
    rows = np.flatnonzero(concerned & ~pc.is_null(cases["patient_hash"]).to_numpy())
    exempt = lookup.narrowed(rows).listed("points.readmission_exempt", "drg")
    rows = rows[~exempt]
    some = lookup.narrowed(rows)
    admitted, discharged = (cases[name].take(pa.array(rows)).to_numpy().astype("datetime64[D]") for name in _NEEDED[1:])
    known = ~np.isnat(admitted) & ~np.isnat(discharged)
    patient = coded(cases["patient_hash"].take(pa.array(rows))).codes
    among = some.choices("points.readmission_among").equals("region")
    place = np.where(among, -1, some.dimension("institution_code").codes)
    group = some.dimension("drg").codes
    order = np.lexsort((discharged.astype(np.int64), admitted.astype(np.int64), place, group, patient))
    order = order[known[order]]
    same = np.ones(max(len(order) - 1, 0), dtype=bool)
    for column in (patient, group, place):
        same &= column[order[1:]] == column[order[:-1]]
    gap = (admitted[order[1:]] - discharged[order[:-1]]).astype(np.int64)
    days = some.numbers("points.readmission_days")
    linked = same & (gap >= 0) & (gap <= days[order[:-1]])
    first_only = some.choices("points.readmission_chain").equals("first")
    counted = linked & ~(first_only[order[:-1]] & _follows(linked))
    factor = some.scaled("points.readmission_factor")
    earlier, later = order[:-1][counted], order[1:][counted]
    is_later = which.take(rows).equals("later")[earlier]
    reduced = np.where(is_later, later, earlier)
    kept[rows[reduced]] = factor[reduced]
    return kept


def _follows(linked: BoolColumn) -> BoolColumn:
    """Which links come right after another link, so that they continue a chain."""
    result = np.zeros(len(linked), dtype=bool)
    result[1:] = linked[:-1]
    return result
