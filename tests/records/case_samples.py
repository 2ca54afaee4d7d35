"""Cases that both national formats can carry, drawn by hypothesis, and one full case that tests change."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pyarrow as pa
from hypothesis import strategies as st

from tongpin.records.case.schema import CASE_SCHEMA
from tongpin.records.write import Names

NAMES = Names({"I63.900": "脑梗死，未特指", "E11.900x001": '2型"糖尿病"'}, {"00.6100": "颅外血管成形术"})

codes = st.sampled_from(["I63.900", "E11.900x001", "J42.x00", "A01.000†"])
procedures = st.sampled_from(["00.6100", "88.9100x001", "38.93"])
money = st.integers(0, 10**9)
words = st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=6)


def maybe(what: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(st.none(), what)


@st.composite
def case_rows(draw: st.DrawFn) -> dict[str, Any]:
    """A case that both national formats can carry."""
    admission = draw(st.datetimes(dt.datetime.fromisoformat("2020-01-01"), dt.datetime.fromisoformat("2026-12-31")))
    admission = admission.replace(microsecond=0)
    discharge = admission + dt.timedelta(seconds=draw(st.integers(0, 10**7)))
    infant = draw(st.booleans())
    drug, consumable, exam, service, patient, pool = draw(st.tuples(*[money] * 6))
    total = drug + consumable + exam + service
    patient = min(patient, total)
    pool = min(pool, total - patient)
    return {
        "institution_code": draw(words),
        "institution_name": draw(maybe(words)),
        "record_no": draw(words),
        "mdtrt_id": draw(maybe(words)),
        "sex": draw(maybe(st.integers(1, 2))),
        "age": 0 if infant else draw(maybe(st.integers(0, 110))),
        "age_days": draw(maybe(st.integers(0, 365))) if infant else None,
        "birth_weight": draw(maybe(st.integers(300, 6000))),
        "admission_time": admission,
        "discharge_time": discharge,
        "settlement_date": draw(maybe(st.dates())),
        "accepted_date": draw(maybe(st.dates())),
        "los": max(1, (discharge.date() - admission.date()).days),
        "dept": draw(maybe(st.sampled_from(["03", "03.04", "69"]))),
        "doctor_code": draw(maybe(words)),
        "discharge_way": draw(maybe(st.sampled_from("123459"))),
        "dx": draw(st.lists(codes, max_size=5)),
        "px": draw(st.lists(procedures, max_size=4)),
        "icu_hours": draw(maybe(st.integers(0, 2000))),
        "ventilation_minutes": draw(maybe(st.integers(0, 1000).map(lambda hours: 60 * hours))),
        "code_map": 0,
        "insurance": draw(st.sampled_from(["310", "390"])),
        "care_type": draw(st.sampled_from(["inpatient", "day_surgery"])),
        "surgery_level": draw(maybe(st.integers(1, 4))),
        "total_fee_fen": total,
        "drug_fee_fen": drug,
        "consumable_fee_fen": consumable,
        "exam_fee_fen": exam,
        "service_fee_fen": service,
        "patient_pay_fen": patient,
        "account_pay_fen": draw(maybe(st.integers(0, patient))),
        "pool_pay_fen": pool,
        "other_fund_pay_fen": total - patient - pool,
    }


def cases_of(rows: list[dict[str, Any]], source: str, file: str) -> pa.Table:
    """Rows as a case table with the ids that the format gives."""
    made = []
    for place, row in enumerate(rows, start=1):
        record_no = f"{row['record_no']}{place}"
        case_id = f"{row['institution_code']}-{record_no}-{place}" if source == "front_page" else f"S{place}"
        made.append(row | {"record_no": record_no, "case_id": case_id, "source": source, "file": file, "record": place})
    return pa.Table.from_pylist(made, schema=CASE_SCHEMA)


tables = st.lists(case_rows(), max_size=4)


def one_case(**changes: Any) -> pa.Table:
    """A full case that tests change."""
    row = {
        "source": "settlement_list",
        "case_id": "S1",
        "institution_code": "H1",
        "record_no": "B1",
        "sex": 1,
        "age": 65,
        "admission_time": dt.datetime.fromisoformat("2025-06-02T08:30"),
        "discharge_time": dt.datetime.fromisoformat("2025-06-10T09:00"),
        "los": 8,
        "dx": ["I63.900"],
        "px": [],
        "insurance": "310",
        "care_type": "inpatient",
        "record": 1,
    } | changes
    return pa.Table.from_pylist([row], schema=CASE_SCHEMA)
