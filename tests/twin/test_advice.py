"""The one filter of advice: what may not be advised is refused, by trying; what may, passes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tongpin.base.errors import TongpinError
from tongpin.twin import advice
from tongpin.twin.advice import Suggestion, checked, load_advice_rules

FORBIDDEN = [
    ("ADV-01", Suggestion("BR25D 停收，改收高权重病组")),
    ("ADV-01", Suggestion("年底对参保患者限收")),
    ("ADV-01", Suggestion("减少 11 例", kind="move", move="down", unplaced_count=5)),
    ("ADV-01", Suggestion("减少 11 例", kind="move", move="send_away")),
    ("ADV-01", Suggestion("减少 11 例", kind="move")),
    ("ADV-02", Suggestion("3 例下转", kind="move", move="down", protected={"emergency": 1})),
    ("ADV-03", Suggestion("3 例下转", kind="move", move="down", protected={"children": 2})),
    ("ADV-04", Suggestion("3 例下转", kind="move", move="down", protected={"sole_provider": 3})),
    ("ADV-05", Suggestion("3 例下转", kind="move", move="down", protected={"intensive": 1})),
    ("ADV-06", Suggestion("科室结余按比例奖励", kind="pay")),
    ("ADV-06", Suggestion("病组结余的 20% 分到个人")),
    ("ADV-07", Suggestion("核对是否漏填糖尿病", kind="coding", audience="coder", risk="无依据补填属高编")),
    ("ADV-08", Suggestion("核对是否漏填糖尿病", kind="coding", audience="coder", evidence=("血糖 12.1",))),
    (
        "ADV-09",
        Suggestion(
            "核对是否漏填糖尿病",
            kind="coding",
            audience="coder",
            evidence=("血糖 12.1",),
            risk="高编",
            amount_fen=98_000,
        ),
    ),
    (
        "ADV-09",
        Suggestion(
            "补填糖尿病，多付 980 元", kind="coding", audience="coder", evidence=("血糖 12.1",), risk="无依据补填属高编"
        ),
    ),
    (
        "ADV-09",
        Suggestion("改主诊断可进高权重组", kind="coding", audience="coder", evidence=("手术记录",), risk="高编"),
    ),
    ("ADV-10", Suggestion("感冒属淘汰病组", audience="physician")),
    ("ADV-10", Suggestion("感冒属淘汰病组", audience="public")),
]
ALLOWED = [
    Suggestion("不得拒收参保患者；14 例下转到区内二级医院", kind="move", move="down"),
    Suggestion("30 例改门诊", kind="move", move="outpatient"),
    Suggestion("6 例改日间手术", kind="move", move="day_surgery", protected={"emergency": 0}),
    Suggestion("在能力之内多收 3 例", kind="growth", amount_fen=60_000),
    Suggestion("病组结余的 20% 分到个人", document="院办〔2025〕8号"),
    Suggestion("科室绩效按多项指标", kind="pay", document="院办〔2025〕8号"),
    Suggestion("核对是否漏填糖尿病", kind="coding", audience="coder", evidence=("血糖 12.1",), risk="无依据补填属高编"),
    Suggestion(
        "编码偏差合计 98,000 元",
        kind="coding",
        audience="manager",
        evidence=("抽查 50 份",),
        risk="高编",
        amount_fen=9_800_000,
    ),
    Suggestion("引导下沉：上呼吸道感染", audience="physician"),
]


@pytest.mark.parametrize(("rule", "suggestion"), FORBIDDEN)
def test_what_may_not_be_advised_is_refused_with_reason_and_remedy(rule: str, suggestion: Suggestion) -> None:
    found = checked([suggestion])
    assert found.allowed == ()
    (finding,) = found.refused
    assert finding.rule_id == rule
    assert finding.value == suggestion.text
    (held,) = [one for one in load_advice_rules().rules if one.id == rule]
    assert held.reason in finding.message
    assert finding.hint == held.hint


@pytest.mark.parametrize("suggestion", ALLOWED, ids=lambda one: one.text)
def test_what_may_be_advised_passes(suggestion: Suggestion) -> None:
    assert checked([suggestion]) == advice.Checked((suggestion,), ())


def test_every_rule_is_tried() -> None:
    assert {rule for rule, _ in FORBIDDEN} == {one.id for one in load_advice_rules().rules}


def test_a_double_negation_is_no_prohibition() -> None:
    assert [one.rule_id for one in checked([Suggestion("床位紧张，不得不停收")]).refused] == ["ADV-01"]


def test_a_prohibition_does_not_cover_a_second_mention() -> None:
    assert checked([Suggestion("不得拒收急诊，普通病例可以拒收")]).refused


def test_the_practice_rules_name_their_requirement() -> None:
    assert {one.reference for one in load_advice_rules().rules} == {"S920-01", "S000-14"}


@given(st.lists(st.sampled_from([*(one for _, one in FORBIDDEN), *ALLOWED])))
def test_every_suggestion_is_either_shown_or_refused_in_its_order(suggestions: list[Suggestion]) -> None:
    found = checked(suggestions)
    assert len(found.allowed) + len(found.refused) == len(suggestions)
    assert list(found.allowed) == [one for one in suggestions if one in ALLOWED]


@given(
    st.text(alphabet="停收推诿下转门诊参保患者，。1", max_size=20),
    st.integers(0, 3),
    st.dictionaries(st.sampled_from(["emergency", "children", "sole_provider", "intensive"]), st.integers(0, 3)),
)
def test_no_text_carries_a_protected_or_unplaced_case_through(
    text: str, unplaced: int, touched: dict[str, int]
) -> None:
    one = Suggestion(text, kind="move", move="down", unplaced_count=unplaced, protected=touched)
    if unplaced or any(touched.values()):
        assert not checked([one]).allowed


def test_a_rule_that_refuses_nothing_is_refused_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    data = {"negations": [], "moves": [], "rules": [{"id": "ADV-1", "label": "空", "reason": "空", "hint": "空"}]}
    data["rules"][0] |= {"reference": "S920-01", "refuse": [{}]}
    monkeypatch.setattr(advice, "load_strict_yaml", lambda *_: data)
    load_advice_rules.cache_clear()
    try:
        with pytest.raises(TongpinError, match="没有写拒绝什么"):
            load_advice_rules()
        data["rules"][0]["colour"] = "red"
        with pytest.raises(TongpinError) as caught:
            load_advice_rules()
        assert "colour" in caught.value.where
    finally:
        load_advice_rules.cache_clear()
