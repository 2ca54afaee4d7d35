"""Scenario 情景: growth of groups, length of stay and a price edition, as factors on the months to come (S000-42).

The factors are exact sums over the cases of the last months, once as they were and once under the scenario; a scenario
that changes nothing has factors of exactly one.
"""

from __future__ import annotations

from datetime import date  # noqa: TC003 - Pydantic reads it at run time
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import ValidationError

from tongpin.base.errors import TongpinError
from tongpin.base.money import SCALE, round_half_up_column
from tongpin.base.strict_yaml import Strict, first_fault, load_strict_yaml
from tongpin.measures.guokao.catalogue import load_items
from tongpin.measures.guokao.records import PAGES, page_items, stream_of
from tongpin.payment.pricing.price import price
from tongpin.payment.weights.repricing import pinned
from tongpin.report.words import percent_text, points_text
from tongpin.twin.forecast.catalogue import ANY
from tongpin.twin.forecast.places import histories, priced_flows
from tongpin.twin.forecast.rest import NEUTRAL, Parts

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tongpin.payment.policy.policy import Policy
    from tongpin.twin.forecast.places import History
    from tongpin.twin.forecast.rest import Place

_PAID = ("patient_pay_fen", "pool_pay_fen", "other_fund_pay_fen")
_FEE, _DAYS = "元", "床日"
_LEAST = Decimal(-1)


class Scenario(Strict):
    """What the rest of the year may be like: changes against the last months, by group or `*` for all others.

    `growth`: cases; `los`: days of stay; both as shares (0.05 = 5 % more). `fee_follows_stay`: by how much of that the
    fee changes (1 = alike); needed with `los`. `edition`: another edition or draft, with its values of the day `day`.
    """

    label: str
    growth: dict[str, Decimal] = {}  # noqa: RUF012 - Pydantic copies defaults
    los: dict[str, Decimal] = {}  # noqa: RUF012
    fee_follows_stay: Decimal | None = None
    edition: str = ""
    day: date | None = None

    @property
    def is_neutral(self) -> bool:
        """Whether nothing changes."""
        return not self.edition and not any(self.growth.values()) and not any(self.los.values())

    def changes(self, drgs: Any) -> tuple[Any, Any, Any]:
        """Cases, days and fees of each case against what they were, in ten-thousandths (int64)."""
        names, codes = np.unique(np.asarray(pc.fill_null(drgs, "").to_pylist(), dtype=object), return_inverse=True)
        growth, days = ([of.get(name, of.get(ANY, Decimal(0))) for name in names] for of in (self.growth, self.los))
        follows = self.fee_follows_stay or Decimal(0)
        rows = [[_e4(1 + change) for change in growth], [_e4(1 + change) for change in days]]
        rows.append([_e4(1 + change * follows) for change in days])
        case_e4, day_e4, fee_e4 = (np.array(row, np.int64)[codes] for row in rows)
        return case_e4, day_e4, fee_e4

    def text(self) -> str:
        """The scenario in one line."""
        told = [f"{_group(name)} 例数 {_signed(value)}" for name, value in self.growth.items() if value]
        told += [f"{_group(name)} 住院日 {_signed(value)}" for name, value in self.los.items() if value]
        if any(self.los.values()):
            told.append(f"费用变化为住院日变化的 {percent_text(float(self.fee_follows_stay or 0))}")
        if self.edition:
            told.append(f"付费办法 {self.edition}")
        return f"情景“{self.label}”：{'；'.join(told) or '没有变化'}"


def _group(name: str) -> str:
    return "其余病组" if name == ANY else name


def _signed(share: Decimal) -> str:
    return f"{points_text(float(share))}%"


def _e4(value: Decimal) -> int:
    return int((value * SCALE).to_integral_value())


def read_scenario(path: Path) -> Scenario:
    """A scenario file (YAML); errors as `scenario_of`."""
    return scenario_of(load_strict_yaml(path, "scenario"), str(path))


def scenario_of(data: Mapping[str, Any], where: str) -> Scenario:
    """A scenario; TongpinError `scenario.*`: unknown keys, a fall below −100 %, stay without its share."""
    try:
        found = Scenario.model_validate(data)
    except ValidationError as error:
        place, message, hint = first_fault(error)
        raise TongpinError("scenario.shape", f"情景文件：{message}", where=f"{where} {place}", hint=hint) from error
    below = [name for name, value in [*found.growth.items(), *found.los.items()] if value < _LEAST]
    if below:
        raise TongpinError(
            "scenario.range", f"{'、'.join(below)} 的变化低于 −100%", where=where, hint="写成小数，如 −0.2"
        )
    if any(found.los.values()) and found.fee_follows_stay is None:
        raise TongpinError(
            "scenario.stay",
            "改了住院日，没有写费用跟着变多少",
            where=where,
            hint="写 fee_follows_stay：0 费用不变，1 与住院日同比例",
        )
    if found.edition and found.day is None:
        raise TongpinError("scenario.day", "换了付费办法，没有写按哪一天的取值", where=where, hint="写 day: 2026-01-01")
    return found


class Editions(NamedTuple):
    """The edition in force and that of the scenario, each with the values that hold."""

    old: Policy
    new: Policy


def editions(scenario: Scenario, old: Policy, new: Policy, today: date) -> Editions:
    """The editions of a scenario pinned to their days."""
    return Editions(pinned(old, today), pinned(new, scenario.day or today))


def place_factors(
    before: pa.Table, after: pa.Table, scenario: Scenario, of: Editions, institutions: pa.Table
) -> dict[Place, Parts]:
    """What the scenario multiplies the sums of each place by.

    `before`, `after`: the same cases grouped by the scheme of either edition. Prices every case twice.
    """
    month = pa.array(["rest"] * before.num_rows, pa.string())
    was = histories(priced_flows(price(before, of.old, institutions), month))
    case_e4, _, fee_e4 = scenario.changes(before["drg"])
    priced = price(_with_fees(after, fee_e4), of.new, institutions)
    becomes = histories(_times(priced, month, case_e4))
    return {place: _factors(one, becomes[place]) if place in becomes else NEUTRAL for place, one in was.items()}


def _with_fees(cases: pa.Table, fee_e4: Any) -> pa.Table:
    """The cases with every payer's part of the fee changed alike; a case that does not change stays as it is."""
    changed = fee_e4 != SCALE
    if not changed.any():
        return cases
    parts = {name: pc.fill_null(cases[name], 0).to_numpy() for name in _PAID}
    scaled = {name: np.where(changed, round_half_up_column(one * fee_e4, SCALE), one) for name, one in parts.items()}
    moved = sum(scaled[name] - parts[name] for name in _PAID)
    fee = pc.fill_null(cases["total_fee_fen"], 0).to_numpy() + moved
    for name, column in {**scaled, "total_fee_fen": fee}.items():
        place = cases.column_names.index(name)
        mask = pc.is_null(cases[name]).to_numpy()
        cases = cases.set_column(place, name, pa.array(column, pa.int64(), mask=mask))
    return cases


def _times(priced: pa.Table, month: Any, case_e4: Any) -> pa.Table:
    """The sums of priced cases (`FLOW_SCHEMA`), each case as often as the scenario has it, in ten-thousandths."""
    inside = pc.not_equal(priced["pay_scope"], "OUT").to_numpy()
    plain = priced.filter(pa.array(inside))
    times = case_e4[inside]
    for name in ("item_pool_fen", "pool_payable_fen", "gross_fen", "weight_e4"):
        values = pc.fill_null(plain[name], 0).to_numpy() * times
        plain = plain.set_column(plain.column_names.index(name), name, pa.array(values))
    return priced_flows(plain, month.filter(pa.array(inside)), pa.array(times))


def _factors(was: History, becomes: History) -> Parts:
    def ratio(new: int, old: int) -> float:
        return new / (old * SCALE) if old else 1.0

    def sums(history: History) -> tuple[int, ...]:
        item, payable = sum(history.item.values()), sum(history.payable.values())
        drg = {name: sum(row[name] for row in history.drg.values()) for name in ("item_pool_fen", "payable_fen")}
        gross = sum(row["gross_fen"] for row in history.drg.values())
        cases = sum(history.cases.values())
        return (
            cases,
            drg["item_pool_fen"],
            item - drg["item_pool_fen"],
            drg["payable_fen"],
            payable - drg["payable_fen"],
            gross,
        )

    return Parts(*(ratio(new, old) for new, old in zip(sums(becomes), sums(was), strict=True)))


def item_factors(pages: pa.Table, scenario: Scenario) -> dict[str, float]:
    """What the scenario multiplies the items of front pages by; `pages`: grouped pages of the last months, `month`.

    An item that pages do not give here (low-risk groups) follows the number of discharges.
    """
    case_e4, day_e4, fee_e4 = scenario.changes(pages["drg"])
    was: dict[str, float] = {}
    becomes: dict[str, float] = {}
    for cases, days, fees in sorted(set(zip(case_e4.tolist(), day_e4.tolist(), fee_e4.tolist(), strict=True))):
        mask = (case_e4 == cases) & (day_e4 == days) & (fee_e4 == fees)
        for item, by_month in page_items(pages.filter(pa.array(mask))).items():
            value = float(sum(by_month.values()))
            unit = load_items()[item].unit
            own = fees if unit == _FEE else days if unit == _DAYS else SCALE
            was[item] = was.get(item, 0.0) + value
            changed = value if cases == own == SCALE else value * (cases / SCALE) * (own / SCALE)
            becomes[item] = becomes.get(item, 0.0) + changed
    found = {item: becomes[item] / value if value else 1.0 for item, value in was.items()}
    whole = found.get("discharged_patients", 1.0)
    return {one: found.get(one, whole) for one in load_items() if stream_of(one) == PAGES}


def statement_factors(factors: Mapping[Place, Parts], sums: Mapping[Place, Parts]) -> dict[str, float]:
    """What the scenario multiplies the items of statements by; `sums`: the expected rest of the year of each place."""
    found = {}
    for item, names in (
        ("insurer_by_item", ("drg_item", "other_item")),
        ("insurer_payable", ("drg_payable", "other_payable")),
    ):
        was = sum(float(getattr(one, name)) for one in sums.values() for name in names)
        after = sum(
            float(getattr(one, name)) * getattr(factors.get(place, NEUTRAL), name)
            for place, one in sums.items()
            for name in names
        )
        found[item] = after / was if was else 1.0
    return found
