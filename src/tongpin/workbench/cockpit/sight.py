"""Sight 谁在看: one month of an area through the eyes of a reach, and what is counted for it once and kept.

Indices, expected shares, funnels and the joint report stand against the whole region, and so they are counted over the
whole home; what is handed on are figures of the own place, of the region and its levels, never rows of another place.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pyarrow.compute as pc

from tongpin.base.errors import TongpinError
from tongpin.measures.compare import base_months
from tongpin.measures.desks import Desks, has_cost
from tongpin.measures.engine import sum_facts
from tongpin.measures.populations import DRG_POPULATION, PAGE_POPULATION
from tongpin.measures.table import Wish, desks_for, figures_beside
from tongpin.payment.month.closed import area_of, closed_manifest, closed_months
from tongpin.store.home import Home
from tongpin.twin.joint import GRAIN
from tongpin.twin.run import joint_in_home
from tongpin.workbench.cockpit.catalogue import cockpit_data
from tongpin.workbench.listings.views import state_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pyarrow as pa

    from tongpin.measures.figures import FigureTable
    from tongpin.store.scope import Scope
    from tongpin.twin.joint import JointReport
    from tongpin.workbench.sign_in.roles import Reach

MOST_KEPT = 6
"""So many months, of whichever area, are kept at a time; the longest unused goes first."""


@dataclass(frozen=True)
class Place:
    """Whose month it is: the region, a hospital, a department or a doctor of one."""

    reach: Reach
    hospital: str | None = None
    department: str | None = None
    doctor: str | None = None

    @property
    def by(self) -> tuple[str, ...]:
        """The columns that name the place."""
        return {
            "region": (),
            "hospital": ("institution_code",),
            "department": ("institution_code", "dept"),
            "doctor": ("institution_code", "doctor_code"),
        }[self.reach]

    @property
    def key(self) -> dict[str, str]:
        """The values of those columns."""
        values = {"institution_code": self.hospital, "dept": self.department, "doctor_code": self.doctor}
        return {name: values[name] or "" for name in self.by}

    def own(self, table: pa.Table) -> pa.Table:
        """The rows of the place."""
        for name, value in self.key.items():
            table = table.filter(pc.equal(table[name], value))
        return table


def place_of(scope: Scope | None) -> Place:
    """The place that a scope shows; `cockpit.scope` for one that is no place, such as a list of cases."""
    if scope is None or scope.is_whole:
        return Place("region")
    one = {name: _only(getattr(scope, name)) for name in ("hospitals", "departments", "doctors")}
    if scope.cases is not None or one["hospitals"] is None:
        raise TongpinError("cockpit.scope", "这个岗位看不到一个完整的地方", hint="请用机构、科室或医师的岗位")
    hospital = one["hospitals"]
    if scope.doctors is not None:
        return Place("doctor", hospital, doctor=one["doctors"] or "")
    if scope.departments is not None:
        return Place("department", hospital, department=one["departments"] or "")
    return Place("hospital", hospital)


def _only(values: frozenset[str] | None) -> str | None:
    return next(iter(values)) if values is not None and len(values) == 1 else None


def chosen_month(home: Home, area: str | None, month: str | None, granted: str | None) -> tuple[str, str]:
    """The area and month that are meant: the granted area alone, the last closed month unless named.

    Errors: `cockpit.area` (another area than is granted), `settle.open` (not closed), as `area_of`.
    """
    if granted is not None and area not in {None, granted}:
        raise TongpinError("cockpit.area", f"没有统筹区 {area} 的授权", where="area", hint=f"可看：{granted}")
    wanted = area_of(home, granted or area)
    closed = closed_months(home, wanted)
    if wanted is None or not closed:
        raise TongpinError("settle.open", "还没有关账的月份", hint="先月结")
    chosen = month or max(closed)
    closed_manifest(home, chosen, wanted)
    return wanted, chosen


@dataclass
class Month:
    """A closed month of an area over the whole home, its tables made once; safe for threads."""

    home: Home
    area: str
    month: str
    _lock: threading.RLock = field(default_factory=threading.RLock)
    _kept: dict[Any, Any] = field(default_factory=dict)

    def once(self, key: Any, make: Callable[[], Any]) -> Any:
        """What `make` gives, made at most once; what it raises is raised again."""
        with self._lock:
            if key not in self._kept:
                self._kept[key] = make()
            return self._kept[key]

    @property
    def desks(self) -> Desks:
        """The cases of both desks, with those of the months that figures are compared with."""
        wish = Wish(months=(self.month,), area=self.area)
        found: Desks = self.once("desks", lambda: desks_for(self.home, wish, cockpit_data().compare))
        return found

    @property
    def compared(self) -> tuple[str, ...]:
        """The comparisons whose months anybody loaded or closed, in their order."""

        def made() -> tuple[str, ...]:
            closed = self.desks.manifests
            return tuple(
                kind
                for kind in cockpit_data().compare
                if any(
                    one in closed or self.desks.cases(PAGE_POPULATION, (one,)).num_rows
                    for one in base_months((self.month,), kind)
                )
            )

        found: tuple[str, ...] = self.once("compared", made)
        return found

    @property
    def has_cost(self) -> bool:
        """Whether anybody imported cost."""
        return bool(self.once("cost", lambda: has_cost(self.home)))

    def against(self, population: str) -> dict[str, Any]:
        """The tables of groups that the figures of a population stand against (`Desks.against`)."""
        found: dict[str, Any] = self.once(
            ("against", population), lambda: self.desks.against(population, (self.month,))
        )
        return found

    def figures(self, place: Place, measures: Sequence[str]) -> tuple[FigureTable, ...]:
        """The figures of a place, a table for each comparison; every place of its kind is counted, only it is given."""
        names = tuple(dict.fromkeys(measures))

        def made() -> tuple[FigureTable, ...]:
            wish = Wish(
                months=(self.month,),
                area=self.area,
                by=place.by,
                measures=names,
                hospital=place.hospital,
                dept=place.department,
            )
            return figures_beside(self.home, wish, self.compared or ("",), self.desks)

        key = ("figures", place.by, place.hospital, place.department, names)
        tables: tuple[FigureTable, ...] = self.once(key, made)
        return tables

    def every_place(self, by: tuple[str, ...], name: str) -> FigureTable:
        """A measure of every place of a kind, for what judges them all."""
        wish = Wish(months=(self.month,), area=self.area, by=by, measures=(name,))
        table: FigureTable = self.once(
            ("every", by, name), lambda: figures_beside(self.home, wish, ("",), self.desks)[0]
        )
        return table

    def joint(self) -> JointReport:
        """The joint report of the area."""
        found: JointReport = self.once("joint", lambda: joint_in_home(self.home, self.month, self.area))
        return found

    def facts(self, place: Place, *, costed: bool = False) -> tuple[pa.Table, pa.Table]:
        """The facts of both desks of a place by hospital, department and group: of lists, of front pages.

        `costed`: with those of the cost that hospitals imported, which nobody but a hospital itself is shown.
        """
        if place.reach == "doctor" or (costed and self.has_cost):
            found: tuple[pa.Table, pa.Table] = self.once(("facts", place), lambda: self._counted(place))
            return found
        joint = self.joint()
        return place.own(joint.settlement), place.own(joint.discharge)

    def _counted(self, place: Place) -> tuple[pa.Table, pa.Table]:
        settlement, discharge = (
            sum_facts(place.own(self.desks.cases(one, (self.month,))), GRAIN, **self.against(one))
            for one in (DRG_POPULATION, PAGE_POPULATION)
        )
        return settlement, discharge


_months: OrderedDict[tuple[str, str, str], tuple[Any, Month]] = OrderedDict()
_guard = threading.Lock()


def month_of(home: Home, area: str, month: str) -> Month:
    """The month as the home holds it now; kept until a table of the home changes. The scope of the home is left."""
    whole = Home(home.root)
    key, state = (str(whole.root), area, month), state_of(whole)
    with _guard:
        found = _months.get(key)
        if found is None or found[0] != state:
            found = (state, Month(whole, area, month))
            _months[key] = found
        _months.move_to_end(key)
        while len(_months) > MOST_KEPT:
            _months.popitem(last=False)
    return found[1]


def sums(facts: pa.Table, name: str) -> int:
    """The sum of a fact, zero where it is absent."""
    return int(pc.sum(facts[name]).as_py() or 0) if name in facts.column_names else 0
