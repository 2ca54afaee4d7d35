"""Built pages 页面文件: served under their names, compressed where a browser takes that; else the start page."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastapi.responses import FileResponse
from starlette.requests import Request

from tongpin.base.errors import TongpinError
from tongpin.workbench.api.errors import answer

if TYPE_CHECKING:
    from fastapi import FastAPI

ASSETS = "assets/"
"""Names below it hold a digest of what they name, and are kept for ever."""
FOR_EVER, ASK_AGAIN = "public, max-age=31536000, immutable", "no-cache"
_START = "index.html"
_KINDS = {
    ".css": "text/css",
    ".html": "text/html",
    ".js": "text/javascript",
    ".json": "application/json",
    ".svg": "image/svg+xml",
}
"""Hosts differ in what they take a file name for, and browsers run no script of another kind."""


def pages_folder() -> Path:
    """Where the built pages lie in the package."""
    return Path(str(files("tongpin.workbench"))) / "pages"


def serve_pages(app: FastAPI) -> None:
    """Every path that is not of the API: the file of that name, or the start page, whose script reads the path."""
    folder = pages_folder().resolve()

    @app.get("/{path:path}", include_in_schema=False)
    def page(path: str, request: Request) -> Any:
        if path.startswith("api/"):
            return answer(TongpinError("request.missing", "没有这个地址", where=path, hint="看 /api/v1/openapi.json"))
        accepted = request.headers.get("accept-encoding", "")
        file = (folder / path).resolve()
        if path and file.is_file() and file.is_relative_to(folder):
            return _sent(file, accepted, FOR_EVER if path.startswith(ASSETS) else ASK_AGAIN)
        if path.startswith(ASSETS):
            hint = "刷新页面：同频可能刚升级过"
            return answer(TongpinError("request.missing", "没有这个文件", where=path, hint=hint))
        start = folder / _START
        if not start.is_file():
            hint = "重新安装本软件包；离线环境用 TONGPIN_ASSETS 指定构建好的页面"
            return answer(TongpinError("pages.missing", "页面还没有构建", hint=hint))
        return _sent(start, accepted, ASK_AGAIN)


def _sent(file: Path, accepted: str, kept: str) -> FileResponse:
    """A file, or the compressed one beside it, of the same kind."""
    headers = {"Cache-Control": kept}
    kind = _KINDS.get(file.suffix)
    smaller = file.with_name(f"{file.name}.gz")
    if smaller.is_file():
        headers["Vary"] = "Accept-Encoding"
        if takes_gzip(accepted):
            return FileResponse(smaller, media_type=kind, headers=headers | {"Content-Encoding": "gzip"})
    return FileResponse(file, media_type=kind, headers=headers)


def takes_gzip(accepted: str) -> bool:
    """Whether an `Accept-Encoding` takes gzip: by its name, else by `*`, and not with a weight of 0."""
    weights = {}
    for one in accepted.lower().split(","):
        name, _, weight = one.partition(";")
        weights[name.strip()] = weight.replace(" ", "")
    asked = weights.get("gzip", weights.get("*"))
    return asked is not None and asked.rstrip("0") not in {"q=", "q=0."}
