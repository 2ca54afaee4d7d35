"""`tongpin compare`: lists against front pages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tongpin.base.errors import RecordsError, TongpinError
from tongpin.base.findings import SEVERITY_LABELS
from tongpin.cli.output import screen

if TYPE_CHECKING:
    from pathlib import Path

    import pyarrow as pa

    from tongpin.grouping.tables.model import SchemeTables
    from tongpin.records.views.edition import Edition
    from tongpin.records.views.same_source import SameSource
    from tongpin.report.xlsx import Sheet
    from tongpin.store.home import Home

SHEET_ROWS = 200_000
"""What a sheet lists at most: a spreadsheet holds a million rows, a person far fewer."""
SOURCE_LABELS = {"settlement_list": "清单", "front_page": "首页"}
KIND_LABELS = {"dx": "诊断", "px": "手术操作"}
SEVERITY_MEANING = {"error": "应相同", "warning": "不同须有理由", "info": "可以不同"}


def compare(
    home_path: Path | None, scheme_id: str | None, month: str | None, map_file: Path | None, output: Path | None
) -> None:
    """Compare lists and front pages of a home, say the rate and the differences, and write them as xlsx."""
    from datetime import date

    from tongpin.grouping.both_sources import compare_grouped
    from tongpin.grouping.library import open_scheme
    from tongpin.payment.policy.library import open_policy
    from tongpin.records.views.completeness import fill_rates
    from tongpin.records.views.edition import open_edition, out_of_date_codes
    from tongpin.store.home import Home

    home = Home.open(home_path)
    policy = open_policy(home, None, month or f"{date.today():%Y-%m}")  # noqa: DTZ011 - the clerk's own calendar
    scheme = open_scheme(home, scheme_id or policy.scheme_id)
    edition = open_edition(home, policy.id.split("/")[0])
    lists, pages = _sides(home, month)
    code_map, map_label = _code_map(home, scheme, map_file)
    found = compare_grouped(lists, pages, edition, scheme, code_map)
    path = output or home.reports / f"同源比较{f'-{month}' if month else ''}.xlsx"
    stale = out_of_date_codes(lists, edition)
    notes = [*_notes(home, edition, scheme, map_label, found, stale), _grouping_sources(home, lists, pages, edition)]
    path.parent.mkdir(parents=True, exist_ok=True)
    _write(found, fill_rates(lists, edition), notes, path, month)
    screen.give(
        {
            "ok": True,
            "pairs": found.pairs.num_rows,
            "unpaired": found.unpaired.num_rows,
            "grouped": found.grouped_count,
            "same_group": found.same_count,
            "rate": found.rate,
            "fields": found.summary.to_pylist(),
            "unmapped": found.unmapped.to_pylist(),
            "scheme": scheme.scheme_id,
            "code_map": map_label,
            "output": str(path),
        },
    )
    _show(found, notes, path)


def _sides(home: Home, month: str | None) -> tuple[pa.Table, pa.Table]:
    """Lists and front pages of the lake, discharged in the month where one is given."""
    import pyarrow.compute as pc

    from tongpin.records.case.schema import CASE_SCHEMA, DETAIL_SCHEMA
    from tongpin.records.intake.load import CASES, read_loaded

    cases = read_loaded(home, CASES, [*CASE_SCHEMA.names, *DETAIL_SCHEMA.names])
    if month is not None:
        months = pc.strftime(cases["discharge_time"], format="%Y-%m")
        cases = cases.filter(pc.equal(months, month))
    lists, pages = (cases.filter(pc.equal(cases["source"], one)) for one in SOURCE_LABELS)
    for side, label in ((lists, "结算清单"), (pages, "病案首页")):
        if not side.num_rows:
            raise RecordsError(
                "compare.empty",
                f"{month or '工作目录里'}没有{label}，没有可比较的",
                where=str(home.root),
                hint=f"先用 tongpin load 装载{label}；检查月份（按出院日期）",
            )
    return tuple(_carried(side) for side in (lists, pages))


def _carried(side: pa.Table) -> pa.Table:
    """The columns that a source carries at all: what it never holds is no difference."""
    from tongpin.records.case.schema import CASE_SCHEMA

    kept = [name for name in side.column_names if name in CASE_SCHEMA.names or side[name].null_count < side.num_rows]
    return side.select(kept)


def _code_map(home: Home, scheme: SchemeTables, file: Path | None) -> tuple[pa.Table | None, str]:
    """The code map to use and its name: the file's, else that of the home or the scheme, else none."""
    from tongpin.grouping.both_sources import code_map_of
    from tongpin.records.intake.read import read

    if file is None:
        return code_map_of(home, scheme)
    loaded = read(file, "code-map", key=b"code-map")
    if not loaded.table.num_rows:
        raise TongpinError(
            "compare.map", "对照表里没有可用的行", where=file.name, hint="检查表头与内容", findings=loaded.findings
        )
    return loaded.table, file.name


def _notes(
    home: Home, edition: Edition, scheme: SchemeTables, map_label: str, found: SameSource, stale: pa.Table
) -> list[str]:
    from tongpin.payment.month.statement_columns import synthetic_notice

    lines = [
        *synthetic_notice(home),
        f"配对：同机构、同病案号、同日出院；中途结算的清单先合并。分组方案：{scheme.scheme_id}；编码：{map_label}",
        f"采集口径：{edition.data.label}（{edition.id}），其中未经文件确认的：{'、'.join(edition.assumed) or '无'}",
    ]
    if found.unmapped.num_rows:
        names = [f"{KIND_LABELS[one['column']]} {one['code']}" for one in found.unmapped.slice(0, 5).to_pylist()]
        lines.append(f"对照表里没有唯一对应的编码 {found.unmapped.num_rows} 个（值前标 ?），例如 {'、'.join(names)}")
    if stale.num_rows:
        lines.append(f"清单上有 {stale.num_rows} 处代码在当日已停用，例如 {stale['column'][0]} = {stale['code'][0]}")
    return lines


def _grouping_sources(home: Home, lists: pa.Table, pages: pa.Table, edition: Edition) -> str:
    """How many of the records group their stay for the settlement, by source."""
    import pyarrow as pa
    import pyarrow.compute as pc

    from tongpin.records.intake.load import INSTITUTIONS, read_loaded
    from tongpin.records.views.edition import choose_source

    both = pa.concat_tables([lists, pages], promote_options="default")
    institutions = read_loaded(home, INSTITUTIONS).sort_by("valid_from")
    newest = {row["institution_code"]: row["pay_mode"] for row in institutions.to_pylist()}
    codes = pa.array(newest, pa.string())
    modes = pa.array(newest.values(), pa.string())
    place = pc.index_in(both["institution_code"].combine_chunks(), value_set=codes)
    chosen = choose_source(both, edition, modes.take(place))
    counts = [pc.sum(pc.equal(chosen["source"], one)).as_py() or 0 for one in SOURCE_LABELS]
    return f"按采集口径，结算分组用清单的 {counts[0]:,} 例、用首页的 {counts[1]:,} 例（有两份的取其一）"


def _figures(found: SameSource) -> list[dict[str, Any]]:
    """The summary as rows for people."""
    return [
        {
            "label": row["label"],
            "meaning": SEVERITY_MEANING[row["severity"]],
            "compared": row["compared"],
            "different": row["different"],
            "rate": 1 - row["different"] / row["compared"] if row["compared"] else None,
        }
        for row in found.summary.to_pylist()
    ]


def _show(found: SameSource, notes: list[str], path: Path) -> None:
    from tongpin.report.words import percent_text

    screen.table(
        f"同源比较：配对 {found.pairs.num_rows:,} 例，未配对 {found.unpaired.num_rows:,} 份",
        ["项目", "要求", "比较", "不同", "一致率"],
        [
            [
                row["label"],
                row["meaning"],
                f"{row['compared']:,}",
                f"{row['different']:,}",
                percent_text(row["rate"]),
            ]
            for row in _figures(found)
        ],
    )
    screen.say(
        f"同组率 {percent_text(found.rate)}（{found.same_count:,} / {found.grouped_count:,}，两源都未入组的不计）"
    )
    for note in notes:
        screen.say(f"· {note}")
    screen.say(f"逐例差别：{path}", f"differences: {path}")


def _write(found: SameSource, rates: pa.Table, notes: list[str], path: Path, month: str | None) -> None:
    from tongpin.report.xlsx import write_workbook

    title = f"同源比较{f'（{month} 出院）' if month else ''}"
    sheets = [_overview(found, title, notes), _differences(found, title), _completeness(rates)]
    write_workbook(sheets, path, title=title, subject="结算清单与病案首页")


def _overview(found: SameSource, title: str, notes: list[str]) -> Sheet:
    from tongpin.report.words import percent_text
    from tongpin.report.xlsx import Column, Sheet

    rate = f"同组率 {percent_text(found.rate)}：{found.same_count:,} / {found.grouped_count:,}（两源都未入组的不计）"
    reasons: dict[tuple[str, str], int] = {}
    for row in found.unpaired.to_pylist():
        key = (SOURCE_LABELS[row["source"]], row["reason"])
        reasons[key] = reasons.get(key, 0) + 1
    return Sheet(
        "概览",
        title,
        [
            Column("label", "项目"),
            Column("meaning", "要求"),
            Column("compared", "比较例数", "count"),
            Column("different", "不同例数", "count"),
            Column("rate", "一致率", "ratio"),
        ],
        _figures(found),
        notes=[f"配对 {found.pairs.num_rows:,} 例。{rate}", *notes],
        closing=[f"未配对：{source} {count:,} 份，{reason}" for (source, reason), count in reasons.items()],
        empty="没有可比较的",
    )


def _differences(found: SameSource, title: str) -> Sheet:
    import pyarrow as pa
    import pyarrow.compute as pc

    from tongpin.report.xlsx import Column, Sheet

    by_weight = [found.differences.filter(pc.equal(found.differences["severity"], one)) for one in SEVERITY_MEANING]
    table = pa.concat_tables(by_weight).slice(0, SHEET_ROWS).to_pylist()
    left_out = max(found.differences.num_rows - SHEET_ROWS, 0)
    return Sheet(
        "差异",
        f"{title}：逐例差别",
        [
            Column("institution_code", "机构代码"),
            Column("record_no", "病案号"),
            Column("list_case_id", "清单"),
            Column("label", "项目"),
            Column("list_value", "清单的值", width=28),
            Column("page_value", "首页的值", width=28),
            Column("level", "级别"),
            Column("meaning", "要求"),
            Column("hint", "怎么办", width=40),
        ],
        [
            row | {"level": SEVERITY_LABELS[row["severity"]], "meaning": SEVERITY_MEANING[row["severity"]]}
            for row in table
        ],
        notes=[f"只列前 {SHEET_ROWS:,} 条，另有 {left_out:,} 条；可用 --month 分月比较"] if left_out else [],
        freeze_columns=3,
        empty="没有差别",
    )


def _completeness(rates: pa.Table) -> Sheet:
    from tongpin.report.xlsx import Column, Sheet

    rows = [row | {"rate": row["filled"] / row["due"]} for row in rates.to_pylist() if row["filled"] < row["due"]]
    rows.sort(key=lambda row: (row["filled"] - row["due"], row["institution_code"]))
    return Sheet(
        "清单完整性",
        "结算清单应填而未填的数据项",
        [
            Column("institution_code", "机构代码"),
            Column("group", "部分"),
            Column("label", "数据项"),
            Column("due", "应填份数", "count"),
            Column("filled", "已填份数", "count"),
            Column("rate", "填报率", "ratio"),
        ],
        rows,
        notes=["数据项名单与应填条件为假定（模拟）；写明姓名、证件等个人信息的各项已封存，不在此列"],
        freeze_columns=3,
        empty="应填的都已填",
    )
