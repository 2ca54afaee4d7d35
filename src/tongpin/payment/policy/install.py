"""Installing 装入新版本: an edition from outside is checked against those at hand, and put beside them as approved."""

from __future__ import annotations

import secrets
import shutil
from typing import TYPE_CHECKING

from tongpin.base.errors import PolicyError
from tongpin.payment.policy.check import check_edition, finding_of, groups_of
from tongpin.payment.policy.drafts import check_new_name
from tongpin.payment.policy.library import check_spans, policy_folders, policy_named
from tongpin.payment.policy.policy import POLICY_FILE, Policy

if TYPE_CHECKING:
    from pathlib import Path

    from tongpin.base.findings import Finding
    from tongpin.store.home import Home


def check_new_edition(home: Home, policy: Policy) -> list[Finding]:
    """What speaks against installing an edition (errors), and what `check_edition` says of it.

    Errors: a name that is taken or none (`policy.name`, `policy.exists`), a draft (`policy.draft`), days that another
    released edition claims (`policy.overlap`).
    """
    findings = []
    for check in (_check_release, _check_name, _check_days):
        try:
            check(home, policy)
        except PolicyError as error:
            findings.append(finding_of(policy.id, error, error.code))
    return [*findings, *check_edition(policy, groups_of(home, policy.scheme_id))]


def edition_before(home: Home, policy: Policy) -> Policy | None:
    """The released edition of the same area that holds until this one begins; none where this is the first."""
    earlier = [one for one in _released(home, policy) if one.begins < policy.begins]
    return max(earlier, key=lambda one: one.begins, default=None)


def install_edition(home: Home, folder: Path, digest: str) -> Policy:
    """The edition of a folder, put among those of the home, whole or not at all, when its digest is `digest`.

    One that is there already with that digest is left as it is. Errors: `approval.stale` (another digest), `policy.name
    | exists | draft | overlap` as `check_new_edition`, StoreError `home.busy`.
    """
    policy = Policy.load(folder)
    if policy.digest != digest:
        raise PolicyError(
            "approval.stale",
            "要装入的文件与批准的不是同一个版本",
            where=f"{policy.id}：{policy.digest[:16]}，批准的是 {digest[:16]}",
            hint="没有装入；重新上传，另起一份公文送审",
        )
    with home.locked():
        standing = policy_folders(home).get(policy.id)
        if standing is not None and standing.is_relative_to(home.policies) and Policy.load(standing).digest == digest:
            return policy_named(home, policy.id)
        for check in (_check_release, _check_name, _check_days):
            check(home, policy)
        target = home.policies.joinpath(*policy.id.split("/"))
        if target.exists():
            raise PolicyError("policy.exists", f"已经有文件夹 {policy.id}", hint="由信息科看过、移开，再执行")
        # Beside the areas, where no edition is looked for, until it is whole.
        beside = home.policies / f".{secrets.token_hex(8)}"
        beside.mkdir(parents=True)
        try:
            for path in (folder / POLICY_FILE, *folder.glob("*.csv")):
                shutil.copyfile(path, beside / path.name)
            target.parent.mkdir(exist_ok=True)
            beside.rename(target)
        finally:
            shutil.rmtree(beside, ignore_errors=True)
    return policy_named(home, policy.id)


def _check_release(_: Home, policy: Policy) -> None:
    if policy.edition.draft:
        raise PolicyError("policy.draft", "草案不用来付费", where="draft", hint="定稿后去掉 draft 一行，再起草公文")


def _check_name(home: Home, policy: Policy) -> None:
    check_new_name(home, policy.id)


def _check_days(home: Home, policy: Policy) -> None:
    check_spans([*_released(home, policy), policy])


def _released(home: Home, policy: Policy) -> list[Policy]:
    """The other released editions of its area."""
    area = policy.id.split("/")[0]
    named = [policy_named(home, name) for name in policy_folders(home) if name.split("/")[0] == area]
    return [one for one in named if one.id != policy.id and not one.edition.draft]
