"""Registry 登记: the requirements with status, place and test, read from package data."""

from __future__ import annotations

import csv
import io
from collections import Counter
from dataclasses import dataclass, fields
from importlib import resources
from typing import TYPE_CHECKING, Any

from tongpin.base.errors import TongpinError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from importlib.resources.abc import Traversable

STATUS_LABELS: dict[str, str] = {
    "works": "已实现",
    "partial": "部分实现",
    "planned": "计划中",
    "quoted": "仅引用",
    "context": "背景",
}
"""The statuses in the order they are shown: `quoted` is a published figure whose inputs are published nowhere."""


class RegistryError(TongpinError):
    """A registry that cannot be believed as it stands."""


@dataclass(frozen=True, slots=True)
class Requirement:
    """One requirement: what is asked (as published), by whom it is used, and how far it is met.

    `where` names the modules or data that meet it (for `quoted`: what is published nowhere); `test` names test files
    or test functions (`tests/payment/test_settle.py::test_month_closes`), several separated by `;`.
    """

    id: str
    issue: str
    name: str
    formula: str
    inputs: str
    outputs: str
    figures: str
    user: str
    status: str
    where: str
    test: str

    @property
    def tests(self) -> tuple[str, ...]:
        """The named tests one by one."""
        return tuple(part.strip() for part in self.test.split(";") if part.strip())

    def as_dict(self) -> dict[str, str]:
        """The five keys of `tongpin coverage --json`."""
        return {
            "id": self.id,
            "issue": self.issue,
            "status": self.status,
            "where": self.where,
            "test": self.test,
        }


COLUMNS: tuple[str, ...] = tuple(field.name for field in fields(Requirement))


def load_registry(source: Traversable | None = None) -> list[Requirement]:
    """The requirements in file order, from `source` or from the package itself.

    Raises RegistryError when a column is missing or unknown, a cell is missing, an id stands twice, a status is
    unknown, or a status lacks what it rests on: `works` a place and a test, `partial` a place, `quoted` the missing
    input.
    """
    file = resources.files("tongpin.coverage") / "registry.csv" if source is None else source
    reader = csv.reader(io.StringIO(file.read_text(encoding="utf-8")), strict=True)
    header = tuple(next(reader, ()))
    if header != COLUMNS:
        raise RegistryError(
            "coverage.columns",
            f"列名应为 {','.join(COLUMNS)}，现为 {','.join(header)}",
            where=file.name,
            hint="按上面的列名和次序改正表头",
        )
    rows: dict[str, Requirement] = {}
    for cells in reader:
        where = f"{file.name} 第 {reader.line_num} 行"
        if len(cells) != len(COLUMNS):
            raise RegistryError(
                "coverage.cells",
                f"应有 {len(COLUMNS)} 格，现有 {len(cells)} 格",
                where=where,
                hint="含逗号的格子用双引号括起来",
            )
        row = Requirement(*cells)
        _check(row, where)
        if row.id in rows:
            raise RegistryError("coverage.duplicate", f"需求 {row.id} 登记了两次", where=where, hint="合并为一行")
        rows[row.id] = row
    return list(rows.values())


def _check(row: Requirement, where: str) -> None:
    """Refuse a row whose status is unknown or lacks what it rests on."""
    if row.status not in STATUS_LABELS:
        raise RegistryError(
            "coverage.status",
            f"需求 {row.id} 的状态“{row.status}”不认识",
            where=where,
            hint=f"只能是 {'、'.join(STATUS_LABELS)}",
        )
    if row.status in {"works", "partial", "quoted"} and not row.where:
        raise RegistryError(
            "coverage.where",
            f"需求 {row.id} 的状态是 {row.status}，但 where 为空",
            where=where,
            hint="写出实现它的模块或数据；quoted 写出哪项输入没有公布",
        )
    if row.status == "works" and not row.tests:
        raise RegistryError(
            "coverage.test",
            f"需求 {row.id} 登记为 works，但没有测试",
            where=where,
            hint="写出证明它的测试，或把状态改为 partial",
        )


def summary(rows: Iterable[Requirement]) -> dict[str, int]:
    """How many requirements stand at each status, every status named, in the order of `STATUS_LABELS`."""
    counts = Counter(row.status for row in rows)
    return {status: counts[status] for status in STATUS_LABELS}


def coverage_document(rows: Iterable[Requirement]) -> dict[str, Any]:
    """The document of `tongpin coverage --json`: `{"requirements": [{id, issue, status, where, test}]}`."""
    return {"requirements": [row.as_dict() for row in rows]}
