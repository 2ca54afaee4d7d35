"""Complications that are rarely or often written, counted as the grouping counts them."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tongpin.grouping.library import shipped_folder
from tongpin.grouping.tables.interpreter import Case, Walk
from tongpin.grouping.tables.read import load_scheme
from tongpin.twin.causes.complications import ABOVE, BELOW, complication_cases, complication_table, with_complications

SCHEME = load_scheme(shipped_folder() / "demo-drg", "demo-drg")
CC, MCC = min(SCHEME.cc), min(SCHEME.mcc)
EXCLUDED = next(code for code in SCHEME.exclusion if SCHEME.exclusion[code] == SCHEME.cc[CC])
PLAIN = "Z00.000"
CODES = st.sampled_from([*sorted(SCHEME.cc)[:6], *sorted(SCHEME.mcc)[:6], *sorted(SCHEME.exclusion)[:12], PLAIN])


def pages(rows: list[dict[str, Any]]) -> pa.Table:
    plain = {"status": "grouped", "level": "三级", "dept": "03.01", "adrg": "ES3", "drg": "ES35D", "los": 5}
    made = [plain | {"case_id": f"p{number}", "doctor_code": "D1"} | row for number, row in enumerate(rows)]
    return pa.Table.from_pylist(made)


def coded(*lists: list[str]) -> list[tuple[int, int]]:
    found = with_complications(pa.table({"dx": pa.array(list(lists), pa.list_(pa.string()))}), SCHEME)
    return list(zip(found["complicated"].to_pylist(), found["other_count"].to_pylist(), strict=True))


def test_listed_secondaries_count_unless_the_principal_excludes_them() -> None:
    assert coded([PLAIN, CC], [PLAIN, MCC], [EXCLUDED, CC]) == [(1, 1), (1, 1), (0, 1)]
    assert coded([CC], [PLAIN, PLAIN], []) == [(0, 0), (0, 1), (0, 0)]


@settings(max_examples=60)
@given(cases=st.lists(st.lists(CODES, min_size=1, max_size=5), min_size=1, max_size=6))
def test_complications_are_those_of_the_grouping(cases: list[list[str]]) -> None:
    expected = []
    for dx in cases:
        walk = Walk(SCHEME, Case(dx=tuple(dx)), tuple(dx), (), gates=False)
        expected.append(int(bool(walk.complications("cc") or walk.complications("mcc"))))
    assert [one for one, _ in coded(*cases)] == expected


def hospital(code: str, count: int, complicated: int, **more: Any) -> list[dict[str, Any]]:
    return [
        {"institution_code": code, "complicated": int(number < complicated), "other_count": 2} | more
        for number in range(count)
    ]


def test_rarely_and_often_written_are_both_shown_against_the_level() -> None:
    rows = complication_table(pages([*hospital("H1", 40, 5), *hospital("H2", 40, 35), *hospital("H3", 40, 20)]))
    told = {one.institution_code: (one.verdict, one.with_count, one.expected_count) for one in rows}
    assert told == {"H1": (BELOW, 5, pytest.approx(20)), "H2": (ABOVE, 35, pytest.approx(20))}
    assert rows[0].institution_code == "H1"
    assert rows[0].low < rows[0].expected_count < rows[0].high


def test_few_cases_other_levels_and_other_departments_are_not_compared() -> None:
    others = hospital("H2", 40, 30)
    assert complication_table(pages([*hospital("H1", 9, 0), *others])) == ()
    assert complication_table(pages([*hospital("H1", 40, 0, level="二级"), *others])) == ()
    assert complication_table(pages([*hospital("H1", 40, 0, dept="07.04"), *others])) == ()
    assert complication_table(pages(hospital("H1", 40, 0))) == ()


def test_the_cases_to_read_again_lay_as_long_as_those_with_a_complication() -> None:
    rows = pages(
        [
            *hospital("H1", 20, 1),
            *hospital("H1", 2, 0, los=12, other_count=0),
            *hospital("H2", 40, 30, los=9),
        ]
    )
    found = complication_cases(rows, complication_table(rows))
    assert [(one.institution_code, one.stay_days, one.other_diagnoses) for one in found] == [("H1", 12, 0)] * 2
    assert found[0].usual_stay_days == pytest.approx((30 * 9 + 5) / 31)
    assert not hasattr(found[0], "total_fee_fen")  # whoever codes sees no money


def test_ungrouped_pages_are_left_out() -> None:
    rows = [*hospital("H1", 40, 5, status="ungrouped"), *hospital("H2", 40, 20), *hospital("H3", 40, 20)]
    assert complication_table(pages(rows)) == ()
