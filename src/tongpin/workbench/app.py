"""The app 应用: the API under `/api/v1`, the built pages beside it, headers that keep a browser within this host."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI
from starlette.middleware.gzip import GZipMiddleware

from tongpin import __version__
from tongpin.store.control import control_engine, upgrade
from tongpin.workbench.api import errors
from tongpin.workbench.api.asking import Workbench
from tongpin.workbench.built import serve_pages
from tongpin.workbench.guard import Guard
from tongpin.workbench.live import Events

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tongpin.store.home import Home

PREFIX = "/api/v1"
ROUTERS = (
    "machines",
    "data",
    "session",
    "events",
    "cockpit",
    "alerts",
    "tables",
    "users",
    "documents",
    "statements",
    "clearing",
    "fund",
    "prepay",
    "ledger",
    "reviews",
    "cases",
    "files",
    "findings",
    "lists",
    "appeals",
    "journal",
    "measures",
    "guokao",
    "publication",
    "policies",
    "schemes",
    "catalogue",
    "evaluation",
    "causes",
    "portfolio",
    "forecast",
    "negotiation",
    "reports",
)
"""The modules of `workbench.api` with a `router`, in the order of the documentation and of the search."""
_LEAST_COMPRESSED, _EFFORT = 1_000, 1
"""Answers of so many bytes are compressed, fast: a page of rows loses nine tenths with the least effort."""


def create_app(home: Home) -> FastAPI:
    """The workbench of a home: control database brought up to date, API, pages."""
    engine = control_engine(home)
    upgrade(engine)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        engine.dispose()

    app = surface(lifespan)
    app.state.workbench = Workbench(home, engine, Events())
    return app


def surface(lifespan: Any = None) -> FastAPI:
    """The API and the pages without a home: what `openapi_document` describes."""
    app = FastAPI(
        title="同频工作台接口",
        version=__version__,
        summary="医保结算与绩效考核：病例、分组、支付、指标",
        lifespan=lifespan,
        openapi_url=f"{PREFIX}/openapi.json",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        generate_unique_id_function=lambda route: route.name,
    )
    errors.install(app)
    for name in ROUTERS:
        app.include_router(import_module(f"tongpin.workbench.api.{name}").router, prefix=PREFIX)
    serve_pages(app)
    app.add_middleware(GZipMiddleware, minimum_size=_LEAST_COMPRESSED, compresslevel=_EFFORT)
    app.add_middleware(Guard)
    return app


def openapi_document() -> str:
    """The description of the API as it is committed beside the pages: sorted, ending in a line break."""
    return json.dumps(surface().openapi(), ensure_ascii=False, indent=1, sort_keys=True) + "\n"
