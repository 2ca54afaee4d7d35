"""Publication and appeals: the window opens with the publication and ends; closed months are never touched."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest
from lists_cases import AREA, H1, a_list, decide, home_of, keep, own_edition

from tongpin.base.errors import PolicyError, StoreError
from tongpin.payment.lists.feedback import (
    RESULTS,
    Review,
    appeals,
    decide_appeal,
    file_appeal,
    publications,
    publish,
    review_appeal,
)
from tongpin.payment.lists.one import clock_words, one_list
from tongpin.payment.lists.overdue import decisions, standing_in_home
from tongpin.payment.month.run import closed_run, settle_in_home
from tongpin.payment.year.rulings import as_rulings, outcome, read_rulings
from tongpin.records.intake.dossier import dossiers
from tongpin.records.intake.states import APPEALED, FINAL, GROUPED

if TYPE_CHECKING:
    from pathlib import Path

    from tongpin.payment.lists.feedback import Appeal
    from tongpin.store.home import Home

MONTH, PUBLISHED, END = "2025-06", date(2025, 7, 18), date(2025, 7, 25)
AFTER = date(2025, 7, 26)
REVIEWER, DECIDER = "复核人甲", "终审人乙"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = home_of(tmp_path)
    day = date(2025, 6, 5)
    keep(home, *(a_list(name, date(2025, 6, 2), day, accepted=day) for name in ("A", "B", "C")))
    settle_in_home(home, MONTH)
    return home


def reviewed(home: Home, opinion: str = "成立", on: date = AFTER, by: str = REVIEWER, setl_id: str = "A") -> Appeal:
    return review_appeal(home, AREA, None, setl_id, opinion, "病程支持", on, by)


def state(home: Home, case_id: str, on: date) -> str:
    (row,) = standing_in_home(home, AREA, on, case_id).to_pylist()
    found: str = row["state"]
    return found


def refused(call: object, *args: object, **more: object) -> PolicyError:
    with pytest.raises(PolicyError) as error:
        call(*args, **more)  # type: ignore[operator]
    return error.value


def test_a_publication_opens_the_window(home: Home) -> None:
    assert publish(home, AREA, MONTH, PUBLISHED).until == END
    (row,) = standing_in_home(home, AREA, date(2025, 7, 21), "A").to_pylist()
    assert (row["state"], row["act_by"], row["since"], row["due"]) == (GROUPED, "hospital", PUBLISHED, END)
    assert "医院可申诉" in clock_words(row, date(2025, 7, 21))


def test_after_the_window_the_results_are_final(home: Home) -> None:
    publish(home, AREA, MONTH, PUBLISHED)
    assert [state(home, "A", day) for day in (END, AFTER)] == [GROUPED, FINAL]


def test_a_month_that_is_open_cannot_be_published(home: Home) -> None:
    with pytest.raises(StoreError) as error:
        publish(home, AREA, "2025-07", date(2025, 8, 20))
    assert error.value.code == "settle.open"
    assert refused(publish, home, AREA, MONTH, date(2025, 6, 30)).code == "lists.publish"


def test_another_day_of_publication_needs_a_reason(home: Home) -> None:
    publish(home, AREA, MONTH, PUBLISHED)
    again = refused(publish, home, AREA, MONTH, date(2025, 7, 21))
    assert again.code == "lists.published"
    assert str(PUBLISHED) in again.message
    assert publish(home, AREA, MONTH, date(2025, 7, 21), "日期登记错").until == date(2025, 7, 28)
    assert publications(home, AREA)[MONTH].on == date(2025, 7, 21)


def test_an_appeal_is_filed_decided_and_given_to_the_clearing(home: Home, tmp_path: Path) -> None:
    before = closed_run(home, MONTH).settlement.digest
    own_edition(home, {"appeal.pay": "decided"})
    publish(home, AREA, MONTH, PUBLISHED)
    paper = tmp_path / "病程记录.txt"
    paper.write_text("第三日转入", encoding="utf-8")
    one = file_appeal(home, AREA, "A", END, "漏编并发症", texts=["病程第 3 页"], attachments=[paper])
    assert (one.institution_code, one.month, one.window_end, one.result) == (H1, MONTH, END, None)
    assert one.evidence[0] == "病程第 3 页"
    assert one.evidence[1].startswith("附件 病程记录.txt（摘要 ")
    assert state(home, "A", AFTER) == APPEALED
    assert one.stage == "待复核"
    one = reviewed(home)
    assert (one.stage, one.reviews[-1]) == ("待终审", Review("成立", "病程支持", AFTER, REVIEWER))
    assert state(home, "A", AFTER) == APPEALED
    assert decisions(home, AREA, 2025).num_rows == 0, "a proposal decides nothing"
    decided = decide_appeal(
        home, AREA, "A", date(2025, 8, 1), "成立", by=DECIDER, amount_fen=700_000, reason="同意", document="2025-7"
    )
    assert (decided.stage, decided.decided_by, decided.decision_reason) == ("成立", DECIDER, "同意")
    assert (decided.result, decided.decided_on, decided.amount_fen) == ("成立", date(2025, 8, 1), 700_000)
    assert state(home, "A", date(2025, 8, 2)) == FINAL
    (row,) = read_rulings(as_rulings(decisions(home, AREA, 2025)), 2025).on_cases.to_pylist()
    assert (row["kind"], row["setl_id"], row["result"], row["amount_fen"]) == ("appeal", "A", "成立", 700_000)
    assert closed_run(home, MONTH).settlement.digest == before


def test_an_appeal_after_the_window_is_refused_with_the_day(home: Home) -> None:
    publish(home, AREA, MONTH, PUBLISHED)
    late = refused(file_appeal, home, AREA, "A", AFTER, "漏编")
    assert late.code == "lists.appeal.late"
    assert str(END) in late.message
    assert appeals(home, AREA) == []


def test_appeals_that_cannot_be_taken(home: Home, tmp_path: Path) -> None:
    assert refused(file_appeal, home, AREA, "A", END, "漏编").code == "lists.appeal.unpublished"
    publish(home, AREA, MONTH, PUBLISHED)
    assert refused(file_appeal, home, AREA, "A", date(2025, 7, 17), "漏编").code == "lists.appeal.early"
    assert refused(file_appeal, home, AREA, "NONE", END, "漏编").code == "lists.appeal.list"
    assert refused(file_appeal, home, AREA, "A", END, " ").code == "lists.appeal.reason"
    missing = refused(file_appeal, home, AREA, "A", END, "漏编", attachments=[tmp_path / "没有.pdf"])
    assert missing.code == "lists.appeal.file"
    file_appeal(home, AREA, "A", END, "漏编")
    assert refused(file_appeal, home, AREA, "A", END, "再诉").code == "lists.appeal.twice"
    assert len(appeals(home, AREA)) == 1


def test_decisions_that_cannot_be_taken(home: Home) -> None:
    publish(home, AREA, MONTH, PUBLISHED)

    def code(result: str, on: date = AFTER, by: str = DECIDER, amount_fen: int | None = None) -> str:
        return refused(decide_appeal, home, AREA, "A", on, result, by=by, amount_fen=amount_fen).code

    assert code("成立") == "lists.appeal.unknown"
    file_appeal(home, AREA, "A", END, "漏编")
    assert code("大概") == "lists.appeal.result"
    assert code("成立") == "lists.appeal.unreviewed"
    reviewed(home)
    assert code("成立", by=REVIEWER) == "lists.appeal.same_hand"
    assert code("成立", by=" ") == "lists.appeal.by"
    assert code("成立", on=END) == "lists.appeal.early"
    for result in RESULTS:  # this edition pays upheld appeals by item
        assert code(result, amount_fen=500_000) == "lists.appeal.amount"
    own_edition(home, {"appeal.pay": "decided"})
    for wrong in (None, -1):
        assert code("成立", amount_fen=wrong) == "lists.appeal.amount"
    decide_appeal(home, AREA, "A", AFTER, "不成立", by=DECIDER)
    assert code("成立") == "lists.appeal.decided"


def test_a_later_review_replaces_an_earlier_one_until_the_decision(home: Home) -> None:
    publish(home, AREA, MONTH, PUBLISHED)
    file_appeal(home, AREA, "A", END, "漏编")
    reviewed(home, "成立")
    one = reviewed(home, "不成立", date(2025, 7, 28), by="复核人丙")
    assert [(review.opinion, review.by) for review in one.reviews] == [("成立", REVIEWER), ("不成立", "复核人丙")]
    same = refused(decide_appeal, home, AREA, "A", date(2025, 7, 29), "不成立", by="复核人丙")
    assert same.code == "lists.appeal.same_hand"
    assert decide_appeal(home, AREA, "A", date(2025, 7, 29), "不成立", by=DECIDER).reviews == one.reviews


def test_reviews_that_cannot_be_taken(home: Home) -> None:
    def code(opinion: str = "成立", reason: str = "病程支持", on: date = AFTER, by: str = REVIEWER) -> str:
        return refused(review_appeal, home, AREA, None, "A", opinion, reason, on, by).code

    publish(home, AREA, MONTH, PUBLISHED)
    assert code() == "lists.appeal.unknown"
    file_appeal(home, AREA, "A", END, "漏编")
    assert code(opinion="大概") == "lists.appeal.opinion"
    assert code(reason=" ") == "lists.appeal.reason"
    assert code(by=" ") == "lists.appeal.by"
    assert code(on=PUBLISHED) == "lists.appeal.early"
    reviewed(home)
    assert code(on=END) == "lists.appeal.early", "an earlier day than the review before"
    decide_appeal(home, AREA, "A", AFTER, "不成立", by=DECIDER)
    assert code() == "lists.appeal.decided"


def test_a_review_does_not_stop_the_clock_of_the_decision(home: Home) -> None:
    publish(home, AREA, MONTH, PUBLISHED)
    file_appeal(home, AREA, "A", PUBLISHED, "漏编")
    (before,) = standing_in_home(home, AREA, date(2025, 7, 24), "A").to_pylist()
    reviewed(home, on=date(2025, 7, 23))
    (after,) = standing_in_home(home, AREA, date(2025, 7, 24), "A").to_pylist()
    assert (after["since"], after["due"]) == (PUBLISHED, before["due"]) == (PUBLISHED, date(2025, 8, 1))


def test_an_appeal_may_be_decided_by_a_loaded_decision(home: Home) -> None:
    publish(home, AREA, MONTH, PUBLISHED)
    file_appeal(home, AREA, "A", END, "漏编")
    decide(home, "appeal", "A", date(2025, 8, 1), result="成立")
    (one,) = appeals(home, AREA)
    assert (one.result, one.decided_on) == ("成立", date(2025, 8, 1))
    late = refused(decide_appeal, home, AREA, "A", date(2025, 8, 2), "不成立", by=DECIDER)
    assert late.code == "lists.appeal.decided"
    assert decisions(home, AREA, 2025).num_rows == 0, "the loaded decision stands alone"


def test_the_results_of_appeals_are_words_that_the_clearing_knows() -> None:
    assert [outcome("appeal", result) for result in RESULTS] == ["upheld", "rejected"]


def test_an_edition_without_a_window_takes_appeals_at_any_time(home: Home) -> None:
    own_edition(home, {"clock.days": {"upload": 10}})
    assert publish(home, AREA, MONTH, PUBLISHED).until is None
    assert file_appeal(home, AREA, "A", date(2026, 3, 1), "漏编").window_end is None
    assert state(home, "B", date(2026, 3, 1)) == GROUPED


def test_a_list_is_shown_with_its_appeal_and_its_end(home: Home) -> None:
    publish(home, AREA, MONTH, PUBLISHED)
    file_appeal(home, AREA, "A", END, "漏编")
    reviewed(home, "成立")
    decide_appeal(home, AREA, "A", date(2025, 8, 1), "不成立", by=DECIDER)
    for case_id, chain in (("A", [APPEALED, APPEALED, FINAL]), ("B", [FINAL])):
        known = one_list(home, case_id, date(2025, 8, 5))
        further = {code: one.further(date(2025, 8, 5)) for code, one in known.items()}
        (shown,) = dossiers(home, case_id, further=further)
        states = [step.state for step in shown.states]
        assert states[states.index(GROUPED) + 1 :] == chain
        assert states[-1] == known[H1].clock["state"]
        whys = [step.why for step in shown.states[-3:]]
        assert (whys == ["受理", "复核：成立", "不成立"]) == (case_id == "A")
