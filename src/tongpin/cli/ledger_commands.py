"""`tongpin ledger`: openings, months and clearings posted, books of a year, five records, away from home, alliances."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tongpin.cli.output import screen

if TYPE_CHECKING:
    from datetime import date
    from pathlib import Path

    import pyarrow as pa

    from tongpin.payment.ledger.run import Posted
    from tongpin.store.home import Home

EXAMPLES = 10
"""How many differences a screen shows; JSON has them all."""


def _notices(home: Home, area: str | None = None) -> list[str]:
    """What every paper says besides: that figures rest on assumed values, that the city is made."""
    from tongpin.payment.month.closed import every_run
    from tongpin.payment.month.statement_columns import synthetic_notice

    counts = [len(one["assumed"]) for one in every_run(home).values() if area in {None, one["area"]}]
    simulated = [f"模拟：付费办法有 {max(counts)} 项取值没有文件确认"] if any(counts) else []
    return [*simulated, *synthetic_notice(home)]


def _titled(title: str, home: Home, area: str | None = None) -> str:
    """A title with the short words of the notices."""
    words = [line.split("：")[0] for line in _notices(home, area)]
    return f"{title}（{'；'.join(words)}）" if words else title


def open_books(home_path: Path | None, path: Path, day: date, area: str | None) -> None:
    """Post opening balances."""
    from tongpin.payment.ledger.run import open_in_home
    from tongpin.store.home import Home

    home = Home.open(home_path)
    posted = open_in_home(home, path, day, area)
    _show_posted(home, f"{day} 期初余额，元", posted, f"{day}")
    screen.say("下一步：tongpin ledger post --month 月份")


def post(home_path: Path | None, month: str, region: str | None, area: str | None) -> None:
    """Post a closed month and show what moved, by entry."""
    from tongpin.payment.ledger.run import post_in_home
    from tongpin.store.home import Home

    home = Home.open(home_path)
    posted = post_in_home(home, month, region, area)
    state = "已记过账，只补记新的" if posted.was_posted else "已记账"
    _show_posted(home, f"{month} 凭证，元（{state}）", posted, month)
    screen.say(f"下一步：tongpin ledger reconcile --month {month}；tongpin ledger book --year {month[:4]}")


def post_year(home_path: Path | None, year: int, area: str | None) -> None:
    """Post the clearing of a year and show what moved."""
    from tongpin.payment.ledger.run import post_year_in_home
    from tongpin.store.home import Home

    home = Home.open(home_path)
    posted = post_year_in_home(home, year, area)
    state = "已记过账，只补记新的" if posted.was_posted else "已记账"
    _show_posted(home, f"{year} 年度清算凭证，第 13 期，元（{state}）", posted, f"{year}-13")
    screen.say(f"下一步：tongpin ledger book --year {year}")


def reverse(home_path: Path | None, month: str | None, year: int | None, reason: str, area: str | None) -> None:
    """Reverse a month, a clearing or the opening."""
    from tongpin.payment.ledger.run import YEAR_END, reverse_in_home
    from tongpin.store.home import Home

    home = Home.open(home_path)
    period = f"{year}-{YEAR_END}" if year is not None else month
    postings = reverse_in_home(home, period, reason, area)
    label = period or "期初"
    screen.give({"ok": True, "period": label, "reason": reason, "postings": postings.to_pylist()})
    _show_postings(_titled(f"{label} 已冲销：{reason}", home), postings)
    screen.say("下一步：更正以后重新记账（tongpin ledger post；期初用 tongpin ledger open）")


def _show_posted(home: Home, title: str, posted: Posted, period: str) -> None:
    """What stands of a period by book and account, the assertions that held, the notes."""
    from tongpin.base.money import yuan

    screen.give(
        {
            "ok": True,
            "area": posted.area,
            "period": period,
            "was_posted": posted.was_posted,
            "postings": posted.postings.to_pylist(),
            "assertions": [one._asdict() for one in posted.assertions],
            "notes": list(posted.notes),
        }
    )
    _show_postings(_titled(title, home, posted.area), posted.postings)
    if posted.assertions:
        screen.table(
            "平衡断言，元（借方为正）",
            ["断言", "基金", "账簿", "来源"],
            [[one.label, one.fund_label, yuan(one.ledger_fen), yuan(one.record_fen)] for one in posted.assertions],
        )
    for note in posted.notes:
        screen.say(f"· {note}")


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


def book(home_path: Path | None, year: int, area: str | None) -> None:
    """The books of a year and the four streams, on the screen and as a workbook."""
    from tongpin.base.money import wan, yuan
    from tongpin.payment.ledger.accounts import KINDS, fund_of
    from tongpin.payment.ledger.papers import book_basis, write_book_xlsx
    from tongpin.payment.ledger.run import book_in_home
    from tongpin.store.home import Home

    home = Home.open(home_path)
    found = book_in_home(home, year, area)
    path = _report(home, f"账簿-{year}{_of(home, found.area)}.xlsx")
    label = _area_label(home, found.area)
    write_book_xlsx(found, year, path, label=label, notices=_notices(home, found.area))
    screen.give(
        {
            "ok": True,
            "area": found.area,
            "year": year,
            "months": list(found.months),
            "missing_months": list(found.missing_months),
            "clearing": found.clearing,
            "balances": found.balances.to_pylist(),
            "streams": found.streams.to_pylist(),
            "volume": [one._asdict() for one in found.volume],
            "assertions": [one._asdict() for one in found.assertions],
            "report": str(path),
        }
    )
    screen.table(
        _titled(f"{label} {year} 年账簿，元（{len(found.months)} 个月）", home, found.area),
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
    if found.volume:
        screen.table(
            f"{year} 年集采结余留用，元（考核后另拨）",
            ["机构", "基金", "怎样得出", "留用", "依据"],
            [
                [one.institution_code, fund_of(one.fund).label, one.formula, yuan(one.amount_fen), one.source]
                for one in found.volume
            ],
        )
    for line in book_basis(found, year):
        screen.say(f"· {line}")
    screen.say(f"账簿：{path}", f"books: {path}")


def _report(home: Home, name: str) -> Path:
    home.reports.mkdir(parents=True, exist_ok=True)
    return home.reports / name


def _of(home: Home, area: str) -> str:
    """The area in the name of a file, where a home has several."""
    from tongpin.payment.month.closed import areas_of

    return f"-{area}" if len(areas_of(home)) > 1 else ""


def _area_label(home: Home, area: str) -> str:
    from tongpin.payment.month.closed import closed_months

    manifests = closed_months(home, area)
    return str(manifests[max(manifests)].get("area_label", area)) if manifests else area


def reconcile(home_path: Path | None, month: str, area: str | None) -> bool:
    """Compare the five records of a month; whether they differ."""
    import pyarrow.compute as pc

    from tongpin.base.money import yuan
    from tongpin.payment.ledger.papers import write_reconcile_xlsx
    from tongpin.payment.ledger.reconcile import SIDES
    from tongpin.payment.ledger.reconcile_run import reconcile_in_home
    from tongpin.payment.month.closed import closed_manifest
    from tongpin.store.home import Home

    home = Home.open(home_path)
    own = closed_manifest(home, month, area)["area"]
    found = reconcile_in_home(home, month, own)
    path = _report(home, f"五方对账-{month}{_of(home, own)}.xlsx")
    write_reconcile_xlsx(found, month, path, notices=_notices(home, own))
    bank = found.bank.filter(found.bank["differs"])
    screen.give(
        {
            "ok": True,
            "month": month,
            "missing": list(found.missing),
            "days": found.days.to_pylist(),
            "cases": found.cases.to_pylist(),
            "bank": found.bank.to_pylist(),
            "report": str(path),
        }
    )
    sums = {
        name: pc.sum(found.days[name]).as_py() or 0
        for name in found.days.column_names
        if name.endswith(("_fen", "count"))
    }
    screen.table(
        _titled(f"{month} 五方对账，元（{found.days.num_rows} 个机构日）", home, own),
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
    screen.say(f"对账表：{path}", f"reconciliation: {path}")
    return bool(found.cases.num_rows or bank.num_rows)


def elsewhere(home_path: Path | None, month: str, region: str, area: str | None) -> None:
    """The month of treatment away from home, on the screen and as a workbook."""
    from tongpin.base.money import yuan
    from tongpin.payment.ledger.elsewhere_run import elsewhere_in_home
    from tongpin.payment.ledger.papers import role_rows, write_elsewhere_xlsx
    from tongpin.store.home import Home

    home = Home.open(home_path)
    found = elsewhere_in_home(home, month, region, area)
    own = found.manifest["area"]
    path = _report(home, f"异地就医清算表-{month}{_of(home, own)}.xlsx")
    write_elsewhere_xlsx(found, path, notices=_notices(home, own))
    screen.give(
        {
            "ok": True,
            "month": month,
            "roles": found.roles.to_pylist(),
            "standings": list(found.standings),
            "notes": list(found.notes),
            "report": str(path),
        }
    )
    screen.table(
        _titled(f"{month} 异地就医，元", home, own),
        ["身份", "基金", "例数", "付给医院", "参保地按项目负担", "异地差额"],
        [
            [
                row["role_label"],
                row["fund_label"],
                f"{row['cases']:,}",
                *(yuan(row[name]) for name in ("payable_fen", "item_fen", "difference_fen")),
            ]
            for row in role_rows(found.roles)
        ],
    )
    if found.standings:
        screen.table(
            "往来与差额，元",
            ["科目", "基金", "月初", "本月增加", "本月清算", "月末"],
            [
                [
                    f"{row['account']} {row['label']}",
                    row["fund_label"],
                    *(yuan(row[name]) for name in ("opening_fen", "added_fen", "settled_fen", "closing_fen")),
                ]
                for row in found.standings
            ],
        )
    for note in found.notes:
        screen.say(f"· {note}")
    screen.say(f"异地就医清算表：{path}", f"sheet: {path}")
    screen.say(f"下一步：tongpin ledger post --month {month} --region {region}")


def alliance(home_path: Path | None, year: int, area: str | None) -> None:
    """The inner settlement of every alliance of a cleared year."""
    from tongpin.base.money import yuan
    from tongpin.payment.ledger.alliance_run import alliances_in_home
    from tongpin.payment.ledger.papers import total_line, write_alliance_xlsx
    from tongpin.payment.month.closed import area_of
    from tongpin.store.home import Home

    home = Home.open(home_path)
    own = area_of(home, area) or ""
    found, manifest = alliances_in_home(home, year, own)
    paths = []
    for lead in dict.fromkeys(one.lead_code for one in found):
        path = _report(home, f"医共体内部结算-{lead}-{year}.xlsx")
        parts = [one for one in found if one.lead_code == lead]
        write_alliance_xlsx(parts, manifest, path, notices=_notices(home, own))
        paths.append(path)
    screen.give(
        {
            "ok": True,
            "year": year,
            "alliances": [{**one._asdict(), "members": [member._asdict() for member in one.members]} for one in found],
            "reports": [str(path) for path in paths],
        }
    )
    for one in found:
        screen.table(
            _titled(f"{year} 年度 {one.name} {one.fund_label}，元", home, own),
            ["机构", "清算额", "分得", "已拨付", "再拨"],
            [
                [
                    f"{member.institution_name}{'（牵头）' if member.is_lead else ''}",
                    *(yuan(fen) for fen in (member.due_fen, member.part_fen, member.transferred_fen, member.left_fen)),
                ]
                for member in one.members
            ],
        )
        for line in (total_line(one), *one.notes):
            screen.say(f"· {line}")
    for path in paths:
        screen.say(f"内部结算：{path}", f"settlement: {path}")
    screen.say(f"下一步：tongpin ledger post --year {year}（已记过的先冲销）")
