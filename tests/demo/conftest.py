"""A drawn June of the whole city, in memory, and its smallest files, shared by the tests of the demonstration city."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest
import yaml

from tongpin.demo.calendar import Month
from tongpin.demo.cases import draw_hospital_month
from tongpin.demo.city import CitySummary, build_city
from tongpin.demo.setting import Setting, prepare

SCHEME = Path(str(resources.files("tongpin"))) / "schemes" / "demo-drg"


@pytest.fixture(scope="session")
def scheme_folder() -> Path:
    return SCHEME


@pytest.fixture(scope="session")
def setting() -> Setting:
    return prepare("prefecture-east", SCHEME, 20250601)


@pytest.fixture
def data() -> dict[str, Any]:
    """The default profile as plain data, to be spoiled."""
    text = resources.files("tongpin.demo").joinpath("plan", "prefecture-east.yaml").read_text(encoding="utf-8")
    found: dict[str, Any] = yaml.safe_load(text)
    return found


@pytest.fixture(scope="session")
def june() -> Month:
    return Month.parse("2025-06")


@pytest.fixture(scope="session")
def stays(setting: Setting, june: Month) -> pa.Table:
    """All stays discharged in June 2025, with and without a settlement list."""
    return pa.concat_tables(draw_hospital_month(setting, june, one) for one in range(len(setting.hospitals)))


@pytest.fixture(scope="session")
def lists(stays: pa.Table) -> pa.Table:
    """The stays of June 2025 with a settlement list."""
    return stays.filter(pc.is_valid(stays["insurance"]))


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> tuple[CitySummary, list[tuple[int, int]]]:
    """The smallest city: June 2025 of one hospital of each grade, and what its progress told."""
    told: list[tuple[int, int]] = []
    summary = build_city(
        tmp_path_factory.mktemp("city"),
        cases=100,
        scheme_folder=SCHEME,
        progress=lambda done, total: told.append((done, total)),
    )
    return summary, told
