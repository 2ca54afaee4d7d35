"""Alliance 医共体打包: one total to the lead institution, divided inside by the results of its members (S917-01)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from tongpin.base.errors import PolicyError
from tongpin.base.money import check_balance, split_fen

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

STANDARD, SETTLEMENT = "standard", "settlement"
BASES: dict[str, str] = {STANDARD: "病组支付标准（权重×费率）", SETTLEMENT: "清算额"}


class Member(NamedTuple):
    """A member of an alliance in one fund, in fen: what it did, what it is due by the clearing, its part of the total.

    `left_fen` = part − penalty − transferred: what the lead still hands on (above zero) or takes back.
    """

    institution_code: str
    institution_name: str
    is_lead: bool
    cases: int
    total_weight_e4: int
    total_fee_fen: int
    item_pool_fen: int
    due_fen: int
    base_fen: int
    part_fen: int
    penalty_fen: int
    transferred_fen: int
    left_fen: int
    balance_fen: int


class Alliance(NamedTuple):
    """An alliance in one fund: its total, the members with their parts, what the lead is still paid, in fen.

    `difference_fen` = total − due: above zero what the package leaves to the alliance, below what it bears itself.
    """

    lead_code: str
    name: str
    fund: str
    fund_label: str
    base: str
    total_fen: int
    due_fen: int
    difference_fen: int
    left_fen: int
    members: tuple[Member, ...]
    document: str
    notes: tuple[str, ...]


def members_of(institutions: Sequence[Mapping[str, Any]], on: date) -> dict[str, str]:
    """The lead of each institution that belongs to an alliance on a day, the lead itself included, by institution."""
    latest: dict[str, Mapping[str, Any]] = {}
    for row in sorted(institutions, key=lambda row: row["valid_from"]):
        if row["valid_from"] <= on:
            latest[row["institution_code"]] = row
    found = {code: row["alliance_lead"] for code, row in latest.items() if row.get("alliance_lead")}
    return found | {lead: lead for lead in found.values()}


def divided(
    agreement: Mapping[str, Any],
    leads: Mapping[str, str],
    places: Sequence[Mapping[str, Any]],
    standards: Mapping[tuple[str, str], int],
    base: str,
) -> Alliance:
    """The total of an alliance in one fund divided to the fen among its members by their results.

    `agreement`: a row of layout `alliance`; `places`: rows of the clearing; `standards`: the payment standards of the
    year by institution and fund, in fen. A member without result gets nothing; PolicyError `ledger.alliance` when no
    member has any, or the lead has no members.
    """
    lead, fund = agreement["lead_code"], agreement["fund"]
    codes = {code for code, one in leads.items() if one == lead}
    own = [row for row in places if row["institution_code"] in codes and row["fund"] == fund]
    results = [
        max(row["due_fen"] if base == SETTLEMENT else standards.get((row["institution_code"], fund), 0), 0)
        for row in own
    ]
    if not any(results):
        raise PolicyError(
            "ledger.alliance",
            f"医共体 {lead} 的基金 {fund} 没有成员的清算结果，总额没有分给谁",
            where="alliance.lead_code",
            hint="检查机构登记表的 alliance_lead 与清算书里的机构",
        )
    parts = split_fen(agreement["total_fen"], results)
    check_balance("ledger.alliance", f"医共体 {lead} 基金 {fund} 总额与各成员之和", agreement["total_fen"], sum(parts))
    members = tuple(
        Member(
            institution_code=row["institution_code"],
            institution_name=row["institution_name"],
            is_lead=row["institution_code"] == lead,
            cases=row["cases"],
            total_weight_e4=row["total_weight_e4"],
            total_fee_fen=row["total_fee_fen"],
            item_pool_fen=row["item_pool_fen"],
            due_fen=row["due_fen"],
            base_fen=result,
            part_fen=part,
            penalty_fen=row["penalty_fen"],
            transferred_fen=row["transferred_fen"],
            left_fen=part - row["penalty_fen"] - row["transferred_fen"],
            balance_fen=row["balance_fen"],
        )
        for row, result, part in zip(own, results, parts, strict=True)
    )
    due = sum(one.due_fen for one in members)
    left = sum(one.left_fen for one in members)
    difference = agreement["total_fen"] - due
    check_balance(
        "ledger.alliance", f"医共体 {lead} 基金 {fund} 应拨", left, difference + sum(one.balance_fen for one in members)
    )
    absent = sorted(codes - {row["institution_code"] for row in own})
    empty = [one.institution_code for one in members if not one.base_fen]
    notes = [f"{len(absent)} 家成员在本年度没有这项基金的清算：{'、'.join(absent)}"] * bool(absent)
    notes += [f"{len(empty)} 家成员的{BASES[base]}不大于零，不参加分配：{'、'.join(empty)}"] * bool(empty)
    return Alliance(
        lead_code=lead,
        name=agreement.get("alliance_name") or lead,
        fund=fund,
        fund_label=own[0]["fund_label"],
        base=base,
        total_fen=agreement["total_fen"],
        due_fen=due,
        difference_fen=difference,
        left_fen=left,
        members=members,
        document=agreement.get("document") or "",
        notes=tuple(notes),
    )
