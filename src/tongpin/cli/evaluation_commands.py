"""`tongpin measures evaluate`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tongpin.base.errors import TongpinError
from tongpin.cli.output import screen

if TYPE_CHECKING:
    from datetime import date
    from pathlib import Path

    from tongpin.measures.evaluation.run import Evaluation, HospitalScore
    from tongpin.store.home import Home


def write_own_table(home_path: Path | None) -> None:
    """Write the shipped table into the home, to be edited."""
    from tongpin.measures.evaluation.catalogue import write_table
    from tongpin.store.home import Home

    path = write_table(Home.open(home_path))
    screen.give({"ok": True, "table": str(path)})
    screen.say(f"评价表：{path}", f"table: {path}")
    screen.say("接着做：改权重（各维度之和 100，维度内之和 100），再 tongpin measures evaluate --month 月份")


def evaluate(
    home_path: Path | None,
    month: str,
    year: int | None,
    *,
    hospital: str | None,
    method: str,
    on: date | None,
    area: str | None,
) -> None:
    """Write the evaluation of an area as a workbook and show it, or how one hospital's scores came about."""
    from tongpin.measures.evaluation.papers import heading_lines, told, write_evaluation_xlsx
    from tongpin.measures.evaluation.run import evaluate_in_home
    from tongpin.measures.figures import span_text
    from tongpin.store.home import Home

    home = Home.open(home_path)
    months = _months(home, month, year, area)
    with screen.progress("评价"):
        found = evaluate_in_home(home, months, area, method=method, on=on)
    one = None if hospital is None else _named(found, hospital)
    home.reports.mkdir(parents=True, exist_ok=True)
    path = home.reports / f"绩效评价-{span_text(found.months)}.xlsx"
    write_evaluation_xlsx(found, path)
    screen.give(
        {
            "ok": True,
            "report": str(path),
            "months": list(found.months),
            "method": found.method,
            "table": found.table.id,
            "source": found.source,
            "simulated": found.table.assumed,
            "hospitals": [_data(each) for each in found.hospitals if one is None or each is one],
            "explained": [] if one is None else told(found, one),
            "notes": heading_lines(found),
        }
    )
    if one is None:
        _shown(found)
    else:
        for line in told(found, one):
            screen.say(line)
    for line in heading_lines(found):
        screen.say(line)
    screen.say(f"绩效评价：{path}", f"evaluation: {path}")
    screen.say("接着做：--hospital 机构代码 看一家的得分怎样得出；--method distance 换一种办法；--write-table 改权重")


def _months(home: Home, month: str, year: int | None, area: str | None) -> tuple[str, ...]:
    from tongpin.measures.compare import months_of
    from tongpin.measures.evaluation.run import months_of_year

    if bool(month) == (year is not None):
        raise TongpinError(
            "evaluation.period", "写一个期间", where="--month、--year", hint="--month 2025-01..2025-06 或 --year 2025"
        )
    if year is not None:
        return months_of_year(home, year, area)
    try:
        return months_of(month)
    except ValueError:
        raise TongpinError(
            "measures.month", f"月份“{month}”不对", where="--month", hint="写成 2025-06，或 2025-01..2025-06"
        ) from None


def _named(found: Evaluation, code: str) -> HospitalScore:
    for one in found.hospitals:
        if one.code == code:
            return one
    raise TongpinError(
        "measures.hospital", f"没有机构 {code} 的数", where="--hospital", hint="核对机构代码，或换一个期间"
    )


def _shown(found: Evaluation) -> None:
    from tongpin.measures.evaluation.papers import ordered, score_text, span_of, title_of
    from tongpin.measures.papers import places_text
    from tongpin.report.words import count_text

    blank = [""] * len(found.table.dimensions)
    screen.table(
        f"{title_of(found)}（模拟）" if found.table.assumed else title_of(found),
        ["医疗机构", "同类", "例数", "总分", "区间", "同类名次", *(one.label for one in found.table.dimensions)],
        [
            [
                one.name,
                one.peers.label,
                count_text(one.cases),
                score_text(one.score),
                span_of(one.low, one.high),
                places_text(one.first, one.last, one.ranked),
                *([score_text(part.score) for part in one.dimensions] or blank),
            ]
            for one in ordered(found)
        ],
    )
    for one in found.hospitals:
        if one.score is None:
            screen.say(f"不评：{one.name}，{one.note}")


def _data(one: HospitalScore) -> dict[str, Any]:
    return {
        "institution_code": one.code,
        "institution_name": one.name,
        "level": one.level,
        "peers": {"label": one.peers.label, "hospitals": len(one.peers.members), "widened": one.peers.widened},
        "cases": one.cases,
        "score": one.score,
        "interval": [one.low, one.high],
        "rank": [one.first, one.last, one.ranked] if one.first else None,
        "note": one.note,
        "dimensions": [
            {
                "id": part.dimension.id,
                "label": part.dimension.label,
                "weight": part.dimension.weight,
                "used_weight": part.used,
                "score": part.score,
                "interval": [part.low, part.high],
                "note": part.note,
                "measures": [
                    {
                        "measure": each.figure.measure.id,
                        "value": each.figure.value,
                        "low": each.figure.low,
                        "high": each.figure.high,
                        "count": each.figure.count,
                        "weight": each.weight,
                        "used_weight": each.used,
                        "score": each.score,
                        "benchmark": each.benchmark,
                        "against_benchmark": each.against_benchmark,
                        "rank": [each.first, each.last, each.ranked] if each.first else None,
                        "how": each.how,
                        "note": each.note,
                    }
                    for each in part.parts
                ],
                "shown": [{"measure": each.measure.id, "value": each.value} for each in part.shown],
            }
            for part in one.dimensions
        ],
    }
