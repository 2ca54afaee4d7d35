"""The yearly prepayment 按年度基数预付 (`s001`): base, reserve, instalments, use, warnings (S001-34…41, 54)."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, NamedTuple

from tongpin.base.errors import PolicyError
from tongpin.base.money import SCALE, check_balance, round_half_up, split_fen, yuan

if TYPE_CHECKING:
    from tongpin.payment.policy.policy import Policy

ORDINARY, SHORT = "ordinary", "short"
"""资金状况 of a hospital: ordinary, or short of cash (S001-54)."""


class History(NamedTuple):
    """What the fund spent at a hospital in the years before, oldest first, in fen.

    `excluded_fen`: unreasonable growth found in each of those years, evidenced (split stays, dear consumables);
    `excluded_why`: the evidence in words.
    """

    institution_code: str
    fund: str
    hospital_level: str
    function_type: str
    spent_fen: tuple[int, ...]
    excluded_fen: tuple[int, ...] = ()
    excluded_why: str = ""


class Line(NamedTuple):
    """One line of how an amount was formed: label, formula, amount in fen, parameter and where it stands."""

    label: str
    formula: str
    amount_fen: int
    parameter: str
    source: str


class Budget(NamedTuple):
    """The prepayment of a hospital and fund for a year, in fen: core, reserve, instalments, and how they came about."""

    institution_code: str
    fund: str
    core_fen: int
    reserve_fen: int
    total_fen: int
    instalments_fen: tuple[int, ...]
    steps: tuple[Line, ...]
    warnings: tuple[str, ...]


class Settled(NamedTuple):
    """A prepayment settled at the end of its year, in fen: due = paid + now + reserve still payable (S001-41)."""

    due_fen: int
    paid_fen: int
    now_fen: int
    reserve_payable_fen: int


def told(policy: Policy, on: date, label: str, formula: str, amount_fen: int, key: str) -> Line:
    """A line of how an amount was formed, with the document that its parameter stands in, or 模拟."""
    parameter = policy.parameter(key)
    reference = parameter.reference.get(policy.in_force_since(key, on))
    assumed = "模拟" if parameter.assumed or reference is None else ""
    source = "" if reference is None else f"{reference.title}{reference.clause}"
    return Line(label, formula, amount_fen, key, "，".join(part for part in (source, assumed) if part))


def yearly_budget(
    policy: Policy,
    year: int,
    history: History,
    *,
    cash: str = ORDINARY,
    reserve_fen: int | None = None,
    this_year_fen: int | None = None,
) -> Budget:
    """The prepayment of a year: mean of the years before × ratio × one combined factor + reserve (S001-38, TV-C2).

    Unreasonable growth is taken out before the mean (S001-35). `reserve_fen`: a reserve fixed by agreement instead of
    the edition's share; `this_year_fen`: the running year's spending, against which a low total is warned of.
    PolicyError `prepay.history` when the edition's years are not all there, `policy.gap` when the edition is silent.
    """
    on = date(year, 1, 1)
    place = {
        "fund": history.fund,
        "hospital_level": history.hospital_level,
        "function_type": history.function_type,
        "institution_code": history.institution_code,
        "cash": cash,
    }

    years = policy.value("prepay.mean_years", on, **place)
    spent = _reasonable(history, years)
    mean = round_half_up(sum(spent), years)
    ratio_e4 = policy.scaled("prepay.base_ratio", on, **place)
    factor_e4 = policy.scaled("prepay.factor", on, **place)
    core = round_half_up(mean * ratio_e4 * factor_e4, SCALE * SCALE)
    steps = []
    excluded = sum(history.excluded_fen[-years:])
    if excluded:
        why = history.excluded_why or "没有写原因"
        steps.append(told(policy, on, "剔除不合理增长", why, -excluded, "prepay.mean_years"))
    sums = " + ".join(yuan(one) for one in spent)
    factors = f"均值 × {ratio_e4 / SCALE:.4f} × 等级与功能系数 {factor_e4 / SCALE:.4f}"
    steps += [
        told(policy, on, "前几年均值", f"（{sums}）÷ {years}", mean, "prepay.mean_years"),
        told(policy, on, "基数部分", factors, core, "prepay.factor"),
    ]
    if reserve_fen is None:
        reserve_e4 = policy.scaled("prepay.reserve_ratio", on, **place)
        if policy.value("prepay.reserve_base", on, **place) == "core":
            reserve_fen = round_half_up(core * reserve_e4, SCALE)
        else:
            reserve_fen = round_half_up(core * reserve_e4, SCALE - reserve_e4)
        share = f"预留比例 {reserve_e4 / SCALE:.4f}"
        steps.append(told(policy, on, "考核金预留", share, reserve_fen, "prepay.reserve_ratio"))
    total = core + reserve_fen
    paid_e4 = policy.scaled("prepay.paid_ratio", on, **place)
    base = core if policy.value("prepay.paid_base", on, **place) == "core" else total
    paid = round_half_up(base * paid_e4, SCALE)
    count = policy.value("prepay.instalments", on, **place)
    parts = tuple(split_fen(paid, [1] * count))
    poor = "（资金紧张）" if cash == SHORT else ""
    how = f"{yuan(base)} × {paid_e4 / SCALE:.4f}{poor}，分 {count} 次"
    steps.append(told(policy, on, "预付款", how, paid, "prepay.paid_ratio"))
    check_balance("prepay.instalments", "预付款与各次之和", paid, sum(parts))
    warnings = _low(policy, on, total, this_year_fen)
    return Budget(history.institution_code, history.fund, core, reserve_fen, total, parts, tuple(steps), warnings)


def _reasonable(history: History, years: int) -> list[int]:
    if len(history.spent_fen) < years:
        raise PolicyError(
            "prepay.history",
            f"机构 {history.institution_code} 基金 {history.fund} 只有 {len(history.spent_fen)} 年支出，要 {years} 年",
            where="prepay.mean_years",
            hint="补上以前年度的支出，或在付费办法中改取均值的年数",
        )
    taken = list(history.excluded_fen) or [0] * len(history.spent_fen)
    if len(taken) != len(history.spent_fen):
        raise PolicyError("prepay.history", "不合理增长须逐年写明", where="excluded_fen", hint="没有的年份写 0")
    pairs = list(zip(history.spent_fen, taken, strict=True))
    return [spent - excluded for spent, excluded in pairs[-years:]]


def _low(policy: Policy, on: date, total: int, this_year_fen: int | None) -> tuple[str, ...]:
    """Ratio times factor may lie well below what the running year costs: said, never corrected in silence."""
    if not this_year_fen:
        return ()
    short_e4 = round_half_up((this_year_fen - total) * SCALE, this_year_fen)
    if short_e4 < policy.scaled("prepay.low_warning", on):
        return ()
    return (f"预付总额比最近一年支出低 {short_e4 / 100:.2f} %，可能不够用",)


def settle_prepayment(due_fen: int, paid_fen: int, reserve_fen: int) -> Settled:
    """The cash step at the end of the year: due − paid − reserve, which waits for the assessment (TV-C1, S001-41).

    A negative step is returned by the hospital (多退少补, S001-40).
    """
    now = due_fen - paid_fen - reserve_fen
    found = Settled(due_fen, paid_fen, now, reserve_fen)
    check_balance("prepay.settled", "应付与已付、本次、考核金之和", due_fen, paid_fen + now + reserve_fen)
    return found


def use_warnings(
    policy: Policy, on: date, *, used_fen: int, paid_fen: int, growth_e4: int, fund: str
) -> tuple[str, ...]:
    """Whether payments of the prepayment should pause: it is nearly used up and the fees grow too fast (S001-44)."""
    if paid_fen <= 0:
        return ()
    used_e4 = round_half_up(used_fen * SCALE, paid_fen)
    limit_e4 = policy.scaled("prepay.use_warning", on, fund=fund)
    fast_e4 = policy.scaled("prepay.growth_warning", on, fund=fund)
    if used_e4 <= limit_e4 or growth_e4 <= fast_e4:
        return ()
    return (f"预付资金已用 {used_e4 / 100:.2f} %，费用增长 {growth_e4 / 100:.2f} %：建议暂停拨付并核查",)
