"""Next year's base: an uplift for a marked rise of CMI with good cost control, on one edition of weights (S001-49)."""

from __future__ import annotations

import pytest
from clearing_cases import clearing_policy
from payment_cases import fen

from tongpin.base.errors import PolicyError
from tongpin.payment.year.next_base import next_base

SAME = ("w", "w")


@pytest.fixture
def policy(tmp_path):
    return clearing_policy(
        tmp_path,
        uplift__ratio=0.05,
        uplift__cmi_growth=0.03,
        uplift__fee_growth=0.02,
        uplift__weights="same",
    )


def place(weight: int, fee: float, cases: int = 100):
    return {
        "institution_code": "H3",
        "fund": "310",
        "hospital_level": "三级",
        "drg_cases": cases,
        "total_weight_e4": weight * 10_000,
        "drg_fee_fen": fen(fee),
        "due_fen": fen(1_000),
    }


@pytest.mark.parametrize(
    ("weight", "fee", "next_yuan", "why"),
    [
        (110, 1_100, 1_050, "上浮"),
        (102, 1_020, 1_000, "CMI 提升不到 +3.00 %"),
        (110, 1_150, 1_000, "每权重费用增长超过 +2.00 %"),
        (103, 1_050.6, 1_050, "上浮"),
    ],
)
def test_the_uplift_and_why(policy, weight, fee, next_yuan, why):
    found = next_base(policy, 2025, place(weight, fee), place(100, 1_000), SAME)
    assert found.next_fen == fen(next_yuan)
    assert why in found.reason


def test_two_editions_of_weights_are_not_compared(policy):
    with pytest.raises(PolicyError, match="不是同一版"):
        next_base(policy, 2025, place(110, 1_100), place(100, 1_000), ("a", "b"))


def test_without_cases_of_both_years_there_is_no_uplift(policy):
    found = next_base(policy, 2025, place(110, 1_100), place(0, 0, cases=0), SAME)
    assert (found.next_fen, found.uplift_e4) == (fen(1_000), 0)
