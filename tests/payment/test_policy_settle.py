"""A month of a home in which two payment policies stand side by side: each list is paid by one, or the run refuses."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import pyarrow as pa
import pytest
from payment_cases import case

from tongpin.base.errors import PolicyError
from tongpin.payment.month.run import settle_in_home
from tongpin.payment.policy.drafts import new_edition
from tongpin.payment.policy.routes import COLUMNS
from tongpin.records.case.schema import CASE_SCHEMA
from tongpin.records.intake.load import CASES, INSTITUTIONS, KEYS
from tongpin.records.readers.own_layouts import layout_schema
from tongpin.store import lake
from tongpin.store.home import Home


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """Two hospitals of three lists each, and the editions city/2025 and province/2025."""
    home = Home.open(tmp_path / "home")
    for name in ("city/2025", "province/2025"):
        draft = Path(new_edition(home, name, "demo-east/2025").file)
        draft.write_text(re.sub(r"(?m)^draft:.*\n", "", draft.read_text(encoding="utf-8")), encoding="utf-8")
    hospitals = [
        {
            "institution_code": code,
            "institution_name": code,
            "settlement_level": "三级",
            "valid_from": date(2020, 1, 1),
        }
        for code in ("H1", "H2")
    ]
    lake.upsert(
        home,
        INSTITUTIONS,
        pa.Table.from_pylist(hospitals, schema=layout_schema("institution")),
        KEYS[INSTITUTIONS],
    )
    cases = [
        case(f"{code}-{n}", 9000, 3000, institution_code=code, sex=1, age=60, los=8, dx=["J18.900"], px=[])
        for code in ("H1", "H2")
        for n in range(3)
    ]
    plain = pa.schema([f if not pa.types.is_list(f.type) else f.with_type(pa.list_(pa.string())) for f in CASE_SCHEMA])
    lake.upsert(home, CASES, pa.Table.from_pylist(cases, schema=plain), KEYS[CASES])
    return home


def write_routes(home: Home, *rows: str) -> None:
    (home.policies / "routes.csv").write_text("\n".join([",".join(COLUMNS), *rows]) + "\n", encoding="utf-8")


def test_each_policy_pays_its_own_lists_and_no_other(home: Home) -> None:
    write_routes(
        home,
        "*,*,*,*,*,settlement,2025-01-01,,city/2025,1,",
        "*,*,H2,*,*,settlement,2025-01-01,,province/2025,1,",
    )
    paid: list[str] = []
    for area in ("city", "province"):
        run = settle_in_home(home, "2025-06", area, draft=True)
        paid += run.settlement.lines["case_id"].to_pylist()
        assert "3 份清单按选用表由别的付费办法付费，不在这次结算里" in run.manifest["notes"]
    assert sorted(paid) == [f"{code}-{n}" for code in ("H1", "H2") for n in range(3)]


def test_a_home_without_routes_pays_every_list(home: Home) -> None:
    run = settle_in_home(home, "2025-06", "city", draft=True)
    assert run.settlement.lines.num_rows == 6
    assert not any("选用表" in note for note in run.manifest["notes"])


def test_a_list_that_no_policy_pays_stops_the_month(home: Home) -> None:
    write_routes(home, "*,*,H1,*,*,settlement,2025-01-01,,city/2025,1,")
    with pytest.raises(PolicyError) as caught:
        settle_in_home(home, "2025-06", "city")
    assert caught.value.code == "policy.route"
    assert "3 例" in caught.value.message
    assert "机构 H2" in caught.value.findings[0].value
