"""Papers of the portfolio 病组组合的纸面: workbooks, and one A4 page each for the pyramid and the frontier."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tongpin.report.charts import to_png
from tongpin.report.pdf import Paper, Picture, Ruled, write_papers
from tongpin.report.words import count_text, number_text, percent_text, wan_text, yuan_text
from tongpin.report.xlsx import Column, Sheet, write_workbook
from tongpin.twin.catalogue import setting
from tongpin.twin.portfolio.catalogue import load_classes
from tongpin.twin.portfolio.charts import frontier_chart, months_chart, pyramid_chart
from tongpin.twin.portfolio.classes import losing_months
from tongpin.twin.portfolio.pyramid import trend_rows
from tongpin.twin.portfolio.words import GOALS, basis_lines, change_text, label_text, rule_rows, value_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from tongpin.twin.portfolio.effect import Figure, WhatIf
    from tongpin.twin.portfolio.plan import Plan
    from tongpin.twin.portfolio.proposals import Proposal
    from tongpin.twin.portfolio.pyramid import Pyramid
    from tongpin.twin.portfolio.run import HospitalPeriod, Period

NOT_REFUSAL = "引导下沉指下转、日间或门诊，有去处、有接续，不是拒收；急诊、儿童、区域内唯一提供的病组与重症不动。"
TRIAL = "试算只是算账：病例按本组均值增减，假定其余不变；减少收治须有去处，不得拒收参保患者。"
_TOP = 7
_MOVES_ON_PAPER = 6
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
        _rules_sheet(title, period),
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


def _rules_sheet(title: str, period: Period) -> Sheet:
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
            _short(period.group_labels.get(row["drg"], "")),
            number_text(row["group_weight_e4"] / 10_000, 2),
            count_text(row["case_count"]),
            count_text(row["losing_run"]),
            wan_text(row["result_fen"]),
            yuan_text(row["result_fen"] // row["case_count"]),
        ]
        for row in found[:_TOP]
    ]


def _short(name: str) -> str:
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


_FIGURES = (
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
        Sheet("试算", title, _FIGURES, figure_rows(result.figures), notes),
        _rules_sheet(title, hospital.period),
    ]
    write_workbook(sheets, path, title=title)


_POINTS = (
    Column("number", "点", "count"),
    Column("result_fen", "结余\n（万元）", "wan"),
    Column("result_change_fen", "比现状\n（万元）", "wan"),
    Column("cmi", "CMI", "weight"),
    Column("cmi_text", "比现状", "text"),
    Column("case_count", "安排例数", "count"),
    Column("grown_count", "其中增收", "count"),
    Column("chosen", "选定"),
)
_MOVES = (
    Column("number", "点", "count"),
    Column("drg", "病组"),
    Column("label", "名称"),
    Column("move_label", "安排"),
    Column("moved_count", "例数", "count"),
    Column("able_count", "可安排", "count"),
    Column("case_count", "本期例数", "count"),
    Column("result_fen", "结余变化\n（万元）", "wan"),
    Column("weight_e4", "总权重变化", "weight"),
    Column("stay_days", "床日变化", "count"),
    Column("stops", "为什么到此为止", width=34),
    Column("protected", "不得触碰", width=28),
    Column("destination", "去处", width=28),
)


def write_frontier_xlsx(plan: Plan, path: Path) -> None:
    """The workbook of a frontier: points, moves of every point, figures of the chosen one, capacities, rules."""
    period = plan.hospital.period
    title = f"{plan.hospital.name} 结余与 CMI 的前沿 {period.label}"
    notes = [*basis_lines(period), NOT_REFUSAL, *plan.notes]
    moves = [
        one._asdict() | {"number": number} for number, part in enumerate(plan.proposed, 1) for one in part.proposals
    ]
    capacities = [one._asdict() for one in plan.hospital.capacities]
    sheets = [
        Sheet("前沿", title, _POINTS, point_rows(plan), notes, empty="没有可以安排的病例"),
        Sheet("安排", f"{title} · 安排", _MOVES, moves, notes, freeze_columns=3, empty="没有可以安排的病例"),
        Sheet("指标", f"{title} · 第 {plan.chosen + 1} 点", _FIGURES, figure_rows(plan.figures), notes),
        Sheet(
            "能力",
            f"{title} · 能力",
            [
                Column("label", "能力"),
                Column("unit", "单位"),
                Column("used", "本期已用", "count"),
                Column("amount", "至多", "count"),
                Column("source", "来源", width=60),
            ],
            capacities,
            notes,
        ),
        _rules_sheet(title, period),
    ]
    write_workbook(sheets, path, title=title)


def point_rows(plan: Plan) -> list[dict[str, Any]]:
    """The points of a frontier as rows of a table."""
    rows: list[dict[str, Any]] = []
    for number, one in enumerate(plan.points, start=1):
        rows.append(
            {
                "number": number,
                "result_fen": one.result_fen,
                "result_change_fen": one.result_fen - plan.today[1],
                "cmi": float(one.cmi),
                "cmi_text": f"{float(one.cmi - plan.today[0]):+.4f}",
                "case_count": sum(taken.cases for taken in one.taken),
                "grown_count": sum(taken.cases for taken in one.taken if taken.choice.cell < 0),
                "chosen": "选定" if number - 1 == plan.chosen else "",
            }
        )
    return rows


def write_frontier_pdf(plan: Plan, path: Path) -> None:
    """One A4 page: the frontier as a chart, its points, the moves of the chosen point, its figures."""
    period = plan.hospital.period
    title = f"{plan.hospital.name}　结余与 CMI 的前沿"
    parts: list[str | Ruled | Picture] = [
        Picture(to_png(frontier_chart(plan.points, plan.today, plan.chosen)), 0.66),
        Ruled(
            ("点", "结余（万元）", "比现状", "CMI", "比现状", "安排例数", ""),
            (6, 16, 14, 12, 12, 12, 8),
            [_point_line(row) for row in point_rows(plan)],
            frozenset({0, 1, 2, 3, 4, 5}),
        ),
    ]
    moves = plan.proposed[plan.chosen].proposals if plan.proposed else ()
    head = f"第 {plan.chosen + 1} 点的安排（例数为安排/本期，结余变化以万元计；共 {len(moves)} 项"
    if moves:
        parts += [
            head + (f"，列 {_MOVES_ON_PAPER} 项，全部见 xlsx）" if len(moves) > _MOVES_ON_PAPER else "）"),
            Ruled(
                ("病组", "名称", "安排", "例数", "结余", "为什么到此为止"),
                (8.5, 38, 8.5, 9, 9, 27),
                [_move_line(one) for one in moves[:_MOVES_ON_PAPER]],
                frozenset({3, 4}),
            ),
        ]
    parts.append(
        Ruled(
            ("指标", "之前", "之后", "变化", "锚点"),
            (34, 16, 16, 20, 18),
            [
                [row[name] for name in ("label", "before", "after", "change", "anchor")]
                for row in figure_rows(plan.told)
            ],
            frozenset({1, 2, 3}),
        )
    )
    parts.append("；".join([*plan.notes, NOT_REFUSAL.rstrip("。"), *period.notices]))
    paper = Paper(title, basis_lines(period)[:1], parts, [], foot=f"{title} {period.label}")
    write_papers([paper], path, title=f"{title} {period.label}")


def _move_line(one: Proposal) -> list[str]:
    share = f"{one.moved_count}/{one.case_count}"
    return [one.drg, _short(one.label), one.move_label, share, wan_text(one.result_fen), one.stops]


def signed_wan(fen: int) -> str:
    """A change in 万元, always with its sign."""
    return f"+{wan_text(fen)}" if fen > 0 else wan_text(fen)


def _point_line(row: Mapping[str, Any]) -> list[str]:
    return [
        str(row["number"]),
        wan_text(row["result_fen"]),
        signed_wan(row["result_change_fen"]),
        number_text(row["cmi"], 4),
        row["cmi_text"].replace("-", "\u2212"),
        count_text(row["case_count"]),
        row["chosen"],
    ]
