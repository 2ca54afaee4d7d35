"""The demonstration scheme 演示分组方案, its plan and its weights as data: complete, reachable, in range."""

from __future__ import annotations

import csv
import gzip
import io
import re
from collections import Counter
from decimal import Decimal
from importlib import resources
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from tongpin.grouping.checks.check import check_scheme
from tongpin.grouping.compiled.stage import group
from tongpin.grouping.tables.interpreter import Case, interpret
from tongpin.grouping.tables.read import load_scheme

PACKAGE = Path(str(resources.files("tongpin")))
FOLDER = PACKAGE / "schemes" / "demo-drg"
MDC_ORDER = "APYZMNBCDEFGHIJKLOQRSTUVWX"
GRADES = ("tertiary_a", "tertiary_b", "secondary", "primary")
GRADE_SHARE = np.array([0.36, 0.16, 0.32, 0.16])
DX_FORM = re.compile(r"[A-Z]\d\d\.[0-9x]\d\d(x\d\d\d)?(\+[A-Z]\d\d(\.\d)?\*)?")
PX_FORM = re.compile(r"\d\d\.(\d\d\d\d|\dx\d\d)(x\d\d\d)?")
PLAN_COLUMNS = {
    *("drg", "share_pct", "weight", "los_days", "drug_share", "consumable_share", "exam_share", "death_pct"),
    *("male_share", "age_low", "age_mode", "age_high", "dept", "season", "surgery_level", "cyclic", "dx", "px"),
    *("dx_other", "age_days_low", "age_days_high", "birth_weight_low", "birth_weight_high", "los_low", "los_high"),
    *(f"level_{grade}" for grade in GRADES),
    "basis",
}
TRANSLATED_ONCE = {
    "dx": {"D18.013": ("D18.000x013", "D23.900"), "J98.400": ("J98.400x012", "J98.414")},
    "px": {"39.7900x007": ("39.7100x007", "39.7100")},
}
"""Code of the scheme that is a clinical code too: the clinical code that becomes it, and what it becomes itself."""
NOT_IN_THE_CITY = {"AE18D", "FD38D", "GE18D", "IC28D", "JU17D", "KD18D", "QB17D", "SB17D", "ZZ18D"}
"""Leaves that the city plans no cases for; the cases beside the scheme reach them."""
# ADRG: planned share %, weight by suffix (practice figures, to be met within 30 %)
TOP_GROUPS = {
    "BR2": (6.0, {"1": 1.30, "3": 0.85, "5": 0.65}),
    "ES3": (5.5, {"1": 1.35, "3": 0.85, "5": 0.50}),
    "RE1": (5.5, {"1": 1.0, "3": 0.65, "5": 0.50}),
    "CB3": (2.8, {"9": 0.52}),
    "KS1": (2.4, {"1": 0.85, "5": 0.55}),
    "IU2": (2.0, {"9": 0.45}),
    "GK3": (2.0, {"9": 0.52}),
    "ET2": (1.8, {"1": 1.2, "3": 0.80, "5": 0.60}),
    "EX2": (1.8, {"3": 0.38, "5": 0.28}),
    "FR2": (1.7, {"1": 1.05, "5": 0.65}),
    "FV2": (1.6, {"1": 0.75, "3": 0.52, "5": 0.42}),
    "GZ1": (1.5, {"3": 0.50, "5": 0.40}),
    "DT1": (1.4, {"9": 0.25}),
    "OB1": (1.8, {"9": 0.85}),
    "OR1": (1.3, {"9": 0.40}),
    "HC2": (1.1, {"9": 1.20}),
    "GE1": (1.0, {"3": 0.95, "5": 0.80}),
    "GF1": (1.0, {"9": 0.60}),
    "GD2": (0.7, {"3": 1.05, "5": 0.90}),
    "PU1": (1.0, {"3": 0.65, "5": 0.42}),
    "LR1": (1.6, {"1": 1.2, "3": 0.85, "5": 0.65}),
    "NC1": (0.9, {"9": 1.35}),
    "IF4": (1.1, {"9": 1.70}),
    "IC2": (0.6, {"9": 2.9}),
    "FM1": (1.3, {"9": 2.3}),
    "KD1": (0.6, {"9": 1.45}),
}


def table(name: str, folder: Path = FOLDER) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO((folder / name).read_text(encoding="utf-8"))))


@pytest.fixture(scope="module")
def scheme():
    return load_scheme(FOLDER)


@pytest.fixture(scope="module")
def plan():
    return table("groups.csv", PACKAGE / "demo" / "plan")


@pytest.fixture(scope="module")
def weights():
    return table("weights.csv", PACKAGE / "policies" / "demo-east" / "2025")


def column(plan, name):
    return np.array([float(row[name]) for row in plan])


@pytest.fixture(scope="module")
def mix(plan):
    """Case shares of the groups inside each grade: one column a grade, each summing to 1."""
    readiness = np.column_stack([column(plan, f"level_{grade}") for grade in GRADES])
    cases = column(plan, "share_pct")[:, None] * readiness
    return cases / cases.sum(axis=0)


@pytest.fixture(scope="module")
def city(mix):
    return mix @ GRADE_SHARE


def suffixes(plan):
    return np.array([row["drg"][3] for row in plan])


# ---- the scheme ----------------------------------------------------------------------------------------------------


def test_scheme_has_every_mdc_in_order_and_each_has_a_group(scheme):
    assert "".join(mdc.letter for mdc in scheme.mdcs) == MDC_ORDER
    with_leaves = {mdc.letter for mdc in scheme.mdcs if any(step.leaves for step in mdc.steps)}
    assert with_leaves == set(MDC_ORDER)
    assert [mdc.min_sites for mdc in scheme.mdcs if mdc.min_sites] == [2]


def test_scheme_has_the_planned_size(scheme):
    adrgs = {drg[:3] for drg in scheme.drg_codes}
    assert len(adrgs) >= 190
    assert len(scheme.drg_codes) >= 330
    assert adrgs >= TOP_GROUPS.keys()


def test_no_group_code_looks_official_and_the_title_says_so(scheme):
    assert all(re.fullmatch(r"[A-Z]{2}\d[135789]D", drg) for drg in scheme.drg_codes)
    assert "非官方" in scheme.title
    assert "演示" in scheme.source


def test_scheme_carries_no_finding(scheme):
    assert check_scheme(scheme) == []


def test_codes_are_well_formed_and_named(scheme):
    assert [code for code in scheme.dx_names if not DX_FORM.fullmatch(code)] == []
    assert [code for code in scheme.px_names if not PX_FORM.fullmatch(code)] == []
    assert all(name.strip() == name != "" for name in (scheme.dx_names | scheme.px_names).values())
    used = set().union(*scheme.dx_lists.values(), scheme.mcc, scheme.cc, scheme.exclusion, scheme.sites)
    assert used <= scheme.dx_names.keys()
    assert set().union(*scheme.px_lists.values()) <= scheme.px_names.keys()


def test_lists_are_not_empty_and_hold_each_code_once(scheme):
    assert all(scheme.dx_lists.values())
    assert all(scheme.px_lists.values())
    for name in ("dx_list.csv", "px_list.csv"):
        twice = [one for one, n in Counter((row["list"], row["code"]) for row in table(name)).items() if n > 1]
        assert twice == [], name


def test_every_diagnosis_list_lies_inside_its_mdc(scheme):
    outside = {
        name: codes - scheme.dx_lists[f"MDC{name[0]}.dx"]
        for name, codes in scheme.dx_lists.items()
        if not name.startswith("MDC") and not codes <= scheme.dx_lists[f"MDC{name[0]}.dx"]
    }
    assert outside == {}


def test_complications_are_disjoint_and_each_has_its_exclusion_table(scheme):
    assert scheme.mcc.keys().isdisjoint(scheme.cc.keys())
    assert len(scheme.mcc) >= 150
    assert len(scheme.cc) >= 350
    assert {**scheme.mcc, **scheme.cc}.items() <= scheme.exclusion.items()
    assert scheme.sites.keys().isdisjoint(scheme.mcc.keys() | scheme.cc.keys())


def test_code_maps_keep_known_codes_and_lead_clinical_ones_to_them(scheme):
    for kind, names, mapping, least in (
        ("dx", scheme.dx_names, scheme.dx_map, 400),
        ("px", scheme.px_names, scheme.px_map, 150),
    ):
        assert {code for code in names if mapping[code] != code} == set(TRANSLATED_ONCE[kind])
        clinical = {code: target for code, target in mapping.items() if code not in names}
        assert len(clinical) >= least
        assert set(mapping.values()) <= names.keys()
        form = DX_FORM if kind == "dx" else PX_FORM
        assert [code for code in clinical if not form.fullmatch(code)] == []


def test_a_clinical_code_stays_in_its_category_except_where_the_two_editions_mean_different_things(scheme):
    other_category = {
        code: target
        for mapping, same in ((scheme.dx_map, 3), (scheme.px_map, 4))
        for code, target in mapping.items()
        if code[:same] != target[:same]
    }
    assert other_category == {"D18.013": "D23.900"}


def test_several_clinical_codes_lead_to_one_code_and_combined_ones_are_translated_whole(scheme):
    sources = Counter(target for code, target in scheme.dx_map.items() if code != target)
    assert sources["I10.x00"] >= 5
    assert sum(count > 1 for count in sources.values()) >= 100
    assert scheme.dx_map["E11.401+G63.2*"] == "E11.400"
    assert scheme.dx_map["A17.001+G01*"] == "A17.000+G01*"


def test_a_map_is_one_step_even_where_a_target_is_translated_itself(scheme):
    """`TRANSLATED_ONCE`: as clinical codes they mean something else than as codes of the scheme."""
    for kind, mapping in (("dx", scheme.dx_map), ("px", scheme.px_map)):
        for target, (source, onward) in TRANSLATED_ONCE[kind].items():
            assert (mapping[source], mapping[target]) == (target, onward)
    patient = {"sex": 2, "age": 60, "los": 5, "code_map": True}
    assert interpret(scheme, Case(dx=("D18.000x013",), **patient)).drg == "HS35D"
    assert interpret(scheme, Case(dx=("D18.013",), **patient)).drg == "JZ19D"
    assert interpret(scheme, Case(dx=("I70.200",), px=("39.7100x007",), **patient)).drg == "FN19D"
    assert interpret(scheme, Case(dx=("I70.200",), px=("39.7900x007",), **patient)).drg == "FC19D"


@pytest.mark.needs("reference")
def test_every_code_exists_in_the_national_edition(scheme, reference_folder):
    folder = reference_folder / "chs-drg-1.1"
    with gzip.open(folder / "icd10.csv.gz", "rt", encoding="utf-8") as stream:
        dx = {row["code"] for row in csv.DictReader(stream)}
    px = {row["code"] for row in table("icd9.csv", folder)}
    assert scheme.dx_names.keys() - dx == set()
    assert scheme.px_names.keys() - px == set()


@pytest.mark.needs("reference")
def test_the_lists_are_our_own(scheme, reference_folder):
    """No diagnosis list equals one of a real scheme, and complications were not filtered out of it."""
    folder = reference_folder / "chs-drg-1.1"
    real: dict[str, set[str]] = {}
    with gzip.open(folder / "dx_list.csv.gz", "rt", encoding="utf-8") as stream:
        for row in csv.DictReader(stream):
            real.setdefault(row["list"], set()).add(row["code"])
    same = [name for name, codes in scheme.dx_lists.items() if codes == real.get(name)]
    assert same == []
    assert not scheme.mcc.keys() <= {row["code"] for row in table("mcc.csv", folder)}
    assert not scheme.cc.keys() <= {row["code"] for row in table("cc.csv", folder)}


# ---- every plan case reaches its group -----------------------------------------------------------------------------


def secondaries(scheme, drg: str, principal: str) -> list[list[str]]:
    """The secondary diagnoses that the suffix of a group asks for: the first few not excluded by the principal."""
    table_of = scheme.exclusion.get(principal)

    def some(complications: dict[str, str]) -> list[str]:
        return [code for code, own in complications.items() if own != table_of and code != principal][:3]

    mcc, cc = some(scheme.mcc), some(scheme.cc)
    if drg[3] == "1":
        return [[code] for code in mcc] + [[cc[0], mcc[0]]]
    if drg[3] == "3":
        return [[code] for code in cc]
    if drg[3] == "9":
        return [[], [mcc[0]], [cc[0]]]
    return [[], ["I10.x00"]]


def middle(row: dict[str, str], low: str, high: str) -> int | None:
    return (int(row[low]) + int(row[high])) // 2 if row[low] else None


def plan_cases(scheme, plan):
    """A case for each principal x procedures x secondaries x age x sex of the plan, with the group demanded of it."""
    for row in plan:
        male = float(row["male_share"])
        sexes = [1] * (male > 0) + [2] * (male < 1)
        for principal in row["dx"].split("|"):
            for alternative in row["px"].split(";"):
                for secondary in secondaries(scheme, row["drg"], principal):
                    for age in sorted({int(row["age_low"]), int(row["age_mode"]), int(row["age_high"])}):
                        for sex in sexes:
                            days = middle(row, "age_days_low", "age_days_high")
                            yield {
                                "drg_demanded": row["drg"],
                                "sex": sex,
                                "age": age,
                                "age_days": (200 if days is None else days) if age == 0 else None,
                                "birth_weight": middle(row, "birth_weight_low", "birth_weight_high"),
                                "los": middle(row, "los_low", "los_high") or round(float(row["los_days"])),
                                "dx": [principal, *filter(None, row["dx_other"].split("|")), *secondary],
                                "px": [code for code in alternative.split("|") if code],
                            }


@pytest.fixture(scope="module")
def cases(scheme, plan):
    return list(plan_cases(scheme, plan))


def test_every_plan_case_reaches_the_group_demanded(scheme, cases):
    grouped = group(pa.Table.from_pylist(cases), scheme)
    got, demanded = grouped["drg"].to_pylist(), grouped["drg_demanded"].to_pylist()
    wrong = Counter((want, have) for want, have in zip(demanded, got, strict=True) if want != have)
    assert wrong == {}
    assert set(got) == set(scheme.drg_codes) - NOT_IN_THE_CITY, "a leaf that no plan case reaches"


def test_the_interpreter_agrees_on_one_case_of_each_group(scheme, cases):
    first = {case["drg_demanded"]: case for case in reversed(cases)}
    for drg, case in first.items():
        plain = {name: case[name] for name in ("sex", "age", "age_days", "birth_weight", "los")}
        outcome = interpret(scheme, Case(**plain, dx=tuple(case["dx"]), px=tuple(case["px"])))
        assert outcome.drg == drg


def test_every_diagnosis_of_the_dictionary_groups_as_principal_in_some_patient(scheme):
    """The medical catch-alls of the MDCs leave no named diagnosis over (P07 of a heavy newborn is no such patient)."""
    patients = [
        {"sex": sex, "age": age, "age_days": days, "birth_weight": weight, "los": 5}
        for sex in (1, 2)
        for age, days, weight in ((45, None, None), (0, 5, 3200), (0, 5, 1800))
    ]
    codes = sorted(scheme.dx_names)
    rows = [{**patient, "dx": [code], "px": []} for code in codes for patient in patients]
    drgs = group(pa.Table.from_pylist(rows), scheme)["drg"].to_pylist()
    reached = {row["dx"][0] for row, drg in zip(rows, drgs, strict=True) if drg in scheme.drg_names}
    assert {code for code in codes if code not in reached} <= {"P07.000", "P07.102", "P07.200"}


@pytest.mark.parametrize(
    ("case", "drg"),
    [
        # one site only: not multiple trauma
        (Case(sex=1, age=40, dx=("S06.500", "S06.400")), "BY15D"),
        (Case(sex=1, age=40, dx=("S06.500", "S22.400")), "ZZ15D"),
        # heart failure beside heart failure is excluded, kidney failure is not
        (Case(sex=2, age=80, dx=("I50.900", "I50.100")), "FR25D"),
        (Case(sex=2, age=80, dx=("I50.900", "N17.900")), "FR21D"),
        # an operation that does not fit the principal diagnosis
        (Case(sex=2, age=50, dx=("J18.900",), px=("51.2300",)), "EQY"),
        # a prostate in a woman, an unknown principal
        (Case(sex=2, age=70, dx=("N40.x00",)), "0000"),
        (Case(sex=1, age=70, dx=("Q99.900",)), "0000"),
        # 29 days old: no newborn any more
        (Case(sex=1, age=0, age_days=28, birth_weight=3300, dx=("P59.900",)), "PU15D"),
        (Case(sex=1, age=0, age_days=29, birth_weight=3300, dx=("P59.900",)), "PV15D"),
        # child and adult with the same pneumonia
        (Case(sex=1, age=16, dx=("J18.900",)), "ES37D"),
        (Case(sex=1, age=17, dx=("J18.900",)), "ES35D"),
        # sixty days is not yet a long stay
        (Case(sex=1, age=40, los=60, dx=("F20.000",)), "TR19D"),
        (Case(sex=1, age=40, los=61, dx=("F20.000",)), "TR18D"),
        # infant, child and adult with the same hernia
        (Case(sex=1, age=0, age_days=200, dx=("K40.900",), px=("53.0000",)), "GE18D"),
        (Case(sex=1, age=1, dx=("K40.900",), px=("53.0000",)), "GE17D"),
        (Case(sex=1, age=17, dx=("K40.900",), px=("53.0000",)), "GE15D"),
        # dead on the second day, on the third, and home on the second
        (Case(sex=1, age=40, los=2, discharge_way="5", dx=("S06.500", "S72.300")), "ZZ18D"),
        (Case(sex=1, age=40, los=3, discharge_way="5", dx=("S06.500", "S72.300")), "ZZ15D"),
        (Case(sex=1, age=40, los=2, discharge_way="1", dx=("S06.500", "S72.300")), "ZZ15D"),
    ],
)
def test_edges_of_the_rules(scheme, case, drg):
    assert interpret(scheme, case).drg == drg


# ---- the plan and the weights --------------------------------------------------------------------------------------


def test_plan_has_one_row_a_group_and_says_that_it_is_assumed(scheme, plan):
    assert set(plan[0]) == PLAN_COLUMNS
    assert Counter(row["drg"] for row in plan) == Counter(set(scheme.drg_codes) - NOT_IN_THE_CITY)
    assert {row["basis"] for row in plan} == {"assumed"}


def test_plan_columns_hold_sensible_values(plan):
    for row in plan:
        assert int(row["age_low"]) <= int(row["age_mode"]) <= int(row["age_high"]), row["drg"]
        parts = sum(Decimal(row[name]) for name in ("drug_share", "consumable_share", "exam_share"))
        assert 0 < parts < 1, row["drg"]
        assert row["season"] in {"flat", "winter", "summer", "spring"}
        assert row["surgery_level"] in set("01234")
        assert row["cyclic"] in {"0", "1"}
        assert re.fullmatch(r"\d\d(\.\d\d)?", row["dept"])


def test_shares_sum_to_100_exactly(plan):
    assert sum(Decimal(row["share_pct"]) for row in plan) == 100
    assert all(Decimal(row["share_pct"]) > 0 for row in plan)


def test_levels_leave_the_share_of_each_group_in_the_city(plan, city):
    assert np.abs(city * 100 / column(plan, "share_pct") - 1).max() < 0.03


def test_primary_hospitals_do_no_complex_surgery(plan):
    assert [row["drg"] for row in plan if int(row["surgery_level"]) >= 3 and float(row["level_primary"]) > 0] == []


def test_case_mix_index_by_grade(plan, mix, city):
    weight = column(plan, "weight")
    a, b, secondary, primary = weight @ mix
    assert 1.22 <= a <= 1.36
    assert 1.02 <= b <= 1.08
    assert 0.72 <= secondary <= 0.83
    assert 0.48 <= primary <= 0.57
    assert 0.98 <= weight @ city <= 1.02


def test_suffixes_by_share(plan, mix, city):
    suffix = suffixes(plan)
    for sign, expected in {"9": 38, "5": 34, "3": 19, "1": 9}.items():
        assert abs(city[suffix == sign].sum() * 100 - expected) <= 3, sign
    severe = mix[suffix == "1"].sum(axis=0)
    assert 0.12 <= severe[0] <= 0.15
    assert 0.03 <= severe[3] <= 0.05


def test_weights_rise_with_complications(plan):
    by_adrg: dict[str, dict[str, float]] = {}
    for row in plan:
        by_adrg.setdefault(row["drg"][:3], {})[row["drg"][3]] = float(row["weight"])
    for adrg, weight in by_adrg.items():
        if "1" in weight:
            assert 1.6 <= weight["1"] / weight["5"] <= 2.2, adrg
        if "3" in weight:
            assert 1.15 <= weight["3"] / weight["5"] <= 1.4, adrg
        if {"1", "3"} <= weight.keys():
            assert weight["1"] > weight["3"], adrg


def test_top_groups_meet_the_planning_values(plan):
    for adrg, (share, by_suffix) in TOP_GROUPS.items():
        rows = [row for row in plan if row["drg"].startswith(adrg)]
        assert sum(float(row["share_pct"]) for row in rows) == pytest.approx(share, rel=0.3), adrg
        weight = {row["drg"][3]: float(row["weight"]) for row in rows}
        for sign, value in by_suffix.items():
            assert weight[sign] == pytest.approx(value, rel=0.3), adrg + sign


def test_surgery_deliveries_deaths_and_days(plan, mix, city):
    level = column(plan, "surgery_level")
    assert 0.28 <= city[level > 0].sum() <= 0.34
    assert mix[level > 0, 0].sum() > mix[level > 0, 2].sum()
    assert 0.15 <= mix[level == 4, 0].sum() / mix[level > 0, 0].sum() <= 0.25
    deliveries = np.array([row["drg"][:3] in {"OB1", "OR1"} for row in plan])
    assert 0.025 <= city[deliveries].sum() <= 0.035
    death = column(plan, "death_pct")
    assert 0.22 <= death @ city <= 0.28
    assert np.average(death <= 0.05, weights=city) >= 0.6
    assert 7.0 <= column(plan, "los_days") @ mix[:, 0] <= 7.8


def at_least(plan, age: int):
    """The chance of being that old where ages follow the triangle low, mode, high."""
    chances = []
    for row in plan:
        low, mode, high = int(row["age_low"]), int(row["age_mode"]), int(row["age_high"]) + 1
        if age <= low or age >= high:
            chances.append(float(age <= low))
        elif age <= mode:
            chances.append(1 - (age - low) ** 2 / ((high - low) * (mode - low)))
        else:
            chances.append((high - age) ** 2 / ((high - low) * (high - mode)))
    return np.array(chances)


def test_ages(plan, city):
    assert 0.43 <= at_least(plan, 60) @ city <= 0.49
    assert 0.075 <= 1 - at_least(plan, 15) @ city <= 0.105


def test_shares_of_drugs_and_consumables_in_the_money(plan, mix):
    money = mix[:, 0] * column(plan, "weight")
    drug, consumable = column(plan, "drug_share"), column(plan, "consumable_share")
    assert 0.22 <= np.average(drug, weights=money) <= 0.26
    assert 0.22 <= np.average(consumable, weights=money) <= 0.30
    oncology = np.array([row["dept"] == "19" for row in plan])
    assert 0.55 <= np.average(drug[oncology], weights=money[oncology]) <= 0.65
    vascular = np.array([row["drg"].startswith("FN1") for row in plan])
    assert 0.65 <= np.average(consumable[vascular], weights=money[vascular]) <= 0.75


def test_policy_weights_are_the_plan_weights(plan, weights):
    assert list(weights[0]) == ["drg", "weight", "basic_group"]
    planned = [row for row in weights if row["drg"] not in NOT_IN_THE_CITY]
    assert [(row["drg"], row["weight"]) for row in planned] == [(row["drg"], row["weight"]) for row in plan]
    assert {row["drg"] for row in weights} - {row["drg"] for row in plan} == NOT_IN_THE_CITY
    assert all(re.fullmatch(r"\d+\.\d{4}", row["weight"]) for row in weights)


def test_weights_of_the_other_leaves_lie_beside_their_siblings(weights):
    weight = {row["drg"]: float(row["weight"]) for row in weights}
    for drg in NOT_IN_THE_CITY:
        siblings = [value for other, value in weight.items() if other[:3] == drg[:3] and other != drg]
        assert 0.45 * min(siblings) <= weight[drg] <= 2 * max(siblings), drg


def test_basic_groups_are_light_and_common(plan, weights):
    share = {row["drg"]: float(row["share_pct"]) for row in plan}
    basic = [row for row in weights if row["basic_group"] == "1"]
    assert 10 <= len(basic) <= 15
    assert {row["basic_group"] for row in weights} == {"0", "1"}
    assert all(float(row["weight"]) <= 0.6 and share[row["drg"]] >= 0.1 for row in basic)
