"""Papers 纸面: every paper that pages hand out, by id."""

from __future__ import annotations

from tongpin.base.errors import TongpinError
from tongpin.workbench.analysis.analysis_papers import ANALYSES
from tongpin.workbench.analysis.paper_kinds import PaperKind
from tongpin.workbench.analysis.report_papers import REPORTS

PAPERS: dict[str, PaperKind] = {one.id: one for one in (*REPORTS, *ANALYSES)}


def paper(name: str) -> PaperKind:
    """A paper; TongpinError `reports.missing` when there is none of that id."""
    if name not in PAPERS:
        raise TongpinError("reports.missing", f"没有报告 {name}", where=name, hint="、".join(PAPERS))
    return PAPERS[name]
