"""What the list writer writes the list reader reads back: every column of both interfaces, and odd texts too."""

from __future__ import annotations

import datetime as dt
import gzip
from typing import TYPE_CHECKING, Any

import orjson
import pyarrow as pa
import pytest
from case_samples import NAMES, case_rows, cases_of, one_case, tables
from hypothesis import given, settings
from hypothesis import strategies as st
from list_samples import NODES, Read, fields, full_message, read_data, read_messages
from records_samples import KEY, message

from tongpin.base.errors import RecordsError
from tongpin.records.case.patients import hash_patients
from tongpin.records.case.schema import CASE_SCHEMA, columns, empty_cases
from tongpin.records.intake.kinds import detect
from tongpin.records.intake.read import read
from tongpin.records.readers.own_layouts import read_layout_file
from tongpin.records.write import write_settlement_list, write_settlement_results

if TYPE_CHECKING:
    from pathlib import Path

    from tongpin.records.writers.settlement_list import Interface

PLACES = ["file", "record"]
NOT_IN_LISTS = {"surgery_level", "patient_hash", "upload_time"}
"""A list has no surgery level and, of nobody, no patient; without an upload time it is uploaded when it is accepted."""


def written(found: Read, folder: Path, interface: Interface = "4101") -> bytes:
    """What was read, written by us."""
    path = folder / "again.jsonl"
    write_settlement_list(found.cases, path, names=NAMES, persons=found.persons, interface=interface)
    return path.read_bytes()


def heads(data: bytes) -> list[dict[str, Any]]:
    return [orjson.loads(line)["setlinfo"] for line in data.splitlines()]


def assert_comes_back(found: Read, folder: Path, interface: Interface = "4101") -> None:
    """Read, written and read again: the same in every column but the place in the file."""
    again = read_data(written(found, folder, interface))
    assert again.cases.drop_columns(PLACES).to_pylist() == found.cases.drop_columns(PLACES).to_pylist()
    assert again.cases.schema == found.cases.schema
    assert again.persons == found.persons


@pytest.mark.parametrize("interface", ["4101", "4101A"])
def test_every_field_of_an_interface_comes_back(tmp_path: Path, interface: Interface) -> None:
    made = full_message(interface)
    found = read_messages(made)
    assert_comes_back(found, tmp_path, interface)
    (message_again,) = [orjson.loads(line) for line in written(found, tmp_path, interface).splitlines()]
    for node in ("setlinfo", *NODES):
        entries = message_again.get(node, [])
        for entry in [entries] if node == "setlinfo" else entries:
            assert {row["field"] for row in fields(node, interface)} <= entry.keys()


def test_fields_of_both_interfaces_in_one_message_come_back(tmp_path: Path) -> None:
    both = full_message("4101")
    for node, entries in full_message("4101A").items():
        if node == "setlinfo":
            both[node] |= entries
        else:
            pairs = zip(both.get(node, [{}] * len(entries)), entries, strict=True)
            both[node] = [one | other for one, other in pairs]
    assert_comes_back(read_messages(both, message("S2")), tmp_path)


def test_4101a_holds_nothing_of_4101_alone(tmp_path: Path) -> None:
    (line,) = written(read_messages(full_message("4101")), tmp_path, "4101A").splitlines()
    made = orjson.loads(line)
    assert list(made) == ["setlinfo", "opspdiseinfo", "diseinfo", "oprninfo", "icuinfo", "bldinfo"]
    assert list(made["setlinfo"]) == [row["field"] for row in fields("setlinfo", "4101A")]
    assert list(made["oprninfo"][0]) == [row["field"] for row in fields("oprninfo", "4101A")]


TEXT_FIELDS = [
    (node, row["field"])
    for node in ("setlinfo", *NODES)
    for row in fields(node, "4101")
    if pa.types.is_string(columns()[row["column"]].type)
]
DECISIVE = {"setl_id", "med_chrgitm", "fund_pay_type"}
odd = st.text(max_size=12)
names = st.one_of(st.text(max_size=6), st.sampled_from(["insutype", "CERTNO", "setlInfo", "a.b", "tel", "diag_code"]))
values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-9, 9), st.floats(-1, 1), odd),
    lambda inner: st.one_of(st.lists(inner, max_size=2), st.dictionaries(st.text(max_size=3), inner, max_size=2)),
    max_leaves=4,
)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(TEXT_FIELDS), st.one_of(odd, values)), max_size=8),
    st.lists(st.tuples(st.sampled_from(["", "setlinfo", *NODES]), names, values), max_size=5),
)
def test_odd_texts_and_unknown_fields_come_back(
    tmp_path_factory: pytest.TempPathFactory,
    changed: list[tuple[tuple[str, str], Any]],
    unknown: list[tuple[str, str, Any]],
) -> None:
    made = full_message("4101")
    for (node, field), value in changed:
        if field not in DECISIVE:
            owner = made["setlinfo"] if node == "setlinfo" else made[node][-1]
            owner[field] = value
    for node, field, value in unknown:
        owner = made if not node else made["setlinfo"] if node == "setlinfo" else made.get(node, [{}])[0]
        owner.setdefault(field, value)
    found = read_messages(made)
    if found.cases.num_rows:
        assert_comes_back(found, tmp_path_factory.mktemp("odd"))


@settings(max_examples=25, deadline=None)
@given(st.lists(st.sampled_from([row["field"] for row in fields("setlinfo", "4101")]), max_size=6, unique=True), odd)
def test_unreadable_values_come_back(tmp_path_factory: pytest.TempPathFactory, spoilt: list[str], value: str) -> None:
    found = read_messages(message(**dict.fromkeys(spoilt, value)))
    if found.cases.num_rows:
        assert_comes_back(found, tmp_path_factory.mktemp("spoilt"))


def test_a_file_of_ours_and_one_in_other_words_load_equal(tmp_path: Path) -> None:
    ours = written(read_messages(full_message("4101")), tmp_path)
    (made,) = [orjson.loads(line) for line in ours.splitlines()]
    head = made["setlinfo"]
    for field, alias in (("hi_type", "insutype"), ("nwb_bir_wt", "nwbbirwt"), ("bill_no", "billNo")):
        head[alias] = head.pop(field)
    days = head.pop("vent_used_dura").split("/")
    head |= dict(zip(("vent_used_days", "vent_used_h_cnt", "vent_used_m_cnt"), days, strict=True))
    other = read_data(orjson.dumps({"infno": "4101", "input": {"SETLINFO": made.pop("setlinfo"), **made}}))
    assert other.cases == read_data(ours).cases


def test_what_no_column_takes_goes_back_to_its_place(tmp_path: Path) -> None:
    made = full_message("4101") | {"newinfo": [{"b": 2}], "stamp": "[1"}
    made["setlinfo"] |= {"new": {"a": [1]}, "gend": {"code": 1}, "medcasno": False}
    made["diseinfo"][1]["no"] = "2"
    (line,) = written(read_messages(made), tmp_path).splitlines()
    again = orjson.loads(line)
    assert (again["newinfo"], again["stamp"]) == ([{"b": 2}], "[1")
    assert [again["setlinfo"][name] for name in ("new", "gend", "medcasno")] == [{"a": [1]}, {"code": 1}, False]
    assert [entry.get("no") for entry in again["diseinfo"]] == [None, "2", None]


@pytest.mark.parametrize(
    ("interface", "single", "several"), [("4101", "3200,2900", None), ("4101A", "3200,2900", "3200,2900")]
)
def test_weights_of_twins(tmp_path: Path, interface: Interface, single: str, several: str | None) -> None:
    found = read_messages(message(nwb_bir_wt="3200,2900"))
    (head,) = heads(written(found, tmp_path, interface))
    assert head["nwb_bir_wt"] == single
    assert interface == "4101" or head["mul_nwb_bir_wt"] == several
    assert read_data(written(found, tmp_path, interface)).case["birth_weights"] == [3200, 2900]


def test_more_blood_than_the_head_holds_has_a_node(tmp_path: Path) -> None:
    rows = [{"bld_cat": "1", "bld_amt": "2"}, {"bld_cat": "4", "bld_amt": "200"}]
    found = read_messages(message("S1"), message("S2", bld_cat="1"), message("S3") | {"bldinfo": rows})
    lines = [orjson.loads(line) for line in written(found, tmp_path).splitlines()]
    assert [line["setlinfo"]["bld_cat"] for line in lines] == ["", "1", ""]
    assert [[one["bld_cat"] for one in line.get("bldinfo", [])] for line in lines] == [[], [], ["1", "4"]]
    assert_comes_back(found, tmp_path)


@settings(max_examples=20, deadline=None)
@given(tables)
def test_cases_without_details_come_back(tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, Any]]) -> None:
    path = tmp_path_factory.mktemp("lists") / "lists.jsonl"
    cases = cases_of(rows, "settlement_list", path.name)
    write_settlement_list(cases, path, names=NAMES)
    if rows:
        assert detect(path).kind == "settlement-list"
        again = read(path, key=KEY)
        assert {found.rule_id for found in again.findings} <= {"REC-X001", "REC-M001"}
        kept = [name for name in CASE_SCHEMA.names if name not in NOT_IN_LISTS]
        assert again.cases.select(kept).to_pylist() == cases.select(kept).to_pylist()


def test_cases_with_and_without_details_stand_in_one_table(tmp_path: Path) -> None:
    detailed = read_messages(message("S1")).cases
    bare = one_case(case_id="S2", dx=["E11.900x001", "I63.900"], px=["00.6100"], icu_hours=5)
    mixed = pa.concat_tables([detailed, bare], promote_options="default")
    write_settlement_list(mixed, tmp_path / "x.jsonl", names=NAMES)
    first, second = read(tmp_path / "x.jsonl", key=KEY).cases.to_pylist()
    (own,) = detailed.to_pylist()
    assert (first["diagnoses"], first["procedures"], first["fees"]) == (
        own["diagnoses"],
        own["procedures"],
        own["fees"],
    )
    assert (second["dx"], second["px"], second["icu_hours"]) == (["E11.900x001", "I63.900"], ["00.6100"], 5)
    assert [one["name"] for one in second["diagnoses"]] == ['2型"糖尿病"', "脑梗死，未特指"]
    assert (second["sex"], second["age"], second["los"]) == (1, 65, 8)


@settings(max_examples=25, deadline=None)
@given(case_rows())
def test_the_split_of_fees_loses_no_fen(tmp_path_factory: pytest.TempPathFactory, row: dict[str, Any]) -> None:
    folder = tmp_path_factory.mktemp("split")
    write_settlement_list(cases_of([row], "settlement_list", "x"), folder / "x.jsonl", names=NAMES)
    made = orjson.loads((folder / "x.jsonl").read_bytes())
    parts = [int(item["amt"].replace(".", "")) for item in made["iteminfo"]]
    assert min(parts) >= 0
    assert sum(parts) == row["total_fee_fen"]
    surgery = [item for item in made["iteminfo"] if item["med_chrgitm"] == "06"]
    assert row["px"] or not surgery


def test_nobody_is_invented(tmp_path: Path) -> None:
    write_settlement_list(one_case(), tmp_path / "x.jsonl", names=NAMES)
    (head,) = heads((tmp_path / "x.jsonl").read_bytes())
    assert [head[name] for name in ("psn_name", "certno", "psn_no", "brdy", "coner_tel")] == ["-", "-", "-", "", ""]
    assert read(tmp_path / "x.jsonl", key=KEY).cases["patient_hash"].to_pylist() == [None]


@pytest.mark.parametrize("beside", [True, False])
def test_persons_are_written_from_a_table_or_from_columns(tmp_path: Path, beside: bool) -> None:
    persons = pa.table({"certno": ["X1"], "psn_name": ["某"], "birth_date": pa.array([dt.date(1990, 6, 3)])})
    cases = one_case(age=34)
    if not beside:
        for name in persons.column_names:
            cases = cases.append_column(name, persons[name])
    write_settlement_list(cases, tmp_path / "x.jsonl", names=NAMES, persons=persons if beside else None)
    loaded = read(tmp_path / "x.jsonl", key=KEY)
    assert loaded.cases["patient_hash"].to_pylist() == hash_patients(["X1"], KEY)
    assert loaded.persons.select(persons.column_names).to_pylist() == persons.to_pylist()


@pytest.mark.parametrize(
    ("insurance", "pool", "other"),
    [("310", "310100", "330100"), ("340", "340100", "390200"), ("390", "390100", "390200")],
)
def test_payers_stand_under_their_funds(tmp_path: Path, insurance: str, pool: str, other: str) -> None:
    money = {"total_fee_fen": 1000, "patient_pay_fen": 200, "pool_pay_fen": 700, "other_fund_pay_fen": 100}
    write_settlement_list(one_case(insurance=insurance, **money), tmp_path / "x.jsonl", names=NAMES)
    made = orjson.loads((tmp_path / "x.jsonl").read_bytes())
    assert made["payinfo"] == [
        {"fund_pay_type": pool, "fund_payamt": "7.00"},
        {"fund_pay_type": other, "fund_payamt": "1.00"},
    ]
    assert list(made) == ["setlinfo", "payinfo", "opspdiseinfo", "diseinfo", "iteminfo", "oprninfo", "icuinfo"]


def test_names_stand_beside_their_codes(tmp_path: Path) -> None:
    write_settlement_list(one_case(dx=["I63.900", "Z99"]), tmp_path / "x.jsonl", names=NAMES)
    made = orjson.loads((tmp_path / "x.jsonl").read_bytes())
    assert [row["diag_name"] for row in made["diseinfo"]] == ["脑梗死，未特指", "-"]
    assert [row["maindiag_flag"] for row in made["diseinfo"]] == ["1", "0"]


def test_an_outpatient_list_keeps_its_own_node(tmp_path: Path) -> None:
    write_settlement_list(one_case(care_type="outpatient_special"), tmp_path / "x.jsonl", names=NAMES)
    made = orjson.loads((tmp_path / "x.jsonl").read_bytes())
    assert (made["diseinfo"], made["opspdiseinfo"][0]["diag_code"]) == ([], "I63.900")
    (case,) = read(tmp_path / "x.jsonl", key=KEY).cases.to_pylist()
    assert (case["care_type"], case["dx"]) == ("outpatient_special", ["I63.900"])


def test_a_packed_file_holds_the_same(tmp_path: Path) -> None:
    for name in ("x.jsonl", "x.jsonl.gz"):
        write_settlement_list(one_case(), tmp_path / name, names=NAMES)
    assert gzip.decompress((tmp_path / "x.jsonl.gz").read_bytes()) == (tmp_path / "x.jsonl").read_bytes()


def test_no_cases_make_a_file_without_records(tmp_path: Path) -> None:
    write_settlement_list(empty_cases(), tmp_path / "x.jsonl", names=NAMES)
    assert (tmp_path / "x.jsonl").read_bytes() == b""


def test_another_interface_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RecordsError, match="没有这一种清单接口：4401") as error:
        write_settlement_list(one_case(), tmp_path / "x.jsonl", names=NAMES, interface="4401")  # type: ignore[arg-type]
    assert error.value.code == "records.interface"
    assert not (tmp_path / "x.jsonl").exists()


@settings(max_examples=20, deadline=None)
@given(tables)
def test_settlement_results_come_back(tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, Any]]) -> None:
    path = tmp_path_factory.mktemp("results") / "results.csv"
    cases = cases_of(rows, "settlement_list", path.name)
    write_settlement_results(cases, path)
    results, findings, _ = read_layout_file(path, "settlement-result", KEY)
    assert findings == []
    names = ["mdtrt_id", "institution_code", "insurance", "accepted_date", "settlement_date"]
    names += ["total_fee_fen", "patient_pay_fen", "account_pay_fen", "pool_pay_fen", "other_fund_pay_fen"]
    assert results.select(names).to_pylist() == cases.select(names).to_pylist()
    assert results["setl_id"].to_pylist() == cases["case_id"].to_pylist()


def test_a_4101a_list_and_its_result_give_back_the_money_of_the_list(tmp_path: Path) -> None:
    found = read_messages(full_message("4101"))
    write_settlement_results(found.cases, tmp_path / "results.csv")
    results = read_layout_file(tmp_path / "results.csv", "settlement-result", KEY)[0]
    case = read_data(written(found, tmp_path, "4101A"), results).case
    names = ("total_fee_fen", "patient_pay_fen", "account_pay_fen", "cash_pay_fen", "pool_pay_fen", "insurance")
    assert [case[name] for name in names] == [found.case[name] for name in names]
    assert [one["fund"] for one in case["payers"]] == ["390100", "390200"]
