"""The account 单议台账: what was applied for, assigned, voted and decided, append-only, each with its day and actor."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any, NamedTuple

import pyarrow as pa

from tongpin.base.errors import PolicyError
from tongpin.store import lake

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tongpin.store.home import Home

EVENTS = "review_events"
EVENT_SCHEMA = pa.schema(
    [
        ("number", pa.int64()),
        *((name, pa.string()) for name in ("area", "event", "subject", "role", "actor")),
        ("on", pa.date32()),
        ("body", pa.string()),
    ]
)
"""One happening: its place in the home's account, what it is about (application, expert or quarter), who (a role and
a code, never a name), on what day, and what was said (JSON)."""
_STORED = pa.schema([*EVENT_SCHEMA, ("institution_code", pa.string()), ("case_id", pa.string())])
"""In the lake an event also says whose application it is about; by that the lake knows who may read it."""

APPLIED, WITHDRAWN, ASSIGNED, RECUSED, VOTED, DECIDED = (
    "applied",
    "withdrawn",
    "assigned",
    "recused",
    "voted",
    "decided",
)
EXPERT, PUBLISHED = "expert", "published"
ROLES: dict[str, str] = {"hospital": "医疗机构", "agency": "经办机构", "expert": "评审专家"}

AGREE, PARTIAL, REFUSE = "agree", "partial", "refuse"
VERDICTS: dict[str, str] = {AGREE: "同意", PARTIAL: "部分同意", REFUSE: "不同意"}
"""How an expert votes, and how an application is decided."""


class Event(NamedTuple):
    """A row of the account."""

    number: int
    area: str
    event: str
    subject: str
    role: str
    actor: str
    on: date
    body: dict[str, Any]


@dataclass(frozen=True)
class Application:
    """An application as its events leave it; `body` is what was frozen when it was filed."""

    id: str
    area: str
    filed: date
    actor: str
    body: dict[str, Any]
    withdrawn: Event | None = None
    assigned: Event | None = None
    panel: tuple[str, ...] = ()
    recusals: tuple[Event, ...] = ()
    votes: Mapping[str, Event] = field(default_factory=dict)
    decided: Event | None = None
    last: date = date.min

    @property
    def state(self) -> str:
        """Where the application stands, in words."""
        if self.withdrawn:
            return "已撤回"
        if self.decided:
            return VERDICTS[self.decided.body["outcome"]]
        if not self.assigned:
            return "已申报"
        return "待结论" if len(self.votes) == len(self.panel) else "评审中"

    @property
    def is_open(self) -> bool:
        """Whether it is neither withdrawn nor decided."""
        return not self.withdrawn and not self.decided

    @property
    def is_approved(self) -> bool:
        """Whether it was agreed to, wholly or in part."""
        return self.decided is not None and self.decided.body["outcome"] != REFUSE


def read_events(home: Home, area: str | None = None) -> list[Event]:
    """The events of a home in their order, or those of one area."""
    table = lake.read(home, EVENTS, EVENT_SCHEMA.names)
    rows = [] if table is None else table.sort_by("number").to_pylist()
    return [Event(**{**row, "body": json.loads(row["body"])}) for row in rows if area is None or row["area"] == area]


def add_events(home: Home, events: Sequence[Event]) -> None:
    """Append events in one transaction; the caller holds the home and numbered them after the last."""
    owners = {one.subject: one.body for one in [*read_events(home), *events] if one.event == APPLIED}
    rows = []
    for one in events:
        owner = owners.get(one.subject, {})
        row = {**one._asdict(), "body": json.dumps(one.body, ensure_ascii=False, default=str)}
        rows.append(row | {"institution_code": owner.get("institution_code"), "case_id": owner.get("list_id")})
    lake.append(home, EVENTS, pa.Table.from_pylist(rows, schema=_STORED))


def next_number(events: Sequence[Event]) -> int:
    """The number of the next event of the whole home."""
    return 1 + max((one.number for one in events), default=0)


def applications(events: Sequence[Event]) -> dict[str, Application]:
    """Every application by id, as its events leave it."""
    found: dict[str, Application] = {}
    for one in events:
        before = found.get(one.subject)
        if one.event == APPLIED:
            found[one.subject] = Application(one.subject, one.area, one.on, one.actor, one.body, last=one.on)
        elif before is not None:
            found[one.subject] = _after(before, one)
    return found


def _after(before: Application, one: Event) -> Application:
    changed: dict[str, Any] = {**before.__dict__, "last": max(before.last, one.on)}
    match one.event:
        case "withdrawn":
            changed["withdrawn"] = one
        case "assigned":
            changed |= {"assigned": before.assigned or one, "panel": (*before.panel, *one.body["experts"])}
        case "recused":
            rest = tuple(code for code in before.panel if code != one.body["expert"])
            changed |= {"panel": (*rest, one.body["replaced_by"]), "recusals": (*before.recusals, one)}
        case "voted":
            changed["votes"] = {**before.votes, one.body["expert"]: one}
        case "decided":
            changed["decided"] = one
    return Application(**changed)


def application_of(found: Mapping[str, Application], name: str) -> Application:
    """The application of that id; PolicyError `review.unknown` when there is none."""
    one = found.get(name)
    if one is None:
        raise PolicyError("review.unknown", f"没有特例单议申报 {name}", hint="用 tongpin review list 看编号")
    return one


def list_key(body: Mapping[str, Any]) -> tuple[str, str]:
    """Hospital and list of an application."""
    return body["institution_code"], body["list_id"]


def check_day(events: Sequence[Event], area: str, on: date, application: Application | None = None) -> None:
    """Refuse a day before the application's last event, or within a quarter that was published (`review.day`)."""
    if application is not None and on < application.last:
        raise PolicyError(
            "review.day",
            f"{on} 早于申报 {application.id} 的上一步 {application.last}",
            hint="写实际的日期；台账只往后记",
        )
    closed = max(
        (date.fromisoformat(e.body["last_day"]) for e in events if e.event == PUBLISHED and e.area == area),
        default=None,
    )
    if closed is not None and on <= closed:
        raise PolicyError(
            "review.day", f"{on} 所在的季度已经公示（至 {closed}）", hint="公示过的季度不再补记，记在现在的日期"
        )
