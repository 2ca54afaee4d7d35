"""Filing 国考填报: a hospital-year as its desk sees it: figures, changes, tasks, calendar, findings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from tongpin.base.errors import TongpinError
from tongpin.measures.guokao.catalogue import load_set
from tongpin.measures.guokao.checks import all_findings, changes
from tongpin.measures.guokao.hospital import hospitals, require_set
from tongpin.measures.guokao.tables import calendar_of
from tongpin.measures.guokao.tasks import STATES, Desk, due_of
from tongpin.measures.guokao.values import hospital_year
from tongpin.payment.month.statement_columns import synthetic_notice
from tongpin.workbench.analysis.computing import Job, shared
from tongpin.workbench.today import today

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    import pyarrow as pa

    from tongpin.base.findings import Finding
    from tongpin.measures.guokao.checks import Change
    from tongpin.measures.guokao.hospital import Hospital
    from tongpin.measures.guokao.tables import Step
    from tongpin.measures.guokao.tasks import Task
    from tongpin.measures.guokao.values import HospitalYear
    from tongpin.store.home import Home
    from tongpin.store.scope import Scope
    from tongpin.workbench.analysis.computing import Tell


class Counted(NamedTuple):
    """The figures of a hospital-year and how they changed: what takes long to count."""

    known: HospitalYear
    values: pa.Table
    extra: pa.Table
    changes: tuple[Change, ...]


@dataclass(frozen=True)
class Filing:
    """The filing of a hospital-year as it stands today."""

    counted: Counted
    tasks: Mapping[str, Task]
    steps: Sequence[Step]
    findings: Sequence[Finding]
    notices: Sequence[str]
    today: date

    @property
    def known(self) -> HospitalYear:
        """What is known of the hospital-year."""
        return self.counted.known

    def states(self) -> dict[str, int]:
        """How many indicators are in each state, in the order of the way they go."""
        return states_of(self.tasks)

    def late(self) -> int:
        """How many indicators are behind the calendar."""
        return late_of(self.tasks, self.steps, self.today)


def counted_now(home: Home, code: str, year: int) -> Counted:
    """The figures of a hospital-year, waited for."""
    return shared.get(home, counting(home, code, year))


def counting(home: Home, code: str, year: int) -> Job[Counted]:
    """The job that counts the figures of a hospital-year."""

    def work(tell: Tell) -> Counted:
        tell("读取首页与填报数据，计算指标")
        known = hospital_year(home, year, code)
        return Counted(known, known.values(), known.extra_values(), tuple(changes(*known.compared())))

    return Job(("guokao", code, year), work)


def filing(home: Home, found: Counted) -> Filing:
    """The filing around counted figures: the tasks, the calendar, what a check finds."""
    known = found.known
    tasks = desk_of(home, known.hospital, known.year).tasks()
    reasons = {number: one.reason for number, one in tasks.items() if one.reason}
    findings = all_findings(
        known.year, known.this, list(known.indicators.values()), found.values, found.changes, reasons
    )
    assumed = sum(1 for one in known.indicators.values() if one.assumed)
    notices = [
        *synthetic_notice(home),
        f"{known.hospital.manual.label}：{assumed} 项指标的算式未经公开材料确认，标“模拟”，上报前须与当年手册核对",
        *known.notes,
    ]
    return Filing(found, tasks, calendar_of(known.year, home), findings, notices, today(home))


def desk_of(home: Home, hospital: Hospital, year: int) -> Desk:
    """The desk that files for a hospital; TongpinError `guokao.manual` where its manual has no indicators."""
    return Desk(home, hospital.code, year, load_set(require_set(hospital)))


def states_of(tasks: Mapping[str, Task]) -> dict[str, int]:
    """How many tasks are in each state."""
    return {state: sum(task.state == state for task in tasks.values()) for state in STATES}


def late_of(tasks: Mapping[str, Task], steps: Sequence[Step], day: date) -> int:
    """How many tasks are behind the calendar on a day."""
    return sum((due := due_of(task, steps)) is not None and day > due.due for task in tasks.values())


def seen_hospitals(home: Home, scope: Scope, year: int) -> list[Hospital]:
    """The registered hospitals that a scope sees as a whole; the register itself is open to everybody."""
    return [one for one in hospitals(home, year) if all(scope.sees_hospital(code) for code in one.codes)]


def seen_hospital(home: Home, scope: Scope, code: str, year: int) -> Hospital:
    """A hospital by code that the scope sees; TongpinError `guokao.unknown` for any other, registered or not."""
    found = next((one for one in seen_hospitals(home, scope, year) if code in one.codes), None)
    if found is None:
        raise TongpinError("guokao.unknown", "这里没有这家医院", where=code, hint="核对机构代码")
    return found
