"""The joint page section by section: what a reader finds there is what the report holds."""

from __future__ import annotations

import html
import re
from dataclasses import replace

import pyarrow.compute as pc
import pytest
from sample_month import LABELS, POLICY_INFO, make_month

from tongpin.base.money import round_half_up
from tongpin.report.words import count_text, percent_text, points_text, wan_text, yuan_text
from tongpin.twin.catalogue import load_pairs, measure
from tongpin.twin.joint import JointReport, build_joint
from tongpin.twin.joint_html import figure_text, joint_html
from tongpin.twin.joint_overspend import overspend_of, told
from tongpin.twin.joint_sheets import LOW_RISK
from tongpin.twin.portfolio.catalogue import load_classes
from tongpin.twin.portfolio.classes import losing_months


@pytest.fixture(scope="module")
def joint() -> JointReport:
    month = vars(make_month())
    tables = [month[name] for name in ("priced", "pages", "benchmark_pages", "institutions", "statement")]
    return build_joint(*tables, month.get("policy_info", POLICY_INFO), "2025-06", group_labels=LABELS)


@pytest.fixture(scope="module")
def page(joint: JointReport) -> str:
    return joint_html(joint)


def text_of(markup: str) -> str:
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]*>", " ", markup))).strip()


def section(page: str, name: str) -> str:
    """One section without its drawings."""
    found = re.search(rf'<section id="{name}".*?</section>', page, re.DOTALL)
    assert found
    return re.sub(r"<svg.*?</svg>", "", found[0], flags=re.DOTALL)


def rows(markup: str) -> list[list[str]]:
    """The table rows of a piece of page as texts of their cells."""
    found = re.findall(r"<tr[^>]*>(.*?)</tr>", markup, re.DOTALL)
    return [[text_of(cell) for cell in re.findall(r"<t[dh][^>]*>(.*?)</t[dh]>", row, re.DOTALL)] for row in found]


def shown(measure_id: str, row: dict) -> str:
    """A figure as the page writes it; few low-risk cases as deaths of cases."""
    if measure_id == LOW_RISK and row[f"{LOW_RISK}.flag"] and row[LOW_RISK] is not None:
        return f"{count_text(row['low_risk_death_count'])}/{count_text(row['low_risk_count'])}"
    return figure_text(measure(measure_id), row[measure_id])


def test_the_city_and_the_bridge_to_the_statement(page: str, joint: JointReport) -> None:
    city = joint.city.to_pylist()[0]
    markup = section(page, "city")
    values = [text_of(value) for value in re.findall(r'<span class="value">(.*?)</dd>', markup, re.DOTALL)]
    for measure_id in ("settlement.result", "settlement.mean_fee", "discharge.cmi", "discharge.drug_share", LOW_RISK):
        assert any(value.startswith(shown(measure_id, city)) for value in values), measure_id
    written = [row for row in rows(markup) if len(row) == 4][1:]
    assert written == [
        [step.label, count_text(step.case_count), wan_text(step.pool_payable_fen), wan_text(step.result_fen)]
        for step in joint.bridge
    ]


def test_the_four_pairs_side_by_side(page: str, joint: JointReport) -> None:
    slices = [*joint.levels.to_pylist(), joint.city.to_pylist()[0]]
    written = rows(section(page, "mirror"))
    for pair in load_pairs():
        for side in (pair.insurance, pair.assessment):
            for measure_id in side.measures:
                figures = [shown(measure_id, part) for part in slices]
                holding = [row for row in written if any(cell.startswith(measure(measure_id).label) for cell in row)]
                assert any(
                    row[start : start + len(figures)] == figures
                    for row in holding
                    for start in range(len(row) - len(figures) + 1)
                ), measure_id


def test_every_hospital_with_both_sides_of_every_pair(page: str, joint: JointReport) -> None:
    written = rows(section(page, "hospitals"))
    ids = [i for pair in load_pairs() for i in (*pair.insurance.measures, *pair.assessment.measures)]
    for hospital in joint.hospitals.to_pylist():
        figures = [shown(measure_id, hospital) for measure_id in ids]
        counts = [count_text(hospital[f"{desk}.cases"]) for desk in ("settlement", "discharge")]
        (row,) = [row for row in written if row[0].startswith(hospital["institution_name"]) and row[1:3] == counts]
        assert row[3:] == figures


def test_red_lines_name_the_hospitals_and_groups_above_them(page: str, joint: JointReport) -> None:
    markup = section(page, "lines")
    written = rows(markup)
    for result, limit in zip(joint.red_lines, ("25.00%", "20.00%"), strict=True):
        assert f"{result.line.label} ≤ {limit}" in text_of(markup)
        assert result.hospitals.num_rows
        for row in result.hospitals.slice(0, 12).to_pylist():
            tail = [row["level"], percent_text(row["value"]), points_text(row["excess"])]
            assert any(line[0].startswith(row["institution_name"]) and line[1:] == tail for line in written)
    for row in joint.warnings.slice(0, 20).to_pylist():
        fee, standard = (round_half_up(row[name], row["case_count"]) for name in ("total_fee_fen", "standard_fen"))
        over = f"+{percent_text(row['multiple'] - 1)}"
        tail = [yuan_text(fee), yuan_text(standard), over, yuan_text(row["excess_fen"])]
        assert any(line[1] == row["drg"] and line[4:] == tail for line in written if len(line) == 8)
    assert joint.warnings.num_rows
    assert "超出 = 费用 − 110% × 支付标准" in text_of(markup)
    assert "不扣款" in text_of(markup)


def test_the_portfolio_and_low_weight_beside_result_and_cmi(page: str, joint: JointReport) -> None:
    written = rows(section(page, "portfolio"))
    labels = {one.id: one.label for one in load_classes()}
    for one in joint.classes.to_pylist():
        (row,) = [row for row in written if row[0] == labels[one["class"]]]
        assert row[2:5] == [count_text(one[name]) for name in ("group_count", "few_count", "case_count")]
        assert row[-1] == wan_text(one["result_fen"])
    named = {row["institution_name"]: row for row in joint.hospitals.to_pylist()}
    listed = [row for row in written if len(row) == 6 and row[1] in {"三级", "二级"}]
    assert listed
    for row in listed:
        hospital = next(one for name, one in named.items() if row[0].startswith(name))
        assert row[2:] == [
            percent_text(hospital["settlement.low_weight_share"]),
            wan_text(hospital["settlement.result"]),
            percent_text(hospital["settlement.result_ratio.paid"]),
            shown("discharge.cmi", hospital),
        ]


def test_departments_to_look_at_first_are_listed_with_their_excess(joint: JointReport) -> None:
    # Which departments cross is tested beside the rule; here any three stand for them.
    crossing = joint.departments.slice(0, 3)
    markup = section(joint_html(replace(joint, crossing=crossing)), "crossing")
    written = [row for row in rows(markup[markup.index("药耗高于期望的科室") :]) if len(row) == 11]
    assert written[1:] == [
        [
            one["institution_name"],
            one["dept_label"],
            count_text(one["settlement.cases"]),
            wan_text(one["settlement.result"]),
            percent_text(one["settlement.result_ratio.paid"]),
            percent_text(one["discharge.compared_drug_share"]),
            percent_text(one["discharge.expected_drug_share.fee_weighted"]),
            points_text(one["drug_excess"]),
            percent_text(one["discharge.compared_consumable_share"]),
            percent_text(one["discharge.expected_consumable_share.fee_weighted"]),
            points_text(one["consumable_excess"]),
        ]
        for one in crossing.to_pylist()
    ]


def test_a_light_group_is_guided_only_after_losing_in_earlier_months_too(joint: JointReport) -> None:
    month = vars(make_month())
    tables = [month[name] for name in ("priced", "pages", "benchmark_pages", "institutions", "statement")]
    (light, *_) = [row["drg"] for row in joint.groups.to_pylist() if row["class"] == "watched"]
    again = build_joint(
        *tables, month.get("policy_info", POLICY_INFO), "2025-06", earlier_runs={light: losing_months() - 1}
    )
    classes = {row["drg"]: row["class"] for row in again.groups.to_pylist()}
    assert classes[light] == "guided"
    assert "guided" not in joint.groups["class"].to_pylist()
    assert f"连续 {losing_months()} 个已关账的月份" in joint_html(again)


def test_the_statement_of_overspending_is_tested_by_level_and_for_the_city(page: str, joint: JointReport) -> None:
    written = [row for row in rows(section(page, "crossing")) if len(row) == 10]
    for place, counts in (
        *((one, joint.overspend.filter(pc.equal(joint.overspend["level"], one))) for one in ("三级", "二级", "一级")),
        ("全市", joint.overspend),
    ):
        one = overspend_of(counts)
        assert [
            place,
            count_text(one.overspent_count),
            count_text(one.overspent_high_count),
            percent_text(one.overspent_share),
            count_text(one.other_count),
            count_text(one.other_high_count),
            percent_text(one.other_share),
            points_text(one.difference),
            f"{points_text(one.low)} ～ {points_text(one.high)}",
            one.verdict,
        ] in written
    city = overspend_of(joint.overspend)
    assert f"全市：{told(city)}" in text_of(section(page, "crossing"))
    assert f"本月的病例：{city.verdict}" in text_of(section(page, "mirror"))


def test_groups_that_overspend_with_a_high_share_are_named(page: str, joint: JointReport) -> None:
    markup = section(page, "crossing")
    written = rows(markup[: markup.index("药耗高于期望的科室")])
    assert joint.crossing_groups.num_rows
    for one in joint.crossing_groups.slice(0, 20).to_pylist():
        assert one["settlement.result_ratio.standard"] < 0
        assert one["drug_high"] or one["consumable_high"]
        (row,) = [row for row in written if row[:2] == [one["institution_name"], one["drg"]]]
        assert row[3:] == [
            count_text(one["settlement.cases"]),
            percent_text(one["settlement.result_ratio.standard"]),
            percent_text(one["discharge.compared_drug_share"]),
            percent_text(one["discharge.expected_drug_share.fee_weighted"]),
            points_text(one["drug_excess"]),
            percent_text(one["discharge.compared_consumable_share"]),
            percent_text(one["discharge.expected_consumable_share.fee_weighted"]),
            points_text(one["consumable_excess"]),
        ]


def test_a_change_of_mix_stands_with_its_anchors(page: str, joint: JointReport) -> None:
    markup = section(page, "portfolio")
    markup = markup[markup.index('id="mix"') :]
    assert re.findall(r'class="anchor">([^<]*)<', markup) == ["高质量发展评价", "仅文档"] * 3
    written = {row[1]: row for row in rows(markup) if len(row) == 13}
    cmi = joint.city["discharge.cmi"][0].as_py()
    assert joint.mix
    for one in joint.mix[:3]:
        row = written[one.drg]
        assert row[3:6] == [f"{float(one.weight):.2f}", count_text(one.page_count), count_text(one.list_count)]
        assert row[6].startswith("+" if float(one.weight) > cmi else "−")
        assert row[7].lstrip("+") == yuan_text(one.more.result_fen)
        assert row[12].lstrip("+") == wan_text(one.grown.result_fen)
    assert "不得拒收" in text_of(markup)
