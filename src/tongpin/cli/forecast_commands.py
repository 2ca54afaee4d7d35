"""`tongpin forecast year | policy` and `tongpin negotiate`."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from tongpin.base.errors import TongpinError
from tongpin.cli.output import screen

if TYPE_CHECKING:
    from datetime import date
    from pathlib import Path

_SHOWN = 20


def year(
    home_path: Path | None, number: int, area: str | None, hospital: str | None, scenario: Path | None, method: str
) -> None:
    """Forecast a year end, write the papers, show places and indicators."""
    from tongpin.payment.month.statement_columns import synthetic_notice
    from tongpin.report.words import wan_text
    from tongpin.store.home import Home
    from tongpin.twin.forecast.papers import (
        basis,
        figure_rows,
        place_rows,
        score_lines,
        write_forecast_pdf,
        write_forecast_xlsx,
    )
    from tongpin.twin.forecast.run import forecast_in_home
    from tongpin.twin.forecast.scenario import read_scenario

    home = Home.open(home_path)
    wanted = None if scenario is None else read_scenario(scenario)
    with screen.progress("预测各机构的余下月份") as tell:
        found = forecast_in_home(
            home,
            number,
            area,
            hospital=hospital,
            scenario=wanted,
            method=method,
            progress=lambda done, total: tell("预测各机构的余下月份", done, total),
        )
    one = found.hospital
    codes = None if one is None else one.hospital.codes
    notices = synthetic_notice(home)
    home.reports.mkdir(parents=True, exist_ok=True)
    name = f"年末预测-{one.hospital.name if one else found.area}-{number}"
    path, paper = home.reports / f"{name}.xlsx", home.reports / f"{name}.pdf"
    write_forecast_xlsx(found, path, notices, codes)
    if one is not None:
        write_forecast_pdf(found, paper, notices)
    rows = place_rows(found, codes)
    told = [*notices, *basis(found)]
    screen.give(
        {
            "ok": True,
            "year": number,
            "area": found.area,
            "until": found.until,
            "places": rows,
            "indicators": [] if one is None else one.indicators.figures.to_pylist(),
            "scores": [] if one is None or one.scored is None else one.scored.scores.to_pylist(),
            "standing": None if one is None or one.scored is None else one.scored.standing._asdict(),
            "report": str(path),
            "paper": str(paper) if one else None,
            "notes": [*told, *score_lines(found)],
        }
    )
    shown = sorted(rows, key=lambda row: -abs(row["surplus_fen"] or 0))[:_SHOWN]
    screen.table(
        f"{number} 年末结算预测，万元（列出结余或超支最大的 {len(shown)} 行）",
        ["机构", "基金", "已关账应付", "年末清算额", "80% 区间", "95% 区间", "年末结余", "80% 区间", "临界或原因"],
        [
            [
                row["institution_name"],
                row["fund_label"],
                wan_text(row["known_payable_fen"]),
                wan_text(row["due_fen"]),
                *(_span(row, "due_fen", level) for level in (80, 95)),
                wan_text(row["surplus_fen"]),
                _span(row, "surplus_fen", 80),
                row["near_edge"] or row["reason"] or "",
            ]
            for row in shown
        ],
    )
    if one is not None:
        screen.table(
            f"{one.hospital.name} {number} 年末国考指标（只列病案与结算带动的）",
            ["编号", "指标", "单位", "上年", "至今", "年末预测", "80% 区间", "95% 区间", "原因"],
            [
                [
                    *(row[key] for key in ("sub", "name", "unit", "last_text", "to_date_text", "value_text")),
                    row["range_80"],
                    row["range_95"],
                    row["reason"] or "",
                ]
                for row in figure_rows(found)
                if not row["is_vector"]
            ],
        )
    for note in (*told, *score_lines(found)):
        screen.say(note)
    screen.say(f"预测表：{path}", f"workbook: {path}")
    if one is not None:
        screen.say(f"预测书（A4）：{paper}", f"paper: {paper}")
        screen.say(
            "接着做：改情景文件再试（--scenario，见 docs/forecast.md）；tongpin negotiate --group 病组（谈判材料）"
        )
    else:
        screen.say("接着做：--hospital 机构 看一家医院的国考指标；tongpin forecast policy 草案（政策回测）")


def _span(row: dict[str, Any], name: str, level: int) -> str:
    from tongpin.report.words import wan_text

    low, high = row[f"{name}_low_{level}"], row[f"{name}_high_{level}"]
    return "—" if low is None else f"{wan_text(low)} – {wan_text(high)}"


def policy(home_path: Path | None, draft: str, months: str, area: str | None, on: date | None) -> None:
    """Try a draft on past cases, write the workbook, show places and what it does to the indicators."""
    from tongpin.cli.weights_commands import months_of
    from tongpin.payment.month.closed import area_of
    from tongpin.payment.month.statement_columns import synthetic_notice
    from tongpin.payment.policy.library import open_policy
    from tongpin.payment.weights.rounds import round_or_edition
    from tongpin.report.words import percent_text, wan_text
    from tongpin.store.home import Home
    from tongpin.twin.forecast.draft import try_draft
    from tongpin.twin.forecast.draft_papers import trial_basis, tried_rows, write_trial_xlsx

    home = Home.open(home_path)
    first, last = months_of(months)
    old, new = open_policy(home, area_of(home, area), last), round_or_edition(home, draft)
    found = try_draft(home, old, new, first, last, on or max(new.breakpoints))
    notices = synthetic_notice(home)
    home.reports.mkdir(parents=True, exist_ok=True)
    path = home.reports / f"草案回测-{new.id.replace('/', '-')}-{first}-{last}.xlsx"
    write_trial_xlsx(found, path, notices)
    rows = tried_rows(found)
    told = [*notices, *trial_basis(found)]
    screen.give(
        {
            "ok": True,
            "old": old.id,
            "new": new.id,
            "on": f"{found.on}",
            "hospitals": found.impact.hospitals.to_pylist(),
            "cleared": rows,
            "indicators": dict(found.indicators),
            "report": str(path),
            "notes": told,
        }
    )
    screen.table(
        f"草案 {new.id} 回测，万元（列出清算额相差最大的 {min(_SHOWN, len(rows))} 行）",
        ["年度", "机构", "基金", "现行清算额", "草案清算额", "相差", "现行结余", "草案结余", "按项目占应付", "临界"],
        [
            [
                row["year"],
                row["institution_name"],
                row["fund_label"],
                *(wan_text(row[name]) for name in ("old_due_fen", "new_due_fen", "due_difference_fen")),
                *(wan_text(row[name]) for name in ("old_surplus_fen", "new_surplus_fen")),
                f"{percent_text(row['old_band_ratio'])} → {percent_text(row['new_band_ratio'])}",
                row["new_near_edge"] or "",
            ]
            for row in rows[:_SHOWN]
        ],
    )
    for note in told:
        screen.say(note)
    screen.say(f"回测表：{path}", f"workbook: {path}")
    screen.say("接着做：tongpin round opinion 提意见；tongpin forecast year --scenario 情景（写 edition）看今年年末")


def negotiate(
    home_path: Path | None, groups: str, hospital: str, months: str | None, raised: str, area: str | None
) -> None:
    """Write the negotiation pack of a hospital for some groups and show its core."""
    from tongpin.cli.weights_commands import months_of
    from tongpin.payment.month.statement_columns import synthetic_notice
    from tongpin.report.words import count_text, number_text, percent_text, wan_text, yuan_text
    from tongpin.store.home import Home
    from tongpin.twin.negotiation.pack_pdf import with_interval, write_pack_pdf
    from tongpin.twin.negotiation.pack_xlsx import write_pack_xlsx
    from tongpin.twin.negotiation.run import pack_in_home

    home = Home.open(home_path)
    chosen = [one.strip() for one in groups.replace("，", ",").split(",") if one.strip()]
    span = None if months is None else months_of(months)
    found = pack_in_home(home, chosen, hospital, area, span=span, raises=_shares(raised))
    notices = synthetic_notice(home)
    home.reports.mkdir(parents=True, exist_ok=True)
    name = f"谈判材料-{found.hospital_name}-{'、'.join(chosen[:3])}{'等' if len(chosen) > 3 else ''}"  # noqa: PLR2004
    paper, path = home.reports / f"{name}.pdf", home.reports / f"{name}.xlsx"
    write_pack_pdf(found, paper, notices)
    write_pack_xlsx(found, path, notices)
    screen.give({"ok": True, **found.as_dict(), "paper": str(paper), "report": str(path)})
    screen.table(
        f"{found.hospital_name}：{found.months[0]} 至 {found.months[-1]}",
        [
            *("病组", "例数", "次均费用", "同级次均费用（95% 区间）"),
            *(["次均成本"] if found.has_cost else []),
            *("次均标准", "结余（万元）", "现行权重", "持平的权重"),
        ],
        [
            [
                one.drg,
                count_text(one.own.cases),
                yuan_text(one.own.mean_fee_fen),
                with_interval(one.peers),
                *([yuan_text(one.own.mean_cost_fen)] if found.has_cost else []),
                yuan_text(one.own.mean_standard_fen),
                wan_text(one.own.result_fen),
                number_text(one.weight),
                number_text(one.even_weight),
            ]
            for one in found.groups
        ],
    )
    for effect in found.effects:
        screen.say(
            f"标准提高 {percent_text(float(effect.raised))}：全区同组 {count_text(effect.cases)} 例，"
            f"基金多付 {wan_text(effect.fund_fen)} 万元，其中本院 {wan_text(effect.own_fen)} 万元（模拟）"
        )
    for note in (*notices, *found.notes):
        screen.say(note)
    screen.say(f"谈判材料（A4）：{paper}", f"paper: {paper}")
    screen.say(f"数据表：{path}", f"workbook: {path}")
    screen.say("接着做：tongpin round opinion 轮次 --group 病组 把意见记入谈判轮次")


def _shares(text: str) -> list[Decimal]:
    try:
        found = [Decimal(one.strip()) for one in text.replace("，", ",").split(",") if one.strip()]
    except InvalidOperation:
        found = []
    if not found or any(not one.is_finite() or one <= 0 or one > 1 for one in found):
        raise TongpinError("negotiate.raise", f"提高的比例“{text}”不对", hint="写成 0.05,0.10，大于 0，不超过 1")
    return found
