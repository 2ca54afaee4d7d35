"""Ground 日报的依据: which hospital, day, edition and scheme, and cases priced before their settlement."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tongpin.base.errors import PolicyError
from tongpin.grouping.compiled.stage import RESULT_COLUMNS, group
from tongpin.grouping.library import open_scheme
from tongpin.grouping.tables.model import Status
from tongpin.measures.guokao.hospital import hospital_named
from tongpin.payment.lists.editions import area_in
from tongpin.payment.month.further import with_further
from tongpin.payment.month.methods import method_of
from tongpin.payment.month.statement_columns import DRG
from tongpin.payment.policy.library import open_policy
from tongpin.payment.pricing.price import price
from tongpin.records.case.schema import CASE_SCHEMA
from tongpin.records.intake.load import INSTITUTIONS, read_loaded
from tongpin.records.views.edition import open_edition, with_code_version

if TYPE_CHECKING:
    from tongpin.grouping.tables.model import SchemeTables
    from tongpin.measures.guokao.hospital import Hospital
    from tongpin.payment.policy.policy import Policy
    from tongpin.store.home import Home

PAYERS = ("patient_pay_fen", "pool_pay_fen", "other_fund_pay_fen")


@dataclass(frozen=True)
class Ground:
    """What every block of a page rests on; `on` is the day of the page, which tells of the days before it."""

    home: Home
    hospital: Hospital
    on: date
    area: str
    policy: Policy
    scheme: SchemeTables

    @property
    def yesterday(self) -> date:
        """The last day that is told of."""
        return self.on - timedelta(days=1)

    @property
    def month(self) -> str:
        """The month (`YYYY-MM`) of the last day told of."""
        return f"{self.yesterday:%Y-%m}"

    @property
    def codes(self) -> pa.Array:
        """The codes of the hospital and its campuses."""
        return pa.array(self.hospital.codes, pa.string())

    @property
    def where(self) -> tuple[str, pa.Array]:
        """The hospital's rows of a table whose key begins with the institution."""
        return "institution_code", self.codes


def ground_of(home: Home, hospital: str, on: date, area: str | None) -> Ground:
    """The ground of a page by the edition of the month of the day before.

    Raises TongpinError `guokao.hospital` (unknown), PolicyError `daily.method` (not paid by groups), `policy.gap`,
    and as `area_in`.
    """
    month = f"{on - timedelta(days=1):%Y-%m}"
    named = area_in(home, area, month)
    policy = open_policy(home, named, month)
    if method_of(home, policy).name != DRG:
        raise PolicyError(
            "daily.method",
            f"{month} 按病种分值付费，院长日报只比按病组付费的月份",
            where=policy.id,
            hint="病种的盈亏看 tongpin dip ledger",
        )
    return Ground(home, hospital_named(home, hospital, on.year), on, named, policy, open_scheme(home, policy.scheme_id))


def as_cases(rows: pa.Table) -> pa.Table:
    """Rows that hold some columns of a case as a table of cases; what they lack is null."""
    held = set(rows.column_names)
    columns = [
        rows[one.name].cast(one.type) if one.name in held else pa.nulls(rows.num_rows, one.type) for one in CASE_SCHEMA
    ]
    return pa.table(columns, schema=CASE_SCHEMA)


def grouped(ground: Ground, cases: pa.Table) -> pa.Table:
    """Cases with their group in plain text, by the code versions of the area."""
    found = group(with_code_version(cases, open_edition(ground.home, ground.area)), ground.scheme)
    for name in RESULT_COLUMNS:
        found = found.set_column(found.column_names.index(name), name, found[name].cast(pa.string()))
    return found


def priced(ground: Ground, cases: pa.Table, day: date) -> pa.Table:
    """Grouped cases priced by the edition before they are settled (`PRICED_SCHEMA`).

    A settlement that is not known yet is taken for `day`, and a payer split that is not known for the pool alone: the
    standard does not depend on it. A group without weight counts as none. Raises what pricing raises (PolicyError).
    """
    known = np.logical_and.reduce([np.asarray(pc.is_valid(cases[name])) for name in PAYERS])
    whole = dict.fromkeys(PAYERS, pa.scalar(0, pa.int64())) | {"pool_pay_fen": cases["total_fee_fen"]}
    for name, value in whole.items():
        cases = _replaced(cases, name, pc.if_else(pa.array(known), cases[name], value))
    at = pa.scalar(day, pa.date32())
    for name in ("settlement_date", "accepted_date"):
        cases = _replaced(cases, name, pc.coalesce(cases[name], at))
    weighted = pc.fill_null(pc.is_in(cases["drg"], pa.array(ground.policy.weights, pa.string())), False)
    cases = _replaced(cases, "status", pc.if_else(weighted, cases["status"], str(Status.UNGROUPED)))
    further = with_further(ground.home, cases, ground.policy)
    return price(further, ground.policy, read_loaded(ground.home, INSTITUTIONS))


def _replaced(table: pa.Table, name: str, column: Any) -> pa.Table:
    return table.set_column(table.column_names.index(name), name, column)


def group_name(ground: Ground, drg: str) -> str:
    """The name of a group, without its code."""
    return ground.scheme.drg_names.get(drg, "")
