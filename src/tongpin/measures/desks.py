"""Desks 两面的病例: the cases of a home that a table of figures counts, with all they are sliced and measured by.

Lists as closed months paid them, front pages grouped and weighted by one edition, and what is imported beside them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from tongpin.base.errors import StoreError
from tongpin.grouping.library import open_scheme
from tongpin.measures.benchmark import (
    group_deaths,
    group_means,
    read_light_list,
    read_risk_list,
    risk_levels,
)
from tongpin.measures.engine import sum_facts
from tongpin.measures.imported import (
    bed_facts,
    beside,
    item_facts,
    lacks_fees,
    statement_facts,
    with_cost,
)
from tongpin.measures.list_rates import list_facts
from tongpin.measures.populations import (
    DRG_POPULATION,
    LIST_POPULATION,
    PAGE_POPULATION,
    discharged_cases,
    paid_by_group,
    performance_cases,
    placed,
    settled_cases,
    staffed,
)
from tongpin.payment.lists.editions import Editions
from tongpin.payment.lists.overdue import standing_in_home
from tongpin.payment.month.closed import area_of, closed_months, statements
from tongpin.payment.policy.library import open_policy, policy_at_close
from tongpin.records.intake.load import INSTITUTIONS, read_loaded
from tongpin.records.layouts.catalogue import layouts

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tongpin.grouping.tables.model import SchemeTables
    from tongpin.payment.policy.policy import Policy
    from tongpin.store.home import Home

MEASURES = "measures"
"""The folder of a home for its own measures (`*.yaml`) and lists of groups."""
RISK_FILE, LIGHT_FILE = "risk_levels.csv", "light_groups.csv"
LIST_FACTS = "list_"
"""How the names of the facts of lists begin."""
_COUNTED = ("case_count", "surgery_count", "stay_days")


def own_folder(home: Home) -> Path:
    """Where a home keeps measures and lists of its own."""
    return home.root / MEASURES


def has_cost(home: Home) -> bool:
    """Whether a home holds imported cost; without it the word stands nowhere (S906-01)."""
    return bool(read_loaded(home, layouts()["cost"].table, ["institution_code"]).num_rows)


@dataclass
class Desks:
    """Both desks of an area over all `months` that a table and its comparison need.

    `benchmark_months`: the fixed base of indices and risk levels; `stays`: `all`, or `performance` (TV-P8); `on`: the
    day on which lists stand, today unless named.
    """

    home: Home
    months: tuple[str, ...]
    benchmark_months: tuple[str, ...]
    area: str | None = None
    stays: str = "all"
    on: date | None = None
    _against: dict[tuple[str, ...], dict[str, Any]] = field(default_factory=dict)

    @cached_property
    def manifests(self) -> dict[str, dict[str, Any]]:
        """The closed months of the area."""
        return closed_months(self.home, area_of(self.home, self.area))

    @cached_property
    def standing_on(self) -> date:
        """The day on which lists stand."""
        return self.on or date.today()  # noqa: DTZ011  # the day where the user is

    @cached_property
    def standing(self) -> pa.Table:
        """Every list as it stands on that day."""
        return standing_in_home(self.home, area_of(self.home, self.area), self.standing_on)

    @cached_property
    def policy(self) -> Policy:
        """The edition that weights the front pages: of the last month as it was closed, else the one in force."""
        last = max(self.months)
        if last in self.manifests:
            return policy_at_close(self.home, self.manifests[last])
        return open_policy(self.home, area_of(self.home, self.area) or self.area, last)

    @cached_property
    def scheme(self) -> SchemeTables:
        """The grouping scheme of that edition."""
        return open_scheme(self.home, self.policy.scheme_id)

    @cached_property
    def institutions(self) -> pa.Table:
        """The register of institutions."""
        return read_loaded(self.home, INSTITUTIONS)

    @cached_property
    def departments(self) -> pa.Table:
        """The register of departments."""
        return read_loaded(self.home, layouts()["department"].table)

    @cached_property
    def cost(self) -> pa.Table:
        """The imported cost of departments."""
        return read_loaded(self.home, layouts()["cost"].table)

    @cached_property
    def pages(self) -> pa.Table:
        """Front pages of all months needed."""
        return self._counted(self._discharged)

    @cached_property
    def _discharged(self) -> pa.Table:
        """All of them, also the stays that do not count."""
        months = sorted({*self.months, *self.benchmark_months})
        return self._completed(discharged_cases(self.home, self.scheme, self.policy, months, operations=True))

    @cached_property
    def lists(self) -> pa.Table:
        """Settled lists of all months needed (医保全部)."""
        discharged = self._discharged if lacks_fees(self.cost) else None
        return self._counted(self._completed(settled_cases(self.home, self.months, self.area), discharged))

    def _counted(self, cases: pa.Table) -> pa.Table:
        return performance_cases(cases) if self.stays == "performance" else cases

    def _completed(self, cases: pa.Table, discharged: pa.Table | None = None) -> pa.Table:
        staff = read_loaded(self.home, layouts()["staff"].table)
        return with_cost(staffed(placed(cases, self.institutions), staff), self.cost, self.departments, discharged)

    def cases(self, population: str, months: Sequence[str]) -> pa.Table:
        """The cases of a population in these months."""
        table = self.pages if population == PAGE_POPULATION else self.lists
        if population == DRG_POPULATION:
            table = paid_by_group(table)
        return table.filter(pc.is_in(table["month"], value_set=pa.array(list(months), pa.string())))

    def against(self, population: str, months: tuple[str, ...]) -> dict[str, Any]:
        """The tables of groups that facts of these months stand against."""
        if months not in self._against:
            here, base = (self.cases(PAGE_POPULATION, some) for some in (months, self.benchmark_months))
            self._against[months] = {
                "benchmark": group_means(base) if base.num_rows else None,
                "regional": group_means(here) if here.num_rows else None,
                "risk": self._risk(base),
            }
        tables = self._against[months] if population == PAGE_POPULATION else {}
        return tables | {"light": self.light}

    def _risk(self, base: pa.Table) -> pa.Table | None:
        if not base.num_rows and self.risk_list is None:
            return None
        return risk_levels(group_deaths(base), self.risk_list)

    @cached_property
    def risk_list(self) -> pa.Table | None:
        """The imported list of risk levels, which overrides those of mortality."""
        path = own_folder(self.home) / RISK_FILE
        return read_risk_list(path) if path.is_file() else None

    @cached_property
    def light(self) -> pa.Table | None:
        """The list of light groups."""
        path = own_folder(self.home) / LIGHT_FILE
        return read_light_list(path) if path.is_file() else None

    @property
    def has_cost(self) -> bool:
        """Whether any case can have a cost."""
        return bool(self.cost.num_rows)

    def sums(
        self, population: str, months: tuple[str, ...], by: Sequence[str], only: Sequence[str], cases: Any = None
    ) -> pa.Table:
        """The sums of the facts `only` of a population by slice, imported facts among them; `cases` stand instead."""
        counted = self.cases(population, months) if cases is None else cases
        wanted = sorted({*only, "case_count"})
        summed = sum_facts(counted, by, only=wanted, **self.against(population, months))
        return beside(summed, self._imported(population, months, by, only), by)

    def _imported(
        self, population: str, months: tuple[str, ...], by: Sequence[str], only: Sequence[str]
    ) -> list[pa.Table]:
        if population == LIST_POPULATION:
            return [
                *self._of_statements(months, any(name.startswith("statement_") for name in only)),
                *self._of_lists(months, any(name.startswith(LIST_FACTS) for name in only)),
            ]
        if population != PAGE_POPULATION or not any(name not in _COUNTED for name in only):
            return []
        by_dept = [name for name in ("dept",) if name in by]
        grain = ["institution_code", "month", *by_dept]
        sums = sum_facts(self.cases(population, months), grain, only=_COUNTED)
        finance = read_loaded(self.home, layouts()["finance"].table)
        tables = [
            *item_facts(finance, sums, months, by_dept),
            *bed_facts(self.institutions, self.departments, sums, months, by_dept),
        ]
        return [placed(one, self.institutions) for one in tables]

    def _of_statements(self, months: tuple[str, ...], wanted: bool) -> list[pa.Table]:
        found = statements(self.home, self.area, months) if wanted else None
        return [placed(statement_facts(found), self.institutions)] if found is not None and found.num_rows else []

    def _of_lists(self, months: tuple[str, ...], wanted: bool) -> list[pa.Table]:
        if not wanted:
            return []
        facts = list_facts(self.standing, Editions(self.home, area_of(self.home, self.area)), months)
        return [placed(one, self.institutions) for one in facts]

    def list_editions(self, months: Sequence[str]) -> tuple[str, ...]:
        """The weight editions that the closed months among these were paid by."""
        labels = [self.manifests[month]["weights_label"] for month in months if month in self.manifests]
        return tuple(dict.fromkeys(labels))

    def same_scheme(self, months: Sequence[str]) -> bool:
        """Whether the closed months were grouped by the scheme of the edition in use."""
        return all(self.manifests[one]["scheme"] == self.policy.scheme_id for one in months if one in self.manifests)

    def reweighted(self, population: str, months: Sequence[str]) -> pa.Table | None:
        """Lists of earlier months weighted by the edition in use; null where their scheme is another.

        The bridge between two weight editions: the same cases, the other weights (S900-04, TV-P12).
        """
        if not self.same_scheme(months):
            return None
        lists = self.cases(population, months)
        drgs = pa.array(self.policy.weights, pa.string())
        weights = pa.array([one.weight_e4 for one in self.policy.weights.values()], pa.int64())
        group = pc.fill_null(lists["priced_drg"], "").cast(pa.string())
        found = weights.take(pc.index_in(group, value_set=drgs).combine_chunks())
        kept = pc.if_else(pc.is_valid(lists["weight_e4"]).combine_chunks(), found, pa.scalar(None, pa.int64()))
        return lists.set_column(lists.column_names.index("weight_e4"), "weight_e4", kept)

    def check(self, months: Sequence[str]) -> None:
        """StoreError `measures.empty` when neither desk has a case in these months."""
        if not any(self.cases(name, months).num_rows for name in (PAGE_POPULATION, LIST_POPULATION)):
            raise StoreError(
                "measures.empty",
                f"{'、'.join(months)} 既没有出院的病案首页，也没有关账的清单",
                where=str(self.home.root),
                hint="先用 tongpin load 装载，清单再用 tongpin settle 关账",
            )
