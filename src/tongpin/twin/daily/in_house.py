"""In house 在院: running bills against the standard of the group that a stay would have today; a warning, no more."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tongpin.base.money import SCALE
from tongpin.grouping.tables.model import Status
from tongpin.measures.benchmark import group_means
from tongpin.measures.populations import discharged_cases
from tongpin.payment.fund.series import month_after
from tongpin.records.case.schema import CASE_SCHEMA
from tongpin.records.intake.load import CASES, read_loaded
from tongpin.records.layouts.catalogue import layouts
from tongpin.twin.basis import department_labels
from tongpin.twin.daily.catalogue import setting
from tongpin.twin.daily.ground import as_cases, group_name, grouped, priced

if TYPE_CHECKING:
    from tongpin.twin.daily.ground import Ground

OVER, NEAR, BELOW = "over", "near", "below"
OPERATED, NO_GROUP, NOT_BY_GROUP, UNINSURED = "operated", "no_group", "not_by_group", "uninsured"
UNCOMPARED = {
    OPERATED: "有手术而没有院内预分组",
    NO_GROUP: "没有分到组",
    NOT_BY_GROUP: "不按病组付费",
    UNINSURED: "没有医保",
}
"""Why a fee is not compared."""
OWN_STANDARD, OWN_GROUP, BY_DIAGNOSIS = "院内标准", "院内预分组", "拟诊断"
"""What a standard rests on: given by the hospital's system, its group, or the running diagnosis alone."""


OPERATION_CATEGORY = "06"
"""手术费 in the national categories of charges (med_chrgitm_type)."""
_SEX = CASE_SCHEMA.field("sex").type
_AGE = CASE_SCHEMA.field("age").type


class Patient(NamedTuple):
    """A stay in house: its number in the hospital, department, days so far beside the group's mean, fee and standard.

    `standard_fen`: that of the group, or, where the group rests on the diagnosis alone, the highest of the groups of
    its ADRG (then `group` names the ADRG), since other diagnoses are not known yet; None where nothing is compared.
    """

    mdtrt_id: str
    dept: str
    days: int
    mean_days: float | None
    fee_fen: int
    group: str
    group_name: str
    basis: str
    standard_fen: int | None
    state: str

    @property
    def over_fen(self) -> int:
        """By how much the fee passes the standard; below zero while it does not."""
        return self.fee_fen - (self.standard_fen or 0)

    @property
    def share(self) -> float | None:
        """The fee as a share of the standard."""
        return self.fee_fen / self.standard_fen if self.standard_fen else None


class InHouse(NamedTuple):
    """The patients in house at the end of `bill_date`, the dearest beyond its standard first; whose mean days."""

    bill_date: date
    patients: tuple[Patient, ...]
    means_of: str

    def of(self, *states: str) -> tuple[Patient, ...]:
        """The patients in one of these states."""
        return tuple(one for one in self.patients if one.state in states)

    @property
    def bed_days(self) -> int:
        """The days that the patients in house have stayed so far."""
        return sum(one.days for one in self.patients)

    def figures(self) -> dict[str, Any]:
        """The counts and sums of the block."""
        over = self.of(OVER)
        return {
            "bill_date": self.bill_date,
            "patients": len(self.patients),
            "bed_days": self.bed_days,
            "over": len(over),
            "over_bed_days": sum(one.days for one in over),
            "over_fen": sum(one.over_fen for one in over),
            **{name: len(self.of(name)) for name in (NEAR, BELOW, *UNCOMPARED)},
            "by_diagnosis": sum(one.basis == BY_DIAGNOSIS for one in self.patients),
        }


def in_house(ground: Ground) -> InHouse | str:
    """The patients in house at the end of the day before, or why nobody knows.

    In house is who has a bill of the last day billed and no list that says discharged by then. Source: S904-02.
    """
    bills = read_loaded(ground.home, layouts()["running-bill"].table, where=ground.where)
    bills = bills.filter(pc.less_equal(bills["bill_date"], pa.scalar(ground.yesterday, pa.date32())))
    if not bills.num_rows:
        return f"{ground.yesterday} 以前没有在院费用"
    last: date = pc.max(bills["bill_date"]).as_py()
    if ground.yesterday - last > timedelta(days=setting("bill.stale_days")):
        return f"在院费用只到 {last}，此后没有新的"
    stays = _stays(bills, ground, last)
    means, means_of = _mean_days(ground)
    patients = _patients(ground, stays, means)
    return InHouse(last, tuple(sorted(patients, key=_order)), means_of)


def _order(one: Patient) -> tuple[Any, ...]:
    return one.standard_fen is None, -one.over_fen, one.mdtrt_id


def _stays(bills: pa.Table, ground: Ground, day: date) -> pa.Table:
    """The bill of the day of every stay in house, with the day of admission and the days so far."""
    keys = ["institution_code", "mdtrt_id"]
    first = bills.group_by(keys).aggregate([("bill_date", "min")])
    now = bills.filter(pc.equal(bills["bill_date"], pa.scalar(day, pa.date32())))
    lists = read_loaded(ground.home, CASES, ["source", *keys, "case_id", "discharge_time"], where=ground.where)
    gone = lists.filter(pc.less_equal(pc.cast(lists["discharge_time"], pa.date32(), safe=False), pa.scalar(day)))
    now = now.filter(pc.invert(pc.is_in(_key(now, keys), value_set=_key(gone, keys).drop_null())))
    place = pc.index_in(_key(now, keys), value_set=_key(first, keys))
    admitted = pc.coalesce(now["admission_date"], first["bill_date_min"].take(place))
    days = np.asarray(now["bill_date"]).astype("datetime64[D]") - np.asarray(admitted).astype("datetime64[D]")
    stay_days = np.maximum(days.astype(np.int64), 1)
    now = now.set_column(now.column_names.index("admission_date"), "admission_date", admitted)
    return now.append_column("los", pa.array(stay_days, pa.int64()))


def _key(table: pa.Table, keys: list[str]) -> Any:
    joined = pc.binary_join_element_wise(*(table[name] for name in keys), "\x1f")
    return joined.combine_chunks() if isinstance(joined, pa.ChunkedArray) else joined


def _operated(ground: Ground, stays: pa.Table) -> Any:
    """Which stays were charged for an operation so far; by the share of consumables where no fee line is known."""
    names = ["institution_code", "setl_id", "category", "charged_time"]
    ids = stays["setl_id"].combine_chunks().drop_null()
    lines = read_loaded(ground.home, layouts()["fee-line"].table, names, where=("setl_id", ids))
    until = pc.less_equal(pc.cast(lines["charged_time"], pa.date32(), safe=False), pa.scalar(ground.yesterday))
    lines = lines.filter(pc.and_(until, pc.is_in(lines["institution_code"], ground.codes)))
    keys = ["institution_code", "setl_id"]
    mine = _key(stays, keys)
    known = pc.fill_null(pc.is_in(mine, value_set=_key(lines, keys)), False)
    surgery = lines.filter(pc.equal(lines["category"], OPERATION_CATEGORY))
    charged = pc.fill_null(pc.is_in(mine, value_set=_key(surgery, keys)), False)
    consumables = pc.fill_null(stays["cumulative_consumable_amount_fen"], 0)
    limit = pc.multiply(stays["cumulative_amount_fen"], setting("operation.consumable_e4"))
    much = pc.greater_equal(pc.multiply(consumables, SCALE), limit)
    return pc.if_else(known, charged, pc.and_(much, pc.greater(consumables, 0)))


def _patients(ground: Ground, stays: pa.Table, means: dict[str, float]) -> list[Patient]:
    """Every stay with its group and standard."""
    insured = stays.filter(pc.is_valid(stays["insurance"]))
    others = stays.filter(pc.is_null(stays["insurance"]))
    labels = _departments(ground)
    made = [_patient(row, labels, _Standing("", "", None, UNINSURED), "", None) for row in others.to_pylist()]
    if not insured.num_rows:
        return made
    cases = _group_of(ground, insured)
    found = priced(ground, cases, ground.yesterday)
    told = found.select(["adrg", "drg", "status", "standard_fen"]).to_pylist()
    families = {step.adrg: step.name for mdc in ground.scheme.mdcs for step in mdc.steps}
    highest = priced(ground, _heaviest(ground, cases), ground.yesterday)["standard_fen"].to_pylist()
    operated = _operated(ground, insured).to_pylist()
    for row, case, top, surgery in zip(insured.to_pylist(), told, highest, operated, strict=True):
        of = _standing(row, case, top, operated=surgery)
        mean = means.get(of.group)
        if of.basis == BY_DIAGNOSIS:
            made.append(_patient(row, labels, of._replace(group=case["adrg"]), families[case["adrg"]], mean))
        else:
            made.append(_patient(row, labels, of, group_name(ground, of.group), mean))
    return made


class _Standing(NamedTuple):
    """The group of a stay, what its standard rests on, the standard, and how the fee stands to it."""

    group: str
    basis: str
    standard_fen: int | None
    state: str


def _standing(row: dict[str, Any], case: dict[str, Any], top: int | None, *, operated: bool) -> _Standing:
    own, fee = row["expected_standard_fen"], row["cumulative_amount_fen"]
    is_grouped = case["status"] == str(Status.GROUPED)
    drg = case["drg"] if is_grouped else row["expected_drg"] or ""
    if own is not None:
        return _Standing(drg, OWN_STANDARD, own, _state(fee, own, own))
    if not is_grouped:
        return _Standing("", "", None, NO_GROUP)
    if case["standard_fen"] is None:
        return _Standing(drg, "", None, NOT_BY_GROUP)
    if row["expected_drg"] is not None:
        return _Standing(drg, OWN_GROUP, case["standard_fen"], _state(fee, case["standard_fen"], case["standard_fen"]))
    if operated:
        return _Standing("", "", None, OPERATED)
    against = max(top or 0, case["standard_fen"])
    return _Standing(drg, BY_DIAGNOSIS, against, _state(fee, against, case["standard_fen"]))


def _state(fee_fen: int, against_fen: int, group_fen: int) -> str:
    """Beyond what the fee is compared with; else near the standard of its own group; else below."""
    if fee_fen * SCALE > against_fen * setting("bill.over_e4"):
        return OVER
    return NEAR if fee_fen * SCALE > group_fen * setting("bill.near_e4") else BELOW


def _patient(row: dict[str, Any], labels: dict[str, str], of: _Standing, name: str, mean: float | None) -> Patient:
    return Patient(
        mdtrt_id=row["mdtrt_id"],
        dept=labels.get(row["dept"] or "", row["dept"] or ""),
        days=row["los"],
        mean_days=mean,
        fee_fen=row["cumulative_amount_fen"],
        group=of.group,
        group_name=name,
        basis=of.basis,
        standard_fen=of.standard_fen,
        state=of.state,
    )


def _group_of(ground: Ground, stays: pa.Table) -> pa.Table:
    """The stays as grouped cases: the group of the hospital's own system, else that of the running diagnosis alone."""
    size = stays.num_rows
    dx = stays["expected_dx"].combine_chunks()
    codes = [[one] if one else [] for one in dx.to_pylist()]
    cases = pa.table(
        {
            "source": pa.array(["settlement_list"] * size, pa.string()),
            "case_id": stays["mdtrt_id"],
            "institution_code": stays["institution_code"],
            "mdtrt_id": stays["mdtrt_id"],
            "admission_time": pc.cast(stays["admission_date"], pa.timestamp("s")),
            "discharge_time": pc.cast(stays["bill_date"], pa.timestamp("s")),
            "los": stays["los"],
            "age": pa.array([setting("unknown.age")] * size, _AGE),
            "dept": stays["dept"],
            "doctor_code": stays["doctor_code"],
            "insurance": stays["insurance"],
            "care_type": pa.array(["inpatient"] * size, pa.string()),
            "total_fee_fen": stays["cumulative_amount_fen"],
            "dx": pa.array(codes, pa.list_(pa.string())),
            "px": pa.array([[]] * size, pa.list_(pa.string())),
        }
    )
    found = _of_either_sex(ground, as_cases(cases))
    own = stays["expected_drg"]
    names = {"drg": own, "status": pc.if_else(pc.is_valid(own), str(Status.GROUPED), found["status"])}
    for name, column in names.items():
        found = found.set_column(found.column_names.index(name), name, pc.coalesce(column, found[name]))
    return found


def _of_either_sex(ground: Ground, cases: pa.Table) -> pa.Table:
    """The cases grouped as those of a man, or of a woman where that alone gives a group: a bill names neither."""
    man, woman = (
        grouped(
            ground, cases.set_column(cases.column_names.index("sex"), "sex", pa.array([sex] * cases.num_rows, _SEX))
        )
        for sex in (1, 2)
    )
    as_man = np.asarray(pc.equal(man["status"], str(Status.GROUPED)))
    as_woman = np.asarray(pc.equal(woman["status"], str(Status.GROUPED)))
    place = np.arange(cases.num_rows) + np.where(~as_man & as_woman, cases.num_rows, 0)
    return pa.concat_tables([man, woman]).take(pa.array(place))


def _heaviest(ground: Ground, cases: pa.Table) -> pa.Table:
    """The same cases in the group of the greatest weight of their ADRG."""
    weights = {drg: one.weight_e4 for drg, one in ground.policy.weights.items()}
    top: dict[str, str] = {}
    for mdc in ground.scheme.mdcs:
        for step in mdc.steps:
            leaves = [leaf.drg for leaf in step.leaves if leaf.drg in weights]
            for leaf in step.leaves:
                top[leaf.drg] = max(leaves, key=lambda drg: (weights[drg], drg), default=leaf.drg)
    heaviest = pa.array([top.get(drg or "", drg) for drg in cases["drg"].to_pylist()], pa.string())
    return cases.set_column(cases.column_names.index("drg"), "drg", heaviest)


def _mean_days(ground: Ground) -> tuple[dict[str, float], str]:
    """The mean stay of every group over the region, and of which months: the year before, the month before, or this."""
    month = ground.month
    wanted = (month_after(month, -12), month_after(month, -1), month)
    pages = discharged_cases(ground.home, ground.scheme, ground.policy, wanted)
    pages = pages.filter(pc.less(pc.cast(pages["discharge_time"], pa.date32(), safe=False), pa.scalar(ground.on)))
    for one in wanted:
        mine = pages.filter(pc.equal(pages["month"], one))
        if mine.num_rows:
            means = group_means(mine)
            told = zip(means["drg"].to_pylist(), means["mean_stay_e4"].to_pylist(), strict=True)
            until = f"（到 {ground.yesterday} 为止）" if one == month else ""
            return {drg: stay / SCALE for drg, stay in told}, f"全区 {one}{until} 出院首页"
    return {}, ""


def _departments(ground: Ground) -> dict[str, str]:
    """Names of departments by the hospital's register, else by the national codes."""
    rows = read_loaded(ground.home, layouts()["department"].table, where=ground.where).to_pylist()
    held = [row for row in rows if row["valid_from"] is None or row["valid_from"] <= ground.on]
    own = {row["dept_code"]: row["dept_name"] for row in sorted(held, key=lambda row: row["valid_from"] or date.min)}
    return department_labels() | {code: name for code, name in own.items() if name}
