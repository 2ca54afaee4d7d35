"""The trace of a case 入组路径: every stage in order, what was asked there, what was missing, and where it ended."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import pyarrow as pa

from tongpin.grouping.explain import explain
from tongpin.grouping.explain.words import KIND_LABELS
from tongpin.grouping.tables.interpreter import Case
from tongpin.payment.dip.scheme import NOT_GROUPED, STAGES, prepared, tables_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tongpin.grouping.explain.trace import Tried
    from tongpin.grouping.tables.model import SchemeTables
    from tongpin.payment.dip.catalogue import Catalogue

_CODES = pa.list_(pa.string())


class Asked(NamedTuple):
    """A disease that was asked: whether it took the case, and the conditions that failed, as they are written."""

    disease: str
    name: str
    took: bool
    missing: tuple[str, ...]


class StageTrace(NamedTuple):
    """A stage: its diseases for the case's principal diagnosis, and whether one took the case; later ones not asked."""

    stage: str
    label: str
    asked: tuple[Asked, ...]
    took: bool


class Trace(NamedTuple):
    """The whole way of a case: codes as written and as used, stages, the disease (empty: none) and its stage."""

    written_dx: tuple[str, ...]
    written_px: tuple[str, ...]
    dx: tuple[str, ...]
    px: tuple[str, ...]
    status: str
    stages: tuple[StageTrace, ...]
    stage: str
    disease: str

    def lines(self) -> list[str]:
        """The trace as Chinese lines."""
        principal = self.written_dx[0] if self.written_dx else "（无）"
        used = self.dx[0] if self.dx else principal
        cut = f"（目录认得到 {used}）" if used != principal else ""
        worthless = "、".join(code for code in self.written_px if code not in self.px)
        dropped = f"（零价值操作不计：{worthless}）" if worthless else ""
        lines = [f"主要诊断 {principal}{cut}；手术操作 {'、'.join(self.px) or '（无）'}{dropped}"]
        for one in self.stages:
            words = "入组" if one.took else "没有病种符合" if one.asked else "没有这个诊断的病种"
            lines.append(f"{one.label}：{words}")
            for asked in one.asked:
                why = "符合" if asked.took else f"缺 {'、'.join(_words(atom) for atom in asked.missing)}"
                lines.append(f"  {asked.disease} {asked.name}：{why}")
        lines.append(f"结果：{self.disease or '未入病种'}")
        return lines


def trace_of(row: Mapping[str, Any], catalogue: Catalogue) -> Trace:
    """How one case (a row of the case table) comes to its disease; the same answer as `group_dip`."""
    tables, case = asked_of(row, catalogue)
    found = explain(tables, case)
    by_stage: dict[str, list[Asked]] = {stage: [] for stage in STAGES}
    for tried in found.tried:
        if tried.level == "adrg":
            by_stage[tried.mdc].append(_asked(tried))
    stages = []
    for stage, label in STAGES.items():
        asked = tuple(by_stage[stage])
        took = any(one.took for one in asked)
        stages.append(StageTrace(stage, label, asked, took))
        if took:
            break
    outcome = found.outcome
    return Trace(
        tuple(code or "" for code in row.get("dx") or ()),
        tuple(code or "" for code in row.get("px") or ()),
        tuple(code or "" for code in case.dx),
        case.px,
        outcome.status,
        tuple(stages),
        outcome.mdc or NOT_GROUPED,
        outcome.drg,
    )


def asked_of(row: Mapping[str, Any], catalogue: Catalogue, also: Sequence[str] = ()) -> tuple[SchemeTables, Case]:
    """The case as grouping sees it, and the tables of the diseases it may come to, with `also` those asked about."""
    codes = {name: pa.array([list(row.get(name) or [])], _CODES) for name in ("dx", "px")}
    cut = prepared(pa.table(codes), catalogue).to_pylist()[0]
    principal = cut["dx"][0] if cut["dx"] else ""
    kept = {*(rule.group for rule in catalogue.special_rules), *also}
    members = catalogue.prefixes.members
    near = catalogue.only(lambda one: one.code in kept or principal in members(one.dx))
    return tables_of(near), Case.of({**row, **cut})


def _words(atom: str) -> str:
    """A condition as people call it."""
    if atom == "px_count==0":
        return "无手术操作"
    kind, _, rest = atom.removeprefix("!").partition(":")
    return f"{'没有' * atom.startswith('!')}{KIND_LABELS[kind]} {rest}" if kind in KIND_LABELS else atom


def _asked(tried: Tried) -> Asked:
    missing = {str(fact.atom) for clause in tried.clauses for fact in clause if not fact.held}
    return Asked(tried.code, tried.name, tried.held, tuple(sorted(missing)))
