"""Plain cases written and read again: the same in every column that the layout has."""

from __future__ import annotations

import datetime as dt
import gzip
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from records_samples import KEY

from tongpin.records.case.schema import CASE_SCHEMA, DETAIL_SCHEMA, GROUPING_COLUMNS, column_of, empty_cases
from tongpin.records.intake.read import read
from tongpin.records.write import write_plain

if TYPE_CHECKING:
    from pathlib import Path

NOT_IN_PLAIN = {"source", "file", "record", "patient_hash"}
EXTRA = pa.map_(pa.string(), pa.string())
FILES = ["cases.csv", "cases.csv.gz", "cases.parquet"]

codes = st.sampled_from(["I63.900", "E11.900x001", "J42.x00", "A01.000†"])
words = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"], exclude_characters="\ufffd"), min_size=1)


def maybe(what: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(st.none(), what)


@st.composite
def rows(draw: st.DrawFn) -> dict[str, Any]:
    """A plain case with a few details and further fields."""
    return {
        "institution_code": draw(words),
        "institution_name": draw(maybe(words)),
        "record_no": draw(maybe(words)),
        "stay_no": draw(maybe(st.integers(1, 99))),
        "sex": draw(maybe(st.integers(1, 2))),
        "age": draw(maybe(st.integers(0, 110))),
        "age_days": draw(maybe(st.integers(0, 365))),
        "discharge_time": draw(maybe(st.just(dt.datetime.fromisoformat("2025-06-10T09:00")))),
        "settlement_date": draw(maybe(st.dates(dt.date(1000, 1, 1)))),
        "dept": draw(maybe(words)),
        "dx": draw(st.lists(codes, max_size=5)),
        "px": draw(st.lists(codes, max_size=4)),
        "total_fee_fen": draw(maybe(st.integers(0, 10**12))),
        "stated_age": draw(maybe(st.decimals(0, 120, places=2))),
        "confirmed_date": draw(maybe(st.dates(dt.date(1000, 1, 1)))),
        "allergens": draw(maybe(words)),
        "extra": draw(maybe(st.dictionaries(st.sampled_from(["note", "备注", "x|y"]), words, min_size=1).map(list_of))),
    }


def list_of(made: dict[str, str]) -> list[tuple[str, str]]:
    return sorted(made.items())


def cases_of(made: list[dict[str, Any]]) -> pa.Table:
    details = [DETAIL_SCHEMA.field(name) for name in ("stated_age", "confirmed_date", "allergens", "extra")]
    schema = pa.schema([*CASE_SCHEMA, *details])
    numbered = [row | {"case_id": f"C{at}", "record": at, "source": "plain"} for at, row in enumerate(made, start=1)]
    return pa.Table.from_pylist(numbered, schema=schema)


@settings(max_examples=40, deadline=None)
@given(st.lists(rows(), max_size=4), st.sampled_from(FILES))
def test_plain_cases_come_back(tmp_path_factory: pytest.TempPathFactory, made: list[dict[str, Any]], name: str) -> None:
    path = tmp_path_factory.mktemp("plain") / name
    cases = cases_of(made)
    write_plain(cases, path)
    loaded = read(path, key=KEY)
    assert loaded.kind == "plain"
    assert {found.rule_id for found in loaded.findings} <= ({"REC-X001"} if made else {"REC-C009"})
    for column in set(cases.column_names) - NOT_IN_PLAIN - {"extra"}:
        assert (column, column_of(loaded.cases, column).to_pylist()) == (column, cases[column].to_pylist())
    further = [extra and sorted(extra) for extra in column_of(loaded.cases, "extra").to_pylist()]
    assert further == cases["extra"].to_pylist()


def test_the_file_begins_with_the_published_columns(tmp_path: Path) -> None:
    cases = cases_of([{"dx": ["A01.000", "B01.000"], "px": [], "stated_age": Decimal("64.50")}])
    write_plain(cases, tmp_path / "x.csv.gz")
    header, line = gzip.decompress((tmp_path / "x.csv.gz").read_bytes()).decode().splitlines()
    assert tuple(header.split(",")) == (*GROUPING_COLUMNS, "stated_age")
    assert line == "C1,,,,,,,,A01.000|B01.000,,,,64.50"


@pytest.mark.parametrize("name", FILES)
def test_no_cases_make_a_file_without_records(tmp_path: Path, name: str) -> None:
    write_plain(empty_cases(), tmp_path / name)
    loaded = read(tmp_path / name, key=KEY)
    assert (loaded.cases.num_rows, [found.rule_id for found in loaded.findings]) == (0, ["REC-C009"])
