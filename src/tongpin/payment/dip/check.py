"""Checking a catalogue 目录检查: what a catalogue folder contradicts in itself, as findings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tongpin.base.errors import PolicyError
from tongpin.base.findings import Finding
from tongpin.base.money import SCALE
from tongpin.payment.dip.catalogue import COMPOSITE, CORE
from tongpin.payment.dip.scheme import tables_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tongpin.payment.dip.catalogue import Catalogue

MEAN_TOLERANCE_E4 = 100
"""How far the case-weighted mean weight of a catalogue may be from 1 before it is named: years are weighted apart."""


def check_catalogue(catalogue: Catalogue) -> list[Finding]:
    """Everything that is odd: few cases, codes without type, unknown diseases, special rules, the mean weight."""
    return [
        *_groups(catalogue),
        *_others(catalogue),
        *_special(catalogue),
        *_mean(catalogue),
    ]


def _finding(rule: str, severity: str, file: str, value: str, message: str, hint: str) -> Finding:
    return Finding(rule, "error" if severity == "error" else "warning", file, 0, "", value, message, hint)


def _groups(catalogue: Catalogue) -> Iterator[Finding]:
    threshold = int(catalogue.facts["threshold"])
    for one in catalogue.groups:
        if one.kind == CORE and sum(one.cases) < threshold:
            message = f"核心病种 {one.code} 三年共 {sum(one.cases)} 例，不足 {threshold} 例"
            yield _finding(
                "DIP-C001", "warning", "group.csv", one.code, message, "并入综合病种，或确认是按规定保留的病种"
            )
        untyped = [code for code in one.procedures if not catalogue.type_of(code)]
        if untyped:
            message = f"{one.code} 的手术操作 {'、'.join(untyped)} 没有操作类型"
            yield _finding("DIP-C002", "warning", "procedure_type.csv", untyped[0], message, "在操作类型表中补上它")
        worthless = [code for code in one.procedures if code in catalogue.zero_value]
        if worthless:
            message = f"{one.code} 用到零价值操作 {'、'.join(worthless)}，永远到不了"
            yield _finding(
                "DIP-C003", "error", "zero_value.csv", worthless[0], message, "从零价值操作中删去它，或改这个病种"
            )
        if one.kind == COMPOSITE and one.main_px:
            yield _finding(
                "DIP-C004", "error", "group.csv", one.code, f"综合病种 {one.code} 写了手术操作", "删去手术操作"
            )


def _others(catalogue: Catalogue) -> Iterator[Finding]:
    known = catalogue.by_code
    named = {("level_mean.csv", code) for code, _ in catalogue.level_means}
    named |= {("auxiliary.csv", one.group) for one in catalogue.auxiliary}
    for file, code in sorted(named):
        if code not in known:
            yield _finding("DIP-C005", "error", file, code, f"{file} 中的 {code} 不在目录里", "删去这一行，或补上病种")
    for one in catalogue.auxiliary:
        if one.coefficient_e4 <= SCALE:
            message = f"{one.group} {one.dimension} {one.level} 的辅助系数不大于 1，不起作用"
            yield _finding("DIP-C006", "warning", "auxiliary.csv", one.group, message, "删去这一行")


def _special(catalogue: Catalogue) -> Iterator[Finding]:
    try:
        tables_of(catalogue)
    except PolicyError as error:
        yield _finding("DIP-C007", "error", "special.csv", error.where, error.message, error.hint)


def _mean(catalogue: Catalogue) -> Iterator[Finding]:
    cases = sum(sum(one.cases) for one in catalogue.groups)
    if not cases:
        return
    mean_e4 = sum(sum(one.cases) * one.rw_e4 for one in catalogue.groups) // cases
    if abs(mean_e4 - SCALE) > MEAN_TOLERANCE_E4:
        message = f"按例数加权的平均权重为 {mean_e4 / SCALE:.4f}，离 1 较远"
        yield _finding(
            "DIP-C008", "warning", "group.csv", f"{mean_e4 / SCALE:.4f}", message, "核对各年费用是否有大的变化"
        )
