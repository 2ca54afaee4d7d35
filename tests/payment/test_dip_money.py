"""What stands around the pay of DIP: point values step by step, hospital coefficients, reviews, leads, auxiliary."""

from __future__ import annotations

import csv
from dataclasses import replace
from datetime import date
from decimal import Decimal
from importlib.resources import files

import pyarrow as pa
import pytest
from dip_cases import INSTITUTIONS, POLICIES, TABLES, built, national, stay, table, usual
from hypothesis import given, settings
from hypothesis import strategies as st
from test_dip_price import CODE, DAY, edition, priced, simple

from tongpin.base.errors import PolicyError
from tongpin.payment.dip.auxiliary_told import auxiliary_lines, case_auxiliary
from tongpin.payment.dip.catalogue import COMPOSITE, CORE, TYPE_LABELS, Catalogue
from tongpin.payment.dip.institution import hospital_coefficients
from tongpin.payment.dip.price import price_dip
from tongpin.payment.dip.reviews import RESULTS, awaiting, decision_rows, reviews_of
from tongpin.payment.dip.scheme import group_dip
from tongpin.payment.dip.value_steps import WHOLE, budget_values, settlement_values
from tongpin.payment.dip.violation import deduction_rows, find_violations, leads_of
from tongpin.payment.policy.policy import Policy
from tongpin.records.layouts.catalogue import layout_schema


def xiamen() -> Policy:
    return Policy.load(POLICIES / "dip-xiamen" / "2024")


def with_values(policy: Policy, **values) -> Policy:
    parameters = dict(policy.edition.parameters)
    for key, value in values.items():
        name = key.replace("__", ".")
        like = parameters.get(name) or parameters["dip.value.decimals"]
        parameters[name] = like.model_copy(update={"by": (), "values": {date(2024, 1, 1): value}})
    return replace(policy, edition=policy.edition.model_copy(update={"parameters": parameters}))


# Point values.


def history(*rows: tuple[int, str, str, int]) -> pa.Table:
    """Rows (year place, fund, disease, fee in fen)."""
    names = ("year_place", "fund", "drg", "total_fee_fen")
    return pa.Table.from_pylist([dict(zip(names, row, strict=True)) for row in rows])


def test_the_budget_value_is_worked_step_by_step_and_weights_the_years_one_two_seven():
    cases = history((1, "310", CODE, 800_000), (2, "310", CODE, 900_000), (3, "310", CODE, 1_000_000))
    whole, fund = budget_values(cases, simple(), national(), DAY)
    # (1 x 8,000 + 2 x 9,000 + 7 x 10,000) / 10 = 9,600 yuan; each year 1,000 points (weight 1 x 1,000).
    assert (whole.fund, fund.fund) == (WHOLE, "310")
    assert (fund.value.money_fen, fund.value.points_e4, fund.value.value_e4) == (960_000, 10_000_000, 96_000)
    assert fund.monthly_e4 == 115_000
    assert whole.monthly_e4 is None
    assert [step.label for step in fund.steps] == [
        *("第 1 年", "第 2 年", "第 3 年"),
        *("加权费用", "总分值", "预算点值"),
    ]
    assert "（1×8,000.00 + 2×9,000.00 + 7×10,000.00）÷ 10" in fund.steps[3].text
    assert "预算点值 9.6000 元" in fund.steps[-1].text
    assert all("模拟" in step.text for step in fund.steps[3:])


def test_cases_of_the_newest_year_may_be_counted_and_empty_years_have_no_weight():
    cases = history((2, "310", CODE, 900_000), (3, "310", CODE, 1_000_000), (3, "310", CODE, 1_000_000))
    newest = with_values(national(), dip__value__cases="newest")
    by_weight, by_newest = (budget_values(cases, simple(), policy, DAY)[1].value for policy in (national(), newest))
    assert by_weight.money_fen == by_newest.money_fen == round((2 * 900_000 + 7 * 2_000_000) / 9)
    assert by_newest.points_e4 == 20_000_000
    assert by_weight.points_e4 == round((2 * 10_000_000 + 7 * 20_000_000) / 9)


def test_cases_without_a_disease_have_neither_cost_nor_score():
    cases = history((3, "310", CODE, 1_000_000), (3, "390", "", 5_000_000))
    whole = budget_values(cases.slice(0, 1), simple(), national(), DAY)[0].value
    assert whole.money_fen == 1_000_000
    with pytest.raises(PolicyError, match=r"dip\.points"):
        budget_values(cases.slice(1), simple(), national(), DAY)


def posted(*rows: tuple[str, int, int, int, int]) -> pa.Table:
    """Lines (fund, points e4, fee, pool by item, sign) as a month posts them."""
    names = ("fund", "points_e4", "total_fee_fen", "item_pool_fen", "line_sign")
    made = [{**dict(zip(names, row, strict=True)), "pay_scope": "DRG"} for row in rows]
    return pa.Table.from_pylist(made)


def test_the_settlement_value_closes_on_the_budget_and_a_red_line_takes_its_points_back():
    lines = posted(
        ("310", 6_000_000, 600_000, 480_000, 1),
        ("310", 4_000_000, 400_000, 320_000, 1),
        ("310", 9_000_000, 900_000, 100_000, 1),
        ("310", 9_000_000, -900_000, -100_000, -1),
    )
    (one,) = settlement_values(lines, national(), DAY, {"310": 1_000_000})
    # 80 % of the fee was the pool's: 10,000 / 0.8 = 12,500 yuan over 1,000 points.
    assert (one.value.money_fen, one.value.points_e4, one.value.value_e4) == (1_250_000, 10_000_000, 125_000)
    assert [step.label for step in one.steps] == ["本年", "预算", "报销比例", "可付总额", "结算点值"]
    assert "80.00 %" in one.steps[2].text
    whole = with_values(national(), dip__final_budget_base="total", dip__final_budget=2_000_000)
    (one,) = settlement_values(lines, whole, DAY)
    assert one.value.value_e4 == 200_000
    with pytest.raises(PolicyError, match=r"policy\.gap.*dip\.final_budget"):
        settlement_values(lines, national(), DAY)


# Hospital coefficients from the figures of hospitals.


def figures(*rows: tuple[str, int, int, int]) -> pa.Table:
    """Cases (institution, weight e4, age, fen of TCM of 10,000)."""
    names = ("institution_code", "rw_e4", "age", "tcm_fee_fen")
    made = [{**dict(zip(names, row, strict=True)), "total_fee_fen": 10_000} for row in rows]
    return pa.Table.from_pylist(made)


def registered(code: str, level: str, grade: str, function: str | None = None) -> dict:
    named = {"institution_code": code, "institution_name": code}
    return {**named, "settlement_level": level, "grade": grade, "function_type": function}


def test_a_hospital_coefficient_from_its_cases_names_every_figure():
    cases = figures(
        *[("A", 12_000, 75, 700)] * 2,
        *[("A", 12_000, 5, 700)] * 2,
        *[("B", 10_000, 75, 0)],
        *[("B", 10_000, 40, 0)] * 3,
    )
    rows = [registered("A", "三级", "三甲"), registered("B", "三级", "三乙")]
    found = {one.institution_code: one for one in hospital_coefficients(cases, rows, xiamen(), DAY)}
    one = found["A"]
    # CMI 1.2 against B's 1.0, the only 乙等: 20 % above, four steps of 5 %.
    assert (one.figures["cmi"].mean_e4, one.figures["cmi"].peers) == (10_000, 1)
    assert (one.figures["children"].value_e4, one.figures["children"].mean_e4) == (5_000, 2_500)
    # children 100 % above: 10 steps, capped at 0.06; elderly 50 % against 37.5 %: above, and one step of 20 %.
    assert [a.capped_e4 for a in one.coefficient.additions] == [400, 600, 200, 200]
    assert one.coefficient.total_e4 == 9_300 + 400 + 600 + 200 + 200
    assert found["B"].coefficient.total_e4 == 9_300


def test_the_class_may_name_the_function_and_a_first_level_adds_nothing():
    cases = figures(("C", 10_000, 30, 0), ("D", 30_000, 80, 9_000))
    rows = [registered("C", "二级", "二级", "产科"), registered("D", "一级", "一级")]
    found = hospital_coefficients(cases, rows, xiamen(), DAY)
    assert [(one.hospital_class, one.coefficient.total_e4) for one in found] == [("二级产科", 7_000), ("一级", 5_500)]
    with pytest.raises(PolicyError, match=r"policy\.institution"):
        hospital_coefficients(cases, rows[:1], xiamen(), DAY)


def test_peers_may_be_averaged_hospital_by_hospital():
    cases = figures(("A", 10_000, 30, 0), *[("B", 20_000, 30, 0)] * 3)
    rows = [registered("A", "二级", "二级"), registered("B", "二级", "二级")]
    pooled, simple_mean = (
        hospital_coefficients(cases, rows, with_values(xiamen(), dip__institution__mean=how), DAY)[1]
        for how in ("pooled", "simple")
    )
    assert pooled.figures["cmi"].mean_e4 == 17_500
    assert simple_mean.figures["cmi"].mean_e4 == 15_000


def test_both_editions_state_the_same_keys_and_xiamens_coefficients_have_their_document():
    own, other = (set(policy.edition.parameters) for policy in (xiamen(), national()))
    assert other <= own
    sourced = {key for key, one in xiamen().edition.parameters.items() if not one.assumed}
    names = ("base", "step", "add", "first", "cap", "age_limit")
    assert sourced == {f"dip.institution.{name}" for name in names}


# Expert reviews.


def decision(**values) -> pa.Table:
    row = {"institution_code": "H3", "kind": "special_case", "result": RESULTS[0], "setl_id": "S00001"}
    row |= {"decided_date": date(2025, 7, 1), **values}
    schema = layout_schema("decision")
    if pa.types.is_decimal(schema.field("value").type) and row.get("value") is not None:
        row["value"] = Decimal(str(row["value"]))
    return pa.Table.from_pylist([row], schema)


def test_a_decision_is_read_from_the_layout_and_prices_the_case():
    reviews = reviews_of(decision(value=3))
    assert reviews.to_pylist() == [{"institution_code": "H3", "case_id": "S00001", "coefficient_e4": 30_000}]
    row = priced(60_000, reviews=reviews)
    assert (row["deviation_e4"], row["in_review"]) == (30_000, False)
    elsewhere = reviews_of(decision(value=3, institution_code="H2"))
    assert priced(60_000, reviews=elsewhere)["in_review"] is True
    assert reviews_of(decision(result="按项目付费")).num_rows == 0


def test_a_decision_without_a_coefficient_or_twice_is_refused():
    with pytest.raises(PolicyError, match=r"dip\.review"):
        reviews_of(decision(value=None))
    with pytest.raises(PolicyError, match=r"dip\.review"):
        reviews_of(pa.concat_tables([decision(value=3), decision(value=4)]))


def test_the_words_of_a_decision_are_those_that_the_clearing_knows():
    text = (files("tongpin.payment.year") / "rulings.csv").read_text(encoding="utf-8")
    known = {(row["kind"], row["result"]): row["outcome"] for row in csv.DictReader(text.splitlines())}
    assert {known["special_case", word] for word in RESULTS} == {"deviation"}


def lines_of(*fees: float, policy: Policy | None = None, reviews: pa.Table | None = None) -> pa.Table:
    cases = table([stay(n, "I20.000", (), fee, 2025) for n, fee in enumerate(fees)])
    found = price_dip(cases, policy or edition(), simple(), INSTITUTIONS, reviews)
    return found.append_column("period", pa.array(["2025-06"] * found.num_rows))


@pytest.mark.parametrize(
    ("by", "value", "state"),
    [("duty", None, "waiting"), ("application", None, "open"), ("duty", 5, "decided"), ("duty", 3, "pending")],
)
def test_the_cases_beyond_the_limit_are_listed_with_how_they_stand(by, value, state):
    policy = edition(**{"review.by": by})
    reviews = reviews_of(decision(value=value)) if value else reviews_of(decision(result="同意"))
    found = awaiting(lines_of(50_000, 60_000, 10_000, policy=policy), policy, reviews).to_pylist()
    (row,) = found  # 50,000 is exactly at the limit
    assert (row["case_id"], row["ratio_e4"], row["paid_e4"], row["formula_e4"]) == ("S00001", 60_000, 50_000, 50_000)
    assert row["state"] == state
    assert row["decided_e4"] == (value * 10_000 if value else None)


def test_rows_for_the_experts_name_only_the_undecided():
    found = awaiting(lines_of(60_000, 70_000), edition(), reviews_of(decision(value=3)))
    rows = decision_rows(found, "my-city").to_pylist()
    assert [(row["setl_id"], row["area"], row["result"]) for row in rows] == [("S00000", "my-city", "偏差系数")]


# Leads of violations with what they take.


def test_a_lead_takes_its_share_of_the_points_and_a_case_loses_at_most_all():
    rows = [stay(n, "I20.000", (), 20_000, 2025) for n in range(8)]
    rows.append(stay(50, "I20.000", (), 5_999, 2025, los=60))  # too cheap (1.0) and too long (1.0)
    grouped = group_dip(table(rows), simple())
    policy = edition()
    lines = price_dip(grouped, policy, simple(), INSTITUTIONS)
    found = leads_of(find_violations(grouped, simple(), policy, DAY), lines, policy, DAY)
    assert [(one.violation, one.case_id) for one in found] == [("low_fee", "S00050"), ("long_stay", "S00050")]
    line = next(row for row in lines.to_pylist() if row["case_id"] == "S00050")
    assert [one.lost_points_e4 for one in found] == [line["points_e4"], 0]
    assert found[0].lost_fen == line["gross_fen"]
    assert "住院天数是病种平均的" in found[1].evidence
    rows_of = deduction_rows(found, "my-city", "2025-07").to_pylist()
    assert [(row["kind"], row["amount_fen"], row["month"]) for row in rows_of] == [
        ("audit_deduction", line["gross_fen"], "2025-07")
    ]
    assert found[0].finding().rule_id == "DIP-V002"
    assert "机构可以申诉" in found[0].finding().hint


def test_leads_on_cases_that_are_not_paid_by_scores_are_left_out():
    rows = [stay(1, "I20.000", (), 5_999, 2025)]
    grouped = group_dip(table(rows), simple())
    observed = INSTITUTIONS.append_column("pay_mode", pa.array(["observed", "drg"]))
    lines = price_dip(grouped, edition(), simple(), observed)
    leads = find_violations(grouped, simple(), edition(), DAY)
    assert leads.num_rows == 1
    assert leads_of(leads, lines, edition(), DAY) == []


def test_planned_returns_are_no_readmissions():
    from datetime import datetime

    def times(begin, end):
        moments = {"admission_time": begin, "discharge_time": end}
        return {"patient_hash": "p", **{k: datetime(2025, *v) for k, v in moments.items()}}  # noqa: DTZ001

    def found(dx):
        rows = [stay(1, dx, (), 9_000, 2025, **times((1, 1), (1, 5)))]
        rows.append(stay(2, dx, (), 9_000, 2025, **times((1, 20), (1, 25))))
        grouped = group_dip(table(rows), simple())
        leads = find_violations(grouped, simple(), national(), DAY).to_pylist()
        return [lead["case_id"] for lead in leads if lead["violation"] == "readmission"]

    assert found("I20.000") == ["S00002"]
    assert found("Z51.100") == []


# The auxiliary catalogue of one case.


def test_every_dimension_of_a_case_is_told_and_the_highest_wins():
    stated = edition(**{"auxiliary.source": "stated"})
    own = national().edition.parameters["dip.auxiliary.coefficient"]
    stated.edition.parameters["dip.auxiliary.coefficient"] = own
    row = stay(1, ["I20.000", "I50.900", "N18.900", "J96.000"], (), 10_000, age=85, icu_hours=72)
    told = {one.dimension: one for one in case_auxiliary(row, CODE, simple(), stated, DAY)}
    assert (told["cci"].level, told["age"].level, told["icu"].level) == ("严重", "80 岁以上", "2-7 天")
    assert "I50.900 1 分" in told["cci"].evidence
    assert told["severity"].evidence == "I50.900 中度、N18.900 中度、J96.000 重度"
    assert [name for name, one in told.items() if one.wins] == ["cci"]
    paid = price_dip(table([row]), stated, simple(), INSTITUTIONS).to_pylist()[0]
    assert (paid["auxiliary_dimension"], paid["auxiliary_e4"]) == ("cci", told["cci"].coefficient_e4)
    lines = auxiliary_lines(list(told.values()), stated)
    assert lines[0] == "辅助目录（模拟）："
    assert "触发值最高，采用" in lines[1]
    assert case_auxiliary(row, CODE, simple(), edition(), DAY) == []  # the edition uses none


@settings(max_examples=60, deadline=None)
@given(
    age=st.integers(1, 99),
    hours=st.integers(0, 900),
    others=st.lists(st.sampled_from(["I50.900", "N18.900", "J96.000", "C77.000", "E11.200", "B20.900"]), max_size=4),
)
def test_what_is_told_is_what_is_paid(age, hours, others):
    stated = edition(**{"auxiliary.source": "stated"})
    stated.edition.parameters["dip.auxiliary.coefficient"] = national().edition.parameters["dip.auxiliary.coefficient"]
    row = stay(1, ["I20.000", *others], (), 10_000, age=age, icu_hours=hours)
    paid = price_dip(table([row]), stated, simple(), INSTITUTIONS).to_pylist()[0]
    winner = [one for one in case_auxiliary(row, CODE, simple(), stated, DAY) if one.wins]
    assert [one.dimension for one in winner] == [paid["auxiliary_dimension"]] * bool(paid["auxiliary_dimension"])
    assert [one.coefficient_e4 for one in winner] == [paid["auxiliary_e4"]] * len(winner)


# What must always hold.


def naive(catalogue: Catalogue, dx: str, px: list[str]) -> str:
    """The disease of a case, found by reading the catalogue as a clerk would, without rules or kernel."""
    valued = [code for code in px if code not in catalogue.zero_value]
    known = sorted({one.dx for one in catalogue.groups}, key=len, reverse=True)
    cut = next((one for one in known if dx.startswith(one)), dx)

    def fits(one) -> bool:
        if one.kind == COMPOSITE or not cut.startswith(one.dx):
            return False
        if not one.main_px:
            return not valued
        return valued[:1] == [one.main_px] and set(one.related) <= set(valued[1:])

    core = [one for one in catalogue.groups if one.kind == CORE and fits(one)]
    if core:
        return min(core, key=lambda one: (-len(one.procedures), -one.rw_e4, one.code)).code
    kinds = [catalogue.type_of(code) for code in valued]
    kind = next((one for one in TYPE_LABELS if one in kinds), "conservative" if not valued else "")
    wide = [one for one in catalogue.groups if one.kind == COMPOSITE and cut.startswith(one.dx) and one.type == kind]
    return min(wide, key=lambda one: (-one.rw_e4, one.code)).code if wide else ""


@settings(max_examples=120, deadline=None)
@given(
    plans=st.lists(
        st.tuples(
            st.sampled_from(["I20.000", "I20.000x001", "I20.100", "I20.900", "K80.000", "K80.200", "J18.900"]),
            st.lists(st.sampled_from([*sorted(TABLES.procedure_types), "93.9900"]), max_size=3, unique=True),
        ),
        min_size=1,
        max_size=8,
    )
)
def test_every_case_is_in_the_one_disease_that_a_reader_of_the_catalogue_finds(plans):
    catalogue = usual().catalogue
    cases = table([stay(n, dx, tuple(px), 1_000) for n, (dx, px) in enumerate(plans)])
    found = group_dip(cases, catalogue)["drg"].to_pylist()
    assert found == [naive(catalogue, dx, px) for dx, px in plans]


@settings(max_examples=25, deadline=None)
@given(
    fees=st.lists(st.integers(100, 50_000), min_size=16, max_size=40),
    dx=st.lists(st.sampled_from(["I20.000", "I20.100", "K80.000"]), min_size=16, max_size=40),
)
def test_the_scores_of_one_year_carry_all_its_fees(fees, dx):
    rows = [stay(n, code, (), fee, 2024) for n, (fee, code) in enumerate(zip(fees, dx, strict=False))]
    catalogue = built(rows).catalogue
    whole = int(catalogue.facts["mean_fen"])
    carried = sum(sum(one.cases) * one.rw_e4 for one in catalogue.groups) * whole
    count, fen = len(rows), sum(row["total_fee_fen"] for row in rows)
    # Each mean is rounded to the fen, each weight to four decimals.
    assert abs(carried - fen * 10_000) <= count * (whole + 20_000)


@settings(max_examples=25, deadline=None)
@given(
    fees=st.lists(st.floats(10, 90_000), min_size=2, max_size=12),
    cut=st.integers(1, 11),
    outside=st.lists(st.booleans(), min_size=12, max_size=12),
)
def test_a_case_is_priced_alike_alone_and_among_others(fees, cut, outside):
    rows = [
        stay(n, "I20.000" if n % 3 else "Z99.900", (), fee, 2025, care_type="bed_day" if outside[n] else "inpatient")
        for n, fee in enumerate(fees)
    ]
    cases = group_dip(table(rows), simple())
    policy = edition(**{"auxiliary.source": "stated"})
    policy.edition.parameters["dip.auxiliary.coefficient"] = national().edition.parameters["dip.auxiliary.coefficient"]
    whole = price_dip(cases, policy, simple(), INSTITUTIONS).to_pylist()
    parts = [price_dip(part, policy, simple(), INSTITUTIONS).to_pylist() for part in (cases[:cut], cases[cut:])]
    assert whole == [row for part in parts for row in part]
