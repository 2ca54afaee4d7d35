"""The rules of a JSON package 规则包的规则: one ADRG rule becomes a condition over named code lists."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tongpin.grouping.importers.rule_package.conditions import (
    FALSE,
    TRUE,
    TooManyAlternativesError,
    atom,
    both,
    either,
    negated,
)
from tongpin.grouping.importers.rule_package.layout import layout

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tongpin.grouping.importers.draft import Place
    from tongpin.grouping.importers.rule_package.conditions import Terms
    from tongpin.grouping.importers.rule_package.settings import Settings
    from tongpin.grouping.importers.rule_package.source import Source

RULE_KEYS = (
    "logic",
    "sections",
    "sectionAliases",
    "sectionMinimumMatches",
    "sectionMinimumOccurrences",
    "_logicRPN",
    "_logicCompileError",
    "referencedADRGs",
    "requiredReferencedADRGs",
    "requiredProcedureGroups",
    "anyProcedureRequired",
    "zeroProceduresRequired",
    "multiSite",
    "intensiveCare",
)
_TWICE = "twice:"
_FALLBACK = {"其他诊断": "主要诊断", "其他手术或操作": "主要手术或操作"}


@dataclass(slots=True)
class Lists:
    """The code lists of the draft; the same codes of one owner are one list."""

    source: Source
    names: dict[tuple[str, str, frozenset[str]], str] = field(default_factory=dict)
    codes: dict[str, frozenset[str]] = field(default_factory=dict)

    def name(self, kind: str, owner: str, codes: frozenset[str], place: Place) -> str:
        """The list of some codes (`kind` is dx or px), written when it is new (`HC2.px`, then `HC2.px2`)."""
        key = (kind, owner, codes)
        if key not in self.names:
            number = 1 + sum(1 for other in self.names if other[:2] == key[:2])
            name = f"{owner}.{kind}{number if number > 1 else ''}"
            self.names[key] = name
            self.codes[name] = codes
            for code in sorted(codes):
                self.source.draft.add(f"{kind}_list", place, list=name, code=code)
        return self.names[key]

    def atom(self, place_of: str, owner: str, codes: frozenset[str], place: Place) -> Terms:
        """`px_main` and the like over some codes; never, when there are none."""
        return atom(f"{place_of}:{self.name(place_of[:2], owner, codes, place)}") if codes else FALSE


@dataclass(frozen=True, slots=True)
class Section:
    """One named code list of a rule: what it lists, where it looks, how many codes it asks for."""

    kind: str
    position: str
    codes: frozenset[str]
    occurrences: int = 1


@dataclass(slots=True)
class RuleReader:
    """Reads rules, each into a condition.

    `skipped` are procedures that do not count in the first place, `not_all` those that "all procedures" leaves out,
    `rules` every ADRG rule by its code (for rules that refer to another), `fields` what the scheme must declare.
    """

    source: Source
    settings: Settings
    lists: Lists
    skipped: frozenset[str]
    not_all: frozenset[str]
    rules: dict[str, dict[str, Any]] = field(default_factory=dict)
    fields: set[str] = field(default_factory=set)

    def declared(self, name: str) -> Terms:
        """A flag or number that the scheme has to declare; `name==1`."""
        self.fields.add(name)
        return atom(f"{name}==1")

    def first_counts(self, left_out: frozenset[str], place: Place) -> Terms:
        """There is a first procedure and it is none of `left_out`."""
        listed = self.lists.atom("px_main", "NOT-COUNTED", left_out, place)
        return both(atom("px_count>=1"), negated(listed))

    def condition(self, rule: Any, owner: str, place: Place, *, skipped: frozenset[str]) -> Terms:
        """The condition of a rule; never after a fault. What a rule asks for first hides what it asks for later."""
        if not self.source.has_shape(rule, dict, place):
            return FALSE
        self.source.only_keys(rule, RULE_KEYS, place, f"{owner} 的规则")
        try:
            found = self._matched(rule, owner, place, skipped)
            flags = [
                self.declared(name)
                for key, name in (("multiSite", "multi_site"), ("intensiveCare", "intensive_care"))
                if self._is_set(rule, key, place)
            ]
            return both(*flags, self._counted(found, place))
        except TooManyAlternativesError as error:
            message = f"{owner} 的规则展开后超过 {error.count - 1} 种可能，一行表写不下"
            self.source.fault("SCH-J006", place, "", message, "把规则拆开，或合并重复的条件")
            return FALSE

    def _matched(self, rule: dict[str, Any], owner: str, place: Place, skipped: frozenset[str]) -> Terms:
        reading = self.settings.reading
        required = self._codes_of(rule, "requiredReferencedADRGs", place)
        if required:
            return both(*(self._any("px", owner, codes, place, skipped) for codes in required))
        referenced = self._codes_of(rule, "referencedADRGs", place)
        if referenced:
            codes = frozenset().union(*referenced)
            where = "main" if reading.referenced_principal else "any"
            return self._at(where, "px", owner, codes, place, skipped)
        if self._is_set(rule, "anyProcedureRequired", place):
            if reading.any_procedure_principal:
                return self.first_counts(skipped | self.not_all, place)
            return either(self.first_counts(skipped, place), atom("px_count>=2"))
        if self._is_set(rule, "zeroProceduresRequired", place):
            return TRUE
        sections = self._sections(rule, owner, place)
        if "requiredProcedureGroups" in rule:
            groups = rule["requiredProcedureGroups"]
            at = place._replace(column=f"{place.column}.requiredProcedureGroups")
            if not self.source.has_shape(groups, list, at):
                return FALSE
            listed = [frozenset(self.source.texts(group, at)) for group in groups]
            return both(*(self._any("px", owner, codes, place, skipped) for codes in listed))
        met = {name: self._section(section, owner, place, skipped) for name, section in sections.items()}
        if rule.get("logic"):
            return self._logic(rule, owner, place, met)
        by_kind = [
            either(*(met[name] for name, section in sections.items() if section.kind == kind))
            for kind in ("dx", "px")
            if any(section.kind == kind for section in sections.values())
        ]
        if not by_kind:
            self.source.fault("SCH-J005", place, "", f"{owner} 的规则没有任何条件", "补上 sections，或写明无需手术")
            return FALSE
        return both(*by_kind)

    def _is_set(self, rule: dict[str, Any], key: str, place: Place) -> bool:
        value = rule.get(key, False)
        return self.source.has_shape(value, bool, place._replace(column=f"{place.column}.{key}")) and value

    def _codes_of(self, rule: dict[str, Any], key: str, place: Place) -> list[frozenset[str]]:
        """The procedures of every ADRG that a rule refers to."""
        at = place._replace(column=f"{place.column}.{key}")
        found: list[frozenset[str]] = []
        for code in self.source.texts(rule.get(key, []), at):
            if code not in self.rules:
                self.source.fault("SCH-J007", at, code, f"引用的 ADRG {code} 不在 adrg_rules.json 里", "改正代号")
                continue
            sections = self._sections(self.rules[code], code, at, quiet=True).values()
            codes = frozenset().union(*(section.codes for section in sections if section.kind == "px"))
            if not codes:
                self.source.warn(at, code, f"引用的 {code} 没有手术清单，这一条永远不成立", "确认引用是否有误")
            found.append(codes)
        return found

    def _sections(self, rule: dict[str, Any], owner: str, place: Place, *, quiet: bool = False) -> dict[str, Section]:
        """The sections of a rule by name; `quiet` when their faults are reported where they stand."""
        parts: dict[str, dict[str, Any]] = {}
        for key in ("sections", "sectionAliases", "sectionMinimumMatches", "sectionMinimumOccurrences"):
            value = rule.get(key, {})
            parts[key] = value if isinstance(value, dict) else {}
            if not quiet:
                self.source.has_shape(value, dict, place._replace(column=f"{place.column}.{key}"))
        sections: dict[str, Section] = {}
        for name in dict.fromkeys((*parts["sections"], *parts["sectionAliases"])):
            at = place._replace(column=f"{place.column}.sections.{name}")
            kind = "dx" if "诊断" in name else "px" if "手术" in name or "操作" in name else ""
            if not kind and not quiet:
                hint = "名称要含“诊断”“手术”或“操作”，可加“主要”“其他”与编号，例如 主要手术或操作 1"
                self.source.fault("SCH-J005", at, name, f"{owner} 的清单“{name}”看不出是诊断还是手术", hint)
            position = "main" if "主要" in name else "other" if "其他" in name else "any"
            codes = self._listed(parts, name, at, quiet=quiet)
            counts = self._least(parts, name, position, at, quiet=quiet)
            if kind:
                sections[name] = Section(kind, position, codes if counts else frozenset(), max(counts, 1))
        for key in ("sectionMinimumMatches", "sectionMinimumOccurrences"):
            for name in parts[key].keys() - sections.keys() if not quiet else ():
                at = place._replace(column=f"{place.column}.{key}.{name}")
                self.source.fault("SCH-J005", at, name, f"{key} 里的“{name}”不是这条规则的清单", "改正清单名")
        return sections

    def _listed(self, parts: dict[str, dict[str, Any]], name: str, at: Place, *, quiet: bool) -> frozenset[str]:
        """The codes of a section, else of its alias, else (where the package says so) of the principal section."""
        seen: set[str] = set()
        wanted: str | None = name
        while wanted is not None and wanted not in seen:
            seen.add(wanted)
            value = parts["sections"].get(wanted, [])
            value = value if isinstance(value, list) or (wanted == name and not quiet) else []
            if not quiet and wanted == name:
                codes = frozenset(self.source.texts(value, at))
            else:  # its faults are reported where it stands
                codes = frozenset(one.strip() for one in value if isinstance(one, str))
            if codes:
                return codes
            following = parts["sectionAliases"].get(wanted)
            if following is None and self.settings.secondary_fallback:
                stem, _, number = wanted.partition(" ")
                following = f"{_FALLBACK[stem]} {number}".strip() if stem in _FALLBACK else None
            wanted = following if isinstance(following, str) else None
        return frozenset()

    def _least(self, parts: dict[str, dict[str, Any]], name: str, position: str, at: Place, *, quiet: bool) -> int:
        """How many codes a section asks for; 0 when that can never be."""
        matches = parts["sectionMinimumMatches"].get(name, 1)
        occurrences = parts["sectionMinimumOccurrences"].get(name, 1)
        for value in (matches, occurrences):
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                if not quiet:
                    self.source.fault("SCH-J002", at, value, "个数须是正整数", "例如 2")
                return 1
        if position == "main":
            return 0 if max(matches, occurrences) > 1 else 1
        if not quiet and (matches > 1 or occurrences > 2 or (occurrences == 2 and position == "other")):  # noqa: PLR2004
            what = f"{matches} 个不同的编码" if matches > 1 else f"{occurrences} 个编码"
            self._uncountable(at, what)
        return int(occurrences)

    def _uncountable(self, at: Place, what: str) -> None:
        message = f"要求至少有 {what}在清单里，方案表没有计数的条件，不能转换"
        hint = "可转换的只有：主要手术（诊断）在清单里，且全部手术（诊断）中有 2 个以上在同一清单里"
        self.source.fault("SCH-J009", at, what, message, hint)

    def _section(self, section: Section, owner: str, place: Place, skipped: frozenset[str]) -> Terms:
        if section.occurrences > 1 and section.codes:
            return atom(f"{_TWICE}{self.lists.name(section.kind, owner, section.codes, place)}")
        return self._at(section.position, section.kind, owner, section.codes, place, skipped)

    def _at(
        self, position: str, kind: str, owner: str, codes: frozenset[str], place: Place, skipped: frozenset[str]
    ) -> Terms:
        if kind == "px" and position == "main":
            return self.lists.atom("px_main", owner, codes - skipped, place)
        if kind == "px" and position == "any":
            return self._any(kind, owner, codes, place, skipped)
        return self.lists.atom(f"{kind}_{position}", owner, codes, place)

    def _any(self, kind: str, owner: str, codes: frozenset[str], place: Place, skipped: frozenset[str]) -> Terms:
        """A procedure anywhere; one that does not count in the first place counts in the others."""
        if not codes & skipped:
            return self.lists.atom(f"{kind}_any", owner, codes, place)
        return either(
            self.lists.atom("px_main", owner, codes - skipped, place), self.lists.atom("px_other", owner, codes, place)
        )

    def _counted(self, found: Terms, place: Place) -> Terms:
        """The condition with "two in this list" put as the first one and another, which a table can say."""
        clauses: list[tuple[str, ...]] = []
        for clause in found:
            mains = {one.partition(":")[2] for one in clause if one.startswith(("dx_main:", "px_main:"))}
            solved: list[str] = []
            for one in clause:
                if not one.removeprefix("!").startswith(_TWICE):
                    solved.append(one)
                    continue
                name = one.removeprefix("!").removeprefix(_TWICE)
                codes = self.lists.codes[name]
                if one.startswith("!") or not any(self.lists.codes[main] <= codes for main in mains):
                    self._uncountable(place, "2 个编码")
                    continue
                solved.append(f"{name.rpartition('.')[2][:2]}_other:{name}")
            clauses.append(tuple(solved))
        return either(tuple(clauses))

    def _logic(self, rule: dict[str, Any], owner: str, place: Place, met: dict[str, Terms]) -> Terms:
        """The postfix logic of a rule: sections, `&&`, `||`, `!`."""
        at = place._replace(column=f"{place.column}._logicRPN")
        parts = rule.get("_logicRPN")
        if rule.get("_logicCompileError") or not isinstance(parts, list) or not parts:
            error = rule.get("_logicCompileError") or "没有 _logicRPN"
            message = f"{owner} 的入组条件没有编译成功，源分组器里它永远不成立"
            self.source.fault("SCH-J006", at, error, message, "改正 logic 的写法后重新构建")
            return FALSE
        stack: list[Terms] = []
        for part in parts:
            if isinstance(part, dict) and part.get("type") == "SECTION":
                name = part.get("name")
                if name not in met:
                    self.source.fault("SCH-J006", at, name, f"入组条件用到的“{name}”不在 sections 里", "补上清单或改名")
                stack.append(met.get(str(name), FALSE))
            elif part == "!" and stack:
                stack.append(negated(stack.pop()))
            elif part in {"&&", "||"} and len(stack) > 1:
                right, left = stack.pop(), stack.pop()
                stack.append(both(left, right) if part == "&&" else either(left, right))
            else:
                self.source.fault("SCH-J006", at, part, f"{owner} 的入组条件在这里不通", "可用：清单、&&、||、!")
                return FALSE
        if len(stack) != 1:
            self.source.fault("SCH-J006", at, rule["logic"], f"{owner} 的入组条件不完整", "核对 logic 与 _logicRPN")
            return FALSE
        return stack[0]


def newborn_condition(reader: RuleReader, name: str, place: Place) -> tuple[Terms, bool]:
    """What the name of a newborn ADRG asks for in age and weight, and whether it is the one of older infants.

    The packages keep these limits in the name only: `早产儿（入院体重1500-1999g）`.
    """
    rules, source = layout(), reader.source
    infant = any(mark in name for mark in rules.infant_marks)
    limits = [atom(f"age_days{'>=' if infant else '<'}{rules.newborn_below_days}")]
    marks = list(re.finditer("|".join(map(re.escape, rules.weights)), name))
    ends = [*(mark.start() for mark in marks), len(name)][1:] if marks else []
    for mark, end in zip(marks, ends, strict=True):
        text = name[mark.end() : end]
        weight = rules.weights[mark[0]]
        before = re.search(r"\d\s*g?\s*[≤＜<]\s*$", name[: mark.start()])
        if before:
            message = f"“{name}”写在{mark[0]}前面的下限，源分组器没有用到，这里也不用"
            source.warn(place, name, message, "确认体重分段是否首尾相接")
        reader.fields.update({weight} & rules.fields.keys())
        limits.append(_weight_limits(source, weight, text, name, place))
    return both(*limits), infant


def _weight_limits(source: Source, weight: str, text: str, name: str, place: Place) -> Terms:
    between = re.search(r"(\d+)\s*[-－—–~～]\s*(\d+)", text)
    if between:
        return both(atom(f"{weight}>={int(between[1])}"), atom(f"{weight}<={int(between[2])}"))
    operators: Iterable[str] = sorted(layout().weight_operators, key=len, reverse=True)
    bound = re.search(rf"({'|'.join(map(re.escape, operators))})\s*(\d+)", text)
    if bound:
        return atom(f"{weight}{layout().weight_operators[bound[1]]}{int(bound[2])}")
    source.fault("SCH-J010", place, name, "名称里提到体重，却看不出界限", "写作 ＜1000g、1000-1499g 或 ≥2500g")
    return FALSE
