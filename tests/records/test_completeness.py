"""The data items of a list: how many should be there, how many are (S004-04)."""

from __future__ import annotations

import sys
import time
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from tongpin.records.case.schema import PERSON_SCHEMA
from tongpin.records.views.completeness import due_tests, fill_counts, fill_rates, list_items
from tongpin.records.views.edition import Edition, item_totals, shipped_edition

sys.path.insert(0, str(Path(__file__).parent))
from edition_samples import LIST, table

EDITION = shipped_edition()
DETAILS = ("fees", "payers", "diagnoses", "procedures", "special_diseases", "icu_stays", "transfusions")
NOBODY = pa.table({"psn_name": pa.array([None], pa.string())})
STATED = {"190": (32, 6, 57, 95), "193": (31, 6, 58, 98)}
GROUPS = ("基本信息", "门诊慢特病诊疗信息", "住院诊疗信息", "医疗收费信息")


def counts(row: dict[str, Any], persons: pa.Table = NOBODY, edition: Edition = EDITION) -> dict[str, int]:
    (found,) = fill_counts(table(row, details=DETAILS), persons, edition).to_pylist()
    return found


def change(row: dict[str, Any], **more: Any) -> tuple[int, int]:
    """How many more items are filled and due than of the plain list."""
    before, after = counts(row), counts(row | more)
    return after["item_filled"] - before["item_filled"], after["item_due"] - before["item_due"]


@pytest.mark.parametrize(("total", "stated"), STATED.items())
def test_the_items_of_an_edition_sum_to_its_stated_totals(total: str, stated: tuple[int, ...]) -> None:
    found = Counter(item.group for item in list_items() if int(total) in item.editions)
    assert tuple(found[group] for group in GROUPS) == stated
    assert sum(found.values()) == int(total)
    assert item_totals() == (190, 193)


def test_no_item_stands_twice() -> None:
    named = Counter((item.column, edition) for item in list_items() for edition in item.editions)
    assert [one for one, times in named.items() if times > 1] == []


def test_the_total_is_a_parameter_by_date(tmp_path: Path) -> None:
    text = Path(EDITION.file).read_text(encoding="utf-8")
    path = tmp_path / "records.yaml"
    path.write_text(
        text.replace("values: {2000-01-01: 190}", "values: {2000-01-01: 193, 2025-06-09: 190}").replace(
            "reference: {2000-01-01: S004-04}", "reference: {2000-01-01: x, 2025-06-09: S004-04}"
        ),
        encoding="utf-8",
    )
    edition = Edition.load(path)
    old, new = (counts(LIST | {"settlement_date": date(2025, 6, day)}, edition=edition) for day in (8, 9))
    assert (old["item_total"], new["item_total"]) == (193, 190)
    newborn = LIST | {"age": 0, "age_days": 3}
    older = counts(newborn | {"settlement_date": date(2025, 6, 8)}, edition=edition)
    newer = counts(newborn | {"settlement_date": date(2025, 6, 9)}, edition=edition)
    assert newer["item_due"] - older["item_due"] == 1, "the admission weight is an item of the 190 only"


def test_a_filled_item_counts_and_an_empty_one_is_only_due() -> None:
    assert change(LIST, dept=None) == (-1, 0)
    assert change(LIST, insured_region="320200") == (1, 0)


@pytest.mark.parametrize(
    ("more", "filled", "due"),
    [
        # A newborn: age in days for age in years, then type and both weights of a newborn.
        ({"age": 0, "age_days": 3}, 1, 3),
        ({"discharge_way": "2"}, 0, 2),
        ({"discharge_way": "5"}, 0, -1),
        ({"px": ["38.9300"]}, 0, 7),
        ({"px": ["96.7200"], "ventilation_minutes": 60}, 1, 8),
        ({"dx": ["S06.500"]}, 0, 2),
        # 17 inpatient items fewer (times, department and way of discharge were filled), 4 items of 慢特病 more.
        ({"care_type": "outpatient_special"}, -4, -13),
    ],
)
def test_what_a_case_is_decides_what_is_due(more: dict[str, Any], filled: int, due: int) -> None:
    assert change(LIST, **more) == (filled, due)


def test_a_fee_category_that_is_present_is_due_with_all_its_classes() -> None:
    one = {"category": "09", "amount_fen": 5, "class_a_fen": 5}
    assert change(LIST, fees=[one]) == (3, 5), "amount and 甲类 of the drug fee, and the sum of 甲类"
    assert change(LIST, payers=[{"fund": "330100", "amount_fen": 5}]) == (1, 1)
    assert change(LIST, payers=[{"fund": "310100", "amount_fen": 5}]) == (0, 0), "the pool has an item of its own"


def test_every_entry_of_a_list_must_be_filled() -> None:
    whole = {"code": "I63.900", "name": "脑梗死", "kind": "1", "admission_condition": "1", "principal": True}
    other = whole | {"principal": False}
    tcm = {"code": "A01", "kind": "2"}
    assert change(LIST, diagnoses=[whole]) == (3, 0)
    assert change(LIST, diagnoses=[whole, other, other]) == (6, 3)
    assert change(LIST, diagnoses=[whole, other, other | {"name": None}]) == (5, 3)
    assert change(LIST, diagnoses=[other, whole]) == (6, 3), "the flag, not the place, makes the principal one"
    assert change(LIST, diagnoses=[tcm, whole]) == (3, 0), "a TCM diagnosis is no other diagnosis"


def test_persons_count_where_they_are_known() -> None:
    person = pa.table({"psn_name": ["示例甲"], "certno": pa.array([None], pa.string())})
    assert counts(LIST, person)["item_filled"] == counts(LIST)["item_filled"] + 1
    assert counts(LIST, pa.table({}))["item_filled"] == counts(LIST)["item_filled"]


def test_a_list_without_any_date_has_no_total() -> None:
    undated = LIST | dict.fromkeys(("settlement_date", "discharge_time", "admission_time"))
    assert counts(undated) == {"item_filled": 0, "item_due": 0, "item_total": None}


def test_rates_by_hospital_agree_with_the_counts_of_its_lists() -> None:
    rows = [LIST, LIST | {"dept": None}, LIST | {"institution_code": "H2", "px": ["38.9300"]}]
    cases = table(*rows, details=DETAILS)
    rates = fill_rates(cases, EDITION, persons=pa.table({"psn_name": ["a", None, None]}))
    per_list = fill_counts(cases, pa.table({"psn_name": ["a", None, None]}), EDITION)
    assert sum(rates["filled"].to_pylist()) == sum(per_list["item_filled"].to_pylist())
    assert sum(rates["due"].to_pylist()) == sum(per_list["item_due"].to_pylist())
    department = {row["institution_code"]: row for row in rates.to_pylist() if row["column"] == "dept"}
    assert [(department[h]["filled"], department[h]["due"]) for h in ("H1", "H2")] == [(1, 2), (1, 1)]
    sealed = fill_rates(cases, EDITION)
    assert not set(sealed["column"].to_pylist()) & set(PERSON_SCHEMA.names)


def test_every_condition_is_used() -> None:
    assert set(due_tests()) == {item.due for item in list_items()}


def test_counting_keeps_pace_with_reading() -> None:
    """At least 200,000 lists a second are asked for; the test leaves room for a shared machine."""
    fees = [{"category": f"{n:02d}", "amount_fen": 1} for n in (1, 2, 3, 4, 5, 7, 9, 11)]
    diagnoses = [{"kind": "1", "code": "I63.900", "name": "x", "principal": n == 0} for n in range(6)]
    one = table(LIST | {"fees": fees, "diagnoses": diagnoses}, details=DETAILS)
    cases = one.take(pa.array([0] * 50_000))
    best = 1e9
    for _ in range(3):
        start = time.perf_counter()
        fill_counts(cases, NOBODY.take(pa.array([0] * 50_000)), EDITION)
        best = min(best, time.perf_counter() - start)
    assert 50_000 / best > 60_000
