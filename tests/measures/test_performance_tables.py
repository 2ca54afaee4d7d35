"""Whole tables of a small home: what every figure names, comparisons, own lists and indicators, papers, refusals."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

import openpyxl
import pytest
from performance_home import COST, FILED, FIRST, PEERS, SECOND, STAFF, make_home, page, settlement_list, two_years

from tongpin.base.errors import TongpinError
from tongpin.measures.catalogue import load_measures
from tongpin.measures.desks import Desks, own_folder
from tongpin.measures.figures import FigureTable, load_sets, slices_named
from tongpin.measures.imported import needs_cost
from tongpin.measures.papers import write_table_xlsx
from tongpin.measures.table import Wish, chosen_measures, figures_in_home, known_measures

if TYPE_CHECKING:
    from tongpin.measures.figures import Figure
    from tongpin.store.home import Home

CATALOGUE = Path(str(resources.files("tongpin") / "catalogue"))
JUNE, YEAR_BEFORE = "2025-06", "2024-06"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    lists = [settlement_list(2025_000 + place, JUNE) for place in range(40)]
    lists += [settlement_list(2025_400 + place, "2025-05") for place in range(5)]
    folder = tmp_path_factory.mktemp("performance")
    return make_home(
        folder, [*two_years(), *lists], ("2025-05", JUNE), staff=STAFF, cost=COST, finance=FILED, peer=PEERS
    )


def ask(home: Home, measures: str, **wish: Any) -> FigureTable:
    return figures_in_home(home, Wish((JUNE,), measures=tuple(measures.split(",")), **wish))


def only(table: FigureTable, measure: str, **place: str) -> Figure:
    (one,) = [
        one
        for one in table.figures
        if one.measure.id == measure and all(one.place[name] == code for name, code in place.items())
    ]
    return one


def test_every_figure_names_what_it_rests_on(home: Home) -> None:
    table = ask(home, "@performance,@settlement,@three_questions,@shared,@consumption,median_fee", by=())
    assert len(table.figures) == len(table.measures) > 40
    for row in table.as_rows():
        assert row["population"] in {"医保DRG", "医保全部", "全部出院"}
        assert row["form"]
        assert row["period"]
        assert bool(row["weight_edition"]) == bool(
            row["measure"] in load_measures() and load_measures()[row["measure"]].weight_edition
        )
        benchmark = load_measures()[row["measure"]].benchmark_period if row["measure"] in load_measures() else None
        assert row["benchmark_period"] == (f"固定 {YEAR_BEFORE}" if benchmark else "")
        assert row["value"] is not None or row["note"], row["measure"]
    assert any("不同人群" in note for note in table.notes)


def test_an_index_falls_against_the_year_before(home: Home) -> None:
    name = "discharge.fee_index.sum_form"
    table = ask(home, f"{name},discharge.mean_fee,discharge.mortality", compare="yoy")
    first, second = (only(table, name, institution_code=code) for code in (FIRST, SECOND))
    assert first.compared
    assert second.compared
    assert first.compared.reference == pytest.approx(10_000 / 9_000)
    assert first.value == pytest.approx(9_000 / 9_000)
    assert first.compared.reading == "更好"
    assert second.compared.reading == "无差别"
    fee = only(table, "discharge.mean_fee", institution_code=FIRST).compared
    assert fee is not None
    assert fee.change.growth == pytest.approx(-0.1)
    assert (fee.change.edition_effect, fee.change.real_effect) == (0, pytest.approx(-1_000))
    dead = only(table, "discharge.mortality", institution_code=FIRST).compared
    assert dead is not None
    assert dead.reading == "不评价"


def test_a_share_of_the_same_period_is_not_compared_over_time(home: Home) -> None:
    name = "discharge.expected_drug_share.fee_weighted"
    one = only(ask(home, name, by=(), compare="yoy"), name)
    assert one.compared
    assert one.compared.change.difference is None
    assert "对比基期不同" in one.compared.change.note


def test_figures_of_hospitals_are_parts_of_the_whole(home: Home) -> None:
    name = "discharge.total_weight"
    parts = ask(home, name).figures
    assert len(parts) == 2
    assert sum(int(one.value or 0) for one in parts) == only(ask(home, name, by=()), name).value


def test_teams_of_the_day_beside_their_hospital(home: Home) -> None:
    table = ask(home, "discharge.mean_stay", by=slices_named("hospital,team"), compare="hospital", hospital=FIRST)
    assert {one.place["team"] for one in table.figures} == {"一组", "二组"}
    for one in table.figures:
        assert one.compared
        assert one.compared.label == "本院"
        assert one.compared.reading == "例数少"
        assert one.compared.first == 0
        own, reference, drawn = one.value, one.compared.reference, one.compared.shrunk
        assert own is not None
        assert reference is not None
        assert drawn is not None
        assert min(own, reference) <= drawn <= max(own, reference)
    before = figures_in_home(home, Wish((YEAR_BEFORE,), slices_named("hospital,ward"), ("discharge.cases",)))
    assert {one.place["ward"]: one.value for one in before.figures if one.place["institution_code"] == FIRST} == {
        "东区": 20,
        "西区": 20,
    }


def test_region_peers_and_imported_peers(home: Home) -> None:
    region = only(ask(home, "discharge.mean_fee", compare="region"), "discharge.mean_fee", institution_code=FIRST)
    assert region.compared
    assert region.compared.reference == pytest.approx(8_500)
    assert region.compared.reading == "更差"
    assert (region.compared.first, region.compared.last, region.compared.ranked) == (2, 2, 2)
    peers = only(ask(home, "discharge.mean_fee", compare="peers"), "discharge.mean_fee", institution_code=FIRST)
    assert peers.compared
    assert peers.compared.label == "三级同级"
    assert peers.compared.reference == pytest.approx(9_000)
    table = ask(home, "discharge.mean_fee", compare="imported")
    imported = only(table, "discharge.mean_fee", institution_code=FIRST).compared
    assert imported
    assert imported.reference == 11_000
    assert "年报" in imported.label
    nobody = only(table, "discharge.mean_fee", institution_code=SECOND).compared
    assert nobody
    assert nobody.change.note == "没有参照"
    assert any("没有扣除病例组合" in note for note in table.notes)


def test_sums_are_compared_over_time_but_not_across_places(home: Home) -> None:
    name = "discharge.total_weight"
    region = only(ask(home, name, compare="region"), name, institution_code=FIRST).compared
    assert region
    assert region.change.difference is None
    assert "随单位大小" in region.change.note
    year = only(ask(home, name, compare="yoy"), name, institution_code=FIRST).compared
    assert year
    assert year.change.difference == 0


def test_deaths_read_by_exact_limits_alone(home: Home) -> None:
    one = only(ask(home, "discharge.mortality", compare="region"), "discharge.mortality", institution_code=FIRST)
    assert one.compared
    assert one.compared.funnel
    assert one.compared.funnel.verdict == "在界内"
    assert one.compared.first == 0


def test_what_is_imported_is_there_and_what_is_not_says_so(home: Home) -> None:
    table = ask(home, "@three_questions,@shared")
    assert only(table, "discharge.complaint_rate", institution_code=FIRST).value == pytest.approx(2 / 40)
    assert only(table, "discharge.revisit_rate", institution_code=FIRST).value == pytest.approx(7 / 40)
    assert only(table, "discharge.complaint_rate", institution_code=SECOND).value is None
    assert only(table, "discharge.bed_use.open", institution_code=FIRST).value == pytest.approx(320 / (90 * 30))
    assert only(table, "discharge.bed_use.open", institution_code=SECOND).value is None
    assert only(table, "discharge.bed_use.registered", institution_code=SECOND).value == pytest.approx(320 / (50 * 30))


def test_cost_is_fee_times_ratio_where_it_was_imported(home: Home) -> None:
    table = ask(home, "@cost")
    assert table.has_cost
    assert only(table, "discharge.mean_cost", institution_code=FIRST).value == pytest.approx(8_100)
    assert only(table, "discharge.cost_to_fee", institution_code=FIRST).value == pytest.approx(0.9)
    assert only(table, "discharge.mean_cost", institution_code=SECOND).value is None
    surplus = only(table, "settlement.surplus_ratio.cost", institution_code=FIRST)
    assert surplus.value is not None


def test_settled_weights_of_two_editions_are_split(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two months closed by differently named weights: the difference is split, the same cases under the new weights."""

    def renamed(self: Desks, months: Any) -> tuple[str, ...]:
        return tuple(dict.fromkeys("旧版" if month == "2025-05" else "新版" for month in months))

    monkeypatch.setattr(Desks, "list_editions", renamed)
    name = "settlement.mean_weight"
    one = only(ask(home, name, compare="mom"), name, institution_code=FIRST)
    assert one.compared
    assert "已拆分" in one.compared.change.note
    assert one.compared.change.edition_effect == pytest.approx(0)
    monkeypatch.setattr(Desks, "same_scheme", lambda _self, _months: False)
    refused = only(ask(home, name, compare="mom"), name, institution_code=FIRST)
    assert refused.compared
    assert refused.compared.change.difference is None
    assert "跨版本不比较" in refused.compared.change.note


def test_a_table_by_month_looks_back_month_by_month(home: Home) -> None:
    name = "discharge.cases"
    months = ("2024-06", "2025-06")
    wish = Wish(
        tuple(sorted({*months})), slices_named("hospital,month"), (name,), compare="yoy", benchmark=(YEAR_BEFORE,)
    )
    one = only(figures_in_home(home, wish), name, institution_code=FIRST, month=JUNE)
    assert one.compared
    assert one.compared.reference == 40


@pytest.mark.parametrize(
    ("wish", "code"),
    [
        ({"compare": "sideways"}, "measures.compare"),
        ({"by": (), "compare": "region"}, "measures.compare"),
        ({"by": ("drg",), "compare": "peers"}, "measures.compare"),
        ({"by": ("institution_code",), "compare": "hospital"}, "measures.compare"),
        ({"by": ("institution_code", "month"), "compare": "own"}, "measures.compare"),
        ({"hospital": "H0"}, "measures.hospital"),
    ],
)
def test_what_cannot_be_compared_is_refused(home: Home, wish: dict[str, Any], code: str) -> None:
    with pytest.raises(TongpinError) as caught:
        ask(home, "discharge.cases", **wish)
    assert caught.value.code == code
    assert caught.value.hint


def test_unknown_measures_slices_and_empty_months_are_refused(home: Home) -> None:
    for call in (lambda: ask(home, "discharge.nothing"), lambda: ask(home, "@nothing")):
        with pytest.raises(TongpinError, match="没有指标"):
            call()
    with pytest.raises(TongpinError, match="不能按"):
        slices_named("hospital,planet")
    with pytest.raises(TongpinError, match="既没有"):
        figures_in_home(home, Wish(("2024-03",)))


def test_an_indicator_of_the_future_is_one_more_file(home: Home) -> None:
    text = """measures:
  - id: outlook.long_stays
    label: 占用床日（展望）
    form: Σ 住院天数
    unit: count
    direction: 监测比较
    numerator: [stay_days]
    population: 全部出院
    period: 出院月
    reference: S000-41
    assumed: true
"""
    folder = own_folder(home)
    folder.mkdir()
    path = folder / "outlook.yaml"
    path.write_text(text, encoding="utf-8")
    try:
        assert only(ask(home, "outlook.long_stays"), "outlook.long_stays", institution_code=FIRST).value == 320
        path.write_text(text.replace("outlook.long_stays", "discharge.cases"), encoding="utf-8")
        with pytest.raises(TongpinError, match="出现两次"):
            known_measures(home)
    finally:
        path.unlink()
        folder.rmdir()
    assert "settlement.fund_efficiency" in known_measures(home)


def test_lists_of_a_home_override_and_define(home: Home) -> None:
    folder = own_folder(home)
    folder.mkdir()
    drg = only(ask(home, "discharge.cases", by=("drg",)), "discharge.cases").place["drg"]
    (folder / "risk_levels.csv").write_text(f"drg,risk_level\n{drg},1\n", encoding="utf-8")
    (folder / "light_groups.csv").write_text(f"drg\n{drg}\n", encoding="utf-8")
    try:
        table = ask(home, "discharge.low_risk_mortality,discharge.light_share.list", by=())
    finally:
        for path in folder.iterdir():
            path.unlink()
        folder.rmdir()
    assert only(table, "discharge.low_risk_mortality").count == 80
    assert only(table, "discharge.light_share.list").value == 1
    assert any("名单优先" in note for note in table.notes)


def test_performance_leaves_long_stays_out_and_says_so(tmp_path: Path) -> None:
    home = make_home(tmp_path, [page(place, JUNE, los=days) for place, days in enumerate((2, 3, 59, 60, 61))])
    every = ask(home, "discharge.cases", by=())
    within = ask(home, "discharge.cases", by=(), stays="performance")
    assert (every.figures[0].value, within.figures[0].value) == (5, 4)
    assert "60 天以内" in within.as_rows()[0]["population"]
    assert any("以本期" in note for note in ask(home, "discharge.fee_index.sum_form", by=()).notes)


def words_of(path: Path) -> str:
    book = openpyxl.load_workbook(path)
    return "\n".join(
        str(cell) for sheet in book for row in sheet.iter_rows(values_only=True) for cell in row if cell is not None
    )


def test_the_paper_names_everything_and_cost_only_where_it_was_imported(home: Home, tmp_path: Path) -> None:
    with_costs = tmp_path / "with.xlsx"
    write_table_xlsx(ask(home, "@cost,@performance", compare="region"), with_costs)
    text = words_of(with_costs)
    for word in ("例均成本", "演示权重", f"固定 {YEAR_BEFORE}", "医保DRG", "全部出院", "模拟", "组均法", "总量法"):
        assert word in text

    bare = make_home(tmp_path, two_years())
    assert not any("cost" in name for name in known_measures(bare))
    with pytest.raises(TongpinError, match="没有导入"):
        chosen_measures(bare, ["discharge.mean_cost"])
    path = tmp_path / "bare.xlsx"
    write_table_xlsx(ask(bare, ",".join(known_measures(bare)), compare="region"), path)
    assert "成本" not in words_of(path)
    assert "例均" in words_of(path)


def test_the_word_stands_in_no_other_file_of_the_catalogue() -> None:
    texts = {
        path.name: path.read_text(encoding="utf-8")
        for folder in ("measures", "twin")
        for path in CATALOGUE.glob(f"{folder}/*.yaml")
    }
    assert sorted(name for name, text in texts.items() if "成本" in text) == ["cost.yaml", "sets.yaml"]
    (costed,) = [one for one in load_sets().values() if "成本" in one.label]
    assert all(needs_cost(load_measures()[name]) for name in costed.measures)
