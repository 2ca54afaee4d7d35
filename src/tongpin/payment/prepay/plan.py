"""The plan of a year 预付金测算: for every hospital and fund scheme, budget, instalments, or why there is none."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, NamedTuple

from tongpin.base.digest import text_digest
from tongpin.base.errors import PolicyError
from tongpin.payment.prepay.account import NATIONAL, PAID, S001, Entry, month_after
from tongpin.payment.prepay.monthly import MONTHS, MonthlyHistory, may_prepay, monthly_budget, recovery_of
from tongpin.payment.prepay.yearly import ORDINARY, SHORT, History, Line, yearly_budget

if TYPE_CHECKING:
    from collections.abc import Mapping
    from collections.abc import Set as AbstractSet

    from tongpin.payment.policy.policy import Policy
    from tongpin.payment.prepay.monthly import FundState
    from tongpin.payment.prepay.spending import Known, YearSpent
    from tongpin.payment.prepay.yearly import Budget

NONE = "none"
FUND_REFUSED = "这项基金不预付"
"""What a row says when its fund may not prepay; why stands with the fund."""

SCHEME_LABELS: dict[str, str] = {NONE: "不预付", S001: "按年度基数预付", NATIONAL: "按月均支出预付"}
CASH_LABELS: dict[str, str] = {ORDINARY: "一般", SHORT: "资金紧张"}


class Hospital(NamedTuple):
    """A hospital as the register of institutions names it on the first day of the year."""

    institution_code: str
    institution_name: str
    hospital_level: str
    function_type: str


class Instalment(NamedTuple):
    """A payment of the plan: number from 1, day, amount in fen, and how it comes back (as in the account)."""

    number: int
    day: date
    amount_fen: int
    recovery_from: str | None
    recovery_months: int | None


@dataclass(frozen=True)
class PlanRow:
    """The prepayment of a hospital and fund, in fen; `refused` says why there is none.

    `last_year_fen`: what the fund spent there in the year before, None when it is not known.
    """

    institution_code: str
    institution_name: str
    hospital_level: str
    fund: str
    fund_label: str
    scheme: str
    cash: str
    last_year_fen: int | None
    core_fen: int
    reserve_fen: int
    total_fen: int
    instalments: tuple[Instalment, ...]
    steps: tuple[Line, ...]
    warnings: tuple[str, ...]
    refused: str

    @property
    def paid_fen(self) -> int:
        """The sum of the instalments."""
        return sum(one.amount_fen for one in self.instalments)


class FundOffer(NamedTuple):
    """What the edition and the fund's reserve say of a fund: scheme, whether it prepays, and why."""

    fund: str
    fund_label: str
    scheme: str
    allowed: bool
    reason: str


@dataclass(frozen=True)
class Plan:
    """The prepayment plan of an area and year, and what it rests on; an adopted one has a number and a document."""

    area: str
    area_label: str
    year: int
    policy: str
    policy_label: str
    policy_digest: str
    assumed: tuple[str, ...]
    offers: tuple[FundOffer, ...]
    rows: tuple[PlanRow, ...]
    notes: tuple[str, ...]
    number: int = 0
    document: str = ""

    @property
    def digest(self) -> str:
        """SHA-256 over the plan: equal plans, equal digests."""
        return text_digest([to_json(self)])

    def entries(self, until: date) -> list[Entry]:
        """The instalments due until a day as entries of the account."""
        return [
            Entry(
                self.area,
                f"{self.year}/{one.number}/{row.institution_code}/{row.fund}",
                row.institution_code,
                row.fund,
                row.scheme,
                PAID,
                one.amount_fen,
                one.day,
                f"{one.day:%Y-%m}",
                self.document,
                one.recovery_from,
                one.recovery_months,
            )
            for row in self.rows
            for one in row.instalments
            if one.day <= until and one.amount_fen
        ]


def make_plan(
    policy: Policy,
    area: tuple[str, str],
    year: int,
    known: Known,
    hospitals: Mapping[str, Hospital],
    states: Mapping[str, FundState | None],
    short: AbstractSet[str] = frozenset(),
) -> Plan:
    """The plan of a year by the scheme that the edition states for each fund.

    `area`: its id and what papers call it; `known`: spending of the years before; `states`: each fund at the end of the
    last year, None where its months are not loaded; `short`: hospitals short of cash (S001-54). A hospital without
    enough history gets no prepayment and is told so. Raises PolicyError `prepay.dates`, `prepay.empty`, `prepay.short`,
    and `policy.gap` where the edition is silent. Source: S001-34..39, S907-01.
    """
    on = date(year, 1, 1)
    places = known.places()
    if not places:
        raise PolicyError(
            "prepay.empty",
            "没有历史支出",
            where=area[0],
            hint="用 --history 给出历年支出，或先把以前年度的月份关账",
        )
    unknown = sorted(short - {code for code, _ in places})
    if unknown:
        raise PolicyError("prepay.short", f"没有机构 {'、'.join(unknown)} 的支出", where="--short", hint="核对机构代码")
    offers: dict[str, FundOffer] = {}
    for fund in sorted({fund for _, fund in places}):
        offers[fund] = _offer(policy, on, fund, states.get(fund))
    rows = [
        _row(policy, year, offers[fund], known, hospitals.get(code), code, cash=SHORT if code in short else ORDINARY)
        for code, fund in places
        if offers[fund].scheme != NONE
    ]
    notes = [f"{one.fund_label}：{one.reason}" for one in offers.values() if one.reason]
    left = sum(bool(row.refused) for row in rows)
    notes += [f"{left} 家机构的一项基金没有预付金，原因见各行"] * bool(left)
    assumed = tuple(
        item.label
        for key, item in policy.edition.parameters.items()
        if key.startswith("prepay.") and "instant" not in key and item.assumed
    )
    return Plan(
        *area,
        year,
        policy.id,
        policy.edition.label,
        policy.digest,
        assumed,
        tuple(offers.values()),
        tuple(rows),
        tuple(notes),
    )


def _offer(policy: Policy, on: date, fund: str, state: FundState | None) -> FundOffer:
    label = policy.value("fund.label", on, fund=fund)
    scheme = policy.value("prepay.scheme", on, fund=fund)
    if scheme == NONE:
        return FundOffer(fund, label, scheme, allowed=False, reason="付费办法写明不预付")
    if scheme == S001:
        return FundOffer(fund, label, scheme, allowed=True, reason="")
    if state is None:
        why = f"没有 {on.year - 1} 年十二个月的基金收支与年末累计结余，不能判断，不预付"
        return FundOffer(fund, label, scheme, allowed=False, reason=why)
    found = may_prepay(policy, on, state)
    return FundOffer(fund, label, scheme, found.allowed, found.reason)


def _row(
    policy: Policy, year: int, offer: FundOffer, known: Known, hospital: Hospital | None, code: str, *, cash: str
) -> PlanRow:
    """The plan of one hospital and fund."""
    years = policy.value("prepay.mean_years", date(year, 1, 1), fund=offer.fund)
    spent = [known.year(code, offer.fund, one) for one in range(year - years, year)]
    last = spent[-1].spent_fen if spent[-1] is not None else None
    budget: Budget | None = None
    refused = "" if offer.allowed else FUND_REFUSED
    if not refused and hospital is None:
        refused = "机构登记里没有这家机构，不知道级别与功能定位"
    elif not refused and hospital is not None:
        try:
            budget = (
                _yearly(policy, year, offer.fund, spent, hospital, cash)
                if offer.scheme == S001
                else monthly_budget(
                    policy,
                    year,
                    MonthlyHistory(code, offer.fund, known.months(code, offer.fund, f"{year - 1}-12", MONTHS * years)),
                )
            )
        except PolicyError as error:
            if error.code != "prepay.history":
                raise
            refused = error.message
    sources = "；".join(f"{one.year} 年取自{one.source}" for one in spent if one is not None)
    whole = Line("历史支出合计", sources, sum(one.spent_fen for one in spent if one is not None), "", "")
    return PlanRow(
        code,
        hospital.institution_name if hospital else code,
        hospital.hospital_level if hospital else "",
        offer.fund,
        offer.fund_label,
        offer.scheme,
        cash,
        last,
        budget.core_fen if budget else 0,
        budget.reserve_fen if budget else 0,
        budget.total_fen if budget else 0,
        _instalments(policy, year, budget) if budget else (),
        (whole, *budget.steps) if budget else (),
        budget.warnings if budget else (),
        refused,
    )


def _yearly(
    policy: Policy, year: int, fund: str, spent: list[YearSpent | None], hospital: Hospital, cash: str
) -> Budget:
    # Years count backwards from the last one without a gap: an older year does not stand for a missing one.
    whole: list[YearSpent] = []
    for one in reversed(spent):
        if one is None:
            break
        whole.insert(0, one)
    history = History(
        hospital.institution_code,
        fund,
        hospital.hospital_level,
        hospital.function_type,
        tuple(one.spent_fen for one in whole),
        tuple(one.excluded_fen for one in whole),
        "；".join(one.reason for one in whole if one.reason),
    )
    return yearly_budget(policy, year, history, cash=cash, this_year_fen=history.spent_fen[-1] if whole else None)


def _instalments(policy: Policy, year: int, budget: Budget) -> tuple[Instalment, ...]:
    on = date(year, 1, 1)
    days = policy.value("prepay.dates", on, fund=budget.fund)
    try:
        dates = [date.fromisoformat(f"{year}-{day}") for day in days]
    except ValueError:
        dates = []
    if len(dates) != len(budget.instalments_fen) or dates != sorted(dates):
        raise PolicyError(
            "prepay.dates",
            f"分 {len(budget.instalments_fen)} 次拨付，拨付日期写的是 {'、'.join(days)}",
            where=f"{policy.file} parameters.prepay.dates",
            hint="每次一个日期，写成 01-15 这样的月-日，由早到晚",
        )
    recovery = recovery_of(policy, on, budget.fund)
    found: list[Instalment] = []
    for number, (day, amount) in enumerate(zip(dates, budget.instalments_fen, strict=True), start=1):
        first = None if recovery is None else month_after(f"{day:%Y-%m}", recovery.lag_months)
        found.append(Instalment(number, day, amount, first, None if recovery is None else recovery.months))
    return tuple(found)


def to_json(plan: Plan) -> str:
    """A plan as text, for the home and for machines."""
    return json.dumps(asdict(plan), ensure_ascii=False, default=str)


def from_json(text: str) -> Plan:
    """The plan that `to_json` wrote."""
    data: dict[str, Any] = json.loads(text)
    data["rows"] = tuple(_row_of(row) for row in data["rows"])
    data["offers"] = tuple(FundOffer(*one) for one in data["offers"])
    for name in ("assumed", "notes"):
        data[name] = tuple(data[name])
    return Plan(**data)


def _row_of(row: dict[str, Any]) -> PlanRow:
    instalments = tuple(
        Instalment(number, date.fromisoformat(day), amount, first, months)
        for number, day, amount, first, months in row["instalments"]
    )
    steps = tuple(Line(*one) for one in row["steps"])
    return PlanRow(**{**row, "instalments": instalments, "steps": steps, "warnings": tuple(row["warnings"])})
