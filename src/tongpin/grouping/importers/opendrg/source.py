"""OpenDRG's files: parsed with `ast`, never imported; a construct without a known meaning is refused with its place."""

from __future__ import annotations

import ast
import re
import warnings
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from tongpin.grouping.importers.draft import Draft, Place

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_MESSAGES = frozenset({"message", "output", "print"})
_LIST_VARIABLE = re.compile(r"(?:adrg|mdc)_(?:zd|ss)(\d*)")
_QUOTED = 80
"""How much of a refused construct a message repeats."""


class Refused(Exception):  # noqa: N818 - says what happened
    """A construct without a known meaning: where it stands, what it says, why it is refused and what to write."""

    def __init__(self, node: ast.AST, message: str, hint: str) -> None:
        super().__init__(message)
        self.line = getattr(node, "lineno", 0)
        try:
            self.text = ast.unparse(node)[:_QUOTED]
        except RecursionError:
            self.text = ""
        self.message = message
        self.hint = hint


class Codes(NamedTuple):
    """A code list as the source writes it, the number of its variable (`adrg_ss1` → `1`) and its line."""

    codes: tuple[str, ...]
    suffix: str
    line: int


class Classes(NamedTuple):
    """Procedures that carry a class (乳腺、妇科特殊规则): class → codes; a code counts for its first class only."""

    codes: dict[str, tuple[str, ...]]
    suffix: str
    line: int


@dataclass(slots=True)
class Module:
    """One parsed file: its functions and classes by name, and the folder each imported name comes from."""

    path: str
    tree: ast.Module
    functions: dict[str, ast.FunctionDef] = field(default_factory=dict)
    folders: dict[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The file name without folder and ending."""
        return self.path.rsplit("/", 1)[-1].removesuffix(".py")


class Checkout:
    """The folder of one variant: hands out parsed files once each and reports what is wrong in them."""

    def __init__(self, root: Path, draft: Draft) -> None:
        self.root = root
        self.draft = draft
        self._modules: dict[str, Module | None] = {}

    def has(self, path: str) -> bool:
        """Whether a file of the variant exists."""
        return (self.root / path).is_file()

    def refuse(self, path: str, refused: Refused, rule_id: str = "SCH-P003") -> None:
        """Report a refused construct of a file as an error."""
        said = refused.text.partition("\n")[0]
        message = f"{refused.message}：{said}" if refused.message.startswith("不认识") and said else refused.message
        self.draft.fault(rule_id, Place(path, refused.line), refused.text, message, refused.hint)

    @contextmanager
    def reporting(self, path: str, rule_id: str = "SCH-P003") -> Iterator[None]:
        """Report what is refused inside, and go on after it."""
        try:
            yield
        except Refused as refused:
            self.refuse(path, refused, rule_id)

    def not_imported(self, place: Place, name: str, path: str) -> None:
        """Warn of a name that the source uses without importing it, and that is taken from its file."""
        self.draft.fault(
            "SCH-P010",
            place,
            name,
            f"用到 {name} 但没有引入，来源运行到这里会出错：按 {path} 导入",
            "核对这个组当地是否在用",
            severity="warning",
        )

    def text(self, path: str, encoding: str = "utf-8-sig") -> str | None:
        """The text of a file; a missing or unreadable one is reported and None."""
        file = self.root / path
        if not file.is_file():
            self.draft.fault(
                "SCH-P001",
                Place(path),
                "",
                f"缺少文件 {path}",
                "给出完整的检出目录；Git LFS 的文件要先取下来",
            )
            return None
        self.draft.read_files.append(file)
        try:
            return file.read_text(encoding=encoding)
        except UnicodeDecodeError:
            self.draft.fault("SCH-P002", Place(path), "", "文件不是 UTF-8 文本", "另存为 UTF-8 后重试")
            return None

    def module(self, path: str) -> Module | None:
        """A parsed file; None, and reported once, when it is missing or is not Python."""
        if path not in self._modules:
            self._modules[path] = self._parse(path)
        return self._modules[path]

    def _parse(self, path: str) -> Module | None:
        text = self.text(path)
        if text is None:
            return None
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # the source writes '\\|' in patterns; that is its own affair
                tree = ast.parse(text)
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            line = error.lineno or 0 if isinstance(error, SyntaxError) else 0
            self.draft.fault("SCH-P002", Place(path, line), "", "这里不成 Python 语法", "对照来源改正这一行")
            return None
        module = Module(path, tree)
        for statement in tree.body:
            if isinstance(statement, ast.FunctionDef):
                module.functions[statement.name] = statement
            elif isinstance(statement, ast.ImportFrom) and statement.module:
                folder = statement.module.rsplit(".", 1)[-1]
                module.folders.update({name.asname or name.name: folder for name in statement.names})
        return module


def statements(body: list[ast.stmt]) -> list[ast.stmt]:
    """A body without messages, documentation and `pass`, which do nothing to the answer."""
    return [statement for statement in body if not _says_nothing(statement)]


def _says_nothing(statement: ast.stmt) -> bool:
    if isinstance(statement, ast.Pass):
        return True
    if not isinstance(statement, ast.Expr):
        return False
    value = statement.value
    is_message = isinstance(value, ast.Call) and isinstance(value.func, ast.Name) and value.func.id in _MESSAGES
    return isinstance(value, ast.Constant) or is_message


@dataclass(slots=True)
class Variables:
    """The code lists that a function defines before it decides."""

    lists: dict[str, Codes] = field(default_factory=dict)
    classes: dict[str, Classes] = field(default_factory=dict)


def split_variables(function: ast.FunctionDef) -> tuple[Variables, list[ast.stmt]]:
    """The lists at the head of a function, and the statements after them; raises `Refused`."""
    variables = Variables()
    rest = statements(function.body)
    while rest and isinstance(rest[0], ast.Assign):
        name, value = assigned(rest[0])
        if isinstance(value, ast.List):
            variables.lists[name] = code_list(value, name)
        elif isinstance(value, ast.ListComp):
            variables.classes[name] = _classes(value, variables)
        else:
            break
        rest = rest[1:]
    return variables, rest


def assigned(statement: ast.Assign) -> tuple[str, ast.expr]:
    """The variable and the value of an assignment to one name; raises `Refused`."""
    target = statement.targets[0]
    if len(statement.targets) != 1 or not isinstance(target, ast.Name):
        raise Refused(statement, "不认识的赋值", "这一版分组器的写法与已知的不同，请报告给同频")
    return target.id, statement.value


def code_list(node: ast.List | ast.Tuple | ast.Set, name: str = "") -> Codes:
    """A literal list of codes; raises `Refused` for anything but texts in it."""
    codes = []
    for element in node.elts:
        if not isinstance(element, ast.Constant) or not isinstance(element.value, str):
            raise Refused(element, "编码清单里只能写带引号的编码", '写成 "A00.000"，用逗号分隔')
        codes.append(element.value.strip())
    match = _LIST_VARIABLE.fullmatch(name)
    return Codes(tuple(codes), match[1] if match else "", node.lineno)


def _classes(node: ast.ListComp, variables: Variables) -> Classes:
    """The classes of a `[class_of[codes.index(x)] for x in record.ssList if x in codes]`."""
    refused = Refused(node, "不认识的列表写法", "只认识“按手术清单的位置取类别”这一种")
    match = re.fullmatch(
        r"\[(\w+)\[(\w+)\.index\((\w+)\)\] for (\w+) in record\.ssList if (\w+) in (\w+)\]", ast.unparse(node)
    )
    if not match:
        raise refused
    labels, codes, *loop, again = match.groups()
    if len(set(loop)) != 1 or again != codes or not {labels, codes} <= set(variables.lists):
        raise refused
    listed, labelled = variables.lists[codes], variables.lists[labels]
    if len(labelled.codes) < len(listed.codes):
        raise Refused(
            node, f"手术有 {len(listed.codes)} 个，类别只有 {len(labelled.codes)} 个", "给每个手术补上一个类别"
        )
    first: dict[str, str] = {}
    for code, label in zip(listed.codes, labelled.codes, strict=False):
        first.setdefault(code, label)
    grouped: dict[str, list[str]] = {label: [] for label in labelled.codes}
    for code, label in first.items():
        grouped[label].append(code)
    return Classes({label: tuple(members) for label, members in grouped.items()}, listed.suffix, listed.line)


def returned(statement: ast.stmt) -> str | None:
    """The text that a `return` gives, "" for nothing (`return`, `return ''`, `return False`); None for all else."""
    if not isinstance(statement, ast.Return):
        return None
    if statement.value is None:
        return ""
    if not isinstance(statement.value, ast.Constant):
        return None
    value = statement.value.value
    if isinstance(value, str):
        return value
    return "" if value is None or value is False else None


def function_of(checkout: Checkout, module: Module, name: str = "group") -> ast.FunctionDef | None:
    """A function of a file; None, and reported, when the file has none of that name."""
    if name not in module.functions:
        hint = "对照来源补上，或检查文件是否完整"
        checkout.draft.fault("SCH-P003", Place(module.path), name, f"文件里没有函数 {name}", hint)
    return module.functions.get(name)


def returns_nothing(body: list[ast.stmt]) -> bool:
    """Whether a body does nothing but say that there is no result (or is empty)."""
    left = statements(body)
    return not left or (len(left) == 1 and returned(left[0]) == "")
