"""A policy edition: what it says on a day, and how a faulty one is refused."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from payment_cases import START, make_policy, write_policy

import tongpin
from tongpin.base.errors import PolicyError
from tongpin.payment.policy.policy import Policy
from tongpin.payment.policy.vocabulary import KNOWN
from tongpin.payment.pricing.rates import LevelRate, level_rate

DEMO = Path(tongpin.__file__).parent / "policies" / "demo-east" / "2025"
JUNE = date(2025, 6, 1)
E4 = 10_000


def refused(folder: Path) -> PolicyError:
    with pytest.raises(PolicyError) as caught:
        Policy.load(folder)
    return caught.value


def test_a_value_is_read_by_day_and_dimension(tmp_path):
    policy = make_policy(tmp_path)
    assert policy.value("outlier.high.multiple", JUNE, hospital_level="三级") == 3
    assert policy.value("outlier.low.multiple", JUNE) == Decimal("0.4")
    assert policy.scaled("outlier.low.multiple", JUNE) == 4000


def test_the_latest_value_that_has_begun_is_in_force(tmp_path):
    def later(data):
        data["parameters"]["deposit.ratio"]["values"][date(2025, 7, 1)] = 0.05

    policy = make_policy(tmp_path, change=later)
    assert policy.value("deposit.ratio", date(2025, 6, 30)) == Decimal("0.03")
    assert policy.value("deposit.ratio", date(2025, 7, 1)) == Decimal("0.05")
    assert policy.in_force_since("deposit.ratio", date(2025, 12, 31)) == date(2025, 7, 1)


def test_a_gap_names_day_key_and_mend(tmp_path):
    policy = make_policy(tmp_path)
    with pytest.raises(PolicyError) as before:
        policy.value("deposit.ratio", date(2024, 12, 31))
    assert before.value.code == "policy.gap"
    assert "2024-12-31" in before.value.message
    assert "deposit.ratio" in before.value.where
    assert "不晚于 2024-12-31" in before.value.hint
    with pytest.raises(PolicyError) as level:
        policy.value("outlier.high.multiple", JUNE, hospital_level="一级")
    assert level.value.where.endswith("outlier.high.multiple.values.2025-01-01.一级")


def test_an_edition_that_leaves_a_parameter_open_is_refused_when_it_is_needed(tmp_path):
    policy = make_policy(tmp_path, change=lambda data: data["parameters"].pop("deposit.base"))
    with pytest.raises(PolicyError, match=r"policy\.gap.*deposit\.base"):
        policy.value("deposit.base", JUNE)


def test_assumed_keys_are_told(tmp_path):
    def confirm(data):
        data["parameters"]["deposit.ratio"] |= {
            "assumed": False,
            "reference": {START: {"title": "测试文件", "clause": "第一条"}},
            "checked_on": date(2025, 3, 1),
        }

    policy = make_policy(tmp_path, change=confirm)
    assert "weights" in policy.assumed_keys()
    assert "deposit.base" in policy.assumed_keys()
    assert "deposit.ratio" not in policy.assumed_keys()


def _parameter(key, **changes):
    return lambda data: data["parameters"][key].update(changes)


@pytest.mark.parametrize(
    ("change", "where", "message"),
    [
        (lambda d: d.update(colour="red"), "colour", "不认识这个键"),
        (lambda d: d.pop("scheme"), "scheme", "缺少这个键"),
        (lambda d: d["edition_by"].update(value="birthday"), "edition_by.value", "只能是"),
        (
            lambda d: d["parameters"].update({"outlier.hgih.multiple": d["parameters"]["deposit.ratio"]}),
            "outlier.hgih.multiple",
            "没有这个参数",
        ),
        (_parameter("deposit.ratio", unit="fen"), "deposit.ratio.unit", "单位应为 ratio"),
        (_parameter("deposit.ratio", by=["drg"], values={START: {"A": 1}}), "deposit.ratio.by", "不能按 drg 区分"),
        (_parameter("deposit.ratio", values={START: 0.00001}), "deposit.ratio.values.2025-01-01", "不合单位"),
        (_parameter("deposit.ratio", values={START: -1}), "deposit.ratio.values.2025-01-01", "不合单位"),
        (_parameter("deposit.ratio", values={START: True}), "deposit.ratio.values.2025-01-01", "不合单位"),
        (_parameter("rate.basic_group", values={START: 1.5}), "rate.basic_group.values.2025-01-01", "不合单位"),
        (_parameter("rounding.rate", values={START: 0}), "rounding.rate.values.2025-01-01", "取整不能为 0"),
        (_parameter("calendar.month_cutoff_day", values={START: 32}), "month_cutoff_day", "不合单位"),
        (_parameter("pool.negative", values={START: "floor_year"}), "pool.negative", "没有选项“floor_year”"),
        (_parameter("deposit.ratio", assumed=False), "deposit.ratio.reference", "没有依据"),
        (_parameter("outlier.high.multiple", values={START: 3}), "outlier.high.multiple", "应按 hospital_level 分开写"),
        (lambda d: d["weights"].update(file="../weights.csv"), "weights.file", "同一文件夹"),
    ],
)
def test_a_faulty_edition_is_refused_with_its_place(tmp_path, change, where, message):
    error = refused(write_policy(tmp_path, change=change))
    assert error.code == "policy.invalid"
    assert where in error.where
    assert str(tmp_path) in error.where
    assert message in error.message
    assert error.hint


def test_a_key_written_twice_is_refused_with_its_line(tmp_path):
    folder = write_policy(tmp_path)
    path = folder / "policy.yaml"
    path.write_text(path.read_text(encoding="utf-8") + "area: 别处\n", encoding="utf-8")
    error = refused(folder)
    assert error.code == "policy.yaml"
    assert "“area”重复" in error.message
    assert "行" in error.where


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"id: [", "policy.yaml"),
        (b"- a\n", "policy.yaml"),
        (b"id: .nan\n", "policy.yaml"),
        ("id: 示例".encode("gb18030"), "policy.encoding"),
        (None, "policy.missing"),
    ],
)
def test_a_broken_file_is_refused(tmp_path, content, code):
    folder = write_policy(tmp_path)
    path = folder / "policy.yaml"
    path.unlink() if content is None else path.write_bytes(content)
    assert refused(folder).code == code


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ("drg,rw\n", "表头不对"),
        ("drg,weight,basic_group\nA,1,0\nA,2,0\n", "病组 A 重复"),
        ("drg,weight,basic_group\nA,0,0\n", "权重“0”不对"),
        ("drg,weight,basic_group\nA,1.00001,0\n", "权重“1.00001”不对"),
        ("drg,weight,basic_group\nA,NaN,0\n", "权重“NaN”不对"),
        ("drg,weight,basic_group\nA,1,maybe\n", "basic_group“maybe”不对"),
        ("drg,weight,basic_group\n,1,0\n", "编码为空"),
        ("drg,weight,basic_group\nA,1\n", "basic_group“None”不对"),
    ],
)
def test_a_faulty_weight_table_is_refused_with_its_line(tmp_path, weights, message):
    error = refused(write_policy(tmp_path, weights=weights))
    assert error.code == "policy.weights"
    assert message in error.message
    assert "行" in error.where


def test_the_digest_names_the_content(tmp_path):
    one = make_policy(tmp_path / "one")
    same = make_policy(tmp_path / "same")
    other = make_policy(tmp_path / "other", {"deposit.ratio": 0.05})
    assert one.digest == same.digest != other.digest


def level_rates(policy: Policy, on: date) -> list[LevelRate]:
    return [level_rate(policy, on, **place) for place in policy.leaves("rate.tier_budget", on)]


def test_the_demonstration_edition_says_everything_the_stages_ask():
    policy = Policy.load(DEMO)
    assert set(policy.edition.parameters) <= set(KNOWN)
    assert policy.id == "demo-east/2025"
    assert policy.scheme_id == "demo-drg"
    assert set(policy.assumed_keys()) >= set(policy.edition.parameters), "no document confirms a demonstration value"
    for day in (date(2024, 1, 1), JUNE):
        rates = level_rates(policy, day)
        assert {(rate.fund, rate.hospital_level) for rate in rates} == {
            (fund, level) for fund in ("310", "390") for level in ("三级", "二级", "一级")
        }
        for key in policy.edition.parameters:
            assert list(policy.leaves(key, day))


def test_the_rates_of_the_two_years_differ_a_little():
    policy = Policy.load(DEMO)
    for old, new in zip(level_rates(policy, date(2024, 6, 1)), level_rates(policy, JUNE), strict=True):
        assert 0 < new.rate_fen - old.rate_fen < 0.05 * old.rate_fen


def test_the_rates_of_the_demonstration_close_to_its_budgets():
    policy = Policy.load(DEMO)
    for day in (date(2024, 6, 1), JUNE):
        unit = policy.value("rounding.rate", day)
        for closed in level_rates(policy, day):
            paid = (
                closed.basic_payment_fen + closed.rate_fen * (closed.forecast_weight_e4 - closed.basic_weight_e4) / E4
            )
            assert closed.paid_fen == pytest.approx(paid, abs=1)
            # half a rounding unit on each weight that is not of a basic group, and half a fen for the payment
            assert abs(closed.residue_fen) <= unit * (closed.forecast_weight_e4 - closed.basic_weight_e4) / (2 * E4) + 1
            assert abs(closed.residue_fen) < closed.tier_budget_fen / 1_000_000


def test_a_level_above_has_the_higher_rate():
    for day in (date(2024, 6, 1), JUNE):
        rates = {(rate.fund, rate.hospital_level): rate.rate_fen for rate in level_rates(Policy.load(DEMO), day)}
        for fund in ("310", "390"):
            assert rates[fund, "三级"] > rates[fund, "二级"] > rates[fund, "一级"]
