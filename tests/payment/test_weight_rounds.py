"""Negotiation rounds: drafts that no settlement uses, opinions with answers, rounds that close and are published."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from payment_cases import write_policy

from tongpin.base.errors import PolicyError, StoreError
from tongpin.payment.policy.library import policy_folders, policy_named
from tongpin.payment.weights.group_history import group_history
from tongpin.payment.weights.rounds import (
    ADOPTED,
    OPEN,
    changed_values,
    close_round,
    decide_opinion,
    give_opinion,
    open_round,
    opinions,
    publish_round,
    round_or_edition,
    rounds,
)
from tongpin.store.home import Home

DAY = date(2025, 9, 1)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home.open(tmp_path / "home")
    write_policy(home.policies / "test" / "2025")
    return home


def test_a_draft_is_a_copy_that_no_settlement_finds(home: Home) -> None:
    folder = open_round(home, "2026-1", "test/2025", "第一轮", DAY)
    draft = round_or_edition(home, "2026-1")
    assert (draft.id, draft.edition.draft) == ("test/2026-1", True)
    assert draft.weights == policy_named(home, "test/2025").weights
    assert "test/2026-1" not in policy_folders(home)
    assert folder == home.root / "rounds" / "2026-1"


def test_the_next_round_begins_at_the_draft_of_the_last(home: Home) -> None:
    folder = open_round(home, "2026-1", "test/2025", "第一轮", DAY)
    (folder / "weights.csv").write_text("drg,weight,basic_group\nAA11D,1.2,0\n", encoding="utf-8")
    open_round(home, "2026-2", "2026-1", "第二轮", DAY)
    assert round_or_edition(home, "2026-2").weights["AA11D"].weight_e4 == 12_000
    assert [(row["round"], row["base"]) for row in rounds(home)] == [("2026-1", "test/2025"), ("2026-2", "2026-1")]


@pytest.mark.parametrize(("name", "code"), [("2026-1", "round.exists"), ("../up", "round.name")])
def test_a_round_needs_a_name_of_its_own(home: Home, name: str, code: str) -> None:
    open_round(home, "2026-1", "test/2025", "第一轮", DAY)
    with pytest.raises(StoreError) as refused:
        open_round(home, name, "test/2025", "又一轮", DAY)
    assert refused.value.code == code


def test_an_opinion_is_answered_with_a_reason(home: Home) -> None:
    open_round(home, "2026-1", "test/2025", "第一轮", DAY)
    number = give_opinion(
        home, "2026-1", who="三级医院组", proposal="提高 5 %", on=DAY, drg="AA11D", parameter="weights"
    )
    assert opinions(home, "2026-1")[0]["decision"] == OPEN
    with pytest.raises(StoreError, match="理由"):
        decide_opinion(home, "2026-1", number, adopted=True, reason=" ", on=DAY)
    decide_opinion(home, "2026-1", number, adopted=True, reason="费用上升", on=DAY)
    (row,) = opinions(home, "2026-1")
    assert (row["decision"], row["reason"], row["who"]) == (ADOPTED, "费用上升", "三级医院组")


@pytest.mark.parametrize(
    ("about", "code"), [({"parameter": "no.such"}, "round.parameter"), ({"drg": "XX19D"}, "round.group")]
)
def test_an_opinion_on_nothing_is_refused(home: Home, about: dict[str, str], code: str) -> None:
    open_round(home, "2026-1", "test/2025", "第一轮", DAY)
    with pytest.raises(PolicyError) as refused:
        give_opinion(home, "2026-1", who="某院", proposal="改", on=DAY, **about)
    assert refused.value.code == code
    assert opinions(home, "2026-1") == []


def test_a_round_closes_when_every_opinion_is_answered_and_then_stands(home: Home) -> None:
    folder = open_round(home, "2026-1", "test/2025", "第一轮", DAY)
    give_opinion(home, "2026-1", who="某院", proposal="改", on=DAY)
    with pytest.raises(StoreError) as waiting:
        close_round(home, "2026-1", DAY)
    assert waiting.value.code == "round.waiting"
    decide_opinion(home, "2026-1", 1, adopted=False, reason="没有依据", on=DAY)
    assert close_round(home, "2026-1", DAY)["draft_digest"] == round_or_edition(home, "2026-1").digest
    with pytest.raises(StoreError) as closed:
        give_opinion(home, "2026-1", who="某院", proposal="再改", on=DAY)
    assert closed.value.code == "round.closed"
    (folder / "weights.csv").write_text("drg,weight,basic_group\nAA11D,9,0\n", encoding="utf-8")
    with pytest.raises(PolicyError) as changed:
        round_or_edition(home, "2026-1")
    assert changed.value.code == "round.changed"


def test_only_a_closed_round_is_published_and_no_edition_is_overwritten(home: Home) -> None:
    open_round(home, "2026-1", "test/2025", "第一轮", DAY)
    with pytest.raises(StoreError) as opened:
        publish_round(home, "2026-1", "2026")
    assert opened.value.code == "round.open"
    close_round(home, "2026-1", DAY)
    with pytest.raises(StoreError) as there:
        publish_round(home, "2026-1", "2025")
    assert there.value.code == "round.exists"
    publish_round(home, "2026-1", "2026")
    edition = policy_named(home, "test/2026")
    assert (edition.id, edition.edition.draft) == ("test/2026", False)


def test_changed_values_are_named_with_both_values(home: Home) -> None:
    folder = open_round(home, "2026-1", "test/2025", "第一轮", DAY)
    path = folder / "policy.yaml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("1000000", "1100000"), encoding="utf-8")
    (row,) = changed_values(policy_named(home, "test/2025"), round_or_edition(home, "2026-1"))
    assert row["parameter"] == "rate.basic_group"
    assert (row["old"], row["new"]) == ("2025-01-01：1000000", "2025-01-01：1100000")


def test_the_weight_of_a_group_is_followed_through_editions_and_rounds(home: Home) -> None:
    folder = open_round(home, "2026-1", "test/2025", "第一轮", DAY)
    (folder / "weights.csv").write_text("drg,weight,basic_group\nAA11D,1.2,0\n", encoding="utf-8")
    held = {one.name: (one.weight_e4, one.is_draft) for one in group_history(home, "AA11D")}
    assert held["test/2025"] == (10_000, False)
    assert held["2026-1"] == (12_000, True)
    assert {one.name: one.weight_e4 for one in group_history(home, "BB11D")}["2026-1"] is None
    with pytest.raises(PolicyError) as refused:
        group_history(home, "NONE")
    assert refused.value.code == "weights.group"
