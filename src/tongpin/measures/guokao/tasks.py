"""Filing tasks 填报台账: owner, evidence, reason, submission, return, resubmission of each indicator; append-only."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any, NamedTuple

import pyarrow as pa

from tongpin.base.errors import StoreError, TongpinError
from tongpin.store import lake

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from tongpin.measures.guokao.catalogue import Indicator
    from tongpin.measures.guokao.checks import Change
    from tongpin.measures.guokao.tables import Step
    from tongpin.store.home import Home

EVENTS = "guokao_events"
EVENT_SCHEMA = pa.schema(
    [
        ("number", pa.int64()),
        ("institution_code", pa.string()),
        ("year", pa.int32()),
        *((name, pa.string()) for name in ("no", "event", "actor")),
        ("on", pa.date32()),
        ("body", pa.string()),
    ]
)
"""One happening: its place in the home's account, hospital, year and indicator, what, by whom (a code, never a name),
on what day, and what was said (JSON)."""

ASSIGNED, EVIDENCE, REASON, SUBMITTED, RETURNED = "assigned", "evidence", "reason", "submitted", "returned"
EVENT_LABELS: dict[str, str] = {
    ASSIGNED: "分派",
    EVIDENCE: "佐证",
    REASON: "说明",
    SUBMITTED: "提交",
    RETURNED: "省级退回",
}
OPEN, OWNED, READY, SENT, BACK, AGAIN = "未分派", "已分派", "佐证齐备", "已提交", "省级退回", "重新提交"
STATES = (OPEN, OWNED, READY, SENT, BACK, AGAIN)
_DUE_OF_STATE = {OPEN: "owners", OWNED: "evidence", READY: "filing", BACK: "resubmit"}
"""The step of the calendar that a state waits for; submitted ones wait for nobody here."""


class Event(NamedTuple):
    """A row of the account."""

    number: int
    institution_code: str
    year: int
    no: str
    event: str
    actor: str
    on: date
    body: dict[str, Any]


@dataclass(frozen=True)
class Task:
    """An indicator's filing as its events leave it."""

    no: str
    owner: str = ""
    evidence: tuple[dict[str, Any], ...] = ()
    reason: str = ""
    submissions: tuple[Event, ...] = ()
    returns: tuple[Event, ...] = ()
    last: date = date.min
    history: tuple[Event, ...] = field(default=())

    @property
    def is_sent(self) -> bool:
        """Whether the last submission was not returned."""
        return len(self.submissions) > len(self.returns)

    @property
    def state(self) -> str:
        """Where the indicator stands, in words."""
        if self.is_sent:
            return AGAIN if self.returns else SENT
        if self.returns:
            return BACK
        if not self.owner:
            return OPEN
        return READY if self.evidence else OWNED


def read_events(home: Home, institution_code: str, year: int) -> list[Event]:
    """The events of a hospital-year in their order."""
    return [one for one in _every(home) if (one.institution_code, one.year) == (institution_code, year)]


def _every(home: Home) -> list[Event]:
    table = lake.read(home, EVENTS, EVENT_SCHEMA.names)
    rows = [] if table is None else table.sort_by("number").to_pylist()
    return [Event(**{**row, "body": json.loads(row["body"])}) for row in rows]


def tasks_of(events: Iterable[Event], numbers: Iterable[str]) -> dict[str, Task]:
    """The task of every indicator, also of those nothing happened to."""
    found = {number: Task(number) for number in numbers}
    for one in events:
        if one.no in found:
            found[one.no] = _after(found[one.no], one)
    return found


def _after(before: Task, one: Event) -> Task:
    changed: dict[str, Any] = {**before.__dict__, "last": one.on, "history": (*before.history, one)}
    match one.event:
        case "assigned":
            changed["owner"] = one.body["dept"]
        case "evidence":
            changed["evidence"] = (*before.evidence, one.body)
        case "reason":
            changed["reason"] = one.body["text"]
        case "submitted":
            changed["submissions"] = (*before.submissions, one)
        case "returned":
            changed["returns"] = (*before.returns, one)
    return Task(**changed)


@dataclass(frozen=True)
class Desk:
    """The filing of a hospital-year: who files what, and what its figures are."""

    home: Home
    institution_code: str
    year: int
    indicators: Mapping[str, Indicator]

    def tasks(self) -> dict[str, Task]:
        """The task of every indicator."""
        return tasks_of(read_events(self.home, self.institution_code, self.year), self.indicators)

    def assign(self, owners: Mapping[str, str], on: date, actor: str) -> list[Task]:
        """Give indicators to departments (number -> department); given anew they change hands."""
        with self.home.locked():
            for number, dept in owners.items():
                self._task(number, on)
                if not dept.strip():
                    raise _refused("guokao.owner", f"指标 {number} 没有写责任科室", "写科室名称或代码")
            return self._add([(number, ASSIGNED, {"dept": dept.strip()}) for number, dept in owners.items()], on, actor)

    def add_evidence(self, number: str, paths: Sequence[Path], on: date, actor: str) -> list[Task]:
        """Note files as evidence by name, size and digest; the files stay where they are."""
        with self.home.locked():
            self._owned(number, on)
            bodies = [_noted(path) for path in paths]
            return self._add([(number, EVIDENCE, body) for body in bodies], on, actor)

    def give_reason(self, number: str, text: str, on: date, actor: str) -> list[Task]:
        """Say why an indicator changed so much against last year (S909-02)."""
        with self.home.locked():
            self._task(number, on)
            if not text.strip():
                raise _refused("guokao.reason", f"指标 {number} 的原因是空的", "写清楚为什么变化")
            return self._add([(number, REASON, {"text": text.strip()})], on, actor)

    def lacking(self, task: Task, figures: Sequence[Any], *, is_large: bool) -> list[str]:
        """What keeps an indicator with these figures from being submitted, in words; nothing when it is ready.

        No owner, no figure, a figure of some months only, a filed figure without evidence, a large change without its
        reason, already submitted.
        """
        told = []
        if task.is_sent:
            told.append("已经提交")
        if not task.owner:
            told.append("没有责任科室")
        if not _complete(figures, self.indicators[task.no].kind == "vector"):
            told.append("数不全")
        if any(one["months"] for one in figures):
            told.append("只及几个月，不是全年的数")
        if self.indicators[task.no].kind != "records" and not task.evidence:
            told.append("没有佐证")
        if is_large and not task.reason:
            told.append("与上年变化大，没有说明原因")
        return told

    def submit(
        self,
        numbers: Sequence[str],
        values: Mapping[str, Sequence[Any]],
        large: Sequence[Change],
        on: date,
        actor: str,
        document: str = "",
    ) -> list[Task]:
        """Submit indicators with their figures (number -> list of {sub, value, source, months}).

        `document`: the paper that approved it. Refused (`guokao.submit`) for whatever is `lacking`; all that stands in
        the way is said at once.
        """
        with self.home.locked():
            changed = {one.no for one in large if one.is_large}
            faults = []
            for number in numbers:
                figures = values.get(number, ())
                if told := self.lacking(self._task(number, on), figures, is_large=number in changed):
                    faults.append(f"{number}：{'、'.join(told)}")
            if faults:
                raise _refused("guokao.submit", "；".join(faults), "先分派、附佐证、说明原因，补齐后再提交")
            rests = {"document": document} if document else {}
            sent = [(number, SUBMITTED, {"figures": list(values[number]), **rests}) for number in numbers]
            return self._add(sent, on, actor)

    def take_back(self, number: str, reason: str, document: str, on: date, actor: str) -> list[Task]:
        """Note that the province returned a submitted indicator, and why."""
        with self.home.locked():
            task = self._task(number, on)
            if not task.is_sent:
                raise _refused("guokao.return", f"指标 {number} 现在是“{task.state}”，没有可退回的提交", "先提交")
            if not reason.strip():
                raise _refused("guokao.return", f"指标 {number} 没有写退回原因", "照退回通知写")
            return self._add([(number, RETURNED, {"reason": reason.strip(), "document": document})], on, actor)

    def _task(self, number: str, on: date) -> Task:
        task = self.tasks().get(number)
        if task is None:
            raise _refused("guokao.number", f"手册里没有指标 {number}", "用 tongpin guokao progress 看编号")
        if on < task.last:
            raise _refused("guokao.day", f"{on} 早于指标 {number} 的上一步 {task.last}", "写实际的日期；台账只往后记")
        return task

    def _owned(self, number: str, on: date) -> Task:
        task = self._task(number, on)
        if not task.owner:
            raise _refused(
                "guokao.owner", f"指标 {number} 还没有责任科室", f"先 tongpin guokao assign {number} --dept 科室"
            )
        return task

    def _add(self, happened: Sequence[tuple[str, str, dict[str, Any]]], on: date, actor: str) -> list[Task]:
        first = 1 + max((one.number for one in _every(self.home)), default=0)
        rows = [
            {
                "number": first + place,
                "institution_code": self.institution_code,
                "year": self.year,
                "no": number,
                "event": event,
                "actor": actor,
                "on": on,
                "body": json.dumps(body, ensure_ascii=False, default=str),
            }
            for place, (number, event, body) in enumerate(happened)
        ]
        if rows:
            lake.append(self.home, EVENTS, pa.Table.from_pylist(rows, schema=EVENT_SCHEMA))
        after = self.tasks()
        return [after[number] for number in dict.fromkeys(number for number, _, _ in happened)]


def submitted_figures(values: pa.Table) -> dict[str, list[dict[str, Any]]]:
    """The figures that a submission keeps, by number; a filed one where records cover some months only."""
    found: dict[str, list[dict[str, Any]]] = {}
    for row in values.to_pylist():
        kept = {name: row[name] for name in ("sub", "value", "source", "months")}
        if row["months"] and row["filed_value"] is not None:
            kept |= {"value": row["filed_value"], "source": "填报数据", "months": None}
        found.setdefault(row["no"], []).append(kept)
    return found


def _complete(figures: Sequence[Any], is_vector: bool) -> bool:
    """Whether every figure is there; of a vector some."""
    there = [one["value"] is not None for one in figures]
    return any(there) if is_vector else bool(there) and all(there)


def _noted(path: Path) -> dict[str, Any]:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise StoreError("guokao.file", f"打不开佐证 {path}", where=str(path), hint="核对文件名") from error
    return {"name": path.name, "bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}


def due_of(task: Task, steps: Sequence[Step]) -> Step | None:
    """The step of the calendar that a task waits for."""
    wanted = _DUE_OF_STATE.get(task.state)
    return next((step for step in steps if step.step == wanted), None)


def _refused(code: str, message: str, hint: str) -> TongpinError:
    return TongpinError(code, message, hint=hint)
