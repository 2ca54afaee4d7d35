"""Papers 年末预测书: the year end of an area as a workbook, of one hospital also as an A4 page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tongpin.measures.guokao.catalogue import load_set
from tongpin.measures.guokao.sheet_xlsx import figure_text
from tongpin.report.pdf import Paper, Picture, Ruled, write_papers
from tongpin.report.words import MISSING, number_text, percent_text, wan_text
from tongpin.report.xlsx import Column, Sheet, write_workbook

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from tongpin.twin.forecast.run import Forecast

_E4 = 10_000
_PLACE_COLUMNS = (
    Column("institution_name", "医疗机构"),
    Column("hospital_level", "结算级别"),
    Column("fund_label", "基金"),
    Column("known_item_pool_fen", "按项目统筹", "wan", "已关账"),
    Column("known_payable_fen", "应付统筹", "wan", "已关账"),
    Column("item_pool_fen", "按项目统筹", "wan", "年末（预测）"),
    Column("payable_fen", "应付统筹", "wan", "年末（预测）"),
    Column("rated_fen", "费率重算", "wan", "年末（预测）"),
    Column("scaled_fen", "层级总额", "wan", "年末（预测）"),
    Column("banded_fen", "留用与分担", "wan", "年末（预测）"),
    Column("due_fen", "清算额", "wan", "年末（预测）"),
    Column("due_fen_low_80", "80% 低", "wan", "清算额区间"),
    Column("due_fen_high_80", "80% 高", "wan", "清算额区间"),
    Column("due_fen_low_95", "95% 低", "wan", "清算额区间"),
    Column("due_fen_high_95", "95% 高", "wan", "清算额区间"),
    Column("surplus_fen", "结余（−为超支）", "wan", "结余"),
    Column("surplus_fen_low_80", "80% 低", "wan", "结余"),
    Column("surplus_fen_high_80", "80% 高", "wan", "结余"),
    Column("surplus_fen_low_95", "95% 低", "wan", "结余"),
    Column("surplus_fen_high_95", "95% 高", "wan", "结余"),
    Column("band_ratio", "按项目占应付", "ratio", "分档"),
    Column("near_edge", "临界提示", "text", "分档", 16),
    Column("method", "办法", "text", "", 18),
    Column("reason", "没有预测的原因", "text", "", 24),
)
_SCENARIO_COLUMNS = (
    Column("plain_due_fen", "清算额", "wan", "没有情景时"),
    Column("plain_surplus_fen", "结余", "wan", "没有情景时"),
    Column("changed_fen", "清算额之差", "wan", "没有情景时"),
)
_FIGURE_COLUMNS = (
    Column("sub", "编号"),
    Column("name", "指标", "text", "", 34),
    Column("unit", "单位"),
    Column("direction", "导向"),
    Column("last_text", "上年"),
    Column("to_date_text", "至今"),
    Column("value_text", "年末（预测）"),
    Column("range_80", "80% 区间"),
    Column("range_95", "95% 区间"),
    Column("moved_by", "由什么带动"),
    Column("method", "办法", "text", "", 20),
    Column("reason", "没有预测的原因", "text", "", 40),
)
_SCORE_COLUMNS = (
    Column("sub", "编号"),
    Column("name", "指标", "text", "", 34),
    Column("direction", "导向"),
    Column("value", "预计值", "number"),
    Column("low", "同级最低", "number"),
    Column("median", "同级中位", "number"),
    Column("high", "同级最高", "number"),
    Column("peers", "同级家数", "count"),
    Column("weight", "权重分", "number"),
    Column("score", "得分（0–100）", "number"),
    Column("points", "折合分", "number"),
    Column("method", "评分办法"),
    Column("reason", "不评分的原因", "text", "", 36),
)


def place_rows(forecast: Forecast, codes: Iterable[str] | None = None) -> list[dict[str, Any]]:
    """The places of a forecast as rows of a paper, of some institutions only where named."""
    wanted = None if codes is None else set(codes)
    plain: dict[tuple[str, str], Mapping[str, Any]] = {}
    if forecast.plain is not None:
        plain = {(row["institution_code"], row["fund"]): row for row in forecast.plain.places.to_pylist()}
    rows = []
    for row in forecast.settlement.places.to_pylist():
        if wanted is not None and row["institution_code"] not in wanted:
            continue
        ratio = row["band_ratio_e4"]
        base = plain.get((row["institution_code"], row["fund"]), {})
        due = base.get("due_fen")
        rows.append(
            row
            | {
                "band_ratio": None if ratio is None else ratio / _E4,
                "plain_due_fen": due,
                "plain_surplus_fen": base.get("surplus_fen"),
                "changed_fen": None if due is None else row["due_fen"] - due,
            }
        )
    return rows


def totals(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The sums of the amounts of places that are forecast; sums of intervals would say nothing and are left out."""
    known = ("known_item_pool_fen", "known_payable_fen")
    ends = ("item_pool_fen", "payable_fen", "rated_fen", "scaled_fen", "banded_fen", "due_fen", "surplus_fen")
    plain = ("plain_due_fen", "plain_surplus_fen", "changed_fen")
    found: dict[str, Any] = {name: sum(row[name] or 0 for row in rows) for name in known}
    whole = all(row["due_fen"] is not None for row in rows)
    found |= {name: sum(row[name] or 0 for row in rows) if whole else None for name in (*ends, *plain)}
    return {"institution_name": "合计"} | found


def figure_rows(forecast: Forecast) -> list[dict[str, Any]]:
    """The indicators of the hospital of a forecast as rows of a paper."""
    if forecast.hospital is None:
        return []
    rows = []
    known = load_set(forecast.hospital.hospital.set_name) if forecast.hospital.hospital.set_name else {}
    for row in forecast.hospital.indicators.figures.to_pylist():
        unit = row["unit"]
        rows.append(
            row
            | {"is_vector": row["no"] in known and known[row["no"]].kind == "vector"}
            | {f"{name}_text": figure_text(row[name], unit) for name in ("last", "to_date", "value")}
            | {
                f"range_{level}": _range(row[f"low_{level}"], row[f"high_{level}"], unit) if row["method"] else ""
                for level in (80, 95)
            }
        )
    return rows


def _range(low: float | None, high: float | None, unit: str) -> str:
    if low is None or high is None:
        return ""
    return f"{figure_text(low, unit)} – {figure_text(high, unit)}"


def basis(forecast: Forecast) -> list[str]:
    """What every paper of a forecast says first."""
    head = f"{forecast.area_label}；付费办法 {forecast.policy_label}（{forecast.policy}）；截至 {forecast.until}"
    lines = [head, *([forecast.scenario.text()] if forecast.scenario else []), *forecast.notes]
    if forecast.assumed:
        lines.append(f"模拟：付费办法有 {len(forecast.assumed)} 项取值没有文件确认，年末数凭它们得出")
    lines.append("区间由模拟路径得出；80%、95% 的实际覆盖用 tongpin bench forecast 回测")
    return lines


def score_lines(forecast: Forecast) -> list[str]:
    """What is said of the simulated score, if there is one."""
    if forecast.hospital is None:
        return []
    scored = forecast.hospital.scored
    if scored is None:
        return ["没有装载同级医院的指标值（peer），不评分，不排位次"]
    found = scored.standing
    lines = [
        (
            f"模拟：按 {scored.peers_year} 年同级 {found.among - 1 if found.among else 0} 家，"
            f"可评 {number_text(found.scorable)} 分中预计得 {number_text(found.points)} 分"
        )
    ]
    if found.place is not None:
        lines.append(
            f"模拟：在 {found.among} 家中预计第 {found.place} 位{f'，折算等级 {found.grade}' if found.grade else ''}"
        )
    return [*lines, *(f"模拟：{note}" for note in found.notes), "得分与位次没有回测，不附区间"]


def write_forecast_xlsx(
    forecast: Forecast, path: Path, notices: Sequence[str], codes: Iterable[str] | None = None
) -> None:
    """The workbook of a forecast: year-end settlement; of a hospital its indicators and simulated score, too."""
    notes = [*notices, *basis(forecast)]
    columns = (*_PLACE_COLUMNS[:15], *(_SCENARIO_COLUMNS if forecast.plain else ()), *_PLACE_COLUMNS[15:])
    rows = place_rows(forecast, codes)
    sheets = [
        Sheet(
            "年末结算",
            f"{forecast.year} 年末结算预测（万元）",
            columns,
            rows,
            notes,
            [totals(rows)] if len(rows) > 1 else (),
            freeze_columns=3,
            empty="没有机构",
        )
    ]
    if forecast.hospital is not None:
        name = forecast.hospital.hospital.name
        heading = [*notices, *forecast.hospital.notes, "只列病案与结算真正带动的指标；其余指标不预测"]
        sheets.append(
            Sheet(
                "国考指标",
                f"{name} {forecast.year} 年末指标预测",
                _FIGURE_COLUMNS,
                figure_rows(forecast),
                heading,
                freeze_columns=2,
                empty="没有可预测的指标",
            )
        )
        if forecast.hospital.scored is not None:
            scores = forecast.hospital.scored.scores.to_pylist()
            sheets.append(
                Sheet(
                    "评分模拟",
                    f"{name} {forecast.year} 年末评分（模拟）",
                    _SCORE_COLUMNS,
                    scores,
                    score_lines(forecast),
                    freeze_columns=2,
                )
            )
    write_workbook(sheets, path, title=f"{forecast.year} 年末预测")


def write_forecast_pdf(forecast: Forecast, path: Path, notices: Sequence[str]) -> None:
    """The A4 paper of a hospital: its funds at the year end, its indicators, the simulated score."""
    one = forecast.hospital
    assert one is not None
    rows = place_rows(forecast, one.hospital.codes)
    funds = Ruled(
        ("基金", "已关账应付", "年末清算额", "80% 区间", "95% 区间", "年末结余", "80% 区间", "按项目/应付"),
        (12, 11, 11, 21, 21, 10, 19, 13),
        [_fund_cells(row) for row in rows],
        frozenset(range(1, 8)),
    )
    rows_of_page = [row for row in figure_rows(forecast) if not row["is_vector"]]
    shown = [row for row in rows_of_page if row["value"] is not None]
    hidden = [row for row in rows_of_page if row["value"] is None]
    figures = Ruled(
        ("编号", "指标", "上年", "至今", "年末预测", "80% 区间", "95% 区间"),
        (7, 30, 11, 11, 12, 20, 20),
        [
            [
                row["sub"],
                f"{row['name']}（{row['unit']}）",
                *(row[name] for name in ("last_text", "to_date_text", "value_text", "range_80", "range_95")),
            ]
            for row in shown
        ],
        frozenset(range(2, 7)),
    )
    parts: list[str | Ruled | Picture] = ["一、医保结算（万元）", funds]
    if forecast.plain is not None:
        parts += [_without_scenario(row) for row in rows if row["due_fen"] is not None]
    parts += ["二、绩效考核：病案与结算带动的国考指标", figures if shown else "没有可预测的指标"]
    if any(row["is_vector"] for row in figure_rows(forecast)):
        parts.append("单病种逐项的预测见工作簿“国考指标”页")
    if hidden:
        names = "、".join(dict.fromkeys(f"{row['sub']} {row['name']}" for row in hidden))
        parts.append(f"没有预测：{names}（缺逐月的数）")
    parts += ["三、评分（模拟）", *score_lines(forecast)]
    closing = ["编制：＿＿＿＿＿＿　　审核：＿＿＿＿＿＿　　日期：＿＿＿＿＿＿"]
    paper = Paper(
        f"{one.hospital.name} {forecast.year} 年末预测",
        [*notices, *basis(forecast)],
        parts,
        closing,
        f"截至 {forecast.until}",
    )
    write_papers([paper], path, title=f"{one.hospital.name} {forecast.year} 年末预测")


def _without_scenario(row: Mapping[str, Any]) -> str:
    return (
        f"没有这个情景时，{row['fund_label']}年末清算额 {wan_text(row['plain_due_fen'])}，"
        f"结余 {wan_text(row['plain_surplus_fen'])}；情景使清算额变化 {wan_text(row['changed_fen'])} 万元"
    )


def _fund_cells(row: Mapping[str, Any]) -> list[str]:
    def span(name: str, level: int) -> str:
        low, high = row[f"{name}_low_{level}"], row[f"{name}_high_{level}"]
        return MISSING if low is None else f"{wan_text(low)} – {wan_text(high)}"

    return [
        row["fund_label"],
        wan_text(row["known_payable_fen"]),
        wan_text(row["due_fen"]),
        span("due_fen", 80),
        span("due_fen", 95),
        wan_text(row["surplus_fen"]),
        span("surplus_fen", 80),
        percent_text(row["band_ratio"]),
    ]
