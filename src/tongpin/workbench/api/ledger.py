"""Ledger 账簿: the books of a year, months posted by finance, and the five records of a month compared."""

from __future__ import annotations

from typing import Annotated

import pyarrow.compute as pc
from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict, Field

from tongpin.payment.ledger.accounts import KINDS
from tongpin.payment.ledger.papers import book_basis
from tongpin.payment.ledger.reconcile import SIDES
from tongpin.payment.ledger.run import book_in_home, post_in_home
from tongpin.payment.month.statement_columns import synthetic_notice
from tongpin.store import journal
from tongpin.workbench.api.asking import Bench, needs
from tongpin.workbench.api.documents import MONTH
from tongpin.workbench.api.shapes import REFUSALS
from tongpin.workbench.api.sheets import Definition, Sheet, SheetColumn, SheetFigure, SheetSection
from tongpin.workbench.api.statements import Area, Month
from tongpin.workbench.listings.money import missing_words, reconciled
from tongpin.workbench.sign_in.identity import Identity

router = APIRouter(tags=["账簿与对账"], responses=REFUSALS)
Reader = Annotated[Identity, Depends(needs("ledger.read"))]
Poster = Annotated[Identity, Depends(needs("ledger.write"))]
Year = Annotated[int, Query(ge=2015, le=2100)]


class PostingWanted(BaseModel):
    """A closed month to be posted; `region` is the division code of the area, for cases of visitors."""

    model_config = ConfigDict(extra="forbid")
    month: str = Field(pattern=MONTH)
    area: str = Field(min_length=1, max_length=64)
    region: str | None = Field(default=None, pattern=r"^\d{6}$")


class PostingDone(BaseModel):
    """What stands of the period: how many sides, and the sum of the debit side, which is that of the credit side."""

    month: str
    was_posted: bool
    sides: int
    debit_fen: int
    credit_fen: int
    notes: list[str]


@router.get("/ledger/books", summary="一年的账簿")
def ledger_books(asker: Reader, bench: Bench, year: Year, area: Area) -> Sheet:
    """Balances by book and account, the four streams of returned money, and the assertions that held (S003-18).

    The books are those of the whole area: to whoever sees a part of it they are closed (`store.scope`).
    """
    desk = asker.desk(bench.home)
    book = book_in_home(desk, year, area)
    balances = [row | {"kind_label": KINDS[row["kind"]]} for row in book.balances.to_pylist()]
    return Sheet(
        title="账簿",
        note=f"{year} 年",
        figures=[],
        sections=[
            SheetSection(
                id="balances",
                label="科目余额",
                columns=[
                    SheetColumn(id="book_label", label="账套"),
                    SheetColumn(id="account", label="科目"),
                    SheetColumn(id="account_label", label="名称"),
                    SheetColumn(id="kind_label", label="性质"),
                    SheetColumn(id="opening_fen", label="年初", kind="money", unit="万元"),
                    SheetColumn(id="debit_fen", label="借方", kind="money", unit="万元"),
                    SheetColumn(id="credit_fen", label="贷方", kind="money", unit="万元"),
                    SheetColumn(id="closing_fen", label="期末", kind="money", unit="万元"),
                ],
                rows=balances,
            ),
            SheetSection(
                id="streams",
                label="四项退回",
                note="四项有重叠，不相加",
                columns=[
                    SheetColumn(id="label", label="项目"),
                    SheetColumn(id="institutions", label="机构数", kind="integer"),
                    SheetColumn(id="count", label="笔数", kind="integer"),
                    SheetColumn(id="amount_fen", label="金额", kind="money", unit="万元"),
                    SheetColumn(id="reference", label="依据"),
                ],
                rows=book.streams.to_pylist(),
            ),
            SheetSection(
                id="assertions",
                label="平衡断言",
                note="每次记账都核对；有一项不等，就没有这份账",
                columns=[
                    SheetColumn(id="label", label="断言"),
                    SheetColumn(id="fund_label", label="基金"),
                    SheetColumn(id="ledger_fen", label="账簿", kind="money", unit="元"),
                    SheetColumn(id="record_fen", label="来源", kind="money", unit="元"),
                    SheetColumn(id="held", label="结果"),
                ],
                rows=[one._asdict() | {"held": "相等"} for one in book.assertions],
            ),
        ],
        notes=[*synthetic_notice(desk), *book_basis(book, year)],
    )


@router.post("/ledger/postings", status_code=201, summary="记一个已关账的月份")
def ledger_post(body: PostingWanted, asker: Poster, bench: Bench) -> PostingDone:
    """Post a closed month with what arrived since; one that stands is not posted twice. Errors: `ledger.*`."""
    found = post_in_home(bench.home, body.month, body.region, body.area)
    debit, credit = (pc.sum(found.postings[name]).as_py() or 0 for name in ("debit_fen", "credit_fen"))
    with bench.engine.begin() as connection:
        journal.record(
            connection,
            actor=asker.name,
            acted_as=asker.role.id,
            act="ledger.post",
            subject=f"ledger/{found.area}/{body.month}",
            details={"sides": found.postings.num_rows, "debit_fen": debit, "was_posted": found.was_posted},
        )
    return PostingDone(
        month=body.month,
        was_posted=found.was_posted,
        sides=found.postings.num_rows,
        debit_fen=debit,
        credit_fen=credit,
        notes=list(found.notes),
    )


@router.get("/ledger/reconcile", summary="五方对账的合计")
def ledger_reconcile(asker: Reader, bench: Bench, month: Month, area: Area) -> Sheet:
    """The records of a month side by side for the asker's hospitals, and the cases that differ (S901-07)."""
    desk = asker.desk(bench.home)
    found = reconciled(desk, month, area)
    rows = []
    for side, label in SIDES.items():
        if side not in found.missing:
            sums = {
                name: pc.sum(found.days[f"{side}_{name}"]).as_py() or 0 for name in ("count", "fee_fen", "pool_fen")
            }
            rows.append({"label": label, **sums})
    differing = found.bank.filter(found.bank["differs"]).num_rows
    definition = Definition(population="本月结算的病例", period=month, reference="S901-07")
    figures = [
        SheetFigure(
            id="cases",
            label="不一致的病例",
            value=found.cases.num_rows,
            unit="例",
            reading="worse" if found.cases.num_rows else "none",
            definition=definition.model_copy(update={"form": "相邻两方例数、总费用或统筹不同的病例"}),
        ),
        SheetFigure(
            id="bank",
            label="拨付与到账不一致",
            value=None if "bank" in found.missing else differing,
            unit="笔",
            note="没有装载到账" if "bank" in found.missing else None,
            reading="worse" if differing else "none",
            definition=definition.model_copy(update={"form": "应拨、基金账、银行三方金额不同的机构与基金"}),
        ),
    ]
    pairs = pc.value_counts(found.cases["between"]).to_pylist()
    return Sheet(
        title="五方对账",
        note=month,
        figures=figures,
        sections=[
            SheetSection(
                id="sides",
                label="各方合计",
                columns=[
                    SheetColumn(id="label", label="哪一方"),
                    SheetColumn(id="count", label="例数", kind="integer"),
                    SheetColumn(id="fee_fen", label="总费用", kind="money", unit="元"),
                    SheetColumn(id="pool_fen", label="按项目统筹", kind="money", unit="元"),
                ],
                rows=rows,
            ),
            SheetSection(
                id="between",
                label="不一致在哪两方之间",
                columns=[
                    SheetColumn(id="between", label="哪两方"),
                    SheetColumn(id="cases", label="病例", kind="integer"),
                ],
                rows=[{"between": one["values"], "cases": one["counts"]} for one in pairs],
            ),
        ],
        notes=[*synthetic_notice(desk), *missing_words(found)],
    )
