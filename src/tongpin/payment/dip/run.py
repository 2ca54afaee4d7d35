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
from tongpin.payment.policy.lookup import coded
from tongpin.payment.policy.period import case_days
from tongpin.payment.pricing.institutions import institution_terms
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
    on = _last_day(months[1])
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


def _lists(home: Home, policy: Policy) -> tuple[pa.Table, Any]:
    """The lists in the scope of group payment, bills of one stay joined where the edition says so, with their day."""
    cases = read_loaded(home, CASES)
    lists = cases.filter(pc.equal(cases["source"], "settlement_list"))
    care = coded(lists["care_type"])
    scope = {word: policy.value("scope.care_type", policy.begins, care_type=word) for word in care.values}
    lists = lists.filter(pa.array(care.mask(lambda word: scope[word] == "DRG")))
    lists = join_stays(lists, policy.value("scope.interim_bills", policy.begins))
    return lists, case_days(lists, policy.edition.period_by.value)


def _one(column: pa.ChunkedArray) -> pa.Array:
    return column.combine_chunks()


def _last_day(month: str) -> date:
    day: date = ((np.datetime64(month, "M") + 1).astype("datetime64[D]") - 1).item()
    return day
