"""月度支付情况表: steps 6 and 7 of the order C0, per hospital and fund, closed by balance assertions (S004-12)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import narwhals as nw
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tongpin.base.digest import text_digest
from tongpin.base.errors import PolicyError
from tongpin.base.money import SCALE, check_balance, round_half_up_column
from tongpin.payment.dip.values import takes_deposit
from tongpin.payment.month.floor import month_floors
from tongpin.payment.month.posting import LATE, REGULAR, REPLACEMENT, REVERSAL, post_month
from tongpin.payment.month.transfer import transferred
from tongpin.payment.policy.lookup import Lookup, coded
from tongpin.payment.pricing.schema import DRG, OBSERVED

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

    from tongpin.payment.policy.policy import Policy

DECISION_KINDS: dict[str, str] = {
    "audit_deduction": "审核扣款",
    "penalty": "违约金",
    "carried_debt": "以前月份结转的欠款",
    "instant_advance": "即时结算预拨",
    "prepay_offset": "冲抵预付金",
    "direct_drug": "代付货款",
}
DECISION_SCHEMA = pa.schema(
    [
        ("institution_code", pa.string()),
        ("fund", pa.string()),
        ("month", pa.string()),
        ("kind", pa.string()),
        ("amount_fen", pa.int64()),
    ],
)
"""What a decision table must hold; more columns (decided_date, document) may follow. Amounts > 0 lower the transfer."""

PAY_MODE_LABELS: dict[str, str] = {DRG: "按病组付费", OBSERVED: "观察点"}
"""What a statement calls the pay mode of a hospital (S004-01)."""

_KEYS = ("institution_code", "fund")
_REGULAR_SUMS = (
    "total_fee_fen",
    "gross_fen",
    "patient_fen",
    "other_funds_fen",
    "floored_fen",
    "item_pool_fen",
    "pool_payable_fen",
    "result_fen",
)
_COUNTS = ("cases", "drg_cases", "ungrouped_cases", "high_cases", "low_cases")
_ADJUSTMENTS = (LATE, REVERSAL, REPLACEMENT)
_ADJUSTED_SUMS = ("item_pool_fen", "pool_payable_fen", "result_fen")
_GROUPED = "grouped_payable_fen"
"""The pool payable of the month's lines paid by their group, which a deposit may be limited to."""
_CLAIMS = tuple(f"{kind}_fen" for kind in DECISION_KINDS)

STATEMENT_SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in ("month", "institution_code", "institution_name", "hospital_level")),
        ("pay_mode_label", pa.string()),
        ("fund", pa.string()),
        ("fund_label", pa.string()),
        *((name, pa.int64()) for name in _COUNTS),
        ("total_weight_e4", pa.int64()),
        ("cmi_e4", pa.int64()),
        *((name, pa.int64()) for name in _REGULAR_SUMS),
        ("settlement_ratio", pa.float64()),
        *(
            (f"{kind}_{name}", pa.int64())
            for kind in _ADJUSTMENTS
            for name in ("cases", "item_pool_fen", "pool_payable_fen", "result_fen")
        ),
        *((f"month_{name}", pa.int64()) for name in _ADJUSTED_SUMS),
        ("month_floored_fen", pa.int64()),
        ("floor_recovered_fen", pa.int64()),
        *((name, pa.int64()) for name in _CLAIMS),
        ("deposit_fen", pa.int64()),
        ("debt_fen", pa.int64()),
        ("waiting_fen", pa.int64()),
        ("cash_transfer_fen", pa.int64()),
    ],
)
"""One row per hospital and fund. Unprefixed counts and amounts: regular lists of the month; `late_`, `reversal_`,
`replacement_`: the lines of their own; `month_`: all of them; what `floor_month` adds and takes back; step 7, where
`debt_fen` is carried to the next month, `waiting_fen` stays on its account. `settlement_ratio` = pool payable / pool by
item of the regular lists (0-1, null without a base, for an observed hospital), `cmi_e4` null without DRG cases."""


@dataclass(frozen=True)
class MonthSettlement:
    """A month, balanced: its lines (`LINE_SCHEMA`), its statement (`STATEMENT_SCHEMA`) and notes for the clerk."""

    month: str
    lines: pa.Table
    statement: pa.Table
    notes: tuple[str, ...]

    @property
    def digest(self) -> str:
        """SHA-256 over the sorted values of lines and statement: equal content, equal digest."""
        return text_digest([self.month, *_values(self.lines), *_values(self.statement)])


def settle_month(
    month: str,
    priced: pa.Table,
    posted: pa.Table,
    withdrawals: pa.Table,
    decisions: pa.Table,
    closed_months: AbstractSet[str],
    policy: Policy,
) -> MonthSettlement:
    """Settle `month` (`YYYY-MM`): post its lines, sum them per hospital and fund, and take step 7 from the payable.

    `priced`: priced lists not withdrawn by the cutoff of an earlier month, of any month; `posted`: lines of earlier
    settlements (`LINE_SCHEMA`); `withdrawals`, `decisions`: see their schemas. Raises PolicyError (`settle.*`,
    `policy.*`) or BalanceError; nothing is returned then. Source: S004-12, S900-01, TV-P3, TV-P14.
    """
    posting = post_month(month, priced, posted, withdrawals, closed_months, policy)
    statement = _statement(month, posting.lines, posted, decisions, policy)
    check_month(posting.lines, statement)
    negative = statement.filter(pc.less(statement["cash_transfer_fen"], 0)).num_rows
    notes = [*posting.notes, *_observed_note(posting.lines)]
    if negative:
        notes.append(f"{negative} 个机构的一项基金应拨为负，按托收处理")
    return MonthSettlement(month, posting.lines, statement, tuple(notes))


def _observed_note(lines: pa.Table) -> list[str]:
    """How many hospitals are only observed, where there are any."""
    observed = lines.filter(pc.equal(lines["hospital_pay_mode"], OBSERVED))
    if not observed.num_rows:
        return []
    count = pc.count_distinct(observed["institution_code"]).as_py()
    return [f"{count} 家观察点的 {observed.num_rows} 份清单只分组、按项目支付，合计的结付率含这一部分"]


def _statement(month: str, lines: pa.Table, posted: pa.Table, decisions: pa.Table, policy: Policy) -> pa.Table:
    parts = pa.concat_tables([line_parts(lines), _decision_parts(month, decisions)], promote_options="default")
    sums = [name for name in parts.column_names if name not in _KEYS]
    grouped = (
        nw.from_native(parts, eager_only=True)
        .with_columns(nw.col(*sums).fill_null(0))
        .group_by(*_KEYS)
        .agg(nw.col(*sums).sum())
        .sort(*_KEYS)
        .to_native()
    )
    columns = {name: grouped[name] for name in grouped.column_names}
    columns |= _described(grouped, lines)
    columns["month"] = pa.array([month] * grouped.num_rows, pa.string())
    floors = month_floors(month, grouped, posted, policy)
    columns |= {"month_floored_fen": floors.floored_fen, "floor_recovered_fen": floors.recovered_fen}
    for name in ("month_floored_fen", "floor_recovered_fen"):
        grouped = grouped.append_column(name, columns[name])
    columns |= _closing(month, grouped, pc.equal(columns["pay_mode_label"], PAY_MODE_LABELS[OBSERVED]), policy)
    return pa.table([pc.cast(columns[field.name], field.type) for field in STATEMENT_SCHEMA], schema=STATEMENT_SCHEMA)


def line_parts(lines: pa.Table) -> pa.Table:
    """Every line as the additive parts of its row of the statement; whoever sums them by department gets its rows."""
    kind = lines["line_kind"]
    regular = pc.cast(pc.equal(kind, REGULAR), pa.int64())
    is_drg = pc.equal(lines["pay_scope"], "DRG")

    def counted(mask: Any) -> Any:
        return pc.multiply(regular, pc.cast(pc.fill_null(mask, fill_value=False), pa.int64()))

    parts: dict[str, Any] = {name: lines[name] for name in _KEYS}
    parts["cases"] = regular
    parts["drg_cases"] = counted(is_drg)
    parts["ungrouped_cases"] = counted(pc.not_equal(lines["status"], "grouped"))
    parts["high_cases"] = counted(pc.equal(lines["outlier_class"], "HIGH"))
    parts["low_cases"] = counted(pc.equal(lines["outlier_class"], "LOW"))
    parts["total_weight_e4"] = pc.multiply(regular, pc.fill_null(lines["weight_e4"], 0))
    for name in _REGULAR_SUMS:
        parts[name] = pc.multiply(regular, lines[name])
    for adjustment in _ADJUSTMENTS:
        chosen = pc.cast(pc.equal(kind, adjustment), pa.int64())
        parts[f"{adjustment}_cases"] = chosen
        for name in _ADJUSTED_SUMS:
            parts[f"{adjustment}_{name}"] = pc.multiply(chosen, lines[name])
    for name in _ADJUSTED_SUMS:
        parts[f"month_{name}"] = lines[name]
    parts[_GROUPED] = pc.multiply(lines["pool_payable_fen"], pc.cast(is_drg, pa.int64()))
    return pa.table(parts)


def _decision_parts(month: str, decisions: pa.Table) -> pa.Table:
    """The decisions of the month as parts, one column per kind of claim."""
    due = decisions.filter(pc.equal(decisions["month"], month))
    unknown = pc.unique(due["kind"].filter(pc.invert(pc.is_in(due["kind"], pa.array(list(DECISION_KINDS))))))
    incomplete = sum(due[name].null_count for name in DECISION_SCHEMA.names)
    if len(unknown) or incomplete:
        what = f"不认识的决定种类 {unknown[0].as_py()}" if len(unknown) else "有决定缺少机构、基金、种类或金额"
        raise PolicyError(
            "settle.decision",
            what,
            where=f"decision {month}",
            hint=f"可用的种类：{'、'.join(DECISION_KINDS)}；各栏须填全",
        )
    parts: dict[str, Any] = {name: due[name] for name in _KEYS}
    for kind in DECISION_KINDS:
        chosen = pc.cast(pc.equal(due["kind"], kind), pa.int64())
        parts[f"{kind}_fen"] = pc.multiply(chosen, due["amount_fen"])
    return pa.table(parts)


def _described(grouped: pa.Table, lines: pa.Table) -> dict[str, Any]:
    """Name, level and pay mode of each row's hospital: those of its latest line of the month."""
    told = ["institution_name", "hospital_level", "hospital_pay_mode"]
    latest = (
        lines.select(["institution_code", *told, "settlement_date", "line_sign"])
        .sort_by([("line_sign", "ascending"), ("settlement_date", "ascending")])
        .group_by("institution_code", use_threads=False)
        .aggregate([(name, "last") for name in told])
    )
    labels = pc.index_in(latest["hospital_pay_mode_last"], value_set=pa.array(list(PAY_MODE_LABELS)))
    labels = pa.array(list(PAY_MODE_LABELS.values())).take(labels)
    place = pc.index_in(grouped["institution_code"], value_set=latest["institution_code"])
    return {
        "institution_name": pc.coalesce(pc.take(latest["institution_name_last"], place), grouped["institution_code"]),
        "hospital_level": pc.coalesce(pc.take(latest["hospital_level_last"], place), pa.scalar("（本月无清单）")),
        "pay_mode_label": pc.take(labels, place),
    }


def _closing(month: str, grouped: pa.Table, is_observed: Any, policy: Policy) -> dict[str, Any]:
    """Step 7 and the ratios, formed once from the exact sums."""
    days = np.full(grouped.num_rows, np.datetime64(month, "D"))
    lookup = Lookup(policy, days, grouped["institution_code"], {"fund": coded(grouped["fund"])})
    sums = {name: grouped[name].to_numpy() for name in grouped.column_names if name not in _KEYS}
    payable = sums["month_pool_payable_fen"] + sums["month_floored_fen"] - sums["floor_recovered_fen"]
    base_choice = lookup.texts("deposit.base")
    whole = np.where(lookup.texts("deposit.covers") == "grouped", sums[_GROUPED], payable)
    after_audit = whole - sums["audit_deduction_fen"]
    base = np.select(
        [base_choice == "payable", base_choice == "after_audit"],
        [whole, after_audit],
        after_audit - sums["penalty_fen"],
    )
    unit = lookup.numbers("rounding.deposit")
    first_day = np.datetime64(month, "D").item()
    ratio_e4 = lookup.scaled("deposit.ratio") if takes_deposit(policy, first_day) else 0
    deposit = round_half_up_column(base * ratio_e4, SCALE * unit) * unit
    lookup.texts("transfer.negative")  # an edition that leaves a negative transfer open is refused
    claims = {"deposit": deposit, **{kind: sums[f"{kind}_fen"] for kind in DECISION_KINDS}}
    transfers = [
        transferred(int(payable[row]), {kind: int(claims[kind][row]) for kind in claims}, policy, first_day)
        for row in range(grouped.num_rows)
    ]

    weight, drg_cases, pool = sums["total_weight_e4"], sums["drg_cases"], sums["item_pool_fen"]
    observed = pc.fill_null(is_observed, False).to_numpy()
    ratio = sums["pool_payable_fen"] / np.where(pool > 0, pool, 1)
    return {
        "fund_label": pa.array(lookup.texts("fund.label"), pa.string()),
        "cmi_e4": pa.array(round_half_up_column(weight, np.maximum(drg_cases, 1)), mask=drg_cases == 0),
        "settlement_ratio": pa.array(ratio, mask=(pool <= 0) | observed),
        "deposit_fen": pa.array(deposit),
        "debt_fen": pa.array([one.debt_fen for one in transfers], pa.int64()),
        "waiting_fen": pa.array([one.waiting_fen for one in transfers], pa.int64()),
        "cash_transfer_fen": pa.array([one.cash_fen for one in transfers], pa.int64()),
    }


def check_month(lines: pa.Table, statement: pa.Table) -> None:
    """The balance assertions of a month: per case, hospital and fund, fund, month; BalanceError when one fails."""
    _check_cases(lines)
    totals = lines.group_by(list(_KEYS)).aggregate([(name, "sum") for name in _ADJUSTED_SUMS])
    by_place = {(row["institution_code"], row["fund"]): row for row in totals.to_pylist()}
    nothing = dict.fromkeys((f"{name}_sum" for name in _ADJUSTED_SUMS), 0)
    by_fund: dict[str, dict[str, int]] = {}
    for row in statement.to_pylist():
        who = f"机构 {row['institution_code']} 基金 {row['fund']} "
        held = by_place.pop((row["institution_code"], row["fund"]), nothing)
        fund = by_fund.setdefault(row["fund"], dict.fromkeys(_ADJUSTED_SUMS, 0))
        for name in _ADJUSTED_SUMS:
            total = row[f"month_{name}"]
            check_balance("settle.hospital", f"{who}{name} 表与明细", total, held[f"{name}_sum"])
            parts = row[name] + sum(row[f"{kind}_{name}"] for kind in _ADJUSTMENTS)
            check_balance("settle.parts", f"{who}{name} 本月、补传、红冲、蓝补之和", parts, total)
            fund[name] += total
        patient_and_others = row["patient_fen"] + row["other_funds_fen"]
        payable = row["gross_fen"] - patient_and_others + row["floored_fen"]
        check_balance("settle.payable", f"{who}应付总额减个人与其他基金", payable, row["pool_payable_fen"])
        payers = patient_and_others + row["item_pool_fen"]
        check_balance("settle.payers", f"{who}总费用与各付费方之和", row["total_fee_fen"], payers)
        check_balance(
            "settle.result",
            f"{who}统筹应付减按项目统筹与盈亏",
            row["month_pool_payable_fen"] - row["month_item_pool_fen"],
            row["month_result_fen"],
        )
        claims = row["deposit_fen"] + row["cash_transfer_fen"] + sum(row[name] for name in _CLAIMS)
        due = row["month_pool_payable_fen"] + row["month_floored_fen"] - row["floor_recovered_fen"]
        owed = due + row["debt_fen"] + row["waiting_fen"]
        check_balance("settle.transfer", f"{who}应付与扣减、拨付之和", owed, claims)
    for (institution, fund_code), held in by_place.items():
        for name in _ADJUSTED_SUMS:
            what = f"机构 {institution} 基金 {fund_code} 不在表中，{name} "
            check_balance("settle.hospital", what, 0, held[f"{name}_sum"])
    for name in _ADJUSTED_SUMS:
        for fund_code, sums in by_fund.items():
            held_lines = pc.sum(lines[name].filter(pc.equal(lines["fund"], fund_code))).as_py() or 0
            check_balance("settle.fund", f"基金 {fund_code} {name} 表与明细", sums[name], held_lines)
        whole = sum(sums[name] for sums in by_fund.values())
        check_balance("settle.month", f"全月 {name} 表与明细", whole, pc.sum(lines[name]).as_py() or 0)


def _check_cases(lines: pa.Table) -> None:
    """Each line by itself: payers sum to the fee, payable and result follow from the gross."""
    amount = {name: lines[name].to_numpy() for name in (*_REGULAR_SUMS,)}
    standard = pc.fill_null(lines["standard_fen"], 0).to_numpy() + lines["outside_fee_fen"].to_numpy()
    at_standard = pc.equal(lines["pay_mode"], "standard").to_numpy()
    patient_and_others = amount["patient_fen"] + amount["other_funds_fen"]
    for what, left, right in (
        ("总费用与各付费方之和", amount["total_fee_fen"], patient_and_others + amount["item_pool_fen"]),
        (
            "统筹应付",
            amount["pool_payable_fen"],
            amount["gross_fen"] - patient_and_others + amount["floored_fen"],
        ),
        ("盈亏", amount["result_fen"], amount["pool_payable_fen"] - amount["item_pool_fen"]),
        ("按标准支付", np.where(at_standard, amount["gross_fen"], 0), np.where(at_standard, standard, 0)),
    ):
        wrong = np.flatnonzero(left != right)
        if len(wrong):
            row = int(wrong[0])
            case = f"病例 {lines['case_id'][row].as_py()} {what}（共 {len(wrong)} 行）"
            check_balance("settle.case", case, int(left[row]), int(right[row]))


def _values(table: pa.Table) -> list[str]:
    """The values of a table as framed texts, column by column, rows in a fixed order."""
    names = [name for name in ("institution_code", "case_id", "fund", "line_kind") if name in table.column_names]
    ordered = table.sort_by([(name, "ascending") for name in names])
    texts: list[str] = []
    for name in sorted(ordered.column_names):
        plain = (
            pc.binary_join(ordered[name], ",") if pa.types.is_list(ordered.schema.field(name).type) else ordered[name]
        )
        column = pc.cast(plain, pa.large_string()).combine_chunks()
        sizes = pc.cast(pc.binary_length(column), pa.large_string())
        framed = pc.fill_null(pc.binary_join_element_wise(sizes, column, pa.scalar(":", pa.large_string())), "-")
        row = pa.LargeListArray.from_arrays(pa.array([0, len(framed)], pa.int64()), framed)
        texts += [name, pc.binary_join(row, pa.scalar(",", pa.large_string()))[0].as_py()]
    return texts
