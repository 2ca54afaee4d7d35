"""Negotiation rounds 谈判轮次: draft editions with the opinions on them, each answered (S003-06, S905-02).

A round is a folder of the home, `rounds/ROUND`, with a draft of an edition that no settlement ever picks up; its
opinions stand in the lake. The next round may begin at the draft of the last one; a closed round no longer changes.
"""

from __future__ import annotations

import re
import shutil
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from tongpin.base.errors import PolicyError, StoreError
from tongpin.payment.policy.library import policy_folders, policy_named
from tongpin.payment.policy.policy import POLICY_FILE, Policy
from tongpin.store import lake

if TYPE_CHECKING:
    from datetime import date
    from pathlib import Path

    from tongpin.store.home import Home

ROUNDS, OPINIONS = "negotiation_rounds", "negotiation_opinions"
ROUND_SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in ("round", "label", "base", "base_digest")),
        ("opened_on", pa.date32()),
        ("closed_on", pa.date32()),
        ("draft_digest", pa.string()),
    ]
)
"""A round: its base (an edition `area/edition`, or an earlier round) and, once closed, the digest of its draft."""

OPINION_SCHEMA = pa.schema(
    [
        ("round", pa.string()),
        ("opinion_no", pa.int32()),
        ("given_on", pa.date32()),
        *((name, pa.string()) for name in ("who", "drg", "parameter", "proposal")),
        *((name, pa.string()) for name in ("decision", "reason")),
        ("decided_on", pa.date32()),
    ]
)
"""An opinion: who proposes what, about which group and parameter (either may be null), and what became of it."""

OPEN, ADOPTED, REJECTED = "open", "adopted", "rejected"
DECISIONS: dict[str, str] = {OPEN: "待答复", ADOPTED: "采纳", REJECTED: "不采纳"}
_NAME = re.compile(r"[0-9A-Za-z][0-9A-Za-z._-]*")
_ID_LINE = re.compile(r"^id:.*$", re.MULTILINE)
_DRAFT_LINE = re.compile(r"^draft:.*\n", re.MULTILINE)


def rounds_folder(home: Home) -> Path:
    """Where the drafts of the rounds lie."""
    return home.root / "rounds"


def open_round(home: Home, name: str, base: str, label: str, on: date) -> Path:
    """Open a round with a draft copied from `base` (an edition, or a round); the folder of the draft.

    StoreError `round.name` (not a folder name), `round.exists`; PolicyError `policy.unknown` for an unknown base.
    """
    if not _NAME.fullmatch(name):
        raise StoreError("round.name", f"轮次代号不能是“{name}”", hint="只用字母、数字、点、横线和下划线，例如 2026-1")
    with home.locked():
        if name in {row["round"] for row in rounds(home)}:
            raise StoreError("round.exists", f"轮次 {name} 已有", hint="换一个代号，例如下一个序号")
        source = round_or_edition(home, base)
        folder = rounds_folder(home) / name
        shutil.rmtree(folder, ignore_errors=True)  # what a killed opening left is in no table
        folder.mkdir(parents=True)
        area = source.id.split("/")[0]
        text = (_folder_of(home, base) / POLICY_FILE).read_text(encoding="utf-8")
        (folder / POLICY_FILE).write_text(_renamed(text, f"{area}/{name}", draft=True), encoding="utf-8")
        for path in sorted(_folder_of(home, base).glob("*.csv")):
            shutil.copyfile(path, folder / path.name)
        Policy.load(folder)
        row = {"round": name, "label": label, "base": base, "base_digest": source.digest, "opened_on": on}
        _keep(home, ROUNDS, ROUND_SCHEMA, row, ("round",))
    return folder


def rounds(home: Home) -> list[dict[str, Any]]:
    """Every round, oldest first, as rows of `ROUND_SCHEMA`."""
    rows = _rows(home, ROUNDS, ROUND_SCHEMA, ("round",))
    return sorted(rows, key=lambda row: (row["opened_on"], row["round"]))


def round_named(home: Home, name: str) -> dict[str, Any]:
    """A round; StoreError `round.unknown` names those at hand."""
    found = {row["round"]: row for row in rounds(home)}
    if name not in found:
        raise StoreError("round.unknown", f"没有轮次 {name}", hint=f"已有：{'、'.join(found) or '无'}")
    return found[name]


def round_or_edition(home: Home, name: str) -> Policy:
    """The draft of a round, or a released edition `area/edition`.

    PolicyError `round.changed` when the draft of a closed round was edited afterwards.
    """
    if "/" in name:
        return policy_named(home, name)
    row = round_named(home, name)
    policy = Policy.load(_folder_of(home, name))
    if row["draft_digest"] is not None and policy.digest != row["draft_digest"]:
        raise PolicyError(
            "round.changed",
            f"轮次 {name} 已于 {row['closed_on']} 结束，草案却改过",
            where=policy.file,
            hint="放回结束时的文件；新的改动另开一轮",
        )
    return policy


def _folder_of(home: Home, name: str) -> Path:
    return policy_folders(home)[name] if "/" in name else rounds_folder(home) / name


def give_opinion(
    home: Home,
    name: str,
    *,
    who: str,
    proposal: str,
    on: date,
    drg: str | None = None,
    parameter: str | None = None,
) -> int:
    """Note an opinion on the draft of an open round; its number within the round, from 1.

    PolicyError `round.parameter`, `round.group` for a parameter or a group that the draft does not have; StoreError
    `round.closed`.
    """
    with home.locked():
        _check_open(round_named(home, name))
        draft = round_or_edition(home, name)
        if parameter is not None and parameter not in {*draft.edition.parameters, "weights"}:
            raise PolicyError("round.parameter", f"草案没有参数 {parameter}", hint="写 policy.yaml 里的键，或 weights")
        if drg is not None and drg not in draft.weights:
            raise PolicyError("round.group", f"草案的权重表没有病组 {drg}", hint="检查病组编码")
        number = len(opinions(home, name)) + 1
        row = {"round": name, "opinion_no": number, "given_on": on, "who": who, "drg": drg, "parameter": parameter}
        row |= {"proposal": proposal, "decision": OPEN}
        _keep(home, OPINIONS, OPINION_SCHEMA, row, ("round", "opinion_no"))
    return number


def decide_opinion(home: Home, name: str, number: int, *, adopted: bool, reason: str, on: date) -> dict[str, Any]:
    """Answer an opinion, adopted or not, with the reason; an answer may be corrected while the round is open.

    StoreError `round.opinion` (no such opinion), `round.reason` (no reason given), `round.closed`.
    """
    with home.locked():
        _check_open(round_named(home, name))
        found = {row["opinion_no"]: row for row in opinions(home, name)}
        if number not in found:
            raise StoreError("round.opinion", f"轮次 {name} 没有第 {number} 条意见", hint=f"共 {len(found)} 条")
        if not reason.strip():
            raise StoreError("round.reason", "答复须写明理由", hint="采纳与不采纳都写理由，提意见的一方看得到")
        row = found[number] | {"decision": ADOPTED if adopted else REJECTED, "reason": reason, "decided_on": on}
        _keep(home, OPINIONS, OPINION_SCHEMA, row, ("round", "opinion_no"))
    return row


def opinions(home: Home, name: str) -> list[dict[str, Any]]:
    """The opinions of a round by number, as rows of `OPINION_SCHEMA`."""
    rows = _rows(home, OPINIONS, OPINION_SCHEMA, ("round", "opinion_no"))
    return sorted((row for row in rows if row["round"] == name), key=lambda row: row["opinion_no"])


def close_round(home: Home, name: str, on: date) -> dict[str, Any]:
    """Close a round: its draft is frozen by digest. StoreError `round.waiting` while an opinion has no answer."""
    with home.locked():
        row = round_named(home, name)
        _check_open(row)
        waiting = [str(one["opinion_no"]) for one in opinions(home, name) if one["decision"] == OPEN]
        if waiting:
            raise StoreError("round.waiting", f"第 {'、'.join(waiting)} 条意见还没有答复", hint="逐条采纳或不采纳")
        row |= {"closed_on": on, "draft_digest": round_or_edition(home, name).digest}
        _keep(home, ROUNDS, ROUND_SCHEMA, row, ("round",))
    return row


def publish_round(home: Home, name: str, edition: str) -> Path:
    """The draft of a closed round as edition `area/edition` of the home; its folder.

    StoreError `round.open` before it is closed, `round.exists` when the edition is there already.
    """
    row = round_named(home, name)
    if row["closed_on"] is None:
        raise StoreError("round.open", f"轮次 {name} 还没有结束", hint=f"先运行 tongpin round close {name}")
    draft = round_or_edition(home, name)
    area = draft.id.split("/")[0]
    if not _NAME.fullmatch(edition) or f"{area}/{edition}" in policy_folders(home):
        raise StoreError("round.exists", f"不能发布为 {area}/{edition}：已有，或不是代号", hint="换一个版本代号")
    with home.locked():
        target = home.policies / area / edition
        shutil.copytree(_folder_of(home, name), target)
        text = (target / POLICY_FILE).read_text(encoding="utf-8")
        (target / POLICY_FILE).write_text(_renamed(text, f"{area}/{edition}", draft=False), encoding="utf-8")
    return target


def _renamed(text: str, edition_id: str, *, draft: bool) -> str:
    """The file of an edition under another id, marked as a draft or not; everything else stays as it is written."""
    return _ID_LINE.sub(f"id: {edition_id}" + "\ndraft: true" * draft, _DRAFT_LINE.sub("", text), count=1)


def changed_values(old: Policy, new: Policy) -> list[dict[str, str]]:
    """What differs between two editions but for the weights: `parameter, label, old, new`, values as texts."""
    found = []
    for key in sorted({*old.edition.parameters, *new.edition.parameters}):
        before, after = old.edition.parameters.get(key), new.edition.parameters.get(key)
        values = [None if item is None else (item.by, item.values) for item in (before, after)]
        if values[0] == values[1]:
            continue
        item = after or before
        label = item.label if item else key
        found.append({"parameter": key, "label": label, "old": _values_text(before), "new": _values_text(after)})
    return found


def _values_text(item: Any) -> str:
    return "—" if item is None else "；".join(f"{day}：{_leaf_text(leaf)}" for day, leaf in item.values.items())


def _leaf_text(leaf: Any) -> str:
    if isinstance(leaf, dict):
        return "，".join(f"{name} {_leaf_text(value)}" for name, value in leaf.items())
    return "、".join(str(one) for one in leaf) if isinstance(leaf, tuple) else str(leaf)


def _check_open(row: dict[str, Any]) -> None:
    if row["closed_on"] is not None:
        raise StoreError("round.closed", f"轮次 {row['round']} 已于 {row['closed_on']} 结束", hint="另开一轮")


def _rows(home: Home, name: str, schema: pa.Schema, key: tuple[str, ...]) -> list[dict[str, Any]]:
    table = lake.read_current(home, name, key, columns=schema.names)
    return [] if table is None else table.select(schema.names).to_pylist()


def _keep(home: Home, name: str, schema: pa.Schema, row: dict[str, Any], key: tuple[str, ...]) -> None:
    lake.upsert(home, name, pa.Table.from_pylist([row], schema=schema), key)


def weight_table(policy: Policy) -> dict[str, int]:
    """The weights of an edition in ten-thousandths."""
    return {drg: weight.weight_e4 for drg, weight in policy.weights.items()}
