"""The twin's own data 镜像映射、红线、参数: strict YAML in, frozen values out."""

from __future__ import annotations

from functools import cache
from typing import Literal

from tongpin.base.errors import TongpinError
from tongpin.base.money import SCALE
from tongpin.base.strict_yaml import Strict
from tongpin.measures.catalogue import (
    Definition,
    Measure,
    catalogue_folder,
    load_measures,
    read_catalogue,
)


class Side(Strict):
    """One side of a pair: its heading, the measures that show it, and those that join where cost was imported."""

    label: str
    measures: tuple[str, ...]
    costed: tuple[str, ...] = ()

    def shown(self, *, costed: bool) -> tuple[str, ...]:
        """The measures of the side, those of cost among them only where a hospital imported it (S906-01)."""
        return (*self.measures, *self.costed) if costed else self.measures


class Pair(Strict):
    """A mirror pair: the 医保结算 side, the 绩效考核 side and what ties them. Source: S000-01..04."""

    id: str
    label: str
    insurance: Side
    assessment: Side
    logic: str
    reference: str


class RedLine(Strict):
    """A limit of the documents, in ten-thousandths, on a measure at one level; a warning, never a deduction."""

    id: str
    label: str
    level: Literal["医院", "病组"]
    measure: str
    limit_e4: int
    reference: str
    basis: str
    note: str
    assumed: bool

    @property
    def limit_text(self) -> str:
        """The limit as people write it: `25%`, `110%`."""
        return f"{self.limit_e4 * 100 / SCALE:g}%"


class Direction(Strict):
    """A direction in which more cases of a group move CMI and the result, as the tables of mix name it."""

    id: str
    label: str
    cmi: Literal["up", "down"]
    result: Literal["up", "down"]
    note: str


@cache
def load_directions() -> tuple[Direction, ...]:
    """The four directions of a change of mix, in the order of the tables. Source: S000-01."""
    return read_catalogue(catalogue_folder("twin") / "mix.yaml", "directions", Direction)


@cache
def load_pairs() -> tuple[Pair, ...]:
    """The four mirror pairs; a measure the catalogue does not know is refused (`twin.measure`)."""
    pairs = read_catalogue(catalogue_folder("twin") / "mirror.yaml", "pairs", Pair)
    for pair in pairs:
        for side in (pair.insurance, pair.assessment):
            for measure_id in side.shown(costed=True):
                measure(measure_id)
    return pairs


@cache
def load_red_lines() -> tuple[RedLine, ...]:
    """The red lines, that of cost last; a measure the catalogue does not know is refused (`twin.measure`)."""
    folder = catalogue_folder("twin")
    files = [read_catalogue(folder / name, "red_lines", RedLine) for name in ("red_lines.yaml", "cost.yaml")]
    lines = tuple(line for file in files for line in file)
    for line in lines:
        measure(line.measure)
    return lines


@cache
def load_settings() -> dict[str, Definition]:
    """The comparison parameters of the joint report, by id."""
    path = catalogue_folder("twin") / "settings.yaml"
    return {entry.id: entry for entry in read_catalogue(path, "settings", Definition)}


def setting(setting_id: str) -> int:
    """The value of one comparison parameter."""
    return load_settings()[setting_id].value


def measure(measure_id: str) -> Measure:
    """The measure of the catalogue; unknown ids are refused (`twin.measure`)."""
    try:
        return load_measures()[measure_id]
    except KeyError as error:
        raise TongpinError(
            "twin.measure",
            f"指标目录中没有 {measure_id}",
            where="catalogue/twin",
            hint="改用 catalogue/measures 中已有的指标",
        ) from error


def anchor_text(chosen: Measure) -> str:
    """What anchors a measure, as printed beside it: `国考 14`, `行业口径` …; never a number it does not have."""
    if chosen.mirrors is None:
        return ""
    if chosen.mirrors.guokao is not None:
        return f"国考 {chosen.mirrors.guokao}"
    return chosen.mirrors.anchor
