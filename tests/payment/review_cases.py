"""Helpers of the review tests: a home of two hospitals with closed months, its edition and its experts."""

from __future__ import annotations

import json
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from clearing_cases import clearing_edition, line, lines_of, statements_of
from payment_cases import write_policy

from tongpin.payment.month.closed import LINES, RUN, RUNS, STATEMENTS, run_name
from tongpin.payment.review.apply import apply_for
from tongpin.payment.review.panel import add_experts, assign, vote
from tongpin.records.case.schema import CASE_SCHEMA, DETAIL_SCHEMA
from tongpin.records.intake.lake_tables import CASES, KEYS, SEALED
from tongpin.store import lake
from tongpin.store.home import Home

if TYPE_CHECKING:
    from pathlib import Path

    from tongpin.payment.review.account import Application

MONTHS = [f"2025-{month:02d}" for month in range(1, 13)]
FILED = date(2025, 7, 20)
REVIEW: dict[str, Any] = {
    "review.criteria": [
        "stay_days",
        "stay_multiple",
        "fee_standard",
        "icu_hours",
        "departments",
        "technology",
        "other",
    ],
    "review.stay_days": 60,
    "review.stay_multiple": 5,
    "review.fee_standard": 2,
    "review.icu_hours": 72,
    "review.departments": 3,
    "review.mean_least_cases": 5,
    "review.deadline_basis": "month",
    "review.deadline_days": 30,
    "review.deadline_kind": "calendar",
    "review.panel_size": 3,
    "review.panel_specialists": 1,
    "review.pass_rule": "majority",
    "review.tie": "refuse",
    "review.partial": "median",
    "special.technology_multiple": 2,
    "special.technology_share": 0.64,
    "special.quota_ratio": 0.1,
}
EXPERTS = """expert_code,specialty,institution_code,conflicts
E1,03.04,H3,
E2,03.04,H2,
E3,04,H2,
E4,03.04,X1,
E5,04,X1,H3
E6,04,X2,
E7,05,X2,
"""
_CASES = pa.schema(
    [
        *(f if not pa.types.is_list(f.type) else f.with_type(pa.list_(pa.string())) for f in CASE_SCHEMA),
        *(DETAIL_SCHEMA.field(name) for name in ("admission_dept", "transfer_depts", "doctor_name")),
        (SEALED, pa.binary()),
    ]
)


def review_edition(home: Home, **values: Any) -> None:
    """The edition `test/2025`; keys are written with `__` for the dot, None takes one away."""
    chosen = REVIEW | {key.replace("__", "."): value for key, value in values.items()}
    folder = home.policies / "test" / "2025"
    write_policy(folder, change=lambda data: clearing_edition(data, chosen))


def posted(case_id: str, fee: float, standard: float = 1_000, **more: Any) -> dict[str, Any]:
    """A line of June at its standard: half the fee is paid by the patient; ten days in 03.04."""
    wanted = {"month": "2025-06", "patient": 100.0, "los": 10, "drg": "AA11D", "dept": "03.04", "age": 60, "sex": 1}
    wanted |= {"drug_fee_fen": round(fee * 30), "consumable_fee_fen": 0, "exam_fee_fen": 0}
    return line(case_id, standard - 100, fee=fee, standard=standard, **(wanted | more))


def close_months(home: Home, table: pa.Table, months: list[str] = MONTHS) -> None:
    """Closed months of the area `test`, as settling leaves them."""
    for name, rows, month in ((LINES, table, "period"), (STATEMENTS, statements_of(table), "month")):
        named = pa.array([run_name("test", one) for one in rows[month].to_pylist()], pa.string())
        lake.append(home, name, rows.append_column(RUN, named))
    manifests = [{"month": month, "area": "test", "result_digest": f"digest of {month}"} for month in months]
    runs = [{"month": one["month"], "area": "test", "digest": "", "manifest": json.dumps(one)} for one in manifests]
    lake.append(home, RUNS, pa.Table.from_pylist(runs))


def keep(home: Home, *cases: dict[str, Any]) -> None:
    """Lists in the lake, with what the review reads of them."""
    start = {"source": "settlement_list", "institution_code": "H3", "dx": ["I21.000"], "px": ["36.0600"]}
    start |= {"admission_dept": "03.04", "dept": "03.04", "transfer_depts": [], "doctor_name": "赵医师"}
    start |= {"discharge_time": datetime(2025, 6, 15), "settlement_date": date(2025, 6, 15)}  # noqa: DTZ001
    lake.upsert(home, CASES, pa.Table.from_pylist([start | one for one in cases], schema=_CASES), KEYS[CASES])


def small_home(folder: Path, **values: Any) -> Home:
    """H3 has 20 cases in June: `dear` costs 5 times its standard, `long` stayed 70 days, the others are plain."""
    home = Home.open(folder)
    review_edition(home, **values)
    rows = [posted(f"n{number:02d}", 1_000) for number in range(17)]
    rows += [posted("dear", 5_000), posted("long", 1_900, los=70), posted("icu", 1_500, icu_hours=80)]
    rows += [posted(f"m{number}", 1_000, hospital="H2", level="二级") for number in range(10)]
    close_months(home, lines_of(*rows))
    keep(home, {"case_id": "dear"}, {"case_id": "long"}, {"case_id": "icu"}, {"case_id": "n00"})
    (folder / "experts.csv").write_text(EXPERTS, encoding="utf-8")
    return home


def applied(home: Home, list_id: str = "dear", criterion: str = "fee_standard", **more: Any) -> Application:
    """An application of July 20."""
    wanted = {"reason": "术后并发症，抢救治疗", "attachments": [], "on": FILED} | more
    return apply_for(home, list_id, criterion, **wanted)


def with_panel(home: Home, list_id: str = "dear", criterion: str = "fee_standard") -> Application:
    """An application whose panel is assigned."""
    add_experts(home, home.root / "experts.csv", FILED)
    one = applied(home, list_id, criterion)
    (made,) = assign(home, "test", FILED, only=one.id)
    return made


def voted(home: Home, one: Application, *verdicts: tuple[str, int | None]) -> None:
    """Votes of the panel in its order."""
    for code, (verdict, amount) in zip(one.panel, verdicts, strict=True):
        vote(home, one.id, code, verdict, "同意申报理由", FILED, amount_fen=amount)
