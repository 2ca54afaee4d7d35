"""Joint 联合: one month of priced lists and front pages, read from both desks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tongpin.base.money import check_balance
from tongpin.measures.benchmark import group_deaths, group_means, risk_levels
from tongpin.measures.compute import compute, roll_up
from tongpin.measures.engine import sum_facts
from tongpin.measures.imported import with_cost
from tongpin.measures.populations import paid_by_group, settled_lines, sliced
from tongpin.payment.month.statement_columns import LEVELS
from tongpin.payment.pricing.schema import OBSERVED
from tongpin.twin.basis import Basis, department_labels, read_basis
from tongpin.twin.catalogue import RedLine, measure
from tongpin.twin.crossing import (
    crossing_departments,
    crossing_groups,
    departments_against_expected,
    groups_against_expected,
)
from tongpin.twin.joint_mix import mix_effects
from tongpin.twin.joint_overspend import overspend_counts
from tongpin.twin.mirror import DISCHARGE_MEASURES, SETTLEMENT_MEASURES, mirror_table
from tongpin.twin.portfolio.classes import class_table, group_table, runs_with
from tongpin.twin.red_lines import compared_hospitals, group_line, groups_over, hospital_lines, hospitals_over

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tongpin.measures.catalogue import Measure
    from tongpin.twin.joint_mix import MixEffect

GRAIN = ("institution_code", "dept", "drg")
LIST_MEASURES = ("settlement.all_cases", "settlement.grouping_rate.scope", "settlement.grouping_rate.quality")
UNKNOWN = "未登记"
_CELLS_PER_DECADE = 16


@dataclass(frozen=True)
class BridgeLine:
    """A step between the lists of the month and its statement: cases, DRG payable and result (fen)."""

    label: str
    case_count: int
    pool_payable_fen: int
    result_fen: int


@dataclass(frozen=True)
class RedLineResult:
    """A hospital red line and the hospitals above it (`institution_code, value, limit, excess` and their names)."""

    line: RedLine
    city_value: float | None
    hospitals: pa.Table
    hospital_count: int


@dataclass(frozen=True)
class JointReport:
    """The joint report of a month: tables of figures, and for each figure form, population, basis.

    `city` (one row), `levels`, `hospitals`, `departments`: one column per measure id (both desks); `groups`,
    `classes`: the portfolio; `warnings`: groups above 110 % of the standard; `crossing`, `crossing_groups`: departments
    and groups that overspend and run high shares; `overspend`: by hospital the cases that do (`overspend_counts`, with
    `level`); `mix`: what a change of each group does; `spread`: counted cells of standard against fee; `bridge`: lists
    to statement. `settlement`, `discharge`: the facts of both desks by hospital, department and group.
    """

    month: str
    basis: Basis
    city: pa.Table
    levels: pa.Table
    hospitals: pa.Table
    departments: pa.Table
    groups: pa.Table
    classes: pa.Table
    red_lines: tuple[RedLineResult, ...]
    group_line: RedLine
    warnings: pa.Table
    crossing: pa.Table
    crossing_groups: pa.Table
    overspend: pa.Table
    mix: tuple[MixEffect, ...]
    spread: pa.Table
    bridge: tuple[BridgeLine, ...]
    settlement: pa.Table
    discharge: pa.Table
    group_labels: Mapping[str, str]
    measures: tuple[Measure, ...]

    def group_label(self, drg: str) -> str:
        """The name of a group, empty where the scheme gives none."""
        return self.group_labels.get(drg, "")


def build_joint(
    priced: pa.Table,
    pages: pa.Table,
    benchmark_pages: pa.Table,
    institutions: pa.Table,
    statement: pa.Table,
    policy_info: Mapping[str, Any],
    month: str,
    *,
    group_labels: Mapping[str, str] | None = None,
    earlier_runs: Mapping[str, int] | None = None,
    cost: tuple[pa.Table, pa.Table] | None = None,
) -> JointReport:
    """The joint report of `month` (`2025-06`).

    `priced`: the lines posted in the month (case, group and price columns, `line_kind`); measures count its regular
    and late lists, red and blue lines appear in the bridge only. `pages`: grouped and weighted front pages discharged
    in the month; `benchmark_pages`: the same of the fixed base month. `statement`: the 月度支付情况表 of the month;
    payable and result of all lines must equal it (BalanceError otherwise). `policy_info`: see `Basis`. `earlier_runs`:
    how many closed months in a row before this one each group of the area lost (`losing_runs`). `cost`: the imported
    cost of one hospital and its departments, for that hospital's own report; no figure of the area rests on it.
    Source: S000-01..04, S000-07, S000-12..19, S000-26, S000-44, S909-04.
    """
    basis = read_basis(policy_info)
    places = _Places(institutions, month)
    bridge = _bridge(priced, statement)
    lists = settled_lines(priced)
    drg_lists = paid_by_group(lists)
    if cost is not None:
        months = pa.array([month] * drg_lists.num_rows, pa.string())
        drg_lists = with_cost(drg_lists.append_column("month", months), *cost, discharged=pages)
    regional = group_means(pages)
    settlement = places.levelled(sum_facts(drg_lists, GRAIN))
    discharge = places.levelled(
        sum_facts(
            sliced(pages),
            GRAIN,
            benchmark=group_means(benchmark_pages),
            regional=regional,
            risk=risk_levels(group_deaths(benchmark_pages)),
        ),
    )
    city = _beside(_list_figures(lists), mirror_table(settlement, discharge, []))
    hospitals = places.named(mirror_table(settlement, discharge, ["institution_code"]))
    departments = places.named(
        departments_against_expected(mirror_table(settlement, discharge, ["institution_code", "dept"])),
    )
    departments = departments.append_column("dept_label", dept_labels(departments))
    by_group = mirror_table(settlement, discharge, ["institution_code", "drg"])
    groups = group_table(settlement, runs_with(settlement, earlier_runs or {}))
    return JointReport(
        month=month,
        basis=basis,
        city=city,
        levels=_in_level_order(mirror_table(settlement, discharge, ["level"])),
        hospitals=hospitals,
        departments=departments,
        groups=groups,
        classes=class_table(groups),
        red_lines=tuple(_red_line(line, city, hospitals, places) for line in hospital_lines()),
        group_line=group_line(),
        warnings=places.named(groups_over(settlement), keep_order=True),
        crossing=crossing_departments(departments),
        crossing_groups=places.named(crossing_groups(groups_against_expected(by_group)), keep_order=True),
        overspend=places.levelled(overspend_counts(drg_lists, regional)),
        mix=mix_effects(settlement, discharge),
        spread=_spread(drg_lists),
        bridge=bridge,
        settlement=settlement,
        discharge=discharge,
        group_labels=dict(group_labels or {}),
        measures=tuple(
            measure(name)
            for name in (*LIST_MEASURES, *SETTLEMENT_MEASURES, "settlement.fee_to_standard", *DISCHARGE_MEASURES)
        ),
    )


class _Places:
    """The institutions as they stood at the end of the month: name (observed ones marked), level, grade, manual."""

    def __init__(self, institutions: pa.Table, month: str) -> None:
        table = institutions
        if "valid_from" in table.column_names:
            since = pc.utf8_slice_codeunits(pc.cast(table["valid_from"], pa.string()), 0, 7)
            valid = pc.fill_null(pc.less_equal(since, month), True)
            table = table.filter(valid).sort_by("valid_from")
        wanted = ["institution_code", "institution_name", "settlement_level", "grade", "manual"]
        wanted += [name for name in ("pay_mode",) if name in table.column_names]
        self._rows: dict[str, dict[str, Any]] = {
            row["institution_code"]: row for row in table.select(wanted).to_pylist()
        }
        for row in self._rows.values():
            if row.get("pay_mode") == OBSERVED:
                row["institution_name"] = f"{row['institution_name'] or row['institution_code']}（观察点）"

    def _column(self, table: pa.Table, name: str, missing: str | None = UNKNOWN) -> pa.Array:
        codes = table["institution_code"].to_pylist()
        return pa.array(
            [self._rows.get(code, {}).get(name) or (code if missing is None else missing) for code in codes],
            pa.string(),
        )

    def levelled(self, cube: pa.Table) -> pa.Table:
        """The cube with `level`, the settlement level."""
        return cube.append_column("level", self._column(cube, "settlement_level"))

    def named(self, table: pa.Table, *, keep_order: bool = False) -> pa.Table:
        """The table with name, level, grade and manual; by level, then as the institutions are listed."""
        named = (
            table.append_column("institution_name", self._column(table, "institution_name", None))
            .append_column("level", self._column(table, "settlement_level"))
            .append_column("grade", self._column(table, "grade"))
            .append_column("manual", self._column(table, "manual"))
        )
        if keep_order:
            return named
        ranks = {level: rank for rank, level in enumerate(LEVELS)}
        listed = {code: number for number, code in enumerate(self._rows)}
        codes, levels = named["institution_code"].to_pylist(), named["level"].to_pylist()
        order = sorted(
            range(named.num_rows),
            key=lambda row: (
                ranks.get(levels[row], len(ranks)),
                listed.get(codes[row], len(listed)),
                codes[row],
                row,
            ),
        )
        return named.take(pa.array(order, pa.int64()))


def _list_figures(lists: pa.Table) -> pa.Table:
    """City figures over 医保全部."""
    chosen = [measure(name) for name in LIST_MEASURES]
    return compute(sum_facts(lists, ()), chosen).select(list(LIST_MEASURES))


def _beside(*tables: pa.Table) -> pa.Table:
    return pa.table({name: table[name] for table in tables for name in table.column_names})


def _in_level_order(levels: pa.Table) -> pa.Table:
    ranks = [LEVELS.index(level) if level in LEVELS else len(LEVELS) for level in levels["level"].to_pylist()]
    return levels.take(pa.array(np.argsort(ranks, kind="stable")))


def dept_labels(departments: pa.Table) -> pa.Array:
    """The names of the departments' codes."""
    labels = department_labels()
    return pa.array(
        [labels.get(code, f"科别 {code}" if code else "未填科别") for code in departments["dept"].to_pylist()],
        pa.string(),
    )


def _red_line(line: RedLine, city: pa.Table, hospitals: pa.Table, places: _Places) -> RedLineResult:
    over = places.named(hospitals_over(hospitals, line), keep_order=True)
    compared = compared_hospitals(hospitals)
    known = compared.num_rows - compared[line.measure].null_count
    return RedLineResult(line, city[line.measure][0].as_py(), over, known)


_KINDS = (
    ("医保DRG：本月清单", "DRG", "regular"),
    ("医保DRG：补传清单", "DRG", "late"),
    ("按项目付费：本月清单", "BY_ITEM", "regular"),
    ("按项目付费：补传清单", "BY_ITEM", "late"),
    ("不在住院付费范围", "OUT", None),
    ("红冲（前月撤回）", None, "reversal"),
    ("蓝补（重新上传）", None, "replacement"),
)


def _bridge(priced: pa.Table, statement: pa.Table) -> tuple[BridgeLine, ...]:
    """Every line of the month in one of the steps, closing on the statement to the fen."""
    chosen = priced.select(["pay_scope", "line_kind", "pool_payable_fen", "result_fen"])
    counted = chosen.append_column("case_count", pa.array(np.ones(chosen.num_rows, dtype=np.int64)))
    sums = roll_up(counted, ["pay_scope", "line_kind"]).to_pylist()
    lines: list[BridgeLine] = []
    for label, scope, kind in _KINDS:
        adjusts = kind in {"reversal", "replacement"}
        hit = [
            row
            for row in sums
            if (scope in {None, row["pay_scope"]})
            and (kind == row["line_kind"] if kind else row["line_kind"] in {"regular", "late"})
        ]
        if hit or scope == "DRG" or adjusts:
            lines.append(
                BridgeLine(
                    label,
                    sum(row["case_count"] for row in hit) * (-1 if kind == "reversal" else 1),
                    sum(row["pool_payable_fen"] for row in hit),
                    sum(row["result_fen"] for row in hit),
                ),
            )
    payable = pc.sum(statement["month_pool_payable_fen"]).as_py() or 0
    result = pc.sum(statement["month_result_fen"]).as_py() or 0
    check_balance(
        "joint.payable", "联合报告与月度支付情况表的 DRG 应付", sum(x.pool_payable_fen for x in lines), payable
    )
    check_balance("joint.result", "联合报告与月度支付情况表的盈亏", sum(x.result_fen for x in lines), result)
    total = BridgeLine("月度支付情况表合计", sum(x.case_count for x in lines), payable, result)
    return (*lines, total)


def _spread(drg_lists: pa.Table) -> pa.Table:
    """Cases counted in cells of log standard × log fee: `kind, x, y` (yuan, cell middle), `count`."""
    standard = np.asarray(pc.fill_null(drg_lists["standard_fen"], 0).to_numpy(), dtype=np.int64)
    fee = np.asarray(pc.fill_null(drg_lists["total_fee_fen"], 0).to_numpy(), dtype=np.int64)
    both = (standard > 0) & (fee > 0)
    cells = [np.floor(np.log10(column[both] / 100) * _CELLS_PER_DECADE).astype(np.int64) for column in (standard, fee)]
    table = pa.table(
        {
            "kind": pc.fill_null(pc.cast(drg_lists["outlier_class"], pa.string()), "").filter(pa.array(both)),
            "cell_x": cells[0],
            "cell_y": cells[1],
            "count": np.ones(int(both.sum()), dtype=np.int64),
        },
    )
    counted = roll_up(table, ["kind", "cell_x", "cell_y"])
    middle = {
        axis: pa.array(10 ** ((counted[f"cell_{axis}"].to_numpy() + 0.5) / _CELLS_PER_DECADE)) for axis in ("x", "y")
    }
    return pa.table({"kind": counted["kind"], **middle, "count": counted["count"]})
