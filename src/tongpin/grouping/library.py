"""The scheme library 方案库: the schemes of a home and those that come with Tongpin."""

from __future__ import annotations

import json
import shutil
import tempfile
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tongpin.base.errors import SchemeError
from tongpin.grouping.tables import load_scheme, table_files

if TYPE_CHECKING:
    from tongpin.grouping.model import Scheme
    from tongpin.store.home import Home

PROVENANCE = "provenance.json"
DEMO_SCHEME = "demo-drg"
"""The scheme that comes with Tongpin and that the demonstration city is planned for."""


def shipped_folder() -> Path:
    """The folder of schemes that come with Tongpin (demonstration only)."""
    return Path(str(files("tongpin"))) / "schemes"


def scheme_folders(home: Home) -> dict[str, Path]:
    """Every scheme at hand by id; one of the home hides a shipped one of the same id."""
    found: dict[str, Path] = {}
    for folder in (shipped_folder(), home.schemes):
        if folder.is_dir():
            found.update({path.name: path for path in sorted(folder.iterdir()) if (path / "mdc.csv").exists()})
    return found


def open_scheme(home: Home, scheme_id: str) -> Scheme:
    """Load a scheme by id; raises `SchemeError` (`scheme.unknown`) naming the schemes at hand."""
    folders = scheme_folders(home)
    if scheme_id not in folders:
        raise SchemeError(
            "scheme.unknown",
            f"没有方案 {scheme_id}",
            hint=f"已有：{'、'.join(folders) or '无'}；用 tongpin scheme import 文件夹 --id {scheme_id} 导入",
        )
    return load_scheme(folders[scheme_id], scheme_id)


def import_scheme(home: Home, source: Path, scheme_id: str, *, replace: bool = False) -> Scheme:
    """Check a table folder and keep it under an id, whole or not at all.

    An id that stands for other tables is refused (`scheme.exists`) unless `replace` says so: a scheme that was used
    must not change its results. A shipped id is never taken.

    Tables are stored as they are, with their provenance (name of the folder, digest, source line of the scheme).
    Raises `SchemeError`; `scheme.id` for an id that cannot be a folder name.
    """
    if not scheme_id.replace("-", "").replace("_", "").replace(".", "").isalnum() or scheme_id.startswith("."):
        raise SchemeError(
            "scheme.id", f"方案代号不能是“{scheme_id}”", hint="只用字母、数字、点、横线和下划线，例如 chs-drg-1.1"
        )
    scheme = load_scheme(source, scheme_id)
    known = scheme_folders(home).get(scheme_id)
    shipped = known is not None and known.parent == shipped_folder()
    if known is not None and (shipped or not replace) and load_scheme(known, scheme_id).digest != scheme.digest:
        hint = "换一个代号" if shipped else "换一个代号，例如带上日期；确要替换时加 --replace"
        raise SchemeError("scheme.exists", f"代号 {scheme_id} 已是另一套方案", where=str(known), hint=hint)
    home.schemes.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=home.schemes, prefix=".import-") as temporary:
        folder = Path(temporary) / scheme_id
        folder.mkdir()
        for file in table_files(source).values():
            shutil.copyfile(source / file, folder / file)
        provenance = {"folder": source.name, "source": scheme.source, "digest": scheme.digest}
        (folder / PROVENANCE).write_text(json.dumps(provenance, ensure_ascii=False, indent=1), encoding="utf-8")
        target = home.schemes / scheme_id
        if target.exists():
            target.rename(Path(temporary) / ".replaced")
        folder.rename(target)
    return scheme


def describe(scheme: Scheme) -> dict[str, Any]:
    """The size of a scheme in numbers, for `scheme list` and `scheme show`."""
    steps = [step for mdc in scheme.mdcs for step in mdc.steps]
    return {
        "id": scheme.scheme_id,
        "title": scheme.title,
        "source": scheme.source,
        "mdc": len(scheme.mdcs),
        "adrg": len({step.adrg for step in steps if not step.is_gate}),
        "drg": len(scheme.drg_codes),
        "dx_lists": len(scheme.dx_lists),
        "px_lists": len(scheme.px_lists),
        "mcc": len(scheme.mcc),
        "cc": len(scheme.cc),
        "adrg_without_leaf": scheme.options.adrg_without_leaf,
        "digest": scheme.digest,
    }
