"""The budget against the worked example of the vectors' file, read from it."""

from __future__ import annotations

import json
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest
from fund_cases import EMPLOYEES, fund_policy, one_fund, year_rows

from tongpin.payment.fund.budget import forecast, multiplied
from tongpin.payment.fund.events import SPENDING, Event
from tongpin.payment.fund.series import year_months

VECTORS = Path(__file__).resolve().parents[3] / "shared" / "spec" / "test_vectors.json"
pytestmark = pytest.mark.needs("reference")
WAN = 10_000 * 100
YEAR = 2026


def vector(vector_id: str):
    for one in json.loads(VECTORS.read_text(encoding="utf-8"), parse_float=Decimal):
        if one["id"] == vector_id:
            return one["inputs"], one["expected"]
    raise AssertionError(vector_id)


def test_the_multiplicative_budget_tv_c9():
    inputs, expected = vector("TV-C9")
    last, added = (int(inputs[name] * WAN) for name in ("last", "policy"))
    assert multiplied(last, Fraction(inputs["ins"]), Fraction(inputs["cost"])) + added == expected["budget"] * WAN


def test_the_budget_of_a_fund_tv_c9(tmp_path):
    inputs, expected = vector("TV-C9")
    last = int(inputs["last"]) * 10_000
    policy = fund_policy(
        tmp_path,
        fund__budget__enrolment_index=float(1 + inputs["ins"]),
        fund__budget__spending_index=float(1 + inputs["cost"]),
    )
    # The twelve months are rounded to the fen; their sum is what the year spent.
    fund = one_fund(year_rows(YEAR - 1, last, last, 100))
    rest = last * 100 - fund.total("spending_fen", list(fund.months))
    december = f"{YEAR - 1}-12"
    fund.months[december] = fund.months[december]._replace(spending_fen=fund.months[december].spending_fen + rest)
    added = int(inputs["policy"] * WAN)
    event = Event(YEAR, EMPLOYEES, SPENDING, "reform", "政策调整", added, None, year_months(YEAR), "")
    found = forecast(fund, SPENDING, YEAR, policy, [event])
    assert found.forecast_fen == expected["budget"] * WAN
    assert [step.amount_fen // WAN for step in found.steps] == [100_000, 2_000, 5_100, 500]
