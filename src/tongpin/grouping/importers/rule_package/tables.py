"""The tables of a JSON package 规则包的内容: MDCs, ADRGs, DRGs and complication tables, checked for shape."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from tongpin.grouping.importers.draft import Place
    from tongpin.grouping.importers.rule_package.settings import Settings
    from tongpin.grouping.importers.rule_package.source import Source

_MDC_KEYS = ("code", "name", "type", "filename", "content", "identifyingDiagnoses", "mdczCategories")
_ADRG_KEYS = ("code", "name", "type", "filename", "content", "rule")
_DRG_KEYS = (
    "drgCode",
    "drgName",
    "adrgCode",
    "conditions",
    "diagnosisCodes",
    "procedureCodes",
    "diagnosisPrefixes",
    "procedurePrefixes",
    "adrgRule",
)
_DRG_INFO_KEYS = ("description", "weight", "weightTier2")
_CODES = {"MDC": re.compile(r"MDC[A-Z]"), "ADRG": re.compile(r"[A-Z][A-Z][A-Z0-9]")}


@dataclass(frozen=True, slots=True)
class Item:
    """One MDC, ADRG or DRG as it stands in its file."""

    code: str
    name: str
    values: dict[str, Any]
    place: Place


@dataclass(frozen=True, slots=True)
class Tables:
    """What a version and its common package hold besides their settings."""

    common: str
    mdcs: list[Item]
    adrgs: list[Item]
    drgs: list[Item]
    drg_names: dict[str, str]
    mcc: dict[str, str]
    cc: dict[str, str]
    exclusion: dict[str, str]
    invalid_dx: frozenset[str]
    invalid_px: frozenset[str]
    not_all_px: frozenset[str]


def read_tables(source: Source, folder: Path, settings: Settings) -> Tables:
    """Every generated file of a version and of its common package; complication codes without a table are left out."""
    common = source.data / "drg-common" / settings.common / "generated"
    version = folder / "generated"
    not_all = common / "qy_diff_codes.json"
    tables = {name: source.words(common / f"{name}_codes.json") for name in ("mcc", "cc", "cce")}
    filled = {name: {code: table for code, table in values.items() if table} for name, values in tables.items()}
    found = Tables(
        common=settings.common,
        mdcs=_items(source, common / "mdc_rules.json", "MDC", _MDC_KEYS),
        adrgs=_items(source, common / "adrg_rules.json", "ADRG", _ADRG_KEYS),
        drgs=_drgs(source, version / "drg_rules.json"),
        drg_names={},
        mcc=filled["mcc"],
        cc=filled["cc"],
        exclusion=filled["cce"],
        invalid_dx=frozenset(source.codes(common / "zd_invalid.json")),
        invalid_px=frozenset(source.codes(common / "ss_invalid.json")),
        not_all_px=frozenset(source.codes(not_all)) if not_all.is_file() else frozenset(),
    )
    found.drg_names.update(_drg_names(source, version / "drg.json", found.drgs))
    return found


def _items(source: Source, path: Path, kind: str, keys: tuple[str, ...]) -> list[Item]:
    items: dict[str, Item] = {}
    for number, values in enumerate(source.load(path, list, ("code",)), start=1):
        if not source.has_shape(values, dict, source.place(path, f"第 {number} 项")):
            continue
        code = values.get("code")
        place = source.place(path, str(code), ("code", str(code)))
        if not isinstance(code, str) or not _CODES[kind].fullmatch(code) or values.get("type") != kind:
            hint = f'写作 {{"code": "{"MDCH" if kind == "MDC" else "HC2"}", "type": "{kind}", …}}'
            source.fault("SCH-J002", place, code, f"第 {number} 项不是一个 {kind}", hint)
            continue
        source.only_keys(values, keys, place, f"{code} ")
        if code in items:
            source.fault("SCH-J011", place, code, f"{kind} {code} 写了两次", "留下一个")
            continue
        items[code] = Item(code, str(values.get("name", "")), values, place)
    return list(items.values())


def _drgs(source: Source, path: Path) -> list[Item]:
    items: dict[str, Item] = {}
    for number, values in enumerate(source.load(path, list, ("drgCode",)), start=1):
        if not source.has_shape(values, dict, source.place(path, f"第 {number} 项")):
            continue
        code = values.get("drgCode")
        place = source.place(path, str(code), ("drgCode", str(code)))
        if not isinstance(code, str) or not code.strip() or not isinstance(values.get("adrgCode"), str):
            hint = '写作 {"drgCode": "HC23", "adrgCode": "HC2", "conditions": […]}'
            source.fault("SCH-J002", place, code, f"第 {number} 项缺 drgCode 或 adrgCode", hint)
            continue
        source.only_keys(values, _DRG_KEYS, place, f"{code} ")
        if code in items:
            source.fault("SCH-J011", place, code, f"病组 {code} 写了两次", "留下一个")
            continue
        items[code] = Item(code, str(values.get("drgName", "")), values, place)
    return list(items.values())


def _drg_names(source: Source, path: Path, drgs: list[Item]) -> dict[str, str]:
    names = {item.code: item.name for item in drgs}
    for code, values in source.load(path, dict).items():
        place = source.place(path, code)
        if source.has_shape(values, dict, place):
            source.only_keys(values, _DRG_INFO_KEYS, place, f"{code} ")
            names[code] = str(values.get("description") or names.get(code, ""))
    return names
