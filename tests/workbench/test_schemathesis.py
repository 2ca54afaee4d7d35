"""Requests that nobody thought of, made from the description of the API: no fault, no answer it does not describe."""

from __future__ import annotations

import shutil
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import hypothesis
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import response_schema_conformance, status_code_conformance
from tests.workbench.conftest import permissions_of_operations

from tongpin.store.home import Home
from tongpin.workbench.app import create_app
from tongpin.workbench.sign_in.roles import roles

if TYPE_CHECKING:
    from collections.abc import Callable

    from .conftest import City, Client

EXAMPLES = 4
"""Requests an operation."""
LEAVES = frozenset({"sign_out", "act_as", "change_password", "end_sessions", "disable_user", "reset_password"})
"""What would end the session that asks, or another that is needed."""
FIRST = ("bureau_handler", "insurance_office", "bureau_it")
"""Who asks, where they may."""
STREAMS = frozenset({"events"})


@pytest.fixture(scope="module")
def city(city: City, tmp_path_factory: pytest.TempPathFactory) -> City:
    """A copy of the city: the requests do whatever they may."""
    root = tmp_path_factory.mktemp("fuzz") / "home"
    city.app.state.workbench.engine.dispose()
    shutil.copytree(city.home.root, root)
    home = Home.open(root)
    return replace(city, home=home, app=create_app(home))


def test_no_request_of_the_description_meets_a_fault(city: City, client: Callable[[str], Client]) -> None:
    schema = schemathesis.openapi.from_asgi("/api/v1/openapi.json", city.app)
    clients: dict[str, Client] = {}
    asked = set()
    faults: list[str] = []
    for result in schema.get_all_operations():
        operation = result.ok()
        name = operation.definition.raw["operationId"]
        if name in LEAVES:
            continue
        role = _asker(name)
        if role not in clients:
            clients[role] = client(role)
        asked.add(name)
        faults += _faults(operation, clients[role], once=name in STREAMS)
    assert len(asked) > 60
    assert not faults, "\n\n".join(faults)


def _faults(operation: Any, session: Client, *, once: bool) -> list[str]:
    """What is wrong with the answers to some requests of an operation."""
    found: list[str] = []

    @hypothesis.settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @hypothesis.given(case=operation.as_strategy())
    def ask(case: Any) -> None:
        if once:
            case.query = {"once": True}
        headers = {"X-CSRF-Token": session.headers["X-CSRF-Token"]}
        cookies = {cookie.name: str(cookie.value) for cookie in session.cookies.jar}
        answer = case.call(headers=headers, cookies=cookies)
        for check in (not_a_server_error, status_code_conformance, response_schema_conformance):
            try:
                case.validate_response(answer, checks=[check])
            except (AssertionError, BaseExceptionGroup) as error:
                said = error.exceptions[0] if isinstance(error, BaseExceptionGroup) else error
                told = " ".join(f"{said}".split())[:300]
                found.append(
                    f"{operation.label} {answer.status_code} {case.path_parameters} {case.query}: {told}"[:700]
                )

    ask()
    return found[:2]


def _asker(operation: str) -> str:
    """A role that has the permissions of an operation."""
    needed = permissions_of_operations().get(operation, set())
    order = (*FIRST, *sorted(roles()))
    return next((name for name in order if needed <= set(roles()[name].permissions)), FIRST[0])
