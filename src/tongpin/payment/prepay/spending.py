"""Spending 历史支出: what the fund spent at hospitals in years before, from a file, clearings or closed months.

The file (CSV, amounts in yuan) wins where both are at hand; growth found unreasonable is taken out with its reason.
"""

from __future__ import annotations

import csv
import re
from decimal import InvalidOperation
from typing import TYPE_CHECKING, NamedTuple

from tongpin.base.errors import PolicyError
from tongpin.base.money import parse_yuan, round_half_up, split_fen
from tongpin.payment.prepay.account import month_after
from tongpin.payment.prepay.monthly import MONTHS, FundState

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    import pyarrow as pa

HISTORY_COLUMNS = ("institution_code", "fund", "period", "spent", "excluded", "reason", "document")
FILE, CLEARED, CLOSED = "文件", "清算", "月结"
PERIOD = re.compile(r"\d{4}(-(0[1-9]|1[0-2]))?")
"""A year (`2024`) or a month (`2024-05`)."""

_NATIONAL_CODE = "100"
"""What follows a fund's short code (310) in the national code of its pool (310100)."""


class Spent(NamedTuple):
    """A line of the file: spending of a year (`2024`) or month (`2024-05`) in fen, None where the home is to say it.

    `excluded_fen`: unreasonable growth in it, with its reason.
    """

    institution_code: str
    fund: str
    period: str
    spent_fen: int | None
    excluded_fen: int
    reason: str
    document: str


class YearSpent(NamedTuple):
    """The spending of a hospital and fund in a year, in fen: what was taken out, why, and where the amount is from."""

    year: int
    spent_fen: int
    excluded_fen: int
    reason: str
    source: str


class Known(NamedTuple):
    """Everything known of spending, in fen: of the file, of clearings by year, of closed months by month.

    Keys: (institution, fund, period).
    """

    file: Mapping[tuple[str, str, str], Spent]
    cleared: Mapping[tuple[str, str, str], int]
    closed: Mapping[tuple[str, str, str], int]

    def places(self) -> list[tuple[str, str]]:
        """The hospitals and funds of which anything is known."""
        return sorted({key[:2] for source in self for key in source})

    def year(self, code: str, fund: str, year: int) -> YearSpent | None:
        """The spending of a year; None when neither the file nor a clearing nor twelve closed months say it."""
        months = [f"{year}-{number:02d}" for number in range(1, MONTHS + 1)]
        told = [self.file[key] for one in (str(year), *months) if (key := (code, fund, one)) in self.file]
        excluded = sum(one.excluded_fen for one in told)
        why = "；".join(f"{one.period} {one.reason}（{one.document}）" for one in told if one.excluded_fen)
        spent, source = self._year(code, fund, year, months)
        return None if spent is None else YearSpent(year, spent, excluded, why, source)

    def _year(self, code: str, fund: str, year: int, months: Sequence[str]) -> tuple[int | None, str]:
        whole = self.file.get((code, fund, str(year)))
        if whole is not None and whole.spent_fen is not None:
            return whole.spent_fen, FILE
        by_month = [self.file.get((code, fund, month)) for month in months]
        known = [one.spent_fen for one in by_month if one is not None and one.spent_fen is not None]
        if len(known) == MONTHS:
            return sum(known), FILE
        if (code, fund, str(year)) in self.cleared:
            return self.cleared[code, fund, str(year)], CLEARED
        closed = [self.closed[code, fund, month] for month in months if (code, fund, month) in self.closed]
        return (sum(closed), CLOSED) if len(closed) == MONTHS else (None, "")

    def months(self, code: str, fund: str, last: str, count: int) -> tuple[int, ...]:
        """The spending of the months up to `last`, oldest first, as many as are known without a gap, at most `count`.

        A year of the file gives its months twelfths.
        """
        found: list[int] = []
        for back in range(count):
            spent = self._month(code, fund, month_after(last, -back))
            if spent is None:
                break
            found.append(spent)
        return tuple(reversed(found))

    def _month(self, code: str, fund: str, month: str) -> int | None:
        own = self.file.get((code, fund, month))
        if own is not None and own.spent_fen is not None:
            return own.spent_fen - own.excluded_fen
        whole = self.file.get((code, fund, month[:4]))
        if whole is not None and whole.spent_fen is not None:
            return split_fen(whole.spent_fen - whole.excluded_fen, [1] * MONTHS)[int(month[5:]) - 1]
        return self.closed.get((code, fund, month))


def read_history(path: Path) -> dict[tuple[str, str, str], Spent]:
    """The file of spending (`HISTORY_COLUMNS`) by institution, fund and period; PolicyError `prepay.file`."""

    def refuse(line: int, message: str, hint: str) -> PolicyError:
        return PolicyError("prepay.file", message, where=f"{path} 第 {line} 行", hint=hint)

    found: dict[tuple[str, str, str], Spent] = {}
    for line, row in read_rows(path, HISTORY_COLUMNS):
        key = (row["institution_code"], row["fund"], row["period"])
        if not key[0] or not key[1] or not PERIOD.fullmatch(row["period"]):
            raise refuse(line, "机构、基金或期间不对", "期间写成 2024 或 2024-05；机构代码与基金都要填")
        if key in found:
            raise refuse(line, f"{row['period']} 重复", "同一机构、基金、期间只写一行")
        try:
            spent = parse_yuan(row["spent"]) if row["spent"] else None
            excluded = parse_yuan(row["excluded"]) if row["excluded"] else 0
        except (ValueError, InvalidOperation):
            raise refuse(line, "金额不对", "以元为单位，至多两位小数；由库中数据给出的 spent 留空") from None
        if excluded < 0 or (spent is not None and excluded > spent):
            raise refuse(line, "剔除额须不小于 0、不大于支出", "核对 excluded")
        if excluded and not (row["reason"] and row["document"]):
            raise refuse(line, "剔除不合理增长没有写原因与依据", "reason 写原因，document 写文号或核查记录")
        found[key] = Spent(*key, spent, excluded, row["reason"], row["document"])
    return found


def read_rows(path: Path, columns: Sequence[str]) -> list[tuple[int, dict[str, str]]]:
    """The rows of a CSV file with their line numbers, texts stripped; PolicyError `prepay.file` names the line."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except (OSError, UnicodeDecodeError):
        raise PolicyError("prepay.file", "文件不存在或不是 UTF-8 编码", where=str(path), hint="用 UTF-8 保存") from None
    rows = csv.DictReader(text.splitlines())
    if tuple(rows.fieldnames or ()) != tuple(columns):
        raise PolicyError("prepay.file", "表头不对", where=f"{path} 第 1 行", hint=f"表头应为 {','.join(columns)}")
    found: list[tuple[int, dict[str, str]]] = []
    for line, row in enumerate(rows, start=2):
        if None in row or None in row.values():
            hint = f"每行 {len(columns)} 列"
            raise PolicyError("prepay.file", "列数不对", where=f"{path} 第 {line} 行", hint=hint)
        found.append((line, {name: value.strip() for name, value in row.items()}))
    return found


def fund_state(series: pa.Table, fund: str, year: int, region: str | None = None) -> FundState | None:
    """A fund at the end of the year before `year`, from the loaded `fund-series`; None when its months are not there.

    Mean spending and result are those of the twelve months of that year, the balance that of its last month.
    PolicyError `prepay.region` when several regions carry the fund and none is named.
    """
    rows = [row for row in series.to_pylist() if row["fund"] in {fund, fund + _NATIONAL_CODE}]
    regions = sorted({row["region"] for row in rows})
    if region is None and len(regions) > 1:
        raise PolicyError(
            "prepay.region", f"基金收支里有几个地区：{'、'.join(regions)}", where="fund-series", hint="用 --region 指定"
        )
    own = {row["month"]: row for row in rows if region is None or row["region"] == region}
    months = [own.get(f"{year - 1}-{number:02d}") for number in range(1, MONTHS + 1)]
    held = [row for row in months if row is not None]
    if len(held) < MONTHS or held[-1]["balance_fen"] is None:
        return None
    spending = sum(row["spending_fen"] for row in held)
    result = sum(row["income_fen"] for row in held) - spending
    return FundState(fund, held[-1]["balance_fen"], round_half_up(spending, MONTHS), result)


def payable_of(rows: Iterable[Mapping[str, int | str]]) -> dict[tuple[str, str, str], int]:
    """What closed months owed, by institution, fund and month, in fen, from rows of their statements."""
    return {
        (str(row["institution_code"]), str(row["fund"]), str(row["month"])): int(row["month_pool_payable_fen"])
        + int(row["month_floored_fen"])
        - int(row["floor_recovered_fen"])
        for row in rows
    }
