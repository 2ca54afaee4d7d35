"""Policy events 政策与事件: what moves a year beyond its trend, by an amount or by a ratio of its months (S003-01)."""

from __future__ import annotations

import csv
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, NamedTuple

from tongpin.base.errors import PolicyError
from tongpin.base.money import SCALE, parse_yuan, round_half_up
from tongpin.payment.fund.series import year_months

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

INCOME, SPENDING = "income", "spending"
SIDES: dict[str, str] = {INCOME: "收入", SPENDING: "支出"}
EVENT_KINDS: dict[str, str] = {
    "reform": "重大改革",
    "emergency": "突发公共卫生事件",
    "volume": "服务量变化",
    "other": "其他",
}
EVENT_COLUMNS = ("year", "fund", "side", "kind", "label", "amount", "ratio", "from", "to", "document")


class Event(NamedTuple):
    """What changes a year: an amount in fen or a ratio (ten-thousandths) of its months; more > 0, less < 0.

    Exactly one of `amount_fen` and `ratio_e4` is given. `months`: the months of the year that it concerns. Without a
    document it is assumed.
    """

    year: int
    fund: str
    side: str
    kind: str
    label: str
    amount_fen: int | None
    ratio_e4: int | None
    months: tuple[str, ...]
    document: str

    def moves(self, plan: Mapping[str, int]) -> int:
        """What it adds to a year, in fen; `plan`: the months of the year before any event."""
        if self.ratio_e4 is None:
            return self.amount_fen or 0
        return round_half_up(sum(plan[month] for month in self.months) * self.ratio_e4, SCALE)

    def formula(self) -> str:
        """How it moves the year, in words."""
        span = "全年" if len(self.months) == len(year_months(self.year)) else f"{self.months[0]} 至 {self.months[-1]}"
        if self.ratio_e4 is None:
            return f"{self.label}（{span}，写明的金额）"
        sign = "+" if self.ratio_e4 > 0 else "−"
        return f"{self.label}（{span} 各月 × {sign}{abs(Decimal(self.ratio_e4)) / 100:.2f}%）"


def read_events(path: Path) -> list[Event]:
    """The events of a CSV file (`EVENT_COLUMNS`, amounts in yuan); PolicyError `fund.events` names the line."""

    def refuse(line: int, message: str, hint: str) -> PolicyError:
        return PolicyError("fund.events", message, where=f"{path} 第 {line} 行", hint=hint)

    try:
        text = path.read_bytes().decode("utf-8-sig")
    except (OSError, UnicodeDecodeError):
        raise refuse(0, "事件表不存在或不是 UTF-8 编码", "补上该文件，用 UTF-8 保存") from None
    rows = csv.DictReader(text.splitlines())
    if tuple(rows.fieldnames or ()) != EVENT_COLUMNS:
        raise refuse(1, "表头不对", f"表头应为 {','.join(EVENT_COLUMNS)}")
    found: list[Event] = []
    for line, row in enumerate(rows, start=2):
        if None in row or None in row.values():
            raise refuse(line, "列数不对", f"每行 {len(EVENT_COLUMNS)} 列")
        if row["side"] not in SIDES or row["kind"] not in EVENT_KINDS:
            raise refuse(
                line, f"side“{row['side']}”或 kind“{row['kind']}”不对", f"{'、'.join(SIDES)}；{'、'.join(EVENT_KINDS)}"
            )
        if bool(row["amount"].strip()) == bool(row["ratio"].strip()):
            raise refuse(line, "金额与比例要写一个，只写一个", "amount 以元为单位；ratio 如 0.02 为增加 2%，减少写负数")
        try:
            year = int(row["year"])
            amount = parse_yuan(row["amount"]) if row["amount"].strip() else None
            ratio = _ratio(row["ratio"]) if row["ratio"].strip() else None
        except (ValueError, InvalidOperation):
            raise refuse(
                line,
                "年份、金额或比例不对",
                "年份如 2026；金额至多两位小数，比例至多四位小数且大于 −1",
            ) from None
        months = year_months(year)
        first, last = row["from"].strip() or months[0], row["to"].strip() or months[-1]
        if first not in months or last not in months or first > last:
            raise refuse(
                line, f"起止月份“{first}”至“{last}”不对", f"写 {months[0]} 这样的年月，都在 {year} 年，起不晚于止"
            )
        span = months[months.index(first) : months.index(last) + 1]
        found.append(
            Event(year, row["fund"], row["side"], row["kind"], row["label"], amount, ratio, span, row["document"])
        )
    return found


def _ratio(text: str) -> int:
    scaled = Decimal(text.strip()) * SCALE
    if scaled != scaled.to_integral_value() or scaled <= -SCALE:
        raise ValueError(text)
    return int(scaled)
