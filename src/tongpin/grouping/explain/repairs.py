"""Repairs 补救: the single changes of a case that could make a condition hold, or keep it from holding."""

from __future__ import annotations

from dataclasses import replace
from itertools import takewhile
from typing import TYPE_CHECKING, Any

from tongpin.grouping.explain.changes import Change
from tongpin.grouping.explain.words import kind_label, wanted_text
from tongpin.grouping.tables.when import Atom, compare

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from tongpin.grouping.tables.interpreter import Case, Walk
    from tongpin.grouping.tables.model import SchemeTables

TRIED_CODES = 120
"""Out of a long list so many codes are tried as the example of a change."""
USUAL = {"age": 50, "age_days": 200, "birth_weight": 3000, "los": 7, "icu_hours": 0}
"""Where the search for a value starts when the case has none: any value would do."""


def repairs(walk: Walk, atoms: tuple[Atom, ...], wanted: list[Atom], blocker: str = "") -> Iterator[Change]:
    """Changes that help the first of the `wanted` atoms, seen together with all `atoms` of the target.

    `wanted` are conditions as they should hold; those of the same kind are met by one code where that can be.
    """
    atom = wanted[0]
    same = [*atoms, *wanted]
    if atom.kind in {"mcc", "cc"}:
        yield from _complication(walk, atom, same, blocker)
    elif atom.list_name:
        yield from _listed(walk, atom, wanted, same, blocker)
    elif atom.kind in {"dx_count", "px_count"}:
        yield from _count(walk, atom, blocker)
    else:
        yield from _field(walk, atom, same, blocker)


def site_repairs(walk: Walk) -> Iterator[Change]:
    """A further trauma diagnosis at a body site that the case does not have."""
    tables = walk.scheme
    present = {tables.sites[code] for code in walk.dx if code in tables.sites}
    for site in dict.fromkeys(tables.sites.values()):
        if site not in present:
            codes = [code for code, at in tables.sites.items() if at == site]
            for code in nearest(codes, walk.dx[:1]):
                yield Change("add_dx", code, (f"部位 {site}",), (), len(codes))


def field_repairs(walk: Walk, name: str, atoms: tuple[Atom, ...]) -> Iterator[Change]:
    """A value for a field that the record check misses, such as the target asks for."""
    change = _set(walk, name, list(atoms), "")
    yield replace(change, wanted=change.wanted or f"{kind_label(walk.scheme, name)}已填写")


def nearest(codes: Iterable[str], like: tuple[str, ...]) -> list[str]:
    """The codes of the same subcategory, category and chapter as the given one first, plain before special ones."""
    mark = like[0] if like else ""
    heads = [mark[:length] for length in (5, 3, 1)]
    likeness = {code: (*(not code.startswith(head) for head in heads), len(code), code) for code in codes}
    return sorted(likeness, key=likeness.__getitem__)[:TRIED_CODES]


def in_all(tables: SchemeTables, atoms: Iterable[Atom]) -> tuple[set[str] | None, tuple[str, ...], tuple[str, ...]]:
    """The codes in every list asked for and in none denied, with the names of both; None without a list asked for."""
    atoms = list(dict.fromkeys(atoms))
    asked = [atom for atom in atoms if not atom.negated]
    denied = [atom for atom in atoms if atom.negated]
    if not asked:
        return None, (), tuple(dict.fromkeys(atom.list_name for atom in denied))
    codes = set.intersection(*(set(tables.listed(atom)) for atom in asked))
    codes = codes.difference(*(tables.listed(atom) for atom in denied))
    names = [dict.fromkeys(atom.list_name for atom in part) for part in (asked, denied)]
    return codes, tuple(names[0]), tuple(names[1])


def _allowed(tables: SchemeTables, atoms: Iterable[Atom]) -> Callable[[str], bool]:
    atoms = list(atoms)
    return lambda code: all((code in tables.listed(atom)) != atom.negated for atom in atoms)


def _of(atoms: Iterable[Atom], kind: str) -> list[Atom]:
    return [atom for atom in atoms if atom.kind == kind]


def _invented(walk: Walk, kind: str, atoms: list[Atom], blocker: str, like: tuple[str, ...]) -> Iterator[Change]:
    codes, lists, without = in_all(walk.scheme, atoms)
    have = walk.dx if kind.endswith(("dx", "principal")) else walk.px
    for code in nearest((codes or set()).difference(have), like):
        yield Change(kind, code, lists, without, len(codes or ()), blocker=blocker)


def _principals(walk: Walk, atoms: list[Atom], blocker: str) -> Iterator[Change]:
    """Each secondary that the target allows as the principal."""
    allowed = _allowed(walk.scheme, _of(atoms, "dx_main"))
    for code in dict.fromkeys(walk.dx[1:]):
        if code != walk.dx[0] and allowed(code):
            yield Change("principal", code, blocker=blocker)


def _listed(walk: Walk, atom: Atom, wanted: list[Atom], same: list[Atom], blocker: str) -> Iterator[Change]:
    kind, place = atom.kind.split("_")
    mains = _of(same, f"{kind}_main")
    if place == "main" and kind == "dx":
        yield from _principals(walk, same, blocker)
        yield from _invented(walk, "replace_principal", mains, blocker, walk.dx[:1])
        return
    if place == "main":
        allowed = _allowed(walk.scheme, mains)
        for code in dict.fromkeys(walk.px[1:]):
            if code != walk.px[0] and allowed(code):
                yield Change("main_procedure", code, blocker=blocker)
        if atom.negated:
            leading = takewhile(lambda code: code in walk.scheme.listed(atom), walk.px)
            yield Change("remove_px", removed=tuple(dict.fromkeys(leading)), blocker=blocker)
        yield from _invented(walk, "lead_px", mains, blocker, walk.px[:1])
        return
    if atom.negated:
        yield from _without(walk, atom, same, blocker)
        return
    together = [one for one in wanted if one.kind == atom.kind and not one.negated]
    denied = [one for one in same if one.kind in {f"{kind}_any", atom.kind} and one.negated]
    if place == "other":
        yield from _moved_back(walk, atom, same, blocker)
    if kind == "px" and not walk.px and place == "other":
        return
    codes, _, _ = in_all(walk.scheme, [*together, *denied])
    yield from _invented(walk, f"add_{kind}", [*(together if codes else [atom]), *denied], blocker, walk.dx[:1])


def _moved_back(walk: Walk, atom: Atom, same: list[Atom], blocker: str) -> Iterator[Change]:
    """The leading code is in the list that an other one should be in: another code takes the lead."""
    kind = atom.kind[:2]
    codes = walk.dx if kind == "dx" else walk.px
    if not codes or codes[0] not in walk.scheme.listed(atom):
        return
    allowed = _allowed(walk.scheme, _of(same, f"{kind}_main"))
    for code in dict.fromkeys(codes[1:]):
        if allowed(code):
            yield Change("principal" if kind == "dx" else "main_procedure", code, blocker=blocker)


def _without(walk: Walk, atom: Atom, same: list[Atom], blocker: str) -> Iterator[Change]:
    kind = atom.kind[:2]
    codes = tuple(dict.fromkeys(walk.codes(atom)))
    if kind == "px":
        yield Change("remove_px", removed=codes, blocker=blocker)
    elif atom.kind == "dx_any" and walk.dx[0] in codes:
        mains = [*_of(same, "dx_main"), Atom("dx_main", negated=True, list_name=atom.list_name)]
        yield from _invented(walk, "replace_principal", mains, blocker, walk.dx[:1])
    else:
        yield Change("remove_dx", removed=codes, blocker=blocker)


def _complication(walk: Walk, atom: Atom, same: list[Atom], blocker: str) -> Iterator[Change]:
    yield from _principals(walk, same, blocker)
    if atom.negated:
        yield Change("remove_dx", removed=tuple(dict.fromkeys(walk.complications(atom.kind))), blocker=blocker)
        return
    tables = walk.scheme
    table = tables.mcc if atom.kind == "mcc" else tables.cc
    own = tables.exclusion.get(walk.dx[0])
    codes = [code for code, excluded in table.items() if (own is None or excluded != own) and code not in walk.dx]
    for code in nearest(codes, walk.dx[:1]):
        yield Change("add_dx", code, (atom.kind.upper(),), (), len(codes), blocker=blocker)


def _count(walk: Walk, atom: Atom, blocker: str) -> Iterator[Change]:
    """More or fewer codes; which ones, the condition does not ask."""
    kind = atom.kind[:2]
    own = walk.case.dx if kind == "dx" else walk.case.px
    now = len(own)
    if (compare(now + 1, atom.op, atom.number)) != atom.negated or _is_below(atom, now):
        names = walk.scheme.dx_names if kind == "dx" else walk.scheme.px_names
        for code in nearest(set(names).difference(own), own[:1]):
            yield Change(f"add_{kind}", code, choices=len(names), blocker=blocker)
        return
    for code in dict.fromkeys(own[1:] if kind == "dx" else own):
        yield Change(f"remove_{kind}", removed=(code,), blocker=blocker)


def _is_below(atom: Atom, now: int) -> bool:
    return now < atom.number and (atom.op in {">", ">=", "=="}) != atom.negated


def _field(walk: Walk, atom: Atom, same: list[Atom], blocker: str) -> Iterator[Change]:
    if atom.op:
        yield _set(walk, atom.kind, same, blocker)
        return
    asked = [one for one in same if one.kind == atom.kind]
    texts = [value for one in asked if not one.negated for value in one.values] or ["其他"]
    for value in dict.fromkeys(texts):
        if all((value in one.values) != one.negated for one in asked):
            wanted = f"{kind_label(walk.scheme, atom.kind)} {wanted_text(atom)}"
            yield Change("set", values=((atom.kind, value),), wanted=wanted, blocker=blocker)
            return


def _set(walk: Walk, name: str, atoms: list[Atom], blocker: str) -> Change:
    """A value of a number field that all conditions on it allow; age and age in days move together."""
    case = walk.case
    values: dict[str, Any] = {name: _fitting(name, atoms, case)}
    if name == "age" and values["age"] == 0 and case.age_days is None:
        values["age_days"] = _fitting("age_days", atoms, case)
    if name == "age" and values["age"] and case.age_days is not None:
        values["age_days"] = None
    if name == "age_days" and case.age != 0:
        values = {"age": 0, **values}
    asked = dict.fromkeys(one for one in atoms if one.kind in values and one.op)
    wanted = "、".join(f"{kind_label(walk.scheme, one.kind)} {wanted_text(one)}" for one in asked)
    return Change("set", values=tuple(values.items()), wanted=wanted, blocker=blocker)


def _fitting(name: str, atoms: list[Atom], case: Case) -> float:
    """The value nearest to the present one that meets all conditions; the present or usual one if none does."""
    asked = [one for one in atoms if one.kind == name and one.op]
    now = case.value(name)
    start = USUAL.get(name, 1) if now is None else now
    if name == "sex":
        choices: list[float] = [1, 2]
    else:
        choices = [start, *(one.number + step for one in asked for step in (0, -1, 1)), 0]
    fitting = [
        value for value in choices if value >= 0 and all(compare(value, a.op, a.number) != a.negated for a in asked)
    ]
    return min(fitting, key=lambda value: (abs(value - start), value), default=start)
