"""Quarterly publication 季度公示: cases applied for, decided, and amounts, by hospital; no person in it (S903-03)."""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from tongpin.base.digest import text_digest
from tongpin.base.errors import PolicyError
from tongpin.base.money import check_balance
from tongpin.payment.review.account import (
    AGREE,
    PARTIAL,
    PUBLISHED,
    REFUSE,
    Application,
    Event,
    add_events,
    applications,
    next_number,
    read_events,
)
from tongpin.payment.review.lines import settled_area

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tongpin.store.home import Home

COUNTS: dict[str, str] = {
    "before": "上季末待评",
    "applied": "本季申请",
    "withdrawn": "本季撤回",
    "decided": "本季评审",
    AGREE: "其中同意",
    PARTIAL: "其中部分同意",
    REFUSE: "其中不同意",
    "pending": "本季末待评",
}
"""Counts of a row: before + applied = withdrawn + decided + pending; decided = agree + partial + refuse."""
AMOUNTS: dict[str, str] = {
    "fee_fen": "批准病例的费用",
    "gross_fen": "评审前应付",
    "amount_fen": "评审后应付",
    "added_fen": "增加",
}
"""Amounts of the approved cases: added = amount − gross, the whole payable, with patient and other funds."""
_QUARTER = re.compile(r"(\d{4})Q([1-4])")


class Publication(NamedTuple):
    """A quarter's publication: rows by hospital, the totals, its day, digest, and whether it had been published."""

    area: str
    area_label: str
    policy_label: str
    quarter: str
    on: date
    rows: list[dict[str, Any]]
    total: dict[str, Any]
    assumed: bool
    digest: str
    was_published: bool
    draft: bool


def quarter_days(quarter: str) -> tuple[date, date]:
    """First and last day of a quarter (`2025Q1`); PolicyError `review.quarter` when it is none."""
    match = _QUARTER.fullmatch(quarter)
    if match is None:
        raise PolicyError("review.quarter", f"季度“{quarter}”不对", hint="写成 2025Q1")
    year, number = int(match[1]), int(match[2])
    following = date(year + number // 4, number % 4 * 3 + 1, 1)
    return date(year, 3 * number - 2, 1), following - timedelta(days=1)


def publish(
    home: Home, quarter: str, on: date, area: str | None = None, *, draft: bool = False, actor: str = ""
) -> Publication:
    """Publish a quarter that is over, once; a published quarter is only given again as it was.

    Refuses with PolicyError `review.quarter` (not over, unless a draft; nothing happened), StoreError `review.open`.
    """
    first, last = quarter_days(quarter)
    with home.locked():
        area = settled_area(home, area)
        events = read_events(home)
        for one in events:
            if one.event == PUBLISHED and one.area == area and one.subject == quarter:
                return Publication(**{**one.body["publication"], "on": one.on, "was_published": True})
        if on <= last and not draft:
            raise PolicyError("review.quarter", f"{quarter} 到 {last} 才结束", hint="季度结束后公示；先看用 --draft")
        known = [one for one in applications(events).values() if one.area == area]
        rows = quarter_rows(known, first, last)
        if not rows:
            raise PolicyError("review.quarter", f"{quarter} 没有特例单议的申请或评审", hint="不需要公示")
        total = total_of(rows)
        found = Publication(
            area,
            known[0].body["area_label"],
            known[0].body["policy_label"],
            quarter,
            on,
            rows,
            total,
            any(one.body["assumed"] for one in known),
            text_digest([area, quarter, *(str(sorted(row.items())) for row in rows)]),
            was_published=False,
            draft=draft,
        )
        if not draft:
            body = {"last_day": last, "publication": {**found._asdict(), "on": None}}
            add_events(home, [Event(next_number(events), area, PUBLISHED, quarter, "agency", actor, on, body)])
    return found


def quarter_rows(known: Iterable[Application], first: date, last: date) -> list[dict[str, Any]]:
    """A row for every hospital with an application in the quarter or pending before it (`COUNTS`, `AMOUNTS`)."""
    rows: dict[str, dict[str, Any]] = {}
    for one in known:
        if one.filed > last or _ended(one, first - timedelta(days=1)):
            continue
        code = one.body["institution_code"]
        start = {"institution_code": code, "institution_name": one.body["institution_name"]}
        row = rows.setdefault(code, start | dict.fromkeys((*COUNTS, *AMOUNTS), 0))
        row["before"] += one.filed < first
        row["applied"] += one.filed >= first
        if not _ended(one, last):
            row["pending"] += 1
        elif one.withdrawn:
            row["withdrawn"] += 1
        elif one.decided:
            row["decided"] += 1
            row[one.decided.body["outcome"]] += 1
            if one.is_approved:
                amounts = {
                    "fee_fen": one.body["figures"]["total_fee_fen"],
                    "gross_fen": one.body["figures"]["gross_fen"],
                    "amount_fen": one.decided.body["amount_fen"],
                }
                for name, amount in amounts.items():
                    row[name] += amount
                row["added_fen"] += amounts["amount_fen"] - amounts["gross_fen"]
    return [rows[code] for code in sorted(rows)]


def _ended(one: Application, day: date) -> bool:
    """Whether an application was withdrawn or decided by the end of a day."""
    end = one.withdrawn or one.decided
    return end is not None and end.on <= day


def total_of(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The totals of a publication; BalanceError when counts or amounts do not add up."""
    total = {name: sum(row[name] for row in rows) for name in (*COUNTS, *AMOUNTS)}
    for row in (*rows, total):
        flow = row["withdrawn"] + row["decided"] + row["pending"]
        check_balance("review.count", "申请与评审的例数", row["before"] + row["applied"], flow)
        check_balance(
            "review.count", "评审结论的例数", row["decided"], sum(row[name] for name in (AGREE, PARTIAL, REFUSE))
        )
        check_balance("review.amount", "评审增加的金额", row["added_fen"], row["amount_fen"] - row["gross_fen"])
    return total
