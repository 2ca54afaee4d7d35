"""The description of the API beside the pages is the app's own, and every route says what the pages need of it."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from tongpin.workbench.api.shapes import REFUSALS
from tongpin.workbench.app import ROUTERS, openapi_document, surface

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fastapi.dependencies.models import Dependant

COMMITTED = Path(__file__).parents[2] / "ui" / "openapi.json"


def test_the_committed_description_is_the_apps_own() -> None:
    assert COMMITTED.read_text(encoding="utf-8") == openapi_document(), "tongpin openapi --output ui/openapi.json"


def test_every_route_is_described_and_refuses_in_the_one_shape() -> None:
    for path, methods in surface().openapi()["paths"].items():
        for method, operation in methods.items():
            where = f"{method} {path}"
            assert operation["summary"], where
            assert operation["tags"], where
            assert {str(status) for status in REFUSALS} <= set(operation["responses"]), where
            for status in REFUSALS:
                shape = operation["responses"][str(status)]["content"]["application/json"]["schema"]
                assert shape == {"$ref": "#/components/schemas/ErrorShape"}, where


def test_every_route_but_the_door_needs_a_permission() -> None:
    """What is open to everybody is named here; a new route without a permission is found."""
    without = {
        f"{method} {route.path}"
        for name in ROUTERS
        for route in import_module(f"tongpin.workbench.api.{name}").router.routes
        for method in route.methods
        if not any(hasattr(one.call, "permission") for one in _all(route.dependant))
    }
    assert without == OPEN


def _all(dependant: Dependant) -> Iterator[Dependant]:
    for one in dependant.dependencies:
        yield one
        yield from _all(one)


OPEN = {
    "POST /session",
    "GET /session/ways",
    "GET /session/oidc",
    "GET /session/oidc/back",
    "DELETE /session",
    "PUT /session/role",
    "PUT /session/password",
    "GET /me",
    "GET /tables",
    "GET /tables/{name}",
    "POST /tables/{name}/rows",
}
"""The door; one's own session; lists, each of which has a permission of its own."""
