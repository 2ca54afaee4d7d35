"""Frozen editions 定版: a released edition that comes with Tongpin never changes; its digest is on record."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

from tongpin.base.findings import Finding
from tongpin.payment.policy.library import shipped_policies

if TYPE_CHECKING:
    from collections.abc import Mapping

FROZEN_FILE = "frozen.csv"
CHANGED, UNRECORDED, GONE = "policy.frozen", "policy.unrecorded", "policy.gone"


def frozen_digests() -> dict[str, str]:
    """The digest of every released edition that comes with Tongpin, by id."""
    text = (shipped_policies() / FROZEN_FILE).read_text(encoding="utf-8")
    return {row["id"]: row["digest"] for row in csv.DictReader(text.splitlines())}


def frozen_findings(recorded: Mapping[str, str], found: Mapping[str, str]) -> list[Finding]:
    """What differs between the recorded digests and those of the files (both `id → digest`)."""
    findings = []
    for name in sorted({*recorded, *found}):
        if name not in recorded:
            rule, message = UNRECORDED, "这个版本没有登记摘要"
            hint = f"发布时在 {FROZEN_FILE} 里登记：{name},{found[name]}"
        elif name not in found:
            rule, message = GONE, "已发布的版本不见了"
            hint = "放回原来的文件：关过账的月份还要用它"
        elif recorded[name] != found[name]:
            rule, message = CHANGED, f"已发布的版本改过：登记 {recorded[name][:16]}，现为 {found[name][:16]}"
            hint = "放回发布时的文件；新的取值另出一个版本（tongpin policy new）"
        else:
            continue
        findings.append(Finding(rule, "error", name, 0, "", "", message, hint, ("price",)))
    return findings
