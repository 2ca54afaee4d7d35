"""Small policies and cases for the payment tests: every amount is given in yuan and carried in fen."""

from __future__ import annotations

import copy
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import yaml

from tongpin.payment.month.posting import LINE_SCHEMA, WITHDRAWAL_SCHEMA
from tongpin.payment.month.statement import DECISION_SCHEMA, MonthSettlement, settle_month
from tongpin.payment.policy.policy import Policy
from tongpin.payment.pricing.price import price
from tongpin.records.case.schema import CASE_SCHEMA

if TYPE_CHECKING:
    from pathlib import Path

GROUPED_SCHEMA = pa.schema(
    [*CASE_SCHEMA, *((name, pa.string()) for name in ("status", "mdc", "adrg", "drg"))],
)
START = date(2025, 1, 1)
WEIGHTS = "drg,weight,basic_group\nAA11D,1.0000,0\nBB11D,1.4100,0\nCC11D,0.5000,1\n"


def _assumed(label: str, unit: str, value: Any, *by: str) -> dict[str, Any]:
    return {"label": label, "unit": unit, "by": list(by), "values": {START: value}, "assumed": True}


def _choice(value: str) -> dict[str, Any]:
    return {"label": "口径", "value": value, "assumed": True}


# A rate of exactly 10,000.00 yuan at level 三级 and 二级: (120,000,000 - 2,000 x 10,000) / (12,000 - 2,000).
_BUDGET = {"三级": 12_000_000_000, "二级": 12_000_000_000}
BASE: dict[str, Any] = {
    "id": "test/2025",
    "label": "测试付费办法",
    "area": "测试",
    "scheme": _choice("demo-drg"),
    "edition_by": _choice("settlement"),
    "period_by": _choice("settlement"),
    "year_by": _choice("settlement"),
    "weights": {"label": "测试权重", "file": "weights.csv", "assumed": True},
    "parameters": {
        "calendar.month_cutoff_day": _assumed("截止日", "day", 10),
        "fund.of_insurance": _assumed("险种", "text", {"310": "310", "340": "310", "390": "390"}, "insurance"),
        "fund.label": _assumed("基金", "text", {"310": "职工", "390": "居民"}, "fund"),
        "scope.care_type": _assumed("范围", "choice", {"inpatient": "DRG", "*": "OUT"}, "care_type"),
        "scope.pay_mode": _assumed("付费方式", "choice", {"drg": "DRG", "observed": "BY_ITEM"}, "pay_mode"),
        "pay.method": _assumed("付费方法", "choice", "rate"),
        "scope.tests": _assumed("判断先后", "codes", ["care_type", "pay_mode"]),
        "scope.interim_bills": _assumed("中途结算", "choice", "merge"),
        "scope.stays_across_years": _assumed("跨年住院", "choice", "whole"),
        "scope.ungrouped_pay": _assumed("未入组", "choice", {"0000": "by_item", "QY": "by_item"}, "ungrouped"),
        "fee.base": _assumed("费用基数", "choice", "total"),
        "rate.tier_budget": _assumed("总额", "fen", {"310": _BUDGET, "390": _BUDGET}, "fund", "hospital_level"),
        "rate.forecast_weight": _assumed("权重", "weight", {"三级": 12000, "二级": 12000}, "hospital_level"),
        "rate.forecast_basic_weight": _assumed("基础权重", "weight", {"三级": 2000, "二级": 2000}, "hospital_level"),
        "rate.basic_group": _assumed("基础病组费率", "fen", 1_000_000),
        "coefficient.order": _assumed("系数先后", "codes", ["product"]),
        "coefficient.product": _assumed("系数", "ratio", 1),
        "outlier.base": _assumed("倍率的比较", "choice", "standard"),
        "outlier.high.rule": _assumed("极高判断", "choice", "multiple"),
        "outlier.low.rule": _assumed("极低判断", "choice", "multiple"),
        "outlier.high.multiple": _assumed("极高倍率", "ratio", {"三级": 3, "二级": 2}, "hospital_level"),
        "outlier.high.pay": _assumed("极高支付", "choice", "by_item"),
        "outlier.high.share": _assumed("极高分担", "ratio", 1),
        "outlier.low.multiple": _assumed("极低倍率", "ratio", 0.4),
        "outlier.low.pay": _assumed("极低支付", "choice", "by_item"),
        "outlier.exempt_groups": _assumed("不按倍率", "codes", []),
        "pool.form": _assumed("统筹算法", "choice", "difference"),
        "pool.negative": _assumed("负统筹", "choice", "allow"),
        "deposit.ratio": _assumed("保证金", "ratio", 0.03),
        "deposit.base": _assumed("保证金基数", "choice", "after_audit"),
        "deposit.covers": _assumed("保证金范围", "choice", "all"),
        "transfer.negative": _assumed("负拨付", "choice", "collect"),
        "rounding.halves": _assumed("取半", "choice", "away_from_zero"),
        "rounding.rate": _assumed("费率取整", "fen", 1),
        "rounding.standard": _assumed("标准取整", "fen", 1),
        "rounding.excess": _assumed("分担取整", "fen", 1),
        "rounding.deposit": _assumed("保证金取整", "fen", 1),
    },
}

INSTITUTIONS = pa.table(
    {
        "institution_code": ["H3", "H2", "UP", "UP"],
        "settlement_level": ["三级", "二级", "二级", "三级"],
        "valid_from": pa.array([date(2020, 1, 1), date(2020, 1, 1), date(2020, 1, 1), date(2025, 6, 15)]),
    },
)


def write_policy(
    folder: Path,
    values: dict[str, Any] | None = None,
    *,
    change: Any = None,
    weights: str = WEIGHTS,
) -> Path:
    """The base edition as files; `values` replaces leaves that stand without dimensions, `change` edits the data."""
    data = copy.deepcopy(BASE)
    for key, value in (values or {}).items():
        data["parameters"][key] |= {"values": {START: value}, "by": []}
    if change:
        change(data)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "policy.yaml").write_text(yaml.safe_dump(data, allow_unicode=True), encoding="utf-8")
    (folder / "weights.csv").write_text(weights, encoding="utf-8")
    return folder


def make_policy(folder: Path, values: dict[str, Any] | None = None, *, change: Any = None) -> Policy:
    return Policy.load(write_policy(folder, values, change=change))


def fen(yuan: float) -> int:
    return round(yuan * 100)


def case(
    case_id: str,
    fee: float,
    patient: float,
    other: float = 0,
    *,
    drg: str = "AA11D",
    status: str = "grouped",
    settled: date = date(2025, 6, 20),
    accepted: date | None = None,
    **more: Any,
) -> dict[str, Any]:
    """One grouped case; fee, patient part and other funds in yuan, the pool is what is left."""
    return {
        "source": "settlement_list",
        "case_id": case_id,
        "institution_code": "H3",
        "institution_name": "第三医院",
        "insurance": "310",
        "care_type": "inpatient",
        "discharge_time": datetime(settled.year, settled.month, settled.day),  # noqa: DTZ001
        "settlement_date": settled,
        "accepted_date": accepted,
        "total_fee_fen": fen(fee),
        "patient_pay_fen": fen(patient),
        "other_fund_pay_fen": fen(other),
        "pool_pay_fen": fen(fee) - fen(patient) - fen(other),
        "status": status,
        "mdc": "MDCA",
        "adrg": drg[:3],
        "drg": drg,
        **more,
    }


def grouped(*cases: dict[str, Any]) -> pa.Table:
    return pa.Table.from_pylist(list(cases), schema=GROUPED_SCHEMA)


def priced_rows(policy: Policy, *cases: dict[str, Any]) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = price(grouped(*cases), policy, INSTITUTIONS).to_pylist()
    return rows


def withdrawals(*rows: tuple[str, date, str | None]) -> pa.Table:
    return pa.Table.from_pylist(
        [
            {
                "institution_code": "H3",
                "setl_id": setl_id,
                "withdrawn_date": day,
                "successor_setl_id": successor,
            }
            for setl_id, day, successor in rows
        ],
        schema=WITHDRAWAL_SCHEMA,
    )


def decisions(*rows: tuple[str, float], month: str = "2025-06", fund: str = "310") -> pa.Table:
    return pa.Table.from_pylist(
        [
            {
                "institution_code": "H3",
                "fund": fund,
                "month": month,
                "kind": kind,
                "amount_fen": fen(amount),
            }
            for kind, amount in rows
        ],
        schema=DECISION_SCHEMA,
    )


def settle(
    policy: Policy,
    month: str,
    cases: list[dict[str, Any]],
    *,
    posted: pa.Table | None = None,
    gone: pa.Table | None = None,
    decided: pa.Table | None = None,
    closed: set[str] | None = None,
) -> MonthSettlement:
    return settle_month(
        month,
        price(grouped(*cases), policy, INSTITUTIONS),
        LINE_SCHEMA.empty_table() if posted is None else posted,
        withdrawals() if gone is None else gone,
        decisions() if decided is None else decided,
        closed or set(),
        policy,
    )
