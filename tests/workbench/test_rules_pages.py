"""付费办法、分组方案、目录、绩效评价: what the pages show is what the rooms say."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from tongpin.documents.duties import open_duties
from tongpin.grouping.library import open_scheme
from tongpin.grouping.scheme import Scheme
from tongpin.measures.guokao.catalogue import load_set
from tongpin.payment.policy.difference import differences
from tongpin.payment.policy.drafts import new_edition
from tongpin.payment.policy.library import policy_folders, policy_named
from tongpin.store.home import Home
from tongpin.workbench.assess.entries import KINDS, entries
from tongpin.workbench.assess.own_files import own_files
from tongpin.workbench.sign_in.roles import roles

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from .conftest import City, Client

MOST_MILLISECONDS = 50
"""Loose beside other tests on the same processors; `tongpin bench web` measures on an idle server."""


def test_editions_are_listed_and_told(client: Callable[[str], Client], city: City) -> None:
    one = client("bureau_reviewer")
    listed = one.get("/api/v1/policies").json()
    assert [each["id"] for each in listed] == list(policy_folders(city.home))
    shown = one.get("/api/v1/policies/demo-east/2025").json()
    policy = policy_named(city.home, "demo-east/2025")
    keys = {line["key"] for family in shown["families"] for line in family["lines"]}
    assert keys == set(policy.edition.parameters)
    assumed = {line["key"] for family in shown["families"] for line in family["lines"] if line["is_assumed"]}
    assert assumed == {key for key, each in policy.edition.parameters.items() if each.assumed}
    assert one.get("/api/v1/policies/nowhere/2025").json()["code"] == "policy.unknown"


def test_two_editions_differ_where_their_values_do(client: Callable[[str], Client], tmp_path: Path, city: City) -> None:
    home = Home.open(tmp_path)
    draft = new_edition(home, "my-city/2026", "demo-east/2025")
    before = policy_named(home, "demo-east/2025")
    assert differences(before, draft) == ()
    file = home.policies / "my-city" / "2026" / "policy.yaml"
    key = "calendar.month_cutoff_day"
    value = next(iter(before.edition.parameters[key].values.values()))
    head, _, tail = file.read_text(encoding="utf-8").partition(f"{key}:")
    file.write_text(f"{head}{key}:{tail.replace(f': {value}', f': {value + 1}', 1)}", encoding="utf-8")
    changed = differences(before, policy_named(home, "my-city/2026"))
    assert [(each.kind, each.key) for each in changed] == [("changed", key)]
    assert changed[0].after[0].words == f"{value + 1} 日"

    query = {"before": "demo-east/2025", "after": "qingyang/2025"}
    shown = client("director").get("/api/v1/policies/compare", params=query).json()
    expected = differences(policy_named(city.home, query["before"]), policy_named(city.home, query["after"]))
    assert [each["key"] for each in shown["differences"]] == [each.key for each in expected]
    assert sum(shown["counts"].values()) == len(expected)


def test_a_role_without_the_permission_is_refused(client: Callable[[str], Client]) -> None:
    one = client("doctor")
    for path in ("policies", "schemes", "evaluation?area=demo-east&months=2025-06"):
        assert one.get(f"/api/v1/{path}").status_code == 403
    assert one.post("/api/v1/schemes/demo-drg/try", json={"dx": ["I63.900"]}).status_code == 403
    assert one.get("/api/v1/catalogue").status_code == 200


def test_groups_and_rules_of_a_scheme(client: Callable[[str], Client], city: City) -> None:
    one = client("records_room")
    tables = open_scheme(city.home, "demo-drg")
    listed = one.rows("scheme_groups", parameters={"scheme": "demo-drg"}, limit=1_000)
    assert [row["drg"] for row in listed["rows"]] == tables.drg_codes[: len(listed["rows"])]
    assert listed["total"] == len(tables.drg_codes)
    shown = one.get("/api/v1/schemes/demo-drg/groups/BR25D").json()
    (rule,) = shown["rules"]
    assert (rule["mdc"], rule["adrg"]) == ("MDCB", "BR2")
    stroke = next(each for each in rule["lists"] if "BR2.dx" in each["name"])
    assert stroke["count"] == len(tables.dx_lists["BR2.dx"])
    assert one.get("/api/v1/schemes/demo-drg/groups/ZZ99D").status_code == 404
    same = one.get("/api/v1/schemes/compare", params={"before": "demo-drg", "after": "demo-drg"}).json()
    assert same["same"]
    assert one.get("/api/v1/schemes/compare", params={"before": "demo-drg", "after": "x"}).status_code == 404


def test_a_case_is_tried_by_its_codes(client: Callable[[str], Client], city: City) -> None:
    one = client("insurance_office")
    body: dict[str, Any] = {"dx": ["I63.900"], "sex": 1, "age": 60}
    shown = one.post("/api/v1/schemes/demo-drg/try", json=body | {"explain": True}).json()
    expected = Scheme.load("demo-drg", home=city.home).group_one(body)
    assert (shown["drg"], shown["status"]) == (expected.drg, expected.status)
    assert shown["lines"][0].startswith("分组成功：BR25D")
    assert one.post("/api/v1/schemes/demo-drg/try", json={"dx": []}).status_code == 422
    times = []
    for _ in range(50):
        begun = time.perf_counter()
        assert one.post("/api/v1/schemes/demo-drg/try", json=body).status_code == 200
        times.append((time.perf_counter() - begun) * 1_000)
    assert sorted(times)[len(times) // 2] < MOST_MILLISECONDS


def test_the_catalogue_holds_every_rule_once(client: Callable[[str], Client], city: City) -> None:
    one = client("doctor")
    found = entries(city.home)
    assert len({(each.kind, each.id) for each in found}) == len(found)
    assert {each.kind for each in found} == set(KINDS)
    listed = one.rows("catalogue", parameters={"kind": "guokao"}, limit=1_000)
    assert listed["total"] == len(load_set("tertiary")) + len(load_set("secondary"))
    searched = one.rows("catalogue", filters=[{"column": "text", "op": "contains", "value": "药占比"}])
    assert 0 < searched["total"] < len(found)
    entry = one.get("/api/v1/catalogue/entries/red_line/drug_share").json()
    assert "25 %" in entry["words"]
    assert one.get("/api/v1/catalogue/entries/red_line/none").status_code == 404
    matrix = one.get("/api/v1/catalogue/roles").json()
    assert {each["id"]: each["permissions"] for each in matrix["roles"]} == {
        name: list(each.permissions) for name, each in roles().items()
    }
    pairs = [each for each in found if each.kind == "duty" and each.id.startswith("DUTY")]
    assert len(pairs) == len(open_duties(city.home).incompatible)


def test_what_a_home_says_otherwise_is_told(tmp_path: Path) -> None:
    home = Home.open(tmp_path)
    assert own_files(home) == []
    folder = home.root / "guokao"
    folder.mkdir()
    (folder / "grades.csv").write_text("grade,top_percent\nA,20\nB,100\n", encoding="utf-8")
    (home.root / "workbench.yaml").write_text("table.page: 50\n", encoding="utf-8")
    grades, settings = own_files(home)
    assert ("B top_percent", "70", "100") in [tuple(each) for each in grades.differences]
    assert ("A++ top_percent", "1", "—") in [tuple(each) for each in grades.differences]
    assert settings.only_written
    assert [each.own for each in settings.differences] == ["50"]


@pytest.mark.parametrize("months", ["2025-13", "whenever", "2020-01..2025-06"])
def test_months_that_are_none_are_refused(client: Callable[[str], Client], months: str) -> None:
    answer = client("director").get("/api/v1/evaluation", params={"area": "demo-east", "months": months})
    assert (answer.status_code, answer.json()["code"]) == (422, "evaluation.months")
