"""The DRGs of a JSON package 规则包的病组: what a DRG rule asks for besides its ADRG."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from tongpin.grouping.importers.rule_package.conditions import (
    FALSE,
    TRUE,
    TooManyAlternativesError,
    atom,
    both,
    either,
)
from tongpin.grouping.importers.rule_package.layout import layout

if TYPE_CHECKING:
    from tongpin.grouping.importers.draft import Place
    from tongpin.grouping.importers.rule_package.conditions import Terms
    from tongpin.grouping.importers.rule_package.rules import RuleReader
    from tongpin.grouping.importers.rule_package.tables import Item

_NUMBER = re.compile(r"(?P<field>[A-Z_]+)_(?P<operator>LT|LE|GT|GE)_(?P<limit>\d+)")
_OPERATORS = {"LT": "<", "LE": "<=", "GT": ">", "GE": ">="}
_ALWAYS = ("NO_CC", "ADRG_ONLY")
_LISTED = {
    "SPECIFIC_DIAGNOSIS": ("dx_main", "diagnosisCodes"),
    "SPECIFIC_PROCEDURE": ("px_main", "procedureCodes"),
    "SPECIFIC_DIAGNOSIS_PREFIX": ("dx_main", "diagnosisPrefixes"),
    "SPECIFIC_PROCEDURE_PREFIX": ("px_main", "procedurePrefixes"),
}
_OTHERS = ("WITH_MCC", "WITH_CC", "DEATH", "ROBOT_ASSISTED_SURGERY")


class LeafReader:
    """Reads DRG rules; `known` are the codes that a prefix is looked up in, by dx and px."""

    def __init__(self, reader: RuleReader, known: dict[str, frozenset[str]]) -> None:
        self.reader, self.known = reader, known
        self.source, self.settings = reader.source, reader.settings
        self.skipped = frozenset() if self.settings.reading.leaves_see_skipped else reader.skipped

    def condition(self, item: Item) -> Terms:
        """The condition of a DRG: its own rule, if it has one, and every word of `conditions`."""
        parts = [TRUE]
        rule = item.values.get("adrgRule")
        if rule is not None:
            place = item.place._replace(column=f"{item.code}.adrgRule")
            parts.append(self.reader.condition(rule, item.code, place, skipped=self.skipped))
        place = item.place._replace(column=f"{item.code}.conditions")
        words = item.values.get("conditions", [])
        parts.extend(self._word(word, item, place) for word in self.source.texts(words, place))
        try:
            found = both(*parts)
        except TooManyAlternativesError as error:
            message = f"{item.code} 的条件展开后超过 {error.count - 1} 种可能，一行表写不下"
            self.source.fault("SCH-J006", place, "", message, "把病组的规则拆开")
            return FALSE
        if found == FALSE and not self.source.draft.broken:
            self.source.warn(place, words, f"{item.code} 的条件永远不成立", "核对它的清单或前缀")
        return found

    def _word(self, word: str, item: Item, place: Place) -> Terms:
        rules = layout()
        number = _NUMBER.fullmatch(word)
        if number and number["field"] in rules.numbers:
            name = rules.numbers[number["field"]]
            if name in rules.fields:
                self.reader.fields.add(name)
            return atom(f"{name}{_OPERATORS[number['operator']]}{int(number['limit'])}")
        if word in _ALWAYS:
            return TRUE
        if word in rules.flags:
            return self.reader.declared(rules.flags[word])
        if word in _LISTED:
            return self._listed(word, item)
        if word == "DEATH":
            return atom(rules.death)
        if word in {"WITH_MCC", "WITH_CC"}:
            return self._complication(word, item, place)
        if word == "ROBOT_ASSISTED_SURGERY":
            special = self.settings.robot
            codes = special.codes if item.values["adrgCode"] in special.adrgs else frozenset()
            return self.reader.lists.atom("px_any", "ROBOT", codes, place)
        compared = (f"{name}_LT_数字 等" for name in rules.numbers)
        known = "、".join([*compared, *rules.flags, *_LISTED, *_OTHERS, *_ALWAYS])
        self.source.fault("SCH-J008", place, word, f"{item.code} 用到不认识的条件 {word}", f"可用：{known}")
        return FALSE

    def _complication(self, word: str, item: Item, place: Place) -> Terms:
        """With MCC; with CC is "MCC or CC". Some principal diagnoses count as MCC, day surgery may count as neither."""
        special = self.settings.pregnancy
        codes = special.codes if item.values["adrgCode"] in special.adrgs else frozenset()
        found = either(atom("mcc"), self.reader.lists.atom("dx_main", "HIGH-RISK", codes, place))
        if word == "WITH_CC":
            found = either(found, atom("cc"))
        if self.settings.day_surgery_without_cc:
            self.reader.fields.add("day_surgery")
            found = both(found, atom("!day_surgery==1"))
        return found

    def _listed(self, word: str, item: Item) -> Terms:
        where, key = _LISTED[word]
        place = item.place._replace(column=f"{item.code}.{key}")
        texts: Any = self.source.texts(item.values.get(key, []), place)
        if key.endswith("Prefixes"):
            codes = frozenset(code for code in self.known[where[:2]] if code.startswith(tuple(texts)))
            if texts and not codes:
                self.source.warn(place, "、".join(texts), "编码包里没有以此开头的编码", "核对前缀或编码包的版本")
        else:
            codes = frozenset(texts)
        return self.reader.lists.atom(where, item.code, codes - self.skipped if where == "px_main" else codes, place)
