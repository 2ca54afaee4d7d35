"""`tongpin compare`: what a clerk sees, what a machine gets, what is refused (S001-70)."""

from __future__ import annotations

import json
import sys
from datetime import date, datetime
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow as pa
import pytest

from tongpin.cli import main
from tongpin.records.case.schema import CASE_SCHEMA
from tongpin.records.intake.load import CASES, KEYS
from tongpin.store import lake
from tongpin.store.home import Home

MAP = "国临版编码,国临版名称,医保版编码,医保版名称\nI63.900x007,脑梗死,I63.900,脑梗死\nI10.x00,高血压,I10.x00,高血压\n"


def record(source: str, number: int, **more: Any) -> dict[str, Any]:
    listed = source == "settlement_list"
    return {
        "source": source,
        "institution_code": "H1",
        "record_no": f"R{number}",
        "case_id": f"L{number}" if listed else f"H1-R{number}-1",
        "mdtrt_id": f"M{number}" if listed else None,
        "care_type": "inpatient",
        "sex": 1,
        "age": 60,
        "admission_time": datetime(2025, 6, 1, 9),  # noqa: DTZ001
        "discharge_time": datetime(2025, 6, 9, 10),  # noqa: DTZ001
        "settlement_date": date(2025, 6, 9) if listed else None,
        "los": 8,
        "dx": ["I63.900"],
        "px": [],
        "discharge_way": "1",
        "total_fee_fen": 600_000,
        **more,
    }


def keep(home: Home, *rows: dict[str, Any]) -> None:
    plain = pa.schema([f if not pa.types.is_list(f.type) else f.with_type(pa.list_(pa.string())) for f in CASE_SCHEMA])
    lake.upsert(home, CASES, pa.Table.from_pylist(list(rows), schema=plain), KEYS[CASES])


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home.open(tmp_path / "home")
    keep(
        home,
        record("settlement_list", 1),
        record("front_page", 1, dx=["I63.900x007"]),
        record("settlement_list", 2, sex=2),
        record("front_page", 2),
        record("settlement_list", 3),
        record("front_page", 4, discharge_time=datetime(2025, 5, 9, 10)),  # noqa: DTZ001
    )
    return home


@pytest.fixture
def tongpin(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Any:
    def run(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["tongpin", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        return int(ended.value.code or 0), said.out, said.err

    return run


def test_the_comparison_is_said_and_written(tongpin: Any, home: Home) -> None:
    code, said, _ = tongpin("compare", "--home", home.root)
    assert code == 0
    assert "同源比较：配对 2 例，未配对 2 份" in said
    assert "同组率 100.00%（2 / 2" in said
    assert "方案 demo-drg 自带的对照表" in said
    assert "结算分组用清单的 3 例、用首页的 1 例" in said
    book = openpyxl.load_workbook(home.reports / "同源比较.xlsx")
    assert book.sheetnames == ["概览", "差异", "清单完整性"]
    (sex,) = [row for row in book["差异"].iter_rows(values_only=True) if row[3] == "性别"]
    assert sex[:8] == ("H1", "R2", "L2", "性别", "2", "1", "错误", "应相同")
    overview = [cell for row in book["概览"].iter_rows(values_only=True) for cell in row if isinstance(cell, str)]
    assert any(text.startswith("未配对：清单 1 份") for text in overview)
    assert any(row[2] == "医保结算等级" for row in book["清单完整性"].iter_rows(values_only=True))


def test_an_imported_map_is_used_and_its_gaps_are_named(tongpin: Any, home: Home, tmp_path: Path) -> None:
    path, output = tmp_path / "map.csv", tmp_path / "out.xlsx"
    path.write_text(MAP, encoding="utf-8")
    code, said, _ = tongpin("compare", "--map", path, "-o", output, "--json", "--home", home.root)
    found = json.loads(said)
    assert (code, found["pairs"], found["rate"], found["code_map"]) == (0, 2, 0.5, "map.csv")
    assert found["unmapped"] == [{"column": "dx", "code": "I63.900", "count": 1}], "the map knows I63.900x007 only"
    assert {row["label"]: row["different"] for row in found["fields"]}["主要诊断"] == 1
    assert output.exists()


def test_one_month_may_be_compared(tongpin: Any, home: Home) -> None:
    code, said, _ = tongpin("compare", "--month", "2025-06", "--json", "--home", home.root)
    found = json.loads(said)
    assert (code, found["unpaired"], Path(found["output"]).name) == (0, 1, "同源比较-2025-06.xlsx")


def test_a_side_without_records_is_refused(tongpin: Any, home: Home) -> None:
    code, _, complained = tongpin("compare", "--month", "2025-05", "--home", home.root)
    assert (code, "2025-05没有结算清单" in complained) == (1, True)
