"""The example client and the mock HIS work as docs/api.md says, against the served workbench."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tongpin.records.intake.load import CASES, read_loaded
from tongpin.workbench.app import create_app
from tongpin.workbench.sign_in import sessions, users
from tongpin.workbench.sign_in.roles import permissions
from tongpin.workbench.sign_in.users import Wanted, now

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .conftest import City

DOCS = Path(__file__).parents[2] / "docs"
EXAMPLES = DOCS / "examples"
DAYS, A_DAY = 4, 10
SCOPES = ["files.upload", "cases.group", "cases.price", "findings.read"]


@pytest.fixture(scope="module")
def hospital(city: City) -> str:
    """The hospital of the city with most lists."""
    codes = read_loaded(city.home, CASES, ["institution_code"])["institution_code"].to_pylist()
    return str(Counter(codes).most_common(1)[0][0])


@pytest.fixture(scope="module")
def lists(city: City, hospital: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Lists of the hospital, some days of them, under ids that nobody has seen."""
    loaded = set(read_loaded(city.home, CASES, ["case_id"])["case_id"].to_pylist())
    files = sorted(city.home.demo.glob(f"files/*/settlement-list/{hospital}.jsonl"))
    by_day: dict[str, dict[str, Any]] = {}
    for line in files[-1].read_text(encoding="utf-8").splitlines():
        one = json.loads(line)
        if (head := one["setlinfo"])["setl_id"] in loaded:
            by_day.setdefault(head["dscg_time"][:10], {})[head["setl_id"]] = one
    chosen = [
        one
        for day in sorted(by_day, key=lambda day: -len(by_day[day]))[:DAYS]
        for one in list(by_day[day].values())[:A_DAY]
    ]
    path = tmp_path_factory.mktemp("his") / "lists.jsonl"
    with path.open("w", encoding="utf-8") as file:
        for number, one in enumerate(chosen):
            one["setlinfo"] |= {"setl_id": f"HIS{number:05}", "mdtrt_id": f"HISM{number:05}"}
            file.write(json.dumps(one, ensure_ascii=False) + "\n")
    return path


@pytest.fixture(scope="module")
def address(city: City, hospital: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str, Any]]:
    """A workbench of its own on a port, and a token of the hospital's office: the city is only read."""
    import shutil

    import uvicorn

    from tongpin.store.home import Home

    root = tmp_path_factory.mktemp("served") / "home"
    city.app.state.workbench.engine.dispose()
    shutil.copytree(city.home.root, root)
    home = Home.open(root)
    app = create_app(home)
    engine = app.state.workbench.engine
    with engine.begin() as connection:
        wanted = [Wanted("insurance_office", hospital=hospital)]
        number, _ = users.create(connection, home, "his", "HIS", wanted, by=users.SYSTEM, password="x" * 12)
        identity = sessions.open_session(connection, number, "test").identity
        token = sessions.make_token(connection, home, identity, "HIS", SCOPES, now() + timedelta(days=1))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_level="warning"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + 20
    while not server.started:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    yield f"http://127.0.0.1:{port}", token, home
    server.should_exit = True
    thread.join(timeout=10)


@pytest.fixture
def examples(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The example modules, as a script beside them would import them."""
    monkeypatch.syspath_prepend(str(EXAMPLES))
    import importlib

    yield importlib.import_module("api_client"), importlib.import_module("mock_his")
    for name in ("api_client", "mock_his"):
        sys.modules.pop(name, None)


def test_the_client_groups_prices_and_reads(examples: Any, address: tuple[str, str, Any]) -> None:
    client, _ = examples
    url, token, _ = address
    with client.Tongpin(url, token) as tongpin:
        (one,) = tongpin.group([{"case_id": "1", "sex": 1, "age": 59, "dx": ["C34.100"], "px": ["32.2000"]}])
        assert one["status"] == "grouped"
        assert list(tongpin.rows("findings", limit=2)) == list(tongpin.rows("findings"))
        assert len(list(tongpin.rows("findings"))) > 2
        with pytest.raises(client.Refused) as caught:
            list(tongpin.rows("statements", month="2025-06"))
        assert (caught.value.code, caught.value.status) == ("sign_in.denied", 403)


def test_the_client_waits_where_it_is_told_to(
    examples: Any, address: tuple[str, str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    client, _ = examples
    url, _, home = address
    from tongpin.store.control import control_engine

    with control_engine(home).begin() as connection:
        number = connection.exec_driver_sql("SELECT id FROM users WHERE name = 'his'").scalar_one()
        identity = sessions.open_session(connection, number, "test").identity
        token = sessions.make_token(connection, home, identity, "slow", SCOPES, now() + timedelta(days=1), 1)
    waited: list[float] = []
    monkeypatch.setattr(client.time, "sleep", waited.append)
    with client.Tongpin(url, token) as tongpin:
        list(tongpin.rows("findings", case_id="none"))
        with pytest.raises(client.Refused) as caught:
            list(tongpin.rows("findings", case_id="none"))
    assert caught.value.code == "tokens.pace"
    assert len(waited) == client.TRIES - 1
    assert all(0 < seconds <= 60 for seconds in waited)


def test_the_mock_his_sends_corrects_and_sends_again(
    city: City, address: tuple[str, str, Any], lists: Path, hospital: str
) -> None:
    url, token, home = address
    count = len(lists.read_text(encoding="utf-8").splitlines())
    assert count > 20
    ran = subprocess.run(
        [sys.executable, str(EXAMPLES / "mock_his.py"), "--url", url, "--token", token, str(lists)],
        capture_output=True,
        text=True,
        encoding="utf-8",
        env=os.environ | {"PYTHONIOENCODING": "utf-8"},
        timeout=120,
        check=True,
    )
    days = [list(map(int, re.findall(r"(?:送|问题|重传|还剩) (\d+)", line))) for line in ran.stdout.splitlines()]
    assert len(days) == DAYS
    assert sum(day[0] for day in days) == count
    assert sum(day[2] for day in days) >= count // 4, "one list in four had a mistake"
    table = read_loaded(home, CASES, ["case_id", "institution_code", "los", "admission_time", "discharge_time"])
    kept = {row["case_id"]: row for row in table.to_pylist() if row["case_id"].startswith("HIS")}
    assert len(kept) == count
    assert {row["institution_code"] for row in kept.values()} == {hospital}
    open_findings = read_loaded(home, "findings")
    left = [
        row
        for row in open_findings.to_pylist()
        if row["status"] == "open" and (row["case_id"] or "").startswith("HIS") and row["path"].endswith("act_ipt_days")
    ]
    assert left == [], "what was mended is no longer open"


def test_the_page_of_the_api_names_every_route_of_programs_and_every_scope(city: City) -> None:
    text = (DOCS / "api.md").read_text(encoding="utf-8")
    for path, methods in city.app.openapi()["paths"].items():
        for method, operation in methods.items():
            if {"机器", "取数"} & set(operation["tags"]):
                assert f"`{method.upper()} {path}`" in text, path
    for name in re.findall(r"`([a-z]+\.[a-z]+)`", text.split("## 范围")[1].split("##")[0]):
        assert name in permissions(), name
