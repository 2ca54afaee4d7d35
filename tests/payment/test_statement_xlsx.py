"""The 月度支付情况表 as a workbook."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import openpyxl
import pyarrow as pa
import pytest

from tongpin.payment.month.statement import STATEMENT_SCHEMA
from tongpin.payment.month.statement_columns import statement_columns, synthetic_notice
from tongpin.payment.month.statement_xlsx import write_statement_xlsx
from tongpin.store.home import Home

if TYPE_CHECKING:
    from pathlib import Path


def row(code: str, level: str, fund: str, payable: int, pool: int, **more: Any) -> dict[str, Any]:
    base: dict[str, Any] = {field.name: 0 if pa.types.is_integer(field.type) else None for field in STATEMENT_SCHEMA}
    base |= {
        "month": "2025-06",
        "institution_code": code,
        "institution_name": f"示例市{code}医院",
        "hospital_level": level,
        "fund": fund,
        "fund_label": {"310": "职工", "390": "居民"}[fund],
        "cases": 100,
        "drg_cases": 50,
        "total_weight_e4": 600_000,
        "cmi_e4": 12_000,
        "pool_payable_fen": payable,
        "item_pool_fen": pool,
        "settlement_ratio": payable / pool,
        "month_pool_payable_fen": payable,
        "cash_transfer_fen": payable,
    }
    return base | more


@pytest.fixture
def book(tmp_path: Path) -> Any:
    statement = pa.Table.from_pylist(
        [
            row("B", "二级", "310", 100_000_000, 80_000_000),
            row("A", "三级", "310", 4_878_000_000, 5_000_000_000),
            row("C", "三级", "310", 122_000_000, 125_000_000, late_cases=2, late_pool_payable_fen=1_230_000),
        ],
        schema=STATEMENT_SCHEMA,
    )
    lines = pa.Table.from_pylist(
        [
            {
                "institution_code": "C",
                "institution_name": "示例市C医院",
                "fund": "310",
                "case_id": case_id,
                "line_kind": kind,
                "original_period": "2025-05",
                "period": "2025-06",
                "drg": "HC29D",
                "item_pool_fen": amount,
                "pool_payable_fen": amount,
                "result_fen": 0,
            }
            for case_id, kind, amount in (("c1", "regular", 1), ("c2", "reversal", -12_345))
        ],
    )
    path = tmp_path / "statement.xlsx"
    write_statement_xlsx(
        statement,
        path,
        month="2025-06",
        area_label="示例市",
        basis_lines=["付费办法 demo-east/2025"],
        notices=["演示方案"],
        lines=lines,
    )
    return openpyxl.load_workbook(path)


def records(page: Any, head_row: int) -> list[dict[str, Any]]:
    heads = [cell.value for cell in page[head_row]]
    return [
        dict(zip(heads, [cell.value for cell in line], strict=True))
        for line in page.iter_rows(min_row=head_row + 1)
        if line[0].value is not None or line[1].value is not None
    ]


def test_the_sheets(book: Any) -> None:
    assert book.sheetnames == [
        "全市汇总",
        "各医院",
        "应付如何得出",
        "扣减与拨付",
        "补传与红冲蓝补",
        "逐例明细",
        "口径与依据",
    ]
    assert book["全市汇总"]["A1"].value == "示例市2025年6月月度支付情况表 · 全市汇总"
    assert book["全市汇总"]["A2"].value == "演示方案"


def test_the_summary_forms_its_ratios_anew(book: Any) -> None:
    page = book["全市汇总"]
    by_level = {record["结算级别"]: record for record in records(page, 4)}
    third = by_level["三级"]
    assert third["DRG应付统筹"] == 5_000
    assert third["结付率"] == pytest.approx(0.9756, abs=1e-4)
    assert third["CMI（医保DRG）"] == pytest.approx(1.2)
    assert by_level["合计"]["DRG应付统筹"] == 5_100
    assert [(record["结算级别"], record["基金"]) for record in records(page, 4)[:6]] == [
        ("三级", "职工"),
        ("二级", "职工"),
        ("三级", "小计"),
        ("二级", "小计"),
        ("全市", "职工"),
        ("合计", None),
    ]


def test_the_transfer_stands_in_capitals_above_the_signatures(book: Any) -> None:
    closing = [cell.value for cell in book["扣减与拨付"]["A"] if cell.value]
    assert "本月拨付合计（大写）：伍仟壹佰万元整　（小写）：51,000,000.00 元" in closing
    assert closing[-1].startswith("经办：")


def test_every_column_of_the_statement_is_shown_somewhere(book: Any) -> None:
    shown = {
        cell.value
        for name in ("全市汇总", "各医院", "应付如何得出", "扣减与拨付", "补传与红冲蓝补")
        for line in book[name].iter_rows(max_row=6)
        for cell in line
    }
    hidden = {"结算月份", "基金代码", "本月合计按项目应付统筹"}
    assert {column.title for column in statement_columns()} - shown == hidden


def test_every_sheet_keeps_a_readable_size_on_one_page_width(book: Any) -> None:
    for page in book:
        assert page.sheet_properties.pageSetUpPr.fitToPage
        assert page.page_setup.fitToWidth is None, f"{page.title}: one page wide is the default"


def test_the_basis_wraps_and_says_what_each_amount_is(book: Any) -> None:
    page = book["口径与依据"]
    texts = [cell.value for cell in page["B"] if cell.value]
    assert "付费办法 demo-east/2025" in texts
    assert any(text.startswith("盈亏 = DRG应付统筹 − 按项目应付统筹") for text in texts)
    assert page["B3"].alignment.wrap_text


def test_a_month_without_adjustments_says_so(tmp_path: Path) -> None:
    statement = pa.Table.from_pylist([row("A", "三级", "310", 1, 1)], schema=STATEMENT_SCHEMA)
    path = tmp_path / "statement.xlsx"
    write_statement_xlsx(statement, path, month="2025-06", area_label="示例市")
    assert openpyxl.load_workbook(path)["补传与红冲蓝补"]["A5"].value == "本月没有"


def test_only_adjusting_lines_are_listed_case_by_case(book: Any) -> None:
    lines = records(book["逐例明细"], 4)
    assert [(line["清单号"], line["类型"]) for line in lines] == [("c2", "红冲")]
    assert lines[0]["DRG应付统筹\n（元）"] == -123.45
    late = records(book["补传与红冲蓝补"], 5)
    assert lines[0]["基金"] == "职工"
    assert [(line["机构名称"], line["基金"]) for line in late] == [
        ("示例市C医院", "职工"),
        ("合计", "职工"),
        ("合计", None),
    ]


def test_papers_of_a_home_with_the_demonstration_city_say_synthetic(tmp_path: Path) -> None:
    home = Home.open(tmp_path)
    assert synthetic_notice(home) == ()
    home.demo.mkdir()
    home.demo_city.write_text("{}")
    assert "合成数据" in synthetic_notice(home)[0]
