"""Back-test of the forecasts 预测回测: generated hospitals, every origin of three years, how often intervals held."""

from __future__ import annotations

import multiprocessing
import time
from collections import defaultdict
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from datetime import date
from statistics import median
from typing import TYPE_CHECKING, Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from tongpin.base.money import FEN_PER_YUAN, SCALE
from tongpin.bench.city_home import PROFILE, WORKERS
from tongpin.demo.cases import draw_hospital_month
from tongpin.demo.city import SEED
from tongpin.demo.hospital_month import as_pages
from tongpin.demo.setting import prepare
from tongpin.demo.tables.bureau import institutions
from tongpin.grouping.compiled.stage import group
from tongpin.grouping.library import DEMO_SCHEME, shipped_folder
from tongpin.measures.benchmark import group_deaths, risk_levels
from tongpin.measures.guokao.compute import Terms
from tongpin.measures.guokao.hospital import Hospital, manual_of
from tongpin.measures.guokao.records import PAGES, STATEMENTS, Recorded, page_items
from tongpin.measures.guokao.values import HospitalYear
from tongpin.payment.month.posting import LINE_SCHEMA
from tongpin.payment.policy.library import shipped_policies
from tongpin.payment.policy.policy import Policy
from tongpin.payment.pricing.price import price
from tongpin.payment.pricing.schema import OBSERVED
from tongpin.payment.weights.repricing import pinned
from tongpin.payment.year.clear import READS
from tongpin.payment.year.rulings import RULING_SCHEMA, read_rulings
from tongpin.twin.forecast.catalogue import LEVELS
from tongpin.twin.forecast.draft import as_lines
from tongpin.twin.forecast.indicators import indicators_end
from tongpin.twin.forecast.model import months_between
from tongpin.twin.forecast.places import histories, summed, year_lines
from tongpin.twin.forecast.rest import rests
from tongpin.twin.forecast.settlement import SPREAD, year_end
from tongpin.twin.forecast.units import recomputed_funds

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from fractions import Fraction

    from tongpin.demo.setting import Setting
    from tongpin.twin.forecast.places import YearLines

EDITION, ON = "demo-east/2025", date(2025, 6, 30)
USUAL_CASES = 300_000
BACK_SEED = SEED + 7
"""Another city than the one that methods were compared on (ADR 0009)."""
YEARS = (2022, 2023, 2024)
ORIGINS = (3, 6, 9)
LEAST_HISTORY = 6
FINAL_SHARE_E4 = 9_700
"""What the final budget of the back-test is of what the months paid at the standard, in ten-thousandths."""
_NEAR = 1e-9
"""Two ways to the same number differ by less."""
SETTLEMENT, INDICATOR = "医保结算", "国考指标"
WORDS = {"item_pool_fen": "按项目统筹", "due_fen": "清算额（分档以后）", "surplus_fen": "结余"}


class Outcome(NamedTuple):
    """One figure forecast from one origin: which desk, what, months of history, inside by level, width of intervals.

    The width is a share of what happened (of the pool by item for money), of a rate (`in_points`) in 百分点.
    """

    desk: str
    what: str
    history: int
    inside: dict[int, bool]
    width: dict[int, float]
    in_points: bool = False


@dataclass(frozen=True)
class CoverageReport:
    """How often the intervals held, by desk, figure and length of history."""

    title: str
    outcomes: tuple[Outcome, ...]
    hospitals: int
    seconds: float

    HEADS = ("一侧", "年末数", "历史月数", "次数", "80% 区间覆盖", "95% 区间覆盖", "80% 宽度", "95% 宽度")

    def groups(self) -> dict[tuple[str, str, str], list[Outcome]]:
        """The outcomes by desk, figure and history; a desk as a whole stands last of it."""
        found: dict[tuple[str, str, str], list[Outcome]] = defaultdict(list)
        for one in self.outcomes:
            found[one.desk, one.what, _span(one.history)].append(one)
        for desk in (SETTLEMENT, INDICATOR):
            for one in self.outcomes:
                if one.desk == desk:
                    found[desk, "合计", _span(one.history)].append(one)
        return dict(sorted(found.items(), key=lambda item: (item[0][0] != SETTLEMENT, item[0][1] == "合计", item[0])))

    def rows(self) -> list[list[str]]:
        """The table for people."""
        made = []
        for (desk, what, span), outcomes in self.groups().items():
            shares = [f"{_held(outcomes, level) * 100:.1f}%" for level in LEVELS]
            made.append(
                [desk, what, span, f"{len(outcomes):,}", *shares, *(_width(outcomes, level) for level in LEVELS)]
            )
        return made

    def notes(self) -> list[str]:
        """What was measured, in words."""
        origins = "、".join(str(month) for month in ORIGINS)
        return [
            (
                f"{self.hospitals} 家生成的医院（种子 {BACK_SEED}），{YEARS[0]} 至 {YEARS[-1]} 年，"
                f"各从 {origins} 月末预测年末，与全年关账后的同一个数比；用时 {self.seconds:.0f} 秒"
            ),
            (
                "只算按病组付费的机构（观察点的应付就是按项目，必然落在区间内，不计）；"
                "宽度取中位数，金额是占按项目统筹的比例"
            ),
            (
                "第 10 步重算：同一付费办法改为按最终总额重算费率，各院合在一起清算，"
                f"最终总额取当年按标准支付合计的 {FINAL_SHARE_E4 / 100:g}%"
            ),
            "同一家医院几个起点的误差相关，次数不等于独立的次数；生成的城市水平不漂移，真实数据以本地回测为准",
        ]

    def as_dict(self) -> dict[str, Any]:
        """The report as plain data."""
        return {
            "title": self.title,
            "seconds": self.seconds,
            "hospitals": self.hospitals,
            "coverage": [
                {
                    "desk": desk,
                    "what": what,
                    "history": span,
                    "count": len(outcomes),
                    **{f"held_{level}": _held(outcomes, level) for level in LEVELS},
                    **{f"width_{level}": median(one.width[level] for one in outcomes) for level in LEVELS},
                }
                for (desk, what, span), outcomes in self.groups().items()
            ],
            "notes": self.notes(),
        }


def _held(outcomes: Sequence[Outcome], level: int) -> float:
    return sum(one.inside[level] for one in outcomes) / len(outcomes)


def _width(outcomes: Sequence[Outcome], level: int) -> str:
    """The median width in words; of figures of different units none."""
    middle = median(one.width[level] for one in outcomes)
    kinds = {one.in_points for one in outcomes}
    if len(kinds) > 1:
        return "—"
    return f"{middle:.2f} 个百分点" if kinds == {True} else f"{middle * 100:.2f}%"


def _span(months: int) -> str:
    return "6–14" if months < 15 else "15–23" if months < 24 else "24 以上"  # noqa: PLR2004 - the ranges of the methods


def run(count: int, workers: int = WORKERS) -> CoverageReport:
    """Forecast every year end of hospitals of about `count` lists in all from every origin."""
    begun = time.perf_counter()
    chosen = _hospitals(_setting(), count)
    if workers > 1 and len(chosen) > 1:
        with ProcessPoolExecutor(workers, multiprocessing.get_context("spawn")) as pool:
            made = list(pool.map(hospital_outcomes, chosen))
    else:
        made = [hospital_outcomes(hospital) for hospital in chosen]
    found = [one for outcomes, _ in made for one in outcomes]
    found += recomputed_outcomes(pa.concat_tables([lines for _, lines in made]).combine_chunks(), _policy())
    seconds = time.perf_counter() - begun
    return CoverageReport(f"年末预测回测：{len(chosen)} 家医院", tuple(found), len(chosen), seconds)


def _setting() -> Setting:
    return prepare(PROFILE, shipped_folder() / DEMO_SCHEME, BACK_SEED)


def _hospitals(setting: Setting, count: int) -> list[int]:
    """Every second hospital that is paid by group, the smallest first, until they have so many lists; one at least."""
    modes = institutions(setting)["pay_mode"].to_pylist()
    sizes = {
        one: sum(setting.list_count(month, one) for month in setting.months)
        for one, mode in enumerate(modes)
        if mode != OBSERVED
    }
    chosen: list[int] = []
    for one in sorted(sizes, key=lambda one: (sizes[one], one))[::2]:
        if chosen and sum(sizes[other] for other in chosen) + sizes[one] > count:
            break
        chosen.append(one)
    return sorted(chosen, key=lambda one: -sizes[one])


class _Drawn(NamedTuple):
    """A hospital drawn: its lines in force, and the items of its pages and months."""

    code: str
    lines: pa.Table
    items: Mapping[str, Mapping[str, Fraction]]


def _policy() -> Policy:
    return pinned(Policy.load(shipped_policies().joinpath(*EDITION.split("/"))), ON)


def hospital_outcomes(hospital: int) -> tuple[list[Outcome], pa.Table]:
    """Every origin of a hospital of the generated city, both desks, and its lines."""
    setting, policy = _setting(), _policy()
    known = institutions(setting)
    since = pa.repeat(pa.scalar(date(YEARS[0], 1, 1), pa.date32()), known.num_rows)
    known = known.set_column(known.column_names.index("valid_from"), "valid_from", since)
    drawn = _draw(setting, hospital, policy, known)
    register = next(row for row in known.to_pylist() if row["institution_code"] == drawn.code)
    kept = [name for name in LINE_SCHEMA.names if name in READS]
    return [*_settled(drawn.lines, policy), *_indicated(drawn, register)], drawn.lines.select(kept)


def recomputed_outcomes(lines: pa.Table, policy: Policy) -> list[Outcome]:
    """The year ends of all hospitals together under the same edition, its rate closing on a final budget (step 10).

    The budget of each fund, level and year is `FINAL_SHARE` of what the months paid at the standard.
    """
    return [
        one
        for year in YEARS
        for one in _settled(
            lines.filter(pc.less_equal(lines["period"], f"{year}-12")), recomputing(policy, lines, year), (year,)
        )
    ]


def recomputing(policy: Policy, lines: pa.Table, year: int) -> Policy:
    """The edition with a rate recomputed from a final budget of a year, by fund and level."""
    mine = lines.filter(pc.starts_with(lines["period"], str(year)))
    at_standard = mine.filter(pc.and_(pc.equal(mine["pay_scope"], "DRG"), pc.equal(mine["pay_mode"], "standard")))
    budgets: dict[str, dict[str, int]] = {}
    sums = at_standard.group_by(["fund", "hospital_level"]).aggregate([("standard_fen", "sum")])
    for row in sums.to_pylist():
        budget = row["standard_fen_sum"] * FINAL_SHARE_E4 // SCALE
        budgets.setdefault(row["fund"], {})[row["hospital_level"]] = budget
    rate = policy.edition.parameters["clearing.rate"]
    changed = {
        "clearing.rate": rate.model_copy(update={"by": (), "values": {date.min: "recompute"}}),
        "clearing.rate_budget": rate.model_copy(
            update={"unit": "fen", "by": ("fund", "hospital_level"), "values": {date.min: budgets}}
        ),
    }
    parameters = policy.edition.parameters | changed
    return replace(policy, edition=policy.edition.model_copy(update={"parameters": parameters}))


def _draw(setting: Setting, hospital: int, policy: Policy, known: pa.Table) -> _Drawn:
    lines, pages = [], []
    for month in setting.months:
        stays = draw_hospital_month(setting, month, hospital)
        lists = stays.filter(pc.is_valid(stays["insurance"]))
        priced = price(group(lists, setting.scheme), policy, known)
        lines.append(as_lines(priced, pa.array([str(month)] * priced.num_rows, pa.string())))
        grouped = group(as_pages(stays), setting.scheme)
        for name in ("drg", "status"):
            grouped = grouped.set_column(grouped.column_names.index(name), name, grouped[name].cast(pa.string()))
        pages.append(grouped.append_column("month", pa.array([str(month)] * grouped.num_rows, pa.string())))
    every = pa.concat_tables(pages, promote_options="permissive")
    first = every.filter(pc.starts_with(every["month"], str(YEARS[0])))
    items = {item: dict(by_month) for item, by_month in page_items(every, risk_levels(group_deaths(first))).items()}
    return _Drawn(setting.institution_code(hospital), pa.concat_tables(lines).combine_chunks(), items)


def _settled(every: pa.Table, policy: Policy, years: Sequence[int] = YEARS) -> list[Outcome]:
    """The year ends of the places of some lines against the years as they ended; of some years only where named."""
    found = []
    rulings = read_rulings(RULING_SCHEMA.empty_table(), YEARS[0])
    flows: list[pa.Table] = []
    for year in YEARS:
        mine = every.filter(pc.starts_with(every["period"], str(year)))
        if not mine.num_rows:
            continue
        months = months_between(f"{year}-01", f"{year}-12")
        whole = year_lines(year, mine, None, rulings, policy, {})
        assert whole is not None
        for origin in ORIGINS if year in years else ():
            history = 12 * (year - YEARS[0]) + origin
            if history >= LEAST_HISTORY:
                known = mine.filter(pc.less_equal(mine["period"], months[origin - 1]))
                found += _origin(year, known, whole, flows, policy, history)
        flows.append(whole.flows)
    return found


def _origin(
    year: int, mine: pa.Table, whole: YearLines, flows: Sequence[pa.Table], policy: Policy, history: int
) -> list[Outcome]:
    """One origin: the lines known by then against the whole year."""
    months = months_between(f"{year}-01", f"{year}-12")
    origin = len(set(mine["period"].to_pylist()))
    lines = year_lines(year, mine, None, whole.state.rulings, policy, {})
    assert lines is not None
    places = list(zip(*(lines.state.places[name] for name in ("institution_code", "fund")), strict=True))
    funds = recomputed_funds(lines.state)
    ahead = months[origin:]
    rest = rests(places, histories(summed(pa.concat_tables([*flows, lines.flows]))), ahead, (), funds)
    end = year_end(year, lines, months[:origin], ahead, rest)
    made = {(row["institution_code"], row["fund"]): row for row in end.places.to_pylist()}
    return [
        _outcome(name, one, row, history, " · 第 10 步重算" if funds else "")
        for row in year_end(year, whole, months, (), {}).places.to_pylist()
        if (one := made.get((row["institution_code"], row["fund"]))) is not None and one["reason"] is None
        for name in (("due_fen", "surplus_fen") if funds else SPREAD)
    ]


def _outcome(name: str, made: Mapping[str, Any], actual: Mapping[str, Any], history: int, mark: str = "") -> Outcome:
    size = max(abs(actual["item_pool_fen"]), 1)
    bounds = {level: (made[f"{name}_low_{level}"], made[f"{name}_high_{level}"]) for level in LEVELS}
    return Outcome(
        SETTLEMENT,
        f"{WORDS[name]}{mark}",
        history,
        {level: low <= actual[name] <= high for level, (low, high) in bounds.items()},
        {level: (high - low) / size for level, (low, high) in bounds.items()},
    )


def _indicated(drawn: _Drawn, register: Mapping[str, Any]) -> list[Outcome]:
    """The indicator values of the hospital at its year ends against those of the whole years."""
    manual = manual_of(register["manual"])
    if not manual.indicators:
        return []
    hospital = Hospital(drawn.code, register["institution_name"], (drawn.code,), manual, dict(register))
    items = {**drawn.items, **_statement_items(drawn.lines)}
    found = []
    for year in YEARS:
        this, last, earlier = (_terms(items, one) for one in (year, year - 1, year - 2))
        known = HospitalYear(hospital, year, this, last, earlier)
        actual = {row["sub"]: row for row in indicators_end(known, f"{year}-12").figures.to_pylist()}
        for origin in ORIGINS:
            history = 12 * (year - YEARS[0]) + origin
            if history < LEAST_HISTORY:
                continue
            for row in indicators_end(known, f"{year}-{origin:02d}").figures.to_pylist():
                happened = actual[row["sub"]]["value"]
                if row["value"] is None or happened is None or not row["method"]:
                    continue
                bounds = {level: (row[f"low_{level}"], row[f"high_{level}"]) for level in LEVELS}
                in_points = row["unit"] == "%"
                size = 1.0 if in_points else abs(happened) or 1.0
                found.append(
                    Outcome(
                        INDICATOR,
                        _figure(row),
                        history,
                        {level: low - _NEAR <= happened <= high + _NEAR for level, (low, high) in bounds.items()},
                        {level: (high - low) / size for level, (low, high) in bounds.items()},
                        in_points,
                    )
                )
    return found


def _figure(row: Mapping[str, Any]) -> str:
    """What a figure is counted under: single diseases by what is measured of them, others by their name."""
    _, colon, measured = row["name"].partition("：")
    return f"单病种{measured}" if colon else row["name"]


def _statement_items(lines: pa.Table) -> dict[str, dict[str, Fraction]]:
    from fractions import Fraction

    sums = lines.group_by("period").aggregate([("pool_payable_fen", "sum"), ("item_pool_fen", "sum")]).to_pylist()
    return {
        item: {row["period"]: Fraction(row[f"{name}_sum"], FEN_PER_YUAN) for row in sums}
        for item, name in (("insurer_payable", "pool_payable_fen"), ("insurer_by_item", "item_pool_fen"))
    }


def _terms(items: Mapping[str, Mapping[str, Fraction]], year: int) -> Terms:
    """What records give of a year, all its months covered."""
    flows = {
        item: {month: value for month, value in by_month.items() if month[:4] == str(year)}
        for item, by_month in items.items()
    }
    held = {item: by_month for item, by_month in flows.items() if by_month}
    covered = frozenset(next(iter(held.values()))) if held else frozenset()
    return Terms(year, Recorded(held, {PAGES: covered, STATEMENTS: covered} if held else {}))
