"""A front page with every column of the standard filled, and how two reads are compared."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from records_samples import KEY

from tongpin.records.case.schema import column_of
from tongpin.records.formats.page_fields import official_places
from tongpin.records.intake.read import read

if TYPE_CHECKING:
    from pathlib import Path

    from tongpin.records.formats.page_fields import Place
    from tongpin.records.intake.read import Loaded

VALUES = {
    "stay_no": "3",
    "admission_time": "2025-06-02 08:30:00",
    "discharge_time": "2025-06-10 09:00:00",
    "birth_date": "2025-05-28",
    "confirmed_date": "2025-06-03",
    "quality_date": "2025-06-12",
    "sex_code": "1",
    "payment_method": "1.1",
    "day_surgery_flag": "2",
    "stated_age": "0",
    "age_days": "5",
    "stated_stay_days": "8",
    "discharge_way": "1",
    "transfer_depts": "04,05.02",
    "dept": "03.04",
    "admission_dept": "03.01",
    "admission_weights": "3100,2900",
    "ventilation_minutes": "27",
    "coma_before_minutes": "3",
    "coma_after_minutes": "4",
    "total_fee_fen": "2962.80",
    "patient_pay_fen": "12.30",
    "fees.amount_fen": "123.45",
    "transfusions.amount": "2.5",
    "occupation": "11",
    "record_quality": "1",
    "autopsy": "1",
    "blood_type_abo": "1",
    "blood_type_rh": "2",
    "allergy": "1",
    "readmission_plan": "1",
    "diagnoses.admission_condition": "1",
    "special_nursing_days": "1",
    "level1_nursing_days": "2",
    "level2_nursing_days": "3",
    "level3_nursing_days": "4",
}
"""Values of columns that hold more than free text; the fees are 24 times 123.45 yuan."""


def value_of(place: Place) -> str:
    """A good value for a column, different in every column of a group."""
    column, number = place.field.column, place.number
    made = {
        "birth_weights": f"{3000 + number}",
        "procedures.level": f"{number % 4 + 1}",
        "procedures.date": f"2025-06-03 10:{number:02d}:00",
        "procedures.duration_minutes": f"{number + 1}.25",
        "icu_stays.entry": f"2025-06-0{number + 1} 08:00:00",
        "icu_stays.leave": f"2025-06-0{number + 1} 18:3{number}:00",
    }
    label = place.field.label.replace("{n}", "")
    return VALUES.get(column) or made.get(column) or f"{label}值{number or ''}"


FULL_PAGE: dict[str, str] = {code: value_of(place) for code, place in official_places().items()}


def read_page(path: Path) -> Loaded:
    """A file read as it is, without any finding but that it has no records."""
    loaded = read(path, key=KEY)
    assert [one.rule_id for one in loaded.findings] == ([] if loaded.read_count else ["REC-C009"])
    return loaded


def assert_same(one: Loaded, other: Loaded) -> None:
    """Equal cases in every column of either, but for the file and the place in it, and equal persons."""
    for name in {*one.cases.column_names, *other.cases.column_names} - {"file", "record"}:
        assert (name, column_of(one.cases, name).to_pylist()) == (name, column_of(other.cases, name).to_pylist())
    assert one.persons.to_pylist() == other.persons.to_pylist()


def rows_of(loaded: Loaded) -> list[dict[str, Any]]:
    """Cases and persons side by side."""
    return [case | person for case, person in zip(loaded.cases.to_pylist(), loaded.persons.to_pylist(), strict=True)]
