"""The bench of the workbench: its load is an open loop, its home is its own, its requests stand in the year."""

from __future__ import annotations

import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest

from tongpin.base.errors import TongpinError
from tongpin.bench.open_loop import Asker, Request, fetched, loaded
from tongpin.bench.web import Line, WebReport
from tongpin.bench.web_home import web_home

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ONE_SECONDS = 0.02


class Slow(ThreadingHTTPServer):
    """A server that answers one request at a time, each after ONE_SECONDS; `/no` it refuses."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.turn = threading.Lock()
        self.cookies: set[str] = set()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Slow

    def do_GET(self) -> None:
        with self.server.turn:
            time.sleep(ONE_SECONDS)
            self.server.cookies.add(self.headers.get("Cookie", ""))
        self.send_response(403 if self.path == "/no" else 200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@pytest.fixture
def slow() -> Iterator[Slow]:
    with Slow() as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_waiting_for_ones_turn_counts_from_the_planned_moment(slow: Slow) -> None:
    askers = [Asker(f"cookie{number}", "token") for number in range(5)]
    load = loaded(
        slow.server_port, askers, [Request("GET", "/"), Request("GET", "/no")], 1.5 / ONE_SECONDS, 40 * ONE_SECONDS
    )
    assert len(load.latencies) == 60
    # Half as many again as it can answer: the last of 60 has waited for a third of them, not for its own time only.
    assert max(load.latencies) > 10 * ONE_SECONDS
    assert load.latencies[-1] > 5 * load.latencies[0]
    assert load.failures == 30
    assert slow.cookies == {f"tongpin_session={one.cookie}" for one in askers}


def test_an_answer_keeps_its_status_and_body(slow: Slow) -> None:
    found = fetched(slow.server_port, None, [Request("GET", "/"), Request("GET", "/no")], afresh=True)
    assert [(one.status, one.body) for one in found] == [(200, b"{}"), (403, b"{}")]


def test_the_bench_makes_users_in_no_home_but_its_own(tmp_path: Path) -> None:
    (tmp_path / "patient.key").write_text("a home that is in use", encoding="utf-8")
    with pytest.raises(TongpinError, match="别的东西") as refused:
        web_home(tmp_path, 1_000)
    assert refused.value.code == "bench.home"
    assert [path.name for path in tmp_path.iterdir()] == ["patient.key"]


def test_a_report_says_what_was_asked_and_what_does_not_hold() -> None:
    lines = (Line("95%", "151 毫秒", "≤ 150 毫秒", holds=False), Line("没有成功的请求", "0", "0", holds=True))
    report = WebReport("列表筛选", lines, ("说明",), {"p95": 0.151})
    assert [row[-1] for row in report.rows()] == ["否", "是"]
    assert report.as_dict()["lines"][0]["holds"] is False
