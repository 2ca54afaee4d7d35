"""The bridge 出院→结算→上传→入组→拨付 on paper: a page with its picture and a workbook, of the same paths (S901-09)."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pyarrow.compute as pc

from tongpin.base.money import check_balance
from tongpin.payment.lists.dates import STAGES, bridge_of
from tongpin.report.charts import BLUE, GREY, OCHRE, flow, to_svg
from tongpin.report.html import inline_svg, render_page
from tongpin.report.words import count_text, month_text, wan_text
from tongpin.report.xlsx import Column, Sheet, write_workbook

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa

LATER_COLOURS = (OCHRE, "#8A6D3B", "#B08968", "#6B8E7F", "#7A6C9D")
EARLIER_COLOUR = "#8FB3D0"
NOT_YET, UNKNOWN = "还没有", "未知"
LEAST_LABEL = 0.02
"""Nodes below this share of the cases have no label of their own in the picture; the table has them all."""
ROOM_FOR_LINES = 0.18
"""Nodes below this share have their label on one line."""
WIDTH, HEIGHT = 930, 300


class Bridge(NamedTuple):
    """The bridge of a month: whose, the paths of its discharges, rows by stage of the discharges and of the month."""

    whose: str
    month: str
    paths: pa.Table
    discharged: tuple[dict[str, Any], ...]
    reached: tuple[dict[str, Any], ...]
    notices: tuple[str, ...]

    @property
    def lists(self) -> int:
        """The lists discharged in the month."""
        return int(pc.sum(self.paths["count"]).as_py() or 0)

    @property
    def title(self) -> str:
        """What stands above the papers."""
        return f"{self.whose} {month_text(self.month)}出院到拨付"


def bridge_of_month(paths: pa.Table, month: str, whose: str, notices: Sequence[str]) -> Bridge:
    """The bridge of the lists discharged in a month (`YYYY-MM`), from the paths of all lists (`PATH_SCHEMA`).

    BalanceError `lists.bridge` unless every stage has the count and fees of the discharges. Source: S901-09.
    """
    rows = bridge_of(paths).to_pylist()
    own = sorted((row for row in rows if row["discharge_month"] == month), key=_order("stage_month"))
    same = sorted((row for row in rows if row["stage_month"] == month), key=_order("discharge_month"))
    mine = paths.filter(pc.fill_null(pc.equal(paths["discharged"], month), False))
    for name, label in (("count", "例数"), ("total_fee_fen", "总费用")):
        whole = int(pc.sum(mine[name]).as_py() or 0)
        for stage, words in STAGES.items():
            part = sum(row[name] or 0 for row in own if row["stage"] == stage)
            check_balance("lists.bridge", f"{month} 出院的清单在“{words}”的{label}", part, whole)
    return Bridge(whose, month, mine, tuple(own), tuple(same), tuple(notices))


def _order(other: str) -> Any:
    places = list(STAGES)
    return lambda row: (places.index(row["stage"]), row[other] or "9999")


def picture(bridge: Bridge) -> str:
    """The paths as a picture: a column for each stage, a band for the lists between two months; inline SVG."""
    places = list(STAGES)
    colours = _colours(bridge)
    nodes = [
        {
            "stage": places.index(row["stage"]),
            "key": row["stage_month"] or "",
            "value": row["count"],
            "colour": colours[row["stage_month"]],
            "lines": _label(row, bridge),
        }
        for row in bridge.discharged
    ]
    links = []
    for place, (left, right) in enumerate(pairwise(places)):
        sums = bridge.paths.group_by([left, right]).aggregate([("count", "sum")]).to_pylist()
        for row in sorted(sums, key=lambda one: (one[left] or "9999", one[right] or "9999")):
            link = {"stage": place, "source": row[left] or "", "target": row[right] or "", "value": row["count_sum"]}
            links.append(link | {"colour": colours[row[right]]})
    return to_svg(flow(list(STAGES.values()), nodes, links, width=WIDTH, height=HEIGHT))


def _label(row: dict[str, Any], bridge: Bridge) -> list[str]:
    if row["count"] < LEAST_LABEL * bridge.lists:
        return []
    lines = [row["stage_month"] or NOT_YET, f"{count_text(row['count'])} 例", f"{wan_text(row['total_fee_fen'])} 万元"]
    return lines if row["count"] >= ROOM_FOR_LINES * bridge.lists else [" · ".join(lines)]


def _colours(bridge: Bridge) -> dict[str | None, str]:
    """Blue for the month of discharge, one colour for each later month, grey for lists that have not come so far."""
    months = sorted({row["stage_month"] for row in bridge.discharged if row["stage_month"]})
    later = [one for one in months if one > bridge.month]
    found: dict[str | None, str] = {None: GREY, bridge.month: BLUE}
    found |= {one: EARLIER_COLOUR for one in months if one < bridge.month}
    return found | {one: LATER_COLOURS[place % len(LATER_COLOURS)] for place, one in enumerate(later)}


def bridge_html(bridge: Bridge) -> str:
    """The page: picture and both tables; one A4 page, no script, no request."""
    context = {
        "title": bridge.title,
        "bridge": bridge,
        "stages": STAGES,
        "picture": inline_svg(picture(bridge)) if bridge.lists else None,
        "not_yet": NOT_YET,
        "unknown": UNKNOWN,
    }
    return render_page("bridge.html", context, folder=Path(__file__).parent / "templates")


def write_bridge_html(bridge: Bridge, path: Path) -> None:
    """Write the page to `path`."""
    path.write_text(bridge_html(bridge), encoding="utf-8")


def write_bridge_xlsx(bridge: Bridge, path: Path) -> None:
    """Write the workbook: the discharges by stage, the month by stage, the paths themselves."""
    notes = (*bridge.notices, "统筹应付在入账之前不知道，空着；拨付按到账日期，只知所属月结的按该月计")
    amounts = [
        Column("count", "例数", "count"),
        Column("total_fee_fen", "总费用（元）", "yuan"),
        Column("pool_payable_fen", "统筹应付（元）", "yuan"),
    ]
    total = _total(bridge)
    sheets = [
        Sheet(
            "出院的各步",
            f"{bridge.title}　{bridge.month} 出院的清单各在哪个月走到哪一步",
            [Column("label", "环节"), Column("when", "月份"), *amounts],
            [_shown(row, "stage_month", NOT_YET) for row in bridge.discharged],
            (*notes, "每一步的例数、费用相加都等于出院"),
            totals=[{"label": "每一步合计", **total}] if bridge.discharged else (),
        ),
        Sheet(
            "本月走到各步的",
            f"{bridge.title}　{bridge.month} 走到各步的清单是哪个月出院的",
            [Column("label", "环节"), Column("when", "出院月份"), *amounts],
            [_shown(row, "discharge_month", UNKNOWN) for row in bridge.reached],
            notes,
        ),
        Sheet(
            "路径",
            f"{bridge.title}　五个月份都相同的清单合为一行",
            [*(Column(stage, label) for stage, label in STAGES.items()), *amounts],
            [{**row, **{stage: row[stage] or NOT_YET for stage in STAGES}} for row in bridge.paths.to_pylist()],
            notes,
            totals=[{"discharged": "合计", **total}] if bridge.lists else (),
        ),
    ]
    write_workbook(sheets, path, title=bridge.title, subject=bridge.month)


def _total(bridge: Bridge) -> dict[str, int | None]:
    return {name: pc.sum(bridge.paths[name]).as_py() for name in ("count", "total_fee_fen", "pool_payable_fen")}


def _shown(row: dict[str, Any], other: str, nothing: str) -> dict[str, Any]:
    return {**row, "label": STAGES[row["stage"]], "when": row[other] or nothing}
