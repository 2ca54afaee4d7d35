"""Steps 8 and 9 of a clearing: single cases decided, the cap of high outliers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tongpin.base.errors import PolicyError
from tongpin.base.money import SCALE
from tongpin.payment.month.posting import list_keys
from tongpin.payment.pricing.rounding import limit_of
from tongpin.payment.year.rulings import outcome
from tongpin.payment.year.scores import decide_deviations, standard_points
from tongpin.payment.year.state import repaid

if TYPE_CHECKING:
    from tongpin.payment.year.state import BoolColumn, IntColumn, State

_STEP8, _STEP9 = 8, 9
DEVIATION = "deviation"
"""The outcome of an expert review that sets a deviation coefficient; it is no special case and uses no quota."""


def decide_cases(state: State) -> State:
    """Step 8: appeals upheld, special cases within their quota, the share of overdue lists (S903-03, S901-02).

    An upheld appeal and an approved special case are paid by item or at the amount decided (the gross of the case);
    approved cases beyond the quota stay as they were. Rulings on lists that are not of this clearing are counted in a
    note. PolicyError `clear.decision` when a decided amount is missing, `policy.gap` when the edition is silent.
    """
    found = _matched(state)
    state = _appeals(state, found)
    special = [row | {"outcome": outcome(row["kind"], row["result"])} for row in found if row["kind"] == "special_case"]
    state = _special_cases(state, [row for row in special if row["outcome"] != DEVIATION])
    state = decide_deviations(state, [row for row in special if row["outcome"] == DEVIATION])
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
    # An amount decided for one case (部分同意, 新技术) is paid even where the edition pays by item.
    decided = [state.value(key) != "by_item" or row.get("outcome") == "decided" for row in rows]
    gross = state.lines["fee_fen"][places].copy()
    gross[decided] = [_decided(row) for row, own in zip(rows, decided, strict=True) if own]
    how = "按决定的金额" if all(decided) else "按项目或决定的金额" if any(decided) else "按项目"
    before = state.lines["payable_fen"]
    after = repaid(state, places, gross, "decided_fen", why)
    changes = state.per_place(after.lines["payable_fen"] - before)
    counts = state.per_place(np.ones(len(before), np.int64), places)
    return after.told(*state.steps(_STEP8, f"{why}的病例", counts, changes, f"{{count}} 例{how}", key))


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


def _special_cases(state: State, asked: list[dict[str, Any]]) -> State:
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
    rows = np.array([row["row"] for row in found if row["kind"] == "overdue" and _is_overdue(row)], np.int64)
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
        *state.steps(_STEP8, "逾期上传的清单", counts, changes, "{count} 例按逾期比例支付", "overdue.share")
    )


def _is_overdue(row: dict[str, Any]) -> bool:
    """A list named overdue without a result is overdue; an exemption takes it off the list."""
    return row["result"] is None or outcome("overdue", row["result"]) == "overdue"


def cap_high_outliers(state: State) -> State:
    """Step 9: of each hospital's high outliers only so many keep their pay mode; the others are paid at the standard.

    The largest excess over the standard comes first (TV-P6, S900-08). Cases already paid at the standard are no
    matter; approved special cases leave the list first where the edition says so. By scores the step is taken where
    the edition says so (`dip.applies.outlier_cap`).
    """
    lines = state.lines
    high = lines["standing"] & lines["is_high"] & ~lines["at_standard"]
    if not high.any() or not state.applies("outlier_cap"):
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
    gross = lines["standard_fen"][beyond] + _on_top(state, beyond)
    after = repaid(state, beyond, gross, "capped_fen", "费用极高超出例数上限", at_standard=True, by_points=True)
    after = _at_standard_points(after, beyond)
    changes = state.per_place(after.lines["payable_fen"] - before)
    counts = state.per_place(np.ones(len(before), np.int64), beyond)
    told = state.steps(_STEP9, "费用极高超出例数上限", counts, changes, "{count} 例改按支付标准", "outlier.cap.ratio")
    return after.told(*told)


def _on_top(state: State, rows: IntColumn) -> IntColumn:
    """What a gross holds besides the standard: fees outside the base, or other payers' parts."""
    pointed = state.lines["by_points"][rows]
    if not pointed.any():
        outside: IntColumn = state.lines["outside_fen"][rows]
        return outside
    of_pool = not state.by_scores and state.value("points.budget_base") == "fund"
    return np.where(pointed, state.own_fen(rows) if of_pool else 0, state.lines["outside_fen"][rows])


def _at_standard_points(state: State, rows: IntColumn) -> State:
    """Capped cases that have points keep those of the standard, so that a final value pays them no more than it."""
    pointed = rows[state.lines["by_points"][rows]]
    if not len(pointed):
        return state
    points = state.lines["points_e4"].copy()
    points[pointed] = np.minimum(points[pointed], standard_points(state, pointed))
    return state.with_lines(points_e4=points)
