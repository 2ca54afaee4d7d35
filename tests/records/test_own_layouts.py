"""Institutions, withdrawals, decisions and settlement results: good rows typed, bad rows left out and named."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from records_samples import KEY

from tongpin.records.own_layouts import LAYOUTS, layout_schema, read_layout
from tongpin.records.patients import hash_patients
from tongpin.records.read import read

if TYPE_CHECKING:
    from pathlib import Path

    from tongpin.base.findings import Finding

INSTITUTION = {
    "institution_code": "H1",
    "institution_name": "示例医院",
    "settlement_level": "三级",
    "grade": "三甲",
    "manual": "综合三级",
    "ownership": "公立",
    "beds": "2500",
    "valid_from": "2024-01-01",
}
WITHDRAWAL = {
    "institution_code": "H1",
    "setl_id": "S1",
    "withdrawn_date": "2025-07-03",
    "successor_setl_id": "S2",
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
    "mdtrt_id": "M1",
    "psn_no": "P1",
    "certno": "X1",
    "gend": "2",
    "brdy": "1990-01-01",
    "age": "35",
    "nwb_age": "",
    "insutype": "391",
    "insuplc": "320200",
    "medfee_sumamt": "9000.00",
    "psn_part_amt": "4000.00",
    "acct_pay": "0",
    "hifp_pay": "4500.00",
    "hifmi_pay": "300.00",
    "hifob_pay": "",
    "cvlserv_pay": "",
    "hifes_pay": "",
    "maf_pay": "200.00",
    "oth_pay": "",
    "setl_time": "2025-06-11 09:00:00",
    "accepted_date": "2025-07-02",
}
GOOD = {"institution": INSTITUTION, "withdrawal": WITHDRAWAL, "decision": DECISION, "settlement-result": RESULT}


def read_table(path: Path, layout: str) -> tuple[pa.Table, list[Finding]]:
    return read_layout(path, layout, key=KEY)[:2]


def write(path: Path, *rows: dict[str, str]) -> Path:
    text = "\n".join(",".join(cells) for cells in [list(rows[0]), *(list(row.values()) for row in rows)])
    path.write_text(text + "\n", encoding="utf-8")
    return path


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_is_detected_and_read(tmp_path: Path, layout: str) -> None:
    path = write(tmp_path / "file.csv", GOOD[layout])
    table, findings = read_table(path, layout)
    assert findings == []
    assert (table.num_rows, table.schema) == (1, layout_schema(layout))
    loaded = read(path, key=KEY)
    assert (loaded.kind, loaded.read_count, loaded.cases.num_rows) == (layout, 1, 0)
    assert loaded.extra.equals(table)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_parquet_reads_like_csv(tmp_path: Path, layout: str) -> None:
    pq.write_table(pa.table({name: [value] for name, value in GOOD[layout].items()}), tmp_path / "file.parquet")
    from_parquet = read_table(tmp_path / "file.parquet", layout)
    assert from_parquet == read_table(write(tmp_path / "file.csv", GOOD[layout]), layout)
    assert read(tmp_path / "file.parquet", key=KEY).kind == layout


def test_institutions_are_typed(tmp_path: Path) -> None:
    table, _ = read_table(write(tmp_path / "file.csv", INSTITUTION), "institution")
    assert table.to_pylist() == [INSTITUTION | {"beds": 2500, "valid_from": dt.date(2024, 1, 1)}]


def test_decisions_are_in_fen(tmp_path: Path) -> None:
    (row,) = read_table(write(tmp_path / "file.csv", DECISION), "decision")[0].to_pylist()
    assert (row["amount_fen"], row["month"], row["kind"]) == (123_450, "2025-06", "penalty")


def test_results_hash_persons_and_sum_the_other_funds(tmp_path: Path) -> None:
    (row,) = read_table(write(tmp_path / "file.csv", RESULT), "settlement-result")[0].to_pylist()
    assert row["patient_hash"] == hash_patients(["X1"], KEY)[0]
    assert (row["insurance"], row["pool_pay_fen"], row["other_fund_pay_fen"]) == ("390", 450_000, 50_000)
    assert row["settlement_date"] == dt.date(2025, 6, 11)
    assert not {"P1", "X1"} & set(row.values())


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
        ("settlement-result", {"medfee_sumamt": "x"}, "REC-N001", "medfee_sumamt"),
        ("settlement-result", {"hifp_pay": "-1"}, "REC-F001", "hifp_pay"),
        ("settlement-result", {"setl_id": "-"}, "REC-O001", "setl_id"),
    ],
)
def test_a_bad_row_is_left_out_alone(
    tmp_path: Path, layout: str, changes: dict[str, str], rule: str, path: str
) -> None:
    key = "setl_id" if "setl_id" in GOOD[layout] else "institution_code"
    rows = [GOOD[layout] | {key: "A"}, GOOD[layout] | {key: "B"} | changes, GOOD[layout] | {key: "C"}]
    table, findings = read_table(write(tmp_path / "file.csv", *rows), layout)
    assert [(found.rule_id, found.record, found.path) for found in findings] == [(rule, 2, path)]
    assert table[key].to_pylist() == ["A", "C"]


@pytest.mark.parametrize(
    ("layout", "changes", "rule"),
    [
        ("institution", {"beds": "很多"}, "REC-N002"),
        ("settlement-result", {"insutype": "777"}, "REC-U001"),
        ("settlement-result", {"brdy": "x"}, "REC-D003"),
    ],
)
def test_a_doubtful_value_is_missing_and_its_row_stays(
    tmp_path: Path, layout: str, changes: dict[str, str], rule: str
) -> None:
    table, findings = read_table(write(tmp_path / "file.csv", GOOD[layout] | changes), layout)
    assert [(found.rule_id, found.severity) for found in findings] == [(rule, "warning")]
    assert table.num_rows == 1


def test_a_missing_column_refuses_the_file(tmp_path: Path) -> None:
    short = {name: value for name, value in DECISION.items() if name != "month"}
    table, findings = read_table(write(tmp_path / "file.csv", short), "decision")
    assert [(found.rule_id, found.record, found.path) for found in findings] == [("REC-C001", 0, "month")]
    assert (table.num_rows, table.schema) == (0, layout_schema("decision"))


def test_a_repeated_result_is_kept_once(tmp_path: Path) -> None:
    path = write(tmp_path / "file.csv", RESULT, RESULT, RESULT | {"hifp_pay": "1.00"})
    table, findings = read_table(path, "settlement-result")
    assert [found.rule_id for found in findings] == ["REC-P002", "REC-P001"]
    assert table["pool_pay_fen"].to_pylist() == [450_000]


def test_a_result_without_pool_payment_settles_nothing(tmp_path: Path) -> None:
    table, _ = read_table(write(tmp_path / "file.csv", RESULT | {"hifp_pay": ""}), "settlement-result")
    assert table["other_fund_pay_fen"].to_pylist() == [None]
