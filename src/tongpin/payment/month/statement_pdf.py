"""The 月度支付情况表 on A4: one document for each hospital with its funds side by side, capitals, digests, seams.

Sources: S004-12, S919-01.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tongpin.payment.month.statement_columns import method_of_manifest, statement_basis, statement_columns
from tongpin.report.pdf import Paper, Ruled, write_papers
from tongpin.report.words import capital_amount, count_text, month_text, number_text, percent_text, yuan_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import pyarrow as pa

    from tongpin.report.pdf import Picture

SPACE = "　" * 6
SIGNATURES = (
    f"经办：{SPACE}审核：{SPACE}复审：{SPACE}审批：{SPACE}",
    f"经办机构（盖章）：{SPACE}{SPACE}医疗机构（盖章）：{SPACE}日期：{SPACE}",
)
_LEFT_OUT = frozenset(
    {"month", "institution_code", "institution_name", "hospital_level", "pay_mode_label", "fund", "fund_label"}
)
_NO_SUM = frozenset({"cmi_e4", "settlement_ratio"})
_ALWAYS = frozenset({"cases", "item_pool_fen", "pool_payable_fen", "month_pool_payable_fen", "cash_transfer_fen"})
"""Lines that stand on the paper even where every fund has nothing in them."""


def write_statement_pdf(
    statement: pa.Table, manifest: Mapping[str, Any], path: Path, *, notices: Sequence[str] = ()
) -> int:
    """Write the statement of every hospital in `statement` (`STATEMENT_SCHEMA`) to `path`; how many there are.

    Amounts in 元; lines in which no fund has anything are left out, those of the transfer never.
    """
    title = f"{manifest['area_label']}{month_text(manifest['month'])}医保支付情况表"
    hospitals: dict[str, list[dict[str, Any]]] = {}
    for row in statement.sort_by([("institution_code", "ascending"), ("fund", "ascending")]).to_pylist():
        hospitals.setdefault(row["institution_code"], []).append(row)
    papers = [_paper(rows, title, manifest, notices) for rows in hospitals.values()]
    write_papers(papers, path, title=title)
    return len(papers)


def _paper(rows: Sequence[Mapping[str, Any]], title: str, manifest: Mapping[str, Any], notices: Sequence[str]) -> Paper:
    first = rows[0]
    place = f"{first['institution_name']}（{first['institution_code']}）　{first['hospital_level']}"
    heading = [f"医疗机构：{place}　{first['pay_mode_label'] or ''}", *notices]
    method = method_of_manifest(manifest)
    lines = []
    for column in statement_columns(method):
        if column.name in _LEFT_OUT:
            continue
        values = [row[column.name] for row in rows]
        if column.name in _ALWAYS or any(values):
            total = None if column.name in _NO_SUM else sum(value or 0 for value in values)
            shown = [_text(value, column.kind) for value in values]
            lines.append((column.title, *shown, *([_text(total, column.kind)] if len(rows) > 1 else [])))
    heads = ("项目", *(str(row["fund_label"]) for row in rows), *(["合计"] if len(rows) > 1 else []))
    amounts = Ruled(heads, (4.2, *([2.2] * (len(heads) - 1))), lines, frozenset(range(1, len(heads))))
    cash = sum(row["cash_transfer_fen"] for row in rows)
    what = "托收" if cash < 0 else "拨付"
    capitals = f"本月{what}（大写）：{capital_amount(abs(cash))}　（小写）：{yuan_text(abs(cash))} 元"
    digests = f"付费办法摘要 {manifest['policy_digest'][:16]}　结果摘要 {manifest['result_digest'][:16]}"
    # The paper names how many values are assumed; which ones, and notes on the whole area, stand in the workbook.
    basis = statement_basis({**manifest, "assumed": [], "notes": []})
    count = len(manifest["assumed"])
    if count:
        basis.append(f"没有文件确认、按假定取值的参数 {count} 项，凡用到者为模拟；逐项见支付情况表工作簿")
    parts: list[str | Ruled | Picture] = ["单位：元；权重与 CMI 四位小数", amounts, *basis]
    return Paper(title, heading, parts, (capitals, *SIGNATURES), f"{manifest['area']}/{manifest['month']}　{digests}")


def _text(value: float | None, kind: str) -> str:
    if kind == "ratio":
        return percent_text(value)
    if kind == "weight":
        return number_text(None if value is None else value / 10_000, 4)
    if kind in {"wan", "yuan"}:
        return yuan_text(None if value is None else int(value))
    return count_text(None if value is None else int(value))
