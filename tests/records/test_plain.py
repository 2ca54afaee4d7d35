"""The plain layout: values as they are, no row lost over a bad number, further columns kept."""

from __future__ import annotations

import gzip
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from records_samples import KEY, rule_ids, the_case

from tongpin.records.case.schema import CASE_SCHEMA, GROUPING_COLUMNS
from tongpin.records.intake.read import read

if TYPE_CHECKING:
    from pathlib import Path

    from records_samples import Reader

HEADER = ",".join(GROUPING_COLUMNS)
GOOD = "C1,2,0,12,2500,0201,3,1,P07.300|J18.900x001,93.9000x003,,0"
VALUES = {
    "case_id": "C1",
    "sex": 2,
    "age": 0,
    "age_days": 12,
    "birth_weight": 2500,
    "dept": "0201",
    "los": 3,
    "discharge_way": "1",
    "dx": ["P07.300", "J18.900x001"],
    "px": ["93.9000x003"],
    "icu_hours": None,
    "code_map": 0,
}


def lines(*rows: str, header: str = HEADER) -> bytes:
    return ("\n".join([header, *rows]) + "\n").encode()


def shown(loaded: Any) -> dict[str, Any]:
    case = the_case(loaded)
    return {name: case[name] for name in GROUPING_COLUMNS}


@pytest.mark.parametrize(
    "data",
    [
        lines(GOOD),
        gzip.compress(lines(GOOD)),
        lines(GOOD).replace(b"\n", b"\r\n"),
        lines(GOOD)[:-1],
        b"\xef\xbb\xbf" + lines(GOOD),
    ],
    ids=["csv", "gz", "crlf", "no-newline", "bom"],
)
def test_a_plain_case_is_read_as_it_is(read_bytes: Reader, data: bytes) -> None:
    loaded = read_bytes(data, "cases.csv")
    assert (loaded.kind, loaded.findings, loaded.read_count) == ("plain", [], 1)
    assert loaded.cases.schema == CASE_SCHEMA
    assert loaded.keys.select(["record", "case_id"]).to_pylist() == [{"record": 1, "case_id": "C1"}]
    assert shown(loaded) == VALUES


@pytest.mark.parametrize(
    "columns",
    [
        VALUES,
        VALUES | {"dx": "P07.300|J18.900x001", "px": "93.9000x003"},
        {name: None if value is None else str(value) for name, value in VALUES.items()}
        | {"dx": "P07.300|J18.900x001", "px": "93.9000x003", "icu_hours": ""},
    ],
    ids=["typed", "joined", "text"],
)
def test_parquet_may_be_typed_or_text(tmp_path: Path, columns: dict[str, Any]) -> None:
    path = tmp_path / "cases.parquet"
    pq.write_table(pa.table({name: [value] for name, value in columns.items()}), path)
    assert shown(read(path, key=KEY)) == VALUES


@pytest.mark.parametrize("column", ["age", "age_days", "birth_weight", "los", "icu_hours", "code_map"])
@pytest.mark.parametrize("text", ["abc", "-", "1..2", "9" * 30])
def test_a_non_number_is_missing_and_its_row_stays(read_bytes: Reader, column: str, text: str) -> None:
    cells = dict(zip(GROUPING_COLUMNS, GOOD.split(","), strict=True)) | {column: text}
    loaded = read_bytes(lines(",".join(cells.values())), "cases.csv")
    assert shown(loaded) == VALUES | {column: None}
    assert [(found.rule_id, found.path, found.value) for found in loaded.findings] == [("REC-N002", column, text[:80])]


def test_contradicting_ages_are_not_repaired(read_bytes: Reader) -> None:
    loaded = read_bytes(lines("C1,1,1,7,,0201,0,1,A01.000,,,0"), "cases.csv")
    case = shown(loaded)
    assert (case["age"], case["age_days"], case["los"]) == (1, 7, 0)
    assert loaded.findings == []


@pytest.mark.parametrize(
    ("text", "sex", "findings"),
    [("1", 1, []), ("2", 2, []), ("9", None, ["REC-X001"]), ("M", None, ["REC-X001"]), ("", None, ["REC-X001"])],
)
def test_sex_is_one_two_or_missing(read_bytes: Reader, text: str, sex: int | None, findings: list[str]) -> None:
    loaded = read_bytes(lines(f"C1,{text},40,,,0201,5,1,A01.000,,,0"), "cases.csv")
    assert (shown(loaded)["sex"], rule_ids(loaded)) == (sex, findings)


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("", []),
        ("A01.000", ["A01.000"]),
        (" a01.000 |J42.x00", ["a01.000", "J42.x00"]),
        ("A01.000||B01.000|", ["A01.000", "B01.000"]),
        ("-|A01.000", ["-", "A01.000"]),
        ("no such code", ["no such code"]),
    ],
)
def test_diagnoses_are_split_and_trimmed_only(read_bytes: Reader, text: str, codes: list[str]) -> None:
    loaded = read_bytes(lines(f"C1,1,40,,,0201,5,1,{text},,,0"), "cases.csv")
    assert shown(loaded)["dx"] == codes
    assert loaded.findings == []


def test_a_further_diagnosis_does_not_move_up(read_bytes: Reader) -> None:
    loaded = read_bytes(lines("C1,1,40,,,0201,5,1,|A01.000,,,0"), "cases.csv")
    assert shown(loaded)["dx"] == []
    assert rule_ids(loaded) == ["REC-M001"]


def test_further_columns_survive_as_text(read_bytes: Reader) -> None:
    data = lines(f"{GOOD},X1, y ", GOOD.replace("C1", "C2") + ",007,", header=f"{HEADER},expected_drg,note")
    loaded = read_bytes(data, "cases.csv")
    assert [dict(extra) for extra in loaded.cases["extra"].to_pylist()] == [
        {"expected_drg": "X1", "note": " y "},
        {"expected_drg": "007"},
    ]
    assert loaded.findings == []


def test_columns_about_persons_never_enter(read_bytes: Reader) -> None:
    header = f"{HEADER},psn_name,certno,patient_id,手机号,note"
    loaded = read_bytes(lines(f"{GOOD},某某某,X77777,P5,7700001,ok", header=header), "cases.csv")
    assert dict(the_case(loaded)["extra"]) == {"note": "ok"}
    assert [(found.rule_id, found.path, found.value) for found in loaded.findings] == [
        ("REC-C005", "certno", ""),
        ("REC-C005", "psn_name", ""),
        ("REC-C005", "手机号", ""),
    ]
    assert not [word for word in ("某某某", "X77777", "P5", "7700001") if word in str(loaded.cases.to_pylist())]
    assert len(the_case(loaded)["patient_hash"]) == 32


def test_columns_of_the_case_table_are_typed(read_bytes: Reader) -> None:
    header = f"{HEADER},institution_code,discharge_time,settlement_date,total_fee_fen,stated_age,coma_after_minutes"
    row = f"{GOOD},H1,2025-06-10 09:00:00,2025-06-11,123456,0.5,90"
    case = the_case(read_bytes(lines(row, header=header), "cases.csv"))
    assert (case["institution_code"], case["total_fee_fen"], str(case["settlement_date"])) == (
        "H1",
        123456,
        "2025-06-11",
    )
    assert (case["stated_age"], case["coma_after_minutes"]) == (Decimal("0.50"), 90)
    assert "extra" not in case


def test_a_header_twice_is_named_and_the_first_one_counts(read_bytes: Reader) -> None:
    loaded = read_bytes(lines(f"{GOOD},90,C1", header=f"{HEADER},age,case_id"), "cases.csv")
    assert [(found.rule_id, found.record, found.path) for found in loaded.findings] == [("REC-C008", 0, "age#2")]
    assert shown(loaded) == VALUES
    assert dict(the_case(loaded)["extra"]) == {"age#2": "90"}


@pytest.mark.parametrize(("text", "rule"), [("-5", "REC-F001"), ("x", "REC-N001")])
def test_a_bad_amount_leaves_its_case_out(read_bytes: Reader, text: str, rule: str) -> None:
    loaded = read_bytes(lines(f"{GOOD},{text}", header=f"{HEADER},total_fee_fen"), "cases.csv")
    assert (rule_ids(loaded), loaded.cases.num_rows) == ([rule], 0)


def test_a_case_without_id_is_left_out(read_bytes: Reader) -> None:
    loaded = read_bytes(lines(GOOD, GOOD.replace("C1", "")), "cases.csv")
    assert [(found.rule_id, found.record) for found in loaded.findings] == [("REC-C003", 2)]
    assert loaded.cases.num_rows == 1


def test_missing_columns_are_named(read_bytes: Reader) -> None:
    loaded = read_bytes(lines("C1,1,40,A01.000", header="case_id,sex,age,dx"), "cases.csv")
    assert set(rule_ids(loaded)) == {"REC-C002"}
    assert {found.path for found in loaded.findings} == set(GROUPING_COLUMNS) - {"case_id", "sex", "age", "dx"}
    assert shown(loaded)["px"] == []
    refused = read_bytes(lines("C1,1,40", header="case_id,sex,age"), "cases.csv")
    assert [(found.rule_id, found.record, found.path) for found in refused.findings] == [("REC-C001", 0, "dx")]
    assert refused.cases.num_rows == 0


def test_a_header_alone_is_an_empty_file(read_bytes: Reader) -> None:
    loaded = read_bytes(lines(), "cases.csv")
    assert (loaded.cases.num_rows, loaded.read_count, rule_ids(loaded)) == (0, 0, ["REC-C009"])


def test_an_open_quote_refuses_or_cuts_but_never_crashes(read_bytes: Reader) -> None:
    loaded = read_bytes(lines(GOOD, '"C2,1', GOOD), "cases.csv")
    assert loaded.cases["case_id"].to_pylist()[:1] in (["C1"], [])
    assert rule_ids(loaded)


@pytest.mark.needs("reference")
@pytest.mark.parametrize(("name", "rows"), [("chs_drg_11", 20_000), ("foshan_2022", 5_000)])
def test_reference_cases_are_all_read(reference_folder: Path, name: str, rows: int) -> None:
    loaded = read(reference_folder / "oracle" / f"{name}.csv.gz", key=KEY)
    assert (loaded.cases.num_rows, loaded.read_count) == (rows, rows)
    names = set(dict(loaded.cases["extra"][0].as_py()))
    assert {"expected_status", "expected_mdc", "expected_adrg", "expected_drg"} == names
    assert {found.rule_id for found in loaded.findings} == {"REC-X001"}
