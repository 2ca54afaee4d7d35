"""The difference account against the worked example of the vectors' file, read from it."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pytest

from tongpin.base.errors import PolicyError
from tongpin.payment.ledger.elsewhere import LOCAL_ELSEWHERE, LOCAL_HERE, VISITOR_HERE, by_role, of_role
from tongpin.payment.ledger.vouchers import vouchers

VECTORS = Path(__file__).resolve().parents[3] / "shared" / "spec" / "test_vectors.json"


def a_line(insured: str | None, treated: str, payable: int, item: int) -> dict:
    return {
        "period": "2025-06",
        "institution_code": "H3",
        "fund": "310",
        "insured_region": insured,
        "treatment_region": treated,
        "line_sign": 1,
        "pool_payable_fen": payable * 100,
        "item_pool_fen": item * 100,
    }


@pytest.mark.needs("reference")
def test_the_difference_account_tv_p13():
    (vector,) = [one for one in json.loads(VECTORS.read_text(encoding="utf-8")) if one["id"] == "TV-P13"]
    inputs, expected = vector["inputs"], vector["expected"]
    payable = inputs["standard"] - inputs["patient"]
    item = inputs["fee"] - inputs["patient"]
    assert item == inputs["fund_by_item"]
    (row,) = by_role(pa.Table.from_pylist([a_line("310000", "320200", payable, item)]), "32").to_pylist()
    assert row["role"] == VISITOR_HERE
    assert row["payable_fen"] == expected["hospital_gets"] * 100
    assert row["item_fen"] == expected["insured_region_reimburses"] * 100
    assert row["difference_fen"] == expected["difference_account"] * 100


def test_the_three_roles_and_their_vouchers():
    lines = [
        a_line("320200", "320200", 5000, 7000),
        a_line("310000", "320200", 7500, 7000),
        a_line("320200", "310000", 0, 900),
    ]
    roles = by_role(pa.Table.from_pylist(lines), "32")
    told = {row["role"]: (row["payable_fen"], row["item_fen"], row["difference_fen"]) for row in roles.to_pylist()}
    assert told == {
        LOCAL_HERE: (500_000, 700_000, 0),
        VISITOR_HERE: (750_000, 700_000, -50_000),
        LOCAL_ELSEWHERE: (0, 90_000, 0),
    }
    visitor = vouchers("visitor", of_role(roles, VISITOR_HERE), 1, "east")
    owed = {}
    for row in visitor.to_pylist():
        owed[row["account"]] = owed.get(row["account"], 0) + row["debit_fen"] - row["credit_fen"]
    assert owed == {"1201": 700_000, "5101": -750_000, "2102": 50_000}
    away = vouchers("away", of_role(roles, LOCAL_ELSEWHERE), 1, "east")
    assert {row["account"]: row["debit_fen"] - row["credit_fen"] for row in away.to_pylist()} == {
        "5101": 90_000,
        "2101": -90_000,
    }


@pytest.mark.parametrize(("insured", "treated"), [(None, "310000"), ("310000", "310000")])
def test_a_case_of_no_known_place_is_refused(insured, treated):
    with pytest.raises(PolicyError, match="参保地或就医地空缺"):
        by_role(pa.Table.from_pylist([a_line(insured, treated, 1, 1), a_line("320200", "320200", 1, 1)]), "32")
