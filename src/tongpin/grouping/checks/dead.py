"""Dead rows 到不了的行: leaves, rules, gates and categories without a case, each with the reason."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tongpin.base.findings import Finding
from tongpin.grouping.checks.reach import LEAF_FILE, Row, Verdict, entry, gate_row, leaf_row, reach
from tongpin.grouping.tables.when import ALWAYS, NEVER

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tongpin.base.findings import Severity
    from tongpin.grouping.checks.regions import Space
    from tongpin.grouping.tables.model import Leaf, Mdc, SchemeTables, Step
    from tongpin.grouping.tables.when import Condition

SHOWN_ROWS = 4
"""How many rows a message names."""


def dead_rows(scheme: SchemeTables, space: Space) -> list[Finding]:
    """What no case reaches, in table order.

    Leaves behind an `always` of their rule (SCH-D001), `never` (SCH-D002), on an empty list (SCH-D003), of conditions
    that exclude one another (SCH-D005), covered by rows before (SCH-D006), not reached by any case tried (SCH-D007,
    no proof); rules without leaves (SCH-D004), rules (SCH-D008), gates (SCH-D009) and categories (SCH-D010) of which
    nothing is reached. A group that another of its rows can still give is only a remark.
    """
    verdicts = reach(scheme, space)
    return [
        finding for mdc in scheme.mdcs for finding in (*_category(verdicts, mdc), *_rules(scheme, space, verdicts, mdc))
    ]


def _category(verdicts: dict[Row, Verdict], mdc: Mdc) -> Iterator[Finding]:
    ends = [leaf_row(leaf) for step in mdc.steps for leaf in step.leaves]
    if ends and not any(verdicts[end].case for end in ends):
        yield _finding(
            "SCH-D010",
            "warning",
            "mdc.csv",
            mdc.row,
            mdc.code,
            "这个 MDC 的细分组一个也到不了",
            "核对 MDC 的条件和次序",
        )


def _rules(scheme: SchemeTables, space: Space, verdicts: dict[Row, Verdict], mdc: Mdc) -> Iterator[Finding]:
    living = {
        end.code: end.row for end, verdict in reversed(verdicts.items()) if verdict.case and end.file == LEAF_FILE
    }
    for step in mdc.steps:
        place = f"{mdc.code}/{step.rule}"
        if step.is_gate:
            yield from _gate(verdicts, step, place)
            continue
        if not step.leaves:
            result = "结果是三位 ADRG 代码" if scheme.options.adrg_without_leaf == "stop" else "永远得不到结果"
            message = f"规则没有任何细分组，{result}"
            yield _finding("SCH-D004", "warning", "adrg.csv", step.row, place, message, "在 drg.csv 补一行 always")
        elif not any(verdicts[leaf_row(leaf)].case for leaf in step.leaves):
            lost = any(leaf.drg not in living for leaf in step.leaves)
            rows = {row: None for leaf in step.leaves for row in verdicts[leaf_row(leaf)].blockers}
            message = f"这条规则的细分组一个也到不了{_covered(list(rows), '：前面有 ')}"
            yield _finding(
                "SCH-D008",
                "warning" if lost else "info",
                "adrg.csv",
                step.row,
                place,
                message,
                "核对规则的条件和 seq；有意停用的可删去",
            )
        closed = 0
        for leaf in step.leaves:
            verdict = verdicts[leaf_row(leaf)]
            if verdict.case is None:
                yield _leaf(scheme, space, mdc, step, leaf, verdict, closed, living.get(leaf.drg, 0))
            if leaf.when == ALWAYS and not closed:
                closed = leaf.row


def _gate(verdicts: dict[Row, Verdict], step: Step, place: str) -> Iterator[Finding]:
    verdict = verdicts.get(gate_row(step))
    if verdict is not None and verdict.case is None:
        message = "没有病例会落到这个歧义组" if verdict.proved else f"试了 {verdict.tries} 例，没有一例落到这个歧义组"
        yield _finding("SCH-D009", "info", "adrg.csv", step.row, place, message, "不需要歧义组时写 never")


def _leaf(
    scheme: SchemeTables,
    space: Space,
    mdc: Mdc,
    step: Step,
    leaf: Leaf,
    verdict: Verdict,
    closed: int,
    other_row: int,
) -> Finding:
    hint = "确认是否有意；无意时调整 seq 或条件"
    if closed:
        rule_id, message = "SCH-D001", f"第 {closed} 行的 always 在它前面，永远到不了这里"
        hint = "把它移到 always 之前（调整 seq）"
    elif leaf.when == NEVER:
        rule_id, message, hint = "SCH-D002", "条件写着 never，永远不成立", "确认是否有意停用"
    elif empty := _empty_list(scheme, leaf.when):
        rule_id, message, hint = "SCH-D003", f"条件要求空清单 {empty}，永远不成立", "补上清单内容"
    elif not verdict.proved:
        rule_id, message = "SCH-D007", f"按它的条件造了 {verdict.tries} 例去试，没有一例到达（没有证明）"
        hint = "拿一份应当入这一组的病例，用 tongpin group --explain 看它停在哪里"
    elif verdict.blockers:
        rule_id, message = "SCH-D006", f"能到这里的病例都被前面的行截住了{_covered(verdict.blockers, '：')}"
    else:
        rule_id, message = "SCH-D005", f"条件不能同时成立：{_contradiction(space, mdc, step, leaf)}"
        hint = "核对清单与条件"
    severity: Severity = "info" if other_row else "warning"
    fate = f"；{leaf.drg} 组仍可由第 {other_row} 行得到" if other_row else f"；{leaf.drg} 组因此不会有病例"
    place = f"{mdc.code}/{step.rule}/{leaf.drg}"
    return _finding(rule_id, severity, LEAF_FILE, leaf.row, place, message + fate, hint)


def _empty_list(scheme: SchemeTables, condition: Condition) -> str:
    """The empty list for want of which no alternative can hold; empty when one can."""
    found = ""
    for clause in condition:
        empty = [atom.list_name for atom in clause if atom.list_name and not atom.negated and not scheme.listed(atom)]
        if not empty:
            return ""
        found = found or empty[0]
    return found


def _covered(rows: list[Row], mark: str) -> str:
    """The rows that stand before, as words."""
    if not rows:
        return ""
    shown = "、".join(f"{row.file} 第 {row.row} 行（{row.code}）" for row in rows[:SHOWN_ROWS])
    return f"{mark}{shown}{f'等 {len(rows)} 行合起来' if len(rows) > SHOWN_ROWS else ''}"


def _contradiction(space: Space, mdc: Mdc, step: Step, leaf: Leaf) -> str:
    """The fewest conditions of the path that exclude one another, of the first alternative."""
    owners = ((mdc.code, mdc.when), (step.rule, step.when), (leaf.drg, leaf.when))
    for owner, when in owners:
        if when == NEVER:
            return f"{owner} 的条件写着 never"
    words = [
        (f"{owner} 的 {atom}", space.term(atom)) for owner, when in owners for clause in when[:1] for atom in clause
    ]
    words += [("至少几个部位", term) for term in entry(space, mdc)[0] if term.kind == "sites"]
    at = 0
    while at < len(words):
        fewer = [words[other][1] for other in range(len(words)) if other != at]
        if space.meet(space.whole(), fewer) is None:
            del words[at]
        else:
            at += 1
    return "，".join(text for text, _ in words)


def _finding(rule_id: str, severity: Severity, file: str, row: int, place: str, message: str, hint: str) -> Finding:
    return Finding(rule_id, severity, file, row, "when", place, message, hint, ("group",) * (severity == "warning"))
