"""Papers 公用: what meeting packs and monthly reports say alike: marks, notices, changes in words, file names."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tongpin.grouping.library import DEMO_SCHEME
from tongpin.measures.papers import difference_text, value_text
from tongpin.payment.month.statement_columns import synthetic_notice
from tongpin.report.docx import SCHEME_MARK, SIMULATED_MARK
from tongpin.report.words import MISSING

if TYPE_CHECKING:
    from tongpin.measures.figures import AnyMeasure, Comparison, FigureBasis
    from tongpin.store.home import Home
    from tongpin.twin.causes.run import MonthCases

_UNSAFE = re.compile(r"[\s/\\:*?\"<>|]+")
_UNITS = {"fen": "万元", "days": "天", "yuan": "元", "count": "例"}


def marks_of(cases: MonthCases) -> tuple[str, ...]:
    """What stands in the head of every page: a demonstration scheme, figures that rest on assumed values."""
    demo = [SCHEME_MARK] if cases.manifest["scheme"] == DEMO_SCHEME else []
    return (*demo, *([SIMULATED_MARK] if cases.manifest["assumed"] else []))


def notices_of(home: Home, cases: MonthCases) -> tuple[str, ...]:
    """The lines under the title: synthetic data, and how many values no document confirms."""
    assumed = len(cases.manifest["assumed"])
    told = [f"模拟：付费办法有 {assumed} 项取值没有文件确认，凭它们得出的数只供讨论"] if assumed else []
    return (*synthetic_notice(home), *told)


def file_stem(*parts: str) -> str:
    """The name of a file of these parts, without signs that a file system refuses."""
    return "-".join(_UNSAFE.sub("_", part) for part in parts if part)


def measure_name(one: AnyMeasure, basis: FigureBasis) -> str:
    """A measure with its unit, and 模拟 where it has to say so."""
    unit = _UNITS.get(one.unit, "")
    simulated = "·模拟" if basis.simulated(one) else ""
    return f"{one.label}{f'（{unit}）' if unit else ''}{simulated}"


def change_text(compared: Comparison | None, unit: str) -> str:
    """A change over time: the real one where the weight edition changed; a dash where there is nothing to compare."""
    if compared is None:
        return MISSING
    real = compared.change.real_effect
    text = difference_text(real if real is not None else compared.change.difference, unit)
    return f"{text}（扣除版本影响）" if compared.change.edition_effect else text


def reference_text(compared: Comparison | None, unit: str) -> str:
    """What a figure is compared with."""
    return MISSING if compared is None else value_text(compared.reference, unit)
