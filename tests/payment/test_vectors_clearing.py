"""Clearing, month transfer and prepayment against the worked examples of the vectors' file, read from it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from clearing_cases import cleared, clearing_policy, line, place_of
from payment_cases import case, decisions, fen, make_policy, settle

VECTORS = Path(__file__).resolve().parents[3] / "shared" / "spec" / "test_vectors.json"
pytestmark = pytest.mark.needs("reference")


def vector(vector_id: str):
    for one in json.loads(VECTORS.read_text(encoding="utf-8")):
        if one["id"] == vector_id:
            return one["inputs"], one["expected"]
    raise AssertionError(vector_id)


@pytest.mark.parametrize("name", ["TV-C4-80", "TV-C4-90", "TV-C4-100", "TV-C4-106", "TV-C4-120"])
def test_bands(tmp_path, name):
    given, expected = vector(name)
    policy = clearing_policy(tmp_path, band__apply="bands")
    found = cleared(policy, [line("a", given["std"], fee=given["actual"])])
    assert place_of(found)["due_fen"] == fen(expected["pay"])


def test_the_cliff_of_the_lower_edge_tv_p15(tmp_path):
    given, expected = vector("TV-P15")
    policy = clearing_policy(tmp_path, band__apply="bands")
    for item, pay in zip(given["item_pool"], expected["pay"], strict=True):
        row = place_of(cleared(policy, [line("a", given["standard_pool"], fee=item)]))
        assert row["due_fen"] == fen(pay)
        assert row["near_edge"] == "结余留用下限 85.00 %"


def test_the_older_quota_tv_c5(tmp_path):
    given, expected = vector("TV-C5")
    policy = clearing_policy(
        tmp_path,
        band__apply="bands",
        band__lower=0,
        band__retained=0.3,
        band__retained_cap=0.03,
        band__overspend_share=0.5,
        band__upper=1.2,
    )
    for actual, pay in zip(given["actual"], expected["pay"], strict=True):
        assert place_of(cleared(policy, [line("a", given["quota"], fee=actual)]))["due_fen"] == fen(pay)


def test_the_tier_budget_is_met_tv_p10(tmp_path):
    given, expected = vector("TV-P10")
    policy = clearing_policy(tmp_path, tier__scaling="scale", tier__final_budget=fen(given["budget"]))
    found = cleared(policy, [line(name, due, hospital=name) for name, due in given["due"].items()])
    for name, pay in expected["pay"].items():
        row = place_of(found, name)
        assert (row["due_fen"], row["scale_e6"]) == (fen(pay), round(expected["k"] * 1_000_000))


def test_the_cap_of_high_outliers_tv_p6(tmp_path):
    given, expected = vector("TV-P6")
    normal = given["cases"] - len(given["excess_k"])
    rows = [line(f"n{number}", 10_000) for number in range(normal)]
    for excess in given["excess_k"]:
        fee = 10_000 + excess * 1_000
        rows.append(line(f"h{excess}", fee, standard=10_000, fee=fee, outlier="HIGH"))
    found = cleared(clearing_policy(tmp_path), rows)
    changed = {int(row["case_id"][1:]): row["cleared_fen"] for row in found.changed.to_pylist()}
    assert sorted(changed, reverse=True) == expected["at_standard"]
    assert set(changed.values()) == {fen(10_000)}
    kept = [excess for excess in given["excess_k"] if excess not in changed]
    assert kept == expected["by_item"]


def test_a_year_with_a_withdrawn_list_tv_p3(tmp_path):
    given, expected = vector("TV-P3")
    june = given["june"]["standard"] - given["june"]["patient"]
    august = given["august_resettled_standard"] - given["patient"]
    rows = [
        line("old", june, patient=given["june"]["patient"]),
        line("old", june, patient=given["june"]["patient"], kind="reversal", month="2025-08"),
        line("new", august, patient=given["patient"], kind="replacement", month="2025-08"),
    ]
    row = place_of(cleared(clearing_policy(tmp_path), rows))
    assert (row["due_fen"], row["cases"], row["balance_fen"]) == (fen(expected["year"]), 1, 0)


def test_a_month_holds_back_its_deposit_tv_c3(tmp_path):
    given, expected = vector("TV-C3")
    policy = make_policy(
        tmp_path, {"deposit.ratio": given["dep"], "outlier.high.multiple": 1_000, "outlier.low.multiple": 0}
    )
    cases = [case(f"c{number}", 10_000, 0) for number in range(given["drg"] // 10_000)]
    denied = decisions(("audit_deduction", given["denied"]))
    (row,) = settle(policy, "2025-06", cases, decided=denied).statement.to_pylist()
    assert (row["cash_transfer_fen"], row["deposit_fen"]) == (fen(expected["pay"]), fen(expected["deposit"]))


def test_month_transfer_tv_p14(tmp_path):
    given, expected = vector("TV-P14")
    approved = given["approved"]
    policy = make_policy(
        tmp_path, {"deposit.ratio": given["deposit_ratio"], "outlier.high.multiple": 1_000, "outlier.low.multiple": 0}
    )
    paid = [("prepay_offset", given["prepay_offset"]), ("direct_drug", given["direct_drug"])]
    cases = [case(f"c{number}", 10_000, 0) for number in range(approved // 10_000)]
    (row,) = settle(policy, "2025-06", cases, decided=decisions(*paid)).statement.to_pylist()
    assert (row["cash_transfer_fen"], row["deposit_fen"]) == (fen(expected["transfer"]), fen(expected["deposit"]))


def test_shares_of_an_overspend_tv_c6_and_of_a_surplus_tv_c7():
    from tongpin.payment.year.shares import shared_out

    given, expected = vector("TV-C6")
    found = {one.party: one.amount_fen for one in shared_out("s001_59", fen(given["over"]))}
    assert found == {
        "fund": fen(expected["bureau"]),
        "hospital": fen(expected["hospital"]),
        "department": fen(expected["dept"]),
    }
    given, expected = vector("TV-C7")
    found = {one.party: one.amount_fen for one in shared_out("s001_57", fen(given["surplus"]))}
    wanted = {"hospital": expected["hospital"], "department": expected["dept"], "person": expected["person"]}
    assert found == {name: fen(amount) for name, amount in wanted.items()}


def test_prepayment_settled_tv_c1():
    from tongpin.payment.prepay.yearly import settle_prepayment

    given, expected = vector("TV-C1")
    wan = {name: amount * 1_000_000 for name, amount in given.items()}
    found = settle_prepayment(wan["actual"], wan["prepaid"], wan["reserve"])
    assert found.now_fen == expected["pay"] * 1_000_000
    assert found.reserve_payable_fen == expected["reserve_still_payable"] * 1_000_000
    assert found.due_fen == expected["due"] * 1_000_000 == found.paid_fen + found.now_fen + found.reserve_payable_fen


def test_prepayment_budget_tv_c2(tmp_path):
    from prepay_cases import s001_policy

    from tongpin.payment.prepay.yearly import History, yearly_budget

    given, expected = vector("TV-C2")
    factor = given["level"] * given["func"]
    reserve = given["reserve"] / (sum(given["hist"]) / 3 * 0.8 * factor)
    assert reserve == pytest.approx(500 / 8800)
    policy = s001_policy(tmp_path, prepay__factor=factor)
    history = History("H3", "310", "三级", "综合", tuple(amount * 1_000_000 for amount in given["hist"]))
    budget = yearly_budget(policy, 2026, history, reserve_fen=given["reserve"] * 1_000_000)
    assert budget.total_fen == round(expected["total"] * 1_000_000)
