"""One hospital-month 一院一月: drawn, written as its files, with the truth about it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tongpin.demo.aftermath import Decision, Withdrawal, decide, withdraw
from tongpin.demo.cases import draw_hospital_month
from tongpin.demo.faults.planting import plant
from tongpin.demo.faults.registry import kinds
from tongpin.demo.returns import Receipt, Return, corrected_lines, receipts, returns
from tongpin.demo.special import draw_special
from tongpin.demo.tables.fee_lines import fee_lines, running_bills, still_in_house
from tongpin.demo.tables.staff import DeptMonth, dept_months
from tongpin.demo.tables.visits import TraceFault, traces, visits
from tongpin.demo.truth import Birth, InterimBill, SplitStay, births, interim_bills, split_stays
from tongpin.records.write import (
    Names,
    write_front_page,
    write_plain,
    write_settlement_list,
    write_settlement_results,
)
from tongpin.records.writers.layouts import write_layout
from tongpin.records.writers.settlement_list import settlement_lines
from tongpin.store.absent import remember_absent

if TYPE_CHECKING:
    from pathlib import Path

    from tongpin.demo.calendar import Month
    from tongpin.demo.setting import Setting

remember_absent()
NATIONAL, PLAIN = "national", "plain"
ONLY_ON_LISTS = [
    "diagnoses",
    "fees",
    "payers",
    "special_diseases",
    "icu_stays",
    "stated_stay_days",
    "level1_nursing_days",
    "level2_nursing_days",
    "upload_time",
    "settlement_date",
    "accepted_date",
]
"""Columns that a front page does not have, or has in a form of its own that the writer makes from the core."""

FOLDERS = {NATIONAL: ("settlement-list", "settlement-result", "front-page"), PLAIN: ("plain",)}
"""The folders of a month by layout."""


class RecordFault(NamedTuple):
    """One planted fault: the list, what is wrong and what that breaks, where it stands (lines from 1).

    `corrected_*` say where and when the corrected list stands; empty where it never comes.
    """

    month: str
    institution_code: str
    setl_id: str
    kind: str
    breaks: str
    file: str
    line: int
    returned_time: str
    corrected_time: str
    corrected_file: str
    corrected_line: str


class Task(NamedTuple):
    """A hospital-month to write; `withdraw` says that the next month is there to take the successors.

    `big` asks for the own layouts with many rows: fee lines, running bills, outpatient visits, trace codes.
    """

    month: Month
    hospital: int
    withdraw: bool
    layout: str
    big: bool


class Written(NamedTuple):
    """What a hospital-month came to."""

    task: Task
    lists: int
    pages: int
    special: int
    faults: list[RecordFault]
    receipts: list[Receipt]
    splits: list[SplitStay]
    withdrawals: list[Withdrawal]
    decisions: list[Decision]
    interim: list[InterimBill]
    births: list[Birth]
    traces: list[TraceFault]
    depts: list[DeptMonth]


def write_hospital_month(setting: Setting, folder: Path, task: Task) -> Written:
    """Draw a hospital-month and write its files under `folder/files/<month>`; in plain layout without faults."""
    stays = draw_hospital_month(setting, task.month, task.hospital)
    lists = stays.filter(pc.is_valid(stays["insurance"]))
    place = folder / "files" / str(task.month)
    code = setting.institution_code(task.hospital)
    written = Written(
        task=task,
        lists=lists.num_rows,
        pages=stays.num_rows,
        special=0,
        faults=[],
        receipts=[],
        splits=split_stays(task.month, lists),
        withdrawals=[],
        decisions=[],
        interim=interim_bills(task.month, lists),
        births=births(task.month, stays),
        traces=[],
        depts=dept_months(task.hospital, task.month, stays),
    )
    if task.layout == PLAIN:
        write_plain(stays, place / "plain" / f"{code}.parquet")
        return written
    names = Names(dx=setting.groups.dx_names, px=setting.groups.px_names)
    faults, answers = _write_lists(setting, task, place, lists, names)
    pages = as_pages(stays)
    write_front_page(pages, place / "front-page" / f"{code}.csv", names=names)
    special = draw_special(setting, task.month, task.hospital)
    _write_settled(special, place, f"{code}-special", names)
    barred = {fault.setl_id for fault in faults} | {bill for one in written.interim for bill in one[3:]}
    withdrawals: list[Withdrawal] = []
    if task.withdraw:
        withdrawals, successors = withdraw(setting, task.month, task.hospital, lists, barred)
        if withdrawals:
            _write_settled(successors, folder / "files" / str(task.month.plus(1)), f"{code}-again", names)
    return written._replace(
        pages=pages.num_rows,
        special=special.num_rows,
        faults=faults,
        receipts=answers,
        withdrawals=withdrawals,
        decisions=decide(setting, task.month, task.hospital, lists),
        traces=_write_big_layouts(setting, task, place, lists) if task.big else [],
    )


def _write_settled(lists: pa.Table, place: Path, name: str, names: Names) -> None:
    """Lists and their results."""
    write_settlement_list(lists, place / "settlement-list" / f"{name}.jsonl", names=names)
    write_settlement_results(lists, place / "settlement-result" / f"{name}.csv")


def _write_big_layouts(setting: Setting, task: Task, place: Path, lists: pa.Table) -> list[TraceFault]:
    """Fee lines, running bills, outpatient visits and trace codes of the hospital-month, as Parquet."""
    lines = fee_lines(setting, task.month, task.hospital, lists)
    codes, faults = traces(setting, task.month, task.hospital, lines)
    bills = running_bills(lists, lines)
    if not task.withdraw:  # no next month whose bills begin in this one
        bills = pa.concat_tables([bills, still_in_house(bills, task.month)]).combine_chunks()
    for name, table in (
        ("fee-line", lines.drop_columns(["row"])),
        ("running-bill", bills),
        ("outpatient-visit", visits(setting, task.month, task.hospital)),
        ("trace-code", codes),
    ):
        folder = place / name
        folder.mkdir(exist_ok=True)
        write_layout(table, name, folder / f"{setting.institution_code(task.hospital)}.parquet")
    return faults


def _write_lists(
    setting: Setting, task: Task, place: Path, lists: pa.Table, names: Names
) -> tuple[list[RecordFault], list[Receipt]]:
    """The lists as first sent, the corrected ones in a file of their own, and the results of all."""
    code = setting.institution_code(task.hospital)
    file, corrected_file = (place / "settlement-list" / f"{name}.jsonl" for name in (code, f"{code}-corrected"))
    clean = settlement_lines(lists, names=names)
    sent = plant(setting, task.month, task.hospital, lists, clean)
    file.write_bytes(b"\n".join([*sent.lines, b""]))
    found = returns(setting, task.month, task.hospital, lists, sent.faults)
    lines, again = corrected_lines(clean, found)
    if lines:
        corrected_file.write_bytes(b"\n".join([*lines, b""]))
    write_settlement_results(_settled(lists, found), place / "settlement-result" / f"{code}.csv")
    setl_ids = lists["case_id"].to_pylist()
    line_of = {one.fault.row: str(line) for line, one in enumerate(again, 1)}
    faults = [
        RecordFault(
            str(task.month),
            code,
            setl_ids[one.fault.row],
            one.fault.kind,
            kinds()[one.fault.kind].breaks,
            f"{task.month}/settlement-list/{file.name}",
            one.fault.line + 1,
            _time_text(one.returned),
            _time_text(one.corrected),
            f"{task.month}/settlement-list/{corrected_file.name}" if one.corrected is not None else "",
            line_of[one.fault.row] if one.corrected is not None else "",
        )
        for one in found
    ]
    return faults, receipts(code, setl_ids, found)


def _time_text(time: np.datetime64 | None) -> str:
    return "" if time is None else str(time).replace("T", " ")


def _settled(lists: pa.Table, found: list[Return]) -> pa.Table:
    """The lists as the settlement knows them: accepted when corrected, without what a fault blanks there too."""
    accepted = lists["accepted_date"].to_numpy().copy()
    for one in found:
        if one.corrected is not None:
            accepted[one.fault.row] = max(accepted[one.fault.row], one.corrected.astype("datetime64[D]"))
    settled = _replaced(lists, "accepted_date", pa.array(accepted).cast(pa.date32()))
    for name in sorted({column for one in found for column in kinds()[one.fault.kind].blanks}):
        blank = np.zeros(lists.num_rows, dtype=bool)
        blank[[one.fault.row for one in found if name in kinds()[one.fault.kind].blanks]] = True
        column = settled[name].combine_chunks()
        settled = _replaced(settled, name, pc.if_else(pa.array(blank), pa.scalar(None, column.type), column))
    return settled


def as_pages(stays: pa.Table) -> pa.Table:
    """All stays as front pages, insured or not: bills of one stay as one, without what only a list tells."""
    pages = _replaced(stays, "source", pa.repeat(pa.scalar("front_page"), stays.num_rows)).drop_columns(ONLY_ON_LISTS)
    interim = np.asarray(pc.fill_null(pages["interim"].combine_chunks(), -1))
    part = pages["part"].to_numpy()
    rows = np.flatnonzero(interim >= 0)
    pairs = rows[np.lexsort((part[rows], interim[rows]))]
    first, second = pairs[::2], pairs[1::2]
    if not len(first):
        return pages
    for name in (*(field.name for field in pages.schema if field.name.endswith("_fen")), "los"):
        values = np.asarray(pages[name].combine_chunks()).copy()
        values[second] += values[first]
        pages = _replaced(pages, name, pa.array(values).cast(pages.schema.field(name).type))
    admission = pages["admission_time"].to_numpy().copy()
    admission[second] = admission[first]
    pages = _replaced(pages, "admission_time", pa.array(admission).cast(pa.timestamp("s")))
    kept = np.ones(pages.num_rows, dtype=bool)
    kept[first] = False
    return pages.filter(pa.array(kept))


def _replaced(table: pa.Table, name: str, column: pa.Array) -> pa.Table:
    return table.set_column(table.schema.get_field_index(name), table.schema.field(name), column)
