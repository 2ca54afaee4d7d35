"""The prepayment of a year settled 年终结算: due, paid, now, reserve still payable or returned (S001-40, S001-41).

The clearing counts offsets as transferred; only what of the account is due back and still outstanding is taken here.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, NamedTuple

from tongpin.base.money import check_balance
from tongpin.payment.prepay.account import LAST_MONTH, RECOVERED, SCHEMES, Entry, standings
from tongpin.payment.prepay.yearly import settle_prepayment

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tongpin.payment.policy.policy import Policy
    from tongpin.payment.prepay.account import Standing, Taken
    from tongpin.payment.prepay.plan import Plan


class Cleared(NamedTuple):
    """What a clearing found for a hospital and fund, in fen: balance = due − transferred, above zero still payable.

    `due_fen`: the cleared amount less penalties; `offset_fen`: what of the transferred months took for prepayments.
    """

    institution_code: str
    institution_name: str
    fund: str
    fund_label: str
    due_fen: int
    transferred_fen: int
    offset_fen: int

    @property
    def balance_fen(self) -> int:
        """Above zero the fund still pays, below zero the hospital returns."""
        return self.due_fen - self.transferred_fen


class YearEnd(NamedTuple):
    """A hospital and fund settled, in fen: due = paid + now + reserve payable; now below zero is returned.

    `ahead_fen`: paid ahead, due back and outstanding before this; `recovered_fen`: of it taken from the clearing's
    balance now (below zero: given back, the clearing was reopened); `left_fen`: a receivable on the account afterwards.
    """

    institution_code: str
    institution_name: str
    fund: str
    fund_label: str
    schemes: str
    due_fen: int
    transferred_fen: int
    offset_fen: int
    ahead_fen: int
    paid_fen: int
    now_fen: int
    reserve_payable_fen: int
    recovered_fen: int
    left_fen: int


class Settlement(NamedTuple):
    """The prepayments of a year settled: a row per hospital and fund, and the entries that the account takes."""

    rows: tuple[YearEnd, ...]
    entries: tuple[Entry, ...]


def settle_year(
    year: int,
    run: str,
    day: date,
    area: str,
    cleared: Mapping[tuple[str, str], Cleared],
    entries: Sequence[Entry],
    taken: Mapping[tuple[str, str, str], Taken],
    plan: Plan | None,
    rules: Policy | None,
) -> Settlement:
    """Settle the prepayments of a cleared year, hospital by hospital and fund by fund.

    `run`: the clearing, named as document; `taken`: what closed months took; `plan`, `rules`: of the year, for its
    reserve. A second call after its entries are booked asks for none. BalanceError when an account would not close.
    """
    last = f"{year}-12"
    own = [one for one in entries if one.month <= last]
    now = standings(entries, taken, LAST_MONTH, due=last, at_settlement=True)
    reserves = {(row.institution_code, row.fund): row for row in plan.rows} if plan else {}
    planned = {place for place in reserves if place in cleared}
    places = sorted({(one.institution_code, one.fund) for one in own} | planned)
    rows: list[YearEnd] = []
    made: list[Entry] = []
    for place in places:
        found = cleared.get(place) or Cleared(place[0], place[0], place[1], place[1], 0, 0, 0)
        held = [one for one in now if (one.institution_code, one.fund) == place]
        booked = _booked(entries, place, year)
        outstanding = sum(one.due_fen for one in held) + sum(booked.values())
        row = reserves.get(place)
        reserve = row.reserve_fen if row else 0
        paid = found.transferred_fen + outstanding
        if reserve and rules is not None and rules.value("prepay.reserve_held", date(year, 12, 31)) == "unpaid":
            reserve = min(reserve, max(found.due_fen - paid, 0))
        step = settle_prepayment(found.due_fen, paid, reserve)
        wanted = min(outstanding, max(found.balance_fen, 0))
        fresh = _entries(held, booked, wanted, place, (year, run, day, area, len(entries)))
        made += fresh
        recovered = sum(one.amount_fen for one in fresh)
        left = sum(one.balance_fen for one in held) - recovered
        check_balance(
            "prepay.settle",
            f"机构 {place[0]} 基金 {place[1]} 已抵回",
            wanted,
            recovered + sum(booked.values()),
        )
        rows.append(
            YearEnd(
                place[0],
                row.institution_name if row else found.institution_name,
                place[1],
                row.fund_label if row else found.fund_label,
                "、".join(SCHEMES[one.scheme] for one in held),
                step.due_fen,
                found.transferred_fen,
                found.offset_fen,
                outstanding,
                step.paid_fen,
                step.now_fen,
                step.reserve_payable_fen,
                wanted,
                left,
            )
        )
    return Settlement(tuple(rows), tuple(made))


def _prefix(year: int) -> str:
    return f"settle/{year}/"


def _booked(entries: Sequence[Entry], place: tuple[str, str], year: int) -> dict[str, int]:
    """What earlier settlements of the year booked as recovered, by scheme."""
    found: dict[str, int] = {}
    for one in entries:
        if one.entry_id.startswith(_prefix(year)) and (one.institution_code, one.fund) == place:
            found[one.scheme] = found.get(one.scheme, 0) + one.amount_fen
    return found


def _entries(
    held: Sequence[Standing],
    booked: Mapping[str, int],
    wanted: int,
    place: tuple[str, str],
    naming: tuple[int, str, date, str, int],
) -> list[Entry]:
    """The recovered amounts by scheme, the first ones first, as differences from what is booked."""
    year, run, day, area, number = naming
    found: list[Entry] = []
    left = wanted
    for one in held:
        share = min(left, one.due_fen + booked.get(one.scheme, 0))
        left -= share
        change = share - booked.get(one.scheme, 0)
        if change:
            found.append(
                Entry(
                    area,
                    f"{_prefix(year)}{run}/{place[0]}/{place[1]}/{one.scheme}/{number}",
                    *place,
                    one.scheme,
                    RECOVERED,
                    change,
                    day,
                    f"{day:%Y-%m}",
                    f"年度清算 {run}",
                )
            )
    return found
