"""The scheme library 方案库: the schemes of a home and those that come with Tongpin."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tongpin.base.digest import folder_digest, text_digest
from tongpin.base.errors import SchemeError
from tongpin.grouping.tables.read import CASES, load_scheme, table_files

if TYPE_CHECKING:
    from tongpin.base.findings import Finding
    from tongpin.grouping.tables.model import SchemeTables
    from tongpin.store.home import Home

PROVENANCE = "provenance.json"
_LICENCE_LEVELS = 3
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


def folder_of(home: Home, scheme_id: str) -> Path:
    """The folder of a scheme at hand; raises `SchemeError` (`scheme.unknown`) naming those at hand."""
    folders = scheme_folders(home)
    if scheme_id not in folders:
        raise SchemeError(
            "scheme.unknown",
            f"没有方案 {scheme_id}",
            hint=f"已有：{'、'.join(folders) or '无'}；用 tongpin scheme import 文件夹 --id {scheme_id} 导入",
        )
    return folders[scheme_id]


def open_scheme(home: Home, scheme_id: str) -> SchemeTables:
    """Load the tables of a scheme by id; raises `SchemeError` (`scheme.unknown`) naming the schemes at hand.

    Tables that were loaded lately are not read again until a file of theirs changes; nobody writes to them.
    """
    folder = folder_of(home, scheme_id)
    with os.scandir(folder) as entries:
        found = [(one.name, one.stat().st_mtime_ns, one.stat().st_size) for one in entries]
    return _loaded(folder, scheme_id, tuple(sorted(found)))


@lru_cache(maxsize=4)
def _loaded(folder: Path, scheme_id: str, _: tuple[tuple[str, int, int], ...]) -> SchemeTables:
    return load_scheme(folder, scheme_id)


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import left: the scheme, its provenance and the warnings of reading the source."""

    scheme: SchemeTables
    provenance: dict[str, Any]
    findings: tuple[Finding, ...]


def import_scheme(
    home: Home, source: Path, scheme_id: str, *, kind: str | None = None, licence: str = "", replace: bool = False
) -> Imported:
    """Read a scheme of any known layout, check it and keep it under an id, whole or not at all.

    An id that stands for other tables is refused (`scheme.exists`) unless `replace` says so: a scheme that was used
    must not change its results. A shipped id is never taken. Kept beside the tables: kind and name of the source, its
    digest, its licence (`licence`, else the first line of a licence file beside it) and the digest of the tables.
    Cases beside the tables (`cases.csv`) come along and are replayed; one that fails is only a warning.
    Raises `SchemeError` with every fault at its place in the source; `scheme.id` for an id that cannot be a folder.
    """
    from tongpin.grouping.trials.cases import run_cases  # brings the compiler along, which no other command here needs

    if not scheme_id.replace("-", "").replace("_", "").replace(".", "").isalnum() or scheme_id.startswith("."):
        raise SchemeError(
            "scheme.id", f"方案代号不能是“{scheme_id}”", hint="只用字母、数字、点、横线和下划线，例如 chs-drg-1.1"
        )
    if not source.exists():
        raise SchemeError("scheme.missing", f"没有 {source}", hint="给出方案的文件夹或文件")
    home.schemes.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=home.schemes, prefix=".import-") as temporary:
        folder = Path(temporary) / scheme_id
        folder.mkdir()
        provenance, findings = _fill(folder, source, kind)
        scheme = load_scheme(folder, scheme_id)
        _refuse_other_tables(home, scheme, replace=replace)
        findings = (*findings, *run_cases(scheme, folder))
        provenance |= {"licence": licence or _licence(source), "title": scheme.title, "source": scheme.source}
        provenance["digest"] = scheme.digest
        (folder / PROVENANCE).write_text(json.dumps(provenance, ensure_ascii=False, indent=1), encoding="utf-8")
        target = home.schemes / scheme_id
        if target.exists():
            target.rename(Path(temporary) / ".replaced")
        folder.rename(target)
    return Imported(scheme, provenance, findings)


def _fill(folder: Path, source: Path, kind: str | None) -> tuple[dict[str, Any], tuple[Finding, ...]]:
    """The tables of a source in a folder, checked, with what is known of where they come from."""
    from tongpin.grouping.importers.sources import TABLES_KIND, importer_of  # readers of layouts, for imports only

    importer = importer_of(source, kind)
    if importer is None:
        load_scheme(source)  # faults name the file of the source, not its copy
        names = table_files(source).values()
        for name in (*names, *([CASES] if (source / CASES).is_file() else [])):
            shutil.copyfile(source / name, folder / name)
        return {"kind": TABLES_KIND, "name": source.name, "source_digest": folder_digest(source, names)}, ()
    draft = importer.read(source)
    if not draft.broken:
        draft.write(folder)
        try:
            load_scheme(folder)
        except SchemeError as error:
            if not error.findings:
                raise
            draft.findings.extend(draft.located(error.findings))
    errors = [finding for finding in draft.findings if finding.severity == "error"]
    if errors:
        first = errors[0]
        raise SchemeError(
            "scheme.import",
            f"{source.name} 有 {len(errors)} 处错误，没有导入；第一处：{first.message}",
            where=f"{first.file}{f' 第 {first.record} 行' * bool(first.record)} {first.path}".rstrip(),
            hint=first.hint,
            findings=draft.findings,
        )
    digest = text_digest(sha256(path.read_bytes()).hexdigest() for path in draft.read_files)
    return {"kind": importer.kind, "name": source.name, "source_digest": digest}, tuple(draft.findings)


def _refuse_other_tables(home: Home, scheme: SchemeTables, *, replace: bool) -> None:
    scheme_id = scheme.scheme_id
    known = scheme_folders(home).get(scheme_id)
    shipped = known is not None and known.parent == shipped_folder()
    if known is not None and (shipped or not replace) and load_scheme(known, scheme_id).digest != scheme.digest:
        hint = "换一个代号" if shipped else "换一个代号，例如带上日期；确要替换时加 --replace"
        raise SchemeError("scheme.exists", f"代号 {scheme_id} 已是另一套方案", where=str(known), hint=hint)


def _licence(source: Path) -> str:
    """The first line of the licence file of a source folder or of one above it (a checkout); empty without one."""
    folders = [source, *source.resolve().parents][: _LICENCE_LEVELS + 1] if source.is_dir() else []
    for folder in folders:
        for name in ("LICENSE", "LICENSE.txt", "LICENSE.md", "LICENCE", "COPYING"):
            if (folder / name).is_file():
                lines = (folder / name).read_text(encoding="utf-8", errors="replace").split("\n")
                return next((line.strip() for line in lines if line.strip()), "")
    return ""


def describe(scheme: SchemeTables) -> dict[str, Any]:
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
