"""Repricing 重新定价: the same cases under another edition, as if one day's values held for all of them."""

from __future__ import annotations

import csv
from dataclasses import replace
from datetime import date
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tongpin.base.errors import PolicyError
from tongpin.payment.pricing.price import price

if TYPE_CHECKING:
    import numpy.typing as npt

    from tongpin.payment.policy.lookup import IntColumn
    from tongpin.payment.policy.policy import Policy

    BoolColumn = npt.NDArray[np.bool_]

_AMOUNTS = ("pool_payable_fen", "item_pool_fen")


class Step(NamedTuple):
    """A step from the old edition to the new one: what changes in it, by the beginning of parameter keys."""

    name: str
    label: str
    prefixes: tuple[str, ...]


@cache
def steps() -> tuple[Step, ...]:
    """The steps of a version day in their fixed order (`repricing_steps.csv`); the last takes whatever is left."""
    text = (files("tongpin.payment.weights") / "repricing_steps.csv").read_text(encoding="utf-8")
    return tuple(
        Step(row["step"], row["label"], tuple(row["prefixes"].split())) for row in csv.DictReader(text.splitlines())
    )


def pinned(policy: Policy, on: date) -> Policy:
    """The edition with the values in force on a day held for every day, so that cases of any year can be priced by it.

    A parameter without a value on that day stays without one and is refused when a case needs it (`policy.gap`).
    """
    held = {}
    for key, parameter in policy.edition.parameters.items():
        days = [day for day in parameter.values if day <= on]
        if days:
            held[key] = parameter.model_copy(update={"values": {date.min: parameter.values[max(days)]}})
    return replace(policy, edition=policy.edition.model_copy(update={"parameters": held}))


def between(old: Policy, new: Policy) -> list[tuple[Step, Policy]]:
    """The editions on the way from old to new, one for each step after grouping; the last is the new edition.

    While only grouping has changed, a group that the old weights do not know has its new weight.
    """
    grouping, weight, *others = steps()
    found = [
        (grouping, replace(old, weights=new.weights | old.weights)),
        (weight, replace(old, weights=new.weights)),
    ]
    parameters = dict(old.edition.parameters)
    for step in others[:-1]:
        taken = {key: item for key, item in new.edition.parameters.items() if key.startswith(step.prefixes)}
        parameters = {key: item for key, item in parameters.items() if not key.startswith(step.prefixes)} | taken
        edition = old.edition.model_copy(update={"parameters": dict(parameters)})
        found.append((step, replace(old, edition=edition, weights=new.weights)))
    return [*found, (others[-1], new)]


class Paid(NamedTuple):
    """What each case is paid from the pool and what it would be by item, in fen; 0 outside the settlement."""

    payable: IntColumn
    item_pool: IntColumn
    inside: BoolColumn


def paid(grouped: pa.Table, policy: Policy, institutions: pa.Table) -> Paid:
    """The cases priced by an edition (`price`)."""
    priced = price(grouped, policy, institutions)
    payable, by_item = (pc.fill_null(priced[name], 0).to_numpy().astype(np.int64) for name in _AMOUNTS)
    return Paid(payable, by_item, pc.is_valid(priced["pool_payable_fen"]).to_numpy().astype(bool))


def item_pool(one: Paid, other: Paid) -> IntColumn:
    """The pool by item of each case that either edition settles: both editions are measured against the same amount."""
    either: IntColumn = np.where(one.inside, one.item_pool, other.item_pool)
    return either


def same_cases(before: pa.Table, after: pa.Table) -> None:
    """PolicyError `weights.cases` unless both tables hold the same cases in the same order."""
    if not before["case_id"].equals(after["case_id"]):
        raise PolicyError("weights.cases", "新旧两次分组的病例不一致", hint="用同一张病例表分组两次")
