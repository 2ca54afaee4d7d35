"""Schemes 分组方案: schemes, the rules of a group, two schemes side by side, a case tried by its codes."""

from __future__ import annotations

from collections import Counter
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict, Field

from tongpin.base.errors import SchemeError, TongpinError
from tongpin.grouping.diff import KINDS, TOPICS
from tongpin.grouping.explain import explain_lines
from tongpin.grouping.explain.words import NOTICE
from tongpin.grouping.library import describe, folder_of, scheme_folders, shipped_folder
from tongpin.grouping.scheme import Scheme
from tongpin.grouping.tables.model import STATUS_LABELS
from tongpin.workbench.api.asking import Bench, Workbench, needs
from tongpin.workbench.api.shapes import REFUSALS
from tongpin.workbench.assess.rules import GroupRule, rules_of, scheme_changes
from tongpin.workbench.machines.ready import Ready
from tongpin.workbench.sign_in.identity import Identity

router = APIRouter(tags=["分组方案"], responses=REFUSALS)
Reader = Annotated[Identity, Depends(needs("schemes.read"))]
Name = Annotated[str, Query(min_length=1, max_length=128)]
Code = Annotated[str, Field(min_length=1, max_length=32)]
ready = Ready()
"""The schemes kept in memory by this process."""


class SchemeShown(BaseModel):
    """A scheme in numbers; `fault` where its tables cannot be read."""

    id: str
    title: str
    source: str
    is_shipped: bool
    mdc: int
    adrg: int
    drg: int
    dx_lists: int
    px_lists: int
    mcc: int
    cc: int
    digest: str
    fault: str


class GroupShown(BaseModel):
    """A group with every way of the tables that leads to it, rule by rule."""

    scheme: str
    code: str
    name: str
    rules: list[GroupRule]
    notice: str


class CaseWanted(BaseModel):
    """A case to be tried: codes, principal first, and what else the scheme reads; nothing of a patient."""

    model_config = ConfigDict(extra="forbid")
    dx: list[Code] = Field(min_length=1, max_length=100)
    px: list[Code] = Field(default=[], max_length=100)
    sex: int | None = Field(default=None, ge=0, le=9)
    age: float | None = Field(default=None, ge=0, le=150)
    age_days: int | None = Field(default=None, ge=0, le=60_000)
    birth_weight: int | None = Field(default=None, ge=0, le=20_000)
    los: int | None = Field(default=None, ge=0, le=20_000)
    discharge_way: str | None = Field(default=None, max_length=8)
    explain: bool = False


class CaseTried(BaseModel):
    """The group of a tried case; `lines` tell the way there, where they were asked for."""

    status: str
    status_label: str
    mdc: str
    adrg: str
    drg: str
    drg_name: str
    lines: list[str]
    notice: str


class ChangeCount(BaseModel):
    """How many differences of a topic there are, by kind."""

    topic: str
    label: str
    kinds: dict[str, int]
    total: int


class SchemeComparison(BaseModel):
    """Two schemes side by side in numbers; the rows are the list `scheme_changes`."""

    before: str
    after: str
    same: bool
    counts: list[ChangeCount]


@router.get("/schemes", summary="分组方案")
def schemes(_: Reader, bench: Bench) -> list[SchemeShown]:
    """Every scheme of the home and the shipped ones."""
    found = []
    for name, folder in scheme_folders(bench.home).items():
        shipped = folder.parent == shipped_folder()
        try:
            one = describe(_scheme(bench, name).tables)
        except SchemeError as error:
            blank: dict[str, Any] = dict.fromkeys(("mdc", "adrg", "drg", "dx_lists", "px_lists", "mcc", "cc"), 0)
            blank |= dict.fromkeys(("title", "source", "digest"), "")
            found.append(SchemeShown(id=name, is_shipped=shipped, fault=error.message, **blank))
            continue
        del one["adrg_without_leaf"]
        found.append(SchemeShown(is_shipped=shipped, fault="", **one))
    return found


@router.get("/schemes/compare", summary="两个方案的不同")
def scheme_compare(before: Name, after: Name, _: Reader, bench: Bench) -> SchemeComparison:
    """Differences by topic and kind; rows in the list `scheme_changes`. Errors: `scheme.unknown`."""
    folder_of(bench.home, before), folder_of(bench.home, after)
    counted = Counter((one.topic, one.kind) for one in scheme_changes(bench.home, before, after))
    counts = []
    for topic, label in TOPICS.items():
        kinds = {KINDS[kind]: counted[topic, kind] for kind in KINDS if counted[topic, kind]}
        if kinds:
            counts.append(ChangeCount(topic=topic, label=label, kinds=kinds, total=sum(kinds.values())))
    return SchemeComparison(before=before, after=after, same=not counts, counts=counts)


@router.get("/schemes/{name}/groups/{code}", summary="一个病组的规则")
def scheme_group(name: str, code: str, _: Reader, bench: Bench) -> GroupShown:
    """Every rule that leads to a group, with the codes of its lists. Errors: `scheme.unknown`, `group.missing`."""
    tables = _scheme(bench, name).tables
    rules = rules_of(tables, code)
    if not rules:
        raise TongpinError("group.missing", f"方案 {name} 没有病组 {code}", where=code, hint="从病组表里选")
    return GroupShown(scheme=name, code=code, name=tables.drg_names.get(code, ""), rules=rules, notice=NOTICE)


@router.post("/schemes/{name}/try", summary="用编码试一例")
def scheme_try(name: str, body: CaseWanted, _: Reader, bench: Bench) -> CaseTried:
    """The group of one case, and why, where asked for. Errors: `scheme.unknown`, `group.case`."""
    scheme = _scheme(bench, name)
    case = scheme.case(body.model_dump(exclude={"explain"}, exclude_none=True))
    outcome = scheme.group_one(case)
    return CaseTried(
        status=outcome.status,
        status_label=STATUS_LABELS[outcome.status],
        mdc=outcome.mdc,
        adrg=outcome.adrg,
        drg=outcome.drg,
        drg_name=scheme.groups.get(outcome.drg, ""),
        lines=explain_lines(scheme.explain(case)) if body.explain else [],
        notice=NOTICE if body.explain else "",
    )


def _scheme(bench: Workbench, name: str) -> Scheme:
    return ready.scheme(bench.home, name)
