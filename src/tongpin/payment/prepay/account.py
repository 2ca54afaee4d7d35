"""The prepayment account 预付金账户: what was paid ahead and what came back, append-only; offsets stand in statements.

An entry is booked once by its id; a correction is an entry of its own. A receivable, not a payment (S907-01).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import pyarrow as pa

from tongpin.base.errors import PolicyError, StoreError
from tongpin.base.money import check_balance, split_fen, yuan
from tongpin.store import lake

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date

    from tongpin.store.home import Home

ACCOUNT = "prepay_account"
S001, NATIONAL, INSTANT = "s001", "national_2024", "instant"
SCHEMES: dict[str, str] = {S001: "按年度基数预付", NATIONAL: "按月均支出预付", INSTANT: "即时结算预拨"}
PAID, RECOVERED = "paid", "recovered"
KINDS: dict[str, str] = {PAID: "拨付", RECOVERED: "收回"}
PREPAY_OFFSET, INSTANT_ADVANCE = "prepay_offset", "instant_advance"
CLAIM_LABELS: dict[str, str] = {PREPAY_OFFSET: "冲抵预付金", INSTANT_ADVANCE: "即时结算预拨"}

ACCOUNT_SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in ("area", "entry_id", "institution_code", "fund", "scheme", "kind")),
        ("amount_fen", pa.int64()),
        ("entry_date", pa.date32()),
        ("month", pa.string()),
        ("document", pa.string()),
        ("recovery_from", pa.string()),
        ("recovery_months", pa.int64()),
    ]
)
"""`amount_fen` below zero only corrects an entry of the same kind; `month` is that of `entry_date`. What is paid comes
back in `recovery_months` equal parts from the month `recovery_from`; null: when the year is settled."""


LAST_MONTH = "9999-12"
"""Beyond every month: an account as it stands now."""


class Entry(NamedTuple):
    """A row of `ACCOUNT_SCHEMA`: money paid ahead or recovered, in fen."""

    area: str
    entry_id: str
    institution_code: str
    fund: str
    scheme: str
    kind: str
    amount_fen: int
    entry_date: date
    month: str
    document: str
    recovery_from: str | None = None
    recovery_months: int | None = None

    def due_fen(self, month: str, *, at_settlement: bool = False) -> int:
        """How much of a payment is to have come back by the end of a month; `at_settlement` the year is settled."""
        if self.recovery_from is None or self.recovery_months is None:
            return self.amount_fen if at_settlement and self.month <= month else 0
        passed = _number(month) - _number(self.recovery_from) + 1
        parts = split_fen(self.amount_fen, [1] * self.recovery_months)
        return sum(parts[: max(passed, 0)])


class Taken(NamedTuple):
    """What a closed month took from a hospital and fund for money paid ahead, in fen (its statement)."""

    prepay_fen: int
    instant_fen: int


class Standing(NamedTuple):
    """How a hospital, fund and scheme stand at the end of a month, in fen: balance = paid − offset − recovered.

    `due_fen`: what of the balance is due back by then and has not come.
    """

    institution_code: str
    fund: str
    scheme: str
    paid_fen: int
    offset_fen: int
    recovered_fen: int
    balance_fen: int
    due_fen: int


def _number(month: str) -> int:
    return int(month[:4]) * 12 + int(month[5:])


def month_after(month: str, count: int) -> str:
    """The month (`YYYY-MM`) so many months later."""
    number = _number(month) - 1 + count
    return f"{number // 12:04d}-{number % 12 + 1:02d}"


def claim_of(scheme: str) -> str:
    """By which claim of a month the money of a scheme comes back."""
    return INSTANT_ADVANCE if scheme == INSTANT else PREPAY_OFFSET


TAKEN_COLUMNS = (
    *("institution_code", "fund", "month"),
    *("prepay_offset_fen", "instant_advance_fen", "waiting_fen"),
)
"""What `taken_of` reads of the statement of a closed month."""


def taken_of(rows: Iterable[Mapping[str, int | str]]) -> dict[tuple[str, str, str], Taken]:
    """What closed months took, by hospital, fund and month, from rows of their statements.

    What a short month left on its account (`waiting_fen`) was not taken: it is counted against the offset of the
    prepayment first, then against the advance.
    """
    found: dict[tuple[str, str, str], Taken] = {}
    for row in rows:
        prepay, instant = int(row["prepay_offset_fen"]), int(row["instant_advance_fen"])
        waiting = int(row["waiting_fen"])
        held = min(waiting, max(prepay, 0))
        instant -= min(waiting - held, max(instant, 0))
        if prepay - held or instant:
            key = (str(row["institution_code"]), str(row["fund"]), str(row["month"]))
            found[key] = Taken(prepay - held, instant)
    return found


def standings(
    entries: Sequence[Entry],
    taken: Mapping[tuple[str, str, str], Taken],
    month: str,
    *,
    due: str | None = None,
    at_settlement: bool = False,
) -> list[Standing]:
    """Every account at the end of `month` by hospital, fund and scheme, in that order.

    `taken`: what closed months took; `due`: by the end of which month money is due back (`month` unless named),
    `at_settlement` with the year of that month settled. An offset before the first entry of its kind belongs to no
    account; the others are set against the older scheme first. Raises PolicyError `prepay.account` when more came back
    than was paid ahead.
    """
    groups: dict[tuple[str, str, str], list[Entry]] = {}
    for one in entries:
        if one.month <= month:
            groups.setdefault((one.institution_code, one.fund, claim_of(one.scheme)), []).append(one)
    found: list[Standing] = []
    for (code, fund, claim), own in groups.items():
        first = min(one.month for one in own)
        offset = sum(
            one.instant_fen if claim == INSTANT_ADVANCE else one.prepay_fen
            for (owner, kept, when), one in taken.items()
            if (owner, kept) == (code, fund) and first <= when <= month
        )
        found += _of_group(code, fund, own, offset, due or month, at_settlement=at_settlement)
    return sorted(found)


def _of_group(
    code: str, fund: str, own: Sequence[Entry], offset: int, due_month: str, *, at_settlement: bool
) -> list[Standing]:
    """The schemes of one hospital and fund that come back by the same claim, the older first."""
    by_scheme: dict[str, list[Entry]] = {}
    for one in sorted(own, key=lambda one: (one.month, one.entry_date, one.entry_id)):
        by_scheme.setdefault(one.scheme, []).append(one)
    found: list[Standing] = []
    left = offset
    for number, (scheme, held) in enumerate(by_scheme.items(), start=1):
        paid = sum(one.amount_fen for one in held if one.kind == PAID)
        recovered = sum(one.amount_fen for one in held if one.kind == RECOVERED)
        mine = left if number == len(by_scheme) else min(left, max(paid - recovered, 0))
        left -= mine
        balance = paid - mine - recovered
        if balance < 0:
            raise PolicyError(
                "prepay.account",
                f"{SCHEMES[scheme]}：已冲抵 {yuan(mine)} 元、收回 {yuan(recovered)} 元，多于拨付的 {yuan(paid)} 元",
                where=f"机构 {code} 基金 {fund}",
                hint="核对各月的冲抵；账户之外预付的，先用 tongpin prepay book 补记拨付",
            )
        due = sum(one.due_fen(due_month, at_settlement=at_settlement) for one in held if one.kind == PAID)
        due = min(max(due - mine - recovered, 0), balance)
        found.append(Standing(code, fund, scheme, paid, mine, recovered, balance, due))
    check_balance(
        "prepay.account",
        f"机构 {code} 基金 {fund} 各办法余额与拨付减冲抵减收回",
        sum(one.balance_fen for one in found),
        sum(one.amount_fen if one.kind == PAID else -one.amount_fen for one in own) - offset,
    )
    return found


def read_account(home: Home, area: str) -> list[Entry]:
    """Every entry of an area in the order of their dates; StoreError `prepay.twice` when an id stands twice."""
    table = lake.read(home, ACCOUNT, ACCOUNT_SCHEMA.names, where=("area", pa.array([area], pa.string())))
    rows = [] if table is None else table.cast(ACCOUNT_SCHEMA).to_pylist()
    entries = sorted((Entry(**row) for row in rows), key=lambda one: (one.entry_date, one.entry_id))
    if len({one.entry_id for one in entries}) != len(entries):
        raise StoreError(
            "prepay.twice",
            "预付金账户有编号相同的两笔",
            where=str(home.lake / ACCOUNT),
            hint="数据被改动过：请从备份恢复，不要拨付",
        )
    return entries


def book(home: Home, entries: Sequence[Entry]) -> list[Entry]:
    """Append the entries whose id is new, in one transaction, and give those back; the caller holds the home.

    Raises PolicyError `prepay.entry` for an entry that cannot be.
    """
    for one in entries:
        _check(one)
    held = {(area, one.entry_id) for area in {one.area for one in entries} for one in read_account(home, area)}
    fresh = [one for one in entries if (one.area, one.entry_id) not in held]
    if fresh:
        lake.append(home, ACCOUNT, pa.Table.from_pylist([one._asdict() for one in fresh], schema=ACCOUNT_SCHEMA))
    return fresh


def _check(entry: Entry) -> None:
    wrong = ""
    if entry.scheme not in SCHEMES or entry.kind not in KINDS:
        wrong = f"不认识的办法 {entry.scheme} 或种类 {entry.kind}"
    elif not entry.amount_fen or (entry.kind == PAID and entry.amount_fen < 0):
        wrong = f"金额 {yuan(entry.amount_fen)} 元不对"
    elif entry.month != f"{entry.entry_date:%Y-%m}":
        wrong = f"月份 {entry.month} 不是 {entry.entry_date} 的月份"
    elif not entry.document.strip():
        wrong = "没有写文号"
    elif (entry.recovery_from is None) != (entry.recovery_months is None) or entry.recovery_months == 0:
        wrong = "冲抵从哪个月起、分几个月须一起写明"
    elif entry.recovery_from is not None and entry.recovery_from < entry.month:
        wrong = f"冲抵从 {entry.recovery_from} 起，早于拨付的 {entry.month}"
    if wrong:
        raise PolicyError(
            "prepay.entry",
            wrong,
            where=entry.entry_id,
            hint=f"办法：{'、'.join(SCHEMES)}；种类：{'、'.join(KINDS)}；拨付大于零，月份取自日期，文号必填",
        )
