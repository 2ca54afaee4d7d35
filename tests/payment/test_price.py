"""Steps 1-5 of the order C0, one case at a time."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from payment_cases import INSTITUTIONS, case, fen, grouped, make_policy, priced_rows

from tongpin.base.errors import BalanceError, PolicyError
from tongpin.payment.explain import explain_case
from tongpin.payment.pricing.price import price
from tongpin.payment.pricing.schema import PRICED_SCHEMA


@pytest.fixture(scope="session")
def policy(tmp_path_factory):
    return make_policy(tmp_path_factory.mktemp("policy"))


def only(policy, **details):
    details.setdefault("case_id", "c1")
    (row,) = priced_rows(policy, case(**details))
    return row


def test_the_standard_is_weight_times_rate_times_coefficient(policy, tmp_path):
    row = only(policy, fee=14_000, patient=3_000, drg="BB11D")
    assert (row["weight_e4"], row["rate_fen"], row["coefficient_e4"]) == (14_100, 1_000_000, 10_000)
    assert row["standard_fen"] == fen(14_100)
    raised = make_policy(tmp_path, {"coefficient.product": 1.05})
    assert only(raised, fee=14_000, patient=3_000, drg="BB11D")["standard_fen"] == fen(14_805)


def test_the_difference_falls_on_the_pool_and_the_hospital_alone_tv_a6b(policy):
    row = only(policy, fee=9_000, patient=2_500, other=500)
    assert row["pool_payable_fen"] == fen(7_000)
    assert row["result_fen"] == fen(1_000)
    assert (row["patient_fen"], row["other_funds_fen"], row["item_pool_fen"]) == (fen(2500), fen(500), fen(6000))


@pytest.mark.parametrize(
    ("fee", "institution", "expected"),
    [
        (35_000, "H3", "HIGH"),
        (30_000, "H3", "NORMAL"),
        (30_000.01, "H3", "HIGH"),
        (25_000, "H2", "HIGH"),
        (25_000, "H3", "NORMAL"),
        (3_900, "H3", "LOW"),
        (4_000, "H3", "NORMAL"),
        (3_999.99, "H3", "LOW"),
    ],
)
def test_the_class_of_the_fee_against_the_standard_tv_a7(policy, fee, institution, expected):
    assert only(policy, fee=fee, patient=0, institution_code=institution)["outlier_class"] == expected


def test_a_group_on_the_exempt_list_is_paid_at_standard(tmp_path):
    exempt = make_policy(tmp_path, {"outlier.exempt_groups": ["AA11D"]})
    row = only(exempt, fee=90_000, patient=0)
    assert (row["outlier_class"], row["pay_mode"], row["gross_fen"]) == ("EXEMPT", "standard", fen(10_000))


def test_a_standard_below_patient_and_other_funds_tv_p4(policy, tmp_path):
    details = {"fee": 4_600, "patient": 3_600, "other": 1_000}
    rate = {"rate.basic_group": 800_000}
    allowed = make_policy(tmp_path / "allow", rate)
    row = only(allowed, drg="CC11D", **details)
    assert row["standard_fen"] == fen(4_000)
    assert row["pool_payable_fen"] == fen(-600)
    floored = make_policy(tmp_path / "floor", rate | {"pool.negative": "floor_case"})
    row = only(floored, drg="CC11D", **details)
    assert (row["pool_payable_fen"], row["floored_fen"]) == (0, fen(600))
    assert row["result_fen"] == 0, "what the hospital receives less what it would have received by item"


def test_a_high_outlier_by_item_or_standard_plus_share_tv_p5(policy, tmp_path):
    details = {"fee": 35_000, "patient": 6_000, "other": 5_000}
    row = only(policy, **details)
    assert (row["pay_mode"], row["pool_payable_fen"], row["result_fen"]) == ("by_item", fen(24_000), 0)
    shared = make_policy(tmp_path, {"outlier.high.pay": "standard_plus_share"})
    row = only(shared, **details)
    assert row["pay_mode"] == "standard_plus_share"
    assert (row["pool_payable_fen"], row["result_fen"]) == (fen(4_000), fen(-20_000))


def test_a_low_outlier_is_paid_by_item_tv_p7(policy, tmp_path):
    row = only(policy, fee=3_900, patient=1_200)
    assert (row["pay_mode"], row["pool_payable_fen"], row["result_fen"]) == ("by_item", fen(2_700), 0)
    plain = make_policy(tmp_path, {"outlier.low.pay": "standard"})
    assert only(plain, fee=3_900, patient=1_200)["pool_payable_fen"] == fen(8_800)


def test_a_low_outlier_never_gets_more_than_the_standard(tmp_path):
    generous = make_policy(tmp_path, {"outlier.low.multiple": 1.2})
    assert only(generous, fee=9_000, patient=0)["gross_fen"] == fen(9_000)
    row = only(generous, fee=11_000, patient=0)
    assert (row["outlier_class"], row["pay_mode"], row["gross_fen"]) == ("LOW", "by_item", fen(10_000))


def test_a_basic_group_costs_the_same_at_every_level(tmp_path):
    cheap = make_policy(tmp_path, {"rate.basic_group": 900_000})
    rates = {
        (code, drg): only(cheap, fee=5_000, patient=0, institution_code=code, drg=drg)["rate_fen"]
        for code in ("H3", "H2")
        for drg in ("AA11D", "CC11D")
    }
    assert rates["H3", "CC11D"] == rates["H2", "CC11D"] == fen(9_000)
    assert rates["H3", "AA11D"] > fen(10_000), "the level rate takes up what the basic groups leave"


@pytest.mark.parametrize(("status", "drg"), [("ungrouped", "0000"), ("dx_not_mapped", "0000"), ("ambiguous", "AQY")])
def test_a_case_without_a_group_is_paid_by_item(policy, status, drg):
    row = only(policy, fee=8_000, patient=2_000, status=status, drg=drg)
    assert (row["pay_scope"], row["pay_mode"], row["pool_payable_fen"]) == ("BY_ITEM", "by_item", fen(6_000))
    assert [row[name] for name in ("standard_fen", "weight_e4", "outlier_class", "basic_group")] == [None] * 4


def test_a_list_outside_the_inpatient_scope_has_no_price(policy):
    row = only(policy, fee=800, patient=200, care_type="outpatient_chronic", institution_code="nobody")
    assert row["pay_scope"] == "OUT"
    assert all(row[name] is None for name in PRICED_SCHEMA.names if name != "pay_scope")


def test_retired_cadres_are_paid_by_the_employee_fund(policy):
    assert only(policy, fee=9_000, patient=0, insurance="340")["fund"] == "310"


def test_the_level_is_that_of_the_settlement_date(policy):
    before = only(policy, fee=9_000, patient=0, institution_code="UP", settled=date(2025, 6, 14))
    after = only(policy, fee=9_000, patient=0, institution_code="UP", settled=date(2025, 6, 15))
    assert (before["hospital_level"], after["hospital_level"]) == ("二级", "三级")


@pytest.mark.parametrize(
    ("details", "code", "named"),
    [
        ({"institution_code": "XX"}, "policy.institution", "XX"),
        ({"settled": date(2019, 12, 31)}, "policy.gap", "2019-12-31"),
        ({"drg": "ZZ99D"}, "policy.weight", "ZZ99D"),
        ({"insurance": None}, "policy.gap", "c1"),
        ({"settlement_date": None}, "policy.date", "c1"),
        ({"pool_pay_fen": None}, "policy.amount", "c1"),
        ({"total_fee_fen": 10**15, "pool_pay_fen": 10**15, "patient_pay_fen": 0}, "policy.overflow", "大得不合常理"),
    ],
)
def test_a_case_that_cannot_be_priced_stops_the_whole_run(tmp_path, details, code, named):
    policy = make_policy(tmp_path, {"outlier.high.pay": "standard_plus_share"})
    good = case("c0", 9_000, 2_000)
    with pytest.raises(PolicyError) as caught:
        price(grouped(good, case("c1", 9_000, 2_000) | details_of(details)), policy, INSTITUTIONS)
    assert caught.value.code == code
    assert named in caught.value.message
    assert caught.value.hint


def details_of(details):
    settled = details.pop("settled", None) if "settled" in (details := dict(details)) else None
    return details | ({"settlement_date": settled} if settled else {})


def test_an_institution_before_its_first_day_is_unknown(policy):
    late = INSTITUTIONS.slice(3)
    with pytest.raises(PolicyError, match="UP 在 2025-06-14 没有登记的结算级别"):
        price(grouped(case("c1", 9_000, 0, institution_code="UP", settled=date(2025, 6, 14))), policy, late)


def test_payers_that_do_not_sum_to_the_fee_stop_the_run(policy):
    with pytest.raises(BalanceError, match="病例 c1 总费用与各付费方之和"):
        priced_rows(policy, case("c1", 9_000, 2_000, pool_pay_fen=1))


def test_a_gap_that_no_case_needs_refuses_nothing(tmp_path):
    silent = make_policy(tmp_path, change=lambda data: data["parameters"].pop("scope.ungrouped_pay"))
    assert only(silent, fee=9_000, patient=0)["pay_scope"] == "DRG"
    with pytest.raises(PolicyError, match=r"scope\.ungrouped_pay"):
        only(silent, fee=9_000, patient=0, status="ungrouped", drg="0000")


def test_no_cases_give_no_rows_but_all_columns(policy):
    empty = price(grouped(), policy, INSTITUTIONS)
    assert empty.num_rows == 0
    assert empty.column_names[-len(PRICED_SCHEMA) :] == PRICED_SCHEMA.names


amounts = st.tuples(st.integers(0, 10**7), st.integers(0, 10**7), st.integers(0, 10**7))
WEIGHTLESS = st.sampled_from([("AA11D", "grouped"), ("BB11D", "grouped"), ("CC11D", "grouped"), ("0000", "ungrouped")])


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(parts=st.lists(st.tuples(amounts, WEIGHTLESS, st.sampled_from(["H2", "H3"])), max_size=8))
def test_the_parts_of_every_case_sum_up(policy, parts):
    cases = [
        case(f"c{index}", (a + b + c) / 100, a / 100, b / 100, drg=drg, status=status, institution_code=code)
        for index, ((a, b, c), (drg, status), code) in enumerate(parts)
    ]
    for row in priced_rows(policy, *cases):
        assert row["total_fee_fen"] == row["patient_fen"] + row["other_funds_fen"] + row["item_pool_fen"]
        assert row["pool_payable_fen"] == row["gross_fen"] - row["patient_fen"] - row["other_funds_fen"]
        assert row["result_fen"] == row["gross_fen"] - row["total_fee_fen"]
        if row["outlier_class"] == "NORMAL":
            assert row["gross_fen"] == row["standard_fen"]


@settings(deadline=None, max_examples=15)
@given(weights=st.lists(st.integers(1, 200_000), min_size=2, max_size=6, unique=True))
def test_the_standard_grows_with_the_weight(tmp_path_factory, weights):
    table = "drg,weight,basic_group\n" + "".join(f"D{w},{w / 10_000:.4f},0\n" for w in sorted(weights))
    folder = tmp_path_factory.mktemp("weights")
    make_policy(folder)
    (folder / "weights.csv").write_text(table, encoding="utf-8")
    policy = type(make_policy(tmp_path_factory.mktemp("any"))).load(folder)
    rows = priced_rows(policy, *(case(f"c{w}", 100, 0, drg=f"D{w}") for w in sorted(weights)))
    standards = [row["standard_fen"] for row in rows]
    assert standards == sorted(standards)
    assert len(set(standards)) == len(standards)


def test_a_yuan_is_explained_line_by_line(policy):
    row = only(policy, fee=15_870.20, patient=4_210.14, other=1_425.50, drg="BB11D")
    text = explain_case(row, policy)
    assert "统筹应付 8,464.36 元（模拟）" in text
    assert "= 支付标准 14,100.00  −  个人负担 4,210.14  −  其他基金 1,425.50" in text
    assert "支付标准 14,100.00 = 权重 1.4100 × 费率 10,000.00 × 系数 1.0000" in text
    assert "费率 10,000.00   三级 · 职工 310 · 2025-01-01 起（模拟）" in text
    assert "正常倍率：费用 15,870.20 = 标准的 1.13 倍（极低 < 0.40，极高 > 3.00）（模拟）" in text
    assert "盈亏 -1,770.20" in text


def test_the_explanation_says_why_a_case_is_not_paid_at_standard(policy, tmp_path):
    assert "总费用，按项目支付" in explain_case(only(policy, fee=35_000, patient=6_000), policy)
    assert "以支付标准为限" in explain_case(only(policy, fee=3_900, patient=0), policy)
    assert "基础病组各级同价" in explain_case(only(policy, fee=4_900, patient=0, drg="CC11D"), policy)
    ungrouped = only(policy, fee=4_900, patient=0, status="ungrouped", drg="0000")
    assert "按项目支付：未入组（0000）（模拟）" in explain_case(ungrouped, policy)
    outside = only(policy, fee=800, patient=0, care_type="outpatient_chronic")
    assert "不在住院结算口径" in explain_case(outside, policy)
    shared = make_policy(tmp_path, {"outlier.high.pay": "standard_plus_share"})
    text = explain_case(only(shared, fee=35_000, patient=6_000), shared)
    assert "应付总额 15,000.00 = 支付标准 10,000.00 + 1.0000 ×（总费用 35,000.00 − 3.00 × 支付标准）" in text


def test_the_explanation_says_that_a_negative_payable_is_posted_as_it_is(policy):
    text = explain_case(only(policy, fee=12_000, patient=10_600), policy)
    assert "统筹应付 -600.00 元（模拟）" in text
    assert "支付标准低于个人负担与其他基金之和：统筹应付为负，照负数入账（模拟）" in text


def test_the_explanation_keeps_the_posted_rate_when_the_policy_was_changed_afterwards(policy, tmp_path):
    dearer = make_policy(tmp_path, {"rate.basic_group": 900_000})
    text = explain_case(only(policy, fee=9_000, patient=0), dearer)
    assert "费率 10,000.00 为入账时的费率（模拟）；付费办法后来改过，现为 10,200.00" in text
    assert "层级总额" not in text, "today's budget does not explain yesterday's rate"
