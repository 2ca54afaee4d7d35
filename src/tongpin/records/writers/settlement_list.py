"""Settlement lists as 4101 messages, one JSON line each, and settlement results as CSV."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc

from tongpin.records import columns
from tongpin.records.own_layouts import layout_fields
from tongpin.records.writers.shared import NEUTRAL, Sheet, write_bytes, write_csv

if TYPE_CHECKING:
    from pathlib import Path

    from tongpin.records.writers.shared import Names

POOL_FUNDS = {"310": "310100", "340": "340100"}
POOL_FUND_ELSE = "390100"
OTHER_FUNDS = {"310": "330100"}
OTHER_FUND_ELSE = "390200"
CARE_TYPES = {"inpatient": "1", "day_surgery": "2"}
MINUTES_PER_DAY = 1440
SECONDS_PER_HOUR = 3600


def write_settlement_list(cases: pa.Table, path: Path, *, names: Names) -> None:
    """Cases as 4101 messages, one JSON object a line; amounts as texts in yuan, exact.

    Takes `CASE_SCHEMA` and the optional columns of `Sheet`; what is unknown is written empty, persons as `-`.
    """
    sheet = Sheet(cases)
    heads = _heads(sheet)
    care = sheet.values("care_type")
    diagnoses = _diagnoses(sheet, names)
    procedures = _procedures(sheet, names)
    payers = _payers(sheet)
    items = _items(sheet)
    intensive = _intensive(sheet)
    lines: list[bytes] = []
    for row in range(sheet.size):
        special = care[row] == "outpatient_special"
        message = {
            "setlinfo": heads[row],
            "payinfo": payers[row],
            "opspdiseinfo": diagnoses[row] if special else [],
            "diseinfo": [] if special else diagnoses[row],
            "iteminfo": items[row],
            "oprninfo": procedures[row],
            "icuinfo": intensive[row],
        }
        lines.append(orjson.dumps(message))
    lines.append(b"")
    write_bytes(path, b"\n".join(lines))


def _heads(sheet: Sheet) -> list[dict[str, Any]]:
    """The `setlinfo` of every case."""
    dept = [f"A{one}" if one[:1].isdigit() else one for one in sheet.texts("dept")]
    care = [CARE_TYPES.get(one, "") for one in sheet.values("care_type")]
    cash = columns.fen_text(pc.subtract(sheet.arrow("patient_pay_fen"), sheet.arrow("account_pay_fen").fill_null(0)))
    patient = sheet.money("patient_pay_fen")
    fields: dict[str, list[Any]] = {
        "mdtrt_id": sheet.texts("mdtrt_id"),
        "setl_id": sheet.texts("case_id"),
        "psn_no": sheet.texts("psn_no", NEUTRAL),
        "fixmedins_name": sheet.texts("institution_name"),
        "fixmedins_code": sheet.texts("institution_code"),
        "medcasno": sheet.texts("record_no"),
        "dcla_time": sheet.times("accepted_date"),
        "psn_name": sheet.texts("psn_name", NEUTRAL),
        "gend": sheet.texts("sex"),
        "brdy": sheet.dates("birth_date"),
        "age": sheet.texts("age"),
        "nwb_age": sheet.texts("age_days"),
        "certno": sheet.texts("certno", NEUTRAL),
        "hi_type": sheet.texts("insurance"),
        "nwb_bir_wt": sheet.texts("birth_weight"),
        "ipt_med_type": care,
        "adm_time": sheet.times("admission_time"),
        "dscg_time": sheet.times("discharge_time"),
        "dscg_caty": dept,
        "act_ipt_days": sheet.texts("los"),
        "diag_code_cnt": pc.list_value_length(sheet.arrow("dx")).to_pylist(),
        "oprn_oprt_code_cnt": pc.list_value_length(sheet.arrow("px")).to_pylist(),
        "vent_used_dura": [_duration(one) for one in sheet.values("ventilation_minutes")],
        "dscg_way": sheet.texts("discharge_way"),
        "chfpdr_code": sheet.texts("doctor_code"),
        "setl_begn_date": sheet.dates("admission_time"),
        "setl_end_date": sheet.dates("settlement_date"),
        "psn_selfpay": patient,
        "psn_ownpay": ["0.00" if one else "" for one in patient],
        "acct_pay": sheet.money("account_pay_fen"),
        "psn_cashpay": cash.fill_null("").to_pylist(),
    }
    keys = tuple(fields)
    return [dict(zip(keys, row, strict=True)) for row in zip(*fields.values(), strict=True)]


def _duration(minutes: int | None) -> str:
    """Minutes as 天/小时/分钟."""
    if minutes is None:
        return ""
    days, rest = divmod(minutes, MINUTES_PER_DAY)
    return f"{days}/{rest // 60}/{rest % 60}"


def _diagnoses(sheet: Sheet, names: Names) -> list[list[dict[str, str]]]:
    """The western diagnoses of every case, principal first."""
    return [
        [
            {
                "diag_type": "1",
                "diag_code": code,
                "diag_name": names.dx.get(code, NEUTRAL),
                "adm_cond_type": "",
                "maindiag_flag": "0" if place else "1",
            }
            for place, code in enumerate(found or ())
        ]
        for found in sheet.values("dx")
    ]


def _procedures(sheet: Sheet, names: Names) -> list[list[dict[str, str]]]:
    """The procedures of every case, main one first."""
    return [
        [
            {
                "oprn_oprt_type": "2" if place else "1",
                "oprn_oprt_name": names.px.get(code, NEUTRAL),
                "oprn_oprt_code": code,
                "oprn_oprt_date": "",
                "oper_dr_name": NEUTRAL,
                "oper_dr_code": NEUTRAL,
            }
            for place, code in enumerate(found or ())
        ]
        for found in sheet.values("px")
    ]


def _payers(sheet: Sheet) -> list[list[dict[str, str]]]:
    """Pool and other funds of every case where a settlement is known."""
    pool, other = sheet.money("pool_pay_fen", None), sheet.money("other_fund_pay_fen", None)
    return [
        [
            {"fund_pay_type": fund, "fund_payamt": amount}
            for fund, amount in (
                (POOL_FUNDS.get(insurance, POOL_FUND_ELSE), pool[row]),
                (OTHER_FUNDS.get(insurance, OTHER_FUND_ELSE), other[row]),
            )
            if amount is not None
        ]
        for row, insurance in enumerate(sheet.values("insurance"))
    ]


def _items(sheet: Sheet) -> list[list[dict[str, str]]]:
    """Fee items of every case with known fees; a free case keeps one item of 0.00."""
    split = {
        code: (amount, columns.fen_text(pa.array(amount)).to_pylist())
        for code, amount in sheet.fees("settlement_list").items()
    }
    codes = sorted(split)
    nonzero = np.array([split[code][0] != 0 for code in codes]).T
    texts = [split[code][1] for code in codes]
    free = [_item("14", "0.00")]
    return [
        ([_item(codes[place], texts[place][row]) for place in np.flatnonzero(nonzero[row]).tolist()] or free)
        if known
        else []
        for row, known in enumerate(sheet.fees_known())
    ]


def _item(code: str, amount: str) -> dict[str, str]:
    """One fee item; the classes of the catalogue are not known, so all of it stands in 甲类."""
    return {
        "med_chrgitm": code,
        "amt": amount,
        "claa_sumfee": amount,
        "clab_amt": "0.00",
        "fulamt_ownpay_amt": "0.00",
        "oth_amt": "0.00",
    }


def _intensive(sheet: Sheet) -> list[list[dict[str, str]]]:
    """Intensive care as one stay from admission on, where hours are known."""
    admission = sheet.arrow("admission_time")
    seconds = pc.multiply(sheet.arrow("icu_hours").cast(pa.int64()), SECONDS_PER_HOUR)
    leave = pc.add(admission.cast(pa.int64()), seconds).cast(pa.timestamp("s"))
    out = pc.strftime(leave, format="%Y-%m-%d %H:%M:%S").fill_null("").to_pylist()
    entry = sheet.times("admission_time")
    return [
        []
        if hours is None
        else [
            {
                "scs_cutd_ward_type": "9",
                "scs_cutd_inpool_time": entry[row],
                "scs_cutd_exit_time": out[row],
                "scs_cutd_sum_dura": f"{hours // 24}/{hours % 24}/0",
            }
        ]
        for row, hours in enumerate(sheet.values("icu_hours"))
    ]


def write_settlement_results(cases: pa.Table, path: Path) -> None:
    """Cases as settlement results (own layout, CSV): persons, funds and fees by `setl_id`."""
    sheet = Sheet(cases)
    local = pc.equal(sheet.arrow("insurance"), "310").fill_null(False)
    other = columns.fen_text(sheet.arrow("other_fund_pay_fen"))
    nothing = pa.scalar(None, pa.string())
    made: dict[str, list[Any]] = {
        "setl_id": sheet.texts("case_id"),
        "mdtrt_id": sheet.texts("mdtrt_id"),
        "psn_no": sheet.texts("psn_no", NEUTRAL),
        "certno": sheet.texts("certno", NEUTRAL),
        "gend": sheet.texts("sex"),
        "brdy": sheet.dates("birth_date"),
        "age": sheet.texts("age"),
        "nwb_age": sheet.texts("age_days"),
        "insutype": sheet.texts("insurance"),
        "medfee_sumamt": sheet.money("total_fee_fen"),
        "psn_part_amt": sheet.money("patient_pay_fen"),
        "acct_pay": sheet.money("account_pay_fen"),
        "hifp_pay": sheet.money("pool_pay_fen"),
        "hifob_pay": pc.if_else(local, other, nothing).fill_null("").to_pylist(),
        "hifmi_pay": pc.if_else(local, nothing, other).fill_null("").to_pylist(),
        "setl_time": sheet.times("settlement_date"),
        "accepted_date": sheet.dates("accepted_date"),
    }
    fields = [row["field"] for row in layout_fields("settlement-result")]
    blank = [""] * sheet.size
    write_csv(path, {name: made.get(name, blank) for name in fields})
