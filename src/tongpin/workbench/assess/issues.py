"""Issues 公布期次: what was published when, as the journal holds it, and the publication of a period."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from tongpin.base.errors import TongpinError
from tongpin.payment.month.closed import closed_months
from tongpin.store import journal
from tongpin.store.control import reading
from tongpin.twin.publication.directed import directed
from tongpin.twin.publication.run import publication_in_home
from tongpin.workbench.analysis.computing import Job, shared
from tongpin.workbench.today import today

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import Engine

    from tongpin.store.home import Home
    from tongpin.twin.publication.directed import Directed
    from tongpin.twin.publication.run import Publication
    from tongpin.workbench.analysis.computing import Tell
    from tongpin.workbench.sign_in.identity import Identity

RELEASE = "publication.release"
_QUARTER_MONTHS = 3


class Issue(NamedTuple):
    """A period that is or may be published; `on` is the day on which its lists stand.

    `is_stale`: a month was closed anew since, so that the figures are no longer those that were released.
    """

    period: str
    months: tuple[str, ...]
    released_at: datetime | None
    released_by: str
    on: date | None
    is_stale: bool

    @property
    def is_quarter(self) -> bool:
        """Whether it is a quarter."""
        return "Q" in self.period

    @property
    def is_released(self) -> bool:
        """Whether hospitals and counties may look at it."""
        return self.released_at is not None and not self.is_stale


def issues(home: Home, engine: Engine, area: str) -> list[Issue]:
    """Every closed month and every quarter whose months are closed, the newest first."""
    closed = closed_months(home, area)
    quarters: dict[str, list[str]] = {}
    for month in sorted(closed):
        quarters.setdefault(f"{month[:4]}Q{(int(month[5:]) + 2) // 3}", []).append(month)
    periods: list[tuple[str, tuple[str, ...]]] = [(month, (month,)) for month in closed]
    periods += [(name, tuple(some)) for name, some in quarters.items() if len(some) == _QUARTER_MONTHS]
    with reading(engine) as connection:
        releases = {one.subject: one for one in journal.entries(connection, act=RELEASE)}
    found = []
    for period, months in periods:
        entry = releases.get(subject_of(area, period))
        if entry is None:
            found.append(Issue(period, months, None, "", None, is_stale=False))
            continue
        stale = entry.details["results"] != results_of(closed, months)
        on = date.fromisoformat(entry.details["on"])
        found.append(Issue(period, months, entry.at.replace(tzinfo=UTC), entry.actor, on, stale))
    return sorted(found, key=lambda one: (max(one.months), one.is_quarter), reverse=True)


def issue_of(home: Home, engine: Engine, area: str, period: str) -> Issue:
    """One of them; TongpinError `publication.missing` for a period whose months are not all closed."""
    for one in issues(home, engine, area):
        if one.period == period:
            return one
    raise TongpinError("publication.missing", f"{period} 没有可公布的数", where=period, hint="先月结这个期间的每个月")


def results_of(closed: Mapping[str, Mapping[str, Any]], months: Sequence[str]) -> list[str]:
    """The digests of the closed months that an issue rests on."""
    return [closed[month]["result_digest"] for month in months]


def subject_of(area: str, period: str) -> str:
    """What the journal calls an issue."""
    return f"publication/{area}/{period}"


def released_issue(home: Home, engine: Engine, area: str, period: str, asker: Identity) -> Issue:
    """An issue that somebody may look at: who does not publish sees only what was released.

    TongpinError `publication.missing`.
    """
    one = issue_of(home, engine, area, period)
    if one.is_released or "publication.write" in asker.permissions:
        return one
    words = "公布之后有月份重新月结，等经办机构再次公布" if one.is_stale else "还没有公布"
    raise TongpinError("publication.missing", f"{period} {words}", where=period, hint="看已公布的期次")


def release(home: Home, engine: Engine, area: str, period: str, asker: Identity) -> Issue:
    """Publish an issue as it stands today; the journal holds it.

    Refused with TongpinError `publication.missing`, `publication.exists` (published already, nothing changed since).
    """
    one = issue_of(home, engine, area, period)
    if one.is_released:
        raise TongpinError("publication.exists", f"{period} 已经公布", where=period, hint="重新月结之后才能再次公布")
    details = {
        "on": str(today(home)),
        "months": list(one.months),
        "results": results_of(closed_months(home, area), one.months),
    }
    with engine.begin() as connection:
        journal.record(
            connection,
            actor=asker.name,
            act=RELEASE,
            subject=subject_of(area, period),
            details=details,
            acted_as=asker.role.id,
        )
    return issue_of(home, engine, area, period)


def publication_now(home: Home, issue: Issue, area: str) -> Publication:
    """The publication of an issue over the whole home, waited for."""
    return shared.get(home, publishing(home, issue, area))


def _on(home: Home, issue: Issue) -> date:
    return issue.on if issue.is_released and issue.on else today(home)


def publishing(home: Home, issue: Issue, area: str) -> Job[Publication]:
    """The job that makes the publication of an issue over the whole home."""
    on = _on(home, issue)

    def work(tell: Tell) -> Publication:
        tell("计算各机构、级别、区县的指标")
        if issue.is_quarter:
            return publication_in_home(home, quarter=issue.period, area=area, on=on)
        return publication_in_home(home, month=issue.period, area=area, on=on)

    return Job(("publication", area, issue.period, on), work)


def edition_for(home: Home, found: Publication, asker: Identity, to: str) -> Directed | None:
    """The edition that somebody sees: a hospital its own; the bureau all (None), or the edition of a receiver."""
    own = asker.grant.scope.hospitals
    receiver = min(own) if own else to
    return directed(found, receiver, home.patient_key()) if receiver else None


def marked(found: Publication, mark: str) -> Publication:
    """The publication with a line that says who took it out."""
    return replace(found, notes=(mark, *found.notes))
