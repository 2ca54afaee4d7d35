"""Posting 入账: which lists a month pays, as regular, late, red and blue lines; a closed month never reopens."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tongpin.base.errors import PolicyError
from tongpin.payment.policy.period import beyond_deadline, case_days, cutoff_day, natural_months, posting_months
from tongpin.payment.pricing.schema import PRICED_SCHEMA
from tongpin.records.case.schema import CASE_SCHEMA
from tongpin.records.views.stay_lists import MERGED

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

    from tongpin.payment.policy.policy import Policy

REGULAR, LATE, REVERSAL, REPLACEMENT = "regular", "late", "reversal", "replacement"
LINE_KINDS: dict[str, str] = {REGULAR: "本月", LATE: "补传", REVERSAL: "红冲", REPLACEMENT: "蓝补"}

LINE_SCHEMA = pa.schema(
    [
        *(pa.field(field.name, field.type) for field in CASE_SCHEMA if field.name not in {"dx", "px"}),
        *((name, pa.string()) for name in ("status", "mdc", "adrg", "drg")),
        *PRICED_SCHEMA,
        (MERGED, pa.list_(pa.string())),
        ("line_kind", pa.string()),
        ("period", pa.string()),
        ("original_period", pa.string()),
        ("line_sign", pa.int64()),
    ],
)
"""A posted line: the case without its code lists, its price, and where it is posted.

`merged_case_ids` names the lists of one stay that the line pays together (null: the one list). `period` is
the month that pays, `original_period` the month the list belongs to (`YYYY-MM`), `line_sign` +1 or, for a
red line, −1. On a red line every amount in fen except the rate is the frozen amount negated."""

AMOUNTS: tuple[str, ...] = tuple(
    field.name for field in LINE_SCHEMA if field.name.endswith("_fen") and field.name != "rate_fen"
)

WITHDRAWAL_SCHEMA = pa.schema(
    [
        ("institution_code", pa.string()),
        ("setl_id", pa.string()),
        ("withdrawn_date", pa.date32()),
        ("successor_setl_id", pa.string()),
    ],
)
_TOLD = ("total_fee_fen", "patient_pay_fen", "pool_pay_fen", "other_fund_pay_fen", "drg", "pay_scope")
"""By what a newer version of a posted list is told from the one that was paid."""
_MONTH = re.compile(r"\d{4}-(0[1-9]|1[0-2])")
SEPARATOR = "\x1f"


class Posting(NamedTuple):
    """The lines of a month (`LINE_SCHEMA`) and what a clerk should know about those left out."""

    lines: pa.Table
    notes: tuple[str, ...]


def within_edition(lists: pa.Table, posted: pa.Table, withdrawals: pa.Table, policy: Policy) -> Posting:
    """The lists that the edition prices, with notes on those not yet posted that it does not.

    Left out are lists older than its first value, and late lists accepted after the last day on which their clearing
    year takes them (policy choices 10); a list that takes the place of a withdrawn one is no late list.
    """
    first = min(policy.breakpoints, default=None)
    days = pa.array(case_days(lists, policy.edition.edition_by.value))
    older = pc.less(days, pa.scalar(first, pa.date32()))
    left = pc.and_(older, pc.invert(is_among(list_keys(lists, "case_id"), list_keys(posted, "case_id"))))
    able = lists.filter(pc.invert(older))
    keys = list_keys(able, "case_id")
    known = pc.or_(
        is_among(keys, list_keys(posted, "case_id")), is_among(keys, list_keys(withdrawals, "successor_setl_id"))
    )
    late = pc.and_(beyond_deadline(able, policy), pc.invert(known))
    notes = {
        f"份清单早于付费办法的第一个生效日 {first}，没有费率，不入账": pc.sum(left).as_py() or 0,
        "份清单在清算年度的补传截止日之后才接收，不入账": pc.sum(late).as_py() or 0,
    }
    return Posting(able.filter(pc.invert(late)), tuple(f"{count} {why}" for why, count in notes.items() if count))


def post_month(
    month: str,
    priced: pa.Table,
    posted: pa.Table,
    withdrawals: pa.Table,
    closed_months: AbstractSet[str],
    policy: Policy,
) -> Posting:
    """The lines of `month` (S900-01 step 6, TV-P3).

    A list is posted in its posting month, or, when that month is closed without it, in this one. Withdrawn by the
    cutoff of its month and not yet posted: never posted. Withdrawn after posting: in the month of the withdrawal, or
    the first one settled after it, a red line with the frozen amounts negated, its successor a blue line. `settle.*`
    refuses a closed month, a list twice, a circle of successors.
    """
    _check_month(month, posted, closed_months)
    posted_keys = list_keys(posted, "case_id")
    effective = effective_withdrawals(month, withdrawals, posted_keys, policy)
    in_force = withdrawals.filter(effective)
    withdrawn = list_keys(in_force, "setl_id")
    awaited = list_keys(withdrawals.filter(pc.invert(effective)), "successor_setl_id")

    is_reversal = pc.equal(posted["line_kind"], REVERSAL)
    reversed_keys = posted_keys.filter(is_reversal)
    standing = pc.and_(
        pc.and_(pc.invert(is_reversal), pc.less(posted["period"], month)),
        pc.and_(is_among(posted_keys, withdrawn), pc.invert(is_among(posted_keys, reversed_keys))),
    )
    red = _red_lines(posted.filter(standing), month)

    active = priced.filter(pc.not_equal(priced["pay_scope"], "OUT"))
    keys = list_keys(active, "case_id")
    _check_once(active, keys)
    known = is_among(keys, posted_keys)
    gone = pc.and_(pc.invert(known), is_among(keys, withdrawn))
    waiting = pc.and_(pc.invert(known), is_among(keys, awaited))
    fresh_mask = pc.invert(pc.or_(pc.or_(known, gone), waiting))
    fresh, fresh_keys = active.filter(fresh_mask), keys.filter(fresh_mask)

    this = np.datetime64(month, "M")
    due = posting_months(fresh, policy)
    closed = np.array(sorted(closed_months), dtype="datetime64[M]")
    due_now = (due == this) | ((due < this) & np.isin(due, closed))
    held = np.unique(np.datetime_as_string(due[(due < this) & ~due_now]), return_counts=True)
    paid, paid_keys = fresh.filter(pa.array(due_now)), fresh_keys.filter(pa.array(due_now))
    blue = _blue_lines(paid, paid_keys, in_force, posted, posted_keys, month, policy)

    notes = (
        (priced.num_rows - active.num_rows, "份清单不在住院结算口径，不入账"),
        (pc.sum(gone).as_py() or 0, "份清单在关账前已撤销，不入账"),
        (pc.sum(waiting).as_py() or 0, "份清单等待原清单的撤销生效，留到撤销当月"),
        *((int(n), f"份清单属于尚未结算的 {name}，留在该月") for name, n in zip(*held, strict=True)),
        (
            _changed(priced, posted.filter(pc.invert(is_among(posted_keys, reversed_keys)))),
            "份已入账的清单后来有了金额、病组或付费方式不同的新版本，已入账的不动；更正请撤销原清单，以新结算号重传",
        ),
    )
    lines = pa.concat_tables([blue, red]).sort_by(
        [("institution_code", "ascending"), ("case_id", "ascending"), ("line_kind", "ascending")],
    )
    return Posting(lines.combine_chunks(), tuple(f"{count} {text}" for count, text in notes if count))


def _check_month(month: str, posted: pa.Table, closed_months: AbstractSet[str]) -> None:
    if not _MONTH.fullmatch(month):
        raise PolicyError("settle.month", f"月份“{month}”不对", hint="写成 2025-06 这样的年月")
    if month in closed_months or pc.any(pc.equal(posted["period"], month)).as_py():
        raise PolicyError(
            "settle.closed",
            f"{month} 已关账，不再重开",
            where=month,
            hint="更正请作撤销与补传：红冲、蓝补会记入第一个未关账的月份",
        )


def _check_once(cases: pa.Table, keys: Any) -> None:
    counts = pc.value_counts(keys)
    repeated = pc.greater(pc.struct_field(counts, "counts"), 1)
    twice = pc.struct_field(counts, "values").filter(repeated)
    if len(twice):
        institution, case_id = twice[0].as_py().split(SEPARATOR)
        raise PolicyError(
            "settle.twice",
            f"{len(twice)} 份清单出现两次，例如机构 {institution} 的 {case_id}",
            where="case_id",
            hint="同一机构的同一结算号只能有一个有效版本；先清理重复再结算",
        )
    if cases["case_id"].null_count:
        raise PolicyError("settle.case_id", "有清单没有结算号", where="case_id", hint="补上 setl_id")


def effective_withdrawals(month: str, withdrawals: pa.Table, posted_keys: Any, policy: Policy) -> Any:
    """Which withdrawals count for a month: of a posted list those of its days, of another those by its cutoff."""
    if withdrawals["withdrawn_date"].null_count:
        raise PolicyError(
            "settle.withdrawal",
            "有撤销登记没有日期",
            where="withdrawal.withdrawn_date",
            hint="补上撤销日期，才知道红冲记在哪个月",
        )
    last_day = (np.datetime64(month, "M") + 1).astype("datetime64[D]") - 1
    limit = pc.if_else(
        is_among(list_keys(withdrawals, "setl_id"), posted_keys),
        pa.scalar(last_day.item(), pa.date32()),
        pa.scalar(cutoff_day(month, policy), pa.date32()),
    )
    return pc.less_equal(withdrawals["withdrawn_date"], limit)


def list_keys(table: pa.Table, name: str) -> Any:
    """Institution and list id as one text: the identity of a list; without an id null, which equals nothing."""
    columns = [pc.cast(table[column], pa.string()) for column in ("institution_code", name)]
    joined = pc.binary_join_element_wise(*columns, SEPARATOR)
    return joined.combine_chunks() if isinstance(joined, pa.ChunkedArray) else joined


def is_among(keys: Any, wanted: Any) -> Any:
    """Which of the keys are wanted; a null key equals nothing."""
    return pc.is_in(keys, value_set=wanted.drop_null())


def _changed(priced: pa.Table, standing: pa.Table) -> int:
    """How many posted lists that still stand have other amounts or another group now than when they were posted."""
    row = pc.index_in(list_keys(standing, "case_id"), value_set=list_keys(priced, "case_id"))
    frozen, now = standing.filter(pc.is_valid(row)), priced.take(row.drop_null())
    same = pa.array(np.ones(frozen.num_rows, dtype=bool))
    for name in _TOLD:
        same = pc.and_(same, pc.fill_null(pc.equal(frozen[name], now[name]), fill_value=False))
    changed: int = pc.sum(pc.invert(same)).as_py() or 0
    return changed


def _aligned(table: pa.Table) -> pa.Table:
    """The table with exactly the columns of `LINE_SCHEMA`; a column an older version lacks is null."""
    held = set(table.column_names)
    columns = [
        pc.cast(table[field.name], field.type) if field.name in held else pa.nulls(table.num_rows, field.type)
        for field in LINE_SCHEMA
    ]
    return pa.table(columns, schema=LINE_SCHEMA)


def _placed(table: pa.Table, kind: Any, month: str, original: Any, sign: int) -> pa.Table:
    """The table as lines of `month`."""
    rows = table.num_rows
    placed = {
        "line_kind": kind,
        "period": pa.array([month] * rows, pa.string()),
        "original_period": original,
        "line_sign": pa.array(np.full(rows, sign, dtype=np.int64)),
    }
    kept = table.drop_columns([name for name in placed if name in table.column_names])
    for name, column in placed.items():
        kept = kept.append_column(name, column)
    return _aligned(kept)


def _red_lines(frozen: pa.Table, month: str) -> pa.Table:
    """The frozen lines with every amount negated."""
    negated = _aligned(frozen)
    for name in AMOUNTS:
        place = negated.schema.get_field_index(name)
        negated = negated.set_column(place, LINE_SCHEMA.field(name), pc.negate(negated[name]))
    kind = pa.array([REVERSAL] * frozen.num_rows, pa.string())
    return _placed(negated, kind, month, frozen["original_period"], -1)


def _blue_lines(
    paid: pa.Table,
    keys: Any,
    withdrawals: pa.Table,
    posted: pa.Table,
    posted_keys: Any,
    month: str,
    policy: Policy,
) -> pa.Table:
    """The lists paid now: blue where a posted list was withdrawn for them, else regular or late."""
    natural = pa.array(np.datetime_as_string(natural_months(paid, policy.edition.period_by.value)), pa.string())
    ancestors = pa.array(_ancestors(keys, withdrawals, posted_keys), pa.string())
    replaced = pc.index_in(ancestors, value_set=posted_keys, skip_nulls=True)
    original = pc.coalesce(pc.take(posted["original_period"], replaced), natural)
    own = pc.if_else(pc.equal(natural, month), REGULAR, LATE)
    kind = pc.if_else(pc.is_valid(replaced), REPLACEMENT, own)
    return _placed(paid, kind, month, original, 1)


def _ancestors(keys: Any, withdrawals: pa.Table, posted_keys: Any) -> list[str | None]:
    """For each list the posted list that it stands for, through withdrawn versions that were never posted."""
    old, new = list_keys(withdrawals, "setl_id").to_pylist(), list_keys(withdrawals, "successor_setl_id").to_pylist()
    before = {after: old_key for old_key, after in zip(old, new, strict=True) if after is not None}
    was_posted = set(posted_keys.filter(is_among(posted_keys, pa.array(old, pa.string()))).to_pylist())
    found: dict[str, str | None] = {}
    for start, first in before.items():
        key: str | None = first
        seen = {start}
        while key is not None and key not in was_posted:
            if key in seen:
                case_id = start.split(SEPARATOR)[1]
                raise PolicyError(
                    "settle.withdrawal",
                    f"撤销登记首尾相接：{case_id} 最终以自己为后继",
                    where="withdrawal.successor_setl_id",
                    hint="改正撤销登记：后继清单须另有结算号",
                )
            seen.add(key)
            key = before.get(key)
        found[start] = key
    return [found.get(key) for key in keys.to_pylist()] if found else [None] * len(keys)
