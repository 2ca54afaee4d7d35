"""OpenDRG's leaf functions: what `MDCA_DRG.AH11_group(record)` and `CB11.group(record)` ask of a record."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from tongpin.grouping.importers.alternatives import FALSE, Expression
from tongpin.grouping.importers.draft import Place
from tongpin.grouping.importers.opendrg.rules import Conditions, Lists, as_expression
from tongpin.grouping.importers.opendrg.source import (
    Checkout,
    Module,
    Refused,
    Variables,
    returns_nothing,
    split_variables,
    statements,
)
from tongpin.grouping.tables.when import NEVER

if TYPE_CHECKING:
    from tongpin.grouping.tables.when import Condition

_FOLDERS = ("DRG_EX", "DRG")


class Leaves:
    """Translates the tests of every file, following the leaf functions they call."""

    def __init__(self, source: Checkout) -> None:
        self.source = source
        self.lists = Lists(source.draft)
        self.called_files: set[str] = set()
        self._asking: list[str] = []

    def condition(self, module: Module, owner: str, variables: Variables, test: ast.expr) -> Condition:
        """The condition of a test, whose lists belong to `owner`; a refused one is reported and never holds."""
        conditions = Conditions(module.path, owner, variables, self.lists, lambda call: self._called(module, call))
        condition: list[Condition] = []
        with self.source.reporting(module.path, "SCH-P004"):
            condition.append(conditions.condition(test))
        return condition[0] if condition else NEVER

    def _called(self, module: Module, call: ast.Call) -> Expression:
        """The condition of the leaf function that a test calls."""
        match = re.fullmatch(r"(\w+)\.(\w+)\(record\)", ast.unparse(call))
        if not match:
            raise Refused(call, "不认识的调用", "写成 MDCA_DRG.AA19_group(record) 或 CB11.group(record)")
        name, function = match.groups()
        folder = module.folders.get(name, "")
        if folder not in _FOLDERS:
            folder = next((each for each in _FOLDERS if self.source.has(f"{each}/{name}.py")), "")
            if not folder:
                raise Refused(call, f"没有 {name} 的文件", f"补上 DRG_EX/{name}.py，或删去这个细分组")
            self.source.not_imported(Place(module.path, call.lineno), name, f"{folder}/{name}.py")
        path = f"{folder}/{name}.py"
        self.called_files.add(path)
        target = self.source.module(path)
        if target is None:
            return FALSE
        if function not in target.functions:
            raise Refused(call, f"{path} 里没有函数 {function}", "补上这个函数，或改正名称")
        key = f"{path}:{function}"
        if key in self._asking:
            raise Refused(call, f"{key} 又问到了自己", "改正为不循环的判断")
        self._asking.append(key)
        owner = name if function == "group" else function.removesuffix("_group")
        condition: Condition = NEVER
        with self.source.reporting(path):
            condition = self._answer(target, owner, target.functions[function])
        self._asking.pop()
        return as_expression(condition)

    def _answer(self, module: Module, owner: str, function: ast.FunctionDef) -> Condition:
        """When a leaf function says yes: `return 条件`, or `if 条件: return True`; raises `Refused`."""
        variables, left = split_variables(function)
        if len(left) == 1 and isinstance(left[0], ast.Return) and left[0].value is not None:
            return self.condition(module, owner, variables, left[0].value)
        if not left or not isinstance(left[0], ast.If):
            raise Refused(function, "细分组函数应返回一个条件", "写成 return 条件，或 if 条件: return True")
        if [ast.unparse(each) for each in statements(left[0].body)] != ["return True"]:
            raise Refused(left[0], "细分组的判断应返回 True", "写成 if 条件: return True")
        if not returns_nothing(left[0].orelse) or not returns_nothing(left[1:]):
            raise Refused(left[-1], "不认识的语句", "判断之后只能返回空")
        return self.condition(module, owner, variables, left[0].test)
