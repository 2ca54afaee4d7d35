"""Papers 评价表格: the workbook of an evaluation, and how each score came about, step by step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tongpin.base.money import SCALE
from tongpin.measures.evaluation.catalogue import DISTANCE, METHODS
from tongpin.measures.figures import span_text
from tongpin.measures.papers import (
    SIMULATED,
    basis_row,
    difference_text,
    header_lines,
    interval_text,
    places_text,
    unit_kind,
    value_text,
)
from tongpin.measures.papers import title_of as measure_title
from tongpin.measures.ranks import least_cases
from tongpin.report.words import MISSING, count_text, number_text
from tongpin.report.xlsx import Column, Sheet, write_workbook

if TYPE_CHECKING:
    from pathlib import Path

    from tongpin.measures.evaluation.run import DimensionScore, Evaluation, HospitalScore, MeasureScore
    from tongpin.measures.figures import Figure

UNSCORED = "只展示，不计分"
NOT_ASSESSED = "不评"
_EXACT = "死亡率只按精确界：外界以内得满分；超过外界的先逐例复核，复核之前不计分也不否决"


def score_text(value: float | None) -> str:
    """A score with one decimal, 不评 without one."""
    return NOT_ASSESSED if value is None else number_text(value, 1)


def span_of(low: float | None, high: float | None) -> str:
    """The interval of a score, a dash without one."""
    return MISSING if low is None or high is None else f"{number_text(low, 1)} — {number_text(high, 1)}"


def title_of(found: Evaluation) -> str:
    """The title of every paper of an evaluation."""
    return f"{found.basis.area_label}{found.table.label} {span_text(found.months)}"


def heading_lines(found: Evaluation) -> list[str]:
    """What stands above every paper: what the scores rest on, and how they are to be read."""
    table = found.table
    lines = [
        *header_lines(found.figures),
        f"计分办法：{METHODS[found.method]}，在同类（级别与类型）之内；评价表：{table.id}（{found.source}），{table.reference}",
    ]
    if table.assumed:
        lines.append(f"{SIMULATED}：权重与办法没有文件确认，全部得分都是模拟；各地可用自己的评价表")
    return [*lines, *(note for note in found.notes if note not in lines)]


def method_lines(found: Evaluation) -> list[str]:
    """The rules of the table in sentences."""
    table = found.table
    full, zero = (table.limit(f"distance.{end}_e4") * 100 / SCALE for end in ("full", "zero"))
    distance = f"同类由差到好的第 {full:g} 百分位为满分点，第 {zero:g} 百分位为零分点，其间按距离"
    how = distance if found.method == DISTANCE else "好于的家数（并列算半家）÷（家数 − 1）× 100"
    part, whole = (f"{table.limit(f'{name}.least_e4') * 100 / SCALE:g}%" for name in ("dimension", "total"))
    few = f"不足 {table.limit('hospital.minimum_cases')} 例的机构不评；不足 {least_cases()} 例的指标不计分"
    lacking = "缺的指标：权重按比例分给本维度其余各项，逐家写明（评价表写 refuse 的维度缺一项即不评）"
    drawn = f"得分的区间与名次的范围：各指标按自己的区间重抽 {table.limit('draws')} 次，每次重新计分、重新排列，取 95%"
    return [
        f"{METHODS[found.method]}：{how}；监测比较、区间型与个数只展示，不计分",
        f"{few}；同类不足 {table.limit('class.smallest')} 家的并到同级，仍不足的不评",
        f"{lacking}；可评权重不足 {part} 的维度不评，它的权重再按比例分；可评的维度权重不足 {whole} 的不给总分",
        f"{drawn}；各指标的偶然误差看作互不相关，高分与低分在重抽时向中间靠；区间重叠的分不出先后",
        f"{_EXACT}，复核结论写在工作目录的 evaluation/reviews.csv",
    ]


def write_evaluation_xlsx(found: Evaluation, path: Path) -> None:
    """Write the workbook: a summary, a sheet for each dimension with every figure behind it, forms and method."""
    title = title_of(found)
    sheets = [
        _summary(found, title),
        *(_of_dimension(found, place, title) for place in range(len(found.table.dimensions))),
    ]
    write_workbook([*sheets, _forms(found, title)], path, title=title, subject="绩效评价")


def ordered(found: Evaluation) -> list[HospitalScore]:
    """The hospitals class by class, inside a class by score; the order is no rank, the range of places is."""
    return sorted(found.hospitals, key=lambda one: (one.score is None, one.peers.label, -(one.score or 0.0), one.code))


def _summary(found: Evaluation, title: str) -> Sheet:
    columns = [
        Column("name", "医疗机构"),
        Column("peers", "同类"),
        Column("cases", "例数", "count"),
        Column("score", f"总分\n{SIMULATED}", "number"),
        Column("low", "下限", "number"),
        Column("high", "上限", "number"),
        Column("places", "同类名次\n（区间允许的）"),
        *(
            Column(one.id, f"{one.label}\n（{one.weight}）", "number", band="维度得分（权重）")
            for one in found.table.dimensions
        ),
        Column("note", "说明", width=44),
    ]
    rows = [
        {
            "name": one.name,
            "peers": one.peers.label or MISSING,
            "cases": one.cases,
            **{key: _cell(value) for key, value in (("score", one.score), ("low", one.low), ("high", one.high))},
            "places": places_text(one.first, one.last, one.ranked),
            **{part.dimension.id: _cell(part.score) for part in one.dimensions},
            "note": "；".join(text for text in (one.peers.widened if one.peers.members else "", one.note) if text),
        }
        for one in ordered(found)
    ]
    notes = [*heading_lines(found), "同类之内按得分列出；名次只看范围，区间重叠的不分先后"]
    return Sheet("总评", title, columns, rows, notes, freeze_columns=1, empty="没有")


def _cell(value: float | None) -> float | str:
    return NOT_ASSESSED if value is None else value


def _of_dimension(found: Evaluation, place: int, title: str) -> Sheet:
    dimension = found.table.dimensions[place]
    columns = [
        Column("name", "医疗机构"),
        Column("measure", "指标", width=20),
        Column("value", "数值", kind_key="kind", width=10),
        Column("low", "区间下限", kind_key="kind", width=10),
        Column("high", "区间上限", kind_key="kind", width=10),
        Column("count", "例数", "count"),
        Column("places", "同类名次\n（区间允许的）"),
        Column("benchmark", "同类标杆", kind_key="kind", width=10),
        Column("against", "与标杆比", width=8),
        Column("change", "比上年同期\n（百分点）", kind_key="change_kind", width=10),
        Column("changed", "与上年比", width=8),
        Column("used", "实用权重", "number"),
        Column("score", f"得分\n{SIMULATED}", "number"),
        Column("points", "计入维度", "number"),
        Column("how", "怎样得出", width=28),
    ]
    rows = [row for one in ordered(found) if one.dimensions for row in _rows(one, one.dimensions[place])]
    notes = [
        f"{dimension.label}：在总分中的权重 {dimension.weight}；依据 {dimension.reference}",
        *heading_lines(found)[:3],
    ]
    return Sheet(
        dimension.label, f"{title} · {dimension.label}", columns, rows, notes, freeze_columns=2, empty="没有可评的机构"
    )


def _rows(hospital: HospitalScore, dimension: DimensionScore) -> list[dict[str, Any]]:
    rows = []
    for part in dimension.parts:
        one = part.figure
        change = part.year_before.compared
        unit = one.measure.unit
        rows.append(
            _figure_row(hospital, one)
            | {
                "places": places_text(part.first, part.last, part.ranked),
                "benchmark": MISSING if part.benchmark is None else part.benchmark,
                "against": part.against_benchmark,
                "change": change.change.difference if change else None,
                "change_kind": "pp" if unit == "ratio" else unit_kind(unit),
                "changed": change.reading if change else "",
                "used": part.used,
                "score": _cell(part.score),
                "points": None if part.score is None else part.score * part.used / 100,
                "how": "；".join(text for text in (part.how, part.note) if text),
            }
        )
    rows += [_figure_row(hospital, one) | {"score": MISSING, "how": UNSCORED} for one in dimension.shown]
    return rows


def _figure_row(hospital: HospitalScore, one: Figure) -> dict[str, Any]:
    whole = one.measure.unit in {"count", "fen", "weight_e4"}
    return {
        "name": hospital.name,
        "measure": one.measure.label,
        "kind": unit_kind(one.measure.unit),
        "value": MISSING if one.value is None else int(one.value) if whole else one.value,
        "low": one.low,
        "high": one.high,
        "count": one.count,
    }


def _forms(found: Evaluation, title: str) -> Sheet:
    columns = [
        Column("dimension", "维度"),
        Column("weight", "权重", "number"),
        Column("label", "指标", width=24),
        Column("form", "口径", width=52),
        Column("population", "人群"),
        Column("period", "期间"),
        Column("direction", "方向"),
        Column("weight_edition", "权重版本"),
        Column("benchmark", "对比基期"),
        Column("simulated", SIMULATED),
        Column("reference", "依据", width=22),
    ]
    known = {one.id: one for one in found.figures.measures}
    rows = []
    for one in found.table.dimensions:
        named: list[tuple[str, int | str]] = [(part.measure, part.weight) for part in one.scored]
        named += [(name, MISSING) for name in one.shown]
        rows += [
            {"dimension": one.label, "weight": weight, **basis_row(known[name], found.figures)}
            for name, weight in named
        ]
    return Sheet(
        "口径与办法", f"{title} · 口径与办法", columns, rows, method_lines(found), freeze_columns=1, empty="没有"
    )


def told(found: Evaluation, one: HospitalScore) -> list[str]:
    """How the scores of a hospital came about, step by step."""
    lines = [
        f"{one.name}：{count_text(one.cases)} 例，同类 {one.peers.label or MISSING}（{len(one.peers.members)} 家）"
    ]
    if one.peers.widened:
        lines.append(f"  {one.peers.widened}")
    for dimension in one.dimensions:
        lines.append(
            f"{dimension.dimension.label}（权重 {dimension.dimension.weight}，实用 {number_text(dimension.used, 1)}）："
            f"得分 {score_text(dimension.score)}，区间 {span_of(dimension.low, dimension.high)}"
            f"{f'；{dimension.note}' if dimension.note else ''}"
        )
        lines += [f"  {_part_line(part, found)}" for part in dimension.parts]
        lines += [
            f"  {measure_title(shown.measure, found.figures)} {value_text(shown.value, shown.measure.unit)}：{UNSCORED}"
            for shown in dimension.shown
        ]
    if one.score is None:
        return [*lines, f"总分：{NOT_ASSESSED}；{one.note}"]
    sums = " + ".join(
        f"{number_text(part.score, 1)} × {number_text(part.used, 1)}%"
        for part in one.dimensions
        if part.score is not None
    )
    places = places_text(one.first, one.last, one.ranked)
    return [
        *lines,
        f"总分 = {sums} = {score_text(one.score)}，区间 {span_of(one.low, one.high)}；同类 {places}（{SIMULATED}）",
    ]


def _part_line(part: MeasureScore, found: Evaluation) -> str:
    one = part.figure
    unit = one.measure.unit
    mark = f"（{SIMULATED}）" if found.basis.simulated(one.measure) else ""
    value = f"{value_text(one.value, unit)}（区间 {interval_text(one)}，{count_text(one.count)} 例）"
    head = f"{one.measure.label}{mark} {value}"
    if part.score is None:
        return f"{head}：没有计分，{part.note}"
    angles = []
    if part.ranked:
        angles.append(f"同类 {places_text(part.first, part.last, part.ranked)}")
    if part.benchmark is not None:
        angles.append(f"标杆 {value_text(part.benchmark, unit)}，{part.against_benchmark}")
    change = part.year_before.compared
    if change is not None and change.change.difference is not None:
        angles.append(f"比上年同期 {difference_text(change.change.difference, unit)}，{change.reading}")
    used, points = number_text(part.used, 1), number_text(part.score * part.used / 100, 1)
    return "；".join([f"{head}：{part.how} → 得分 {score_text(part.score)} × 实用权重 {used}% = {points}", *angles])
