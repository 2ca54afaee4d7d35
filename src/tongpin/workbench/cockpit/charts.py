"""Charts 红线、瀑布、漏斗: hospitals against red lines and the limits of chance, and how a result comes about."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tongpin.base.errors import TongpinError
from tongpin.base.money import SCALE, check_balance
from tongpin.report.words import count_text
from tongpin.twin.basis import department_labels
from tongpin.twin.catalogue import setting
from tongpin.twin.causes.parts import FACTORS, PARTS
from tongpin.twin.causes.run import BASES, Wanted, causes_in_home
from tongpin.twin.joint import dept_labels
from tongpin.twin.joint_charts import ENDS, LIMITS
from tongpin.twin.mirror import mirror_table
from tongpin.twin.red_lines import compared_hospitals
from tongpin.workbench.cockpit.figures import linked
from tongpin.workbench.cockpit.groups import judged_groups
from tongpin.workbench.cockpit.shapes import (
    CausesShown,
    FunnelPoint,
    FunnelShown,
    LinePoint,
    MoneyStep,
    RedLines,
    RedLineShown,
    Waterfall,
    Waterfalls,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tongpin.twin.causes.run import CausesReport
    from tongpin.twin.joint import BridgeLine, JointReport
    from tongpin.workbench.cockpit.sight import Month, Place

EXPECTED = {
    "discharge.drug_share": "discharge.expected_drug_share.fee_weighted",
    "discharge.consumable_share": "discharge.expected_consumable_share.fee_weighted",
}
"""What the case mix leads one to expect of a share that a red line limits."""


def red_lines(month: Month, place: Place, *, may: frozenset[str], sees_money: bool) -> RedLines:
    """The red lines of hospitals with what is compared, and that of groups with how many cross it (S000-17..19).

    The bureau sees every hospital of the assessment, a hospital itself and the region.
    """
    joint = month.joint()
    rows = compared_hospitals(joint.hospitals).to_pylist()
    if place.reach == "hospital":
        rows = [row for row in rows if row["institution_code"] == place.hospital]
    shown = []
    for result in joint.red_lines:
        line = result.line
        points = [_point(row, line.measure, line.limit_e4 / SCALE, may) for row in rows]
        shown.append(
            RedLineShown(
                id=line.id,
                label=line.label,
                level=line.level,
                limit=line.limit_e4 / SCALE,
                limit_text=line.limit_text,
                reference=line.reference,
                basis=line.basis,
                note=line.note,
                region=result.city_value,
                points=points,
                over=sum(one.excess is not None for one in points),
                compared=sum(one.value is not None for one in points),
            )
        )
    if sees_money:
        shown.append(_group_line(month, place, joint, may))
    notes = ["红线只提示，不扣款；占比随病种结构而异，先与病例组合期望值比。科室不与红线比"]
    if place.reach == "hospital" and not rows:
        notes.append("本机构不参加国考，不与医院红线比")
    return RedLines(lines=shown, notes=notes)


def _point(row: Mapping[str, Any], measure_id: str, limit: float, may: frozenset[str]) -> LinePoint:
    value = row[measure_id]
    sort = "-drug_share" if measure_id == "discharge.drug_share" else "-consumable_share"
    place = f"institution_code~is~{row['institution_code']}"
    return LinePoint(
        name=row["institution_name"],
        value=value,
        expected=row.get(EXPECTED.get(measure_id, "")),
        excess=value - limit if value is not None and value > limit else None,
        href=linked("/cockpit/discharges", [place], sort) if "cases.read" in may else None,
    )


def _group_line(month: Month, place: Place, joint: JointReport, may: frozenset[str]) -> RedLineShown:
    line, groups = joint.group_line, judged_groups(month, place)
    return RedLineShown(
        id=line.id,
        label=line.label,
        level=line.level,
        limit=line.limit_e4 / SCALE,
        limit_text=line.limit_text,
        reference=line.reference,
        basis=line.basis,
        note=line.note,
        region=None,
        points=[],
        over=sum(one.fee_over for one in groups),
        compared=sum(one.enough for one in groups),
        href=linked("/cockpit/groups", ["fee_over~is~true"]) if "cases.read" in may else None,
    )


def waterfalls(month: Month, place: Place) -> Waterfalls:
    """The result of the region from its hospitals, of a hospital from its departments.

    Of the region also the bridge from the lists to the statement, which closes to the fen (`joint.bridge`).
    """
    joint = month.joint()
    simulated = bool(joint.basis.assumed) or joint.basis.weights_assumed
    note = f"盈亏 = DRG 应付 − 按项目应付（统筹）；医保DRG，结算月 {month.month}；正数归医院"
    if place.reach == "region":
        named = [
            (row["institution_name"], row["settlement.result"], f"institution_code~is~{row['institution_code']}")
            for row in joint.hospitals.to_pylist()
            if row["settlement.result"] is not None
        ]
        title, total = "各机构盈亏怎样合成全区域（医保DRG）", "全区域"
    else:
        settlement, discharge = month.facts(place)
        table = mirror_table(settlement, discharge, ["dept"])
        labels = dept_labels(table).to_pylist()
        named = [
            (label, row["settlement.result"], f"dept~is~{row['dept']}")
            for label, row in zip(labels, table.to_pylist(), strict=True)
            if row["settlement.result"] is not None
        ]
        title, total = "各科室盈亏怎样合成本院（医保DRG）", "本院"
    places = Waterfall(title=title, steps=_ends(named, total), note=note, simulated=simulated)
    statement = _statement(joint.bridge, month.month, simulated=simulated) if place.reach == "region" else None
    return Waterfalls(places=places, statement=statement)


def department_label(code: str) -> str:
    """The national name of a department's code, else the code."""
    return department_labels().get(code, f"科别 {code}")


def _ends(named: list[tuple[str, int, str]], total: str) -> list[MoneyStep]:
    """The places that win and lose most, the others in one step, and the total that they make."""
    ranked = sorted(named, key=lambda one: (-one[1], one[0]))
    head, tail = ranked[:ENDS], ranked[max(ENDS, len(ranked) - ENDS) :]
    middle = ranked[len(head) : len(ranked) - len(tail)]
    rest = [MoneyStep(label=f"其余 {len(middle)} 个", amount_fen=sum(one[1] for one in middle))] if middle else []
    steps = [*_steps(head), *rest, *_steps(tail)]
    whole = sum(one[1] for one in named)
    check_balance("cockpit.waterfall", "盈亏瀑布", sum(one.amount_fen for one in steps), whole)
    return [*steps, MoneyStep(label=total, amount_fen=whole, total=True)]


def _steps(named: Iterable[tuple[str, int, str]]) -> list[MoneyStep]:
    filters = "scope_label~is~按病组"
    return [
        MoneyStep(label=label, amount_fen=fen, href=linked("/cases", [filter_, filters], "result_fen"))
        for label, fen, filter_ in named
    ]


def _statement(bridge: tuple[BridgeLine, ...], month: str, *, simulated: bool) -> Waterfall:
    steps = [
        MoneyStep(
            label=one.label,
            amount_fen=one.result_fen,
            total=one is bridge[-1],
            how=f"{count_text(one.case_count)} 例",
        )
        for one in bridge
    ]
    note = f"结算月 {month}；各类清单的盈亏相加等于月度支付情况表，分毫不差"
    return Waterfall(title="从清单到月度支付情况表", steps=steps, note=note, simulated=simulated)


def causes(month: Month, place: Place) -> CausesShown:
    """The result of a place against its base, by cause: from the base over the factors to the result (S002-22).

    Without a base, or without a case of the place, it says so: that is no fault.
    """
    try:
        return CausesShown(found=_causes(month, place), lacks="")
    except TongpinError as error:
        if not error.code.startswith("causes."):
            raise
        return CausesShown(found=None, lacks=error.message)


def _causes(month: Month, place: Place) -> Waterfall:
    wanted = Wanted(month.month, month.area, hospital=place.hospital, dept=place.department)
    # Counted over the region, whose other institutions of the level are the base where no year before is closed; the
    # answer holds sums of the own place and of that base alone.
    report: CausesReport = month.once(("causes", place), lambda: causes_in_home(month.home, wanted))
    total = report.total
    steps = [MoneyStep(label=BASES[report.base], amount_fen=total["base_fen"], total=True, how=report.base_label)]
    for factor, label in FACTORS.items():
        parts = [part for part in PARTS if part.factor == factor]
        amount = sum(total[part.id] for part in parts)
        if amount:
            how = "；".join(f"{part.label}：{part.how}" for part in parts)
            steps.append(MoneyStep(label=label, amount_fen=amount, how=how))
    moved = sum(one.amount_fen for one in steps)
    check_balance("cockpit.causes", "对照加各项等于本期盈亏", moved, total["result_fen"])
    steps.append(MoneyStep(label="本期", amount_fen=total["result_fen"], total=True))
    return Waterfall(
        title=f"{report.scope}：与对照相差在哪里",
        steps=steps,
        note="；".join(report.notes),
        simulated=any("模拟" in line for line in report.notices),
    )


def funnel(month: Month, place: Place) -> FunnelShown:
    """Variant cases of hospitals over what is expected of their level, with the limits of chance; no ranks.

    A hospital sees itself; its peers are only counted, since where they stand tells how large they are.
    """
    joint = month.joint()
    least = setting("department.minimum_cases")
    shares = {row["level"]: row["settlement.variance_share"] for row in joint.levels.to_pylist()}
    rows = joint.hospitals.to_pylist()
    own_level = next((row["level"] for row in rows if row["institution_code"] == place.hospital), "")
    points, peers = [], []
    for row in rows:
        cases = row["settlement.cases"] or 0
        expected = cases * (shares[row["level"]] or 0)
        if cases < least or not expected:
            continue
        own = row["institution_code"] == place.hospital
        point = _funnel_point(row, cases, expected, own=own)
        if place.reach == "region" or own:
            points.append(point)
        elif row["level"] == own_level:
            peers.append(point)
    note = (
        f"高变异 = 费用极高 + 费用极低；与同级相比，医保DRG，结算月 {month.month}，不少于 {least} 例。"
        "界限之内的高低可由例数少解释，不排名"
    )
    return FunnelShown(
        label="高变异病例：实际 ÷ 同级期望",
        points=points,
        limits=dict(LIMITS),
        least=least,
        peers=len(peers),
        peers_outside=sum(bool(one.outside) for one in peers),
        note=note,
        simulated=bool(joint.basis.assumed),
    )


def _funnel_point(row: Mapping[str, Any], cases: int, expected: float, *, own: bool) -> FunnelPoint:
    ratio = row["settlement.variance_share"] * cases / expected
    distance = abs(ratio - 1) * expected**0.5
    inner, outer = sorted(LIMITS.values())
    return FunnelPoint(
        name=row["institution_name"],
        expected=expected,
        ratio=ratio,
        own=own,
        outside="outer" if distance > outer else "inner" if distance > inner else "",
    )
