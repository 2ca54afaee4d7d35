"""The director's daily page, block by block, against figures added up by hand (S904-02)."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import pytest
from daily_home import CODE, ON, PNEUMONIA, YESTERDAY, a_bill, a_list, empty_home, full_home, keep, put

from tongpin.base.errors import PolicyError, TongpinError
from tongpin.payment.month.run import settle_in_home
from tongpin.twin.daily.catalogue import advice, load_daily
from tongpin.twin.daily.ground import ground_of
from tongpin.twin.daily.in_house import (
    BY_DIAGNOSIS,
    NEAR,
    NO_GROUP,
    OPERATED,
    OVER,
    OWN_GROUP,
    OWN_STANDARD,
    UNINSURED,
    in_house,
)
from tongpin.twin.daily.month_end import month_end
from tongpin.twin.daily.returned import returned
from tongpin.twin.daily.run import daily_in_home
from tongpin.twin.daily.special import special

if TYPE_CHECKING:
    from pathlib import Path

    from tongpin.store.home import Home
    from tongpin.twin.daily.run import Daily


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    return full_home(tmp_path_factory.mktemp("daily"))


@pytest.fixture(scope="module")
def page(home: Home) -> Daily:
    return daily_in_home(home, CODE, ON)


def test_yesterdays_discharges_count_once_and_stand_against_the_standard(page: Daily) -> None:
    made = page.of("yesterday")
    assert (made.cases, made.lists, made.pages, made.insured) == (4, 3, 1, 3)
    assert made.fee_fen == 1_450_000  # 3,000 + 9,000 + 500 + 2,000; the page of list A is the same stay
    assert (made.grouped, made.ungrouped) == (3, {"无法入组": 1})
    assert (made.paid, made.paid_fee_fen) == (2, 1_200_000)
    assert made.gross_fen == 342_000 + 740_655
    assert made.result_fen == -117_345
    assert [(one.drg, one.result_fen) for one in made.groups] == [("ES35D", -159_345), ("IU29D", 42_000)]


def test_a_bill_is_compared_with_the_group_of_the_hospital_or_of_the_diagnosis(page: Daily) -> None:
    made = page.of("in_house")
    by = {one.mdtrt_id: one for one in made.patients}
    own, over, near = by["OWN"], by["OVER"], by["NEAR"]
    assert (own.state, own.basis, own.standard_fen, own.over_fen) == (OVER, OWN_GROUP, 342_000, 8_000)
    assert (own.group, own.days, own.mean_days, own.dept) == ("IU29D", 5, 8.5, "呼吸科")
    assert (over.state, over.basis, over.group) == (OVER, BY_DIAGNOSIS, "ES3")
    assert (over.standard_fen, over.over_fen) == (1_481_309, 18_691)
    assert (near.state, near.standard_fen) == (NEAR, 1_481_309)  # beyond 80 % of 7,406.55, not beyond the heaviest
    assert (by["EXACT"].state, by["EXACT"].basis) == (NEAR, OWN_STANDARD)  # the standard itself is not passed
    assert [one.mdtrt_id for one in made.of(OVER)] == ["OVER", "OWN"]


def test_what_cannot_be_compared_says_why(page: Daily) -> None:
    made = page.of("in_house")
    by = {one.mdtrt_id: one for one in made.patients}
    assert {name: by[name].state for name in ("NONE", "SELF", "STENT", "KNIFE")} == {
        "NONE": NO_GROUP,
        "SELF": UNINSURED,
        "STENT": OPERATED,
        "KNIFE": OPERATED,
    }
    assert all(by[name].standard_fen is None for name in ("NONE", "SELF", "STENT", "KNIFE"))
    assert by["WOMAN"].group[0] == "N"  # a diagnosis of women finds its group though a bill names no sex


def test_who_was_discharged_or_has_no_bill_of_the_last_day_is_not_in_house(page: Daily) -> None:
    made = page.of("in_house")
    assert {"M-A", "GONE"} & {one.mdtrt_id for one in made.patients} == set()
    figures = made.figures()
    assert (figures["patients"], figures["bed_days"], figures["over"], figures["over_bed_days"]) == (9, 45, 2, 10)
    assert figures["over_fen"] == 8_000 + 18_691


def test_returns_by_reason_with_their_clock(page: Daily) -> None:
    made = page.of("returned")
    assert made.sentence == "今天退回 2 份，其中 2 份同一原因（主要诊断笼统）"
    first, second = made.reasons
    assert (first.reason, first.today, first.yesterday, first.waiting) == ("主要诊断笼统", 2, 0, 2)
    assert (first.due, first.days_left) == (date(2025, 6, 18), 7)  # five working days after the 11th
    assert (second.reason, second.today, second.yesterday, second.waiting) == ("没有诊断", 0, 1, 1)
    assert (second.due, second.days_left, second.overdue) == (date(2025, 6, 17), 6, 0)


def test_an_overdue_return_is_told(home: Home) -> None:
    late = returned(ground_of(home, CODE, date(2025, 6, 19), None))
    assert late.total("overdue") == 3
    assert (late.sentence, late.due) == ("今天、昨日没有退回的清单", date(2025, 6, 17))


def test_few_days_give_the_sums_so_far_and_no_estimate(page: Daily) -> None:
    made = page.of("month_end")
    assert (made.closed, made.expected, made.low) == (False, None, None)
    assert "不足 14 天" in made.reason
    # A, B, D and R1 to R4; D has no group and is paid by item, so that it neither gains nor loses.
    assert (made.so_far.cases, made.so_far.result_fen) == (7, 5 * 42_000 - 159_345)


def test_the_rest_of_a_month_follows_working_days(tmp_path: Path) -> None:
    home = empty_home(tmp_path)
    days = [date(2025, 5, day) for day in range(12, 31)] + [date(2025, 6, day) for day in (3, 4, 5, 6, 9, 10)]
    keep(home, *(a_list(f"W{day}", day) for day in days if day.weekday() < 5))
    made = month_end(ground_of(home, CODE, ON, None))
    assert (made.so_far.cases, made.work_left, made.rest_left) == (6, 14, 6)
    # One list of +420.00 on every working day, none on days off: 2 June is a holiday.
    assert (made.expected.cases, made.expected.result_fen) == (20, 20 * 42_000)
    assert (made.low, made.high) == (made.expected, made.expected)


def test_an_interval_holds_the_estimate_and_never_less_than_what_is_known(tmp_path: Path) -> None:
    home = empty_home(tmp_path)
    days = [date(2025, 5, day) for day in range(12, 32)] + [date(2025, 6, day) for day in range(1, 11)]
    keep(home, *(a_list(f"V{day}-{n}", day, fee=2500 + 300 * n) for day in days for n in range(day.day % 5)))
    made = month_end(ground_of(home, CODE, ON, None))
    for name in made.expected._fields:
        assert getattr(made.low, name) <= getattr(made.expected, name) <= getattr(made.high, name)
    assert made.low.cases >= made.so_far.cases
    assert made.low.cases < made.high.cases
    assert month_end(ground_of(home, CODE, ON, None)) == made


def test_a_closed_month_shows_what_it_was_closed_with_and_its_candidates(tmp_path: Path) -> None:
    home = empty_home(tmp_path)
    keep(home, a_list("A", YESTERDAY), *(a_list(f"H{n}", YESTERDAY, PNEUMONIA, 20_000) for n in range(3)))
    settled = settle_in_home(home, "2025-06").settlement.statement.to_pylist()
    page = daily_in_home(home, CODE, ON)
    made = page.of("month_end")
    assert (made.closed, made.so_far.cases) == (True, 4)
    assert made.so_far.pool_payable_fen == sum(row["month_pool_payable_fen"] for row in settled)
    assert made.cash_transfer_fen == sum(row["cash_transfer_fen"] for row in settled)
    candidates = page.of("special")
    assert {one.list_id for one in candidates.lists} == {"H0", "H1", "H2"}
    assert all(one.days_left >= 0 for one in candidates.lists)
    assert special(ground_of(home, CODE, date(2025, 12, 31), None)).lists == ()


def test_a_day_without_data_says_what_brings_it(tmp_path: Path) -> None:
    page = daily_in_home(empty_home(tmp_path), CODE, ON)
    missing = {one.block.id: one.missing for one in page.told}
    assert all(one.figures is None for one in page.told)
    assert "病案首页（HQMS）、结算清单（4101）" in missing["yesterday"]
    assert "在院费用（running-bill）" in missing["in_house"]
    assert "上传回执（receipt）" in missing["returned"]
    assert "结算结果（settlement-result）" in missing["month_end"]
    assert "tongpin settle" in missing["special"]


def test_old_bills_are_not_taken_for_today(tmp_path: Path) -> None:
    home = empty_home(tmp_path)
    put(home, "running-bill", a_bill("X", 100, date(2025, 6, 7)))
    assert in_house(ground_of(home, CODE, ON, None)).bill_date == date(2025, 6, 7)
    assert in_house(ground_of(home, CODE, date(2025, 6, 12), None)).startswith("在院费用只到 2025-06-07")


def test_an_unknown_hospital_and_a_month_without_edition_are_refused(home: Home) -> None:
    with pytest.raises(TongpinError, match="没有"):
        daily_in_home(home, "H0", ON)
    with pytest.raises(PolicyError):
        daily_in_home(home, CODE, date(2019, 6, 11))


def test_reminders_pass_the_filter_and_a_forbidden_one_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    assert advice() == load_daily().advice
    assert len(advice()) == 2
    bad: Any = load_daily().model_copy(update={"advice": ("费用超过标准的，劝退患者", "请核对收费")})
    monkeypatch.setattr("tongpin.twin.daily.catalogue.load_daily", lambda: bad)
    assert advice() == ("请核对收费",)
