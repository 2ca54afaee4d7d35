"""DIP pricing: deviation, coefficients and points as columns that month can post; point values that close."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest
from dip_cases import INSTITUTIONS, POLICIES, national, stay, table, usual
from hypothesis import given, settings
from hypothesis import strategies as st
from payment_cases import decisions, withdrawals

from tongpin.base.errors import BalanceError, PolicyError
from tongpin.payment.dip.auxiliary import case_levels, fit
from tongpin.payment.dip.deviation import Edges, deviation
from tongpin.payment.dip.explain import explain_dip
from tongpin.payment.dip.institution import excess_over, institution_coefficient
from tongpin.payment.dip.ledger import disease_ledger, kind_ledger
from tongpin.payment.dip.price import price_dip
from tongpin.payment.dip.values import clearing_switches, points_paid, settlement_value, value_terms
from tongpin.payment.dip.violation import find_violations
from tongpin.payment.month.posting import LINE_SCHEMA
from tongpin.payment.month.statement import settle_month
from tongpin.payment.policy.lookup import Coded
from tongpin.payment.policy.policy import Policy
from tongpin.payment.pricing.rows import CaseRows
from tongpin.payment.pricing.schema import PRICED_SCHEMA

DAY = date(2025, 6, 1)
CODE = "I20.0:BSZL"
MEAN = 1_000_000


def edition(**values) -> Policy:
    """The national edition with other values, by key with _ for the dots of its last parts."""
    policy = national()
    parameters = dict(policy.edition.parameters)
    for name, value in {"institution.coefficient": Decimal(1), "auxiliary.source": "none", **values}.items():
        key = f"dip.{name}"
        parameters[key] = parameters[key].model_copy(update={"by": (), "values": {date(2024, 1, 1): value}})
    return replace(policy, edition=policy.edition.model_copy(update={"parameters": parameters}))


def simple():
    """The usual catalogue with one disease of weight 1 and a mean fee of 10,000 yuan at level 三级."""
    catalogue = usual().catalogue
    groups = tuple(
        one._replace(rw_e4=10_000, weighted_mean_fen=MEAN * 2) if one.code == CODE else one for one in catalogue.groups
    )
    return replace(catalogue, groups=groups, level_means={(CODE, "三级"): (20, MEAN)})


def priced(fee: float, policy: Policy | None = None, catalogue=None, reviews=None, **more):
    cases = table([{**stay(1, "I20.000", (), fee, 2025), **more}])
    (row,) = price_dip(cases, policy or edition(), catalogue or simple(), INSTITUTIONS, reviews).to_pylist()
    return row


def test_a_usual_case_is_paid_its_score():
    row = priced(10_000)
    assert (row["score_e4"], row["points_e4"], row["pay_mode"]) == (10_000_000, 10_000_000, "standard")
    assert row["standard_fen"] == row["gross_fen"] == 1_150_000  # 1,000 points at 11.5 yuan
    assert row["pool_payable_fen"] == row["gross_fen"] - row["patient_fen"]
    assert row["result_fen"] == row["gross_fen"] - 1_000_000
    assert (row["dip_kind"], row["dip_type"], row["pay_scope"]) == ("core", "conservative", "DRG")


@pytest.mark.parametrize(
    ("fee", "deviation_e4", "outlier"),
    [
        (4_999.99, 5_000, "LOW"),  # exactly below the edge; with four decimals the coefficient reads 0.5000
        (5_000, 10_000, "NORMAL"),
        (20_000, 10_000, "NORMAL"),
        (20_000.01, 10_000, "HIGH"),
        (30_000, 20_000, "HIGH"),
    ],
)
def test_edges_are_compared_exactly_and_the_jump_is_kept(fee, deviation_e4, outlier):
    row = priced(fee)
    assert (row["deviation_e4"], row["outlier_class"]) == (deviation_e4, outlier)


def test_edges_may_be_compared_rounded():
    policy = edition(**{"deviation.compare": "rounded"})
    assert priced(4_999.99, policy)["outlier_class"] == "NORMAL"
    assert priced(4_999, policy)["outlier_class"] == "LOW"


@pytest.mark.parametrize(("choice", "coefficient"), [("formula", 50_000), ("at_limit", 40_000), ("one", 10_000)])
def test_beyond_the_review_limit_the_edition_says_what_holds(choice, coefficient):
    row = priced(60_000, edition(**{"deviation.unreviewed": choice}))
    assert (row["deviation_e4"], row["in_review"]) == (coefficient, True)


def test_reviews_are_by_duty_or_by_application():
    assert priced(50_000)["in_review"] is False
    assert priced(60_000, edition(**{"review.by": "application"}))["in_review"] is False


def test_what_the_experts_decide_stands():
    reviews = pa.table({"institution_code": ["H3"], "case_id": ["S00001"], "coefficient_e4": [30_000]})
    row = priced(60_000, reviews=reviews)
    assert (row["deviation_e4"], row["in_review"], row["gross_fen"]) == (30_000, False, 3_450_000)


def test_the_mean_is_of_the_level_or_of_all():
    assert priced(25_000)["deviation_mean_fen"] == MEAN
    assert priced(25_000, edition(**{"deviation.mean": "all"}))["outlier_class"] == "NORMAL"
    without = replace(simple(), level_means={})
    assert priced(25_000, catalogue=without)["deviation_mean_fen"] == MEAN * 2
    with pytest.raises(PolicyError, match=r"dip\.mean"):
        priced(25_000, edition(**{"deviation.without_mean": "refuse"}), without)


def test_the_mean_may_be_divided_by_the_hospital_coefficient_first():
    values = {"institution.coefficient": Decimal("0.8"), "deviation.mean_divided_by": "institution"}
    row = priced(22_000, edition(**values))
    assert row["deviation_mean_fen"] == MEAN * 10 // 8
    assert (row["outlier_class"], row["gross_fen"]) == ("NORMAL", 920_000)


def test_auxiliary_coefficients_inside_or_outside_of_the_deviation():
    older = {"age": 85, "fee": 20_500}
    stated = edition(**{"auxiliary.source": "stated", "auxiliary.coefficient": Decimal("1.1")})
    row = priced(older["fee"], stated, age=older["age"])
    assert (row["auxiliary_dimension"], row["auxiliary_level"], row["auxiliary_e4"]) == ("age", "80 岁以上", 11_000)
    assert row["outlier_class"] == "HIGH"
    inside = edition(
        **{"auxiliary.source": "stated", "auxiliary.coefficient": Decimal("1.1"), "auxiliary.place": "inside"}
    )
    assert priced(older["fee"], inside, age=older["age"])["outlier_class"] == "NORMAL"


def test_the_order_of_the_factors_decides_where_points_are_rounded():
    values = {"institution.coefficient": Decimal("0.3333"), "score.scale": 1}
    orders = (("deviation", "auxiliary", "institution"), ("institution", "deviation", "auxiliary"))
    first, second = (priced(4_321, edition(**values, order=order))["points_e4"] for order in orders)
    assert first == 1440  # 1 x 0.4321 x 0.3333 = 0.14402
    assert abs(first - second) <= 1
    with pytest.raises(PolicyError, match=r"policy\.invalid"):
        priced(4_321, edition(order=("deviation",)))


def test_the_columns_are_those_of_pricing():
    found = price_dip(table([stay(1, "I20.000", (), 100, 2025)]), edition(), simple(), INSTITUTIONS)
    assert [field for field in PRICED_SCHEMA if found.schema.field(field.name).type != field.type] == []


def test_a_month_of_dip_is_posted_like_one_of_drg():
    rows = [stay(n, "I20.000", (), 8_000 + n, 2025, mdtrt_id=f"M{n}") for n in range(5)]
    policy = edition()
    found = settle_month(
        "2025-06",
        price_dip(table(rows), policy, simple(), INSTITUTIONS),
        LINE_SCHEMA.empty_table(),
        withdrawals(),
        decisions(),
        set(),
        policy,
    )
    (row,) = found.statement.to_pylist()
    assert row["drg_cases"] == 5
    assert row["gross_fen"] == 5 * 1_150_000
    assert row["deposit_fen"] == round(row["month_pool_payable_fen"] * 0.03)


def test_a_table_without_cases_stays_one():
    found = price_dip(table([]), edition(), simple(), INSTITUTIONS)
    assert found.num_rows == 0
    assert find_violations(found, simple(), national(), DAY).num_rows == 0
    assert disease_ledger(found, simple()).num_rows == kind_ledger(found, simple()).num_rows == 0
    outside = price_dip(table([stay(1, "Z99.900", (), 100, 2025)]), edition(), simple(), INSTITUTIONS)
    assert find_violations(outside, simple(), national(), DAY).num_rows == 0


def test_the_pay_of_a_case_is_explained_step_by_step():
    row = priced(30_000, institution_code="H3")
    steps = explain_dip(row, edition(), simple())
    assert [step.label for step in steps] == [
        "病种",
        "分值",
        "偏差",
        "辅助",
        "机构",
        "结算分值",
        "应付总额",
        "统筹应付",
    ]
    assert "分值 1,000.0000 = 权重 1.0000 × 1,000.0000（模拟）" in steps[1].text
    assert "费用 30,000.00 比均费 10,000.00，高于上限，偏差系数 2.0000" in steps[2].text
    assert steps[6].amount_fen == row["gross_fen"] == 2_300_000
    assert steps[6].keys == ("dip.point_value",)
    assert {step.source for step in steps} == {"模拟"}
    outside = priced(100, dx=["Z99.900"])
    assert [step.text for step in explain_dip(outside, edition(), simple())] == ["本例不按病种付费"]


def test_cases_outside_are_by_item_or_out():
    rows = [
        stay(1, "Z99.900", (), 100, 2025),
        stay(2, "I20.000", (), 100, 2025, care_type="bed_day"),
        stay(3, "I20.000", (), 100, 2025),
    ]
    observed = INSTITUTIONS.append_column("pay_mode", pa.array(["observed", "drg"]))
    found = price_dip(table(rows), edition(), simple(), observed).to_pylist()
    assert [row["pay_scope"] for row in found] == ["BY_ITEM", "OUT", "BY_ITEM"]
    assert [row["by_item_reason"] for row in found] == ["observed", None, "observed"]
    ungrouped = price_dip(table(rows[:1]), edition(), simple(), INSTITUTIONS).to_pylist()[0]
    assert (ungrouped["by_item_reason"], ungrouped["gross_fen"], ungrouped["result_fen"]) == ("ungrouped", 10_000, 0)


def test_what_is_missing_is_refused():
    cases = table([stay(1, "I20.000", (), 100, 2025)])
    with pytest.raises(PolicyError, match=r"dip\.catalogue"):
        price_dip(cases, Policy.load(POLICIES / "dip-xiamen" / "2024"), simple(), INSTITUTIONS)
    with pytest.raises(PolicyError, match=r"policy\.institution"):
        priced(100, institution_code="H9")
    with pytest.raises(PolicyError, match=r"policy\.amount"):
        priced(100, pool_pay_fen=None)
    with pytest.raises(BalanceError, match=r"price\.payers"):
        priced(100, other_fund_pay_fen=1)
    for key, value in (("fee.base", "within_policy"), ("pool.form", "policy_ratio")):
        policy = edition()
        odd = policy.edition.parameters[key].model_copy(update={"values": {date(2024, 1, 1): value}})
        policy.edition.parameters[key] = odd
        with pytest.raises(PolicyError, match=r"policy\.invalid"):
            priced(100, policy)
    policy = edition()
    policy.edition.parameters.pop("dip.deviation.low")
    with pytest.raises(PolicyError, match=r"policy\.gap.*dip\.deviation\.low"):
        priced(100, policy)
    grouped = table([stay(1, "I20.000", (), 100, 2025)])
    for name, value in (("status", "grouped"), ("drg", "Q00.0:BSZL")):
        grouped = grouped.append_column(name, pa.array([value]))
    with pytest.raises(PolicyError, match=r"policy\.weight"):
        price_dip(grouped, edition(), simple(), INSTITUTIONS)


def test_levels_of_the_auxiliary_catalogue():
    rows = [
        stay(1, ["I20.000", "R57.000"], (), 10_000, los=5),
        stay(2, ["I20.000", "J18.900"], (), 10_000, los=2),
        stay(3, ["I20.000"], (), 10_000, discharge_way="5", los=2),
        stay(4, ["C34.100", "C77.000"], (), 10_000, age=70),
        stay(5, ["C34.100"], (), 40_000, drug_fee_fen=2_000_000),
        stay(6, ["P07.300"], (), 10_000, age=0, age_days=28, icu_hours=8 * 24, birth_weight=1500),
    ]
    levels = case_levels(CaseRows(table(rows)), np.full(len(rows), MEAN, np.int64), national(), DAY)
    found = {name: column.texts().to_pylist() for name, column in levels.items()}
    assert found["severity"] == ["重度", "无", "死亡 A", "无", "无", "无"]
    assert found["tumour"] == ["无", "无", "无", "转移", "高费用", "无"]
    assert found["age"] == ["无", "无", "无", "70-79 岁", "无", "0-28 天"]
    assert found["icu"] == ["无"] * 5 + ["8-14 天"]
    assert found["cci"] == ["无", "无", "无", "极严重", "无", "无"]


def sick_and_well(sick: int) -> list:
    """One disease whose dear cases are the old ones."""
    rows = [stay(n, "I20.000", (), 2_000, age=50) for n in range(60)]
    return rows + [stay(100 + n, "I20.000", (), 30_000 + n, age=85) for n in range(sick)]


def test_a_dimension_that_explains_enters_the_auxiliary_catalogue():
    from dip_cases import built

    found = built(sick_and_well(20))
    (one,) = fit(found.history, found.catalogue, national(), DAY)
    assert (one.group, one.dimension, one.level, one.cases, one.basis) == (CODE, "age", "80 岁以上", 20, "fitted")
    whole = (60 * 200_000 + sum(3_000_000 + 100 * n for n in range(20))) / 80
    assert one.trigger_e4 == one.coefficient_e4 == round(one.mean_fen / whole * 10_000)
    catalogue = replace(found.catalogue, auxiliary=(one,))
    fitted = edition(**{"auxiliary.source": "fitted"})
    assert priced(30_000, fitted, catalogue, age=85)["auxiliary_e4"] == one.coefficient_e4
    assert priced(30_000, fitted, catalogue, age=50)["auxiliary_e4"] == 10_000


def test_few_cases_or_little_variation_keep_a_dimension_out():
    from dip_cases import built

    few = built(sick_and_well(14))
    assert fit(few.history, few.catalogue, national(), DAY) == ()
    even = built([stay(n, "I20.000", (), 2_000 + n, age=50 if n % 2 else 85) for n in range(60)])
    assert fit(even.history, even.catalogue, national(), DAY) == ()


def test_violations_are_leads_with_their_evidence():
    from datetime import datetime

    from tongpin.payment.dip.scheme import group_dip

    def times(begin, end):
        return {
            "patient_hash": "p1",
            "admission_time": datetime(2025, *begin),  # noqa: DTZ001
            "discharge_time": datetime(2025, *end),  # noqa: DTZ001
        }

    rows = [
        stay(1, "I20.000", (), 20_000, 2025, **times((1, 1), (1, 5))),
        stay(2, "I20.100", (), 20_000, 2025, **times((2, 5), (2, 8))),  # 31 days after, same category
        stay(3, "K80.000", ("51.2300",), 12_000, 2025, **times((2, 9), (2, 12))),  # another
        stay(4, "I20.000", (), 20_000, 2025, **times((3, 16), (3, 18))),  # 32 days after
        stay(5, "I20.000", (), 5_999.99, 2025),
        stay(6, "I20.000", (), 20_000, 2025, los=60),
        *[stay(10 + n, "I20.000", (), 20_000, 2025) for n in range(20)],
        stay(40, "I20.000", (), 20_000, 2025, discharge_way="5"),
    ]
    catalogue = simple()
    leads = find_violations(group_dip(table(rows), catalogue), catalogue, national(), DAY).to_pylist()
    found = [(lead["violation"], lead["case_id"], lead["coefficient_e4"], lead["other_case_id"]) for lead in leads]
    assert found == [
        ("readmission", "S00002", 10_000, "S00001"),
        ("readmission", "S00003", 5_000, "S00002"),
        ("low_fee", "S00005", 10_000, None),
        ("long_stay", "S00006", 10_000, None),
        ("death_risk", "S00040", 10_000, None),
    ]


def ledger_cases():
    return price_dip(
        table(
            [
                *[stay(n, "I20.000", (), 10_000, 2025) for n in range(3)],
                stay(3, "I20.000", ("88.5500",), 9_000, 2025),
                stay(4, "Z99.900", (), 100, 2025),
            ]
        ),
        edition(),
        simple(),
        INSTITUTIONS,
    )


def test_a_hospital_has_its_disease_ledger_s002_01():
    rows = disease_ledger(ledger_cases(), simple()).to_pylist()
    by_disease = {row["disease"]: row for row in rows}
    assert by_disease[CODE]["cases"] == 3
    assert by_disease[CODE]["mean_fee_fen"] == 1_000_000
    assert by_disease[CODE]["benchmark_fee_fen"] == MEAN * 2
    assert by_disease[""]["kind"] == "none"
    assert [row["result_fen"] for row in rows] == sorted(row["result_fen"] for row in rows)


def test_results_by_core_and_composite_kind_s002_02():
    rows = {(row["kind"], row["type"]): row for row in kind_ledger(ledger_cases(), simple()).to_pylist()}
    assert rows["core", ""]["case_share_e4"] == 7_500
    assert rows["composite", ""]["case_share_e4"] == rows["composite", "diagnostic"]["case_share_e4"] == 2_500
    assert rows["composite", "diagnostic"]["label"] == "诊断性操作"
    assert rows["none", ""]["case_share_e4"] is None
    result = sum(row["result_fen"] for (_, type_), row in rows.items() if not type_)
    assert result == sum(ledger_cases()["result_fen"].to_pylist())


def test_steps_of_a_hospital_coefficient_are_floored_or_proportional():
    policy = Policy.load(POLICIES / "dip-xiamen" / "2024")
    assert institution_coefficient(policy, DAY, "三级", {"cmi": 2_499}).total_e4 == 9_300 + 400
    assert institution_coefficient(policy, DAY, "二级", {"cmi": 9_000}).total_e4 == 7_200 + 600
    assert institution_coefficient(policy, DAY, "一级", {"cmi": 9_000, "elderly": 1}).total_e4 == 5_500
    steps = policy.edition.parameters["dip.institution.steps"]
    policy.edition.parameters["dip.institution.steps"] = steps.model_copy(
        update={"values": {date(2024, 1, 1): "proportional"}}
    )
    assert institution_coefficient(policy, DAY, "三级", {"cmi": 2_499}).total_e4 == 9_300 + 500
    with pytest.raises(PolicyError, match=r"dip\.institution"):
        institution_coefficient(policy, DAY, "三级", {"age": 1})
    with pytest.raises(PolicyError, match=r"dip\.institution"):
        excess_over(1, 0)
    assert excess_over(1, 2) == 0


def test_clearing_reads_its_switches():
    assert clearing_switches(national(), DAY) == (True, True, False)
    assert value_terms(national(), DAY) == (4, "exact")


def test_a_point_value_of_nothing_is_refused():
    with pytest.raises(PolicyError, match=r"dip\.points"):
        settlement_value(100, 0, 100, 4)
    with pytest.raises(PolicyError, match=r"dip\.points"):
        settlement_value(100, 10_000, 0, 4)
    with pytest.raises(PolicyError, match=r"dip\.points"):
        points_paid(settlement_value(100, 10_000, 100, 4), [99], "exact")


@settings(max_examples=100, deadline=None)
@given(
    fund=st.integers(1, 10**13),
    ratio=st.integers(1, 10_000),
    points=st.lists(st.integers(0, 10**10), min_size=1, max_size=30).filter(lambda found: sum(found) > 0),
    decimals=st.integers(0, 4),
)
def test_settlement_closes_to_the_fund(fund, ratio, points, decimals):
    value = settlement_value(fund, ratio, sum(points), decimals)
    paid = points_paid(value, points, "exact")
    assert sum(paid) == value.money_fen
    assert all(part >= 0 for part in paid)
    rounded = points_paid(value, points, "rounded")
    assert abs(sum(rounded) - value.money_fen - value.residue_fen) <= len(points)


@settings(max_examples=150, deadline=None)
@given(
    fee=st.lists(st.integers(1, 10**9), min_size=1, max_size=20),
    mean=st.integers(1, 10**8),
    compare=st.sampled_from(["exact", "rounded"]),
    unreviewed=st.sampled_from(["formula", "at_limit", "one"]),
)
def test_deviation_is_above_zero_and_has_one_class(fee, mean, compare, unreviewed):
    count = len(fee)
    edges = Edges(
        *(np.full(count, edge, np.int64) for edge in (5_000, 20_000, 50_000)),
        *(Coded(np.zeros(count, np.int64), [choice]) for choice in (compare, unreviewed, "duty")),
    )
    found = deviation(np.array(fee, np.int64), np.full(count, mean, np.int64), edges)
    for one, coefficient, in_review, amount in zip(
        found.outlier_class.texts().to_pylist(), found.coefficient_e4, found.in_review, fee, strict=True
    ):
        assert coefficient >= 0
        if one == "NORMAL":
            assert coefficient == 10_000
            assert not in_review
        if one == "LOW":
            assert coefficient <= 5_000
        if compare == "exact":
            assert (one == "LOW") == (2 * amount < mean)
            assert in_review == (amount > 5 * mean)


@settings(max_examples=40, deadline=None)
@given(
    plans=st.lists(
        st.tuples(
            st.sampled_from(["I20.000", "I20.100", "K80.000", "K80.900", "Z99.900"]),
            st.lists(st.sampled_from(["36.0700", "88.5500", "51.2300", "39.9500"]), max_size=3, unique=True),
            st.integers(1, 10**6),
            st.integers(0, 100),
        ),
        min_size=1,
        max_size=12,
    )
)
def test_no_fen_appears_or_disappears(plans):
    rows = [{**stay(n, dx, tuple(px), fee, 2025), "age": age} for n, (dx, px, fee, age) in enumerate(plans)]
    policy = edition(**{"auxiliary.source": "stated", "institution.coefficient": Decimal("0.9")})
    found = price_dip(table(rows), policy, usual().catalogue, INSTITUTIONS).to_pylist()
    for row in found:
        assert row["pool_payable_fen"] == row["gross_fen"] - row["patient_fen"] - row["other_funds_fen"]
        assert row["result_fen"] == row["pool_payable_fen"] - row["item_pool_fen"]
        if row["pay_scope"] == "DRG":
            assert row["score_e4"] > 0
            assert row["standard_fen"] > 0
            assert row["auxiliary_e4"] >= 10_000
            assert (row["pay_mode"] == "standard") == (row["gross_fen"] == row["standard_fen"])
            assert (row["outlier_class"] == "NORMAL") <= (row["deviation_e4"] == 10_000)
        else:
            assert row["gross_fen"] == row["total_fee_fen"]
            assert row["score_e4"] is None
    ledger = kind_ledger(price_dip(table(rows), policy, usual().catalogue, INSTITUTIONS), usual().catalogue).to_pylist()
    assert sum(row["gross_fen"] for row in ledger if not row["type"]) == sum(row["gross_fen"] for row in found)
