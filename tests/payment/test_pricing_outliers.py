"""Outliers: what the fee is compared with, bands by weight, the dearest share, what is paid; the pool payable."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from payment_cases import INSTITUTIONS, case, fen, grouped, priced_rows
from pricing_cases import edition, means_table

from tongpin.base.errors import PolicyError
from tongpin.payment.explain import explain_case
from tongpin.payment.pricing.price import price

if TYPE_CHECKING:
    from pathlib import Path

    from tongpin.payment.policy.policy import Policy


def only(policy: Policy, **details: Any) -> dict[str, Any]:
    (row,) = priced_rows(policy, case("c1", **{"fee": 9_000, "patient": 0} | details))
    return row


@pytest.mark.parametrize(
    ("base", "institution", "outlier"),
    [
        ("standard", "H3", "NORMAL"),
        ("city", "H3", "HIGH"),
        ("level", "H3", "NORMAL"),
        ("hospital", "H3", "HIGH"),
    ],
)
def test_the_fee_is_compared_with_the_standard_or_a_group_mean(
    tmp_path: Path, base: str, institution: str, outlier: str
) -> None:
    means = means_table(
        ("AA11D", "city", "", 8_000), ("AA11D", "level", "三级", 9_500), ("AA11D", "hospital", "H3", 7_000)
    )
    policy = edition(tmp_path, {"outlier.base": base}, tables={"group_means.csv": means})
    row = only(policy, fee=28_000, institution_code=institution)
    assert row["outlier_class"] == outlier
    assert row["standard_fen"] == fen(10_000), "the standard itself does not move"


def test_a_group_without_a_mean_is_refused(tmp_path: Path) -> None:
    means = {"group_means.csv": means_table(("BB11D", "city", "", 8_000))}
    with pytest.raises(PolicyError, match="AA11D") as caught:
        only(edition(tmp_path, {"outlier.base": "city"}, tables=means))
    assert caught.value.code == "policy.mean"
    assert caught.value.hint


@pytest.mark.parametrize(
    ("drg", "fee", "outlier"), [("CC11D", 14_900, "NORMAL"), ("CC11D", 15_100, "HIGH"), ("BB11D", 28_300, "HIGH")]
)
def test_the_limit_falls_as_the_weight_rises(tmp_path: Path, drg: str, fee: int, outlier: str) -> None:
    bands = [{"from": 0, "value": 3}, {"from": 1, "value": 2.5}, {"from": 1.41, "value": 2}]
    policy = edition(tmp_path, {"outlier.high.rule": "bands", "outlier.high.bands": bands})
    row = only(policy, drg=drg, fee=fee)
    assert row["outlier_class"] == outlier
    assert f"极高 > {2 if drg == 'BB11D' else 3:.2f}" in explain_case(row, policy)


def test_bands_that_leave_a_weight_out_are_refused(tmp_path: Path) -> None:
    policy = edition(tmp_path, {"outlier.high.rule": "bands", "outlier.high.bands": [{"from": 1, "value": 2}]})
    with pytest.raises(PolicyError, match="低于最低的一档") as caught:
        only(policy, drg="CC11D")
    assert caught.value.code == "policy.bands"


@pytest.mark.parametrize(("of", "high"), [("hospital", {"a8", "a9", "b4"}), ("city", {"a7", "a8", "a9"})])
def test_the_dearest_share_of_a_hospital_or_the_city_is_high(tmp_path: Path, of: str, high: set[str]) -> None:
    values = {"outlier.high.rule": "top_share", "outlier.high.top_share": 0.2, "outlier.high.top_of": of}
    policy = edition(tmp_path, values | {"outlier.low.multiple": 0})
    big = [case(f"a{number}", 9_000 + number, 0) for number in range(10)]
    small = [case(f"b{number}", 8_000 + number, 0, institution_code="H2") for number in range(5)]
    found = {row["case_id"] for row in priced_rows(policy, *big, *small) if row["outlier_class"] == "HIGH"}
    assert found == high


def test_the_excess_is_counted_from_the_limit_of_the_comparison(tmp_path: Path) -> None:
    values = {"outlier.base": "city", "outlier.high.pay": "standard_plus_share", "outlier.high.share": 0.8}
    means = {"group_means.csv": means_table(("AA11D", "city", "", 8_000))}
    policy = edition(tmp_path, values, tables=means)
    row = only(policy, fee=30_000)
    assert row["gross_fen"] == fen(10_000 + 0.8 * (30_000 - 24_000))
    assert "× 全市组均费用" in explain_case(row, policy)


def test_the_fee_base_within_the_policy_leaves_what_lies_outside_to_the_patient(tmp_path: Path) -> None:
    policy = edition(tmp_path, {"fee.base": "within_policy"})
    cases = grouped(case("c1", 31_000, 4_000))
    with pytest.raises(PolicyError, match="within_policy_fee_fen"):
        price(cases, policy, INSTITUTIONS)
    with_fees = cases.append_column("within_policy_fee_fen", pa.array([fen(29_000)]))
    (row,) = price(with_fees, policy, INSTITUTIONS).to_pylist()
    assert (row["outside_fee_fen"], row["outlier_class"]) == (fen(2_000), "NORMAL"), "31,000 alone would be HIGH"
    assert (row["standard_fen"], row["gross_fen"]) == (fen(10_000), fen(12_000))
    assert row["pool_payable_fen"] == fen(8_000), "10,000 less the 2,000 that the patient pays inside"
    assert "费用基数以外的费用 2,000.00" in explain_case(row, policy)
    with pytest.raises(PolicyError, match="不在 0 与总费用之间"):
        price(cases.append_column("within_policy_fee_fen", pa.array([fen(32_000)])), policy, INSTITUTIONS)


def test_a_recomputed_pool_needs_its_columns_and_never_falls_below_zero(tmp_path: Path) -> None:
    policy = edition(tmp_path, {"pool.form": "policy_ratio", "pool.ratio": 0.85, "rounding.pool": 1})
    cases = grouped(case("c1", 9_000, 2_000))
    with pytest.raises(PolicyError, match="full_own_pay_fen"):
        price(cases, policy, INSTITUTIONS)
    for name in ("full_own_pay_fen", "first_own_pay_fen", "deductible_fen"):
        cases = cases.append_column(name, pa.array([fen(4_000)]))
    (row,) = price(cases, policy, INSTITUTIONS).to_pylist()
    assert (row["pool_payable_fen"], row["gross_fen"]) == (0, fen(2_000))
    assert "按政策比例重算的统筹" in explain_case(row, policy)


def test_saved_consumables_stay_with_the_hospital_s001_02(tmp_path: Path) -> None:
    policy = edition(tmp_path)
    before = only(policy, fee=9_500, consumable_fee_fen=fen(8_000), los=10)
    after = only(policy, fee=7_500, consumable_fee_fen=fen(6_000), los=8)
    assert before["standard_fen"] == after["standard_fen"]
    assert after["result_fen"] - before["result_fen"] == fen(2_000)
    assert only(policy, fee=12_000)["result_fen"] == -fen(2_000), "what lies above the standard is not made good"
