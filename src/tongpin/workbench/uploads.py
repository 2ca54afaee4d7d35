"""Uploads 上传: files loaded into the home one after another in the background; every worker knows how far each is.

The state of an upload is a small file in `HOME/uploads`; the file itself, which names patients, is deleted once read.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tongpin.base.errors import StoreError, TongpinError
from tongpin.base.strict_yaml import load_strict_yaml
from tongpin.records.intake.kinds import known_kinds
from tongpin.records.intake.load import load_files
from tongpin.records.intake.only import Only

if TYPE_CHECKING:
    from collections.abc import Callable

    from tongpin.store.home import Home
    from tongpin.workbench.sign_in.identity import Identity

FOLDER = "uploads"
WAITING, RUNNING, DONE, REFUSED, BROKEN = "waiting", "running", "done", "refused", "broken"
STATE_LABELS = {WAITING: "排队", RUNNING: "正在装载", DONE: "完成", REFUSED: "没有装载", BROKEN: "中断"}
MOST_FINDINGS = 200
"""How many findings the answer carries; all stand in the list of findings."""
_BUSY_SECONDS = 600
_AGAIN_SECONDS = 0.5
_NUMBER = 8
_line = ThreadPoolExecutor(1, thread_name_prefix="upload")
"""One load at a time: the home has one writer."""


@dataclass
class Upload:
    """An upload: whose it is, how far it is, and what became of it (`report` as of `LoadReport`, or `error`)."""

    id: str
    file: str
    user: str
    hospital: str | None
    at: str
    state: str = WAITING
    step: str = ""
    done: int = 0
    total: int = 0
    process: int = 0
    report: dict[str, Any] = field(default_factory=dict)
    error: dict[str, Any] = field(default_factory=dict)


def allowed(asker: Identity) -> Only | None:
    """What an identity may bring: its desk's kinds and, within a scope, the rows of its own institutions."""
    listed = _kinds()[asker.role.desk]
    kinds = frozenset(known_kinds()) if listed == "all" else frozenset(listed)
    scope = asker.grant.scope
    return None if scope.is_whole and listed == "all" else Only(scope.hospitals or frozenset(), kinds)


def begin(home: Home, asker: Identity, name: str, put: Callable[[Path], None], kind: str | None = None) -> Upload:
    """Keep a file that `put` writes, and load it when its turn comes; the upload as it waits."""
    number = secrets.token_hex(_NUMBER)
    place = home.root / FOLDER / number
    place.mkdir(parents=True)
    place.chmod(0o700)
    path = place / _plain(name)
    try:
        put(path)
    except BaseException:
        shutil.rmtree(place, ignore_errors=True)
        raise
    moment = datetime.now(UTC).isoformat(timespec="seconds")
    upload = Upload(number, path.name, asker.name, asker.grant.hospital, moment, process=os.getpid())
    _keep(home, upload)
    _line.submit(_run, home, upload, path, kind, allowed(asker))
    return upload


def upload_of(home: Home, number: str, asker: Identity) -> Upload:
    """An upload of the asker or of its hospital; TongpinError `upload.unknown` otherwise."""
    found = _read(home.root / FOLDER / f"{number}.json") if number.isalnum() else None
    if found is None or not _is_seen(found, asker):
        raise TongpinError("upload.unknown", "没有这次上传", where=number, hint="看最近的上传")
    return found


def uploads_of(home: Home, asker: Identity, most: int) -> list[Upload]:
    """The latest uploads of the asker or of its hospital, newest first."""
    found = [_read(path) for path in (home.root / FOLDER).glob("*.json")]
    mine = [one for one in found if one is not None and _is_seen(one, asker)]
    return sorted(mine, key=lambda one: one.at, reverse=True)[:most]


def _is_seen(upload: Upload, asker: Identity) -> bool:
    return (
        upload.user == asker.name
        or asker.grant.scope.is_whole
        or (upload.hospital is not None and asker.grant.scope.sees_hospital(upload.hospital))
    )


def _run(home: Home, upload: Upload, path: Path, kind: str | None, only: Only | None) -> None:
    """Load the file; whatever happens stands in the state, and the file goes."""
    upload.state = RUNNING
    _keep(home, upload)

    def progress(step: str, done: int, total: int) -> None:
        upload.step, upload.done, upload.total = step, done, total
        _keep(home, upload)

    try:
        report = _patient(lambda: load_files(home, [path], kind, progress, only=only))
        upload.report = report.as_dict(MOST_FINDINGS)
        upload.state = DONE
    except TongpinError as error:
        upload.error = error.as_dict()
        upload.state = REFUSED
    except Exception as error:  # noqa: BLE001  # the thread must tell what happened, nobody else can
        upload.error = TongpinError("internal", f"程序出错：{type(error).__name__}", hint="请告诉信息科").as_dict()
        upload.state = BROKEN
    finally:
        shutil.rmtree(path.parent, ignore_errors=True)
        _keep(home, upload)


def _patient(load: Callable[[], Any]) -> Any:
    """Do what needs the home; while another process writes it, wait."""
    deadline = time.monotonic() + _BUSY_SECONDS
    while True:
        try:
            return load()
        except StoreError as error:
            if error.code != "home.busy" or time.monotonic() > deadline:
                raise
        time.sleep(_AGAIN_SECONDS)


def _keep(home: Home, upload: Upload) -> None:
    path = home.root / FOLDER / f"{upload.id}.json"
    fresh = path.with_suffix(".new")
    fresh.write_text(json.dumps(asdict(upload), ensure_ascii=False), encoding="utf-8")
    fresh.replace(path)


def _read(path: Path) -> Upload | None:
    """The state of an upload; one whose process is gone before it ended was cut off."""
    try:
        found = Upload(**json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None
    if found.state in {WAITING, RUNNING} and not _is_alive(found.process):
        found.state = BROKEN
        found.error = TongpinError("upload.broken", "服务在装载时停了，什么也没有存下", hint="再传一次").as_dict()
    return found


def _is_alive(process: int) -> bool:
    with contextlib.suppress(PermissionError):
        try:
            os.kill(process, 0)
        except ProcessLookupError:
            return False
    return True


def _plain(name: str) -> str:
    """The last part of a name that a browser sent, without what a path may not hold."""
    last = Path(name.replace("\\", "/")).name
    return "".join(sign for sign in last if sign.isprintable()).strip(". ")[:120] or "upload"


@cache
def _kinds() -> dict[str, Any]:
    path = files("tongpin") / "catalogue" / "workbench" / "uploads.yaml"
    found = dict(load_strict_yaml(path, "uploads"))
    for desk, listed in found.items():
        if listed != "all" and (unknown := sorted(set(listed) - set(known_kinds()))):
            raise TongpinError("workbench.uploads", f"没有文件种类 {unknown[0]}", where=f"{path.name}：{desk}")
    return found
