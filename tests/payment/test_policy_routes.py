"""Which edition pays a case: by insured region, place of treatment, hospital, insurance, care type and date."""

from __future__ import annotations

from datetime import date, datetime

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given
from hypothesis import strategies as st
from payment_cases import INSTITUTIONS, case, grouped, make_policy

from tongpin.base.errors import PolicyError
from tongpin.payment.policy.routes import COLUMNS, check_routed, load_routes, open_routes, possible_ties, route
from tongpin.payment.pricing.price import price
from tongpin.store.home import Home

EVERYTHING = "*,*,*,*,*,settlement,2025-01-01,,city/drg,1,"


def routes(tmp_path, *rows):
    path = tmp_path / "routes.csv"
    path.write_text("\n".join([",".join(COLUMNS), *rows]) + "\n", encoding="utf-8")
    return load_routes(path)


def chosen(table, *cases):
    return route(grouped(*cases), table).edition_id.to_pylist()


def test_the_most_specific_row_pays(tmp_path):
    table = routes(
        tmp_path,
        EVERYTHING,
        "*,*,H2,*,*,settlement,2025-01-01,,city/dip,1,",
        "*,*,H2,310,*,settlement,2025-01-01,,province/drg,1,",
        "9999*,*,*,*,*,settlement,2025-01-01,,visitors/item,1,",
        "9999*,*,H2,*,*,settlement,2025-01-01,,visitors/item,1,",
        "9999*,*,H2,310,*,settlement,2025-01-01,,visitors/item,1,",
        "999901,*,*,*,*,settlement,2025-01-01,,neighbour/drg,1,",
    )
    assert chosen(
        table,
        case("a", 1, 0),
        case("b", 1, 0, institution_code="H2", insurance="390"),
        case("c", 1, 0, institution_code="H2"),
        case("d", 1, 0, insured_region="999902"),
        case("e", 1, 0, insured_region="999901"),
        case("f", 1, 0, insured_region="999902", institution_code="H2"),
    ) == ["city/drg", "city/dip", "province/drg", "visitors/item", "neighbour/drg", "visitors/item"]


def test_the_day_decides_by_the_date_the_row_names(tmp_path):
    table = routes(
        tmp_path,
        "*,*,*,*,*,discharge,2025-01-01,2025-06-30,city/old,1,",
        "*,*,*,*,*,discharge,2025-07-01,,city/new,1,",
    )
    stay = {"settled": date(2025, 7, 2)}
    old = case("a", 1, 0, **stay, discharge_time=datetime(2025, 6, 30, 23))  # noqa: DTZ001
    new = case("b", 1, 0, **stay, discharge_time=datetime(2025, 7, 1, 0))  # noqa: DTZ001
    assert chosen(table, old, new) == ["city/old", "city/new"]


def test_a_case_without_a_row_is_refused_with_its_key(tmp_path):
    table = routes(tmp_path, "*,*,H3,*,*,settlement,2025-01-01,,city/drg,1,")
    routed = route(grouped(case("a", 1, 0), case("b", 1, 0, institution_code="H2")), table)
    assert routed.edition_id.to_pylist() == ["city/drg", None]
    (finding,) = routed.findings
    assert finding.rule_id == "policy.route.none"
    assert "机构 H2" in finding.value
    assert "共 1 例，例如病例 b" in finding.message
    with pytest.raises(PolicyError, match=r"policy\.route.*1 例选不出"):
        check_routed(routed)


def test_a_tie_is_refused_and_a_narrower_row_breaks_it(tmp_path):
    tied = (
        "*,*,H3,*,*,settlement,2025-01-01,,city/a,1,",
        "*,*,*,310,*,settlement,2025-01-01,,city/b,1,",
    )
    routed = route(grouped(case("a", 1, 0)), routes(tmp_path, *tied))
    (finding,) = routed.findings
    assert finding.rule_id == "policy.route.tie"
    assert "第 2、3 行" in finding.message
    broken = routes(tmp_path, *tied, "*,*,H3,310,*,settlement,2025-01-01,,city/c,1,")
    assert chosen(broken, case("a", 1, 0)) == ["city/c"]
    check_routed(route(grouped(case("a", 1, 0)), broken))


@pytest.mark.parametrize(
    ("first", "second", "tied"),
    [
        ("*,*,H3,*,*", "*,*,*,310,*", "参保地 *，就医地 *，机构 H3，险种 310，就医类别 *"),
        ("3302*,*,*,*,*", "*,*,H3,*,*", "参保地 3302*，就医地 *，机构 H3，险种 *，就医类别 *"),
        ("33*,*,H3,*,*", "3302*,*,*,*,*", "参保地 3302*，就医地 *，机构 H3，险种 *，就医类别 *"),
        ("*,*,H3,*,*", "*,*,H2,310,*", None),
        ("*,*,*,*,*", "*,*,H2,310,*", None),
        ("3302*,*,*,*,*", "3303*,*,H3,*,*", None),
    ],
)
def test_a_tie_is_foreseen_before_a_case_meets_it(tmp_path, first, second, tied):
    rows = [f"{first},settlement,2025-01-01,,city/a,1,", f"{second},settlement,2025-01-01,,city/b,1,"]
    assert [finding.value for finding in possible_ties(routes(tmp_path, *rows))] == ([tied] if tied else [])


def test_a_tie_that_a_row_decides_or_the_dates_exclude_is_none(tmp_path):
    a, b = "*,*,H3,*,*,settlement,2025-01-01,2025-06-30,city/a,1,", "*,*,*,310,*,settlement,2025-01-01,,city/b,1,"
    decided = "*,*,H3,310,*,settlement,2025-01-01,,city/a,1,"
    assert len(possible_ties(routes(tmp_path, a, b))) == 1
    assert possible_ties(routes(tmp_path, a, b, decided)) == []
    assert possible_ties(routes(tmp_path, a, b.replace("2025-01-01", "2025-07-01"))) == []


def test_a_place_of_treatment_is_asked_only_where_the_cases_tell_it(tmp_path):
    table = routes(tmp_path, EVERYTHING, "*,3302,*,*,*,settlement,2025-01-01,,other/drg,1,")
    cases = grouped(case("a", 1, 0), case("b", 1, 0))
    assert route(cases, table).edition_id.to_pylist() == ["city/drg", "city/drg"]
    told = cases.append_column("treatment_region", pa.array(["3302", None]))
    assert route(told, table).edition_id.to_pylist() == ["other/drg", "city/drg"]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("*,*,*,*,*,settlement,2025-01-01,,,1,", "没有写付费办法"),
        ("*,*,*,*,*,birthday,2025-01-01,,a/b,1,", "date_by“birthday”不对"),
        ("*,*,*,*,*,settlement,2025-13-01,,a/b,1,", "日期不对"),
        ("*,*,*,*,*,settlement,2025-02-01,2025-01-31,a/b,1,", "早于"),
        ("3*2,*,*,*,*,settlement,2025-01-01,,a/b,1,", "insured_region“3*2”不对"),
        (",*,*,*,*,settlement,2025-01-01,,a/b,1,", "insured_region“”不对"),
        ("*,*,*,*,*,settlement,2025-01-01,,a/b,yes,", "assumed“yes”不对"),
        ("*,*,*,*,*,settlement,2025-01-01,,a/b", "列数不对"),
        (EVERYTHING.replace("2025-01-01", "2025-06-01"), "日期重叠"),
    ],
)
def test_a_faulty_row_is_refused_with_its_line(tmp_path, row, message):
    with pytest.raises(PolicyError) as caught:
        routes(tmp_path, EVERYTHING, row)
    assert caught.value.code == "policy.routes"
    assert message in caught.value.message
    assert "第 3 行" in caught.value.where
    assert caught.value.hint


def test_equal_rows_may_follow_each_other(tmp_path):
    table = routes(tmp_path, EVERYTHING.replace(",,", ",2025-06-30,"), EVERYTHING.replace("2025-01-01", "2025-07-01"))
    assert len(table) == 2


def test_a_home_has_its_own_table_and_editions_must_be_at_hand(tmp_path):
    home = Home.open(tmp_path / "home")
    assert {one.edition for one in open_routes(home)} == {"demo-east/2025"}
    home.policies.mkdir(parents=True)
    (home.policies / "routes.csv").write_text(f"{','.join(COLUMNS)}\n{EVERYTHING}\n", encoding="utf-8")
    with pytest.raises(PolicyError, match="没有付费办法 city/drg"):
        open_routes(home)


def test_two_schemes_over_one_city_pay_every_case_once(tmp_path):
    """DRG for one hospital and another scheme for the other, in one run; nothing appears or disappears."""
    editions = {
        "city/drg": make_policy(tmp_path / "drg", change=lambda d: d.update(id="city/drg")),
        "city/item": make_policy(
            tmp_path / "item",
            {"scope.care_type": "BY_ITEM"},
            change=lambda d: d.update(id="city/item"),
        ),
    }
    table = routes(tmp_path, EVERYTHING, "*,*,H2,*,*,settlement,2025-01-01,,city/item,1,")
    cases = grouped(
        *(case(f"c{n}", 12_000 + n, 3000, institution_code="H2" if n % 3 else "H3") for n in range(12)),
    )
    routed = route(cases, table)
    check_routed(routed)
    priced = {name: price(part, editions[name], INSTITUTIONS) for name, part in routed.by_edition(cases).items()}
    assert set(priced) == {"city/drg", "city/item"}
    assert set(priced["city/drg"]["pay_scope"].to_pylist()) == {"DRG"}
    assert set(priced["city/item"]["pay_scope"].to_pylist()) == {"BY_ITEM"}
    together = pa.concat_tables([part.select(["case_id", "total_fee_fen"]) for part in priced.values()])
    assert sorted(together["case_id"].to_pylist()) == sorted(cases["case_id"].to_pylist())
    assert pc.sum(together["total_fee_fen"]) == pc.sum(cases["total_fee_fen"])


KEYS = st.tuples(st.sampled_from(["H2", "H3"]), st.sampled_from(["310", "390"]))


@given(
    rows=st.lists(
        st.tuples(st.sampled_from(["*", "H2", "H3"]), st.sampled_from(["*", "310", "390"])), min_size=1, unique=True
    ),
    cases=st.lists(KEYS, min_size=1, max_size=20),
)
def test_every_case_is_paid_once_or_refused_once(tmp_path_factory, rows, cases):
    written = [
        f"*,*,{code},{insurance},*,settlement,2025-01-01,,city/{n},1," for n, (code, insurance) in enumerate(rows)
    ]
    table = routes(tmp_path_factory.mktemp("routes"), *written)
    lists = grouped(
        *(case(f"c{n}", 1, 0, institution_code=code, insurance=insurance) for n, (code, insurance) in enumerate(cases))
    )
    routed = route(lists, table)
    paid = sum(part.num_rows for part in routed.by_edition(lists).values())
    assert paid + routed.edition_id.null_count == len(cases)
    for (code, insurance), edition in zip(cases, routed.edition_id.to_pylist(), strict=True):
        fitting = {n for n, (a, b) in enumerate(rows) if a in {"*", code} and b in {"*", insurance}}
        exact = [n for n in fitting if rows[n] == (code, insurance)]
        if exact:
            assert edition == f"city/{exact[0]}"
        elif len(fitting) == 1 or (any(rows[n] == ("*", "*") for n in fitting) and len(fitting) == 2):
            assert edition is not None
        else:
            assert edition is None
