"""Behaviour of the insured by hand: rates per thousand, readmissions, transfers, elsewhere, the mix of levels."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

import pytest
from clearing_cases import line, lines_of
from fund_cases import month_row, one_fund

from tongpin.payment.fund.behaviour import ALL, READS, behaviour
from tongpin.payment.fund.series import in_region, quarter_months

QUARTER = quarter_months("2025Q2")
REGIONS = {"H3": "999901", "H2": "999902", "H9": "888800"}


def day(month, number):
    return datetime(2025, month, number)  # noqa: DTZ001


def stay(case_id, patient, admitted, discharged, **more):
    month = f"2025-{discharged[0]:02d}"
    times = {"admission_time": day(*admitted), "discharge_time": day(*discharged)}
    los = (times["discharge_time"] - times["admission_time"]).days
    return line(case_id, more.pop("payable", 100), month=month, patient_hash=patient, los=los, **times, **more)


def told(*rows, visits=None, days=15):
    fund = one_fund([month_row(month, 1, 1, enrolled_count=2_000) for month in QUARTER])
    found = behaviour(fund, "2025年第2季度", QUARTER, lines_of(*rows).select(READS), REGIONS, visits, days)
    return {one.level: one for one in found}


def test_rates_per_thousand_insured_and_the_mix_of_levels():
    found = told(
        stay("a", "p", (4, 1), (4, 5), discharge_way="1"),
        stay("b", "q", (4, 1), (4, 11), discharge_way="2"),
        stay("c", "r", (5, 1), (5, 3), discharge_way="1", hospital="H2", level="二级", payable=50),
        stay("d", "s", (5, 1), (5, 5), discharge_way=None, hospital="H2", level="二级", payable=150),
        stay("e", "t", (5, 1), (5, 5), fund="390"),
        stay("f", "t", (5, 1), (5, 5), pay_scope="OUT"),
        visits=500,
    )
    whole, third, second = found.values()
    assert list(found) == [ALL, "三级", "二级"]
    assert (whole.stays, whole.stays_per_1000) == (4, Decimal(2))
    assert (whole.visits, whole.visits_per_1000) == (500, Decimal(250))
    assert (third.visits, third.stays_per_1000) == (None, Decimal(1))
    assert whole.stay_days == Decimal(5)
    assert (whole.transferred, third.transferred) == (Decimal(1) / 3, Decimal("0.5"))
    assert (second.stays_share, second.pool_share) == (Decimal("0.5"), Decimal("0.5"))


def test_readmission_is_within_the_days_and_any_hospital_counts():
    found = told(
        stay("m", "p", (3, 20), (3, 28)),
        stay("a", "p", (4, 12), (4, 20), hospital="H2", level="二级"),
        stay("b", "q", (4, 1), (4, 10)),
        stay("c", "q", (4, 26), (4, 27)),
        stay("d", None, (4, 28), (4, 29)),
    )
    # Fifteen days after 28 March is 12 April; the stay of q comes back after sixteen; d is nobody known.
    assert found[ALL].stays == 4
    assert found[ALL].readmitted == Decimal(1) / 3
    assert found["二级"].readmitted == 1
    assert told(stay("a", "p", (4, 1), (4, 2)), days=None)[ALL].readmitted is None


def test_a_list_taken_back_is_no_stay():
    found = told(
        stay("a", "p", (4, 1), (4, 5)),
        stay("b", "q", (4, 1), (4, 5)),
        stay("b", "q", (4, 1), (4, 5), kind="reversal"),
    )
    assert (found[ALL].stays, found[ALL].pool_share) == (1, 1)


def test_elsewhere_is_the_region_of_hospital_and_of_insured():
    found = told(
        stay("a", "p", (4, 1), (4, 5), insured_region="999903"),
        stay("b", "q", (4, 1), (4, 5), insured_region="888801", hospital="H9"),
    )
    assert (found[ALL].from_elsewhere, found[ALL].elsewhere) == (Decimal("0.5"), Decimal("0.5"))
    unknown = told(stay("a", "p", (4, 1), (4, 5), hospital="HX"))[ALL]
    assert (unknown.from_elsewhere, unknown.elsewhere) == (None, None)


@pytest.mark.parametrize(
    ("place", "region", "inside"),
    [("320205", "320200", True), ("321100", "321000", False), ("320101", "320000", True), (None, "320200", None)],
)
def test_a_county_lies_in_its_city(place, region, inside):
    assert in_region(place, region) is inside
