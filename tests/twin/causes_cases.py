"""Lists for the tests of causes: lines paid by their group, a home with closed months of them; yuan in, fen kept."""

from __future__ import annotations

import json
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from tongpin.payment.month.closed import LINES, RUN, RUN_SCHEMA, RUNS, STATEMENTS, run_name
from tongpin.payment.month.posting import LINE_SCHEMA
from tongpin.payment.month.statement import STATEMENT_SCHEMA
from tongpin.payment.policy.library import policy_named
from tongpin.store import lake

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tongpin.store.home import Home


def fen(yuan: float) -> int:
    return round(yuan * 100)


def line(
    case_id: str,
    drg: str = "AA11D",
    *,
    drug: float = 2_000,
    consumable: float = 1_000,
    exam: float = 1_000,
    service: float = 4_000,
    stay: int | None = 5,
    weight_e4: int = 10_000,
    rate: float = 10_000,
    coefficient: float = 1.0,
    outlier: str = "NORMAL",
    month: str = "2025-06",
    hospital: str = "H1",
    level: str = "三级",
    **more: Any,
) -> dict[str, Any]:
    """A list paid at weight × rate × coefficient; an outlier is paid by item."""
    fee = fen(drug) + fen(consumable) + fen(exam) + fen(service)
    standard = round(weight_e4 * fen(rate) * coefficient) // 10_000
    gross = standard if outlier == "NORMAL" else fee
    settled = date(int(month[:4]), int(month[5:]), 15)
    return {
        "source": "settlement_list",
        "case_id": case_id,
        "institution_code": hospital,
        "institution_name": f"医院{hospital}",
        "hospital_level": level,
        "dept": "04.04",
        "doctor_code": "D1",
        "record_no": case_id,
        "discharge_time": datetime(settled.year, settled.month, settled.day),  # noqa: DTZ001
        "settlement_date": settled,
        "discharge_way": "1",
        "insurance": "310",
        "fund": "310",
        "status": "grouped",
        "drg": drg,
        "priced_drg": drg,
        "pay_scope": "DRG",
        "pay_mode": "standard" if outlier == "NORMAL" else "by_item",
        "outlier_class": outlier,
        "los": stay,
        "weight_e4": weight_e4,
        "rate_fen": fen(rate),
        "standard_fen": standard,
        "gross_fen": gross,
        "total_fee_fen": fee,
        "drug_fee_fen": fen(drug),
        "consumable_fee_fen": fen(consumable),
        "exam_fee_fen": fen(exam),
        "service_fee_fen": fen(service),
        "patient_fen": 0,
        "other_funds_fen": 0,
        "item_pool_fen": fee,
        "pool_payable_fen": gross,
        "result_fen": gross - fee,
        "floored_fen": 0,
        "line_kind": "regular",
        "line_sign": 1,
        "period": month,
        "original_period": month,
    } | more


def lines(rows: Sequence[dict[str, Any]]) -> pa.Table:
    return pa.Table.from_pylist(list(rows), schema=LINE_SCHEMA)


def group(count: int, drg: str = "AA11D", prefix: str = "c", **more: Any) -> list[dict[str, Any]]:
    """So many alike lists of a group."""
    return [line(f"{prefix}{drg}{number}", drg, **more) for number in range(count)]


def close_months(home: Home, table: pa.Table, area: str = "demo-east") -> None:
    """The months of the lines as settling leaves them: lines and a manifest for each."""
    named = pa.array([run_name(area, month) for month in table["period"].to_pylist()], pa.string())
    lake.append(home, LINES, table.append_column(RUN, named))
    runs = []
    digest = policy_named(home, "demo-east/2025").digest
    for month in sorted(set(table["period"].to_pylist())):
        manifest = {
            "month": month,
            "area": area,
            "area_label": "示例市",
            "policy": "demo-east/2025",
            "policy_digest": digest,
            "scheme": "demo-drg",
            "assumed": ["费率"],
        }
        runs.append({"month": month, "area": area, "digest": "", "manifest": json.dumps(manifest)})
    empty = STATEMENT_SCHEMA.empty_table()
    lake.append(home, STATEMENTS, empty.append_column(RUN, pa.array([], pa.string())))
    lake.append(home, RUNS, pa.Table.from_pylist(runs, schema=RUN_SCHEMA))
