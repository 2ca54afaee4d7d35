"""Opening balances 期初余额: read from a file, balanced fund by fund, posted once before the first month (S901-08)."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, NamedTuple

import pyarrow as pa

from tongpin.base.errors import PolicyError
from tongpin.base.money import parse_yuan, yuan
from tongpin.payment.ledger.accounts import ANY_BOOK, accounts, fund_of
from tongpin.payment.ledger.closing import OPENING_EVENT
from tongpin.payment.ledger.vouchers import PAYABLE_ACCOUNT, POSTING_SCHEMA

if TYPE_CHECKING:
    from pathlib import Path

COLUMNS = ("account", "fund", "institution_code", "debit", "credit", "document")
BALANCED_KINDS = ("asset", "liability", "equity")


class Balance(NamedTuple):
    """An opening balance of an account and fund: one side in fen, the other zero; the institution may be empty."""

    account: str
    fund: str
    institution_code: str
    debit_fen: int
    credit_fen: int
    document: str


def read_opening(path: Path) -> list[Balance]:
    """The opening balances of a CSV file in yuan: `account,fund,institution_code,debit,credit,document`.

    PolicyError `ledger.opening` names the line of what cannot be: unknown accounts or funds, incomes and expenses,
    both sides or none, an account of another book, a fund whose debit and credit differ.
    """
    try:
        rows = list(csv.DictReader(path.read_text(encoding="utf-8-sig").splitlines()))
    except (OSError, UnicodeDecodeError):
        raise _refusal(path, 0, "期初余额表读不出：文件不存在或不是 UTF-8 编码") from None
    if not rows or set(rows[0]) != set(COLUMNS):
        raise _refusal(path, 1, "期初余额表的表头不对，或没有一行")
    found = [_balance(path, line, row) for line, row in enumerate(rows, start=2)]
    for fund in sorted({one.fund for one in found}):
        debit, credit = (sum(getattr(one, name) for one in found if one.fund == fund) for name in _SIDES)
        if debit != credit:
            raise _refusal(
                path, 0, f"{fund_of(fund).label}（{fund}）期初借方 {yuan(debit)} 元与贷方 {yuan(credit)} 元不等"
            )
    return found


_SIDES = ("debit_fen", "credit_fen")


def _balance(path: Path, line: int, row: dict[str, str]) -> Balance:
    account = accounts().get((row["account"] or "").strip())
    if account is None:
        raise _refusal(path, line, f"没有科目 {row['account']}")
    if account.kind not in BALANCED_KINDS or account.code == PAYABLE_ACCOUNT:
        raise _refusal(path, line, f"科目 {account.code} {account.label} 没有期初余额")
    fund = fund_of((row["fund"] or "").strip())
    if account.book not in {ANY_BOOK, fund.book}:
        raise _refusal(path, line, f"科目 {account.code} 不在基金 {fund.code} 的账套里")
    try:
        debit, credit = (parse_yuan(row[name]) if (row[name] or "").strip() else 0 for name in ("debit", "credit"))
    except (ArithmeticError, ValueError):
        raise _refusal(path, line, f"金额“{row['debit']}”“{row['credit']}”不对") from None
    if min(debit, credit) < 0 or (debit > 0) == (credit > 0):
        raise _refusal(path, line, "借方、贷方须填一边，且大于零")
    texts = [(row[name] or "").strip() for name in ("institution_code", "document")]
    return Balance(account.code, fund.code, texts[0], debit, credit, texts[1])


def _refusal(path: Path, line: int, what: str) -> PolicyError:
    hint = f"表头为 {','.join(COLUMNS)}；金额以元为单位，每项基金借贷相等，差额记入 3001 基金结余"
    return PolicyError("ledger.opening", what, where=f"{path} 第 {line} 行" if line else str(path), hint=hint)


def opening_postings(balances: list[Balance], area: str, month: str, run: int) -> pa.Table:
    """The postings (`POSTING_SCHEMA`) of opening balances: one voucher for each fund."""
    rows = [
        {
            "run": run,
            "area": area,
            "voucher": f"{month}/期初/{one.fund}",
            "month": month,
            "institution_code": one.institution_code,
            "fund": one.fund,
            "book": fund_of(one.fund).book,
            "event": OPENING_EVENT,
            "account": one.account,
            "document": one.document or None,
            "debit_fen": one.debit_fen,
            "credit_fen": one.credit_fen,
        }
        for one in balances
    ]
    return pa.Table.from_pylist(rows, schema=POSTING_SCHEMA)
