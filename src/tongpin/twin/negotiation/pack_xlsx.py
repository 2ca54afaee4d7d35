"""The figures of the pack 谈判材料 xlsx: groups, months, hospitals of the level, effects, indicators."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tongpin.measures.guokao.sheet_xlsx import figure_text
from tongpin.report.xlsx import Column, Sheet, write_workbook

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tongpin.twin.negotiation.evidence import Difficulty
    from tongpin.twin.negotiation.run import Pack


def _money_columns(has_cost: bool) -> tuple[Column, ...]:
    return (
        Column("cases", "例数", "count"),
        Column("mean_fee_fen", "次均费用", "yuan"),
        Column("low_fen", "95% 低", "yuan"),
        Column("high_fen", "95% 高", "yuan"),
        *((Column("mean_cost_fen", "次均成本", "yuan"),) if has_cost else ()),
        Column("mean_standard_fen", "次均标准", "yuan"),
        Column("result_fen", "结余（万元）", "wan"),
        Column("usual_cases", "按标准付费的例数", "count"),
        Column("spent_per_standard", f"其{'成本' if has_cost else '费用'}占标准", "ratio"),
    )


_DIFFICULTY = (
    Column("pages", "出院例数", "count", "难度（全部出院）"),
    Column("mean_age", "平均年龄", "number", "难度（全部出院）"),
    Column("elderly", "≥65 岁", "ratio", "难度（全部出院）"),
    Column("children", "<14 岁", "ratio", "难度（全部出院）"),
    Column("complicated", "有并发症或合并症", "ratio", "难度（全部出院）"),
    Column("other_diagnoses", "其他诊断数", "number", "难度（全部出院）"),
    Column("intensive", "重症监护", "ratio", "难度（全部出院）"),
    Column("surgery", "手术", "ratio", "难度（全部出院）"),
    Column("death", "死亡", "ratio", "难度（全部出院）"),
    Column("stay_days", "平均住院日", "days", "难度（全部出院）"),
)


def write_pack_xlsx(pack: Pack, path: Path, notices: Sequence[str]) -> None:
    """The workbook of a pack."""
    notes = [*notices, f"付费办法 {pack.policy_label}（{pack.policy_id}）", *pack.notes]
    money = _money_columns(pack.has_cost)
    who = (Column("drg", "病组"), Column("name", "名称", "text", "", 30), Column("who", "谁"))
    weights = (
        Column("weight", "现行权重", "weight"),
        Column("even_weight", "持平的权重（模拟）", "weight"),
    )
    sheets = [
        Sheet("病组", "病组与同级", (*who, *money, *weights, *_DIFFICULTY), _group_rows(pack), notes, freeze_columns=3),
        Sheet(
            "走势",
            "走势（例数少的病组按季）",
            (*who[:1], Column("period", "时期"), who[2], *money),
            [
                {"drg": group.drg, "period": one.period, "who": label, **of._asdict()}
                for group in pack.groups
                for one in group.periods
                for label, of in (("本院", one.own), ("同级", one.peers))
            ],
            notes,
            freeze_columns=3,
        ),
        Sheet(
            "同级各院",
            "同级各院（名称隐去）",
            (*who[:1], Column("hospital", "机构"), *money, Column("complicated", "有并发症或合并症", "ratio")),
            [
                {"drg": group.drg, "hospital": peer.name, "complicated": peer.complicated, **peer.money._asdict()}
                for group in pack.groups
                for peer in group.hospitals
            ],
            notes,
            freeze_columns=2,
        ),
        Sheet("基金影响", "标准提高对基金的影响（模拟）", _EFFECT_COLUMNS, _effect_rows(pack), notes),
        Sheet(
            "医院各月",
            "医院各月",
            (
                Column("month", "月份"),
                Column("cases", "按病组付费例数", "count"),
                Column("cmi", "CMI", "index"),
                Column("result_fen", "结余（万元）", "wan"),
            ),
            [one._asdict() for one in pack.hospital_months],
            notes,
        ),
        Sheet("国考指标", "国考指标（国家监测，有数的）", _INDICATOR_COLUMNS, _indicator_rows(pack), notes),
    ]
    write_workbook(sheets, path, title=f"{pack.hospital_name} 协商材料")


def _group_rows(pack: Pack) -> list[dict[str, Any]]:
    rows = []
    for group in pack.groups:
        for who, money, hard, even in (
            ("本院", group.own, group.difficulty, group.even_weight),
            ("同级其他机构", group.peers, group.peer_difficulty, group.peer_even_weight),
        ):
            head = {"drg": group.drg, "name": group.name, "who": who, "weight": group.weight, "even_weight": even}
            rows.append(head | money._asdict() | _hard(hard))
    return rows


def _hard(one: Difficulty) -> dict[str, Any]:
    found = one._asdict()
    found["pages"] = found.pop("cases")
    return found


_EFFECT_COLUMNS = (
    Column("raised", "权重提高", "ratio"),
    Column("drg", "病组"),
    Column("cases", "全区例数", "count"),
    Column("fund_fen", "基金多付（万元）", "wan"),
    Column("own_fen", "其中本院（万元）", "wan"),
    Column("share", "占全部应付统筹", "ratio"),
)


def _effect_rows(pack: Pack) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for effect in pack.effects:
        raised = float(effect.raised)
        rows += [{"raised": raised, "drg": drg, "fund_fen": fen} for drg, fen in effect.by_group.items()]
        rows.append(
            {
                "raised": raised,
                "drg": "合计",
                "cases": effect.cases,
                "fund_fen": effect.fund_fen,
                "own_fen": effect.own_fen,
                "share": effect.fund_fen / effect.total_fen if effect.total_fen else None,
            }
        )
    return rows


_INDICATOR_COLUMNS = (
    Column("sub", "编号"),
    Column("name", "指标", "text", "", 40),
    Column("unit", "单位"),
    Column("direction", "导向"),
    Column("value_text", "今年"),
    Column("last_text", "上年同期"),
    Column("source", "来源"),
    Column("months", "所及月份", "text", "", 30),
)


def _indicator_rows(pack: Pack) -> list[dict[str, Any]]:
    return [
        row | {f"{name}_text": figure_text(row[name], row["unit"]) for name in ("value", "last")}
        for row in pack.indicators
    ]
