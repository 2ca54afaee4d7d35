"""Cases of months 历史病例: settled lists grouped by the scheme of an edition, for scenarios and drafts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from tongpin.grouping.compiled.stage import group
from tongpin.grouping.library import open_scheme
from tongpin.payment.policy.period import natural_months
from tongpin.payment.weights.history import cases_of_months

if TYPE_CHECKING:
    from tongpin.payment.policy.policy import Policy
    from tongpin.store.home import Home


def two_groupings(home: Home, first: str, last: str, old: Policy, new: Policy) -> tuple[pa.Table, pa.Table]:
    """The lists of some months grouped by the scheme of each edition; one table twice where the scheme is the same."""
    cases = cases_of_months(home, first, last, old)
    before = grouped(home, cases, old)
    return before, before if new.scheme_id == old.scheme_id else grouped(home, cases, new)


def grouped(home: Home, cases: pa.Table, policy: Policy) -> pa.Table:
    """Cases grouped by the scheme of an edition, the group as plain text."""
    found = group(cases, open_scheme(home, policy.scheme_id))
    place = found.column_names.index("drg")
    return found.set_column(place, "drg", pc.cast(found["drg"], pa.string()))


def months_of(cases: pa.Table, policy: Policy) -> pa.Array:
    """The month (`YYYY-MM`) that each case belongs to."""
    return pa.array(natural_months(cases, policy.edition.period_by.value).astype(str), pa.string())
