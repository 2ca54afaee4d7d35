"""Settlement list 医保结算清单: 4101 messages made into typed cases, nodes by their national names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tongpin.records import assemble, columns
from tongpin.records.assemble import Raw
from tongpin.records.patients import hash_patients
from tongpin.records.readers import list_money
from tongpin.records.readers.list_messages import MISSING, TRUE, Broken, json_text, messages_of, node_code, shaped
from tongpin.records.results import fill_from_results, paid_by_patient_alone
from tongpin.records.rules import Sheet, finding, in_order
from tongpin.records.tables import dictionary, list_fields
from tongpin.records.text import REPLACEMENT

if TYPE_CHECKING:
    from tongpin.base.findings import Finding
    from tongpin.records.assemble import CodeBook
    from tongpin.records.text import Decoded

PLACEHOLDER_CODES = frozenset({"0000", "-", ""})
PLACEHOLDER_NAMES = ("无", "无手术")
MINUTES_PER_HOUR = 60
HOURS_PER_DAY = 24
SETTLEMENT = ("total_fee_fen", "patient_pay_fen", "pool_pay_fen")
LONGEST_MINUTES = 10**8
"""Beyond this a span is no stay, whatever the field's digits allow."""


def read_settlement_lists(
    decoded: Decoded, file: str, *, key: bytes, results: pa.Table | None, codes: CodeBook | None
) -> tuple[pa.Table, list[Finding], int]:
    """4101 messages as (cases, findings in file order, number of messages met)."""
    findings: list[Finding] = []
    messages: list[dict[str, Any]] = []
    numbers: list[int] = []
    count = 0
    for number, message in messages_of(decoded):
        count += number > 0
        if decoded.damaged and REPLACEMENT in str(message):
            findings.append(finding("REC-E001", file, number))
        elif isinstance(message, Broken):
            findings.append(finding("REC-J001", file, number, "setl_id" if message.setl_id else "", message.setl_id))
        elif (one := shaped(message)) is None:
            findings.append(finding("REC-J002", file, number, "setlinfo"))
        else:
            messages.append(one)
            numbers.append(number)
    sheet = Sheet(file, np.array(numbers, dtype=np.int64))
    cases = _cases(messages, sheet, key=key, results=results, codes=codes)
    return cases, in_order(findings + sheet.findings), count


def _cases(
    messages: list[dict[str, Any]], sheet: Sheet, *, key: bytes, results: pa.Table | None, codes: CodeBook | None
) -> pa.Table:
    """The messages as cases; findings go to the sheet."""
    raw = Raw("settlement_list", sheet)
    heads = [message["setlinfo"] for message in messages]
    for column, name in list_fields().items():
        raw.text[column] = columns.clean(_column(heads, name))
        raw.paths[column] = f"setlinfo.{name}"
    raw.paths |= {
        "total_fee_fen": "iteminfo",
        "pool_pay_fen": "payinfo",
        "dx": "diseinfo",
        "px": "oprninfo",
    }
    certificates, persons = (columns.clean(_column(heads, name)) for name in ("certno", "psn_no"))
    ids = pc.coalesce(certificates, persons).to_pylist()
    raw.ready["patient_hash"] = pa.array(hash_patients(ids, key), pa.string())
    raw.text["dept"] = pc.replace_substring_regex(raw.texts("dept"), pattern=r"^[A-Z](\d)", replacement=r"\1")
    _care_types(raw, messages)
    _diagnoses(raw, messages)
    _procedures(raw, messages)
    _intensive_care(raw, messages)
    raw.ready["ventilation_minutes"] = _ventilation(raw)
    raw.ready["code_map"] = pa.array([0] * raw.size, pa.int8())
    raw.ready["insurance"] = assemble.translated(raw, "insurance", "hi_type")
    raw.ready["discharge_way"] = assemble.translated(raw, "discharge_way", "dscg_way")
    for name in ("settlement_date", "accepted_date"):
        raw.ready[name] = assemble.dates(raw, name).cast(pa.date32())
    raw.ready["birth_weight"] = assemble.numbers(raw, "birth_weight")
    list_money.fees(raw, messages)
    list_money.payers(raw, messages, heads)
    fill_from_results(raw, results)
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
    return assemble.case_table(raw)


def _column(nodes: list[dict[str, Any]], name: str) -> Any:
    """One field of all nodes as texts."""
    return pa.array(
        [value if type(value := node.get(name)) is str or value is None else json_text(value) for node in nodes],
        pa.string(),
    )


def _care_types(raw: Raw, messages: list[dict[str, Any]]) -> None:
    """inpatient, day_surgery, or outpatient_special for 门慢特 lists, which never count as inpatient (S900).

    4101A has no `ipt_med_type`: a list with an admission then counts as inpatient.
    """
    special = np.array(
        [not m["diseinfo"] and any(node_code(one, "diag_code") for one in m["opspdiseinfo"]) for m in messages],
        dtype=bool,
    )
    named = assemble.translated(raw, "care_type", "ipt_med_type")
    by_admission = pc.if_else(
        pc.is_valid(raw.texts("admission_time")), pa.scalar("inpatient"), pa.scalar(None, pa.string())
    )
    raw.ready["care_type"] = pc.if_else(
        pa.array(special), pa.scalar("outpatient_special"), pc.coalesce(named, by_admission)
    )


def _missing_times(raw: Raw) -> None:
    """Note inpatient lists without admission or discharge."""
    inpatient = columns.mask(pc.not_equal(raw.ready["care_type"], "outpatient_special"))
    for name in ("admission_time", "discharge_time"):
        absent = columns.mask(pc.is_null(raw.texts(name)))
        raw.sheet.note_rows("REC-D004", absent & inpatient, raw.path(name))


def _diagnoses(raw: Raw, messages: list[dict[str, Any]]) -> None:
    """Western diagnoses, principal first; 门慢特 lists bring their own node. TCM codes never enter."""
    kinds = dictionary("diag_type")
    lists: list[list[str]] = []
    for row, message in enumerate(messages):
        western: list[str] = []
        principal: list[int] = []
        flagged = False
        for place, node in enumerate(message["diseinfo"] or message["opspdiseinfo"]):
            code = node_code(node, "diag_code")
            if not code:
                continue
            main = node.get("maindiag_flag") in TRUE
            flagged |= main
            kind = node.get("diag_type")
            if kind not in MISSING and str(kind) not in kinds:
                raw.sheet.note("REC-U001", row, f"diseinfo[{place}].diag_type", str(kind))
            if kinds.get(str(kind)) == "tcm":
                if main:
                    raw.sheet.note("REC-T001", row, f"diseinfo[{place}].diag_code", code)
                continue
            if main:
                principal.append(len(western))
            western.append(code)
        if len(principal) > 1 or (western and message["diseinfo"] and not flagged):
            raw.sheet.note("REC-M002", row, "diseinfo", "|".join(western))
        if principal and principal[0]:
            western.insert(0, western.pop(principal[0]))
        lists.append(western)
    raw.ready["dx"] = columns.tidy_codes(pa.array(lists, pa.list_(pa.string())))[0]


def _procedures(raw: Raw, messages: list[dict[str, Any]]) -> None:
    """Procedures, main one first; placeholder rows (`0000`, 无) are dropped."""
    lists: list[list[str]] = []
    for message in messages:
        found: list[str] = []
        main = None
        for node in message["oprninfo"]:
            code = node_code(node, "oprn_oprt_code")
            if code in PLACEHOLDER_CODES or node.get("oprn_oprt_name") in PLACEHOLDER_NAMES:
                continue
            if main is None and (node.get("oprn_oprt_type") in TRUE or node.get("main_oprn_flag") in TRUE):
                main = len(found)
            found.append(code)
        if main:
            found.insert(0, found.pop(main))
        lists.append(found)
    raw.ready["px"] = columns.tidy_codes(pa.array(lists, pa.list_(pa.string())))[0]


def _minutes(text: str | None) -> int | None:
    """天/小时/分钟 as minutes; None where the text is no such duration."""
    parts = (text or "").split("/")
    if len(parts) != 3 or not all(part.strip().isascii() and part.strip().isdigit() for part in parts):  # noqa: PLR2004
        return None
    days, hours, minutes = (int(part) for part in parts)
    total = (days * HOURS_PER_DAY + hours) * MINUTES_PER_HOUR + minutes
    return total if total <= LONGEST_MINUTES else None


def _ventilation(raw: Raw) -> Any:
    """Minutes on a ventilator."""
    texts = raw.texts("ventilation")
    found = pa.array([_minutes(text) for text in texts.to_pylist()], pa.int32())
    unread = columns.mask(pc.and_(pc.is_valid(texts), pc.is_null(found)))
    raw.sheet.note_rows("REC-N002", unread, raw.path("ventilation"), texts)
    return found


def _intensive_care(raw: Raw, messages: list[dict[str, Any]]) -> None:
    """Whole hours in intensive care over all stays there; missing where the list names none."""
    hours: list[int | None] = []
    for row, message in enumerate(messages):
        total: int | None = None
        for place, node in enumerate(message["icuinfo"]):
            minutes = _minutes(json_text(node.get("scs_cutd_sum_dura")))
            if minutes is None:
                minutes = _between(node.get("scs_cutd_inpool_time"), node.get("scs_cutd_exit_time"))
            if minutes is not None and (total or 0) + minutes <= LONGEST_MINUTES:
                total = (total or 0) + minutes
                continue
            for name in ("scs_cutd_sum_dura", "scs_cutd_exit_time"):
                if node.get(name) not in MISSING:
                    raw.sheet.note("REC-N002", row, f"icuinfo[{place}].{name}", str(node[name]))
                    break
        hours.append(None if total is None else total // MINUTES_PER_HOUR)
    raw.ready["icu_hours"] = pa.array(hours, pa.int32())


def _between(start: Any, end: Any) -> int | None:
    """Minutes between two times given as texts; None where they do not make a span."""
    times, bad = columns.times(pa.array([json_text(start) or None, json_text(end) or None], pa.string()))
    if bad.any() or times.null_count:
        return None
    seconds = int((times[1].as_py() - times[0].as_py()).total_seconds())
    return seconds // MINUTES_PER_HOUR if seconds >= 0 else None
