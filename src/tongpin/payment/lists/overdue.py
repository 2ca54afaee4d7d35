"""Overdue lists 逾期清单, and what the lists of an area were decided to be: rows for step 8 of a clearing (S901-02)."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tongpin.payment.lists.clocks import COUNTS, RESUBMISSION, UPLOAD, UPLOAD_FROM, is_stated, least_days, limit_words
from tongpin.payment.lists.editions import Editions
from tongpin.payment.lists.facts import LIST, days_of, read_facts
from tongpin.payment.lists.feedback import appeal_steps, own_results, publications
from tongpin.payment.lists.standing import months_of, standing
from tongpin.payment.lists.workdays import open_workdays
from tongpin.payment.month.closed import decisions as loaded_decisions
from tongpin.payment.month.posting import list_keys
from tongpin.payment.policy.vocabulary import BASIS_LABELS
from tongpin.records.layouts.catalogue import layout_schema

if TYPE_CHECKING:
    from collections.abc import Callable

    from tongpin.payment.lists.facts import Facts
    from tongpin.payment.policy.policy import Policy
    from tongpin.payment.policy.vocabulary import Basis
    from tongpin.store.home import Home

OVERDUE, SUBJECT = "逾期", "清单上传时限"


def standing_in_home(home: Home, area: str | None, on: date, case_id: str | None = None) -> pa.Table:
    """Every list of an area (or one alone) as it stands on a day (`STANDING_SCHEMA`), by the editions of its months."""
    facts = read_facts(home, area, case_id)
    windows = publications(home, area)
    return standing(facts, appeal_steps(home, area), windows, Editions(home, area).of, open_workdays(home), on)


def decisions(home: Home, area: str, year: int) -> pa.Table:
    """The rows of the decision layout that lists give to the clearing of a year: overdue lists, decided appeals.

    An overdue list that a loaded decision names (an exemption above all) is left to that decision; an edition that does
    not say which overdue lists count (`overdue.counts`) has none. `policy.gap` when it counts them without a limit.
    """
    parts = [_overdue_rows(home, area, year), _appeal_rows(home, area)]
    return pa.concat_tables(parts)


def _overdue_rows(home: Home, area: str, year: int) -> pa.Table:
    editions = Editions(home, area)
    closing = editions.of(f"{year}-12")
    if closing is None or COUNTS not in closing.edition.parameters:
        return layout_schema("decision").empty_table()
    facts = _suspects(read_facts(home, area, with_pages=False), editions)
    on = date(year + 1, 12, 31)
    lists = standing(facts, appeal_steps(home, area), publications(home, area), editions.of, open_workdays(home), on)
    lists = _sent(lists, year, closing)
    known = loaded_decisions(home, area)
    known = known.filter(pc.equal(known["kind"], "overdue"))
    named = pc.is_in(list_keys(lists, "case_id"), value_set=list_keys(known, "setl_id").drop_null())
    rows = [_row(one, area, year, reason) for one, reason in _counted(lists.filter(pc.invert(named)), editions.of)]
    return pa.Table.from_pylist(rows, schema=layout_schema("decision"))


def _suspects(facts: Facts, editions: Editions) -> Facts:
    """The facts with those lists alone that may be overdue: sent later than any limit allows, or once returned."""
    months = months_of(facts.units)
    least = {}
    for month in pc.unique(months).drop_null().to_pylist():
        policy = editions.of(month)
        if policy is not None and is_stated(policy, UPLOAD):
            least[month] = least_days(policy, UPLOAD)
    days = pa.array(list(least.values()), pa.int64())
    limit = days.take(pc.index_in(months, value_set=pa.array(list(least), pa.string()), skip_nulls=True))
    begins = np.fmin(days_of(facts.units["discharge_time"]), days_of(facts.units["settlement_date"]))
    waited = (days_of(facts.units["first_upload"]) - begins).astype("timedelta64[D]").astype(np.int64)
    beyond = pc.fill_null(pc.greater(pa.array(waited), limit), True)
    back = facts.receipts.filter(pc.invert(pc.fill_null(facts.receipts["accepted"], True)))
    returned = pc.is_in(list_keys(facts.units, "case_id"), value_set=list_keys(back, "setl_id").drop_null())
    return facts._replace(units=facts.units.filter(pc.or_(beyond, returned)))


def _sent(table: pa.Table, year: int, policy: Policy) -> pa.Table:
    """The sent lists of a clearing year."""
    lists = table.filter(pc.and_(pc.equal(table["source"], LIST), pc.is_valid(table["first_upload"])))
    basis = policy.edition.year_by.value
    days = lists[f"{basis}_date"]
    if basis == "accepted":
        days = pc.coalesce(days, lists["settlement_date"])
    return lists.filter(pc.fill_null(pc.equal(pc.year(days), year), False))


class Late(NamedTuple):
    """An overdue list and why, in words."""

    row: dict[str, Any]
    reason: str


def overdue_lists(home: Home, area: str, on: date, month: str | None = None) -> list[Late]:
    """The overdue lists of an area on a day, worst first, of one month or all; whatever of them is late counts.

    PolicyError `policy.gap` when the edition of a month sets no limit for the upload.
    """
    table = standing_in_home(home, area, on)
    if month is not None:
        table = table.filter(pc.equal(table["month"], month))
    editions = Editions(home, area)
    for one in pc.unique(table["month"]).drop_null().to_pylist():
        policy = editions.of(one)
        if policy is not None and not is_stated(policy, UPLOAD):
            policy.value("clock.days", date(int(one[:4]), int(one[5:]), 1), clock=UPLOAD)
    either = pc.or_(pc.greater(table["upload_over_days"], 0), pc.greater(table["resubmission_over_days"], 0))
    table = table.filter(either).sort_by([("upload_over_days", "descending"), ("resubmission_over_days", "descending")])
    return [Late(row, _words(row, editions.of(row["month"]), (UPLOAD, RESUBMISSION))) for row in table.to_pylist()]


def _counted(lists: pa.Table, policy_of: Callable[[str], Policy | None]) -> list[Late]:
    """The lists of which something is late that the edition of their month counts."""
    either = pc.or_(pc.greater(lists["upload_over_days"], 0), pc.greater(lists["resubmission_over_days"], 0))
    made = []
    for row in lists.filter(either).sort_by([("institution_code", "ascending"), ("case_id", "ascending")]).to_pylist():
        policy = policy_of(row["month"])
        if policy is None or COUNTS not in policy.edition.parameters:
            continue
        counts = policy.value(COUNTS, row["discharge_date"] or row["settlement_date"])
        reason = _words(row, policy, counts)
        if reason:
            made.append(Late(row, reason))
    return made


def _words(row: dict[str, Any], policy: Policy | None, counts: tuple[str, ...]) -> str:
    """Why a list is overdue: the limit, the last day, when it was sent, how many days later."""
    texts = []
    if UPLOAD in counts and row["upload_over_days"] and policy is not None:
        day = row["discharge_date"] or row["settlement_date"]
        basis: Basis = policy.value(UPLOAD_FROM, day) if UPLOAD_FROM in policy.edition.parameters else "discharge"
        begins = row[f"{basis}_date"] or day
        limit = limit_words(policy, UPLOAD, np.datetime64(begins))
        sent = f"{row['first_upload']} 首次上传" if row["first_upload"] else "还没有上传"
        label = BASIS_LABELS[basis].removesuffix("日期")
        texts.append(
            f"{label}（{begins}）后 {limit}内应上传，{row['upload_due']} 到期，{sent}，"
            f"超期 {row['upload_over_days']} 日"
        )
    if RESUBMISSION in counts and row["resubmission_over_days"]:
        texts.append(f"退回后重传超期 {row['resubmission_over_days']} 日")
    return "；".join(texts)


def _row(row: dict[str, Any], area: str, year: int, reason: str) -> dict[str, Any]:
    """A derived overdue decision in the columns of the layout."""
    known = {
        "institution_code": row["institution_code"],
        "kind": "overdue",
        "area": area,
        "year": year,
        "result": OVERDUE,
        "setl_id": row["case_id"],
        "subject": SUBJECT,
        "reason": reason,
        "decided_date": row["first_upload"],
        "document": "按付费办法的上传时限推出",
    }
    return {name: known.get(name) for name in layout_schema("decision").names}


def ruled_lists(home: Home, area: str) -> dict[tuple[str, str], str]:
    """What loaded decisions say about overdue lists, by institution and list: exempt, or overdue all the same."""
    known = loaded_decisions(home, area)
    rows = known.filter(pc.equal(known["kind"], "overdue")).to_pylist()
    return {(row["institution_code"], row["setl_id"]): row["result"] or OVERDUE for row in rows}


def _appeal_rows(home: Home, area: str) -> pa.Table:
    """Decided appeals of the home's own book as decisions."""
    found = own_results(home, area)
    size = found.num_rows
    same = {
        "institution_code": found["institution_code"],
        "kind": pa.array(["appeal"] * size, pa.string()),
        "area": found["area"],
        "amount_fen": found["amount_fen"],
        "result": found["result"],
        "setl_id": found["setl_id"],
        "reason": found["reason"],
        "decided_date": found["decided_on"],
        "document": found["document"],
    }
    schema = layout_schema("decision")
    columns = [pc.cast(same[one.name], one.type) if one.name in same else pa.nulls(size, one.type) for one in schema]
    return pa.table(columns, schema=schema)
