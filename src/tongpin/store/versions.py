"""Versions 版本: which row of a key is in force, and which rows that come say something new."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tongpin.store.digests import as_numbers

if TYPE_CHECKING:
    from collections.abc import Sequence

NEW, CHANGED, OLDER, UNCHANGED = range(4)
NO_RANK = int(np.iinfo(np.int64).min)
"""The rank of a row that does not say when it is from; below every other."""
"""The rank of a row that does not say when it is from; below every other."""


class Upserted(NamedTuple):
    """What an upsert did: rows new, changed (a newer version), unchanged (left alone), older (kept as history)."""

    new: int
    changed: int
    unchanged: int
    older: int = 0


class Rows(NamedTuple):
    """What decides about rows: key texts, digests (binary), and a rank within the key (int64)."""

    keys: Any
    digests: Any
    ranks: Any

    def __len__(self) -> int:
        """Number of rows."""
        return len(self.keys)

    def where(self, mask: Any) -> Rows:
        """The rows of a mask."""
        if mask.all():
            return self
        chosen = pa.array(mask)
        return Rows(self.keys.filter(chosen), self.digests.filter(chosen), self.ranks[mask])


def no_rows() -> Rows:
    """Nothing."""
    return Rows(pa.array([], pa.string()), pa.array([], pa.binary()), np.zeros(0, np.int64))


def joined(parts: Sequence[Rows]) -> Rows:
    """Rows one after another."""
    parts = [no_rows(), *parts]
    keys = pa.concat_arrays([part.keys.cast(pa.string()) for part in parts])
    digests = pa.concat_arrays([part.digests.cast(pa.binary()) for part in parts])
    return Rows(keys, digests, np.concatenate([part.ranks for part in parts]))


def ranks_of(table: pa.Table, order: str | None) -> Any:
    """The rank of each row within its key by the column `order` (a time, a date or a number); missing is lowest."""
    if order is None:
        return np.full(table.num_rows, NO_RANK)
    column = table.column(order)
    if pa.types.is_date(column.type):
        column = column.cast(pa.int32())
    return pc.fill_null(column.cast(pa.int64()), NO_RANK).to_numpy().astype(np.int64)


def key_codes(keys: Any) -> Any:
    """A number for every key text."""
    whole = pa.chunked_array([keys]) if isinstance(keys, pa.Array) else keys
    return np.asarray(whole.dictionary_encode().combine_chunks().indices)


def in_force(codes: Any, ranks: Any, versions: Any) -> Any:
    """The mask of the row in force of each key: the highest by rank, then by version, then by place.

    Two loads at the same moment may both write a key under the same version; then the later row of the two counts, so
    that a key never stands twice.
    """
    order = np.lexsort((versions, ranks, codes))
    last = np.append(codes[order][1:] != codes[order][:-1], True) if len(order) else np.array([], bool)
    mask = np.zeros(len(order), bool)
    mask[order[last]] = True
    return mask


def judge(coming: Rows, stored: Rows, versions: Any) -> Any:
    """NEW, CHANGED, OLDER or UNCHANGED for each row that comes; `versions` are those of the stored rows.

    A row is unchanged when it equals the row in force of its key, or is older than that and stored already; older
    when it ranks below the row in force. Of several rows of a new key the lowest is the new one.
    """
    both = key_codes(pa.chunked_array([stored.keys.cast(pa.string()), coming.keys.cast(pa.string())]))
    stored_codes, codes = both[: len(stored)], both[len(stored) :]
    best = np.full(both.max(initial=-1) + 1, -1)
    valid = np.flatnonzero(in_force(stored_codes, stored.ranks, versions))
    best[stored_codes[valid]] = valid
    found = best[codes]
    known = found >= 0
    verdict = np.full(len(codes), CHANGED, np.int8)
    lowest = np.lexsort((coming.ranks, codes))
    first = np.append(True, codes[lowest][1:] != codes[lowest][:-1]) if len(codes) else np.array([], bool)
    verdict[lowest[first]] = NEW
    verdict[known] = CHANGED
    if known.any():
        mine, theirs = as_numbers(coming.digests), as_numbers(stored.digests)
        older = known.copy()
        older[known] = coming.ranks[known] < stored.ranks[found[known]]
        verdict[older] = OLDER
        same = known.copy()
        same[known] = (mine[known] == theirs[found[known]]).all(axis=1)
        verdict[same] = UNCHANGED
        late = np.flatnonzero(older & ~same)
        history = {
            (int(stored_codes[place]), *theirs[place].tolist())
            for place in np.flatnonzero(np.isin(stored_codes, codes[late]))
        }
        for place in late:
            if (int(codes[place]), *mine[place].tolist()) in history:
                verdict[place] = UNCHANGED
    return verdict


def counted(verdict: Any) -> Upserted:
    """How many rows of each verdict."""
    counts = np.bincount(verdict, minlength=4)
    return Upserted(*(int(counts[one]) for one in (NEW, CHANGED, UNCHANGED, OLDER)))
