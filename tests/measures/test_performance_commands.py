"""`tongpin measures` as a performance office types it."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import pytest
from performance_home import FIRST, make_home, two_years

from tongpin.cli import main

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with pages of two Junes, and nothing imported but the register."""
    made = tmp_path_factory.mktemp("commands")
    make_home(made, two_years())
    return made / "home"


@pytest.fixture
def measures(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., tuple[int, str, str]]:
    """One command: exit code, output, error."""

    def run(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["tongpin", "measures", *map(str, arguments), "--home", str(folder)])
        with pytest.raises(SystemExit) as ended:
            main()
        captured = capsys.readouterr()
        return int(ended.value.code or 0), captured.out, captured.err

    return run


def test_the_list_names_measures_and_sets_but_no_cost(measures: Any) -> None:
    code, said, _ = measures("list")
    assert code == 0
    assert "discharge.cmi" in said
    assert "@three_questions" in said
    assert "接着做" in said
    assert "成本" not in said
    known = json.loads(measures("list", "--json")[1])
    assert {"groups", "discharge.time_index.mean_form"} <= {one["id"] for one in known["measures"]}


def test_a_measure_is_one_call_away(measures: Any) -> None:
    code, said, _ = measures("show", "discharge.low_risk_mortality")
    assert code == 0
    for word in ("低风险组死亡 ÷ 低风险组病例", "国考 14", "固定基期", "精确的二项或泊松界", "例数少", "没有文件确认"):
        assert word in said
    code, _, refused = measures("show", "discharge.mean_cost")
    assert code == 1
    assert "没有导入" in refused


def test_a_table_is_shown_and_written(measures: Any, folder: Path) -> None:
    code, said, _ = measures(
        "table",
        "--by",
        "hospital",
        "--month",
        "2025-06",
        "--measure",
        "discharge.mean_fee,discharge.fee_index.mean_form",
    )
    assert code == 0
    for word in ("第一医院", "9,000.00", "固定 2024-06", "全部出院", "组均法", "接着做"):
        assert word in said
    assert (folder / "reports" / "指标表-2025-06-医疗机构.xlsx").exists()


def test_a_comparison_says_reference_difference_and_reading(measures: Any, folder: Path) -> None:
    line = ["table", "--by", "hospital", "--month", "2025-06", "--measure", "discharge.mean_fee", "--compare", "yoy"]
    code, said, _ = measures(*line)
    assert code == 0
    for word in ("同比 2024-06", "10,000.00", "−1,000.00", "更好", "真实变化"):
        assert word in said
    assert (folder / "reports" / "指标表-2025-06-医疗机构-yoy.xlsx").exists()
    answer = json.loads(measures(*line, "--hospital", FIRST, "--json")[1])
    (figure,) = answer["figures"]
    assert figure["population"] == "全部出院"
    assert figure["compared"]["reading"] == "更好"
    assert figure["compared"]["growth"] == pytest.approx(-0.1)


def test_the_whole_is_one_column_with_intervals(measures: Any) -> None:
    code, said, _ = measures("table", "--by", "", "--month", "2025-06", "--measure", "@performance")
    assert code == 0
    assert "95% 区间" in said
    assert "DRG组数" in said
    assert "模拟" in said


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["--month", "2025"], "月份“2025”不对"),
        (["--month", "2025-06", "--by", "planet"], "不能按 planet 切分"),
        (["--month", "2025-06", "--stays", "short"], "--stays 没有 short"),
        (["--month", "2025-06", "--shrink", "much"], "--shrink 没有 much"),
        (["--month", "2025-06", "--compare", "past"], "没有比较方式 past"),
        (["--month", "2025-06", "--measure", "@nothing"], "没有指标或指标组 @nothing"),
        (["--month", "2024-03"], "既没有出院的病案首页"),
    ],
)
def test_what_is_wrong_is_said_with_a_way_out(measures: Any, arguments: list[str], word: str) -> None:
    code, _, refused = measures("table", *arguments)
    assert code == 1
    assert word in refused
    assert "怎么改" in refused
