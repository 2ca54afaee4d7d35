"""Prices before settlement 预定价: what a case would be paid by the edition in force, step by step; nothing is kept.

Payers that are not known yet are left open: the price is worked out with two opposite splits of the fee, and what comes
out differently is not said.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

import pyarrow as pa

from tongpin.base.errors import TongpinError
from tongpin.payment.explain import explain_steps
from tongpin.payment.month.further import with_further
from tongpin.records.case.schema import CASE_SCHEMA
from tongpin.records.views.edition import with_code_version
from tongpin.records.views.stay_lists import join_stays
from tongpin.workbench.sign_in.identity import DeniedError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tongpin.payment.pricing.steps import Step
    from tongpin.store.home import Home
    from tongpin.store.scope import Scope
    from tongpin.workbench.machines.ready import Desk, Ready

FEE, *PAYERS = ("total_fee_fen", "patient_pay_fen", "pool_pay_fen", "other_fund_pay_fen")
OF_PAYERS = ("patient_fen", "other_funds_fen", "item_pool_fen", "pool_payable_fen", "floored_fen")
"""What of a price rests on who pays what."""
_STEPS_OF_PAYERS = frozenset({"统筹应付", "负统筹", "其他付费方", "盈亏"})
UNKNOWN_PAYERS = "各付费方还不知道：不出统筹应付，盈亏按应付总额减总费用"
UNKNOWN_GROSS = "这个付费办法的应付总额取决于个人负担，补上各付费方再算"


class Priced(NamedTuple):
    """A case as priced, its steps, the desk that priced it, and what is left open."""

    row: dict[str, Any]
    steps: list[Step]
    desk: Desk
    notes: tuple[str, ...]


def price_cases(
    home: Home, scope: Scope, ready: Ready, area: str | None, cases: Sequence[dict[str, Any]]
) -> list[Priced]:
    """Cases (columns of the case table, `on` the day of price) as they would be paid, in their order.

    `home` is the whole one: editions are the same for everybody; what is read of stored lists is within the scope.
    Errors: `cases.scope` (another hospital's), `price.payers` (some of the payers only), those of editions and `price`.
    """
    for case in cases:
        if not scope.sees_hospital(case["institution_code"]):
            raise DeniedError("cases.scope", "只能给本机构的病例定价", where=case["case_id"], hint="核对机构代码")
        given = [case[name] is not None for name in PAYERS]
        if any(given) and not all(given):
            hint = "个人负担、统筹、其他基金都写，或都不写"
            raise TongpinError("price.payers", "各付费方只写了一部分", where=case["case_id"], hint=hint)
    months: dict[str, list[int]] = defaultdict(list)
    for place, case in enumerate(cases):
        months[f"{case['on']:%Y-%m}"].append(place)
    made: dict[int, Priced] = {}
    for month, places in months.items():
        desk = ready.desk(home, area, month)
        made |= zip(places, _of_month(home.within(scope), desk, [cases[place] for place in places]), strict=True)
    return [made[place] for place in range(len(cases))]


def _of_month(home: Home, desk: Desk, cases: Sequence[dict[str, Any]]) -> list[Priced]:
    rows = _priced(home, desk, [_with_payers(case, patient=False) for case in cases])
    others: list[dict[str, Any] | None] = [None] * len(cases)
    unknown = [place for place, case in enumerate(cases) if case[PAYERS[0]] is None]
    if unknown:
        again = _priced(home, desk, [_with_payers(cases[place], patient=True) for place in unknown])
        for place, row in zip(unknown, again, strict=True):
            others[place] = row
    return [_told(desk, row, other) for row, other in zip(rows, others, strict=True)]


def _with_payers(case: dict[str, Any], *, patient: bool) -> dict[str, Any]:
    """A case without payers as if one alone paid it all."""
    if case[PAYERS[0]] is not None:
        return case
    fee = case[FEE]
    return case | dict(zip(PAYERS, (fee, 0, 0) if patient else (0, fee, 0), strict=True))


def _priced(home: Home, desk: Desk, cases: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    rows = [
        {name: _whole_seconds(case.get(name)) for name in CASE_SCHEMA.names}
        | {"source": "settlement_list", "settlement_date": case["on"], "accepted_date": case["on"]}
        for case in cases
    ]
    lists = join_stays(pa.Table.from_pylist(rows, schema=CASE_SCHEMA), "each")
    lists = with_further(home, with_code_version(lists, desk.edition), desk.policy)
    priced: list[dict[str, Any]] = desk.method.price(lists, desk.policy, desk.institutions).to_pylist()
    return priced


def _whole_seconds(value: Any) -> Any:
    return value.replace(microsecond=0) if isinstance(value, datetime) else value


def _told(desk: Desk, row: dict[str, Any], other: dict[str, Any] | None) -> Priced:
    steps = explain_steps(row, desk.policy, desk.catalogue)
    if other is None or row["pay_scope"] == "OUT":
        return Priced(row, steps, desk, ())
    steps = [one for one in steps if one.label not in _STEPS_OF_PAYERS and not one.text.startswith("= ")]
    if row["gross_fen"] != other["gross_fen"]:
        left = [one for one in steps if one.label != "应付总额"]
        blank = dict.fromkeys((*OF_PAYERS, "gross_fen", "result_fen"))
        return Priced(row | blank, left, desk, (UNKNOWN_PAYERS, UNKNOWN_GROSS))
    known = dict.fromkeys(OF_PAYERS) | {"result_fen": row["gross_fen"] - row[FEE]}
    return Priced(row | known, steps, desk, (UNKNOWN_PAYERS,))
