"""The state of a clearing 清算中的数: lines of the year and places (hospital and fund), changed step by step."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa

from tongpin.base.money import SCALE, round_half_up_column
from tongpin.payment.dip.values import pays_by_scores

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    import numpy.typing as npt

    from tongpin.payment.policy.policy import Policy
    from tongpin.payment.year.rulings import Rulings

    IntColumn = npt.NDArray[np.int64]
    BoolColumn = npt.NDArray[np.bool_]

CHANGES: dict[str, str] = {
    "decided_fen": "8 单议、申诉、逾期",
    "capped_fen": "9 费用极高例数上限",
    "rated_fen": "10 费率重算",
    "scaled_fen": "11 层级总额调节",
    "banded_fen": "12 结余留用与超支分担",
    "assessed_fen": "13 考核",
}
"""What each step adds to the due of a place; amounts below zero lower it."""

PLACE_SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in ("institution_code", "institution_name", "hospital_level")),
        ("pay_mode_label", pa.string()),
        ("fund", pa.string()),
        ("fund_label", pa.string()),
        *((name, pa.int64()) for name in ("cases", "drg_cases", "total_weight_e4", "total_fee_fen", "drg_fee_fen")),
        *((name, pa.int64()) for name in ("item_pool_fen", "posted_fen", "audit_fen")),
        *((name, pa.int64()) for name in CHANGES),
        *((name, pa.int64()) for name in ("due_fen", "penalty_fen", "deposit_fen", "transferred_fen", "balance_fen")),
        *((name, pa.int64()) for name in ("cash_fen", "advance_fen", "direct_drug_fen")),
        *((name, pa.int64()) for name in ("scale_e6", "band_ratio_e4", "coefficient_e4", "score_e4")),
        ("near_edge", pa.string()),
        ("grade", pa.string()),
        ("grade_year", pa.int64()),
        ("credit_rating", pa.string()),
        ("surplus_fen", pa.int64()),
    ],
)
"""One row per hospital and fund, in fen. due = posted − audit + the six changes; balance = due − penalty − transferred:
above zero the fund still pays 补付, below zero the hospital returns 收回. `transferred_fen` = cash + advance + direct
drug payments; null where a step formed no such figure: the factor of the tier (millionths), the ratio of item-based
pool to due, the assessment coefficient and score (ten-thousandths)."""


RATE_SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in ("fund", "fund_label", "hospital_level", "unit_label", "formula")),
        *((name, pa.int64()) for name in ("cases", "budget_fen", "kept_fen", "units_e4", "value_e4")),
        *((name, pa.int64()) for name in ("paid_fen", "residue_fen")),
    ],
)
"""What step 10 recomputed, one row per fund (and level, for a rate): the final budget, what of it was kept back
(`kept_fen`: the adjustment fund, and cases of the budget that step 8 paid apart), the units it was spent over (weights,
points or scores, ten-thousandths), what one unit is worth (fen, ten-thousandths), what the cases are paid;
residue = paid − (budget − kept): what rounding leaves, 0 where the edition splits to the fen."""


class Explained(NamedTuple):
    """One line of the reasons of a place: the step, what, how, the amount it led to, parameter and where it stands."""

    place: int
    step: int
    label: str
    formula: str
    amount_fen: int
    parameter: str
    source: str


@dataclass(frozen=True)
class State:
    """Lines and places as they stand after a step.

    `lines`: columns of the lines (NumPy, one entry per line; `gross_fen` and `payable_fen` change); `keys`: institution
    and list id as Arrow text; `places`: columns of the places; `levels`, `funds`, `codes`: texts of the places.
    """

    policy: Policy
    on: date
    lines: Mapping[str, Any]
    keys: Any
    case_ids: Any
    places: Mapping[str, Any]
    rulings: Rulings
    explained: tuple[Explained, ...] = ()
    notes: tuple[str, ...] = ()
    rates: tuple[dict[str, Any], ...] = ()
    """Rates and point values of step 10 (`RATE_SCHEMA`)."""
    reasons: Mapping[int, str] = field(default_factory=dict)
    """Why a line was decided by itself (step 8 or 9), by row."""

    @property
    def size(self) -> int:
        """How many places there are."""
        return len(self.places["institution_code"])

    def with_lines(self, **columns: Any) -> State:
        """The state with columns of the lines replaced."""
        return replace(self, lines={**self.lines, **columns})

    def with_places(self, **columns: Any) -> State:
        """The state with columns of the places replaced."""
        return replace(self, places={**self.places, **columns})

    def told(self, *lines: Explained, notes: tuple[str, ...] = ()) -> State:
        """The state with more reasons and notes."""
        return replace(self, explained=(*self.explained, *lines), notes=(*self.notes, *notes))

    def steps(self, step: int, label: str, counts: Any, amounts: Any, formula: str, key: str) -> list[Explained]:
        """One reason for every place that a step touched; `{count}` in the formula is how many of its cases."""
        source = self.source(key)
        return [
            Explained(place, step, label, formula.format(count=int(counts[place])), int(amounts[place]), key, source)
            for place in np.flatnonzero(counts).tolist()
        ]

    def own_fen(self, rows: Any) -> IntColumn:
        """What the patient and other funds bear of some lines."""
        found: IntColumn = self.lines["patient_fen"][rows] + self.lines["other_funds_fen"][rows]
        return found

    def per_place(self, amounts: Any, mask: Any = None) -> IntColumn:
        """Sums of a line column by place."""
        sums = np.zeros(self.size, np.int64)
        place = self.lines["place"]
        np.add.at(sums, place if mask is None else place[mask], amounts if mask is None else amounts[mask])
        return sums

    @property
    def by_scores(self) -> bool:
        """Whether the edition pays by DIP scores."""
        return pays_by_scores(self.policy)

    def applies(self, step: str) -> bool:
        """Whether a step that exists for DRG is taken: by scores as the edition says (choices of family 26)."""
        return not self.by_scores or bool(self.value(f"dip.applies.{step}"))

    def value(self, key: str, **dimensions: str) -> Any:
        """A parameter on the last day of the clearing year."""
        return self.policy.value(key, self.on, **dimensions)

    def values(self, key: str) -> list[Any]:
        """A parameter for each place, by its fund, level and institution."""
        return [self.value(key, **place) for place in self.dimensions]

    def scaled(self, key: str, rows: Any = None) -> IntColumn:
        """A ratio for each place in ten-thousandths, or for some of the places only."""
        chosen = range(self.size) if rows is None else rows.tolist()
        found = np.zeros(self.size, np.int64)
        for row in chosen:
            found[row] = self.policy.scaled(key, self.on, **self.dimensions[row])
        return found

    @property
    def dimensions(self) -> list[dict[str, str]]:
        """What the parameters of a place may vary by."""
        names = ("institution_code", "hospital_level", "fund")
        return [dict(zip(names, row, strict=True)) for row in zip(*(self.places[name] for name in names), strict=True)]

    def source(self, key: str) -> str:
        """Where the value of a parameter stands: the document and its clause, or 模拟."""
        parameter = self.policy.parameter(key)
        reference = parameter.reference.get(self.policy.in_force_since(key, self.on))
        return "模拟" if reference is None else f"{reference.title}{reference.clause}"

    def unit(self) -> int:
        """To how many fen the steps round."""
        return int(self.value("rounding.clearing"))

    def shared(self, amounts: Any, ratio_e4: Any) -> IntColumn:
        """Amounts times a ratio in ten-thousandths, rounded as the edition says."""
        unit = self.unit()
        found: IntColumn = round_half_up_column(amounts * ratio_e4, SCALE * unit) * unit
        return found

    def changed(self, name: str, amounts: Any) -> State:
        """The state with amounts added to the due of the places and kept as what this step did."""
        return self.with_places(
            **{name: self.places[name] + amounts, "due_fen": self.places["due_fen"] + amounts},
        )


def repaid(
    state: State, rows: Any, gross: Any, name: str, why: str, *, at_standard: bool = False, by_points: bool = False
) -> State:
    """The state with another gross for some lines; what that changes goes to their places. Floors of cases are kept.

    Only lines that are still paid `at_standard` or, where they have points, `by_points` are part of a later rate or
    point value.
    """
    lines = state.lines
    flags, pointed = lines["at_standard"].copy(), lines["by_points"].copy()
    flags[rows] = at_standard
    pointed[rows] &= by_points
    old = lines["payable_fen"]
    new_gross, payable = lines["gross_fen"].copy(), old.copy()
    new_gross[rows] = gross
    raw = gross - lines["patient_fen"][rows] - lines["other_funds_fen"][rows]
    payable[rows] = np.where(lines["floor_case"][rows], np.maximum(raw, 0), raw)
    after = state.with_lines(gross_fen=new_gross, payable_fen=payable, at_standard=flags, by_points=pointed)
    after = after.changed(name, state.per_place(payable - old))
    return replace(after, reasons={**state.reasons, **dict.fromkeys(np.asarray(rows).tolist(), why)}) if why else after
