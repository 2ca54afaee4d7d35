"""The library: which edition a month is settled with, what overlaps, and how a draft is made."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from payment_cases import START, make_policy, write_policy

from tongpin.base.errors import PolicyError
from tongpin.payment.policy.check import UNREADABLE, check_edition, check_library
from tongpin.payment.policy.drafts import new_edition
from tongpin.payment.policy.frozen import CHANGED, GONE, UNRECORDED, frozen_findings
from tongpin.payment.policy.library import open_policy, policy_named
from tongpin.payment.policy.policy import Policy
from tongpin.payment.pricing.rates import level_rate
from tongpin.store.home import Home


@pytest.fixture
def home(tmp_path) -> Home:
    return Home.open(tmp_path / "home")


def edition(home: Home, name: str, *, begins: date = START, **top: object) -> Path:
    """A released edition of the home in which every value begins on a day."""

    def change(data):
        data.update(id=name, **top)
        for parameter in data["parameters"].values():
            parameter["values"] = {begins: parameter["values"][START]}

    return write_policy(home.policies / name, change=change)


def test_a_home_without_editions_settles_the_demonstration(home):
    assert open_policy(home, None, "2025-06").id == "demo-east/2025"


def test_the_newest_edition_that_has_begun_holds_the_month(home):
    edition(home, "city/2025", until=date(2025, 12, 31))
    edition(home, "city/2026", begins=date(2026, 1, 1))
    assert open_policy(home, None, "2025-12").id == "city/2025"
    assert open_policy(home, None, "2026-01").id == "city/2026"


def test_a_month_between_two_editions_is_refused_with_their_spans(home):
    edition(home, "city/2025", until=date(2025, 10, 31))
    edition(home, "city/2026", begins=date(2026, 1, 1))
    with pytest.raises(PolicyError) as caught:
        open_policy(home, "city", "2025-12")
    assert caught.value.code == "policy.gap"
    assert "至 2025-10-31" in caught.value.where
    assert "2026-01-01 起" in caught.value.where


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({}, {}),
        ({"until": date(2026, 3, 31)}, {"begins": date(2026, 1, 1)}),
    ],
)
def test_overlapping_editions_are_refused(home, first, second):
    edition(home, "city/a", **first)
    edition(home, "city/b", **second)
    with pytest.raises(PolicyError) as caught:
        open_policy(home, "city", "2026-02")
    assert caught.value.code == "policy.overlap"
    assert "city/a" in caught.value.message
    assert "city/b" in caught.value.message
    assert "until" in caught.value.hint


def test_an_edition_that_follows_the_day_after_does_not_overlap(home):
    edition(home, "city/a", until=date(2025, 12, 31))
    edition(home, "city/b", begins=date(2026, 1, 1))
    assert open_policy(home, "city", "2026-02").id == "city/b"


def test_a_draft_is_a_copy_under_another_name(home):
    draft = new_edition(home, "my-city/2026", "demo-east/2025")
    original = policy_named(home, "demo-east/2025")
    assert (draft.id, draft.edition.draft) == ("my-city/2026", True)
    assert draft.edition.parameters == original.edition.parameters
    assert draft.assumed_keys() == original.assumed_keys()
    assert draft.weights == original.weights
    assert "# " in Path(draft.file).read_text(encoding="utf-8"), "comments stay"


def test_a_draft_of_a_draft_is_marked_once(home):
    new_edition(home, "my-city/a", "demo-east/2025")
    second = new_edition(home, "my-city/b", "my-city/a")
    assert Path(second.file).read_text(encoding="utf-8").count("draft:") == 1


def test_a_draft_is_never_settled_with(home):
    new_edition(home, "my-city/2026", "demo-east/2025")
    new_edition(home, "demo-east/2026", "demo-east/2025")
    assert open_policy(home, None, "2025-06").id == "demo-east/2025"
    with pytest.raises(PolicyError, match=r"policy\.gap.*草案") as caught:
        open_policy(home, "my-city", "2025-06")
    assert "draft" in caught.value.hint


@pytest.mark.parametrize(
    ("name", "source", "code"),
    [
        ("nowhere", "demo-east/2025", "policy.name"),
        ("../x/y", "demo-east/2025", "policy.name"),
        ("demo-east/2025", "demo-east/2025", "policy.exists"),
        ("my-city/2026", "no-city/2025", "policy.unknown"),
    ],
)
def test_a_draft_that_cannot_be_made_leaves_nothing(home, name, source, code):
    with pytest.raises(PolicyError) as caught:
        new_edition(home, name, source)
    assert caught.value.code == code
    assert not list(home.policies.glob("**/policy.yaml"))


def rules(findings):
    return {finding.rule_id: finding for finding in findings}


def test_a_group_without_weight_is_found_before_it_occurs(tmp_path):
    policy = Policy.load(write_policy(tmp_path))
    found = rules(check_edition(policy, ["AA11D", "BB11D", "ZZ19D"]))
    assert found["policy.weights.missing"].value == "ZZ19D"
    assert found["policy.weights.unused"].value == "CC11D"
    assert "policy.weights.missing" not in rules(check_edition(policy, ["AA11D"]))


def test_a_value_that_begins_late_is_found(tmp_path):
    def later(data):
        data["parameters"]["deposit.ratio"]["values"] = {date(2025, 3, 1): 0.03}

    finding = rules(check_edition(Policy.load(write_policy(tmp_path, change=later))))["policy.gap"]
    assert finding.path == "parameters.deposit.ratio.values"
    assert "2025-01-01" in finding.hint


def test_a_level_that_one_parameter_forgets_is_found(tmp_path):
    def forget(data):
        data["parameters"]["outlier.high.multiple"]["values"] = {START: {"三级": 3}}

    finding = rules(check_edition(Policy.load(write_policy(tmp_path, change=forget))))["policy.gap"]
    assert (finding.path, finding.value) == ("parameters.outlier.high.multiple", "二级")


def test_the_rest_of_a_dimension_may_be_given_by_a_star(tmp_path):
    def rest(data):
        data["parameters"]["outlier.high.multiple"]["values"] = {START: {"三级": 3, "*": 2}}

    assert "policy.gap" not in rules(check_edition(Policy.load(write_policy(tmp_path, change=rest))))


def test_an_edition_that_ends_before_it_begins_is_found(tmp_path):
    policy = Policy.load(write_policy(tmp_path, change=lambda data: data.update(until=date(2024, 12, 31))))
    assert rules(check_edition(policy))["policy.span"].severity == "error"


def test_what_is_left_open_is_told_with_its_use(tmp_path):
    found = [f for f in check_edition(Policy.load(write_policy(tmp_path))) if f.rule_id == "policy.open"]
    assert any("特例单议" in finding.value and "批准的病例" in finding.hint for finding in found)


def test_the_library_tells_every_unreadable_and_overlapping_edition(home):
    edition(home, "city/a")
    edition(home, "city/b")
    edition(home, "other/c", colour="red")
    found = rules(check_library(home))
    assert found[UNREADABLE].file == "other/c"
    assert found["policy.overlap"].file == "city"


def test_a_released_edition_that_changed_is_told_from_one_that_did_not():
    recorded = {"a/1": "x" * 64, "b/1": "y" * 64, "c/1": "z" * 64}
    found = {"a/1": "x" * 64, "b/1": "q" * 64, "d/1": "w" * 64}
    assert {f.file: f.rule_id for f in frozen_findings(recorded, found)} == {
        "b/1": CHANGED,
        "c/1": GONE,
        "d/1": UNRECORDED,
    }


def test_a_zero_that_would_pay_nothing_is_refused(tmp_path):
    for key in ("rate.tier_budget", "rate.basic_group", "coefficient.product", "rounding.standard"):
        with pytest.raises(PolicyError, match="不能为 0") as caught:
            Policy.load(write_policy(tmp_path, {key: 0}))
        assert key in caught.value.where


def test_a_rate_that_rounds_to_zero_is_refused(tmp_path):
    policy = make_policy(tmp_path, {"rounding.rate": 10_000_000})
    with pytest.raises(PolicyError, match="取整到 10000000 分后为 0") as caught:
        level_rate(policy, START, "310", "三级")
    assert "rounding.rate" in caught.value.hint


def test_an_edition_without_weights_pays_no_group(tmp_path):
    policy = Policy.load(write_policy(tmp_path, change=lambda data: data.pop("weights")))
    assert policy.weights_label == "没有权重表"
    assert "weights" not in policy.assumed_keys()
    with pytest.raises(PolicyError, match="没有权重表"):
        policy.weight("AA11D")


def test_every_table_beside_the_edition_counts_for_its_digest(tmp_path):
    folder = write_policy(tmp_path)
    before = Policy.load(folder).digest
    (folder / "registers.csv").write_text("register,code_kind,code,from,until\n", encoding="utf-8")
    assert Policy.load(folder).digest != before
