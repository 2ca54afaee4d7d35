"""Scheme drafts 目录草案: a copy of a scheme's tables with adopted proposals written into them (S905-01)."""

from __future__ import annotations

import csv
import gzip
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

from tongpin.base.errors import SchemeError
from tongpin.grouping.tables.read import TABLES, load_scheme, table_files

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from tongpin.grouping.tables.model import SchemeTables

Kind = Literal["new", "merge", "split"]
KIND_LABELS: dict[str, str] = {"new": "新增", "merge": "合并", "split": "拆分"}

Row = dict[str, str]


@dataclass(frozen=True, slots=True)
class Change:
    """What a proposal does to the tables.

    `new`: a group `targets[0]` under a new ADRG of its first three characters, in force where `when` holds, asked just
    before the ADRG `groups[0]`. `merge`: `groups` become `targets[0]`. `split`: `groups[0]` becomes `targets[0]` where
    `when` holds and `targets[1]` elsewhere. `names` stand beside `targets`.
    """

    kind: Kind
    groups: tuple[str, ...]
    targets: tuple[str, ...]
    names: tuple[str, ...]
    when: str = ""


def check_change(change: Change, scheme: SchemeTables) -> None:
    """SchemeError `catalogue.change` for a change that does not fit the scheme."""
    leaves = {leaf.drg: step.adrg for mdc in scheme.mdcs for step in mdc.steps for leaf in step.leaves}
    adrgs = set(leaves.values())
    known = adrgs if change.kind == "new" else set(leaves)
    needs = {"new": (1, 1), "merge": (2, 1), "split": (1, 2)}
    problem = ""
    if change.kind not in get_args(Kind):
        problem = f"没有“{change.kind}”这种提议"
    elif strange := [code for code in change.groups if code not in known]:
        problem = f"方案里没有 {'、'.join(strange)}"
    else:
        groups, targets = needs[change.kind]
        kept = set(change.groups) if change.kind == "merge" else set()
        taken = [code for code in change.targets if code in leaves and code not in kept]
        if len(change.groups) < groups or len(change.targets) != targets or len(change.names) != targets:
            problem = f"{KIND_LABELS[change.kind]}须写 {groups} 个以上病组、{targets} 个新代码与名称"
        elif taken:
            problem = f"代码 {'、'.join(taken)} 已经在用"
        elif change.kind == "merge" and len({leaves[code] for code in change.groups}) > 1:
            problem = "只能合并同一 ADRG 的病组"
        elif change.kind != "merge" and not change.when:
            problem = f"{KIND_LABELS[change.kind]}须写条件"
    if problem:
        raise SchemeError("catalogue.change", problem, where=scheme.scheme_id, hint="改正提议；条件的写法见方案格式")


def write_draft(source: Path, target: Path, scheme_id: str, changes: Sequence[Change]) -> SchemeTables:
    """The scheme in `source` with the changes, written to the new folder `target` under a new id, loaded and checked.

    Raises `SchemeError` for a change that does not fit, and whatever the reader of schemes finds wrong (the condition
    of a proposal is read there).
    """
    for change in changes:
        check_change(change, load_scheme(source))
    files = table_files(source)
    tables = {name: _read(source / file) for name, file in files.items()}
    for change in changes:
        _APPLY[change.kind](tables, change)
    for row in tables["scheme"]:
        if row["key"] == "scheme_id":
            row["value"] = scheme_id
    target.mkdir(parents=True, exist_ok=True)
    for name, rows in tables.items():
        columns = [column for column in TABLES[name] if not rows or column in rows[0]]
        with (target / f"{name}.csv").open("w", encoding="utf-8", newline="") as handle:
            writer = csv.DictWriter(handle, columns, lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
    return load_scheme(target, scheme_id)


def _read(path: Path) -> list[Row]:
    data = path.read_bytes()
    text = (gzip.decompress(data) if path.suffix == ".gz" else data).decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text)))


def _merge(tables: dict[str, list[Row]], change: Change) -> None:
    for row in tables["drg"]:
        if row["drg"] in change.groups:
            row["drg"], row["name"] = change.targets[0], change.names[0]
    _rename(tables, change)


def _split(tables: dict[str, list[Row]], change: Change) -> None:
    rows: list[Row] = []
    for row in tables["drg"]:
        if row["drg"] == change.groups[0]:
            first = {"drg": change.targets[0], "name": change.names[0], "when": both(change.when, row["when"])}
            rows += [row | first, row | {"drg": change.targets[1], "name": change.names[1]}]
        else:
            rows.append(row)
    place: dict[tuple[str, str, str], int] = {}
    for row in sorted(rows, key=lambda one: int(one["seq"])):
        key = (row["mdc"], row["adrg"], row["rule"])
        place[key] = place.get(key, 0) + 1
        row["seq"] = str(place[key])
    tables["drg"] = rows
    _rename(tables, change)


def _new(tables: dict[str, list[Row]], change: Change) -> None:
    adrg = change.targets[0][:3]
    rows = sorted(tables["adrg"], key=lambda row: int(row["seq"]))
    at = next(number for number, row in enumerate(rows) if row["adrg"] == change.groups[0])
    mdc = rows[at]["mdc"]
    made = {"mdc": mdc, "kind": "adrg", "adrg": adrg, "rule": adrg, "name": change.names[0], "when": change.when}
    rows.insert(at, made)
    for number, row in enumerate(rows, start=1):
        row["seq"] = str(number)
    tables["adrg"] = rows
    leaf = {"mdc": mdc, "adrg": adrg, "rule": adrg, "seq": "1", "drg": change.targets[0]}
    tables["drg"].append(leaf | {"name": change.names[0], "when": "always"})
    _rename(tables, change)


def _rename(tables: dict[str, list[Row]], change: Change) -> None:
    """The names table follows where the scheme has one."""
    if "drg_name" in tables:
        gone = set(change.groups) if change.kind != "new" else set()
        kept = [row for row in tables["drg_name"] if row["drg"] not in gone]
        named = [{"drg": drg, "name": name} for drg, name in zip(change.targets, change.names, strict=True)]
        tables["drg_name"] = kept + named


_APPLY: dict[str, Callable[[dict[str, list[Row]], Change], None]] = {"merge": _merge, "split": _split, "new": _new}


def both(first: str, second: str) -> str:
    """The condition that holds where both hold, written out in the alternatives of the `when` language."""
    if "never" in {first.strip(), second.strip()}:
        return "never"
    if first.strip() == "always":
        return second
    if second.strip() == "always":
        return first
    return " | ".join(f"{one.strip()} & {two.strip()}" for one in first.split("|") for two in second.split("|"))
