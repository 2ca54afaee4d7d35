"""Files 下载: a paper made for one person: the watermark, the journal entry, the file that is gone once it is sent."""

from __future__ import annotations

import shutil
import tempfile
import zipfile
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastapi.responses import FileResponse
from starlette.background import BackgroundTask

from tongpin.store import journal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from tongpin.workbench.api.asking import Workbench
    from tongpin.workbench.sign_in.identity import Identity

KINDS = {
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    ".pdf": "application/pdf",
    ".html": "text/html; charset=utf-8",
    ".txt": "text/plain; charset=utf-8",
    ".zip": "application/zip",
}
"""Media types of the papers that are handed out."""
FILE_ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {
        "content": {kind.split(";")[0]: {"schema": {"type": "string", "format": "binary"}} for kind in KINDS.values()}
    }
}
"""What a route that hands out a paper answers."""


def mark_of(asker: Identity) -> str:
    """The line that every paper carries: who took it out, in which role, when."""
    return f"{asker.display}（{asker.role.label}，{asker.name}）{datetime.now().astimezone():%Y-%m-%d %H:%M} 导出"


def send(
    bench: Workbench,
    asker: Identity,
    subject: str,
    details: Mapping[str, Any],
    write: Callable[[Path], Sequence[Path]],
) -> FileResponse:
    """What `write` puts into a folder, as one download (several files as a zip), noted in the journal first."""
    folder = Path(tempfile.mkdtemp(prefix="tongpin-paper-"))
    try:
        paths = list(write(folder))
        path = paths[0] if len(paths) == 1 else _zipped(folder, paths)
        with bench.engine.begin() as connection:
            noted = {key: value for key, value in details.items() if value not in (None, "", [], {})}
            journal.record(
                connection,
                actor=asker.name,
                acted_as=asker.role.id,
                act="export",
                subject=subject,
                details=noted | {"file": path.name},
            )
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return FileResponse(
        path,
        media_type=KINDS[path.suffix],
        filename=path.name,
        background=BackgroundTask(shutil.rmtree, folder, ignore_errors=True),
    )


def _zipped(folder: Path, paths: Sequence[Path]) -> Path:
    target = folder / f"{paths[0].stem}等{len(paths)}份.zip"
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in paths:
            archive.write(path, path.name)
    return target
