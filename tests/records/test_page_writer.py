"""Front pages written and read again: the same in every column, as CSV and as a workbook, in whatever spelling."""

from __future__ import annotations

import csv
import datetime as dt
import gzip
import io
import random
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from case_samples import NAMES, cases_of, one_case, tables
from hypothesis import given, settings
from hypothesis import strategies as st
from page_samples import FULL_PAGE, assert_same, read_page
from records_samples import FRONT_PAGE, KEY

from tongpin.base.errors import RecordsError
from tongpin.records.case.nested import build
from tongpin.records.case.patients import hash_patients
from tongpin.records.case.schema import CASE_SCHEMA, empty_cases
from tongpin.records.formats.page_fields import official_places
from tongpin.records.intake.read import Loaded, read
from tongpin.records.write import write_front_page

if TYPE_CHECKING:
    from pathlib import Path

PLAIN_PAGE = dict.fromkeys(FULL_PAGE, "-") | FRONT_PAGE | {"A48": "B2"}
FURTHER = {"院内编号": "甲,1", '自定义"列"': "a|b"}


def written(path: Path, *pages: dict[str, str]) -> Path:
    """Pages as CSV with the headers of the first."""
    with path.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.DictWriter(handle, list(pages[0]), restval="-")
        writer.writeheader()
        writer.writerows(pages)
    return path


def page_rows(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"))))


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Loaded:
    """A page with every field and two further columns, and one with the usual fields."""
    return read_page(written(tmp_path_factory.mktemp("full") / "full.csv", FULL_PAGE | FURTHER, PLAIN_PAGE))


@pytest.mark.parametrize("full_width", [False, True])
@pytest.mark.parametrize("name", ["pages.csv", "pages.csv.gz", "pages.xlsx"])
def test_every_field_comes_back(tmp_path: Path, full: Loaded, name: str, full_width: bool) -> None:
    write_front_page(full.cases, tmp_path / name, names=NAMES, persons=full.persons, full=full_width)
    assert_same(read_page(tmp_path / name), full)


@settings(max_examples=6, deadline=None)
@given(st.integers(0, 2**32))
def test_chinese_headers_in_any_order_and_gb18030_load_equal(
    tmp_path_factory: pytest.TempPathFactory, full: Loaded, seed: int
) -> None:
    order = random.Random(seed)
    path = tmp_path_factory.mktemp("shuffled") / "pages.csv"
    write_front_page(full.cases, path, names=NAMES, persons=full.persons)
    places = official_places()
    pages = page_rows(path)
    headers = list(pages[0])
    order.shuffle(headers)
    label = {
        code: place.field.label.replace("{n}", str(place.number)) if order.random() < 0.8 else code.upper()
        for code, place in places.items()
    }
    written(path, *({label.get(code, code): page[code] for code in headers} for page in pages))
    path.write_bytes(path.read_text(encoding="utf-8").encode("gb18030"))
    again = read_page(path)
    assert [one and dict(one) for one in again.cases["extra"].to_pylist()] == [FURTHER, None]
    assert_same(again, in_order_of(again, full))


def in_order_of(again: Loaded, full: Loaded) -> Loaded:
    """The full pages with the further columns in the order of the other read."""
    place = full.cases.schema.get_field_index("extra")
    return replace(full, cases=full.cases.set_column(place, "extra", again.cases["extra"]))


def test_without_details_the_file_has_as_many_columns_as_it_needs(tmp_path: Path) -> None:
    write_front_page(one_case(dx=["A", "B", "C"], ventilation_minutes=61), tmp_path / "x.csv", names=NAMES)
    (page,) = page_rows(tmp_path / "x.csv")
    assert [page[code] for code in ("C03C", "C06x01C", "C06x02C", "C14x01C")] == ["A", "B", "C", "-"]
    assert not {"C06x03C", "C35x01C", "A15C"} & set(page)
    assert (page["C47"], page["D01"], page["A49"]) == ("2", "-", "1")
    assert "" not in page.values()


def test_all_811_columns_are_written_in_the_official_order(tmp_path: Path) -> None:
    write_front_page(one_case(), tmp_path / "x.csv", names=NAMES, full=True)
    (page,) = page_rows(tmp_path / "x.csv")
    assert list(page) == list(official_places())


def test_a_cell_is_quoted_only_where_it_must_be(tmp_path: Path) -> None:
    write_front_page(one_case(dx=["I63.900", "E11.900x001"]), tmp_path / "x.csv.gz", names=NAMES)
    text = gzip.decompress((tmp_path / "x.csv.gz").read_bytes()).decode()
    assert ',"2型""糖尿病""",' in text
    assert ",脑梗死，未特指," in text
    assert "\r" not in text


def test_more_columns_than_the_standard_has_come_back(tmp_path: Path) -> None:
    page = FRONT_PAGE | {f"C06x{n:02d}C": f"E{n}" for n in range(1, 61)} | {"C35x41C": "38.93", "C36x41N": "穿刺"}
    loaded = read_page(written(tmp_path / "wide.csv", page))
    write_front_page(loaded.cases, tmp_path / "x.csv", names=NAMES, persons=loaded.persons)
    assert_same(read_page(tmp_path / "x.csv"), loaded)
    assert len(loaded.cases["dx"][0]) == 61


@pytest.mark.parametrize(
    "changes",
    [
        {"A49": "-"},
        {"A49": "0-"},
        {"F22": "两袋"},
        {"A14": "-"},
        {"B20": "-"},
        {"B38": "-"},
        {"A46C": "-"},
        {"A12C": "9"},
        {"C03C": "-", "C06x02C": "E10"},
        {"C14x01C": "-"},
        {"A18x01": "-", "A18x02": "3000"},
        {"C49x01": "-"},
        {"B38": "1"},
        {"B15": "-"},
        {"A13": "-", "A14": "64.5"},
        {"D11": "-", "D16": "-", "D23": "-", "D24": "-", "D32": "-"},
        {"D11": "-", "D16": "-", "D23": "-", "D24": "-", "D32": "-", "D19x01": "5.00"},
        {"F14x01": "0.33", "F13": "2"},
        {"A25": "x", "A48#2": "y"},
    ],
    ids="-".join,
)
def test_what_a_page_leaves_out_stays_left_out(tmp_path: Path, changes: dict[str, str]) -> None:
    first = read(written(tmp_path / "a.csv", FRONT_PAGE | changes), key=KEY)
    write_front_page(first.cases, tmp_path / "b.csv", names=NAMES, persons=first.persons)
    again = read(tmp_path / "b.csv", key=KEY)
    assert first.cases.num_rows == 1
    assert_same(again, first)
    assert {found.rule_id for found in again.findings} <= {found.rule_id for found in first.findings}


words = st.text(
    st.characters(codec="utf-8", exclude_characters="\x00\ufeff\ufffd", exclude_categories=["Cs"]), max_size=9
)
free_texts = st.dictionaries(st.sampled_from(["A02", "B14", "C04N", "C07x01N", "A22", "B37", "院内字段", "B22"]), words)


@settings(max_examples=25, deadline=None)
@given(st.lists(free_texts, min_size=1, max_size=3), st.sampled_from(["b.csv", "b.csv.gz", "b.xlsx"]))
def test_odd_texts_come_back(
    tmp_path_factory: pytest.TempPathFactory, changes: list[dict[str, str]], name: str
) -> None:
    folder = tmp_path_factory.mktemp("odd")
    header = dict.fromkeys([*FRONT_PAGE, "B14", "C04N", "C07x01N", "A22", "B37", "院内字段", "B22"], "-")
    pages = [header | FRONT_PAGE | {"A48": f"B{at}"} | change for at, change in enumerate(changes)]
    first = read_page(written(folder / "a.csv", *pages))
    assert first.cases.num_rows == len(pages)
    write_front_page(first.cases, folder / name, names=NAMES, persons=first.persons)
    assert_same(read_page(folder / name), first)


NOT_IN_PAGES = {
    *("mdtrt_id", "settlement_date", "upload_time", "accepted_date", "filing_month", "transfer_date", "clearing_year"),
    *(
        "stay_no",
        "code_version",
        "insured_region",
        "account_pay_fen",
        "pool_pay_fen",
        "other_fund_pay_fen",
        "patient_hash",
    ),
}


@settings(max_examples=25, deadline=None)
@given(tables)
def test_core_columns_alone_come_back(tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, Any]]) -> None:
    path = tmp_path_factory.mktemp("pages") / "pages.csv.gz"
    cases = cases_of(rows, "front_page", path.name)
    write_front_page(cases, path, names=NAMES)
    again = read(path, key=KEY)
    assert {found.rule_id for found in again.findings} <= ({"REC-X001", "REC-M001"} if rows else {"REC-C009"})
    names = [name for name in CASE_SCHEMA.names if name not in NOT_IN_PAGES]
    assert again.cases.select(names).to_pylist() == cases.select(names).to_pylist()


def test_persons_are_written_and_come_back_hashed(tmp_path: Path) -> None:
    persons = pa.table({"certno": ["X1"], "psn_name": ["某"], "birth_date": [dt.date(1990, 6, 3)]})
    write_front_page(one_case(age=34, stay_no=3), tmp_path / "x.csv", names=NAMES, persons=persons)
    loaded = read_page(tmp_path / "x.csv")
    (case,) = loaded.cases.to_pylist()
    assert (case["patient_hash"], case["age"]) == (hash_patients(["X1"], KEY)[0], 34)
    assert case["case_id"] == "H1-B1-3"
    assert loaded.persons.select(persons.column_names).to_pylist() == persons.to_pylist()


def test_nobody_is_invented(tmp_path: Path) -> None:
    write_front_page(one_case(), tmp_path / "x.csv", names=NAMES)
    (page,) = page_rows(tmp_path / "x.csv")
    assert {page[code] for code in ("A13", "A20")} == {"-"}
    assert "A11" not in page
    assert read_page(tmp_path / "x.csv").cases["patient_hash"].to_pylist() == [None]


def test_a_list_becomes_a_page_without_its_chinese_medicine(tmp_path: Path) -> None:
    diagnoses = build(
        "diagnoses",
        [3],
        {
            "kind": pa.array(["2", "1", "1"]),
            "code": pa.array(["BNG080", "E11.900", "I63.900"]),
            "principal": pa.array([False, False, True]),
        },
    )
    fees = build("fees", [1], {"category": pa.array(["09"]), "amount_fen": pa.array([1000])})
    money = {"total_fee_fen": 1000, "drug_fee_fen": 1000, "consumable_fee_fen": 0, "exam_fee_fen": 0}
    cases = one_case(dx=["I63.900", "E11.900"], service_fee_fen=0, **money)
    write_front_page(
        cases.append_column("diagnoses", diagnoses).append_column("fees", fees), tmp_path / "x.csv", names=NAMES
    )
    (page,) = page_rows(tmp_path / "x.csv")
    assert [page.get(code) for code in ("C03C", "C06x01C", "C06x02C")] == ["I63.900", "E11.900", None]
    loaded = read_page(tmp_path / "x.csv")
    assert loaded.cases["drug_fee_fen"].to_pylist() == [1000]


def test_no_cases_make_a_file_without_records(tmp_path: Path) -> None:
    for name in ("x.csv", "x.xlsx"):
        write_front_page(empty_cases(), tmp_path / name, names=NAMES)
        assert read_page(tmp_path / name).cases.num_rows == 0


def test_a_sheet_that_cannot_hold_a_text_is_refused_and_not_written(tmp_path: Path) -> None:
    with pytest.raises(RecordsError) as caught:
        write_front_page(one_case(institution_name="长" * 40_000), tmp_path / "x.xlsx", names=NAMES)
    assert caught.value.code == "records.xlsx"
    assert not (tmp_path / "x.xlsx").exists()


def test_the_same_cases_make_the_same_bytes(tmp_path: Path, full: Loaded) -> None:
    for name in ("x.csv.gz", "x.xlsx"):
        made = []
        for folder in ("one", "two"):
            (tmp_path / folder).mkdir(exist_ok=True)
            write_front_page(full.cases, tmp_path / folder / name, names=NAMES, persons=full.persons)
            made.append((tmp_path / folder / name).read_bytes())
        assert made[0] == made[1]
