"""The history of a group 病组权重沿革: its weight in every edition and every round of a home (S905-01)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tongpin.base.errors import PolicyError
from tongpin.payment.policy.library import policy_folders, policy_named
from tongpin.payment.weights.rounds import round_or_edition, rounds

if TYPE_CHECKING:
    from datetime import date

    from tongpin.payment.policy.policy import Policy
    from tongpin.store.home import Home


class HeldWeight(NamedTuple):
    """The weight of a group in an edition or a round, in ten-thousandths; None where it has none."""

    name: str
    label: str
    since: date
    is_draft: bool
    weight_e4: int | None
    basic_group: bool


def group_history(home: Home, drg: str) -> list[HeldWeight]:
    """The weight of a group in every edition that pays by weights, then in every round; each in order of time.

    PolicyError `weights.group` when none of them knows the group.
    """
    editions = [policy_named(home, name) for name in policy_folders(home)]
    editions.sort(key=lambda policy: (policy.begins, policy.id))
    found = [_held(policy.id, policy, policy.begins, drg) for policy in editions if policy.weights]
    found += [_held(row["round"], round_or_edition(home, row["round"]), row["opened_on"], drg) for row in rounds(home)]
    if all(one.weight_e4 is None for one in found):
        raise PolicyError("weights.group", f"各版权重表都没有病组 {drg}", hint="检查病组编码")
    return found


def _held(name: str, policy: Policy, since: date, drg: str) -> HeldWeight:
    weight = policy.weights.get(drg)
    return HeldWeight(
        name,
        policy.edition.label,
        since,
        policy.edition.draft,
        None if weight is None else weight.weight_e4,
        weight is not None and weight.basic_group,
    )
