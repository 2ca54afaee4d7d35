"""OpenDRG 的 Python 分组器: a checkout's `drg_group/<variant>` becomes scheme tables; parsed, never run.

The order of calls is the order of the rules: `Grouper.py` calls the MDCs, a file of `MDC/` calls the ADRG rules and the
QY gate, a file of `ADRG/` asks the leaves in `DRG/` and, with code lists of their own, in `DRG_EX/`. Files that nothing
calls are not part of the scheme.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tongpin.base.errors import SchemeError
from tongpin.grouping.importers.alternatives import when_text
from tongpin.grouping.importers.draft import Draft, Place
from tongpin.grouping.importers.opendrg.data import (
    NamesRead,
    read_data,
    read_newborn_days,
    read_results,
    read_retry,
)
from tongpin.grouping.importers.opendrg.leaves import Leaves
from tongpin.grouping.importers.opendrg.sites import SITE_STATEMENTS, read_sites, starts_site_block
from tongpin.grouping.importers.opendrg.source import (
    Checkout,
    Module,
    Refused,
    Variables,
    assigned,
    function_of,
    returned,
    returns_nothing,
    split_variables,
    statements,
)
from tongpin.grouping.tables.read import REQUIRED
from tongpin.grouping.tables.when import ALWAYS

if TYPE_CHECKING:
    from pathlib import Path

    from tongpin.grouping.tables.when import Condition

_ADRG = 3
"""An ADRG code is the first three characters of a group."""


def recognises(source: Path) -> bool:
    """Whether a folder is a variant, or a checkout that holds variants."""
    return source.is_dir() and (_is_variant(source) or bool(_variants(source)))


def _is_variant(folder: Path) -> bool:
    return (folder / "Grouper.py").is_file() and all((folder / name).is_dir() for name in ("MDC", "ADRG", "DRG"))


def _variants(source: Path) -> list[Path]:
    parents = [parent for parent in (source, source / "drg_group") if parent.is_dir()]
    return sorted(folder for parent in parents for folder in parent.iterdir() if _is_variant(folder))


def read(source: Path) -> Draft:
    """The draft of one variant (`<checkout>/drg_group/<variant>`), with every fault found.

    Raises `SchemeError` (`scheme.variant`) for a folder that is not a variant, naming the variants in it.
    Findings: SCH-P001 file missing, P002 not readable, P003 construct, P004 condition, P005 data line, P006 result;
    as warnings P010 name not imported, P011 several files for one name, P012 blanks in table numbers, P013 what is
    written for an ungrouped case, P014 dropped codes, P015 byte order mark;
    P020 tells the files that nothing calls.
    """
    if not _is_variant(source):
        found = _variants(source)
        raise SchemeError(
            "scheme.variant",
            f"{source.resolve().name} 不是一个地区的分组器",
            where=str(source),
            hint="给出其中一个：" + "、".join(folder.relative_to(source).as_posix() for folder in found)
            if found
            else "给出 drg_group 下的一个文件夹，里面有 Grouper.py、MDC、ADRG、DRG",
        )
    draft = Draft()
    _Variant(source, draft).read()
    return draft


@dataclass(slots=True)
class _Rule:
    """What an ADRG file says: its leaves in order, and what it returns when none holds."""

    mdc: str
    adrg: str
    name: str
    place: Place
    ending: str = ""
    leaves: list[tuple[str, Condition]] = field(default_factory=list)

    @property
    def always_answers(self) -> bool:
        return any(when == ALWAYS for _, when in self.leaves)


class _Variant:
    def __init__(self, root: Path, draft: Draft) -> None:
        self.name = root.resolve().name
        self.draft = draft
        self.source = Checkout(root, draft)
        self.leaves = Leaves(self.source)
        self.names = NamesRead()
        self.rules: list[_Rule] = []
        self.steps = 0
        self.suffixes: set[str] = set()

    def read(self) -> None:
        """Every table of the variant."""
        self.names = read_data(self.source, self.draft)
        for seq, mdc in enumerate(self._mdc_order(), 1):
            self._mdc(seq, mdc)
        self._options()
        self._uncalled()
        for table in REQUIRED:
            self.draft.rows.setdefault(table, [])  # a scheme without any procedure list still has the table

    # Grouper.py

    def _mdc_order(self) -> list[str]:
        module = self.source.module("Grouper.py")
        function = function_of(self.source, module) if module else None
        left = statements(function.body) if function else []
        order: list[str] = []
        while left and returned(left[0]) != "0000":
            with self.source.reporting("Grouper.py"):
                order.append(_called_file(left))
            left = left[2:] if isinstance(left[0], ast.Assign) else left[1:]
        return order

    # MDC/

    def _mdc(self, seq: int, mdc: str) -> None:
        path = f"MDC/{mdc}.py"
        module = self.source.module(path)
        function = function_of(self.source, module) if module else None
        if module is None or function is None:
            return
        with self.source.reporting(path):
            variables, entry, left = _decision(function, "MDC 开头应是进入条件", "写成 if not (条件): return ''")
            if not returns_nothing(entry.body) or entry.orelse:
                raise Refused(entry, "MDC 开头应是进入条件", "写成 if not (条件): return ''")
            min_sites = 0
            if starts_site_block(left):
                sites = read_sites(left[:SITE_STATEMENTS], variables)
                left, min_sites = left[SITE_STATEMENTS:], sites.least
                for code, site in sites.of_code.items():
                    self.draft.add("site", Place(path, sites.line), code=code, site=site)
            test = ast.UnaryOp(ast.Not(), entry.test, lineno=entry.lineno)
            when = when_text(self.leaves.condition(module, mdc, variables, test))
            self.draft.add("mdc", Place(path, entry.lineno), seq=seq, mdc=mdc, when=when, min_sites=min_sites)
            self._mdc_steps(module, mdc, variables, left)

    def _mdc_steps(self, module: Module, mdc: str, variables: Variables, left: list[ast.stmt]) -> None:
        while left:
            statement = left[0]
            with self.source.reporting(module.path):
                if isinstance(statement, ast.If) and not statement.orelse:
                    self._gate(module, mdc, variables, statement)
                elif returned(statement) != "" or left[1:]:
                    self._call_rules(module, mdc, _called_file(left), statement.lineno)
            left = left[2:] if isinstance(statement, ast.Assign) else left[1:]

    def _gate(self, module: Module, mdc: str, variables: Variables, gate: ast.If) -> None:
        body = statements(gate.body)
        group = returned(body[0]) if len(body) == 1 else None
        if not group or group[:1] != mdc[-1:] or len(group) <= 1:
            raise Refused(gate, "不认识的语句", f"歧义组应返回 {mdc[-1:]}QY 这样的代码")
        self.suffixes.add(group[1:])
        when = self.leaves.condition(module, group, variables, gate.test)
        self._add_step(Place(module.path, gate.lineno), mdc, "ambiguous", group[1:], group, "歧义病案", when)

    def _add_step(self, place: Place, mdc: str, kind: str, adrg: str, rule: str, name: str, when: Condition) -> None:
        self.steps += 1
        self.draft.add(
            "adrg", place, seq=self.steps, mdc=mdc, kind=kind, adrg=adrg, rule=rule, name=name, when=when_text(when)
        )

    # ADRG/

    def _call_rules(self, module: Module, mdc: str, name: str, line: int) -> None:
        """The rule an MDC calls; where only numbered files of that name exist, these in order."""
        path = f"ADRG/{name}.py"
        place = Place(module.path, line)
        if self.source.has(path):
            if module.folders.get(name) != "ADRG":
                self.source.not_imported(place, name, path)
            self._rule(mdc, name)
            return
        numbered = [file.stem for file in (self.source.root / "ADRG").glob(f"{name}_*.py")]
        numbered = sorted((stem for stem in numbered if stem[len(name) + 1 :].isdecimal()), key=_number)
        if not numbered:
            self.draft.fault(
                "SCH-P001", place, name, f"调用了 {name}，但没有文件 {path}", "补上这个文件，或删去这个调用"
            )
            return
        self.draft.fault(
            "SCH-P011",
            place,
            name,
            f"调用了 {name}，来源里只有 {'、'.join(numbered)}：依次当作这条规则",
            "向当地核对这些规则是否都在用",
            severity="warning",
        )
        for stem in numbered:
            self._rule(mdc, stem)

    def _rule(self, mdc: str, name: str) -> None:
        path = f"ADRG/{name}.py"
        self.leaves.called_files.add(path)
        module = self.source.module(path)
        function = function_of(self.source, module) if module else None
        if module is None or function is None:
            return
        with self.source.reporting(path):
            variables, entry, left = _decision(function, "ADRG 应是一个判断", "写成 if 条件: …… else: return ''")
            if not returns_nothing(entry.orelse) or not returns_nothing(left):
                raise Refused(entry, "条件不成立时应返回空", "写成 if 条件: …… else: return ''")
            rule = _Rule(mdc, name.partition("_")[0], name, Place(path, entry.lineno))
            when = self.leaves.condition(module, name, variables, entry.test)
            self._rule_leaves(module, rule, variables, statements(entry.body))
            adrg_name = self.names.adrg_name(code for code, _ in rule.leaves)
            self._add_step(rule.place, mdc, "adrg", rule.adrg, name, adrg_name, when)
            self.rules.append(rule)

    def _rule_leaves(self, module: Module, rule: _Rule, variables: Variables, body: list[ast.stmt]) -> None:
        for at, statement in enumerate(body):
            with self.source.reporting(module.path):
                ending = returned(statement) if at == len(body) - 1 else None
                if ending is None:
                    group, test = _leaf_of(statement)
                    _check_group(rule, group, statement)
                    self._leaf(rule, group, self.leaves.condition(module, group, variables, test), statement.lineno)
                elif ending:
                    _check_group(rule, ending, statement)
                    rule.ending = ending
                    if len(ending) > _ADRG:
                        self._leaf(rule, ending, ALWAYS, statement.lineno)

    def _leaf(self, rule: _Rule, group: str, when: Condition, line: int) -> None:
        rule.leaves.append((group, when))
        self.draft.add(
            "drg",
            Place(rule.place.file, line),
            mdc=rule.mdc,
            adrg=rule.adrg,
            rule=rule.name,
            seq=len(rule.leaves),
            drg=group,
            name=self.names.drg.get(group, ""),
            when=when_text(when),
        )

    # scheme.csv

    def _options(self) -> None:
        place = Place("Grouper.py")
        self.draft.option("scheme_id", self.name, place)
        self.draft.option("title", f"OpenDRG {self.name}", place)
        self.draft.option("source", f"OpenDRG/DRG_Python drg_group/{self.name}", place)
        self.draft.option("adrg_without_leaf", self._without_leaf(), place)
        retry, retry_place = read_retry(self.source, self.name)
        self.draft.option("retry_other_px", int(retry), retry_place)
        gates = [row for row, _ in self.draft.rows["adrg"] if row["kind"] == "ambiguous" and row["when"] != "never"]
        if retry and gates:
            message = "换手术再试时歧义判断也生效，方案表里没有这种写法"
            self.draft.fault("SCH-P006", retry_place, gates[0]["rule"], message, "向当地核对再试时是否判歧义")
        if len(self.suffixes) > 1:
            found = "、".join(sorted(self.suffixes))
            self.draft.fault("SCH-P006", Place("MDC"), found, "歧义组的写法不一致", "统一为 QY 之类的一种后缀")
        for suffix in sorted(self.suffixes)[:1]:
            self.draft.option("ambiguous_suffix", suffix, place)
        for key, (value, value_place) in read_results(self.source, self.name).items():
            self.draft.option(key, value, value_place)
        self.draft.option("newborn_days", *read_newborn_days(self.source))
        conditions = [row["when"] for table in ("mdc", "adrg", "drg") for row, _ in self.draft.rows[table]]
        self.draft.option("uses_icu_hours", int(any("icu_hours" in when for when in conditions)), place)

    def _without_leaf(self) -> str:
        """`stop` or `next`, as the rules that may have no answer say; where they differ, `stop` becomes a leaf."""
        open_rules = [rule for rule in self.rules if not rule.always_answers]
        stops = [rule for rule in open_rules if rule.ending]
        if not open_rules:
            stopping = sum(bool(rule.ending) for rule in self.rules)
            return "stop" if 2 * stopping > len(self.rules) else "next"
        if len(stops) == len(open_rules):
            return "stop"
        for rule in stops:
            self._leaf(rule, rule.ending, ALWAYS, rule.place.row)
        return "next"

    def _uncalled(self) -> None:
        files = [
            f"{folder}/{file.name}"
            for folder in ("ADRG", "DRG_EX")
            for file in sorted((self.source.root / folder).glob("*.py"))
            if file.stem != "__init__"
        ]
        unused = [file for file in files if file not in self.leaves.called_files]
        if unused:
            self.draft.fault(
                "SCH-P020",
                Place("ADRG"),
                "、".join(unused),
                f"有 {len(unused)} 个文件没有被调用，不属于这套方案",
                "不用改；若当地确有这些组，向来源核对",
                severity="info",
            )


def _called_file(left: list[ast.stmt]) -> str:
    """The file that `result=X.group(record)` followed by `if result: return result` calls; raises `Refused`."""
    refused = Refused(left[0], "不认识的语句", "应为 result=X.group(record)，下一句 if result: return result")
    if not isinstance(left[0], ast.Assign) or not left[1:]:
        raise refused
    variable, value = assigned(left[0])
    match = re.fullmatch(r"(\w+)\.group\(record\)", ast.unparse(value))
    if not match or ast.unparse(left[1]) != f"if {variable}:\n    return {variable}":
        raise refused
    return match[1]


def _decision(function: ast.FunctionDef, message: str, hint: str) -> tuple[Variables, ast.If, list[ast.stmt]]:
    """The lists of a function, the decision it starts with and what follows; raises `Refused`."""
    variables, left = split_variables(function)
    if not left or not isinstance(left[0], ast.If):
        raise Refused(left[0] if left else function, message, hint)
    return variables, left[0], left[1:]


def _leaf_of(statement: ast.stmt) -> tuple[str, ast.expr]:
    """The group that a leaf returns, and its test; raises `Refused`."""
    if not isinstance(statement, ast.If) or statement.orelse:
        raise Refused(statement, "不认识的语句", "这里只能依次判断细分组，最后返回 ADRG 或空")
    answer = statements(statement.body)
    group = returned(answer[0]) if len(answer) == 1 else None
    if not group:
        raise Refused(statement, "细分组应返回一个组的代码", "写成 return 'AA19'")
    return group, statement.test


def _check_group(rule: _Rule, group: str, statement: ast.stmt) -> None:
    """A code decides the MDC and ADRG of the answer, so it must agree with where it stands; raises `Refused`."""
    if group[:_ADRG] != rule.adrg or group[:1] != rule.mdc[-1:]:
        raise Refused(
            statement,
            f"{rule.mdc} 的规则 {rule.name} 返回了 {group}",
            f"应以 {rule.adrg} 开头；核对是代码写错了，还是放错了文件",
        )


def _number(stem: str) -> int:
    return int(stem.rpartition("_")[2])
