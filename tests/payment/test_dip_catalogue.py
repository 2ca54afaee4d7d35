"""The DIP catalogue: what becomes core and what composite, how it is weighted, written, read and refused."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pyarrow as pa
import pytest
from dip_cases import MONTHS, RULES, TABLES, built, days, history, national, stay, table, usual
from hypothesis import given, settings
from hypothesis import strategies as st

from tongpin.base.errors import PolicyError
from tongpin.payment.dip.build import build_catalogue, build_rules, weighted_mean, year_places
from tongpin.payment.dip.catalogue import load_catalogue
from tongpin.payment.dip.check import check_catalogue


def test_core_diseases_are_those_with_enough_cases():
    groups = usual().catalogue.by_code
    assert groups["I20.0:36.0700+88.5500"].kind == "core"
    assert groups["I20.0:36.0700"].cases == (10, 10, 10)
    assert groups["I20.0:BSZL"].type == "conservative"
    assert groups["K80.0:51.2300"].name == "K80.0（51.2300）"
    assert "I20.1:88.5500" not in groups


def test_the_others_fold_into_composite_diseases_by_type():
    groups = usual().catalogue.by_code
    composite = {code: (one.type, sum(one.cases)) for code, one in groups.items() if one.kind == "composite"}
    assert composite == {
        "I20:ZDXCZ": ("diagnostic", 3),
        "I20:BSZL": ("conservative", 4),
        "K80:SS": ("surgery", 6),
        "K80:ZLXCZ": ("therapeutic", 3),
    }
    assert groups["I20:BSZL"].name == "心绞痛（保守治疗）"


def test_the_threshold_is_inclusive():
    rows = [stay(n, "J18.900", (), 5000, 2022 + n % 3) for n in range(15)]
    assert set(built(rows).catalogue.by_code) == {"J18.9:BSZL"}
    assert set(built(rows[:14]).catalogue.by_code) == {"J18:BSZL"}


def test_a_case_counts_for_one_core_disease_only():
    """Cases of a core disease with a related procedure do not help the coarser one over the limit."""
    fine = [stay(n, "I20.000", ("36.0700", "88.5500"), 9000) for n in range(15)]
    coarse = [stay(100 + n, "I20.000", ("36.0700",), 8000) for n in range(10)]
    assert set(built([*fine, *coarse]).catalogue.by_code) == {"I20.0:36.0700+88.5500", "I20:SS"}
    assert set(built([*fine[:14], *coarse]).catalogue.by_code) == {"I20.0:36.0700"}


def test_the_threshold_may_count_the_newest_year_only():
    rows = [stay(n, "J18.900", (), 5000, 2022 + n % 3) for n in range(15)]
    newest = RULES._replace(threshold_counts="newest")
    assert set(built(rows, newest).catalogue.by_code) == {"J18:BSZL"}
    assert set(built(rows, newest._replace(threshold=5)).catalogue.by_code) == {"J18.9:BSZL"}


def test_years_are_weighted_one_two_seven():
    one = usual().catalogue.by_code["I20.0:36.0700"]
    assert one.mean_fen == (2_250_000, 2_500_000, 2_750_000)
    assert one.weighted_mean_fen == (2_250_000 + 2 * 2_500_000 + 7 * 2_750_000) // 10
    assert weighted_mean((3, 0, 2), (100, 0, 200), (1, 2, 7)) == 188  # 1500 / 8, rounded half up


def test_a_procedure_is_related_from_its_share_of_the_fee_on():
    rows = [stay(n, "I20.000", ("36.0700", "88.5500"), 10_000) for n in range(15)]
    cases = table(rows)

    def codes(fee_fen):
        with_fees = cases.append_column("px_fee_fen", pa.array([[800_000, fee_fen]] * 15))
        found = build_catalogue(
            with_fees, days(cases), MONTHS, RULES, TABLES, catalogue_id="demo-dip", title="x", source="y"
        )
        return set(found.catalogue.by_code)

    assert codes(100_000) == {"I20.0:36.0700+88.5500"}
    assert codes(99_999) == {"I20.0:36.0700"}


def test_procedures_without_value_are_dropped_before_counting():
    rows = [stay(n, "I20.000", ("93.9900", "36.0700", "93.9900"), 10_000) for n in range(15)]
    assert set(built(rows).catalogue.by_code) == {"I20.0:36.0700"}


def test_a_procedure_without_type_is_told_and_keeps_its_cases_out_of_composite():
    found = built([*history(), stay(900, "I20.900", ("99.9999",), 5000)])
    (finding,) = [one for one in found.findings if one.rule_id == "DIP-T001"]
    assert finding.value == "99.9999"
    assert found.history["mdc"].to_pylist()[-1] == "none"


def test_sections_may_stand_in_for_categories():
    from tongpin.payment.dip.catalogue import Section

    tables = TABLES._replace(sections=(Section("I20-I25", "缺血性心脏病", "I20", "I25"),))
    rows = [stay(n, dx, (), 5000) for n, dx in enumerate(("I20.100", "I24.900", "J18.900"))]
    groups = built(rows, RULES._replace(composite_level="section"), tables).catalogue.by_code
    assert {code: sum(one.cases) for code, one in groups.items()} == {"I20-I25:BSZL": 2, "J18:BSZL": 1}


def test_fewer_than_three_years_are_told_and_more_refused():
    cases = table(history())
    place = year_places(days(cases), MONTHS)
    assert sorted(set(place)) == [1, 2, 3]
    assert set(year_places(days(cases), ("2024-01", "2024-12"))) == {0, 3}
    with pytest.raises(PolicyError, match=r"dip\.months"):
        year_places(days(cases), ("2021-12", "2024-12"))
    with pytest.raises(PolicyError, match=r"dip\.months"):
        year_places(days(cases), ("2022年", "2024-12"))


def test_a_history_without_cases_is_refused():
    with pytest.raises(PolicyError, match=r"dip\.history"):
        built([stay(1, "I20.000", (), 0)])
    with pytest.raises(PolicyError, match=r"dip\.history"):
        built([stay(1, "I20.000", (), 100, sex=None)])


def test_a_catalogue_is_the_same_after_writing_and_reading(tmp_path):
    catalogue = usual().catalogue
    catalogue.write(tmp_path)
    read = load_catalogue(tmp_path)
    assert read.digest == catalogue.digest
    assert read.by_code == catalogue.by_code
    assert read.level_means == catalogue.level_means
    catalogue.write(tmp_path)  # the same again changes nothing
    with pytest.raises(PolicyError, match=r"dip\.exists"):
        catalogue.only(lambda one: one.kind == "core").write(tmp_path)


@pytest.mark.parametrize(
    ("file", "old", "new", "code"),
    [
        ("group.csv", "group,name", "组,name", "dip.tables"),
        ("group.csv", "conservative", "magic", "dip.tables"),
        ("catalogue.csv", "threshold,15\n", "", "dip.tables"),
        ("level_mean.csv", "三级,", "三级,x", "dip.tables"),
    ],
)
def test_a_faulty_folder_is_refused_with_file_and_row(tmp_path, file, old, new, code):
    usual().catalogue.write(tmp_path)
    text = (tmp_path / file).read_text(encoding="utf-8")
    assert old in text
    (tmp_path / file).write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(PolicyError) as caught:
        load_catalogue(tmp_path)
    assert caught.value.code == code
    assert file in caught.value.where


def test_a_folder_without_its_tables_is_refused(tmp_path):
    with pytest.raises(PolicyError, match=r"dip\.missing"):
        load_catalogue(tmp_path)


def test_checks_name_what_contradicts_itself():
    catalogue = usual().catalogue
    assert [one.rule_id for one in check_catalogue(catalogue)] == []
    few = replace(catalogue, facts={**catalogue.facts, "threshold": "25"})
    assert {one.value for one in check_catalogue(few)} == {"I20.0:36.0700+88.5500", "K80.0:51.2300"}
    odd = replace(catalogue, zero_value=frozenset({"36.0700"}), level_means={("X", "三级"): (1, 100)})
    assert {"DIP-C003", "DIP-C005"} <= {one.rule_id for one in check_catalogue(odd)}


def test_the_rules_of_building_are_those_of_the_edition():
    assert build_rules(national(), date(2025, 1, 1)) == RULES


@settings(max_examples=60, deadline=None)
@given(
    counts=st.tuples(*[st.integers(0, 50)] * 3),
    mean=st.integers(1, 10**9),
    means=st.tuples(*[st.integers(1, 10**9)] * 3),
)
def test_the_weighted_mean_lies_among_the_years(counts, mean, means):
    assert weighted_mean(counts, (mean, mean, mean), (1, 2, 7)) == (mean if any(counts) else 0)
    used = [one for n, one in zip(counts, means, strict=True) if n]
    if used:
        assert min(used) <= weighted_mean(counts, means, (1, 2, 7)) <= max(used)


@settings(max_examples=8, deadline=None)
@given(factor=st.integers(2, 9))
def test_weights_do_not_change_with_the_value_of_money(factor):
    rows = [{**row, "total_fee_fen": row["total_fee_fen"] * factor} for row in history()]
    scaled, usual_ = built(rows).catalogue, usual().catalogue
    assert {c: one.rw_e4 for c, one in scaled.by_code.items()} == {c: one.rw_e4 for c, one in usual_.by_code.items()}
