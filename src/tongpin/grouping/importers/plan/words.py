"""Plan words 模板用语: cells that a coder writes, read as conditions, and conditions written as such cells."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

from tongpin.grouping.importers.alternatives import TRUE, AllOf, AnyOf, when_text
from tongpin.grouping.importers.plan.sheets import LIST_COLUMNS, NUMBER_COLUMNS, OPERATION_WORD
from tongpin.grouping.tables.model import VALID_PX
from tongpin.grouping.tables.when import Atom

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tongpin.grouping.importers.alternatives import Expression
    from tongpin.grouping.tables.when import Clause, Condition

SEXES = {"男": 1, "女": 2}
COMPLICATIONS: dict[str, Expression] = {
    "MCC": Atom("mcc"),
    "CC": Atom("cc"),
    "MCC或CC": AnyOf((Atom("mcc"), Atom("cc"))),
    "无": AllOf((Atom("mcc", negated=True), Atom("cc", negated=True))),
    "不限": TRUE,
    "": TRUE,
}

_SIGNS = {
    "<=": ("<=", "=<", "≤", "≦", "小于等于", "不超过", "不大于", "不多于", "至多"),
    ">=": (">=", "=>", "≥", "≧", "大于等于", "不小于", "不少于", "不低于", "至少"),
    "<": ("<", "小于", "不足", "不满", "未满", "低于", "少于"),
    ">": (">", "大于", "超过", "高于", "多于"),
    "==": ("==", "=", "等于"),
}
_SIGN_OF = {word: sign for sign, words in _SIGNS.items() for word in words}
_PREFIX = "|".join(re.escape(word) for word in sorted(_SIGN_OF, key=len, reverse=True))
_UNIT = r"(?:周岁|岁|天|日|克|g|小时)?"
_VALUE = r"(\d+(?:\.\d+)?)"
_COMPARED = re.compile(rf"({_PREFIX}){_VALUE}{_UNIT}")
_BETWEEN = re.compile(rf"{_VALUE}{_UNIT}(?:-|~|—|–|至|到){_VALUE}{_UNIT}")
_OPEN = re.compile(rf"{_VALUE}{_UNIT}(?:及)?(以上|以下)")
_EXACT = re.compile(rf"{_VALUE}{_UNIT}")
_JOINTS = re.compile(r"并且|而且|[,;、且和&]")


def number_atoms(field: str, text: str) -> list[Atom]:
    """`>=1500，<2000`, `6-14`, `不满17岁`, `14以上` as comparisons, all of which must hold; raises `ValueError`."""
    plain = "".join(unicodedata.normalize("NFKC", text).split())
    atoms: list[Atom] = []
    for piece in _JOINTS.split(plain):
        if match := _COMPARED.fullmatch(piece):
            atoms.append(Atom(field, op=_SIGN_OF[match[1]], number=float(match[2])))
        elif match := _BETWEEN.fullmatch(piece):
            low, high = float(match[1]), float(match[2])
            if low > high:
                raise ValueError(piece)
            atoms += [Atom(field, op=">=", number=low), Atom(field, op="<=", number=high)]
        elif match := _OPEN.fullmatch(piece):
            atoms.append(Atom(field, op=">=" if match[2] == "以上" else "<=", number=float(match[1])))
        elif match := _EXACT.fullmatch(piece):
            atoms.append(Atom(field, op="==", number=float(match[1])))
        else:
            raise ValueError(piece)
    return atoms


def cells_of(condition: Condition, keys: Sequence[str]) -> dict[str, str]:
    """A condition in the columns of a sheet; what no column can say stands in `other` (key → cell)."""
    level, clause = _complication(condition, keys)
    if clause is None:
        return {"other": when_text(condition)}
    cells: dict[str, str] = {"complication": level} if level else {}
    numbers: dict[str, list[Atom]] = {}
    rest: list[Atom] = []
    for atom in clause:
        column = _list_column(atom, cells, keys)
        if column:
            cells[column] = OPERATION_WORD if atom.list_name == VALID_PX else atom.list_name
        elif atom.kind in NUMBER_COLUMNS and atom.kind in keys and not atom.negated and atom.number >= 0:
            numbers.setdefault(atom.kind, []).append(atom)
        elif atom.kind == "sex" and "sex" in keys and "sex" not in cells and (word := _sex_word(atom)):
            cells["sex"] = word
        else:
            rest.append(atom)
    for kind, atoms in numbers.items():
        cells[kind] = "，".join(f"{atom.op}{atom.number:.15g}" for atom in atoms)
    if rest:
        cells["other"] = when_text((tuple(rest),))
    return cells


def _complication(condition: Condition, keys: Sequence[str]) -> tuple[str, Clause | None]:
    """The word for the complications of a condition and the one clause that is left of it; None if there is none."""
    stripped = [_without_complications(clause) for clause in condition]
    levels = [{str(atom) for atom in clause if atom.kind in {"mcc", "cc"}} for clause in condition]
    if "complication" not in keys:
        return "", condition[0] if len(condition) == 1 else None
    if len(condition) == 1:
        word = {("mcc",): "MCC", ("cc",): "CC", ("!cc", "!mcc"): "无", (): ""}.get(tuple(sorted(levels[0])))
        return ("", condition[0]) if word is None else (word, stripped[0])
    both = [{"mcc"}, {"cc"}]
    if levels in (both, both[::-1]) and set(stripped[0]) == set(stripped[1]):
        return "MCC或CC", stripped[0]
    return "", None


def _without_complications(clause: Iterable[Atom]) -> Clause:
    return tuple(atom for atom in clause if atom.kind not in {"mcc", "cc"})


def _list_column(atom: Atom, cells: dict[str, str], keys: Sequence[str]) -> str:
    """The free column for a list condition; empty when there is none."""
    if not atom.list_name or atom.negated:
        return ""
    usable = (column for column, kind in LIST_COLUMNS.items() if kind == atom.kind)
    return next((column for column in usable if column in keys and column not in cells), "")


def _sex_word(atom: Atom) -> str:
    """男 or 女 for a plain comparison with their codes; empty for anything else."""
    if atom.negated or atom.op != "==":
        return ""
    return next((word for word, code in SEXES.items() if code == atom.number), "")
