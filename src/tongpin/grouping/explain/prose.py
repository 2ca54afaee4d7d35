"""Prose 入组说明: the explanation of a case as short lines that a coder reads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tongpin.grouping.explain.reasons import reason_from
from tongpin.grouping.explain.words import (
    dx_text,
    facts_text,
    group_text,
    px_text,
    rule_text,
    went_on_text,
)
from tongpin.grouping.tables.model import STATUS_LABELS, Status

if TYPE_CHECKING:
    from tongpin.grouping.explain.trace import Complication, Explanation


def explain_lines(told: Explanation, *, full: bool = False) -> list[str]:
    """The explanation as lines: the group, each rule that held and why, the complications; why none, if none.

    By default the leaves tried in vain are told; `full` tells every rule that did not hold.
    """
    lines = [f"{STATUS_LABELS[told.outcome.status]}：{group_text(told.tables, told.outcome.drg)}"]
    if told.outcome.status != Status.GROUPED:
        reason = reason_from(told)
        lines.append(f"  原因：{reason.label}{f'（{reason.detail}）' * bool(reason.detail)}")
        lines += [f"  怎么办：{reason.hint}"] * bool(reason.hint)
    lines += [f"  转码：{text}" for text in translations(told)]
    near = [rule for rule in told.near_misses if rule.level == "drg" or not told.has_led]
    shown = {id(rule) for rule in (told.misses if full else near)}
    number = 0
    for rule in told.tried:
        if rule.round != number:
            number = rule.round
            lines.append(f"  换手术再试：只看 {px_text(told.tables, told.rounds[number].px[0])}")
        if rule.held:
            after = went_on_text(told, rule)
            lines.append(f"  {rule_text(rule)}：{facts_text(told, rule)}{f'；{after}' * bool(after)}")
        elif id(rule) in shown:
            lines.append(f"    不是 {rule_text(rule)}：{facts_text(told, rule)}")
    return [*lines, *(f"  {complication_text(told, one)}" for one in told.complications if one.kind)]


def translations(told: Explanation) -> list[str]:
    """Which code became which by the code map; nothing for those that stayed."""
    both = ((told.case.dx, told.dx, dx_text), (told.case.px, told.px, px_text))
    return [
        f"{before} → {text(told.tables, code)}"
        for given, used, text in both
        for before, code in zip(given, used, strict=False)
        if before != code
    ]


def complication_text(told: Explanation, one: Complication) -> str:
    """What a secondary diagnosis counted for, or by which table it was excluded."""
    code = dx_text(told.tables, one.code)
    kind = one.kind.upper()
    if one.state == "excluded":
        principal = dx_text(told.tables, told.dx[0])
        return f"{kind} 不计：{code}，与主要诊断 {principal} 同在排除表 {one.table}"
    table = f"（排除表 {one.table}）" if one.table else ""
    if one.state == "counted":
        return f"{kind} 计入：{code}{table}"
    return f"{kind} 成立而未用到：{code}{table}，入组路径没有问 {kind}"
