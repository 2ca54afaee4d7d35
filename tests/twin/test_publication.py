"""The bureau's publication: one source of figures, money as in the statements, directed editions (S003-24, S910-01)."""

from __future__ import annotations

import json
import sys
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from publication_home import LOWEST, MONTHS, QUARTER, SECOND, make_home

from tongpin.base.errors import StoreError, TongpinError
from tongpin.cli import main
from tongpin.measures.papers import value_text
from tongpin.measures.table import Wish, figures_in_home
from tongpin.payment.month.closed import statements
from tongpin.twin.publication.bulletin import funnel_rows
from tongpin.twin.publication.catalogue import check_plan, load_plan
from tongpin.twin.publication.directed import code_names, directed
from tongpin.twin.publication.money import COUNTY, HOSPITAL, LEVEL, TOTAL, Money, money_in_home
from tongpin.twin.publication.run import Publication, publication_in_home
from tongpin.twin.publication.sheets import changed, money_change

if TYPE_CHECKING:
    from tongpin.store.home import Home

SIMPLE = ("discharge.cases", "discharge.mean_stay", "discharge.drug_share")
KEY = b"a secret of the home"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    return make_home(tmp_path_factory.mktemp("publication"))


@pytest.fixture(scope="module")
def quarter(home: Home) -> Publication:
    return publication_in_home(home, quarter=QUARTER)


@pytest.fixture(scope="module")
def june(home: Home) -> Publication:
    """A month, with the sections of money and fees alone."""
    plan = load_plan()
    money = plan.sections[0].model_copy(update={"measures": ("discharge.cases",)})
    fees = plan.sections[3].model_copy(update={"measures": SIMPLE[1:]})
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(
            "tongpin.twin.publication.run.load_plan", lambda: plan.model_copy(update={"sections": (money, fees)})
        )
        return publication_in_home(home, month="2025-06")


def place(found: Publication, kind: str, code: str = "") -> Any:
    return next(one for one in found.places if one.key == (kind, code))


def test_the_money_is_that_of_the_statements(home: Home, quarter: Publication) -> None:
    rows = statements(home, None, MONTHS).to_pylist()
    for code in (SECOND, *LOWEST):
        own = [row for row in rows if row["institution_code"] == code]
        money = place(quarter, HOSPITAL, code).money
        for name in ("cases", "drg_cases", "item_pool_fen", "pool_payable_fen", "month_result_fen"):
            assert getattr(money, name) == sum(row[name] for row in own)
    whole = place(quarter, TOTAL).money
    assert whole.month_pool_payable_fen == sum(row["month_pool_payable_fen"] for row in rows)
    assert whole.pay_ratio == Decimal(whole.pool_payable_fen) / whole.item_pool_fen


def test_levels_and_counties_add_up_and_observed_places_have_no_ratio(quarter: Publication) -> None:
    whole = place(quarter, TOTAL).money
    for kind in (LEVEL, COUNTY):
        assert (
            sum(one.money.month_pool_payable_fen for one in quarter.of(kind) if one.money)
            == whole.month_pool_payable_fen
        )
    # The hospitals of the lowest level are paid by item here: no 结付率, alone and together; the second level has one.
    assert place(quarter, HOSPITAL, LOWEST[0]).money.pay_ratio is None
    assert place(quarter, LEVEL, "一级").money.pay_ratio is None
    second, alone = place(quarter, LEVEL, "二级").money, place(quarter, HOSPITAL, SECOND).money
    assert second == alone
    assert second.pay_ratio is not None


def test_the_figures_are_those_of_the_table_of_measures(home: Home, quarter: Publication) -> None:
    table = figures_in_home(home, Wish(MONTHS, measures=("discharge.cmi", "settlement.patient_share")))
    for one in table.figures:
        figure = place(quarter, HOSPITAL, one.place["institution_code"]).entries[one.measure.id].year
        assert (figure.value, figure.low, figure.count) == (one.value, one.low, one.count)
    # A total is formed of sums, not of means: Σ patient ÷ Σ fee lies between the hospitals, and weighs the large ones.
    shares = [one.value for one in table.figures if one.measure.id == "settlement.patient_share" and one.value]
    whole = place(quarter, TOTAL).entries["settlement.patient_share"].year.value
    assert min(shares) < whole < max(shares)


def test_a_hospital_stands_in_a_range_of_places_of_its_level(quarter: Publication) -> None:
    compared = place(quarter, HOSPITAL, LOWEST[0]).entries["discharge.time_index.mean_form"].peers.compared
    assert compared.ranked == 5
    assert 1 <= compared.first <= compared.last <= 5
    alone = place(quarter, HOSPITAL, SECOND).entries["discharge.time_index.mean_form"].peers.compared
    assert alone.ranked == 1
    # A rate of rare events has limits and no place.
    death = place(quarter, HOSPITAL, LOWEST[0]).entries["discharge.mortality"].peers.compared
    assert death.first == 0
    assert death.funnel is not None


def test_sums_are_not_compared_with_a_period_that_lacks_months(quarter: Publication) -> None:
    # Of the year before only June has front pages: means are compared, the count of discharges is not, and it is said.
    entries = place(quarter, TOTAL).entries
    assert changed(entries["discharge.cases"].year) is None
    assert changed(entries["discharge.cmi"].year) is not None
    told = "；".join(quarter.notes)
    assert "上年同期（2024-04..2024-06）的病案首页不全，出院例数等合计没有同比" in told
    assert "上期（2025-01..2025-03）没有全部月结，结算金额没有环比" in told


def test_a_month_is_compared_with_the_month_before(home: Home, june: Publication) -> None:
    counties = dict.fromkeys((SECOND, *LOWEST), "H990100")
    may = money_in_home(home, ["2025-05"], None, counties)
    now = place(june, TOTAL)
    assert now.money_period == may[TOTAL, ""]
    assert now.money_year is None
    assert place(june, HOSPITAL, SECOND).money_period == may[HOSPITAL, SECOND]
    before = {one.measure.id: one.value for one in figures_in_home(home, Wish(("2025-05",), (), SIMPLE)).figures}
    cases, stay, share = (now.entries[name].period for name in SIMPLE)
    assert changed(cases) == pytest.approx(cases.value / before["discharge.cases"] - 1)
    assert changed(stay) == pytest.approx(stay.value / before["discharge.mean_stay"] - 1)
    assert changed(share) == pytest.approx(share.value - before["discharge.drug_share"])


def test_an_open_month_is_named_and_nothing_is_published(home: Home) -> None:
    with pytest.raises(StoreError) as refused:
        publication_in_home(home, quarter="2025Q3")
    assert refused.value.code == "publication.open"
    assert "2025-07、2025-08、2025-09 还没有月结" in str(refused.value)
    with pytest.raises(StoreError, match="2025-03 还没有月结"):
        publication_in_home(home, month="2025-03")


def test_a_directed_edition_names_its_receiver_alone(quarter: Publication) -> None:
    one = directed(quarter, LOWEST[2], KEY)
    assert (one.peers, one.is_small, [own.code for own in one.own]) == (5, False, [LOWEST[2]])
    names = {line.name for line in one.lines}
    others = [place(quarter, HOSPITAL, code).name for code in LOWEST if code != LOWEST[2]]
    assert not any(other in name for other in others for name in names)
    assert names == {"甲", "乙", "丙", "丁", f"{place(quarter, HOSPITAL, LOWEST[2]).name}（本机构）"}
    measured = [line for line in one.lines if line.measure == "discharge.time_index.mean_form"]
    assert [line.value for line in measured] == sorted(line.value for line in measured)
    assert [line.is_own for line in measured].count(True) == 1
    # Nothing that shows size, and no rate of rare events.
    assert not {"discharge.cases", "groups", "discharge.mortality"} & {line.measure for line in one.lines}


def test_a_small_class_is_said_and_not_listed(quarter: Publication) -> None:
    one = directed(quarter, SECOND, KEY)
    assert (one.peers, one.is_small, one.lines) == (1, True, ())
    assert [(each.kind, each.name) for each in one.sums] == [(TOTAL, "全区域")]


def test_a_county_sees_its_own_hospitals(quarter: Publication) -> None:
    (county,) = quarter.of(COUNTY)
    one = directed(quarter, county.code, KEY)
    assert [own.code for own in one.own] == [*(each.code for each in quarter.of(HOSPITAL)), county.code]
    assert one.is_small
    with pytest.raises(TongpinError) as refused:
        directed(quarter, "H1", KEY)
    assert refused.value.code == "publication.for"


@given(st.sets(st.text("0123456789", min_size=1, max_size=6), min_size=1, max_size=70))
def test_code_names_are_each_another_stable_and_tell_no_order(codes: set[str]) -> None:
    names = code_names(sorted(codes), KEY, "2025Q2")
    assert len(set(names.values())) == len(codes)
    assert code_names(sorted(codes, reverse=True), KEY, "2025Q2") == names
    assert all(one[0] in "甲乙丙丁戊己庚辛壬癸" for one in names.values())


def test_another_publication_or_another_key_gives_other_names() -> None:
    codes = [f"H{number}" for number in range(9)]
    first = code_names(codes, KEY, "2025Q2")
    assert [first[code] for code in codes] != sorted(first.values(), key="甲乙丙丁戊己庚辛壬癸".index)
    assert code_names(codes, KEY, "2025Q3") != first
    assert code_names(codes, b"another key", "2025Q2") != first


def test_a_funnel_compares_with_the_level_and_names_its_own_only(quarter: Publication) -> None:
    rows = funnel_rows(quarter, "lists.returned", None)
    assert all(row["expected"] > 0 for row in rows)
    # High outliers are of the one hospital paid by group: expected is its own count, so that it lies on the line.
    (row,) = funnel_rows(quarter, "settlement.high_share", None)
    assert row["ratio"] == pytest.approx(1)
    assert row["label"] == ""
    (own,) = funnel_rows(quarter, "settlement.high_share", directed(quarter, SECOND, KEY))
    assert own["label"] == place(quarter, HOSPITAL, SECOND).name
    (other,) = funnel_rows(quarter, "settlement.high_share", directed(quarter, LOWEST[0], KEY))
    assert other["label"] == ""


def test_changes_of_money_by_hand() -> None:
    now, then = Money(110, 60, 1_000, 900, 900, -100, Decimal("0.9")), Money(100, 50, 800, 800, 0, 0, Decimal("1.0"))
    assert money_change(now, then, "cases") == pytest.approx(0.1)
    assert money_change(now, then, "pay_ratio") == pytest.approx(-0.1)
    assert money_change(now, then, "month_pool_payable_fen") is None
    assert money_change(now, None, "cases") is None


def test_the_plan_refuses_what_cannot_be_drawn_or_judged() -> None:
    plan = load_plan()
    for wrong in ({"charts": ("discharge.cmi",)}, {"watched": ("discharge.mortality",)}, {"watched": ("nothing",)}):
        with pytest.raises(TongpinError) as refused:
            check_plan(plan.model_copy(update=wrong))
        assert refused.value.code in {"publication.shape", "twin.measure"}


def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str, str]:
    monkeypatch.setattr(sys, "argv", ["tongpin", "report", "publication", *map(str, words)])
    with pytest.raises(SystemExit) as ended:
        main()
    said = capsys.readouterr()
    return int(ended.value.code or 0), said.out, said.err


def test_the_bulletin_of_a_quarter_is_written(
    home: Home, quarter: Publication, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("tongpin.twin.publication.run.publication_in_home", lambda *_, **__: quarter)
    code, said, _ = run(monkeypatch, capsys, "--home", home.root, "--quarter", QUARTER, "--for", LOWEST[1], "--json")
    assert code == 0
    known = json.loads(said)
    name = f"季分析通报-demo-east-{QUARTER}-{LOWEST[1]}"
    assert (home.reports / f"{name}.pdf").read_bytes().startswith(b"%PDF")
    assert known["for"]["peers"] == 5
    others = [place(quarter, HOSPITAL, one).name for one in (SECOND, *LOWEST) if one != LOWEST[1]]
    assert not any(other in said for other in others)
    book = openpyxl.load_workbook(home.reports / f"{name}.xlsx")
    assert book.sheetnames == ["本机构", "同级对照", "口径"]
    cells = [str(cell.value) for sheet in book for row in sheet.iter_rows() for cell in row if cell.value is not None]
    assert not any(other in cell for other in others for cell in cells)
    assert any("名称以代号隐去" in cell for cell in cells)


def test_the_sheet_of_a_month_is_the_same_for_all(
    home: Home, june: Publication, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("tongpin.twin.publication.run.publication_in_home", lambda *_, **__: june)
    code, said, _ = run(monkeypatch, capsys, "--home", home.root, "--month", "2025-06")
    assert code == 0
    for word in ("月统计公布", "全区域", "结付率", "接着做"):
        assert word in said
    book = openpyxl.load_workbook(home.reports / "月统计公布-demo-east-2025-06.xlsx")
    assert book.sheetnames == ["总表", *(section.label for section in june.plan.sections), "口径"]
    for sheet in book.worksheets:
        assert sheet.page_setup.orientation == "landscape"
    names = [row[0].value for row in book["总表"].iter_rows() if row[0].value]
    assert [name for name in names if name in {one.name for one in june.of(HOSPITAL)}] == [
        one.name for one in june.of(HOSPITAL)
    ]
    code, _, refused = run(monkeypatch, capsys, "--home", home.root)
    assert code == 1
    assert "写一个期间" in refused


def test_shares_are_printed_as_percentages(quarter: Publication) -> None:
    share = place(quarter, TOTAL).entries["settlement.patient_share"].year
    assert value_text(share.value, share.measure.unit).endswith("%")
