"""Prose 释文: an edition family by family, as a clerk reads it: value, date, source, and what is left open."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

from tongpin.payment.policy.edition import ANY
from tongpin.payment.policy.vocabulary import BASIS_LABELS, DIMENSIONS, FAMILIES, KNOWN
from tongpin.report.words import yuan_text

if TYPE_CHECKING:
    from datetime import date

    from tongpin.payment.policy.edition import Choice, Parameter, Reference, Weights
    from tongpin.payment.policy.policy import Policy
    from tongpin.payment.policy.vocabulary import Family, Known

FUND_LABEL, FUND_OF_INSURANCE = "fund.label", "fund.of_insurance"
ASSUMED = "模拟"
"""What stands where no document confirms a value."""


class Line(NamedTuple):
    """One value of an edition in words: since when, what, on what authority."""

    key: str
    label: str
    since: str
    words: str
    source: str
    note: str


class Section(NamedTuple):
    """A family of choices: what the edition says, and which parameters it leaves open (key → label)."""

    family: Family
    lines: tuple[Line, ...]
    open_keys: dict[str, str]


def whole_lines(policy: Policy) -> tuple[Line, ...]:
    """The choices of the edition as a whole: scheme, weights, and which date of a case decides what."""
    edition = policy.edition
    days = {
        name: BASIS_LABELS[choice.value]
        for name, choice in (
            ("edition_by", edition.edition_by),
            ("period_by", edition.period_by),
            ("year_by", edition.year_by),
        )
    }
    choices: dict[str, tuple[Choice | Weights, str]] = {
        "scheme": (edition.scheme, edition.scheme.value),
        **{name: (getattr(edition, name), words) for name, words in days.items()},
    }
    if edition.weights is not None:
        choices["weights"] = (edition.weights, f"{edition.weights.file}，{len(policy.weights)} 组")
    return tuple(
        Line(key, item.label, "", words, _source(item.reference, assumed=item.assumed), item.note)
        for key, (item, words) in choices.items()
    )


def sections(policy: Policy, on: date | None = None) -> tuple[Section, ...]:
    """The edition by the families of choices; with `on` only what is in force on that day."""
    return tuple(
        Section(
            family,
            tuple(line for key in keys if key in policy.edition.parameters for line in _lines(policy, key, on)),
            {key: KNOWN[key].label for key in keys if key not in policy.edition.parameters},
        )
        for family in FAMILIES.values()
        for keys in [[key for key, known in KNOWN.items() if known.family == family.number]]
    )


def line_of(policy: Policy, key: str, on: date) -> Line:
    """The value of a parameter in force on a day, in words; `policy.gap` where the edition leaves it open."""
    policy.in_force_since(key, on)
    (line,) = _lines(policy, key, on)
    return line


def _lines(policy: Policy, key: str, on: date | None) -> list[Line]:
    parameter = policy.edition.parameters[key]
    begun = [day for day in parameter.values if on is None or day <= on]
    days = begun if on is None else begun[-1:]
    if not days:
        return [Line(key, parameter.label, "", f"{on} 还没有取值", "", parameter.note)]
    return [
        Line(
            key,
            parameter.label,
            day.isoformat(),
            _tree_words(policy, KNOWN[key], parameter.by, parameter.values[day]),
            _source(parameter.reference.get(day), assumed=parameter.assumed, parameter=parameter),
            parameter.note,
        )
        for day in days
    ]


def _source(reference: Reference | None, *, assumed: bool, parameter: Parameter | None = None) -> str:
    """The authority of a value; 模拟 where the edition marks it as assumed, with what it leans on if it says so."""
    named = f"{reference.title}{f'，{reference.clause}' if reference.clause else ''}" if reference else ""
    if assumed:
        return f"{ASSUMED}（参照{named}）" if named else ASSUMED
    checked = f"（{parameter.checked_on} 核对）" if parameter is not None and parameter.checked_on else ""
    return f"依据：{named}{checked}" if named else "未注明依据"


def _tree_words(policy: Policy, known: Known, by: tuple[str, ...], tree: Any) -> str:
    if not by:
        return _value_name(policy, "fund", tree) if known.key == FUND_OF_INSURANCE else leaf_words(known, tree)
    parts = []
    for name, branch in sorted(tree.items(), key=lambda pair: pair[0] == ANY):
        words = _tree_words(policy, known, by[1:], branch)
        named = name if known.key == FUND_LABEL else _value_name(policy, by[0], name)
        parts.append(f"{named}{f'（{words}）' if by[1:] else f' {words}'}")
    return "；".join(parts) if by[1:] else "、".join(parts)


def _value_name(policy: Policy, dimension: str, name: str) -> str:
    if name == ANY:
        return f"其余{DIMENSIONS[dimension].label}"
    if dimension == "fund" and (labels := policy.edition.parameters.get(FUND_LABEL)) and labels.by == ("fund",):
        return str(labels.values[max(labels.values)].get(name, name))
    return DIMENSIONS[dimension].values.get(name, name)


def leaf_words(known: Known, leaf: Any) -> str:
    """One value in words: fen as yuan, options by their labels, bands from low to high."""
    if known.unit == "fen":
        return f"{yuan_text(leaf)} 元"
    if known.unit == "flag":
        return "是" if leaf else "否"
    if known.unit == "choice":
        return known.options[leaf]
    if known.unit == "month_day":
        month, day = leaf.split("-")
        return f"{int(month)} 月 {int(day)} 日"
    if known.unit == "day":
        return f"{leaf} 日"
    if known.unit == "codes":
        return "、".join(known.options.get(code, code) for code in leaf) or "没有"
    if known.unit == "bands":
        return "，".join(f"从 {_plain(band.start)} 起 {_band_value(known, band.value)}" for band in leaf)
    return _plain(leaf) if isinstance(leaf, Decimal) else str(leaf)


def _band_value(known: Known, value: Decimal | str) -> str:
    return known.options[value] if isinstance(value, str) else _plain(value)


def _plain(number: Decimal) -> str:
    """A decimal without trailing zeros, thousands separated."""
    text = f"{number:,f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
