"""`tongpin portfolio`, `portfolio what-if`, `portfolio frontier`."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

from tongpin.base.errors import StoreError, TongpinError
from tongpin.cli.output import screen

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from tongpin.store.home import Home
    from tongpin.twin.portfolio.effect import Figure
    from tongpin.twin.portfolio.stays import Stays

_ALL = "all"
_SHOWN = 12


def months_in(home: Home, month: str | None, span: str | None, area: str | None) -> tuple[str, ...]:
    """The months that a command means: one, a span, or the last closed one; `portfolio.months` when both are given."""
    from tongpin.cli.weights_commands import months_of
    from tongpin.payment.month.closed import area_of, closed_months
    from tongpin.twin.portfolio.run import months_between

    if month and span:
        raise TongpinError("portfolio.months", "--month 与 --from-months 只能给一个", hint="去掉一个")
    if span:
        return months_between(*months_of(span))
    if month:
        return (month,)
    closed = closed_months(home, area_of(home, area))
    if not closed:
        raise StoreError("settle.open", "还没有月结", where=str(home.root), hint="先运行 tongpin settle --month 月份")
    return (max(closed),)


def changes_of(texts: Sequence[str], flag: str) -> dict[str, int | Fraction | None]:
    """Groups and counts of `病组=例数` texts, a fraction for `10%`, None for `all`; each group once.

    `portfolio.change` for anything else.
    """
    found: dict[str, int | Fraction | None] = {}
    for text in texts:
        drg, _, count = text.partition("=")
        share = count.removesuffix("%")
        if not drg or drg in found or not (share.isdecimal() or (count == _ALL and flag == "--stop")):
            raise TongpinError(
                "portfolio.change",
                f"“{text}”不对",
                where=flag,
                hint=f"写成 {flag} 病组=例数 或 病组=10%，每个病组只写一次；--stop 可写 病组=all",
            )
        found[drg] = None if count == _ALL else int(share) if share == count else Fraction(int(share), 100)
    return found


def counted(stays: Stays, changes: Mapping[str, int | Fraction | None]) -> dict[str, int | None]:
    """The changes in cases: a share of those of its group, rounded half up, at least one."""
    from tongpin.base.money import round_half_up
    from tongpin.twin.portfolio.stays import CASE_COUNT, LIST_COUNT

    found: dict[str, int | None] = {}
    for drg, wanted in changes.items():
        if isinstance(wanted, Fraction):
            sums = stays.group(drg)
            whole = sums[CASE_COUNT] or sums[LIST_COUNT]
            found[drg] = max(1, round_half_up(whole * wanted.numerator, wanted.denominator))
        else:
            found[drg] = wanted
    return found


def pyramid(
    home_path: Path | None, month: str | None, span: str | None, area: str | None, hospital: str | None
) -> None:
    """Show the pyramid of an area or hospital, write its workbook and page."""
    from tongpin.report.words import count_text, percent_text, wan_text
    from tongpin.store.home import Home
    from tongpin.twin.portfolio import papers
    from tongpin.twin.portfolio.run import pyramid_in_home

    home = Home.open(home_path)
    period, name, found = pyramid_in_home(home, months_in(home, month, span, area), area, hospital)
    workbook, page = _paths(home, f"病组组合-{hospital or period.area}-{period.label}", ".xlsx", ".pdf")
    papers.write_pyramid_xlsx(period, name, found, workbook)
    papers.write_pyramid_pdf(period, name, found, page)
    rows = papers.class_rows(found)
    notes = [*period.notices, papers.run_note(found), papers.NOT_REFUSAL]
    screen.give(
        {
            "ok": True,
            "months": period.months,
            "name": name,
            "weight_edition": period.weight_edition,
            "known_months": found.known_months,
            "classes": rows,
            "groups": found.groups.to_pylist(),
            "trends": found.trends.to_pylist(),
            "reports": [str(workbook), str(page)],
            "notes": notes,
        }
    )
    screen.table(
        f"{name} 病组组合 {period.label}（医保DRG，{period.weight_edition}）",
        ["类别", "界限", "病组数", "例数", "例数占比", "权重占比", "结余（万元）"],
        [
            [
                row["label"],
                row["rule"],
                count_text(row["group_count"]),
                count_text(row["case_count"]),
                percent_text(row["case_share"]),
                percent_text(row["weight_share"]),
                wan_text(row["result_fen"]),
            ]
            for row in rows
        ],
    )
    for note in notes:
        screen.say(note)
    screen.say(f"病组组合：{workbook}", f"portfolio: {workbook}")
    screen.say(f"病组组合（A4）：{page}", f"portfolio (A4): {page}")
    screen.say("接着做：tongpin portfolio frontier --hospital 机构代码（能怎样调整）；portfolio what-if（试算）")


def what_if(
    home_path: Path | None,
    month: str | None,
    span: str | None,
    area: str | None,
    hospital: str,
    stops: Sequence[str],
    grows: Sequence[str],
    method: str,
) -> bool:
    """Show and write what stopping and growing groups does; whether the filter of advice refuses a part of it."""
    from tongpin.store.home import Home
    from tongpin.twin.portfolio import papers
    from tongpin.twin.portfolio.effect import grow, stop
    from tongpin.twin.portfolio.plan import placed, tried
    from tongpin.twin.portfolio.run import hospital_in_home

    stopped, grown = changes_of(stops, "--stop"), changes_of(grows, "--grow")
    if not stopped and not grown:
        raise TongpinError("portfolio.change", "没有写增减什么", hint="写 --stop 病组=例数 或 --grow 病组=例数")
    home = Home.open(home_path)
    found = hospital_in_home(home, months_in(home, month, span, area), area, hospital, method)
    fewer, more = counted(found.stays, stopped), counted(found.stays, grown)
    changes = [stop(found.stays, drg, count) for drg, count in fewer.items()]
    changes += [grow(found.stays, drg, count or 0) for drg, count in more.items()]
    result = tried(found, changes)
    lines, advice = placed(found, fewer)
    (path,) = _paths(home, f"病组试算-{hospital}-{found.period.label}", ".xlsx")
    papers.write_what_if_xlsx(found, result, lines, path)
    screen.give(
        {
            "ok": not advice.refused,
            "months": found.period.months,
            "hospital": hospital,
            "changes": [one.label for one in result.changes],
            "figures": [_plain(one) for one in result.figures],
            "before": result.before,
            "after": result.after,
            "placed": lines,
            "report": str(path),
            "findings": [one.as_dict() for one in advice.refused],
            "notes": [papers.TRIAL, *found.period.notices],
        }
    )
    said = "；".join(one.label for one in result.changes)
    _figures(f"{found.name} 试算 {found.period.label}：{said}", result.figures)
    for line in (*lines, papers.TRIAL, *found.period.notices):
        screen.say(line)
    screen.findings(advice.refused)
    screen.say(f"试算：{path}", f"what-if: {path}")
    screen.say(f"接着做：tongpin portfolio frontier --hospital {hospital}（有去处的安排怎样最好）")
    return bool(advice.refused)


def frontier(
    home_path: Path | None,
    month: str | None,
    span: str | None,
    area: str | None,
    hospital: str,
    point: int | None,
    method: str,
) -> bool:
    """Show and write the frontiers of a hospital; whether the filter of advice refused anything."""
    from tongpin.report.words import count_text, number_text, wan_text
    from tongpin.store.home import Home
    from tongpin.twin.portfolio import frontier_papers, papers
    from tongpin.twin.portfolio.plan import plan_of
    from tongpin.twin.portfolio.run import hospital_in_home

    home = Home.open(home_path)
    found = hospital_in_home(home, months_in(home, month, span, area), area, hospital, method)
    plan = plan_of(found, point)
    workbook, page = _paths(home, f"结余与绩效前沿-{hospital}-{found.period.label}", ".xlsx", ".pdf")
    frontier_papers.write_frontier_xlsx(plan, workbook)
    frontier_papers.write_frontier_pdf(plan, page)
    rows, moves = frontier_papers.point_rows(plan), plan.proposed[plan.chosen].proposals
    score = plan.today.score
    screen.give(
        {
            "ok": not plan.refused,
            "months": found.period.months,
            "hospital": hospital,
            "today": {
                "cmi": float(plan.today.cmi),
                "result_fen": plan.today.result_fen,
                "score": None if score is None else score.points,
            },
            "points": rows,
            "chosen": plan.chosen + 1,
            "moves": [one._asdict() for one in moves],
            "figures": [_plain(one) for one in plan.figures],
            "capacities": [one._asdict() for one in found.capacities],
            "reports": [str(workbook), str(page)],
            "findings": [one.as_dict() for one in plan.refused],
            "notes": [*plan.notes, *found.period.notices],
        }
    )
    now = f"结余 {wan_text(plan.today.result_fen)} 万元，CMI {number_text(float(plan.today.cmi), 4)}"
    now += "" if score is None else f"，国考模拟得分 {number_text(score.points)}"
    screen.table(
        f"{found.name} 结余与绩效考核的前沿 {found.period.label}（现状：{now}）",
        ["点", "沿着", "结余（万元）", "比现状", "CMI", "比现状", "国考模拟", "比现状", "床日", "例数", "增收", ""],
        [
            [
                str(row["number"]),
                row["along"],
                wan_text(row["result_fen"]),
                frontier_papers.signed_wan(row["result_change_fen"]),
                number_text(row["cmi"], 4),
                row["cmi_text"],
                number_text(row["score"]),
                row["score_text"],
                count_text(row["stay_days"]),
                count_text(row["case_count"]),
                count_text(row["grown_count"]),
                row["chosen"],
            ]
            for row in rows
        ],
    )
    screen.table(
        f"第 {plan.chosen + 1} 点的安排" + (f"（列 {_SHOWN} 项，共 {len(moves)} 项）" if len(moves) > _SHOWN else ""),
        ["病组", "名称", "安排", "例数/本期", "结余（万元）", "为什么到此为止", "不得触碰"],
        [
            [
                one.drg,
                one.label,
                one.move_label,
                f"{one.moved_count}/{one.case_count}",
                wan_text(one.result_fen),
                one.stops,
                one.protected,
            ]
            for one in moves[:_SHOWN]
        ],
    )
    _figures(f"第 {plan.chosen + 1} 点之前与之后", plan.figures)
    for line in (papers.NOT_REFUSAL, *plan.notes, *found.period.notices):
        screen.say(line)
    screen.findings(plan.refused)
    screen.say(f"前沿：{workbook}", f"frontier: {workbook}")
    screen.say(f"前沿（A4）：{page}", f"frontier (A4): {page}")
    screen.say("接着做：与科室核对每一项的去处；tongpin portfolio what-if 试别的数")
    return bool(plan.refused)


def _figures(title: str, figures: Sequence[Figure]) -> None:
    from tongpin.twin.portfolio.papers import figure_rows

    names = ("label", "population", "before", "after", "change", "goal", "anchor", "note")
    screen.table(
        title,
        ["指标", "口径", "之前", "之后", "变化", "导向", "锚点", "说明"],
        [[row[name] for name in names] for row in figure_rows(figures)],
    )


def _plain(one: Figure) -> dict[str, Any]:
    values = {
        name: None if value is None else float(value) for name, value in (("before", one.before), ("after", one.after))
    }
    return {**one._asdict(), **values}


def _paths(home: Home, name: str, *endings: str) -> tuple[Path, ...]:
    home.reports.mkdir(parents=True, exist_ok=True)
    return tuple(home.reports / f"{name}{ending}" for ending in endings)
