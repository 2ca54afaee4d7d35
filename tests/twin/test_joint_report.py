"""The joint report of a made-up month."""

from __future__ import annotations

import re
import time
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

import openpyxl
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from sample_month import LABELS, POLICY_INFO, Month, make_month

from tongpin.base.errors import BalanceError
from tongpin.twin.catalogue import measure
from tongpin.twin.crossing import crossing_departments, departments_against_expected
from tongpin.twin.joint import JointReport, build_joint
from tongpin.twin.joint_charts import joint_charts
from tongpin.twin.joint_html import figure_text, group_extremes, joint_html, write_joint_html
from tongpin.twin.joint_xlsx import write_joint_xlsx
from tongpin.twin.red_lines import groups_over

if TYPE_CHECKING:
    from pathlib import Path


def build(month: Month, **changes: Any) -> JointReport:
    inputs = vars(month) | changes
    return build_joint(
        inputs["priced"],
        inputs["pages"],
        inputs["benchmark_pages"],
        inputs["institutions"],
        inputs["statement"],
        inputs.get("policy_info", POLICY_INFO),
        "2025-06",
        group_labels=LABELS,
    )


@pytest.fixture(scope="module")
def month() -> Month:
    return make_month()


@pytest.fixture(scope="module")
def joint(month: Month) -> JointReport:
    return build(month)


@pytest.fixture(scope="module")
def page(joint: JointReport) -> str:
    return joint_html(joint)


def counted(priced: pa.Table) -> pa.Table:
    """The lists that measures count."""
    kinds = pc.is_in(priced["line_kind"], value_set=pa.array(["regular", "late"]))
    return priced.filter(pc.and_(kinds, pc.equal(priced["pay_scope"], "DRG")))


def test_both_desks_count_their_own_population(month: Month, joint: JointReport) -> None:
    lists = counted(month.priced)
    city = joint.city.to_pylist()[0]
    assert city["settlement.cases"] == lists.num_rows
    assert city["discharge.cases"] == month.pages.num_rows
    assert city["settlement.result"] == pc.sum(lists["result_fen"]).as_py()
    assert city["settlement.mean_weight"] == pytest.approx(pc.mean(lists["weight_e4"]).as_py() / 10_000)
    weighted = month.pages.filter(pc.equal(month.pages["status"], "grouped"))
    assert city["discharge.cmi"] == pytest.approx(pc.mean(weighted["weight_e4"]).as_py() / 10_000)


def test_hospitals_departments_groups_and_levels_sum_to_the_city(joint: JointReport) -> None:
    city = joint.city.to_pylist()[0]
    for table in (joint.levels, joint.hospitals, joint.departments):
        for name in ("settlement.cases", "settlement.result", "settlement.total_weight", "discharge.cases"):
            assert pc.sum(table[name]).as_py() == city[name]
    for table in (joint.groups, joint.classes):
        assert pc.sum(table["result_fen"]).as_py() == city["settlement.result"]
        assert pc.sum(table["case_count"]).as_py() == city["settlement.cases"]
    assert pc.sum(joint.spread["count"]).as_py() == city["settlement.cases"]


def test_the_bridge_closes_on_the_statement(month: Month, joint: JointReport) -> None:
    *steps, total = joint.bridge
    assert sum(step.pool_payable_fen for step in steps) == total.pool_payable_fen
    assert total.result_fen == pc.sum(month.statement["month_result_fen"]).as_py()
    labels = {step.label: step for step in steps}
    assert labels["红冲（前月撤回）"].case_count == -3
    assert labels["蓝补（重新上传）"].pool_payable_fen == -labels["红冲（前月撤回）"].pool_payable_fen


def test_one_fen_off_the_statement_stops_the_report(month: Month) -> None:
    tampered = month.statement.set_column(
        month.statement.column_names.index("month_pool_payable_fen"),
        "month_pool_payable_fen",
        pc.add(month.statement["month_pool_payable_fen"], pa.array([1] + [0] * (month.statement.num_rows - 1))),
    )
    with pytest.raises(BalanceError) as caught:
        build(month, statement=tampered)
    assert caught.value.code == "joint.payable"


def test_departments_are_measured_against_their_own_case_mix(joint: JointReport) -> None:
    for row in joint.departments.to_pylist():
        if row["discharge.compared_drug_share"] is not None:
            gap = row["discharge.compared_drug_share"] - row["discharge.expected_drug_share.fee_weighted"]
            assert row["drug_excess"] == pytest.approx(gap)
    surgery = [row for row in joint.departments.to_pylist() if row["dept_label"] == "骨科" and row["comparable"]]
    assert surgery
    for row in surgery:
        assert row["discharge.expected_consumable_share.fee_weighted"] > 0.3


def department(result_fen: int, drug: float, cases: int = 100) -> dict[str, Any]:
    return {
        "institution_code": "A",
        "dept": "19",
        "settlement.cases": cases,
        "settlement.result": result_fen,
        "discharge.cases": cases,
        "discharge.compared_drug_share": drug,
        "discharge.expected_drug_share.fee_weighted": 0.55,
        "discharge.compared_consumable_share": 0.05,
        "discharge.expected_consumable_share.fee_weighted": 0.05,
    }


@pytest.mark.parametrize(
    ("row", "listed"),
    [
        (department(-1, 0.59), True),
        (department(-1, 0.57), False),
        (department(1, 0.59), False),
        (department(-1, 0.59, cases=29), False),
    ],
)
def test_crossing_needs_a_loss_a_high_share_and_enough_cases(row: dict[str, Any], *, listed: bool) -> None:
    departments = departments_against_expected(pa.Table.from_pylist([row]))
    assert (crossing_departments(departments).num_rows == 1) == listed


def test_110_percent_of_the_standard_is_the_last_fen_without_warning() -> None:
    facts = pa.table(
        {
            "institution_code": ["A", "A", "A"],
            "drg": ["X", "Y", "Z"],
            "case_count": [20, 20, 19],
            "total_fee_fen": [1_100, 1_101, 9_999],
            "standard_fen": [1_000, 1_000, 1_000],
        },
    )
    over = groups_over(facts).to_pylist()
    assert [(row["drg"], row["excess_fen"]) for row in over] == [("Y", 1)]


def test_red_lines_look_at_hospitals_in_the_assessment_only(joint: JointReport) -> None:
    outside = [row for row in joint.hospitals.to_pylist() if row["manual"] == "不参加国考"]
    assert any(row["discharge.drug_share"] > 0.25 for row in outside)
    for result in joint.red_lines:
        listed = result.hospitals.to_pylist()
        assert result.hospital_count == joint.hospitals.num_rows - len(outside)
        assert all(row["manual"] != "不参加国考" and row["value"] > row["limit"] for row in listed)
        assert [row["value"] for row in listed] == sorted((row["value"] for row in listed), reverse=True)


def test_an_unlisted_institution_is_shown_by_its_code(month: Month) -> None:
    fewer = month.institutions.slice(1)
    first = month.institutions["institution_code"][0].as_py()
    rows = {row["institution_code"]: row for row in build(month, institutions=fewer).hospitals.to_pylist()}
    assert rows[first]["institution_name"] == first
    assert rows[first]["level"] == "未登记"


def test_the_level_is_the_one_valid_in_the_month(month: Month) -> None:
    first = month.institutions.slice(0, 1)
    dated = pa.concat_tables(
        [
            month.institutions.append_column("valid_from", pa.array(["2024-01-01"] * month.institutions.num_rows)),
            first.append_column("valid_from", pa.array(["2025-07-01"])).set_column(
                first.column_names.index("settlement_level"), "settlement_level", pa.array(["一级"])
            ),
        ],
    )
    levels = {row["institution_code"]: row["level"] for row in build(month, institutions=dated).hospitals.to_pylist()}
    assert levels[first["institution_code"][0].as_py()] == "三级"


class Reader(HTMLParser):
    """Collects what a page would fetch, and checks that elements close."""

    VOID = frozenset({"meta", "br"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.fetched: list[str] = []
        self.names: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.append(tag)
        if tag not in self.VOID:
            self.open.append(tag)
        for name, value in attrs:
            if name in {"src", "href", "xlink:href", "action", "srcset"} and not (value or "").startswith("#"):
                self.fetched.append(f"{tag} {name}={value}")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_is_whole_and_requests_nothing(page: str) -> None:
    reader = Reader()
    reader.feed(page)
    assert reader.open == []
    assert reader.fetched == []
    assert not {"script", "link", "img", "iframe"} & set(reader.names)
    assert reader.names.count("svg") == 4
    assert not re.search(r"url\((?!#)|@import", page)
    assert len(page.encode()) < 3_000_000


@pytest.mark.needs("chromium")
def test_a_browser_requests_nothing_and_needs_no_sideways_scrolling(tmp_path: Path, page: str, browser: Any) -> None:
    path = tmp_path / "joint.html"
    path.write_text(page, encoding="utf-8")
    window = browser.new_page(viewport={"width": 1280, "height": 900})
    requests: list[str] = []
    problems: list[str] = []
    window.on("request", lambda request: requests.append(request.url))
    window.on("console", lambda message: problems.append(message.text))
    window.goto(path.as_uri())
    window.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true })")
    wide = window.evaluate(
        "[...document.querySelectorAll('.scroll')].filter(one => one.scrollWidth > one.clientWidth).length"
    )
    width = window.evaluate("document.documentElement.scrollWidth")
    window.close()
    assert requests == [path.as_uri()]
    assert problems == []
    assert (width, wide) == (1280, 0)


def test_the_page_says_what_it_is(page: str) -> None:
    for text in (
        "2025年6月医保结算与绩效考核联合报告",
        "演示方案",
        "模拟",
        "医保DRG",
        "全部出院",
        "2024-06（固定）",
        "国考 14",
    ):
        assert text in page
    for word in ("票子", "面子", "国考 CMI", "成本偏离", "淘汰", "1.2E", "nan", "None"):
        assert word not in page


def test_every_measure_stands_in_the_forms_with_population_and_basis(page: str, joint: JointReport) -> None:
    forms = page[page.index('id="forms"') :]
    for one in joint.measures:
        assert one.label.replace("&", "&amp;") in forms
        assert joint.basis.basis_text(one, "2025-06") in forms


def test_few_low_risk_cases_are_shown_as_deaths_of_cases(page: str, joint: JointReport) -> None:
    small = next(
        row
        for row in joint.hospitals.to_pylist()
        if row["discharge.low_risk_mortality.flag"] and row["discharge.low_risk_mortality"] is not None
    )
    assert f">{small['low_risk_death_count']}/{small['low_risk_count']}<" in page


def test_no_group_of_few_cases_is_ranked(joint: JointReport) -> None:
    groups = joint.groups.to_pylist()
    few = max(groups, key=lambda row: abs(row["result_fen"])) | {"case_count": 19, "result_fen": 10**9}
    ranked = [row for _, rows in group_extremes([*groups, few]) for row in rows]
    assert ranked
    assert all(row["case_count"] >= 20 for row in ranked)


def test_every_department_table_names_the_anchors_of_both_sides(page: str, joint: JointReport) -> None:
    heads = re.findall(r"<thead>\s*<tr class=\"bands\"><th rowspan=\"2\" class=\"t\">科别.*?</thead>", page, re.DOTALL)
    assert len(heads) == joint.hospitals.num_rows
    for head in heads:
        assert re.findall(r'class="anchor">([^<]*)<', head) == [
            "仅文档",
            "高质量发展评价",
            *["仅文档"] * 4,
            *["行业口径"] * 2,
            "仅文档",
            "国考 14",
        ]


def test_the_funnel_compares_hospitals_with_their_own_level(month: Month) -> None:
    high = ["HIGH" if level == "二级" else "NORMAL" for level in month.priced["hospital_level"].to_pylist()]
    place = month.priced.column_names.index("outlier_class")
    uneven = build(month, priced=month.priced.set_column(place, "outlier_class", pa.array(high)))
    names = [row["institution_name"] for row in uneven.hospitals.to_pylist()]
    svg = str(joint_charts(uneven)["funnel"].svg)
    assert "实际 ÷ 同级期望" in svg
    assert not any(name in svg for name in names), "a level with outliers throughout has no hospital out of line"


def test_a_hostile_name_stays_text(month: Month) -> None:
    names = ["<script>alert(1)</script>", *month.institutions["institution_name"].to_pylist()[1:]]
    hostile = month.institutions.set_column(
        month.institutions.column_names.index("institution_name"), "institution_name", pa.array(names)
    )
    assert "<script" not in joint_html(build(month, institutions=hostile))


def test_a_month_without_lists_still_reports(month: Month) -> None:
    empty = build(month, priced=month.priced.slice(0, 0), statement=month.statement.slice(0, 0))
    assert empty.city["settlement.pay_ratio"].to_pylist() == [None]
    assert "本月没有可画的病例" in joint_html(empty)


def test_the_same_month_as_its_own_base_says_so(month: Month) -> None:
    same = build(month, benchmark_pages=month.pages, policy_info=POLICY_INFO | {"benchmark_month": "2025-06"})
    assert same.city["discharge.fee_index.sum_form"][0].as_py() == pytest.approx(1, abs=1e-5)
    assert "同期：区域指数恒为 1" in joint_html(same)


def test_figures_in_words() -> None:
    assert figure_text(measure("settlement.result"), -12_345_678) == "−12.35"
    assert figure_text(measure("settlement.pool_payable"), 41_700_000_000) == "4.17"
    assert figure_text(measure("settlement.pay_ratio"), 0.9756) == "97.56%"
    assert figure_text(measure("discharge.cmi"), 1.23456) == "1.235"
    assert figure_text(measure("discharge.cases"), 29_830) == "29,830"
    assert figure_text(measure("discharge.mean_stay"), None) == "—"


def test_the_workbook_opens_with_the_same_figures(tmp_path: Path, joint: JointReport) -> None:
    path = tmp_path / "joint.xlsx"
    write_joint_xlsx(joint, path)
    book = openpyxl.load_workbook(path)
    assert book.sheetnames[0] == "镜像指标"
    assert book.sheetnames[-1] == "口径说明"
    page = book["各医院"]
    heads = [cell.value for cell in page[page.freeze_panes and int(page.freeze_panes[1:]) - 1]]
    result = heads.index("盈亏\n万元\n仅文档\n模拟")
    last = [cell.value for cell in page[page.max_row]]
    assert last[1] == "全市"
    assert last[result] == pytest.approx(joint.city["settlement.result"][0].as_py() / 1_000_000)
    assert page.max_row - int(page.freeze_panes[1:]) == joint.hospitals.num_rows
    for sheet in book:
        assert sheet.page_setup.orientation == "landscape"
        assert "演示方案" in str(sheet["A2"].value)


def test_a_full_month_takes_seconds(tmp_path: Path) -> None:
    big = make_month(hospitals=(9, 17, 29), cases=90_000)
    started = time.perf_counter()
    report = build(big)
    write_joint_html(report, tmp_path / "joint.html")
    write_joint_xlsx(report, tmp_path / "joint.xlsx")
    assert time.perf_counter() - started < 20, "about 2 s are usual; far more means a row loop crept in"
    assert (tmp_path / "joint.html").stat().st_size < 3_000_000


def test_lists_of_other_care_types_change_no_figure(month: Month, joint: JointReport) -> None:
    """门慢特 and other outpatient lists are priced OUT: no denominator counts them (S914-02)."""
    out = month.priced.filter(pc.equal(month.priced["line_kind"], "regular")).slice(0, 40)
    for name in ("pool_payable_fen", "item_pool_fen", "result_fen", "gross_fen"):
        out = out.set_column(out.column_names.index(name), name, pa.nulls(40, out.schema.field(name).type))
    out = out.set_column(out.column_names.index("pay_scope"), "pay_scope", pa.array(["OUT"] * 40))
    again = build(month, priced=pa.concat_tables([month.priced, out.cast(month.priced.schema)]))
    for name in ("city", "levels", "hospitals", "departments", "groups", "classes"):
        assert getattr(again, name).equals(getattr(joint, name)), name


def test_an_observed_hospital_is_marked_wherever_it_is_named(month: Month) -> None:
    modes = ["observed" if number == 1 else "drg" for number in range(month.institutions.num_rows)]
    marked = build(month, institutions=month.institutions.append_column("pay_mode", pa.array(modes)))
    names = set(marked.hospitals["institution_name"].to_pylist())
    assert {name for name in names if name.endswith("（观察点）")} == {
        f"{month.institutions['institution_name'][1].as_py()}（观察点）"
    }
