"""Kinds 文件种类: which format a file has, told from its first bytes and its column names."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from tongpin.base.errors import RecordsError
from tongpin.records import text
from tongpin.records.own_layouts import LAYOUTS, layout_fields, required_fields
from tongpin.records.readers.front_page import front_page_columns
from tongpin.records.schema import CASE_SCHEMA

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

HEAD_BYTES = 1 << 20
LIST_SIGN = b'"setlinfo"'
ZIP_MAGIC = b"PK\x03\x04"
FRONT_PAGE_SIGNS = frozenset({"A48", "B12", "B15", "C03C", "A12C", "B34C", "D01"})
ENOUGH_SIGNS = 3


def detect(path: Path) -> str:
    """The kind of a record file, for `read`.

    `settlement-list`, `settlement-result`, `front-page`, `plain`, `institution`, `withdrawal` or `decision`.
    Errors: `RecordsError("records.kind")` with what was looked at, `RecordsError("records.file" | "records.encoding")`.
    """
    data = text.read_head(path, HEAD_BYTES)
    if data.startswith(text.PARQUET_MAGIC):
        return _by_columns(text.parquet_names(path), path.name)
    if data.startswith(ZIP_MAGIC):
        raise _unknown(path.name, "文件是 zip 或 xlsx", "请另存为 CSV（UTF-8）")
    head = data.removeprefix(text.UTF8_BOM).lstrip()
    if not head:
        raise _unknown(path.name, "文件是空的", "请检查导出是否成功")
    if head[:1] in b"{[":
        if LIST_SIGN in head:
            return "settlement-list"
        raise _unknown(path.name, "是 JSON，但开头 1 MB 里没有 setlinfo", "结算清单须是 4101 报文")
    line = head.split(b"\n", 1)[0]
    return _by_columns(text.header(text.decode(line, path.name).data)[0], path.name)


def _by_columns(names: Sequence[str], file: str) -> str:
    """The kind that a header line shows."""
    present = {name.replace("\ufeff", "").strip() for name in names}
    if "case_id" in present:
        return "plain"
    for layout in LAYOUTS:
        if required_fields(layout) <= present:
            return layout
    signs = FRONT_PAGE_SIGNS & set(front_page_columns(names).values())
    if len(signs) >= ENOUGH_SIGNS:
        return "front-page"
    # Without a header line the first cells are those of a person: only names that some layout knows are shown.
    known = [name for name in names if name.strip() in _known_names() or front_page_columns([name])]
    shown = f"{len(names)} 列里认得 {len(known)} 列" + (f"（{'、'.join(known[:8])}）" if known else "")
    raise _unknown(file, f"列名不像任何一种已知布局，{shown}", "请检查第一行是不是表头，或用 --kind 指明种类")


@cache
def _known_names() -> frozenset[str]:
    return frozenset(CASE_SCHEMA.names).union(*([row["field"] for row in layout_fields(name)] for name in LAYOUTS))


def _unknown(file: str, why: str, hint: str) -> RecordsError:
    return RecordsError("records.kind", f"看不出文件种类：{why}", where=file, hint=hint)
