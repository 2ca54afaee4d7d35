"""Observed hospitals: grouped and measured, paid by item, and named as such (S004-01)."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from payment_cases import INSTITUTIONS, case, decisions, fen, grouped, make_policy

from tongpin.base.errors import PolicyError
from tongpin.payment.explain import explain_case
from tongpin.payment.month.posting import LINE_SCHEMA, WITHDRAWAL_SCHEMA
from tongpin.payment.month.statement import settle_month
from tongpin.payment.month.statement_columns import statement_columns
from tongpin.payment.pricing.price import price

if TYPE_CHECKING:
    from pathlib import Path

    from tongpin.payment.policy.policy import Policy

WITH_MODES = INSTITUTIONS.append_column("pay_mode", pa.array(["drg", "observed", None, "observed"]))
"""H3 pays by DRG, H2 is observed, UP pays by DRG until it is observed from 15 June."""


@pytest.fixture
def policy(tmp_path: Path) -> Policy:
    return make_policy(tmp_path)


def rows(policy: Policy, institutions: pa.Table, *cases: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = price(grouped(*cases), policy, institutions).to_pylist()
    return found


def test_an_observed_hospital_is_grouped_and_paid_by_item(policy: Policy) -> None:
    ours, observed = rows(policy, WITH_MODES, case("a", 9_000, 1_000), case("b", 9_000, 1_000, institution_code="H2"))
    assert (ours["pay_scope"], ours["result_fen"], ours["by_item_reason"]) == ("DRG", fen(1_000), None)
    assert (observed["pay_scope"], observed["by_item_reason"]) == ("BY_ITEM", "observed")
    assert (observed["drg"], observed["gross_fen"], observed["result_fen"]) == ("AA11D", fen(9_000), 0)
    assert "本机构为观察点，只分组、不按病组付费（模拟）" in explain_case(observed, policy)


def test_the_mode_is_that_of_the_day(policy: Policy) -> None:
    days = (date(2025, 6, 14), date(2025, 6, 15))
    found = rows(policy, WITH_MODES, *(case(str(day), 9_000, 0, institution_code="UP", settled=day) for day in days))
    assert [row["pay_scope"] for row in found] == ["DRG", "BY_ITEM"]


def test_institutions_without_the_column_pay_by_drg(policy: Policy) -> None:
    (row,) = rows(policy, INSTITUTIONS, case("a", 9_000, 0, institution_code="H2"))
    assert (row["pay_scope"], row["hospital_pay_mode"]) == ("DRG", "drg")


def test_the_care_type_comes_before_the_hospital_and_the_hospital_before_the_group(policy: Policy) -> None:
    outside, ungrouped = rows(
        policy,
        WITH_MODES,
        case("a", 900, 0, institution_code="H2", care_type="outpatient_special"),
        case("b", 900, 0, institution_code="H2", status="ungrouped", drg="0000"),
    )
    assert (outside["pay_scope"], outside["by_item_reason"]) == ("OUT", None)
    assert ungrouped["by_item_reason"] == "observed"


def test_a_mode_that_the_edition_does_not_name_is_refused(policy: Policy) -> None:
    other = INSTITUTIONS.append_column("pay_mode", pa.array(["dip"] * 4))
    with pytest.raises(PolicyError, match="没有 pay_mode=dip 的值"):
        rows(policy, other, case("a", 900, 0))


def test_an_edition_may_pay_observed_hospitals_by_group(tmp_path: Path) -> None:
    policy = make_policy(tmp_path, {"scope.pay_mode": "DRG"})
    (row,) = rows(policy, WITH_MODES, case("a", 9_000, 0, institution_code="H2"))
    assert row["pay_scope"] == "DRG"


def test_the_statement_names_observed_hospitals(policy: Policy) -> None:
    priced = price(grouped(case("a", 9_000, 1_000), case("b", 9_000, 1_000, institution_code="H2")), policy, WITH_MODES)
    found = settle_month(
        "2025-06", priced, LINE_SCHEMA.empty_table(), WITHDRAWAL_SCHEMA.empty_table(), decisions(), set(), policy
    )
    told = {row["institution_code"]: row for row in found.statement.to_pylist()}
    assert (told["H3"]["pay_mode_label"], told["H2"]["pay_mode_label"]) == ("按病组付费", "观察点")
    assert told["H2"]["settlement_ratio"] is None, "100 % by construction says nothing"
    assert told["H3"]["settlement_ratio"] == pytest.approx(9 / 8)
    assert (told["H2"]["drg_cases"], told["H2"]["cases"], told["H2"]["month_result_fen"]) == (0, 1, 0)
    assert "1 家观察点的 1 份清单只分组、按项目支付，合计的结付率含这一部分" in found.notes
    assert "付费方式" in [column.title for column in statement_columns()]


def test_without_observed_hospitals_nothing_is_said_of_them(policy: Policy) -> None:
    priced = price(grouped(case("a", 9_000, 1_000)), policy, WITH_MODES)
    found = settle_month(
        "2025-06", priced, LINE_SCHEMA.empty_table(), WITHDRAWAL_SCHEMA.empty_table(), decisions(), set(), policy
    )
    assert found.notes == ()
