"""Figures 双看板的指标: a measure of a place as a card, with its definition, its change, and the cases it leads to."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING

from tongpin.base.money import FEN_PER_YUAN, SCALE
from tongpin.measures.catalogue import Measure
from tongpin.measures.ranks import BETTER, WORSE
from tongpin.measures.table import known_measures
from tongpin.report.words import (
    MISSING,
    count_text,
    month_text,
    number_text,
    percent_text,
    points_text,
    wan_text,
    yuan_text,
)
from tongpin.twin.catalogue import anchor_text, load_pairs
from tongpin.workbench.cockpit.catalogue import (
    CASES,
    DISCHARGES,
    NEEDS,
    PATHS,
    Drill,
    cockpit_data,
)
from tongpin.workbench.cockpit.shapes import (
    CockpitFigure,
    CoreChoice,
    FigureDefinition,
    PairShown,
    PairSide,
    Reading,
    TwoDesks,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from tongpin.measures.figures import AnyMeasure, Comparison, Figure, FigureBasis, FigureTable
    from tongpin.twin.catalogue import Side
    from tongpin.workbench.cockpit.sight import Month, Place

ASSESSMENT = "全部出院"
"""The population of the assessment desk; all else is settlement."""
SIDES = {True: "绩效考核", False: "医保结算"}
_COMPARED = {"yoy": "较上年同月", "mom": "较上月"}
_READINGS: dict[str, Reading] = {BETTER: "better", WORSE: "worse"}
_DIGITS = {"days": 2, "weight": 4, "index": 3}
_WORDS = {"count": "例", "days": "天", "weight": "", "index": "", "weight_e4": ""}
OF_GROUPS = {"groups": "组", "specialties": "个", "missing_specialties": "个"}


def is_money(one: AnyMeasure) -> bool:
    """Whether only those who see money see a measure: amounts, and what the settlement makes of them."""
    if one.unit in {"fen", "yuan"}:
        return True
    return one.population != ASSESSMENT and one.id not in cockpit_data().without_money


def wanted_measures(month: Month, names: Iterable[str], *, sees_money: bool) -> list[str]:
    """Those of the measures that the home knows and the role sees."""
    known = month.once("known", lambda: known_measures(month.home))
    return [name for name in dict.fromkeys(names) if name in known and (sees_money or not is_money(known[name]))]


def every_measure(month: Month, place: Place) -> list[str]:
    """All measures that the cockpit of a place can show: counted in one pass, whoever looks."""
    data = cockpit_data()
    of_reach = next(one.measures for one in data.cards if one.reach == place.reach)
    of_pairs = [
        name for pair in load_pairs() for side in (pair.insurance, pair.assessment) for name in side.shown(costed=True)
    ]
    of_core = data.core.measures if place.reach != "region" else ()
    return wanted_measures(month, [*of_reach, *of_pairs, *of_core], sees_money=True)


def cards(
    month: Month, place: Place, names: Iterable[str], *, sees_money: bool, may: frozenset[str]
) -> tuple[list[CockpitFigure], tuple[str, ...]]:
    """The measures of a place as cards in their order, and the notes of their table.

    A place without a case has cards without a value. `may`: the permissions, without which no list is linked.
    """
    chosen = wanted_measures(month, names, sees_money=sees_money)
    if not chosen:
        return [], ()
    tables = month.figures(place, every_measure(month, place))
    found: dict[str, CockpitFigure] = {}
    for table in tables:
        row = _of_place(table.figures, place)
        for one in table.measures:
            figure = row.get(one.id)
            compared = None if figure is None else figure.compared
            # A sum over a month that nobody loaded is zero, and no reference.
            if compared is not None and (compared.change.difference is None or not compared.reference_count):
                compared = None
            if one.id not in found or (compared is not None and not found[one.id].change_text):
                found[one.id] = _card(table, figure, one, compared, may)
    return [found[name] for name in chosen], tables[0].notes


def _of_place(figures: Iterable[Figure], place: Place) -> dict[str, Figure]:
    """The figures of the place alone: whoever stands beside it in the table is not handed on."""
    return {one.measure.id: one for one in figures if dict(one.place) == place.key}


def _card(
    table: FigureTable, figure: Figure | None, one: AnyMeasure, compared: Comparison | None, may: frozenset[str]
) -> CockpitFigure:
    value = None if figure is None else figure.value
    return CockpitFigure(
        id=one.id,
        label=one.label,
        value=shown_value(one, value),
        unit=unit_of(one),
        text=text_of(one, value),
        change=None if compared is None else shown_value(one, compared.change.difference),
        change_text="" if compared is None else _change_text(one, compared),
        reading="none" if compared is None else _READINGS.get(compared.reading, "none"),
        note="没有病例" if figure is None else "；".join(_notes(one, figure)),
        definition=definition_of(table.basis, table.months, one),
        anchor=anchor_text(one) if isinstance(one, Measure) else "",
        href=drill_of(one, may) if value is not None else None,
    )


def definition_of(basis: FigureBasis, months: tuple[str, ...], one: AnyMeasure) -> FigureDefinition:
    """What a figure is, as it stands one click away."""
    return FigureDefinition(
        form=one.form,
        population=basis.population_of(one),
        period=f"按{one.period}，{'、'.join(month_text(month) for month in months)}",
        weight_edition=basis.edition_of(one),
        benchmark=basis.benchmark_of(one, months),
        reference=one.reference,
        simulated=basis.simulated(one),
    )


def fen_of(yuan: float) -> int:
    """Yuan of a quotient as whole fen, halves away from zero."""
    return int(Decimal(repr(yuan * FEN_PER_YUAN)).quantize(Decimal(1), ROUND_HALF_UP))


def shown_value(one: AnyMeasure, value: float | None) -> float | None:
    """The value as pages compute with it: fen for money, weights as they are read."""
    if value is None:
        return None
    if one.unit == "yuan":
        return fen_of(value)
    return value / SCALE if one.unit == "weight_e4" else value


def unit_of(one: AnyMeasure) -> str:
    """The unit of a card: 元 of a case, 万元 of a month, else that of the measure (S900-11)."""
    if one.unit in {"fen", "yuan"}:
        return "万元" if one.unit == "fen" else "元"
    return "%" if one.unit == "ratio" else OF_GROUPS.get(one.id, _WORDS[one.unit])


def text_of(one: AnyMeasure, value: float | None) -> str:
    """A value with its unit as people write it; a dash where it cannot be formed."""
    if value is None:
        return MISSING
    match one.unit:
        case "fen":
            number = wan_text(int(value))
        case "yuan":
            number = yuan_text(fen_of(value))
        case "ratio":
            return percent_text(value).replace("%", "\u00a0%")
        case "count":
            number = count_text(int(value))
        case "weight_e4":
            number = number_text(value / SCALE, 2)
        case "days" | "weight" | "index":
            number = number_text(value, _DIGITS[one.unit])
    unit = unit_of(one)
    return f"{number}\u00a0{unit}" if unit else number


def _change_text(one: AnyMeasure, compared: Comparison) -> str:
    """The change against its reference; differences of rates are 百分点, what the edition did of it is said."""
    shift = compared.change
    assert shift.difference is not None
    parts = [f"{_COMPARED[compared.kind]} {_difference(one, shift.difference)}"]
    if shift.growth is not None and one.unit != "ratio":
        parts.append(f"（{_signed(percent_text(shift.growth))}）")
    if shift.edition_effect:
        parts.append(f"，其中版本影响 {_difference(one, shift.edition_effect)}")
    return "".join(parts)


def _difference(one: AnyMeasure, difference: float) -> str:
    if one.unit == "ratio":
        return f"{points_text(difference)} 个百分点"
    return _signed(text_of(one, difference))


def _signed(text: str) -> str:
    return text if text.startswith(("\u2212", "+")) else f"+{text}"


def _notes(one: AnyMeasure, figure: Figure) -> list[str]:
    """What stands below a card: its cases, how sure it is, why it is missing."""
    notes = [figure.note] if figure.note else []
    if figure.value is None:
        return notes
    if one.unit not in {"count", "fen", "weight_e4"} and figure.count:
        notes.append(f"{count_text(figure.count)} 例")
    if figure.low is not None and figure.high is not None:
        notes.append(f"95% 区间 {_bare(one, figure.low)}～{_bare(one, figure.high)}")
    return notes


def _bare(one: AnyMeasure, value: float) -> str:
    """A bound of an interval without its unit, but a percentage keeps its sign."""
    return text_of(one, value).replace("\u00a0%", "%").split("\u00a0")[0]


def drill_of(one: AnyMeasure, may: frozenset[str]) -> str | None:
    """The list of the cases behind a measure, as the address of its view; none where the role may not read it."""
    known = next((drill for drill in cockpit_data().drills if drill.measure == one.id), None)
    if known is None:
        known = Drill(
            measure=one.id,
            list=DISCHARGES if one.population == ASSESSMENT else CASES,  # type: ignore[arg-type]
            filters=("scope_label~is~按病组",) if one.population == "医保DRG" else (),
        )
    if NEEDS[known.list] not in may:
        return None
    return linked(PATHS[known.list], known.filters, known.sort)


def linked(path: str, filters: Sequence[str] = (), sort: str = "") -> str:
    """The address of a list's view."""
    query = [f"f={one}" for one in filters] + ([f"s={sort}"] if sort else [])
    return path + (f"?{'&'.join(query)}" if query else "")


def two_desks(month: Month, place: Place, *, sees_money: bool, may: frozenset[str]) -> TwoDesks:
    """The cards of a place, those of the settlement desk beside those of the assessment desk."""
    names = next(one.measures for one in cockpit_data().cards if one.reach == place.reach)
    found, notes = cards(month, place, names, sees_money=sees_money, may=may)
    sides: dict[bool, list[CockpitFigure]] = {True: [], False: []}
    for one in found:
        sides[one.definition.population.startswith(ASSESSMENT)].append(one)
    return TwoDesks(settlement=sides[False], assessment=sides[True], notes=list(notes))


def pairs(month: Month, place: Place, *, sees_money: bool, may: frozenset[str]) -> list[PairShown]:
    """The four mirror pairs of a place; what a role does not see is said to be hidden, not left out. S000-01..04."""
    every = load_pairs()
    costed = place.reach == "hospital" and month.has_cost and sees_money
    sides = {one.id: (one.insurance.shown(costed=costed), one.assessment.measures) for one in every}
    names = [name for pair in sides.values() for side in pair for name in side]
    found = {one.id: one for one in cards(month, place, names, sees_money=sees_money, may=may)[0]}
    return [
        PairShown(
            id=one.id,
            label=one.label,
            settlement=_side(one.insurance, sides[one.id][0], found),
            assessment=_side(one.assessment, sides[one.id][1], found),
            logic=one.logic,
            reference=one.reference,
        )
        for one in every
    ]


def _side(side: Side, names: Sequence[str], found: Mapping[str, CockpitFigure]) -> PairSide:
    shown = [found[name] for name in names if name in found]
    return PairSide(label=side.label, figures=shown, hidden=not shown)


def core_choices(month: Month, *, sees_money: bool) -> list[CoreChoice]:
    """The indicators that the role may choose from."""
    known = month.once("known", lambda: known_measures(month.home))
    names = wanted_measures(month, cockpit_data().core.measures, sees_money=sees_money)
    return [
        CoreChoice(
            id=name,
            label=known[name].label,
            side=SIDES[known[name].population == ASSESSMENT],
            unit=unit_of(known[name]),
        )
        for name in names
    ]
