"""Amounts, rates and months in words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tongpin.report import words


@pytest.mark.parametrize(
    ("fen", "text"),
    [
        (0, "零元整"),
        (5, "伍分"),
        (10, "壹角整"),
        (105, "壹元零伍分"),
        (150, "壹元伍角整"),
        (1_234_567, "壹万贰仟叁佰肆拾伍元陆角柒分"),
        (1_000_500, "壹万零伍元整"),
        (100_500_000, "壹佰万伍仟元整"),
        (100_050_000, "壹佰万零伍佰元整"),
        (10_050_000_000, "壹亿零伍拾万元整"),
        (100_000_000_100, "壹拾亿零壹元整"),
        (-60_060_000, "负陆拾万零陆佰元整"),
    ],
)
def test_capital_amounts(fen: int, text: str) -> None:
    assert words.capital_amount(fen) == text


def test_a_capital_amount_has_a_limit() -> None:
    with pytest.raises(ValueError, match="below"):
        words.capital_amount(10**14)


def read_back(text: str) -> int:
    """An independent reading of a capital amount, in fen."""
    digits = {name: value for value, name in enumerate("零壹贰叁肆伍陆柒捌玖")}
    total = section = number = 0
    for character in text.removeprefix("负").removesuffix("整"):
        if character in digits:
            number = digits[character]
        elif character in "拾佰仟":
            section += number * {"拾": 10, "佰": 100, "仟": 1_000}[character]
            number = 0
        elif character in "万亿":
            total += (section + number) * {"万": 10**4, "亿": 10**8}[character]
            section = number = 0
        elif character == "元":
            total, section = (total + section + number) * 100, 0
            number = 0
        else:
            total += number * {"角": 10, "分": 1}[character]
            number = 0
    return -total if text.startswith("负") else total


@given(st.integers(-(10**14) + 1, 10**14 - 1))
def test_a_capital_amount_can_be_read_back(fen: int) -> None:
    assert read_back(words.capital_amount(fen)) == fen


def test_money_in_its_three_sizes() -> None:
    assert words.yuan_text(-123_456) == "−1,234.56"
    assert words.wan_text(12_345_678) == "12.35"
    assert words.yi_text(41_700_000_000) == "4.17"
    assert words.yuan_text(None) == words.MISSING


def test_rates_and_their_differences() -> None:
    assert words.percent_text(0.97555) == "97.56%"
    assert words.percent_text(None) == "—"
    assert words.points_text(0.012) == "+1.20"
    assert words.points_text(-0.012) == "−1.20"
    assert words.points_text(0.000_01) == "0.00"
    assert words.points_text(-0.000_01) == "0.00"


def test_months_and_plain_numbers() -> None:
    assert words.month_text("2025-06") == "2025年6月"
    assert words.number_text(1.005, 2) == "1.01"
