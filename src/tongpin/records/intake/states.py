"""States 清单状态: where a settlement list stands between draft and withdrawal, derived from what is known of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

DRAFT, UPLOADED, RETURNED, ACCEPTED = "草稿", "已上传", "校验退回", "已接收"
GROUPED, APPEALED, FINAL, WITHDRAWN = "已分组", "申诉中", "终审", "作废"
STATES = (DRAFT, UPLOADED, RETURNED, ACCEPTED, GROUPED, APPEALED, FINAL, WITHDRAWN)
REVIEWED = "复核："
"""Before the opinion of a reviewer, as a result of an appeal."""
UNDECIDED = frozenset({"", "受理", "复核中", f"{REVIEWED}成立", f"{REVIEWED}不成立"})
"""Results of an appeal that decide nothing yet."""


class Receipt(NamedTuple):
    """What the platform or the agency answered to an upload, or what reading the list came to."""

    at: datetime
    accepted: bool
    message: str


class Rejection(NamedTuple):
    """A reading of the list that an error kept out: when, why, and whether a later reading took it in."""

    at: datetime
    why: str
    mended: bool


class Appeal(NamedTuple):
    """A decision about an appeal or a special case: its day and its result."""

    on: date
    result: str


@dataclass(frozen=True)
class ListFacts:
    """What is known of one list: its uploads, receipts, the day a result accepted it, rejected readings, and the rest.

    `grouped` = it stands in a settled month; `final_on` = the day on which the time for appeals had passed;
    `withdrawn_on` = the day of its withdrawal.
    """

    uploads: Sequence[datetime] = ()
    receipts: Sequence[Receipt] = ()
    accepted_on: date | None = None
    rejections: Sequence[Rejection] = ()
    grouped: bool = False
    appeals: Sequence[Appeal] = ()
    final_on: date | None = None
    withdrawn_on: date | None = None
    withdrawn_why: str = ""


class Step(NamedTuple):
    """A state that a list came into: when (none where no date is known), which, and by what."""

    at: datetime | None
    state: str
    why: str


def state_chain(facts: ListFacts) -> tuple[Step, ...]:
    """The states of a list in order, the present one last.

    Without an upload it is a draft; a date without a time counts as the end of its day; being grouped comes after the
    last upload or acceptance before any appeal; without an appeal it is final when the time for one has passed; a
    withdrawal ends the chain. Source: S901-01, S901-05.
    """
    steps = [Step(at, UPLOADED, "医院申报") for at in dict.fromkeys(facts.uploads)]
    steps += [Step(one.at, ACCEPTED if one.accepted else RETURNED, one.message) for one in facts.receipts]
    if facts.accepted_on is not None:
        steps.append(Step(_end_of(facts.accepted_on), ACCEPTED, "结算结果"))
    steps.sort(key=_moment)
    # Reading has its own clock: what a later version answered stands before that version, the rest is the latest news.
    answered = [Step(one.at, RETURNED, one.why) for one in sorted(facts.rejections) if one.mended]
    last = max((place for place, step in enumerate(steps) if step.state == UPLOADED), default=0)
    steps[last:last] = answered
    steps += [Step(one.at, RETURNED, one.why) for one in sorted(facts.rejections) if not one.mended]
    if not facts.uploads and not any(step.state == ACCEPTED for step in steps):
        steps.insert(len(answered), Step(None, DRAFT, "没有申报时间"))
    if facts.grouped:
        steps.append(Step(None, GROUPED, "已进入月度结算"))
    for one in sorted(facts.appeals, key=lambda one: (one.on, one.result not in UNDECIDED)):
        state = APPEALED if one.result in UNDECIDED else FINAL
        steps.append(Step(_end_of(one.on), state, one.result or "已受理"))
    if facts.final_on is not None and not facts.appeals:
        steps.append(Step(datetime.combine(facts.final_on, time()), FINAL, "公布后的申诉期限已过"))
    if facts.withdrawn_on is not None:
        steps.append(Step(_end_of(facts.withdrawn_on), WITHDRAWN, facts.withdrawn_why or "撤销结算"))
    return tuple(steps)


def _moment(step: Step) -> tuple[bool, datetime | None, int]:
    """Steps by time; those without one last."""
    return step.at is None, step.at, STATES.index(step.state)


def _end_of(day: date) -> datetime:
    return datetime.combine(day, time(23, 59, 59))
