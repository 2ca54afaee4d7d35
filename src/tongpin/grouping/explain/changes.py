"""Changes 改动: what would have to be otherwise in a case, as data that can be applied, told and counted."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from tongpin.grouping.explain.words import dx_text, kind_label, list_label, px_text, value_text

if TYPE_CHECKING:
    from tongpin.grouping.tables.interpreter import Case
    from tongpin.grouping.tables.model import SchemeTables

COSTS = {
    "principal": 0,
    "main_procedure": 0,
    "remove_px": 1,
    "remove_dx": 1,
    "set": 3,
    "add_px": 4,
    "add_dx": 4,
    "lead_px": 5,
    "replace_principal": 5,
}
"""The kinds of change by how far they lie from the record: its own codes in another order first, new codes last."""

INVENTED = frozenset({"add_dx", "add_px", "lead_px", "replace_principal"})
"""The changes that need a code which the case does not have."""


@dataclass(frozen=True, slots=True)
class Change:
    """One change of a case.

    `code` is the code moved or, for a kind of `INVENTED`, one example out of `choices` codes that are in all of `lists`
    and in none of `without`; `examples` are such codes for which the whole way was tried. `removed` are the codes that
    the case may not have. `values` are the new values of fields, `wanted` says what they have to be. `blocker` names
    the group that an earlier rule would give.
    """

    kind: str
    code: str = ""
    lists: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    choices: int = 0
    examples: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    values: tuple[tuple[str, Any], ...] = ()
    wanted: str = ""
    blocker: str = ""

    @property
    def cost(self) -> int:
        """How far the change lies from the record."""
        return COSTS[self.kind] + len(self.removed)

    @property
    def is_invented(self) -> bool:
        """Whether the change needs a code that the case does not have."""
        return self.kind in INVENTED

    @property
    def shape(self) -> tuple[Any, ...]:
        """What makes two changes the same to a reader: an invented code is only an example."""
        code = "" if self.is_invented else self.code
        return (self.kind, code, self.removed, self.lists, tuple(name for name, _ in self.values))

    def apply(self, case: Case) -> Case:
        """The changed case; a change that finds nothing to change leaves the case as it is."""
        dx, px, code = case.dx, case.px, self.code
        if self.kind == "set":
            own = {name: value for name, value in self.values if name in type(case).__dataclass_fields__}
            others = {name: value for name, value in self.values if name not in own}
            return replace(case, **own, extra={**case.extra, **others})
        if self.kind == "principal":
            return replace(case, dx=_first(dx, code))
        if self.kind == "main_procedure":
            return replace(case, px=_first(px, code))
        if self.kind == "replace_principal":
            return replace(case, dx=(code, *dx[1:]))
        if self.kind == "add_dx":
            return replace(case, dx=(*dx, code))
        if self.kind == "lead_px":
            return replace(case, px=(code, *px))
        if self.kind == "add_px":
            return replace(case, px=(*px, code))
        if self.kind == "remove_dx":
            return replace(case, dx=(*dx[:1], *(one for one in dx[1:] if one not in self.removed)))
        return replace(case, px=tuple(one for one in px if one not in self.removed))

    def text(self, tables: SchemeTables) -> str:
        """The change as a sentence."""
        told = _TEXTS[self.kind](tables, self)
        return f"{told}（否则先归入 {self.blocker}）" if self.blocker else told

    def as_dict(self, tables: SchemeTables) -> dict[str, Any]:
        """The change as plain data with its sentence."""
        return {
            "kind": self.kind,
            "code": self.code,
            "lists": list(self.lists),
            "without": list(self.without),
            "choices": self.choices,
            "examples": list(self.examples),
            "removed": list(self.removed),
            "values": dict(self.values),
            "blocker": self.blocker,
            "text": self.text(tables),
        }


def _first(codes: tuple[str, ...], code: str) -> tuple[str, ...]:
    """The codes with one of them at the front."""
    if code not in codes:
        return codes
    at = codes.index(code)
    return (code, *codes[:at], *codes[at + 1 :])


def _choice_text(tables: SchemeTables, change: Change) -> str:
    """Out of what an invented code is to be, with examples."""
    text = px_text if change.kind in {"add_px", "lead_px"} else dx_text
    lists = " 且在".join(_list_text(name) for name in change.lists) or "任一编码"
    avoid = "".join(f"、不在{list_label(name)}" for name in change.without)
    examples = "、".join(text(tables, code) for code in change.examples or (change.code,))
    return f"{lists}{avoid}（{change.choices:,} 个编码，例如 {examples}）"


def _list_text(name: str) -> str:
    return f" {name}" if name in {"MCC", "CC"} or name.startswith("部位") else list_label(name)


def _set_text(tables: SchemeTables, change: Change) -> str:
    told = "、".join(f"{kind_label(tables, name)} {value_text(name, value)}" for name, value in change.values)
    return told if told.startswith(change.wanted) else f"{change.wanted}（例如 {told}）"


_TEXTS = {
    "principal": lambda tables, change: f"把次要诊断 {dx_text(tables, change.code)} 作为主要诊断",
    "main_procedure": lambda tables, change: f"把手术操作 {px_text(tables, change.code)} 作为主要手术",
    "replace_principal": lambda tables, change: f"主要诊断在{_choice_text(tables, change)}",
    "add_dx": lambda tables, change: f"另有一个其他诊断在{_choice_text(tables, change)}",
    "add_px": lambda tables, change: f"另有一个手术操作在{_choice_text(tables, change)}",
    "lead_px": lambda tables, change: f"主要手术在{_choice_text(tables, change)}",
    "remove_dx": lambda tables, change: "没有其他诊断 " + "、".join(dx_text(tables, code) for code in change.removed),
    "remove_px": lambda tables, change: "没有手术操作 " + "、".join(px_text(tables, code) for code in change.removed),
    "set": _set_text,
}
