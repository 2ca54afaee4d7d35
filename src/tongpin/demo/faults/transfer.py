"""Faults of transfer and of dates 传输与时间差错: lines cut, sent twice, times exchanged."""

from __future__ import annotations

import orjson

from tongpin.demo.faults.registry import Kind, Material, Message, fault, register_kind

TRUNCATED_TO = 0.6


def _cut(message: Message, _material: Material) -> bytes:
    line = orjson.dumps(message)
    return line[: int(len(line) * TRUNCATED_TO)]


def _unchanged(message: Message, _material: Material) -> bytes:
    return orjson.dumps(message)


register_kind(Kind("truncated", "JSON 行被截断", "REC-J001", returned=True, edit=_cut))
register_kind(Kind("twice", "同一清单重复上传", "REC-P002", returned=False, edit=_unchanged, repeats=True))


@fault("discharge_before_admission", "出院早于入院", breaks="REC-D001")
def discharge_before_admission(message: Message, _material: Material) -> Message | None:
    """Both times exchanged, on different days."""
    head = message["setlinfo"]
    if head["adm_time"][:10] >= head["dscg_time"][:10]:
        return None
    head["adm_time"], head["dscg_time"] = head["dscg_time"], head["adm_time"]
    return message


@fault("wrong_stay_days", "住院天数填错", breaks="REC-L001", returned=False)
def wrong_stay_days(message: Message, material: Material) -> Message | None:
    """The stated days are a few off."""
    head = message["setlinfo"]
    if not head["act_ipt_days"]:
        return None
    head["act_ipt_days"] = str(int(head["act_ipt_days"]) + int(material.rng.integers(1, 4)))
    return message
