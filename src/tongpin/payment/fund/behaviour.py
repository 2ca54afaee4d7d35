"""Behaviour 就医行为: visits and stays of the insured, where and how they are treated (S003-04)."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tongpin.payment.fund.figures import share
from tongpin.payment.fund.series import in_region, short_code
from tongpin.payment.fund.settled import level_place
from tongpin.payment.pricing.schema import SCOPES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tongpin.payment.fund.series import Fund

READS = (
    *("institution_code", "case_id", "fund", "hospital_level", "pay_scope", "line_sign", "pool_payable_fen"),
    *("los", "discharge_way", "insured_region", "patient_hash", "admission_time", "discharge_time", "period"),
)
"""The columns of posted lines that this module reads."""

ALL = "合计"
_OUT = SCOPES[-1]
_TO_HOSPITAL = "2"
"""离院方式: on medical advice to another hospital."""
_THOUSAND = 1_000


class Behaviour(NamedTuple):
    """The insured of a fund over a span of months, all together or at hospitals of one level.

    Counts; means and ratios as decimals, None where the records cannot say. `visits`: outpatient visits (all levels
    together only); `*_per_1000`: per thousand insured at the end of the span; `readmitted`: stays within the edition's
    days of the patient's last discharge; `transferred`: left for another hospital on advice; `from_elsewhere`: insured
    in another region; `elsewhere`: own insured at hospitals of another region; `*_share`: of all levels.
    """

    fund: str
    fund_label: str
    span: str
    level: str
    visits: int | None
    visits_per_1000: Decimal | None
    stays: int
    stays_per_1000: Decimal | None
    stay_days: Decimal | None
    readmitted: Decimal | None
    transferred: Decimal | None
    from_elsewhere: Decimal | None
    elsewhere: Decimal | None
    stays_share: Decimal | None
    pool_share: Decimal | None


def behaviour(
    fund: Fund,
    span: str,
    months: Sequence[str],
    lines: pa.Table,
    regions: Mapping[str, str | None],
    visits: int | None,
    readmission_days: int | None,
) -> list[Behaviour]:
    """The insured of a fund over `months`: all levels together, then each level.

    `lines`: posted lines (`READS`) of these months and, for readmissions, the month before; `regions`: where each
    institution lies; `visits`: outpatient visits of the fund, None where none are loaded; without `readmission_days`
    readmissions stay open.
    """
    mine = lines.filter(pc.and_(pc.equal(lines["fund"], short_code(fund.fund)), pc.not_equal(lines["pay_scope"], _OUT)))
    standing = _standing(mine)
    again = None if readmission_days is None else _readmitted(standing, readmission_days)
    inside = pc.is_in(standing["period"], pa.array(list(months), pa.string()))
    insured = fund.months[months[-1]].enrolled_count if months[-1] in fund.months else None
    here = standing.filter(inside)
    again = None if again is None else again[np.asarray(inside)]
    levels = sorted({one for one in here["hospital_level"].to_pylist() if one is not None}, key=level_place)
    pool = pc.sum(here["pool_payable_fen"]).as_py() or 0
    found = []
    for level in (ALL, *levels):
        mask = None if level == ALL else np.asarray(pc.fill_null(pc.equal(here["hospital_level"], level), False))
        rows = here if mask is None else here.filter(pa.array(mask))
        counted = again if again is None or mask is None else again[mask]
        stays = rows.num_rows
        shown = visits if level == ALL else None
        found.append(
            Behaviour(
                fund.fund,
                fund.label,
                span,
                level,
                shown,
                None if shown is None or not insured else Decimal(shown) * _THOUSAND / insured,
                stays,
                Decimal(stays) * _THOUSAND / insured if insured else None,
                _mean_days(rows),
                None if counted is None else share(int((counted == 1).sum()), int((counted >= 0).sum())),
                _share_of(pc.equal(rows["discharge_way"], _TO_HOSPITAL)),
                _elsewhere(rows["insured_region"].to_pylist(), fund.region),
                _elsewhere([regions.get(code) for code in rows["institution_code"].to_pylist()], fund.region),
                share(stays, here.num_rows),
                share(pc.sum(rows["pool_payable_fen"]).as_py() or 0, pool),
            )
        )
    return found


def _standing(lines: pa.Table) -> pa.Table:
    """The lines that no red line takes back."""
    net = lines.group_by(["institution_code", "case_id"]).aggregate([("line_sign", "sum")])
    gone = net.filter(pc.less_equal(net["line_sign_sum"], 0))
    keys = [pc.binary_join_element_wise(one["institution_code"], one["case_id"], "\x1f") for one in (lines, gone)]
    taken_back = pc.is_in(
        keys[0], value_set=pa.chunked_array(keys[1]).combine_chunks() if gone.num_rows else pa.array([], pa.string())
    )
    return lines.filter(pc.and_(pc.greater(lines["line_sign"], 0), pc.invert(taken_back)))


def _readmitted(lines: pa.Table, days: int) -> Any:
    """Per line 1 when the patient was discharged at most `days` days before, 0 when not, −1 without an identity."""
    found = np.full(lines.num_rows, -1, np.int8)
    known = pc.and_(
        pc.is_valid(lines["patient_hash"]),
        pc.and_(pc.is_valid(lines["admission_time"]), pc.is_valid(lines["discharge_time"])),
    )
    rows = np.flatnonzero(np.asarray(known))
    found[rows] = 0
    some = lines.take(pa.array(rows))
    patient = np.asarray(some["patient_hash"].combine_chunks().dictionary_encode().indices)
    admitted, discharged = (
        np.asarray(some[name]).astype("datetime64[D]").astype(np.int64) for name in ("admission_time", "discharge_time")
    )
    order = np.lexsort((discharged, admitted, patient))
    gap = admitted[order[1:]] - discharged[order[:-1]]
    linked = (patient[order[1:]] == patient[order[:-1]]) & (gap >= 0) & (gap <= days)
    found[rows[order[1:][linked]]] = 1
    return found


def _mean_days(lines: pa.Table) -> Decimal | None:
    known = lines["los"].drop_null()
    return Decimal(pc.sum(known).as_py()) / len(known) if len(known) else None


def _share_of(flags: Any) -> Decimal | None:
    """The share of true among those known."""
    return share(pc.sum(flags).as_py() or 0, len(flags) - flags.null_count)


def _elsewhere(places: Sequence[str | None], region: str) -> Decimal | None:
    """The share of places outside a region among those known."""
    known = [inside for place in places if (inside := in_region(place, region)) is not None]
    return share(known.count(False), len(known))
