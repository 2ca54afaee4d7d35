"""Clearing a year 年度清算: the ordered steps 8 to 14, balanced per hospital, fund and step (S900-01, S001-40)."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tongpin.base.digest import text_digest
from tongpin.base.errors import PolicyError
from tongpin.base.money import check_balance
from tongpin.payment.dip.values import pays_by_scores
from tongpin.payment.month.posting import REVERSAL, list_keys
from tongpin.payment.month.statement import PAY_MODE_LABELS
from tongpin.payment.policy.lookup import coded
from tongpin.payment.pricing.schema import DRG, OBSERVED
from tongpin.payment.year.case_steps import cap_high_outliers, decide_cases
from tongpin.payment.year.next_base import BASE_SCHEMA
from tongpin.payment.year.place_steps import apply_bands, assess, balance, scale_to_tier
from tongpin.payment.year.rate_step import recompute_rate
from tongpin.payment.year.scores import factors_of
from tongpin.payment.year.state import CHANGES, PLACE_SCHEMA, RATE_SCHEMA, Explained, State
from tongpin.payment.year.taken import Paid, cleared_in, paid_in_months, with_payees
from tongpin.store.digests import row_digests

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from tongpin.payment.policy.policy import Policy
    from tongpin.payment.year.rulings import Rulings


class Step(NamedTuple):
    """A step of the order C0: its number, what it is called, what it does."""

    number: int
    label: str
    run: Callable[[State], State]


STEPS: tuple[Step, ...] = (
    Step(8, "特例单议、申诉与逾期清单", decide_cases),
    Step(9, "费用极高例数上限", cap_high_outliers),
    Step(10, "费率重算", recompute_rate),
    Step(11, "层级总额调节", scale_to_tier),
    Step(12, "结余留用与超支分担", apply_bands),
    Step(13, "考核", assess),
    Step(14, "减去已拨付", balance),
)
"""The steps of the year in their order; two of them exchanged pay other money."""

CHANGED_SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in ("institution_code", "case_id", "fund", "period", "reason")),
        ("posted_fen", pa.int64()),
        ("cleared_fen", pa.int64()),
    ],
)
"""A line that the clearing pays otherwise than its month did: the pool payable posted and cleared, and why."""

REASON_SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in ("institution_code", "fund")),
        ("step", pa.int64()),
        ("place", pa.int64()),
        *((name, pa.string()) for name in ("label", "formula")),
        ("amount_fen", pa.int64()),
        *((name, pa.string()) for name in ("parameter", "source")),
    ],
)
"""Every step of every amount: label, formula, amount in fen, parameter and where it stands, or 模拟."""

READS = (
    "institution_code",
    "institution_name",
    "case_id",
    "fund",
    "period",
    "line_kind",
    "line_sign",
    "settlement_date",
    "hospital_level",
    "hospital_pay_mode",
    "pay_scope",
    "outlier_class",
    "pay_mode",
    "basic_group",
    "weight_e4",
    "coefficient_e4",
    "coefficient_parts",
    "points_e4",
    "outside_fee_fen",
    "standard_fen",
    "total_fee_fen",
    "gross_fen",
    "patient_fen",
    "other_funds_fen",
    "item_pool_fen",
    "pool_payable_fen",
    "discharge_time",
    "accepted_date",
)
"""The columns of posted lines that a clearing reads."""


@dataclass(frozen=True)
class Clearing:
    """A cleared year, balanced: places (`PLACE_SCHEMA`), lines paid otherwise, reasons, rates, notes for the clerk.

    `bases`: next year's base of each place (`BASE_SCHEMA`), where the edition states one.
    """

    year: int
    places: pa.Table
    changed: pa.Table
    reasons: pa.Table
    rates: pa.Table
    notes: tuple[str, ...]
    bases: pa.Table = field(default_factory=BASE_SCHEMA.empty_table)

    @property
    def tables(self) -> tuple[pa.Table, ...]:
        """What is kept of a clearing, in the order of `KEPT`."""
        return self.places, self.changed, self.reasons, self.rates, self.bases

    @property
    def digest(self) -> str:
        """SHA-256 over all values: equal content, equal digest."""
        rows = [row_digests(table).to_pylist() for table in self.tables]
        return text_digest([str(self.year), *(b"".join(one).hex() for one in rows)])


def clear_year(
    year: int,
    lines: pa.Table,
    statements: pa.Table,
    rulings: Rulings,
    policy: Policy,
    *,
    payees: Mapping[str, str] | None = None,
    steps: Sequence[Step] = STEPS,
) -> Clearing:
    """Clear a year from the posted lines and statements of its closed months (S900-01 steps 8-14, S001-40).

    `lines`: `LINE_SCHEMA` (the columns `READS` suffice), every line of the months of `statements`, which may be more
    months than the year's own; `payees`: the code that is paid for an institution, where it is another. Raises
    PolicyError (`policy.gap`, `clear.*`) or BalanceError; nothing is returned then.
    """
    mapped = payees or {}
    lines, statements = with_payees(lines, mapped), with_payees(statements, mapped)
    years = cleared_in(lines, policy)
    paid = paid_in_months(lines, years, statements, year)
    mine = lines if (years == year).all() else lines.filter(pa.array(years == year))
    if not mine.num_rows and not any(any(one) for one in paid.values()):
        raise PolicyError("clear.empty", f"{year} 年度没有可清算的清单", hint="先关账该年度的月份")
    state = opened(mine, paid, rulings, policy, year)
    for step in steps:
        state = step.run(state)
    clearing = closed(state, mine, year)
    check_year(clearing, state, mine)
    return clearing


def opened(lines: pa.Table, paid: Mapping[tuple[str, str], Paid], rulings: Rulings, policy: Policy, year: int) -> State:
    """The state before step 8: the lines of the year and its places, with what the months withheld and transferred."""
    on = date(year, 12, 31)
    for key in ("clearing.level", "clearing.payee"):
        policy.value(key, on)  # an edition that leaves these open is refused
    codes, funds = coded(lines["institution_code"]), coded(lines["fund"])
    pairs, of_line = np.unique(codes.codes * len(funds.values) + funds.codes, return_inverse=True)
    width = max(len(funds.values), 1)
    held = [(codes.values[pair // width], funds.values[pair % width]) for pair in pairs.tolist()]
    names = sorted({*held, *(place for place, one in paid.items() if any(one))})
    index = {name: number for number, name in enumerate(names)}
    place = np.array([index[one] for one in held], np.int64)[of_line]
    keys = list_keys(lines, "case_id")
    is_red = pc.equal(lines["line_kind"], REVERSAL)
    reversed_keys = keys.filter(is_red)
    stands = pc.and_(pc.invert(is_red), pc.invert(pc.is_in(keys, value_set=reversed_keys)))
    standing = stands.to_numpy(zero_copy_only=False)
    points = pc.fill_null(lines["points_e4"], -1).to_numpy()
    is_drg = pc.equal(lines["pay_scope"], "DRG").to_numpy()
    floors = {fund: policy.value("pool.negative", on, fund=fund) == "floor_case" for fund in {one[1] for one in names}}
    floored = np.array([floors[fund] for fund in funds.values], bool)[funds.codes]
    columns = {
        "place": place,
        "standing": standing,
        "is_drg": is_drg,
        "is_high": pc.fill_null(pc.equal(lines["outlier_class"], "HIGH"), False).to_numpy(),
        "at_standard": is_drg & pc.equal(lines["pay_mode"], "standard").to_numpy(),
        "special": np.zeros(lines.num_rows, bool),
        "floor_case": floored & is_drg,
        "basic_group": pc.fill_null(lines["basic_group"], False).to_numpy(),
        "weight_e4": _numbers(lines["weight_e4"]),
        "coefficient_e4": _numbers(lines["coefficient_e4"]),
        "points_e4": points,
        "by_points": standing & (points >= 0),
        "standard_fen": _numbers(lines["standard_fen"]),
        "outside_fen": _numbers(lines["outside_fee_fen"]),
        "fee_fen": _numbers(lines["total_fee_fen"]),
        "gross_fen": _numbers(lines["gross_fen"]),
        "patient_fen": _numbers(lines["patient_fen"]),
        "other_funds_fen": _numbers(lines["other_funds_fen"]),
        "item_pool_fen": _numbers(lines["item_pool_fen"]),
        "payable_fen": _numbers(lines["pool_payable_fen"]),
        "in_review": np.zeros(lines.num_rows, bool),
        **(factors_of(lines) if pays_by_scores(policy) else {}),
    }
    state = State(
        policy, on, columns, keys, lines["case_id"], _places(names, lines, columns, paid, policy, on, rulings), rulings
    )
    asked = list_keys(rulings.on_cases, "setl_id")
    here = set(keys.filter(pc.is_in(keys, value_set=asked)).to_pylist()) if len(asked) else set()
    lost = sum(key not in here for key in asked.to_pylist())
    return state.told(notes=(f"{lost} 项病例决定的清单不在本年度清算范围，没有处理",) if lost else ())


def _numbers(column: Any) -> Any:
    return pc.fill_null(column, 0).to_numpy().astype(np.int64)


def _places(
    names: Sequence[tuple[str, str]],
    lines: pa.Table,
    columns: Mapping[str, Any],
    paid: Mapping[tuple[str, str], Paid],
    policy: Policy,
    on: date,
    rulings: Rulings,
) -> dict[str, Any]:
    size, place = len(names), columns["place"]

    def summed(values: Any) -> Any:
        sums = np.zeros(size, np.int64)
        np.add.at(sums, place, values)
        return sums

    months = [paid.get(name, Paid()) for name in names]
    floors = np.array([one.floor_fen for one in months], np.int64)
    posted = summed(columns["payable_fen"]) + floors
    audit = np.array([one.audit_fen for one in months], np.int64)
    told = _told(lines)
    codes = np.array([name[0] for name in names], object)
    modes = [told.get(code, ("", "", DRG))[2] for code in codes]
    grades = [rulings.grades.get(code) for code in codes]
    rated = "credit.rating" in policy.edition.parameters
    found: dict[str, Any] = {
        "institution_code": codes,
        "institution_name": np.array([told.get(code, (None, "", ""))[0] or code for code in codes], object),
        "hospital_level": np.array([told.get(code, ("", "（年内无清单）", ""))[1] for code in codes], object),
        "pay_mode_label": np.array([PAY_MODE_LABELS.get(mode, mode) for mode in modes], object),
        "is_observed": np.array([mode == OBSERVED for mode in modes], bool),
        "fund": np.array([name[1] for name in names], object),
        "fund_label": np.array([policy.value("fund.label", on, fund=name[1]) for name in names], object),
        "cases": summed(columns["standing"].astype(np.int64)),
        "drg_cases": summed((columns["standing"] & columns["is_drg"]).astype(np.int64)),
        "total_weight_e4": summed(np.where(columns["standing"], columns["weight_e4"], 0)),
        "total_fee_fen": summed(columns["fee_fen"]),
        "drg_fee_fen": summed(np.where(columns["standing"] & columns["is_drg"], columns["fee_fen"], 0)),
        "item_pool_fen": summed(columns["item_pool_fen"]),
        "posted_fen": posted,
        "audit_fen": audit,
        "due_fen": posted - audit,
        "due_before_tier_fen": posted - audit,
        "near_edge": np.full(size, "", object),
        "grade": np.array([one.grade if one else None for one in grades], object),
        "grade_year": np.array([one.year if one else None for one in grades], object),
        "credit_rating": np.array(
            [policy.value("credit.rating", on, grade=one.grade) if one and rated else None for one in grades], object
        ),
        **{name: np.zeros(size, np.int64) for name in (*CHANGES, "balance_fen", "scale_e6", "band_ratio_e4")},
        **{name: np.full(size, -1, np.int64) for name in ("coefficient_e4", "score_e4")},
        **{
            name: np.array([getattr(one, name) for one in months], np.int64)
            for name in ("penalty_fen", "deposit_fen", "cash_fen", "advance_fen", "direct_drug_fen", "debt_fen")
        },
    }
    found["transferred_fen"] = found["cash_fen"] + found["advance_fen"] + found["direct_drug_fen"]
    return found


def _told(lines: pa.Table) -> dict[str, tuple[str, str, str]]:
    """Name, level and pay mode of each institution: those of its latest line."""
    names = ["institution_code", "institution_name", "hospital_level", "hospital_pay_mode"]
    codes = coded(lines["institution_code"])
    days = pc.cast(lines["settlement_date"], pa.int32()).to_numpy()
    order = np.lexsort((days, lines["line_sign"].to_numpy()))
    last = np.zeros(len(codes.values), np.int64)
    last[codes.codes[order]] = order  # of several rows of an institution the last one stays
    rows = lines.select(names).take(pa.array(last)).to_pylist() if lines.num_rows else []
    return {row["institution_code"]: tuple(row[name] for name in names[1:]) for row in rows}


_ABSENT = {"scale_e6": 0, "band_ratio_e4": 0, "coefficient_e4": -1, "score_e4": -1}
"""What a place holds where a step formed no such figure; null on paper."""


def closed(state: State, lines: pa.Table, year: int) -> Clearing:
    """The clearing that a state after its last step comes to; `lines`: those that the state was opened with."""
    places = dict(state.places) | {"surplus_fen": _surplus(state)}
    made = []
    for one in PLACE_SCHEMA:
        values = places[one.name]
        mask = values == _ABSENT[one.name] if one.name in _ABSENT else None
        plain = values.tolist() if values.dtype == object else values
        made.append(pa.array(plain, one.type) if mask is None else pa.array(plain, one.type, mask=mask))
    posted, cleared = _numbers(lines["pool_payable_fen"]), state.lines["payable_fen"]
    rows = np.flatnonzero(posted != cleared)  # in the order of the lines: institution, list, month
    chosen = lines.select(["institution_code", "case_id", "fund", "period"]).take(pa.array(rows))
    changed = pa.table(
        [
            *chosen.columns,
            pa.array([state.reasons.get(row, "费率重算") for row in rows.tolist()], pa.string()),
            pa.array(posted[rows]),
            pa.array(cleared[rows]),
        ],
        schema=CHANGED_SCHEMA,
    )
    rates = pa.Table.from_pylist(list(state.rates), schema=RATE_SCHEMA)
    return Clearing(year, pa.table(made, schema=PLACE_SCHEMA), changed, _reasons(state), rates, state.notes)


def _reasons(state: State) -> pa.Table:
    places = state.places
    opening = [
        Explained(
            place,
            7,
            "月结应付统筹",
            "全年各月入账的应付统筹（含补传、红冲、蓝补）减审核扣款",
            int(places["posted_fen"][place] - places["audit_fen"][place]),
            "",
            "",
        )
        for place in range(state.size)
    ]
    ordered = sorted([*opening, *state.explained], key=lambda one: (one.place, one.step))
    rows = [
        {
            "institution_code": places["institution_code"][one.place],
            "fund": places["fund"][one.place],
            "step": one.step,
            "place": number,
            **{name: getattr(one, name) for name in ("label", "formula", "amount_fen", "parameter", "source")},
        }
        for number, one in enumerate(ordered)
    ]
    return pa.Table.from_pylist(rows, schema=REASON_SCHEMA)


def _surplus(state: State) -> Any:
    """结余 of each place: what is due, by the base of the edition, minus the item-based pool amount (S001-46)."""
    places = state.places
    due = places["due_fen"]
    base = state.value("surplus.base")
    if base == "before_assessment":
        due = due - places["assessed_fen"]
    elif base == "after_penalty":
        due = due - places["penalty_fen"]
    return due - places["item_pool_fen"]


def check_year(clearing: Clearing, state: State, lines: pa.Table) -> None:
    """The balance assertions of a year: per hospital and fund, per fund, whole; BalanceError when one fails."""
    cleared = state.per_place(state.lines["payable_fen"])
    posted = state.per_place(_numbers(lines["pool_payable_fen"]))
    totals: dict[str, dict[str, int]] = {}
    for place, row in enumerate(clearing.places.to_pylist()):
        who = f"机构 {row['institution_code']} 基金 {row['fund']} "
        on_cases = row["decided_fen"] + row["capped_fen"] + row["rated_fen"]
        check_balance("clear.cases", f"{who}逐例清算与月结之差", int(cleared[place] - posted[place]), on_cases)
        due = row["posted_fen"] - row["audit_fen"] + sum(row[name] for name in CHANGES)
        check_balance("clear.due", f"{who}清算额与各步之和", due, row["due_fen"])
        withheld = row["audit_fen"] + row["penalty_fen"] + row["deposit_fen"] - int(state.places["debt_fen"][place])
        paid = row["cash_fen"] + row["advance_fen"] + row["direct_drug_fen"]
        check_balance("clear.transferred", f"{who}月结应付与扣留、拨付之和", row["posted_fen"], withheld + paid)
        left = row["due_fen"] - row["penalty_fen"] - row["transferred_fen"]
        check_balance("clear.balance", f"{who}补付或收回", left, row["balance_fen"])
        sums = totals.setdefault(row["fund"], dict.fromkeys(("posted_fen", "due_fen", *CHANGES), 0))
        for name in sums:
            sums[name] += row[name]
    changes = pc.subtract(clearing.changed["cleared_fen"], clearing.changed["posted_fen"])
    for fund, sums in totals.items():
        listed = pc.sum(changes.filter(pc.equal(clearing.changed["fund"], fund))).as_py() or 0
        on_cases = sums["decided_fen"] + sums["capped_fen"] + sums["rated_fen"]
        check_balance("clear.fund", f"基金 {fund} 逐例改付与各步之和", listed, on_cases)
    whole = sum(one["due_fen"] for one in totals.values())
    check_balance("clear.year", "全年清算额与各院之和", whole, pc.sum(clearing.places["due_fen"]).as_py() or 0)
