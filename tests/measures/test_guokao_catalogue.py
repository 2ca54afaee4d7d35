"""The indicator sets are whole: 56 and 28, with their monitored ones, and everything they name exists."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest

from tongpin.base.errors import TongpinError
from tongpin.measures.guokao.catalogue import (
    BETTER_HIGH,
    BETTER_LOW,
    FUTURE,
    SECONDARY,
    TERTIARY,
    Indicator,
    investment_of,
    load_checks,
    load_investments,
    load_items,
    load_manuals,
    load_set,
    load_settings,
)
from tongpin.measures.guokao.records import STREAM_LABELS
from tongpin.measures.guokao.tables import calendar_of, score_tables, write_tables
from tongpin.store.home import Home

MONITORED = [
    "4",
    "5",
    "6",
    "8",
    "9",
    "10",
    "13",
    "14",
    "17",
    "24",
    "31",
    "33",
    "34",
    "35",
    "36",
    "38",
    "39",
    "40",
    "41",
    "45",
    "46",
    "48",
    "50",
    "53",
    "54",
    "55",
]


def test_the_tertiary_set_has_56_indicators_of_which_26_are_monitored() -> None:
    found = load_set(TERTIARY)
    assert list(found) == [*(str(number) for number in range(1, 56)), "增1"]
    assert [one.number for one in found.values() if one.monitored] == MONITORED


def test_the_secondary_set_has_28_indicators_of_which_21_are_monitored() -> None:
    found = load_set(SECONDARY)
    assert list(found) == [str(number) for number in range(1, 29)]
    assert sum(one.monitored for one in found.values()) == 21


def test_every_indicator_has_formula_unit_and_parts() -> None:
    for name in (TERTIARY, SECONDARY):
        for one in load_set(name).values():
            assert one.formula
            assert one.unit
            assert one.data_source
            assert one.parts
            assert all(part.sub == one.number or part.sub.startswith(f"{one.number}.") for part in one.parts)


@pytest.mark.parametrize(("number", "parts"), [("7", 2), ("16", 2), ("45", 5), ("4", 1)])
def test_indicators_with_several_figures(number: str, parts: int) -> None:
    assert len(load_set(TERTIARY)[number].parts) == parts


@pytest.mark.parametrize("number", ["10", "49"])
def test_two_indicators_are_vectors(number: str) -> None:
    one = load_set(TERTIARY)[number]
    assert one.kind == "vector"
    assert len(one.parts) >= 3


def test_a_shared_formula_keeps_its_own_number() -> None:
    secondary, tertiary = load_set(SECONDARY)["24"], load_set(TERTIARY)["45"]
    assert secondary.formula == tertiary.formula
    assert [part.sub for part in secondary.parts] == ["24.1", "24.2", "24.3", "24.4", "24.5"]
    assert [part.items for part in secondary.parts] == [part.items for part in tertiary.parts]


def test_fourteen_formulas_are_confirmed_and_the_rest_is_marked_assumed() -> None:
    confirmed = [one.number for one in load_set(TERTIARY).values() if not one.assumed]
    assert confirmed == ["1", "2", "3", "4", "5", "6", "9", "17", "31", "33", "37", "38", "40", "50"]


def test_an_unknown_set_is_refused() -> None:
    with pytest.raises(TongpinError) as caught:
        load_set("quaternary")
    assert caught.value.code == "guokao.set"


def test_an_unknown_key_is_refused() -> None:
    with pytest.raises(ValueError, match="weight"):
        Indicator.model_validate({**load_set(TERTIARY)["4"].model_dump(), "weight": 10})


def test_every_item_says_rightly_which_records_give_it() -> None:
    streams = {one.records.partition(":")[0] for one in load_items().values() if one.records}
    assert streams <= set(STREAM_LABELS)


def test_checks_name_items_and_settings_that_exist() -> None:
    for check in load_checks():
        assert {*check.left, *check.right} <= set(load_items())
        assert (check.relation == "near") == bool(check.tolerance)
        assert not check.tolerance or check.tolerance in load_settings()


def test_manuals_lead_to_a_set_or_say_why_not() -> None:
    assert {one.manual: one.indicators for one in load_manuals().values() if one.indicators} == {
        "综合三级": TERTIARY,
        "综合二级": SECONDARY,
    }
    assert all(bool(one.indicators) != bool(one.reason) for one in load_manuals().values())


def test_weights_are_equal_sum_to_1000_and_are_of_the_monitored() -> None:
    for name in (TERTIARY, SECONDARY):
        weights = score_tables(name).weights
        monitored = [one.number for one in load_set(name).values() if one.monitored]
        assert list(weights) == monitored
        assert sum(Decimal(str(weight)) for weight in weights.values()) == 1000
        assert max(weights.values()) - min(weights.values()) <= 0.011


def test_the_future_indicator_has_no_weight_by_default() -> None:
    assert set(load_set(FUTURE)) & set(score_tables(TERTIARY).weights) == set()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("no,weight\n4,999\n", "999"),
        ("no,weight\n1,1000\n", "没有国家监测的指标 1"),
        ("no,points\n4,1000\n", "列应为"),
        ("no,weight\n4,500\n4,500\n", "重复"),
        ("no,weight\n4,很多\n", "不是数"),
    ],
)
def test_a_spoiled_weight_table_is_refused(tmp_path, text: str, says: str) -> None:
    home = Home.open(tmp_path)
    write_tables(home, TERTIARY)
    (tmp_path / "guokao" / "weights_tertiary.csv").write_text(text, encoding="utf-8")
    with pytest.raises(TongpinError, match=says) as caught:
        score_tables(TERTIARY, home)
    assert caught.value.code == "guokao.table"


def test_a_home_keeps_tables_of_its_own(tmp_path) -> None:
    home = Home.open(tmp_path)
    path = tmp_path / "guokao" / "weights_tertiary.csv"
    assert path in write_tables(home, TERTIARY)
    path.write_text("no,weight\n4,900\n展1,100\n", encoding="utf-8")
    assert score_tables(TERTIARY, home).weights == {"4": 900.0, "展1": 100.0}
    write_tables(home, TERTIARY)
    assert score_tables(TERTIARY, home).source == "本目录"


def test_the_calendar_falls_in_the_year_after_and_is_assumed_but_for_the_filing() -> None:
    steps = calendar_of(2025)
    assert {one.due.year for one in steps} == {2026}
    assert [one.due for one in steps] == sorted(one.due for one in steps)
    assert [(one.step, str(one.due)) for one in steps if not one.is_assumed] == [("filing", "2026-02-28")]


def test_every_monitored_indicator_with_a_better_side_has_something_to_invest_in() -> None:
    for name in (TERTIARY, SECONDARY):
        for one in load_set(name).values():
            if one.monitored and one.direction in {BETTER_HIGH, BETTER_LOW} and one.kind != "vector":
                assert investment_of(name, one), (name, one.number)


FORBIDDEN = re.compile("拒收|推诿|拒绝|不收|少收|劝退|分解|转出|提成|个人分成|奖金|淘汰|编码|升级诊断|高套|自费|成本")


def test_no_proposal_suggests_what_must_not_be_advised() -> None:
    assert [one.text for one in load_investments().values() if FORBIDDEN.search(one.text)] == []
    assert FORBIDDEN.search("调整编码提高分值")
