"""Evidence 证据: what a group costs a hospital and its peers, how difficult its cases are, how it went by month.

Money is counted on settled lists paid by group (医保DRG, by settlement), difficulty on front pages (全部出院, by
discharge); figures of few cases stand with their interval.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tongpin.base.money import SCALE, round_half_up
from tongpin.measures.catalogue import load_measures
from tongpin.measures.intervals import intervals, moments
from tongpin.twin.causes.complications import with_complications

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tongpin.grouping.tables.model import SchemeTables

MEAN_FEE = "settlement.mean_fee"
ELDERLY, CHILD = 65, 14
"""Ages from which, and below which, a case is counted as old or a child's."""
FEN = 100
LEAST_SHOWN = 5
"""A peer, a month or a quarter with fewer cases is not shown by itself."""
FEW_A_MONTH = 15
"""With fewer cases a month a group is shown by quarter."""


class Money(NamedTuple):
    """A group's settled cases: means in fen with the interval of the mean fee, sums in fen; cost only if imported.

    `usual_cases` are those paid at the standard; `spent_per_standard` is what was spent on them (cost where imported,
    else fee) over their standards: outliers that are paid by item say nothing about the standard.
    """

    cases: int = 0
    mean_fee_fen: int | None = None
    low_fen: int | None = None
    high_fen: int | None = None
    mean_standard_fen: int | None = None
    result_fen: int = 0
    mean_cost_fen: int | None = None
    usual_cases: int = 0
    spent_per_standard: float | None = None


class Difficulty(NamedTuple):
    """A group's discharges: shares 0–1 and means; None where records do not say."""

    cases: int = 0
    mean_age: float | None = None
    elderly: float | None = None
    children: float | None = None
    complicated: float | None = None
    other_diagnoses: float | None = None
    intensive: float | None = None
    surgery: float | None = None
    death: float | None = None
    stay_days: float | None = None


class Period(NamedTuple):
    """A month or quarter of a group: cases, mean fee and standard of the hospital and of its peers, in fen."""

    period: str
    own: Money
    peers: Money


class Peer(NamedTuple):
    """A hospital of the level under a masked name, the own one under its own (S910-01)."""

    name: str
    is_own: bool
    money: Money
    complicated: float | None


@dataclass(frozen=True)
class GroupEvidence:
    """All that is brought for a group.

    `weight`: in force; `even_weight`: at which the standards of the hospital's cases paid by them would add up to what
    was spent on them (cost where imported, else fee) at the rate in force, `peer_even_weight` of its peers; 模拟.
    """

    drg: str
    name: str
    weight: float | None
    even_weight: float | None
    peer_even_weight: float | None
    own: Money
    peers: Money
    difficulty: Difficulty
    peer_difficulty: Difficulty
    periods: tuple[Period, ...]
    hospitals: tuple[Peer, ...]

    @property
    def period_word(self) -> str:
        """How the course is shown: 按月, or 按季 where months have few cases."""
        return "按季" if any("Q" in one.period for one in self.periods) else "按月"


def group_evidence(
    lists: pa.Table, pages: pa.Table, drg: str, codes: Sequence[str], level: str, scheme: SchemeTables, weight_e4: int
) -> GroupEvidence:
    """The evidence of a group for the hospital of these codes against the others of its level.

    `lists`: settled lists paid by group, `pages`: grouped front pages of the same months, both with `month` and
    `hospital_level`. Source: S000-38.
    """
    lists = lists.filter(pc.equal(lists["drg"], drg))
    pages = with_complications(pages.filter(pc.equal(pages["drg"], drg)), scheme)
    own_lists, peer_lists = _sides(lists, codes, level)
    own_pages, peer_pages = _sides(pages, codes, level)
    own, peers = money(own_lists), money(peer_lists)
    own_lists, peer_lists = (_in_periods(one, quarterly=_is_few(own_lists)) for one in (own_lists, peer_lists))
    periods = sorted(set(own_lists["period_name"].to_pylist()) | set(peer_lists["period_name"].to_pylist()))
    return GroupEvidence(
        drg,
        scheme.drg_names.get(drg, ""),
        weight_e4 / SCALE,
        _even(weight_e4, own),
        _even(weight_e4, peers),
        own,
        peers,
        difficulty(own_pages),
        difficulty(peer_pages),
        tuple(Period(one, money(_period(own_lists, one)), money(_period(peer_lists, one))) for one in periods),
        _hospitals(own_lists, peer_lists, own_pages, peer_pages),
    )


def _sides(cases: pa.Table, codes: Sequence[str], level: str) -> tuple[pa.Table, pa.Table]:
    """The cases of the hospital, and those of the other hospitals of its level."""
    own = pc.is_in(cases["institution_code"], value_set=pa.array(list(codes), pa.string()))
    alike = pc.fill_null(pc.equal(cases["hospital_level"], level), False)
    return cases.filter(own), cases.filter(pc.and_(pc.invert(own), alike))


def _is_few(own: pa.Table) -> bool:
    """Whether a month of the hospital has too few cases to say anything by itself."""
    return bool(own.num_rows < FEW_A_MONTH * len(set(own["month"].to_pylist())))


def _in_periods(cases: pa.Table, *, quarterly: bool) -> pa.Table:
    names = cases["month"].to_pylist()
    if quarterly:
        names = [f"{name[:4]}Q{(int(name[5:]) + 2) // 3}" for name in names]
    return cases.append_column("period_name", pa.array(names, pa.string()))


def _period(cases: pa.Table, name: str) -> pa.Table:
    return cases.filter(pc.equal(cases["period_name"], name))


def money(lists: pa.Table) -> Money:
    """The money of settled lists of a group."""
    size = lists.num_rows
    if not size:
        return Money()
    measure = load_measures()[MEAN_FEE]
    found = intervals(moments(lists, [measure], [])[MEAN_FEE], measure)
    cost = None
    if "cost_fen" in lists.column_names:
        known = lists["cost_fen"].drop_null()
        cost = _mean(pc.sum(known).as_py(), len(known)) if len(known) else None
    return Money(
        size,
        _mean(pc.sum(lists["total_fee_fen"]).as_py(), size),
        _fen(found["low"][0]),
        _fen(found["high"][0]),
        _mean(pc.sum(lists["standard_fen"]).as_py() or 0, size),
        pc.sum(lists["result_fen"]).as_py() or 0,
        cost,
        *_usual(lists),
    )


def _usual(lists: pa.Table) -> tuple[int, float | None]:
    """The cases paid at the standard, and what was spent on them over their standards."""
    usual = lists.filter(pc.fill_null(pc.equal(lists["pay_mode"], "standard"), False))
    spent = "total_fee_fen"
    if "cost_fen" in usual.column_names and usual["cost_fen"].null_count < usual.num_rows:
        spent = "cost_fen"
        usual = usual.filter(pc.is_valid(usual[spent]))
    standard = pc.sum(usual["standard_fen"]).as_py() or 0
    return usual.num_rows, (pc.sum(usual[spent]).as_py() or 0) / standard if standard > 0 else None


def _mean(total: int, size: int) -> int:
    return round_half_up(total, size)


def _fen(yuan: float) -> int | None:
    return None if not np.isfinite(yuan) else round(float(yuan) * FEN)


def _even(weight_e4: int, one: Money) -> float | None:
    """The weight at which the standards of the cases paid by them would add up to what was spent on them."""
    return None if one.spent_per_standard is None else weight_e4 / SCALE * one.spent_per_standard


def difficulty(pages: pa.Table) -> Difficulty:
    """How difficult the discharges of a group are; a column that is filled in nowhere gives None."""
    size = pages.num_rows
    if not size:
        return Difficulty()
    ages = _known(pages, "age")
    return Difficulty(
        size,
        None if ages is None else float(ages.mean()),
        None if ages is None else float((ages >= ELDERLY).mean()),
        None if ages is None else float((ages < CHILD).mean()),
        _rate(pages, "complicated"),
        _rate(pages, "other_count"),
        None if _known(pages, "icu_hours") is None else float((_filled(pages, "icu_hours") > 0).mean()),
        None if _known(pages, "surgery_level") is None else float((_filled(pages, "surgery_level") > 0).mean()),
        _share(pages, "discharge_way", "5"),
        _rate(pages, "los"),
    )


def _known(pages: pa.Table, name: str) -> Any:
    """The values of a column that are filled in; None where none is."""
    values = pages[name].drop_null()
    return values.to_numpy() if len(values) else None


def _filled(pages: pa.Table, name: str) -> Any:
    return pc.fill_null(pages[name].cast(pa.int64()), 0).to_numpy()


def _rate(pages: pa.Table, name: str) -> float | None:
    values = _known(pages, name)
    return None if values is None else float(values.mean())


def _share(pages: pa.Table, name: str, word: str) -> float | None:
    values = pages[name].cast(pa.string())
    if values.null_count == len(values):
        return None
    return float(pc.sum(pc.equal(values, word)).as_py() or 0) / len(values)


def _hospitals(own: pa.Table, peers: pa.Table, own_pages: pa.Table, peer_pages: pa.Table) -> tuple[Peer, ...]:
    """The hospitals of the level with enough cases under masked names, dearest first; the own one always."""
    found: list[tuple[str, bool, Money, float | None]] = []
    if own.num_rows:
        found.append(("本院", True, money(own), _rate(own_pages, "complicated") if own_pages.num_rows else None))
    for code in sorted(set(peers["institution_code"].to_pylist())):
        of = peers.filter(pc.equal(peers["institution_code"], code))
        if of.num_rows >= LEAST_SHOWN:
            told = peer_pages.filter(pc.equal(peer_pages["institution_code"], code))
            found.append((code, False, money(of), _rate(told, "complicated") if told.num_rows else None))
    found.sort(key=lambda one: (-(one[2].mean_fee_fen or 0), one[0]))
    named, number = [], 0
    for _, is_own, of_money, complicated in found:
        number += not is_own
        named.append(Peer("本院" if is_own else f"同级{number}", is_own, of_money, complicated))
    return tuple(named)
