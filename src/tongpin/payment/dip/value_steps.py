"""Point values with every step 点值怎样得出: the budget value from history, the settlement value from posted lines.

Budget value = weighted yearly cost / Σ(score x cases); settlement value = (fund available / reimbursement ratio) /
Σ points (TV-B1, B2). The clearing pays by the second; here it is shown before, with the same arithmetic.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tongpin.base.errors import PolicyError
from tongpin.base.money import SCALE, round_half_up, yuan
from tongpin.payment.dip.catalogue import YEARS
from tongpin.payment.dip.values import PointValue, budget_value, point_value, settlement_value, value_terms
from tongpin.payment.pricing.steps import Step, Told, four

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from tongpin.payment.dip.catalogue import Catalogue
    from tongpin.payment.policy.policy import Policy

_YEARS = {1: "最早", 2: "中间", 3: "最近"}
WHOLE = ""
"""The fund code of all funds together."""


class HistoryYear(NamedTuple):
    """A year of history (3 the newest): its weight, cases with a disease, their fees in fen, their scores (e4)."""

    place: int
    weight: int
    cases: int
    cost_fen: int
    points_e4: int


class ValueSteps(NamedTuple):
    """A point value of a fund (`WHOLE`: all), the steps to it, and the monthly value of the edition beside it."""

    fund: str
    label: str
    value: PointValue
    steps: tuple[Step, ...]
    monthly_e4: int | None


def budget_values(history: pa.Table, catalogue: Catalogue, policy: Policy, on: date) -> list[ValueSteps]:
    """The budget point value of all funds and of each, from grouped history.

    `history`: `drg, year_place, total_fee_fen, fund`; cases without a disease have neither cost nor score here. Years
    without cases are left out of the weights. PolicyError `dip.points` when there is nothing, `policy.gap`.
    """
    codes = list(catalogue.by_code)
    drg = pc.cast(history["drg"], pa.string())
    numbers = pc.fill_null(pc.index_in(drg, value_set=pa.array(codes, pa.string())), -1).to_numpy()
    rw_e4 = np.array([one.rw_e4 for one in catalogue.groups] + [0], np.int64)[numbers]
    fee, place = history["total_fee_fen"].to_numpy(), history["year_place"].to_numpy()
    known = numbers >= 0
    funds = np.array(history["fund"].to_pylist(), np.str_)
    scale = policy.value("dip.score.scale", on)
    found = []
    for fund in [WHOLE, *sorted(set(funds.tolist()))]:
        rows = known & ((funds == fund) | (fund == WHOLE))
        years = []
        for year in range(1, YEARS + 1):
            own = rows & (place == year)
            weight = policy.value("dip.catalogue.year_weight", on, year_place=str(year))
            points = int(rw_e4[own].sum()) * scale
            years.append(HistoryYear(year, weight, int(own.sum()), int(fee[own].sum()), points))
        found.append(_budget(fund, tuple(years), policy, on))
    return found


def _budget(fund: str, years: tuple[HistoryYear, ...], policy: Policy, on: date) -> ValueSteps:
    used = [one for one in years if one.cases]
    if not used:
        raise PolicyError("dip.points", "历史里没有入病种的病例，算不出预算点值", hint="检查月份与目录")
    told = Told({"drg": ""}, policy, on)
    decimals, _ = value_terms(policy, on)
    weights = [one.weight for one in used]
    by_newest = policy.value("dip.value.cases", on) == "newest"
    counted = used[-1:] if by_newest else used
    points = round_half_up(sum(one.weight * one.points_e4 for one in counted), sum(one.weight for one in counted))
    value = budget_value([one.cost_fen for one in used], weights, points, decimals)
    steps = [
        told.plain(
            f"第 {one.place} 年",
            f"第 {one.place} 年（{_YEARS[one.place]}）：{one.cases:,} 例，住院费用 {yuan(one.cost_fen)} 元，"
            f"分值 {four(one.points_e4)}，"
            f"权重 {one.weight}",
            one.cost_fen,
        )
        for one in used
    ]
    terms = " + ".join(f"{one.weight}×{yuan(one.cost_fen)}" for one in used)
    how = "最近一年" if by_newest else "各年按同样的权重平均"
    steps += [
        told.step(
            "加权费用",
            f"加权年度费用 {yuan(value.money_fen)} 元 =（{terms}）÷ {sum(weights)}",
            value.money_fen,
            "dip.catalogue.year_weight",
        ),
        told.step("总分值", f"总分值 {four(points)}：分值 × 例数，{how}", None, "dip.value.cases", "dip.score.scale"),
        told.step(
            "预算点值",
            f"预算点值 {four(value.value_e4)} 元 = 加权年度费用 ÷ 总分值",
            None,
            "dip.value.decimals",
        ),
    ]
    return ValueSteps(fund, _label(fund, policy, on), value, tuple(steps), _monthly(fund, policy, on))


def settlement_values(
    lines: pa.Table, policy: Policy, on: date, budgets_fen: Mapping[str, int] | None = None
) -> list[ValueSteps]:
    """The settlement point value of each fund from the posted lines of its year.

    `lines`: `fund, points_e4, total_fee_fen, item_pool_fen, line_sign` of the lines paid by scores, red lines included.
    `budgets_fen`: by fund, in the place of `dip.final_budget` of the edition. PolicyError `policy.gap`, `dip.points`.
    """
    scored = lines.filter(pc.and_(pc.equal(lines["pay_scope"], "DRG"), pc.is_valid(lines["points_e4"])))
    sign = scored["line_sign"].to_numpy()
    points = scored["points_e4"].to_numpy() * sign
    fees, pool = (scored[name].to_numpy() for name in ("total_fee_fen", "item_pool_fen"))
    funds = np.array(scored["fund"].to_pylist(), np.str_)
    told = Told({"drg": ""}, policy, on)
    decimals, split = value_terms(policy, on)
    found = []
    for fund in sorted(set(funds.tolist())):
        rows = funds == fund
        total, fee_fen, pool_fen = int(points[rows].sum()), int(fees[rows].sum()), int(pool[rows].sum())
        stated = (budgets_fen or {}).get(fund)
        budget = stated if stated is not None else policy.value("dip.final_budget", on, fund=fund)
        key = () if stated is not None else ("dip.final_budget",)
        source = "试算所给" if stated is not None else "付费办法所写"
        steps = [
            told.plain("本年", f"本年按分值付费 {int(sign[rows].sum()):,} 例，结算分值合计 {four(total)}", None),
            told.step("预算", f"最终预算 {yuan(budget)} 元（{source}）", budget, *key),
        ]
        if policy.value("dip.final_budget_base", on) == "fund":
            ratio_e4, ratio = _ratio(policy, on, fund, pool_fen, fee_fen, told)
            steps.append(ratio)
            value = settlement_value(budget, ratio_e4, total, decimals)
            how = f"可用基金 ÷ 报销比例 = {yuan(value.money_fen)} 元"
        else:
            value, how = point_value(budget, total, decimals), "预算已含个人与其他基金"
        steps.append(told.step("可付总额", f"可付总额 {yuan(value.money_fen)} 元：{how}", value.money_fen, _BASE))
        left = "按分值分到分，恰好付清" if split == "exact" else f"逐例取整后与总额差 {yuan(value.residue_fen)} 元"
        text = f"结算点值 {four(value.value_e4)} 元 = 可付总额 ÷ 结算分值合计；{left}"
        steps.append(told.step("结算点值", text, None, "dip.value.decimals", "dip.value.split"))
        found.append(ValueSteps(fund, _label(fund, policy, on), value, tuple(steps), _monthly(fund, policy, on)))
    return found


_BASE = "dip.final_budget_base"


def _ratio(policy: Policy, on: date, fund: str, pool_fen: int, fee_fen: int, told: Told) -> tuple[int, Step]:
    """The reimbursement ratio of a fund and the step that says where it comes from."""
    if policy.value("dip.final_ratio_from", on) == "stated":
        ratio_e4 = policy.scaled("dip.final_ratio", on, fund=fund)
        keys: tuple[str, ...] = ("dip.final_ratio_from", "dip.final_ratio")
        how = "付费办法所写"
    else:
        ratio_e4 = round_half_up(pool_fen * SCALE, fee_fen) if fee_fen > 0 else 0
        keys, how = ("dip.final_ratio_from",), f"按项目统筹 {yuan(pool_fen)} ÷ 总费用 {yuan(fee_fen)}"
    return ratio_e4, told.step("报销比例", f"报销比例 {ratio_e4 / 100:.2f} %：{how}", None, *keys)


def _label(fund: str, policy: Policy, on: date) -> str:
    return str(policy.value("fund.label", on, fund=fund)) if fund else "各项基金合计"


def _monthly(fund: str, policy: Policy, on: date) -> int | None:
    """The monthly value of the edition; none for all funds together where it differs by fund."""
    by_fund = "fund" in policy.parameter("dip.point_value").by
    return None if by_fund and not fund else policy.scaled("dip.point_value", on, fund=fund)
