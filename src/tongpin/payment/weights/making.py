"""Making weights 权重测算: from kept cases to a weight for every group (A1, A2, S905-03).

The steps, each a column of the result: own weight → few cases drawn to their like → order of severity → total → four
digits. All exact fractions until the last.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import TYPE_CHECKING

import pyarrow as pa

from tongpin.base.errors import PolicyError
from tongpin.base.money import SCALE, round_half_up
from tongpin.payment.weights import order
from tongpin.payment.weights.rounding import Rounded, keep_total, round_weights
from tongpin.payment.weights.rules import SEVERITIES, checked_shares
from tongpin.payment.weights.statistics import CLASS_PREFIX

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tongpin.payment.weights.rules import WeightRules

WEIGHT_SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in ("drg", "adrg", "severity")),
        ("case_count", pa.int64()),
        ("mean_fee_fen", pa.int64()),
        ("cv", pa.float64()),
        ("own_e4", pa.int64()),
        ("like_e4", pa.int64()),
        ("credibility", pa.float64()),
        ("drawn_e4", pa.int64()),
        ("ordered_e4", pa.int64()),
        ("merged_with", pa.string()),
        ("weight_e4", pa.int64()),
    ]
)
"""A group and how its weight came about; null where a step had nothing to go by. `own` = the method on its own cases,
`like` = its ADRG times the usual split ratio, `credibility` = the share of `own` in `drawn`, `merged_with` = the groups
of its block where the order of severity did not hold, `weight_e4` null when there is no case to make a weight of."""


@dataclass(frozen=True, slots=True)
class Made:
    """The weights (`WEIGHT_SCHEMA`, by group) and how exactly the total was kept (`Rounded.residue_e4`)."""

    weights: pa.Table
    residue_e4: int

    def open_groups(self) -> tuple[str, ...]:
        """Groups without a weight: no case of them, nor of their ADRG; nobody may be paid by them."""
        rows = self.weights.select(["drg", "weight_e4"]).to_pylist()
        return tuple(row["drg"] for row in rows if row["weight_e4"] is None)


@dataclass(slots=True)
class _Group:
    drg: str
    adrg: str
    severity: str | None
    case_count: int = 0
    fee_fen: int = 0
    cv: float | None = None
    own: Fraction | None = None
    like: Fraction | None = None
    credibility: Fraction = Fraction(0)
    value: Fraction | None = None
    drawn: Fraction | None = None
    ordered: Fraction | None = None
    merged_with: str = ""


def relative_weight(fee: Fraction | int, mean: Fraction | int) -> Fraction:
    """RW = mean fee of the group / mean fee of all (A1, TV-A1); PolicyError `weights.mean` when no mean is above 0."""
    if mean <= 0:
        raise PolicyError("weights.mean", "全部病例的均费不为正，算不出权重", hint="检查病例费用")
    return Fraction(fee) / Fraction(mean)


def class_weight(
    group: Mapping[str, Fraction | int], overall: Mapping[str, Fraction | int], shares: Mapping[str, Fraction]
) -> Fraction:
    """RW = Σ share of the class × class mean of the group / class mean of all (A2, TV-A2).

    Classes by name, means in any one unit. PolicyError `weights.class` for a class that has a share and no fees.
    """
    bare = [name for name, share in shares.items() if share and overall.get(name, 0) <= 0]
    if bare or set(group) - set(shares):
        odd = bare or sorted(set(group) - set(shares))
        raise PolicyError(
            "weights.class",
            f"费用类别{'、'.join(odd)}没有费用或没有占比",
            where="weight.class_share",
            hint="占比按有费用的类别写全，合计为 1",
        )
    return sum((share * Fraction(group[n]) / Fraction(overall[n]) for n, share in shares.items() if share), Fraction(0))


def make_weights(
    statistics: pa.Table, rules: WeightRules, catalogue: Mapping[str, str], in_force: Mapping[str, int] | None = None
) -> Made:
    """The weight of every group of a catalogue, and of every group that occurs (A1, A2, S905-03).

    `statistics` as `group_statistics` gives it; `catalogue` group → ADRG names groups that may lack cases;
    `in_force`: weights in ten-thousandths, whose total `rules.total` may ask to keep. Else the case-weighted mean is 1;
    both but for the residue. Pure.
    """
    groups = _groups(statistics, rules, catalogue)
    cases = sum(group.case_count for group in groups)
    if not cases:
        raise PolicyError("weights.cases", "没有可测算的病例", hint="检查月份，以及剔除规则是否剔除了全部病例")
    _own_weights(groups, statistics, rules)
    families = _families(groups)
    if rules.order == "merge":
        _merge(families)
    _draw(groups, families, rules.few_cases)
    _put_in_order(groups, families, rules.order)
    held = [group for group in groups if group.ordered is not None]
    rounded = _rounded(held, rules, in_force or {})
    weight_of = dict(zip((group.drg for group in held), rounded.weights_e4, strict=True))
    rows = [_row(group, weight_of.get(group.drg)) for group in groups]
    return Made(pa.Table.from_pylist(rows, schema=WEIGHT_SCHEMA), rounded.residue_e4)


def _groups(statistics: pa.Table, rules: WeightRules, catalogue: Mapping[str, str]) -> list[_Group]:
    found = {drg: _Group(drg, adrg, rules.severity(drg, adrg)) for drg, adrg in catalogue.items()}
    for row in statistics.select(["drg", "adrg", "case_count", "fee_fen", "cv"]).to_pylist():
        group = found.setdefault(row["drg"], _Group(row["drg"], row["adrg"], rules.severity(row["drg"], row["adrg"])))
        group.case_count, group.fee_fen, group.cv = row["case_count"], row["fee_fen"], row["cv"]
    return [found[drg] for drg in sorted(found)]


def _own_weights(groups: Sequence[_Group], statistics: pa.Table, rules: WeightRules) -> None:
    """The method on each group's own cases, re-normalised to a case-weighted mean of 1."""
    cases = sum(group.case_count for group in groups)
    mean = Fraction(sum(group.fee_fen for group in groups), cases)
    if rules.method == "mean_fee":
        for group in groups:
            if group.case_count:
                group.own = relative_weight(Fraction(group.fee_fen, group.case_count), mean)
    else:
        shares = checked_shares(rules.class_shares)
        names = [name.removeprefix(CLASS_PREFIX) for name in statistics.column_names if name.startswith(CLASS_PREFIX)]
        by_group = {row["drg"]: row for row in statistics.to_pylist()}
        overall = {n: Fraction(sum(row[CLASS_PREFIX + n] for row in by_group.values()), cases) for n in names}
        for group in groups:
            if group.case_count:
                means = {n: Fraction(by_group[group.drg][CLASS_PREFIX + n], group.case_count) for n in names}
                group.own = class_weight(means, overall, shares)
    total = sum((group.own * group.case_count for group in groups if group.own is not None), Fraction(0))
    for group in groups:
        group.own = None if group.own is None else relative_weight(group.own * cases, total)
        group.value = group.own


def _families(groups: Sequence[_Group]) -> list[list[_Group]]:
    """The groups of an ADRG that differ by degree of complication, lightest first."""
    by_adrg: dict[str, list[_Group]] = {}
    for group in groups:
        if group.severity is not None:
            by_adrg.setdefault(group.adrg, []).append(group)
    return [sorted(family, key=lambda group: SEVERITIES.index(group.severity or "")) for family in by_adrg.values()]


def _merge(families: Sequence[Sequence[_Group]]) -> None:
    """Groups that break the order of their ADRG count as one, with the cases of all of them."""
    for family in families:
        known = [group for group in family if group.own is not None]
        values, blocks = order.pooled([group.own or Fraction(0) for group in known], [g.case_count for g in known])
        for block in set(blocks):
            members = [group for group, number in zip(known, blocks, strict=True) if number == block]
            if len(members) > 1:
                for group in members:
                    group.value = values[known.index(group)]
                    group.merged_with = "、".join(one.drg for one in members)


def _draw(groups: Sequence[_Group], families: Sequence[Sequence[_Group]], few_cases: int) -> None:
    """Weights of few cases drawn to what their ADRG and the usual split ratio let expect: z = n / few, at most 1."""
    ratios = _split_ratios(families, few_cases)
    for family in families:
        expected = sum((ratios[group.severity or ""] * group.case_count for group in family), Fraction(0))
        total = sum((group.value * group.case_count for group in family if group.value is not None), Fraction(0))
        if not expected:
            continue
        for group in family:
            group.like = total / expected * ratios[group.severity or ""]
    together: dict[str, int] = {}
    for group in groups:
        if group.merged_with:
            together[group.merged_with] = together.get(group.merged_with, 0) + group.case_count
    for group in groups:
        count = together.get(group.merged_with, group.case_count)
        if group.value is None or group.like is None:
            group.drawn = group.value if group.like is None else group.like
            group.credibility = Fraction(0 if group.value is None else 1)
            continue
        group.credibility = Fraction(min(count, few_cases), few_cases) if few_cases else Fraction(1)
        group.drawn = group.credibility * group.value + (1 - group.credibility) * group.like


def _split_ratios(families: Sequence[Sequence[_Group]], few_cases: int) -> dict[str, Fraction]:
    """How much heavier each degree usually weighs than its ADRG's lightest group, over groups with enough cases.

    Case-weighted; a degree of which no ADRG has enough cases weighs as the next lighter one.
    """
    found = {SEVERITIES[0]: Fraction(1)}
    for lighter, severity in pairwise(SEVERITIES):
        seen, expected = Fraction(0), Fraction(0)
        for family in families:
            base = next((g for g in family if g.severity == SEVERITIES[0]), None)
            group = next((g for g in family if g.severity == severity), None)
            if base is None or group is None or base.value is None or group.value is None:
                continue
            if min(base.case_count, group.case_count) >= few_cases:
                seen += group.value * group.case_count
                expected += base.value * group.case_count
        found[severity] = max(found[lighter], seen / expected) if expected else found[lighter]
    return found


def _put_in_order(groups: Sequence[_Group], families: Sequence[Sequence[_Group]], choice: str) -> None:
    for group in groups:
        group.ordered = group.drawn
    if choice == "none":
        return
    for family in families:
        known = [group for group in family if group.drawn is not None]
        values, blocks = order.pooled([group.drawn or Fraction(0) for group in known], [g.case_count for g in known])
        for place, group in enumerate(known):
            members = [one.drg for one, number in zip(known, blocks, strict=True) if number == blocks[place]]
            group.ordered = values[place]
            group.merged_with = "、".join(members) if len(members) > 1 else group.merged_with


def _rounded(held: Sequence[_Group], rules: WeightRules, in_force: Mapping[str, int]) -> Rounded:
    """Scaled to the total that the rules ask for and rounded, the order of severity kept."""
    factor = _factor(held, in_force if rules.total == "keep" else None)
    exact = [(group.ordered or Fraction(0)) * factor for group in held]
    place = {group.drg: number for number, group in enumerate(held)}
    pairs = [
        (place[light.drg], place[heavy.drg])
        for family in _families(held)
        for light, heavy in pairwise(family)
        if (light.ordered or 0) <= (heavy.ordered or 0)
    ]
    counts = [group.case_count for group in held]
    return round_weights(
        exact, counts, close=rules.rounding == "close", holds=lambda values: order.holds(values, pairs)
    )


def _factor(held: Sequence[_Group], in_force: Mapping[str, int] | None) -> Fraction:
    """What scales the weights to a mean of 1, or to the total of the groups that have a weight in force (A4)."""
    adjusted = {group.drg: group.ordered or Fraction(0) for group in held if group.case_count}
    counts = {group.drg: group.case_count for group in held}
    if in_force is None:
        return keep_total(dict.fromkeys(adjusted, Fraction(1)), adjusted, counts).factor
    both = {drg: weight for drg, weight in adjusted.items() if drg in in_force}
    return keep_total({drg: Fraction(in_force[drg], SCALE) for drg in both}, both, counts).factor


def _row(group: _Group, weight_e4: int | None) -> dict[str, object]:
    def e4(value: Fraction | None) -> int | None:
        return None if value is None else round_half_up(value.numerator * SCALE, value.denominator)

    return {
        "drg": group.drg,
        "adrg": group.adrg,
        "severity": group.severity,
        "case_count": group.case_count,
        "mean_fee_fen": round_half_up(group.fee_fen, group.case_count) if group.case_count else None,
        "cv": group.cv,
        "own_e4": e4(group.own),
        "like_e4": e4(group.like),
        "credibility": float(group.credibility),
        "drawn_e4": e4(group.drawn),
        "ordered_e4": e4(group.ordered),
        "merged_with": group.merged_with or None,
        "weight_e4": weight_e4,
    }
