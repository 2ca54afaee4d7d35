"""`tongpin scheme diff`: two schemes, the cases that move between their groups, and what that weighs."""

from __future__ import annotations

import csv
from collections import Counter
from typing import TYPE_CHECKING, Any

from tongpin.base.errors import TongpinError
from tongpin.cli.output import screen

if TYPE_CHECKING:
    from decimal import Decimal
    from pathlib import Path

    import pyarrow as pa

    from tongpin.base.findings import Finding
    from tongpin.grouping.diff import CaseMix, Change
    from tongpin.grouping.tables.model import CaseField
    from tongpin.report.xlsx import Sheet
    from tongpin.store.home import Home

    Mix = tuple[CaseMix, CaseMix]

SHOWN = 12
"""How many rows a screen shows of each table."""
LISTED = 40
"""How many codes one cell lists."""


def diff(
    home_path: Path | None,
    old_id: str,
    new_id: str,
    cases_file: Path | None,
    weight_files: tuple[Path | None, Path | None],
    output: Path | None,
    *,
    loaded: bool,
) -> None:
    """Say how two schemes differ, who moves and what it weighs; the detail goes to xlsx or CSV."""
    from tongpin.grouping.diff import case_mix, compare_schemes, move_cases, read_weights
    from tongpin.grouping.library import open_scheme
    from tongpin.store.home import Home

    if output is not None and output.suffix not in {".xlsx", ".csv"}:
        raise TongpinError("diff.output", f"不知道怎么写 {output.name}", hint="明细文件用 .xlsx 或 .csv 结尾")
    first, second = weight_files
    weights = [read_weights(path) for path in (first or second, second or first) if path is not None]
    home = Home.open(home_path)
    old, new = open_scheme(home, old_id), open_scheme(home, new_id)
    changes = compare_schemes(old, new)
    fields = tuple({field.name: field for field in (*old.fields, *new.fields)}.values())
    cases, findings = _cases(home, cases_file, fields, loaded=loaded)
    if weights and cases is None:
        raise TongpinError("diff.weights", "给了权重，没有给病例", hint="加 --cases 文件，或 --loaded")
    moves = None if cases is None else move_cases(cases, old, new)
    mix: Mix | None = None
    if moves is not None and weights:
        mix = (case_mix(moves, "before", weights[0]), case_mix(moves, "after", weights[1]))
    if output is not None:
        output.parent.mkdir(parents=True, exist_ok=True)
        _write(output, f"{old_id} 与 {new_id}", changes, moves, weights, mix)
    _give(changes, moves, mix, findings, output)
    screen.findings(findings)
    _show(old_id, new_id, changes, moves, mix)
    if output is not None:
        screen.say(f"明细：{output}", f"details: {output}")


def _cases(
    home: Home, file: Path | None, fields: tuple[CaseField, ...], *, loaded: bool
) -> tuple[pa.Table | None, list[Finding]]:
    """The cases of a file, or those loaded: settlement lists where there are any, else whatever there is."""
    from tongpin.cli.group_command import with_fields

    if file is not None:
        from tongpin.records.intake.kinds import CASE_KINDS, label_of
        from tongpin.records.intake.read import read

        # Nothing of a patient is kept, so any key does.
        found = read(file, None, key=b"diff")
        if found.kind not in CASE_KINDS:
            raise TongpinError("diff.cases", f"{file.name} 不是病例文件（{label_of(found.kind)}）", hint="给出病例文件")
        cases, findings = with_fields(found.cases, fields)
        return cases, [*found.findings, *findings]
    if not loaded:
        return None, []
    import pyarrow.compute as pc

    from tongpin.grouping.trials.conformance import PLAIN
    from tongpin.records.intake.lake_tables import CASES, read_loaded

    cases = read_loaded(home, CASES, ["source", *PLAIN, *["extra"] * bool(fields)])
    lists = cases.filter(pc.equal(cases["source"], "settlement_list"))
    cases = lists if lists.num_rows else cases
    if not cases.num_rows:
        raise TongpinError("diff.cases", "工作目录里没有病例", where=str(home.root), hint="先用 tongpin load 装载")
    return with_fields(cases, fields)


def _give(
    changes: list[Change], moves: pa.Table | None, mix: Mix | None, findings: list[Finding], output: Path | None
) -> None:
    from tongpin.grouping.diff import changed

    data: dict[str, Any] = {"ok": True, "changes": [change._asdict() for change in changes]}
    data["findings"] = [finding.as_dict() for finding in findings]
    if moves is not None:
        data["cases"] = sum(moves["case_count"].to_pylist())
        data["moves"] = changed(moves).to_pylist()
    if mix is not None:
        data["weights"] = {
            side: {
                "weight": str(one.weight),
                "cases": one.weighted_count,
                "cmi": None if one.index is None else str(one.index),
                "cases_without_weight": one.unweighted_count,
                "groups_without_weight": list(one.missing),
            }
            for side, one in zip(("before", "after"), mix, strict=True)
        }
    screen.give(data | {"output": None if output is None else str(output)})


def _show(old_id: str, new_id: str, changes: list[Change], moves: pa.Table | None, mix: Mix | None) -> None:
    from tongpin.grouping.diff import KINDS, TOPICS, changed, code_counts

    counts = Counter((change.topic, change.kind) for change in changes)
    rows = [
        [label, *(f"{counts[topic, kind]:,}" if counts[topic, kind] else "" for kind in KINDS)]
        for topic, label in TOPICS.items()
        if any(counts[topic, kind] for kind in KINDS)
    ]
    if not rows:
        screen.say(f"{old_id} 与 {new_id} 没有不同", f"{old_id} and {new_id} are the same")
    else:
        screen.table(f"{old_id} → {new_id}", ["内容", *KINDS.values()], rows)
    codes = code_counts(changes)
    if codes:
        listed = [[TOPICS[topic], place, owner, f"{add:,}", f"{gone:,}"] for topic, place, owner, add, gone in codes]
        title = f"编码增减最多的 {min(SHOWN, len(codes))} 处，共 {len(codes)} 处"
        screen.table(title, ["内容", "级别", "归属", "新增", "取消"], listed[:SHOWN])
    if moves is None:
        return
    total = sum(moves["case_count"].to_pylist())
    moved = changed(moves)
    gone = sum(moved["case_count"].to_pylist())
    listed = [
        [_group(row, "before"), _group(row, "after"), f"{row['case_count']:,}", _share(row["case_count"], total)]
        for row in moved.slice(0, SHOWN).to_pylist()
    ]
    if listed:
        title = f"病例移动最多的 {len(listed)} 种，共 {moved.num_rows:,} 种"
        screen.table(title, ["原组", "新组", "例数", "占全部病例"], listed)
    screen.say(
        f"{total:,} 例中 {gone:,} 例换了组或状态（{_share(gone, total)}）",
        f"{gone:,} of {total:,} cases move",
    )
    if mix is not None:
        _show_mix(mix)


def _show_mix(mix: Mix) -> None:
    rows = [
        [
            label,
            f"{one.weight:,.4f}",
            f"{one.weighted_count:,}",
            _fixed(one.index),
            f"{one.unweighted_count:,}",
            "、".join(one.missing[:SHOWN]) + " 等" * (len(one.missing) > SHOWN),
        ]
        for label, one in zip(("原方案", "新方案"), mix, strict=True)
    ]
    screen.table("权重", ["", "总权重", "有权重的病例", "CMI", "没有权重的病例", "没有权重的组"], rows)
    before, after = mix
    screen.say(
        f"总权重变化 {after.weight - before.weight:+,.4f}", f"change of weight {after.weight - before.weight:+,}"
    )


def _fixed(value: Decimal | None) -> str:
    from decimal import ROUND_HALF_UP, Decimal

    return "—" if value is None else f"{value.quantize(Decimal('0.0001'), ROUND_HALF_UP):,}"


def _group(row: dict[str, Any], side: str) -> str:
    from tongpin.grouping.tables.model import STATUS_LABELS

    status, drg = row[f"status_{side}"], row[f"drg_{side}"]
    return drg if status == "grouped" else f"{drg} {STATUS_LABELS[status]}"


def _share(part: int, total: int) -> str:
    from tongpin.report.words import percent_text

    return percent_text(part / total if total else None)


def _write(
    path: Path,
    title: str,
    changes: list[Change],
    moves: pa.Table | None,
    weights: list[dict[str, Decimal]],
    mix: Mix | None,
) -> None:
    rows = _rows(changes)
    if path.suffix == ".csv":
        with path.open("w", encoding="utf-8-sig", newline="") as handle:
            writer = csv.writer(handle)
            writer.writerow(("内容", "变化", "位置", "编码", "原", "新"))
            writer.writerows(tuple(row.values()) for row in rows)
        return
    from tongpin.report.xlsx import Column, Sheet, write_workbook

    columns = [
        Column("topic", "内容", width=16),
        Column("kind", "变化", width=8),
        Column("place", "位置", width=16),
        Column("code", "编码", width=18),
        Column("before", "原", width=48),
        Column("after", "新", width=48),
    ]
    sheets = [Sheet("差别", f"{title}：差别", columns, rows, freeze_columns=4, empty="没有不同")]
    if moves is not None:
        sheets.append(_moves_sheet(title, moves, weights, mix))
    write_workbook(sheets, path, title=f"分组方案对比：{title}")


def _rows(changes: list[Change]) -> list[dict[str, str]]:
    from tongpin.grouping.diff import KINDS, TOPICS

    return [
        {
            "topic": TOPICS[change.topic],
            "kind": KINDS[change.kind],
            "place": change.place,
            "code": change.code,
            "before": _cell(change.before),
            "after": _cell(change.after),
        }
        for change in changes
    ]


def _cell(words: tuple[str, ...]) -> str:
    more = f" 等 {len(words)} 个" if len(words) > LISTED else ""
    return "、".join(words[:LISTED]) + more


def _moves_sheet(title: str, moves: pa.Table, weights: list[dict[str, Decimal]], mix: Mix | None) -> Sheet:
    from tongpin.grouping.diff import changed, move_weights
    from tongpin.report.xlsx import Column, Sheet

    total = sum(moves["case_count"].to_pylist())
    moved = changed(moves)
    columns = [
        Column("before", "原组", width=18),
        Column("after", "新组", width=18),
        Column("case_count", "例数", "count"),
        Column("share", "占全部病例", "ratio"),
    ]
    rows = [
        {
            "before": _group(row, "before"),
            "after": _group(row, "after"),
            "case_count": row["case_count"],
            "share": row["case_count"] / total,
        }
        for row in moved.to_pylist()
    ]
    notes = [f"共 {total:,} 例，换了组或状态的 {sum(row['case_count'] for row in rows):,} 例"]
    if mix is not None:
        columns.append(Column("weight", "总权重变化", "weight"))
        for row, change in zip(rows, move_weights(moved, weights[0], weights[-1]), strict=True):
            row["weight"] = None if change is None else float(change)
        notes += [
            f"{label}：总权重 {one.weight:,.4f}，有权重的病例 {one.weighted_count:,}，CMI {_fixed(one.index)}，"
            f"没有权重的病例 {one.unweighted_count:,}"
            for label, one in zip(("原方案", "新方案"), mix, strict=True)
        ]
    return Sheet("病例移动", f"{title}：病例移动", columns, rows, notes=notes, empty="没有病例换组")
