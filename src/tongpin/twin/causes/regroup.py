"""Regrouped 复核病组: lists under the groups that a review, a second coder or an audit found right."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tongpin.base.errors import TongpinError
from tongpin.base.money import round_half_up_column

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_COLUMNS = ("case_id", "drg")


class Regrouped(NamedTuple):
    """Lists under their right groups, how many of the review's rows were found, how many changed group and result."""

    cases: pa.Table
    found: int
    moved: int
    repriced: int


def read_regrouped(path: Path) -> dict[str, str]:
    """The right group by list (CSV: `case_id,drg`); `causes.regrouped` for another shape or a list twice."""
    try:
        rows = list(csv.DictReader(path.read_text(encoding="utf-8-sig").splitlines()))
    except (OSError, UnicodeDecodeError) as error:
        raise TongpinError(
            "causes.regrouped", "读不了复核病组表", where=path.name, hint="用 UTF-8 的 CSV：case_id,drg"
        ) from error
    right: dict[str, str] = {}
    for number, row in enumerate(rows, start=2):
        values = [(row.get(name) or "").strip() for name in _COLUMNS]
        if not all(values) or values[0] in right:
            raise TongpinError(
                "causes.regrouped",
                "结算号或病组为空，或同一结算号写了两次",
                where=f"{path.name} 第 {number} 行",
                hint="每份清单一行，列名 case_id,drg",
            )
        right[values[0]] = values[1]
    if not right:
        raise TongpinError(
            "causes.regrouped", "复核病组表没有行", where=path.name, hint="列名 case_id,drg，每份清单一行"
        )
    return right


def regroup(cases: pa.Table, right: Mapping[str, str], weights: Mapping[str, int]) -> Regrouped:
    """The lists with the right group and, where they are paid by the standard, its weight, standard and result.

    `weights`: ten-thousandths by group. The new standard is the paid one × right weight ÷ paid weight, rounded to the
    fen; outlier classes stay as the month closed them. A right group without a weight moves the list and leaves its
    amounts. TV-D1: the difference is (paid weight − right weight) × rate.
    """
    ids = cases["case_id"].to_pylist()
    found = np.array([right.get(one) for one in ids], dtype=object)
    paid = np.array(cases["drg"].to_pylist(), dtype=object)
    known = np.array([one is not None for one in found], dtype=np.bool_)
    drg = np.where(known, found, paid)
    moved = drg != paid
    old = np.asarray(pc.fill_null(cases["weight_e4"], 0).to_numpy(), dtype=np.int64)
    new = np.array([weights.get(one, 0) if is_moved else 0 for one, is_moved in zip(drg, moved, strict=True)], np.int64)
    by_standard = np.asarray(
        pc.fill_null(pc.equal(cases["pay_mode"], "standard"), False).to_numpy(zero_copy_only=False)
    )
    repriced = moved & by_standard & (old > 0) & (new > 0)
    standard = np.asarray(pc.fill_null(cases["standard_fen"], 0).to_numpy(), dtype=np.int64)
    right_standard = np.where(repriced, round_half_up_column(standard * new, np.maximum(old, 1)), standard)
    change = right_standard - standard
    columns = {"drg": pa.array(drg.tolist(), pa.string()), "weight_e4": pa.array(np.where(repriced, new, old))}
    for name in ("standard_fen", "gross_fen", "pool_payable_fen", "result_fen"):
        column = np.asarray(pc.fill_null(cases[name], 0).to_numpy(), dtype=np.int64)
        columns[name] = pa.array(column + change, pa.int64())
    for name, column in columns.items():
        cases = cases.set_column(cases.column_names.index(name), name, column)
    return Regrouped(cases, int(known.sum()), int(moved.sum()), int(repriced.sum()))
