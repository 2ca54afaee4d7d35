"""The examples of the documents: every file is read without an error, and all of them tell of the same three stays."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from records_samples import KEY

from tongpin.grouping.compiled.stage import group
from tongpin.grouping.library import DEMO_SCHEME, load_scheme, shipped_folder
from tongpin.records.case import schema
from tongpin.records.formats.tables import rows
from tongpin.records.intake.load import load_files
from tongpin.records.intake.read import read
from tongpin.records.readers.own_layouts import LAYOUTS, layout_fields, read_layout_file
from tongpin.store.home import Home

if TYPE_CHECKING:
    import pyarrow as pa

    from tongpin.records.intake.read import Loaded

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "export-guide.md"
EXAMPLES = Path(__file__).resolve().parents[2] / "docs" / "examples"
OWN_ROWS = {
    "institution": 2,
    "withdrawal": 1,
    "decision": 4,
    "settlement-result": 3,
    "receipt": 4,
    "fee-line": 29,
    "running-bill": 6,
    "outpatient-visit": 2,
    "trace-code": 2,
    "staff": 5,
    "department": 4,
    "cost": 5,
    "fund-series": 2,
    "bank-line": 2,
    "elsewhere-bill": 2,
    "alliance": 2,
    "finance": 2,
    "peer": 2,
    "code-map": 13,
}
NOT_IN_EXAMPLES = {
    # Only Chinese medicine, the dead and early texts of the interface have these.
    "outpatient_tcm_dx_code",
    "outpatient_tcm_dx_name",
    "autopsy",
    "stated_principal_flag",
    # The file has nothing beyond its format, and these are made later.
    "extra",
    "code_version",
    "item_filled",
    "item_due",
}
NOT_IN_OWN_EXAMPLES = {
    ("institution", "campus_of"),
    ("decision", "area"),
    ("decision", "group_code"),
    ("fee-line", "specification"),
    ("bank-line", "area"),
    ("elsewhere-bill", "area"),
    ("alliance", "area"),
    ("running-bill", "setl_id"),
    ("staff", "valid_until"),
    ("department", "valid_until"),
    ("cost", "group_code"),
    ("peer", "month"),
    ("code-map", "alternative_no"),
    ("code-map", "condition"),
    ("code-map", "valid_from"),
}
"""Fields that the three stays have no use for."""


def results() -> pa.Table:
    return read_layout_file(EXAMPLES / "own" / "settlement-result.csv", "settlement-result", KEY)[0]


def example(name: str, **options: Any) -> Loaded:
    return read(EXAMPLES / name, key=KEY, **options)


def filled(table: pa.Table) -> set[str]:
    """Columns with a value; an empty list is none."""
    return {name for name in table.column_names if any(one not in (None, []) for one in table[name].to_pylist())}


@pytest.mark.parametrize(
    ("name", "kind", "count"),
    [
        ("4101.json", "settlement-list", 3),
        ("4101-special.json", "settlement-list", 1),
        ("front-page.csv", "front-page", 3),
        ("front-page-zh.csv", "front-page", 3),
        ("plain.csv", "plain", 3),
    ],
)
def test_a_national_example_is_read_without_a_finding(name: str, kind: str, count: int) -> None:
    found = example(name)
    assert (found.kind, found.findings) == (kind, [])
    assert found.cases.num_rows == found.read_count == count


def test_the_new_interface_is_whole_together_with_its_results() -> None:
    alone = example("4101A.json")
    assert {one.rule_id for one in alone.findings} == {"REC-M003", "REC-X001"}
    together = example("4101A.json", results=results())
    assert together.findings == []
    assert together.cases.num_rows == 3


@pytest.mark.parametrize("layout", LAYOUTS)
def test_an_own_example_is_detected_and_read_without_a_finding(layout: str) -> None:
    found = example(f"own/{layout}.csv")
    assert (found.kind, found.findings, found.read_count) == (layout, [], OWN_ROWS[layout])
    assert found.table.num_rows == OWN_ROWS[layout]


def test_every_own_layout_has_its_example_and_fills_its_fields() -> None:
    assert sorted(path.stem for path in (EXAMPLES / "own").glob("*.csv")) == sorted(LAYOUTS)
    empty = set()
    for layout in LAYOUTS:
        there = filled(read_layout_file(EXAMPLES / "own" / f"{layout}.csv", layout, KEY)[0])
        empty |= {(layout, row["field"]) for row in layout_fields(layout) if row["column"] not in there}
    assert empty == NOT_IN_OWN_EXAMPLES


def test_the_national_examples_fill_the_case() -> None:
    loaded = [
        example("4101.json", results=results()),
        example("4101A.json", results=results()),
        example("4101-special.json"),
        example("front-page.csv"),
    ]
    there = set().union(*(filled(one.cases) | filled(one.persons) for one in loaded))
    assert {name for name in schema.columns() if "." not in name} - there == NOT_IN_EXAMPLES


def test_both_interfaces_and_the_front_page_tell_of_the_same_stays() -> None:
    old, new, page = (
        example(name, results=results() if name.startswith("4101") else None).cases
        for name in ("4101.json", "4101A.json", "front-page.csv")
    )
    grouped_by = ["sex", "age", "age_days", "birth_weight", "dept", "los", "discharge_way", "dx", "px", "icu_hours"]
    shared = [*grouped_by, "record_no", "admission_time", "discharge_time", "insurance", "care_type", "total_fee_fen"]
    assert old.select(shared).to_pylist() == page.select(shared).to_pylist()
    settled = [*shared, "case_id", "pool_pay_fen", "other_fund_pay_fen", "patient_pay_fen", "ventilation_minutes"]
    assert old.select(settled).to_pylist() == new.select(settled).to_pylist()


def test_code_and_chinese_headers_give_the_same_pages() -> None:
    codes, chinese = example("front-page.csv"), example("front-page-zh.csv")
    assert codes.cases.drop_columns(["file"]).equals(chinese.cases.drop_columns(["file"]))
    assert codes.persons.equals(chinese.persons)


def test_fee_lines_sum_to_the_items_of_their_lists() -> None:
    items = {
        (case["case_id"], fee["category"]): fee["amount_fen"]
        for case in example("4101.json").cases.to_pylist()
        for fee in case["fees"]
    }
    sums: dict[tuple[str, str], int] = defaultdict(int)
    for line in example("own/fee-line.csv").table.to_pylist():
        sums[line["setl_id"], line["category"]] += line["amount_fen"]
    assert sums == items


def test_all_examples_load_together_and_a_second_load_changes_nothing(tmp_path: Path) -> None:
    home = Home.open(tmp_path / "home")
    first = load_files(home, [EXAMPLES / "4101.json", EXAMPLES / "front-page.csv", EXAMPLES / "own"])
    assert [one.rule_id for one in first.findings] == ["REC-W001"]
    assert {name: first.new[name] for name in OWN_ROWS} == OWN_ROWS
    assert (first.new["settlement-list"], first.new["front-page"]) == (3, 3)
    again = load_files(home, [EXAMPLES / "own", EXAMPLES / "4101.json"])
    assert (sum(again.new.values()), sum(again.changed.values())) == (0, 0)
    assert again.unchanged["settlement-list"] == 3


@pytest.mark.parametrize("name", ["4101.json", "front-page.csv", "plain.csv"])
def test_the_guide_names_the_groups_of_the_three_stays(name: str) -> None:
    grouped = group(example(name).cases, load_scheme(shipped_folder() / DEMO_SCHEME))
    found = grouped["drg"].to_pylist()
    assert all(f"`{one}`" in GUIDE.read_text(encoding="utf-8") for one in found)
    assert len(set(found)) == 3


def test_the_running_bill_ends_at_the_fee_of_its_list() -> None:
    bill = example("own/running-bill.csv").table.to_pylist()
    assert [one["cumulative_amount_fen"] for one in bill][-1] == sum(one["day_amount_fen"] for one in bill)
    (stay,) = [one for one in example("4101.json").cases.to_pylist() if one["mdtrt_id"] == bill[0]["mdtrt_id"]]
    assert bill[-1]["cumulative_amount_fen"] == stay["total_fee_fen"]


def test_the_examples_name_no_real_person() -> None:
    named = {row["column"] for row in rows("fields/case_columns.csv") if row["column"].endswith("_name")}
    for name in ("4101.json", "front-page.csv"):
        loaded = example(name)
        for table in (loaded.cases, loaded.persons):
            for column in named & set(table.column_names) - {"outpatient_dx_name", "admission_dx_name"}:
                texts = [one for one in table[column].to_pylist() if one and column != "external_cause_name"]
                assert all(text.startswith("示例") for text in texts), column
