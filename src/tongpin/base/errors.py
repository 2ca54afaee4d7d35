"""Errors 错误: what is wrong, where, why, and how to mend it; Chinese for people, a code for machines."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tongpin.base.findings import Finding


_OS_WORDS = {
    errno.ENOENT: "没有这个文件或文件夹",
    errno.EISDIR: "这是一个文件夹，不是文件",
    errno.ENOTDIR: "路径中有一段不是文件夹",
    errno.EACCES: "没有权限",
    errno.EEXIST: "已经有同名的文件",
    errno.ENOSPC: "磁盘已满",
    errno.ELOOP: "链接绕成了圈",
}


def os_words(error: OSError) -> str:
    """What the operating system refused, in Chinese where the cause is a common one."""
    return _OS_WORDS.get(error.errno or 0, error.strerror or str(error))


class TongpinError(Exception):
    """A refusal that a person can act on.

    `code` is stable and dotted (`scheme.when.syntax`), `message` says what and why in Chinese, `where` names the
    file, row, column or key, `hint` says how to mend it, `findings` are all the faults where there are several.
    Source: house rules (errors are public interface).
    """

    def __init__(
        self, code: str, message: str, *, where: str = "", hint: str = "", findings: Sequence[Finding] = ()
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.where = where
        self.hint = hint
        self.findings = tuple(findings)

    def __reduce__(self) -> tuple[Any, ...]:
        """Errors cross process borders whole: worker processes hand them back."""
        return _rebuilt, (type(self), self.code, self.message, self.where, self.hint, self.findings)

    def __str__(self) -> str:
        """The error in the order a person reads it: code, place, what, mend."""
        place = f" {self.where}" if self.where else ""
        mend = f"\n怎么改：{self.hint}" if self.hint else ""
        return f"[{self.code}]{place} {self.message}{mend}"

    def as_dict(self) -> dict[str, Any]:
        """The one error shape of the command line (`--json`) and, later, of the API."""
        return {
            "ok": False,
            "code": self.code,
            "message": self.message,
            "hint": self.hint,
            "path": self.where,
            "errors": [finding.as_dict() for finding in self.findings],
        }


def _rebuilt(
    kind: type[TongpinError], code: str, message: str, where: str, hint: str, findings: tuple[Finding, ...]
) -> TongpinError:
    return kind(code, message, where=where, hint=hint, findings=findings)


class SchemeError(TongpinError):
    """A grouping scheme that cannot be used as it stands."""


class PolicyError(TongpinError):
    """A payment policy edition that cannot be used as it stands."""


class RecordsError(TongpinError):
    """An input file that cannot be read at all (single records become findings instead)."""


class BalanceError(TongpinError):
    """Money that does not add up: the run stops and writes nothing."""


class StoreError(TongpinError):
    """A home or a table of it that cannot be used as asked."""
