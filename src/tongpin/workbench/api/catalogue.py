"""Catalogue 目录与出处: one entry whole, roles and permissions, where the home differs from what is shipped."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel

from tongpin.base.errors import TongpinError
from tongpin.documents.duties import open_duties
from tongpin.workbench.api.asking import Bench, needs
from tongpin.workbench.api.shapes import REFUSALS
from tongpin.workbench.assess.entries import KINDS, Entry, entries
from tongpin.workbench.assess.own_files import own_files
from tongpin.workbench.sign_in.identity import Identity
from tongpin.workbench.sign_in.roles import permissions, roles

router = APIRouter(tags=["目录与出处"], responses=REFUSALS)
Reader = Annotated[Identity, Depends(needs("catalogue.read"))]
DESKS = {"bureau": "经办机构", "hospital": "医疗机构"}
REACHES = {
    "region": "全统筹区",
    "hospital": "本机构",
    "department": "本科室",
    "doctor": "本人的病例",
    "cases": "指定的病例",
}


class Detail(BaseModel):
    """A further field of an entry."""

    label: str
    text: str


class EntryShown(BaseModel):
    """An entry of a catalogue, whole; `assumed`: no document confirms it."""

    kind: str
    kind_label: str
    id: str
    label: str
    words: str
    unit: str
    reference: str
    assumed: bool
    origin: str
    details: list[Detail]


class KindCount(BaseModel):
    """How many entries a kind has, and how many of them are assumed."""

    kind: str
    label: str
    entries: int
    assumed: int


class OwnDifferenceShown(BaseModel):
    """An item that the home says otherwise."""

    item: str
    shipped: str
    own: str


class OwnFileShown(BaseModel):
    """A file of rules that the home keeps of its own; `only_written`: what it leaves out stays as shipped."""

    label: str
    file: str
    only_written: bool
    differences: list[OwnDifferenceShown]
    fault: str


class RoleShown(BaseModel):
    """A role: its desk, its reach, its duty, whether it sees money, and what it may do."""

    id: str
    label: str
    desk: str
    reach: str
    duty: str
    sees_money: bool
    permissions: list[str]


class RolesMatrix(BaseModel):
    """The roles beside the permissions."""

    roles: list[RoleShown]
    permissions: dict[str, str]


@router.get("/catalogue", summary="目录里有什么")
def catalogue(_: Reader, bench: Bench) -> list[KindCount]:
    """The kinds of entries with their numbers; the entries are the list `catalogue`."""
    found = entries(bench.home)
    return [
        KindCount(
            kind=kind,
            label=label,
            entries=sum(one.kind == kind for one in found),
            assumed=sum(one.kind == kind and one.assumed for one in found),
        )
        for kind, label in KINDS.items()
    ]


@router.get("/catalogue/own", summary="本目录与随包的不同")
def catalogue_own(_: Reader, bench: Bench) -> list[OwnFileShown]:
    """Every file of rules of the home with what it says otherwise; an empty list where all is as shipped."""
    return [
        OwnFileShown(
            label=one.label,
            file=one.file,
            only_written=one.only_written,
            differences=[OwnDifferenceShown(**item._asdict()) for item in one.differences],
            fault=one.fault,
        )
        for one in own_files(bench.home)
    ]


@router.get("/catalogue/roles", summary="岗位与权限")
def catalogue_roles(_: Reader, bench: Bench) -> RolesMatrix:
    """Who may do what, how far each role sees, and which duty it has (S003-17, S911-02)."""
    duties = {one.id: one.label for one in open_duties(bench.home).duties}
    return RolesMatrix(
        roles=[
            RoleShown(
                id=one.id,
                label=one.label,
                desk=DESKS[one.desk],
                reach=REACHES[one.scope],
                duty=duties.get(one.duty, one.duty),
                sees_money=one.sees_money,
                permissions=list(one.permissions),
            )
            for one in roles().values()
        ],
        permissions=permissions(),
    )


@router.get("/catalogue/entries/{kind}/{name}", summary="目录的一条")
def catalogue_entry(kind: str, name: str, _: Reader, bench: Bench) -> EntryShown:
    """One entry with all its fields. Errors: `catalogue.missing`."""
    for one in entries(bench.home):
        if (one.kind, one.id) == (kind, name):
            return _shown(one)
    raise TongpinError("catalogue.missing", "目录里没有这一条", where=name, hint="从目录里选")


def _shown(one: Entry) -> EntryShown:
    return EntryShown(
        **{**one._asdict(), "details": [Detail(label=label, text=text) for label, text in one.details]},
        kind_label=KINDS[one.kind],
    )
