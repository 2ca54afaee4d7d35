"""Machines 机器接口: cases taken in, grouped and priced before settlement; each request done once where it says so."""

from __future__ import annotations

import math
from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

from fastapi import APIRouter, Body, Depends, Header, Response
from pydantic import BaseModel, ConfigDict, Field, NaiveDatetime
from starlette.concurrency import run_in_threadpool

from tongpin.grouping.explain import reason_of
from tongpin.grouping.tables.model import STATUS_LABELS, Status
from tongpin.store import journal
from tongpin.workbench.api.asking import Bench, Workbench, needs
from tongpin.workbench.api.shapes import REFUSALS
from tongpin.workbench.machines.intake import check_count, load_cases
from tongpin.workbench.machines.once import REPLAYED, key_of, once
from tongpin.workbench.machines.pricing import price_cases
from tongpin.workbench.sign_in.identity import Identity
from tongpin.workbench.sign_in.roles import settings_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from tongpin.grouping.scheme import Scheme
    from tongpin.records.intake.load import LoadReport
    from tongpin.workbench.machines.pricing import Priced

Answer = TypeVar("Answer", bound=BaseModel)
router = APIRouter(tags=["机器"], responses=REFUSALS)
MOST_FINDINGS = 1_000
_SCALE = 10_000.0
Key = Annotated[
    str | None,
    Header(alias="Idempotency-Key", min_length=1, max_length=128, pattern=r"^[\x21-\x7e]+$"),
]
Text = Annotated[str, Field(max_length=64)]
Code = Annotated[str, Field(min_length=1, max_length=64)]
Codes = Annotated[list[Text], Field(max_length=500)]
Number = Annotated[float, Field(allow_inf_nan=False, ge=-1e9, le=1e9)]
WallTime = Annotated[NaiveDatetime, Field(ge=datetime(1990, 1, 1), le=datetime(2100, 1, 1))]  # noqa: DTZ001
"""A time of a record: that of its place, without a zone."""
Fen = Annotated[int, Field(ge=0, le=10**13)]


class CasesSent(BaseModel):
    """Cases to load: 4101 messages (`settlement-list`), or objects of the plain layout (`plain`)."""

    model_config = ConfigDict(extra="forbid")
    kind: Literal["settlement-list", "plain"]
    cases: list[dict[str, Any]] = Field(min_length=1)


class FindingShown(BaseModel):
    """What is wrong with a case: `record` is its place among those sent, from 1; 0 is about all of them."""

    rule_id: str
    severity: str
    record: int
    path: str
    value: str
    message: str
    hint: str


class CasesLoaded(BaseModel):
    """What became of the cases; records = new + changed + older + unchanged + rejected + repeated."""

    load: int
    records: int
    new: int
    changed: int
    older: int
    unchanged: int
    rejected: int
    repeated: int
    finding_count: int
    findings: list[FindingShown]


class GroupCase(BaseModel):
    """A case as grouping reads it; further keys are the fields that the scheme declares."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, Number | Text | None]
    case_id: Text = ""
    sex: Literal[1, 2] | None = None
    age: Number | None = None
    age_days: Number | None = None
    birth_weight: Number | None = None
    dept: Text | None = None
    los: Number | None = None
    discharge_way: Text | None = None
    dx: Codes = Field(min_length=1)
    px: Codes = []
    icu_hours: Number | None = None
    code_map: Literal[0, 1] = 0


class ToGroup(BaseModel):
    """Cases and the scheme; without one that of the last closed month. `explain` adds why."""

    model_config = ConfigDict(extra="forbid")
    scheme: Code | None = None
    explain: bool = False
    cases: list[GroupCase] = Field(min_length=1)


class SchemeShown(BaseModel):
    """The scheme that grouped: the same digest gives the same groups."""

    id: str
    title: str
    digest: str


class WhyWithout(BaseModel):
    """Why a case has no group."""

    code: str
    label: str
    hint: str


class GroupShown(BaseModel):
    """The group of a case; `explanation` (path, evidence, complications) and `reason` where they were asked for."""

    case_id: str
    status: str
    status_label: str
    mdc: str
    adrg: str
    drg: str
    name: str
    reason: WhyWithout | None = None
    explanation: dict[str, Any] | None = None


class Grouped(BaseModel):
    """The groups, in the order of the cases."""

    scheme: SchemeShown
    cases: list[GroupShown]


class PriceCase(BaseModel):
    """A case to be priced: amounts in fen. `on` is the day of its price (the discharge, or the day of settlement).

    Who pays what may be left open, all three of it: then no amount that rests on it is given.
    """

    model_config = ConfigDict(extra="forbid")
    case_id: Code
    institution_code: Code
    on: date = Field(ge=date(2000, 1, 1), le=date(2100, 1, 1))
    insurance: Literal["310", "340", "390"]
    care_type: Literal["inpatient", "day_surgery"] = "inpatient"
    sex: Literal[1, 2] | None = None
    age: int | None = Field(default=None, ge=0, le=200)
    age_days: int | None = Field(default=None, ge=0, le=366)
    birth_weight: int | None = Field(default=None, ge=0, le=20_000)
    admission_time: WallTime | None = None
    discharge_time: WallTime | None = None
    los: int | None = Field(default=None, ge=0, le=100_000)
    dept: Text | None = None
    discharge_way: Text | None = None
    dx: Codes = Field(min_length=1)
    px: Codes = []
    icu_hours: int | None = Field(default=None, ge=0, le=1_000_000)
    total_fee_fen: Fen
    drug_fee_fen: Fen | None = None
    consumable_fee_fen: Fen | None = None
    exam_fee_fen: Fen | None = None
    service_fee_fen: Fen | None = None
    patient_pay_fen: Fen | None = None
    pool_pay_fen: Fen | None = None
    other_fund_pay_fen: Fen | None = None


class ToPrice(BaseModel):
    """Cases and the area whose edition prices them; without one the home's only area."""

    model_config = ConfigDict(extra="forbid")
    area: Code | None = None
    cases: list[PriceCase] = Field(min_length=1)


class StepShown(BaseModel):
    """A step of a price: the sentence, its amount, the parameters it rests on and where they stand."""

    label: str
    text: str
    amount_fen: int | None
    parameters: list[str]
    source: str


class EditionShown(BaseModel):
    """The edition that priced a case."""

    id: str
    label: str
    digest: str


class PriceShown(BaseModel):
    """What a case would be paid; amounts in fen, null where the steps or the notes say why."""

    case_id: str
    edition: EditionShown
    status: str
    drg: str
    scope: str
    reason: str | None
    weight: float | None
    rate_fen: int | None
    coefficient: float | None
    standard_fen: int | None
    outlier_class: str | None
    gross_fen: int | None
    patient_fen: int | None
    other_funds_fen: int | None
    pool_payable_fen: int | None
    item_pool_fen: int | None
    result_fen: int | None
    simulated: bool
    notes: list[str]
    steps: list[StepShown]


class Prices(BaseModel):
    """The prices, in the order of the cases; nothing of it is kept."""

    cases: list[PriceShown]


@router.post("/cases", summary="上传病例（4101 清单或通用格式）", responses={200: {"model": CasesLoaded}})
def send_cases(
    body: CasesSent,
    asker: Annotated[Identity, Depends(needs("files.upload"))],
    bench: Bench,
    response: Response,
    key: Key = None,
) -> CasesLoaded:
    """Load cases as a file of theirs would be loaded; all of them, or none where one is outside the asker's scope.

    The same list again changes nothing; a newer version stands beside the old one.
    """
    check_count(len(body.cases), settings_of(bench.home)["request.most_cases"])

    def act() -> CasesLoaded:
        report = load_cases(bench.home, asker.grant.scope, body.kind, body.cases)
        loaded = _loaded(report)
        with bench.engine.begin() as connection:
            journal.record(
                connection,
                actor=asker.name,
                act="cases.send",
                subject=f"load/{report.load}",
                details={"kind": body.kind, "by": asker.display, **loaded.model_dump(exclude={"findings", "load"})},
                acted_as=asker.role.id,
            )
        return loaded

    return _answered(bench, asker, key, "/cases", body, response, act)


@router.post("/group", summary="分组（一例或多例）")
async def group_cases(
    body: ToGroup,
    asker: Annotated[Identity, Depends(needs("cases.group"))],
    bench: Bench,
    response: Response,
    key: Key = None,
) -> Grouped:
    """The group of each case by a scheme, with the path and the reasons where `explain` asks; nothing is kept."""
    limits = settings_of(bench.home)
    check_count(len(body.cases), limits["request.most_explained" if body.explain else "request.most_cases"])
    if len(body.cases) == 1 and not body.explain and key is None:
        # One case is grouped sooner than a thread is woken.
        kept = bench.ready.kept_scheme(bench.home, body.scheme)
        if kept is not None:
            return _all_grouped(kept, body)

    def act() -> Grouped:
        return _all_grouped(bench.ready.scheme(bench.home, body.scheme), body)

    return await run_in_threadpool(_answered, bench, asker, key, "/group", body, response, act)


@router.post("/price", summary="试定价（结算之前）")
def price_before_settlement(
    body: Annotated[ToPrice, Body()],
    asker: Annotated[Identity, Depends(needs("cases.price"))],
    bench: Bench,
    response: Response,
    key: Key = None,
) -> Prices:
    """Group, standard, outlier class and steps of each case by the edition of its day; nothing is kept."""
    check_count(len(body.cases), settings_of(bench.home)["request.most_explained"])
    asker.check_area(body.area)

    def act() -> Prices:
        area = body.area or asker.grant.area
        cases = [one.model_dump() for one in body.cases]
        told = price_cases(bench.home, asker.grant.scope, bench.ready, area, cases)
        return Prices(cases=[_price(one) for one in told])

    return _answered(bench, asker, key, "/price", body, response, act)


def _answered(
    bench: Workbench,
    asker: Identity,
    key: str | None,
    path: str,
    body: BaseModel,
    response: Response,
    act: Callable[[], Answer],
) -> Answer:
    if key is None:
        return act()
    made, is_earlier = once(bench.engine, bench.home, key_of(asker, key, path, body), act)
    if is_earlier:
        response.headers[REPLAYED] = "true"
    return made  # type: ignore[return-value]  # an earlier answer is the plain data of one


def _loaded(report: LoadReport) -> CasesLoaded:
    names = ("records", "new", "changed", "older", "unchanged", "rejected", "repeated")
    found = report.findings
    return CasesLoaded(
        load=report.load,
        **{name: getattr(report, name).total() for name in names},
        finding_count=len(found),
        findings=[
            FindingShown(
                rule_id=one.rule_id,
                severity=one.severity,
                record=one.record,
                path=one.path,
                value=one.value,
                message=one.message,
                hint=one.hint,
            )
            for one in found[:MOST_FINDINGS]
        ],
    )


def _all_grouped(scheme: Scheme, body: ToGroup) -> Grouped:
    shown = SchemeShown(id=scheme.id, title=scheme.title, digest=scheme.digest)
    return Grouped(scheme=shown, cases=[_grouped(scheme, one, explain=body.explain) for one in body.cases])


def _grouped(scheme: Scheme, given: GroupCase, *, explain: bool) -> GroupShown:
    case = scheme.case(given.model_dump())
    outcome = scheme.group_one(case)
    reason = told = None
    if explain:
        told = _finite(scheme.explain(case).as_dict())
        if outcome.status != Status.GROUPED:
            why = reason_of(scheme.tables, case)
            reason = WhyWithout(code=why.code, label=why.label, hint=why.hint)
    return GroupShown(
        case_id=given.case_id,
        status=outcome.status,
        status_label=STATUS_LABELS[Status(outcome.status)],
        mdc=outcome.mdc,
        adrg=outcome.adrg,
        drg=outcome.drg,
        name=scheme.groups.get(outcome.drg, ""),
        reason=reason,
        explanation=told,
    )


def _finite(value: Any) -> Any:
    """Plain data without numbers that JSON does not know."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, dict):
        return {key: _finite(one) for key, one in value.items()}
    return [_finite(one) for one in value] if isinstance(value, (list, tuple)) else value


def _price(one: Priced) -> PriceShown:
    row, policy = one.row, one.desk.policy
    weight, coefficient = row["weight_e4"], row["coefficient_e4"]
    return PriceShown(
        case_id=row["case_id"],
        edition=EditionShown(id=policy.id, label=policy.edition.label, digest=policy.digest),
        status=row["status"],
        drg=row["drg"],
        scope=row["pay_scope"],
        reason=row["by_item_reason"],
        weight=None if weight is None else weight / _SCALE,
        rate_fen=row["rate_fen"],
        coefficient=None if coefficient is None else coefficient / _SCALE,
        standard_fen=row["standard_fen"],
        outlier_class=row["outlier_class"],
        gross_fen=row["gross_fen"],
        patient_fen=row["patient_fen"],
        other_funds_fen=row["other_funds_fen"],
        pool_payable_fen=row["pool_payable_fen"],
        item_pool_fen=row["item_pool_fen"],
        result_fen=row["result_fen"],
        simulated=bool(one.desk.assumed),
        notes=list(one.notes),
        steps=[
            StepShown(
                label=step.label,
                text=step.text,
                amount_fen=step.amount_fen,
                parameters=list(step.keys),
                source=step.source,
            )
            for step in one.steps
        ],
    )
