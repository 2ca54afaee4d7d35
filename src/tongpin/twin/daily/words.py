"""Words 日报的话: the key figures of each block with their form, and the short text for pushing."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tongpin.report.words import count_text, percent_text, wan_text
from tongpin.twin.daily.catalogue import IN_HOUSE, MONTH_END, RETURNED, SPECIAL, YESTERDAY, setting
from tongpin.twin.daily.in_house import BY_DIAGNOSIS, NEAR, OVER, UNCOMPARED

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date
    from typing import Any

    from tongpin.twin.daily.in_house import InHouse
    from tongpin.twin.daily.month_end import MonthEnd, Sums
    from tongpin.twin.daily.returned import Returned
    from tongpin.twin.daily.run import Daily
    from tongpin.twin.daily.special import Special
    from tongpin.twin.daily.yesterday import Yesterday

SIMULATED = "模拟"


class Figure(NamedTuple):
    """A figure as people read it: label, value, unit, what it counts in one line, whether it rests on assumptions."""

    label: str
    value: str
    unit: str
    form: str
    simulated: bool = False
    warns: bool = False


def day_text(day: date) -> str:
    """`6月15日`."""
    return f"{day.month}月{day.day}日"


def signed(fen: int) -> str:
    """万元 with its sign, so that a result is never read as an amount."""
    text = wan_text(fen)
    return f"+{text}" if fen > 0 else text


def figures_of(block_id: str, made: Any, daily: Daily) -> list[Figure]:
    """The key figures of a block that has them."""
    return _FIGURES[block_id](made, daily)


def _yesterday(made: Yesterday, daily: Daily) -> list[Figure]:
    out = "、".join(f"{name} {count}" for name, count in made.ungrouped.items())
    paid = f"按病组付费的医保病例 {made.paid} 例"
    return [
        Figure("昨日出院", count_text(made.cases), "例", f"有清单 {made.lists}，只有首页 {made.pages}"),
        Figure("总费用", wan_text(made.fee_fen), "万元", f"全部出院；医保 {made.insured} 例"),
        Figure("预分组入组", count_text(made.grouped), "例", f"未入组 {made.cases - made.grouped} 例 {out}".strip()),
        Figure("预计差额", signed(made.result_fen), "万元", f"{paid}：标准付费 − 费用", daily.simulated),
    ]


def _in_house(made: InHouse, daily: Daily) -> list[Figure]:
    over = made.of(OVER)
    out = {name: len(made.of(name)) for name in UNCOMPARED}
    uncompared = "，".join(f"{UNCOMPARED[name]} {count}" for name, count in out.items() if count)
    compared = len(made.patients) - sum(out.values())
    by_dx = sum(one.basis == BY_DIAGNOSIS for one in made.patients)
    return [
        Figure(
            "在院", count_text(len(made.patients)), "人", f"{day_text(made.bill_date)}日终，已住 {made.bed_days:,} 床日"
        ),
        Figure(
            "已超标准",
            count_text(len(over)),
            "人",
            f"比较了 {compared} 人，其中凭拟诊断 {by_dx} 人；已住 {sum(one.days for one in over):,} 床日",
            daily.simulated,
        ),
        Figure("接近标准", count_text(len(made.of(NEAR))), "人", _near(), daily.simulated),
        Figure("不比", count_text(sum(out.values())), "人", uncompared or "没有"),
    ]


def _near() -> str:
    return f"过本组标准的 {setting('bill.near_e4') / 100:g}% 而未超"


def _returned(made: Returned, _: Daily) -> list[Figure]:
    left = "没有期限" if made.due is None else _left((made.due - made.on).days)
    waiting, overdue = made.total("waiting"), made.total("overdue")
    return [
        Figure("今天退回", count_text(made.total("today")), "份", f"昨日 {made.total('yesterday')} 份"),
        Figure("待重传", count_text(waiting), "份", f"最早期限 {made.due or '—'}，{left}" if waiting else "没有"),
        Figure("重传超期", count_text(overdue), "份", "待重传中已过期限的", warns=overdue > 0),
    ]


def _left(days: int) -> str:
    return f"还有 {days} 天" if days >= 0 else f"已过 {-days} 天"


def _month_end(made: MonthEnd, daily: Daily) -> list[Figure]:
    if made.closed:
        sums, word, form = made.so_far, f"{made.month} 月结", "已关账；例数含补传，金额另含红冲、蓝补"
    else:
        word = f"{made.month} 预计月结"
        days = f"余 {made.work_left} 个工作日、{made.rest_left} 个休息日"
        form = f"{days}，按近 {made.days} 天同类日子估计" if made.expected else f"至昨日；{made.reason}"
        sums = made.expected or made.so_far
    simulated = daily.simulated or (made.expected is not None)
    return [
        Figure(
            word,
            count_text(sums.cases),
            "例",
            form if made.closed else f"{form}{_span(made, 'cases', count_text)}",
            simulated,
        ),
        Figure(
            "统筹应付", wan_text(sums.pool_payable_fen), "万元", _so_far(made, "pool_payable_fen", wan_text), simulated
        ),
        Figure("盈亏", signed(sums.result_fen), "万元", _so_far(made, "result_fen", signed), simulated),
        Figure("结付率", percent_text(sums.ratio), "", "统筹应付 ÷ 按项目统筹", simulated),
    ]


def _so_far(made: MonthEnd, name: str, text: Callable[[int], str]) -> str:
    if made.closed:
        return "拨付 " + wan_text(made.cash_transfer_fen) if name == "pool_payable_fen" else "统筹应付 − 按项目统筹"
    return f"至昨日 {text(getattr(made.so_far, name))}{_span(made, name, text)}"


def _span(made: MonthEnd, name: str, text: Callable[[int], str]) -> str:
    if made.low is None or made.high is None:
        return ""
    bounds: tuple[Sums, Sums] = (made.low, made.high)
    low, high = (text(getattr(one, name)) for one in bounds)
    return f"；{made.level}% 区间 {low} 至 {high}"


def _special(made: Special, daily: Daily) -> list[Figure]:
    simulated = daily.simulated and made.assumed
    first = made.lists[0] if made.lists else None
    until = f"最早 {first.deadline} 截止，{_left(first.days_left)}" if first else "没有期限未过的"
    return [
        Figure("单议候选", count_text(len(made.lists)), "份", until, simulated),
        Figure("例数余量", count_text(made.quota_left), "例", f"已申报 {made.applied} 份", simulated),
    ]


_FIGURES: dict[str, Callable[[Any, Daily], list[Figure]]] = {
    YESTERDAY: _yesterday,
    IN_HOUSE: _in_house,
    RETURNED: _returned,
    MONTH_END: _month_end,
    SPECIAL: _special,
}


def short_text(daily: Daily) -> str:
    """The page in at most `text.most` characters; what does not fit is left out from the end, never the marks."""
    head = f"{daily.hospital_name}{day_text(daily.on)}院长日报"
    told = [_SENTENCES[one.block.id](one.figures) for one in daily.told if one.figures is not None]
    lacking = [one.block.label for one in daily.told if one.figures is None]
    told += [f"没有数：{'、'.join(lacking)}"] if lacking else []
    marks = ["演示数据"] * daily.synthetic + [SIMULATED] * daily.simulated
    tail = ["，".join(marks)] if marks else []
    while told:
        text = "。".join([head, *told, *tail]) + "。"
        if len(text) <= setting("text.most"):
            return text
        told.pop()
    return "。".join([head, *tail]) + "。"


def _yesterday_sentence(made: Yesterday) -> str:
    out = made.cases - made.grouped
    return (
        f"昨日出院{made.cases}例，费用{wan_text(made.fee_fen)}万元，未入组{out}例；"
        f"按病组标准预计{signed(made.result_fen)}万元"
    )


def _in_house_sentence(made: InHouse) -> str:
    out = sum(len(made.of(name)) for name in UNCOMPARED)
    return (
        f"在院{len(made.patients)}人：费用已超标准{len(made.of(OVER))}人，接近{len(made.of(NEAR))}人，"
        f"不比{out}人（只作提醒，不是扣款）"
    )


def _returned_sentence(made: Returned) -> str:
    waiting, overdue = made.total("waiting"), made.total("overdue")
    due = f"，最早{day_text(made.due)}到期" if waiting and made.due else ""
    late = f"，其中超期{overdue}份" if overdue else ""
    return f"{made.sentence.replace(' ', '')}；待重传{waiting}份{late}{due}"


def _month_end_sentence(made: MonthEnd) -> str:
    month = f"{int(made.month[5:])}月"
    if made.closed:
        sums, word = made.so_far, "已关账"
    elif made.expected is not None:
        sums, word = made.expected, "预计"
    else:
        sums, word = made.so_far, "至昨日"
    span = ""
    if made.low is not None and made.high is not None:
        span = f"（{made.level}%区间{signed(made.low.result_fen)}至{signed(made.high.result_fen)}）"
    money = f"统筹应付{wan_text(sums.pool_payable_fen)}万元，盈亏{signed(sums.result_fen)}万元{span}"
    return f"{month}月结{word}{sums.cases}例，{money}"


def _special_sentence(made: Special) -> str:
    if not made.lists:
        return "没有期限未过的单议候选"
    return f"单议候选{len(made.lists)}份，最早{day_text(made.lists[0].deadline)}截止，余量{made.quota_left}例"


_SENTENCES: dict[str, Callable[[Any], str]] = {
    YESTERDAY: _yesterday_sentence,
    IN_HOUSE: _in_house_sentence,
    RETURNED: _returned_sentence,
    MONTH_END: _month_end_sentence,
    SPECIAL: _special_sentence,
}
