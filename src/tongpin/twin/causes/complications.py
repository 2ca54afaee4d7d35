"""Complications 合并症填报: secondary diagnoses that count as CC or MCC, against hospitals of the level (S000-04).

Both directions are shown alike, without money: rarely and often written are both reasons to read the record.
"""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tongpin.base.money import SCALE
from tongpin.measures.compute import roll_up
from tongpin.twin.causes.catalogue import setting

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from tongpin.grouping.tables.model import SchemeTables

BELOW, ABOVE = "低于期望", "高于期望"
_CASE_COLUMNS = ("institution_code", "dept", "adrg", "drg", "case_id", "doctor_code")


class ComplicationRow(NamedTuple):
    """A slice of one ADRG: cases, cases with a CC or MCC, the expected number and its limits, what stands out.

    `other_diagnoses` and `peer_other_diagnoses`: secondary diagnoses a case, here and in hospitals of the level.
    """

    institution_code: str
    dept: str
    adrg: str
    case_count: int
    with_count: int
    share: float
    expected_share: float
    expected_count: float
    low: float
    high: float
    verdict: str
    other_diagnoses: float
    peer_other_diagnoses: float


class ComplicationCase(NamedTuple):
    """A case without any CC or MCC that lay as long as those with one, or has fewer secondary diagnoses than usual."""

    institution_code: str
    dept: str
    adrg: str
    drg: str
    case_id: str
    doctor_code: str
    stay_days: int
    usual_stay_days: float
    other_diagnoses: int


def with_complications(pages: pa.Table, scheme: SchemeTables) -> pa.Table:
    """The cases with `complicated` (has a secondary diagnosis that counts as CC or MCC) and `other_count` (int64).

    As the grouping counts them: a code of the tables, and not in the exclusion table of the principal diagnosis.
    """
    dx = pages["dx"].combine_chunks()
    lengths = np.asarray(pc.fill_null(pc.list_value_length(dx), 0).to_numpy(zero_copy_only=False), dtype=np.int64)
    parents = np.asarray(pc.list_parent_indices(dx).to_numpy(zero_copy_only=False), dtype=np.int64)
    codes = pc.cast(pc.list_flatten(dx), pa.string())
    starts = np.cumsum(lengths) - lengths
    is_first = np.arange(len(parents)) == starts[parents]
    principal, excludes = _looked_up(codes, scheme.exclusion)
    first = starts[parents]
    counts = np.zeros(len(parents), dtype=np.bool_)
    for listed in (scheme.cc, scheme.mcc):
        table, is_listed = _looked_up(codes, listed)
        counts |= is_listed & ~is_first & ~(excludes[first] & (table == principal[first]))
    complicated = np.zeros(pages.num_rows, dtype=np.int64)
    np.add.at(complicated, parents[counts], 1)
    pages = pages.append_column("complicated", pa.array((complicated > 0).astype(np.int64)))
    return pages.append_column("other_count", pa.array(np.maximum(lengths - 1, 0)))


def _looked_up(codes: pa.Array, table: dict[str, str]) -> tuple[NDArray[np.object_], NDArray[np.bool_]]:
    """What a table says of each code, and whether it has the code."""
    found = pc.index_in(codes, value_set=pa.array(list(table), pa.string()))
    known = np.asarray(pc.is_valid(found).to_numpy(zero_copy_only=False), dtype=np.bool_)
    values = np.array([*table.values(), ""], dtype=object)
    return values[np.asarray(pc.fill_null(found, len(table)).to_numpy(zero_copy_only=False), dtype=np.int64)], known


def complication_table(
    pages: pa.Table, by: Sequence[str] = ("institution_code", "dept")
) -> tuple[ComplicationRow, ...]:
    """Slices of an ADRG whose share of cases with CC or MCC lies outside its limits, the widest below first.

    `pages`: grouped front pages with `complicated`, `other_count` and `level`. Expected is the share of all hospitals
    of the level in the same ADRG (and the same department, where slices are departments: children's wards code
    otherwise than others); limits are n·p ± z·√(n·p·(1−p)). Slices with too few cases are left out, and ADRGs that
    one hospital of the level alone treats.
    """
    grouped = pages.filter(pc.equal(pc.cast(pages["status"], pa.string()), "grouped"))
    facts = grouped.select(
        list(dict.fromkeys(["institution_code", *by, "level", "adrg", "complicated", "other_count"]))
    )
    facts = facts.append_column("case_count", pa.array(np.ones(facts.num_rows, dtype=np.int64)))
    alike = ["level", *[name for name in by if name == "dept"], "adrg"]

    def kind(row: dict[str, Any]) -> tuple[str, ...]:
        return tuple(row[name] for name in alike)

    peers = {kind(row): row for row in roll_up(facts, alike).to_pylist()}
    hospitals = Counter(kind(row) for row in roll_up(facts, [*alike, "institution_code"]).to_pylist())
    z, least = setting("complications.deviations") / SCALE, setting("complications.minimum_cases")
    found = []
    for row in roll_up(facts, [*dict.fromkeys([*by, "level", "adrg"])]).to_pylist():
        n, of = row["case_count"], peers[kind(row)]
        if n < least or hospitals[kind(row)] < 2:  # noqa: PLR2004 - a hospital and at least one other
            continue
        share = of["complicated"] / of["case_count"]
        expected, reach = n * share, z * math.sqrt(n * share * (1 - share))
        low, high = max(0.0, expected - reach), min(float(n), expected + reach)
        verdict = BELOW if row["complicated"] < low else ABOVE if row["complicated"] > high else ""
        if verdict:
            found.append(
                ComplicationRow(
                    institution_code=row.get("institution_code", ""),
                    dept=row.get("dept", ""),
                    adrg=row["adrg"],
                    case_count=n,
                    with_count=row["complicated"],
                    share=row["complicated"] / n,
                    expected_share=share,
                    expected_count=expected,
                    low=low,
                    high=high,
                    verdict=verdict,
                    other_diagnoses=row["other_count"] / n,
                    peer_other_diagnoses=of["other_count"] / of["case_count"],
                )
            )
    found.sort(key=lambda one: (one.verdict != BELOW, -abs(one.with_count - one.expected_count), one.adrg))
    return tuple(found)


def complication_cases(pages: pa.Table, rows: Sequence[ComplicationRow]) -> tuple[ComplicationCase, ...]:
    """The cases to read again of the slices that write less than expected.

    Without CC or MCC, and in hospital at least as long as the mean of those of the ADRG with one, the longest first.
    """
    grouped = pages.filter(pc.equal(pc.cast(pages["status"], pa.string()), "grouped"))
    with_one = grouped.filter(pc.equal(grouped["complicated"], 1)).select(["adrg", "los"])
    means = with_one.group_by(["adrg"]).aggregate([("los", "mean")]).to_pylist()
    usual: dict[str, Any] = {row["adrg"]: row["los_mean"] for row in means}
    wanted = {(one.institution_code, one.dept, one.adrg) for one in rows if one.verdict == BELOW}
    without = grouped.filter(pc.equal(grouped["complicated"], 0))
    found: list[ComplicationCase] = []
    for row in without.select([*_CASE_COLUMNS, "los", "other_count"]).to_pylist():
        stay, long = row["los"], usual.get(row["adrg"])
        if (row["institution_code"], row["dept"], row["adrg"]) in wanted and stay and long and stay >= long:
            places = {name: row[name] or "" for name in _CASE_COLUMNS}
            found.append(
                ComplicationCase(**places, stay_days=stay, usual_stay_days=long, other_diagnoses=row["other_count"])
            )
    found.sort(key=lambda one: (one.institution_code, one.dept, one.adrg, -one.stay_days, one.case_id))
    return tuple(found)
