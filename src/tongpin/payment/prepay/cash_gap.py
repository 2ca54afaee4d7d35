"""The cash gap 资金缺口 of a hospital, and the loan that would bridge it: amount, term, interest (S001-72)."""

from __future__ import annotations

from decimal import InvalidOperation
from typing import TYPE_CHECKING, NamedTuple

from tongpin.base.errors import PolicyError
from tongpin.base.money import SCALE, check_balance, parse_yuan, round_half_up, split_fen
from tongpin.payment.prepay.account import month_after
from tongpin.payment.prepay.spending import PERIOD, read_rows

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

MONTHS = 12
FLOW_COLUMNS = ("institution_code", "month", "opening", "inflow", "outflow")


class Flows(NamedTuple):
    """The cash of a hospital as it expects it without prepayments, in fen: the opening, and in − out by month."""

    institution_code: str
    opening_fen: int
    months: tuple[str, ...]
    flows_fen: tuple[int, ...]


class Gap(NamedTuple):
    """The cash of a hospital month by month, in fen, and the largest amount by which it falls below the minimum."""

    balances_fen: tuple[int, ...]
    gap_fen: int
    deepest_month: int | None


class Instalment(NamedTuple):
    """One month of a loan, in fen: principal, interest, and what is still owed afterwards."""

    principal_fen: int
    interest_fen: int
    owed_fen: int


def cash_gap(opening_fen: int, flows_fen: Sequence[int], minimum_fen: int = 0) -> Gap:
    """The gap of a hospital whose cash opens with an amount and moves by `flows_fen` (in − out, month by month).

    `deepest_month` counts from 0, None without a gap.
    """
    balances, held = [], opening_fen
    for flow in flows_fen:
        held += flow
        balances.append(held)
    lowest = min(balances, default=opening_fen)
    gap = max(minimum_fen - lowest, 0)
    return Gap(tuple(balances), gap, balances.index(lowest) if gap else None)


def loan_plan(principal_fen: int, months: int, yearly_rate_e4: int) -> tuple[Instalment, ...]:
    """A loan repaid in equal parts of principal each month, interest on what is owed, rounded to the fen each month.

    `yearly_rate_e4`: simple yearly interest in ten-thousandths (435 = 4.35 %); a twelfth is charged each month.
    """
    if months < 1:
        raise ValueError("the term of a loan is at least one month")
    plan, owed = [], principal_fen
    for part in split_fen(principal_fen, [1] * months):
        interest = round_half_up(owed * yearly_rate_e4, SCALE * MONTHS)
        owed -= part
        plan.append(Instalment(part, interest, owed))
    check_balance("prepay.loan", "贷款与各期本金之和", principal_fen, sum(one.principal_fen for one in plan))
    return tuple(plan)


def read_flows(path: Path) -> list[Flows]:
    """The cash flows of a CSV file (`FLOW_COLUMNS`, yuan) by hospital; the first month of each names its opening.

    PolicyError `prepay.file` names the line.
    """

    def refuse(line: int, message: str, hint: str) -> PolicyError:
        return PolicyError("prepay.file", message, where=f"{path} 第 {line} 行", hint=hint)

    found: dict[str, Flows] = {}
    for line, row in read_rows(path, FLOW_COLUMNS):
        code, month = row["institution_code"], row["month"]
        held = found.get(code)
        if not code or not PERIOD.fullmatch(month) or len(month) == len("2026"):
            raise refuse(line, "机构或月份不对", "月份写成 2026-01，机构代码要填")
        if held is None and not row["opening"]:
            raise refuse(line, f"机构 {code} 的第一个月没有期初资金", "在 opening 写期初资金，以后各月留空")
        if held is not None and (row["opening"] or month != month_after(held.months[-1], 1)):
            raise refuse(line, f"机构 {code} 的月份不连续，或又写了期初", "逐月连着写，期初只写在第一个月")
        try:
            flow = parse_yuan(row["inflow"]) - parse_yuan(row["outflow"])
            opening = held.opening_fen if held else parse_yuan(row["opening"])
        except (ValueError, InvalidOperation):
            raise refuse(line, "金额不对", "以元为单位，至多两位小数") from None
        before = held or Flows(code, opening, (), ())
        found[code] = Flows(code, opening, (*before.months, month), (*before.flows_fen, flow))
    return list(found.values())
