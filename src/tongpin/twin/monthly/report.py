"""The monthly report of a home 医院月报、科室月报: both desks of a closed month, with what may be behind the figures.

Every section is data; one that cannot be formed says why and the others stand.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import pyarrow as pa

from tongpin.base.errors import TongpinError
from tongpin.measures.compare import HOSPITAL, MONTH, PEERS, YEAR
from tongpin.measures.guokao.catalogue import TERTIARY
from tongpin.measures.guokao.compute import compute_values
from tongpin.measures.guokao.values import hospital_year
from tongpin.measures.populations import PAGE_POPULATION
from tongpin.measures.table import Wish, desks_for, figures_beside
from tongpin.twin.causes.run import Wanted, causes_in_home, read_month
from tongpin.twin.causes.top import top_rows
from tongpin.twin.monthly.catalogue import load_monthly
from tongpin.twin.monthly.meeting import SHARE_MEASURES, figures_by_dept, shares_by_dept, split_groups
from tongpin.twin.monthly.open_lists import open_lists
from tongpin.twin.monthly.papers import marks_of, notices_of
from tongpin.twin.monthly.settled import account, department_rows, month_back

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import date

    from tongpin.measures.desks import Desks
    from tongpin.measures.figures import Comparison, Figure, FigureBasis
    from tongpin.measures.guokao.compute import Terms
    from tongpin.measures.guokao.values import HospitalYear
    from tongpin.store.home import Home
    from tongpin.twin.causes.run import CausesReport, Labels, MonthCases
    from tongpin.twin.monthly.catalogue import Section
    from tongpin.twin.monthly.open_lists import OpenList
    from tongpin.twin.monthly.settled import AccountRow

_KINDS = (MONTH, YEAR, PEERS)
_CASES = "discharge.cases"


class Compared(NamedTuple):
    """A figure with its comparisons by kind (环比, 同比, 同级)."""

    figure: Figure
    beside: Mapping[str, Comparison]


class National(NamedTuple):
    """A 国考 indicator of the month: number, name, unit, direction, values now, a month and a year before, and why not.

    `simulated`: its formula is confirmed by no document.
    """

    sub: str
    name: str
    unit: str
    direction: str
    value: float | None
    before: Mapping[str, float | None]
    reason: str
    simulated: bool


class Unit(NamedTuple):
    """A department or doctor of the report: code, name, the account of a department (None of a doctor), figures.

    `shares`: the row of `departments_against_expected`.
    """

    code: str
    label: str
    account: Mapping[str, int] | None
    figures: Mapping[str, Figure]
    shares: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Monthly:
    """The report of a hospital, or of a department of it: the sections that stand, in order, and their contents.

    `missing`: by section, why it could not be formed. `gains`, `losses`: rows of `top_rows` with enough cases, `rest`
    the sum of the others.
    """

    month: str
    on: date
    hospital: str
    hospital_name: str
    dept: str | None
    dept_label: str
    sections: tuple[Section, ...]
    account: tuple[AccountRow, ...]
    figures: tuple[Compared, ...]
    basis: FigureBasis | None
    national: tuple[National, ...]
    gains: tuple[Mapping[str, Any], ...]
    losses: tuple[Mapping[str, Any], ...]
    rest: Mapping[str, Any] | None
    units: tuple[Unit, ...]
    causes: CausesReport | None
    lists: tuple[OpenList, ...]
    labels: Labels
    marks: tuple[str, ...]
    notices: tuple[str, ...]
    notes: tuple[str, ...]
    missing: Mapping[str, str]


class _Parts:
    """What the sections hold; a section that cannot be formed is noted with its reason."""

    def __init__(self, home: Home, cases: MonthCases, on: date) -> None:
        self.home, self.cases, self.on = home, cases, on
        self.hospital = cases.hospital or ""
        self.missing: dict[str, str] = {}
        self.account: tuple[AccountRow, ...] = ()
        self.figures: tuple[Compared, ...] = ()
        self.basis: FigureBasis | None = None
        self.notes: tuple[str, ...] = ()
        self.national: tuple[National, ...] = ()
        self.groups: tuple[Any, Any, Any] = ((), (), None)
        self.units: tuple[Unit, ...] = ()
        self.causes: CausesReport | None = None
        self.lists: tuple[OpenList, ...] = ()

    def fill(self, section: Section) -> None:
        """Form one section."""
        forms: dict[str, Callable[[Section], None]] = {
            "statement": self._account,
            "figures": self._figures,
            "guokao": self._national,
            "groups": self._groups,
            "departments": self._departments,
            "doctors": self._doctors,
            "causes": self._causes,
            "lists": self._lists,
        }
        try:
            forms[section.kind](section)
        except TongpinError as error:
            self.missing[section.id] = f"{error.message}（{error.hint}）" if error.hint else error.message

    @property
    def _month(self) -> str:
        return self.cases.wanted.month

    def _account(self, section: Section) -> None:
        found = account(self.home, self.cases.area, self._month, self.hospital, self.cases.dept, section)
        self.account = tuple(found)

    def _wish(self, by: Sequence[str], measures: Sequence[str]) -> Wish:
        return Wish(
            months=(self._month,),
            by=tuple(by),
            measures=tuple(dict.fromkeys(measures)),
            area=self.cases.area,
            hospital=self.hospital,
        )

    @cached_property
    def _desks(self) -> Desks:
        """The cases of the month and of those before it, read once for every section."""
        return desks_for(self.home, self._wish(("institution_code",), ()), _KINDS)

    def _figures(self, section: Section) -> None:
        by = ("institution_code",) if self.cases.dept is None else ("institution_code", "dept")
        tables = figures_beside(self.home, self._wish(by, section.measures), _KINDS, self._desks)
        self.basis = tables[0].basis
        self.notes = tuple(dict.fromkeys(note for table in tables for note in table.notes))
        beside: dict[str, dict[str, Comparison]] = {}
        own: dict[str, Figure] = {}
        for table in tables:
            for one in table.figures:
                if self.cases.dept in {None, one.place.get("dept")}:
                    own.setdefault(one.measure.id, one)
                    if one.compared is not None:
                        beside.setdefault(one.measure.id, {})[one.compared.kind] = one.compared
        self.figures = tuple(Compared(one, beside.get(name, {})) for name, one in own.items())
        if not own:
            self.missing[section.id] = "没有装载本月出院的病案首页"

    def _national(self, section: Section) -> None:
        year = hospital_year(self.home, int(self._month[:4]), self.hospital)
        self.national = tuple(national(year, self._month, section.numbers))

    def _groups(self, _section: Section) -> None:
        scope = self.cases.scoped(self.cases.now)
        whole = scope.set_column(scope.column_names.index("dept"), "dept", pa.array([""] * scope.num_rows, pa.string()))
        count = load_monthly().setting("groups")
        self.groups = split_groups(top_rows(whole, self.cases.now, scope.num_rows), count, count)

    def _departments(self, section: Section) -> None:
        rows = department_rows(self.home, self.cases.area, self._month, self.hospital)
        measures = [*section.measures, *SHARE_MEASURES]
        (table,) = figures_beside(self.home, self._wish(("institution_code", "dept"), measures), ("",), self._desks)
        figures = figures_by_dept(table)
        shares = shares_by_dept(figures)
        funds: dict[str, list[dict[str, Any]]] = {}
        for row in rows:
            funds.setdefault(row["dept"], []).append(row)
        made = []
        for dept in sorted({*funds, *figures}):
            names = [name for name in rows[0] if name not in {"dept", "fund"}] if rows else []
            summed = {name: sum(row[name] for row in funds.get(dept, ())) for name in names}
            label = self.cases.labels.dept(dept)
            made.append(Unit(dept, label, summed, figures.get(dept, {}), shares.get(dept)))
        self.units = tuple(sorted(made, key=lambda one: (-(one.account or {}).get("cases", 0), one.code)))

    def _doctors(self, section: Section) -> None:
        by = ("institution_code", "dept", "doctor_code")
        pages_only = [_CASES, *section.measures]
        (table,) = figures_beside(self.home, self._wish(by, pages_only), (HOSPITAL,), self._desks)
        found: dict[str, dict[str, Figure]] = {}
        for one in table.figures:
            if one.place["dept"] == self.cases.dept and one.measure.population == PAGE_POPULATION:
                found.setdefault(one.place["doctor_code"], {})[one.measure.id] = one
        self.units = tuple(Unit(code, code or "未填医师", None, found[code]) for code in sorted(found))
        if not found:
            self.missing[section.id] = "没有装载本科本月出院的病案首页"

    def _causes(self, _section: Section) -> None:
        wanted = Wanted(self._month, self.cases.area, self.hospital, self.cases.dept)
        self.causes = causes_in_home(self.home, wanted)

    def _lists(self, _section: Section) -> None:
        found = open_lists(self.home, self.cases.area, self.hospital, self._month, self.on)
        self.lists = tuple(one for one in found if self.cases.dept in {None, one.dept})


def monthly_in_home(
    home: Home, month: str, hospital: str, on: date, dept: str | None = None, area: str | None = None
) -> Monthly:
    """The report of a hospital, or of one of its departments (code or name), of a closed month.

    `on`: the day on which lists are seen. Errors: StoreError `settle.open`, TongpinError `causes.scope`,
    `causes.method`, `monthly.empty` (the hospital has no lists in the month), BalanceError where departments do not
    add up to the statement.
    """
    cases = read_month(home, Wanted(month, area, hospital, dept))
    if cases.hospital is None or not cases.scoped(cases.now).num_rows:
        raise TongpinError(
            "monthly.empty",
            f"{cases.scope_label(cases.labels)} 在 {month} 没有按病组付费的清单",
            where="--hospital",
            hint="核对机构、科室的代码；观察点按项目付费，没有病组盈亏",
        )
    sections = load_monthly().of("hospital" if cases.dept is None else "dept")
    parts = _Parts(home, cases, on)
    for section in sections:
        parts.fill(section)
    gains, losses, rest = parts.groups
    return Monthly(
        month=month,
        on=on,
        hospital=cases.hospital,
        hospital_name=cases.labels.institution(cases.hospital),
        dept=cases.dept,
        dept_label="" if cases.dept is None else cases.labels.dept(cases.dept),
        sections=sections,
        account=parts.account,
        figures=parts.figures,
        basis=parts.basis,
        national=parts.national,
        gains=gains,
        losses=losses,
        rest=rest,
        units=parts.units,
        causes=parts.causes,
        lists=parts.lists,
        labels=cases.labels,
        marks=marks_of(cases),
        notices=notices_of(home, cases),
        notes=parts.notes,
        missing=parts.missing,
    )


def national(year: HospitalYear, month: str, numbers: Sequence[str]) -> list[National]:
    """The indicators of these numbers (of the tertiary set) in one month; of a secondary hospital those that match."""
    tertiary = year.hospital.set_name == TERTIARY
    chosen = [one for one in year.indicators.values() if (one.number if tertiary else one.same_as) in numbers]

    def values(this: Terms, last: Terms, number: str) -> dict[str, dict[str, Any]]:
        return {row["sub"]: row for row in compute_values(chosen, this, last, frozenset({number})).to_pylist()}

    before = month_back(month, MONTH)
    terms = (year.this, year.last) if before[:4] == month[:4] else (year.last, year.earlier)
    earlier = {MONTH: values(*terms, before[5:]), YEAR: values(year.last, year.earlier, month[5:])}
    return [
        National(
            sub=sub,
            name=row["name"],
            unit=row["unit"],
            direction=row["direction"],
            value=row["value"],
            before={kind: rows[sub]["value"] for kind, rows in earlier.items()},
            reason=row["reason"] or "",
            simulated=row["assumed"] and row["value"] is not None,
        )
        for sub, row in values(year.this, year.last, month[5:]).items()
    ]


def measured_cases(unit: Unit) -> int:
    """Discharges of a department or doctor."""
    one = unit.figures.get(_CASES)
    return int(one.value or 0) if one is not None else 0
