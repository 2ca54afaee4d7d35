"""The scheme model 分组方案: what the tables say, as plain immutable data in evaluation order."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from tongpin.grouping.tables.when import NUMBER_FIELDS, TEXT_FIELDS

if TYPE_CHECKING:
    from tongpin.grouping.tables.when import Atom, Condition

VALID_PX = "valid_px"
"""The list name under which the operating-room procedures of `valid_px.csv` are used in `when`."""


class Status(StrEnum):
    """What became of a case."""

    GROUPED = "grouped"
    AMBIGUOUS = "ambiguous"
    UNGROUPED = "ungrouped"
    CHECK_FAILED = "check_failed"
    DX_NOT_MAPPED = "dx_not_mapped"
    PX_NOT_MAPPED = "px_not_mapped"


STATUS_LABELS: dict[str, str] = {
    Status.GROUPED: "分组成功",
    Status.AMBIGUOUS: "歧义病案",
    Status.UNGROUPED: "无法入组",
    Status.CHECK_FAILED: "信息校验不通过",
    Status.DX_NOT_MAPPED: "诊断不能转换",
    Status.PX_NOT_MAPPED: "手术操作不能转换",
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """The answer for one case."""

    status: str
    mdc: str
    adrg: str
    drg: str


@dataclass(frozen=True, slots=True)
class Leaf:
    """A DRG of a rule; leaves are tried in order and the first that holds wins."""

    drg: str
    name: str
    when: Condition
    row: int


@dataclass(frozen=True, slots=True)
class Step:
    """A step of an MDC: an ADRG rule with its leaves, or an ambiguous (QY) gate without any."""

    kind: str
    adrg: str
    rule: str
    name: str
    when: Condition
    leaves: tuple[Leaf, ...]
    row: int

    @property
    def is_gate(self) -> bool:
        """Whether the step is an ambiguous (QY) gate."""
        return self.kind == "ambiguous"


@dataclass(frozen=True, slots=True)
class Mdc:
    """A major diagnostic category with its entry condition and its ordered steps."""

    code: str
    name: str
    when: Condition
    min_sites: int
    steps: tuple[Step, ...]
    row: int

    @property
    def letter(self) -> str:
        """The letter that QY groups of this MDC carry."""
        return self.code[-1]


@dataclass(frozen=True, slots=True)
class CaseField:
    """A field that this scheme reads besides the common ones: `kind` is `number` or `text` (a flag is a number, 1)."""

    name: str
    kind: str
    label: str


@dataclass(frozen=True, slots=True)
class Options:
    """The keys of `scheme.csv` that steer evaluation."""

    adrg_without_leaf: str = "stop"
    mdc_without_group: str = "next"
    retry_other_px: bool = False
    ambiguous_suffix: str = "QY"
    ungrouped: tuple[str, str, str] = ("0000", "00", "0000")
    rejected: tuple[str, str, str] = ("0000", "00", "0000")
    newborn_days: int = 28
    uses_icu_hours: bool = False


@dataclass(frozen=True, slots=True)
class SchemeTables:
    """A grouping scheme: ordered MDCs, named code lists, complication tables, dictionaries and code maps."""

    scheme_id: str
    title: str
    source: str
    options: Options
    fields: tuple[CaseField, ...]
    mdcs: tuple[Mdc, ...]
    dx_lists: dict[str, frozenset[str]]
    px_lists: dict[str, frozenset[str]]
    mcc: dict[str, str]
    cc: dict[str, str]
    exclusion: dict[str, str]
    sites: dict[str, str]
    dx_names: dict[str, str]
    px_names: dict[str, str]
    dx_map: dict[str, str]
    px_map: dict[str, str]
    drg_names: dict[str, str]
    digest: str

    def listed(self, atom: Atom) -> frozenset[str]:
        """The codes of the list that a list condition names."""
        lists = self.dx_lists if atom.kind.startswith("dx_") else self.px_lists
        return lists[atom.list_name]

    @property
    def number_fields(self) -> tuple[str, ...]:
        """The names that conditions compare as numbers: the common ones, then those the scheme declares."""
        return (*NUMBER_FIELDS, *(field.name for field in self.fields if field.kind == "number"))

    @property
    def text_fields(self) -> tuple[str, ...]:
        """The names that conditions compare as texts: the common ones, then those the scheme declares."""
        return (*TEXT_FIELDS, *(field.name for field in self.fields if field.kind == "text"))

    @property
    def drg_codes(self) -> list[str]:
        """Every DRG code of the leaf table, once, in table order."""
        leaves = (leaf for mdc in self.mdcs for step in mdc.steps for leaf in step.leaves)
        return list(dict.fromkeys(leaf.drg for leaf in leaves))
