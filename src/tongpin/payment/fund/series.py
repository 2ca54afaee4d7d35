"""The fund series 基金收支: months of a fund as they were loaded, their sums over a span, and what does not fit."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from tongpin.base.errors import PolicyError
from tongpin.base.findings import Finding
from tongpin.base.money import yuan
from tongpin.records.formats.tables import code_words

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import pyarrow as pa

SERIES = "fund_series"
"""The table of the lake that holds the layout `fund-series`."""
_QUARTER = re.compile(r"(\d{4})Q([1-4])")
_MONTHS = 12


class FundMonth(NamedTuple):
    """A month of a fund: amounts in fen, None where the series leaves them open."""

    month: str
    income_fen: int
    spending_fen: int
    inpatient_spending_fen: int | None
    balance_fen: int | None
    enrolled_count: int | None
    budget_income_fen: int | None
    budget_spending_fen: int | None
    event: str | None


class Fund(NamedTuple):
    """A fund of a region with its months by name (`YYYY-MM`), in their order; `label` is its Chinese name."""

    region: str
    fund: str
    label: str
    months: dict[str, FundMonth]

    def has(self, months: Sequence[str]) -> bool:
        """Whether every one of these months is in the series."""
        return all(month in self.months for month in months)

    def total(self, name: str, months: Sequence[str]) -> int | None:
        """The sum of an amount over months, in fen; None when a month or its amount is missing."""
        found = [getattr(self.months[month], name) for month in months if month in self.months]
        known = [amount for amount in found if amount is not None]
        return sum(known) if len(known) == len(months) else None


def read_series(table: pa.Table) -> list[Fund]:
    """The funds of a loaded `fund-series` table by region and fund; PolicyError `fund.empty` when there is none."""
    if not table.num_rows:
        raise PolicyError(
            "fund.empty", "没有装载基金收支", where="fund-series", hint="用 tongpin load 装载基金收支（fund-series）"
        )
    funds: dict[tuple[str, str], Fund] = {}
    order = [("region", "ascending"), ("fund", "ascending"), ("month", "ascending")]
    for row in table.sort_by(order).to_pylist():
        key = row["region"], row["fund"]
        label = code_words("fund_pay_type").get(row["fund"], row["fund"])
        fund = funds.setdefault(key, Fund(*key, label, {}))
        fund.months[row["month"]] = FundMonth(**{name: row[name] for name in FundMonth._fields})
    return list(funds.values())


def series_findings(funds: Iterable[Fund]) -> list[Finding]:
    """Where a balance is not the balance before plus income minus spending, or a month is left out between two."""
    found: list[Finding] = []
    for fund in funds:
        for before, now in pairwise(fund.months.values()):
            where = f"{fund.region} {fund.label}"
            if now.month != month_after(before.month, 1):
                found.append(
                    Finding(
                        "fund.gap",
                        "warning",
                        where,
                        0,
                        "month",
                        now.month,
                        f"{before.month} 之后缺月份，跨缺口的同比与月均不算",
                        "补上缺少月份的基金收支",
                    )
                )
            elif before.balance_fen is not None and now.balance_fen is not None:
                due = before.balance_fen + now.income_fen - now.spending_fen
                if due != now.balance_fen:
                    found.append(
                        Finding(
                            "fund.balance",
                            "warning",
                            where,
                            0,
                            f"balance {now.month}",
                            yuan(now.balance_fen),
                            f"上月结余加收入减支出为 {yuan(due)} 元，差 {yuan(now.balance_fen - due)} 元",
                            "核对该月收支与累计结余；有调整的写明来源文件",
                        )
                    )
    return found


def short_code(fund: str) -> str:
    """The fund of posted lines (310) that a national fund code (310100) stands for: its insurance."""
    return fund[:3]


def in_region(place: str | None, region: str) -> bool | None:
    """Whether a region code lies in a region (county in its city); None where it is not known."""
    while region.endswith("00"):
        region = region[:-2]
    return place.startswith(region) if place else None


def month_after(month: str, count: int) -> str:
    """The month so many months later (earlier when below zero), `YYYY-MM`."""
    number = int(month[:4]) * _MONTHS + int(month[5:]) - 1 + count
    return f"{number // _MONTHS:04d}-{number % _MONTHS + 1:02d}"


def quarter_months(quarter: str) -> tuple[str, str, str]:
    """The months of a quarter such as `2025Q2`; PolicyError `fund.quarter` for other texts."""
    found = _QUARTER.fullmatch(quarter)
    if found is None:
        raise PolicyError("fund.quarter", f"季度“{quarter}”不对", hint="写成 2025Q2")
    first = f"{found[1]}-{int(found[2]) * 3 - 2:02d}"
    return first, month_after(first, 1), month_after(first, 2)


def year_months(year: int, until: int = _MONTHS) -> tuple[str, ...]:
    """The months of a year, up to and with the month of number `until`."""
    return tuple(f"{year}-{number:02d}" for number in range(1, until + 1))


def a_year_before(months: Sequence[str]) -> tuple[str, ...]:
    """The same months of the year before."""
    return tuple(month_after(month, -_MONTHS) for month in months)
