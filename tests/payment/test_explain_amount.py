"""An amount of a statement is told by its formula, its parameters and the lists behind it, and a wrong one fails."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from ledger_cases import HOSPITAL, JUNE, small_home

from tongpin.base.errors import StoreError
from tongpin.base.money import BalanceError
from tongpin.cli import main
from tongpin.payment import explain_amount
from tongpin.payment.explain_amount import explain_statement, formulas
from tongpin.payment.month.closed import statements
from tongpin.payment.month.statement import STATEMENT_SCHEMA

if TYPE_CHECKING:
    from collections.abc import Callable

    from tongpin.store.home import Home


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    return small_home(tmp_path_factory.mktemp("amount"))


@pytest.fixture
def told(home: Home) -> Callable[[str], Any]:
    return lambda column: explain_statement(home, JUNE, HOSPITAL, "310", column)


def test_every_amount_of_the_statement_has_a_formula() -> None:
    amounts = {field.name for field in STATEMENT_SCHEMA if field.name.endswith("_fen")}
    assert set(formulas()) == amounts


def test_a_transfer_is_told_from_its_parts_down_to_the_documents(told) -> None:
    steps = {one.column: one for one in told("本月拨付（负数为托收）").told}
    transfer = list(steps)[-1]
    assert transfer == "cash_transfer_fen"
    assert "− 审核扣款 123.45 − 冲抵预付金 1,000.00" in steps[transfer].text
    assert "审核扣款 123.45：123.45（示例〔2025〕8号，2025-07-03）" in steps["audit_deduction_fen"].text
    (ratio, *_) = steps["deposit_fen"].parameters
    assert (ratio.label, ratio.source) == ("质量保证金比例", "模拟")


def test_the_lists_behind_an_amount_sum_to_it(told, home: Home) -> None:
    row = statements(home, None, [JUNE]).to_pylist()[0]
    for column, formula in formulas().items():
        found = told(column)
        if formula.lines:
            assert sum(found.lines["amount_fen"].to_pylist()) == found.lines_fen == row[column]
        else:
            assert found.lines_fen is None
    whole = told("month_pool_payable_fen").lines.to_pylist()
    assert {(one["case_id"], one["line_kind"]) for one in whole} == {
        ("J1", "regular"),
        ("J2", "regular"),
        ("M1", "reversal"),
        ("M2", "replacement"),
    }
    sizes = [abs(one["amount_fen"]) for one in whole]
    assert sizes == sorted(sizes, reverse=True)


def test_a_formula_that_does_not_give_the_amount_fails_loud(told, home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    table = statements(home, None, [JUNE])
    place = STATEMENT_SCHEMA.names.index("result_fen")
    wrong = pa.array([amount + 1 for amount in table["result_fen"].to_pylist()], pa.int64())
    monkeypatch.setattr(explain_amount, "statements", lambda *_: table.set_column(place, "result_fen", wrong))
    with pytest.raises(BalanceError):
        told("result_fen")


@pytest.mark.parametrize(
    ("words", "code"), [(("H9", "310", None), "explain.place"), ((HOSPITAL, "310", "奖金"), "explain.column")]
)
def test_what_the_statement_does_not_hold_is_refused(home: Home, words: tuple[str, str, str | None], code: str) -> None:
    with pytest.raises(StoreError) as refused:
        explain_statement(home, JUNE, *words)
    assert refused.value.code == code


def test_the_command_tells_it_to_people_and_machines(home: Home, monkeypatch, capsys) -> None:
    def run(*more: str) -> str:
        words = ["explain", "--institution", HOSPITAL, "--month", JUNE, "--home", str(home.root), *more]
        monkeypatch.setattr("sys.argv", ["tongpin", *words])
        with pytest.raises(SystemExit):
            main()
        return capsys.readouterr().out

    assert "一例的每一元：tongpin explain" in run("--field", "盈亏（DRG应付−按项目应付）")
    said = json.loads(run("--json"))
    assert [one["column"] for one in said["told"]] == list(formulas())
    assert said["lines"] == []
