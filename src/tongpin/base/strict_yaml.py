"""Strict YAML and strict models: a key stands once and is known, a decimal number stays exact, a mistake is shown."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from pydantic import BaseModel, ConfigDict

from tongpin.base.errors import TongpinError

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

    from pydantic import ValidationError


class Strict(BaseModel):
    """A frozen piece of a data file that refuses unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class _StrictLoader(yaml.SafeLoader):
    """The safe loader without silent overwriting and without binary floating point."""


class _FastLoader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]  # where libyaml is there
    """The same, parsed by libyaml."""


def _mapping(loader: yaml.SafeLoader, node: yaml.MappingNode) -> dict[Any, Any]:
    seen: dict[Any, Any] = {}
    for key_node, value_node in node.value:
        key = loader.construct_object(key_node, deep=True)
        if not isinstance(key, (str, int)) and not hasattr(key, "isoformat"):
            raise yaml.constructor.ConstructorError(None, None, "键只能是文字、整数或日期", key_node.start_mark)
        if key in seen:
            raise yaml.constructor.ConstructorError(None, None, f"键“{key}”重复", key_node.start_mark)
        seen[key] = loader.construct_object(value_node, deep=True)
    return seen


def _decimal(loader: yaml.SafeLoader, node: yaml.ScalarNode) -> Decimal:
    text = str(loader.construct_scalar(node))
    try:
        return Decimal(text)
    except InvalidOperation:
        problem = f"“{text}”不是有限的十进制数"
        raise yaml.constructor.ConstructorError(None, None, problem, node.start_mark) from None


for _loader in (_StrictLoader, _FastLoader):
    _loader.add_constructor("tag:yaml.org,2002:map", _mapping)
    _loader.add_constructor("tag:yaml.org,2002:float", _decimal)


def load_strict_yaml(path: Path | Traversable, kind: str, error: type[TongpinError] = TongpinError) -> dict[Any, Any]:
    """The mapping a data file holds; `kind` heads the codes of refusal: `KIND.missing | encoding | yaml`."""
    place = str(path) if isinstance(path, Path) else path.name
    try:
        text = path.read_bytes().decode("utf-8")
    except OSError:
        raise error(f"{kind}.missing", "找不到或打不开文件", where=place, hint="检查文件名与文件夹") from None
    except UnicodeDecodeError:
        raise error(f"{kind}.encoding", "文件不是 UTF-8 编码", where=place, hint="用 UTF-8 另存该文件") from None
    try:
        data = _parsed(text)
    except yaml.MarkedYAMLError as fault:
        mark = fault.problem_mark
        where = f"{place} 第 {mark.line + 1} 行第 {mark.column + 1} 列" if mark else place
        hint = "改正这一处的 YAML 写法；每个键只写一次，缩进用空格"
        raise error(f"{kind}.yaml", f"YAML 写法有误：{fault.problem}", where=where, hint=hint) from None
    except (yaml.YAMLError, ValueError) as fault:
        hint = "改正不能识别的字符或日期"
        raise error(f"{kind}.yaml", f"YAML 写法有误：{fault}", where=place, hint=hint) from None
    if not isinstance(data, dict):
        raise error(f"{kind}.yaml", "文件顶层应是键值对", where=place, hint="参照随包的同类文件")
    return data


def _parsed(text: str) -> Any:
    """What a text holds; a mistake is told by one parser only, so that it always reads alike."""
    try:
        return yaml.load(text, Loader=_FastLoader)  # noqa: S506  # a subclass of the safe loader
    except (yaml.YAMLError, ValueError):
        return yaml.load(text, Loader=_StrictLoader)  # noqa: S506


_REASONS = {
    "extra_forbidden": ("不认识这个键", "删去它，或改成正确的键名"),
    "missing": ("缺少这个键", "补上它"),
}


def first_fault(error: ValidationError) -> tuple[str, str, str]:
    """Key path, message and hint of the first fault of a file; the message says how many more there are."""
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"] if part != "[key]")
    message, hint = _REASONS.get(first["type"], (f"值不合要求（{first['msg']}）", "改成这个键要求的写法"))
    more = f"；另有 {error.error_count() - 1} 处" if error.error_count() > 1 else ""
    return place, message + more, hint
