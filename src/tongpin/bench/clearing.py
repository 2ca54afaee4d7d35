"""Benchmark of the clearing 清算基准: a year of 200 hospitals tried, closed and printed, beside reading its lines."""

from __future__ import annotations

import json
import time
from datetime import date
from importlib.resources import files
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tongpin.bench.pricing import draw_cases
from tongpin.bench.timing import Result, Timing, median, pairs
from tongpin.payment.month.closed import LINES, RUN, RUN_SCHEMA, RUNS, STATEMENTS, posted, run_name
from tongpin.payment.month.posting import LINE_SCHEMA
from tongpin.payment.month.statement import STATEMENT_SCHEMA
from tongpin.payment.policy.policy import Policy
from tongpin.payment.pricing.price import price
from tongpin.payment.year.clear import READS, STEPS, clear_year, closed, opened
from tongpin.payment.year.letter_pdf import write_letters_pdf
from tongpin.payment.year.letter_xlsx import write_clearing_xlsx
from tongpin.payment.year.rulings import RULING_SCHEMA, read_rulings
from tongpin.payment.year.run import clear_in_home
from tongpin.payment.year.taken import cleared_in, paid_in_months
from tongpin.store import lake
from tongpin.store.home import Home

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tongpin.payment.year.state import State

AREA, YEAR, YEARS = "demo-east", 2025, 3
YEAR_LINES = 360_000
"""A year of the city of document 004 (1,252,850 in 42 months)."""
HOSPITALS = 200
RUNS_TIMED = 3
LEVEL_3, LEVEL_2 = 30, 90
"""How many of the hospitals are of the third level, how many of the third or second."""


def run(count: int, hospitals: int = HOSPITALS, years: int = YEARS) -> list[Result]:
    """Time the clearing of a year of `count` lines of so many hospitals in a home of some years; medians of 3."""
    policy = Policy.load(Path(str(files("tongpin"))) / "policies" / AREA / str(YEAR))
    with TemporaryDirectory(prefix="tongpin-bench-") as temporary:
        home = Home.open(Path(temporary) / "home")
        for year in range(YEAR - years + 1, YEAR + 1):
            _close_year(home, year, _year_of_lines(policy, count, year, hospitals))
        months = [f"{YEAR}-{month:02d}" for month in range(1, 13)]
        both = pairs(
            lambda: posted(home, AREA, months, READS), lambda: clear_in_home(home, YEAR, draft=True), RUNS_TIMED
        )
        lines = posted(home, AREA, months, READS).combine_chunks()
        statements = _statements(lines)
        rulings = read_rulings(RULING_SCHEMA.empty_table(), YEAR)
        alone = median(lambda: clear_year(YEAR, lines, statements, rulings, policy), RUNS_TIMED)
        begun = time.perf_counter()
        cleared = clear_in_home(home, YEAR)
        closing = time.perf_counter() - begun
        workbook, pages = Path(temporary) / "letters.xlsx", Path(temporary) / "letters.pdf"
        sheets = median(lambda: write_clearing_xlsx(cleared.clearing, cleared.manifest, workbook), 1)
        papers = median(lambda: write_letters_pdf(cleared.clearing, cleared.manifest, pages), 1)
        steps = _steps(lines, statements, policy)
    whole = closing + sheets + papers
    timings = (
        Timing("只读这一年的支付行", both.first, count),
        Timing("试算：读入两年并清算", both.second, count),
        *(Timing(f"其中 {label}", seconds, count) for label, seconds in steps),
        Timing("只清算", alone, count),
        Timing("清算关账，写入在内", closing, count),
        Timing("清算书 xlsx", sheets, count),
        Timing("清算书 PDF", papers, count),
    )
    return [
        Result(
            f"年度清算：{hospitals} 家机构、{count:,} 行，工作目录里有 {years} 年，演示付费办法",
            timings,
            (
                f"从读入到清算书写好 {whole:.1f} 秒；试算是只读的 {both.ratio:.2f} 倍",
                f"清算 {cleared.clearing.places.num_rows} 个机构的基金，{cleared.clearing.changed.num_rows:,} 行改付",
            ),
            (("seconds", whole), ("draft_seconds", both.second), ("read_ratio", both.ratio)),
        )
    ]


def _steps(lines: pa.Table, statements: pa.Table, policy: Policy) -> list[tuple[str, float]]:
    """The seconds of each part of `clear_year`, in one pass."""
    rulings = read_rulings(RULING_SCHEMA.empty_table(), YEAR)
    found: list[tuple[str, float]] = []
    begun = time.perf_counter()
    state: State = opened(
        lines, paid_in_months(lines, cleared_in(lines, policy), statements, YEAR), rulings, policy, YEAR
    )
    found.append(("归年与汇总", time.perf_counter() - begun))
    for step in STEPS:
        begun = time.perf_counter()
        state = step.run(state)
        found.append((f"第 {step.number} 步 {step.label}", time.perf_counter() - begun))
    begun = time.perf_counter()
    closed(state, lines, YEAR)
    found.append(("结果与平衡", time.perf_counter() - begun))
    return found


def _year_of_lines(policy: Policy, count: int, year: int, hospitals: int) -> pa.Table:
    """Posted lines of a year, priced by the edition; every case with its name and month."""
    random = np.random.default_rng(year)
    codes = [f"H{number:011d}" for number in range(hospitals)]
    levels = ["三级" if n < LEVEL_3 else "二级" if n < LEVEL_2 else "一级" for n in range(hospitals)]
    institutions = pa.table(
        {
            "institution_code": codes,
            "settlement_level": levels,
            "valid_from": pa.array([date(2020, 1, 1)] * hospitals),
        }
    )
    cases = draw_cases(policy, count)
    hospital = random.integers(0, hospitals, count).astype(np.int32)
    settled = np.datetime64(f"{max(year, 2024)}-01-01") + np.sort(random.integers(0, 365, count)).astype(
        "timedelta64[D]"
    )
    cases = _with(cases, "institution_code", pa.DictionaryArray.from_arrays(pa.array(hospital), pa.array(codes)))
    cases = _with(cases, "settlement_date", pa.array(settled, pa.date32()))
    priced = price(cases, policy, institutions)
    shifted = settled + (np.datetime64(f"{year}-01-01") - np.datetime64(f"{max(year, 2024)}-01-01"))
    months = pa.array(np.minimum(shifted, np.datetime64(f"{year}-12-31")).astype("datetime64[M]").astype(str))
    own = {
        "institution_name": pc.binary_join_element_wise("医院", priced["institution_code"].cast(pa.string()), ""),
        "period": months,
        "line_kind": pa.array(["regular"] * count),
        "line_sign": pa.array(np.ones(count, np.int64)),
        "discharge_time": pc.cast(priced["settlement_date"], pa.timestamp("s")),
        "accepted_date": priced["settlement_date"],
    }
    known = {**{name: priced[name] for name in priced.column_names}, **own}
    columns = [
        known[one.name].cast(one.type) if one.name in known else pa.nulls(count, one.type) for one in LINE_SCHEMA
    ]
    return pa.table(columns, schema=LINE_SCHEMA)


def _with(table: pa.Table, name: str, column: Any) -> pa.Table:
    return table.set_column(table.column_names.index(name), name, column.cast(table[name].type))


def _close_year(home: Home, year: int, lines: pa.Table) -> None:
    """The closed months of a year as settling leaves them, each a file of its own, with an empty 13th period."""
    statements = _statements(lines)
    months: Sequence[str] = [f"{year}-{month:02d}" for month in range(1, 13)]
    for month in months:
        for name, table, column in ((LINES, lines, "period"), (STATEMENTS, statements, "month")):
            rows = table.filter(pc.equal(table[column], month))
            lake.append(home, name, rows.append_column(RUN, pa.array([run_name(AREA, month)] * rows.num_rows)))
    further = [f"{year + 1}-{month:02d}" for month in range(1, 4)] if year == YEAR else []
    rows_of_runs = [
        {
            "month": month,
            "area": AREA,
            "digest": "",
            "manifest": json.dumps({"month": month, "area": AREA, "result_digest": month}),
        }
        for month in [*months, *further]
    ]
    lake.append(home, RUNS, pa.Table.from_pylist(rows_of_runs, schema=RUN_SCHEMA))


def _statements(lines: pa.Table) -> pa.Table:
    """A statement for every hospital, fund and month: a deposit of 3 % held back, the rest transferred."""
    keys = ["institution_code", "fund", "period"]
    sums = lines.group_by(keys).aggregate([("pool_payable_fen", "sum")])
    payable = sums["pool_payable_fen_sum"].to_numpy()
    held = payable * 3 // 100
    own = {
        "institution_code": sums["institution_code"].cast(pa.string()),
        "fund": sums["fund"],
        "month": sums["period"],
        "month_pool_payable_fen": pa.array(payable),
        "deposit_fen": pa.array(held),
        "cash_transfer_fen": pa.array(payable - held),
    }
    zero = pa.array(np.zeros(len(payable), np.int64))
    columns = [
        own[one.name]
        if one.name in own
        else zero
        if pa.types.is_integer(one.type)
        else pa.nulls(len(payable), one.type)
        for one in STATEMENT_SCHEMA
    ]
    return pa.table(columns, schema=STATEMENT_SCHEMA)
