"""Open loop 开环负载: users who act at planned moments, whether or not the last answer has come.

The latency of a request counts from the moment at which it was planned to be sent; the load runs in its own process.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import socket
import time
import zlib
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import cycle, islice
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

DONE = 200
"""The status of an answer that is a success."""
READY_SECONDS = 0.5
"""The time between the start of the load and its first request."""
_PATIENCE = 60.0
"""So long is an answer waited for; a request without one counts with this latency."""


class Asker(NamedTuple):
    """A user's browser: its session's cookie, and the token that unsafe requests carry."""

    cookie: str
    csrf: str


class Request(NamedTuple):
    """A request as it is sent, without the headers that say who asks."""

    method: str
    path: str
    body: str = ""


class Answer(NamedTuple):
    """What came back: the status (0 = nothing), the body as it was before it was compressed, the bytes on the wire."""

    status: int
    body: bytes
    size: int


@dataclass(frozen=True)
class Load:
    """The latencies of a load in seconds, from the planned moments, and how many answers were no success."""

    latencies: tuple[float, ...]
    failures: int
    late_seconds: float
    """The most by which this process itself was late in sending."""
    bytes_received: int


def loaded(port: int, askers: Sequence[Asker], requests: Sequence[Request], rate: float, seconds: float) -> Load:
    """Send `rate` requests a second for so many seconds, the users in turn, from a process of its own."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(_run, port, tuple(askers), tuple(requests), rate, seconds).result()


def one_by_one(port: int, asker: Asker, requests: Sequence[Request], pause: float) -> Load:
    """Each request so many seconds after the last answer, from a process of its own: what an idle server takes.

    The latency counts from the moment of sending: nothing else is under way, and nobody waits in line.
    """
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(_run_one_by_one, port, asker, tuple(requests), pause).result()


def fetched(port: int, asker: Asker | None, requests: Sequence[Request], *, afresh: bool = False) -> list[Answer]:
    """The answers to some requests one after another over one connection, or each over a connection `afresh`."""

    async def all_of() -> list[Answer]:
        found = []
        line = _Line(port)
        for one in requests:
            found.append(await line.ask(asker, one))
            if afresh:
                line.close()
        line.close()
        return found

    return asyncio.run(all_of())


def at_once(port: int, asked: Sequence[tuple[Asker | None, Request]]) -> list[Answer]:
    """The answers to requests that are all sent in one moment, each over a connection of its own."""

    async def one_of(asker: Asker | None, request: Request) -> Answer:
        line = _Line(port)
        found = await line.ask(asker, request)
        line.close()
        return found

    async def all_of() -> list[Answer]:
        return list(await asyncio.gather(*(one_of(*one) for one in asked)))

    return asyncio.run(all_of())


def _run_one_by_one(port: int, asker: Asker, requests: Sequence[Request], pause: float) -> Load:
    latencies, failures, received = [], 0, 0
    # A plain socket: the sender's own work is small beside what it measures.
    with socket.create_connection(("127.0.0.1", port)) as line, line.makefile("rb") as answers:
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for one in requests:
            asked = _written(asker, one)
            time.sleep(pause)
            begin = time.perf_counter()
            line.sendall(asked)
            status = answers.readline()
            length = 0
            while (header := answers.readline()) != b"\r\n":
                name, value = header.lower().split(b": ")
                length = int(value) if name == b"content-length" else length
            answers.read(length)
            latencies.append(time.perf_counter() - begin)
            failures += status.split()[1] != str(DONE).encode()
            received += length
    return Load(tuple(latencies), failures, 0.0, received)


def _run(port: int, askers: Sequence[Asker], requests: Sequence[Request], rate: float, seconds: float) -> Load:
    return asyncio.run(_open_loop(port, askers, requests, rate, seconds))


async def _open_loop(
    port: int, askers: Sequence[Asker], requests: Sequence[Request], rate: float, seconds: float
) -> Load:
    lines = [_Line(port) for _ in askers]
    await asyncio.gather(*(line.open() for line in lines))
    begin = time.perf_counter() + READY_SECONDS
    failures = received = 0
    late = 0.0

    async def act(place: int, user: int, request: Request) -> float:
        nonlocal failures, received, late
        planned = begin + place / rate
        await asyncio.sleep(planned - time.perf_counter())
        late = max(late, time.perf_counter() - planned)
        try:
            async with asyncio.timeout(_PATIENCE):
                answer = await lines[user].ask(askers[user], request)
        except (TimeoutError, OSError, asyncio.IncompleteReadError):
            lines[user].close()
            failures += 1
            return _PATIENCE
        failures += answer.status != DONE
        received += answer.size
        return time.perf_counter() - planned

    count = int(rate * seconds)
    users, asked = islice(cycle(range(len(askers))), count), islice(cycle(requests), count)
    found = await asyncio.gather(*(act(*one) for one in zip(range(count), users, asked, strict=True)))
    for line in lines:
        line.close()
    return Load(tuple(found), failures, late, received)


class _Line:
    """A connection that is kept, as browsers keep theirs; who comes while a request is under way waits.

    One that the server closed meanwhile is opened again, as browsers do, and that takes its time of the answer.
    """

    def __init__(self, port: int) -> None:
        self._port = port
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._turn = asyncio.Lock()

    async def open(self) -> None:
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)

    async def _head(self, asker: Asker | None, request: Request) -> list[str]:
        if self._writer is None:
            await self.open()
        assert self._writer is not None
        assert self._reader is not None
        self._writer.write(_written(asker, request))
        return (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")

    async def ask(self, asker: Asker | None, request: Request) -> Answer:
        async with self._turn:
            was_open = self._writer is not None
            try:
                head = await self._head(asker, request)
            except (ConnectionError, asyncio.IncompleteReadError) as error:
                if not was_open or (isinstance(error, asyncio.IncompleteReadError) and error.partial):
                    raise
                self.close()
                head = await self._head(asker, request)
            assert self._reader is not None
            headers = dict(line.lower().split(": ", 1) for line in head[1:] if line)
            body = await self._reader.readexactly(int(headers.get("content-length", 0)))
        plain = zlib.decompress(body, 16 + zlib.MAX_WBITS) if headers.get("content-encoding") == "gzip" else body
        return Answer(int(head[0].split(" ")[1]), plain, len(body))

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()
        self._reader = self._writer = None


def _written(asker: Asker | None, request: Request) -> bytes:
    body = request.body.encode()
    lines = [
        f"{request.method} {request.path} HTTP/1.1",
        "Host: 127.0.0.1",
        "Accept-Encoding: gzip",
        f"Content-Length: {len(body)}",
    ]
    if body:
        lines.append("Content-Type: application/json")
    if asker is not None:
        lines += [f"Cookie: tongpin_session={asker.cookie}", f"X-CSRF-Token: {asker.csrf}"]
    return "\r\n".join([*lines, "", ""]).encode() + body


def post(path: str, body: Any) -> Request:
    """A request that sends JSON."""
    return Request("POST", path, json.dumps(body, ensure_ascii=False))
