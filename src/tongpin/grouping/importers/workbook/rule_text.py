"""Rule text 规则文字: `is_op2(case, 'AC1_01') and case.age < 18` parsed into a condition, never evaluated."""

from __future__ import annotations

import ast
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tongpin.grouping.importers.alternatives import FALSE, TRUE, AllOf, AnyOf, Expression, Opposite
from tongpin.grouping.tables.when import Atom

if TYPE_CHECKING:
    from collections.abc import Mapping

LIST_FUNCTIONS: Mapping[str, tuple[str, str]] = {
    "is_pd1": ("dx_main", "MDC诊断表"),
    "is_sd1": ("dx_other", "MDC诊断表"),
    "is_pd2": ("dx_main", "ADRG诊断表"),
    "is_sd2": ("dx_other", "ADRG诊断表"),
    "is_op2": ("px_any", "ADRG手术表"),
    "is_mo2": ("px_main", "ADRG手术表"),
    "is_so2": ("px_other", "ADRG手术表"),
}
"""Functions over a code list: what stands where, and the sheet of the list."""

MULTI_SITE = "multi_wound"
"""The function for injuries of several sites: a property of an MDC in the model, so it may only be an entry's part."""

FIELDS: Mapping[str, str] = {
    "gender": "sex",
    "age": "age",
    "newborn_age_day": "age_days",
    "newborn_birth_weight": "birth_weight",
    "in_hospital_day": "los",
}
"""Properties of `case` and the fields of the model."""

OTHER_FIELDS: Mapping[str, str] = {
    "newborn_age_month": "新生儿月龄",
    "in_hospital_cost": "住院总费用",
}
"""Properties of `case` that the model has no field for: the scheme declares them."""

_CC_ONLY = AllOf((Atom("cc"), Atom("mcc", negated=True)))
FLAGS: Mapping[str, Expression] = {
    "mcc": Atom("mcc"),
    "has_mcc": Atom("mcc"),
    "cc": _CC_ONLY,
    "has_cc": Atom("cc"),
    "have_operation": Atom("px_main", list_name="valid_px"),
}
"""Properties of `case` that are 1 or 0; `cc` is 1 only without an MCC."""

FLAG_FUNCTIONS: Mapping[str, Expression] = {"is_mcc": Atom("mcc"), "is_cc": Atom("cc")}

_OPERATORS: Mapping[type[ast.cmpop], str] = {
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.Eq: "==",
    ast.NotEq: "!=",
}
_MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}
_QUOTES = str.maketrans({"‘": "'", "’": "'", "“": '"', "”": '"', "。": ".", "、": ","})
_MOST_CHARACTERS = 5000


class RuleError(ValueError):
    """A rule that cannot be read: what is wrong, at which character (1-based), and what may be written."""

    def __init__(self, message: str, column: int, hint: str) -> None:
        super().__init__(message)
        self.message = message
        self.column = column
        self.hint = hint


@dataclass(frozen=True, slots=True)
class Rule:
    """A parsed rule: its expression, the lists it names (sheet, list), the fields a scheme must declare."""

    expression: Expression
    lists: tuple[tuple[str, str], ...]
    fields: tuple[str, ...]
    multi_site: bool


def list_name(sheet: str, name: str) -> str:
    """The name that a list of a sheet has in the scheme; the two diagnosis sheets may use one name for two lists."""
    return f"{name}.{ {'MDC诊断表': 'mdc', 'ADRG诊断表': 'dx', 'ADRG手术表': 'px'}[sheet] }"


def parse_rule(text: str) -> Rule:
    """A rule text as an expression of the model; raises `RuleError`. Nothing of the text is ever run."""
    plain = unicodedata.normalize("NFKC", text.translate(_QUOTES)).strip()
    if len(plain) > _MOST_CHARACTERS:
        raise RuleError(f"规则有 {len(plain)} 个字符，过长", 1, f"拆成几行，每行不超过 {_MOST_CHARACTERS} 个字符")
    plain = " ".join(plain.split())
    try:
        tree = ast.parse(plain, mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        column = error.offset or 1 if isinstance(error, SyntaxError) else 1
        raise RuleError("规则的写法不完整：括号、引号或 and/or 不配对", column, _example()) from error
    reader = _Reader()
    body = tree.body
    parts = body.values if isinstance(body, ast.BoolOp) and isinstance(body.op, ast.And) else [body]
    multi_site = [part for part in parts if reader.is_multi_site(part)]
    try:
        expression = AllOf(tuple(reader.read(part) for part in parts if part not in multi_site))
    except RecursionError as error:
        raise RuleError("规则嵌套过深", 1, "拆成几行") from error
    except RuleError as error:
        # The syntax tree counts bytes, a coder counts characters.
        error.column = len(plain.encode()[: error.column - 1].decode(errors="ignore")) + 1
        raise
    return Rule(expression, tuple(reader.lists), tuple(reader.fields), bool(multi_site))


def _example() -> str:
    return "写成例如 is_pd2(case, 'AE1_01') and is_op2(case, 'AE1_02')"


def known_words() -> str:
    """Everything a rule may use, for hints."""
    functions = "、".join([*LIST_FUNCTIONS, MULTI_SITE, *FLAG_FUNCTIONS])
    properties = "、".join(f"case.{name}" for name in (*FIELDS, *OTHER_FIELDS, *FLAGS))
    return f"可用的函数：{functions}；可用的属性：{properties}"


class _Reader:
    """Walks a syntax tree; whatever is not in the lists above is refused by name."""

    def __init__(self) -> None:
        self.lists: dict[tuple[str, str], None] = {}
        self.fields: dict[str, None] = {}

    @staticmethod
    def is_multi_site(node: ast.expr) -> bool:
        """Whether a part is the condition on several sites, by itself."""
        return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == MULTI_SITE

    def read(self, node: ast.expr) -> Expression:
        if isinstance(node, ast.BoolOp):
            parts = tuple(self.read(part) for part in node.values)
            return AllOf(parts) if isinstance(node.op, ast.And) else AnyOf(parts)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            return Opposite(self.read(node.operand))
        if isinstance(node, ast.Constant) and node.value in {True, False} and not isinstance(node.value, float):
            return TRUE if node.value else FALSE
        if isinstance(node, ast.Call):
            return self._call(node)
        if isinstance(node, ast.Compare):
            return self._comparisons(node)
        if isinstance(node, ast.Attribute):
            name = self._property(node)
            if name in FLAGS:
                return FLAGS[name]
            raise _refusal(node, f"case.{name} 要与一个数比较", f"写成例如 case.{name} < 18")
        raise _refusal(node, f"不能用的写法“{ast.unparse(node)}”", known_words())

    def _call(self, node: ast.Call) -> Expression:
        name = node.func.id if isinstance(node.func, ast.Name) else ast.unparse(node.func)
        if name == MULTI_SITE:
            raise _refusal(node, f"{name}(case) 只能单独写，或用 and 与别的条件并列", "放在 mdc_rule 的最外层")
        if name not in LIST_FUNCTIONS and name not in FLAG_FUNCTIONS:
            raise _refusal(node, f"不认识的函数 {name}", known_words())
        arguments = node.args
        of_case = bool(arguments) and isinstance(arguments[0], ast.Name) and arguments[0].id == "case"
        if name in FLAG_FUNCTIONS:
            if not of_case or len(arguments) != 1 or node.keywords:
                raise _refusal(node, f"{name} 的参数不对", f"写成 {name}(case)")
            return FLAG_FUNCTIONS[name]
        named = arguments[1] if len(arguments) > 1 else None
        text = named.value if isinstance(named, ast.Constant) else None
        well_formed = of_case and len(arguments) == len(("case", "list")) and not node.keywords
        if not well_formed or not isinstance(text, str) or not text.strip():
            raise _refusal(node, f"{name} 的参数不对", f"写成 {name}(case, '分类编号')，编号加引号")
        kind, sheet = LIST_FUNCTIONS[name]
        listed = "".join(text.split())
        self.lists[sheet, listed] = None
        return Atom(kind, list_name=list_name(sheet, listed))

    def _comparisons(self, node: ast.Compare) -> Expression:
        """`0 < case.age <= 17` and its like: one comparison per pair."""
        sides = [node.left, *node.comparators]
        pairs = zip(sides, node.ops, sides[1:], strict=False)
        return AllOf(tuple(self._comparison(left, op, right) for left, op, right in pairs))

    def _comparison(self, left: ast.expr, op: ast.cmpop, right: ast.expr) -> Expression:
        if isinstance(op, ast.In | ast.NotIn) and isinstance(right, ast.Tuple | ast.List | ast.Set):
            inside = AnyOf(tuple(self._one(left, "==", value) for value in right.elts))
            return inside if isinstance(op, ast.In) else Opposite(inside)
        sign = _OPERATORS.get(type(op))
        if sign is None:
            raise _refusal(left, f"不能用的比较“{ast.unparse(left)}…”", "可用 < <= > >= == != in")
        if _number(left) is not None:
            return self._one(right, _MIRRORED[sign], left)
        return self._one(left, sign, right)

    def _one(self, subject: ast.expr, sign: str, value: ast.expr) -> Expression:
        number = _number(value)
        if number is None:
            raise _refusal(value, f"“{ast.unparse(value)}”不是数字", "属性只能与数字比较，例如 case.age < 18")
        if sign == "!=":
            return Opposite(self._one(subject, "==", value))
        if isinstance(subject, ast.Call):
            return _flag(self._call(subject), sign, number, subject)
        name = self._property(subject)
        if name in FLAGS:
            return _flag(FLAGS[name], sign, number, subject)
        if name in OTHER_FIELDS:
            self.fields[name] = None
        return Atom(FIELDS.get(name, name), op=sign, number=number)

    @staticmethod
    def _property(node: ast.expr) -> str:
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "case":
            name = node.attr
            if name in FIELDS or name in OTHER_FIELDS or name in FLAGS:
                return name
            raise _refusal(node, f"不认识的属性 case.{name}", known_words())
        raise _refusal(node, f"不能用的写法“{ast.unparse(node)}”", known_words())


def _flag(meaning: Expression, sign: str, number: float, node: ast.expr) -> Expression:
    """A flag compared with 1 or 0."""
    if sign != "==" or number not in {0, 1}:
        raise _refusal(node, f"“{ast.unparse(node)}”只能与 1 或 0 比是否相等", "写成 == 1 或 == 0")
    return meaning if number == 1 else Opposite(meaning)


def _number(node: ast.expr) -> float | None:
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        inner = _number(node.operand)
        return None if inner is None else -inner
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float) and not isinstance(node.value, bool):
        return float(node.value)
    return None


def _refusal(node: ast.expr, message: str, hint: str) -> RuleError:
    return RuleError(message, node.col_offset + 1, hint)
