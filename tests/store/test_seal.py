"""Sealing: the same person gives the same value, only the home's key opens it, nothing shows through."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pyarrow as pa
import pytest

from tongpin.base.errors import StoreError
from tongpin.store.home import Home
from tongpin.store.seal import seal, unseal

PERSONS = pa.table(
    {
        "psn_name": ["示例甲", "示例甲", None],
        "birth_date": pa.array([dt.date(1960, 3, 4), dt.date(1960, 3, 4), None], pa.date32()),
    }
)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home.open(tmp_path / "home")


def test_what_is_sealed_comes_back_with_the_key_of_the_home(home: Home) -> None:
    sealed = seal(PERSONS, home.patient_key())
    assert unseal(home, sealed).to_pylist() == [
        {"birth_date": "1960-03-04", "psn_name": "示例甲"},
        {"birth_date": "1960-03-04", "psn_name": "示例甲"},
        {"birth_date": None, "psn_name": None},
    ]


def test_equal_persons_are_sealed_alike_and_nobody_is_nothing(home: Home) -> None:
    first, second, nobody = seal(PERSONS, home.patient_key()).to_pylist()
    assert first == second
    assert nobody is None
    assert "示例甲".encode() not in first
    assert b"1960" not in first


def test_another_key_seals_otherwise_and_opens_nothing(home: Home) -> None:
    sealed = seal(PERSONS, b"another key")
    assert sealed[0].as_py() != seal(PERSONS, home.patient_key())[0].as_py()
    with pytest.raises(StoreError) as caught:
        unseal(home, sealed)
    assert caught.value.code == "store.seal"
