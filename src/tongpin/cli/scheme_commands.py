"""`tongpin scheme …`: import, list, show, check."""

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
    from tongpin.grouping.library import describe, import_scheme
    from tongpin.store.home import Home

    imported = import_scheme(Home.open(home_path), source, scheme_id, kind=kind, licence=licence, replace=replace)
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
    from tongpin.grouping.tables import load_scheme
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
    """Print warnings of a scheme; true when there are any."""
    from tongpin.grouping.check import check_scheme
    from tongpin.grouping.library import open_scheme
    from tongpin.store.home import Home

    findings = check_scheme(open_scheme(Home.open(home_path), scheme_id))
    screen.give({"ok": not findings, "findings": [finding.as_dict() for finding in findings]})
    screen.findings(findings)
    screen.say(
        f"方案 {scheme_id}：{len(findings)} 处值得看一眼" if findings else f"方案 {scheme_id}：没有发现问题",
        f"scheme {scheme_id}: {len(findings)} warnings",
    )
    return bool(findings)
