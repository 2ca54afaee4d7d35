"""The four charts of the joint report: waterfall, group bubbles, fee against standard, funnel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tongpin.base.money import FEN_PER_YUAN, SCALE, round_half_up
from tongpin.report import charts
from tongpin.report.html import inline_svg
from tongpin.twin.catalogue import setting
from tongpin.twin.portfolio.catalogue import load_classes

if TYPE_CHECKING:
    from markupsafe import Markup

    from tongpin.twin.joint import JointReport

WIDTH = 410
ENDS = 7
"""How many hospitals the waterfall names at each end; the others are summed in one step."""
NAMED_GROUPS = 18
LIMITS = {"95% 界限": 1.96, "99.8% 界限": 3.09}
OUTLIERS = {"正常": "#8FA9C2", "费用极高": charts.OCHRE, "费用极低": "#55606E"}
CLASS_LABELS = {"NORMAL": "正常", "EXEMPT": "正常", "HIGH": "费用极高", "LOW": "费用极低"}


@dataclass(frozen=True)
class Chart:
    """A drawn chart with its title and the note that names form, population and basis."""

    title: str
    note: str
    svg: Markup


def joint_charts(joint: JointReport) -> dict[str, Chart]:
    """The charts by name; one that has nothing to draw says so instead."""
    return {
        "waterfall": _waterfall(joint),
        "bubble": _bubble(joint),
        "density": _density(joint),
        "funnel": _funnel(joint),
    }


def _drawn(title: str, note: str, spec: dict[str, Any] | None) -> Chart:
    if spec is None:
        return Chart(title, "本月没有可画的病例。", inline_svg(""))
    return Chart(title, note, inline_svg(charts.to_svg(spec)))


def _waterfall(joint: JointReport) -> Chart:
    hospitals = [row for row in joint.hospitals.to_pylist() if row["settlement.result"] is not None]
    ranked = sorted(hospitals, key=lambda row: (-row["settlement.result"], row["institution_code"]))
    spec = None
    if ranked:
        head, tail = ranked[:ENDS], ranked[max(ENDS, len(ranked) - ENDS) :]
        middle = ranked[len(head) : len(ranked) - len(tail)]
        steps = [(row["institution_name"], _wan(row["settlement.result"])) for row in head]
        if middle:
            label = f"其余 {len(middle)} 家"
            steps.append((label, _wan(sum(row["settlement.result"] for row in middle))))
        steps += [(row["institution_name"], _wan(row["settlement.result"])) for row in tail]
        spec = charts.waterfall(
            steps, total_label="全市医保DRG", value_title="累计盈亏（万元）", width=WIDTH - 60, rounded=1
        )
    note = f"盈亏 = 统筹 DRG 应付 − 统筹按项目应付；医保DRG，结算月 {joint.month}。由盈到亏逐家累加，至全市合计。"
    return _drawn("各医院盈亏如何合成全市盈亏（万元）", note, spec)


def _bubble(joint: JointReport) -> Chart:
    groups = [row for row in joint.groups.to_pylist() if row["group_weight_e4"] > 0]
    groups.sort(key=lambda row: -abs(row["result_fen"]))
    rows = [
        {
            "x": row["group_weight_e4"] / SCALE,
            "y": row["result_fen"] / FEN_PER_YUAN / row["case_count"],
            "size": row["case_count"],
            "label": row["drg"] if rank < NAMED_GROUPS else "",
        }
        for rank, row in enumerate(groups)
        if row["case_count"] >= setting("group_fee.minimum_cases")
    ]
    bounds = sorted(
        {
            edge / SCALE
            for one in load_classes()
            for edge in (one.weight_from_e4, one.weight_below_e4)
            if edge is not None
        },
    )
    spec = (
        charts.bubble(
            charts.thin_labels(rows, x="x", y="y", apart=(0.12, 0.05)),
            x_title="病组权重（对数刻度；竖线为病组分类界限）",
            y_title="每例盈亏（元）",
            size_title="例数",
            width=WIDTH + 40,
            height=330,
            bounds=bounds,
        )
        if rows
        else None
    )
    note = (
        f"每个圆是一个病组，面积为例数；医保DRG，结算月 {joint.month}，权重版本：{joint.basis.weight_edition}。"
        f"不少于 {setting('group_fee.minimum_cases')} 例；蓝为盈，赭为亏；标出盈亏金额最大的若干组。"
    )
    return _drawn("病组：权重、每例盈亏与例数", note, spec)


def _density(joint: JointReport) -> Chart:
    cells: dict[tuple[str, float, float], int] = {}
    for row in joint.spread.to_pylist():
        key = (CLASS_LABELS.get(row["kind"], "正常"), row["x"], row["y"])
        cells[key] = cells.get(key, 0) + row["count"]
    rows = [{"kind": kind, "x": round(x, 1), "y": round(y, 1), "count": count} for (kind, x, y), count in cells.items()]
    slopes = {1.0: "1 倍"}
    for multiples in joint.basis.multiples.values():
        slopes |= {float(multiple): f"{multiple:g} 倍" for multiple in multiples.values()}
    spec = (
        charts.density(
            rows,
            x_title="支付标准（元，对数刻度）",
            y_title="总费用（元，对数刻度）",
            classes=OUTLIERS,
            slopes=sorted(slopes.items()),
            width=WIDTH + 40,
            height=360,
        )
        if rows
        else None
    )
    levels = "；".join(
        f"{level} {multiples['low']:g}–{multiples['high']:g} 倍为正常"
        for level, multiples in joint.basis.multiples.items()
        if {"low", "high"} <= multiples.keys()
    )
    note = f"每点是一格病例，大小为例数；医保DRG，结算月 {joint.month}。{levels + '。' if levels else ''}"
    return _drawn("病例：总费用与支付标准", note, spec)


def _funnel(joint: JointReport) -> Chart:
    least = setting("department.minimum_cases")
    shares = {row["level"]: row["settlement.variance_share"] for row in joint.levels.to_pylist()}
    rows = []
    for row in joint.hospitals.to_pylist():
        cases = row["settlement.cases"] or 0
        expected = cases * (shares[row["level"]] or 0)
        if cases >= least and expected:
            ratio = row["settlement.variance_share"] * cases / expected
            rows.append({"expected": expected, "ratio": ratio, "name": row["institution_name"]})
    spec = None
    if rows:
        rows.sort(key=_distance, reverse=True)
        widest = max(LIMITS.values())
        labelled = [{**row, "label": row["name"] if _distance(row) > widest else ""} for row in rows]
        spec = charts.funnel(
            charts.thin_labels(labelled, x="expected", y="ratio", apart=(0.42, 0.09)),
            x_title="同级期望例数（例数 × 同级占比，对数刻度）",
            y_title="实际 ÷ 同级期望",
            limits=LIMITS,
            width=WIDTH,
            height=330,
        )
    note = (
        f"高变异 = 费用极高 + 费用极低，界值随级别而异，故与同级比；医保DRG，结算月 {joint.month}，不少于 {least} 例。"
        "曲线为 1 ± z ÷ √期望（泊松近似）：界限之内的高低可由例数少解释，不排名；标出 99.8% 界限之外的若干家。"
    )
    return _drawn("医院：高变异病例数与同级期望之比（漏斗图）", note, spec)


def _distance(row: dict[str, Any]) -> float:
    """How many standard deviations a hospital lies from its expectation."""
    return float(abs(row["ratio"] - 1) * row["expected"] ** 0.5)


def _wan(fen: int) -> float:
    return round_half_up(fen, FEN_PER_YUAN * 100) / 100
