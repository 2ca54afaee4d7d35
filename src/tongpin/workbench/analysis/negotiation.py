"""Negotiation 谈判材料: the pack of a hospital for some groups, as sections of a page."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any

import pyarrow.compute as pc
from pydantic import BaseModel, ConfigDict, Field

from tongpin.grouping.library import open_scheme
from tongpin.measures.guokao.sheet_xlsx import figure_text
from tongpin.measures.populations import paid_by_group, settled_cases
from tongpin.payment.month.closed import area_of, closed_manifest
from tongpin.payment.month.statement_columns import synthetic_notice
from tongpin.twin.causes.catalogue import setting
from tongpin.twin.negotiation.run import pack_in_home
from tongpin.workbench.analysis.computing import Job
from tongpin.workbench.analysis.measure_shapes import span_of
from tongpin.workbench.api.sheets import CellKind, Sheet, SheetColumn, SheetSection

if TYPE_CHECKING:
    from tongpin.store.home import Home
    from tongpin.twin.negotiation.run import Pack
    from tongpin.workbench.analysis.computing import Tell

Share = Annotated[Decimal, Field(gt=0, le=1)]


class PackAsked(BaseModel):
    """A pack: groups, the months (the last twelve closed ones unless named), by how much weights might rise."""

    model_config = ConfigDict(extra="forbid")
    groups: list[str] = Field(min_length=1, max_length=12)
    hospital: str | None = Field(default=None, max_length=64)
    months: str = Field(default="", max_length=20)
    raises: list[Share] = Field(default=[Decimal("0.05"), Decimal("0.10")], max_length=4)
    area: str | None = Field(default=None, max_length=64)


class GroupToAsk(BaseModel):
    """A group of the hospital in a month: cases and result in fen; `is_few`: too few to compare."""

    drg: str
    label: str
    case_count: int
    result_fen: int
    per_case_fen: int
    is_few: bool


def pack_job(home: Home, asked: PackAsked, hospital: str) -> Job[Pack]:
    """The pack of a hospital. Errors: `measures.month` at once."""
    months = span_of(asked.months) if asked.months else ()
    span = (months[0], months[-1]) if months else None
    groups, raises = tuple(asked.groups), tuple(asked.raises)

    def work(tell: Tell) -> Pack:
        tell("收集本院与同级的病例，逐例重算基金影响")
        return pack_in_home(home, groups, hospital, asked.area or None, span=span, raises=raises)

    return Job(("pack", groups, hospital, span, raises, asked.area or None), work)


def groups_to_ask(home: Home, month: str, hospital: str, area: str | None) -> list[GroupToAsk]:
    """The groups of a hospital in a closed month, those that lose most first. StoreError `settle.open`."""
    manifest = closed_manifest(home, month, area)
    lists = paid_by_group(settled_cases(home, [month], area_of(home, area) or manifest["area"]))
    own = lists.filter(pc.equal(lists["institution_code"], hospital))
    names = open_scheme(home, manifest["scheme"]).drg_names
    sums = own.group_by("drg").aggregate([([], "count_all"), ("result_fen", "sum")]).to_pylist()
    least = setting("compare.minimum_cases")
    found = [
        GroupToAsk(
            drg=row["drg"],
            label=names.get(row["drg"], ""),
            case_count=row["count_all"],
            result_fen=row["result_fen_sum"] or 0,
            per_case_fen=(row["result_fen_sum"] or 0) // row["count_all"],
            is_few=row["count_all"] < least,
        )
        for row in sums
    ]
    return sorted(found, key=lambda one: (one.is_few, one.result_fen, one.drg))


def pack_sheet(home: Home, pack: Pack) -> Sheet:
    """The pack as sections, in the order of its paper."""
    money = _money_columns(has_cost=pack.has_cost)
    groups = [
        {"drg": one.drg, "who": who, "weight": one.weight, "even_weight": even} | of._asdict()
        for one in pack.groups
        for who, of, even in (("本院", one.own, one.even_weight), ("同级其他机构", one.peers, one.peer_even_weight))
    ]
    hard = [
        {"drg": one.drg, "who": who} | of._asdict()
        for one in pack.groups
        for who, of in (("本院", one.difficulty), ("同级其他机构", one.peer_difficulty))
    ]
    periods = [
        {"drg": one.drg, "period": held.period, "who": who} | of._asdict()
        for one in pack.groups
        for held in one.periods
        for who, of in (("本院", held.own), ("同级", held.peers))
    ]
    peers = [
        {"drg": one.drg, "who": peer.name, "complicated": peer.complicated} | peer.money._asdict()
        for one in pack.groups
        for peer in one.hospitals
    ]
    sections = [
        _section("requests", "请求", [_column("text", "可以提的请求")], [{"text": one} for one in pack.requests])
        if pack.requests
        else SheetSection(
            id="requests", label="请求", note="所列病组没有本院与同级都高于标准的，材料不提请求，供讨论参考。"
        ),
        _section(
            "groups",
            "费用、标准与结余",
            [*_WHO, *money, *_WEIGHTS],
            groups,
            "持平的权重：按现行费率，按标准付费的病例的标准合计等于它们支出合计的权重",
        ),
        _section("effects", "权重提高对基金的影响（模拟）", _EFFECTS, _effects(pack)),
        _section("hard", "难度（全部出院的病案首页）", _HARD, hard),
        _section("periods", "走势（例数少的病组按季）", [_WHO[0], _column("period", "时期"), _WHO[1], *money], periods),
        _section(
            "peers",
            "同级各院（名称隐去，例数少的不列）",
            [*_WHO, *money, _column("complicated", "有并发症或合并症", "ratio")],
            peers,
        ),
        _section("months", "本院各月", _MONTHS, [one._asdict() for one in pack.hospital_months]),
        _section("indicators", "国考指标（国家监测，有数的）", _INDICATORS, _indicators(pack)),
    ]
    return Sheet(
        title=f"{pack.hospital_name} 病组谈判材料",
        note=f"{pack.level}；{pack.months[0]} 至 {pack.months[-1]}；付费办法 {pack.policy_label}（{pack.policy_id}）",
        simulated=any("模拟" in note for note in pack.notes),
        sections=[one for one in sections if one.rows or one.note],
        notes=[*synthetic_notice(home), *pack.notes, *(f"不得提出：{one.message}" for one in pack.refused)],
    )


def _column(name: str, label: str, kind: CellKind = "text", unit: str = "", digits: int = 2) -> SheetColumn:
    return SheetColumn(id=name, label=label, kind=kind, unit=unit, digits=digits)


_WHO = [_column("drg", "病组"), _column("who", "谁")]
_WEIGHTS = [
    _column("weight", "现行权重", "decimal", digits=4),
    _column("even_weight", "持平的权重（模拟）", "decimal", digits=4),
]
_HARD = [
    *_WHO,
    _column("cases", "出院例数", "integer"),
    _column("mean_age", "平均年龄", "decimal", digits=1),
    _column("elderly", "≥65 岁", "ratio"),
    _column("children", "<14 岁", "ratio"),
    _column("complicated", "有并发症或合并症", "ratio"),
    _column("other_diagnoses", "其他诊断数", "decimal", digits=1),
    _column("intensive", "重症监护", "ratio"),
    _column("surgery", "手术", "ratio"),
    _column("death", "死亡", "ratio"),
    _column("stay_days", "平均住院日", "decimal", "天"),
]
_EFFECTS = [
    _column("raised", "权重提高", "ratio"),
    _column("drg", "病组"),
    _column("cases", "全区例数", "integer"),
    _column("fund_fen", "基金多付", "money", "万元"),
    _column("own_fen", "其中本院", "money", "万元"),
    _column("share", "占全部应付统筹", "ratio"),
]
_MONTHS = [
    _column("month", "月份"),
    _column("cases", "按病组付费例数", "integer"),
    _column("cmi", "例均权重", "decimal", digits=4),
    _column("result_fen", "结余", "money", "万元"),
]
_INDICATORS = [
    _column("sub", "编号"),
    _column("name", "指标"),
    _column("unit", "单位"),
    _column("direction", "导向"),
    _column("value_text", "今年"),
    _column("last_text", "上年同期"),
    _column("source", "来源"),
]


def _money_columns(*, has_cost: bool) -> list[SheetColumn]:
    return [
        _column("cases", "例数", "integer"),
        _column("mean_fee_fen", "次均费用", "money"),
        _column("low_fen", "95% 低", "money"),
        _column("high_fen", "95% 高", "money"),
        *([_column("mean_cost_fen", "次均成本", "money")] if has_cost else []),
        _column("mean_standard_fen", "次均标准", "money"),
        _column("result_fen", "结余", "money", "万元"),
        _column("spent_per_standard", f"{'成本' if has_cost else '费用'}占标准", "ratio"),
    ]


def _effects(pack: Pack) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for one in pack.effects:
        raised = float(one.raised)
        rows += [{"raised": raised, "drg": drg, "fund_fen": fen} for drg, fen in one.by_group.items()]
        share = one.fund_fen / one.total_fen if one.total_fen else None
        sums = {"cases": one.cases, "fund_fen": one.fund_fen, "own_fen": one.own_fen, "share": share}
        rows.append({"raised": raised, "drg": "合计"} | sums)
    return rows


def _indicators(pack: Pack) -> list[dict[str, Any]]:
    return [
        row | {f"{name}_text": figure_text(row[name], row["unit"]) for name in ("value", "last")}
        for row in pack.indicators
    ]


def _section(
    name: str, label: str, columns: list[SheetColumn], rows: list[dict[str, Any]], note: str = ""
) -> SheetSection:
    ids = [one.id for one in columns]
    kept = [{key: row.get(key) for key in ids} for row in rows]
    return SheetSection(id=name, label=label, note=note, columns=columns, rows=kept)
