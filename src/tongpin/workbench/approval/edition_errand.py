"""Edition errand 付费办法新版本: an edition put forward as a package, installed as it was approved (S900-01)."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from tongpin.base.errors import PolicyError, TongpinError
from tongpin.base.findings import SEVERITY_LABELS
from tongpin.documents.attachments import kept_file
from tongpin.payment.policy.difference import KINDS, WHOLE, differences
from tongpin.payment.policy.install import check_new_edition, edition_before, install_edition
from tongpin.payment.policy.library import span_words
from tongpin.payment.policy.policy import Policy
from tongpin.payment.policy.prose import ASSUMED, whole_lines
from tongpin.payment.policy.vocabulary import FAMILIES, KNOWN
from tongpin.workbench.approval.edition_package import package_files
from tongpin.workbench.approval.errand_shapes import Errand, Proposal, Task, Wanted, column, fact, table
from tongpin.workbench.approval.uploaded import as_folder

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tongpin.base.findings import Finding
    from tongpin.payment.policy.difference import Difference
    from tongpin.payment.policy.prose import Line
    from tongpin.store.home import Home

POLICY_EDITION = "policy_edition"
_CHANGES = (
    column("family", "类"),
    column("label", "参数"),
    column("kind_label", "变化"),
    column("before", "现行"),
    column("after", "新版本"),
)
_FINDINGS = (
    column("severity_label", "轻重"),
    column("path", "项"),
    column("message", "问题"),
    column("hint", "怎么办"),
)

_ASSUMED = (column("family", "类"), column("labels", "参数"))


def _propose(home: Home, wanted: Wanted) -> Proposal:
    file = wanted.file
    if file is None:
        raise TongpinError("policy.package", "没有付费办法的压缩包", hint="上传一个版本的 zip")
    with as_folder(package_files(file.content, file.name)) as folder:
        policy = Policy.load(folder)
        findings = check_new_edition(home, policy)
        _check_sound(policy, findings)
        standing = edition_before(home, policy)
        changes = differences(standing, policy) if standing is not None else ()
    payload = _payload(policy, standing, changes, findings)
    payload["file"] = {"name": file.name, "digest": hashlib.sha256(file.content).hexdigest()}
    return Proposal(policy.id, f"付费办法新版本：{policy.edition.label}（{policy.id}）", payload, file=file)


def _check_sound(policy: Policy, findings: Sequence[Finding]) -> None:
    errors = [one for one in findings if one.severity == "error"]
    if errors:
        raise PolicyError(
            "policy.faults",
            f"这个版本有 {len(errors)} 处错误，不起草：{errors[0].message}",
            where=policy.id,
            hint="改正后重新压缩、上传；没有保存任何东西",
            findings=sorted(findings, key=lambda one: [*SEVERITY_LABELS].index(one.severity)),
        )


def _payload(
    policy: Policy, standing: Policy | None, changes: Sequence[Difference], findings: Sequence[Finding]
) -> dict[str, Any]:
    edition, assumed = policy.edition, policy.assumed_keys()
    words = {line.key: line.words for line in whole_lines(policy)}
    told = f"{standing.edition.label}（{standing.id}，{span_words(standing)}）" if standing else "本统筹区还没有版本"
    basis = [
        fact("policy", "新版本", f"{edition.label}（{policy.id}）"),
        fact("area_label", "统筹区", edition.area),
        fact("span", "有效", span_words(policy)),
        fact("scheme", "分组方案", words["scheme"]),
        fact("weights", "权重", words.get("weights", policy.weights_label)),
        fact("parameters", "参数", len(edition.parameters), "integer", "项"),
        fact("assumed", "没有文件确认", len(assumed), "integer", "项"),
        fact("standing", "比的是", told),
        fact("result", "结果摘要", policy.digest[:16]),
    ]
    rows = [
        {
            "family": one.family,
            "label": one.label,
            "kind_label": KINDS[one.kind],
            "before": _said(one.before),
            "after": _said(one.after),
        }
        for one in changes
    ]
    found = [
        {
            "severity_label": SEVERITY_LABELS[one.severity],
            "path": one.path,
            "message": one.message,
            "hint": one.hint,
        }
        for one in findings
    ]
    counts = "、".join(f"{label} {sum(one.kind == kind for one in changes)}" for kind, label in KINDS.items())
    return {
        "area": policy.id.split("/")[0],
        "policy": policy.id,
        "policy_label": edition.label,
        "standing": standing.id if standing else None,
        "approved": {"result_digest": policy.digest},
        "assumed": [*assumed],
        "simulated": f"模拟：有 {len(assumed)} 项取值没有文件确认" if assumed else "",
        "basis": basis,
        "tables": [
            table("rows", f"与现行版本的不同（{counts}）", _CHANGES, rows),
            table("findings", "检查", _FINDINGS, found),
            table("assumed", "没有文件确认的取值", _ASSUMED, _assumed(policy)),
        ],
        "notes": ["办结并执行后装入本工作目录；已关账的月份仍按关账时的版本。"],
    }


def _assumed(policy: Policy) -> list[dict[str, str]]:
    """What no document confirms, family by family."""
    labels = {line.key: line.label for line in whole_lines(policy)}
    found: dict[str, list[str]] = {}
    for key in policy.assumed_keys():
        known = KNOWN.get(key)
        family = WHOLE if known is None else f"{known.family}. {FAMILIES[known.family].label}"
        found.setdefault(family, []).append(labels.get(key, key) if known is None else known.label)
    return [{"family": family, "labels": "、".join(named)} for family, named in found.items()]


def _said(lines: Iterable[Line]) -> str:
    """What an edition says of a parameter, a date after the other."""
    return "；".join(
        f"{f'{one.since} 起：' if one.since else ''}{one.words}{'（模拟）' if one.source.startswith(ASSUMED) else ''}"
        for one in lines
    )


def _install(home: Home, task: Task) -> dict[str, Any]:
    file = task.payload["file"]
    content = kept_file(home, file["digest"], file["name"])
    with as_folder(package_files(content, file["name"])) as folder:
        policy = install_edition(home, folder, task.payload["approved"]["result_digest"])
    return {"result_digest": policy.digest, "policy": policy.id}


EDITION = Errand(
    POLICY_EDITION,
    "policies.write",
    "装入新版本",
    "把批准的文件装入本工作目录，从其生效日期起按它付费；同名版本已在、日期重叠或文件不同就不装。",
    "重新检查",
    _propose,
    _install,
)
