"""Groups 病组: the double indicators of S000-23, and the groups of a place as points of portfolio and payments."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from tongpin.base.money import SCALE, round_half_up
from tongpin.grouping.library import open_scheme
from tongpin.measures.compute import compute, roll_up
from tongpin.report.words import count_text, percent_text, points_text
from tongpin.twin.catalogue import measure, setting
from tongpin.twin.crossing import BY_COST, BY_FEE, groups_against_expected
from tongpin.twin.mirror import mirror_table
from tongpin.twin.portfolio.catalogue import load_classes
from tongpin.twin.portfolio.classes import classify
from tongpin.twin.red_lines import group_line
from tongpin.workbench.cockpit.figures import definition_of, linked
from tongpin.workbench.cockpit.shapes import Deviation, DoubleIndicators, GroupChart, GroupPoint
from tongpin.workbench.cockpit.sight import Place, sums
from tongpin.workbench.listings.places import institution_names

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pyarrow as pa

    from tongpin.measures.figures import FigureBasis
    from tongpin.workbench.cockpit.sight import Month

DRUG, CONSUMABLE = ("discharge.compared_drug_share", "discharge.compared_consumable_share")
EXPECTED = ("discharge.expected_drug_share.fee_weighted", "discharge.expected_consumable_share.fee_weighted")
FEE, COST, SHARE = "fee", "cost", "share"
LABELS = {FEE: "病组费用偏离度", COST: "病组成本偏离度", SHARE: "药耗占比超标率"}
REGION = Place("region")
MOST_DRAWN, MOST_LISTED = 300, 12
"""So many groups at most are drawn and listed; the list of groups has them all."""


class Group(NamedTuple):
    """A group of a place, counted at both desks; amounts in fen, shares 0–1, None where there is nothing to divide.

    `hospital` is set where each hospital's group stands for itself.
    """

    hospital: str
    hospital_name: str
    drg: str
    name: str
    kind: str
    weight_e4: int | None
    case_count: int
    page_count: int
    total_fee_fen: int
    standard_fen: int
    result_fen: int
    fee_deviation: float | None
    cost_deviation: float | None
    drug_share: float | None
    consumable_share: float | None
    share: float | None
    expected_share: float | None
    fee_over: bool
    cost_over: bool
    share_over: bool
    enough: bool

    @property
    def share_excess(self) -> float | None:
        """The drug and consumable share above what the region has in the same group."""
        return None if self.share is None or self.expected_share is None else self.share - self.expected_share


def groups_of(month: Month, place: Place, *, by_hospital: bool = False) -> tuple[Group, ...]:
    """The groups of a place, those of the largest excess first (S000-17, S000-23).

    Fee deviation = fee ÷ standard − 1 over 医保DRG lists of the month; the same of the cost that a hospital imported,
    for its own eyes only. The share of drugs and consumables is compared with the region's in the same group, over the
    front pages of the month. A group of few cases is never over. `by_hospital`: a group of each hospital for itself,
    because the region's share is its own expectation.
    """
    keys = ("institution_code", "drg") if by_hospital else ("drg",)
    found: tuple[Group, ...] = month.once(("groups", place, by_hospital), lambda: _made(month, place, keys))
    return found


def judged_groups(month: Month, place: Place) -> tuple[Group, ...]:
    """The groups by which the double indicators are judged: of the region those of each hospital."""
    return groups_of(month, place, by_hospital=place.reach == "region")


def _made(month: Month, place: Place, keys: tuple[str, ...]) -> tuple[Group, ...]:
    costed = place.reach == "hospital" and month.has_cost
    settlement, discharge = month.facts(place, costed=costed)
    if not settlement.num_rows and not discharge.num_rows:
        return ()
    costed = costed and "standard_cost_fen" in settlement.column_names
    mirror = groups_against_expected(mirror_table(settlement, discharge, keys, costed=costed))
    own = {tuple(row[key] for key in keys): row for row in roll_up(settlement, keys).to_pylist()}
    runs = {row["drg"]: row["losing_run"] for row in month.joint().groups.select(["drg", "losing_run"]).to_pylist()}
    names = open_scheme(month.home, month.desks.policy.scheme_id).drg_names
    hospitals = institution_names(month.home) if len(keys) > 1 else {}
    kinds = _kinds(own, runs)
    groups = []
    for row in mirror.to_pylist():
        if row["drg"]:
            key = tuple(row[one] for one in keys)
            code = row.get("institution_code", "")
            words = (code, hospitals.get(code, code), row["drg"], names.get(row["drg"], ""), kinds.get(key, ""))
            groups.append(_group(row, own.get(key, {}), words))
    return tuple(sorted(groups, key=lambda one: (one.standard_fen - one.total_fee_fen, one.hospital, one.drg)))


def _kinds(own: Mapping[tuple[str, ...], Any], runs: Mapping[str, int]) -> dict[tuple[str, ...], str]:
    """The class of each settled group, in words; whether it loses is judged over the region, as everywhere."""
    known = [key for key, row in own.items() if row["weighted_count"]]
    weights = np.array([own[key]["weight_e4"] // own[key]["weighted_count"] for key in known], dtype=np.int64)
    losing = np.array([runs.get(key[-1], 0) for key in known], dtype=np.int64)
    labels = {one.id: one.label for one in load_classes()}
    return {key: labels[name] for key, name in zip(known, classify(weights, losing), strict=True)} if known else {}


def _group(row: Mapping[str, Any], own: Mapping[str, Any], words: tuple[str, str, str, str, str]) -> Group:
    fee, standard, count = (own.get(one, 0) or 0 for one in ("total_fee_fen", "standard_fen", "case_count"))
    enough = count >= setting("group_fee.minimum_cases")
    over = standard > 0 and fee * SCALE > standard * group_line().limit_e4
    weighted, cost = own.get("weighted_count", 0), _negated(row.get(BY_COST))
    share, expected = _added(row, (DRUG, CONSUMABLE)), _added(row, EXPECTED)
    excess = None if share is None or expected is None else share - expected
    return Group(
        *words,
        weight_e4=own["weight_e4"] // weighted if weighted else None,
        case_count=count,
        page_count=row["discharge.cases"] or 0,
        total_fee_fen=fee,
        standard_fen=standard,
        result_fen=own.get("result_fen", 0) or 0,
        fee_deviation=_negated(row[BY_FEE]),
        cost_deviation=cost,
        drug_share=row[DRUG],
        consumable_share=row[CONSUMABLE],
        share=share,
        expected_share=expected,
        fee_over=enough and over,
        cost_over=enough and cost is not None and cost > group_line(costed=True).limit_e4 / SCALE - 1,
        share_over=_enough_pages(row) and excess is not None and excess > setting("department.tolerance_e4") / SCALE,
        enough=enough,
    )


def _enough_pages(row: Mapping[str, Any]) -> bool:
    return (row["discharge.cases"] or 0) >= setting("group_fee.minimum_cases")


def _added(row: Mapping[str, Any], names: tuple[str, ...]) -> float | None:
    values = [row[name] for name in names]
    return None if any(value is None for value in values) else float(sum(values))


def _negated(ratio: float | None) -> float | None:
    """(standard − spent) ÷ standard as the deviation (spent − standard) ÷ standard."""
    return None if ratio is None else 0.0 - ratio


def point_of(one: Group, *, sees_money: bool) -> GroupPoint:
    """A group as pages draw it."""

    def mean(fen: int) -> int | None:
        return round_half_up(fen, one.case_count) if sees_money and one.case_count else None

    return GroupPoint(
        hospital=one.hospital_name,
        hospital_code=one.hospital,
        drg=one.drg,
        name=one.name,
        kind=one.kind if sees_money else "",
        weight=one.weight_e4 / SCALE if sees_money and one.weight_e4 is not None else None,
        cases=one.case_count or one.page_count,
        mean_fee_fen=mean(one.total_fee_fen),
        mean_standard_fen=mean(one.standard_fen),
        mean_result_fen=mean(one.result_fen),
        result_fen=one.result_fen if sees_money else None,
        fee_deviation=one.fee_deviation if sees_money else None,
        cost_deviation=one.cost_deviation if sees_money else None,
        share=one.share,
        expected_share=one.expected_share,
        share_excess=one.share_excess,
        fee_over=one.fee_over and sees_money,
        cost_over=one.cost_over and sees_money,
        share_over=one.share_over,
        enough=one.enough,
    )


def double_indicators(month: Month, place: Place, *, sees_money: bool, may: frozenset[str]) -> DoubleIndicators:
    """病组费用（成本）偏离度 and 药耗占比超标率 of a place, and the groups that cross either (S000-23).

    偏离度 =（实际 − 支付标准）÷ 支付标准; 超标率 =（实际占比 − 期望占比）÷ 期望占比.
    """
    settlement, discharge = month.facts(place)
    groups = judged_groups(month, place)
    found = [_share_indicator(month, place, discharge, groups, may)]
    if sees_money:
        found.insert(0, _spent_indicator(month, settlement, groups, FEE, may))
        costed = month.facts(place, costed=True)[0] if place.reach == "hospital" and month.has_cost else None
        if costed is not None and sums(costed, "costed_standard_fen"):
            found.insert(1, _spent_indicator(month, costed, groups, COST, may))
    shown = [one for one in groups if one.share_over or ((one.fee_over or one.cost_over) and sees_money)]
    shown.sort(key=lambda one: not (one.fee_over and one.share_over))
    least = setting("group_fee.minimum_cases")
    notes = [f"病组不少于 {least} 例才判断；只预警，不扣款"]
    if place.reach == "region":
        notes.append("全区域的占比就是期望值，所以按机构、病组逐个比")
    if sees_money and all(one.id != COST for one in found):
        notes.append("这里没有病例成本，偏离度按费用计，不称成本")
    return DoubleIndicators(
        indicators=found,
        groups=[point_of(one, sees_money=sees_money) for one in shown[:MOST_LISTED]],
        crossing=sum(one.fee_over and one.share_over for one in groups) if sees_money else 0,
        minimum_cases=least,
        notes=notes,
        simulated=any(one.definition.simulated for one in found),
    )


_SPENT = {FEE: ("total_fee_fen", "standard_fen", BY_FEE), COST: ("standard_cost_fen", "costed_standard_fen", BY_COST)}


def _spent_indicator(
    month: Month, facts: pa.Table, groups: tuple[Group, ...], way: str, may: frozenset[str]
) -> Deviation:
    spent_name, standard_name, measure_id = _SPENT[way]
    row = roll_up(facts.select([spent_name, standard_name]), []).to_pylist()[0]
    spent, standard = row[spent_name] or 0, row[standard_name] or 0
    deviation = spent / standard - 1 if standard > 0 else None
    line = group_line(costed=way == COST)
    return Deviation(
        id=way,
        label=LABELS[way],
        actual=spent,
        against=standard,
        deviation=deviation,
        text=_standard_words(deviation),
        over=deviation is not None and spent * SCALE > standard * line.limit_e4,
        groups_over=sum(one.fee_over if way == FEE else one.cost_over for one in groups),
        limit=f"病组超过支付标准的 {line.limit_text} 预警",
        href=_list_of("fee_over" if way == FEE else "cost_over", may),
        definition=definition_of(_basis(month), (month.month,), measure(measure_id)),
    )


def _standard_words(deviation: float | None) -> str:
    if deviation is None:
        return "没有支付标准"
    told = percent_text(abs(deviation)).replace("%", "\u00a0%")
    return f"超标准\u00a0+{told}" if deviation > 0 else f"低于标准\u00a0{told}"


def _share_indicator(
    month: Month, place: Place, discharge: pa.Table, groups: tuple[Group, ...], may: frozenset[str]
) -> Deviation:
    names = (DRUG, CONSUMABLE, *EXPECTED)
    row = compute(discharge, [measure(name) for name in names]).to_pylist()[0] if discharge.num_rows else {}
    known = {name: row.get(name) for name in names}
    actual, expected = _added(known, (DRUG, CONSUMABLE)), _added(known, EXPECTED)
    tolerance = setting("department.tolerance_e4") / SCALE
    over = sum(one.share_over for one in groups)
    if place.reach == "region":
        expected, words = None, f"{over} 个机构病组高于期望"
    else:
        excess = None if actual is None or expected is None else actual - expected
        words = "没有可比的病例" if excess is None else f"比期望 {points_text(excess)} 个百分点"
    return Deviation(
        id=SHARE,
        label=LABELS[SHARE],
        actual=actual,
        against=expected,
        deviation=actual / expected - 1 if actual is not None and expected else None,
        text=words,
        over=actual is not None and expected is not None and actual - expected > tolerance,
        groups_over=over,
        limit=f"高于同病组全区域水平 {tolerance * 100:g} 个百分点以上预警",
        href=_list_of("share_over", may),
        definition=definition_of(_basis(month), (month.month,), measure(DRUG)),
    )


def _list_of(column: str, may: frozenset[str]) -> str | None:
    return linked("/cockpit/groups", [f"{column}~is~true"]) if "cases.read" in may else None


def _basis(month: Month) -> FigureBasis:
    """What the figures of the month rest on, as cards have it."""
    basis: FigureBasis = month.figures(REGION, ("settlement.cases",))[0].basis
    return basis


def group_chart(month: Month, place: Place, *, slopes: bool) -> GroupChart:
    """The groups of a place with enough cases to be drawn, for portfolio (bounds) and payments (slopes)."""
    groups = [one for one in groups_of(month, place) if one.case_count and one.weight_e4]
    drawn = [one for one in groups if one.enough]
    drawn.sort(key=lambda one: -abs(one.result_fen))
    joint = month.joint()
    edges = {edge for one in load_classes() for edge in (one.weight_from_e4, one.weight_below_e4) if edge is not None}
    found = {1.0} | {float(one) for level in joint.basis.multiples.values() for one in level.values()}
    own = joint.basis.multiples.get(_level(month, place))
    if own is not None:
        found = {1.0, *(float(one) for one in own.values())}
    least = setting("group_fee.minimum_cases")
    left = len(groups) - len(drawn[:MOST_DRAWN])
    note = f"医保DRG，结算月 {month.month}，权重版本 {joint.basis.weight_edition}；不少于 {least} 例的病组"
    return GroupChart(
        groups=[point_of(one, sees_money=True) for one in drawn[:MOST_DRAWN]],
        left_out=left,
        slopes=sorted(found) if slopes else [],
        bounds=[] if slopes else sorted(edge / SCALE for edge in edges),
        minimum_cases=least,
        note=note + (f"，另有 {count_text(left)} 组例数少或较小，不画" if left else ""),
        simulated=joint.basis.weights_assumed or bool(joint.basis.assumed),
    )


def _level(month: Month, place: Place) -> str:
    if place.hospital is None:
        return ""
    rows = month.joint().hospitals.select(["institution_code", "level"]).to_pylist()
    return next((row["level"] for row in rows if row["institution_code"] == place.hospital), "")
