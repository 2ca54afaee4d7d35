"""What a finding says it spoils must exist: a result below the measures, or a measure of the catalogue."""

from __future__ import annotations

from tongpin.base.findings import RESULT_LABELS
from tongpin.measures.catalogue import load_measures
from tongpin.records.case.rules import rules


def test_every_spoiled_result_exists() -> None:
    known = {*RESULT_LABELS, *load_measures()}
    spoiled = {result for rule in rules().values() for result in rule.spoils}
    assert spoiled - known == set()
    assert "group" in spoiled
