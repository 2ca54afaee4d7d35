"""Papers of the portfolio 病组组合的纸面: the workbook and A4 page of the pyramid, the workbook of a what-if."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tongpin.report.charts import to_png
from tongpin.report.pdf import Paper, Picture, Ruled, write_papers
from tongpin.report.words import count_text, number_text, percent_text, wan_text, yuan_text
from tongpin.report.xlsx import Column, Sheet, write_workbook
from tongpin.twin.catalogue import setting
from tongpin.twin.portfolio.catalogue import load_classes
from tongpin.twin.portfolio.charts import months_chart, pyramid_chart
from tongpin.twin.portfolio.classes import losing_months
from tongpin.twin.portfolio.pyramid import trend_rows
from tongpin.twin.portfolio.words import GOALS, basis_lines, change_text, label_text, rule_rows, value_text

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tongpin.twin.portfolio.effect import Figure, WhatIf
    from tongpin.twin.portfolio.pyramid import Pyramid
    from tongpin.twin.portfolio.run import HospitalPeriod, Period

NOT_REFUSAL = "引导下沉指下转、日间或门诊，有去处、有接续，不是拒收；急诊、儿童、区域内唯一提供的病组与重症不动。"
TRIAL = "试算只是算账：病例按本组均值增减，假定其余不变；减少收治须有去处，不得拒收参保患者。"
_TOP = 7
_NAME = 20
"""So many characters of a name stand on one line of a page."""
_RULES = (
    Column("what", "项目"),
    Column("value", "取值", width=70),
    Column("reference", "依据"),
    Column("assumed", "是否模拟"),
)


def class_rows(pyramid: Pyramid) -> list[dict[str, Any]]:
    """The classes as rows of a table, with their names and bounds."""
    named = {one.id: one for one in load_classes()}
    return [
        row | {"label": named[row["class"]].label, "rule": named[row["class"]].rule}
        for row in pyramid.classes.to_pylist()
    ]


def run_note(pyramid: Pyramid) -> str:
    """What 连续亏损 means here, and whether there were months enough to say so."""
    text = f"连续亏损按 {losing_months()} 个已关账的月份（原文未给期数，模拟）"
    if pyramid.known_months < losing_months():
        text += f"；到 {pyramid.months[-1]} 只有连续 {pyramid.known_months} 个月可看，还不能认定引导下沉病组"
    return text


def write_pyramid_xlsx(period: Period, name: str, pyramid: Pyramid, path: Path) -> None:
    """The workbook of a pyramid: classes, groups, groups by month, classes by month, rules."""
    title = f"{name} 病组组合 {period.label}"
    notes = [*basis_lines(period), run_note(pyramid), NOT_REFUSAL]
    labels = {one.id: one.label for one in load_classes()}
    rows = [
        row | {"label": period.group_labels.get(row["drg"], ""), "class_label": labels[row["class"]]}
        for row in trend_rows(pyramid)
    ]
    rows.sort(key=lambda row: (row["result_fen"], row["drg"]))
    own = [
        Column("drg", "病组"),
        Column("label", "名称"),
        Column("class_label", "类别"),
        Column("group_weight_e4", "权重", "weight"),
    ]
    groups = [
        *own,
        Column("case_count", "例数", "count"),
        Column("weight_e4", "总权重", "weight"),
        Column("result_fen", "结余\n（万元）", "wan"),
        Column("losing_run", "连续亏损\n月数", "count"),
        Column("settlement.result_ratio.paid", "盈亏率\n（应付口径）", "ratio"),
        Column("settlement.mean_fee", "次均费用\n（元）", "number"),
        Column("settlement.mean_stay", "平均住院日\n（天）", "days"),
    ]
    months = [
        column
        for month in pyramid.months
        for column in (
            Column(f"n:{month}", "例数", "count", band=month),
            Column(f"r:{month}", "结余\n（万元）", "wan", band=month),
        )
    ]
    least = setting("group_fee.minimum_cases")
    by_month = [*own, *months, Column("change_fen", "末月比上月\n（万元）", "wan")]
    sheets = [
        Sheet("金字塔", title, _CLASS_COLUMNS, class_rows(pyramid), notes),
        Sheet("病组", f"{title} · 病组", groups, rows, notes, freeze_columns=2),
        Sheet(
            "逐月病组",
            f"{title} · 逐月",
            by_month,
            rows,
            [*notes, f"末月比上月：两个月都不少于 {least} 例才列，例数少的多属偶然"],
            freeze_columns=2,
        ),
        Sheet(
            "逐月各类",
            f"{title} · 各类逐月",
            [
                Column("label", "类别"),
                Column("month", "月份"),
                Column("case_count", "例数", "count"),
                Column("weight_e4", "总权重", "weight"),
                Column("result_fen", "结余\n（万元）", "wan"),
            ],
            [row | {"label": labels[row["class"]]} for row in pyramid.class_trends.to_pylist()],
            notes,
        ),
        rules_sheet(title, period),
    ]
    write_workbook(sheets, path, title=title)


_CLASS_COLUMNS = (
    Column("label", "类别"),
    Column("rule", "界限", width=44),
    Column("group_count", "病组数", "count"),
    Column("few_count", "其中例数少的", "count"),
    Column("case_count", "例数", "count"),
    Column("case_share", "例数占比", "ratio"),
    Column("weight_e4", "总权重", "weight"),
    Column("weight_share", "权重占比", "ratio"),
    Column("result_fen", "结余\n（万元）", "wan"),
)


def rules_sheet(title: str, period: Period) -> Sheet:
    """The sheet of rules and parameters that every workbook of the portfolio ends with."""
    rows = [*rule_rows(), *({"what": "付费办法", "value": one, "assumed": "模拟"} for one in period.assumed)]
    return Sheet("口径", f"{title} · 口径与参数", _RULES, rows, basis_lines(period))


def write_pyramid_pdf(period: Period, name: str, pyramid: Pyramid, path: Path) -> None:
    """One A4 page: the pyramid as a chart and a table, the light groups that lose most."""
    title = f"{name}　病组组合"
    rows = [
        [
            row["label"],
            row["rule"].partition("（")[0],
            count_text(row["group_count"]),
            count_text(row["case_count"]),
            percent_text(row["case_share"]),
            percent_text(row["weight_share"]),
            wan_text(row["result_fen"]),
        ]
        for row in class_rows(pyramid)
    ]
    parts: list[str | Ruled | Picture] = [Picture(to_png(pyramid_chart(pyramid)), 0.98)]
    course = months_chart(pyramid)
    if course:
        parts.append(Picture(to_png(course), 0.9))
    heads = ("类别", "界限", "病组数", "例数", "例数占比", "权重占比", "结余（万元）")
    parts.append(Ruled(heads, (15, 31, 9, 9, 12, 12, 14), rows, frozenset({2, 3, 4, 5, 6})))
    light = _losing_light(period, pyramid)
    least = setting("group_fee.minimum_cases")
    parts += (
        [
            f"权重低于 1.0、亏损最多的病组（不少于 {least} 例）",
            Ruled(
                ("病组", "名称", "权重", "例数", "连亏月数", "结余（万元）", "每例（元）"),
                (8.5, 41.5, 7, 7, 10, 14, 13),
                light,
                frozenset({2, 3, 4, 5, 6}),
            ),
        ]
        if light
        else [f"没有权重低于 1.0 且亏损的病组（不少于 {least} 例）"]
    )
    parts.append("；".join([run_note(pyramid), NOT_REFUSAL.rstrip("。"), *period.notices]))
    paper = Paper(title, basis_lines(period)[:1], parts, [], foot=f"{title} {period.label}")
    write_papers([paper], path, title=f"{title} {period.label}")


def _losing_light(period: Period, pyramid: Pyramid) -> list[list[str]]:
    least = setting("group_fee.minimum_cases")
    found = [
        row
        for row in pyramid.groups.to_pylist()
        if row["class"] in {"guided", "watched"} and row["case_count"] >= least and row["result_fen"] < 0
    ]
    found.sort(key=lambda row: (row["result_fen"], row["drg"]))
    return [
        [
            row["drg"],
            short_name(period.group_labels.get(row["drg"], "")),
            number_text(row["group_weight_e4"] / 10_000, 2),
            count_text(row["case_count"]),
            count_text(row["losing_run"]),
            wan_text(row["result_fen"]),
            yuan_text(row["result_fen"] // row["case_count"]),
        ]
        for row in found[:_TOP]
    ]


def short_name(name: str) -> str:
    """A name that stands on one line of a page."""
    return name if len(name) <= _NAME else f"{name[: _NAME - 1]}…"


def figure_rows(figures: Sequence[Figure]) -> list[dict[str, Any]]:
    """Figures before and after in words, one row each."""
    return [
        {
            "label": label_text(one),
            "population": one.population,
            "before": value_text(one.kind, one.before),
            "after": value_text(one.kind, one.after),
            "change": change_text(one),
            "goal": GOALS[one.goal],
            "anchor": one.anchor,
            "note": one.note,
        }
        for one in figures
    ]


FIGURE_COLUMNS = (
    Column("label", "指标"),
    Column("population", "口径"),
    Column("before", "之前"),
    Column("after", "之后"),
    Column("change", "变化"),
    Column("goal", "导向"),
    Column("anchor", "锚点"),
    Column("note", "说明", width=40),
)


def write_what_if_xlsx(hospital: HospitalPeriod, result: WhatIf, said: Sequence[str], path: Path) -> None:
    """The workbook of a what-if: figures before and after, what was changed, rules."""
    title = f"{hospital.name} 病组试算 {hospital.period.label}"
    notes = [*basis_lines(hospital.period), TRIAL, "增减：" + "；".join(one.label for one in result.changes), *said]
    sheets = [
        Sheet("试算", title, FIGURE_COLUMNS, figure_rows(result.figures), notes),
        rules_sheet(title, hospital.period),
    ]
    write_workbook(sheets, path, title=title)
