"""The evaluation of hospitals: classes, scores, intervals, reviews and the table, each by hand (S004-23)."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tongpin.base.errors import TongpinError
from tongpin.measures.catalogue import load_measures
from tongpin.measures.compare import Change
from tongpin.measures.evaluation.catalogue import evaluation_table, own_file, write_table
from tongpin.measures.evaluation.classes import peer_classes
from tongpin.measures.evaluation.columns import Rules, column_of, exact_column
from tongpin.measures.evaluation.reviews import FILE, judged, read_reviews
from tongpin.measures.evaluation.scoring import Drawn, bounds, class_scores, rank_range, redraw, weighted
from tongpin.measures.figures import Comparison, Figure
from tongpin.measures.ranks import ABOVE_INNER, ABOVE_OUTER, WITHIN, Funnel
from tongpin.store.home import Home

if TYPE_CHECKING:
    from pathlib import Path

ENDS = {"full_e4": 7500, "zero_e4": 500}
CMI, FEE_INDEX = load_measures()["discharge.cmi"], load_measures()["discharge.fee_index.mean_form"]
RULES = Rules("percentile", smallest=3, draws=400, full_e4=7500, zero_e4=500)


def figure(value: float | None, count: int = 200, half: float = 0.01, measure: object = CMI) -> Figure:
    """A figure with an interval of this half."""
    low, high = (None, None) if value is None else (value - half, value + half)
    return Figure({"institution_code": "H"}, {}, measure, value, count, low, high)  # type: ignore[arg-type]


def scores(values: list[float], sign: int, method: str = "percentile") -> list[float]:
    return [float(one) for one in class_scores(np.array(values), sign, method, **ENDS)]


def test_a_percentile_counts_who_is_worse_and_ties_as_halves() -> None:
    assert scores([0.8, 0.9, 1.0, 1.1, 1.2], 1) == [0, 25, 50, 75, 100]
    # Less is better: the order turns. Two alike among five: one worse, one tie: (1 + ½) ÷ 4.
    assert scores([1.0, 1.1, 1.1, 1.2, 0.9], -1) == [75, 37.5, 37.5, 0, 100]
    assert scores([1.0, 1.0, 1.0], 1) == [50, 50, 50]
    assert scores([1.0], 1) == [50]


def test_a_distance_runs_from_the_zero_point_to_the_full_point() -> None:
    # Of 0, 10 … 100 the 5th percentile is 5 and the 75th is 75: 40 lies (40 − 5) ÷ 70 of the way.
    values = [float(one) for one in range(0, 101, 10)]
    found = scores(values, 1, "distance")
    assert found[4] == pytest.approx(50.0)
    assert found[0] == 0.0
    assert found[8:] == [100.0, 100.0, 100.0]
    # Less is better: the full point is 25, the zero point 95.
    assert scores(values, -1, "distance")[6] == pytest.approx((95 - 60) / 70 * 100)
    assert scores([1.0, 1.0, 1.0], 1, "distance") == [100, 100, 100]


def test_missing_parts_give_their_weight_to_the_others_or_leave_no_score() -> None:
    parts = [
        Drawn(np.array([80.0, 80.0, np.nan]), np.full((4, 3), 80.0)),
        Drawn(np.array([20.0, np.nan, np.nan]), np.full((4, 3), 20.0)),
    ]
    parts[0].draws[:, 2] = parts[1].draws[:, 1] = parts[1].draws[:, 2] = np.nan
    whole = weighted(parts, [60, 40], 5000).plain
    assert whole[0] == pytest.approx(80 * 0.6 + 20 * 0.4)
    assert whole[1] == pytest.approx(80)
    assert np.isnan(whole[2])
    # 60 of 100 there: enough for a half, too little for 70 %; and `refuse` takes no excuse.
    assert np.isnan(weighted(parts, [60, 40], 7000).plain[1])
    assert np.isnan(weighted(parts, [60, 40], 5000, refuse=True).plain[1])


def test_few_cases_make_a_wide_interval_and_a_range_of_places_not_a_rank() -> None:
    value = np.array([0.70, 0.90, 0.92, 1.30])
    half = np.array([0.01, 0.15, 0.15, 0.01])
    drawn = redraw(value, value - half, value + half, 2000, place=0, most=np.inf)
    low, high = bounds(Drawn(np.array(scores(list(value), 1)), class_scores(drawn, 1, "percentile", **ENDS)))
    first, last, ranked = rank_range(class_scores(drawn, 1, "percentile", **ENDS))
    assert ranked == 4
    assert [(first[0], last[0]), (first[3], last[3])] == [(4, 4), (1, 1)]
    assert [(first[at], last[at]) for at in (1, 2)] == [(2, 3), (2, 3)]
    assert (low[1], high[1]) == pytest.approx((100 / 3, 200 / 3))
    assert low[0] == high[0] == 0


def test_draws_are_always_the_same_and_each_measure_has_its_own() -> None:
    value, half = np.array([1.0, 2.0]), np.array([0.5, 0.5])
    once, again, other = (redraw(value, value - half, value + half, 50, place=at, most=9.0) for at in (1, 1, 2))
    assert (once == again).all()
    assert (once != other).any()
    sure = redraw(value, np.array([np.nan, np.nan]), np.array([np.nan, np.nan]), 5, place=1, most=9.0)
    assert (sure == value).all()


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.floats(0.01, 5), min_size=2, max_size=9),
    st.sampled_from([1, -1]),
    st.sampled_from(["percentile", "distance"]),
)
def test_scores_lie_between_0_and_100_and_keep_the_order(values: list[float], sign: int, method: str) -> None:
    found = scores(values, sign, method)
    assert all(0 <= one <= 100 for one in found)
    order = np.argsort(np.array(values) * sign, kind="stable")
    assert all(found[a] <= found[b] + 1e-9 for a, b in pairwise(order))
    # Turning the sign and the values turns nothing else.
    if method == "percentile":
        assert sum(found) == pytest.approx(50 * len(values))


def test_a_class_too_small_is_widened_and_says_so() -> None:
    register = {
        **{f"A{n}": {"settlement_level": "二级", "manual": "综合二级"} for n in range(3)},
        "B": {"settlement_level": "二级", "manual": "中医二级"},
        "C": {"settlement_level": "三级", "manual": "综合三级"},
    }
    classes = peer_classes(register, sorted(register), [("settlement_level", "manual"), ("settlement_level",)], 3)
    assert (classes["A0"].label, classes["A0"].members, classes["A0"].widened) == (
        "二级·综合二级",
        ("A0", "A1", "A2"),
        "",
    )
    assert classes["B"].members == ("A0", "A1", "A2", "B")
    assert classes["B"].widened == "二级·中医二级只有 1 家，不足 3 家，并到二级"
    assert classes["C"].members == ()
    assert "没有可比的同类" in classes["C"].widened


def test_a_figure_of_few_cases_is_not_scored_and_says_why() -> None:
    column = column_of(CMI, [figure(0.8), figure(0.9), figure(1.0), figure(1.5, count=5), figure(None)], RULES, 0)
    assert column.drawn.plain[:3].tolist() == [0, 50, 100]
    assert np.isnan(column.drawn.plain[3:]).all()
    assert column.notes[3:] == ("只有 5 例，少于 30 例", "没有可用的数")
    assert column.hows[1] == "3 家中好于 1 家（并列算半家）÷ 2 × 100"
    assert column.places is not None
    assert column.places.first.tolist()[:4] == [3, 2, 1, 0]
    alone = column_of(CMI, [figure(0.8), figure(0.9), figure(1.0, count=5)], RULES, 0)
    assert np.isnan(alone.drawn.plain).all()
    assert alone.notes[0] == "同类有数的只有 2 家，少于 3 家"


def test_less_is_better_where_the_measure_says_so() -> None:
    column = column_of(FEE_INDEX, [figure(one, measure=FEE_INDEX) for one in (0.9, 1.0, 1.1)], RULES, 1)
    assert column.drawn.plain.tolist() == [100, 50, 0]
    far = column_of(
        FEE_INDEX, [figure(one, measure=FEE_INDEX) for one in (0.9, 1.0, 1.1)], RULES._replace(method="distance"), 1
    )
    assert "零分点 1.090、满分点 0.950" in far.hows[0]


def limits(verdict: str, expected: float = 0.4) -> Funnel:
    return Funnel(expected, 2, 3, 0.01, verdict)


def test_a_death_alone_is_no_veto_and_beyond_the_limit_the_cases_are_reviewed_first() -> None:
    assert judged(limits(WITHIN), None).score == 100
    assert judged(limits(ABOVE_INNER), None).score == 100
    waiting = judged(limits(ABOVE_OUTER), None)
    assert waiting.score is None
    assert "复核之前不计分，也不否决" in waiting.why
    assert judged(limits(ABOVE_OUTER), ("不属实", "质控〔2025〕3 号")).score == 100
    confirmed = judged(limits(ABOVE_OUTER), ("属实", "质控〔2025〕3 号"))
    assert confirmed.score == 0
    assert "质控〔2025〕3 号" in confirmed.why
    # Found true, but within the limit: chance explains it, nothing is taken.
    assert judged(limits(WITHIN), ("属实", "质控〔2025〕3 号")).score == 100


def test_rates_of_rare_events_have_limits_and_no_places() -> None:
    death = load_measures()["discharge.low_risk_mortality"]
    one = Figure(
        {},
        {},
        death,
        0.002,
        500,
        0.0,
        0.01,
        compared=Comparison("region", "", 0.0002, Change(), "", funnel=limits(WITHIN, 0.1)),
    )
    column = exact_column([one, Figure({}, {}, death, None, note="没有可用的数")], [None, None], 3)
    assert column.drawn.plain[0] == 100
    assert np.isnan(column.drawn.plain[1])
    assert column.places is None
    assert column.hows[0] == "500 例中 1 例，期望 0.10 例，内界 2 例，外界 3 例：在界内"
    assert column.notes == ("", "没有可用的数")


def test_reviews_name_their_document(tmp_path: Path) -> None:
    home = Home.open(tmp_path)
    assert read_reviews(home) == {}
    (tmp_path / "evaluation").mkdir()
    path = tmp_path / "evaluation" / FILE
    head = "institution_code,measure,months,finding,document\n"
    path.write_text(f"{head}H1,discharge.low_risk_mortality,2025-06,属实,质控 3 号\n", encoding="utf-8")
    assert read_reviews(home) == {("H1", "discharge.low_risk_mortality", "2025-06"): ("属实", "质控 3 号")}
    for row in (
        "H1,m,2025-06,也许,质控 3 号\n",
        "H1,m,2025-06,属实,\n",
        "H1,m,2025-06,属实,甲\nH1,m,2025-06,不属实,乙\n",
    ):
        path.write_text(head + row, encoding="utf-8")
        with pytest.raises(TongpinError) as refused:
            read_reviews(home)
        assert refused.value.code == "evaluation.reviews"


def test_the_shipped_table_stands_and_a_home_may_keep_its_own(tmp_path: Path) -> None:
    home = Home.open(tmp_path)
    table, source = evaluation_table(home)
    assert source == "随包"
    assert [one.label for one in table.dimensions] == ["能力", "效率", "费用控制", "质量安全", "医保结算", "数据质量"]
    assert table.assumed
    path = write_table(home)
    path.write_text(
        path.read_text(encoding="utf-8").replace("method: percentile", "method: distance"), encoding="utf-8"
    )
    assert write_table(home) == path
    assert (evaluation_table(home)[0].method, evaluation_table(home)[1]) == ("distance", "本目录")


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("weight: 50}", "weight: 51}", "evaluation.weights"),
        ("method: percentile", "method: guess", "evaluation.shape"),
        ("method: percentile", "method: percentile\nmore: 1", "evaluation.shape"),
        ("{measure: discharge.surgery_share,", "{measure: discharge.mortality,", "evaluation.monitored"),
        ("{measure: discharge.surgery_share,", "{measure: discharge.cmi,", "evaluation.twice"),
        ("{measure: discharge.surgery_share,", "{measure: discharge.nothing,", "evaluation.measure"),
        ("{id: draws,", "{id: pulls,", "evaluation.shape"),
    ],
)
def test_a_table_that_does_not_stand_is_refused(tmp_path: Path, old: str, new: str, code: str) -> None:
    home = Home.open(tmp_path)
    path = write_table(home)
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(TongpinError) as refused:
        evaluation_table(home)
    assert refused.value.code == code
    assert own_file(home) == path
