"""The groups of a JSON package 规则包的分组: MDCs, steps, ambiguous gates and DRGs in the order of the source.

Three things a first-match list has to be told:
- The source looks into one MDC only, the first by code whose diagnoses hold the principal one. Here the diagnosis lists
  of the MDCs are made to share no code, so that none can be entered after another.
- A principal diagnosis or first procedure that is invalid or grey leads nowhere: such diagnoses are taken out of the
  lists, and every MDC is guarded against such procedures.
- The source stops when an ADRG holds but none of its DRGs does. What comes after such an ADRG is guarded against it.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any

from tongpin.grouping.importers.rule_package.conditions import (
    FALSE,
    TRUE,
    TooManyAlternativesError,
    atom,
    both,
    either,
    negated,
    when,
)
from tongpin.grouping.importers.rule_package.layout import layout
from tongpin.grouping.importers.rule_package.leaves import LeafReader
from tongpin.grouping.importers.rule_package.rules import newborn_condition

if TYPE_CHECKING:
    from tongpin.grouping.importers.draft import Place
    from tongpin.grouping.importers.rule_package.conditions import Terms
    from tongpin.grouping.importers.rule_package.rules import RuleReader
    from tongpin.grouping.importers.rule_package.source import Dictionary
    from tongpin.grouping.importers.rule_package.tables import Item, Tables

_SEXES = (1, 2)


@dataclass(frozen=True, slots=True)
class _Step:
    """An ADRG with its condition and its DRGs."""

    item: Item
    condition: Terms
    leaves: list[tuple[Item, Terms]]

    @property
    def is_medical(self) -> bool:
        return self.item.code[1] in layout().medical_letters

    @property
    def is_covered(self) -> bool:
        """Whether one of its DRGs always holds."""
        return any(condition == TRUE for _, condition in self.leaves)


def add_groups(reader: RuleReader, tables: Tables, dictionary: Dictionary) -> None:
    """Adds the tables mdc, adrg, drg, site, field and the code lists to the draft of the reader."""
    _Groups(reader, tables, dictionary).add()


class _Groups:
    def __init__(self, reader: RuleReader, tables: Tables, dictionary: Dictionary) -> None:
        self.reader, self.tables = reader, tables
        self.source, self.settings, self.lists = reader.source, reader.settings, reader.lists
        self.draft = self.source.draft
        self.blocked_dx = tables.invalid_dx | dictionary.gray_dx
        self.blocked_px = dictionary.gray_px - self.settings.allowed_gray
        self.mdcs = {item.code: item for item in tables.mdcs}
        self.diagnoses = {item.code: self._diagnoses(item) for item in tables.mdcs}
        self.sites = self._sites()
        reader.rules = {item.code: item.values.get("rule") or {} for item in tables.adrgs}
        self.leaves = LeafReader(reader, _known_codes(tables, dictionary))
        self.drgs = self._drgs_by_adrg()
        self.guards: list[Terms] = []
        """What led to an ADRG without a DRG in a pre-MDC: nothing may hold after it."""

    def add(self) -> None:
        before = [code for code in self.settings.pre_mdc if code in self.mdcs]
        after = sorted(self.mdcs.keys() - set(before))
        entries = self._chosen_entries(after)
        for code in before:
            entries[code] = self._pre_entry(self.mdcs[code])
        for number, code in enumerate([*before, *after], start=1):
            item = self.mdcs[code]
            try:
                self._add_mdc(number, item, entries[code], before=code in before)
            except TooManyAlternativesError as error:
                message = f"{code} 的条件展开后超过 {error.count - 1} 种可能，一行表写不下"
                hint = "多半是几个 ADRG 都缺少兜底的病组（ADRG_ONLY 或 NO_CC）；补上它们"
                self.source.fault("SCH-J006", item.place, code, message, hint)
        for code, site in self.sites.items():
            self.draft.add("site", self.mdcs[layout().trauma_mdc].place, code=code, site=site)
        for name in sorted(self.reader.fields):
            place = self.source.place(self.source.data)
            self.draft.add("field", place, field=name, kind="number", label=layout().fields[name])

    def _add_mdc(self, number: int, item: Item, entry: Terms, *, before: bool) -> None:
        steps = self._steps(item, before=before)
        guarded = self._may_be_grouped(both(entry, *(negated(guard) for guard in self.guards)), item.place)
        if guarded == FALSE:
            return  # no diagnosis leads here
        least = layout().trauma_min_sites if before and item.code == layout().trauma_mdc else 0
        self.draft.add(
            "mdc", item.place, seq=number, mdc=item.code, name=item.name, when=when(guarded), min_sites=least
        )
        self._add_steps(item, steps)
        if not before:
            return
        for step in steps:
            if not step.is_covered and least == 0:
                self.guards.append(both(entry, step.condition))
            elif not step.is_covered:
                message = f"{step.item.code} 没有兜底的病组，又在按部位数进入的 MDC 里，后面的 MDC 无法绕开它，不能转换"
                hint = "补上 ADRG_ONLY 或 NO_CC 的病组"
                self.source.fault("SCH-J014", step.item.place, step.item.code, message, hint)

    def _add_steps(self, mdc: Item, steps: list[_Step]) -> None:
        letter = mdc.code[-1]
        seq, gates = 0, 0
        for is_medical, run in groupby(steps, key=lambda step: step.is_medical):
            together = list(run)
            gate = self._gate(together, mdc.place) if is_medical else FALSE
            if gate != FALSE:
                seq, gates = seq + 1, gates + 1
                rule = f"{letter}QY{gates if gates > 1 else ''}"
                self.draft.add(
                    "adrg",
                    mdc.place,
                    seq=seq,
                    mdc=mdc.code,
                    kind="ambiguous",
                    adrg=f"{letter}QY",
                    rule=rule,
                    name="与主要诊断无关的手术",
                    when=when(gate),
                )
                self.tables.drg_names[f"{letter}QY"] = "与主要诊断无关的手术"
            for step in together:
                seq += 1
                self._add_step(mdc, step, seq)

    def _add_step(self, mdc: Item, step: _Step, seq: int) -> None:
        item, code = step.item, step.item.code
        self.draft.add(
            "adrg",
            item.place,
            seq=seq,
            mdc=mdc.code,
            kind="adrg",
            adrg=code,
            rule=code,
            name=item.name,
            when=when(step.condition),
        )
        for number, (leaf, condition) in enumerate(step.leaves, start=1):
            name = self.tables.drg_names.get(leaf.code, leaf.name)
            self.draft.add(
                "drg",
                leaf.place,
                mdc=mdc.code,
                adrg=code,
                rule=code,
                seq=number,
                drg=leaf.code,
                name=name,
                when=when(condition),
            )

    def _gate(self, steps: list[_Step], place: Place) -> Terms:
        """A medical ADRG would hold, but there is a first procedure that counts."""
        left_out = self.reader.skipped | self.reader.not_all
        return self._with_first(either(*(step.condition for step in steps)), left_out, place)

    def _steps(self, mdc: Item, *, before: bool) -> list[_Step]:
        steps: list[_Step] = []
        for item in self.tables.adrgs:
            if item.code[0] != mdc.code[-1]:
                continue
            place = item.place._replace(column=f"{item.code}.rule")
            rule = item.values.get("rule")
            found = FALSE
            if rule is None:
                self.source.warn(place, "", f"{item.code} 没有规则，永远不成立", "核对源文件")
            else:
                found = self.reader.condition(rule, item.code, place, skipped=self.reader.skipped)
            if before and mdc.code == layout().newborn_mdc and item.name:
                found = both(found, self._newborn(item))
            surgical = item.code[1] not in layout().medical_letters
            if surgical and not before and self.settings.reading.surgical_needs_principal:
                found = self._with_first(found, self.reader.skipped, place)
            uncovered = [step.condition for step in steps if not step.is_covered]
            found = both(found, *(negated(condition) for condition in uncovered))
            leaves = [(drg, self.leaves.condition(drg)) for drg in self.drgs[item.code]]
            if not leaves:
                self.source.warn(
                    item.place, item.code, f"{item.code} 没有病组，进了它就无法入组", "核对 drg_rules.json"
                )
            steps.append(_Step(item, found, leaves))
        return steps

    def _newborn(self, item: Item) -> Terms:
        limits, infant = newborn_condition(self.reader, item.name, item.place._replace(column=f"{item.code}.name"))
        if infant and self.settings.reading.infant_without_procedure:
            left_out = self.reader.skipped | self.reader.not_all
            return both(limits, negated(self.reader.first_counts(left_out, item.place)))
        return limits

    def _with_first(self, condition: Terms, left_out: frozenset[str], place: Place) -> Terms:
        """The condition, and a first procedure that is none of `left_out`; said only where it is not said already."""
        clauses: list[Terms] = []
        for clause in condition:
            mains = [one.partition(":")[2] for one in clause if one.startswith("px_main:")]
            if any(not self.lists.codes[name] & left_out for name in mains):
                clauses.append((clause,))
                continue
            needed = self.reader.first_counts(left_out, place)
            if any(one.startswith("px_") and ":" in one for one in clause):
                needed = tuple(tuple(one for one in parts if one != "px_count>=1") for parts in needed)
            clauses.append(both((clause,), needed))
        return either(*clauses)

    def _pre_entry(self, item: Item) -> Terms:
        """What leads to an MDC that is tried before the principal diagnosis chooses one, besides `_may_be_grouped`."""
        rules, reading, listed = layout(), self.settings.reading, self.lists.atom
        if item.code == rules.newborn_mdc:
            return both(atom("age==0"), atom(f"age_days<{reading.infant_below_days}"))
        if item.code == rules.hiv_mdc:
            principal = self.settings.hiv_principal_only
            codes = self.diagnoses[item.code] - (self.blocked_dx if principal else frozenset())
            return listed("dx_main" if principal else "dx_any", item.code, codes, item.place)
        if item.code == rules.trauma_mdc and reading.trauma_principal:
            return listed("dx_main", item.code, frozenset(self.sites) - self.blocked_dx, item.place)
        return TRUE

    def _may_be_grouped(self, entry: Terms, place: Place) -> Terms:
        """There is a principal diagnosis, and neither it nor the first procedure is one that leads nowhere."""
        clauses: list[Terms] = []
        for clause in entry:
            needed = negated(self.lists.atom("px_main", "NOT-GROUPED", self.blocked_px, place))
            if not any(one.startswith("dx_main:") for one in clause):  # such lists hold no blocked diagnosis
                blocked = self.lists.atom("dx_main", "NOT-GROUPED", self.blocked_dx, place)
                counted = TRUE if any(one.startswith("dx_any:") for one in clause) else atom("dx_count>=1")
                needed = both(counted, negated(blocked), needed)
            clauses.append(both((clause,), needed))
        return either(*clauses)

    def _chosen_entries(self, codes: list[str]) -> dict[str, Terms]:
        """What leads to each MDC that the principal diagnosis chooses: the first by code, per sex."""
        sex_of = layout().sex_of_mdc
        led: dict[str, dict[int, frozenset[str]]] = {}
        taken = dict.fromkeys(_SEXES, self.blocked_dx)
        for code in codes:
            led[code] = {}
            for sex in _SEXES:
                open_to = sex_of.get(code, sex) == sex
                led[code][sex] = self.diagnoses[code] - taken[sex] if open_to else frozenset()
                taken[sex] |= led[code][sex]
        entries: dict[str, Terms] = {}
        for code, by_sex in led.items():
            place = self.mdcs[code].place
            shared = by_sex[1] & by_sex[2]
            parts = [self.lists.atom("dx_main", code, shared, place)]
            for sex in _SEXES:
                own = self.lists.atom("dx_main", code, by_sex[sex] - shared, place)
                parts.append(both(own, atom(f"sex=={sex}")))
            entries[code] = either(*parts)
        return entries

    def _diagnoses(self, item: Item) -> frozenset[str]:
        place = item.place._replace(column=f"{item.code}.identifyingDiagnoses")
        return frozenset(self.source.texts(item.values.get("identifyingDiagnoses", []), place))

    def _sites(self) -> dict[str, str]:
        """The body site of every trauma diagnosis; a code of two sites is refused."""
        item = self.mdcs.get(layout().trauma_mdc)
        if item is None:
            return {}
        categories = item.values.get("mdczCategories") or {}
        place = item.place._replace(column=f"{item.code}.mdczCategories")
        sites: dict[str, str] = {}
        for site, codes in categories.items() if self.source.has_shape(categories, dict, place) else ():
            at = place._replace(column=f"{place.column}.{site}")
            for code in self.source.texts(codes, at):
                if sites.setdefault(code, site) != site:
                    message = f"{code} 同时属于 {sites[code]} 与 {site}，一个诊断只能有一个部位"
                    self.source.fault("SCH-J011", at, code, message, "留下一处")
        return sites

    def _drgs_by_adrg(self) -> dict[str, list[Item]]:
        found: dict[str, list[Item]] = {item.code: [] for item in self.tables.adrgs}
        for item in self.tables.adrgs:
            if f"MDC{item.code[0]}" not in self.mdcs:
                message = f"{item.code} 没有 MDC{item.code[0]} 可归"
                self.source.fault("SCH-J007", item.place, item.code, message, "在 mdc_rules.json 里补上，或改正代号")
        for item in self.tables.drgs:
            adrg = item.values["adrgCode"]
            if adrg in found:
                found[adrg].append(item)
                continue
            message = f"病组 {item.code} 的 ADRG {adrg} 不在 adrg_rules.json 里"
            place = item.place._replace(column=f"{item.code}.adrgCode")
            self.source.fault("SCH-J007", place, adrg, message, "改正 adrgCode，或补上这个 ADRG")
        return found


def _known_codes(tables: Tables, dictionary: Dictionary) -> dict[str, frozenset[str]]:
    """Every code of the dictionaries and of the rules, in which a prefix is looked up."""
    dx, px = set(dictionary.dx_names), set(dictionary.px_names)
    dx.update(tables.mcc, tables.cc, tables.exclusion)
    for item in tables.mdcs:
        dx.update(_strings(item.values.get("identifyingDiagnoses")), _strings(item.values.get("mdczCategories")))
    for item in tables.adrgs:
        rule = item.values.get("rule")
        if isinstance(rule, dict):
            sections = rule.get("sections")
            for name, codes in sections.items() if isinstance(sections, dict) else ():
                (dx if "诊断" in name else px).update(_strings(codes))
            px.update(_strings(rule.get("requiredProcedureGroups")))
    return {"dx": frozenset(dx), "px": frozenset(px)}


def _strings(value: Any) -> list[str]:
    """Every text inside lists and the values of objects."""
    if isinstance(value, str):
        return [value.strip()]
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [text for one in inner for text in _strings(one)]
