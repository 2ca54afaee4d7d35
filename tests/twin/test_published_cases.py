"""Published cases recomputed from their own figures; what the documents do not give is not invented (S002, S003, S004).

Amounts in fen, days in hundredths, shares as exact fractions; the printed figure is compared to the digit printed.
"""

from __future__ import annotations

from fractions import Fraction

import pytest
from causes_cases import group, lines
from hypothesis import given
from hypothesis import strategies as st

from tongpin.measures.change import (
    base_of_change,
    base_of_difference,
    cases_behind,
    change,
    per_case,
    share,
    whole_behind,
)
from tongpin.report.words import percent_text, points_text
from tongpin.twin.causes.breakdown import pieces
from tongpin.twin.causes.decompose import count_cases, take_apart


def fen(yuan: str) -> int:
    return int(Fraction(yuan) * 100)


def percent(value: Fraction) -> str:
    return percent_text(float(value))


def test_shangrao_lc19_lost_1_75_million_on_911_cases() -> None:
    """S002-22: 1.5 % of the cases, −175 万, about −1,920 yuan a case."""
    cases = cases_behind(fen("-1750000"), fen("-1920"))
    assert cases == 911
    assert round(whole_behind(cases, Fraction("0.015")), -1) == 60_730
    # The document's own quotient, left unrounded, gives the 60,764 of the requirement.
    assert whole_behind(fen("1750000"), Fraction("0.015") * fen("1920")) == 60_764
    assert round(per_case(fen("-1750000"), cases) / 100, -1) == -1_920


def test_shangrao_lc19_turned_to_a_surplus_on_957_cases() -> None:
    """S002-24: 1.8 % of the cases, +22.5 万, +235 yuan a case."""
    cases = cases_behind(fen("225000"), fen("235"))
    assert cases == 957
    assert round(per_case(fen("225000"), cases) / 100) == 235


def test_shangrao_lc19_before_and_after_is_taken_apart_exactly() -> None:
    """S002-22, S002-24: published counts and results a case; the fees behind them are made up here."""
    before = group(911, "LC19D", drug=2_000, consumable=3_920, exam=1_000, service=5_000, rate=10_000)
    after = group(957, "LC19D", drug=2_000, consumable=1_765, exam=1_000, service=5_000, rate=10_000)
    now, base = count_cases(lines(after), ()), count_cases(lines(before), ())
    (row,) = take_apart(now, base).to_pylist()
    assert (row["base_fen"], row["result_fen"]) == (fen("-1749120"), fen("224895"))
    assert row["volume"] == fen("-1920") * 46
    assert row["consumable"] == fen("2155") * 957
    assert row["volume"] + row["consumable"] == row["result_fen"] - row["base_fen"]


def test_shangrao_five_diagnoses_make_up_the_group() -> None:
    """S002-23: 80.4, 7.9, 5.4, 3.3 and 3 % sum to 100 %; these counts of 911 come nearest to them."""
    published = [Fraction(text) for text in ("80.4", "7.9", "5.4", "3.3", "3")]
    assert sum(published) == 100
    counts = [732, 72, 49, 30, 28]
    assert sum(counts) == 911
    rows = [
        row | {"doctor_code": f"dx{number}"}
        for number, count in enumerate(counts)
        for row in group(count, "LC19D", prefix=f"d{number}")
    ]
    found = {one.name: one for one in pieces(lines(rows), "doctor_code", -192_000, 1)}
    shares = [Fraction(found[f"dx{number}"].share_e4, 100) for number in range(5)]
    assert sum(shares) == 100
    assert all(abs(one - told) <= Fraction("0.11") for one, told in zip(shares, published, strict=True))


@pytest.mark.parametrize(
    ("now", "less", "before"),
    [
        ("33945.32", "-14635.92", "48581.24"),  # S002-16 次均费用
        ("1726.93", "-655.40", "2382.33"),  # S002-17 次均药品费
        ("23725.73", "-12114.77", "35840.50"),  # S002-18 次均耗材费
        ("174638.98", "316152.93", "-141513.95"),  # S002-20 医保结余
        ("5.43", "-1.24", "6.67"),  # S002-15 平均住院日
        ("12.34", "-1.22", "13.56"),  # S002-12 中山六院平均住院日
    ],
)
def test_what_was_before_is_derived_from_the_difference(now: str, less: str, before: str) -> None:
    """Luhe vascular surgery 2024-06 against 2022, Zhongshan 2024 against 2022."""
    assert base_of_difference(fen(now), fen(less)) == fen(before)


def test_luhe_shares_of_drugs_and_consumables() -> None:
    """S002-17, S002-18: 5.09 % and 69.89 % of 33,945.32 yuan; in surplus all the same."""
    assert percent(share(fen("1726.93"), fen("33945.32"))) == "5.09%"
    assert percent(share(fen("23725.73"), fen("33945.32"))) == "69.89%"


def test_luhe_before_and_after_in_the_published_indicators() -> None:
    """S002-14: five of the six have both years; CMI has only 2024 (1.78) and the city's values are not published."""
    after = {"fee": "33945.32", "drug": "1726.93", "consumable": "23725.73", "stay": "5.43"}
    less = {"fee": "-14635.92", "drug": "-655.40", "consumable": "-12114.77", "stay": "-1.24"}
    rates = {
        name: percent(change(fen(after[name]), base_of_difference(fen(after[name]), fen(less[name])))) for name in after
    }
    assert rates == {"fee": "−30.13%", "drug": "−27.51%", "consumable": "−33.80%", "stay": "−18.59%"}
    # The fall of drugs and consumables does not make up the whole fall of the fee: 1,865.75 yuan lie elsewhere.
    rest = fen(less["fee"]) - fen(less["drug"]) - fen(less["consumable"])
    assert rest == fen("-1865.75")
    with pytest.raises(ValueError, match="above zero"):
        change(fen("174638.98"), fen("-141513.95"))  # a loss has no rate of growth


def test_zhongshan_fee_of_2022_from_the_fall() -> None:
    """S002-11: 49,459 yuan in 2024, 24.71 % less than in 2022."""
    before = base_of_change(fen("49459"), Fraction("-0.2471"))
    assert before == fen("65691.33")
    assert percent(change(fen("49459"), before)) == "−24.71%"


def test_qingyang_settled_against_by_item() -> None:
    """S003-07, S003-08: 50,139.17 of 51,395.69 万元 over 226,479 cases."""
    drg, item, cases = fen("501391700"), fen("513956900"), 226_479
    assert percent(share(drg, item)) == "97.56%"
    assert item - drg == fen("12565200")
    assert (per_case(drg, cases), per_case(item, cases)) == (fen("2213.86"), fen("2269.34"))


def test_qingyang_mean_fee_fell() -> None:
    """S003-15: 4,068.67 → 3,949.78 yuan."""
    assert percent(change(fen("3949.78"), fen("4068.67"))) == "−2.92%"


def test_qingyang_institutions_in_surplus() -> None:
    """S003-16: 125 institutions are 73.52 % as printed; of 170 they are 73.53 %."""
    assert whole_behind(125, Fraction("0.7352")) == 170
    assert percent(share(125, 170)) == "73.53%"


def test_wuxi_light_groups_fell_in_percentage_points() -> None:
    """S004-21: 9.96 → 6.89 % of all, 8.42 → 5.48 % of tertiary; the cases are not published."""
    for now, before, points in (("0.0689", "0.0996", "−3.07"), ("0.0548", "0.0842", "−2.94")):
        assert points_text(float(Fraction(now) - Fraction(before))) == points


def test_high_surgery_share_rose_in_percentage_points() -> None:
    """S003-11: 54.07 → 64.66 %; the operations are not published."""
    assert points_text(float(Fraction("0.6466") - Fraction("0.5407"))) == "+10.59"


def test_impossible_bases_are_refused() -> None:
    for wrong in (
        lambda: cases_behind(fen("-10"), fen("5")),
        lambda: share(1, 0),
        lambda: base_of_change(1, Fraction(-1)),
        lambda: per_case(1, 0),
    ):
        with pytest.raises(ValueError, match=r"\w"):
            wrong()


@given(before=st.integers(1, 10**12), rate=st.integers(-9_000, 30_000))
def test_a_base_and_its_change_give_each_other_back(before: int, rate: int) -> None:
    moved = Fraction(rate, 10_000)
    now = round(before * (1 + moved))
    assert abs(base_of_change(now, moved) - before) <= 6  # the rounding of `now`, magnified by at most 1 ÷ 0.1
    assert base_of_difference(now, now - before) == before
