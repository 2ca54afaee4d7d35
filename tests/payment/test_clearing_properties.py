"""What always holds of a clearing: no fen appears or disappears, whatever the year and the edition."""

from __future__ import annotations

from typing import Any

import pytest
from clearing_cases import cleared, clearing_policy, line, ruling
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from payment_cases import fen

from tongpin.base.money import split_fen
from tongpin.payment.year.bands import BandRule, banded
from tongpin.payment.year.state import CHANGES

RATIO = st.integers(0, 10_000)


@given(st.integers(-(10**13), 10**13), st.lists(st.integers(0, 10**12), min_size=1, max_size=30))
def test_a_split_sums_to_the_whole_and_is_fair(total, weights):
    if not sum(weights):
        weights[0] = 1
    parts = split_fen(total, weights)
    assert sum(parts) == total
    assert all(
        abs(part * sum(weights) - total * weight) < sum(weights) for part, weight in zip(parts, weights, strict=True)
    )


def test_a_split_needs_weights():
    for weights in ([], [0, 0], [2, -1]):
        with pytest.raises(ValueError, match="weights of a split"):
            split_fen(10, weights)


@given(
    due=st.integers(1, 10**11),
    item=st.integers(0, 10**11),
    share=RATIO,
    retained=RATIO,
    upper=st.integers(10_000, 20_000),
)
def test_bands_pay_between_the_item_based_amount_and_the_due(due, item, share, retained, upper):
    rule = BandRule(8_500, "actual", 0, retained, 10_000, share, upper)
    paid = banded(due, item, rule).pay_fen
    assert min(due, item) <= paid <= max(due, item)


LINES = st.lists(
    st.tuples(
        st.sampled_from(["H1", "H2", "H3"]),
        st.sampled_from(["310", "390"]),
        st.integers(1, 60_000),
        st.integers(1, 90_000),
        st.booleans(),
        st.booleans(),
    ),
    min_size=1,
    max_size=20,
)
EDITIONS = st.fixed_dictionaries(
    {
        "tier__scaling": st.sampled_from(["none", "scale"]),
        "tier__final_budget": st.integers(1, 10**7),
        "tier__audit": st.sampled_from(["before", "after"]),
        "band__apply": st.sampled_from(["none", "bands"]),
        "band__retained": st.sampled_from([0.5, 0.7, 1]),
        "assessment__applies_to": st.sampled_from(["none", "deposit", "all"]),
        "clearing__rate": st.sampled_from(["keep", "recompute"]),
        "clearing__rate_budget": st.integers(10**5, 10**8),
        "outlier__cap__ratio": st.sampled_from([0, 0.2, 1]),
    }
)


def rows_of(drawn) -> list[dict[str, Any]]:
    rows = []
    for number, (hospital, fund, standard, fee, high, reversed_later) in enumerate(drawn):
        outlier = "HIGH" if high else "NORMAL"
        payable = fee if high else standard
        told = {"hospital": hospital, "fund": fund, "standard": standard, "fee": fee, "outlier": outlier}
        rows.append(line(f"c{number:02d}", payable, **told))
        if reversed_later:
            rows.append(line(f"c{number:02d}", payable, month="2025-08", kind="reversal", **told))
    return rows


@settings(deadline=None, max_examples=40, suppress_health_check=list(HealthCheck))
@given(drawn=LINES, edition=EDITIONS, audit=st.integers(0, 500), deposit=st.sampled_from([0.0, 0.03, 0.1]))
def test_no_fen_appears_or_disappears(tmp_path, drawn, edition, audit, deposit):
    rows = rows_of(drawn)
    scores = [ruling("score", institution_code=code, year=2025, value_e4=930_000) for code in ("H1", "H2", "H3")]
    found = cleared(clearing_policy(tmp_path, **edition), rows, *scores, deposit=deposit, audit_deduction=audit)
    places = found.places.to_pylist()
    assert sum(row["posted_fen"] for row in places) == sum(row["pool_payable_fen"] for row in rows)
    assert sum(row["audit_fen"] for row in places) == fen(audit)
    for row in places:
        assert row["due_fen"] == row["posted_fen"] - row["audit_fen"] + sum(row[name] for name in CHANGES)
        assert row["balance_fen"] == row["due_fen"] - row["penalty_fen"] - row["transferred_fen"]
        assert row["posted_fen"] == row["audit_fen"] + row["deposit_fen"] + row["transferred_fen"]
    told = sum(row["amount_fen"] for row in found.reasons.to_pylist() if row["step"] < 14)
    assert told == sum(row["due_fen"] for row in places)
