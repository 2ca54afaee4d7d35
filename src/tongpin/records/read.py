"""Read 读入: any record file into typed cases and findings; bad content never raises and never takes its neighbours."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import pyarrow as pa

from tongpin.base.errors import RecordsError
from tongpin.records import text
from tongpin.records.assemble import CodeBook
from tongpin.records.kinds import detect
from tongpin.records.own_layouts import LAYOUTS, read_layout
from tongpin.records.readers.front_page import front_page_columns, read_front_pages
from tongpin.records.readers.plain import read_plain
from tongpin.records.readers.settlement_list import read_settlement_lists
from tongpin.records.rules import finding, in_order
from tongpin.records.schema import empty_cases

if TYPE_CHECKING:
    from pathlib import Path

    from tongpin.base.findings import Finding

__all__ = ["CodeBook", "Loaded", "read", "unread"]

RULE_OF_ERROR = {
    "records.encoding": "REC-E001",
    "records.gzip": "REC-C006",
    "records.parquet": "REC-C006",
    "records.csv": "REC-C006",
    "records.kind": "REC-K001",
}


@dataclass(frozen=True)
class Loaded:
    """What a file gave: cases (`CASE_SCHEMA`), findings in file order, and how many records were met.

    `extra` holds, row by row beside `cases`, the further text columns of a plain file; for the own layouts
    (`institution`, `withdrawal`, `decision`, `settlement-result`) it holds their table and `cases` is empty.
    """

    kind: str
    cases: pa.Table
    findings: list[Finding]
    read_count: int
    extra: pa.Table = field(default_factory=lambda: pa.table({}))


def read(
    path: Path,
    kind: str | None = None,
    *,
    key: bytes,
    results: pa.Table | None = None,
    codes: CodeBook | None = None,
) -> Loaded:
    """A record file as typed cases; patients are hashed with `key`.

    `results` (a table of `settlement-result`) fills what settlement lists lack; `codes` turns unknown
    codes into warnings. A record that cannot be read is left out with an error finding; a file that cannot be read
    gives one error finding (record 0). Errors: `RecordsError("records.file")` when the file cannot be opened,
    `RecordsError("records.kind")` when `kind` is a word Tongpin does not know. Source: S900, issue 2 item 2.
    """
    known = ("settlement-list", "front-page", "plain", *LAYOUTS)
    if kind is not None and kind not in known:
        raise RecordsError("records.kind", f"没有这一种文件：{kind}", where=path.name, hint=f"可用：{'、'.join(known)}")
    try:
        kind = kind or detect(path)
        return _read(path, kind, key=key, results=results, codes=codes)
    except RecordsError as error:
        if error.code not in RULE_OF_ERROR:
            raise
        return unread(path.name, kind or "unknown", RULE_OF_ERROR[error.code], error)


def unread(file: str, kind: str, rule_id: str, error: RecordsError) -> Loaded:
    """What a file gives that cannot be read at all: one error finding that says why and how to mend it."""
    found = finding(rule_id, file, 0)
    found = replace(found, message=f"{error.message}，没有读入", hint=error.hint or found.hint)
    return Loaded(kind, empty_cases(), [found], 0)


def _read(path: Path, kind: str, *, key: bytes, results: pa.Table | None, codes: CodeBook | None) -> Loaded:
    if kind in LAYOUTS:
        table, findings, count = read_layout(path, kind, key=key)
        return Loaded(kind, empty_cases(), findings, count, table)
    if kind == "settlement-list":
        decoded = text.decode(text.read_bytes(path), path.name)
        cases, findings, count = read_settlement_lists(decoded, path.name, key=key, results=results, codes=codes)
        return Loaded(kind, cases, findings, count)
    front = kind == "front-page"
    parsed = text.load(path, front_page_columns if front else None)
    if front:
        cases, sheet = read_front_pages(parsed, path.name, key=key, codes=codes)
        return Loaded(kind, cases, in_order(parsed.findings + sheet.findings), parsed.read_count)
    cases, extra, sheet = read_plain(parsed, path.name, key=key, codes=codes)
    return Loaded(kind, cases, in_order(parsed.findings + sheet.findings), parsed.read_count, extra)
