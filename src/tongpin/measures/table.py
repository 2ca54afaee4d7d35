"""The table 指标表: measures of a home by slice and month, and what they are compared with."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow.compute as pc

from tongpin.base.errors import TongpinError
from tongpin.measures.against import Asked, compare_figures
from tongpin.measures.catalogue import Measure, measures_of
from tongpin.measures.compare import HOSPITAL, KINDS, OVER_TIME, base_months
from tongpin.measures.compute import compute
from tongpin.measures.desks import LIST_FACTS, Desks, has_cost, own_folder
from tongpin.measures.distinct import OnDemand, count_on_demand, load_on_demand
from tongpin.measures.figures import (
    AnyMeasure,
    Figure,
    FigureBasis,
    FigureTable,
    load_sets,
    slice_label,
    span_text,
)
from tongpin.measures.imported import needs_cost
from tongpin.measures.intervals import counted_interval, has_interval, intervals, moments
from tongpin.payment.month.statement_columns import LEVELS, synthetic_notice

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    import pyarrow as pa

    from tongpin.payment.policy.policy import Policy
    from tongpin.store.home import Home

Key = tuple[str, ...]
PERFORMANCE_STAYS = "（住院 60 天以内）"
ADVICE = "次均费用、住院日、药占比等没有扣除病例组合，病种不同的单位之间看消耗指数"
"""What is said where plain means of unlike units are compared."""


@dataclass(frozen=True)
class Wish:
    """What a table is asked for.

    `by`: columns to slice by; `measures`: ids, of the catalogue, of `on_demand` or `sets` (`@six`); `compare`: a kind
    of `KINDS` or empty; `stays`: `all` or `performance` (stays beyond 60 days out); `benchmark`: the fixed base of
    indices (a year before where it is loaded, unless named); `shrink`: `fixed` or `empirical`; `hospital`: only the
    rows of this institution are given, everything is counted over all; `on`: the day on which lists stand (today);
    `dept`: only the rows of this department (code or name) are given, in the same way; `intervals`: with or without.
    """

    months: tuple[str, ...]
    by: tuple[str, ...] = ("institution_code",)
    measures: tuple[str, ...] = ("@performance",)
    compare: str = ""
    area: str | None = None
    stays: str = "all"
    benchmark: tuple[str, ...] = ()
    shrink: str = "fixed"
    hospital: str | None = None
    on: date | None = None
    dept: str | None = None
    intervals: bool = True


def known_measures(home: Home) -> dict[str, AnyMeasure]:
    """Every measure a home can name, by id: of the package and its own; those of cost only where cost is imported."""
    costed = has_cost(home)
    measures: dict[str, AnyMeasure] = {
        name: one for name, one in measures_of(own_folder(home)).items() if costed or not needs_cost(one)
    }
    return measures | dict(load_on_demand())


def chosen_measures(home: Home, words: Sequence[str]) -> tuple[AnyMeasure, ...]:
    """The measures of ids and sets (`@six`, `@科室六指标`), each once. Errors: `measures.unknown`, `measures.cost`."""
    known, sets = known_measures(home), load_sets()
    by_word = {f"@{word}": one.measures for one in sets.values() for word in (one.id, one.label)}
    chosen: dict[str, AnyMeasure] = {}
    for word in words:
        named = by_word.get(word, (word,))
        for name in named:
            if name in known:
                chosen[name] = known[name]
            elif name not in measures_of(own_folder(home)):
                raise TongpinError(
                    "measures.unknown",
                    f"没有指标或指标组 {name}",
                    where="--measure",
                    hint=f"指标看 tongpin measures list；指标组：{'、'.join(f'@{one}' for one in sets)}",
                )
            elif word == name or all(one not in known for one in named):
                raise TongpinError(
                    "measures.needs",
                    f"{name} 要的数没有导入",
                    where="--measure",
                    hint="先装载 cost 布局，见 docs/own-layouts.md",
                )
    return tuple(chosen.values())


def figures_in_home(home: Home, wish: Wish) -> FigureTable:
    """The figures that are wished for, with intervals, comparison and notes; nothing is written.

    Errors: `measures.empty` (no cases), `measures.unknown`, `measures.compare`, PolicyError of `closed.py` and
    `library.py`. Source: S000-25, S000-44, S001-04, S002-05, S002-14, S900-03, S900-04.
    """
    (table,) = figures_beside(home, wish, (wish.compare,))
    return table


def figures_beside(home: Home, wish: Wish, kinds: Sequence[str], desks: Desks | None = None) -> tuple[FigureTable, ...]:
    """The figures of a wish beside several references (kinds of `KINDS`, empty for none), the cases read once.

    A table for each kind, the same figures in the same order; errors as `figures_in_home`. `desks` of `desks_for` serve
    several wishes that differ in slices and measures alone.
    """
    for kind in kinds:
        if kind and kind not in KINDS:
            raise TongpinError(
                "measures.compare",
                f"没有比较方式 {kind}",
                where="--compare",
                hint="、".join(f"{word} {label}" for word, label in KINDS.items()),
            )
    measures = chosen_measures(home, wish.measures)
    before = {kind: base_months(wish.months, kind) for kind in kinds if kind in OVER_TIME}
    alone = "institution_code" in wish.by and all(kind in {"", HOSPITAL, *OVER_TIME} for kind in kinds)
    asked = Asked(
        desks or desks_for(home, wish, kinds),
        measures,
        wish.months,
        wish.by,
        with_intervals=wish.intervals,
        hospital=wish.hospital if alone else None,
    )
    figures = figures_of(asked)
    names = _names(asked.desks, wish.by)
    return tuple(_table(asked, wish, kind, figures, before.get(kind, ()), names) for kind in kinds)


def desks_for(home: Home, wish: Wish, kinds: Sequence[str]) -> Desks:
    """The desks that the months, the area and the stays of a wish need beside these references.

    StoreError `measures.empty` when neither desk has a case in the months.
    """
    before = {month for kind in kinds if kind in OVER_TIME for month in base_months(wish.months, kind)}
    years = base_months(wish.months, "yoy")
    wanted = tuple(sorted({*wish.months, *before}))
    desks = Desks(home, wanted, wish.benchmark or years, wish.area, wish.stays, wish.on)
    if not wish.benchmark and not desks.cases("全部出院", years).num_rows:
        desks = Desks(home, wanted, wish.months, wish.area, wish.stays, wish.on)
    desks.check(wish.months)
    return desks


def _table(
    asked: Asked,
    wish: Wish,
    kind: str,
    figures: list[Figure],
    before: tuple[str, ...],
    names: Mapping[str, Mapping[str, str]],
) -> FigureTable:
    """The figures beside one reference, and what a reader has to know of them."""
    wish = replace(wish, compare=kind)
    if kind:
        figures = compare_figures(asked, figures, figures_of, kind, before, wish.shrink)
    kept = [one for one in figures if wish.hospital in {None, one.place.get("institution_code")}]
    if wish.hospital is not None and not kept:
        raise TongpinError(
            "measures.hospital",
            f"没有机构 {wish.hospital} 的数，或没有按医疗机构切分",
            where="--hospital",
            hint="核对机构代码；--by 里写上 hospital",
        )
    named = [_named(one, names) for one in kept]
    shown = [one for one in named if wish.dept in {None, one.place.get("dept"), one.names.get("dept")}]
    if wish.dept is not None and not shown:
        raise TongpinError(
            "measures.dept",
            f"没有科室 {wish.dept} 的数，或没有按科室切分",
            where="--dept",
            hint="写科室代码或名称，与不带 --dept 的表上一样；--by 里写上 dept",
        )
    return FigureTable(
        months=wish.months,
        by=wish.by,
        measures=asked.measures,
        basis=_basis(asked.desks, wish),
        figures=tuple(shown),
        compare=kind,
        notes=_notes(asked.desks, wish, asked.measures),
        has_cost=asked.desks.has_cost,
        labels={column: slice_label(column) for column in wish.by},
    )


def figures_of(asked: Asked) -> list[Figure]:
    """The figures of measures by slice over some months, with intervals, slice by slice in order."""
    found: dict[Key, dict[str, Figure]] = {}
    for population in dict.fromkeys(one.population for one in asked.measures):
        own = [one for one in asked.measures if one.population == population]
        for key, figures in _of_population(asked, population, own).items():
            found.setdefault(key, {}).update(figures)
    return [
        found[key].get(one.id) or _absent(asked.by, key, one, f"没有{one.population}的病例")
        for key in sorted(found, key=lambda one: _order(asked.by, one))
        for one in asked.measures
    ]


def _order(by: Sequence[str], key: Key) -> tuple[tuple[int, str], ...]:
    """Levels stand from the highest down, all else by code."""
    return tuple(
        (LEVELS.index(code) if column == "hospital_level" and code in LEVELS else len(LEVELS), code)
        for column, code in zip(by, key, strict=True)
    )


def _of_population(asked: Asked, population: str, own: Sequence[AnyMeasure]) -> dict[Key, dict[str, Figure]]:
    by = list(asked.by)
    plain = [one for one in own if isinstance(one, Measure)]
    counted = [one for one in own if isinstance(one, OnDemand)]
    cases = asked.desks.cases(population, asked.months) if asked.cases is None else asked.cases
    if any(name not in cases.column_names for name in by):
        return {}
    cases = _of_hospital(cases, asked.hospital)
    found: dict[Key, dict[str, Figure]] = {}
    if plain:
        only = sorted({name for one in plain for name in one.facts})
        sums = _of_hospital(asked.desks.sums(population, asked.months, by, only, cases), asked.hospital)
        able = [one for one in plain if set(one.facts) <= set(sums.column_names)]
        table = compute(sums, able, by).to_pylist() if able else []
        counts = {_key(row, by): row["case_count"] for row in sums.to_pylist()}
        sure = _sureness(asked, population, cases, able)
        for row in table:
            key = _key(row, by)
            found[key] = {one.id: _figure(asked.by, key, one, row, sure, counts) for one in able}
        for key in [*found] or [*counts]:
            missing = {one.id: _absent(asked.by, key, one, _lacking(one)) for one in plain if one not in able}
            found.setdefault(key, {}).update(missing)
    if counted and cases.num_rows:
        mdcs = [one.code for one in asked.desks.scheme.mdcs]
        for values, figures in count_on_demand(cases, counted, by, mdcs=mdcs).items():
            key = tuple(str(value or "") for value in values)
            place = dict(zip(by, key, strict=True))
            found.setdefault(key, {}).update(
                {one.id: Figure(place, {}, one, figures[one.id].value, figures[one.id].cases) for one in counted}
            )
    return found


def _of_hospital(table: pa.Table, hospital: str | None) -> pa.Table:
    return table if hospital is None else table.filter(pc.equal(table["institution_code"], hospital))


def _key(row: Mapping[str, Any], by: Sequence[str]) -> Key:
    return tuple(str(row[name] or "") for name in by)


def _absent(by: Sequence[str], key: Key, one: AnyMeasure, why: str) -> Figure:
    return Figure(dict(zip(by, key, strict=True)), {}, one, None, note=why)


def _lacking(one: Measure) -> str:
    return f"没有可用的数：要 {'、'.join(one.needs)}" if one.needs else "没有可用的数"


def _sureness(
    asked: Asked, population: str, cases: pa.Table, able: Sequence[Measure]
) -> dict[str, dict[Key, dict[str, float]]]:
    """By measure and slice: value, low, high, error and cases behind a quotient."""
    chosen = [one for one in able if has_interval(one)]
    if not asked.with_intervals or not chosen or not cases.num_rows:
        return {}
    against = asked.desks.against(population, asked.months)
    tables = moments(cases, chosen, list(asked.by), **against)
    found: dict[str, dict[Key, dict[str, float]]] = {}
    for one in chosen:
        if one.id not in tables:
            continue
        table = tables[one.id]
        columns = intervals(table, one) | {"n": np.asarray(table["n"].to_numpy(), dtype=np.float64)}
        keys = [_key(row, asked.by) for row in table.select(list(asked.by)).to_pylist()] if asked.by else [()]
        found[one.id] = {
            key: {name: float(values[place]) for name, values in columns.items()} for place, key in enumerate(keys)
        }
    return found


def _figure(
    by: Sequence[str],
    key: Key,
    one: Measure,
    row: Mapping[str, Any],
    sure: Mapping[str, Mapping[Key, Mapping[str, float]]],
    counts: Mapping[Key, int],
) -> Figure:
    place = dict(zip(by, key, strict=True))
    value, told = row[one.id], sure.get(one.id, {}).get(key) or counted_interval(one, row)
    notes = [row.get(f"{one.id}.flag") or ""]
    if value is None:
        few = [limit for limit in one.null_when if row[limit.column] < limit.below]
        notes.append("例数不足，不出数" if any(limit.below > 1 for limit in few) else "没有可用的数")
    count = int(told["n"]) if told else counts.get(key, 0)
    low = high = None
    if told and value is not None and np.isfinite(told["low"]):
        low, high = told["low"], told["high"]
    return Figure(place, {}, one, value, count, low, high, "；".join(note for note in notes if note))


def _named(one: Figure, names: Mapping[str, Mapping[str, str]]) -> Figure:
    words = {column: names.get(column, {}).get(code) or code or UNFILLED for column, code in one.place.items()}
    if "dept" in one.place and "institution_code" in one.place:
        own = names.get("dept", {}).get(f"{one.place['institution_code']}\x1f{one.place['dept']}")
        words["dept"] = own or words["dept"]
    return Figure(one.place, words, one.measure, one.value, one.count, one.low, one.high, one.note, one.compared)


UNFILLED = "未填"
_INSURANCES = {"310": "职工", "340": "离休", "390": "居民"}


def _names(desks: Desks, by: Sequence[str]) -> dict[str, dict[str, str]]:
    names: dict[str, dict[str, str]] = {"insurance": _INSURANCES}
    if "institution_code" in by:
        rows = desks.institutions.sort_by("valid_from").to_pylist()
        names["institution_code"] = {row["institution_code"]: row["institution_name"] for row in rows}
    if "drg" in by:
        names["drg"] = {code: f"{code} {name}" for code, name in desks.scheme.drg_names.items()}
    if "mdc" in by:
        names["mdc"] = {one.code: f"{one.code} {one.name}" for one in desks.scheme.mdcs}
    if "dept" in by:
        found: dict[str, str] = {}
        for row in desks.departments.sort_by("valid_from").to_pylist():
            dept = row["national_dept"] or row["dept_code"]
            found[f"{row['institution_code']}\x1f{dept}"] = row["dept_name"]
            found.setdefault(dept, row["dept_name"])
        names["dept"] = found
    return names


def _basis(desks: Desks, wish: Wish) -> FigureBasis:
    policy: Policy = desks.policy
    assumed = policy.assumed_keys()
    return FigureBasis(
        area_label=policy.edition.area,
        policy_label=policy.edition.label,
        scheme_id=policy.scheme_id,
        weight_edition=policy.weights_label,
        list_editions=desks.list_editions(wish.months),
        benchmark_months=desks.benchmark_months,
        stays=PERFORMANCE_STAYS if wish.stays == "performance" else "",
        assumed_count=len(assumed),
        weights_assumed="weights" in assumed,
        risk_listed=desks.risk_list is not None,
        notices=synthetic_notice(desks.home),
    )


def _notes(desks: Desks, wish: Wish, measures: Sequence[AnyMeasure]) -> tuple[str, ...]:
    notes = []
    populations = dict.fromkeys((one.population, one.period) for one in measures)
    if len(populations) > 1:
        words = "、".join(f"{name}（按{period}）" for name, period in populations)
        notes.append(f"表中有不同人群的数：{words}，不能直接相比")
    if any(isinstance(one, Measure) and one.benchmark_period == "fixed" for one in measures):
        if desks.benchmark_months == wish.months:
            notes.append(f"基期没有装载，消耗指数与风险级别以本期 {span_text(wish.months)} 为基期：全区域的指数恒为 1")
        if desks.risk_list is not None:
            notes.append("风险级别：导入的名单优先，名单外的按基期死亡率自算")
    if any(name.startswith(LIST_FACTS) for one in measures if isinstance(one, Measure) for name in one.facts):
        notes.append(f"清单的上传与退回按出院月，是 {desks.standing_on} 的情况")
    units = {one.unit for one in measures if isinstance(one, Measure) and one.benchmark_period is None}
    if wish.compare and wish.compare not in OVER_TIME and units & {"yuan", "days", "ratio"}:
        notes.append(ADVICE)
    return tuple(notes)
