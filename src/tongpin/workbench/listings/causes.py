"""Lists of causes 盈亏原因的列表: groups with their factors, groups of departments, 双问题, complications to check."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import pyarrow as pa

from tongpin.store.home import Home
from tongpin.twin.causes.parts import FACTORS
from tongpin.twin.causes.run import Wanted
from tongpin.twin.causes.top import REST
from tongpin.twin.causes.words import difference, factor_sums
from tongpin.workbench.analysis.causes import causes_job, problems_job, top_job
from tongpin.workbench.analysis.computing import shared
from tongpin.workbench.analysis.whose import of_scope
from tongpin.workbench.listings.catalogue import Loaded

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from tongpin.workbench.analysis.computing import Job

T = TypeVar("T")
_TEXT, _WHOLE, _REAL = pa.string(), pa.int64(), pa.float64()
_GROUPS = pa.schema(
    [
        *((name, _TEXT) for name in ("drg", "drg_name", "hospital", "dept", "base")),
        *((name, _WHOLE) for name in ("case_count", "base_count", "base_fen")),
        *((f"{name}_fen", _WHOLE) for name in FACTORS),
        *((name, _WHOLE) for name in ("difference_fen", "result_fen")),
    ]
)
_TOP = pa.schema(
    [
        *((name, _TEXT) for name in ("institution_code", "institution_name", "dept", "dept_name", "drg", "drg_name")),
        ("rank", _WHOLE),
        *((name, _WHOLE) for name in ("case_count", "total_fee_fen", "standard_fen", "result_fen", "per_case_fen")),
        *((name, _WHOLE) for name in ("low_fen", "high_fen", "peer_per_case_fen", "mean_fee_fen")),
        *((name, _REAL) for name in ("case_share", "mean_stay", "drug_share", "consumable_share")),
        ("verdict", _TEXT),
    ]
)
_PROBLEMS = pa.schema(
    [
        *((name, _TEXT) for name in ("institution_code", "institution_name", "dept", "dept_name")),
        *((name, _WHOLE) for name in ("case_count", "result_fen")),
        *((name, _TEXT) for name in ("low_items", "filed_items")),
    ]
)
_COMPLICATIONS = pa.schema(
    [
        *((name, _TEXT) for name in ("institution_code", "institution_name", "dept", "dept_name", "adrg")),
        *((name, _WHOLE) for name in ("case_count", "with_count")),
        *((name, _REAL) for name in ("share", "expected_share", "expected_count", "low", "high")),
        ("verdict", _TEXT),
        *((name, _REAL) for name in ("other_diagnoses", "peer_other_diagnoses")),
    ]
)


def load_causes_groups(home: Home, parameters: Mapping[str, str]) -> Loaded:
    """Every group with the factors of its result; errors as `causes_in_home`."""
    wanted = _wanted(home, parameters)
    report = _of(home, causes_job, wanted)
    asked = {"hospital": wanted.hospital or "", "dept": wanted.dept or "", "base": wanted.base or ""}
    rows = [
        row
        | asked
        | {f"{name}_fen": amount for name, amount in factor_sums(row).items()}
        | {"drg_name": report.labels.groups.get(row["drg"], ""), "difference_fen": difference(row)}
        for row in report.groups.to_pylist()
    ]
    return _loaded(rows, _GROUPS, (*report.notices, f"对照：{report.base_label}", *report.notes))


def load_top_groups(home: Home, parameters: Mapping[str, str]) -> Loaded:
    """The groups that each department treats most; what lies beyond stands as one row."""
    report = _of(home, top_job, _wanted(home, parameters))
    rows = [
        row
        | {
            "institution_name": report.labels.institution(row["institution_code"]),
            "dept_name": report.labels.dept(row["dept"]),
            "drg": "" if row["drg"] == REST else row["drg"],
            "drg_name": f"其余 {row['group_count']} 个病组"
            if row["drg"] == REST
            else report.labels.groups.get(row["drg"], ""),
        }
        for row in report.rows
    ]
    return _loaded(rows, _TOP, (*report.notices, *report.notes))


def load_double_problems(home: Home, parameters: Mapping[str, str]) -> Loaded:
    """Departments that overspend and are low in an assessed item."""
    report = _of(home, problems_job, _wanted(home, parameters))
    rows = [
        {
            "institution_code": row["institution_code"],
            "institution_name": row["institution_name"],
            "dept": row["dept"],
            "dept_name": row["dept_label"],
            "case_count": row["settlement.cases"],
            "result_fen": row["settlement.result"],
            "low_items": "；".join(row["low_items"]),
            "filed_items": "；".join(row["filed_items"]),
        }
        for row in report.departments.to_pylist()
    ]
    unowned = [f"没有科室认领：国考 {one.number} {one.name}（{one.text}）" for one in report.unowned]
    return _loaded(rows, _PROBLEMS, (*report.notices, *report.notes, *unowned))


def load_complications(home: Home, parameters: Mapping[str, str]) -> Loaded:
    """Departments and ADRG whose CC or MCC are written less or more often than peers', without money."""
    report = _of(home, problems_job, _wanted(home, parameters))
    rows = [
        one._asdict()
        | {
            "institution_name": report.labels.institution(one.institution_code),
            "dept_name": report.labels.dept(one.dept),
        }
        for one in report.complications
    ]
    return _loaded(rows, _COMPLICATIONS, (*report.notices, *report.notes))


def _of(home: Home, job: Callable[[Home, Wanted], Job[T]], wanted: Wanted) -> T:
    """A report of the whole home behind a desk: a base is what other hospitals did; it holds rows of `wanted` only."""
    whole = Home(home.root)
    return shared.get(whole, job(whole, wanted))


def _wanted(home: Home, parameters: Mapping[str, str]) -> Wanted:
    """What is asked for, within the scope of the desk."""
    own = of_scope(home.scope, parameters.get("hospital"), parameters.get("dept"))
    area, base = parameters.get("area") or None, parameters.get("base") or None
    return Wanted(parameters["month"], area, own.hospital, own.dept, base=base)


def _loaded(rows: Sequence[Mapping[str, Any]], schema: pa.Schema, notes: tuple[str, ...]) -> Loaded:
    kept = [{name: row.get(name) for name in schema.names} for row in rows]
    is_simulated = any("模拟" in line for line in notes)
    return Loaded(pa.Table.from_pylist(kept, schema=schema), notes, is_simulated)
