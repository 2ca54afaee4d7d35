"""List clinical nodes 清单诊疗节点: diagnoses, procedures, intensive care and blood, in detail and for the core."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tongpin.records.case import columns, nested
from tongpin.records.formats.tables import dictionary
from tongpin.records.readers.list_columns import field_columns

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tongpin.records.case.assemble import Raw
    from tongpin.records.readers.list_columns import Node

PLACEHOLDER_CODES = ("0000", "无")
PLACEHOLDER_NAMES = ("无", "无手术")
MAIN_PROCEDURE = "1"
SECONDS_PER_MINUTE = 60
MINUTES_PER_HOUR = 60


def diagnoses(raw: Raw, nodes: Mapping[str, Node]) -> None:
    """`diagnoses`, `special_diseases` and `dx`: western ones, principal first, TCM never (S914-03).

    A 门慢特 list, which has no `diseinfo`, brings the codes of its own node.
    """
    own, special = nodes["diseinfo"], nodes["opspdiseinfo"]
    details = _fields(own)
    kept = own.written()
    raw.ready["diagnoses"] = own.build("diagnoses", kept, details)
    kinds = dictionary("diag_type")
    known = pc.index_in(details["kind"], value_set=pa.array(list(kinds), pa.string()))
    own.note("REC-U001", columns.mask(pc.and_(pc.is_valid(details["kind"]), pc.is_null(known))), "diag_type")
    coded = columns.mask(pc.is_valid(details["code"]))
    main = columns.mask(details["principal"]) & coded
    tcm = columns.mask(pc.equal(pa.array(list(kinds.values()), pa.string()).take(known), "tcm"))
    own.note("REC-T001", main & tcm, "diag_code")
    western = coded & ~tcm
    _principal_flags(raw, own, western, main & western, main)
    dx = _main_first(own, western, main & western, details["code"])

    fields = _fields(special)
    raw.ready["special_diseases"] = special.build("special_diseases", special.written(), fields)
    alone = pa.array(np.bincount(own.parents[kept], minlength=raw.size) == 0)
    codes = columns.mask(pc.is_valid(fields["dx_code"]))
    none = np.zeros(special.size, dtype=bool)
    raw.ready["dx"] = _joined(dx, _main_first(special, codes, none, fields["dx_code"]), alone)


def _fields(node: Node) -> dict[str, Any]:
    """Every field of a node under its name in the nested column."""
    return {column.partition(".")[2]: node.take(field) for field, column in field_columns(node.name).items()}


def _principal_flags(raw: Raw, node: Node, western: Any, principal: Any, flagged: Any) -> None:
    """Note the rows with western diagnoses in which no diagnosis, or more than one western one, is the principal."""
    size = raw.size
    principals, any_flag, westerns = (
        np.bincount(node.parents[chosen], minlength=size) for chosen in (principal, flagged, western)
    )
    wrong = (principals > 1) | ((westerns > 0) & (any_flag == 0))
    ends = np.cumsum(node.counts)
    for row in np.flatnonzero(wrong):
        entries = np.arange(ends[row] - node.counts[row], ends[row])
        codes = node.texts("diag_code").take(pa.array(entries[western[entries]])).to_pylist()
        raw.sheet.note("REC-M002", int(row), "diseinfo", "|".join(codes))


def _main_first(node: Node, chosen: Any, main: Any, codes: Any) -> Any:
    """The chosen codes of every message as code lists, the first main one in front."""
    size = len(node.counts)
    first = np.zeros(node.size, dtype=bool)
    mains = np.flatnonzero(main)
    if len(mains):
        owners = node.parents[mains]
        first[mains[np.concatenate([[True], owners[1:] != owners[:-1]])]] = True
    entries = np.flatnonzero(chosen)
    order = np.lexsort((entries, ~first[entries], node.parents[entries]))
    counts = np.bincount(node.parents[entries], minlength=size)
    return columns.code_lists(codes.take(pa.array(entries[order])), counts)


def _joined(lists: Any, others: Any, instead: Any) -> Any:
    """The code lists, of the masked rows the others."""
    if not pc.any(pc.and_(instead, pc.greater(pc.list_value_length(others), 0))).as_py():
        return lists
    plain = pa.list_(pa.string())
    mixed = pc.if_else(instead, others.cast(plain), lists.cast(plain))
    return columns.tidy_codes(mixed)[0]


def procedures(raw: Raw, node: Node) -> None:
    """`procedures` and `px`, main one first; placeholder rows (`0000`, 无) are no procedures."""
    details = _fields(node)
    code, name = details["code"], details["name"]
    nameless = pc.or_(pc.is_null(name), pc.is_in(name, value_set=pa.array(PLACEHOLDER_NAMES)))
    placeholder = pc.or_(pc.is_in(code, value_set=pa.array(PLACEHOLDER_CODES)), pc.and_(pc.is_null(code), nameless))
    kept = ~columns.mask(placeholder)
    raw.ready["procedures"] = node.build("procedures", kept, details)
    main = columns.mask(pc.or_kleene(pc.equal(details["kind"], MAIN_PROCEDURE), details["principal"]))
    coded = columns.mask(pc.is_valid(code)) & kept
    raw.ready["px"] = _main_first(node, coded, main & coded, code)


def intensive_care(raw: Raw, node: Node) -> None:
    """`icu_stays`, and the whole hours over all of them; missing where the list names none."""
    entry, leave = node.take("scs_cutd_inpool_time"), node.take("scs_cutd_exit_time")
    stated = node.minutes("scs_cutd_sum_dura")
    seconds = pc.subtract(leave.cast(pa.int64()), entry.cast(pa.int64()))
    span = pc.if_else(pc.greater_equal(seconds, 0), pc.divide(seconds, SECONDS_PER_MINUTE), pa.scalar(None, pa.int64()))
    span = pc.if_else(pc.less_equal(span, columns.LONGEST_MINUTES), span, pa.scalar(None, pa.int64()))
    minutes = pc.coalesce(stated, span.cast(pa.int32()))
    node.leave_unread("scs_cutd_sum_dura", minutes)
    unspanned = pc.and_(pc.is_null(minutes), pc.is_null(node.texts("scs_cutd_sum_dura")))
    node.note("REC-N002", columns.mask(pc.and_(unspanned, pc.is_valid(leave))), "scs_cutd_exit_time")
    kinds = node.take("scs_cutd_ward_type")
    fields = {"ward": kinds, "entry": entry, "leave": leave, "minutes": minutes}
    raw.ready["icu_stays"] = node.build("icu_stays", node.written(), fields)
    total = node.sums(minutes)
    known = node.sums(pc.is_valid(minutes).cast(pa.int64())) > 0
    raw.sheet.note_rows("REC-N002", total > columns.LONGEST_MINUTES, "icuinfo")
    known &= total <= columns.LONGEST_MINUTES
    hours = np.where(known, total // MINUTES_PER_HOUR, 0)
    raw.ready["icu_hours"] = pa.array(hours, pa.int32(), mask=~known)


def transfusions(raw: Raw, node: Node, head: Node) -> None:
    """`transfusions`: what the head says of blood (4101), before the entries of `bldinfo` (4101A)."""
    fields = _fields(node)
    of_head = {name: head.take(field) for name, field in HEAD_BLOOD.items()}
    written = node.written()
    kept = np.flatnonzero(written)
    in_head = np.any([columns.mask(pc.is_valid(found)) for found in of_head.values()], axis=0)
    for row in np.flatnonzero(in_head & (np.bincount(node.parents[kept], minlength=raw.size) > 0)):
        said = [found[int(row)].as_py() for found in of_head.values()]
        entries = kept[node.parents[kept] == row]
        in_head[row] = said not in [[fields[name][int(one)].as_py() for name in HEAD_BLOOD] for one in entries]
    first = np.flatnonzero(in_head)
    owners = np.concatenate([first, node.parents[kept]])
    order = pa.array(np.argsort(owners, kind="stable"))
    both = {
        name: pa.concat_arrays([of_head[name].take(pa.array(first)), fields[name].take(pa.array(kept))]).take(order)
        for name in HEAD_BLOOD
    }
    node.keep(written, in_head)
    raw.ready["transfusions"] = nested.build("transfusions", np.bincount(owners, minlength=raw.size), both)


HEAD_BLOOD = {"kind": "bld_cat", "amount": "bld_amt", "unit": "bld_unt"}
