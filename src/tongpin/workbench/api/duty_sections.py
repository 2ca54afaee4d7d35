"""Duty sections 职责一览: the duty matrices of a home as sections of a page (S003-17, S911-02)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tongpin.workbench.api.sheets import SheetColumn, SheetSection
from tongpin.workbench.sign_in.roles import roles

if TYPE_CHECKING:
    from tongpin.documents.duties import Duties

_DESKS = {"bureau": "医保经办", "hospital": "医疗机构"}


def duty_sections(rules: Duties) -> tuple[list[SheetSection], SheetSection, SheetSection]:
    """The matrices, whose hands each step needs, and the duties that one person may not join."""
    default = rules.matrix("default").id
    matrices = [
        SheetSection(
            id=one.id,
            label=f"{one.label}{'（默认）' if one.id == default else ''}",
            note=f"{one.people} 人；依据 {one.reference}",
            columns=[SheetColumn(id="step", label="步骤"), SheetColumn(id="apart", label="不得与谁同一人")],
            rows=[
                {
                    "step": rules.step_label(step),
                    "apart": "、".join(rules.step_label(other) for other in one.steps if one.are_apart(step, other)),
                }
                for step in one.steps
            ],
        )
        for one in rules.matrices
    ]
    hands = SheetSection(
        id="hands",
        label="每一步由哪些岗位办",
        columns=[
            SheetColumn(id="desk", label="哪一侧"),
            SheetColumn(id="step", label="步骤"),
            SheetColumn(id="roles", label="岗位"),
        ],
        rows=[
            {
                "desk": _DESKS[desk],
                "step": rules.step_label(step),
                "roles": "、".join(roles()[name].label if name in roles() else name for name in names),
            }
            for desk, steps in rules.hands.items()
            for step, names in steps.items()
        ],
    )
    labels = {one.id: one.label for one in rules.duties}
    incompatible = SheetSection(
        id="incompatible",
        label="不相容的职责",
        note="一个人不能同时有两项；授予岗位时检查",
        columns=[
            SheetColumn(id="first", label="职责"),
            SheetColumn(id="second", label="不得兼任"),
            SheetColumn(id="reason", label="原因"),
            SheetColumn(id="reference", label="依据"),
        ],
        rows=[
            {
                "first": labels[one.first],
                "second": labels[one.second],
                "reason": one.reason,
                "reference": one.reference,
            }
            for one in rules.incompatible
        ],
    )
    return matrices, hands, incompatible
