"""Sheets 公布表格: the sheets of a publication, the same columns for every hospital, and the words of its papers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from tongpin.measures.papers import (
    SIMULATED,
    basis_row,
    header_lines,
    heading_of,
    rank_text,
    reading_text,
    unit_kind,
)
from tongpin.measures.papers import title_of as measure_title
from tongpin.payment.fund.figures import growth
from tongpin.payment.fund.papers import PUBLISHED_FORMS
from tongpin.report.words import MISSING
from tongpin.report.xlsx import Column, Kind, Sheet, text_width
from tongpin.twin.publication.money import COUNTY, HOSPITAL, LEVEL, Money

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tongpin.measures.figures import AnyMeasure, Figure
    from tongpin.twin.publication.catalogue import Section
    from tongpin.twin.publication.directed import Directed
    from tongpin.twin.publication.run import Place, Publication


class Heading(NamedTuple):
    """How a figure of the statements is headed, and the kind of its cells."""

    title: str
    kind: Kind


STATEMENT: dict[str, Heading] = {
    "cases": Heading("清单数", "count"),
    "drg_cases": Heading("按病组例数", "count"),
    "item_pool_fen": Heading("按项目统筹\n（万元）", "wan"),
    "pool_payable_fen": Heading("应付统筹\n（万元）", "wan"),
    "pay_ratio": Heading("结付率", "ratio"),
    "month_pool_payable_fen": Heading("连同补传红冲\n（万元）", "wan"),
    "month_result_fen": Heading("盈亏\n（万元）", "wan"),
}
COMPARED = ("cases", "pay_ratio", "month_pool_payable_fen")
"""The published figures whose change is printed: the others move with them, or change sign."""
_WHOLE_UNITS = frozenset({"count", "fen", "weight_e4"})
_WIDTH = 12.0
KINDS = {LEVEL: "级别", COUNTY: "区县"}


def title_of(found: Publication, to: Directed | None = None) -> str:
    """The title of every paper: area, period, kind, and for whom."""
    kind = "季分析通报" if found.is_quarter else "月统计公布"
    receiver = f"（{to.name}）" if to else ""
    return f"{found.manifests[0]['area_label']}{found.period_text}医保与绩效{kind}{receiver}"


def basis_lines(found: Publication) -> list[str]:
    """The closed months that the money rests on, with their digests."""
    return [
        f"{one['month']}：付费办法 {one['policy_label']}（{one['policy']}），结果摘要 {one['result_digest'][:16]}"
        for one in found.manifests
    ]


def heading_lines(found: Publication, to: Directed | None = None) -> list[str]:
    """What stands above every paper."""
    lines = header_lines(found.figures)
    lines += [note for note in found.notes if note not in lines]
    if to is not None:
        small = f"，少于 {found.plan.limit('peers.smallest')} 家，不逐家列出，也不列同级数"
        listed = "，名称以代号隐去，代号每期另取"
        lines.append(f"定向发布给 {to.name}；可比的{to.peers_label} {to.peers} 家{small if to.is_small else listed}")
    return lines


def _place_columns() -> list[Column]:
    return [Column("name", "医疗机构"), Column("level", "级别"), Column("county", "区县")]


def named(one: Place) -> dict[str, str]:
    """The words of a row: its name, level and county."""
    kind = KINDS.get(one.kind)
    return {"name": f"{kind} {one.name}" if kind else one.name, "level": one.level, "county": one.county}


def _split(places: Sequence[Place], rows: Sequence[Mapping[str, Any]]) -> tuple[list[Any], list[Any]]:
    """The rows of hospitals, and those of levels, counties and the whole."""
    pairs = list(zip(places, rows, strict=True))
    return [row for one, row in pairs if one.kind == HOSPITAL], [row for one, row in pairs if one.kind != HOSPITAL]


def all_sheet(found: Publication, places: Sequence[Place], title: str, to: Directed | None) -> Sheet:
    """Every section side by side: hospitals, then levels, counties and the whole."""
    known = {one.id: one for one in found.figures.measures}
    columns = _place_columns()
    for section in found.plan.sections:
        columns += [_statement_column(name, section.label) for name in section.statement]
        columns += [
            Column(
                name,
                heading_of(known[name], found.figures),
                unit_kind(known[name].unit),
                band=section.label,
                width=max(_WIDTH - 1, text_width(known[name].label.partition("（")[0]) + 2),
            )
            for name in section.measures
        ]
    rows = [
        named(one) | money_cells(one.money) | {name: cell(entry.year) for name, entry in one.entries.items()}
        for one in places
    ]
    own, sums = _split(places, rows)
    notes = [*heading_lines(found, to), *PUBLISHED_FORMS]
    return Sheet(
        "总表", title, columns, own, notes, totals=sums, closing=basis_lines(found), freeze_columns=1, empty="没有"
    )


def _statement_column(name: str, band: str) -> Column:
    return Column(name, STATEMENT[name].title, STATEMENT[name].kind, band=band)


def money_cells(money: Money | None) -> dict[str, Any]:
    """The published figures of a place as cells, a dash where there is none."""
    return {name: MISSING if (value := _money(money, name)) is None else value for name in STATEMENT}


def _money(money: Money | None, name: str) -> Any:
    value = None if money is None else getattr(money, name)
    return float(value) if name == "pay_ratio" and value is not None else value


def cell(one: Figure) -> Any:
    """The value of a figure as a cell: sums stay whole, a dash without one."""
    if one.value is None:
        return MISSING
    return int(one.value) if one.measure.unit in _WHOLE_UNITS else one.value


def section_sheet(
    found: Publication, section: Section, places: Sequence[Place], title: str, to: Directed | None
) -> Sheet:
    """A section with the change against the year before and the period before, and where a hospital stands."""
    known = {one.id: one for one in found.figures.measures}
    period = "比上季" if found.is_quarter else "比上月"
    columns = _place_columns()
    times = [
        (f".{word}", title)
        for word, title, known_then in (
            ("year", "同比", any(one.money_year for one in places)),
            ("period", period, any(one.money_period for one in places)),
        )
        if known_then
    ]
    for field in section.statement:
        band = STATEMENT[field].title.replace("\n", "")
        kind: Kind = "pp" if field == "pay_ratio" else "ratio"
        later = [(f"{field}{word}", title) for word, title in times if field in COMPARED]
        head = ("数值", band) if later else (STATEMENT[field].title, "")
        columns.append(Column(field, head[0], STATEMENT[field].kind, band=head[1], width=_WIDTH))
        columns += [Column(name, title, kind, band=band, width=9) for name, title in later]
    with_peers = to is None or not to.is_small
    for name in section.measures:
        columns += _measure_columns(known[name], found, period, with_peers=with_peers)
    rows = [named(one) | _money_changes(one, section) | _measure_cells(one, section) for one in places]
    own, sums = _split(places, rows)
    notes = [
        f"依据 {section.reference}；同比、{period}：比率、指数为差（比率以百分点计），金额、均值、例数为增幅",
        "名次只给区间允许的范围，在同级之内；例数少的不排；监测比较不评好坏；死亡率只按精确界判断，超界先逐例复核",
        *heading_lines(found, to)[:3],
    ]
    return Sheet(
        section.label,
        f"{title} · {section.label}",
        columns,
        own,
        notes,
        totals=sums,
        freeze_columns=1,
        empty="没有",
    )


def _measure_columns(one: AnyMeasure, found: Publication, period: str, *, with_peers: bool) -> list[Column]:
    band = measure_title(one, found.figures)
    changed = unit_changed(one.unit)
    columns = [
        Column(one.id, "数值", unit_kind(one.unit), band=band, width=_WIDTH),
        Column(f"{one.id}.year", "同比", changed, band=band, width=9),
        Column(f"{one.id}.period", period, changed, band=band, width=9),
    ]
    if not with_peers or one.unit in _WHOLE_UNITS:
        return columns
    columns.append(Column(f"{one.id}.level", "同级", unit_kind(one.unit), band=band, width=10))
    if one.limits:
        return [*columns, Column(f"{one.id}.reading", "精确界", band=band)]
    return [
        *columns,
        Column(f"{one.id}.rank", "同级名次", band=band),
        Column(f"{one.id}.reading", "判断", band=band),
    ]


def changed(one: Figure) -> float | None:
    """The change of a figure: a difference of rates and indices, else its growth; null where it is refused."""
    if one.compared is None:
        return None
    shift = one.compared.change
    return shift.difference if one.measure.unit in {"ratio", "index"} else shift.growth


def _measure_cells(place: Place, section: Section) -> dict[str, Any]:
    cells: dict[str, Any] = {}
    for name in section.measures:
        entry = place.entries[name]
        cells |= {
            name: cell(entry.year),
            f"{name}.year": shown(changed(entry.year)),
            f"{name}.period": shown(changed(entry.period)),
        }
        compared = entry.peers.compared if entry.peers else None
        if compared is not None:
            cells |= {
                f"{name}.level": shown(compared.reference),
                f"{name}.rank": rank_text(compared),
                f"{name}.reading": reading_text(compared),
            }
    return cells


def shown(value: float | None) -> float | str:
    """A number as a cell, a dash without one."""
    return MISSING if value is None else value


def _money_changes(place: Place, section: Section) -> dict[str, Any]:
    cells = money_cells(place.money)
    for name in (one for one in section.statement if one in COMPARED):
        for word, then in (("year", place.money_year), ("period", place.money_period)):
            cells[f"{name}.{word}"] = shown(money_change(place.money, then, name))
    return cells


def money_change(now: Money | None, then: Money | None, name: str) -> float | None:
    """The growth of a published figure, or the difference of the ratio; null without both, or from zero or below."""
    here, there = _money(now, name), _money(then, name)
    if here is None or there is None:
        return None
    if name == "pay_ratio":
        return float(here - there)
    found = growth(here, there)
    return None if found is None else float(found)


def unit_changed(unit: str) -> Kind:
    """The kind of cell that holds a change of a figure of this unit."""
    return "pp" if unit == "ratio" else "index" if unit == "index" else "ratio"


def forms_sheet(found: Publication, title: str) -> Sheet:
    """What every measure means, and what the money rests on."""
    known = {one.id: one for one in found.figures.measures}
    columns = [
        Column("section", "节"),
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
    rows = [
        {"section": section.label, **basis_row(known[name], found.figures)}
        for section in found.plan.sections
        for name in section.measures
    ]
    return Sheet(
        "口径",
        f"{title} · 口径",
        columns,
        rows,
        [*PUBLISHED_FORMS, *basis_lines(found)],
        freeze_columns=2,
        empty="没有",
    )
