"""The policy library 付费办法库: the editions of a home and those that come with Tongpin."""

from __future__ import annotations

from datetime import timedelta
from importlib.resources import files
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tongpin.base.errors import PolicyError
from tongpin.payment.policy.policy import POLICY_FILE, Policy

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tongpin.store.home import Home

DEMONSTRATION = "demo-east"
"""The shipped area that a home without an area of its own settles."""


def shipped_policies() -> Path:
    """The folder of the editions that come with Tongpin."""
    return Path(str(files("tongpin"))) / "policies"


def policy_folders(home: Home) -> dict[str, Path]:
    """Every edition at hand as `area/edition` → folder; one of the home hides a shipped one of the same name."""
    found: dict[str, Path] = {}
    for root in (shipped_policies(), home.policies):
        for path in sorted(root.glob(f"*/*/{POLICY_FILE}")):
            found[f"{path.parent.parent.name}/{path.parent.name}"] = path.parent
    return dict(sorted(found.items()))


def open_policy(home: Home, area: str | None, month: str) -> Policy:
    """The edition of an area for a month (`YYYY-MM`): the newest one in force by its end; drafts are left aside.

    Without an area the home's own, else the shipped demonstration. Raises PolicyError `policy.unknown` (no such
    area), `policy.choose` (several areas in the home), `policy.overlap` or `policy.gap` (no edition for the month).
    """
    return edition_of(editions_of(home, area), month)


def editions_of(home: Home, area: str | None) -> list[Policy]:
    """Every edition of an area, drafts among them; the released ones claim no day twice.

    Without an area as `open_policy`, which see for what is raised.
    """
    folders = policy_folders(home)
    wanted = area or _own_area(home, folders)
    editions = [policy_named(home, name) for name in folders if name.split("/")[0] == wanted]
    if not editions:
        areas = sorted({name.split("/")[0] for name in folders})
        raise PolicyError("policy.unknown", f"没有统筹区 {wanted} 的付费办法", hint=f"已有：{'、'.join(areas)}")
    check_spans([policy for policy in editions if not policy.edition.draft])
    return editions


def edition_of(editions: Sequence[Policy], month: str) -> Policy:
    """The newest released edition of an area in force by the end of a month; PolicyError `policy.gap` without one."""
    in_force = [policy for policy in editions if not policy.edition.draft and _holds(policy, month)]
    if not in_force:
        spans = "、".join(f"{policy.id}（{span_words(policy)}）" for policy in editions)
        raise PolicyError(
            "policy.gap",
            f"统筹区 {editions[0].id.split('/')[0]} 没有在 {month} 有效的付费办法",
            where=spans,
            hint="补一个管到这个月的版本；草案去掉 draft 一行即成为正式版本",
        )
    return max(in_force, key=lambda policy: policy.begins)


def _own_area(home: Home, folders: Mapping[str, Path]) -> str:
    """The one area of which the home holds a released edition of its own, else the demonstration."""
    names = [name for name, folder in folders.items() if folder.is_relative_to(home.policies)]
    own = sorted({name.split("/")[0] for name in names if not policy_named(home, name).edition.draft})
    if len(own) > 1:
        raise PolicyError("policy.choose", f"有几个统筹区：{'、'.join(own)}", hint="用 --area 指定一个")
    return own[0] if own else DEMONSTRATION


def _holds(policy: Policy, month: str) -> bool:
    until = policy.edition.until
    return f"{policy.begins:%Y-%m}" <= month and (until is None or f"{until:%Y-%m}" >= month)


def check_spans(editions: Sequence[Policy]) -> None:
    """PolicyError `policy.overlap` when two released editions of an area claim the same days.

    They do when they begin on the same day, or when one begins before the last day (`until`) of the one before it.
    """
    for earlier, later in pairwise(sorted(editions, key=lambda policy: policy.begins)):
        until = earlier.edition.until
        if earlier.begins == later.begins or (until is not None and until >= later.begins):
            raise PolicyError(
                "policy.overlap",
                f"{earlier.id}（{span_words(earlier)}）与 {later.id}（{span_words(later)}）都管 {later.begins}",
                where=later.file,
                hint=f"给前一版写 until: {later.begins - timedelta(days=1)}，或改后一版的生效日期；草案写 draft: true",
            )


def span_words(policy: Policy) -> str:
    """From when until when an edition holds, in words."""
    until = policy.edition.until
    return f"{'草案，' * policy.edition.draft}{policy.begins} 起{f'，至 {until}' if until else ''}"


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
