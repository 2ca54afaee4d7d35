"""A stay loaded from its list and from its front page: the same typed case, and through a map the same group."""

from __future__ import annotations

import json
import sys
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from tongpin.cli import main
from tongpin.records.case.schema import CASE_SCHEMA, DETAIL_SCHEMA
from tongpin.records.writers.front_page import write_front_page
from tongpin.records.writers.settlement_list import write_settlement_list
from tongpin.records.writers.shared import Names

DETAILS = ("transfer_depts", "admission_dept", "coma_before_minutes", "level1_nursing_days", "icu_stays")
WATCHED = [
    {
        "ward": "1",
        "entry": datetime(2025, 6, 2, 8),  # noqa: DTZ001
        "leave": datetime(2025, 6, 3, 10),  # noqa: DTZ001
        "minutes": 1_560,
    }
]
MAP = """kind,clinical_code,insurance_code
dx,I63.900x007,I63.900
dx,I10.x00x008,I10.x00
px,96.7201,96.7200
"""


def stay(number: int, **more: Any) -> dict[str, Any]:
    return {
        "source": "settlement_list",
        "institution_code": "H32020000001",
        "institution_name": "示例医院",
        "record_no": f"B{number}",
        "stay_no": 1,
        "mdtrt_id": f"M{number}",
        "case_id": f"L{number}",
        "care_type": "inpatient",
        "insurance": "310",
        "sex": 1,
        "age": 64,
        "birth_date": date(1960, 9, 1),
        "psn_name": "示例甲",
        "certno": f"X{number}",
        "admission_time": datetime(2025, 6, 1, 9),  # noqa: DTZ001
        "discharge_time": datetime(2025, 6, 9, 10),  # noqa: DTZ001
        "settlement_date": date(2025, 6, 9),
        "upload_time": datetime(2025, 6, 11, 10),  # noqa: DTZ001
        "los": 8,
        "dept": "03.03",
        "dx": ["I63.900", "I10.x00"],
        "px": [],
        "discharge_way": "1",
        "total_fee_fen": 600_000,
        "drug_fee_fen": 200_000,
        "consumable_fee_fen": 50_000,
        "exam_fee_fen": 150_000,
        "service_fee_fen": 200_000,
        "patient_pay_fen": 100_000,
        "account_pay_fen": 0,
        "pool_pay_fen": 500_000,
        "other_fund_pay_fen": 0,
        **more,
    }


def table(*rows: dict[str, Any]) -> pa.Table:
    people = [("psn_name", pa.string()), ("certno", pa.string()), ("birth_date", pa.date32())]
    fields = [*CASE_SCHEMA, *(DETAIL_SCHEMA.field(name) for name in DETAILS), *people]
    wanted = pa.schema(fields).remove_metadata()
    plain = pa.schema([(f.name, pa.list_(pa.string()) if f.name in {"dx", "px"} else f.type) for f in wanted])
    return pa.Table.from_pylist(list(rows), schema=plain).cast(wanted)


def told(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *arguments: object) -> dict[str, Any]:
    monkeypatch.setattr(sys, "argv", ["tongpin", *map(str, arguments), "--json"])
    with pytest.raises(SystemExit):
        main()
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


@pytest.mark.parametrize("page_file", ["pages.csv", "pages.xlsx"])
def test_list_and_front_page_of_a_stay_agree(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, page_file: str
) -> None:
    rows = [
        stay(1, transfer_depts=["03.02", "04"], admission_dept="03.02", level1_nursing_days=3),
        stay(2, px=["96.7200"], ventilation_minutes=6_000, icu_hours=26, icu_stays=WATCHED, coma_before_minutes=95),
        stay(3, discharge_way="5"),
    ]
    clinical = {"I63.900": "I63.900x007", "I10.x00": "I10.x00x008", "96.7200": "96.7201"}
    pages = [
        {**row, **{name: [clinical[code] for code in row[name]] for name in ("dx", "px")}, "source": "front_page"}
        for row in rows
    ]
    home, code_map = tmp_path / "home", tmp_path / "map.csv"
    code_map.write_text(MAP, encoding="utf-8")
    lists, written = tmp_path / "lists.jsonl", tmp_path / page_file
    write_settlement_list(table(*rows), lists, names=Names())
    write_front_page(table(*pages), written, names=Names())
    loaded = told(capsys, monkeypatch, "load", lists, written, code_map, "--home", home)
    assert loaded["ok"], loaded
    found = told(capsys, monkeypatch, "compare", "--home", home)
    assert (found["pairs"], found["unpaired"], found["rate"]) == (3, 0, 1.0)
    assert found["code_map"] == "已装载的编码对照表"
    differences = {row["label"]: row["different"] for row in found["fields"] if row["different"]}
    assert differences == {}
    compared = {row["label"] for row in found["fields"] if row["compared"]}
    assert compared >= {"转科科别", "一级护理天数", "入院前昏迷分钟", "重症监护小时", "呼吸机分钟", "主要诊断", "险种"}


def test_each_difference_between_the_files_is_listed(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    page = stay(
        1, source="front_page", dx=["I10.x00x008", "I63.900x007"], total_fee_fen=600_100, service_fee_fen=200_100
    )
    code_map = tmp_path / "map.csv"
    code_map.write_text(MAP, encoding="utf-8")
    write_settlement_list(table(stay(1)), tmp_path / "lists.jsonl", names=Names())
    write_front_page(table(page), tmp_path / "pages.csv", names=Names())
    home = tmp_path / "home"
    told(capsys, monkeypatch, "load", tmp_path / "lists.jsonl", tmp_path / "pages.csv", "--home", home)
    found = told(capsys, monkeypatch, "compare", "--map", code_map, "--home", home)
    differences = {row["label"]: row["different"] for row in found["fields"] if row["different"]}
    assert differences == {"主要诊断": 1, "总费用": 1, "病组": 1}
    assert found["rate"] == 0.0
