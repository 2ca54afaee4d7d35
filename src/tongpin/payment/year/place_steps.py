"""Steps 11 to 14 of a clearing: tier budget, bands, assessment, what is still to be paid or returned."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np

from tongpin.base.errors import PolicyError
from tongpin.base.money import SCALE, check_balance, round_half_up, split_fen, yuan
from tongpin.payment.policy.vocabulary import KNOWN
from tongpin.payment.year.bands import BandRule, banded
from tongpin.payment.year.rulings import Cause, agreement_scores
from tongpin.payment.year.state import Explained

if TYPE_CHECKING:
    from tongpin.payment.year.state import IntColumn, State

_STEP11, _STEP12, _STEP13, _STEP14 = 11, 12, 13, 14
_MILLION = 1_000_000
_NO_CAUSE = Cause(0, 0)


def scale_to_tier(state: State) -> State:
    """Step 11: where the dues of a tier exceed its final budget, all are scaled alike: k = budget / sum (TV-P10).

    Split to the fen by largest remainder, so that the budget is met exactly. Observed hospitals, which are paid by
    item, are no part of a tier; a hospital whose sum is negative is not scaled.
    """
    state = state.with_places(due_before_tier_fen=state.places["due_fen"].copy())
    if not state.applies("tier_budget") or state.value("tier.scaling") == "none":
        return state
    measure = _tier_measure(state)
    for fund, level in sorted(set(zip(state.places["fund"], state.places["hospital_level"], strict=True))):
        rows = np.flatnonzero(
            (state.places["fund"] == fund) & (state.places["hospital_level"] == level) & ~state.places["is_observed"]
        )
        if len(rows):
            state = _scaled(state, rows, measure, fund, level)
    return state


def _tier_measure(state: State) -> IntColumn:
    lines = state.lines
    name = "gross_fen" if state.value("tier.measure") == "gross" else "payable_fen"
    covered = np.ones(len(lines["place"]), bool) if state.value("tier.covers") == "all" else lines["is_drg"]
    measure = state.per_place(lines[name], covered)
    if state.value("tier.audit") == "after":
        measure -= state.places["audit_fen"]
    return measure


def _scaled(state: State, rows: IntColumn, measure: IntColumn, fund: str, level: str) -> State:
    budget = state.value("tier.final_budget", fund=fund, hospital_level=level)
    total = int(measure[rows].sum())
    if total <= budget:
        return state
    above = rows[measure[rows] > 0]
    left = budget - int(measure[rows][measure[rows] <= 0].sum())
    parts = split_fen(left, [int(amount) for amount in measure[above]])
    check_balance("clear.tier", f"基金 {fund} {level} 层级总额与各院之和", sum(parts), left)
    change = np.zeros(state.size, np.int64)
    change[above] = np.array(parts, np.int64) - measure[above]
    factor_e6 = round_half_up(left * _MILLION, int(measure[above].sum()))
    scale = state.places["scale_e6"].copy()
    scale[above] = factor_e6
    source = state.source("tier.final_budget")
    k = f"k = {yuan(left)} ÷ {yuan(int(measure[above].sum()))} = {Decimal(factor_e6) / _MILLION:.6f}"
    told = [
        Explained(place, _STEP11, "层级总额调节", k, int(change[place]), "tier.final_budget", source)
        for place in above.tolist()
    ]
    return state.changed("scaled_fen", change).with_places(scale_e6=scale).told(*told)


def apply_bands(state: State) -> State:
    """Step 12: retention and sharing per hospital and fund against the item-based pool amount (TV-C4, S001-46…49).

    After audit deductions, before the assessment. A share of an overspend is paid once: by the band, by the band where
    a reasonable cause is approved, or on the amount approved alone (S001-47, S001-48). Hospitals near an edge are told.
    """
    if not state.applies("bands"):
        return state
    change = np.zeros(state.size, np.int64)
    ratio_e4 = state.places["band_ratio_e4"].copy()
    near, told = list(state.places["near_edge"]), []
    due, item, cap_base = _band_amounts(state)
    for place, where in enumerate(state.dimensions):
        if state.value("band.apply", **where) == "none" or state.places["is_observed"][place]:
            continue
        if due[place] <= 0:
            told.append(_reason(state, place, "分档", "应付不为正，不分档", 0))
            continue
        ratio_e4[place] = round_half_up(int(item[place]) * SCALE, int(due[place]))
        rule = _rule(state, where)
        near[place] = _near(state, int(item[place]), int(due[place]), rule)
        paid, how = _band_pay(state, where, rule, int(due[place]), int(item[place]), int(cap_base[place]))
        change[place] = paid - int(due[place])
        percent = Decimal(int(ratio_e4[place])) / 100
        formula = f"按项目 {yuan(int(item[place]))} ÷ 应付 {yuan(int(due[place]))} = {percent:.2f} %；{how}"
        formula += _moved(state, int(change[place]))
        told.append(_reason(state, place, "结余留用与超支分担", formula, int(change[place])))
    after = state.changed("banded_fen", change).with_places(band_ratio_e4=ratio_e4, near_edge=np.array(near, object))
    close = sum(bool(text) for text in near)
    return after.told(*told, notes=(f"{close} 个机构的一项基金离分档界限很近，过界金额会跳变",) if close else ())


def _reason(state: State, place: int, label: str, formula: str, amount: int) -> Explained:
    key = "band.apply" if amount == 0 else "band.retained" if amount < 0 else "band.overspend_share"
    key = key if key in state.policy.edition.parameters else "band.apply"
    return Explained(place, _STEP12, label, formula, amount, key, state.source(key))


def _moved(state: State, change: int) -> str:
    """Where a top-up comes from, or where what is cut goes, in words."""
    if not change:
        return ""
    key = "band.topup_source" if change > 0 else "band.cut_to"
    where = KNOWN[key].options[state.value(key)]
    return f"；分担部分由{where}支付" if change > 0 else f"；扣下部分归{where}"


def _band_amounts(state: State) -> tuple[IntColumn, IntColumn, IntColumn]:
    """What the bands compare: due, item-based amount, and the due on which the upper edge stands."""
    due, item = state.places["due_fen"], state.places["item_pool_fen"]
    before = state.places["due_before_tier_fen"]
    bands_any = any(value != "none" for value in state.values("band.apply"))
    if not bands_any:
        return due, item, due
    if state.value("band.covers") == "drg":
        outside = ~state.lines["is_drg"]
        apart = state.per_place(state.lines["payable_fen"], outside)
        due, before = due - apart, before - apart
        item = item - state.per_place(state.lines["item_pool_fen"], outside)
    if state.value("audit.bands") == "both":
        item = item - state.places["audit_fen"]
    return due, item, before if state.value("band.cap_base") == "before_k" else due


def _rule(state: State, where: dict[str, str]) -> BandRule:
    policy, on = state.policy, state.on
    below = state.value("band.below", **where)
    overspend = state.value("band.overspend", **where)
    return BandRule(
        policy.scaled("band.lower", on, **where),
        below,
        policy.scaled("band.below_share", on, **where) if below != "actual" else 0,
        policy.scaled("band.retained", on, **where),
        policy.scaled("band.retained_cap", on, **where),
        0 if overspend == "none" else policy.scaled("band.overspend_share", on, **where),
        policy.scaled("band.upper", on, **where),
    )


def _band_pay(
    state: State, where: dict[str, str], rule: BandRule, due: int, item: int, cap_base: int
) -> tuple[int, str]:
    how = state.value("band.overspend", **where)
    cause = state.rulings.causes.get((where["institution_code"], where["fund"]), _NO_CAUSE)
    if item > due and how == "cause":
        limit = round_half_up(cap_base * rule.upper_e4, SCALE)
        reasonable = max(min(cause.reasonable_fen, min(item, limit) - due), 0)
        borne = round_half_up(reasonable * rule.share_e4, SCALE)
        return due + borne, f"应付 + 核定合理超支 {yuan(reasonable)} 的基金份额"
    if item > due and how == "band_with_cause" and not cause.reasonable_fen:
        return due, "超支没有核定的合理原因，由医院承担"
    found = banded(due, item, rule, cap_base_fen=cap_base, unit_fen=state.unit())
    return found.pay_fen, found.formula


def _near(state: State, item: int, due: int, rule: BandRule) -> str:
    """The edge that the ratio of a place lies near, in words; empty when none."""
    within_e4 = state.policy.scaled("band.near", state.on)
    for label, edge_e4 in (("结余留用下限", rule.lower_e4), ("超支分担上限", rule.upper_e4)):
        if edge_e4 and abs(item * SCALE - edge_e4 * due) <= within_e4 * due:
            return f"{label} {Decimal(edge_e4) / 100:.2f} %"
    return ""


def assess(state: State) -> State:
    """Step 13: the assessment coefficient on the deposit only, or on all that is due (S912-01, choices of family 20).

    The score comes from a decision or from the agreement sheet; a hospital that needs one and has none stops the
    clearing (PolicyError `clear.score`). Then what the credit rating does, where the edition names an effect (S000-36).
    """
    applies = state.value("assessment.applies_to")
    if applies == "none" or (applies == "deposit" and not state.applies("deposit")):
        return _rated_by_credit(state, state.places["deposit_fen"])
    after = _assessed(state, applies)
    released = after.places["deposit_fen"] + (after.places["assessed_fen"] if applies == "deposit" else 0)
    return _rated_by_credit(after, released)


def _assessed(state: State, applies: str) -> State:
    coefficient, score = _coefficients(state)
    base = state.places["deposit_fen"] if applies == "deposit" else state.places["due_fen"]
    change = state.shared(base, coefficient) - base
    if (base < 0).any() and state.value("assessment.negative") == "skip":
        change = np.where(base < 0, 0, change)
    what = "质量保证金" if applies == "deposit" else "清算额"
    source = state.source("assessment.applies_to")
    told = [
        Explained(
            place,
            _STEP13,
            "考核",
            f"{what} {yuan(int(base[place]))} × 考核系数 {Decimal(int(coefficient[place])) / SCALE:.4f}",
            int(change[place]),
            "assessment.applies_to",
            source,
        )
        for place in range(state.size)
    ]
    after = state.changed("assessed_fen", change)
    return after.with_places(coefficient_e4=coefficient, score_e4=score).told(*told)


def _rated_by_credit(state: State, released: IntColumn) -> State:
    """The share of the deposit that the credit rating of the last published grade lets go back (S000-36)."""
    if "credit.rating" not in state.policy.edition.parameters or state.value("credit.effect") == "none":
        return state
    rating, change = state.places["credit_rating"], np.zeros(state.size, np.int64)
    told = []
    source = state.source("credit.deposit_share")
    for place in np.flatnonzero(released > 0).tolist():
        share_e4 = state.policy.scaled("credit.deposit_share", state.on, credit_rating=rating[place] or "")
        amount = int(released[place])
        change[place] = int(state.shared(np.array([amount]), share_e4)[0]) - amount
        grade, year = state.places["grade"][place], state.places["grade_year"][place]
        basis = f"国考等级 {grade}（{year} 年度），信用评级 {rating[place]}" if grade else "没有公布过国考等级"
        formula = f"{basis}：质量保证金 {yuan(amount)} 返还 {Decimal(share_e4) / 100:.2f} %"
        told.append(Explained(place, _STEP13, "信用评级", formula, int(change[place]), "credit.deposit_share", source))
    return state.changed("assessed_fen", change).told(*told)


def _coefficients(state: State) -> tuple[IntColumn, IntColumn]:
    full = state.value("assessment.full_score")
    scores = state.rulings.scores_e4
    if state.value("assessment.source") == "agreement":
        scores = agreement_scores(state.rulings.agreements, full)
    missing = sorted(set(state.places["institution_code"].tolist()) - set(scores))
    if missing:
        raise PolicyError(
            "clear.score",
            f"{len(missing)} 家机构没有本年度的考核得分，例如 {missing[0]}",
            where="assessment.source",
            hint="装载考核得分（决定表 kind=score）或给出协议考核表；不考核时把 assessment.applies_to 写成 none",
        )
    score = np.array([scores[code] for code in state.places["institution_code"]], np.int64)
    if state.value("assessment.form") == "proportional":
        return np.array([round_half_up(int(one), full) for one in score], np.int64), score
    bands = state.value("assessment.bands")
    found = [_banded_coefficient(bands, Decimal(int(one)) / (full * SCALE)) for one in score]
    return np.array(found, np.int64), score


def _banded_coefficient(bands: Any, ratio: Decimal) -> int:
    chosen = [band.value for band in bands if band.start <= ratio]
    if not chosen:
        raise PolicyError(
            "policy.gap",
            f"考核得分率 {ratio} 低于最低一档",
            where="assessment.bands",
            hint="让最低一档从 0 起",
        )
    return int(chosen[-1] * SCALE)


def balance(state: State) -> State:
    """Step 14: minus what was transferred already: 补付 above zero, 收回 below (S001-40, S001-41)."""
    places = state.places
    left = places["due_fen"] - places["penalty_fen"] - places["transferred_fen"]
    told = [
        Explained(
            place,
            _STEP14,
            "补付" if left[place] >= 0 else "收回",
            f"清算额 {yuan(int(places['due_fen'][place]))} − 违约金 {yuan(int(places['penalty_fen'][place]))}"
            f" − 已拨付 {yuan(int(places['transferred_fen'][place]))}",
            int(left[place]),
            "",
            "",
        )
        for place in range(state.size)
    ]
    return replace(state.with_places(balance_fen=left), explained=(*state.explained, *told))
