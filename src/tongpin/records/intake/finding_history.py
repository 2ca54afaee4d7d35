"""Finding history 问题的下落: what is open, what was mended by which load; nothing that was found is forgotten."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tongpin.base.findings import Finding
from tongpin.records.intake.lake_tables import FINDING_SCHEMA, FINDINGS, KEYS, read_loaded
from tongpin.store.digests import SEPARATOR, key_texts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tongpin.store.home import Home

OPEN, MENDED = "open", "mended"
STATUS_LABELS = {OPEN: "待处理", MENDED: "已改正"}
FILE = "file"
"""The source of a finding about a file, or about a record of which not even the key can be read."""
BY_RESULTS = ("REC-M003", "REC-S005", "REC-S006", "REC-S007")
"""Rules about a list that a settlement result which comes after it settles anew."""
ABOUT = ("subject", "source", "institution_code", "case_id", "upload_time")
OF_LOAD = ("REC-P001", "REC-P002")
"""Rules about a record that stands in a load several times: no other version answers them."""


class Met(NamedTuple):
    """Records that a load met: their subjects and the time of their version (null where unknown)."""

    subjects: Any
    uploads: Any


class Seen(NamedTuple):
    """What a load has met: its records, its files, lists completed by results, withdrawals of lists now known.

    `accepted` are the subjects of records it loaded; `in_force` the records that now stand in the lake.
    """

    records: Met
    files: Any
    completed: Any
    arrived: Any
    accepted: Any
    in_force: Met


def subjects_of(source: str, institution: Any, case_id: Any) -> Any:
    """The subject of each record, null where its key is not known."""
    return pc.binary_join_element_wise(pa.scalar(source), pc.fill_null(institution, ""), case_id, SEPARATOR)


def records_met(source: str, keys: pa.Table, watched: Any = None) -> Met:
    """The records of which the key is known, from a table with institution_code, case_id and upload_time.

    With `watched` those of these subjects alone.
    """
    known = keys.filter(pc.is_valid(keys["case_id"]))
    institution, case_id, uploads = (_whole(known[name]) for name in ("institution_code", "case_id", "upload_time"))
    subjects = subjects_of(source, institution, case_id)
    if watched is None:
        return Met(subjects, uploads)
    chosen = pc.is_in(subjects, value_set=watched)
    return Met(subjects.filter(chosen), uploads.filter(chosen))


def open_subjects(home: Home, load: int) -> Any:
    """The subjects of the findings that are open when a load begins."""
    stored = read_loaded(home, FINDINGS, ["subject", "status"], within=load)
    return _whole(pc.unique(stored.filter(pc.equal(stored["status"], OPEN))["subject"]))


def all_met(parts: Sequence[Met]) -> Met:
    """Several of them as one."""
    nothing = Met(pa.array([], pa.string()), pa.array([], pa.timestamp("s")))
    return Met(*(pa.concat_arrays([part[place] for part in (nothing, *parts)]) for place in (0, 1)))


def about(findings: Sequence[Finding], source: str, keys: pa.Table | None = None) -> pa.Table:
    """Findings with what they are about: the fields of `Finding` and the columns `ABOUT`.

    `keys` names, row by row beside the findings, institution_code, case_id and upload_time; a finding without a
    case, or without `keys`, is about its file.
    """
    fields = [FINDING_SCHEMA.field(name) for name in Finding.__slots__]
    arrays = [pa.array([getattr(one, field.name) for one in findings], field.type) for field in fields]
    table = pa.table(arrays, schema=pa.schema(fields))
    size = table.num_rows
    nothing, never = pa.nulls(size, pa.string()), pa.nulls(size, pa.timestamp("s"))
    institution, case_id, uploads = (nothing, nothing, never)
    if keys is not None:
        institution, case_id, uploads = (_whole(keys[name]) for name in ("institution_code", "case_id", "upload_time"))
    number = _whole(table["record"].cast(pa.string()))
    of_file = pc.binary_join_element_wise(pa.scalar(FILE), _whole(table["file"]), number, SEPARATOR)
    known = pc.is_valid(case_id)
    columns = (
        pc.coalesce(subjects_of(source, institution, case_id), of_file),
        pc.if_else(known, pa.scalar(source), pa.scalar(FILE)),
        pc.if_else(known, institution, pa.scalar(None, pa.string())),
        case_id,
        uploads,
    )
    for name, column in zip(ABOUT, columns, strict=True):
        table = table.append_column(name, column)
    return table


def about_records(findings: Sequence[Finding], source: str, keys: pa.Table) -> pa.Table:
    """Findings with the records they are about, by the numbers of the records in `keys`."""
    records = pa.array([one.record or None for one in findings], pa.int64())
    index = pc.index_in(records, value_set=_whole(keys["record"]), skip_nulls=True)
    return about(findings, source, keys.take(index))


def written(home: Home, found: Sequence[pa.Table], seen: Seen, load: int) -> pa.Table:
    """The rows that a load adds to the findings: those newly open, and those mended by what came (`FINDING_SCHEMA`).

    A finding is mended when its record comes again, from any file and in no older version, and it is not found again;
    one about a file when a file of that name is loaded without it. What is found about a version that a newer one has
    replaced already is kept as mended. The same finding again adds nothing.
    """
    stored = read_loaded(home, FINDINGS, within=load)
    now = _first_of_each(pa.concat_tables([FINDING_SCHEMA.empty_table(), *(_of_load(one, load) for one in found)]))
    keys, before = (_whole(key_texts(table, KEYS[FINDINGS])) for table in (now, stored))
    index = pc.index_in(keys, value_set=before)
    known = _whole(stored["status"]).take(index)
    now = _with(now, "first_load", pc.coalesce(_whole(stored["first_load"]).take(index), _whole(now["first_load"])))
    answered = _answered(now, seen)
    now = _with(now, "status", pc.if_else(answered, MENDED, OPEN))
    added = _where(now, pc.fill_null(pc.not_equal(known, _whole(now["status"])), True))
    gone = pc.and_(pc.equal(_whole(stored["status"]), OPEN), pc.invert(pc.is_in(before, value_set=keys)))
    mended = stored.filter(pc.and_(gone, _came_again(stored, seen)))
    mended = _with(_with(mended, "status", pa.array([MENDED] * mended.num_rows, pa.string())), "last_load", load)
    return pa.concat_tables([added, mended]) if mended.num_rows else added


def _first_of_each(found: pa.Table) -> pa.Table:
    """Each finding once."""
    codes = np.asarray(_whole(key_texts(found, KEYS[FINDINGS])).dictionary_encode().indices)
    first = np.zeros(found.num_rows, bool)
    first[np.unique(codes, return_index=True)[1]] = True
    return _where(found, pa.array(first))


def _of_load(found: pa.Table, load: int) -> pa.Table:
    size = found.num_rows
    for name, value in (("status", OPEN), ("first_load", load), ("last_load", load)):
        found = found.append_column(name, pa.array([value] * size, FINDING_SCHEMA.field(name).type))
    return found.select(FINDING_SCHEMA.names).cast(FINDING_SCHEMA)


def _with(table: pa.Table, name: str, values: Any) -> pa.Table:
    place = table.column_names.index(name)
    kind = table.schema.field(name)
    if isinstance(values, int):
        values = pa.array(np.full(table.num_rows, values), kind.type)
    return table.set_column(place, kind, values.cast(kind.type))


def _where(table: pa.Table, mask: Any) -> pa.Table:
    """The rows of a mask; the table itself, and no copy, where it leaves none out."""
    return table if pc.all(mask, min_count=0).as_py() else table.filter(mask)


def _newest(met: Met, subjects: Any) -> Any:
    """The latest known version of each subject among the records met, null where there is none."""
    if not len(subjects) or not len(met.subjects):
        return pa.nulls(len(subjects), pa.timestamp("s"))
    table = pa.table({"subject": met.subjects, "upload_time": met.uploads})
    table = table.filter(pc.is_in(table["subject"], value_set=subjects))
    newest = table.group_by("subject").aggregate([("upload_time", "max")])
    return _whole(newest["upload_time_max"]).take(pc.index_in(subjects, value_set=_whole(newest["subject"])))


def _answered(now: pa.Table, seen: Seen) -> Any:
    """The mask of findings about a version that another one, in force, has replaced.

    Where a rejected record does not say when it was uploaded, another record of the same list in the same load has.
    """
    subject, uploads = _whole(now["subject"]), _whole(now["upload_time"])
    newer = pc.fill_null(pc.greater(_newest(seen.in_force, subject), uploads), False)
    rejected = pc.and_(pc.equal(_whole(now["severity"]), "error"), pc.is_null(uploads))
    replaced = pc.and_(rejected, pc.is_in(subject, value_set=seen.accepted))
    return pc.and_(pc.or_(newer, replaced), pc.invert(pc.is_in(_whole(now["rule_id"]), value_set=pa.array(OF_LOAD))))


def _came_again(stored: pa.Table, seen: Seen) -> Any:
    """The mask of findings about what a load has met, so that it could have found them again."""
    subject, rule, source = (_whole(stored[name]) for name in ("subject", "rule_id", "source"))
    of_file = pc.and_(pc.equal(source, FILE), pc.is_in(_whole(stored["file"]), value_set=seen.files))
    of_result = pc.and_(pc.is_in(rule, value_set=pa.array(BY_RESULTS)), pc.is_in(subject, value_set=seen.completed))
    of_withdrawal = pc.and_(pc.equal(rule, "REC-W001"), pc.is_in(subject, value_set=seen.arrived))
    uploads = _whole(stored["upload_time"])
    no_older = pc.or_kleene(pc.is_null(uploads), pc.greater_equal(_newest(seen.records, subject), uploads))
    of_record = pc.and_(pc.is_in(subject, value_set=seen.records.subjects), pc.fill_null(no_older, False))
    return pc.or_(pc.or_(of_file, of_record), pc.or_(of_result, of_withdrawal))


def _whole(column: Any) -> Any:
    """A column in one piece."""
    if isinstance(column, pa.ChunkedArray):
        return pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)
    return column
