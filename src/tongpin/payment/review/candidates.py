"""Candidates 候选: which posted lists could be reviewed, until when, and what is left of the quotas (S903-01)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tongpin.payment.lists.workdays import open_workdays
from tongpin.payment.review.account import applications, list_key, read_events
from tongpin.payment.review.criteria import TECHNOLOGY, asked, deadline_of, judged
from tongpin.payment.review.lines import Ground, grounds, settled_area, with_departments
from tongpin.payment.review.pay import pay_of
from tongpin.payment.review.quota import Quota, known_cases, quota_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from tongpin.payment.review.account import Application
    from tongpin.store.home import Home

_DEPARTMENTS = "departments"


class Candidate(NamedTuple):
    """A posted list that meets criteria of the edition: its figures (fen), criteria, deadline and application."""

    institution_code: str
    institution_name: str
    list_id: str
    period: str
    drg: str
    los: int | None
    fee_fen: int
    standard_fen: int
    gross_fen: int
    gain_fen: int
    criteria: tuple[str, ...]
    deadline: date
    days_left: int
    application: str | None


class Candidates(NamedTuple):
    """The candidates of a month or year, the dearest first in each hospital; the quota of each of their hospitals."""

    rows: list[Candidate]
    quotas: list[Quota]
    assumed: bool
    notes: tuple[str, ...]


def candidates(home: Home, span: str, on: date, area: str | None = None) -> Candidates:
    """The lists posted in a month (`YYYY-MM`) or year (`YYYY`) that could be reviewed, seen on a day.

    New technology is not among the tests: the list does not name the item. Raises StoreError `review.open`,
    PolicyError `policy.gap`.
    """
    area = settled_area(home, area)
    known = applications(read_events(home, area))
    by_list = {list_key(one.body): one for one in known.values() if not one.withdrawn}
    rows: list[Candidate] = []
    quotas: list[Quota] = []
    workdays = open_workdays(home)
    assumed, left_out = False, 0
    for ground in grounds(home, area).values():
        wanted = pc.starts_with(ground.lines["period"], span)
        lines = ground.lines.filter(pc.and_(wanted, pc.equal(ground.lines["pay_scope"], "DRG")))
        if not lines.num_rows:
            continue
        assumed |= any(key.startswith(("review.", "special.")) for key in ground.policy.assumed_keys())
        codes = asked(ground.policy, ground.on)
        left_out += TECHNOLOGY in codes
        if _DEPARTMENTS in codes:
            lines = with_departments(home, lines)
        met = judged(lines, ground.policy, codes)
        some = np.zeros(lines.num_rows, bool)
        for one in met.values():
            some |= one
        for place in np.flatnonzero(some).tolist():
            (row,) = lines.slice(place, 1).to_pylist()
            criteria = tuple(code for code, one in met.items() if one[place])
            gain = pay_of(row, ground.policy, ground.on, criteria[0]).amount_fen - row["gross_fen"]
            if gain <= 0:
                continue
            day = deadline_of(row, ground.policy, workdays)
            mine = by_list.get((row["institution_code"], row["case_id"]))
            rows.append(
                Candidate(
                    institution_code=row["institution_code"],
                    institution_name=row["institution_name"] or row["institution_code"],
                    list_id=row["case_id"],
                    period=row["period"],
                    drg=row["drg"],
                    los=row["los"],
                    fee_fen=row["total_fee_fen"],
                    standard_fen=row["standard_fen"],
                    gross_fen=row["gross_fen"],
                    gain_fen=gain,
                    criteria=criteria,
                    deadline=day,
                    days_left=(day - on).days,
                    application=mine.id if mine else None,
                )
            )
        quotas += _quotas(home, ground, rows, known)
    rows.sort(key=lambda one: (one.institution_code, -one.gain_fen, one.list_id))
    notes = ("新技术须写明新项目，不在候选中：申报时用 --item 写明",) if left_out else ()
    return Candidates(rows, quotas, assumed, notes)


def _quotas(home: Home, ground: Ground, rows: Sequence[Candidate], known: Mapping[str, Application]) -> list[Quota]:
    taken = known_cases(home, ground, known)
    codes = {one.institution_code for one in rows}
    pairs = ground.lines.filter(pc.is_in(ground.lines["institution_code"], pa.array(sorted(codes), pa.string())))
    found = {}
    for row in pairs.group_by(["institution_code", "fund"]).aggregate([]).to_pylist():
        quota = quota_of(ground, row["institution_code"], row["fund"], taken)
        found[quota.institution_code, quota.fund or ""] = quota
    return [found[key] for key in sorted(found)]
