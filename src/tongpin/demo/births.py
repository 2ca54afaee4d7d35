"""Births 母婴: the weights of the newborn on the mother's list, twins, and newborns who are admitted themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from tongpin.demo.groups import Array
    from tongpin.demo.setting import Setting

STEP_G = 10


def with_births(setting: Setting, rng: np.random.Generator, core: pa.Table) -> tuple[pa.Table, dict[str, Any]]:
    """The stays with birth weights on the mothers' lists, and `birth_weights, admission_weights, mother_id`.

    A mother's list names the weight of each child. A newborn has a list of its own only when it was admitted; where its
    mother lay in the same hospital on the day of birth, hers names the same weight. S915-03.
    """
    plan, size = setting.profile.births, core.num_rows
    drg = core["planned_drg"].to_numpy(zero_copy_only=False).astype(str)
    mother = np.any([np.char.startswith(drg, prefix) for prefix in plan.delivery_groups.value], axis=0)
    own = np.asarray(pc.fill_null(core["birth_weight"].combine_chunks(), 0)).astype(np.int64)
    newborn = np.asarray(pc.equal(core["age"], 0)) & (own > 0)
    first = np.where(mother, _weights(setting, rng, size), own)
    child_of = _children(core, np.flatnonzero(mother), np.flatnonzero(newborn))
    for child, parent in child_of.items():
        first[parent] = own[child]
    twins = mother & (rng.random(size) < plan.twin_share.value)
    low, high = plan.twin_weight_g.value
    pair = rng.integers(low, high + 1, (size, 2)) // STEP_G * STEP_G
    given_child = np.isin(np.arange(size), list(child_of.values()))
    first = np.where(twins & ~given_child, pair[:, 0], first)
    counts = (mother | newborn).astype(np.int64) + twins
    weights = np.column_stack([first, pair[:, 1]])[np.arange(2) < counts[:, None]]
    lost = rng.uniform(0.97, 1.0, size)
    admitted = (own * lost // STEP_G * STEP_G).astype(np.int64)
    column = pa.array(first, mask=~(mother | newborn)).cast(core.schema.field("birth_weight").type)
    core = core.set_column(core.schema.get_field_index("birth_weight"), core.schema.field("birth_weight"), column)
    return core, {
        "birth_weights": _lists(counts, weights),
        "mother_id": core["case_id"]
        .combine_chunks()
        .take(pa.array([child_of.get(row) for row in range(size)], pa.int64())),
        "admission_weights": _lists(newborn.astype(np.int64), admitted[newborn]),
    }


def _weights(setting: Setting, rng: np.random.Generator, size: int) -> Array:
    stay = setting.profile.stay
    low, high = stay.birth_weight_range_g.value
    drawn = rng.normal(stay.birth_weight_mean_g.value, stay.birth_weight_sd_g.value, size)
    grams: Array = np.clip(drawn, low, high).astype(np.int64) // STEP_G * STEP_G
    return grams


def _lists(counts: Array, values: Array) -> pa.ListArray:
    """Lists of whole numbers, null where a row has none."""
    offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)
    lists = pa.ListArray.from_arrays(pa.array(offsets), pa.array(values, pa.int32()))
    return pc.if_else(pa.array(counts > 0), lists, pa.scalar(None, lists.type))


def _children(core: pa.Table, mothers: Array, newborns: Array) -> dict[int, int]:
    """Newborn row → the row of a mother who lay in the hospital on the day of its birth; each mother at most once."""
    born = core["birth_date"].to_numpy()
    came, left = (core[name].to_numpy().astype("datetime64[D]") for name in ("admission_time", "discharge_time"))
    free = list(mothers)
    found: dict[int, int] = {}
    for child in newborns.tolist():
        there = next((one for one in free if came[one] <= born[child] <= left[one]), None)
        if there is not None:
            free.remove(there)
            found[child] = int(there)
    return found
