"""Accounts 科目: accounts, books, funds and posting rules, read from the tables beside this module (S003-18)."""

from __future__ import annotations

import csv
from functools import cache
from importlib.resources import files
from typing import NamedTuple

from tongpin.base.errors import PolicyError

KINDS: dict[str, str] = {"asset": "资产", "liability": "负债", "equity": "结余", "income": "收入", "expense": "支出"}
ANY_BOOK = "*"
"""The account stands in every book; a posting to it belongs to the book of its fund."""
EXPENSE = "@expense"
"""In a posting rule: the expense account of the row's fund."""
PERSONAL_ACCOUNT, UNDIVIDED = "310200", "999997"
"""The fund of personal accounts, and what stands for further funds that a case does not tell apart."""


class Account(NamedTuple):
    """An account: its book (`ANY_BOOK` for all) and kind (`KINDS`)."""

    code: str
    label: str
    book: str
    kind: str


class Fund(NamedTuple):
    """A fund by its national code, whatever shorter code a statement uses, with book and expense account."""

    code: str
    label: str
    book: str
    expense: str


class Rule(NamedTuple):
    """What is posted of a row of a source: the amount column from the credit to the debit account.

    An amount below zero exchanges the two sides; `purpose` chooses among rows of bank lines.
    """

    event: str
    label: str
    source: str
    purpose: str
    debit: str
    credit: str
    amount: str


def _rows(name: str) -> list[dict[str, str]]:
    text = (files("tongpin.payment.ledger") / name).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


@cache
def books() -> dict[str, str]:
    """Label of each book by its code: the four of S003-18, and one for what belongs to none of them."""
    return {row["code"]: row["label"] for row in _rows("books.csv")}


@cache
def accounts() -> dict[str, Account]:
    """Every account by its code."""
    return {row["code"]: Account(**row) for row in _rows("accounts.csv")}


@cache
def funds() -> dict[str, Fund]:
    """Every fund by each of its codes; PolicyError `ledger.fund` is what `fund_of` raises for others."""
    found: dict[str, Fund] = {}
    for row in _rows("funds.csv"):
        book = accounts()[row["expense"]].book
        found[row["fund"]] = Fund(row["same_as"] or row["fund"], row["label"], book, row["expense"])
    return found


@cache
def assumed_accounts() -> frozenset[str]:
    """The expense accounts to which funds go that no document assigns; their amounts are 模拟."""
    return frozenset(row["expense"] for row in _rows("funds.csv") if row["assumed"])


def fund_of(code: str | None) -> Fund:
    """The fund of a code; PolicyError `ledger.fund` when the ledger has no account for it."""
    if code not in funds():
        raise PolicyError(
            "ledger.fund",
            f"账簿没有基金 {code or '（空）'} 的科目",
            where="fund",
            hint=f"可用的基金：{'、'.join(sorted(funds()))}",
        )
    return funds()[code]


@cache
def rules(source: str) -> tuple[Rule, ...]:
    """The posting rules of a source, in the order of the table; `sources()` names them all."""
    return tuple(rule for row in _rows("posting_rules.csv") if (rule := Rule(**row)).source == source)


@cache
def sources() -> tuple[str, ...]:
    """Every source that posting rules name."""
    return tuple(dict.fromkeys(row["source"] for row in _rows("posting_rules.csv")))


@cache
def streams() -> dict[str, tuple[str, str]]:
    """Label and requirement of the four streams of returned money, by kind of decision."""
    return {row["kind"]: (row["label"], row["reference"]) for row in _rows("streams.csv")}
