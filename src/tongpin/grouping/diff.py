"""Two schemes side by side 方案对比: groups, rules and codes that differ; on cases, who moves where and what it weighs.

Everything here is pure. What two schemes call by the same code is the same thing: an MDC, a rule of an MDC, a group, a
code of a dictionary. Exclusion tables have opaque names, so they are compared by the principals they hold.
"""

from __future__ import annotations

import csv
from collections import Counter, defaultdict
from dataclasses import dataclass, fields
from decimal import Decimal, InvalidOperation
from difflib import SequenceMatcher
from typing import TYPE_CHECKING, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from tongpin.base.errors import SchemeError
from tongpin.grouping.compiled.stage import group
from tongpin.grouping.tables.model import VALID_PX, Status
from tongpin.grouping.tables.when import ALWAYS, NEVER

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from tongpin.grouping.tables.model import Leaf, Mdc, SchemeTables, Step
    from tongpin.grouping.tables.when import Condition

TOPICS: dict[str, str] = {
    "option": "选项",
    "mdc": "MDC",
    "rule": "ADRG 规则",
    "leaf": "细分组条件",
    "group": "病组",
    "diagnosis": "诊断编码",
    "procedure": "手术操作编码",
    "complication": "并发症级别",
    "exclusion": "并发症的排除",
    "site": "创伤部位",
    "map": "转码",
}
"""What a change is about, in the order in which a reader wants it."""
KINDS: dict[str, str] = {
    "added": "新增",
    "removed": "取消",
    "changed": "改动",
    "renamed": "改名",
    "moved": "移动",
}


class Change(NamedTuple):
    """One difference: topic and kind (see `TOPICS`, `KINDS`), where, of what, before and after.

    Of MDCs and rules, `before` and `after` hold name and condition; of codes, the lists' owners (MDC, ADRG, DRG); of
    `exclusion`, the principals that only one of the two excludes.
    """

    topic: str
    kind: str
    place: str
    code: str
    before: tuple[str, ...]
    after: tuple[str, ...]


def compare_schemes(old: SchemeTables, new: SchemeTables) -> list[Change]:
    """Every difference of two schemes, by topic; texts of conditions are compared as they are written."""
    return [
        *_options(old, new),
        *_mdcs(old, new),
        *_rules(old, new),
        *_leaves(old, new),
        *_groups(old, new),
        *_owned_codes(old, new),
        *_complications(old, new),
        *_exclusions(old, new),
        *_plain_pairs("site", "部位", old.sites, new.sites),
        *_plain_pairs("map", "dx_map", old.dx_map, new.dx_map),
        *_plain_pairs("map", "px_map", old.px_map, new.px_map),
    ]


def code_counts(changes: Sequence[Change]) -> list[tuple[str, str, str, int, int]]:
    """Codes that came and went per owner: topic, place, owner, added, removed; the most changed first."""
    counts: dict[tuple[str, str, str], Counter[str]] = defaultdict(Counter)
    for change in changes:
        if change.topic in {"diagnosis", "procedure", "complication"}:
            for owner in set(change.after) - set(change.before):
                counts[change.topic, change.place, owner]["added"] += 1
            for owner in set(change.before) - set(change.after):
                counts[change.topic, change.place, owner]["removed"] += 1
    rows = [(*owner, count["added"], count["removed"]) for owner, count in counts.items()]
    return sorted(rows, key=lambda row: (-row[3] - row[4], row[:3]))


def _kind(before: object, after: object) -> str:
    return "added" if not before else "removed" if not after else "changed"


def _word_kind(before: tuple[str, ...], after: tuple[str, ...]) -> str:
    """The kind of a change of name and condition, the name first."""
    return "renamed" if before and before[1:] == after[1:] else _kind(before, after)


def _options(old: SchemeTables, new: SchemeTables) -> Iterator[Change]:
    for field in fields(old.options):
        before, after = (str(getattr(one.options, field.name)) for one in (old, new))
        if before != after:
            yield Change("option", "changed", "scheme.csv", field.name, (before,), (after,))


def _text(condition: Condition) -> str:
    if condition in {ALWAYS, NEVER}:
        return "always" if condition == ALWAYS else "never"
    return " | ".join(" & ".join(str(atom) for atom in clause) for clause in condition)


def _moved(before: Sequence[str], after: Sequence[str]) -> set[str]:
    """What both sequences hold but in another order: the fewest that have to move."""
    common = set(before) & set(after)
    one, other = [name for name in before if name in common], [name for name in after if name in common]
    blocks = SequenceMatcher(None, one, other, autojunk=False).get_matching_blocks()
    return common - {name for block in blocks for name in one[block.a : block.a + block.size]}


def _mdcs(old: SchemeTables, new: SchemeTables) -> Iterator[Change]:
    before, after = ({mdc.code: mdc for mdc in one.mdcs} for one in (old, new))
    moved = _moved(list(before), list(after))
    for code in dict.fromkeys([*before, *after]):
        one, other = (_mdc_words(side.get(code)) for side in (before, after))
        if one != other:
            yield Change("mdc", _word_kind(one, other), "mdc.csv", code, one, other)
        if code in moved:
            places = [f"第 {list(side).index(code) + 1} 个" for side in (before, after)]
            yield Change("mdc", "moved", "mdc.csv", code, (places[0],), (places[1],))


def _mdc_words(mdc: Mdc | None) -> tuple[str, ...]:
    if mdc is None:
        return ()
    sites = f"；不少于 {mdc.min_sites} 个部位" if mdc.min_sites else ""
    return (mdc.name, f"{_text(mdc.when)}{sites}")


def _steps(scheme: SchemeTables) -> dict[tuple[str, str], Step]:
    return {(mdc.code, step.rule): step for mdc in scheme.mdcs for step in mdc.steps}


def _rules(old: SchemeTables, new: SchemeTables) -> Iterator[Change]:
    before, after = _steps(old), _steps(new)
    for key in dict.fromkeys([*before, *after]):
        one, other = (_step_words(side.get(key)) for side in (before, after))
        if one != other:
            yield Change("rule", _word_kind(one, other), key[0], key[1], one, other)
    for mdc in dict.fromkeys(key[0] for key in before):
        orders = [[rule for owner, rule in side if owner == mdc] for side in (before, after)]
        for rule in sorted(_moved(*orders)):
            places = [f"第 {order.index(rule) + 1} 个" for order in orders]
            yield Change("rule", "moved", mdc, rule, (places[0],), (places[1],))


def _step_words(step: Step | None) -> tuple[str, ...]:
    return () if step is None else (step.name, f"{'歧义' if step.is_gate else step.adrg}：{_text(step.when)}")


def _leaf_texts(scheme: SchemeTables) -> dict[tuple[str, str, str], list[tuple[int, Leaf]]]:
    found: dict[tuple[str, str, str], list[tuple[int, Leaf]]] = defaultdict(list)
    for key, step in _steps(scheme).items():
        for at, leaf in enumerate(step.leaves, start=1):
            found[*key, leaf.drg].append((at, leaf))
    return found


def _leaves(old: SchemeTables, new: SchemeTables) -> Iterator[Change]:
    """Leaves whose condition differs, of rules and groups that both schemes have; then those that moved."""
    before, after = _leaf_texts(old), _leaf_texts(new)
    steps = (_steps(old), _steps(new))
    rules = set(steps[0]) & set(steps[1])
    for key in dict.fromkeys([*before, *after]):
        if key[:2] in rules:
            one, other = (tuple(_text(leaf.when) for _, leaf in side.get(key, ())) for side in (before, after))
            if one != other:
                yield Change("leaf", _kind(one, other), "/".join(key[:2]), key[2], one, other)
    for rule in sorted(rules):
        orders = [[leaf.drg for leaf in side[rule].leaves] for side in steps]
        for drg in sorted(_moved(*orders)):
            places = [f"第 {order.index(drg) + 1} 个" for order in orders]
            yield Change("leaf", "moved", "/".join(rule), drg, (places[0],), (places[1],))


def _groups(old: SchemeTables, new: SchemeTables) -> Iterator[Change]:
    before, after = (_group_names(one) for one in (old, new))
    for code in dict.fromkeys([*before, *after]):
        one, other = before.get(code), after.get(code)
        if one is None or other is None:
            words = tuple((name,) if name is not None else () for name in (one, other))
            yield Change("group", "added" if one is None else "removed", "drg.csv", code, words[0], words[1])
        elif one != other:
            yield Change("group", "renamed", "drg_name.csv", code, (one,), (other,))


def _group_names(scheme: SchemeTables) -> dict[str, str]:
    names = {leaf.drg: leaf.name for mdc in scheme.mdcs for step in mdc.steps for leaf in step.leaves}
    return {code: scheme.drg_names.get(code) or name for code, name in names.items()}


def _owners(scheme: SchemeTables) -> dict[tuple[str, str], dict[str, set[str]]]:
    """By topic and place, the owners of each code: the MDCs, ADRGs and DRGs whose conditions name a list with it."""
    found: dict[tuple[str, str], dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))

    def note(place: str, owner: str, when: Condition) -> None:
        for atom in (atom for clause in when for atom in clause if atom.list_name and atom.list_name != VALID_PX):
            topic = "diagnosis" if atom.kind.startswith("dx_") else "procedure"
            for code in scheme.listed(atom):
                found[topic, place][code].add(owner)

    for mdc in scheme.mdcs:
        note("MDC", mdc.code, mdc.when)
        for step in mdc.steps:
            note("ADRG", step.adrg, step.when)
            for leaf in step.leaves:
                note("DRG", leaf.drg, leaf.when)
    for code in scheme.px_lists.get(VALID_PX, ()):
        found["procedure", VALID_PX][code].add("手术室手术")
    return found


def _owned_codes(old: SchemeTables, new: SchemeTables) -> Iterator[Change]:
    before, after = _owners(old), _owners(new)
    for topic, place in sorted({*before, *after}):
        one, other = before.get((topic, place), {}), after.get((topic, place), {})
        for code in sorted({*one, *other}):
            owners = [tuple(sorted(side.get(code, ()))) for side in (one, other)]
            if owners[0] != owners[1]:
                kind = _kind(*owners)
                yield Change(topic, "moved" if kind == "changed" else kind, place, code, owners[0], owners[1])


def _complications(old: SchemeTables, new: SchemeTables) -> Iterator[Change]:
    for code in sorted({*old.mcc, *old.cc, *new.mcc, *new.cc}):
        levels = [(*(("MCC",) if code in one.mcc else ()), *(("CC",) if code in one.cc else ())) for one in (old, new)]
        if levels[0] != levels[1]:
            yield Change("complication", _kind(*levels), "mcc/cc", code, levels[0], levels[1])


def _exclusions(old: SchemeTables, new: SchemeTables) -> Iterator[Change]:
    """Complications of both schemes that other principals exclude; a renumbered table is no change."""
    sides = (_principals(old), _principals(new))
    found: dict[tuple[str, str], tuple[tuple[str, ...], tuple[str, ...]]] = {}
    for level in ("mcc", "cc"):
        one, other = getattr(old, level), getattr(new, level)
        for code in sorted(set(one) & set(other)):
            tables = (one[code], other[code])
            if tables not in found:
                members = [side.get(table, frozenset()) for side, table in zip(sides, tables, strict=True)]
                found[tables] = (
                    tuple(sorted(members[0] - members[1])),
                    tuple(sorted(members[1] - members[0])),
                )
            gone, come = found[tables]
            if gone or come:
                yield Change("exclusion", "changed", level, code, gone, come)


def _principals(scheme: SchemeTables) -> dict[str, frozenset[str]]:
    members: dict[str, set[str]] = defaultdict(set)
    for code, table in scheme.exclusion.items():
        members[table].add(code)
    return {table: frozenset(codes) for table, codes in members.items()}


def _plain_pairs(topic: str, place: str, old: Mapping[str, str], new: Mapping[str, str]) -> Iterator[Change]:
    for code in sorted({*old, *new}):
        one, other = ((side[code],) if code in side else () for side in (old, new))
        if one != other:
            yield Change(topic, _kind(one, other), place, code, one, other)


MOVE_COLUMNS = ("status_before", "drg_before", "status_after", "drg_after")


def move_cases(cases: pa.Table, old: SchemeTables, new: SchemeTables) -> pa.Table:
    """How many cases go from which group to which: the four `MOVE_COLUMNS` and `case_count`, most first.

    `cases` is any table that `stage.group` takes. Cases that stay are in it too, so that the counts add up to the
    cases. Pure.
    """
    columns: dict[str, pa.Array] = {}
    for side, scheme in (("before", old), ("after", new)):
        answers = group(cases, scheme)
        for name in ("status", "drg"):
            columns[f"{name}_{side}"] = answers[name].cast(pa.string())
    counted = pa.table(columns).group_by(list(MOVE_COLUMNS)).aggregate([([], "count_all")])
    counted = counted.rename_columns([*MOVE_COLUMNS, "case_count"])
    order = [("case_count", "descending"), *((name, "ascending") for name in MOVE_COLUMNS)]
    return counted.sort_by(order)


def changed(moves: pa.Table) -> pa.Table:
    """The moves of which status or group differ."""
    same = pc.and_(
        pc.equal(moves["status_before"], moves["status_after"]), pc.equal(moves["drg_before"], moves["drg_after"])
    )
    return moves.filter(pc.invert(same))


@dataclass(frozen=True, slots=True)
class CaseMix:
    """The case mix of grouped cases by a table of weights: exact sum, cases with a weight, groups without one."""

    weight: Decimal
    weighted_count: int
    unweighted_count: int
    missing: tuple[str, ...]

    @property
    def index(self) -> Decimal | None:
        """CMI: the sum of weights per case that has one; None without any."""
        return self.weight / self.weighted_count if self.weighted_count else None


def case_mix(moves: pa.Table, side: str, weights: Mapping[str, Decimal]) -> CaseMix:
    """The case mix of one side (`before`, `after`) of `move_cases`; only cases with status grouped carry weight."""
    columns = (moves[f"status_{side}"], moves[f"drg_{side}"], moves["case_count"])
    counts: Counter[str] = Counter()
    for status, drg, count in zip(*(column.to_pylist() for column in columns), strict=True):
        if status == Status.GROUPED:
            counts[drg] += count
    known = {drg: count for drg, count in counts.items() if drg in weights}
    missing = tuple(sorted(set(counts) - set(known)))
    return CaseMix(
        weight=sum((weights[drg] * count for drg, count in known.items()), Decimal(0)),
        weighted_count=sum(known.values()),
        unweighted_count=sum(counts[drg] for drg in missing),
        missing=missing,
    )


def move_weights(
    moves: pa.Table, weights_old: Mapping[str, Decimal], weights_new: Mapping[str, Decimal]
) -> list[Decimal | None]:
    """What each move does to the sum of weights; a side that is not grouped weighs nothing, one without weight None."""
    found: list[Decimal | None] = []
    for row in moves.to_pylist():
        sides = []
        for side, weights in (("before", weights_old), ("after", weights_new)):
            grouped = row[f"status_{side}"] == Status.GROUPED
            sides.append(weights.get(row[f"drg_{side}"]) if grouped else Decimal(0))
        before, after = sides
        found.append(None if before is None or after is None else (after - before) * row["case_count"])
    return found


def read_weights(path: Path) -> dict[str, Decimal]:
    """The weights of groups from a CSV with the columns `drg` and `weight`; others are left aside.

    Raises `SchemeError` (`diff.weights`) for a file that is not that, a group given twice, a weight that is no
    non-negative decimal.
    """
    weights: dict[str, Decimal] = {}
    hint = "给出列 drg,weight 的 CSV（UTF-8），权重写成小数"
    try:
        with path.open(encoding="utf-8-sig", newline="") as handle:
            reader = csv.DictReader(handle)
            if not {"drg", "weight"} <= set(reader.fieldnames or ()):
                raise SchemeError("diff.weights", "缺少列 drg 或 weight", where=str(path), hint=hint)
            for row in reader:
                where = f"{path} 第 {reader.line_num} 行"
                weight = _weight(row["weight"])
                if weight is None or row["drg"] in weights:
                    what = f"权重“{row['weight']}”不是非负小数" if weight is None else f"{row['drg']} 写了两次"
                    raise SchemeError("diff.weights", what, where=where, hint=hint)
                weights[row["drg"]] = weight
    except UnicodeDecodeError:
        raise SchemeError("diff.weights", "文件不是 UTF-8 编码", where=str(path), hint=hint) from None
    return weights


def _weight(text: str | None) -> Decimal | None:
    try:
        weight = Decimal((text or "").strip())
    except InvalidOperation:
        return None
    return weight if weight.is_finite() and weight >= 0 else None
