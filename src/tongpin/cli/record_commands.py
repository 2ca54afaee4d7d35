"""`tongpin load` and `tongpin group`."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tongpin.base.errors import TongpinError
from tongpin.cli.output import screen

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa

    from tongpin.base.findings import Finding
    from tongpin.grouping.model import SchemeTables
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
OUTPUT_COLUMNS = ("case_id", "status", "mdc", "adrg", "drg")


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


def group(
    home_path: Path | None,
    source: Path,
    kind: str | None,
    scheme_id: str,
    output: Path,
    *,
    explain: bool,
    by_interpreter: bool,
) -> bool:
    """Group the cases of a file; true when some could not be read."""
    from tongpin.grouping.library import open_scheme
    from tongpin.records.intake.kinds import CASE_KINDS, label_of
    from tongpin.records.intake.read import read
    from tongpin.store.home import Home

    if output.suffix not in {".csv", ".parquet"}:
        raise TongpinError("group.output", f"不知道怎么写 {output.name}", hint="结果文件用 .csv 或 .parquet 结尾")
    home = Home.open(home_path)
    scheme = open_scheme(home, scheme_id)
    # The answer holds nothing of a patient, so any key does and no home is made.
    loaded = read(source, kind, key=b"group", codes=code_book(scheme))
    if loaded.kind not in CASE_KINDS:
        raise TongpinError(
            "group.kind",
            f"{source.name} 不是病例文件（{label_of(loaded.kind)}）",
            hint="给出通用格式、4101 JSON 或 HQMS 首页（CSV、xlsx）；看不出种类时用 --kind 指明",
            findings=loaded.findings,
        )
    table = _answers(loaded.cases, scheme, explain=explain, by_interpreter=by_interpreter)
    write_answers(table, output)
    counts = Counter(table.column("status").to_pylist())
    failed = any(finding.severity == "error" for finding in loaded.findings)
    screen.give(
        {
            "ok": not failed,
            "cases": table.num_rows,
            "status": dict(counts),
            "output": str(output),
            "findings": [finding.as_dict() for finding in loaded.findings],
        },
    )
    _show_counts(counts, table.num_rows, output)
    screen.findings(loaded.findings)
    return failed


def _show_counts(counts: Counter[str], total: int, output: Path) -> None:
    from tongpin.grouping.model import STATUS_LABELS, Status

    rows = [[STATUS_LABELS[s], f"{counts[s]:,}", f"{counts[s] / max(total, 1):.2%}"] for s in Status if counts[s]]
    screen.table(f"分组结果（{total:,} 例）", ["状态", "例数", "占比"], rows)
    screen.say(f"已写出 {output}", f"wrote {output}")


def _answers(cases: pa.Table, scheme: SchemeTables, *, explain: bool, by_interpreter: bool) -> pa.Table:
    import pyarrow as pa

    if not (explain or by_interpreter):
        from tongpin.grouping.stage import group as group_table

        return group_table(cases, scheme).select(list(OUTPUT_COLUMNS))
    from tongpin.grouping.interpreter import Case
    from tongpin.grouping.interpreter import explain as explain_case

    rows: list[dict[str, Any]] = []
    for row in cases.to_pylist():
        told = explain_case(scheme, Case.of(row))
        answer = {"case_id": row["case_id"], **{name: told[name] for name in OUTPUT_COLUMNS[1:]}}
        if explain:
            answer["explain"] = json.dumps(told["path"], ensure_ascii=False)
        rows.append(answer)
    names = [*OUTPUT_COLUMNS, *(["explain"] if explain else [])]
    return pa.Table.from_pylist(rows, schema=pa.schema([(name, pa.string()) for name in names]))


def write_answers(table: pa.Table, output: Path) -> None:
    """The group output as CSV or Parquet, plain text columns."""
    import pyarrow as pa
    import pyarrow.csv
    import pyarrow.parquet

    table = table.cast(pa.schema([(name, pa.string()) for name in table.column_names]))
    output.parent.mkdir(parents=True, exist_ok=True)
    if output.suffix == ".csv":
        pyarrow.csv.write_csv(table, output, pyarrow.csv.WriteOptions(quoting_style="needed"))
    else:
        pyarrow.parquet.write_table(table, output)
