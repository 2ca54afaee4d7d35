"""Scheme checks 方案检查: what is legal but worth a look; findings with file and row, nothing is reordered."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tongpin.base.findings import Finding
from tongpin.grouping.when import ALWAYS, NEVER

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tongpin.grouping.model import Mdc, SchemeTables, Step
    from tongpin.grouping.when import Condition


def check_scheme(scheme: SchemeTables) -> list[Finding]:
    """Warnings about a loaded scheme, in table order.

    Leaves that cannot be reached because an earlier leaf of the rule always holds (SCH-D001), leaves that never hold
    (SCH-D002) or need an empty list (SCH-D003), rules without leaves (SCH-D004), groups without a name (SCH-N001),
    list codes that no dictionary knows (SCH-N002, only when the scheme carries dictionaries).
    """
    return [
        *(finding for mdc in scheme.mdcs for step in mdc.steps for finding in _rule(scheme, mdc, step)),
        *_names(scheme),
        *_unknown_codes(scheme),
    ]


def _warning(rule_id: str, file: str, row: int, path: str, value: str, message: str, hint: str) -> Finding:
    return Finding(rule_id, "warning", file, row, path, value, message, hint, ("group",))


def _rule(scheme: SchemeTables, mdc: Mdc, step: Step) -> Iterator[Finding]:
    if not step.is_gate and not step.leaves:
        result = "结果是三位 ADRG 代码" if scheme.options.adrg_without_leaf == "stop" else "永远得不到结果"
        yield _warning(
            "SCH-D004",
            "adrg.csv",
            step.row,
            "rule",
            step.rule,
            f"规则没有任何细分组，{result}",
            "在 drg.csv 补一行 always",
        )
    closed = 0
    for leaf in step.leaves:
        place = f"{mdc.code}/{step.rule}/{leaf.drg}"
        if closed:
            yield _warning(
                "SCH-D001",
                "drg.csv",
                leaf.row,
                "when",
                place,
                f"第 {closed} 行的 always 在它前面，永远到不了这里",
                "调整 seq",
            )
        elif leaf.when == NEVER:
            yield _warning(
                "SCH-D002", "drg.csv", leaf.row, "when", place, "条件写着 never，永远不成立", "确认是否有意停用"
            )
        elif not _possible(scheme, leaf.when):
            yield _warning(
                "SCH-D003", "drg.csv", leaf.row, "when", place, "条件要求一个空清单，永远不成立", "补上清单内容"
            )
        if leaf.when == ALWAYS and not closed:
            closed = leaf.row


def _possible(scheme: SchemeTables, condition: Condition) -> bool:
    return any(all(a.negated or not a.list_name or scheme.listed(a) for a in clause) for clause in condition)


def _names(scheme: SchemeTables) -> Iterator[Finding]:
    for code in scheme.drg_codes:
        if not scheme.drg_names.get(code):
            yield _warning("SCH-N001", "drg_name.csv", 0, "drg", code, "这个组没有名称", "在 drg_name.csv 补一行")


def _unknown_codes(scheme: SchemeTables) -> Iterator[Finding]:
    for file, lists, names in (
        ("dx_list.csv", scheme.dx_lists, scheme.dx_names),
        ("px_list.csv", scheme.px_lists, scheme.px_names),
    ):
        if not names:
            continue
        for code in sorted({code for codes in lists.values() for code in codes} - set(names)):
            owners = sorted(name for name, codes in lists.items() if code in codes)
            yield _warning(
                "SCH-N002",
                file,
                0,
                "code",
                code,
                f"字典里没有这个编码（见清单 {'、'.join(owners[:3])}）",
                "核对编码，或补入字典",
            )
