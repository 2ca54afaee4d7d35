"""Several lists of one stay: left, marked or merged, and nothing lost on the way (practice §2)."""

from __future__ import annotations

import sys
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tongpin.base.errors import RecordsError
from tongpin.records.case.schema import DETAIL_SCHEMA, columns
from tongpin.records.formats.tables import rows
from tongpin.records.views.stay_lists import MERGED, join_stays

sys.path.insert(0, str(Path(__file__).parent))
from edition_samples import LIST, at, table

DETAILS = ("fees", "payers", "procedures", "icu_stays", "diagnoses", "stated_stay_days", "special_nursing_days")
FIRST = LIST | {
    "case_id": "L1",
    "admission_time": at(date(2025, 5, 1)),
    "discharge_time": at(date(2025, 5, 20)),
    "settlement_date": date(2025, 5, 20),
    "age": 0,
    "age_days": 300,
    "dx": ["C34.900"],
    "px": ["33.2400", "99.2500"],
    "total_fee_fen": 1_000,
    "patient_pay_fen": 300,
    "icu_hours": 1,
    "fees": [{"category": "01", "amount_fen": 1_000}],
    "payers": [{"fund": "310100", "amount_fen": 700}],
    "procedures": [
        {"code": "33.2400", "date": at(date(2025, 5, 3)), "principal": True},
        {"code": "99.2500", "date": at(date(2025, 5, 4)), "principal": False},
    ],
    "icu_stays": [{"ward": "1", "entry": at(date(2025, 5, 3)), "minutes": 100}],
    "stated_stay_days": 19,
}
LAST = FIRST | {
    "case_id": "L2",
    "admission_time": at(date(2025, 5, 20)),
    "discharge_time": at(date(2025, 6, 9)),
    "settlement_date": date(2025, 6, 9),
    "age": 1,
    "age_days": None,
    "dx": ["Z51.100", "C34.900"],
    "px": ["99.2500", "00.1000"],
    "total_fee_fen": 2_500,
    "patient_pay_fen": 500,
    "fees": [{"category": "01", "amount_fen": 500}, {"category": "09", "amount_fen": 2_000}],
    "payers": [{"fund": "310100", "amount_fen": 2_000}],
    "procedures": [
        {"code": "99.2500", "date": at(date(2025, 6, 1)), "principal": True},
        {"code": "33.2400", "date": at(date(2025, 5, 3)), "principal": True},
    ],
    "icu_stays": [
        {"ward": "1", "entry": at(date(2025, 5, 3)), "minutes": 100},
        {"ward": "1", "entry": at(date(2025, 6, 3)), "minutes": 140},
    ],
    "stated_stay_days": 20,
    "special_nursing_days": 2,
}


def merged(*lists: dict[str, Any], apart: Any = None) -> list[dict[str, Any]]:
    return join_stays(table(*lists, details=DETAILS), "merge", apart=apart).to_pylist()


def test_merged_lists_are_one_case_of_the_last_list() -> None:
    (case,) = merged(LAST, FIRST)
    assert (case["case_id"], case[MERGED]) == ("L2", ["L1", "L2"])
    assert case["dx"] == ["Z51.100", "C34.900"]
    assert case["px"] == ["99.2500", "00.1000", "33.2400"], "those of the last list lead"
    assert (case["total_fee_fen"], case["patient_pay_fen"]) == (3_500, 800)
    assert (case["admission_time"], case["discharge_time"]) == (at(date(2025, 5, 1)), at(date(2025, 6, 9)))
    assert (case["settlement_date"], case["los"]) == (date(2025, 6, 9), 39)
    assert (case["age"], case["age_days"]) == (0, 300), "the age is that of the admission"
    assert (case["stated_stay_days"], case["special_nursing_days"]) == (39, 2)


def test_merged_details_add_up_and_hold_each_thing_once() -> None:
    (case,) = merged(FIRST, LAST)
    assert [one["amount_fen"] for one in case["fees"]] == [1_000, 500, 2_000]
    assert [one["amount_fen"] for one in case["payers"]] == [700, 2_000]
    told = [(one["code"], one["date"].month, one["principal"]) for one in case["procedures"]]
    assert told == [("99.2500", 6, True), ("33.2400", 5, True), ("99.2500", 5, False)]
    assert len(case["icu_stays"]) == 2
    assert case["icu_hours"] == 4, "240 minutes of two stays, not one hour twice"


def test_an_amount_that_one_list_does_not_know_is_not_known_of_the_stay() -> None:
    (case,) = merged(FIRST | {"pool_pay_fen": 700}, LAST)
    assert case["pool_pay_fen"] is None


def test_left_or_marked_lists_keep_their_rows() -> None:
    cases = table(FIRST, LAST, LIST | {"case_id": "other", "mdtrt_id": "M2"})
    left, marked = (join_stays(cases, how) for how in ("each", "bed_day"))
    assert left.drop_columns([MERGED]).equals(cases)
    assert left[MERGED].null_count == 3
    assert marked["care_type"].to_pylist() == ["bed_day", "bed_day", "inpatient"]
    assert marked.drop_columns([MERGED, "care_type"]).equals(cases.drop_columns(["care_type"]))


@pytest.mark.parametrize(
    "other",
    [
        {"institution_code": "H2"},
        {"mdtrt_id": "M2"},
        {"mdtrt_id": None},
        {"care_type": "outpatient_special"},
        {"care_type": "outpatient"},
        {"source": "front_page"},
    ],
)
def test_lists_that_are_not_of_one_inpatient_stay_stay_apart(other: dict[str, Any]) -> None:
    found = merged(FIRST, LAST | other)
    assert [(row["case_id"], row[MERGED]) for row in found] == [("L1", None), ("L2", None)]


def test_lists_set_apart_join_nothing() -> None:
    third = LAST | {"case_id": "L3", "settlement_date": date(2025, 6, 20)}
    found = merged(FIRST, LAST, third, apart=pa.array([False, True, False]))
    assert [(row["case_id"], row[MERGED]) for row in found] == [("L2", None), ("L3", ["L1", "L3"])]


def test_lists_from_files_with_other_dictionaries_join() -> None:
    one, two = (table(row, details=DETAILS) for row in (FIRST, LAST))
    (case,) = join_stays(pa.concat_tables([one, two]), "merge").to_pylist()
    assert (case["dx"], case["px"][-1]) == (["Z51.100", "C34.900"], "33.2400")


def test_an_unknown_way_is_refused() -> None:
    with pytest.raises(RecordsError, match="不知道怎样处理中途结算"):
        join_stays(table(FIRST), "sum")  # type: ignore[arg-type]


def test_every_merge_rule_names_a_column() -> None:
    assert [row["column"] for row in rows("fields/stay_merge.csv") if row["column"] not in columns()] == []
    amounts = {name for name in DETAIL_SCHEMA.names if name.endswith("_fen")}
    assert amounts <= {row["column"] for row in rows("fields/stay_merge.csv")}, "money is never taken from one list"


@given(
    st.lists(
        st.tuples(st.sampled_from("ABC"), st.integers(1, 28), st.integers(0, 10**9), st.sampled_from(["x", "y", "z"])),
        max_size=12,
    )
)
def test_merging_loses_no_fen_no_list_and_no_procedure(stays: list[tuple[str, int, int, str]]) -> None:
    lists = [
        LIST
        | {
            "case_id": f"L{number}",
            "mdtrt_id": stay,
            "total_fee_fen": fee,
            "px": [px],
            "settlement_date": date(2025, 6, day),
            "discharge_time": datetime(2025, 6, day),  # noqa: DTZ001
            "admission_time": datetime(2025, 6, 1),  # noqa: DTZ001
        }
        for number, (stay, day, fee, px) in enumerate(stays)
    ]
    found = join_stays(table(*lists), "merge").to_pylist()
    assert len(found) == len({stay for stay, *_ in stays})
    assert sum(row["total_fee_fen"] for row in found) == sum(fee for _, _, fee, _ in stays)
    ids = [one for row in found for one in row[MERGED] or [row["case_id"]]]
    assert sorted(ids) == sorted(one["case_id"] for one in lists)
    for row in found:
        of_stay = [(day, number, px) for number, (stay, day, _, px) in enumerate(stays) if stay == row["mdtrt_id"]]
        assert set(row["px"]) == {px for _, _, px in of_stay}
        assert row["px"][0] == max(of_stay)[2]
        if row[MERGED]:
            assert row["los"] == max(max(day for day, _, _ in of_stay) - 1, 1)
