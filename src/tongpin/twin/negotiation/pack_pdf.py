"""The pack on paper 谈判材料 A4: a summary, a page for each group, the hospital; what a director brings along."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tongpin.measures.guokao.sheet_xlsx import figure_text
from tongpin.report.charts import to_png
from tongpin.report.pdf import Paper, Picture, Ruled, write_papers
from tongpin.report.words import MISSING, count_text, month_text, number_text, percent_text, wan_text, yuan_text
from tongpin.twin.negotiation.charts import by_period, hospitals
from tongpin.twin.negotiation.evidence import LEAST_SHOWN

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tongpin.twin.negotiation.evidence import Difficulty, GroupEvidence, Money
    from tongpin.twin.negotiation.run import Pack

_STAMP = "医院：＿＿＿＿＿＿（盖章）　　　联系人：＿＿＿＿＿＿　　　日期：＿＿＿＿＿＿"


def write_pack_pdf(pack: Pack, path: Path, notices: Sequence[str]) -> None:
    """The pack at `path`, A4: each part begins a page of its own."""
    title = f"关于{'、'.join(group.drg for group in pack.groups)}病组支付标准的协商材料"
    foot = f"{pack.hospital_name}　{month_text(pack.months[0])}至{month_text(pack.months[-1])}"
    papers = [
        _summary(pack, title, foot, notices),
        *(_group(pack, group, foot) for group in pack.groups),
        _hospital(pack, foot),
    ]
    write_papers(papers, path, title=title)


def _summary(pack: Pack, title: str, foot: str, notices: Sequence[str]) -> Paper:
    word = "成本" if pack.has_cost else "费用"
    asked: list[str | Ruled | Picture] = [f"{number}. {text}" for number, text in enumerate(pack.requests, start=1)]
    if not asked:
        asked = ["所列病组没有本院与同级都高于标准的，材料不提请求，供讨论参考。"]
    table = Ruled(
        (
            "病组",
            "例数",
            "次均费用",
            "同级\n例数",
            "同级次均费用（95% 区间）",
            "次均标准",
            "结余\n（万元）",
            "现行\n权重",
            "持平\n权重",
        ),
        (17, 6, 14, 6, 31, 14, 12, 10, 10),
        [
            [
                f"{group.drg} {group.name}",
                count_text(group.own.cases),
                yuan_text(group.own.mean_fee_fen),
                count_text(group.peers.cases),
                with_interval(group.peers).replace("（", "\n（"),
                yuan_text(group.own.mean_standard_fen),
                wan_text(group.own.result_fen),
                number_text(group.weight, 4),
                number_text(group.even_weight, 4),
            ]
            for group in pack.groups
        ],
        frozenset(range(1, 9)),
    )
    parts: list[str | Ruled | Picture] = ["一、请求", *asked, "二、一页看清", table]
    parts.append(
        f"持平权重：按现行费率，让按标准付费的病例的标准合计等于它们的{word}合计的权重（模拟）；"
        "费用极高、极低而按项目付的病例不计。结余含全部病例，负数表示应付低于费用。"
    )
    if pack.effects:
        parts += ["三、标准提高对基金的影响（模拟）", _effects(pack)]
        parts.append(
            "用所列月份的全部病例按新旧权重逐例重算，含倍率类别的变化。层级总额不变时，这部分由同级其他病组分摊，基金总支出不增加。"
        )
    parts += ["四、口径与依据", f"付费办法：{pack.policy_label}（{pack.policy_id}）", *pack.notes]
    return Paper(title, [f"{pack.hospital_name}（{pack.level}）", *notices], parts, [_STAMP], foot)


def with_interval(peers: Money) -> str:
    """The mean fee of peers with its interval."""
    if peers.mean_fee_fen is None:
        return "没有同级病例"
    span = "" if peers.low_fen is None else f"（{yuan_text(peers.low_fen)}–{yuan_text(peers.high_fen)}）"
    return f"{yuan_text(peers.mean_fee_fen)}{span}"


def _effects(pack: Pack) -> Ruled:
    return Ruled(
        ("权重提高", "全区同组例数", "基金多付（万元）", "其中本院（万元）", "占全部应付统筹"),
        (15, 18, 22, 22, 20),
        [
            [
                percent_text(float(effect.raised)),
                count_text(effect.cases),
                wan_text(effect.fund_fen),
                wan_text(effect.own_fen),
                percent_text(effect.fund_fen / effect.total_fen if effect.total_fen else None),
            ]
            for effect in pack.effects
        ],
        frozenset(range(5)),
    )


def _group(pack: Pack, group: GroupEvidence, foot: str) -> Paper:
    cost = ("次均成本\n（元）",) if pack.has_cost else ()
    money = Ruled(
        ("", "例数", "次均费用\n（元）", "95% 区间", *cost, "次均标准\n（元）", "结余\n（万元）"),
        (20, 9, 16, 27, *((16,) if cost else ()), 16, 14),
        [
            ["本院", *_money(group.own, pack.has_cost)],
            ["同级其他机构", *_money(group.peers, pack.has_cost)],
        ],
        frozenset(range(1, 8)),
    )
    hard = Ruled(
        ("", "出院例数", "平均年龄", "≥65 岁", "<14 岁", "有并发症合并症", "其他诊断数", "重症监护", "死亡", "住院日"),
        (20, 11, 11, 11, 10, 16, 12, 11, 10, 10),
        [["本院", *_difficulty(group.difficulty)], ["同级其他机构", *_difficulty(group.peer_difficulty)]],
        frozenset(range(1, 10)),
    )
    parts: list[str | Ruled | Picture] = [
        "费用、标准与结余",
        money,
        f"走势（{group.period_word}，不足 {LEAST_SHOWN} 例的不画）",
        Picture(to_png(by_period(group)), 0.92),
    ]
    parts += [
        "难度（全部出院的病案首页）",
        hard,
        "同级各院（名称隐去，例数少的不列）",
        Picture(to_png(hospitals(group)), 0.8),
    ]
    heading = [
        (
            f"现行权重 {number_text(group.weight, 4)}；持平权重（模拟）本院 {number_text(group.even_weight, 4)}，"
            f"同级 {number_text(group.peer_even_weight, 4)}"
        )
    ]
    return Paper(f"{group.drg}　{group.name}", heading, parts, [], foot)


def _money(money: Money, has_cost: bool) -> list[str]:
    span = MISSING if money.low_fen is None else f"{yuan_text(money.low_fen)} – {yuan_text(money.high_fen)}"
    return [
        count_text(money.cases),
        yuan_text(money.mean_fee_fen),
        span,
        *([yuan_text(money.mean_cost_fen)] if has_cost else []),
        yuan_text(money.mean_standard_fen),
        wan_text(money.result_fen),
    ]


def _difficulty(one: Difficulty) -> list[str]:
    return [
        count_text(one.cases),
        number_text(one.mean_age, 1),
        *(percent_text(value) for value in (one.elderly, one.children, one.complicated)),
        number_text(one.other_diagnoses, 1),
        *(percent_text(value) for value in (one.intensive, one.death)),
        number_text(one.stay_days, 1),
    ]


def _hospital(pack: Pack, foot: str) -> Paper:
    months = Ruled(
        ("月份", "按病组付费例数", "CMI", "结余（万元）"),
        (20, 25, 20, 25),
        [
            [one.month, count_text(one.cases), number_text(one.cmi, 3), wan_text(one.result_fen)]
            for one in pack.hospital_months
        ],
        frozenset({1, 2, 3}),
    )
    parts: list[str | Ruled | Picture] = [
        "病例组合（医保DRG，按结算月）",
        months,
        "绩效考核：国家监测的国考指标，有数的",
    ]
    if pack.indicators:
        parts.append(_indicators(pack.indicators))
    else:
        parts.append(f"{pack.hospital_name}：{pack.hospital.reason or '没有可列的国考指标'}。")
    return Paper(f"{pack.hospital_name}：医院整体", [], parts, [], foot)


def _indicators(rows: Sequence[dict[str, Any]]) -> Ruled:
    return Ruled(
        ("编号", "指标", "导向", "今年", "上年同期"),
        (8, 46, 14, 16, 16),
        [
            [
                row["sub"],
                f"{row['name']}（{row['unit']}）" + ("，模拟" if row["assumed"] else ""),
                row["direction"],
                figure_text(row["value"], row["unit"]),
                figure_text(row["last"], row["unit"]),
            ]
            for row in rows
        ],
        frozenset({3, 4}),
    )
