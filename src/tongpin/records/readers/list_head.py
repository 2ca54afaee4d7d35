"""List head 清单首部: the fields of `setlinfo` in their columns, normalised where the core wants it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tongpin.records.case import assemble, columns
from tongpin.records.readers.list_columns import field_columns, head_path

if TYPE_CHECKING:
    from tongpin.records.case.assemble import Raw
    from tongpin.records.readers.list_columns import Node

TEXTS_FOR_ALL = {
    "sex": "gend",
    "age": "age",
    "age_days": "nwb_age",
    "birth_date": "brdy",
    "los": "act_ipt_days",
    "admission_time": "adm_time",
    "discharge_time": "dscg_time",
    "case_id": "setl_id",
    "insurance": "hi_type",
    "discharge_way": "dscg_way",
}
"""Column -> field which the rules of all formats read as text."""
STAYS = ("adm_time", "dscg_time")
MINUTES = ("vent_used_dura", "pwcry_bfadm_coma_dura", "pwcry_afadm_coma_dura")
DEPARTMENTS = ("adm_caty", "dscg_caty")
WEIGHTS = {"birth_weights": ("nwb_bir_wt", "mul_nwb_bir_wt"), "admission_weights": ("nwb_adm_wt", "mul_nwb_adm_wt")}
IN_NODES = ("bld_cat", "bld_amt", "bld_unt", "psn_selfpay", "psn_ownpay", "acct_pay", "psn_cashpay")
"""Fields of the head that are read beside the node to which they belong."""
DEPARTMENT_LETTER = r"(^|[^0-9A-Za-z.])[A-Z](\d)"
ARROWS = r"\s*(?:→|-+>|[,，、;；])\s*"
COMMAS = r"\s*[,，、;；/]\s*"


def read_head(raw: Raw, head: Node) -> None:
    """Every field of `setlinfo` but those of the nodes; what is no value of its column is noted."""
    special = {*STAYS, *MINUTES, *DEPARTMENTS, *IN_NODES, "refldept_dept", "dscg_way"}
    special.update(field for fields in WEIGHTS.values() for field in fields)
    for field, column in field_columns(head.name).items():
        raw.paths[column] = head_path(field)
        if field not in special:
            raw.ready[column] = head.take(field)
    for column, field in TEXTS_FOR_ALL.items():
        typed = raw.ready.pop(column, None) if column != "birth_date" else raw.ready[column]
        raw.text[column] = head.texts(field) if typed is None else typed.cast(pa.string())
        raw.paths[column] = head_path(field)
    # What is no number was noted already.
    for column, stated in (("age", "stated_age"), ("los", "stated_stay_days")):
        raw.text[column] = raw.ready[stated].cast(pa.string())
    for field in MINUTES:
        minutes = raw.ready[field_columns(head.name)[field]] = head.minutes(field)
        head.leave_unread(field, minutes)
    for field in DEPARTMENTS:
        raw.ready[field_columns(head.name)[field]] = without_letters(head.texts(field))
    transfers = without_letters(head.texts("refldept_dept"))
    raw.ready["transfer_depts"] = split_lists(transfers, ARROWS, pa.string())[0]
    for column, fields in WEIGHTS.items():
        raw.ready[column] = _weights(head, *fields)
    raw.ready["birth_weight"] = pc.list_element(raw.ready["birth_weights"], 0)
    raw.ready["code_map"] = pa.array(np.zeros(raw.size, dtype=np.int8))
    raw.ready["insurance"] = assemble.translated(raw, "insurance", "hi_type")
    raw.ready["discharge_way"] = assemble.translated(raw, "discharge_way", "dscg_way")
    head.leave_unread("dscg_way", raw.ready["discharge_way"])
    raw.ready["accepted_date"] = raw.ready["upload_time"].cast(pa.date32())


def without_letters(texts: Any) -> Any:
    """National department codes without their prefix letters: `A03.04→A04` is `03.04→04`."""
    return pc.replace_substring_regex(texts, pattern=DEPARTMENT_LETTER, replacement=r"\1\2")


def split_lists(texts: Any, separators: str, kind: Any) -> tuple[Any, Any]:
    """Texts split into lists of a type, missing where nothing is in them; and the mask of those with unreadable parts.

    `kind` is text or a whole number.
    """
    parts = pc.split_pattern_regex(texts, pattern=separators)
    owners = np.asarray(pc.list_parent_indices(parts))
    flat = columns.clean(pc.list_flatten(parts))
    values, bad = columns.typed(flat, kind)
    kept = columns.mask(pc.is_valid(values))
    counts = np.bincount(owners[kept], minlength=len(texts))
    offsets = np.zeros(len(texts) + 1, dtype=np.int32)
    np.cumsum(counts, out=offsets[1:])
    lists = pa.ListArray.from_arrays(pa.array(offsets), values.filter(pa.array(kept)), mask=pa.array(counts == 0))
    return lists, np.bincount(owners[bad], minlength=len(texts)) > 0


def _weights(head: Node, single: str, multiple: str) -> Any:
    """Weights in grams, of twins each one; the single field of a twin may repeat one of the list."""
    one, several = head.texts(single), head.texts(multiple)
    texts = pc.coalesce(several, one)
    both = np.flatnonzero(columns.mask(pc.and_(pc.is_valid(one), pc.is_valid(several))))
    if len(both):
        joined = [_joined(one[int(row)].as_py(), several[int(row)].as_py()) for row in both]
        mask = np.zeros(len(texts), dtype=bool)
        mask[both] = True
        texts = pc.replace_with_mask(texts, pa.array(mask), pa.array(joined, pa.string()))
    lists, bad = split_lists(texts, COMMAS, pa.int32())
    head.note("REC-N002", bad, single)
    for row in np.flatnonzero(bad):
        for field in (single, multiple):
            if (text := head.texts(field)[int(row)].as_py()) is not None:
                head.leave(int(row), field, text)
    return pc.if_else(pa.array(bad), pa.scalar(None, lists.type), lists)


def _joined(single: str, several: str) -> str:
    """The list of weights, with those of the single field in front that the list lacks."""
    grams = [part.partition(".")[0] for part in re.split(COMMAS, several)]
    lacking = [part for part in re.split(COMMAS, single) if part.partition(".")[0] not in grams]
    return ",".join([*lacking, several])
