"""The hospital's side of a made-up month: its page and workbook, by cost where it imported cost."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import openpyxl
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from sample_month import GROUPS, LABELS, POLICY_INFO, Month, make_month

from tongpin.base.errors import TongpinError
from tongpin.report.words import percent_text
from tongpin.twin.joint import JointReport, build_joint
from tongpin.twin.joint_hospital import HospitalJoint, hospital_joint
from tongpin.twin.joint_hospital_html import hospital_html, shown_measures
from tongpin.twin.joint_hospital_xlsx import write_hospital_xlsx
from tongpin.twin.joint_html import joint_html
from tongpin.twin.mirror import COST_MEASURES

if TYPE_CHECKING:
    from pathlib import Path

MONTH = "2025-06"
OWN = "H32023000000"
RATIOS = {dept: Decimal(80 + 5 * number) / 100 for number, dept in enumerate(sorted({group[2] for group in GROUPS}))}
"""Cost to fee of the departments, from 0.80 upwards."""


def cost() -> tuple[pa.Table, pa.Table]:
    """The ratios as the layout `cost` has them, and no register of departments."""
    plain = {"institution_code": OWN, "month": MONTH, "cost_kind": "成本费用比", "stage": None, "group_code": None}
    empty = {"amount_fen": None, "fee_amount_fen": None}
    rows = [plain | empty | {"dept_code": dept, "cost_to_fee_ratio": ratio} for dept, ratio in RATIOS.items()]
    register = {name: pa.array([], pa.string()) for name in ("institution_code", "dept_code", "national_dept")}
    return pa.Table.from_pylist(rows), pa.table(register)


def build(month: Month, imported: tuple[pa.Table, pa.Table] | None = None) -> JointReport:
    tables = (month.priced, month.pages.append_column("month", pa.array([MONTH] * month.pages.num_rows)))
    others = (month.benchmark_pages, month.institutions, month.statement)
    return build_joint(*tables, *others, POLICY_INFO, MONTH, group_labels=LABELS, cost=imported)


@pytest.fixture(scope="module")
def month() -> Month:
    return make_month(hospitals=(2, 2, 2), cases=4_000)


@pytest.fixture(scope="module")
def plain(month: Month) -> JointReport:
    return build(month)


@pytest.fixture(scope="module")
def joint(month: Month) -> JointReport:
    return build(month, cost())


@pytest.fixture(scope="module")
def own(joint: JointReport) -> HospitalJoint:
    return hospital_joint(joint, OWN)


def test_its_cost_is_the_fees_of_its_departments_times_their_ratios(month: Month, own: HospitalJoint) -> None:
    kinds = pc.is_in(month.priced["line_kind"], value_set=pa.array(["regular", "late"]))
    paid = month.priced.filter(pc.and_(kinds, pc.equal(month.priced["pay_scope"], "DRG")))
    rows = [row for row in paid.to_pylist() if row["institution_code"] == OWN]
    spent = sum(int(row["total_fee_fen"] * RATIOS[row["dept"]] + Decimal("0.5")) for row in rows)
    standard = sum(row["standard_fen"] for row in rows)
    assert (own.costed, own.costed_count, own.list_count) == (True, len(rows), len(rows))
    assert own.own["settlement.surplus_ratio.cost"] == pytest.approx((standard - spent) / standard)
    fee = sum(row["total_fee_fen"] for row in rows)
    assert own.own["settlement.result_ratio.standard"] == pytest.approx((standard - fee) / standard)


def test_the_areas_figures_know_no_cost(joint: JointReport, plain: JointReport) -> None:
    assert joint.city.equals(plain.city)
    assert joint.hospitals.equals(plain.hospitals)
    assert joint.warnings.equals(plain.warnings)
    assert "成本" not in joint_html(joint)


def test_its_page_shows_cost_beside_fee_and_compares_it_with_nobody(own: HospitalJoint) -> None:
    page = hospital_html(own)
    for text in ("病组成本不超过支付标准的 110%", "病组结余率（成本口径）", "只预警，不扣款；局端仍以费用计"):
        assert text in page
    assert percent_text(own.own["settlement.surplus_ratio.cost"]) in page
    assert [one.basis for one in own.overspend] == ["费用", "成本"]
    assert {one.id for one in shown_measures(own)} >= set(COST_MEASURES)
    for word in ("票子", "面子", "淘汰", "nan", "None", "核减"):
        assert word not in page


def test_a_hospital_without_cost_of_its_own_judges_by_fee(
    joint: JointReport, plain: JointReport, tmp_path: Path
) -> None:
    other = joint.hospitals["institution_code"][1].as_py()
    assert other != OWN
    for report, code in ((joint, other), (plain, OWN)):
        found = hospital_joint(report, code)
        assert not found.costed
        assert found.group_line.measure == "settlement.fee_to_standard"
        assert "成本" not in hospital_html(found)
        path = tmp_path / f"{code}.xlsx"
        write_hospital_xlsx(found, path)
        assert "成本" not in said(path)


def said(path: Path) -> str:
    book = openpyxl.load_workbook(path)
    cells = [cell.value for sheet in book for row in sheet.iter_rows() for cell in row if cell.value]
    return " ".join([*book.sheetnames, *map(str, cells)])


def test_the_workbook_holds_every_warning_with_both_amounts(own: HospitalJoint, tmp_path: Path) -> None:
    path = tmp_path / "own.xlsx"
    write_hospital_xlsx(own, path)
    book = openpyxl.load_workbook(path)
    assert book.sheetnames == [
        *("镜像指标", "病组预警", "超支与药耗", "超支且药耗偏高的病组", "病组结构测算", "科室", "口径说明")
    ]
    cells = [[cell.value for cell in row] for row in book["病组预警"].iter_rows()]
    assert own.warnings.num_rows
    for row in own.warnings.to_pylist():
        (line,) = [line for line in cells if line[0] == row["drg"]]
        assert line[7] == pytest.approx(row["cost_excess_fen"] / 100)
        assert line[11] == pytest.approx(row["fee_excess_fen"] / 100)
        assert line[12] == ("成本超过" if row["cost_over"] else "只有费用超过，局端会提示")
    assert "成本" in said(path)


def test_departments_and_mix_are_its_own(own: HospitalJoint, joint: JointReport) -> None:
    theirs = joint.departments.filter(pc.equal(joint.departments["institution_code"], OWN))
    assert sorted(own.departments["dept"].to_pylist()) == sorted(theirs["dept"].to_pylist())
    assert pc.sum(own.departments["settlement.result"]).as_py() == own.own["settlement.result"]
    assert own.mix
    assert {one.drg for one in own.mix} <= {group[0] for group in GROUPS}
    assert all(one.page_count <= own.own["discharge.cases"] for one in own.mix)


def test_a_hospital_outside_the_assessment_has_no_red_lines_of_hospitals(joint: JointReport) -> None:
    rows = {row["manual"]: row["institution_code"] for row in joint.hospitals.to_pylist()}
    assert hospital_joint(joint, rows["不参加国考"]).lines == ()
    assert "不参加国考" in hospital_html(hospital_joint(joint, rows["不参加国考"]))
    assert len(hospital_joint(joint, rows["综合三级"]).lines) == 2


def test_an_unknown_hospital_is_refused(joint: JointReport) -> None:
    with pytest.raises(TongpinError) as caught:
        hospital_joint(joint, "H0")
    assert caught.value.code == "joint.hospital"


@pytest.mark.needs("chromium")
@pytest.mark.parametrize("width", [1024, 1440])
def test_the_page_fits_a_directors_screen(tmp_path: Path, own: HospitalJoint, browser: Any, width: int) -> None:
    path = tmp_path / "own.html"
    path.write_text(hospital_html(own), encoding="utf-8")
    window = browser.new_page(viewport={"width": width, "height": 900})
    window.goto(path.as_uri())
    cut = window.evaluate(
        "[...document.querySelectorAll('.scroll')].filter(one => one.scrollWidth > one.clientWidth).length"
    )
    wide = window.evaluate("document.documentElement.scrollWidth")
    window.close()
    assert (wide, cut) == (width, 0)
