"""`tongpin measures list | show | table`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tongpin.cli.output import screen

if TYPE_CHECKING:
    from pathlib import Path

    from tongpin.measures.figures import AnyMeasure, FigureTable

WIDE = 9
"""How many measures stand side by side on a screen; more go below one another."""
SHOWN = 60
"""How many lines of a table a screen shows; the rest is in the workbook."""


def list_measures(home_path: Path | None) -> None:
    """Every measure that the home can name, and the sets."""
    from tongpin.measures.figures import load_sets
    from tongpin.measures.table import known_measures
    from tongpin.store.home import Home

    home = Home.open(home_path)
    known = known_measures(home)
    sets = [one for one in load_sets().values() if any(name in known for name in one.measures)]
    screen.give(
        {
            "ok": True,
            "measures": [_summary(one) for one in known.values()],
            "sets": [{"id": one.id, "label": one.label, "measures": list(one.measures)} for one in sets],
        }
    )
    screen.table(
        "指标目录",
        ["代号", "指标", "人群", "方向", "依据", ""],
        [
            [one.id, one.label, one.population, one.direction, one.reference, "模拟" if one.assumed else ""]
            for one in known.values()
        ],
    )
    screen.table(
        "指标组", ["--measure", "名称", "个数"], [[f"@{one.id}", one.label, str(len(one.measures))] for one in sets]
    )
    screen.say("接着做：tongpin measures show 代号（口径）；tongpin measures table --month 2025-06 --by hospital")


def _summary(one: AnyMeasure) -> dict[str, Any]:
    return {
        "id": one.id,
        "label": one.label,
        "form": one.form,
        "unit": one.unit,
        "direction": one.direction,
        "population": one.population,
        "period": one.period,
        "reference": one.reference,
        "assumed": one.assumed,
    }


def show(home_path: Path | None, name: str) -> None:
    """One measure in full, with the definitions that its facts rest on."""
    from tongpin.measures.catalogue import Measure
    from tongpin.measures.papers import UNIT_WORDS
    from tongpin.measures.table import chosen_measures
    from tongpin.store.home import Home

    (one,) = chosen_measures(Home.open(home_path), [name])[:1]
    rows = [
        ("代号", one.id),
        ("指标", one.label),
        ("口径", one.form),
        ("单位", UNIT_WORDS[one.unit]),
        ("方向", one.direction),
        ("人群", f"{one.population}，按{one.period}"),
    ]
    if isinstance(one, Measure):
        rows += [("分子", " + ".join(one.numerator)), ("分母", " + ".join(one.denominator) or "（合计数，没有分母）")]
        rows += [("要的字段", "、".join(one.needs) or "病例本身")]
        rows += [("不出数", f"{limit.column} 少于 {limit.below}") for limit in one.null_when]
        rows += [("加注", f"{limit.column} 少于 {limit.below}：{limit.note}") for limit in one.flag_when]
        rows += [("权重版本", "随表写明" if one.weight_edition else "不用权重")]
        rows += [("对比基期", {"fixed": "固定基期", "same_period": "同期"}.get(one.benchmark_period or "", "不用基期"))]
        if one.limits:
            rows.append(("判断", "只按精确的二项或泊松界，超界先逐例复核，不排名次"))
        if one.mirrors:
            number = f"国考 {one.mirrors.guokao}" if one.mirrors.guokao is not None else "不是国考指标"
            rows.append(("锚点", f"{one.mirrors.anchor}；{number}；医保侧：{one.mirrors.insurance or '无'}"))
    rows += [("依据", one.reference), ("确认", "没有文件确认，凭它得出的数标“模拟”" if one.assumed else "有依据")]
    screen.give({"ok": True, **_summary(one), "lines": [{"name": key, "text": text} for key, text in rows]})
    screen.table(one.label, ["", ""], [list(row) for row in rows])
    screen.say(f"接着做：tongpin measures table --month 2025-06 --by hospital --measure {one.id}")


def table(
    home_path: Path | None,
    month: str,
    by: str,
    measures: str,
    *,
    compare: str,
    hospital: str | None,
    dept: str | None,
    base: str,
    stays: str,
    shrink: str,
    area: str | None,
) -> None:
    """Write the table as a workbook and show it."""
    from tongpin.measures.figures import slices_named, span_text
    from tongpin.measures.papers import by_words, header_lines, write_table_xlsx
    from tongpin.measures.table import Wish, figures_in_home
    from tongpin.store.home import Home

    home = Home.open(home_path)
    _one_of("--stays", stays, ("all", "performance"))
    _one_of("--shrink", shrink, ("fixed", "empirical"))
    wish = Wish(
        months=_months(month),
        by=slices_named(by),
        measures=tuple(word.strip() for word in measures.split(",") if word.strip()),
        compare=compare,
        area=area,
        stays=stays,
        benchmark=_months(base) if base else (),
        shrink=shrink,
        hospital=hospital,
        dept=dept,
    )
    with screen.progress("计算指标"):
        found = figures_in_home(home, wish)
    home.reports.mkdir(parents=True, exist_ok=True)
    kind = f"-{compare}" if compare else ""
    path = home.reports / f"指标表-{span_text(found.months)}-{by_words(found).replace('、', '')}{kind}.xlsx"
    write_table_xlsx(found, path)
    screen.give(
        {
            "ok": True,
            "report": str(path),
            "figures": found.as_rows(),
            "notes": header_lines(found),
            "by": list(found.by),
        }
    )
    if compare:
        _compared(found)
    else:
        _wide(found)
    _meanings(found)
    for line in header_lines(found):
        screen.say(line)
    screen.say(f"指标表：{path}", f"measures: {path}")
    screen.say("接着做：--compare yoy 同比，--compare region 与全区域比；tongpin measures show 代号 看口径")


def _months(span: str) -> tuple[str, ...]:
    from tongpin.base.errors import TongpinError
    from tongpin.measures.compare import months_of

    try:
        return months_of(span)
    except ValueError:
        raise TongpinError(
            "measures.month", f"月份“{span}”不对", where="--month", hint="写成 2025-06，或 2025-01..2025-06"
        ) from None


def _one_of(option: str, word: str, words: tuple[str, ...]) -> None:
    from tongpin.base.errors import TongpinError

    if word not in words:
        raise TongpinError("measures.option", f"{option} 没有 {word}", where=option, hint=" | ".join(words))


def _wide(found: FigureTable) -> None:
    """The slices below one another, the measures side by side."""
    from tongpin.measures.figures import slice_label, span_text
    from tongpin.measures.papers import heading_of, rows_by_slice, value_text

    places = [slice_label(column) for column in found.by] or ["范围"]
    rows = rows_by_slice(found)
    if len(rows) == 1:
        ((words, figures),) = rows
        _one_slice(found, "".join(words), list(figures.values()))
        return
    for start in range(0, len(found.measures), WIDE):
        part = found.measures[start : start + WIDE]
        screen.table(
            f"指标表 {span_text(found.months)}",
            [*places, *(heading_of(one, found) for one in part)],
            [
                [*words, *(value_text(figures[one.id].value, one.unit) for one in part)]
                for words, figures in rows[:SHOWN]
            ],
        )
    _more(len(rows))


def _one_slice(found: FigureTable, words: str, figures: list[Any]) -> None:
    from tongpin.measures.figures import span_text
    from tongpin.measures.papers import interval_text, title_of, value_text
    from tongpin.report.words import count_text

    screen.table(
        f"指标表 {span_text(found.months)} {words}",
        ["指标", "数值", "95% 区间", "例数", "说明"],
        [
            [
                title_of(one.measure, found),
                value_text(one.value, one.measure.unit),
                interval_text(one),
                count_text(one.count),
                one.note,
            ]
            for one in figures
        ],
    )


def _compared(found: FigureTable) -> None:
    """One table a measure: the figure, its reference, and how it reads."""
    from tongpin.measures.compare import KINDS, OVER_TIME
    from tongpin.measures.figures import slice_label, span_text
    from tongpin.measures.papers import (
        WHOLE,
        difference_text,
        interval_text,
        rank_text,
        reading_text,
        rows_by_slice,
        value_text,
    )
    from tongpin.report.words import count_text

    places = [slice_label(column) for column in found.by] or ["范围"]
    over_time = found.compare in OVER_TIME
    slices = rows_by_slice(found)
    if len(slices) == 1:
        ((words, figures),) = slices
        _one_compared(found, " ".join(words), list(figures.values()))
        return
    tail = ["版本影响", "真实变化"] if over_time else ["收缩值", "名次（区间允许的）"]
    for measure in found.measures:
        rows = [one for one in found.figures if one.measure.id == measure.id]
        lines = []
        for one in rows[:SHOWN]:
            compared, unit = one.compared, measure.unit
            if compared is None:
                continue
            shift = compared.change
            last = (
                [difference_text(shift.edition_effect, unit), difference_text(shift.real_effect, unit)]
                if over_time
                else [value_text(compared.shrunk, unit), rank_text(compared)]
            )
            lines.append(
                [
                    *([one.names[column] for column in found.by] or [WHOLE]),
                    value_text(one.value, unit),
                    interval_text(one),
                    count_text(one.count),
                    compared.label,
                    value_text(compared.reference, unit),
                    difference_text(shift.difference, unit),
                    *last,
                    reading_text(compared),
                    "；".join(part for part in (one.note, shift.note) if part),
                ]
            )
        mark = "（模拟）" if found.basis.simulated(measure) else ""
        screen.table(
            f"{measure.label}{mark} {span_text(found.months)} {KINDS[found.compare]}",
            [*places, "数值", "95% 区间", "例数", "与什么比", "参照", "差", *tail, "判断", "说明"],
            lines,
        )
        _more(len(rows))


def _one_compared(found: FigureTable, words: str, figures: list[Any]) -> None:
    """One slice: its measures below one another, each beside its reference, with difference and direction."""
    from tongpin.measures.compare import KINDS
    from tongpin.measures.figures import span_text
    from tongpin.measures.papers import difference_text, interval_text, reading_text, title_of, value_text
    from tongpin.report.words import count_text

    lines = []
    for one in figures:
        compared, unit = one.compared, one.measure.unit
        if compared is None:
            continue
        lines.append(
            [
                title_of(one.measure, found),
                value_text(one.value, unit),
                interval_text(one),
                count_text(one.count),
                value_text(compared.reference, unit),
                difference_text(compared.change.difference, unit),
                one.measure.direction,
                reading_text(compared),
                "；".join(part for part in (one.note, compared.change.note) if part),
            ]
        )
    against = next((one.compared.label for one in figures if one.compared), KINDS[found.compare])
    screen.table(
        f"{words} {span_text(found.months)} 与{against}比",
        ["指标", "数值", "95% 区间", "例数", "参照", "差", "导向", "判断", "说明"],
        lines,
    )


def _more(rows: int) -> None:
    if rows > SHOWN:
        screen.say(f"另有 {rows - SHOWN} 行在表格里")


def _meanings(found: FigureTable) -> None:
    from tongpin.measures.papers import basis_row

    rows = [basis_row(one, found) for one in found.measures]
    screen.table(
        "口径",
        ["指标", "口径", "人群", "期间", "权重版本", "对比基期", ""],
        [
            [
                row[name]
                for name in ("label", "form", "population", "period", "weight_edition", "benchmark", "simulated")
            ]
            for row in rows
        ],
    )
