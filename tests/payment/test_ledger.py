"""The ledger of a home: posted once, balanced, corrected only by reversal, in four books."""

from __future__ import annotations

import json
import shutil
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from ledger_cases import HOSPITAL, JUNE, MAY, a_list, balance, bank, decide, keep, small_home

from tongpin.base.errors import BalanceError, PolicyError, StoreError
from tongpin.cli import main
from tongpin.payment.ledger.accounts import accounts, books, fund_of, rules, sources
from tongpin.payment.ledger.journal import POSTINGS, RUNS
from tongpin.payment.ledger.run import book_in_home, post_in_home, reverse_in_home
from tongpin.payment.ledger.sources import statement_rows
from tongpin.payment.ledger.vouchers import POSTING_SCHEMA, check_fund_book, check_postings, vouchers
from tongpin.payment.month.run import closed_run
from tongpin.payment.month.statement import DECISION_KINDS
from tongpin.store import lake
from tongpin.store.home import Home


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_home(tmp_path_factory.mktemp("ledger") / "home").root


@pytest.fixture
def home(made: Path, tmp_path: Path) -> Home:
    return Home.open(shutil.copytree(made, tmp_path / "home"))


def closing(home: Home) -> dict[tuple[str, str], int]:
    rows = book_in_home(home, 2025).balances.to_pylist()
    return {(row["book_label"], row["account_label"]): row["closing_fen"] for row in rows}


def test_the_four_books_are_data_and_every_rule_names_accounts():
    assert list(books().values())[:4] == ["城乡居民", "城镇职工", "职工补充", "医疗救助"]
    named = {side for source in sources() for rule in rules(source) for side in (rule.debit, rule.credit)}
    assert named - {"@expense"} <= set(accounts())
    assert {f"{kind}_fen" for kind in DECISION_KINDS} <= {rule.amount for rule in rules("statement")}
    assert fund_of("310") == fund_of("310100")
    with pytest.raises(PolicyError, match="账簿没有基金 999 的科目"):
        fund_of("999")


def test_a_closed_month_becomes_balanced_vouchers(home):
    statement = closed_run(home, JUNE).settlement.statement.to_pylist()[0]
    posted = post_in_home(home, JUNE)
    amounts = {
        "5101": statement["month_pool_payable_fen"],
        "4001": -12_345,
        "1101": -100_000,
        "2003": -statement["deposit_fen"],
        "2002": -statement["cash_transfer_fen"],
        "2001": 0,
        "5401": 30_000,
        "5301": 0,
        "5102": 2 * 12_345 + 12_345 - 12_345,
    }
    assert {code: balance(posted.postings, code) for code in amounts} == amounts
    assert not posted.was_posted


def test_a_voucher_out_of_balance_is_loud(home):
    postings = post_in_home(home, JUNE).postings
    place = POSTING_SCHEMA.names.index("debit_fen")
    more = [amount + (row == 0) for row, amount in enumerate(postings["debit_fen"].to_pylist())]
    with pytest.raises(BalanceError, match="借贷不平"):
        check_postings(postings.set_column(place, "debit_fen", pa.array(more)))
    wrong = pa.array(["5201" if code == "5101" else code for code in postings["account"].to_pylist()])
    with pytest.raises(BalanceError, match="记入科目 5201"):
        check_postings(postings.set_column(POSTING_SCHEMA.names.index("account"), "account", wrong))


def test_a_statement_whose_parts_do_not_sum_leaves_the_payable_open(home):
    statement = closed_run(home, JUNE).settlement.statement
    place = statement.column_names.index("cash_transfer_fen")
    with pytest.raises(BalanceError, match="应付机构与扣减、拨付"):
        vouchers(
            "statement", statement_rows(statement).set_column(place, "cash_transfer_fen", pa.array([1])), 1, "east"
        )


def test_payment_details_equal_the_fund_accounts(home):
    postings = post_in_home(home, JUNE).postings
    lines = closed_run(home, JUNE).settlement.lines
    payer = postings.filter(pc.equal(postings["event"], "payer"))
    payers = payer.filter(pc.not_equal(payer["account"], "2004"))
    rows = payers.append_column("amount_fen", pc.subtract(payers["debit_fen"], payers["credit_fen"]))
    check_fund_book(postings, lines, rows)
    with pytest.raises(BalanceError, match="支付明细与基金科目不平"):
        check_fund_book(postings, lines.slice(1), rows)


def test_a_month_is_posted_once_and_only_new_bank_lines_follow(home):
    first = post_in_home(home, JUNE)
    bank(home, "B1", 50_000)
    bank(home, "F1", 50_000, book="fund")
    again = post_in_home(home, JUNE)
    assert (first.was_posted, again.was_posted) == (False, True)
    assert again.postings.num_rows == first.postings.num_rows + 2, "the fund book is no money moved"
    assert balance(again.postings, "1001") == -50_000
    told = post_in_home(home, JUNE, "32").notes
    assert told[0] == f"{JUNE} 已记过账，这次没有按 --region 记外地参保者的异地差额；要记请先冲销"
    bank(home, "B1", 60_000)
    with pytest.raises(PolicyError, match="记账之后改过金额"):
        post_in_home(home, JUNE)
    reverse_in_home(home, JUNE, "更正到账")
    assert balance(post_in_home(home, JUNE).postings, "1001") == -60_000


def test_a_bank_line_of_unknown_purpose_is_refused(home):
    bank(home, "B9", 1, purpose="其他")
    with pytest.raises(PolicyError, match="到账的用途“其他”没有记账规则"):
        post_in_home(home, JUNE)
    assert not lake.exists(home, POSTINGS), "nor is the month posted"


def test_a_reversal_leaves_both_and_takes_the_amounts_to_nothing(home):
    before = post_in_home(home, JUNE).postings
    reverse_in_home(home, JUNE, "示例〔2025〕1号")
    stored = lake.read(home, POSTINGS)
    assert stored.num_rows == 2 * before.num_rows
    assert {code: balance(stored, code) for code in accounts()} == dict.fromkeys(accounts(), 0)
    again = post_in_home(home, JUNE).postings
    assert {code: balance(again, code) for code in accounts()} == {code: balance(before, code) for code in accounts()}


def test_a_reversal_that_was_cut_off_is_finished_by_the_next(home, monkeypatch):
    bank(home, "B1", 50_000)
    post_in_home(home, JUNE)
    real, done = lake.append, []

    def killed(at: Home, name: str, table: pa.Table) -> None:
        if len(done) == 3:  # the second log entry
            raise KeyboardInterrupt
        done.append(name)
        real(at, name, table)

    with monkeypatch.context() as patch:
        patch.setattr(lake, "append", killed)
        with pytest.raises(KeyboardInterrupt):
            reverse_in_home(home, JUNE, "原因")
    reverse_in_home(home, JUNE, "原因")
    assert set(closing(home).values()) == {0}


def test_a_reversal_needs_a_reason_and_something_to_reverse(home):
    with pytest.raises(PolicyError, match="没有写原因"):
        reverse_in_home(home, JUNE, " ")
    with pytest.raises(PolicyError, match="没有可冲销的凭证"):
        reverse_in_home(home, JUNE, "原因")


def test_an_open_month_is_not_posted(home):
    with pytest.raises(StoreError, match="2025-07 还没有月结"):
        post_in_home(home, "2025-07")


def test_a_changed_posting_is_noticed(home):
    post_in_home(home, MAY)
    rows = lake.read(home, POSTINGS)
    doubled = rows.set_column(rows.column_names.index("debit_fen"), "debit_fen", pc.multiply(rows["debit_fen"], 2))
    lake.replace(home, POSTINGS, doubled, "month", MAY)
    with pytest.raises(StoreError, match="与记账时的摘要不符"):
        book_in_home(home, 2025)


def test_a_run_killed_before_its_log_counts_for_nothing(home, monkeypatch):
    real = lake.append

    def killed(at: Home, name: str, table: pa.Table) -> None:
        if name == RUNS:
            raise KeyboardInterrupt
        real(at, name, table)

    with monkeypatch.context() as patch:
        patch.setattr(lake, "append", killed)
        with pytest.raises(KeyboardInterrupt):
            post_in_home(home, JUNE)
    assert lake.read(home, POSTINGS).num_rows
    assert closing(home) == {}
    posted = post_in_home(home, JUNE).postings
    assert posted["run"].unique().to_pylist() == [2]
    assert closing(home)["城镇职工", "职工统筹支出"] == balance(posted, "5101")


def test_the_books_roll_up_and_months_not_posted_are_told(home):
    post_in_home(home, MAY)
    assert book_in_home(home, 2025).missing_months == (JUNE,)
    assert closing(home)["职工补充", "大额与补充支出"] == 20_000
    post_in_home(home, JUNE)
    found = book_in_home(home, 2025)
    assert (found.months, found.missing_months) == ((MAY, JUNE), ())
    assert closing(home)["医疗救助", "医疗救助支出"] == 30_000
    next_year = book_in_home(home, 2026).balances.to_pylist()
    assert {row["kind"] for row in next_year} == {"asset", "liability", "equity"}, "expenses begin each year at zero"
    assert sum(row["opening_fen"] * (1 if row["kind"] == "asset" else -1) for row in next_year) == 0
    spent = sum(row["closing_fen"] for row in found.balances.to_pylist() if row["kind"] == "expense")
    earned = sum(row["closing_fen"] for row in found.balances.to_pylist() if row["kind"] == "income")
    assert sum(row["opening_fen"] for row in next_year if row["kind"] == "equity") == earned - spent


def test_further_funds_that_changed_after_posting_are_not_divided(home):
    keep(home, a_list("J1", 7000, date(2025, 6, 3), 301, "610100"))
    posted = post_in_home(home, JUNE)
    assert balance(posted.postings, "5901") == 30_000
    assert posted.notes[0].startswith("1 份清单的其他基金没有分户")


def test_visitors_go_to_the_difference_account(home):
    without = balance(post_in_home(home, JUNE).postings, "5101")
    reverse_in_home(home, JUNE, "补记异地")
    posted = post_in_home(home, JUNE, "32").postings
    (visitor,) = [row for row in closed_run(home, JUNE).settlement.lines.to_pylist() if row["case_id"] == "J2"]
    assert balance(posted, "1201") == visitor["item_pool_fen"]
    assert balance(posted, "5101") == without - visitor["pool_payable_fen"]
    assert -balance(posted, "2102") == visitor["item_pool_fen"] - visitor["pool_payable_fen"]


def test_the_four_streams_with_the_published_figures(home):
    published = {
        "institution_return": "4792400",
        "agency_refusal": "701200",
        "self_check_return": "11907900",
        "inspection_finding": "19798500",
    }
    for kind, amount in published.items():
        decide(home, kind, amount)
    streams = book_in_home(home, 2025).streams.to_pylist()
    told = {row["label"]: (row["institutions"], row["count"], row["amount_fen"] / 1_000_000) for row in streams}
    assert told == {
        "机构主动退回": (1, 1, 479.24),
        "经办拒付": (1, 1, 70.12),
        "自查自纠退回": (1, 1, 1190.79),
        "检查查出": (1, 1, 1979.85),
    }
    assert book_in_home(home, 2024).streams["amount_fen"].to_pylist() == [0, 0, 0, 0]


@pytest.fixture
def tongpin(home, capsys, monkeypatch):
    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["tongpin", "ledger", *arguments, "--home", str(home.root)])
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        return int(ended.value.code or 0), said.out, said.err

    return run


def test_the_commands(tongpin):
    code, out, _ = tongpin("post", "--month", JUNE)
    assert code == 0
    assert "职工统筹支出" in out
    code, out, _ = tongpin("book", "--year", "2025", "--json")
    assert code == 0
    assert json.loads(out)["missing_months"] == [MAY]
    assert tongpin("post", "--month", MAY)[0] == 0
    code, out, _ = tongpin("book", "--year", "2025")
    assert "四条退回" in out
    assert "为模拟：大额与补充支出" in out
    code, out, _ = tongpin("reconcile", "--month", JUNE)
    assert code == 0
    assert "没有装载HIS结算" in out
    code, out, _ = tongpin("reverse", "--month", JUNE, "--reason", "示例")
    assert "已冲销" in out
    code, _, err = tongpin("reverse", "--month", JUNE, "--reason", "示例")
    assert (code, "ledger.not_posted" in err) == (1, True)
    assert HOSPITAL not in err
