"""List messages 清单报文: the bytes of a 4101 file as messages of one shape, and the values of their nodes as text."""

from __future__ import annotations

import json
import re
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from tongpin.records.tables import list_aliases

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tongpin.records.text import Decoded

NODES = ("payinfo", "opspdiseinfo", "diseinfo", "iteminfo", "oprninfo", "icuinfo")
SETL_ID = re.compile(r'"setl_id"\s*:\s*"([^"]*)"')
MISSING = ("", "-", None)
TRUE = ("1", 1)


class Broken(NamedTuple):
    """What is no JSON; of its text only the settlement id is kept, since the rest may name a person."""

    setl_id: str


def _broken(text: str) -> Broken:
    found = SETL_ID.search(text)
    return Broken(found[1] if found else "")


def messages_of(decoded: Decoded) -> Iterator[tuple[int, Any]]:
    """(record number from 1, message or what could not be parsed); of JSON lines the number is that of the line."""
    data = decoded.data.strip()
    if not data:
        yield 0, Broken("")
        return
    try:
        whole = orjson.loads(data)
    except orjson.JSONDecodeError:
        if data[:1] == b"{" and b"\n{" in data and data.split(b"\n", 1)[0].strip() != b"{":
            for number, line in enumerate(decoded.data.split(b"\n"), start=1):
                if line.strip():
                    yield number, _load(line)
        else:
            yield from _recovered(data.decode())
        return
    yield from enumerate(whole if isinstance(whole, list) else [whole], start=1)


def _load(line: bytes) -> Any:
    try:
        return orjson.loads(line)
    except orjson.JSONDecodeError:
        return _broken(line.decode(errors="replace"))


def _recovered(text: str) -> Iterator[tuple[int, Any]]:
    """The whole messages at the head of a broken text, then what is left as the broken one."""
    decoder = json.JSONDecoder()
    place, number = 0, 1
    while place < len(text):
        while place < len(text) and text[place] in " \t\r\n,[]":
            place += 1
        if place == len(text):
            break
        start = place
        try:
            _, place = decoder.raw_decode(text, start)
        except (json.JSONDecodeError, RecursionError):
            yield number, _broken(text[place:])
            return
        yield number, _load(text[start:place].encode())
        number += 1
    # Objects may follow one another; anything else that was read to its end was cut or is no JSON.
    if not text.startswith("{"):
        yield number, Broken("")


def shaped(message: Any) -> dict[str, Any] | None:
    """The message with `setlinfo` under canonical names and every node a list of objects; None where it has none."""
    if isinstance(message, dict) and isinstance(message.get("input"), dict):
        message = message["input"]
    if not isinstance(message, dict) or not isinstance(message.get("setlinfo"), dict):
        return None
    shaped: dict[str, Any] = {"setlinfo": _renamed(message["setlinfo"])}
    for node in NODES:
        found = message.get(node)
        if isinstance(found, dict):
            found = [found]
        shaped[node] = [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []
    if shaped["icuinfo"]:
        shaped["icuinfo"] = [_renamed(one) for one in shaped["icuinfo"]]
    return shaped


def _renamed(node: dict[str, Any]) -> dict[str, Any]:
    """The node with aliases replaced; a canonical name that is present wins."""
    names = list_aliases()
    if node.keys().isdisjoint(_alias_words()):
        return node
    renamed = dict(node)
    for alias, canonical in names.items():
        words = alias.split("+")
        if words[0] in node and renamed.get(canonical) in MISSING:
            renamed[canonical] = (
                "/".join(json_text(node.get(word)) or "0" for word in words) if (len(words) > 1) else node[alias]
            )
    return renamed


@cache
def _alias_words() -> frozenset[str]:
    return frozenset(word for alias in list_aliases() for word in alias.split("+"))


def json_text(value: Any) -> str | None:
    """A JSON value as text: numbers without noise, anything else that is no text as missing."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool | dict | list):
        return None
    return str(value) if isinstance(value, int) else repr(round(value, 6))


def node_code(node: dict[str, Any], name: str) -> str:
    """A code of a node, trimmed; `-` and nothing are the empty code."""
    value = node.get(name)
    code = (value if type(value) is str else json_text(value) or "").strip()
    return "" if code == "-" else code
