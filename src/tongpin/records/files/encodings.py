"""Encodings 编码: the bytes of an export made into UTF-8, line by line where a file mixes encodings."""

from __future__ import annotations

import re
from typing import NamedTuple

from tongpin.base.errors import RecordsError

UTF8_BOM = b"\xef\xbb\xbf"
UTF16_BOMS = (b"\xff\xfe", b"\xfe\xff")
REPLACEMENT = "\ufffd"
_NUL, _REPLACED = b"\x00", REPLACEMENT.encode()
_WIDE = re.compile(r"[\u2e80-\uffef]")
"""Characters of Chinese text; two bytes of GB18030 that happen to be UTF-8 give none of them."""
_JOINED = re.compile(rb"(?:\A|(?<=[\n\r}\]]))\xef\xbb\xbf")
"""BOMs where a file begins: at the head, and where exports were laid end to end. Elsewhere it belongs to a text: some
published code lists hold codes that begin with it."""
_HEAD_BYTES = 1 << 16
UTF8, GB18030 = "utf-8", "gb18030"


class Decoded(NamedTuple):
    """UTF-8 bytes without BOM; `damaged` when bytes that no encoding fits were replaced by U+FFFD."""

    data: bytes
    damaged: bool


def leaning(head: bytes) -> str:
    """The encoding that most lines beyond ASCII of a file's beginning have."""
    if _is(head, UTF8):
        return UTF8
    lines = [line for line in head.split(b"\n") if not line.isascii()]
    clearly = sum(_is(line, UTF8) for line in lines)
    return UTF8 if 2 * clearly >= len(lines) else GB18030


def decode(data: bytes, name: str, lean: str = "") -> Decoded:
    """Bytes as UTF-8 without the BOMs of files: UTF-8, else each line by what fits it, UTF-8 or GB18030.

    `lean` is the encoding of the whole file where `data` is a piece of it. A line that neither fits, and a zero byte,
    damage that line only. Errors: `RecordsError("records.encoding")` for UTF-16, and where no line fits at all.
    """
    head = data[:_HEAD_BYTES]
    if data.startswith(UTF16_BOMS) or head.count(_NUL) * 4 > len(head):
        raise RecordsError("records.encoding", "文件是 UTF-16 编码", where=name, hint="请另存为 UTF-8")
    damaged = False
    if not _is(data, UTF8):
        data, damaged = _by_line(data, name, (lean or leaning(data)) == GB18030)
    if UTF8_BOM in data:
        data = _JOINED.sub(b"", data)
    if _NUL in data:
        data, damaged = data.replace(_NUL, _REPLACED), True
    return Decoded(data, damaged)


def _by_line(data: bytes, name: str, chinese: bool) -> tuple[bytes, bool]:
    """The lines each decoded by itself; whether some had bytes that had to be replaced."""
    made: list[bytes] = []
    good = bad = plain = 0
    for line in data.split(b"\n"):
        text, whole = (line, True) if line.isascii() else _line(line, chinese)
        if line.isascii():
            plain += bool(line.strip())
        else:
            good, bad = good + whole, bad + (not whole)
        made.append(text)
    if bad > plain and not good:
        hint = "请用 UTF-8 重新导出"
        raise RecordsError("records.encoding", "文字既不是 UTF-8 也不是 GB18030", where=name, hint=hint)
    return b"\n".join(made), bad > 0


def _line(line: bytes, chinese: bool) -> tuple[bytes, bool]:
    """One line as UTF-8, and whether it was whole; `chinese` = the file is mostly GB18030."""
    try:
        text = line.decode(UTF8)
    except UnicodeDecodeError as error:
        begun = bool(_WIDE.search(line[: error.start].decode(UTF8)))
    else:
        # A few bytes of GB18030 are UTF-8 by chance, but then no Chinese comes out.
        if not chinese or _WIDE.search(text) or not _is(line, GB18030):
            return line, True
        return line.decode(GB18030).encode(), True
    if _is(line, GB18030) and not ((begun or not chinese) and _mostly_utf8(line)):
        return line.decode(GB18030).encode(), True
    torn = line.decode(UTF8 if _mostly_utf8(line) else GB18030, errors="replace")
    return torn.encode(), False


def _mostly_utf8(line: bytes) -> bool:
    """Whether more characters of a damaged line can be read as UTF-8 than cannot."""
    text = line.decode(UTF8, errors="replace")
    lost = text.count(REPLACEMENT)
    return len(_WIDE.findall(text)) - lost > lost


def _is(data: bytes, encoding: str) -> bool:
    try:
        data.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True
