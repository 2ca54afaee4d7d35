"""What is written is read back: the same cases from every format, in all columns that the format has."""

from __future__ import annotations

import csv
import datetime as dt
import gzip
import io
from typing import TYPE_CHECKING, Any

import orjson
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from records_samples import KEY

from tongpin.records.assemble import full_years
from tongpin.records.kinds import detect
from tongpin.records.own_layouts import read_layout
from tongpin.records.patients import hash_patients
from tongpin.records.read import Loaded, read
from tongpin.records.schema import CASE_SCHEMA, COLUMNS, GROUPING_COLUMNS, empty_cases
from tongpin.records.write import (
    Names,
    write_front_page,
    write_plain,
    write_settlement_list,
    write_settlement_results,
)

if TYPE_CHECKING:
    from pathlib import Path

NAMES = Names({"I63.900": "脑梗死，未特指", "E11.900x001": '2型"糖尿病"'}, {"00.6100": "颅外血管成形术"})
NOT_IN_LISTS = {"surgery_level", "patient_hash"}
NOT_IN_PAGES = {
    "mdtrt_id",
    "settlement_date",
    "accepted_date",
    "account_pay_fen",
    "pool_pay_fen",
    "other_fund_pay_fen",
    "patient_hash",
}
NOT_IN_PLAIN = {"source", "file", "record", "patient_hash"}

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


def assert_same(read_back: Loaded, cases: pa.Table, without: set[str]) -> None:
    assert [found for found in read_back.findings if found.rule_id not in {"REC-X001", "REC-M001", "REC-C002"}] == []
    assert read_back.cases.schema == CASE_SCHEMA
    names = [name for name in CASE_SCHEMA.names if name not in without]
    assert read_back.cases.select(names).to_pylist() == cases.select(names).to_pylist()


tables = st.lists(case_rows(), max_size=4)


@settings(max_examples=40, deadline=None)
@given(tables)
def test_settlement_lists_come_back(tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, Any]]) -> None:
    path = tmp_path_factory.mktemp("lists") / "lists.jsonl"
    cases = cases_of(rows, "settlement_list", path.name)
    write_settlement_list(cases, path, names=NAMES)
    if rows:
        assert detect(path) == "settlement-list"
        assert_same(read(path, key=KEY), cases, NOT_IN_LISTS)


@settings(max_examples=40, deadline=None)
@given(tables)
def test_front_pages_come_back(tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, Any]]) -> None:
    path = tmp_path_factory.mktemp("pages") / "pages.csv.gz"
    cases = cases_of(rows, "front_page", path.name)
    write_front_page(cases, path, names=NAMES)
    assert detect(path) == "front-page"
    assert_same(read(path, key=KEY), cases, NOT_IN_PAGES)


@settings(max_examples=40, deadline=None)
@given(tables, st.sampled_from(["cases.csv", "cases.csv.gz", "cases.parquet"]))
def test_plain_cases_come_back(tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, Any]], name: str) -> None:
    path = tmp_path_factory.mktemp("plain") / name
    cases = cases_of(rows, "plain", name)
    write_plain(cases, path)
    assert detect(path) == "plain"
    assert_same(read(path, key=KEY), cases, NOT_IN_PLAIN)


@settings(max_examples=40, deadline=None)
@given(tables)
def test_settlement_results_come_back(tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, Any]]) -> None:
    path = tmp_path_factory.mktemp("results") / "results.csv"
    cases = cases_of(rows, "settlement_list", path.name)
    write_settlement_results(cases, path)
    results, findings = read_layout(path, "settlement-result", key=KEY)[:2]
    assert findings == []
    names = ["mdtrt_id", "insurance", "accepted_date", "settlement_date"]
    names += ["total_fee_fen", "patient_pay_fen", "account_pay_fen", "pool_pay_fen", "other_fund_pay_fen"]
    assert results.select(names).to_pylist() == cases.select(names).to_pylist()
    assert results["setl_id"].to_pylist() == cases["case_id"].to_pylist()


@settings(max_examples=60, deadline=None)
@given(case_rows())
def test_the_split_of_fees_loses_no_fen(tmp_path_factory: pytest.TempPathFactory, row: dict[str, Any]) -> None:
    folder = tmp_path_factory.mktemp("split")
    cases = cases_of([row], "settlement_list", "x")
    write_settlement_list(cases, folder / "x.jsonl", names=NAMES)
    message = orjson.loads((folder / "x.jsonl").read_bytes())
    parts = [int(item["amt"].replace(".", "")) for item in message["iteminfo"]]
    assert min(parts) >= 0
    assert sum(parts) == row["total_fee_fen"]
    surgery = [item for item in message["iteminfo"] if item["med_chrgitm"] == "06"]
    assert row["px"] or not surgery


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


def test_persons_are_written_and_come_back_hashed(tmp_path: Path) -> None:
    cases = one_case(age=34).append_column("certno", pa.array(["X1"])).append_column("psn_name", pa.array(["某"]))
    cases = cases.append_column("birth_date", pa.array([dt.date(1990, 6, 3)])).append_column("stay_no", pa.array([3]))
    write_settlement_list(cases, tmp_path / "x.jsonl", names=NAMES)
    write_front_page(cases, tmp_path / "x.csv", names=NAMES)
    for name in ("x.jsonl", "x.csv"):
        (case,) = read(tmp_path / name, key=KEY).cases.to_pylist()
        assert (case["patient_hash"], case["age"]) == (hash_patients(["X1"], KEY)[0], 34)
    assert case["case_id"] == "H1-B1-3"


def test_nobody_is_invented(tmp_path: Path) -> None:
    write_settlement_list(one_case(), tmp_path / "x.jsonl", names=NAMES)
    head = orjson.loads((tmp_path / "x.jsonl").read_bytes())["setlinfo"]
    assert [head[name] for name in ("psn_name", "certno", "psn_no", "brdy")] == ["-", "-", "-", ""]
    assert read(tmp_path / "x.jsonl", key=KEY).cases["patient_hash"].to_pylist() == [None]


@pytest.mark.parametrize(
    ("insurance", "pool", "other"),
    [("310", "310100", "330100"), ("340", "340100", "390200"), ("390", "390100", "390200")],
)
def test_payers_stand_under_their_funds(tmp_path: Path, insurance: str, pool: str, other: str) -> None:
    money = {"total_fee_fen": 1000, "patient_pay_fen": 200, "pool_pay_fen": 700, "other_fund_pay_fen": 100}
    write_settlement_list(one_case(insurance=insurance, **money), tmp_path / "x.jsonl", names=NAMES)
    message = orjson.loads((tmp_path / "x.jsonl").read_bytes())
    assert message["payinfo"] == [
        {"fund_pay_type": pool, "fund_payamt": "7.00"},
        {"fund_pay_type": other, "fund_payamt": "1.00"},
    ]
    assert list(message) == ["setlinfo", "payinfo", "opspdiseinfo", "diseinfo", "iteminfo", "oprninfo", "icuinfo"]


def test_names_stand_beside_their_codes(tmp_path: Path) -> None:
    write_settlement_list(one_case(dx=["I63.900", "Z99"]), tmp_path / "x.jsonl", names=NAMES)
    message = orjson.loads((tmp_path / "x.jsonl").read_bytes())
    assert [row["diag_name"] for row in message["diseinfo"]] == ["脑梗死，未特指", "-"]
    assert [row["maindiag_flag"] for row in message["diseinfo"]] == ["1", "0"]


def test_an_outpatient_list_keeps_its_own_node(tmp_path: Path) -> None:
    cases = one_case(care_type="outpatient_special")
    write_settlement_list(cases, tmp_path / "x.jsonl", names=NAMES)
    message = orjson.loads((tmp_path / "x.jsonl").read_bytes())
    assert (message["diseinfo"], message["opspdiseinfo"][0]["diag_code"]) == ([], "I63.900")
    (case,) = read(tmp_path / "x.jsonl", key=KEY).cases.to_pylist()
    assert (case["care_type"], case["dx"]) == ("outpatient_special", ["I63.900"])


def test_a_front_page_file_has_as_many_columns_as_it_needs(tmp_path: Path) -> None:
    write_front_page(one_case(dx=["A", "B", "C"], ventilation_minutes=61), tmp_path / "x.csv", names=NAMES)
    (page,) = csv.DictReader(io.StringIO((tmp_path / "x.csv").read_text(encoding="utf-8")))
    assert [page[code] for code in ("C03C", "C06x01C", "C06x02C", "C14x01C")] == ["A", "B", "C", "-"]
    assert not {"C06x03C", "C35x01C"} & set(page)
    assert (page["C47"], page["D01"], page["A49"]) == ("2", "-", "1")
    assert "" not in page.values()


def test_plain_begins_with_the_published_columns(tmp_path: Path) -> None:
    write_plain(one_case(), tmp_path / "x.csv.gz")
    header = gzip.decompress((tmp_path / "x.csv.gz").read_bytes()).decode().splitlines()[0].split(",")
    assert tuple(header[: len(GROUPING_COLUMNS)]) == GROUPING_COLUMNS
    assert set(header) <= {column.name for column in COLUMNS}


def test_no_cases_make_files_without_records(tmp_path: Path) -> None:
    write_settlement_list(empty_cases(), tmp_path / "x.jsonl", names=NAMES)
    assert (tmp_path / "x.jsonl").read_bytes() == b""
    write_front_page(empty_cases(), tmp_path / "x.csv", names=NAMES)
    assert read(tmp_path / "x.csv", key=KEY).cases.num_rows == 0
    write_plain(empty_cases(), tmp_path / "p.csv")
    assert read(tmp_path / "p.csv", key=KEY).cases.num_rows == 0
    write_settlement_results(empty_cases(), tmp_path / "r.csv")
    assert read_layout(tmp_path / "r.csv", "settlement-result", key=KEY)[0].num_rows == 0


@given(st.dates(dt.date(1900, 1, 1), dt.date(2026, 1, 1)), st.integers(0, 40_000))
def test_years_are_completed_on_the_birthday(birth: dt.date, days: int) -> None:
    day = birth + dt.timedelta(days=days)
    expected = day.year - birth.year - ((day.month, day.day) < (birth.month, birth.day))
    found = full_years(pa.array([birth]), pa.array([day]))
    assert found.to_pylist() == [expected]
