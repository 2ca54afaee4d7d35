"""List messages 清单报文: the bytes of a 4101 file as messages, out of whatever envelope they came in."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tongpin.records.files.text import Decoded

HEAD = "setlinfo"
ENVELOPES = frozenset({"input", "data"})
"""What the transport puts around a message; its own fields belong to it, not to the list."""
DEEPEST_ENVELOPE = 4
BETWEEN = " \t\r\n,[]}"
"""What stands between messages; a bracket that nothing opened too."""
BEGINNING = re.compile(r'\{\s*"(?:\w*info|infno|msgid|input|data)"\s*:', re.IGNORECASE)
"""How a message, or its envelope, begins."""
KEY_FIELDS = {name: re.compile(rf'"{name}"\s*:\s*"([^"\\]*)"', re.IGNORECASE) for name in ("setl_id", "fixmedins_code")}


class Broken(NamedTuple):
    """What is no JSON; of its text only the keys of the list are kept, since the rest may name a person."""

    setl_id: str
    institution_code: str


def squeezed(name: str) -> str:
    """A field name without what exports change about it: underscores and capitals."""
    return name.replace("_", "").lower()


def words_in(value: Any, *, keys: bool = False) -> Iterator[str]:
    """Every text in a structure, or with `keys` the names of all its fields, however deep it goes."""
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            if keys:
                yield from one
            waiting.extend(one.values())
        elif isinstance(one, list):
            waiting.extend(one)
        elif isinstance(one, str) and not keys:
            yield one


def messages_of(decoded: Decoded) -> Iterator[tuple[int, Any]]:
    """(record number from 1, message or what could not be parsed); of JSON lines the number is that of the line."""
    data = decoded.data.strip()
    if not data:
        yield 0, _broken("")
        return
    try:
        whole = orjson.loads(data)
    except orjson.JSONDecodeError:
        if data[:1] == b"{" and b"\n{" in data and data.split(b"\n", 1)[0].strip() != b"{":
            for number, line in enumerate(decoded.data.split(b"\n"), start=1):
                if line.strip():
                    yield number, unwrapped(_load(line))
        else:
            yield from _recovered(data.decode())
        return
    opened = unwrapped(whole)
    for number, message in enumerate(opened if isinstance(opened, list) else [opened], start=1):
        yield number, unwrapped(message)


def unwrapped(message: Any) -> Any:
    """What the envelopes of a message hold; the message itself where it has none."""
    for _ in range(DEEPEST_ENVELOPE):
        if not isinstance(message, dict) or HEAD in message:
            return message
        names = {squeezed(name): name for name in message}
        inside = [names[name] for name in ENVELOPES & names.keys() if isinstance(message[names[name]], dict | list)]
        if HEAD in names or not inside:
            return message
        message = message[inside[0]]
    return message


def _broken(text: str) -> Broken:
    found = {name: pattern.search(text) for name, pattern in KEY_FIELDS.items()}
    setl_id, institution = (found[name] for name in ("setl_id", "fixmedins_code"))
    return Broken(setl_id[1] if setl_id else "", institution[1] if institution else "")


def _load(line: bytes) -> Any:
    try:
        return orjson.loads(line)
    except orjson.JSONDecodeError:
        return _broken(line.decode(errors="replace"))


def _recovered(text: str) -> Iterator[tuple[int, Any]]:
    """The messages of a broken text; after what cannot be read, reading goes on where the next message begins."""
    decoder = json.JSONDecoder()
    place, number, whole = 0, 1, True
    while True:
        while place < len(text) and text[place] in BETWEEN:
            place += 1
        if place == len(text):
            break
        start = place
        try:
            _, place = decoder.raw_decode(text, start)
        except RecursionError:
            yield number, _broken(text[start:])
            return
        except json.JSONDecodeError as error:
            following = BEGINNING.search(text, max(error.pos, start + 1))
            place = following.start() if following else len(text)
            whole = False
            yield number, _broken(text[start:place])
        else:
            message = _load(text[start:place].encode())
            whole = whole and not isinstance(message, Broken)
            yield number, unwrapped(message)
        number += 1
    # Objects may follow one another; anything else that was read to its end was cut or is no JSON.
    if whole and not text.startswith("{"):
        yield number, _broken("")
