"""Settlement lists with every field of an interface filled, and the reader without files around it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import orjson
import pyarrow as pa
from records_samples import KEY

from tongpin.records.case.schema import columns
from tongpin.records.files.text import Decoded
from tongpin.records.formats.tables import dictionary, rows
from tongpin.records.readers.settlement_list import read_settlement_lists

if TYPE_CHECKING:
    from tongpin.base.findings import Finding

NODES = ("payinfo", "opspdiseinfo", "diseinfo", "iteminfo", "oprninfo", "icuinfo", "bldinfo")
HEAD: dict[str, str] = {
    "setl_id": "S1",
    "fixmedins_code": "H32020000001",
    "gend": "2",
    "brdy": "2025-05-28",
    "age": "0.5",
    "nwb_age": "5",
    "hi_type": "390",
    "nwb_bir_wt": "3200,2900",
    "nwb_adm_wt": "3150",
    "mul_nwb_bir_wt": "3200,2900",
    "mul_nwb_adm_wt": "3150,2850",
    "adm_time": "2025-06-02 08:30:00",
    "dscg_time": "2025-06-10 09:00:00",
    "dcla_time": "2025-06-12 10:11:12",
    "act_ipt_days": "8",
    "dscg_caty": "A03.04",
    "adm_caty": "A03",
    "refldept_dept": "A03.04→A28",
    "vent_used_dura": "1/13/24",
    "pwcry_bfadm_coma_dura": "0/2/0",
    "pwcry_afadm_coma_dura": "0/0/50",
    "dscg_way": "2",
    "psn_selfpay": "150.00",
    "psn_ownpay": "50.00",
    "acct_pay": "30.00",
    "psn_cashpay": "170.00",
}
"""Fields of the head that rules look at; all others get a value that fits their column."""
ENTRIES: dict[str, list[dict[str, str]]] = {
    "payinfo": [
        {"fund_pay_type": "390100", "fund_payamt": "700.00"},
        {"fund_pay_type": "310200", "fund_payamt": "30.00"},
        {"fund_pay_type": "390200", "fund_payamt": "100.00"},
    ],
    "opspdiseinfo": [
        {"diag_name": "慢性肾脏病", "diag_code": "N18.900", "oprn_oprt_name": "血液透析", "oprn_oprt_code": "39.9500"}
    ],
    "diseinfo": [
        {"diag_type": "1", "diag_code": "E11.900", "diag_name": "2型糖尿病", "maindiag_flag": "0"},
        {"diag_type": "1", "diag_code": "I63.900x007", "diag_name": "脑梗死", "maindiag_flag": "1"},
        {"diag_type": "2", "diag_code": "BNG080", "diag_name": "中风病", "maindiag_flag": "0"},
    ],
    "iteminfo": [
        {"med_chrgitm": "01", "amt": "400.00", "claa_sumfee": "100.00", "clab_amt": "200.00"}
        | {"fulamt_ownpay_amt": "50.00", "oth_amt": "50.00"},
        {"med_chrgitm": "09", "amt": "600.00", "claa_sumfee": "600.00", "clab_amt": "0.00"}
        | {"fulamt_ownpay_amt": "0.00", "oth_amt": "0.00"},
    ],
    "oprninfo": [
        {"oprn_oprt_type": "2", "main_oprn_flag": "0", "oprn_oprt_code": "88.9100x001"},
        {"oprn_oprt_type": "1", "main_oprn_flag": "1", "oprn_oprt_code": "00.6100"},
    ],
    "icuinfo": [
        {"scs_cutd_inpool_time": "2025-06-02 09:00:00", "scs_cutd_exit_time": "2025-06-03 11:50:00"}
        | {"scs_cutd_sum_dura": "1/2/50"}
    ],
    "bldinfo": [{"bld_cat": "1", "bld_amt": "2.5", "bld_unt": "U"}, {"bld_cat": "4", "bld_amt": "200"}],
}


class Read(NamedTuple):
    """What the reader gave."""

    cases: pa.Table
    persons: pa.Table
    keys: pa.Table
    findings: list[Finding]
    count: int

    @property
    def case(self) -> dict[str, Any]:
        """The only case."""
        (case,) = self.cases.to_pylist()
        return case

    @property
    def rules(self) -> list[str]:
        """The rules of all findings."""
        return [found.rule_id for found in self.findings]


def read_data(data: bytes, results: pa.Table | None = None) -> Read:
    """Bytes of a 4101 file through the reader."""
    made, findings, count = read_settlement_lists(
        Decoded(data, damaged=False), "x", key=KEY, results=results, codes=None
    )
    return Read(*made, findings, count)


def read_messages(*messages: Any, results: pa.Table | None = None) -> Read:
    """Messages through the reader."""
    return read_data(orjson.dumps(list(messages)), results)


def fields(node: str, interface: str) -> list[dict[str, str]]:
    """The rows of the field table for a node of an interface."""
    table = rows("fields/settlement_list.csv")
    return [row for row in table if row["node"] == node and interface in row["interface"].split(";")]


def full_message(interface: str) -> dict[str, Any]:
    """A list in which every field of an interface is written."""
    message: dict[str, Any] = {"setlinfo": _filled("setlinfo", interface, HEAD)}
    for node in NODES:
        if fields(node, interface):
            message[node] = [_filled(node, interface, entry) for entry in ENTRIES[node]]
    return message


def _filled(node: str, interface: str, given: dict[str, str]) -> dict[str, str]:
    return {row["field"]: given.get(row["field"]) or _value(row) for row in fields(node, interface)}


def _value(row: dict[str, str]) -> str:
    """A value that a column holds: a code of its dictionary, a time, a number, or its own name."""
    codes = dictionary(row["dictionary"]) if row["dictionary"] else {}
    kind = columns()[row["column"]].type
    if codes and row["dictionary"] != "dept":
        return next(iter(codes))
    if pa.types.is_temporal(kind):
        return "2025-06-03 10:00:00" if pa.types.is_timestamp(kind) else "2025-06-03"
    return "3" if pa.types.is_integer(kind) or pa.types.is_decimal(kind) else f"{row['name_zh']} 甲"
