"""`tongpin settle`, `tongpin report joint`, `tongpin explain`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tongpin.base.errors import StoreError
from tongpin.cli.output import screen

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tongpin.payment.month.run import MonthRun
    from tongpin.store.home import Home


def settle(home_path: Path | None, month: str, area: str | None, *, draft: bool) -> None:
    """Settle a month (or try it), write its statement and show the sums by fund and level."""
    from tongpin.payment.month.run import settle_in_home
    from tongpin.store.home import Home

    home = Home.open(home_path)
    run = settle_in_home(home, month, area, draft=draft)
    is_draft = draft and not run.was_closed
    path = write_statement(home, run, is_draft=is_draft)
    screen.give(
        {
            "ok": True,
            "month": month,
            "was_closed": run.was_closed,
            "draft": is_draft,
            "statement": str(path),
            "manifest": run.manifest,
            "rows": run.settlement.statement.to_pylist(),
        },
    )
    show_settlement(run, is_draft=is_draft)
    screen.say(f"月度支付情况表：{path}", f"statement: {path}")


def write_statement(home: Home, run: MonthRun, *, is_draft: bool = False) -> Path:
    """The 月度支付情况表 of a month as xlsx in the reports folder; its path."""
    from tongpin.payment.month.statement_columns import method_of_manifest, statement_basis, synthetic_notice
    from tongpin.payment.month.statement_xlsx import write_statement_xlsx

    assumed = len(run.manifest["assumed"])
    notices = [*synthetic_notice(home), *[f"模拟：付费办法有 {assumed} 项取值没有文件确认"] * bool(assumed)]
    notices += ["草稿：没有关账，不作拨付依据"] * is_draft
    home.reports.mkdir(parents=True, exist_ok=True)
    path = home.reports / f"月度支付情况表-{run.settlement.month}{'-草稿' if is_draft else ''}.xlsx"
    write_statement_xlsx(
        run.settlement.statement,
        path,
        month=run.settlement.month,
        area_label=run.manifest["area_label"],
        basis_lines=statement_basis(run.manifest),
        notices=notices,
        lines=run.settlement.lines,
        method=method_of_manifest(run.manifest),
    )
    return path


def show_settlement(run: MonthRun, *, is_draft: bool = False) -> None:
    """The settled month by settlement level and fund, for people."""
    import pyarrow.compute as pc

    from tongpin.payment.month.statement_columns import LEVELS, in_method_words, method_of_manifest
    from tongpin.report.words import percent_text, wan_text

    statement = run.settlement.statement
    sums = (
        "cases",
        "item_pool_fen",
        "pool_payable_fen",
        "result_fen",
        "month_pool_payable_fen",
        "cash_transfer_fen",
    )
    total = (
        statement.group_by(["hospital_level", "fund", "fund_label"])
        .aggregate([(name, "sum") for name in sums])
        .sort_by("fund")
    )
    rows = sorted(total.to_pylist(), key=lambda row: LEVELS.index(row["hospital_level"]))
    rows.append(
        {"hospital_level": "合计", "fund_label": "", **{f"{s}_sum": pc.sum(statement[s]).as_py() for s in sums}},
    )
    state = "已关账，重印" if run.was_closed else "草稿，没有关账" if is_draft else "已关账"
    simulated = "；模拟" if run.manifest["assumed"] else ""
    screen.table(
        f"{run.settlement.month} 结算，万元（{state}；{run.manifest['policy_label']}{simulated}）",
        [
            "级别与基金",
            "清单",
            "按项目应付",
            in_method_words("DRG应付", method_of_manifest(run.manifest)),
            "结付率",
            "盈亏",
            "含补传红蓝的应付",
            "本月拨付",
        ],
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
                wan_text(row["month_pool_payable_fen_sum"]),
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


def explain(home_path: Path | None, case_id: str, others: Sequence[str], page: Path | None) -> None:
    """Say where each yuan of a posted list comes from, how it came into its group and why not into `others`."""
    from tongpin.cli.why_command import write_page
    from tongpin.payment.explain import explain_line
    from tongpin.payment.explain_group import way_of
    from tongpin.payment.lists.dates import dates_of, dates_words
    from tongpin.payment.month.closed import RUN, every_run
    from tongpin.payment.month.posting import LINE_KINDS
    from tongpin.payment.month.run import line_case, posted_lines
    from tongpin.store.home import Home

    home = Home.open(home_path)
    lines = posted_lines(home, case_id).to_pylist()
    if not lines:
        raise StoreError(
            "explain.unknown", f"没有已结算的清单 {case_id}", hint="检查结算号；未结算的月份先运行 tongpin settle"
        )
    manifests = every_run(home)
    closing = manifests[lines[-1][RUN]]
    way = way_of(home, closing, line_case(home, lines[-1]).to_pylist(), others)
    steps = [explain_line(home, line, manifests[line[RUN]]) for line in lines]
    texts = ["\n".join(step.text for step in line_steps) for line_steps in steps]
    dates = dates_of(home, closing["area"], case_id)
    screen.give(
        {
            "ok": True,
            "case_id": case_id,
            "lines": lines,
            "dates": dates,
            "explained": texts,
            "steps": [[step._asdict() for step in line_steps] for line_steps in steps],
            "group": way.data,
            "why_not": [why.as_dict() for why in way.whys],
        },
    )
    for line, text in zip(lines, texts, strict=True):
        screen.say(f"{line['period']} 入账（{LINE_KINDS[line['line_kind']]}）\n{text}\n")
    for row in dates:
        screen.say(f"日期：{dates_words(row)}\n")
    if way.digest != closing["scheme_digest"]:
        screen.say(f"注意：方案 {closing['scheme']} 在关账之后改过，下面是现在的入组，入账时为 {lines[-1]['drg']}")
    for text in way.texts:
        screen.say(text)
    for why in way.whys:
        screen.say("\n".join(why.lines()))
    if page is not None and way.paths:
        write_page(page, way.paths[0], way.whys, case_id)
        screen.say(f"说明页：{page}", f"page: {page}")
