"""The catalogue of measures 指标目录: strict YAML in, frozen definitions out."""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Annotated, Literal, TypeVar

from pydantic import Field, StrictInt, StrictStr, ValidationError

from tongpin.base.errors import TongpinError
from tongpin.base.strict_yaml import Strict, load_strict_yaml

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

Unit = Literal["count", "fen", "weight_e4", "ratio", "index", "days", "weight", "yuan"]
"""Plain sums keep their integer unit (count, fen, weight_e4); quotients are ratio 0–1, index, days, weight or yuan."""
Direction = Literal["提高", "降低", "监测比较", "区间"]
Population = Literal["医保DRG", "医保全部", "全部出院"]
Anchor = Literal["国考编号", "高质量发展评价", "行业口径", "仅文档"]
Term = Annotated[StrictStr, Field(pattern=r"^-?[a-z][a-z0-9_]*$")]


Entry = TypeVar("Entry", bound=Strict)


class Limit(Strict):
    """A figure is left out, or flagged, where the sum `column` is below `below`."""

    column: StrictStr
    below: StrictInt
    note: StrictStr = ""


class Mirrors(Strict):
    """What the measure mirrors: the 医保 side, the 国考 number (null: none of the 56) and what anchors it."""

    insurance: StrictStr | None
    guokao: StrictInt | StrictStr | None
    anchor: Anchor


class Measure(Strict):
    """One measure: a sum of additive facts, or a quotient of two such sums, with form, population and basis.

    Terms name fact columns (`tongpin.measures.facts.FACTS`), a leading minus subtracts. Source: S000-01..04, S909-04.
    """

    id: Annotated[StrictStr, Field(pattern=r"^[a-z]+(\.[a-z0-9_]+)+$")]
    label: StrictStr
    form: StrictStr
    unit: Unit
    direction: Direction
    numerator: Annotated[tuple[Term, ...], Field(min_length=1)]
    denominator: tuple[Term, ...] = ()
    needs: tuple[StrictStr, ...] = ()
    null_when: tuple[Limit, ...] = ()
    flag_when: tuple[Limit, ...] = ()
    population: Population
    period: Literal["结算月", "出院月"]
    weight_edition: Literal["policy"] | None = None
    benchmark_period: Literal["fixed", "same_period"] | None = None
    mirrors: Mirrors | None = None
    reference: StrictStr
    assumed: bool = False

    @property
    def facts(self) -> tuple[str, ...]:
        """The fact columns the measure adds up or checks."""
        terms = [term.removeprefix("-") for term in (*self.numerator, *self.denominator)]
        return tuple(dict.fromkeys([*terms, *(limit.column for limit in (*self.null_when, *self.flag_when))]))


class Definition(Strict):
    """A limit that the facts rest on, such as the stay that leaves a case out of the grouping rate.

    `fen`, `weight_e4` and `points_e4` (百分点) hold scaled integers, the other units whole numbers.
    """

    id: StrictStr
    label: StrictStr
    unit: Literal["days", "fen", "count", "weight_e4", "points_e4", "level", "code", "months"]
    value: StrictInt
    reference: StrictStr
    assumed: bool


def read_catalogue(path: Traversable, key: str, model: type[Entry]) -> tuple[Entry, ...]:
    """The list under `key` of a catalogue file, each entry validated.

    Errors: `catalogue.missing | encoding | yaml` (no YAML, a key twice), `catalogue.shape` (unknown or missing key,
    wrong value).
    """
    data = load_strict_yaml(path, "catalogue")
    if set(data) != {key} or not isinstance(data[key], list):
        raise TongpinError(
            "catalogue.shape", f"目录文件只能有一个键“{key}”，其下是列表", where=path.name, hint="核对文件开头"
        )
    entries: list[Entry] = []
    for number, entry in enumerate(data[key], start=1):
        try:
            entries.append(model.model_validate(entry))
        except ValidationError as error:
            name = entry.get("id", "") if isinstance(entry, dict) else ""
            first = error.errors()[0]
            place = ".".join(str(part) for part in first["loc"])
            raise TongpinError(
                "catalogue.shape",
                f"第 {number} 项 {name} 的 {place}：{first['msg']}",
                where=path.name,
                hint="只用规定的键和取值",
            ) from error
    return tuple(entries)


def catalogue_folder(name: str) -> Traversable:
    """A folder of the catalogue inside the package (`measures`, `twin`)."""
    return resources.files("tongpin") / "catalogue" / name


@cache
def load_measures() -> dict[str, Measure]:
    """All measures by id, in the order of the files; an id used twice is refused (`catalogue.twice`)."""
    measures: dict[str, Measure] = {}
    for file in ("settlement.yaml", "discharge.yaml"):
        for measure in read_catalogue(catalogue_folder("measures") / file, "measures", Measure):
            if measure.id in measures:
                raise TongpinError("catalogue.twice", f"指标 {measure.id} 出现两次", where=file, hint="改其中一个的 id")
            measures[measure.id] = measure
    return measures


@cache
def load_definitions() -> dict[str, Definition]:
    """The definitions that the facts rest on, by id."""
    path = catalogue_folder("measures") / "definitions.yaml"
    return {entry.id: entry for entry in read_catalogue(path, "definitions", Definition)}
