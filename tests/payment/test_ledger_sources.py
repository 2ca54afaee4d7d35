"""What the ledger posts besides months: openings, returned money, the prepayment account, bills from elsewhere."""

from __future__ import annotations

import json
import shutil
from datetime import date
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from ledger_cases import DEDUCTION, HOSPITAL, JUNE, MAY, balance, bank, decide, keep_rows, postings_of, small_home

from tongpin.base.errors import BalanceError, PolicyError
from tongpin.cli import main
from tongpin.payment.ledger.closing import Records, check_closing
from tongpin.payment.ledger.elsewhere_run import elsewhere_in_home
from tongpin.payment.ledger.opening import read_opening
from tongpin.payment.ledger.run import book_in_home, open_in_home, post_in_home, reverse_in_home
from tongpin.payment.ledger.sources import BILLS
from tongpin.payment.month.closed import area_of, statements
from tongpin.payment.prepay.account import Entry, book, read_account
from tongpin.payment.year.state import PLACE_SCHEMA
from tongpin.store.home import Home

OPENING = """account,fund,institution_code,debit,credit,document
1001,310100,,50000.00,,银行对账单
1101,310100,H32000000001,2000.00,,预付协议
2003,310100,H32000000001,,700.00,
3001,310100,,,51300.00,
1001,390100,,900.00,,
3001,390100,,,900.00,
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_home(tmp_path_factory.mktemp("ledger") / "home").root


@pytest.fixture
def home(made: Path, tmp_path: Path) -> Home:
    return Home.open(shutil.copytree(made, tmp_path / "home"))


def own(home: Home) -> str:
    return area_of(home, None) or ""


@pytest.fixture
def opening(tmp_path: Path) -> Path:
    path = tmp_path / "opening.csv"
    path.write_text(OPENING, encoding="utf-8")
    return path


def test_opening_balances_open_the_books_once(home, opening):
    posted = open_in_home(home, opening, date(2025, 4, 30))
    assert {(one.account, one.ledger_fen) for one in posted.assertions} == {("1101", 200_000), ("2003", -70_000)}
    with pytest.raises(PolicyError, match="期初余额已在 2025-04 记过"):
        open_in_home(home, opening, date(2025, 4, 30))
    post_in_home(home, MAY)
    rows = {(row["book"], row["account"]): row for row in book_in_home(home, 2025).balances.to_pylist()}
    assert rows["employee", "1001"]["opening_fen"] == 5_000_000
    assert rows["employee", "3001"]["opening_fen"] == 5_130_000
    assert rows["resident", "1001"]["closing_fen"] == 90_000
    withheld = statements(home, own(home), [MAY])["deposit_fen"].to_pylist()[0]
    assert rows["employee", "2003"]["closing_fen"] == 70_000 + withheld


def test_an_opening_comes_before_the_months_and_leaves_after_them(home, opening):
    post_in_home(home, JUNE)
    with pytest.raises(PolicyError, match="2025-06 已经记账，期初不能晚于"):
        open_in_home(home, opening, date(2025, 6, 30))
    open_in_home(home, opening, date(2025, 5, 31))
    with pytest.raises(PolicyError, match="2025-05 在期初（2025-05-31）之前"):
        post_in_home(home, MAY)
    with pytest.raises(PolicyError, match="期初之后已经记账"):
        reverse_in_home(home, None, "更正期初")
    reverse_in_home(home, JUNE, "更正期初")
    reverse_in_home(home, None, "更正期初")
    assert balance(postings_of(home, own(home)), "1001") == 0
    open_in_home(home, opening, date(2025, 4, 30))


@pytest.mark.parametrize(
    ("wrong", "match"),
    [
        (("51300.00", "51300.01"), "职工统筹（310100）期初借方 52,000.00 元与贷方 52,000.01 元不等"),
        (("2003,", "5101,"), "科目 5101 职工统筹支出 没有期初余额"),
        (("2003,", "2001,"), "科目 2001 应付机构 没有期初余额"),
        (("2003,", "9999,"), "没有科目 9999"),
        (("700.00,", "700.001,"), "金额.*不对"),
        (("2000.00,,", "2000.00,5,"), "借方、贷方须填一边"),
        (("document", "note"), "表头不对"),
        (("390100,,900.00", "123,,900.00"), "账簿没有基金 123 的科目"),
    ],
)
def test_an_opening_that_cannot_be_is_refused(opening, wrong, match):
    opening.write_text(OPENING.replace(*wrong), encoding="utf-8")
    with pytest.raises(PolicyError, match=match):
        read_opening(opening)


def test_the_four_streams_have_vouchers_and_accounts_of_their_own(home):
    june = {"decided_date": date(2025, 6, 20), "fund": "310"}
    for kind, amount in (("institution_return", "100"), ("agency_refusal", "20"), ("self_check_return", "3")):
        decide(home, kind, amount, **june)
    decide(home, "inspection_finding", "0.40", decided_date=date(2025, 6, 21))
    posted = post_in_home(home, JUNE)
    assert "1 项退回没有写基金，记入“其他与未分清”" in posted.notes
    incomes = {code: -balance(posted.postings, code) for code in ("4101", "4102", "4103", "4104")}
    assert incomes == {"4101": 10_000, "4102": 2_000, "4103": 300, "4104": 40}
    owed = {code: balance(posted.postings, code) for code in ("1301", "1302", "1303", "1304")}
    assert owed == {"1301": 10_000, "1302": 2_000, "1303": 300, "1304": 40}
    bank(home, "R1", -10_000, purpose="主动退回")
    after = post_in_home(home, JUNE).postings
    assert balance(after, "1301") == 0
    assert balance(after, "1001") == 10_000


def test_a_return_that_the_month_deducted_is_not_counted_twice(home):
    """The 123.45 that June deducted is a refusal by the same document: its voucher takes it from 审核扣款."""
    document = {"fund": "310", "document": DEDUCTION, "decided_date": date(2025, 6, 20)}
    decide(home, "agency_refusal", "123.45", **document)
    posted = post_in_home(home, JUNE).postings
    assert balance(posted, "4001") == 0
    assert balance(posted, "4102") == -12_345
    assert balance(posted, "1302") == 0
    decide(home, "agency_refusal", "123.40", **document)
    with pytest.raises(PolicyError, match="与月结审核扣款金额不同"):
        post_in_home(home, JUNE)


def test_a_deduction_that_came_after_the_close_was_not_taken(home):
    late = {"fund": "310", "document": "示例〔2025〕11号", "decided_date": date(2025, 6, 20)}
    decide(home, "audit_deduction", "20", month=JUNE, **late)
    decide(home, "agency_refusal", "20", **late)
    assert balance(post_in_home(home, JUNE).postings, "1302") == 2_000


def test_a_return_that_changed_after_posting_is_refused(home):
    decide(home, "self_check_return", "3", decided_date=date(2025, 6, 20))
    post_in_home(home, JUNE)
    decide(home, "self_check_return", "4", decided_date=date(2025, 6, 20))
    with pytest.raises(PolicyError, match=r"退回 self_check_return .*改过金额"):
        post_in_home(home, JUNE)
    decide(home, "self_check_return", "4", decided_date=date(2025, 7, 20))
    with pytest.raises(PolicyError, match="记账之后不见了"):
        post_in_home(home, JUNE)


def an_entry(home: Home, number: int, amount: int, kind: str = "paid", scheme: str = "s001") -> Entry:
    return Entry(
        own(home), f"P{number}", HOSPITAL, "310", scheme, kind, amount, date(2025, 5, 10), MAY, "示例〔2025〕1号"
    )


def test_the_prepayment_account_stands_as_a_receivable(home):
    """Paid 5,000, June takes 1,000 of it back: 4,000 are owed."""
    book(home, [an_entry(home, 1, 500_000), an_entry(home, 2, 70_000, scheme="instant")])
    posted = post_in_home(home, MAY)
    assert {(one.account, one.ledger_fen) for one in posted.assertions} >= {("1101", 500_000), ("1102", 70_000)}
    assert balance(posted.postings, "2005") == -570_000
    bank(home, "P1", 500_000, purpose="预付", month=MAY)
    assert balance(post_in_home(home, MAY).postings, "2005") == -70_000
    post_in_home(home, JUNE)
    stands = postings_of(home, own(home))
    assert balance(stands, "1101") == 400_000
    book(home, [an_entry(home, 3, 100_000, kind="recovered")])
    post_in_home(home, MAY)
    assert balance(postings_of(home, own(home)), "1101") == 300_000
    entries = [one for one in read_account(home, own(home)) if one.entry_id != "P3"]
    rows = statements(home, own(home), [MAY, JUNE])
    with pytest.raises(BalanceError, match="预付金应收与预付金账户余额"):
        check_closing(postings_of(home, own(home)), Records(rows, PLACE_SCHEMA.empty_table(), entries))


def test_an_offset_of_what_nobody_paid_ahead_is_told(home):
    assert any("预付金为负 -1,000.00 元" in note for note in post_in_home(home, JUNE).notes)


def a_bill(home: Home, number: str, item: int, **more: Any) -> None:
    row = {"bill_no": number, "month": JUNE, "insured_region": "320200", "treatment_region": "310000"}
    row |= {"institution_code": "H31000000009", "fund": "310100", "settlement_date": date(2025, 6, 20)}
    keep_rows(home, "elsewhere-bill", BILLS, row | {"total_fee_fen": item * 200, "item_pool_fen": item * 100} | more)


def test_bills_from_elsewhere_are_posted_by_item_whenever_they_arrive(home):
    a_bill(home, "Y1", 900)
    assert "1 份异地账单，没有给 --region" in "".join(post_in_home(home, JUNE).notes)
    post_in_home(home, JUNE, "32")
    assert balance(postings_of(home, own(home)), "2101") == -90_000
    a_bill(home, "Y2", 100)
    a_bill(home, "Y1", 850)
    a_bill(home, "Y3", -20, treatment_region="330100")
    after = post_in_home(home, JUNE, "32").postings
    assert balance(after, "2101") == -(85_000 + 10_000 - 2_000)
    assert post_in_home(home, JUNE, "32").postings.num_rows == after.num_rows
    bank(home, "Z1", 95_000, purpose="就医地清算")
    assert balance(post_in_home(home, JUNE, "32").postings, "2101") == 2_000


def test_a_bill_of_a_stranger_is_refused(home):
    a_bill(home, "Y1", 900, insured_region="440100")
    with pytest.raises(PolicyError, match=r"异地账单 Y1 .* 不是本地（32）参保、在外就医"):
        post_in_home(home, JUNE, "32")
    a_bill(home, "Y1", 900, treatment_region="320100")
    with pytest.raises(PolicyError, match=r"不是本地（32）参保、在外就医"):
        post_in_home(home, JUNE, "32")


@pytest.fixture
def tongpin(home, capsys, monkeypatch):
    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["tongpin", "ledger", *arguments, "--home", str(home.root)])
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        return int(ended.value.code or 0), said.out, said.err

    return run


def test_the_month_of_treatment_away_from_home(home, tongpin):
    a_bill(home, "Y1", 900)
    bank(home, "X1", -100_000, purpose="异地清算")
    assert tongpin("post", "--month", JUNE, "--region", "32")[0] == 0
    code, out, _ = tongpin("elsewhere", "--month", JUNE, "--region", "32", "--json")
    told = json.loads(out)
    by_role = {row["role"]: row for row in told["roles"]}
    assert (code, by_role["visitor_here"]["region"], by_role["local_elsewhere"]["item_fen"]) == (0, "310000", 90_000)
    visitor = by_role["visitor_here"]
    standings = {row["account"]: row for row in told["standings"]}
    assert standings["2102"]["closing_fen"] == visitor["difference_fen"]
    assert standings["1201"]["added_fen"] == visitor["item_fen"]
    assert standings["1201"]["settled_fen"] == -100_000
    assert standings["1201"]["closing_fen"] == visitor["item_fen"] - 100_000
    sheet = openpyxl.load_workbook(home.reports / f"异地就医清算表-{JUNE}.xlsx")
    assert sheet.sheetnames == ["按身份", "按地区", "按机构", "往来与差额", "口径"]
    assert "310000" in {cell.value for row in sheet["按地区"].iter_rows() for cell in row}


def test_a_month_without_bills_or_posting_says_so(home):
    found = elsewhere_in_home(home, JUNE, "32")
    assert len(found.notes) == 2
    assert found.standings == ()


def test_the_opening_and_the_reconciliation_as_commands(home, tongpin, opening):
    code, out, _ = tongpin("open", "--file", str(opening), "--date", "2025-04-30")
    assert (code, "2025-04-30 期初余额" in out) == (0, True)
    code, _, err = tongpin("open", "--file", str(opening), "--date", "2025-04-30")
    assert (code, "ledger.opened" in err) == (1, True)
    assert tongpin("reverse", "--opening", "--reason", "示例")[0] == 0
    assert tongpin("reverse", "--reason", "示例")[0] != 0
    code, out, _ = tongpin("reconcile", "--month", JUNE, "--area", own(home))
    assert code == 0
    assert openpyxl.load_workbook(home.reports / f"五方对账-{JUNE}.xlsx").sheetnames == [
        "逐日",
        "不一致的病例",
        "拨付与到账",
    ]
