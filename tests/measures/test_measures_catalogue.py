"""The catalogue is strict, and what it says can be computed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tongpin.base.errors import TongpinError
from tongpin.measures.catalogue import Measure, load_definitions, load_measures, read_catalogue
from tongpin.measures.compute import compute, roll_up

if TYPE_CHECKING:
    from pathlib import Path

GOOD = """\
measures:
  - id: discharge.example
    label: 例
    form: 例数
    unit: count
    direction: 监测比较
    numerator: [case_count]
    population: 全部出院
    period: 出院月
    reference: S000-01
"""


def refused(folder: Path, text: str) -> TongpinError:
    path = folder / "example.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(TongpinError) as caught:
        read_catalogue(path, "measures", Measure)
    return caught.value


def test_a_good_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "example.yaml"
    path.write_text(GOOD, encoding="utf-8")
    (measure,) = read_catalogue(path, "measures", Measure)
    assert measure.facts == ("case_count",)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (("    unit: count", "    unit: count\n    colour: red"), "catalogue.shape"),
        (("    unit: count", "    unit: stones"), "catalogue.shape"),
        (("    unit: count", "    unit: count\n    unit: fen"), "catalogue.yaml"),
        (("[case_count]", "[case_count * 2]"), "catalogue.shape"),
        (("    reference: S000-01\n", ""), "catalogue.shape"),
        (("measures:", "figures:"), "catalogue.shape"),
        (("[case_count]", "[case_count"), "catalogue.yaml"),
    ],
)
def test_a_bad_file_is_refused(tmp_path: Path, change: tuple[str, str], code: str) -> None:
    error = refused(tmp_path, GOOD.replace(*change))
    assert error.code == code
    assert "example.yaml" in error.where
    assert error.hint


def test_every_measure_names_form_population_and_period() -> None:
    for measure in load_measures().values():
        assert measure.form, measure.id
        if measure.interval == "counts":
            # Lists stand by the month of discharge, and are of the insured alone.
            assert (measure.id.partition(".")[0], measure.population, measure.period) == ("lists", "医保全部", "出院月")
            continue
        assert measure.id.startswith("settlement." if measure.period == "结算月" else "discharge.")
        assert (measure.population == "全部出院") == (measure.period == "出院月")


def test_measures_over_weights_and_benchmarks_name_them() -> None:
    for measure in load_measures().values():
        facts = set(measure.facts)
        weighted = facts & {"weight_e4", "low_weight_count", "light_weight_count"}
        assert bool(weighted) == (measure.weight_edition == "policy"), measure.id
        compared = facts & {
            "compared_count",
            "expected_fee_fen",
            "expected_count",
            "compared_parted_fen",
            *(f"{part}_compared_count" for part in ("drug", "consumable", "exam")),
            *(f"{level}_risk_count" for level in ("low", "mid_low", "mid_high", "high")),
        }
        assert bool(compared) == (measure.benchmark_period is not None), measure.id


def test_only_these_carry_national_numbers() -> None:
    numbered = {
        measure.id: measure.mirrors.guokao
        for measure in load_measures().values()
        if measure.mirrors and measure.mirrors.guokao is not None
    }
    assert numbered == {
        "discharge.low_risk_mortality": 14,
        "discharge.surgery_share": 4,
        "discharge.fourth_surgery_share": 6,
        "discharge.complication_rate": 8,
    }


def test_an_anchor_of_a_national_number_has_one_and_no_other_does() -> None:
    for measure in load_measures().values():
        if measure.mirrors:
            assert (measure.mirrors.anchor == "国考编号") == (measure.mirrors.guokao is not None), measure.id


def test_limits_come_from_data() -> None:
    assert load_definitions()["grouping.excluded_stay_days"].value == 60
    assert load_definitions()["benchmark.minimum_cases"].assumed


slices = st.lists(
    st.tuples(st.sampled_from("ab"), st.sampled_from("xyz"), st.integers(0, 50), st.integers(0, 10**9)),
    min_size=1,
    max_size=40,
)


@given(slices)
def test_rolling_up_in_steps_is_rolling_up_at_once(rows: list[tuple[str, str, int, int]]) -> None:
    hospital, dept, count, weight = zip(*rows, strict=True)
    facts = pa.table(
        {"hospital": hospital, "dept": dept, "weighted_count": count, "weight_e4": weight},
        schema=pa.schema(
            [
                ("hospital", pa.string()),
                ("dept", pa.string()),
                ("weighted_count", pa.int64()),
                ("weight_e4", pa.int64()),
            ],
        ),
    )
    at_once = roll_up(facts, ["hospital"])
    assert roll_up(roll_up(facts, ["hospital", "dept"]), ["hospital"]).equals(at_once)
    assert sum(at_once["weight_e4"].to_pylist()) == sum(weight)
    cmi = load_measures()["discharge.cmi"]
    for row in compute(facts, [cmi], ["hospital"]).to_pylist():
        if row["weighted_count"] == 0:
            assert row[cmi.id] is None
        else:
            assert row[cmi.id] == pytest.approx(row["weight_e4"] / row["weighted_count"] / 10_000)
