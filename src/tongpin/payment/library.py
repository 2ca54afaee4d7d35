"""The policy library 付费办法库: the editions of a home and those that come with Tongpin."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from tongpin.base.errors import PolicyError
from tongpin.payment.policy import POLICY_FILE, Policy

if TYPE_CHECKING:
    from tongpin.store.home import Home


def policy_folders(home: Home) -> dict[str, Path]:
    """Every edition at hand as `area/edition` → folder; one of the home hides a shipped one of the same name."""
    found: dict[str, Path] = {}
    for root in (Path(str(files("tongpin"))) / "policies", home.policies):
        for path in sorted(root.glob(f"*/*/{POLICY_FILE}")):
            found[f"{path.parent.parent.name}/{path.parent.name}"] = path.parent
    return found


def open_policy(home: Home, area: str | None) -> Policy:
    """The newest edition of an area; without an area the home's own, else the shipped demonstration.

    Raises PolicyError `policy.unknown` (no such area) or `policy.choose` (several areas in the home).
    """
    folders = policy_folders(home)
    areas = sorted({name.split("/")[0] for name in folders})
    own = sorted({path.name for path in home.policies.glob("*") if any(path.glob(f"*/{POLICY_FILE}"))})
    if area is None and len(own) > 1:
        raise PolicyError("policy.choose", f"有几个统筹区：{'、'.join(own)}", hint="用 --area 指定一个")
    wanted = area or (own[0] if own else areas[0])
    editions = sorted(name for name in folders if name.split("/")[0] == wanted)
    if not editions:
        raise PolicyError("policy.unknown", f"没有统筹区 {wanted} 的付费办法", hint=f"已有：{'、'.join(areas)}")
    return Policy.load(folders[editions[-1]])
