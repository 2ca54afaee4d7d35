"""`tongpin lists`: a month from the board to the last appeal, as a county clerk goes through it; `show`, `explain`."""

from __future__ import annotations

import json
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest
from lists_cases import H1, a_list, a_page, decide, home_of, keep
from openpyxl import load_workbook

from tongpin.cli import main
from tongpin.payment.month.run import settle_in_home

if TYPE_CHECKING:
    from pathlib import Path

    from tongpin.store.home import Home

DAY = date(2025, 6, 5)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = home_of(tmp_path)
    keep(
        home,
        a_list("A", date(2025, 6, 2), DAY, accepted=DAY),
        a_list("B", date(2025, 6, 2), date(2025, 6, 15), accepted=date(2025, 6, 16)),
        a_page("R1", date(2025, 6, 2)),
    )
    return home


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


def answer(out: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(out)
    return found


def test_the_status_of_a_month_on_screen_and_on_paper(tongpin: Any) -> None:
    code, out, _ = tongpin("lists", "status", "--month", "2025-06", "--on", "2025-06-20")
    assert code == 0
    assert "示例一院" in out
    assert "模拟" in out
    assert "接着：" in out
    _, out, _ = tongpin("lists", "status", "--month", "2025-06", "--on", "2025-06-20", "--json")
    found = answer(out)
    (row,) = found["hospitals"]
    assert (row["should"], row["sent"], row["unsent_overdue"], row["sent_overdue"]) == (3, 2, 1, 1)
    book = load_workbook(found["report"])
    assert book.sheetnames == ["汇总", "待办与超期"]
    cells = [cell.value for line in book["待办与超期"].iter_rows() for cell in line]
    assert {"P-R1", "草稿", "医院", "2025-06-12"} <= set(cells)
    assert any("模拟" in str(cell) for cell in cells)


def test_a_month_without_lists_says_so(tongpin: Any) -> None:
    code, out, _ = tongpin("lists", "status", "--month", "2025-03", "--on", "2025-06-20")
    assert (code, "没有出院的住院清单" in out) == (0, True)
    assert tongpin("lists", "status", "--month", "2025-6x")[0] == 1


def test_overdue_lists_end_with_one_and_name_what_follows(tongpin: Any, home: Home) -> None:
    code, out, _ = tongpin("lists", "overdue", "--on", "2025-06-20")
    assert code == 1
    assert "出院（2025-06-02）后 10 日内应上传，2025-06-12 到期，2025-06-15 首次上传，超期 3 日" in out
    assert "后果：上传超期的在年度清算第 8 步付统筹应付的 100%" in out
    decide(home, "overdue", "B", date(2025, 6, 20), result="豁免")
    assert "已有决定：豁免" in tongpin("lists", "overdue", "--on", "2025-06-20")[1]
    assert tongpin("lists", "overdue", "--on", "2025-06-12")[0] == 0


def test_from_publication_to_a_decided_appeal(tongpin: Any, home: Home) -> None:
    code, _, err = tongpin("lists", "publish", "--month", "2025-06", "--on", "2025-07-18")
    assert (code, "settle.open" in err) == (1, True)
    settle_in_home(home, "2025-06")
    code, out, _ = tongpin("lists", "publish", "--month", "2025-06", "--on", "2025-07-18")
    assert "申诉至 2025-07-25（公布后 5 个工作日）" in out
    code, _, err = tongpin("lists", "appeal", "file", "A", "--on", "2025-07-26", "--reason", "漏编")
    assert code == 1
    assert "lists.appeal.late" in err
    assert "2025-07-25" in err
    code, out, _ = tongpin("lists", "appeal", "file", "A", "--on", "2025-07-25", "--reason", "漏编")
    assert (code, "接着：经办复核" in out) == (0, True)
    assert "申诉中（待复核），已 3 日" in tongpin("lists", "appeal", "list", "--on", "2025-07-28")[1]
    decide = ("lists", "appeal", "decide", "A", "--on", "2025-08-01", "--result", "成立", "--by")
    code, _, err = tongpin(*decide, "终审人乙")
    assert (code, "lists.appeal.unreviewed" in err) == (1, True)
    review = (
        "lists",
        "appeal",
        "review",
        "A",
        "--on",
        "2025-07-29",
        "--opinion",
        "成立",
        "--reason",
        "病程支持",
        "--by",
    )
    code, out, _ = tongpin(*review, "复核人甲")
    assert (code, "复核意见：成立（复核人甲，2025-07-29）" in out, "接着：另一人决定" in out) == (0, True, True)
    listed = answer(tongpin("lists", "appeal", "list", "--json")[1])["appeals"][0]
    known = {"opinion": "成立", "reason": "病程支持", "on": "2025-07-29", "by": "复核人甲"}
    assert (listed["stage"], listed["reviews"]) == ("待终审", [known])
    assert "代替上一次的意见" in tongpin(*review, "复核人甲")[1]
    code, _, err = tongpin(*decide, "复核人甲")
    assert (code, "lists.appeal.same_hand" in err) == (1, True)
    code, _, err = tongpin(*decide, "终审人乙", "--amount", "x")
    assert "lists.appeal.amount" in err
    decided = answer(tongpin(*decide, "终审人乙", "--json")[1])
    assert (decided["result"], decided["decided_on"], decided["decided_by"]) == ("成立", "2025-08-01", "终审人乙")
    shown = tongpin("show", "A")[1]
    opinion = "申诉中 2025-07-29（复核：成立）"
    assert f"已分组 → 申诉中 2025-07-25 → {opinion} → {opinion} → 终审 2025-08-01" in shown
    assert "公布后的申诉期限已过" in tongpin("show", "B")[1]


def test_a_list_is_shown_with_its_clock_and_its_eight_dates(tongpin: Any, home: Home) -> None:
    settle_in_home(home, "2025-06")
    out = tongpin("show", "B")[1]
    assert "上传超期 3 日（应于 2025-06-12 前上传）" in out
    assert "日期：入院 2025-05-25；出院 2025-06-02；结算 2025-06-02；上传 2025-06-15；接收 2025-06-16" in out
    (case,) = answer(tongpin("show", "B", "--json")[1])["cases"]
    assert (case["clock"]["upload_over_days"], case["dates"]["filing_month"]) == (3, "2025-06")
    assert case["clock"]["institution_code"] == H1
    assert "拨付 —（所属月结 2025-06）；清算年度 2025" in tongpin("explain", "A")[1]


def test_the_bridge_of_a_month(tongpin: Any, home: Home) -> None:
    settle_in_home(home, "2025-06")
    code, out, _ = tongpin("lists", "bridge", "--month", "2025-06")
    assert code == 0
    assert all(stage in out for stage in ("出院", "结算", "上传", "入组", "拨付"))
    found = answer(tongpin("lists", "bridge", "--month", "2025-06", "--json")[1])
    assert {row["stage"]: row["count"] for row in found["discharged"]} == {
        "discharged": 2,
        "settled": 2,
        "uploaded": 2,
        "grouped": 2,
        "paid": 2,
    }


def test_appeals_need_a_closed_month(tongpin: Any) -> None:
    code, _, err = tongpin("lists", "appeal", "list")
    assert (code, "lists.area" in err) == (1, True)
