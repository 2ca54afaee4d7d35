"""`tongpin ledger`: months posted and reversed, the books of a year, five records compared."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tongpin.cli.output import screen

if TYPE_CHECKING:
    from pathlib import Path

    import pyarrow as pa

    from tongpin.store.home import Home

EXAMPLES = 10
"""How many differences a screen shows; JSON has them all."""


def _notices(home: Home) -> str:
    """What every title says besides: that months rest on assumed values, that the city is made."""
    from tongpin.payment.month.closed import every_run
    from tongpin.payment.month.statement_columns import synthetic_notice

    simulated = any(manifest["assumed"] for manifest in every_run(home).values())
    return "".join(f"；{line}" for line in [*["模拟"] * simulated, *synthetic_notice(home)])


def post(home_path: Path | None, month: str, region: str | None) -> None:
    """Post a closed month and show what moved, by entry."""
    from tongpin.payment.ledger.run import post_in_home
    from tongpin.store.home import Home

    home = Home.open(home_path)
    posted = post_in_home(home, month, region)
    _answer(month, posted.postings, was_posted=posted.was_posted, notes=posted.notes)
    state = "已记过账，只补记新的到账" if posted.was_posted else "已记账"
    _show_postings(f"{month} 凭证，元（{state}{_notices(home)}）", posted.postings)
    for note in posted.notes:
        screen.say(f"· {note}")


def reverse(home_path: Path | None, month: str, reason: str) -> None:
    """Reverse a month."""
    from tongpin.payment.ledger.run import reverse_in_home
    from tongpin.store.home import Home

    home = Home.open(home_path)
    postings = reverse_in_home(home, month, reason)
    _answer(month, postings, was_posted=True, notes=(reason,))
    _show_postings(f"{month} 已冲销：{reason}{_notices(home)}", postings)


def _answer(month: str, postings: pa.Table, *, was_posted: bool, notes: tuple[str, ...]) -> None:
    screen.give(
        {
            "ok": True,
            "month": month,
            "was_posted": was_posted,
            "postings": postings.to_pylist(),
            "notes": list(notes),
        }
    )


def _show_postings(title: str, postings: pa.Table) -> None:
    """The postings by book and account."""
    from tongpin.base.money import yuan
    from tongpin.payment.ledger.accounts import accounts, books

    sums = postings.group_by(["book", "account"]).aggregate([("debit_fen", "sum"), ("credit_fen", "sum")])
    rows = sums.sort_by([("book", "ascending"), ("account", "ascending")]).to_pylist()
    screen.table(
        title,
        ["账套", "科目", "借方", "贷方"],
        [
            [
                books()[row["book"]],
                f"{row['account']} {accounts()[row['account']].label}",
                yuan(row["debit_fen_sum"]),
                yuan(row["credit_fen_sum"]),
            ]
            for row in rows
        ],
    )


def book(home_path: Path | None, year: int) -> None:
    """The books of a year and the four streams."""
    from tongpin.base.money import wan, yuan
    from tongpin.payment.ledger.accounts import KINDS, accounts, assumed_accounts
    from tongpin.payment.ledger.run import book_in_home
    from tongpin.store.home import Home

    home = Home.open(home_path)
    found = book_in_home(home, year)
    screen.give(
        {
            "ok": True,
            "year": year,
            "months": list(found.months),
            "missing_months": list(found.missing_months),
            "balances": found.balances.to_pylist(),
            "streams": found.streams.to_pylist(),
        }
    )
    screen.table(
        f"{year} 年账簿，元（{len(found.months)} 个月{_notices(home)}）",
        ["账套", "科目", "性质", "年初", "借方", "贷方", "期末"],
        [
            [
                row["book_label"],
                f"{row['account']} {row['account_label']}",
                KINDS[row["kind"]],
                *(yuan(row[name]) for name in ("opening_fen", "debit_fen", "credit_fen", "closing_fen")),
            ]
            for row in found.balances.to_pylist()
        ],
    )
    screen.table(
        f"{year} 年四条退回，万元（口径各异，不相加）",
        ["项目", "机构", "笔数", "金额"],
        [
            [row["label"], str(row["institutions"]), f"{row['count']:,}", wan(row["amount_fen"])]
            for row in found.streams.to_pylist()
        ],
    )
    assumed = assumed_accounts() & set(found.balances["account"].to_pylist())
    if assumed:
        labels = "、".join(accounts()[code].label for code in sorted(assumed))
        screen.say(f"· 基金归到这些科目没有文件确认，按假定，为模拟：{labels}")
    if found.missing_months:
        screen.say(f"· 已关账、还没有记账的月份：{'、'.join(found.missing_months)}")


def reconcile(home_path: Path | None, month: str) -> bool:
    """Compare the five records of a month; whether they differ."""
    import pyarrow.compute as pc

    from tongpin.base.money import yuan
    from tongpin.payment.ledger.reconcile import SIDES
    from tongpin.payment.ledger.run import reconcile_in_home
    from tongpin.store.home import Home

    home = Home.open(home_path)
    found = reconcile_in_home(home, month)
    bank = found.bank.filter(found.bank["differs"])
    screen.give(
        {
            "ok": True,
            "month": month,
            "missing": list(found.missing),
            "days": found.days.to_pylist(),
            "cases": found.cases.to_pylist(),
            "bank": found.bank.to_pylist(),
        }
    )
    sums = {
        name: pc.sum(found.days[name]).as_py() or 0
        for name in found.days.column_names
        if name.endswith(("_fen", "count"))
    }
    screen.table(
        f"{month} 五方对账，元（{found.days.num_rows} 个机构日{_notices(home)}）",
        ["各方", "例数", "总费用", "按项目统筹"],
        [
            [label, f"{sums[f'{side}_count']:,}", yuan(sums[f"{side}_fee_fen"]), yuan(sums[f"{side}_pool_fen"])]
            for side, label in SIDES.items()
            if side not in found.missing
        ],
    )
    for name in found.missing:
        screen.say(f"· 没有装载{'到账与记账' if name == 'bank' else SIDES[name]}，这一方没有对")
    if found.cases.num_rows:
        screen.table(
            f"不一致的病例 {found.cases.num_rows:,} 例（先列 {min(EXAMPLES, found.cases.num_rows)} 例）",
            ["机构", "结算号", "日期", "哪两方", *(f"{SIDES[side]}费用" for side in SIDES)],
            [
                [
                    row["institution_code"],
                    row["case_id"],
                    str(row["day"]),
                    row["between"],
                    *(yuan(row[f"{side}_fee_fen"]) for side in SIDES),
                ]
                for row in found.cases.slice(0, EXAMPLES).to_pylist()
            ],
        )
    if bank.num_rows:
        screen.table(
            f"基金账与银行不一致 {bank.num_rows:,} 项（先列 {min(EXAMPLES, bank.num_rows)} 项）",
            ["机构", "基金", "用途", "应拨", "基金账", "银行"],
            [
                [
                    row["institution_code"],
                    row["fund"],
                    row["purpose"],
                    "" if row["payment_fen"] is None else yuan(row["payment_fen"]),
                    yuan(row["fund_book_fen"]),
                    yuan(row["bank_fen"]),
                ]
                for row in bank.slice(0, EXAMPLES).to_pylist()
            ],
        )
    return bool(found.cases.num_rows or bank.num_rows)
