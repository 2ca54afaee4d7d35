"""The board 清单情况 of a month: what should have been sent, was sent, came back, is overdue or late (S901-02)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tongpin.base.money import check_balance
from tongpin.payment.lists.clocks import CLOCK_LABELS, is_stated
from tongpin.payment.lists.editions import Editions
from tongpin.payment.lists.facts import PAGE
from tongpin.payment.lists.feedback import publications
from tongpin.payment.lists.overdue import standing_in_home
from tongpin.records.intake.load import INSTITUTIONS, read_loaded
from tongpin.records.intake.states import ACCEPTED, APPEALED, DRAFT, FINAL, GROUPED, RETURNED, UPLOADED, WITHDRAWN

if TYPE_CHECKING:
    from datetime import date

    from tongpin.payment.lists.standing import Published
    from tongpin.payment.policy.policy import Policy
    from tongpin.store.home import Home

STATE_COLUMNS = {
    "returned_now": RETURNED,
    "uploaded": UPLOADED,
    "accepted": ACCEPTED,
    "grouped": GROUPED,
    "appealed": APPEALED,
    "final": FINAL,
}
"""The states in which a list has been sent: together they are the sent lists."""
BOARD_SCHEMA = pa.schema(
    [
        ("institution_code", pa.string()),
        ("institution_name", pa.string()),
        *(
            (name, pa.int64())
            for name in (
                *("should", "sent", "unsent", "without_list"),
                *STATE_COLUMNS,
                *("withdrawn", "ever_returned", "unsent_overdue", "sent_overdue", "resubmission_overdue", "late"),
            )
        ),
    ]
)
"""Lists of a hospital. `should` = `sent` + `unsent` without the withdrawn ones; `without_list` of the unsent have a
front page alone; `unsent_overdue` are not sent and beyond the day, `sent_overdue` were sent beyond it."""
OPEN_STATES = (DRAFT, UPLOADED, RETURNED, APPEALED)
"""States in which somebody has something to do now."""


class Board(NamedTuple):
    """A month of an area on a day: `STANDING_SCHEMA` and `BOARD_SCHEMA` rows, publication, edition, notes."""

    area: str
    month: str
    on: date
    units: pa.Table
    hospitals: pa.Table
    published: Published | None
    policy: Policy | None
    notes: tuple[str, ...]


def board_in_home(home: Home, area: str, month: str, on: date) -> Board:
    """The board of a month (by discharge) as it stands on a day.

    Raises BalanceError when the states of the sent lists do not add up to them, and as `standing`.
    """
    units = standing_in_home(home, area, on)
    units = units.filter(pc.equal(units["month"], month))
    policy = Editions(home, area).of(month)
    hospitals = hospitals_of(units, names_of(home))
    return Board(
        area, month, on, units, hospitals, publications(home, area).get(month), policy, _notes(units, policy, month)
    )


def hospitals_of(units: pa.Table, names: dict[str, str]) -> pa.Table:
    """Units (`STANDING_SCHEMA`) counted by hospital (`BOARD_SCHEMA`)."""
    codes = sorted(pc.unique(units["institution_code"]).drop_null().to_pylist())
    place = np.asarray(pc.index_in(units["institution_code"], value_set=pa.array(codes, pa.string())))
    state = units["state"]

    def count(mask: Any) -> Any:
        chosen = np.asarray(pc.fill_null(mask, False))
        return np.bincount(place[chosen], minlength=len(codes)) if len(codes) else np.zeros(0, np.int64)

    gone, draft = pc.equal(state, WITHDRAWN), pc.equal(state, DRAFT)
    live = pc.invert(gone)
    late_upload = pc.and_(live, pc.greater(units["upload_over_days"], 0))
    columns = {
        "institution_code": pa.array(codes, pa.string()),
        "institution_name": pa.array([names.get(code, "") for code in codes], pa.string()),
        "should": count(live),
        "sent": count(pc.and_(live, pc.invert(draft))),
        "unsent": count(draft),
        "without_list": count(pc.equal(units["source"], PAGE)),
        **{name: count(pc.equal(state, one)) for name, one in STATE_COLUMNS.items()},
        "withdrawn": count(gone),
        "ever_returned": count(pc.and_(live, pc.greater(units["returned_count"], 0))),
        "unsent_overdue": count(pc.and_(late_upload, draft)),
        "sent_overdue": count(pc.and_(late_upload, pc.invert(draft))),
        "resubmission_overdue": count(pc.and_(live, pc.greater(units["resubmission_over_days"], 0))),
        "late": count(pc.and_(live, units["late"])),
    }
    made = pa.table([pa.array(columns[one.name], one.type) for one in BOARD_SCHEMA], schema=BOARD_SCHEMA)
    for row in made.to_pylist():
        what = f"机构 {row['institution_code']} 已传清单"
        check_balance("lists.board", what, row["sent"], sum(row[name] for name in STATE_COLUMNS))
        check_balance(
            "lists.board", f"机构 {row['institution_code']} 应传清单", row["should"], row["sent"] + row["unsent"]
        )
    return made


def attention(units: pa.Table) -> pa.Table:
    """The units that somebody has to deal with: open ones, overdue ones, late ones; the longest overdue first."""
    open_ones = pc.is_in(units["state"], pa.array(OPEN_STATES))
    overdue = pc.or_(pc.greater(units["upload_over_days"], 0), pc.greater(units["resubmission_over_days"], 0))
    chosen = units.filter(pc.or_(pc.or_(open_ones, overdue), units["late"]))
    order = [("over_days", "descending"), ("upload_over_days", "descending"), ("institution_code", "ascending")]
    return chosen.sort_by([*order, ("case_id", "ascending")])


def names_of(home: Home) -> dict[str, str]:
    """The latest name of every registered institution."""
    rows = sorted(read_loaded(home, INSTITUTIONS).to_pylist(), key=lambda row: row["valid_from"])
    return {row["institution_code"]: row["institution_name"] for row in rows}


def _notes(units: pa.Table, policy: Policy | None, month: str) -> tuple[str, ...]:
    if policy is None:
        return (f"{month} 没有有效的付费办法，时限没有推算",)
    silent = "、".join(label for clock, label in CLOCK_LABELS.items() if not is_stated(policy, clock))
    notes = [f"付费办法 {policy.id} 没有写这些时限，没有推算到期日：{silent}（clock.days）"] if silent else []
    paged = set(pc.unique(units.filter(pc.equal(units["source"], PAGE))["institution_code"]).to_pylist())
    notes.append("应传 = 清单（不含作废）+ 有首页、没有清单的医保住院；没有装载首页的机构只按清单数")
    if paged:
        count = pc.sum(pc.equal(units["source"], PAGE)).as_py()
        notes.append(f"{len(paged)} 家机构共 {count} 例有首页、没有清单")
    return tuple(notes)
