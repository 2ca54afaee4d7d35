"""Editions over the same cases: the version day closes to the fen, a draft is compared hospital by hospital."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from payment_cases import INSTITUTIONS, case, grouped, write_policy

from tongpin.base.errors import PolicyError
from tongpin.payment.policy.policy import Policy
from tongpin.payment.weights.impact import compare_editions
from tongpin.payment.weights.repricing import between, pinned, steps
from tongpin.payment.weights.version_day import MONEY, PART_COLUMNS, version_day

NEW_WEIGHTS = "drg,weight,basic_group\nAA11D,1.1000,0\nBB11D,1.4100,0\nCC11D,0.5000,1\nDD11D,2.0000,0\n"


def edition(folder: Path, values: dict[str, Any] | None = None, weights: str | None = None) -> Policy:
    return Policy.load(write_policy(folder, values, **({"weights": weights} if weights else {})))


@pytest.fixture
def old(tmp_path: Path) -> Policy:
    return edition(tmp_path / "old")


CASES = grouped(
    case("a", 11_000, 1_000),
    case("b", 15_000, 1_000, drg="BB11D"),
    case("c", 45_000, 1_000, drg="AA11D", institution_code="H2", institution_name="第二医院"),
    case("d", 5_000, 1_000, drg="CC11D", institution_code="H2", institution_name="第二医院"),
)


def with_groups(table: pa.Table, **groups: str) -> pa.Table:
    """The cases with other groups for some of them."""
    drg = [
        groups.get(name, was) for name, was in zip(table["case_id"].to_pylist(), table["drg"].to_pylist(), strict=True)
    ]
    return table.set_column(table.schema.get_field_index("drg"), "drg", pa.array(drg))


def test_an_edition_does_to_itself_nothing(old: Policy) -> None:
    found = version_day(CASES, CASES, old, old, INSTITUTIONS)
    assert all(found.total(name) == 0 for name in (*PART_COLUMNS, "difference_fen", "moved_count"))


def test_weights_alone_stand_in_the_step_of_weights(tmp_path: Path, old: Policy) -> None:
    found = version_day(CASES, CASES, old, edition(tmp_path / "new", weights=NEW_WEIGHTS), INSTITUTIONS)
    assert found.total("weight_fen") == found.total("difference_fen") == 100_000, "AA11D at H3: 0.1 x 10,000 yuan"


def test_each_kind_of_change_stands_in_its_step(tmp_path: Path, old: Policy) -> None:
    new = edition(tmp_path / "new", {"rate.basic_group": 2_000_000, "outlier.high.pay": "standard"}, NEW_WEIGHTS)
    found = version_day(CASES, with_groups(CASES, b="DD11D"), old, new, INSTITUTIONS)
    parts = {name: found.total(name) for name in PART_COLUMNS}
    assert parts["grouping_fen"] == 590_000, "BB11D 1.41 to DD11D 2.00, which only the new table weighs"
    # The high outlier of H2 was paid by item, 45,000; its standard does not matter before the pay mode changes.
    assert parts["weight_fen"] == 100_000
    assert parts["outlier_fen"] < 0
    assert parts["rest_fen"] == 0
    assert sum(parts.values()) == found.total("new_fen") - found.total("old_fen") == found.total("difference_fen")
    assert (found.total("moved_count"), found.unweighted_count) == (1, 1)
    row = found.moves.to_pylist()[0]
    assert (row["drg_before"], row["drg_after"]) == ("AA11D", "AA11D"), "the largest difference first"


def test_the_steps_lead_from_the_old_edition_to_the_new(tmp_path: Path, old: Policy) -> None:
    new = edition(tmp_path / "new", {"rate.basic_group": 900_000}, NEW_WEIGHTS)
    path = dict(between(old, new))
    names = [step.name for step in path]
    assert names == [step.name for step in steps()] == ["grouping", "weight", "rate", "outlier", "rest"]
    by_name = {step.name: policy for step, policy in path.items()}
    assert by_name["grouping"].weights["AA11D"].weight_e4 == 10_000
    assert by_name["grouping"].weights["DD11D"].weight_e4 == 20_000
    assert by_name["weight"].value("rate.basic_group", date(2025, 6, 1)) == 1_000_000
    assert by_name["rate"].value("rate.basic_group", date(2025, 6, 1)) == 900_000
    assert by_name["rest"] is new


def test_a_group_that_the_new_edition_lacks_is_told_of_the_new_edition(tmp_path: Path, old: Policy) -> None:
    new = edition(tmp_path / "new")
    with pytest.raises(PolicyError) as refused:
        version_day(CASES, with_groups(CASES, b="DD11D"), old, new, INSTITUTIONS)
    assert refused.value.code == "policy.weight"
    assert str(tmp_path / "new") in refused.value.where


def test_other_cases_are_refused(old: Policy) -> None:
    with pytest.raises(PolicyError) as refused:
        version_day(CASES, CASES.slice(1), old, old, INSTITUTIONS)
    assert refused.value.code == "weights.cases"


def test_a_pinned_edition_prices_cases_of_any_year(tmp_path: Path, old: Policy) -> None:
    long_ago = grouped(case("a", 11_000, 1_000, settled=date(2022, 3, 1)))
    with pytest.raises(PolicyError) as refused:
        compare_editions(long_ago, long_ago, old, old, INSTITUTIONS)
    assert refused.value.code == "policy.gap"
    held = pinned(old, date(2025, 6, 1))
    assert compare_editions(long_ago, long_ago, held, held, INSTITUTIONS).total("new_fen") == 900_000


def test_what_has_no_value_on_the_day_stays_without_one(old: Policy) -> None:
    with pytest.raises(PolicyError) as refused:
        compare_editions(CASES, CASES, pinned(old, date(2024, 6, 1)), old, INSTITUTIONS)
    assert refused.value.code == "policy.gap"


def test_a_draft_is_compared_hospital_by_hospital(tmp_path: Path, old: Policy) -> None:
    new = edition(tmp_path / "new", {"rate.basic_group": 1_200_000}, NEW_WEIGHTS)
    outside = case("out", 800, 100, care_type="outpatient_special")
    cases = pa.concat_tables([CASES, grouped(outside)])
    impact = compare_editions(cases, cases, old, new, INSTITUTIONS)
    first, *_ = rows = impact.hospitals.to_pylist()
    assert sum(row["case_count"] for row in rows) == 4, "a list outside the settlement counts for nothing"
    assert sum(row["difference_fen"] for row in rows) == impact.total("new_fen") - impact.total("old_fen")
    assert first["new_ratio"] == first["new_fen"] / first["item_pool_fen"]
    by_code = {row["institution_code"]: row for row in rows}
    assert [one["drg"] for one in by_code["H2"]["explained_by"]] == ["CC11D"]
    assert pc.sum(impact.groups["difference_fen"]).as_py() == impact.total("difference_fen")


WEIGHT = st.integers(1_000, 40_000)


@given(
    st.lists(
        st.tuples(st.sampled_from(["AA11D", "BB11D", "CC11D"]), st.integers(100, 90_000), st.booleans()), min_size=1
    ),
    st.tuples(WEIGHT, WEIGHT, WEIGHT),
    st.integers(500_000, 1_000_000),
    st.sampled_from(["by_item", "standard"]),
    st.sampled_from(["allow", "floor_case"]),
)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_parts_always_sum_to_the_difference(
    tmp_path_factory: pytest.TempPathFactory,
    stays: list[tuple[str, int, bool]],
    weights: tuple[int, int, int],
    basic: int,
    pay: str,
    negative: str,
) -> None:
    folder = tmp_path_factory.mktemp("editions")
    lines = zip(("AA11D", "BB11D", "CC11D"), weights, (0, 0, 1), strict=True)
    text = "drg,weight,basic_group\n" + "".join(f"{drg},{e4 / 10_000:.4f},{flag}\n" for drg, e4, flag in lines)
    values = {"rate.basic_group": basic, "outlier.high.pay": pay, "pool.negative": negative}
    old, new = edition(folder / "old"), edition(folder / "new", values, text)
    cases = grouped(*(case(f"{n}", fee, fee // 4, drg=drg) for n, (drg, fee, _) in enumerate(stays)))
    moved = with_groups(cases, **{f"{n}": "AA11D" for n, (_, _, moves) in enumerate(stays) if moves})
    found = version_day(cases, moved, old, new, INSTITUTIONS)
    for table in (found.hospitals, found.moves):
        for row in table.to_pylist():
            assert sum(row[name] for name in PART_COLUMNS) == row["difference_fen"] == row["new_fen"] - row["old_fen"]
    assert {name: found.total(name) for name in MONEY} == {name: pc.sum(found.moves[name]).as_py() for name in MONEY}
