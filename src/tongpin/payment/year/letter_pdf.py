"""The 清算书 on A4, one document for each hospital, ready for signature and stamp."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tongpin.payment.month.statement_columns import in_method_words, method_of_manifest
from tongpin.payment.year.letter import (
    SIGNATURES,
    SUMMARY,
    base_line,
    basis_lines,
    capital_line,
    letters,
    place_lines,
    rate_lines,
)
from tongpin.report.pdf import Paper, Ruled, write_papers
from tongpin.report.words import yuan_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from tongpin.payment.year.clear import Clearing
    from tongpin.payment.year.letter import Apart, Letter

_AMOUNT_LAST = frozenset({3})


def write_letters_pdf(
    clearing: Clearing,
    manifest: Mapping[str, Any],
    path: Path,
    *,
    notices: Sequence[str] = (),
    apart: Sequence[Apart] = (),
) -> None:
    """Write the 清算书 of every hospital: amounts, every step with its reason, capitals, digests, signature lines."""
    title = f"{manifest['area_label']}{clearing.year}年度医保清算书"
    basis = [*rate_lines(clearing.rates.to_pylist()), *basis_lines(manifest)]
    papers = [_paper(letter, title, manifest, notices, basis) for letter in letters(clearing, apart)]
    write_papers(papers, path, title=title)


def _paper(
    letter: Letter, title: str, manifest: Mapping[str, Any], notices: Sequence[str], basis: Sequence[str]
) -> Paper:
    parts: list[str | Ruled] = []
    for place, reasons, base in zip(letter.places, letter.reasons, letter.bases, strict=True):
        mode = in_method_words(place["pay_mode_label"], method_of_manifest(manifest))
        parts += [f"【{place['fund_label']}】{place['hospital_level']}　{mode}"]
        parts += place_lines(place, manifest)
        parts.append(Ruled(("项目", "金额（元）"), (7, 3), _amounts(place), frozenset({1})))
        rows = [
            (str(row["step"]), row["label"], row["formula"], yuan_text(row["amount_fen"]), row["source"] or "—")
            for row in reasons
        ]
        parts.append(Ruled(("步骤", "事项", "怎样得出", "金额（元）", "依据"), (1.4, 3, 8, 3, 2.6), rows, _AMOUNT_LAST))
        parts += [base_line(base, manifest["year"])] if base else []
    if letter.apart:
        parts.append("另行结算（不在清算额与补付之内）")
        lines = [(one.label, one.formula, yuan_text(one.amount_fen), one.source or "—") for one in letter.apart]
        parts.append(Ruled(("项目", "怎样得出", "金额（元）", "依据"), (4, 8, 3, 2.6), lines, frozenset({2})))
    parts += basis
    heading = [f"医疗机构：{letter.institution_name}（{letter.institution_code}）", *notices]
    foot = (
        f"{manifest['run']}　付费办法摘要 {manifest['policy_digest'][:16]}　结果摘要 {manifest['result_digest'][:16]}"
    )
    return Paper(title, heading, parts, (capital_line(letter.balance_fen), *SIGNATURES), foot)


def _amounts(place: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [(label, yuan_text(place[name])) for name, label in SUMMARY]
