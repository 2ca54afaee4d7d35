"""Group catalogue 病组目录维护: proposal → evidence → vote → draft → publication, each step noted in the lake.

Source: S905-01. A proposal moves one step at a time; who did what, when and on which evidence stays in its history.
"""

from __future__ import annotations

import shutil
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from tongpin.base.errors import StoreError
from tongpin.grouping.library import folder_of, import_scheme, open_scheme
from tongpin.grouping.tables.read import load_scheme
from tongpin.payment.weights.scheme_draft import Change, Kind, check_change, write_draft
from tongpin.store import lake

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date
    from pathlib import Path

    from tongpin.grouping.tables.model import SchemeTables
    from tongpin.payment.weights.evidence import CatalogueRules, Evidence
    from tongpin.store.home import Home

PROPOSALS, VOTES = "catalogue_proposals", "catalogue_votes"
PROPOSED, EVIDENCED, ADOPTED, REJECTED, DRAFTED, PUBLISHED = (
    "proposed",
    "evidenced",
    "adopted",
    "rejected",
    "drafted",
    "published",
)
STATE_LABELS: dict[str, str] = {
    PROPOSED: "已提议",
    EVIDENCED: "有证据单",
    ADOPTED: "表决通过",
    REJECTED: "表决未通过",
    DRAFTED: "已入草案",
    PUBLISHED: "已发布",
}
FOR, AGAINST, ABSTAIN = "for", "against", "abstain"
BALLOTS: dict[str, str] = {FOR: "赞成", AGAINST: "反对", ABSTAIN: "弃权"}

PROPOSAL_SCHEMA = pa.schema(
    [
        ("proposal_no", pa.int32()),
        ("step_no", pa.int32()),
        ("state", pa.string()),
        ("on", pa.date32()),
        *((name, pa.string()) for name in ("who", "scheme", "kind")),
        *((name, pa.list_(pa.string())) for name in ("groups", "targets", "names")),
        *((name, pa.string()) for name in ("when", "reason", "outcome")),
    ]
)
"""A step of a proposal: its state from then on, who took it, the change itself, and the outcome of the step (figures of
the evidence, votes, the draft or the published scheme)."""

VOTE_SCHEMA = pa.schema(
    [
        ("proposal_no", pa.int32()),
        *((name, pa.string()) for name in ("expert", "ballot", "opinion")),
        ("voted_on", pa.date32()),
    ]
)


def propose(home: Home, scheme_id: str, change: Change, *, who: str, reason: str, on: date) -> int:
    """Keep a proposal on a scheme; its number. SchemeError when the change does not fit the scheme."""
    check_change(change, open_scheme(home, scheme_id))
    with home.locked():
        number = max((row["proposal_no"] for row in _steps(home)), default=0) + 1
        row = {"proposal_no": number, "step_no": 1, "state": PROPOSED, "on": on, "who": who, "scheme": scheme_id}
        row |= {"kind": change.kind, "groups": list(change.groups), "targets": list(change.targets)}
        row |= {"names": list(change.names), "when": change.when, "reason": reason, "outcome": None}
        _keep(home, row)
    return number


def proposals(home: Home) -> list[dict[str, Any]]:
    """Every proposal as it stands now, by number."""
    newest: dict[int, dict[str, Any]] = {}
    for row in sorted(_steps(home), key=lambda row: row["step_no"]):
        newest[row["proposal_no"]] = row
    return [newest[number] for number in sorted(newest)]


def history(home: Home, number: int) -> list[dict[str, Any]]:
    """Every step of a proposal in order."""
    _proposal(home, number)
    return sorted((row for row in _steps(home) if row["proposal_no"] == number), key=lambda row: row["step_no"])


def change_of(row: dict[str, Any]) -> Change:
    """The change that a proposal asks for."""
    kind: Kind = row["kind"]
    return Change(kind, tuple(row["groups"]), tuple(row["targets"]), tuple(row["names"]), row["when"] or "")


def trial(home: Home, number: int) -> tuple[SchemeTables, SchemeTables]:
    """The scheme of a proposal and a trial draft of it with this one change, kept under `HOME/cache`."""
    row = _proposal(home, number)
    folder = home.cache / "catalogue" / f"{row['scheme']}-{number}"
    shutil.rmtree(folder, ignore_errors=True)
    draft = write_draft(folder_of(home, row["scheme"]), folder, f"{row['scheme']}-{number}", [change_of(row)])
    return open_scheme(home, row["scheme"]), draft


def note_evidence(home: Home, number: int, evidence: Evidence, *, who: str, on: date) -> None:
    """Note that a proposal has its evidence sheet, with the figures that it rests on; it may be counted anew."""
    met = sum(one.holds for one in evidence.checks)
    outcome = (
        f"换组 {evidence.moved_count} 例，{evidence.hospitals.num_rows} 家医院；RIV {evidence.before.riv:.4%} → "
        f"{evidence.after.riv:.4%}；{len(evidence.checks)} 项要求达到 {met} 项"
    )
    _step(home, number, {PROPOSED, EVIDENCED}, EVIDENCED, who, on, outcome)


def vote(home: Home, number: int, expert: str, ballot: str, opinion: str, on: date) -> None:
    """Keep the ballot of an expert; a later one of the same expert replaces it.

    StoreError `catalogue.ballot`, and `catalogue.state` before there is evidence or after the count.
    """
    if ballot not in BALLOTS:
        raise StoreError("catalogue.ballot", f"没有“{ballot}”这种票", hint=f"可用：{'、'.join(BALLOTS)}")
    with home.locked():
        _check_state(_proposal(home, number), {EVIDENCED})
        row = {"proposal_no": number, "expert": expert, "ballot": ballot, "opinion": opinion, "voted_on": on}
        lake.upsert(home, VOTES, pa.Table.from_pylist([row], schema=VOTE_SCHEMA), ("proposal_no", "expert"))


def votes(home: Home, number: int) -> list[dict[str, Any]]:
    """The ballots on a proposal, by expert."""
    table = lake.read_current(home, VOTES, ("proposal_no", "expert"), columns=VOTE_SCHEMA.names)
    rows = [] if table is None else table.select(VOTE_SCHEMA.names).to_pylist()
    return sorted((row for row in rows if row["proposal_no"] == number), key=lambda row: row["expert"])


def count_votes(home: Home, number: int, rules: CatalogueRules, *, who: str, on: date) -> bool:
    """Count the ballots: adopted when 赞成 / (赞成 + 反对) reaches the share; whether it was.

    StoreError `catalogue.votes` when nobody voted for or against.
    """
    ballots = [row["ballot"] for row in votes(home, number)]
    yes, no = ballots.count(FOR), ballots.count(AGAINST)
    if not yes + no:
        raise StoreError("catalogue.votes", f"提议 {number} 还没有赞成或反对票", hint="先记下专家的表决")
    adopted = Fraction(yes, yes + no) >= Fraction(Decimal(rules.vote_share))
    outcome = f"赞成 {yes}，反对 {no}，弃权 {ballots.count(ABSTAIN)}；须达 {rules.vote_share}"
    _step(home, number, {EVIDENCED}, ADOPTED if adopted else REJECTED, who, on, outcome)
    return adopted


def draft_catalogue(home: Home, scheme_id: str, numbers: Sequence[int], folder: Path, draft_id: str) -> SchemeTables:
    """Adopted proposals of one scheme written into a draft in `folder`, a scheme of its own under `draft_id`.

    StoreError `catalogue.state` when one was not adopted, `catalogue.scheme` when it is on another scheme.
    """
    rows = [_proposal(home, number) for number in numbers]
    for row in rows:
        _check_state(row, {ADOPTED, DRAFTED})
        if row["scheme"] != scheme_id:
            raise StoreError(
                "catalogue.scheme",
                f"提议 {row['proposal_no']} 是对 {row['scheme']} 的",
                hint=f"另为 {row['scheme']} 出草案",
            )
    return write_draft(folder_of(home, scheme_id), folder, draft_id, [change_of(row) for row in rows])


def note_draft(home: Home, numbers: Sequence[int], draft: SchemeTables, *, who: str, on: date) -> None:
    """Note which draft, by digest, the proposals were written into."""
    for number in numbers:
        _step(home, number, {ADOPTED, DRAFTED}, DRAFTED, who, on, f"{draft.scheme_id} {draft.digest}")


def publish_catalogue(home: Home, numbers: Sequence[int], folder: Path, *, who: str, on: date) -> SchemeTables:
    """The draft in `folder` imported as a scheme of the home, a version of its own; its proposals are published.

    StoreError `catalogue.digest` when the folder is not the draft that was noted. An id in use is refused.
    """
    rows = [_proposal(home, number) for number in numbers]
    for row in rows:
        _check_state(row, {DRAFTED})
    draft_id = rows[0]["outcome"].split()[0]
    noted = {row["outcome"] for row in rows}
    digest = load_scheme(folder, draft_id).digest
    if noted != {f"{draft_id} {digest}"}:
        raise StoreError(
            "catalogue.digest", "文件夹里的方案与记下的草案不同", where=str(folder), hint="放回草案，或重新出草案"
        )
    scheme = import_scheme(home, folder, draft_id).scheme
    for number in numbers:
        _step(home, number, {DRAFTED}, PUBLISHED, who, on, f"{scheme.scheme_id} {scheme.digest}")
    return scheme


def _proposal(home: Home, number: int) -> dict[str, Any]:
    found = {row["proposal_no"]: row for row in proposals(home)}
    if number not in found:
        raise StoreError("catalogue.unknown", f"没有提议 {number}", hint=f"共 {len(found)} 条提议")
    return found[number]


def _check_state(row: dict[str, Any], states: set[str]) -> None:
    if row["state"] not in states:
        wanted = "、".join(STATE_LABELS[state] for state in STATE_LABELS if state in states)
        message = f"提议 {row['proposal_no']} 现在是“{STATE_LABELS[row['state']]}”，这一步须是“{wanted}”"
        raise StoreError("catalogue.state", message, hint="依次走完：提议、证据单、表决、草案、发布")


def _step(home: Home, number: int, states: set[str], state: str, who: str, on: date, outcome: str) -> None:
    with home.locked():
        row = _proposal(home, number)
        _check_state(row, states)
        _keep(home, row | {"step_no": row["step_no"] + 1, "state": state, "who": who, "on": on, "outcome": outcome})


def _steps(home: Home) -> list[dict[str, Any]]:
    table = lake.read_current(home, PROPOSALS, ("proposal_no", "step_no"), columns=PROPOSAL_SCHEMA.names)
    return [] if table is None else table.select(PROPOSAL_SCHEMA.names).to_pylist()


def _keep(home: Home, row: dict[str, Any]) -> None:
    lake.upsert(home, PROPOSALS, pa.Table.from_pylist([row], schema=PROPOSAL_SCHEMA), ("proposal_no", "step_no"))
