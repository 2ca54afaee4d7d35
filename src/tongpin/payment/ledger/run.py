"""Posting in a home 记账: a closed month is posted once, corrected only by reversal; the log of runs is chained.

A run is in force by its entry in the log, written last: what a killed run left counts for nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from tongpin.base.digest import text_digest
from tongpin.base.errors import PolicyError, StoreError
from tongpin.grouping.compiled.stage import group
from tongpin.grouping.library import open_scheme
from tongpin.payment.dip.library import open_catalogue
from tongpin.payment.dip.scheme import group_dip
from tongpin.payment.ledger.books import balances, stream_totals
from tongpin.payment.ledger.elsewhere import VISITOR_HERE, by_role, of_role
from tongpin.payment.ledger.payers import payers_of
from tongpin.payment.ledger.reconcile import Reconciled, reconcile
from tongpin.payment.ledger.vouchers import POSTING_SCHEMA, check_fund_book, reversed_postings, vouchers
from tongpin.payment.month.posting import LINE_SCHEMA
from tongpin.payment.month.run import LINES, closed_months, closed_run
from tongpin.payment.month.statement_columns import DIP
from tongpin.records.intake.load import CASES, DECISIONS, RESULTS, WITHDRAWALS, read_loaded
from tongpin.records.layouts.catalogue import layouts
from tongpin.records.views.edition import open_edition, with_code_version
from tongpin.store import lake

if TYPE_CHECKING:
    from tongpin.store.home import Home

POSTINGS, RUNS = "ledger_postings", "ledger_runs"
MONTH, BANK, REVERSAL = "month", "bank", "reversal"
BANK_LINES = layouts()["bank-line"].table

_RUN_SCHEMA = pa.schema(
    [
        ("run", pa.int64()),
        *((name, pa.string()) for name in ("kind", "month", "reason", "settlement_digest", "digest")),
        ("reverses", pa.int64()),
    ]
)
"""`kind` month | bank | reversal; `digest` over the run's postings and the digest of the run before it."""


class Posted(NamedTuple):
    """What a run posted (`POSTING_SCHEMA`), whether the month stood in the ledger before, and notes for the clerk."""

    postings: pa.Table
    was_posted: bool
    notes: tuple[str, ...]


def post_in_home(home: Home, month: str, region: str | None = None) -> Posted:
    """Post a closed month; a month that stands gives its postings back, new bank lines of it are added (S901-08).

    `region`: the division code of the 统筹区; with it the cases of visitors go to the difference account (S908-01).
    Raises StoreError `settle.open`, `ledger.digest`, PolicyError `ledger.*`, BalanceError; nothing is written then.
    """
    with home.locked():
        closed = closed_run(home, month)
        log = _log(home)
        _in_force(home, log)
        number = _next(home, log)
        was_posted = (MONTH, month) in {(row["kind"], row["month"]) for row in _standing(log)}
        # Both are made, and may be refused, before anything is written.
        bank = _new_bank_lines(home, month, log, number if was_posted else number + 1)
        notes: list[str] = []
        if not was_posted:
            made, notes = _of_month(home, closed.settlement.lines, closed.settlement.statement, number, region)
            _write(home, log, made, kind=MONTH, month=month, digest=closed.settlement.digest)
        elif region is not None:
            notes = [f"{month} 已记过账，这次没有按 --region 记异地差额；要记请先冲销"]
        if bank.num_rows:
            _write(home, log, bank, kind=BANK, month=month)
        now = _in_force(home, log)
        return Posted(now.filter(pc.equal(now["month"], month)), was_posted, tuple(notes))


def reverse_in_home(home: Home, month: str, reason: str) -> pa.Table:
    """Reverse everything that stands of a month; the month can be posted anew. Gives the opposite postings.

    PolicyError `ledger.reason` without a reason, `ledger.not_posted` when nothing of the month stands.
    """
    if not reason.strip():
        raise PolicyError("ledger.reason", "冲销没有写原因", hint="用 --reason 写明原因与文号")
    with home.locked():
        log = _log(home)
        _in_force(home, log)
        runs = [row for row in _standing(log) if row["month"] == month]
        if not runs:
            raise PolicyError(
                "ledger.not_posted", f"{month} 没有可冲销的凭证", hint=f"先运行 tongpin ledger post --month {month}"
            )
        every = _rows(home, POSTINGS, POSTING_SCHEMA)
        parts = []
        for row in reversed(runs):
            made = reversed_postings(every.filter(pc.equal(every["run"], row["run"])), _next(home, log))
            _write(home, log, made, kind=REVERSAL, month=month, reason=reason, reverses=row["run"])
            parts.append(made)
        return pa.concat_tables(parts)


class Book(NamedTuple):
    """The balances of a year, the four streams, and the months that stand in the ledger."""

    balances: pa.Table
    streams: pa.Table
    months: tuple[str, ...]
    missing_months: tuple[str, ...]


def book_in_home(home: Home, year: int) -> Book:
    """The books of a year and its four streams (S003-12, S003-18, S003-20, S003-21); unposted months are told."""
    log = _log(home)
    postings = _in_force(home, log)
    months = tuple(sorted({row["month"] for row in _standing(log) if row["kind"] == MONTH}))
    of_year = tuple(month for month in months if month.startswith(f"{year}-"))
    open_ones = sorted(m for m in closed_months(home) if m.startswith(f"{year}-") and m not in months)
    streams = stream_totals(read_loaded(home, DECISIONS), year)
    return Book(balances(postings, year), streams, of_year, tuple(open_ones))


def reconcile_in_home(home: Home, month: str) -> Reconciled:
    """HIS settlement, list, group, payment and bank of a closed month compared (S901-07); see `reconcile`."""
    closed = closed_run(home, month)
    cases = read_loaded(home, CASES)
    lists = cases.filter(pc.equal(cases["source"], "settlement_list"))
    days = pc.strftime(pc.cast(lists["settlement_date"], pa.timestamp("s")), "%Y-%m")
    lists = lists.filter(pc.fill_null(pc.equal(days, month), False))
    withdrawn = read_loaded(home, WITHDRAWALS)["setl_id"].combine_chunks()
    lists = lists.filter(pc.invert(pc.is_in(lists["case_id"], value_set=withdrawn)))
    results = read_loaded(home, RESULTS)
    results = results.filter(pc.invert(pc.is_in(results["setl_id"], value_set=withdrawn)))
    # A result may leave its institution out: then it is that of the list with its id, if there is one.
    place = pc.index_in(results["setl_id"], value_set=lists["case_id"].combine_chunks())
    institution = pc.coalesce(results["institution_code"], lists["institution_code"].take(place), pa.scalar(""))
    his = results.set_column(results.column_names.index("institution_code"), "institution_code", institution)
    his = his.append_column("case_id", results["setl_id"])
    manifest = closed.manifest
    edition = open_edition(home, manifest["area"])
    grouped = _grouped(home, manifest, with_code_version(lists, edition))
    grouped = grouped.filter(pc.equal(grouped["status"], "grouped"))
    lines = _rows(home, LINES, LINE_SCHEMA)
    posted = lines.filter(pc.is_in(lines["period"], pa.array(sorted(closed_months(home)))))
    return reconcile(month, his, lists, grouped, posted, closed.settlement.statement, _bank_lines(home, month))


def _grouped(home: Home, manifest: dict[str, Any], lists: pa.Table) -> pa.Table:
    """The lists grouped by the scheme or the catalogue of the close."""
    if manifest.get("method") == DIP:
        return group_dip(lists, open_catalogue(home, manifest["scheme"]))
    return group(lists, open_scheme(home, manifest["scheme"]))


def _of_month(
    home: Home, lines: pa.Table, statement: pa.Table, number: int, region: str | None
) -> tuple[pa.Table, list[str]]:
    """The postings of a month and the notes on them."""
    ids = pc.unique(
        pa.chunked_array([*lines["case_id"].chunks, pc.list_flatten(lines["merged_case_ids"]).combine_chunks()])
    )
    cases = read_loaded(home, CASES, ["source", "institution_code", "case_id", "payers"])
    wanted = pc.and_(pc.equal(cases["source"], "settlement_list"), pc.is_in(cases["case_id"], ids))
    payers = payers_of(lines, cases.filter(wanted))
    parts = [vouchers("statement", statement, number), vouchers("payer", payers.rows, number)]
    notes = []
    if payers.undivided_lines:
        notes.append(f"{payers.undivided_lines} 份清单的其他基金没有分户，或与入账时的合计不同，记入“其他与未分清”")
    check_fund_book(pa.concat_tables(parts), lines, payers.rows)
    if region is None:
        notes.append("没有给 --region，异地就医没有单独记账")
    else:
        treated = lines.append_column("treatment_region", pa.array([region] * lines.num_rows, pa.string()))
        parts.append(vouchers("visitor", of_role(by_role(treated, region), VISITOR_HERE), number))
    return pa.concat_tables(parts).combine_chunks(), notes


def _new_bank_lines(home: Home, month: str, log: list[dict[str, Any]], number: int) -> pa.Table:
    """The postings of bank lines of the month that are not posted yet; one that changed since is refused."""
    found = _bank_lines(home, month)
    found = found.filter(pc.equal(found["book"], "bank"))
    found = found.set_column(found.column_names.index("document"), "document", found["line_no"])
    runs = pa.array([row["run"] for row in _standing(log) if row["kind"] == BANK], pa.int64())
    held = _rows(home, POSTINGS, POSTING_SCHEMA)
    posted = held.filter(pc.and_(pc.is_in(held["run"], runs), pc.greater(held["debit_fen"], 0)))
    amounts = dict(zip(posted["document"].to_pylist(), posted["debit_fen"].to_pylist(), strict=True))
    known = pc.is_in(found["line_no"], value_set=posted["document"].combine_chunks())
    for row in found.filter(known).to_pylist():
        if amounts[row["line_no"]] != abs(row["amount_fen"]):
            raise PolicyError(
                "ledger.bank",
                f"到账流水 {row['line_no']} 记账之后改过金额",
                where="bank-line.amount",
                hint=f"先冲销 {month}（tongpin ledger reverse），再重新记账",
            )
    return vouchers("bank", found.filter(pc.invert(known)), number)


def _bank_lines(home: Home, month: str) -> pa.Table:
    found = read_loaded(home, BANK_LINES)
    return found.filter(pc.equal(found["month"], month))


def _log(home: Home) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = _rows(home, RUNS, _RUN_SCHEMA).sort_by("run").to_pylist()
    return rows


def _standing(log: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The runs that no other run reverses."""
    gone = {row["reverses"] for row in log if row["kind"] == REVERSAL}
    return [row for row in log if row["kind"] != REVERSAL and row["run"] not in gone]


def _in_force(home: Home, log: list[dict[str, Any]]) -> pa.Table:
    """The postings of all runs of the log, reversals included; StoreError when they are not what was posted."""
    every = _rows(home, POSTINGS, POSTING_SCHEMA)
    before = ""
    for row in log:
        before = _digest(before, every.filter(pc.equal(every["run"], row["run"])))
        if before != row["digest"]:
            raise StoreError(
                "ledger.digest",
                f"账簿第 {row['run']} 次记账（{row['month']}）与记账时的摘要不符",
                where=str(home.lake / POSTINGS),
                hint="凭证被改动过：请从备份恢复，不要使用",
            )
    return every.filter(pc.is_in(every["run"], pa.array([row["run"] for row in log], pa.int64())))


def _digest(before: str, postings: pa.Table) -> str:
    ordered = postings.sort_by([(name, "ascending") for name in POSTING_SCHEMA.names])
    rows = ("\x1f".join("" if value is None else str(value) for value in row.values()) for row in ordered.to_pylist())
    return text_digest([before, *rows])


def _next(home: Home, log: list[dict[str, Any]]) -> int:
    """The number of the next run; numbers that a killed run has used are not used again."""
    used = pc.max(_rows(home, POSTINGS, POSTING_SCHEMA)["run"]).as_py() or 0
    number: int = max([used, *(row["run"] for row in log)]) + 1
    return number


def _write(
    home: Home,
    log: list[dict[str, Any]],
    postings: pa.Table,
    *,
    kind: str,
    month: str,
    digest: str = "",
    reason: str = "",
    reverses: int | None = None,
) -> None:
    """Append the postings, then the entry of the log that puts them in force."""
    run = {
        "run": postings["run"][0].as_py(),
        "kind": kind,
        "month": month,
        "reason": reason,
        "settlement_digest": digest,
        "digest": _digest(log[-1]["digest"] if log else "", postings),
        "reverses": reverses,
    }
    lake.append(home, POSTINGS, postings)
    lake.append(home, RUNS, pa.Table.from_pylist([run], schema=_RUN_SCHEMA))
    log.append(run)


def _rows(home: Home, name: str, schema: pa.Schema) -> pa.Table:
    table = lake.read(home, name, schema.names)
    return schema.empty_table() if table is None else table.cast(schema)
