"""One definition of a fact serves every engine: the sums are the same in memory and in DuckDB."""

from __future__ import annotations

from typing import Any

import duckdb
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from tongpin.measures.compute import roll_up
from tongpin.measures.engine import sum_facts
from tongpin.measures.facts import case_facts

AMOUNTS = (
    *("weight_e4", "total_fee_fen", "drug_fee_fen", "consumable_fee_fen", "exam_fee_fen", "patient_pay_fen"),
    *("operation_count", "high_operation_count", "cost_fen", "standard_fen"),
    *("pool_payable_fen", "item_pool_fen", "other_funds_fen"),
)
SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in ("institution_code", "drg", "status", "discharge_way", "outlier_class")),
        ("los", pa.int32()),
        ("surgery_level", pa.int8()),
        *((name, pa.int64()) for name in AMOUNTS),
    ]
)
GROUPS = ("A", "B", "C")
MEANS = pa.table(
    {
        "drg": ["A", "B"],
        "mean_fee_fen": [900_000, 1],
        "mean_stay_e4": [70_000, 0],
        "mean_drug_fen": [1, 2],
        "mean_consumable_fen": [3, 4],
        "mean_exam_fen": [0, 7],
        "drug_share_e6": [250_000, 0],
        "consumable_share_e6": [200_000, 0],
    }
)
RISKS = pa.table({"drg": ["A", "C"], "risk_level": [1, 4]})
LIGHT = pa.table({"drg": ["B"], "listed": [1]})
AGAINST: dict[str, Any] = {"benchmark": MEANS, "regional": MEANS, "risk": RISKS, "light": LIGHT}

maybe = st.none() | st.integers(0, 2_000_000)
CASES = st.lists(
    st.fixed_dictionaries(
        {
            "institution_code": st.sampled_from(["H1", "H2"]),
            "drg": st.none() | st.sampled_from([*GROUPS, "D"]),
            "status": st.sampled_from(["grouped", "ungrouped", "ambiguous", "check_failed"]),
            "discharge_way": st.none() | st.sampled_from(["1", "5"]),
            "outlier_class": st.none() | st.sampled_from(["HIGH", "LOW", "NORMAL"]),
            "los": st.none() | st.integers(0, 90),
            "surgery_level": st.none() | st.integers(0, 4),
            **dict.fromkeys(AMOUNTS, maybe),
        }
    ),
    max_size=30,
)


@settings(max_examples=8, deadline=None)
@given(rows=CASES)
def test_every_engine_gives_the_same_sums(rows: list[dict[str, Any]]) -> None:
    cases = pa.Table.from_pylist(rows, schema=SCHEMA)
    by = ["institution_code", "drg"]
    here = roll_up(case_facts(cases, by, **AGAINST), by)
    assert sum_facts(cases, by, **AGAINST).to_pylist() == here.to_pylist()
    with duckdb.connect() as connection:
        others = {name: connection.from_arrow(table) for name, table in AGAINST.items()}
        assert sum_facts(connection.from_arrow(cases), by, **others).to_pylist() == here.to_pylist()


@given(rows=CASES)
@settings(max_examples=5, deadline=None)
def test_slices_add_up_to_the_whole(rows: list[dict[str, Any]]) -> None:
    cases = pa.Table.from_pylist(rows, schema=SCHEMA)
    whole = sum_facts(cases, (), **AGAINST)
    fine = sum_facts(cases, ["institution_code", "drg"], **AGAINST)
    if rows:
        assert roll_up(fine.drop_columns(["institution_code", "drg"]), ()).to_pylist() == whole.to_pylist()


def test_only_the_facts_asked_for_are_summed() -> None:
    cases = pa.table({"institution_code": ["H1", "H1"], "los": [3, 4], "surgery_level": [3, None]})
    found = sum_facts(cases, ["institution_code"], only=["stay_days", "high_surgery_count"])
    assert found.to_pylist() == [{"institution_code": "H1", "stay_days": 7, "high_surgery_count": 1}]


def test_what_is_unknown_is_counted_nowhere_else() -> None:
    row = dict.fromkeys(SCHEMA.names) | {"institution_code": "H1", "status": "grouped"}
    (found,) = sum_facts(pa.Table.from_pylist([row], schema=SCHEMA), ["institution_code"], **AGAINST).to_pylist()
    assert found["case_count"] == found["grouped_count"] == 1
    counted = {name for name, value in found.items() if value not in {0, "H1"}}
    assert counted == {"case_count", "grouped_count", "grouped_in_scope_count"}
