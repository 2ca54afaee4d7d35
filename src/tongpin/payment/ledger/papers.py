"""Papers 账表: books of a year, treatment away from home, alliances and reconciliations as workbooks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tongpin.payment.ledger.accounts import KINDS, accounts, assumed_accounts, fund_of
from tongpin.payment.ledger.alliance import BASES
from tongpin.payment.ledger.elsewhere import LOCAL_ELSEWHERE, LOCAL_HERE, ROLES, VISITOR_HERE
from tongpin.payment.ledger.reconcile import SIDES
from tongpin.report.words import yuan_text
from tongpin.report.xlsx import Column, Sheet, write_workbook

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import pyarrow as pa

    from tongpin.payment.ledger.alliance import Alliance
    from tongpin.payment.ledger.elsewhere_run import Elsewhere
    from tongpin.payment.ledger.reconcile import Reconciled
    from tongpin.payment.ledger.run import Book

_SIGN = ("经办：　　　　　　复核：　　　　　　审批：　　　　　　日期：",)
_LISTED = 50_000
"""More cases than this are not listed on paper; JSON has them all."""

_BALANCES = (
    Column("book_label", "账套"),
    Column("account", "科目"),
    Column("account_label", "名称"),
    Column("kind_label", "性质"),
    Column("opening_fen", "年初（元）", "yuan"),
    Column("debit_fen", "借方（元）", "yuan"),
    Column("credit_fen", "贷方（元）", "yuan"),
    Column("closing_fen", "期末（元）", "yuan"),
)
_STREAMS = (
    Column("label", "项目"),
    Column("institutions", "机构数", "count"),
    Column("count", "笔数", "count"),
    Column("amount_fen", "金额（万元）", "wan"),
)
_VOLUME = (
    Column("institution_code", "机构代码"),
    Column("fund_label", "基金"),
    Column("subject", "批次"),
    Column("saved_fen", "节省（元）", "yuan"),
    Column("formula", "怎样得出", width=60),
    Column("amount_fen", "留用（元）", "yuan"),
    Column("document", "文号"),
    Column("source", "依据"),
)
_ASSERTIONS = (
    Column("label", "断言"),
    Column("fund_label", "基金"),
    Column("ledger_fen", "账簿（元）", "yuan"),
    Column("record_fen", "来源（元）", "yuan"),
    Column("held", "结果"),
)
_BASIS = (Column("text", "内容", width=130),)


def basis_sheet(title: str, lines: Sequence[str]) -> Sheet:
    """The sheet that says what a paper rests on."""
    return Sheet("口径", f"{title} · 口径", _BASIS, [{"text": line} for line in lines])


def write_book_xlsx(book: Book, year: int, path: Path, *, label: str, notices: Sequence[str] = ()) -> None:
    """The books of a year: balances by book, the four streams, 集采结余留用, and the assertions that held (S003-18)."""
    title = f"{label}{year}年医保基金账簿"
    balances = [row | {"kind_label": KINDS[row["kind"]]} for row in book.balances.to_pylist()]
    totals = []
    for code in dict.fromkeys(row["book"] for row in balances):
        own = [row for row in balances if row["book"] == code]
        sums = {name: sum(row[name] for row in own) for name in ("debit_fen", "credit_fen")}
        totals.append({"book_label": own[0]["book_label"], "account_label": "借贷合计", **sums})
    streams = book.streams.to_pylist()
    volume = [one._asdict() | {"fund_label": fund_of(one.fund).label} for one in book.volume]
    kept = {"institution_code": "合计", "amount_fen": sum(row["amount_fen"] for row in volume)}
    assertions = [one._asdict() | {"held": "相等"} for one in book.assertions]
    sheets = [
        Sheet(
            "科目余额",
            f"{title} · 科目余额",
            _BALANCES,
            balances,
            [*notices, "单位：元。余额：资产、支出为借方减贷方，其余为贷方减借方；收入、支出每年从零起，结余转入 3001"],
            totals,
            _SIGN,
            freeze_columns=3,
            empty="没有记账",
        ),
        Sheet("四条退回", f"{title} · 四条退回", _STREAMS, streams, [*notices, "单位：万元；口径各异，不相加"]),
        Sheet(
            "集采结余留用",
            f"{title} · 集采结余留用",
            _VOLUME,
            volume,
            [*notices, "考核后另拨，不在清算额之内"],
            [kept] if volume else [],
            freeze_columns=1,
            empty="没有集采结余决定，或年度还没有清算",
        ),
        Sheet(
            "平衡断言", f"{title} · 平衡断言", _ASSERTIONS, assertions, [*notices, "单位：元；借方为正"], empty="没有"
        ),
        basis_sheet(title, [*notices, *book_basis(book, year)]),
    ]
    write_workbook(sheets, path, title=title, subject="账簿")


def book_basis(book: Book, year: int) -> list[str]:
    """What the books of a year hold and what they do not, in words."""
    lines = [f"已记账的月份：{'、'.join(book.months) or '没有'}"]
    lines += [f"已记账的年度清算：{book.clearing}，列在第 13 期"] if book.clearing else []
    lines += [f"已关账、还没有记账的月份：{'、'.join(book.missing_months)}"] if book.missing_months else []
    lines += book.notes
    used = assumed_accounts() & set(book.balances["account"].to_pylist())
    if used:
        labels = "、".join(accounts()[code].label for code in sorted(used))
        lines.append(f"基金归到这些科目没有文件确认，按假定，为模拟：{labels}")
    lines.append(f"每张凭证、每月、每本账借贷相等，{year} 年年初、期末试算平衡；任何一项不平时不会有这份账")
    return lines


_BY_ROLE = (
    Column("role_label", "身份"),
    Column("fund_label", "基金"),
    Column("cases", "例数", "count"),
    Column("payable_fen", "付给医院（元）", "yuan"),
    Column("item_fen", "参保地按项目负担\n（元）", "yuan"),
    Column("difference_fen", "异地差额\n（元）", "yuan"),
)
_REGION = Column("region", "对方地区")
_INSTITUTION = Column("institution_code", "机构代码")
_STANDINGS = (
    Column("account", "科目"),
    Column("label", "名称"),
    Column("fund_label", "基金"),
    Column("opening_fen", "月初（元）", "yuan"),
    Column("added_fen", "本月增加（元）", "yuan"),
    Column("settled_fen", "本月清算（元）", "yuan"),
    Column("closing_fen", "月末（元）", "yuan"),
)
_ROLE_LINES = (
    f"{ROLES[LOCAL_HERE]}：医院由本地按病组付，也由本地负担，没有往来",
    f"{ROLES[VISITOR_HERE]}：医院由本地按病组付，参保地按项目负担；两者之差留在“异地差额”（正数为参保地多付）",
    f"{ROLES[LOCAL_ELSEWHERE]}：医院由就医地付，本地按项目负担；付给医院多少由就医地定，这里没有数",
)


def role_rows(roles: pa.Table, *keys: str) -> list[dict[str, Any]]:
    """Rows by role summed over some keys besides role and fund, in the order of roles, keys and funds."""
    names = ["role", *keys, "fund"]
    amounts = ("cases", "payable_fen", "item_fen", "difference_fen")
    sums = roles.group_by(names).aggregate([(name, "sum") for name in amounts]).to_pylist()
    rows = [
        {name: row[name] for name in names}
        | {name: row[f"{name}_sum"] for name in amounts}
        | {"role_label": ROLES[row["role"]], "fund_label": fund_of(row["fund"]).label}
        for row in sums
    ]
    order = list(ROLES)
    return sorted(rows, key=lambda row: (order.index(row["role"]), *(row[name] for name in names[1:])))


def write_elsewhere_xlsx(found: Elsewhere, path: Path, *, notices: Sequence[str] = ()) -> None:
    """The month of treatment away from home: by role, by region, by hospital, and the accounts between (S908-01)."""
    title = f"{found.manifest['area_label']}{found.month}异地就医清算表"
    away = found.roles.filter(_not_local(found.roles))
    notes = [*notices, *found.notes, "单位：元"]
    sheets = [
        Sheet("按身份", f"{title} · 按身份", _BY_ROLE, role_rows(found.roles), notes, closing=_SIGN),
        Sheet(
            "按地区",
            f"{title} · 按地区",
            (_BY_ROLE[0], _REGION, *_BY_ROLE[1:]),
            role_rows(away, "region"),
            notes,
            freeze_columns=2,
            empty="本月没有异地就医",
        ),
        Sheet(
            "按机构",
            f"{title} · 按机构",
            (_BY_ROLE[0], _REGION, _INSTITUTION, *_BY_ROLE[1:]),
            role_rows(away, "region", "institution_code"),
            notes,
            freeze_columns=3,
            empty="本月没有异地就医",
        ),
        Sheet("往来与差额", f"{title} · 往来与差额", _STANDINGS, found.standings, notes, empty="账簿里没有异地往来"),
        basis_sheet(title, [*notes, *_ROLE_LINES]),
    ]
    write_workbook(sheets, path, title=title, subject="异地就医清算表")


def _not_local(roles: pa.Table) -> Any:
    import pyarrow.compute as pc

    return pc.not_equal(roles["role"], LOCAL_HERE)


_MEMBERS = (
    Column("fund_label", "基金"),
    Column("institution_code", "机构代码"),
    Column("institution_name", "机构名称"),
    Column("role", "身份"),
    Column("cases", "清单", "count"),
    Column("total_weight_e4", "总权重", "weight"),
    Column("item_pool_fen", "按项目应付\n统筹（元）", "yuan"),
    Column("due_fen", "清算额（元）", "yuan"),
    Column("base_fen", "分配依据（元）", "yuan"),
    Column("share", "占比", "ratio"),
    Column("part_fen", "分得（元）", "yuan"),
    Column("penalty_fen", "减：违约金\n（元）", "yuan"),
    Column("transferred_fen", "减：已拨付\n（元）", "yuan"),
    Column("left_fen", "再拨（负为\n收回，元）", "yuan"),
)
_SUMS = (
    *("cases", "total_weight_e4", "item_pool_fen", "due_fen", "base_fen"),
    *("part_fen", "penalty_fen", "transferred_fen", "left_fen"),
)


def write_alliance_xlsx(
    parts: Sequence[Alliance], manifest: Mapping[str, Any], path: Path, *, notices: Sequence[str] = ()
) -> None:
    """The inner settlement of one alliance: `parts` are its funds (S917-01)."""
    first = parts[0]
    title = f"{manifest['area_label']}{manifest['year']}年度{first.name}内部结算"
    rows, totals = [], []
    for one in parts:
        base = sum(member.base_fen for member in one.members)
        rows += [
            member._asdict()
            | {
                "fund_label": one.fund_label,
                "role": "牵头" if member.is_lead else "成员",
                "share": member.base_fen / base,
            }
            for member in one.members
        ]
        sums = {name: sum(getattr(member, name) for member in one.members) for name in _SUMS}
        totals.append({"fund_label": one.fund_label, "institution_name": "合计", "share": 1.0, **sums})
    sheets = [
        Sheet(
            "内部结算",
            f"{title}",
            _MEMBERS,
            rows,
            [*notices, "单位：元", *(total_line(one) for one in parts)],
            totals,
            ("牵头机构（盖章）：　　　　　　　　　　经办机构（盖章）：", *_SIGN),
            freeze_columns=3,
        ),
        basis_sheet(
            title,
            [
                *notices,
                f"打包总额归牵头机构，按各成员的{BASES[first.base]}分到分，按最大余数，各成员之和等于总额（S917-01）",
                "再拨 = 分得 − 违约金 − 已拨付；由牵头机构内部拨付，医保经办机构只对牵头机构",
                f"清算编号 {manifest['run']}，结果摘要 {manifest['result_digest'][:16]}",
                f"付费办法 {manifest['policy_label']}（{manifest['policy']}）",
                *(f"{one.fund_label}：{note}" for one in parts for note in one.notes),
            ],
        ),
    ]
    write_workbook(sheets, path, title=title, subject="医共体内部结算")


def total_line(one: Alliance) -> str:
    """What the total of an alliance in one fund is against its settlement, in words."""
    what = "结余归医共体" if one.difference_fen >= 0 else "超支由医共体承担"
    document = f"（{one.document}）" if one.document else ""
    total, due, difference, left = (
        yuan_text(fen) for fen in (one.total_fen, one.due_fen, abs(one.difference_fen), one.left_fen)
    )
    told = f"打包总额 {total} 元{document}，各成员清算额合计 {due} 元，{what} {difference} 元"
    return f"{one.fund_label}：{told}；对牵头机构再拨 {left} 元"


def write_reconcile_xlsx(found: Reconciled, month: str, path: Path, *, notices: Sequence[str] = ()) -> None:
    """The five records of a month: days, cases that differ, transfers against fund book and bank (S901-07)."""
    title = f"五方对账 {month}"
    present = {side: label for side, label in SIDES.items() if side not in found.missing}
    missing = [f"没有装载{SIDES.get(side, '到账与记账')}，这一方没有对" for side in found.missing]
    notes = [*notices, *missing]
    counts = tuple(Column(f"{side}_count", "例数", "count", band=label) for side, label in present.items())
    fees = tuple(Column(f"{side}_fee_fen", "总费用（元）", "yuan", band=label) for side, label in present.items())
    pools = tuple(
        Column(f"{side}_pool_fen", "按项目统筹\n（元）", "yuan", band=label) for side, label in present.items()
    )
    amounts = tuple(column for three in zip(counts, fees, pools, strict=True) for column in three)
    place = (_INSTITUTION, Column("day", "结算日"))
    days = [row | {"day": str(row["day"])} for row in found.days.to_pylist()]
    cases = [row | {"day": str(row["day"])} for row in found.cases.slice(0, _LISTED).to_pylist()]
    bank = [
        row | {"fund_label": fund_of(row["fund"]).label, "differs": "不一致" if row["differs"] else "一致"}
        for row in found.bank.to_pylist()
    ]
    sums = {column.name: sum(row[column.name] for row in days) for column in amounts}
    sheets = [
        Sheet(
            "逐日",
            f"{title} · 逐日",
            (*place, *amounts),
            days,
            notes,
            [{"institution_code": "合计", **sums}] if days else [],
            freeze_columns=2,
        ),
        Sheet(
            "不一致的病例",
            f"{title} · 不一致的病例",
            (*place, Column("case_id", "结算号"), Column("between", "哪两方"), *fees, *pools),
            cases,
            notes,
            freeze_columns=3,
            empty="没有不一致的病例",
        ),
        Sheet(
            "拨付与到账",
            f"{title} · 拨付、基金账与银行",
            (
                _INSTITUTION,
                Column("fund_label", "基金"),
                Column("purpose", "用途"),
                Column("payment_fen", "应拨（元）", "yuan"),
                Column("fund_book_fen", "基金账（元）", "yuan"),
                Column("bank_fen", "银行（元）", "yuan"),
                Column("differs", "结果"),
            ),
            bank,
            notes,
            freeze_columns=1,
            empty="没有拨付",
        ),
    ]
    write_workbook(sheets, path, title=title, subject="五方对账")
