"""The pack of a home 一份谈判材料: groups of a hospital with their evidence, its 国考 results, effects on the fund."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING, Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from tongpin.base.errors import TongpinError
from tongpin.base.money import SCALE, round_half_up
from tongpin.measures.desks import Desks
from tongpin.measures.guokao.hospital import hospital_named
from tongpin.measures.guokao.values import hospital_year
from tongpin.measures.populations import DRG_POPULATION, PAGE_POPULATION
from tongpin.payment.fund.series import month_after
from tongpin.payment.month.closed import area_of, closed_months
from tongpin.payment.policy.policy import Weight
from tongpin.payment.weights.history import cases_of_months
from tongpin.payment.weights.repricing import paid, pinned
from tongpin.records.intake.load import INSTITUTIONS, read_loaded
from tongpin.twin.advice import Suggestion, checked
from tongpin.twin.forecast.cases import grouped, months_of
from tongpin.twin.negotiation.evidence import GroupEvidence, group_evidence

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from decimal import Decimal

    from tongpin.base.findings import Finding
    from tongpin.measures.guokao.hospital import Hospital
    from tongpin.payment.policy.policy import Policy
    from tongpin.store.home import Home

USUAL_MONTHS = 12


class Effect(NamedTuple):
    """What weights higher by a share would have cost over the months, repriced case by case, in fen; 模拟.

    `cases`: those of the groups in the region; `total_fen`: all that the pool paid; `by_group`: each group alone.
    """

    raised: Decimal
    cases: int
    fund_fen: int
    own_fen: int
    total_fen: int
    by_group: Mapping[str, int]


class Case(NamedTuple):
    """A month of the hospital: cases paid by group, CMI, mean fee and result in fen."""

    month: str
    cases: int
    cmi: float | None
    result_fen: int


@dataclass(frozen=True)
class Pack:
    """A negotiation pack: who asks, over which months, the groups, the effects, what may be asked and what rests on."""

    hospital: Hospital
    hospital_name: str
    level: str
    months: tuple[str, ...]
    policy_id: str
    policy_label: str
    groups: tuple[GroupEvidence, ...]
    hospital_months: tuple[Case, ...]
    indicators: tuple[dict[str, Any], ...]
    effects: tuple[Effect, ...]
    requests: tuple[str, ...]
    refused: tuple[Finding, ...]
    has_cost: bool
    notes: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """The pack as plain data."""
        return {
            "hospital": self.hospital.code,
            "hospital_name": self.hospital_name,
            "level": self.level,
            "months": list(self.months),
            "policy": self.policy_id,
            "groups": [_plain(one) for one in self.groups],
            "hospital_months": [one._asdict() for one in self.hospital_months],
            "indicators": list(self.indicators),
            "effects": [one._asdict() | {"by_group": dict(one.by_group)} for one in self.effects],
            "requests": list(self.requests),
            "has_cost": self.has_cost,
            "notes": list(self.notes),
        }


def _plain(one: GroupEvidence) -> dict[str, Any]:
    return {
        "drg": one.drg,
        "name": one.name,
        "weight": one.weight,
        "even_weight": one.even_weight,
        "peer_even_weight": one.peer_even_weight,
        "own": one.own._asdict(),
        "peers": one.peers._asdict(),
        "difficulty": one.difficulty._asdict(),
        "peer_difficulty": one.peer_difficulty._asdict(),
        "periods": [
            {"period": held.period, "own": held.own._asdict(), "peers": held.peers._asdict()} for held in one.periods
        ],
        "hospitals": [
            {"name": peer.name, "complicated": peer.complicated, **peer.money._asdict()} for peer in one.hospitals
        ],
    }


def pack_in_home(
    home: Home,
    drgs: Sequence[str],
    hospital: str,
    area: str | None = None,
    *,
    span: tuple[str, str] | None = None,
    raises: Sequence[Decimal] = (),
) -> Pack:
    """The pack of a hospital for some groups over closed months (`span`), the last twelve unless named.

    Errors: `negotiate.months` (none closed), `negotiate.group` (a group that the edition does not weigh, or that the
    hospital has no paid case of), `guokao.hospital`. Source: S000-38.
    """
    area = area_of(home, area)
    closed = sorted(closed_months(home, area))
    months = tuple(month for month in closed if span is None or span[0] <= month <= span[1])
    if span is None and months:
        months = tuple(month for month in months if month > month_after(months[-1], -USUAL_MONTHS))
    if not months:
        raise TongpinError(
            "negotiate.months", "这些月份没有关账的，没有材料", hint="先运行 tongpin settle，或改 --from-months"
        )
    one = hospital_named(home, hospital, int(months[-1][:4]))
    desks = Desks(home, months, months, area)
    lists, pages = desks.cases(DRG_POPULATION, months), desks.cases(PAGE_POPULATION, months)
    own = lists.filter(pc.is_in(lists["institution_code"], value_set=pa.array(list(one.codes), pa.string())))
    _check(drgs, own, desks.policy)
    level = own["hospital_level"].to_pylist()[-1]
    groups = tuple(
        group_evidence(lists, pages, drg, one.codes, level, desks.scheme, desks.policy.weights[drg].weight_e4)
        for drg in drgs
    )
    asked = [Suggestion(_request(group), subject=group.drg) for group in groups if _asks(group)]
    passed = checked(asked)
    assumed = len(desks.policy.assumed_keys())
    costed = any(group.own.mean_cost_fen is not None for group in groups)
    return Pack(
        one,
        one.name,
        level,
        months,
        desks.policy.id,
        desks.policy.edition.label,
        groups,
        _hospital_months(own, months),
        _indicators(home, one, months[-1], desks.policy),
        _effects(home, drgs, one, months, desks.policy, raises),
        tuple(request.text for request in passed.allowed),
        passed.refused,
        costed,
        (
            (
                f"结算一侧：医保DRG（按病组付费的清单，按结算月），{months[0]} 至 {months[-1]}；"
                "难度一侧：全部出院的病案首页，按出院月"
            ),
            f"同级：统筹区内结算级别同为{level}的其他机构；均值带 95% 区间，少于 5 例的机构不单列，名称隐去",
            *([] if costed else ["材料只用费用"]),
            *([f"模拟：付费办法有 {assumed} 项取值没有文件确认，标准、结余与基金影响凭它们得出"] if assumed else []),
        ),
    )


def _check(drgs: Sequence[str], own: pa.Table, policy: Policy) -> None:
    held = set(pc.unique(own["drg"]).to_pylist())
    wrong = [drg for drg in drgs if drg not in policy.weights or drg not in held]
    if wrong or not drgs:
        raise TongpinError(
            "negotiate.group",
            f"{'、'.join(wrong) or '没有写病组'}：付费办法没有这个权重，或本院这些月份没有按它付费的病例",
            where=policy.id,
            hint=f"本院例数最多的病组：{'、'.join(_leading(own))}",
        )


def _leading(own: pa.Table) -> list[str]:
    counts = sorted(pc.value_counts(own["drg"]).to_pylist(), key=lambda row: -row["counts"])
    return [row["values"] for row in counts[:5]]


def _asks(group: GroupEvidence) -> bool:
    """Whether the evidence bears a request: the hospital and its peers both lie above the standard."""
    own, peer = group.even_weight, group.peer_even_weight
    return own is not None and group.weight is not None and own > group.weight and (peer is None or peer > group.weight)


def _request(group: GroupEvidence) -> str:
    assert group.weight is not None
    even = group.peer_even_weight if group.peer_even_weight is not None else group.even_weight
    assert even is not None
    basis = "同级" if group.peer_even_weight is not None else "本院"
    return (
        f"{group.drg} {group.name}：现行权重 {group.weight:.4f}，按现行费率，{basis}支出与标准持平的权重为 {even:.4f}"
        f"（{(even / group.weight - 1) * 100:+.1f}%，模拟）；请在下一轮测算中复核这一病组".replace("-", "−")
    )


def _hospital_months(own: pa.Table, months: Sequence[str]) -> tuple[Case, ...]:
    sums = own.group_by("month").aggregate([([], "count_all"), ("weight_e4", "sum"), ("result_fen", "sum")])
    rows = {row["month"]: row for row in sums.to_pylist()}
    return tuple(
        Case(
            month,
            rows[month]["count_all"],
            rows[month]["weight_e4_sum"] / rows[month]["count_all"] / SCALE,
            rows[month]["result_fen_sum"] or 0,
        )
        for month in months
        if month in rows
    )


def _indicators(home: Home, one: Hospital, month: str, policy: Policy) -> tuple[dict[str, Any], ...]:
    """The monitored indicators of the hospital that have a figure for the year of the last month."""
    if not one.set_name:
        return ()
    known = hospital_year(home, int(month[:4]), one.code, scheme=policy.scheme_id)
    now, before = known.compared()
    last = {row["sub"]: row["value"] for row in before.to_pylist()}
    names = ("sub", "name", "unit", "direction", "value", "months", "source", "assumed")
    return tuple(
        {name: row[name] for name in names} | {"last": last.get(row["sub"])}
        for row in now.to_pylist()
        if row["monitored"] and row["value"] is not None and known.indicators[row["no"]].kind != "vector"
    )


def _effects(
    home: Home, drgs: Sequence[str], one: Hospital, months: Sequence[str], policy: Policy, raises: Sequence[Decimal]
) -> tuple[Effect, ...]:
    if not raises:
        return ()
    year, number = int(months[-1][:4]), int(months[-1][5:])
    held = pinned(policy, date(year, number, 1))
    cases = grouped(home, cases_of_months(home, months[0], months[-1], policy), policy)
    cases = cases.filter(pc.is_in(months_of(cases, policy), value_set=pa.array(list(months), pa.string())))
    institutions = read_loaded(home, INSTITUTIONS)
    base = paid(cases, held, institutions)
    mine = pc.is_in(cases["institution_code"], value_set=pa.array(list(one.codes), pa.string())).to_numpy()
    in_group = {drg: pc.fill_null(pc.equal(cases["drg"], drg), False).to_numpy() for drg in drgs}
    found = []
    for raised in raises:
        weights = {
            drg: Weight(round_half_up(int(weight.weight_e4 * (1 + raised) * SCALE), SCALE), weight.basic_group)
            for drg, weight in policy.weights.items()
            if drg in drgs
        }
        after = paid(cases, replace(held, weights={**policy.weights, **weights}), institutions)
        change = after.payable - base.payable
        found.append(
            Effect(
                raised,
                int(sum(mask.sum() for mask in in_group.values())),
                int(change.sum()),
                int(change[mine].sum()),
                int(base.payable.sum()),
                {drg: int(change[mask].sum()) for drg, mask in in_group.items()},
            )
        )
    return tuple(found)
