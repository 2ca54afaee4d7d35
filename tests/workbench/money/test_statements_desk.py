"""Statements on the workbench: totals, amounts told down to the case, papers; only one's own hospital."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow.compute as pc
import pytest

from tongpin.payment.explain_amount import explain_statement
from tongpin.payment.month import statement_pdf
from tongpin.payment.month.closed import closed_manifest, posted, statements
from tongpin.report.pdf import Paper, Ruled
from tongpin.report.words import capital_amount, yuan_text
from tongpin.store.control import control_engine, reading
from tongpin.store.journal import entries

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def query(city: Any) -> str:
    return f"month={city.month}&area={city.area}"


def own(who: Callable[[str], Any]) -> str:
    """The hospital of the demonstration's hospital accounts."""
    return str(who("director").got("/me")["scope"]["hospitals"][0]["code"])


def other(city: Any, who: Callable[[str], Any]) -> str:
    """Another hospital with a statement."""
    codes = set(statements(city.home, city.area, [city.month])["institution_code"].to_pylist())
    return str(min(codes - {own(who)}))


def test_totals_by_level_are_those_of_the_closed_statement(city: Any, who: Callable[[str], Any]) -> None:
    sheet = who("bureau_finance").got(f"/statements/summary?{query(city)}")
    rows = statements(city.home, city.area, [city.month])
    levels = {row["label"]: row for row in sheet["sections"][0]["rows"]}
    for level in set(rows["hospital_level"].to_pylist()):
        chosen = rows.filter(pc.equal(rows["hospital_level"], level))
        assert levels[level]["cash_transfer_fen"] == sum(chosen["cash_transfer_fen"].to_pylist())
    assert levels["合计"]["month_pool_payable_fen"] == sum(rows["month_pool_payable_fen"].to_pylist())
    figures = {one["id"]: one["value"] for one in sheet["figures"]}
    assert figures["ratio"] == pytest.approx(
        sum(rows["pool_payable_fen"].to_pylist()) / sum(rows["item_pool_fen"].to_pylist())
    )
    assert who("insurance_office").got(f"/statements/summary?{query(city)}")["figures"][0]["value"] < figures["payable"]


def test_an_amount_is_told_with_formula_parameters_and_the_cases_behind_it(
    city: Any, who: Callable[[str], Any]
) -> None:
    place = f"/statements/{own(who)}/310?{query(city)}"
    told = explain_statement(city.home, city.month, own(who), "310", None, city.area)
    amounts = {row["column"]: row for row in who("director").got(place)["sections"][1]["rows"]}
    assert {one.column: one.amount_fen for one in told.told if one.amount_fen} == {
        name: row["amount_fen"] for name, row in amounts.items()
    }
    sheet = who("director").got(f"{place}&column=pool_payable_fen")
    parts = {one["id"]: one for one in sheet["sections"]}
    lines = posted(city.home, city.area, [city.month])
    here = lines.filter(pc.and_(pc.equal(lines["institution_code"], own(who)), pc.equal(lines["fund"], "310")))
    here = here.filter(pc.equal(here["line_kind"], "regular"))
    largest = sorted(here["pool_payable_fen"].to_pylist(), key=abs, reverse=True)
    assert [row["amount_fen"] for row in parts["lines"]["rows"]] == largest[:200]
    assert parts["lines"]["link"] == "/cases/{case_id}"
    assert any(row["label"] and row["source"] for row in parts["parameters"]["rows"])
    assert who("director").refused("GET", f"{place}&column=nothing")[1] == "explain.column"


def test_another_hospital_is_not_told(city: Any, who: Callable[[str], Any]) -> None:
    alien = other(city, who)
    place = f"/statements/{alien}/310?{query(city)}"
    assert who("bureau_finance").got(place)["title"]
    assert who("director").refused("GET", place) == (404, "explain.place")
    paper = f"/statements/paper?{query(city)}&institution={alien}"
    assert who("director").refused("GET", paper) == (404, "explain.place")
    assert who("doctor").refused("GET", f"/statements/summary?{query(city)}") == (403, "sign_in.denied")


def test_the_paper_states_the_transfer_in_capitals_with_digests_in_its_foot(
    city: Any, who: Callable[[str], Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = statements(city.home, city.area, [city.month])
    rows = rows.filter(pc.equal(rows["institution_code"], own(who)))
    manifest = closed_manifest(city.home, city.month, city.area)
    held: list[Paper] = []
    monkeypatch.setattr(statement_pdf, "write_papers", lambda papers, *_, **__: held.extend(papers))
    assert statement_pdf.write_statement_pdf(rows, manifest, tmp_path / "paper.pdf") == 1
    cash = sum(rows["cash_transfer_fen"].to_pylist())
    assert held[0].closing[0] == f"本月拨付（大写）：{capital_amount(cash)}　（小写）：{yuan_text(cash)} 元"
    assert manifest["result_digest"][:16] in held[0].foot
    table = next(part for part in held[0].parts if isinstance(part, Ruled))
    assert table.rows[-1][0] == "本月拨付（负数为托收）"
    assert table.rows[-1][-1] == yuan_text(cash)


def test_a_hospital_takes_out_its_own_paper_and_the_journal_says_so(city: Any, who: Callable[[str], Any]) -> None:
    answer = who("director").get(f"/api/v1/statements/paper?{query(city)}")
    assert answer.content.startswith(b"%PDF-")
    with reading(control_engine(city.home)) as connection:
        last = entries(connection, act="paper")[-1]
    assert (last.actor, last.subject) == ("director", f"statement/{city.area}/{city.month}")
