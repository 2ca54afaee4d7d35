"""`tongpin measures evaluate` on a small home whose scores can be worked out by hand (S004-23)."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import openpyxl
import pytest
from performance_home import make_home, page

from tongpin.base.errors import TongpinError
from tongpin.cli import main
from tongpin.measures.evaluation.papers import told
from tongpin.measures.evaluation.run import Evaluation, evaluate_in_home
from tongpin.store.home import Home

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

MONTH = "2025-06"
ALIKE = ("H1", "H2", "H3", "H4", "H5")
"""Five hospitals of one level: the first costs least for the same disease, the fifth most; they stay alike."""
FEES = {"H1": 8, "H2": 9, "H3": 10, "H4": 11, "H5": 12}
ALONE, FEW = "H6", "H7"
REGISTER = "institution_code,institution_name,settlement_level,manual,region,valid_from\n" + "".join(
    f"{code},{code}医院,{level},综合{level},甲县,2020-01-01\n"
    for code, level in ((code, "三级" if code == ALONE else "二级") for code in (*ALIKE, ALONE, FEW))
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A month of front pages: a hundred of each, forty of the last."""
    made = tmp_path_factory.mktemp("evaluation")
    cases = []
    for place, code in enumerate((*ALIKE, ALONE, FEW)):
        fee = FEES.get(code, 10) * 100_000
        for number in range(40 if code == FEW else 100):
            spread = (number % 5 - 2) * 2_000
            more: dict[str, Any] = {"institution_code": code, "total_fee_fen": fee + spread, "los": 8 + number % 3 - 1}
            cases.append(page(place * 1000 + number, MONTH, **more))
    make_home(made, cases, institution=REGISTER)
    return made / "home"


@pytest.fixture(scope="module")
def found(folder: Path) -> Evaluation:
    return evaluate_in_home(Home.open(folder), (MONTH,))


@pytest.fixture
def measures(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., tuple[int, str, str]]:
    """One command: exit code, output, error."""

    def run(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(
            sys, "argv", ["tongpin", "measures", "evaluate", *map(str, arguments), "--home", str(folder)]
        )
        with pytest.raises(SystemExit) as ended:
            main()
        captured = capsys.readouterr()
        return int(ended.value.code or 0), captured.out, captured.err

    return run


def of(found: Evaluation, code: str, dimension: str) -> Any:
    hospital = next(one for one in found.hospitals if one.code == code)
    return next(one for one in hospital.dimensions if one.dimension.id == dimension)


def test_the_cheapest_of_five_scores_best_and_equal_stays_score_the_middle(found: Evaluation) -> None:
    # Efficiency: stays alike (50 × 60 %) and the fee index by rank of five: 100, 75, 50, 25, 0 (× 40 %).
    assert [of(found, code, "efficiency").score for code in ALIKE] == pytest.approx([70, 60, 50, 40, 30])
    fee = of(found, "H2", "efficiency").parts[1]
    assert fee.score == 75
    assert fee.how == "5 家中好于 3 家（并列算半家）÷ 4 × 100"
    assert (fee.first, fee.last, fee.ranked) == (2, 2, 5)
    # The best quarter of 0.8, 0.9, 1.0, 1.1, 1.2 of the mean begins at the second.
    assert fee.benchmark == pytest.approx(0.9, rel=1e-3)
    assert of(found, "H5", "efficiency").parts[1].against_benchmark == "更差"


def test_a_missing_figure_gives_its_weight_away_and_says_so(found: Evaluation) -> None:
    # No operations at all: 三四级手术占比 (30) is missing, CMI (50) and 手术占比 (20) share its weight: 71.4 and 28.6.
    ability = of(found, "H3", "ability")
    assert [round(one.used, 1) for one in ability.parts] == [71.4, 0.0, 28.6]
    assert ability.score == pytest.approx(50)
    assert ability.note == "三四级手术占比没有计分，权重按比例分给其余各项"
    # Without closed months nothing of 医保结算 can be said: no score, and the total says it.
    settlement = of(found, "H3", "settlement")
    assert settlement.score is None
    assert settlement.note == "可评的权重只有 0，这个维度不评"
    hospital = next(one for one in found.hospitals if one.code == "H3")
    assert "医保结算不评" in hospital.note
    assert f"{MONTH} 没有月结，医保结算各项不含" in found.notes


def test_few_cases_and_no_peers_are_not_assessed(found: Evaluation) -> None:
    notes = {one.code: (one.score, one.note) for one in found.hospitals}
    assert notes[FEW] == (None, "只有 40 例，少于 100 例，不评")
    assert notes[ALONE][0] is None
    assert "三级·综合三级只有 1 家" in notes[ALONE][1]


def test_the_total_needs_enough_dimensions(found: Evaluation) -> None:
    # There: 能力 20, 效率 20 and of 费用控制 20 the two indices (70 of 100): 60 of 100, just enough for a total.
    hospital = next(one for one in found.hospitals if one.code == "H1")
    there = [one.dimension.weight for one in hospital.dimensions if one.score is not None]
    assert sum(there) == 60
    assert hospital.score == pytest.approx(sum(one.score or 0 for one in hospital.dimensions if one.used) / 3)
    assert hospital.low is not None
    assert hospital.high is not None
    assert hospital.low <= (hospital.score or 0) <= hospital.high


def test_every_score_is_told_step_by_step(found: Evaluation) -> None:
    hospital = next(one for one in found.hospitals if one.code == "H1")
    lines = "\n".join(told(found, hospital))
    assert "效率（权重 20，实用 33.3）：得分 70.0" in lines
    assert "得分 100.0 × 实用权重 40.0% = 40.0" in lines
    assert "平均住院日（天） 7.99：只展示，不计分" in lines
    assert "70.0 × 33.3%" in lines
    assert "（模拟）" in lines


def test_the_screen_and_the_workbook_say_the_same(
    measures: Any, folder: Path, found: Evaluation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tongpin.measures.evaluation.run.evaluate_in_home", lambda *_, **__: found)
    code, said, _ = measures("--month", MONTH)
    assert code == 0
    for word in ("全市医院绩效评价", "70.0", "不评：H7医院", "模拟", "接着做"):
        assert word in said
    book = openpyxl.load_workbook(folder / "reports" / f"绩效评价-{MONTH}.xlsx")
    assert book.sheetnames == ["总评", "能力", "效率", "费用控制", "质量安全", "医保结算", "数据质量", "口径与办法"]
    rows = [[cell.value for cell in row] for row in book["总评"].iter_rows()]
    head = next(number for number, row in enumerate(rows) if row[0] == "医疗机构")
    efficiency = next(at for at, title in enumerate(rows[head]) if title and str(title).startswith("效率"))
    values = {row[0]: row[efficiency] for row in rows[head + 1 :] if row[0]}
    assert values["H1医院"] == pytest.approx(70)


def test_another_method_over_a_year_of_one_month_tells_one_hospital(measures: Any) -> None:
    known = json.loads(measures("--year", 2025, "--method", "distance", "--hospital", "H1", "--json")[1])
    assert known["months"] == [MONTH]
    assert known["method"] == "distance"
    assert [one["institution_code"] for one in known["hospitals"]] == ["H1"]
    # The full point is the best quarter, which begins behind the first: full marks; the stays are alike: full too.
    assert known["hospitals"][0]["dimensions"][1]["score"] == pytest.approx(100)
    assert any("总分 =" in line for line in known["explained"])


def test_a_wrong_method_and_two_periods_are_refused(measures: Any, folder: Path) -> None:
    with pytest.raises(TongpinError) as refused:
        evaluate_in_home(Home.open(folder), (MONTH,), method="best")
    assert refused.value.code == "evaluation.method"
    code, _, said = measures("--month", MONTH, "--year", 2025)
    assert code == 1
    assert "写一个期间" in said
