"""Prose 入组说明: the path of a case in words a coder reads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tongpin.grouping.model import STATUS_LABELS

if TYPE_CHECKING:
    from tongpin.grouping.model import SchemeTables

ATOM_LABELS: dict[str, str] = {
    "dx_main": "主要诊断",
    "dx_any": "任一诊断",
    "dx_other": "其他诊断",
    "px_main": "主要手术",
    "px_any": "任一手术",
    "px_other": "其他手术",
    "mcc": "严重并发症或合并症",
    "cc": "并发症或合并症",
    "sex": "性别",
    "age": "年龄",
    "age_days": "日龄",
    "birth_weight": "出生体重",
    "los": "住院天数",
    "icu_hours": "重症监护小时",
    "dept": "科别",
    "discharge_way": "离院方式",
}
"""The kinds of conditions as people call them."""


def explain_lines(scheme: SchemeTables, told: dict[str, Any]) -> list[str]:
    """The explanation of a case (from `interpreter.explain`) as lines: the group, then each step and its reason."""
    name = scheme.drg_names.get(told["drg"], "")
    lines = [f"{STATUS_LABELS[told['status']]}：{told['drg']} {name}".rstrip()]
    for step in told["path"]:
        because = "；".join(_evidence(scheme, item) for item in step["because"]) or "无须其他条件"
        lines.append(f"  {step['code']} {step['name']}：{because}")
    return lines


def _evidence(scheme: SchemeTables, item: dict[str, Any]) -> str:
    atom = item["atom"]
    denied, atom = atom.startswith("!"), atom.removeprefix("!")
    kind = next(name for name in sorted(ATOM_LABELS, key=len, reverse=True) if atom.startswith(name))
    rest = atom.removeprefix(kind)
    if "codes" not in item:
        value = "缺" if item["value"] is None else item["value"]
        return f"{ATOM_LABELS[kind]} {value}（要求{'非' if denied else ''} {rest.lstrip(':')}）"
    names = {**scheme.dx_names, **scheme.px_names}
    codes = "、".join(f"{code} {names.get(code, '')}".rstrip() for code in item["codes"])
    place = f"在 {rest[1:]}" if rest else ""
    if denied:
        return f"{ATOM_LABELS[kind]}不{place}" if place else f"没有{ATOM_LABELS[kind]}"
    return f"{ATOM_LABELS[kind]} {codes} {place}".rstrip()
