"""The joint report as a workbook: every table of the page in full, ready to sort and print."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow.compute as pc

from tongpin.measures.catalogue import load_definitions
from tongpin.report.words import month_text
from tongpin.report.xlsx import Column, Sheet, write_workbook
from tongpin.twin.basis import definition_text
from tongpin.twin.catalogue import anchor_text, load_pairs, load_settings
from tongpin.twin.joint_overspend import overspend_of
from tongpin.twin.joint_sheets import (
    KINDS,
    LOW_RISK,
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
from tongpin.twin.mirror import DISCHARGE_MEASURES, SETTLEMENT_MEASURES, pair_measures
from tongpin.twin.portfolio.catalogue import load_classes

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tongpin.twin.joint import JointReport
    from tongpin.twin.joint_overspend import Overspend

_PLACE = (
    Column("institution_code", "机构代码"),
    Column("institution_name", "机构名称"),
    Column("level", "结算级别"),
    Column("grade", "等次"),
    Column("manual", "国考手册"),
)
_DEPARTMENT = (
    *SETTLEMENT_MEASURES[:1],
    "settlement.mean_weight",
    "settlement.result",
    "settlement.result_ratio.paid",
    "settlement.mean_stay",
    "settlement.variance_share",
    "discharge.cases",
    "discharge.cmi",
    "discharge.time_index.mean_form",
    "discharge.fee_index.mean_form",
    "discharge.low_risk_mortality",
    "discharge.compared_drug_share",
    "discharge.expected_drug_share.fee_weighted",
)


def write_joint_xlsx(joint: JointReport, path: Path) -> None:
    """Write the joint report to `path`, one sheet a table, the last one naming form, population and basis."""
    title = f"{joint.basis.area_label}{month_text(joint.month)}医保结算与绩效考核联合报告"
    notes = [
        *joint.basis.lines,
        f"左：医保结算（医保DRG，结算月 {joint.month}）；右：绩效考核（全部出院，出院月 {joint.month}）",
    ]
    sheets = [
        _mirror(joint, title, notes),
        _hospitals(joint, title, notes),
        _more(joint, title, notes),
        _departments(joint, title, notes),
        _crossing(joint, title, notes),
        crossing_group_sheet(joint.crossing_groups, joint.basis, joint.measures, title, notes, joint.group_label),
        overspend_sheet(_overspend(joint), title, notes),
        _groups(joint, title, notes),
        mix_sheet(joint.mix, title, notes, joint.group_label),
        _red_lines(joint, title, notes),
        _warnings(joint, title, notes),
        _bridge(joint, title, notes),
        _forms(joint, title),
    ]
    write_workbook(sheets, path, title=title, subject="联合报告")


def _mirror(joint: JointReport, title: str, notes: Sequence[str]) -> Sheet:
    """The four pairs, line by line, by level and for the city."""
    measures = by_id(joint.measures)
    slices = [few(part) for part in (*joint.levels.to_pylist(), {"level": "全市"} | joint.city.to_pylist()[0])]
    rows: list[dict[str, Any]] = []
    for pair in load_pairs():
        for side, ids in (("医保结算", pair.insurance.measures), ("绩效考核", pair.assessment.measures)):
            for one in (measures[measure_id] for measure_id in ids):
                row = {"pair": pair.label, "side": side, "label": one.label, "form": one.form}
                row |= {"unit": UNITS.get(one.unit, ""), "anchor": anchor_text(one), "kind": KINDS[one.unit]}
                row |= {part["level"]: part[one.id] for part in slices}
                rows.append(row | {"basis": joint.basis.basis_text(one, joint.month), "population": one.population})
    columns = [
        Column("pair", "维度"),
        Column("side", "一面"),
        Column("label", "指标"),
        Column("unit", "单位"),
        *[Column(part["level"], part["level"], "number", kind_key="kind") for part in slices],
        Column("anchor", "锚点"),
        Column("population", "人群"),
        Column("basis", "归期与基准", width=26),
        Column("form", "形式", width=44),
    ]
    return Sheet("镜像指标", f"{title} · 四对镜像指标", columns, rows, [*notes, _few_note(joint)], freeze_columns=3)


def _few_note(joint: JointReport) -> str:
    limit = by_id(joint.measures)[LOW_RISK].flag_when[0].below
    return f"低风险组病例不足 {limit:,} 例的不算率，写作“死亡例数/病例数”"


def _hospitals(joint: JointReport, title: str, notes: Sequence[str]) -> Sheet:
    """The pairs by hospital, with the cases they rest on."""
    pairs = pair_measures()
    left = ["settlement.cases", *(name for name in SETTLEMENT_MEASURES if name in pairs)]
    right = ["discharge.cases", *(name for name in DISCHARGE_MEASURES if name in pairs)]
    columns = [*_PLACE, *measure_columns(joint.measures, joint.basis, [*left, *right])]
    rows = [few(row) for row in joint.hospitals.to_pylist()]
    return Sheet(
        "各医院", f"{title} · 各医院", columns, rows, [*notes, _few_note(joint)], [few(_city(joint))], freeze_columns=2
    )


def _more(joint: JointReport, title: str, notes: Sequence[str]) -> Sheet:
    """Every other measure by hospital."""
    pairs = pair_measures()
    rest = [name for name in (*SETTLEMENT_MEASURES, *DISCHARGE_MEASURES) if name not in pairs]
    columns = [*_PLACE[:3], *measure_columns(joint.measures, joint.basis, rest)]
    heading = f"{title} · 各医院其他指标"
    return Sheet(
        "各医院其他指标", heading, columns, joint.hospitals.to_pylist(), notes, [_city(joint)], freeze_columns=2
    )


def _city(joint: JointReport) -> dict[str, Any]:
    figures: dict[str, Any] = joint.city.to_pylist()[0]
    return {"institution_name": "全市"} | figures


def _department_columns(joint: JointReport) -> list[Column]:
    consumable = [
        "discharge.compared_consumable_share",
        "discharge.expected_consumable_share.fee_weighted",
    ]
    return [
        *_PLACE[:3],
        Column("dept", "科别代码"),
        Column("dept_label", "科别"),
        *measure_columns(joint.measures, joint.basis, _DEPARTMENT),
        Column("drug_excess", "药占比−期望\n（百分点）", "pp", RIGHT),
        *measure_columns(joint.measures, joint.basis, consumable),
        Column("consumable_excess", "耗占比−期望\n（百分点）", "pp", RIGHT),
        Column("mark", "提示"),
    ]


def _marked(row: dict[str, Any]) -> dict[str, Any]:
    marks = [
        label for part, label in (("drug", "药占比高于期望"), ("consumable", "耗占比高于期望")) if row[f"{part}_high"]
    ]
    return few(row) | {"mark": "；".join(marks) if row["comparable"] else "例数少，不比较"}


def _departments(joint: JointReport, title: str, notes: Sequence[str]) -> Sheet:
    rows = [_marked(row) for row in joint.departments.to_pylist()]
    note = "科室只与病例组合期望值比（费用加权，同期区域），不与医院红线比"
    return Sheet("科室", f"{title} · 科室", _department_columns(joint), rows, [*notes, note], freeze_columns=5)


def _crossing(joint: JointReport, title: str, notes: Sequence[str]) -> Sheet:
    rows = [_marked(row) for row in joint.crossing.to_pylist()]
    note = "盈亏为负，且药占比或耗占比高于期望值超过容差（S000-26）；请先看病例"
    return Sheet(
        "超支且药耗偏高",
        f"{title} · 超支且药耗偏高的科室",
        _department_columns(joint),
        rows,
        [*notes, note],
        freeze_columns=5,
    )


def _groups(joint: JointReport, title: str, notes: Sequence[str]) -> Sheet:
    labels = {one.id: one for one in load_classes()}
    rows = [
        row | {"label": joint.group_label(row["drg"]), "class_label": labels[row["class"]].label}
        for row in joint.groups.to_pylist()
    ]
    rows.sort(key=lambda row: (row["result_fen"], row["drg"]))
    columns = [
        Column("drg", "病组"),
        Column("label", "名称"),
        Column("class_label", "类别"),
        Column("group_weight_e4", "权重", "weight"),
        Column("case_count", "例数", "count"),
        Column("weight_e4", "总权重", "weight"),
        Column("result_fen", "盈亏\n（万元）", "wan"),
        Column("settlement.result_ratio.paid", "盈亏率\n（应付口径）", "ratio"),
        Column("settlement.mean_fee", "次均费用\n（元）", "number"),
        Column("settlement.mean_stay", "平均住院日\n（天）", "days"),
        Column("settlement.variance_share", "高变异\n病例占比", "ratio"),
    ]
    rules = "；".join(f"{one.label}：{one.rule}（{one.reference}）" for one in labels.values())
    return Sheet("病组", f"{title} · 病组组合", columns, rows, [*notes, rules], freeze_columns=2)


def _red_lines(joint: JointReport, title: str, notes: Sequence[str]) -> Sheet:
    rows = [
        row | {"line": result.line.label, "reference": result.line.reference, "basis": result.line.basis}
        for result in joint.red_lines
        for row in result.hospitals.to_pylist()
    ]
    columns = [
        Column("line", "红线"),
        *_PLACE,
        Column("value", "实际", "ratio"),
        Column("limit", "红线值", "ratio"),
        Column("excess", "高出\n（百分点）", "pp"),
        Column("basis", "口径"),
        Column("reference", "依据"),
    ]
    return Sheet(
        "医院红线",
        f"{title} · 医院红线",
        columns,
        rows,
        [*notes, "只提示，不扣款；只比参加国考的医院"],
        freeze_columns=3,
    )


def _warnings(joint: JointReport, title: str, notes: Sequence[str]) -> Sheet:
    rows = [
        row | {"label": joint.group_label(row["drg"]), "over": row["multiple"] - 1}
        for row in joint.warnings.to_pylist()
    ]
    columns = [
        *_PLACE[:3],
        Column("drg", "病组"),
        Column("label", "名称"),
        Column("case_count", "例数", "count"),
        Column("total_fee_fen", "总费用\n（万元）", "wan"),
        Column("standard_fen", "支付标准\n（万元）", "wan"),
        Column("over", "超标准", "ratio"),
        Column("excess_fen", f"超出 {joint.group_line.limit_text} 的\n金额（元）", "yuan"),
    ]
    line = joint.group_line
    return Sheet(
        "病组预警",
        f"{title} · {line.label}",
        columns,
        rows,
        [*notes, f"{line.basis}；{line.note}（{line.reference}）"],
        freeze_columns=2,
    )


def _bridge(joint: JointReport, title: str, notes: Sequence[str]) -> Sheet:
    *steps, total = [
        {
            "label": line.label,
            "case_count": line.case_count,
            "pool_payable_fen": line.pool_payable_fen,
            "result_fen": line.result_fen,
        }
        for line in joint.bridge
    ]
    columns = [
        Column("label", "组成", width=30),
        Column("case_count", "清单数", "count"),
        Column("pool_payable_fen", "DRG应付统筹\n（万元）", "wan"),
        Column("result_fen", "盈亏\n（万元）", "wan"),
    ]
    return Sheet("核对", f"{title} · 从清单到月度支付情况表", columns, steps, notes, [total])


def _overspend(joint: JointReport) -> list[tuple[str, Overspend]]:
    """The statement tested for every hospital that has cases, and for the area."""
    rows = []
    for row in joint.hospitals.to_pylist():
        own = joint.overspend.filter(pc.equal(joint.overspend["institution_code"], row["institution_code"]))
        if own.num_rows:
            rows.append((row["institution_name"], overspend_of(own)))
    return [*rows, ("全市", overspend_of(joint.overspend))]


def _forms(joint: JointReport, title: str) -> Sheet:
    rows = [
        {
            "label": one.label,
            "form": " ".join(definition_text(one)),
            "reference": one.reference,
            "assumed": "模拟" if one.assumed else "",
        }
        for one in (*load_definitions().values(), *load_settings().values())
    ]
    return forms_sheet(joint.measures, joint.basis, joint.month, title, rows)
