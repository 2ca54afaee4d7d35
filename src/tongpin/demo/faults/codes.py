"""Faults of codes 编码差错: diagnoses and procedures mistyped, mixed up or left out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tongpin.demo.faults.registry import HARMLESS, OTHER_GROUP, Material, Message, fault

if TYPE_CHECKING:
    from collections.abc import Sequence

MISTYPED = "O"
"""The letter O typed in place of the last sign of a code: no diagnosis code ends in it."""

WESTERN, MAIN, OTHER = "1", "1", "0"
PLACEHOLDER = {"oprn_oprt_type": "1", "oprn_oprt_name": "无", "oprn_oprt_code": "0000"}


def principal(message: Message) -> dict[str, Any] | None:
    """The node of the flagged western diagnosis."""
    for node in message["diseinfo"]:
        if node["maindiag_flag"] == MAIN and node["diag_type"] == WESTERN:
            return node  # type: ignore[no-any-return]
    return None


def _coded(message: Message, code: str, name: str) -> Message | None:
    node = principal(message)
    if node is None or node["diag_code"] == code:
        return None
    node["diag_code"], node["diag_name"] = code, name
    return message


def _drawn(material: Material, codes: Sequence[tuple[str, str]]) -> tuple[str, str]:
    return codes[int(material.rng.integers(len(codes)))]


@fault("unknown_principal", "主要诊断编码录错", breaks="ungrouped")
def unknown_principal(message: Message, _material: Material) -> Message | None:
    """The last sign of the code is the letter O."""
    node = principal(message)
    return node and _coded(message, node["diag_code"][:-1] + MISTYPED, node["diag_name"])


@fault("local_principal", "主要诊断用院内码", breaks="ungrouped")
def local_principal(message: Message, material: Material) -> Message | None:
    """A number of the hospital's own system in place of the national code."""
    node = principal(message)
    return node and _coded(message, f"YN{material.rng.integers(10_000, 100_000)}", node["diag_name"])


@fault("other_sex_principal", "主要诊断与性别不符", breaks="ungrouped")
def other_sex_principal(message: Message, material: Material) -> Message | None:
    """A diagnosis of the other sex."""
    other = {"1": "2", "2": "1"}.get(message["setlinfo"]["gend"], "")
    found = material.of_sex.get(other)
    return _coded(message, *_drawn(material, found)) if found else None


@fault("unspecific_principal", "主要诊断笼统，不能入组", breaks="ungrouped")
def unspecific_principal(message: Message, material: Material) -> Message | None:
    """A known code that no group takes."""
    return _coded(message, *_drawn(material, material.ungroupable)) if material.ungroupable else None


@fault("missing_diagnoses", "没有诊断", breaks="REC-M001")
def missing_diagnoses(message: Message, _material: Material) -> Message | None:
    """The node of the diagnoses came out empty."""
    if not message["diseinfo"]:
        return None
    message["diseinfo"] = []
    return message


@fault("no_principal_flag", "没有主诊断标志", breaks="REC-M002", returned=False)
def no_principal_flag(message: Message, _material: Material) -> Message | None:
    """No diagnosis is flagged."""
    node = principal(message)
    if node is None:
        return None
    node["maindiag_flag"] = OTHER
    return message


@fault("tcm_principal", "中医诊断作主诊", breaks="REC-T001", returned=False)
def tcm_principal(message: Message, material: Material) -> Message | None:
    """A TCM diagnosis carries the flag."""
    node = principal(message)
    if node is None or not material.tcm:
        return None
    node["maindiag_flag"] = OTHER
    code, name = _drawn(material, material.tcm)
    message["diseinfo"].insert(0, {**node, "diag_type": "2", "diag_code": code, "diag_name": name})
    message["diseinfo"][0]["maindiag_flag"] = MAIN
    return message


@fault("swapped_principal", "主要诊断与其他诊断颠倒", breaks=OTHER_GROUP)
def swapped_principal(message: Message, material: Material) -> Message | None:
    """A secondary diagnosis stands in the place of the principal one."""
    node = principal(message)
    others = [one for one in message["diseinfo"] if one is not node and one["diag_type"] == WESTERN]
    if node is None or not others:
        return None
    other = others[int(material.rng.integers(len(others)))]
    for field in ("diag_code", "diag_name"):
        node[field], other[field] = other[field], node[field]
    return message


@fault("missing_procedure", "漏填手术操作", breaks=OTHER_GROUP)
def missing_procedure(message: Message, _material: Material) -> Message | None:
    """The procedures were left out."""
    if not message["oprninfo"]:
        return None
    message["oprninfo"] = []
    message["setlinfo"]["oprn_oprt_code_cnt"] = "0"
    return message


@fault("placeholder_procedure", "无手术时填占位行", breaks=HARMLESS, returned=False)
def placeholder_procedure(message: Message, _material: Material) -> Message | None:
    """A line that says there was no procedure, as some regions ask for."""
    if message["oprninfo"]:
        return None
    message["oprninfo"] = [PLACEHOLDER]
    return message
