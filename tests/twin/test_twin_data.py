"""The twin's data: mirror map, red lines, portfolio, settings."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sample_month import POLICY_INFO

from tongpin.base.errors import TongpinError
from tongpin.measures.catalogue import load_definitions
from tongpin.twin.basis import definition_text, department_labels, read_basis
from tongpin.twin.catalogue import (
    anchor_text,
    load_pairs,
    load_red_lines,
    load_settings,
    measure,
)
from tongpin.twin.portfolio.catalogue import load_classes
from tongpin.twin.portfolio.classes import class_table, classify, losing_months


def test_four_pairs_each_with_both_sides() -> None:
    assert [pair.reference for pair in load_pairs()] == ["S000-01", "S000-02", "S000-03", "S000-04"]
    for pair in load_pairs():
        assert all(measure(name).population == "医保DRG" for name in pair.insurance.measures)
        assert all(measure(name).population == "全部出院" for name in pair.assessment.measures)


def test_every_measure_of_a_pair_has_an_anchor_and_only_one_a_national_number() -> None:
    anchors = {
        name: anchor_text(measure(name))
        for pair in load_pairs()
        for name in (*pair.insurance.measures, *pair.assessment.measures)
    }
    assert all(anchors.values())
    assert [name for name, anchor in anchors.items() if anchor.startswith("国考")] == ["discharge.low_risk_mortality"]
    assert anchors["discharge.low_risk_mortality"] == "国考 14"
    assert anchors["discharge.cmi"] == "高质量发展评价"
    assert anchors["discharge.drug_share"] == "仅文档"


def test_red_lines_are_the_documents_and_warn_only() -> None:
    lines = {line.id: line for line in load_red_lines()}
    assert (lines["drug_share"].limit_e4, lines["consumable_share"].limit_e4) == (2_500, 2_000)
    assert lines["group_fee"].limit_e4 == 11_000
    assert all("文件口径" in line.basis for line in lines.values())
    assert "S001-26" in lines["drug_share"].note
    assert "不扣款" in lines["group_fee"].note


def test_an_unknown_measure_is_refused() -> None:
    with pytest.raises(TongpinError) as caught:
        measure("discharge.beauty")
    assert caught.value.code == "twin.measure"


@pytest.mark.parametrize(
    ("weight_e4", "losing_run", "expected"),
    [
        (20_000, 9, "strategic"),
        (19_999, 0, "middle"),
        (15_000, 9, "middle"),
        (14_999, 9, "efficient"),
        (10_000, 9, "efficient"),
        (9_999, losing_months(), "guided"),
        (9_999, losing_months() - 1, "watched"),
        (9_999, 0, "basic"),
    ],
)
def test_the_bounds_of_the_portfolio(weight_e4: int, losing_run: int, expected: str) -> None:
    assert classify(np.array([weight_e4]), np.array([losing_run])) == [expected]


@given(st.lists(st.tuples(st.integers(0, 200_000), st.integers(0, 40)), min_size=1))
def test_every_group_has_exactly_one_class_and_only_losing_light_ones_are_guided(rows: list[tuple[int, int]]) -> None:
    weight, run = (np.array(column) for column in zip(*rows, strict=True))
    classes = classify(weight, run)
    assert set(classes) <= {one.id for one in load_classes()}
    for one, each_weight, each_run in zip(classes, weight, run, strict=True):
        assert (one == "guided") == (each_weight < 10_000 and each_run >= losing_months())
        assert (one == "strategic") == (each_weight >= 20_000)


def test_no_class_is_called_obsolete_in_front_of_physicians() -> None:
    assert all("淘汰" not in one.label for one in load_classes())


def test_settings_no_document_gives_are_assumed() -> None:
    assert {one.id for one in load_settings().values() if one.assumed} == set(load_settings())


def test_limits_are_written_with_units_people_use() -> None:
    texts = {one.id: definition_text(one) for one in (*load_definitions().values(), *load_settings().values())}
    assert texts["grouping.excluded_fee_fen"] == ("5.00", "元")
    assert texts["weight.low_below_e4"] == ("1.00", "权重")
    assert texts["department.tolerance_e4"] == ("3.00", "百分点")
    assert texts["department.minimum_cases"] == ("30", "例")
    assert not any(unit.isascii() for _, unit in texts.values())


def test_a_class_counts_its_groups_of_few_cases() -> None:
    groups = {"class": ["strategic", "strategic", "guided"], "case_count": [19, 20, 5]}
    sums = {"weight_e4": [1, 2, 4], "result_fen": [1, -2, -4]}
    rows = {row["class"]: row for row in class_table(pa.table(groups | sums)).to_pylist()}
    assert [rows["strategic"][name] for name in ("group_count", "few_count", "case_count")] == [2, 1, 39]
    assert rows["guided"]["few_count"] == 1
    assert rows["efficient"] == {
        "class": "efficient",
        "group_count": 0,
        "few_count": 0,
        "case_count": 0,
        "weight_e4": 0,
        "result_fen": 0,
    }


def test_department_names() -> None:
    assert department_labels()["04.03"] == "骨科"
    assert department_labels()["50.01"] == "中医内科"


def test_a_basis_with_a_missing_or_unknown_key_is_refused() -> None:
    for change in ({"colour": "red"}, {"weight_edition": None}):
        with pytest.raises(TongpinError) as caught:
            read_basis(POLICY_INFO | change)
        assert caught.value.code == "twin.policy_info"
        assert next(iter(change)) in caught.value.where


def test_what_rests_on_assumptions_says_so() -> None:
    basis = read_basis(POLICY_INFO)
    confirmed = read_basis(POLICY_INFO | {"assumed": (), "weights_assumed": False})
    assert basis.simulated(measure("settlement.result"))
    assert not confirmed.simulated(measure("settlement.result"))
    assert basis.simulated(measure("discharge.cmi"))
    assert not confirmed.simulated(measure("discharge.cmi"))
    assert confirmed.simulated(measure("discharge.low_risk_mortality"))
    assert not basis.simulated(measure("discharge.drug_share"))


def test_the_basis_names_period_edition_and_benchmark() -> None:
    basis = read_basis(POLICY_INFO)
    assert basis.basis_text(measure("discharge.cmi"), "2025-06") == "按出院月 2025-06；权重版本：demo-drg 2025"
    assert "固定基期 2024-06" in basis.basis_text(measure("discharge.time_index.mean_form"), "2025-06")
    same = read_basis(POLICY_INFO | {"benchmark_month": "2025-06"})
    assert "同期 2025-06" in same.basis_text(measure("discharge.time_index.mean_form"), "2025-06")
