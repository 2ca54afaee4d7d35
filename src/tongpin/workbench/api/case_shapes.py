"""Shapes of a case 病例的形状: what the case page shows, part by part."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from tongpin.workbench.api.sheets import SheetField, SheetSection


class StateStep(BaseModel):
    """A state that a list came into; the last one is where it stands."""

    state: str
    at: datetime | None
    why: str


class OpenFinding(BaseModel):
    """A finding about the case, open or mended."""

    rule_id: str
    severity: str
    severity_label: str
    status: str
    path: str
    value: str | None
    message: str
    hint: str
    first_load: int


class Record(BaseModel):
    """One record of that id: its source and institution."""

    source: str
    source_label: str
    institution_code: str | None
    institution_name: str


class CaseSheet(BaseModel):
    """A case: head with what was paid, states with their clock, eight dates, fields and lists by section, findings."""

    case_id: str
    title: str
    record: Record
    others: list[Record]
    is_list: bool
    department: str
    outcome: list[SheetField]
    state: str | None
    states: list[StateStep]
    clock: str | None
    dates: list[SheetField]
    sections: list[SheetSection]
    findings: list[OpenFinding]
    periods: list[str]
    has_names: bool
    simulated: bool


class NamesWanted(BaseModel):
    """Why somebody has to know who the patient is; the journal keeps it."""

    model_config = ConfigDict(extra="forbid")
    reason: str = Field(min_length=2, max_length=200)


class Names(BaseModel):
    """Who the patient is, in clear."""

    fields: list[SheetField]


class CodePair(BaseModel):
    """A code of the list beside that of the front page, by place; `part` says what it counts for in the group."""

    kind: Literal["dx", "px"]
    place: int
    list_code: str | None
    list_name: str
    page_code: str | None
    page_name: str
    same: bool
    part: str


class Difference(BaseModel):
    """A field in which list and front page differ."""

    label: str
    list_value: str | None
    page_value: str | None
    severity: str
    severity_label: str
    hint: str


class Coding(BaseModel):
    """Both codings of a stay and what differs; without a counterpart the one there is."""

    list_case_id: str | None
    page_case_id: str | None
    list_group: str | None
    page_group: str | None
    same_group: bool | None
    codes: list[CodePair]
    differences: list[Difference]
    code_map: str
    note: str


class GroupStep(BaseModel):
    """A line of the way into the group; `level` is how far it is indented."""

    level: int
    text: str


class OtherWay(BaseModel):
    """Why the case is not in a group that was asked about."""

    group: str
    name: str
    verdict: str
    lines: list[str]


class GroupPath(BaseModel):
    """How the case came into its group, by the scheme that its month was closed with."""

    scheme: str
    drg: str
    drg_name: str
    status: str
    steps: list[GroupStep]
    why_not: OtherWay | None
    note: str


class ParameterShown(BaseModel):
    """A parameter that a step rests on."""

    key: str
    label: str
    words: str
    since: str
    source: str


class PriceStep(BaseModel):
    """A step of the price; `simulated` where no source confirms what it rests on."""

    label: str
    text: str
    amount_fen: int | None
    source: str
    simulated: bool
    parameters: list[ParameterShown]


class PricedLine(BaseModel):
    """A line that paid the case, step by step."""

    period: str
    line_kind: str
    line_label: str
    policy: str
    policy_label: str
    drg: str
    payable_fen: int
    result_fen: int
    steps: list[PriceStep]


class Price(BaseModel):
    """Every line that paid the case; none before its month is closed."""

    lines: list[PricedLine]
    note: str


class VersionShown(BaseModel):
    """A version of a case as it was loaded, and the group that it comes into."""

    number: int
    load: int
    loaded_at: datetime | None
    upload_time: datetime | None
    file: str
    record: int
    in_force: bool
    changes: int
    drg: str
    drg_name: str
    status: str


class VersionDifference(BaseModel):
    """A field in which two versions differ; `grouping`: one that grouping reads."""

    label: str
    before: str
    after: str
    grouping: bool


class VersionPair(BaseModel):
    """Two versions side by side."""

    before: int
    after: int
    same_group: bool
    differences: list[VersionDifference]


class Versions(BaseModel):
    """The versions of a case in order, and two of them compared (the last two unless asked otherwise)."""

    versions: list[VersionShown]
    pair: VersionPair | None
    scheme: str
