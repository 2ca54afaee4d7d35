"""Rates of lists, patients from elsewhere, and intervals of counts: each by hand (S901-02)."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pytest

from tongpin.measures.catalogue import load_measures
from tongpin.measures.compute import compute
from tongpin.measures.engine import sum_facts
from tongpin.measures.intervals import counted_interval, wilson
from tongpin.measures.list_rates import list_facts
from tongpin.payment.lists.clocks import DAYS
from tongpin.records.intake.states import ACCEPTED, DRAFT

MONTH = "2025-06"


def units(*rows: tuple[str, int, int]) -> pa.Table:
    """Lists of one hospital: state, days beyond the limit of the upload, how often it came back."""
    columns: dict[str, Any] = {
        "institution_code": ["H1"] * len(rows),
        "month": [MONTH] * len(rows),
        "source": ["settlement_list"] * len(rows),
        "state": [state for state, _, _ in rows],
        "upload_over_days": [over for _, over, _ in rows],
        "returned_count": [back for _, _, back in rows],
        "resubmission_over_days": [0] * len(rows),
        "late": [False] * len(rows),
    }
    return pa.table(columns)


def editions(*, stated: bool) -> Any:
    parameters = {DAYS: SimpleNamespace(by=())} if stated else {}
    return SimpleNamespace(of=lambda _month: SimpleNamespace(edition=SimpleNamespace(parameters=parameters)))


LISTS = units((ACCEPTED, 0, 0), (ACCEPTED, 0, 1), (ACCEPTED, 3, 2), (DRAFT, 5, 0), (DRAFT, 0, 0))
"""Three were sent, one of them late; one is overdue and not sent; one may still be sent in time."""


def rates(tables: list[pa.Table]) -> dict[str, float | None]:
    facts = {name: sum(table[name][0].as_py() for table in tables if name in table.column_names) for name in _FACTS}
    table = pa.table({name: [value] for name, value in facts.items()})
    measures = [load_measures()[name] for name in ("lists.on_time", "lists.returned")]
    (row,) = compute(table, measures).to_pylist()
    return {one.id: row[one.id] for one in measures}


_FACTS = ("list_sent_count", "list_returned_count", "list_on_time_count", "list_due_count")


def test_in_time_counts_what_was_due_alone() -> None:
    found = rates(list_facts(LISTS, editions(stated=True), [MONTH]))
    # In time 2 of 4 due (three sent, one overdue); what may still be sent counts nowhere. Two of three came back.
    assert found == {"lists.on_time": 0.5, "lists.returned": pytest.approx(2 / 3)}


def test_without_a_limit_nothing_is_in_time() -> None:
    tables = list_facts(LISTS, editions(stated=False), [MONTH])
    assert all("list_on_time_count" not in one.column_names for one in tables)
    assert rates(tables)["lists.on_time"] is None
    assert list_facts(LISTS, editions(stated=True), ["2025-05"]) == []


def test_a_rate_of_counts_has_an_interval_that_holds_it() -> None:
    on_time = load_measures()["lists.on_time"]
    told = counted_interval(on_time, {"list_on_time_count": 40, "list_due_count": 40})
    assert told["n"] == 40
    # Wilson for 40 of 40: n ÷ (n + z²) = 40 ÷ 43.84 up to exactly 1.
    assert told["low"] == pytest.approx(40 / (40 + 1.959964**2), abs=1e-6)
    assert told["high"] == 1.0
    assert counted_interval(on_time, {"list_on_time_count": 0, "list_due_count": 0}) == {}
    assert counted_interval(load_measures()["discharge.cmi"], {}) == {}


@pytest.mark.parametrize("of", [1, 3, 37, 476, 1189, 25_275])
def test_rounding_leaves_no_rate_outside_its_interval(of: int) -> None:
    for hits in (0, of):
        low, high = wilson(float(hits), float(of))
        assert low <= hits / of <= high


def test_patients_from_elsewhere_are_insured_in_another_city() -> None:
    cases = pa.table(
        {
            "region": ["320502", "320502", "320502", "", "320502"],
            "insured_region": ["320505", "320102", None, "320102", "310115"],
        }
    )
    sums = sum_facts(cases, [], only=["elsewhere_count", "insured_known_count"])
    # Another district of the same city is no elsewhere; where one of the two is unknown, the list counts nowhere.
    (row,) = compute(sums, [load_measures()["settlement.elsewhere_share"]]).to_pylist()
    assert row["settlement.elsewhere_share"] == pytest.approx(2 / 3)
