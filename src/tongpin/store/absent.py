"""Absent 未安装的模块: what Arrow would otherwise look for again at every value it is given."""

from __future__ import annotations

import importlib.util
import sys

LOOKED_FOR = "dateutil"
"""Arrow tries to import it whenever it makes a value of a Python object, and a search that fails is not remembered."""


def remember_absent() -> None:
    """Note once that the module is not installed; a search of every folder of the path takes longer than the value."""
    if importlib.util.find_spec(LOOKED_FOR) is None:
        sys.modules[LOOKED_FOR] = None  # type: ignore[assignment]
