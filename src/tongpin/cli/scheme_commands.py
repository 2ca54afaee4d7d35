"""`tongpin scheme …`: import, template, list, show, check."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tongpin.cli.output import screen

if TYPE_CHECKING:
    from pathlib import Path

_LABELS = {
    "id": "代号",
    "title": "名称",
    "source": "来源",
    "mdc": "MDC",
    "adrg": "ADRG",
    "drg": "DRG",
    "dx_lists": "诊断清单",
    "px_lists": "手术清单",
    "mcc": "MCC 编码",
    "cc": "CC 编码",
    "adrg_without_leaf": "无细分组时",
    "digest": "摘要",
}


def import_(
    home_path: Path | None, source: Path, scheme_id: str, kind: str | None, licence: str, *, replace: bool
) -> None:
    """Import a scheme of any known layout and say what came in, from where, and what to look at."""
    from tongpin.grouping.compiled.cache import compiled_scheme
    from tongpin.grouping.library import describe, import_scheme
    from tongpin.store.home import Home

    home = Home.open(home_path)
    imported = import_scheme(home, source, scheme_id, kind=kind, licence=licence, replace=replace)
    compiled_scheme(home.schemes / scheme_id, cache=home.cache, tables=imported.scheme)
    data = describe(imported.scheme)
    screen.give(
        {
            "ok": True,
            "scheme": data,
            "provenance": imported.provenance,
            "findings": [finding.as_dict() for finding in imported.findings],
        },
    )
    screen.findings(imported.findings)
    screen.say(
        f"已导入 {scheme_id}：{data['mdc']} 个 MDC、{data['adrg']} 个 ADRG、{data['drg']} 个 DRG",
        f"imported {scheme_id}: {data['mdc']} MDC, {data['adrg']} ADRG, {data['drg']} DRG",
    )


def list_(home_path: Path | None) -> bool:
    """List the schemes of the home and the shipped ones; true when one of them cannot be read."""
    from tongpin.base.errors import SchemeError
    from tongpin.grouping.library import describe, scheme_folders
    from tongpin.grouping.tables.read import load_scheme
    from tongpin.store.home import Home

    found: list[dict[str, Any]] = []
    broken: list[SchemeError] = []
    for scheme_id, folder in scheme_folders(Home.open(home_path)).items():
        try:
            found.append(describe(load_scheme(folder, scheme_id)))
        except SchemeError as error:
            broken.append(error)
    screen.give({"ok": not broken, "schemes": found, "broken": [fault.as_dict() for fault in broken]})
    columns = ("id", "title", "mdc", "adrg", "drg", "digest")
    rows = [[str(row[c])[:12] if c == "digest" else str(row[c]) for c in columns] for row in found]
    screen.table("分组方案", [_LABELS[c] for c in columns], rows)
    for fault in broken:
        screen.say(f"读不了：{fault}")
    return bool(broken)


def show(home_path: Path | None, scheme_id: str) -> None:
    """Show size and provenance of one scheme."""
    from tongpin.grouping.library import describe, open_scheme
    from tongpin.store.home import Home

    data = describe(open_scheme(Home.open(home_path), scheme_id))
    screen.give({"ok": True, "scheme": data})
    screen.table(f"方案 {scheme_id}", ["项", "值"], [[_LABELS[key], str(value)] for key, value in data.items()])


def check(home_path: Path | None, scheme_id: str) -> bool:
    """Print what is found in a scheme and in the cases that lie beside it; true when some of it hurts."""
    from tongpin.grouping.checks.check import check_scheme, with_rows
    from tongpin.grouping.library import folder_of
    from tongpin.grouping.tables.read import load_scheme
    from tongpin.grouping.trials.cases import run_cases
    from tongpin.store.home import Home

    folder = folder_of(Home.open(home_path), scheme_id)
    scheme = load_scheme(folder, scheme_id)
    findings = [*with_rows(check_scheme(scheme, remarks=True), folder), *run_cases(scheme, folder)]
    warnings = sum(finding.severity != "info" for finding in findings)
    screen.give({"ok": not warnings, "findings": [finding.as_dict() for finding in findings]})
    screen.findings(findings)
    found = f"{warnings} 处警告" if warnings else "没有发现问题"
    notes = f"，另有 {len(findings) - warnings} 处提示" * (len(findings) > warnings)
    screen.say(
        f"方案 {scheme_id}：{found}{notes}",
        f"scheme {scheme_id}: {warnings} warnings, {len(findings) - warnings} remarks",
    )
    return bool(warnings)


def template(home_path: Path | None, output: Path, scheme_id: str | None, *, force: bool) -> None:
    """Write the workbook in which a published plan is typed in, empty or filled with a scheme at hand."""
    from tongpin.base.errors import SchemeError, os_words
    from tongpin.grouping.importers.plan.writer import write_template
    from tongpin.grouping.library import open_scheme
    from tongpin.store.home import Home

    if output.suffix.lower() != ".xlsx":
        raise SchemeError("scheme.output", f"模板是 xlsx 工作簿，不能写成 {output.name}", hint="文件名以 .xlsx 结尾")
    if output.exists() and not force:
        raise SchemeError("scheme.output", f"{output} 已经有了", hint="换一个文件名；确要覆盖时加 --force")
    scheme = open_scheme(Home.open(home_path), scheme_id) if scheme_id else None
    try:
        write_template(output, scheme)
    except OSError as error:
        raise SchemeError(
            "scheme.output", f"写不了 {output}：{os_words(error)}", hint="换一个文件夹或文件名"
        ) from error
    screen.give({"ok": True, "file": str(output), "scheme": scheme_id})
    what = f"方案 {scheme_id}" if scheme_id else "空模板"
    screen.say(
        f"已写出 {output}（{what}）；填好后用 tongpin scheme import {output.name} --id 方案代号 导入",
        f"wrote {output}",
    )
