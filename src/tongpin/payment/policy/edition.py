"""The file of a policy edition as typed data: every parameter with label, unit, values by date and its source."""

from __future__ import annotations

from datetime import date  # noqa: TC003  # Pydantic reads the annotation at run time
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from pydantic import Field, ValidationError

from tongpin.base.errors import PolicyError
from tongpin.base.strict_yaml import Strict, first_fault, load_strict_yaml
from tongpin.payment.policy.leaves import checked_leaf, refuse
from tongpin.payment.policy.vocabulary import KNOWN, Basis, Unit

if TYPE_CHECKING:
    from pathlib import Path

    from tongpin.payment.policy.vocabulary import Known

ANY = "*"
"""The leaf an edition may give for every value of a dimension that it does not list."""


class Reference(Strict):
    """Where a value stands in law: the document and its clause."""

    title: str = Field(min_length=1)
    clause: str = ""


class Choice(Strict):
    """A choice of the edition as a whole that has no date of its own."""

    label: str
    value: str
    assumed: bool = False
    reference: Reference | None = None
    note: str = ""


class BasisChoice(Choice):
    """Which date of a case decides (S900-02)."""

    value: Basis


class Weights(Strict):
    """The weight table that lies beside the edition: `drg,weight,basic_group`."""

    label: str
    file: str
    assumed: bool = False
    reference: Reference | None = None
    note: str = ""


class Parameter(Strict):
    """One policy parameter: values by date, each a leaf or a tree by the dimensions of `by`."""

    label: str = Field(min_length=1)
    unit: Unit
    by: tuple[str, ...] = ()
    values: dict[date, Any] = Field(min_length=1)
    reference: dict[date, Reference] = Field(default_factory=dict)
    checked_on: date | None = None
    assumed: bool = False
    note: str = ""


class Edition(Strict):
    """A policy edition: an area, a year, the scheme it pays by and its parameters.

    `until` is its last day, where it ends before another begins; a `draft` is tried and compared, never settled with.
    An edition without `weights` pays by something else than group weights (by item, by the scores of a catalogue).
    """

    id: str
    label: str
    area: str
    draft: bool = False
    until: date | None = None
    scheme: Choice
    edition_by: BasisChoice
    period_by: BasisChoice
    year_by: BasisChoice
    weights: Weights | None = None
    parameters: dict[str, Parameter] = Field(min_length=1)


def load_edition(path: Path) -> Edition:
    """The edition in a `policy.yaml`; every fault names file, key path, reason and mend (`policy.invalid`)."""
    data = load_strict_yaml(path, "policy", PolicyError)
    try:
        edition = Edition.model_validate(data)
    except ValidationError as error:
        place, message, hint = first_fault(error)
        raise refuse(f"{path} {place}", message, hint) from None
    normal = {
        key: _normalised(f"{path} parameters.{key}", key, parameter) for key, parameter in edition.parameters.items()
    }
    return edition.model_copy(update={"parameters": normal})


def _normalised(where: str, key: str, parameter: Parameter) -> Parameter:
    """The parameter with its leaves checked against its unit and its dimension keys as text."""
    known = KNOWN.get(key)
    if known is None:
        near = get_close_matches(key, KNOWN)
        hint = f"相近的参数：{'、'.join(near)}；" * bool(near) + "全部参数见 docs/policy-format.md"
        raise refuse(where, "没有这个参数", hint)
    if parameter.unit != known.unit:
        raise refuse(f"{where}.unit", f"单位应为 {known.unit}，写成了 {parameter.unit}", "改正 unit")
    if unknown := [name for name in parameter.by if name not in known.by]:
        allowed = "、".join(known.by) or "（不分维度）"
        raise refuse(f"{where}.by", f"不能按 {'、'.join(unknown)} 区分", f"可用的维度：{allowed}")
    if len(set(parameter.by)) != len(parameter.by):
        raise refuse(f"{where}.by", "维度重复", "每个维度只写一次")
    if stray := [day for day in parameter.reference if day not in parameter.values]:
        raise refuse(f"{where}.reference", f"{stray[0]} 没有对应的值", "依据的日期须与 values 的日期一致")
    if not parameter.assumed:
        if bare := [day for day in parameter.values if day not in parameter.reference]:
            hint = "补上文件名称与条款；没有依据时写 assumed: true"
            raise refuse(f"{where}.reference", f"{bare[0]} 的值没有依据", hint)
        if parameter.checked_on is None:
            raise refuse(f"{where}.checked_on", "没有核对日期", "补上核对依据的日期")
    values = {
        day: _tree(f"{where}.values.{day}", known, parameter.by, tree) for day, tree in sorted(parameter.values.items())
    }
    return parameter.model_copy(update={"values": values})


def _tree(where: str, known: Known, by: tuple[str, ...], tree: Any) -> Any:
    if not by:
        return checked_leaf(where, known, tree)
    if not isinstance(tree, dict) or not tree:
        raise refuse(where, f"应按 {by[0]} 分开写", f"写成 {{{by[0]}的取值: 值}}")
    texts = {str(name): branch for name, branch in tree.items()}
    if len(texts) != len(tree):
        raise refuse(where, "同一取值写了两次（数字与文字相同）", "每个取值只写一次")
    return {name: _tree(f"{where}.{name}", known, by[1:], branch) for name, branch in texts.items()}
