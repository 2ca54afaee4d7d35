"""DIP in a home 工作目录里的 DIP: a catalogue from the loaded lists, and a month priced by it."""

from __future__ import annotations

import csv
from dataclasses import replace
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tongpin.base.errors import PolicyError
from tongpin.payment.dip.auxiliary import fit
from tongpin.payment.dip.build import Built, Tables, build_catalogue, build_rules, year_places
from tongpin.payment.dip.catalogue import PROCEDURE_TYPES, Catalogue, Section, read_codes
from tongpin.payment.dip.prefixes import SUBCATEGORY
from tongpin.payment.dip.price import price_dip
from tongpin.payment.dip.scheme import group_dip
from tongpin.payment.policy.lookup import Coded, coded
from tongpin.payment.policy.period import case_days
from tongpin.payment.pricing.institutions import institution_terms
from tongpin.records.case.schema import CASE_SCHEMA
from tongpin.records.intake.load import CASES, INSTITUTIONS, read_loaded
from tongpin.records.views.stay_lists import join_stays

if TYPE_CHECKING:
    from datetime import date
    from pathlib import Path

    from tongpin.payment.policy.policy import Policy
    from tongpin.store.home import Home

EDITION = "dip-national/2025"
"""The shipped edition by which a catalogue is made where no other is named."""


def city_tables(
    types: Path | None = None,
    zero_value: Path | None = None,
    sections: Path | None = None,
    names: tuple[dict[str, str], dict[str, str]] = ({}, {}),
) -> Tables:
    """The tables of a city: 操作类型 (`code,type`; without a file the demonstration's), zero values, sections.

    `names`: diagnoses and procedures by code; a subcategory is named as its code ending in 00.
    """
    typed = read_codes(types, "procedure_type") if types else _demonstration_types()
    unknown = [(code, word) for code, word in typed if word not in PROCEDURE_TYPES]
    if unknown:
        raise PolicyError(
            "dip.tables",
            f"{unknown[0][0]} 的操作类型“{unknown[0][1]}”不认识",
            where=str(types),
            hint=f"可用：{'、'.join(PROCEDURE_TYPES)}",
        )
    dx_names, px_names = names
    short = {code[:SUBCATEGORY]: name for code, name in dx_names.items() if code[SUBCATEGORY:] == "00"}
    return Tables(
        {code: PROCEDURE_TYPES[word] for code, word in typed},
        frozenset(code for (code,) in (read_codes(zero_value, "zero_value") if zero_value else [])),
        tuple(Section(*row) for row in (read_codes(sections, "section") if sections else [])),
        short,
        px_names,
    )


def _demonstration_types() -> list[tuple[str, ...]]:
    text = (files("tongpin") / "catalogue" / "dip" / "procedure_type.csv").read_text(encoding="utf-8")
    return [(row["code"], row["type"]) for row in csv.DictReader(text.splitlines())]


def build_in_home(
    home: Home, months: tuple[str, str], policy: Policy, tables: Tables, catalogue_id: str, title: str
) -> Built:
    """A catalogue, with its auxiliary catalogue, of the inpatient lists that a home holds for the months."""
    lists, days = _lists(home, policy)
    institutions = read_loaded(home, INSTITUTIONS)
    inside = np.flatnonzero(year_places(days, months))
    cases, days = lists.take(pa.array(inside)), days[inside]
    if cases.num_rows:
        level = institution_terms(coded(cases["institution_code"]), institutions, days, _one(cases["case_id"])).level
        cases = cases.append_column("hospital_level", level.texts())
    on = span_end(months)
    source = f"{months[0]} 至 {months[1]} 的住院清单，付费办法 {policy.id}"
    found = build_catalogue(
        cases, days, months, build_rules(policy, on), tables, catalogue_id=catalogue_id, title=title, source=source
    )
    auxiliary = fit(found.history, found.catalogue, policy, on)
    return replace(found, catalogue=replace(found.catalogue, auxiliary=auxiliary))


def price_in_home(home: Home, month: str, policy: Policy, catalogue: Catalogue) -> pa.Table:
    """The lists of a month (`YYYY-MM`), grouped and priced by a catalogue; nothing is posted."""
    lists, days = _lists(home, policy)
    chosen = lists.filter(pa.array(days.astype("datetime64[M]").astype(str) == month))
    if not chosen.num_rows:
        raise PolicyError("dip.history", f"{month} 没有住院清单", where=str(home.root), hint="检查月份；先装载清单")
    return price_dip(chosen, policy, catalogue, read_loaded(home, INSTITUTIONS))


def history_in_home(
    home: Home, months: tuple[str, str], policy: Policy, catalogue: Catalogue, details: tuple[str, ...] = ()
) -> pa.Table:
    """The lists of the months grouped by a catalogue, with `year_place` and `fund`; PolicyError `dip.history`."""
    lists, days = _lists(home, policy, details)
    place = year_places(days, months)
    rows = np.flatnonzero(place > 0)
    if not len(rows):
        raise PolicyError("dip.history", f"{months[0]} 至 {months[1]} 没有住院清单", hint="检查月份；先装载清单")
    on = span_end(months)
    chosen = lists.take(pa.array(rows))
    insurance = coded(chosen["insurance"])
    fund = Coded(insurance.codes, [policy.value("fund.of_insurance", on, insurance=word) for word in insurance.values])
    grouped = group_dip(chosen, catalogue).append_column("year_place", pa.array(place[rows]))
    return grouped.append_column("fund", fund.texts())


def cases_with_figures(home: Home, months: tuple[str, str], policy: Policy, catalogue: Catalogue) -> pa.Table:
    """The lists of the months with what hospital coefficients rest on: `rw_e4`, `tcm_fee_fen` (`institution`).

    `policy`: the edition of the coefficients; its scope and dates decide which lists are meant.
    """
    cases = history_in_home(home, months, policy, catalogue, ("fees",))
    on = span_end(months)
    rw = {one.code: one.rw_e4 for one in catalogue.groups}
    disease = coded(cases["drg"])
    weights = np.array([rw.get(code, 0) for code in disease.values], np.int64)[disease.codes]
    fees = _fees_of(cases["fees"], set(policy.value("dip.institution.tcm_fees", on)))
    return cases.append_column("rw_e4", pa.array(weights)).append_column("tcm_fee_fen", pa.array(fees))


def registered_on(home: Home, on: date) -> list[dict[str, Any]]:
    """The registration in force on a day of every institution."""
    found: dict[str, dict[str, Any]] = {}
    for row in sorted(read_loaded(home, INSTITUTIONS).to_pylist(), key=lambda row: row["valid_from"]):
        if row["valid_from"] <= on:
            found[row["institution_code"]] = row
    return list(found.values())


def _fees_of(lists: Any, categories: set[str]) -> Any:
    """The fees of some categories of each list, in fen."""
    column = lists.combine_chunks()
    column = pa.concat_arrays(column.chunks) if isinstance(column, pa.ChunkedArray) else column
    entries, parents = column.flatten(), pc.list_parent_indices(column).to_numpy()
    chosen = pc.is_in(pc.struct_field(entries, "category"), value_set=pa.array(sorted(categories), pa.string()))
    amounts = pc.fill_null(pc.if_else(chosen, pc.struct_field(entries, "amount_fen"), 0), 0).to_numpy()
    found = np.zeros(len(column), np.int64)
    np.add.at(found, parents, amounts)
    return found


def stays_in_home(
    home: Home, months: tuple[str, str], policy: Policy, catalogue: Catalogue, before_days: int
) -> pa.Table:
    """The lists of the months and of so many days before, grouped: what leads of violations are looked for in."""
    lists, days = _lists(home, policy)
    first = np.datetime64(months[0], "M").astype("datetime64[D]") - before_days
    last = np.datetime64(span_end(months))
    return group_dip(lists.filter(pa.array((days >= first) & (days <= last))), catalogue)


def _lists(home: Home, policy: Policy, details: tuple[str, ...] = ()) -> tuple[pa.Table, Any]:
    """The lists in the scope of group payment, bills of one stay joined where the edition says so, with their day."""
    cases = read_loaded(home, CASES, [*CASE_SCHEMA.names, *details])
    lists = cases.filter(pc.equal(cases["source"], "settlement_list"))
    care = coded(lists["care_type"])
    scope = {word: policy.value("scope.care_type", policy.begins, care_type=word) for word in care.values}
    lists = lists.filter(pa.array(care.mask(lambda word: scope[word] == "DRG")))
    lists = join_stays(lists, policy.value("scope.interim_bills", policy.begins))
    return lists, case_days(lists, policy.edition.period_by.value)


def _one(column: pa.ChunkedArray) -> pa.Array:
    return column.combine_chunks()


def span_end(months: tuple[str, str]) -> date:
    """The last day of a span of months; PolicyError `dip.months` for what is no month."""
    try:
        day: date = ((np.datetime64(months[1], "M") + 1).astype("datetime64[D]") - 1).item()
    except ValueError:
        raise PolicyError("dip.months", f"月份“{'..'.join(months)}”不对", hint="写成 2022-01..2024-12") from None
    return day
