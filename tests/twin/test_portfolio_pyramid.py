"""The pyramid: how long a group has been losing, the sums of its classes, its months side by side."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tongpin.base.errors import TongpinError
from tongpin.twin.portfolio import classes
from tongpin.twin.portfolio.catalogue import load_classes, load_portfolio
from tongpin.twin.portfolio.classes import classify, losing_months, losing_runs, months_in_row
from tongpin.twin.portfolio.pyramid import build_pyramid, trend_rows
from tongpin.twin.portfolio.words import rule_rows

FACTS = ("case_count", "weight_e4", "stay_days", "stay_known_count", "total_fee_fen", "result_fen", "gross_fen")
MORE = ("high_count", "low_count", "pool_payable_fen", "item_pool_fen", "standard_fen", "weighted_count")


def a_month(drg: str, month: str, cases: int, weight_e4: int, result_fen: int) -> dict[str, Any]:
    """Facts of a group in a month."""
    zeros = dict.fromkeys((*FACTS, *MORE), 0)
    return {
        **zeros,
        "drg": drg,
        "month": month,
        "case_count": cases,
        "weight_e4": weight_e4 * cases,
        "result_fen": result_fen,
    }


def test_months_in_a_row_end_at_a_gap() -> None:
    assert months_in_row(["2024-10", "2024-12", "2025-01", "2025-02"]) == ("2024-12", "2025-01", "2025-02")
    assert months_in_row(["2025-06"]) == ("2025-06",)


def test_a_gain_a_missing_month_or_no_case_ends_a_run_of_losses() -> None:
    months = ("2025-03", "2025-04", "2025-05", "2025-06")
    rows = [a_month("steady", month, 5, 5_000, -1) for month in months]
    rows += [a_month("gained", month, 5, 5_000, 1 if month == "2025-05" else -1) for month in months]
    rows += [a_month("absent", month, 5, 5_000, -1) for month in months if month != "2025-04"]
    rows += [a_month("recovered", month, 5, 5_000, 0 if month == "2025-06" else -1) for month in months]
    table = pa.Table.from_pylist(rows)
    assert losing_runs(table) == {"steady": 4, "gained": 1, "absent": 2}
    march_missing = table.filter(pa.array([row["month"] != "2025-04" for row in rows]))
    assert losing_runs(march_missing)["steady"] == 2


def test_a_light_group_is_guided_after_enough_losing_months_and_watched_before() -> None:
    months = [f"2025-{number:02d}" for number in range(7 - losing_months(), 7)]
    rows = [a_month("old", month, 30, 5_000, -100) for month in months]
    rows += [a_month("new", month, 30, 5_000, 100 if month != "2025-06" else -300) for month in months]
    rows += [a_month("heavy", month, 2, 25_000, -100) for month in months]
    pyramid = build_pyramid(pa.Table.from_pylist(rows), ["2025-06"])
    told = {row["drg"]: row["class"] for row in pyramid.groups.to_pylist()}
    assert told == {"old": "guided", "new": "watched", "heavy": "strategic"}
    assert pyramid.known_months == losing_months()
    assert {row["month"] for row in pyramid.trends.to_pylist()} == {"2025-06"}


def test_shares_and_months_side_by_side() -> None:
    rows = [a_month("A", "2025-05", 30, 5_000, 100), a_month("A", "2025-06", 40, 5_000, 700)]
    rows += [a_month("B", "2025-06", 10, 15_000, -50)]
    pyramid = build_pyramid(pa.Table.from_pylist(rows), ["2025-05", "2025-06"])
    shares = {row["class"]: (row["case_share"], row["weight_share"]) for row in pyramid.classes.to_pylist()}
    assert shares["basic"] == (70 / 80, 350_000 / 500_000)
    assert shares["middle"] == (10 / 80, 150_000 / 500_000)
    first, second = sorted(trend_rows(pyramid), key=lambda row: row["drg"])
    assert (first["n:2025-05"], first["r:2025-06"], first["change_fen"]) == (30, 700, 600)
    assert (second["n:2025-05"], second["r:2025-05"], second["change_fen"]) == (0, None, None)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from("ABCDEF"),
            st.sampled_from(["2025-04", "2025-05", "2025-06"]),
            st.integers(1, 60),
            st.integers(-(10**9), 10**9),
        ),
        min_size=1,
        unique_by=lambda row: row[:2],
    )
)
def test_classes_and_months_add_up_to_the_groups(drawn: list[tuple[str, str, int, int]]) -> None:
    weights = dict(zip("ABCDEF", (3_000, 9_999, 10_000, 15_000, 20_000, 90_000), strict=True))
    rows = [a_month(drg, month, cases, weights[drg], result) for drg, month, cases, result in drawn]
    pyramid = build_pyramid(pa.Table.from_pylist(rows), sorted({row["month"] for row in rows}))
    for name in ("case_count", "weight_e4", "result_fen"):
        whole = sum(row[name] for row in rows)
        for part in (pyramid.classes, pyramid.groups, pyramid.trends, pyramid.class_trends):
            assert sum(part[name].to_pylist()) == whole


def test_classes_that_leave_a_hole_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    import numpy as np

    monkeypatch.setattr(classes, "load_classes", lambda: load_classes()[:-1])
    assert classify(np.array([30_000]), np.array([0])) == ["strategic"]
    with pytest.raises(TongpinError) as caught:
        classify(np.array([5_000]), np.array([losing_months()]))
    assert caught.value.code == "portfolio.classes"


def test_the_gaps_of_the_document_have_names_and_are_marked_assumed() -> None:
    named = {one.id: one for one in load_classes()}
    assert [named[one].reference for one in ("middle", "basic", "watched")] == ["S000-15"] * 3
    assert all(named[one].assumed for one in ("middle", "basic", "watched", "guided"))
    assert not named["strategic"].assumed
    assert not named["efficient"].assumed
    assert all(one.assumed for one in load_portfolio().settings)


def test_every_rule_is_told_with_its_reference() -> None:
    told = rule_rows()
    assert all(row["reference"].startswith("S") for row in told)
    words = " ".join(row["what"] for row in told)
    for part in ("战略病组", "急诊入院", "14 岁以下儿童", "下转", "床位使用率上限", "连续亏损"):
        assert part in words
    assert "淘汰" not in " ".join(row["what"] + row["value"] for row in told)
