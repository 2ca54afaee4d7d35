"""The policy library 付费办法库: the editions of a home and those that come with Tongpin."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tongpin.base.errors import PolicyError
from tongpin.payment.policy.policy import POLICY_FILE, Policy

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tongpin.store.home import Home


def policy_folders(home: Home) -> dict[str, Path]:
    """Every edition at hand as `area/edition` → folder; one of the home hides a shipped one of the same name."""
    found: dict[str, Path] = {}
    for root in (Path(str(files("tongpin"))) / "policies", home.policies):
        for path in sorted(root.glob(f"*/*/{POLICY_FILE}")):
            found[f"{path.parent.parent.name}/{path.parent.name}"] = path.parent
    return found


def open_policy(home: Home, area: str | None, month: str) -> Policy:
    """The edition of an area for a month (`YYYY-MM`): the newest one whose values have begun by its end.

    Without an area the home's own, else the shipped demonstration. Raises PolicyError `policy.unknown` (no such
    area) or `policy.choose` (several areas in the home).
    """
    folders = policy_folders(home)
    areas = sorted({name.split("/")[0] for name in folders})
    own = sorted({path.name for path in home.policies.glob("*") if any(path.glob(f"*/{POLICY_FILE}"))})
    if area is None and len(own) > 1:
        raise PolicyError("policy.choose", f"有几个统筹区：{'、'.join(own)}", hint="用 --area 指定一个")
    wanted = area or (own[0] if own else areas[0])
    editions = [policy_named(home, name) for name in sorted(folders) if name.split("/")[0] == wanted]
    if not editions:
        raise PolicyError("policy.unknown", f"没有统筹区 {wanted} 的付费办法", hint=f"已有：{'、'.join(areas)}")
    begun = [edition for edition in editions if f"{edition.begins:%Y-%m}" <= month]
    return max(begun or editions[:1], key=lambda edition: edition.begins)


def policy_named(home: Home, name: str) -> Policy:
    """The edition `area/edition`; PolicyError `policy.unknown` or `policy.id` (its id contradicts its folder)."""
    folders = policy_folders(home)
    if name not in folders:
        raise PolicyError("policy.unknown", f"没有付费办法 {name}", hint=f"已有：{'、'.join(folders)}")
    policy = Policy.load(folders[name])
    if policy.id != name:
        raise PolicyError(
            "policy.id", f"文件夹是 {name}，文件里写的 id 是 {policy.id}", where=policy.file, hint="两处写成一样"
        )
    return policy


def policy_at_close(home: Home, manifest: Mapping[str, Any]) -> Policy:
    """The edition a month was closed with; PolicyError `policy.changed` when its file has changed since."""
    policy = policy_named(home, manifest["policy"])
    if policy.digest != manifest["policy_digest"]:
        raise PolicyError(
            "policy.changed",
            f"{manifest['month']} 关账时的付费办法 {policy.id} 后来改过，两面的数会对不上",
            where=policy.file,
            hint="放回关账时的文件；新的取值另出一个版本",
        )
    return policy
