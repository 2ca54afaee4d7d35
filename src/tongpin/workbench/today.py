"""Today 今天: the day on which acts are dated; beside the demonstration city a day within its own calendar."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from tongpin.payment.month.closed import every_run
from tongpin.payment.prepay.account import month_after

if TYPE_CHECKING:
    from tongpin.store.home import Home

_DEMO_DAY = 5


def today(home: Home) -> date:
    """The day of this host; on a home with the demonstration city the 5th after its last closed month, as pages say.

    A demonstration whose every deadline passed years ago would show nothing of deadlines.
    """
    if home.demo_city.exists() and (runs := every_run(home)):
        return date.fromisoformat(f"{month_after(max(one['month'] for one in runs.values()), 1)}-{_DEMO_DAY:02d}")
    return date.today()  # noqa: DTZ011  # deadlines are days of this place
