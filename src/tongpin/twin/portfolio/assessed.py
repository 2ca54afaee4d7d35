"""国考 figures of a hospital's sums: the indicators that moves of cases change, and what all of them score (模拟).

An indicator is formed of front pages, or of filed items that follow the cases as `portfolio.yaml` says; every other
indicator of the manual keeps its value. Scores are those of `measures/guokao/score.py` against imported peers.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

import pyarrow as pa

from tongpin.base.money import FEN_PER_YUAN
from tongpin.measures.guokao.catalogue import load_items, load_manuals, load_set
from tongpin.measures.guokao.compute import VALUE_SCHEMA
from tongpin.measures.guokao.score import PEER_SCHEMA, PERCENTILE, score
from tongpin.twin.portfolio.catalogue import load_portfolio
from tongpin.twin.portfolio.stays import PAGE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tongpin.measures.guokao.catalogue import Indicator, Part
    from tongpin.measures.guokao.tables import ScoreTables

_PAGES = "pages:"
_FEN = "_fen"
_DECIMALS = 6
"""Points are told to so many decimals, so that equal scores are equal."""


@dataclass(frozen=True)
class Assessed:
    """What the assessment of a hospital in a period rests on.

    `manual` of the register; `year` of the period; `last_year` sums of its front pages a year before (`page.…`),
    without which growths are empty; `filed` items of the period that follow the cases; `values` of the year
    (`VALUE_SCHEMA`) with `peers` (`PEER_SCHEMA`), their year and `tables`: without them there are values but no score;
    `method` of the scores.
    """

    manual: str = ""
    year: int = 0
    last_year: Mapping[str, int] | None = None
    filed: Mapping[str, Fraction] = field(default_factory=dict)
    values: pa.Table = field(default_factory=VALUE_SCHEMA.empty_table)
    peers: pa.Table = field(default_factory=PEER_SCHEMA.empty_table)
    peers_year: int | None = None
    tables: ScoreTables | None = None
    method: str = PERCENTILE

    @property
    def set_name(self) -> str:
        """The set of indicators of the manual, empty where it has none."""
        held = load_manuals().get(self.manual)
        return held.indicators if held is not None else ""

    @property
    def moved_parts(self) -> list[tuple[Indicator, Part]]:
        """The figures that moves of cases change, in the order of their numbers."""
        if not self.set_name:
            return []
        wanted = load_portfolio().guokao.get(self.set_name, ())
        return [(one, part) for one in load_set(self.set_name).values() for part in one.parts if part.sub in wanted]

    @property
    def may_score(self) -> bool:
        """Whether there is what a score needs: a manual, peers and weights."""
        return bool(self.set_name) and self.tables is not None and self.peers.num_rows > 0


class Term(NamedTuple):
    """A fact of the hospital's sums that an item follows: one more of the fact is `factor` more of the item."""

    fact: str
    factor: Fraction


def terms_of(item: str) -> tuple[Term, ...]:
    """The facts that an item follows: its own fact of front pages, or those that `portfolio.yaml` names; () for none.

    Money of items is in yuan, of facts in fen.
    """
    records = load_items()[item].records
    if records.startswith(_PAGES):
        return (_term(PAGE + records.removeprefix(_PAGES)),)
    followed = load_portfolio().filed_items.get(item)
    return () if followed is None else tuple(_term(name) for name in followed.terms)


def _term(name: str) -> Term:
    sign, unit = -1 if name.startswith("-") else 1, FEN_PER_YUAN if name.endswith(_FEN) else 1
    return Term(name.removeprefix("-"), Fraction(sign, unit))


def is_filed(item: str) -> bool:
    """Whether an item is filed, and the sums only say how it changes."""
    return not load_items()[item].records.startswith(_PAGES)


class Amounts:
    """Items of a hospital whose sums went from `today` to `sums`; `unfilled` facts say nothing."""

    def __init__(
        self,
        sums: Mapping[str, int],
        today: Mapping[str, int],
        filed: Mapping[str, Fraction],
        unfilled: frozenset[str] = frozenset(),
    ) -> None:
        self._sums, self._today, self._filed, self._unfilled = sums, today, filed, unfilled

    def item(self, name: str) -> Fraction | None:
        """An item after the change, None where it is not known."""
        terms = terms_of(name)
        if any(term.fact in self._unfilled or term.fact not in self._sums for term in terms):
            return None
        if not is_filed(name):
            return sum((self._sums[term.fact] * term.factor for term in terms), Fraction(0))
        if name not in self._filed or name not in load_portfolio().filed_items:
            return None
        moved = ((self._sums[term.fact] - self._today.get(term.fact, 0)) * term.factor for term in terms)
        return self._filed[name] + sum(moved, Fraction(0))

    def side(self, terms: tuple[str, ...]) -> Fraction | None:
        """The sum of the items of a numerator or denominator."""
        total = Fraction(0)
        for term in terms:
            amount = self.item(term.removeprefix("-"))
            if amount is None:
                return None
            total += -amount if term.startswith("-") else amount
        return total

    def quotient(self, part: Part) -> Fraction | None:
        """Numerator by denominator of a part, before `times` and growth."""
        above, below = self.side(part.numerator), self.side(part.denominator)
        return None if above is None or not below else above / below


def base_of(assessed: Assessed, part: Part) -> Fraction | None:
    """The quotient of the same months a year before, which a growth is against."""
    last = assessed.last_year
    return None if last is None else Amounts(last, last, {}).quotient(part)


def value_of(assessed: Assessed, part: Part, amounts: Amounts) -> Fraction | None:
    """The value of a part in its unit (`%` as 31.17); a growth without a year before is not known."""
    found = amounts.quotient(part)
    if part.rule != "growth":
        return None if found is None else found * part.times
    base = base_of(assessed, part)
    return None if found is None or not base else (found / base - 1) * part.times


class Simulated(NamedTuple):
    """A simulated score: points, and how many points what could be scored has."""

    points: float
    scorable: float


def moved_values(assessed: Assessed, amounts: Amounts) -> dict[str, Fraction | None]:
    """The figures that moves change, by part."""
    return {part.sub: value_of(assessed, part, amounts) for _, part in assessed.moved_parts}


def simulated(assessed: Assessed, moved: Mapping[str, Fraction | None]) -> Simulated | None:
    """What the hospital would score with these figures instead of its own of the year; None without peers. 模拟."""
    if not assessed.may_score or assessed.tables is None:
        return None
    shown = {sub: None if value is None else float(value) for sub, value in moved.items()}
    rows = [row | {"value": shown.get(row["sub"], row["value"])} for row in assessed.values.to_pylist()]
    scored = score(pa.Table.from_pylist(rows, schema=VALUE_SCHEMA), assessed.peers, assessed.tables, assessed.method)
    told = [row for row in scored.to_pylist() if row["score"] is not None]
    points, scorable = (round(sum(row[name] for row in told), _DECIMALS) for name in ("points", "weight"))
    return Simulated(points, scorable)
