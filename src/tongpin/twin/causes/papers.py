"""Papers 纸面: the causes of a result as workbook and as one page A4; top groups and 双问题 list as workbooks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tongpin.report.pdf import Paper, Ruled, write_papers
from tongpin.report.words import count_text, month_text, wan_text, yuan_text
from tongpin.report.xlsx import Column, Sheet, write_workbook
from tongpin.twin.causes.parts import CODING, FACTORS, PARTS
from tongpin.twin.causes.top import REST
from tongpin.twin.causes.words import (
    basis_rows,
    difference,
    factor_sums,
    few_label,
    interval_text,
    main_factor,
    ranked_rows,
    title_of,
    waterfall_rows,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from tongpin.twin.causes.breakdown import Piece
    from tongpin.twin.causes.problems import ProblemsReport
    from tongpin.twin.causes.run import CausesReport
    from tongpin.twin.causes.top import TopReport

PAPER_GROUPS, PAPER_PIECES, PAPER_CAUSES, PAPER_CASES, PAPER_NAME = 6, 4, 3, 2, 24
"""What one page has room for: groups, diagnoses or doctors, causes, their cases, characters of a group's name."""
NOTHING_BELOW = "没有病组比对照少得"

_AMOUNTS = (
    Column("case_count", "例数", "count"),
    Column("base_count", "对照例数", "count"),
    Column("base_fen", "对照\n（万元）", "wan"),
    *(Column(factor, f"{label}\n（万元）", "wan", "差额的分项") for factor, label in FACTORS.items()),
    Column("difference_fen", "差额\n（万元）", "wan"),
    Column("result_fen", "本期盈亏\n（万元）", "wan"),
)
_FINE = (
    Column("drg", "病组"),
    Column("name", "名称"),
    Column("case_count", "例数", "count"),
    Column("base_count", "对照例数", "count"),
    Column("base_fen", "对照\n（元）", "yuan"),
    *(Column(part.id, f"{part.label}\n（元）", "yuan") for part in PARTS),
    Column("result_fen", "本期盈亏\n（元）", "yuan"),
)
_PIECES = (
    Column("group", "病组"),
    Column("name", "诊断或医师"),
    Column("case_count", "例数", "count"),
    Column("share", "构成比", "ratio"),
    Column("result_fen", "盈亏\n（元）", "yuan"),
    Column("difference_fen", "与对照之差\n（元）", "yuan"),
    Column("per_case_fen", "每例之差\n（元）", "yuan"),
    Column("low_fen", "区间下限\n（元）", "yuan"),
    Column("high_fen", "区间上限\n（元）", "yuan"),
    Column("verdict", "比较"),
    Column("mean_stay", "平均住院日", "days"),
    Column("mean_fee_fen", "次均费用\n（元）", "yuan"),
    Column("mean_drug_fen", "次均药费\n（元）", "yuan"),
    Column("mean_consumable_fen", "次均耗材费\n（元）", "yuan"),
    Column("mean_exam_fen", "次均检查化验\n（元）", "yuan"),
)
_FEW = "例数少的只列区间，不比较、不排列，按代码排在后面；其余按与对照之差从小到大"


def write_causes_xlsx(report: CausesReport, path: Path) -> None:
    """Write a causes report to `path`: waterfall, slices, groups, diagnoses, doctors, causes with cases, basis."""
    title = title_of(report)
    head = [*report.notices, f"对照：{report.base_label}"]
    sheets = [_waterfall(report, title, head)]
    if report.slice_column:
        what = "各机构" if report.slice_column == "institution_code" else "各科室"
        rows = [_amounts(row) | {"name": slice_name(report, row)} for row in report.slices.to_pylist()]
        rows.sort(key=lambda row: (row["difference_fen"], row["name"]))
        sheets.append(
            Sheet(what, f"{title} · {what}", (Column("name", what[1:]), *_AMOUNTS), rows, head, freeze_columns=1)
        )
    groups = [row | {"name": report.labels.groups.get(row["drg"], "")} for row in report.groups.to_pylist()]
    groups.sort(key=lambda row: (difference(row), row["drg"]))
    total = {"drg": "合计", **report.total}
    told = [*head, "各行：对照 + 分项 = 本期盈亏，精确到分"]
    sheets.append(Sheet("各病组", f"{title} · 各病组", _FINE, groups, told, [total], freeze_columns=2))
    for name, found in (("诊断构成", report.diagnoses), ("医师", report.doctors)):
        rows = [_piece(report, drg, one) for drg, pieces in found.items() for one in pieces]
        sheets.append(Sheet(name, f"{title} · {name}", _PIECES, rows, [*head, _FEW], freeze_columns=2))
    sheets += [_causes(report, title, head), _basis(title)]
    write_workbook(sheets, path, title=title, subject="盈亏原因")


def slice_name(report: CausesReport, row: Mapping[str, Any]) -> str:
    """The institution or department of a row."""
    value = row[report.slice_column]
    is_hospital = report.slice_column == "institution_code"
    return report.labels.institution(value) if is_hospital else report.labels.dept(value)


def _amounts(row: Mapping[str, Any]) -> dict[str, Any]:
    return {**row, **factor_sums(row), "difference_fen": difference(row)}


def _waterfall(report: CausesReport, title: str, head: Sequence[str]) -> Sheet:
    columns = (
        Column("label", "项目", width=34),
        Column("amount_fen", "金额（元）", "yuan"),
        Column("running_fen", "累计（元）", "yuan"),
        Column("how", "怎样得出", width=70),
    )
    *steps, result = [row._asdict() for row in waterfall_rows(report)]
    return Sheet("盈亏原因", title, columns, steps, [*head, *report.notes], [result])


def _piece(report: CausesReport, drg: str, one: Piece) -> dict[str, Any]:
    share = one.share_e4 / 10_000
    return {**one._asdict(), "group": report.labels.group(drg), "name": one.name or "未填", "share": share}


def _causes(report: CausesReport, title: str, head: Sequence[str]) -> Sheet:
    rows = []
    for one in report.causes:
        first = {
            "cause": one.cause.label,
            "group": report.labels.group(one.drg),
            "case_count": one.case_count,
            "measured": "；".join(one.measured),
            "amount_fen": one.amount_fen,
            "words": one.cause.words,
            "next_step": one.cause.next_step,
        }
        for place, case in enumerate(one.cases or (None,)):
            told = {} if case is None else case._asdict()
            rows.append((first if not place else {"cause": one.cause.label, "group": first["group"]}) | told)
    columns = (
        Column("cause", "原因"),
        Column("group", "病组"),
        Column("case_count", "例数", "count"),
        Column("measured", "数据提示", width=44),
        Column("amount_fen", "相关分项\n（元）", "yuan"),
        Column("words", "说明", width=44),
        Column("next_step", "请做", width=36),
        Column("case_id", "病例"),
        Column("dept", "科室"),
        Column("doctor_code", "医师"),
        Column("dx", "主要诊断"),
        Column("stay_days", "住院日", "count"),
        Column("why", "为什么列它", width=34),
    )
    notes = [*head, "数据只提示先看哪些病例，不下结论，不指责任何人；没有提示不等于没有原因"]
    return Sheet(
        "可能的原因", f"{title} · 可能的原因", columns, rows, notes, freeze_columns=2, empty="没有达到界值的提示"
    )


def _basis(title: str) -> Sheet:
    columns = (
        Column("kind", "类别"),
        Column("label", "名称", width=40),
        Column("text", "内容", width=80),
        Column("reference", "依据"),
        Column("assumed", "模拟"),
    )
    return Sheet("口径", f"{title} · 口径", columns, basis_rows(), freeze_columns=1)


def write_causes_pdf(report: CausesReport, path: Path) -> None:
    """Write a causes report on one page A4 to `path`."""
    write_papers([_page(report)], path, title=title_of(report))


def _page(report: CausesReport) -> Paper:
    heading = ["；".join(report.notices), f"对照：{report.base_label}；盈亏 = DRG 应付 − 按项目应付，正数归机构"]
    told = [one for one in waterfall_rows(report) if one.is_sum or one.amount_fen or one.label == FACTORS[CODING]]
    amounts = [(wan_text(one.amount_fen), wan_text(one.running_fen), one.how) for one in told]
    labels = ["对照", *(one.label for one in told[1:])]
    waterfall = Ruled(
        ("项目", "金额", "累计", "怎样得出"),
        (2.2, 1.4, 1.4, 9),
        [(label, *amount) for label, amount in zip(labels, amounts, strict=True)],
        frozenset({1, 2}),
    )
    parts: list[str | Ruled] = ["一、从对照到本期盈亏（万元；各项相加等于差额，为 0 的项目未列）", waterfall]
    if report.wanted.group:
        parts += _group_parts(report, report.wanted.group)
        number = "四"
    else:
        parts += _groups_part(report)
        number = "三"
    parts += [f"{number}、数据提示先看的原因与病例（不是结论）", *_cause_parts(report)]
    foot = f"{report.area_label}　{report.wanted.month}　全部病组、病例与算法见同名 xlsx"
    return Paper(title_of(report), heading, parts, (), foot)


def _groups_part(report: CausesReport) -> list[str | Ruled]:
    rows, few = ranked_rows(report.groups, "drg")
    named = [(_short(report.labels.group(row["drg"])), row) for row in rows[:PAPER_GROUPS]]
    named += [(few_label(few, "病组"), few)] if few is not None else []
    shown = [
        (
            name,
            count_text(row["case_count"]),
            wan_text(row["result_fen"]),
            wan_text(difference(row)),
            main_factor(row),
        )
        for name, row in named
    ]
    titles = ("病组", "例数", "盈亏", "与对照之差", "最主要的一项")
    table = Ruled(titles, (6, 1.2, 1.5, 1.7, 2.8), shown, frozenset({1, 2, 3}))
    return ["二、比对照少得最多的病组（万元；例数少的不排列）", table if shown else NOTHING_BELOW]


def _short(text: str) -> str:
    """A group's name as far as one line of the paper takes it."""
    return text if len(text) <= PAPER_NAME else f"{text[: PAPER_NAME - 1]}…"


def _group_parts(report: CausesReport, drg: str) -> list[str | Ruled]:
    """Diagnoses and doctors of the one group that is asked for."""
    parts: list[str | Ruled] = []
    for number, what, found in (("二", "诊断", report.diagnoses), ("三", "医师", report.doctors)):
        pieces = found.get(drg, ())
        rows = [
            (
                one.name or "未填",
                count_text(one.case_count),
                f"{one.share_e4 / 100:.2f}%",
                yuan_text(one.per_case_fen),
                interval_text(one),
                one.verdict,
            )
            for one in pieces[:PAPER_PIECES]
        ]
        titles = (what, "例数", "构成比", "每例之差（元）", "区间（元）", "比较")
        more = f"；另有 {len(pieces) - PAPER_PIECES} 个见 xlsx" if len(pieces) > PAPER_PIECES else ""
        parts += [
            f"{number}、按{what}（每例与对照之差；例数少的不比较、不排列{more}）",
            Ruled(titles, (2, 1, 1.4, 2.4, 4.4, 3.4), rows, frozenset({1, 2, 3, 4})),
        ]
    return parts


def _cause_parts(report: CausesReport) -> list[str | Ruled]:
    rows = [
        (one.cause.label, one.drg, "；".join(one.measured), "\n".join(case.case_id for case in one.cases[:PAPER_CASES]))
        for one in report.causes[:PAPER_CAUSES]
    ]
    if not rows:
        return ["没有达到界值的提示；不等于没有原因。"]
    return [Ruled(("原因", "病组", "数据提示", "先看的病例"), (2.6, 1.3, 6.5, 3.2), rows)]


def write_top_xlsx(report: TopReport, path: Path) -> None:
    """Write the top groups of departments to `path`: departments first, then their groups."""
    title = f"{report.area_label}{month_text(report.wanted.month)}科室前 {report.limit} 病组核算"
    head = [*report.notices, *report.notes]
    place = (Column("institution", "医疗机构"), Column("dept_label", "科室"))
    named = [
        row
        | {"institution": report.labels.institution(row["institution_code"])}
        | {"dept_label": report.labels.dept(row["dept"])}
        for row in (*report.departments, *report.rows)
    ]
    departments, rows = named[: len(report.departments)], named[len(report.departments) :]
    for row in departments:
        row["look"] = "请先看" if row["first_look"] else ""
    for row in rows:
        is_rest = row["drg"] == REST
        row["name"] = f"其余 {row['group_count']} 个病组" if is_rest else report.labels.groups.get(row["drg"], "")
        row["code"] = "" if is_rest else row["drg"]
    sheets = [
        Sheet(
            "各科室",
            f"{title} · 各科室",
            (
                *place,
                Column("group_count", "病组数", "count"),
                Column("case_count", "例数", "count"),
                Column("total_fee_fen", "总费用\n（万元）", "wan"),
                Column("result_fen", "盈亏\n（万元）", "wan"),
                Column("per_case_fen", "每例盈亏\n（元）", "yuan"),
                Column("losing_count", "亏损病组数", "count"),
                Column("below_count", "低于对照\n的病组数", "count"),
                Column("look", "提示"),
            ),
            departments,
            [*head, "请先看：科室亏损，且有病组的每例盈亏低于同级其他机构、差别超出区间"],
            freeze_columns=2,
        ),
        Sheet(
            "前列病组",
            title,
            (
                *place,
                Column("rank", "位次", "count"),
                Column("code", "病组"),
                Column("name", "名称"),
                Column("case_count", "例数", "count"),
                Column("case_share", "占科室例数", "ratio"),
                Column("mean_fee_fen", "次均费用\n（元）", "yuan"),
                Column("mean_stay", "平均住院日", "days"),
                Column("drug_share", "药占比", "ratio"),
                Column("consumable_share", "耗占比", "ratio"),
                Column("exam_share", "检查化验占比", "ratio"),
                Column("result_fen", "盈亏\n（元）", "yuan"),
                Column("per_case_fen", "每例盈亏\n（元）", "yuan"),
                Column("low_fen", "区间下限\n（元）", "yuan"),
                Column("high_fen", "区间上限\n（元）", "yuan"),
                Column("peer_per_case_fen", "对照每例\n（元）", "yuan"),
                Column("verdict", "比较"),
            ),
            rows,
            head,
            freeze_columns=5,
        ),
    ]
    write_workbook(sheets, path, title=title, subject="科室前列病组")


def write_problems_xlsx(report: ProblemsReport, path: Path) -> None:
    """Write the 双问题 list and the complications to check to `path`."""
    title = f"{report.area_label}{month_text(report.wanted.month)}双问题清单"
    head = [*report.notices, *report.notes]
    departments = [
        row | {"low": "；".join(row["low_items"]), "filed": "；".join(row["filed_items"])}
        for row in report.departments.to_pylist()
    ]
    unowned = [
        one._asdict() | {"institution": report.labels.institution(one.institution_code)} for one in report.unowned
    ]
    rows = [one._asdict() | _place(report, one.institution_code, one.dept) for one in report.complications]
    cases = [one._asdict() | _place(report, one.institution_code, one.dept) for one in report.cases]
    place = (Column("institution", "医疗机构"), Column("dept_label", "科室"))
    sheets = [
        Sheet(
            "双问题科室",
            title,
            (
                Column("institution_name", "医疗机构"),
                Column("dept_label", "科室"),
                Column("settlement.cases", "医保DRG\n例数", "count"),
                Column("settlement.result", "盈亏\n（万元）", "wan"),
                Column("settlement.result_ratio.paid", "盈亏率\n（应付口径）", "ratio"),
                Column("low_count", "低分项数", "count"),
                Column("low", "病案能看出的低分项", width=60),
                Column("filed", "国考填报的低分项", width=50),
            ),
            departments,
            head,
            freeze_columns=2,
        ),
        Sheet(
            "未认领的国考低分项",
            f"{title} · 未认领的国考低分项",
            (
                Column("institution", "医疗机构"),
                Column("number", "国考编号"),
                Column("name", "指标"),
                Column("text", "与同级比"),
                Column("owner", "责任科室"),
            ),
            unowned,
            [*head, "没有责任科室，或责任科室不在双问题清单上"],
            empty="没有",
        ),
        Sheet(
            "合并症填报",
            f"{title} · 合并症填报",
            (
                *place,
                Column("adrg", "ADRG"),
                Column("case_count", "例数", "count"),
                Column("with_count", "有 CC/MCC\n例数", "count"),
                Column("share", "占比", "ratio"),
                Column("expected_share", "同级占比", "ratio"),
                Column("expected_count", "期望例数", "number"),
                Column("low", "下限", "number"),
                Column("high", "上限", "number"),
                Column("verdict", "比较"),
                Column("other_diagnoses", "平均次要诊断数", "number"),
                Column("peer_other_diagnoses", "同级平均", "number"),
            ),
            rows,
            head,
            freeze_columns=3,
        ),
        Sheet(
            "合并症漏填待核",
            f"{title} · 合并症漏填待核",
            (
                *place,
                Column("drg", "病组"),
                Column("case_id", "病例"),
                Column("doctor_code", "医师"),
                Column("stay_days", "住院日", "count"),
                Column("usual_stay_days", "有 CC/MCC 的\n平均住院日", "days"),
                Column("other_diagnoses", "次要诊断数", "count"),
            ),
            cases,
            [*head, "没有 CC/MCC 而住院日不短于有 CC/MCC 的病例；请按病历核对，有依据才补"],
            freeze_columns=4,
        ),
    ]
    write_workbook(sheets, path, title=title, subject="双问题清单")


def _place(report: ProblemsReport, institution_code: str, dept: str) -> dict[str, str]:
    return {"institution": report.labels.institution(institution_code), "dept_label": report.labels.dept(dept)}
