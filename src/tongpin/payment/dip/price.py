"""DIP pricing 按病种分值定价: the same columns as `pricing.price`, so that month and year post them alike.

Points = score x deviation x auxiliary x institution, multiplied in the order that the edition names, each product with
four decimals; pay = points x point value, in fen (`factors`). The standard is the pay of the case at a deviation of 1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from tongpin.base.errors import PolicyError
from tongpin.payment.dip.factors import REVIEW_MARK, must_be, paid_by_disease
from tongpin.payment.dip.scheme import group_dip
from tongpin.payment.policy.lookup import Coded, Lookup, coded
from tongpin.payment.policy.period import case_days
from tongpin.payment.pricing.institutions import institution_terms
from tongpin.payment.pricing.payers import settled_amounts
from tongpin.payment.pricing.rows import Among, CaseRows
from tongpin.payment.pricing.schema import CARE_TYPE, OBSERVED, PRICED_SCHEMA, UNGROUPED

if TYPE_CHECKING:
    from tongpin.payment.dip.catalogue import Catalogue
    from tongpin.payment.policy.policy import Policy

__all__ = ["DIP_SCHEMA", "REVIEW_MARK", "price_dip"]

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

_SCOPES = ("OUT", "BY_ITEM", "DRG")
_ADDED = pa.schema([*PRICED_SCHEMA, *DIP_SCHEMA])


def price_dip(
    cases: pa.Table,
    policy: Policy,
    catalogue: Catalogue,
    institutions: pa.Table,
    reviews: pa.Table | None = None,
) -> pa.Table:
    """Cases with the columns of `PRICED_SCHEMA` and `DIP_SCHEMA`; grouped first when they carry no group.

    `institutions`: `institution_code, settlement_level, valid_from`, and where it has one `pay_mode`. `reviews`: what
    the experts decided (`reviews.REVIEW_SCHEMA`). Amounts in fen.
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
    care = Lookup(policy, days, cases["case_id"], {"care_type": coded(cases["care_type"])})
    scope = care.choices("scope.care_type")
    inside = np.flatnonzero(~scope.equals("OUT"))
    rows = CaseRows(cases).take(inside)
    here = Inside(rows, policy, institutions, days[inside], scope.take(inside))
    columns = here.columns(catalogue, reviews, Among(inside, cases.num_rows))
    result = cases.drop_columns([field.name for field in _ADDED if field.name in cases.column_names])
    for field in _ADDED:
        result = result.append_column(field, columns[field.name])
    return result


class Inside:
    """The cases inside the scope of the settlement, and how each is paid: by its disease, or by item and why."""

    def __init__(self, cases: CaseRows, policy: Policy, institutions: pa.Table, days: Any, scope: Coded) -> None:
        self.cases = cases
        self.amounts = settled_amounts(cases)
        self.lookup = lookup = Lookup(
            policy,
            days,
            cases["case_id"],
            {name: coded(cases[name]) for name in ("insurance", "institution_code", "drg")},
        )
        terms = institution_terms(lookup.dimension("institution_code"), institutions, days, cases["case_id"])
        lookup.dimensions |= {
            "hospital_level": terms.level,
            "pay_mode": terms.pay_mode,
            "fund": lookup.choices("fund.of_insurance"),
        }
        grouped = coded(cases["status"]).equals("grouped")
        of_scope = scope.equals("DRG")
        by_group = of_scope & lookup.choices("scope.pay_mode").equals("DRG")
        self.paid = np.flatnonzero(by_group & grouped)
        self.reason = Coded(np.where(by_group, 2, np.where(of_scope, 1, 0)), [CARE_TYPE, OBSERVED, UNGROUPED])
        _pay_of_ungrouped(lookup, np.flatnonzero(by_group & ~grouped))

    def columns(self, catalogue: Catalogue, reviews: pa.Table | None, among: Among) -> dict[str, pa.Array]:
        """Every column of the result, for all cases of the table."""
        fee, patient, item_pool, other = self.amounts
        rows, lookup = self.paid, self.lookup
        of_paid = lookup.narrowed(rows)
        paid = paid_by_disease(self.cases.take(rows), of_paid, catalogue, fee[rows], reviews)
        gross = fee.copy()
        gross[rows] = paid["gross_fen"]
        payable = gross - patient - other
        floored = np.zeros(len(fee), np.int64)
        if len(rows):
            floors = of_paid.choices("pool.negative").equals("floor_case")
            floored[rows] = np.where(floors & (payable[rows] < 0), -payable[rows], 0)
        payable += floored
        scope = np.ones(len(fee), np.int64)
        scope[rows] = 2
        reason = self.reason.codes.copy()
        reason[rows] = 3
        mode = Coded(np.zeros(len(fee), np.int64), ["by_item", *paid["pay_mode"].values])
        mode.codes[rows] = paid.pop("pay_mode").codes + 1
        wide = {
            "fund": lookup.dimension("fund"),
            "hospital_level": lookup.dimension("hospital_level"),
            "hospital_pay_mode": lookup.dimension("pay_mode"),
            "by_item_reason": Coded(reason, [*self.reason.values, ""]),
            "pay_mode": mode,
            "gross_fen": gross,
            "patient_fen": patient,
            "other_funds_fen": other,
            "outside_fee_fen": np.zeros(len(fee), np.int64),
            "item_pool_fen": item_pool,
            "pool_payable_fen": payable,
            "result_fen": payable - item_pool,
            "floored_fen": floored,
        }
        columns = {name: among.spread(values, _ADDED.field(name).type) for name, values in wide.items()}
        scopes = among.numbers(scope, 0)
        columns["pay_scope"] = Coded(scopes, list(_SCOPES)).texts()
        deep = among.some(rows)
        for field in _ADDED:
            if field.name not in columns:
                found = paid.get(field.name)
                empty = found is None
                columns[field.name] = pa.nulls(among.size, field.type) if empty else deep.spread(found, field.type)
        return columns


def _pay_of_ungrouped(lookup: Lookup, rows: Any) -> None:
    """Cases that no disease takes are paid by item; an edition that says otherwise, or nothing, is refused."""
    narrowed = lookup.narrowed(rows).with_dimensions({"ungrouped": Coded(np.zeros(len(rows), np.int64), ["0000"])})
    must_be(narrowed, "scope.ungrouped_pay", "by_item")
