"""Documents of a filing and of an edition in a real browser: who may draft them finds the button, others do not."""

from __future__ import annotations

import io
import zipfile
from typing import TYPE_CHECKING, Any

import pytest
from tests.workbench.conftest import PATIENCE, opened, sound

from tongpin.payment.policy.library import shipped_policies

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.needs("chromium")


def test_the_handler_drafts_an_edition_and_sees_every_fault_of_one(page_as: Callable[..., Any], served: Any) -> None:
    other = opened(page_as("bureau_reviewer"), served, "/policies", "text=demo-east/2025")
    assert other.get_by_role("button", name="起草新版本公文").count() == 0
    page = opened(page_as("bureau_handler"), served, "/policies", "text=demo-east/2025")
    page.get_by_role("button", name="起草新版本公文").click()
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for path in (shipped_policies() / "demo-east" / "2025").iterdir():
            archive.write(path, path.name)
    taken = {"name": "2025.zip", "mimeType": "application/zip", "buffer": packed.getvalue()}
    page.get_by_role("dialog").locator("input[type=file]").set_input_files(taken)
    page.get_by_role("dialog").get_by_text("已经有付费办法 demo-east/2025").first.wait_for(timeout=PATIENCE)
    page.faults.clear()  # the browser itself notes a refusal
    sound(page)


def test_the_office_that_files_drafts_the_filing(page_as: Callable[..., Any], served: Any) -> None:
    office = page_as("performance_office")
    own = office.evaluate("async () => (await (await fetch('/api/v1/me')).json()).scope.hospitals[0].code")
    other = opened(page_as("director"), served, f"/guokao/{own}?year=2025", "text=缺数")
    assert other.get_by_role("button", name="起草填报公文").count() == 0
    opened(office, served, f"/guokao/{own}?year=2025", "text=缺数")
    office.get_by_role("button", name="起草填报公文").click()
    assert "没有备齐的列明缘由" in office.get_by_role("dialog").inner_text()
    sound(office)
