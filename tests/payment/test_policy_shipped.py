"""The editions that come with Tongpin: frozen, honest about what is assumed, and able to price."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pyarrow as pa
import pytest
from payment_cases import case, grouped

import tongpin
from tongpin.grouping.library import DEMO_SCHEME, open_scheme
from tongpin.payment.policy.check import check_edition
from tongpin.payment.policy.frozen import frozen_digests, frozen_findings
from tongpin.payment.policy.policy import Policy
from tongpin.payment.pricing.price import price
from tongpin.store.home import Home

ROOT = Path(tongpin.__file__).parent / "policies"
SHIPPED = {
    f"{path.parent.parent.name}/{path.parent.name}": path.parent for path in sorted(ROOT.glob("*/*/policy.yaml"))
}
TRANSPLANT, RADIOTHERAPY, PNEUMONIA = "AA19D", "RC19D", "ES35D"

INSTITUTIONS = pa.table(
    {
        "institution_code": ["H3"],
        "settlement_level": ["三级"],
        "valid_from": pa.array([date(2020, 1, 1)]),
    },
)


def test_the_named_editions_are_shipped():
    assert {
        "demo-east/2025",
        "qingyang/2025",
        "points-demo/2025",
        "dip-national/2025",
        "prepay-s001/2025",
        "prepay-national/2024",
    } <= set(SHIPPED)


def test_a_released_edition_has_not_changed():
    """Fails when a shipped file changed: put the released file back, and make a new edition for new values."""
    found = {name: Policy.load(folder).digest for name, folder in SHIPPED.items()}
    assert [str(finding) for finding in frozen_findings(frozen_digests(), found)] == []


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_edition_holds_no_fault(name):
    policy = Policy.load(SHIPPED[name])
    scheme = open_scheme(Home.open(None), DEMO_SCHEME) if policy.scheme_id == DEMO_SCHEME else None
    found = check_edition(policy, scheme.drg_codes if scheme else None)
    assert policy.id == name
    assert [str(finding) for finding in found if finding.severity == "error"] == []
    assert "policy.weights.missing" not in {finding.rule_id for finding in found}


@pytest.mark.parametrize("name", SHIPPED)
def test_what_no_document_confirms_is_marked(name):
    edition = Policy.load(SHIPPED[name]).edition
    for key, parameter in edition.parameters.items():
        assert parameter.assumed or set(parameter.reference) == set(parameter.values), key


def test_qingyang_says_what_its_document_says_and_assumes_the_rest():
    policy = Policy.load(SHIPPED["qingyang/2025"])
    told = {key for key, item in policy.edition.parameters.items() if not item.assumed}
    assert told == {"scope.stay_days_min", "scope.stay_days_max"}
    on = date(2025, 6, 1)
    assert (policy.value("scope.stay_days_min", on), policy.value("scope.stay_days_max", on)) == (2, 60)
    assert policy.value("scope.care_type", on, care_type="bed_day") == "BY_ITEM"


def test_qingyang_pays_bed_days_and_extreme_stays_by_item():
    policy = Policy.load(SHIPPED["qingyang/2025"])
    cases = grouped(
        case("in", 9000, 3000, drg=PNEUMONIA, los=8),
        case("short", 900, 300, drg=PNEUMONIA, los=2),
        case("long", 90_000, 30_000, drg=PNEUMONIA, los=60),
        case("beds", 9000, 3000, drg=PNEUMONIA, los=30, care_type="bed_day"),
    )
    rows = {row["case_id"]: row for row in price(cases, policy, INSTITUTIONS).to_pylist()}
    assert {name: row["pay_scope"] for name, row in rows.items()} == {
        "in": "DRG",
        "short": "BY_ITEM",
        "long": "BY_ITEM",
        "beds": "BY_ITEM",
    }
    assert rows["short"]["result_fen"] == rows["long"]["result_fen"] == rows["beds"]["result_fen"] == 0
    assert rows["in"]["gross_fen"] == rows["in"]["standard_fen"]


def test_the_points_edition_pays_points_times_value():
    policy = Policy.load(SHIPPED["points-demo/2025"])
    cases = grouped(case("a", 9000, 3000, drg=PNEUMONIA, los=8))
    (row,) = price(cases, policy, INSTITUTIONS).to_pylist()
    on = date(2025, 6, 20)
    weight, value = policy.weight(PNEUMONIA).weight_e4, policy.value("points.value", on, fund="310")
    level_over_city = 106  # hundredths, the demonstration's table for 三级
    expected = weight * policy.value("points.scale", on) * value * level_over_city / (10_000 * 100)
    assert row["gross_fen"] == pytest.approx(expected, abs=50)


@pytest.mark.parametrize("name", ["prepay-s001/2025", "prepay-national/2024"])
def test_a_prepayment_edition_holds_one_named_scheme(name):
    policy = Policy.load(SHIPPED[name])
    on = date(2025, 6, 1)
    schemes = {policy.value("prepay.scheme", on, fund=fund) for fund in ("310", "390")}
    assert schemes == {"s001" if "s001" in name else "national_2024"}
    assert not policy.weights
