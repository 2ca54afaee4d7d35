"""The 清算书 in words: for each hospital its funds, every step with its reason, the balance in capitals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from tongpin.payment.month.statement_columns import in_method_words, method_of_manifest
from tongpin.payment.year.shares import share_schemes, shared_out
from tongpin.payment.year.state import CHANGES
from tongpin.report.words import capital_amount, count_text, percent_text, yuan_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from tongpin.payment.year.clear import Clearing

SPACE = "　" * 6
SIGNATURES = (
    f"经办：{SPACE}复核：{SPACE}审批：{SPACE}日期：{SPACE}",
    f"经办机构（盖章）：{SPACE}{SPACE}医疗机构（盖章）：{SPACE}",
)
"""Maker, checker and approver are three hands (S003-17)."""

SUMMARY: tuple[tuple[str, str], ...] = (
    ("posted_fen", "月结应付统筹（全年，含补传、红冲、蓝补）"),
    ("audit_fen", "减：审核扣款"),
    *((name, f"第 {label.split()[0]} 步：{label.split()[1]}") for name, label in CHANGES.items()),
    ("due_fen", "清算额"),
    ("penalty_fen", "减：违约金"),
    ("cash_fen", "已拨付：月度拨付"),
    ("advance_fen", "已拨付：预付金与即时结算冲抵"),
    ("direct_drug_fen", "已拨付：代付货款"),
    ("balance_fen", "补付（负数为收回）"),
)
"""The amounts of a place in the order of the 清算书."""


INPUTS = {"decision": "决定", "agreement": "协议考核表", "last_year": "上年各院的数"}
"""What a clearing takes besides its months, by the names of the manifest."""


class Apart(NamedTuple):
    """A line of a 清算书 that is settled apart from the clearing, such as 集采结余留用 (S907-04); fen."""

    institution_code: str
    label: str
    formula: str
    amount_fen: int
    source: str


class Letter(NamedTuple):
    """What is told to one hospital: who it is, its places (one per fund), the reasons and next year's base of each."""

    institution_code: str
    institution_name: str
    places: tuple[Mapping[str, Any], ...]
    reasons: tuple[Sequence[Mapping[str, Any]], ...]
    bases: tuple[Mapping[str, Any] | None, ...] = ()
    apart: tuple[Apart, ...] = ()

    @property
    def balance_fen(self) -> int:
        """What is still paid (above zero) or returned over all its funds."""
        return sum(place["balance_fen"] for place in self.places)


def letters(clearing: Clearing, apart: Sequence[Apart] = ()) -> list[Letter]:
    """One letter for each hospital of a clearing, with what is settled apart with it."""
    bases = {(row["institution_code"], row["fund"]): row for row in clearing.bases.to_pylist()}
    reasons: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for row in clearing.reasons.sort_by("place").to_pylist():
        reasons.setdefault((row["institution_code"], row["fund"]), []).append(row)
    places: dict[str, list[Mapping[str, Any]]] = {}
    for row in clearing.places.to_pylist():
        places.setdefault(row["institution_code"], []).append(row)
    return [
        Letter(
            code,
            own[0]["institution_name"],
            tuple(own),
            tuple(reasons.get((code, place["fund"]), []) for place in own),
            tuple(bases.get((code, place["fund"])) for place in own),
            tuple(one for one in apart if one.institution_code == code),
        )
        for code, own in places.items()
    ]


def capital_line(balance_fen: int) -> str:
    """The balance in capitals and figures: 补付 above zero, 收回 below."""
    what = "收回" if balance_fen < 0 else "补付"
    return f"本次{what}（大写）：{capital_amount(abs(balance_fen))}　（小写）：{yuan_text(abs(balance_fen))} 元"


def place_lines(place: Mapping[str, Any], manifest: Mapping[str, Any]) -> list[str]:
    """What stands above the table of a fund: cases, band, coefficient, grade, and how a surplus would be shared."""
    cases = f"清单 {count_text(place['cases'])} 份，其中按病组付费 {count_text(place['drg_cases'])} 份"
    cases = in_method_words(cases, method_of_manifest(manifest))
    item_pool = f"按项目应付统筹 {yuan_text(place['item_pool_fen'])} 元"
    lines = [f"{cases}；总费用 {yuan_text(place['total_fee_fen'])} 元；{item_pool}"]
    ratio = place["band_ratio_e4"]
    if ratio is not None:
        near = f"；临近分档界限：{place['near_edge']}" if place["near_edge"] else ""
        lines.append(f"按项目应付 ÷ 应付 = {percent_text(ratio / 10_000)}{near}")
    if place["coefficient_e4"] is not None:
        lines.append(f"考核得分 {place['score_e4'] / 10_000:.2f}，考核系数 {place['coefficient_e4'] / 10_000:.4f}")
    if place["grade"]:
        rating = f"，信用评级 {place['credit_rating']}" if place["credit_rating"] else ""
        lines.append(f"最近一次公布的国考等级：{place['grade']}（{place['grade_year']} 年度）{rating}")
    return [*lines, *_shared(place["surplus_fen"], manifest)]


def base_line(base: Mapping[str, Any], year: int) -> str:
    """Next year's base and why (S001-49)."""
    how = f"本年清算额 {yuan_text(base['base_fen'])} 元 × {1 + base['uplift_e4'] / 10_000:.4f}"
    return f"{year + 1} 年度基数 {yuan_text(base['next_fen'])} 元 = {how}；{base['reason']}（S001-49）"


def rate_lines(rates: Iterable[Mapping[str, Any]]) -> list[str]:
    """The rates and point values that step 10 recomputed, one line each."""
    return [
        f"{row['fund_label']}{row['hospital_level'] or ''}每{row['unit_label']} {row['value_e4'] / 1_000_000:,.4f} 元"
        f" = {row['formula']}：最终预算 {yuan_text(row['budget_fen'])} 元，先扣 {yuan_text(row['kept_fen'])} 元，"
        f"{row['unit_label']}合计 {row['units_e4'] / 10_000:,.4f}，付出 {yuan_text(row['paid_fen'])} 元，"
        f"尾差 {yuan_text(row['residue_fen'])} 元"
        for row in rates
    ]


def _shared(surplus_fen: int, manifest: Mapping[str, Any]) -> list[str]:
    """The parts of a surplus or overspend by the scheme that the edition names; nothing without one."""
    scheme = manifest["shares"]["surplus" if surplus_fen >= 0 else "overspend"]
    if scheme == "none" or not surplus_fen:
        return []
    parts = "，".join(f"{part.label} {yuan_text(part.amount_fen)} 元" for part in shared_out(scheme, abs(surplus_fen)))
    return [f"{share_schemes()[scheme].label}（{share_schemes()[scheme].reference}）：{parts}"]


def basis_lines(manifest: Mapping[str, Any]) -> list[str]:
    """What a clearing rests on: edition, digests, months, inputs, notes, assumed values."""
    assumed = manifest["assumed"]
    inputs = "；".join(f"{INPUTS[name]}摘要 {digest[:16]}" for name, digest in manifest["inputs"].items())
    lines = [
        f"清算编号：{manifest['run']}；结果摘要 {manifest['result_digest'][:16]}；同频 {manifest['version']}",
        f"付费办法：{manifest['policy_label']}（{manifest['policy']}），摘要 {manifest['policy_digest'][:16]}",
        f"所依据的月结：{'、'.join(manifest['months'])}",
        f"所依据的其他数据：{inputs}",
        *(f"说明：{note}" for note in manifest["notes"]),
    ]
    if assumed:
        where = f"逐项见 tongpin policy explain {manifest['policy']}"
        lines.append(f"没有文件确认、按假定取值的参数 {len(assumed)} 项，凡用到者为模拟；{where}")
    return lines
