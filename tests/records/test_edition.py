"""The reading edition: what a date switches, and what an edition may not say (S004-02)."""

from __future__ import annotations

import sys
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import yaml

from tongpin.base.errors import RecordsError
from tongpin.records.views.edition import (
    DEMONSTRATION,
    EDITION_FILE,
    Edition,
    choose_source,
    dictionary_on,
    open_edition,
    out_of_date_codes,
    shipped_edition,
    with_code_version,
)
from tongpin.store.home import Home

sys.path.insert(0, str(Path(__file__).parent))
from edition_samples import LIST, PAGE, at, table

EDITION = shipped_edition()
RAW: dict[str, Any] = yaml.safe_load(Path(EDITION.file).read_text(encoding="utf-8"))


def changed(folder: Path, change: Any) -> Edition:
    data = yaml.safe_load(Path(EDITION.file).read_text(encoding="utf-8"))
    change(data)
    path = folder / EDITION_FILE
    path.write_text(yaml.safe_dump(data, allow_unicode=True), encoding="utf-8")
    return Edition.load(path)


def settled(day: date, **more: Any) -> dict[str, Any]:
    return LIST | {"settlement_date": day, "discharge_time": at(day)} | more


@pytest.mark.parametrize(
    ("day", "version", "mapped"),
    [(date(2020, 3, 22), "clinical", 0), (date(2020, 3, 23), "insurance", 0)],
)
def test_lists_switch_to_the_insurance_codes_on_the_day(day: date, version: str, mapped: int) -> None:
    (row,) = with_code_version(table(settled(day)), EDITION).to_pylist()
    assert (row["code_version"], row["code_map"]) == (version, mapped)


@pytest.mark.parametrize(("day", "mapped"), [(date(2020, 3, 22), 0), (date(2020, 3, 23), 1)])
def test_pages_stay_clinical_and_are_mapped_once_schemes_read_insurance_codes(day: date, mapped: int) -> None:
    (row,) = with_code_version(table(PAGE | {"discharge_time": at(day)}), EDITION).to_pylist()
    assert (row["code_version"], row["code_map"]) == ("clinical", mapped)


def test_what_a_record_declares_stands_and_what_nobody_says_stays_open() -> None:
    rows = [
        settled(date(2025, 6, 1), code_version="clinical"),
        {"source": "plain", "case_id": "p", "code_map": 1},
        {"source": "plain", "case_id": "q"},
    ]
    found = with_code_version(table(*rows), EDITION).to_pylist()
    assert [(row["code_version"], row["code_map"]) for row in found] == [("clinical", 1), (None, 1), (None, 0)]


@pytest.mark.parametrize(
    ("day", "pay_mode", "chosen"),
    [
        (date(2020, 5, 19), "drg", "front_page"),
        (date(2020, 5, 20), "drg", "settlement_list"),
        (date(2020, 5, 20), "observed", "front_page"),
        (date(2020, 5, 20), None, "settlement_list"),
    ],
)
def test_one_of_list_and_page_groups_the_stay(day: date, pay_mode: str | None, chosen: str) -> None:
    cases = table(settled(day), PAGE | {"discharge_time": at(day)})
    found = choose_source(cases, EDITION, pa.array([pay_mode, pay_mode], pa.string()))
    assert found["source"].to_pylist() == [chosen]


def test_the_list_s_settlement_date_decides_for_its_page_too() -> None:
    """Discharged on the 19th, settled on the 20th: the list groups, though the page alone knows the 19th only."""
    discharge = at(date(2020, 5, 19))
    cases = table(
        LIST | {"discharge_time": discharge, "settlement_date": date(2020, 5, 20)}, PAGE | {"discharge_time": discharge}
    )
    assert choose_source(cases, EDITION)["source"].to_pylist() == ["settlement_list"]


def test_a_stay_with_one_record_keeps_it() -> None:
    day = at(date(2020, 5, 1))
    cases = table(
        LIST | {"discharge_time": day, "settlement_date": day.date()},
        PAGE | {"record_no": "R2"},
        {"source": "plain", "case_id": "x"},
    )
    assert choose_source(cases, EDITION).num_rows == 3


def test_an_edition_may_choose_by_institution(tmp_path: Path) -> None:
    def by_hospital(data: dict[str, Any]) -> None:
        data["parameters"]["grouping.source"] |= {
            "by": ["institution_code"],
            "values": {date(2020, 5, 20): {"H1": "front_page", "*": "settlement_list"}},
            "reference": {},
        }

    edition = changed(tmp_path, by_hospital)
    cases = table(LIST, PAGE, LIST | {"institution_code": "H2"}, PAGE | {"institution_code": "H2"})
    found = choose_source(cases, edition).to_pylist()
    assert [(row["institution_code"], row["source"]) for row in found] == [
        ("H1", "front_page"),
        ("H2", "settlement_list"),
    ]


def test_paper_codes_of_the_insurance_go_out_of_use_on_a_day() -> None:
    before, after = (dictionary_on("hi_type", day, EDITION) for day in (date(2021, 6, 30), date(2021, 7, 1)))
    assert (before["1"], "1" in after, after["310"]) == ("310", False, "310")
    assert dictionary_on("hi_type", date(2025, 1, 1))["1"] == "310", "without an edition both are known"
    assert dictionary_on("dscg_way", date(2025, 1, 1), EDITION)["5"] == "5", "a dictionary not listed is not limited"


def test_codes_out_of_use_are_listed_with_their_list() -> None:
    rows = [
        settled(date(2021, 6, 30), insurance_code="1"),
        settled(date(2021, 7, 1), insurance_code="1", case_id="late"),
        settled(date(2021, 7, 1), insurance_code="310"),
        settled(date(2021, 7, 1), insurance_code="no code at all"),
    ]
    found = out_of_date_codes(table(*rows, details=("insurance_code",)), EDITION).to_pylist()
    assert [(row["case_id"], row["column"], row["code"]) for row in found] == [("late", "insurance_code", "1")]


def test_an_entry_of_a_dictionary_may_carry_its_own_days(monkeypatch: pytest.MonkeyPatch) -> None:
    entries = (
        {"dictionary": "d", "code": "a", "value": "1", "valid_from": "2024-01-01", "valid_until": "2024-12-31"},
        {"dictionary": "d", "code": "b", "value": "", "valid_from": "", "valid_until": ""},
    )
    monkeypatch.setattr("tongpin.records.views.edition.rows", lambda _: entries)
    days = (date(2023, 12, 31), date(2024, 1, 1), date(2024, 12, 31), date(2025, 1, 1))
    assert [dictionary_on("d", day) for day in days] == [{"b": None}, *[{"a": "1", "b": None}] * 2, {"b": None}]


REFUSED = [
    (lambda data: data.update(colour="red"), "colour"),
    (lambda data: data["parameters"].pop("code.version"), "code.version"),
    (lambda data: data["parameters"].update({"code.colour": data["parameters"]["code.version"]}), "code.colour"),
    (lambda data: data["parameters"]["code.version"].update(unit="count"), "unit"),
    (lambda data: data["parameters"]["code.version"].update(by=["dept"]), "by"),
    (lambda data: data["parameters"]["code.version"].update(assumed=False), "reference"),
    (lambda data: data["parameters"]["list.item_total"].pop("checked_on"), "checked_on"),
    (lambda data: data["parameters"]["list.item_total"].update(values={date(2020, 1, 1): 191}), "list.item_total"),
    (lambda data: data["parameters"]["code.grouping"].update(values={date(2020, 1, 1): "ours"}), "code.grouping"),
    (lambda data: data["parameters"]["dictionary.codes"].update(by=[]), "dictionary.codes"),
    (lambda data: data["parameters"]["list.item_total"].update(reference={date(2001, 1, 1): "x"}), "reference"),
]


@pytest.mark.parametrize(("change", "named"), REFUSED)
def test_a_fault_of_an_edition_is_refused_with_its_place(tmp_path: Path, change: Any, named: str) -> None:
    with pytest.raises(RecordsError) as refused:
        changed(tmp_path, change)
    assert refused.value.code == "edition.invalid"
    assert named in refused.value.where + refused.value.message
    assert refused.value.hint


def test_a_home_may_bring_the_edition_of_its_area(tmp_path: Path) -> None:
    home = Home.open(tmp_path / "home")
    assert open_edition(home).id == DEMONSTRATION
    folder = home.policies / "west"
    folder.mkdir(parents=True)
    changed(folder, lambda data: data.update(id="west"))
    assert (open_edition(home).id, open_edition(home, "west").id) == ("west", "west")
    assert open_edition(home, "elsewhere").id == DEMONSTRATION, "the caller sees that the area has none of its own"


def test_what_is_assumed_is_named() -> None:
    assert [key for key, one in RAW["parameters"].items() if not one.get("assumed")] == ["list.item_total"]
    assert len(EDITION.assumed) == len(RAW["parameters"]) - 1
