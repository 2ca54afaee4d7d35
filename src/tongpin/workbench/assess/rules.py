"""Rules 分组规则: what leads to a group, in words and codes, and what differs between two schemes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from tongpin.grouping.diff import Change, compare_schemes
from tongpin.grouping.explain.words import dx_text, kind_label, list_label, px_text, wanted_text
from tongpin.grouping.library import open_scheme
from tongpin.grouping.tables.model import VALID_PX
from tongpin.grouping.tables.when import ALWAYS, NEVER
from tongpin.workbench.analysis.computing import Job, shared

if TYPE_CHECKING:
    from tongpin.grouping.tables.model import SchemeTables
    from tongpin.grouping.tables.when import Atom, Condition
    from tongpin.store.home import Home

MOST_CODES = 60
"""So many codes of a list are told; the list says how many it holds."""


class CodeList(BaseModel):
    """A list that a rule names: how many codes it holds, and the first of them with their names."""

    name: str
    count: int
    codes: list[str]


class GroupRule(BaseModel):
    """A way to a group: MDC, ADRG and leaf, each with its condition in words, and the lists they name."""

    mdc: str
    mdc_name: str
    mdc_when: str
    adrg: str
    adrg_name: str
    adrg_when: str
    leaf_when: str
    order: str
    lists: list[CodeList]


def rules_of(tables: SchemeTables, code: str) -> list[GroupRule]:
    """Every way of the tables to a DRG, in the order in which the rules are tried."""
    found = []
    for mdc in tables.mdcs:
        for place, step in enumerate(mdc.steps, start=1):
            for rank, leaf in enumerate(step.leaves, start=1):
                if leaf.drg == code:
                    atoms = [atom for when in (mdc.when, step.when, leaf.when) for atom in _atoms(when)]
                    sites = f"；创伤部位不少于 {mdc.min_sites} 个" if mdc.min_sites else ""
                    found.append(
                        GroupRule(
                            mdc=mdc.code,
                            mdc_name=mdc.name,
                            mdc_when=words(tables, mdc.when) + sites,
                            adrg=step.adrg,
                            adrg_name=step.name,
                            adrg_when=words(tables, step.when),
                            leaf_when=words(tables, leaf.when),
                            order=f"{mdc.code} 的第 {place} 条规则（共 {len(mdc.steps)} 条），其中第 {rank} 个细分组",
                            lists=_lists(tables, atoms),
                        )
                    )
    return found


def words(tables: SchemeTables, when: Condition) -> str:
    """A condition in words: alternatives apart by 或者."""
    if when == ALWAYS:
        return "无须其他条件"
    if when == NEVER:
        return "永远不成立"
    return "；或者 ".join("，且 ".join(_atom(tables, atom) for atom in clause) for clause in when)


def scheme_changes(home: Home, before: str, after: str) -> list[Change]:
    """Every difference of two schemes, compared once."""
    return shared.get(
        home,
        Job(
            ("schemes", before, after),
            lambda _: compare_schemes(open_scheme(home, before), open_scheme(home, after)),
        ),
    )


def _atoms(when: Condition) -> list[Atom]:
    return [] if when in {ALWAYS, NEVER} else [atom for clause in when for atom in clause]


def _atom(tables: SchemeTables, atom: Atom) -> str:
    label = kind_label(tables, atom.kind)
    if atom.kind in {"mcc", "cc"}:
        return f"没有{label}" if atom.negated else f"有{label}"
    if atom.list_name:
        return f"{label}{'不在' if atom.negated else '在'}{list_label(atom.list_name)}"
    return f"{label} {wanted_text(atom)}"


def _lists(tables: SchemeTables, atoms: list[Atom]) -> list[CodeList]:
    found: dict[str, CodeList] = {}
    for atom in atoms:
        if not atom.list_name or atom.list_name in found or atom.list_name == VALID_PX:
            continue
        codes = sorted(tables.listed(atom))
        text: Any = dx_text if atom.kind.startswith("dx_") else px_text
        shown = [text(tables, code) for code in codes[:MOST_CODES]]
        found[atom.list_name] = CodeList(name=list_label(atom.list_name), count=len(codes), codes=shown)
    return list(found.values())
