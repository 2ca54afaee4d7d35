"""Every field of both list interfaces: it reaches its column under every spelling, and nothing beside it is lost."""

from __future__ import annotations

import copy
import datetime as dt
import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import orjson
import pytest
from list_samples import NODES, fields, full_message, read_data, read_messages
from records_samples import MESSAGE, message

from tongpin.records.case.schema import CASE_SCHEMA, DETAIL_SCHEMA, PERSON_SCHEMA
from tongpin.records.formats.tables import list_aliases

if TYPE_CHECKING:
    from collections.abc import Callable

INTERFACES = ("4101", "4101A")


@pytest.mark.parametrize("interface", INTERFACES)
def test_every_field_reaches_its_column(interface: str) -> None:
    read = read_messages(full_message(interface))
    case, (person,) = read.case, read.persons.to_pylist()
    assert set(read.rules) <= {"REC-M003", "REC-X001"}
    for node in ("setlinfo", *NODES):
        for row in fields(node, interface):
            column, _, field = row["column"].partition(".")
            found = person[column] if column in PERSON_SCHEMA.names else case[column]
            assert found not in (None, [], ""), row
            if field:
                assert any(entry[field] is not None for entry in found), row
    assert case["extra"] is None


def test_all_columns_are_there_whatever_a_file_fills() -> None:
    poor = read_messages({"setlinfo": {"setl_id": "S1"}})
    rich = read_messages(full_message("4101"), full_message("4101A"))
    assert poor.cases.schema == rich.cases.schema
    assert poor.persons.schema == rich.persons.schema
    assert set(poor.cases.column_names) <= {*CASE_SCHEMA.names, *DETAIL_SCHEMA.names}


def test_typed_values_of_a_full_list() -> None:
    case = read_messages(full_message("4101")).case
    assert (case["sex"], case["sex_code"], case["insurance"], case["insurance_code"]) == (2, "2", "390", "390")
    assert (case["age"], case["age_days"], case["stated_age"]) == (0, 5, Decimal("0.50"))
    assert (case["birth_weight"], case["birth_weights"], case["admission_weights"]) == (3200, [3200, 2900], [3150])
    assert (case["ventilation_minutes"], case["coma_before_minutes"], case["coma_after_minutes"]) == (2244, 120, 50)
    assert (case["dept"], case["admission_dept"], case["transfer_depts"]) == ("03.04", "03", ["03.04", "28"])
    assert case["upload_time"] == dt.datetime.fromisoformat("2025-06-12T10:11:12")
    assert (case["accepted_date"], case["icu_hours"]) == (dt.date(2025, 6, 12), 26)
    assert (case["self_pay_fen"], case["own_pay_fen"], case["cash_pay_fen"]) == (15000, 5000, 17000)
    assert [fee["class_b_fen"] for fee in case["fees"]] == [20000, 0]
    assert case["payers"] == [
        {"fund": "390100", "amount_fen": 70000},
        {"fund": "310200", "amount_fen": 3000},
        {"fund": "390200", "amount_fen": 10000},
    ]
    assert case["code_version"] is None


def camel(name: str) -> str:
    return re.sub(r"_([a-z0-9])", lambda found: found[1].upper(), name)


def respelled(made: dict[str, Any], spell: Callable[[str], str]) -> dict[str, Any]:
    """The message with the names of all nodes and fields spelled otherwise."""
    head = {spell(name): value for name, value in made["setlinfo"].items()}
    nodes = {node: [{spell(name): one[name] for name in one} for one in made[node]] for node in made if node in NODES}
    return {spell("setlinfo"): head} | {spell(node): entries for node, entries in nodes.items()}


@pytest.mark.parametrize("interface", INTERFACES)
@pytest.mark.parametrize("spell", [camel, str.upper, lambda name: camel(name).capitalize()])
def test_other_spellings_load_equal(interface: str, spell: Callable[[str], str]) -> None:
    made = full_message(interface)
    plain, other = read_messages(made), read_messages(respelled(made, spell))
    assert other.cases == plain.cases
    assert other.persons == plain.persons


@pytest.mark.parametrize("alias", sorted(list_aliases()))
def test_every_alias_loads_equal(alias: str) -> None:
    field = list_aliases()[alias]
    made = full_message("4101")
    owner = made["icuinfo"][0] if field in made["icuinfo"][0] else made["setlinfo"]
    plain = read_messages(made)
    value = owner.pop(field)
    words = alias.split("+")
    owner |= dict(zip(words, value.split("/") if len(words) > 1 else [value], strict=True))
    other = read_messages(made)
    assert other.cases == plain.cases
    assert other.persons == plain.persons


def test_the_national_name_speaks_before_its_alias_and_the_alias_is_kept() -> None:
    case = read_messages(message(hi_type="310", insutype="390", dscg_date="", bill_no="-", billno="B7")).case
    assert (case["insurance"], case["bill_no"]) == ("310", "B7")
    assert dict(case["extra"]) == {"setlinfo.insutype": "390"}


def test_the_parts_of_a_split_field_may_be_missing() -> None:
    made = message(vent_used_h_cnt=5)
    del made["setlinfo"]["vent_used_dura"]
    assert read_messages(made).case["ventilation_minutes"] == 300


def test_what_no_table_names_is_kept_by_its_path() -> None:
    made = message(new_field="x", deep={"a": [1, None]}, nothing="-", empty=[])
    made["diseinfo"][1]["diag_srt_no"] = 2
    made["icuinfo"] += [{"note": "晚间"}]
    made |= {"newinfo": [{"b": 2}], "stamp": "2025", "other": None}
    case = read_messages(made).case
    assert dict(case["extra"]) == {
        "setlinfo.new_field": "x",
        "setlinfo.deep": '{"a":[1,null]}',
        "diseinfo[1].diag_srt_no": "2",
        "icuinfo[1].note": "晚间",
        "newinfo": '[{"b":2}]',
        "stamp": "2025",
    }
    assert len(case["icu_stays"]) == 2


def test_a_value_that_its_column_cannot_hold_is_kept_as_it_stood() -> None:
    read = read_messages(message(nwb_bir_wt="很轻", dscg_way="7", gend={"a": 1}, lv1_nurscare_days="若干", brdy="昨天"))
    assert read.rules == ["REC-D003", "REC-N002", "REC-N002", "REC-U001", "REC-X001"]
    assert dict(read.case["extra"]) == {
        "setlinfo.nwb_bir_wt": "很轻",
        "setlinfo.dscg_way": "7",
        "setlinfo.gend": '{"a":1}',
        "setlinfo.lv1_nurscare_days": "若干",
    }


def test_unknown_fields_that_name_a_patient_are_not_kept() -> None:
    made = message(patientName="某某某", tel="13800000000", CERTNO="X9") | {"more": {"idcard": "X8", "kind": 1}}
    read = read_messages(made)
    assert read.case["extra"] is None
    assert {(found.rule_id, found.path) for found in read.findings} == {
        ("REC-C005", "setlinfo.patientName"),
        ("REC-C005", "setlinfo.tel"),
        ("REC-C005", "more"),
    }


def test_persons_stand_beside_the_cases_and_never_in_them() -> None:
    made = message("S2", psn_name="某某某", coner_tel="13900000000")
    read = read_messages(message("S1", dscg_time="2025-06-01"), made)
    assert read.cases["case_id"].to_pylist() == ["S2"]
    assert [(one["psn_name"], one["contact_phone"]) for one in read.persons.to_pylist()] == [("某某某", "13900000000")]
    assert not set(read.cases.column_names) & set(PERSON_SCHEMA.names)
    assert "某某某" not in str(read.cases.to_pylist())


@pytest.mark.parametrize(
    "data",
    [
        {"data": MESSAGE},
        {"infno": "4101A", "input": {"data": MESSAGE}},
        {"msgid": "1", "Data": [MESSAGE]},
        [{"input": MESSAGE}],
    ],
)
def test_envelopes_are_opened(data: Any) -> None:
    read = read_data(orjson.dumps(data))
    assert (read.case["case_id"], read.count, read.rules) == ("S1", 1, [])
    assert read.case["extra"] is None


def test_envelopes_are_opened_line_by_line() -> None:
    lines = [orjson.dumps({"input": message(f"S{n}")}) for n in range(3)]
    assert read_data(b"\n".join(lines)).cases["case_id"].to_pylist() == ["S0", "S1", "S2"]


def test_every_record_met_has_a_key() -> None:
    lines = [orjson.dumps(one) for one in (message("S1"), message("S2", dscg_time="2025-06-01"), {"setlinfo": 7})]
    lines += [orjson.dumps(message("S4"))[:-300], orjson.dumps(message("S5"))]
    read = read_data(b"\n".join(lines))
    institution = MESSAGE["setlinfo"]["fixmedins_code"]
    assert read.keys.drop_columns("upload_time").to_pylist() == [
        {"record": 1, "institution_code": institution, "case_id": "S1"},
        {"record": 2, "institution_code": institution, "case_id": "S2"},
        {"record": 3, "institution_code": None, "case_id": None},
        {"record": 4, "institution_code": institution, "case_id": "S4"},
        {"record": 5, "institution_code": institution, "case_id": "S5"},
    ]
    assert read.cases["record"].to_pylist() == [1, 5]


def test_every_copy_of_a_list_is_read() -> None:
    assert read_messages(message("S1"), message("S1")).cases["record"].to_pylist() == [1, 2]


def test_chinese_medicine_diagnoses_are_kept_beside_the_codes_that_count() -> None:
    case = read_messages(message()).case
    assert case["dx"] == ["I63.900x007", "E11.900"]
    assert [(one["kind"], one["code"], one["principal"]) for one in case["diagnoses"]] == [
        ("1", "E11.900", False),
        ("1", "I63.900x007", True),
        ("2", "BNG080", False),
    ]


@pytest.mark.parametrize(
    "row",
    [
        {"oprn_oprt_code": "0000", "oprn_oprt_name": "无", "oprn_oprt_type": "1"},
        {"oprn_oprt_code": "无"},
        {"oprn_oprt_code": "-", "oprn_oprt_name": "无手术"},
        {"oprn_oprt_code": "", "oprn_oprt_name": "", "new": "x"},
    ],
)
def test_placeholder_rows_are_no_procedures(row: dict[str, str]) -> None:
    made = message()
    made["oprninfo"] = [row, made["oprninfo"][1] | {"new": "y"}]
    case = read_messages(made).case
    assert (case["px"], [one["code"] for one in case["procedures"]]) == (["00.6100"], ["00.6100"])
    assert case["extra"] == [("oprninfo[0].new", "y")]


@pytest.mark.parametrize(
    "row", [{"oprn_oprt_code": "38.9300", "oprn_oprt_name": "无"}, {"oprn_oprt_name": "阑尾切除术"}]
)
def test_a_row_with_a_code_or_a_name_is_a_procedure(row: dict[str, str]) -> None:
    case = read_messages(message() | {"oprninfo": [row]}).case
    assert case["px"] == [code for code in (row.get("oprn_oprt_code"),) if code]
    assert [one["name"] for one in case["procedures"]] == [row["oprn_oprt_name"]]


def test_the_flag_of_a_region_marks_the_main_procedure_too() -> None:
    made = message()
    made["oprninfo"] = [{"oprn_oprt_code": "38.9300"}, {"oprn_oprt_code": "00.6100", "main_oprn_flag": True}]
    assert read_messages(made).case["px"] == ["00.6100", "38.9300"]


def test_entries_in_which_nothing_is_written_are_no_entries() -> None:
    made = message()
    made["icuinfo"] = [{"scs_cutd_ward_type": "", "scs_cutd_sum_dura": "-"}, *made["icuinfo"], {}]
    made |= {"opspdiseinfo": [{"diag_code": "", "diag_name": ""}], "bldinfo": {"bld_cat": ""}}
    case = read_messages(made).case
    assert (len(case["icu_stays"]), case["special_diseases"], case["transfusions"]) == (1, [], [])
    assert case["care_type"] == "inpatient"


@pytest.mark.parametrize("node", [{"diseinfo": ["x", 7]}, {"icuinfo": "nothing"}])
def test_what_is_no_object_is_noted(node: dict[str, Any]) -> None:
    found = [one for one in read_messages(message() | node).findings if one.rule_id == "REC-J003"]
    assert [(one.path, one.severity) for one in found] == [(next(iter(node)), "warning")]


def test_what_is_nested_beyond_reason_is_noted() -> None:
    text = b'{"setlinfo":{"setl_id":"S1","new":' + b"[" * 600 + b"]" * 600 + b"}}"
    read = read_data(text)
    assert ("REC-J003", "setlinfo.new") in [(one.rule_id, one.path) for one in read.findings]
    assert read.case["case_id"] == "S1"


@pytest.mark.parametrize(
    ("changes", "weights"),
    [
        ({"nwb_bir_wt": "3200.00"}, [3200]),
        ({"nwb_bir_wt": "3200，2900"}, [3200, 2900]),
        ({"mul_nwb_bir_wt": "3200,2900"}, [3200, 2900]),
        ({"nwb_bir_wt": "3200", "mul_nwb_bir_wt": "3200,2900"}, [3200, 2900]),
        ({"nwb_bir_wt": "3100", "mul_nwb_bir_wt": "3200,2900"}, [3100, 3200, 2900]),
        ({"nwb_bir_wt": "-"}, None),
    ],
)
def test_weights_of_newborns_and_twins(changes: dict[str, str], weights: list[int] | None) -> None:
    case = read_messages(message(**changes)).case
    assert (case["birth_weights"], case["birth_weight"]) == (weights, weights[0] if weights else None)


def test_blood_stands_in_the_head_or_in_a_node_of_its_own() -> None:
    head = read_messages(message(bld_cat="1", bld_amt=2, bld_unt="U")).case
    assert head["transfusions"] == [{"kind": "1", "amount": Decimal("2.00"), "unit": "U"}]
    rows = [{"bld_cat": "1", "bld_amt": "2"}, {"bld_cat": "4", "bld_amt": "200"}]
    heads: list[dict[str, Any]] = [{"bld_cat": "3"}, {"bld_cat": "3"}, {"bld_cat": "4", "bld_amt": "200.00"}]
    nodes: list[dict[str, Any]] = [{}, {"bldinfo": rows}, {"bldinfo": rows}]
    both = [message(f"S{n}", **head) | node for n, (head, node) in enumerate(zip(heads, nodes, strict=True))]
    cases = read_messages(*both).cases.to_pylist()
    assert [[one["kind"] for one in case["transfusions"]] for case in cases] == [["3"], ["3", "1", "4"], ["1", "4"]]


def test_reading_changes_no_message() -> None:
    made = copy.deepcopy(MESSAGE)
    read_messages(made)
    assert made == MESSAGE
