"""Every column of a front page reaches its place: the case, its nested columns, the person, or the further fields."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from page_samples import FULL_PAGE, rows_of, value_of
from records_samples import FRONT_PAGE, KEY, csv_text, rule_ids, the_case

from tongpin.records.case.schema import CASE_SCHEMA, DETAIL_SCHEMA, PERSON_SCHEMA, columns
from tongpin.records.files.text import table_of
from tongpin.records.formats.page_fields import Place, header_key, official_places, place_of
from tongpin.records.formats.tables import rows
from tongpin.records.readers.front_page import read_front_pages

if TYPE_CHECKING:
    from records_samples import Reader

NOT_IN_PAGES = {
    *("mdtrt_id", "settlement_date", "upload_time", "accepted_date", "filing_month", "transfer_date", "clearing_year"),
    *("code_version", "insured_region", "account_pay_fen", "pool_pay_fen", "other_fund_pay_fen"),
}
"""Core columns that a front page has no field for."""


def page(**changes: str) -> dict[str, str]:
    return FRONT_PAGE | changes


def quoted(made: dict[str, str]) -> bytes:
    """One page as CSV with every cell in quotes."""
    return csv_text({f'"{name}"': f'"{value}"' for name, value in made.items()}).encode()


def test_the_standard_has_811_columns_in_its_order() -> None:
    codes = list(official_places())
    assert len(codes) == 811
    assert codes[:3] == ["A01", "A02", "A48"]
    assert codes[50:56] == ["C06x01C", "C07x01N", "C08x01C", "F06x01", "C06x02C", "C07x02N"]
    # Places that the standard numbers, counted from 1.
    numbers = {"C01C": 41, "F04": 46, "C09C": 211, "F10": 224, "C14x01C": 247, "F17": 739, "C47": 762, "C48x01C": 763}
    assert {code: codes.index(code) + 1 for code in numbers} == numbers


def test_every_column_of_the_field_table_is_a_column_of_the_case() -> None:
    known = {*columns(), *PERSON_SCHEMA.names}
    assert {row["column"] for row in rows("fields/front_page.csv")} <= known


@pytest.mark.parametrize(
    ("header", "code"),
    [
        ("C06x01C", "C06x01C"),
        ("c06X1c", "C06x01C"),
        ("C06x41C", "C06x41C"),
        ("C07x01C", "C07x01N"),
        ("C04C", "C04N"),
        ("出院其他诊断编码1", "C06x01C"),
        ("出院其他诊断编码 57", "C06x57C"),
        ("\ufeffA48", "A48"),
        ('"病案号"', "A48"),
        ("身份证号", "A20"),
        ("年龄(岁)", "A14"),
        ("1.一般医疗服务费", "D11"),
        ("一般医疗服务费", "D11"),
        ("1、一般医疗服务费", "D11"),
        ("其中:手术费", "D20x02"),
        ("麻醉费", "D20x01"),
        ("新生儿出生体重（克）2", "A18x02"),
    ],
)
def test_headers_are_known_in_many_spellings(header: str, code: str) -> None:
    found = place_of(header)
    assert found is not None
    assert found.code == code


@pytest.mark.parametrize("header", ["", "A99", "C06x00C", "C06x{n}C", "诊断编码", "出院其他诊断编码", "C14x02C"])
def test_other_headers_are_not(header: str) -> None:
    assert place_of(header) is None


@given(st.sampled_from(list(official_places().values())), st.booleans())
def test_no_two_columns_share_a_spelling(place: Place, upper: bool) -> None:
    label = place.field.label.replace("{n}", str(place.number))
    spellings = [place.code.upper() if upper else place.code.lower()]
    spellings += [label] if "{n}" in place.field.label or place.number == 0 else []
    assert {found.code for found in map(place_of, spellings) if found} == {place.code}
    assert header_key(f" {label} ") == header_key(label)


def test_a_full_page_fills_every_column_that_pages_have(read_bytes: Reader) -> None:
    loaded = read_bytes(quoted(FULL_PAGE), "full.csv")
    assert loaded.findings == []
    (row,) = rows_of(loaded)
    of_pages = {row["column"].partition(".")[0] for row in rows("fields/front_page.csv")}
    empty = {name for name, value in row.items() if value is None or value == []}
    assert empty == NOT_IN_PAGES
    assert of_pages <= set(row)
    assert set(CASE_SCHEMA.names) <= set(row)


def test_texts_stand_as_they_were_written(read_bytes: Reader) -> None:
    (row,) = rows_of(read_bytes(quoted(FULL_PAGE), "full.csv"))
    plain = [
        place
        for place in official_places().values()
        if place.field.column in row and columns()[place.field.column].type == "string"
    ]
    assert len(plain) > 60
    assert {place.code: row[place.field.column] for place in plain} == {place.code: value_of(place) for place in plain}


def test_numbers_times_and_lists_are_typed(read_bytes: Reader) -> None:
    (row,) = rows_of(read_bytes(quoted(FULL_PAGE), "full.csv"))
    expected = {
        "stated_age": Decimal("0.00"),
        "age": 0,
        "age_days": 5,
        "birth_date": dt.date(2025, 5, 28),
        "confirmed_date": dt.date(2025, 6, 3),
        "birth_weights": [3001, 3002, 3003, 3004, 3005],
        "birth_weight": 3001,
        "admission_weights": [3100, 2900],
        "transfer_depts": ["04", "05.02"],
        "insurance": "310",
        "payment_method": "1.1",
        "coma_before_minutes": 3 * 1440 + 3 * 60 + 3,
        "coma_after_minutes": 4 * 1440 + 4 * 60 + 4,
        "ventilation_minutes": 27 * 60,
        "icu_hours": (5 * 10 * 60 + 5 * 30 + 1 + 2 + 3 + 4 + 5) // 60,
        "special_nursing_days": 1,
        "service_fee_fen": 296280 - 10 * 12345,
    }
    assert {name: row[name] for name in expected} == expected


def test_diagnoses_and_procedures_keep_all_their_fields(read_bytes: Reader) -> None:
    case = the_case(read_bytes(quoted(FULL_PAGE), "full.csv"))
    diagnoses, procedures = case["diagnoses"], case["procedures"]
    assert (len(diagnoses), len(procedures)) == (41, 41)
    assert diagnoses[0] == {
        "kind": "1",
        "code": FULL_PAGE["C03C"],
        "name": FULL_PAGE["C04N"],
        "admission_condition": "1",
        "outcome": FULL_PAGE["F05"],
        "principal": True,
    }
    assert diagnoses[40]["code"] == FULL_PAGE["C06x40C"]
    assert [one["principal"] for one in diagnoses[1:]] == [False] * 40
    assert case["dx"] == [one["code"] for one in diagnoses]
    twelfth = procedures[12]
    assert (twelfth["kind"], twelfth["level"], twelfth["duration_minutes"]) == ("2", "1", 13 * 60 + 15)
    assert twelfth["date"] == dt.datetime.fromisoformat("2025-06-03T10:12")
    names = {"name": "C36x12N", "surgeon_name": "C39x12", "assistant1_name": "C40x12", "assistant2_name": "C41x12"}
    names |= {"incision_healing": "C42x12C", "anaesthesia": "C43x12C", "asa": "F16x12", "anaesthetist_name": "C44x12"}
    assert {name: twelfth[name] for name in names} == {name: FULL_PAGE[code] for name, code in names.items()}
    assert [one["code"] for one in case["pathology"]] == [FULL_PAGE[code] for code in ("C09C", "F07x01C", "F07x02C")]
    assert case["icu_stays"][1] == {
        "ward": FULL_PAGE["C48x02C"],
        "entry": dt.datetime.fromisoformat("2025-06-03T08:00"),
        "leave": dt.datetime.fromisoformat("2025-06-03T18:32"),
        "minutes": 632,
    }


def test_fees_stand_under_their_columns_and_parts_of_fees_are_not_added(read_bytes: Reader) -> None:
    case = the_case(read_bytes(csv_text(page(D20="0.00", D20x01="300.00", D23x01="1000.00")).encode(), "p.csv"))
    assert {fee["category"]: fee["amount_fen"] for fee in case["fees"]} == {
        "D11": 100_000,
        "D16": 200_010,
        "D20": 0,
        "D20x01": 30_000,
        "D23": 300_050,
        "D23x01": 100_000,
        "D24": 99_950,
        "D32": 299_990,
    }
    assert (case["drug_fee_fen"], case["service_fee_fen"]) == (400_000, 100_000)


def test_blood_is_listed_by_kind_with_its_unit(read_bytes: Reader) -> None:
    case = the_case(read_bytes(csv_text(page(F22="2", F25="400.5", F26="1")).encode(), "p.csv"))
    assert case["transfusions"] == [
        {"kind": "1", "amount": Decimal("2.00"), "unit": "单位"},
        {"kind": "2", "amount": Decimal("400.50"), "unit": "毫升"},
        {"kind": "F26", "amount": Decimal("1.00"), "unit": "单位"},
    ]


def test_columns_beyond_forty_are_read(read_bytes: Reader) -> None:
    wide = page() | {f"C06x{n:02d}C": f"E{n}" for n in range(1, 61)} | {"C35x45C": "38.93", "出院其他诊断名称60": "末"}
    case = the_case(read_bytes(csv_text(wide).encode(), "p.csv"))
    assert case["dx"] == ["I63.900x007", *(f"E{n}" for n in range(1, 61))]
    assert case["diagnoses"][60]["name"] == "末"
    assert case["px"][-1] == "38.93"


def test_a_diagnosis_without_a_code_is_kept_but_never_a_code(read_bytes: Reader) -> None:
    case = the_case(read_bytes(csv_text(page(C07x02N="待查")).encode(), "p.csv"))
    assert (case["diagnoses"][2]["name"], case["diagnoses"][2]["code"]) == ("待查", None)
    assert case["dx"] == ["I63.900x007", "E11.900"]


def test_without_a_principal_code_the_others_are_kept_as_details_only(read_bytes: Reader) -> None:
    loaded = read_bytes(csv_text(page(C03C="-")).encode(), "p.csv")
    case = the_case(loaded)
    assert rule_ids(loaded) == ["REC-M001"]
    assert (case["dx"], [one["code"] for one in case["diagnoses"]]) == ([], ["E11.900"])


@pytest.mark.parametrize(
    ("changes", "column", "value"),
    [
        ({"B16C": "A03.04"}, "dept", "03.04"),
        ({"B21C": "A03.01→04、 05"}, "transfer_depts", ["03.01", "04", "05"]),
        ({"A18x01": "3100，2900", "A18x02": "2800"}, "birth_weights", [3100, 2900, 2800]),
        ({"A18x01": "-", "A18x02": "2800"}, "birth_weight", 2800),
        ({"C30": "5"}, "coma_before_minutes", 5),
        ({"C28": "0", "C29": "0", "C30": "0"}, "coma_before_minutes", 0),
        ({"C47": "95.5"}, "ventilation_minutes", 5730),
        ({"A12C": "1 "}, "sex_code", "1"),
        ({"A49": "-"}, "case_id", "H32020000001-B0001-1"),
    ],
)
def test_usual_spellings_are_understood(read_bytes: Reader, changes: dict[str, str], column: str, value: Any) -> None:
    loaded = read_bytes(csv_text(page(**changes)).encode(), "p.csv")
    assert loaded.findings == []
    assert the_case(loaded)[column] == value


@pytest.mark.parametrize(
    ("changes", "rule", "path"),
    [
        ({"C35x03C": "38.93", "C38x03": "5"}, "REC-U001", "C38x03"),
        ({"C08x02C": "7", "C06x02C": "E11"}, "REC-U001", "C08x02C"),
        ({"C35x03C": "38.93", "C37x03": "2025-02-30"}, "REC-D003", "C37x03"),
        ({"F13": "很久"}, "REC-N002", "F13"),
        ({"F22": "两袋"}, "REC-N002", "F22"),
        ({"A18x02": "三千"}, "REC-N002", "A18x02"),
        ({"A18x02": "3000，x"}, "REC-N002", "A18x02"),
        ({"C29": "-5"}, "REC-N002", "C29"),
        ({"C28": "99999"}, "REC-N002", "C28"),
        ({"C47": "-1"}, "REC-N002", "C47"),
        ({"C49x01": "0001-01-01 00:00:00", "C50x01": "9999-12-31 00:00:00"}, "REC-N002", "C50x01"),
        ({"B33": "20250230"}, "REC-D003", "B33"),
        ({"A38C": "1"}, "REC-U001", "A38C"),
        ({"C26C": "Z"}, "REC-U001", "C26C"),
        ({"A49": "二"}, "REC-N002", "A49"),
    ],
)
def test_a_bad_value_is_named_at_its_column_and_the_page_stays(
    read_bytes: Reader, changes: dict[str, str], rule: str, path: str
) -> None:
    header = dict.fromkeys([*page(), *changes], "-")
    loaded = read_bytes(csv_text(header | page(A48="B1"), header | page(**changes)).encode(), "p.csv")
    assert [(found.rule_id, found.record, found.path) for found in loaded.findings] == [(rule, 2, path)]
    assert loaded.findings[0].value == changes[path]
    assert loaded.cases.num_rows == 2


@pytest.mark.parametrize(("code", "value", "rule"), [("D20x01", "x", "REC-N001"), ("D34", "-1.00", "REC-F001")])
def test_a_bad_fee_leaves_its_page_out(read_bytes: Reader, code: str, value: str, rule: str) -> None:
    header = dict.fromkeys([*page(), code], "-")
    loaded = read_bytes(csv_text(header | page(A48="B1"), header | page(**{code: value})).encode(), "p.csv")
    assert [(found.rule_id, found.record, found.path) for found in loaded.findings] == [(rule, 2, code)]
    assert loaded.cases["record_no"].to_pylist() == ["B1"]


def test_further_columns_are_kept_under_their_headers(read_bytes: Reader) -> None:
    header = page(院内编号="甲 1", 备注="-")
    loaded = read_bytes(csv_text(header, page(A48="B2", 院内编号="-", 备注="-")).encode(), "p.csv")
    first, second = loaded.cases["extra"].to_pylist()
    assert (dict(first), second) == ({"院内编号": "甲 1"}, None)


def test_nothing_that_names_a_patient_is_a_column_of_the_case() -> None:
    assert not set(PERSON_SCHEMA.names) & {*CASE_SCHEMA.names, *DETAIL_SCHEMA.names}


odd_values = st.one_of(
    st.text(max_size=12),
    st.from_regex(r"[-+]?[0-9]{1,30}(\.[0-9]{0,12})?", fullmatch=True),
    st.from_regex(
        r"[0-9]{4}[-/年]?[0-9]{1,2}[-/月]?[0-9]{1,2}日?( [0-9]{1,2}:[0-9]{1,2}(:[0-9]{1,2})?)?", fullmatch=True
    ),
    st.sampled_from(["-", "", "0", "9999-12-31 23:59:59", "0001-01-01", "1e9", "∞", "１２", "1,2,,3", "，→，"]),
)


@settings(max_examples=120, deadline=None)
@given(st.lists(st.dictionaries(st.sampled_from(list(FULL_PAGE)), odd_values, max_size=12), min_size=1, max_size=3))
def test_whatever_stands_in_a_column_no_page_is_lost(pages: list[dict[str, str]]) -> None:
    made = [FULL_PAGE | {"A48": f"B{at}"} | page for at, page in enumerate(pages)]
    parsed = table_of(pa.table({code: pa.array([page[code] for page in made], pa.string()) for code in FULL_PAGE}))
    found, sheet = read_front_pages(parsed, "p.csv", key=KEY, codes=None)
    left_out = {one.record for one in sheet.findings if one.severity == "error"}
    assert sorted([*found.cases["record"].to_pylist(), *left_out]) == list(range(1, len(made) + 1))
    assert found.keys.num_rows == len(made)
    assert found.persons.num_rows == found.cases.num_rows
