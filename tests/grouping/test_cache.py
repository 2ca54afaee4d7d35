"""Compiled schemes on disk: the same arrays again, and nothing that is not whole is ever trusted."""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields, replace
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import pytest

from tongpin.base.errors import SchemeError
from tongpin.grouping.compiled import cache
from tongpin.grouping.compiled.cache import (
    ReadyScheme,
    announce_kernel,
    cache_of,
    compiled_scheme,
    kernel_is_kept,
    user_cache,
)
from tongpin.grouping.compiled.compiler import CompiledScheme
from tongpin.grouping.tables.read import load_scheme
from tongpin.store.home import Home


class Said(list[str]):
    """What was said about long work."""

    def __call__(self, text: str) -> None:
        self.append(text)


def same(left: Any, right: Any) -> bool:
    if isinstance(left, np.ndarray):
        return left.dtype == right.dtype and left.shape == right.shape and bool(np.array_equal(left, right))
    return type(left) is type(right) and left == right


def test_what_is_kept_is_what_was_compiled(scheme_folder: Path, tmp_path: Path) -> None:
    said = Said()
    first = compiled_scheme(scheme_folder, cache=tmp_path / "cache", notice=said)
    again = compiled_scheme(scheme_folder, cache=tmp_path / "cache", notice=said)
    assert said == ["正在编译方案…"]
    for one in fields(CompiledScheme):
        assert same(getattr(first.compiled, one.name), getattr(again.compiled, one.name)), one.name
    assert replace(first, compiled=again.compiled) == again
    assert again.groups["HC29"] == "胆"
    assert again.digest == load_scheme(scheme_folder).digest


def test_arrays_come_back_as_the_kernel_takes_them(scheme_folder: Path, tmp_path: Path) -> None:
    for _ in range(2):
        ready = compiled_scheme(scheme_folder, cache=tmp_path, notice=Said())
    arrays = [
        value for one in fields(CompiledScheme) if isinstance(value := getattr(ready.compiled, one.name), np.ndarray)
    ]
    made = ReadyScheme.of(load_scheme(scheme_folder)).compiled
    expected = [value for one in fields(CompiledScheme) if isinstance(value := getattr(made, one.name), np.ndarray)]
    assert arrays
    assert [array.flags.writeable for array in arrays] == [array.flags.writeable for array in expected]
    assert all(array.flags.c_contiguous and array.flags.aligned for array in arrays)


def test_other_tables_are_compiled_anew(scheme_folder: Path, tmp_path: Path) -> None:
    said = Said()
    first = compiled_scheme(scheme_folder, cache=tmp_path / "cache", notice=said)
    names = scheme_folder / "drg_name.csv"
    names.write_text(names.read_text(encoding="utf-8").replace("HC29,胆", "HC29,胆囊"), encoding="utf-8")
    second = compiled_scheme(scheme_folder, cache=tmp_path / "cache", notice=said)
    assert first.digest != second.digest
    assert second.groups["HC29"] == "胆囊"
    assert len(said) == 2


def test_another_compiler_compiles_anew(scheme_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = Said()
    compiled_scheme(scheme_folder, cache=tmp_path / "cache", notice=said)
    monkeypatch.setattr(cache, "COMPILED_FORMAT", cache.COMPILED_FORMAT + 1)
    compiled_scheme(scheme_folder, cache=tmp_path / "cache", notice=said)
    assert len(said) == 2


def damaged(data: bytes) -> dict[str, bytes]:
    middle = len(data) // 2
    return {
        "empty": b"",
        "cut short": data[:middle],
        "one byte less": data[:-1],
        "one bit turned": data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :],
        "longer": data + b"\0",
        "foreign": b"PK\3\4" + b"\0" * 500,
        "a checksum over nothing": b"tongpin-compiled-scheme\n" + b"\xff" * 200,
    }


@pytest.mark.parametrize("how", list(damaged(b"0123")))
def test_a_damaged_file_is_thrown_away_and_said(
    scheme_folder: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture, how: str
) -> None:
    kept = tmp_path / "cache"
    whole = compiled_scheme(scheme_folder, cache=kept, notice=Said())
    (path,) = kept.glob("*.bin")
    path.write_bytes(damaged(path.read_bytes())[how])
    said = Said()
    with caplog.at_level(logging.WARNING, logger="tongpin"):
        again = compiled_scheme(scheme_folder, cache=kept, notice=said)
    assert said == ["正在编译方案…"]
    assert "已损坏" in caplog.text
    assert again.digest == whole.digest
    assert compiled_scheme(scheme_folder, cache=kept, notice=said).digest == whole.digest
    assert len(said) == 1


def test_the_file_of_another_scheme_is_not_taken(
    scheme_folder: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    kept = tmp_path / "cache"
    compiled_scheme(scheme_folder, cache=kept, notice=Said())
    (own,) = kept.glob("*.bin")
    names = scheme_folder / "drg_name.csv"
    names.write_text(names.read_text(encoding="utf-8").replace("胆", "囊"), encoding="utf-8")
    compiled_scheme(scheme_folder, cache=kept, notice=Said())
    (other,) = set(kept.glob("*.bin")) - {own}
    other.write_bytes(own.read_bytes())
    assert compiled_scheme(scheme_folder, cache=kept, notice=Said()).groups["HC29"] == "囊"
    assert "另一套方案" in caplog.text


def test_several_at_once_leave_one_whole_file(scheme_folder: Path, tmp_path: Path) -> None:
    kept = tmp_path / "cache"
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: compiled_scheme(scheme_folder, cache=kept, notice=Said()).digest, range(16)))
    assert len(set(made)) == 1
    assert [path.suffix for path in kept.iterdir()] == [".bin"]
    said = Said()
    compiled_scheme(scheme_folder, cache=kept, notice=said)
    assert said == []


def test_a_place_that_cannot_hold_files_is_done_without(scheme_folder: Path, tmp_path: Path) -> None:
    blocked = tmp_path / "a file"
    blocked.write_text("", encoding="utf-8")
    said = Said()
    for _ in range(2):
        assert compiled_scheme(scheme_folder, cache=blocked / "below", notice=said).compiled.drgs
    assert len(said) == 2


def test_only_so_many_files_stay(scheme_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "KEPT_FILES", 2)
    for number in range(4):
        monkeypatch.setattr(cache, "COMPILED_FORMAT", 1000 + number)
        compiled_scheme(scheme_folder, cache=tmp_path / "cache", notice=Said())
    assert len(list((tmp_path / "cache").iterdir())) == 2


def test_a_scheme_that_lacks_a_table_is_refused_by_name(scheme_folder: Path, tmp_path: Path) -> None:
    (scheme_folder / "mdc.csv").unlink()
    with pytest.raises(SchemeError, match=r"mdc\.csv"):
        compiled_scheme(scheme_folder, cache=tmp_path / "cache", notice=Said())


def test_a_home_keeps_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = Home.open(tmp_path / "home")
    monkeypatch.setenv("TONGPIN_CACHE", str(tmp_path / "mine"))
    assert cache_of(home.schemes / "city", home) == home.root / "cache"
    assert cache_of(tmp_path / "city", home) == tmp_path / "mine"
    monkeypatch.delenv("TONGPIN_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert user_cache() == tmp_path / "xdg" / "tongpin"


def test_the_kernel_is_announced_where_none_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    said = Said()
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(cache, "__file__", str(tmp_path / "cache.py"))
    monkeypatch.delitem(sys.modules, "tongpin.grouping.compiled.kernel", raising=False)
    monkeypatch.setattr(cache, "_KERNEL_SAID", Lock())
    announce_kernel(said)
    announce_kernel(said)
    assert len(said) == 1
    assert "编译分组核" in said[0]
    place = tmp_path / "grouping_0"
    place.mkdir()
    mark = f"py{sys.version_info.major}{sys.version_info.minor}"
    (place / f"kernel.group_cases-1.{mark}.nbi").write_bytes(b"")
    assert kernel_is_kept()
    monkeypatch.setattr(cache, "_KERNEL_SAID", Lock())
    announce_kernel(said)
    assert len(said) == 1
