"""`tongpin prepay`: from the plan to the papers, as a clerk runs it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from clearing_cases import line, lines_of
from openpyxl import load_workbook
from prepay_cases import MONTHS, a_home, history, paid, register
from test_clearing_run import close_months

from tongpin.cli import main
from tongpin.payment.prepay.account import book
from tongpin.payment.year.run import clear_in_home
from tongpin.store.home import Home


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = a_home(tmp_path, prepay__recovery="year_end", prepay__instalments=1, prepay__dates=["01-15"])
    register(home, "H3")
    close_months(home, MONTHS, lines_of(*(line(f"{month}-a", 1_000, month=month) for month in MONTHS)))
    return home


@pytest.fixture
def tongpin(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, home: Home):
    def run(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["tongpin", "prepay", *map(str, arguments), "--home", str(home.root)])
        code = 0
        try:
            main()
        except SystemExit as ended:
            code = int(ended.code or 0)
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


def texts(path: str) -> set[str]:
    book = load_workbook(path)
    return {str(cell.value) for sheet in book for row in sheet.iter_rows() for cell in row if cell.value is not None}


def test_a_plan_is_made_adopted_paid_watched_and_settled(tongpin, home, tmp_path):
    file = history(tmp_path, *(f"H3,310,{year},900.00,,," for year in (2022, 2023, 2024)))
    code, out, _ = tongpin("plan", "--year", 2025, "--history", file)
    assert code == 0
    assert "测算，没有核定，不作拨付依据" in out
    assert "模拟" in out
    assert "下一步：核对后核定" in out
    code, out, _ = tongpin("plan", "--year", 2025, "--history", file, "--adopt", "示例〔2025〕1号", "--json")
    told = json.loads(out)
    assert (code, told["adopted"], told["plan"]["rows"][0]["total_fen"]) == (0, True, 83_160)
    assert {"预付金", "各步", "拨付日期", "口径与依据"} == set(load_workbook(told["papers"][0]).sheetnames)
    assert "年终结算时收回" in texts(told["papers"][0])
    assert Path(told["papers"][1]).read_bytes().startswith(b"%PDF")
    _, out, _ = tongpin("pay", "--until", "2025-01-31")
    assert "记入账户 1 笔，合计 554.40 元" in out
    _, out, _ = tongpin("pay", "--until", "2025-12-31")
    assert "没有新的到期拨付" in out
    code, out, _ = tongpin("account", "--year", 2025)
    assert code == 1, "used up long before the year ends"
    assert "上年同期没有全部关账" in out
    clear_in_home(home, 2025)
    code, out, _ = tongpin("settle", "--year", 2025, "--date", "2026-03-01", "--json")
    told = json.loads(out)
    assert (code, told["booked"], told["rows"][0]["left_fen"]) == (0, 1, 19_440)
    assert "本次付\n（负数为收回，元）" in texts(told["papers"][0])
    _, out, _ = tongpin("settle", "--year", 2025, "--date", "2026-03-02")
    assert "账户记了 0 笔；结算后账户余额（应收）194.40 元" in out
    arguments = ["--scheme", "s001", "--institution", "H3", "--fund", "310", "--date", "2026-03-10"]
    code, out, _ = tongpin("book", "--kind", "recovered", *arguments, "--amount", "194.40", "--document", "回单 1")
    assert "已记：机构 H3 基金 310 按年度基数预付收回 194.40 元（回单 1）" in out
    code, _, err = tongpin("book", "--kind", "recovered", *arguments, "--amount", "1", "--document", "回单 2")
    assert code == 1
    assert "[prepay.account]" in err


def test_the_payment_order_carries_capitals_and_signatures(tongpin, home, tmp_path):
    file = history(tmp_path, *(f"H3,310,{year},900.00,,," for year in (2022, 2023, 2024)))
    tongpin("plan", "--year", 2025, "--history", file, "--adopt", "1号")
    _, out, _ = tongpin("pay", "--until", "2025-01-31", "--json")
    told = texts(json.loads(out)["order"])
    assert any("伍佰伍拾肆元肆角" in text for text in told)
    assert any("经办机构（盖章）" in text for text in told)


def test_the_gap_is_told_without_and_with_prepayments(tongpin, home, tmp_path):
    home.root.mkdir(exist_ok=True)
    book(home, [paid("2025-02-10", 300, institution_code="H3", first="2025-04")])
    flows = tmp_path / "flows.csv"
    rows = ["H3,2025-01,1000,500,1200", "H3,2025-02,,500,1500", "H3,2025-03,,800,500", "H3,2025-04,,800,500"]
    flows.write_text("institution_code,month,opening,inflow,outflow\n" + "\n".join(rows) + "\n", encoding="utf-8")
    code, out, _ = tongpin("gap", flows, "--months", 2, "--rate", "4.80", "--json")
    (one,) = json.loads(out)["hospitals"]
    assert code == 0
    assert [one[name]["gap_fen"] for name in ("before", "after")] == [70_000, 40_000]
    assert one["after"]["balances_fen"] == [30_000, -40_000, -10_000, -10_000]
    assert [part["interest_fen"] for part in one["loan"]] == [160, 80]
    _, out, _ = tongpin("gap", flows)
    assert "2025-02" in out
    code, _, err = tongpin("gap", flows, "--rate", "4.80")
    assert (code, "[prepay.loan]" in err) == (1, True)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("plan", "--year", 2025, "--area", "demo-east"), "prepay.edition"),
        (("plan", "--year", 2025, "--area", "nowhere"), "policy.unknown"),
        (("plan", "--year", 2025, "--history", "missing.csv"), "prepay.file"),
        (("pay", "--until", "2025-01-31"), "prepay.plan"),
        (("settle", "--year", 2025, "--date", "2026-03-01"), "clear.open"),
        (("instant", "--until", "2025-06-30", "--document", "1"), "prepay.closed"),
    ],
)
def test_what_cannot_be_done_is_refused(tongpin, arguments, code):
    ended, _, err = tongpin(*arguments)
    assert ended == 1
    assert f"[{code}]" in err


def test_the_shipped_editions_plan(tongpin, home, tmp_path):
    file = history(tmp_path, *(f"H3,310,{year},900.00,,," for year in (2022, 2023, 2024)))
    code, out, _ = tongpin("plan", "--year", 2025, "--history", file, "--edition", "prepay-s001/2025")
    assert code == 0
    assert "2025年预付金测算" in out
    code, out, _ = tongpin("plan", "--year", 2025, "--history", file, "--edition", "prepay-national/2024")
    assert code == 0
    assert "按月均支出预付；没有 2024 年十二个月的基金收支与年末累计结余，不能判断，不预付" in out
    assert "下一步：照各行的原因补齐后再测算" in out
