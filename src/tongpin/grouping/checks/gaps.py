"""Gaps and overlaps 空档与重叠: cases that enter a rule or category and fit nothing in it; rows that share cases."""

from __future__ import annotations

from itertools import combinations
from random import Random
from typing import TYPE_CHECKING

from tongpin.base.findings import Finding
from tongpin.grouping.checks.reach import FIRST_TRIES, LEAF_FILE, end_of, entry, flat_paths, uncovered
from tongpin.grouping.checks.regions import COMPLICATIONS, NO_PROCEDURE, Term
from tongpin.grouping.checks.witness import witness
from tongpin.grouping.explain.words import SEX_WORDS, kind_label
from tongpin.grouping.tables.model import VALID_PX
from tongpin.grouping.tables.when import ALWAYS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tongpin.base.findings import Severity
    from tongpin.grouping.checks.reach import Path
    from tongpin.grouping.checks.regions import Region, Space
    from tongpin.grouping.tables.model import Leaf, Mdc, SchemeTables, Step
    from tongpin.grouping.tables.when import Atom

EXAMPLES = 5
"""How many codes a message names."""
NO_PX = Term("px_main", NO_PROCEDURE)
"""The condition "no procedure"."""
COMPLICATION_WORDS = ("无 MCC 也无 CC", "只有 CC", "只有 MCC", "MCC 与 CC 都有")


def gaps(scheme: SchemeTables, space: Space) -> list[Finding]:
    """Cases that fit no leaf of a rule (SCH-G001), or no rule of a category they enter without procedures (SCH-G002).

    Cases that rows before take are left aside. One region of each is described and confirmed by a case; there may be
    more of it.
    """
    paths = flat_paths(space)
    return [*_rule_gaps(scheme, space, paths), *_category_gaps(scheme, space, paths)]


def overlaps(scheme: SchemeTables, space: Space) -> list[Finding]:
    """Leaves of a rule that can hold together (SCH-G003) and codes in lists of several ADRGs of a category (SCH-G004).

    Order decides there, which is legal. The ladder of complications and leaves that only narrow a later one are left
    out.
    """
    return [*_leaf_overlaps(scheme, space), *_code_overlaps(scheme, space)]


def _finding(rule_id: str, severity: Severity, file: str, row: int, value: str, message: str, hint: str) -> Finding:
    return Finding(rule_id, severity, file, row, "when", value, message, hint, ("group",) * (severity == "warning"))


def _rule_gaps(scheme: SchemeTables, space: Space, paths: list[Path]) -> Iterator[Finding]:
    stops = scheme.options.adrg_without_leaf == "stop"
    for at, mdc in enumerate(scheme.mdcs):
        for number, step in enumerate(mdc.steps):
            if not step.leaves or any(leaf.when == ALWAYS for leaf in step.leaves):
                continue
            before = [path.terms for path in paths if path.place < (at, number)]
            covers = [space.terms(clause) for leaf in step.leaves for clause in leaf.when]
            own = {(LEAF_FILE, leaf.row) for leaf in step.leaves}
            for region in _entered(space, mdc, step):
                base, gap = _left_over(space, region, before, covers)
                if gap is None or all(end in own for end in _ends(scheme, space, gap)):
                    continue
                fate = f"结果只是三位 {step.adrg}" if stops else "落到后面的步骤"
                message = f"满足规则却不合任何细分组的病例（例如{_difference(space, base, gap)}），{fate}"
                severity: Severity = "warning" if stops else "info"
                place = f"{mdc.code}/{step.rule}"
                yield _finding("SCH-G001", severity, "adrg.csv", step.row, place, message, "在末尾补一行 always")
                break


def _left_over(
    space: Space, region: Region, before: list[tuple[Term, ...]], covers: list[tuple[Term, ...]]
) -> tuple[Region, Region | None]:
    """What earlier rows and then the covers leave of a region, beside what the earlier rows alone leave."""
    base = uncovered(space, region, before)
    gap = None if base is None else uncovered(space, base, covers)
    if base is not None and gap is not None:
        return base, gap
    return region, uncovered(space, region, [*before, *covers])


def _ends(scheme: SchemeTables, space: Space, gap: Region) -> Iterator[tuple[str, int]]:
    """Where cases made of a gap end, by the interpreter."""
    random = Random(0)  # noqa: S311  # draws of made-up cases
    return (end_of(scheme, witness(space, gap, random)) for _ in range(FIRST_TRIES))


def _entered(space: Space, mdc: Mdc, step: Step) -> Iterator[Region]:
    """The cases that meet a rule, one region for each pair of alternatives."""
    for first in entry(space, mdc):
        for clause in step.when:
            region = space.meet(space.whole(), (*first, *space.terms(clause)))
            if region is not None:
                yield region


def _category_gaps(scheme: SchemeTables, space: Space, paths: list[Path]) -> Iterator[Finding]:
    for at, mdc in enumerate(scheme.mdcs):
        before = [path.terms for path in paths if path.place < (at, 0)]
        after = [path.terms for path in paths if path.place > (at, 0)]
        steps = [space.terms(clause) for step in mdc.steps for clause in step.when]
        for first in entry(space, mdc):
            region = space.meet(space.whole(), (*first, NO_PX))
            if region is None:
                continue
            base, gap = _left_over(space, region, before, steps)
            if gap is None:
                continue
            codes = space.members("dx", gap.cells["dx_main"])
            final = uncovered(space, gap, after)
            lost = final is not None and not all(file for file, _ in _ends(scheme, space, final))
            count = len(space.members("dx", final.cells["dx_main"])) if final is not None and lost else 0
            which = "" if count == len(codes) else f"其中 {count} 个"
            fate = f"{which}最后无法入组" if lost else "都由后面的 MDC 接住"
            also = _difference(space, base, gap)
            message = (
                f"{len(codes)} 个主要诊断进得了这个 MDC，没有手术时却不合任何一条规则"
                f"{f'（{also}）' if also else ''}，{fate}；例如 {_examples(codes)}"
            )
            hint = "核对 MDC 诊断清单与内科 ADRG 清单"
            yield _finding("SCH-G002", "warning" if lost else "info", "mdc.csv", mdc.row, mdc.code, message, hint)
            break


def _examples(codes: list[str]) -> str:
    return "、".join(codes[:EXAMPLES]) + (" 等" if len(codes) > EXAMPLES else "")


def _difference(space: Space, region: Region, part: Region) -> str:
    """In which dimensions a part is narrower than the region, codes left out, as words."""
    words = []
    for name, cells in part.cells.items():
        if cells == region.cells[name]:
            continue
        if name == COMPLICATIONS:
            words.append("或".join(text for at, text in enumerate(COMPLICATION_WORDS) if cells >> at & 1))
        elif name == "sex":
            sexes = [SEX_WORDS[int(one)] for at, one in enumerate(space.numbers[name]) if one and cells >> at & 1]
            words.append(f"性别为{'、'.join(sexes)}")
        elif name in space.numbers:
            words.append(f"{kind_label(space.scheme, name)}{_ranges(space, name, cells)}")
        elif name in space.values:
            held = [text for at, text in enumerate(space.values[name]) if cells >> at & 1]
            words.append(f"{kind_label(space.scheme, name)}为{'、'.join(text or '其他或缺' for text in held)}")
        elif name == "px_main":
            words.append("主要手术在清单之外" if cells & ~NO_PROCEDURE else "没有手术")
    if part.barred != region.barred:
        words.append("没有清单里的其他编码")
    if part.sites != region.sites:
        words.append(f"部位不足 {part.sites[1] + 1} 个")
    return "，".join(words)


def _ranges(space: Space, name: str, cells: int) -> str:
    """The cells of a number as ranges, e.g. 缺失或 ≥ 18."""
    points = space.numbers[name]
    chosen = [bool(cells >> at & 1) for at in range(len(points))]
    words = ["缺失"] if points[0] is None and chosen[0] else []
    start = at = 1 if points[0] is None else 0
    while at < len(points):
        if not chosen[at]:
            at += 1
            continue
        end = at
        while end + 1 < len(points) and chosen[end + 1]:
            end += 1
        words.append(_range(space, name, at if at > start else None, end if end + 1 < len(points) else None))
        at = end + 1
    return "或".join(words)


def _range(space: Space, name: str, low: int | None, high: int | None) -> str:
    """From cell to cell; between two thresholds of a number that is not whole, the thresholds stand for the cell."""
    points = space.numbers[name]
    if low is not None and high is not None and all(space.stands_for_itself(name, at) for at in (low, high)):
        return f" {points[low]:g}" if low == high else f" {points[low]:g} 至 {points[high]:g}"
    words = []
    if low is not None:
        exact = space.stands_for_itself(name, low)
        words.append(f" ≥ {points[low]:g}" if exact else f" > {points[low - 1]:g}")
    if high is not None:
        exact = space.stands_for_itself(name, high)
        words.append(f" ≤ {points[high]:g}" if exact else f" < {points[high + 1]:g}")
    return " 且".join(words) or "有值"


def _leaf_overlaps(scheme: SchemeTables, space: Space) -> Iterator[Finding]:
    for mdc in scheme.mdcs:
        for step in mdc.steps:
            leaves = [leaf for leaf in step.leaves if not _is_ladder(leaf)]
            for region in _entered(space, mdc, step) if len(leaves) > 1 else ():
                pairs = [(a, b) for a, b in combinations(leaves, 2) if _cross(space, region, a, b)]
                if pairs:
                    first = "、".join(f"{a.drg}（第 {a.row} 行）与 {b.drg}（第 {b.row} 行）" for a, b in pairs[:3])
                    more = f"等 {len(pairs)} 对" * (len(pairs) > 3)  # noqa: PLR2004  # as many as shown
                    message = f"可同时成立，靠次序取前一个：{first}{more}"
                    place = f"{mdc.code}/{step.rule}"
                    hint = "次序正确就不用改"
                    yield _finding("SCH-G003", "info", "adrg.csv", step.row, place, message, hint)
                    break


def _is_ladder(leaf: Leaf) -> bool:
    """Whether the leaf asks for nothing but complications."""
    return all(atom.kind in {"mcc", "cc"} for clause in leaf.when for atom in clause)


def _cross(space: Space, region: Region, one: Leaf, other: Leaf) -> bool:
    """Whether some cases meet both leaves, some only the first and some only the second."""
    common = [space.meet(region, (*space.terms(a), *space.terms(b))) is not None for a in one.when for b in other.when]
    return any(common) and _beyond(space, region, one, other) and _beyond(space, region, other, one)


def _beyond(space: Space, region: Region, leaf: Leaf, other: Leaf) -> bool:
    covers = [space.terms(clause) for clause in other.when]
    parts = [space.meet(region, space.terms(clause)) for clause in leaf.when]
    return any(part is not None and uncovered(space, part, covers) is not None for part in parts)


def _is_own_list(atom: Atom, kind: str) -> bool:
    """Whether a condition names a list of its own; the operating-room procedures are meant to overlap."""
    return atom.kind == kind and not atom.negated and atom.list_name != VALID_PX


def _code_overlaps(scheme: SchemeTables, space: Space) -> Iterator[Finding]:
    labels = {"dx_main": ("诊断", "dx_list.csv"), "px_main": ("手术操作", "px_list.csv")}
    for mdc in scheme.mdcs:
        for kind, (label, file) in labels.items():
            owners: dict[str, int] = {}
            for step in mdc.steps:
                for clause in step.when:
                    if len(clause) == 1 and _is_own_list(clause[0], kind) and not step.is_gate:
                        owners[step.adrg] = owners.get(step.adrg, 0) | space.term(clause[0]).mask
            seen = twice = 0
            for mask in owners.values():
                twice |= seen & mask
                seen |= mask
            codes = space.members(kind[:2], twice)
            if codes:
                first = codes[0]
                bit = space.bit(kind[:2], first)
                names = "、".join(adrg for adrg, mask in owners.items() if mask & bit)
                message = (
                    f"{len(codes)} 个{label}编码同在几个 ADRG 的清单里，靠次序取前一个；"
                    f"例如 {first}（{names}）{'、' + _examples(codes[1:]) if codes[1:] else ''}"
                )
                yield _finding("SCH-G004", "info", file, 0, mdc.code, message, "次序正确就不用改")
