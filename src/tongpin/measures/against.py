"""Against 对照: every figure of a table beside its reference, with change, reading, shrinkage, ranks and limits."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from tongpin.base.errors import TongpinError
from tongpin.measures.catalogue import Measure
from tongpin.measures.compare import (
    BEST,
    HOSPITAL,
    IMPORTED,
    KINDS,
    OVER_TIME,
    OWN,
    PEERS,
    REGION,
    Change,
    Vintage,
    best_quartile,
    change,
    shifted,
)
from tongpin.measures.figures import Comparison, Figure, slice_label, span_text
from tongpin.measures.imported import peer_values
from tongpin.measures.intervals import has_interval, shrink_cases, shrunk
from tongpin.measures.ranks import NONE, UNSCORED, Funnel, Places, funnel, places, reading
from tongpin.records.intake.load import read_loaded
from tongpin.records.layouts.catalogue import layouts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    import pyarrow as pa
    from numpy.typing import NDArray

    from tongpin.measures.desks import Desks
    from tongpin.measures.figures import AnyMeasure

    Key = tuple[str, ...]

PLACES = ("doctor_code", "team", "ward", "dept", "institution_code", "region", "hospital_level")
"""Slices that are places, the finest first; the others (group, month, insurance) cut across places."""
SUMS = ("count", "fen", "weight_e4")
"""Units of sums, which grow with the place that they are of."""
INSIDE = ("doctor_code", "team", "ward", "dept")
LEVEL = "hospital_level"
PAGES = "全部出院"


@dataclass(frozen=True)
class Asked:
    """Figures that are asked of the desks: measures, months, slices, with intervals or without.

    `cases` stand instead of the desk's own; `hospital` is the only one whose figures are formed, still against the
    benchmarks of all.
    """

    desks: Desks
    measures: tuple[AnyMeasure, ...]
    months: tuple[str, ...]
    by: tuple[str, ...]
    cases: pa.Table | None = None
    with_intervals: bool = True
    hospital: str | None = None


def compare_figures(
    asked: Asked,
    figures: Sequence[Figure],
    figures_of: Callable[[Asked], list[Figure]],
    kind: str,
    before: tuple[str, ...],
    shrink: str,
) -> list[Figure]:
    """The figures, each beside its reference of this kind. Errors: `measures.compare` (the slices do not allow it)."""
    _check(asked.by, kind)
    if kind in OVER_TIME:
        return _over_time(asked, figures, figures_of, kind, before)
    groups: dict[tuple[str, Key], list[Figure]] = {}
    key_of, references = _references(asked, figures_of, kind)
    for one in figures:
        groups.setdefault((one.measure.id, key_of(one)), []).append(one)
    compared: dict[tuple[str, Key], Figure] = {}
    for (name, key), units in groups.items():
        label, reference = references(units[0].measure, key, units)
        for one in _beside_one(units, kind, label, reference, shrink):
            compared[name, tuple(one.place.values())] = one
    return [compared[one.measure.id, tuple(one.place.values())] for one in figures]


def _check(by: Sequence[str], kind: str) -> None:
    wrong = ""
    if kind in {PEERS, IMPORTED} and "institution_code" not in by:
        wrong = "与同级相比，要按医疗机构切分（--by hospital）"
    elif kind == HOSPITAL and not (set(by) & set(INSIDE) and "institution_code" in by):
        wrong = "与本院相比，要按医疗机构与院内单位切分（--by hospital,doctor）"
    elif kind in {REGION, BEST} and not set(by) & set(PLACES):
        wrong = "要按地方切分（区县、级别、医疗机构、科室、病区、诊疗组、医师之一）"
    elif kind == OWN and "month" in by:
        wrong = "与自身以前几个月相比，不能再按月份切分"
    if wrong:
        raise TongpinError("measures.compare", wrong, where=f"--compare {kind}", hint="改 --by 或 --compare")


def _over_time(
    asked: Asked,
    figures: Sequence[Figure],
    figures_of: Callable[[Asked], list[Figure]],
    kind: str,
    before: tuple[str, ...],
) -> list[Figure]:
    then = _by_key(figures_of(replace(asked, months=before)))
    bridged = _bridges(asked, figures_of, before)
    label = f"{KINDS[kind]} {span_text(before)}"
    compared = []
    for one in figures:
        key = _back(one, kind, len(asked.months))
        base, bridge = then.get((one.measure.id, key)), bridged.get((one.measure.id, key))
        vintages = _vintage(asked.desks, one.measure, asked.months), _vintage(asked.desks, one.measure, before)
        value = base.value if base else None
        shift = change(one.measure, one.value, value, vintages, bridge.value if bridge else None)
        known = shift.difference is not None
        there = bridge or base
        read = _read_change(one, there) if known else NONE
        reach = _reach_of(one, there) if known else None
        count = there.count if there else 0
        made = Comparison(kind, label, value, shift, read, reach=reach, reference_count=count)
        compared.append(replace(one, compared=made))
    return compared


def _back(one: Figure, kind: str, months: int) -> Key:
    back = {"yoy": 12, "mom": months}.get(kind, 0)
    return tuple(shifted(code, -back) if column == "month" else code for column, code in one.place.items())


def _bridges(
    asked: Asked, figures_of: Callable[[Asked], list[Figure]], before: tuple[str, ...]
) -> Mapping[tuple[str, Key], Figure]:
    """Figures of the earlier lists under the weights in use, where the lists were weighted by another edition."""
    found: dict[tuple[str, Key], Figure] = {}
    if asked.desks.list_editions(before) == asked.desks.list_editions(asked.months):
        return found
    weighted = [one for one in asked.measures if one.weight_edition and one.population != PAGES]
    for population in dict.fromkeys(one.population for one in weighted):
        lists = asked.desks.reweighted(population, before)
        if lists is not None:
            own = tuple(one for one in weighted if one.population == population)
            found |= _by_key(figures_of(replace(asked, months=before, measures=own, cases=lists)))
    return found


def _vintage(desks: Desks, measure: AnyMeasure, months: tuple[str, ...]) -> Vintage:
    edition = desks.policy.weights_label if measure.population == PAGES else "、".join(desks.list_editions(months))
    fixed = measure.benchmark_period == "fixed"
    return Vintage(edition, f"固定 {span_text(desks.benchmark_months)}" if fixed else f"同期 {span_text(months)}")


def _by_key(figures: Iterable[Figure]) -> dict[tuple[str, Key], Figure]:
    return {(one.measure.id, tuple(one.place.values())): one for one in figures}


def _references(
    asked: Asked, figures_of: Callable[[Asked], list[Figure]], kind: str
) -> tuple[Callable[[Figure], Key], Callable[[AnyMeasure, Key, Sequence[Figure]], tuple[str, float | None]]]:
    """What groups the units that share a reference, and the reference of a group in words and as a figure."""
    by = asked.by
    levels = _levels(asked) if kind in {PEERS, IMPORTED} else {}

    def place_of(one: Figure, columns: Sequence[str]) -> Key:
        return tuple(levels.get(one.place["institution_code"], "") if c == LEVEL else one.place[c] for c in columns)

    if kind == IMPORTED:
        values = peer_values(read_loaded(asked.desks.home, layouts()["peer"].table), asked.months)

        def imported(measure: AnyMeasure, key: Key, _units: Sequence[Figure]) -> tuple[str, float | None]:
            found = values.get((measure.id, key[0])) or values.get((measure.id, ""))
            if found is None:
                return "没有导入同级值", None
            return (
                f"导入的{key[0]}同级 {found.period}（{found.values} 个值的中位数，{found.document or '无来源'}）",
                found.median,
            )

        return lambda one: place_of(one, (LEVEL,)), imported
    kept = {
        REGION: tuple(column for column in by if column not in PLACES or column == "dept"),
        PEERS: (LEVEL, *(column for column in by if column not in PLACES or column == "dept")),
        HOSPITAL: tuple(column for column in by if column != _finest(by)),
        BEST: tuple(column for column in by if column != _finest(by)),
    }[kind]
    pooled = {} if kind == BEST else _by_key(figures_of(replace(asked, by=kept, with_intervals=False)))
    alike = "、".join(f"同{slice_label(column)}" for column in kept if column not in {LEVEL, "institution_code"})
    pool = {REGION: "全区域", PEERS: "同级", HOSPITAL: "本院", BEST: "最好的四分之一"}[kind]
    label = f"{pool}（{alike}）" if alike else pool

    def reference(measure: AnyMeasure, key: Key, units: Sequence[Figure]) -> tuple[str, float | None]:
        if kind == BEST:
            found = [one for one in units if one.value is not None]
            return label, best_quartile(measure, [one.value for one in found], [one.count for one in found])
        one = pooled.get((measure.id, key))
        return f"{key[0]}{label}" if kind == PEERS else label, one.value if one else None

    return lambda one: place_of(one, kept), reference


def _finest(by: Sequence[str]) -> str:
    return next((column for column in PLACES if column in by), "")


def _levels(asked: Asked) -> dict[str, str]:
    """The level of every institution in the cases of the months, the last one where it changed."""
    found: dict[str, str] = {}
    for population in dict.fromkeys(one.population for one in asked.measures):
        cases = asked.desks.cases(population, asked.months).select(["institution_code", LEVEL, "month"])
        rows = cases.group_by(["institution_code", LEVEL]).aggregate([("month", "max")]).sort_by("month_max")
        found |= {row["institution_code"]: row[LEVEL] for row in rows.to_pylist()}
    return found


def _beside_one(units: Sequence[Figure], kind: str, label: str, reference: float | None, shrink: str) -> list[Figure]:
    """The units of a group beside their one reference."""
    measure = units[0].measure
    if measure.unit in SUMS:
        alone = Comparison(kind, label, None, Change(note="合计数随单位大小而变，不与全体相比"), UNSCORED)
        return [replace(one, compared=alone) for one in units]
    column: dict[str, NDArray[np.float64]] = {
        name: np.array([np.nan if (found := getattr(one, name)) is None else found for one in units], dtype=np.float64)
        for name in ("value", "low", "high")
    }
    counts = np.array([one.count for one in units], dtype=np.float64)
    ranked = (
        places(measure, column["low"], column["high"], counts) if isinstance(measure, Measure) else _unranked(units)
    )
    drawn = _drawn(measure, column, counts, reference, shrink)
    compared = []
    for place, one in enumerate(units):
        limits = _limits(one, reference)
        shift = Change(note="没有参照") if reference is None else _difference(one, reference)
        read = UNSCORED if limits else _read(one, reference)
        compared.append(
            replace(
                one,
                compared=Comparison(
                    kind=kind,
                    label=label,
                    reference=reference,
                    change=shift,
                    reading=read,
                    shrunk=None if drawn is None or not np.isfinite(drawn[place]) else float(drawn[place]),
                    first=int(ranked.first[place]),
                    last=int(ranked.last[place]),
                    ranked=ranked.ranked,
                    funnel=limits,
                ),
            )
        )
    return compared


def _unranked(units: Sequence[Figure]) -> Places:
    zeros = np.zeros(len(units), dtype=np.int64)
    return Places(zeros, zeros, 0)


def _drawn(
    measure: AnyMeasure, column: Mapping[str, Any], counts: Any, reference: float | None, shrink: str
) -> NDArray[np.float64] | None:
    """The values drawn towards the reference; sums are not drawn."""
    if reference is None or not isinstance(measure, Measure) or not measure.denominator:
        return None
    error = (column["high"] - column["low"]) / 2 / _REACH
    k = shrink_cases({"value": column["value"], "error": error}, counts, shrink)
    return shrunk(column["value"], counts, reference, k)


_REACH = 1.96
"""Half an interval in standard errors, near enough to weigh the spread of units by."""


def _difference(one: Figure, reference: float) -> Change:
    if one.value is None:
        return Change(note="" if one.note else "没有可比的数")
    return change(one.measure, one.value, reference, (Vintage(), Vintage()))


def _read(one: Figure, reference: float | None) -> str:
    """How a figure reads; a sum or a count of its own has no interval, and is never better or worse."""
    if not isinstance(one.measure, Measure) or not has_interval(one.measure):
        return UNSCORED
    low, high = (np.nan if bound is None else bound for bound in (one.low, one.high))
    return reading(one.measure, low, high, one.count, reference)


def _read_change(one: Figure, base: Figure | None) -> str:
    """How a change reads: both figures are uncertain, so that their intervals are taken together."""
    reach = _reach_of(one, base)
    if reach is None or base is None or base.value is None or one.value is None:
        return _read(replace(one, low=None, high=None), None)
    least = min(one.count, base.count)
    return _read(replace(one, low=one.value - reach, high=one.value + reach, count=least), base.value)


def _reach_of(one: Figure, base: Figure | None) -> float | None:
    """Half the interval of the change between two figures; null where one of them has none."""
    if base is None or one.low is None or one.high is None or base.low is None or base.high is None:
        return None
    return float(np.hypot((one.high - one.low) / 2, (base.high - base.low) / 2))


def _limits(one: Figure, reference: float | None) -> Funnel | None:
    """Exact limits of a rate of rare events; its events are the value times its cases, a whole number by origin."""
    if not one.measure.limits or reference is None or one.value is None:
        return None
    return funnel(round(one.value * one.count), one.count, reference)
