"""OpenDRG's data files and the constants around the rules: complications, procedures, code maps, names, results."""

from __future__ import annotations

import ast
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tongpin.grouping.importers.draft import Draft, Place
from tongpin.grouping.importers.opendrg.source import Checkout, Module, Refused, statements
from tongpin.grouping.tables.model import Options

if TYPE_CHECKING:
    from collections.abc import Iterable

_TABLES = {
    "DATA/MCC.dat": ("mcc", "exclusion_table"),
    "DATA/CC.dat": ("cc", "exclusion_table"),
    "DATA/CCE.dat": ("exclusion", "exclusion_table"),
    "DATA/SS_VALID.dat": ("valid_px", "name"),
    "DATA/DRG.dat": ("drg_name", "name"),
    "ICD/ZD_INFO.dat": ("icd10", "name"),
    "ICD/SS_INFO.dat": ("icd9", "name"),
    "ICD/ZD_MAP.dat": ("dx_map", "target"),
    "ICD/SS_MAP.dat": ("px_map", "target"),
}
"""The data files of a variant and the table and value column each fills; the key is everything before the blank."""
_NEEDED = ("DATA/MCC.dat", "DATA/CC.dat", "DATA/CCE.dat", "DATA/SS_VALID.dat")
_BYTE_ORDER_MARK = "\ufeff"
_DROPPED = "-"
"""The target by which the source drops a code from the record."""


@dataclass(slots=True)
class NamesRead:
    """The names of groups."""

    drg: dict[str, str] = field(default_factory=dict)

    def adrg_name(self, groups: Iterable[str]) -> str:
        """What the names of the groups of an ADRG have in common before the first comma; empty when they differ."""
        names = {self.drg.get(group, "").partition("，")[0] for group in groups}
        return names.pop() if len(names) == 1 else ""


def read_data(source: Checkout, draft: Draft) -> NamesRead:
    """Every data file as rows of its table; the group names are handed back."""
    names = NamesRead()
    spellings: dict[str, set[str]] = defaultdict(set)
    for path, (table, column) in _TABLES.items():
        if path not in _NEEDED and not source.has(path):
            draft.fault(
                "SCH-P001", Place(path), "", f"没有 {path}", "缺它时名称或转码表为空，分组不受影响", severity="warning"
            )
            continue
        for code, (value, line) in _pairs(source, draft, path).items():
            place = Place(path, line)
            if column == "exclusion_table":
                spellings[value.strip()].add(value)
            if column == "target" and value.strip() == _DROPPED:
                message = f"{code} 转为“-”，来源会把它从病案里去掉：这里当作不能转换"
                draft.fault("SCH-P014", place, code, message, "在转码表里给它一个编码", severity="warning")
                continue
            if table == "exclusion" and not value.strip():
                continue  # a principal without a table: nothing is excluded
            key = "drg" if table == "drg_name" else "code"
            draft.add(table, place, **{key: code, column: value.strip()})
            if table == "drg_name":
                names.drg[code] = value.strip()
    uneven = sorted(table for table, written in spellings.items() if len(written) > 1)
    if uneven:
        draft.fault(
            "SCH-P012",
            Place("DATA"),
            "、".join(uneven),
            "排除表号有的带空格、有的不带，来源会当成两个表：这里按去掉空格的号导入",
            "核对 CCE.dat 与 MCC.dat、CC.dat 的表号",
            severity="warning",
        )
    return names


def _pairs(source: Checkout, draft: Draft, path: str) -> dict[str, tuple[str, int]]:
    """Code → value and line, split at the first blank; of a repeated code the last line counts, as in the source."""
    pairs: dict[str, tuple[str, int]] = {}
    text = source.text(path, "utf-8")
    if text is None:
        return pairs
    if text.startswith(_BYTE_ORDER_MARK):
        first = text.partition(" ")[0].removeprefix(_BYTE_ORDER_MARK)
        message = f"文件以 BOM 开头，来源因此认不出第一个编码 {first}：照来源导入"
        draft.fault("SCH-P015", Place(path, 1), first, message, "另存为不带 BOM 的 UTF-8 再导入", severity="warning")
    if text.startswith("version https://git-lfs"):
        draft.fault("SCH-P005", Place(path, 1), "", "这是 Git LFS 的指针，不是数据", "用 git lfs pull 取下文件")
        return pairs
    strange: list[tuple[int, str]] = []
    for line, row in enumerate(text.split("\n"), 1):
        code, _, value = row.partition(" ")
        if code and code.removeprefix(_BYTE_ORDER_MARK).isascii():
            pairs[code] = (value, line)
        elif row.strip():
            strange.append((line, row))
    if strange:
        line, row = strange[0]
        draft.fault(
            "SCH-P005",
            Place(path, line),
            row,
            f"有 {len(strange)} 行的行首不是编码，没有导入；这是第一处",
            "写成“编码 内容”一行一个，行首不留空格",
            severity="warning" if pairs else "error",
        )
    return pairs


def _defaulted(source: Checkout, path: str, what: str, used: str) -> None:
    message = f"没认出{what}，按常用的 {used} 导入"
    source.draft.fault("SCH-P013", Place(path), "", message, "导入后核对 scheme.csv", severity="warning")


def read_retry(source: Checkout, variant: str) -> tuple[bool, Place]:
    """Whether an ungrouped case is tried again with each other procedure alone, and where that is said."""
    path = f"Grouper_{variant}.py"
    if not source.has(path):
        return False, Place(path)
    module = source.module(path)
    for function in _functions(module):
        for statement in statements(function.body) if function.name == "group" else []:
            loops = [node for node in ast.walk(statement) if isinstance(node, ast.For | ast.While)]
            if loops:
                if _is_retry(statement):
                    return True, Place(path, statement.lineno)
                source.refuse(path, Refused(statement, "不认识的循环", "只认识“逐个换用其他手术再分一次”这一种"))
    return False, Place(path)


def _is_retry(statement: ast.stmt) -> bool:
    if not isinstance(statement, ast.If) or statement.orelse or not isinstance(statement.body[0], ast.For):
        return False
    loop = statement.body[0]
    result = ast.unparse(statement.test).partition(" ")[0]
    code = ast.unparse(loop.target)
    return (
        len(statement.body) == 1
        and ast.unparse(statement.test).startswith(f"{result} == '0000'")
        and ast.unparse(loop)
        == f"for {code} in record.ssList[1:]:\n"
        f"    record = record._replace(ssList=[{code}])\n"
        f"    {result} = group(record)\n"
        f"    if {result} != '0000':\n        break"
    )


def read_results(source: Checkout, variant: str) -> dict[str, tuple[str, Place]]:
    """What is written as MDC, ADRG and group for an ungrouped case and for a rejected record: the keys of scheme.csv.

    Read from the results with three constant texts; the usual values, with a warning, where none or several are found.
    """
    files = [path for path in (f"Grouper_{variant}.py", "Base.py", "GroupProxy.py") if source.has(path)]
    found: dict[str, dict[tuple[str, ...], Place]] = {"ungrouped": {}, "rejected": {}}
    for path in files:
        for function in _functions(source.module(path)):
            for call in ast.walk(function):
                constants = _constant_result(call)
                if isinstance(call, ast.Call) and constants:
                    kind = "ungrouped" if ast.unparse(call.args[1]).endswith("FAIL.value") else "rejected"
                    found[kind].setdefault(constants, Place(path, call.lineno))
    results: dict[str, tuple[str, Place]] = {}
    usual = Options()
    for kind, label, default in (
        ("ungrouped", "无法入组时写什么", usual.ungrouped),
        ("rejected", "校验不过时写什么", usual.rejected),
    ):
        written = found[kind]
        if len(written) != 1:
            _defaulted(source, f"Grouper_{variant}.py", label, "、".join(default))
            written = {default: Place(f"Grouper_{variant}.py")}
        for values, place in written.items():
            for key, value in zip(("mdc", "adrg", "drg"), values, strict=True):
                results[f"{kind}_{key}"] = (value, place)
    return results


_RESULT_FIELDS = ("Index", "status", "messages", "mdc", "adrg", "drg")


def _constant_result(node: ast.AST) -> tuple[str, ...]:
    """The three codes of a `GroupResult(...)` that does not depend on the group; empty for anything else."""
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "GroupResult"):
        return ()
    if len(node.args) != len(_RESULT_FIELDS):
        return ()
    codes = [arg.value for arg in node.args[3:] if isinstance(arg, ast.Constant) and isinstance(arg.value, str)]
    return tuple(codes) if len(codes) == len(_RESULT_FIELDS) - 3 else ()


def read_newborn_days(source: Checkout) -> tuple[int, Place]:
    """The age in days up to which the record check asks for a birth weight."""
    path = "GroupProxy.py"
    usual = Options().newborn_days
    found: dict[int, Place] = {}
    for function in _functions(source.module(path)) if source.has(path) else []:
        for node in ast.walk(function) if function.name == "check" else []:
            if isinstance(node, ast.Compare) and ast.unparse(node.left) in {"int(record.ageDay)", "record.ageDay"}:
                bound = node.comparators[0]
                if (
                    isinstance(node.ops[0], ast.LtE)
                    and isinstance(bound, ast.Constant)
                    and isinstance(bound.value, int)
                ):
                    found.setdefault(bound.value, Place(path, node.lineno))
    if len(found) != 1:
        _defaulted(source, path, "新生儿的天数", str(usual))
        return usual, Place(path)
    return next(iter(found.items()))


def _functions(module: Module | None) -> list[ast.FunctionDef]:
    """Every function of a file, those of its classes included."""
    return [node for node in ast.walk(module.tree) if isinstance(node, ast.FunctionDef)] if module else []
