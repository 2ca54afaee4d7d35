"""A small home for tests of the publication: five hospitals of one level, one of another, a closed quarter."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tongpin.bench.city_home import city_home, city_setting
from tongpin.payment.month.run import settle_in_home

if TYPE_CHECKING:
    from pathlib import Path

    from tongpin.store.home import Home

HOSPITALS = (24, 50, 51, 52, 53, 54)
SECOND = "H99010000025"
"""The hospital of the second level, alone in its class."""
LOWEST = ("H99010000051", "H99010000052", "H99010000053", "H99010000054", "H99010000055")
MONTHS = ("2025-04", "2025-05", "2025-06")
QUARTER = "2025Q2"


def make_home(root: Path) -> Home:
    """The home, its quarter closed; of the year before June holds cases that nothing closed."""
    months = [month for month in city_setting().months if str(month) in {*MONTHS, "2024-06"}]
    home = city_home(root / "home", months, HOSPITALS, pages=True)
    for month in MONTHS:
        settle_in_home(home, month)
    (home.root / "patient.key").write_text("0f" * 32, encoding="utf-8")
    return home
