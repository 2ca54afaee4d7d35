"""What closed months paid: growth by hospital and service with its alerts, and two periods side by side."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from clearing_cases import line, lines_of
from fund_cases import fund_policy

from tongpin.payment.fund.lines import READS, Period, compared, fee_per_weight, grown, period_of
from tongpin.payment.fund.quarter import Verdicts

DAY = date(2025, 6, 30)


def posted(*rows):
    return lines_of(*rows).select(READS)


def before():
    return posted(line("a", 100, hospital="H1"), line("b", 100, hospital="H1"), line("c", 400, hospital="H2"))


def now(first: float = 150):
    return posted(
        line("d", first, hospital="H1"),
        line("e", 100, hospital="H1"),
        line("f", 900, hospital="H2"),
        line("g", 0, pay_scope="OUT"),
    )


def hospitals(rows):
    return {one.code: one for one in rows if one.kind == "机构"}


def test_growth_beyond_the_limit_is_told_by_hospital(tmp_path):
    found = hospitals(grown(now(), None, before(), Verdicts(fund_policy(tmp_path), DAY)))
    assert found["H1"].year_growth == Decimal("0.25")
    assert found["H1"].alert == "增长 25.00%，超过 20.00%"
    # One list only: growth is shown, no alert.
    assert (found["H2"].year_growth, found["H2"].alert) == (Decimal("1.25"), "")
    assert set(found) == {"H1", "H2"}
    assert (found["H1"].name, found["H1"].fund_label) == ("医院H1", "职工")
    assert (found["H1"].list_count, found["H1"].year_before_count) == (2, 2)


def test_growth_at_the_limit_is_not(tmp_path):
    found = hospitals(grown(now(140), None, before(), Verdicts(fund_policy(tmp_path), DAY)))
    assert (found["H1"].year_growth, found["H1"].alert) == (Decimal("0.2"), "")


@pytest.mark.parametrize("values", [{"fund__growth__alert": None}, {"fund__growth__against": "quarter"}])
def test_no_alert_without_a_limit_or_without_the_quarter_compared(tmp_path, values):
    found = hospitals(grown(now(), None, before(), Verdicts(fund_policy(tmp_path, **values), DAY)))
    assert found["H1"].year_growth == Decimal("0.25")
    assert found["H1"].alert == ""


def test_every_service_adds_up_to_the_same_pool(tmp_path):
    rows = grown(now(), before(), None, Verdicts(fund_policy(tmp_path), DAY))
    sums = {kind: sum(one.pool_fen for one in rows if one.kind == kind) for kind in {one.kind for one in rows}}
    assert sums == dict.fromkeys(("机构", "就医类别", "主要诊断大类"), 115_000)


def test_a_red_line_takes_off_its_list(tmp_path):
    lists = posted(line("a", 100, hospital="H1"), line("a", 100, hospital="H1", kind="reversal"))
    (found,) = hospitals(grown(lists, None, None, Verdicts(fund_policy(tmp_path), DAY))).values()
    assert (found.list_count, found.pool_fen) == (0, 0)


def period(**more):
    base = {"weights": "2024", "fee_fen": 0, "patient_fen": 0, "gross_fen": 0, "drg_fee_fen": 0, "drg_gross_fen": 0}
    return Period(**{**base, "weight_e4": 0, **more})


def test_the_published_figures_before_and_after():
    old = period(
        drg_fee_fen=1_344_200, weight_e4=10_000, fee_fen=10_000, patient_fen=1_317, gross_fen=3_475, drg_gross_fen=0
    )
    new = period(
        drg_fee_fen=1_247_000, weight_e4=10_000, fee_fen=10_000, patient_fen=1_207, gross_fen=3_475, drg_gross_fen=2_679
    )
    fee, personal, drg = compared(old, new)
    assert (fee.before, fee.now, round(fee.change, 4)) == (13_442, 12_470, Decimal("-0.0723"))
    assert (personal.before, personal.now, personal.change) == (Decimal("0.1317"), Decimal("0.1207"), Decimal("-0.011"))
    assert round(drg.now, 4) == Decimal("0.7709")


def test_two_versions_of_weights_are_not_compared():
    fee, *_ = compared(
        period(drg_fee_fen=100, weight_e4=10_000), period(drg_fee_fen=90, weight_e4=10_000, weights="2025")
    )
    assert (fee.before, fee.now, fee.change) == (Decimal(1), Decimal("0.9"), None)
    assert "权重版本不同" in fee.note
    assert fee_per_weight(100, 0) is None


def test_a_period_is_the_sum_of_its_lines():
    lists = posted(
        line("a", 80, patient=20),
        line("b", 50, patient=50, pay_scope="BY_ITEM", weight_e4=None),
        line("c", 70, patient=30),
        line("c", 70, patient=30, kind="reversal"),
        line("d", 5, pay_scope="OUT"),
    )
    found = period_of(lists, "2025")
    assert (found.fee_fen, found.patient_fen, found.gross_fen) == (20_000, 7_000, 20_000)
    assert (found.drg_fee_fen, found.drg_gross_fen, found.weight_e4) == (10_000, 10_000, 100)
