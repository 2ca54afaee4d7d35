"""Replay 复演: the outcome again, from the recorded facts of an explanation and the order of the tables alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tongpin.base.errors import SchemeError
from tongpin.grouping.explain.trace import FORMAT, Explanation
from tongpin.grouping.tables.interpreter import Case, Walk, procedure_rounds, refused_field
from tongpin.grouping.tables.model import Outcome, Status

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tongpin.grouping.tables.model import SchemeTables
    from tongpin.grouping.tables.when import Atom


def replay(tables: SchemeTables, told: Explanation | Mapping[str, Any]) -> Outcome:
    """The outcome that the recorded facts of an explanation (or of its JSON) lead to along the tables.

    No code list is looked up and nothing is compared again: each condition takes its recorded truth.
    Raises `SchemeError`: `explain.format` for another shape, `explain.scheme` for other tables than those explained,
    `explain.facts` when a fact that the order of the tables asks for was not recorded.
    """
    data = told.as_dict() if isinstance(told, Explanation) else told
    options = tables.options
    if data.get("format") != FORMAT:
        raise SchemeError("explain.format", f"不认识的入组说明格式 {data.get('format')}", hint=f"须是格式 {FORMAT}")
    if data["scheme_digest"] != tables.digest:
        raise SchemeError(
            "explain.scheme", f"这份说明出自方案 {data['scheme']} 的另一版本", hint="用当时的方案复演，或重新说明"
        )
    if data["unmapped"]:
        status = Status.DX_NOT_MAPPED if data["unmapped"]["field"] == "dx" else Status.PX_NOT_MAPPED
        return Outcome(status, *options.rejected)
    given = data["input"]
    checked = Case(**{name: given[name] for name in ("sex", "age", "age_days", "birth_weight")})
    if refused_field(checked, options.newborn_days):
        return Outcome(Status.CHECK_FAILED, *options.rejected)
    px = tuple(one["code"] for one in given["px"])
    for number, (procedures, gates) in enumerate(procedure_rounds(tables, px)):
        if number == len(data["rounds"]):
            raise SchemeError("explain.facts", f"说明里没有第 {number + 1} 遍的记录", hint="重新说明这一例")
        found = _Replayed(tables, data["rounds"][number], procedures, gates=gates).run()
        if found is not None:
            return found
    return Outcome(Status.UNGROUPED, *options.ungrouped)


class _Replayed(Walk):
    """The walk along the tables where every truth is a recorded one."""

    def __init__(self, tables: SchemeTables, recorded: Mapping[str, Any], px: tuple[str, ...], *, gates: bool) -> None:
        super().__init__(tables, Case(), (), px, gates=gates)
        self.true = frozenset(recorded["true"])
        self.false = frozenset(recorded["false"])
        self.sites_counted = recorded["site_count"]

    def truth(self, atom: Atom) -> bool:
        name = str(atom).removeprefix("!")
        if name not in self.true and name not in self.false:
            raise SchemeError("explain.facts", f"说明里没有条件 {name} 的记录", hint="重新说明这一例")
        return name in self.true

    def site_count(self) -> int:
        if self.sites_counted is None:
            raise SchemeError("explain.facts", "说明里没有部位数的记录", hint="重新说明这一例")
        return int(self.sites_counted)
