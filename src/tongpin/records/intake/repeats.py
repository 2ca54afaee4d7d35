"""Repeats 重复: the same record several times in one load: the same again, a later version, or a contradiction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tongpin.records.case.rules import finding
from tongpin.store.digests import SEPARATOR
from tongpin.store.versions import NO_RANK, Rows, key_codes

if TYPE_CHECKING:
    from collections.abc import Callable

    from tongpin.base.findings import Finding

REPEATED = frozenset({"REC-P002", "REC-C021"})
"""Rules under which a record is left out because it stands elsewhere, and no error."""


def find_repeats(
    rows: Rows, place: Callable[[int], tuple[str, int]], path: str, hidden: int = 0
) -> tuple[Any, dict[int, Finding]]:
    """The mask of rows to leave out, and a finding for each such row; `place` gives file and record of a row.

    Findings show the key without its first `hidden` parts.

    Of rows with one key, in order: the same content again is left out (REC-P002); another content is kept as a version
    of its own where both say when they were uploaded and at different times, else left out (REC-P001).
    """
    left_out = np.zeros(len(rows), bool)
    findings: dict[int, Finding] = {}
    codes = key_codes(rows.keys)
    counts = np.bincount(codes) if len(codes) else np.zeros(0, np.int64)
    several = np.flatnonzero(counts[codes] > 1) if len(codes) else codes
    kept: dict[int, list[int]] = {}
    for row in several.tolist():
        earlier = kept.setdefault(int(codes[row]), [])
        same = next((one for one in earlier if rows.digests[one].equals(rows.digests[row])), None)
        ranks = [rows.ranks[one] for one in (*earlier, row)]
        if not earlier or (same is None and NO_RANK not in ranks and len(set(ranks)) == len(ranks)):
            earlier.append(row)
            continue
        left_out[row] = True
        rule = "REC-P001" if same is None else "REC-P002"
        file, record = place(row)
        seen_file, seen = place(earlier[0] if same is None else same)
        where = f"第 {seen} 条" if seen_file == file else f" {seen_file} 第 {seen} 条"
        key = " ".join(part for part in rows.keys[row].as_py().split(SEPARATOR)[hidden:] if part)
        findings[row] = finding(rule, file, record, path, f"{key}（先见于{where}）")
    return left_out, findings
