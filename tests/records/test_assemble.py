"""What all formats share when texts become cases."""

from __future__ import annotations

import datetime as dt

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from tongpin.records.case.assemble import full_years


@given(st.dates(dt.date(1900, 1, 1), dt.date(2026, 1, 1)), st.integers(0, 40_000))
def test_years_are_completed_on_the_birthday(birth: dt.date, days: int) -> None:
    day = birth + dt.timedelta(days=days)
    expected = day.year - birth.year - ((day.month, day.day) < (birth.month, birth.day))
    found = full_years(pa.array([birth]), pa.array([day]))
    assert found.to_pylist() == [expected]
