"""The double problems 双问题: a department that overspends and is low in an assessed item, in one list."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pytest
from causes_cases import close_months, group, lines
from openpyxl import load_workbook

from tongpin.cli import main
from tongpin.store.home import Home
from tongpin.twin.crossing import FiledItem, double_problems, load_low_items

GOOD: dict[str, Any] = {
    "institution_code": "H1",
    "dept": "03.01",
    "dept_label": "呼吸内科",
    "comparable": True,
    "settlement.result": -1_000,
    "discharge.compared_drug_share": 0.30,
    "discharge.expected_drug_share.fee_weighted": 0.30,
    "discharge.compared_consumable_share": 0.10,
    "discharge.expected_consumable_share.fee_weighted": 0.10,
    "discharge.time_index.mean_form": 1.0,
    "discharge.fee_index.mean_form": 1.0,
    "low_risk_death_count": 0,
}
"""A department that overspends and is low in nothing."""


def listed(*rows: dict[str, Any], filed: tuple[FiledItem, ...] = ()) -> list[dict[str, Any]]:
    return double_problems(pa.Table.from_pylist([GOOD | row for row in rows]), filed).to_pylist()


@pytest.mark.parametrize(
    ("low", "words"),
    [
        ({"discharge.compared_drug_share": 0.34}, "药占比高于病例组合期望（34.00%，期望 30.00%）"),
        ({"discharge.compared_consumable_share": 0.14}, "耗占比高于病例组合期望（14.00%，期望 10.00%）"),
        ({"discharge.time_index.mean_form": 1.06}, "时间消耗指数高于同组（1.060）"),
        ({"discharge.fee_index.mean_form": 1.2}, "费用消耗指数高于同组（1.200）"),
        ({"low_risk_death_count": 1}, "低风险组有死亡，逐例复核（1 例，国考 14）"),
    ],
)
def test_one_low_item_beside_a_loss_lists_the_department(low: dict[str, Any], words: str) -> None:
    (row,) = listed(low)
    assert row["low_items"] == [words]
    assert row["low_count"] == 1
    assert listed(low | {"settlement.result": 0}) == []
    assert listed(low | {"comparable": False}) == []


@pytest.mark.parametrize(
    "within",
    [
        {},
        {"discharge.compared_drug_share": 0.32},
        {"discharge.time_index.mean_form": 1.04},
        {"discharge.fee_index.mean_form": None, "discharge.compared_drug_share": None},
    ],
)
def test_within_the_tolerance_or_unknown_nothing_is_low(within: dict[str, Any]) -> None:
    assert listed(within) == []


def test_a_weak_indicator_comes_to_the_department_that_owns_it() -> None:
    filed = (
        FiledItem("H1", "10", "单病种质量控制", "03.01", "3.00，同级中位数 5.00"),
        FiledItem("H1", "31", "收支结余", "财务科", "−1.00，同级中位数 2.00"),
        FiledItem("H2", "10", "单病种质量控制", "呼吸内科", "3.00，同级中位数 5.00"),
    )
    (row,) = listed({}, filed=filed)
    assert row["filed_items"] == ["国考 10 单病种质量控制（3.00，同级中位数 5.00）"]
    assert row["low_count"] == 1
    assert listed({"settlement.result": 5}, filed=filed) == []


def test_the_largest_loss_leads() -> None:
    low = {"low_risk_death_count": 2}
    rows = listed(low, low | {"institution_code": "H2", "settlement.result": -9_000})
    assert [row["institution_code"] for row in rows] == ["H2", "H1"]


def test_items_name_known_measures_and_their_reference() -> None:
    items = {one.id: one for one in load_low_items()}
    assert items["low_risk_death"].guokao == 14
    assert items["drug_share"].guokao is None  # no national number where there is none
    assert all(one.reference.startswith("S000-") for one in items.values())


PEERS = (
    "peer_code,peer_name,region,settlement_level,manual,year,month,group_code,item_code,item_name,value,unit,"
    "case_count,document\n"
)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A hospital under the secondary manual with a filed indicator, five peers and a closed month."""
    root = tmp_path / "home"
    register = "institution_code,institution_name,settlement_level,manual,pay_mode,valid_from\n"
    (tmp_path / "institution.csv").write_text(register + "H1,示例医院,二级,综合二级,drg,2024-01-01\n", encoding="utf-8")
    peers = [
        f"P{n},同级{n},,二级,综合二级,2025,,,guokao.6,抗菌药物使用强度,{30 + n},DDDs/百人天,,通报" for n in range(5)
    ]
    (tmp_path / "peer.csv").write_text(PEERS + "\n".join(peers) + "\n", encoding="utf-8")
    figures = "institution_code,year,month,dept_code,item_code,item_name,value,unit,document,owner_dept,filled_date\n"
    figures += "H1,2025,,,guokao.6,抗菌药物使用强度,41,DDDs/百人天,药事年报,药学部,2026-01-10\n"
    (tmp_path / "finance.csv").write_text(figures, encoding="utf-8")
    return root


def test_filed_indicators_join_the_list_through_the_command(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def run(*arguments: object) -> str:
        monkeypatch.setattr("sys.argv", ["tongpin", *map(str, arguments), "--home", str(home)])
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        assert not ended.value.code, said.err
        return said.out

    for name in ("institution", "peer", "finance"):
        run("load", home.parent / f"{name}.csv")
    close_months(Home.open(home), lines(group(40, level="二级")))
    day = ("--on", "2026-01-12")
    run("guokao", "assign", 6, "--institution", "H1", "--year", 2025, "--dept", "03.01", "--actor", "01", *day)
    row = GOOD | {"institution_name": "示例医院", "settlement.cases": 40, "settlement.result_ratio.paid": -0.1}
    basis = SimpleNamespace(lines=("模拟",))
    joint = SimpleNamespace(departments=pa.Table.from_pylist([row]), basis=basis)
    monkeypatch.setattr("tongpin.twin.causes.problems.joint_in_home", lambda *_: joint)
    data = json.loads(run("causes", "problems", "--month", "2025-06", "--json"))
    (department,) = data["departments"]
    assert department["filed_items"] == ["国考 6 抗菌药物使用强度（41.00，同级中位数 32.00）"]
    assert data["unowned"] == []
    assert not any("没有装载" in note for note in data["notes"])
    joint.departments = pa.Table.from_pylist([row | {"settlement.result": 5}])
    text = run("causes", "problems", "--month", "2025-06")
    assert "没有双问题科室" in text
    book = load_workbook(home / "reports" / "双问题清单-2025-06.xlsx")
    assert book.sheetnames == ["双问题科室", "未认领的国考低分项", "合并症填报", "合并症漏填待核"]
    assert any("抗菌药物使用强度" in str(cell.value) for row in book["未认领的国考低分项"].iter_rows() for cell in row)
