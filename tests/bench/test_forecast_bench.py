"""The back-test of forecasts runs on a small hospital and says how often intervals held."""

from __future__ import annotations

import pytest

from tongpin.bench import forecast


def test_the_back_test_counts_both_desks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forecast, "YEARS", (2022,))
    report = forecast.run(1, workers=1)
    assert report.hospitals == 1
    assert {one.desk for one in report.outcomes} == {forecast.SETTLEMENT, forecast.INDICATOR}
    settled = [one for one in report.outcomes if one.desk == forecast.SETTLEMENT]
    computed_again = [one for one in settled if "第 10 步重算" in one.what]
    assert len(settled) - len(computed_again) == 2 * 2 * 3, "two funds, the months 6 and 9, three amounts"
    assert len(computed_again) == 2 * 2 * 2, "what is due and the surplus once more, by a rate computed again"
    assert {one.history for one in settled} == {6, 9}
    assert all(one.inside[95] >= one.inside[80] for one in report.outcomes)
    assert all(one.width[95] >= one.width[80] >= 0 for one in report.outcomes)
    rows = report.rows()
    assert [len(row) for row in rows] == [len(report.HEADS)] * len(rows)
    data = report.as_dict()["coverage"]
    whole = next(row for row in data if row["desk"] == forecast.SETTLEMENT and row["what"] == "合计")
    assert whole["count"] == len(settled)
    assert whole["held_95"] == sum(one.inside[95] for one in settled) / len(settled)


def test_hospitals_are_paid_by_group_and_fill_the_count() -> None:
    setting = forecast._setting()
    one, more = (forecast._hospitals(setting, count) for count in (1, 100_000))
    assert len(one) == 1 < len(more)
    assert all(setting.hospitals[number].pay != "observed" for number in more)
