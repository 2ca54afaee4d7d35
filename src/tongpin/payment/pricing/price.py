"""Price 定价: steps 1-5 of the order C0 for every case, as columns (S900-01).

1 scope, 2 group (done before), 3 standard and outlier class, 4 gross, 5 pool payable. The patient's part and the other
funds come from the settlement result and are not recomputed; the difference falls on 统筹 and the hospital alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tongpin.base.errors import PolicyError
from tongpin.base.money import SCALE, check_balance, round_half_up_column
from tongpin.payment.policy.lookup import Coded, Lookup, coded
from tongpin.payment.policy.period import case_days
from tongpin.payment.pricing.rates import rate_fen

if TYPE_CHECKING:
    import numpy.typing as npt

    from tongpin.payment.policy.lookup import DayColumn, IntColumn
    from tongpin.payment.policy.policy import Policy

    BoolColumn = npt.NDArray[np.bool_]

PRICED_SCHEMA = pa.schema(
    [
        ("fund", pa.string()),
        ("hospital_level", pa.string()),
        ("hospital_pay_mode", pa.string()),
        ("pay_scope", pa.string()),
        ("by_item_reason", pa.string()),
        ("weight_e4", pa.int64()),
        ("basic_group", pa.bool_()),
        ("rate_fen", pa.int64()),
        ("coefficient_e4", pa.int64()),
        ("standard_fen", pa.int64()),
        ("outlier_class", pa.string()),
        ("pay_mode", pa.string()),
        ("gross_fen", pa.int64()),
        ("patient_fen", pa.int64()),
        ("other_funds_fen", pa.int64()),
        ("item_pool_fen", pa.int64()),
        ("pool_payable_fen", pa.int64()),
        ("result_fen", pa.int64()),
        ("floored_fen", pa.int64()),
    ],
)
"""What pricing adds. Null outside DRG: weight to standard and the outlier class; null when OUT: everything but
`pay_scope`. `hospital_pay_mode` is drg or observed; `by_item_reason` one of `REASONS`, null in DRG. Identities, in fen:
pool_payable = gross − patient − other_funds + floored;
result = pool_payable − item_pool = gross + floored − total fee."""

DRG, OBSERVED = "drg", "observed"
"""How an institution is paid at a date: by DRG, or observed only (grouped and measured, paid by item; S004-01)."""

CARE_TYPE, UNGROUPED = "care_type", "ungrouped"
REASONS = (CARE_TYPE, OBSERVED, UNGROUPED)
"""Why a case of the settlement is paid by item, in the order in which they are asked."""

_GROUPED = "grouped"
_AMBIGUOUS = "ambiguous"
_AMOUNTS = ("total_fee_fen", "patient_pay_fen", "pool_pay_fen", "other_fund_pay_fen")
_READS = ("case_id", "institution_code", "insurance", "status", "drg", *_AMOUNTS)
_SAFE = 2**61
_DAY_SPAN = 2**22
_DAY_ZERO = 2**21


def price(grouped: pa.Table, policy: Policy, institutions: pa.Table) -> pa.Table:
    """Grouped cases with the columns of `PRICED_SCHEMA` added.

    `grouped`: the case table plus `status, mdc, adrg, drg`. `institutions`: `institution_code, settlement_level,
    valid_from` (the level in force from that day; date32), and where it has one `pay_mode`. Amounts in fen.
    Refuses the whole table with PolicyError: `policy.gap`, `policy.weight` (no weight), `policy.institution`,
    `policy.date`, `policy.amount`; and with BalanceError when the payer split of a case does not sum to its fee.
    """
    days = case_days(grouped, policy.edition.edition_by.value)
    lookup = Lookup(policy, days, grouped["case_id"], {"care_type": coded(grouped["care_type"])})
    scope = lookup.texts("scope.care_type")
    inside = np.flatnonzero(scope != "OUT")
    needed = grouped.select(_READS).take(inside)
    priced = _price_inside(needed, policy, institutions, days[inside], scope[inside])
    places = np.full(grouped.num_rows, -1, dtype=np.int64)
    places[inside] = np.arange(len(inside))
    spread = priced.take(pa.array(places, mask=places < 0))
    outside = pa.array(scope == "OUT")
    result = grouped
    for field in PRICED_SCHEMA:
        column = spread[field.name]
        if field.name == "pay_scope":
            column = pc.if_else(outside, "OUT", column)
        result = result.append_column(field, column)
    return result


def _price_inside(
    cases: pa.Table,
    policy: Policy,
    institutions: pa.Table,
    days: DayColumn,
    scope: Any,
) -> pa.Table:
    """The priced columns of the cases inside the scope of the settlement."""
    amounts = _amounts(cases)
    fee, patient = amounts["total_fee_fen"], amounts["patient_pay_fen"]
    other, item_pool = amounts["other_fund_pay_fen"], amounts["pool_pay_fen"]
    _check_payers(cases, fee, patient + other + item_pool)

    status = coded(cases["status"])
    kinds = ["" if text == _GROUPED else "QY" if text == _AMBIGUOUS else "0000" for text in status.values]
    lookup = Lookup(
        policy,
        days,
        cases["case_id"],
        {
            "insurance": coded(cases["insurance"]),
            "institution_code": coded(cases["institution_code"]),
            "drg": coded(cases["drg"]),
            "ungrouped": Coded(status.codes, kinds),
        },
    )
    fund = lookup.texts("fund.of_insurance")
    level, hospital_mode = institution_terms(cases, institutions, days)
    lookup.dimensions |= {
        "fund": coded(fund),
        "hospital_level": coded(level),
        "pay_mode": coded(pa.chunked_array([hospital_mode])),
    }
    lookup.texts("fee.base")  # an edition that leaves the base of its fees open is refused
    paid_by_group = (scope == "DRG") & (lookup.texts("scope.pay_mode") == "DRG")

    is_grouped = np.array([kind == "" for kind in kinds], dtype=bool)[status.codes]
    is_drg = paid_by_group & is_grouped
    drg_rows = np.flatnonzero(is_drg)
    _check_ungrouped_pay(lookup, np.flatnonzero(paid_by_group & ~is_grouped))
    reason = np.select([scope != "DRG", ~paid_by_group, ~is_grouped], REASONS, "")
    paid = _pay_drg(_narrowed(lookup, drg_rows), fee[drg_rows])

    gross = fee.copy()
    gross[drg_rows] = paid["gross_fen"]
    payable = gross - patient - other
    floor = np.zeros(len(fee), dtype=bool)
    floor[drg_rows] = lookup.texts("pool.negative")[drg_rows] == "floor_case"
    floored = np.where(floor & (payable < 0), -payable, 0)
    payable += floored

    nowhere = ~is_drg
    pay_mode = np.full(len(fee), "by_item", dtype="<U20")
    pay_mode[drg_rows] = paid["pay_mode"]
    columns: dict[str, pa.Array] = {
        "fund": pa.array(fund, pa.string()),
        "hospital_level": pa.array(level, pa.string()),
        "hospital_pay_mode": hospital_mode,
        "pay_scope": pa.array(np.where(is_drg, "DRG", "BY_ITEM"), pa.string()),
        "by_item_reason": pa.array(reason, pa.string(), mask=is_drg),
        "pay_mode": pa.array(pay_mode, pa.string()),
        "gross_fen": pa.array(gross),
        "patient_fen": pa.array(patient),
        "other_funds_fen": pa.array(other),
        "item_pool_fen": pa.array(item_pool),
        "pool_payable_fen": pa.array(payable),
        "result_fen": pa.array(payable - item_pool),
        "floored_fen": pa.array(floored),
    }
    for field in PRICED_SCHEMA:
        if field.name not in columns:
            wide = np.zeros(len(fee), dtype=paid[field.name].dtype)
            wide[drg_rows] = paid[field.name]
            columns[field.name] = pa.array(wide, field.type, mask=nowhere)
    return pa.table([columns[field.name] for field in PRICED_SCHEMA], schema=PRICED_SCHEMA)


def _narrowed(lookup: Lookup, rows: Any) -> Lookup:
    """The same look-up for some of the cases only, so that a gap that no case needs refuses nothing."""
    dimensions = {name: Coded(item.codes[rows], item.values) for name, item in lookup.dimensions.items()}
    return Lookup(lookup.policy, lookup.days[rows], lookup.case_ids.take(rows), dimensions)


def _check_ungrouped_pay(lookup: Lookup, rows: Any) -> None:
    """An edition that does not say how 0000 and QY are paid is refused when a case needs it."""
    _narrowed(lookup, rows).texts("scope.ungrouped_pay")


def _pay_drg(lookup: Lookup, fee: IntColumn) -> dict[str, Any]:
    """Steps 3 and 4 for the DRG cases: weight to standard, outlier class, pay mode, gross."""
    policy = lookup.policy
    _check_size((fee,), SCALE * SCALE)
    weight_e4 = lookup.over(("drg",), lambda _, c: policy.weight(c["drg"]).weight_e4).astype(np.int64)
    basic = lookup.over(("drg",), lambda _, c: policy.weight(c["drg"]).basic_group).astype(bool)
    lookup.dimensions["basic"] = coded(np.where(basic, "1", "0"))
    rate = lookup.over(
        ("fund", "hospital_level", "basic"),
        lambda on, c: rate_fen(policy, on, c["fund"], c["hospital_level"], basic_group=c["basic"] == "1"),
    ).astype(np.int64)
    coefficient_e4 = lookup.scaled("coefficient.product")
    lookup.texts("rounding.halves")
    standard = _rounded(
        (weight_e4, rate, coefficient_e4),
        SCALE * SCALE,
        lookup.numbers("rounding.standard"),
    )

    high_e4, low_e4 = lookup.scaled("outlier.high.multiple"), lookup.scaled("outlier.low.multiple")
    is_high = fee * SCALE > high_e4 * standard
    is_low = fee * SCALE < low_e4 * standard
    exempt = lookup.over(("drg",), lambda on, c: c["drg"] in policy.value("outlier.exempt_groups", on))
    outlier = np.select([exempt.astype(bool), is_high, is_low], ["EXEMPT", "HIGH", "LOW"], "NORMAL")

    mode = np.full(len(fee), "standard", dtype="<U20")
    high, low = outlier == "HIGH", outlier == "LOW"
    mode[high] = lookup.texts("outlier.high.pay")[high]
    mode[low] = lookup.texts("outlier.low.pay")[low]
    over = np.where(high, fee * SCALE - high_e4 * standard, 0)
    share_e4 = np.zeros(len(fee), dtype=np.int64)
    shared = np.flatnonzero(mode == "standard_plus_share")
    share_e4[shared] = _narrowed(lookup, shared).scaled("outlier.high.share")
    extra = _rounded((over, share_e4), SCALE * SCALE, lookup.numbers("rounding.excess"))
    by_item = np.where(low, np.minimum(fee, standard), fee)
    gross = np.select([mode == "by_item", mode == "standard_plus_share"], [by_item, standard + extra], standard)
    return {
        "weight_e4": weight_e4,
        "basic_group": basic,
        "rate_fen": rate,
        "coefficient_e4": coefficient_e4,
        "standard_fen": standard,
        "outlier_class": outlier.astype("<U6"),
        "pay_mode": mode,
        "gross_fen": gross,
    }


def _rounded(factors: tuple[IntColumn, ...], denominator: int, unit_fen: IntColumn) -> IntColumn:
    """The product of the factors over the denominator, half away from zero to a multiple of `unit_fen`."""
    _check_size(factors)
    product = np.ones_like(factors[0])
    for factor in factors:
        product *= factor
    result: IntColumn = round_half_up_column(product, denominator * unit_fen) * unit_fen
    return result


def _check_size(factors: tuple[IntColumn, ...], constant: int = 1) -> None:
    """`policy.overflow` when the product of the factors could leave the range of exact integers."""
    largest = constant
    for factor in factors:
        largest *= int(np.abs(factor).max(initial=1))
    if largest >= _SAFE:
        raise PolicyError(
            "policy.overflow",
            "权重、费率、系数或费用大得不合常理，乘积超出可精确计算的范围",
            where="standard_fen",
            hint="检查权重表、费率与病例费用的单位（元还是分）",
        )


def _amounts(cases: pa.Table) -> dict[str, IntColumn]:
    """The four amounts that a settled case carries; `policy.amount` when one is missing."""
    for name in _AMOUNTS:
        column = cases[name]
        if column.null_count:
            row = pc.index(pc.is_null(column), value=True).as_py()
            raise PolicyError(
                "policy.amount",
                f"{column.null_count} 个病例缺少结算金额，例如 {cases['case_id'][row].as_py()}",
                where=name,
                hint="先导入这些清单的结算结果，再结算",
            )
    return {name: cases[name].to_numpy().astype(np.int64) for name in _AMOUNTS}


def _check_payers(cases: pa.Table, fee: IntColumn, parts: IntColumn) -> None:
    wrong = np.flatnonzero(fee != parts)
    if len(wrong):
        row = int(wrong[0])
        what = f"病例 {cases['case_id'][row].as_py()} 总费用与各付费方之和（共 {len(wrong)} 例）"
        check_balance("price.payers", what, int(fee[row]), int(parts[row]))


def institution_terms(cases: pa.Table, institutions: pa.Table, days: DayColumn) -> tuple[Any, Any]:
    """Settlement level (NumPy) and pay mode (Arrow; drg where none is registered) of each case's institution on a day.

    `policy.institution` when it has no level on that day.
    """
    names = coded(pa.chunked_array([*institutions["institution_code"].chunks, *cases["institution_code"].chunks]))
    known, asked = names.codes[: institutions.num_rows], names.codes[institutions.num_rows :]
    since = pc.cast(institutions["valid_from"], pa.date32()).to_numpy().astype("datetime64[D]").astype(np.int64)
    keys = known * _DAY_SPAN + (since + _DAY_ZERO)
    order = np.argsort(keys, kind="stable")
    wanted = asked * _DAY_SPAN + (days.astype(np.int64) + _DAY_ZERO)
    found = np.searchsorted(keys[order], wanted, side="right") - 1
    row = order[np.maximum(found, 0)] if len(order) else np.zeros(len(asked), dtype=np.int64)
    missing = np.flatnonzero((found < 0) | (known[row] != asked if len(order) else True))
    if len(missing):
        first = int(missing[0])
        code = names.values[asked[first]] or "（空）"
        raise PolicyError(
            "policy.institution",
            f"机构 {code} 在 {days[first]} 没有登记的结算级别"
            f"（共 {len(missing)} 例，例如病例 {cases['case_id'][first].as_py()}）",
            where="institution",
            hint="在机构登记表中补上该机构及生效日期",
        )
    level = institutions["settlement_level"].take(pa.array(row)).to_numpy()
    if "pay_mode" not in institutions.column_names:
        return level, pa.array([DRG] * len(row), pa.string())
    mode = pc.fill_null(institutions["pay_mode"].take(pa.array(row)), DRG)
    return level, mode.combine_chunks()
