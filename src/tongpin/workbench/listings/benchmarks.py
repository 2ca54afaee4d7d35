"""Benchmarks 标杆: what a group costs at each level of the area, beside one's own; means of few hospitals stay out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa

from tongpin.base.money import FEN_PER_YUAN
from tongpin.measures.figures import SLICES
from tongpin.measures.papers import header_lines, rows_by_slice
from tongpin.measures.table import Wish
from tongpin.store.home import Home
from tongpin.twin.publication.catalogue import load_plan
from tongpin.workbench.analysis.computing import shared
from tongpin.workbench.analysis.measure_shapes import span_of
from tongpin.workbench.analysis.measure_table import figures_job
from tongpin.workbench.analysis.whose import of_scope
from tongpin.workbench.listings.catalogue import Loaded

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tongpin.measures.figures import Figure, FigureTable

COUNT, FEE, STAY, RESULT, RATIO = (
    f"settlement.{name}" for name in ("cases", "mean_fee", "mean_stay", "mean_result", "fee_to_standard")
)
_DRG, _LEVEL, _HOSPITAL, _DEPT = (SLICES[word].column for word in ("group", "level", "hospital", "dept"))
_TEXT, _WHOLE, _REAL = pa.string(), pa.int64(), pa.float64()
_SCHEMA = pa.schema(
    [
        *((name, _TEXT) for name in ("institution_code", "drg", "drg_name", "hospital_level")),
        *((name, _WHOLE) for name in ("hospital_count", "case_count", "mean_fee_fen")),
        *((name, _WHOLE) for name in ("low_fen", "high_fen")),
        ("mean_stay", _REAL),
        ("fee_to_standard", _REAL),
        ("mean_result_fen", _WHOLE),
        *((name, _WHOLE) for name in ("own_count", "own_fee_fen", "fee_difference_fen")),
        *((name, _REAL) for name in ("own_stay", "stay_difference")),
        ("own_result_fen", _WHOLE),
    ]
)


def load_benchmark_groups(home: Home, parameters: Mapping[str, str]) -> Loaded:
    """The groups of closed months by level, with the hospital's (or department's) own beside them."""
    own = of_scope(home.scope, parameters.get("hospital"), parameters.get("dept"))
    whole = Home(home.root)  # means of a level are sums over all its hospitals; no row of another hospital is given
    months, area = span_of(parameters["months"]), parameters.get("area") or None

    def table(by: tuple[str, ...]) -> FigureTable:
        return shared.get(whole, figures_job(whole, Wish(months, by, (COUNT, FEE, STAY, RESULT, RATIO), area=area)))

    levels = table((_DRG, _LEVEL))
    treating: dict[tuple[str, str], set[str]] = {}
    for one in table((_DRG, _LEVEL, _HOSPITAL)).figures:
        if one.measure.id == COUNT and one.value:
            treating.setdefault((one.place[_DRG], one.place[_LEVEL]), set()).add(one.place[_HOSPITAL])
    mine = _own(table((_DRG, _HOSPITAL, _DEPT) if own.dept else (_DRG, _HOSPITAL)), own.hospital, own.dept)
    least = load_plan().limit("peers.smallest")
    rows = []
    for _, figures in rows_by_slice(levels):
        place = figures[COUNT].place
        hospitals = treating.get((place[_DRG], place[_LEVEL]), set())
        row = {
            "institution_code": own.hospital or "",
            "drg": place[_DRG],
            "drg_name": figures[COUNT].names[_DRG].removeprefix(place[_DRG]).strip(),
            "hospital_level": place[_LEVEL],
            "hospital_count": len(hospitals),
        }
        if not own.is_masked or len(hospitals) >= least:
            row |= _level(figures)
        rows.append(row | _beside(mine.get(place[_DRG], {}), row))
    notes = [*header_lines(levels), "医保DRG，按结算月；差为本院减该级别均值，没有扣除组内轻重"]
    if own.is_masked:
        notes.append(f"该级别收治的机构不足 {least} 家的，不列均值")
    table_of_rows = pa.Table.from_pylist([{name: row.get(name) for name in _SCHEMA.names} for row in rows], _SCHEMA)
    return Loaded(table_of_rows, tuple(notes), any(levels.basis.simulated(one) for one in levels.measures))


def _own(found: FigureTable, hospital: str | None, dept: str | None) -> dict[str, dict[str, Figure]]:
    """One's own figures by group; none where nobody is asked for."""
    mine: dict[str, dict[str, Figure]] = {}
    for one in found.figures:
        if hospital is not None and one.place[_HOSPITAL] == hospital and dept in {None, one.place.get(_DEPT)}:
            mine.setdefault(one.place[_DRG], {})[one.measure.id] = one
    return mine


def _level(figures: Mapping[str, Figure]) -> dict[str, Any]:
    return {
        "case_count": int(figures[COUNT].value or 0),
        "mean_fee_fen": _fen(figures[FEE].value),
        "low_fen": _fen(figures[FEE].low),
        "high_fen": _fen(figures[FEE].high),
        "mean_stay": figures[STAY].value,
        "fee_to_standard": figures[RATIO].value,
        "mean_result_fen": _fen(figures[RESULT].value),
    }


def _beside(mine: Mapping[str, Figure], level: Mapping[str, Any]) -> dict[str, Any]:
    """One's own figures, and how far they are from the mean of the level."""
    if not mine:
        return {}
    fee, stay = _fen(mine[FEE].value), mine[STAY].value
    known = level.get("mean_fee_fen"), level.get("mean_stay")
    return {
        "own_count": int(mine[COUNT].value or 0),
        "own_fee_fen": fee,
        "own_stay": stay,
        "own_result_fen": _fen(mine[RESULT].value),
        "fee_difference_fen": None if fee is None or known[0] is None else fee - known[0],
        "stay_difference": None if stay is None or known[1] is None else stay - known[1],
    }


def _fen(yuan: float | None) -> int | None:
    return None if yuan is None else round(yuan * FEN_PER_YUAN)
