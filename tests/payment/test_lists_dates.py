"""The eight dates of a list and the bridge from discharge to transfer (S900-02, S901-09)."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lists_cases import AREA, H1, a_list, home_of, keep, put

from tongpin.payment.lists.dates import (
    BY_BANK,
    BY_RESULT,
    BY_STATEMENT,
    DATES_SCHEMA,
    STAGES,
    bridge,
    bridge_of,
    dates_words,
    eight_dates,
    paths_in_home,
)
from tongpin.payment.month.run import settle_in_home

if TYPE_CHECKING:
    from pathlib import Path

    from tongpin.store.home import Home


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = home_of(tmp_path)
    keep(
        home,
        a_list("A", date(2025, 5, 30), date(2025, 6, 4), accepted=date(2025, 6, 5), settlement_date=date(2025, 6, 2)),
        a_list("N", date(2025, 6, 28), None),
    )
    settle_in_home(home, "2025-06")
    return home


def dates(home: Home, case_id: str) -> dict[str, Any]:
    (row,) = eight_dates(home, AREA, case_id).to_pylist()
    return row


def pay(home: Home, day: date, **more: Any) -> None:
    line = {
        "book": "bank",
        "line_no": str(day),
        "booked_date": day,
        "institution_code": H1,
        "fund": "310100",
        "month": "2025-06",
        "amount_fen": 100_000,
        "purpose": "拨付",
    }
    put(home, "bank_line", "bank-line", line | more)


def test_all_eight_dates_are_kept(home: Home) -> None:
    pay(home, date(2025, 7, 20))
    row = dates(home, "A")
    assert (row["admission_date"], row["discharge_date"]) == (date(2025, 5, 22), date(2025, 5, 30))
    assert (row["settlement_date"], row["upload_date"]) == (date(2025, 6, 2), date(2025, 6, 4))
    assert (row["accepted_date"], row["filing_month"]) == (date(2025, 6, 5), "2025-06")
    assert (row["transfer_date"], row["transfer_known_by"]) == (date(2025, 7, 20), BY_BANK)
    assert row["clearing_year"] == 2025
    assert dates_words(row) == (
        "入院 2025-05-22；出院 2025-05-30；结算 2025-06-02；上传 2025-06-04；接收 2025-06-05；申报月份 2025-06；"
        "拨付 2025-07-20（银行到账）；清算年度 2025"
    )


def test_without_a_bank_line_only_the_month_of_the_statement_is_known(home: Home) -> None:
    for more in ({"purpose": "预付"}, {"book": "fund"}, {"fund": "390100"}, {"month": "2025-05"}, {"amount_fen": -5}):
        pay(home, date(2025, 7, 20), line_no=str(more), **more)
    row = dates(home, "A")
    assert (row["transfer_date"], row["transfer_known_by"], row["period"]) == (None, BY_STATEMENT, "2025-06")
    assert "拨付 —（所属月结 2025-06）" in dates_words(row)


def test_what_a_result_says_comes_first(home: Home) -> None:
    more = {"filing_month": "2025-08", "transfer_date": date(2025, 9, 1), "clearing_year": 2026}
    keep(home, a_list("R", date(2025, 6, 3), date(2025, 6, 4), **more))
    row = dates(home, "R")
    assert {name: row[name] for name in more} == more
    assert row["transfer_known_by"] == BY_RESULT


def test_a_list_that_has_not_come_far_has_few_dates(home: Home) -> None:
    keep(home, a_list("Y", date(2026, 1, 3), None))
    row = dates(home, "Y")
    assert (row["upload_date"], row["accepted_date"], row["filing_month"], row["period"]) == (None, None, None, None)
    assert (row["transfer_known_by"], row["clearing_year"]) == (None, 2026)
    assert "上传 —" in dates_words(row)


def test_lists_of_one_stay_paid_together_have_the_same_month(tmp_path: Path) -> None:
    home = home_of(tmp_path)
    day = date(2025, 6, 5)
    for name, discharge in (("S1", date(2025, 5, 31)), ("S2", date(2025, 6, 5))):
        keep(home, a_list(name, discharge, day, accepted=day, mdtrt_id="M", settlement_date=discharge))
    lines = settle_in_home(home, "2025-06").settlement.lines.to_pylist()
    assert [line["merged_case_ids"] for line in lines] == [["S1", "S2"]]
    first, last = dates(home, "S1"), dates(home, "S2")
    assert (first["period"], last["period"]) == ("2025-06", "2025-06")
    assert (first["pool_payable_fen"], last["pool_payable_fen"]) == (None, lines[0]["pool_payable_fen"])


def test_the_bridge_of_a_home(home: Home) -> None:
    pay(home, date(2025, 7, 20))
    found = {
        (row["discharge_month"], row["stage"]): (row["stage_month"], row["count"])
        for row in bridge_of(paths_in_home(home, AREA)).to_pylist()
        if row["discharge_month"] == "2025-05"
    }
    assert found == {
        ("2025-05", "discharged"): ("2025-05", 1),
        ("2025-05", "settled"): ("2025-06", 1),
        ("2025-05", "uploaded"): ("2025-06", 1),
        ("2025-05", "grouped"): ("2025-06", 1),
        ("2025-05", "paid"): ("2025-07", 1),
    }


SOME_DAY = st.none() | st.integers(0, 90).map(lambda n: date(2025, 5, 1) + timedelta(days=n))
SOME_ROW = st.fixed_dictionaries(
    {
        **dict.fromkeys(("discharge_date", "settlement_date", "upload_date", "transfer_date"), SOME_DAY),
        "period": st.sampled_from([None, "2025-05", "2025-06"]),
        "total_fee_fen": st.integers(0, 10**8),
        "pool_payable_fen": st.integers(-(10**6), 10**8),
    }
)


@given(st.lists(SOME_ROW, max_size=20))
def test_every_stage_of_the_bridge_has_all_lists_and_all_fees(rows: list[dict[str, Any]]) -> None:
    found = bridge(pa.Table.from_pylist(rows, schema=DATES_SCHEMA)).to_pylist()
    months = {row["discharge_month"] for row in found}
    for month in months:
        sums = {
            tuple(
                sum(row[name] for row in found if (row["discharge_month"], row["stage"]) == (month, stage))
                for name in ("count", "total_fee_fen", "pool_payable_fen")
            )
            for stage in STAGES
        }
        assert len(sums) == 1
    assert sum(row["count"] for row in found) == len(rows) * len(STAGES)
