"""Why spending differs from the year before: the parts by hand, and that they always sum to the difference."""

from __future__ import annotations

from clearing_cases import line, lines_of
from fund_cases import EMPLOYEES, month_row, one_fund, year_rows
from hypothesis import given
from hypothesis import strategies as st

from tongpin.payment.fund.causes import line_causes, series_causes
from tongpin.payment.fund.lines import READS
from tongpin.payment.fund.series import quarter_months

QUARTER = quarter_months("2025Q2")
SPAN = "2025年第2季度"


def months(year, spending, heads, inpatient=None):
    rows = []
    for number in (4, 5, 6):
        row = month_row(f"{year}-{number:02d}", 1, spending, enrolled_count=heads)
        rows.append(row if inpatient is None else row | {"inpatient_spending_fen": inpatient * 100})
    return rows


def posted(*rows):
    return lines_of(*rows).select(READS)


def test_spending_is_split_into_insured_stays_and_the_rest():
    fund = one_fund([*months(2024, 100, 1_000, 60), *months(2025, 120, 1_100, 72)])
    heads, stays, rest = series_causes(fund, SPAN, QUARTER)
    assert [one.label for one in (heads, stays, rest)] == ["参保人数", "人均住院支出", "人均其他支出"]
    # 300 yuan grow by 60: a tenth more insured make 30; stays 216 less 180 × 1.1 make 18; 12 are left.
    assert [one.amount_fen for one in (heads, stays, rest)] == [3_000, 1_800, 1_200]
    assert heads.formula == "平均参保人数变化 +10.00%"


def test_without_stays_in_the_series_the_rest_is_not_split():
    fund = one_fund([*months(2024, 100, 1_000), *months(2025, 120, 1_100)])
    assert [(one.label, one.amount_fen) for one in series_causes(fund, SPAN, QUARTER)] == [
        ("参保人数", 3_000),
        ("人均支出", 3_000),
    ]


def test_without_a_year_before_or_insured_there_is_no_cause():
    assert series_causes(one_fund(months(2025, 120, 1_100)), SPAN, QUARTER) == []
    assert series_causes(one_fund([*months(2024, 100, None), *months(2025, 120, 1_100)]), SPAN, QUARTER) == []


def test_what_hospitals_were_paid_is_split_into_stays_weight_and_pay():
    fund = one_fund(year_rows(2025, 1, 1, 100))
    before = posted(line("a", 100, standard=100), line("b", 100, standard=100, hospital="H4"))
    now = posted(
        line("c", 130, standard=120),
        line("d", 130, standard=120),
        line("e", 130, standard=120, hospital="H4"),
        line("x", 50, fund="390"),
        line("y", 0, pay_scope="OUT"),
    )
    stays, weight, rest = line_causes(fund, SPAN, now, before)
    # 200 become 390: half more stays make 100; a fifth more weight on 300 makes 60; 30 are pay per weight.
    assert [one.amount_fen for one in (stays, weight, rest)] == [10_000, 6_000, 3_000]
    assert stays.formula == "2 → 3（+50.00%）"
    assert "增加最多：医院H3" in rest.formula
    assert fund.fund == EMPLOYEES


def test_no_stays_the_year_before_leave_nothing_to_compare():
    fund = one_fund(year_rows(2025, 1, 1, 100))
    assert line_causes(fund, SPAN, posted(line("a", 1)), posted(line("b", 1, fund="390"))) == []


@given(st.tuples(*(st.integers(1, 10**9) for _ in range(6))))
def test_the_causes_always_sum_to_the_difference(drawn):
    before, now, heads_before, heads, stays_before, stays = drawn
    rows = [
        month_row(f"{year}-04", 1, 0, enrolled_count=count) | {"spending_fen": all_, "inpatient_spending_fen": part}
        for year, count, all_, part in ((2024, heads_before, before, stays_before), (2025, heads, now, stays))
    ]
    found = series_causes(one_fund(rows), SPAN, ("2025-04",))
    assert sum(one.amount_fen for one in found) == now - before
