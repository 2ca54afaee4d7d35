"""The list and the front page of one stay: paired, translated, compared field by field, grouped alike (S001-70)."""

from __future__ import annotations

import sys
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tongpin.records.views.crosswalk import map_of_pairs, translate
from tongpin.records.views.edition import case_days, shipped_edition, with_code_version
from tongpin.records.views.same_source import SameSource, compare, compared_fields

sys.path.insert(0, str(Path(__file__).parent))
from edition_samples import LIST, PAGE, table

EDITION = shipped_edition()
DETAILS = ("transfer_depts", "coma_before_minutes")
MAP = map_of_pairs({"I63.900": "I63.900", "I10.x00x002": "I10.x00", "Q99": "Q99.9"}, {"38.9301": "38.9300"})


def by_principal(cases: pa.Table) -> pa.Table:
    """A grouping of its own: a group for every known principal diagnosis of the insurance version."""
    principal = [codes[0] if codes else "" for codes in cases["dx"].to_pylist()]
    known = [code in {"I63.900", "I10.x00"} for code in principal]
    drg = [code[:3] if good else "0000" for code, good in zip(principal, known, strict=True)]
    status = ["grouped" if good else "ungrouped" for good in known]
    return cases.append_column("status", pa.array(status)).append_column("drg", pa.array(drg))


def compared(lists: list[dict[str, Any]], pages: list[dict[str, Any]], code_map: pa.Table | None = MAP) -> SameSource:
    sides = (table(*rows, details=DETAILS) for rows in (lists, pages))
    return compare(*sides, EDITION, group=by_principal, code_map=code_map)


def told(found: SameSource) -> list[tuple[str, Any, Any, str]]:
    names = ("label", "list_value", "page_value", "severity")
    return [tuple(row[name] for name in names) for row in found.differences.to_pylist()]  # type: ignore[misc]


def test_a_stay_from_both_sources_is_the_same_case_in_the_same_group() -> None:
    found = compared([LIST], [PAGE])
    assert told(found) == []
    assert (found.rate, found.same_count, found.grouped_count, found.unpaired.num_rows) == (1.0, 1, 1, 0)
    (pair,) = found.pairs.to_pylist()
    assert (pair["list_case_id"], pair["page_case_id"], pair["list_drg"]) == ("L1", "H1-R1-1", "I63")
    assert set(found.summary["different"].to_pylist()) == {0}
    assert set(found.summary["label"].to_pylist()) >= {"性别", "主要诊断", "只在清单的手术操作", "总费用", "病组"}


def test_codes_are_compared_after_translation() -> None:
    page = PAGE | {"dx": ["I63.900", "I10.x00x002"], "px": ["38.9301"]}
    case = LIST | {"dx": ["I63.900", "I10.x00"], "px": ["38.9300"]}
    assert told(compared([case], [page])) == []
    apart = compared([case], [page], code_map=None)
    labels = {label for label, *_ in told(apart)}
    assert labels == {"只在清单的诊断", "只在首页的诊断", "主要手术操作"}


DIFFERENT = [
    ({"sex": 2}, ("性别", "1", "2", "error")),
    ({"age": 61}, ("年龄", "60", "61", "error")),
    ({"age": None}, ("年龄", "60", None, "error")),
    ({"discharge_way": "4"}, ("离院方式", "1", "4", "error")),
    ({"total_fee_fen": 600_001}, ("总费用", "6000.00", "6000.01", "error")),
    ({"patient_pay_fen": 1}, ("个人负担", "1000.00", "0.01", "info")),
    ({"dept": "04"}, ("出院科别", "03.03", "04", "warning")),
    ({"ventilation_minutes": 61}, ("呼吸机分钟", "0", "61", "error")),
    ({"coma_before_minutes": 5}, ("入院前昏迷分钟", "0", "5", "error")),
    ({"transfer_depts": ["03"]}, ("转科科别", "04|05", "03", "warning")),
    ({"dx": ["I63.900", "Q99"]}, ("只在首页的诊断", None, "Q99.9", "info")),
    ({"dx": ["I63.900", "nowhere"]}, ("只在首页的诊断", None, "?nowhere", "info")),
    ({"px": ["38.9301"]}, ("主要手术操作", None, "38.9300", "error")),
    ({"admission_time": datetime(2025, 6, 2, 9)}, ("入院时间", "2025-06-01 09:00:00", "2025-06-02 09:00:00", "error")),  # noqa: DTZ001
]


@pytest.mark.parametrize(("more", "row"), DIFFERENT, ids=[row[0] for _, row in DIFFERENT])
def test_a_difference_is_one_row_with_both_values(more: dict[str, Any], row: tuple[str, Any, Any, str]) -> None:
    found = compared([LIST | {"transfer_depts": ["04", "05"]}], [PAGE | {"transfer_depts": ["04", "05"]} | more])
    assert told(found) == [row]
    assert all(row["hint"] for row in found.differences.to_pylist())


@pytest.mark.parametrize(
    "more",
    [
        {"ventilation_minutes": 60},
        {"birth_weight": 3_010},
        {"insurance": None},
        {"admission_time": datetime(2025, 6, 1, 23)},  # noqa: DTZ001
        {"transfer_depts": []},
        {"icu_hours": 1},
    ],
)
def test_what_the_formats_round_or_lack_is_no_difference(more: dict[str, Any]) -> None:
    case = LIST | {"ventilation_minutes": 12, "birth_weight": 3_000, "insurance": "310", "transfer_depts": ["04"]}
    page = PAGE | {"ventilation_minutes": 60, "birth_weight": 3_000, "insurance": "310", "transfer_depts": ["04"]}
    assert told(compared([case], [page | more])) == []


def test_another_principal_needs_a_reason_and_shows_in_the_group() -> None:
    case = LIST | {"dx": ["I10.x00", "I63.900"]}
    page = PAGE | {"dx": ["I63.900", "I10.x00x002"]}
    found = compared([case], [page])
    assert told(found) == [("主要诊断", "I10.x00", "I63.900", "warning"), ("病组", "I10", "I63", "error")]
    assert (found.rate, found.pairs["same_group"].to_pylist()) == (0.0, [False])


def test_pairs_without_any_group_are_not_in_the_rate() -> None:
    nowhere = {"dx": ["Q99"]}
    found = compared([LIST | {"dx": ["Q99.9"]}], [PAGE | nowhere])
    assert (found.rate, found.pairs["same_group"].to_pylist()) == (None, [True])


def test_several_stays_of_a_day_are_told_by_their_admission() -> None:
    early, late = datetime(2025, 6, 5, 8), datetime(2025, 6, 7, 8)  # noqa: DTZ001
    lists = [LIST | {"case_id": "A", "mdtrt_id": "a", "admission_time": early, "los": 4}]
    lists += [LIST | {"case_id": "B", "mdtrt_id": "b", "admission_time": late, "los": 2}]
    pages = [PAGE | {"case_id": "b", "admission_time": late, "los": 2}]
    pages += [PAGE | {"case_id": "a", "admission_time": early, "los": 4}]
    found = compared(lists, pages)
    ids = zip(found.pairs["list_case_id"].to_pylist(), found.pairs["page_case_id"].to_pylist(), strict=True)
    assert sorted(ids) == [("A", "a"), ("B", "b")]
    assert told(found) == []


def test_what_cannot_be_paired_is_named_with_its_reason() -> None:
    twins = [LIST | {"case_id": name, "mdtrt_id": name} for name in ("A", "B")]
    found = compared([*twins, LIST | {"case_id": "C", "record_no": "R9"}], [PAGE, PAGE | {"record_no": None}])
    assert found.pairs.num_rows == 0
    reasons = {(row["case_id"], row["record_no"]): row["reason"][:4] for row in found.unpaired.to_pylist()}
    assert reasons[("A", "R1")] == reasons[("B", "R1")] == reasons[("H1-R1-1", "R1")] == "同一天出"
    assert reasons[("C", "R9")] == reasons[("H1-R1-1", None)] == "另一源没"


def test_interim_bills_are_one_stay_and_outpatient_lists_none() -> None:
    first = LIST | {"case_id": "L0", "settlement_date": date(2025, 6, 3), "total_fee_fen": 200_000}
    first |= {"discharge_time": datetime(2025, 6, 3), "patient_pay_fen": 50_000}  # noqa: DTZ001
    last = LIST | {"total_fee_fen": 400_000, "patient_pay_fen": 50_000}
    special = LIST | {"case_id": "S", "mdtrt_id": "s", "care_type": "outpatient_special"}
    found = compared([first, last, special], [PAGE])
    assert told(found) == []
    assert found.unpaired.num_rows == 0


def test_a_code_means_its_own_version_only_and_on_its_day() -> None:
    code_map = pa.table(
        {
            "kind": ["dx", "dx", "dx", "dx", "dx", None],
            "clinical_code": ["A", "A", "B", "B", "C", "D"],
            "insurance_code": ["old", "new", "b1", "b2", "c", "d"],
            "condition": [None, None, None, None, "女性", ""],
            "valid_from": pa.array([date(2024, 1, 1), date(2025, 6, 9), None, None, None, None], pa.date32()),
        }
    )
    rows = [LIST | {"code_version": "clinical", "dx": list("ABCDE"), "px": ["D"]} for _ in range(4)]
    days = (date(2023, 12, 31), date(2025, 6, 8), date(2025, 6, 9))
    for row, day in zip(rows, days, strict=False):
        row |= {"settlement_date": day}
    rows[3] |= {"code_version": "insurance"}
    cases = with_code_version(table(*rows), EDITION)
    done = translate(cases, code_map, case_days(cases, "settlement"))
    found = done.cases["dx"].to_pylist()
    assert [row[0] for row in found] == ["?A", "old", "new", "A"]
    assert found[0][1:] == ["?B", "?C", "d", "?E"], "two targets or a condition are not decided here"
    assert found[3] == list("ABCDE"), "what is in the version already stands"
    assert done.cases["px"].to_pylist() == [["d"], ["d"], ["d"], ["D"]]
    assert done.cases["code_version"].to_pylist() == ["insurance"] * 4
    assert set(done.cases["code_map"].to_pylist()) == {0}
    lost = done.unmapped.filter(pc.equal(done.unmapped["row"], 0))
    assert lost["code"].to_pylist() == ["A", "B", "C", "E"]


def test_a_map_is_read_backwards_for_the_other_direction() -> None:
    cases = table(LIST | {"code_version": "insurance", "code_map": 1, "dx": ["I10.x00"]})
    done = translate(cases, MAP, case_days(cases, "settlement"))
    assert done.cases["dx"].to_pylist() == [["I10.x00x002"]]
    assert done.cases["code_version"].to_pylist() == ["clinical"]


@given(st.lists(st.tuples(st.sampled_from(["R1", "R2", "R3", None]), st.integers(1, 4), st.booleans()), max_size=12))
def test_every_record_is_paired_once_or_named(records: list[tuple[str | None, int, bool]]) -> None:
    lists, pages = [], []
    for number, (record_no, day, is_list) in enumerate(records):
        row = LIST if is_list else PAGE
        row = row | {"record_no": record_no, "case_id": f"c{number}", "admission_time": datetime(2025, 6, day)}  # noqa: DTZ001
        (lists if is_list else pages).append(row | ({"mdtrt_id": f"m{number}"} if is_list else {}))
    found = compared(lists, pages)
    assert found.pairs.num_rows * 2 + found.unpaired.num_rows == len(records)
    ids = [*found.pairs["list_case_id"].to_pylist(), *found.pairs["page_case_id"].to_pylist()]
    assert sorted([*ids, *found.unpaired["case_id"].to_pylist()]) == sorted(f"c{n}" for n in range(len(records)))


def test_the_table_of_fields_is_whole() -> None:
    named = [(one.column, one.method) for one in compared_fields()]
    assert len(named) == len(set(named))
    assert all(one.hint for one in compared_fields())
