"""Step 10 of a clearing 费率、点值重算: the value of a weight, point or score anew from the final budget, or kept."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from tongpin.base.errors import PolicyError
from tongpin.base.money import SCALE, check_balance, round_half_up, round_half_up_column, yuan
from tongpin.payment.dip.values import FEN_FACTOR, point_value, settlement_value, value_terms
from tongpin.payment.pricing.points_value import spend_points, split_column
from tongpin.payment.pricing.rates import close_level_rate
from tongpin.payment.year.scores import points_again
from tongpin.payment.year.state import repaid

if TYPE_CHECKING:
    from tongpin.payment.year.state import IntColumn, State

_STEP10 = 10
_FEN_PER_YUAN = 100


def recompute_rate(state: State) -> State:
    """Step 10: rate or point value anew from the final budget, where the edition keeps no monthly one.

    A rate closes on the weights times coefficients of the standing cases paid at the standard as a level rate does
    (S900-09); points (TV-A8e) and scores (TV-B2) are paid to the budget over a whole year. Lines reversed, or paid
    apart by step 8, take no part; `clearing.budget_covers` says whether the budget of points pays the latter.
    """
    state.value("clearing.outlier")  # an edition that leaves open whether outliers are classed anew is refused
    for fund in sorted(set(state.places["fund"])):
        if state.value("clearing.rate", fund=fund) == "keep":
            continue
        of_fund = (state.places["fund"] == fund)[state.lines["place"]] & state.lines["standing"]
        pointed = state.lines["points_e4"] >= 0
        rows = np.flatnonzero(of_fund & state.lines["by_points"])
        apart = np.flatnonzero(of_fund & pointed & ~state.lines["by_points"])
        if len(rows):
            state = _scored(state, rows, apart, fund) if state.by_scores else _pointed(state, rows, apart, fund)
        payable = of_fund & state.lines["at_standard"] & ~pointed
        for level in sorted(set(state.places["hospital_level"])):
            of_level = (state.places["hospital_level"] == level)[state.lines["place"]]
            state = _rated(state, np.flatnonzero(payable & of_level), fund, level)
    return state


def _rated(state: State, rows: IntColumn, fund: str, level: str) -> State:
    """Standards by the rate that closes on the final budget of a fund and level."""
    lines = state.lines
    basic = lines["basic_group"][rows]
    if basic.all():
        return state
    priced_e8 = lines["weight_e4"][rows] * lines["coefficient_e4"][rows]
    closed = close_level_rate(
        fund=fund,
        hospital_level=level,
        tier_budget_fen=state.value("clearing.rate_budget", fund=fund, hospital_level=level),
        forecast_weight_e4=round_half_up(int(priced_e8.sum()), SCALE),
        basic_weight_e4=round_half_up(int(priced_e8[basic].sum()), SCALE),
        basic_rate_fen=state.value("rate.basic_group", fund=fund, hospital_level=level),
        unit_fen=state.value("rounding.rate"),
    )
    unit = state.value("rounding.standard")
    others = rows[~basic]
    standard = round_half_up_column(priced_e8[~basic] * closed.rate_fen, SCALE * SCALE * unit) * unit
    formula = f"费率按最终总额重算为每权重 {yuan(closed.rate_fen)} 元"
    after = _repaid(state, others, standard + lines["outside_fen"][others], formula, "clearing.rate_budget")
    paid = int(standard.sum()) + closed.basic_payment_fen
    return _noted(
        after,
        fund,
        hospital_level=level,
        unit_label="权重",
        formula=f"（最终总额 − 基础病组 {yuan(closed.basic_payment_fen)} 元）÷ 其余病组权重",
        cases=len(rows),
        budget_fen=closed.tier_budget_fen,
        kept_fen=0,
        units_e4=closed.forecast_weight_e4,
        value_e4=closed.rate_fen * SCALE,
        paid_fen=paid,
    )


def _pointed(state: State, rows: IntColumn, apart: IntColumn, fund: str) -> State:
    """Points of a year paid by the value that the final budget gives, less the adjustment fund (TV-A8e)."""
    points = state.lines["points_e4"][rows]
    if not points.any():
        return state
    of_pool = state.value("points.budget_base") == "fund"
    budget = state.value("points.final_budget", fund=fund)
    taken = _paid_apart(state, apart, of_pool=of_pool)
    _enough(fund, budget, taken)
    value, paid = spend_points(state.policy, state.on, fund, budget - taken, points)
    own = state.own_fen(rows) if of_pool else 0
    formula = f"点值按最终预算 {yuan(budget)} 元重算，每点约 {yuan(round_half_up(value.value_e4, SCALE))} 元"
    after = _repaid(state, rows, paid + own, formula, "points.final_budget")
    return _noted(
        after,
        fund,
        hospital_level=None,
        unit_label="点数",
        formula="（最终预算 − 另付的病例 − 调节金）÷ 总点数",
        cases=len(rows),
        budget_fen=budget,
        kept_fen=taken + value.adjustment_fund_fen,
        units_e4=value.points_e4,
        value_e4=value.value_e4,
        paid_fen=value.paid_fen,
    )


def _scored(state: State, rows: IntColumn, apart: IntColumn, fund: str) -> State:
    """Scores of a year paid by the settlement value of the final budget, with the final hospital coefficients."""
    state = _with_final_coefficients(state, rows)
    points = state.lines["points_e4"][rows]
    total = int(points.sum())
    if not total:
        return state
    decimals, split = value_terms(state.policy, state.on)
    budget = state.value("dip.final_budget", fund=fund)
    if state.value("dip.final_budget_base") == "fund":
        ratio_e4 = _ratio_e4(state, rows, fund)
        whole = settlement_value(budget, ratio_e4, total, decimals).money_fen
        how = f"可用基金 ÷ 实际报销比例 {ratio_e4 / 100:.2f} %"
    else:
        whole, how = budget, "最终预算"
    taken = _paid_apart(state, apart, of_pool=False)
    _enough(fund, whole, taken)
    value = point_value(whole - taken, total, decimals)
    if split == "exact":
        paid = split_column(value.money_fen, points)
        check_balance("points.close", f"基金 {fund} 各例之和与可付总额", int(paid.sum()), value.money_fen)
    else:
        paid = round_half_up_column(points * value.value_e4, FEN_FACTOR)
    formula = f"结算点值按最终预算 {yuan(budget)} 元重算，每分 {value.value_e4 / SCALE:.4f} 元"
    after = _repaid(state, rows, paid, formula, "dip.final_budget")
    return _noted(
        after,
        fund,
        hospital_level=None,
        unit_label="分值",
        formula=f"（{how} − 另付的病例）÷ 总分值",
        cases=len(rows),
        budget_fen=whole,
        kept_fen=taken,
        units_e4=total,
        value_e4=value.value_e4 * _FEN_PER_YUAN,
        paid_fen=int(paid.sum()),
    )


def _with_final_coefficients(state: State, rows: IntColumn) -> State:
    """Points with the hospital coefficients of the end of the year, where the edition does not keep the posted ones."""
    if state.value("dip.institution.at_clearing") == "posted":
        return state
    final = state.scaled("dip.institution.coefficient")[state.lines["place"][rows]]
    points, coefficients = state.lines["points_e4"].copy(), state.lines["institution_e4"].copy()
    points[rows] = points_again(state, rows, institution=final)
    coefficients[rows] = final
    return state.with_lines(points_e4=points, institution_e4=coefficients)


def _ratio_e4(state: State, rows: IntColumn, fund: str) -> int:
    """The reimbursement ratio that turns money of the fund into fees: of the year's own cases, or stated."""
    if state.value("dip.final_ratio_from") == "stated":
        return state.policy.scaled("dip.final_ratio", state.on, fund=fund)
    fee = int(state.lines["fee_fen"][rows].sum())
    return round_half_up(int(state.lines["item_pool_fen"][rows].sum()) * SCALE, fee) if fee > 0 else 0


def _paid_apart(state: State, apart: IntColumn, *, of_pool: bool) -> int:
    """What the budget spends on the cases that step 8 paid apart; nothing where it covers the others only."""
    if not len(apart) or state.value("clearing.budget_covers") == "points":
        return 0
    return int(state.lines["payable_fen" if of_pool else "gross_fen"][apart].sum())


def _enough(fund: str, budget: int, taken: int) -> None:
    if taken >= budget:
        raise PolicyError(
            "points.budget",
            f"基金 {fund} 的最终预算 {yuan(budget)} 元不够另付的病例 {yuan(taken)} 元",
            where="clearing.budget_covers",
            hint="核对最终预算，或把 clearing.budget_covers 写成 points",
        )


def _repaid(state: State, rows: IntColumn, gross: IntColumn, formula: str, key: str) -> State:
    """The state with lines paid by the final value, told to every place."""
    before = state.lines["payable_fen"]
    after = repaid(state, rows, gross, "rated_fen", "", at_standard=True, by_points=True)
    counts = state.per_place(np.ones(len(before), np.int64), rows)
    changes = state.per_place(after.lines["payable_fen"] - before)
    return after.told(*state.steps(_STEP10, "费率或点值重算", counts, changes, f"{{count}} 例的{formula}", key))


def _noted(state: State, fund: str, **figures: Any) -> State:
    """The state with a row of `RATE_SCHEMA`."""
    residue = figures["paid_fen"] - (figures["budget_fen"] - figures["kept_fen"])
    label = state.value("fund.label", fund=fund)
    return replace(state, rates=(*state.rates, {"fund": fund, "fund_label": label, "residue_fen": residue, **figures}))
