"""Sources 来源: which layout a folder or file has, and the draft of its tables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tongpin.base.errors import SchemeError
from tongpin.grouping.importers.opendrg import checkout as opendrg
from tongpin.grouping.importers.plan import template as plan_template
from tongpin.grouping.importers.rule_package import package as json_package
from tongpin.grouping.importers.workbook import workbook

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tongpin.grouping.importers.draft import Draft


@dataclass(frozen=True, slots=True)
class Importer:
    """One layout: `recognises` looks without reading much, `read` fills a draft and collects every fault."""

    kind: str
    label: str
    recognises: Callable[[Path], bool]
    read: Callable[[Path], Draft]


TABLES_KIND = "tables"
"""The layout that is stored as it is: a folder of scheme tables."""

IMPORTERS: tuple[Importer, ...] = (
    Importer("opendrg", "OpenDRG 的 Python 分组器", opendrg.recognises, opendrg.read),
    Importer("workbook", "流传的分组工作簿", workbook.recognises, workbook.read),
    Importer("plan", "本系统的方案模板", plan_template.recognises, plan_template.read),
    Importer("json", "CHS-DRG-Grouper 的 JSON 规则包", json_package.recognises, json_package.read),
)


def is_table_folder(source: Path) -> bool:
    """Whether a folder holds scheme tables."""
    return any((source / f"mdc.csv{ending}").is_file() for ending in ("", ".gz"))


def importer_of(source: Path, kind: str | None = None) -> Importer | None:
    """The importer of a source; None for a table folder.

    Raises `SchemeError` (`scheme.source`) when nothing recognises the source or `kind` is unknown.
    """
    known = {importer.kind: importer for importer in IMPORTERS}
    if kind == TABLES_KIND or (kind is None and is_table_folder(source)):
        return None
    if kind is not None:
        if kind not in known:
            raise SchemeError("scheme.source", f"没有来源种类 {kind}", hint=f"可用：{'、'.join([TABLES_KIND, *known])}")
        return known[kind]
    for importer in IMPORTERS:
        if importer.recognises(source):
            return importer
    kinds = "；".join([f"方案表文件夹（{TABLES_KIND}）", *(f"{one.label}（{one.kind}）" for one in IMPORTERS)])
    raise SchemeError(
        "scheme.source", f"看不出 {source.name} 是哪一种方案", hint=f"可导入：{kinds}；用 --kind 指明种类"
    )
