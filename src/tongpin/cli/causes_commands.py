"""`tongpin causes`: the waterfall of a result with its causes, the top groups of departments, the 双问题 list."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tongpin.cli.output import screen

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pyarrow as pa

    from tongpin.twin.causes.breakdown import Piece
    from tongpin.twin.causes.problems import ProblemsReport
    from tongpin.twin.causes.run import CausesReport, Wanted

SHOWN = 10
"""How many rows a screen shows of a long table; JSON and the workbook have them all."""


def asked(
    month: str,
    area: str | None,
    hospital: str | None,
    dept: str | None,
    group: str | None = None,
    base: str | None = None,
) -> Wanted:
    """What was asked for on the command line."""
    from tongpin.twin.causes.run import Wanted

    return Wanted(month, area, hospital, dept, group, base)


def _stem(what: str, wanted: Wanted) -> str:
    """The name of a report's files: what it is, of what, of which month."""
    parts = [what, wanted.hospital, wanted.dept, wanted.group, wanted.month]
    return "-".join(part.replace("/", "_") for part in parts if part)


def causes(home_path: Path | None, wanted: Wanted, regrouped: Path | None) -> None:
    """Show the waterfall, the groups and the causes of a result, and write workbook and page."""
    from tongpin.store.home import Home
    from tongpin.twin.causes.papers import write_causes_pdf, write_causes_xlsx
    from tongpin.twin.causes.regroup import read_regrouped
    from tongpin.twin.causes.run import causes_in_home

    home = Home.open(home_path)
    right = None if regrouped is None else read_regrouped(regrouped)
    report = causes_in_home(home, wanted, right=right)
    home.reports.mkdir(parents=True, exist_ok=True)
    stem = _stem("盈亏原因", wanted)
    path, paper = home.reports / f"{stem}.xlsx", home.reports / f"{stem}.pdf"
    write_causes_xlsx(report, path)
    write_causes_pdf(report, paper)
    screen.give(_as_data(report) | {"report": str(path), "paper": str(paper)})
    _waterfall(report)
    if wanted.group:
        _pieces(report, "诊断", report.diagnoses.get(wanted.group, ()))
        _pieces(report, "医师", report.doctors.get(wanted.group, ()))
    else:
        _slices(report)
        _groups(report)
    _causes(report)
    for note in (*report.notices, *report.notes):
        screen.say(f"· {note}")
    screen.findings(report.refused)
    screen.say(f"盈亏原因：{path}", f"causes: {path}")
    screen.say(f"盈亏原因（A4 一页）：{paper}", f"causes (A4): {paper}")
    screen.say(_next(report))


def _as_data(report: CausesReport) -> dict[str, Any]:
    def pieces(found: Any) -> dict[str, list[dict[str, Any]]]:
        return {drg: [one._asdict() for one in rows] for drg, rows in found.items()}

    return {
        "ok": True,
        "month": report.wanted.month,
        "area": report.area,
        "scope": report.scope,
        "base": report.base,
        "base_label": report.base_label,
        "total": dict(report.total),
        "slices": report.slices.to_pylist(),
        "groups": report.groups.to_pylist(),
        "diagnoses": pieces(report.diagnoses),
        "doctors": pieces(report.doctors),
        "causes": [
            {
                "id": one.cause.id,
                "label": one.cause.label,
                "words": one.cause.words,
                "next_step": one.cause.next_step,
                "drg": one.drg,
                "case_count": one.case_count,
                "measured": one.measured,
                "amount_fen": one.amount_fen,
                "cases": [case._asdict() for case in one.cases],
            }
            for one in report.causes
        ],
        "refused": [one.as_dict() for one in report.refused],
        "notices": report.notices,
        "notes": report.notes,
    }


def _waterfall(report: CausesReport) -> None:
    from tongpin.report.words import wan_text
    from tongpin.twin.causes.words import title_of, waterfall_rows

    screen.table(
        f"{title_of(report)}（万元）",
        ["项目", "金额", "累计", "怎样得出"],
        [[one.label, wan_text(one.amount_fen), wan_text(one.running_fen), one.how] for one in waterfall_rows(report)],
    )


def _slices(report: CausesReport) -> None:
    if not report.slice_column:
        return
    from tongpin.twin.causes.papers import slice_name

    what = "机构" if report.slice_column == "institution_code" else "科室"
    _ranking(report.slices, report.slice_column, what, lambda row: slice_name(report, row))


def _groups(report: CausesReport) -> None:
    _ranking(report.groups, "drg", "病组", lambda row: report.labels.group(row["drg"]))


def _ranking(table: pa.Table, column: str, what: str, name: Callable[[dict[str, Any]], str]) -> None:
    from tongpin.report.words import count_text, wan_text
    from tongpin.twin.causes.words import difference, few_label, main_factor, ranked_rows

    rows, few = ranked_rows(table, column)
    named = [(name(row), row) for row in rows[:SHOWN]]
    named += [(few_label(few, what), few)] if few is not None else []
    screen.table(
        f"比对照少得最多的{what}（万元；例数少的不排列）",
        [what, "例数", "对照例数", "盈亏", "与对照之差", "最主要的一项"],
        [
            [
                label,
                count_text(row["case_count"]),
                count_text(row["base_count"]),
                wan_text(row["result_fen"]),
                wan_text(difference(row)),
                main_factor(row),
            ]
            for label, row in named
        ],
    )


def _pieces(report: CausesReport, what: str, pieces: tuple[Piece, ...]) -> None:
    from tongpin.report.words import count_text, yuan_text
    from tongpin.twin.causes.words import interval_text

    screen.table(
        f"{report.labels.group(report.wanted.group or '')} 按{what}（元；例数少的不比较、不排列）",
        [what, "例数", "构成比", "盈亏", "每例与对照之差", "区间", "比较"],
        [
            [
                one.name or "未填",
                count_text(one.case_count),
                f"{one.share_e4 / 100:.2f}%",
                yuan_text(one.result_fen),
                yuan_text(one.per_case_fen),
                interval_text(one),
                one.verdict,
            ]
            for one in pieces[:SHOWN]
        ],
    )


def _causes(report: CausesReport) -> None:
    from tongpin.report.words import count_text

    if not report.causes:
        screen.say("没有达到界值的原因提示；不等于没有原因")
        return
    screen.table(
        f"数据提示先看的原因（共 {len(report.causes)} 条，不是结论）",
        ["原因", "病组", "例数", "数据提示", "先看的病例"],
        [
            [
                one.cause.label,
                one.drg,
                count_text(one.case_count),
                "；".join(one.measured),
                "\n".join(case.case_id for case in one.cases[:2]),
            ]
            for one in report.causes[:SHOWN]
        ],
    )


def _next(report: CausesReport) -> str:
    wanted = report.wanted
    scope = f"--month {wanted.month}" + (f" --hospital {wanted.hospital}" if wanted.hospital else "")
    if wanted.group:
        return "接着做：tongpin explain 结算号（一例的每一元）；tongpin causes problems --month 月份（双问题清单）"
    return f"接着做：tongpin causes {scope} --group 病组（按诊断与医师展开）；tongpin causes top {scope}（前列病组）"


def top(home_path: Path | None, wanted: Wanted, limit: int | None) -> None:
    """Show the departments with their top groups and write the workbook."""
    from tongpin.report.words import count_text, wan_text, yuan_text
    from tongpin.store.home import Home
    from tongpin.twin.causes.papers import write_top_xlsx
    from tongpin.twin.causes.top import top_in_home

    home = Home.open(home_path)
    report = top_in_home(home, wanted, limit)
    home.reports.mkdir(parents=True, exist_ok=True)
    path = home.reports / f"{_stem('前列病组', wanted)}.xlsx"
    write_top_xlsx(report, path)
    screen.give(
        {
            "ok": True,
            "month": wanted.month,
            "limit": report.limit,
            "departments": report.departments,
            "groups": report.rows,
            "notices": report.notices,
            "notes": report.notes,
            "report": str(path),
        }
    )
    screen.table(
        f"{wanted.month} 各科室前 {report.limit} 病组核算",
        ["医疗机构", "科室", "病组", "例数", "盈亏（万元）", "每例（元）", "亏损病组", "低于对照", "提示"],
        [
            [
                report.labels.institution(one["institution_code"]),
                report.labels.dept(one["dept"]),
                count_text(one["group_count"]),
                count_text(one["case_count"]),
                wan_text(one["result_fen"]),
                yuan_text(one["per_case_fen"]),
                count_text(one["losing_count"]),
                count_text(one["below_count"]),
                "请先看" if one["first_look"] else "",
            ]
            for one in report.departments[: SHOWN * 2]
        ],
    )
    for note in (*report.notices, *report.notes):
        screen.say(f"· {note}")
    screen.say(f"前列病组：{path}", f"top groups: {path}")
    screen.say(f"接着做：tongpin causes --month {wanted.month} --hospital 机构 --dept 科室（为什么）")


def problems(home_path: Path | None, wanted: Wanted) -> None:
    """Show the 双问题 list and the complications to check, and write the workbook."""
    from tongpin.store.home import Home
    from tongpin.twin.causes.papers import write_problems_xlsx
    from tongpin.twin.causes.problems import problems_in_home

    home = Home.open(home_path)
    report = problems_in_home(home, wanted)
    home.reports.mkdir(parents=True, exist_ok=True)
    path = home.reports / f"{_stem('双问题清单', wanted)}.xlsx"
    write_problems_xlsx(report, path)
    rows = report.departments.to_pylist()
    screen.give(
        {
            "ok": True,
            "month": wanted.month,
            "departments": rows,
            "unowned": [one._asdict() for one in report.unowned],
            "complications": [one._asdict() for one in report.complications],
            "cases": [one._asdict() for one in report.cases],
            "notices": report.notices,
            "notes": report.notes,
            "report": str(path),
        }
    )
    _double_problems(report, rows)
    _complications(report)
    for note in (*report.notices, *report.notes):
        screen.say(f"· {note}")
    screen.say(f"双问题清单：{path}", f"double problems: {path}")
    screen.say(f"接着做：tongpin causes --month {wanted.month} --hospital 机构 --dept 科室（亏在哪里）")


def _double_problems(report: ProblemsReport, rows: list[dict[str, Any]]) -> None:
    from tongpin.report.words import count_text, wan_text

    if not rows:
        screen.say(f"{report.wanted.month} 没有双问题科室：超支的科室里没有例数够、又有低分项的")
        return
    screen.table(
        f"{report.wanted.month} 双问题科室（共 {len(rows)} 个；超支而又有低分项，请先看病例）",
        ["医疗机构", "科室", "例数", "盈亏（万元）", "低分项"],
        [
            [
                row["institution_name"],
                row["dept_label"],
                count_text(row["settlement.cases"]),
                wan_text(row["settlement.result"]),
                "；".join([*row["low_items"], *row["filed_items"]]),
            ]
            for row in rows[:SHOWN]
        ],
    )


def _complications(report: ProblemsReport) -> None:
    from tongpin.report.words import count_text, number_text, percent_text

    if not report.complications:
        screen.say("合并症填报：没有与同级之差超出范围的科室与 ADRG")
        return
    screen.table(
        f"合并症填报与同级之差（共 {len(report.complications)} 处；待核病例 {len(report.cases)} 份）",
        ["医疗机构", "科室", "ADRG", "例数", "有 CC/MCC", "占比", "同级占比", "期望例数", "比较"],
        [
            [
                report.labels.institution(one.institution_code),
                report.labels.dept(one.dept),
                one.adrg,
                count_text(one.case_count),
                count_text(one.with_count),
                percent_text(one.share),
                percent_text(one.expected_share),
                number_text(one.expected_count, 1),
                one.verdict,
            ]
            for one in report.complications[:SHOWN]
        ],
    )
