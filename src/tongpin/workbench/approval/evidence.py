"""Evidence 举证材料: files beside an application for review, kept in the home under the digest of their bytes."""

from __future__ import annotations

import hashlib
import os
import secrets
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, NamedTuple

from tongpin.base.errors import PolicyError
from tongpin.documents.kinds import limit

if TYPE_CHECKING:
    from pathlib import Path

    from tongpin.store.home import Home

FOLDER = "evidence"
_STARTS = {
    ".pdf": (b"%PDF-",),
    ".png": (b"\x89PNG\r\n\x1a\n",),
    ".jpg": (b"\xff\xd8\xff",),
    ".jpeg": (b"\xff\xd8\xff",),
}


class Evidence(NamedTuple):
    """A file as it was sent."""

    name: str
    content: bytes


def written(folder: Path, files: list[Evidence]) -> list[Path]:
    """The files under their own names in a folder of their own; PolicyError `review.evidence` for what is no evidence.

    PDF and pictures only, as large as attachments of documents may be.
    """
    if len(files) > limit("attachment_count"):
        raise _refused(f"最多附 {limit('attachment_count')} 个文件", "", "合并成一个文件")
    paths = []
    for place, one in enumerate(files, start=1):
        name = PurePosixPath(one.name.replace("\\", "/")).name.strip()
        starts = _STARTS.get(PurePosixPath(name).suffix.lower())
        if not name or not name.isprintable() or starts is None:
            raise _refused("只能附 PDF 与图片", name, "pdf、png、jpg")
        if not one.content.startswith(starts):
            raise _refused("文件的内容与文件名的后缀不符", name, "用原来的程序另存")
        if len(one.content) > limit("attachment_bytes"):
            raise _refused(f"文件超过 {limit('attachment_bytes') // 2**20} MB", name, "压缩或分成几个文件")
        own = folder / str(place)
        own.mkdir(parents=True)
        path = own / name
        path.write_bytes(one.content)
        paths.append(path)
    return paths


def keep(home: Home, files: list[Evidence]) -> None:
    """Keep the bytes of an application that was filed; whole or not at all."""
    for one in files:
        path = place_of(home, hashlib.sha256(one.content).hexdigest())
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            beside = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
            beside.write_bytes(one.content)
            os.replace(beside, path)  # noqa: PTH105  # the one call that replaces on every system


def read(home: Home, digest: str) -> bytes:
    """The bytes of a digest; PolicyError `review.missing` when they are gone or are not what was filed."""
    path = place_of(home, digest)
    content = path.read_bytes() if path.is_file() else b""
    if hashlib.sha256(content).hexdigest() != digest:
        raise PolicyError(
            "review.missing", "附件不在工作目录里，或不是申报时的文件", where=digest[:16], hint="由申报的机构另送"
        )
    return content


def place_of(home: Home, digest: str) -> Path:
    """Where the bytes of a digest lie."""
    return home.root / FOLDER / digest[:2] / digest


def _refused(message: str, name: str, hint: str) -> PolicyError:
    return PolicyError("review.evidence", message, where=name, hint=hint)
