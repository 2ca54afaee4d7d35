"""OpenDRG's conditions: each Python expression with a known meaning becomes `when`, all others are refused."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, NamedTuple

from tongpin.grouping.importers.alternatives import (
    FALSE,
    TRUE,
    AllOf,
    AnyOf,
    Expression,
    Opposite,
    TooManyAlternatives,
    condition_of,
)
from tongpin.grouping.importers.draft import Draft, Place
from tongpin.grouping.importers.opendrg.source import Classes, Codes, Refused, Variables, code_list
from tongpin.grouping.tables.model import VALID_PX
from tongpin.grouping.tables.when import Atom

if TYPE_CHECKING:
    from collections.abc import Callable

    from tongpin.grouping.tables.when import Clause, Condition

NUMBERS = {
    "age": "age",
    "ageDay": "age_days",
    "weight": "birth_weight",
    "inHospitalTime": "los",
    "icuHours": "icu_hours",
}
"""The numbers of OpenDRG's record and what they are called in `when`."""
TEXTS = {"dept": "dept", "leavingType": "discharge_way"}
"""The texts of OpenDRG's record and what they are called in `when`."""
SEQUENCES = {"zdList": "dx", "ssList": "px"}
SEXES = {"1": 1, "男": 1, "2": 2, "女": 2}
_OPERATORS: dict[type[ast.cmpop], str] = {ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "=="}
_FLIPPED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "=="}
_KNOWN = "known"
"""The operator of the passing condition "a value is given"; it never reaches a table."""
_HINT = (
    "写成 record.zdList[0] in 清单、intersect(record.ssList,清单)、record.age<17、has_mcc(主要诊断,其他诊断) 之类；"
    "来源若确有新写法，请连同文件报告给同频"
)

HAS_PX = Atom("px_count", op=">=", number=1)
_SEVERAL_DX = Atom("dx_count", op=">", number=1)
_SEVERAL_PX = Atom("px_count", op=">", number=1)


class Subject(NamedTuple):
    """One side of a comparison: what it is, and the field, place or value it means."""

    kind: str
    name: str = ""
    place: str = ""
    value: object = None
    codes: Codes | None = None
    classes: Classes | None = None


class Lists:
    """The code lists of the scheme: equal lists of one owner share an id, an id never means two lists."""

    def __init__(self, draft: Draft) -> None:
        self.draft = draft
        self._codes: dict[str, frozenset[str]] = {}

    def name(self, what: str, owner: str, suffix: str, codes: tuple[str, ...], place: Place) -> str:
        """The id of a list of an owner; `what` is dx or px."""
        members = frozenset(codes)
        base = f"{owner}.{what}{suffix}"
        number = 0
        while True:
            name = f"{base}_{number}" if number else base
            if name not in self._codes:
                break
            if self._codes[name] == members:
                return name
            number += 1
        self._codes[name] = members
        if not members:
            self.draft.add("empty_list", place, list=name)
        for code in dict.fromkeys(codes):
            self.draft.add(f"{what}_list", place, list=name, code=code)
        return name


class Conditions:
    """Translates the conditions of one function, whose code lists belong to `owner`."""

    def __init__(
        self, path: str, owner: str, variables: Variables, lists: Lists, called: Callable[[ast.Call], Expression]
    ) -> None:
        self.path = path
        self.owner = owner
        self.variables = variables
        self.lists = lists
        self.called = called

    def condition(self, node: ast.expr) -> Condition:
        """The condition of a test as alternatives without redundant parts; raises `Refused`."""
        try:
            condition = simplified(condition_of(self.expression(node)))
        except TooManyAlternatives as error:
            raise Refused(node, "条件展开后的可能太多", "拆成几条规则再导入") from error
        except RecursionError as error:
            raise Refused(node, "条件套得太深", "拆成几条规则再导入") from error
        for atom in (atom for clause in condition for atom in clause):
            if atom.op == _KNOWN:
                raise Refused(node, "只看有没有填，方案表里写不了", "同时写出与什么数比较")
        return condition

    def expression(self, node: ast.expr) -> Expression:
        """The meaning of a test; raises `Refused`."""
        if isinstance(node, ast.BoolOp):
            parts = tuple(self.expression(value) for value in node.values)
            return AllOf(parts) if isinstance(node.op, ast.And) else AnyOf(parts)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            return Opposite(self.expression(node.operand))
        if isinstance(node, ast.Constant) and (node.value is None or isinstance(node.value, bool)):
            return TRUE if node.value else FALSE
        if isinstance(node, ast.Compare):
            return self._comparison(node)
        if isinstance(node, ast.Call):
            return self._call(node)
        return self._given(node)

    def _given(self, node: ast.expr) -> Expression:
        """A value used as a test by itself: a list is not empty, a number is not 0."""
        subject = self._subject(node)
        if subject.kind == "sequence" and subject.place == "any":
            return HAS_PX if subject.name == "px" else TRUE
        if subject.kind == "number":
            return Atom(subject.name, op=">", number=0)
        if subject.kind == "list" and subject.codes is not None:
            return TRUE if subject.codes.codes else FALSE
        raise Refused(node, "不认识的条件", _HINT)

    def _comparison(self, node: ast.Compare) -> Expression:
        sides = [node.left, *node.comparators]
        parts = [
            self._pair(node, self._subject(left), operator, self._subject(right))
            for left, operator, right in zip(sides, node.ops, sides[1:], strict=False)
        ]
        return parts[0] if len(parts) == 1 else AllOf(tuple(parts))

    def _pair(self, node: ast.Compare, left: Subject, operator: ast.cmpop, right: Subject) -> Expression:
        if isinstance(operator, ast.NotIn):
            return Opposite(self._member(node, left, right))
        if isinstance(operator, ast.In):
            return self._member(node, left, right)
        if isinstance(operator, ast.NotEq | ast.IsNot):
            return Opposite(self._equal(node, left, right))
        if isinstance(operator, ast.Eq | ast.Is):
            return self._equal(node, left, right)
        if left.kind == "constant":
            return self._ordered(node, right, _FLIPPED[_OPERATORS[type(operator)]], left)
        return self._ordered(node, left, _OPERATORS[type(operator)], right)

    def _equal(self, node: ast.Compare, left: Subject, right: Subject) -> Expression:
        if left.kind == "constant":
            left, right = right, left
        if right.kind != "constant":
            raise Refused(node, "不认识的条件", _HINT)
        if right.value in {None, ""} and left.kind == "number":
            return Opposite(Atom(left.name, op=_KNOWN))
        if left.kind == "text":
            return Atom(left.name, values=(str(right.value),))
        if left.kind == "sex":
            return self._sexes(node, (right.value,))
        if left.kind == "main":
            return self._listed(left.name, "main", Codes((str(right.value),), "", node.lineno))
        return self._ordered(node, left, "==", right)

    def _ordered(self, node: ast.Compare, subject: Subject, operator: str, bound: Subject) -> Expression:
        number = bound.value
        if bound.kind != "constant" or isinstance(number, bool) or not isinstance(number, int | float):
            raise Refused(node, "只能与写明的数字比较", "写成 record.age<17 这样的比较")
        if subject.kind == "number":
            return Atom(subject.name, op=operator, number=number)
        if subject.kind == "count" and subject.name == "px":
            return Atom("px_count", op=operator, number=number)
        if subject.kind == "count":
            if (operator, number) in {(">", 0), (">=", 1)}:
                return TRUE  # a record always carries a principal diagnosis, if only an empty one
            if (operator, number) == (">=", 2):
                return _SEVERAL_DX
            return Atom("dx_count", op=operator, number=number)
        raise Refused(node, "不认识的条件", _HINT)

    def _member(self, node: ast.Compare, left: Subject, right: Subject) -> Expression:
        if left.kind == "main" and right.codes is not None:
            return self._listed(left.name, "main", right.codes)
        if left.kind == "main" and right.kind == VALID_PX:
            return self._valid(node, left.name, "main")
        if left.kind == "constant" and right.kind == "sequence":
            return self._listed(right.name, right.place, Codes((str(left.value),), "", node.lineno))
        if left.kind == "constant" and right.classes is not None:
            return self._of_class(str(left.value), right.classes)
        if left.kind == "text" and right.codes is not None:
            values = right.codes.codes
            return Atom(left.name, values=values) if values else FALSE
        if left.kind == "sex" and right.kind == "values":
            return self._sexes(node, right.value if isinstance(right.value, tuple) else ())
        if left.kind == "sex" and right.codes is not None:
            return self._sexes(node, right.codes.codes)
        raise Refused(node, "不认识的条件", _HINT)

    def _sexes(self, node: ast.Compare, values: tuple[object, ...]) -> Expression:
        unknown = [value for value in values if str(value) not in SEXES]
        if unknown:
            raise Refused(node, f"性别不能是 {unknown[0]!r}", "1 为男，2 为女")
        sexes = dict.fromkeys(SEXES[str(value)] for value in values)
        return AnyOf(tuple(Atom("sex", op="==", number=sex) for sex in sexes))

    def _call(self, node: ast.Call) -> Expression:
        function, arguments = node.func, node.args
        if node.keywords:
            raise Refused(node, "不认识的调用", _HINT)
        if isinstance(function, ast.Name) and function.id == "intersect" and len(arguments) == len("ab"):
            return self._common(node, self._subject(arguments[0]), self._subject(arguments[1]))
        if isinstance(function, ast.Name) and function.id in {"has_mcc", "has_cc"}:
            if [ast.unparse(argument) for argument in arguments] != ["record.zdList[0]", "record.zdList[1:]"]:
                raise Refused(
                    node, "并发症判断的参数不对", "依次为主要诊断 record.zdList[0] 与其他诊断 record.zdList[1:]"
                )
            return Atom(function.id.removeprefix("has_"))
        if isinstance(function, ast.Attribute) and [ast.unparse(argument) for argument in arguments] == ["record"]:
            return self.called(node)
        raise Refused(node, "不认识的调用", _HINT)

    def _common(self, node: ast.Call, left: Subject, right: Subject) -> Expression:
        if left.kind != "sequence":
            left, right = right, left
        if left.kind == "sequence" and right.codes is not None:
            return self._listed(left.name, left.place, right.codes)
        if left.kind == "sequence" and right.kind == VALID_PX:
            return self._valid(node, left.name, left.place)
        raise Refused(node, "intersect 须比较病案的编码与一个清单", "写成 intersect(record.ssList,adrg_ss)")

    def _valid(self, node: ast.expr, what: str, place: str) -> Expression:
        if what != "px":
            raise Refused(node, "SS_VALID 是手术清单，不能与诊断比较", "改为 record.ssList")
        return Atom(f"px_{place}", list_name=VALID_PX)

    def _listed(self, what: str, place: str, codes: Codes) -> Expression:
        at = Place(self.path, codes.line)
        return Atom(f"{what}_{place}", list_name=self.lists.name(what, self.owner, codes.suffix, codes.codes, at))

    def _of_class(self, label: str, classes: Classes) -> Expression:
        at = Place(self.path, classes.line)
        members = classes.codes.get(label, ())
        return Atom(
            "px_any", list_name=self.lists.name("px", self.owner, f"{classes.suffix}.class{label}", members, at)
        )

    def _subject(self, node: ast.expr) -> Subject:
        """What one side of a comparison means; raises `Refused`."""
        if isinstance(node, ast.Constant):
            return Subject("constant", value=node.value)
        if isinstance(node, ast.List | ast.Tuple | ast.Set):
            return self._literal(node)
        if isinstance(node, ast.Name):
            return self._named(node)
        text = ast.unparse(node)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and len(node.args) == 1:
            inner = self._subject(node.args[0])
            if node.func.id in {"int", "float"} and inner.kind == "number":
                return inner
            if node.func.id == "len" and inner.kind == "sequence" and inner.place == "any":
                return Subject("count", inner.name)
        for name, what in SEQUENCES.items():
            place = {f"record.{name}": "any", f"record.{name}[1:]": "other"}.get(text)
            if place:
                return Subject("sequence", what, place)
            if text == f"record.{name}[0]":
                return Subject("main", what)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "record":
            if node.attr in NUMBERS:
                return Subject("number", NUMBERS[node.attr])
            if node.attr in TEXTS:
                return Subject("text", TEXTS[node.attr])
            if node.attr == "gender":
                return Subject("sex")
            raise Refused(
                node, f"不认识的病案字段 {node.attr}", f"已知：gender、{'、'.join([*NUMBERS, *TEXTS, *SEQUENCES])}"
            )
        raise Refused(node, "不认识的条件", _HINT)

    def _literal(self, node: ast.List | ast.Tuple | ast.Set) -> Subject:
        values = [element.value for element in node.elts if isinstance(element, ast.Constant)]
        if len(values) == len(node.elts) and any(isinstance(value, int) for value in values):
            return Subject("values", value=tuple(values))
        return Subject("list", codes=code_list(node))

    def _named(self, node: ast.Name) -> Subject:
        if node.id == "SS_VALID":
            return Subject(VALID_PX)
        if node.id in self.variables.lists:
            return Subject("list", codes=self.variables.lists[node.id])
        if node.id in self.variables.classes:
            return Subject("classes", classes=self.variables.classes[node.id])
        raise Refused(node, f"没有定义的名称 {node.id}", "在这个函数的开头写出这个清单")


def as_expression(condition: Condition) -> Expression:
    """A translated condition as part of another one."""
    return AnyOf(tuple(AllOf(clause) for clause in condition))


def simplified(condition: Condition) -> Condition:
    """The same condition without parts that follow from the rest (not-empty guards, `px_any` beside `px_main`)."""
    clauses = [_without_implied(clause) for clause in condition]
    kept: list[Clause] = []
    for at, clause in enumerate(clauses):
        others = kept + clauses[at + 1 :]
        if not any(all(_follows(atom, frozenset(clause)) for atom in other) for other in others):
            kept.append(clause)
    return tuple(kept)


def _without_implied(clause: Clause) -> Clause:
    left = list(dict.fromkeys(clause))
    for atom in tuple(left):
        rest = frozenset(left) - {atom}
        if _follows(atom, rest):
            left.remove(atom)
    return tuple(left)


def _follows(atom: Atom, given: frozenset[Atom]) -> bool:
    """Whether a condition holds wherever all the given ones hold."""
    return atom in given or any(_implies(one, atom) for one in given)


def _implies(one: Atom, other: Atom) -> bool:
    """Whether `other` holds wherever `one` holds, for two different conditions."""
    if one.negated and other.negated:
        return _implies(_positive(other), _positive(one))
    if one.negated or other.negated:
        return False
    if other.kind == "px_count" and one.kind == "px_other":
        return _narrower(_SEVERAL_PX, other) or other == _SEVERAL_PX
    if other == HAS_PX and one.kind.startswith("px_") and one.list_name:
        return True
    if other == _SEVERAL_DX:
        return one.kind in {"mcc", "cc", "dx_other"}
    if one.list_name:
        what, _, place = one.kind.partition("_")
        return other.list_name == one.list_name and place != "any" and other.kind == f"{what}_any"
    if one.kind != other.kind or not one.op or not other.op or one.op == _KNOWN:
        return False
    return other.op == _KNOWN or _narrower(one, other)


def _positive(atom: Atom) -> Atom:
    return Atom(atom.kind, list_name=atom.list_name, op=atom.op, number=atom.number, values=atom.values)


def _narrower(one: Atom, other: Atom) -> bool:
    """Whether every number that meets one comparison meets the other."""
    if one.op == "==":
        bounds = {"<": one.number < other.number, ">": one.number > other.number}
        return bounds.get(other.op, one.number == other.number and other.op in {"<=", ">="}) or (
            (other.op == "<=" and one.number < other.number) or (other.op == ">=" and one.number > other.number)
        )
    if one.op[0] != other.op[0] or other.op == "==":
        return False
    tighter = one.number < other.number if one.op[0] == "<" else one.number > other.number
    return tighter or (one.number == other.number and (one.op == other.op or other.op.endswith("=")))
