"""What the documents say of a surplus, an overspend and a grade: retention, causes, shares, credit rating."""

from __future__ import annotations

from datetime import date

import pytest
from clearing_cases import cleared, clearing_edition, clearing_policy, line, place_of, ruling
from hypothesis import given
from hypothesis import strategies as st
from payment_cases import START, fen, make_policy

from tongpin.base.errors import PolicyError
from tongpin.payment.policy.policy import Policy
from tongpin.payment.year.letter import place_lines
from tongpin.payment.year.shares import share_schemes, shared_out, shares_stated

ON = date(2025, 12, 31)


def due_of(policy, item: float, *decided) -> int:
    """What a hospital-year with a due of 1,000.00 is cleared at when its item-based amount is so much."""
    return place_of(cleared(policy, [line("a", 1_000, fee=item)], *decided))["due_fen"]


def test_a_package_keeps_its_surplus_and_bears_its_overspend_s001_01(tmp_path):
    policy = clearing_policy(tmp_path, band__apply="bands", band__lower=0, band__retained=1, band__overspend="none")
    assert due_of(policy, 700) == fen(1_000), "the surplus of 300 is kept"
    assert due_of(policy, 1_300) == fen(1_000), "the overspend of 300 is not made up"


@pytest.mark.parametrize(("retained", "due"), [(0.5, 850), (0.6, 880), (0.7, 910)])
def test_half_to_seven_tenths_of_a_surplus_are_retained_s001_46(tmp_path, retained, due):
    policy = clearing_policy(tmp_path, band__apply="bands", band__lower=0, band__retained=retained)
    assert due_of(policy, 700) == fen(due), "700 by item and the share of the surplus of 300"


def test_without_retention_rules_nothing_is_cut_s001_46(tmp_path):
    assert due_of(clearing_policy(tmp_path, band__apply="none"), 700) == fen(1_000)


def overspend_policy(tmp_path, share: float):
    return clearing_policy(
        tmp_path, band__apply="bands", band__overspend="cause", band__overspend_share=share, band__upper=2
    )


def cause(result: str, amount: float):
    return ruling("cause", fund="310", year=2025, amount_fen=fen(amount), result=result)


@pytest.mark.parametrize("result", ["编码错误", "高套病组"])
def test_an_overspend_of_management_is_borne_by_the_hospital_s001_47(tmp_path, result):
    assert due_of(overspend_policy(tmp_path, 0.5), 1_300, cause(result, 300)) == fen(1_000)


@pytest.mark.parametrize("result", ["政策调整", "突发公共卫生事件"])
@pytest.mark.parametrize(("share", "due"), [(0.5, 1_100), (0.8, 1_160)])
def test_a_reasonable_overspend_is_borne_in_part_by_the_fund_s001_48(tmp_path, result, share, due):
    policy = overspend_policy(tmp_path, share)
    assert due_of(policy, 1_300, cause(result, 200)) == fen(due), "of the 200 approved, not of the 300 overspent"
    assert due_of(policy, 1_300) == fen(1_000), "without an approved cause nothing is shared"


@pytest.mark.parametrize(
    ("scheme", "amount", "parts"),
    [
        ("s001_57", 100, {"hospital": 30, "department": 50, "person": 20}),
        ("s001_57", 101, {"hospital": 30, "department": 51, "person": 20}),
        ("s001_07", 100, {"doctor_team": 18, "department": 12, "hospital": 70}),
        ("s001_07", 99, {"doctor_team": 18, "department": 12, "hospital": 69}),
        ("s001_63", 100, {"doctor_team": 30, "department": 20, "hospital": 50}),
        ("s001_63", 101, {"doctor_team": 30, "department": 20, "hospital": 51}),
        ("s001_59", 100, {"fund": 50, "hospital": 30, "department": 20}),
        ("s001_59", 103, {"fund": 51, "hospital": 31, "department": 21}),
        ("s001_60", 101, {"hospital": 101}),
    ],
)
def test_the_named_schemes_split_to_the_fen_s001_57_59_60_68(scheme, amount, parts):
    assert {one.party: one.amount_fen for one in shared_out(scheme, amount)} == parts


@given(st.sampled_from(sorted(share_schemes())), st.integers(0, 10**13))
def test_the_parts_of_a_share_sum_to_the_whole(scheme, amount):
    parts = shared_out(scheme, amount)
    assert sum(one.amount_fen for one in parts) == amount
    assert all(one.amount_fen >= 0 for one in parts)


def shown(policy, surplus: float) -> str:
    place = {
        **dict.fromkeys(("cases", "drg_cases", "item_pool_fen", "total_fee_fen"), 0),
        **dict.fromkeys(("band_ratio_e4", "coefficient_e4", "grade"), None),
        "surplus_fen": fen(surplus),
    }
    return "\n".join(place_lines(place, {"shares": shares_stated(policy, ON).schemes}))


@pytest.mark.parametrize("scheme", ["s001_57", "s001_07", "s001_63"])
def test_personal_shares_need_a_document_s001_68(tmp_path, scheme):
    bare = clearing_policy(tmp_path / "bare", surplus__shares=scheme)
    assert "个人" not in shown(bare, 10)
    assert "团队" not in shown(bare, 10)
    assert "没有决定文件，不列个人份额" in shares_stated(bare, ON).notes[0]

    def decided(data):
        clearing_edition(data, {"surplus.shares": scheme})
        data["parameters"]["surplus.shares"] |= {
            "reference": {START: {"title": "示例〔2025〕9号"}},
            "checked_on": START,
            "assumed": False,
        }

    with_document = make_policy(tmp_path / "decided", change=decided)
    assert share_schemes()[scheme].reference in shown(with_document, 10)
    assert shares_stated(with_document, ON).notes == ()


def test_without_a_scheme_nobody_has_a_share_s001_68(tmp_path):
    assert shown(clearing_policy(tmp_path), 10).count("\n") == 0


def test_the_overspend_of_three_parties_is_shown_s001_59_and_of_the_hospital_alone_s001_60(tmp_path):
    three = shown(clearing_policy(tmp_path / "three", overspend__shares="s001_59"), -10)
    assert "医保基金 5.00 元，医院 3.00 元，科室（从科室结余扣） 2.00 元" in three
    alone = shown(clearing_policy(tmp_path / "alone", overspend__shares="s001_60"), -10)
    assert "医院（并扣减科室绩效） 10.00 元" in alone


def credit_policy(folder, effect: str | None, *, assessed: str = "none") -> Policy:
    """Grades A and B rate 优 and 良; a rating of 优 lets the whole deposit go back, 良 nine tenths, none eight."""
    values = {"credit.rating": {"A": "优", "B": "良", "*": "中"}, "credit.effect": effect}
    values["assessment.applies_to"] = assessed
    by = {"credit.rating": ["grade"], "credit.deposit_share": ["credit_rating"]}

    def change(data):
        shares = {"优": 1, "良": 0.9, "*": 0.8} if effect == "deposit" else None
        clearing_edition(data, values | {"credit.deposit_share": shares})
        for key, dimensions in by.items():
            if key in data["parameters"]:
                data["parameters"][key]["by"] = dimensions

    return make_policy(folder, change=change)


@pytest.mark.parametrize(
    ("grades", "lost", "told"),
    [
        ([(2023, "A")], 0, "国考等级 A（2023 年度），信用评级 优"),
        ([(2022, "A"), (2023, "B")], -10, "国考等级 B（2023 年度），信用评级 良"),
        ([(2026, "A")], -20, "没有公布过国考等级"),
    ],
)
def test_the_credit_rating_of_the_last_grade_lets_a_share_of_the_deposit_go_s000_36(tmp_path, grades, lost, told):
    policy = credit_policy(tmp_path, "deposit")
    published = [ruling("grade", year=year, result=grade) for year, grade in grades]
    found = cleared(policy, [line("a", 1_000)], *published, deposit=0.1)
    row = place_of(found)
    assert (row["assessed_fen"], row["balance_fen"]) == (fen(lost), fen(100 + lost))
    (reason,) = [one for one in found.reasons.to_pylist() if one["label"] == "信用评级"]
    assert reason["formula"].startswith(told)
    assert reason["amount_fen"] == fen(lost)


def test_the_credit_rating_counts_after_the_assessment_of_the_deposit(tmp_path):
    policy = credit_policy(tmp_path, "deposit", assessed="deposit")
    decided = [ruling("grade", year=2023, result="B"), ruling("score", year=2025, value_e4=500_000)]
    row = place_of(cleared(policy, [line("a", 1_000)], *decided, deposit=0.1))
    assert row["assessed_fen"] == fen(-50 - 5), "half the deposit of 100, then a tenth of the 50 left"


def test_a_rating_without_effect_moves_no_money_s000_36(tmp_path):
    row = place_of(
        cleared(
            credit_policy(tmp_path, "none"), [line("a", 1_000)], ruling("grade", year=2023, result="B"), deposit=0.1
        )
    )
    assert (row["assessed_fen"], row["credit_rating"], row["grade_year"]) == (0, "良", 2023)


def test_a_rating_whose_effect_is_open_is_refused(tmp_path):
    with pytest.raises(PolicyError, match=r"(?s)policy\.gap.*credit\.effect"):
        cleared(credit_policy(tmp_path, None), [line("a", 1_000)], ruling("grade", year=2023, result="B"), deposit=0.1)
