"""Returned 退回: the lists that came back, by reason, and those that still wait to be sent again, with their clock."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from tongpin.payment.lists.overdue import standing_in_home
from tongpin.records.intake.lake_tables import FINDINGS, RECEIPTS, read_loaded
from tongpin.records.intake.states import RETURNED

if TYPE_CHECKING:
    from tongpin.twin.daily.ground import Ground

NO_REASON = "没有写原因"


class Reason(NamedTuple):
    """A reason: lists returned today and the day before, lists that wait, their first deadline, how many are late."""

    reason: str
    today: int
    yesterday: int
    waiting: int
    due: date | None
    days_left: int | None
    overdue: int


class Returned(NamedTuple):
    """The returned lists of a hospital on a day, the reason with most of today's and waiting lists first."""

    on: date
    reasons: tuple[Reason, ...]

    def total(self, name: str) -> int:
        """A count over all reasons."""
        return sum(getattr(one, name) for one in self.reasons)

    @property
    def due(self) -> date | None:
        """The first deadline of all."""
        return min((one.due for one in self.reasons if one.due is not None), default=None)

    @property
    def sentence(self) -> str:
        """`今天退回 23 份，其中 17 份同一原因（主要诊断笼统）`, or of the day before where nothing came today."""
        for name, word in (("today", "今天"), ("yesterday", "昨日")):
            count = self.total(name)
            if count:
                most = max(self.reasons, key=lambda one: getattr(one, name))
                same = getattr(most, name)
                return f"{word}退回 {count} 份" + (f"，其中 {same} 份同一原因（{most.reason}）" if same > 1 else "")
        return "今天、昨日没有退回的清单"

    def figures(self) -> dict[str, Any]:
        """The counts of the block."""
        counts = {name: self.total(name) for name in ("today", "yesterday", "waiting", "overdue")}
        left = None if self.due is None else (self.due - self.on).days
        return {**counts, "due": self.due, "days_left": left, "reasons": [one._asdict() for one in self.reasons]}


def returned(ground: Ground) -> Returned | str:
    """The returned lists as they stand on the day of the page, or what is missing. Source: S904-02, S901-02."""
    receipts = read_loaded(ground.home, RECEIPTS, where=ground.where)
    end = datetime.combine(ground.on + timedelta(days=1), time())
    receipts = receipts.filter(pc.less(receipts["received_time"], pa.scalar(end, pa.timestamp("s"))))
    table = standing_in_home(ground.home, ground.area, ground.on)
    mine = pc.and_(pc.is_in(table["institution_code"], ground.codes), pc.equal(table["state"], RETURNED))
    waiting = table.filter(mine).to_pylist()
    if not receipts.num_rows and not waiting:
        return f"{ground.on} 以前没有平台回执，不知道退回了哪些"
    back = receipts.filter(pc.invert(pc.fill_null(receipts["accepted"], True))).sort_by("received_time").to_pylist()
    reason_of = _unread(ground) | {_key(row["institution_code"], row["setl_id"]): _reason(row) for row in back}
    counted: dict[str, dict[str, Any]] = {}

    def entry(reason: str) -> dict[str, Any]:
        return counted.setdefault(reason, {"today": 0, "yesterday": 0, "waiting": 0, "dues": [], "overdue": 0})

    for row in back:
        day = row["received_time"].date()
        if day in {ground.on, ground.yesterday}:
            entry(_reason(row))["today" if day == ground.on else "yesterday"] += 1
    for row in waiting:
        held = entry(reason_of.get(_key(row["institution_code"], row["case_id"]), NO_REASON))
        held["waiting"] += 1
        held["overdue"] += row["over_days"] > 0
        held["dues"] += [row["due"]] if row["due"] is not None else []
    reasons = [
        Reason(
            name,
            one["today"],
            one["yesterday"],
            one["waiting"],
            first := min(one["dues"], default=None),
            None if first is None else (first - ground.on).days,
            one["overdue"],
        )
        for name, one in counted.items()
    ]
    reasons.sort(key=lambda one: (-one.today, -one.waiting, -one.yesterday, one.reason))
    return Returned(ground.on, tuple(reasons))


def _reason(row: dict[str, Any]) -> str:
    return row["message"] or row["code"] or NO_REASON


def _key(institution: str, list_id: str) -> tuple[str, str]:
    return institution, list_id


def _unread(ground: Ground) -> dict[tuple[str, str], str]:
    """Why lists that were never read were not: the first error of each."""
    found = read_loaded(ground.home, FINDINGS)
    errors = pc.and_(pc.equal(found["severity"], "error"), pc.is_in(found["institution_code"], ground.codes))
    rows = found.filter(pc.fill_null(errors, False)).to_pylist()
    return {_key(row["institution_code"], row["case_id"]): row["message"] for row in reversed(rows) if row["case_id"]}
