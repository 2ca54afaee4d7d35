"""The stage on odd tables and schemes: the missing counts as missing, the wrong is refused, nothing is misread."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pytest

from tongpin.base.errors import SchemeError, TongpinError
from tongpin.grouping.compiled import kernel
from tongpin.grouping.compiled.compiler import compile_scheme
from tongpin.grouping.compiled.stage import group
from tongpin.grouping.tables.interpreter import Case, interpret
from tongpin.grouping.tables.model import SchemeTables
from tongpin.grouping.tables.read import load_scheme

TEXTS = pa.list_(pa.string())
ENCODED = pa.list_(pa.dictionary(pa.int32(), pa.string()))


@pytest.fixture
def scheme(scheme_folder: Path) -> SchemeTables:
    return load_scheme(scheme_folder)


def cases(dx: list[list[str | None] | None], **columns: object) -> pa.Table:
    plain = {"sex": [1] * len(dx), "age": [50] * len(dx), "dx": pa.array(dx, TEXTS).cast(ENCODED)}
    return pa.table({**plain, **columns})


def drgs(table: pa.Table, scheme: SchemeTables) -> list[str]:
    """The groups by the kernel, after the interpreter was found to agree with it."""
    found: list[str] = group(table, scheme).column("drg").to_pylist()
    assert found == [interpret(scheme, Case.of(row)).drg for row in table.to_pylist()]
    return found


def test_an_absent_column_counts_as_missing(scheme: SchemeTables) -> None:
    table = cases([["J18.900"], ["K80.200"]])
    assert drgs(table, scheme) == ["ES35", "0000"]
    assert group(table.select(["sex", "age"]), scheme).column("status").to_pylist() == ["ungrouped", "ungrouped"]
    assert group(table.select(["dx"]), scheme).column("status").to_pylist() == ["check_failed", "check_failed"]


@pytest.mark.parametrize("name", ["sex", "age", "age_days", "dept", "dx", "px", "code_map"])
def test_a_column_without_a_type_is_a_column_of_nulls(scheme: SchemeTables, name: str) -> None:
    table = cases([["J18.900"], ["K80.200"]])
    without = table.drop_columns([name]) if name in table.column_names else table
    assert drgs(without.append_column(name, pa.nulls(2)), scheme) == drgs(without, scheme)


def test_null_lists_and_null_codes_are_no_codes(scheme: SchemeTables) -> None:
    assert drgs(cases([["J18.900"], None, [None], ["J18.900", None, "E11.900"]]), scheme) == [
        "ES35",
        "0000",
        "0000",
        "ES33",
    ]


def test_what_hides_beneath_a_null_list_is_not_read(scheme: SchemeTables) -> None:
    values = pa.array(["J18.900", "J18.900", "A41.900", "J18.900", "E11.900"])
    hidden = pa.ListArray.from_arrays(pa.array([0, 1, 3, 5], pa.int32()), values, mask=pa.array([False, True, False]))
    table = cases([[]] * 3).set_column(2, "dx", hidden)
    assert drgs(table, scheme) == ["ES35", "0000", "ES33"]


def test_chunks_with_dictionaries_of_their_own_group_like_one_table(scheme: SchemeTables) -> None:
    first = cases([["J18.900"], None, ["J18.900", "A41.900"]], dept=pa.array(["ICU", None, "03"]).dictionary_encode())
    second = cases([["A41.900"], ["J18.900", "E11.900"]], dept=pa.array(["03", "ICU"]).dictionary_encode())
    both = pa.concat_tables([first.slice(1), second, first])
    assert both.column("dx").num_chunks == 3
    assert drgs(both, scheme) == drgs(first.slice(1), scheme) + drgs(second, scheme) + drgs(first, scheme)
    assert drgs(both.slice(1, 3), scheme) == drgs(both, scheme)[1:4]


def test_a_table_without_rows_or_chunks_keeps_its_shape(scheme: SchemeTables) -> None:
    chunkless = pa.table([pa.chunked_array([], ENCODED), pa.chunked_array([], pa.int8())], names=["dx", "sex"])
    for table in (chunkless, cases([]), cases([["J18.900"]]).slice(1)):
        grouped = group(table, scheme)
        assert grouped.num_rows == 0
        assert grouped.column_names[-4:] == ["status", "mdc", "adrg", "drg"]


def test_results_of_an_earlier_grouping_are_replaced(scheme: SchemeTables) -> None:
    once = group(cases([["J18.900"]]), scheme)
    assert group(once, scheme).equals(once)


def test_numbers_beyond_every_threshold_are_numbers(scheme: SchemeTables) -> None:
    table = cases([["J18.900"]] * 4, age=pa.array([2**62, -(2**62), 0, 2**53 + 1], pa.int64()))
    assert drgs(table, scheme) == ["ES35", "ES37", "0000", "ES35"]
    wrong_sex = cases([["J18.900"]] * 3, sex=pa.array([2**62, -1, 257], pa.int64()))
    assert group(wrong_sex, scheme).column("status").to_pylist() == ["check_failed"] * 3


def test_numbers_with_a_fraction_keep_it(scheme: SchemeTables) -> None:
    table = cases([["J18.900"]] * 3, age=[16.999, 17.0, float("inf")], sex=[1.0, 2.0, 1.0])
    assert drgs(table, scheme) == ["ES37", "ES35", "ES35"]
    assert group(cases([["J18.900"]], sex=[1.5]), scheme).column("status").to_pylist() == ["check_failed"]
    assert group(cases([["J18.900"]], age=[float("nan")]), scheme).column("status").to_pylist() == ["check_failed"]


@pytest.mark.parametrize(("name", "values"), [("sex", ["1"]), ("age", ["五十"]), ("dx", ["J18.900"]), ("px", [7])])
def test_a_column_of_another_kind_is_refused_by_name(scheme: SchemeTables, name: str, values: list[object]) -> None:
    table = cases([["J18.900"]])
    table = table.drop_columns([name]) if name in table.column_names else table
    with pytest.raises(TongpinError, match=name) as caught:
        group(table.append_column(name, pa.array(values)), scheme)
    assert caught.value.code == "group.column"


def test_a_scheme_without_rules_groups_nothing(scheme: SchemeTables) -> None:
    bare = dataclasses.replace(
        scheme,
        mdcs=(),
        dx_lists={},
        px_lists={},
        mcc={},
        cc={},
        exclusion={},
        sites={},
        dx_map={},
        px_map={},
        digest="bare",
    )
    for empty in (dataclasses.replace(scheme, mdcs=(), digest="no rules"), bare):
        table = cases([["J18.900"], None], px=pa.array([["33.2400"], []], TEXTS))
        assert drgs(table, empty) == ["0000", "0000"]
        mapped = table.append_column("code_map", pa.array([1, 1], pa.int8()))
        assert drgs(mapped, empty) == ["0000", "0000"]


def test_many_rules_reach_past_one_word(scheme_folder: Path) -> None:
    leaves = "".join(f"MDCE,ES3,ES3,{seq},E{seq:03d},,age=={seq}\n" for seq in range(10, 150))
    path = scheme_folder / "drg.csv"
    path.write_text(path.read_text(encoding="utf-8") + leaves, encoding="utf-8")
    text = path.read_text(encoding="utf-8").replace("MDCE,ES3,ES3,4,ES35", "MDCE,ES3,ES3,999,ES35")
    path.write_text(text, encoding="utf-8")
    scheme = load_scheme(scheme_folder)
    assert len(compile_scheme(scheme).rule_outcome) > 128
    ages = [17, 73, 74, 138, 149, 150]
    assert drgs(cases([["J18.900"]] * 6, age=ages), scheme) == ["E017", "E073", "E074", "E138", "E149", "ES35"]


def test_more_body_sites_than_bits_are_refused(scheme: SchemeTables) -> None:
    sites = {f"S{number:02d}.000": f"site {number}" for number in range(65)}
    compile_scheme(dataclasses.replace(scheme, sites=dict(list(sites.items())[:64])))
    with pytest.raises(SchemeError, match="65"):
        compile_scheme(dataclasses.replace(scheme, sites=sites))


def test_every_table_gives_the_kernel_the_same_types(scheme: SchemeTables) -> None:
    full = cases([["J18.900"], None], px=pa.array([["33.2400"], None], TEXTS), los=[3, None], dept=["ICU", None])
    for table in (
        full,
        full.slice(1),
        full.slice(0, 0),
        full.select(["sex"]),
        full.cast(full.schema.set(1, pa.field("age", pa.float32()))),
    ):
        group(table, scheme)
    group(full, dataclasses.replace(scheme, mdcs=(), digest="nothing"))
    assert len(kernel.group_cases.signatures) == 1, "one compilation, one entry of the cache"


def test_the_kernel_compiles_where_nothing_can_be_kept(tmp_path: Path) -> None:
    (tmp_path / "kernel.py").write_bytes(Path(kernel.__file__).read_bytes())
    (tmp_path / "__pycache__").touch()  # a file where folders of caches would be
    probe = "import kernel\n@kernel._compiled\ndef twice(number):\n    return 2 * number\nprint(twice(4))\n"
    (tmp_path / "probe.py").write_text(probe, encoding="utf-8")
    nowhere = {name: str(tmp_path / "__pycache__") for name in ("HOME", "XDG_CACHE_HOME", "LOCALAPPDATA")}
    kept = {name: value for name, value in os.environ.items() if name != "NUMBA_CACHE_DIR"}
    done = subprocess.run(
        [sys.executable, "probe.py"], cwd=tmp_path, env={**kept, **nowhere}, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "8\n"), done.stderr
