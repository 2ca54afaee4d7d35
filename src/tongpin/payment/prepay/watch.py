"""Watching prepayments 预付金监测: balance and use by month against the plan, and what calls for a look (S001-44).

Use is what closed months owed the hospital; an offset that was due and has not come is told.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, NamedTuple

from tongpin.base.money import SCALE, round_half_up, yuan
from tongpin.payment.prepay.account import S001, standings
from tongpin.payment.prepay.yearly import use_warnings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tongpin.payment.policy.policy import Policy
    from tongpin.payment.prepay.account import Entry, Taken
    from tongpin.payment.prepay.plan import Plan


class Watched(NamedTuple):
    """A hospital, fund and scheme at the end of a month, in fen and ten-thousandths.

    `overdue_fen`: due back and not come; `used_fen`: owed by the year's closed months; `use_e4`: that over what was
    paid ahead; `plan_e4`: over the planned total; `growth_e4`: over the same months of the year before. None: unknown.
    """

    institution_code: str
    fund: str
    scheme: str
    month: str
    paid_fen: int
    offset_fen: int
    recovered_fen: int
    balance_fen: int
    overdue_fen: int
    used_fen: int | None
    use_e4: int | None
    plan_e4: int | None
    growth_e4: int | None
    alarms: tuple[str, ...]


def watched(
    month: str,
    entries: Sequence[Entry],
    taken: Mapping[tuple[str, str, str], Taken],
    payable: Mapping[tuple[str, str, str], int],
    closed: Sequence[str],
    plan: Plan | None = None,
    rules: Policy | None = None,
) -> list[Watched]:
    """The accounts of an area at the end of a closed month, with the alarms that the plan's edition asks for.

    `payable`: what closed months owed, by institution, fund and month; `plan`, `rules`: of the year of `month`.
    """
    months = [f"{month[:4]}-{number:02d}" for number in range(1, int(month[5:]) + 1)]
    before = [f"{int(one[:4]) - 1}{one[4:]}" for one in months]
    whole, known = set(months) <= set(closed), set(before) <= set(closed)
    totals = {(row.institution_code, row.fund): row.total_fen for row in plan.rows} if plan else {}
    found: list[Watched] = []
    for one in standings(entries, taken, month):
        place = (one.institution_code, one.fund)
        used = sum(payable.get((*place, when), 0) for when in months) if whole else None
        last = sum(payable.get((*place, when), 0) for when in before) if known else 0
        growth = round_half_up((used - last) * SCALE, last) if used is not None and last > 0 else None
        yearly = one.scheme == S001
        alarms = [f"到期未冲抵 {yuan(one.due_fen)} 元"] * bool(one.due_fen and month in closed)
        if yearly and used is not None and rules is not None:
            alarms += _use(rules, month, used, one.paid_fen, growth, one.fund)
        found.append(
            Watched(
                *place,
                one.scheme,
                month,
                one.paid_fen,
                one.offset_fen,
                one.recovered_fen,
                one.balance_fen,
                one.due_fen,
                used,
                _share(used, one.paid_fen if yearly else 0),
                _share(used, totals.get(place, 0)),
                growth,
                tuple(alarms),
            )
        )
    return found


def _share(part: int | None, whole: int) -> int | None:
    return None if part is None or whole <= 0 else round_half_up(part * SCALE, whole)


def _use(rules: Policy, month: str, used: int, paid: int, growth: int | None, fund: str) -> list[str]:
    on = date.fromisoformat(f"{month}-01")
    if growth is not None:
        return list(use_warnings(rules, on, used_fen=used, paid_fen=paid, growth_e4=growth, fund=fund))
    use = _share(used, paid)
    if use is None or use <= rules.scaled("prepay.use_warning", on, fund=fund):
        return []
    return [f"预付资金已用 {use / 100:.2f} %；上年同期没有全部关账，增长是否过快不能判断"]
