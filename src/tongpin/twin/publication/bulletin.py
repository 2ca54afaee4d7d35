"""Bulletin 季分析通报: the A4 paper of a quarter, with funnels instead of ranks where cases are few (S003-24)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tongpin.base.money import SCALE
from tongpin.measures.catalogue import load_definitions
from tongpin.measures.papers import interval_text, rank_text, reading_text, value_text
from tongpin.measures.papers import title_of as measure_title
from tongpin.measures.ranks import WITHIN, WORSE
from tongpin.payment.fund.papers import PUBLISHED_FORMS
from tongpin.report import charts
from tongpin.report.pdf import Paper, Picture, Ruled, write_papers
from tongpin.report.words import MISSING, count_text, number_text, percent_text, points_text, wan_text
from tongpin.twin.publication.money import COUNTY, HOSPITAL, LEVEL, TOTAL
from tongpin.twin.publication.sheets import basis_lines, changed, heading_lines, money_change, named, title_of

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

    from scipy.stats import rv_continuous

    from tongpin.measures.figures import AnyMeasure, Figure
    from tongpin.twin.publication.directed import Directed
    from tongpin.twin.publication.run import Place, Publication

_STAMP = "医疗保障局（章）：　　　　　　　　　　日期："
_WIDTH, _HEIGHT = 560, 270
"""Size of a chart in points of the screen; on paper it is as wide as the page."""
_SECTIONS = ("一", "二", "三", "四", "五", "六", "七", "八", "九", "十")


def write_bulletin_pdf(found: Publication, path: Path, to: Directed | None = None) -> None:
    """Write the bulletin of a quarter on A4: levels, counties and the whole, what stands out, funnels, forms.

    With `to` the receiver's own figures and place instead of what stands out among all; no other name is printed.
    """
    parts: list[tuple[str, list[str | Ruled | Picture]]] = [("医保结算", [_money(found, to)])]
    parts.append(("各项指标（按级别）", [_levels(found, to)]))
    if to is None:
        parts.append(("值得看的（区间整个在同级更差的一侧，或超过精确界）", _standing_out(found)))
    else:
        parts += [(f"{one.name}", [_own(found, one, to)]) for one in to.own if one.code == to.code]
    pictures = _funnels(found, to)
    if pictures:
        parts.append(("漏斗图：与同级期望之比", pictures))
    body: list[str | Ruled | Picture] = []
    for number, (label, some) in enumerate(parts):
        place = _SECTIONS[number] if number < len(_SECTIONS) else str(number + 1)
        body += [f"{place}、{label}", *some]
    body += ["口径：同级比较只给区间允许的名次范围；监测比较不评好坏；每个指标的全部口径见表格。", *PUBLISHED_FORMS]
    foot = f"结果摘要 {'、'.join(one['result_digest'][:8] for one in found.manifests)}"
    title = title_of(found, to)
    paper = Paper(title, heading_lines(found, to), body, (*basis_lines(found), _STAMP), foot)
    write_papers([paper], path, title=title)


def _money(found: Publication, to: Directed | None) -> Ruled:
    """The money of levels, counties and the whole; to a receiver its own beside the whole."""
    places = (*found.of(LEVEL), *found.of(COUNTY), *found.of(TOTAL)) if to is None else (*to.own, *to.sums)
    rows = [
        [
            named(one)["name"],
            count_text(one.money.cases),
            count_text(one.money.drg_cases),
            wan_text(one.money.item_pool_fen),
            wan_text(one.money.pool_payable_fen),
            percent_text(None if one.money.pay_ratio is None else float(one.money.pay_ratio)),
            wan_text(one.money.month_result_fen),
            percent_text(money_change(one.money, one.money_year, "month_pool_payable_fen")),
            percent_text(money_change(one.money, one.money_period, "month_pool_payable_fen")),
        ]
        for one in places
        if one.money is not None
    ]
    titles = (
        *("", "清单数", "按病组", "按项目统筹\n（万元）", "应付统筹\n（万元）", "结付率", "盈亏\n（万元）"),
        *("应付合计\n同比", "应付合计\n比上季"),
    )
    return Ruled(titles, (30, 12, 12, 17, 17, 14, 16, 15, 15), rows, frozenset(range(1, 9)))


def _levels(found: Publication, to: Directed | None) -> Ruled:
    """Every measure by level, section by section, with the change of the whole; a small class is not shown to one."""
    known = {one.id: one for one in found.figures.measures}
    (whole,) = found.of(TOTAL)
    hidden = {
        one.name for one in found.of(LEVEL) if to and to.kind == HOSPITAL and to.is_small and one.name == to.level
    }
    levels = [one for one in found.of(LEVEL) if one.name not in hidden]
    places = [*levels, whole]
    rows: list[list[str]] = []
    for section in found.plan.sections:
        rows.append([f"【{section.label}】", *[""] * (len(places) + 2)])
        rows += [
            [
                measure_title(known[name], found.figures),
                *(value_text(one.entries[name].year.value, known[name].unit) for one in places),
                change_text(whole.entries[name].year),
                change_text(whole.entries[name].period),
            ]
            for name in section.measures
        ]
    titles = ("指标", *(one.name for one in places), "同比", "比上季")
    return Ruled(titles, (46, *[16] * len(places), 17, 17), rows, frozenset(range(1, len(places) + 3)))


def change_text(one: Figure) -> str:
    """A change as people read it: 百分点 for rates, a difference for indices, else growth."""
    value = changed(one)
    if value is None:
        return MISSING
    if one.measure.unit == "ratio":
        return f"{points_text(value)} 点"
    text = number_text(value, 3) if one.measure.unit == "index" else percent_text(value)
    return f"+{text}" if value > 0 else text


def _standing_out(found: Publication) -> list[str | Ruled | Picture]:
    """The hospitals that are surely worse than their level in a watched measure, or beyond an exact limit."""
    known = {one.id: one for one in found.figures.measures}
    rows = []
    for name in found.plan.watched:
        named_here = [
            f"{place.name} {value_text(one.value, known[name].unit)}（{place.level} "
            f"{value_text(one.compared.reference, known[name].unit)}{_beyond(one)}）"
            for place in found.of(HOSPITAL)
            if (one := place.entries[name].peers) and one.compared and _stands_out(one)
        ]
        if named_here:
            rows.append([measure_title(known[name], found.figures), "；".join(named_here)])
    if not rows:
        return ["没有。"]
    return [
        "例数少的机构区间宽，不会因偶然列在这里；只列扣除了病例组合、或与它无关的指标。列出的是要看的线索，不是结论。",
        Ruled(("指标", "医疗机构 数值（级别 同级）"), (40, 134), rows),
    ]


def _stands_out(one: Figure) -> bool:
    """Whether a figure is worse than its level for sure; a rate of rare events only beyond its exact limits."""
    if one.compared is None:
        return False
    limits = one.compared.funnel
    return one.compared.reading == WORSE if limits is None else bool(one.value) and limits.verdict != WITHIN


def _beyond(one: Figure) -> str:
    return f"，{reading_text(one.compared)}" if one.compared and one.compared.funnel else ""


def _own(found: Publication, place: Place, to: Directed) -> Ruled:
    """Every measure of the receiver: value, interval, its class, its range of places, change."""
    with_peers = place.kind == HOSPITAL and not to.is_small
    rows = []
    for measure in found.figures.measures:
        entry = place.entries[measure.id]
        compared = entry.peers.compared if entry.peers and with_peers else None
        rows.append(
            [
                measure_title(measure, found.figures),
                value_text(entry.year.value, measure.unit),
                interval_text(entry.year),
                value_text(compared.reference, measure.unit) if compared else MISSING,
                rank_text(compared) if compared else MISSING,
                reading_text(compared) if compared else MISSING,
                change_text(entry.year),
                change_text(entry.period),
            ]
        )
    titles = ("指标", "数值", "95% 区间", "同级", "同级名次", "判断", "同比", "比上季")
    return Ruled(titles, (34, 16, 29, 16, 24, 14, 17, 17), rows, frozenset({1, 2, 3, 6, 7}))


def _funnels(found: Publication, to: Directed | None) -> list[str | Ruled | Picture]:
    known = {one.id: one for one in found.figures.measures}
    parts: list[str | Ruled | Picture] = []
    for name in found.plan.charts:
        rows = funnel_rows(found, name, to)
        if len({row["expected"] for row in rows}) > 1:
            parts += [_note(known[name], found), Picture(charts.to_png(_spec(rows)))]
    return parts


def _note(one: AnyMeasure, found: Publication) -> str:
    least = found.plan.limit("chart.minimum_cases")
    return (
        f"{measure_title(one, found.figures)}：每点一家，不少于 {least} 例；曲线为 1 ± z ÷ √期望（泊松近似），"
        "界内的高低可由例数少解释，不排名次。"
    )


def funnel_rows(found: Publication, name: str, to: Directed | None) -> list[dict[str, Any]]:
    """The points of a funnel: expected events at the rate of the level, actual over expected, and who is named.

    Named are hospitals beyond the outer limit; in a directed edition its own hospitals alone.
    """
    least = found.plan.limit("chart.minimum_cases")
    own = {one.code for one in to.own} if to else set()
    rows: list[dict[str, Any]] = []
    for place in found.of(HOSPITAL):
        one = place.entries[name].peers
        compared = one.compared if one else None
        if one is None or one.value is None or compared is None or not compared.reference or one.count < least:
            continue
        expected = one.count * compared.reference
        ratio = one.value * one.count / expected
        beyond = abs(ratio - 1) * expected**0.5 > max(_limits().values())
        is_named = place.code in own if to else beyond
        rows.append({"expected": expected, "ratio": ratio, "label": place.name if is_named else ""})
    rows.sort(key=lambda row: -abs(row["ratio"] - 1) * row["expected"] ** 0.5)
    return rows


def _limits() -> dict[str, float]:
    """The limits of the funnel in standard deviations, by their names."""
    from scipy import stats

    normal: rv_continuous = stats.norm
    definitions = load_definitions()
    levels = [definitions[name].value / SCALE for name in ("interval.confidence_e4", "funnel.outer_e4")]
    return {f"{level * 100:g}% 界": float(normal.ppf((1 + level) / 2)) for level in levels}


def _spec(rows: list[dict[str, Any]]) -> dict[str, Any]:
    return charts.funnel(
        charts.thin_labels(rows, x="expected", y="ratio", apart=(0.42, 0.09)),
        x_title="同级期望例数（例数 × 同级占比，对数刻度）",
        y_title="实际 ÷ 同级期望",
        limits=_limits(),
        width=_WIDTH,
        height=_HEIGHT,
    )
