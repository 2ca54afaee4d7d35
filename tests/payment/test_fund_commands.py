"""`tongpin fund`: the quarter and the budget of a home, from a loaded series to the workbooks."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from clearing_cases import line, lines_of
from fund_cases import close_months, fund_edition
from openpyxl import load_workbook
from payment_cases import write_policy

from tongpin.cli import main
from tongpin.store.home import Home

HEADER = "region,fund,month,income,spending,inpatient_spending,drg_spending,balance,enrolled_count,"
HEADER += "budget_income,budget_spending,event,document\n"
EVENTS = "year,fund,side,kind,label,amount,ratio,from,to,document\n"


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


def close_quarters(home: Home | Path) -> None:
    """Second quarters of two years as closed months."""
    rows = [
        line(f"{year}{n}", pay, month=f"{year}-0{n}", patient_hash=f"p{n}", discharge_way="1", los=5)
        for year, pay in ((2024, 100), (2025, 150))
        for n in (4, 5, 6)
    ]
    close_months(Home.open(home), lines_of(*rows))


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
    assert book.sheetnames == [
        *("收支与结余", "各月执行", "变化的原因", "就医行为", "结算", "机构与服务", "指标对比", "口径与依据"),
    ]
    assert Path(told["bulletin"]).read_bytes().startswith(b"%PDF")
    assert home in Path(told["report"]).parents
    assert "没有" in {cell.value for row in book["机构与服务"].rows for cell in row}


def test_closed_quarters_give_growth_and_two_years_side_by_side(tongpin, home):
    close_quarters(home)
    code, out, _ = tongpin("fund", "report", "--quarter", "2025Q2", "--json")
    told = json.loads(out)
    assert code == 0
    assert {(one["kind"], one["alert"]) for one in told["growth_alerts"]} == {
        (kind, "增长 50.00%，超过 20.00%") for kind in ("机构", "就医类别", "主要诊断大类")
    }
    assert [one["label"] for one in told["compared"]] == ["单位权重医疗费用（元）", "参保个人负担率", "DRG 付费占比"]
    assert [one["now"] for one in told["compared"]] == ["10000", "0", "1"]
    whole, level = told["behaviour"]
    assert (whole["level"], whole["stays"], whole["stay_days"], level["level"]) == ("合计", 3, "5", "三级")
    assert whole["visits"] is None
    assert [one["month_pool_payable_fen"] for one in told["settled"]] == [45_000]
    assert {(one["of"], one["label"]) for one in told["causes"]} >= {
        ("支出比上年同期", "参保人数"),
        ("住院统筹支付比上年同期", "单位权重支付"),
    }


def test_people_read_a_table_and_the_alerts(tongpin, home):
    close_quarters(home)
    code, out, _ = tongpin("fund", "report", "--quarter", "2025Q2")
    assert code == 0
    assert "基金运行 2025Q2（亿元）" in out
    assert "异常增长：机构 医院H3，增长 50.00%，超过 20.00%" in out
    assert "季度报告：" in out


def test_part_of_a_quarter_closed_shows_its_months_and_no_growth(tongpin, home):
    close_months(Home.open(home), lines_of(line("a", 100, month="2025-05", los=5)))
    _, out, _ = tongpin("fund", "report", "--quarter", "2025Q2", "--json")
    told = json.loads(out)
    assert {one["span"] for one in told["behaviour"]} == {"2025-05（已关账）"}
    assert (told["growth_alerts"], told["compared"]) == ([], [])
    assert any("只有 1 个月已关账，就医行为与结算只含这几个月" in note for note in told["notes"])


def test_what_an_edition_leaves_open_is_not_judged(tongpin, home):
    write_policy(
        home / "policies" / "test" / "2025",
        change=lambda data: fund_edition(data, fund__months__red=None, fund__execution__alert=None),
    )
    code, out, _ = tongpin("fund", "report", "--quarter", "2025Q2", "--json")
    told = json.loads(out)
    assert code == 0
    assert told["funds"][0]["spending_rate"] == "1.125"
    assert told["funds"][0]["light"] is None
    assert "fund.months.red" in told["open_verdicts"]


def test_the_demonstration_edition_draws_its_lines(tongpin):
    code, out, _ = tongpin("fund", "show", "--area", "demo-east", "--json")
    told = json.loads(out)
    assert code == 0
    # 90 a month go out; 1,360 at the end of 2025 are more than nine months of it, 6 × 90 would be red.
    assert (told["month"], told["open_verdicts"]) == ("2025-12", {})
    assert [one["light"] for one in told["funds"]] == ["calm", "calm"]
    assert any("模拟" in note for note in told["notes"])


def test_the_line_below_which_a_fund_is_stands_in_words(tongpin, home):
    write_policy(
        home / "policies" / "test" / "2025",
        change=lambda data: fund_edition(data, fund__months__red=10, fund__months__yellow=20),
    )
    _, out, _ = tongpin("fund", "show")
    assert "红黄线：职工基本医疗保险统筹基金可支付 15.11 个月，低于黄线" in out
    assert "偏差提示：职工基本医疗保险统筹基金 2025-12 支出超出预算 12.50%" in out
    assert "支出变化的原因" in out
    assert "接着做：tongpin fund report --quarter 2025Q4" in out
    _, out, _ = tongpin("fund", "show", "--month", "2025-06")
    assert "基金运行 2025-06" in out


def test_a_closed_month_is_published_the_same_for_every_hospital(tongpin, home):
    rows = [line("a", 100, patient=20, los=4), line("b", 50, los=8, hospital="H4", level="二级")]
    late = line("c", 70, hospital="H4", level="二级", kind="late", los=9)
    close_months(Home.open(home), lines_of(*rows, late))
    code, out, _ = tongpin("fund", "publish", "--month", "2025-06", "--json")
    told = json.loads(out)
    assert code == 0
    assert [(one["institution_name"], one["level"], one["stay_days"]) for one in told["hospitals"]] == [
        ("医院H3", "三级", "4"),
        ("医院H4", "二级", "8"),
    ]
    assert [one["month_pool_payable_fen"] for one in told["hospitals"]] == [10_000, 12_000]
    assert (told["total"]["institution_name"], told["total"]["month_pool_payable_fen"]) == ("合计", 22_000)
    book = load_workbook(told["report"])
    assert book.sheetnames == ["各机构", "基金收支"]
    assert "测试市2025年6月医保结算公布" in {cell.value for row in book["各机构"].rows for cell in row}
    assert Path(told["paper"]).read_bytes().startswith(b"%PDF")
    _, out, _ = tongpin("fund", "publish", "--month", "2025-06")
    assert "医院H4" in out
    assert "月公布（A4）：" in out


def test_a_year_and_an_execution_are_told_and_written(tongpin, home, tmp_path):
    close_quarters(home)
    code, out, _ = tongpin("fund", "year", "--year", "2025", "--json")
    told = json.loads(out)
    assert code == 0
    assert (told["funds"][0]["budget_fen"], told["funds"][0]["due_fen"]) == (96_000, None)
    assert load_workbook(told["report"]).sheetnames == ["基金年度"]
    _, out, _ = tongpin("fund", "year", "--year", "2025")
    assert "接着做：tongpin clear --year 2025" in out
    budgets = tmp_path / "budgets.csv"
    budgets.write_text("institution_code,fund,year,budget,document\nH3,310,2025,400.00,示例\n", encoding="utf-8")
    arguments = ("fund", "execution", "--year", "2025", "--budgets", budgets, "--on", "2026-01-31")
    _, out, _ = tongpin(*arguments, "--json")
    told = json.loads(out)
    assert (told["executions"][0]["rate_e4"], told["executions"][0]["deduction"]) == (11_250, "2.5")
    assert told["agreement"] is None
    _, out, _ = tongpin(*arguments)
    assert "112.50%" in out
    assert "全年关账后再运行一次" in out


def test_a_whole_year_writes_the_lines_of_the_agreement_sheet(tongpin, home, tmp_path):
    close_months(Home.open(home), lines_of(*(line(str(n), 100, month=f"2025-{n:02d}") for n in range(1, 13))))
    budgets = tmp_path / "budgets.csv"
    budgets.write_text("institution_code,fund,year,budget,document\nH3,310,2025,1000.00,示例\n", encoding="utf-8")
    arguments = ("fund", "execution", "--year", "2025", "--budgets", budgets, "--on", "2026-01-31")
    _, out, _ = tongpin(*arguments, "--json")
    assert Path(json.loads(out)["agreement"]).read_text(encoding="utf-8-sig").endswith(",2.5,2026-01-31\n")
    _, out, _ = tongpin(*arguments)
    assert "tongpin clear --year 2025 --agreement" in out


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
        EVENTS + "2026,310100,spending,reform,门诊统筹,5.00,,,,\n",
        encoding="utf-8",
    )
    code, out, _ = tongpin("fund", "budget", "--year", "2026", "--events", events, "--json")
    told = json.loads(out)
    assert code == 0
    assert [(one["side"], one["forecast_fen"]) for one in told["forecasts"]] == [
        ("income", 138_679),
        ("spending", 116_168),
    ]
    assert load_workbook(told["report"]).sheetnames == ["预算", "各步", "分月", "参保", "口径与依据"]
    _, out, _ = tongpin("fund", "budget", "--year", "2026")
    assert "参保增长" in out
    assert "模拟" in out


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("report", "--quarter", "2025-2"), "fund.quarter"),
        (("report", "--quarter", "2026Q1"), "fund.missing"),
        (("budget", "--year", "2028"), "fund.history"),
        (("show", "--month", "2030-01"), "fund.missing"),
        (("publish", "--month", "2025-06"), "settle.open"),
    ],
)
def test_what_cannot_be_told_is_refused(tongpin, arguments, code):
    ended, _, err = tongpin("fund", *arguments)
    assert ended == 1
    assert f"[{code}]" in err


def test_an_event_of_an_unknown_fund_is_refused(tongpin, tmp_path):
    events = tmp_path / "events.csv"
    events.write_text(
        EVENTS + "2026,390100,spending,reform,x,5,,,,\n",
        encoding="utf-8",
    )
    code, _, err = tongpin("fund", "budget", "--year", "2026", "--events", events)
    assert code == 1
    assert "[fund.events]" in err
