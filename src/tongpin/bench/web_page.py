"""A cold page 冷页面: what a browser that has never been here fetches, and when its user can act."""

from __future__ import annotations

import shutil
import time
from statistics import median
from typing import Any, NamedTuple

RUNS = 5
_REST_MS = 500
"""What is fetched so long after that still counts as bytes."""
_READY = "table tbody tr a"
"""The list shows rows that can be opened."""


class Page(NamedTuple):
    """Bytes over the wire, seconds until the list can be used (the middle of five), files fetched."""

    size: int
    seconds: float
    files: int

    def figures(self) -> dict[str, float]:
        """The same for machines."""
        return {"page_bytes": float(self.size), "page_seconds": self.seconds}


def cold_page(url: str, cookie: str) -> Page | None:
    """The list of cases opened by its link, in a browser signed in before; None where there is no Chromium for it."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        return None
    if chromium is None:
        return None
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        opened = [_opened(browser, url, cookie) for _ in range(RUNS)]
        browser.close()
    return Page(max(one.size for one in opened), median(one.seconds for one in opened), opened[0].files)


def _opened(browser: Any, url: str, cookie: str) -> Page:
    context = browser.new_context(viewport={"width": 1440, "height": 900}, locale="zh-CN")
    context.add_cookies([{"name": "tongpin_session", "value": cookie, "url": url}])
    page = context.new_page()
    wire = context.new_cdp_session(page)
    wire.send("Network.enable")
    sizes: list[int] = []
    wire.on("Network.loadingFinished", lambda event: sizes.append(int(event["encodedDataLength"])))
    begin = time.perf_counter()
    page.goto(f"{url}/cases", wait_until="commit")
    page.wait_for_selector(_READY)
    seconds = time.perf_counter() - begin
    page.wait_for_timeout(_REST_MS)
    context.close()
    return Page(sum(sizes), seconds, len(sizes))
