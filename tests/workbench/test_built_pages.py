"""Built pages: the file beside with `.gz` where the browser takes gzip, the file itself otherwise, kinds always."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING, Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from tongpin.workbench import built

if TYPE_CHECKING:
    from pathlib import Path

SCRIPT = "console.log('病例')\n" * 200


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    pages = tmp_path / "pages"
    (pages / "assets").mkdir(parents=True)
    (pages / "index.html").write_text("<title>同频工作台</title>", encoding="utf-8")
    (pages / "assets" / "index-1.js").write_text(SCRIPT, encoding="utf-8")
    (pages / "assets" / "index-1.js.gz").write_bytes(gzip.compress(SCRIPT.encode()))
    (pages / "assets" / "small-2.css").write_text("a{}", encoding="utf-8")
    (tmp_path / "secret.txt").write_text("口令", encoding="utf-8")
    monkeypatch.setattr(built, "pages_folder", lambda: pages)
    return pages


def get(path: str, accepted: str = "gzip, deflate, br") -> Any:
    app = FastAPI()
    built.serve_pages(app)
    return TestClient(app).get(path, headers={"Accept-Encoding": accepted})


def test_a_browser_that_takes_gzip_gets_the_compressed_file_as_a_script(folder: Path) -> None:
    answer = get("/assets/index-1.js")
    assert answer.text == SCRIPT
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.headers["content-type"].startswith("text/javascript")
    assert int(answer.headers["content-length"]) == (folder / "assets" / "index-1.js.gz").stat().st_size
    assert answer.headers["vary"] == "Accept-Encoding"
    assert answer.headers["cache-control"] == built.FOR_EVER


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("accepted", ["identity", "br", "gzip;q=0", "gzip; q=0.0, *", "*;q=0"])
def test_a_browser_that_does_not_take_gzip_gets_the_file_itself(accepted: str) -> None:
    answer = get("/assets/index-1.js", accepted)
    assert answer.text == SCRIPT
    assert "content-encoding" not in answer.headers
    assert answer.headers["vary"] == "Accept-Encoding"  # a cache between must not hand this one to the others


@pytest.mark.parametrize("accepted", ["gzip", "GZIP", "br, gzip;q=0.5", "*", "gzip;q=1.0, identity;q=0"])
def test_gzip_is_taken_by_its_name_or_by_the_star(accepted: str) -> None:
    assert built.takes_gzip(accepted)


@pytest.mark.usefixtures("folder")
def test_a_file_without_a_compressed_one_is_sent_as_it_is() -> None:
    answer = get("/assets/small-2.css")
    assert answer.text == "a{}"
    assert "content-encoding" not in answer.headers
    assert "vary" not in answer.headers


@pytest.mark.usefixtures("folder")
def test_other_paths_lead_to_the_start_page_but_a_missing_asset_does_not() -> None:
    start = get("/cases/one")
    assert "同频工作台" in start.text
    assert start.headers["cache-control"] == built.ASK_AGAIN
    gone = get("/assets/index-0.js")  # of the version before: a page must not take HTML for a script
    assert gone.status_code == 404
    assert gone.json()["code"] == "request.missing"


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("path", ["/..%2fsecret.txt", "/assets/..%2f..%2fsecret.txt", "/%2e%2e/secret.txt"])
def test_nothing_outside_the_pages_is_served(path: str) -> None:
    assert "口令" not in get(path).text


def test_pages_that_are_not_built_say_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(built, "pages_folder", lambda: tmp_path / "none")
    answer = get("/cases")
    assert (answer.status_code, answer.json()["code"]) == (404, "pages.missing")
