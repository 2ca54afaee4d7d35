"""Policies 付费办法: editions with every value by date and source, what is open, and two editions side by side."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel

from tongpin.base.errors import PolicyError
from tongpin.payment.policy.difference import KINDS, differences
from tongpin.payment.policy.library import policy_folders, policy_named, span_words
from tongpin.payment.policy.policy import Policy
from tongpin.payment.policy.prose import ASSUMED, Line, sections, whole_lines
from tongpin.workbench.api.asking import Bench, needs
from tongpin.workbench.api.shapes import REFUSALS
from tongpin.workbench.sign_in.identity import Identity

router = APIRouter(tags=["付费办法"], responses=REFUSALS)
Reader = Annotated[Identity, Depends(needs("policies.read"))]
Name = Annotated[str, Query(min_length=1, max_length=128)]
Day = Annotated[date | None, Query(description="只列这一天有效的取值")]


class Edition(BaseModel):
    """An edition at a glance; `fault` where its file cannot be read."""

    id: str
    area: str
    label: str
    span: str
    draft: bool
    is_own: bool
    scheme: str
    weights: str
    parameters: int
    assumed: int
    digest: str
    fault: str


class PolicyLine(BaseModel):
    """A value: since when, what, on what authority; `is_assumed`: no document confirms it (模拟)."""

    key: str
    label: str
    since: str
    words: str
    source: str
    note: str
    is_assumed: bool


class PolicyFamily(BaseModel):
    """A family of choices: its values, the keys left open (used: refused), what the program fixes."""

    number: int
    label: str
    part: str
    lines: list[PolicyLine]
    open: dict[str, str]
    needed_for: str
    fixed: str


class PolicyShown(BaseModel):
    """An edition as `tongpin policy explain` tells it."""

    edition: Edition
    whole: list[PolicyLine]
    families: list[PolicyFamily]
    on: date | None


class PolicyDifference(BaseModel):
    """A parameter that two editions say otherwise."""

    kind: str
    kind_label: str
    family: str
    key: str
    label: str
    before: list[PolicyLine]
    after: list[PolicyLine]


class PolicyComparison(BaseModel):
    """Two editions side by side: only what differs."""

    before: Edition
    after: Edition
    on: date | None
    counts: dict[str, int]
    differences: list[PolicyDifference]


@router.get("/policies", summary="付费办法的版本")
def policies(_: Reader, bench: Bench) -> list[Edition]:
    """Every edition of the home and the shipped ones, drafts among them; the terms of payment are public."""
    found = []
    for name in policy_folders(bench.home):
        try:
            found.append(_edition(policy_named(bench.home, name), bench.home.policies))
        except PolicyError as error:
            blank = dict.fromkeys(("label", "span", "scheme", "weights", "digest"), "")
            area = name.partition("/")[0]
            found.append(
                Edition(
                    id=name, area=area, draft=False, is_own=True, parameters=0, assumed=0, fault=error.message, **blank
                )
            )
    return found


@router.get("/policies/compare", summary="两个版本的不同")
def policy_compare(before: Name, after: Name, _: Reader, bench: Bench, on: Day = None) -> PolicyComparison:
    """What differs between two editions, family by family; a draft may be one of them. Errors: `policy.unknown`."""
    old, new = policy_named(bench.home, before), policy_named(bench.home, after)
    found = differences(old, new, on)
    return PolicyComparison(
        before=_edition(old, bench.home.policies),
        after=_edition(new, bench.home.policies),
        on=on,
        counts={label: sum(one.kind == kind for one in found) for kind, label in KINDS.items()},
        differences=[
            PolicyDifference(
                kind=one.kind,
                kind_label=KINDS[one.kind],
                family=one.family,
                key=one.key,
                label=one.label,
                before=[_line(line) for line in one.before],
                after=[_line(line) for line in one.after],
            )
            for one in found
        ],
    )


@router.get("/policies/{area}/{edition}", summary="一个版本的全部取值")
def policy(area: str, edition: str, _: Reader, bench: Bench, on: Day = None) -> PolicyShown:
    """Every value family by family with its date and source, and what is left open. Errors: `policy.unknown`."""
    found = policy_named(bench.home, f"{area}/{edition}")
    return PolicyShown(
        edition=_edition(found, bench.home.policies),
        whole=[_line(line) for line in whole_lines(found)],
        families=[
            PolicyFamily(
                number=one.family.number,
                label=one.family.label,
                part=one.family.part,
                lines=[_line(line) for line in one.lines],
                open=one.open_keys,
                needed_for=one.family.needed_for,
                fixed=one.family.fixed,
            )
            for one in sections(found, on)
        ],
        on=on,
    )


def _edition(found: Policy, own: object) -> Edition:
    words = {line.key: line.words for line in whole_lines(found)}
    return Edition(
        id=found.id,
        area=found.edition.area,
        label=found.edition.label,
        span=span_words(found),
        draft=found.edition.draft,
        is_own=found.file.startswith(str(own)),
        scheme=words["scheme"],
        weights=words.get("weights", found.weights_label),
        parameters=len(found.edition.parameters),
        assumed=len(found.assumed_keys()),
        digest=found.digest,
        fault="",
    )


def _line(line: Line) -> PolicyLine:
    return PolicyLine(**line._asdict(), is_assumed=line.source.startswith(ASSUMED))
