"""Expert reviews of deviation cases 偏差病例评议: who awaits the experts, what they decided, and what it changes.

A decision is a row of the layout `decision`: `kind` special_case, `result` 偏差系数, `value` the deviation coefficient.
Loaded before the month closes it prices the case; loaded later the clearing applies it (step 8). Until then the edition
says what holds (`dip.deviation.unreviewed`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tongpin.base.errors import PolicyError
from tongpin.base.money import SCALE, round_half_up_column
from tongpin.payment.policy.lookup import Lookup, coded
from tongpin.payment.policy.period import case_days

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tongpin.payment.policy.lookup import BoolColumn, IntColumn
    from tongpin.payment.policy.policy import Policy
    from tongpin.payment.pricing.rows import CaseRows

DECISION_KIND, RESULTS = "special_case", ("偏差系数", "按评议的偏差系数")
"""How a decision on a deviation case is written; the first form is the one that Tongpin writes."""

REVIEW_SCHEMA = pa.schema(
    [("institution_code", pa.string()), ("case_id", pa.string()), ("coefficient_e4", pa.int64())],
)
"""What the experts decided: the deviation coefficient of a case in ten-thousandths."""

AWAITING_SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in ("institution_code", "institution_name", "case_id", "fund", "period")),
        ("disease", pa.string()),
        *((name, pa.int64()) for name in ("total_fee_fen", "mean_fen", "ratio_e4", "paid_e4", "formula_e4")),
        *((name, pa.int64()) for name in ("gross_fen", "decided_e4")),
        ("state", pa.string()),
    ],
)
"""A posted case beyond the review limit: its fee over its mean, the coefficient it was paid with, the one of the
formula, what the experts decided (null: nothing yet), and how it stands (`STATES`)."""

WAITING, OPEN, DECIDED, PENDING = "waiting", "open", "decided", "pending"
STATES = {
    WAITING: "待评议",
    OPEN: "可由机构申请",
    DECIDED: "已按决定付费",
    PENDING: "已决定，待清算",
}
_SEPARATOR = "\x1f"


def reviews_of(decisions: pa.Table) -> pa.Table:
    """The decisions on deviation cases (`REVIEW_SCHEMA`) among rows of the layout `decision`.

    PolicyError `dip.review` for one without a coefficient, or two on the same case.
    """
    mask = pc.and_(pc.equal(decisions["kind"], DECISION_KIND), pc.is_in(decisions["result"], pa.array(list(RESULTS))))
    rows = decisions.filter(pc.fill_null(mask, False)).to_pylist()
    found: dict[tuple[str, str], int] = {}
    for row in rows:
        key = (row["institution_code"], row["setl_id"])
        value = row.get("value")
        if value is None or value < 0 or key in found:
            what = "有两个评议决定" if key in found else "的评议没有写偏差系数"
            raise PolicyError(
                "dip.review",
                f"机构 {key[0]} 清单 {key[1]} {what}",
                where=f"decision {DECISION_KIND}",
                hint="每例只留有效的一个决定，在 value 写明专家评定的偏差系数，例如 4.2",
            )
        found[key] = round(value * SCALE)
    names = REVIEW_SCHEMA.names
    made = [dict(zip(names, (*key, value), strict=True)) for key, value in found.items()]
    return pa.Table.from_pylist(made, REVIEW_SCHEMA)


def decided_coefficients(
    cases: CaseRows, coefficient_e4: IntColumn, in_review: BoolColumn, reviews: pa.Table | None
) -> tuple[IntColumn, BoolColumn]:
    """Coefficients as the experts decided; who is decided is no longer before them."""
    if reviews is None or not reviews.num_rows:
        return coefficient_e4, in_review
    found = pc.index_in(_keys(cases), value_set=_keys(reviews).combine_chunks())
    decided = pc.is_valid(found).to_numpy()
    stated = reviews["coefficient_e4"].combine_chunks().take(pc.fill_null(found, 0)).to_numpy()
    return np.where(decided, stated, coefficient_e4).astype(np.int64), in_review & ~decided


def _keys(table: Any) -> Any:
    texts = [pc.cast(table[name], pa.string()) for name in ("institution_code", "case_id")]
    return pc.binary_join_element_wise(*texts, _SEPARATOR)


def awaiting(lines: pa.Table, policy: Policy, reviews: pa.Table) -> pa.Table:
    """The posted cases beyond the review limit (`AWAITING_SCHEMA`), the farthest first.

    `lines`: posted lines in force (no red lines, none that a red line took back) of months paid by scores. A decision
    that came after the close is `pending`: the clearing applies it.
    """
    cases = lines.filter(pc.and_(pc.equal(lines["pay_scope"], "DRG"), pc.greater(lines["outlier_base_fen"], 0)))
    lookup = Lookup(policy, case_days(cases, policy.edition.edition_by.value), cases["case_id"], _dimensions(cases))
    limit_e4 = lookup.scaled("dip.deviation.review")
    fee, mean = (pc.abs(cases[name]).to_numpy().astype(np.int64) for name in ("total_fee_fen", "outlier_base_fen"))
    ratio_e4 = round_half_up_column(fee * SCALE, mean)
    rounded = lookup.choices("dip.deviation.compare").equals("rounded")
    beyond = np.where(rounded, ratio_e4 > limit_e4, fee * SCALE > limit_e4 * mean)
    rows = np.flatnonzero(beyond)
    high_e4 = lookup.scaled("dip.deviation.high")[rows]
    fee, mean, ratio_e4 = fee[rows], mean[rows], ratio_e4[rows]
    formula = round_half_up_column(fee * SCALE - high_e4 * mean, mean) + SCALE
    by_duty = lookup.choices("dip.review.by").equals("duty")[rows]
    chosen = cases.take(pa.array(rows))
    paid = pc.cast(pc.struct_field(pc.extract_regex(chosen["coefficient_parts"], _DEVIATION), "paid"), pa.int64())
    decided = (
        reviews["coefficient_e4"]
        .combine_chunks()
        .take(pc.index_in(_keys(chosen), value_set=_keys(reviews).combine_chunks()).combine_chunks())
    )
    columns: dict[str, Any] = {
        **{name: chosen[name] for name in ("institution_code", "institution_name", "case_id", "fund", "period")},
        "disease": pc.cast(chosen["drg"], pa.string()),
        "total_fee_fen": fee,
        "mean_fen": mean,
        "ratio_e4": ratio_e4,
        "paid_e4": paid,
        "formula_e4": formula,
        "gross_fen": chosen["gross_fen"],
        "decided_e4": decided,
        "state": _states(paid, decided, by_duty),
    }
    made = pa.table([columns[name] for name in AWAITING_SCHEMA.names], schema=AWAITING_SCHEMA)
    return made.sort_by([("ratio_e4", "descending"), ("institution_code", "ascending"), ("case_id", "ascending")])


_DEVIATION = r"deviation=(?P<paid>\d+)"


def _dimensions(cases: pa.Table) -> dict[str, Any]:
    names = ("fund", "hospital_level", "institution_code")
    return {name: coded(cases[name]) for name in names}


def _states(paid: Any, decided: Any, by_duty: BoolColumn) -> list[str]:
    stands: Iterable[tuple[int, int | None, bool]] = zip(
        paid.to_pylist(), decided.to_pylist(), by_duty.tolist(), strict=True
    )
    return [
        (WAITING if duty else OPEN) if value is None else DECIDED if value == was else PENDING
        for was, value, duty in stands
    ]


def decision_rows(found: pa.Table, area: str) -> pa.Table:
    """Rows of the layout `decision` for the cases without a decision, the coefficient left for the experts to write."""
    rows = [
        {
            "institution_code": row["institution_code"],
            "area": area,
            "kind": DECISION_KIND,
            "fund": row["fund"],
            "result": RESULTS[0],
            "setl_id": row["case_id"],
            "group_code": row["disease"],
            "subject": "偏差病例评议",
            "reason": f"费用是均费的 {row['ratio_e4'] / SCALE:.4f} 倍，超过评议界限",
        }
        for row in found.to_pylist()
        if row["decided_e4"] is None
    ]
    return pa.Table.from_pylist(rows, _DECISION)


_DECISION = pa.schema(
    [
        (name, pa.string())
        for name in (
            *("institution_code", "area", "kind", "fund", "result", "setl_id"),
            *("group_code", "subject", "reason"),
        )
    ]
)
