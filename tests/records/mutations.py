"""Files that are damaged on purpose: the samples, and the ways in which bytes are flipped, cut, doubled and spliced."""

from __future__ import annotations

import gzip
import io
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import orjson
from records_samples import FRONT_PAGE, KEY, csv_text, json_lines, message

from tongpin.records.intake.read import read
from tongpin.records.writers.front_page import write_front_page
from tongpin.records.writers.plain import write_plain
from tongpin.records.writers.shared import Names

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

EXAMPLES = Path(__file__).resolve().parents[2] / "docs" / "examples"
NASTY = (
    *(b'"', b"'", b",", b"\n", b"\r", b"\r\n", b"\x00", b"{", b"}", b"[", b"]", b":", b"|", b"\\", b"\t", b";"),
    *(b"\xef\xbb\xbf", b"\xff\xfe", b"\xff", b"\x80", b"\xd6\xd0", b"PK\x03\x04", b"PAR1", b"\x1f\x8b", b"1e3"),
    *(b"null", b"NaN", b"true", b"-", b"2025-02-30", b"20250230", b"99999999999999999999", b"0.001", b"\xef\xbf\xbd"),
    *(b"{}", b"[]", b'""', b"\\u0000", b"\\ud800", b"\xe2\x80\xa8", b"=1+1", b"#REF!", b"0000-00-00", b"-1"),
)
"""What is put into files: signs with a meaning, bytes of no encoding, values of no type."""


def samples(folder: Path) -> dict[str, bytes]:
    """Files of every format by name: the examples of the documents, and what the writers make of them."""
    made = {path.relative_to(EXAMPLES).as_posix(): path.read_bytes() for path in sorted(EXAMPLES.rglob("*.*"))}
    lists = orjson.loads(made["4101.json"])
    pages = read(EXAMPLES / "front-page.csv", key=KEY)
    cases = read(EXAMPLES / "plain.csv", key=KEY).cases
    names = Names({}, {})
    write_front_page(pages.cases, folder / "page.xlsx", names=names, persons=pages.persons)
    write_plain(cases, folder / "plain.parquet")
    write_plain(cases, folder / "plain.csv.gz")
    written = {path.name: path.read_bytes() for path in sorted(folder.iterdir())}
    lines = json_lines(*(lists if isinstance(lists, list) else [lists]), message("S7"), message("S8"))
    front = csv_text(*(FRONT_PAGE | {"A48": f"B{n}"} for n in range(4)))
    made |= written | {
        "lines.jsonl": lines,
        "lines-gb.jsonl": lines.decode().encode("gb18030"),
        "array.json": orjson.dumps([message(f"S{n}") for n in range(4)]),
        "pages.csv": front.encode(),
        "pages-gb.csv": made["front-page-zh.csv"].decode().encode("gb18030"),
        "lines.jsonl.gz": gzip.compress(lines, mtime=0),
    }
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in ("lines.jsonl", "pages.csv", "plain.csv.gz", "plain.parquet", "own/staff.csv"):
            archive.writestr(name, made[name])
    return made | {"all.zip": packed.getvalue()}


def _flip(random: random.Random, data: bytes, other: bytes) -> bytes:
    made = bytearray(data)
    for _ in range(random.choice((1, 1, 2, 8))):
        made[random.randrange(len(made))] ^= 1 << random.randrange(8)
    return bytes(made)


def _cut(random: random.Random, data: bytes, other: bytes) -> bytes:
    return data[: random.randrange(len(data))]


def _cut_out(random: random.Random, data: bytes, other: bytes) -> bytes:
    start = random.randrange(len(data))
    return data[:start] + data[start + random.choice((1, 2, 10, 200)) :]


def _double(random: random.Random, data: bytes, other: bytes) -> bytes:
    start = random.randrange(len(data))
    end = start + random.choice((1, 5, 100, 3000))
    return data[:end] + data[start:end] + data[end:]


def _splice(random: random.Random, data: bytes, other: bytes) -> bytes:
    return data[: random.randrange(len(data))] + other[random.randrange(len(other)) :]


def _insert(random: random.Random, data: bytes, other: bytes) -> bytes:
    for _ in range(random.choice((1, 1, 3))):
        place = random.randrange(len(data) + 1)
        data = data[:place] + random.choice(NASTY) * random.choice((1, 1, 2, 50)) + data[place:]
    return data


def _swap_encoding(random: random.Random, data: bytes, other: bytes) -> bytes:
    """One stretch of a text in another encoding."""
    start = random.randrange(len(data))
    end = start + random.choice((20, 500, len(data)))
    wanted = random.choice(("gb18030", "utf-16", "utf-8-sig", "latin-1", "big5"))
    part = data[start:end].decode(errors="ignore").encode(wanted, errors="replace")
    return data[:start] + part + data[end:]


def _lines(random: random.Random, data: bytes, other: bytes) -> bytes:
    """The lines in another order, some twice, with other line ends."""
    lines = data.split(b"\n")
    random.shuffle(lines)
    return random.choice((b"\n", b"\r\n", b"\r", b"\n\n")).join(lines + lines[: random.randrange(3)])


def _again(random: random.Random, data: bytes, other: bytes) -> bytes:
    """The file twice, or packed, or with another one behind it."""
    packed = gzip.compress(data, mtime=0)
    return random.choice((data + data, data + other, data + b"\n" + other, packed, data + b"\x00" * 8))


def _replace_value(random: random.Random, data: bytes, other: bytes) -> bytes:
    """Some value, of JSON or CSV, in place of which something nasty stands."""
    sign = random.choice((b",", b":", b'"', b"\n", b"|"))
    parts = data.split(sign)
    parts[random.randrange(len(parts))] = random.choice(NASTY)
    return sign.join(parts)


MUTATIONS: tuple[Callable[[random.Random, bytes, bytes], bytes], ...] = (
    *(_flip, _cut, _cut_out, _double, _splice, _insert, _swap_encoding, _lines, _again, _replace_value),
)


def mutated(random: random.Random, data: bytes, other: bytes) -> bytes:
    """A file damaged in one to three ways; `other` is what is spliced into it."""
    for _ in range(random.choice((1, 1, 1, 2, 3))):
        data = random.choice(MUTATIONS)(random, data or b"\n", other)
    return data


def mutated_within(random: random.Random, line: bytes, without: bytes) -> bytes:
    """A line damaged so that it stays one line, without certain signs."""
    for _ in range(random.choice((1, 1, 2, 3))):
        line = random.choice((_flip, _cut_out, _double, _insert))(random, line or b" ", b"")
    return line.translate(None, b"\n\r" + without)
