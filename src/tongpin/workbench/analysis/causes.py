"""Causes 盈亏原因: the reports of the room computed once per scope, and the answer that the page shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import BaseModel

from tongpin.twin.causes.problems import problems_in_home
from tongpin.twin.causes.run import BASES, Wanted, causes_in_home
from tongpin.twin.causes.top import top_in_home
from tongpin.twin.causes.words import (
    basis_rows,
    difference,
    few_label,
    main_factor,
    ranked_rows,
    waterfall_rows,
)
from tongpin.workbench.analysis.computing import Job

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    import pyarrow as pa

    from tongpin.store.home import Home
    from tongpin.twin.causes.breakdown import Piece
    from tongpin.twin.causes.problems import ProblemsReport
    from tongpin.twin.causes.run import CausesReport
    from tongpin.twin.causes.top import TopReport
    from tongpin.workbench.analysis.computing import Tell


class Step(BaseModel):
    """A line of the waterfall: amount and running amount in fen, and how it comes about; `is_sum` for both ends."""

    label: str
    amount_fen: int
    running_fen: int
    how: str
    is_sum: bool


class RankedRow(BaseModel):
    """A hospital, department or group below its base: sums in fen, and the factor that takes it down most."""

    code: str
    label: str
    case_count: int
    base_count: int
    base_fen: int
    result_fen: int
    difference_fen: int
    main_factor: str


class PieceRow(BaseModel):
    """A diagnosis or doctor of the group: per case against the base in fen with its interval, and what may be said."""

    name: str
    case_count: int
    share: float
    result_fen: int
    difference_fen: int
    per_case_fen: int
    low_fen: int | None
    high_fen: int | None
    verdict: str
    mean_stay: float | None
    mean_fee_fen: int
    mean_drug_fen: int
    mean_consumable_fen: int
    mean_exam_fen: int


class CauseCase(BaseModel):
    """A case to look at, and why."""

    case_id: str
    dept: str
    doctor_code: str
    dx: str
    stay_days: int | None
    total_fee_fen: int
    why: str


class CauseShown(BaseModel):
    """A cause that figures suggest: what was measured, what it is worth in fen (null: no money), its cases."""

    id: str
    label: str
    words: str
    next_step: str
    drg: str
    group_label: str
    case_count: int
    measured: list[str]
    amount_fen: int | None
    simulated: bool
    cases: list[CauseCase]


class RefusedAdvice(BaseModel):
    """A suggestion that the filter of advice did not let through, and why."""

    subject: str
    message: str
    hint: str


class BasisLine(BaseModel):
    """A part, cause or limit in words, with its reference."""

    kind: str
    label: str
    text: str
    reference: str
    assumed: str


class CausesSheet(BaseModel):
    """A result taken apart: the waterfall, who and which groups lie below, pieces of the group asked for, causes."""

    scope: str
    month: str
    base: str
    base_label: str
    bases: dict[str, str]
    case_count: int
    base_count: int
    steps: list[Step]
    slice_label: str
    slices: list[RankedRow]
    groups: list[RankedRow]
    few: str
    group: str | None
    diagnoses: list[PieceRow]
    doctors: list[PieceRow]
    causes: list[CauseShown]
    refused: list[RefusedAdvice]
    notices: list[str]
    notes: list[str]
    basis: list[BasisLine]
    simulated: bool


def causes_job(home: Home, wanted: Wanted) -> Job[CausesReport]:
    """The causes of a result over the whole home: its base is other hospitals."""

    def work(tell: Tell) -> CausesReport:
        tell("读取关账月份，逐项替代分解")
        return causes_in_home(home, wanted)

    return Job(("causes", wanted), work)


def top_job(home: Home, wanted: Wanted) -> Job[TopReport]:
    """The groups that departments treat most."""

    def work(tell: Tell) -> TopReport:
        tell("汇总各科室的病组")
        return top_in_home(home, wanted)

    return Job(("causes/top", wanted), work)


def problems_job(home: Home, wanted: Wanted) -> Job[ProblemsReport]:
    """The 双问题 list and the complications to check."""

    def work(tell: Tell) -> ProblemsReport:
        tell("结算与考核交叉，合并症与同级比较")
        return problems_in_home(home, wanted)

    return Job(("causes/problems", wanted), work)


def causes_sheet(report: CausesReport) -> CausesSheet:
    """The report as the page shows it."""
    group = report.wanted.group
    what = {"institution_code": "机构", "dept": "科室"}.get(report.slice_column, "")
    of_place = report.labels.institution if report.slice_column == "institution_code" else report.labels.dept
    slices, _ = _ranked(report.slices, report.slice_column, what, of_place) if report.slice_column else ([], "")
    groups, few = _ranked(report.groups, "drg", "病组", report.labels.group)
    return CausesSheet(
        scope=report.scope,
        month=report.wanted.month,
        base=report.base,
        base_label=report.base_label,
        bases=dict(BASES),
        case_count=report.total["case_count"],
        base_count=report.total["base_count"],
        steps=[Step.model_validate(one._asdict()) for one in waterfall_rows(report)],
        slice_label=what,
        slices=slices,
        groups=groups,
        few=few,
        group=group,
        diagnoses=[_piece(one) for one in report.diagnoses.get(group or "", ())],
        doctors=[_piece(one) for one in report.doctors.get(group or "", ())],
        causes=[
            CauseShown(
                id=one.cause.id,
                label=one.cause.label,
                words=one.cause.words,
                next_step=one.cause.next_step,
                drg=one.drg,
                group_label=report.labels.group(one.drg),
                case_count=one.case_count,
                measured=list(one.measured),
                amount_fen=one.amount_fen,
                simulated=one.cause.assumed,
                cases=[
                    CauseCase(
                        case_id=case.case_id,
                        dept=report.labels.dept(case.dept),
                        doctor_code=case.doctor_code,
                        dx=case.dx,
                        stay_days=case.stay_days,
                        total_fee_fen=case.total_fee_fen,
                        why=case.why,
                    )
                    for case in one.cases
                ],
            )
            for one in report.causes
        ],
        refused=[RefusedAdvice(subject=one.path, message=one.message, hint=one.hint) for one in report.refused],
        notices=list(report.notices),
        notes=list(report.notes),
        basis=[BasisLine.model_validate(row) for row in basis_rows()],
        simulated=any(line.startswith("模拟") for line in report.notices),
    )


def _ranked(table: pa.Table, column: str, what: str, name: Callable[[str], str]) -> tuple[list[RankedRow], str]:
    """The rows below their base, the largest loss first, and in words those with too few cases."""
    rows, few = ranked_rows(table, column)
    return [_row(row, row[column], name(row[column])) for row in rows], "" if few is None else few_label(few, what)


def _row(row: Mapping[str, Any], code: str, label: str) -> RankedRow:
    return RankedRow(
        code=code,
        label=label,
        case_count=row["case_count"],
        base_count=row["base_count"],
        base_fen=row["base_fen"],
        result_fen=row["result_fen"],
        difference_fen=difference(row),
        main_factor=main_factor(row),
    )


def _piece(one: Piece) -> PieceRow:
    told = one._asdict()
    return PieceRow.model_validate(told | {"share": told.pop("share_e4") / 10_000, "name": one.name or "未填"})
