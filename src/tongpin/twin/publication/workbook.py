"""The workbook of a publication 公布工作簿: for all, for a county, or for one hospital with its peers masked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tongpin.measures.papers import rank_text, reading_text, unit_kind
from tongpin.measures.papers import title_of as measure_title
from tongpin.payment.fund.papers import PUBLISHED_FORMS
from tongpin.report.words import MISSING
from tongpin.report.xlsx import Column, Sheet, write_workbook
from tongpin.twin.publication.money import HOSPITAL
from tongpin.twin.publication.sheets import (
    COMPARED,
    STATEMENT,
    all_sheet,
    basis_lines,
    cell,
    changed,
    forms_sheet,
    heading_lines,
    money_cells,
    money_change,
    section_sheet,
    shown,
    title_of,
    unit_changed,
)

if TYPE_CHECKING:
    from pathlib import Path

    from tongpin.twin.publication.catalogue import Section
    from tongpin.twin.publication.directed import Directed
    from tongpin.twin.publication.run import Place, Publication


def write_publication_xlsx(found: Publication, path: Path, to: Directed | None = None) -> None:
    """Write the workbook: all sections side by side, each with its comparisons, the peers, and what figures mean."""
    title = title_of(found, to)
    places = found.places if to is None else (*to.own, *to.sums)
    if to is not None and to.kind == HOSPITAL:
        sheets = [own_sheet(found, to, title)]
    else:
        sections = [section_sheet(found, one, places, title, to) for one in found.plan.sections]
        sheets = [all_sheet(found, places, title, to), *sections]
    if to is not None:
        sheets.append(peers_sheet(found, to, title))
    write_workbook([*sheets, forms_sheet(found, title)], path, title=title, subject=found.plan.label)


def own_sheet(found: Publication, to: Directed, title: str) -> Sheet:
    """The figures of one hospital below one another: the same as in the sheet of all, and where it stands."""
    (own,) = to.own
    whole = to.sums[-1]
    period = "比上季" if found.is_quarter else "比上月"
    columns = [
        Column("section", "节"),
        Column("label", "指标", width=32),
        Column("value", "数值", kind_key="kind", width=13),
        Column("low", "区间下限", kind_key="kind", width=13),
        Column("high", "区间上限", kind_key="kind", width=13),
        Column("count", "例数", "count"),
        Column("year", "同比", kind_key="changed", width=10),
        Column("period", period, kind_key="changed", width=10),
        Column("level", "同级", kind_key="kind", width=13),
        Column("whole", "全区域", kind_key="kind", width=13),
        Column("rank", "同级名次"),
        Column("reading", "判断"),
    ]
    rows: list[dict[str, Any]] = []
    for section in found.plan.sections:
        rows += [_own_money(own, whole, section.label, name) for name in section.statement]
        rows += [_own_measure(own, whole, section, name, found, to) for name in section.measures]
    notes = [
        f"同比、{period}：比率、指数为差（比率以百分点计），金额、均值、例数为增幅",
        "名次只给区间允许的范围，在同级之内；例数少的不排；监测比较不评好坏；死亡率只按精确界判断，超界先逐例复核",
        *heading_lines(found, to),
        *PUBLISHED_FORMS,
    ]
    return Sheet("本机构", title, columns, rows, notes, closing=basis_lines(found), freeze_columns=2, empty="没有")


def _own_money(own: Place, whole: Place, section: str, name: str) -> dict[str, Any]:
    changes = {
        word: shown(money_change(own.money, then, name)) if name in COMPARED else MISSING
        for word, then in (("year", own.money_year), ("period", own.money_period))
    }
    return {
        "section": section,
        "label": STATEMENT[name].title.replace("\n", ""),
        "kind": STATEMENT[name].kind,
        "changed": "pp" if name == "pay_ratio" else "ratio",
        "value": money_cells(own.money)[name],
        "whole": money_cells(whole.money)[name],
        **changes,
    }


def _own_measure(
    own: Place, whole: Place, section: Section, name: str, found: Publication, to: Directed
) -> dict[str, Any]:
    entry = own.entries[name]
    one, compared = entry.year, entry.peers.compared if entry.peers and not to.is_small else None
    unit = one.measure.unit
    return {
        "section": section.label,
        "label": measure_title(one.measure, found.figures),
        "kind": unit_kind(unit),
        "changed": unit_changed(unit),
        "value": cell(one),
        "low": one.low,
        "high": one.high,
        "count": one.count,
        "year": shown(changed(entry.year)),
        "period": shown(changed(entry.period)),
        "level": shown(compared.reference) if compared else MISSING,
        "whole": cell(whole.entries[name].year),
        "rank": rank_text(compared) if compared else MISSING,
        "reading": reading_text(compared) if compared else MISSING,
    }


def peers_sheet(found: Publication, to: Directed, title: str) -> Sheet:
    """The peers under their code names, measure by measure, from best to worst."""
    known = {one.id: one for one in found.figures.measures}
    columns = [
        Column("label", "指标", width=34),
        Column("direction", "方向"),
        Column("name", "谁"),
        Column("value", "数值", kind_key="kind", width=14),
        Column("own", "", width=8),
    ]
    rows = [
        {
            "label": measure_title(known[one.measure], found.figures),
            "direction": known[one.measure].direction,
            "name": one.name,
            "value": one.value,
            "kind": unit_kind(known[one.measure].unit),
            "own": "←" if one.is_own else "",
        }
        for one in to.lines
    ]
    notes = [
        f"{to.peers_label}共 {to.peers} 家；每个指标由好到差列出（监测比较、区间型由大到小）",
        "列出的先后不是名次：区间重叠的不分高下，自己的名次范围看各节",
        "代号由本期的密钥摘要取得，与机构顺序无关，每期另取；例数、金额与区间看得出规模，不列同级的；例数少的与死亡率不列",
    ]
    empty = f"{to.peers_label}只有 {to.peers} 家，不逐家列出"
    return Sheet("同级对照", f"{title} · 同级对照", columns, rows, notes, freeze_columns=1, empty=empty)
