"""The table of measures 指标表: figures computed once for all who may see them, then cut to what one sees."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from tongpin.measures.against import PLACES
from tongpin.measures.compare import BEST, PEERS, REGION, Change
from tongpin.measures.figures import SLICES
from tongpin.measures.papers import header_lines, rows_by_slice
from tongpin.measures.ranks import NONE
from tongpin.measures.table import Wish, figures_in_home
from tongpin.twin.publication.catalogue import load_plan
from tongpin.workbench.analysis.computing import Job
from tongpin.workbench.analysis.measure_shapes import (
    MeasuresAsked,
    MeasureTable,
    SliceColumn,
    SliceRow,
    cell,
    is_money,
    meaning,
)
from tongpin.workbench.today import today

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tongpin.measures.figures import Figure, FigureTable
    from tongpin.store.home import Home
    from tongpin.workbench.analysis.computing import Tell
    from tongpin.workbench.analysis.whose import Whose
    from tongpin.workbench.sign_in.identity import Identity

CASE_COLUMNS = ("institution_code", "dept", "doctor_code", "drg")
"""Slices by which the list of cases can be filtered."""


def figures_job(home: Home, wish: Wish) -> Job[FigureTable]:
    """The figures of a wish over the whole home; whoever asks is shown a part of them."""
    dated = replace(wish, on=wish.on or today(home))

    def work(tell: Tell) -> FigureTable:
        tell("读取病例，按切分计算指标")
        return figures_in_home(home, dated)

    return Job(("figures", dated), work)


def seen(found: FigureTable, asker: Identity, whose: Whose) -> FigureTable:
    """The part of a table that an identity sees: own rows, no money for who sees none, no mean of too few hospitals."""
    if not asker.role.sees_money:
        found = replace(
            found,
            measures=tuple(one for one in found.measures if not is_money(one)),
            figures=tuple(one for one in found.figures if not is_money(one.measure)),
        )
    pools = _pools(found) if whose.is_masked and found.compare in _POOLED else {}
    least = load_plan().limit("peers.smallest")
    own = [
        one
        for one in found.figures
        if whose.hospital in {None, one.place.get("institution_code")}
        and whose.dept in {None, one.place.get("dept"), one.names.get("dept")}
    ]
    few = {pool for pool, hospitals in pools.items() if len(hospitals) < least}
    kept = tuple(_without_others(one, least) if _pool(one) in few else one for one in own)
    return replace(found, figures=kept)


_POOLED = frozenset({REGION, PEERS, BEST})
_Pool = tuple[str, str, tuple[str, ...]]


def _pool(one: Figure) -> _Pool:
    """What a figure is compared with: the measure, the pool in words, the slices that it shares with it."""
    shared_by = tuple(code for name, code in one.place.items() if name not in PLACES or name == "dept")
    return one.measure.id, one.compared.label if one.compared else "", shared_by


def _pools(found: FigureTable) -> dict[_Pool, set[str]]:
    """The hospitals that have a figure in each pool: the mean of a few tells of one of them (S910-01)."""
    pools: dict[_Pool, set[str]] = {}
    for one in found.figures:
        if one.value is not None:
            pools.setdefault(_pool(one), set()).add(one.place.get("institution_code", ""))
    return pools


def _without_others(one: Figure, least: int) -> Figure:
    if one.compared is None:
        return one
    hidden = replace(
        one.compared,
        reference=None,
        change=Change(note=f"可比的机构不足 {least} 家，不列它们的均值"),
        reading=NONE,
        shrunk=None,
        first=0,
        last=0,
        ranked=0,
        funnel=None,
    )
    return replace(one, compared=hidden)


def as_page(found: FigureTable, asked: MeasuresAsked, asker: Identity) -> MeasureTable:
    """A page of a table, sorted by a measure where that is asked for."""
    slices = rows_by_slice(found)
    if asked.sort:
        slices.sort(key=lambda one: _order(one[1].get(asked.sort), descending=asked.descending))
    month = found.months[-1]
    links = "cases.read" in asker.permissions
    words = {one.column: word for word, one in SLICES.items()}
    rows = []
    for names, by_measure in slices[asked.offset : asked.offset + asked.limit]:
        place = dict(next(iter(by_measure.values())).place)
        rows.append(
            SliceRow(
                key=place,
                names=list(names),
                cells=[cell(by_measure[one.id]) for one in found.measures],
                cases=cases_page(place, month) if links else None,
            )
        )
    return MeasureTable(
        months=list(found.months),
        by=[SliceColumn(id=column, word=words[column], label=found.labels[column]) for column in found.by],
        compare=found.compare,
        measures=[meaning(one, found) for one in found.measures],
        rows=rows,
        total=len(slices),
        notes=header_lines(found),
        simulated=any(found.basis.simulated(one) for one in found.measures),
    )


def _order(one: Figure | None, *, descending: bool) -> tuple[bool, float]:
    """Slices without a figure stand last."""
    value = None if one is None else one.value
    return value is None, 0.0 if value is None else (-value if descending else value)


def cases_page(place: Mapping[str, str], month: str) -> str | None:
    """The page of the cases of a slice in a month; None for slices that the list of cases has no column of."""
    month = place.get("month", month)
    filters = [("f", f"{name}~is~{code}") for name, code in place.items() if name in CASE_COLUMNS and code]
    if any(name not in {*CASE_COLUMNS, "month"} for name in place):
        return None
    return f"/cases?{urlencode([*filters, ('month', month)])}"
