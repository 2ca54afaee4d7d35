"""The clearing of a year in the ledger: steps, deposits, 集采结余留用, alliances; reversed with its clearing."""

from __future__ import annotations

import shutil
from decimal import Decimal
from pathlib import Path

import openpyxl
import pytest
from ledger_cases import (
    HOSPITAL,
    LEAD,
    MEMBER,
    MONTHS,
    balance,
    bank,
    decide,
    keep_rows,
    postings_of,
    year_home,
)

from tongpin.base.errors import BalanceError, PolicyError, StoreError
from tongpin.cli import main
from tongpin.payment.ledger.alliance_run import AGREEMENTS, alliances_in_home
from tongpin.payment.ledger.closing import Records, check_closing
from tongpin.payment.ledger.run import (
    apart_in_home,
    book_in_home,
    post_in_home,
    post_year_in_home,
    reverse_in_home,
)
from tongpin.payment.ledger.sources import year_rows
from tongpin.payment.ledger.vouchers import vouchers
from tongpin.payment.month.closed import statements
from tongpin.payment.year import run as year_run
from tongpin.payment.year.run import clear_in_home
from tongpin.payment.year.state import PLACE_SCHEMA
from tongpin.store.home import Home

WITHHELD = 12 * 450
"""3 % of 100 and of 50 yuan, twelve times, in fen."""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve months posted and the year cleared."""
    home = year_home(tmp_path_factory.mktemp("ledger-year") / "home")
    for month in MONTHS:
        post_in_home(home, month)
    clear_in_home(home, 2025)
    return home.root


@pytest.fixture
def home(made: Path, tmp_path: Path) -> Home:
    return Home.open(shutil.copytree(made, tmp_path / "home"))


def volume(home: Home, amount: str, score: str, **more: object) -> None:
    row = {
        "fund": "310",
        "year": 2025,
        "value": Decimal(score),
        "institution_code": LEAD,
        "document": "示例〔2026〕3号",
    }
    decide(home, "volume_surplus", amount, **(row | more))


def test_a_clearing_is_posted_by_steps_and_releases_the_deposits(home):
    before = postings_of(home)
    assert balance(before, "2003") == -WITHHELD
    posted = post_year_in_home(home, 2025)
    after = postings_of(home)
    # The lead spent 1,272 against 1,200: the fund bears half of the 72 over; the member keeps 60 of its 600.
    assert balance(after, "5801") == 3_600
    assert balance(after, "5802") == 6_000
    assert balance(after, "2003") == 0, "what was withheld is released"
    assert balance(after, "2001") == 0
    assert -balance(after, "2006", LEAD) == 3_600 + 12 * 300
    assert -balance(after, "2006", MEMBER) == 12 * 150
    assert balance(after, "5101") == 12 * 15_000 - 6_000, "the retained surplus is told apart"
    held = {(one.account, one.ledger_fen, one.record_fen) for one in posted.assertions}
    assert ("2003", 0, 0) in held
    assert {row["month"] for row in posted.postings.to_pylist()} == {"2025-13"}


def test_a_surplus_beyond_what_may_be_kept_is_cut(tmp_path):
    """The member spent 40 of 50, below the edge of 85 %: it is paid what it spent."""
    home = year_home(tmp_path / "home", member_fee=40)
    places = clear_in_home(home, 2025, draft=True).clearing.places
    made = vouchers("year", year_rows(places, "2025-13"), 1, "test")
    assert balance(made, "5101", MEMBER) == -12 * 1_000
    assert balance(made, "5802") == 0
    assert -balance(made, "2006", MEMBER) == 12 * 150 - 12 * 1_000, "to be returned"


def test_a_clearing_is_posted_once_and_counts_in_its_year(home):
    first = post_year_in_home(home, 2025)
    again = post_year_in_home(home, 2025)
    assert (first.was_posted, again.was_posted) == (False, True)
    assert again.postings.num_rows == first.postings.num_rows
    shown = {row["account"]: row["closing_fen"] for row in book_in_home(home, 2025).balances.to_pylist()}
    assert shown["5801"] == 3_600


def test_a_reversed_clearing_is_reversed_in_the_ledger_and_posted_anew(home):
    before = postings_of(home)
    post_year_in_home(home, 2025)
    year_run.reverse_in_home(home, 2025, "示例〔2026〕2号")
    undone = post_year_in_home(home, 2025)
    assert undone.notes[0].startswith("清算 test/2025-1 已撤销")
    assert {one: balance(postings_of(home), one) for one in ("2003", "2006", "5101", "5801", "5802")} == {
        one: balance(before, one) for one in ("2003", "2006", "5101", "5801", "5802")
    }
    with pytest.raises(StoreError, match="没有已关账的清算"):
        post_year_in_home(home, 2025)
    clear_in_home(home, 2025)
    assert book_in_home(home, 2025).notes[0].startswith("2025 年度清算 test/2025-2 还没有记账")
    post_year_in_home(home, 2025)
    assert balance(postings_of(home), "5801") == 3_600
    assert book_in_home(home, 2025).clearing == "test/2025-2"


def test_a_clearing_waits_for_its_months(tmp_path):
    home = year_home(tmp_path / "home")
    with pytest.raises(StoreError, match="没有已关账的清算"):
        post_year_in_home(home, 2025)
    clear_in_home(home, 2025)
    with pytest.raises(PolicyError, match="2025 年还有 12 个月没有记账，例如 2025-01"):
        post_year_in_home(home, 2025)


def test_deposits_that_do_not_agree_with_the_months_stop_the_run(home):
    rows = statements(home, "test")
    with pytest.raises(BalanceError, match="质量保证金与扣留减返还"):
        check_closing(postings_of(home), Records(rows.slice(1), PLACE_SCHEMA.empty_table(), []))
    check_closing(postings_of(home), Records(rows, PLACE_SCHEMA.empty_table(), []))


def test_volume_surplus_is_assessed_and_paid_apart(home):
    """Saved 10,000.00; half is kept; a score of 85 of 100 keeps 0.8 of it: 4,000.00."""
    post_year_in_home(home, 2025)
    due = balance(postings_of(home), "2006")
    volume(home, "10000", "85")
    post_year_in_home(home, 2025)
    after = postings_of(home)
    assert balance(after, "5803", LEAD) == 400_000
    assert -balance(after, "2007", LEAD) == 400_000
    assert balance(after, "2006") == due, "the clearing is not touched"
    (line,) = apart_in_home(home, 2025)
    assert (line.label, line.amount_fen, line.source) == ("集采结余留用（职工统筹）", 400_000, "模拟")
    assert line.formula == "节省 10,000.00 × 留用比例 50.00 % × 考核系数 0.8000（得分 85.00）"
    post_year_in_home(home, 2025)
    assert postings_of(home).num_rows == after.num_rows, "nothing is posted twice"


@pytest.mark.parametrize(
    ("more", "match"),
    [
        ({"value": None}, "没有写考核得分"),
        ({"year": None}, "没有写年度"),
        ({"value": Decimal(101)}, "不在 0 与 100 之间"),
    ],
)
def test_a_volume_surplus_without_score_or_year_is_refused(home, more, match):
    volume(home, "10000", "85", **more)
    with pytest.raises(PolicyError, match=match):
        post_year_in_home(home, 2025)


def test_a_volume_surplus_that_changed_is_refused_until_the_year_is_reversed(home):
    volume(home, "10000", "85")
    post_year_in_home(home, 2025)
    volume(home, "12000", "85")
    with pytest.raises(PolicyError, match=r"集采结余留用 .* 记账之后改过金额"):
        post_year_in_home(home, 2025)
    reverse_in_home(home, "2025-13", "更正集采结余")
    post_year_in_home(home, 2025)
    assert balance(postings_of(home), "5803") == 480_000


def total(home: Home, yuan: int) -> None:
    row = {"lead_code": LEAD, "alliance_name": "示例医共体", "year": 2025, "fund": "310", "total_fen": yuan * 100}
    keep_rows(home, "alliance", AGREEMENTS, row | {"document": "示例〔2025〕9号"})


def test_an_alliance_gets_one_total_and_divides_it_by_its_results(home):
    """Standards 1,200 and 600: of 2,000 the lead has 1,333.33, the member 666.67."""
    total(home, 2_000)
    (found,), _ = alliances_in_home(home, 2025, "test")
    assert [(one.institution_code, one.part_fen) for one in found.members] == [(LEAD, 133_333), (MEMBER, 66_667)]
    assert found.difference_fen == 200_000 - (120_000 + 3_600 + 60_000)
    assert found.left_fen == 200_000 - (180_000 - WITHHELD)
    post_year_in_home(home, 2025)
    after = postings_of(home)
    assert balance(after, "2006", MEMBER) == 0, "the member is paid by its lead"
    assert -balance(after, "2006", LEAD) == found.left_fen
    assert balance(after, "5804") == found.difference_fen
    assert balance(after, "2008") == 0


def test_an_alliance_without_members_or_total_is_refused(home):
    with pytest.raises(PolicyError, match="没有医共体打包总额"):
        alliances_in_home(home, 2025, "test")
    total(home, 2_000)
    keep_rows(home, "alliance", AGREEMENTS, {"lead_code": "NO", "year": 2025, "fund": "310", "total_fen": 1})
    with pytest.raises(PolicyError, match="医共体 NO 的基金 310 没有成员"):
        alliances_in_home(home, 2025, "test")


@pytest.fixture
def tongpin(home, capsys, monkeypatch):
    def run(*arguments: str) -> tuple[int, str]:
        monkeypatch.setattr("sys.argv", ["tongpin", *arguments, "--home", str(home.root)])
        with pytest.raises(SystemExit) as ended:
            main()
        return int(ended.value.code or 0), capsys.readouterr().out

    return run


def test_the_papers_of_a_year(home, tongpin):
    total(home, 2_000)
    volume(home, "10000", "85")
    code, out = tongpin("ledger", "post", "--year", "2025")
    assert (code, "第 13 期" in out, "平衡断言" in out) == (0, True, True)
    code, out = tongpin("ledger", "book", "--year", "2025")
    assert (code, "集采结余留用" in out) == (0, True)
    code, out = tongpin("ledger", "alliance", "--year", "2025")
    assert (code, "示例医共体" in out) == (0, True)
    book = openpyxl.load_workbook(home.reports / "账簿-2025.xlsx")
    assert book.sheetnames == ["科目余额", "四条退回", "集采结余留用", "平衡断言", "口径"]
    assert "模拟" in str(book["科目余额"]["A2"].value)
    inner = openpyxl.load_workbook(home.reports / f"医共体内部结算-{LEAD}-2025.xlsx")["内部结算"]
    cells = [cell.value for row in inner.iter_rows() for cell in row]
    assert 1_333.33 in cells
    assert 666.67 in cells
    code, out = tongpin("clear", "--year", "2025")
    letter = openpyxl.load_workbook(next(home.reports.glob("*清算书*.xlsx")))
    assert "集采结余留用（职工统筹）" in {cell.value for row in letter["另行结算"].iter_rows() for cell in row}
    assert tongpin("ledger", "post")[0] != 0


def test_two_areas_of_a_home_keep_their_books_apart(tmp_path):
    home = year_home(tmp_path / "home", area="east")
    year_home(home.root, area="west", deposit=0.05)
    with pytest.raises(PolicyError, match="用 --area 指明统筹区"):
        post_in_home(home, "2025-01")
    post_in_home(home, "2025-01", area="east")
    post_in_home(home, "2025-01", area="west")
    assert balance(postings_of(home, "east"), "2003") == -450
    assert balance(postings_of(home, "west"), "2003") == -750
    bank(home, "B1", 1, month="2025-01", institution_code=HOSPITAL)
    with pytest.raises(PolicyError, match="没有写统筹区"):
        post_in_home(home, "2025-01", area="east")
    bank(home, "B1", 1, month="2025-01", institution_code=HOSPITAL, area="west")
    assert post_in_home(home, "2025-01", area="east").postings.num_rows
    assert balance(postings_of(home, "east"), "1001") == 0
    post_in_home(home, "2025-01", area="west")
    assert balance(postings_of(home, "west"), "1001") == -1
