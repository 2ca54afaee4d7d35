"""The settings of a JSON package 规则包的设置: both `config.json` files, read into what they mean for grouping."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tongpin.grouping.importers.rule_package.layout import layout

if TYPE_CHECKING:
    from pathlib import Path

    from tongpin.grouping.importers.draft import Place
    from tongpin.grouping.importers.rule_package.layout import Reading
    from tongpin.grouping.importers.rule_package.source import Source

_VERSION_KEYS = (
    "id",
    "label",
    "drgCommon",
    "packages",
    "strategy",
    "source",
    "subgroupConditions",
    "subgroupOrderOverrides",
    "editionExtraction",
    "specialContentExtraction",
)
_COMMON_KEYS = ("id", "packages", "strategy", "source")
_COMMON_STRATEGY = ("allowedInvalidPrincipalProcedures", "allowedGrayPrincipalProcedures", "preMdc")
_VERSION_STRATEGY = ("daySurgeryAsNoCC", "robotAssistedSurgery", "highRiskPregnancyAsMcc")
_MDC = re.compile(r"MDC[A-Z]")


@dataclass(frozen=True, slots=True)
class Special:
    """Codes that count for some ADRGs only, such as robot procedures or high-risk pregnancies."""

    adrgs: frozenset[str] = frozenset()
    codes: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Settings:
    """What the two configurations say.

    `reading` is the way the package is read, `skip` how an invalid first procedure is treated (`null-slot`: its place
    stays empty, `keep`: it counts), `title` the document that the version goes back to.
    """

    version: str
    label: str
    title: str
    common: str
    clinical: str
    insurance: str
    reading: Reading
    pre_mdc: tuple[str, ...]
    hiv_principal_only: bool
    secondary_fallback: bool
    skip: str
    allowed_invalid: frozenset[str]
    allowed_gray: frozenset[str]
    day_surgery_without_cc: bool
    robot: Special
    pregnancy: Special


def read_settings(source: Source, folder: Path) -> Settings:
    """The settings of a version folder and of the common package it names."""
    path = folder / "config.json"
    version = source.load(path, dict)
    _warn_unknown(source, version, _VERSION_KEYS, source.place(path))
    old_packages = _object(source, version, "packages", source.place(path, "packages"))
    common_id = version.get("drgCommon", old_packages.get("drgCommon"))
    if not isinstance(common_id, str) or not common_id:
        place = source.place(path, "drgCommon")
        source.fault("SCH-J004", place, common_id, "没有写明公共规则包", '补上 "drgCommon": "chs-3.0" 一类的键')
        common_id = ""
    if version.get("id") != folder.name:
        place = source.place(path, "id")
        source.fault("SCH-J004", place, version.get("id"), f"id 应与文件夹名 {folder.name} 相同", "改成一致")
    common_path = source.data / "drg-common" / common_id / "config.json"
    common = source.load(common_path, dict) if common_id else {}
    _warn_unknown(source, common, _COMMON_KEYS, source.place(common_path))
    packages = _object(source, common, "packages", source.place(common_path, "packages")) or old_packages
    for key in ("clinicalIcd", "insuranceIcd"):
        if common and not isinstance(packages.get(key), str):
            place = source.place(common_path, f"packages.{key}")
            source.fault("SCH-J004", place, packages.get(key), f"没有写明编码包 {key}", "补上编码包的名字")
    strategy = _object(source, common, "strategy", source.place(common_path, "strategy"))
    earlier = "packages" in version or any(key in strategy for key in layout().earlier_keys)
    own = _CommonStrategy(source, common_path, strategy, earlier=earlier)
    choice = _object(source, version, "strategy", source.place(path, "strategy"))
    source.only_keys(choice, _VERSION_STRATEGY, source.place(path, "strategy"), "strategy ")
    origin = _object(source, version, "source", source.place(path, "source"))
    return Settings(
        version=folder.name,
        label=str(version.get("label", folder.name)),
        title=" ".join(str(origin[key]) for key in ("documentNumber", "title") if key in origin),
        common=common_id,
        clinical=str(packages.get("clinicalIcd", "")),
        insurance=str(packages.get("insuranceIcd", "")),
        reading=own.reading,
        pre_mdc=own.pre_mdc(),
        hiv_principal_only=own.flag("mdcyPrincipalDiagnosisOnly", default=own.reading.hiv_principal_only),
        secondary_fallback=own.flag("allowSecondarySectionPrimaryFallback", default=False),
        skip=own.skip(),
        allowed_invalid=own.codes("allowedInvalidPrincipalProcedures", ()),
        allowed_gray=own.codes("allowedGrayPrincipalProcedures", layout().allowed_gray_principal_procedures),
        day_surgery_without_cc=_flag(source, choice, "daySurgeryAsNoCC", source.place(path, "strategy"), default=False),
        robot=_special(source, path, version, choice, "robotAssistedSurgery", "procedureCodes"),
        pregnancy=_special(source, path, version, choice, "highRiskPregnancyAsMcc", "diagnosisCodes"),
    )


class _CommonStrategy:
    """The strategy of a common package with its checks."""

    def __init__(self, source: Source, path: Path, values: dict[str, Any], *, earlier: bool) -> None:
        self.source, self.values = source, values
        self.place = source.place(path, "strategy")
        self.reading = layout().earlier if earlier else layout().current
        known = (*_COMMON_STRATEGY, *layout().earlier_keys)
        source.only_keys(values, known, self.place, "strategy ")

    def at(self, key: str) -> Place:
        return self.place._replace(column=f"strategy.{key}")

    def flag(self, key: str, *, default: bool) -> bool:
        return _flag(self.source, self.values, key, self.place, default=default)

    def codes(self, key: str, default: tuple[str, ...]) -> frozenset[str]:
        return frozenset(self.source.texts(self.values[key], self.at(key)) if key in self.values else default)

    def pre_mdc(self) -> tuple[str, ...]:
        if "preMdc" not in self.values:
            return self.reading.pre_mdc
        order = self.source.texts(self.values["preMdc"], self.at("preMdc"))
        for code in order:
            if not _MDC.fullmatch(code) or order.count(code) > 1:
                self.source.fault(
                    "SCH-J004", self.at("preMdc"), code, "先期 MDC 的写法不对或重复", "写作 MDCA，各写一次"
                )
        return tuple(order)

    def skip(self) -> str:
        key = "invalidPrincipalProcedureAction"
        action = str(self.values.get(key, "null-slot"))
        if action == "shift":
            message = "shift 让第二个手术顶替无效的主要手术，方案表没有“第二个手术”的条件，不能转换"
            self.source.fault(
                "SCH-J012", self.at(key), action, message, "改为 null-slot（空出主要手术）或 keep（照常）"
            )
        elif action not in {"null-slot", "keep"}:
            self.source.fault("SCH-J004", self.at(key), action, "不认识这个值", "可用：null-slot、keep")
        return action


def _warn_unknown(source: Source, values: dict[str, Any], known: tuple[str, ...], place: Place) -> None:
    for key, value in values.items():
        if key not in known:
            message = f"设置里有不认识的键 {key}，没有理会"
            source.warn(place._replace(column=key), value, message, "确认它不改变入组")


def _object(source: Source, values: dict[str, Any], key: str, place: Place) -> dict[str, Any]:
    value = values.get(key, {})
    return value if source.has_shape(value, dict, place) else {}


def _flag(source: Source, values: dict[str, Any], key: str, place: Place, *, default: bool) -> bool:
    value = values.get(key, default)
    return bool(value) if source.has_shape(value, bool, place._replace(column=f"strategy.{key}")) else default


def _special(
    source: Source, path: Path, version: dict[str, Any], strategy: dict[str, Any], key: str, code_key: str
) -> Special:
    """ADRGs from the strategy; codes from beside them, or from the list that the extraction settings name."""
    if key not in strategy:
        return Special()
    value, place = strategy[key], source.place(path, f"strategy.{key}")
    if isinstance(value, dict):
        source.only_keys(value, ("adrgCodes", code_key), place, f"{key} ")
        return Special(
            frozenset(source.texts(value.get("adrgCodes", []), place)),
            frozenset(source.texts(value.get(code_key, []), place)),
        )
    adrgs = frozenset(source.texts(value, place))
    extraction = _object(source, version, "specialContentExtraction", place)
    groups = extraction.get("groups", [])
    files = [one.get("outputFile") for one in groups if isinstance(one, dict) and one.get("strategyKey") == key]
    if len(files) != 1 or not isinstance(files[0], str) or "/" in files[0] or "\\" in files[0]:
        hint = "在 specialContentExtraction.groups 里写一条 strategyKey 相同的，outputFile 指出 raw 里的清单"
        source.fault("SCH-J004", place, "", f"{key} 没有编码清单", hint)
        return Special(adrgs)
    return Special(adrgs, _listed(source, path.parent / "raw" / files[0]))


def _listed(source: Source, path: Path) -> frozenset[str]:
    """The codes of a list of lines `code<TAB>name`."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        source.fault("SCH-J001", source.place(path), "", f"缺少清单 {path.name}，或它不是 UTF-8 文本", "用完整的检出")
        return frozenset()
    source.draft.read_files.append(path)
    return frozenset(line.split()[0] for line in lines if line.strip())
