"""The auxiliary catalogue of one case 一例的辅助目录: its levels, why, what each raises, which wins."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa

from tongpin.base.money import SCALE
from tongpin.payment.dip.auxiliary import DIMENSIONS, NONE, case_levels, charlson_points, severity_of
from tongpin.payment.pricing.rows import CaseRows
from tongpin.payment.pricing.steps import SIMULATED, four
from tongpin.records.case.schema import CASE_SCHEMA

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from tongpin.payment.dip.catalogue import Catalogue
    from tongpin.payment.policy.policy import Policy

_READS = ("dx", "age", "age_days", "icu_hours", "los", "discharge_way", "total_fee_fen", "drug_fee_fen")


class AuxiliaryTold(NamedTuple):
    """A dimension of a case: level and evidence, trigger and coefficient (None: it raises nothing), whether it wins."""

    dimension: str
    label: str
    level: str
    evidence: str
    trigger_e4: int | None
    coefficient_e4: int | None
    wins: bool

    def text(self, simulated: str = "") -> str:
        """The dimension as a line for people."""
        why = f"（{self.evidence}）" if self.evidence else ""
        if self.level == NONE:
            return f"  {self.label}：无{why}"
        if self.coefficient_e4 is None:
            return f"  {self.label}：{self.level}{why}；这个病种没有这一级的系数"
        told = f"系数 {four(self.coefficient_e4)}{simulated}"
        return f"  {self.label}：{self.level}{why}；{told}{'，触发值最高，采用' if self.wins else '，不是最高，不用'}"


def case_auxiliary(
    row: Mapping[str, Any], disease: str, catalogue: Catalogue, policy: Policy, on: date
) -> list[AuxiliaryTold]:
    """Every dimension of one case (a row of the case table) of a disease; none where the edition uses no auxiliary.

    The same levels, triggers and winner as `auxiliary_columns`.
    """
    one = catalogue.by_code.get(disease)
    source = policy.value("dip.auxiliary.source", on)
    if one is None or source == "none":
        return []
    text = pa.list_(pa.string())
    schema = pa.schema([(name, text if name == "dx" else CASE_SCHEMA.field(name).type) for name in _READS])
    table = pa.Table.from_pylist([{name: row.get(name) for name in _READS}], schema)
    levels = case_levels(CaseRows(table), np.array([one.weighted_mean_fen]), policy, on)
    fitted = {(aux.group, aux.dimension, aux.level): aux for aux in catalogue.auxiliary}
    told = []
    for name, label in DIMENSIONS.items():
        level = levels[name].texts()[0].as_py()
        raised: tuple[int, int] | None = None
        if level != NONE and source == "stated":
            value = policy.scaled("dip.auxiliary.coefficient", on, auxiliary=name, auxiliary_level=level)
            raised = (value, value)
        elif (disease, name, level) in fitted:
            found = fitted[disease, name, level]
            raised = (found.trigger_e4, found.coefficient_e4)
        trigger, coefficient = raised or (None, None)
        told.append(AuxiliaryTold(name, label, level, _evidence(name, row), trigger, coefficient, wins=False))
    best = max((one.trigger_e4 or 0 for one in told), default=0)
    winner = next((place for place, one in enumerate(told) if one.trigger_e4 == best and best > SCALE), None)
    return [one._replace(wins=place == winner) for place, one in enumerate(told)]


def auxiliary_lines(told: list[AuxiliaryTold], policy: Policy) -> list[str]:
    """The dimensions as Chinese lines, with a heading; nothing without dimensions."""
    assumed = "dip.auxiliary.source" in policy.assumed_keys()
    return [f"辅助目录{SIMULATED * assumed}：", *(one.text() for one in told)] if told else []


def _evidence(dimension: str, row: Mapping[str, Any]) -> str:
    """What of the case the level rests on."""
    others = [code for code in (row.get("dx") or [])[1:] if code]
    if dimension == "cci":
        scored = [f"{code} {charlson_points([code])} 分" for code in others if charlson_points([code])]
        return "、".join([*scored, f"合计 {charlson_points(others)} 分"]) if scored else ""
    if dimension == "severity":
        return "、".join(f"{code} {severity_of(code)}" for code in others if severity_of(code))
    if dimension == "age":
        age, days = row.get("age"), row.get("age_days")
        return "" if age is None else f"{days} 天" if age == 0 and days is not None else f"{age} 岁"
    if dimension == "icu":
        return f"{row['icu_hours']} 小时" if row.get("icu_hours") else ""
    return ""
