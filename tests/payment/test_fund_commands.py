"""`tongpin fund`: the quarter and the budget of a home, from a loaded series to the workbooks."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from clearing_cases import line, lines_of
from fund_cases import fund_edition
from openpyxl import load_workbook
from payment_cases import write_policy

from tongpin.cli import main
from tongpin.payment.month.run import LINES
from tongpin.store import lake
from tongpin.store.home import Home

HEADER = "region,fund,month,income,spending,inpatient_spending,drg_spending,balance,enrolled_count,"
HEADER += "budget_income,budget_spending,event,document\n"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home with an edition of its own and two years of a fund."""
    root = tmp_path / "home"
    write_policy(root / "policies" / "test" / "2025", change=fund_edition)
    rows, balance = [], 1_000
    for year, income in ((2024, 100), (2025, 110)):
        for month in range(1, 13):
            balance += income - 90
            rows.append(
                f"999900,310100,{year}-{month:02d},{income}.00,90.00,,,{balance}.00,{1000 + year - 2024},100.00,80.00,,"
            )
    (tmp_path / "fund-series.csv").write_text(HEADER + "\n".join(rows) + "\n", encoding="utf-8")
    return root


@pytest.fixture
def tongpin(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, home: Path):
    def run(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["tongpin", *map(str, arguments), "--home", str(home)])
        code = 0
        try:
            main()
        except SystemExit as ended:
            code = int(ended.code or 0)
        said = capsys.readouterr()
        return code, said.out, said.err

    run("load", home.parent / "fund-series.csv")
    return run


def close_quarters(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Second quarters of two years as if closed: posted lines, and the manifests that the report reads."""
    rows = [
        line(f"{year}{n}", pay, month=f"{year}-0{n}") for year, pay in ((2024, 100), (2025, 150)) for n in (4, 5, 6)
    ]
    lake.append(Home.open(home), LINES, lines_of(*rows))
    closed = {row["period"]: {"policy": "test/2025", "weights_label": "测试权重"} for row in rows}
    monkeypatch.setattr("tongpin.payment.fund.run.closed_months", lambda _home: closed)


def test_the_quarter_is_told_and_written(tongpin, home):
    code, out, err = tongpin("fund", "report", "--quarter", "2025Q2", "--json")
    assert (code, err) == (0, "")
    told = json.loads(out)
    quarter, half = told["funds"]
    assert (quarter["income_fen"], quarter["result_fen"], half["income_fen"]) == (33_000, 6_000, 66_000)
    assert (quarter["income_growth"], quarter["over"]) == ("0.1", "支出超出预算 12.50%")
    assert quarter["light"] == "calm"
    assert any("只有 0 个月已关账" in note for note in told["notes"])
    assert any("模拟" in note for note in told["notes"])
    book = load_workbook(told["report"])
    assert book.sheetnames == ["收支与结余", "各月执行", "机构与服务", "指标对比", "口径与依据"]
    assert home in Path(told["report"]).parents
    assert "没有" in {cell.value for row in book["机构与服务"].rows for cell in row}


def test_closed_quarters_give_growth_and_two_years_side_by_side(tongpin, home, monkeypatch):
    close_quarters(home, monkeypatch)
    code, out, _ = tongpin("fund", "report", "--quarter", "2025Q2", "--json")
    told = json.loads(out)
    assert code == 0
    assert {(one["kind"], one["alert"]) for one in told["growth_alerts"]} == {
        (kind, "增长 50.00%，超过 20.00%") for kind in ("机构", "就医类别", "主要诊断大类")
    }
    assert [one["label"] for one in told["compared"]] == ["单位权重医疗费用（元）", "参保个人负担率", "DRG 付费占比"]
    assert [one["now"] for one in told["compared"]] == ["10000", "0", "1"]


def test_people_read_a_table_and_the_alerts(tongpin, home, monkeypatch):
    close_quarters(home, monkeypatch)
    code, out, _ = tongpin("fund", "report", "--quarter", "2025Q2")
    assert code == 0
    assert "基金运行 2025Q2（亿元）" in out
    assert "异常增长：机构 医院H3，增长 50.00%，超过 20.00%" in out
    assert "季度报告：" in out


def test_without_an_edition_of_its_own_figures_stand_and_verdicts_stay_open(tongpin):
    code, out, _ = tongpin("fund", "report", "--quarter", "2025Q2", "--area", "demo-east", "--json")
    told = json.loads(out)
    assert code == 0
    assert told["funds"][0]["spending_rate"] == "1.125"
    assert told["funds"][0]["light"] is None
    assert "fund.months.red" in told["open_verdicts"]


def test_a_series_that_does_not_add_up_ends_with_findings(tongpin, home):
    wrong = "999900,310100,2026-01,1.00,1.00,,,5.00,,,,,\n"
    (home.parent / "more.csv").write_text(HEADER + wrong, encoding="utf-8")
    tongpin("load", home.parent / "more.csv")
    code, out, _ = tongpin("fund", "report", "--quarter", "2025Q2")
    assert code == 1
    assert "fund.balance" in out


def test_the_budget_is_told_and_written(tongpin, tmp_path):
    events = tmp_path / "events.csv"
    events.write_text(
        "year,fund,side,kind,label,amount,document\n2026,310100,spending,reform,门诊统筹,5.00,\n", encoding="utf-8"
    )
    code, out, _ = tongpin("fund", "budget", "--year", "2026", "--events", events, "--json")
    told = json.loads(out)
    assert code == 0
    assert [(one["side"], one["forecast_fen"]) for one in told["forecasts"]] == [
        ("income", 138_679),
        ("spending", 116_168),
    ]
    assert load_workbook(told["report"]).sheetnames == ["预算", "各步", "口径与依据"]
    _, out, _ = tongpin("fund", "budget", "--year", "2026")
    assert "参保增长" in out
    assert "模拟" in out


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("report", "--quarter", "2025-2"), "fund.quarter"),
        (("report", "--quarter", "2026Q1"), "fund.missing"),
        (("budget", "--year", "2028"), "fund.history"),
        (("budget", "--year", "2026", "--area", "demo-east"), "policy.gap"),
    ],
)
def test_what_cannot_be_told_is_refused(tongpin, arguments, code):
    ended, _, err = tongpin("fund", *arguments)
    assert ended == 1
    assert f"[{code}]" in err


def test_an_event_of_an_unknown_fund_is_refused(tongpin, tmp_path):
    events = tmp_path / "events.csv"
    events.write_text("year,fund,side,kind,label,amount,document\n2026,390100,spending,reform,x,5,\n", encoding="utf-8")
    code, _, err = tongpin("fund", "budget", "--year", "2026", "--events", events)
    assert code == 1
    assert "[fund.events]" in err
