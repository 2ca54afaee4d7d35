"""Advice 建议的总闸: every suggestion passes one filter; what may not be advised is refused and said (S920-01).

Whoever makes a suggestion gives it to `checked` first and shows only what comes back as allowed. The rules are data
(`catalogue/twin/advice.yaml`): words, and facts of the suggestion.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Literal

from pydantic import StrictBool, StrictStr, ValidationError

from tongpin.base.errors import TongpinError
from tongpin.base.findings import Finding
from tongpin.base.strict_yaml import Strict, first_fault, load_strict_yaml
from tongpin.measures.catalogue import catalogue_folder

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_AMOUNT = re.compile(r"\d\s*[千万亿]*元")

Kind = Literal["move", "growth", "coding", "pay", "other"]
Audience = Literal["manager", "physician", "coder", "public"]


@dataclass(frozen=True)
class Suggestion:
    """What somebody is advised to do.

    `text` as it would be shown, `subject` the group, department or case it is about, `move` the way out of the ward
    (`down`, `day_surgery`, `outpatient`) where `kind` is `move`; `unplaced_count` cases for whom no place was found;
    `protected` how many cases of each mission limit it touches; `amount_fen` an amount shown beside it; `evidence`
    and `risk` what a coding suggestion rests on and what speaks against it; `document` the decision it carries out.
    """

    text: str
    kind: Kind = "other"
    audience: Audience = "manager"
    subject: str = ""
    move: str = ""
    unplaced_count: int = 0
    protected: Mapping[str, int] = field(default_factory=dict)
    amount_fen: int | None = None
    evidence: tuple[str, ...] = ()
    risk: str = ""
    document: str = ""


@dataclass(frozen=True)
class Checked:
    """The suggestions that may be shown, in their order, and a finding for each that may not."""

    allowed: tuple[Suggestion, ...]
    refused: tuple[Finding, ...]


class Refusal(Strict):
    """Facts of a suggestion that together make a rule refuse it; at least one is named."""

    kind: Kind | None = None
    audience: Audience | None = None
    words: tuple[StrictStr, ...] = ()
    protected: StrictStr | None = None
    without: Literal["document", "evidence", "risk"] | None = None
    money: StrictBool = False
    unplaced: StrictBool = False
    unknown_move: StrictBool = False


class AdviceRule(Strict):
    """A rule of the filter: what it refuses (any of `refuse`), why, and what to write instead."""

    id: StrictStr
    label: StrictStr
    reason: StrictStr
    hint: StrictStr
    reference: StrictStr
    refuse: tuple[Refusal, ...]


class AdviceRules(Strict):
    """The rules in their order, the words that turn a forbidden word into a prohibition, the moves there are."""

    negations: tuple[StrictStr, ...]
    moves: tuple[StrictStr, ...]
    rules: tuple[AdviceRule, ...]


@cache
def load_advice_rules() -> AdviceRules:
    """The rules of the filter; an unknown key or a refusal without any fact is refused (`catalogue.shape`)."""
    path = catalogue_folder("twin") / "advice.yaml"
    try:
        found = AdviceRules.model_validate(load_strict_yaml(path, "catalogue"))
    except ValidationError as error:
        place, message, hint = first_fault(error)
        raise TongpinError("catalogue.shape", message, where=f"{path.name} {place}", hint=hint) from error
    for rule in found.rules:
        if not rule.refuse or any(one == Refusal() for one in rule.refuse):
            raise TongpinError("catalogue.shape", "规则没有写拒绝什么", where=rule.id, hint="在 refuse 下写明条件")
    return found


def checked(suggestions: Iterable[Suggestion]) -> Checked:
    """The suggestions that pass every rule, and for each other one a finding of the first rule that refuses it.

    A finding names the rule (`ADV-01`), the subject, the text, the reason and what to write instead. Source: S920-01.
    """
    rules = load_advice_rules()
    allowed: list[Suggestion] = []
    refused: list[Finding] = []
    for one in suggestions:
        rule = next((rule for rule in rules.rules if _refuses(rule, one, rules)), None)
        if rule is None:
            allowed.append(one)
        else:
            refused.append(_finding(rule, one))
    return Checked(tuple(allowed), tuple(refused))


def _finding(rule: AdviceRule, one: Suggestion) -> Finding:
    return Finding(
        rule_id=rule.id,
        severity="warning",
        file=one.subject or "建议",
        record=0,
        path="",
        value=one.text,
        message=f"{rule.label}：{rule.reason}",
        hint=rule.hint,
    )


def _refuses(rule: AdviceRule, one: Suggestion, rules: AdviceRules) -> bool:
    return any(_holds(refusal, one, rules) for refusal in rule.refuse)


def _holds(refusal: Refusal, one: Suggestion, rules: AdviceRules) -> bool:
    """Whether every fact that the refusal names is there."""
    facts = (
        refusal.kind in {None, one.kind},
        refusal.audience in {None, one.audience},
        not refusal.words or _says(one.text, refusal.words, rules.negations),
        refusal.protected is None or one.protected.get(refusal.protected, 0) > 0,
        refusal.without is None or not getattr(one, refusal.without),
        not refusal.money or one.amount_fen is not None or _AMOUNT.search(one.text) is not None,
        not refusal.unplaced or one.unplaced_count > 0,
        not refusal.unknown_move or (one.kind == "move" and one.move not in rules.moves),
    )
    return all(facts)


def _says(text: str, words: Sequence[str], negations: Sequence[str]) -> bool:
    """Whether a text uses one of the words, other than to forbid it."""
    endings = tuple(negations)
    for word in words:
        start = text.find(word)
        while start >= 0:
            if not text[:start].endswith(endings):
                return True
            start = text.find(word, start + 1)
    return False
