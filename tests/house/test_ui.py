"""The pages: their types fit the API, their own tests pass, no page reaches outside, no folder needs a second entry."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
UI = REPOSITORY / "ui"
SOURCES = [path for path in sorted((UI / "src").rglob("*")) if path.suffix in {".ts", ".vue", ".css"}]


def test_the_types_of_the_pages_fit_the_api_and_their_tests_pass() -> None:
    spec = importlib.util.spec_from_file_location("hatch_build", REPOSITORY / "hatch_build.py")
    assert spec is not None
    assert spec.loader is not None
    hook = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(hook)
    hook.check_pages(REPOSITORY)


def test_no_page_names_another_host() -> None:
    found = [
        f"{path.relative_to(UI)}: {line.strip()}"
        for path in [*SOURCES, UI / "index.html"]
        for line in path.read_text(encoding="utf-8").splitlines()
        if re.search(r"https?://|url\(\s*['\"]?//|@import\s+url", line)
    ]
    assert found == []


def test_every_folder_of_pages_says_what_it_is_and_under_which_permission() -> None:
    roles = (REPOSITORY / "src" / "tongpin" / "catalogue" / "workbench" / "roles.yaml").read_text(encoding="utf-8")
    permissions = set(re.findall(r"^  ([a-z.]+): ", roles, re.MULTILINE))
    for folder in sorted((UI / "src" / "pages").iterdir()):
        said = (folder / "index.ts").read_text(encoding="utf-8")
        assert "definePage({" in said, folder.name
        (permission,) = re.findall(r"permission: '([^']+)'", said)
        assert permission in permissions, folder.name
