"""The cache of compiled schemes 编译缓存: tables in a folder, compiled once and kept on disk by their digest.

A file holds arrays, names and a checksum, nothing that could be run. What is damaged, cut short or made by another
version is thrown away and compiled anew; where no folder can be written, every process compiles for itself.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import tempfile
from contextlib import suppress
from dataclasses import dataclass, fields
from hashlib import sha256
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np

from tongpin import __version__
from tongpin.base.digest import folder_digest, text_digest
from tongpin.grouping.compiled.compiler import COMPILED_FORMAT, CompiledScheme, compile_scheme
from tongpin.grouping.tables.model import CaseField
from tongpin.grouping.tables.read import REQUIRED, load_scheme, table_files

if TYPE_CHECKING:
    from collections.abc import Callable

    from tongpin.grouping.tables.model import SchemeTables
    from tongpin.store.home import Home

CACHE_VARIABLE = "TONGPIN_CACHE"
KERNEL_SECONDS = 10
"""About how long the kernel takes to compile, for the message only."""
KEPT_FILES = 64
"""How many compiled schemes a cache folder keeps; the ones not read for longest go."""
_MAGIC = b"tongpin-compiled-scheme\n"
_CHECKSUM_BYTES = 32
_LENGTH_BYTES = 8
_KERNEL_SAID = Lock()
"""Taken by the thread that looks first, and kept."""
_log = logging.getLogger("tongpin")


@dataclass(frozen=True, slots=True)
class ReadyScheme:
    """A scheme as grouping needs it, without its tables: who it is, what it reads, its groups and its arrays.

    `groups` maps every group code to its name; `dx_codes` and `px_codes` are the dictionaries (empty without one).
    """

    title: str
    source: str
    digest: str
    fields: tuple[CaseField, ...]
    groups: dict[str, str]
    dx_codes: frozenset[str]
    px_codes: frozenset[str]
    compiled: CompiledScheme

    @classmethod
    def of(cls, tables: SchemeTables) -> ReadyScheme:
        """The compiled form of loaded tables; errors as of `compile_scheme`."""
        codes = dict.fromkeys([*tables.drg_names, *tables.drg_codes])
        return cls(
            title=tables.title,
            source=tables.source,
            digest=tables.digest,
            fields=tables.fields,
            groups={code: tables.drg_names.get(code, "") for code in codes},
            dx_codes=frozenset(tables.dx_names),
            px_codes=frozenset(tables.px_names),
            compiled=compile_scheme(tables),
        )


def tell(text: str) -> None:
    """One line about long work, on standard error."""
    sys.stderr.write(f"{text}\n")


def user_cache() -> Path | None:
    """The cache folder of this user: `$TONGPIN_CACHE`, else the usual one of the system; None without a home folder."""
    if os.environ.get(CACHE_VARIABLE):
        return Path(os.environ[CACHE_VARIABLE])
    if os.environ.get("XDG_CACHE_HOME"):
        return Path(os.environ["XDG_CACHE_HOME"]) / "tongpin"
    try:
        return Path.home() / ".cache" / "tongpin"
    except RuntimeError:
        return None


def cache_of(folder: Path, home: Home | None) -> Path | None:
    """Where the compiled form of a scheme folder is kept: with the scheme in its home, else with the user."""
    return home.cache if home is not None and folder.parent == home.schemes else user_cache()


def compiled_scheme(
    folder: Path, *, cache: Path | None = None, tables: SchemeTables | None = None, notice: Callable[[str], None] = tell
) -> ReadyScheme:
    """The compiled form of a scheme folder: from the cache folder when it holds one of the same digest, else anew.

    `tables` are those of the folder where they are loaded already; `notice` hears of a compilation. Without `cache`
    nothing is kept. Errors as of `load_scheme`, when it must be compiled.
    """
    if tables is not None:
        digest = tables.digest
    else:
        files = table_files(folder) if folder.is_dir() else {}
        if any(name not in files for name in REQUIRED):
            tables = load_scheme(folder)  # says what is missing
        digest = folder_digest(folder, files.values())
    path = None if cache is None else cache / f"scheme-{text_digest([digest, _maker()])[:40]}.bin"
    if path is not None:
        kept = _read(path, digest)
        if kept is not None:
            return kept
    notice("正在编译方案…")
    ready = ReadyScheme.of(tables or load_scheme(folder))
    if path is not None:
        _write(path, ready)
    return ready


def _maker() -> str:
    """What compiled forms depend on besides the tables: this version of the program and the code of this room."""
    texts = [sha256(path.read_bytes()).hexdigest() for path in _sources()]
    return text_digest([__version__, str(COMPILED_FORMAT), sys.byteorder, *texts])


def _sources() -> list[Path]:
    """The code that decides what a compiled scheme holds: this folder and the reading of the tables."""
    here = Path(__file__).parent
    return sorted([*here.glob("*.py"), *(here.parent / "tables").glob("*.py")])


def _write(path: Path, ready: ReadyScheme) -> None:
    """Keep a compiled scheme: written beside its place and moved there whole; a folder that refuses is left alone."""
    header, blobs = _parts(ready)
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    data = b"".join([_MAGIC, len(text).to_bytes(_LENGTH_BYTES, "little"), text, *blobs])
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".scheme-")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                file.write(sha256(data).digest())
            Path(temporary).replace(path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
        _tidy(path.parent)
    except OSError as error:
        _log.info("编译好的方案没有存下：%s", error)


def _tidy(folder: Path) -> None:
    """Only so many files stay; another process may tidy at the same time."""
    files = sorted(folder.glob("scheme-*.bin"), key=lambda path: path.stat().st_mtime, reverse=True)
    for path in files[KEPT_FILES:]:
        path.unlink(missing_ok=True)


def _parts(ready: ReadyScheme) -> tuple[dict[str, Any], list[bytes]]:
    """The header (everything but arrays) and the arrays in the order in which the header names them."""
    header: dict[str, Any] = {
        "title": ready.title,
        "source": ready.source,
        "digest": ready.digest,
        "fields": [[one.name, one.kind, one.label] for one in ready.fields],
        "groups": ready.groups,
        "dx_codes": sorted(ready.dx_codes),
        "px_codes": sorted(ready.px_codes),
        "values": {},
        "arrays": {},
    }
    blobs: list[bytes] = []
    for one in fields(CompiledScheme):
        value = getattr(ready.compiled, one.name)
        if isinstance(value, np.ndarray):
            if value.dtype.kind not in "biuf":
                raise TypeError(f"{one.name}: {value.dtype} cannot be kept")
            header["arrays"][one.name] = [value.dtype.str, list(value.shape)]
            blobs.append(np.ascontiguousarray(value).tobytes())
        else:
            header["values"][one.name] = value
    return header, blobs


def _read(path: Path, digest: str) -> ReadyScheme | None:
    """What a file holds; None where there is none, or one that is thrown away because it is not what it should be."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        _log.warning("编译好的方案读不出，重新编译：%s", error)
        return None
    try:
        ready = _decoded(data, digest)
    except (ValueError, KeyError, TypeError, RecursionError, OverflowError) as error:
        _log.warning("编译好的方案已损坏，丢弃并重新编译：%s（%s）", path, error)
        with suppress(OSError):
            path.unlink()
        return None
    with suppress(OSError):
        os.utime(path)
    return ready


def _decoded(data: bytes, digest: str) -> ReadyScheme:
    """A file's bytes as the scheme of this digest; ValueError where they are not whole, or are another's."""
    body, checksum = data[:-_CHECKSUM_BYTES], data[-_CHECKSUM_BYTES:]
    if not body.startswith(_MAGIC) or sha256(body).digest() != checksum:
        raise ValueError("校验和不符")
    start = len(_MAGIC) + _LENGTH_BYTES
    end = start + int.from_bytes(body[len(_MAGIC) : start], "little")
    header = json.loads(body[start:end])
    if header["digest"] != digest:
        raise ValueError("另一套方案")
    values: dict[str, Any] = dict(header["values"])
    for name, (kind, shape) in header["arrays"].items():
        count = int(np.prod(shape, dtype=np.int64))
        # A copy: the kernel is compiled for arrays that own their memory and may be written.
        values[name] = np.frombuffer(body, np.dtype(kind), count, end).reshape(shape).copy()
        end += values[name].nbytes
    if end != len(body):
        raise ValueError("长度不符")
    return ReadyScheme(
        title=header["title"],
        source=header["source"],
        digest=header["digest"],
        fields=tuple(CaseField(*one) for one in header["fields"]),
        groups=header["groups"],
        dx_codes=frozenset(header["dx_codes"]),
        px_codes=frozenset(header["px_codes"]),
        compiled=CompiledScheme(**values),
    )


def announce_kernel(notice: Callable[[str], None] = tell) -> None:
    """Say once that the kernel will be compiled, when no compiled form of it lies where Numba keeps it."""
    if (
        "tongpin.grouping.compiled.kernel" not in sys.modules
        and _KERNEL_SAID.acquire(blocking=False)
        and not kernel_is_kept()
    ):
        notice(f"首次使用，正在编译分组核（约 {KERNEL_SECONDS} 秒）…")


def kernel_is_kept() -> bool:
    """Whether Numba has kept a compiled kernel that is no older than its source; Numba itself is not imported."""
    source = Path(__file__).with_name("kernel.py")
    places = [source.parent / "__pycache__"]
    if os.environ.get("NUMBA_CACHE_DIR"):
        places = list(Path(os.environ["NUMBA_CACHE_DIR"]).glob("*"))
    else:
        with suppress(RuntimeError):
            places += (Path.home() / ".cache" / "numba").glob("*")
    made = source.stat().st_mtime if source.is_file() else 0.0
    mark = f"py{sys.version_info.major}{sys.version_info.minor}"
    kept = (path for place in places for path in place.glob("kernel.*.nbi") if mark in path.name)
    return any(path.stat().st_mtime >= made for path in kept)
