"""Periods 归期: which month a list belongs to by nature, and in which month it is posted."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tongpin.base.errors import PolicyError
from tongpin.payment.policy.lookup import Lookup

if TYPE_CHECKING:
    from tongpin.payment.policy.lookup import DayColumn, IntColumn
    from tongpin.payment.policy.policy import Policy
    from tongpin.payment.policy.vocabulary import Basis

_COLUMN: dict[Basis, str] = {
    "discharge": "discharge_time",
    "settlement": "settlement_date",
    "accepted": "accepted_date",
}
_LABEL: dict[Basis, str] = {"discharge": "出院时间", "settlement": "结算日期", "accepted": "接收日期"}


def accepted_days(cases: pa.Table) -> DayColumn:
    """The acceptance date of each case; a list without one counts as accepted on its settlement date."""
    return _days(pc.coalesce(cases["accepted_date"], cases["settlement_date"]), cases, "accepted")


def case_days(cases: pa.Table, basis: Basis) -> DayColumn:
    """The date of each case that the policy names (S900-02); `policy.date` when a case lacks it."""
    if basis == "accepted":
        return accepted_days(cases)
    return _days(cases[_COLUMN[basis]], cases, basis)


def _days(column: Any, cases: pa.Table, basis: Basis) -> DayColumn:
    if column.null_count:
        row = pc.index(pc.is_null(column), value=True).as_py()
        raise PolicyError(
            "policy.date",
            f"{column.null_count} 个病例没有{_LABEL[basis]}，例如 {cases['case_id'][row].as_py()}",
            where=_COLUMN[basis],
            hint="补齐日期，或只把已结算的清单交给结算",
        )
    days: DayColumn = pc.cast(column, pa.date32(), safe=False).to_numpy().astype("datetime64[D]")
    return days


def case_day(row: dict[str, Any], basis: Basis) -> date:
    """The date of one case row that the policy names."""
    value = row[_COLUMN[basis]]
    if basis == "accepted" and value is None:
        value = row[_COLUMN["settlement"]]
    day: date = value.date() if hasattr(value, "date") else value
    return day


def natural_months(cases: pa.Table, basis: Basis) -> DayColumn:
    """The month of the date that `period_by` names (TV-P1), as `datetime64[M]`."""
    return case_days(cases, basis).astype("datetime64[M]")


def last_day(month: str) -> date:
    """The last day of a month (`YYYY-MM`)."""
    day: date = ((np.datetime64(month, "M") + 1).astype("datetime64[D]") - 1).item()
    return day


def clearing_years(cases: pa.Table, policy: Policy) -> IntColumn:
    """The clearing year of each case by `year_by` (TV-P2)."""
    return _years(case_days(cases, policy.edition.year_by.value))


def posting_months(cases: pa.Table, policy: Policy) -> DayColumn:
    """The month in which each list is posted, as `datetime64[M]`.

    A list accepted by the cutoff day of the month after its natural month is posted in the natural month; a later
    one in the first month whose cutoff still holds.
    """
    natural = natural_months(cases, policy.edition.period_by.value)
    accepted = accepted_days(cases)
    accepted_month = accepted.astype("datetime64[M]")
    before = np.maximum(accepted_month - 1, natural)
    lookup = Lookup(policy, before.astype("datetime64[D]"), cases["case_id"], {})
    day_of_month = (accepted - accepted_month.astype("datetime64[D]")).astype(np.int64) + 1
    in_time = day_of_month <= lookup.numbers("calendar.month_cutoff_day")
    months: DayColumn = np.maximum(natural, accepted_month - in_time.astype("timedelta64[M]"))
    return months


def beyond_deadline(cases: pa.Table, policy: Policy) -> pa.Array:
    """Which lists were accepted after the last day on which their clearing year takes late lists, as booleans.

    Only a list accepted after its clearing year asks the edition for `calendar.late_list_deadline` (policy choices 10).
    """
    accepted, own_years = accepted_days(cases), clearing_years(cases, policy)
    late = _years(accepted) > own_years
    for year in np.unique(own_years[late]).tolist():
        deadline = policy.value("calendar.late_list_deadline", date(year, 12, 31))
        rows = late & (own_years == year)
        late[rows] = accepted[rows] > np.datetime64(f"{year + 1}-{deadline}")
    return pa.array(late)


def _years(days: DayColumn) -> IntColumn:
    years: IntColumn = days.astype("datetime64[Y]").astype(np.int64) + 1970
    return years


def cutoff_day(month: str, policy: Policy) -> date:
    """The last day on which something accepted or withdrawn still counts for a month (`YYYY-MM`)."""
    start = np.datetime64(month, "M")
    following = (start + 1).astype("datetime64[D]")
    last = (start + 2).astype("datetime64[D]") - 1
    days = policy.value("calendar.month_cutoff_day", start.astype("datetime64[D]").item())
    chosen: date = min(following + (days - 1), last).item()
    return chosen
