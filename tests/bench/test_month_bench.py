"""The benchmarks of settling: a city home holds what the plan says, and both measure what they name."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow.compute as pc
import pytest
import typer

from tongpin.bench import faults, month
from tongpin.bench.city_home import city_home, city_setting, linked_copy
from tongpin.cli import house_commands
from tongpin.payment.month.run import settle_in_home
from tongpin.records.intake.lake_tables import CASES, read_loaded
from tongpin.store import lake

if TYPE_CHECKING:
    from pathlib import Path

SMALL = [50, 54]
"""Two small hospitals."""


def test_a_city_home_holds_the_lists_of_the_plan_and_their_pages(tmp_path: Path) -> None:
    setting = city_setting()
    months = setting.months[-2:]
    home = city_home(tmp_path / "home", months, SMALL, pages=True)
    cases = read_loaded(home, CASES)
    planned = sum(setting.list_count(one, hospital) for one in months for hospital in SMALL)
    lists = cases.filter(pc.equal(cases["source"], "settlement_list"))
    assert lists.num_rows == planned
    assert cases.num_rows > 1.8 * planned, "pages, also of those who pay themselves"
    assert lake.unfinished(home) == set()
    closed = settle_in_home(linked_copy(home, tmp_path / "copy"), "2025-06").settlement
    assert closed.lines.num_rows > 0
    assert not lake.exists(home, "posted_lines"), "the copy was settled, not the home"


def test_the_hospitals_of_a_bench_have_about_the_lists_that_are_asked_for() -> None:
    setting = city_setting()
    months = setting.months[-36:]
    everyone = month.hospitals_for(setting, months, 10**9)
    assert everyone == list(range(len(setting.hospitals)))
    total = sum(setting.list_count(one, hospital) for one in months for hospital in everyone)
    assert total > 1_000_000, "three years of the city"
    assert month.hospitals_for(setting, months, 1) == [0]


@pytest.mark.parametrize(("bench", "seconds"), [(month.settle, "settle_seconds"), (month.impact, "command_seconds")])
def test_a_bench_of_settling_times_its_steps_beside_the_mere_read(bench, seconds: str) -> None:
    (result,) = bench(300)
    assert dict(result.figures)[seconds] > 0
    assert result.timings[0].step.startswith("只读")
    assert all(timing.seconds > 0 and timing.cases > 0 for timing in result.timings)
    assert "要求不超过" in result.notes[0]


def test_the_command_of_faults_ends_with_one_when_something_differs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    undisturbed = faults.State({"posted_lines": (3, "a")}, 1_234, {})
    kills = (faults.Kill(faults.START, was_closed=False, differences=()),)
    report = faults.FaultReport("settle", "2025-06", undisturbed, 1.0, 0.5, (faults.START, faults.END), kills)
    monkeypatch.setattr(faults, "run", lambda _: [report])
    house_commands.bench("faults", None, None, None, 1)
    assert "不同 0 处" in capsys.readouterr().out
    wrong = (*kills, faults.Kill(faults.END, was_closed=True, differences=("表 statements 不同",)))
    doubled = faults.FaultReport("settle", "2025-06", undisturbed, 1.0, 0.5, (faults.START, faults.END), wrong)
    monkeypatch.setattr(faults, "run", lambda _: [doubled])
    with pytest.raises(typer.Exit) as ended:
        house_commands.bench("faults", None, None, None, 2)
    assert ended.value.exit_code == 1
    assert "不同 1 处；表 statements 不同" in capsys.readouterr().out
