"""The data of meeting packs and monthly reports 例会包与月报的规则: strict YAML in, frozen values out."""

from __future__ import annotations

import string
from functools import cache
from typing import TYPE_CHECKING, Literal, TypeVar

from pydantic import StrictBool, StrictStr, ValidationError

from tongpin.base.errors import TongpinError
from tongpin.base.strict_yaml import Strict, first_fault, load_strict_yaml
from tongpin.measures.catalogue import Definition, catalogue_folder, load_measures
from tongpin.measures.guokao.catalogue import TERTIARY, load_set
from tongpin.payment.month.statement_columns import statement_columns

if TYPE_CHECKING:
    from collections.abc import Iterable

Test = Literal[
    "low_risk_death",
    "returned",
    "overdue",
    "special",
    "high_outlier",
    "far_above",
    "long_stay",
    "low_outlier",
]
Scope = Literal["hospital", "dept"]
MONEY = frozenset({"fen", "yuan"})
"""Units of money, which no doctor's row holds."""

WORDS: dict[str, frozenset[str]] = {
    "low_risk_death": frozenset(),
    "returned": frozenset({"since", "days", "due", "message"}),
    "overdue": frozenset({"due", "days"}),
    "special": frozenset({"criteria", "deadline", "days"}),
    "high_outlier": frozenset({"fee", "standard", "times"}),
    "far_above": frozenset({"fee", "standard", "times"}),
    "long_stay": frozenset({"stay", "mean", "count"}),
    "low_outlier": frozenset({"stay"}),
}
"""What the words of each test may name."""


class Candidate(Strict):
    """A measure that may be among the changes; of a topic only the one that changed most is shown."""

    measure: StrictStr
    topic: StrictStr


class Reason(Strict):
    """Why a case is looked at: its test, its words, whether it stands `alone` (no other reason beside it)."""

    id: StrictStr
    label: StrictStr
    test: Test
    words: StrictStr
    alone: StrictBool = False
    reference: StrictStr
    assumed: StrictBool


class MeetingRules(Strict):
    """What a meeting pack shows."""

    candidates: tuple[Candidate, ...]
    settings: tuple[Definition, ...]
    reasons: tuple[Reason, ...]

    def setting(self, setting_id: str) -> int:
        """The value of one setting."""
        return _value(self.settings, setting_id)


class StatementEntry(Strict):
    """A column of the statement; `zero: hide` leaves a row of zeros out, `only` limits it to one kind of report."""

    name: StrictStr
    zero: Literal["show", "hide"] = "show"
    only: Scope | None = None


class Section(Strict):
    """A section of a monthly report and what it holds; without `scope` it is in both kinds of report.

    `raw`: those of its measures that say nothing of the case mix, and are not judged beside peers.
    """

    id: StrictStr
    label: StrictStr
    kind: Literal["statement", "figures", "guokao", "groups", "departments", "doctors", "causes", "lists"]
    scope: Scope | None = None
    columns: tuple[StatementEntry, ...] = ()
    measures: tuple[StrictStr, ...] = ()
    raw: tuple[StrictStr, ...] = ()
    numbers: tuple[StrictStr, ...] = ()
    reference: StrictStr


class MonthlyRules(Strict):
    """The sections of a monthly report in their order, and how much of them the paper holds."""

    sections: tuple[Section, ...]
    settings: tuple[Definition, ...]

    def setting(self, setting_id: str) -> int:
        """The value of one setting."""
        return _value(self.settings, setting_id)

    def of(self, scope: Scope) -> tuple[Section, ...]:
        """The sections of a kind of report."""
        return tuple(one for one in self.sections if one.scope in {None, scope})


def _value(settings: Iterable[Definition], setting_id: str) -> int:
    return next(one.value for one in settings if one.id == setting_id)


_Rules = TypeVar("_Rules", MeetingRules, MonthlyRules)


@cache
def load_meeting() -> MeetingRules:
    """The rules of the meeting pack (`meeting.yaml`); errors as `checked_meeting`."""
    return checked_meeting(_read("meeting.yaml", MeetingRules))


@cache
def load_monthly() -> MonthlyRules:
    """The rules of the monthly report (`monthly.yaml`); errors as `checked_monthly`."""
    return checked_monthly(_read("monthly.yaml", MonthlyRules))


def _read(file: str, model: type[_Rules]) -> _Rules:
    try:
        return model.model_validate(load_strict_yaml(catalogue_folder("twin") / file, "catalogue"))
    except ValidationError as error:
        place, message, hint = first_fault(error)
        raise TongpinError("catalogue.shape", f"{file} 的 {place}：{message}", where=file, hint=hint) from error


def checked_meeting(rules: MeetingRules) -> MeetingRules:
    """The rules, if measures are known and words name what their test gives (`monthly.unknown` otherwise)."""
    _known((one.measure for one in rules.candidates), load_measures(), "meeting.yaml")
    for reason in rules.reasons:
        named = {name for _, name, _, _ in string.Formatter().parse(reason.words) if name is not None}
        _known(named, WORDS[reason.test], "meeting.yaml")
    return rules


def checked_monthly(rules: MonthlyRules) -> MonthlyRules:
    """The rules, if columns, measures and indicators are known (`monthly.unknown` otherwise)."""
    columns = {one.name for one in statement_columns()}
    for section in rules.sections:
        _known((one.name for one in section.columns), columns, "monthly.yaml")
        _known(section.measures, load_measures(), "monthly.yaml")
        _known(section.raw, section.measures, "monthly.yaml")
        _known(section.numbers, load_set(TERTIARY), "monthly.yaml")
        money = [name for name in section.measures if load_measures()[name].unit in MONEY]
        if section.kind == "doctors" and money:
            raise TongpinError(
                "monthly.money",
                f"各医师一部分不列金额：{'、'.join(money)}",
                where="catalogue/twin/monthly.yaml",
                hint="个人不与盈亏挂钩（S920-01）：只列病例组合、住院日、手术等指标",
            )
    return rules


def _known(names: Iterable[str], known: Iterable[str], file: str) -> None:
    unknown = sorted(set(names) - set(known))
    if unknown:
        raise TongpinError(
            "monthly.unknown",
            f"不认识 {'、'.join(unknown)}",
            where=f"catalogue/twin/{file}",
            hint="用指标目录、月度支付情况表、国考指标集中已有的名字",
        )
