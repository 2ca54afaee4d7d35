"""Reviews 病例复核: what a review of cases said of a rate beyond its exact limit; without one nobody loses a point."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, NamedTuple

from tongpin.base.errors import TongpinError
from tongpin.measures.evaluation.catalogue import FOLDER
from tongpin.measures.ranks import ABOVE_INNER, ABOVE_OUTER, WITHIN

if TYPE_CHECKING:
    from tongpin.measures.ranks import Funnel
    from tongpin.store.home import Home

FILE = "reviews.csv"
COLUMNS = ("institution_code", "measure", "months", "finding", "document")
CONFIRMED, DISMISSED = "属实", "不属实"
FULL, NOTHING = 100.0, 0.0


class Judged(NamedTuple):
    """The score of a rate of rare events, None until its cases are reviewed, and why."""

    score: float | None
    why: str


def read_reviews(home: Home) -> dict[tuple[str, str, str], tuple[str, str]]:
    """Findings and documents by institution, measure and months (`HOME/evaluation/reviews.csv`); none without a file.

    Errors: `evaluation.reviews` (columns, a finding that is none, one given twice, no document).
    """
    path = home.root / FOLDER / FILE
    if not path.is_file():
        return {}
    try:
        reader = csv.DictReader(path.read_bytes().decode("utf-8-sig").splitlines())
    except UnicodeDecodeError:
        raise _fault(FILE, "文件不是 UTF-8 编码", "用 UTF-8 另存") from None
    if tuple(reader.fieldnames or ()) != COLUMNS:
        raise _fault(FILE, f"表头不是 {','.join(COLUMNS)}", f"第一行写 {','.join(COLUMNS)}")
    found: dict[tuple[str, str, str], tuple[str, str]] = {}
    for line, row in enumerate(reader, start=2):
        where = f"{FILE} 第 {line} 行"
        key = (row["institution_code"], row["measure"], row["months"])
        if row["finding"] not in {CONFIRMED, DISMISSED}:
            raise _fault(where, f"结论“{row['finding']}”不对", f"写 {CONFIRMED} 或 {DISMISSED}")
        if not row["document"]:
            raise _fault(where, "没有写复核文件", "写明复核文件的名称或文号")
        if key in found:
            raise _fault(where, "同一家机构的同一个指标在同一期写了两次", "只留一行")
        found[key] = (row["finding"], row["document"])
    scope = home.scope
    return {key: one for key, one in found.items() if scope is None or scope.sees_hospital(key[0])}


def judged(limits: Funnel, review: tuple[str, str] | None) -> Judged:
    """The score of a rate by its exact limits: full within the outer one, else what the review of the cases found.

    Beyond the outer limit there is no score before the review (never a veto by a death alone, practice of S000-04).
    """
    if limits.verdict in {WITHIN, ABOVE_INNER}:
        return Judged(FULL, limits.verdict)
    if review is None:
        return Judged(None, f"{limits.verdict}；复核之前不计分，也不否决")
    finding, document = review
    words = f"{ABOVE_OUTER if limits.verdict == ABOVE_OUTER else limits.verdict}；复核{finding}（{document}）"
    return Judged(NOTHING if finding == CONFIRMED else FULL, words)


def _fault(where: str, message: str, hint: str) -> TongpinError:
    return TongpinError("evaluation.reviews", message, where=where, hint=hint)
