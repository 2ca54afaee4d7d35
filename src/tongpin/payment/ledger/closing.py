"""Closing 平衡断言: what holds of the books of an area after every run, against the records they were posted from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from tongpin.base.money import check_balance, yuan
from tongpin.payment.ledger.accounts import accounts, fund_of
from tongpin.payment.ledger.vouchers import check_postings
from tongpin.payment.prepay.account import INSTANT, PAID, taken_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tongpin.payment.prepay.account import Entry

PREPAID, ADVANCED, DEPOSITS, ALLIANCE = "1101", "1102", "2003", "2008"
OPENING_EVENT = "opening"
LABELS: dict[str, str] = {
    PREPAID: "预付金应收与预付金账户余额",
    ADVANCED: "即时结算预拨应收与预付金账户余额",
    DEPOSITS: "质量保证金与扣留减返还",
    ALLIANCE: "医共体内部往来归零",
}


class Assertion(NamedTuple):
    """An assertion that held: account, fund, and the amount that both sides say, in fen (debit above zero)."""

    account: str
    label: str
    fund: str
    fund_label: str
    ledger_fen: int
    record_fen: int


class Records(NamedTuple):
    """What the posted runs of an area were made from: statements, cleared places, entries of the prepayment account."""

    statements: pa.Table
    places: pa.Table
    entries: Sequence[Entry]


def check_closing(postings: pa.Table, records: Records) -> list[Assertion]:
    """The assertions that close a run; BalanceError `ledger.balance`, `ledger.closing` when one fails (S901-08).

    `postings`: all of one area in force (`POSTING_SCHEMA`). The trial balance is zero in every book; for every fund the
    receivables of prepayment and advance are what the prepayment account and the closed months say, the deposits are
    those withheld less those released by clearings; what goes round inside alliances is nothing.
    """
    check_postings(postings)
    said = _said(records)
    held = _held(postings)
    opening = _held(postings.filter(pc.equal(postings["event"], OPENING_EVENT)))
    found = []
    for account, label in LABELS.items():
        for fund in sorted({fund for one, fund in {*said, *held} if one == account}):
            key = (account, fund)
            booked, record = held.get(key, 0), said.get(key, 0) + opening.get(key, 0)
            check_balance("ledger.closing", f"{fund_of(fund).label}（{fund}）{label}", booked, record)
            found.append(Assertion(account, label, fund, fund_of(fund).label, booked, record))
    return found


def unpaid_notes(assertions: Sequence[Assertion]) -> list[str]:
    """What a clerk should know: money taken back that nobody booked as paid ahead."""
    return [
        f"{one.fund_label}{accounts()[one.account].label}为负 {yuan(one.ledger_fen)} 元：冲抵多于登记的拨付；"
        "用 tongpin prepay 补记拨付，或把以前的余额写进期初"
        for one in assertions
        if one.account in {PREPAID, ADVANCED} and one.ledger_fen < 0
    ]


def _held(postings: pa.Table) -> dict[tuple[str, str], int]:
    """Debit less credit by account and fund."""
    sums = postings.group_by(["account", "fund"]).aggregate([("debit_fen", "sum"), ("credit_fen", "sum")])
    return {(row["account"], row["fund"]): row["debit_fen_sum"] - row["credit_fen_sum"] for row in sums.to_pylist()}


def _said(records: Records) -> dict[tuple[str, str], int]:
    """What the records say of the accounts, without opening balances, by account and national code of the fund."""
    said: dict[tuple[str, str], int] = {}

    def count(account: str, fund: str, amount: int) -> None:
        key = (account, fund_of(fund).code)
        said[key] = said.get(key, 0) + amount

    rows: list[dict[str, Any]] = records.statements.to_pylist()
    for row in rows:
        count(DEPOSITS, row["fund"], -row["deposit_fen"])
    for (_, fund, _), taken in taken_of(rows).items():
        count(PREPAID, fund, -taken.prepay_fen)
        count(ADVANCED, fund, -taken.instant_fen)
    for row in records.places.select(["fund", "deposit_fen"]).to_pylist():
        count(DEPOSITS, row["fund"], row["deposit_fen"])
    for one in records.entries:
        account = ADVANCED if one.scheme == INSTANT else PREPAID
        count(account, one.fund, one.amount_fen if one.kind == PAID else -one.amount_fen)
    return said
