"""The cause dictionary: each entry suggested by its own figures and only then, with cases and without blame."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pyarrow as pa
import pytest
from causes_cases import group, lines

from tongpin.base.errors import TongpinError
from tongpin.twin.advice import Suggestion, checked
from tongpin.twin.causes.catalogue import Cause, Test, load_causes, load_settings
from tongpin.twin.causes.catalogue import checked as checked_causes
from tongpin.twin.causes.dictionary import suggested
from tongpin.twin.causes.run import _as_advice

CAUSES = {one.id: one for one in load_causes()}


def told(
    rows: list[dict[str, Any]],
    *,
    operated: bool = False,
    surgery: bool | None = None,
    other: list[bool | None] | None = None,
) -> pa.Table:
    table = lines(rows)
    others = [False] * len(rows) if other is None else other
    return (
        table.append_column("operated", pa.array([operated] * len(rows)))
        .append_column("surgery", pa.array([operated if surgery is None else surgery] * len(rows)))
        .append_column("other_group", pa.array(others, pa.bool_()))
        .append_column("first_dx", pa.array(["K80.200"] * len(rows)))
    )


def ids(own: pa.Table, peers: pa.Table) -> set[str]:
    return {one.cause.id for one in suggested(own, peers, {})}


PEERS = told(group(40, hospital="H2"))
OPERATED_PEERS = told(group(40, hospital="H2"), operated=True)


def test_alike_cases_suggest_nothing() -> None:
    assert ids(told(group(20)), PEERS) == set()
    assert ids(told(group(20), operated=True), OPERATED_PEERS) == set()


def test_dear_drugs_of_chemotherapy_are_no_prophylaxis() -> None:
    dear = group(20, drug=4_000)
    assert ids(told(dear, operated=True, surgery=False), OPERATED_PEERS) == set(), "a procedure is no surgery"


def test_dear_drugs_in_operated_cases() -> None:
    dear = group(20, drug=3_000)
    assert ids(told(dear, operated=True), OPERATED_PEERS) == {"prophylactic_drugs"}
    assert ids(told(dear), PEERS) == set()  # without operations it is another matter
    found = suggested(told(dear, operated=True), OPERATED_PEERS, {"AA11D": {"drug": -77}})
    assert found[0].amount_fen == -77
    assert len(found[0].cases) == 5
    assert "药费 3,000.00 元，同组均值 2,000.00 元" in found[0].cases[0].why


def test_tests_that_most_cases_have_more_of() -> None:
    assert ids(told(group(20, exam=1_300)), PEERS) == {"package_tests"}
    few_dear = [*group(17, exam=900), *group(3, exam=5_000, prefix="x")]
    assert ids(told(few_dear), PEERS) == set()  # the mean is higher, but of three cases


def test_a_standard_below_what_everybody_charges() -> None:
    peers = told(group(40, hospital="H2", rate=7_000))
    assert ids(told(group(20, rate=7_000)), peers) == {"price_inversion"}
    dearer = told(group(20, rate=7_000, service=9_000))
    assert ids(dearer, peers) == set()  # here the hospital itself charges more


def test_short_stays_without_operation() -> None:
    short = [*group(12), *group(8, stay=1, prefix="x")]
    assert ids(told(short), PEERS) == {"low_threshold_admission"}
    assert ids(told(short, operated=True), OPERATED_PEERS) == set()
    assert ids(told(short), told([*group(24), *group(16, stay=1, prefix="x")])) == set()
    two = [*group(8), *group(2, stay=1, prefix="x")]
    assert ids(told(two), PEERS) == set()  # a share of two cases is chance


def test_outliers_or_front_pages_in_another_group() -> None:
    odd = [*group(15), *group(5, outlier="HIGH", drug=40_000, prefix="x")]
    assert ids(told(odd), PEERS) == {"group_deviation"}
    other = [True] * 4 + [False] * 16
    assert ids(told(group(20), other=other), PEERS) == {"group_deviation"}
    unknown: list[bool | None] = [True] * 2 + [None] * 18
    assert ids(told(group(20), other=unknown), PEERS) == set()
    (one,) = suggested(told(group(20), other=other), PEERS, {"AA11D": {"coding": -1}})
    assert one.amount_fen is None  # whoever codes sees no money
    assert [case.why for case in one.cases] == ["清单与首页病组不同"] * 4


def test_nobody_is_judged_on_few_cases() -> None:
    assert ids(told(group(9, drug=9_000), operated=True), OPERATED_PEERS) == set()
    assert ids(told(group(20, "ZZ11D", drug=9_000), operated=True), OPERATED_PEERS) == set()


def test_every_entry_is_assumed_accuses_nobody_and_may_be_advised() -> None:
    assert list(CAUSES) == [
        "prophylactic_drugs",
        "package_tests",
        "price_inversion",
        "low_threshold_admission",
        "group_deviation",
    ]
    for cause in CAUSES.values():
        assert cause.reference == "S002-27"
        assert cause.assumed
        assert not any(word in cause.words + cause.next_step for word in ("违规", "骗", "责任人", "处罚", "淘汰"))
        found = Suggestion(cause.next_step, cause.kind, cause.audience, evidence=("S1",), risk=cause.risk)
        assert checked([found]).refused == ()


def test_money_beside_a_coding_hint_is_refused() -> None:
    other = [True] * 4 + [False] * 16
    (one,) = suggested(told(group(20), other=other), PEERS, {})
    advice = _as_advice(one)
    assert checked([advice]).refused == ()
    (refused,) = checked([replace(advice, amount_fen=100)]).refused
    assert refused.rule_id == "ADV-09"


def test_an_entry_with_unknown_figures_or_limits_is_refused() -> None:
    good = CAUSES["package_tests"]
    wrong: list[Cause] = [
        good.model_copy(update={"tests": (Test(figure="beauty", at_least="tests.fee_ratio"),)}),
        good.model_copy(update={"tests": (Test(figure="exam_fee_ratio", at_least="nowhere"),)}),
        good.model_copy(update={"tests": (Test(figure="exam_fee_ratio"),)}),
        good.model_copy(update={"parts": ("beauty",)}),
    ]
    for one in wrong:
        with pytest.raises(TongpinError) as caught:
            checked_causes((one,))
        assert caught.value.code == "causes.unknown"
    assert checked_causes((good,)) == (good,)


def test_every_limit_is_used_named_and_has_its_reference() -> None:
    used = {limit for one in CAUSES.values() for test in one.tests for limit in (test.at_least, test.at_most)}
    assert {name for name in load_settings() if name.split(".")[0] in {"drugs", "tests", "price", "grouping"}} <= used
    assert all(one.reference and one.label for one in load_settings().values())
