"""Faults of persons 人员差错: sex and age."""

from __future__ import annotations

from tongpin.demo.faults.registry import Material, Message, fault


@fault("missing_sex", "性别缺失", breaks="REC-X001", blanks=("sex",))
def missing_sex(message: Message, _material: Material) -> Message | None:
    """The sex is empty."""
    message["setlinfo"]["gend"] = ""
    return message


@fault("wrong_age", "日龄填成年龄", breaks="REC-A001", returned=False)
def wrong_age(message: Message, _material: Material) -> Message | None:
    """The days of an infant stand in the field of years."""
    head = message["setlinfo"]
    if not head["nwb_age"] or int(head["nwb_age"]) < 1:
        return None
    head["age"], head["nwb_age"] = head["nwb_age"], ""
    return message
