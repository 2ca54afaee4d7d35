"""Shown 病例怎么显示: which fields of a case stand together under which heading, and values as people read them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from tongpin.base.money import yuan
from tongpin.records.case.schema import columns
from tongpin.records.formats.page_fields import place_of
from tongpin.records.formats.tables import code_words

DATES, PERSONS = "日期", "病人"
SECTIONS = {
    "标识": ("institution_name", "record_no", "stay_no", "mdtrt_id"),
    DATES: (
        *("admission_time", "discharge_time", "settlement_date", "upload_time", "accepted_date", "filing_month"),
        *("transfer_date", "clearing_year"),
    ),
    PERSONS: ("sex", "age", "age_days", "birth_weights", "insurance", "insured_region", "care_type"),
    "住院": (
        *("los", "admission_dept", "transfer_depts", "dept", "doctor_name", "doctor_code", "discharge_way"),
        *("icu_hours", "ventilation_minutes", "coma_before_minutes", "coma_after_minutes"),
    ),
    "费用": ("total_fee_fen", "drug_fee_fen", "consumable_fee_fen", "exam_fee_fen", "service_fee_fen"),
    "付费方": ("patient_pay_fen", "account_pay_fen", "pool_pay_fen", "other_fund_pay_fen"),
}
"""What stands first, in this order; every other field that is filled follows under 其他."""
LISTS = ("diagnoses", "special_diseases", "pathology", "procedures", "icu_stays", "transfusions", "fees", "payers")
CODE_LISTS = {"dx": "diagnoses", "px": "procedures"}
ASIDE = frozenset(
    {
        *("source", "case_id", "institution_code", "patient_hash", "file", "record"),
        *("item_filled", "item_due", "extra"),
        *("sex_code", "insurance_code", "inpatient_type_code", "stated_age", "stated_stay_days", "code_map"),
    }
)
"""What stands elsewhere on a screen, or repeats what does: the values as written, kept for machines."""
LONGEST_SHOWN = 40


def is_filled(value: Any) -> bool:
    """Whether there is something to show."""
    return value not in (None, "", [])


def label_of(name: str) -> str:
    """What people call a column; an unknown name stays."""
    found = columns().get(name)
    return name if found is None else found.label


def text_of(name: str, value: Any) -> str:
    """A value as people read it, a code with its word."""
    if value is None:
        return "空"
    if name.endswith("_fen"):
        return f"{yuan(value)} 元"
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M}"
    if isinstance(value, list):
        several = value and isinstance(value[0], dict)
        shown = f"{len(value)} 项" if several else "、".join(text_of(name, one) for one in value)
        return shown if len(shown) <= LONGEST_SHOWN else f"{shown[:LONGEST_SHOWN]}…"
    return word_of(name, str(value))


def word_of(name: str, code: str) -> str:
    """A code with its word where its dictionary knows it; internal words are shown as their word alone."""
    found = columns().get(name)
    word = code_words(found.dictionary).get(code) if found is not None and found.dictionary else None
    if word is None and name == "fees.category" and (place := place_of(code)) is not None:
        word = place.field.label
    if word is None:
        return code
    return word if code.isascii() and code.replace("_", "").isalpha() and code.islower() else f"{code} {word}"
