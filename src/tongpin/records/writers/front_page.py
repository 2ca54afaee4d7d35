"""Front pages as HQMS CSV with code headers: only the columns in use, `-` for what is missing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from tongpin.records import columns
from tongpin.records.writers.shared import NEUTRAL, Sheet, write_csv

if TYPE_CHECKING:
    from pathlib import Path

    from tongpin.records.writers.shared import Names

PAYMENT_METHODS = {"310": "1", "390": "2"}
DAY_SURGERY = {"day_surgery": "1", "inpatient": "2"}
OTHER_SOCIAL_INSURANCE = "8"
MINUTES_PER_HOUR = 60
SECONDS_PER_HOUR = 3600


def write_front_page(cases: pa.Table, path: Path, *, names: Names) -> None:
    """Cases as an HQMS front page file; as many other diagnoses and procedures as the longest case needs.

    Takes `CASE_SCHEMA` and the optional columns of `Sheet`. The ventilator is written in hours begun, as the format
    wants it; an absent `stay_no` is read from the case id or is 1.
    """
    sheet = Sheet(cases)
    made: dict[str, list[Any]] = {
        "A01": sheet.texts("institution_code", NEUTRAL),
        "A02": sheet.texts("institution_name", NEUTRAL),
        "A48": sheet.texts("record_no", NEUTRAL),
        "A49": _stay_numbers(sheet),
        "B12": sheet.times("admission_time", NEUTRAL),
        "B15": sheet.times("discharge_time", NEUTRAL),
        "A46C": [
            NEUTRAL if one is None else PAYMENT_METHODS.get(one, OTHER_SOCIAL_INSURANCE)
            for one in sheet.values("insurance")
        ],
        "A11": sheet.texts("psn_name", NEUTRAL),
        "A12C": sheet.texts("sex", NEUTRAL),
        "A13": sheet.dates("birth_date", NEUTRAL),
        "A14": sheet.texts("age", NEUTRAL),
        "A16": sheet.texts("age_days", NEUTRAL),
        "A18x01": sheet.texts("birth_weight", NEUTRAL),
        "A20": sheet.texts("certno", NEUTRAL),
        "B38": [DAY_SURGERY.get(one, NEUTRAL) for one in sheet.values("care_type")],
        "B16C": sheet.texts("dept", NEUTRAL),
        "B20": sheet.texts("los", NEUTRAL),
        "B24C": sheet.texts("doctor_code", NEUTRAL),
        "B34C": sheet.texts("discharge_way", NEUTRAL),
    }
    made |= _codes(sheet.values("dx"), ("C03C", "C04N"), ("C06x{:02d}C", "C07x{:02d}N"), names.dx)
    made |= _codes(sheet.values("px"), ("C14x01C", "C15x01N"), ("C35x{:02d}C", "C36x{:02d}N"), names.px)
    made["C17x01"] = sheet.texts("surgery_level", NEUTRAL)
    made["C47"] = [
        NEUTRAL if one is None else str(-(-one // MINUTES_PER_HOUR)) for one in sheet.values("ventilation_minutes")
    ]
    made |= _intensive(sheet)
    made["D01"] = sheet.money("total_fee_fen", NEUTRAL)
    made["D09"] = sheet.money("patient_pay_fen", NEUTRAL)
    known = sheet.fees_known()
    for code, amounts in sorted(sheet.fees("front_page").items()):
        texts = columns.fen_text(pa.array(amounts)).to_pylist()
        made[code] = [text if one else NEUTRAL for text, one in zip(texts, known, strict=True)]
    write_csv(path, made)


def _stay_numbers(sheet: Sheet) -> list[str]:
    """The number of the stay: as given, else the tail of a front-page case id, else 1."""
    found: list[str] = []
    given = sheet.texts("stay_no", None)
    whose = zip(sheet.values("institution_code"), sheet.values("record_no"), sheet.values("case_id", ""), strict=True)
    for number, (institution, record, case_id) in zip(given, whose, strict=True):
        head = f"{institution}-{record}-"
        tail = case_id[len(head) :] if case_id.startswith(head) else ""
        found.append(number or tail or "1")
    return found


def _codes(
    lists: list[list[str] | None], main: tuple[str, str], other: tuple[str, str], names: dict[str, str]
) -> dict[str, list[str]]:
    """Code and name columns: the main one, then as many further ones as the longest list needs."""
    most = max((len(found or ()) for found in lists), default=0)
    made: dict[str, list[str]] = {}
    for place in range(max(most, 1)):
        code_column, name_column = main if place == 0 else (part.format(place) for part in other)
        codes = [found[place] if found and place < len(found) else NEUTRAL for found in lists]
        made[code_column] = codes
        made[name_column] = [names.get(code, NEUTRAL) for code in codes]
    return made


def _intensive(sheet: Sheet) -> dict[str, list[str]]:
    """Intensive care as one stay from admission on."""
    admission = sheet.arrow("admission_time")
    hours = sheet.arrow("icu_hours").cast(pa.int64())
    entry = pc.if_else(pc.is_valid(hours), admission, pa.scalar(None, admission.type))
    leave = pc.add(entry.cast(pa.int64()), pc.multiply(hours, SECONDS_PER_HOUR)).cast(pa.timestamp("s"))
    form = "%Y-%m-%d %H:%M:%S"
    return {
        "C48x01C": [NEUTRAL] * sheet.size,
        "C49x01": pc.strftime(entry, format=form).fill_null(NEUTRAL).to_pylist(),
        "C50x01": pc.strftime(leave, format=form).fill_null(NEUTRAL).to_pylist(),
    }
