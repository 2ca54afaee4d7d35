"""Reconciliation of a home: what each of the five records says of a closed month of an area (S901-07)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from tongpin.grouping.compiled.stage import group
from tongpin.grouping.library import open_scheme
from tongpin.payment.dip.library import open_catalogue
from tongpin.payment.dip.scheme import group_dip
from tongpin.payment.ledger.reconcile import Reconciled, reconcile
from tongpin.payment.ledger.sources import BANK_LINES, own_rows
from tongpin.payment.month.closed import posted
from tongpin.payment.month.run import closed_run
from tongpin.payment.month.statement_columns import DIP
from tongpin.payment.policy.routes import own_routes, route
from tongpin.records.intake.load import CASES, RESULTS, WITHDRAWALS, read_loaded
from tongpin.records.views.edition import open_edition, with_code_version

if TYPE_CHECKING:
    from tongpin.store.home import Home


def reconcile_in_home(home: Home, month: str, area: str | None = None) -> Reconciled:
    """HIS settlement, list, group, payment and bank of a closed month compared (S901-07); see `reconcile`.

    Where the routes of the home send lists to several areas, only those of this area are compared.
    """
    closed = closed_run(home, month, area)
    own = closed.manifest["area"]
    cases = read_loaded(home, CASES)
    lists = cases.filter(pc.equal(cases["source"], "settlement_list"))
    days = pc.strftime(pc.cast(lists["settlement_date"], pa.timestamp("s")), "%Y-%m")
    lists = lists.filter(pc.fill_null(pc.equal(days, month), False))
    withdrawn = read_loaded(home, WITHDRAWALS)["setl_id"].combine_chunks()
    lists = lists.filter(pc.invert(pc.is_in(lists["case_id"], value_set=withdrawn)))
    results = read_loaded(home, RESULTS)
    results = results.filter(pc.invert(pc.is_in(results["setl_id"], value_set=withdrawn)))
    lists, alien = _of_area(home, lists, own)
    results = results.filter(pc.invert(pc.is_in(results["setl_id"], value_set=alien)))
    # A result may leave its institution out: then it is that of the list with its id, if there is one.
    place = pc.index_in(results["setl_id"], value_set=lists["case_id"].combine_chunks())
    institution = pc.coalesce(results["institution_code"], lists["institution_code"].take(place), pa.scalar(""))
    his = results.set_column(results.column_names.index("institution_code"), "institution_code", institution)
    his = his.append_column("case_id", results["setl_id"])
    grouped = _grouped(home, closed.manifest, with_code_version(lists, open_edition(home, own)))
    grouped = grouped.filter(pc.equal(grouped["status"], "grouped"))
    bank = own_rows(home, BANK_LINES, own)
    bank = bank.filter(pc.equal(bank["month"], month))
    return reconcile(month, his, lists, grouped, posted(home, own), closed.settlement.statement, bank)


def _of_area(home: Home, lists: pa.Table, area: str) -> tuple[pa.Table, Any]:
    """The lists that this area pays by the routes of the home, and the ids of those of other areas (S908-02)."""
    routes = own_routes(home)
    if not routes:
        return lists, pa.array([], pa.string())
    here = pc.fill_null(pc.starts_with(route(lists, routes).edition_id, f"{area}/"), False)
    return lists.filter(here), lists.filter(pc.invert(here))["case_id"].combine_chunks()


def _grouped(home: Home, manifest: dict[str, Any], lists: pa.Table) -> pa.Table:
    """The lists grouped by the scheme or the catalogue of the close."""
    if manifest.get("method") == DIP:
        return group_dip(lists, open_catalogue(home, manifest["scheme"]))
    return group(lists, open_scheme(home, manifest["scheme"]))
