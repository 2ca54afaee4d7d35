"""The papers of prepayment 预付金文书: plan, payment order, settlement and cash gap as workbooks, two of them on A4."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tongpin.payment.prepay.account import KINDS, SCHEMES
from tongpin.payment.prepay.plan import CASH_LABELS, SCHEME_LABELS
from tongpin.report.pdf import Paper, Ruled, write_papers
from tongpin.report.words import capital_amount, wan_text, yuan_text
from tongpin.report.xlsx import Column, Sheet, write_workbook

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from tongpin.payment.prepay.account import Entry
    from tongpin.payment.prepay.cash_gap import Gap
    from tongpin.payment.prepay.cash_gap import Instalment as LoanPart
    from tongpin.payment.prepay.plan import Plan, PlanRow
    from tongpin.payment.prepay.year_end import YearEnd

_SPACE = "　" * 6
SIGNATURES = (
    f"经办：{_SPACE}复核：{_SPACE}审批：{_SPACE}日期：{_SPACE}",
    f"经办机构（盖章）：{_SPACE}{_SPACE}医疗机构（盖章）：{_SPACE}",
)
_WHO = (
    Column("institution_code", "机构代码"),
    Column("institution_name", "机构名称"),
    Column("fund_label", "基金"),
)
_PLAN = (
    *_WHO,
    Column("hospital_level", "级别"),
    Column("cash_label", "资金状况"),
    Column("last_year_fen", "上年支出\n（万元）", "wan"),
    Column("core_fen", "基数部分\n（万元）", "wan"),
    Column("reserve_fen", "考核金预留\n（万元）", "wan"),
    Column("total_fen", "预付总额\n（万元）", "wan"),
    Column("paid_fen", "预付款\n（万元）", "wan"),
    Column("told", "提示或不预付的原因", width=44),
)
_STEPS = (
    *_WHO,
    Column("label", "事项"),
    Column("formula", "怎样得出", width=60),
    Column("amount_fen", "金额（元）", "yuan"),
    Column("source", "依据", width=30),
)
_DAYS = (
    *_WHO,
    Column("number", "第几次", "count"),
    Column("day", "日期"),
    Column("amount_fen", "金额（元）", "yuan"),
    Column("recovery", "怎样收回", width=30),
)
_ORDER = (
    Column("institution_code", "机构代码"),
    Column("institution_name", "机构名称"),
    Column("fund_label", "基金"),
    Column("scheme_label", "办法"),
    Column("kind_label", "种类"),
    Column("entry_date", "日期"),
    Column("amount_fen", "金额（元）", "yuan"),
    Column("recovery", "怎样收回", width=30),
    Column("document", "文号", width=30),
)
_SETTLED = (
    *_WHO,
    Column("due_fen", "应付\n（元）", "yuan"),
    Column("transferred_fen", "各月已付\n（元）", "yuan"),
    Column("offset_fen", "其中冲抵\n预付金（元）", "yuan"),
    Column("ahead_fen", "预付金\n尚未冲抵（元）", "yuan"),
    Column("reserve_payable_fen", "考核金待付\n（元）", "yuan"),
    Column("now_fen", "本次付\n（负数为收回，元）", "yuan"),
    Column("recovered_fen", "由清算补付\n抵回（元）", "yuan"),
    Column("left_fen", "账户余额\n（元）", "yuan"),
)
_BASIS = (Column("what", "类别", width=10), Column("text", "内容", width=120))
_PLAN_FORMS = (
    "按年度基数预付：预付总额 = 前几年均值（剔除不合理增长）× 基数比例 × 等级与功能系数 + 考核金预留",
    "预付款 = 预付总额（或基数部分）× 预付比例，分次拨付；资金紧张的机构比例另定",
    "按月均支出预付：月均支出 × 几个月；基金累计结余可付的月数不够、当期或累计赤字的基金不预付",
    "预付金是应收款，不是支付：按月冲抵或年终结算收回",
)
_SETTLED_FORMS = (
    "应付 = 清算额 − 违约金；各月已付 = 月度拨付 + 预付金与即时结算冲抵 + 代付货款（与清算书相同）",
    "本次付 = 应付 − 各月已付 − 预付金尚未冲抵 − 考核金待付；负数由医院退回（多退少补）",
    "清算书的补付先抵回预付金尚未冲抵的部分；抵不完的留在账户，是应收款。未到冲抵期的预付不在本次收回，含在账户余额里",
)


def recovery_words(first: str | None, months: int | None) -> str:
    """How a payment comes back, in words."""
    if first is None:
        return "年终结算时收回"
    return f"{first} 起分 {months} 个月冲抵" if months != 1 else f"{first} 冲抵"


def plan_title(plan: Plan) -> str:
    """What the papers of a plan are called."""
    return f"{plan.area_label}{plan.year}年预付金{'计划' if plan.number else '测算'}"


def plan_basis(plan: Plan) -> list[tuple[str, str]]:
    """What a plan rests on, as (kind, line)."""
    rows = [("办法", f"{plan.policy_label}（{plan.policy}），摘要 {plan.policy_digest[:16]}")]
    rows += [
        ("基金", f"{one.fund_label}：{SCHEME_LABELS[one.scheme]}{'；' * bool(one.reason)}{one.reason}")
        for one in plan.offers
    ]
    rows += [("口径", text) for text in _PLAN_FORMS]
    rows.append(("摘要", f"{'核定' if plan.number else '测算'} {plan.digest[:16]}；{plan.document or '没有核定'}"))
    if plan.assumed:
        rows.append(("模拟", f"没有文件确认的取值 {len(plan.assumed)} 项：{'、'.join(plan.assumed)}"))
    return rows


def write_plan_xlsx(plan: Plan, path: Path, notices: Sequence[str] = ()) -> None:
    """Write a plan: a row per hospital and fund, how each amount came about, when it is paid, what it rests on."""
    title = plan_title(plan)
    sheets = [
        Sheet(
            "预付金", title, _PLAN, [_plan_cells(row) for row in plan.rows], [*notices, *plan.notes],
            totals=[_plan_total(plan.rows)], freeze_columns=3, empty="没有",
        ),
        Sheet(
            "各步", f"{title} · 各步", _STEPS,
            [_who(row) | step._asdict() for row in plan.rows for step in row.steps], notices, freeze_columns=3,
            empty="没有",
        ),
        Sheet("拨付日期", f"{title} · 拨付日期", _DAYS, list(_day_cells(plan.rows)), notices, empty="没有"),
        Sheet("口径与依据", f"{title} · 口径与依据", _BASIS, _basis_cells(plan_basis(plan))),
    ]  # fmt: skip
    write_workbook(sheets, path, title=title)


def write_plan_pdf(plan: Plan, path: Path, notices: Sequence[str] = ()) -> None:
    """Write the plan on A4, one document for each hospital that is paid ahead, ready for the stamp."""
    title = f"{plan.area_label}{plan.year}年预付金{'核定书' if plan.number else '测算书'}"
    by_hospital: dict[str, list[PlanRow]] = {}
    for row in plan.rows:
        if row.paid_fen:
            by_hospital.setdefault(row.institution_code, []).append(row)
    papers = [_plan_paper(title, plan, rows, notices) for rows in by_hospital.values()]
    if not papers:
        reasons = [f"{row.institution_name}　{row.fund_label}：{row.refused}" for row in plan.rows]
        papers = [Paper(title, notices, ["没有一家机构可以预付。", *reasons], SIGNATURES[:1])]
    write_papers(papers, path, title=title)


def _plan_paper(title: str, plan: Plan, rows: Sequence[PlanRow], notices: Sequence[str]) -> Paper:
    parts: list[str | Ruled] = []
    for row in rows:
        parts.append(f"【{row.fund_label}】{row.hospital_level}　{SCHEMES[row.scheme]}　{CASH_LABELS[row.cash]}")
        steps = [(one.label, one.formula, yuan_text(one.amount_fen), one.source or "—") for one in row.steps]
        parts.append(Ruled(("事项", "怎样得出", "金额（元）", "依据"), (2.6, 7, 3, 3), steps, frozenset({2})))
        days = [
            (str(one.number), str(one.day), yuan_text(one.amount_fen), recovery_words(*one[3:]))
            for one in row.instalments
        ]
        parts.append(Ruled(("第几次", "日期", "金额（元）", "怎样收回"), (1.5, 3, 4, 6), days, frozenset({2})))
        parts += row.warnings
    parts += [f"{kind}：{text}" for kind, text in plan_basis(plan)]
    total = sum(row.paid_fen for row in rows)
    heading = [f"医疗机构：{rows[0].institution_name}（{rows[0].institution_code}）", *notices]
    closing = (f"预付款合计（大写）：{capital_amount(total)}　（小写）：{yuan_text(total)} 元", *SIGNATURES)
    return Paper(title, heading, parts, closing, f"{plan.document or '未核定'}　摘要 {plan.digest[:16]}")


def write_order_xlsx(
    entries: Sequence[Entry],
    names: Mapping[str, str],
    funds: Mapping[str, str],
    path: Path,
    title: str,
    notices: Sequence[str] = (),
) -> None:
    """Write the payment order 拨付单 of entries just booked; `names` of the hospitals and `funds` by code."""
    rows = [
        one._asdict()
        | {
            "institution_name": names.get(one.institution_code, one.institution_code),
            "fund_label": funds.get(one.fund, one.fund),
            "scheme_label": SCHEMES[one.scheme],
            "kind_label": KINDS[one.kind],
            "entry_date": str(one.entry_date),
            "recovery": recovery_words(one.recovery_from, one.recovery_months),
        }
        for one in entries
    ]
    total = sum(one.amount_fen for one in entries)
    capital = f"合计（大写）：{capital_amount(total)}　（小写）：{yuan_text(total)} 元"
    sheet = Sheet(
        "拨付单",
        title,
        _ORDER,
        rows,
        notices,
        totals=[{"institution_code": "合计", "amount_fen": total}],
        closing=(capital, *SIGNATURES),
        freeze_columns=2,
    )
    write_workbook([sheet], path, title=title)


def write_settlement_xlsx(
    rows: Sequence[YearEnd], path: Path, *, title: str, basis: Sequence[str], notices: Sequence[str] = ()
) -> None:
    """Write the settled prepayments of a year, a row per hospital and fund, with what they rest on."""
    names = [column.name for column in _SETTLED if column.name.endswith("_fen")]
    total = {name: sum(getattr(row, name) for row in rows) for name in names} | {"institution_code": "合计"}
    lines = [*(("口径", text) for text in _SETTLED_FORMS), *(("依据", text) for text in basis)]
    sheets = [
        Sheet(
            "预付金结算", title, _SETTLED, [row._asdict() for row in rows], notices, totals=[total], freeze_columns=3,
            empty="没有",
        ),
        Sheet("口径与依据", f"{title} · 口径与依据", _BASIS, _basis_cells(lines)),
    ]  # fmt: skip
    write_workbook(sheets, path, title=title)


def write_settlement_pdf(
    rows: Sequence[YearEnd], path: Path, *, title: str, basis: Sequence[str], notices: Sequence[str] = ()
) -> None:
    """Write the settlement on A4, one document for each hospital, with the amount in capitals."""
    by_hospital: dict[str, list[YearEnd]] = {}
    for row in rows:
        by_hospital.setdefault(row.institution_code, []).append(row)
    papers = []
    for own in by_hospital.values():
        parts: list[str | Ruled] = []
        for row in own:
            parts.append(f"【{row.fund_label}】{row.schemes or '没有预付'}")
            parts.append(Ruled(("项目", "金额（元）"), (7, 3), settled_lines(row), frozenset({1})))
        parts += [*_SETTLED_FORMS, *basis]
        now = sum(row.now_fen for row in own)
        what = "收回" if now < 0 else "补付"
        closing = f"本次{what}（大写）：{capital_amount(abs(now))}　（小写）：{yuan_text(abs(now))} 元"
        heading = [f"医疗机构：{own[0].institution_name}（{own[0].institution_code}）", *notices]
        papers.append(Paper(title, heading, parts, (closing, *SIGNATURES), basis[0] if basis else ""))
    write_papers(papers, path, title=title)


def settled_lines(row: YearEnd) -> list[tuple[str, str]]:
    """A settled place as lines of label and amount."""
    return [
        (label, yuan_text(amount))
        for label, amount in (
            ("应付（清算额减违约金）", row.due_fen),
            ("减：各月已付（拨付、冲抵、代付货款）", row.transferred_fen),
            ("其中冲抵预付金与即时结算", row.offset_fen),
            ("减：预付金尚未冲抵", row.ahead_fen),
            ("减：考核金待付", row.reserve_payable_fen),
            ("本次付（负数为收回）", row.now_fen),
            ("其中清算补付抵回预付金", row.recovered_fen),
            ("结算后账户余额（应收）", row.left_fen),
        )
    ]


def write_gap_xlsx(
    hospitals: Sequence[tuple[str, Sequence[str], Gap, Gap, Sequence[LoanPart]]],
    path: Path,
    notices: Sequence[str] = (),
) -> None:
    """Write the cash gap of hospitals month by month, without and with prepayments, and the loan that bridges it."""
    title = "资金缺口测算"
    months = [
        {
            "institution_code": code,
            "month": month,
            "without_fen": before.balances_fen[place],
            "with_fen": after.balances_fen[place],
        }
        for code, names, before, after, _ in hospitals
        for place, month in enumerate(names)
    ]
    parts = [
        {"institution_code": code, "number": number, **one._asdict()}
        for code, _, _, _, loan in hospitals
        for number, one in enumerate(loan, start=1)
    ]
    code = Column("institution_code", "机构代码")
    balances = (
        code,
        Column("month", "月份"),
        Column("without_fen", "没有预付金的月末资金（元）", "yuan"),
        Column("with_fen", "连同预付金的月末资金（元）", "yuan"),
    )
    loan = (
        code,
        Column("number", "第几月", "count"),
        Column("principal_fen", "还本（元）", "yuan"),
        Column("interest_fen", "付息（元）", "yuan"),
        Column("owed_fen", "尚欠（元）", "yuan"),
    )
    sheets = [
        Sheet("月末资金", title, balances, months, notices),
        Sheet("贷款测算", f"{title} · 贷款", loan, parts, notices, empty="没有缺口，或没有给出期限与利率"),
    ]
    write_workbook(sheets, path, title=title)


def plan_lines(plan: Plan) -> list[list[str]]:
    """The rows of a plan as texts, amounts in 万元."""
    return [
        [
            row.institution_name,
            row.fund_label,
            *(wan_text(fen) for fen in (row.last_year_fen, row.core_fen, row.reserve_fen, row.total_fen, row.paid_fen)),
            row.refused or "；".join([CASH_LABELS[row.cash]] * (row.cash != "ordinary") + list(row.warnings)),
        ]
        for row in plan.rows
    ]


def _who(row: PlanRow) -> dict[str, Any]:
    return {name: getattr(row, name) for name in ("institution_code", "institution_name", "fund_label")}


def _plan_cells(row: PlanRow) -> dict[str, Any]:
    amounts = {
        name: getattr(row, name) for name in ("last_year_fen", "core_fen", "reserve_fen", "total_fen", "paid_fen")
    }
    told = row.refused or "；".join(row.warnings)
    return (
        _who(row) | amounts | {"hospital_level": row.hospital_level, "cash_label": CASH_LABELS[row.cash], "told": told}
    )


def _plan_total(rows: Sequence[PlanRow]) -> dict[str, Any]:
    names = ("core_fen", "reserve_fen", "total_fen", "paid_fen")
    return {name: sum(getattr(row, name) for row in rows) for name in names} | {"institution_code": "合计"}


def _day_cells(rows: Sequence[PlanRow]) -> Iterable[dict[str, Any]]:
    for row in rows:
        for one in row.instalments:
            yield _who(row) | {
                "number": one.number,
                "day": str(one.day),
                "amount_fen": one.amount_fen,
                "recovery": recovery_words(one.recovery_from, one.recovery_months),
            }


def _basis_cells(lines: Sequence[tuple[str, str]]) -> list[dict[str, str]]:
    return [{"what": kind, "text": text} for kind, text in lines]
