"""The `when` language of scheme tables 入组条件: alternatives ` | ` of conjunctions ` & ` of atoms, `!` for not.

The vocabulary is closed: code lists (`dx_main|dx_any|dx_other:LIST`, `px_main|px_any|px_other:LIST`), comparisons
(`age<17`, `sex==1`), texts (`dept==ICU`, `discharge_way:2,5`), `mcc`, `cc`, `always`, `never`. No nesting, no
arithmetic. A scheme may declare more number and text fields (`field.csv`); they are compared in the same way.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

LIST_KINDS = ("dx_main", "dx_any", "dx_other", "px_main", "px_any", "px_other")
NUMBER_FIELDS = ("sex", "age", "age_days", "birth_weight", "los", "icu_hours", "dx_count", "px_count")
"""The numbers every scheme may compare; `dx_count` and `px_count` are the codes a case carries."""
TEXT_FIELDS = ("dept", "discharge_way")
OPERATORS = ("<=", ">=", "==", "<", ">")

_COMPARISON = re.compile(rf"(?P<field>[a-z][a-z0-9_]*)\s*(?P<op>{'|'.join(OPERATORS)})\s*(?P<value>.+)")
_NUMBER = re.compile(r"-?\d+(\.\d+)?")
_LIST_NAME = re.compile(r"[^\s:|&!]+")


@dataclass(frozen=True, slots=True)
class Atom:
    """One condition: `kind` is a list kind, a number field, a text field, `mcc` or `cc`.

    `list_name` belongs to list kinds, `op` and `number` to number fields, `values` to text fields.
    """

    kind: str
    negated: bool = False
    list_name: str = ""
    op: str = ""
    number: float = 0.0
    values: tuple[str, ...] = ()

    def __str__(self) -> str:
        """The atom as it is written in a table."""
        mark = "!" if self.negated else ""
        if self.list_name:
            return f"{mark}{self.kind}:{self.list_name}"
        if self.op:
            return f"{mark}{self.kind}{self.op}{self.number:.15g}"
        if len(self.values) == 1:
            return f"{mark}{self.kind}=={self.values[0]}"
        if self.values:
            return f"{mark}{self.kind}:{','.join(self.values)}"
        return f"{mark}{self.kind}"


Clause = tuple[Atom, ...]
Condition = tuple[Clause, ...]
"""Alternatives; each alternative is a conjunction. `()` never holds, `((),)` always holds."""

ALWAYS: Condition = ((),)
NEVER: Condition = ()


class WhenError(ValueError):
    """A `when` that cannot be read: `message`, `hint` and the 1-based character `column` where it goes wrong."""

    def __init__(self, message: str, column: int, hint: str) -> None:
        super().__init__(message)
        self.message = message
        self.column = column
        self.hint = hint


def parse_when(text: str, numbers: tuple[str, ...] = NUMBER_FIELDS, texts: tuple[str, ...] = TEXT_FIELDS) -> Condition:
    """A `when` text as alternatives of atoms over the given fields; raises `WhenError` with the column of the fault."""
    stripped = text.strip()
    if stripped == "always":
        return ALWAYS
    if stripped == "never":
        return NEVER
    clauses: list[Clause] = []
    for clause_text, clause_start in _pieces(text, 0, "|"):
        pieces = _pieces(clause_text, clause_start, "&")
        clauses.append(tuple(_atom(piece, start, numbers, texts) for piece, start in pieces))
    return tuple(clauses)


def _pieces(text: str, start: int, separator: str) -> list[tuple[str, int]]:
    pieces = []
    position = start
    for piece in text.split(separator):
        pieces.append((piece, position))
        position += len(piece) + 1
    return pieces


def _atom(piece: str, start: int, numbers: tuple[str, ...], texts: tuple[str, ...]) -> Atom:
    body = piece.strip()
    column = start + (len(piece) - len(piece.lstrip())) + 1
    if not body:
        raise WhenError("这里缺一个条件", column, "在 | 和 & 两侧各写一个条件，或写 always / never")
    negated = body.startswith("!")
    if negated:
        body = body[1:].lstrip()
    if body in {"mcc", "cc"}:
        return Atom(kind=body, negated=negated)
    if body in {"always", "never"}:
        raise WhenError(f"{body} 只能单独成条", column, f"整格只写 {body}")
    comparison = _COMPARISON.fullmatch(body)
    if comparison:
        return _comparison(comparison, column, numbers, texts, negated=negated)
    kind, colon, rest = body.partition(":")
    kind, rest = kind.strip(), rest.strip()
    if colon and kind in LIST_KINDS:
        if not _LIST_NAME.fullmatch(rest):
            raise WhenError(f"{kind} 后面缺清单名", column, f"写成 {kind}:清单名，例如 {kind}:HC2.px")
        return Atom(kind=kind, negated=negated, list_name=rest)
    if colon and kind in texts:
        values = tuple(value.strip() for value in rest.split(","))
        if not all(values):
            raise WhenError(f"{kind} 后面缺值", column, f"写成 {kind}:2,5")
        return Atom(kind=kind, negated=negated, values=values)
    raise WhenError(
        f"不认识的条件“{body}”",
        column,
        "可用：" + "、".join([*(f"{kind}:清单" for kind in LIST_KINDS), "mcc", "cc", "age<17 一类的比较"]),
    )


def _comparison(
    match: re.Match[str], column: int, numbers: tuple[str, ...], texts: tuple[str, ...], *, negated: bool
) -> Atom:
    field, op, value = match["field"], match["op"], match["value"].strip()
    if field in texts and op == "==":
        return Atom(kind=field, negated=negated, values=(value,))
    if field not in numbers:
        usable = [*numbers, *(f"{text}==" for text in texts)]
        raise WhenError(f"“{field}”不能比较", column, f"可比较的有：{'、'.join(usable)}；别的字段先在 field.csv 里登记")
    if not _NUMBER.fullmatch(value):
        raise WhenError(f"“{value}”不是数字", column + match.start("value"), f"写成 {field}{op}数字")
    return Atom(kind=field, negated=negated, op=op, number=float(value))


def compare(left: float, op: str, right: float) -> bool:
    """`left op right` for the five operators; a missing value (None) is the caller's to refuse."""
    if op == "<":
        return left < right
    if op == "<=":
        return left <= right
    if op == ">":
        return left > right
    if op == ">=":
        return left >= right
    return left == right
