"""Sheets that the workbook of an area and that of a hospital share: overspending, mix, and what the figures mean."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tongpin.report.words import MISSING
from tongpin.report.xlsx import Column, Sheet
from tongpin.twin.catalogue import anchor_text, load_directions, setting
from tongpin.twin.crossing import BY_COST, BY_FEE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    import pyarrow as pa

    from tongpin.measures.catalogue import Measure
    from tongpin.report.xlsx import Kind
    from tongpin.twin.basis import Basis
    from tongpin.twin.joint_mix import MixEffect
    from tongpin.twin.joint_overspend import Overspend

KINDS: dict[str, Kind] = {
    "count": "count",
    "fen": "wan",
    "weight_e4": "weight",
    "ratio": "ratio",
    "index": "index",
    "days": "days",
    "weight": "weight",
    "yuan": "number",
}
LEFT, RIGHT = "医保结算（医保DRG）", "绩效考核（全部出院）"
UNITS = {"fen": "万元", "yuan": "元", "days": "天"}


def by_id(measures: Iterable[Measure]) -> dict[str, Measure]:
    """The measures by id."""
    return {one.id: one for one in measures}


LOW_RISK = "discharge.low_risk_mortality"
"""Shown as deaths/cases where it is flagged: too few cases for a rate."""


def few(row: dict[str, Any]) -> dict[str, Any]:
    """The row with deaths/cases for the low-risk rate where cases are too few for a rate."""
    if row[f"{LOW_RISK}.flag"] and row[LOW_RISK] is not None:
        return row | {LOW_RISK: f"{row['low_risk_death_count']}/{row['low_risk_count']}"}
    return row


def measure_columns(measures: Iterable[Measure], basis: Basis, measure_ids: Sequence[str]) -> list[Column]:
    """Measure columns under the band of their desk, each with its unit, anchor and 模拟 where it applies."""
    known = by_id(measures)
    columns = []
    for one in (known[measure_id] for measure_id in measure_ids):
        marks = [UNITS.get(one.unit, ""), anchor_text(one), "模拟" if basis.simulated(one) else ""]
        # A long name breaks before its bracket, not inside it.
        heading = "\n".join([one.label.replace("（", "\n（", 1), *(mark for mark in marks if mark)])
        columns.append(Column(one.id, heading, KINDS[one.unit], LEFT if one.period == "结算月" else RIGHT))
    return columns


def crossing_group_sheet(
    groups: pa.Table,
    basis: Basis,
    measures: Iterable[Measure],
    title: str,
    notes: Sequence[str],
    label_of: Callable[[str], str],
) -> Sheet:
    """Groups above their standard with a share above expectation; by cost too where `groups` has it. S000-02."""
    ratios = [name for name in (BY_FEE, BY_COST) if name in groups.column_names]
    named = "institution_name" in groups.column_names
    shares = [
        (f"discharge.compared_{part}_share", f"discharge.expected_{part}_share.fee_weighted", f"{part}_excess", label)
        for part, label in (("drug", "药占比"), ("consumable", "耗占比"))
    ]
    known = tuple(measures)
    columns = [
        *((Column("institution_code", "机构代码"), Column("institution_name", "机构名称")) if named else ()),
        Column("drg", "病组"),
        Column("label", "名称"),
        *measure_columns(known, basis, ["settlement.cases", *ratios]),
    ]
    for actual, expected, excess, label in shares:
        columns += measure_columns(known, basis, [actual, expected])
        columns.append(Column(excess, f"{label}−期望\n（百分点）", "pp", RIGHT))
    rows = [row | {"label": label_of(row["drg"])} for row in groups.to_pylist()]
    note = (
        f"高于支付标准，且药占比或耗占比高于同病组全市水平 {setting('department.tolerance_e4') / 100:g} 个百分点以上，"
        f"两面都不少于 {setting('group_fee.minimum_cases')} 例（S000-02）；请先看病例，不是结论"
    )
    heading = f"{title} · 超支且药耗高于期望的病组"
    return Sheet("超支且药耗偏高的病组", heading, columns, rows, [*notes, note], freeze_columns=2)


def overspend_sheet(tested: Sequence[tuple[str, Overspend]], title: str, notes: Sequence[str]) -> Sheet:
    """Whether overspent cases run high shares, by place or by basis, with interval and verdict. S000-02."""
    columns = [
        Column("place", "范围"),
        Column("basis", "超支按"),
        Column("overspent_count", "例数", "count", "超支病例"),
        Column("overspent_high_count", "药耗偏高", "count", "超支病例"),
        Column("overspent_share", "占比", "ratio", "超支病例"),
        Column("other_count", "例数", "count", "其余病例"),
        Column("other_high_count", "药耗偏高", "count", "其余病例"),
        Column("other_share", "占比", "ratio", "其余病例"),
        Column("difference", "差\n（百分点）", "pp", "超支 − 其余"),
        Column("low", "95% 区间\n下限", "pp", "超支 − 其余"),
        Column("high", "95% 区间\n上限", "pp", "超支 − 其余"),
        Column("verdict", "结论"),
    ]
    rows = [
        {"place": place} | {name: MISSING if value is None else value for name, value in one._asdict().items()}
        for place, one in tested
    ]
    least = setting("overspend.minimum_cases")
    said = [
        "药耗偏高：药品费与卫生材料费之和占费用的比例高于同病组全市的比例；没有全市比例的病组不计",
        f"区间由两个 Wilson 区间合成（Newcombe），整个大于 0 才说成立；任一边不足 {least} 例不判断",
    ]
    return Sheet("超支与药耗", f"{title} · 超支病例是否伴随药耗偏高", columns, rows, [*notes, *said], freeze_columns=1)


def mix_sheet(effects: Sequence[MixEffect], title: str, notes: Sequence[str], label_of: Callable[[str], str]) -> Sheet:
    """Every group with enough cases: one case more, one fewer, a share more. S000-01."""
    labels = {one.id: one.label for one in load_directions()}
    share = f"多收 {setting('mix.growth_e4') / 100:g}%"
    columns = [
        Column("drg", "病组"),
        Column("label", "名称"),
        Column("direction", "方向"),
        Column("weight", "权重", "weight"),
        Column("page_count", "出院例数", "count"),
        Column("list_count", "DRG例数", "count"),
        Column("more_cmi", "CMI\n（百万分之一）", "number", "多收一例"),
        Column("more_fen", "盈亏\n（元）", "yuan", "多收一例"),
        Column("fewer_cmi", "CMI\n（百万分之一）", "number", "少收一例"),
        Column("fewer_fen", "盈亏\n（元）", "yuan", "少收一例"),
        Column("grown_count", "例数", "count", share),
        Column("grown_cmi", "CMI\n（百万分之一）", "number", share),
        Column("grown_fen", "盈亏\n（万元）", "wan", share),
    ]
    rows = []
    for one in effects:
        row: dict[str, Any] = {
            "drg": one.drg,
            "label": label_of(one.drg),
            "direction": labels[one.direction],
            "weight": float(one.weight),
            "page_count": one.page_count,
            "list_count": one.list_count,
            "grown_count": one.grown.case_count,
        }
        for way, moved in (("more", one.more), ("fewer", one.fewer), ("grown", one.grown)):
            row |= {f"{way}_cmi": float(moved.cmi * 1_000_000), f"{way}_fen": moved.result_fen}
        rows.append(row)
    return Sheet("病组结构测算", f"{title} · 病组结构变化的测算", columns, rows, [*notes, MIX_NOTE], freeze_columns=2)


MIX_NOTE = (
    "CMI 按全部出院、盈亏按医保DRG；多收、少收的病例都按该组本期平均，假定其余不变，未计年终清算。"
    "只是算账，不是收治目标，不得拒收、推诿；往哪里去、能到多少，见 tongpin portfolio frontier。"
)


def forms_sheet(
    measures: Iterable[Measure], basis: Basis, month: str, title: str, limits: Sequence[Mapping[str, Any]] = ()
) -> Sheet:
    """What every figure is: form, population, basis; below them the limits, and what the report rests on."""
    rows: list[Mapping[str, Any]] = [
        {
            "label": one.label,
            "form": one.form,
            "population": one.population,
            "basis": basis.basis_text(one, month),
            "direction": one.direction,
            "anchor": anchor_text(one),
            "reference": one.reference,
            "assumed": "模拟" if basis.simulated(one) else "",
        }
        for one in measures
    ]
    columns = [
        Column("label", "指标或界值", width=26),
        Column("form", "形式或值", width=58),
        Column("population", "人群"),
        Column("basis", "归期与基准", width=30),
        Column("direction", "方向"),
        Column("anchor", "锚点"),
        Column("reference", "依据", width=24),
        Column("assumed", "模拟"),
    ]
    notes = [
        *basis.lines,
        f"付费办法 {basis.policy_id}；分组方案 {basis.scheme_id}；权重 {basis.weight_edition}",
        f"对比基期 {basis.benchmark_month}",
        *([f"付费办法中未经文件确认的参数：{'、'.join(basis.assumed)}"] if basis.assumed else []),
        "人群不同或归期不同的数不可直接相减；“模拟”表示凭尚无正式文件确认的值得出",
    ]
    return Sheet("口径说明", f"{title} · 口径说明", columns, [*rows, *limits], notes, freeze_columns=1)
