"""A year of the funds 基金年度: budget, prepaid, cleared, retained by hospitals, shared by the fund (S003-02)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from tongpin.base.errors import StoreError
from tongpin.base.money import check_balance
from tongpin.payment.fund.figures import share
from tongpin.payment.fund.series import SERIES, read_series, short_code, year_months
from tongpin.payment.month.closed import area_of
from tongpin.payment.prepay.account import PAID, read_account
from tongpin.payment.year.run import cleared
from tongpin.records.intake.load import read_loaded

if TYPE_CHECKING:
    from collections.abc import Sequence
    from decimal import Decimal

    from tongpin.payment.fund.series import Fund
    from tongpin.store.home import Home


class YearFund(NamedTuple):
    """A fund over a year, in fen; None where nothing is loaded, prepaid or cleared yet.

    Series: `budget_fen`, `spending_fen`, `rate`. Account: `prepaid_fen`. Clearing of hospitals: `due_fen` = what is due
    to them, of it `transferred_fen` (`offset_fen` by offsetting prepayments) and `balance_fen` still to come (+) or to
    return (−). Surplus = `retained_fen` (hospitals) + `returned_fen` (fund); overspend = `shared_fen` (fund) +
    `borne_fen` (hospitals), each against what the hospitals would have been paid by item.
    """

    fund: str
    fund_label: str
    budget_fen: int | None
    spending_fen: int | None
    rate: Decimal | None
    prepaid_fen: int
    due_fen: int | None
    transferred_fen: int | None
    offset_fen: int | None
    balance_fen: int | None
    surplus_fen: int | None
    retained_fen: int | None
    returned_fen: int | None
    surplus_hospitals: int | None
    overspend_fen: int | None
    shared_fen: int | None
    borne_fen: int | None
    overspend_hospitals: int | None
    assessed_fen: int | None


@dataclass(frozen=True)
class YearReport:
    """A year of the funds of a home; `manifest` is that of the clearing, None before it."""

    year: int
    funds: list[YearFund]
    manifest: dict[str, Any] | None
    notes: tuple[str, ...]


def year_in_home(home: Home, year: int, area: str | None = None) -> YearReport:
    """The year of the funds of a home: what is known of it, before or after the clearing (S003-02)."""
    area = area_of(home, area)
    notes = []
    places: list[dict[str, Any]] | None = None
    manifest = None
    try:
        run = cleared(home, year, area)
        places, manifest = run.clearing.places.to_pylist(), run.manifest
    except StoreError as error:
        if error.code != "clear.open":
            raise
        notes.append(f"{year} 年度还没有清算，清算、结余留用与超支分担没有列出")
    series = read_loaded(home, SERIES)
    funds = {short_code(one.fund): one for one in read_series(series)} if series.num_rows else {}
    entries = read_account(home, area) if area else []
    prepaid: dict[str, int] = {}
    for entry in entries:
        if entry.month[:4] == str(year) and entry.kind == PAID:
            prepaid[entry.fund] = prepaid.get(entry.fund, 0) + entry.amount_fen
    labels = {place["fund"]: place["fund_label"] for place in places or ()}
    held = {code for code, fund in funds.items() if any(month in fund.months for month in year_months(year))}
    codes = sorted({*labels, *prepaid, *held})
    notes += [
        f"{fund.label}没有 {year} 年全部十二个月的收支，预算与支出没有列出"
        for fund in funds.values()
        if not fund.has(year_months(year))
    ]
    rows = [
        _row(code, labels.get(code), funds.get(code), year, prepaid.get(code, 0), _of(places, code)) for code in codes
    ]
    return YearReport(year, rows, manifest, tuple(notes))


def _of(places: list[dict[str, Any]] | None, code: str) -> list[dict[str, Any]] | None:
    return None if places is None else [place for place in places if place["fund"] == code]


def _row(
    code: str,
    label: str | None,
    fund: Fund | None,
    year: int,
    prepaid: int,
    places: Sequence[dict[str, Any]] | None,
) -> YearFund:
    months = year_months(year)
    budget = fund.total("budget_spending_fen", months) if fund else None
    spending = fund.total("spending_fen", months) if fund else None
    rate = None if budget is None or spending is None else share(spending, budget)
    head = (code, label or (fund.label if fund else code), budget, spending, rate, prepaid)
    if places is None:
        return YearFund(*head, *([None] * (len(YearFund._fields) - len(head))))
    surplus = retained = returned = overspend = shared = borne = richer = poorer = 0
    for place in places:
        due = place["due_fen"] - place["banded_fen"] - place["assessed_fen"]
        item, paid = place["item_pool_fen"], due + place["banded_fen"]
        if item <= due:
            surplus, retained, returned = surplus + due - item, retained + paid - item, returned - place["banded_fen"]
            richer += item < due
        else:
            overspend, shared, borne = overspend + item - due, shared + place["banded_fen"], borne + item - paid
            poorer += 1
    check_balance("fund.year", "结余与留用、归还之和", surplus, retained + returned)
    check_balance("fund.year", "超支与基金分担、医院承担之和", overspend, shared + borne)

    def total(name: str) -> int:
        return sum(place[name] for place in places)

    return YearFund(
        *head,
        total("due_fen"),
        total("transferred_fen"),
        total("advance_fen"),
        total("balance_fen"),
        surplus,
        retained,
        returned,
        richer,
        overspend,
        shared,
        borne,
        poorer,
        total("assessed_fen"),
    )
