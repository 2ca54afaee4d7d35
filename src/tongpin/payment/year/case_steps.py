"""Steps 8 to 10 of a clearing: single cases decided, the cap of high outliers, the final rate."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tongpin.base.errors import PolicyError
from tongpin.base.money import SCALE, round_half_up, round_half_up_column, yuan
from tongpin.payment.month.posting import list_keys
from tongpin.payment.pricing.rates import close_level_rate
from tongpin.payment.pricing.rounding import limit_of
from tongpin.payment.year.rulings import outcome
from tongpin.payment.year.state import Explained, repaid

if TYPE_CHECKING:
    from tongpin.payment.year.state import BoolColumn, IntColumn, State

_STEP8, _STEP9, _STEP10 = 8, 9, 10


def decide_cases(state: State) -> State:
    """Step 8: appeals upheld, special cases within their quota, the share of overdue lists (S903-03, S901-02).

    An upheld appeal and an approved special case are paid by item or at the amount decided (the gross of the case);
    approved cases beyond the quota stay as they were. Rulings on lists that are not of this clearing are counted in a
    note. PolicyError `clear.decision` when a decided amount is missing, `policy.gap` when the edition is silent.
    """
    found = _matched(state)
    state = _appeals(state, found)
    state = _special_cases(state, found)
    return _overdue(state, found)


def _matched(state: State) -> list[dict[str, Any]]:
    """The rulings on lists of this clearing that still stand, with the row of each."""
    rulings = state.rulings.on_cases
    if not rulings.num_rows:
        return []
    keys = list_keys(rulings, "setl_id")
    asked = pc.is_in(state.keys, value_set=keys).to_numpy(zero_copy_only=False)
    rows = np.flatnonzero(state.lines["standing"] & asked)
    place = dict(zip(state.keys.take(pa.array(rows)).to_pylist(), rows.tolist(), strict=True))
    pairs = zip(keys.to_pylist(), rulings.to_pylist(), strict=True)
    return [ruling | {"row": place[key]} for key, ruling in pairs if key in place]


def _appeals(state: State, found: list[dict[str, Any]]) -> State:
    upheld = [row for row in found if row["kind"] == "appeal" and outcome("appeal", row["result"]) == "upheld"]
    return _paid_apart(state, upheld, "appeal.pay", "申诉成立") if upheld else state


def _paid_apart(state: State, rows: list[dict[str, Any]], key: str, why: str) -> State:
    """Cases paid by item or at the amount decided."""
    places = np.array([row["row"] for row in rows], np.int64)
    if state.value(key) == "by_item":
        gross = state.lines["fee_fen"][places]
        how = "按项目"
    else:
        gross, how = np.array([_decided(row) for row in rows], np.int64), "按决定的金额"
    before = state.lines["payable_fen"]
    after = repaid(state, places, gross, "decided_fen", why)
    changes = state.per_place(after.lines["payable_fen"] - before)
    counts = state.per_place(np.ones(len(before), np.int64), places)
    return after.told(*_lines(state, _STEP8, f"{why}的病例", counts, changes, f"{{count}} 例{how}", key))


def _decided(row: dict[str, Any]) -> int:
    if row["amount_fen"] is None:
        raise PolicyError(
            "clear.decision",
            f"清单 {row['setl_id']} 的决定没有写金额",
            where=f"decision {row['kind']}",
            hint="写明 amount（该例应付总额，含个人与其他基金），或付费方式改为按项目",
        )
    amount: int = row["amount_fen"]
    return amount


def _lines(state: State, step: int, label: str, counts: Any, amounts: Any, formula: str, key: str) -> list[Explained]:
    """One reason for every place that a step touched."""
    source = state.source(key)
    return [
        Explained(place, step, label, formula.format(count=int(counts[place])), int(amounts[place]), key, source)
        for place in np.flatnonzero(counts).tolist()
    ]


def _special_cases(state: State, found: list[dict[str, Any]]) -> State:
    asked = [row | {"outcome": outcome(row["kind"], row["result"])} for row in found if row["kind"] == "special_case"]
    if not asked:
        return state
    if state.value("special.quota_counts") == "approved":
        asked = [row for row in asked if row["outcome"] != "rejected"]
    rows = np.array([row["row"] for row in asked], np.int64)
    excess = state.lines["fee_fen"] - state.lines["standard_fen"]
    within = _within(state, rows, excess, "special.quota", "special.quota_scope")
    chosen = [
        row for row, inside in zip(asked, within.tolist(), strict=True) if inside and row["outcome"] != "rejected"
    ]
    beyond = sum(row["outcome"] != "rejected" for row in asked) - len(chosen)
    if chosen:
        state = _paid_apart(state, chosen, "special.pay", "批准的特例单议")
        special = state.lines["special"].copy()
        special[[row["row"] for row in chosen]] = True
        state = state.with_lines(special=special)
    note = f"{beyond} 例特例单议超出例数上限，照月结支付"
    return state.told(notes=(note,) if beyond else ())


def _within(state: State, rows: IntColumn, order_by: Any, quota: str, scope: str) -> BoolColumn:
    """Which of some lines come first within the limit of their hospital; the largest in `order_by` first.

    `quota` is the beginning of the keys of ratio, rounding and base of the limit.
    """
    ratio_key = f"{quota}_ratio" if quota == "special.quota" else f"{quota}.ratio"
    base_key, rounding_key = ratio_key.replace("ratio", "base"), ratio_key.replace("ratio", "rounding")
    groups, levels = _groups(state, state.value(scope) == "hospital")
    counted = state.lines["standing"] & (state.lines["is_drg"] | (state.value(base_key) == "all"))
    of_line = groups[state.lines["place"]]
    size = int(groups.max(initial=-1)) + 1
    counts = np.bincount(of_line[counted], minlength=size)
    rounding = state.value(rounding_key)
    limits = np.zeros(size, np.int64)
    for group in np.unique(of_line[rows]).tolist():
        ratio_e4 = state.policy.scaled(ratio_key, state.on, hospital_level=levels[group])
        limits[group] = limit_of(int(counts[group]), ratio_e4, rounding)
    order = np.lexsort((rows, -order_by[rows], of_line[rows]))
    grouped = of_line[rows][order]
    starts = np.searchsorted(grouped, grouped, side="left")
    within = np.zeros(len(rows), bool)
    within[order] = np.arange(len(rows)) - starts < limits[grouped]
    return within


def _groups(state: State, by_hospital: bool) -> tuple[IntColumn, list[str]]:
    """For each place its group (the hospital, or itself) and the level of each group."""
    levels = list(state.places["hospital_level"])
    if not by_hospital:
        return np.arange(state.size), levels
    codes, first, inverse = np.unique(
        state.places["institution_code"].astype(str), return_index=True, return_inverse=True
    )
    return inverse.astype(np.int64), [levels[place] for place in first[: len(codes)]]


def _overdue(state: State, found: list[dict[str, Any]]) -> State:
    rows = np.array([row["row"] for row in found if row["kind"] == "overdue"], np.int64)
    if not len(rows):
        return state
    share_e4 = state.scaled("overdue.share", np.unique(state.lines["place"][rows]))[state.lines["place"][rows]]
    before = state.lines["payable_fen"]
    gross = state.lines["gross_fen"][rows]
    if state.value("overdue.base") == "gross":
        left = state.shared(gross, share_e4)
    else:
        lost = before[rows] - state.shared(before[rows], share_e4)
        left = gross - np.where(before[rows] > 0, lost, 0)
    after = repaid(state, rows, left, "decided_fen", "逾期上传")
    changes = state.per_place(after.lines["payable_fen"] - before)
    counts = state.per_place(np.ones(len(before), np.int64), rows)
    return after.told(
        *_lines(state, _STEP8, "逾期上传的清单", counts, changes, "{count} 例按逾期比例支付", "overdue.share")
    )


def cap_high_outliers(state: State) -> State:
    """Step 9: of each hospital's high outliers only so many keep their pay mode; the others are paid at the standard.

    The largest excess over the standard comes first (TV-P6, S900-08). Cases already paid at the standard are no
    matter; approved special cases leave the list first where the edition says so.
    """
    lines = state.lines
    high = lines["standing"] & lines["is_high"] & ~lines["at_standard"]
    if not high.any():
        return state
    if state.value("outlier.cap.special_leaves"):
        high &= ~lines["special"]
    rows = np.flatnonzero(high)
    excess = lines["fee_fen"] - lines["standard_fen"]
    if state.value("outlier.cap.order") == "ratio":
        excess = lines["fee_fen"] * SCALE // np.maximum(lines["standard_fen"], 1)
    state.value("outlier.cap.pay")  # an edition that leaves open what a capped case gets is refused
    beyond = rows[~_within(state, rows, excess, "outlier.cap", "outlier.cap.scope")]
    before = lines["payable_fen"]
    gross = lines["standard_fen"][beyond] + lines["outside_fen"][beyond]
    after = repaid(state, beyond, gross, "capped_fen", "费用极高超出例数上限", at_standard=True)
    changes = state.per_place(after.lines["payable_fen"] - before)
    counts = state.per_place(np.ones(len(before), np.int64), beyond)
    told = _lines(state, _STEP9, "费用极高超出例数上限", counts, changes, "{count} 例改按支付标准", "outlier.cap.ratio")
    return after.told(*told)


def recompute_rate(state: State) -> State:
    """Step 10: rate or point value anew from the final budget, where the edition does not keep it (TV-A8e, S900-09).

    The budget covers the standing cases paid at the standard; a rate closes on their weights times coefficients as a
    level rate does, a point value on their points. Lines reversed or paid by item are no matter.
    """
    state.value("clearing.outlier")  # an edition that leaves open whether outliers are classed anew is refused
    for fund in sorted(set(state.places["fund"])):
        if state.value("clearing.rate", fund=fund) == "keep":
            continue
        of_fund = (state.places["fund"] == fund)[state.lines["place"]]
        payable = state.lines["standing"] & state.lines["at_standard"] & of_fund
        pointed = state.lines["points_e4"] >= 0
        state = _valued(state, np.flatnonzero(state.lines["standing"] & of_fund & pointed), fund)
        for level in sorted(set(state.places["hospital_level"])):
            of_level = (state.places["hospital_level"] == level)[state.lines["place"]]
            state = _rated(state, np.flatnonzero(payable & of_level & ~pointed), fund, level)
    return state


def _rated(state: State, rows: IntColumn, fund: str, level: str) -> State:
    """Standards by the rate that closes on the final budget of a fund and level."""
    lines = state.lines
    priced_e8 = lines["weight_e4"][rows] * lines["coefficient_e4"][rows]
    basic = lines["basic_group"][rows]
    if basic.all():
        return state
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
    standard = round_half_up_column(priced_e8[~basic] * closed.rate_fen, SCALE * SCALE * unit) * unit
    formula = f"{{count}} 例的费率按最终总额重算为每权重 {yuan(closed.rate_fen)} 元"
    return _restandardised(state, rows[~basic], standard, formula, "clearing.rate_budget")


def _valued(state: State, rows: IntColumn, fund: str) -> State:
    """Standards by the point value that the final budget of a fund gives; the adjustment fund is taken out first."""
    points = state.lines["points_e4"][rows]
    total = int(points.sum())
    if not total:
        return state
    kept_e4 = SCALE - state.policy.scaled("points.adjustment_fund", state.on)
    budget = round_half_up(state.value("points.final_budget", fund=fund) * kept_e4, SCALE)
    unit = state.value("rounding.point_value")
    value = round_half_up(budget * SCALE, total * unit) * unit
    if state.value("points.value_split") == "exact":
        paid = split_fen_column(budget, points)
    else:
        paid = round_half_up_column(points * value, SCALE)
    if state.value("points.budget_base") == "fund":
        paid = paid + state.lines["patient_fen"][rows] + state.lines["other_funds_fen"][rows]
    formula = f"{{count}} 例的点值按最终预算 {yuan(budget)} 元重算，每点约 {yuan(value)} 元"
    return _restandardised(state, rows, paid - state.lines["outside_fen"][rows], formula, "points.final_budget")


def _restandardised(state: State, rows: IntColumn, standard: IntColumn, formula: str, key: str) -> State:
    """The state with other standards, and paid by them."""
    before = state.lines["payable_fen"]
    gross = standard + state.lines["outside_fen"][rows]
    after = repaid(state, rows, gross, "rated_fen", "", at_standard=True)
    standards = state.lines["standard_fen"].copy()
    standards[rows] = standard
    after = after.with_lines(standard_fen=standards)
    counts = state.per_place(np.ones(len(before), np.int64), rows)
    changes = state.per_place(after.lines["payable_fen"] - before)
    return after.told(*_lines(state, _STEP10, "费率或点值重算", counts, changes, formula, key))


def split_fen_column(total: int, weights: IntColumn) -> IntColumn:
    """`base.money.split_fen` over a column: parts in proportion, exact, the largest remainders first."""
    whole = int(weights.sum())
    products = weights.astype(object) * total  # beyond 64 bits
    parts = (products // whole).astype(np.int64)
    order = np.argsort(-(products % whole).astype(np.int64), kind="stable")
    parts[order[: total - int(parts.sum())]] += 1
    found: IntColumn = parts
    return found
