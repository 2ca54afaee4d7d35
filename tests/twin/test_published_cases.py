"""Published cases recomputed from their own figures; what the documents do not give is not invented (S002, S003, S004).

Amounts in fen, days in hundredths, shares as exact fractions; the printed figure is compared to the digit printed.
"""

from __future__ import annotations

from fractions import Fraction

import pyarrow as pa
import pytest
from causes_cases import group, lines

from tongpin.base.money import round_half_up
from tongpin.measures.catalogue import load_measures
from tongpin.measures.compare import Vintage, change, growth
from tongpin.measures.compute import compute
from tongpin.measures.figures import load_sets
from tongpin.report.words import percent_text, points_text
from tongpin.twin.causes.breakdown import pieces
from tongpin.twin.causes.decompose import count_cases, take_apart


def fen(yuan: str) -> int:
    return int(Fraction(yuan) * 100)


def percent(value: Fraction) -> str:
    return percent_text(float(value))


def moved(measure: str, now: str, before: str) -> str:
    """The change of a measure as a table of figures says it: growth of amounts."""
    found = change(load_measures()[measure], float(now), float(before), (Vintage(), Vintage()))
    assert found.growth is not None
    return percent_text(found.growth)


def test_shangrao_lc19_counts_follow_from_its_published_results() -> None:
    """S002-22, S002-24: −175 万 at −1,920 a case are 911 cases of 60,764 in all; +22.5 万 at +235 are 957."""
    assert round(Fraction(-1_750_000, -1_920)) == 911
    assert round(Fraction(1_750_000, 1_920) / Fraction("0.015")) == 60_764
    assert round(Fraction(225_000, 235)) == 957


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
    ("measure", "now", "before", "rate"),
    [
        ("discharge.mean_stay", "5.43", "6.67", "−18.59%"),  # S002-15: 1.24 days less
        ("discharge.mean_stay", "12.34", "13.56", "−9.00%"),  # S002-12: 1.22 days less
        ("discharge.mean_fee", "33945.32", "48581.24", "−30.13%"),  # S002-16: 14,635.92 yuan less
        ("discharge.mean_drug_fee", "1726.93", "2382.33", "−27.51%"),  # S002-17: 655.40 less
        ("discharge.mean_consumable_fee", "23725.73", "35840.50", "−33.80%"),  # S002-18: 12,114.77 less
        ("discharge.mean_fee", "49459", "65691.33", "−24.71%"),  # S002-11, the rate is published
        ("discharge.mean_fee", "3949.78", "4068.67", "−2.92%"),  # S003-15, the rate is published
    ],
)
def test_published_means_against_the_period_before(measure: str, now: str, before: str, rate: str) -> None:
    """Luhe and Zhongshan print this period and the difference or the rate: the period before follows from both."""
    assert moved(measure, now, before) == rate


def test_luhe_differences_are_those_printed() -> None:
    """S002-14..20: what is now less what was, and what of the fall of the fee lies beside drugs and consumables."""
    before = {"fee": "48581.24", "drug": "2382.33", "consumable": "35840.50", "result": "-141513.95"}
    after = {"fee": "33945.32", "drug": "1726.93", "consumable": "23725.73", "result": "174638.98"}
    less = {name: fen(after[name]) - fen(before[name]) for name in before}
    assert less == {
        "fee": fen("-14635.92"),
        "drug": fen("-655.40"),
        "consumable": fen("-12114.77"),
        "result": fen("316152.93"),
    }
    assert less["fee"] - less["drug"] - less["consumable"] == fen("-1865.75")
    assert growth(float(after["result"]), float(before["result"])) is None, "a loss has no rate of growth"


@pytest.mark.parametrize(
    ("measure", "now", "before", "printed"),
    [
        ("discharge.mean_stay", "5.43", "6.67", "-1.24"),
        ("discharge.mean_fee", "33945.32", "48581.24", "-14635.92"),
        ("discharge.mean_drug_fee", "1726.93", "2382.33", "-655.40"),
        ("discharge.mean_consumable_fee", "23725.73", "35840.50", "-12114.77"),
    ],
)
def test_luhe_six_measures_as_the_table_says_their_change(measure: str, now: str, before: str, printed: str) -> None:
    """S002-14: four of the six with their printed difference; CMI has none, the city's values are not published."""
    chosen = load_measures()[measure]
    assert measure in load_sets()["six"].measures
    found = change(chosen, float(now), float(before), (Vintage(), Vintage()))
    assert found.difference is not None
    assert Fraction(str(round(found.difference, 2))) == Fraction(printed)
    assert chosen.direction == "降低"


def test_luhe_shares_of_drugs_and_consumables() -> None:
    """S002-17, S002-18: 5.09 % and 69.89 % of 33,945.32 yuan; in surplus all the same."""
    sums = {"drug_fee_fen": fen("1726.93"), "consumable_fee_fen": fen("23725.73"), "parted_fee_fen": fen("33945.32")}
    shares = [load_measures()[f"discharge.{name}_share"] for name in ("drug", "consumable")]
    (row,) = compute(pa.table({name: [value] for name, value in sums.items()}), shares).to_pylist()
    assert [percent_text(row[one.id]) for one in shares] == ["5.09%", "69.89%"]


def test_qingyang_settled_against_by_item() -> None:
    """S003-07, S003-08: 50,139.17 of 51,395.69 万元 over 226,479 cases."""
    sums = {"pool_payable_fen": fen("501391700"), "item_pool_fen": fen("513956900")}
    (row,) = compute(
        pa.table({name: [value] for name, value in sums.items()}), [load_measures()["settlement.pay_ratio"]]
    ).to_pylist()
    assert percent_text(row["settlement.pay_ratio"]) == "97.56%"
    assert sums["item_pool_fen"] - sums["pool_payable_fen"] == fen("12565200")
    assert [round_half_up(value, 226_479) for value in sums.values()] == [fen("2213.86"), fen("2269.34")]


def test_qingyang_institutions_in_surplus() -> None:
    """S003-16: 125 institutions are 73.52 % as printed; of 170 they are 73.53 %."""
    assert round(125 / Fraction("0.7352")) == 170
    assert percent(Fraction(125, 170)) == "73.53%"


def test_wuxi_light_groups_fell_in_percentage_points() -> None:
    """S004-21: 9.96 → 6.89 % of all, 8.42 → 5.48 % of tertiary; the cases are not published."""
    for now, before, points in (("0.0689", "0.0996", "−3.07"), ("0.0548", "0.0842", "−2.94")):
        assert points_text(float(Fraction(now) - Fraction(before))) == points


def test_high_surgery_share_rose_in_percentage_points() -> None:
    """S003-11: 54.07 → 64.66 %; the operations are not published."""
    assert points_text(float(Fraction("0.6466") - Fraction("0.5407"))) == "+10.59"
