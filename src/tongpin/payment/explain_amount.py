"""Explain an amount of a paper 说清一笔金额: its formula from other amounts, its parameters, and the cases behind it.

Of the monthly statement the formulas stand in `amount_formulas.csv` and are computed again when they are told: one that
does not give the frozen amount fails loud. Of the clearing the reasons were kept when it was closed.
"""

from __future__ import annotations

import csv
from datetime import date
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from tongpin.base.errors import StoreError
from tongpin.base.money import check_balance
from tongpin.payment.month.closed import closed_manifest, decisions, posted, statements
from tongpin.payment.month.statement import DECISION_KINDS
from tongpin.payment.month.statement_columns import method_of_manifest, statement_columns
from tongpin.payment.policy.library import policy_named
from tongpin.payment.policy.period import last_day
from tongpin.payment.policy.prose import line_of
from tongpin.payment.year.run import cleared
from tongpin.report.words import yuan_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tongpin.payment.policy.policy import Policy
    from tongpin.payment.policy.prose import Line
    from tongpin.store.home import Home

ANY = "any"


class Formula(NamedTuple):
    """How an amount of the statement comes about: terms (a minus takes one away), the lines behind it, parameters.

    `lines` is a kind of line, `any` of them, or empty where no line stands behind the amount.
    """

    column: str
    terms: tuple[str, ...]
    lines: str
    line_column: str
    parameters: tuple[str, ...]


class Told(NamedTuple):
    """A figure told: heading, amount, the sentence, and the parameters it rests on with their values and sources."""

    column: str
    title: str
    amount_fen: int
    text: str
    parameters: tuple[Line, ...]


class Explained(NamedTuple):
    """Figures in their order, and the lines behind the one that was asked for.

    `lines`: `case_id, period, line_kind, drg, amount_fen`, the largest first; `lines_fen` their sum, none where no line
    stands behind the figure.
    """

    told: tuple[Told, ...]
    lines: pa.Table
    lines_fen: int | None


@cache
def formulas() -> dict[str, Formula]:
    """Every formula by its column."""
    text = (files("tongpin.payment") / "amount_formulas.csv").read_text(encoding="utf-8")
    found = {}
    for row in csv.DictReader(text.splitlines()):
        terms, parameters = tuple(row["formula"].split()), tuple(row["parameters"].split())
        found[row["column"]] = Formula(row["column"], terms, row["lines"], row["line_column"], parameters)
    return found


def explain_statement(
    home: Home, month: str, institution: str, fund: str, column: str | None = None, area: str | None = None
) -> Explained:
    """The amounts of a row of a closed month's statement, or one of them with all that it is made of.

    `column` is a column of the statement or its Chinese heading. StoreError `settle.open`, `explain.place` (no such
    row), `explain.column`; BalanceError `explain.formula` when a formula does not give the amount.
    """
    manifest = closed_manifest(home, month, area)
    row = _row(home, manifest, institution, fund)
    titles = {one.name: one.title for one in statement_columns(method_of_manifest(manifest))}
    wanted = None if column is None else _column(column, titles)
    policy = policy_named(home, manifest["policy"])
    why = _why(home, manifest, institution, fund)
    chosen = list(formulas()) if wanted is None else [*_parts(wanted), wanted]
    told = tuple(_told(formulas()[name], row, titles, policy, month, why) for name in chosen)
    lines, total = _lines(home, manifest, institution, fund, formulas()[wanted] if wanted else None)
    if wanted is not None and total is not None:
        check_balance("explain.formula", f"{titles[wanted]} 与明细", row[wanted], total)
    return Explained(told, lines, total)


def explain_clearing(home: Home, year: int, institution: str, fund: str, area: str | None = None) -> Explained:
    """The steps of a cleared year of a hospital and fund, and the lines that the clearing paid otherwise.

    StoreError `clear.open` or `explain.place`.
    """
    run = cleared(home, year, area)
    clearing = run.clearing
    here = _at(clearing.reasons, institution, fund)
    if not here.num_rows:
        raise _no_place(institution, fund, f"{year} 年度清算")
    policy, on = policy_named(home, run.manifest["policy"]), date(year, 12, 31)
    told = tuple(_step(row, policy, on) for row in _ordered(here))
    changed = _at(clearing.changed, institution, fund)
    amounts = pc.subtract(changed["cleared_fen"], changed["posted_fen"])
    lines = pa.table(
        {
            "case_id": changed["case_id"],
            "period": changed["period"],
            "line_kind": changed["reason"],
            "drg": pa.nulls(changed.num_rows, pa.string()),
            "amount_fen": amounts,
        }
    )
    return Explained(told, _largest(lines), pc.sum(amounts).as_py() or 0)


def _ordered(reasons: pa.Table) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = reasons.sort_by([("step", "ascending"), ("place", "ascending")]).to_pylist()
    return found


def _step(row: Mapping[str, Any], policy: Policy, on: date) -> Told:
    """A kept reason of the clearing."""
    key = row["parameter"] or ""
    lines = (line_of(policy, key, on),) if key in policy.edition.parameters else ()
    title = f"第 {row['step']} 步 {row['label']}"
    return Told(key, title, row["amount_fen"], f"{title} {yuan_text(row['amount_fen'])}：{row['formula']}", lines)


def _row(home: Home, manifest: Mapping[str, Any], institution: str, fund: str) -> dict[str, Any]:
    here = _at(statements(home, manifest["area"], [manifest["month"]]), institution, fund)
    if not here.num_rows:
        raise _no_place(institution, fund, f"{manifest['month']} 支付情况表")
    found: dict[str, Any] = here.to_pylist()[0]
    return found


def _no_place(institution: str, fund: str, where: str) -> StoreError:
    hint = "核对机构代码与基金代码（310 职工、390 居民）"
    return StoreError("explain.place", f"{where}里没有机构 {institution} 基金 {fund}", hint=hint)


def _at(table: pa.Table, institution: str, fund: str) -> pa.Table:
    return table.filter(pc.and_(pc.equal(table["institution_code"], institution), pc.equal(table["fund"], fund)))


def _column(name: str, titles: Mapping[str, str]) -> str:
    found = [column for column in formulas() if name in (column, titles[column], _plain(titles[column]))]
    if not found:
        known = "、".join(_plain(titles[one]) for one in formulas())
        raise StoreError("explain.column", f"支付情况表没有“{name}”这一栏", hint=f"可写：{known}")
    return found[0]


def _parts(column: str) -> list[str]:
    """Every column that a column is made of, the deepest first, each once."""
    found: list[str] = []
    for term in formulas()[column].terms:
        name = term.removeprefix("-")
        found += [one for one in (*_parts(name), name) if one not in found]
    return found


def _told(
    formula: Formula,
    row: Mapping[str, Any],
    titles: Mapping[str, str],
    policy: Policy,
    month: str,
    why: Mapping[str, str],
) -> Told:
    """One amount; its formula is computed again from the row."""
    amount = row[formula.column]
    title = _plain(titles[formula.column])
    text = f"{title} {yuan_text(amount)}"
    if formula.terms:
        parts = [(term.removeprefix("-"), -1 if term.startswith("-") else 1) for term in formula.terms]
        check_balance("explain.formula", title, amount, sum(sign * row[name] for name, sign in parts))
        shown = [(sign, f"{_plain(titles[name])} {yuan_text(row[name])}") for name, sign in parts if row[name]]
        said = "".join(f" {'−' if sign < 0 else '+'} {words}" for sign, words in shown).removeprefix(" + ")
        text += f" = {said}" if said else ""
    elif formula.lines:
        text += " = 各清单之和"
    text += f"：{why[formula.column]}" if formula.column in why else ""
    stated = [key for key in formula.parameters if key in policy.edition.parameters] if row[formula.column] else []
    return Told(formula.column, title, amount, text, tuple(line_of(policy, key, last_day(month)) for key in stated))


def _why(home: Home, manifest: Mapping[str, Any], institution: str, fund: str) -> dict[str, str]:
    """The documents behind each claim of the month."""
    here = _at(decisions(home, manifest["area"]), institution, fund)
    here = here.filter(pc.fill_null(pc.equal(here["month"], manifest["month"]), False))
    found: dict[str, list[str]] = {}
    for row in here.to_pylist():
        if row["kind"] in DECISION_KINDS:
            words = "，".join(str(row[name]) for name in ("document", "reason", "decided_date") if row.get(name))
            found.setdefault(f"{row['kind']}_fen", []).append(f"{yuan_text(row['amount_fen'])}（{words}）")
    return {name: "；".join(words) for name, words in found.items()}


def _plain(title: str) -> str:
    """A heading without the sign that a statement writes before it."""
    return title.removeprefix("减：").removeprefix("加：")


_LINES = ("case_id", "period", "line_kind", "drg", "amount_fen")


def _lines(
    home: Home, manifest: Mapping[str, Any], institution: str, fund: str, formula: Formula | None
) -> tuple[pa.Table, int | None]:
    """The lines behind an amount and their sum; none where no line stands behind it."""
    empty = pa.schema([*((name, pa.string()) for name in _LINES[:-1]), ("amount_fen", pa.int64())]).empty_table()
    if formula is None or not formula.lines:
        return empty, None
    wanted = ["institution_code", "fund", *_LINES[:-1], formula.line_column]
    lines = _at(posted(home, manifest["area"], [manifest["month"]], list(dict.fromkeys(wanted))), institution, fund)
    if formula.lines != ANY:
        lines = lines.filter(pc.equal(lines["line_kind"], formula.lines))
    found = pa.table([*(lines[name] for name in _LINES[:-1]), lines[formula.line_column]], schema=empty.schema)
    return _largest(found), pc.sum(found["amount_fen"]).as_py() or 0


def _largest(lines: pa.Table) -> pa.Table:
    size = pc.abs(lines["amount_fen"])
    order = pc.sort_indices(lines.append_column("size", size), [("size", "descending"), ("case_id", "ascending")])
    return lines.take(order)
