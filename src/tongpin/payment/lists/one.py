"""One list 一份清单: its clock, its eight dates, and what its states owe to publications and appeals."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from tongpin.payment.lists.dates import dates_of
from tongpin.payment.lists.feedback import appeal_steps, review_steps
from tongpin.payment.lists.overdue import standing_in_home
from tongpin.payment.lists.standing import ACTOR_LABELS, HOSPITAL
from tongpin.payment.month.closed import areas_of, areas_routed
from tongpin.records.intake.dossier import Further
from tongpin.records.intake.states import GROUPED, Appeal

if TYPE_CHECKING:
    from datetime import date

    from tongpin.store.home import Home


class OneList(NamedTuple):
    """A list of one hospital: its row of `STANDING_SCHEMA`, of `DATES_SCHEMA` (none: never read), and its appeals."""

    clock: dict[str, Any]
    dates: dict[str, Any] | None
    appeals: tuple[Appeal, ...]

    def further(self, on: date) -> Further:
        """What the chain of states cannot know by itself."""
        end = self.clock["window_end"]
        final_on = end + timedelta(days=1) if end is not None and end < on else None
        return Further(self.clock["period"] is not None, self.appeals, final_on)


def one_list(home: Home, case_id: str, on: date) -> dict[str, OneList]:
    """The list of that id in each institution that has it, by institution code, as it stands on a day."""
    found: dict[str, OneList] = {}
    for area in areas_routed(home) or areas_of(home) or (None,):
        dates = {row["institution_code"]: row for row in dates_of(home, area, case_id)}
        both = (*appeal_steps(home, area).to_pylist(), *review_steps(home, area).to_pylist())
        steps = [row for row in both if row["case_id"] == case_id]
        for row in standing_in_home(home, area, on, case_id).to_pylist():
            code = row["institution_code"]
            own = tuple(Appeal(one["on"], one["result"]) for one in steps if one["institution_code"] == code)
            found[code] = OneList(row, dates.get(code), own)
    return found


def clock_words(row: dict[str, Any], on: date) -> str:
    """The clock of a list in one line: since when, how long, who must act until when, how late."""
    said = []
    if row["since"] is not None:
        said.append(f"自 {row['since']} 起，已 {row['days_in_state']} 日")
    if row["act_by"]:
        may = row["act_by"] == HOSPITAL and row["state"] == GROUPED
        said.append(f"{ACTOR_LABELS[row['act_by']]}{'可申诉' if may else '办理'}")
    if row["due"] is not None:
        over = f"，已超 {row['over_days']} 日" if row["over_days"] else ""
        said.append(f"期限 {row['due']}{over}")
    elif row["act_by"]:
        said.append("没有期限")
    if row["upload_over_days"]:
        said.append(f"上传超期 {row['upload_over_days']} 日（应于 {row['upload_due']} 前上传）")
    if row["resubmission_over_days"]:
        said.append(f"退回后重传超期 {row['resubmission_over_days']} 日")
    return f"时限（{on}）：" + "；".join(said or ["没有事要办"])
