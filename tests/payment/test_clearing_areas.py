"""Two areas of one home, one by groups and one by scores: months closed, years cleared, every case paid once."""

from __future__ import annotations

import shutil
from datetime import date, datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest
import yaml
from dip_cases import stay, usual
from payment_cases import fen
from test_run_dip import keep

from tongpin.base.errors import PolicyError, StoreError
from tongpin.payment.dip.library import own_folder
from tongpin.payment.month.closed import posted, statements
from tongpin.payment.month.run import settle_in_home
from tongpin.payment.policy.library import policy_folders
from tongpin.payment.policy.vocabulary import KNOWN
from tongpin.payment.year.letter import place_lines
from tongpin.payment.year.run import PLACES, clear_in_home, cleared, clearing_runs, reverse_in_home
from tongpin.records.intake.load import INSTITUTIONS, KEYS
from tongpin.records.readers.own_layouts import layout_schema
from tongpin.store import lake
from tongpin.store.home import Home

EAST, SCORES = "east-city", "dip-city"
AREAS = (EAST, SCORES)
MONTHS = [f"2025-{month:02d}" for month in range(1, 13)]
FINAL_BUDGET = fen(70_000)
RECOMPUTED: dict[str, Any] = {
    "clearing.rate": "recompute",
    "clearing.budget_covers": "points",
    "dip.institution.at_clearing": "posted",
    "dip.final_budget_base": "total",
    "dip.final_budget": FINAL_BUDGET,
}
ROUTES = """insured_region,treatment_region,institution_code,insurance,care_type,date_by,from,until,edition,assumed,note
*,*,*,310,*,settlement,2025-01-01,,east-city/2025,0,职工按病组
*,*,*,390,*,settlement,2025-01-01,,dip-city/2025,0,居民按分值
"""


def own_edition(home: Home, source: str, name: str, values: dict[str, Any]) -> None:
    """A shipped edition under another name in the home, with values of its own and no 13th period."""
    folder = home.policies / name
    shutil.copytree(policy_folders(home)[source], folder)
    data = yaml.safe_load((folder / "policy.yaml").read_text(encoding="utf-8")) | {"id": name}
    for key, value in ({"calendar.thirteenth_period": False} | values).items():
        unit, label = KNOWN[key].unit, KNOWN[key].label
        told = {"label": label, "unit": unit, "values": {date(2024, 1, 1): value}, "assumed": True}
        data["parameters"][key] = told
    (folder / "policy.yaml").write_text(yaml.safe_dump(data, allow_unicode=True), encoding="utf-8")


def lists() -> list[dict[str, Any]]:
    """A pneumonia paid by its group and an angina paid by its scores in every month."""
    rows = []
    for number, month in enumerate(MONTHS):
        day = date(2025, number + 1, 15)
        times = {"settlement_date": day, "discharge_time": datetime(2025, number + 1, 15)}  # noqa: DTZ001
        rows.append(stay(100 + number, "J18.900", (), 9_000, 2025, **times, insurance="310"))
        rows.append(stay(200 + number, "I20.000", (), 6_000 + 10 * int(month[5:]), 2025, **times, insurance="390"))
    return rows


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    home = Home.open(tmp_path_factory.mktemp("areas") / "home")
    row = {
        "institution_code": "H3",
        "institution_name": "第三医院",
        "settlement_level": "三级",
        "valid_from": date(2020, 1, 1),
    }
    table = pa.Table.from_pylist([row], schema=layout_schema("institution"))
    lake.upsert(home, INSTITUTIONS, table, KEYS[INSTITUTIONS])
    keep(home, *lists())
    usual().catalogue.write(own_folder(home, "demo-dip"))
    own_edition(home, "demo-east/2025", f"{EAST}/2025", {})
    own_edition(home, "dip-national/2025", f"{SCORES}/2025", RECOMPUTED)
    (home.policies / "routes.csv").write_text(ROUTES, encoding="utf-8")
    for month in MONTHS:
        for area in AREAS:
            settle_in_home(home, month, area)
    return home


def test_every_list_is_posted_once_and_by_the_method_of_its_area(home: Home) -> None:
    both = [posted(home, area) for area in AREAS]
    ids = [name for lines in both for name in lines["case_id"].to_pylist()]
    assert sorted(ids) == sorted(row["case_id"] for row in lists())
    assert [set(lines["insurance"].to_pylist()) for lines in both] == [{"310"}, {"390"}]


def test_each_area_is_cleared_by_itself_and_every_case_is_paid_once(home: Home) -> None:
    with pytest.raises(PolicyError, match=r"settle\.area"):
        clear_in_home(home, 2025)
    runs = {area: clear_in_home(home, 2025, area) for area in AREAS}
    assert {area: run.manifest["run"] for area, run in runs.items()} == {area: f"{area}/2025-1" for area in AREAS}
    assert [run.manifest["method"] for run in runs.values()] == ["drg", "dip"]
    assert sum(pc.sum(run.clearing.places["cases"]).as_py() for run in runs.values()) == len(lists())
    for area, run in runs.items():
        (place,) = run.clearing.places.to_pylist()
        assert place["posted_fen"] == pc.sum(posted(home, area)["pool_payable_fen"]).as_py()
        assert place["cash_fen"] == pc.sum(statements(home, area)["cash_transfer_fen"]).as_py()
        assert place["balance_fen"] == place["due_fen"] - place["transferred_fen"]
        assert [one["run"] for one in clearing_runs(home, area)] == [f"{area}/2025-1"]
        assert cleared(home, 2025, area).clearing.digest == run.clearing.digest
    kept = lake.read(home, PLACES, ["run", "due_fen"])
    whole = sum(pc.sum(run.clearing.places["due_fen"]).as_py() for run in runs.values())
    assert pc.sum(kept["due_fen"]).as_py() == whole


def test_the_scores_of_the_year_spend_their_final_budget(home: Home) -> None:
    clearing = clear_in_home(home, 2025, SCORES).clearing
    (rate,) = clearing.rates.to_pylist()
    assert (rate["budget_fen"], rate["paid_fen"], rate["residue_fen"]) == (FINAL_BUDGET, FINAL_BUDGET, 0)
    (place,) = clearing.places.to_pylist()
    patient = pc.sum(posted(home, SCORES)["patient_fen"]).as_py()
    on_cases = place["posted_fen"] + place["decided_fen"] + place["capped_fen"] + place["rated_fen"]
    assert on_cases == FINAL_BUDGET - patient


def test_the_letter_of_an_area_speaks_its_method(home: Home) -> None:
    told = []
    for area in AREAS:
        run = clear_in_home(home, 2025, area)
        told.append(place_lines(run.clearing.places.to_pylist()[0], run.manifest)[0])
    assert "其中按病组付费 12 份" in told[0]
    assert "其中按病种付费 12 份" in told[1]


def test_a_reversal_touches_its_own_area_only(home: Home) -> None:
    for area in AREAS:
        clear_in_home(home, 2025, area)
    reverse_in_home(home, 2025, "重算", SCORES)
    with pytest.raises(StoreError, match=r"clear\.open"):
        cleared(home, 2025, SCORES)
    assert cleared(home, 2025, EAST).was_closed
    assert clear_in_home(home, 2025, SCORES).manifest["run"] == f"{SCORES}/2025-2"


def test_the_letters_of_two_areas_stand_beside_each_other(home: Home) -> None:
    from tongpin.cli import clearing_commands

    for area in AREAS:
        clearing_commands.clear(home.root, 2025, area, draft=False)
    names = {path.name.split("-2025")[0] for path in home.reports.glob("年度清算书-*.pdf")}
    assert names == {f"年度清算书-{area}" for area in AREAS}
