"""The cases of a meeting pack: each reason has its test, each case its words, none a name."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from causes_cases import fen, line, lines
from hypothesis import given
from hypothesis import strategies as st

from tongpin.base.errors import TongpinError
from tongpin.payment.review.candidates import Candidate
from tongpin.twin.monthly.cases import Beside, _in_turn, cases_to_look_at, mean_stays
from tongpin.twin.monthly.catalogue import MeetingRules, checked_meeting, load_meeting
from tongpin.twin.monthly.meeting import split_groups
from tongpin.twin.monthly.open_lists import OpenList

ON = date(2025, 7, 10)
STAYS = {"AA11D": (6.0, 40)}


def chosen(rows: list[dict[str, Any]], **beside: Any):
    return cases_to_look_at(lines(rows), "04.04", Beside(ON, **({"stays": STAYS} | beside)), load_meeting())


def reasons(rows: list[dict[str, Any]], **beside: Any) -> dict[str, tuple[str, ...]]:
    return {one.number: one.reasons for one in chosen(rows, **beside).cases}


def waiting(state: str, over: int = 0, message: str = "") -> OpenList:
    return OpenList(
        "H1", "L1", "BA1", "04.04", "2025-06", state, date(2025, 7, 1), 9, date(2025, 7, 5), over, None, message
    )


def test_a_fee_far_above_the_standard_is_looked_at_and_said_in_figures() -> None:
    # 15,000 yuan against a standard of 10,000 is the limit of 1.5; 14,999 is not.
    found = chosen([line("A", service=11_000), line("B", service=10_999)])
    assert [(one.number, one.reasons) for one in found.cases] == [("A", ("far_above",))]
    assert found.cases[0].why == ("费用 15,000.00 元，为支付标准 10,000.00 元的 1.50 倍，未到极高界",)


def test_a_long_stay_is_long_beside_the_group_and_by_days() -> None:
    # Twice 6 days and 5 days more are asked for: 12 is long, 11 is not.
    assert reasons([line("A", stay=12), line("B", stay=11)]) == {"A": ("long_stay",)}
    assert reasons([line("A", stay=12)], stays={"AA11D": (6.0, 19)}) == {}
    assert reasons([line("A", stay=6)], stays={"AA11D": (2.0, 40)}) == {}
    assert chosen([line("A", stay=12)]).cases[0].why == ("住院 12 天，全区域同组平均 6.0 天（40 例）",)


def test_outliers_are_looked_at_the_high_before_the_low() -> None:
    rows = [line("A", outlier="LOW"), line("B", service=40_000, outlier="HIGH"), line("C")]
    assert reasons(rows) == {"B": ("high_outlier",), "A": ("low_outlier",)}


def test_a_death_in_a_group_of_low_risk_leads_and_another_death_is_no_reason() -> None:
    rows = [line("A", service=40_000, outlier="HIGH"), line("B", discharge_way="5")]
    assert list(reasons(rows, low_risk=frozenset({"AA11D"}))) == ["B", "A"]
    assert list(reasons(rows, low_risk=frozenset({"ZZ99D"}))) == ["A"]


def test_a_returned_list_stands_with_its_message_and_without_money() -> None:
    found = chosen([], open_lists=(waiting("校验退回", 5, "诊断编码有误"),))
    (one,) = found.cases
    assert (one.number, one.reasons) == ("BA1", ("returned",))
    assert one.why == ("清单被退回，2025-07-01 起第 9 天，重传已超期 5 日：诊断编码有误",)
    assert "元" not in one.why[0]


def test_a_list_that_is_not_sent_counts_once_it_is_overdue() -> None:
    assert chosen([], open_lists=(waiting("草稿", 5),)).cases[0].reasons == ("overdue",)
    assert chosen([], open_lists=(waiting("草稿"),)).cases == ()


def test_lists_of_other_departments_stay_out() -> None:
    assert chosen([], open_lists=(waiting("校验退回")._replace(dept="03.04"),)).cases == ()


def candidate(days: int, application: str | None = None) -> Candidate:
    """A list that meets the criterion of fees."""
    return Candidate(
        *("H1", "医院H1", "A", "2025-06", "AA11D", 5, fen(8_000), fen(10_000), fen(10_000), fen(500)),
        criteria=("fee_standard",),
        deadline=date(2025, 7, 30),
        days_left=days,
        application=application,
    )


def test_a_case_that_may_be_reviewed_is_flagged_before_the_deadline_only() -> None:
    assert chosen([line("A")], special={"A": candidate(20)}).cases[0].why == (
        "可申报特例单议（费用远超支付标准），2025-07-30 截止，还有 20 天，尚未申报",
    )
    assert chosen([line("A")], special={"A": candidate(-1)}).cases == ()
    assert chosen([line("A")], special={"A": candidate(20, "申请1")}).cases == ()


def test_five_reasons_come_before_five_cases_of_one() -> None:
    rows = [line(f"H{number}", service=40_000 + number, outlier="HIGH") for number in range(6)]
    rows += [line("L", stay=30), line("F", service=16_000)]
    found = chosen(rows)
    assert [one.number for one in found.cases] == ["H5", "F", "L", "H4", "H3"]
    assert found.found == 8


@given(st.lists(st.lists(st.integers(0, 9), unique=True), max_size=5))
def test_every_case_comes_once(orders: list[list[int]]) -> None:
    taken = _in_turn(orders)
    assert sorted(taken) == sorted({at for order in orders for at in order})


def test_means_of_stays_count_the_known_ones() -> None:
    assert mean_stays(lines([line("A", stay=4), line("B", stay=8), line("C", stay=None)])) == {"AA11D": (6.0, 2)}


def test_groups_with_few_cases_are_neither_best_nor_worst() -> None:
    def row(drg: str, count: int, result: int) -> dict[str, Any]:
        return {"drg": drg, "case_count": count, "result_fen": result, "total_fee_fen": 0, "standard_fen": 0}

    rows = [row("A", 12, 500), row("B", 9, 9_000), row("C", 30, -700), row("D", 10, 800), row("E", 11, -1)]
    best, worst, rest = split_groups(rows, 1, 1)
    assert ([one["drg"] for one in best], [one["drg"] for one in worst]) == (["D"], ["C"])
    assert rest is not None
    assert (rest["group_count"], rest["case_count"], rest["result_fen"]) == (3, 32, 9_499)


def test_words_that_name_what_their_test_does_not_give_are_refused() -> None:
    rules = load_meeting()
    broken = rules.reasons[0].model_copy(update={"words": "费用 {fee} 元"})
    with pytest.raises(TongpinError, match="不认识 fee"):
        checked_meeting(MeetingRules(candidates=rules.candidates, settings=rules.settings, reasons=(broken,)))
