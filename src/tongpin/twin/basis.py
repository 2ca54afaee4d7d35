"""Basis 口径与依据: what a joint report rests on, and what of it is assumed."""

from __future__ import annotations

import csv
from functools import cache
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from tongpin.base.errors import TongpinError
from tongpin.base.money import SCALE
from tongpin.base.strict_yaml import Strict
from tongpin.measures.catalogue import catalogue_folder, rests_on_assumed
from tongpin.report.words import count_text, number_text, yuan_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tongpin.measures.catalogue import Definition, Measure


class Basis(Strict):
    """What the figures rest on; the shape of `policy_info`.

    `area_label` 统筹区; `policy_id`, `policy_label` 付费办法; `scheme_id`, `scheme_label` 分组方案; `weight_edition`
    权重版本; `benchmark_month` the month of the benchmark pages (`2024-06`); `assumed` the policy values no
    document confirms, in words; `weights_assumed` whether the weights are such; `notices` lines of every page;
    `multiples` the outlier multiples by settlement level, `{"三级": {"low": 0.4, "high": 3}}`, for the chart alone.
    """

    area_label: str
    policy_id: str
    policy_label: str
    scheme_id: str
    scheme_label: str
    weight_edition: str
    benchmark_month: str
    assumed: tuple[str, ...] = ()
    weights_assumed: bool = True
    notices: tuple[str, ...] = ()
    multiples: dict[str, dict[str, float]] = {}  # noqa: RUF012 - Pydantic copies defaults

    @property
    def lines(self) -> tuple[str, ...]:
        """The notices, and one more where figures rest on values that no document confirms."""
        if not (self.assumed or self.weights_assumed):
            return self.notices
        weights = "权重与" if self.weights_assumed else ""
        return (*self.notices, f"标“模拟”的数凭{weights}付费办法中 {len(self.assumed)} 项未经文件确认的参数得出")

    def simulated(self, chosen: Measure) -> bool:
        """Whether a figure rests on something assumed and must say 模拟."""
        return rests_on_assumed(chosen, weights=self.weights_assumed, prices=bool(self.assumed))

    def basis_text(self, chosen: Measure, month: str) -> str:
        """Period, weight edition and benchmark period of a figure in one line."""
        parts = [f"按{chosen.period} {month}"]
        if chosen.weight_edition is not None:
            parts.append(f"权重版本：{self.weight_edition}")
        if chosen.benchmark_period == "fixed":
            kind = "同期" if self.benchmark_month == month else "固定基期"
            parts.append(f"{kind} {self.benchmark_month}")
        elif chosen.benchmark_period == "same_period":
            parts.append(f"同期区域 {month}")
        return "；".join(parts)


def read_basis(policy_info: Mapping[str, Any]) -> Basis:
    """`policy_info` as a `Basis`; a missing or unknown key is refused (`twin.policy_info`)."""
    try:
        return Basis.model_validate(dict(policy_info))
    except ValidationError as error:
        first = error.errors()[0]
        raise TongpinError(
            "twin.policy_info",
            f"联合报告的依据不全：{first['msg']}",
            where=".".join(str(part) for part in first["loc"]),
            hint=f"须有 {'、'.join(name for name, field in Basis.model_fields.items() if field.is_required())}",
        ) from error


_UNITS = {
    "days": "天",
    "count": "例",
    "fen": "元",
    "weight_e4": "权重",
    "points_e4": "百分点",
    "ratio_e4": "倍",
    "level": "级",
    "code": "代码",
    "months": "个月",
}


def definition_text(one: Definition) -> tuple[str, str]:
    """The value of a definition as people write it, and its unit: `5.00`, `元`."""
    match one.unit:
        case "fen":
            value = yuan_text(one.value)
        case "weight_e4" | "ratio_e4" | "points_e4":
            value = number_text(one.value / (SCALE // 100 if one.unit == "points_e4" else SCALE), 2)
        case _:
            value = count_text(one.value)
    return value, _UNITS[one.unit]


@cache
def department_labels() -> dict[str, str]:
    """Names of the national department codes, without the prefix letter."""
    text = (catalogue_folder("twin") / "departments.csv").read_text(encoding="utf-8")
    return {row["code"]: row["name"] for row in csv.DictReader(text.splitlines())}
