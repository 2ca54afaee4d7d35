"""Monthly publication 月公布: one table of a closed month, the same columns for every hospital (S003-04)."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

import pyarrow.compute as pc

from tongpin.base.money import SCALE, check_balance, round_half_up
from tongpin.payment.fund.figures import share
from tongpin.payment.fund.series import SERIES, read_series
from tongpin.payment.fund.settled import level_place
from tongpin.payment.month.closed import area_of, closed_manifest, posted, statements
from tongpin.payment.month.statement import PAY_MODE_LABELS
from tongpin.payment.pricing.schema import OBSERVED
from tongpin.records.intake.load import read_loaded

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa

    from tongpin.payment.fund.series import Fund
    from tongpin.store.home import Home

_SUMS = (
    *("cases", "drg_cases", "total_weight_e4", "total_fee_fen", "patient_fen", "item_pool_fen", "pool_payable_fen"),
    *("month_item_pool_fen", "month_pool_payable_fen", "month_result_fen"),
)
ALL = "合计"


class Published(NamedTuple):
    """A hospital in a closed month, all its funds together; amounts in fen, None where nothing can be formed.

    Counts, means and shares: regular lists; `month_*`: with late lists, red and blue lines; `stay_days`: mean;
    `pay_ratio`: None for an observed hospital.
    """

    institution_code: str
    institution_name: str
    level: str
    pay_mode_label: str
    cases: int
    drg_cases: int
    case_mix: Decimal | None
    mean_fee_fen: int | None
    mean_pool_fen: int | None
    patient_share: Decimal | None
    stay_days: Decimal | None
    item_pool_fen: int
    pool_payable_fen: int
    pay_ratio: Decimal | None
    month_pool_payable_fen: int
    month_result_fen: int


@dataclass(frozen=True)
class Publication:
    """The publication of a month: hospitals, their total, the funds of the month, and the manifest of the close."""

    month: str
    manifest: dict[str, Any]
    hospitals: list[Published]
    total: Published
    funds: list[Fund]
    notes: tuple[str, ...]


def published_in_home(home: Home, month: str, area: str | None = None) -> Publication:
    """The publication of a closed month of a home; StoreError `settle.open` when it is not closed."""
    area = area_of(home, area)
    manifest = closed_manifest(home, month, area)
    rows = statements(home, area, (month,))
    lines = posted(home, area, (month,), ("institution_code", "line_kind", "los"))
    regular = lines.filter(pc.equal(lines["line_kind"], "regular"))
    hospitals = _hospitals(rows, regular)
    total = _row(_sums(rows, ()), {"institution_code": "", "institution_name": ALL}, _days(regular, ()))
    whole = sum(one.month_pool_payable_fen for one in hospitals)
    check_balance("fund.publication", "各机构统筹应付与合计", whole, total.month_pool_payable_fen)
    series = read_loaded(home, SERIES)
    funds = [one for one in read_series(series) if month in one.months] if series.num_rows else []
    notes = () if funds else ("没有装载该月的基金收支，只公布结算",)
    return Publication(month, manifest, hospitals, total, funds, notes)


def _hospitals(rows: pa.Table, regular: pa.Table) -> list[Published]:
    keys = ("institution_code", "institution_name", "hospital_level", "pay_mode_label")
    days = _days(regular, ("institution_code",))
    found = [_row([row], row, days) for row in _sums(rows, keys)]
    return sorted(found, key=lambda one: (level_place(one.level), one.institution_code))


def _sums(rows: pa.Table, keys: Sequence[str]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = rows.group_by(list(keys)).aggregate([(name, "sum") for name in _SUMS]).to_pylist()
    return found


def _days(regular: pa.Table, keys: Sequence[str]) -> dict[str, Decimal]:
    """The mean stay in days by institution, or of all of them under the empty code."""
    found = regular.group_by(list(keys)).aggregate([("los", "sum"), ("los", "count")]).to_pylist()
    return {
        row.get("institution_code", ""): Decimal(row["los_sum"]) / row["los_count"] for row in found if row["los_count"]
    }


def _row(sums: list[dict[str, Any]], names: dict[str, Any], days: dict[str, Decimal]) -> Published:
    total = {name: sum(row[f"{name}_sum"] or 0 for row in sums) for name in _SUMS}
    cases, drg = total["cases"], total["drg_cases"]
    observed = names.get("pay_mode_label") == PAY_MODE_LABELS[OBSERVED]
    return Published(
        names["institution_code"],
        names["institution_name"],
        names.get("hospital_level") or "",
        names.get("pay_mode_label") or "",
        cases,
        drg,
        Decimal(total["total_weight_e4"]) / SCALE / drg if drg else None,
        round_half_up(total["total_fee_fen"], cases) if cases else None,
        round_half_up(total["pool_payable_fen"], cases) if cases else None,
        share(total["patient_fen"], total["total_fee_fen"]),
        days.get(names["institution_code"]),
        total["item_pool_fen"],
        total["pool_payable_fen"],
        None if observed else share(total["pool_payable_fen"], total["item_pool_fen"]),
        total["month_pool_payable_fen"],
        total["month_result_fen"],
    )
