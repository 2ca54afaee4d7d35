"""One hospital through the command line: six measures of a department beside the city, the joint report by cost."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import openpyxl
import pyarrow.compute as pc
import pytest
from performance_home import COST, FIRST, SECOND, make_home, page, settlement_list

from tongpin.cli import main
from tongpin.cli.output import screen
from tongpin.measures.populations import settled_cases

if TYPE_CHECKING:
    from collections.abc import Callable

    from tongpin.store.home import Home

    Told = Callable[..., tuple[int, str]]

JUNE = "2025-06"
CITY = {FIRST: (1_100_000, 180_000, 360_000), SECOND: (600_000, 220_000, 120_000)}
"""Fee, drugs and consumables of a pneumonia: the first hospital is dear in consumables and sparing with drugs."""


def stays(code: str, first: int) -> list[dict[str, Any]]:
    """Forty pneumonias of a hospital, each with its front page and its list; stays of 6 to 10 days everywhere."""
    fee, drug, consumable = CITY[code]
    found = []
    for place in range(40):
        jitter = (place % 5 - 2) * 10_000
        more = {
            "institution_code": code,
            "total_fee_fen": fee + jitter,
            "drug_fee_fen": drug,
            "consumable_fee_fen": consumable + jitter,
            "los": 6 + place % 5,
            "discharge_time": datetime.fromisoformat(f"{JUNE}-{place % 28 + 1:02d}T10:00:00"),
        }
        paid = {"patient_pay_fen": fee + jitter - 400_000, "pool_pay_fen": 400_000}
        found += [page(first + place, JUNE, **more), settlement_list(first + place, JUNE, **more, **paid)]
    return found


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    dear = [page(9_000 + n, JUNE, dept="09", dx=["Z99.900"], total_fee_fen=9_900_000) for n in range(30)]
    cases = [*stays(FIRST, 1_000), *stays(SECOND, 2_000), *dear]
    return make_home(tmp_path_factory.mktemp("one"), cases, (JUNE,), cost=COST)


@pytest.fixture
def told(home: Home, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Told:
    """One command: exit code, and all that it says."""

    def run(*words: str) -> tuple[int, str]:
        monkeypatch.setattr(screen, "as_json", False)
        monkeypatch.setattr("sys.argv", ["tongpin", *words, "--home", str(home.root)])
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = capsys.readouterr()
        return int(ended.value.code or 0), out + err

    return run


def data(told: Told, *words: str) -> dict[str, Any]:
    code, out = told(*words, "--json")
    assert code == 0, out
    found: dict[str, Any] = json.loads(out)
    return found


SIX = (
    *("measures", "table", "--month", JUNE, "--by", "hospital,dept", "--measure", "@科室六指标"),
    *("--compare", "region", "--hospital", FIRST, "--dept", "03.01"),
)


def test_six_measures_of_a_department_beside_the_whole_city(told: Told, home: Home) -> None:
    """The directions that Luhe prints: stay level, fee above, drugs below, consumables above the city (S002-14)."""
    found = {row["measure"]: row for row in data(told, *SIX)["figures"]}
    beside = {
        name: (row["value"], row["compared"]["reference"], row["compared"]["difference"], row["compared"]["reading"])
        for name, row in found.items()
        if name.startswith("discharge.") and name != "discharge.cmi"
    }
    assert beside == {
        "discharge.mean_stay": (8, 8, 0, "无差别"),
        "discharge.mean_fee": (11_000, 8_500, 2_500, "更差"),
        "discharge.mean_drug_fee": (1_800, 2_000, -200, "更好"),
        "discharge.mean_consumable_fee": (3_600, 2_400, 1_200, "更差"),
    }
    cmi = found["discharge.cmi"]
    assert (cmi["compared"]["difference"], cmi["compared"]["reading"]) == (0, "无差别")
    assert cmi["weight_edition"]
    lists = settled_cases(home, [JUNE])
    own = lists.filter(pc.equal(lists["institution_code"], FIRST))
    mean, city = (pc.sum(part["result_fen"]).as_py() / part.num_rows / 100 for part in (own, lists))
    result = found["settlement.mean_result"]
    assert result["value"] == pytest.approx(mean)
    assert result["compared"]["reference"] == pytest.approx(city)
    assert result["compared"]["difference"] == pytest.approx(mean - city)
    assert result["compared"]["reading"] == "不评价", "a result is shown, not judged"
    assert found["settlement.result"]["value"] == pc.sum(own["result_fen"]).as_py()


def test_the_six_stand_in_one_view_with_difference_and_direction(told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    tables: list[tuple[str, list[str], list[list[str]]]] = []
    monkeypatch.setattr(screen, "table", lambda *parts: tables.append(parts))
    assert told(*SIX)[0] == 0
    view = next(one for one in tables if "指标" in one[1] and "参照" in one[1])
    assert "第一医院" in view[0]
    assert "全区域（同科室）" in view[0]
    assert [row[0].partition("（")[0] for row in view[2]] == [
        *("平均住院日", "次均费用", "CMI", "次均药品费", "次均耗材费", "例均盈亏", "盈亏")
    ]
    fee = dict(zip(view[1], view[2][1], strict=True))
    assert [fee[name] for name in ("数值", "参照", "差", "导向", "判断")] == [
        *("11,000.00", "8,500.00", "+2,500.00", "降低", "更差")
    ]


def test_a_department_that_is_not_there_is_refused(told: Told) -> None:
    code, out = told(*SIX[:-1], "99")
    assert code == 1
    assert "measures.dept" in out


def words_of(path: str) -> str:
    """Everything that a page or a workbook says."""
    if path.endswith(".html"):
        return Path(path).read_text(encoding="utf-8")
    book = openpyxl.load_workbook(path)
    cells = [cell.value for sheet in book for row in sheet.iter_rows() for cell in row if cell.value]
    return " ".join([*book.sheetnames, *map(str, cells)])


def test_a_hospital_with_cost_judges_by_cost_and_shows_both(told: Told) -> None:
    found = data(told, "report", "joint", "--month", JUNE, "--hospital", FIRST)
    (row,) = found["warnings"]
    assert found["judged_by"] == "cost"
    # 40 lists of 11,000 yuan at a ratio of cost to fee of 0.9.
    assert (row["total_fee_fen"], row["costed_count"], row["standard_cost_fen"]) == (44_000_000, 40, 39_600_000)
    assert row["cost_excess_fen"] == max(0, 39_600_000 - (row["standard_fen"] * 11 + 5) // 10)
    assert row["fee_excess_fen"] == max(0, 44_000_000 - (row["standard_fen"] * 11 + 5) // 10)
    assert [one["basis"] for one in found["overspend"]] == ["费用", "成本"]
    (group,) = found["groups"]
    assert group["settlement.surplus_ratio.cost"] == pytest.approx(1 - 39_600_000 / row["standard_fen"])
    assert group["settlement.result_ratio.standard"] == pytest.approx(1 - 44_000_000 / row["standard_fen"])
    for path in found["reports"]:
        text = words_of(path)
        for word in ("病组成本不超过支付标准的 110%", "病组结余率", "费用", "只预警，不扣款"):
            assert word in text, (path, word)


def test_without_cost_of_its_own_the_word_stands_nowhere(told: Told) -> None:
    found = data(told, "report", "joint", "--month", JUNE, "--hospital", SECOND)
    assert found["judged_by"] == "fee"
    assert [one["basis"] for one in found["overspend"]] == ["费用"]
    city = data(told, "report", "joint", "--month", JUNE)
    for path in (*found["reports"], *city["reports"]):
        assert "成本" not in words_of(path), path
    code, out = told("report", "joint", "--month", JUNE, "--hospital", SECOND)
    assert code == 0
    assert "成本" not in out


def test_a_hospital_without_cases_is_refused(told: Told) -> None:
    code, out = told("report", "joint", "--month", JUNE, "--hospital", "H0")
    assert code == 1
    assert "joint.hospital" in out
