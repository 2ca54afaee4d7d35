"""Words 措辞: the rows of a causes report as people read them, the same on screen, sheet and paper."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from tongpin.report.words import month_text, wan_text, yuan_text
from tongpin.twin.causes.catalogue import load_causes, load_settings, setting
from tongpin.twin.causes.parts import FACTORS, PARTS

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pyarrow as pa

    from tongpin.twin.causes.breakdown import Piece
    from tongpin.twin.causes.run import CausesReport


class WaterfallRow(NamedTuple):
    """A line of the waterfall: label, amount and running amount in fen, how it comes about; `is_sum` for both ends."""

    label: str
    amount_fen: int
    running_fen: int
    how: str
    is_sum: bool


def title_of(report: CausesReport) -> str:
    """The title of a report."""
    return f"{report.scope}{month_text(report.wanted.month)}盈亏原因"


def base_label(report: CausesReport) -> str:
    """The first line of the waterfall: what the result is compared with."""
    return f"对照（{report.base_label.split('，', maxsplit=1)[0]}）"


def waterfall_rows(report: CausesReport) -> list[WaterfallRow]:
    """From the base over the factors to the result."""
    total = report.total
    running = total["base_fen"]
    rows = [WaterfallRow(base_label(report), running, running, report.base_label, is_sum=True)]
    for factor, label in FACTORS.items():
        parts = [part for part in PARTS if part.factor == factor]
        amount = sum(total[part.id] for part in parts)
        running += amount
        rows.append(WaterfallRow(label, amount, running, _how(parts, total), is_sum=False))
    rows.append(WaterfallRow("本期盈亏", total["result_fen"], total["result_fen"], "", is_sum=True))
    return rows


def _how(parts: list[Any], total: Mapping[str, int]) -> str:
    if len(parts) == 1:
        return str(parts[0].how)
    return "；".join(f"{part.label} {wan_text(total[part.id])}" for part in parts)


def factor_sums(row: Mapping[str, Any]) -> dict[str, int]:
    """The amounts of a decomposed row by factor."""
    return {factor: sum(row[part.id] for part in PARTS if part.factor == factor) for factor in FACTORS}


def difference(row: Mapping[str, Any]) -> int:
    """Result less base of a decomposed row."""
    return int(row["result_fen"]) - int(row["base_fen"])


def main_factor(row: Mapping[str, Any]) -> str:
    """The factor that takes a row down most, with its amount; empty where none does."""
    factor, amount = min(factor_sums(row).items(), key=lambda one: one[1])
    return f"{FACTORS[factor]} {wan_text(amount)}" if amount < 0 else ""


def ranked_rows(table: pa.Table, column: str) -> tuple[list[dict[str, Any]], dict[str, Any] | None]:
    """Rows with enough cases that lie below their base, the largest loss first, and the sum of those with too few.

    The sum is a row of its own (`column` empty, `row_count` its rows), or None where every row has enough cases.
    """
    least = setting("compare.minimum_cases")
    rows = table.to_pylist()
    enough = [row for row in rows if row["case_count"] >= least and difference(row) < 0]
    enough.sort(key=lambda row: (difference(row), row[column]))
    few = [row for row in rows if row["case_count"] < least]
    if not few:
        return enough, None
    names = [name for name in table.column_names if name not in {"drg", column}]
    return enough, {column: "", "row_count": len(few)} | {name: sum(row[name] for row in few) for name in names}


def few_label(few: Mapping[str, Any], what: str) -> str:
    """The name of the row that sums what has too few cases."""
    return f"例数不足 {setting('compare.minimum_cases')} 的 {few['row_count']} 个{what}合计"


def interval_text(piece: Piece) -> str:
    """The interval of a difference per case in yuan, or a dash."""
    if piece.low_fen is None or piece.high_fen is None:
        return "—"
    return f"{yuan_text(piece.low_fen)} 至 {yuan_text(piece.high_fen)}"


def basis_rows() -> list[dict[str, str]]:
    """Parts, causes and limits in words, each with its reference and 模拟 where no document confirms it."""
    from tongpin.twin.basis import definition_text

    rows = [
        {"kind": "分项", "label": part.label, "text": part.how, "reference": "ADR 0008", "assumed": ""}
        for part in PARTS
    ]
    rows += [
        {
            "kind": "原因",
            "label": one.label,
            "text": f"{one.words}。{one.next_step}",
            "reference": one.reference,
            "assumed": "模拟" if one.assumed else "",
        }
        for one in load_causes()
    ]
    rows += [
        {
            "kind": "界值",
            "label": one.label,
            "text": " ".join(definition_text(one)),
            "reference": one.reference,
            "assumed": "模拟" if one.assumed else "",
        }
        for one in load_settings().values()
    ]
    return rows
