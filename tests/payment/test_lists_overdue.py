"""Overdue lists: found by the edition's limit, told with their reason, given to the clearing as decisions (S901-02)."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lists_cases import AREA, H1, a_list, a_page, at, decide, home_of, keep, own_edition, receipt

from tongpin.base.errors import PolicyError
from tongpin.payment.lists.overdue import decisions, overdue_lists, ruled_lists
from tongpin.payment.month.run import settle_in_home
from tongpin.payment.year.rulings import as_rulings, read_rulings
from tongpin.payment.year.run import clear_in_home
from tongpin.records.layouts.catalogue import layout_schema

if TYPE_CHECKING:
    from pathlib import Path

    from tongpin.store.home import Home

JUNE = date(2025, 6, 2)


def june(day: int) -> date:
    return date(2025, 6, day)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = home_of(tmp_path)
    keep(
        home,
        a_list("IN", JUNE, june(12)),
        a_list("LATE", JUNE, june(15)),
        a_list("OLD", date(2024, 6, 3), date(2024, 7, 1)),
        a_page("R1", JUNE),
    )
    return home


def rows(home: Home, year: int = 2025) -> dict[str, dict[str, Any]]:
    table = decisions(home, AREA, year)
    assert table.schema == layout_schema("decision")
    return {row["setl_id"]: row for row in table.to_pylist()}


def test_a_list_sent_after_its_day_is_decided_overdue_with_reason_and_days(home: Home) -> None:
    found = rows(home)
    assert list(found) == ["LATE"]
    row = found["LATE"]
    assert (row["institution_code"], row["kind"], row["area"], row["year"]) == (H1, "overdue", AREA, 2025)
    assert row["reason"] == "出院（2025-06-02）后 10 日内应上传，2025-06-12 到期，2025-06-15 首次上传，超期 3 日"
    assert row["decided_date"] == june(15)
    assert list(rows(home, 2024)) == ["OLD"]
    assert rows(home, 2023) == {}


def test_the_clearing_reads_the_derived_rows(home: Home) -> None:
    rulings = read_rulings(as_rulings(decisions(home, AREA, 2025)), 2025)
    assert [(row["kind"], row["setl_id"]) for row in rulings.on_cases.to_pylist()] == [("overdue", "LATE")]


def test_a_loaded_decision_wins(home: Home) -> None:
    decide(home, "overdue", "LATE", june(20), result="豁免")
    assert rows(home) == {}
    assert ruled_lists(home, AREA) == {(H1, "LATE"): "豁免"}


def test_the_first_version_counts_not_the_corrected_one(home: Home) -> None:
    keep(home, a_list("IN", JUNE, june(28), fee=5000))
    assert list(rows(home)) == ["LATE"]


def test_a_return_answered_too_late_counts_where_the_edition_says_so(home: Home) -> None:
    keep(home, a_list("IN", JUNE, june(28), fee=5000))
    receipt(home, "IN", at(june(13)), accepted=False)
    assert list(rows(home)) == ["LATE"]
    own_edition(home, {"overdue.counts": ["upload", "resubmission"]})
    found = rows(home)
    assert set(found) == {"IN", "LATE"}
    assert found["IN"]["reason"] == "退回后重传超期 8 日"  # five working days after Friday the 13th end on the 20th


def test_an_edition_that_counts_no_overdue_has_no_rows_but_the_list_is_shown(home: Home) -> None:
    own_edition(home, {"overdue.counts": None})
    assert rows(home) == {}
    assert [late.row["case_id"] for late in overdue_lists(home, AREA, june(30), "2025-06")] == ["P-R1", "LATE"]


def test_an_edition_that_counts_overdue_without_a_limit_is_refused(home: Home) -> None:
    own_edition(home, {"clock.days": None})
    with pytest.raises(PolicyError) as refused:
        overdue_lists(home, AREA, june(30))
    assert refused.value.code == "policy.gap"
    assert "clock.days" in refused.value.where


def test_what_is_not_sent_yet_is_on_the_list_and_not_in_the_decisions(home: Home) -> None:
    late = {one.row["case_id"]: one.reason for one in overdue_lists(home, AREA, june(30), "2025-06")}
    assert late["P-R1"] == "出院（2025-06-02）后 10 日内应上传，2025-06-12 到期，还没有上传，超期 18 日"
    assert "P-R1" not in rows(home)
    assert [one.row["case_id"] for one in overdue_lists(home, AREA, june(12), "2025-06")] == []


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.integers(0, 40), min_size=1, max_size=6))
def test_exactly_the_lists_beyond_the_limit_are_overdue(
    tmp_path_factory: pytest.TempPathFactory, waits: list[int]
) -> None:
    home = home_of(tmp_path_factory.mktemp("lists"))
    keep(home, *(a_list(f"L{n}", JUNE, JUNE + timedelta(days=wait)) for n, wait in enumerate(waits)))
    assert set(rows(home)) == {f"L{n}" for n, wait in enumerate(waits) if wait > 10}


def cleared_fen(home: Home) -> int:
    """What the year pays the hospital in all, tried with the one closed month."""
    places = clear_in_home(home, 2025, draft=True).clearing.places
    paid: int = sum(places["decided_fen"].to_pylist())
    return paid


def test_an_overdue_list_loses_its_share_in_the_clearing_and_an_exempt_one_does_not(tmp_path: Path) -> None:
    home = home_of(tmp_path, {"overdue.share": 0.5, "overdue.base": "pool"})
    keep(home, *(a_list(name, JUNE, day, accepted=day) for name, day in (("IN", june(12)), ("LATE", june(15)))))
    lines = settle_in_home(home, "2025-06").settlement.lines.to_pylist()
    (payable,) = (line["pool_payable_fen"] for line in lines if line["case_id"] == "LATE")
    assert payable > 0
    assert cleared_fen(home) == (payable + 1) // 2 - payable
    decide(home, "overdue", "LATE", june(20), result="豁免")
    assert cleared_fen(home) == 0
