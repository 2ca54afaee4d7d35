"""Both databases of the control database, for the tests of this folder."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from databases import engine, home, make_home

__all__ = ["engine", "home", "make_home"]
