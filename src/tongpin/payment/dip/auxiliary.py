"""The auxiliary catalogue 辅助目录: comorbidity, severity, tumour, age and intensive care raise the score of a disease.

The levels of a case come from tables of codes (`charlson.csv`, `severity.csv`) and from the bands of the edition. A
dimension is used for a disease only where it explains something (`fit`); of the levels of a case the one with the
highest trigger (mean of the level over mean of the disease) wins.
"""

from __future__ import annotations

import csv
from functools import cache, cached_property
from importlib.resources import files
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tongpin.base.money import SCALE, round_half_up
from tongpin.payment.dip.catalogue import Auxiliary, Catalogue
from tongpin.payment.dip.prefixes import CATEGORY
from tongpin.payment.dip.scheme import flat_lists
from tongpin.payment.policy.lookup import Coded
from tongpin.payment.pricing.rows import CaseRows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import date

    from tongpin.payment.policy.lookup import Lookup
    from tongpin.payment.policy.policy import Policy

DIMENSIONS = {
    "cci": "合并症指数（CCI）",
    "severity": "疾病严重程度",
    "tumour": "肿瘤严重程度",
    "age": "年龄",
    "icu": "重症监护",
}
"""The dimensions in the order that decides between equal triggers."""

NONE = "无"
"""The level of a case that a dimension says nothing of."""

DAYS_PER_YEAR = 365
HOURS_PER_DAY = 24
DEATH = "5"
"""The way of discharge that is death."""


class _Others(NamedTuple):
    """The other diagnoses of all cases, flat: the case of each, and the place of its code in `words`."""

    row: Any
    code: Any
    words: list[str]


class AuxiliaryColumns(NamedTuple):
    """The winning dimension and level of each case (empty without one) and its coefficient, 1 without one."""

    dimension: Coded
    level: Coded
    coefficient_e4: Any


class Gate(NamedTuple):
    """When a dimension may be used for a disease: CV of the disease, fall of the CV, cases of each level."""

    cv_e4: int
    fall_e4: int
    cases: int


@cache
def _table(name: str) -> tuple[dict[str, str], ...]:
    text = (files("tongpin.payment.dip") / f"{name}.csv").read_text(encoding="utf-8")
    return tuple(csv.DictReader(text.splitlines()))


def _by_beginning(table: str, column: str, code: str) -> str:
    """What a table says of a code by the longest beginning that it holds; empty where it holds none."""
    found = _column(table, column)
    return next((found[code[:size]] for size in range(len(code), CATEGORY - 1, -1) if code[:size] in found), "")


@cache
def _column(table: str, column: str) -> dict[str, str]:
    return {row["code"]: row[column] for row in _table(table)}


def charlson_points(other_dx: list[str]) -> int:
    """The comorbidity index of the other diagnoses of one case."""
    words = sorted(set(other_dx))
    code = np.array([words.index(one) for one in other_dx], np.int64)
    return int(_charlson(_Others(np.zeros(len(code), np.int64), code, words), 1)[0])


def severity_of(code: str) -> str:
    """The severity that another diagnosis stands for, empty for none."""
    return _by_beginning("severity", "level", code)


def _charlson(others: _Others, count: int) -> Any:
    """The index of each case; a category (three characters) counts once, at its highest."""
    categories = {word: place for place, word in enumerate(sorted({code[:CATEGORY] for code in others.words}))}
    points = np.array([int(_by_beginning("charlson", "points", one) or 0) for one in others.words] or [0], np.int64)
    category = np.array([categories[one[:CATEGORY]] for one in others.words] or [0], np.int64)
    scored = np.flatnonzero(points[others.code]) if len(others.code) else others.code
    key = others.row[scored] * max(len(categories), 1) + category[others.code[scored]]
    order = np.argsort(key, kind="stable")
    key, value = key[order], points[others.code[scored]][order]
    if not len(key):
        return np.zeros(count, np.int64)
    starts = np.flatnonzero(np.concatenate([[True], key[1:] != key[:-1]]))
    best = np.maximum.reduceat(value, starts)
    return np.bincount(key[starts] // max(len(categories), 1), weights=best, minlength=count).astype(np.int64)


def band_labels(policy: Policy, key: str, on: date, values: Any) -> Coded:
    """The level in whose band of the edition each number lies; `无` below the first band."""
    bands = policy.value(key, on)
    starts = np.array([int(band.start * SCALE) for band in bands], np.int64)
    places = np.searchsorted(starts, values.astype(np.int64) * SCALE, side="right")
    return Coded(places, [NONE, *(str(band.value) for band in bands)])


def case_levels(
    cases: CaseRows, mean_fen: Any, policy: Policy, on: date, names: Iterable[str] = DIMENSIONS
) -> dict[str, Coded]:
    """The level of every case in the dimensions, in the order of the cases.

    Reads `dx` (principal first), `age, age_days, icu_hours, los, discharge_way, total_fee_fen, drug_fee_fen`; a missing
    value is no level. `mean_fen`: the mean of the case's disease.
    """
    levels = _Levels(cases, mean_fen, policy, on)
    return {name: getattr(levels, name)() for name in names}


class _Levels:
    """The cases of one day's values; each method is a dimension."""

    def __init__(self, cases: CaseRows, mean_fen: Any, policy: Policy, on: date) -> None:
        self.cases, self.mean_fen, self.policy, self.on = cases, mean_fen, policy, on

    @cached_property
    def diagnoses(self) -> tuple[_Others, Any]:
        return _diagnoses(self.cases)

    def cci(self) -> Coded:
        points = _charlson(self.diagnoses[0], self.cases.num_rows)
        return band_labels(self.policy, "dip.auxiliary.cci", self.on, points)

    def severity(self) -> Coded:
        others, is_tumour = self.diagnoses
        count = self.cases.num_rows
        short = _numbers(self.cases, "los") < self.policy.value("dip.auxiliary.short_stay_days", self.on)
        died = np.zeros(count, np.bool_)
        if "discharge_way" in self.cases.column_names:
            died = pc.fill_null(pc.equal(self.cases["discharge_way"], DEATH), False).to_numpy()
        worst = _worst(others, count, lambda code: _SEVERITY.index(severity_of(code)))
        met = [is_tumour, died & short, died, short, worst == _SEVERITY.index("重度"), worst > 0]
        return Coded(np.select(met, [0, 1, 2, 0, 3, 4], 0), [NONE, "死亡 A", "死亡 B", "重度", "中度"])

    def tumour(self) -> Coded:
        others, is_tumour = self.diagnoses
        spread = _worst(others, self.cases.num_rows, lambda code: int(code[:CATEGORY] in _SECONDARY))
        fee, drugs = (_numbers(self.cases, name, 0) for name in ("total_fee_fen", "drug_fee_fen"))
        dear = fee * SCALE >= self.policy.scaled("dip.auxiliary.high_cost", self.on) * self.mean_fen
        dear &= drugs * SCALE >= self.policy.scaled("dip.auxiliary.drug_share", self.on) * fee
        return Coded(np.select([~is_tumour, dear, spread > 0], [0, 1, 2], 0), [NONE, "高费用", "转移"])

    def age(self) -> Coded:
        age, age_days = (_numbers(self.cases, name) for name in ("age", "age_days"))
        days = np.where((age <= 0) & (age_days >= 0), age_days, np.where(age >= 0, age * DAYS_PER_YEAR, -1))
        return band_labels(self.policy, "dip.auxiliary.age", self.on, days)

    def icu(self) -> Coded:
        hours = _numbers(self.cases, "icu_hours")
        days = np.where(hours >= 0, hours // HOURS_PER_DAY, -1)
        return band_labels(self.policy, "dip.auxiliary.icu", self.on, days)


_SEVERITY = ("", "中度", "重度")
_SECONDARY = ("C77", "C78", "C79")
"""Categories of secondary malignant neoplasms."""


def _numbers(cases: CaseRows, name: str, missing: int = -1) -> Any:
    if name not in cases.column_names:
        return np.full(cases.num_rows, missing, np.int64)
    return pc.fill_null(pc.cast(cases[name], pa.int64(), safe=False), missing).to_numpy()


def _diagnoses(cases: CaseRows) -> tuple[_Others, Any]:
    """The other diagnoses, and whether the principal one is a malignant neoplasm (C00-C97)."""
    words, start, stop, flat = flat_lists(cases["dx"])
    row = np.repeat(np.arange(cases.num_rows), stop - start)
    named = [word or "" for word in words]
    principal = np.zeros(len(flat), np.bool_)
    principal[start[stop > start]] = True
    malignant = np.array([word.startswith("C") for word in named] or [False], np.bool_)
    is_tumour = np.zeros(cases.num_rows, np.bool_)
    is_tumour[stop > start] = malignant[flat[start[stop > start]]]
    return _Others(row[~principal], flat[~principal], named), is_tumour


def _worst(others: _Others, count: int, rank: Callable[[str], int]) -> Any:
    """The highest rank among the other diagnoses of each case, 0 without one; each code is asked once."""
    ranks = np.array([rank(word) for word in others.words] or [0], np.int64)
    found = np.zeros(count, np.int64)
    np.maximum.at(found, others.row, ranks[others.code])
    return found


def cv_e4(values: Any) -> int:
    """The coefficient of variation (of the population) in ten-thousandths; 0 without two values."""
    if len(values) < 2:  # noqa: PLR2004 - one value does not vary
        return 0
    return round(float(np.std(values)) / float(np.mean(values)) * SCALE)


def fit(cases: pa.Table, catalogue: Catalogue, policy: Policy, on: date) -> tuple[Auxiliary, ...]:
    """The auxiliary catalogue from history: for each disease the dimensions that pass the gate, with coefficients.

    `cases`: grouped history (`drg`, `total_fee_fen` and what `case_levels` reads). A dimension passes when the disease
    varies enough (CV), splitting by it lowers the case-weighted CV enough, and each level beyond `无` has enough cases;
    a level whose mean is not above the disease's raises nothing and is left out.
    """
    gate = Gate(
        policy.scaled("dip.auxiliary.cv_min", on),
        policy.scaled("dip.auxiliary.cv_fall", on),
        policy.value("dip.auxiliary.cases_min", on),
    )
    names = pc.cast(cases["drg"], pa.string())
    numbers = pc.fill_null(pc.index_in(names, value_set=pa.array(list(catalogue.by_code))), -1).to_numpy()
    fee = cases["total_fee_fen"].to_numpy()
    means = np.array([one.weighted_mean_fen for one in catalogue.groups] + [1], np.int64)[numbers]
    levels = {
        name: np.array(one.values)[one.codes] for name, one in case_levels(CaseRows(cases), means, policy, on).items()
    }
    made: list[Auxiliary] = []
    for number, code in enumerate(catalogue.by_code):
        rows = np.flatnonzero(numbers == number)
        if len(rows) and cv_e4(fee[rows]) >= gate.cv_e4:
            for name in DIMENSIONS:
                made += _fitted(code, name, levels[name][rows], fee[rows], gate)
    return tuple(made)


def _fitted(code: str, dimension: str, levels: Any, fee: Any, gate: Gate) -> list[Auxiliary]:
    """The levels of one dimension of one disease, none where the dimension does not pass."""
    parts = {str(level): fee[levels == level] for level in np.unique(levels)}
    if len(parts) < 2 or min(len(part) for part in parts.values()) < gate.cases:  # noqa: PLR2004 - a split has two parts
        return []
    before = cv_e4(fee)
    after = sum(cv_e4(part) * len(part) for part in parts.values()) // len(fee)
    if (before - after) * SCALE < gate.fall_e4 * before:
        return []
    whole = round_half_up(int(fee.sum()), len(fee))
    made = []
    for level, part in parts.items():
        mean = round_half_up(int(part.sum()), len(part))
        trigger = round_half_up(mean * SCALE, whole)
        if level != NONE and trigger > SCALE:
            made.append(Auxiliary(code, dimension, level, len(part), mean, trigger, trigger, "fitted"))
    return made


def auxiliary_columns(cases: CaseRows, lookup: Lookup, catalogue: Catalogue) -> AuxiliaryColumns:
    """The winning level of each case and its coefficient: fitted ones from the catalogue, or those the edition states.

    With `dip.auxiliary.source` = none nothing is read and every coefficient is 1.
    """
    count = cases.num_rows
    coefficient, best = np.full(count, SCALE, np.int64), np.full(count, SCALE, np.int64)
    dimension, level = np.full(count, -1, np.int64), np.full(count, -1, np.int64)
    words = {NONE: 0}
    source = lookup.choices("dip.auxiliary.source")
    stated = source.equals("stated")
    used = set(DIMENSIONS) if stated.any() else {one.dimension for one in catalogue.auxiliary}
    names = [name for name in DIMENSIONS if name in used]
    diseases = lookup.dimension("drg")
    fitted = {(one.group, one.dimension, one.level): one for one in catalogue.auxiliary}
    has_fit = {one.group for one in catalogue.auxiliary}
    asked = stated | (source.equals("fitted") & diseases.mask(lambda code: code in has_fit))
    whole = np.array([catalogue.by_code[c].weighted_mean_fen if c in catalogue.by_code else 0 for c in diseases.values])
    for on, rows in _by_day(lookup, np.flatnonzero(asked)):
        levels = case_levels(cases.take(rows), whole[diseases.codes[rows]], lookup.policy, on, names)
        for place, name in enumerate(names):
            own = levels[name]
            trigger, raised = _raised(name, own, stated[rows], diseases.take(rows), fitted, lookup.policy, on)
            wins = trigger > best[rows]
            chosen = rows[wins]
            best[chosen], coefficient[chosen], dimension[chosen] = trigger[wins], raised[wins], place
            numbers = np.array([words.setdefault(word, len(words)) for word in own.values], np.int64)
            level[chosen] = numbers[own.codes[wins]]
    return AuxiliaryColumns(_named(names, dimension), _named(list(words), level), coefficient)


def _named(names: list[str], places: Any) -> Coded:
    """The names at the places, none for −1."""
    return Coded(places + 1, ["", *names])


def _raised(
    name: str,
    levels: Coded,
    stated: Any,
    diseases: Coded,
    fitted: dict[tuple[str, str, str], Auxiliary],
    policy: Policy,
    on: date,
) -> tuple[Any, Any]:
    """Trigger and coefficient of each case in one dimension, 0 where nothing raises it; each combination once."""
    words = levels.values
    key = (diseases.codes * len(words) + levels.codes) * 2 + stated
    distinct, of_row = np.unique(key, return_inverse=True)
    found = np.zeros((len(distinct), 2), np.int64)
    for at, number in enumerate(distinct.tolist()):
        code, level = divmod(number // 2, len(words))
        text = words[level]
        if text == NONE:
            continue
        if number % 2:
            found[at] = policy.scaled("dip.auxiliary.coefficient", on, auxiliary=name, auxiliary_level=text)
        elif (diseases.values[code], name, text) in fitted:
            one = fitted[diseases.values[code], name, text]
            found[at] = one.trigger_e4, one.coefficient_e4
    return found[of_row, 0], found[of_row, 1]


def _by_day(lookup: Lookup, rows: Any) -> list[tuple[date, Any]]:
    """The rows by the day from which their values hold: the levels of an edition change only with its values."""
    breakpoints = np.array(lookup.policy.breakpoints, "datetime64[D]")
    epochs = np.searchsorted(breakpoints, lookup.days[rows], side="right")
    return [(lookup.days[rows[epochs == epoch][0]].item(), rows[epochs == epoch]) for epoch in np.unique(epochs)]
