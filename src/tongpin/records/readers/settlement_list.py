"""Settlement list 医保结算清单: 4101 messages as one object, an array or JSON lines, nodes by their national names."""

from __future__ import annotations

import json
import re
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc

from tongpin.base.money import parse_yuan, yuan
from tongpin.records import assemble, columns
from tongpin.records.assemble import Raw
from tongpin.records.patients import hash_patients
from tongpin.records.results import fill_from_results
from tongpin.records.rules import Sheet, finding, in_order
from tongpin.records.tables import dictionary, list_aliases, list_fields
from tongpin.records.text import REPLACEMENT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tongpin.base.findings import Finding
    from tongpin.records.assemble import CodeBook
    from tongpin.records.text import Decoded

NODES = ("payinfo", "opspdiseinfo", "diseinfo", "iteminfo", "oprninfo", "icuinfo")
PLACEHOLDER_CODES = frozenset({"0000", "-", ""})
PLACEHOLDER_NAMES = ("无", "无手术")
TRUE = ("1", 1)
MINUTES_PER_HOUR = 60
HOURS_PER_DAY = 24
BUCKETS = ("drug", "consumable", "exam", "service")
CLASSES = ("claa_sumfee", "clab_amt", "fulamt_ownpay_amt", "oth_amt")
SETTLEMENT = ("total_fee_fen", "patient_pay_fen", "pool_pay_fen")
PAYERS = ("pool", "other", "account")
SETL_ID = re.compile(r'"setl_id"\s*:\s*"([^"]*)"')
MISSING = ("", "-", None)
LARGEST_FEN = 10**16
LONGEST_MINUTES = 10**8
"""Beyond these a value is no amount and no stay, whatever the field's digits allow."""
PATIENT_SHARES = {"patient": ("psn_selfpay", "psn_ownpay"), "account": ("acct_pay",)}


def read_settlement_lists(
    decoded: Decoded, file: str, *, key: bytes, results: pa.Table | None, codes: CodeBook | None
) -> tuple[pa.Table, list[Finding], int]:
    """4101 messages as (cases, findings in file order, number of messages met)."""
    findings: list[Finding] = []
    messages: list[dict[str, Any]] = []
    numbers: list[int] = []
    count = 0
    for number, message in _messages(decoded):
        count += number > 0
        if decoded.damaged and REPLACEMENT in str(message):
            findings.append(finding("REC-E001", file, number))
        elif isinstance(message, Broken):
            findings.append(finding("REC-J001", file, number, "", message.setl_id))
        elif (shaped := _shaped(message)) is None:
            findings.append(finding("REC-J002", file, number, "setlinfo"))
        else:
            messages.append(shaped)
            numbers.append(number)
    sheet = Sheet(file, np.array(numbers, dtype=np.int64))
    cases = _cases(messages, sheet, key=key, results=results, codes=codes)
    return cases, in_order(findings + sheet.findings), count


class Broken(NamedTuple):
    """What is no JSON; of its text only the settlement id is kept, since the rest may name a person."""

    setl_id: str


def _broken(text: str) -> Broken:
    found = SETL_ID.search(text)
    return Broken(found[1] if found else "")


def _messages(decoded: Decoded) -> Iterator[tuple[int, Any]]:
    """(record number from 1, message or what could not be parsed); of JSON lines the number is that of the line."""
    data = decoded.data.strip()
    if not data:
        yield 0, Broken("")
        return
    first = data.split(b"\n", 1)[0].strip()
    if data[:1] == b"{" and first != b"{" and b"\n{" in data:
        for number, line in enumerate(decoded.data.split(b"\n"), start=1):
            if line.strip():
                yield number, _load(line)
        return
    try:
        whole = orjson.loads(data)
    except orjson.JSONDecodeError:
        yield from _recovered(data.decode())
        return
    yield from enumerate(whole if isinstance(whole, list) else [whole], start=1)


def _load(line: bytes) -> Any:
    try:
        return orjson.loads(line)
    except orjson.JSONDecodeError:
        return _broken(line.decode(errors="replace"))


def _recovered(text: str) -> Iterator[tuple[int, Any]]:
    """The whole messages at the head of a broken text, then what is left as the broken one."""
    decoder = json.JSONDecoder()
    place, number = 0, 1
    while place < len(text):
        while place < len(text) and text[place] in " \t\r\n,[]":
            place += 1
        if place == len(text):
            break
        start = place
        try:
            _, place = decoder.raw_decode(text, start)
        except (json.JSONDecodeError, RecursionError):
            yield number, _broken(text[place:])
            return
        yield number, _load(text[start:place].encode())
        number += 1
    # Objects may follow one another; anything else that was read to its end was cut or is no JSON.
    if not text.startswith("{"):
        yield number, Broken("")


def _shaped(message: Any) -> dict[str, Any] | None:
    """The message with `setlinfo` under canonical names and every node a list of objects; None where it has none."""
    if isinstance(message, dict) and isinstance(message.get("input"), dict):
        message = message["input"]
    if not isinstance(message, dict) or not isinstance(message.get("setlinfo"), dict):
        return None
    shaped: dict[str, Any] = {"setlinfo": _renamed(message["setlinfo"])}
    for node in NODES:
        found = message.get(node)
        if isinstance(found, dict):
            found = [found]
        shaped[node] = [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []
    if shaped["icuinfo"]:
        shaped["icuinfo"] = [_renamed(one) for one in shaped["icuinfo"]]
    return shaped


def _renamed(node: dict[str, Any]) -> dict[str, Any]:
    """The node with aliases replaced; a canonical name that is present wins."""
    names = list_aliases()
    if node.keys().isdisjoint(_alias_words()):
        return node
    renamed = dict(node)
    for alias, canonical in names.items():
        words = alias.split("+")
        if words[0] in node and renamed.get(canonical) in MISSING:
            renamed[canonical] = (
                "/".join(_text(node.get(word)) or "0" for word in words) if (len(words) > 1) else node[alias]
            )
    return renamed


@cache
def _alias_words() -> frozenset[str]:
    return frozenset(word for alias in list_aliases() for word in alias.split("+"))


def _text(value: Any) -> str | None:
    """A JSON value as text: numbers without noise, anything else that is no text as missing."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool | dict | list):
        return None
    return str(value) if isinstance(value, int) else repr(round(value, 6))


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
    _fees(raw, messages)
    _payers(raw, messages, heads)
    fill_from_results(raw, results)
    assemble.sexes(raw)
    assemble.stays(raw)
    _missing_times(raw)
    assemble.ages(raw)
    assemble.missing_principals(raw)
    _paid_by_patient_alone(raw)
    unsettled = [columns.mask(pc.is_null(raw.ready[name])) for name in SETTLEMENT]
    sheet.note_rows("REC-M003", np.any(unsettled, axis=0), raw.path("total_fee_fen"))
    assemble.payer_balance(raw)
    if codes is not None:
        assemble.unknown_codes(raw, codes)
    return assemble.case_table(raw)


def _column(nodes: list[dict[str, Any]], name: str) -> Any:
    """One field of all nodes as texts."""
    return pa.array(
        [value if type(value := node.get(name)) is str or value is None else _text(value) for node in nodes],
        pa.string(),
    )


def _code(node: dict[str, Any], name: str) -> str:
    """A code of a node, trimmed; `-` and nothing are the empty code."""
    value = node.get(name)
    code = (value if type(value) is str else _text(value) or "").strip()
    return "" if code == "-" else code


def _care_types(raw: Raw, messages: list[dict[str, Any]]) -> None:
    """inpatient, day_surgery, or outpatient_special for 门慢特 lists, which never count as inpatient (S900).

    4101A has no `ipt_med_type`: a list with an admission then counts as inpatient.
    """
    special = np.array(
        [not m["diseinfo"] and any(_code(one, "diag_code") for one in m["opspdiseinfo"]) for m in messages],
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
            code = _code(node, "diag_code")
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
            code = _code(node, "oprn_oprt_code")
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
            minutes = _minutes(_text(node.get("scs_cutd_sum_dura")))
            if minutes is None:
                minutes = _between(node.get("scs_cutd_inpool_time"), node.get("scs_cutd_exit_time"))
            if minutes is not None:
                total = (total or 0) + minutes
            elif node.get("scs_cutd_sum_dura") not in MISSING:
                shown = str(node.get("scs_cutd_sum_dura"))
                raw.sheet.note("REC-N002", row, f"icuinfo[{place}].scs_cutd_sum_dura", shown)
        hours.append(None if total is None else total // MINUTES_PER_HOUR)
    raw.ready["icu_hours"] = pa.array(hours, pa.int32())


def _between(start: Any, end: Any) -> int | None:
    """Minutes between two times given as texts; None where they do not make a span."""
    times, bad = columns.times(pa.array([_text(start) or None, _text(end) or None], pa.string()))
    if bad.any() or times.null_count:
        return None
    seconds = int((times[1].as_py() - times[0].as_py()).total_seconds())
    return seconds // MINUTES_PER_HOUR if seconds >= 0 else None


class _Amounts:
    """Amounts of nodes in fen; good texts are remembered, since most amounts of a list stand in it twice."""

    def __init__(self, raw: Raw) -> None:
        self._raw = raw
        self._known: dict[str, int] = {}

    def fen(self, row: int, value: Any, node: str, field: str, place: int | None = None) -> int:
        """The amount in fen, 0 where there is none; what is no amount, or a negative one, is noted."""
        if type(value) is str:
            known = self._known.get(value)
            if known is not None:
                return known
        if value in MISSING:
            return 0
        path = f"{node}.{field}" if place is None else f"{node}[{place}].{field}"
        amount = _fen(value)
        if amount is None:
            self._raw.sheet.note("REC-N001", row, path, str(value))
            return 0
        if amount < 0:
            self._raw.sheet.note("REC-F001", row, path, str(value))
        elif type(value) is str:
            self._known[value] = amount
        return amount


def _fen(value: Any) -> int | None:
    """An amount in fen; None where the value is none, or beyond all reason."""
    try:
        amount = parse_yuan(_text(value) or "")
    except (ValueError, ArithmeticError):
        return None
    return amount if abs(amount) <= LARGEST_FEN else None


def _fees(raw: Raw, messages: list[dict[str, Any]]) -> None:
    """Total fee and its parts from `iteminfo`, all missing where the list has no such node."""
    categories = dictionary("med_chrgitm_type")
    sums: dict[str, list[int | None]] = {name: [] for name in BUCKETS}
    amounts = _Amounts(raw)
    for row, message in enumerate(messages):
        items = message["iteminfo"]
        parts = dict.fromkeys(BUCKETS, 0)
        for place, node in enumerate(items):
            category = _code(node, "med_chrgitm")
            bucket = categories.get(category.zfill(2))
            if bucket is None:
                raw.sheet.note("REC-U001", row, f"iteminfo[{place}].med_chrgitm", category)
                bucket = "service"
            amount = amounts.fen(row, node.get("amt"), "iteminfo", "amt", place)
            parts[bucket] += amount
            given = [node.get(name) for name in CLASSES]
            if None in given or "" in given:
                continue
            classes = sum(
                [amounts.fen(row, one, "iteminfo", name, place) for one, name in zip(given, CLASSES, strict=True)]
            )
            if classes != amount and not raw.sheet.left_out[row]:
                raw.sheet.note("REC-S004", row, f"iteminfo[{place}]", f"{yuan(classes)} ≠ {yuan(amount)}")
        for name in BUCKETS:
            sums[name].append(parts[name] if items else None)
    parts_fen = {name: pa.array(values, pa.int64()) for name, values in sums.items()}
    total = pc.add(pc.add(parts_fen["drug"], parts_fen["consumable"]), pc.add(parts_fen["exam"], parts_fen["service"]))
    raw.ready |= {f"{name}_fee_fen": values for name, values in parts_fen.items()}
    raw.ready["total_fee_fen"] = total


def _payers(raw: Raw, messages: list[dict[str, Any]], heads: list[dict[str, Any]]) -> None:
    """Patient, account, pool and other funds; the account is part of the patient's share, never a further payer.

    The funds are missing where the list has no `payinfo` (4101A), the patient's share where it is not written.
    """
    roles = dictionary("fund_pay_type")
    sums: dict[str, list[int | None]] = {name: [] for name in PAYERS}
    amounts = _Amounts(raw)
    for row, message in enumerate(messages):
        payers = message["payinfo"]
        parts = dict.fromkeys(PAYERS, 0)
        for place, node in enumerate(payers):
            fund = _code(node, "fund_pay_type")
            role = roles.get(fund)
            if role is None:
                raw.sheet.note("REC-U001", row, f"payinfo[{place}].fund_pay_type", fund)
                role = "other"
            parts[role] += amounts.fen(row, node.get("fund_payamt"), "payinfo", "fund_payamt", place)
        for name in PAYERS:
            sums[name].append(parts[name] if payers else None)
    own: dict[str, list[int | None]] = {share: [] for share in PATIENT_SHARES}
    for row, head in enumerate(heads):
        for share, names in PATIENT_SHARES.items():
            given = [name for name in names if head.get(name) not in MISSING]
            paid = [amounts.fen(row, head[name], "setlinfo", name) for name in given]
            own[share].append(sum(paid) if given else None)
    raw.ready |= {
        "patient_pay_fen": pa.array(own["patient"], pa.int64()),
        "account_pay_fen": pa.array(own["account"], pa.int64()),
        "pool_pay_fen": pa.array(sums["pool"], pa.int64()),
        "other_fund_pay_fen": pa.array(sums["other"], pa.int64()),
    }


def _paid_by_patient_alone(raw: Raw) -> None:
    """A list without payers whose patient paid it all is settled: the funds paid nothing."""
    alone = pc.fill_null(pc.equal(raw.ready["patient_pay_fen"], raw.ready["total_fee_fen"]), False)
    nothing = pc.if_else(alone, pa.scalar(0, pa.int64()), pa.scalar(None, pa.int64()))
    for name in ("pool_pay_fen", "other_fund_pay_fen"):
        raw.ready[name] = pc.coalesce(raw.ready[name], nothing)
