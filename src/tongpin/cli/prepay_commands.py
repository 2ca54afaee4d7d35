"""`tongpin prepay plan | pay | instant | book | account | settle | gap`."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from tongpin.base.errors import PolicyError
from tongpin.cli.output import screen

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date
    from pathlib import Path

    from tongpin.payment.prepay.account import Entry
    from tongpin.store.home import Home


def plan(
    home_path: Path | None,
    year: int,
    area: str | None,
    edition: str | None,
    history: Path | None,
    short: Sequence[str],
    region: str | None,
    document: str | None,
) -> None:
    """Make, adopt or print again the plan of a year: table, steps, papers, the next step."""
    from tongpin.payment.prepay.paper import plan_lines, plan_title, write_plan_pdf, write_plan_xlsx
    from tongpin.payment.prepay.plan import SCHEME_LABELS
    from tongpin.payment.prepay_home import plan_in_home
    from tongpin.report.words import wan_text
    from tongpin.store.home import Home

    home = Home.open(home_path)
    run = plan_in_home(
        home, year, area, edition=edition, history=history, short=short, region=region, document=document
    )
    found = run.plan
    notices = _notices(home, len(found.assumed))
    notices += [] if found.number else ["测算，没有核定，不作拨付依据"]
    stem = f"预付金{'计划' if found.number else '测算'}-{found.area}-{year}"
    workbook, pages = _reports(home, f"{stem}.xlsx"), _reports(home, f"{stem}.pdf")
    write_plan_xlsx(found, workbook, notices)
    write_plan_pdf(found, pages, notices)
    screen.give(
        {
            "ok": True,
            "year": year,
            "was_adopted": run.was_adopted,
            "adopted": bool(found.number),
            "papers": [str(workbook), str(pages)],
            "notes": [*notices, *found.notes],
            "plan": asdict(found) | {"digest": found.digest},
        }
    )
    screen.table(
        f"{plan_title(found)}（万元）",
        ["机构", "基金", "上年支出", "基数部分", "考核金预留", "预付总额", "预付款", "说明"],
        plan_lines(found),
    )
    for one in found.offers:
        why = "；".join(text for text in ("可以预付" if one.allowed else "", one.reason) if text)
        screen.say(f"{one.fund_label}：{SCHEME_LABELS[one.scheme]}；{why}")
    total = sum(row.paid_fen for row in found.rows)
    screen.say(f"预付款合计 {wan_text(total)} 万元；每一步的公式与依据在“各步”一页")
    for note in notices:
        screen.say(note)
    _papers(workbook, pages)
    if found.number:
        screen.say(f"核定：{found.document}，摘要 {found.digest[:16]}。下一步：tongpin prepay pay --until 日期")
    elif not total:
        screen.say("下一步：照各行的原因补齐后再测算")
    else:
        screen.say(f"下一步：核对后核定，tongpin prepay plan --year {year} … --adopt 文号")


def pay(home_path: Path | None, until: date, area: str | None) -> None:
    """Book what is due of the adopted plans and write the payment order."""
    from tongpin.payment.prepay_home import pay_in_home
    from tongpin.store.home import Home

    home = Home.open(home_path)
    entries = pay_in_home(home, until, area)
    _ordered(home, entries, f"预付金拨付单（到 {until}）", f"预付金拨付单-{until}")
    screen.say(f"下一步：月结自动冲抵（tongpin settle）；账户见 tongpin prepay account --year {until.year}")


def instant(home_path: Path | None, until: date, document: str, area: str | None, edition: str | None) -> None:
    """Book the advances of instant settlement and write the payment order."""
    from tongpin.payment.prepay_home import instant_in_home
    from tongpin.store.home import Home

    home = Home.open(home_path)
    entries = instant_in_home(home, until, document, area, edition=edition)
    _ordered(home, entries, f"即时结算拨付单（到 {until}）", f"即时结算拨付单-{until}")
    screen.say(f"下一步：{until:%Y-%m} 月结时整笔扣回（tongpin settle --month {until:%Y-%m}）")


def book(
    home_path: Path | None,
    area: str | None,
    what: tuple[str, str, str, str],
    amount: str,
    day: date,
    document: str,
    recovery: tuple[str | None, int | None],
) -> None:
    """Book one entry by hand: `what` is institution, fund, scheme and kind; `recovery` first month and months."""
    from tongpin.payment.prepay.account import KINDS, SCHEMES, Entry
    from tongpin.payment.prepay_home import account_area, book_in_home
    from tongpin.report.words import yuan_text
    from tongpin.store.home import Home

    home = Home.open(home_path)
    code, fund, scheme, kind = what
    month = f"{day:%Y-%m}"
    entry_id = f"book/{day}/{code}/{fund}/{scheme}/{kind}/{document}"
    fen = _fen(amount, "--amount")
    entry = Entry(account_area(home, area, month), entry_id, *what, fen, day, month, document, *recovery)
    fresh = book_in_home(home, entry)
    screen.give({"ok": True, "booked": fresh, "entry": entry._asdict()})
    said = "已记" if fresh else "这一笔已经记过，没有再记"
    screen.say(f"{said}：机构 {code} 基金 {fund} {SCHEMES[scheme]}{KINDS[kind]} {yuan_text(fen)} 元（{document}）")
    screen.say(f"下一步：tongpin prepay account --year {day.year}")


def account(home_path: Path | None, year: int, area: str | None) -> bool:
    """Show the accounts and their months; whether there is an alarm."""
    from tongpin.payment.prepay.account import INSTANT, SCHEMES
    from tongpin.payment.prepay_home import account_in_home, fund_labels, hospital_names
    from tongpin.report.words import MISSING, percent_text, yuan_text
    from tongpin.store.home import Home

    home = Home.open(home_path)
    view = account_in_home(home, year, area)
    names, funds = hospital_names(home, year), fund_labels(home, view.area)
    alarms = [(one, text) for one in view.months for text in one.alarms]
    screen.give(
        {
            "ok": not alarms,
            "area": view.area,
            "accounts": [one._asdict() for one in view.standings],
            "months": [one._asdict() for one in view.months],
            "alarms": [text for _, text in alarms],
            "notes": list(view.notes),
        }
    )
    screen.table(
        f"预付金账户（{view.area}，元，至今）",
        ["机构", "基金", "办法", "拨付", "冲抵", "收回", "余额"],
        [
            [
                names.get(one.institution_code, one.institution_code),
                funds.get(one.fund, one.fund),
                SCHEMES[one.scheme],
                *(yuan_text(fen) for fen in (one.paid_fen, one.offset_fen, one.recovered_fen, one.balance_fen)),
            ]
            for one in view.standings
        ],
    )

    def share(value: int | None) -> str:
        return MISSING if value is None else percent_text(value / 10_000)

    used = [one for one in view.months if one.scheme != INSTANT or one.alarms]
    screen.table(
        f"{year} 年按月使用（元；使用率 = 当年应付 ÷ 已预付，与计划比 = 当年应付 ÷ 预付总额）",
        ["月份", "机构", "基金", "余额", "当年应付", "使用率", "与计划比", "同比", "提示"],
        [
            [
                one.month,
                names.get(one.institution_code, one.institution_code),
                funds.get(one.fund, one.fund),
                yuan_text(one.balance_fen),
                yuan_text(one.used_fen),
                *(share(value) for value in (one.use_e4, one.plan_e4, one.growth_e4)),
                "；".join(one.alarms),
            ]
            for one in used
        ],
    )
    for note in (*_notices(home, 0), *view.notes):
        screen.say(note)
    screen.say(f"提示 {len(alarms)} 条。下一步：年度清算以后 tongpin prepay settle --year {year} --date 日期")
    return bool(alarms)


def settle(home_path: Path | None, year: int, day: date, area: str | None, *, draft: bool) -> None:
    """Settle the prepayments of a year, write the papers and show them."""
    from tongpin.payment.prepay.paper import write_settlement_pdf, write_settlement_xlsx
    from tongpin.payment.prepay_home import settle_prepayments
    from tongpin.report.words import yuan_text
    from tongpin.store.home import Home

    home = Home.open(home_path)
    run = settle_prepayments(home, year, day, area, draft=draft)
    manifest, rows = run.manifest, run.settlement.rows
    title = f"{manifest['area_label']}{year}年度预付金结算"
    notices = _notices(home, len(manifest["assumed"])) + ["草稿：没有记账"] * draft
    basis = [
        f"清算 {manifest['run']}，结果摘要 {manifest['result_digest'][:16]}；付费办法 {manifest['policy']}",
        f"预付金计划：{run.plan.document}，摘要 {run.plan.digest[:16]}" if run.plan else "没有核定的预付金计划",
    ]
    stem = f"预付金结算-{run.area}-{year}{'-草稿' * draft}"
    workbook, pages = _reports(home, f"{stem}.xlsx"), _reports(home, f"{stem}.pdf")
    write_settlement_xlsx(rows, workbook, title=title, basis=basis, notices=notices)
    write_settlement_pdf(rows, pages, title=title, basis=basis, notices=notices)
    screen.give(
        {
            "ok": True,
            "year": year,
            "draft": draft,
            "booked": run.booked,
            "papers": [str(workbook), str(pages)],
            "notes": notices,
            "rows": [row._asdict() for row in rows],
        }
    )
    screen.table(
        f"{title}（元）",
        ["机构", "基金", "应付", "各月已付", "其中冲抵", "尚未冲抵", "考核金待付", "本次付", "由清算抵回", "账户余额"],
        [
            [
                row.institution_name,
                row.fund_label,
                *(
                    yuan_text(fen)
                    for fen in (
                        row.due_fen,
                        row.transferred_fen,
                        row.offset_fen,
                        row.ahead_fen,
                        row.reserve_payable_fen,
                        row.now_fen,
                        row.recovered_fen,
                        row.left_fen,
                    )
                ),
            ]
            for row in rows
        ],
    )
    for note in notices:
        screen.say(note)
    _papers(workbook, pages)
    left = sum(row.left_fen for row in rows)
    screen.say(
        f"账户记了 {run.booked} 笔；结算后账户余额（应收）{yuan_text(left)} 元。"
        f"{'下一步：收到退款后 tongpin prepay book --kind recovered 记账' if left else '账户已清零'}"
    )


def gap(
    home_path: Path | None, flows: Path, area: str | None, minimum: str, months: int | None, rate: str | None
) -> None:
    """Show each hospital's cash gap without and with prepayments, and the loan that bridges what is left."""
    from tongpin.payment.prepay.cash_gap import loan_plan, read_flows
    from tongpin.payment.prepay.paper import write_gap_xlsx
    from tongpin.payment.prepay_home import gaps_in_home
    from tongpin.report.words import MISSING, wan_text
    from tongpin.store.home import Home

    if (months is None) != (rate is None):
        raise PolicyError(
            "prepay.loan", "贷款测算要期限与利率两项", where="--months、--rate", hint="两项一起给，或都不给"
        )
    home = Home.open(home_path)
    found = gaps_in_home(home, read_flows(flows), area, _fen(minimum, "--minimum"))
    loans = []
    for one in found:
        loan = months is not None and rate is not None and one.after.gap_fen > 0
        loans.append(loan_plan(one.after.gap_fen, months or 1, _fen(rate or "0", "--rate")) if loan else ())
    path = _reports(home, "资金缺口测算.xlsx")
    notices = _notices(home, 0) + [f"贷款只是测算：期限 {months} 个月、年利率 {rate}% 由使用者给出"] * bool(months)
    write_gap_xlsx([(*one, loan) for one, loan in zip(found, loans, strict=True)], path, notices)
    rows = list(zip(found, loans, strict=True))
    screen.give(
        {
            "ok": True,
            "report": str(path),
            "hospitals": [
                {
                    "institution_code": one.institution_code,
                    "months": one.months,
                    "before": one.before._asdict(),
                    "after": one.after._asdict(),
                    "loan": [part._asdict() for part in loan],
                    "interest_fen": sum(part.interest_fen for part in loan),
                }
                for one, loan in rows
            ],
        }
    )
    screen.table(
        "资金缺口（万元）",
        ["机构", "没有预付金的缺口", "连同预付金的缺口", "最低的月份", "贷款", "期限（月）", "利息合计"],
        [
            [
                one.institution_code,
                wan_text(one.before.gap_fen),
                wan_text(one.after.gap_fen),
                MISSING if one.after.deepest_month is None else one.months[one.after.deepest_month],
                wan_text(one.after.gap_fen) if loan else MISSING,
                str(len(loan)) if loan else MISSING,
                wan_text(sum(part.interest_fen for part in loan)) if loan else MISSING,
            ]
            for one, loan in rows
        ],
    )
    for note in notices:
        screen.say(note)
    screen.say(f"测算表：{path}。下一步：资金紧张的机构可在 tongpin prepay plan --short 机构代码 提高预付比例")


def _ordered(home: Home, entries: Sequence[Entry], title: str, stem: str) -> None:
    """Write and show the payment order of fresh entries; without any it is said, and no paper is written."""
    from tongpin.payment.prepay.account import SCHEMES
    from tongpin.payment.prepay.paper import recovery_words, write_order_xlsx
    from tongpin.payment.prepay_home import fund_labels, hospital_names
    from tongpin.report.words import yuan_text

    if not entries:
        screen.give({"ok": True, "booked": 0, "entries": []})
        screen.say("没有新的到期拨付，账户没有变")
        return
    names, funds = hospital_names(home, entries[0].entry_date.year), fund_labels(home, entries[0].area)
    number = 1
    while (path := _reports(home, f"{stem}{f'-{number}' if number > 1 else ''}.xlsx")).exists():
        number += 1
    write_order_xlsx(entries, names, funds, path, title, _notices(home, 0))
    screen.give(
        {
            "ok": True,
            "booked": len(entries),
            "order": str(path),
            "entries": [one._asdict() for one in entries],
        }
    )
    screen.table(
        f"{title}（元）",
        ["机构", "基金", "办法", "日期", "金额", "怎样收回"],
        [
            [
                names.get(one.institution_code, one.institution_code),
                funds.get(one.fund, one.fund),
                SCHEMES[one.scheme],
                str(one.entry_date),
                yuan_text(one.amount_fen),
                recovery_words(one.recovery_from, one.recovery_months),
            ]
            for one in entries
        ],
    )
    total = sum(one.amount_fen for one in entries)
    screen.say(f"记入账户 {len(entries)} 笔，合计 {yuan_text(total)} 元；拨付单：{path}")


def _notices(home: Home, assumed: int) -> list[str]:
    from tongpin.payment.month.statement_columns import synthetic_notice

    told = [f"模拟：付费办法有 {assumed} 项取值没有文件确认"] if assumed else []
    return [*synthetic_notice(home), *told]


def _reports(home: Home, name: str) -> Path:
    home.reports.mkdir(parents=True, exist_ok=True)
    return home.reports / name


def _papers(workbook: Path, pages: Path) -> None:
    screen.say(f"表格：{workbook}", f"workbook: {workbook}")
    screen.say(f"盖章用的 A4：{pages}", f"pages: {pages}")


def _fen(text: str, option: str) -> int:
    """Yuan as fen, or percent as ten-thousandths: at most two decimals either way."""
    from decimal import InvalidOperation

    from tongpin.base.money import parse_yuan

    try:
        return parse_yuan(text)
    except (ValueError, InvalidOperation):
        raise PolicyError("prepay.amount", f"“{text}”不是至多两位小数的数", where=option, hint="例如 1234.56") from None
