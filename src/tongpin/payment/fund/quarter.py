"""A quarter of the funds 基金季度运行: income, spending, balance, execution of the budget, months payable, alerts.

Figures need no parameter; a verdict (alert, red or yellow line) needs the edition's value, and where the edition leaves
it open the verdict stays open and is named.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any, NamedTuple

from tongpin.base.errors import PolicyError
from tongpin.base.money import check_balance
from tongpin.payment.fund.figures import growth, months_payable, share
from tongpin.payment.fund.series import a_year_before, month_after, quarter_months, year_months
from tongpin.payment.policy.vocabulary import KNOWN

if TYPE_CHECKING:
    from collections.abc import Sequence
    from decimal import Decimal

    from tongpin.payment.fund.series import Fund
    from tongpin.payment.policy.policy import Policy

RED, YELLOW, CALM = "red", "yellow", "calm"
LIGHTS: dict[str, str] = {RED: "低于红线", YELLOW: "低于黄线", CALM: "线上"}


class FundQuarter(NamedTuple):
    """A fund over a span of months, amounts in fen, ratios as decimals; None where the series cannot say.

    `over`: the deviation of spending from its budget, in words, when it is beyond the edition's limit; `light`: a key
    of `LIGHTS`, None where the edition leaves the lines open.
    """

    region: str
    fund: str
    fund_label: str
    span: str
    enrolled_count: int | None
    enrolled_growth: Decimal | None
    income_fen: int
    income_growth: Decimal | None
    spending_fen: int
    spending_growth: Decimal | None
    result_fen: int
    balance_fen: int | None
    income_rate: Decimal | None
    spending_rate: Decimal | None
    over: str
    months_payable: Decimal | None
    light: str | None
    events: str


class Verdicts:
    """The values of an edition on a day by which figures are judged; what it leaves open is remembered by key."""

    def __init__(self, policy: Policy, on: date) -> None:
        self.policy, self.on = policy, on
        self.open: dict[str, str] = {}
        self.used: dict[str, None] = {}

    def value(self, key: str, **dimensions: str) -> Any:
        """The value of a parameter, or None where the edition leaves it open."""
        try:
            found = self.policy.value(key, self.on, **dimensions)
        except PolicyError as error:
            if error.code != "policy.gap":
                raise
            self.open[key] = f"{KNOWN[key].label}：{error.message}"
            return None
        self.used[key] = None
        return found


def last_day(month: str) -> date:
    """The last day of a month, on which the values of a quarter's verdicts stand."""
    following = month_after(month, 1)
    return date.fromordinal(date(int(following[:4]), int(following[5:]), 1).toordinal() - 1)


def quarter_rows(funds: Sequence[Fund], quarter: str, verdicts: Verdicts) -> list[FundQuarter]:
    """Every fund over the quarter and over the year so far, funds in their order (S003-03, S003-05, S913-01).

    PolicyError `fund.missing` when a month of the quarter is not in a fund's series.
    """
    months = quarter_months(quarter)
    year = int(months[0][:4])
    until = int(months[-1][5:])
    spans: dict[tuple[str, ...], str] = {months: f"{year}年第{quarter[-1]}季度"}
    spans.setdefault(year_months(year, until), f"{year}年1至{until}月")
    rows: list[FundQuarter] = []
    for fund in funds:
        lacking = [month for month in months if month not in fund.months]
        if lacking:
            raise PolicyError(
                "fund.missing",
                f"{fund.label}缺少 {'、'.join(lacking)} 的收支",
                where=f"fund-series {fund.region} {fund.fund}",
                hint="装载这几个月的基金收支，或换一个季度",
            )
        rows += [span_row(fund, label, span, verdicts) for span, label in spans.items() if fund.has(span)]
    return rows


def month_rows(funds: Sequence[Fund], months: Sequence[str], verdicts: Verdicts) -> list[FundQuarter]:
    """Every fund over each of these months that its series holds: the monthly execution of the budget (S003-03)."""
    return [span_row(fund, month, (month,), verdicts) for fund in funds for month in months if month in fund.months]


def span_row(fund: Fund, label: str, months: Sequence[str], verdicts: Verdicts) -> FundQuarter:
    """A fund over a span of months that its series holds; balance and insured are those of the last month."""
    before = a_year_before(months)
    income, spending = fund.total("income_fen", months), fund.total("spending_fen", months)
    if income is None or spending is None:
        raise PolicyError("fund.missing", f"{fund.label}{label}的收支不全", where=fund.fund, hint="补上缺少的月份")
    result = sum(fund.months[month].income_fen - fund.months[month].spending_fen for month in months)
    check_balance("fund.result", f"{fund.label}{label}收入减支出与各月结余之和", income - spending, result)
    budget, budgeted = (fund.total(f"budget_{name}_fen", months) for name in ("spending", "income"))
    rate = None if budget is None else share(spending, budget)
    enrolled, enrolled_before = (fund.total("enrolled_count", [month]) for month in (months[-1], before[-1]))
    payable, light = reserve(fund, months[-1], verdicts)
    last_income, last_spending = fund.total("income_fen", before), fund.total("spending_fen", before)
    return FundQuarter(
        fund.region,
        fund.fund,
        fund.label,
        label,
        enrolled,
        None if enrolled is None or enrolled_before is None else growth(enrolled, enrolled_before),
        income,
        None if last_income is None else growth(income, last_income),
        spending,
        None if last_spending is None else growth(spending, last_spending),
        result,
        fund.months[months[-1]].balance_fen,
        None if budgeted is None else share(income, budgeted),
        rate,
        deviation(rate, verdicts.value("fund.execution.alert", fund_type=fund.fund)),
        payable,
        light,
        "；".join(event for month in months if (event := fund.months[month].event)),
    )


def deviation(rate: Decimal | None, limit: Decimal | None) -> str:
    """How far the execution is off its budget, in words; empty within the limit, or where either is unknown (S003-03).

    Exactly at the limit there is no alert.
    """
    if rate is None or limit is None or abs(rate - 1) <= limit:
        return ""
    return f"支出{'超出' if rate > 1 else '低于'}预算 {abs(rate - 1) * 100:.2f}%"


def reserve(fund: Fund, month: str, verdicts: Verdicts) -> tuple[Decimal | None, str | None]:
    """The months payable at the end of a month and the line that they are below (S913-01).

    The mean is over as many months as the edition says (`fund.months.mean_of`). PolicyError `fund.lines` when the
    yellow line is below the red one. Exactly on a line is not below it.
    """
    count = verdicts.value("fund.months.mean_of", fund_type=fund.fund)
    red = verdicts.value("fund.months.red", fund_type=fund.fund)
    yellow = verdicts.value("fund.months.yellow", fund_type=fund.fund)
    if red is not None and yellow is not None and yellow < red:
        raise PolicyError(
            "fund.lines",
            f"黄线 {yellow} 个月低于红线 {red} 个月",
            where="fund.months.yellow",
            hint="黄线写得不低于红线",
        )
    balance = fund.months[month].balance_fen
    if count is None or balance is None:
        return None, None
    spending = fund.total("spending_fen", [month_after(month, -back) for back in range(count)])
    payable = None if spending is None else months_payable(balance, spending, count)
    if payable is None or red is None or yellow is None:
        return payable, None
    return payable, RED if payable < red else YELLOW if payable < yellow else CALM
