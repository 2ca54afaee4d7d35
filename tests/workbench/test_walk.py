"""Every role over every route: no fault, one shape of refusals, and nothing of another hospital is ever answered.

The arguments are made from the description of the API: what is known by name (a month, a case, a hospital) is one of
the role's own and one of another hospital, the rest by its type. A new route is walked without a word here.
"""

from __future__ import annotations

import io
import json
import re
import shutil
import time
import zipfile
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pyarrow.compute as pc
import pytest
from tests.workbench.conftest import permissions_of_operations

from tongpin.payment.month.closed import posted_anywhere
from tongpin.records.intake.load import CASES, INSTITUTIONS, read_loaded
from tongpin.store import journal
from tongpin.store.home import Home
from tongpin.workbench.app import create_app
from tongpin.workbench.listings.catalogue import listings
from tongpin.workbench.listings.people import acts
from tongpin.workbench.sign_in.roles import roles
from tongpin.workbench.sign_in.users import grants_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tongpin.store.scope import Scope

    from .conftest import City

NO_USER = 999_999
SLOW = frozenset({"export"})
"""Acts of tables that the rows of the same table have shown already."""
REPEATS = frozenset({"group_cases"})
"""Acts that read nothing of the home and give back what they were sent."""
LONG, QUOTE = 8, '"'
LONG_SECONDS = 0.3
LEAVES = frozenset({"sign_out", "change_password"})
"""Acts that end the walk of a role."""


@dataclass
class Walker:
    """A role on its way: its client, whose rows it may see, what it must never see."""

    role: str
    client: Any
    scope: Scope
    own: dict[str, str]
    foreign: dict[str, str]
    forbidden: frozenset[str]


@pytest.fixture(scope="module")
def city(city: City, tmp_path_factory: pytest.TempPathFactory) -> City:
    """A copy of the city: the walk does whatever a role may do."""
    root = tmp_path_factory.mktemp("walk") / "home"
    city.app.state.workbench.engine.dispose()
    shutil.copytree(city.home.root, root)
    home = Home.open(root)
    return replace(city, home=home, app=create_app(home))


@pytest.fixture(scope="module")
def document(city: City) -> dict[str, Any]:
    """The description of the API."""
    found: dict[str, Any] = city.app.openapi()
    return found


@pytest.fixture(scope="module")
def marks(city: City) -> list[dict[str, Any]]:
    """Every case of the city with its hospital, department and doctor."""
    columns = ["case_id", "institution_code", "dept", "doctor_code"]
    rows: list[dict[str, Any]] = read_loaded(city.home, CASES, columns).to_pylist()
    assert posted_anywhere(city.home).num_rows
    return rows


def walker(city: City, client: Any, marks: list[dict[str, Any]], role: str) -> Walker:
    with city.app.state.workbench.engine.connect() as connection:
        number = connection.exec_driver_sql(f"SELECT id FROM users WHERE name = '{role}'").scalar_one()
        scope = grants_of(connection, number)[0].scope
    seen = [row for row in marks if _sees(scope, row)]
    hidden = [row for row in marks if not _sees(scope, row)]
    known = {"month": city.month, "area": city.area, "year": city.month[:4]}
    own = known | _names(seen or marks)
    foreign = known | _names(hidden or marks)
    return Walker(role, client(role), scope, own, foreign, _forbidden(city, scope, seen, hidden))


def _sees(scope: Scope, row: dict[str, Any]) -> bool:
    wanted = (
        (scope.hospitals, "institution_code"),
        (scope.departments, "dept"),
        (scope.doctors, "doctor_code"),
        (scope.cases, "case_id"),
    )
    return all(values is None or row[name] in values for values, name in wanted)


def _names(rows: list[dict[str, Any]]) -> dict[str, str]:
    one = rows[0]
    return {
        "case_id": one["case_id"],
        "setl_id": one["case_id"],
        "institution_code": one["institution_code"],
        "institution": one["institution_code"],
        "hospital": one["institution_code"],
        "dept": one["dept"],
        "department": one["dept"],
        "doctor": one["doctor_code"],
        "doctor_code": one["doctor_code"],
    }


def _forbidden(city: City, scope: Scope, seen: list[dict[str, Any]], hidden: list[dict[str, Any]]) -> frozenset[str]:
    """The cases of others, and for whoever is of one hospital the names and doctors of the others."""
    found = {row["case_id"] for row in hidden} - {row["case_id"] for row in seen}
    if scope.hospitals is not None:
        found |= {row["doctor_code"] for row in hidden if row["doctor_code"]} - {row["doctor_code"] for row in seen}
        register = read_loaded(city.home, INSTITUTIONS, ["institution_code", "institution_name"])
        others = register.filter(pc.invert(pc.is_in(register["institution_code"], value_set=_array(scope.hospitals))))
        found |= {name for column in ("institution_code", "institution_name") for name in others[column].to_pylist()}
    return frozenset(found)


def _array(values: Any) -> Any:
    import pyarrow as pa

    return pa.array(sorted(values))


# -- arguments -------------------------------------------------------------------------------------------------------


@dataclass
class Maker:
    """Arguments by a schema: what is known by name first, else the least that its type allows."""

    document: dict[str, Any]
    known: dict[str, str]

    def resolve(self, schema: dict[str, Any]) -> dict[str, Any]:
        while "$ref" in schema:
            schema = self.document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[-1]]
        for word in ("anyOf", "oneOf", "allOf"):
            if word in schema:
                options = [one for one in schema[word] if one.get("type") != "null"]
                return self.resolve(options[0]) if options else {}
        return schema

    def value(self, name: str, schema: dict[str, Any]) -> Any:
        found = self.resolve(schema)
        if "const" in found:
            return found["const"]
        if "enum" in found:
            return found["enum"][0]
        kind = found.get("type")
        if kind in {"string", None} and name in self.known and self._fits(found, self.known[name]):
            return self.known[name]
        if kind == "string":
            return self._text(name, found)
        if kind in {"integer", "number"}:
            return self._number(name, found)
        if kind == "boolean":
            return True
        if kind == "array":
            least = max(1, found.get("minItems", 0))
            items = {"dx": "I10.x00x002", "months": self.known["month"], "month": self.known["month"]}
            return [items.get(name) or self.value(name.removesuffix("s"), found.get("items", {}))] * least
        if kind == "object":
            needed = found.get("required", ())
            parts = found.get("properties", {})
            wanted = [part for part in parts if part in needed or part in self.known or part == "parameters"]
            return {part: self.value(part, parts[part]) for part in wanted}
        return self.known.get(name, "x")

    @staticmethod
    def _fits(schema: dict[str, Any], text: str) -> bool:
        return bool(re.search(schema.get("pattern", ""), text)) and len(text) <= schema.get("maxLength", 1_000)

    def _number(self, name: str, schema: dict[str, Any]) -> int:
        least = int(schema.get("minimum", schema.get("exclusiveMinimum", 0)))
        if name == "year":
            return int(self.known["year"])
        return NO_USER if name in {"user_id", "grant_id", "grant"} else max(1, least)

    def _text(self, name: str, schema: dict[str, Any]) -> str:
        day = f"{self.known['month']}-15"
        by_format = {"date": day, "date-time": f"{day}T08:00:00", "binary": "x"}
        candidates = (
            *([by_format[schema["format"]]] if schema.get("format") in by_format else []),
            *(self.known["month"], self.known["year"], day, "x", "demo-drg", "0" * 64, "A", "a.b", "2025"),
        )
        if name == "scheme":
            return "demo-drg"
        least = schema.get("minLength", 0)
        return next((one for one in candidates if self._fits(schema, one) and len(one) >= least), "x" * max(least, 1))


@dataclass
class Call:
    """A request: its route, how, where, and what it carries."""

    operation: str
    method: str
    path: str
    query: dict[str, Any]
    body: Any
    files: Any
    sent: frozenset[str]


def calls(document: dict[str, Any], walker: Walker) -> Iterator[Call]:
    """Every operation with arguments of one's own, and where it takes something by name with another's."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            seen = set()
            for known in (walker.own, walker.foreign):
                for call in _calls(document, path, method, operation, known):
                    mark = json.dumps([call.path, call.query, call.body], sort_keys=True, default=str)
                    if mark not in seen:
                        seen.add(mark)
                        yield call


def _calls(
    document: dict[str, Any], path: str, method: str, operation: dict[str, Any], known: dict[str, str]
) -> Iterator[Call]:
    maker = Maker(document, known)
    parameters = operation.get("parameters", [])
    query = {
        one["name"]: maker.value(one["name"], one["schema"])
        for one in parameters
        if one["in"] == "query"
        and (one.get("required") or one["name"] in {*known, "once"})
        and one["name"] not in {"offset", "limit"}
    }
    tables = sorted(listings()) if "/tables/{name}" in path and not SLOW & set(path.split("/")) else [None]
    content = operation.get("requestBody", {}).get("content", {})
    for table in tables:
        values = {one["name"]: maker.value(one["name"], one["schema"]) for one in parameters if one["in"] == "path"}
        body = maker.value("", content["application/json"]["schema"]) if "application/json" in content else None
        if table is not None:
            values["name"] = table
            body = _asked(table, known) if body is not None else None
        elif "name" in values and "/tables/" in path:
            values["name"] = "cases"
            body = _asked("cases", known)
        files = None
        if "multipart/form-data" in content:
            files = {"file": ("x.csv", b"case_id,dx\n1,I10.x00\n", "text/csv")}
        filled = re.sub(r"\{(\w+)(:\w+)?\}", lambda found, values=values: str(values[found.group(1)]), path)
        sent = frozenset(known.values())
        yield Call(operation["operationId"], method, filled, query, body, files, sent)


def _asked(table: str, known: dict[str, str]) -> dict[str, Any]:
    """The rows of a table with what it asks for, as many as it gives."""
    given = {
        one.id: known.get(one.id) or (next(iter(one.choices)) if one.choices else known["month"])
        for one in listings()[table].parameters
        if one.required or one.id in known
    }
    return {"parameters": given, "limit": 10_000}


def _stands(code: str, text: str) -> bool:
    """Whether a code stands in a text, a short one as a value of its own: four digits are in every amount."""
    if len(code) >= LONG:
        return code in text
    return any(f"{mark}{code}{mark if mark == QUOTE else '<'}" in text for mark in (QUOTE, ">"))


# -- the walk --------------------------------------------------------------------------------------------------------


def text_of(answer: Any) -> str:
    """What an answer says, also in the parts of a workbook or a letter."""
    if answer.content[:2] != b"PK":
        return str(answer.text)
    with zipfile.ZipFile(io.BytesIO(answer.content)) as parts:
        return "\n".join(parts.read(name).decode("utf-8", "replace") for name in parts.namelist())


def faults(call: Call, answer: Any, walker: Walker, document: dict[str, Any]) -> Iterator[str]:
    """What is wrong with an answer."""
    where = f"{walker.role} {call.method.upper()} {call.path} {call.query} {json.dumps(call.body, default=str)[:200]}"
    if answer.status_code >= 500:
        yield f"{where}: {answer.status_code} {answer.text[:200]}"
        return
    text = text_of(answer)
    if answer.status_code >= 400:
        said = answer.json()
        if said.keys() != {"ok", "status", "code", "message", "hint", "path", "errors"} or said["ok"]:
            yield f"{where}: not the one shape: {answer.text[:200]}"
    # A refusal may repeat what was asked for, and so does what keeps nothing; other answers may not.
    repeats = answer.status_code >= 400 or call.operation in REPEATS
    shown = sorted(one for one in walker.forbidden - (call.sent if repeats else frozenset()) if _stands(one, text))
    if shown:
        yield f"{where}: {answer.status_code} shows {shown[:5]} ({len(shown)}) in {text[:300]}"


def _is_refused(answer: Any) -> bool:
    """Whether a permission was missed: 403; or 422 where the request was not even one."""
    if answer.status_code == 403:
        return answer.json()["code"] in {"sign_in.denied", "sign_in.person"}
    return answer.status_code == 422 and answer.json()["code"] == "request.invalid"


@pytest.fixture(scope="module")
def slow() -> set[str]:
    """What took long for a role: another role that sees the same rows need not wait for it again."""
    return set()


@pytest.mark.parametrize("role", sorted(roles()))
def test_a_role_over_every_route(
    role: str, city: City, client: Any, document: dict[str, Any], marks: list[dict[str, Any]], slow: set[str]
) -> None:
    walking = walker(city, client, marks, role)
    found: list[str] = []
    count = 0
    for call in calls(document, walking):
        if call.operation in LEAVES:
            continue
        count += 1
        sight = f"{walking.scope} {roles()[role].sees_money} {call}"
        if sight in slow and permissions_of_operations()[call.operation] <= set(roles()[role].permissions):
            continue
        start = time.monotonic()
        answer = walking.client.request(
            call.method.upper(), call.path, params=call.query, json=call.body, files=call.files, follow_redirects=False
        )
        if time.monotonic() - start > LONG_SECONDS:
            slow.add(sight)
        found += faults(call, answer, walking, document)
        if permissions_of_operations()[call.operation] - set(roles()[role].permissions) and not _is_refused(answer):
            found.append(f"{role} {call.path}: lacks a permission, and got {answer.status_code} {answer.text[:200]}")
    assert count >= sum(len(methods) for methods in document["paths"].values()) - len(LEAVES)
    assert walking.client.get("/api/v1/me").status_code == 200, "still signed in"
    assert not found, "\n".join(found)


def test_the_walk_would_see_a_leak(
    city: City, client: Any, document: dict[str, Any], marks: list[dict[str, Any]]
) -> None:
    """The region's own desk shows what a hospital's must not: the search for it finds it there."""
    walking = walker(city, client, marks, "director")
    bureau = client("bureau_handler")
    call = next(one for one in calls(document, walking) if one.path.endswith("/tables/cases/rows"))
    answer = bureau.post(call.path, json=call.body)
    assert any("shows" in one for one in faults(call, answer, walking, document))
    assert len(walking.forbidden) > 100


def test_every_act_that_the_walk_left_in_the_journal_has_a_word(city: City) -> None:
    """People read the journal: a new act needs its line in catalogue/workbench/acts.yaml."""
    with city.app.state.workbench.engine.connect() as connection:
        done = {one.act for one in journal.entries(connection)}
    assert done <= set(acts()), done - set(acts())
    assert journal.verify(city.app.state.workbench.engine).is_whole
