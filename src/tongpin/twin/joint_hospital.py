"""The hospital's side 院端: the joint report of one hospital, by cost where it imported cost, by fee where it did not.

The bureau's report of the area knows fees only; here the word 成本 stands beside 费用 as soon as the hospital's own
cost of the month is there (S000-17, S906-01), and nowhere otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import pyarrow.compute as pc

from tongpin.base.errors import TongpinError
from tongpin.twin.catalogue import measure
from tongpin.twin.crossing import crossing_groups, departments_against_expected, groups_against_expected
from tongpin.twin.joint import dept_labels
from tongpin.twin.joint_mix import mix_effects
from tongpin.twin.joint_overspend import BY_COST, BY_FEE, overspend_of
from tongpin.twin.mirror import COST_MEASURES, mirror_table
from tongpin.twin.red_lines import OUTSIDE, group_line, groups_by_cost, groups_over

if TYPE_CHECKING:
    import pyarrow as pa

    from tongpin.measures.catalogue import Measure
    from tongpin.twin.catalogue import RedLine
    from tongpin.twin.joint import JointReport
    from tongpin.twin.joint_mix import MixEffect
    from tongpin.twin.joint_overspend import Overspend


class OwnLine(NamedTuple):
    """A hospital red line and this hospital: its value, and how far it lies above (0–1; none at or below)."""

    line: RedLine
    value: float | None
    excess: float | None


@dataclass(frozen=True)
class HospitalJoint:
    """The joint report of one hospital beside its level and the area.

    `own`, `level`, `city`: one figure per measure id; `lines`: the red lines of hospitals (empty where it takes no part
    in the assessment); `warnings`: groups over 110 % of their standard, by cost and fee if `costed` (`groups_by_cost`),
    else by fee (`groups_over`); `costed_count` of `list_count` lists have a cost; `overspend`: the statement tested by
    fee and by cost; `crossing_groups`, `departments`, `mix` as of the area, of this hospital alone.
    """

    joint: JointReport
    own: dict[str, Any]
    level: dict[str, Any]
    city: dict[str, Any]
    costed: bool
    costed_count: int
    list_count: int
    lines: tuple[OwnLine, ...]
    group_line: RedLine
    warnings: pa.Table
    overspend: tuple[Overspend, ...]
    crossing_groups: pa.Table
    departments: pa.Table
    mix: tuple[MixEffect, ...]
    measures: tuple[Measure, ...]

    @property
    def name(self) -> str:
        """The name of the hospital."""
        return str(self.own["institution_name"])


def hospital_joint(joint: JointReport, code: str) -> HospitalJoint:
    """The report of the hospital `code` out of that of its area; TongpinError `joint.hospital` when it has no case.

    Source: S000-01, S000-02, S000-17, S906-01.
    """
    own = [row for row in joint.hospitals.to_pylist() if row["institution_code"] == code]
    if not own:
        raise TongpinError(
            "joint.hospital",
            f"{joint.month} 没有机构 {code} 的病例",
            where="--hospital",
            hint="核对机构代码：tongpin report joint 不带 --hospital 的表格里列有各机构的代码",
        )
    settlement, discharge = (
        cube.filter(pc.equal(cube["institution_code"], code)) for cube in (joint.settlement, joint.discharge)
    )
    costed_count = _sum(settlement, "costed_count")
    costed = bool(_sum(settlement, "costed_standard_fen"))
    figures = mirror_table(settlement, discharge, ["institution_code"], costed=costed).to_pylist()[0]
    departments = departments_against_expected(
        mirror_table(settlement, discharge, ["institution_code", "dept"], costed=costed)
    )
    by_group = mirror_table(settlement, discharge, ["institution_code", "drg"], costed=costed)
    counts = joint.overspend.filter(pc.equal(joint.overspend["institution_code"], code))
    levels = {row["level"]: row for row in joint.levels.to_pylist()}
    more = COST_MEASURES if costed else ()
    return HospitalJoint(
        joint=joint,
        own=own[0] | figures,
        level=levels[own[0]["level"]],
        city=joint.city.to_pylist()[0],
        costed=costed,
        costed_count=costed_count,
        list_count=_sum(settlement, "case_count"),
        lines=_lines(joint, own[0]),
        group_line=group_line(costed=costed),
        warnings=groups_by_cost(settlement) if costed else groups_over(settlement),
        overspend=tuple(overspend_of(counts, basis) for basis in ((BY_FEE, BY_COST) if costed else (BY_FEE,))),
        crossing_groups=crossing_groups(groups_against_expected(by_group)),
        departments=departments.append_column("dept_label", dept_labels(departments)),
        mix=mix_effects(settlement, discharge),
        measures=(*joint.measures, *(measure(name) for name in more)),
    )


def _sum(facts: pa.Table, name: str) -> int:
    return int(pc.sum(facts[name]).as_py() or 0) if name in facts.column_names else 0


def _lines(joint: JointReport, own: dict[str, Any]) -> tuple[OwnLine, ...]:
    if own["manual"] == OUTSIDE:
        return ()
    found = []
    for result in joint.red_lines:
        rows = {row["institution_code"]: row["excess"] for row in result.hospitals.to_pylist()}
        found.append(OwnLine(result.line, own[result.line.measure], rows.get(own["institution_code"])))
    return tuple(found)
