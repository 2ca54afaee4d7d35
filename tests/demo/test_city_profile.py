"""The plan as data: labelled numbers with a basis, unknown keys refused, codes known to the scheme."""

from __future__ import annotations

from importlib import resources

import numpy as np
import pytest

from tongpin.base.errors import TongpinError
from tongpin.demo.groups import Lists, parse_groups
from tongpin.demo.profile import parse_profile, read_profile
from tongpin.grouping.tables.read import load_scheme


@pytest.fixture(scope="module")
def plan():
    return resources.files("tongpin.demo").joinpath("plan", "groups.csv").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def scheme(scheme_folder):
    return load_scheme(scheme_folder)


def items(node):
    if isinstance(node, dict):
        if {"label", "value"} <= node.keys():
            yield node
        else:
            for child in node.values():
                yield from items(child)


def test_the_city_has_55_hospitals_with_names_of_their_own():
    rows = read_profile("prefecture-east").hospitals.rows
    assert len(rows) == len({row.name for row in rows}) == 55
    assert all(row.name.startswith("示例") for row in rows)


def test_every_number_is_labelled_and_says_what_it_rests_on(data):
    found = list(items(data))
    assert len(found) > 70
    assert all(item["label"] and item["basis"] for item in found)


def test_an_unknown_key_is_refused(data):
    data["stay"]["fee_sigma"]["valeu"] = 1
    with pytest.raises(TongpinError) as refused:
        parse_profile(data, "test")
    assert refused.value.code == "demo.profile"
    assert "stay.fee_sigma.valeu" in refused.value.message


def test_hospitals_that_do_not_fill_the_month_are_refused(data):
    data["hospitals"]["rows"][0]["cases"] += 1
    with pytest.raises(TongpinError, match="flat_month_cases"):
        parse_profile(data, "test")


def test_a_profile_that_does_not_exist_is_refused():
    with pytest.raises(TongpinError) as refused:
        read_profile("atlantis")
    assert refused.value.code == "demo.profile"


def test_the_plan_is_read_against_the_scheme(plan, scheme):
    groups = parse_groups(plan, scheme, read_profile("prefecture-east").comorbidity)
    assert len(groups.drg) == len(plan.splitlines()) - 1
    assert len(groups.principals.starts) == len(groups.drg) + 1
    assert all(len(groups.procedures.values) > index for index in groups.procedures.starts[:-1])


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (",flat,", ",autumn,", "season"),
        ("share_pct", "share", "表头"),
        (",assumed", ",assumed,more", "列数"),
    ],
)
def test_a_plan_that_does_not_hold_is_refused(plan, scheme, old, new, said):
    with pytest.raises(TongpinError, match=said) as refused:
        parse_groups(plan.replace(old, new, 1), scheme, read_profile("prefecture-east").comorbidity)
    assert refused.value.code == "demo.plan"


def test_a_diagnosis_unknown_to_the_scheme_is_refused(plan, scheme):
    header, first, *rest = plan.splitlines()
    code = first.split(",")[20].split("|")[0]
    wrong = "\n".join([header, first.replace(code, "Z99.999x999", 1), *rest])
    with pytest.raises(TongpinError, match=r"Z99\.999x999"):
        parse_groups(wrong, scheme, read_profile("prefecture-east").comorbidity)


def test_shares_that_do_not_sum_to_100_are_refused(plan, scheme):
    header, _first, *rest = plan.splitlines()
    with pytest.raises(TongpinError, match="share_pct"):
        parse_groups("\n".join([header, *rest]), scheme, read_profile("prefecture-east").comorbidity)


def test_the_first_entry_of_a_list_is_drawn_most_often():
    lists = Lists.of([[7], [1, 2, 3]])
    uniform = np.linspace(0, 0.999, 600)
    picked = lists.values[lists.pick(np.full(600, 1), uniform)]
    counts = [int((picked == code).sum()) for code in (1, 2, 3)]
    assert counts[0] > counts[1] > counts[2] > 0
    assert sum(counts) == 600


# --- one profile over another --------------------------------------------------------------------------------------


def test_the_county_keeps_what_it_does_not_say_itself():
    east, west = read_profile("prefecture-east"), read_profile("county-west")
    assert west.stay == east.stay
    assert west.faults == east.faults
    assert west.volume.month_factor == east.volume.month_factor
    assert west.volume.total_cases.value == 226_479
    assert west.grades.mean_fee_yuan != east.grades.mean_fee_yuan
    assert not {row.name for row in west.hospitals.every} & {row.name for row in east.hospitals.every}


def test_a_series_falls_from_its_largest_to_its_smallest_and_sums_to_its_cases():
    for series in read_profile("county-west").hospitals.series:
        cases = [row.cases for row in series.rows()]
        assert sum(cases) == series.cases
        assert cases == sorted(cases, reverse=True)
        assert cases[0] / cases[-1] == pytest.approx(series.largest_to_smallest, rel=0.1)


def test_hospitals_of_one_name_are_refused(data):
    data["hospitals"]["rows"][1]["name"] = data["hospitals"]["rows"][0]["name"]
    with pytest.raises(TongpinError, match="重名"):
        parse_profile(data, "test")


def test_an_unknown_profile_to_extend_is_refused(data):
    with pytest.raises(TongpinError, match="extends"):
        parse_profile({"extends": "atlantis", **data}, "test")
