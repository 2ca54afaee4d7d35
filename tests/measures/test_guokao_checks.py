"""Checks: one case that holds and one that does not for each kind, large changes, records against filed figures."""

from __future__ import annotations

from fractions import Fraction

import pytest

from tongpin.measures.guokao.catalogue import TERTIARY, load_checks, load_set
from tongpin.measures.guokao.checks import against_filed, changes, growth_bases, integrity, unexplained
from tongpin.measures.guokao.compute import Terms, compute_values
from tongpin.measures.guokao.filed import Figure, Filed
from tongpin.measures.guokao.records import Recorded

WHOLE = frozenset(f"2025-{month:02d}" for month in range(1, 13))


def filed(year: int = 2025, values: dict[str, float] | None = None, **items: float) -> Terms:
    made = {name: Figure(Fraction(str(one)), "年报", "") for name, one in items.items()}
    told = {sub: Figure(Fraction(str(one)), "年报", "") for sub, one in (values or {}).items()}
    return Terms(year, filed=Filed(made, values=told))


def rules(terms: Terms) -> list[str]:
    return [one.rule_id for one in integrity(terms)]


@pytest.mark.parametrize(
    ("rule", "left", "right"),
    [(one.id, one.left, one.right) for one in load_checks() if one.relation == "at_most"],
)
def test_a_part_is_at_most_its_whole(rule: str, left: tuple[str, ...], right: tuple[str, ...]) -> None:
    share = dict.fromkeys(left, 100 / len(left))
    assert rule not in rules(filed(**share | dict.fromkeys(right, 100)))
    assert rule in rules(filed(**dict.fromkeys(left, 101 / len(left)) | dict.fromkeys(right, 100)))


def test_incomes_are_near_their_sum() -> None:
    assert rules(filed(outpatient_income=40, inpatient_income=57, medical_income=100)) == []
    assert rules(filed(outpatient_income=40, inpatient_income=50, medical_income=100)) == ["GK-C10"]


def test_a_check_waits_for_all_its_items() -> None:
    assert rules(filed(surgery_patients=10)) == []


def test_persons_and_operations_are_told_apart() -> None:
    (found,) = integrity(filed(surgery_patients=11, surgery_operations=10))
    assert found.rule_id == "GK-C05"
    assert "出院手术患者人数 11" in found.value
    assert found.hint


def compared(now: dict[str, float], before: dict[str, float]):
    indicators = load_set(TERTIARY).values()
    return changes(
        compute_values(indicators, filed(values=now), Terms(2024)),
        compute_values(indicators, filed(2024, values=before), Terms(2023)),
    )


@pytest.mark.parametrize(
    ("now", "before", "large"),
    [(120, 100, False), (120.1, 100, True), (79.9, 100, True), (80, 100, False), (5, 0, True), (0, 0, False)],
)
def test_a_change_above_20_percent_is_large(now: float, before: float, large: bool) -> None:
    (found,) = compared({"34": now}, {"34": before})
    assert found.is_large is large


def test_a_large_change_asks_for_its_reason_until_it_has_one() -> None:
    found = compared({"34": 150, "24": 5}, {"34": 100, "24": 5})
    (asked,) = unexplained(found, {}, 2025)
    assert (asked.rule_id, asked.path) == ("GK-S01", "34")
    assert "+50.0%" in asked.message
    assert unexplained(found, {"34": "新院区启用"}, 2025) == []


def test_records_are_held_against_what_was_filed() -> None:
    flows = {"surgery_patients": 30, "discharged_patients": 100}
    exact = {item: dict.fromkeys(WHOLE, Fraction(one)) for item, one in flows.items()}
    for told, rule in ((30.1, []), (31.17, ["GK-S02"])):
        terms = Terms(
            2025,
            Recorded(exact, {"pages": WHOLE}),
            Filed(values={"4": Figure(Fraction(str(told)), "年报", "")}),
        )
        values = compute_values(load_set(TERTIARY).values(), terms, Terms(2024))
        assert [one.rule_id for one in against_filed(values, 2025)] == rule


def test_a_figure_known_only_as_filed_is_not_held_against_itself() -> None:
    values = compute_values(load_set(TERTIARY).values(), filed(values={"4": 31.17}), Terms(2024))
    assert against_filed(values, 2025) == []


def test_growth_from_nothing_is_a_finding() -> None:
    indicators = list(load_set(TERTIARY).values())
    values = compute_values(indicators, filed(medical_income=5), filed(2024, medical_income=0))
    (found,) = growth_bases(indicators, values, 2025)
    assert (found.rule_id, found.path) == ("GK-S03", "37")
    fine = compute_values(indicators, filed(medical_income=5), filed(2024, medical_income=4))
    assert growth_bases(indicators, fine, 2025) == []
