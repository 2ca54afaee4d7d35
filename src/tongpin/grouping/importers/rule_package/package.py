"""The JSON packages JSON 规则包: versions of the open CHS-DRG-Grouper become scheme tables (SCH-J findings).

A version (`src/data/versions/<version>`) names a common package, and that names the code dictionaries. Its order of
trying is kept: pre-MDCs one after the other, then the one MDC of the principal diagnosis, ADRGs and DRGs as they stand.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tongpin.grouping.importers.draft import Draft, Place
from tongpin.grouping.importers.rule_package.source import VERSIONS, Source, read_dictionary, version_folders
from tongpin.grouping.importers.rule_package.tables import read_tables

if TYPE_CHECKING:
    from pathlib import Path

    from tongpin.grouping.importers.rule_package.settings import Settings
    from tongpin.grouping.importers.rule_package.tables import Tables


def recognises(source: Path) -> bool:
    """Whether a folder is a version of the packages, or a checkout that holds some."""
    if not source.is_dir():
        return False
    generated = source / "generated"
    is_version = (source / "config.json").is_file() and (generated / "drg_rules.json").is_file()
    return is_version or bool(version_folders(source))


def read(source: Path) -> Draft:
    """The draft of one version; a checkout is refused with the names of its versions.

    Every fault is a finding (SCH-J001 … SCH-J014) with the file, the line of the rule and the key. Nothing of the
    source is run; weights in `drg.json` are payment and stay out.
    """
    from tongpin.grouping.importers.rule_package.groups import add_groups
    from tongpin.grouping.importers.rule_package.rules import Lists, RuleReader
    from tongpin.grouping.importers.rule_package.settings import read_settings

    draft = Draft()
    folder = source.resolve()
    versions = version_folders(folder)
    if versions:
        names = "、".join(path.name for path in versions)
        place = Place("/".join(VERSIONS))
        draft.fault("SCH-J001", place, "", f"这里有 {len(versions)} 个版本：{names}", "给出其中一个版本的文件夹")
        return draft
    files = Source(folder.parent.parent, draft)
    settings = read_settings(files, folder)
    if not settings.common:
        return draft
    tables = read_tables(files, folder, settings)
    dictionary = read_dictionary(files, settings.clinical, settings.insurance)
    skipped = frozenset() if settings.skip == "keep" else tables.invalid_px - settings.allowed_invalid
    not_all = tables.not_all_px if settings.reading.any_procedure_principal else frozenset()
    reader = RuleReader(files, settings, Lists(files), skipped, not_all)
    add_groups(reader, tables, dictionary)
    _add_options(draft, settings, files.place(folder / "config.json"))
    _add_lists(draft, tables, files, folder)
    for code, name in dictionary.dx_names.items():
        draft.add("icd10", Place("icd_yb_names_diag.json", column=code), code=code, name=name)
    for code, name in dictionary.px_names.items():
        draft.add("icd9", Place("icd_yb_names_proc.json", column=code), code=code, name=name)
    for table, mapping in (("dx_map", dictionary.dx_map), ("px_map", dictionary.px_map)):
        for code, target in mapping.items():
            draft.add(table, Place("crosswalks", column=code), code=code, target=target)
    return draft


def _add_options(draft: Draft, settings: Settings, place: Place) -> None:
    origin = f"CHS-DRG-Grouper {settings.version}（公共规则包 {settings.common}）"
    draft.option("scheme_id", settings.version, place)
    draft.option("title", settings.label, place)
    draft.option("source", f"{origin} {settings.title}".strip(), place)
    draft.option("adrg_without_leaf", "next", place)
    draft.option("mdc_without_group", "next", place)
    draft.option("newborn_days", 0, place)
    used = any("icu_hours" in row["when"] for row, _ in draft.rows["drg"])
    draft.option("uses_icu_hours", int(used), place)


def _add_lists(draft: Draft, tables: Tables, files: Source, folder: Path) -> None:
    generated = files.data / "drg-common" / tables.common / "generated"
    for table, values, name in (
        ("mcc", tables.mcc, "mcc_codes.json"),
        ("cc", tables.cc, "cc_codes.json"),
        ("exclusion", tables.exclusion, "cce_codes.json"),
    ):
        place = files.place(generated / name)
        for code, exclusion_table in values.items():
            draft.add(table, place._replace(column=code), code=code, exclusion_table=exclusion_table)
    named = files.place(folder / "generated" / "drg.json")
    for drg, name in tables.drg_names.items():
        draft.add("drg_name", named._replace(column=drg), drg=drg, name=name)
