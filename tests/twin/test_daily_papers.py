"""The daily page on screen, as a page, as a short text, and pushed to an address that listens."""

from __future__ import annotations

import json
import re
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING, Any, ClassVar

import pytest
from daily_home import CODE, ON, empty_home, full_home
from hypothesis import given, settings
from hypothesis import strategies as st

from tongpin.base.errors import TongpinError
from tongpin.cli import main
from tongpin.twin.daily.page import daily_html
from tongpin.twin.daily.push import check_address, push
from tongpin.twin.daily.run import daily_in_home
from tongpin.twin.daily.words import short_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tongpin.store.home import Home
    from tongpin.twin.daily.run import Daily


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    return full_home(tmp_path_factory.mktemp("daily"))


@pytest.fixture(scope="module")
def page(home: Home) -> Daily:
    return daily_in_home(home, CODE, ON)


class Listener(BaseHTTPRequestHandler):
    """Keeps what it is sent; answers by the path."""

    got: ClassVar[list[dict[str, Any]]] = []

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.got.append({"type": self.headers["Content-Type"], **json.loads(body)})
        status = {"/ok": 204, "/moved": 302}.get(self.path, 500)
        self.send_response(status)
        if status == 302:
            self.send_header("Location", "/ok")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), Listener)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def tongpin(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, home: Home):
    def run(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["tongpin", *map(str, arguments), "--home", str(home.root)])
        code = 0
        try:
            main()
        except SystemExit as ended:
            code = int(ended.code or 0)
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


def text_of(markup: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", markup))


def test_the_page_stands_alone_and_says_what_it_rests_on(page: Daily) -> None:
    markup = daily_html(page)
    assert "default-src 'none'" in markup
    assert not re.search(r"<script|src=|href=|url\(|https?://", markup)
    said = text_of(markup.split("</style>")[-1])
    assert all(one.block.form in said for one in page.told)
    assert "模拟" in said
    assert "15,000.00 14,813.09 186.91" in said
    assert "没有关账" in said or "没有已关账" in said
    assert page.advice[0] in said


def test_a_page_without_data_is_a_page(tmp_path: Any) -> None:
    empty = daily_in_home(empty_home(tmp_path), CODE, ON)
    said = text_of(daily_html(empty))
    assert said.count("要装载：") == 4
    assert short_text(empty).startswith(
        "示例一院6月11日院长日报。没有数：昨日出院、在院超标准、清单退回、预计月结、单议候选"
    )


def test_the_short_text(page: Daily) -> None:
    text = short_text(page)
    assert len(text) <= 300
    assert "昨日出院4例，费用1.45万元，未入组1例；按病组标准预计−0.12万元" in text
    assert "在院9人：费用已超标准2人" in text
    assert "今天退回2份，其中2份同一原因（主要诊断笼统）；待重传3份，最早6月17日到期" in text
    assert text.endswith("模拟。")


@settings(max_examples=30)
@given(st.text("字例", min_size=1, max_size=280))
def test_the_short_text_never_passes_its_limit_and_keeps_its_mark(page: Daily, name: str) -> None:
    text = short_text(page.__class__(**{**page.__dict__, "hospital_name": name}))
    assert len(text) <= 300
    assert text.endswith("模拟。")


def test_the_command_writes_page_and_text_and_pushes_nothing_unasked(tongpin: Any, home: Home, address: str) -> None:
    Listener.got.clear()
    found = json.loads(tongpin("report", "daily", "--hospital", "示例一院", "--on", ON, "--json")[1])
    assert (found["figures"]["in_house"]["over"], found["pushed"]) == (2, None)
    assert [one["mdtrt_id"] for one in found["over"]] == ["OVER", "OWN"]
    stored = home.reports / f"院长日报-{CODE}-{ON}.txt"
    assert stored.read_text(encoding="utf-8") == found["text"] + "\n"
    assert stored.with_suffix(".html").exists()
    assert Listener.got == []


def test_a_push_brings_text_and_sums_but_no_patient(tongpin: Any, address: str) -> None:
    Listener.got.clear()
    code, out, _ = tongpin("report", "daily", "--hospital", CODE, "--on", ON, "--push", f"{address}/ok")
    assert (code, "答复 204" in out) == (0, True)
    assert "在院费用已超标准的 2 人" in out
    assert "不是扣款" in out
    (sent,) = Listener.got
    assert sent["type"].startswith("application/json")
    assert (sent["hospital"], sent["on"]) == (CODE, "2025-06-11")
    assert sent["figures"]["yesterday"]["result_fen"] == -117_345
    assert "昨日出院4例" in sent["text"]
    assert not re.search(r"OVER|STENT|R-A|S-KNIFE", json.dumps(sent, ensure_ascii=False))


@pytest.mark.parametrize(("path", "said"), [("/full", "答复 500"), ("/moved", "答复 302")])
def test_a_push_that_is_refused_or_sent_elsewhere_fails(page: Daily, address: str, path: str, said: str) -> None:
    with pytest.raises(TongpinError, match=said) as caught:
        push(page, address + path)
    assert caught.value.code == "daily.push"


def test_nobody_listens(page: Daily) -> None:
    with pytest.raises(TongpinError, match="连不上") as caught:
        push(page, "http://127.0.0.1:9")
    assert caught.value.code == "daily.push"


@pytest.mark.parametrize("address", ["ftp://a/b", "10.0.0.1/x", "http://", "http://a:99999/", "file:///etc/hosts"])
def test_what_is_no_address_is_refused_before_anything_is_made(address: str, tongpin: Any, home: Home) -> None:
    with pytest.raises(TongpinError) as caught:
        check_address(address)
    assert caught.value.code == "daily.push"
    before = sorted(home.reports.glob("*")) if home.reports.exists() else []
    assert tongpin("report", "daily", "--hospital", CODE, "--on", "2025-06-12", "--push", address)[0] == 1
    assert (sorted(home.reports.glob("*")) if home.reports.exists() else []) == before
