"""The monthly report as a workbook 月报 xlsx: a sheet for each section, everything that the paper shortens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tongpin.measures.compare import MONTH, PEERS, YEAR
from tongpin.measures.papers import reading_text
from tongpin.report.words import MISSING
from tongpin.report.xlsx import Column, Sheet, write_workbook
from tongpin.twin.monthly.report import measured_cases
from tongpin.twin.monthly.report_docx import doctor_text, excess_text
from tongpin.twin.monthly.words import (
    account_change,
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
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from tongpin.measures.figures import Figure
    from tongpin.report.xlsx import Kind
    from tongpin.twin.monthly.catalogue import Section
    from tongpin.twin.monthly.report import Compared, Monthly

_UNIT_KINDS: dict[str, Kind] = {
    "count": "count",
    "fen": "wan",
    "weight_e4": "weight",
    "ratio": "ratio",
    "index": "index",
    "days": "days",
    "weight": "weight",
    "yuan": "number",
}
_WHOLE = frozenset({"count", "fen", "weight_e4"})


def write_monthly_xlsx(report: Monthly, path: Path) -> None:
    """The workbook at `path`: the sections in the order of the catalogue, the basis last."""
    sheets = [_FORMS[section.kind](report, section) for section in report.sections]
    write_workbook([*sheets, _basis(report)], path, title=title_of(report))


def _sheet(
    report: Monthly, section: Section, columns: list[Column], rows: list[dict[str, Any]], notes: list[str], **more: Any
) -> Sheet:
    why = report.missing.get(section.id)
    shown = [*report.notices, *([f"没有列：{why}"] if why else notes)]
    title = f"{title_of(report)} · {section.label}"
    return Sheet(section.label, title, columns, [] if why else rows, shown, freeze_columns=1, **more)


def _account(report: Monthly, section: Section) -> Sheet:
    funds = list(dict.fromkeys(label for one in report.account for label in one.by_fund))
    columns = [
        Column("item", "项目"),
        Column("value", "本月", kind_key="kind", width=16),
        *(Column(f"fund{number}", label, kind_key="kind", band="其中", width=16) for number, label in enumerate(funds)),
        Column("month", "上月", kind_key="kind", band="环比", width=16),
        Column("month_change", "变化", band="环比", width=14),
        Column("year", "上年同月", kind_key="kind", band="同比", width=16),
        Column("year_change", "变化", band="同比", width=14),
        Column("note", "说明", width=30),
    ]
    rows = []
    for one in report.account:
        whole = one.column.kind in {"wan", "yuan", "count"}
        values = {"value": one.value, "month": one.before[MONTH], "year": one.before[YEAR]}
        values |= {f"fund{number}": one.by_fund.get(label) for number, label in enumerate(funds)}
        rows.append(
            {name: int(value) if whole and value is not None else value for name, value in values.items()}
            | {
                "item": account_title(one),
                "kind": one.column.kind,
                "month_change": account_change(one, MONTH),
                "year_change": account_change(one, YEAR),
                "note": one.note,
            }
        )
    told = [text for kind in (MONTH, YEAR) if (text := without_base(report, kind))]
    return _sheet(
        report,
        section,
        columns,
        rows,
        ["金额万元；金额的变化为增幅（基数不为正的列差额），例数为差额，率为百分点", *told],
    )


def _figures(report: Monthly, section: Section) -> Sheet:
    columns = [
        Column("label", "指标"),
        Column("guokao", "国考编号"),
        Column("direction", "方向"),
        *(Column(name, title, kind_key="kind", width=14) for name, title in (("value", "本月"), ("low", "区间下限"))),
        Column("high", "区间上限", kind_key="kind", width=14),
        Column("count", "例数", "count"),
    ]
    for kind, title in ((MONTH, "上月"), (YEAR, "上年同月"), (PEERS, "同级")):
        columns += [
            Column(kind, title, kind_key="kind", band=title, width=14),
            Column(f"{kind}_gap", "差（率为百分点）", kind_key="gap_kind", band=title, width=14),
            Column(f"{kind}_read", "判断", band=title, width=14),
        ]
    columns += [
        Column("reading", "怎么看", width=24),
        Column("simulated", "模拟"),
        Column("form", "口径", width=50),
        Column("population", "人群与期间", width=24),
    ]
    rows = [_figure_row(report, one, section.raw) for one in report.figures]
    return _sheet(report, section, columns, rows, list(report.notes))


def _figure_row(report: Monthly, one: Compared, raw: Sequence[str]) -> dict[str, Any]:
    measure = one.figure.measure
    kind = _UNIT_KINDS[measure.unit]
    row: dict[str, Any] = {
        "label": measure.label,
        "guokao": guokao_number(one),
        "direction": measure.direction,
        "kind": kind,
        "gap_kind": "pp" if measure.unit == "ratio" else kind,
        "value": _cell(one.figure.value, measure.unit),
        "low": one.figure.low,
        "high": one.figure.high,
        "count": one.figure.count,
        "reading": reading_of_row(one, raw),
        "simulated": "模拟" if report.basis is not None and report.basis.simulated(measure) else "",
        "form": measure.form,
        "population": f"{measure.population}，{measure.period}",
    }
    for name, compared in one.beside.items():
        row |= {
            name: _cell(compared.reference, measure.unit),
            f"{name}_gap": _cell(compared.change.real_effect, measure.unit),
            f"{name}_read": MISSING if name == PEERS and measure.id in raw else reading_text(compared),
        }
    return row


def _cell(value: float | None, unit: str) -> float | None:
    return int(value) if value is not None and unit in _WHOLE else value


def _national(report: Monthly, section: Section) -> Sheet:
    columns = [
        Column("sub", "编号"),
        Column("name", "指标", width=40),
        Column("unit", "单位"),
        Column("direction", "导向"),
        Column("value", "本月", "number"),
        Column("month", "上月", "number"),
        Column("year", "上年同月", "number"),
        Column("simulated", "模拟"),
        Column("reason", "不能形成的原因", width=50),
    ]
    rows = [
        one._asdict()
        | {"month": one.before[MONTH], "year": one.before[YEAR], "simulated": "模拟" if one.simulated else ""}
        for one in report.national
    ]
    return _sheet(report, section, columns, rows, ["当月的数，不推算全年；填报的指标看 tongpin guokao sheet"])


def _groups(report: Monthly, section: Section) -> Sheet:
    columns = [
        Column("kind_label", "结果"),
        Column("group", "病组"),
        Column("case_count", "例数", "count"),
        Column("total_fee_fen", "费用\n（万元）", "wan"),
        Column("result_fen", "盈亏\n（万元）", "wan"),
        Column("per_case_fen", "每例盈亏\n（元）", "yuan"),
        Column("low_fen", "区间下限\n（元）", "yuan"),
        Column("high_fen", "区间上限\n（元）", "yuan"),
        Column("peer_per_case_fen", "同级每例\n（元）", "yuan"),
        Column("verdict", "与同级比"),
        Column("drug_share", "药占比", "ratio"),
        Column("consumable_share", "耗占比", "ratio"),
    ]
    rows = [
        dict(row) | {"kind_label": label, "group": report.labels.group(row["drg"])}
        for label, found in (("结余", report.gains), ("超支", report.losses))
        for row in found
    ]
    if report.rest is not None:
        rows.append(dict(report.rest) | {"kind_label": "其余", "group": f"其余 {report.rest['group_count']} 个病组"})
    return _sheet(report, section, columns, rows, ["各行相加等于医保DRG（本月与补传清单）的盈亏；例数少的合在“其余”里"])


def _departments(report: Monthly, section: Section) -> Sheet:
    money = {
        "cases": ("清单数", "count"),
        "drg_cases": ("其中DRG", "count"),
        "high_cases": ("费用极高", "count"),
        "low_cases": ("费用极低", "count"),
        "total_fee_fen": ("费用\n（万元）", "wan"),
        "gross_fen": ("DRG应付总额\n（万元）", "wan"),
        "item_pool_fen": ("按项目应付统筹\n（万元）", "wan"),
        "pool_payable_fen": ("DRG应付统筹\n（万元）", "wan"),
        "result_fen": ("盈亏\n（万元）", "wan"),
    }
    columns = [Column("label", "科室")]
    columns += [Column(name, title, kind, band="医保结算") for name, (title, kind) in money.items()]  # type: ignore[arg-type]
    columns += _measured(report, section)
    columns.append(Column("excess", "药耗占比（与期望比，模拟）", width=30))
    rows = []
    for one in report.units:
        account = one.account or {}
        row = {"label": one.label, "excess": excess_text(one)} | {name: account.get(name, 0) for name in money}
        rows.append(row | _values(one.figures))
    totals = [{"label": "合计"} | {name: sum(row[name] for row in rows) for name in money}]
    notes = ["医保结算各栏为本月清单，合计等于月度支付情况表；不排名次"]
    return _sheet(report, section, columns, rows, notes, totals=totals if rows else ())


def _doctors(report: Monthly, section: Section) -> Sheet:
    columns = [
        Column("label", "主诊医师"),
        Column("cases", "出院例数", "count"),
        *_measured(report, section),
        Column("against", "与本科比", width=40),
    ]
    rows = [
        {"label": one.label, "cases": measured_cases(one), "against": doctor_text(one)} | _values(one.figures)
        for one in report.units
    ]
    return _sheet(report, section, columns, rows, ["没有任何金额：盈亏不与个人挂钩；不排名次；例数少的不比较"])


def _measured(report: Monthly, section: Section) -> list[Column]:
    found = {name: one for unit in report.units for name, one in unit.figures.items()}
    return [
        Column(name, found[name].measure.label, _UNIT_KINDS[found[name].measure.unit], band="绩效考核", width=13)
        for name in section.measures
        if name in found
    ]


def _values(figures: Mapping[str, Figure]) -> dict[str, Any]:
    return {name: _cell(one.value, one.measure.unit) for name, one in figures.items()}


def _causes(report: Monthly, section: Section) -> Sheet:
    columns = [Column("number", "序号", "count"), Column("text", "内容", width=130)]
    if report.causes is None:
        return _sheet(report, section, columns, [], [])
    rows: list[dict[str, Any]] = [{"number": None, "text": difference_line(report.causes)}]
    for number, one in enumerate(report.causes.causes, start=1):
        rows.append({"number": number, "text": cause_line(report.causes, one)})
    return _sheet(report, section, columns, rows, ["提示只由数据得出，不是结论；病例与分项看 tongpin causes"])


def _lists(report: Monthly, section: Section) -> Sheet:
    columns = [
        Column("number", "病案号"),
        Column("dept_label", "科室"),
        Column("discharged", "出院日期"),
        Column("state", "状态"),
        Column("since", "自何日"),
        Column("days", "天数", "count"),
        Column("due", "期限"),
        Column("over_days", "超期（日）", "count"),
        Column("message", "退回原因", width=50),
    ]
    rows = [list_row(one) | {"dept_label": report.labels.dept(one.dept) if one.dept else ""} for one in report.lists]
    return _sheet(report, section, columns, rows, [f"截至 {report.on}：{lists_line(report.lists)}"], empty="没有")


def _basis(report: Monthly) -> Sheet:
    lines = [f"{section.label}：依据 {section.reference}" for section in report.sections]
    if report.basis is not None:
        basis = report.basis
        lines += [
            f"统筹区：{basis.area_label}；付费办法：{basis.policy_label}；分组方案：{basis.scheme_id}",
            f"权重版本：{basis.weight_edition}；基期：{'、'.join(basis.benchmark_months)}",
            f"付费办法中没有文件确认的取值 {basis.assumed_count} 项，凭它们得出的数标“模拟”",
        ]
    lines += [
        "盈亏 = DRG 应付 − 按项目应付，正数归机构；结算按结算月，绩效考核按出院月，两边的月份口径不同，不能直接相比",
        *report.notes,
    ]
    columns = [Column("text", "内容", width=130)]
    return Sheet("口径", f"{title_of(report)} · 口径", columns, [{"text": line} for line in lines], report.notices)


_FORMS: Mapping[str, Callable[[Monthly, Section], Sheet]] = {
    "statement": _account,
    "figures": _figures,
    "guokao": _national,
    "groups": _groups,
    "departments": _departments,
    "doctors": _doctors,
    "causes": _causes,
    "lists": _lists,
}
