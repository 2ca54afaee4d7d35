"""`tongpin dip review | violations | ledger`: the posted cases, those beyond a limit, and what each disease brings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from tongpin.base.errors import PolicyError, StoreError
from tongpin.base.money import SCALE, yuan
from tongpin.cli.dip_closed import assumed_line, closed_of, next_month, say_assumed
from tongpin.cli.dip_commands import SHOWN, dip_policy
from tongpin.cli.output import screen

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import pyarrow as pa

    from tongpin.payment.dip.catalogue import Catalogue
    from tongpin.payment.policy.policy import Policy
    from tongpin.store.home import Home


def review(
    home_path: Path | None,
    month: str | None,
    year: int | None,
    institution: str | None,
    output: Path | None,
    area: str | None,
) -> None:
    """The posted cases beyond the review limit, and a table of decisions for the experts to fill."""
    from tongpin.payment.dip.reviews import STATES, awaiting, decision_rows, reviews_of
    from tongpin.payment.month.closed import decisions
    from tongpin.payment.pricing.steps import four
    from tongpin.store.home import Home

    home = Home.open(home_path)
    closed = closed_of(home, area, month, year)
    found = awaiting(closed.standing, closed.policy, reviews_of(decisions(home, closed.area)))
    rows = [row for row in found.to_pylist() if institution in {None, row["institution_code"]}]
    waiting = decision_rows(found.filter(_mask(found, rows)), closed.area)
    path = output or home.reports / f"偏差评议决定表-{closed.span}.csv"
    if waiting.num_rows:
        _write_decisions(waiting, path, "value")
    screen.give(
        {
            "ok": True,
            "area": closed.area,
            "months": closed.months,
            "cases": rows,
            "decisions": str(path) if waiting.num_rows else None,
            "unreviewed": closed.choice("dip.deviation.unreviewed"),
        }
    )
    limit = closed.number("dip.deviation.review")
    screen.table(
        f"{closed.span} 超过评议界限（均费的 {limit:g} 倍）的病例（{closed.area}）",
        [
            "机构",
            "清单",
            "病种",
            "总费用（元）",
            "均费（元）",
            "倍数",
            "入账的偏差系数",
            "按公式",
            "应付（元）",
            "决定",
            "状态",
        ],
        [
            [
                row["institution_name"] or row["institution_code"],
                row["case_id"],
                row["disease"],
                yuan(row["total_fee_fen"]),
                yuan(row["mean_fen"]),
                four(row["ratio_e4"]),
                four(row["paid_e4"]),
                four(row["formula_e4"]),
                yuan(row["gross_fen"]),
                "" if row["decided_e4"] is None else four(row["decided_e4"]),
                STATES[row["state"]],
            ]
            for row in rows
        ],
    )
    how = closed.words("dip.deviation.unreviewed")
    by = closed.words("dip.review.by")
    screen.say(f"评议办法：{by}；尚无决定的病例：{how}（付费办法 {closed.policy.id}）")
    if waiting.num_rows:
        screen.say(
            f"已写出 {path}：{waiting.num_rows} 例待决定。专家评定后在 value 填偏差系数，"
            "填上 decided_date 与 document，再 tongpin load 这个文件："
            "未关账的月份月结时即按决定付费，已关账的在年度清算第 8 步按决定付费"
        )
    else:
        screen.say("没有待决定的病例" if rows else "没有超过评议界限的病例")
    say_assumed(closed.policy, closed.catalogue)


def _mask(found: pa.Table, rows: Sequence[dict[str, Any]]) -> pa.Array:
    import pyarrow as pa

    chosen = {(row["institution_code"], row["case_id"]) for row in rows}
    keys = found.select(["institution_code", "case_id"]).to_pylist()
    return pa.array([(row["institution_code"], row["case_id"]) in chosen for row in keys], pa.bool_())


def violations(
    home_path: Path | None,
    month: str | None,
    year: int | None,
    institution: str | None,
    output: Path | None,
    area: str | None,
) -> bool:
    """The leads of the violation catalogue among posted cases, and a table of deductions to be verified."""
    from tongpin.payment.dip.run import stays_in_home
    from tongpin.payment.dip.violation import VIOLATIONS, deduction_rows, find_violations, leads_of
    from tongpin.payment.month.closed import closed_months
    from tongpin.report.words import wan_text
    from tongpin.store.home import Home

    home = Home.open(home_path)
    closed = closed_of(home, area, month, year)
    span = (closed.months[0], closed.months[-1])
    before = int(closed.choice("dip.violation.readmission_days"))
    stays = stays_in_home(home, span, closed.policy, closed.catalogue, before)
    leads = leads_of(
        find_violations(stays, closed.catalogue, closed.policy, closed.on), closed.standing, closed.policy, closed.on
    )
    leads = [one for one in leads if institution in {None, one.institution_code}]
    following = next_month(max(closed_months(home, closed.area)))
    rows = deduction_rows(leads, closed.area, following)
    path = output or home.reports / f"违规线索扣款决定表-{closed.span}.csv"
    if rows.num_rows:
        _write_decisions(rows, path)
    findings = [one.finding() for one in leads]
    screen.give(
        {
            "ok": not leads,
            "area": closed.area,
            "months": closed.months,
            "leads": [one._asdict() for one in leads],
            "findings": [one.as_dict() for one in findings],
            "decisions": str(path) if rows.num_rows else None,
        }
    )
    by_kind = {name: [one for one in leads if one.violation == name] for name in VIOLATIONS}
    screen.table(
        f"{closed.span} 违规线索（{closed.area}；线索不是结论）",
        ["线索", "条数", "机构数", "涉及分值", "涉及金额（万元）"],
        [
            [
                VIOLATIONS[name],
                f"{len(found):,}",
                str(len({one.institution_code for one in found})),
                f"{sum(one.lost_points_e4 for one in found) / SCALE:,.4f}",
                wan_text(sum(one.lost_fen for one in found)),
            ]
            for name, found in by_kind.items()
        ],
    )
    screen.findings(findings)
    if not leads:
        screen.say("没有发现线索")
    if rows.num_rows:
        screen.say(
            f"已写出 {path}：{rows.num_rows} 行，每行写明清单、依据与金额（{closed.words('dip.violation.several')}）。"
            "先送机构核实：申诉成立的删去该行，"
            f"其余填上 decided_date 与 document 再 tongpin load，从 {following} 的拨付中扣减"
        )
    say_assumed(closed.policy, closed.catalogue)
    return bool(leads)


def ledger(
    home_path: Path | None,
    month: str | None,
    year: int | None,
    catalogue_name: str | None,
    institution: str | None,
    output: Path | None,
    policy_id: str | None,
    area: str | None,
) -> None:
    """The disease ledger of the hospitals: of closed months, of a cleared year, or of a month on trial."""
    from tongpin.payment.dip.ledger import disease_ledger, kind_ledger
    from tongpin.payment.dip.ledger_xlsx import write_ledger_xlsx
    from tongpin.payment.month.statement_columns import synthetic_notice
    from tongpin.store.home import Home

    home = Home.open(home_path)
    if catalogue_name is not None:
        found = _on_trial(home, month, catalogue_name, policy_id)
    else:
        found = _posted_ledger(home, area, month, year)
    import pyarrow.compute as pc

    lines = found.lines
    if institution is not None:
        lines = lines.filter(pc.equal(lines["institution_code"], institution))
        if not lines.num_rows:
            raise StoreError("dip.case", f"机构 {institution} 在 {found.span} 没有清单", hint="检查机构代码")
    kinds, diseases = (
        kind_ledger(lines, found.catalogue).to_pylist(),
        disease_ledger(lines, found.catalogue).to_pylist(),
    )
    whole = kind_ledger(lines, found.catalogue, by_hospital=False).to_pylist()
    path = output or home.reports / f"病种台账-{found.span}{f'-{institution}' if institution else ''}.xlsx"
    notices = [*synthetic_notice(home), *assumed_line(found.policy, found.catalogue), found.how]
    notices += [
        f"付费办法：{found.policy.edition.label}（{found.policy.id}），摘要 {found.policy.digest[:16]}",
        f"病种目录：{found.catalogue.facts['title']}（{found.catalogue.id}），摘要 {found.catalogue.digest[:16]}",
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    write_ledger_xlsx(path, f"病种台账（{found.span}）", whole, kinds, diseases, notices)
    screen.give(
        {
            "ok": True,
            "span": found.span,
            "how": found.how,
            "whole": whole,
            "kinds": kinds,
            "diseases": diseases,
            "assumed": sorted(found.policy.assumed_keys()),
            "ledger": str(path),
        }
    )
    shown = kinds if institution else whole
    _show_kinds(f"{found.span} 按核心与综合病种（医保 DIP；{found.how}）", shown)
    if not institution:
        _show_hospitals(kinds)
    _show_diseases(diseases)
    screen.say(f"病种台账：{path}", f"ledger: {path}")
    say_assumed(found.policy, found.catalogue)
    if not institution:
        screen.say("看一家机构：加 --institution 机构代码；一个病种的历史：tongpin dip show 目录 --group 病种")


def _write_decisions(rows: pa.Table, path: Path, *open_columns: str) -> None:
    """Rows of the layout `decision` as CSV, with the columns that a clerk has yet to fill; Excel reads it as it is."""
    import csv

    from tongpin.records.layouts.catalogue import layout_fields

    columns = {row["field"]: row["column"] for row in layout_fields("decision")}
    names = [
        name
        for name, column in columns.items()
        if column in rows.column_names or name in {*open_columns, "decided_date", "document"}
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(names)
        for row in rows.to_pylist():
            cells = {name: row.get(columns[name]) for name in names}
            if cells.get("amount") is not None:
                cells["amount"] = yuan(cells["amount"]).replace(",", "")
            writer.writerow("" if cells[name] is None else cells[name] for name in names)


class _Ledger(NamedTuple):
    span: str
    lines: pa.Table
    catalogue: Catalogue
    policy: Policy
    how: str


def _on_trial(home: Home, month: str | None, name: str, policy_id: str | None) -> _Ledger:
    from tongpin.payment.dip.library import named_catalogue
    from tongpin.payment.dip.run import price_in_home

    if month is None:
        raise PolicyError("dip.span", "试算须写明月份", where="--month", hint="加 --month 2025-06")
    catalogue, policy = named_catalogue(home, name), dip_policy(home, policy_id)
    return _Ledger(month, price_in_home(home, month, policy, catalogue), catalogue, policy, "试算，不入账")


def _posted_ledger(home: Home, area: str | None, month: str | None, year: int | None) -> _Ledger:
    closed = closed_of(home, area, month, year)
    lines, how = closed.lines, "已关账的支付行"
    if year is not None:
        lines, how = _as_cleared(home, closed.area, year, lines)
    return _Ledger(closed.span, lines, closed.catalogue, closed.policy, how)


def _as_cleared(home: Home, area: str, year: int, lines: pa.Table) -> tuple[pa.Table, str]:
    """The lines with what the clearing of the year in force pays otherwise, case by case."""
    import pyarrow as pa
    import pyarrow.compute as pc

    from tongpin.payment.year.run import cleared

    try:
        changed = cleared(home, year, area).clearing.changed
    except StoreError:
        return lines, "已关账的支付行，尚未清算"
    keys = ("institution_code", "case_id", "fund", "period")
    texts = [pc.binary_join_element_wise(*(table[name] for name in keys), "|") for table in (lines, changed)]
    place = pc.index_in(texts[0], value_set=texts[1].combine_chunks())
    delta = pc.subtract(changed["cleared_fen"], changed["posted_fen"]).combine_chunks()
    more = pc.fill_null(delta.take(place.combine_chunks() if isinstance(place, pa.ChunkedArray) else place), 0)
    for name in ("gross_fen", "pool_payable_fen", "result_fen"):
        lines = lines.set_column(lines.column_names.index(name), name, pc.add(lines[name], more))
    return lines, "年度清算之后；层级调节与分档按机构计，不分到病种"


def _show_kinds(title: str, rows: Sequence[dict[str, Any]]) -> None:
    from tongpin.report.words import wan_text

    screen.table(
        title,
        ["机构", "类别", "例数", "占入病种例数", "总费用（万元）", "应付（万元）", "盈亏（万元）"],
        [
            [
                row["institution_name"],
                f"{'　' * bool(row['type'])}{row['label']}",
                f"{row['cases']:,}",
                "" if row["case_share_e4"] is None else f"{row['case_share_e4'] / 100:.2f} %",
                wan_text(row["total_fee_fen"]),
                wan_text(row["gross_fen"]),
                wan_text(row["result_fen"]),
            ]
            for row in rows
        ],
    )


def _show_hospitals(kinds: Sequence[dict[str, Any]]) -> None:
    """Each hospital in one line: the share of its composite diseases, and the result of core and composite."""
    from tongpin.report.words import wan_text

    by_hospital: dict[str, dict[str, dict[str, Any]]] = {}
    for row in kinds:
        if not row["type"]:
            by_hospital.setdefault(row["institution_name"], {})[row["kind"]] = row
    rows = []
    for name, own in by_hospital.items():
        core, composite = own.get("core"), own.get("composite")
        if core is None and composite is None:
            continue
        share = composite["case_share_e4"] if composite else 0
        results = [one["result_fen"] if one else 0 for one in (core, composite)]
        rows.append([name, f"{share / 100:.2f} %", *(wan_text(fen) for fen in results), wan_text(sum(results))])
    screen.table("各机构", ["机构", "综合病种例数占比", "核心盈亏（万元）", "综合盈亏（万元）", "合计（万元）"], rows)


def _show_diseases(diseases: Sequence[dict[str, Any]]) -> None:
    from tongpin.report.words import yuan_text

    losing = sorted((row for row in diseases if row["result_fen"] < 0), key=lambda row: row["result_fen"])[:SHOWN]
    screen.table(
        f"亏损最多的病种（前 {len(losing)} 个）" if losing else "没有亏损的病种",
        ["机构", "病种", "名称", "例数", "次均费用（元）", "目录均费（元）", "盈亏（元）"],
        [
            [
                row["institution_name"],
                row["disease"],
                row["name"],
                f"{row['cases']:,}",
                yuan_text(row["mean_fee_fen"]),
                yuan_text(row["benchmark_fee_fen"]),
                yuan_text(row["result_fen"]),
            ]
            for row in losing
        ],
    )
