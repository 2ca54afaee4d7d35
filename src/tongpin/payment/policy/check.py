"""The check of an edition 检查: gaps that would refuse cases later are found before a month is settled."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tongpin.base.errors import PolicyError
from tongpin.base.findings import Finding
from tongpin.payment.policy.edition import ANY
from tongpin.payment.policy.frozen import frozen_digests, frozen_findings
from tongpin.payment.policy.library import check_spans, policy_folders, policy_named, shipped_policies
from tongpin.payment.policy.routes import ROUTES_FILE, open_routes, possible_ties
from tongpin.payment.policy.vocabulary import DIMENSIONS, FAMILIES, KNOWN

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from tongpin.payment.policy.policy import Policy
    from tongpin.store.home import Home

EXAMPLES = 5
UNREADABLE = "policy.unreadable"
"""The rule of an edition that is refused as a whole."""

_CLOSED_DIMENSIONS = ("insurance", "fund", "hospital_level", "pay_mode", "ungrouped")
"""Dimensions whose values the parameters of an edition have to share."""


def check_edition(policy: Policy, groups: Iterable[str] | None = None) -> list[Finding]:
    """What an edition leaves open or says unevenly; `groups` are those of its scheme where that is at hand.

    Warnings: a group without weight, a value that begins later than the others, a fund or level that one parameter
    knows and another does not. Remarks: families of choices left open, values that no document confirms.
    """
    return [
        *(_weight_findings(policy, set(groups)) if groups is not None and policy.edition.weights else ()),
        *_date_findings(policy),
        *_leaf_findings(policy),
        *_remarks(policy),
    ]


def check_library(home: Home) -> list[Finding]:
    """Faults of the editions at hand as a whole: unreadable, overlapping, or changed since their release."""
    findings: list[Finding] = []
    policies: list[Policy] = []
    for name in policy_folders(home):
        try:
            policies.append(policy_named(home, name))
        except PolicyError as error:
            findings.append(finding_of(name, error, UNREADABLE))
    for area in sorted({policy.id.split("/")[0] for policy in policies}):
        try:
            check_spans([p for p in policies if p.id.split("/")[0] == area and not p.edition.draft])
        except PolicyError as error:
            findings.append(finding_of(area, error, error.code))
    try:
        findings += possible_ties(open_routes(home))
    except PolicyError as error:
        findings.append(finding_of(ROUTES_FILE, error, error.code))
    shipped = {policy.id: policy.digest for policy in policies if Path(policy.file).is_relative_to(shipped_policies())}
    recorded = frozen_digests()
    hidden = set(policy_folders(home)) - set(shipped)
    return findings + frozen_findings(
        {name: digest for name, digest in recorded.items() if name not in hidden}, shipped
    )


def groups_of(home: Home, scheme_id: str) -> set[str] | None:
    """The groups of a scheme, or none when it is not at hand (an edition may name a scheme to be imported)."""
    from tongpin.grouping.library import open_scheme, scheme_folders

    if scheme_id not in scheme_folders(home):
        return None
    return set(open_scheme(home, scheme_id).drg_codes)


def finding_of(place: str, error: PolicyError, rule: str) -> Finding:
    """A refusal as a finding of the place it is about."""
    return Finding(rule, "error", place, 0, error.where, "", error.message, error.hint, ("price",))


def _weight_findings(policy: Policy, groups: set[str]) -> Iterable[Finding]:
    table = policy.edition.weights.file if policy.edition.weights else ""
    missing, strange = sorted(groups - policy.weights.keys()), sorted(policy.weights.keys() - groups)
    if missing:
        yield Finding(
            "policy.weights.missing",
            "warning",
            policy.id,
            0,
            table,
            _some(missing),
            f"方案 {policy.scheme_id} 有 {len(missing)} 个病组没有权重，出现这样的病例时拒绝结算",
            f"在 {table} 中补上",
            ("price",),
        )
    if strange:
        yield Finding(
            "policy.weights.unused",
            "info",
            policy.id,
            0,
            table,
            _some(strange),
            f"{len(strange)} 个权重的病组不在方案 {policy.scheme_id} 里",
            "核对病组编码，或删去这些行",
        )


def _date_findings(policy: Policy) -> Iterable[Finding]:
    starts = {key: min(item.values) for key, item in policy.edition.parameters.items()}
    first = min(starts.values())
    until = policy.edition.until
    for key, start in starts.items():
        if start > first:
            yield Finding(
                "policy.gap",
                "warning",
                policy.id,
                0,
                f"parameters.{key}.values",
                str(start),
                f"{KNOWN[key].label}从 {start} 起才有值，{first} 至前一天用到它的病例会被拒绝",
                f"补一个不晚于 {first} 的日期",
                ("price",),
            )
    if until is not None and until < policy.begins:
        yield Finding(
            "policy.span",
            "error",
            policy.id,
            0,
            "until",
            str(until),
            f"最后一天 {until} 早于各项取值齐备的 {policy.begins}，没有一天可用",
            "改 until 或补上较早的取值",
            ("price",),
        )


def _leaf_findings(policy: Policy) -> Iterable[Finding]:
    """A fund or level that some parameters list and another one, without `*`, does not."""
    seen: dict[str, dict[str, set[str]]] = {name: {} for name in _CLOSED_DIMENSIONS}
    for key, item in policy.edition.parameters.items():
        names = _dimension_values(item.by, item.values[max(item.values)])
        for name, values in names.items():
            if name in seen and ANY not in values:
                seen[name][key] = values
    for name, by_key in seen.items():
        every: set[str] = set().union(*by_key.values())
        for key, values in by_key.items():
            if missing := sorted(every - values):
                label = DIMENSIONS[name].label
                yield Finding(
                    "policy.gap",
                    "warning",
                    policy.id,
                    0,
                    f"parameters.{key}",
                    "、".join(missing),
                    f"{KNOWN[key].label}没有写{label} {'、'.join(missing)}，别的参数写了",
                    f"补上，或用 “{ANY}” 表示其余{label}；确实用不到的不必补",
                    ("price",),
                )


def _dimension_values(by: tuple[str, ...], tree: Any) -> dict[str, set[str]]:
    """The values of each dimension of a tree; with `*` among them where any branch says so."""
    found: dict[str, set[str]] = {}
    level = [tree]
    for name in by:
        found[name] = {value for node in level for value in node}
        level = [branch for node in level for branch in node.values()]
    return found


def _remarks(policy: Policy) -> Iterable[Finding]:
    families = {known.family for known in KNOWN.values()}
    said = {KNOWN[key].family for key in policy.edition.parameters}
    for number in sorted(families - said):
        family = FAMILIES[number]
        yield Finding(
            "policy.open",
            "info",
            policy.id,
            0,
            "parameters",
            f"{number} {family.label}",
            "这一类选择没有写",
            f"用到时拒绝：{family.needed_for}",
        )
    if assumed := policy.assumed_keys():
        yield Finding(
            "policy.assumed",
            "info",
            policy.id,
            0,
            "parameters",
            str(len(assumed)),
            f"{len(assumed)} 项没有文件确认，凡用到的数字都写“模拟”",
            "有文件的在 reference 下补上，去掉 assumed",
        )


def _some(names: list[str]) -> str:
    more = f" 等 {len(names)} 个" if len(names) > EXAMPLES else ""
    return "、".join(names[:EXAMPLES]) + more
