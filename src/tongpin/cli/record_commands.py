"""`tongpin load`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tongpin.cli.output import screen

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tongpin.base.findings import Finding
    from tongpin.grouping.tables.model import SchemeTables
    from tongpin.records.case.assemble import CodeBook
    from tongpin.records.intake.load import LoadReport
    from tongpin.store.home import Home

MOST_FINDINGS = 10_000
"""How many findings the answer for machines carries; all stand in the file."""
LOAD_HEADS = {
    "new": "新增",
    "changed": "更新",
    "older": "旧版",
    "unchanged": "未变",
    "rejected": "拒收",
    "repeated": "重复",
}
"""What became of the records of a load; a record is one of them."""


def load(home_path: Path | None, files: list[Path], kind: str | None, scheme_id: str | None) -> bool:
    """Load files; true when a record or a file could not be read."""
    from tongpin.grouping.library import open_scheme
    from tongpin.records.intake.load import load_files
    from tongpin.store.home import Home

    home = Home.open(home_path)
    codes = code_book(open_scheme(home, scheme_id)) if scheme_id else None
    if home.demo_city.exists():
        screen.say("注意：这个工作目录里是演示城市，自己的数据请用 --home 另选一个目录")
    with screen.progress("装载") as progress:
        report = load_files(home, files, kind, progress, codes)
    findings = report.findings
    failed = any(finding.severity == "error" for finding in findings)
    path = write_findings(home, findings)
    screen.give({"ok": not failed, **report.as_dict(MOST_FINDINGS), "findings_file": str(path)})
    show_load(report)
    screen.findings(findings)
    if findings:
        screen.say(f"这次的全部问题：{path}；还没有改正的用 tongpin findings 查看")
    return failed


def write_findings(home: Home, findings: Sequence[Finding]) -> Path:
    """The findings of a load as a CSV that a spreadsheet opens, one row each; its path."""
    import csv

    from tongpin.base.findings import RESULT_LABELS, SEVERITY_LABELS

    home.reports.mkdir(parents=True, exist_ok=True)
    path = home.reports / "装载问题.csv"
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["规则", "级别", "文件", "第几条", "字段", "值", "说明", "怎么改", "影响"])
        for one in findings:
            spoils = "、".join(RESULT_LABELS.get(result, result) for result in one.spoils)
            place = [one.file, one.record or "", one.path, one.value]
            writer.writerow([one.rule_id, SEVERITY_LABELS[one.severity], *place, one.message, one.hint, spoils])
    return path


def code_book(scheme: SchemeTables) -> CodeBook:
    """The dictionaries of a scheme, by which unknown codes are told."""
    from tongpin.records.case.assemble import CodeBook

    return CodeBook(frozenset(scheme.dx_names), frozenset(scheme.px_names))


def show_load(report: LoadReport) -> None:
    """The load as a table: files, records and what became of them, then why each kind was taken for what it is."""
    from tongpin.records.intake.kinds import label_of

    screen.table(
        f"第 {report.load} 次装载",
        ["种类", "文件", "记录", *LOAD_HEADS.values()],
        [
            [
                label_of(kind),
                f"{report.files[kind]:,}",
                f"{report.records[kind]:,}",
                *(f"{getattr(report, name)[kind]:,}" for name in LOAD_HEADS),
            ]
            for kind in report.files
        ],
    )
    for kind, reason in report.reasons.items():
        if reason:
            screen.say(f"认作{label_of(kind)}：{reason}")
    if report.completed:
        screen.say(f"结算结果补全了先前装载的清单 {report.completed:,} 份（计入更新）")
    if report.mended:
        screen.say(f"先前的问题改正了 {report.mended:,} 条")
