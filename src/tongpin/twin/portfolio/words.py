"""Words of the portfolio 措辞: figures as people write them, and the lines that say what they rest on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tongpin.base.money import SCALE
from tongpin.measures.guokao.catalogue import load_items
from tongpin.report.words import MISSING, count_text, number_text, percent_text, points_text, wan_text
from tongpin.twin.catalogue import load_settings
from tongpin.twin.portfolio.catalogue import load_portfolio

if TYPE_CHECKING:
    from collections.abc import Mapping
    from fractions import Fraction

    from tongpin.twin.portfolio.effect import Figure, Way
    from tongpin.twin.portfolio.run import Period

UNITS: dict[Way, str] = {
    "count": "",
    "weight": "",
    "weight_e4": "",
    "fen": "万元",
    "days": "天",
    "percent": "",
    "ratio": "",
    "points": "分",
}
GOALS = {"up": "提高", "down": "降低", "compare": "监测比较", "": ""}


def value_text(kind: Way, value: Fraction | None) -> str:
    """A figure in its unit: 万元 with two decimals, rates as `97.56%`, weights with four decimals."""
    if value is None:
        return MISSING
    match kind:
        case "count":
            return count_text(int(value))
        case "fen":
            return wan_text(int(value))
        case "weight_e4":
            return number_text(float(value / SCALE), 2)
        case "weight":
            return number_text(float(value), 4)
        case "percent":
            return percent_text(float(value) / 100)
        case "ratio":
            return percent_text(float(value))
        case "days" | "points":
            return number_text(float(value), 2)


def change_text(figure: Figure) -> str:
    """After less before, with its sign; rates in 百分点."""
    change = figure.change
    if change is None:
        return MISSING
    if figure.kind in {"percent", "ratio"}:
        return f"{points_text(float(change) / (100 if figure.kind == 'percent' else 1))} 百分点"
    text = value_text(figure.kind, change)
    return f"+{text}" if change > 0 else text


def label_text(figure: Figure) -> str:
    """The name of a figure with its unit."""
    unit = UNITS[figure.kind]
    return f"{figure.label}（{unit}）" if unit else figure.label


def basis_lines(period: Period) -> tuple[str, ...]:
    """Period, population, weight edition and policy, as every paper says them first."""
    return (
        f"医保DRG 按结算月、全部出院按出院月：{period.label}；权重版本：{period.weight_edition}；{period.policy_label}",
        *period.notices,
    )


def rule_rows() -> list[Mapping[str, str]]:
    """Every class, limit, move, capacity and parameter in words: what, value, reference, whether assumed."""
    rules = load_portfolio()
    rows = [(f"分类：{one.label}", one.rule, one.reference, one.assumed) for one in rules.classes]
    run = load_settings()["portfolio.losing_months"]
    rows.append((run.label, f"{run.value} 个已关账的月份", run.reference, run.assumed))
    rows += [(f"不得触碰：{one.label}", "任何安排都不动", one.reference, one.assumed) for one in rules.limits]
    rows += [
        (f"安排：{one.label}", f"去处：{one.destination}。{one.effect}", one.reference, one.assumed)
        for one in rules.moves
    ]
    rows.append(
        (f"安排：{rules.growth.label}", "只列权重不低于 1.0 的病组，不超过需求与能力", rules.growth.reference, True)
    )
    rows += [(f"能力：{one.label}", one.source, "S000-16", True) for one in rules.capacities]
    rows += [
        (f"国考填报项：{load_items()[name].label}", one.reason, one.reference, one.assumed)
        for name, one in rules.filed_items.items()
    ]
    rows += [(one.label, f"{one.value:,} {one.unit}", one.reference, one.assumed) for one in rules.settings]
    return [
        {"what": what, "value": value, "reference": reference, "assumed": "模拟" if assumed else ""}
        for what, value, reference, assumed in rows
    ]
