"""Prepayments 预付金: accounts, the plan of a year with its steps, instalments booked after the release."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict, Field

from tongpin.base.errors import TongpinError
from tongpin.documents.document import listed
from tongpin.payment.month.statement_columns import synthetic_notice
from tongpin.payment.prepay.adopted import adopted_plans
from tongpin.payment.prepay.plan import CASH_LABELS, SCHEME_LABELS, Plan, PlanRow
from tongpin.payment.prepay_home import account_in_home, pay_in_home
from tongpin.store import journal
from tongpin.store.control import reading
from tongpin.workbench.api.asking import Bench, needs
from tongpin.workbench.api.shapes import REFUSALS
from tongpin.workbench.api.sheets import Definition, Sheet, SheetColumn, SheetField, SheetFigure, SheetSection
from tongpin.workbench.api.statements import Area
from tongpin.workbench.approval.after import released
from tongpin.workbench.approval.money_errands import PREPAYMENT
from tongpin.workbench.listings.money import sees, whole_of
from tongpin.workbench.sign_in.identity import Identity
from tongpin.workbench.today import today

router = APIRouter(tags=["预付金"], responses=REFUSALS)
Reader = Annotated[Identity, Depends(needs("prepay.read"))]
Payer = Annotated[Identity, Depends(needs("prepay.write"))]
Year = Annotated[int, Query(ge=2015, le=2100)]


class PaymentWanted(BaseModel):
    """The year whose instalments that are due by today are booked."""

    model_config = ConfigDict(extra="forbid")
    year: int = Field(ge=2015, le=2100)
    area: str = Field(min_length=1, max_length=64)


class Booked(BaseModel):
    """What was booked now: entries and their sum in fen; what stood already is not booked again."""

    entries: int
    amount_fen: int


@router.get("/prepay/summary", summary="预付金概况与当年计划")
def prepay_summary(asker: Reader, bench: Bench, year: Year, area: Area) -> Sheet:
    """The accounts of the asker's hospitals, and the adopted plan of the year with the steps of each row."""
    # Plans and alarms belong to the whole area; only rows of hospitals that the asker sees are given.
    desk, whole = asker.desk(bench.home), whole_of(bench.home)
    view = account_in_home(whole, year, area)
    standings = [one for one in view.standings if sees(desk, one.institution_code)]
    plan = adopted_plans(whole, view.area).get(year)
    rows = [row for row in plan.rows if sees(desk, row.institution_code)] if plan else []
    definition = Definition(population="医保基金向医疗机构的预付金", period="截至现在", reference="S001-34 至 S001-44")
    alarms = [one for one in view.months if one.alarms and sees(desk, one.institution_code)]
    last = max((one.month for one in alarms), default="")
    return Sheet(
        title="预付金",
        note=f"{year} 年",
        simulated=bool(plan and plan.assumed),
        figures=[
            _figure("paid", "已预付", sum(one.paid_fen for one in standings), "拨付各笔之和", definition),
            _figure("balance", "预付余额", sum(one.balance_fen for one in standings), "拨付 − 冲抵 − 收回", definition),
            _figure("due", "到期未回", sum(one.due_fen for one in standings), "余额中已到冲抵期的部分", definition),
            SheetFigure(
                id="alarms",
                label="提示",
                value=sum(one.month == last for one in alarms),
                unit="家次",
                note=f"{last} 月末" if last else "没有提示",
                definition=definition.model_copy(update={"form": "使用率超过提示线，或到期未冲抵（S001-44）"}),
            ),
        ],
        sections=[_plan(plan, rows, year), *_steps(rows)],
        notes=[*synthetic_notice(desk), *view.notes, *(plan.notes if plan else ())],
    )


@router.post("/prepay/payments", status_code=201, summary="登记到期的预付拨付")
def prepay_pay(body: PaymentWanted, asker: Payer, bench: Bench) -> Booked:
    """Book the instalments that are due; refused (`prepay.state`) before the transfer of the plan was released."""
    subject = f"{body.area}/{body.year}"
    with reading(bench.engine) as connection:
        if not released(connection, PREPAYMENT, subject, listed(connection, kind=PREPAYMENT, subject=subject)):
            raise TongpinError(
                "prepay.state",
                f"{body.year} 年的预付金还没有放行拨付",
                where=subject,
                hint="计划须经审批、用印、放行（公文），再登记拨付",
            )
    made = pay_in_home(bench.home, today(bench.home), body.area)
    with bench.engine.begin() as connection:
        details = {"entries": [one.entry_id for one in made], "amount_fen": sum(one.amount_fen for one in made)}
        journal.record(
            connection,
            actor=asker.name,
            acted_as=asker.role.id,
            act="prepay.pay",
            subject=f"prepay/{subject}",
            details=details,
        )
    return Booked(entries=len(made), amount_fen=sum(one.amount_fen for one in made))


def _figure(name: str, label: str, value: int, form: str, definition: Definition) -> SheetFigure:
    told = definition.model_copy(update={"form": form})
    return SheetFigure(id=name, label=label, value=value, unit="万元", definition=told)


def _plan(plan: Plan | None, rows: list[PlanRow], year: int) -> SheetSection:
    if plan is None:
        return SheetSection(
            id="plan", label=f"{year} 年计划", note="没有核定的计划：由经办试算后送审，批准并执行后在这里列出"
        )
    fields = [
        SheetField(id="document", label="文号", value=plan.document),
        SheetField(id="policy", label="付费办法", value=plan.policy_label),
        SheetField(id="digest", label="计划摘要", value=plan.digest[:16]),
    ]
    return SheetSection(
        id="plan",
        label=f"{year} 年计划",
        fields=fields,
        columns=[
            SheetColumn(id="institution_name", label="医疗机构"),
            SheetColumn(id="fund_label", label="基金"),
            SheetColumn(id="scheme_label", label="办法"),
            SheetColumn(id="cash_label", label="资金"),
            SheetColumn(id="last_year_fen", label="上年支出", kind="money", unit="万元"),
            SheetColumn(id="core_fen", label="基数部分", kind="money", unit="万元"),
            SheetColumn(id="reserve_fen", label="预留部分", kind="money", unit="万元"),
            SheetColumn(id="total_fen", label="计划总额", kind="money", unit="万元"),
            SheetColumn(id="paid_fen", label="全年预付", kind="money", unit="万元"),
            SheetColumn(id="instalments", label="分次"),
            SheetColumn(id="told", label="原因与提示"),
        ],
        rows=[
            {
                "institution_name": row.institution_name,
                "fund_label": row.fund_label,
                "scheme_label": SCHEME_LABELS[row.scheme],
                "cash_label": CASH_LABELS[row.cash],
                "last_year_fen": row.last_year_fen,
                "core_fen": row.core_fen,
                "reserve_fen": row.reserve_fen,
                "total_fen": row.total_fen,
                "paid_fen": row.paid_fen,
                "instalments": "、".join(f"{one.day:%m-%d}" for one in row.instalments if one.amount_fen),
                "told": row.refused or "；".join(row.warnings),
            }
            for row in rows
        ],
    )


def _steps(rows: list[PlanRow]) -> list[SheetSection]:
    """The steps of the rows: what a budget was made of, in the words of the room."""
    told = [
        {"of": f"{row.institution_name} · {row.fund_label}", **step._asdict()} for row in rows for step in row.steps
    ]
    if not told:
        return []
    return [
        SheetSection(
            id="steps",
            label="怎样算出",
            columns=[
                SheetColumn(id="of", label="机构与基金"),
                SheetColumn(id="label", label="步骤"),
                SheetColumn(id="formula", label="怎样得出"),
                SheetColumn(id="amount_fen", label="金额", kind="money", unit="元"),
                SheetColumn(id="source", label="依据"),
            ],
            rows=told,
        )
    ]
