"""Posting in a home 记账: openings, closed months, clearings; each posted once, corrected only by reversal.

Everything that a command posts is made and checked before anything is written (`journal`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from tongpin.base.errors import PolicyError, StoreError
from tongpin.base.money import check_balance
from tongpin.payment.ledger import journal as book_of_runs
from tongpin.payment.ledger.accounts import fund_of, rules, streams
from tongpin.payment.ledger.alliance_run import alliances_of, moved_rows
from tongpin.payment.ledger.books import balances, stream_totals
from tongpin.payment.ledger.closing import Assertion, Records, check_closing, unpaid_notes
from tongpin.payment.ledger.elsewhere import VISITOR_HERE, by_role, of_role
from tongpin.payment.ledger.journal import open_journal
from tongpin.payment.ledger.opening import opening_postings, read_opening
from tongpin.payment.ledger.payers import payers_of
from tongpin.payment.ledger.sources import (
    ITEM_SCHEMA,
    Items,
    away_rows,
    bank_items,
    own_bills,
    own_rows,
    prepay_items,
    statement_rows,
    stream_items,
    year_rows,
)
from tongpin.payment.ledger.volume import KIND as VOLUME_KIND
from tongpin.payment.ledger.volume import VolumeLine, volume_lines
from tongpin.payment.ledger.vouchers import POSTING_SCHEMA, check_fund_book, reversed_postings, vouchers
from tongpin.payment.month.closed import area_of, closed_months, statements
from tongpin.payment.month.run import closed_run
from tongpin.payment.policy.library import open_policy, policy_named
from tongpin.payment.prepay.account import read_account
from tongpin.payment.year.letter import Apart
from tongpin.payment.year.run import CLEARING, PLACES, cleared, clearing_runs
from tongpin.payment.year.state import PLACE_SCHEMA
from tongpin.records.intake.load import CASES, DECISIONS, read_loaded
from tongpin.store import lake

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date
    from pathlib import Path

    from tongpin.payment.ledger.alliance import Alliance
    from tongpin.payment.ledger.journal import Journal
    from tongpin.store.home import Home

YEAR_END = "13"
"""The period of a year in which its clearing is posted: after December, before the next January."""


class Posted(NamedTuple):
    """What stands of a period (`POSTING_SCHEMA`), whether it stood before, the assertions that held, notes."""

    area: str
    postings: pa.Table
    was_posted: bool
    assertions: tuple[Assertion, ...]
    notes: tuple[str, ...]


def open_in_home(home: Home, path: Path, day: date, area: str | None = None) -> Posted:
    """Post the opening balances of a file as of a day, once and before the first month (see `read_opening`).

    PolicyError `ledger.opened` when the area has opening balances already, or a month not after the day stands.
    """
    found, month = read_opening(path), f"{day:%Y-%m}"
    with home.locked():
        own = _area(home, area)
        journal = open_journal(home)
        standing = journal.standing(own)
        held = [row["month"] for row in standing if row["kind"] == book_of_runs.OPENING]
        early = [row["month"] for row in standing if row["month"] <= month]
        if held or early:
            what = f"期初余额已在 {held[0]} 记过" if held else f"{min(early)} 已经记账，期初不能晚于第一个记账的月份"
            raise PolicyError(
                "ledger.opened", what, where=str(path), hint="要改期初：tongpin ledger reverse --opening，再重新记"
            )
        made = opening_postings(found, own, month, journal.next_run())
        journal.add(made, kind=book_of_runs.OPENING, area=own, month=month, subject=f"{day}")
        assertions = _closed(home, journal, own)
        journal.write()
        return Posted(own, made, False, tuple(assertions), ())


def post_in_home(home: Home, month: str, region: str | None = None, area: str | None = None) -> Posted:
    """Post a closed month; a month that stands gives its postings back, what arrived since is added (S901-08).

    Bank lines, returned money (four streams), entries of the prepayment account and bills from elsewhere follow
    whenever they arrive. `region`: the division code of the 统筹区; with it the cases of visitors go to the difference
    account and bills from elsewhere are posted (S908-01). Raises StoreError `settle.open`, `ledger.digest`, PolicyError
    `ledger.*`, BalanceError; nothing is written then.
    """
    with home.locked():
        own = _area(home, area)
        closed = closed_run(home, month, own)
        journal = open_journal(home)
        _after_opening(journal, own, month)
        was_posted = bool(journal.standing(own, month, book_of_runs.MONTH))
        notes: list[str] = []
        if not was_posted:
            made, notes = _of_month(home, closed.settlement.lines, closed.settlement.statement, region, journal, own)
            digest = closed.settlement.digest
            journal.add(
                made, kind=book_of_runs.MONTH, area=own, month=month, subject=region or "", source_digest=digest
            )
        elif region not in {None, journal.standing(own, month, book_of_runs.MONTH)[0]["subject"]}:
            notes = [f"{month} 已记过账，这次没有按 --region 记外地参保者的异地差额；要记请先冲销"]
        entries = read_account(home, own)
        for kind, items in (
            (book_of_runs.PREPAY, prepay_items(entries, month)),
            (book_of_runs.STREAM, stream_items(home, own, month)),
            (book_of_runs.BANK, bank_items(home, own, month)),
        ):
            _add_items(journal, own, month, kind, items)
            notes += items.notes
        notes += _add_away(home, journal, own, month, region)
        assertions = _closed(home, journal, own)
        notes += unpaid_notes(assertions)
        journal.write()
        return Posted(own, _period(journal, own, month), was_posted, tuple(assertions), tuple(notes))


def post_year_in_home(home: Home, year: int, area: str | None = None) -> Posted:
    """Post the clearing of a year in the period `YYYY-13`, with 集采结余留用 and alliances; a reversed one is reversed.

    PolicyError `ledger.months` when a month of the year is not posted yet; StoreError `clear.open` when the year is not
    cleared and nothing of it stands. Source: S001-40, S907-04, S917-01.
    """
    with home.locked():
        own, month = _area(home, area), f"{year}-{YEAR_END}"
        journal = open_journal(home)
        manifest = _clearing_in_force(home, year, own)
        stood = journal.standing(own, month, book_of_runs.YEAR)
        notes: list[str] = []
        if manifest is None and not stood:
            cleared(home, year, own)  # refuses, saying how to clear
        if stood and (manifest is None or stood[0]["subject"] != manifest["run"]):
            notes.append(f"清算 {stood[0]['subject']} 已撤销，它的凭证一并冲销")
            kinds = (book_of_runs.YEAR, book_of_runs.ALLIANCE)
            _reverse(journal, [row for row in journal.standing(own, month) if row["kind"] in kinds], notes[0])
            stood = []
        if manifest is not None:
            _months_posted(journal, own, year, manifest)
            run = cleared(home, year, own)
            if not stood:
                rows = year_rows(run.clearing.places, month)
                _check_debt(rows, statements(home, own, [m for m in manifest["months"] if m.startswith(f"{year}-")]))
                made = vouchers("year", rows, journal.next_run(), own)
                journal.add(
                    made,
                    kind=book_of_runs.YEAR,
                    area=own,
                    month=month,
                    subject=manifest["run"],
                    source_digest=run.clearing.digest,
                )
            if not journal.standing(own, month, book_of_runs.ALLIANCE):
                _add_alliances(journal, own, month, alliances_of(home, run, own))
            _add_items(journal, own, month, book_of_runs.VOLUME, _volume_items(home, manifest, own, month))
        assertions = _closed(home, journal, own)
        journal.write()
        return Posted(own, _period(journal, own, month), bool(stood), tuple(assertions), tuple(notes))


def reverse_in_home(home: Home, month: str | None, reason: str, area: str | None = None) -> pa.Table:
    """Reverse everything that stands of a period (`YYYY-MM`, `YYYY-13`; None: the opening); it can be posted anew.

    Gives the opposite postings. PolicyError `ledger.reason` without a reason, `ledger.not_posted` when nothing stands,
    `ledger.order` when an opening is to go while months stand.
    """
    if not reason.strip():
        raise PolicyError("ledger.reason", "冲销没有写原因", hint="用 --reason 写明原因与文号")
    with home.locked():
        own = _area(home, area)
        journal = open_journal(home)
        is_opening = month is None
        standing = journal.standing(own)
        runs = [
            row
            for row in standing
            if (row["kind"] == book_of_runs.OPENING) is is_opening and (is_opening or row["month"] == month)
        ]
        if not runs:
            raise PolicyError(
                "ledger.not_posted",
                f"{month or '期初'} 没有可冲销的凭证",
                hint="先运行 tongpin ledger post（期初为 tongpin ledger open）",
            )
        if is_opening and len(standing) > len(runs):
            raise PolicyError("ledger.order", "期初之后已经记账", hint="先由近及远冲销各月")
        made = _reverse(journal, runs, reason)
        _closed(home, journal, own)
        journal.write()
        return made


class Book(NamedTuple):
    """The balances of a year, the four streams, 集采结余留用, the assertions, and the months that stand."""

    area: str
    balances: pa.Table
    streams: pa.Table
    volume: tuple[VolumeLine, ...]
    assertions: tuple[Assertion, ...]
    months: tuple[str, ...]
    missing_months: tuple[str, ...]
    clearing: str
    notes: tuple[str, ...]


def book_in_home(home: Home, year: int, area: str | None = None) -> Book:
    """The books of a year and its four streams (S003-12, S003-18, S003-20, S003-21); what is not posted is told."""
    own = _area(home, area)
    journal = open_journal(home)
    months = tuple(sorted({row["month"] for row in journal.standing(own, kind=book_of_runs.MONTH)}))
    of_year = tuple(month for month in months if month.startswith(f"{year}-"))
    opened = max((row["month"] for row in journal.standing(own, kind=book_of_runs.OPENING)), default="")
    closed = closed_months(home, own)
    missing = tuple(m for m in sorted(closed) if m.startswith(f"{year}-") and m not in months and m > opened)
    decisions = own_rows(home, DECISIONS, own, list(streams()))
    manifest = _clearing_in_force(home, year, own)
    stood = journal.standing(own, f"{year}-{YEAR_END}", book_of_runs.YEAR)
    notes = []
    if manifest is not None and not (stood and stood[0]["subject"] == manifest["run"]):
        notes.append(f"{year} 年度清算 {manifest['run']} 还没有记账：tongpin ledger post --year {year}")
    volume = () if manifest is None else _volume(home, manifest, own)
    assertions = _closed(home, journal, own)
    return Book(
        own,
        balances(journal.of_area(own), year),
        stream_totals(decisions, year),
        volume,
        tuple(assertions),
        of_year,
        missing,
        stood[0]["subject"] if stood else "",
        (*notes, *unpaid_notes(assertions)),
    )


def _area(home: Home, area: str | None) -> str:
    """The area whose books are meant; StoreError `settle.open` when no month is closed."""
    own = area_of(home, area)
    if own is None:
        raise StoreError(
            "settle.open", "还没有关账的月份", where=str(home.root), hint="先运行 tongpin settle --month 月份"
        )
    return own


def _after_opening(journal: Journal, area: str, month: str) -> None:
    for row in journal.standing(area, kind=book_of_runs.OPENING):
        if month <= row["month"]:
            raise PolicyError(
                "ledger.before_opening",
                f"{month} 在期初（{row['subject']}）之前，已包含在期初余额里",
                hint="只记期初以后的月份",
            )


def _period(journal: Journal, area: str, month: str) -> pa.Table:
    """What stands of a period: every run that no reversal has taken back."""
    return journal.of_runs({row["run"] for row in journal.standing(area, month)})


def _closed(home: Home, journal: Journal, area: str) -> list[Assertion]:
    """The assertions over all that stands of an area, what waits to be written included."""
    standing = journal.standing(area)
    months = [row["month"] for row in standing if row["kind"] == book_of_runs.MONTH]
    years = [row["subject"] for row in standing if row["kind"] == book_of_runs.YEAR]
    found = lake.read(home, PLACES, where=("run", pa.array(years, pa.string()))) if years else None
    places = PLACE_SCHEMA.empty_table() if found is None else found.select(PLACE_SCHEMA.names).cast(PLACE_SCHEMA)
    runs = {row["run"] for row in standing if row["kind"] == book_of_runs.PREPAY}
    booked = set(journal.of_runs(runs)["document"].to_pylist())
    entries = [one for one in read_account(home, area) if one.entry_id in booked]
    return check_closing(journal.of_area(area), Records(statements(home, area, months), places, entries))


def _of_month(
    home: Home, lines: pa.Table, statement: pa.Table, region: str | None, journal: Journal, area: str
) -> tuple[pa.Table, list[str]]:
    """The postings of a month and the notes on them."""
    ids = pc.unique(
        pa.chunked_array([*lines["case_id"].chunks, pc.list_flatten(lines["merged_case_ids"]).combine_chunks()])
    )
    cases = read_loaded(home, CASES, ["source", "institution_code", "case_id", "payers"])
    wanted = pc.and_(pc.equal(cases["source"], "settlement_list"), pc.is_in(cases["case_id"], ids))
    payers = payers_of(lines, cases.filter(wanted))
    owner = (journal.next_run(), area)
    parts = [vouchers("statement", statement_rows(statement), *owner), vouchers("payer", payers.rows, *owner)]
    notes = []
    if payers.undivided_lines:
        notes.append(f"{payers.undivided_lines} 份清单的其他基金没有分户，或与入账时的合计不同，记入“其他与未分清”")
    check_fund_book(pa.concat_tables(parts), lines, payers.rows)
    if region is None:
        notes.append("没有给 --region，异地就医没有单独记账")
    else:
        treated = lines.append_column("treatment_region", pa.array([region] * lines.num_rows, pa.string()))
        visitors = of_role(by_role(treated, region), VISITOR_HERE)
        parts.append(vouchers("visitor", visitors.append_column("document", visitors["region"]), *owner))
    return pa.concat_tables(parts).combine_chunks(), notes


def _add_items(journal: Journal, area: str, month: str, kind: str, items: Items) -> None:
    """Let those of the rows wait that are not posted yet; one that changed, or is gone, since then is refused."""
    runs = {row["run"] for row in journal.standing(area, month, kind)}
    held: dict[tuple[str, str, str], tuple[str, int]] = {}
    for row in journal.of_runs(runs).to_pylist():
        key = (row["institution_code"], row["fund"], row["document"])
        held[key] = (row["event"], row["debit_fen"] + row["credit_fen"])
    events = {rule.purpose: rule.event for rule in rules(kind)}
    fresh = []
    for row in items.rows.to_pylist():
        key = (row["institution_code"], fund_of(row["fund"]).code, row["document"])
        if key not in held:
            fresh.append(row)
        elif held.pop(key) != (events.get(row["purpose"]), abs(row["amount_fen"])):
            raise _changed(kind, row["document"], month, "记账之后改过金额或用途")
    if held:
        raise _changed(kind, min(held)[2], month, "记账之后不见了，或改了机构、基金")
    made = vouchers(kind, pa.Table.from_pylist(fresh, schema=ITEM_SCHEMA), journal.next_run(), area)
    if made.num_rows:
        journal.add(made, kind=kind, area=area, month=month)


_ITEM_LABELS = {
    book_of_runs.BANK: "到账流水",
    book_of_runs.STREAM: "退回",
    book_of_runs.PREPAY: "预付金",
    book_of_runs.VOLUME: "集采结余留用",
}


def _changed(kind: str, document: str, month: str, what: str) -> PolicyError:
    period = f"--year {month[:4]}" if month.endswith(f"-{YEAR_END}") else f"--month {month}"
    return PolicyError(
        "ledger.item",
        f"{_ITEM_LABELS[kind]} {document} {what}",
        where=month,
        hint=f"先冲销（tongpin ledger reverse {period} --reason 原因），再重新记账",
    )


def _add_away(home: Home, journal: Journal, area: str, month: str, region: str | None) -> list[str]:
    """Let what bills from elsewhere add to their month wait."""
    bills = own_bills(home, area, month)
    if region is None:
        return [f"{month} 有 {bills.num_rows} 份异地账单，没有给 --region，没有记账"] if bills.num_rows else []
    posted = journal.of_runs({row["run"] for row in journal.standing(area, month, book_of_runs.AWAY)})
    made = vouchers("away", away_rows(bills, region, posted), journal.next_run(), area)
    if made.num_rows:
        journal.add(made, kind=book_of_runs.AWAY, area=area, month=month)
    return []


def _reverse(journal: Journal, runs: Sequence[Mapping[str, Any]], reason: str) -> pa.Table:
    """Let the opposite of runs wait, the last one first; gives it."""
    parts = [POSTING_SCHEMA.empty_table()]
    for row in sorted(runs, key=lambda row: -row["run"]):
        made = reversed_postings(journal.of_runs({row["run"]}), journal.next_run())
        place = {name: row[name] for name in ("area", "month")}
        journal.add(made, kind=book_of_runs.REVERSAL, **place, reason=reason, reverses=row["run"])
        parts.append(made)
    return pa.concat_tables(parts)


def _clearing_in_force(home: Home, year: int, area: str) -> dict[str, Any] | None:
    """The manifest of the clearing of a year that no reversal has taken back."""
    runs = [run for run in clearing_runs(home, area) if run["year"] == year]
    return runs[-1] if runs and runs[-1]["kind"] == CLEARING else None


def _months_posted(journal: Journal, area: str, year: int, manifest: Mapping[str, Any]) -> None:
    opened = max((row["month"] for row in journal.standing(area, kind=book_of_runs.OPENING)), default="")
    held = {row["month"] for row in journal.standing(area, kind=book_of_runs.MONTH)}
    open_ones = [m for m in sorted(manifest["months"]) if m.startswith(f"{year}-") and m not in held and m > opened]
    if open_ones:
        raise PolicyError(
            "ledger.months",
            f"{year} 年还有 {len(open_ones)} 个月没有记账，例如 {open_ones[0]}",
            hint=f"先逐月运行 tongpin ledger post --month {open_ones[0]}",
        )


def _check_debt(rows: pa.Table, months: pa.Table) -> None:
    """The debts that a clearing takes back are those that its months left open, fund by fund."""
    said: dict[str, int] = {}
    for row in months.select(["fund", "debt_fen", "carried_debt_fen"]).to_pylist():
        said[row["fund"]] = said.get(row["fund"], 0) + row["debt_fen"] - row["carried_debt_fen"]
    held: dict[str, int] = {}
    for row in rows.select(["fund", "debt_fen"]).to_pylist():
        held[row["fund"]] = held.get(row["fund"], 0) + row["debt_fen"]
    for fund in sorted({*said, *held}):
        check_balance(
            "ledger.debt", f"{fund_of(fund).label}清算扣回的欠款与各月欠款", held.get(fund, 0), said.get(fund, 0)
        )


def _add_alliances(journal: Journal, area: str, month: str, alliances: Sequence[Alliance]) -> None:
    run = journal.next_run()
    parts = [vouchers(source, rows, run, area) for source, rows in moved_rows(alliances, month).items()]
    made = pa.concat_tables([POSTING_SCHEMA.empty_table(), *parts]).combine_chunks()
    if made.num_rows:
        journal.add(made, kind=book_of_runs.ALLIANCE, area=area, month=month)


def _volume(home: Home, manifest: Mapping[str, Any], area: str) -> tuple[VolumeLine, ...]:
    policy = policy_named(home, manifest["policy"])
    return tuple(volume_lines(own_rows(home, DECISIONS, area, [VOLUME_KIND]), policy, manifest["year"]))


def _volume_items(home: Home, manifest: Mapping[str, Any], area: str, month: str) -> Items:
    rows = [
        {
            "month": month,
            "institution_code": one.institution_code,
            "fund": one.fund,
            "purpose": "",
            "document": one.key,
            "amount_fen": one.amount_fen,
        }
        for one in _volume(home, manifest, area)
        if one.amount_fen
    ]
    return Items(pa.Table.from_pylist(rows, schema=ITEM_SCHEMA))


def apart_in_home(home: Home, year: int, area: str | None = None) -> list[Apart]:
    """The lines 集采结余留用 that the 清算书 of a year shows apart from the clearing (S907-04)."""
    own = _area(home, area)
    policy = open_policy(home, own, f"{year}-12")
    lines = volume_lines(own_rows(home, DECISIONS, own, [VOLUME_KIND]), policy, year)
    return [
        Apart(one.institution_code, f"集采结余留用（{label}）", one.formula, one.amount_fen, one.source)
        for one, label in ((one, fund_of(one.fund).label) for one in lines)
    ]
