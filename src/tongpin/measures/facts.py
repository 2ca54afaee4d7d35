"""Facts 可加事实: per case, named whole numbers whose sums are all a measure may use.

Each fact is one Narwhals expression, so that the same definition serves Arrow tables in memory, DuckDB and Spark.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import narwhals as nw

from tongpin.base.money import SCALE
from tongpin.measures.catalogue import load_definitions

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

MILLION = 1_000_000
"""Ratios of a single case to its group are carried in millionths; this is their rounding point."""

FAILED_CHECK = ("check_failed", "dx_not_mapped", "px_not_mapped")
UNGROUPED = ("ungrouped", "ambiguous")
LOW_RISK = 1


class _Maker(NamedTuple):
    """Facts that rest on the same columns of a case."""

    needs: tuple[str, ...]
    make: Callable[[], dict[str, nw.Expr]]


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
    }


def _weighted_fee() -> dict[str, nw.Expr]:
    return {"weighted_fee_fen": _is(_number("weight_e4") > 0) * _number("total_fee_fen")}


def _stay() -> dict[str, nw.Expr]:
    return {"stay_days": _number("los"), "stay_known_count": _is(_known("los"))}


PARTS = ("drug_fee_fen", "consumable_fee_fen", "total_fee_fen")


def _parts() -> dict[str, nw.Expr]:
    known = _is(_known(*PARTS))
    names = {"drug_fee_fen": PARTS[0], "consumable_fee_fen": PARTS[1], "parted_fee_fen": PARTS[2]}
    return {name: _number(column) * known for name, column in names.items()}


def _surgery() -> dict[str, nw.Expr]:
    level = _number("surgery_level")
    return {"surgery_count": _is(level > 0), "high_surgery_count": _is(level >= _limit("surgery.high_level"))}


def _death() -> nw.Expr:
    return _is(_among("discharge_way", [str(_limit("discharge.death_way"))]))


def _outlier() -> dict[str, nw.Expr]:
    return {name: _is(_among("outlier_class", [word])) for name, word in (("high_count", "HIGH"), ("low_count", "LOW"))}


def _plain(name: str) -> _Maker:
    return _Maker((name,), lambda: {name: _number(name)})


# What a joined table of groups brings to a case, under these names.
_BENCHMARK, _REGION, _RISK = "benchmark", "region", "risk"


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


def _low_risk() -> dict[str, nw.Expr]:
    low = _number(_of(_RISK, "risk_level")) == LOW_RISK
    dead = _among("discharge_way", [str(_limit("discharge.death_way"))])
    return {"low_risk_count": _is(low), "low_risk_death_count": _is(low & dead)}


_MAKERS: tuple[_Maker, ...] = (
    _Maker(("status", "los", "total_fee_fen"), _grouping),
    _Maker(("weight_e4",), _weight),
    _Maker(("weight_e4", "total_fee_fen"), _weighted_fee),
    _Maker(("los",), _stay),
    _plain("total_fee_fen"),
    _Maker(PARTS, _parts),
    _Maker(("surgery_level",), _surgery),
    _Maker(("discharge_way",), lambda: {"death_count": _death()}),
    _Maker(("outlier_class",), _outlier),
    _plain("standard_fen"),
    _plain("gross_fen"),
    _plain("item_pool_fen"),
    _plain("pool_payable_fen"),
    _plain("result_fen"),
    _Maker(
        ("los", "total_fee_fen", *(_of(_BENCHMARK, name) for name in ("mean_fee_fen", "mean_stay_e4"))),
        _against_benchmark,
    ),
    _Maker((*PARTS, _of(_REGION, "mean_fee_fen")), _against_region),
    _Maker(("discharge_way", _of(_RISK, "risk_level")), _low_risk),
)


def case_facts(
    table: Any,
    keep: Sequence[str],
    *,
    benchmark: Any = None,
    regional: Any = None,
    risk: Any = None,
) -> Any:
    """The columns `keep` and, beside them, every fact that the table's columns allow (int64, never null).

    `table` is anything Narwhals knows: an Arrow table, a DuckDB relation, a Spark frame; the answer is of its kind.
    `benchmark` and `regional` come from `group_means`, `risk` from `risk_levels` (both in `benchmark.py`), of the same
    kind; without one of them its facts are absent. Nulls count as zero and are left out of the matching `_known`,
    `compared_`, `parted_` fact. The order of rows is not kept where groups are joined.
    """
    frame = nw.from_native(table)
    names = frame.collect_schema().names()
    used = {need for maker in _MAKERS for need in maker.needs if set(maker.needs) <= {*names, *_joined_names()}}
    against = {_BENCHMARK: benchmark, _REGION: regional, _RISK: risk}
    joins = {name: other for name, other in against.items() if other is not None}
    if joins:
        wanted = [one for one in names if one in {*keep, *used, "drg"}]
        frame = frame.select(*wanted).with_columns(nw.col("drg").cast(nw.String))
    for name, other in joins.items():
        right = nw.from_native(other)
        columns = [one for one in right.collect_schema().names() if one != "drg"]
        renamed = right.select(nw.col("drg").cast(nw.String), *(nw.col(one).alias(_of(name, one)) for one in columns))
        frame = frame.join(renamed, on="drg", how="left")
    there = frozenset(frame.collect_schema().names())
    facts: dict[str, nw.Expr] = {"case_count": nw.lit(1).cast(nw.Int64)}
    for maker in _MAKERS:
        if there.issuperset(maker.needs):
            facts |= maker.make()
    kept = [nw.col(name) for name in keep]
    return frame.select(*kept, *(one.alias(name) for name, one in facts.items())).to_native()


def _joined_names() -> frozenset[str]:
    return frozenset(need for maker in _MAKERS for need in maker.needs if "__" in need)
