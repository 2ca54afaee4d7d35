"""Full-size months and whole hospitals: what `--cases` builds and what it leaves out."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tongpin.base.errors import TongpinError
from tongpin.demo.calendar import Month, apportion
from tongpin.demo.choice import always_built, choose, month_order
from tongpin.demo.profile import GRADES
from tongpin.demo.setting import prepare


@pytest.fixture(scope="module")
def county(scheme_folder):
    return prepare("county-west", scheme_folder, 20250601)


def months(choice):
    return [str(month.month) for month in choice.months]


def whole_month(setting, text):
    return sum(setting.list_count(Month.parse(text), hospital) for hospital in range(55))


def test_the_order_is_june_then_june_before_then_backwards(setting):
    order = [str(month) for month in month_order(setting)]
    assert order[:4] == ["2025-06", "2024-06", "2025-05", "2025-04"]
    assert order[11:14] == ["2024-08", "2024-07", "2024-05"]
    assert order[-1] == "2022-01"
    assert len(set(order)) == 42


def test_the_42_months_have_1252850_lists(setting):
    assert setting.list_counts.shape == (42, 55)
    assert setting.list_counts.sum() == 1_252_850
    assert setting.list_counts.min() >= 1


def test_a_month_is_as_large_whatever_is_asked(setting):
    whole = choose(setting, None, months=42)
    assert sum(month.total for month in whole.months) == 1_252_850
    few = choose(setting, None, months=2)
    assert few.months == whole.months[:2]


def test_more_months_than_there_are_are_refused(setting):
    with pytest.raises(TongpinError) as refused:
        choose(setting, None, months=43)
    assert refused.value.code == "demo.months"


def test_more_lists_than_there_are_give_all_and_say_so(setting):
    choice = choose(setting, 2_000_000)
    assert sum(month.total for month in choice.months) == 1_252_850
    assert "1252850" in choice.notes[0]


def test_the_county_has_226479_lists_in_half_a_year(county):
    assert county.list_counts.shape == (6, 170)
    assert county.list_counts.sum() == 226_479
    assert [str(month) for month in month_order(county)][:3] == ["2025-06", "2025-05", "2025-04"]


@given(st.integers(3, 10**6), st.lists(st.floats(0.01, 1e6), min_size=1, max_size=3))
def test_shares_in_whole_numbers_sum_to_the_whole_and_are_near(total, weights):
    shares = apportion(total, np.array(weights))
    assert shares.sum() == total
    assert shares.min() >= 1
    rest = total - len(weights)
    assert all(
        abs(one - 1 - rest * weight / sum(weights)) <= 1.001 for one, weight in zip(shares, weights, strict=True)
    )


def test_the_default_is_the_first_three_months_whole(setting):
    choice = choose(setting, None)
    assert months(choice) == ["2025-06", "2024-06", "2025-05"]
    assert all(len(month.lists) == 55 for month in choice.months)
    assert not choice.notes


def test_june_before_is_a_few_percent_smaller(setting):
    assert 0.94 <= whole_month(setting, "2024-06") / whole_month(setting, "2025-06") <= 0.99


def test_a_month_that_fits_exactly_is_whole(setting):
    exactly = whole_month(setting, "2025-06")
    assert months(choose(setting, exactly)) == ["2025-06"]
    assert choose(setting, exactly).months[0].total == exactly


def test_hospitals_are_left_out_whole_and_one_of_each_grade_stays(setting):
    june = whole_month(setting, "2025-06")
    choice = choose(setting, june - 1)
    (month,) = choice.months
    assert 0 < month.left_out < 55
    assert {setting.hospitals[hospital].grade for hospital in month.lists} == set(GRADES)
    assert month.lists == {hospital: setting.list_count(month.month, hospital) for hospital in month.lists}
    assert "整院略去" in choice.notes[0]


def test_a_first_month_too_small_takes_the_smallest_of_each_grade(setting):
    choice = choose(setting, 10)
    assert sorted(choice.months[0].lists) == sorted(always_built(setting))
    assert "多于要求" in choice.notes[0]


def test_a_later_month_too_small_is_left_out_and_said(setting):
    june = whole_month(setting, "2025-06")
    choice = choose(setting, june + 100)
    assert months(choice) == ["2025-06"]
    assert choice.notes == (
        f"2024-06 未生成：余下 100 份不足四个等级各一家医院（至少 {smallest_set(setting, '2024-06')} 份）",
    )


def smallest_set(setting, text):
    return sum(setting.list_count(Month.parse(text), hospital) for hospital in always_built(setting))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cases=st.integers(min_value=1, max_value=200_000))
def test_whatever_is_asked_months_are_never_thinned(setting, cases):
    choice = choose(setting, cases)
    assert all(month.left_out == 0 for month in choice.months[:-1])
    for month in choice.months:
        assert {setting.hospitals[hospital].grade for hospital in month.lists} == set(GRADES)
        assert all(count == setting.list_count(month.month, hospital) for hospital, count in month.lists.items())
    total = sum(month.total for month in choice.months)
    assert total <= max(cases, smallest_set(setting, "2025-06"))


@pytest.mark.parametrize("cases", [5_000, 20_000])
def test_a_partial_month_is_filled_as_far_as_hospitals_fit(setting, cases):
    month = choose(setting, cases).months[0]
    out = set(range(55)) - set(month.lists)
    assert all(setting.list_count(month.month, hospital) > cases - month.total for hospital in out)
