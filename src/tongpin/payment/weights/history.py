"""History 历史病例: the settled lists of some months of a home, grouped once, as weights and comparisons need them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from tongpin.base.errors import StoreError
from tongpin.payment.month.further import with_further
from tongpin.payment.policy.period import natural_months
from tongpin.records.case.schema import CASE_SCHEMA
from tongpin.records.intake.load import CASES, WITHDRAWALS, read_loaded
from tongpin.records.views.edition import open_edition, with_code_version
from tongpin.records.views.stay_lists import join_stays

if TYPE_CHECKING:
    from datetime import date

    from tongpin.payment.policy.policy import Policy
    from tongpin.store.home import Home


def cases_of_months(home: Home, first: str, last: str, policy: Policy, *, with_fee_items: bool = False) -> pa.Table:
    """The settlement lists of a home whose month (by the edition's `period_by`) lies in `first`…`last` (`YYYY-MM`).

    Withdrawn lists are left out, the lists of one stay joined as the edition says. StoreError `weights.months` when
    there are none.
    """
    wanted = [*CASE_SCHEMA.names, *(["fees"] if with_fee_items else [])]
    lists = read_loaded(home, CASES, wanted, where=("source", pa.array(["settlement_list"])))
    lists = _only(lists, pc.is_valid(lists["settlement_date"]))
    months = pa.array(natural_months(lists, policy.edition.period_by.value).astype(str))
    lists = _only(lists, pc.and_(pc.greater_equal(months, first), pc.less_equal(months, last)))
    if not lists.num_rows:
        raise StoreError(
            "weights.months",
            f"{first} 到 {last} 没有已结算的清单",
            where=str(home.root),
            hint="检查月份；先用 tongpin load 装载清单与结算结果",
        )
    gone = read_loaded(home, WITHDRAWALS)
    framed = pc.binary_join_element_wise(lists["institution_code"], lists["case_id"], "\x1f")
    gone_keys = pc.binary_join_element_wise(gone["institution_code"], gone["setl_id"], "\x1f")
    lists = _only(lists, pc.invert(pc.is_in(framed, gone_keys)))
    how = policy.value("scope.interim_bills", pc.max(lists["settlement_date"]).as_py())
    joined = with_code_version(join_stays(lists, how), open_edition(home, policy.id.split("/")[0]))
    return with_further(home, joined, policy)


def _only(table: pa.Table, mask: Any) -> pa.Table:
    """The rows of a mask; years of cases are not copied where all of them stay."""
    return table if pc.all(mask).as_py() else table.filter(mask)


def levels_on(institutions: pa.Table, on: date) -> dict[str, str]:
    """The settlement level of every institution on a day, by code; one registered later is left out."""
    rows = institutions.select(["institution_code", "settlement_level", "valid_from"]).to_pylist()
    held = sorted((row for row in rows if row["valid_from"] <= on), key=lambda row: row["valid_from"])
    return {row["institution_code"]: row["settlement_level"] for row in held}
