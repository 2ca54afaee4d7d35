"""The front page reader: headers in every spelling, and what each rule does to a bad page."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from records_samples import FRONT_PAGE, KEY, csv_text, message, rule_ids, the_case

from tongpin.records.case.assemble import CodeBook
from tongpin.records.case.schema import CASE_SCHEMA
from tongpin.records.formats.page_fields import official_places
from tongpin.records.intake.read import read

if TYPE_CHECKING:
    from pathlib import Path

    from records_samples import Reader


def page(**changes: str) -> dict[str, str]:
    return FRONT_PAGE | changes


def test_a_good_page_becomes_a_case(read_bytes: Reader) -> None:
    loaded = read_bytes(csv_text(page()).encode(), "hqmsts_2025M06.csv")
    assert (loaded.kind, loaded.read_count, loaded.findings) == ("front-page", 1, [])
    assert loaded.cases.select(CASE_SCHEMA.names).schema == CASE_SCHEMA
    (key,) = loaded.keys.to_pylist()
    assert (key["record"], key["institution_code"], key["case_id"]) == (1, "H32020000001", "H32020000001-B0001-2")
    (case,) = loaded.cases.select(CASE_SCHEMA.names).to_pylist()
    assert len(case.pop("patient_hash")) == 32
    assert case == {
        "source": "front_page",
        "case_id": "H32020000001-B0001-2",
        "institution_code": "H32020000001",
        "institution_name": "示例医院",
        "record_no": "B0001",
        "mdtrt_id": None,
        "stay_no": 2,
        "sex": 1,
        "age": 65,
        "age_days": None,
        "birth_weight": None,
        "admission_time": dt.datetime.fromisoformat("2025-06-02T08:30"),
        "discharge_time": dt.datetime.fromisoformat("2025-06-10T09:00"),
        "settlement_date": None,
        "upload_time": None,
        "accepted_date": None,
        "filing_month": None,
        "transfer_date": None,
        "clearing_year": None,
        "los": 8,
        "dept": "03.04",
        "doctor_code": "D0001",
        "discharge_way": "1",
        "dx": ["I63.900x007", "E11.900"],
        "px": ["00.6100", "88.9100x001"],
        "icu_hours": 26,
        "ventilation_minutes": 27 * 60,
        "code_map": 0,
        "code_version": None,
        "insurance": "310",
        "insured_region": None,
        "care_type": "inpatient",
        "surgery_level": 3,
        "total_fee_fen": 1_000_000,
        "drug_fee_fen": 400_000,
        "consumable_fee_fen": 299_990,
        "exam_fee_fen": 200_010,
        "service_fee_fen": 100_000,
        "patient_pay_fen": 200_000,
        "account_pay_fen": None,
        "pool_pay_fen": None,
        "other_fund_pay_fen": None,
        "file": "hqmsts_2025M06.csv",
        "record": 1,
    }


def chinese_headers() -> dict[str, str]:
    """Chinese header -> value of the good page."""
    found = {}
    for code, value in FRONT_PAGE.items():
        place = official_places()[code]
        found[place.field.label.replace("{n}", str(place.number))] = value
    return found


def without_prefixes() -> dict[str, str]:
    """The same with narrow brackets and fees without their ordinals, as many systems export them."""
    return {
        name.partition(".")[2] or name.replace("（", "(").replace("）", " )"): value
        for name, value in chinese_headers().items()
    }


@pytest.mark.parametrize(
    "data",
    [
        csv_text(page()).encode("utf-8-sig"),
        csv_text(page()).encode("gb18030"),
        csv_text({code.lower(): value for code, value in FRONT_PAGE.items()}).encode(),
        csv_text({code.upper(): value for code, value in FRONT_PAGE.items()}).encode(),
        csv_text(dict(reversed(FRONT_PAGE.items()))).encode(),
        csv_text({f'"{code}"': f'"{value}"' for code, value in FRONT_PAGE.items()}).replace("\n", "\r\n").encode(),
        csv_text(page()).replace(",", "\t").encode(),
        csv_text(chinese_headers()).encode(),
        csv_text(chinese_headers()).encode("gb18030"),
        csv_text(without_prefixes()).encode(),
        csv_text(page() | {"A99": "-", "A98": ""}).encode(),
        csv_text(page() | {"病案号": "B0001", "身份证号": "X0000000000000001X"}).encode(),
        csv_text({code.replace("x0", "X"): value for code, value in FRONT_PAGE.items()}).encode(),
    ],
    ids=[
        *("bom", "gb18030", "lower", "upper", "order", "quoted", "tab", "chinese", "chinese-gb18030", "plain-chinese"),
        *("empty-columns", "twice", "short-numbers"),
    ],
)
def test_headers_and_encodings_do_not_matter(read_bytes: Reader, data: bytes) -> None:
    expected = the_case(read_bytes(csv_text(page()).encode(), "pages.csv"))
    loaded = read_bytes(data, "pages.csv")
    assert loaded.findings == []
    assert the_case(loaded) == expected


def test_a_parquet_export_reads_the_same(tmp_path: Path, read_bytes: Reader) -> None:
    expected = the_case(read_bytes(csv_text(page()).encode(), "pages.csv"))
    pq.write_table(pa.table({code: [value] for code, value in FRONT_PAGE.items()}), tmp_path / "pages.parquet")
    case = the_case(read(tmp_path / "pages.parquet", key=KEY))
    assert case | {"file": "pages.csv"} == expected


def test_front_page_and_list_of_a_person_share_the_hash(read_bytes: Reader, read_lists: Reader) -> None:
    from_page = the_case(read_bytes(csv_text(page()).encode(), "pages.csv"))
    assert from_page["patient_hash"] == the_case(read_lists(message()))["patient_hash"]


@pytest.mark.parametrize(
    ("changes", "rule", "path"),
    [
        ({"B15": "2025-06-01 08:00:00"}, "REC-D001", "B15"),
        ({"B12": "昨天"}, "REC-D002", "B12"),
        ({"D01": "-10000.00"}, "REC-F001", "D01"),
        ({"D23": "-3000.50"}, "REC-F001", "D23"),
        ({"D01": "1e4"}, "REC-N001", "D01"),
        ({"D23": "3000.505"}, "REC-N001", "D23"),
        ({"D01": "9000.00"}, "REC-S003", "D01"),
        ({"A48": "-"}, "REC-C003", "A48"),
    ],
)
def test_an_error_leaves_out_its_page_alone(read_bytes: Reader, changes: dict[str, str], rule: str, path: str) -> None:
    text = csv_text(page(A48="B1"), page(A48="B2") | changes, page(A48="B3"))
    loaded = read_bytes(text.encode(), "pages.csv")
    assert [(found.rule_id, found.record, found.path) for found in loaded.findings] == [(rule, 2, path)]
    assert loaded.cases["record_no"].to_pylist() == ["B1", "B3"]
    assert loaded.cases["record"].to_pylist() == [1, 3]


@pytest.mark.parametrize(
    ("changes", "rule", "column", "value"),
    [
        ({"A12C": "0"}, "REC-X001", "sex", None),
        ({"A12C": "-"}, "REC-X001", "sex", None),
        ({"A46C": "44"}, "REC-U001", "insurance", None),
        ({"B34C": "6"}, "REC-U001", "discharge_way", None),
        ({"B38": "x"}, "REC-U001", "care_type", "inpatient"),
        ({"C17x01": "9"}, "REC-U001", "surgery_level", None),
        ({"C47": "半天"}, "REC-N002", "ventilation_minutes", None),
        ({"C50x01": "2025-06-01 11:50:00"}, "REC-N002", "icu_hours", None),
        ({"C50x01": "很晚"}, "REC-D003", "icu_hours", None),
        ({"B20": "9"}, "REC-L001", "los", 8),
        ({"B15": "-"}, "REC-D004", "los", 8),
        ({"A14": "64"}, "REC-A001", "age", 65),
        ({"A13": "1960/13/04"}, "REC-D003", "age", 65),
        ({"D01": "10000.01"}, "REC-S002", "service_fee_fen", 100_001),
        ({"C03C": "-"}, "REC-M001", "dx", []),
    ],
)
def test_a_warning_still_loads(read_bytes: Reader, changes: dict[str, str], rule: str, column: str, value: Any) -> None:
    loaded = read_bytes(csv_text(page(**changes)).encode(), "pages.csv")
    assert [(found.rule_id, found.severity) for found in loaded.findings] == [(rule, "warning")]
    assert the_case(loaded)[column] == value


@pytest.mark.parametrize(
    ("changes", "column", "value"),
    [
        ({"A46C": "7"}, "insurance", None),
        ({"A46C": "2.1"}, "insurance", "390"),
        ({"B38": "1"}, "care_type", "day_surgery"),
        ({"C38x01": "4"}, "surgery_level", 4),
        ({"C14x01C": "-", "C35x01C": "-"}, "px", []),
        ({"B12": "2025/6/2 8:30", "B15": "20250610090000"}, "los", 8),
        ({"A13": "2025-05-30", "A14": "0", "A16": "3", "A18x01": "3100"}, "birth_weight", 3100),
        ({"D11": "-", "D16": "-", "D23": "-", "D24": "-", "D32": "-"}, "drug_fee_fen", None),
    ],
)
def test_usual_values_need_no_finding(read_bytes: Reader, changes: dict[str, str], column: str, value: Any) -> None:
    loaded = read_bytes(csv_text(page(**changes)).encode(), "pages.csv")
    assert loaded.findings == []
    assert the_case(loaded)[column] == value


def test_codes_keep_their_case_and_order(read_bytes: Reader) -> None:
    wide = page(C06x02C=" j42.X00 ") | {f"C06x{n:02d}C": f"E{n}.900" for n in (40, 3, 11)}
    loaded = read_bytes(csv_text(wide).encode(), "pages.csv")
    assert the_case(loaded)["dx"] == ["I63.900x007", "E11.900", "j42.X00", "E3.900", "E11.900", "E40.900"]


@pytest.mark.parametrize("code", ["A48", "C03C", "B15"])
def test_a_missing_required_column_refuses_the_file(read_bytes: Reader, code: str) -> None:
    short = {name: value for name, value in FRONT_PAGE.items() if name != code}
    loaded = read_bytes(csv_text(short, short).encode(), "pages.csv")
    assert [(found.rule_id, found.record, found.path) for found in loaded.findings] == [("REC-C001", 0, code)]
    assert (loaded.cases.num_rows, loaded.read_count) == (0, 2)
    assert loaded.keys["record"].to_pylist() == [1, 2]


def test_a_missing_useful_column_is_named_once(read_bytes: Reader) -> None:
    short = {name: value for name, value in FRONT_PAGE.items() if name != "B34C"}
    loaded = read_bytes(csv_text(short, short | {"A48": "B2"}).encode(), "pages.csv")
    assert [(found.rule_id, found.record, found.path) for found in loaded.findings] == [("REC-C002", 0, "B34C")]
    assert loaded.cases.num_rows == 2


def test_a_cut_row_loses_only_itself(read_bytes: Reader) -> None:
    lines = csv_text(page(A48="B1"), page(A48="B2"), page(A48="B3")).splitlines()
    lines[2] = ",".join(lines[2].split(",")[:9])
    loaded = read_bytes("\n".join(lines).encode(), "pages.csv")
    assert [(found.rule_id, found.record, found.value) for found in loaded.findings] == [
        ("REC-C004", 2, f"9 列，应为 {len(FRONT_PAGE)} 列")
    ]
    assert loaded.cases["record"].to_pylist() == [1, 3]
    assert loaded.read_count == 3


def test_a_line_break_within_quotes_does_not_shift_the_numbers(read_bytes: Reader) -> None:
    lines = csv_text(page(A48="B1", A02='"示例\n医院"'), page(A48="B2"), page(A48="B3")).splitlines()
    lines[3] = "cut"
    loaded = read_bytes("\n".join(lines).encode(), "pages.csv")
    assert [(found.rule_id, found.record) for found in loaded.findings] == [("REC-C004", 2)]
    assert loaded.cases["record"].to_pylist() == [1, 3]


def test_a_row_in_no_encoding_loses_only_itself(read_bytes: Reader) -> None:
    lines = csv_text(page(A48="B1"), page(A48="B2"), page(A48="B3")).encode().splitlines()
    lines[2] = lines[2].replace("示例医院".encode(), b"\xff\x81\xfe")
    loaded = read_bytes(b"\n".join(lines), "pages.csv")
    assert [(found.rule_id, found.record) for found in loaded.findings] == [("REC-E001", 2)]
    assert loaded.cases["record"].to_pylist() == [1, 3]


def test_a_repeated_page_is_kept_once(read_bytes: Reader) -> None:
    text = csv_text(page(), page(), page(B34C="2"), page(A49="3"))
    loaded = read_bytes(text.encode(), "pages.csv")
    assert rule_ids(loaded) == ["REC-P002", "REC-P001"]
    assert loaded.cases["record"].to_pylist() == [1, 4]


def test_unknown_codes_are_named_when_a_code_book_is_given(read_bytes: Reader) -> None:
    book = CodeBook(dx=frozenset({"I63.900x007"}), px=frozenset({"88.9100x001"}))
    loaded = read_bytes(csv_text(page()).encode(), "pages.csv", codes=book)
    assert [(found.rule_id, found.value) for found in loaded.findings] == [
        ("REC-U002", "E11.900"),
        ("REC-U003", "00.6100"),
    ]


def test_times_of_intensive_care_are_paired_by_their_number(read_bytes: Reader) -> None:
    entered, left = {"C49x03": "2025-06-04 08:00:00"}, {"C50x02": "-", "C50x03": "2025-06-04 10:00:00"}
    loaded = read_bytes(csv_text(page() | entered | left).encode(), "pages.csv")
    assert the_case(loaded)["icu_hours"] == 26 + 2
    assert loaded.findings == []


def test_a_header_twice_is_named_and_the_first_one_counts(read_bytes: Reader) -> None:
    loaded = read_bytes(csv_text(page() | {"病案号": "B9", "B24c": "D9"}).encode(), "pages.csv")
    assert [(found.rule_id, found.record, found.path) for found in loaded.findings] == [
        ("REC-C008", 0, "B24c"),
        ("REC-C008", 0, "病案号"),
    ]
    case = the_case(loaded)
    assert (case["record_no"], case["doctor_code"]) == ("B0001", "D0001")
    assert dict(case["extra"]) == {"病案号": "B9", "B24c": "D9"}


def test_the_same_header_cell_twice_is_kept_under_a_number(read_bytes: Reader) -> None:
    text = csv_text(page(B99="1", B98="2")).replace("B98", "B99").replace("A02,", "A48,", 1)
    loaded = read_bytes(text.encode(), "pages.csv")
    assert dict(the_case(loaded)["extra"]) == {"B99": "1", "B99#2": "2", "A48#2": "B0001"}
    assert {(found.rule_id, found.path) for found in loaded.findings} == {
        ("REC-C002", "A02"),
        ("REC-C008", "B99#2"),
        ("REC-C008", "A48#2"),
    }
    assert the_case(loaded)["record_no"] == "示例医院"


def test_a_second_name_of_a_patient_never_becomes_a_further_field(read_bytes: Reader) -> None:
    loaded = read_bytes(csv_text(page(A11="某甲") | {"姓名": "某乙", "联系电话": "7700001"}).encode(), "pages.csv")
    assert [(found.rule_id, found.path, found.value) for found in loaded.findings] == [
        ("REC-C005", "联系电话", ""),
        ("REC-C008", "姓名", ""),
    ]
    assert loaded.persons["psn_name"].to_pylist() == ["某甲"]
    assert not [word for word in ("某乙", "7700001") if word in str(loaded.cases.to_pylist())]


@pytest.mark.parametrize("text", ["2025-02-30", "20250230", "2025/2/30 08:00", "2025-06-02 25:00:00"])
def test_impossible_dates_are_no_dates(read_bytes: Reader, text: str) -> None:
    loaded = read_bytes(csv_text(page(A48="B1"), page(A48="B2", B12=text), page(A48="B3")).encode(), "pages.csv")
    assert [(found.rule_id, found.record, found.value) for found in loaded.findings] == [("REC-D002", 2, text)]
    assert loaded.cases["record"].to_pylist() == [1, 3]
