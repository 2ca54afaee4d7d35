"""Scoring 评分模拟: score, place and grade of a hospital-year against imported peers, and where a surplus could go."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from tongpin.measures.guokao.proposal import propose, surplus_of
from tongpin.measures.guokao.score import METHODS, peer_values, score, standing
from tongpin.measures.guokao.sheet_xlsx import figure_text
from tongpin.measures.guokao.tables import reweighed, score_tables
from tongpin.workbench.assess.filing_shapes import HIDDEN, MONEY_UNITS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tongpin.store.home import Home
    from tongpin.workbench.assess.filing import Counted
    from tongpin.workbench.sign_in.identity import Identity


class ScoreRow(BaseModel):
    """A weighted figure with its score 0–100, or why there is none."""

    no: str
    sub: str
    name: str
    direction: str
    value: str
    median: str
    low: str
    high: str
    peers: int
    weight: float
    score: float | None
    points: float | None
    method: str
    reason: str


class ProposedRow(BaseModel):
    """A weak indicator and what of the surplus could go to it; amount in fen, null for roles without money."""

    no: str
    name: str
    value: str
    median: str
    weight: float
    amount_fen: int | None
    text: str
    department: str


class GuokaoScore(BaseModel):
    """A simulation: nothing here is a result of the assessment."""

    label: str
    method: str
    method_label: str
    methods: dict[str, str]
    weights: dict[str, float]
    weights_source: str
    names: dict[str, str]
    rows: list[ScoreRow]
    points: float
    scorable: float
    total: float
    percent_from: float | None
    percent_to: float | None
    among: int
    grade: str
    grades: list[str]
    surplus_fen: int | None
    surplus_months: list[str]
    proposal: list[ProposedRow]
    notes: list[str]


def tried_weights(given: Mapping[str, float] | None) -> dict[str, Decimal] | None:
    """Weights as they were typed in, exact."""
    return None if given is None else {number: Decimal(str(one)) for number, one in given.items()}


def scored(
    home: Home, found: Counted, method: str, tried: Mapping[str, Decimal] | None, asker: Identity
) -> GuokaoScore:
    """The simulation as an identity sees it. Errors: `guokao.method`, `guokao.table` (weights that do not add up)."""
    known, sees_money = found.known, asker.role.sees_money
    hospital = known.hospital
    tables = score_tables(hospital.set_name, home)
    if tried is not None:
        tables = reweighed(tables, hospital.set_name, tried)
    peers = peer_values(home, known.year, hospital.manual.manual)
    values = known.scored_values(tables.weights)
    rows, result = score(values, peers, tables, method).to_pylist(), standing(values, peers, tables, method)
    surplus = surplus_of(home, hospital, known.year)
    proposed = propose(hospital.set_name, values, peers, tables.weights, surplus.fen)
    units = {row["sub"]: row["unit"] for row in values.to_pylist()}

    def text(value: float | None, sub: str) -> str:
        return HIDDEN if units[sub] in MONEY_UNITS and not sees_money else figure_text(value, units[sub])

    def texts(row: Mapping[str, Any]) -> dict[str, Any]:
        return {name: text(row[name], row["sub"]) for name in ("value", "median", "low", "high")}

    return GuokaoScore(
        label="模拟",
        method=method,
        method_label=METHODS[method],
        methods=METHODS,
        weights=dict(tables.weights),
        weights_source=tables.source,
        names={number: known.indicators[number].name for number in tables.weights if number in known.indicators},
        rows=[
            ScoreRow(
                **{name: row[name] for name in ("no", "sub", "name", "direction", "peers", "weight", "score")},
                **texts(row),
                points=row["points"],
                method=row["method"],
                reason=row["reason"] or "",
            )
            for row in rows
        ],
        points=result.points,
        scorable=result.scorable,
        total=result.total,
        # A single place would be false precision: said is the band of percent that the place stands for.
        percent_from=None if result.place is None else (result.place - 1) / result.among,
        percent_to=None if result.place is None else result.place / result.among,
        among=result.among,
        grade=result.grade,
        grades=[name for name, _ in tables.grades],
        surplus_fen=surplus.fen if sees_money else None,
        surplus_months=list(surplus.months),
        proposal=[
            ProposedRow(
                no=one.no,
                name=one.name,
                value=text(one.value, one.sub),
                median=text(one.median, one.sub),
                weight=one.weight,
                amount_fen=one.amount_fen if sees_money else None,
                text=one.text,
                department=one.department,
            )
            for one in proposed
        ],
        notes=[
            f"模拟：权重{tables.source}，{METHODS[method]}；官方权重与算法没有公开，不是考核结果",
            *result.notes,
            *known.notes,
        ],
    )
