"""Which lines a clearing takes 清算范围, and what of the months was already transferred for them.

Every posted line is cleared in exactly one year: its own by `year_by` (S900-02, TV-P2), or, when it was posted after
that year's last period, the year in which it was posted. The 13th period lengthens a year into the next one.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tongpin.base.money import check_balance, round_half_up
from tongpin.payment.policy.lookup import coded
from tongpin.payment.policy.period import clearing_years

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

    from tongpin.payment.policy.policy import Policy

MONTHS = 12
_ADVANCES = ("prepay_offset_fen", "instant_advance_fen")


class Paid(NamedTuple):
    """What the months did for a hospital and fund, in fen: withheld, and transferred in money or on its behalf.

    `floor_fen`: what a month's floor added to the sum of its lines; `debt_fen`: debts made minus debts claimed.
    """

    audit_fen: int = 0
    penalty_fen: int = 0
    deposit_fen: int = 0
    cash_fen: int = 0
    advance_fen: int = 0
    direct_drug_fen: int = 0
    floor_fen: int = 0
    debt_fen: int = 0

    def plus(self, **amounts: int) -> Paid:
        """The same with amounts added."""
        return self._replace(**{name: getattr(self, name) + amount for name, amount in amounts.items()})


def last_period(policy: Policy, year: int) -> str:
    """The last month (`YYYY-MM`) whose lines may still belong to a clearing year (13th period, family 10)."""
    on = date(year, 12, 31)
    if not policy.value("calendar.thirteenth_period", on):
        return f"{year}-12"
    end: str = policy.value("calendar.thirteenth_period_end", on)
    return f"{year + 1}-{end[:2]}"


def cleared_in(lines: pa.Table, policy: Policy) -> npt.NDArray[np.int64]:
    """The year in which each posted line is cleared."""
    own = clearing_years(lines, policy)
    codes, names = coded(lines["period"])
    months = np.array([_month_number(name) for name in names], np.int64)[codes]
    posted = months // MONTHS
    late = own < posted
    limit = np.zeros(len(posted), np.int64)
    for year in np.unique(posted[late]).tolist():
        limit[posted == year] = _month_number(last_period(policy, year - 1))
    return np.where(late, np.where(months <= limit, posted - 1, posted), own)


def _month_number(month: str) -> int:
    return int(month[:4]) * MONTHS + int(month[5:]) - 1


def with_payees(table: pa.Table, payees: Mapping[str, str]) -> pa.Table:
    """The table with the payee's code in place of each institution's."""
    if not payees:
        return table
    codes = table["institution_code"]
    names = pa.array(list(payees), pa.string())
    place = pc.index_in(codes, value_set=names)
    mapped = pc.coalesce(pc.take(pa.array(list(payees.values()), pa.string()), place), codes)
    return table.set_column(table.column_names.index("institution_code"), "institution_code", mapped)


def paid_in_months(
    lines: pa.Table, years: npt.NDArray[np.int64], statements: pa.Table, year: int
) -> dict[tuple[str, str], Paid]:
    """What was withheld and transferred for the lines that a year clears, by hospital and fund.

    `lines`: every line of the months of `statements`; `years`: the year that clears each. Deductions belong to the
    year of their month. A month that pays lines of two years splits its deposit in proportion to their payable.
    """
    keyed = lines.select(["institution_code", "fund", "period", "pool_payable_fen"]).append_column(
        "year", pa.array(years)
    )
    units: dict[tuple[str, str, str], dict[int, int]] = {}
    sums = keyed.group_by(["institution_code", "fund", "period", "year"]).aggregate([("pool_payable_fen", "sum")])
    for row in sums.to_pylist():
        place = (row["institution_code"], row["fund"], row["period"])
        units.setdefault(place, {})[row["year"]] = row["pool_payable_fen_sum"]
    found: dict[tuple[str, str], Paid] = {}
    for row in statements.to_pylist():
        owner = (row["institution_code"], row["fund"])
        held = units.pop((*owner, row["month"]), {})
        found[owner] = _month(found.get(owner, Paid()), row, held, year)
    for (code, fund, month), held in units.items():
        check_balance("clear.statement", f"机构 {code} 基金 {fund} {month} 没有支付情况表，明细", 0, sum(held.values()))
    return found


def _month(paid: Paid, row: Mapping[str, Any], held: Mapping[int, int], year: int) -> Paid:
    """One row of a statement, added to what a year has received."""
    own = int(row["month"][:4])
    total = sum(held.values())
    deposits = _split_by_year(row["deposit_fen"], held, own)
    floor = row["month_pool_payable_fen"] + row["month_floored_fen"] - row["floor_recovered_fen"] - total
    if own == year:
        paid = paid.plus(
            audit_fen=row["audit_deduction_fen"],
            penalty_fen=row["penalty_fen"],
            cash_fen=row["cash_transfer_fen"],
            advance_fen=sum(row[name] for name in _ADVANCES) - row["waiting_fen"],
            direct_drug_fen=row["direct_drug_fen"],
            floor_fen=floor,
            debt_fen=row["debt_fen"] - row["carried_debt_fen"],
            deposit_fen=deposits.get(own, 0),
        )
        # What this month paid for lines of other years is theirs.
        for other, payable in held.items():
            if other != own:
                paid = paid.plus(cash_fen=deposits[other] - payable)
    elif year in held:
        paid = paid.plus(deposit_fen=deposits[year], cash_fen=held[year] - deposits[year])
    return paid


def _split_by_year(deposit: int, held: Mapping[int, int], own: int) -> dict[int, int]:
    """The deposit of a month by the year of its lines; what rounding leaves stays with the month's own year."""
    total = sum(held.values())
    parts = {
        year: (round_half_up(deposit * payable, total) if total > 0 else 0)
        for year, payable in held.items()
        if year != own
    }
    return {**parts, own: deposit - sum(parts.values())}
