"""The joint report as one self-contained HTML page."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow.compute as pc

from tongpin.base.money import SCALE, round_half_up
from tongpin.measures.catalogue import load_definitions
from tongpin.report import words
from tongpin.report.html import render_page
from tongpin.twin.basis import definition_text
from tongpin.twin.catalogue import anchor_text, load_pairs, load_settings, setting
from tongpin.twin.joint_charts import joint_charts
from tongpin.twin.joint_mix import by_direction
from tongpin.twin.joint_overspend import overspend_of, told
from tongpin.twin.joint_sheets import LOW_RISK, MIX_NOTE
from tongpin.twin.portfolio.catalogue import load_classes
from tongpin.twin.portfolio.classes import losing_months

if TYPE_CHECKING:
    from collections.abc import Iterable
    from fractions import Fraction

    from tongpin.measures.catalogue import Measure
    from tongpin.twin.catalogue import Pair
    from tongpin.twin.joint import JointReport
    from tongpin.twin.joint_overspend import Overspend

TEMPLATES = Path(__file__).parent / "templates"

TOP_HOSPITALS, TOP_WARNINGS, TOP_CROSSING, TOP_GROUPS, TOP_LOW_WEIGHT, TOP_MIX = 12, 20, 30, 8, 5, 5

SECTIONS = (
    ("city", "全市概览"),
    ("mirror", "四对镜像指标"),
    ("hospitals", "各医院"),
    ("charts", "图"),
    ("lines", "红线"),
    ("portfolio", "病组组合"),
    ("departments", "科室"),
    ("crossing", "超支与药耗"),
    ("forms", "口径说明"),
)
SHORT = {
    "settlement.mean_weight": "RW",
    "settlement.result": "盈亏",
    "settlement.result_ratio.paid": "盈亏率",
    "settlement.mean_stay": "住院日",
    "settlement.variance_share": "高变异",
    "discharge.cmi": "CMI",
    "discharge.drug_share": "药占比",
    "discharge.consumable_share": "耗占比",
    "discharge.time_index.mean_form": "时间指数",
    "discharge.low_risk_mortality": "低风险死亡",
}
"""Column headings of narrow tables; the full form stands in 口径说明."""
IN_YI = frozenset({"settlement.pool_payable", "settlement.item_pool"})
UNIT_NAMES = {"fen": "万元", "days": "天", "yuan": "元"}


def figure_text(chosen: Measure, value: float | None) -> str:
    """A figure in the wording of its unit: 万元, 亿元 for funds, 97.56%, three decimals for weights and indices."""
    if value is None:
        return words.MISSING
    match chosen.unit:
        case "count":
            return words.count_text(int(value))
        case "fen":
            return words.yi_text(int(value)) if chosen.id in IN_YI else words.wan_text(int(value))
        case "weight_e4":
            return words.number_text(value / SCALE, 2)
        case "ratio":
            return words.percent_text(value)
        case "days" | "yuan":
            return words.number_text(value, 2)
        case _:
            return words.number_text(value, 3)


def write_joint_html(joint: JointReport, path: Path) -> None:
    """Write the joint report to `path`: one file, charts inside, no script, no request. Source: S000-01..04."""
    path.write_text(joint_html(joint), encoding="utf-8")


def joint_html(joint: JointReport) -> str:
    """The page as text."""
    measures = {one.id: one for one in joint.measures}
    departments_of: dict[str, list[dict[str, Any]]] = {}
    for row in joint.departments.to_pylist():
        departments_of.setdefault(row["institution_code"], []).append(row)
    hospitals = joint.hospitals.to_pylist()
    groups = joint.groups.to_pylist()
    definitions = [(one, *definition_text(one)) for one in (*load_definitions().values(), *load_settings().values())]
    city = joint.city.to_pylist()[0]
    city_overspend = overspend_of(joint.overspend)
    context = shared_context(joint, joint.measures) | {
        "title": f"{words.month_text(joint.month)}医保结算与绩效考核联合报告 · {joint.basis.area_label}",
        "sections": SECTIONS,
        "pair_rows": pair_rows,
        "city": city,
        "levels": joint.levels.to_pylist(),
        "hospitals": hospitals,
        "departments_of": departments_of,
        "bridge": joint.bridge,
        "charts": joint_charts(joint),
        "red_lines": joint.red_lines,
        "group_line": joint.group_line,
        "warnings": joint.warnings.to_pylist(),
        "top": TOP_HOSPITALS,
        "warning_top": TOP_WARNINGS,
        "crossing_top": TOP_CROSSING,
        "classes": joint.classes.to_pylist(),
        "class_label": {one.id: one for one in load_classes()},
        "total_cases": sum(row["case_count"] for row in groups),
        "total_weight": sum(row["weight_e4"] for row in groups),
        "group_extremes": group_extremes(groups),
        "low_weight_top": TOP_LOW_WEIGHT,
        "low_weight_below": words.number_text(load_definitions()["weight.low_below_e4"].value / SCALE, 1),
        "losing_months": losing_months(),
        "low_weight": _low_weight(hospitals),
        "low_risk_coverage": city["low_risk_count"] / city["discharge.cases"],
        "few": measures[LOW_RISK].flag_when[0].below,
        "crossing": joint.crossing.to_pylist(),
        "crossing_groups": joint.crossing_groups.to_pylist(),
        "group_top": TOP_WARNINGS,
        "overspend": _overspend_rows(joint),
        "city_overspend": city_overspend,
        "city_told": told(city_overspend),
        "mix": by_direction(joint.mix, TOP_MIX),
        "mix_count": len(joint.mix),
        "definitions": definitions,
    }
    return render_page("joint.html", context, folder=TEMPLATES)


def shared_context(joint: JointReport, chosen: Iterable[Measure]) -> dict[str, Any]:
    """What the report of an area and that of a hospital both say, with the measures that they show."""
    measures = {one.id: one for one in chosen}
    return {
        "month": joint.month,
        "basis": joint.basis,
        "notices": joint.basis.lines,
        "measures": measures,
        "name": {one.id: _name_with_unit(one) for one in measures.values()},
        "short": SHORT,
        "pairs": load_pairs(),
        "anchor": lambda measure_id: anchor_text(measures[measure_id]),
        "show": lambda measure_id, value: figure_text(measures[measure_id], value),
        "signed": _signed,
        "signed_yuan": lambda fen: _plus(fen, words.yuan_text(fen)),
        "signed_wan": lambda fen: _plus(fen, words.wan_text(fen)),
        "per_case": round_half_up,
        "group_label": joint.group_label,
        "group_minimum": setting("group_fee.minimum_cases"),
        "low_risk": LOW_RISK,
        "tolerance": setting("department.tolerance_e4") * 100 / SCALE,
        "department_minimum": setting("department.minimum_cases"),
        "benchmark_minimum": load_definitions()["benchmark.minimum_cases"].value,
        "overspend_minimum": setting("overspend.minimum_cases"),
        "mix_growth": f"{setting('mix.growth_e4') * 100 / SCALE:g}%",
        "mix_top": TOP_MIX,
        "mix_note": MIX_NOTE,
    }


def _plus(value: float, text: str) -> str:
    return f"+{text}" if value > 0 else text


def _signed(value: Fraction, digits: int) -> str:
    """A change as people write it, always with its sign; what rounds to zero has none."""
    text = words.number_text(float(value), digits)
    return _plus(float(value), text) if text.strip("0.,") else text


def _overspend_rows(joint: JointReport) -> list[tuple[str, Overspend]]:
    """The statement tested at every level and for the area."""
    levels = [row["level"] for row in joint.levels.to_pylist()]
    found = [(one, overspend_of(joint.overspend.filter(pc.equal(joint.overspend["level"], one)))) for one in levels]
    return [
        *((label, one) for label, one in found if one.overspent_count + one.other_count),
        ("全市", overspend_of(joint.overspend)),
    ]


def _name_with_unit(chosen: Measure) -> str:
    unit = UNIT_NAMES.get(chosen.unit)
    return f"{chosen.label}（{unit}）" if unit else chosen.label


def pair_rows(pair: Pair, *, costed: bool = False) -> list[tuple[str | None, str | None]]:
    """The measures of a pair line by line, left beside right; those of cost only where a hospital imported it."""
    left, right = (side.shown(costed=costed) for side in (pair.insurance, pair.assessment))
    return [
        (left[row] if row < len(left) else None, right[row] if row < len(right) else None)
        for row in range(max(len(left), len(right)))
    ]


def group_extremes(groups: list[dict[str, Any]]) -> list[tuple[str, list[dict[str, Any]]]]:
    """The groups that lose most and those that gain most, by yuan; groups of few cases are left out."""
    enough = [row for row in groups if row["case_count"] >= setting("group_fee.minimum_cases")]
    ranked = sorted(enough, key=lambda row: (row["result_fen"], row["drg"]))
    losing = [row for row in ranked if row["result_fen"] < 0][:TOP_GROUPS]
    gaining = [row for row in reversed(ranked) if row["result_fen"] > 0][:TOP_GROUPS]
    return [("亏损最大的病组", losing), ("结余最大的病组", gaining)]


def _low_weight(hospitals: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Of 三级 and 二级 hospitals those with the largest share of low-weight cases."""
    known = [row for row in hospitals if (row["settlement.cases"] or 0) >= setting("department.minimum_cases")]
    ranked = sorted(known, key=lambda row: -row["settlement.low_weight_share"])
    return [
        row for level in ("三级", "二级") for row in [one for one in ranked if one["level"] == level][:TOP_LOW_WEIGHT]
    ]
