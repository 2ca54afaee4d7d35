"""Interpreter and kernel: the same case, the same group, for every kind of rule."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tongpin.grouping.compiled.stage import group
from tongpin.grouping.tables.interpreter import Case, interpret
from tongpin.grouping.tables.model import Outcome, SchemeTables
from tongpin.grouping.tables.read import load_scheme
from tongpin.records.case.schema import CASE_SCHEMA, CODE_LIST

ADULT = {"sex": 1, "age": 50}


def by_kernel(scheme: SchemeTables, cases: list[Case]) -> list[Outcome]:
    names = [name for name in Case.__dataclass_fields__ if name not in {"dx", "px", "code_map", "extra"}]
    columns = {name: pa.array([getattr(c, name) for c in cases], CASE_SCHEMA.field(name).type) for name in names}
    columns["code_map"] = pa.array([int(c.code_map) for c in cases], pa.int8())
    for name in ("dx", "px"):
        columns[name] = pa.array([list(getattr(c, name)) for c in cases], pa.list_(pa.string())).cast(CODE_LIST)
    columns |= {name: pa.array([c.extra.get(name) for c in cases]) for name in {n for c in cases for n in c.extra}}
    table = group(pa.table(columns), scheme)
    rows = zip(*(table.column(name).to_pylist() for name in ("status", "mdc", "adrg", "drg")), strict=True)
    return [Outcome(*row) for row in rows]


@pytest.mark.parametrize(
    ("case", "expected"),
    [
        (Case(**ADULT, dx=("J18.900",)), "ES35"),
        (Case(**ADULT, dx=("J18.900", "E11.900")), "ES33"),
        (Case(**ADULT, dx=("J18.900", "A41.900")), "ES31"),
        (Case(**ADULT, dx=("J18.900", "J96.000")), "ES35"),  # excluded: same table as the principal
        (Case(sex=2, age=5, dx=("J18.900",)), "ES37"),
        (Case(**ADULT, dx=("J18.900",), px=("33.2400", "96.7201")), "EC19"),
        (Case(**ADULT, dx=("J18.900",), px=("96.7201", "33.2400")), "ES35"),
        (Case(**ADULT, dx=("J18.900",), px=("47.0100",)), "EQY"),
        (Case(**ADULT, dx=("K80.200",), px=("51.2300",)), "HC29"),
        (Case(**ADULT, dx=("K80.200",), px=("51.2300",), los=31), "HC28"),
        (Case(**ADULT, dx=("K80.200",), discharge_way="5"), "HZ19"),
        (Case(**ADULT, dx=("K80.200",), discharge_way="1"), "0000"),  # no leaf holds, and adrg_without_leaf is next
        (Case(**ADULT, dx=("S06.200", "S32.000")), "ZZ19"),
        (Case(**ADULT, dx=("S06.200",)), "0000"),  # one body site only
        (Case(sex=1, age=0, age_days=3, birth_weight=1200, dx=("P07.300",)), "PS19"),
        (Case(sex=1, age=0, age_days=3, birth_weight=1500, dx=("P07.300",)), "PV19"),
        (Case(sex=1, age=0, age_days=40, dx=("P07.300",)), "PV19"),
        (Case(**ADULT, dx=("X99.999",)), "0000"),
        (Case(**ADULT), "0000"),
        (Case(**ADULT, dx=("J18.901",), code_map=True), "ES35"),
    ],
)
def test_each_kind_of_rule(scheme_folder: Path, case: Case, expected: str) -> None:
    scheme = load_scheme(scheme_folder)
    assert interpret(scheme, case).drg == expected
    assert by_kernel(scheme, [case])[0] == interpret(scheme, case)


@pytest.mark.parametrize(
    ("case", "status"),
    [
        (Case(age=50, dx=("J18.900",)), "check_failed"),
        (Case(sex=9, age=50, dx=("J18.900",)), "check_failed"),
        (Case(sex=1, dx=("J18.900",)), "check_failed"),
        (Case(sex=1, age=0, dx=("P07.300",)), "check_failed"),
        (Case(sex=1, age=0, age_days=28, dx=("P07.300",)), "check_failed"),
        (Case(**ADULT, dx=("J18.900", "Q99"), code_map=True), "dx_not_mapped"),
        (Case(**ADULT, dx=("J18.900",), px=("1.1",), code_map=True), "px_not_mapped"),
        (Case(sex=9, age=50, dx=("Q99",), code_map=True), "dx_not_mapped"),  # translation comes before the check
        (Case(**ADULT, dx=("J18.900",)), "grouped"),
    ],
)
def test_status(scheme_folder: Path, case: Case, status: str) -> None:
    scheme = load_scheme(scheme_folder)
    assert interpret(scheme, case).status == status
    assert by_kernel(scheme, [case])[0] == interpret(scheme, case)


CASES = st.builds(
    Case,
    sex=st.sampled_from([1, 2, 3, None]),
    age=st.sampled_from([0, 5, 16, 17, 50, None]),
    age_days=st.sampled_from([3, 28, 29, None]),
    birth_weight=st.sampled_from([0, 1200, 1500, None]),
    los=st.sampled_from([1, 30, 31, None]),
    discharge_way=st.sampled_from(["1", "2", "5", None]),
    dx=st.lists(
        st.sampled_from(
            [
                "J18.900",
                "J18.901",
                "P07.300",
                "S06.200",
                "S32.000",
                "K80.200",
                "R17.x00",
                "J96.000",
                "A41.900",
                "E11.900",
                "?",
            ]
        ),
        max_size=4,
    ).map(tuple),
    px=st.lists(st.sampled_from(["33.2400", "96.7201", "51.2300", "47.0100", "?"]), max_size=3).map(tuple),
    code_map=st.booleans(),
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(cases=st.lists(CASES, min_size=1, max_size=30))
@pytest.mark.parametrize("options", ["", "retry_other_px,1\n"])
def test_kernel_equals_interpreter(scheme_folder: Path, options: str, cases: list[Case]) -> None:
    text = (scheme_folder / "scheme.csv").read_text(encoding="utf-8").replace("retry_other_px,1\n", "")
    (scheme_folder / "scheme.csv").write_text(text + options, encoding="utf-8")
    scheme = load_scheme(scheme_folder)
    assert by_kernel(scheme, cases) == [interpret(scheme, case) for case in cases]


def test_a_slice_of_a_table_groups_like_the_whole(scheme_folder: Path) -> None:
    scheme = load_scheme(scheme_folder)
    cases = [Case(**ADULT, dx=("J18.900",)), Case(**ADULT, dx=("K80.200",), px=("51.2300",)), Case(**ADULT)]
    table = pa.table(
        {
            "sex": [c.sex for c in cases],
            "age": [c.age for c in cases],
            "dx": pa.array([list(c.dx) for c in cases], pa.list_(pa.string())),
            "px": pa.array([list(c.px) for c in cases], pa.list_(pa.string())),
        },
    )
    assert group(table.slice(1, 1), scheme).column("drg").to_pylist() == ["HC29"]
    assert group(table.slice(0, 0), scheme).num_rows == 0
