"""Difference 版本对比: two editions side by side, parameter by parameter, in the words of a clerk."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tongpin.payment.policy.prose import sections, whole_lines

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    from tongpin.payment.policy.policy import Policy
    from tongpin.payment.policy.prose import Line

KINDS: dict[str, str] = {"added": "新增", "removed": "取消", "changed": "改动"}
WHOLE = "总则"


class Difference(NamedTuple):
    """A parameter that two editions say otherwise: its family, what each says, and on what authority."""

    kind: str
    family: str
    key: str
    label: str
    before: tuple[Line, ...]
    after: tuple[Line, ...]


def differences(old: Policy, new: Policy, on: date | None = None) -> tuple[Difference, ...]:
    """Every parameter whose values or days differ, family by family; with `on` only what is in force on that day.

    A value that is the same is no difference, even where another document or assumption is behind it.
    """
    before, after = _lines(old, on), _lines(new, on)
    found = []
    for place in dict.fromkeys([*before, *after]):
        one, other = before.get(place, ()), after.get(place, ())
        if _said(one) == _said(other):
            continue
        kind = "added" if not one else "removed" if not other else "changed"
        family, key = place
        found.append(Difference(kind, family, key, (other or one)[0].label, one, other))
    order = {family: place for place, family in enumerate(dict.fromkeys(family for family, _ in before | after))}
    return tuple(sorted(found, key=lambda one: order[one.family]))


def _lines(policy: Policy, on: date | None) -> dict[tuple[str, str], tuple[Line, ...]]:
    found: dict[tuple[str, str], tuple[Line, ...]] = {(WHOLE, line.key): (line,) for line in whole_lines(policy)}
    for section in sections(policy, on):
        family = f"{section.family.number}. {section.family.label}"
        for line in section.lines:
            found[family, line.key] = (*found.get((family, line.key), ()), line)
    return found


def _said(lines: Iterable[Line]) -> list[tuple[str, str]]:
    return [(line.since, line.words) for line in lines]
