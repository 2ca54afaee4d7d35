"""Which month a list belongs to, and in which it is posted."""

from __future__ import annotations

from datetime import date, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from payment_cases import case, grouped, make_policy, withdrawals

from tongpin.base.errors import PolicyError
from tongpin.payment.month.posting import LINE_SCHEMA, within_edition
from tongpin.payment.policy.period import (
    beyond_deadline,
    case_day,
    clearing_years,
    cutoff_day,
    natural_months,
    posting_months,
)


@pytest.fixture(scope="session")
def policy(tmp_path_factory):
    return make_policy(tmp_path_factory.mktemp("policy"))


def months(column):
    return np.datetime_as_string(column).tolist()


def test_three_dates_give_three_months_tv_p1():
    one = grouped(
        case(
            "c",
            1,
            0,
            settled=date(2025, 7, 2),
            accepted=date(2025, 7, 9),
            discharge_time=datetime(2025, 6, 30, 10),  # noqa: DTZ001
        ),
    )
    assert months(natural_months(one, "discharge")) == ["2025-06"]
    assert months(natural_months(one, "settlement")) == ["2025-07"]
    assert months(natural_months(one, "accepted")) == ["2025-07"]


@pytest.mark.parametrize(("basis", "year"), [("settlement", 2026), ("discharge", 2025)])
def test_a_stay_across_new_year_tv_p2(tmp_path, basis, year):
    policy = make_policy(tmp_path, change=lambda data: data["year_by"].update(value=basis))
    stay = case("c", 1, 0, settled=date(2026, 1, 3), discharge_time=datetime(2025, 12, 30, 9))  # noqa: DTZ001
    assert clearing_years(grouped(stay), policy).tolist() == [year]


@pytest.mark.parametrize(
    ("settled", "accepted", "posted"),
    [
        (date(2025, 6, 20), date(2025, 6, 25), "2025-06"),
        (date(2025, 6, 20), date(2025, 7, 10), "2025-06"),
        (date(2025, 6, 20), date(2025, 7, 11), "2025-07"),
        (date(2025, 6, 20), date(2025, 8, 10), "2025-07"),
        (date(2025, 6, 20), date(2025, 8, 11), "2025-08"),
        (date(2025, 6, 20), None, "2025-06"),
        (date(2025, 6, 5), date(2025, 6, 5), "2025-06"),
        (date(2025, 12, 20), date(2026, 1, 11), "2026-01"),
        (date(2025, 1, 3), date(2025, 1, 5), "2025-01"),
    ],
)
def test_a_list_accepted_after_the_cutoff_is_posted_later(policy, settled, accepted, posted):
    one = grouped(case("c", 1, 0, settled=settled, accepted=accepted))
    assert months(posting_months(one, policy)) == [posted]


@given(
    settled=st.dates(date(2025, 1, 1), date(2027, 12, 31)),
    later=st.integers(0, 400),
    more=st.integers(0, 400),
)
def test_a_list_is_never_posted_before_its_month_nor_earlier_by_coming_later(policy, settled, later, more):
    first, second = (
        grouped(case("c", 1, 0, settled=settled, accepted=date.fromordinal(settled.toordinal() + days)))
        for days in (later, later + more)
    )
    early, late = posting_months(first, policy)[0], posting_months(second, policy)[0]
    assert natural_months(first, "settlement")[0] <= early <= late
    assert cutoff_day(str(early), policy) >= first["accepted_date"][0].as_py()


def test_the_cutoff_lies_in_the_following_month_and_never_beyond_it(policy, tmp_path):
    assert cutoff_day("2025-06", policy) == date(2025, 7, 10)
    last = make_policy(tmp_path, {"calendar.month_cutoff_day": 31})
    assert cutoff_day("2025-01", last) == date(2025, 2, 28)


def test_a_list_without_a_date_is_named():
    with pytest.raises(PolicyError, match="1 个病例没有结算日期，例如 c2"):
        natural_months(grouped(case("c1", 1, 0), case("c2", 1, 0, settlement_date=None)), "settlement")


def test_the_date_of_one_row():
    row = case("c", 1, 0, settled=date(2025, 6, 20))
    assert case_day(row, "discharge") == case_day(row, "accepted") == date(2025, 6, 20)


DEADLINE = {"label": "补传截止", "unit": "month_day", "values": {date(2025, 1, 1): "03-31"}, "assumed": True}


def late_list(accepted: date, case_id: str = "late"):
    return grouped(case(case_id, 1, 0, settled=date(2025, 12, 20), accepted=accepted))


@pytest.fixture(scope="session")
def policy_with_deadline(tmp_path_factory):
    def add(data):
        data["parameters"]["calendar.late_list_deadline"] = DEADLINE

    return make_policy(tmp_path_factory.mktemp("deadline"), change=add)


@pytest.mark.parametrize(
    ("accepted", "beyond"),
    [(date(2025, 12, 31), False), (date(2026, 3, 31), False), (date(2026, 4, 1), True), (date(2027, 1, 5), True)],
)
def test_a_clearing_year_takes_late_lists_until_its_deadline(policy_with_deadline, accepted, beyond):
    assert beyond_deadline(late_list(accepted), policy_with_deadline).to_pylist() == [beyond]


def test_a_late_list_beyond_the_deadline_is_left_out_unless_it_replaces_a_withdrawn_one(policy_with_deadline):
    lists, none = late_list(date(2026, 4, 1)), LINE_SCHEMA.empty_table()
    out = within_edition(lists, none, withdrawals(), policy_with_deadline)
    assert (out.lines.num_rows, out.notes) == (0, ("1 份清单在清算年度的补传截止日之后才接收，不入账",))
    replaced = within_edition(lists, none, withdrawals(("old", date(2026, 4, 1), "late")), policy_with_deadline)
    assert (replaced.lines.num_rows, replaced.notes) == (1, ())


def test_a_deadline_that_the_edition_leaves_open_is_asked_only_by_a_late_list(policy):
    assert beyond_deadline(late_list(date(2025, 12, 31)), policy).to_pylist() == [False]
    with pytest.raises(PolicyError, match=r"policy\.gap.*calendar\.late_list_deadline"):
        beyond_deadline(late_list(date(2026, 1, 1)), policy)


@pytest.mark.parametrize("text", ["3-31", "02-29", "13-01", "03/31", "W10-1", ""])
def test_a_day_of_the_year_is_written_as_month_and_day(tmp_path, text):
    wrong = {**DEADLINE, "values": {date(2025, 1, 1): text}}
    with pytest.raises(PolicyError, match=r"(?s)policy\.invalid.*月-日"):
        make_policy(tmp_path, change=lambda data: data["parameters"].update({"calendar.late_list_deadline": wrong}))
