"""The year end of places: the clearing itself where all months are there, and scenarios that change nothing."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tongpin.base.errors import PolicyError, TongpinError
from tongpin.bench.pricing import draw_cases, hospitals
from tongpin.payment.policy.library import shipped_policies
from tongpin.payment.policy.policy import Policy
from tongpin.payment.pricing.price import price
from tongpin.payment.weights.repricing import pinned
from tongpin.payment.year.clear import STEPS, closed, opened
from tongpin.payment.year.rulings import RULING_SCHEMA, read_rulings
from tongpin.twin.forecast.draft import as_lines
from tongpin.twin.forecast.model import months_between
from tongpin.twin.forecast.places import histories, year_lines
from tongpin.twin.forecast.rest import NEUTRAL, Parts, Rest, rests
from tongpin.twin.forecast.run import months_of_year
from tongpin.twin.forecast.scenario import Scenario, editions, item_factors, place_factors, read_scenario
from tongpin.twin.forecast.settlement import SPREAD, year_end

POLICY = pinned(Policy.load(shipped_policies() / "demo-east" / "2025"), date(2025, 6, 30))
RULINGS = read_rulings(RULING_SCHEMA.empty_table(), 2025)
YEAR = months_between("2025-01", "2025-12")


def cases(count: int) -> pa.Table:
    return draw_cases(POLICY, count)


def lines(count: int, months: tuple[str, ...] = YEAR, seed: int = 1) -> pa.Table:
    """Priced lines spread evenly over the months."""
    priced = price(cases(count), POLICY, hospitals())
    day = pa.array([date(2025, 6, 15)] * priced.num_rows)
    priced = priced.set_column(priced.column_names.index("settlement_date"), "settlement_date", day)
    names = np.array(months)[np.random.default_rng(seed).integers(0, len(months), priced.num_rows)]
    return as_lines(priced, pa.array(names.tolist(), pa.string()))


def cleared(table: pa.Table) -> pa.Table:
    """The places of the clearing itself."""
    state = opened(table, {}, RULINGS, POLICY, 2025)
    for step in STEPS:
        state = step.run(state)
    return closed(state, table, 2025).places


@given(st.integers(0, 1_000), st.integers(20, 400))
@settings(max_examples=6, deadline=None)
def test_a_year_whose_months_are_all_closed_is_its_clearing(seed: int, count: int) -> None:
    table = lines(count, seed=seed)
    whole = year_lines(2025, table, None, RULINGS, POLICY, {})
    assert whole is not None
    made, actual = year_end(2025, whole, YEAR, (), {}).places, cleared(table)
    for name in ("institution_code", "fund", "due_fen", "banded_fen", "scaled_fen", "surplus_fen", "item_pool_fen"):
        assert made[name].to_pylist() == actual[name].to_pylist()
    for name in SPREAD:
        for level in (80, 95):
            assert made[f"{name}_low_{level}"].equals(made[name])
            assert made[f"{name}_high_{level}"].equals(made[name])


@pytest.fixture(scope="module")
def half() -> tuple:
    """Half a year of few hospitals, its places and the rest of the year."""
    table = lines(6_000, YEAR[:6])
    few = pc.is_in(table["institution_code"], value_set=pa.array([f"H{number:011d}" for number in range(4)]))
    known = year_lines(2025, table.filter(few), None, RULINGS, POLICY, {})
    assert known is not None
    history = histories(known.flows)
    return known, rests(sorted(history), history, YEAR[6:], ())


def test_the_rest_of_the_year_lies_on_the_closed_months(half: tuple) -> None:
    known, rest = half
    end = year_end(2025, known, YEAR[:6], YEAR[6:], rest)
    for row in end.places.to_pylist():
        assert row["known_item_pool_fen"] < row["item_pool_fen"] < 3 * row["known_item_pool_fen"]
        changes = row["scaled_fen"] + row["banded_fen"] + row["assessed_fen"]
        assert row["payable_fen"] + changes == row["due_fen"]
        assert row["surplus_fen"] == row["due_fen"] - row["item_pool_fen"]
        for name in SPREAD:
            edges = [row[f"{name}_{side}"] for side in ("low_95", "low_80")]
            edges += [row[name], *(row[f"{name}_{side}"] for side in ("high_80", "high_95"))]
            assert edges == sorted(edges)
        assert row["method"] == "月均与波动（没有季节）"
        assert row["reason"] is None


def test_a_place_without_months_is_left_open_with_its_reason(half: tuple) -> None:
    known, rest = half
    first = next(iter(rest))
    short = {**rest, first: Rest(None, None, "", "只有 3 个连续的月份")}
    end = year_end(2025, known, YEAR[:6], YEAR[6:], short)
    row = next(row for row in end.places.to_pylist() if (row["institution_code"], row["fund"]) == first)
    assert row["reason"] == "只有 3 个连续的月份"
    assert row["due_fen"] is None
    assert row["known_payable_fen"] > 0
    assert any("没有预测余下月份" in note for note in end.notes)


@given(st.sampled_from([Scenario(label="不变"), Scenario(label="写了零", growth={"*": Decimal(0)})]))
@settings(max_examples=4, deadline=None)
def test_a_neutral_scenario_is_the_base(scenario: Scenario) -> None:
    grouped = cases(300)
    of = editions(scenario, POLICY, POLICY, date(2025, 6, 1))
    factors = place_factors(grouped, grouped, scenario, of, hospitals())
    assert factors
    assert set(factors.values()) == {NEUTRAL}
    assert scenario.is_neutral


def test_growth_of_all_groups_grows_everything_alike() -> None:
    grouped = cases(300)
    scenario = Scenario(label="增长", growth={"*": Decimal("0.1")})
    of = editions(scenario, POLICY, POLICY, date(2025, 6, 1))
    for factors in place_factors(grouped, grouped, scenario, of, hospitals()).values():
        for one in factors:
            assert one == pytest.approx(1.1) or one == 1.0, "a part that is empty keeps its factor"
        assert factors.drg_item == pytest.approx(1.1)


def test_shorter_stays_lower_the_fee_but_not_what_is_paid_at_the_standard() -> None:
    grouped = cases(2_000)
    scenario = Scenario(label="缩短", los={"*": Decimal("-0.2")}, fee_follows_stay=Decimal("0.5"))
    of = editions(scenario, POLICY, POLICY, date(2025, 6, 1))
    found = place_factors(grouped, grouped, scenario, of, hospitals())
    item = [one.drg_item for one in found.values()]
    paid = [one.drg_payable for one in found.values()]
    assert np.mean(item) == pytest.approx(0.9, abs=0.002)
    assert np.mean(paid) > np.mean(item) + 0.04, "the standards stay, only cases paid by item fall"
    assert max(paid) > 1, "where most is paid at the standard the patient's part falls alone"
    assert all(one.cases == 1.0 for one in found.values())


def test_a_group_that_shrinks_moves_the_items_of_pages() -> None:
    pages = pa.Table.from_pylist(
        [
            {"month": "2025-06", "drg": drg, "los": 10, "total_fee_fen": 1_000_000, "drug_fee_fen": 200_000}
            | {"consumable_fee_fen": 0, "exam_fee_fen": 0, "surgery_level": level, "dx": ["I63.9"]}
            | {"discharge_time": date(2025, 6, 10), "discharge_way": "1", "care_type": "inpatient", "status": "grouped"}
            for drg, level in (("A", 4), ("A", 4), ("B", None), ("B", None))
        ]
    )
    factors = item_factors(pages, Scenario(label="下转", growth={"B": Decimal("-0.5")}))
    assert factors["discharged_patients"] == pytest.approx(0.75)
    assert factors["surgery_patients"] == 1.0
    assert factors["low_risk_patients"] == pytest.approx(0.75), "what pages do not give here follows the discharges"
    shorter = item_factors(pages, Scenario(label="缩短", los={"*": Decimal("-0.1")}, fee_follows_stay=Decimal("0.5")))
    assert shorter["patient_days"] == pytest.approx(0.9)
    assert shorter["inpatient_fee"] == pytest.approx(0.95)
    assert shorter["discharged_patients"] == 1.0


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("label: x\nlos: {A: -0.1}\n", "scenario.stay"),
        ("label: x\ngrowth: {A: -1.2}\n", "scenario.range"),
        ("label: x\nedition: demo-east/2025\n", "scenario.day"),
        ("label: x\nwish: 1\n", "scenario.shape"),
    ],
)
def test_a_scenario_that_leaves_something_open_is_refused(tmp_path, text: str, code: str) -> None:
    path = tmp_path / "scenario.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(TongpinError) as caught:
        read_scenario(path)
    assert caught.value.code == code


def test_a_scenario_tells_itself_in_one_line(tmp_path) -> None:
    path = tmp_path / "scenario.yaml"
    path.write_text(
        "label: 下转\ngrowth: {ES35D: -0.3}\nlos: {'*': -0.05}\nfee_follows_stay: 0.4\n"
        "edition: demo-east/2025\nday: 2026-01-01\n",
        encoding="utf-8",
    )
    assert read_scenario(path).text() == (
        "情景“下转”：ES35D 例数 −30.00%；其余病组 住院日 −5.00%；费用变化为住院日变化的 40.00%；付费办法 demo-east/2025"
    )


def test_known_and_coming_months_of_a_year() -> None:
    closed_ones = {month: {"policy": "a" if month < "2025-03" else "b"} for month in ("2024-12", *YEAR[:5])}
    found = months_of_year(closed_ones, 2025)
    assert found.known == YEAR[:5]
    assert found.ahead == YEAR[5:]
    assert found.steps == ("2025-03",)
    with pytest.raises(PolicyError) as caught:
        months_of_year({month: {} for month in ("2025-01", "2025-03")}, 2025)
    assert caught.value.code == "forecast.gap"
    with pytest.raises(PolicyError) as caught:
        months_of_year({"2024-12": {}}, 2025)
    assert caught.value.code == "forecast.closed"


def test_parts_are_multiplied_one_by_one() -> None:
    assert Parts(1, 2, 3, 4, 5, 6).times(Parts(2, 1, 1, 1, 1, 0.5)) == Parts(2, 2, 3, 4, 5, 3)
