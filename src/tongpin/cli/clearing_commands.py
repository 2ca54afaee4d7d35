"""`tongpin clear`: the year cleared, its 清算书 written, the sums by level and fund shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tongpin.cli.output import screen

if TYPE_CHECKING:
    from pathlib import Path

    from tongpin.payment.year.run import ClearingRun
    from tongpin.store.home import Home

_SUMS = ("posted_fen", "audit_fen", "due_fen", "transferred_fen", "balance_fen")


def clear(
    home_path: Path | None,
    year: int,
    area: str | None,
    agreement: Path | None = None,
    last_year: Path | None = None,
    *,
    draft: bool,
) -> None:
    """Clear a year (or try it), write its 清算书 and show the sums by level and fund."""
    from tongpin.payment.year.run import Papers, clear_in_home
    from tongpin.store.home import Home

    home = Home.open(home_path)
    run = clear_in_home(home, year, area, draft=draft, papers=Papers(agreement, last_year))
    is_draft = draft and not run.was_closed
    paths = write_letters(home, run, is_draft=is_draft)
    screen.give(
        {
            "ok": True,
            "year": year,
            "was_closed": run.was_closed,
            "draft": is_draft,
            "letters": [str(path) for path in paths],
            "manifest": run.manifest,
            "rows": run.clearing.places.to_pylist(),
            "rates": run.clearing.rates.to_pylist(),
            "next_bases": run.clearing.bases.to_pylist(),
        },
    )
    _show(run, is_draft=is_draft)
    for path in paths:
        screen.say(f"清算书：{path}", f"clearing statement: {path}")
    if is_draft:
        screen.say(f"下一步：核对无误后运行 tongpin clear --year {year} --area {run.manifest['area']} 关账")
    else:
        screen.say("下一步：清算书打印、签字、盖章；更正须先用 --reverse 撤销")


def reverse(home_path: Path | None, year: int, reason: str, area: str | None = None) -> None:
    """Take a clearing back by its opposite; the year can be cleared anew."""
    from tongpin.payment.year.run import reverse_in_home
    from tongpin.store.home import Home

    manifest = reverse_in_home(Home.open(home_path), year, reason, area)
    screen.give({"ok": True, "year": year, "manifest": manifest})
    screen.say(
        f"清算 {manifest['reverses']} 已撤销（{manifest['run']}）：{manifest['reason']}；可以重新清算 {year} 年度",
        f"clearing {manifest['reverses']} reversed as {manifest['run']}",
    )


def write_letters(home: Home, run: ClearingRun, *, is_draft: bool = False) -> list[Path]:
    """The 清算书 of a year in the reports folder, as a workbook and as A4 pages ready for the stamp."""
    from tongpin.payment.ledger.run import apart_in_home
    from tongpin.payment.month.statement_columns import synthetic_notice
    from tongpin.payment.year.letter_pdf import write_letters_pdf
    from tongpin.payment.year.letter_xlsx import write_clearing_xlsx

    assumed = len(run.manifest["assumed"])
    notices = [*synthetic_notice(home), *[f"模拟：付费办法有 {assumed} 项取值没有文件确认"] * bool(assumed)]
    notices += ["草稿：没有关账，不作清算依据"] * is_draft
    home.reports.mkdir(parents=True, exist_ok=True)
    stem = f"年度清算书-{run.manifest['run'].replace('/', '-')}{'-草稿' if is_draft else ''}"
    apart = apart_in_home(home, run.manifest["year"], run.manifest["area"])
    workbook, pages = home.reports / f"{stem}.xlsx", home.reports / f"{stem}.pdf"
    write_clearing_xlsx(run.clearing, run.manifest, workbook, notices=notices, apart=apart)
    write_letters_pdf(run.clearing, run.manifest, pages, notices=notices, apart=apart)
    return [workbook, pages]


def _show(run: ClearingRun, *, is_draft: bool) -> None:
    from tongpin.payment.month.statement_columns import LEVELS
    from tongpin.payment.year.letter import rate_lines
    from tongpin.report.words import wan_text

    sums: dict[tuple[str, str], dict[str, int]] = {}
    for row in run.clearing.places.to_pylist():
        for key in ((row["hospital_level"], row["fund_label"]), ("合计", "")):
            part = sums.setdefault(key, dict.fromkeys(_SUMS, 0))
            for name in _SUMS:
                part[name] += row[name]

    def rank(item: tuple[tuple[str, str], Any]) -> tuple[int, str]:
        level, fund = item[0]
        return (LEVELS.index(level) if level in LEVELS else len(LEVELS) + (level == "合计"), fund)

    state = "已关账，重印" if run.was_closed else "草稿，没有关账" if is_draft else "已关账"
    simulated = "；模拟" if run.manifest["assumed"] else ""
    screen.table(
        f"{run.manifest['year']} 年度清算，万元（{state}；{run.manifest['policy_label']}{simulated}）",
        ["级别与基金", "月结应付", "审核扣款", "清算额", "已拨付", "补付（负数为收回）"],
        [
            [f"{level} {fund}".strip(), *(wan_text(part[name]) for name in _SUMS)]
            for (level, fund), part in sorted(sums.items(), key=rank)
        ],
    )
    for line in rate_lines(run.clearing.rates.to_pylist()):
        screen.say(f"· {line}")
    _show_bases(run)
    for note in run.manifest["notes"]:
        screen.say(f"· {note}")


def _show_bases(run: ClearingRun) -> None:
    from tongpin.report.words import wan_text

    names = {
        (row["institution_code"], row["fund"]): (row["institution_name"], row["fund_label"])
        for row in run.clearing.places.to_pylist()
    }
    rows = run.clearing.bases.to_pylist()
    if rows:
        screen.table(
            f"{run.manifest['year'] + 1} 年度基数，万元（S001-49）",
            ["机构", "基金", "本年清算额", "上浮", "下年基数", "为什么"],
            [
                [
                    *names[row["institution_code"], row["fund"]],
                    wan_text(row["base_fen"]),
                    f"{row['uplift_e4'] / 100:.2f} %",
                    wan_text(row["next_fen"]),
                    row["reason"],
                ]
                for row in rows
            ],
        )
