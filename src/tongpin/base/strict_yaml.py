"""Strict YAML and strict models: a key stands once and is known, a decimal number stays exact, a mistake is shown."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from pydantic import BaseModel, ConfigDict

from tongpin.base.errors import TongpinError

if TYPE_CHECKING:
    from collections.abc import Mapping
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
    "string_type": ("应是文字", "改成文字"),
    "int_type": ("应是整数", "改成整数"),
    "int_parsing": ("应是整数", "改成整数"),
    "float_parsing": ("应是数", "改成数"),
    "float_type": ("应是数", "改成数"),
    "bool_parsing": ("应是 true 或 false", "改成 true 或 false"),
    "date_from_datetime_parsing": ("应是日期", "写成 2025-06-30"),
    "date_parsing": ("应是日期", "写成 2025-06-30"),
    "list_type": ("应是列表", "改成列表"),
    "json_invalid": ("不是完整的 JSON", "检查括号、引号与逗号"),
    "literal_error": ("只能是 {expected}", "从中选一个"),
    "enum": ("只能是 {expected}", "从中选一个"),
    "string_pattern_mismatch": ("写法不对", "写法须符合 {pattern}"),
    "string_too_long": ("太长，最多 {max_length} 个字", "写短一些"),
    "string_too_short": ("太短，至少 {min_length} 个字", "补写"),
    "too_long": ("最多 {max_length} 项", "分几次写"),
    "too_short": ("至少 {min_length} 项", "补上"),
    "greater_than": ("应大于 {gt}", "改大"),
    "greater_than_equal": ("不得小于 {ge}", "改大"),
    "less_than": ("应小于 {lt}", "改小"),
    "less_than_equal": ("不得大于 {le}", "改小"),
}
"""What is wrong and how to mend it, by the kind of the fault; in braces what the rule of the key says."""


def fault_words(fault: Mapping[str, Any]) -> tuple[str, str]:
    """The message and the hint of one fault that a model found."""
    message, hint = _REASONS.get(fault["type"], (f"值不合要求（{fault['msg']}）", "改成这个键要求的写法"))
    context = {key: str(value).replace(" or ", "、") for key, value in fault.get("ctx", {}).items()}
    try:
        return message.format_map(context), hint.format_map(context)
    except (KeyError, ValueError):
        return f"值不合要求（{fault['msg']}）", "改成这个键要求的写法"


def first_fault(error: ValidationError) -> tuple[str, str, str]:
    """Key path, message and hint of the first fault of a file; the message says how many more there are."""
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"] if part != "[key]")
    message, hint = fault_words(first)
    more = f"；另有 {error.error_count() - 1} 处" if error.error_count() > 1 else ""
    return place, message + more, hint
