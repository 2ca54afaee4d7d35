"""A module that is not installed is looked for once, not at every value."""

from __future__ import annotations

import importlib.util
import sys
from types import ModuleType

import pytest

from tongpin.store import absent


def test_a_missing_module_is_noted_and_cannot_be_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(absent, "LOOKED_FOR", "no_such_module_here")
    monkeypatch.setitem(sys.modules, "no_such_module_here", ModuleType("kept"))
    monkeypatch.delitem(sys.modules, "no_such_module_here")
    absent.remember_absent()
    assert sys.modules["no_such_module_here"] is None
    assert importlib.util.find_spec("no_such_module_here") is None


def test_a_module_that_is_there_stays_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(absent, "LOOKED_FOR", "json")
    before = sys.modules["json"]
    absent.remember_absent()
    assert sys.modules["json"] is before
