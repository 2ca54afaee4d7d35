"""The panel: blind, without the own institution, reproducible, evenly loaded; votes and how they come out."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from payment_cases import fen
from review_cases import FILED, applied, review_edition, small_home, voted, with_panel

from tongpin.base.errors import PolicyError
from tongpin.payment.review.account import VOTED, Event, applications, read_events
from tongpin.payment.review.panel import (
    Expert,
    add_experts,
    assign,
    decide,
    draw_panel,
    outcome_of,
    policy_of,
    read_experts_file,
    recuse,
    vote,
)
from tongpin.payment.review.papers import blind_paper
from tongpin.report.pdf import Ruled

CODES = st.sampled_from(["H1", "H2", "H3", "H4"])
EXPERTS = st.lists(st.tuples(st.sampled_from(["03", "04"]), CODES, st.sets(CODES, max_size=1)), min_size=6, max_size=12)


def experts_of(told) -> dict[str, Expert]:
    made = [Expert(f"E{n}", dept, code, tuple(conflicts)) for n, (dept, code, conflicts) in enumerate(told)]
    return {one.code: one for one in made}


@given(told=EXPERTS, seed=st.text(max_size=5), size=st.integers(1, 5))
def test_nobody_judges_the_own_institution_or_a_declared_conflict(told, seed, size):
    experts = experts_of(told)
    able = {one.code for one in experts.values() if one.institution_code != "H1" and "H1" not in one.conflicts}
    if len(able) < size:
        with pytest.raises(PolicyError, match=r"review\.panel"):
            draw_panel("2025-0001", "H1", "03", experts, {}, size, 0, seed)
        return
    draw = draw_panel("2025-0001", "H1", "03", experts, {}, size, 0, seed)
    assert len(set(draw.experts)) == size
    assert set(draw.experts) <= able
    assert set(draw.recused) == set(experts) - able
    shuffled = dict(reversed(experts.items()))
    assert draw_panel("2025-0001", "H1", "03", shuffled, {}, size, 0, seed) == draw, "the same whatever the order"


@given(count=st.integers(1, 30), size=st.integers(1, 4), seed=st.text(max_size=5))
def test_the_load_is_even(count, size, seed):
    experts = {f"E{n}": Expert(f"E{n}", "03", "X", ()) for n in range(7)}
    loads: dict[str, int] = {}
    for number in range(count):
        for code in draw_panel(f"2025-{number}", "H1", "03", experts, loads, size, 0, seed).experts:
            loads[code] = loads.get(code, 0) + 1
    given_ = [loads.get(code, 0) for code in experts]
    assert max(given_) - min(given_) <= 1
    assert sum(given_) == count * size


def test_another_seed_gives_another_panel_somewhere():
    experts = {f"E{n}": Expert(f"E{n}", "03", "X", ()) for n in range(20)}
    assert len({draw_panel("a", "H", "03", experts, {}, 3, 0, str(seed)).experts for seed in range(20)}) > 10


def test_the_panel_holds_specialists_of_the_department(tmp_path):
    home = small_home(tmp_path)
    add_experts(home, tmp_path / "experts.csv", FILED)
    for list_id, criterion in (("dear", "fee_standard"), ("long", "stay_days"), ("icu", "icu_hours")):
        applied(home, list_id, criterion)
    made = assign(home, "test", FILED, seed="一")
    assert all({"E2", "E4"} & set(one.panel) for one in made)
    assert all(not {"E1", "E5"} & set(one.panel) for one in made), "own institution, and a conflict with it"
    assert made[0].assigned.body["recused"] == {"E1": "本机构", "E5": "申明的利害关系"}
    assert assign(home, "test", FILED) == [], "each is assigned once"


def test_too_few_experts_are_refused_and_nobody_is_assigned(tmp_path):
    home = small_home(tmp_path, review__panel_specialists=3)
    add_experts(home, tmp_path / "experts.csv", FILED)
    applied(home)
    with pytest.raises(PolicyError, match=r"同科别 2 名，回避 2 名"):
        assign(home, "test", FILED)
    assert applications(read_events(home))["2025-0001"].state == "已申报"


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("expert,specialty\n", "表头不对"),
        ("expert_code,specialty,institution_code,conflicts\nE1,04,X,\nE1,04,X,\n", "E1 重复"),
        ("expert_code,specialty,institution_code,conflicts\nE1,04,,\n", "为空"),
        ("expert_code,specialty,institution_code,conflicts\nE1,04\n", "列数不对"),
        ("expert_code,specialty,institution_code,conflicts\n", "没有一名专家"),
    ],
)
def test_a_faulty_table_of_experts_is_refused(tmp_path, text, what):
    (tmp_path / "experts.csv").write_text(text, encoding="utf-8")
    with pytest.raises(PolicyError, match=what):
        read_experts_file(tmp_path / "experts.csv")


def test_who_declares_a_conflict_is_replaced_by_the_same_rule(tmp_path):
    home = small_home(tmp_path)
    one = with_panel(home)
    specialist = next(code for code in one.panel if code in {"E2", "E4"})
    after = recuse(home, one.id, specialist, "曾会诊", FILED)
    assert specialist not in after.panel
    assert {"E2", "E4"} & set(after.panel), "still one of the department"
    assert len(after.panel) == 3
    with pytest.raises(PolicyError, match=r"review\.seat"):
        vote(home, one.id, specialist, "agree", "好", FILED)


def test_an_expert_votes_once_with_a_reason_and_an_amount_in_its_bounds(tmp_path):
    home = small_home(tmp_path)
    one = with_panel(home)
    first = one.panel[0]
    for code, given_ in {
        "review.seat": ("E1", "agree", "好", None),
        "review.verdict": (first, "maybe", "好", None),
        "review.opinion": (first, "agree", " ", None),
        "review.amount": (first, "partial", "好", None),
    }.items():
        expert, verdict, opinion, amount = given_
        with pytest.raises(PolicyError, match=code.replace(".", r"\.")):
            vote(home, one.id, expert, verdict, opinion, FILED, amount_fen=amount)
    for amount in (fen(1_000), fen(5_000)):  # as now, and as full approval
        with pytest.raises(PolicyError, match=r"大于现在应付 1,000\.00 元、小于全部同意 5,000\.00 元"):
            vote(home, one.id, first, "partial", "好", FILED, amount_fen=amount)
    vote(home, one.id, first, "partial", "好", FILED, amount_fen=fen(3_000))
    with pytest.raises(PolicyError, match="已经投过票"):
        vote(home, one.id, first, "agree", "改主意", FILED)
    with pytest.raises(PolicyError, match="还没有投票的专家"):
        decide(home, one.id, "纪要", FILED)


AGREE, REFUSE = ("agree", None), ("refuse", None)


def part(amount: float) -> tuple[str, int]:
    return ("partial", fen(amount))


def come_out(folder, votes, **values):
    """The outcome of any number of votes, whatever the size of the panel."""
    home = small_home(folder)
    one = with_panel(home)
    review_edition(home, **values)
    made = {
        f"V{n}": Event(n, "test", VOTED, one.id, "expert", "", FILED, {"verdict": verdict, "amount_fen": amount})
        for n, (verdict, amount) in enumerate(votes)
    }
    found = outcome_of(replace(one, votes=made), policy_of(home, one))
    return found.outcome, found.amount_fen


@pytest.mark.parametrize(
    ("votes", "values", "expected"),
    [
        ([AGREE, AGREE, REFUSE], {}, ("agree", fen(5_000))),
        ([AGREE, REFUSE, REFUSE], {}, ("refuse", None)),
        ([AGREE, REFUSE], {}, ("refuse", None)),
        ([AGREE, REFUSE], {"review__tie": "approve"}, ("agree", fen(5_000))),
        ([AGREE, REFUSE], {"review__tie": "further"}, ("further", None)),
        ([AGREE, AGREE, REFUSE], {"review__pass_rule": "share", "review__pass_share": 0.6666}, ("agree", fen(5_000))),
        ([AGREE, AGREE, REFUSE], {"review__pass_rule": "share", "review__pass_share": 0.75}, ("refuse", None)),
        ([AGREE, part(3_000), part(2_000)], {}, ("partial", fen(3_000))),
        ([AGREE, part(3_000), part(2_000)], {"review__partial": "lowest"}, ("partial", fen(2_000))),
        ([AGREE, part(3_000), part(2_000)], {"review__partial": "mean"}, ("partial", 333_333)),
        ([part(3_000.01), part(2_000), REFUSE], {}, ("partial", 250_001)),
        ([AGREE, AGREE, part(2_000)], {}, ("agree", fen(5_000))),
    ],
)
def test_votes_come_out_by_the_rules_of_the_edition(tmp_path, votes, values, expected):
    assert come_out(tmp_path, votes, **values) == expected


def test_an_even_vote_may_ask_for_one_expert_more(tmp_path):
    home = small_home(tmp_path, review__panel_size=2, review__tie="further")
    one = with_panel(home)
    voted(home, one, AGREE, REFUSE)
    with pytest.raises(PolicyError, match="加派一名专家"):
        decide(home, one.id, "纪要", FILED)
    (more,) = assign(home, "test", FILED)
    assert len(more.panel) == 3
    vote(home, one.id, more.panel[-1], "agree", "好", FILED)
    assert decide(home, one.id, "纪要", FILED).state == "同意"


def test_minutes_are_needed_and_a_result_is_final(tmp_path):
    home = small_home(tmp_path)
    one = with_panel(home)
    voted(home, one, AGREE, AGREE, REFUSE)
    with pytest.raises(PolicyError, match=r"review\.minutes"):
        decide(home, one.id, "", FILED)
    assert decide(home, one.id, "纪要", date(2025, 8, 1)).decided.body["result"] == "按项目付费"
    with pytest.raises(PolicyError, match=r"review\.closed"):
        decide(home, one.id, "再议", date(2025, 8, 2))


def texts_of(paper) -> str:
    said = [paper.title, *paper.heading, *paper.closing, paper.foot]
    for one in paper.parts:
        said += [one] if isinstance(one, str) else [cell for row in (one.titles, *one.rows) for cell in row]
        assert isinstance(one, str | Ruled)
    return "\n".join(said)


def test_the_sheet_of_an_expert_is_blind(tmp_path):
    home = small_home(tmp_path)
    evidence = tmp_path / "医院H3病程.pdf"
    evidence.write_bytes(b"x")
    add_experts(home, tmp_path / "experts.csv", FILED)
    applied(home, attachments=[evidence])
    (one,) = assign(home, "test", FILED)
    text = texts_of(blind_paper(one, one.panel[0]))
    assert "I21.000" in text
    assert "5,000.00" in text
    assert "附件 1（摘要" in text
    for hidden in ("H3", "医院", "dear", "赵医师", "病程", "三级"):
        assert hidden not in text, hidden
