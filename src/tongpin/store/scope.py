"""Scope 数据范围: whose rows a reader sees, enforced where the lake is read; `scoped_tables.csv` says by which columns.

A table that is not declared there, and a table without a column for what the scope names, is refused: a new table is
closed until somebody decides about it.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass, fields
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, NamedTuple

from tongpin.base.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Iterable

TABLES_FILE = "scoped_tables.csv"
OPEN = "*"
"""In place of a column: the rows of the table are the same for everybody."""
BY_CASE = "@case"
"""In place of a column: a row is seen by whoever sees its case."""
DIMENSIONS: dict[str, str] = {"hospitals": "医疗机构", "departments": "科室", "doctors": "医师", "cases": "指定病例"}


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose rows are seen: those of these hospitals and departments and doctors and cases; None stands for all of them.

    `hospitals` are institution codes, `departments` and `doctors` the codes that cases carry (they belong to the named
    hospitals), `cases` case ids. An empty set sees nothing. Source: S911-01; architecture (one scope).
    """

    hospitals: frozenset[str] | None = None
    departments: frozenset[str] | None = None
    doctors: frozenset[str] | None = None
    cases: frozenset[str] | None = None

    def __post_init__(self) -> None:
        for name in DIMENSIONS:
            given: Iterable[str] | str | None = getattr(self, name)
            if isinstance(given, str):
                raise TypeError(f"{name} is a set of codes, not one text")
            if given is not None:
                object.__setattr__(self, name, frozenset(given))
        if self.hospitals is None and (self.departments is not None or self.doctors is not None):
            raise ValueError("codes of departments and doctors mean something within named hospitals only")

    @property
    def is_whole(self) -> bool:
        """Whether everything is seen."""
        return all(getattr(self, one.name) is None for one in fields(self))

    def narrowed(self, other: Scope | None) -> Scope:
        """What both scopes see; a scope is never widened."""
        if other is None:
            return self
        both = {}
        for name in DIMENSIONS:
            mine, theirs = getattr(self, name), getattr(other, name)
            both[name] = mine if theirs is None else theirs if mine is None else mine & theirs
        return Scope(**both)

    def sees_hospital(self, institution_code: str) -> bool:
        """Whether what concerns a whole hospital is seen: it is in the scope, and the scope is no part of it."""
        return (
            (self.hospitals is None or institution_code in self.hospitals)
            and self.departments is None
            and self.doctors is None
            and self.cases is None
        )


class Sight(NamedTuple):
    """What of a table a scope sees: columns with the values that a row must have.

    `of_row` holds what does not belong to the key of a row; it is judged on the row in force (`key`, `order`), not on
    an older one. `by_case`: the row's case must be seen too (columns of institution and case). `shown`: the only
    columns that are not blanked, None for all.
    """

    of_key: tuple[tuple[str, frozenset[str]], ...] = ()
    of_row: tuple[tuple[str, frozenset[str]], ...] = ()
    by_case: tuple[str, str] | None = None
    shown: frozenset[str] | None = None
    key: tuple[str, ...] = ()
    order: str | None = None


class Declared(NamedTuple):
    """A row of `scoped_tables.csv`: the table, and per dimension its column, `*`, `@case` or nothing (closed)."""

    table: str
    label: str
    institution: str
    department: str
    doctor: str
    case: str
    shown: tuple[str, ...]
    key: tuple[str, ...]
    order: str


@cache
def declared_tables() -> dict[str, Declared]:
    """Every declared table by name."""
    text = (files("tongpin.store") / TABLES_FILE).read_text(encoding="utf-8")
    rows = csv.DictReader(text.splitlines(), strict=True)
    if tuple(rows.fieldnames or ()) != Declared._fields:
        raise StoreError("store.scoped_tables", f"表头应为 {','.join(Declared._fields)}", where=TABLES_FILE)
    found: dict[str, Declared] = {}
    for row in rows:
        if row["table"] in found:
            raise StoreError("store.scoped_tables", f"表 {row['table']} 写了两次", where=TABLES_FILE)
        shown, key = (tuple(row[name].split("|")) if row[name] else () for name in ("shown", "key"))
        found[row["table"]] = Declared(
            table=row["table"],
            label=row["label"],
            institution=row["institution"],
            department=row["department"],
            doctor=row["doctor"],
            case=row["case"],
            shown=shown,
            key=key,
            order=row["order"],
        )
    return found


def case_table() -> Declared:
    """The table of cases, by which `@case` is judged: the one declared with a key."""
    return next(one for one in declared_tables().values() if one.key)


def sight_of(scope: Scope, table: str) -> Sight:
    """What of a table a scope sees.

    Raises StoreError `store.scope` for a table that is not declared or has no column for what the scope names.
    """
    one = declared_tables().get(table)
    if one is None:
        raise _closed(f"表 {table} 没有声明谁可以看", table)
    columns = {
        "hospitals": one.institution,
        "departments": one.department,
        "doctors": one.doctor,
        "cases": one.case,
    }
    of_key: list[tuple[str, frozenset[str]]] = []
    of_row: list[tuple[str, frozenset[str]]] = []
    by_case = False
    for name, label in DIMENSIONS.items():
        values, column = getattr(scope, name), columns[name]
        if values is None or column == OPEN:
            continue
        if not column:
            raise _closed(f"“{one.label}”不向限于{label}的人开放", table)
        if column == BY_CASE:
            by_case = True
        else:
            (of_row if name in {"departments", "doctors"} else of_key).append((column, values))
    return Sight(
        tuple(of_key),
        tuple(of_row),
        (one.institution, one.case) if by_case else None,
        frozenset(one.shown) if one.shown else None,
        one.key,
        one.order or None,
    )


def _closed(message: str, table: str) -> StoreError:
    return StoreError("store.scope", message, where=table, hint="这里看不到；需要这些数时，由有全部范围的岗位提供")
