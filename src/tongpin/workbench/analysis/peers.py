"""Peers 同级: a measure of the hospitals of a level; others under code names, without their size (S910-01)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import BaseModel

from tongpin.measures.compare import PEERS
from tongpin.measures.evaluation.classes import register_at
from tongpin.measures.papers import header_lines
from tongpin.measures.ranks import SIGNS, least_cases
from tongpin.records.intake.load import INSTITUTIONS, read_loaded
from tongpin.twin.publication.catalogue import load_plan
from tongpin.twin.publication.directed import code_names
from tongpin.workbench.analysis.measure_shapes import FigureCell, Meaning, cell, meaning

if TYPE_CHECKING:
    from tongpin.measures.figures import FigureTable
    from tongpin.store.home import Home


class PeerLine(BaseModel):
    """A hospital of the level: its figure; of others under a code name, neither cases nor interval."""

    name: str
    is_own: bool
    figure: FigureCell


class PeerSheet(BaseModel):
    """The hospitals of a level by one measure, the best first where it has a better side.

    `withheld` says why others are not listed. `own` is one's own figure beside the mean of the level.
    """

    measure: Meaning
    level: str
    peers: int
    own: FigureCell | None
    lines: list[PeerLine]
    withheld: str
    notes: list[str]


def peer_sheet(home: Home, found: FigureTable, hospital: str | None, *, is_masked: bool) -> PeerSheet:
    """The peers of a hospital (all hospitals where none is named and names may be seen) from a table by hospital.

    `found` holds one measure of every hospital beside its level; it is cut to what may be seen here.
    """
    measure, month = found.measures[0], found.months[-1]
    register = register_at(read_loaded(home, INSTITUTIONS), month)
    levels = {code: row["settlement_level"] or "" for code, row in register.items()}
    level = "" if hospital is None else levels.get(hospital, "")
    codes = [code for code, one in levels.items() if hospital is None or one == level]
    figures = {one.place["institution_code"]: one for one in found.figures}
    least = load_plan().limit("peers.smallest")
    withheld = ""
    if is_masked and len(codes) < least:
        withheld = f"同级不足 {least} 家，不列其他机构与同级均值"
    elif is_masked and measure.limits:
        withheld = "稀少事件只看本机构与精确界，不列其他机构"
    own = figures.get(hospital or "")
    names = dict.fromkeys(codes, "")
    if is_masked:
        others = [code for code in codes if code != hospital]
        names = code_names(others, home.patient_key(), f"{month}\x1f{measure.id}\x1f{PEERS}")
    lines = []
    for code in codes:
        one = figures.get(code)
        if one is None or one.value is None:
            continue
        if not is_masked:
            lines.append(PeerLine(name=one.names["institution_code"], is_own=code == hospital, figure=cell(one)))
        elif code == hospital:
            lines.append(PeerLine(name="本机构", is_own=True, figure=cell(one)))
        elif not withheld and one.count >= least_cases():
            bare = FigureCell(
                measure=measure.id, value=cell(one).value, low=None, high=None, count=0, note="", compared=None
            )
            lines.append(PeerLine(name=names[code], is_own=False, figure=bare))
    sign = SIGNS.get(measure.direction, 1)
    lines.sort(key=lambda line: (-(line.figure.value or 0.0) * sign, line.name))
    shown = None if own is None else cell(own)
    if shown is not None and shown.compared is not None and is_masked and len(codes) < least:
        shown = shown.model_copy(update={"compared": None})
    return PeerSheet(
        measure=meaning(measure, found),
        level=level,
        peers=len(codes),
        own=shown,
        lines=[_own_without_rank(line) if withheld else line for line in lines],
        withheld=withheld,
        notes=header_lines(found),
    )


def _own_without_rank(line: PeerLine) -> PeerLine:
    """One's own line where others are withheld: without what the comparison with them says."""
    if line.figure.compared is None or line.figure.compared.limits is not None:
        return line
    return line.model_copy(update={"figure": line.figure.model_copy(update={"compared": None})})
