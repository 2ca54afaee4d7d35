"""`tongpin weights`, `round`, `catalogue`: from loaded lists to tables, workbooks and a new scheme."""

from __future__ import annotations

import csv
import json
import shutil
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow as pa
import pytest
import yaml

from tongpin.cli import main
from tongpin.payment.policy.library import policy_folders, policy_named
from tongpin.payment.policy.vocabulary import KNOWN
from tongpin.payment.weights.history import levels_on
from tongpin.records.case.schema import CASE_SCHEMA
from tongpin.records.intake.load import CASES, INSTITUTIONS, KEYS, WITHDRAWALS
from tongpin.records.layouts.catalogue import layout_schema
from tongpin.store import lake
from tongpin.store.home import Home

DAY = datetime(2025, 6, 3, 10)  # noqa: DTZ001
HOSPITALS = ("H32000000001", "H32000000002")


def a_list(number: int, fee: int, **more: Any) -> dict[str, Any]:
    """A pneumonia of a man of 60: fee in yuan, half of it paid by the pool."""
    return {
        "source": "settlement_list",
        "case_id": f"J{number}",
        "institution_code": HOSPITALS[number % 2],
        "institution_name": f"示例医院{number % 2 + 1}",
        "sex": 1,
        "age": 60 + number,
        "discharge_time": DAY + timedelta(days=number),
        "settlement_date": (DAY + timedelta(days=number)).date(),
        "los": 8,
        "dx": ["J18.900"],
        "px": [],
        "dept": "0301",
        "insurance": "310",
        "care_type": "inpatient",
        "total_fee_fen": fee * 100,
        "patient_pay_fen": fee * 50,
        "pool_pay_fen": fee * 50,
        "other_fund_pay_fen": 0,
        **more,
    }


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home.open(tmp_path / "home")
    rows = [
        {"institution_code": code, "institution_name": code, "settlement_level": level, "valid_from": date(2020, 1, 1)}
        for code, level in zip(HOSPITALS, ("三级", "二级"), strict=True)
    ]
    lake.upsert(home, INSTITUTIONS, pa.Table.from_pylist(rows, schema=layout_schema("institution")), KEYS[INSTITUTIONS])
    plain = pa.schema([f if not pa.types.is_list(f.type) else f.with_type(pa.list_(pa.string())) for f in CASE_SCHEMA])
    cases = [a_list(number, 5000 + 100 * number) for number in range(20)]
    cases.append(a_list(20, 9000, los=61))
    cases.append(a_list(21, 5000, case_id="GONE"))
    lake.upsert(home, CASES, pa.Table.from_pylist(cases, schema=plain), KEYS[CASES])
    gone = {"institution_code": HOSPITALS[1], "setl_id": "GONE", "withdrawn_date": date(2025, 6, 30)}
    table = pa.Table.from_pylist([gone], schema=layout_schema("withdrawal"))
    lake.upsert(home, WITHDRAWALS, table, KEYS[WITHDRAWALS])
    return home


@pytest.fixture
def tongpin(home, monkeypatch, capsys):
    """Runs a command on the home: its JSON and how it ended."""

    def run(*words: object) -> tuple[dict[str, Any], int]:
        monkeypatch.setattr("sys.argv", ["tongpin", *map(str, words), "--home", str(home.root), "--json"])
        with pytest.raises(SystemExit) as stop:
            main()
        return json.loads(capsys.readouterr().out), int(stop.value.code or 0)

    return run


def rows_of(path: Path, sheet: str) -> list[tuple[Any, ...]]:
    return list(openpyxl.load_workbook(path)[sheet].iter_rows(values_only=True))


def test_weights_are_built_from_the_lists_of_some_months(tongpin, home: Home, tmp_path: Path) -> None:
    said, code = tongpin("weights", "build", "--from-months", "2025-06..2025-06", "-o", tmp_path / "out")
    assert code == 0
    assert said["cases"] == 21, "the withdrawn list is left out"
    assert said["cut"]["stay_above"] == 1
    with (tmp_path / "out" / "weights.csv").open(encoding="utf-8") as file:
        made = {row["drg"]: Decimal(row["weight"]) for row in csv.DictReader(file)}
    in_force = policy_named(home, "demo-east/2025").weights
    (drg,) = (drg for drg in made if drg.endswith("5D"))
    assert made[drg] * 10_000 == in_force[drg].weight_e4, (
        "with one group the total of the weights in force is its weight"
    )
    with (tmp_path / "out" / "cut.csv").open(encoding="utf-8") as file:
        assert [row["case_id"] for row in csv.DictReader(file)] == ["J20"]
    shown = [row for row in rows_of(tmp_path / "out" / "权重测算.xlsx", "权重") if row[0] == drg]
    assert shown[0][4] == 20
    units = [row[0] for row in rows_of(tmp_path / "out" / "权重测算.xlsx", "级别系数")]
    assert {"三级", "二级"} <= set(units)


@pytest.mark.parametrize("months", ["2025-06", "2025-07..2025-06", "2025-6..2025-7"])
def test_a_range_of_months_that_is_none_is_refused(tongpin, tmp_path: Path, months: str) -> None:
    said, code = tongpin("weights", "build", "--from-months", months, "-o", tmp_path / "out")
    assert (said["code"], code) == ("weights.range", 1)


def test_months_without_lists_are_refused(tongpin, tmp_path: Path) -> None:
    said, _ = tongpin("weights", "build", "--from-months", "2024-01..2024-02", "-o", tmp_path / "out")
    assert said["code"] == "weights.months"
    assert not (tmp_path / "out").exists()


def test_a_round_is_compared_with_the_edition_in_force(tongpin, home: Home, tmp_path: Path) -> None:
    assert tongpin("round", "new", "2026-1", "--from", "demo-east/2025", "--on", "2025-09-01")[1] == 0
    path = home.root / "rounds" / "2026-1" / "weights.csv"
    lines = path.read_text(encoding="utf-8").splitlines()
    doubled = [f"{drg},{Decimal(weight) * 2},{flag}" for drg, weight, flag in (line.split(",") for line in lines[1:])]
    path.write_text("\n".join([lines[0], *doubled]) + "\n", encoding="utf-8")
    tongpin("round", "opinion", "2026-1", "--who", "二级医院组", "--proposal", "提高", "--parameter", "weights")
    book = tmp_path / "影响.xlsx"
    arguments = ("demo-east/2025", "2026-1", "--from-months", "2025-06..2025-06", "-o", book)
    said, code = tongpin("round", "compare", *arguments)
    assert code == 0
    assert sum(row["case_count"] for row in said["hospitals"]) == 21
    assert all(row["new_fen"] > row["old_fen"] for row in said["hospitals"])
    assert "提高" in [row[5] for row in rows_of(book, "意见")]
    assert any("模拟" in str(row[0]) for row in rows_of(book, "各院影响"))
    assert tongpin("round", "decide", "2026-1", 1, "--rejected", "--reason", "没有依据")[1] == 0
    assert tongpin("round", "close", "2026-1")[1] == 0
    assert tongpin("round", "publish", "2026-1", "--as", "2026")[1] == 0
    assert policy_named(home, "demo-east/2026").edition.draft is False


def test_a_version_day_is_reported_per_hospital(tongpin, tmp_path: Path) -> None:
    tongpin("round", "new", "2026-1", "--from", "demo-east/2025")
    book = tmp_path / "切换.xlsx"
    arguments = ("--day", "2025-06-15", "--from-months", "2025-06..2025-06", "-o", book)
    said, code = tongpin("weights", "version-day", "demo-east/2025", "2026-1", *arguments)
    assert code == 0
    assert said["total"]["difference_fen"] == 0
    assert said["total"]["old_fen"] == said["total"]["new_fen"] > 0
    assert [row[0] for row in rows_of(book, "各院影响")][-3:] == [*HOSPITALS, "合计"]


def raised(home: Home, rescale: dict[str, Any] | None = None) -> str:
    """The demonstration edition with level coefficients, and a rescale if given."""
    name = f"demo-east/{'rescaled' if rescale else 'raised'}"
    shutil.copytree(policy_folders(home)["demo-east/2025"], home.policies / name)
    file = home.policies / name / "policy.yaml"
    data = yaml.safe_load(file.read_text(encoding="utf-8"))
    data |= {"id": name, "draft": True}
    levels = {"三级": 1.1, "二级": 1.05, "一级": 1}
    chosen = {"order": ["product", "level"], "capped": [], "withheld": [], "level": levels}
    if rescale:
        chosen |= {"order": ["product", "level", "rescale"], "rescale": rescale}
    by = {"level": ["hospital_level"], "rescale": ["fund", "hospital_level"]}
    for key, value in chosen.items():
        known = KNOWN[f"coefficient.{key}"]
        held = {"label": known.label, "unit": known.unit, "values": {date(2024, 1, 1): value}, "assumed": True}
        data["parameters"][f"coefficient.{key}"] = held | ({"by": by[key]} if key in by else {})
    file.write_text(yaml.safe_dump(data, allow_unicode=True), encoding="utf-8")
    return name


def test_the_neutral_coefficient_keeps_the_total(tongpin, home: Home) -> None:
    arguments = ("--from-months", "2025-06..2025-06", "--day", "2025-06-15")
    said, code = tongpin("weights", "neutral", raised(home), *arguments)
    assert code == 0
    found = {(one["fund"], one["hospital_level"]): one for one in said["coefficients"]}
    assert {key: one["rescale_e4"] for key, one in found.items()} == {("310", "三级"): 9091, ("310", "二级"): 9524}
    rescale = {"310": {"三级": 0.9091, "二级": 0.9524}}
    again, _ = tongpin("weights", "neutral", raised(home, rescale), *arguments)
    for one in again["coefficients"]:
        assert one["stated_e4"] == one["rescale_e4"] == found[one["fund"], one["hospital_level"]]["rescale_e4"]
        assert abs(one["raised_fen"] - one["plain_fen"]) * 10_000 <= one["plain_fen"]


def test_a_proposal_goes_from_evidence_to_a_new_scheme(tongpin, home: Home, tmp_path: Path) -> None:
    said, code = tongpin(
        *("catalogue", "propose", "split", "--scheme", "demo-drg", "--group", "ES35D", "--when", "age>=70"),
        *("--target", "ES34D=呼吸感染，70岁及以上", "--target", "ES36D=呼吸感染，70岁以下"),
        *("--who", "二级医院组", "--reason", "高龄费用高"),
    )
    assert (said.get("proposal_no"), code) == (1, 0)
    sheet = tmp_path / "证据单.xlsx"
    arguments = ("--from-months", "2025-06..2025-06", "-o", sheet, "--who", "经办中心")
    said, code = tongpin("catalogue", "evidence", 1, *arguments)
    assert code == 0
    counted = {row[1]: row[3] for row in rows_of(sheet, "病组") if row[0] in {"现行", "草案"}}
    assert counted == {"ES35D": 21, "ES34D": 11, "ES36D": 10}
    assert tongpin("catalogue", "vote", 1, "--expert", "甲", "--ballot", "for")[1] == 0
    assert tongpin("catalogue", "count", 1, "--who", "经办中心", "--on", "2025-09-01")[0]["adopted"]
    draft = tmp_path / "draft"
    assert tongpin("catalogue", "draft", 1, "--id", "own-2026", "-o", draft, "--who", "经办中心")[1] == 0
    assert tongpin("catalogue", "publish", 1, "--draft", draft, "--who", "审批")[0]["scheme"] == "own-2026"
    listed, _ = tongpin("catalogue", "list")
    assert [row["state"] for row in listed["proposals"]] == ["published"]
    assert len(tongpin("catalogue", "list", 1)[0]["proposals"]) == 5


def test_the_level_of_an_institution_is_that_of_the_day() -> None:
    terms = pa.table(
        {
            "institution_code": ["A", "A", "B"],
            "settlement_level": ["三级", "二级", "一级"],
            "valid_from": pa.array([date(2025, 6, 15), date(2020, 1, 1), date(2026, 1, 1)]),
        }
    )
    assert levels_on(terms, date(2025, 6, 14)) == {"A": "二级"}
    assert levels_on(terms, date(2025, 6, 15)) == {"A": "三级"}
