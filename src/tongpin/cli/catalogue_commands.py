"""`tongpin catalogue`: proposals on the group catalogue, from evidence and vote to publication."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, cast

from tongpin.base.errors import TongpinError
from tongpin.cli.output import screen
from tongpin.cli.weights_commands import day_of, last_day, months_of, notices

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tongpin.payment.weights.scheme_draft import Kind


def propose(
    home_path: Path | None,
    scheme_id: str,
    kind: str,
    groups: Sequence[str],
    targets: Sequence[str],
    when: str,
    who: str,
    reason: str,
    on: datetime | None,
) -> None:
    """Keep a proposal."""
    from tongpin.payment.weights import catalogue
    from tongpin.payment.weights.scheme_draft import Change
    from tongpin.store.home import Home

    pairs = [tuple(part.strip() for part in one.partition("=")) for one in targets]
    if any(not code or not name for code, _, name in pairs):
        raise TongpinError("catalogue.target", "新病组写成 代码=名称", hint="例如 --target XA19D=某某手术")
    codes, names = tuple(pair[0] for pair in pairs), tuple(pair[2] for pair in pairs)
    change = Change(cast("Kind", kind), tuple(groups), codes, names, when)
    number = catalogue.propose(Home.open(home_path), scheme_id, change, who=who, reason=reason, on=day_of(on))
    screen.give({"ok": True, "proposal_no": number})
    screen.say(f"已记为第 {number} 号提议", f"proposal {number}")


def evidence(
    home_path: Path | None,
    number: int,
    months: str,
    area: str | None,
    output: Path,
    who: str,
    on: datetime | None,
) -> None:
    """Count the evidence of a proposal from the cases of some months and write its sheet."""
    from tongpin.grouping.compiled.stage import group
    from tongpin.payment.policy.library import open_policy
    from tongpin.payment.weights import catalogue
    from tongpin.payment.weights.evidence import CatalogueRules, evidence_of
    from tongpin.payment.weights.evidence_xlsx import write_evidence
    from tongpin.payment.weights.history import cases_of_months
    from tongpin.store.home import Home

    first, last = months_of(months)
    home = Home.open(home_path)
    policy = open_policy(home, area, last)
    rules = CatalogueRules.of(policy, last_day(last))
    scheme, draft = catalogue.trial(home, number)
    cases = cases_of_months(home, first, last, policy)
    change = catalogue.change_of(catalogue.history(home, number)[-1])
    found = evidence_of(group(cases, scheme), group(cases, draft), change, rules)
    catalogue.note_evidence(home, number, found, who=who, on=day_of(on))
    steps = catalogue.history(home, number)
    basis = [*notices(home, policy), f"病例：{first} 到 {last}，{cases.num_rows:,} 例；要求取自 {policy.id}"]
    output.parent.mkdir(parents=True, exist_ok=True)
    write_evidence(
        found,
        output,
        proposal=steps[-1],
        basis=basis,
        names=scheme.drg_names,
        history=steps,
        votes=catalogue.votes(home, number),
    )
    screen.give({"ok": True, "evidence": steps[-1]["outcome"], "sheet": str(output)})
    screen.table(
        f"提议 {number} 号的证据",
        ["要求", "结果", "是否达到"],
        [[one.label, one.found, "达到" if one.holds else "没有达到"] for one in found.checks],
    )
    screen.say(f"换组 {found.moved_count:,} 例，涉及 {found.hospitals.num_rows:,} 家医院")
    screen.say(f"证据单：{output}", f"evidence: {output}")


def vote(home_path: Path | None, number: int, expert: str, ballot: str, opinion: str, on: datetime | None) -> None:
    """Keep a ballot."""
    from tongpin.payment.weights import catalogue
    from tongpin.store.home import Home

    catalogue.vote(Home.open(home_path), number, expert, ballot, opinion, day_of(on))
    screen.give({"ok": True, "proposal_no": number, "expert": expert, "ballot": ballot})
    screen.say(f"第 {number} 号提议：{expert}，{catalogue.BALLOTS[ballot]}")


def count(home_path: Path | None, number: int, area: str | None, who: str, on: datetime | None) -> None:
    """Count the ballots on a proposal."""
    from tongpin.payment.policy.library import open_policy
    from tongpin.payment.weights import catalogue
    from tongpin.payment.weights.evidence import CatalogueRules
    from tongpin.store.home import Home

    home = Home.open(home_path)
    day = day_of(on)
    rules = CatalogueRules.of(open_policy(home, area, f"{day:%Y-%m}"), day)
    adopted = catalogue.count_votes(home, number, rules, who=who, on=day)
    outcome = catalogue.history(home, number)[-1]["outcome"]
    screen.give({"ok": True, "adopted": adopted, "outcome": outcome})
    screen.say(f"第 {number} 号提议{'通过' if adopted else '未通过'}：{outcome}")


def draft(
    home_path: Path | None, numbers: Sequence[int], scheme_id: str, output: Path, who: str, on: datetime | None
) -> None:
    """Write adopted proposals into a draft scheme."""
    from tongpin.payment.weights import catalogue
    from tongpin.store.home import Home

    home = Home.open(home_path)
    source = catalogue.history(home, numbers[0])[0]["scheme"]
    made = catalogue.draft_catalogue(home, source, numbers, output, scheme_id)
    catalogue.note_draft(home, numbers, made, who=who, on=day_of(on))
    screen.give({"ok": True, "scheme": scheme_id, "digest": made.digest, "folder": str(output)})
    screen.say(f"草案 {scheme_id}：{output}；发布前可用 tongpin scheme diff 与现行方案比较", f"draft: {output}")


def publish(home_path: Path | None, numbers: Sequence[int], folder: Path, who: str, on: datetime | None) -> None:
    """Publish a draft as a scheme of the home."""
    from tongpin.payment.weights import catalogue
    from tongpin.store.home import Home

    scheme = catalogue.publish_catalogue(Home.open(home_path), numbers, folder, who=who, on=day_of(on))
    screen.give({"ok": True, "scheme": scheme.scheme_id, "digest": scheme.digest})
    screen.say(f"已发布为方案 {scheme.scheme_id}", f"published: {scheme.scheme_id}")


def list_(home_path: Path | None, number: int | None) -> None:
    """The proposals with their state, or the steps of one."""
    from tongpin.payment.weights import catalogue
    from tongpin.payment.weights.scheme_draft import KIND_LABELS
    from tongpin.store.home import Home

    home = Home.open(home_path)
    rows = catalogue.proposals(home) if number is None else catalogue.history(home, number)
    screen.give({"ok": True, "proposals": rows})
    screen.table(
        "病组目录提议" if number is None else f"第 {number} 号提议的经过",
        ["序号", "提议", "病组", "新病组", "状态", "日期", "经手", "依据"],
        [
            [
                str(row["proposal_no"]),
                KIND_LABELS[row["kind"]],
                "、".join(row["groups"]),
                "、".join(row["targets"]),
                catalogue.STATE_LABELS[row["state"]],
                f"{row['on']}",
                row["who"],
                row["outcome"] or row["reason"],
            ]
            for row in rows
        ],
    )
