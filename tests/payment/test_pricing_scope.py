"""Step 1: the tests of the scope in the order of the edition, registers, short stays, cases without a group."""

from __future__ import annotations

from datetime import datetime
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

STAY_LIMITS: dict[str, Any] = {
    "scope.stay_days_min": 2,
    "scope.stay_days_max": 60,
    "scope.stay_days_pay": "BY_ITEM",
    "scope.same_day_counts": 1,
}
ALWAYS = ["care_type", "pay_mode"]


def only(policy: Policy, **details: Any) -> dict[str, Any]:
    (row,) = priced_rows(policy, case("c1", **{"fee": 9_000, "patient": 2_000} | details))
    return row


def registers(*rows: str) -> dict[str, str]:
    return {"registers.csv": "\n".join(["register,code_kind,code,from,until", *rows, ""])}


def moment(day: int, hour: int = 8) -> datetime:
    return datetime(2025, 6, day, hour)  # noqa: DTZ001


@pytest.mark.parametrize(("counts", "expected"), [(1, "DRG"), (0, "BY_ITEM")])
def test_a_stay_within_one_day_counts_as_the_edition_says(tmp_path: Path, counts: int, expected: str) -> None:
    limits = STAY_LIMITS | {"scope.tests": [*ALWAYS, "stay_days"], "scope.stay_days_min": 0}
    policy = edition(tmp_path, limits | {"scope.same_day_counts": counts})
    within_a_day = {"los": 1, "admission_time": moment(20), "discharge_time": moment(20, 15)}
    assert only(policy, **within_a_day)["pay_scope"] == expected
    assert only(policy, **within_a_day | {"admission_time": moment(19)})["pay_scope"] == "DRG"


def test_days_are_counted_from_the_times_where_they_are_not_stated(tmp_path: Path) -> None:
    policy = edition(tmp_path, STAY_LIMITS | {"scope.tests": [*ALWAYS, "stay_days"]})
    found = only(policy, los=None, admission_time=moment(18), discharge_time=moment(20))
    assert found["by_item_reason"] == "stay_days"
    with pytest.raises(PolicyError, match="c1") as caught:
        only(policy, los=None, admission_time=None)
    assert caught.value.code == "policy.stay"


def test_limits_that_are_tested_but_left_open_are_refused(tmp_path: Path) -> None:
    open_limits = STAY_LIMITS | {"scope.stay_days_max": None, "scope.tests": [*ALWAYS, "stay_days"]}
    with pytest.raises(PolicyError, match=r"scope\.stay_days_max"):
        only(edition(tmp_path / "open", open_limits), los=5)
    nobody_asks = edition(tmp_path / "unused", open_limits | {"scope.tests": ALWAYS})
    assert only(nobody_asks, los=99)["pay_scope"] == "DRG"


def test_a_test_nobody_knows_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match="没有选项“moon”"):
        edition(tmp_path, {"scope.tests": ["moon"]})


@pytest.mark.parametrize(
    ("order", "scope", "reason"),
    [
        (["single_disease", "stay_days"], "SINGLE_DISEASE", "register"),
        (["stay_days", "single_disease"], "BY_ITEM", "stay_days"),
    ],
)
def test_the_first_test_that_decides_a_case_keeps_it(tmp_path: Path, order: list[str], scope: str, reason: str) -> None:
    values = STAY_LIMITS | {"scope.tests": order, "register.pay": "fixed", "register.amount": 800_000}
    policy = edition(tmp_path, values, tables=registers("single_disease,drg,AA11D,2025-01-01,"))
    found = only(policy, los=1)
    assert (found["pay_scope"], found["by_item_reason"]) == (scope, reason)


def test_a_single_disease_is_paid_its_fixed_amount(tmp_path: Path) -> None:
    values = {"scope.tests": ["single_disease"], "register.pay": "fixed", "register.amount": {"K80.1": 800_000}}
    tables = registers("single_disease,dx,K80.1,2025-01-01,")
    policy = edition(tmp_path, values, by={"register.amount": ("register_code",)}, tables=tables)
    found = only(policy, dx=["K80.1", "I10"])
    assert (found["pay_scope"], found["pay_mode"], found["gross_fen"]) == ("SINGLE_DISEASE", "fixed", fen(8_000))
    assert (found["register"], found["register_code"], found["standard_fen"]) == ("single_disease", "K80.1", None)
    assert found["pool_payable_fen"] == fen(6_000)
    assert only(policy, dx=["I10", "K80.1"])["pay_scope"] == "DRG", "only the principal diagnosis counts"


@pytest.mark.parametrize(
    ("row", "details"),
    [
        ("bed_day,drg,AA11D,2025-01-01,", {}),
        ("bed_day,adrg,AA1,2025-01-01,", {}),
        ("bed_day,case_id,c1,2025-01-01,2025-06-20", {}),
        ("bed_day,institution_code,H3,2025-01-01,", {}),
        ("bed_day,dept,A15,2025-01-01,", {"dept": "A15"}),
        ("bed_day,px,93.9,2025-01-01,", {"px": ["00.1", "93.9"]}),
    ],
)
def test_bed_days_are_known_by_group_or_by_register(tmp_path: Path, row: str, details: dict[str, Any]) -> None:
    values = {"scope.tests": ["bed_day"], "register.pay": "per_day", "register.amount": 30_000}
    policy = edition(tmp_path, values | {"scope.same_day_counts": 1}, tables=registers(row))
    found = only(policy, los=20, **details)
    assert (found["pay_scope"], found["pay_mode"], found["gross_fen"]) == ("BED_DAY", "per_day", fen(6_000))


@pytest.mark.parametrize("row", ["bed_day,case_id,c1,2025-06-21,", "bed_day,case_id,c1,2025-01-01,2025-06-19"])
def test_a_register_holds_a_case_only_on_its_days(tmp_path: Path, row: str) -> None:
    values = {"scope.tests": ["bed_day"], "register.pay": "per_day", "register.amount": 30_000}
    found = only(edition(tmp_path, values, tables=registers(row)), los=20)
    assert (found["pay_scope"], found["register"]) == ("DRG", None)


def test_a_register_may_only_mark_or_pay_a_share_of_the_standard(tmp_path: Path) -> None:
    values = {"scope.tests": ["tcm", "day_surgery"], "register.pay": {"tcm": "drg", "day_surgery": "drg_share"}}
    rows = registers("tcm,drg,AA11D,2025-01-01,", "day_surgery,care_type,day_surgery,2025-01-01,")
    values |= {"register.share": 0.9, "scope.care_type": {"inpatient": "DRG", "day_surgery": "DRG"}}
    by = {"register.pay": ("register",), "scope.care_type": ("care_type",)}
    policy = edition(tmp_path, values, by=by, tables=rows)
    marked = only(policy)
    assert (marked["register"], marked["pay_scope"], marked["gross_fen"]) == ("tcm", "DRG", fen(10_000))
    shared = only(policy, drg="BB11D", insurance="310", care_type="day_surgery")
    assert (shared["pay_mode"], shared["standard_fen"], shared["gross_fen"]) == (
        "drg_share",
        fen(14_100),
        fen(12_690),
    )


def test_a_faulty_register_is_refused_with_its_line(tmp_path: Path) -> None:
    policy = edition(tmp_path, {"scope.tests": ["tcm"]}, tables=registers("tcm,moon,A,2025-01-01,"))
    with pytest.raises(PolicyError, match="没有代码种类“moon”") as caught:
        only(policy)
    assert "第 2 行" in caught.value.where


@pytest.mark.parametrize(("choice", "scope"), [("BY_ITEM", "BY_ITEM"), ("OUT", "OUT")])
def test_excluded_groups_leave_the_groups(tmp_path: Path, choice: str, scope: str) -> None:
    values = {"scope.tests": ["excluded_groups"], "scope.excluded_groups": ["BB11D"], "scope.excluded_pay": choice}
    policy = edition(tmp_path, values)
    assert only(policy, drg="BB11D")["pay_scope"] == scope
    assert only(policy)["pay_scope"] == "DRG"


EARLY = {"scope.tests": ["early_end"], "scope.early_hours": 24}


@pytest.mark.parametrize(
    ("way", "hours", "end"),
    [
        ("5", 24, "death_24h"),
        ("2", 3, "transfer_24h"),
        ("4", 10, "against_advice_24h"),
        ("5", 25, None),
        ("1", 3, None),
    ],
)
def test_death_transfer_and_leaving_against_advice_within_a_day_are_marked(
    tmp_path: Path, way: str, hours: int, end: str | None
) -> None:
    policy = edition(tmp_path, EARLY | {"scope.early_pay": "DRG"})
    stay = {"admission_time": moment(19), "discharge_time": moment(19 + (8 + hours) // 24, (8 + hours) % 24)}
    found = only(policy, discharge_way=way, **stay)
    assert (found["early_end"], found["pay_scope"]) == (end, "DRG")


@pytest.mark.parametrize(
    ("choice", "fee", "gross", "mode"),
    [
        ("DRG", 8_000, 10_000, "standard"),
        ("BY_ITEM", 12_000, 12_000, "by_item"),
        ("CAPPED", 8_000, 8_000, "item_capped"),
        ("CAPPED", 12_000, 10_000, "item_capped"),
    ],
)
def test_what_a_death_within_a_day_is_paid(tmp_path: Path, choice: str, fee: int, gross: int, mode: str) -> None:
    policy = edition(tmp_path, EARLY | {"scope.early_pay": choice})
    found = only(policy, fee=fee, discharge_way="5", admission_time=moment(19), discharge_time=moment(19, 20))
    assert (found["gross_fen"], found["pay_mode"]) == (fen(gross), mode)


@pytest.mark.parametrize(
    ("choice", "gross", "payable"),
    [("by_item", 9_000, 7_000), ("item_share", 8_300, 6_300), ("group_mean", 5_000, 3_000), ("held", 2_000, 0)],
)
def test_what_a_case_without_a_group_is_paid(tmp_path: Path, choice: str, gross: int, payable: int) -> None:
    values = {
        "scope.ungrouped_pay": choice,
        "scope.ungrouped_share": 0.9,
        "scope.ungrouped_mean_of": "city",
        "rounding.pool": 1,
    }
    policy = edition(tmp_path, values, tables={"group_means.csv": means_table(("AQY", "city", "", 5_000))})
    found = only(policy, status="ambiguous", drg="AQY")
    assert (found["pay_mode"], found["by_item_reason"]) == (choice, "ungrouped")
    assert (found["gross_fen"], found["pool_payable_fen"]) == (fen(gross), fen(payable))


TCM = {"tcm.fallback": {"BB11D": "AA11D"}, "tcm.share_min": 0.6, "tcm.stay_days_min": 10, "scope.same_day_counts": 1}


@pytest.mark.parametrize(("share", "days", "group"), [(0.6, 10, "BB11D"), (0.59, 10, "AA11D"), (0.6, 9, "AA11D")])
def test_a_tcm_group_needs_its_share_of_treatment_and_its_days(
    tmp_path: Path, share: float, days: int, group: str
) -> None:
    policy = edition(tmp_path, TCM, by={"tcm.fallback": ("drg",)})
    cases = grouped(case("c1", 9_000, 2_000, drg="BB11D", los=days))
    with_fees = cases.append_column("tcm_fee_fen", pa.array([fen(9_000 * share)]))
    (found,) = price(with_fees, policy, INSTITUTIONS).to_pylist()
    assert (found["drg"], found["priced_drg"]) == ("BB11D", group)
    with pytest.raises(PolicyError, match="没有中医治疗费用"):
        price(cases, policy, INSTITUTIONS)


NEWBORNS: dict[str, Any] = {
    "scope.tests": [*ALWAYS, "newborn"],
    "scope.newborn_days": 28,
    "scope.newborn_admitted": ["2", "3"],
    "scope.newborn_pay": "OUT",
}


@pytest.mark.parametrize(
    ("age_days", "kind", "scope"),
    [(3, "1", "OUT"), (28, "9", "OUT"), (29, "1", "DRG"), (3, "3", "DRG"), (3, None, "DRG"), (None, "1", "DRG")],
)
def test_a_newborn_is_a_case_of_its_own_only_if_admitted(
    tmp_path: Path, age_days: int | None, kind: str | None, scope: str
) -> None:
    policy = edition(tmp_path, NEWBORNS)
    found = only_newborn(policy, age_days, kind)
    assert found["pay_scope"] == scope


def only_newborn(policy: Policy, age_days: int | None, kind: str | None) -> dict[str, Any]:
    cases = grouped(case("c1", 9_000, 2_000, age_days=age_days))
    cases = cases.append_column("newborn_admission_type", pa.array([kind], pa.string()))
    (row,) = price(cases, policy, INSTITUTIONS).to_pylist()
    return row


def test_a_newborn_paid_by_item_is_told_why(tmp_path: Path) -> None:
    policy = edition(tmp_path, NEWBORNS | {"scope.newborn_pay": "BY_ITEM"})
    row = only_newborn(policy, 3, "1")
    assert (row["by_item_reason"], row["gross_fen"]) == ("newborn", fen(9_000))
    assert "新生儿未作为病人收治" in explain_case(row, policy)


def test_the_test_of_newborns_needs_the_type_of_admission(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match="newborn_admission_type"):
        only(edition(tmp_path, NEWBORNS), age_days=3)
