"""DIP against the worked examples of the vectors' file, read from it."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from dip_cases import INSTITUTIONS, POLICIES, national, stay, table, usual

from tongpin.payment.dip.auxiliary import band_labels, charlson_points
from tongpin.payment.dip.deviation import Edges, deviation
from tongpin.payment.dip.institution import excess_over, institution_coefficient
from tongpin.payment.dip.price import price_dip
from tongpin.payment.dip.values import budget_value, settlement_value
from tongpin.payment.policy.lookup import Coded
from tongpin.payment.policy.policy import Policy

VECTORS = Path(__file__).resolve().parents[3] / "shared" / "spec" / "test_vectors.json"
pytestmark = pytest.mark.needs("reference")
E4 = 10_000
DAY = date(2025, 6, 1)


def vector(vector_id: str):
    for one in json.loads(VECTORS.read_text(encoding="utf-8"), parse_float=Decimal):
        if one["id"] == vector_id:
            return one["inputs"], one["expected"]
    raise AssertionError(vector_id)


def e4(value) -> int:
    return int(Decimal(value) * E4)


def test_budget_point_value_tv_b1():
    inputs, expected = vector("TV-B1")
    costs = [int(cost * 100) for cost in inputs["costs"]]
    weights = [national().value("dip.catalogue.year_weight", DAY, year_place=place) for place in ("1", "2", "3")]
    found = budget_value(costs, weights, e4(inputs["points"]), 4)
    assert found.money_fen == expected["weighted"] * 100
    assert found.value_e4 == e4(expected["pv"])
    assert found.residue_fen == 0


def test_settlement_point_value_tv_b2():
    inputs, expected = vector("TV-B2")
    found = settlement_value(int(inputs["fund"] * 100), e4(inputs["ratio"]), e4(inputs["points"]), 4)
    assert found.value_e4 == e4(expected["pv"])
    assert found.residue_fen == 0


def test_deviation_cases_tv_b3():
    inputs, expected = vector("TV-B3")
    policy = national()
    count = len(inputs["costs"])
    edges = Edges(
        *(np.full(count, policy.scaled(f"dip.deviation.{name}", DAY)) for name in ("low", "high", "review")),
        *(
            Coded(np.zeros(count, np.int64), [policy.value(key, DAY)])
            for key in ("dip.deviation.compare", "dip.deviation.unreviewed", "dip.review.by")
        ),
    )
    fee = np.array(inputs["costs"], np.int64) * 100
    found = deviation(fee, np.full(count, inputs["mean"] * 100, np.int64), edges)
    assert found.coefficient_e4.tolist() == [e4(value) for value in expected["coef"]]
    assert [cost for cost, asked in zip(inputs["costs"], found.in_review, strict=True) if asked] == expected["expert"]


def test_pay_of_a_case_tv_b4():
    inputs, expected = vector("TV-B4")
    catalogue = usual().catalogue
    code = "I20.0:BSZL"
    groups = tuple(
        one._replace(rw_e4=e4(inputs["rw"]), weighted_mean_fen=1_000_000) if one.code == code else one
        for one in catalogue.groups
    )
    catalogue = replace(catalogue, groups=groups, level_means={})

    def stated(key, value):
        parameter = policy.edition.parameters[key]
        return parameter.model_copy(update={"by": (), "values": {date(2024, 1, 1): value}})

    policy = national()
    changed = {
        "dip.score.scale": inputs["scale"],
        "dip.institution.coefficient": inputs["inst"],
        "dip.point_value": Decimal(inputs["pv"]),
        "dip.auxiliary.source": "stated",
    }
    parameters = {**policy.edition.parameters, **{key: stated(key, value) for key, value in changed.items()}}
    policy = replace(policy, edition=policy.edition.model_copy(update={"parameters": parameters}))
    # One comorbidity of one point: the edition states 1.1 for it.
    (row,) = price_dip(
        table([stay(1, ["I20.000", "I50.900"], (), 10_000, 2025)]), policy, catalogue, INSTITUTIONS
    ).to_pylist()
    assert (row["deviation_e4"], row["auxiliary_e4"]) == (e4(inputs["dev"]), e4(inputs["aux"]))
    assert row["points_e4"] == e4(expected["points"])
    assert row["gross_fen"] == expected["pay"] * 100


def test_comorbidity_levels_tv_b5():
    inputs, expected = vector("TV-B5")
    policy = national()
    levels = band_labels(policy, "dip.auxiliary.cci", DAY, np.array(inputs["score"])).texts().to_pylist()
    assert levels == expected["level"]
    stated = [
        E4 if one == "无" else policy.scaled("dip.auxiliary.coefficient", DAY, auxiliary="cci", auxiliary_level=one)
        for one in levels
    ]
    assert stated == [e4(value) for value in expected["default_coef"]]


def test_hospital_coefficient_of_xiamen_tv_a11():
    inputs, expected = vector("TV-A11")
    policy = Policy.load(POLICIES / "dip-xiamen" / "2024")
    excess = {
        "cmi": excess_over(e4(inputs["cmi"]), e4(inputs["cmi_ref"])),
        "children": e4(inputs["child_over"]),
        "elderly": e4(inputs["old_over"]),
    }
    found = institution_coefficient(policy, DAY, "三级", excess)
    assert found.base_e4 == e4(inputs["L0"])
    assert [one.capped_e4 for one in found.additions] == [e4(expected[name]) for name in ("L1", "L2a", "L2b")]
    assert found.total_e4 == e4(expected["coef"])


def test_a_category_counts_once_in_the_comorbidity_index():
    assert charlson_points(["I50.900", "I50.000", "E11.200", "E11.300"]) == 3
    assert charlson_points(["Z99.900"]) == 0
    assert charlson_points([]) == 0
