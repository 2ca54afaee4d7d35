"""`tongpin review`: the whole way of a case at the command line, and how it is told."""

from __future__ import annotations

import json

import pytest
from review_cases import small_home

from tongpin.cli import main


@pytest.fixture
def tongpin(tmp_path, capsys, monkeypatch):
    home = small_home(tmp_path / "home")

    def run(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["tongpin", "review", *map(str, arguments), "--home", str(home.root)])
        code = 0
        try:
            main()
        except SystemExit as ended:
            code = int(ended.code or 0)
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


def test_a_case_from_the_candidates_to_the_publication(tongpin, tmp_path):
    _, out, _ = tongpin("candidates", "--month", "2025-06", "--on", "2025-07-10")
    assert "费用远超支付标准" in out
    assert "还有 20 天" in out
    assert "余 2 例" in out
    assert "模拟" in out
    evidence = tmp_path / "e.pdf"
    evidence.write_bytes(b"e")
    day = ("--on", "2025-07-10")
    code, out, _ = tongpin(
        *("apply", "dear", "--criterion", "费用远超支付标准", "--reason", "多次抢救", "--attach", evidence, *day)
    )
    assert (code, "已申报 2025-0001" in out, "下一步：tongpin review assign" in out) == (0, True, True)
    tongpin("experts", tmp_path / "home" / "experts.csv", *day)
    _, out, _ = tongpin("assign", "--json", *day)
    told = json.loads(out)
    panel = told["assigned"][0]["panel"]
    assert len(told["sheets"]) == 1
    for expert in panel[:2]:
        assert tongpin("vote", "2025-0001", "--expert", expert, "--verdict", "同意", "--opinion", "合理", *day)[0] == 0
    _, out, _ = tongpin("recuse", "2025-0001", "--expert", panel[2], "--reason", "师生关系", *day)
    third = out.split("换为 ")[1].split("；")[0]
    vote = ("--verdict", "partial", "--amount", "3000", "--opinion", "部分合理", *day)
    assert tongpin("vote", "2025-0001", "--expert", third, *vote)[0] == 0
    _, out, _ = tongpin("decide", "2025-0001", "--minutes", "讨论一致", *day)
    assert "该例应付总额由 1,000.00 元改为 5,000.00 元，增加 4,000.00 元" in out
    _, out, _ = tongpin("show", "2025-0001", "--papers")
    for told_ in (
        "须超过支付标准的 2 倍 = 2,000.00 元：符合",
        "× 10.00%（舍去）= 2 例",
        "部分合理",
        "讨论一致",
        "tongpin clear",
    ):
        assert told_ in out
    _, out, _ = tongpin("list")
    assert "5,000.00" in out
    _, out, _ = tongpin("publish", "--quarter", "2025Q3", "--on", "2025-10-08", "--json")
    assert json.loads(out)["total"]["agree"] == 1
    assert "本次重印" in tongpin("publish", "--quarter", "2025Q3")[1]
    assert "申报单-2025-0001.pdf" not in tongpin("show", "2025-0001")[1], "papers only where asked for"
    names = {path.name for path in (tmp_path / "home" / "reports").iterdir()}
    assert names == {
        "特例单议申报单-2025-0001.pdf",
        "特例单议盲审单-2025-0001.pdf",
        "特例单议评审纪要-2025-0001.pdf",
        "特例单议公示-test-2025Q3.xlsx",
        "特例单议公示-test-2025Q3.pdf",
    }


def test_a_withdrawn_application_is_still_shown(tongpin):
    tongpin("apply", "long", "--criterion", "stay_days", "--reason", "撤机困难", "--on", "2025-07-10")
    tongpin("withdraw", "2025-0001", "--reason", "材料不全", "--on", "2025-07-11")
    assert "已撤回" in tongpin("list")[1]
    _, out, _ = tongpin("show", "2025-0001", "--json")
    told = json.loads(out)
    assert [one["event"] for one in told["events"]] == ["applied", "withdrawn"]
    assert told["state"] == "已撤回"


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("apply", "n00", "--criterion", "fee_standard", "--reason", "x", "--on", "2025-07-10"), "review.criteria"),
        (("apply", "dear", "--criterion", "fee_standard", "--reason", "x", "--on", "2025-09-10"), "review.deadline"),
        (("show", "2025-0009"), "review.unknown"),
        (
            ("vote", "2025-0009", "--expert", "E", "--verdict", "agree", "--opinion", "x", "--amount", "x"),
            "review.yuan",
        ),
        (("publish", "--quarter", "2025Q3", "--on", "2025-10-08"), "review.quarter"),
    ],
)
def test_what_cannot_be_done_is_refused(tongpin, arguments, code):
    ended, _, err = tongpin(*arguments)
    assert ended == 1
    assert f"[{code}]" in err
    assert "怎么改：" in err


def test_month_or_year_is_needed(tongpin):
    assert tongpin("candidates")[0] == 2
