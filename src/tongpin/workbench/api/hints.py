"""Hints 怎么改: what a page says where a room's hint names a command of the terminal."""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files

from tongpin.base.strict_yaml import Strict, load_strict_yaml

_COMMAND = re.compile(r"tongpin [a-z]|(?<![\w-])--[a-z]")


class _Hints(Strict):
    fallback: str
    hints: dict[str, str]


@cache
def _catalogue() -> _Hints:
    path = files("tongpin") / "catalogue" / "workbench" / "hints.yaml"
    return _Hints.model_validate(load_strict_yaml(path, "workbench"))


def page_hint(code: str, hint: str) -> str:
    """The hint of a refusal for somebody who sits before a page.

    A hint that names no command stays as it is; one that does is replaced by the words of `hints.yaml` for its code,
    or handed on to those who have a terminal.
    """
    if not _COMMAND.search(hint):
        return hint
    found = _catalogue()
    return found.hints.get(code) or f"{found.fallback}{hint}"
