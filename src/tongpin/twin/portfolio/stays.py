"""The stays of a hospital 住院病例: front pages with the lists paid for them, what may be moved, and the sums of both.

Pages count the cases (全部出院, by discharge), lists the money (医保DRG, by settlement). A list belongs to the page of
the same stay: institution, 病案号 and day of discharge.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tongpin.base.errors import TongpinError
from tongpin.measures.compute import roll_up
from tongpin.measures.facts import case_facts
from tongpin.twin.portfolio.catalogue import load_portfolio

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from tongpin.twin.portfolio.catalogue import CaseTest, Limit, Move

PAGE_FACTS = (
    *("case_count", "weight_e4", "weighted_count", "stay_days"),
    *("total_fee_fen", "drug_fee_fen", "consumable_fee_fen", "exam_fee_fen"),
    *("surgery_count", "third_surgery_count", "fourth_surgery_count", "low_risk_count", "low_risk_death_count"),
)
LIST_FACTS = ("case_count", "weight_e4", "stay_days", "total_fee_fen", "pool_payable_fen", "result_fen")
PAGE, LIST = "page.", "list."
FACTS = (*(PAGE + name for name in PAGE_FACTS), *(LIST + name for name in LIST_FACTS))
"""The additive facts of a group or cell: of its front pages, and of its settled lists."""
CASE_COUNT, LIST_COUNT = PAGE + "case_count", LIST + "case_count"
_RESTS_ON = {
    "surgery_count": "surgery_level",
    "third_surgery_count": "surgery_level",
    "fourth_surgery_count": "surgery_level",
    "total_fee_fen": "total_fee_fen",
    "drug_fee_fen": "drug_fee_fen",
    "consumable_fee_fen": "consumable_fee_fen",
    "exam_fee_fen": "exam_fee_fen",
}
FREE = -1
"""The mark of a case that no limit protects."""
_FACT_COLUMNS = ("drg", "weight_e4", "los", "total_fee_fen", "record_no", "discharge_time")
_PAGE_COLUMNS = (
    *_FACT_COLUMNS,
    *("status", "age", "icu_hours", "admission_route", "care_type", "surgery_level", "discharge_way"),
    *("drug_fee_fen", "consumable_fee_fen", "exam_fee_fen"),
)
_LIST_COLUMNS = (*_FACT_COLUMNS, "pool_payable_fen", "result_fen")
_LEVELS = ("一级", "二级", "三级")


@dataclass(frozen=True)
class Stays:
    """What a what-if and the optimiser rest on, of one hospital and period.

    `groups`: `drg` and `FACTS`, every group (empty text: cases without one); `cells`: `drg`, one truth column per move
    id, and `FACTS`, the movable cases of each group by where they may go, their lists with them; `protected`: cases by
    group and limit; `receivers`: by group how many cases lower institutions take over; `unfilled`: facts that rest on a
    column filled in nowhere, whose zeros say nothing. The sums of `groups` are the hospital's.
    """

    hospital: str
    groups: pa.Table
    cells: pa.Table
    protected: Mapping[str, Mapping[str, int]]
    receivers: Mapping[str, int]
    unpaired_lists: int
    unfilled: frozenset[str] = frozenset()

    @property
    def totals(self) -> dict[str, int]:
        """The hospital's sums."""
        return {name: pc.sum(self.groups[name]).as_py() or 0 for name in FACTS}

    def group(self, drg: str) -> dict[str, int]:
        """The sums of a group; TongpinError `portfolio.group` when the hospital has no case of it."""
        found = self.groups.filter(pc.equal(self.groups["drg"], drg)).to_pylist() if drg else []
        if not found:
            raise TongpinError(
                "portfolio.group", f"这一期没有病组 {drg} 的病例", where=drg, hint="用 tongpin portfolio 看有哪些病组"
            )
        return {name: found[0][name] for name in FACTS}


def stays_of(
    pages: pa.Table,
    lists: pa.Table,
    institutions: Sequence[Mapping[str, Any]],
    hospital: str,
    risk: pa.Table | None,
) -> Stays:
    """The stays of a hospital among those of its region.

    `pages`: grouped and weighted front pages of every institution, with `admission_route`; `lists`: settled lists paid
    by group (医保DRG); both of one period; `institutions`: `institution_code, settlement_level, region` at its end;
    `risk`: as `risk_levels`. Source: S000-16, S920-01.
    """
    around = _Region(pages, lists, institutions, hospital)
    own = _grouped(_of(pages, hospital, _PAGE_COLUMNS))
    own_lists = _of(lists, hospital, _LIST_COLUMNS)
    unfilled = frozenset(
        PAGE + fact
        for fact, column in _RESTS_ON.items()
        if column not in own.column_names or own[column].null_count == own.num_rows
    )
    marks = _protection(own, around)
    open_cases = (marks == FREE) & np.asarray(pc.not_equal(own["drg"], ""), dtype=np.bool_)
    moves = {one.id: pa.array(_may(one, own, around) & open_cases) for one in load_portfolio().moves}
    for name, mask in moves.items():
        own = own.append_column(name, mask)
    place = _page_of(own_lists, own)
    cells, by_group = _summed(own, _following(own_lists, own, place, list(moves)), list(moves), risk)
    return Stays(
        hospital=hospital,
        groups=by_group,
        cells=cells,
        protected=_counted(own["drg"], marks),
        receivers=around.receivers(),
        unpaired_lists=int((place < 0).sum()),
        unfilled=unfilled,
    )


def _of(cases: pa.Table, hospital: str, columns: Sequence[str]) -> pa.Table:
    """The cases of a hospital, only the columns that are used."""
    chosen = cases.select([name for name in columns if name in cases.column_names])
    return chosen.filter(pc.equal(cases["institution_code"], hospital))


def _grouped(pages: pa.Table) -> pa.Table:
    """The pages with empty text for the group of a case that has none."""
    drg = pc.if_else(pc.equal(pages["status"], "grouped"), pages["drg"].cast(pa.string()), "")
    return pages.set_column(pages.column_names.index("drg"), "drg", pc.fill_null(drg, ""))


def page_totals(pages: pa.Table) -> dict[str, int]:
    """The sums of front pages as `FACTS` name them, of a hospital and another period."""
    sums = _named(roll_up(case_facts(_grouped(pages), ["drg"]), []), [], PAGE, PAGE_FACTS)
    return {name: value for name, value in sums.to_pylist()[0].items() if name.startswith(PAGE)}


class _Region:
    """The institutions of the hospital's region and how many cases of each group they treat."""

    def __init__(
        self, pages: pa.Table, lists: pa.Table, institutions: Sequence[Mapping[str, Any]], hospital: str
    ) -> None:
        places = {row["institution_code"]: row for row in institutions}
        own = places.get(hospital, {})
        self.level = str(own.get("settlement_level") or "")
        around = {
            code: str(row.get("settlement_level") or "")
            for code, row in places.items()
            if code != hospital and row.get("region") == own.get("region")
        }
        self._lower = {code for code, level in around.items() if _rank(level) < _rank(self.level)}
        counts: dict[tuple[str, str], int] = {}
        for table in (pages, lists):
            rows = (
                table.select(["institution_code", "drg"])
                .group_by(["institution_code", "drg"])
                .aggregate([([], "count_all")])
            )
            for row in rows.to_pylist():
                key = (row["institution_code"], row["drg"])
                if key[0] in around:
                    counts[key] = max(counts.get(key, 0), row["count_all"])
        self._counts = counts

    def others(self) -> dict[str, int]:
        """How many other institutions treat each group."""
        found: dict[str, int] = {}
        for _, drg in self._counts:
            found[drg] = found.get(drg, 0) + 1
        return found

    def receivers(self) -> dict[str, int]:
        """How many more cases of each group the lower institutions take over."""
        share = load_portfolio().setting("receiver_growth_e4")
        found: dict[str, int] = {}
        for (code, drg), count in self._counts.items():
            if code in self._lower:
                found[drg] = found.get(drg, 0) + count * share // 10_000
        return found


def _rank(level: str) -> int:
    return _LEVELS.index(level) if level in _LEVELS else len(_LEVELS)


def _protection(pages: pa.Table, around: _Region) -> NDArray[np.int64]:
    """The place of the first limit that protects each case, `FREE` where none does."""
    limits = load_portfolio().limits
    held = [_protects(one, pages, around.others()) for one in limits]
    return np.select(held, list(range(len(limits))), default=FREE)


def _protects(limit: Limit, pages: pa.Table, others: Mapping[str, int]) -> NDArray[np.bool_]:
    if limit.others_below is not None:
        enough = [drg for drg, count in others.items() if count >= limit.others_below]
        return ~np.asarray(pc.is_in(pages["drg"], value_set=pa.array(enough, pa.string())), dtype=np.bool_)
    column = pages[str(limit.column)]
    hit: Any = pc.is_in(pc.cast(column, pa.string()), value_set=pa.array(limit.values, pa.string()))
    if limit.below is not None:
        hit = pc.less(column, limit.below)
    elif limit.at_least is not None:
        hit = pc.greater_equal(column, limit.at_least)
    told = pc.if_else(pc.is_null(column), limit.unknown == "protected", hit)
    return np.asarray(pc.fill_null(told, False), dtype=np.bool_)


def _may(move: Move, pages: pa.Table, around: _Region) -> NDArray[np.bool_]:
    """Which cases meet the tests of a move at a hospital of this level."""
    allowed = np.ones(pages.num_rows, dtype=np.bool_)
    if around.level not in move.hospital_levels:
        return ~allowed
    for mask in _tests(move.case, pages):
        allowed &= np.asarray(pc.fill_null(mask, False), dtype=np.bool_)
    return allowed


def _tests(test: CaseTest, pages: pa.Table) -> list[Any]:
    bounds = (
        ("weight_e4", None, test.weight_below_e4, None),
        ("los", test.stay_days_from, None, test.stay_days_at_most),
        ("surgery_level", test.surgery_level_from, None, test.surgery_level_at_most),
    )
    masks: list[Any] = []
    for column, least, below, most in bounds:
        masks += [pc.greater_equal(pages[column], least)] if least is not None else []
        masks += [pc.less(pages[column], below)] if below is not None else []
        masks += [pc.less_equal(pages[column], most)] if most is not None else []
    if test.without_surgery:
        masks.append(pc.equal(pc.fill_null(pages["surgery_level"].cast(pa.int64()), 0), 0))
    for column, values in (("discharge_way", test.discharge_ways), ("care_type", test.care_types)):
        if values:
            masks.append(pc.is_in(pages[column], value_set=pa.array(values, pa.string())))
    return masks


def _page_of(lists: pa.Table, pages: pa.Table) -> NDArray[np.int64]:
    """The row of the page that belongs to each list, −1 where none or more than one may."""
    ours, theirs = _stay_keys(lists), _stay_keys(pages)
    repeated = pa.concat_arrays([_repeated(ours), _repeated(theirs)])
    found = pc.index_in(ours, value_set=theirs, skip_nulls=True)
    clear = pc.and_(pc.is_valid(ours), pc.invert(pc.is_in(ours, value_set=repeated)))
    return np.asarray(pc.fill_null(pc.if_else(clear, found, None), -1), dtype=np.int64)


def _repeated(keys: Any) -> Any:
    counts = pc.value_counts(keys)
    return counts.field("values").filter(pc.greater(counts.field("counts"), 1))


def _stay_keys(cases: pa.Table) -> Any:
    """What names a stay; null where 病案号 or the day of discharge is missing."""
    day = pc.strftime(cases["discharge_time"].cast(pa.timestamp("s")), format="%Y-%m-%d")
    return pc.binary_join_element_wise(cases["record_no"], day, "\x1f").combine_chunks()


def _following(lists: pa.Table, pages: pa.Table, place: NDArray[np.int64], moves: Sequence[str]) -> pa.Table:
    """The lists with the group (`page_drg`) and the ways out of their pages; those without a page go nowhere."""
    rows = pa.array(place, mask=place < 0)
    lists = lists.append_column("page_drg", pc.fill_null(pages["drg"].take(rows), ""))
    for name in moves:
        lists = lists.append_column(name, pc.fill_null(pages[name].take(rows), False))
    return lists


def _summed(pages: pa.Table, lists: pa.Table, moves: Sequence[str], risk: pa.Table | None) -> tuple[pa.Table, pa.Table]:
    """The sums of the movable cases by group and ways out, a list following its page; the sums of every group."""
    by = ["drg", *moves]
    page_sums = _named(roll_up(case_facts(pages, by, risk=risk), by), by, PAGE, PAGE_FACTS)
    finest = ["drg", "page_drg", *moves]
    list_sums = _named(roll_up(case_facts(lists, finest), finest), finest, LIST, LIST_FACTS)
    followed = list_sums.drop(["drg"]).rename_columns({"page_drg": "drg"})
    cells = _side_by_side(by, page_sums, followed)
    movable: Any = pa.scalar(False)
    for name in moves:
        movable = pc.or_(movable, cells[name])
    groups = _side_by_side(["drg"], page_sums.drop(list(moves)), list_sums.drop(["page_drg", *moves]))
    return cells.filter(pc.and_(movable, pc.greater(cells[CASE_COUNT], 0))), groups


def _named(sums: pa.Table, by: Sequence[str], prefix: str, facts: Sequence[str]) -> pa.Table:
    zeros = pa.array(np.zeros(sums.num_rows, dtype=np.int64))
    found = {prefix + name: sums[name] if name in sums.column_names else zeros for name in facts}
    return pa.table({name: sums[name] for name in by} | found)


def _side_by_side(by: Sequence[str], *parts: pa.Table) -> pa.Table:
    """The sums of pages and of lists by the same columns, zero where one of them has no row."""
    stacked = pa.concat_tables(parts, promote_options="permissive")
    names = [name for name in stacked.column_names if name not in by]
    filled = {name: pc.fill_null(stacked[name], 0).cast(pa.int64()) for name in names}
    return roll_up(pa.table({name: stacked[name] for name in by} | filled), list(by))


def _counted(drg: pa.Array, marks: NDArray[np.int64]) -> dict[str, dict[str, int]]:
    """How many cases of each group each limit protects."""
    limits = load_portfolio().limits
    counts = pa.table({"drg": drg, "mark": marks}).group_by(["drg", "mark"]).aggregate([([], "count_all")])
    found: dict[str, dict[str, int]] = {}
    for row in counts.to_pylist():
        if row["mark"] != FREE:
            found.setdefault(row["drg"], {})[limits[row["mark"]].id] = row["count_all"]
    return found
