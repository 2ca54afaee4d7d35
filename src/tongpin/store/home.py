"""The home 工作目录: one folder that holds everything a bureau or a hospital keeps."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tongpin.base.errors import StoreError

try:
    import fcntl
except ImportError:  # not on Windows
    fcntl = None  # type: ignore[assignment]

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tongpin.store.scope import Scope

HOME_VARIABLE = "TONGPIN_HOME"
DEFAULT_HOME = "tongpin-home"
_KEY_BYTES = 32
_KEY = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Home:
    """The folder given by `--home`, else `$TONGPIN_HOME`, else `./tongpin-home`; with a `scope` a part of its rows."""

    root: Path
    scope: Scope | None = None

    @classmethod
    def open(cls, path: Path | str | None = None) -> Home:
        """The home at a path; nothing is created before something is kept."""
        root = Path(path or os.environ.get(HOME_VARIABLE) or DEFAULT_HOME).expanduser()
        if root.exists() and not root.is_dir():
            raise StoreError("home.folder", f"{root} 是一个文件，不是工作目录", hint="用 --home 指定一个文件夹")
        return cls(root)

    def within(self, scope: Scope) -> Home:
        """The same folder as a scope sees it, read-only; a home within a scope becomes narrower, never wider."""
        narrow = scope.narrowed(self.scope)
        return Home(self.root, None if narrow.is_whole else narrow)

    def check_writable(self) -> None:
        """Nothing, or StoreError `store.scope_write` in a home within a scope: what sees a part keeps nothing."""
        if self.scope is not None:
            raise StoreError(
                "store.scope_write",
                "限于一定范围的人不能直接写工作目录",
                where=str(self.root),
                hint="由工作台核对范围之后代为写入",
            )

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the home for one writer at a time; the hold ends with the process, however it ends.

        Raises StoreError `home.busy` when another process holds it, and as `check_writable`. Systems without `flock` go
        on without.
        """
        self.check_writable()
        if fcntl is None or not self.root.exists():
            yield
            return
        with (self.root / ".lock").open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise StoreError(
                    "home.busy", "另一个同频命令正在写这个工作目录", where=str(self.root), hint="等它结束再试"
                ) from error
            yield

    @property
    def lake(self) -> Path:
        """The lake of Delta tables."""
        return self.root / "lake"

    @property
    def schemes(self) -> Path:
        """Imported grouping schemes, one folder each."""
        return self.root / "schemes"

    @property
    def cache(self) -> Path:
        """What can be made again from the rest, such as compiled schemes; may be deleted at any time."""
        return self.root / "cache"

    @property
    def policies(self) -> Path:
        """Policy editions of this home, `AREA/EDITION`."""
        return self.root / "policies"

    @property
    def reports(self) -> Path:
        """Where reports go; they show the whole, and so a home within a scope has none (`check_writable`)."""
        self.check_writable()
        return self.root / "reports"

    @property
    def demo(self) -> Path:
        """The files and the truth of the demonstration city; not for a home within a scope (`check_writable`)."""
        self.check_writable()
        return self.root / "demo"

    @property
    def demo_city(self) -> Path:
        """The record of the demonstration city that the home holds; missing where it holds none."""
        return self.root / "demo" / "city.json"

    def patient_key(self) -> bytes:
        """The secret with which patient identifiers are hashed; made at first use, readable by the owner only.

        Raises StoreError `store.key` when the key of a home that holds a lake is gone, or when it is not whole: another
        key would make strangers of the patients already loaded.
        """
        path = self.root / "patient.key"
        if not path.exists():
            if self.lake.exists():
                raise StoreError(
                    "store.key",
                    "患者密钥不见了；换一把密钥，已装载的患者就认不出来了",
                    where=str(path),
                    hint="从备份恢复 patient.key；没有备份时换一个新的工作目录，重新装载全部文件",
                )
            self.root.mkdir(parents=True, exist_ok=True)
            with contextlib.suppress(FileExistsError):  # another process was first; its key is read below
                descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
                with os.fdopen(descriptor, "w") as file:
                    file.write(secrets.token_hex(_KEY_BYTES))
        text = path.read_text(encoding="utf-8", errors="replace").strip()
        if not _KEY.fullmatch(text):
            raise StoreError(
                "store.key",
                "患者密钥不完整",
                where=str(path),
                hint="从备份恢复 patient.key；还没有装载过数据时删去它再装载",
            )
        return bytes.fromhex(text)
