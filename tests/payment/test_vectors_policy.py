"""The worked examples of dates and scope (TV-P1, TV-P2, TV-P8) read from their file, through the public functions."""

from __future__ import annotations

import json
from datetime import date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from payment_cases import case, grouped, make_policy

import tongpin
from tongpin.payment.month.posting import LINE_SCHEMA, WITHDRAWAL_SCHEMA, within_edition
from tongpin.payment.policy.period import clearing_years, natural_months
from tongpin.payment.policy.policy import Policy
from tongpin.payment.pricing.price import price

pytestmark = pytest.mark.needs("reference")

QINGYANG = Path(tongpin.__file__).parent / "policies" / "qingyang" / "2025"
IN_OR_OUT = {"DRG": "in", "BY_ITEM": "out"}


@pytest.fixture(scope="module")
def vectors(reference_folder) -> dict[str, dict[str, Any]]:
    text = (reference_folder.parent / "spec" / "test_vectors.json").read_text(encoding="utf-8")
    return {vector["id"]: vector for vector in json.loads(text)}


def stay(discharge: str, settlement: str, accepted: str | None = None) -> pa.Table:
    return grouped(
        case(
            "c",
            1,
            0,
            settled=date.fromisoformat(settlement),
            accepted=date.fromisoformat(accepted) if accepted else None,
            discharge_time=datetime.fromisoformat(f"{discharge}T10:00"),
        ),
    )


def month(cases: pa.Table, basis: Any) -> str:
    return str(np.datetime_as_string(natural_months(cases, basis))[0])


def test_three_dates_give_three_periods_tv_p1(vectors):
    given, expected = vectors["TV-P1"]["inputs"], vectors["TV-P1"]["expected"]
    one = stay(**given)
    assert month(one, "discharge") == expected["guokao"] == expected["period_by_discharge"]
    assert month(one, "settlement") == expected["period_by_settlement"]
    assert month(one, "accepted") == given["accepted"][:7]


def test_a_stay_across_new_year_tv_p2(vectors, tmp_path):
    given, expected = vectors["TV-P2"]["inputs"], vectors["TV-P2"]["expected"]
    one = stay(given["discharge"], given["settlement"])
    for basis in ("settlement", "discharge"):
        policy = make_policy(tmp_path / basis, change=lambda d, b=basis: d["year_by"].update(value=b))
        assert clearing_years(one, policy).tolist() == [expected[f"year_by_{basis}"]]


@pytest.mark.parametrize(("days_after", "kept"), [(0, 1), (1, 0)])
def test_a_late_list_counts_until_the_cutoff_of_its_year_tv_p2(vectors, tmp_path, days_after, kept):
    given = vectors["TV-P2"]["inputs"]
    cutoff = date.fromisoformat(given["cutoff"])
    accepted = date.fromordinal(cutoff.toordinal() + days_after)

    def by_discharge(data):
        data["year_by"].update(value="discharge")
        data["parameters"]["calendar.late_list_deadline"] = {
            "label": "补传截止",
            "unit": "month_day",
            "values": {date(2025, 1, 1): f"{cutoff:%m-%d}"},
            "assumed": True,
        }

    policy = make_policy(tmp_path, change=by_discharge)
    one = stay(given["discharge"], given["settlement"], accepted.isoformat())
    able = within_edition(one, LINE_SCHEMA.empty_table(), WITHDRAWAL_SCHEMA.empty_table(), policy)
    assert able.lines.num_rows == kept
    assert bool(able.notes) is not bool(kept)


def test_the_stays_that_qingyang_pays_by_group_tv_p8(vectors):
    given, expected = vectors["TV-P8"]["inputs"], vectors["TV-P8"]["expected"]
    institutions = pa.table(
        {"institution_code": ["H3"], "settlement_level": ["三级"], "valid_from": pa.array([date(2020, 1, 1)])}
    )
    cases = grouped(*(case(f"c{days}", 9000, 3000, drg="ES35D", los=days) for days in given["los"]))
    priced = price(cases, Policy.load(QINGYANG), institutions)
    assert [IN_OR_OUT[scope] for scope in priced["pay_scope"].to_pylist()] == expected["payment"]
