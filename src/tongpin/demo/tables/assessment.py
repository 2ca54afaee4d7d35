"""What the assessment 绩效考核 needs beside records: figures that hospitals file, and those of peers elsewhere.

Every figure is planned (`plan/filed.csv`, `plan/peers.csv`) and stands with 演示 in its document.
"""

from __future__ import annotations

import csv
import re
from decimal import Decimal
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from tongpin.base.errors import TongpinError
from tongpin.demo.calendar import Month, Purpose, stream
from tongpin.demo.profile import GRADES, SETTLEMENT_LEVELS
from tongpin.demo.tables.shape import of_rows
from tongpin.measures.guokao.catalogue import FILED_PREFIX, load_items, load_manuals, load_set

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import pyarrow as pa

    from tongpin.demo.setting import Setting

FINANCE, PEERS, ASSESSED = 8, 7, 10
"""Streams of their own."""
FINANCE_FIELDS = (
    *("institution_code", "year", "month", "item_code", "item_name", "value", "unit", "document", "owner_dept"),
)
PEER_FIELDS = (
    *("peer_code", "peer_name", "settlement_level", "manual", "year", "item_code", "item_name", "value", "unit"),
    "document",
)
SIMULATED = "演示"
MONTHS_OF_YEAR = 12
_TERTIARY, _PERSONS = "三级", "人"
_THIRD, _FOURTH = 3, 4
_WHOLE = frozenset({"人", "人次", "例", "台次", "个", "项", "种", "张", "篇", "床日", "级", "定性", "分钟"})
_TERM = re.compile(r"([+-]?)([a-z_.0-9]+)")


class FiledRow(NamedTuple):
    """A filed item: what it is a share of (`per`, terms joined by + and −), the range by level, who files it and when.

    `everyone`: hospitals without a manual file it too; `monthly`: month by month beside the year.
    """

    item: str
    per: str
    ranges: Mapping[str, tuple[float, float]]
    everyone: bool
    monthly: bool
    document: str
    owner: str


class PeerRow(NamedTuple):
    """Figures of peers of a manual for a part of an indicator: drawn around a middle within bounds."""

    manual: str
    sub: str
    middle: float
    spread: float
    low: float
    high: float
    decimals: int


def _plan(name: str) -> list[dict[str, str]]:
    text = resources.files("tongpin.demo").joinpath("plan", name).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


@cache
def filed_plan() -> tuple[FiledRow, ...]:
    """The filed items in their order; one that is a share of a later or unknown one is refused (`demo.plan`)."""
    known = set(_BASES)
    found = []
    for row in _plan("filed.csv"):
        ranges = {
            level: (float(row[f"{name}_low"]), float(row[f"{name}_high"]))
            for level, name in ((_TERTIARY, "tertiary"), ("", "secondary"))
            if row[f"{name}_low"]
        }
        unknown = [term for _, term in _TERM.findall(row["per"]) if term not in known]
        if unknown or not (row["item"] in load_items() or row["item"].startswith(FILED_PREFIX)):
            raise TongpinError(
                "demo.plan", f"{row['item']} 依据的 {row['per']} 没有", where="demo/plan/filed.csv", hint="改这一行"
            )
        known.add(row["item"])
        flags = (row["everyone"] == "Y", row["monthly"] == "Y")
        found.append(FiledRow(row["item"], row["per"], ranges, *flags, row["document"], row["owner_dept"]))
    return tuple(found)


@cache
def peer_plan() -> tuple[PeerRow, ...]:
    """The figures of peers by manual and part."""
    return tuple(
        PeerRow(
            row["manual"],
            row["sub"],
            float(row["middle"]),
            float(row["spread"]),
            float(row["low"]),
            float(row["high"]),
            int(row["decimals"]),
        )
        for row in _plan("peers.csv")
    )


_BASES = (
    *("one", "stays", "bed_days", "surgeries", "third_surgeries", "fourth_surgeries", "visits", "inpatient"),
    *("outpatient", "cost", "beds", "doctors"),
)


def _lists(setting: Setting, hospital: int, months: Sequence[Month]) -> np.ndarray:
    """The lists that the plan expects of a hospital in some months, whether the city has them or not."""
    volume, cases = setting.profile.volume, setting.hospitals[hospital].cases
    growth = 1 + volume.growth_per_year.value
    season = [volume.month_factor.value[month.number - 1] for month in months]
    return np.array(
        [cases * one * growth ** setting.years_since(month) for one, month in zip(season, months, strict=True)]
    )


def _bases(setting: Setting, hospital: int, months: Sequence[Month], beds: int) -> dict[str, float]:
    """What filed items are shares of: a hospital over some months, as the plan expects it (yuan, persons, days)."""
    plan, grade = setting.profile, setting.hospitals[hospital].grade
    mix, level = setting.mix[hospital], np.asarray(setting.groups.number["surgery_level"])
    lists = _lists(setting, hospital, months)
    price = [(1 + plan.volume.fee_growth_per_year.value) ** setting.years_since(month) for month in months]
    priced = float(lists @ np.array(price))
    all_pay = 1 + plan.volume.self_pay_per_list.value
    stays = float(lists.sum()) * all_pay
    inpatient = priced * all_pay * plan.grades.mean_fee_yuan.value[grade]
    outpatient = priced * plan.layouts.visits_per_list.value * plan.layouts.visit_fee_yuan.value
    return {
        "one": 1.0,
        "stays": stays,
        "bed_days": stays * plan.grades.mean_stay_days.value[grade],
        "surgeries": stays * float(mix[level > 0].sum()),
        "third_surgeries": stays * float(mix[level == _THIRD].sum()),
        "fourth_surgeries": stays * float(mix[level == _FOURTH].sum()),
        "visits": float(lists.sum()) * plan.layouts.visits_per_list.value,
        "inpatient": inpatient,
        "outpatient": outpatient,
        "cost": (inpatient + outpatient) * plan.layouts.cost_to_fee.value[grade],
        "beds": float(beds),
        "doctors": max(float(lists.mean()) * all_pay / plan.stay.cases_per_doctor.value, 1.0),
    }


def finance(setting: Setting, beds: Sequence[int]) -> pa.Table:
    """Figures that no record holds, in layout `finance`: of two whole years, and month by month up to the first month.

    `beds` of every hospital. A hospital that is assessed files all of them, the others those of `everyone`; a year's
    figure is the sum of its months. S909-01.
    """
    rows = [row for hospital in range(len(beds)) for row in _filed_by(setting, hospital, beds[hospital])]
    return of_rows("finance", FINANCE_FIELDS, rows)


def _filed_by(setting: Setting, hospital: int, beds: int) -> Iterator[tuple[object, ...]]:
    this, manual = setting.first_month.year, load_manuals()[setting.hospitals[hospital].manual].indicators
    last: dict[str, float] = {}
    for year in (this - 2, this - 1, this):
        months = [month for month in _months_of(year) if month <= setting.first_month]
        values = _values(setting, hospital, _bases(setting, hospital, months, beds), year)
        shares = _lists(setting, hospital, months)
        for one in filed_plan():
            if one.item not in values:
                continue
            name, unit = _named(one.item, manual)
            head, is_stock = (setting.institution_code(hospital), year), _is_stock(one.item)
            # The year that is not over has the stocks of the last count.
            if is_stock and year == this:
                values[one.item] = last[one.item]
            whole = values[one.item]
            if year < this:
                told = (one.item, name, Decimal(f"{whole:.2f}"), unit)
                yield (*head, None, *told, f"{SIMULATED}·{year}年{one.document}", one.owner)
            by_month: list[tuple[Month, float]] = []
            if is_stock and year == this:
                by_month = [(months[-1], whole)]
            elif one.monthly and year >= this - 1:
                by_month = list(zip(months, _parts(whole, shares, unit), strict=True))
            for month, part in by_month:
                told = (one.item, name, Decimal(f"{part:.2f}"), unit)
                yield (*head, str(month), *told, f"{SIMULATED}·{month}{one.owner}月报", one.owner)
        last = values


def _months_of(year: int) -> list[Month]:
    return [Month.parse(f"{year}-{number:02d}") for number in range(1, MONTHS_OF_YEAR + 1)]


def _values(setting: Setting, hospital: int, bases: Mapping[str, float], year: int) -> dict[str, float]:
    """The items that a hospital files for a year: a ratio of its own within the range, with a little chance a year."""
    row = setting.hospitals[hospital]
    manual = load_manuals()[row.manual].indicators
    level = SETTLEMENT_LEVELS[row.grade] if SETTLEMENT_LEVELS[row.grade] == _TERTIARY else ""
    own = stream(setting.seed, Purpose.LAYOUT, FINANCE, hospital).random(len(filed_plan())).tolist()
    chance = stream(setting.seed, Purpose.LAYOUT, FINANCE, hospital, year).normal(size=len(filed_plan())).tolist()
    spread = setting.profile.layouts.filed_spread.value
    known, found = dict(bases), {}
    for one, place, moved in zip(filed_plan(), own, chance, strict=True):
        if level not in one.ranges or not (one.everyone or manual):
            continue
        low, high = one.ranges[level]
        ratio = min(max((low + (high - low) * place) * (1 + spread * moved), low), high)
        unit = _named(one.item, manual)[1]
        value = _rounded(ratio * _whole(one.per, known), unit)
        # A post is held by somebody.
        known[one.item] = found[one.item] = max(value, 1.0) if _is_stock(one.item) and unit == _PERSONS else value
    return found


def _is_stock(item: str) -> bool:
    return item in load_items() and load_items()[item].kind == "stock"


def _whole(per: str, values: Mapping[str, float]) -> float:
    return sum(-values[term] if sign == "-" else values[term] for sign, term in _TERM.findall(per))


def _named(item: str, manual: str) -> tuple[str, str]:
    """What an item is called, and its unit."""
    if item in load_items():
        return load_items()[item].label, load_items()[item].unit
    one = load_set(manual)[item.removeprefix(FILED_PREFIX)]
    return one.name, one.unit


def _rounded(value: float, unit: str) -> float:
    return float(round(value)) if unit in _WHOLE else round(value, 2)


def _parts(whole: float, shares: np.ndarray, unit: str) -> list[float]:
    """A year's figure by month; the parts sum to it."""
    ends = [_rounded(whole * float(share), unit) for share in np.cumsum(shares / shares.sum())]
    return [round(end - before, 2) for end, before in zip(ends, [0.0, *ends[:-1]], strict=True)]


def peers(setting: Setting) -> pa.Table:
    """Masked hospitals elsewhere, in layout `peer`: fee, stay and case mix by level, indicator values by manual.

    Indicator values (`guokao.<part>`) are those of the last two years; a peer keeps its place from year to year but
    for a little chance.
    """
    return of_rows("peer", PEER_FIELDS, [*_levels(setting), *_assessed(setting)])


def _levels(setting: Setting) -> Iterator[tuple[object, ...]]:
    plan, grades = setting.profile.layouts, setting.profile.grades
    weights = {grade: float(setting.groups.number["weight"] @ setting.grade_mix[grade]) for grade in GRADES}
    rng = stream(setting.seed, Purpose.LAYOUT, PEERS)
    for grade in GRADES:
        usual = (
            ("mean_fee", "次均费用", grades.mean_fee_yuan.value[grade], "元"),
            ("mean_stay_days", "平均住院日", grades.mean_stay_days.value[grade], "天"),
            ("case_mix_index", "CMI", weights[grade], ""),
        )
        for number in range(1, plan.peers_per_level.value + 1):
            for code, name, value, unit in usual:
                drawn = value * float(np.exp(rng.normal(0, plan.peer_spread.value)))
                head = (f"P-{grade}-{number}", f"{grade}对照{number}", SETTLEMENT_LEVELS[grade], None)
                yield (*head, setting.first_month.year - 1, code, name, Decimal(f"{drawn:.4f}"), unit, SIMULATED)


def _assessed(setting: Setting) -> Iterator[tuple[object, ...]]:
    plan = setting.profile.layouts
    this = setting.first_month.year
    names = {
        (manual, part.sub): (part.label or one.name, part.unit or one.unit)
        for manual, held in load_manuals().items()
        if held.indicators
        for one in load_set(held.indicators).values()
        for part in one.parts
    }
    for order, manual in enumerate(dict.fromkeys(row.manual for row in peer_plan())):
        level = manual.removeprefix("综合")
        for number in range(1, plan.assessed_peers.value + 1):
            rng = stream(setting.seed, Purpose.LAYOUT, ASSESSED, order, number)
            for row in (one for one in peer_plan() if one.manual == manual):
                place, chance = float(rng.normal()), rng.normal(0, plan.peer_year_spread.value, 2).tolist()
                name, unit = names[manual, row.sub]
                for year, moved in zip((this - 1, this), chance, strict=True):
                    drawn = min(max(row.middle + row.spread * (place + moved), row.low), row.high)
                    value = Decimal(f"{drawn:.{row.decimals}f}")
                    head = (f"G-{level}-{number:02d}", f"演示{level}同级{number:02d}", level, manual, year)
                    yield (
                        *head,
                        f"{FILED_PREFIX}{row.sub}",
                        name,
                        Decimal(f"{value:.{row.decimals}f}"),
                        unit,
                        SIMULATED,
                    )
