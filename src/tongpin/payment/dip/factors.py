"""What a DIP case is paid by 分值与各系数: score, deviation, auxiliary, hospital coefficient, points, pay (TV-B4)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tongpin.base.errors import PolicyError
from tongpin.base.money import SCALE, round_half_up_column
from tongpin.payment.dip.auxiliary import auxiliary_columns
from tongpin.payment.dip.deviation import deviation, edges_of
from tongpin.payment.dip.reviews import decided_coefficients
from tongpin.payment.dip.values import FEN_FACTOR
from tongpin.payment.policy.lookup import Coded
from tongpin.payment.pricing.rounding import check_size

if TYPE_CHECKING:
    from tongpin.payment.dip.auxiliary import AuxiliaryColumns
    from tongpin.payment.dip.catalogue import Catalogue
    from tongpin.payment.policy.lookup import IntColumn, Lookup
    from tongpin.payment.policy.policy import Policy
    from tongpin.payment.pricing.rows import CaseRows

FACTORS = ("deviation", "auxiliary", "institution")
REVIEW_MARK = "review=1"
"""What stands among the factors of a case that awaits the experts."""


def paid_by_disease(
    cases: CaseRows, lookup: Lookup, catalogue: Catalogue, fee: IntColumn, reviews: pa.Table | None
) -> dict[str, Any]:
    """Score, coefficients, points and pay of the cases that are paid by their disease, by column name.

    Numbers and flags are NumPy columns, texts coded ones. `lookup` knows the dimensions `drg, hospital_level, fund,
    institution_code`; `fee` in fen.
    """
    must_be(lookup, "fee.base", "total")
    must_be(lookup, "pool.form", "difference")
    lookup.choices("rounding.halves")  # an edition that leaves open how halves are rounded is refused
    diseases = lookup.dimension("drg")
    used = np.bincount(diseases.codes, minlength=len(diseases.values)) > 0  # a dictionary names more than there are
    groups = [_known(catalogue, code) if one else None for code, one in zip(diseases.values, used, strict=True)]
    rw_e4 = np.array([one.rw_e4 if one else 0 for one in groups], np.int64)[diseases.codes]
    whole_fen = np.array([one.weighted_mean_fen if one else 0 for one in groups], np.int64)[diseases.codes]
    scale = lookup.numbers("dip.score.scale")
    score_e4 = rw_e4 * scale
    institution_e4 = lookup.scaled("dip.institution.coefficient")
    auxiliary = auxiliary_columns(cases, lookup, catalogue)
    mean = _compared_mean(lookup, catalogue, whole_fen, institution_e4)
    inside = lookup.choices("dip.auxiliary.place").equals("inside")
    if inside.any():
        mean = np.where(inside, round_half_up_column(mean * auxiliary.coefficient_e4, SCALE), mean)
    found = deviation(fee, np.maximum(mean, 1), edges_of(lookup))
    deviation_e4, in_review = decided_coefficients(cases, found.coefficient_e4, found.in_review, reviews)
    factors = {"deviation": deviation_e4, "auxiliary": auxiliary.coefficient_e4, "institution": institution_e4}
    value_e4 = lookup.scaled("dip.point_value")
    points = _points(lookup, score_e4, factors)
    standard_points = _at_standard(lookup, score_e4, factors, points)
    check_size((np.maximum(points, standard_points), value_e4))
    gross = round_half_up_column(points * value_e4, FEN_FACTOR)
    standard = round_half_up_column(standard_points * value_e4, FEN_FACTOR)
    return {
        "priced_drg": diseases,
        "weight_e4": rw_e4,
        "basic_group": np.zeros(len(fee), np.bool_),
        "rate_fen": round_half_up_column(value_e4 * scale, SCALE // 100),
        "coefficient_e4": round_half_up_column(auxiliary.coefficient_e4 * institution_e4, SCALE),
        "coefficient_parts": _parts({"score": score_e4, **factors, "point_value": value_e4}, auxiliary, in_review),
        "points_e4": points,
        "standard_fen": standard,
        "outlier_base_fen": mean,
        "outlier_class": found.outlier_class,
        "pay_mode": Coded((gross != standard).astype(np.int64), ["standard", "points"]),
        "gross_fen": gross,
        "dip_kind": Coded(diseases.codes, [one.kind if one else "" for one in groups]),
        "dip_type": Coded(diseases.codes, [one.type if one else "" for one in groups]),
        "score_e4": score_e4,
        "deviation_mean_fen": mean,
        "deviation_e4": deviation_e4,
        "auxiliary_dimension": auxiliary.dimension,
        "auxiliary_level": auxiliary.level,
        "auxiliary_e4": auxiliary.coefficient_e4,
        "institution_e4": institution_e4,
        "points_value_e4": value_e4,
        "in_review": in_review,
    }


def _known(catalogue: Catalogue, code: str) -> Any:
    found = catalogue.by_code.get(code)
    if found is None:
        raise PolicyError(
            "policy.weight", f"病种 {code} 没有分值", where=catalogue.id, hint="用付费办法所用的病种目录重新入组"
        )
    return found


def _parts(numbers: dict[str, IntColumn], auxiliary: AuxiliaryColumns, in_review: Any) -> pa.Array:
    """The factors of each case as one text, which is posted with the line: `score=… deviation=… cci=严重`.

    Most cases share their factors with many others: each combination is written once.
    """
    columns = [*numbers.values(), auxiliary.dimension.codes, auxiliary.level.codes, in_review.astype(np.int64)]
    codes, example = _combinations(columns)
    words = [_pairs(name, pc.cast(pa.array(values[example]), pa.string())) for name, values in numbers.items()]
    named = [one.take(example).texts() for one in (auxiliary.dimension, auxiliary.level)]
    level = pc.if_else(pc.equal(named[0], ""), None, _pairs(*named))
    words += [pc.if_else(pa.array(in_review[example]), REVIEW_MARK, None), level]
    return pc.binary_join_element_wise(*words, " ", null_handling="skip").take(codes)


_KEYS_MAX = 2**62
_SPAN_MAX = 2**20
"""Values that lie closer together are numbered by their distance; others by hashing."""


def _combinations(columns: list[IntColumn]) -> tuple[pa.Array, IntColumn]:
    """The number of each row's combination of values, and a row that shows each combination."""
    key = np.zeros(len(columns[0]), np.int64)
    space = 1
    for column in columns if len(key) else ():
        low, span = int(column.min()), int(column.max() - column.min()) + 1
        numbers = column - low
        if span > _SPAN_MAX:
            encoded = pa.array(column).dictionary_encode()
            numbers, span = encoded.indices.to_numpy(), len(encoded.dictionary)
        if space * span > _KEYS_MAX:
            encoded = pa.array(key).dictionary_encode()
            key, space = encoded.indices.to_numpy().astype(np.int64), len(encoded.dictionary)
        if span > 1:
            key = key * span + numbers
            space *= span
    encoded = pa.array(key).dictionary_encode()
    example = np.zeros(len(encoded.dictionary), np.int64)
    example[encoded.indices.to_numpy()] = np.arange(len(key))
    return encoded.indices, example


def _pairs(name: Any, value: Any) -> Any:
    return pc.binary_join_element_wise(name, value, "=")


def _points(lookup: Lookup, score_e4: IntColumn, factors: dict[str, IntColumn]) -> IntColumn:
    """Score times the factors in the order of the edition, each product rounded to four decimals."""
    by = lookup.policy.parameter("dip.order").by if len(lookup.days) else ()
    orders = lookup.coded_over(by, lambda on, place: ",".join(_order(lookup.policy, on, place)))
    points = score_e4.copy()
    for number, order in enumerate(orders.values):
        rows: Any = slice(None) if len(orders.values) == 1 else np.flatnonzero(orders.codes == number)
        part = score_e4[rows]
        for name in order.split(","):
            check_size((part, factors[name][rows]))
            part = round_half_up_column(part * factors[name][rows], SCALE)
        points[rows] = part
    return points


def _at_standard(lookup: Lookup, score_e4: IntColumn, factors: dict[str, IntColumn], points: IntColumn) -> IntColumn:
    """The points at a deviation of 1: multiplying by exactly 1 changes nothing, so only the others are formed anew."""
    rows = np.flatnonzero(factors["deviation"] != SCALE)
    if not len(rows):
        return points
    at_one = {name: values[rows] for name, values in factors.items()}
    at_one["deviation"] = np.full(len(rows), SCALE, np.int64)
    found = points.copy()
    found[rows] = _points(lookup.narrowed(rows), score_e4[rows], at_one)
    return found


def _order(policy: Policy, on: Any, place: dict[str, str]) -> tuple[str, ...]:
    """The order of the factors in force; each must stand in it once (`policy.invalid`)."""
    order: tuple[str, ...] = policy.value("dip.order", on, **place)
    if sorted(order) != sorted(FACTORS):
        raise PolicyError(
            "policy.invalid",
            f"分值的连乘先后“{'、'.join(order)}”不全",
            where=f"{policy.file} parameters.dip.order",
            hint=f"须各写一次：{'、'.join(FACTORS)}；不用的系数写 1",
        )
    return order


def _compared_mean(lookup: Lookup, catalogue: Catalogue, whole_fen: IntColumn, institution_e4: IntColumn) -> IntColumn:
    """The mean fee of the disease that deviation compares with, divided by the hospital coefficient where said so."""
    mean = _level_mean(lookup, catalogue, whole_fen)
    by_institution = lookup.choices("dip.deviation.mean_divided_by").equals("institution")
    if not by_institution.any():
        return mean
    divided = round_half_up_column(mean * SCALE, np.maximum(institution_e4, 1))
    chosen: IntColumn = np.where(by_institution, divided, mean)
    return chosen


def _level_mean(lookup: Lookup, catalogue: Catalogue, whole_fen: IntColumn) -> IntColumn:
    """The mean of the level in the last year, or of all levels where the edition compares so or allows it."""
    by_level = lookup.choices("dip.deviation.mean").equals("level")
    if not by_level.any():
        return whole_fen
    diseases, levels = lookup.dimension("drg"), lookup.dimension("hospital_level")
    row = {code: place for place, code in enumerate(diseases.values)}
    column = {level: place for place, level in enumerate(levels.values)}
    means = np.full((len(row), len(column)), -1, np.int64)
    for (code, level), (_, mean) in catalogue.level_means.items():
        if code in row and level in column:
            means[row[code], column[level]] = mean
    found = means[diseases.codes, levels.codes]
    lacking = np.flatnonzero(by_level & (found < 0))
    refused = lookup.narrowed(lacking).choices("dip.deviation.without_mean").equals("refuse")
    if refused.any():
        at = int(lacking[np.argmax(refused)])
        code, level = diseases.values[diseases.codes[at]], levels.values[levels.codes[at]]
        raise PolicyError(
            "dip.mean",
            f"病种 {code} 在{level}没有上年均费，无法判断偏差（例如病例 {lookup.case_name(at)}）",
            where="level_mean.csv",
            hint="补上该级别的均费，或把 dip.deviation.without_mean 写成 all",
        )
    chosen: IntColumn = np.where(by_level & (found >= 0), found, whole_fen)
    return chosen


def must_be(lookup: Lookup, key: str, wanted: str) -> None:
    """`policy.invalid` when an edition chooses for some case what DIP pricing does not do."""
    odd = sorted(set(lookup.choices(key).values) - {wanted}) if len(lookup.days) else []
    if odd:
        raise PolicyError(
            "policy.invalid",
            f"按病种付费不能用“{odd[0]}”",
            where=f"{lookup.policy.file} parameters.{key}",
            hint=f"写 {wanted}",
        )
