"""`tongpin explain --institution …`: an amount of a statement or a clearing told with the cases behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tongpin.cli.output import screen

if TYPE_CHECKING:
    from pathlib import Path

_SHOWN = 10
"""How many of the lines behind an amount a screen shows; `--json` holds all."""


def explain(
    home_path: Path | None,
    institution: str,
    fund: str,
    *,
    month: str | None,
    year: int | None,
    field: str | None,
    area: str | None,
) -> None:
    """Tell the figures of a hospital and fund: of a month's statement, or of a year's clearing."""
    from tongpin.payment.explain_amount import explain_clearing, explain_statement
    from tongpin.store.home import Home

    home = Home.open(home_path)
    if month is not None:
        found = explain_statement(home, month, institution, fund, field, area)
    else:
        found = explain_clearing(home, year or 0, institution, fund, area)
    screen.give(
        {
            "ok": True,
            "told": [one._asdict() | {"parameters": [line._asdict() for line in one.parameters]} for one in found.told],
            "lines": found.lines.to_pylist(),
            "lines_fen": found.lines_fen,
        }
    )
    for one in found.told:
        screen.say(one.text)
        for line in one.parameters:
            screen.say(f"  · {line.label}：{line.words}　[{line.source}]")
    if found.lines_fen is not None:
        _show_lines(found.lines.slice(0, _SHOWN).to_pylist(), found.lines.num_rows, found.lines_fen)
    if month is not None and field is None:
        screen.say("要看一栏背后的清单，加 --field 与那一栏的表头")


def _show_lines(rows: list[dict[str, Any]], count: int, total: int) -> None:
    from tongpin.payment.month.posting import LINE_KINDS
    from tongpin.report.words import yuan_text

    kinds = LINE_KINDS.get
    screen.table(
        f"背后的清单：共 {count:,} 行，合计 {yuan_text(total)} 元，列出金额最大的 {len(rows)} 行",
        ["结算号", "月份", "入账", "病组", "金额（元）"],
        [
            [
                *(row["case_id"], row["period"], kinds(row["line_kind"], row["line_kind"]), row["drg"] or ""),
                yuan_text(row["amount_fen"]),
            ]
            for row in rows
        ],
    )
    if rows:
        screen.say(f"一例的每一元：tongpin explain {rows[0]['case_id']}")
