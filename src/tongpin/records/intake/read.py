"""Read 读入: any record file into typed cases and findings; bad content never raises and never takes its neighbours."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tongpin.base.errors import RecordsError
from tongpin.records.case.assemble import CodeBook
from tongpin.records.case.rules import finding, in_order
from tongpin.records.case.schema import empty_cases
from tongpin.records.files import text
from tongpin.records.files.archives import Source, is_archive
from tongpin.records.files.pieces import Piece, pieces_of
from tongpin.records.files.xlsx import load_xlsx
from tongpin.records.intake.kinds import detect, known_kinds
from tongpin.records.intake.repeats import find_repeats
from tongpin.records.readers.front_page import read_front_pages
from tongpin.records.readers.own_layouts import LAYOUT_KEYS, LAYOUTS, read_layout
from tongpin.records.readers.plain import read_plain
from tongpin.records.readers.settlement_list import read_settlement_lists
from tongpin.store.absent import remember_absent
from tongpin.store.digests import key_texts, row_digests
from tongpin.store.versions import Rows, ranks_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tongpin.base.findings import Finding
    from tongpin.records.case.assemble import Assembled

__all__ = ["CodeBook", "Loaded", "read", "read_piece", "unread"]

remember_absent()
RULE_OF_ERROR = {
    "records.encoding": "REC-E001",
    "records.gzip": "REC-C006",
    "records.zip": "REC-C006",
    "records.bomb": "REC-Z002",
    "records.parquet": "REC-C006",
    "records.csv": "REC-C006",
    "records.xlsx": "REC-C006",
    "records.kind": "REC-K001",
}
CASE_KEY = ("source", "institution_code", "case_id")
"""What makes two cases the same."""
PLACES = ("file", "record")
"""Where a case came from does not make it another case."""
KEY_SCHEMA = pa.schema(
    [
        ("record", pa.int64()),
        ("institution_code", pa.string()),
        ("case_id", pa.string()),
        ("upload_time", pa.timestamp("s")),
    ]
)
"""What names each record met, and its version; null where the record, or its kind, does not say."""
SOURCES = {"settlement-list": "settlement_list", "front-page": "front_page", "plain": "plain"}


def _no_columns() -> pa.Table:
    return pa.table({})


@dataclass(frozen=True)
class Loaded:
    """What a file, or a piece of it, gave: findings in file order, how many records were met, and their content.

    That is either cases (`CASE_SCHEMA` and the detail columns that the format fills) with their `persons` row by row
    beside them, or for an own layout its `table`, whose rows came from the records `rows`. `keys` (`KEY_SCHEMA`) names
    every record met, also those left out.
    """

    kind: str
    cases: pa.Table
    findings: list[Finding]
    read_count: int
    persons: pa.Table = field(default_factory=_no_columns)
    keys: pa.Table = field(default_factory=KEY_SCHEMA.empty_table)
    table: pa.Table = field(default_factory=_no_columns)
    rows: Any = field(default_factory=lambda: np.zeros(0, np.int64))

    @property
    def source(self) -> str:
        """What the lake calls the origin of these records."""
        return SOURCES.get(self.kind, self.kind)


def read(
    path: Path,
    kind: str | None = None,
    *,
    key: bytes,
    results: pa.Table | None = None,
    codes: CodeBook | None = None,
) -> Loaded:
    """A whole record file (or a zip of files of one kind) as typed cases; patients are hashed with `key`.

    `results` (a table of `settlement-result`) fills what settlement lists lack; `codes` turns unknown
    codes into warnings. A record that cannot be read is left out with an error finding; a file that cannot be read
    gives one error finding (record 0). The same record again is left out, or kept as a later version (`repeats`).
    Errors: `RecordsError("records.file")` when the file cannot be opened, `RecordsError("records.kind")` when `kind`
    is a word Tongpin does not know, or a zip holds several kinds. Source: S900, S901-05.
    """
    check_kind(kind, path.name)
    with ExitStack() as stack:
        sources = [Source(path, path.name)]
        found: list[Finding] = []
        if is_archive(path):
            from tongpin.records.intake.tasks import unpacked

            scratch = Path(stack.enter_context(TemporaryDirectory(prefix="tongpin-")))
            sources, found = unpacked(path, path.name, scratch)
        parts = [_read_source(source, kind, key=key, results=results, codes=codes) for source in sources]
    kinds = {part.kind for part in parts if part.kind != "unknown"}
    if len(kinds) > 1:
        raise RecordsError("records.kind", "压缩包里不止一种文件", where=path.name, hint="用 tongpin load 装载")
    merged = joined(parts or [Loaded(kind or "unknown", empty_cases(), [], 0)])
    return _each_once(replace(merged, findings=[*found, *merged.findings]), [source.name for source in sources])


def check_kind(kind: str | None, where: str) -> None:
    """Refuse a word for a kind that Tongpin does not know."""
    if kind is not None and kind not in known_kinds():
        hint = f"可用：{'、'.join(known_kinds())}"
        raise RecordsError("records.kind", f"没有这一种文件：{kind}", where=where, hint=hint)


def _read_source(
    source: Source, kind: str | None, *, key: bytes, results: pa.Table | None, codes: CodeBook | None
) -> Loaded:
    parts: list[Loaded] = []
    try:
        kind = kind or detect(source).kind
        for piece in pieces_of(source):
            parts.append(read_piece(piece, kind, key=key, results=results, codes=codes))  # noqa: PERF401
    except RecordsError as error:
        if error.code not in RULE_OF_ERROR:
            raise
        parts.append(unread(source.name, kind or "unknown", error, begun=bool(parts)))
    return joined(parts)


def unread(file: str, kind: str, error: RecordsError, rule_id: str = "", *, begun: bool = False) -> Loaded:
    """What a file gives that cannot be read at all, or once `begun` not to its end: one error finding.

    It says why and how to mend it.
    """
    found = finding(rule_id or RULE_OF_ERROR[error.code], file, 0)
    left = "其后的没有读入" if begun else "没有读入"
    found = replace(found, message=f"{error.message}，{left}", hint=error.hint or found.hint)
    return Loaded(kind, empty_cases(), [found], 0)


def read_piece(piece: Piece, kind: str, *, key: bytes, results: pa.Table | None, codes: CodeBook | None) -> Loaded:
    """A piece of a file as typed cases, or as the rows of its layout; its records numbered through the file."""
    empty = Loaded(kind, empty_cases(), [], 0)
    try:
        cut_out = bool(piece.data) or piece.table is not None or piece.workbook is not None or not piece.findings
        loaded = _read(piece, kind, key=key, results=results, codes=codes) if cut_out else empty
    except RecordsError as error:
        if error.code not in RULE_OF_ERROR:
            raise
        loaded = unread(piece.file, kind, error)
    findings = [*piece.findings, *loaded.findings]
    if piece.before:
        findings = [replace(one, record=one.record + piece.before) if one.record else one for one in findings]
    return replace(
        loaded,
        cases=_moved(loaded.cases, piece.before),
        keys=_moved(loaded.keys, piece.before),
        rows=loaded.rows + piece.before,
        findings=findings,
        read_count=loaded.read_count + piece.met,
    )


def _moved(table: pa.Table, before: int) -> pa.Table:
    """The records of a table numbered on from those before."""
    place = table.schema.get_field_index("record")
    if not before or not table.num_rows:
        return table
    return table.set_column(place, table.schema.field(place), pc.add(table["record"], before))


def _read(piece: Piece, kind: str, *, key: bytes, results: pa.Table | None, codes: CodeBook | None) -> Loaded:
    file = piece.file
    if kind == "settlement-list":
        if piece.table is not None or piece.workbook is not None:
            raise RecordsError("records.kind", "结算清单须是 JSON", where=file, hint="请导出 4101 报文，或改 --kind")
        decoded = text.decode(piece.data, file, piece.lean)
        made, findings, count = read_settlement_lists(decoded, file, key=key, results=results, codes=codes)
        return _loaded(kind, made, findings, count)
    if piece.workbook is not None:
        parsed = load_xlsx(piece.workbook, file)
    elif piece.table is not None:
        parsed = (text.encoded_table_of if kind == "plain" else text.table_of)(piece.table)
    else:
        parsed = text.parse(text.decode(piece.data, file, piece.lean), file)
    if not parsed.read_count and not piece.before:
        parsed = parsed._replace(findings=[*parsed.findings, finding("REC-C009", file, 0)])
    if kind in LAYOUTS:
        table, findings, keys = read_layout(parsed, kind, file, key=key)
        loaded = np.asarray(keys["loaded"].to_numpy(), bool)
        if table.num_rows == 0:
            loaded[:] = False
        rows = keys["record"].to_numpy()[loaded]
        return Loaded(kind, empty_cases(), findings, parsed.read_count, keys=_keys(keys), table=table, rows=rows)
    made, sheet = (read_front_pages if kind == "front-page" else read_plain)(parsed, file, key=key, codes=codes)
    return _loaded(kind, made, in_order([*parsed.findings, *sheet.findings]), parsed.read_count)


def _loaded(kind: str, made: Assembled, findings: list[Finding], count: int) -> Loaded:
    return Loaded(kind, made.cases, findings, count, persons=made.persons, keys=_keys(made.keys))


def _keys(keys: pa.Table) -> pa.Table:
    columns = [
        keys[one.name].cast(one.type) if one.name in keys.column_names else pa.nulls(keys.num_rows, one.type)
        for one in KEY_SCHEMA
    ]
    return pa.table(columns, schema=KEY_SCHEMA)


def joined(parts: Sequence[Loaded]) -> Loaded:
    """The pieces of a file as one; what each says about the whole file is said once."""
    if len(parts) == 1:
        return parts[0]
    first = parts[0]
    cases = [part.cases for part in parts]
    return Loaded(
        first.kind,
        _concatenated(cases),
        once([found for part in parts for found in part.findings]),
        sum(part.read_count for part in parts),
        persons=_concatenated(_beside(parts)),
        keys=pa.concat_tables([part.keys for part in parts]),
        table=_concatenated([part.table for part in parts]),
        rows=np.concatenate([part.rows for part in parts]),
    )


def _beside(parts: Sequence[Loaded]) -> list[pa.Table]:
    """The persons of the parts, as many rows as cases even where a part names none but others do."""
    named = next((part.persons for part in parts if part.persons.num_columns), None)
    if named is None:
        return []
    one = named.schema.field(0)
    nobody = [pa.table([pa.nulls(part.cases.num_rows, one.type)], schema=pa.schema([one])) for part in parts]
    return [part.persons if part.persons.num_columns else empty for part, empty in zip(parts, nobody, strict=True)]


def _concatenated(tables: Iterable[pa.Table]) -> pa.Table:
    """Tables one after another; columns that one lacks are null there."""
    some = [table for table in tables if table.num_columns]
    return pa.concat_tables(some, promote_options="default").combine_chunks() if some else _no_columns()


def once(findings: Iterable[Finding]) -> list[Finding]:
    """Findings without those about a whole file that another piece of it has made already."""
    seen: set[tuple[str, ...]] = set()
    kept: list[Finding] = []
    for one in findings:
        about = (one.file, one.rule_id, one.path, one.value, one.message)
        if one.record or about not in seen:
            kept.append(one)
        if not one.record:
            seen.add(about)
    return kept


def _each_once(loaded: Loaded, names: Sequence[str]) -> Loaded:
    """What was read, without the records that stand in it again."""
    of_layout = loaded.kind in LAYOUTS
    table, key = (loaded.table, LAYOUT_KEYS[loaded.kind]) if of_layout else (loaded.cases, CASE_KEY)
    if not table.num_rows:
        return loaded
    keys = key_texts(table, key)
    if pc.count_distinct(keys).as_py() == table.num_rows:
        return loaded
    if of_layout:
        rows = Rows(keys, row_digests(table), ranks_of(table, None))
        left_out, findings = find_repeats(rows, lambda row: (names[0], int(loaded.rows[row])), key[-1])
    else:
        digests = row_digests(_with_persons(table.drop_columns(list(PLACES)), loaded.persons))
        rows = Rows(keys, digests, ranks_of(table, "upload_time"))
        files, records = table["file"], table["record"]
        left_out, findings = find_repeats(rows, lambda row: (files[row].as_py(), records[row].as_py()), "case_id", 1)
    if not findings:
        return loaded
    kept = pa.array(~left_out)
    by_record = sorted(
        [*loaded.findings, *findings.values()], key=lambda one: (one.file, one.record, one.rule_id, one.path)
    )
    changed = (
        {"table": loaded.table.filter(kept), "rows": loaded.rows[~left_out]}
        if of_layout
        else {
            "cases": loaded.cases.filter(kept),
            "persons": loaded.persons.filter(kept) if loaded.persons.num_columns else loaded.persons,
        }
    )
    return replace(loaded, findings=by_record, **changed)


def _with_persons(cases: pa.Table, persons: pa.Table) -> pa.Table:
    for name in persons.column_names:
        cases = cases.append_column(f"person.{name}", persons[name])
    return cases
