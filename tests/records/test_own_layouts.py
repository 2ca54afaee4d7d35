"""Own layouts: good rows typed, bad rows left out and named; what is written reads back the same."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from records_samples import KEY

from tongpin.base.errors import RecordsError
from tongpin.records.case.patients import hash_patients
from tongpin.records.formats import tables
from tongpin.records.formats.page_fields import header_key
from tongpin.records.layouts import catalogue as layouts
from tongpin.records.readers.own_layouts import LAYOUT_KEYS, LAYOUTS, layout_fields, layout_schema, read_layout_file
from tongpin.records.writers.layouts import write_layout

if TYPE_CHECKING:
    from tongpin.base.findings import Finding

INSTITUTION = {
    "institution_code": "H1",
    "institution_name": "示例医院",
    "settlement_level": "三级",
    "beds": "2500",
    "valid_from": "2024-01-01",
}
DECISION = {
    "institution_code": "H1",
    "fund": "310",
    "month": "2025-06",
    "kind": "penalty",
    "amount": "1234.5",
    "decided_date": "2025-07-03",
    "document": "〔2025〕1号",
}
RESULT = {
    "setl_id": "S1",
    "psn_no": "P1",
    "certno": "X1",
    "gend": "2",
    "brdy": "1990-01-01",
    "age": "35",
    "insutype": "391",
    "medfee_sumamt": "9000.00",
    "psn_part_amt": "4000.00",
    "hifp_pay": "4500.00",
    "hifmi_pay": "300.00",
    "maf_pay": "200.00",
    "pool_prop_selfpay": "85%",
    "setl_time": "2025-06-11 09:00:00",
    "filing_month": "202507",
    "clearing_year": "2025",
}
FEE_LINE = {
    "institution_code": "H1",
    "setl_id": "S1",
    "line_no": "1",
    "charged_time": "2025-06-03 09:00:00",
    "item_code": "XA01",
    "category": "09",
    "quantity": "-2.5",
    "price": "0.1234",
    "amount": "-0.31",
}
RECEIPT = {"institution_code": "H1", "setl_id": "S1", "received_time": "2025-06-12 08:00", "accepted": "Y"}
COST = {
    "institution_code": "H1",
    "month": "2025-06",
    "dept_code": "D1",
    "cost_kind": "人员经费",
    "amount": "10.00",
}
CODE_MAP = {"国临版编码": "I63.900x007", "国临版名称": "脑梗死", "医保版编码": "I63.900x007", "医保版名称": "脑梗死"}
WITHDRAWAL = {"institution_code": "H1", "setl_id": "S1", "withdrawn_date": "2025-07-03"}
GOOD = {
    "institution": INSTITUTION,
    "withdrawal": WITHDRAWAL,
    "decision": DECISION,
    "settlement-result": RESULT,
    "fee-line": FEE_LINE,
    "receipt": RECEIPT,
    "cost": COST,
    "code-map": CODE_MAP,
}


def write(path: Path, *rows: dict[str, str]) -> Path:
    header = list(dict.fromkeys(name for row in rows for name in row))
    text = "\n".join(",".join(cells) for cells in [header, *([row.get(name, "") for name in header] for row in rows)])
    path.write_text(text + "\n", encoding="utf-8")
    return path


def read_rows(folder: Path, layout: str, *rows: dict[str, str]) -> tuple[pa.Table, list[Finding]]:
    return read_layout_file(write(folder / "file.csv", *rows), layout, KEY)[:2]


def the_row(folder: Path, layout: str, **changes: str) -> dict[str, Any]:
    table, findings = read_rows(folder, layout, GOOD[layout] | changes)
    assert findings == []
    (row,) = table.to_pylist()
    return row


# What the definitions must hold.


def test_a_file_of_one_layout_looks_like_no_other() -> None:
    for one in LAYOUTS:
        all_fields = [row["field"] for row in layout_fields(one)]
        assert layouts.matching_layouts(all_fields) == [one]
        assert layouts.matching_layouts(sorted(layouts.required_fields(one))) == [one]


def test_a_layout_is_known_by_its_chinese_headers_too() -> None:
    for one in LAYOUTS:
        assert layouts.matching_layouts([row["name_zh"] for row in layout_fields(one)]) == [one]


def test_no_two_fields_of_a_layout_share_a_header() -> None:
    for one in LAYOUTS:
        fields = {row["field"]: row for row in layout_fields(one)}
        headers = [header_key(name) for row in fields.values() for name in (row["field"], row["name_zh"])]
        assert len(set(headers)) == len(headers), one


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_key_of_a_layout_is_made_of_its_columns_and_one_is_required(layout: str) -> None:
    assert set(LAYOUT_KEYS[layout]) <= set(layout_schema(layout).names)
    assert {row["column"] for row in layout_fields(layout) if row["required"] != "N"} & set(LAYOUT_KEYS[layout])


@pytest.mark.parametrize("layout", LAYOUTS)
def test_conditions_name_a_field_of_the_layout_and_its_choices(layout: str) -> None:
    fields = {row["field"]: row for row in layout_fields(layout)}
    for row in fields.values():
        name, _, values = row["required_when"].partition("=")
        if name:
            choices = fields[name]["choices"].split("|") if fields[name]["choices"] else ["Y", "N"]
            assert set(values.split("|")) <= set(choices)


def test_categories_of_fee_lines_and_funds_are_those_of_the_dictionaries() -> None:
    choices = {
        (row["layout"], row["field"]): row["choices"].split("|") for name in LAYOUTS for row in layout_fields(name)
    }
    assert choices["fee-line", "category"] == sorted(tables.dictionary("med_chrgitm_type"))
    for layout in ("fund-series", "bank-line"):
        assert set(choices[layout, "fund"]) <= set(tables.dictionary("fund_pay_type"))


def test_a_wrong_word_in_the_definitions_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    bad = {"layout": "peer", "field": "value", "type": "float", "required": "Y", "choices": ""}
    true_rows = tables.rows("fields/layouts.csv")
    monkeypatch.setattr(layouts, "rows", lambda name: true_rows if name.endswith("/layouts.csv") else (bad,))
    layouts.layouts.cache_clear()
    with pytest.raises(RecordsError) as caught:
        layouts.layouts()
    layouts.layouts.cache_clear()
    assert (caught.value.code, caught.value.where) == ("records.table", "peer.value")


# What reading does.


def test_institutions_are_typed(tmp_path: Path) -> None:
    row = the_row(tmp_path, "institution", pay_mode="observed", payee_code="H9")
    assert {name: row[name] for name in INSTITUTION} == INSTITUTION | {"beds": 2500, "valid_from": dt.date(2024, 1, 1)}
    assert (row["pay_mode"], row["payee_code"], row["extra"]) == ("observed", "H9", None)


def test_decisions_are_in_fen(tmp_path: Path) -> None:
    row = the_row(tmp_path, "decision")
    assert (row["amount_fen"], row["month"], row["kind"]) == (123_450, "2025-06", "penalty")


def test_a_decision_asks_for_what_its_kind_needs(tmp_path: Path) -> None:
    score = {"institution_code": "H1", "kind": "score", "decided_date": "2026-03-01", "year": "2025", "value": "92.5"}
    assert the_row_of(tmp_path, "decision", score)["value"] == Decimal("92.5")
    table, findings = read_rows(tmp_path, "decision", score | {"value": "", "year": ""})
    assert [(found.rule_id, found.path) for found in findings] == [("REC-O001", "value"), ("REC-O001", "year")]
    assert table.num_rows == 0


def the_row_of(folder: Path, layout: str, row: dict[str, str]) -> dict[str, Any]:
    table, findings = read_rows(folder, layout, row)
    assert findings == []
    return table.to_pylist()[0]


def test_a_deduction_without_the_column_of_its_month_is_left_out(tmp_path: Path) -> None:
    short = {name: value for name, value in DECISION.items() if name != "month"}
    table, findings = read_rows(tmp_path, "decision", short)
    assert [(found.rule_id, found.record, found.path) for found in findings] == [("REC-O001", 1, "month")]
    assert table.num_rows == 0


def test_results_hash_persons_and_sum_the_other_funds(tmp_path: Path) -> None:
    row = the_row(tmp_path, "settlement-result")
    assert row["patient_hash"] == hash_patients(["X1"], KEY)[0]
    assert (row["insurance"], row["insurance_code"]) == ("390", "391")
    assert (row["pool_pay_fen"], row["other_fund_pay_fen"], row["maf_pay_fen"]) == (450_000, 50_000, 20_000)
    assert row["settlement_date"] == dt.date(2025, 6, 11)
    assert (row["filing_month"], row["clearing_year"]) == ("2025-07", 2025)
    assert row["pool_pay_ratio"] == Decimal("0.85")
    assert not {"P1", "X1"} & set(row.values())


def test_without_a_certificate_the_person_number_is_hashed(tmp_path: Path) -> None:
    assert the_row(tmp_path, "settlement-result", certno="")["patient_hash"] == hash_patients(["P1"], KEY)[0]


def test_a_result_without_pool_payment_settles_nothing(tmp_path: Path) -> None:
    assert the_row(tmp_path, "settlement-result", hifp_pay="")["other_fund_pay_fen"] is None


def test_fee_lines_may_be_returned_goods_at_prices_below_a_fen(tmp_path: Path) -> None:
    row = the_row(tmp_path, "fee-line", is_central_purchase="是")
    assert (row["amount_fen"], row["quantity"], row["price_yuan"]) == (-31, Decimal("-2.5"), Decimal("0.1234"))
    assert row["is_central_purchase"] is True


def test_a_fund_may_hold_more_than_a_case_ever_costs(tmp_path: Path) -> None:
    fund = {"region": "320200", "fund": "310100", "month": "2025-06", "income": "1", "spending": "-2.50"}
    assert the_row_of(tmp_path, "fund-series", fund | {"balance": "31234567890.12"})["balance_fen"] == 3_123_456_789_012


def test_the_usual_table_of_four_columns_is_a_code_map(tmp_path: Path) -> None:
    operation = {"国临版编码": "00.6100x001", "国临版名称": "-", "医保版编码": "", "医保版名称": ""}
    table, findings = read_rows(tmp_path, "code-map", CODE_MAP, operation)
    assert findings == []
    assert table["kind"].to_pylist() == ["dx", "px"]
    assert table["insurance_code"].to_pylist() == ["I63.900x007", None]


def test_columns_beyond_a_layout_are_kept_but_no_persons(tmp_path: Path) -> None:
    rows = [
        RECEIPT | {"批次": "7", "患者姓名": "甲", "备注": ""},
        RECEIPT | {"批次": "8", "患者姓名": "乙", "备注": "急"},
    ]
    table, findings = read_rows(tmp_path, "receipt", *rows)
    assert [(found.rule_id, found.path, found.value) for found in findings] == [("REC-C005", "患者姓名", "")]
    assert table["extra"].to_pylist() == [[("批次", "7")], [("批次", "8"), ("备注", "急")]]


def test_keys_name_every_row_and_say_which_were_loaded(tmp_path: Path) -> None:
    path = write(tmp_path / "file.csv", RECEIPT, RECEIPT | {"setl_id": "S2", "accepted": "maybe"})
    _, findings, keys = read_layout_file(path, "receipt", KEY)
    assert [(found.rule_id, found.record) for found in findings] == [("REC-O002", 2)]
    assert keys.to_pylist() == [
        {"record": 1, "institution_code": "H1", "case_id": "S1", "loaded": True},
        {"record": 2, "institution_code": "H1", "case_id": "S2", "loaded": False},
    ]


def test_an_own_layout_may_come_as_typed_parquet(tmp_path: Path) -> None:
    typed = {"amount": pa.array([Decimal("-0.31")], pa.decimal128(12, 2)), "is_high_value": pa.array([False])}
    columns = {name: pa.array([value]) for name, value in FEE_LINE.items()} | typed
    pq.write_table(pa.table(columns), tmp_path / "file.parquet")
    table, findings, _ = read_layout_file(tmp_path / "file.parquet", "fee-line")
    assert findings == []
    assert (table["amount_fen"].to_pylist(), table["is_high_value"].to_pylist()) == ([-31], [False])


def test_lists_in_parquet_are_joined(tmp_path: Path) -> None:
    visit = {"institution_code": ["H1"], "visit_id": ["V1"], "visit_time": ["2025-06-03 10:05"], "total_fee": ["1"]}
    lists = {"dx": pa.array([["O30.000", "I10.x00"]]), "tags": pa.array([["a", "b"]])}
    pq.write_table(pa.table({name: pa.array(value) for name, value in visit.items()} | lists), tmp_path / "v.parquet")
    table, findings, _ = read_layout_file(tmp_path / "v.parquet", "outpatient-visit")
    assert findings == []
    assert (table["dx"].to_pylist(), table["extra"].to_pylist()) == (["O30.000|I10.x00"], [[("tags", "a|b")]])


@pytest.mark.parametrize(
    ("layout", "changes", "rule", "path"),
    [
        ("institution", {"settlement_level": "四级"}, "REC-O002", "settlement_level"),
        ("institution", {"manual": "没有"}, "REC-O002", "manual"),
        ("institution", {"valid_from": "2024-02-30"}, "REC-O002", "valid_from"),
        ("institution", {"institution_code": ""}, "REC-O001", "institution_code"),
        ("withdrawal", {"withdrawn_date": ""}, "REC-O001", "withdrawn_date"),
        ("decision", {"fund": "510"}, "REC-O002", "fund"),
        ("decision", {"month": "2025-13"}, "REC-O002", "month"),
        ("decision", {"kind": "gift"}, "REC-O002", "kind"),
        ("decision", {"amount": "1.234"}, "REC-N001", "amount"),
        ("decision", {"amount": "-1"}, "REC-F001", "amount"),
        ("decision", {"fund": ""}, "REC-O001", "fund"),
        ("settlement-result", {"medfee_sumamt": "x"}, "REC-N001", "medfee_sumamt"),
        ("settlement-result", {"hifp_pay": "-1"}, "REC-F001", "hifp_pay"),
        ("settlement-result", {"setl_id": "-"}, "REC-O001", "setl_id"),
        ("fee-line", {"category": "15"}, "REC-O002", "category"),
        ("fee-line", {"quantity": "1.23456"}, "REC-O002", "quantity"),
        ("fee-line", {"charged_time": "昨天"}, "REC-O002", "charged_time"),
        ("receipt", {"accepted": "maybe"}, "REC-O002", "accepted"),
        ("receipt", {"accepted": "N"}, "REC-O001", "message"),
        ("cost", {"cost_kind": "成本费用比"}, "REC-O001", "cost_to_fee"),
    ],
)
def test_a_bad_row_is_left_out_alone(
    tmp_path: Path, layout: str, changes: dict[str, str], rule: str, path: str
) -> None:
    key = "setl_id" if "setl_id" in GOOD[layout] else "institution_code"
    rows = [GOOD[layout] | {key: "A"}, GOOD[layout] | {key: "B"} | changes, GOOD[layout] | {key: "C"}]
    table, findings = read_rows(tmp_path, layout, *rows)
    assert [(found.rule_id, found.record, found.path) for found in findings] == [(rule, 2, path)]
    assert table[key].to_pylist() == ["A", "C"]


@pytest.mark.parametrize(
    ("layout", "changes", "rule"),
    [
        ("institution", {"beds": "很多"}, "REC-N002"),
        ("institution", {"beds": "-5"}, "REC-N002"),
        ("settlement-result", {"insutype": "777"}, "REC-U001"),
        ("settlement-result", {"brdy": "x"}, "REC-D003"),
        ("settlement-result", {"pool_prop_selfpay": "85"}, "REC-N002"),
        ("settlement-result", {"clearing_year": "25"}, "REC-N002"),
        ("fee-line", {"price": "-1"}, "REC-N002"),
    ],
)
def test_a_doubtful_value_is_missing_and_its_row_stays(
    tmp_path: Path, layout: str, changes: dict[str, str], rule: str
) -> None:
    table, findings = read_rows(tmp_path, layout, GOOD[layout] | changes)
    assert [(found.rule_id, found.severity) for found in findings] == [(rule, "warning")]
    assert table.num_rows == 1


def test_a_missing_column_refuses_the_file_once(tmp_path: Path) -> None:
    short = {name: value for name, value in FEE_LINE.items() if name != "category"}
    table, findings = read_rows(tmp_path, "fee-line", short | {"amount": "x"})
    assert [(found.rule_id, found.record, found.path) for found in findings] == [("REC-C001", 0, "category")]
    assert (table.num_rows, table.schema) == (0, layout_schema("fee-line"))


# What is written reads back the same.

WORDS = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1, max_size=8).filter(
    lambda word: word != "-"
)
ODD = st.one_of(WORDS, st.sampled_from(['a "b" c', "x,y", "两\n行", "tab\tsep", "a|b;c", "０１", "=1+1", "1.0"]))


def decimals(kind: Any, low: int, high: int) -> st.SearchStrategy[Decimal]:
    return st.integers(low, high).map(lambda one: Decimal(one).scaleb(-kind.scale))


def values_of(row: dict[str, str], kind: Any) -> st.SearchStrategy[Any]:
    """Values that a column can hold after reading."""
    least = None if row["signed"] else 0
    if row["dictionary"]:
        return st.sampled_from(sorted({one for one in tables.dictionary(row["dictionary"]).values() if one}))
    made: dict[str, st.SearchStrategy[Any]] = {
        "text": ODD,
        "choice": st.sampled_from(row["choices"].split("|")),
        "month": st.dates(dt.date(1950, 1, 1), dt.date(2090, 1, 1)).map(lambda day: f"{day:%Y-%m}"),
        "year": st.integers(1900, 2099),
        "date": st.dates(dt.date(1900, 1, 1), dt.date(2099, 12, 31)),
        "time": st.datetimes(dt.datetime(1900, 1, 1), dt.datetime(2099, 1, 1)).map(lambda t: t.replace(microsecond=0)),  # noqa: DTZ001
        "flag": st.booleans(),
        "whole": st.integers(-(2**31) if row["signed"] else 0, 2**31 - 1),
        "yuan": st.integers(-(10**12) if row["signed"] else 0, 10**12),
        "fund_yuan": st.integers(-(10**15) if row["signed"] else 0, 10**15),
    }
    if row["type"] == "decimal":
        return decimals(kind, -(10**17) if least is None else 0, 10**17)
    return decimals(kind, 0, 10**6) if row["type"] == "ratio" else made[row["type"]]


@st.composite
def tables_of(draw: st.DrawFn, layout: str) -> pa.Table:
    """Tables as reading could have made them: required values there, further columns under names of their own."""
    schema = layout_schema(layout)
    size = draw(st.integers(0, 4))
    made: dict[str, list[Any]] = {}
    for row in layout_fields(layout):
        if row["type"] == "person":
            made[row["field"]] = draw(st.lists(st.none() | WORDS, min_size=size, max_size=size))
            continue
        value = values_of(row, schema.field(row["column"]).type)
        if row["required"] != "Y" and not row["required_when"]:
            value = st.none() | value
        made[row["column"]] = draw(st.lists(value, min_size=size, max_size=size))
    keys = st.sampled_from(["备注一", 'say "x", y', "批次;号"])
    further = st.none() | st.dictionaries(keys, ODD, min_size=1).map(lambda one: list(one.items()))
    made["extra"] = draw(st.lists(further, min_size=size, max_size=size))
    if layout == "settlement-result":
        # The raw code decides what the normalised one is.
        known = tables.dictionary("hi_type")
        made["insurance_code"] = draw(st.lists(st.sampled_from([None, *known]), min_size=size, max_size=size))
        made["insurance"] = [known.get(code) for code in made["insurance_code"]]
        funds = [made[f"{name}_pay_fen"] for name in ("hifmi", "hifob", "cvlserv", "hifes", "maf", "oth")]
        sums = [sum(one or 0 for one in row) for row in zip(*funds, strict=True)]
        pool = made["pool_pay_fen"]
        made["other_fund_pay_fen"] = [None if paid is None else one for paid, one in zip(pool, sums, strict=True)]
    if layout == "code-map":
        made["kind"] = [
            "px" if code[:2].isascii() and code[:2].isdigit() and code[2:3] == "." else "dx"
            for code in made["clinical_code"]
        ]
    persons = [name for name in made if name not in schema.names]
    fields = [*schema, *(pa.field(name, pa.string()) for name in persons)]
    if "patient_hash" in schema.names:
        who = [next((one for one in row if one), None) for row in zip(*(made[name] for name in persons), strict=True)]
        made["patient_hash"] = hash_patients(who, KEY)
    return pa.table({field.name: pa.array(made[field.name], field.type) for field in fields})


def plain_rows(table: pa.Table, layout: str) -> list[dict[str, Any]]:
    """Rows to compare: maps whatever their order."""
    rows = table.select(layout_schema(layout).names).to_pylist()
    return [row | {"extra": dict(row["extra"]) if row["extra"] else None} for row in rows]


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
@pytest.mark.parametrize("layout", LAYOUTS)
@settings(max_examples=6, deadline=None)
@given(data=st.data())
def test_what_is_written_reads_back_the_same(layout: str, suffix: str, data: st.DataObject) -> None:
    table = data.draw(tables_of(layout))
    with TemporaryDirectory() as folder:
        path = Path(folder) / f"file{suffix}"
        write_layout(table, layout, path)
        found, findings, keys = read_layout_file(path, layout, KEY)
    assert findings == []
    assert found.schema == layout_schema(layout)
    assert plain_rows(found, layout) == plain_rows(table, layout)
    assert keys.num_rows == table.num_rows


def test_only_columns_in_use_are_written(tmp_path: Path) -> None:
    write_layout(read_rows(tmp_path, "receipt", RECEIPT)[0], "receipt", tmp_path / "out.csv")
    header, line = (tmp_path / "out.csv").read_text(encoding="utf-8").splitlines()
    assert header == "institution_code,setl_id,received_time,accepted"
    assert line == '"H1","S1","2025-06-12 08:00:00","Y"'


def test_a_packed_file_reads_like_the_open_one(tmp_path: Path) -> None:
    table = read_rows(tmp_path, "fee-line", FEE_LINE)[0]
    write_layout(table, "fee-line", tmp_path / "out.csv.gz")
    assert (tmp_path / "out.csv.gz").read_bytes()[:2] == b"\x1f\x8b"
    assert read_layout_file(tmp_path / "out.csv.gz", "fee-line")[0].equals(table)


def test_parquet_holds_typed_values_in_yuan(tmp_path: Path) -> None:
    write_layout(read_rows(tmp_path, "fee-line", FEE_LINE)[0], "fee-line", tmp_path / "out.parquet")
    stored = pq.read_table(tmp_path / "out.parquet")
    assert stored["amount"].to_pylist() == [Decimal("-0.31")]
    assert stored["charged_time"].to_pylist() == [dt.datetime(2025, 6, 3, 9)]  # noqa: DTZ001
