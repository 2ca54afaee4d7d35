"""Yesterday 昨日出院: the discharges of a day, pre-grouped, and what the standard would pay for them by group."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from tongpin.grouping.tables.model import STATUS_LABELS, Status
from tongpin.records.intake.load import CASES, read_loaded
from tongpin.records.views.stay_lists import INPATIENT
from tongpin.twin.daily.ground import group_name, grouped, priced

if TYPE_CHECKING:
    from tongpin.twin.daily.ground import Ground

LIST, PAGE = "settlement_list", "front_page"


class Group(NamedTuple):
    """A group of the day: cases paid by it, their fee, standard and the difference, in fen."""

    drg: str
    name: str
    cases: int
    fee_fen: int
    gross_fen: int
    result_fen: int


class Yesterday(NamedTuple):
    """The discharges of a day.

    `lists`: with a list, `pages`: with a front page alone; `ungrouped`: reason in words → cases; `paid`: paid by their
    group, with fee, standard payment and difference; `groups` of them, the largest loss first.
    """

    cases: int
    lists: int
    pages: int
    insured: int
    fee_fen: int
    grouped: int
    ungrouped: dict[str, int]
    paid: int
    paid_fee_fen: int
    gross_fen: int
    result_fen: int
    groups: tuple[Group, ...]

    def figures(self) -> dict[str, Any]:
        """The counts and sums of the block."""
        return {name: value for name, value in self._asdict().items() if name != "groups"}


def yesterday(ground: Ground) -> Yesterday | str:
    """The discharges of the day before the page, or what is missing.

    Lists and front pages of one stay (病案号) count once, by the list. Source: S904-02.
    """
    cases = _discharged(ground)
    if not cases.num_rows:
        return f"没有 {ground.yesterday} 出院的首页或清单"
    found = grouped(ground, cases)
    insured = found.filter(pc.is_valid(found["insurance"]))
    paid = _by_group(ground, insured)
    status = found["status"].to_pylist()
    reasons: dict[str, int] = {}
    for one in status:
        if one != str(Status.GROUPED):
            reasons[STATUS_LABELS[one]] = reasons.get(STATUS_LABELS[one], 0) + 1
    lists = pc.sum(pc.equal(found["source"], LIST)).as_py()
    return Yesterday(
        cases=found.num_rows,
        lists=lists,
        pages=found.num_rows - lists,
        insured=insured.num_rows,
        fee_fen=_total(found, "total_fee_fen"),
        grouped=found.num_rows - sum(reasons.values()),
        ungrouped=reasons,
        paid=paid.num_rows,
        paid_fee_fen=_total(paid, "total_fee_fen"),
        gross_fen=_total(paid, "gross_fen"),
        result_fen=_total(paid, "gross_fen") - _total(paid, "total_fee_fen"),
        groups=_groups(ground, paid),
    )


def _discharged(ground: Ground) -> pa.Table:
    cases = read_loaded(ground.home, CASES, where=ground.where)
    inpatient = pc.is_in(cases["care_type"], pa.array(INPATIENT))
    day = pc.cast(cases["discharge_time"], pa.date32(), safe=False)
    on = pc.fill_null(pc.equal(day, pa.scalar(ground.yesterday, pa.date32())), False)
    cases = cases.filter(pc.and_(inpatient, on))
    lists, pages = (cases.filter(pc.equal(cases["source"], one)) for one in (LIST, PAGE))
    held = pc.fill_null(pc.is_in(_stay(pages), value_set=_stay(lists).drop_null()), False)
    return pa.concat_tables([lists, pages.filter(pc.invert(held))]).combine_chunks()


def _stay(cases: pa.Table) -> Any:
    joined = pc.binary_join_element_wise(cases["institution_code"], cases["record_no"], "\x1f")
    return joined.combine_chunks() if isinstance(joined, pa.ChunkedArray) else joined


def _by_group(ground: Ground, insured: pa.Table) -> pa.Table:
    """The cases that their group pays."""
    found = priced(ground, insured, ground.yesterday)
    return found.filter(pc.equal(found["pay_scope"], "DRG"))


def _groups(ground: Ground, paid: pa.Table) -> tuple[Group, ...]:
    sums = paid.group_by("drg").aggregate([([], "count_all"), ("total_fee_fen", "sum"), ("gross_fen", "sum")])
    made = [
        Group(
            row["drg"],
            group_name(ground, row["drg"]),
            row["count_all"],
            row["total_fee_fen_sum"],
            row["gross_fen_sum"],
            row["gross_fen_sum"] - row["total_fee_fen_sum"],
        )
        for row in sums.to_pylist()
    ]
    return tuple(sorted(made, key=lambda one: (one.result_fen, one.drg)))


def _total(table: pa.Table, name: str) -> int:
    return int(pc.sum(table[name]).as_py() or 0)
