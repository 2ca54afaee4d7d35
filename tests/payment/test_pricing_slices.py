"""A large table is priced in slices: no figure and no refusal differs from pricing it as a whole."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from payment_cases import INSTITUTIONS, case, grouped, make_policy
from pricing_cases import POINTS, edition, means_table

from tongpin.base.errors import BalanceError, PolicyError
from tongpin.bench.pricing import draw_cases, hospitals
from tongpin.payment.policy.library import shipped_policies
from tongpin.payment.policy.policy import Policy
from tongpin.payment.pricing import price as pricing
from tongpin.payment.pricing.price import price
from tongpin.payment.pricing.schema import PRICED_SCHEMA

if TYPE_CHECKING:
    from pathlib import Path

CASES = 3_000


@pytest.fixture(scope="module")
def demonstration() -> Policy:
    return Policy.load(shipped_policies() / "demo-east" / "2025")


@pytest.fixture(scope="module")
def cases(demonstration: Policy) -> pa.Table:
    drawn = draw_cases(demonstration, CASES)
    care = pc.if_else(pc.equal(drawn["case_id"], "000000000007"), "outpatient_chronic", drawn["care_type"])
    return drawn.set_column(drawn.column_names.index("care_type"), "care_type", care)


def in_slices(monkeypatch: pytest.MonkeyPatch, rows: int) -> list[int]:
    """Make every table large that has more cases than `rows`; the sizes of the slices met are noted."""
    met: list[int] = []
    real = pricing._priced_columns

    def noted(part: pa.Table, *others: object) -> dict[str, pa.Array]:
        met.append(part.num_rows)
        return real(part, *others)

    monkeypatch.setattr(pricing, "SLICE_ROWS", rows)
    monkeypatch.setattr(pricing, "FEW_ROWS", rows)
    monkeypatch.setattr(pricing, "_priced_columns", noted)
    return met


@settings(deadline=None, max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.integers(150, CASES))
def test_slices_of_any_size_are_priced_as_the_whole(demonstration: Policy, cases: pa.Table, rows: int) -> None:
    whole = price(cases, demonstration, hospitals())
    with pytest.MonkeyPatch.context() as patch:
        met = in_slices(patch, rows)
        sliced = price(cases, demonstration, hospitals())
    assert sum(met) == CASES
    assert len(met) >= CASES // rows
    assert sliced.schema.equals(whole.schema)
    assert sliced.equals(whole)
    assert [field.type for field in PRICED_SCHEMA] == [sliced.schema.field(name).type for name in PRICED_SCHEMA.names]
    assert {"DRG", "BY_ITEM", "OUT"} <= set(sliced["pay_scope"].to_pylist())


def test_the_order_of_days_and_slices_does_not_matter(
    demonstration: Policy, cases: pa.Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = price(cases, demonstration, hospitals()).sort_by("case_id")
    in_slices(monkeypatch, 400)
    backwards = cases.take(pa.array(range(CASES - 1, -1, -1)))
    assert price(backwards, demonstration, hospitals()).sort_by("case_id").equals(whole)


def some_cases(count: int, **odd: object) -> pa.Table:
    """Equal cases of one hospital and month, but for the last one."""
    rows = [case(f"c{number:03d}", 10_000 + number, 100, patient_hash="p") for number in range(count)]
    rows[-1] |= odd
    return grouped(*rows)


def ranked(data: dict) -> None:
    data["parameters"]["outlier.high.rule"]["values"] = {date(2025, 1, 1): "top_share"}
    for key, value in (("outlier.high.top_of", "city"), ("outlier.high.top_share", 0.1)):
        unit = "choice" if isinstance(value, str) else "ratio"
        held = {"label": key, "unit": unit, "by": [], "values": {date(2025, 1, 1): value}, "assumed": True}
        data["parameters"][key] = held


def test_an_edition_that_ranks_cases_is_priced_as_a_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    policy = make_policy(tmp_path / "ranked", change=ranked)
    whole = price(some_cases(40), policy, INSTITUTIONS)
    assert whole["outlier_class"].to_pylist().count("HIGH") == 4, "a tenth of the whole"
    met = in_slices(monkeypatch, 4)
    assert price(some_cases(40), policy, INSTITUTIONS).equals(whole)
    assert met == [40]


@pytest.mark.parametrize(("stay", "slices"), [("none", 10), ("later", 1)])
def test_an_edition_that_looks_for_readmissions_is_priced_as_a_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stay: str, slices: int
) -> None:
    table = {"group_means.csv": means_table(("AA11D", "city", "", 9_000))}
    policy = edition(tmp_path / "points", {**POINTS, "points.readmission_stay": stay}, tables=table)
    met = in_slices(monkeypatch, 4)
    price(some_cases(40), policy, INSTITUTIONS)
    assert len(met) == slices


def test_a_refusal_counts_the_cases_of_the_whole_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    policy = make_policy(tmp_path / "plain")
    unpaid = pa.concat_tables([some_cases(6, pool_pay_fen=None), some_cases(6, pool_pay_fen=None)])
    wrong = some_cases(12, pool_pay_fen=1)
    said = []
    for rows in (100, 4):
        in_slices(monkeypatch, rows)
        with pytest.raises(PolicyError) as missing:
            price(unpaid, policy, INSTITUTIONS)
        with pytest.raises(BalanceError) as unbalanced:
            price(wrong, policy, INSTITUTIONS)
        said.append((str(missing.value), str(unbalanced.value)))
    assert said[0] == said[1]
    assert "2 个病例缺少结算金额，例如 c005" in said[0][0]
