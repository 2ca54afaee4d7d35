"""Settlement list 医保结算清单: 4101 and 4101A messages made into typed cases, every field in its column."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tongpin.records.case import assemble, columns
from tongpin.records.case.assemble import Assembled, Raw
from tongpin.records.case.patients import hash_patients
from tongpin.records.case.rules import Sheet, finding, in_order
from tongpin.records.files.text import REPLACEMENT
from tongpin.records.readers import list_clinical, list_money
from tongpin.records.readers.list_columns import Node
from tongpin.records.readers.list_head import read_head
from tongpin.records.readers.list_messages import HEAD, Broken, messages_of, words_in
from tongpin.records.readers.list_nodes import gather, path_of
from tongpin.records.readers.results import fill_from_results, paid_by_patient_alone, settled_care

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tongpin.base.findings import Finding
    from tongpin.records.case.assemble import CodeBook
    from tongpin.records.files.text import Decoded
    from tongpin.records.readers.list_nodes import Gathered

INPATIENT = ("inpatient", "day_surgery")
SETTLEMENT = ("total_fee_fen", "patient_pay_fen", "pool_pay_fen")
NODE_PATHS = {"total_fee_fen": "iteminfo", "pool_pay_fen": "payinfo", "dx": "diseinfo", "px": "oprninfo"}


def read_settlement_lists(
    decoded: Decoded, file: str, *, key: bytes, results: pa.Table | None, codes: CodeBook | None
) -> tuple[Assembled, list[Finding], int]:
    """4101 and 4101A messages as (cases with persons and keys, findings in file order, number of messages met).

    Patients are hashed with `key`; `results` (settlement results by `setl_id`) fill what the lists lack; with `codes`
    unknown codes become warnings. Source: S900-05, S914-02, S914-03, S915-03.
    """
    findings: list[Finding] = []
    messages: list[tuple[int, Any]] = []
    lost: list[tuple[int, str | None, str | None]] = []
    count = 0
    for number, message in messages_of(decoded):
        count += number > 0
        if isinstance(message, Broken):
            findings.append(finding("REC-J001", file, number, "setl_id" if message.setl_id else "", message.setl_id))
            lost.append((number, message.institution_code or None, message.setl_id or None))
        elif decoded.damaged and any(REPLACEMENT in one for one in words_in(message)):
            findings.append(finding("REC-E001", file, number))
            lost.append((number, None, None))
        else:
            messages.append((number, message))
    gathered, shaped = gather([message for _, message in messages])
    unshaped = [number for (number, _), good in zip(messages, shaped, strict=True) if not good]
    findings += [finding("REC-J002", file, number, HEAD) for number in unshaped]
    lost += [(number, None, None) for number in unshaped]
    rows = [number for (number, _), good in zip(messages, shaped, strict=True) if good]
    sheet = Sheet(file, np.array(rows, dtype=np.int64))
    made = _cases(gathered, sheet, key=key, results=results, codes=codes)
    return made._replace(keys=_keys(made.keys, lost)), in_order(findings + sheet.findings), count


def _keys(keys: pa.Table, lost: list[tuple[int, str | None, str | None]]) -> pa.Table:
    """The keys of all records met, those of what could not be read among them."""
    met = [one for one in lost if one[0]]
    if not met:
        return keys
    fields = [keys.schema.field(name) for name in ("record", "institution_code", "case_id")]
    arrays = [pa.array(values, one.type) for values, one in zip(zip(*met, strict=True), fields, strict=True)]
    more = pa.table(arrays, schema=pa.schema(fields))
    return pa.concat_tables([keys, more], promote_options="default").sort_by("record")


def _cases(
    gathered: Gathered, sheet: Sheet, *, key: bytes, results: pa.Table | None, codes: CodeBook | None
) -> Assembled:
    """The messages as cases; findings go to the sheet."""
    raw = Raw("settlement_list", sheet)
    raw.paths |= NODE_PATHS
    head = Node(sheet, HEAD, gathered.head, gathered.leftovers)
    nodes = {name: Node(sheet, name, flat, gathered.leftovers) for name, flat in gathered.nodes.items()}
    for rule, notes in (("REC-C005", gathered.personal), ("REC-J003", gathered.odd)):
        for row, path in notes:
            sheet.note(rule, row, path)
    read_head(raw, head)
    ids = pc.coalesce(head.texts("certno"), head.texts("psn_no")).to_pylist()
    raw.ready["patient_hash"] = pa.array(hash_patients(ids, key), pa.string())
    list_clinical.diagnoses(raw, nodes)
    list_clinical.procedures(raw, nodes["oprninfo"])
    list_clinical.intensive_care(raw, nodes["icuinfo"])
    list_clinical.transfusions(raw, nodes["bldinfo"], head)
    list_money.fees(raw, nodes["iteminfo"])
    list_money.payers(raw, nodes["payinfo"], head)
    raw.ready["medical_type"] = pa.nulls(raw.size, pa.string())
    fill_from_results(raw, results)
    _care_types(raw)
    assemble.sexes(raw)
    assemble.stays(raw)
    _missing_times(raw)
    assemble.ages(raw)
    assemble.missing_principals(raw)
    raw.ready |= paid_by_patient_alone(raw.ready)
    unsettled = [columns.mask(pc.is_null(raw.ready[name])) for name in SETTLEMENT]
    sheet.note_rows("REC-M003", np.any(unsettled, axis=0), raw.path("total_fee_fen"))
    assemble.payer_balance(raw)
    if codes is not None:
        assemble.unknown_codes(raw, codes)
    raw.ready["extra"] = _extra(raw.size, gathered, nodes)
    return assemble.case_table(raw)


def _care_types(raw: Raw) -> None:
    """Care type by the nodes, the settlement's `med_type` and `ipt_med_type` (S914-02).

    A list whose only diagnoses stand in `opspdiseinfo` is one of 门慢特; 4101A has no `ipt_med_type`, and a list with
    an admission then counts as inpatient.
    """
    inpatients, specials = (
        pc.greater(pc.list_value_length(raw.ready[name]), 0) for name in ("diagnoses", "special_diseases")
    )
    special = pc.and_(specials, pc.invert(inpatients))
    raw.text["care_type"] = raw.ready["inpatient_type_code"]
    named = assemble.translated(raw, "care_type", "ipt_med_type")
    settled, elsewhere = settled_care(raw.ready["medical_type"])
    nothing = pa.scalar(None, pa.string())
    admitted = pc.if_else(pc.is_valid(raw.texts("admission_time")), pa.scalar("inpatient"), nothing)
    by_fields = pc.if_else(elsewhere, settled, pc.coalesce(named, settled, admitted))
    raw.ready["care_type"] = pc.if_else(special, pa.scalar("outpatient_special"), by_fields)


def _missing_times(raw: Raw) -> None:
    """Note inpatient lists without admission or discharge."""
    inpatient = columns.mask(pc.is_in(raw.ready["care_type"], value_set=pa.array(INPATIENT)))
    for name in ("admission_time", "discharge_time"):
        absent = columns.mask(pc.is_null(raw.texts(name)))
        raw.sheet.note_rows("REC-D004", absent & inpatient, raw.path(name))


def _extra(size: int, gathered: Gathered, nodes: Mapping[str, Node]) -> Any:
    """What no column takes, by path; a message without such is null, entries that were dropped take theirs along."""
    found: dict[int, dict[str, str]] = defaultdict(dict)
    for one in gathered.leftovers:
        place = nodes[one.node].kept_place(one.row, one.place) if one.node in nodes else 0
        if place is not None:
            found[one.row][path_of(one.node, place, one.field)] = one.text
    counts = np.zeros(size, dtype=np.int64)
    counts[list(found)] = [len(paths) for paths in found.values()]
    offsets = np.zeros(size + 1, dtype=np.int32)
    np.cumsum(counts, out=offsets[1:])
    items = [item for row in sorted(found) for item in found[row].items()]
    return pa.MapArray.from_arrays(
        pa.array(offsets),
        pa.array([path for path, _ in items], pa.string()),
        pa.array([text for _, text in items], pa.string()),
        mask=pa.array(counts == 0),
    )
