"""The evidence of a negotiation by hand: money, difficulty, peers under masks, and when it bears a request."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tongpin.twin.advice import Suggestion, checked
from tongpin.twin.negotiation.charts import by_period, hospitals
from tongpin.twin.negotiation.evidence import LEAST_SHOWN, GroupEvidence, group_evidence
from tongpin.twin.negotiation.run import _asks, _request

LIST_SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in ("institution_code", "month", "drg", "hospital_level", "pay_mode")),
        ("status", pa.string()),
        *((name, pa.int64()) for name in ("total_fee_fen", "standard_fen", "result_fen", "weight_e4")),
    ]
)
PAGE_SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in ("institution_code", "month", "drg", "hospital_level", "discharge_way")),
        ("dx", pa.list_(pa.string())),
        ("age", pa.int16()),
        ("icu_hours", pa.int32()),
        ("surgery_level", pa.int8()),
        ("los", pa.int32()),
    ]
)
SCHEME = SimpleNamespace(
    drg_names={"A1": "某病组"}, exclusion={"I63.9": "T1"}, cc={"E11.9": "C"}, mcc={"J96.0": "M", "X1": "T1"}
)


def paid(fee: int, code: str = "H1", level: str = "二级", month: str = "2025-06", **more: Any) -> dict[str, Any]:
    """A list of group A1 with a standard of 10,000 yuan; fees in yuan."""
    standard = 1_000_000
    return {
        "institution_code": code,
        "month": month,
        "drg": "A1",
        "hospital_level": level,
        "pay_mode": "standard",
        "status": "grouped",
        "total_fee_fen": fee * 100,
        "standard_fen": standard,
        "result_fen": standard - fee * 100,
        "weight_e4": 8_000,
    } | more


def page(code: str = "H1", dx: tuple[str, ...] = ("I63.9",), **more: Any) -> dict[str, Any]:
    return {
        "institution_code": code,
        "month": "2025-06",
        "drg": "A1",
        "hospital_level": "二级",
        "discharge_way": "1",
        "dx": list(dx),
        "age": 60,
        "icu_hours": 0,
        "surgery_level": None,
        "los": 8,
    } | more


def evidence(lists: list[dict[str, Any]], pages: list[dict[str, Any]] | None = None) -> GroupEvidence:
    return group_evidence(
        pa.Table.from_pylist(lists, schema=LIST_SCHEMA),
        pa.Table.from_pylist(pages or [page()], schema=PAGE_SCHEMA),
        "A1",
        ("H1",),
        "二级",
        SCHEME,  # type: ignore[arg-type]
        8_000,
    )


def test_the_weight_that_would_break_even() -> None:
    found = evidence([paid(11_000), paid(13_000), paid(9_000, "H2"), paid(8_000, "H3", "三级")])
    assert found.own.mean_fee_fen == 1_200_000
    assert found.even_weight == pytest.approx(0.8 * 1.2)
    assert found.peer_even_weight == pytest.approx(0.8 * 0.9), "hospitals of another level are no peers"
    assert found.peers.cases == 1
    assert found.peers.low_fen is None, "one case has no interval"


def test_cases_paid_by_item_say_nothing_about_the_standard() -> None:
    dear = paid(90_000, pay_mode="by_item", result_fen=0)
    found = evidence([paid(11_000), paid(13_000), dear])
    assert found.own.cases == 3
    assert found.own.usual_cases == 2
    assert found.even_weight == pytest.approx(0.8 * 1.2)


def test_cost_takes_the_place_of_the_fee_where_it_is_known() -> None:
    rows = pa.Table.from_pylist([paid(11_000), paid(13_000)], schema=LIST_SCHEMA)
    costed = rows.append_column("cost_fen", pa.array([1_500_000, 1_500_000]))
    found = group_evidence(
        costed, pa.Table.from_pylist([page()], schema=PAGE_SCHEMA), "A1", ("H1",), "二级", SCHEME, 8_000
    )
    assert found.own.mean_cost_fen == 1_500_000
    assert found.even_weight == pytest.approx(0.8 * 1.5)


def test_difficulty_counts_what_the_records_say() -> None:
    pages = [
        page(age=70, dx=("I63.9", "E11.9"), icu_hours=5),
        page(age=10, dx=("I63.9", "X1"), surgery_level=3, discharge_way="5"),
        page("H2", icu_hours=None),
    ]
    found = evidence([paid(10_000)], pages)
    own = found.difficulty
    assert (own.cases, own.mean_age, own.elderly, own.children) == (2, 40, 0.5, 0.5)
    assert own.complicated == 0.5, "X1 is excluded by the principal diagnosis"
    assert own.other_diagnoses == 1
    assert (own.intensive, own.surgery, own.death, own.stay_days) == (0.5, 0.5, 0.5, 8)
    assert found.peer_difficulty.intensive is None, "unknown is not none"


def test_few_cases_are_shown_by_quarter_and_not_at_all_below_five() -> None:
    months = [f"2025-{month:02d}" for month in range(1, 7)]
    few = evidence([paid(10_000, month=month) for month in months for _ in range(2)])
    assert [one.period for one in few.periods] == ["2025Q1", "2025Q2"]
    assert few.period_word == "按季"
    many = evidence([paid(10_000, month=month) for month in months for _ in range(20)] + [paid(9_000, "H2")])
    assert [one.period for one in many.periods] == months
    drawn = by_period(many)["data"]["values"]
    assert {row["kind"] for row in drawn} == {"本院次均费用", "本院次均标准"}, "one case of a peer is no point"


def test_peers_are_masked_and_small_ones_left_out() -> None:
    lists = (
        [paid(10_000)] + [paid(12_000 + place, "H2") for place in range(6)] + [paid(9_000, "H3")] * (LEAST_SHOWN - 1)
    )
    found = evidence(lists)
    assert [(one.name, one.is_own) for one in found.hospitals] == [("同级1", False), ("本院", True)]
    names = {row["name"] for layer in hospitals(found)["layer"][:2] for row in layer["data"]["values"]}
    assert names == {"同级1", "本院"}


@given(st.lists(st.integers(2_000, 30_000), min_size=2, max_size=30), st.lists(st.integers(2_000, 30_000), max_size=30))
@settings(max_examples=25, deadline=None)
def test_periods_and_hospitals_add_up(own: list[int], others: list[int]) -> None:
    lists = [paid(fee, month=f"2025-{place % 6 + 1:02d}") for place, fee in enumerate(own)]
    lists += [paid(fee, f"H{place % 3 + 2}") for place, fee in enumerate(others)]
    found = evidence(lists)
    assert sum(one.own.cases for one in found.periods) == found.own.cases == len(own)
    assert sum(one.peers.cases for one in found.periods) == found.peers.cases == len(others)
    assert sum(one.own.result_fen for one in found.periods) == found.own.result_fen
    assert found.own.low_fen is not None
    assert found.own.low_fen <= found.own.mean_fee_fen <= found.own.high_fen


def test_a_request_needs_the_hospital_and_its_peers_above_the_standard() -> None:
    both = evidence([paid(12_000)] * 3 + [paid(11_000, "H2")] * 3)
    assert _asks(both)
    text = _request(both)
    assert "现行权重 0.8000" in text
    assert "0.8800（+10.0%，模拟）" in text
    assert checked([Suggestion(text, subject="A1")]).allowed, "it passes the filter of advice"
    assert not _asks(evidence([paid(12_000)] * 3 + [paid(9_000, "H2")] * 3)), "peers manage with the standard"
    assert not _asks(evidence([paid(9_000)] * 3 + [paid(11_000, "H2")] * 3))
