"""A policy edition in use: the value of a parameter on a day, or a refusal that names the gap."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from tongpin.base.digest import folder_digest
from tongpin.base.errors import PolicyError
from tongpin.base.money import SCALE
from tongpin.payment.policy.edition import ANY, Edition, load_edition

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date
    from pathlib import Path

    from tongpin.payment.policy.edition import Choice, Parameter, Weights

POLICY_FILE = "policy.yaml"
WEIGHT_COLUMNS = ("drg", "weight", "basic_group")
_FLAGS = {"0": False, "1": True}


class Weight(NamedTuple):
    """The weight of a group in ten-thousandths and whether it is a 基础病组 (paid alike at every level)."""

    weight_e4: int
    basic_group: bool


@dataclass(frozen=True)
class Policy:
    """A policy edition with its weight table and the digest of all its files (S900-01).

    `value` gives a leaf as written (`Decimal` for ratios and weights, `int` for fen and days, `str` for choices and
    texts, a tuple for code lists); `scaled` gives ratios and weights as ten-thousandths.
    """

    edition: Edition
    weights: dict[str, Weight]
    digest: str
    file: str

    @classmethod
    def load(cls, folder: Path) -> Policy:
        """The edition in `folder` (`policy.yaml` and its weight table); PolicyError says what to mend."""
        path = folder / POLICY_FILE
        edition = load_edition(path)
        weights: dict[str, Weight] = {}
        if edition.weights is not None:
            name = edition.weights.file
            if "/" in name or "\\" in name:
                raise PolicyError(
                    "policy.invalid",
                    "权重表须与付费办法放在同一文件夹",
                    where=f"{path} weights.file",
                    hint="只写文件名，例如 weights.csv",
                )
            weights = _read_weights(folder / name)
        tables = [table.name for table in folder.glob("*.csv")]
        return cls(edition, weights, folder_digest(folder, [POLICY_FILE, *tables]), str(path))

    @property
    def id(self) -> str:
        """The id of the edition, `area/edition`."""
        return self.edition.id

    @property
    def scheme_id(self) -> str:
        """The grouping scheme that this edition pays by."""
        return self.edition.scheme.value

    @property
    def weights_label(self) -> str:
        """The name of the weight table as papers print it; said when the edition has none."""
        return self.edition.weights.label if self.edition.weights else "没有权重表"

    @cached_property
    def begins(self) -> date:
        """The first day on which every parameter has a value."""
        return max(min(item.values) for item in self.edition.parameters.values())

    @cached_property
    def breakpoints(self) -> tuple[date, ...]:
        """Every day on which some value changes, ascending."""
        return tuple(sorted({day for item in self.edition.parameters.values() for day in item.values}))

    def parameter(self, key: str) -> Parameter:
        """The parameter itself; `policy.gap` when the edition leaves it open."""
        found = self.edition.parameters.get(key)
        if found is None:
            raise self._gap(key, "付费办法没有这个参数", f"在 parameters 下补上 {key}")
        return found

    def in_force_since(self, key: str, on: date) -> date:
        """The first day of the value in force on `on`; `policy.gap` when there is none."""
        parameter = self.parameter(key)
        days = [day for day in parameter.values if day <= on]
        if not days:
            message = f"{on} 没有生效的{parameter.label}"
            raise self._gap(key, message, f"在 {key}.values 下补一个不晚于 {on} 的日期，或缩短结算区间")
        return max(days)

    def value(self, key: str, on: date, **dimensions: str) -> Any:
        """The leaf in force on `on`; dimensions that the parameter does not vary by are ignored."""
        parameter = self.parameter(key)
        since = self.in_force_since(key, on)
        node = parameter.values[since]
        path = f"{key}.values.{since}"
        for name in parameter.by:
            wanted = dimensions.get(name, "")
            path += f".{wanted or '（空）'}"
            if wanted not in node and ANY not in node:
                message = f"{on} 的{parameter.label}没有 {name}={wanted or '（空）'} 的值"
                raise self._gap(path, message, f"在 {key}.values.{since} 下补上它；或检查该病例的 {name}")
            node = node[wanted] if wanted in node else node[ANY]
        return node

    def scaled(self, key: str, on: date, **dimensions: str) -> int:
        """A ratio or weight in force on `on`, in ten-thousandths."""
        return int(self.value(key, on, **dimensions) * SCALE)

    def leaves(self, key: str, on: date) -> Iterator[dict[str, str]]:
        """The dimensions of every leaf in force on `on`, in the order of the file."""
        parameter = self.parameter(key)
        tree = parameter.values[self.in_force_since(key, on)]
        paths: list[tuple[dict[str, str], Any]] = [({}, tree)]
        for name in parameter.by:
            paths = [({**seen, name: text}, sub) for seen, node in paths for text, sub in node.items()]
        return iter([seen for seen, _ in paths])

    def weight(self, drg: str) -> Weight:
        """The weight of a group; `policy.weight` when the edition has no weights or its table does not hold it."""
        table = self.edition.weights
        if table is None:
            raise PolicyError(
                "policy.weight",
                "这个付费办法没有权重表，不能按病组付费",
                where=f"{self.file} weights",
                hint="补上 weights 与权重表；按项目或按分值付费的用相应的办法",
            )
        found = self.weights.get(drg)
        if found is None:
            raise PolicyError(
                "policy.weight",
                f"病组 {drg} 没有权重",
                where=f"{self.file} weights",
                hint=f"在 {table.file} 中补上 {drg}，或检查所用分组方案是否为 {self.scheme_id}",
            )
        return found

    def assumed_keys(self) -> tuple[str, ...]:
        """The keys that no source confirms, sorted; choices of the edition and the weight table included.

        A figure that rests on one of them has to say 模拟.
        """
        edition = self.edition
        named: dict[str, Choice | Weights | Parameter] = {
            "scheme": edition.scheme,
            "edition_by": edition.edition_by,
            "period_by": edition.period_by,
            "year_by": edition.year_by,
            **({"weights": edition.weights} if edition.weights else {}),
            **edition.parameters,
        }
        return tuple(sorted(key for key, item in named.items() if item.assumed))

    def _gap(self, key: str, message: str, hint: str) -> PolicyError:
        return PolicyError("policy.gap", message, where=f"{self.file} parameters.{key}", hint=hint)


def _read_weights(path: Path) -> dict[str, Weight]:
    """The weight table: weight with at most four decimals and above zero, basic_group 0 or 1, each group once."""

    def refuse(line: int, message: str, hint: str) -> PolicyError:
        return PolicyError("policy.weights", message, where=f"{path} 第 {line} 行", hint=hint)

    try:
        text = path.read_bytes().decode("utf-8-sig")
    except (OSError, UnicodeDecodeError):
        raise refuse(0, "权重表不存在或不是 UTF-8 编码", "补上该文件，用 UTF-8 保存") from None
    rows = csv.DictReader(text.splitlines())
    if tuple(rows.fieldnames or ()) != WEIGHT_COLUMNS:
        raise refuse(1, "表头不对", f"表头应为 {','.join(WEIGHT_COLUMNS)}")
    weights: dict[str, Weight] = {}
    for line, row in enumerate(rows, start=2):
        drg = (row["drg"] or "").strip()
        if not drg or None in row:
            raise refuse(line, "病组编码为空或列数不对", "每行三列：病组、权重、是否基础病组")
        if drg in weights:
            raise refuse(line, f"病组 {drg} 重复", "每个病组只留一行")
        try:
            weight_e4 = Decimal((row["weight"] or "").strip()) * SCALE
            exact = weight_e4 == int(weight_e4) and weight_e4 > 0
        except (InvalidOperation, OverflowError, ValueError):
            exact = False
        if not exact:
            raise refuse(line, f"权重“{row['weight']}”不对", "应为大于 0、最多四位小数的数")
        flag = _FLAGS.get((row["basic_group"] or "").strip())
        if flag is None:
            raise refuse(line, f"basic_group“{row['basic_group']}”不对", "基础病组写 1，其余写 0")
        weights[drg] = Weight(int(weight_e4), flag)
    return weights
