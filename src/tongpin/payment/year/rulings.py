"""Rulings 年度决定: what was decided outside, as the clearing reads it from decisions (S903-03, S912-01)."""

from __future__ import annotations

import csv
from datetime import date
from decimal import Decimal, InvalidOperation
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from tongpin.base.errors import PolicyError
from tongpin.base.money import SCALE
from tongpin.store.digests import SEPARATOR

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

RULING_SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in ("institution_code", "kind", "fund", "result", "setl_id", "document")),
        ("year", pa.int64()),
        ("amount_fen", pa.int64()),
        ("value_e4", pa.int64()),
        ("decided_date", pa.date32()),
    ],
)
"""A decision as the clearing reads it; `value_e4` the score in ten-thousandths, amounts in fen."""

AGREEMENT_SCHEMA = pa.schema(
    [
        ("institution_code", pa.string()),
        ("year", pa.int64()),
        ("clause", pa.string()),
        ("evidence", pa.string()),
        ("deduction_e4", pa.int64()),
        ("checked_on", pa.date32()),
    ],
)
"""协议考核表 S912-01: a clause that was not kept, its evidence and the points it costs (ten-thousandths of a point)."""

ON_CASES = ("appeal", "special_case", "overdue")


class Grade(NamedTuple):
    """The last published grade of an institution and its year (S000-36)."""

    grade: str
    year: int


class Cause(NamedTuple):
    """Causes of an overspend of a hospital and fund, evidenced: reasonable, of management (S001-47, 48), fen."""

    reasonable_fen: int
    management_fen: int


class Rulings(NamedTuple):
    """All that was decided for a year: rulings on cases, scores, sheets, causes, grades."""

    on_cases: pa.Table
    scores_e4: Mapping[str, int]
    agreements: pa.Table
    causes: Mapping[tuple[str, str], Cause]
    grades: Mapping[str, Grade]


@cache
def outcomes() -> dict[tuple[str, str], str]:
    """What a result written in a decision means, by kind and text."""
    text = (files("tongpin.payment.year") / "rulings.csv").read_text(encoding="utf-8")
    return {(row["kind"], row["result"]): row["outcome"] for row in csv.DictReader(text.splitlines())}


def outcome(kind: str, result: str | None) -> str:
    """The meaning of a result; PolicyError `clear.result` when the table of results does not know it."""
    found = outcomes().get((kind, (result or "").strip()))
    if found is None:
        known = "、".join(text for name, text in outcomes() if name == kind)
        raise PolicyError(
            "clear.result", f"决定的结论“{result or ''}”看不懂", where=f"decision {kind}", hint=f"可写：{known}"
        )
    return found


def read_rulings(decisions: pa.Table, year: int, agreements: pa.Table | None = None) -> Rulings:
    """The rulings of a clearing year from the table of decisions (`RULING_SCHEMA`) and the agreement sheets.

    Rulings on cases are kept whatever their year, since the case says to which clearing it belongs. Refuses with
    PolicyError `clear.twice` (one thing decided twice), `clear.result` (unknown words), `clear.decision` (incomplete).
    """
    sheets = AGREEMENT_SCHEMA.empty_table() if agreements is None else agreements
    sheets = sheets.filter(pc.equal(sheets["year"], year))
    on_cases = decisions.filter(pc.is_in(decisions["kind"], pa.array(ON_CASES)))
    _once(on_cases, ("institution_code", "kind", "setl_id"))
    return Rulings(on_cases, _scores(decisions, year), sheets, _causes(decisions, year), _grades(decisions, year))


def _of_kind(decisions: pa.Table, kind: str, year: int | None = None) -> pa.Table:
    chosen = decisions.filter(pc.equal(decisions["kind"], kind))
    return chosen if year is None else chosen.filter(pc.equal(chosen["year"], year))


def _once(table: pa.Table, names: tuple[str, ...]) -> None:
    counted = table.group_by(list(names)).aggregate([([], "count_all")])
    twice = counted.filter(pc.greater(counted["count_all"], 1)).to_pylist()
    if twice:
        what = "、".join(str(twice[0][name]) for name in names)
        raise PolicyError("clear.twice", f"同一件事有两个决定：{what}", where="decision", hint="只留有效的那一个决定")


def _scores(decisions: pa.Table, year: int) -> dict[str, int]:
    scores = _of_kind(decisions, "score", year)
    _once(scores, ("institution_code",))
    return {row["institution_code"]: row["value_e4"] for row in scores.to_pylist()}


def _causes(decisions: pa.Table, year: int) -> dict[tuple[str, str], Cause]:
    found: dict[tuple[str, str], Cause] = {}
    for row in _of_kind(decisions, "cause", year).to_pylist():
        if row["fund"] is None or row["amount_fen"] is None:
            raise PolicyError(
                "clear.decision",
                f"机构 {row['institution_code']} 的超支原因没有写基金或金额",
                where="decision cause",
                hint="写明 fund、year、amount（核定的超支金额）与 result（原因）",
            )
        place = (row["institution_code"], row["fund"])
        before = found.get(place, Cause(0, 0))
        good = outcome("cause", row["result"]) == "reasonable"
        found[place] = Cause(
            before.reasonable_fen + (row["amount_fen"] if good else 0),
            before.management_fen + (0 if good else row["amount_fen"]),
        )
    return found


def _grades(decisions: pa.Table, year: int) -> dict[str, Grade]:
    """The last grade published for each institution, of the clearing year or before (usually before)."""
    grades = _of_kind(decisions, "grade")
    _once(grades, ("institution_code", "year"))
    found: dict[str, Grade] = {}
    for row in sorted(grades.to_pylist(), key=lambda row: row["year"]):
        if row["year"] <= year:
            found[row["institution_code"]] = Grade(row["result"], row["year"])
    return found


def agreement_scores(sheets: pa.Table, full_score: int) -> dict[str, int]:
    """Scores (ten-thousandths) of the hospitals from their agreement sheets: full score minus the deductions (S912-01).

    A hospital whose sheet is clean stands in it with a deduction of 0. A deduction without evidence is refused
    (PolicyError `clear.evidence`); the score does not fall below zero.
    """
    found: dict[str, int] = {}
    for row in sheets.to_pylist():
        if row["deduction_e4"] and not (row["evidence"] or "").strip():
            raise PolicyError(
                "clear.evidence",
                f"机构 {row['institution_code']} 条款“{row['clause']}”的扣分没有证据",
                where="agreement",
                hint="补上证据，或去掉这一项扣分",
            )
        left = found.get(row["institution_code"], full_score * SCALE) - row["deduction_e4"]
        found[row["institution_code"]] = max(left, 0)
    return found


def as_rulings(decisions: pa.Table) -> pa.Table:
    """The table of decisions as the lake holds it, in the columns of `RULING_SCHEMA`; a column it lacks is null."""

    def column(name: str, kind: Any) -> Any:
        if name == "value_e4":
            if "value" not in decisions.column_names:
                return None
            held = pc.cast(decisions["value"], pa.decimal128(18, 4))
            return pc.cast(pc.multiply(held, pa.scalar(SCALE, pa.decimal128(5, 0))), kind)
        return pc.cast(decisions[name], kind) if name in decisions.column_names else None

    columns = []
    for one in RULING_SCHEMA:
        made = column(one.name, one.type)
        columns.append(pa.nulls(decisions.num_rows, one.type) if made is None else made)
    return pa.table(columns, schema=RULING_SCHEMA)


def with_derived(loaded: pa.Table, derived: Sequence[pa.Table]) -> pa.Table:
    """Loaded rulings and those that rooms derived (`RULING_SCHEMA`); a loaded one on the same list stands instead."""
    for rows in derived:
        known = pa.array(_keys(loaded), pa.string())
        loaded = pa.concat_tables([loaded, rows.filter(pc.invert(pc.is_in(_keys(rows), value_set=known)))])
    return loaded


def _keys(rulings: pa.Table) -> pa.ChunkedArray:
    """Institution, kind and list as one text; other rulings have no list and are told apart by what they hold."""
    parts = [pc.fill_null(rulings[name], "") for name in ("institution_code", "kind", "setl_id")]
    return pc.binary_join_element_wise(*parts, SEPARATOR)


_SHEET_COLUMNS = ("institution_code", "year", "clause", "evidence", "deduction", "checked_on")


def read_agreements(path: Path) -> pa.Table:
    """协议考核表 from a CSV file (UTF-8): `institution_code,year,clause,evidence,deduction,checked_on`.

    PolicyError `clear.agreement` names file, line and column of what cannot be read. Source: S912-01.
    """

    def refuse(line: int, what: str) -> PolicyError:
        hint = f"表头为 {','.join(_SHEET_COLUMNS)}；扣分为不小于 0、最多四位小数的数，日期写成 2025-12-31"
        return PolicyError("clear.agreement", what, where=f"{path} 第 {line} 行", hint=hint)

    try:
        rows = list(csv.DictReader(path.read_text(encoding="utf-8-sig").splitlines()))
    except (OSError, UnicodeDecodeError):
        raise refuse(0, "协议考核表读不出：文件不存在或不是 UTF-8 编码") from None
    made = []
    for line, row in enumerate(rows, start=2):
        if set(row) != set(_SHEET_COLUMNS):
            raise refuse(1, "表头不对")
        try:
            points_e4 = Decimal(row["deduction"]) * SCALE
            if points_e4 < 0 or points_e4 != int(points_e4):
                raise refuse(line, f"扣分“{row['deduction']}”不对")
            made.append(
                {
                    **{name: row[name].strip() for name in ("institution_code", "clause", "evidence")},
                    "year": int(row["year"]),
                    "deduction_e4": int(points_e4),
                    "checked_on": date.fromisoformat(row["checked_on"]),
                }
            )
        except (InvalidOperation, ValueError, OverflowError):
            raise refuse(line, "年度、扣分或日期不对") from None
    return pa.Table.from_pylist(made, schema=AGREEMENT_SCHEMA)
