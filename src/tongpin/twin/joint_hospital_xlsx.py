"""The joint report of one hospital as a workbook: every table of its page in full."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tongpin.report.words import MISSING, month_text
from tongpin.report.xlsx import Column, Sheet, write_workbook
from tongpin.twin.catalogue import anchor_text, load_pairs
from tongpin.twin.crossing import BY_COST, BY_FEE
from tongpin.twin.joint_hospital_html import shown_measures
from tongpin.twin.joint_sheets import (
    KINDS,
    RIGHT,
    UNITS,
    by_id,
    crossing_group_sheet,
    few,
    forms_sheet,
    measure_columns,
    mix_sheet,
    overspend_sheet,
)
from tongpin.twin.mirror import COST_MEASURES

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tongpin.twin.joint_hospital import HospitalJoint


def write_hospital_xlsx(own: HospitalJoint, path: Path) -> None:
    """Write the report of a hospital to `path`; 成本 stands in it only where the hospital imported cost (S906-01)."""
    joint = own.joint
    title = f"{own.name}{month_text(joint.month)}联合报告"
    notes = [*joint.basis.lines, f"医保结算：医保DRG，结算月 {joint.month}；绩效考核：全部出院，出院月 {joint.month}"]
    sheets = [
        _pairs(own, title, notes),
        _warnings(own, title, notes),
        overspend_sheet([(own.name, one) for one in own.overspend], title, notes),
        crossing_group_sheet(own.crossing_groups, joint.basis, own.measures, title, notes, joint.group_label),
        mix_sheet(own.mix, title, notes, joint.group_label),
        _departments(own, title, notes),
        forms_sheet(shown_measures(own), joint.basis, joint.month, title),
    ]
    write_workbook(sheets, path, title=title, subject="联合报告")


def _pairs(own: HospitalJoint, title: str, notes: Sequence[str]) -> Sheet:
    """The four pairs line by line: the hospital, its level, the area; its cost stands beside nobody's."""
    measures = by_id(own.measures)
    parts = {"own": few(own.own), "level": few(own.level), "city": few(own.city)}
    rows: list[dict[str, Any]] = []
    for pair in load_pairs():
        for side, ids in (("医保结算", pair.insurance), ("绩效考核", pair.assessment)):
            for one in (measures[name] for name in ids.shown(costed=own.costed)):
                row = {"pair": pair.label, "side": side, "label": one.label, "unit": UNITS.get(one.unit, "")}
                for name, figures in parts.items():
                    value = None if name != "own" and one.id in COST_MEASURES else figures[one.id]
                    row[name] = MISSING if value is None else value
                row["kind"] = KINDS[one.unit]
                rows.append(row | {"anchor": anchor_text(one), "population": one.population, "form": one.form})
    columns = [
        Column("pair", "维度"),
        Column("side", "一面"),
        Column("label", "指标"),
        Column("unit", "单位"),
        Column("own", "本院", "number", kind_key="kind"),
        Column("level", f"全市{own.own['level']}", "number", kind_key="kind"),
        Column("city", "全市", "number", kind_key="kind"),
        Column("anchor", "锚点"),
        Column("population", "人群"),
        Column("form", "形式", width=44),
    ]
    return Sheet("镜像指标", f"{title} · 四对镜像指标", columns, rows, notes, freeze_columns=3)


def _warnings(own: HospitalJoint, title: str, notes: Sequence[str]) -> Sheet:
    line = own.group_line
    rows = [row | {"label": own.joint.group_label(row["drg"])} for row in own.warnings.to_pylist()]
    for row in rows:
        for way in ("fee_", "cost_") if own.costed else ("",):
            multiple = row[f"{way}multiple"]
            row[f"{way}share"] = MISSING if multiple is None else multiple - 1
        if own.costed:
            row["mark"] = "成本超过" if row["cost_over"] else "只有费用超过，局端会提示"
    excess = f"超出 {line.limit_text} 的\n金额（元）"
    columns = [Column("drg", "病组"), Column("label", "名称"), Column("case_count", "例数", "count")]
    if own.costed:
        columns += [
            Column("costed_count", "有成本的\n例数", "count", "成本（判断依据）"),
            Column("standard_cost_fen", "成本\n（万元）", "wan", "成本（判断依据）"),
            Column("costed_standard_fen", "支付标准\n（万元）", "wan", "成本（判断依据）"),
            Column("cost_share", "超标准", "ratio", "成本（判断依据）"),
            Column("cost_excess_fen", excess, "yuan", "成本（判断依据）"),
        ]
    way, band = ("fee_", "费用") if own.costed else ("", "")
    columns += [
        Column("total_fee_fen", "费用\n（万元）", "wan", band),
        Column("standard_fen", "支付标准\n（万元）", "wan", band),
        Column(f"{way}share", "超标准", "ratio", band),
        Column(f"{way}excess_fen", excess, "yuan", band),
        *((Column("mark", "提示"),) if own.costed else ()),
    ]
    said = [*notes, f"{line.basis}；{line.note}（{line.reference}）"]
    return Sheet("病组预警", f"{title} · {line.label}", columns, rows, said, freeze_columns=2)


def _departments(own: HospitalJoint, title: str, notes: Sequence[str]) -> Sheet:
    ratios = [BY_FEE, *((BY_COST,) if own.costed else ())]
    left = ["settlement.cases", "settlement.result", *ratios]
    right = ["discharge.cases", "discharge.cmi", "discharge.time_index.mean_form"]
    columns = [
        Column("dept", "科别代码"),
        Column("dept_label", "科别"),
        *measure_columns(own.measures, own.joint.basis, [*left, *right]),
    ]
    for part, label in (("drug", "药占比"), ("consumable", "耗占比")):
        ids = [f"discharge.compared_{part}_share", f"discharge.expected_{part}_share.fee_weighted"]
        columns += measure_columns(own.measures, own.joint.basis, ids)
        columns.append(Column(f"{part}_excess", f"{label}−期望\n（百分点）", "pp", RIGHT))
    columns.append(Column("mark", "提示"))
    rows = [row | {"mark": "" if row["comparable"] else "例数少，不比较"} for row in own.departments.to_pylist()]
    note = "科室只与病例组合期望值比（费用加权，同期区域），不与医院红线比"
    return Sheet("科室", f"{title} · 科室", columns, rows, [*notes, note], freeze_columns=2)
