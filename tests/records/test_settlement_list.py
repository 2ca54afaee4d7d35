"""The settlement list reader: what a good message gives, and what each rule does to a bad one."""

from __future__ import annotations

import datetime as dt
import gzip
from typing import TYPE_CHECKING, Any

import orjson
import pyarrow as pa
import pytest
from records_samples import MESSAGE, json_lines, message, rule_ids, the_case, with_node

from tongpin.records.case.assemble import CodeBook
from tongpin.records.case.schema import CASE_SCHEMA

if TYPE_CHECKING:
    from records_samples import Reader


def test_a_good_message_becomes_a_case(read_lists: Reader) -> None:
    loaded = read_lists(message())
    assert loaded.cases.select(CASE_SCHEMA.names).schema == CASE_SCHEMA
    assert (loaded.kind, loaded.read_count, loaded.findings) == ("settlement-list", 1, [])
    case = the_case(loaded)
    assert len(case["patient_hash"]) == 32
    core = {name: case[name] for name in CASE_SCHEMA.names if name != "patient_hash"}
    assert core == {
        "source": "settlement_list",
        "case_id": "S1",
        "institution_code": "H32020000001",
        "institution_name": "示例医院",
        "record_no": "B0001",
        "mdtrt_id": "M1",
        "stay_no": None,
        "sex": 1,
        "age": 65,
        "age_days": None,
        "birth_weight": None,
        "admission_time": dt.datetime.fromisoformat("2025-06-02T08:30"),
        "discharge_time": dt.datetime.fromisoformat("2025-06-10T09:00"),
        "settlement_date": dt.date(2025, 6, 10),
        "upload_time": dt.datetime.fromisoformat("2025-06-12T10:00"),
        "accepted_date": dt.date(2025, 6, 12),
        "filing_month": None,
        "transfer_date": None,
        "clearing_year": None,
        "los": 8,
        "dept": "03.04",
        "doctor_code": "D0001",
        "discharge_way": "1",
        "dx": ["I63.900x007", "E11.900"],
        "px": ["00.6100", "88.9100x001"],
        "icu_hours": 26,
        "ventilation_minutes": 26 * 60 + 30,
        "code_map": 0,
        "code_version": None,
        "insurance": "310",
        "insured_region": None,
        "care_type": "inpatient",
        "surgery_level": None,
        "total_fee_fen": 1_000_000,
        "drug_fee_fen": 400_000,
        "consumable_fee_fen": 299_990,
        "exam_fee_fen": 200_010,
        "service_fee_fen": 100_000,
        "patient_pay_fen": 200_000,
        "account_pay_fen": 30_000,
        "pool_pay_fen": 700_000,
        "other_fund_pay_fen": 100_000,
        "file": "lists.jsonl",
        "record": 1,
    }


def test_no_identity_survives(read_lists: Reader) -> None:
    secrets = {"psn_name": "某某某", "certno": "X0000000000000009", "psn_no": "P777"}
    loaded = read_lists(message(**secrets))
    shown = str(loaded.cases.to_pylist()) + str(loaded.findings)
    assert not [value for value in secrets.values() if value in shown]


@pytest.mark.parametrize(
    "data",
    [
        orjson.dumps(MESSAGE),
        orjson.dumps([MESSAGE], option=orjson.OPT_INDENT_2),
        orjson.dumps(MESSAGE, option=orjson.OPT_INDENT_2),
        orjson.dumps({"infno": "4101", "input": MESSAGE}),
        b"\xef\xbb\xbf" + json_lines(MESSAGE),
        orjson.dumps(MESSAGE).decode().encode("gb18030"),
        gzip.compress(json_lines(MESSAGE)),
    ],
    ids=["object", "array", "pretty", "envelope", "bom", "gb18030", "gzip"],
)
def test_all_shapes_of_a_file_give_the_same_case(read_bytes: Reader, data: bytes) -> None:
    loaded = read_bytes(data, "list.json")
    assert loaded.findings == []
    assert the_case(loaded)["institution_name"] == "示例医院"


def test_aliases_and_paper_values_are_understood(read_lists: Reader) -> None:
    made = message()
    head = made["setlinfo"]
    del head["hi_type"], head["dscg_time"], head["vent_used_dura"]
    head |= {"insutype": "2", "dscg_date": "20250610", "vent_used_days": "1", "vent_used_h_cnt": 2}
    made["icuinfo"] = [{"scsCutdInpoolTime": "2025-06-02 08:00:00", "scsCutdExitTime": "2025-06-02 11:59:00"}]
    made["payinfo"][0]["fund_pay_type"] = "390100"
    loaded = read_lists(made)
    case = the_case(loaded)
    assert loaded.findings == []
    assert (case["insurance"], case["ventilation_minutes"], case["icu_hours"]) == ("390", 26 * 60, 3)
    assert case["discharge_time"] == dt.datetime.fromisoformat("2025-06-10")


def test_a_stay_within_a_day_counts_one(read_lists: Reader) -> None:
    loaded = read_lists(message(dscg_time="2025-06-02 20:00:00", act_ipt_days="1"))
    assert the_case(loaded)["los"] == 1
    assert loaded.findings == []


def test_a_wrong_length_of_stay_is_computed_anew(read_lists: Reader) -> None:
    loaded = read_lists(message(act_ipt_days="9"))
    assert the_case(loaded)["los"] == 8
    assert rule_ids(loaded) == ["REC-L001"]
    assert (loaded.findings[0].path, loaded.findings[0].value) == ("setlinfo.act_ipt_days", "9")


@pytest.mark.parametrize(
    ("birth", "age", "days"),
    [("1960-06-02", 65, None), ("1960-06-03", 64, None), ("2025-05-30", 0, 3), ("2024-06-03", 0, 364)],
)
def test_age_comes_from_birth_and_admission(read_lists: Reader, birth: str, age: int, days: int | None) -> None:
    loaded = read_lists(message(brdy=birth, age="" if age == 0 else age, nwb_age=days))
    case = the_case(loaded)
    assert (case["age"], case["age_days"], loaded.findings) == (age, days, [])


def test_without_a_birth_date_the_given_age_stands(read_lists: Reader) -> None:
    old, new = read_lists(
        message("S1", brdy="-", age="65.5"), message("S2", brdy="", age="", nwb_age=12)
    ).cases.to_pylist()
    assert (old["age"], old["age_days"]) == (65, None)
    assert (new["age"], new["age_days"]) == (0, 12)


def test_a_wrong_age_is_noted(read_lists: Reader) -> None:
    loaded = read_lists(message(age="40"))
    assert the_case(loaded)["age"] == 65
    assert rule_ids(loaded) == ["REC-A001"]


@pytest.mark.parametrize(
    ("bad", "rule", "path"),
    [
        (message(dscg_time="2025-06-01 09:00:00"), "REC-D001", "setlinfo.dscg_time"),
        (message(adm_time="2025-02-30 09:00:00"), "REC-D002", "setlinfo.adm_time"),
        (message(setl_id="-"), "REC-C003", "setlinfo.setl_id"),
        (message(psn_selfpay="-1500.00"), "REC-F001", "setlinfo.psn_selfpay"),
        (message(psn_selfpay="很多"), "REC-N001", "setlinfo.psn_selfpay"),
        (message(psn_cashpay="1600.00", psn_ownpay="", psn_selfpay="1900.00"), "REC-S001", "payinfo"),
        (message(psn_selfpay="1600.00", psn_cashpay=""), "REC-S001", "payinfo"),
        (with_node("payinfo", 0, fund_payamt="7000.01"), "REC-S001", "payinfo"),
        (with_node("iteminfo", 1, amt="-2000.10"), "REC-F001", "iteminfo[1].amt"),
        (with_node("iteminfo", 1, amt="2000.105"), "REC-N001", "iteminfo[1].amt"),
        (with_node("iteminfo", 1, amt="9" * 30), "REC-N001", "iteminfo[1].amt"),
        (with_node("payinfo", 2, fund_payamt="-1"), "REC-F001", "payinfo[2].fund_payamt"),
        ({"setlinfo": "nothing"}, "REC-J002", "setlinfo"),
        ({"infno": "4102"}, "REC-J002", "setlinfo"),
    ],
)
def test_an_error_leaves_out_its_record_alone(read_lists: Reader, bad: dict[str, Any], rule: str, path: str) -> None:
    loaded = read_lists(message("S0"), bad, message("S9"))
    assert [(found.rule_id, found.record, found.path) for found in loaded.findings] == [(rule, 2, path)]
    assert loaded.cases["case_id"].to_pylist() == ["S0", "S9"]
    assert loaded.cases["record"].to_pylist() == [1, 3]
    assert loaded.read_count == 3


@pytest.mark.parametrize(
    ("made", "rule", "column", "value"),
    [
        (message(gend="9"), "REC-X001", "sex", None),
        (message(gend=None), "REC-X001", "sex", None),
        (message(brdy="2025-13-01"), "REC-D003", "age", 65),
        (message(brdy="2026-01-01"), "REC-D005", "age", 65),
        (message(dscg_way="7"), "REC-U001", "discharge_way", None),
        (message(hi_type="777"), "REC-U001", "insurance", None),
        (message(ipt_med_type="5"), "REC-U001", "care_type", "inpatient"),
        (message(dscg_time=""), "REC-D004", "los", 8),
        (message(psn_selfpay="1600.00"), "REC-S008", "patient_pay_fen", 200_000),
        (message(vent_used_dura="26h"), "REC-N002", "ventilation_minutes", None),
        (message(vent_used_dura="9999999999/0/0"), "REC-N002", "ventilation_minutes", None),
        (message(nwb_bir_wt="很轻"), "REC-N002", "birth_weight", None),
        (with_node("icuinfo", 0, scs_cutd_sum_dura="x"), "REC-N002", "icu_hours", None),
        (with_node("iteminfo", 0, med_chrgitm="77"), "REC-U001", "service_fee_fen", 100_000),
        (with_node("payinfo", 2, fund_pay_type="888888"), "REC-U001", "other_fund_pay_fen", 100_000),
        (with_node("diseinfo", 0, diag_type="8"), "REC-U001", "dx", ["I63.900x007", "E11.900"]),
        (with_node("diseinfo", 1, maindiag_flag="0"), "REC-M002", "dx", ["E11.900", "I63.900x007"]),
        (with_node("diseinfo", 0, maindiag_flag="1"), "REC-M002", "dx", ["E11.900", "I63.900x007"]),
        (message() | {"diseinfo": []}, "REC-M001", "dx", []),
    ],
)
def test_a_warning_still_loads(read_lists: Reader, made: dict[str, Any], rule: str, column: str, value: Any) -> None:
    loaded = read_lists(made)
    assert rule_ids(loaded) == [rule]
    assert loaded.findings[0].severity == "warning"
    assert the_case(loaded)[column] == value


def test_a_chinese_medicine_diagnosis_is_never_the_principal(read_lists: Reader) -> None:
    made = message()
    made["diseinfo"][1]["maindiag_flag"] = "0"
    made["diseinfo"][2]["maindiag_flag"] = "1"
    loaded = read_lists(made)
    assert the_case(loaded)["dx"] == ["E11.900", "I63.900x007"]
    assert rule_ids(loaded) == ["REC-T001"]
    assert loaded.findings[0].path == "diseinfo[2].diag_code"


def test_classes_of_a_fee_item_are_added_up(read_lists: Reader) -> None:
    classes = {"claa_sumfee": "600", "clab_amt": "300", "fulamt_ownpay_amt": "100", "oth_amt": "0"}
    good = with_node("iteminfo", 0, **classes)
    bad = with_node("iteminfo", 0, **classes | {"oth_amt": "1"})
    assert rule_ids(read_lists(good)) == []
    assert rule_ids(read_lists(bad)) == ["REC-S004"]


def test_an_outpatient_list_never_counts_as_inpatient(read_lists: Reader) -> None:
    made = message(ipt_med_type="", adm_time="", dscg_time="", act_ipt_days="")
    made |= {"diseinfo": [], "opspdiseinfo": [{"diag_code": "N18.900", "diag_name": "慢性肾脏病"}]}
    loaded = read_lists(made)
    assert the_case(loaded)["care_type"] == "outpatient_special"
    assert loaded.findings == []


def test_day_surgery_has_a_care_type_of_its_own(read_lists: Reader) -> None:
    assert the_case(read_lists(message(ipt_med_type="2")))["care_type"] == "day_surgery"


def test_a_list_paid_by_the_patient_alone_is_settled(read_lists: Reader) -> None:
    loaded = read_lists(message(psn_selfpay="9500.00", psn_cashpay="9700.00") | {"payinfo": []})
    case = the_case(loaded)
    assert (case["patient_pay_fen"], case["pool_pay_fen"], case["other_fund_pay_fen"]) == (1_000_000, 0, 0)
    assert loaded.findings == []


def test_nodes_of_a_wrong_kind_do_not_stop_the_reading(read_lists: Reader) -> None:
    made = message() | {"oprninfo": {"oprn_oprt_code": "00.6100"}, "icuinfo": None, "diseinfo": ["x", 7]}
    made["setlinfo"] |= {"gend": {"a": 1}, "medcasno": 12345, "mdtrt_id": True}
    loaded = read_lists(made)
    case = the_case(loaded)
    assert (case["px"], case["icu_hours"], case["dx"]) == (["00.6100"], None, [])
    assert (case["sex"], case["record_no"], case["mdtrt_id"]) == (None, "12345", None)


def test_unhashable_values_do_not_stop_the_reading(read_lists: Reader) -> None:
    made = with_node("diseinfo", 1, maindiag_flag=["1"])
    made["oprninfo"][0] |= {"oprn_oprt_type": {}, "oprn_oprt_name": []}
    made["iteminfo"][0]["amt"] = [1]
    loaded = read_lists(made)
    assert "REC-N001" in rule_ids(loaded)
    assert loaded.cases.num_rows == 0


def test_unknown_codes_are_named_when_a_code_book_is_given(read_lists: Reader) -> None:
    book = CodeBook(dx=frozenset({"I63.900x007"}), px=frozenset({"00.6100", "88.9100x001"}))
    loaded = read_lists(message(), codes=book)
    assert [(found.rule_id, found.path, found.value) for found in loaded.findings] == [
        ("REC-U002", "diseinfo[1]", "E11.900")
    ]
    assert loaded.cases.num_rows == 1
    whole = CodeBook(dx=frozenset({"I63.900x007", "E11.900"}), px=frozenset({"00.6100"}))
    assert rule_ids(read_lists(message(), codes=whole)) == ["REC-U003"]


def test_a_truncated_last_line_loses_only_itself(read_bytes: Reader) -> None:
    data = json_lines(message("S1"), message("S2"), message("S3"))
    loaded = read_bytes(data[:-200], "lists.jsonl")
    assert loaded.cases["case_id"].to_pylist() == ["S1", "S2"]
    assert [(found.rule_id, found.record) for found in loaded.findings] == [("REC-J001", 3)]
    assert loaded.read_count == 3


@pytest.mark.parametrize("option", [0, orjson.OPT_INDENT_2], ids=["compact", "pretty"])
def test_a_truncated_array_keeps_what_came_before(read_bytes: Reader, option: int) -> None:
    data = orjson.dumps([message("S1"), message("S2"), message("S3")], option=option)
    loaded = read_bytes(data[:-200], "lists.json")
    assert loaded.cases["case_id"].to_pylist() == ["S1", "S2"]
    assert [(found.rule_id, found.record) for found in loaded.findings] == [("REC-J001", 3)]


def test_a_broken_first_line_keeps_the_others(read_bytes: Reader) -> None:
    loaded = read_bytes(b'{"setlinfo": {"setl_id"\n' + json_lines(message("S2")), "lists.jsonl")
    assert loaded.cases["case_id"].to_pylist() == ["S2"]
    assert [(found.rule_id, found.record) for found in loaded.findings] == [("REC-J001", 1)]


@pytest.mark.parametrize(
    "data",
    [json_lines(MESSAGE).decode().encode("utf-16"), json_lines(MESSAGE).replace("脑".encode(), b"\xff\xff\xff")],
    ids=["utf-16", "noise"],
)
def test_a_file_in_no_known_encoding_gives_one_error(read_bytes: Reader, data: bytes) -> None:
    loaded = read_bytes(data, "lists.jsonl")
    assert [(found.rule_id, found.severity, found.record) for found in loaded.findings] == [("REC-E001", "error", 0)]
    assert loaded.cases.num_rows == 0
    assert loaded.cases.select(CASE_SCHEMA.names).schema == CASE_SCHEMA


def test_an_empty_list_file_is_no_list(read_bytes: Reader) -> None:
    loaded = read_bytes(b"[]", "lists.json", kind="settlement-list")
    assert (loaded.cases.num_rows, loaded.read_count, loaded.findings) == (0, 0, [])


RESULT = pa.table(
    {
        "setl_id": ["S1"],
        "mdtrt_id": ["M1"],
        "patient_hash": ["0" * 32],
        "sex": ["2"],
        "birth_date": pa.array([dt.date(1990, 1, 1)]),
        "age": pa.array([35], pa.int32()),
        "age_days": pa.array([None], pa.int32()),
        "insurance": ["390"],
        "insured_region": ["320200"],
        "total_fee_fen": [900_000],
        "patient_pay_fen": [400_000],
        "account_pay_fen": [0],
        "pool_pay_fen": [450_000],
        "other_fund_pay_fen": [50_000],
        "settlement_date": pa.array([dt.date(2025, 6, 11)]),
        "accepted_date": pa.array([dt.date(2025, 7, 2)]),
    }
)


def list_4101a() -> dict[str, Any]:
    """4101A: without persons, fees and payers."""
    made = message()
    for name in ("gend", "brdy", "age", "certno", "hi_type", "ipt_med_type", "act_ipt_days"):
        del made["setlinfo"][name]
    for name in ("psn_selfpay", "psn_ownpay", "acct_pay", "psn_cashpay", "fixmedins_code"):
        del made["setlinfo"][name]
    del made["payinfo"], made["iteminfo"]
    return made


def test_a_result_fills_what_4101a_lacks(read_lists: Reader) -> None:
    loaded = read_lists(list_4101a(), results=RESULT)
    case = the_case(loaded)
    assert loaded.findings == []
    filled = ("sex", "age", "insurance", "total_fee_fen", "pool_pay_fen", "other_fund_pay_fen", "drug_fee_fen")
    assert [case[name] for name in filled] == [2, 35, "390", 900_000, 450_000, 50_000, None]
    assert (case["accepted_date"], case["care_type"]) == (dt.date(2025, 7, 2), "inpatient")


def test_4101a_without_a_result_says_so(read_lists: Reader) -> None:
    assert rule_ids(read_lists(list_4101a())) == ["REC-M003", "REC-X001"]


def test_a_result_that_disagrees_is_noted_and_the_list_stands(read_lists: Reader) -> None:
    loaded = read_lists(message(), results=RESULT)
    case = the_case(loaded)
    assert rule_ids(loaded) == ["REC-S005", "REC-S006"]
    assert (case["total_fee_fen"], case["pool_pay_fen"], case["sex"]) == (1_000_000, 700_000, 1)
    assert case["accepted_date"] == dt.date(2025, 7, 2)


def test_a_result_names_the_insurance_that_the_list_leaves_open(read_lists: Reader) -> None:
    retired = RESULT.set_column(7, "insurance", pa.array(["340"]))
    assert the_case(read_lists(message(hi_type="9")))["insurance"] == "999"
    assert the_case(read_lists(message(hi_type="9"), results=retired))["insurance"] == "340"


def test_results_of_other_lists_do_not_matter(read_lists: Reader) -> None:
    loaded = read_lists(message("S2"), results=RESULT)
    assert loaded.findings == []
    assert the_case(loaded)["accepted_date"] == dt.date(2025, 6, 12)


def test_a_broken_message_names_its_id_and_nobody(read_bytes: Reader) -> None:
    data = json_lines(message("S1"), message("S2", psn_name="某某某", certno="X777"))
    loaded = read_bytes(data[:-100], "lists.jsonl")
    (found,) = loaded.findings
    assert (found.rule_id, found.record, found.value) == ("REC-J001", 2, "S2")
    assert "某某某" not in str(found)


def test_lines_that_begin_with_a_brace_do_not_make_json_lines(read_bytes: Reader) -> None:
    data = orjson.dumps(MESSAGE).replace(b"[{", b"[\n{").replace(b"},{", b"},\n{")
    loaded = read_bytes(data, "list.json")
    assert (the_case(loaded)["case_id"], loaded.findings) == ("S1", [])


def test_gb18030_lines_that_look_like_utf_8_spoil_nothing(read_bytes: Reader) -> None:
    """莫 in GBK is a valid UTF-8 pair by chance."""
    names = ("示例医院", "莫", "市人民医院")
    lines = []
    for number, name in enumerate(names):
        made = message(f"S{number}", fixmedins_name=name)
        for node, field in (("diseinfo", "diag_name"), ("oprninfo", "oprn_oprt_name")):
            made[node] = [one | {field: ""} for one in made[node]]
        lines.append(orjson.dumps(made).decode().encode("gb18030"))
    loaded = read_bytes(b"\n".join(lines), "lists.jsonl")
    assert loaded.cases["institution_name"].to_pylist() == list(names)
    assert loaded.findings == []


def test_amounts_beyond_reason_never_overflow_a_sum(read_lists: Reader) -> None:
    made = message()
    made["iteminfo"] = [{"med_chrgitm": "01", "amt": "99999999999999.99"}] * 1000
    made["icuinfo"] = [{"scs_cutd_sum_dura": "60000/0/0"}] * 2000
    loaded = read_lists(made)
    assert loaded.cases.num_rows == 0
    assert {"REC-N001", "REC-N002"} <= set(rule_ids(loaded))


def test_intensive_care_times_that_make_no_span_are_noted(read_lists: Reader) -> None:
    made = message()
    made["icuinfo"] = [{"scs_cutd_inpool_time": "2025-06-03 08:00:00", "scs_cutd_exit_time": "2025-06-02 08:00:00"}]
    loaded = read_lists(made)
    assert the_case(loaded)["icu_hours"] is None
    assert [(found.rule_id, found.path) for found in loaded.findings] == [("REC-N002", "icuinfo[0].scs_cutd_exit_time")]


def test_numbers_as_texts_and_as_numbers_give_the_same_case(read_lists: Reader) -> None:
    as_numbers = message(act_ipt_days=8, age=65, psn_selfpay=1500.0, acct_pay=300, gend=1, ipt_med_type=1, dscg_way=1)
    as_numbers["iteminfo"][0]["amt"] = 1000
    as_numbers["payinfo"][0] |= {"fund_pay_type": 310100, "fund_payamt": 7000.0}
    assert read_lists(as_numbers).cases == read_lists(message(age="65")).cases
