"""Clocks 时限: how many days each step of a list may take, and from which day the upload counts; parameters alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import numpy as np

from tongpin.payment.policy.edition import ANY

if TYPE_CHECKING:
    from datetime import date

    from tongpin.payment.lists.workdays import Workdays
    from tongpin.payment.policy.lookup import DayColumn
    from tongpin.payment.policy.policy import Policy

UPLOAD, RESUBMISSION, ACCEPTANCE, APPEAL, DECISION = "upload", "resubmission", "acceptance", "appeal", "decision"
CLOCK_LABELS = {
    UPLOAD: "上传",
    RESUBMISSION: "退回后重传",
    ACCEPTANCE: "审核接收",
    APPEAL: "申诉",
    DECISION: "申诉处理",
}
DAYS, DAY_KIND, UPLOAD_FROM, COUNTS = "clock.days", "clock.day_kind", "clock.upload_from", "overdue.counts"
KIND_LABELS = {"calendar": "日", "calendar_roll": "日（末日逢休息日顺延）", "working": "个工作日"}


def is_stated(policy: Policy, clock: str) -> bool:
    """Whether an edition sets this limit at any time; one that does not leaves the step without a deadline."""
    parameter = policy.edition.parameters.get(DAYS)
    if parameter is None:
        return False
    return not parameter.by or any(clock in tree or ANY in tree for tree in parameter.values.values())


def least_days(policy: Policy, clock: str) -> int:
    """The fewest days that an edition ever gives for a step; PolicyError `policy.gap` when it sets no such limit."""
    parameter = policy.parameter(DAYS)
    leaves = [tree.get(clock, tree.get(ANY)) if parameter.by else tree for tree in parameter.values.values()]
    return min((days for days in leaves if days is not None), default=0)


def deadlines(policy: Policy, clock: str, starts: DayColumn, workdays: Workdays) -> DayColumn:
    """The last day of a limit after each start, by the value in force on the start; NaT where there is no start.

    PolicyError `policy.gap` when the edition leaves open a value that a start needs, `lists.holidays` as `Workdays`.
    """
    ends = np.full(len(starts), np.datetime64("NaT"), dtype="datetime64[D]")
    known = ~np.isnat(starts)
    each, inverse = np.unique(starts[known], return_inverse=True)
    values = [limit_of(policy, clock, day) for day in each]
    found = np.full(len(each), np.datetime64("NaT"), dtype="datetime64[D]")
    for kind in {kind for _, kind in values}:
        rows = np.array([one == kind for _, one in values])
        counts = np.array([days for days, _ in values], dtype=np.int64)[rows]
        found[rows] = workdays.deadlines(each[rows], counts, kind)
    ends[known] = found[inverse]
    return ends


def limit_of(policy: Policy, clock: str, start: np.datetime64) -> tuple[int, str]:
    """The days of a limit that begins on a day, and how they are counted; `policy.gap` when the edition is silent."""
    on = cast("date", start.item())
    return policy.value(DAYS, on, clock=clock), policy.value(DAY_KIND, on, clock=clock)


def limit_words(policy: Policy, clock: str, start: np.datetime64) -> str:
    """A limit in words: `10 日`, `5 个工作日`."""
    days, kind = limit_of(policy, clock, start)
    return f"{days} {KIND_LABELS[kind]}"
