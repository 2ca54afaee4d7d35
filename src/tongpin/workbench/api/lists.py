"""Lists 清单情况: where the lists of a month stand, returns by age, limits, publications of group results (S902-01)."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

import numpy as np
import pyarrow.compute as pc
from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict, Field

from tongpin.base.errors import PolicyError
from tongpin.payment.lists.board import BOARD_SCHEMA, Board, board_in_home
from tongpin.payment.lists.board_xlsx import window_words
from tongpin.payment.lists.clocks import CLOCK_LABELS, is_stated, limit_words
from tongpin.payment.lists.editions import area_in
from tongpin.payment.lists.feedback import TO_DECIDE, TO_REVIEW, appeals, publications
from tongpin.payment.lists.feedback import publish as record_publication
from tongpin.payment.lists.returns import ages_of, headline, returns_in_home
from tongpin.payment.month.closed import area_of, closed_months
from tongpin.store import journal
from tongpin.store.home import Home
from tongpin.workbench.api.asking import Bench, Workbench, needs
from tongpin.workbench.api.shapes import REFUSALS
from tongpin.workbench.sign_in.identity import DeniedError, Identity
from tongpin.workbench.today import today

router = APIRouter(tags=["清单与申诉"], responses=REFUSALS)
Reader = Annotated[Identity, Depends(needs("lists.read"))]
Publisher = Annotated[Identity, Depends(needs("publication.write"))]
Month = Annotated[str, Query(pattern=r"^\d{4}-(0[1-9]|1[0-2])$")]
Area = Annotated[str | None, Query(max_length=64)]
BOARD_LABELS = {
    "should": "应传",
    "sent": "已传",
    "unsent": "未传",
    "returned_now": "退回待传",
    "uploaded": "待接收",
    "accepted": "已接收",
    "grouped": "已分组",
    "appealed": "申诉中",
    "final": "终审",
    "ever_returned": "曾退回",
    "unsent_overdue": "未传超期",
    "sent_overdue": "迟传",
    "resubmission_overdue": "重传超期",
    "late": "补传",
    "withdrawn": "作废",
}


class BoardColumn(BaseModel):
    """A count of the board."""

    id: str
    label: str


class BoardRow(BaseModel):
    """A hospital's lists of the month, counted."""

    institution_code: str
    institution_name: str
    counts: dict[str, int]


class Bar(BaseModel):
    """A count with its label."""

    label: str
    count: int


class Clock(BaseModel):
    """A limit of the edition in words."""

    label: str
    words: str


class ListBoard(BaseModel):
    """A month's lists by hospital as they stand on a day, returns by age, limits, the window for appeals."""

    month: str
    on: date
    columns: list[BoardColumn]
    rows: list[BoardRow]
    totals: dict[str, int]
    returned: str
    ages: list[Bar]
    clocks: list[Clock]
    window: str
    published_on: date | None
    window_end: date | None
    may_publish: bool
    notes: list[str]
    simulated: bool


class PublicationShown(BaseModel):
    """A month whose group results were published, or wait for it."""

    month: str
    published_on: date | None
    until: date | None
    open: bool
    appeals: int
    to_review: int
    to_decide: int


class PublicationWanted(BaseModel):
    """The publication of a closed month; another day for the same month needs a reason."""

    model_config = ConfigDict(extra="forbid")
    month: str = Field(pattern=r"^\d{4}-(0[1-9]|1[0-2])$")
    area: str | None = Field(default=None, max_length=64)
    on: date | None = None
    reason: str = Field(default="", max_length=500)


@router.get("/lists/board", summary="应传、已传、退回、超期")
def list_board(asker: Reader, bench: Bench, month: Month, area: Area = None, on: date | None = None) -> ListBoard:
    """The lists discharged in a month by hospital as they stand on a day, with returns by age and the limits."""
    desk, day = asker.desk(bench.home), on or today(bench.home)
    named = area_in(desk, area, month)
    board = board_in_home(desk, named, month, day)
    returns = returns_in_home(desk, named, month, day)
    names = [name for name in BOARD_SCHEMA.names if name in BOARD_LABELS]
    names.sort(key=list(BOARD_LABELS).index)
    rows = board.hospitals.to_pylist()
    return ListBoard(
        month=month,
        on=day,
        columns=[BoardColumn(id=name, label=BOARD_LABELS[name]) for name in names],
        rows=[
            BoardRow(
                institution_code=row["institution_code"],
                institution_name=row["institution_name"] or row["institution_code"],
                counts={name: row[name] for name in names},
            )
            for row in rows
        ],
        totals={name: sum(row[name] for row in rows) for name in names},
        returned=headline(returns),
        ages=[Bar(label=label, count=count) for label, count in ages_of(returns).items()],
        clocks=_clocks(board),
        window=window_words(board),
        published_on=board.published.on if board.published else None,
        window_end=board.published.until if board.published else None,
        may_publish="publication.write" in asker.permissions,
        notes=[f"{month} 出院的清单，{day} 的情况", *board.notes],
        simulated=board.policy is not None and any(key.startswith("clock.") for key in board.policy.assumed_keys()),
    )


@router.get("/lists/publications", summary="分组结果的公布与申诉期")
def list_publications(asker: Reader, bench: Bench, area: Area = None) -> list[PublicationShown]:
    """Every closed month, when its results were published, until when hospitals may appeal, appeals of the desk."""
    desk, on = asker.desk(bench.home), today(bench.home)
    named = _area(desk, area)
    known, filed = publications(desk, named), appeals(desk, named)
    made = []
    for month in sorted(closed_months(desk, named), reverse=True):
        one = known.get(month)
        mine = [appeal for appeal in filed if appeal.month == month]
        made.append(
            PublicationShown(
                month=month,
                published_on=one.on if one else None,
                until=one.until if one else None,
                open=one is not None and one.on <= on and (one.until is None or on <= one.until),
                appeals=len(mine),
                to_review=sum(appeal.stage == TO_REVIEW for appeal in mine),
                to_decide=sum(appeal.stage == TO_DECIDE for appeal in mine),
            )
        )
    return made


@router.post("/lists/publications", status_code=201, summary="登记公布一个月的分组结果")
def publish_month(body: PublicationWanted, asker: Publisher, bench: Bench) -> PublicationShown:
    """Record the publication of a closed month; hospitals may appeal from that day on (S902-01)."""
    check_whole_region(asker)
    named = _area(bench.home, body.area)
    on = body.on or today(bench.home)
    published = record_publication(bench.home, named, body.month, on, body.reason)
    noted(bench, asker, "lists.publish", f"month/{named}/{body.month}", {"on": str(on), "reason": body.reason})
    return PublicationShown(
        month=body.month,
        published_on=published.on,
        until=published.until,
        open=True,
        appeals=0,
        to_review=0,
        to_decide=0,
    )


def _area(home: Home, area: str | None) -> str:
    found = area_of(home, area)
    if found is None:
        raise PolicyError("lists.area.open", "还没有关账的月份", where="area", hint="先月结")
    return found


def check_whole_region(asker: Identity) -> None:
    """Nothing, or DeniedError for whoever sees a part of the region only."""
    if not asker.grant.scope.is_whole:
        raise DeniedError("lists.scope", "这件事由经办机构做", where="scope", hint="以经办的身份登录")


def noted(bench: Workbench, asker: Identity, act: str, subject: str, details: dict[str, Any]) -> None:
    """What was done stands in the journal."""
    with bench.engine.begin() as connection:
        journal.record(connection, actor=asker.name, acted_as=asker.role.id, act=act, subject=subject, details=details)


def _clocks(board: Board) -> list[Clock]:
    """The limits that the edition of the month sets."""
    if board.policy is None:
        return []
    start = pc.min(board.units["discharge_date"]).as_py() if board.units.num_rows else None
    if start is None:
        return []
    return [
        Clock(label=label, words=limit_words(board.policy, clock, np.datetime64(start)))
        for clock, label in CLOCK_LABELS.items()
        if is_stated(board.policy, clock)
    ]
