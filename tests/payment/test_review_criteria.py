"""Criteria and pay of special cases: one case that meets each test and one that does not, and figures by hand."""

from __future__ import annotations

import json
from datetime import date, datetime
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from clearing_cases import lines_of
from hypothesis import given
from hypothesis import strategies as st
from payment_cases import fen
from review_cases import close_months, keep, posted, review_edition, small_home

from tongpin.base.errors import PolicyError
from tongpin.payment.lists.workdays import open_workdays
from tongpin.payment.review.candidates import candidates
from tongpin.payment.review.criteria import Item, _met, criteria, deadline_of, judged, verdicts
from tongpin.payment.review.lines import Ground, grounds, with_departments
from tongpin.payment.review.pay import BY_ITEM, DECIDED, pay_of
from tongpin.store.home import Home

VECTORS = Path(__file__).resolve().parents[3] / "shared" / "spec" / "test_vectors.json"


def ground_of(folder: Path, *rows: dict[str, Any], **values: Any) -> tuple[Home, Ground]:
    home = Home.open(folder)
    review_edition(home, **values)
    close_months(home, lines_of(*rows))
    return home, grounds(home, "test")[2025]


def one_row(ground: Ground, case_id: str) -> pa.Table:
    place = ground.lines["case_id"].to_pylist().index(case_id)
    return ground.lines.slice(place, 1)


def met(home: Home, ground: Ground, case_id: str, criterion: str) -> bool:
    line = with_departments(home, one_row(ground, case_id))
    return bool(judged(line, ground.policy, (criterion,))[criterion][0])


PLAIN = [posted(f"n{number}", 1_000) for number in range(8)]


@pytest.mark.parametrize(
    ("criterion", "yes", "no"),
    [
        ("stay_days", {"los": 61}, {"los": 60}),
        ("stay_multiple", {"los": 91}, {"los": 90}),
        ("fee_standard", {"fee": 2_000.01}, {"fee": 2_000}),
        ("icu_hours", {"icu_hours": 72}, {"icu_hours": 71}),
    ],
)
def test_each_criterion_has_its_edge(tmp_path, criterion, yes, no):
    values = {"review__stay_multiple": 3.47}  # 90 < 3.47 x 26.1 = 90.567 < 91
    rows = [posted("yes", **({"fee": 1_500} | yes)), posted("no", **({"fee": 1_500} | no))]
    home, ground = ground_of(tmp_path, *PLAIN, *rows, **values)
    assert (met(home, ground, "yes", criterion), met(home, ground, "no", criterion)) == (True, False)


def test_the_fee_may_be_compared_with_the_mean_of_the_group(tmp_path):
    rows = [*PLAIN, posted("dear", 7_000), posted("other group", 1_000, drg="BB11D")]
    home, ground = ground_of(tmp_path, *rows, review__criteria=["fee_mean"], review__fee_mean=4.2)
    assert not met(home, ground, "dear", "fee_mean"), "4.2 x 15,000 / 9 is 7,000, the other group is no matter"
    (verdict,) = verdicts(one_row(ground, "dear"), ground.policy)
    assert not verdict.met
    assert verdict.text == "费用 7,000.00 元，须超过同组平均费用 1,666.67 元（9 例）的 4.2 倍 = 7,000.00 元：不符合"


def test_just_above_the_mean_of_the_group(tmp_path):
    rows = [*PLAIN, posted("dear", 7_000.02)]
    home, ground = ground_of(tmp_path, *rows, review__criteria=["fee_mean"], review__fee_mean=4.2)
    assert met(home, ground, "dear", "fee_mean"), "4.2 x 15,000.02 / 9 is 7,000.0093"


def test_departments_are_counted_once(tmp_path):
    home, ground = ground_of(tmp_path, *PLAIN, posted("many", 1_500), posted("few", 1_500))
    keep(home, {"case_id": "many", "admission_dept": "04", "transfer_depts": ["05", "04"]})
    keep(home, {"case_id": "few", "admission_dept": "04", "transfer_depts": ["04"]})
    assert (met(home, ground, "many", "departments"), met(home, ground, "few", "departments")) == (True, False)


def test_a_small_group_has_no_mean_to_compare_with(tmp_path):
    rows = [posted("long", 1_500, los=59), *(posted(f"n{number}", 1_000, los=1) for number in range(6))]
    home, ground = ground_of(tmp_path, *rows, review__mean_least_cases=8)
    assert not met(home, ground, "long", "stay_multiple")
    told = {one.criterion: one.text for one in verdicts(with_departments(home, one_row(ground, "long")), ground.policy)}
    assert told["stay_multiple"] == "同组只有 7 例，不与平均比"


def test_a_criterion_without_a_value_is_refused(tmp_path):
    home, ground = ground_of(tmp_path, *PLAIN, review__stay_days=None)
    with pytest.raises(PolicyError, match=r"policy\.gap.*review\.stay_days"):
        met(home, ground, "n0", "stay_days")


def test_reversed_lists_are_no_candidates_and_count_in_no_mean(tmp_path):
    red = posted("dear", 9_000, kind="reversal")
    _, ground = ground_of(tmp_path, *PLAIN, posted("dear", 9_000), red)
    assert "dear" not in ground.lines["case_id"].to_pylist()
    assert set(ground.lines["group_fee_fen"].to_pylist()) == {fen(8_000)}


def test_candidates_come_with_gain_deadline_and_quota(tmp_path):
    found = candidates(small_home(tmp_path), "2025-06", date(2025, 7, 28))
    assert [(one.list_id, one.gain_fen, one.criteria) for one in found.rows] == [
        ("dear", fen(4_000), ("fee_standard",)),
        ("long", fen(900), ("stay_days", "stay_multiple")),
        ("icu", fen(500), ("icu_hours",)),
    ]
    assert {(one.deadline, one.days_left) for one in found.rows} == {(date(2025, 7, 30), 2)}
    (quota,) = found.quotas
    assert (quota.cases, quota.limit, quota.used, quota.left) == (20, 2, 0, 2)
    assert candidates(small_home(tmp_path / "other"), "2025-05", date(2025, 7, 28)).rows == []


def test_a_list_that_would_gain_nothing_is_no_candidate(tmp_path):
    home, _ = ground_of(tmp_path, *PLAIN, posted("long but cheap", 900, los=70))
    assert candidates(home, "2025", date(2025, 7, 1)).rows == []


@pytest.mark.parametrize(
    ("basis", "last"),
    [("month", date(2025, 7, 10)), ("settlement", date(2025, 6, 25)), ("discharge", date(2025, 6, 22))],
)
def test_the_deadline_runs_from_the_day_of_the_edition(tmp_path, basis, last):
    row = posted("a", 1_000, discharge_time=datetime(2025, 6, 12))  # noqa: DTZ001
    home, ground = ground_of(tmp_path, row, review__deadline_basis=basis, review__deadline_days=10)
    assert deadline_of(one_row(ground, "a").to_pylist()[0], ground.policy, open_workdays(home)) == last


def test_the_deadline_of_december_runs_into_the_next_year(tmp_path):
    home, ground = ground_of(tmp_path, posted("a", 1_000, month="2025-12"))
    assert deadline_of(one_row(ground, "a").to_pylist()[0], ground.policy, open_workdays(home)) == date(2026, 1, 30)


def test_working_days_leave_out_weekends(tmp_path):
    row = posted("a", 1_000, month="2025-06")
    home, ground = ground_of(tmp_path, row, review__deadline_days=5, review__deadline_kind="working")
    # June 30, 2025 is a Monday: five working days on is the next Monday
    assert deadline_of(one_row(ground, "a").to_pylist()[0], ground.policy, open_workdays(home)) == date(2025, 7, 7)


def pay(folder: Path, fee: float, criterion: str = "other", item: Item | None = None, **values: Any):
    _, ground = ground_of(folder, *PLAIN, posted("dear", fee), **values)
    row = one_row(ground, "dear").to_pylist()[0]
    return pay_of(row, ground.policy, ground.on, criterion, item)


def test_pay_by_item_share_and_points(tmp_path):
    by_item = pay(tmp_path / "a", 5_000)
    assert (by_item.amount_fen, by_item.result) == (fen(5_000), BY_ITEM)
    share = pay(tmp_path / "b", 5_000, special__pay="decided", review__amount="share", review__share=0.7)
    assert (share.amount_fen, share.result) == (fen(1_000 + 0.7 * 4_000), DECIDED)
    assert share.steps[0]["source"] == "模拟"
    points = {
        "special__pay": "decided",
        "review__amount": "points",
        "points__decimals": 4,
        "points__scale": 100,
        "points__region_mean": fen(8_000),
        "points__value": fen(75),
    }
    # 5,000 / 8,000 x 100 = 62.5 points, at 75 yuan each
    assert pay(tmp_path / "c", 5_000, **points).amount_fen == fen(4_687.5)
    whole = pay(tmp_path / "d", 5_000, special__pay="decided", review__amount="by_item")
    assert (whole.amount_fen, whole.result) == (fen(5_000), DECIDED)


def test_an_amount_nobody_chose_is_refused(tmp_path):
    with pytest.raises(PolicyError, match=r"policy\.gap.*review\.amount"):
        pay(tmp_path, 5_000, special__pay="decided")


def test_new_technology_adds_the_item_less_the_mean_of_its_kind(tmp_path):
    # group: (8 x 1,000 + 9,000) / 9 = 1,888.89; drugs 30 % of every fee: 566.67; 9,000 > 2 x 1,888.89; 6,000 > 64 %
    found = pay(tmp_path, 9_000, "technology", Item("X", "新药", "drug", fen(6_000)))
    assert (found.amount_fen, found.result) == (fen(1_000) + fen(6_000) - fen(566.67), DECIDED)


@pytest.mark.parametrize(
    ("fee", "item", "is_met"), [(9_000, 6_000, True), (9_000, 5_760, False), (2_100, 2_000, False)]
)
def test_new_technology_has_two_tests(tmp_path, fee, item, is_met):
    home, ground = ground_of(tmp_path, *PLAIN, posted("dear", fee))
    line = with_departments(home, one_row(ground, "dear"))
    told = {one.criterion: one for one in verdicts(line, ground.policy, Item("X", "新药", "drug", fen(item)))}[
        "technology"
    ]
    assert told.met is is_met
    assert ("：符合；核增" in told.text) is is_met


@pytest.mark.needs("reference")
def test_new_technology_tv_a10(tmp_path):
    (told,) = [one for one in json.loads(VECTORS.read_text(encoding="utf-8")) if one["id"] == "TV-A10"]
    given_, expected = told["inputs"], told["expected"]
    count = 10  # so many others make the means of the group those of the vector
    fee = (given_["mean"] * (count + 1) - given_["cost"]) / count
    drug = (given_["std_drug"] * (count + 1) - given_["new"]) / count
    rows = [posted(f"n{number}", fee, drug_fee_fen=fen(drug)) for number in range(count)]
    dear = posted("dear", given_["cost"], given_["std"], drug_fee_fen=fen(given_["new"]))
    _, ground = ground_of(tmp_path, *rows, dear)
    item = Item("X", "新药", "drug", fen(given_["new"]))
    row = one_row(ground, "dear").to_pylist()[0]
    assert pay_of(row, ground.policy, ground.on, "technology", item).amount_fen == fen(expected["pay"])
    assert (
        f"核增 {expected['extra']:,}.00" in pay_of(row, ground.policy, ground.on, "technology", item).steps[0]["text"]
    )


class Fixed:
    """A look-up that says the same of every case."""

    def __init__(self, size: int, multiple_e4: int) -> None:
        self.size, self.multiple_e4 = size, multiple_e4

    def scaled(self, _key: str) -> Any:
        return np.full(self.size, self.multiple_e4)

    def numbers(self, _key: str) -> Any:
        return np.zeros(self.size, np.int64)


@given(fees=st.lists(st.integers(1, 10**9), min_size=1, max_size=12), multiple=st.integers(1, 99_999))
def test_above_a_multiple_of_the_mean_is_exact(fees, multiple):
    size = len(fees)
    table = pa.table({"fee_fen": fees, "group_fee_fen": [sum(fees)] * size, "group_cases": [size] * size})
    found = _met(criteria()["fee_mean"], table, Fixed(size, multiple)).tolist()
    limit = Fraction(multiple, 10_000) * Fraction(sum(fees), size)
    assert found == [fee > limit for fee in fees]
