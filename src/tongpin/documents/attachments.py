"""Attachments 附件: files beside a document, kept in the home under the digest of their bytes."""

from __future__ import annotations

import hashlib
import os
import secrets
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from sqlalchemy import insert

from tongpin.base.errors import TongpinError
from tongpin.documents.document import OPEN_STATES, attachments_of, open_document
from tongpin.documents.flow import changed, check_first_hand, check_state
from tongpin.documents.kinds import attachment_types, kind_of, limit
from tongpin.documents.tables import attachments
from tongpin.store.control import home_of

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Connection

    from tongpin.documents.actors import Actor
    from tongpin.documents.document import Attachment
    from tongpin.store.home import Home
    from tongpin.store.scope import Scope

FOLDER = "attachments"
_STARTS = {
    "pdf": (b"%PDF-",),
    "png": (b"\x89PNG\r\n\x1a\n",),
    "jpg": (b"\xff\xd8\xff",),
    "jpeg": (b"\xff\xd8\xff",),
    "xlsx": (b"PK\x03\x04",),
    "docx": (b"PK\x03\x04",),
    "zip": (b"PK\x03\x04",),
}
"""How files of an ending begin; one that begins otherwise is not what its name says."""


def attach(connection: Connection, number: int, actor: Actor, name: str, content: bytes) -> Attachment:
    """Attach a file to a draft or a returned document; it is part of what is submitted. The same bytes count once.

    Refuses with TongpinError `documents.state`, `documents.duty`, `documents.same_hand`, and `documents.attachment` (a
    type that the kind does not allow, bytes that are no such file, too large, empty, or too many).
    """
    document = open_document(connection, number, actor.scope, for_change=True)
    check_state(document, OPEN_STATES, "attach")
    acted_as = check_first_hand(connection, document, actor)
    shown = PurePosixPath(name.replace("\\", "/")).name.strip()
    kind = type_of_file(shown, content, kind_of(document.kind).attachments)
    digest = hashlib.sha256(content).hexdigest()
    held = {one.digest: one for one in attachments_of(connection, number)}
    if digest in held:
        return held[digest]
    if len(held) >= limit("attachment_count"):
        raise _refused(f"一份公文最多附 {limit('attachment_count')} 个文件", shown, "合并成一个文件")
    keep_file(home_of(connection), digest, content)
    after = changed(connection, document, "attach", actor, acted_as, text=shown, digest=digest, values={})
    row = {
        "document_id": number,
        "version": document.version,
        "name": shown,
        "type": kind,
        "size": len(content),
        "digest": digest,
        "added_by": actor.name,
        "added_at": after.changed_at,
    }
    connection.execute(insert(attachments).values(row))
    return attachments_of(connection, number)[-1]


def read_attachment(connection: Connection, number: int, attachment: int, scope: Scope | None = None) -> bytes:
    """The bytes of an attachment of a document that the scope sees.

    TongpinError `documents.unknown`; `documents.changed` when the file is gone or is not what was attached.
    """
    found = [one for one in attachments_of(connection, number, scope) if one.id == attachment]
    if not found:
        raise TongpinError(
            "documents.unknown", f"第 {number} 号公文没有这个附件", where=str(attachment), hint="重新打开公文"
        )
    return kept_file(home_of(connection), found[0].digest, found[0].name)


def type_of_file(name: str, content: bytes, allowed: tuple[str, ...]) -> str:
    """The type of a file by its name, when its bytes are of that type; else TongpinError `documents.attachment`."""
    if not name or len(name) > attachments.c.name.type.length or not name.isprintable():  # type: ignore[attr-defined]
        raise _refused("文件名不对", name, "换一个文件名")
    ending = PurePosixPath(name).suffix.lower().removeprefix(".")
    types = attachment_types()
    kind = next((one for one in allowed if ending in types[one].endings), None)
    if kind is None:
        endings = "、".join(ending for one in allowed for ending in types[one].endings)
        raise _refused("不能附这种文件", name, f"可附：{endings}")
    if not content:
        raise _refused("文件是空的", name, "换一个文件")
    if len(content) > limit("attachment_bytes"):
        raise _refused(f"文件超过 {limit('attachment_bytes') // 2**20} MB", name, "压缩或分成几个文件")
    starts = _STARTS.get(ending)
    if not (content.startswith(starts) if starts else _is_text(content)):
        raise _refused("文件的内容与文件名的后缀不符", name, "用原来的程序另存")
    return kind


def _is_text(content: bytes) -> bool:
    try:
        return "\0" not in content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return False


def _refused(message: str, name: str, hint: str) -> TongpinError:
    return TongpinError("documents.attachment", message, where=name, hint=hint)


def kept_path(home: Home, digest: str) -> Path:
    """Where the home keeps the file of a digest."""
    return home.root / FOLDER / digest[:2] / digest


def kept_file(home: Home, digest: str, name: str) -> bytes:
    """The bytes of a digest; TongpinError `documents.changed` when they are gone or are not what was kept."""
    path = kept_path(home, digest)
    content = path.read_bytes() if path.is_file() else b""
    if hashlib.sha256(content).hexdigest() != digest:
        raise TongpinError(
            "documents.changed", f"“{name}”不见了，或不是当时附上的文件", where=str(path), hint="从备份恢复"
        )
    return content


def keep_file(home: Home, digest: str, content: bytes) -> None:
    """Write the bytes whole or not at all; what a transaction that fails leaves behind is named by nothing."""
    path = kept_path(home, digest)
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f"{digest}.{secrets.token_hex(4)}")
    beside.write_bytes(content)
    os.replace(beside, path)  # noqa: PTH105  # the one call that replaces on every system
