"""Cases and statements 病例与月度支付情况: the lines of a closed month and its statement, as the month was closed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from tongpin.grouping.library import open_scheme
from tongpin.payment.month.closed import closed_manifest, closed_months, posted, statements
from tongpin.payment.month.posting import LINE_KINDS
from tongpin.payment.month.statement_columns import synthetic_notice
from tongpin.payment.policy.vocabulary import DIMENSIONS
from tongpin.records.intake.load import read_loaded
from tongpin.records.layouts.catalogue import layouts
from tongpin.workbench.listings.catalogue import Loaded

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from tongpin.store.home import Home

STATUSES = {
    "grouped": "已入组",
    "ambiguous": "歧义",
    "ungrouped": "未入组",
    "check_failed": "校验不过",
    "dx_not_mapped": "诊断不识",
    "px_not_mapped": "手术不识",
}
OUTLIERS = {"NORMAL": "正常", "HIGH": "费用极高", "LOW": "费用极低", "EXEMPT": "不判"}
SCOPES = {
    "DRG": "按病组",
    "BY_ITEM": "按项目",
    "BED_DAY": "按床日",
    "SINGLE_DISEASE": "单病种",
    "OUT": "不结算",
}


def load_cases(home: Home, parameters: Mapping[str, str]) -> Loaded:
    """The lines of a closed month (`YYYY-MM`), or of those of a year (`YYYY`); StoreError `settle.open` for none."""
    asked = parameters["month"]
    months = [month for month in closed_months(home, parameters["area"]) if asked in {month, month[:4]}]
    manifest = closed_manifest(home, max(months, default=asked), parameters["area"])
    lines = posted(home, parameters["area"], months)
    scheme = open_scheme(home, manifest["scheme"])
    columns: dict[str, Any] = {
        name: lines[name]
        for name in (
            *("case_id", "institution_code", "institution_name", "hospital_level", "dept", "doctor_code", "drg"),
            *("los", "total_fee_fen", "standard_fen", "pool_payable_fen", "result_fen", "settlement_date"),
        )
    }
    columns |= {
        "dept_name": _departments(home, lines),
        "drg_name": _words(lines["drg"], scheme.drg_names),
        "group_status": _words(lines["status"], STATUSES),
        "insurance_label": _words(lines["insurance"], insurances()),
        "discharge_date": pc.cast(lines["discharge_time"], pa.date32()),
        "weight": pc.divide(pc.cast(lines["weight_e4"], pa.float64()), 10_000.0),
        "outlier_label": _words(lines["outlier_class"], OUTLIERS),
        "scope_label": _words(lines["pay_scope"], SCOPES),
        "line_label": _words(lines["line_kind"], LINE_KINDS),
    }
    return Loaded(pa.table(columns), *basis(home, manifest))


def load_statements(home: Home, parameters: Mapping[str, str]) -> Loaded:
    """The statement of a closed month, one row a hospital and fund."""
    manifest = closed_manifest(home, parameters["month"], parameters["area"])
    return Loaded(statements(home, parameters["area"], (parameters["month"],)), *basis(home, manifest))


def insurances() -> dict[str, str]:
    """The kinds of insurance by their national codes."""
    return dict(DIMENSIONS["insurance"].values)


def basis(home: Home, manifest: Mapping[str, Any]) -> tuple[tuple[str, ...], bool]:
    """What the figures of a closed month rest on, in lines, and whether some of it is assumed."""
    assumed = manifest.get("assumed") or ()
    lines = [
        f"{manifest['policy_label']} · {manifest['weights_label']} · 医保全部，按结算月",
        *manifest.get("notes", ()),
    ]
    return (*synthetic_notice(home), *lines), bool(assumed)


def _departments(home: Home, lines: pa.Table) -> pa.Array:
    """The hospital's own name of a case's department, or its code."""
    register = read_loaded(home, layouts()["department"].table, ["institution_code", "dept_code", "dept_name"])
    names = dict(
        zip(
            zip(register["institution_code"].to_pylist(), register["dept_code"].to_pylist(), strict=True),
            register["dept_name"].to_pylist(),
            strict=True,
        )
    )
    keys = pa.table({"institution_code": lines["institution_code"], "dept": lines["dept"]})
    pairs = keys.group_by(["institution_code", "dept"]).aggregate([]).to_pylist()
    codes = pc.binary_join_element_wise(lines["institution_code"], pc.fill_null(lines["dept"], ""), "\t")
    known = {
        f"{row['institution_code']}\t{row['dept'] or ''}": names.get(
            (row["institution_code"], row["dept"]), row["dept"]
        )
        for row in pairs
    }
    return _words(codes, known)


def _words(codes: pa.ChunkedArray, words: Mapping[str, str | None]) -> pa.Array:
    """Codes as words; a code without a word stays."""
    found = codes.combine_chunks() if isinstance(codes, pa.ChunkedArray) else codes
    if not pa.types.is_dictionary(found.type):
        found = found.dictionary_encode()
    kept = pa.array([words.get(code, code) or "" for code in found.dictionary.to_pylist()], pa.string())
    return kept.take(found.indices)
