"""Problems 双问题: departments that overspend and are low in assessed items, and complications rarely written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from tongpin.measures.guokao.catalogue import load_set
from tongpin.measures.guokao.hospital import hospitals
from tongpin.measures.guokao.proposal import propose
from tongpin.measures.guokao.score import peer_values
from tongpin.measures.guokao.tables import score_tables
from tongpin.measures.guokao.tasks import read_events, tasks_of
from tongpin.measures.guokao.values import indicator_values
from tongpin.measures.populations import discharged_cases, settled_cases
from tongpin.report.words import number_text
from tongpin.twin.causes.complications import (
    ComplicationCase,
    ComplicationRow,
    complication_cases,
    complication_table,
    with_complications,
)
from tongpin.twin.causes.run import read_month
from tongpin.twin.crossing import FiledItem, double_problems
from tongpin.twin.run import joint_in_home

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tongpin.measures.guokao.hospital import Hospital
    from tongpin.store.home import Home
    from tongpin.twin.causes.run import Labels, Wanted


@dataclass(frozen=True)
class ProblemsReport:
    """The 双问题 list of a month, the weak 国考 items that no listed department owns, complications to check."""

    wanted: Wanted
    area: str
    area_label: str
    departments: pa.Table
    unowned: tuple[FiledItem, ...]
    complications: tuple[ComplicationRow, ...]
    cases: tuple[ComplicationCase, ...]
    labels: Labels
    notices: tuple[str, ...]
    notes: tuple[str, ...]


def problems_in_home(home: Home, wanted: Wanted) -> ProblemsReport:
    """Both lists of a closed month, of one hospital or of all (S000-04, S000-26).

    Weak 国考 indicators come in where peers of the year are loaded (layout `peer`); the department that owns one is the
    one it was assigned to. Errors as `joint_in_home` and `causes_in_home`.
    """
    month = read_month(home, wanted)
    joint = joint_in_home(home, wanted.month, wanted.area)
    departments = joint.departments
    if month.hospital is not None:
        departments = departments.filter(pc.equal(departments["institution_code"], month.hospital))
    if month.dept is not None:
        departments = departments.filter(pc.equal(departments["dept"], month.dept))
    filed = list(_filed(home, int(wanted.month[:4]), month.hospital))
    listed = double_problems(departments, filed)
    shown = {text for texts in listed["filed_items"].to_pylist() for text in texts}
    unowned = tuple(one for one in filed if f"国考 {one.number} {one.name}（{one.text}）" not in shown)
    pages = discharged_cases(home, month.scheme, month.policy, [wanted.month])
    pages = _levelled(home, with_complications(pages, month.scheme), wanted)
    rows = complication_table(pages)
    if month.hospital is not None:
        rows = tuple(one for one in rows if one.institution_code == month.hospital)
    if month.dept is not None:
        rows = tuple(one for one in rows if one.dept == month.dept)
    notes = [
        "双问题：医保DRG 盈亏为负，同时有一项低分；例数不足的科室不列。只请先看病例，不作结论，不作扣罚依据",
        "合并症填报：与同级机构同一 ADRG 的占比比较，偏低、偏高并列；以病历为准，没有依据不增不减",
    ]
    if not filed:
        notes.append(f"没有装载 {wanted.month[:4]} 年的国考同级数据（layout peer），国考填报的低分项没有列入")
    return ProblemsReport(
        wanted=wanted,
        area=month.area,
        area_label=month.manifest["area_label"],
        departments=listed,
        unowned=unowned,
        complications=rows,
        cases=complication_cases(pages, rows),
        labels=month.labels,
        notices=tuple(joint.basis.lines),
        notes=tuple(notes),
    )


def _levelled(home: Home, pages: pa.Table, wanted: Wanted) -> pa.Table:
    """The pages with `level`, the settlement level that the month's lists carry; empty where there are none."""
    lists = settled_cases(home, [wanted.month], wanted.area)
    levels = dict(zip(lists["institution_code"].to_pylist(), lists["hospital_level"].to_pylist(), strict=True))
    named = [levels.get(code) or "" for code in pages["institution_code"].to_pylist()]
    return pages.append_column("level", pa.array(named, pa.string()))


def _filed(home: Home, year: int, hospital: str | None) -> Iterator[FiledItem]:
    """The 国考 indicators of the hospitals that lie on the worse side of their peers' median."""
    for one in hospitals(home, year):
        if one.set_name and (hospital is None or hospital in one.codes):
            peers = peer_values(home, year, one.manual.manual)
            if peers.num_rows:
                yield from _weak(home, one, year, peers)


def _weak(home: Home, one: Hospital, year: int, peers: pa.Table) -> Iterator[FiledItem]:
    values = indicator_values(home, year, one.code)
    owners = tasks_of(read_events(home, one.code, year), load_set(one.set_name))
    weights = score_tables(one.set_name, home).weights
    for weak in propose(one.set_name, values, peers, weights, 0):
        text = f"{number_text(weak.value)}，同级中位数 {number_text(weak.median)}"
        yield FiledItem(one.code, weak.no, weak.name, owners[weak.no].owner, text)
