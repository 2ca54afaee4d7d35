"""Progress 进度: prepayments used, lists on their way to payment, settlement beside filing, and the loop of modules."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from tongpin.base.errors import TongpinError
from tongpin.base.money import SCALE
from tongpin.measures.guokao.catalogue import load_set
from tongpin.measures.guokao.hospital import hospitals
from tongpin.measures.guokao.tables import calendar_of
from tongpin.measures.guokao.tasks import STATES, Desk
from tongpin.payment.lists.board import hospitals_of
from tongpin.payment.lists.bridge_papers import bridge_of_month
from tongpin.payment.lists.dates import STAGES, paths_in_home
from tongpin.payment.lists.overdue import standing_in_home
from tongpin.payment.month.closed import closed_months, decisions, posted, statements
from tongpin.payment.month.statement_columns import synthetic_notice
from tongpin.payment.prepay.account import SCHEMES
from tongpin.payment.prepay_home import account_in_home, fund_labels
from tongpin.payment.review.account import applications, read_events
from tongpin.records.intake.lake_tables import CASES, FINDINGS, read_loaded
from tongpin.report.words import count_text, wan_text
from tongpin.workbench.cockpit.catalogue import cockpit_data
from tongpin.workbench.cockpit.shapes import (
    BridgeLink,
    BridgeNode,
    BridgeShown,
    CalendarStep,
    FilingProgress,
    Loop,
    LoopStage,
    MismatchShown,
    MonthProgress,
    PrepayMonth,
    PrepayUse,
    Progress,
)
from tongpin.workbench.listings.places import institution_names
from tongpin.workbench.today import today

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date

    from tongpin.measures.guokao.hospital import Hospital
    from tongpin.measures.guokao.tables import Step
    from tongpin.measures.guokao.tasks import Task
    from tongpin.store.home import Home
    from tongpin.workbench.cockpit.sight import Month, Place

AUDIT_KINDS = ("audit_deduction", "penalty", "agency_refusal", "inspection_finding", "self_check_return")
"""Decisions that an audit leads to."""
FILING = "filing"
MOST_MISMATCHES = 40
"""So many mismatches are shown; the others are counted."""


def prepay_use(month: Month, place: Place) -> PrepayUse:
    """The prepayments of a place over the closed months of the year up to the month (S001-44).

    Plans are whole papers that no part of the home may read, so that the account is read whole and the rows of the
    place alone are handed on.
    """
    view = account_in_home(month.home, int(month.month[:4]), month.area)
    names, funds = institution_names(month.home), fund_labels(month.home, month.area)
    own = [one for one in view.months if one.month <= month.month and place.hospital in {None, one.institution_code}]
    return PrepayUse(
        months=[
            PrepayMonth(
                month=one.month,
                hospital=names.get(one.institution_code, one.institution_code),
                fund=funds.get(one.fund, one.fund),
                scheme=SCHEMES[one.scheme],
                paid_fen=one.paid_fen,
                offset_fen=one.offset_fen,
                recovered_fen=one.recovered_fen,
                balance_fen=one.balance_fen,
                overdue_fen=one.overdue_fen,
                use=None if one.use_e4 is None else one.use_e4 / SCALE,
                alarms=list(one.alarms),
            )
            for one in own
        ],
        notes=list(view.notes) or (["本机构没有预付金"] if not own else []),
    )


def bridge(month: Month, place: Place, desk: Home, *, sees_money: bool) -> BridgeShown:
    """The lists discharged in the month at every stage, and between which months they went (S901-09)."""
    key = ("bridge", place)
    paths: pa.Table = month.once(key, lambda: paths_in_home(desk, month.area, place.hospital))
    whose = institution_names(month.home).get(place.hospital, place.hospital) if place.hospital else ""
    found = bridge_of_month(paths, month.month, whose or month.joint().basis.area_label, synthetic_notice(month.home))
    nodes = [
        BridgeNode(
            stage=row["stage"],
            when=row["stage_month"] or "",
            count=row["count"],
            total_fee_fen=row["total_fee_fen"] if sees_money else None,
            pool_payable_fen=row["pool_payable_fen"] if sees_money else None,
        )
        for row in found.discharged
    ]
    links: list[BridgeLink] = []
    for left, right in pairwise(STAGES):
        sums = found.paths.group_by([left, right]).aggregate([("count", "sum")]).to_pylist()
        sums.sort(key=lambda one: (one[left] or "9999", one[right] or "9999"))
        links += [
            BridgeLink(stage=left, source=row[left] or "", target=row[right] or "", count=row["count_sum"])
            for row in sums
        ]
    notes = ["统筹应付在入账之前不知道，空着；拨付按到账日期，只知所属月结的按该月计", *found.notices]
    return BridgeShown(title=found.title, stages=dict(STAGES), lists=found.lists, nodes=nodes, links=links, notes=notes)


class _Standing:
    """The lists of a desk as they stand, by month and hospital."""

    def __init__(self, month: Month, place: Place, desk: Home, on: date) -> None:
        units: pa.Table = month.once(("standing", place, on), lambda: standing_in_home(desk, month.area, on))
        self.names = institution_names(month.home)
        self.year = month.month[:4]
        wanted = pc.fill_null(pc.starts_with(units["month"], self.year), False)
        self.units = units.filter(wanted)

    def of(self, month: str) -> list[dict[str, Any]]:
        """The board of a month by hospital."""
        units = self.units.filter(pc.equal(self.units["month"], month))
        return list(hospitals_of(units, self.names).to_pylist())


def progress(month: Month, place: Place, desk: Home) -> Progress:
    """The settlement of the months of a year beside the filing of the assessment of that year (S000-27)."""
    year, on = int(month.month[:4]), today(month.home)
    standing = _Standing(month, place, desk, on)
    closed = closed_months(month.home, month.area)
    every = [f"{year}-{number:02d}" for number in range(1, 13)]
    boards = {one: standing.of(one) for one in every}
    own = [one for one in hospitals(month.home, year) if place.hospital is None or place.hospital in one.codes]
    shows_region = place.hospital is None
    tasks = {one.code: _tasks(month.home, one, year) for one in own if one.set_name}
    steps = calendar_of(year, month.home)
    found = [
        *_list_mismatches(boards, closed, standing.names),
        *_page_mismatches(month, desk, standing.names),
        *_filing_mismatches(own, tasks, steps, [one for one in every if one not in closed], on),
    ]
    left = len(found) - MOST_MISMATCHES
    return Progress(
        year=year,
        on=on.isoformat(),
        months=[
            _month_progress(one, boards[one], closed=one in closed) for one in every if boards[one] or one in closed
        ],
        filings=[_filing(one, tasks.get(one.code)) for one in own if one.set_name or not shows_region],
        calendar=[
            CalendarStep(label=one.label, due=one.due.isoformat(), past=one.due < on, assumed=one.is_assumed)
            for one in steps
        ],
        mismatches=found[:MOST_MISMATCHES],
        notes=[
            f"结算看清单（{on} 的情况），国考看病案首页与填报台账；{year} 年度的国考在 {year + 1} 年填报",
            *([f"还有 {left} 项没有列出"] if left > 0 else []),
        ],
    )


def _tasks(home: Home, hospital: Hospital, year: int) -> dict[str, Task]:
    # The account of filing is read whole, of this hospital alone: a hospital in the place of who asks.
    return Desk(home, hospital.code, year, load_set(hospital.set_name)).tasks()


def _filing(hospital: Hospital, tasks: Mapping[str, Task] | None) -> FilingProgress:
    if tasks is None:
        return FilingProgress(
            hospital=hospital.code, name=hospital.name, states={}, submitted=0, total=0, reason=hospital.reason
        )
    states = {state: sum(task.state == state for task in tasks.values()) for state in STATES}
    return FilingProgress(
        hospital=hospital.code,
        name=hospital.name,
        states={state: count for state, count in states.items() if count},
        submitted=sum(task.is_sent for task in tasks.values()),
        total=len(tasks),
        reason="",
    )


def _month_progress(month: str, rows: Iterable[Mapping[str, Any]], *, closed: bool) -> MonthProgress:
    sums = {
        name: sum(row[name] for row in rows)
        for name in ("should", "sent", "returned_now", "unsent", "unsent_overdue", "resubmission_overdue")
    }
    return MonthProgress(
        month=month,
        closed=closed,
        should=sums["should"],
        sent=sums["sent"],
        returned=sums["returned_now"],
        unsent=sums["unsent"],
        overdue=sums["unsent_overdue"] + sums["resubmission_overdue"],
    )


def _mismatch(name: str, hospital: str, label: str, text: str, href: str | None = None) -> MismatchShown:
    known = next(one for one in cockpit_data().mismatches if one.id == name)
    return MismatchShown(
        id=name, label=known.label, hospital=hospital, name=label, text=text, next=known.next, href=href
    )


def _list_mismatches(
    boards: Mapping[str, list[dict[str, Any]]], closed: Mapping[str, Any], names: Mapping[str, str]
) -> list[MismatchShown]:
    """Lists of closed months that are not settled, though the assessment counts the stay."""
    found = []
    for month, rows in boards.items():
        for row in rows:
            code = row["institution_code"]
            told = [
                f"{label} {count_text(row[name])} 份"
                for name, label in (("returned_now", "退回未重传"), ("unsent", "未传"))
                if row[name] and not (name == "unsent" and row["unsent"] == row["without_list"])
            ]
            if told and month in closed:
                found.append(_mismatch("open_lists", code, names.get(code, code), f"{month} 已月结，{'、'.join(told)}"))
            if row["without_list"]:
                words = f"{month} 有首页、没有清单 {count_text(row['without_list'])} 例"
                found.append(_mismatch("without_list", code, names.get(code, code), words))
    return found


def _page_mismatches(month: Month, desk: Home, names: Mapping[str, str]) -> list[MismatchShown]:
    """Lists that the month paid and of whose stay no front page is loaded."""
    keys = ["institution_code", "record_no"]
    cases = read_loaded(desk, CASES, ["source", *keys, "case_id"])
    pages = cases.filter(pc.equal(cases["source"], "front_page")).select(keys)
    lines = posted(desk, month.area, [month.month], ["institution_code", "case_id", "line_kind", "record_no"])
    lines = lines.filter(pc.is_in(lines["line_kind"], value_set=pa.array(["regular", "late"])))
    having = set(pc.unique(pages["institution_code"]).to_pylist())
    left = lines.select(keys).join(pages.group_by(keys).aggregate([]), keys=keys, join_type="left anti")
    counted = left.group_by("institution_code").aggregate([([], "count_all")]).sort_by("institution_code").to_pylist()
    return [
        _mismatch(
            "without_page",
            row["institution_code"],
            names.get(row["institution_code"], row["institution_code"]),
            f"{month.month} 结算 {count_text(row['count_all'])} 份清单没有首页",
        )
        for row in counted
        if row["institution_code"] in having
    ]


def _filing_mismatches(
    own: Iterable[Hospital],
    tasks: Mapping[str, Mapping[str, Task]],
    steps: list[Step],
    open_months: list[str],
    on: date,
) -> list[MismatchShown]:
    """Indicators submitted before the months they count are closed, and months closed with the filing overdue."""
    found = []
    due = next((one.due for one in steps if one.step == FILING), None)
    for one in own:
        if one.code not in tasks:
            continue
        sent = [task for task in tasks[one.code].values() if task.is_sent]
        waiting = len(tasks[one.code]) - len(sent)
        if sent and open_months:
            words = f"已提交 {len(sent)} 项，{open_months[0]} 等 {len(open_months)} 个月还没有月结"
            found.append(_mismatch("filed_early", one.code, one.name, words))
        if not open_months and waiting and due is not None and due < on:
            words = f"全年已月结，{due} 应完成填报，还有 {waiting} 项没有提交"
            found.append(_mismatch("filed_late", one.code, one.name, words))
    return found


def loop(month: Month, place: Place, desk: Home, *, sees_money: bool, may: frozenset[str]) -> Loop:
    """The stages 上传→质控→结算付费→审核→评估 of a month with what each counts and what waits there (S004-06).

    Each stage is counted by its own room over what the desk sees; a stage that the desk may not read says so.
    """
    makers = {
        "upload": _upload,
        "quality": _quality,
        "settlement": _settlement,
        "audit": _audit,
        "assessment": _assessment,
    }
    stages = []
    for stage in cockpit_data().loop:
        try:
            lines, waiting, label = makers[stage.id](month, place, desk, sees_money=sees_money)
        except TongpinError as error:
            if error.code != "store.scope":
                raise
            lines, waiting, label = ["这个岗位的范围看不到"], 0, ""
        href = stage.path if stage.permission in may else None
        stages.append(
            LoopStage(id=stage.id, label=stage.label, lines=lines, waiting=waiting, waiting_label=label, href=href)
        )
    return Loop(stages=stages, notes=[f"清单按出院月 {month.month}，结算按结算月，问题是现在的情况"])


Counted = tuple[list[str], int, str]


def _upload(month: Month, place: Place, desk: Home, *, sees_money: bool) -> Counted:  # noqa: ARG001  # one signature
    rows = _Standing(month, place, desk, today(month.home)).of(month.month)
    counts = {name: sum(row[name] for row in rows) for name in ("should", "sent", "unsent", "returned_now")}
    lines = [f"应传 {count_text(counts['should'])} 份", f"已传 {count_text(counts['sent'])} 份"]
    return lines, counts["unsent"], "份未传"


def _quality(month: Month, place: Place, desk: Home, *, sees_money: bool) -> Counted:  # noqa: ARG001  # one signature
    findings = read_loaded(desk, FINDINGS, ["status", "severity", "rule_id"])
    found = findings.filter(pc.equal(findings["status"], "open"))
    errors = int(pc.sum(pc.equal(found["severity"], "error")).as_py() or 0)
    mended = findings.num_rows - found.num_rows
    rules = len(pc.unique(found["rule_id"]))
    return [f"已改正 {count_text(mended)} 处", f"待改 {count_text(found.num_rows)} 处，{rules} 类"], errors, "处错误"


def _settlement(month: Month, place: Place, desk: Home, *, sees_money: bool) -> Counted:  # noqa: ARG001
    lines = posted(desk, month.area, [month.month], ["line_kind", "pool_payable_fen", "pay_scope"])
    by_group = int(pc.sum(pc.equal(lines["pay_scope"], "DRG")).as_py() or 0)
    told = [f"入账 {count_text(lines.num_rows)} 笔", f"按病组 {count_text(by_group)} 笔"]
    if sees_money:
        told.append(f"统筹应付 {wan_text(int(pc.sum(lines['pool_payable_fen']).as_py() or 0))} 万元")
    return told, 0, ""


def _audit(month: Month, place: Place, desk: Home, *, sees_money: bool) -> Counted:
    rows = decisions(desk, month.area)
    rows = rows.filter(pc.and_(pc.is_in(rows["kind"], value_set=pa.array(AUDIT_KINDS)), _in_month(rows, month.month)))
    cases = applications(read_events(desk, month.area))
    waiting = sum(one.is_open for one in cases.values())
    told = [f"审核决定 {count_text(rows.num_rows)} 件", f"特例单议 {count_text(len(cases))} 件"]
    if sees_money and place.reach in {"region", "hospital"}:
        sums = statements(desk, month.area, [month.month])
        told.append(f"审核扣款 {wan_text(int(pc.sum(sums['audit_deduction_fen']).as_py() or 0))} 万元")
    return told, waiting, "件单议在办"


def _in_month(rows: pa.Table, month: str) -> Any:
    named = pc.fill_null(pc.equal(rows["month"], month), False)
    decided = pc.and_(pc.is_null(rows["month"]), pc.equal(pc.strftime(rows["decided_date"], "%Y-%m"), month))
    return pc.or_(named, pc.fill_null(decided, False))


def _assessment(month: Month, place: Place, desk: Home, *, sees_money: bool) -> Counted:  # noqa: ARG001
    _, pages = month.facts(place)
    count = int(pc.sum(pages["case_count"]).as_py() or 0)
    told = [f"首页 {count_text(count)} 份计入考核"]
    if place.reach not in {"region", "hospital"}:
        return told, 0, ""
    year = int(month.month[:4])
    own = [one for one in hospitals(month.home, year) if place.hospital is None or place.hospital in one.codes]
    tasks = [task for one in own if one.set_name for task in _tasks(month.home, one, year).values()]
    sent = sum(task.is_sent for task in tasks)
    told.append(f"国考指标已提交 {count_text(sent)} ／ {count_text(len(tasks))} 项")
    return told, len(tasks) - sent, "项未提交"
