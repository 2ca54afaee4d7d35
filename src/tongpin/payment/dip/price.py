"""DIP pricing 按病种分值定价: the same columns as `pricing.price`, so that month and year post them alike.

Points = score x deviation x auxiliary x institution, multiplied in the order that the edition names, each product with
four decimals; pay = points x point value, in fen. The standard is the pay of the case at a deviation of 1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tongpin.base.errors import PolicyError
from tongpin.base.money import SCALE, check_balance, round_half_up_column
from tongpin.payment.dip.auxiliary import auxiliary_columns
from tongpin.payment.dip.deviation import deviation, edges_of
from tongpin.payment.dip.scheme import group_dip
from tongpin.payment.dip.values import FEN_FACTOR
from tongpin.payment.policy.lookup import Coded, Lookup, coded
from tongpin.payment.policy.period import case_days
from tongpin.payment.pricing.institutions import institution_terms
from tongpin.payment.pricing.rounding import check_size
from tongpin.payment.pricing.schema import CARE_TYPE, OBSERVED, PRICED_SCHEMA, UNGROUPED

if TYPE_CHECKING:
    from tongpin.payment.dip.auxiliary import AuxiliaryColumns
    from tongpin.payment.dip.catalogue import Catalogue, Group
    from tongpin.payment.policy.lookup import IntColumn
    from tongpin.payment.policy.policy import Policy

DIP_SCHEMA = pa.schema(
    [
        ("dip_kind", pa.string()),
        ("dip_type", pa.string()),
        ("score_e4", pa.int64()),
        ("deviation_mean_fen", pa.int64()),
        ("deviation_e4", pa.int64()),
        ("auxiliary_dimension", pa.string()),
        ("auxiliary_level", pa.string()),
        ("auxiliary_e4", pa.int64()),
        ("institution_e4", pa.int64()),
        ("points_value_e4", pa.int64()),
        ("in_review", pa.bool_()),
    ]
)
"""What DIP adds to the columns of pricing, null outside of the cases paid by their disease; `_e4` in ten-thousandths,
`points_value_e4` of a yuan for one point."""

FACTORS = ("deviation", "auxiliary", "institution")
_AMOUNTS = ("total_fee_fen", "patient_pay_fen", "pool_pay_fen", "other_fund_pay_fen")
_READS = (
    *("case_id", "institution_code", "insurance", "status", "drg", *_AMOUNTS),
    *("dx", "age", "age_days", "icu_hours", "los", "discharge_way", "drug_fee_fen"),
)
"""What prices a case, and what its auxiliary levels rest on."""


def price_dip(
    cases: pa.Table,
    policy: Policy,
    catalogue: Catalogue,
    institutions: pa.Table,
    reviews: pa.Table | None = None,
) -> pa.Table:
    """Cases with the columns of `PRICED_SCHEMA` and `DIP_SCHEMA`; grouped first when they carry no group.

    `institutions`: `institution_code, settlement_level, valid_from`, and where it has one `pay_mode`. `reviews`: what
    the experts decided, `case_id, coefficient_e4` (the deviation coefficient of the case). Amounts in fen.
    PolicyError: `dip.catalogue` (the edition names another catalogue), `policy.gap`, `policy.institution`,
    `policy.amount`, `policy.weight`; BalanceError when the payers of a case do not sum to its fee.
    """
    if policy.scheme_id != catalogue.id:
        raise PolicyError(
            "dip.catalogue",
            f"付费办法用的病种目录是 {policy.scheme_id}，给的是 {catalogue.id}",
            where=f"{policy.file} scheme",
            hint="换成付费办法所用的目录",
        )
    if "drg" not in cases.column_names:
        cases = group_dip(cases, catalogue)
    days = case_days(cases, policy.edition.edition_by.value)
    lookup = Lookup(policy, days, cases["case_id"].combine_chunks(), {"care_type": coded(cases["care_type"])})
    scope = lookup.texts("scope.care_type").astype("<U16")
    inside = np.flatnonzero(scope != "OUT")
    read = cases.select([name for name in _READS if name in cases.column_names])
    priced = _inside(read.take(pa.array(inside)), policy, catalogue, institutions, days[inside], scope[inside], reviews)
    places = np.full(cases.num_rows, -1, np.int64)
    places[inside] = np.arange(len(inside))
    spread = priced.take(pa.array(places, mask=places < 0))
    outside = pa.array(scope == "OUT")
    added = (*PRICED_SCHEMA, *DIP_SCHEMA)
    result = cases.drop_columns([field.name for field in added if field.name in cases.column_names])
    for field in added:
        column = spread[field.name]
        result = result.append_column(
            field.name, pc.if_else(outside, "OUT", column) if field.name == "pay_scope" else column
        )
    return result


def _inside(
    cases: pa.Table,
    policy: Policy,
    catalogue: Catalogue,
    institutions: pa.Table,
    days: Any,
    scope: Any,
    reviews: pa.Table | None,
) -> pa.Table:
    """The columns of the cases inside the scope of the settlement."""
    fee, patient, item_pool, other = _amounts(cases)
    case_ids = cases["case_id"].combine_chunks()
    institution = coded(cases["institution_code"])
    terms = institution_terms(institution, institutions, days, case_ids)
    lookup = Lookup(
        policy,
        days,
        case_ids,
        {
            "insurance": coded(cases["insurance"]),
            "institution_code": institution,
            "drg": coded(cases["drg"]),
            "hospital_level": terms.level,
            "pay_mode": terms.pay_mode,
        },
    )
    lookup.dimensions["fund"] = fund = lookup.choices("fund.of_insurance")
    grouped = pc.equal(pc.cast(cases["status"], pa.string()), "grouped").to_numpy()
    by_group = (scope == "DRG") & (lookup.texts("scope.pay_mode") == "DRG")
    rows = np.flatnonzero(by_group & grouped)
    _pay_of_ungrouped(lookup, np.flatnonzero(by_group & ~grouped))
    paid = _paid(cases.take(pa.array(rows)), lookup.narrowed(rows), catalogue, fee[rows], reviews)
    gross = fee.copy()
    gross[rows] = paid["gross_fen"]
    payable = gross - patient - other
    floor = np.zeros(len(fee), np.bool_)
    floor[rows] = lookup.narrowed(rows).texts("pool.negative") == "floor_case" if len(rows) else False
    floored = np.where(floor & (payable < 0), -payable, 0)
    payable += floored
    in_group = np.zeros(len(fee), np.bool_)
    in_group[rows] = True
    reason = pc.if_else(pa.array(scope != "DRG"), CARE_TYPE, pc.if_else(pa.array(~by_group), OBSERVED, UNGROUPED))
    places = np.full(len(fee), -1, np.int64)
    places[rows] = np.arange(len(rows))
    from_paid = pa.array(places, mask=places < 0)
    columns: dict[str, Any] = {
        "fund": fund.texts(),
        "hospital_level": terms.level.texts(),
        "hospital_pay_mode": terms.pay_mode.texts(),
        "pay_scope": pc.if_else(pa.array(in_group), "DRG", "BY_ITEM"),
        "by_item_reason": pc.if_else(pa.array(in_group), None, reason),
        "pay_mode": pc.fill_null(paid.pop("pay_mode").take(from_paid), "by_item"),
        "gross_fen": pa.array(gross),
        "patient_fen": pa.array(patient),
        "other_funds_fen": pa.array(other),
        "outside_fee_fen": pa.array(np.zeros(len(fee), np.int64)),
        "item_pool_fen": pa.array(item_pool),
        "pool_payable_fen": pa.array(payable),
        "result_fen": pa.array(payable - item_pool),
        "floored_fen": pa.array(floored),
    }
    schema = pa.schema([*PRICED_SCHEMA, *DIP_SCHEMA])
    for field in schema:
        if field.name not in columns:
            found = paid.get(field.name)
            spread = pa.array(found, field.type).take(from_paid) if found is not None else None
            columns[field.name] = pa.nulls(len(fee), field.type) if spread is None else spread
    return pa.table([columns[field.name] for field in schema], schema=schema)


def _paid(
    cases: pa.Table, lookup: Lookup, catalogue: Catalogue, fee: IntColumn, reviews: pa.Table | None
) -> dict[str, Any]:
    """Score, coefficients, points and pay of the cases that are paid by their disease."""
    lookup.texts("rounding.halves")
    _must_be(lookup, "fee.base", "total")
    _must_be(lookup, "pool.form", "difference")
    diseases = lookup.dimension("drg")
    used = set(np.unique(diseases.codes).tolist())  # a dictionary names more than the cases hold
    groups = [_known(catalogue, code) if place in used else None for place, code in enumerate(diseases.values)]
    rw_e4 = np.array([one.rw_e4 if one else 0 for one in groups], np.int64)[diseases.codes]
    scale = lookup.numbers("dip.score.scale")
    score_e4 = rw_e4 * scale
    institution_e4 = lookup.scaled("dip.institution.coefficient")
    auxiliary = auxiliary_columns(cases, lookup, catalogue)
    mean = _compared_mean(lookup, catalogue, institution_e4)
    inside = lookup.texts("dip.auxiliary.place") == "inside"
    mean = np.where(inside, round_half_up_column(mean * auxiliary.coefficient_e4, SCALE), mean)
    found = deviation(fee, np.maximum(mean, 1), edges_of(lookup))
    deviation_e4, in_review = _reviewed(cases, found.coefficient_e4, found.in_review, reviews)
    factors = {"deviation": deviation_e4, "auxiliary": auxiliary.coefficient_e4, "institution": institution_e4}
    value_e4 = lookup.scaled("dip.point_value")
    points = _points(lookup, score_e4, factors)
    standard_points = _points(lookup, score_e4, {**factors, "deviation": np.full(len(fee), SCALE, np.int64)})
    check_size((points, value_e4))
    standard, gross = (round_half_up_column(one * value_e4, FEN_FACTOR) for one in (standard_points, points))
    return {
        "priced_drg": diseases.texts(),
        "weight_e4": rw_e4,
        "basic_group": np.zeros(len(fee), np.bool_),
        "rate_fen": round_half_up_column(value_e4 * scale, SCALE // 100),
        "coefficient_e4": round_half_up_column(auxiliary.coefficient_e4 * institution_e4, SCALE),
        "coefficient_parts": _parts({"score": score_e4, **factors, "point_value": value_e4}, auxiliary, in_review),
        "points_e4": points,
        "standard_fen": standard,
        "outlier_base_fen": mean,
        "outlier_class": found.outlier_class,
        "pay_mode": pc.if_else(pa.array(gross == standard), "standard", "points"),
        "gross_fen": gross,
        "dip_kind": _texts(diseases, [one.kind if one else "" for one in groups]),
        "dip_type": _texts(diseases, [one.type if one else "" for one in groups]),
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


def _parts(numbers: dict[str, IntColumn], auxiliary: AuxiliaryColumns, in_review: Any) -> pa.Array:
    """The factors of each case as one text, which is posted with the line: `score=… deviation=… cci=严重`."""
    words = [_pairs(name, pc.cast(pa.array(values), pa.string())) for name, values in numbers.items()]
    review = pa.array(in_review)
    words += [pc.if_else(review, REVIEW_MARK, None), _pairs(auxiliary.dimension, auxiliary.level)]
    return pc.binary_join_element_wise(*words, " ", null_handling="skip")


def _pairs(name: Any, value: Any) -> Any:
    return pc.binary_join_element_wise(name, value, "=")


REVIEW_MARK = "review=1"
"""What stands among the factors of a case that awaits the experts."""


def _known(catalogue: Catalogue, code: str) -> Group:
    found = catalogue.by_code.get(code)
    if found is None:
        raise PolicyError(
            "policy.weight", f"病种 {code} 没有分值", where=catalogue.id, hint="用付费办法所用的病种目录重新入组"
        )
    return found


def _texts(diseases: Coded, values: list[str]) -> pa.Array:
    return pa.array(values, pa.string()).take(pa.array(diseases.codes))


def _points(lookup: Lookup, score_e4: IntColumn, factors: dict[str, IntColumn]) -> IntColumn:
    """Score times the factors in the order of the edition, each product rounded to four decimals."""
    by = ("fund",) if len(lookup.days) else ()
    orders = lookup.coded_over(by, lambda on, place: ",".join(_order(lookup.policy, on, place.get("fund", ""))))
    points = score_e4.copy()
    for number, order in enumerate(orders.values):
        rows = np.flatnonzero(orders.codes == number)
        part = score_e4[rows]
        for name in order.split(","):
            check_size((part, factors[name][rows]))
            part = round_half_up_column(part * factors[name][rows], SCALE)
        points[rows] = part
    return points


def _order(policy: Policy, on: Any, fund: str) -> tuple[str, ...]:
    """The order of the factors in force; each must stand in it once (`policy.invalid`)."""
    order: tuple[str, ...] = policy.value("dip.order", on, fund=fund)
    if sorted(order) != sorted(FACTORS):
        raise PolicyError(
            "policy.invalid",
            f"分值的连乘先后“{'、'.join(order)}”不全",
            where=f"{policy.file} parameters.dip.order",
            hint=f"须各写一次：{'、'.join(FACTORS)}；不用的系数写 1",
        )
    return order


def _compared_mean(lookup: Lookup, catalogue: Catalogue, institution_e4: IntColumn) -> IntColumn:
    """The mean fee of the disease that deviation compares with, divided by the hospital coefficient where said so."""
    codes = lookup.over(
        ("drg", "hospital_level") if len(lookup.days) else (),
        lambda on, place: _mean(lookup.policy, catalogue, on, place["drg"], place["hospital_level"]),
    ).astype(np.int64)
    by = lookup.texts("dip.deviation.mean_divided_by")
    divided = round_half_up_column(codes * SCALE, np.maximum(institution_e4, 1))
    chosen: IntColumn = np.where(by == "institution", divided, codes)
    return chosen


def _mean(policy: Policy, catalogue: Catalogue, on: Any, disease: str, level: str) -> int:
    """The mean of the level in the last year, or of all levels where the edition compares so or allows it."""
    whole = catalogue.by_code[disease].weighted_mean_fen
    if policy.value("dip.deviation.mean", on) == "all":
        return whole
    found = catalogue.level_means.get((disease, level))
    if found is not None:
        return found[1]
    if policy.value("dip.deviation.without_mean", on) == "refuse":
        raise PolicyError(
            "dip.mean",
            f"病种 {disease} 在{level}没有上年均费，无法判断偏差",
            where="level_mean.csv",
            hint="补上该级别的均费，或把 dip.deviation.without_mean 写成 all",
        )
    return whole


def _reviewed(cases: pa.Table, coefficient_e4: IntColumn, in_review: Any, reviews: pa.Table | None) -> tuple[Any, Any]:
    """Coefficients as the experts decided; who is decided is no longer before them."""
    if reviews is None or not reviews.num_rows:
        return coefficient_e4, in_review
    found = pc.index_in(cases["case_id"], value_set=reviews["case_id"].combine_chunks())
    decided = pc.is_valid(found).to_numpy()
    stated = reviews["coefficient_e4"].combine_chunks().take(pc.fill_null(found, 0)).to_numpy()
    return np.where(decided, stated, coefficient_e4).astype(np.int64), in_review & ~decided


def _pay_of_ungrouped(lookup: Lookup, rows: Any) -> None:
    """Cases that no disease takes are paid by item; an edition that says otherwise, or nothing, is refused."""
    narrowed = lookup.narrowed(rows)
    narrowed.dimensions["ungrouped"] = Coded(np.zeros(len(rows), np.int64), ["0000"])
    _must_be(narrowed, "scope.ungrouped_pay", "by_item")


def _must_be(lookup: Lookup, key: str, wanted: str) -> None:
    """`policy.invalid` when an edition chooses for some case what DIP pricing does not do."""
    odd = sorted(set(lookup.choices(key).values) - {wanted}) if len(lookup.days) else []
    if odd:
        raise PolicyError(
            "policy.invalid",
            f"按病种付费不能用“{odd[0]}”",
            where=f"{lookup.policy.file} parameters.{key}",
            hint=f"写 {wanted}",
        )


def _amounts(cases: pa.Table) -> list[IntColumn]:
    """Fee, patient, item pool and other funds of each case; `policy.amount` when one is missing, else they balance."""
    for name in _AMOUNTS:
        if cases[name].null_count:
            row = pc.index(pc.is_null(cases[name]), value=True).as_py()
            raise PolicyError(
                "policy.amount",
                f"{cases[name].null_count} 个病例缺少结算金额，例如 {cases['case_id'][row].as_py()}",
                where=name,
                hint="先导入这些清单的结算结果，再结算",
            )
    fee, *parts = (cases[name].to_numpy().astype(np.int64) for name in _AMOUNTS)
    wrong = np.flatnonzero(fee != sum(parts))
    if len(wrong):
        row = int(wrong[0])
        what = f"病例 {cases['case_id'][row].as_py()} 总费用与各付费方之和（共 {len(wrong)} 例）"
        check_balance("price.payers", what, int(fee[row]), int(sum(part[row] for part in parts)))
    return [fee, *parts]
