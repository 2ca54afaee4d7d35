"""Serving 运行: uvicorn on this host, one worker or several; the first start makes the first accounts."""

from __future__ import annotations

import gc
import os
from pathlib import Path
from typing import TYPE_CHECKING

import uvicorn

from tongpin.store.control import control_engine, upgrade
from tongpin.store.home import HOME_VARIABLE, Home
from tongpin.workbench.app import create_app
from tongpin.workbench.sign_in.first import first_accounts

if TYPE_CHECKING:
    from fastapi import FastAPI

    from tongpin.workbench.sign_in.first import Account


KEEP_ALIVE_SECONDS = 75
"""How long a connection without requests stays open: somebody reads a page before the next click."""


def prepare(home: Home) -> list[Account]:
    """Bring the control database up to date and make the first accounts; they are to be shown once."""
    home.root.mkdir(parents=True, exist_ok=True)
    engine = control_engine(home)
    upgrade(engine)
    return first_accounts(engine, home)


def serve(home: Home, host: str, port: int, workers: int) -> None:
    """Answer until stopped."""
    os.environ[HOME_VARIABLE] = str(home.root)
    uvicorn.run(
        "tongpin.workbench.serve:app_of_environment",
        factory=True,
        host=host,
        port=port,
        workers=workers,
        log_level="warning",
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
    )


def app_of_environment() -> FastAPI:
    """The app of the home that the environment names: what each worker starts."""
    app = create_app(Home.open(Path(os.environ[HOME_VARIABLE])))
    # What is loaded now stays: the collector need not look through it again, which would take longer than an answer.
    gc.collect()
    gc.freeze()
    return app
