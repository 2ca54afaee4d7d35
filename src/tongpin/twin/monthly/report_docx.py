"""The monthly report on paper 月报 A4: both desks on two or three pages, ready for signature and stamp."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from tongpin.measures.compare import HOSPITAL, MONTH, PEERS, YEAR
from tongpin.measures.guokao.sheet_xlsx import figure_text
from tongpin.measures.papers import interval_text, value_text
from tongpin.measures.ranks import BETTER, LIKE, WORSE
from tongpin.report.docx import Document, DocxPart, Heading, write_docx
from tongpin.report.pdf import Ruled
from tongpin.report.words import MISSING, count_text, month_text, wan_text, yuan_text
from tongpin.twin.causes.catalogue import setting as cause_setting
from tongpin.twin.crossing import PARTS
from tongpin.twin.monthly.catalogue import load_monthly
from tongpin.twin.monthly.papers import change_text, measure_name, reference_text
from tongpin.twin.monthly.report import measured_cases
from tongpin.twin.monthly.settled import month_back
from tongpin.twin.monthly.words import (
    account_change,
    account_text,
    account_title,
    cause_line,
    difference_line,
    guokao_number,
    list_row,
    lists_line,
    reading_of_row,
    title_of,
    without_base,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from tongpin.twin.monthly.catalogue import Section
    from tongpin.twin.monthly.report import Monthly, Unit

_SPACE = "＿" * 7
_SIGN = f"编制：{_SPACE}　　审核：{_SPACE}　　负责人：{_SPACE}　　日期：{_SPACE}　　（盖章）"
_NUMERALS = "一二三四五六七八九十"
_POINTS = 9.5
_CODE = re.compile("（[a-z_]+）| ?[a-z]+_[a-z_]+")
"""The codes of items to file: the workbook has them."""


def write_monthly_docx(report: Monthly, path: Path) -> None:
    """The report at `path`."""
    write_docx(document_of(report), path)


def document_of(report: Monthly) -> Document:
    """The report as a paper: its sections in the order of the catalogue."""
    parts: list[DocxPart] = []
    for number, section in enumerate(report.sections):
        parts.append(Heading(f"{_NUMERALS[number]}、{section.label}"))
        if section.id in report.missing:
            parts.append(f"没有列：{report.missing[section.id]}。")
        else:
            parts += _FORMS[section.kind](report, section)
    foot = f"{title_of(report)}；清单情况截至 {report.on}"
    return Document(title_of(report), report.notices, parts, [_SIGN], foot, report.marks, _POINTS)


def _account(report: Monthly, _section: Section) -> list[DocxPart]:
    before, year = (month_text(month_back(report.month, kind)) for kind in (MONTH, YEAR))
    rows = [
        [
            account_title(one),
            account_text(one, one.value),
            account_text(one, one.before[MONTH]),
            account_change(one, MONTH),
            account_text(one, one.before[YEAR]),
            account_change(one, YEAR),
        ]
        for one in report.account
    ]
    table = Ruled(
        ("项目", "本月", before, "环比", year, "同比"), (60, 26, 26, 22, 26, 22), rows, frozenset(range(1, 6))
    )
    source = (
        "数取自月度支付情况表，各基金合计，分毫不差；各基金分列见 xlsx。"
        if report.dept is None
        else "由本科过账清单按月度支付情况表的口径汇总，各科相加等于该表；扣款、保证金与拨付只到医院，不分到科室。"
    )
    told = [without_base(report, kind) for kind in (MONTH, YEAR)]
    notes = [
        f"{source}金额的环比、同比为增幅，基数不为正的列差额；例数列差额，率为百分点。",
        *(one for one in told if one),
    ]
    notes += [f"{one.column.title}：{one.note}" for one in report.account if one.note]
    return [table, "".join(f"{one}{'' if one.endswith('。') else '。'}" for one in notes)]


def _figures(report: Monthly, section: Section) -> list[DocxPart]:
    rows = []
    for one in report.figures:
        unit = one.figure.measure.unit
        month, year, peers = (one.beside.get(kind) for kind in (MONTH, YEAR, PEERS))
        rows.append(
            [
                measure_name(one.figure.measure, report.basis) if report.basis else one.figure.measure.label,
                guokao_number(one),
                value_text(one.figure.value, unit),
                interval_text(one.figure),
                reference_text(month, unit),
                change_text(month, unit),
                reference_text(year, unit),
                change_text(year, unit),
                reference_text(peers, unit),
                _CODE.sub("", reading_of_row(one, section.raw)),
            ]
        )
    titles = ("指标", "国考", "本月", "95% 区间", "上月", "环比", "上年同月", "同比", "同级", "怎么看")
    table = Ruled(titles, (29, 10, 16, 29, 16, 15, 16, 15, 16, 27), rows, frozenset(range(2, 9)))
    text = "人群为全部出院，按出院月；超出区间才说更好、更差；监测比较不评好坏；死亡率只按精确界判断，超界先逐例复核。"
    return [table, text + "".join(f"{note}。" for note in report.notes)]


def _national(report: Monthly, _section: Section) -> list[DocxPart]:
    formed = [one for one in report.national if one.value is not None]
    rows = [
        [
            one.sub,
            f"{one.name}（{one.unit}）{'·模拟' if one.simulated else ''}",
            one.direction,
            figure_text(one.value, one.unit),
            figure_text(one.before[MONTH], one.unit),
            figure_text(one.before[YEAR], one.unit),
        ]
        for one in formed
    ]
    titles = ("编号", "指标", "导向", "本月", "上月", "上年同月")
    table = [Ruled(titles, (12, 78, 24, 22, 22, 22), rows, frozenset({3, 4, 5}))] if rows else []
    missing = [
        f"{one.sub} {one.name}（{_CODE.sub('', one.reason) or '没有可用的数'}）"
        for one in report.national
        if one.value is None
    ]
    return [*table, *([f"没有形成的：{'；'.join(missing)}。"] if missing else [])]


def _groups(report: Monthly, _section: Section) -> list[DocxPart]:
    rows = [_group(report, "结余", row) for row in report.gains]
    rows += [_group(report, "超支", row) for row in report.losses]
    if report.rest is not None:
        rest = report.rest
        cells = [f"其余 {rest['group_count']} 个病组", count_text(rest["case_count"]), wan_text(rest["result_fen"])]
        rows.append(["其余", *cells, *[MISSING] * 3])
    titles = ("结果", "病组", "例数", "盈亏（万元）", "每例盈亏（元）", "95% 区间（元）", "同级每例（元）")
    few = cause_setting("compare.minimum_cases")
    if not report.gains and not report.losses:
        return [f"没有一个病组达到 {few} 例，不排列；合计见“医保结算”。"]
    text = f"医保DRG（本月与补传清单）；不足 {few} 例的不排列，合在“其余”里。区间含 0 的，一个月的盈亏还说明不了什么。"
    return [Ruled(titles, (10, 62, 12, 20, 22, 38, 22), rows, frozenset(range(2, 7))), text]


def _group(report: Monthly, kind: str, row: Mapping[str, Any]) -> list[str]:
    low, high = row["low_fen"], row["high_fen"]
    return [
        kind,
        report.labels.group(row["drg"]),
        count_text(row["case_count"]),
        wan_text(row["result_fen"]),
        yuan_text(row["per_case_fen"]),
        MISSING if low is None else f"{yuan_text(low)} 至 {yuan_text(high)}",
        yuan_text(row["peer_per_case_fen"]),
    ]


def _departments(report: Monthly, section: Section) -> list[DocxPart]:
    limit = load_monthly().setting("paper_departments")
    shown, others = report.units[:limit], report.units[limit:]
    rows = [
        [
            one.label,
            *_money(one.account or {}),
            *(_figure(one, name) for name in section.measures),
            excess_text(one),
        ]
        for one in shown
    ]
    names = ("cases", "total_fee_fen", "pool_payable_fen", "result_fen")
    if others:
        rest = {name: sum((one.account or {}).get(name, 0) for one in others) for name in names}
        rows.append([f"其余 {len(others)} 个科室", *_money(rest), *[MISSING] * len(section.measures), ""])
    whole = {name: sum((one.account or {}).get(name, 0) for one in report.units) for name in names}
    rows.append(["合计", *_money(whole), *[MISSING] * len(section.measures), ""])
    labels = [_short(report, name) for name in section.measures]
    titles = ("科室", "清单数", "费用\n（万元）", "DRG应付统筹\n（万元）", "盈亏\n（万元）", *labels, "药耗占比")
    widths = (40, 12, 17, 21, 17, *[15] * len(labels), 36)
    text = (
        "按清单数列，不排名次；合计等于月度支付情况表的本月清单。药耗占比只与本科病例组合的期望比，"
        "超出容差才列（百分点，模拟）；例数少的不比较。"
    )
    return [Ruled(titles, widths, rows, frozenset(range(1, 5 + len(labels)))), text]


def _money(row: Mapping[str, int]) -> list[str]:
    amounts = [wan_text(row.get(name, 0)) for name in ("total_fee_fen", "pool_payable_fen", "result_fen")]
    return [count_text(row.get("cases", 0)), *amounts]


def _figure(one: Unit, name: str) -> str:
    figure = one.figures.get(name)
    return MISSING if figure is None else value_text(figure.value, figure.measure.unit)


def _short(report: Monthly, name: str) -> str:
    for one in report.units:
        if name in one.figures:
            return one.figures[name].measure.label.partition("（")[0]
    return name


def excess_text(one: Unit) -> str:
    """Where a department's shares lie above what its case mix leads one to expect; said where few cases forbid it."""
    if one.shares is None or not one.shares["comparable"]:
        return "例数少，不比较"
    labels = {"drug": "药占比", "consumable": "耗占比"}
    high = [
        f"{labels[part]}高 {(one.shares[actual] - one.shares[expected]) * 100:.2f}"
        for part, actual, expected in PARTS
        if one.shares[f"{part}_high"]
    ]
    return "；".join(high) if high else "在容差内"


def _doctors(report: Monthly, section: Section) -> list[DocxPart]:
    limit = load_monthly().setting("paper_doctors")
    shown = sorted(report.units, key=lambda one: (-measured_cases(one), one.code))[:limit]
    rows = [
        [
            one.label,
            count_text(measured_cases(one)),
            *(_figure(one, name) for name in section.measures),
            doctor_text(one),
        ]
        for one in shown
    ]
    labels = [_short(report, name) for name in section.measures]
    table = Ruled(
        ("主诊医师", "出院例数", *labels, "与本科比"),
        (28, 16, *[20] * len(labels), 50),
        rows,
        frozenset(range(1, 2 + len(labels))),
    )
    more = f"；另有 {len(report.units) - limit} 位见 xlsx" if len(report.units) > limit else ""
    return [table, f"按例数列，不排名次，没有任何金额：盈亏不与个人挂钩；例数少的不比较{more}。"]


def doctor_text(one: Unit) -> str:
    """What of a doctor's figures leaves its interval beside the department; few cases are not compared."""
    told = [
        f"{figure.measure.label.partition('（')[0]}{figure.compared.reading}"
        for figure in one.figures.values()
        if figure.compared is not None
        and figure.compared.kind == HOSPITAL
        and figure.compared.reading in {BETTER, WORSE}
    ]
    if told:
        return "；".join(told)
    readings = {figure.compared.reading for figure in one.figures.values() if figure.compared is not None}
    return "区间内" if LIKE in readings else "例数少，不比较"


def _causes(report: Monthly, _section: Section) -> list[DocxPart]:
    causes = report.causes
    if causes is None:
        return []
    limit = load_monthly().setting("paper_causes")
    lines = [cause_line(causes, one) for one in causes.causes[:limit]]
    more = f"共 {len(causes.causes)} 条提示，列 {len(lines)} 条；" if len(causes.causes) > limit else ""
    if not lines:
        return [difference_line(causes), "没有达到界值的原因提示，不等于没有原因。"]
    told = [f"{number}. {line}" for number, line in enumerate(lines, start=1)]
    return [difference_line(causes), *told, f"{more}提示只由数据得出，不是结论；界值没有文件确认（模拟）。"]


def _lists(report: Monthly, _section: Section) -> list[DocxPart]:
    limit = load_monthly().setting("paper_lists")
    first: list[DocxPart] = [f"截至 {report.on}：{lists_line(report.lists)}"]
    if not report.lists:
        return first
    rows = []
    for one in report.lists[:limit]:
        row = list_row(one)
        dept = report.labels.dept(row["dept"]) if row["dept"] else MISSING
        over = f"超期 {row['over_days']} 日" if row["over_days"] else ""
        due = "，".join(part for part in (row["due"], over) if part)
        rows.append(
            [row["number"], dept, row["discharged"], row["state"], count_text(row["days"]), due, row["message"]]
        )
    titles = ("病案号", "科室", "出院日期", "状态", "天数", "期限", "退回原因")
    return [*first, Ruled(titles, (28, 30, 21, 18, 12, 36, 42), rows, frozenset({4}))]


_FORMS: Mapping[str, Callable[[Monthly, Section], list[DocxPart]]] = {
    "statement": _account,
    "figures": _figures,
    "guokao": _national,
    "groups": _groups,
    "departments": _departments,
    "doctors": _doctors,
    "causes": _causes,
    "lists": _lists,
}
