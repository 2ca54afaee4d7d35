"""Strict YAML: a key stands once, a decimal number stays exact, a mistake is shown with its line."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

import yaml

from tongpin.base.errors import PolicyError

if TYPE_CHECKING:
    from pathlib import Path


class _StrictLoader(yaml.SafeLoader):
    """The safe loader without silent overwriting and without binary floating point."""


def _mapping(loader: _StrictLoader, node: yaml.MappingNode) -> dict[Any, Any]:
    seen: dict[Any, Any] = {}
    for key_node, value_node in node.value:
        key = loader.construct_object(key_node, deep=True)
        if not isinstance(key, (str, int)) and not hasattr(key, "isoformat"):
            raise yaml.constructor.ConstructorError(None, None, "键只能是文字、整数或日期", key_node.start_mark)
        if key in seen:
            raise yaml.constructor.ConstructorError(None, None, f"键“{key}”重复", key_node.start_mark)
        seen[key] = loader.construct_object(value_node, deep=True)
    return seen


def _decimal(loader: _StrictLoader, node: yaml.ScalarNode) -> Decimal:
    text = str(loader.construct_scalar(node))
    try:
        return Decimal(text)
    except InvalidOperation:
        problem = f"“{text}”不是有限的十进制数"
        raise yaml.constructor.ConstructorError(None, None, problem, node.start_mark) from None


_StrictLoader.add_constructor("tag:yaml.org,2002:map", _mapping)
_StrictLoader.add_constructor("tag:yaml.org,2002:float", _decimal)


def load_strict_yaml(path: Path) -> dict[Any, Any]:
    """The mapping a policy file holds; `policy.missing`, `policy.encoding` or `policy.yaml` says what is wrong."""
    try:
        text = path.read_bytes().decode("utf-8")
    except OSError:
        raise PolicyError(
            "policy.missing",
            "找不到或打不开付费办法文件",
            where=str(path),
            hint="检查文件夹：其中应有 policy.yaml",
        ) from None
    except UnicodeDecodeError:
        raise PolicyError(
            "policy.encoding",
            "文件不是 UTF-8 编码",
            where=str(path),
            hint="用 UTF-8 另存该文件",
        ) from None
    try:
        data = yaml.load(text, Loader=_StrictLoader)  # noqa: S506  # a subclass of the safe loader
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f"{path} 第 {mark.line + 1} 行第 {mark.column + 1} 列" if mark else str(path)
        hint = "改正这一处的 YAML 写法；每个键只写一次，缩进用空格"
        raise PolicyError("policy.yaml", f"YAML 写法有误：{error.problem}", where=where, hint=hint) from None
    except (yaml.YAMLError, ValueError) as error:
        raise PolicyError(
            "policy.yaml",
            f"YAML 写法有误：{error}",
            where=str(path),
            hint="改正不能识别的字符或日期",
        ) from None
    if not isinstance(data, dict):
        raise PolicyError(
            "policy.yaml",
            "文件顶层应是键值对",
            where=str(path),
            hint="参照 policies/demo-east/2025/policy.yaml",
        )
    return data
