"""Execution into the assessment 预算执行率计入考核: lines of the agreement sheet that the clearing reads (S003-03)."""

from __future__ import annotations

import csv
from datetime import date
from decimal import Decimal, InvalidOperation
from io import StringIO
from typing import TYPE_CHECKING, Any, NamedTuple

from tongpin.base.errors import PolicyError
from tongpin.base.money import SCALE, parse_yuan, round_half_up, yuan
from tongpin.payment.fund.series import year_months
from tongpin.payment.month.closed import area_of, closed_months, statements
from tongpin.payment.policy.library import open_policy

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tongpin.payment.policy.policy import Policy
    from tongpin.store.home import Home

BUDGET_COLUMNS = ("institution_code", "fund", "year", "budget", "document")
SHEET_COLUMNS = ("institution_code", "year", "clause", "evidence", "deduction", "checked_on")
"""What `tongpin clear --agreement` reads."""

DEDUCTION = "fund.assess.deduction"


class HospitalBudget(NamedTuple):
    """The agreed budget of a hospital and fund for a year, in fen, and the paper it stands in."""

    institution_code: str
    fund: str
    year: int
    budget_fen: int
    document: str


class Execution(NamedTuple):
    """A hospital and fund: budget, what its closed months paid, the rate of execution, and the points it costs.

    Amounts in fen, the rate in ten-thousandths; `deduction` in points.
    """

    institution_code: str
    institution_name: str
    fund: str
    fund_label: str
    budget_fen: int
    spent_fen: int
    rate_e4: int
    deduction: Decimal
    document: str

    def evidence(self, months: int) -> str:
        """Why the points are deducted, in words."""
        return (
            f"预算 {yuan(self.budget_fen)} 元（{self.document}），{months} 个月统筹应付 {yuan(self.spent_fen)} 元，"
            f"执行率 {Decimal(self.rate_e4) / 100:.2f}%"
        )


class Assessed(NamedTuple):
    """The execution of a year, the edition it was judged by, the months that it covers, and notes."""

    year: int
    policy: Policy
    rows: list[Execution]
    months: int
    notes: tuple[str, ...]

    @property
    def is_whole(self) -> bool:
        """Whether every month of the year is closed: only then may the execution enter an assessment."""
        return self.months == len(year_months(self.year))


def executed_in_home(home: Home, year: int, budgets: Path, area: str | None = None) -> Assessed:
    """The execution of every hospital's budget of a year over the closed months of a home.

    The points stand in the edition (`fund.assess.deduction`, by the rate of execution). PolicyError `fund.budgets` for
    a table that cannot be read or a hospital that closed months do not know, `policy.gap`, `settle.area`.
    """
    area = area_of(home, area)
    closed = [month for month in year_months(year) if month in closed_months(home, area)]
    if not closed:
        raise PolicyError("fund.budgets", f"{year} 年还没有关账的月份", hint=f"先运行 tongpin settle --month {year}-01")
    policy = open_policy(home, area, f"{year}-12")
    paid = statements(home, area, closed)
    grouped = paid.group_by(["institution_code", "fund"]).aggregate(
        [("month_pool_payable_fen", "sum"), *((n, "max") for n in ("institution_name", "fund_label", "hospital_level"))]
    )
    known = {(row["institution_code"], row["fund"]): row for row in grouped.to_pylist()}
    wanted = [one for one in read_budgets(budgets) if one.year == year]
    rows = [_executed(one, known, policy, budgets) for one in wanted]
    notes = []
    if len(closed) < len(year_months(year)):
        notes.append(f"只有 {len(closed)} 个月已关账，执行率与扣分是到目前为止的，不写协议考核表的行")
    lacking = sorted(set(known) - {(one.institution_code, one.fund) for one in wanted})
    if lacking:
        names = "、".join(
            f"{known[key]['institution_name_max'] or key[0]}（{known[key]['fund_label_max'] or key[1]}）"
            for key in lacking[:5]
        )
        notes.append(f"{len(lacking)} 个机构的一项基金没有预算，不考核执行率，例如 {names}")
    return Assessed(year, policy, rows, len(closed), tuple(notes))


def _executed(one: HospitalBudget, known: dict[Any, Any], policy: Policy, path: Path) -> Execution:
    row = known.get((one.institution_code, one.fund))
    if row is None:
        raise PolicyError(
            "fund.budgets",
            f"已关账的月份里没有机构 {one.institution_code} 的基金 {one.fund}",
            where=str(path),
            hint="核对机构代码与基金（310 职工、390 居民）",
        )
    spent = row["month_pool_payable_fen_sum"]
    rate = max(round_half_up(spent * SCALE, one.budget_fen), 0)
    where = {"hospital_level": row["hospital_level_max"], "institution_code": one.institution_code}
    points = Decimal(0)
    for band in policy.value(DEDUCTION, date(one.year, 12, 31), **where):
        if Decimal(rate) / SCALE >= band.start:
            points = Decimal(band.value)
    return Execution(
        one.institution_code,
        row["institution_name_max"] or one.institution_code,
        one.fund,
        row["fund_label_max"] or one.fund,
        one.budget_fen,
        spent,
        rate,
        points,
        one.document,
    )


def agreement_lines(assessed: Assessed, on: date) -> str:
    """The execution as lines of the agreement sheet (CSV, `SHEET_COLUMNS`), hospitals without deduction included.

    PolicyError `fund.open` while months of the year are open.
    """
    if not assessed.is_whole:
        raise PolicyError(
            "fund.open", f"{assessed.year} 年只有 {assessed.months} 个月已关账，执行率还不能计入考核", hint="先逐月关账"
        )
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(SHEET_COLUMNS)
    for one in assessed.rows:
        clause = f"预算执行率（{one.fund_label}）"
        writer.writerow(
            (
                one.institution_code,
                assessed.year,
                clause,
                one.evidence(assessed.months),
                f"{one.deduction.normalize():f}",
                on.isoformat(),
            )
        )
    return text.getvalue()


def read_budgets(path: Path) -> Sequence[HospitalBudget]:
    """The budgets of hospitals from a CSV file (`BUDGET_COLUMNS`, yuan); PolicyError `fund.budgets` names the line."""

    def refuse(line: int, message: str) -> PolicyError:
        hint = (
            f"表头为 {','.join(BUDGET_COLUMNS)}；UTF-8，预算以元为单位、大于 0，写明来源文件，一个机构一项基金一年一行"
        )
        return PolicyError("fund.budgets", message, where=f"{path} 第 {line} 行", hint=hint)

    try:
        rows = csv.DictReader(path.read_bytes().decode("utf-8-sig").splitlines())
    except (OSError, UnicodeDecodeError):
        raise refuse(0, "机构预算表不存在或不是 UTF-8 编码") from None
    if tuple(rows.fieldnames or ()) != BUDGET_COLUMNS:
        raise refuse(1, "表头不对")
    found: dict[tuple[str, str, int], HospitalBudget] = {}
    for line, row in enumerate(rows, start=2):
        if None in row or None in row.values():
            raise refuse(line, "列数不对")
        try:
            one = HospitalBudget(
                row["institution_code"].strip(),
                row["fund"].strip(),
                int(row["year"]),
                parse_yuan(row["budget"]),
                row["document"].strip(),
            )
        except (ValueError, InvalidOperation):
            raise refuse(line, "年度或预算不对") from None
        if one.budget_fen <= 0 or not one.document or one[:3] in found:
            raise refuse(line, "预算不大于 0、没有来源文件，或同一机构同一基金写了两行")
        found[one[:3]] = one
    return list(found.values())
