"""Money 清算、预付、账簿、对账: lists of what the payment rooms closed, booked and compared."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from tongpin.base.errors import TongpinError
from tongpin.payment.ledger.accounts import accounts, books, fund_of, rules, sources
from tongpin.payment.ledger.journal import open_journal
from tongpin.payment.ledger.reconcile import SIDES
from tongpin.payment.ledger.reconcile_run import reconcile_in_home
from tongpin.payment.ledger.vouchers import POSTING_SCHEMA
from tongpin.payment.month.closed import closed_months
from tongpin.payment.month.statement_columns import synthetic_notice
from tongpin.payment.prepay.account import KINDS, SCHEMES, read_account
from tongpin.payment.prepay_home import account_in_home, fund_labels, hospital_names
from tongpin.payment.year.run import cleared
from tongpin.store.home import Home
from tongpin.workbench.listings.catalogue import Loaded
from tongpin.workbench.listings.views import state_of
from tongpin.workbench.today import today

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tongpin.payment.ledger.reconcile import Reconciled
    from tongpin.store.scope import Scope

_SCALE = 10_000


def load_cleared_places(home: Home, parameters: Mapping[str, str]) -> Loaded:
    """The places of the clearing in force of a year; StoreError `clear.open` when there is none."""
    year = year_of(parameters)
    run = cleared(home, year, parameters["area"])
    places = run.clearing.places
    years = pa.array([str(year)] * places.num_rows, pa.string())
    notes = (*synthetic_notice(home), run.manifest["run"], *run.manifest["notes"])
    return Loaded(places.append_column("year", years), notes, bool(run.manifest["assumed"]))


def load_prepay_accounts(home: Home, parameters: Mapping[str, str]) -> Loaded:
    """How every prepayment account of the scope stands now."""
    area = parameters["area"]
    # Plans belong to the whole area and are closed to a scope: computed with the whole home, only own rows are given.
    whole = whole_of(home)
    view = account_in_home(whole, last_year(whole, area), area)
    names, funds = hospital_names(whole, last_year(whole, area)), fund_labels(whole, area)
    rows = [
        one._asdict()
        | {
            "institution_name": names.get(one.institution_code, one.institution_code),
            "fund_label": funds.get(one.fund, one.fund),
            "scheme_label": SCHEMES[one.scheme],
        }
        for one in view.standings
        if sees(home, one.institution_code)
    ]
    return Loaded(_table(rows, _ACCOUNTS), (*synthetic_notice(home), *view.notes))


def load_prepay_entries(home: Home, parameters: Mapping[str, str]) -> Loaded:
    """Every entry of the prepayment accounts of the scope."""
    area, whole = parameters["area"], whole_of(home)
    names, funds = hospital_names(whole, last_year(whole, area)), fund_labels(whole, area)
    rows = [
        one._asdict()
        | {
            "institution_name": names.get(one.institution_code, one.institution_code),
            "fund_label": funds.get(one.fund, one.fund),
            "scheme_label": SCHEMES[one.scheme],
            "kind_label": KINDS[one.kind],
        }
        for one in read_account(home, area)
    ]
    return Loaded(_table(rows, _ENTRIES), synthetic_notice(home))


def load_prepay_watch(home: Home, parameters: Mapping[str, str]) -> Loaded:
    """The accounts of the scope by closed month of a year, with their alarms (S001-44)."""
    area, year = parameters["area"], year_of(parameters)
    # As for the accounts: alarms need the plan of the whole area, only own rows are given.
    whole = whole_of(home)
    view = account_in_home(whole, year, area)
    names, funds = hospital_names(whole, year), fund_labels(whole, area)
    rows = [
        one._asdict()
        | {
            "institution_name": names.get(one.institution_code, one.institution_code),
            "fund_label": funds.get(one.fund, one.fund),
            "scheme_label": SCHEMES[one.scheme],
            "use": _share(one.use_e4),
            "plan": _share(one.plan_e4),
            "growth": _share(one.growth_e4),
            "alarms": "；".join(one.alarms),
        }
        for one in view.months
        if sees(home, one.institution_code)
    ]
    return Loaded(_table(rows, _WATCH), (*synthetic_notice(home), *view.notes))


def load_ledger_postings(home: Home, parameters: Mapping[str, str]) -> Loaded:
    """The postings of a year of an area, reversals among them; closed to a scope (StoreError `store.scope`)."""
    year = year_of(parameters)
    postings = open_journal(home).of_area(parameters["area"])
    of_year = pc.and_(pc.greater_equal(postings["month"], f"{year}-01"), pc.less(postings["month"], f"{year + 1}-01"))
    chosen = postings.filter(of_year).select(POSTING_SCHEMA.names)
    events = {rule.event: rule.label for source in sources() for rule in rules(source)}
    labels = {code: account.label for code, account in accounts().items()}
    made = {name: chosen[name] for name in chosen.column_names if name != "event"}
    made |= {
        "event": _worded(chosen["event"], events),
        "book_label": _worded(chosen["book"], books()),
        "account_label": _worded(chosen["account"], labels),
    }
    return Loaded(pa.table(made), synthetic_notice(home))


def load_reconcile_days(home: Home, parameters: Mapping[str, str]) -> Loaded:
    """The records of a closed month by hospital and day (S901-07)."""
    found = reconciled(home, parameters["month"], parameters["area"])
    return Loaded(found.days, (*synthetic_notice(home), *missing_words(found)))


def load_reconcile_cases(home: Home, parameters: Mapping[str, str]) -> Loaded:
    """The cases of a closed month that two neighbouring records tell differently."""
    found = reconciled(home, parameters["month"], parameters["area"])
    return Loaded(found.cases, (*synthetic_notice(home), *missing_words(found)))


def load_reconcile_bank(home: Home, parameters: Mapping[str, str]) -> Loaded:
    """The transfers of a closed month against fund book and bank."""
    found = reconciled(home, parameters["month"], parameters["area"])
    labels = pa.array([fund_of(code).label for code in found.bank["fund"].to_pylist()], pa.string())
    return Loaded(found.bank.append_column("fund_label", labels), (*synthetic_notice(home), *missing_words(found)))


def reconciled(home: Home, month: str, area: str) -> Reconciled:
    """The five records of a closed month compared, once for all that ask until the home changes."""
    return _reconciled(home.root, home.scope, state_of(home), month, area)


@lru_cache(maxsize=4)
def _reconciled(root: Path, scope: Scope | None, _: Any, month: str, area: str) -> Reconciled:
    return reconcile_in_home(Home(root, scope), month, area)


def missing_words(found: Reconciled) -> tuple[str, ...]:
    """Which records the month does not hold, in words."""
    return tuple(f"没有装载{SIDES.get(side, '到账与记账')}，这一方没有对" for side in found.missing)


def whole_of(home: Home) -> Home:
    """The home without its scope, for what is computed over the whole area and given in part."""
    return Home(home.root)


def sees(home: Home, institution_code: str) -> bool:
    """Whether a desk sees a hospital as a whole."""
    return home.scope is None or home.scope.sees_hospital(institution_code)


def year_of(parameters: Mapping[str, str]) -> int:
    """The year that is asked for; TongpinError `table.parameter` for what is none."""
    text = parameters["year"]
    if not (text.isascii() and text.isdigit() and len(text) == len("2025") and text.startswith("20")):
        raise TongpinError("table.parameter", f"年度“{text}”不对", where="year", hint="写成 2025")
    return int(text)


def last_year(home: Home, area: str) -> int:
    """The year of the last closed month of an area; of its first edition where none is closed."""
    closed = closed_months(home, area)
    return int(max(closed)[:4]) if closed else today(home).year


def _share(value: int | None) -> float | None:
    return None if value is None else value / _SCALE


def _worded(codes: Any, words: Mapping[str, str]) -> Any:
    kept = codes.combine_chunks().dictionary_encode()
    found = pa.array([words.get(code, code) for code in kept.dictionary.to_pylist()], pa.string())
    return found.take(kept.indices)


def _table(rows: list[dict[str, Any]], schema: pa.Schema) -> pa.Table:
    return pa.Table.from_pylist([{name: row[name] for name in schema.names} for row in rows], schema=schema)


def _schema(texts: str, amounts: str, *more: pa.Field) -> pa.Schema:
    return pa.schema(
        [*((name, pa.string()) for name in texts.split()), *((name, pa.int64()) for name in amounts.split()), *more]
    )


_ACCOUNTS = _schema(
    "institution_code institution_name fund_label scheme_label",
    "paid_fen offset_fen recovered_fen balance_fen due_fen",
)
_ENTRIES = _schema(
    "entry_id institution_name fund_label scheme_label kind_label document recovery_from",
    "amount_fen recovery_months",
    pa.field("entry_date", pa.date32()),
)
_WATCH = _schema(
    "month institution_name fund_label scheme_label alarms",
    "paid_fen balance_fen overdue_fen",
    *(pa.field(name, pa.float64()) for name in ("use", "plan", "growth")),
)
