"""Findings 问题: what is wrong with a record, as data that can be counted, sorted and sent back."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

Severity = Literal["error", "warning", "info"]

RESULT_LABELS: dict[str, str] = {"group": "分组", "price": "定价", "statement": "月度支付情况表"}
"""The results below the measures that a finding may spoil; other ids in `spoils` are measures."""

SEVERITY_LABELS: dict[str, str] = {"error": "错误", "warning": "警告", "info": "提示"}


TABLE_RULES = "SCH-"
"""Rules of this family count rows of a table or sheet; the others count records."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding: the rule, the place, the value, what to do and which results it spoils.

    `rule_id` names the rule (`REC-J001`); `file`, `record` (1-based, 0 = the whole file) and `path`
    (`diseinfo[0].diag_code`) say where; `value` is what stood there; `spoils` holds ids of results and measures.
    An `error` means that the record, or the file, was not loaded.
    """

    rule_id: str
    severity: Severity
    file: str
    record: int
    path: str
    value: str
    message: str
    hint: str
    spoils: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """The finding as plain data (`spoils` as a list)."""
        data = asdict(self)
        data["spoils"] = list(self.spoils)
        return data

    def __str__(self) -> str:
        """The finding as a clerk reads it."""
        counted = "行" if self.rule_id.startswith(TABLE_RULES) else "条"
        where = f"{self.file} 第 {self.record} {counted}" if self.record else self.file
        spoils = f"\n    影响：{'、'.join(RESULT_LABELS.get(s, s) for s in self.spoils)}" if self.spoils else ""
        shown = f' · {self.path} = "{self.value}"' if self.path else f" · {self.value}" if self.value else ""
        label = SEVERITY_LABELS[self.severity]
        return f"{self.rule_id}  {label}  {where}{shown}\n    {self.message}\n    怎么改：{self.hint}{spoils}"
