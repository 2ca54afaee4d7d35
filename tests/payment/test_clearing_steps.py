"""The steps of the clearing, one rule at a time, and that no two of them may change places (C0 steps 8-14)."""

from __future__ import annotations

from datetime import date
from itertools import combinations

import pyarrow as pa
import pytest
from clearing_cases import cleared, clearing_policy, line, place_of, ruling, rulings_of
from payment_cases import fen

from tongpin.base.errors import BalanceError, PolicyError
from tongpin.payment.pricing.rounding import limit_of
from tongpin.payment.year.clear import STEPS
from tongpin.payment.year.rulings import AGREEMENT_SCHEMA, agreement_scores

PLAIN = [line("a", 100), line("b", 200)]


def test_a_year_in_which_nothing_was_decided_returns_the_deposit(tmp_path):
    row = place_of(cleared(clearing_policy(tmp_path), PLAIN, deposit=0.1, audit_deduction=50, prepay_offset=20))
    assert (row["posted_fen"], row["audit_fen"], row["due_fen"]) == (fen(300), fen(50), fen(250))
    assert (row["deposit_fen"], row["transferred_fen"], row["balance_fen"]) == (fen(25), fen(225), fen(25))
    assert (row["advance_fen"], row["cash_fen"]) == (fen(20), fen(205))


def test_a_penalty_stays_withheld(tmp_path):
    row = place_of(cleared(clearing_policy(tmp_path), PLAIN, penalty=30))
    assert (row["due_fen"], row["penalty_fen"], row["balance_fen"]) == (fen(300), fen(30), 0)


def test_8_an_upheld_appeal_is_paid_by_item(tmp_path):
    rows = [line("a", 100, standard=120, fee=150, patient=20)]
    won = cleared(clearing_policy(tmp_path), rows, ruling("appeal", setl_id="a", result="申诉成立"))
    assert place_of(won)["decided_fen"] == fen(30), "150 - 20 instead of 120 - 20"
    assert won.changed.to_pylist()[0]["reason"] == "申诉成立"
    lost = cleared(clearing_policy(tmp_path), rows, ruling("appeal", setl_id="a", result="不成立"))
    assert place_of(lost)["decided_fen"] == 0


def test_8_a_decided_amount_is_the_gross_of_the_case(tmp_path):
    policy = clearing_policy(tmp_path, appeal__pay="decided")
    rows = [line("a", 100, standard=120, fee=150, patient=20)]
    won = ruling("appeal", setl_id="a", result="成立")
    assert place_of(cleared(policy, rows, won | {"amount_fen": fen(130)}))["decided_fen"] == fen(10)
    with pytest.raises(PolicyError, match=r"clear\.decision"):
        cleared(policy, rows, won)


def test_8_special_cases_within_the_quota_the_dearest_first(tmp_path):
    rows = [line(f"n{number:02d}", 100) for number in range(38)]
    rows += [line("s1", 100, fee=400), line("s2", 100, fee=900), line("s3", 100, fee=600)]
    asked = [ruling("special_case", setl_id=f"s{number}", result="按项目付费") for number in (1, 2, 3)]
    found = cleared(clearing_policy(tmp_path), rows, *asked)
    assert found.changed["case_id"].to_pylist() == ["s2", "s3"], "5 % of 41 cases, rounded down, is 2"
    assert any("1 例特例单议超出例数上限" in note for note in found.notes)


def test_8_with_a_quota_of_applications_a_rejected_one_uses_it_up(tmp_path):
    policy = clearing_policy(tmp_path, special__quota_counts="applied", special__quota_ratio=0.5)
    rows = [line("s1", 100, fee=900), line("s2", 100, fee=400)]
    asked = [
        ruling("special_case", setl_id="s1", result="不同意"),
        ruling("special_case", setl_id="s2", result="同意"),
    ]
    assert cleared(policy, rows, *asked).changed.num_rows == 0, "one application in two cases: the dearer, rejected"


def test_8_an_unknown_result_is_refused(tmp_path):
    with pytest.raises(PolicyError, match="也许"):
        cleared(clearing_policy(tmp_path), PLAIN, ruling("appeal", setl_id="a", result="也许"))


def test_8_one_thing_is_decided_once(tmp_path):
    twice = [ruling("appeal", setl_id="a", result="成立"), ruling("appeal", setl_id="a", result="不成立")]
    with pytest.raises(PolicyError, match="两个决定"):
        cleared(clearing_policy(tmp_path), PLAIN, *twice)


@pytest.mark.parametrize(("base", "left"), [("pool", -30), ("gross", -36)])
def test_8_an_overdue_list_is_paid_its_share(tmp_path, base, left):
    policy = clearing_policy(tmp_path, overdue__base=base)
    found = cleared(policy, [line("a", 100, patient=20)], ruling("overdue", setl_id="a"))
    assert place_of(found)["decided_fen"] == fen(left)


def test_8_a_ruling_on_a_list_of_another_year_is_told(tmp_path):
    found = cleared(clearing_policy(tmp_path), PLAIN, ruling("overdue", setl_id="elsewhere"))
    assert found.changed.num_rows == 0
    assert "1 项病例决定的清单不在本年度清算范围，没有处理" in found.notes


def test_9_a_case_at_the_standard_is_no_matter_of_the_cap(tmp_path):
    rows = [line("h", 100, standard=100, fee=400, outlier="HIGH", pay_mode="standard"), line("n", 100)]
    assert cleared(clearing_policy(tmp_path, outlier__cap__ratio=0), rows).changed.num_rows == 0


def test_9_a_reversed_case_takes_no_room_in_the_cap(tmp_path):
    high = [line(f"h{number}", 300 + number, standard=100, outlier="HIGH") for number in range(2)]
    red = line("h1", 301, standard=100, outlier="HIGH", kind="reversal", month="2025-07")
    policy = clearing_policy(tmp_path, outlier__cap__ratio=0.5)
    assert cleared(policy, [*high, line("n", 100), red]).changed.num_rows == 0, "one of two standing cases"


def test_9_an_approved_special_case_leaves_the_list_first(tmp_path):
    rows = [
        line("h1", 900, standard=100, fee=900, outlier="HIGH"),
        line("h2", 400, standard=100, fee=400, outlier="HIGH"),
    ]
    asked = ruling("special_case", setl_id="h1", result="按项目")
    values = {"outlier__cap__ratio": 0.5, "special__quota_ratio": 0.5}
    leaves = cleared(clearing_policy(tmp_path / "a", **values), rows, asked)
    stays = cleared(clearing_policy(tmp_path / "b", **values, outlier__cap__special_leaves=False), rows, asked)
    assert place_of(leaves)["capped_fen"] == 0
    assert place_of(stays)["capped_fen"] == fen(-300)


def test_10_the_rate_closes_on_the_final_budget(tmp_path):
    # 300 yuan of standards at 1 yuan per ten-thousandth of a weight; the final budget is 240.
    values = {"clearing__rate": "recompute", "clearing__rate_budget": fen(240)}
    row = place_of(cleared(clearing_policy(tmp_path, **values), PLAIN))
    assert (row["rated_fen"], row["due_fen"]) == (fen(-60), fen(240))


def test_10_a_case_paid_by_item_keeps_its_pay(tmp_path):
    values = {"clearing__rate": "recompute", "clearing__rate_budget": fen(50)}
    rows = [line("a", 100), line("h", 500, standard=100, outlier="HIGH")]
    policy = clearing_policy(tmp_path, **values, outlier__cap__ratio=1)
    assert place_of(cleared(policy, rows))["rated_fen"] == fen(-50)


def test_11_under_the_budget_nothing_is_scaled(tmp_path):
    policy = clearing_policy(tmp_path, tier__scaling="scale", tier__final_budget=fen(300))
    assert place_of(cleared(policy, PLAIN))["scaled_fen"] == 0


def test_11_the_split_meets_the_budget_to_the_fen(tmp_path):
    rows = [line(f"c{number}", 1, hospital=f"H{number}") for number in range(3)]
    found = cleared(clearing_policy(tmp_path, tier__scaling="scale", tier__final_budget=100), rows)
    assert sorted(found.places["due_fen"].to_pylist()) == [33, 33, 34]


@pytest.mark.parametrize(("when", "due"), [("before", 190), ("after", 200)])
def test_11_k_before_or_after_the_audit(tmp_path, when, due):
    policy = clearing_policy(tmp_path, tier__scaling="scale", tier__final_budget=fen(200), tier__audit=when)
    row = place_of(cleared(policy, PLAIN, audit_deduction=10))
    assert row["due_fen"] == fen(due)


def test_12_a_share_of_the_overspend_needs_its_cause(tmp_path):
    rows = [line("a", 100, fee=106)]
    policy = clearing_policy(tmp_path, band__apply="bands", band__overspend="band_with_cause")
    cause = ruling("cause", fund="310", year=2025, amount_fen=fen(6))
    assert place_of(cleared(policy, rows))["banded_fen"] == 0
    assert place_of(cleared(policy, rows, cause | {"result": "高套病组"}))["banded_fen"] == 0, "S001-47"
    assert place_of(cleared(policy, rows, cause | {"result": "政策调整"}))["banded_fen"] == fen(3), "S001-48"


def test_12_by_cause_only_the_amount_approved_is_shared(tmp_path):
    policy = clearing_policy(tmp_path, band__apply="bands", band__overspend="cause", band__overspend_share=0.8)
    cause = ruling("cause", fund="310", year=2025, amount_fen=fen(4), result="突发公共卫生事件")
    assert place_of(cleared(policy, [line("a", 100, fee=106)], cause))["banded_fen"] == fen(3.2)


def test_12_a_hospital_near_an_edge_is_told(tmp_path):
    policy = clearing_policy(tmp_path, band__apply="bands")
    near = cleared(policy, [line("a", 100, fee=84.9)])
    assert place_of(near)["near_edge"] == "结余留用下限 85.00 %"
    assert "1 个机构的一项基金离分档界限很近，过界金额会跳变" in near.notes
    assert place_of(cleared(policy, [line("a", 100, fee=90)]))["near_edge"] == ""


def test_12_the_audit_may_lower_the_item_based_amount_too(tmp_path):
    rows = [line("a", 110, fee=95)]
    only = clearing_policy(tmp_path / "a", band__apply="bands")
    both = clearing_policy(tmp_path / "b", band__apply="bands", audit__bands="both")
    assert place_of(cleared(only, rows, audit_deduction=10))["band_ratio_e4"] == 9_500
    assert place_of(cleared(both, rows, audit_deduction=10))["band_ratio_e4"] == 8_500


@pytest.mark.parametrize(("applies", "due"), [("deposit", 297), ("all", 270)])
def test_13_the_coefficient_on_the_deposit_or_on_all(tmp_path, applies, due):
    policy = clearing_policy(tmp_path, assessment__applies_to=applies)
    score = ruling("score", year=2025, value_e4=900_000)
    row = place_of(cleared(policy, PLAIN, score, deposit=0.1))
    assert (row["due_fen"], row["coefficient_e4"], row["score_e4"]) == (fen(due), 9_000, 900_000)


def test_13_a_hospital_without_score_stops_the_clearing(tmp_path):
    policy = clearing_policy(tmp_path, assessment__applies_to="all")
    with pytest.raises(PolicyError, match=r"clear\.score"):
        cleared(policy, PLAIN, ruling("score", year=2024, value_e4=900_000))


def test_13_coefficients_by_band_of_the_score(tmp_path):
    bands = [{"from": 0, "value": 0.9}, {"from": 0.85, "value": 1}]
    policy = clearing_policy(tmp_path, assessment__applies_to="all", assessment__form="bands", assessment__bands=bands)
    for score, coefficient in ((849_999, 9_000), (850_000, 10_000)):
        row = place_of(cleared(policy, PLAIN, ruling("score", year=2025, value_e4=score)))
        assert row["coefficient_e4"] == coefficient


def test_13_the_agreement_sheet_gives_the_score():
    def sheet(*rows):
        made = [
            {
                "institution_code": "H3",
                "year": 2025,
                "clause": c,
                "evidence": e,
                "deduction_e4": d,
                "checked_on": date(2025, 9, 1),
            }
            for c, e, d in rows
        ]
        return pa.Table.from_pylist(made, schema=AGREEMENT_SCHEMA)

    kept = sheet(("第八条", "病历抽查记录 3 份", 25_000), ("第十二条", "上传超期 12 份", 50_000))
    assert agreement_scores(kept, 100) == {"H3": 925_000}
    assert agreement_scores(sheet(("全部条款", "", 0)), 100) == {"H3": 1_000_000}
    with pytest.raises(PolicyError, match="没有证据"):
        agreement_scores(sheet(("第八条", " ", 25_000)), 100)


def test_the_last_published_grade_is_taken_with_its_year():
    grades = [ruling("grade", year=year, result=text) for year, text in ((2022, "A"), (2023, "B+"), (2026, "A+"))]
    assert rulings_of(*grades).grades == {"H3": ("B+", 2023)}


def test_an_observed_hospital_is_part_of_no_tier_and_no_band(tmp_path):
    policy = clearing_policy(tmp_path, tier__scaling="scale", tier__final_budget=fen(100), band__apply="bands")
    observed = line("o", 500, hospital="UP", hospital_pay_mode="observed", pay_scope="BY_ITEM", pay_mode="by_item")
    found = cleared(policy, [line("a", 100, fee=90), observed])
    row = place_of(found, "UP")
    assert (row["due_fen"], row["scaled_fen"], row["banded_fen"], row["band_ratio_e4"]) == (fen(500), 0, 0, None)


def test_every_amount_has_its_reasons(tmp_path):
    policy = clearing_policy(tmp_path, assessment__applies_to="all", band__apply="bands")
    found = cleared(policy, [line("a", 100, fee=106)], ruling("score", year=2025, value_e4=900_000))
    reasons = found.reasons.to_pylist()
    assert [row["step"] for row in reasons] == [7, 12, 13, 14]
    assert reasons[2]["source"] == "模拟"
    assert sum(row["amount_fen"] for row in reasons[:3]) == place_of(found)["due_fen"]


@pytest.mark.parametrize(
    ("count", "rounding", "limit"), [(41, "floor", 2), (41, "ceiling", 3), (50, "nearest", 3), (49, "nearest", 2)]
)
def test_a_limit_of_cases_is_rounded_as_the_edition_says(count, rounding, limit):
    assert limit_of(count, 500, rounding) == limit


def busy_year(tmp_path, steps):
    """A year in which every step moves money: what it comes to under an order of the steps."""
    policy = clearing_policy(
        tmp_path,
        special__quota_ratio=0.2,
        outlier__cap__ratio=0.2,
        outlier__cap__special_leaves=True,
        overdue__share=0.5,
        clearing__rate="recompute",
        clearing__rate_budget=fen(2_080),
        tier__scaling="scale",
        tier__final_budget=fen(4_000),
        band__apply="bands",
        band__retained=0.6,
        assessment__applies_to="all",
    )
    rows = [line(f"n{number}", 100, fee=80) for number in range(9)]
    rows += [line(f"h{n}", 350 + 10 * n, standard=100, fee=350 + 10 * n, outlier="HIGH") for n in range(5)]
    rows += [line("s", 100, fee=900)]
    rows += [line(f"m{number}", 100, fee=95, hospital="UP") for number in range(20)]
    decided = [
        ruling("special_case", setl_id="h4", result="按项目"),
        ruling("special_case", setl_id="s", result="按项目"),
        ruling("overdue", setl_id="n0"),
        ruling("score", year=2025, value_e4=900_000),
        ruling("score", year=2025, value_e4=950_000, institution_code="UP"),
    ]
    return cleared(policy, rows, *decided, deposit=0.03, steps=steps)


def exchanged(first, second):
    steps = list(STEPS)
    steps[first], steps[second] = steps[second], steps[first]
    return steps


@pytest.mark.parametrize(("first", "second"), list(combinations(range(len(STEPS)), 2)))
def test_no_two_steps_may_change_places(tmp_path, first, second):
    right = busy_year(tmp_path / "right", STEPS)
    if STEPS[second].number == 14:
        with pytest.raises(BalanceError, match="补付或收回"):
            busy_year(tmp_path / "wrong", exchanged(first, second))
        return
    wrong = busy_year(tmp_path / "wrong", exchanged(first, second))
    assert right.digest != wrong.digest
    pair = f"{STEPS[first].number} and {STEPS[second].number}"
    assert place_of(right)["balance_fen"] != place_of(wrong)["balance_fen"], pair
