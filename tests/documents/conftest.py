"""Both databases of the control database, as the tests of the store know them."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "store"))

from databases import engine, home, make_home

__all__ = ["engine", "home", "make_home"]
