"""Statements 月度支付情况: totals by level, one hospital and fund with every amount told, the paper for the stamp."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated, Any

import pyarrow as pa
import pyarrow.compute as pc
from fastapi import APIRouter, Depends, Query
from fastapi.responses import FileResponse

from tongpin.base.errors import StoreError
from tongpin.payment.explain_amount import Explained, Told, explain_statement
from tongpin.payment.month.closed import closed_manifest, statements
from tongpin.payment.month.posting import LINE_KINDS
from tongpin.payment.month.statement_columns import LEVELS, synthetic_notice
from tongpin.payment.month.statement_pdf import write_statement_pdf
from tongpin.report.words import month_text
from tongpin.workbench.api.asking import Bench, needs
from tongpin.workbench.api.documents import MONTH, PDF, sent
from tongpin.workbench.api.shapes import REFUSALS
from tongpin.workbench.api.sheets import Definition, Sheet, SheetColumn, SheetField, SheetFigure, SheetSection
from tongpin.workbench.listings.cases import basis
from tongpin.workbench.sign_in.identity import Identity

router = APIRouter(tags=["月度支付情况"], responses=REFUSALS)
Reader = Annotated[Identity, Depends(needs("statements.read"))]
Month = Annotated[str, Query(pattern=MONTH)]
Area = Annotated[str, Query(min_length=1, max_length=64)]
Code = Annotated[str, Query(max_length=64)]
FILE: dict[int | str, dict[str, Any]] = {200: {"content": {PDF: {"schema": {"type": "string", "format": "binary"}}}}}
_SUMS = (
    *("cases", "drg_cases", "ungrouped_cases", "high_cases", "low_cases", "item_pool_fen", "pool_payable_fen"),
    *("total_fee_fen", "month_item_pool_fen", "month_pool_payable_fen", "month_result_fen", "audit_deduction_fen"),
    *("penalty_fen", "deposit_fen", "prepay_offset_fen", "cash_transfer_fen"),
)
_MOST_LINES = 200
"""How many lines behind an amount a page shows; the list of cases has all."""
WHOLE = "合计"


@router.get("/statements/summary", summary="按级别与基金的合计")
def statements_summary(asker: Reader, bench: Bench, month: Month, area: Area) -> Sheet:
    """The closed month of the asker's hospitals: figures, and totals by level and by fund. Errors: `settle.open`."""
    desk = asker.desk(bench.home)
    manifest = closed_manifest(desk, month, area)
    rows = statements(desk, area, [month])
    notes, simulated = basis(desk, manifest)
    whole = _summed(rows)
    levels = [one for one in (*LEVELS, *_others(rows)) if pc.any(pc.equal(rows["hospital_level"], one)).as_py()]
    by_level = [_line(one, rows.filter(pc.equal(rows["hospital_level"], one))) for one in levels]
    funds = sorted({(row["fund"], row["fund_label"]) for row in rows.select(["fund", "fund_label"]).to_pylist()})
    by_fund = [_line(label, rows.filter(pc.equal(rows["fund"], fund))) for fund, label in funds]
    definition = Definition(
        population="医保全部住院清单（按项目付费的机构也在内）",
        period=month_text(month),
        weight_edition=manifest["weights_label"],
        reference="S004-12",
        simulated=simulated,
    )
    return Sheet(
        title="月度支付情况",
        note=f"{month_text(month)} · {manifest['policy_label']}",
        simulated=simulated,
        figures=_figures(whole, rows, definition),
        sections=[
            SheetSection(id="levels", label="按机构级别", columns=_COLUMNS, rows=[*by_level, _line(WHOLE, rows)]),
            SheetSection(id="funds", label="按基金", columns=_COLUMNS, rows=[*by_fund, _line(WHOLE, rows)]),
        ],
        notes=[*notes, f"结果摘要 {manifest['result_digest'][:16]}"],
    )


@router.get("/statements/paper", summary="支付情况表（A4）", response_class=FileResponse, responses=FILE)
def statements_paper(asker: Reader, bench: Bench, month: Month, area: Area, institution: Code = "") -> FileResponse:
    """The statement on A4, one document a hospital, with capitals and seams (S919-01). Errors: `explain.place`."""
    desk = asker.desk(bench.home)
    manifest = closed_manifest(desk, month, area)
    rows = statements(desk, area, [month])
    if institution:
        rows = rows.filter(pc.equal(rows["institution_code"], institution))
    if not rows.num_rows:
        raise no_place(institution)
    assumed = manifest["assumed"]
    notices = [*synthetic_notice(desk), *([f"模拟：{len(assumed)} 项取值没有文件确认"] if assumed else [])]
    with tempfile.NamedTemporaryFile(prefix="tongpin-", suffix=".pdf", delete=False) as file:
        path = Path(file.name)
    write_statement_pdf(rows, manifest, path, notices=notices)
    name = f"支付情况表-{manifest['area']}-{month}{f'-{institution}' if institution else ''}.pdf"
    return sent(path, name, bench, asker, f"statement/{area}/{month}")


@router.get("/statements/{institution}/{fund}", summary="一家机构一项基金的支付情况，逐项说清")
def statement_told(
    institution: str, fund: str, asker: Reader, bench: Bench, month: Month, area: Area, column: Code = ""
) -> Sheet:
    """Every amount with its formula and parameters; with `column` that amount, what it is made of, and its cases.

    Errors: `settle.open`, `explain.place`, `explain.column`.
    """
    desk = asker.desk(bench.home)
    manifest = closed_manifest(desk, month, area)
    told = explain_statement(desk, month, institution, fund, column or None, area)
    rows = statements(desk, area, [month])
    here = rows.filter(pc.and_(pc.equal(rows["institution_code"], institution), pc.equal(rows["fund"], fund)))
    row = here.to_pylist()[0]
    notes, simulated = basis(desk, manifest)
    link = f"/statements/{institution}/{fund}?column={{column}}&month={month}"
    sections = [_place(row, manifest), *told_sections(told, "" if column else link, leave_out=not column)]
    return Sheet(
        title=f"{row['institution_name']} · {row['fund_label']}",
        note=f"{month_text(month)} · {manifest['policy_label']}",
        simulated=simulated,
        sections=sections,
        notes=[*notes, f"结果摘要 {manifest['result_digest'][:16]}"],
    )


def told_sections(told: Explained, link: str = "", *, leave_out: bool = False) -> list[SheetSection]:
    """Told amounts, the parameters that they rest on, and the lines behind the last one.

    `leave_out`: amounts of nothing are named in a line only.
    """
    nothing = [one.title for one in told.told if leave_out and not one.amount_fen]
    shown = [one for one in told.told if not leave_out or one.amount_fen]
    amounts = SheetSection(
        id="amounts",
        label="金额与算法" if len(told.told) > 1 else "怎样得出",
        note=f"本月没有金额：{'、'.join(nothing)}" if nothing else "",
        columns=[
            SheetColumn(id="title", label="项目"),
            SheetColumn(id="amount_fen", label="金额", kind="money", unit="元"),
            SheetColumn(id="text", label="怎样得出"),
            SheetColumn(id="parameters", label="所依据的参数"),
        ],
        rows=[_amount(one) for one in shown],
        link=link or None,
    )
    seen = {line.key: line for one in shown for line in one.parameters}
    parameters = SheetSection(
        id="parameters",
        label="参数的取值与出处",
        columns=[
            SheetColumn(id="label", label="参数"),
            SheetColumn(id="words", label="取值"),
            SheetColumn(id="since", label="自何时"),
            SheetColumn(id="source", label="出处"),
            SheetColumn(id="note", label="说明"),
        ],
        rows=[line._asdict() for line in seen.values()],
    )
    found = [amounts, *([parameters] if seen else [])]
    if told.lines.num_rows:
        more = told.lines.num_rows - _MOST_LINES
        total = f"共 {told.lines.num_rows:,} 份，合计 {(told.lines_fen or 0) / 100:,.2f} 元，等于上面的金额"
        found.append(
            SheetSection(
                id="lines",
                label="背后的病例",
                note=f"{total}{f'；列出金额最大的 {_MOST_LINES} 份' if more > 0 else ''}",
                columns=[
                    SheetColumn(id="case_id", label="结算号"),
                    SheetColumn(id="period", label="入账月份"),
                    SheetColumn(id="kind_label", label="类型"),
                    SheetColumn(id="drg", label="病组"),
                    SheetColumn(id="amount_fen", label="金额", kind="money", unit="元"),
                ],
                rows=[
                    line | {"kind_label": LINE_KINDS.get(line["line_kind"], line["line_kind"])}
                    for line in told.lines.slice(0, _MOST_LINES).to_pylist()
                ],
                link="/cases/{case_id}",
            )
        )
    return found


def _amount(one: Told) -> dict[str, Any]:
    _, _, formula = one.text.partition(" = ")
    text = formula or one.text.partition("：")[2]
    parameters = "；".join(f"{line.label}：{line.words}" for line in one.parameters)
    return {
        "column": one.column,
        "title": one.title,
        "amount_fen": one.amount_fen,
        "text": text,
        "parameters": parameters,
    }


def no_place(institution: str) -> StoreError:
    """The refusal for a hospital that the month, or the asker's scope, does not have."""
    return StoreError("explain.place", "这里没有这家机构", where=institution, hint="核对机构代码")


def _place(row: dict[str, Any], manifest: Any) -> SheetSection:
    fields = [
        SheetField(id="institution_code", label="机构代码", value=row["institution_code"]),
        SheetField(id="hospital_level", label="级别", value=row["hospital_level"]),
        SheetField(id="pay_mode_label", label="付费方式", value=row["pay_mode_label"]),
        SheetField(id="cases", label="清单", kind="integer", unit="例", value=row["cases"]),
        SheetField(id="drg_cases", label="按病组", kind="integer", unit="例", value=row["drg_cases"]),
        SheetField(
            id="settlement_ratio",
            label="结付率",
            kind="ratio",
            value=row["settlement_ratio"],
            note="统筹应付 ÷ 按项目统筹，只含本月正常入账",
        ),
        SheetField(
            id="cmi",
            label="CMI（医保）",
            kind="decimal",
            digits=4,
            value=None if row["cmi_e4"] is None else row["cmi_e4"] / 10_000,
            note=f"总权重 ÷ 病组病例数；{manifest['weights_label']}",
        ),
        SheetField(id="cash", label="本月拨付", kind="money", unit="元", value=row["cash_transfer_fen"]),
    ]
    return SheetSection(id="place", label="概况", fields=fields)


_COLUMNS = [
    SheetColumn(id="label", label="项目"),
    SheetColumn(id="institutions", label="机构", kind="integer"),
    SheetColumn(id="cases", label="清单", kind="integer"),
    SheetColumn(id="total_fee_fen", label="总费用", kind="money", unit="万元"),
    SheetColumn(id="month_item_pool_fen", label="按项目应付", kind="money", unit="万元"),
    SheetColumn(id="month_pool_payable_fen", label="统筹应付", kind="money", unit="万元"),
    SheetColumn(id="month_result_fen", label="盈亏", kind="money", unit="万元"),
    SheetColumn(id="ratio", label="结付率", kind="ratio"),
    SheetColumn(id="deposit_fen", label="质量保证金", kind="money", unit="万元"),
    SheetColumn(id="cash_transfer_fen", label="应拨付", kind="money", unit="万元"),
]


def _summed(rows: pa.Table) -> dict[str, int]:
    return {name: pc.sum(rows[name]).as_py() or 0 for name in _SUMS}


def _line(label: str, rows: pa.Table) -> dict[str, Any]:
    sums = _summed(rows)
    base = sums["item_pool_fen"]
    return sums | {
        "label": label,
        "institutions": pc.count_distinct(rows["institution_code"]).as_py(),
        "ratio": sums["pool_payable_fen"] / base if base > 0 else None,
    }


def _others(rows: pa.Table) -> list[str]:
    return sorted(set(pc.unique(rows["hospital_level"]).to_pylist()) - set(LEVELS))


def _figures(whole: dict[str, int], rows: pa.Table, definition: Definition) -> list[SheetFigure]:
    hospitals = rows.group_by("institution_code").aggregate([("month_result_fen", "sum")])
    ahead = pc.sum(pc.greater_equal(hospitals["month_result_fen_sum"], 0)).as_py() or 0
    base = whole["item_pool_fen"]

    def of(form: str) -> Definition:
        return definition.model_copy(update={"form": form})

    figures = [
        SheetFigure(
            id="payable",
            label="统筹应付",
            value=whole["month_pool_payable_fen"],
            unit="万元",
            definition=of("本月、补传、红冲、蓝补的 DRG 应付统筹之和"),
        ),
        SheetFigure(
            id="result",
            label="盈亏",
            value=whole["month_result_fen"],
            unit="万元",
            note="大于零归医院",
            definition=of("统筹应付 − 按项目应付统筹"),
        ),
        SheetFigure(
            id="ratio",
            label="结付率",
            value=whole["pool_payable_fen"] / base if base > 0 else None,
            unit="%",
            definition=of("DRG 应付统筹 ÷ 按项目应付统筹，本月正常入账的清单"),
        ),
        SheetFigure(
            id="transfer",
            label="应拨付",
            value=whole["cash_transfer_fen"],
            unit="万元",
            definition=of("统筹应付减去审核扣款、违约金、预付冲抵、保证金等，加结转"),
        ),
        SheetFigure(
            id="cases",
            label="清单",
            value=whole["cases"],
            unit="例",
            note=f"未入组 {whole['ungrouped_cases']:,}，费用极高 {whole['high_cases']:,}，极低 {whole['low_cases']:,}",
            href="/cases",
            definition=of("本月正常入账的清单数"),
        ),
    ]
    if hospitals.num_rows > 1:
        figures.append(
            SheetFigure(
                id="ahead",
                label="正向结余机构",
                value=ahead,
                unit="家",
                note=f"共 {hospitals.num_rows} 家",
                definition=of("盈亏不小于零的机构数"),
            )
        )
    return figures
