"""The library face: a table, a stream, a frame or one case, the same groups every way."""

from __future__ import annotations

import contextlib
import io
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tongpin
from tongpin.base.errors import SchemeError, TongpinError
from tongpin.grouping.scheme import Scheme, typed_cases
from tongpin.grouping.tables.interpreter import Case, interpret
from tongpin.grouping.tables.model import Outcome

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "library.md"
ROWS: list[dict[str, Any]] = [
    {"case_id": "1", "sex": 1, "age": 60, "los": 8, "dx": ["J18.900", "A41.900"], "px": []},
    {"case_id": "2", "sex": 2, "age": 9, "los": 8, "dx": ["J18.900"], "px": []},
    {"case_id": "3", "sex": 2, "age": 40, "los": 40, "dx": ["K80.200"], "px": ["51.2300"]},
    {"case_id": "4", "sex": 3, "age": 40, "los": 4, "dx": ["K80.200"], "px": []},
    {"case_id": "5", "sex": 2, "age": None, "los": 4, "dx": [], "px": []},
]
GROUPS = ["ES31", "ES37", "HC28", "0000", "0000"]


@pytest.fixture
def scheme(scheme_folder: Path, tmp_path: Path) -> Scheme:
    return Scheme.load(scheme_folder, home=tmp_path / "home", cache=tmp_path / "cache", notice=lambda _: None)


@pytest.fixture(scope="module")
def lasting(lasting_scheme_folder: Path) -> Scheme:
    """One scheme for all examples of a property."""
    return Scheme.load(lasting_scheme_folder, cache=False, notice=lambda _: None)


@pytest.fixture
def cases() -> pa.Table:
    return pa.Table.from_pylist(ROWS)


def test_it_is_had_from_the_package() -> None:
    assert tongpin.Scheme is Scheme
    with pytest.raises(AttributeError, match="Sheme"):
        _ = tongpin.Sheme


def test_a_table_gives_a_table(scheme: Scheme, cases: pa.Table) -> None:
    grouped = scheme.group(cases)
    assert grouped.column_names == [*cases.column_names, "status", "mdc", "adrg", "drg"]
    assert grouped["drg"].to_pylist() == GROUPS
    assert scheme.group(cases, threads=2).equals(grouped)


def test_a_batch_gives_a_batch(scheme: Scheme, cases: pa.Table) -> None:
    (batch,) = cases.to_batches()
    grouped = scheme.group(batch)
    assert isinstance(grouped, pa.RecordBatch)
    assert grouped["drg"].to_pylist() == GROUPS
    assert scheme.group(batch.slice(0, 0)).num_rows == 0


@pytest.mark.parametrize("rows", [1, 2, 5])
def test_a_stream_gives_a_stream_in_order(scheme: Scheme, cases: pa.Table, rows: int) -> None:
    for stream in (cases.to_reader(rows), cases.to_batches(rows), iter(cases.to_batches(rows))):
        batches = list(scheme.group(stream))
        assert max(batch.num_rows for batch in batches) == rows
        assert [code for batch in batches for code in batch["drg"].to_pylist()] == GROUPS


def test_a_stream_is_read_as_it_is_asked_for(scheme: Scheme, cases: pa.Table) -> None:
    taken = []

    def endless() -> Any:
        while True:
            taken.append(1)
            yield cases.to_batches()[0]

    grouped = scheme.group(endless())
    assert taken == []
    assert next(grouped)["drg"].to_pylist() == GROUPS
    assert len(taken) == 1


def test_a_frame_counts_as_a_table(scheme: Scheme, cases: pa.Table) -> None:
    class Frame:
        """What a data frame of any library offers."""

        def __arrow_c_stream__(self, requested_schema: object = None) -> object:
            return cases.__arrow_c_stream__(requested_schema)

    grouped = scheme.group(Frame())
    assert isinstance(grouped, pa.Table)
    assert grouped["drg"].to_pylist() == GROUPS


@pytest.mark.parametrize("given", [None, 7, "cases.csv", {"dx": ["J18.900"]}])
def test_what_holds_no_cases_is_refused(scheme: Scheme, given: Any) -> None:
    with pytest.raises(TongpinError) as refused:
        scheme.group(given)
    assert refused.value.code == "group.cases"
    assert "group_one" in refused.value.hint


def test_a_stream_of_something_else_is_refused(scheme: Scheme, cases: pa.Table) -> None:
    with pytest.raises(TongpinError) as refused:
        list(scheme.group([cases]))
    assert refused.value.code == "group.cases"


@pytest.mark.parametrize("threads", [1, 2])
def test_files_are_grouped_a_row_group_at_a_time(scheme: Scheme, cases: pa.Table, tmp_path: Path, threads: int) -> None:
    encoded = cases.set_column(4, "dx", cases["dx"].cast(pa.list_(pa.dictionary(pa.int32(), pa.string()))))
    for number, table in enumerate((cases, encoded)):
        pq.write_table(table, tmp_path / f"{number}.parquet", row_group_size=2)
    paths = [tmp_path / "0.parquet", str(tmp_path / "1.parquet")]
    tables = list(scheme.group_files(paths, keep=("case_id", "los"), threads=threads))
    assert [table.num_rows for table in tables] == [2, 2, 1] * 2
    assert tables[0].column_names == ["case_id", "los", "status", "mdc", "adrg", "drg"]
    assert [code for table in tables for code in table["drg"].to_pylist()] == GROUPS * 2
    assert next(scheme.group_files(paths[0], keep=())).column_names == ["status", "mdc", "adrg", "drg"]


@pytest.mark.parametrize("how", ["absent", "damaged", "without the column"])
def test_a_file_that_cannot_be_read_is_named(scheme: Scheme, cases: pa.Table, tmp_path: Path, how: str) -> None:
    path = tmp_path / "cases.parquet"
    if how == "damaged":
        path.write_bytes(b"PAR1 and no more")
    elif how == "without the column":
        pq.write_table(cases.drop_columns(["case_id"]), path)
    with pytest.raises(TongpinError) as refused:
        list(scheme.group_files(path))
    assert refused.value.code == "group.file"
    assert refused.value.where == str(path)


def test_text_numbers_are_refused_and_typed_when_asked(scheme: Scheme) -> None:
    texts = pa.table(
        {
            "sex": ["1", " 2 ", "2", "3", "2"],
            "age": ["60", "9", "+40", "40.", ""],
            "los": ["8", "8", "40", "4", None],
            "dx": ["J18.900| A41.900", "J18.900|", "K80.200", "K80.200", ""],
            "px": ["", None, "|51.2300", "", ""],
            "note": ["a", "b", "c", "d", "e"],
        }
    )
    with pytest.raises(TongpinError) as refused:
        scheme.group(texts)
    assert refused.value.code == "group.column"
    typed = typed_cases(texts)
    assert scheme.group(typed)["drg"].to_pylist() == GROUPS
    assert typed["note"].to_pylist() == texts["note"].to_pylist()


def test_a_sex_or_an_age_that_is_no_number_fails_the_record_check(scheme: Scheme) -> None:
    texts = pa.table({"sex": ["M", "1", "1"], "age": ["60", "sixty", "60"], "dx": ["J18.900"] * 3, "px": [""] * 3})
    expected = ["check_failed", "check_failed", "grouped"]
    assert scheme.group(typed_cases(texts))["status"].to_pylist() == expected
    assert [scheme.group_one(row).status for row in texts.to_pylist()] == expected


def test_typing_names_the_value_that_is_no_number() -> None:
    with pytest.raises(TongpinError) as refused:
        typed_cases(pa.table({"los": ["60", "", "old"], "dx": ["", "", ""]}))
    assert refused.value.code == "group.value"
    assert "第 3 行" in str(refused.value)
    assert "old" in str(refused.value)


def test_one_case_is_grouped_like_the_table(scheme: Scheme) -> None:
    assert [scheme.group_one(row).drg for row in ROWS] == GROUPS
    assert scheme.group_one(Case(sex=1, age=60, dx=("J18.900", "A41.900"))) == Outcome("grouped", "MDCE", "ES3", "ES31")


def test_one_case_may_be_all_text(scheme: Scheme) -> None:
    record = {"sex": "2", "age": " 40", "los": "40", "dx": " K80.200 |", "px": "51.2300", "icu_hours": "", "dept": ""}
    assert scheme.group_one(record).drg == "HC28"
    assert scheme.group_one(record | {"px": None, "discharge_way": 5}).drg == "HZ19"


@pytest.mark.parametrize(
    ("record", "where"),
    [
        ({"sex": 1, "age": 60}, "dx"),
        ({"sex": 1, "age": 60, "los": "long", "dx": ["J18.900"]}, "los"),
        ({"sex": 1, "age": 60, "dx": [18]}, "dx"),
        ({"sex": 1, "age": 60, "dx": ["J18.900"], "dept": ["ICU"]}, "dept"),
    ],
)
def test_one_case_that_cannot_be_read_says_where(scheme: Scheme, record: dict[str, Any], where: str) -> None:
    with pytest.raises(TongpinError) as refused:
        scheme.group_one(record)
    assert (refused.value.code, refused.value.where) == ("group.case", where)


CODES = st.lists(st.sampled_from(["J18.900", "A41.900", "K80.200", "S06.200", "S32.000", "P07.300", "X"]), max_size=4)


@settings(max_examples=60, deadline=None)
@given(
    records=st.lists(
        st.fixed_dictionaries(
            {
                "sex": st.sampled_from([1, 2, 9, None]),
                "age": st.sampled_from([0, 9, 40, None]),
                "age_days": st.sampled_from([3, 40, None]),
                "birth_weight": st.sampled_from([1200, None]),
                "los": st.sampled_from([3, 40, None]),
                "discharge_way": st.sampled_from(["1", "5", None]),
                "dx": CODES,
                "px": st.lists(st.sampled_from(["33.2400", "96.7201", "51.2300", "47.0100"]), max_size=3),
            }
        ),
        min_size=1,
        max_size=8,
    )
)
def test_every_way_gives_the_answer_of_the_interpreter(lasting: Scheme, records: list[dict[str, Any]]) -> None:
    scheme = lasting
    expected = [interpret(scheme.tables, Case.of(record)) for record in records]
    kinds = {"sex": "int8", "age": "int16", "age_days": "int32", "birth_weight": "int32", "los": "int32"}
    table = pa.table(
        {name: pa.array([record[name] for record in records], kind) for name, kind in kinds.items()}
        | {"discharge_way": pa.array([record["discharge_way"] for record in records], pa.string())}
        | {name: pa.array([record[name] for record in records], pa.list_(pa.string())) for name in ("dx", "px")}
    )
    columns = ["status", "mdc", "adrg", "drg"]
    answers = [Outcome(**row) for row in scheme.group(table).select(columns).to_pylist()]
    assert answers == expected
    assert [scheme.group_one(record) for record in records] == expected


def test_threads_may_share_a_scheme(scheme: Scheme, cases: pa.Table) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: scheme.group(cases)["drg"].to_pylist(), range(32)))
        singles = list(pool.map(lambda _: scheme.group_one(ROWS[2]).drg, range(32)))
    assert answers == [GROUPS] * 32
    assert set(singles) == {"HC28"}


def test_why_a_case_is_where_it_is(scheme: Scheme) -> None:
    assert scheme.explain(ROWS[0]).as_dict()["drg"] == "ES31"
    assert scheme.reason(ROWS[3]).code == "check_sex"
    assert scheme.why_not(ROWS[1], "ES31").ways


def test_a_scheme_tells_who_it_is(scheme: Scheme, scheme_folder: Path) -> None:
    assert (scheme.id, scheme.title, scheme.source) == ("small", "小方案", "测试")
    assert scheme.groups["HC29"] == "胆"
    assert scheme.tables.digest == scheme.digest
    assert scheme.tables is scheme.tables
    assert scheme_folder.name == scheme.id


def test_tables_that_changed_meanwhile_are_refused(scheme: Scheme, scheme_folder: Path) -> None:
    path = scheme_folder / "drg_name.csv"
    path.write_text(path.read_text(encoding="utf-8") + "XX99,新\n", encoding="utf-8")
    assert scheme.group_one(ROWS[0]).drg == "ES31"  # what was loaded stays what it was
    with pytest.raises(SchemeError, match="被改过"):
        _ = scheme.tables


def test_an_id_comes_before_a_folder(tmp_path: Path, scheme_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(scheme_folder.parent)
    quiet: dict[str, Any] = {"home": tmp_path / "home", "cache": False, "notice": lambda _: None}
    assert Scheme.load("demo-drg", **quiet).id == "demo-drg"
    assert Scheme.load("small", **quiet).title == "小方案"
    assert Scheme.load(str(scheme_folder), **quiet).title == "小方案"
    with pytest.raises(SchemeError) as refused:
        Scheme.load("nope", **quiet)
    assert refused.value.code == "scheme.unknown"
    assert "demo-drg" in refused.value.hint
    assert not (tmp_path / "home").exists()


def test_the_examples_of_the_document_run() -> None:
    blocks = re.findall(r"^```python\n(.*?)^```", DOCUMENT.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    assert len(blocks) > 6
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        exec("\n".join(blocks), {})  # our own document
    assert "grouped" in said.getvalue()
    assert "scheme.unknown" in said.getvalue()


def test_grouping_needs_neither_pandas_nor_the_dataset_library(scheme_folder: Path) -> None:
    # Arrow itself imports pandas where it is installed: here it is not to be had, and grouping works all the same.
    code = (
        "import sys\n"
        "class Absent:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.split('.')[0] == 'pandas': raise ModuleNotFoundError(name)\n"
        "sys.meta_path.insert(0, Absent())\n"
        "from tongpin import Scheme; import pyarrow as pa\n"
        f"scheme = Scheme.load({str(scheme_folder)!r}, cache=False)\n"
        "scheme.group(pa.table({'sex': [1], 'age': [60], 'dx': [['J18.900']]}))\n"
        "scheme.group_one({'sex': 1, 'age': 60, 'dx': 'J18.900'})\n"
        "print(sorted({'pandas', 'pyarrow.dataset', 'polars', 'deltalake', 'pydantic', 'fastapi'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, encoding="utf-8", check=False)
    assert (done.returncode, done.stdout.strip()) == (0, "[]"), done.stderr
