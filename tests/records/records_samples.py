"""Small record files for the tests: one good message of each format, and words to change it."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from collections.abc import Callable

    from tongpin.records.intake.read import Loaded

    Reader = Callable[..., Loaded]

KEY = b"test key"

MESSAGE: dict[str, Any] = {
    "setlinfo": {
        "mdtrt_id": "M1",
        "setl_id": "S1",
        "fixmedins_name": "示例医院",
        "fixmedins_code": "H32020000001",
        "medcasno": "B0001",
        "dcla_time": "2025-06-12 10:00:00",
        "psn_name": "-",
        "gend": "1",
        "brdy": "1960-03-04",
        "age": 65,
        "nwb_age": "",
        "certno": "X0000000000000001x",
        "hi_type": "310",
        "nwb_bir_wt": "",
        "ipt_med_type": "1",
        "adm_time": "2025-06-02 08:30:00",
        "dscg_time": "2025-06-10 09:00:00",
        "dscg_caty": "A03.04",
        "act_ipt_days": "8",
        "vent_used_dura": "1/2/30",
        "dscg_way": "1",
        "chfpdr_code": "D0001",
        "setl_begn_date": "2025-06-02",
        "setl_end_date": "2025-06-10",
        "psn_selfpay": "1500.00",
        "psn_ownpay": 500,
        "acct_pay": "300.00",
        "psn_cashpay": "1700.00",
    },
    "payinfo": [
        {"fund_pay_type": "310100", "fund_payamt": "7000.00"},
        {"fund_pay_type": "310200", "fund_payamt": "300.00"},
        {"fund_pay_type": "330100", "fund_payamt": "1000.00"},
    ],
    "opspdiseinfo": [],
    "diseinfo": [
        {"diag_type": "1", "diag_code": "E11.900", "diag_name": "2型糖尿病", "maindiag_flag": "0"},
        {"diag_type": "1", "diag_code": " I63.900x007 ", "diag_name": "脑梗死", "maindiag_flag": "1"},
        {"diag_type": "2", "diag_code": "BNG080", "diag_name": "中风病", "maindiag_flag": "0"},
    ],
    "iteminfo": [
        {"med_chrgitm": "01", "amt": "1000.00"},
        {"med_chrgitm": "04", "amt": "2000.10"},
        {"med_chrgitm": "08", "amt": "2999.90"},
        {"med_chrgitm": "09", "amt": 3000.5},
        {"med_chrgitm": "11", "amt": "999.50"},
    ],
    "oprninfo": [
        {"oprn_oprt_type": "2", "oprn_oprt_code": "88.9100x001", "oprn_oprt_name": "头部磁共振检查"},
        {"oprn_oprt_type": "1", "oprn_oprt_code": "00.6100", "oprn_oprt_name": "颅外血管成形术"},
        {"oprn_oprt_type": "2", "oprn_oprt_code": "0000", "oprn_oprt_name": "无"},
    ],
    "icuinfo": [{"scs_cutd_ward_type": "9", "scs_cutd_sum_dura": "1/2/50"}],
}

FRONT_PAGE: dict[str, str] = {
    "A01": "H32020000001",
    "A02": "示例医院",
    "A48": "B0001",
    "A49": "2",
    "B12": "2025-06-02 08:30:00",
    "B15": "2025-06-10 09:00:00",
    "A46C": "1",
    "A12C": "1",
    "A13": "1960-03-04",
    "A14": "65",
    "A16": "-",
    "A18x01": "-",
    "A20": "X0000000000000001X",
    "B38": "2",
    "B16C": "03.04",
    "B20": "8",
    "B24C": "D0001",
    "C03C": "I63.900x007",
    "C06x01C": "E11.900",
    "C06x02C": "-",
    "C14x01C": "00.6100",
    "C17x01": "3",
    "C35x01C": "88.9100x001",
    "C38x01": "-",
    "C47": "27",
    "C49x01": "2025-06-02 09:00:00",
    "C50x01": "2025-06-03 11:50:00",
    "B34C": "1",
    "D01": "10000.00",
    "D09": "2000.00",
    "D11": "1000.00",
    "D16": "2000.10",
    "D23": "3000.50",
    "D24": "999.50",
    "D32": "2999.90",
}


def message(setl_id: str = "S1", **head: Any) -> dict[str, Any]:
    """The good message under another id, with some `setlinfo` fields changed."""
    made = copy.deepcopy(MESSAGE)
    made["setlinfo"] |= {"setl_id": setl_id, **head}
    return made


def with_node(node: str, place: int, **changes: Any) -> dict[str, Any]:
    """The good message with one row of a node changed."""
    made = message()
    made[node][place] |= changes
    return made


def json_lines(*messages: dict[str, Any]) -> bytes:
    return b"\n".join(orjson.dumps(one) for one in messages) + b"\n"


def csv_text(*pages: dict[str, str]) -> str:
    """Pages as CSV with the headers of the first."""
    lines = [",".join(pages[0])] + [",".join(page.values()) for page in pages]
    return "\n".join(lines) + "\n"


def rule_ids(loaded: Loaded) -> list[str]:
    return [found.rule_id for found in loaded.findings]


def the_case(loaded: Loaded) -> dict[str, Any]:
    """The only case that was loaded."""
    (case,) = loaded.cases.to_pylist()
    return case
