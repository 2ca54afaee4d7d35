"""Entries 目录条目: everything that is data, in one shape: what it is called, what it says, where it comes from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from tongpin.base.money import FEN_PER_YUAN, SCALE
from tongpin.documents.duties import open_duties
from tongpin.documents.kinds import kinds
from tongpin.measures.catalogue import load_definitions, load_measures
from tongpin.measures.guokao.catalogue import (
    KIND_LABELS,
    SECONDARY,
    SET_LABELS,
    TERTIARY,
    load_checks,
    load_items,
    load_set,
    load_settings,
)
from tongpin.measures.table import known_measures
from tongpin.payment.policy.vocabulary import DIMENSIONS, FAMILIES, KNOWN
from tongpin.records.case.rules import rules
from tongpin.twin.catalogue import load_pairs, load_red_lines
from tongpin.twin.causes.catalogue import load_causes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tongpin.store.home import Home

SHIPPED, OWN = "随包", "本目录"
KINDS: dict[str, str] = {
    "measure": "指标",
    "guokao": "国考指标",
    "guokao_check": "国考核对",
    "record_rule": "清单与首页规则",
    "cause": "亏损原因",
    "red_line": "红线",
    "mirror": "对照关系",
    "duty": "不相容职责",
    "document": "公文种类",
    "parameter": "付费办法参数",
    "setting": "阈值",
}
_UNITS = {"fen": "元", "yuan": "元", "ratio": "%", "index": "指数", "count": "例", "days": "天", "weight_e4": "权重"}
_SCALED = {"ratio_e4": "倍", "points_e4": "百分点", "weight_e4": "权重"}
_WHOLE = {"days": "天", "count": "", "level": "级", "code": "代码", "months": "个月"}


class Entry(NamedTuple):
    """One entry of a catalogue: `details` are its further fields as label and text; `origin` shipped or the home's."""

    kind: str
    id: str
    label: str
    words: str
    unit: str
    reference: str
    assumed: bool
    origin: str
    details: tuple[tuple[str, str], ...]


def entries(home: Home) -> list[Entry]:
    """Every entry of every catalogue, kind by kind, as the home uses them."""
    return [
        *_measures(home),
        *_indicators(),
        *_checks(),
        *_record_rules(),
        *_causes(),
        *_red_lines(),
        *_mirrors(),
        *_duties(home),
        *_documents(),
        *_parameters(),
        *_settings(),
    ]


def _entry(kind: str, name: str, label: str, words: str, **given: Any) -> Entry:
    details = tuple((title, str(text)) for title, text in given.pop("details", ()) if text not in {"", None})
    fields: dict[str, Any] = {"unit": "", "reference": "", "assumed": False, "origin": SHIPPED} | given
    return Entry(kind, name, label, words, details=details, **fields)


def _measures(home: Home) -> Iterator[Entry]:
    shipped = load_measures()
    for one in known_measures(home).values():
        own = one.id not in shipped and "." in one.id
        yield _entry(
            "measure",
            one.id,
            one.label,
            one.form,
            unit=_UNITS.get(one.unit, one.unit),
            reference=one.reference,
            assumed=one.assumed,
            origin=OWN if own else SHIPPED,
            details=(
                ("人群", one.population),
                ("期间", one.period),
                ("方向", one.direction),
                ("权重版本", "付费办法所用" if one.weight_edition else ""),
                ("对比基期", {"fixed": "固定基期", "same_period": "同期"}.get(one.benchmark_period or "", "")),
                ("名次", "只按精确界判断，不排名" if one.limits else ""),
            ),
        )


def _indicators() -> Iterator[Entry]:
    for name in (TERTIARY, SECONDARY):
        for one in load_set(name).values():
            yield _entry(
                "guokao",
                f"{name}-{one.number}",
                f"{SET_LABELS[name]} {one.number} {one.name}",
                one.formula or one.note,
                unit=one.unit,
                reference=one.reference,
                assumed=one.assumed,
                details=(
                    ("类别", one.category),
                    ("导向", one.direction),
                    ("国家监测", "是" if one.monitored else "否"),
                    ("怎样得出", KIND_LABELS[one.kind]),
                    ("口径", one.note),
                    ("数据来源", one.data_source),
                    ("数据项", "、".join(dict.fromkeys(_item(item) for part in one.parts[:4] for item in part.items))),
                ),
            )


def _item(name: str) -> str:
    return load_items()[name].label


def _checks() -> Iterator[Entry]:
    relations = {"at_most": "不超过", "near": "接近"}
    for one in load_checks():
        sides = (" + ".join(_item(term.removeprefix("-")) for term in side) for side in (one.left, one.right))
        words = f" {relations[one.relation]} ".join(sides)
        yield _entry("guokao_check", one.id, one.label, words, reference="S909-02")


def _record_rules() -> Iterator[Entry]:
    levels = {"error": "错误", "warning": "警告", "info": "提示"}
    for one in rules().values():
        details = (("轻重", levels[one.severity]), ("怎么改", one.hint), ("影响", "、".join(one.spoils)))
        yield _entry("record_rule", one.rule_id, one.label, one.message, details=details)


def _causes() -> Iterator[Entry]:
    for one in load_causes():
        yield _entry(
            "cause",
            one.id,
            one.label,
            one.words,
            reference=one.reference,
            assumed=one.assumed,
            details=(("下一步", one.next_step),),
        )


def _red_lines() -> Iterator[Entry]:
    for one in load_red_lines():
        yield _entry(
            "red_line",
            one.id,
            one.label,
            f"{one.level}：{one.limit_e4 / 100:g} %；{one.note}",
            unit="%",
            reference=one.reference,
            assumed=one.assumed,
            details=(("口径", one.basis), ("指标", one.measure)),
        )


def _mirrors() -> Iterator[Entry]:
    for one in load_pairs():
        details = (
            ("医保结算", f"{one.insurance.label}：{'、'.join(one.insurance.measures)}"),
            ("绩效考核", f"{one.assessment.label}：{'、'.join(one.assessment.measures)}"),
        )
        yield _entry("mirror", one.id, one.label, one.logic, reference=one.reference, details=details)


def _duties(home: Home) -> Iterator[Entry]:
    found = open_duties(home)
    labels = {one.id: one.label for one in found.duties}
    origin = OWN if (home.root / "duties.yaml").exists() else SHIPPED
    for one in found.incompatible:
        label = f"{labels[one.first]} 与 {labels[one.second]}"
        yield _entry("duty", one.id, label, one.reason, reference=one.reference, origin=origin)
    for matrix in found.matrices:
        steps = "、".join(found.step_label(step) for step in matrix.steps)
        words = f"{steps}；至少 {matrix.people} 人"
        yield _entry(
            "duty",
            matrix.id,
            f"职责矩阵：{matrix.label}",
            words,
            reference=matrix.reference,
            assumed=matrix.assumed,
            origin=origin,
        )


def _documents() -> Iterator[Entry]:
    desks = {"bureau": "经办机构", "hospital": "医疗机构"}
    for one in kinds().values():
        words = f"{desks[one.desk]}的公文；职责矩阵 {one.matrix}；可附 {'、'.join(one.attachments)}"
        yield _entry("document", one.id, one.label, words, reference="S003-17")


def _parameters() -> Iterator[Entry]:
    for one in KNOWN.values():
        family = FAMILIES[one.family]
        by = "、".join(DIMENSIONS[name].label for name in one.by)
        yield _entry(
            "parameter",
            one.key,
            one.label,
            f"{family.number}. {family.label}{f'；可按{by}区分' if by else ''}",
            unit=_UNITS.get(one.unit, ""),
            details=(("可选", "；".join(one.options.values())), ("零", "不能为零" if one.above_zero else "")),
        )


def _settings() -> Iterator[Entry]:
    for one in load_definitions().values():
        value, unit = _plain(one.value, one.unit)
        yield _entry(
            "setting",
            one.id,
            one.label,
            value,
            unit=unit,
            reference=one.reference,
            assumed=one.assumed,
        )
    for limit in load_settings().values():
        yield _entry(
            "setting",
            f"guokao.{limit.id}",
            limit.label,
            f"{limit.value:g}",
            unit=limit.unit,
            reference=limit.reference,
            assumed=limit.assumed,
        )


def _plain(value: int, unit: str) -> tuple[str, str]:
    """A scaled integer as people write it, with its unit."""
    if unit == "fen":
        return f"{value / FEN_PER_YUAN:,.2f}", "元"
    if unit == "points_e4":
        return f"{value * 100 / SCALE:g}", "百分点"
    if unit in _SCALED:
        return f"{value / SCALE:g}", _SCALED[unit]
    return f"{value:,}", _WHOLE.get(unit, unit)
