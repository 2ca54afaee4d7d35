"""The kernel reads no further than its buffers, whatever a table holds; what contradicts itself is refused."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from random_schemes import draw_cases, draw_scheme

from tongpin.base.errors import TongpinError
from tongpin.grouping.compiled.stage import RESULT_COLUMNS, group

HERE = Path(__file__).parent

CHECKED = """
import sys
sys.path.insert(0, {here!r})
import dataclasses
from random_schemes import draw_cases, draw_scheme
from tongpin.grouping.compiled import kernel
from tongpin.grouping.tables.interpreter import Case, interpret
from tongpin.grouping.compiled.one import OneCase
from tongpin.grouping.compiled.stage import group
import numpy as np
for seed in range(8):
    scheme = draw_scheme(seed, lists=(0, 70)[seed % 2] + 10)
    table = draw_cases(seed, 600)
    found = group(table, scheme)["drg"].to_pylist()
    rows = [Case.of(row) for row in table.to_pylist()]
    assert found == [interpret(scheme, case).drg for case in rows]
    group(table.slice(599), scheme), group(table.slice(600), scheme), group(table.select(["sex", "age"]), scheme)
    one = OneCase(scheme)
    assert [one.outcome(case).drg for case in rows[:50]] == found[:50]
beyond = one.intern(rows[0])._replace(dx=np.frombuffer(np.full(1, 10**6, np.uint32).tobytes(), np.uint32), rejected=-1)
beyond.numbers.base[:2] = 1
try:
    one.outcome_of(beyond)
except IndexError:
    print("checked")
"""


def test_with_bounds_checks_on_nothing_is_read_out_of_bounds(tmp_path: Path) -> None:
    """The whole kernel under Numba's own checks; that they are on is shown by a code that is out of bounds."""
    environment = {**os.environ, "NUMBA_BOUNDSCHECK": "1", "NUMBA_CACHE_DIR": str(tmp_path), "NUMBA_OPT": "1"}
    done = subprocess.run(
        [sys.executable, "-c", CHECKED.format(here=str(HERE))],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert (done.returncode, done.stdout) == (0, "checked\n"), done.stderr


def two_rows(name: str, offsets: list[int], indices: list[int]) -> pa.Table:
    """Two cases whose memory is changed after Arrow looked at it."""
    at, codes = np.array([0, 1, 2], np.int32), np.array([0, 1], np.int32)
    index = pa.Array.from_buffers(pa.int32(), 2, [None, pa.py_buffer(codes)])
    values = pa.DictionaryArray.from_arrays(index, pa.array(["D001", "P001"]))
    column = pa.ListArray.from_buffers(pa.list_(values.type), 2, [None, pa.py_buffer(at)], children=[values])
    table = table_with(column, name)
    at[:], codes[:] = offsets, indices
    return table


def table_with(column: pa.Array, name: str = "dx") -> pa.Table:
    return pa.table({"sex": [1] * len(column), "age": [50] * len(column), name: column})


@pytest.mark.parametrize("name", ["dx", "px"])
@pytest.mark.parametrize(
    ("offsets", "indices"),
    [
        ([0, 1, 2], [0, 7]),  # an index past the dictionary
        ([0, 1, 2], [0, -1]),  # a negative one
        ([0, 1, 2], [0, -(2**31)]),
        ([0, 2, 1], [0, 1]),  # offsets that fall
        ([0, 9, 2], [0, 1]),  # past the codes, and back
        ([0, -5, 2], [0, 1]),
        ([0, 1, 3], [0, 1]),  # the last past the codes
        ([-1, 1, 2], [0, 1]),
    ],
)
def test_lists_that_point_elsewhere_are_refused(name: str, offsets: list[int], indices: list[int]) -> None:
    scheme = draw_scheme(5)
    assert group(two_rows(name, [0, 1, 2], [0, 1]), scheme).num_rows == 2
    with pytest.raises(TongpinError, match=name) as caught:
        group(two_rows(name, offsets, indices), scheme)
    assert caught.value.code == "group.damaged"
    assert caught.value.hint


def test_a_dictionary_whose_texts_point_elsewhere_is_refused() -> None:
    memory = np.array([0, 4], np.int32)
    words = pa.StringArray.from_buffers(1, pa.py_buffer(memory), pa.py_buffer(b"D001"))
    values = pa.DictionaryArray.from_arrays(pa.array([0], pa.int32()), words, safe=False)
    column = pa.ListArray.from_arrays(pa.array([0, 1], pa.int32()), values)
    table = table_with(column)
    memory[1] = 10**6
    with pytest.raises(TongpinError, match="dx"):
        group(table, draw_scheme(5))


def test_what_lies_under_a_null_is_never_an_index() -> None:
    """Null codes may carry any bits."""
    validity = pa.py_buffer(bytes([0b01]))
    indices = pa.Array.from_buffers(pa.int32(), 2, [validity, pa.py_buffer(np.array([0, 10**9], np.int32).tobytes())])
    values = pa.DictionaryArray.from_arrays(indices, pa.array(["D001"]))
    column = pa.ListArray.from_arrays(pa.array([0, 2], pa.int32()), values)
    clean = pa.array([["D001", None]], pa.list_(pa.string()))
    scheme = draw_scheme(5)
    found, expected = (group(table_with(one), scheme).select(RESULT_COLUMNS) for one in (column, clean))
    assert found.equals(expected)


def test_a_text_index_past_its_dictionary_is_refused() -> None:
    scheme = draw_scheme(5)
    table = draw_cases(1, 2)
    ward = pa.DictionaryArray.from_arrays(pa.array([0, 3], pa.int32()), pa.array(["CCU"]), safe=False)
    assert "ward" in {atom.kind for m in scheme.mdcs for s in m.steps for c in s.when for atom in c}
    with pytest.raises(TongpinError, match="ward") as caught:
        group(table.set_column(table.schema.get_field_index("ward"), "ward", ward), scheme)
    assert caught.value.code == "group.damaged"
