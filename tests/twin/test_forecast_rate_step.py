"""Step 10 in a forecast: a final value of a unit closes on the units of the whole year (S900-01, S000-42)."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parents[1] / "payment"))

from clearing_cases import POINTS, SCORES, clearing_policy, line, pointed, scored

from tongpin.payment.month.posting import LINE_SCHEMA
from tongpin.payment.policy.policy import Policy
from tongpin.payment.year.clear import STEPS, closed, opened
from tongpin.payment.year.rulings import RULING_SCHEMA, read_rulings
from tongpin.twin.forecast.model import months_between
from tongpin.twin.forecast.places import histories, year_lines
from tongpin.twin.forecast.rest import Rest, rests
from tongpin.twin.forecast.settlement import YearEnd, year_end
from tongpin.twin.forecast.units import recomputed_funds

RULINGS = read_rulings(RULING_SCHEMA.empty_table(), 2025)
YEAR = months_between("2025-01", "2025-12")
RATE = {"clearing__rate": "recompute", "clearing__rate_budget": 1_080_000, "rate__basic_group": 1_000_000}


def posted(rows: list[dict[str, Any]]) -> pa.Table:
    return pa.Table.from_pylist(rows, schema=LINE_SCHEMA).sort_by(
        [("institution_code", "ascending"), ("case_id", "ascending"), ("period", "ascending")]
    )


def ended(policy: Policy, rows: list[dict[str, Any]], months: int = 6, *, anew: bool = True) -> YearEnd:
    """The year end of lines of the first months."""
    known = year_lines(2025, posted(rows), None, RULINGS, policy, {})
    assert known is not None
    history = histories(known.flows)
    rest = rests(sorted(history), history, YEAR[months:], (), recomputed_funds(known.state))
    return year_end(2025, known, YEAR[:months], YEAR[months:], rest, anew=anew)


def cleared(policy: Policy, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The clearing itself."""
    state = opened(posted(rows), {}, RULINGS, policy, 2025)
    for step in STEPS:
        state = step.run(state)
    return closed(state, posted(rows), 2025).places.to_pylist()


def half_year(make: Any, sizes: dict[str, float], **more: Any) -> list[dict[str, Any]]:
    """One line a hospital and month, alike in every month of the first half."""
    return [
        make(f"{code}-{month}", size, hospital=code, month=month, **more)
        for month in YEAR[:6]
        for code, size in sizes.items()
    ]


def due(end: YearEnd) -> dict[str, int]:
    return {row["institution_code"]: row["due_fen"] for row in end.places.to_pylist()}


def test_a_final_rate_closes_on_the_weights_of_the_whole_year(tmp_path: Path) -> None:
    """600 + 400 yuan at 10,000 a weight, twelve months: 1.2 weights; 10,800 yuan ÷ 1.2 = 9,000 a weight."""
    rows = half_year(line, {"A": 600, "B": 400})
    end = ended(clearing_policy(tmp_path, **RATE), rows)
    assert due(end) == {"A": 648_000, "B": 432_000}
    assert [row["rated_fen"] for row in end.places.to_pylist()] == [-72_000, -48_000]
    assert [row["payable_fen"] for row in end.places.to_pylist()] == [720_000, 480_000]
    (value,) = end.values.to_pylist()
    assert (value["value_e4"], value["units_e4"]) == (900_000 * 10_000, 12_000)
    assert value["value_e4_low_95"] == value["value_e4_high_95"] == value["value_e4"], "nothing varied"
    assert any("每权重 9,000.00 元" in note for note in end.notes)


def test_a_kept_rate_is_not_touched(tmp_path: Path) -> None:
    end = ended(clearing_policy(tmp_path), half_year(line, {"A": 600, "B": 400}))
    assert due(end) == {"A": 720_000, "B": 480_000}
    assert end.values.num_rows == 0
    assert [row["rated_fen"] for row in end.places.to_pylist()] == [0, 0]


def test_what_the_patient_bears_is_not_repriced(tmp_path: Path) -> None:
    """500 paid + 100 by the patient a month: the standard falls by a tenth, 12 × (540 − 100) = 5,280."""
    rows = half_year(line, {"A": 500}, patient=100.0) + half_year(line, {"B": 400})
    assert due(ended(clearing_policy(tmp_path, **RATE), rows))["A"] == 528_000


def test_basic_groups_and_cases_by_item_keep_what_they_were_paid(tmp_path: Path) -> None:
    """基础病组 100 a month = 1,200 of the budget; (10,800 − 1,200) ÷ 0.96 = 10,000: 800 a month stay as they are."""
    rows = half_year(line, {"A": 500, "B": 300})
    rows += [line(f"basic-{month}", 100, hospital="A", month=month) | {"basic_group": True} for month in YEAR[:6]]
    rows += [
        line(f"high-{month}", 900, hospital="B", month=month, outlier="HIGH", standard=100, item=900)
        for month in YEAR[:6]
    ]
    end = ended(clearing_policy(tmp_path, **RATE, outlier__cap__ratio=1), rows)
    assert due(end) == {"A": 720_000, "B": 1_440_000}
    (value,) = end.values.to_pylist()
    assert value["value_e4"] == 1_000_000 * 10_000


def test_who_brings_more_weight_lowers_what_the_others_get(tmp_path: Path) -> None:
    policy = clearing_policy(tmp_path, **RATE)
    few, many = (due(ended(policy, half_year(line, {"A": size, "B": 400}))) for size in (600, 800))
    assert many["A"] > few["A"]
    assert many["B"] < few["B"]
    assert sum(few.values()) == sum(many.values()) == 1_080_000


def test_points_are_paid_to_the_final_budget(tmp_path: Path) -> None:
    """60 and 40 points a month, 1,200 in all; 10,000 yuan less 5 % = 9,500: 60 % and 40 % of it."""
    policy = clearing_policy(tmp_path, **POINTS, points__final_budget=1_000_000)
    end = ended(policy, half_year(pointed, {"A": 60, "B": 40}))
    assert due(end) == {"A": 570_000, "B": 380_000}
    (value,) = end.values.to_pylist()
    assert value["unit_label"] == "点数"
    assert value["units_e4"] == 12_000_000


def test_scores_take_the_hospital_coefficients_of_the_end_of_the_year(tmp_path: Path) -> None:
    """60 × 1.5 = 90 and 40 × 1 = 40 scores a month at the end; the budget of 13,000 goes 90 : 40."""
    policy = clearing_policy(
        tmp_path, **SCORES | {"dip__institution__at_clearing": "final"}, dip__final_budget=1_300_000
    )
    parameter = policy.edition.parameters["dip.institution.coefficient"]
    by_hospital = parameter.model_copy(
        update={"by": ("institution_code",), "values": {day: {"A": 1.5, "B": 1} for day in parameter.values}}
    )
    policy.edition.parameters["dip.institution.coefficient"] = by_hospital
    assert due(ended(policy, half_year(scored, {"A": 60, "B": 40}))) == {"A": 900_000, "B": 400_000}


def test_a_budget_that_is_not_stated_yet_leaves_the_monthly_value_and_says_so(tmp_path: Path) -> None:
    policy = clearing_policy(tmp_path, clearing__rate="recompute", rate__basic_group=1_000_000)
    end = ended(policy, half_year(line, {"A": 600, "B": 400}))
    assert due(end) == {"A": 720_000, "B": 480_000}
    assert any("还不能投影" in note for note in end.notes)


def test_under_another_edition_nothing_is_recomputed(tmp_path: Path) -> None:
    end = ended(clearing_policy(tmp_path, **RATE), half_year(line, {"A": 600, "B": 400}), anew=False)
    assert due(end) == {"A": 720_000, "B": 480_000}
    assert any("情景换了付费办法" in note for note in end.notes)


def test_a_place_that_is_not_forecast_goes_on_at_its_mean_so_that_the_budget_closes(tmp_path: Path) -> None:
    policy = clearing_policy(tmp_path, **RATE)
    known = year_lines(2025, posted(half_year(line, {"A": 600, "B": 400})), None, RULINGS, policy, {})
    assert known is not None
    history = histories(known.flows)
    rest = rests(sorted(history), history, YEAR[6:], (), {"310"})
    rest["B", "310"] = Rest(None, None, "", "只有 3 个连续的月份")
    end = year_end(2025, known, YEAR[:6], YEAR[6:], rest)
    assert due(end) == {"A": 648_000, "B": None}


@given(
    st.lists(st.tuples(st.integers(100, 900), st.integers(100, 900)), min_size=6, max_size=6),
    st.integers(500_000, 2_000_000),
)
@settings(max_examples=10, deadline=None)
def test_a_year_that_goes_on_as_it_was_is_its_clearing(tmp_path_factory: Any, sizes: list, budget: int) -> None:
    """Where the rest of the year repeats the known months, the forecast is the clearing of the doubled year."""
    policy = clearing_policy(tmp_path_factory.mktemp("p"), **RATE | {"clearing__rate_budget": budget})
    rows = [
        line(f"{code}-{month}", size, hospital=code, month=month)
        for month, pair in zip(YEAR[:6], sizes, strict=True)
        for code, size in zip("AB", pair, strict=True)
    ]
    again = [row | {"case_id": f"{row['case_id']}-2"} for row in rows]
    known = year_lines(2025, posted(rows), None, RULINGS, policy, {})
    assert known is not None
    history = histories(known.flows)
    rest = rests(sorted(history), history, YEAR[6:], (), {"310"})
    repeated = {}
    for place, one in rest.items():
        assert one.expected is not None
        assert one.units is not None
        item, units = (sum(values.values()) for values in (history[place].item, history[place].units))
        parts = type(one.expected)(6, float(item), 0.0, float(item), 0.0, float(item))
        repeated[place] = one._replace(expected=parts, units=one.units._replace(expected=float(units)))
    made = year_end(2025, known, YEAR[:6], YEAR[6:], repeated)
    for mine, theirs in zip(made.places.to_pylist(), cleared(policy, [*rows, *again]), strict=True):
        assert abs(mine["due_fen"] - theirs["due_fen"]) <= 12, "each case rounds by itself"
