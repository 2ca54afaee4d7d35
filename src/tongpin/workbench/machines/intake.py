"""Intake 收病例: lists and plain cases that a program sends, loaded as a file of theirs would be, within its scope."""

from __future__ import annotations

import csv
import json
import secrets
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from tongpin.base.errors import StoreError, TongpinError
from tongpin.records.intake.load import load_files
from tongpin.records.intake.read import read
from tongpin.workbench.sign_in.identity import DeniedError
from tongpin.workbench.sign_in.users import now

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tongpin.records.intake.load import LoadReport
    from tongpin.store.home import Home
    from tongpin.store.scope import Scope

Kind = Literal["settlement-list", "plain"]
_SHOWN = 5
_WAIT_SECONDS, _STEP_SECONDS = 20.0, 0.2
_one_at_a_time = threading.Lock()


def load_cases(home: Home, scope: Scope, kind: Kind, cases: Sequence[dict[str, Any]]) -> LoadReport:
    """Load cases; all of them, or none where one is of a hospital outside the scope (`cases.scope`).

    `settlement-list`: 4101 messages; `plain`: the plain layout, code lists as lists or joined by `|`. Errors also:
    those of `load_files`; `home.busy` when the home stays busy for long.
    """
    with tempfile.TemporaryDirectory(prefix="tongpin-api-") as folder:
        path = Path(folder) / f"api-{now():%Y%m%d-%H%M%S}-{secrets.token_hex(4)}.{'csv' if kind == 'plain' else 'json'}"
        _write(path, kind, cases)
        _check_scope(home, scope, path, kind)
        return _loaded(home, path, kind)


def _write(path: Path, kind: Kind, cases: Sequence[dict[str, Any]]) -> None:
    if kind != "plain":
        path.write_text(json.dumps(cases, ensure_ascii=False), encoding="utf-8")
        return
    names = list(dict.fromkeys(name for case in cases for name in case))
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(names)
        writer.writerows([_cell(case.get(name)) for name in names] for case in cases)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return "|".join(map(str, value)) if isinstance(value, list) else str(value)


def _check_scope(home: Home, scope: Scope, path: Path, kind: Kind) -> None:
    """Nothing, or DeniedError `cases.scope` when a case is of another hospital, or of none that it names."""
    if scope.hospitals is None:
        return
    codes = read(path, kind, key=home.patient_key()).keys["institution_code"].to_pylist()
    foreign = [number for number, code in enumerate(codes, start=1) if not code or not scope.sees_hospital(code)]
    if foreign:
        shown = "、".join(map(str, foreign[:_SHOWN]))
        message = f"有 {len(foreign)} 份不是本机构的，或没有写机构代码：第 {shown} 份{'等' * (len(foreign) > _SHOWN)}"
        raise DeniedError("cases.scope", message, where="cases", hint="整批没有装载；只送本机构的病例")


def _loaded(home: Home, path: Path, kind: Kind) -> LoadReport:
    """Loads follow one another; one that another process is doing is waited for."""
    deadline = time.monotonic() + _WAIT_SECONDS
    with _one_at_a_time:
        while True:
            try:
                return load_files(home, [path], kind)
            except StoreError as error:
                if error.code != "home.busy" or time.monotonic() > deadline:
                    raise
            time.sleep(_STEP_SECONDS)


def check_count(count: int, most: int) -> None:
    """TongpinError `request.cases` when a request holds more cases than one may."""
    if count > most:
        raise TongpinError("request.cases", f"一次最多 {most} 份，送了 {count} 份", where="cases", hint="分几次送")
