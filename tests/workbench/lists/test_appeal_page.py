"""The page of an appeal in a real browser, from hand to hand, on a city of its own."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect
from tests.workbench.conftest import serving, sound

from tongpin.payment.lists.feedback import appeals, file_appeal, publish
from tongpin.payment.month.closed import posted
from tongpin.workbench.today import today

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = pytest.mark.needs("chromium")
WAIT = 20_000


@pytest.fixture(scope="module")
def served(own: Any) -> Iterator[Any]:
    with serving(own) as found:
        yield found


def confirmed(page: Any, act: str, comment: str) -> None:
    page.get_by_role("button", name=act, exact=True).click()
    dialog = page.get_by_role("dialog")
    assert dialog.get_by_role("button", name=act).is_disabled(), "not without a reason"
    dialog.get_by_role("textbox").fill(comment)
    dialog.get_by_role("button", name=act).click()
    expect(dialog).to_be_hidden(timeout=WAIT)


def test_an_appeal_is_reviewed_by_one_and_decided_by_another(page_as: Callable[..., Any], served: Any) -> None:
    city = served.city
    on = today(city.home) - timedelta(days=1)
    line = next(row for row in posted(city.home, city.area).to_pylist() if row["period"] == city.month)
    institution, case_id = line["institution_code"], line["case_id"]
    publish(city.home, city.area, city.month, on)
    file_appeal(city.home, city.area, case_id, on, "主要诊断有依据", institution_code=institution)
    path = f"{served.url}/lists/{institution}/{case_id}"
    checker = page_as("bureau_checker", 1024)
    checker.goto(path)
    expect(checker.get_by_text("复核之后才能终审。")).to_be_visible(timeout=WAIT)
    assert checker.get_by_role("button", name="终审", exact=True).count() == 0
    handler = page_as("bureau_handler")
    handler.goto(path)
    handler.get_by_label("复核意见").select_option("成立")
    confirmed(handler, "复核", "病程支持")
    expect(handler.get_by_text("现在：待终审")).to_be_visible(timeout=WAIT)
    sound(handler)
    checker.reload()
    history = checker.get_by_role("table", name="申诉的经过")
    expect(history.get_by_role("row", name="复核").get_by_role("cell", name="病程支持")).to_be_visible(timeout=WAIT)
    checker.get_by_role("combobox", name="结论").select_option("不成立")
    confirmed(checker, "终审", "主要诊断不符")
    expect(history.get_by_role("row", name="终审").get_by_role("cell", name="主要诊断不符")).to_be_visible(timeout=WAIT)
    sound(checker)
    (known,) = appeals(city.home, city.area)
    assert (known.result, known.decided_by, known.reviews[0].by) == ("不成立", "bureau_checker", "bureau_handler")
