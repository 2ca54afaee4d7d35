"""Truth 真值: what was arranged among the stays of a hospital-month, and what no file says."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from tongpin.demo.stays import FIRST_STAY, SECOND_STAY

if TYPE_CHECKING:
    from tongpin.demo.calendar import Month


class SplitStay(NamedTuple):
    """One planted 分解住院: the two lists of one treatment."""

    month: str
    institution_code: str
    first_setl_id: str
    second_setl_id: str
    drg: str
    gap_days: int


class InterimBill(NamedTuple):
    """One stay with two lists: 中途结算."""

    month: str
    institution_code: str
    mdtrt_id: str
    first_setl_id: str
    second_setl_id: str


class Birth(NamedTuple):
    """A mother and her admitted newborn; `weights` are those on the mother's list, grams joined by a comma."""

    month: str
    institution_code: str
    mother_setl_id: str
    newborn_setl_id: str
    weights: str


def interim_bills(month: Month, lists: pa.Table) -> list[InterimBill]:
    """The truth about the 中途结算 among the lists of a hospital-month."""
    columns = ["institution_code", "mdtrt_id", "part", "case_id"]
    rows = lists.select(columns).filter(pc.is_valid(lists["interim"])).to_pylist()
    second = {row["mdtrt_id"]: row["case_id"] for row in rows if row["part"] == SECOND_STAY}
    return [
        InterimBill(str(month), row["institution_code"], row["mdtrt_id"], row["case_id"], second[row["mdtrt_id"]])
        for row in sorted(rows, key=lambda row: row["case_id"])
        if row["part"] == FIRST_STAY
    ]


def births(month: Month, stays: pa.Table) -> list[Birth]:
    """The mothers of the admitted newborns of a hospital-month."""
    columns = ["institution_code", "case_id", "mother_id"]
    rows = stays.select(columns).filter(pc.is_valid(stays["mother_id"])).to_pylist()
    mothers = stays.select(["case_id", "birth_weights"]).filter(
        pc.is_in(stays["case_id"], pa.array([row["mother_id"] for row in rows], pa.string()))
    )
    weights = dict(zip(mothers["case_id"].to_pylist(), mothers["birth_weights"].to_pylist(), strict=True))
    return [
        Birth(
            str(month),
            row["institution_code"],
            row["mother_id"],
            row["case_id"],
            ",".join(str(one) for one in weights[row["mother_id"]]),
        )
        for row in rows
    ]


def split_stays(month: Month, lists: pa.Table) -> list[SplitStay]:
    """The truth about the 分解住院 among the lists of a hospital-month."""
    columns = ["split", "part", "case_id", "planned_drg", "institution_code", "admission_time", "discharge_time"]
    rows = lists.select(columns).filter(pc.is_valid(lists["split"])).to_pylist()
    first = {row["split"]: row for row in rows if row["part"] == FIRST_STAY}
    second = {row["split"]: row for row in rows if row["part"] == SECOND_STAY}
    return [
        SplitStay(
            str(month),
            first[pair]["institution_code"],
            first[pair]["case_id"],
            second[pair]["case_id"],
            first[pair]["planned_drg"],
            (second[pair]["admission_time"].date() - first[pair]["discharge_time"].date()).days,
        )
        for pair in sorted(first)
    ]
