"""Kinds 公文种类: what is decided by documents, as data, and what may be attached to them."""

from __future__ import annotations

from functools import cache
from typing import Annotated, Literal

from pydantic import Field, StrictBool, StrictInt, StrictStr

from tongpin.base.errors import TongpinError
from tongpin.base.strict_yaml import Strict, load_strict_yaml
from tongpin.documents.duties import Desk, catalogue_file, validated

KINDS_FILE = "kinds.yaml"


class AttachmentType(Strict):
    """A type of files that may be attached, by the endings of their names."""

    id: StrictStr
    label: StrictStr
    endings: Annotated[tuple[StrictStr, ...], Field(min_length=1)]


class Limit(Strict):
    """A limit of attachments, or of what a package holds unpacked."""

    id: Literal["attachment_bytes", "attachment_count", "package_bytes", "package_count"]
    label: StrictStr
    unit: Literal["byte", "count"]
    value: StrictInt
    assumed: StrictBool


class Kind(Strict):
    """A kind of documents 公文种类: whose desk it lies on, which matrix it follows, what may be attached."""

    id: StrictStr
    label: StrictStr
    desk: Desk
    matrix: StrictStr
    attachments: tuple[StrictStr, ...]


class _Kinds(Strict):
    attachment_types: tuple[AttachmentType, ...]
    limits: tuple[Limit, ...]
    kinds: tuple[Kind, ...]


@cache
def _catalogue() -> _Kinds:
    return validated(_Kinds, load_strict_yaml(catalogue_file(KINDS_FILE), "documents"), KINDS_FILE)


def kinds() -> dict[str, Kind]:
    """Every kind by id."""
    return {one.id: one for one in _catalogue().kinds}


def kind_of(name: str) -> Kind:
    """A kind; TongpinError `documents.kind` when there is none of that id."""
    if name not in kinds():
        raise TongpinError("documents.kind", f"没有公文种类 {name}", where=name, hint="、".join(kinds()))
    return kinds()[name]


def attachment_types() -> dict[str, AttachmentType]:
    """Every type of attachments by id."""
    return {one.id: one for one in _catalogue().attachment_types}


def limit(name: str) -> int:
    """The value of a limit."""
    return next(one.value for one in _catalogue().limits if one.id == name)
