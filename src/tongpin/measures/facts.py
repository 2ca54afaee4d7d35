"""Facts 可加事实: per case, named whole numbers whose sums are all a measure may use.

Each fact is one Narwhals expression, so that the same definition serves Arrow tables in memory, DuckDB and Spark.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import narwhals as nw

from tongpin.base.money import SCALE
from tongpin.measures.catalogue import load_definitions

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

MILLION = 1_000_000
"""Ratios of a single case to its group are carried in millionths; this is their rounding point."""

FAILED_CHECK = ("check_failed", "dx_not_mapped", "px_not_mapped")
UNGROUPED = ("ungrouped", "ambiguous")
RISKS = {1: "low", 2: "mid_low", 3: "mid_high", 4: "high"}
"""Risk levels of a group, and how the facts of each are named."""


class _Maker(NamedTuple):
    """Facts that rest on the same columns of a case."""

    needs: tuple[str, ...]
    make: Callable[[], dict[str, nw.Expr]]

    @property
    def names(self) -> tuple[str, ...]:
        """The facts it makes."""
        return tuple(self.make())


def _number(name: str) -> nw.Expr:
    """A column as whole numbers, nulls as zero."""
    return nw.col(name).cast(nw.Int64).fill_null(0)


def _is(mask: nw.Expr) -> nw.Expr:
    """1 where the mask holds, 0 where it does not or is unknown."""
    return nw.when(mask).then(nw.lit(1)).otherwise(nw.lit(0)).cast(nw.Int64)


def _known(*names: str) -> nw.Expr:
    mask = ~nw.col(names[0]).is_null()
    for name in names[1:]:
        mask &= ~nw.col(name).is_null()
    return mask


def _among(name: str, values: Sequence[str]) -> nw.Expr:
    return nw.col(name).cast(nw.String).is_in(list(values)).fill_null(False)


def _quotient(numerator: nw.Expr, denominator: nw.Expr) -> nw.Expr:
    """Rounded half up, of numbers that are not negative; a denominator of zero counts as one."""
    safe = nw.when(denominator > 0).then(denominator).otherwise(nw.lit(1))
    return ((numerator * 2 + safe) // (safe * 2)).cast(nw.Int64)


def _limit(name: str) -> int:
    return load_definitions()[name].value


def _grouping() -> dict[str, nw.Expr]:
    too_long = _number("los") > _limit("grouping.excluded_stay_days")
    too_cheap = _known("total_fee_fen") & (_number("total_fee_fen") < _limit("grouping.excluded_fee_fen"))
    grouped, excluded = _among("status", ["grouped"]), too_long | too_cheap
    return {
        "grouped_count": _is(grouped),
        "grouped_in_scope_count": _is(grouped & ~excluded),
        "excluded_count": _is(excluded),
        "failed_check_count": _is(_among("status", FAILED_CHECK)),
        "ungrouped_count": _is(_among("status", UNGROUPED)),
    }


def _weight() -> dict[str, nw.Expr]:
    weight = _number("weight_e4")
    return {
        "weight_e4": weight,
        "weighted_count": _is(weight > 0),
        "low_weight_count": _is((weight > 0) & (weight < _limit("weight.low_below_e4"))),
        "light_weight_count": _is((weight > 0) & (weight < _limit("light.weight_below_e4"))),
    }


def _weighted_fee() -> dict[str, nw.Expr]:
    return {"weighted_fee_fen": _is(_number("weight_e4") > 0) * _number("total_fee_fen")}


def _stay() -> dict[str, nw.Expr]:
    return {"stay_days": _number("los"), "stay_known_count": _is(_known("los"))}


PARTS = ("drug_fee_fen", "consumable_fee_fen", "total_fee_fen")


def _parts() -> dict[str, nw.Expr]:
    known = _is(_known(*PARTS))
    names = {"drug_fee_fen": PARTS[0], "consumable_fee_fen": PARTS[1], "parted_fee_fen": PARTS[2]}
    return {"parted_count": known} | {name: _number(column) * known for name, column in names.items()}


def _exam() -> dict[str, nw.Expr]:
    known = _is(_known("exam_fee_fen", "total_fee_fen"))
    return {"examined_count": known, "exam_fee_fen": _number("exam_fee_fen") * known}


def _patient() -> dict[str, nw.Expr]:
    known = _is(_known("patient_pay_fen", "total_fee_fen"))
    return {"patient_pay_fen": _number("patient_pay_fen") * known, "shared_fee_fen": _number("total_fee_fen") * known}


def _insurer() -> dict[str, nw.Expr]:
    others = _number("other_funds_fen")
    return {
        "insurer_payable_fen": _number("pool_payable_fen") + others,
        "insurer_billed_fen": _number("item_pool_fen") + others,
    }


def _cost() -> dict[str, nw.Expr]:
    known = _is(_known("cost_fen"))
    return {
        "costed_count": known,
        "cost_fen": _number("cost_fen"),
        "costed_fee_fen": _number("total_fee_fen") * known,
    }


def _cost_of_paid() -> dict[str, nw.Expr]:
    """Standard and cost of the cases that have both."""
    both = _is(_known("cost_fen", "standard_fen"))
    return {
        "costed_standard_fen": _number("standard_fen") * both,
        "standard_cost_fen": _number("cost_fen") * both,
    }


def _surgery() -> dict[str, nw.Expr]:
    level = _number("surgery_level")
    return {
        "surgery_count": _is(level > 0),
        "high_surgery_count": _is(level >= _limit("surgery.high_level")),
        "third_surgery_count": _is(level == _limit("surgery.third_level")),
        "fourth_surgery_count": _is(level == _limit("surgery.fourth_level")),
    }


def _death() -> nw.Expr:
    return _is(_among("discharge_way", [str(_limit("discharge.death_way"))]))


def _referred() -> nw.Expr:
    return _is(_among("discharge_way", [str(_limit("discharge.referred_way"))]))


CITY_CHARACTERS = 4
"""How many characters of a region code name the city."""


def _elsewhere() -> dict[str, nw.Expr]:
    """Whether a patient is insured in another city than the hospital lies in, where both are known."""
    insured, here = (nw.col(name).cast(nw.String).fill_null("") for name in ("insured_region", "region"))
    known = (insured != "") & (here != "")
    other = insured.str.slice(0, CITY_CHARACTERS) != here.str.slice(0, CITY_CHARACTERS)
    return {"insured_known_count": _is(known), "elsewhere_count": _is(known & other)}


def _outlier() -> dict[str, nw.Expr]:
    return {name: _is(_among("outlier_class", [word])) for name, word in (("high_count", "HIGH"), ("low_count", "LOW"))}


def _weighted_rate() -> dict[str, nw.Expr]:
    """Weight × rate: what the standard would be without coefficients and roundings."""
    return {"weighted_rate_fen_e4": _number("weight_e4") * _number("rate_fen")}


def _plain(name: str) -> _Maker:
    return _Maker((name,), lambda: {name: _number(name)})


# What a joined table of groups brings to a case, under these names.
_BENCHMARK, _REGION, _RISK, _LIGHT = "benchmark", "region", "risk", "light"


JOINED_BY = ("drg", "hospital_level")
"""What a table of groups is joined by: its group, and its level where it has means by level."""


def _of(table: str, name: str) -> str:
    return f"{table}__{name}"


def _against_benchmark() -> dict[str, nw.Expr]:
    """Fee and stay of a case against the mean of its group in the benchmark period."""
    mean_fee, mean_stay = (_number(_of(_BENCHMARK, name)) for name in ("mean_fee_fen", "mean_stay_e4"))
    compared = _is(_known("los", "total_fee_fen") & (mean_fee > 0) & (mean_stay > 0))
    fee, stay_e4 = _number("total_fee_fen") * compared, _number("los") * SCALE * compared
    return {
        "compared_count": compared,
        "compared_fee_fen": fee,
        "benchmark_fee_fen": mean_fee * compared,
        "compared_stay_e4": stay_e4,
        "benchmark_stay_e4": mean_stay * compared,
        "fee_ratio_e6": _quotient(fee * MILLION, mean_fee),
        "stay_ratio_e6": _quotient(stay_e4 * MILLION, mean_stay),
    }


def _against_region() -> dict[str, nw.Expr]:
    """What the region would have charged for the same groups: the case-mix-expected parts of the fee."""
    parts = _parts()
    named = ("mean_fee_fen", "mean_drug_fen", "mean_consumable_fen", "drug_share_e6", "consumable_share_e6")
    there = ~nw.col(_of(_REGION, "mean_fee_fen")).is_null()
    expected = _is(there & _known(*PARTS) & (_number("total_fee_fen") > 0))
    fee, drug, consumable, drug_share, consumable_share = (_number(_of(_REGION, name)) * expected for name in named)
    return {
        "expected_count": expected,
        "expected_fee_fen": fee,
        "expected_drug_fen": drug,
        "expected_consumable_fen": consumable,
        "drug_share_e6": drug_share,
        "consumable_share_e6": consumable_share,
        "compared_drug_fen": parts["drug_fee_fen"] * expected,
        "compared_consumable_fen": parts["consumable_fee_fen"] * expected,
        "compared_parted_fen": parts["parted_fee_fen"] * expected,
    }


def _part_against_benchmark(part: str) -> dict[str, nw.Expr]:
    """One part of the fee of a case against the mean of its group, where that is above zero."""
    mean = _number(_of(_BENCHMARK, f"mean_{part}_fen"))
    compared = _is(_known(f"{part}_fee_fen", "total_fee_fen") & (mean > 0))
    fee = _number(f"{part}_fee_fen") * compared
    return {
        f"{part}_compared_count": compared,
        f"{part}_compared_fen": fee,
        f"{part}_benchmark_fen": mean * compared,
        f"{part}_ratio_e6": _quotient(fee * MILLION, mean),
    }


def _part_maker(part: str) -> _Maker:
    needs = (f"{part}_fee_fen", "total_fee_fen", _of(_BENCHMARK, f"mean_{part}_fen"))
    return _Maker(needs, lambda: _part_against_benchmark(part))


def _risks() -> dict[str, nw.Expr]:
    """Cases and deaths of the groups of each risk level; level 0 counts nowhere."""
    level, dead = _number(_of(_RISK, "risk_level")), _among("discharge_way", [str(_limit("discharge.death_way"))])
    facts: dict[str, nw.Expr] = {}
    for number, name in RISKS.items():
        facts[f"{name}_risk_count"] = _is(level == number)
        facts[f"{name}_risk_death_count"] = _is((level == number) & dead)
    return facts


def _light() -> dict[str, nw.Expr]:
    listed = _number(_of(_LIGHT, "listed")) > 0
    return {"light_listed_count": _is(listed), "light_known_count": _is(_known("drg"))}


_MAKERS: tuple[_Maker, ...] = (
    _Maker(("status", "los", "total_fee_fen"), _grouping),
    _Maker(("weight_e4",), _weight),
    _Maker(("weight_e4", "total_fee_fen"), _weighted_fee),
    _Maker(("los",), _stay),
    _plain("total_fee_fen"),
    _Maker(PARTS, _parts),
    _Maker(("exam_fee_fen", "total_fee_fen"), _exam),
    _Maker(("patient_pay_fen", "total_fee_fen"), _patient),
    _Maker(("surgery_level",), _surgery),
    _plain("operation_count"),
    _plain("high_operation_count"),
    _Maker(("discharge_way",), lambda: {"death_count": _death()}),
    _Maker(("discharge_way",), lambda: {"referred_down_count": _referred()}),
    _Maker(("care_type",), lambda: {"day_surgery_count": _is(_among("care_type", ["day_surgery"]))}),
    _Maker(("outlier_class",), _outlier),
    _Maker(("insured_region", "region"), _elsewhere),
    _Maker(("weight_e4", "rate_fen"), _weighted_rate),
    _plain("standard_fen"),
    _plain("gross_fen"),
    _plain("item_pool_fen"),
    _plain("pool_payable_fen"),
    _plain("result_fen"),
    _Maker(("pool_payable_fen", "item_pool_fen", "other_funds_fen"), _insurer),
    _Maker(("cost_fen", "total_fee_fen"), _cost),
    _Maker(("cost_fen", "standard_fen"), _cost_of_paid),
    _Maker(
        ("los", "total_fee_fen", *(_of(_BENCHMARK, name) for name in ("mean_fee_fen", "mean_stay_e4"))),
        _against_benchmark,
    ),
    _Maker((*PARTS, _of(_REGION, "mean_fee_fen")), _against_region),
    *(_part_maker(part) for part in ("drug", "consumable", "exam")),
    _Maker(("discharge_way", _of(_RISK, "risk_level")), _risks),
    _Maker(("drg", _of(_LIGHT, "listed")), _light),
)


def case_facts(
    table: Any,
    keep: Sequence[str],
    *,
    benchmark: Any = None,
    regional: Any = None,
    risk: Any = None,
    light: Any = None,
    only: Collection[str] | None = None,
) -> Any:
    """The columns `keep` and, beside them, every fact that the table's columns allow (int64, never null).

    `table` is anything Narwhals knows: an Arrow table, a DuckDB relation, a Spark frame; the answer is of its kind.
    `benchmark` and `regional` come from `group_means`, `risk` from `risk_levels` (both in `benchmark.py`), `light`
    lists groups (`drg, listed`), of the same kind; without one of them its facts are absent. `only` names the facts
    that are wanted. Nulls count as zero and are left out of the matching `_known`, `compared_`, `parted_` fact. The
    order of rows is not kept where groups are joined.
    """
    frame = nw.from_native(table)
    names = frame.collect_schema().names()
    makers = [maker for maker in _MAKERS if only is None or set(maker.names) & set(only)]
    against = {_BENCHMARK: benchmark, _REGION: regional, _RISK: risk, _LIGHT: light}
    sought = {need.partition("__")[0] for maker in makers for need in maker.needs if "__" in need}
    joins = {name: other for name, other in against.items() if other is not None and name in sought}
    if joins:
        used = {need for maker in makers for need in maker.needs}
        wanted = [one for one in names if one in {*keep, *used, *JOINED_BY}]
        keyed = [nw.col(one).cast(nw.String) for one in JOINED_BY if one in wanted]
        frame = frame.select(*wanted).with_columns(*keyed)
    for name, other in joins.items():
        right = nw.from_native(other)
        columns = right.collect_schema().names()
        keys = [one for one in JOINED_BY if one in columns]
        values = [nw.col(one).alias(_of(name, one)) for one in columns if one not in keys]
        frame = frame.join(right.select(*(nw.col(one).cast(nw.String) for one in keys), *values), on=keys, how="left")
    there = frozenset(frame.collect_schema().names())
    facts: dict[str, nw.Expr] = {"case_count": nw.lit(1).cast(nw.Int64)}
    for maker in makers:
        if there.issuperset(maker.needs):
            facts |= maker.make()
    kept = [nw.col(name) for name in keep]
    chosen = {name: one for name, one in facts.items() if only is None or name in only}
    return frame.select(*kept, *(one.alias(name) for name, one in chosen.items())).to_native()
