"""The meeting pack of a home 科室例会包: one department of a hospital in a closed month, or each of them (S904-01).

Everything is read once for the hospital; a department is a slice of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from tongpin.base.errors import TongpinError
from tongpin.measures.catalogue import load_definitions
from tongpin.measures.compare import MONTH, YEAR
from tongpin.measures.populations import PAGE_POPULATION
from tongpin.measures.table import Wish, desks_for, figures_beside
from tongpin.payment.review.candidates import candidates
from tongpin.twin.causes.catalogue import setting as cause_setting
from tongpin.twin.causes.run import Wanted, read_month
from tongpin.twin.causes.top import top_rows
from tongpin.twin.crossing import PARTS, departments_against_expected
from tongpin.twin.monthly.cases import Beside, cases_to_look_at, mean_stays
from tongpin.twin.monthly.catalogue import load_meeting
from tongpin.twin.monthly.changes import most_changed
from tongpin.twin.monthly.open_lists import open_lists
from tongpin.twin.monthly.papers import marks_of, notices_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date

    from tongpin.measures.desks import Desks
    from tongpin.measures.figures import Figure, FigureBasis, FigureTable
    from tongpin.payment.review.candidates import Candidate
    from tongpin.store.home import Home
    from tongpin.twin.causes.run import MonthCases
    from tongpin.twin.monthly.cases import Chosen
    from tongpin.twin.monthly.changes import Changed
    from tongpin.twin.monthly.open_lists import OpenList

LOW_RISK = 1
"""The risk level of groups of low risk."""
_COUNTS = ("discharge.cases", "settlement.cases")
SHARE_MEASURES = (*_COUNTS, *(name for _, actual, expected in PARTS for name in (actual, expected)))
"""What `shares_by_dept` reads."""


@dataclass(frozen=True)
class Meeting:
    """What a department's meeting looks at.

    `money`: case_count, total_fee_fen, standard_fen, result_fen of its lists paid by their group. `best`, `worst`:
    rows of `top_rows` with enough cases, `rest` the sum of all other groups (None without any). `shares`: rows of
    `departments_against_expected`, None without front pages. `notes`: what could not be formed, and why.
    """

    month: str
    hospital: str
    hospital_name: str
    dept: str
    dept_label: str
    money: Mapping[str, int]
    figures: Mapping[str, Mapping[str, Figure]]
    changes: tuple[Changed, ...]
    best: tuple[Mapping[str, Any], ...]
    worst: tuple[Mapping[str, Any], ...]
    rest: Mapping[str, Any] | None
    shares: Mapping[str, Any] | None
    chosen: Chosen
    basis: FigureBasis
    group_labels: Mapping[str, str]
    marks: tuple[str, ...]
    notices: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def least_cases(self) -> int:
        """From how many cases on a figure is compared."""
        return load_definitions()["rank.minimum_cases"].value


def meetings_in_home(
    home: Home, month: str, hospital: str, on: date, dept: str | None = None, area: str | None = None
) -> tuple[Meeting, ...]:
    """The packs of a department (code or name), or of every department of the hospital, by code.

    `on`: the day on which lists and deadlines are seen. Errors: StoreError `settle.open`, TongpinError `causes.scope`
    (no such hospital or department), `causes.method` (paid by points of diseases), `monthly.empty` (no lists).
    """
    cases = read_month(home, Wanted(month, area, hospital, dept))
    own = cases.scoped(cases.now)
    if not own.num_rows or cases.hospital is None:
        raise TongpinError(
            "monthly.empty",
            f"{cases.scope_label(cases.labels)} 在 {month} 没有按病组付费的清单",
            where="--hospital",
            hint="核对机构、科室的代码；观察点按项目付费，没有病组盈亏",
        )
    rules = load_meeting()
    wish = _wish(cases)
    desks = desks_for(home, wish, (MONTH, YEAR))
    tables = dict(zip((MONTH, YEAR), figures_beside(home, wish, (MONTH, YEAR), desks), strict=True))
    figures = {kind: figures_by_dept(table) for kind, table in tables.items()}
    beside, notes = _beside(home, cases, own, desks, on)
    shares = shares_by_dept(figures[MONTH])
    basis = tables[MONTH].basis
    made = []
    for code in sorted(set(own["dept"].to_pylist())):
        lists = own.filter(pc.equal(own["dept"], code))
        rows = top_rows(lists, cases.now, lists.num_rows)
        best, worst, rest = split_groups(rows, rules.setting("best_groups"), rules.setting("worst_groups"))
        of_dept = {kind: by_dept.get(code, {}) for kind, by_dept in figures.items()}
        changes = most_changed(of_dept, rules.candidates, rules.setting("changes"))
        made.append(
            Meeting(
                month=month,
                hospital=cases.hospital,
                hospital_name=cases.labels.institution(cases.hospital),
                dept=code,
                dept_label=cases.labels.dept(code),
                money=added(rows),
                figures=of_dept,
                changes=changes,
                best=best,
                worst=worst,
                rest=rest,
                shares=shares.get(code),
                chosen=cases_to_look_at(lists, code, beside, rules),
                basis=basis,
                group_labels=cases.labels.groups,
                marks=marks_of(cases),
                notices=notices_of(home, cases),
                notes=(*notes, *_unlike(tables[MONTH])),
            )
        )
    return tuple(made)


def _wish(cases: MonthCases) -> Wish:
    """The candidates and the shares by department."""
    asked = [*(one.measure for one in load_meeting().candidates), *SHARE_MEASURES]
    return Wish(
        months=(cases.wanted.month,),
        by=("institution_code", "dept"),
        measures=tuple(dict.fromkeys(asked)),
        area=cases.area,
        hospital=cases.hospital,
    )


def figures_by_dept(table: FigureTable) -> dict[str, dict[str, Figure]]:
    """The figures of a table of one hospital by department and measure."""
    found: dict[str, dict[str, Figure]] = {}
    for one in table.figures:
        found.setdefault(one.place["dept"], {})[one.measure.id] = one
    return found


def _unlike(table: FigureTable) -> tuple[str, ...]:
    """What the table of figures says of its base."""
    return tuple(note for note in table.notes if "基期" in note)


def split_groups(
    rows: Sequence[Mapping[str, Any]], best: int, worst: int
) -> tuple[tuple[Mapping[str, Any], ...], tuple[Mapping[str, Any], ...], Mapping[str, Any] | None]:
    """The groups with enough cases that gain most and lose most, and the sum of all others.

    A group with fewer cases than `compare.minimum_cases` is neither: nobody is judged on few cases.
    """
    least = cause_setting("compare.minimum_cases")
    enough = [row for row in rows if row["case_count"] >= least]
    gains = sorted((row for row in enough if row["result_fen"] > 0), key=lambda row: (-row["result_fen"], row["drg"]))
    losses = sorted((row for row in enough if row["result_fen"] < 0), key=lambda row: (row["result_fen"], row["drg"]))
    shown = [*gains[:best], *losses[:worst]]
    others = [row for row in rows if row not in shown]
    rest = added(others) | {"group_count": len(others)} if others else None
    return tuple(gains[:best]), tuple(losses[:worst]), rest


def added(rows: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """Cases and amounts of rows of groups."""
    rows = list(rows)
    return {
        name: sum(row[name] for row in rows) for name in ("case_count", "total_fee_fen", "standard_fen", "result_fen")
    }


def shares_by_dept(figures: Mapping[str, Mapping[str, Figure]]) -> dict[str, dict[str, Any]]:
    """The departments against the shares that their case mix leads one to expect (S000-26)."""
    rows = [
        {"dept": dept} | {name: by_measure[name].value if name in by_measure else None for name in SHARE_MEASURES}
        for dept, by_measure in figures.items()
    ]
    kinds = dict.fromkeys(SHARE_MEASURES, pa.float64()) | dict.fromkeys(_COUNTS, pa.int64())
    schema = pa.schema([("dept", pa.string()), *kinds.items()])
    found = departments_against_expected(pa.Table.from_pylist(rows, schema=schema))
    return {row["dept"]: row for row in found.to_pylist()}


def _beside(home: Home, cases: MonthCases, own: pa.Table, desks: Desks, on: date) -> tuple[Beside, tuple[str, ...]]:
    """What the cases are held against; what is not there is said, and its reason is left out."""
    notes: list[str] = []
    waiting: tuple[OpenList, ...] = ()
    special: dict[str, Candidate] = {}
    hospital = cases.hospital or ""
    try:
        waiting = open_lists(home, cases.area, hospital, cases.wanted.month, on)
    except TongpinError as error:
        notes.append(f"未了清单没有列：{error.message}")
    try:
        found = candidates(home, cases.wanted.month, on, cases.area)
        special = {one.list_id: one for one in found.rows if one.institution_code == hospital}
    except TongpinError as error:
        notes.append(f"特例单议条件没有核对：{error.message}")
    low_risk = _low_risk(desks, cases.wanted.month) if _has_deaths(own) else frozenset()
    return Beside(on, mean_stays(cases.now), low_risk, waiting, special), tuple(notes)


def _has_deaths(lists: pa.Table) -> bool:
    death = str(load_definitions()["discharge.death_way"].value)
    return bool(pc.any(pc.fill_null(pc.equal(lists["discharge_way"], death), False)).as_py())


def _low_risk(desks: Desks, month: str) -> frozenset[str]:
    """The groups of low risk: by the mortality of a year before where it is loaded, and by the imported list."""
    risk = desks.against(PAGE_POPULATION, (month,))["risk"]
    if risk is None:
        return frozenset()
    return frozenset(risk.filter(pc.equal(risk["risk_level"], LOW_RISK))["drg"].to_pylist())
