"""A month of a home in which two payment policies stand side by side: each list is paid by one, or the run refuses."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import pyarrow as pa
import pytest
from payment_cases import case

from tongpin.base.errors import PolicyError, StoreError
from tongpin.payment.month.closed import areas_of, closed_months, posted
from tongpin.payment.month.run import closed_run, posted_lines, settle_in_home
from tongpin.payment.policy.drafts import new_edition
from tongpin.payment.policy.routes import COLUMNS
from tongpin.records.case.schema import CASE_SCHEMA
from tongpin.records.intake.load import CASES, DECISIONS, INSTITUTIONS, KEYS
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


SIDE_BY_SIDE = (
    "*,*,*,*,*,settlement,2025-01-01,,city/2025,1,",
    "*,*,H2,*,*,settlement,2025-01-01,,province/2025,1,",
)


def penalise(home: Home, **more: str) -> None:
    row = {
        "institution_code": "H1",
        "kind": "penalty",
        "fund": "310",
        "month": "2025-06",
        "amount_fen": 10_000,
        "decided_date": date(2025, 6, 30),
        **more,
    }
    lake.upsert(home, DECISIONS, pa.Table.from_pylist([row], schema=layout_schema("decision")), KEYS[DECISIONS])


def test_two_areas_close_the_same_month_of_one_home(home: Home) -> None:
    write_routes(home, *SIDE_BY_SIDE)
    penalise(home, area="city")
    city, province = (settle_in_home(home, "2025-06", area) for area in ("city", "province"))
    assert areas_of(home) == ("city", "province")
    assert sum(city.settlement.statement["penalty_fen"].to_pylist()) == 10_000
    assert sum(province.settlement.statement["penalty_fen"].to_pylist()) == 0
    for area, run in (("city", city), ("province", province)):
        again = closed_run(home, "2025-06", area)
        assert again.was_closed
        assert again.settlement.digest == run.settlement.digest
        assert list(closed_months(home, area)) == ["2025-06"]
        assert posted(home, area).num_rows == 3
    assert {row["run"] for row in posted_lines(home, "H2-0").to_pylist()} == {"province/2025-06"}
    with pytest.raises(PolicyError, match="用 --area 指明统筹区"):
        closed_run(home, "2025-06")


def test_a_second_area_needs_routes(home: Home) -> None:
    settle_in_home(home, "2025-06", "city")
    with pytest.raises(PolicyError, match="没有选用表说明哪些清单归统筹区 province"):
        settle_in_home(home, "2025-06", "province")
    assert areas_of(home) == ("city",)


def test_a_deduction_without_area_is_not_taken_twice(home: Home) -> None:
    write_routes(home, *SIDE_BY_SIDE)
    penalise(home)
    with pytest.raises(PolicyError, match="没有写统筹区，例如机构 H1 2025-06"):
        settle_in_home(home, "2025-06", "city")


def test_an_area_without_closed_months_has_nothing_to_show(home: Home) -> None:
    with pytest.raises(StoreError, match="还没有月结"):
        closed_run(home, "2025-06", "city")
    settle_in_home(home, "2025-06", "city")
    with pytest.raises(PolicyError, match="统筹区 province 在这个工作目录没有关账的月份"):
        closed_run(home, "2025-06", "province")
