"""Papers of a frontier 前沿的纸面: a workbook with every point and move, and A4 pages of the charts and one point."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tongpin.report.charts import to_png
from tongpin.report.pdf import Paper, Picture, Ruled, write_papers
from tongpin.report.words import count_text, number_text, wan_text
from tongpin.report.xlsx import Column, Sheet, write_workbook
from tongpin.twin.portfolio.charts import frontier_chart
from tongpin.twin.portfolio.papers import FIGURE_COLUMNS, NOT_REFUSAL, figure_rows, rules_sheet, short_name
from tongpin.twin.portfolio.stays import PAGE
from tongpin.twin.portfolio.words import basis_lines, value_text

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tongpin.twin.portfolio.plan import Plan
    from tongpin.twin.portfolio.proposals import Proposal

_TOLD = ("label", "before", "after", "change", "anchor")
_MOVES_ON_PAPER = 6
_POINTS_ON_PAGE = 8
"""So many points leave room for the moves and figures on the same page."""
_POINTS = (
    Column("number", "点", "count"),
    Column("along", "沿着"),
    Column("result_fen", "结余\n（万元）", "wan"),
    Column("result_change_fen", "比现状\n（万元）", "wan"),
    Column("cmi", "CMI", "weight"),
    Column("cmi_text", "比现状", "text"),
    Column("score", "国考模拟得分", "number"),
    Column("score_text", "比现状", "text"),
    Column("stay_days", "占用床日", "count"),
    Column("case_count", "安排例数", "count"),
    Column("grown_count", "其中增收", "count"),
    Column("chosen", "选定"),
)
_MOVE_COLUMNS = (
    Column("number", "点", "count"),
    Column("drg", "病组"),
    Column("label", "名称"),
    Column("move_label", "安排"),
    Column("moved_count", "例数", "count"),
    Column("able_count", "可安排", "count"),
    Column("case_count", "本期例数", "count"),
    Column("result_fen", "结余变化\n（万元）", "wan"),
    Column("weight_e4", "总权重变化", "weight"),
    Column("stay_days", "床日变化", "count"),
    Column("stops", "为什么到此为止", width=34),
    Column("protected", "不得触碰", width=28),
    Column("destination", "去处", width=28),
)


def write_frontier_xlsx(plan: Plan, path: Path) -> None:
    """The workbook of a frontier: points, moves of every point, figures of the chosen one, capacities, rules."""
    period = plan.hospital.period
    title = f"{plan.hospital.name} 结余与绩效考核的前沿 {period.label}"
    notes = [*basis_lines(period), NOT_REFUSAL, *plan.notes]
    moves = [
        one._asdict() | {"number": number} for number, part in enumerate(plan.proposed, 1) for one in part.proposals
    ]
    capacities = [one._asdict() for one in plan.hospital.capacities]
    rows = point_rows(plan)
    sheets = [
        Sheet("前沿", title, _POINTS, rows, notes, empty="没有可以安排的病例"),
        *_figures_sheet(plan, rows, f"{title} · 各点之后的国考指标", notes),
        Sheet("安排", f"{title} · 安排", _MOVE_COLUMNS, moves, notes, freeze_columns=3, empty="没有可以安排的病例"),
        Sheet("指标", f"{title} · 第 {plan.chosen + 1} 点", FIGURE_COLUMNS, figure_rows(plan.figures), notes),
        Sheet(
            "能力",
            f"{title} · 能力",
            [
                Column("label", "能力"),
                Column("unit", "单位"),
                Column("used", "本期已用", "count"),
                Column("amount", "至多", "count"),
                Column("source", "来源", width=60),
            ],
            capacities,
            notes,
        ),
        rules_sheet(title, period),
    ]
    write_workbook(sheets, path, title=title)


def _figures_sheet(plan: Plan, rows: list[dict[str, Any]], title: str, notes: list[str]) -> list[Sheet]:
    """The indicators that moves change, and the score, after every point; none without a manual."""
    columns = [
        Column(f"guokao.{part.sub}", f"国考 {part.sub}\n{(part.label or one.name).partition('(')[0]}", width=14)
        for one, part in plan.hospital.assessed.moved_parts
    ]
    if not columns:
        return []
    shown = [*_POINTS[:2], *columns, Column("score", "国考模拟得分", "number")]
    return [Sheet("各点指标", title, shown, rows, notes, freeze_columns=2)]


def point_rows(plan: Plan) -> list[dict[str, Any]]:
    """The points of a frontier as rows of a table."""
    rows: list[dict[str, Any]] = []
    units = {part.sub: part.unit or one.unit for one, part in plan.hospital.assessed.moved_parts}
    today = plan.today.score
    for number, one in enumerate(plan.points, start=1):
        change = None if one.score is None or today is None else one.score.points - today.points
        rows.append(
            {
                "number": number,
                "along": "国考得分" if number > plan.by_score else "CMI",
                "result_fen": one.result_fen,
                "result_change_fen": one.result_fen - plan.today.result_fen,
                "cmi": float(one.cmi),
                "cmi_text": f"{float(one.cmi - plan.today.cmi):+.4f}",
                "score": None if one.score is None else one.score.points,
                "score_text": "" if change is None else f"{change:+.2f}",
                "stay_days": one.sums[PAGE + "stay_days"],
                "case_count": sum(taken.cases for taken in one.taken),
                "grown_count": sum(taken.cases for taken in one.taken if taken.choice.cell < 0),
                "chosen": "选定" if number - 1 == plan.chosen else "",
                **{
                    f"guokao.{sub}": value_text("percent" if units[sub] == "%" else "days", value)
                    for sub, value in one.figures.items()
                },
            }
        )
    return rows


def write_frontier_pdf(plan: Plan, path: Path) -> None:
    """A4: the frontiers as charts, their points, moves and figures of the chosen one; two pages of many points."""
    period = plan.hospital.period
    title = f"{plan.hospital.name}　结余与绩效考核的前沿"
    scored = plan.today.score is not None
    heads = ("点", "结余（万元）", "比现状", "CMI", "比现状", *(("国考模拟", "比现状") if scored else ()), "例数", "")
    widths = (5, 14, 12, 11, 11, *((12, 11) if scored else ()), 9, 15 if scored else 8)
    parts: list[str | Ruled | Picture] = [
        Picture(to_png(frontier_chart(plan)), 0.94 if scored else 0.66),
        *(["左图沿 CMI、右图沿国考模拟得分的前沿；浅色的点是另一条前沿上的安排。"] if scored else []),
        Ruled(
            heads,
            widths,
            [_point_line(row, scored=scored) for row in point_rows(plan)],
            frozenset(range(len(heads) - 1)),
        ),
    ]
    told: list[str | Ruled | Picture] = [
        *_moves(plan),
        Ruled(
            ("指标", "之前", "之后", "变化", "锚点"),
            (34, 16, 16, 20, 18),
            [
                [row[name] for name in ("label", "before", "after", "change", "anchor")]
                for row in figure_rows(plan.told)
            ],
            frozenset({1, 2, 3}),
        ),
        "；".join([*plan.notes, NOT_REFUSAL.rstrip("。"), *period.notices]),
    ]
    head, foot = basis_lines(period)[:1], f"{title} {period.label}"
    pages = [[*parts, *told]] if len(plan.points) <= _POINTS_ON_PAGE else [parts, told]
    titles = (title, f"{title}（第 {plan.chosen + 1} 点）")
    papers = [Paper(name, head, page, [], foot=foot) for name, page in zip(titles, pages, strict=False)]
    write_papers(papers, path, title=f"{title} {period.label}")


def _moves(plan: Plan) -> list[str | Ruled | Picture]:
    """The largest moves of the chosen point."""
    moves = plan.proposed[plan.chosen].proposals if plan.proposed else ()
    if not moves:
        return []
    head = f"第 {plan.chosen + 1} 点的安排（例数为安排/本期，结余变化以万元计；共 {len(moves)} 项"
    return [
        head + (f"，列 {_MOVES_ON_PAPER} 项，全部见 xlsx）" if len(moves) > _MOVES_ON_PAPER else "）"),
        Ruled(
            ("病组", "名称", "安排", "例数", "结余", "为什么到此为止"),
            (8.5, 38, 8.5, 9, 9, 27),
            [_move_line(one) for one in moves[:_MOVES_ON_PAPER]],
            frozenset({3, 4}),
        ),
    ]


def _move_line(one: Proposal) -> list[str]:
    share = f"{one.moved_count}/{one.case_count}"
    return [one.drg, short_name(one.label), one.move_label, share, wan_text(one.result_fen), one.stops]


def signed_wan(fen: int) -> str:
    """A change in 万元, always with its sign."""
    return f"+{wan_text(fen)}" if fen > 0 else wan_text(fen)


def _point_line(row: Mapping[str, Any], *, scored: bool) -> list[str]:
    standing = [number_text(row["score"]), row["score_text"].replace("-", "\u2212")] if scored else []
    marks = [one for one in (f"沿{row['along']}" if scored else "", row["chosen"]) if one]
    return [
        str(row["number"]),
        wan_text(row["result_fen"]),
        signed_wan(row["result_change_fen"]),
        number_text(row["cmi"], 4),
        row["cmi_text"].replace("-", "\u2212"),
        *standing,
        count_text(row["case_count"]),
        " ".join(marks),
    ]
