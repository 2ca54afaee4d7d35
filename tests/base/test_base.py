"""The base: exact money, errors that cross processes whole, digests that tell lists apart, strict YAML."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tongpin.base.digest import text_digest
from tongpin.base.errors import BalanceError, PolicyError
from tongpin.base.findings import Finding
from tongpin.base.money import (
    check_balance,
    parse_yuan,
    round_half_up,
    round_half_up_column,
    wan,
    yuan,
)
from tongpin.base.strict_yaml import load_strict_yaml


@pytest.mark.parametrize(
    ("numerator", "denominator", "result"), [(5, 2, 3), (-5, 2, -3), (4, 3, 1), (0, 7, 0), (7, 7, 1)]
)
def test_halves_are_rounded_away_from_zero(numerator: int, denominator: int, result: int) -> None:
    assert round_half_up(numerator, denominator) == result


@given(st.lists(st.integers(-(10**15), 10**15), min_size=1), st.integers(1, 10**6))
def test_columns_round_like_single_amounts(numerators: list[int], denominator: int) -> None:
    rounded = round_half_up_column(np.array(numerators), denominator)
    assert rounded.tolist() == [round_half_up(n, denominator) for n in numerators]


@given(st.integers(-(10**14), 10**14))
def test_yuan_is_read_back_to_the_fen(fen: int) -> None:
    assert parse_yuan(yuan(fen).replace(",", "")) == fen


@pytest.mark.parametrize("text", ["1.234", "NaN", "Infinity"])
def test_what_is_no_amount_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="yuan"):
        parse_yuan(text)


def test_hospital_months_are_shown_in_wan() -> None:
    assert wan(5_139_569_00) == "513.96"


def test_unequal_sums_fail_loud() -> None:
    check_balance("test", "合计", 100, 100)
    with pytest.raises(BalanceError, match=r"合计不平：1\.00 元 ≠ 0\.99 元，差 0\.01 元"):
        check_balance("test", "合计", 100, 99)


def test_an_error_comes_back_whole_from_another_process() -> None:
    error = PolicyError("policy.gap", "没有费率", where="rate", hint="补一个日期")
    back = pickle.loads(pickle.dumps(error))
    assert type(back) is PolicyError
    assert str(back) == str(error) == "[policy.gap] rate 没有费率\n怎么改：补一个日期"
    assert back.as_dict()["path"] == "rate"


def test_a_finding_reads_as_a_clerk_needs_it() -> None:
    finding = Finding("REC-F001", "error", "a.json", 3, "amt", "-5", "金额为负", "改为正数", ("price",))
    assert str(finding).splitlines()[0] == 'REC-F001  错误  a.json 第 3 条 · amt = "-5"'
    assert str(finding).splitlines()[-1] == "    影响：定价"


def test_digests_tell_lists_apart() -> None:
    assert text_digest(["ab", "c"]) != text_digest(["a", "bc"])
    assert text_digest(["a", "b"]) == text_digest(["a", "b"])


def test_a_key_written_twice_is_refused_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_text("a: 1\nb: 2\na: 3\n", encoding="utf-8")
    with pytest.raises(PolicyError, match="“a”重复") as caught:
        load_strict_yaml(path, "policy", PolicyError)
    assert "第 3 行" in caught.value.where
    path.write_text("rate: 0.1\n", encoding="utf-8")
    assert str(load_strict_yaml(path, "policy")["rate"]) == "0.1"  # exact, not binary floating point
