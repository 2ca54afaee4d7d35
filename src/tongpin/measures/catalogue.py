"""The catalogue of measures 指标目录: strict YAML in, frozen definitions out."""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Annotated, Literal, TypeVar

from pydantic import Field, StrictInt, StrictStr, ValidationError

from tongpin.base.errors import TongpinError
from tongpin.base.strict_yaml import Strict, load_strict_yaml

if TYPE_CHECKING:
    from collections.abc import Iterable
    from importlib.resources.abc import Traversable
    from pathlib import Path

_OTHERS = ("definitions.yaml", "evaluation.yaml", "items.yaml", "on_demand.yaml", "peers.yaml", "sets.yaml")
"""Files of the catalogue of measures that hold no measures."""

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

    Terms name fact columns (`tongpin.measures.facts`), a leading minus subtracts. `limits: exact` is a rate of rare
    events: it is judged by exact limits only, never by its rank. `interval: counts` is a rate of counts that no table
    of cases holds: its interval comes from the counts. Source: S000-01..04, S909-04.
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
    limits: Literal["exact"] | None = None
    interval: Literal["counts"] | None = None
    mirrors: Mirrors | None = None
    reference: StrictStr
    assumed: bool = False

    @property
    def facts(self) -> tuple[str, ...]:
        """The fact columns the measure adds up or checks."""
        terms = [term.removeprefix("-") for term in (*self.numerator, *self.denominator)]
        return tuple(dict.fromkeys([*terms, *(limit.column for limit in (*self.null_when, *self.flag_when))]))


_PRICED_FACTS = frozenset(
    {
        *("gross_fen", "standard_fen", "pool_payable_fen", "result_fen", "high_count", "low_count"),
        *("insurer_payable_fen", "statement_payable_fen", "costed_standard_fen", "list_on_time_count"),
    },
)


def rests_on_assumed(measure: Measure, *, weights: bool, prices: bool) -> bool:
    """Whether a figure rests on something that no document confirms and has to say 模拟.

    `weights`, `prices`: whether the weight table, or a value of the policy edition, is assumed.
    """
    return (
        measure.assumed
        or (measure.weight_edition is not None and weights)
        or (bool(set(measure.facts) & _PRICED_FACTS) and prices)
        or (measure.benchmark_period is not None and load_definitions()["benchmark.minimum_cases"].assumed)
    )


class Definition(Strict):
    """A limit that the facts rest on, such as the stay that leaves a case out of the grouping rate.

    `fen`, `weight_e4`, `points_e4` (百分点) and `ratio_e4` (倍、比例) hold scaled integers, the others whole numbers.
    """

    id: StrictStr
    label: StrictStr
    unit: Literal["days", "fen", "count", "weight_e4", "points_e4", "ratio_e4", "level", "code", "months"]
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
    """All measures of the package by id, in the order of the files; an id used twice is refused (`catalogue.twice`).

    Every file of the folder that is not one of `_OTHERS` holds measures: a new indicator is one more file (S000-41).
    """
    folder = catalogue_folder("measures")
    files = sorted(file.name for file in folder.iterdir() if file.name.endswith(".yaml") and file.name not in _OTHERS)
    return _by_id([(name, read_catalogue(folder / name, "measures", Measure)) for name in files])


def measures_of(folder: Path) -> dict[str, Measure]:
    """The measures of the package and those of a home's own files in `folder` (`*.yaml`), by id."""
    own = [(path.name, read_catalogue(path, "measures", Measure)) for path in sorted(folder.glob("*.yaml"))]
    return _by_id([("catalogue/measures", tuple(load_measures().values())), *own])


def _by_id(files: Iterable[tuple[str, Iterable[Measure]]]) -> dict[str, Measure]:
    measures: dict[str, Measure] = {}
    for file, entries in files:
        for measure in entries:
            if measure.id in measures:
                raise TongpinError("catalogue.twice", f"指标 {measure.id} 出现两次", where=file, hint="改其中一个的 id")
            measures[measure.id] = measure
    return measures


@cache
def load_definitions() -> dict[str, Definition]:
    """The definitions that the facts rest on, by id."""
    path = catalogue_folder("measures") / "definitions.yaml"
    return {entry.id: entry for entry in read_catalogue(path, "definitions", Definition)}
