"""Kinds 文件种类: which format a file has and by what signs, told from its first bytes and its column names."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from tongpin.base.errors import RecordsError
from tongpin.records.case.schema import CASE_SCHEMA
from tongpin.records.files.archives import ZIP_MAGICS, Source, opened
from tongpin.records.files.csv_rows import first_line, header, with_line_ends
from tongpin.records.files.encodings import UTF8_BOM, decode
from tongpin.records.files.pieces import PARQUET_MAGIC, parquet_names
from tongpin.records.files.xlsx import header as workbook_header
from tongpin.records.files.xlsx import is_workbook
from tongpin.records.layouts.catalogue import field_columns, layout_fields, layouts, matching_layouts, required_fields
from tongpin.records.readers.front_page import front_page_columns

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

HEAD_BYTES = 1 << 20
LIST_SIGN = re.compile(rb'"setl_?info"', re.IGNORECASE)
FRONT_PAGE_SIGNS = frozenset({"A48", "B12", "B15", "C03C", "A12C", "B34C", "D01"})
ENOUGH_SIGNS = 3
SHOWN_NAMES = 8
CASE_KINDS = ("settlement-list", "front-page", "plain")
KIND_LABELS = {
    "settlement-list": "结算清单（4101）",
    "front-page": "病案首页（HQMS）",
    "plain": "通用格式",
    "unknown": "看不出种类",
}


class Detected(NamedTuple):
    """The kind of a file, and in one Chinese line the signs that showed it and what came next."""

    kind: str
    reason: str


def label_of(kind: str) -> str:
    """What people call a kind."""
    return KIND_LABELS.get(kind) or layouts()[kind].label


def known_kinds() -> tuple[str, ...]:
    """Every kind that `--kind` may name."""
    return (*CASE_KINDS, *layouts())


def detect(source: Path | Source) -> Detected:
    """The kind of a record file, and why.

    Errors: `RecordsError("records.kind")` with what was looked at, and those of opening the file.
    """
    source = source if isinstance(source, Source) else Source(source, source.name)
    with opened(source) as stream:
        data = stream.read(HEAD_BYTES)
    if data.startswith(PARQUET_MAGIC):
        return _by_columns(parquet_names(source.path), source.name, "Parquet 的列名")
    if data.startswith(ZIP_MAGICS):
        if not is_workbook(source.path):
            raise _unknown(source.name, "文件是 zip 而不是 xlsx 工作簿", "请解开后再装载，或另存为 CSV（UTF-8）")
        return _by_columns(workbook_header(source.path), source.name, "工作簿的表头")
    head = data.removeprefix(UTF8_BOM).lstrip()
    if not head:
        raise _unknown(source.name, "文件是空的", "请检查导出是否成功")
    if head[:1] in b"{[":
        if LIST_SIGN.search(head):
            return Detected("settlement-list", "是 JSON，里面有 setlinfo 节点；别的种类没有 JSON")
        raise _unknown(source.name, "是 JSON，但开头 1 MB 里没有 setlinfo", "结算清单须是 4101 报文")
    line = first_line(with_line_ends(data.removeprefix(UTF8_BOM)))
    return _by_columns(header(decode(line, source.name).data)[0], source.name, "表头")


def _by_columns(names: Sequence[str], file: str, where: str) -> Detected:
    """The kind that a header line shows."""
    pages = FRONT_PAGE_SIGNS & set(front_page_columns(names).values())
    found: list[tuple[str, str]] = []
    if "case_id" in {name.replace("\ufeff", "").strip() for name in names}:
        found.append(("plain", "有 case_id 列"))
    for layout in matching_layouts(names):
        needed = "、".join(sorted(required_fields(layout)))
        found.append((layout, f"有{layouts()[layout].label}必需的列（{needed}）"))
    if len(pages) >= ENOUGH_SIGNS:
        found.append(("front-page", f"认得首页的列 {'、'.join(sorted(pages))}"))
    if found:
        (kind, why), *others = found
        return Detected(kind, f"{where}{why}；{_runner_up(names, kind, others)}")
    # Without a header line the first cells are those of a person: only names that some layout knows are shown.
    known = [name for name in names if name.strip() in _known_names() or front_page_columns([name])]
    shown = f"{len(names)} 列里认得 {len(known)} 列" + (f"（{'、'.join(known[:SHOWN_NAMES])}）" if known else "")
    raise _unknown(file, f"列名不像任何一种已知布局，{shown}", "请检查第一行是不是表头，或用 --kind 指明种类")


def _runner_up(names: Sequence[str], kind: str, others: list[tuple[str, str]]) -> str:
    """What the header looked like next."""
    if others:
        return f"也像{label_of(others[0][0])}（{others[0][1]}）"
    shares = {name: required_fields(name) for name in layouts() if name != kind}
    lacking = {
        name: sorted(needed - field_columns(names, name).keys())
        for name, needed in shares.items()
        if needed & field_columns(names, name).keys()
    }
    if not lacking:
        return "不像别的种类"
    nearest = min(lacking, key=lambda name: (len(lacking[name]), name))
    return f"其次像{label_of(nearest)}，但缺 {'、'.join(lacking[nearest][:SHOWN_NAMES])}"


@cache
def _known_names() -> frozenset[str]:
    return frozenset(CASE_SCHEMA.names).union(*([row["field"] for row in layout_fields(name)] for name in layouts()))


def _unknown(file: str, why: str, hint: str) -> RecordsError:
    return RecordsError("records.kind", f"看不出文件种类：{why}", where=file, hint=hint)
