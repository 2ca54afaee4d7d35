"""`tongpin city` as its users type it."""

from __future__ import annotations

import json
import sys

import pytest

from tongpin.cli import main


@pytest.fixture
def tongpin(capsys, monkeypatch):
    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["tongpin", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        captured = capsys.readouterr()
        return int(ended.value.code or 0), captured.out, captured.err

    return run


def test_a_county_in_plain_layout(tongpin, tmp_path):
    out = tmp_path / "city"
    code, said, _ = tongpin(
        *("city", out, "--profile", "county-west", "--cases", 100, "--layout", "plain", "--home", tmp_path / "home"),
    )
    assert code == 0
    assert "西部县域" in said
    assert "合成数据" in said
    assert len(list((out / "files" / "2025-06" / "plain").iterdir())) == 4


def test_machines_read_json_and_another_seed_writes_another_city(tongpin, tmp_path):
    answers = []
    for seed in (1, 2):
        out = tmp_path / str(seed)
        _, said, _ = tongpin(
            *("city", out, "--cases", 100, "--layout", "plain", "--seed", seed, "--json", "--home", tmp_path / "home"),
        )
        answers.append(json.loads(said))
    assert all(answer["ok"] and answer["scheme"] == "demo-drg" for answer in answers)
    assert [answer["city"]["seed"] for answer in answers] == [1, 2]
    first, second = ((tmp_path / seed / "files" / "2025-06" / "plain").glob("*.parquet") for seed in ("1", "2"))
    assert {path.read_bytes() for path in first}.isdisjoint({path.read_bytes() for path in second})


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (("--scheme", "nope"), "demo-drg"),
        (("--months", "99"), "42"),
        (("--profile", "atlantis"), "county-west"),
        (("--layout", "pdf"), "national"),
        (("--layouts", "most"), "some"),
        (("--cases", "5", "--months", "1"), "--cases"),
    ],
)
def test_what_cannot_be_built_is_refused_with_what_can(tongpin, tmp_path, wrong, said):
    out = tmp_path / "city"
    code, _, error = tongpin("city", out, *wrong, "--home", tmp_path / "home")
    assert code == 1
    assert said in error
    assert not out.exists()
