"""The disease ledger of a hospital 病种台账: cases, fees, pay and result by disease, and by core and composite kind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tongpin.base.money import SCALE, check_balance, round_half_up
from tongpin.payment.dip.catalogue import KIND_LABELS, TYPE_LABELS

if TYPE_CHECKING:
    from tongpin.payment.dip.catalogue import Catalogue

OUTSIDE = "none"
"""The kind of cases that no disease takes, or that are paid by item."""

_SUMS = ("cases", "total_fee_fen", "gross_fen", "result_fen", "points_e4")

KIND_SCHEMA = pa.schema(
    [
        ("institution_code", pa.string()),
        ("institution_name", pa.string()),
        ("kind", pa.string()),
        ("type", pa.string()),
        ("label", pa.string()),
        ("cases", pa.int64()),
        ("case_share_e4", pa.int64()),
        ("total_fee_fen", pa.int64()),
        ("gross_fen", pa.int64()),
        ("result_fen", pa.int64()),
        ("points_e4", pa.int64()),
        ("negative", pa.bool_()),
    ]
)
"""A hospital by kind and type (type empty: the whole kind); `case_share_e4` of the cases that a disease takes."""

DISEASE_SCHEMA = pa.schema(
    [
        ("institution_code", pa.string()),
        ("institution_name", pa.string()),
        ("disease", pa.string()),
        ("name", pa.string()),
        ("kind", pa.string()),
        ("type", pa.string()),
        ("cases", pa.int64()),
        ("mean_fee_fen", pa.int64()),
        ("benchmark_fee_fen", pa.int64()),
        ("total_fee_fen", pa.int64()),
        ("gross_fen", pa.int64()),
        ("result_fen", pa.int64()),
        ("points_e4", pa.int64()),
        ("score_e4", pa.int64()),
    ]
)
"""A hospital by disease. `benchmark_fee_fen` is the mean of the catalogue, with which the hospital compares."""


def disease_ledger(priced: pa.Table, catalogue: Catalogue) -> pa.Table:
    """Every disease of every hospital (`DISEASE_SCHEMA`), largest loss first within a hospital (S002-01).

    `priced`: cases of `price_dip` or posted lines (a red line takes its case back). Cases without a disease stand under
    the empty disease, kind `none`; the rows of a hospital sum to its cases (BalanceError otherwise). Money in fen,
    points and scores in ten-thousandths.
    """
    rows = _summed(priced, catalogue, ["institution_code", "disease"])
    for row in rows:
        one = catalogue.by_code.get(row["disease"])
        row["name"] = one.name if one else _NO_DISEASE
        row["kind"], row["type"] = (one.kind, one.type) if one else (OUTSIDE, "")
        row["mean_fee_fen"] = round_half_up(row["total_fee_fen"], row["cases"]) if row["cases"] > 0 else None
        row["benchmark_fee_fen"] = one.weighted_mean_fen if one else None
        row["score_e4"] = round_half_up(row["points_e4"], row["cases"]) if one and row["cases"] > 0 else None
    rows.sort(key=lambda row: (row["institution_code"], row["result_fen"], row["disease"]))
    return pa.Table.from_pylist(rows, DISEASE_SCHEMA)


def kind_ledger(priced: pa.Table, catalogue: Catalogue, *, by_hospital: bool = True) -> pa.Table:
    """Every hospital (or all together) by kind and type with its result (`KIND_SCHEMA`, S002-02).

    `case_share_e4` is of the cases that a disease takes; `negative` marks a loss.
    """
    whose = ["institution_code"] if by_hospital else []
    typed = _summed(priced, catalogue, [*whose, "kind", "type"])
    whole = [{**row, "type": ""} for row in _summed(priced, catalogue, [*whose, "kind"])]
    taken: dict[str, int] = {}
    for row in whole:
        if row["kind"] != OUTSIDE:
            taken[row["institution_code"]] = taken.get(row["institution_code"], 0) + row["cases"]
    rows = [*whole, *(row for row in typed if row["type"])]
    for row in rows:
        row["label"] = TYPE_LABELS.get(row["type"]) or KIND_LABELS.get(row["kind"], _NO_DISEASE)
        of = taken.get(row["institution_code"], 0)
        row["case_share_e4"] = round_half_up(row["cases"] * SCALE, of) if of > 0 and row["kind"] != OUTSIDE else None
        row["negative"] = row["result_fen"] < 0
    kinds, types = (*KIND_LABELS, OUTSIDE), ("", *TYPE_LABELS)
    rows.sort(key=lambda row: (row["institution_code"], kinds.index(row["kind"]), types.index(row["type"])))
    return pa.Table.from_pylist(rows, KIND_SCHEMA)


_NO_DISEASE = "未入病种或按项目付费"


def _summed(priced: pa.Table, catalogue: Catalogue, by: list[str]) -> list[dict[str, Any]]:
    """Sums of the settled cases by some keys; the sums close to the whole. Hospitals carry their latest name."""
    inside = priced.filter(pc.not_equal(priced["pay_scope"], "OUT"))
    sign = inside["line_sign"] if "line_sign" in inside.column_names else pa.array(np.ones(inside.num_rows, np.int64))
    disease = pc.if_else(pc.equal(inside["pay_scope"], "DRG"), pc.cast(inside["drg"], pa.string()), "")
    known = pa.array(list(catalogue.by_code), pa.string())
    place = pc.index_in(disease, value_set=known)
    kinds, types = (
        pa.array([getattr(one, name) for one in catalogue.groups], pa.string()) for name in ("kind", "type")
    )
    table = pa.table(
        {
            "institution_code": inside["institution_code"],
            "disease": disease,
            "kind": pc.fill_null(kinds.take(place), OUTSIDE),
            "type": pc.fill_null(types.take(place), ""),
            "cases": pc.cast(sign, pa.int64()),
            "total_fee_fen": inside["total_fee_fen"],
            "gross_fen": inside["gross_fen"],
            "result_fen": inside["result_fen"],
            "points_e4": pc.multiply(pc.fill_null(inside["points_e4"], 0), pc.cast(sign, pa.int64())),
        }
    )
    sums = table.group_by(by).aggregate([(name, "sum") for name in _SUMS])
    sums = sums.rename_columns([name.removesuffix("_sum") for name in sums.column_names])
    for name in ("gross_fen", "result_fen"):
        left, right = pc.sum(sums[name]).as_py() or 0, pc.sum(table[name]).as_py() or 0
        check_balance("dip.ledger", f"病种台账 {name} ", left, right)
    names = dict(zip(inside["institution_code"].to_pylist(), inside["institution_name"].to_pylist(), strict=True))
    found: list[dict[str, Any]] = sums.to_pylist()
    for row in found:
        row.setdefault("institution_code", "")
        row["institution_name"] = names.get(row["institution_code"]) or row["institution_code"] or "全部机构"
    return found
