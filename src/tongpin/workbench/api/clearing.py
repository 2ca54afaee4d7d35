"""Clearing 年度清算: which years are cleared, the steps of each place, the 清算书 for the stamp."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated, Any

import pyarrow.compute as pc
from fastapi import APIRouter, Depends
from fastapi import Path as PathPart
from fastapi.responses import FileResponse

from tongpin.payment.explain_amount import explain_clearing
from tongpin.payment.month.closed import closed_months
from tongpin.payment.month.statement_columns import synthetic_notice
from tongpin.payment.year.clear import Clearing
from tongpin.payment.year.letter import SUMMARY, capital_line
from tongpin.payment.year.letter_pdf import write_letters_pdf
from tongpin.payment.year.run import CLEARING, cleared, clearing_runs
from tongpin.workbench.api.asking import Bench, needs
from tongpin.workbench.api.documents import sent
from tongpin.workbench.api.shapes import REFUSALS
from tongpin.workbench.api.sheets import Definition, Sheet, SheetColumn, SheetField, SheetFigure, SheetSection
from tongpin.workbench.api.statements import FILE, Area, Code, no_place, told_sections
from tongpin.workbench.sign_in.identity import Identity

router = APIRouter(tags=["年度清算"], responses=REFUSALS)
Reader = Annotated[Identity, Depends(needs("clearing.read"))]
Year = Annotated[int, PathPart(ge=2015, le=2100)]


@router.get("/clearing/years", summary="清算的年度")
def clearing_years(asker: Reader, bench: Bench, area: Area) -> Sheet:
    """Every clearing and reversal of an area, and for each year how many of its months are closed."""
    desk = asker.desk(bench.home)
    closed = sorted(closed_months(desk, area))
    runs = clearing_runs(desk, area) if closed else []
    of_year: dict[str, list[str]] = {}
    for month in closed:
        of_year.setdefault(month[:4], []).append(month)
    last = {str(run["year"]): run for run in runs}
    rows = [
        {
            "year": year,
            "months": len(of_year.get(year, [])),
            "state": "已清算" if year in last and last[year]["kind"] == CLEARING else _open(of_year.get(year, [])),
            "run": last[year]["run"] if year in last else None,
            "digest": last[year]["result_digest"][:16] if year in last else None,
        }
        for year in sorted({*of_year, *last}, reverse=True)
    ]
    history = [
        {
            "run": run["run"],
            "kind": "清算" if run["kind"] == CLEARING else "撤销",
            "reason": run.get("reason", ""),
            "digest": run["result_digest"][:16],
        }
        for run in runs
    ]
    return Sheet(
        title="年度清算",
        note="各月关账后清算；撤销后可重新清算，两次都留痕",
        sections=[
            SheetSection(
                id="years",
                label="年度",
                columns=[
                    SheetColumn(id="year", label="年度"),
                    SheetColumn(id="months", label="已关账月数", kind="integer"),
                    SheetColumn(id="state", label="状态"),
                    SheetColumn(id="run", label="清算编号"),
                    SheetColumn(id="digest", label="结果摘要"),
                ],
                rows=rows,
            ),
            SheetSection(
                id="runs",
                label="历次清算与撤销",
                columns=[
                    SheetColumn(id="run", label="编号"),
                    SheetColumn(id="kind", label="种类"),
                    SheetColumn(id="reason", label="原因"),
                    SheetColumn(id="digest", label="结果摘要"),
                ],
                rows=history,
            ),
        ],
    )


@router.get("/clearing/{year}/summary", summary="一个年度清算的合计")
def clearing_summary(year: Year, asker: Reader, bench: Bench, area: Area) -> Sheet:
    """The clearing in force of the asker's hospitals: from what was posted to the balance, by fund.

    Errors: `clear.open`.
    """
    run = cleared(asker.desk(bench.home), year, area)
    places = run.clearing.places
    funds = sorted({(row["fund"], row["fund_label"]) for row in places.select(["fund", "fund_label"]).to_pylist()})
    rows = []
    for name, label in SUMMARY:
        sums = {fund: pc.sum(places.filter(pc.equal(places["fund"], fund))[name]).as_py() or 0 for fund, _ in funds}
        rows.append({"label": label, "whole": sum(sums.values())} | {f"fund_{fund}": sums[fund] for fund, _ in funds})
    columns = [
        SheetColumn(id="label", label="项目"),
        *(SheetColumn(id=f"fund_{fund}", label=label, kind="money", unit="万元") for fund, label in funds),
        SheetColumn(id="whole", label="合计", kind="money", unit="万元"),
    ]
    manifest = run.manifest
    definition = Definition(
        population="年度内已关账月份的全部清单",
        period=f"{year} 年度",
        reference="S001-40、S900-01 第 8 至 14 步",
        simulated=bool(manifest["assumed"]),
    )
    return Sheet(
        title=f"{year} 年度清算",
        note=f"{manifest['run']} · {manifest['policy_label']}",
        simulated=bool(manifest["assumed"]),
        figures=[
            _figure("due_fen", "清算额", "月结应付减审核扣款，加各步增减", run.clearing, definition),
            _figure("balance_fen", "补付（负为收回）", "清算额 − 违约金 − 已拨付", run.clearing, definition),
        ],
        sections=[SheetSection(id="summary", label="从月结到补付", columns=columns, rows=rows)],
        notes=[*synthetic_notice(bench.home), *manifest["notes"], f"结果摘要 {manifest['result_digest'][:16]}"],
    )


@router.get("/clearing/{year}/letter", summary="清算书（A4）", response_class=FileResponse, responses=FILE)
def clearing_letter(year: Year, asker: Reader, bench: Bench, area: Area, institution: Code = "") -> FileResponse:
    """The 清算书 of one hospital, or of all that the asker sees, on A4 (S919-01). Errors: `clear.open`."""
    desk = asker.desk(bench.home)
    run = cleared(desk, year, area)
    clearing = _of_hospital(run.clearing, institution) if institution else run.clearing
    if not clearing.places.num_rows:
        raise no_place(institution)
    with tempfile.NamedTemporaryFile(prefix="tongpin-", suffix=".pdf", delete=False) as file:
        path = Path(file.name)
    write_letters_pdf(clearing, run.manifest, path, notices=synthetic_notice(desk))
    name = f"清算书-{area}-{year}{f'-{institution}' if institution else ''}.pdf"
    return sent(path, name, bench, asker, f"clearing/{area}/{year}")


@router.get("/clearing/{year}/{institution}/{fund}", summary="一家机构一项基金的清算，逐步说清")
def clearing_place(year: Year, institution: str, fund: str, asker: Reader, bench: Bench, area: Area) -> Sheet:
    """Every step with its formula, amount and source, the parameters, and the cases that were paid otherwise.

    Errors: `clear.open`, `explain.place`.
    """
    desk = asker.desk(bench.home)
    told = explain_clearing(desk, year, institution, fund, area)
    run = cleared(desk, year, area)
    places = run.clearing.places
    row = places.filter(pc.and_(pc.equal(places["institution_code"], institution), pc.equal(places["fund"], fund)))
    (held,) = row.to_pylist()
    fields = [
        SheetField(id="institution_code", label="机构代码", value=institution),
        SheetField(id="hospital_level", label="级别", value=held["hospital_level"]),
        SheetField(id="pay_mode_label", label="付费方式", value=held["pay_mode_label"]),
        SheetField(id="cases", label="清单", kind="integer", unit="例", value=held["cases"]),
        *(SheetField(id=name, label=label, kind="money", unit="元", value=held[name]) for name, label in SUMMARY),
    ]
    return Sheet(
        title=f"{held['institution_name']} · {held['fund_label']}",
        note=f"{year} 年度清算 · {run.manifest['run']}",
        simulated=bool(run.manifest["assumed"]),
        sections=[SheetSection(id="place", label="清算结果", fields=fields), *told_sections(told)],
        notes=[
            *synthetic_notice(desk),
            *run.manifest["notes"],
            capital_line(held["balance_fen"]),
            f"结果摘要 {run.manifest['result_digest'][:16]}",
        ],
    )


def _figure(name: str, label: str, form: str, clearing: Clearing, definition: Definition) -> SheetFigure:
    value = pc.sum(clearing.places[name]).as_py() or 0
    told = definition.model_copy(update={"form": form})
    return SheetFigure(id=name, label=label, value=value, unit="万元", definition=told)


def _of_hospital(clearing: Clearing, institution: str) -> Clearing:
    from dataclasses import replace

    changed: dict[str, Any] = {
        name: (table := getattr(clearing, name)).filter(pc.equal(table["institution_code"], institution))
        for name in ("places", "changed", "reasons", "bases")
    }
    return replace(clearing, **changed)


def _open(months: list[str]) -> str:
    return "各月已关账，待清算" if len(months) == 12 else f"还有 {12 - len(months)} 个月没有关账"
