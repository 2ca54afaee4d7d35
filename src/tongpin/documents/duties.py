"""Duties 职责: who may act at which step, how many people a document needs, which duties nobody joins.

The shipped matrix is `catalogue/documents/duties.yaml`; a home may keep its own in `HOME/duties.yaml` (S911-02).
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from itertools import combinations
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

from pydantic import Field, StrictBool, StrictInt, StrictStr, ValidationError

from tongpin.base.errors import TongpinError
from tongpin.base.findings import Finding
from tongpin.base.strict_yaml import Strict, first_fault, load_strict_yaml

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from importlib.resources.abc import Traversable
    from pathlib import Path

    from tongpin.store.home import Home

DUTIES_FILE = "duties.yaml"
FOLDER = "documents"
HANDLE, APPROVE = "handle", "approve"
"""The first and the last step of every document."""
LEAST_PEOPLE = 2

Desk = Literal["bureau", "hospital"]
Names = Annotated[tuple[StrictStr, ...], Field(min_length=1)]


Model = TypeVar("Model", bound=Strict)


class Step(Strict):
    """A step 步骤 of a document."""

    id: StrictStr
    label: StrictStr


class Matrix(Strict):
    """A matrix 职责矩阵: the steps in their order, how many different `people` they need, and steps kept `apart`.

    As many people as steps means that nobody acts at two of them.
    """

    id: StrictStr
    label: StrictStr
    steps: Names
    people: StrictInt
    apart: tuple[tuple[StrictStr, StrictStr], ...]
    reference: StrictStr
    assumed: StrictBool

    def are_apart(self, first: str, second: str) -> bool:
        """Whether two different steps need different people."""
        if first == second:
            return False
        return self.people == len(self.steps) or {first, second} in [set(pair) for pair in self.apart]

    def after(self, step: str) -> str:
        """The step after one, empty after the last."""
        place = self.steps.index(step) + 1
        return self.steps[place] if place < len(self.steps) else ""


class Duty(Strict):
    """A duty 职责 of a role."""

    id: StrictStr
    label: StrictStr


class Incompatible(Strict):
    """Two duties that one person may not have, and why."""

    id: StrictStr
    first: StrictStr
    second: StrictStr
    reason: StrictStr
    reference: StrictStr


class Duties(Strict):
    """The duties of a home, validated."""

    steps: tuple[Step, ...]
    hands: dict[Desk, dict[StrictStr, Names]]
    default: StrictStr
    matrices: tuple[Matrix, ...]
    duties: tuple[Duty, ...]
    incompatible: tuple[Incompatible, ...]

    def step_label(self, step: str) -> str:
        """The Chinese name of a step."""
        return next(one.label for one in self.steps if one.id == step)

    def matrix(self, name: str) -> Matrix:
        """A matrix by id, or the one by default; TongpinError `documents.matrix` when there is none."""
        wanted = self.default if name == "default" else name
        for one in self.matrices:
            if one.id == wanted:
                return one
        raise _fault(f"没有职责矩阵 {wanted}", f"{DUTIES_FILE} matrices", "、".join(one.id for one in self.matrices))


def shipped_duties() -> Duties:
    """The duties that come with Tongpin."""
    return _checked(dict(_shipped()), DUTIES_FILE)


def open_duties(home: Home) -> Duties:
    """The duties of a home: what its own `duties.yaml` writes stands instead of what is shipped.

    Raises TongpinError `documents.duties` (keys, values), `documents.matrix` (fewer than two people, the first and the
    last step by the same person, unknown steps or roles without hands).
    """
    own = home.root / DUTIES_FILE
    if not own.exists():
        return shipped_duties()
    written = load_strict_yaml(own, "documents")
    if "steps" in written:
        raise _fault("步骤不能改", f"{own} steps", "只改 hands、default、matrices、duties、incompatible")
    return _checked({**_shipped(), **written}, str(own))


@cache
def _shipped() -> dict[str, Any]:
    return load_strict_yaml(catalogue_file(DUTIES_FILE), "documents")


def catalogue_file(name: str) -> Traversable:
    """A data file of this room."""
    return files("tongpin") / "catalogue" / FOLDER / name


def validated(model: type[Model], data: Any, where: Path | str) -> Model:
    """A data file as its model; TongpinError `documents.duties` names the first fault."""
    try:
        return model.model_validate(data)
    except ValidationError as error:
        place, message, hint = first_fault(error)
        raise TongpinError("documents.duties", message, where=f"{where} {place}", hint=hint) from None


def _checked(data: dict[str, Any], where: str) -> Duties:
    found = validated(Duties, data, where)
    steps = {one.id for one in found.steps}
    for matrix in found.matrices:
        _check_matrix(matrix, steps, where)
    found.matrix(found.default)
    needed = {step for matrix in found.matrices for step in matrix.steps}
    for desk in ("bureau", "hospital"):
        hands = found.hands.get(desk, {})
        for step in needed:
            if step not in hands:
                raise _fault(f"{desk} 没有写步骤 {step} 由哪些岗位办", f"{where} hands", "每一步至少写一个岗位")
        if unknown := sorted(set(hands) - steps):
            raise _fault(f"没有步骤 {unknown[0]}", f"{where} hands.{desk}", "、".join(sorted(steps)))
    known = {one.id for one in found.duties}
    for pair in found.incompatible:
        if not {pair.first, pair.second} <= known or pair.first == pair.second:
            raise _fault(f"{pair.id} 的两个职责不对", f"{where} incompatible", "、".join(sorted(known)))
    return found


def _check_matrix(matrix: Matrix, known: set[str], where: str) -> None:
    place = f"{where} matrices.{matrix.id}"
    steps = matrix.steps
    if len(set(steps)) != len(steps) or not set(steps) <= known:
        raise _fault("步骤重复，或有没有的步骤", place, "、".join(sorted(known)))
    if (steps[0], steps[-1]) != (HANDLE, APPROVE) or len(steps) < LEAST_PEOPLE:
        raise _fault("第一步须是经办，最后一步须是审批", place, "steps: [handle, …, approve]")
    if not LEAST_PEOPLE <= matrix.people <= len(steps):
        raise _fault(f"至少 {LEAST_PEOPLE} 人，至多与步骤一样多", place, f"people 写 {LEAST_PEOPLE} 到 {len(steps)}")
    if not {step for pair in matrix.apart for step in pair} <= set(steps):
        raise _fault("不得同一人的步骤里有这个矩阵没有的", place, "apart 只写这个矩阵的步骤")
    if not matrix.are_apart(HANDLE, APPROVE):
        raise _fault("经办与审批不得同一人", place, "在 apart 里写 [handle, approve]")


def _fault(message: str, where: str, hint: str) -> TongpinError:
    return TongpinError("documents.matrix", message, where=where, hint=hint)


def check_duties(assignments: Mapping[str, Sequence[str]], duties: Duties | None = None) -> tuple[Finding, ...]:
    """An error for every pair of incompatible duties that one person has, and for every duty that is unknown.

    `assignments`: the ids of the duties of each person. Source: S003-17, S003-19, S911-02.
    """
    rules = duties or shipped_duties()
    labels = {one.id: one.label for one in rules.duties}
    found = []
    for person, held in assignments.items():
        found += [
            _finding("DUTY-00", person, one, f"没有职责 {one}", f"可用：{'、'.join(labels)}")
            for one in sorted(set(held) - set(labels))
        ]
        for pair in combinations(sorted(set(held)), 2):
            found += [
                _finding(
                    rule.id,
                    person,
                    "、".join(pair),
                    f"{person} 不能同时有“{labels[rule.first]}”与“{labels[rule.second]}”的职责：{rule.reason}",
                    "其中一个职责改由另一位办",
                )
                for rule in rules.incompatible
                if {rule.first, rule.second} == set(pair)
            ]
    return tuple(found)


def _finding(rule: str, person: str, value: str, message: str, hint: str) -> Finding:
    return Finding(rule, "error", DUTIES_FILE, 0, person, value, message, hint)
