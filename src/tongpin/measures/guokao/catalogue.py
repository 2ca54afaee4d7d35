"""The sets 指标集: indicators, the items they are made of, checks and manuals as strict data."""

from __future__ import annotations

from decimal import Decimal  # noqa: TC003 - Pydantic reads it
from functools import cache
from typing import TYPE_CHECKING, Annotated, Literal, TypeVar

from pydantic import Field, StrictBool, StrictInt, StrictStr

from tongpin.base.errors import TongpinError
from tongpin.base.strict_yaml import Strict
from tongpin.measures.catalogue import catalogue_folder, read_catalogue

if TYPE_CHECKING:
    from collections.abc import Iterable

FOLDER = "guokao"
TERTIARY, SECONDARY, STRUCTURE, FUTURE = "tertiary", "secondary", "structure", "future"
SETS = (TERTIARY, SECONDARY, STRUCTURE, FUTURE)
SET_LABELS = {TERTIARY: "三级", SECONDARY: "二级", STRUCTURE: "收入结构", FUTURE: "展望"}

Direction = Literal["逐步提高", "逐步降低", "监测比较", "逐步完善"]
BETTER_HIGH, BETTER_LOW, COMPARED = "逐步提高", "逐步降低", "监测比较"
Kind = Literal["records", "imported", "both", "qualitative", "vector"]
KIND_LABELS: dict[str, str] = {
    "records": "由记录算得",
    "imported": "填报",
    "both": "记录与填报",
    "qualitative": "定性",
    "vector": "多项",
}
Rule = Literal["ratio", "sum", "growth", "filed"]
"""How a part is made: a quotient of sums, a sum, the growth of either over the last year, or the figure as filed."""
Term = Annotated[StrictStr, Field(pattern=r"^-?[a-z][a-z0-9_.]*$")]
FILED_PREFIX = "guokao."
"""The item code of a filed indicator value: `guokao.24`, `guokao.45.1`."""
SINGLE_DISEASES = "10"
"""The indicator whose parts are made of the list of single diseases."""


class Part(Strict):
    """One figure of an indicator: `sub` numbers it (`45.1`; the indicator's own number where there is but one)."""

    sub: StrictStr
    rule: Rule
    label: StrictStr = ""
    unit: StrictStr = ""
    numerator: tuple[Term, ...] = ()
    denominator: tuple[Term, ...] = ()
    times: StrictInt = 1
    per_day: StrictBool = False

    @property
    def items(self) -> tuple[str, ...]:
        """The items that the part adds up."""
        return tuple(dict.fromkeys(term.removeprefix("-") for term in (*self.numerator, *self.denominator)))


class Indicator(Strict):
    """An indicator of the assessment; `same_as` names the tertiary indicator whose formula it shares (S909-03)."""

    number: StrictStr
    name: StrictStr
    category: StrictStr
    formula: StrictStr = ""
    unit: StrictStr
    direction: Direction
    monitored: StrictBool
    kind: Kind = "imported"
    data_source: StrictStr = ""
    note: StrictStr = ""
    same_as: StrictStr = ""
    reference: StrictStr
    assumed: StrictBool
    parts: tuple[Part, ...] = ()


class Item(Strict):
    """A figure that indicators are made of; `records` says where records give it, `kind` whether months add up."""

    id: StrictStr
    label: StrictStr
    unit: StrictStr
    kind: Literal["flow", "stock"]
    records: StrictStr = ""


class Check(Strict):
    """An integrity check: the sums of two lists of items, one at most the other, or near it."""

    id: StrictStr
    label: StrictStr
    relation: Literal["at_most", "near"]
    left: tuple[Term, ...]
    right: tuple[Term, ...]
    tolerance: StrictStr = ""


class Setting(Strict):
    """A limit of checks, scores and ranks."""

    id: StrictStr
    label: StrictStr
    unit: StrictStr
    value: Decimal
    reference: StrictStr
    assumed: StrictBool


class Manual(Strict):
    """What a word of the institution register leads to: a set of indicators, or why there is none."""

    manual: StrictStr
    label: StrictStr
    indicators: StrictStr = ""
    reason: StrictStr = ""


class Disease(Strict):
    """A single disease: cases whose principal diagnosis begins with one of the codes."""

    id: StrictStr
    label: StrictStr
    dx: tuple[StrictStr, ...]
    assumed: StrictBool


class Codes(Strict):
    """Values of a front-page column that mean something to an item."""

    id: StrictStr
    label: StrictStr
    values: tuple[StrictStr, ...]
    reference: StrictStr
    assumed: StrictBool


class Investment(Strict):
    """What a surplus may be put into for an indicator, and which department makes the plan (S000-35)."""

    number: StrictStr
    text: StrictStr
    department: StrictStr


Entry = TypeVar("Entry", bound=Strict)


def _read(file: str, key: str, model: type[Entry]) -> tuple[Entry, ...]:
    return read_catalogue(catalogue_folder(FOLDER) / file, key, model)


@cache
def load_set(name: str) -> dict[str, Indicator]:
    """The indicators of a set (`tertiary`, `secondary`, `structure`, `future`) by number, shared formulas filled in.

    Errors: `catalogue.twice` (a number or part twice), `guokao.item` (a term that no item has), `guokao.set`.
    """
    if name not in SETS:
        raise TongpinError("guokao.set", f"没有指标集 {name}", hint=f"可用：{'、'.join(SETS)}")
    found: dict[str, Indicator] = {}
    for one in _read(f"{name}.yaml", "indicators", Indicator):
        whole = _shared(one) if one.same_as else one
        if not whole.parts and whole.number == SINGLE_DISEASES and whole.kind == "vector":
            whole = whole.model_copy(update={"parts": tuple(_disease_parts(whole.number))})
        if whole.number in found:
            raise TongpinError("catalogue.twice", f"指标 {whole.number} 出现两次", where=name, hint="改其中一个的编号")
        found[whole.number] = whole
    _check_terms(name, found.values())
    return found


def _shared(one: Indicator) -> Indicator:
    other = load_set(TERTIARY).get(one.same_as)
    if other is None:
        raise TongpinError("guokao.set", f"{one.number} 指向三级 {one.same_as}，没有这个指标", hint="改 same_as")
    parts = tuple(
        part.model_copy(update={"sub": one.number + part.sub.removeprefix(other.number)}) for part in other.parts
    )
    kept = {name: getattr(other, name) for name in ("formula", "kind", "data_source", "note")}
    return one.model_copy(update={**kept, "parts": parts})


def _disease_parts(number: str) -> Iterable[Part]:
    for place, one in enumerate(load_diseases().values(), start=1):
        head, cases = f"{number}.{place}", f"disease.{one.id}.case_count"
        yield Part(sub=f"{head}.1", rule="sum", label=f"{one.label}：例数", unit="例", numerator=(cases,))
        for order, (name, label, unit, times) in enumerate(
            (
                ("stay_days", "平均住院日", "天", 1),
                ("total_fee_fen", "次均费用", "元", 1),
                ("death_count", "病死率", "%", 100),
            ),
            start=2,
        ):
            yield Part(
                sub=f"{head}.{order}",
                rule="ratio",
                label=f"{one.label}：{label}",
                unit=unit,
                numerator=(f"disease.{one.id}.{name}",),
                times=times,
                denominator=(cases,),
            )


def _check_terms(name: str, indicators: Iterable[Indicator]) -> None:
    subs: set[str] = set()
    for one in indicators:
        for part in one.parts:
            unknown = [item for item in part.items if item not in load_items()]
            if unknown or (part.rule == "filed") == bool(part.numerator):
                raise TongpinError(
                    "guokao.item",
                    f"{part.sub} 的数据项不对：{'、'.join(unknown) or part.rule}",
                    where=name,
                    hint="改 parts",
                )
            if part.sub in subs:
                raise TongpinError("catalogue.twice", f"分项 {part.sub} 出现两次", where=name, hint="改其中一个的编号")
            subs.add(part.sub)


@cache
def load_items() -> dict[str, Item]:
    """Every item by id: those of `items.yaml`, and four of each single disease."""
    found = {one.id: one for one in _read("items.yaml", "items", Item)}
    words = {"case_count": ("例数", "例"), "stay_days": ("住院天数", "床日"), "total_fee_fen": ("医药费用", "元")}
    words["death_count"] = ("死亡例数", "例")
    for one in load_diseases().values():
        for name, (label, unit) in words.items():
            key = f"disease.{one.id}.{name}"
            found[key] = Item(id=key, label=f"{one.label}{label}", unit=unit, kind="flow", records=f"pages:{key}")
    return found


@cache
def load_checks() -> tuple[Check, ...]:
    """The integrity checks in their order."""
    return _read("checks.yaml", "checks", Check)


@cache
def load_manuals() -> dict[str, Manual]:
    """What each word of the institution register leads to (S909-03)."""
    return {one.manual: one for one in _read("manuals.yaml", "manuals", Manual)}


@cache
def load_diseases() -> dict[str, Disease]:
    """The single diseases by id, in their order."""
    return {one.id: one for one in _read("diseases.yaml", "diseases", Disease)}


@cache
def load_codes() -> dict[str, Codes]:
    """Values of front-page columns that items are told by."""
    return {one.id: one for one in _read("codes.yaml", "codes", Codes)}


@cache
def load_investments() -> dict[str, Investment]:
    """What a surplus may be put into, by tertiary number or `二级:number`."""
    return {one.number: one for one in _read("proposals.yaml", "proposals", Investment)}


@cache
def load_settings() -> dict[str, Setting]:
    """The limits of checks, scores and ranks by id."""
    return {one.id: one for one in _read("settings.yaml", "settings", Setting)}


def setting(name: str) -> Decimal:
    """The value of one limit."""
    return load_settings()[name].value


def investment_of(set_name: str, one: Indicator) -> Investment | None:
    """What a surplus may be put into for an indicator of a set; none where nothing is listed."""
    known = load_investments()
    if set_name == TERTIARY:
        return known.get(one.number)
    return known.get(one.same_as) or known.get(f"{SET_LABELS[set_name]}:{one.number}")
