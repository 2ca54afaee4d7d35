"""Explain 入组说明: why a case is in its group, why it is not in another, and why it is in none.

What lives here: the traced walk and its data, reasons, replay, the nearest ways to another group, words and one page.
Comes in: the tables of a scheme and one case. Goes out: `Explanation`, `Reason`, `WhyNot`, lines of Chinese, HTML.
"""

from __future__ import annotations

from tongpin.grouping.explain.page import explain_page
from tongpin.grouping.explain.prose import explain_lines
from tongpin.grouping.explain.reasons import Reason, reason_of
from tongpin.grouping.explain.replay import replay
from tongpin.grouping.explain.trace import Explanation, explain
from tongpin.grouping.explain.why_not import WhyNot, why_not

__all__ = [
    "Explanation",
    "Reason",
    "WhyNot",
    "explain",
    "explain_lines",
    "explain_page",
    "reason_of",
    "replay",
    "why_not",
]
