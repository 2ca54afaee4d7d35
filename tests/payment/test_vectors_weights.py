"""Weights against the worked examples TV-A1, TV-A2 and TV-A3."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from weight_cases import RULES, grouped_fees

from tongpin.base.money import FEN_PER_YUAN, SCALE
from tongpin.payment.weights.making import class_weight, make_weights, relative_weight
from tongpin.payment.weights.rounding import keep_total, to_e4
from tongpin.payment.weights.statistics import group_statistics

VECTORS = Path(__file__).resolve().parents[3] / "shared" / "spec" / "test_vectors.json"
pytestmark = pytest.mark.needs("reference")


def vector(vector_id: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Inputs and expected figures of a worked example."""
    (found,) = [row for row in json.loads(VECTORS.read_text(encoding="utf-8")) if row["id"] == vector_id]
    return found["inputs"], found["expected"]


def test_weights_from_mean_fees_tv_a1() -> None:
    fees, expected = vector("TV-A1")
    statistics = group_statistics(grouped_fees(fees))
    cases = sum(statistics["case_count"].to_pylist())
    assert sum(statistics["fee_fen"].to_pylist()) / cases / FEN_PER_YUAN == expected["mean"]
    made = make_weights(statistics, RULES, {})
    rows = made.weights.to_pylist()
    assert {row["drg"]: row["weight_e4"] / SCALE for row in rows} == expected["RW"]
    assert sum(row["case_count"] * row["weight_e4"] for row in rows) - cases * SCALE == made.residue_e4


def test_weights_of_five_classes_tv_a2() -> None:
    means, expected = vector("TV-A2")
    shares = dict.fromkeys(means["all"], Fraction(1, 5))
    assert class_weight(means["group"], means["all"], shares) == Fraction(str(expected["RW_std"]))
    raw = relative_weight(sum(means["group"].values()), sum(means["all"].values()))
    assert to_e4(raw) / SCALE == expected["RW_raw"]


def test_an_adjustment_keeps_the_total_tv_a3() -> None:
    inputs, expected = vector("TV-A3")
    counts = {drg: count for drg, (count, _) in inputs["before"].items()}
    before = {drg: Fraction(str(weight)) for drg, (_, weight) in inputs["before"].items()}
    adjusted = keep_total(before, {drg: Fraction(str(w)) for drg, w in inputs["adjusted"].items()}, counts)
    assert round(float(adjusted.factor), 6) == expected["k"]
    assert {drg: to_e4(weight) / SCALE for drg, weight in adjusted.weights.items()} == expected["final"]
    assert sum(counts[drg] * weight for drg, weight in adjusted.weights.items()) == expected["total"]
