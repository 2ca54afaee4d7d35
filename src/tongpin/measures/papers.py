"""Papers 指标表的表格: figures in words, and the workbook that names what each of them rests on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tongpin.base.money import SCALE
from tongpin.measures.compare import KINDS, OVER_TIME
from tongpin.measures.figures import FigureTable, slice_label, span_text
from tongpin.measures.ranks import READINGS
from tongpin.report.words import (
    MISSING,
    count_text,
    number_text,
    percent_text,
    points_text,
    wan_text,
)
from tongpin.report.xlsx import Column, Kind, Sheet, text_width, write_workbook

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tongpin.measures.figures import AnyMeasure, Comparison, Figure

SIMULATED = "模拟"
_LEAST_WIDTH, _NUMBER_WIDTH = 11.0, 13.0
WHOLE = "合计"
_UNITS: dict[str, tuple[Kind, str]] = {
    "count": ("count", ""),
    "fen": ("wan", "万元"),
    "weight_e4": ("weight", ""),
    "ratio": ("ratio", ""),
    "index": ("index", ""),
    "days": ("days", "天"),
    "weight": ("weight", ""),
    "yuan": ("number", "元"),
}
_DIGITS = {"index": 3, "days": 2, "weight": 4, "yuan": 2}
UNIT_WORDS = {
    "count": "个数",
    "fen": "金额（分；屏幕与表格为万元）",
    "weight_e4": "权重（万分之一）",
    "ratio": "比率",
    "index": "指数",
    "days": "天",
    "weight": "权重",
    "yuan": "元",
}


def unit_kind(unit: str) -> Kind:
    """The kind of cell that holds a figure of this unit."""
    return _UNITS[unit][0]


def value_text(value: float | None, unit: str) -> str:
    """A figure as people read it: 97.56%, 1.014, 万元 for sums of money."""
    if value is None:
        return MISSING
    match unit:
        case "count":
            return count_text(int(value))
        case "fen":
            return wan_text(int(value))
        case "weight_e4":
            return number_text(value / SCALE, 2)
        case "ratio":
            return percent_text(value)
        case _:
            return number_text(value, _DIGITS[unit])


def difference_text(value: float | None, unit: str) -> str:
    """A difference with its sign: 百分点 for rates, else in the unit of the figure."""
    if value is None:
        return MISSING
    if unit == "ratio":
        return points_text(value)
    text = value_text(int(value) if unit in {"count", "fen", "weight_e4"} else value, unit)
    return f"+{text}" if value > 0 else text


def interval_text(one: Figure) -> str:
    """The interval of a figure, a dash without one."""
    if one.low is None or one.high is None:
        return MISSING
    return f"{value_text(one.low, one.measure.unit)} — {value_text(one.high, one.measure.unit)}"


def rank_text(compared: Comparison) -> str:
    """The ranks that the interval allows: `第 3 名`, `第 48–55 名（共 55）`, `分不出`, a dash for the unranked."""
    return places_text(compared.first, compared.last, compared.ranked)


def places_text(first: int, last: int, ranked: int) -> str:
    """A range of places among `ranked` in the same words; no first place: unranked."""
    if not first:
        return MISSING
    if last - first == ranked - 1:
        return f"分不出（共 {ranked}）"
    place = f"{first}" if first == last else f"{first}–{last}"
    return f"第 {place} 名（共 {ranked}）"


def reading_text(compared: Comparison) -> str:
    """How a figure reads: by its exact limits where it has them, else by its interval."""
    return compared.funnel.verdict if compared.funnel else compared.reading


def title_of(one: AnyMeasure, table: FigureTable) -> str:
    """A measure in one line: its label, its unit, and 模拟 where it has to say so."""
    return heading_of(one, table).replace("\n（", "（").replace("\n", " ")


def heading_of(one: AnyMeasure, table: FigureTable) -> str:
    """The same over the lines of a narrow column."""
    words = _UNITS[one.unit][1]
    marks = f"（{words}）" if words else ""
    simulated = f"\n{SIMULATED}" if table.basis.simulated(one) else ""
    return f"{one.label}{marks}".replace("（", "\n（") + simulated


def basis_row(one: AnyMeasure, table: FigureTable) -> dict[str, str]:
    """Everything that the figures of a measure have to name."""
    basis = table.basis
    return {
        "label": one.label,
        "form": one.form,
        "population": basis.population_of(one),
        "period": f"{one.period} {span_text(table.months)}",
        "direction": one.direction,
        "weight_edition": basis.edition_of(one) or MISSING,
        "benchmark": basis.benchmark_of(one, table.months) or MISSING,
        "simulated": SIMULATED if basis.simulated(one) else "",
        "reference": one.reference,
        "id": one.id,
    }


def header_lines(table: FigureTable) -> list[str]:
    """What stands above every paper of a table."""
    basis = table.basis
    lines = [*basis.notices, f"统筹区：{basis.area_label}；付费办法：{basis.policy_label}；分组方案：{basis.scheme_id}"]
    if any(basis.simulated(one) for one in table.measures):
        weights = "权重与" if basis.weights_assumed else ""
        lines.append(f"标“模拟”的数凭{weights}没有文件确认的取值得出（付费办法中 {basis.assumed_count} 项）")
    return [*lines, *table.notes]


def rows_by_slice(table: FigureTable) -> list[tuple[tuple[str, ...], dict[str, Figure]]]:
    """The figures of each slice by measure, the slices in order, in words."""
    found: dict[tuple[str, ...], tuple[tuple[str, ...], dict[str, Figure]]] = {}
    for one in table.figures:
        key = tuple(one.place.values())
        words = tuple(one.names[column] for column in table.by) or (WHOLE,)
        found.setdefault(key, (words, {}))[1][one.measure.id] = one
    return list(found.values())


def by_measure(table: FigureTable) -> list[Figure]:
    """The figures measure by measure, the slices of each in order."""
    order = {one.id: place for place, one in enumerate(table.measures)}
    return sorted(table.figures, key=lambda one: order[one.measure.id])


def write_table_xlsx(table: FigureTable, path: Path) -> None:
    """The workbook of a table: the figures, the comparison, intervals, and what each measure means."""
    title = f"指标表 {span_text(table.months)}"
    sheets = [_wide(table, title)]
    sheets += [_comparison(table) if table.compare else _intervals(table), _meanings(table)]
    write_workbook(sheets, path, title=title)


def _places(table: FigureTable) -> list[Column]:
    if not table.by:
        return [Column("place0", "范围")]
    return [Column(f"place{number}", slice_label(column)) for number, column in enumerate(table.by)]


def _named(words: Sequence[str]) -> dict[str, str]:
    return {f"place{number}": word for number, word in enumerate(words)}


def _wide(table: FigureTable, title: str) -> Sheet:
    columns = [
        *_places(table),
        *(
            Column(
                one.id,
                heading_of(one, table),
                _UNITS[one.unit][0],
                band=f"{table.basis.population_of(one)}·{one.period}",
                width=max(_LEAST_WIDTH, text_width(one.label.partition("（")[0]) + 2),
            )
            for one in _by_population(table)
        ),
    ]
    rows = [
        _named(words) | {name: _cell(one.value, one.measure.unit) for name, one in figures.items()}
        for words, figures in rows_by_slice(table)
    ]
    frozen = max(1, len(table.by))
    return Sheet("指标", title, columns, rows, notes=header_lines(table), freeze_columns=frozen, empty="没有")


def _by_population(table: FigureTable) -> list[AnyMeasure]:
    order = list(dict.fromkeys((one.population, one.period) for one in table.measures))
    return sorted(table.measures, key=lambda one: order.index((one.population, one.period)))


def _cell(value: float | None, unit: str) -> Any:
    """A value for a cell: sums stay whole, so that a weight in ten-thousandths is shown as a weight."""
    if value is None:
        return MISSING
    return int(value) if unit in {"count", "fen", "weight_e4"} else value


def _comparison(table: FigureTable) -> Sheet:
    over_time = table.compare in OVER_TIME
    columns = [
        *_places(table),
        Column("label", "指标"),
        Column("value", "数值", kind_key="kind", width=_NUMBER_WIDTH),
        Column("low", "区间下限", kind_key="kind", width=_NUMBER_WIDTH),
        Column("high", "区间上限", kind_key="kind", width=_NUMBER_WIDTH),
        Column("count", "例数", "count"),
        Column("against", "与什么比"),
        Column("reference", "参照", kind_key="kind", width=_NUMBER_WIDTH),
        Column("difference", "差（比率为百分点）", kind_key="difference_kind", width=_NUMBER_WIDTH),
    ]
    if over_time:
        columns += [
            Column("growth", "增幅", "ratio"),
            Column("edition_effect", "其中版本影响", kind_key="difference_kind", width=_NUMBER_WIDTH),
            Column("real_effect", "其中真实变化", kind_key="difference_kind", width=_NUMBER_WIDTH),
        ]
    else:
        columns += [
            Column("shrunk", "收缩值", kind_key="kind", width=_NUMBER_WIDTH),
            Column("rank", "名次（区间允许的）"),
            Column("expected", "期望例数", "number"),
            Column("inner", "内界（例）", "count"),
            Column("outer", "外界（例）", "count"),
        ]
    columns += [Column("reading", "判断"), Column("note", "说明", width=40)]
    rows = [_compared_row(one, table) for one in by_measure(table) if one.compared is not None]
    notes = [
        "判断只在区间不含参照时说更好或更差；例数少的不排名次；监测比较不评好坏；死亡率只按精确界判断，超界先逐例复核",
        *(f"{word}：{meaning}" for word, meaning in READINGS.items() if any(row["reading"] == word for row in rows)),
    ]
    return Sheet(
        "比较",
        f"{KINDS[table.compare]} {span_text(table.months)}",
        columns,
        rows,
        notes=notes,
        freeze_columns=max(1, len(table.by)),
        empty="没有",
    )


def _compared_row(one: Figure, table: FigureTable) -> dict[str, Any]:
    compared, unit = one.compared, one.measure.unit
    if compared is None:
        return {}
    change, kind = compared.change, _UNITS[unit][0]
    words = tuple(one.names[column] for column in table.by) or (WHOLE,)
    whole = unit in {"count", "fen", "weight_e4"}
    parts = {
        name: None if value is None else (int(value) if whole else value)
        for name, value in (
            ("difference", change.difference),
            ("edition_effect", change.edition_effect),
            ("real_effect", change.real_effect),
        )
    }
    return {
        **_named(words),
        "label": one.measure.label,
        "kind": kind,
        "difference_kind": "pp" if unit == "ratio" else kind,
        "value": _cell(one.value, unit),
        "low": one.low,
        "high": one.high,
        "count": one.count,
        "against": compared.label,
        "reference": _cell(compared.reference, unit),
        **parts,
        "growth": change.growth,
        "shrunk": compared.shrunk,
        "rank": rank_text(compared),
        "expected": compared.funnel.expected if compared.funnel else None,
        "inner": compared.funnel.inner if compared.funnel else None,
        "outer": compared.funnel.outer if compared.funnel else None,
        "reading": reading_text(compared),
        "note": "；".join(part for part in (one.note, change.note) if part),
    }


def _intervals(table: FigureTable) -> Sheet:
    rows = []
    for one in by_measure(table):
        words = tuple(one.names[column] for column in table.by) or (WHOLE,)
        rows.append(
            {
                **_named(words),
                "label": one.measure.label,
                "kind": _UNITS[one.measure.unit][0],
                "value": _cell(one.value, one.measure.unit),
                "low": one.low,
                "high": one.high,
                "count": one.count,
                "note": one.note,
            }
        )
    columns = [
        *_places(table),
        Column("label", "指标"),
        Column("value", "数值", kind_key="kind", width=_NUMBER_WIDTH),
        Column("low", "95% 区间下限", kind_key="kind", width=_NUMBER_WIDTH),
        Column("high", "95% 区间上限", kind_key="kind", width=_NUMBER_WIDTH),
        Column("count", "例数", "count"),
        Column("note", "说明", width=40),
    ]
    notes = ["率用 Wilson 区间，均值与指数用 t 区间；合计数与个数没有区间"]
    return Sheet("区间", "数值与区间", columns, rows, notes=notes, freeze_columns=max(1, len(table.by)), empty="没有")


def _meanings(table: FigureTable) -> Sheet:
    columns = [
        Column("label", "指标"),
        Column("form", "口径", width=52),
        Column("population", "人群"),
        Column("period", "期间"),
        Column("direction", "方向"),
        Column("weight_edition", "权重版本"),
        Column("benchmark", "对比基期"),
        Column("simulated", "模拟"),
        Column("reference", "依据", width=22),
        Column("id", "代号"),
    ]
    rows = [basis_row(one, table) for one in table.measures]
    return Sheet("口径", "每个指标是什么", columns, rows, notes=header_lines(table)[:3], freeze_columns=1, empty="没有")


def by_words(table: FigureTable) -> str:
    """The slices of a table in words."""
    return "、".join(slice_label(column) for column in table.by) or WHOLE
