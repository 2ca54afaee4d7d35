"""The columns that pricing adds to a case, and the words that stand in them."""

from __future__ import annotations

import pyarrow as pa

PRICED_SCHEMA = pa.schema(
    [
        ("fund", pa.string()),
        ("hospital_level", pa.string()),
        ("hospital_pay_mode", pa.string()),
        ("pay_scope", pa.string()),
        ("by_item_reason", pa.string()),
        ("register", pa.string()),
        ("register_code", pa.string()),
        ("early_end", pa.string()),
        ("priced_drg", pa.string()),
        ("weight_e4", pa.int64()),
        ("basic_group", pa.bool_()),
        ("rate_fen", pa.int64()),
        ("coefficient_e4", pa.int64()),
        ("coefficient_parts", pa.string()),
        ("points_e4", pa.int64()),
        ("standard_fen", pa.int64()),
        ("outlier_base_fen", pa.int64()),
        ("outlier_class", pa.string()),
        ("pay_mode", pa.string()),
        ("gross_fen", pa.int64()),
        ("patient_fen", pa.int64()),
        ("other_funds_fen", pa.int64()),
        ("outside_fee_fen", pa.int64()),
        ("item_pool_fen", pa.int64()),
        ("pool_payable_fen", pa.int64()),
        ("result_fen", pa.int64()),
        ("floored_fen", pa.int64()),
    ],
)
"""What pricing adds. Null outside DRG: weight to standard and the outlier class; null when OUT: everything but
`pay_scope`. `hospital_pay_mode` is drg or observed; `by_item_reason` one of `REASONS`, null in DRG; `register`,
`register_code`: the register that holds the case and the code that it holds; `early_end`: how a stay ended within the
hours of the edition; `priced_drg`: the group that weight and rate are of (another than `drg` only by the TCM rule);
`coefficient_parts`: the coefficients by name in their order, `level=10500 difficulty=11000` (ten-thousandths), of DIP
the factors of the points;
`points_e4`: null in the rate method; `outlier_base_fen`: what the fee is compared with (null: by rank);
`outside_fee_fen`: the fee outside the fee base, added to the standard because the patient pays it. Identities, in fen:
pool_payable = gross − patient − other_funds + floored;
result = pool_payable − item_pool = gross + floored − total fee."""

DRG, OBSERVED = "drg", "observed"
"""How an institution is paid at a date: by DRG, or observed only (grouped and measured, paid by item; S004-01)."""

SCOPES = ("DRG", "BY_ITEM", "BED_DAY", "SINGLE_DISEASE", "OUT")
"""What step 1 says of a case: by group, by item, by the day, at a fixed amount, or not in the settlement."""

CARE_TYPE, UNGROUPED = "care_type", "ungrouped"
STAY_DAYS, EXCLUDED, EARLY_END, REGISTER = "stay_days", "excluded_groups", "early_end", "register"
NEWBORN = "newborn"
REASONS = (CARE_TYPE, OBSERVED, UNGROUPED, STAY_DAYS, EXCLUDED, EARLY_END, REGISTER, NEWBORN)
"""Why a case of the settlement is not paid by its group."""

REGISTERS: dict[str, str] = {
    "single_disease": "单病种",
    "bed_day": "床日",
    "day_surgery": "日间手术",
    "tcm": "中医优势病种",
    "rehabilitation": "康复",
    "psychiatry": "精神",
    "childbirth": "生育",
}
"""The registers of S914-01, with their names."""

EARLY_ENDS: dict[str, str] = {
    "death_24h": "24 小时内死亡",
    "transfer_24h": "24 小时内转院",
    "against_advice_24h": "24 小时内非医嘱离院",
}
"""How a stay may end within the hours of the edition (S915-01)."""
