"""Edition package 付费办法的压缩包: a zip that holds `policy.yaml` and its tables, read within limits, nothing else."""

from __future__ import annotations

import io
import stat
import zipfile
import zlib
from pathlib import PurePosixPath

from tongpin.base.errors import PolicyError
from tongpin.documents.kinds import limit
from tongpin.payment.policy.policy import POLICY_FILE

_ENCRYPTED = 0x1
_DAMAGED = (OSError, EOFError, zlib.error, zipfile.BadZipFile, NotImplementedError, RuntimeError)


def package_files(content: bytes, name: str) -> dict[str, bytes]:
    """The files of an edition by their plain names; folders around them are left aside.

    PolicyError `policy.package`: no zip, locked or damaged, names that lead out of it, links, anything that is no part
    of an edition, tables elsewhere than beside the one `policy.yaml`, too many files or too large.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = [one for one in archive.infolist() if not one.is_dir()]
            _check_members(members, name)
            return _read(archive, members, name)
    except _DAMAGED:
        raise _refused("不是完好的 zip 压缩包", name, "重新压缩再传") from None


def _check_members(members: list[zipfile.ZipInfo], name: str) -> None:
    if len(members) > limit("package_count"):
        raise _refused(f"压缩包里超过 {limit('package_count')} 个文件", name, "只放一个版本")
    for one in members:
        path = PurePosixPath(one.filename)
        if path.is_absolute() or ".." in path.parts or "\\" in one.filename or ":" in one.filename:
            raise _refused("文件名指到压缩包之外", f"{name} {one.filename}", "直接压缩版本的文件夹")
        if stat.S_ISLNK(one.external_attr >> 16) or one.flag_bits & _ENCRYPTED:
            raise _refused("压缩包里有链接或加了密", f"{name} {one.filename}", "直接压缩版本的文件夹，不加密")
        if path.name != POLICY_FILE and path.suffix != ".csv":
            raise _refused("压缩包里有不属于付费办法的文件", f"{name} {one.filename}", f"只放 {POLICY_FILE} 与 csv 表")
    homes = [PurePosixPath(one.filename).parent for one in members if PurePosixPath(one.filename).name == POLICY_FILE]
    if len(homes) != 1:
        raise _refused(f"压缩包里应有一个 {POLICY_FILE}，有 {len(homes)} 个", name, "一份公文一个版本")
    for one in members:
        if PurePosixPath(one.filename).parent != homes[0]:
            raise _refused(f"表没有与 {POLICY_FILE} 放在一起", f"{name} {one.filename}", "放在同一个文件夹")
    if len({PurePosixPath(one.filename).name for one in members}) != len(members):
        raise _refused("压缩包里有同名的文件", name, "每个文件只放一次")


def _read(archive: zipfile.ZipFile, members: list[zipfile.ZipInfo], name: str) -> dict[str, bytes]:
    """The bytes, counted while they are unpacked: what a zip says of its sizes proves nothing."""
    left = limit("package_bytes")
    found = {}
    for one in members:
        with archive.open(one) as file:
            held = file.read(left + 1)
        left -= len(held)
        if left < 0:
            most = limit("package_bytes") // 2**20
            raise _refused(f"压缩包解开超过 {most} MB", name, "付费办法没有这样大，核对文件")
        found[PurePosixPath(one.filename).name] = held
    return found


def _refused(message: str, where: str, hint: str) -> PolicyError:
    return PolicyError("policy.package", message, where=where, hint=hint)
