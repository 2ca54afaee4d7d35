"""Group means 组均费用: the mean fee that an edition's table gives for a case's group, in fen."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tongpin.base.errors import PolicyError
from tongpin.payment.pricing.dated import rows_in_force
from tongpin.payment.pricing.tables import MEANS_FILE, figure_key, group_means, hospital_figures, mean_key

if TYPE_CHECKING:
    from tongpin.payment.policy.lookup import IntColumn, Lookup

_BY = {"city": (), "level": ("hospital_level",), "hospital": ("institution_code",)}


def means_or_none(lookup: Lookup, of: str) -> IntColumn:
    """The mean fee of each case's group in the city, at its level or in its hospital, in fen; −1 where none stands."""
    by = _BY[of]
    asked = lookup.coded_over(("drg", *by), lambda _, c: mean_key(of, "".join(c[name] for name in by), c["drg"]))
    table = group_means(lookup.policy)
    row = rows_in_force(table.keys, table.since, None, asked, lookup.days)
    values = np.array([*table.values, -1], dtype=np.int64)
    return values[row]


def means(lookup: Lookup, of: str) -> IntColumn:
    """As `means_or_none`; `policy.mean` when a case's group has none."""
    found = means_or_none(lookup, of)
    missing = np.flatnonzero(found < 0)
    if len(missing):
        row = int(missing[0])
        drg = lookup.dimension("drg").take([row]).texts()[0].as_py()
        raise PolicyError(
            "policy.mean",
            f"病组 {drg} 在 {lookup.days[row]} 没有组均费用（{of}；共 {len(missing)} 例，"
            f"例如病例 {lookup.case_name(row)}）",
            where=MEANS_FILE,
            hint=f"在付费办法旁的 {MEANS_FILE} 中补上 drg={drg}、of={of} 的一行",
        )
    return found


def figures(lookup: Lookup, figure: str) -> IntColumn:
    """A figure of each case's hospital in ten-thousandths; `policy.figure` when the table does not hold it."""
    asked = lookup.coded_over(("institution_code",), lambda _, c: figure_key(figure, c["institution_code"]))
    table = hospital_figures(lookup.policy)
    row = rows_in_force(table.keys, table.since, None, asked, lookup.days)
    missing = np.flatnonzero(row < 0)
    if len(missing):
        case, key = int(missing[0]), asked.values[asked.codes[missing[0]]]
        raise PolicyError(
            "policy.figure",
            f"{key} 在 {lookup.days[case]} 没有值（共 {len(missing)} 例，例如病例 {lookup.case_name(case)}）",
            where="hospital_figures.csv",
            hint="在付费办法旁的 hospital_figures.csv 中补上这一行",
        )
    return np.array(table.values, dtype=np.int64)[row]
