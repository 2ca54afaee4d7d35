"""The joint report of one hospital as one self-contained HTML page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tongpin.report import words
from tongpin.report.html import render_page
from tongpin.twin.catalogue import load_pairs
from tongpin.twin.joint_html import TEMPLATES, TOP_MIX, TOP_WARNINGS, pair_rows, shared_context
from tongpin.twin.joint_mix import by_direction
from tongpin.twin.joint_overspend import told
from tongpin.twin.mirror import COST_MEASURES

if TYPE_CHECKING:
    from pathlib import Path

    from tongpin.measures.catalogue import Measure
    from tongpin.twin.joint_hospital import HospitalJoint

SECTIONS = (
    ("mirror", "四对镜像指标"),
    ("lines", "红线"),
    ("overspend", "超支与药耗"),
    ("mix", "病组结构测算"),
    ("departments", "科室"),
    ("forms", "口径说明"),
)
_IN_TABLES = frozenset(
    {
        "settlement.result_ratio.standard",
        "discharge.compared_drug_share",
        "discharge.compared_consumable_share",
        "discharge.expected_drug_share.fee_weighted",
        "discharge.expected_consumable_share.fee_weighted",
    }
)
"""What the tables below the pairs show beside the measures of the pairs."""


def write_hospital_html(own: HospitalJoint, path: Path) -> None:
    """Write the report of a hospital to `path`: one file, no script, no request. Source: S000-01, S000-02, S000-17."""
    path.write_text(hospital_html(own), encoding="utf-8")


def hospital_html(own: HospitalJoint) -> str:
    """The page as text; the word 成本 stands in it only where the hospital imported cost (S906-01)."""
    departments = own.departments.to_pylist()
    context = shared_context(own.joint, own.measures) | {
        "title": f"{own.name}{words.month_text(own.joint.month)}联合报告",
        "sections": SECTIONS,
        "own": own.own,
        "level": own.level,
        "city": own.city,
        "alone": frozenset(COST_MEASURES),
        "costed": own.costed,
        "costed_count": own.costed_count,
        "list_count": own.list_count,
        "pair_rows": lambda pair: pair_rows(pair, costed=own.costed),
        "own_lines": own.lines,
        "group_line": own.group_line,
        "warnings": own.warnings.to_pylist(),
        "warning_top": TOP_WARNINGS,
        "share": lambda value: f"{'+' if value > 0 else ''}{words.percent_text(value)}",
        "overspend": [(one.basis, one) for one in own.overspend],
        "overspend_told": [told(one) for one in own.overspend],
        "crossing_groups": own.crossing_groups.to_pylist(),
        "mix": by_direction(own.mix, TOP_MIX),
        "mix_count": len(own.mix),
        "departments": [row for row in departments if row["comparable"]],
        "few_departments": sum(not row["comparable"] for row in departments),
        "shown_measures": shown_measures(own),
    }
    return render_page("joint_hospital.html", context, folder=TEMPLATES)


def shown_measures(own: HospitalJoint) -> list[Measure]:
    """The measures that the report of a hospital shows, in the order of the catalogue of the report."""
    shown = _IN_TABLES | {own.group_line.measure, *(one.line.measure for one in own.lines)}
    for pair in load_pairs():
        shown |= {*pair.insurance.shown(costed=own.costed), *pair.assessment.shown(costed=own.costed)}
    return [one for one in own.measures if one.id in shown]
