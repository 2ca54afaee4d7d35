"""Vouchers 凭证: rows of a source become balanced postings; what is posted is never changed, only reversed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tongpin.base.errors import PolicyError
from tongpin.base.money import check_balance
from tongpin.payment.ledger.accounts import ANY_BOOK, EXPENSE, accounts, fund_of, rules

POSTING_SCHEMA = pa.schema(
    [
        ("run", pa.int64()),
        *(
            (name, pa.string())
            for name in ("area", "voucher", "month", "institution_code", "fund", "book", "event", "account", "document")
        ),
        ("debit_fen", pa.int64()),
        ("credit_fen", pa.int64()),
    ]
)
"""One side of an entry. `run` is the posting run, `area` whose books, `month` the period (`YYYY-13`: the clearing of a
year), `voucher` = month/institution/fund/source, `fund` the national code, `document` what is posted once (a bank line,
a decision, an entry of the prepayment account, a region) or null; of `debit_fen` and `credit_fen` one is above zero."""

PAYABLE_ACCOUNT = "2001"


def vouchers(source: str, rows: pa.Table, run: int, area: str) -> pa.Table:
    """The postings (`POSTING_SCHEMA`) of rows of a source by its rules (S003-18, S901-08).

    `rows`: `month`, `institution_code`, `fund`, the amount columns of the rules in fen, `purpose` and `document` where
    the source has them. PolicyError `ledger.fund`, `ledger.purpose` (a bank line that no rule knows); BalanceError.
    """
    known = rules(source)
    purposes = {rule.purpose for rule in known} - {""}
    if purposes:
        strange = pc.unique(rows["purpose"].filter(pc.invert(pc.is_in(rows["purpose"], pa.array(sorted(purposes))))))
        if len(strange):
            raise PolicyError(
                "ledger.purpose",
                f"到账的用途“{strange[0].as_py() or ''}”没有记账规则",
                where="bank-line.purpose",
                hint=f"可写：{'、'.join(sorted(purposes))}",
            )
    parts: list[pa.Table] = []
    for rule in known:
        chosen = rows.filter(pc.equal(rows["purpose"], rule.purpose)) if rule.purpose else rows
        moved = chosen.filter(pc.not_equal(chosen[rule.amount], 0))
        if moved.num_rows:
            parts += _sides(source, rule.event, moved, moved[rule.amount], (rule.debit, rule.credit), (run, area))
    made = pa.concat_tables([POSTING_SCHEMA.empty_table(), *parts]).combine_chunks()
    check_postings(made)
    return made


def _sides(
    source: str, event: str, rows: pa.Table, amounts: Any, names: tuple[str, str], owner: tuple[int, str]
) -> tuple[pa.Table, ...]:
    """Debit and credit side of an entry per row; `owner` is its run and area."""
    codes = pc.unique(rows["fund"])
    place = pc.index_in(rows["fund"], value_set=codes)
    found = [fund_of(code) for code in codes.to_pylist()]
    by_fund = {name: pa.array([getattr(one, name) for one in found]).take(place) for name in ("code", "book")}
    amount = np.asarray(amounts)
    size = rows.num_rows
    labels = [rows["month"], rows["institution_code"], by_fund["code"], pa.scalar(source)]
    shared = {
        "run": pa.array(np.full(size, owner[0])),
        "area": pa.array([owner[1]] * size, pa.string()),
        "voucher": pc.binary_join_element_wise(*labels, "/"),
        "month": rows["month"],
        "institution_code": rows["institution_code"],
        "fund": by_fund["code"],
        "book": by_fund["book"],
        "event": pa.array([event] * size, pa.string()),
        "document": rows["document"] if "document" in rows.column_names else pa.nulls(size, pa.string()),
    }
    made = []
    for name, signed in zip(names, (amount, -amount), strict=True):
        account = pa.array([one.expense if name == EXPENSE else name for one in found]).take(place)
        columns = shared | {
            "account": account,
            "debit_fen": pa.array(np.maximum(signed, 0)),
            "credit_fen": pa.array(np.maximum(-signed, 0)),
        }
        made.append(pa.table([columns[field.name] for field in POSTING_SCHEMA], schema=POSTING_SCHEMA))
    return tuple(made)


def reversed_postings(postings: pa.Table, run: int) -> pa.Table:
    """The postings with debit and credit exchanged, as postings of another run: together they are nothing."""
    changed = {
        "run": pa.array(np.full(postings.num_rows, run)),
        "debit_fen": postings["credit_fen"],
        "credit_fen": postings["debit_fen"],
    }
    columns = [changed.get(name, postings[name]) for name in POSTING_SCHEMA.names]
    return pa.table(columns, schema=POSTING_SCHEMA)


def check_postings(postings: pa.Table) -> None:
    """The balance assertions: debit equals credit per voucher, month, book and as a whole (BalanceError).

    An account of one book takes no posting of another, and no statement's voucher leaves the payable open.
    """
    for name, label in (("voucher", "凭证"), ("month", "月份"), ("book", "账套")):
        sums = postings.group_by(["run", "area", name]).aggregate([("debit_fen", "sum"), ("credit_fen", "sum")])
        odd = sums.filter(pc.not_equal(sums["debit_fen_sum"], sums["credit_fen_sum"])).to_pylist()
        for row in odd[:1]:
            check_balance("ledger.balance", f"{label} {row[name]} 借贷", row["debit_fen_sum"], row["credit_fen_sum"])
    of_account = pc.index_in(postings["account"], value_set=pa.array(list(accounts())))
    own = pa.array([one.book for one in accounts().values()]).take(of_account)
    alien = postings.filter(pc.and_(pc.not_equal(own, ANY_BOOK), pc.not_equal(own, postings["book"])))
    for row in alien.slice(0, 1).to_pylist():
        what = f"凭证 {row['voucher']} 把账套 {row['book']} 记入科目 {row['account']}，"
        check_balance("ledger.book", what, row["debit_fen"] - row["credit_fen"], 0)
    payable = postings.filter(pc.equal(postings["account"], PAYABLE_ACCOUNT))
    left = payable.group_by(["run", "voucher"]).aggregate([("debit_fen", "sum"), ("credit_fen", "sum")])
    for row in left.filter(pc.not_equal(left["debit_fen_sum"], left["credit_fen_sum"])).slice(0, 1).to_pylist():
        what = f"凭证 {row['voucher']} 应付机构与扣减、拨付"
        check_balance("ledger.payable", what, row["credit_fen_sum"], row["debit_fen_sum"])


def check_fund_book(postings: pa.Table, lines: pa.Table, payers: pa.Table) -> None:
    """支付明细 = 基金科目余额 (S901-08): what the lines of a month say, fund by fund, stands on the expense accounts.

    `lines`: posted lines of the month (`LINE_SCHEMA`); `payers`: further funds and personal accounts of these lines
    (`month, institution_code, fund, amount_fen`). BalanceError `ledger.fund_book`.
    """
    said: dict[tuple[str, str], int] = {}
    sums = lines.group_by("fund").aggregate([("pool_payable_fen", "sum")]).to_pylist()
    for row in sums:
        key = ("payable", fund_of(row["fund"]).code)
        said[key] = said.get(key, 0) + row["pool_payable_fen_sum"]
    for row in payers.group_by("fund").aggregate([("amount_fen", "sum")]).to_pylist():
        said["payer", fund_of(row["fund"]).code] = row["amount_fen_sum"]
    expense = {one.code for one in accounts().values() if one.kind == "expense"}
    chosen = postings.filter(
        pc.and_(
            pc.is_in(postings["account"], pa.array(sorted(expense))),
            pc.is_in(postings["event"], pa.array(["payable", "payer"])),
        )
    )
    booked: dict[tuple[str, str], int] = {}
    for row in chosen.group_by(["event", "fund"]).aggregate([("debit_fen", "sum"), ("credit_fen", "sum")]).to_pylist():
        booked[row["event"], row["fund"]] = row["debit_fen_sum"] - row["credit_fen_sum"]
    for key in sorted({*said, *booked}):
        label = fund_of(key[1]).label
        check_balance(
            "ledger.fund_book", f"{label}（{key[1]}）支付明细与基金科目", said.get(key, 0), booked.get(key, 0)
        )
    further = sum(amount for (event, _), amount in said.items() if event == "payer")
    stated = sum(pc.sum(lines[name]).as_py() or 0 for name in ("other_funds_fen", "account_pay_fen"))
    check_balance("ledger.fund_book", "其他基金与个人账户的支付明细与分户", stated, further)
