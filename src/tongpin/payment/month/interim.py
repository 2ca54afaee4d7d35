"""Interim bills 中途结算: the lists of one stay made into what the policy pays, also when some were paid before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tongpin.base.errors import PolicyError
from tongpin.payment.month.posting import (
    REVERSAL,
    SEPARATOR,
    WITHDRAWAL_SCHEMA,
    effective_withdrawals,
    is_among,
    list_keys,
)
from tongpin.payment.policy.period import clearing_years, last_day, posting_months
from tongpin.records.views.stay_lists import BED_DAY, MERGED, join_stays, sharing

if TYPE_CHECKING:
    from datetime import date

    from tongpin.payment.policy.policy import Policy


class Joined(NamedTuple):
    """Lists as the policy pays them, the withdrawals with those of bills that were paid alone before, and notes."""

    lists: pa.Table
    withdrawals: pa.Table
    notes: tuple[str, ...] = ()


def join_interim_bills(lists: pa.Table, posted: pa.Table, withdrawals: pa.Table, month: str, policy: Policy) -> Joined:
    """The lists of `month` and before with interim bills joined by `scope.interim_bills` (practice §2).

    A merged case that holds bills posted before is posted under the id of its last unposted list; what was posted is
    withdrawn in the month that posts it (a red line, and the merged case as the blue one). A stay whose lists are all
    posted is left as it was posted. Withdrawn lists join nothing. A stay with bills of two clearing years is one case
    or one a year, as `scope.stays_across_years` says. `policy.gap` when the edition leaves the way open.
    """
    on = last_day(month)
    how = policy.value("scope.interim_bills", on)
    if how == BED_DAY and all(leaf.get("care_type") != BED_DAY for leaf in policy.leaves("scope.care_type", on)):
        raise PolicyError(
            "policy.gap",
            "中途结算按床日处理，但就医类别的付费范围没有写 bed_day",
            where=f"{policy.file} parameters.scope.care_type",
            hint="在 scope.care_type 下补上 bed_day，例如 bed_day: BY_ITEM",
        )
    if how != "merge":
        return Joined(join_stays(lists, how), withdrawals)
    return _merged(lists, posted, withdrawals, month, policy)


def _years(lists: pa.Table, apart: Any, policy: Policy, on: date) -> Any | None:
    """The clearing year of each list where stays are parted by it (S915-02); asked only when a stay crosses years."""
    stay = sharing(lists, apart=apart)
    rows = np.flatnonzero(stay >= 0)
    if not len(rows):
        return None
    years = np.zeros(len(stay), np.int64)
    years[rows] = clearing_years(lists.take(pa.array(rows)), policy)
    pairs = np.unique(np.stack([stay[rows], years[rows]]), axis=1)
    crosses = len(np.unique(pairs[0])) < pairs.shape[1]
    return years if crosses and policy.value("scope.stays_across_years", on) == "by_year" else None


def _merged(lists: pa.Table, posted: pa.Table, withdrawals: pa.Table, month: str, policy: Policy) -> Joined:
    posted_keys = list_keys(posted, "case_id")
    effective = effective_withdrawals(month, withdrawals, posted_keys, policy)
    withdrawn = list_keys(withdrawals.filter(effective), "setl_id")
    awaited = list_keys(withdrawals.filter(pc.invert(effective)), "successor_setl_id")
    keys = list_keys(lists, "case_id")
    apart = pc.or_(is_among(keys, withdrawn), is_among(keys, awaited))

    is_red = pc.equal(posted["line_kind"], REVERSAL)
    gone = _chained(posted_keys.filter(is_red), withdrawn)
    standing = posted.filter(pc.and_(pc.invert(is_red), pc.invert(is_among(posted_keys, gone))))
    ever = _chained(posted_keys, _members(posted).keys)

    years = _years(lists, apart, policy, last_day(month))
    joined = join_stays(lists, "merge", apart=apart, years=years)
    stays = _Stays(joined, standing, ever)
    if stays.settled.any():
        # All their lists are posted, not together: closed months are not joined afterwards.
        left = is_among(keys, stays.members.keys.filter(pa.array(stays.settled[stays.members.rows])))
        joined = join_stays(lists, "merge", apart=pc.or_(apart, left), years=years)
        stays = _Stays(joined, standing, ever)
    joined = stays.named(joined)
    paid_with_others = pc.sum(is_among(_members(standing).keys, withdrawn)).as_py() or 0
    note = f"{paid_with_others} 份已并入他份入账的清单后来撤销，已入账的不动；更正请连同入账的那一份一起撤销重传"
    made = pa.concat_tables([withdrawals, stays.withdrawals(joined, policy)]).combine_chunks()
    return Joined(joined, made, (note,) if paid_with_others else ())


class _Members(NamedTuple):
    """Lists that stand behind rows of a table: the row of each, and its key."""

    rows: Any
    keys: Any


def _members(table: pa.Table) -> _Members:
    """The lists merged into the rows of a table; a row that was not merged has none."""
    lists = _chained(table[MERGED])
    parents = pc.list_parent_indices(lists)
    institutions = pc.cast(_chained(table["institution_code"]), pa.string()).take(parents)
    return _Members(parents.to_numpy(), pc.binary_join_element_wise(institutions, pc.list_flatten(lists), SEPARATOR))


class _Stays:
    """The merged cases of a table against what was posted: which id each takes, and what it replaces."""

    def __init__(self, joined: pa.Table, standing: pa.Table, ever: Any) -> None:
        size = joined.num_rows
        self.members = _members(joined)
        rows = self.members.rows
        fresh = ~_mask(is_among(self.members.keys, ever))
        has_fresh = np.bincount(rows[fresh], minlength=size) > 0
        is_merged = np.bincount(rows, minlength=size) > 0
        self._standing = standing
        as_posted = pc.index_in(_together(joined), value_set=_together(standing), skip_nulls=True)
        self._as_posted = pc.fill_null(as_posted, -1).to_numpy(zero_copy_only=False)
        self.settled = is_merged & ~has_fresh & (self._as_posted < 0)
        self._new = is_merged & has_fresh
        # Of a stay the last list that was never posted; later entries overwrite earlier ones.
        self._fresh_of = np.full(size, -1)
        self._fresh_of[rows[fresh]] = np.flatnonzero(fresh)

    def named(self, joined: pa.Table) -> pa.Table:
        """The table with the id under which each merged case is, or was, posted."""
        ids = pc.list_flatten(_chained(joined[MERGED]))
        fresh = ids.take(pa.array(self._fresh_of, mask=~self._new))
        before = self._standing["case_id"].take(pa.array(self._as_posted, mask=self._as_posted < 0))
        chosen = pc.coalesce(before, fresh, joined["case_id"])
        return joined.set_column(joined.column_names.index("case_id"), "case_id", chosen)

    def withdrawals(self, joined: pa.Table, policy: Policy) -> pa.Table:
        """A withdrawal of every standing line whose lists a new merged case holds, in the month that posts the case."""
        alone = list_keys(self._standing, "case_id")
        together = _members(self._standing)
        rows = np.concatenate([np.arange(len(alone)), together.rows])
        keys = _chained(alone, together.keys)
        place = pc.fill_null(pc.index_in(keys, value_set=self.members.keys), -1).to_numpy(zero_copy_only=False)
        stay = np.where(place >= 0, self.members.rows[place] if len(self.members.rows) else -1, -1)
        hit = stay >= 0
        hit[hit] = self._new[stay[hit]]
        line, first = np.unique(rows[hit], return_index=True)
        replaced, case = self._standing.take(pa.array(line)), joined.take(pa.array(stay[hit][first]))
        days = posting_months(case, policy).astype("datetime64[D]")
        columns = [replaced["institution_code"], replaced["case_id"], pa.array(days), case["case_id"]]
        return pa.table(columns, schema=WITHDRAWAL_SCHEMA)


def _together(table: pa.Table) -> Any:
    """Institution and all ids of a merged case as one text, null for others."""
    ids = pc.binary_join(table[MERGED], SEPARATOR)
    return pc.binary_join_element_wise(pc.cast(table["institution_code"], pa.string()), ids, SEPARATOR)


def _chained(*columns: Any) -> Any:
    """Columns one after another in one piece."""
    chunks = [chunk for one in columns for chunk in (one.chunks if isinstance(one, pa.ChunkedArray) else [one])]
    return pa.concat_arrays(chunks) if chunks else pa.array([], columns[0].type)


def _mask(values: Any) -> Any:
    return np.asarray(values.to_numpy(zero_copy_only=False), dtype=bool)
