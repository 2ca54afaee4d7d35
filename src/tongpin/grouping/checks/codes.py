"""Codes without use 编码与名称: what no list, table, name or dictionary of the scheme fits together."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from tongpin.base.findings import Finding
from tongpin.grouping.tables.model import VALID_PX

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from tongpin.base.findings import Severity
    from tongpin.grouping.checks.regions import Space
    from tongpin.grouping.tables.model import SchemeTables

CHAPTERS = 8
"""How many chapters a message counts."""
EXAMPLES = 6
"""How many codes a message names."""


def unknown_and_unnamed(scheme: SchemeTables) -> list[Finding]:
    """Groups without a name (SCH-N001) and list codes that no dictionary knows (SCH-N002, where there is one)."""
    return [*_unnamed(scheme), *_unknown(scheme)]


def unused(scheme: SchemeTables, space: Space) -> list[Finding]:
    """What nobody uses and what does not fit.

    Dictionary codes in no list (SCH-N003), lists that no condition names (SCH-N004), names without a group
    (SCH-N005), codes that are MCC and CC (SCH-N006), exclusion tables without principals (SCH-N007) or without
    complications (SCH-N008), map targets that the scheme does not know (SCH-N009) and that are translated themselves
    (SCH-N010).
    """
    used = {(atom.kind[:2], atom.list_name) for atom in space.atoms() if atom.list_name}
    return [
        *_in_no_list(scheme, used),
        *_unused_lists(scheme, used),
        *_names_without_group(scheme),
        *_tables(scheme),
        *_maps(scheme),
    ]


def _finding(rule_id: str, severity: Severity, file: str, path: str, value: str, message: str, hint: str) -> Finding:
    return Finding(rule_id, severity, file, 0, path, value, message, hint, ("group",) * (severity == "warning"))


def _shown(codes: Iterable[str]) -> str:
    listed = sorted(codes)
    return "、".join(listed[:EXAMPLES]) + (" 等" if len(listed) > EXAMPLES else "")


def _unnamed(scheme: SchemeTables) -> Iterator[Finding]:
    for code in scheme.drg_codes:
        if not scheme.drg_names.get(code):
            yield _finding(
                "SCH-N001", "warning", "drg_name.csv", "drg", code, "这个组没有名称", "在 drg_name.csv 补一行"
            )


def _unknown(scheme: SchemeTables) -> Iterator[Finding]:
    for file, lists, names in (
        ("dx_list.csv", scheme.dx_lists, scheme.dx_names),
        ("px_list.csv", scheme.px_lists, scheme.px_names),
    ):
        for code in sorted({code for codes in lists.values() for code in codes} - set(names)) if names else ():
            owners = sorted(name for name, codes in lists.items() if code in codes)
            message = f"字典里没有这个编码（见清单 {'、'.join(owners[:3])}）"
            yield _finding("SCH-N002", "warning", file, "code", code, message, "核对编码，或补入字典")


def _in_no_list(scheme: SchemeTables, used: set[tuple[str, str]]) -> Iterator[Finding]:
    tables = (
        ("dx", "icd10.csv", "诊断", scheme.dx_lists, scheme.dx_names, 1),
        ("px", "icd9.csv", "手术操作", scheme.px_lists, scheme.px_names, 2),
    )
    for kind, file, label, lists, names, chapter in tables:
        listed = {code for name, codes in lists.items() if (kind, name) in used for code in codes}
        idle = sorted(set(names) - listed)
        if idle:
            counts = Counter(code[:chapter] for code in idle)
            parts = "、".join(f"{head} 章 {count:,}" for head, count in counts.most_common(CHAPTERS))
            parts += " 等" * (len(counts) > CHAPTERS)
            yield _finding(
                "SCH-N003",
                "info",
                file,
                "code",
                f"{len(idle):,} / {len(names):,}",
                f"字典里有 {len(idle):,} 个{label}编码不在任何用到的清单里（{parts}）；例如 {_shown(idle)}",
                "不影响分组的编码可以不管",
            )


def _unused_lists(scheme: SchemeTables, used: set[tuple[str, str]]) -> Iterator[Finding]:
    for kind, file, lists in (("dx", "dx_list.csv", scheme.dx_lists), ("px", "px_list.csv", scheme.px_lists)):
        # A list that stands empty on purpose is kept on both sides, one of which nobody needs.
        idle = [name for name, codes in lists.items() if (kind, name) not in used and name != VALID_PX and codes]
        for name in sorted(idle):
            message = f"清单里的 {len(lists[name]):,} 个编码没有一个条件用到"
            yield _finding("SCH-N004", "info", file, "list", name, message, "删去清单，或补上用它的条件")


def _names_without_group(scheme: SchemeTables) -> Iterator[Finding]:
    options = scheme.options
    own = {*scheme.drg_codes, options.ungrouped[2], options.rejected[2]}
    own |= {f"{mdc.letter}{options.ambiguous_suffix}" for mdc in scheme.mdcs}
    own |= {step.adrg for mdc in scheme.mdcs for step in mdc.steps}
    for code in sorted(set(scheme.drg_names) - own):
        message = "有名称，但没有一行细分组给出这个组"
        yield _finding("SCH-N005", "info", "drg_name.csv", "drg", code, message, "删去名称，或补上细分组")


def _tables(scheme: SchemeTables) -> Iterator[Finding]:
    both = set(scheme.mcc) & set(scheme.cc)
    if both:
        message = f"{len(both)} 个编码既是 MCC 又是 CC：{_shown(both)}"
        yield _finding("SCH-N006", "warning", "mcc.csv", "code", str(len(both)), message, "只留一种")
    members = Counter([*scheme.mcc.values(), *scheme.cc.values()])
    principals = Counter(scheme.exclusion.values())
    free = {table: count for table, count in members.items() if table not in principals}
    if free:
        message = (
            f"{len(free)} 个排除表没有主要诊断，其中 {sum(free.values()):,} 个并发症编码不会被任何主要诊断排除："
            f"表 {_shown(free)}"
        )
        yield _finding("SCH-N007", "info", "exclusion.csv", "exclusion_table", "", message, "有意不排除的不用改")
    idle = {table: count for table, count in principals.items() if table not in members}
    if idle:
        message = (
            f"{len(idle)} 个排除表没有并发症编码，其中 {sum(idle.values()):,} 个主要诊断排除不到任何并发症："
            f"表 {_shown(idle)}"
        )
        hint = "核对 mcc.csv、cc.csv 的 exclusion_table"
        yield _finding("SCH-N008", "info", "exclusion.csv", "exclusion_table", "", message, hint)


def _maps(scheme: SchemeTables) -> Iterator[Finding]:
    listed_dx = {code for codes in scheme.dx_lists.values() for code in codes} | set(scheme.mcc) | set(scheme.cc)
    listed_px = {code for codes in scheme.px_lists.values() for code in codes}
    tables: tuple[tuple[str, Mapping[str, str], set[str]], ...] = (
        ("dx_map.csv", scheme.dx_map, listed_dx | set(scheme.dx_names)),
        ("px_map.csv", scheme.px_map, listed_px | set(scheme.px_names)),
    )
    for file, pairs, known in tables:
        lost = {target for target in pairs.values() if target not in known}
        if lost:
            message = f"{len(lost)} 个转码目标，方案的字典和清单里都没有：{_shown(lost)}"
            yield _finding("SCH-N009", "warning", file, "target", str(len(lost)), message, "核对目标编码")
        chained = [
            f"{code}→{target}→{pairs[target]}"
            for code, target in pairs.items()
            if code != target and pairs.get(target, target) != target
        ]
        if chained:
            message = f"{len(chained)} 行的目标自己还有另一个目标（只转一步，不会接着转）：{_shown(chained)}"
            yield _finding("SCH-N010", "info", file, "target", str(len(chained)), message, "要一步到位就改成最终编码")
