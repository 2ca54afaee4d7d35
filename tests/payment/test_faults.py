"""A clearing and a settlement that are killed leave nothing lost and nothing doubled: the bench of faults, in short."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest
from clearing_cases import clearing_edition, line, lines_of, statements_of
from payment_cases import write_policy

from tongpin.base.errors import TongpinError
from tongpin.bench import faults
from tongpin.bench.city_home import city_home, city_setting, linked_copy
from tongpin.bench.fault_children import ACTS, END, START, WRITING, WRITTEN
from tongpin.payment.month.closed import LINES, RUN, RUN_SCHEMA, RUNS, STATEMENTS, run_name
from tongpin.store import lake
from tongpin.store.home import Home

if TYPE_CHECKING:
    from pathlib import Path

MONTHS = [f"2025-{month:02d}" for month in range(1, 13)]
MONTH = "2025-06"
SMALLEST = 54
"""The hospital of the city with the fewest lists."""


@pytest.fixture
def year(tmp_path: Path) -> Home:
    """A home with the closed months of a year, ready to be cleared."""
    home = Home.open(tmp_path / "year")
    write_policy(home.policies / "test" / "2025", change=lambda data: clearing_edition(data, {"band.apply": "bands"}))
    lines = lines_of(*(line(f"{month}-a", 100, month=month, fee=106) for month in MONTHS))
    for name, rows, month in ((LINES, lines, "period"), (STATEMENTS, statements_of(lines), "month")):
        runs = pa.array([run_name("test", one) for one in rows[month].to_pylist()])
        lake.append(home, name, rows.append_column(RUN, runs))
    manifests = [{"month": month, "area": "test", "result_digest": month} for month in MONTHS]
    closed = [{"month": one["month"], "area": "test", "digest": "", "manifest": json.dumps(one)} for one in manifests]
    lake.append(home, RUNS, pa.Table.from_pylist(closed, schema=RUN_SCHEMA))
    return home


@pytest.fixture(scope="module")
def month(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home with the lists of a month of one hospital, ready to be settled."""
    return city_home(tmp_path_factory.mktemp("faults") / "home", city_setting().months[-1:], [SMALLEST])


def test_a_settlement_killed_once_at_every_boundary_loses_and_doubles_nothing(month: Home, tmp_path: Path) -> None:
    report = faults.disturb_at(month, "settle", MONTH, tmp_path)
    tables = (LINES, STATEMENTS, RUNS)
    passed = [f"{step} {name}" for name in tables for step in (WRITING, WRITTEN)]
    assert [kill.place for kill in report.kills] == [START, *passed]
    assert [kill.was_closed for kill in report.kills] == [False] * 6 + [True], "only the last write closes"
    assert report.differences == []
    assert report.undisturbed.sum_fen > 0
    assert not lake.exists(month, LINES), "only copies are killed"


def test_a_clearing_killed_at_random_points_loses_and_doubles_nothing(year: Home, tmp_path: Path) -> None:
    report = faults.disturb(year, "clear", "2025", 6, tmp_path)
    assert len(report.kills) == 6
    assert report.differences == []
    assert {kill.place for kill in report.kills} <= set(report.boundaries)
    assert report.boundaries[0] == START
    assert report.boundaries[-1] == END
    assert report.rows()[-1][1:] == ["6", str(sum(kill.was_closed for kill in report.kills)), "0"]
    assert report.undisturbed.sum_fen == sum(lake_sum(year, tmp_path))


def lake_sum(home: Home, folder: Path) -> list[int]:
    """The amounts that an undisturbed clearing of a copy leaves."""
    copy = linked_copy(home, folder / "again")
    ACTS["clear"](copy, "2025")
    table = lake.read(copy, "cleared_places", ["due_fen"])
    assert table is not None
    return table["due_fen"].to_pylist()


def test_what_is_lost_doubled_or_closed_too_early_is_found(month: Home, tmp_path: Path) -> None:
    marks, _, wanted = faults._undisturbed(month, "settle", MONTH, tmp_path, trials=1)

    def after(change: str) -> list[str]:
        copy = linked_copy(month, tmp_path / change)
        ACTS["settle"](copy, MONTH)
        lines = lake.read(copy, LINES)
        assert lines is not None
        if change == "doubled":
            lake.append(copy, STATEMENTS, lake.read(copy, STATEMENTS))
        if change == "another":
            lake.append(copy, "elsewhere", lines.slice(0, 1))
        if change == "early":
            return list(faults._compared(copy, "settle", MONTH, marks[:2], wanted).differences)
        return list(faults._compared(copy, "settle", MONTH, marks, wanted).differences)

    assert after("nothing") == []
    assert after("another") == ["杀在“已经做完”：表 elsewhere 不同"]
    assert after("early") == ["杀在“正在写 posted_lines”：关账记录已有"]
    failed, doubled = after("doubled")
    assert "摘要不符" in failed
    assert doubled == "杀在“已经做完”：表 statements 不同"


def test_a_run_that_fails_by_itself_is_no_kill(month: Home, tmp_path: Path) -> None:
    with pytest.raises(TongpinError, match="没有被杀却失败了"):
        faults.disturb(month, "settle", "1999-01", 1, tmp_path)
