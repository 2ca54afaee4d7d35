"""Words 措辞: the rows of a monthly report as people read them, the same on paper and in the workbook."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from tongpin.measures.catalogue import Measure
from tongpin.measures.compare import MONTH, PEERS, YEAR
from tongpin.measures.papers import reading_text
from tongpin.measures.ranks import BETTER, FEW, LIKE, UNSCORED, WORSE
from tongpin.report.words import MISSING, count_text, month_text, number_text, percent_text, points_text, wan_text
from tongpin.twin.causes.parts import FACTORS
from tongpin.twin.causes.words import base_label, difference, factor_sums
from tongpin.twin.monthly.settled import month_back

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tongpin.twin.causes.dictionary import Suggested
    from tongpin.twin.causes.run import CausesReport
    from tongpin.twin.monthly.open_lists import OpenList
    from tongpin.twin.monthly.report import Compared, Monthly
    from tongpin.twin.monthly.settled import AccountRow

KIND_LABELS = {MONTH: "环比", YEAR: "同比", PEERS: "与同级比"}
_MAIN_FACTORS = 3
_LIMIT = re.compile("（[≥≤][^）]*）")


def title_of(report: Monthly) -> str:
    """The title of a report."""
    place = " ".join(part for part in (report.hospital_name, report.dept_label) if part)
    return f"{place} {month_text(report.month)}{'医院' if report.dept is None else '科室'}月报"


def account_text(row: AccountRow, value: float | None) -> str:
    """A value of the account: 万元 for money, four decimals for weights."""
    if value is None:
        return MISSING
    match row.column.kind:
        case "wan" | "yuan":
            return wan_text(int(value))
        case "count":
            return count_text(int(value))
        case "ratio":
            return percent_text(value)
        case _:
            return number_text(value, 4)


def account_change(row: AccountRow, kind: str) -> str:
    """A change of the account: growth of money in percent, ratios in 百分点; a difference where growth has no sense."""
    gap = row.difference(kind)
    if gap is None:
        return MISSING
    if row.column.kind == "ratio":
        return points_text(gap)
    if row.column.kind == "weight":
        return f"{'+' * (gap > 0)}{number_text(gap, 4)}"
    if row.column.kind == "count":
        return f"{'+' * (gap > 0)}{count_text(int(gap))}"
    grown = row.growth(kind)
    if grown is not None:
        return f"{'+' * (grown > 0)}{percent_text(grown)}"
    return f"{'+' * (gap > 0)}{wan_text(int(gap))} 万元"


def account_title(row: AccountRow) -> str:
    """A column of the account with its unit."""
    return f"{row.column.title}{'（万元）' if row.column.kind in {'wan', 'yuan'} else ''}"


def without_base(report: Monthly, kind: str) -> str:
    """Why there is nothing to compare with: the month is not closed, or the place had no lists in it."""
    if any(row.before.get(kind) is not None for row in report.account):
        return ""
    return f"{month_back(report.month, kind)} 没有关账或没有本范围的清单，结算一栏没有{KIND_LABELS[kind]}"


def guokao_number(one: Compared) -> str:
    """The 国考 number of a measure, a dash for those that are none of its indicators."""
    measure = one.figure.measure
    mirrors = measure.mirrors if isinstance(measure, Measure) else None
    return MISSING if mirrors is None or mirrors.guokao is None else f"{mirrors.guokao}"


def reading_of_row(one: Compared, raw: Sequence[str] = ()) -> str:
    """How a figure reads beside its references: what leaves the intervals is said, the rest in one word.

    `raw`: measures without regard to the case mix, which are not judged beside peers.
    """
    if one.figure.value is None:
        return one.figure.note or "没有可用的数"
    measure = one.figure.measure
    if isinstance(measure, Measure) and measure.limits:
        beside = one.beside.get(PEERS)
        return MISSING if beside is None else reading_text(beside)
    readings = {kind: one_of.reading for kind, one_of in one.beside.items() if kind != PEERS or measure.id not in raw}
    told = [f"{KIND_LABELS[kind]}{reading}" for kind, reading in readings.items() if reading in {BETTER, WORSE}]
    if told:
        return "；".join(told)
    if UNSCORED in readings.values():
        return "监测比较" if measure.direction == "监测比较" else UNSCORED
    if LIKE in readings.values():
        return "区间内"
    return "例数少，不比较" if FEW in readings.values() else MISSING


def difference_line(report: CausesReport) -> str:
    """The difference from the base with its largest parts in one line."""
    gap = difference(report.total)
    sums = sorted(factor_sums(report.total).items(), key=lambda one: -abs(one[1]))
    main = "、".join(f"{FACTORS[name]} {_signed(amount)}" for name, amount in sums[:_MAIN_FACTORS] if amount)
    return (
        f"盈亏 {wan_text(report.total['result_fen'])} 万元，{base_label(report)} "
        f"{wan_text(report.total['base_fen'])} 万元，相差 {_signed(gap)} 万元"
        + (f"：主要是{main}（万元）。" if main else "。")
    )


def _signed(fen: int) -> str:
    return f"{'+' * (fen > 0)}{wan_text(fen)}"


def cause_line(report: CausesReport, one: Suggested) -> str:
    """A cause in one line: what, of which group, what was measured, what to do; money only where the cause has some."""
    money = "" if one.amount_fen is None else f"，相关分项 {_signed(one.amount_fen)} 万元"
    return (
        f"{one.cause.label}·{report.labels.group(one.drg)}（{count_text(one.case_count)} 例）："
        f"{'；'.join(_LIMIT.sub('', text) for text in one.measured)}{money}。{one.cause.next_step.rstrip('。')}。"
    )


def lists_line(lists: Sequence[OpenList]) -> str:
    """The open lists in one line."""
    if not lists:
        return "没有等医院处理的清单。"
    returned = [one for one in lists if one.is_returned]
    unsent = [one for one in lists if not one.is_returned]
    over = [one for one in lists if one.over_days]
    counts = [count_text(len(some)) for some in (returned, unsent, over)]
    text = "退回未重传 {} 份，没有上传 {} 份，其中超期 {} 份".format(*counts)
    return f"{text}，最长超期 {count_text(max(one.over_days for one in over))} 日。" if over else f"{text}。"


def list_row(one: OpenList) -> dict[str, Any]:
    """An open list as a row."""
    return {
        "number": one.number,
        "dept": one.dept,
        "discharged": f"{one.discharged}" if one.discharged else MISSING,
        "state": one.state,
        "since": f"{one.since}" if one.since else MISSING,
        "days": one.days,
        "due": f"{one.due}" if one.due else MISSING,
        "over_days": one.over_days,
        "message": one.message,
    }
