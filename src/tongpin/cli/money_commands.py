"""`tongpin settle`, `tongpin report joint`, `tongpin explain`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tongpin.base.errors import StoreError
from tongpin.cli.output import screen

if TYPE_CHECKING:
    from pathlib import Path

    from tongpin.payment.run import MonthRun
    from tongpin.store.home import Home


def settle(home_path: Path | None, month: str, area: str | None) -> None:
    """Settle a month, write its statement and show the sums by fund and level."""
    from tongpin.payment.run import settle_in_home
    from tongpin.store.home import Home

    home = Home.open(home_path)
    run = settle_in_home(home, month, area)
    path = write_statement(home, run)
    screen.give(
        {
            "ok": True,
            "month": month,
            "was_closed": run.was_closed,
            "statement": str(path),
            "manifest": run.manifest,
            "rows": run.settlement.statement.to_pylist(),
        },
    )
    show_settlement(run)
    screen.say(f"月度支付情况表：{path}", f"statement: {path}")


def write_statement(home: Home, run: MonthRun) -> Path:
    """The 月度支付情况表 of a month as xlsx in the reports folder; its path."""
    from tongpin.payment.statement_columns import statement_basis, synthetic_notice
    from tongpin.payment.statement_xlsx import write_statement_xlsx

    assumed = len(run.policy.assumed_keys())
    simulated = [f"模拟：付费办法有 {assumed} 项取值没有文件确认"] if assumed else []
    home.reports.mkdir(parents=True, exist_ok=True)
    path = home.reports / f"月度支付情况表-{run.settlement.month}.xlsx"
    write_statement_xlsx(
        run.settlement.statement,
        path,
        month=run.settlement.month,
        area_label=run.policy.edition.area,
        basis_lines=statement_basis(run.policy, run.manifest),
        notices=[*synthetic_notice(home), *simulated],
        lines=run.settlement.lines,
    )
    return path


def show_settlement(run: MonthRun) -> None:
    """The settled month by settlement level and fund, for people."""
    import pyarrow.compute as pc

    from tongpin.payment.statement_columns import LEVELS
    from tongpin.report.words import percent_text, wan_text

    statement = run.settlement.statement
    sums = ("cases", "item_pool_fen", "pool_payable_fen", "result_fen", "cash_transfer_fen")
    total = (
        statement.group_by(["hospital_level", "fund_label"])
        .aggregate([(name, "sum") for name in sums])
        .sort_by("fund_label")
    )
    rows = sorted(total.to_pylist(), key=lambda row: LEVELS.index(row["hospital_level"]))
    rows.append(
        {"hospital_level": "合计", "fund_label": "", **{f"{s}_sum": pc.sum(statement[s]).as_py() for s in sums}},
    )
    screen.table(
        f"{run.settlement.month} 结算（已关账{'，重印' if run.was_closed else ''}；{run.policy.edition.label}；模拟）",
        ["级别与基金", "清单", "按项目应付（万元）", "DRG应付（万元）", "结付率", "盈亏（万元）", "本月拨付（万元）"],
        [
            [
                f"{row['hospital_level']} {row['fund_label']}",
                f"{row['cases_sum']:,}",
                wan_text(row["item_pool_fen_sum"]),
                wan_text(row["pool_payable_fen_sum"]),
                percent_text(
                    row["pool_payable_fen_sum"] / row["item_pool_fen_sum"] if row["item_pool_fen_sum"] else None
                ),
                wan_text(row["result_fen_sum"]),
                wan_text(row["cash_transfer_fen_sum"]),
            ]
            for row in rows
        ],
    )
    for note in run.settlement.notes:
        screen.say(f"· {note}")


def joint(home_path: Path | None, month: str, area: str | None) -> None:
    """Write the joint report of a month as HTML and xlsx."""
    from tongpin.store.home import Home

    paths = write_joint(Home.open(home_path), month, area)
    screen.give({"ok": True, "month": month, "reports": [str(path) for path in paths]})
    for path in paths:
        screen.say(f"联合报告：{path}", f"joint report: {path}")


def write_joint(home: Home, month: str, area: str | None) -> tuple[Path, Path]:
    """The joint report in the reports folder: the paths of the page and of the workbook."""
    from tongpin.twin.joint_html import write_joint_html
    from tongpin.twin.joint_xlsx import write_joint_xlsx
    from tongpin.twin.run import joint_in_home

    report = joint_in_home(home, month, area)
    home.reports.mkdir(parents=True, exist_ok=True)
    page = home.reports / f"联合报告-{month}.html"
    workbook = home.reports / f"联合报告-{month}.xlsx"
    write_joint_html(report, page)
    write_joint_xlsx(report, workbook)
    return page, workbook


def explain(home_path: Path | None, case_id: str, area: str | None) -> None:
    """Say where each yuan of a posted list comes from, and how it came into its group."""
    import pyarrow.compute as pc

    from tongpin.grouping.interpreter import Case
    from tongpin.grouping.interpreter import explain as explain_group
    from tongpin.grouping.library import open_scheme
    from tongpin.grouping.prose import explain_lines
    from tongpin.payment.explain import explain_case
    from tongpin.payment.library import open_policy
    from tongpin.payment.posting import LINE_KINDS
    from tongpin.payment.run import posted_lines
    from tongpin.records.load import CASES, read_loaded
    from tongpin.store.home import Home

    home = Home.open(home_path)
    lines = posted_lines(home, case_id).to_pylist()
    if not lines:
        raise StoreError(
            "explain.unknown", f"没有已结算的清单 {case_id}", hint="检查结算号；未结算的月份先运行 tongpin settle"
        )
    policy = open_policy(home, area)
    scheme = open_scheme(home, policy.scheme_id)
    cases = read_loaded(home, CASES)
    found = cases.filter(pc.and_(pc.equal(cases["case_id"], case_id), pc.equal(cases["source"], "settlement_list")))
    paths = [explain_group(scheme, Case.of(row)) for row in found.to_pylist()]
    texts = [explain_case(line, policy) for line in lines]
    screen.give({"ok": True, "case_id": case_id, "lines": lines, "explained": texts, "group": paths})
    for line, text in zip(lines, texts, strict=True):
        screen.say(f"{line['period']} 入账（{LINE_KINDS[line['line_kind']]}）\n{text}\n")
    for path in paths:
        screen.say("\n".join(explain_lines(scheme, path)))
