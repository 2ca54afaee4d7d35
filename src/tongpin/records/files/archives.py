"""Archives 压缩包: gz and zip opened as streams within limits; nothing of an archive is written under its own name."""

from __future__ import annotations

import gzip
import io
import zipfile
import zlib
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple, Protocol

from tongpin.base.errors import RecordsError, os_words
from tongpin.records.case.rules import finding

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tongpin.base.findings import Finding

GZIP_MAGIC = b"\x1f\x8b"
ZIP_MAGICS = (b"PK\x03\x04", b"PK\x05\x06")
OTHER_ARCHIVES = (b"Rar!", b"7z\xbc\xaf\x27\x1c")
LARGEST_UNPACKED_BYTES = 16 << 30
"""How much one archive may hold unpacked."""
FREE_BYTES = 64 << 20
LARGEST_RATIO = 250
"""How many times its packed size a file may unpack to, beyond the first `FREE_BYTES`; 811 columns of `-` stay below."""
MOST_MEMBERS = 10_000
NO_MEMBER = -1
ENCRYPTED = 0x1
UTF8_NAME = 0x800
CHUNK_BYTES = 1 << 20
WORKBOOK_SIGN = "xl/workbook.xml"
_DAMAGED = (OSError, EOFError, zlib.error, zipfile.BadZipFile, NotImplementedError, RuntimeError)


class Readable(Protocol):
    """A stream of bytes."""

    def read(self, size: int = -1, /) -> bytes:
        """The next bytes, at most `size`, all that are left when negative; none at the end."""
        ...


class Source(NamedTuple):
    """What holds records: a file, or a member of a zip file by its place; `name` is what findings call it."""

    path: Path
    name: str
    member: int = NO_MEMBER


@contextmanager
def opened(source: Source) -> Iterator[Readable]:
    """The unpacked bytes of a source as a stream, never more than the limits allow.

    Errors: `RecordsError("records.file")` when it cannot be opened, `RecordsError("records.gzip" | "records.zip")`
    for broken archives, `RecordsError("records.bomb")` beyond the limits; also while it is read.
    """
    try:
        with source.path.open("rb") as file:
            if source.member == NO_MEMBER:
                yield _unpacked(file, source.path.stat().st_size, source.name)
                return
            with zipfile.ZipFile(file) as archive:
                info = archive.infolist()[source.member]
                with archive.open(info) as member:
                    guarded = _Guarded(member, info.compress_size, source.name, "records.zip")
                    yield _unpacked(guarded, info.compress_size, source.name)
    except zipfile.BadZipFile as error:
        raise broken("records.zip", source.name) from error
    except OSError as error:
        raise RecordsError(
            "records.file", f"文件打不开：{os_words(error)}", where=source.name, hint="检查路径与权限"
        ) from error


def broken(code: str, name: str) -> RecordsError:
    """The refusal of a broken archive."""
    what = {"records.gzip": "gz 压缩包", "records.zip": "zip 压缩包"}[code]
    return RecordsError(code, f"{what}不完整或写坏", where=name, hint="请重新传输或重新压缩")


def _unpacked(stream: Readable, packed: int, name: str) -> Readable:
    head = stream.read(len(GZIP_MAGIC))
    joined = _Joined(head, stream)
    if not head.startswith(GZIP_MAGIC):
        return joined
    inner = gzip.GzipFile(fileobj=joined)
    return _Guarded(inner, packed, name, "records.gzip")


class _Joined(io.RawIOBase):
    """A stream with its first bytes put back."""

    def __init__(self, head: bytes, rest: Readable) -> None:
        self._head = head
        self._rest = rest

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        if not self._head:
            return self._rest.read(size)
        head, self._head = self._head, b""
        if size < 0:
            return head + self._rest.read(-1)
        if len(head) > size:
            head, self._head = head[:size], head[size:]
        return head + self._rest.read(size - len(head)) if size > len(head) else head


class _Guarded:
    """An unpacking stream that refuses to give more than the limits allow, and says a broken archive in one way."""

    def __init__(self, stream: Readable, packed: int, name: str, code: str) -> None:
        self._stream = stream
        self._packed = max(packed, 1)
        self._name = name
        self._code = code
        self._given = 0

    def read(self, size: int = -1) -> bytes:
        wanted = size if size >= 0 else LARGEST_UNPACKED_BYTES
        parts: list[bytes] = []
        while wanted > 0:
            try:
                part = self._stream.read(min(wanted, CHUNK_BYTES))
            except _DAMAGED as error:
                raise broken(self._code, self._name) from error
            if not part:
                break
            wanted -= len(part)
            self._given += len(part)
            if self._given > LARGEST_UNPACKED_BYTES or self._given > FREE_BYTES + LARGEST_RATIO * self._packed:
                raise RecordsError("records.bomb", "压缩包解开后异常地大", where=self._name, hint="来历不明的不要装载")
            parts.append(part)
        return b"".join(parts)


def is_archive(path: Path) -> bool:
    """Whether a file is a zip of files (an xlsx workbook is not); one that cannot be opened is none."""
    try:
        with path.open("rb") as file:
            if not file.read(4).startswith(ZIP_MAGICS):
                return False
            with zipfile.ZipFile(file) as archive:
                return WORKBOOK_SIGN not in archive.namelist()
    except zipfile.BadZipFile:
        return path.suffix.lower() == ".zip"
    except OSError:
        return False


def members(path: Path, name: str) -> tuple[list[Source], list[Finding]]:
    """The files of a zip in its order, called `name/member`, and what is wrong with those left out.

    Names that lead out of the archive, nested and encrypted members, and archives beyond the limits are refused.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            infos = {place: info for place, info in enumerate(archive.infolist()) if not info.is_dir()}
            if len(infos) > MOST_MEMBERS or sum(info.file_size for info in infos.values()) > LARGEST_UNPACKED_BYTES:
                return [], [finding("REC-Z002", name, 0, "", f"{len(infos)} 个文件")]
            found: list[Source] = []
            findings: list[Finding] = []
            for place, info in infos.items():
                shown = f"{name}/{_readable(info)}"
                rule = _refused(archive, info)
                if rule:
                    findings.append(finding(rule, shown, 0))
                else:
                    found.append(Source(path, shown, place))
            return found, findings
    except _DAMAGED:
        return [], [finding("REC-C006", name, 0)]


def _refused(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> str:
    """The rule that keeps a member out, empty for a good one."""
    parts = info.filename.replace("\\", "/").split("/")
    if ".." in parts or parts[0] == "" or ":" in parts[0]:
        return "REC-Z001"
    if info.flag_bits & ENCRYPTED:
        return "REC-Z004"
    if info.file_size > FREE_BYTES + LARGEST_RATIO * max(info.compress_size, 1):
        return "REC-Z002"
    try:
        with archive.open(info) as member:
            head = member.read(8)
    except _DAMAGED:
        return "REC-C006"
    if head.startswith(OTHER_ARCHIVES) or (head.startswith(ZIP_MAGICS) and not info.filename.lower().endswith(".xlsx")):
        return "REC-Z003"
    return ""


def _readable(info: zipfile.ZipInfo) -> str:
    """A member's name; archives made on Chinese systems hold GB18030 without saying so."""
    name = info.filename
    if info.flag_bits & UTF8_NAME:
        return name
    try:
        return name.encode("cp437").decode("gb18030")
    except (UnicodeEncodeError, UnicodeDecodeError):
        return name
