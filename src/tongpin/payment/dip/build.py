"""Building the catalogue 编制病种目录: from up to three years of cases to core and composite diseases with weights.

The diseases are found by counting; their history is then counted by grouping the same cases against them
with the kernel, so that what a disease is said to have cost is what grouping will put into it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tongpin.base.errors import PolicyError
from tongpin.base.findings import Finding
from tongpin.base.money import SCALE, round_half_up
from tongpin.payment.dip.catalogue import (
    COMPOSITE,
    CONSERVATIVE,
    CORE,
    TYPE_CODES,
    TYPE_LABELS,
    YEARS,
    Catalogue,
    Group,
    Section,
)
from tongpin.payment.dip.prefixes import CATEGORY, SUBCATEGORY
from tongpin.payment.dip.scheme import flat_lists, group_dip

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from tongpin.payment.policy.policy import Policy

MONTHS_PER_YEAR = 12
ROUNDS_MAX = 8
"""How often the diseases are grouped anew until none falls below the threshold and their order stands still."""


class BuildRules(NamedTuple):
    """What an edition says about making a catalogue (family of choices 26)."""

    year_weights: tuple[int, ...]
    threshold: int
    threshold_counts: str
    related_share_e4: int
    composite_level: str
    main_procedure: str
    interventional: str
    assumed: bool


_KEYS = (
    "dip.catalogue.year_weight",
    "dip.catalogue.threshold",
    "dip.catalogue.threshold_counts",
    "dip.catalogue.related_share",
    "dip.catalogue.composite_level",
    "dip.catalogue.main_procedure",
    "dip.catalogue.interventional",
)


def build_rules(policy: Policy, on: date) -> BuildRules:
    """The rules of making a catalogue in force on a day; `policy.gap` for what the edition leaves open."""
    weights = tuple(policy.value(_KEYS[0], on, year_place=str(place)) for place in range(1, YEARS + 1))
    threshold, counts, _, level, main, interventional = (policy.value(key, on) for key in _KEYS[1:])
    share_e4 = policy.scaled("dip.catalogue.related_share", on)
    assumed = any(policy.parameter(key).assumed for key in _KEYS)
    return BuildRules(weights, threshold, counts, share_e4, level, main, interventional, assumed)


class Tables(NamedTuple):
    """What a city brings besides its cases: 操作类型, procedures of no value, sections, names, and where they stand."""

    procedure_types: Mapping[str, str]
    zero_value: frozenset[str]
    sections: tuple[Section, ...]
    dx_names: Mapping[str, str]
    px_names: Mapping[str, str]


@dataclass(frozen=True)
class Built:
    """A new catalogue, the history grouped against it (`status, mdc, adrg, drg, year_place`), and what to look at."""

    catalogue: Catalogue
    history: pa.Table
    findings: tuple[Finding, ...]


def build_catalogue(
    cases: pa.Table,
    days: Any,
    months: tuple[str, str],
    rules: BuildRules,
    tables: Tables,
    *,
    catalogue_id: str,
    title: str,
    source: str,
) -> Built:
    """The catalogue of the cases whose day lies in `months` (`YYYY-MM`, both inclusive, at most three years).

    `days` (NumPy days) is the date of each case by which it belongs to a month. Reads what grouping reads,
    `total_fee_fen`, and where present `hospital_level` (level means of the last year) and `px_fee_fen` (fees of the
    procedures, beside `px`; without them every further procedure is related). Cases without a fee above zero or a
    principal diagnosis are left out. PolicyError `dip.months` or `dip.history` (nothing to build from).
    """
    place = year_places(days, months)
    has_dx = np.array(pc.fill_null(pc.greater(pc.list_value_length(cases["dx"]), 0), False).to_numpy())
    fee = pc.fill_null(cases["total_fee_fen"], 0).to_numpy()
    rows = np.flatnonzero((place > 0) & (fee > 0) & has_dx)
    if not len(rows):
        raise PolicyError(
            "dip.history",
            f"{months[0]} 至 {months[1]} 没有可用的病例",
            hint="检查月份；病例须有主要诊断和大于零的总费用",
        )
    history = cases.take(pa.array(rows)).append_column("year_place", pa.array(place[rows]))
    facts = {
        "id": catalogue_id,
        "title": title,
        "source": source,
        "from_month": months[0],
        "to_month": months[1],
        "year_weights": ":".join(str(weight) for weight in rules.year_weights),
        "threshold": str(rules.threshold),
        "main_procedure": rules.main_procedure,
        "interventional": rules.interventional,
        "composite_level": rules.composite_level,
        "assumed": str(int(rules.assumed)),
        "cases": "0",
        "mean_fen": "0",
    }
    empty = Catalogue(
        facts,
        (),
        procedure_types=dict(tables.procedure_types),
        zero_value=tables.zero_value,
        sections=tables.sections if rules.composite_level == "section" else (),
    )
    keys, untyped = _keys(history, empty, rules)
    groups = _first_groups(keys, history, rules, tables, empty)
    built, grouped = _settled(empty, groups, history, rules)
    findings = [*_few_years(months, place[rows], days[rows]), *_untyped(untyped)]
    return Built(built, grouped, tuple(findings))


def year_places(days: Any, months: tuple[str, str]) -> Any:
    """The year of history of each day: 3 the newest twelve months, 2 and 1 those before, 0 outside of `months`."""
    try:
        first, last = (np.datetime64(month, "M") for month in months)
    except ValueError:
        raise PolicyError("dip.months", f"月份“{'..'.join(months)}”不对", hint="写成 2022-01..2024-12") from None
    count = int((last - first).astype(np.int64)) + 1
    if not 0 < count <= YEARS * MONTHS_PER_YEAR:
        raise PolicyError("dip.months", f"共 {count} 个月", hint=f"由早到晚，至多 {YEARS * MONTHS_PER_YEAR} 个月")
    month = days.astype("datetime64[M]")
    back = (last - month).astype(np.int64) // MONTHS_PER_YEAR
    return np.where((month >= first) & (month <= last), YEARS - back, 0)


class _Keys(NamedTuple):
    """Per case: subcategory, main procedure, sorted related procedures joined by +, category or section, type."""

    dx: Any
    main: Any
    related: Any
    wide_dx: Any
    type: Any


def _keys(history: pa.Table, empty: Catalogue, rules: BuildRules) -> tuple[_Keys, dict[str, int]]:
    """What each case is counted by, and the procedures without a type with their number of cases."""
    dx_words, dx_codes = _firsts(history["dx"])
    sections = [(s.first, s.last, s.code) for s in empty.sections]
    wide = [
        next((code for first, last, code in sections if first <= word[:CATEGORY] <= last), word[:CATEGORY])
        for word in dx_words
    ]
    words, start, stop, flat = flat_lists(history["px"])
    row = np.repeat(np.arange(history.num_rows), stop - start)
    valued = np.array([word is not None and word not in empty.zero_value for word in words], np.bool_)[flat]
    related = np.ones(len(flat), np.bool_)
    if "px_fee_fen" in history.column_names:
        related = _has_share(history, row, rules)
    row, flat, related = row[valued], flat[valued], related[valued]
    count = np.bincount(row, minlength=history.num_rows)
    stop = np.cumsum(count)
    start = stop - count
    main = np.full(history.num_rows, len(words), np.int64)
    main[count > 0] = flat[start[count > 0]]
    related &= flat != main[row]
    names = np.array([*(word or "" for word in words), ""], np.str_)
    rank = np.argsort(np.argsort(names[:-1], kind="stable"), kind="stable")
    chosen = np.flatnonzero(related)
    chosen = chosen[np.lexsort((rank[flat[chosen]], row[chosen]))]
    fresh = np.ones(len(chosen), np.bool_)
    fresh[1:] = (row[chosen][1:] != row[chosen][:-1]) | (flat[chosen][1:] != flat[chosen][:-1])
    chosen = chosen[fresh]
    offsets = np.concatenate([[0], np.cumsum(np.bincount(row[chosen], minlength=history.num_rows))])
    texts = pa.ListArray.from_arrays(pa.array(offsets.astype(np.int32)), pa.array(names[flat[chosen]], pa.string()))
    types = list(TYPE_LABELS)
    worst = len(types)
    of_code = np.array(
        [types.index(t) if (t := empty.type_of(word or "")) else worst for word in words] + [worst], np.int64
    )
    case_type = np.full(history.num_rows, types.index(CONSERVATIVE), np.int64)
    with_px = np.flatnonzero(count)
    if len(with_px):
        case_type[with_px] = np.minimum.reduceat(of_code[flat], start[with_px])
    lacking = np.bincount(flat[of_code[flat] == worst], minlength=len(words)) if len(flat) else np.zeros(0, np.int64)
    untyped = {word: int(count) for word, count in zip(words, lacking, strict=False) if count}
    return (
        _Keys(
            np.array([word[:SUBCATEGORY] for word in dx_words], np.str_)[dx_codes],
            names[main],
            np.array(pc.binary_join(texts, "+").to_pylist(), np.str_),
            np.array(wide, np.str_)[dx_codes],
            np.array([*types, ""], np.str_)[case_type],
        ),
        untyped,
    )


def _has_share(history: pa.Table, row: Any, rules: BuildRules) -> Any:
    """Which procedures cost at least the share of the fee that makes them related."""
    share = pc.fill_null(pc.list_flatten(history["px_fee_fen"]), 0).to_numpy()
    if len(share) != len(row):
        raise PolicyError(
            "dip.history",
            "px_fee_fen 与 px 的个数不一致",
            where="px_fee_fen",
            hint="每项手术操作各给一个费用，未知写 0",
        )
    return share * SCALE >= rules.related_share_e4 * history["total_fee_fen"].to_numpy()[row]


def _firsts(lists: Any) -> tuple[list[str], Any]:
    words, start, _, flat = flat_lists(lists)
    return words, flat[start]


def _first_groups(keys: _Keys, history: pa.Table, rules: BuildRules, tables: Tables, empty: Catalogue) -> list[Group]:
    """Core diseases by the threshold, from the finest to the coarsest, and every composite that a case could need."""
    fee = history["total_fee_fen"].to_numpy()
    weight = np.ones(len(fee), np.int64)
    if rules.threshold_counts == "newest":
        weight = (history["year_place"].to_numpy() == YEARS).astype(np.int64)
    found: list[Group] = []
    left = np.ones(len(fee), np.bool_)
    operated = keys.main != ""
    for part, columns in (
        (operated & (keys.related != ""), (keys.dx, keys.main, keys.related)),
        (operated, (keys.dx, keys.main)),
        (~operated, (keys.dx,)),
    ):
        rows = np.flatnonzero(part & left)
        for names, members in _counted(columns, rows):
            if weight[members].sum() >= rules.threshold:
                left[members] = False
                dx, main, related = (*names, "", "")[:3]
                types = {empty.type_of(code) for code in (main, *related.split("+"))}
                kind = next((t for t in TYPE_LABELS if t in types), CONSERVATIVE if not main else "")
                found.append(
                    _named(tables, CORE, kind, dx, main, tuple(related.split("+")) if related else (), fee[members])
                )
    typed = np.flatnonzero(keys.type != "")
    for (dx, kind), members in _counted((keys.wide_dx, keys.type), typed):
        found.append(_named(tables, COMPOSITE, kind, dx, "", (), fee[members]))
    return found


def _counted(columns: Sequence[Any], rows: Any) -> Any:
    """Each distinct combination of texts among the rows, with its rows; in the order of the texts."""
    if not len(rows):
        return
    number = np.zeros(len(rows), np.int64)
    values = []
    for column in columns:
        distinct, codes = np.unique(column[rows], return_inverse=True)
        values.append(distinct)
        number = number * len(distinct) + codes
    order = np.argsort(number, kind="stable")
    starts = np.flatnonzero(np.concatenate([[True], np.diff(number[order]) > 0]))
    for part in np.split(order, starts[1:]):
        rest, names = int(number[part[0]]), []
        for distinct in reversed(values):
            rest, code = divmod(rest, len(distinct))
            names.append(str(distinct[code]))
        yield tuple(reversed(names)), rows[part]


def _named(tables: Tables, kind: str, type_: str, dx: str, main: str, related: tuple[str, ...], fee: Any) -> Group:
    procedures = "+".join((main, *related)) if main else TYPE_CODES[type_]
    sections = {section.code: section.name for section in tables.sections}
    words = [tables.px_names.get(code, code) for code in (main, *related) if code] or [TYPE_LABELS[type_]]
    disease = sections.get(dx) or tables.dx_names.get(dx, dx)
    mean = round_half_up(int(fee.sum()), len(fee))
    name = f"{disease}（{'＋'.join(words)}）"
    return Group(f"{dx}:{procedures}", name, kind, type_, dx, main, related, (0,) * YEARS, (0,) * YEARS, mean, mean)


def _settled(empty: Catalogue, groups: list[Group], history: pa.Table, rules: BuildRules) -> tuple[Catalogue, pa.Table]:
    """The catalogue whose weights are those of the cases that grouping puts into its diseases."""
    fee, place = history["total_fee_fen"].to_numpy(), history["year_place"].to_numpy()
    catalogue = replace(empty, groups=tuple(groups))
    for _ in range(ROUNDS_MAX):
        grouped = group_dip(history, catalogue)
        counted, facts = _history(catalogue, grouped, fee, place, rules)
        kept = [one for one in counted if _is_kept(one, rules)]
        settled = replace(empty, facts=facts, groups=tuple(kept))
        if len(kept) == len(catalogue.groups) and [g.code for g in settled.ordered] == [
            g.code for g in catalogue.ordered
        ]:
            return _with_levels(settled, grouped), grouped
        catalogue = settled
    return _with_levels(settled, grouped), grouped


def _is_kept(one: Group, rules: BuildRules) -> bool:
    if one.kind != CORE:
        return sum(one.cases) > 0
    counted = one.cases[-1] if rules.threshold_counts == "newest" else sum(one.cases)
    return counted >= max(1, rules.threshold)


def _history(
    catalogue: Catalogue, grouped: pa.Table, fee: Any, place: Any, rules: BuildRules
) -> tuple[list[Group], dict[str, str]]:
    """Every disease with the cases and mean fees of its years, and its weight; the facts of the whole."""
    codes = list(catalogue.by_code)
    numbers = pc.index_in(pc.cast(grouped["drg"], pa.string()), value_set=pa.array(codes, pa.string()))
    number = pc.fill_null(numbers, len(codes)).to_numpy().astype(np.int64)
    cell = number * YEARS + (place - 1)
    size = (len(codes) + 1) * YEARS
    counts = np.bincount(cell, minlength=size).reshape(-1, YEARS)
    flat = np.zeros(size, np.int64)
    np.add.at(flat, cell, fee)
    sums = flat.reshape(-1, YEARS)
    whole_counts, whole_sums = counts[:-1].sum(axis=0), sums[:-1].sum(axis=0)
    whole = weighted_mean(whole_counts.tolist(), _means(whole_sums, whole_counts), rules.year_weights)
    if whole == 0:
        raise PolicyError(
            "dip.history", "没有病例能入任何病种", hint="核对操作类型表、诊断编码，以及性别与年龄是否齐全"
        )
    made = []
    for index, code in enumerate(codes):
        means = _means(sums[index], counts[index])
        mean = weighted_mean(counts[index].tolist(), means, rules.year_weights)
        rw_e4 = max(1, round_half_up(mean * SCALE, whole))
        one = catalogue.by_code[code]
        made.append(
            one._replace(cases=tuple(counts[index].tolist()), mean_fen=means, weighted_mean_fen=mean, rw_e4=rw_e4)
        )
    return made, {**catalogue.facts, "cases": str(int(whole_counts.sum())), "mean_fen": str(whole)}


def _means(sums: Any, counts: Any) -> tuple[int, ...]:
    return tuple(round_half_up(int(s), int(n)) if n else 0 for s, n in zip(sums, counts, strict=True))


def weighted_mean(counts: Sequence[int], means: Sequence[int], weights: Sequence[int]) -> int:
    """The mean of the years' means, weighted (1:2:7, oldest first); years without cases do not count. Fen."""
    used = [(weight, mean) for n, mean, weight in zip(counts, means, weights, strict=True) if n]
    total = sum(weight for weight, _ in used)
    return round_half_up(sum(weight * mean for weight, mean in used), total) if total else 0


def _with_levels(catalogue: Catalogue, grouped: pa.Table) -> Catalogue:
    """The catalogue with the mean of every disease at every level in the newest year; none without levels."""
    if "hospital_level" not in grouped.column_names:
        return catalogue
    newest = grouped.filter(pc.and_(pc.equal(grouped["year_place"], YEARS), pc.equal(grouped["status"], "grouped")))
    plain = pa.table(
        {
            "drg": pc.cast(newest["drg"], pa.string()),
            "level": newest["hospital_level"],
            "fee": newest["total_fee_fen"],
        }
    )
    sums = plain.group_by(["drg", "level"]).aggregate([("fee", "sum"), ("fee", "count")])
    levels = {
        (row["drg"], row["level"]): (row["fee_count"], round_half_up(row["fee_sum"], row["fee_count"]))
        for row in sums.to_pylist()
    }
    return replace(catalogue, level_means=levels)


def _few_years(months: tuple[str, str], places: Any, days: Any) -> list[Finding]:
    """Fewer months with cases than three years of them, whatever span was asked for."""
    held = len(np.unique(days.astype("datetime64[M]")))
    if held == YEARS * MONTHS_PER_YEAR:
        return []
    missing = YEARS - len(np.unique(places))
    years = f"，{missing} 年没有病例" if missing else ""
    return [
        Finding(
            rule_id="DIP-H001",
            severity="warning",
            file="",
            record=0,
            path="from_month",
            value=f"{months[0]}..{months[1]}",
            message=f"只有 {held} 个月有病例{years}，不足 {YEARS} 年",
            hint="按现有月份编制；补齐三年后重新编制",
        )
    ]


def _untyped(codes: dict[str, int]) -> list[Finding]:
    return [
        Finding(
            rule_id="DIP-T001",
            severity="warning",
            file="procedure_type.csv",
            record=0,
            path="code",
            value=code,
            message=f"手术操作 {code} 没有操作类型（{count} 次），进不了综合病种",
            hint="在操作类型表中补上它，或列入零价值操作",
        )
        for code, count in sorted(codes.items(), key=lambda item: (-item[1], item[0]))
    ]
