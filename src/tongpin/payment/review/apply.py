"""Applying 申报: which lists could be reviewed, and one application with its reasons and evidence (S903-01)."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from tongpin.base.errors import PolicyError, os_words
from tongpin.base.money import yuan
from tongpin.payment.lists.workdays import open_workdays
from tongpin.payment.month.closed import decisions as loaded_decisions
from tongpin.payment.review.account import (
    APPLIED,
    WITHDRAWN,
    Application,
    Event,
    add_events,
    application_of,
    applications,
    check_day,
    list_key,
    next_number,
    read_events,
)
from tongpin.payment.review.criteria import ITEM_KINDS, LABELS, TECHNOLOGY, Item, deadline_of, verdicts
from tongpin.payment.review.lines import (
    GROUP_SUMS,
    Details,
    Ground,
    details_of,
    grounds,
    settled_area,
    with_departments,
)
from tongpin.payment.review.pay import pay_of
from tongpin.payment.review.quota import known_cases, quota_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date
    from pathlib import Path

    from tongpin.store.home import Home

_FIGURES = (
    *("los", "icu_hours", "ventilation_minutes", "sex", "age", "dept", "department_count", "total_fee_fen", "fee_fen"),
    *("drug_fee_fen", "consumable_fee_fen", "exam_fee_fen", "service_fee_fen", "standard_fen", "gross_fen"),
    *("patient_fen", "other_funds_fen", "outside_fee_fen", "pool_payable_fen", "outlier_class", "pay_mode"),
    *("group_cases", *GROUP_SUMS.values()),
)
"""What of the line an application freezes: no name, no record number, no doctor."""
_NAMES = (
    *("institution_code", "institution_name", "case_id", "record_no", "mdtrt_id", "patient_hash", "doctor_code"),
    *("doctor_name", "department_head_name", "chief_physician_name", "resident_name", "nurse_name"),
)
"""What a reason must not contain, because experts read it blind."""
_SHORTEST_NAME, _SHORTEST_CODE = 2, 4


def apply_for(
    home: Home,
    list_id: str,
    criterion: str,
    reason: str,
    attachments: Sequence[Path],
    on: date,
    *,
    area: str | None = None,
    institution: str | None = None,
    item: Item | None = None,
    actor: str = "",
) -> Application:
    """File an application for one posted list; what it rests on is frozen in it.

    Refuses with PolicyError `review.list` (not posted, withdrawn, several hospitals), `review.twice`, `review.scope`,
    `review.criterion`, `review.criteria` (not met), `review.gain`, `review.deadline`, `review.reason`,
    `review.identity`, `review.item`, `review.evidence`, `review.quota`, `review.day`. Source: S903-01.
    """
    with home.locked():
        area = settled_area(home, area)
        events = read_events(home)
        known = {name: one for name, one in applications(events).items() if one.area == area}
        ground, line = _found(home, grounds(home, area), list_id, institution)
        (row,) = line.to_pylist()
        _check_open(home, row, known, area)
        check_day(events, area, on)
        deadline = deadline_of(row, ground.policy, open_workdays(home))
        if on > deadline:
            raise PolicyError(
                "review.deadline",
                f"清单 {list_id} 的申报期限是 {deadline}，已过 {(on - deadline).days} 天",
                where="review.deadline_days",
                hint="期限由付费办法规定；有文件延期的，另出一个版本写明",
            )
        details = details_of(home, row)
        _check_item(row, item, criterion)
        judged = verdicts(line, ground.policy, item)
        _check_criterion(criterion, [(one.criterion, one.met, one.text) for one in judged], list_id)
        _check_reason(reason, item, row, details)
        pay = pay_of(row, ground.policy, ground.on, criterion, item)
        if pay.amount_fen <= row["gross_fen"]:
            raise PolicyError(
                "review.gain",
                f"同意后该例应付 {yuan(pay.amount_fen)} 元，不高于现在的 {yuan(row['gross_fen'])} 元，单议不会多付",
                where=list_id,
                hint="不必申报",
            )
        quota = quota_of(ground, row["institution_code"], row["fund"], known_cases(home, ground, known))
        if not quota.left:
            raise PolicyError(
                "review.quota", f"例数已满：{quota.text}", where=row["institution_code"], hint="撤回较小的一例再申报"
            )
        body = {
            "list_id": list_id,
            "institution_code": row["institution_code"],
            "institution_name": row["institution_name"] or row["institution_code"],
            **{name: row[name] for name in ("fund", "hospital_level", "period", "drg")},
            "year": ground.year,
            "criterion": criterion,
            "reason": reason.strip(),
            "attachments": [_attachment(path) for path in attachments],
            "item": item._asdict() if item else None,
            "figures": {name: row[name] for name in _FIGURES},
            "clinical": _clinical(details.lists),
            "verdicts": [one._asdict() for one in judged],
            "quota": {**quota._asdict(), "left": quota.left, "text": quota.text},
            "deadline": deadline,
            "pay": pay._asdict(),
            "area_label": ground.policy.edition.area,
            "policy": ground.policy.id,
            "policy_label": ground.policy.edition.label,
            "policy_digest": ground.policy.digest,
            "assumed": any(key.startswith(("review.", "special.")) for key in ground.policy.assumed_keys()),
        }
        year_events = [one for one in events if one.event == APPLIED and one.subject.startswith(f"{ground.year}-")]
        name = f"{ground.year}-{len(year_events) + 1:04d}"
        event = Event(next_number(events), area, APPLIED, name, "hospital", actor, on, body)
        add_events(home, [event])
        return applications(read_events(home, area))[name]


def withdraw(home: Home, name: str, reason: str, on: date, actor: str = "") -> Application:
    """Take an application back before its decision; it stays visible and uses up no quota.

    Refuses with PolicyError `review.unknown`, `review.closed` (decided or withdrawn), `review.reason`, `review.day`.
    """
    with home.locked():
        events = read_events(home)
        one = application_of(applications(events), name)
        check_pending(one)
        check_day(events, one.area, on, one)
        if not reason.strip():
            raise PolicyError("review.reason", "撤回须写明原因", hint="用 --reason 写明")
        body = {"reason": reason.strip()}
        add_events(home, [Event(next_number(events), one.area, WITHDRAWN, name, "hospital", actor, on, body)])
        return applications(read_events(home, one.area))[name]


def check_pending(one: Application) -> None:
    """PolicyError `review.closed` when an application is withdrawn or decided."""
    if not one.is_open:
        raise PolicyError(
            "review.closed", f"申报 {one.id} 已经是“{one.state}”，不能再改", hint="台账只往后记；有误的另行申报或申诉"
        )


def _found(home: Home, every: Mapping[int, Ground], list_id: str, institution: str | None) -> tuple[Ground, pa.Table]:
    """The standing line that pays a list, with its departments, and its clearing year."""
    hits = []
    for ground in every.values():
        mine = pc.equal(ground.lines["case_id"], list_id)
        if institution is not None:
            mine = pc.and_(mine, pc.equal(ground.lines["institution_code"], institution))
        hits += [(ground, ground.lines.filter(mine).slice(place, 1)) for place in range(pc.sum(mine).as_py() or 0)]
    if len(hits) > 1:
        codes = "、".join(sorted({line["institution_code"][0].as_py() for _, line in hits}))
        raise PolicyError("review.list", f"清单 {list_id} 在几家机构都有：{codes}", hint="用 --institution 指明机构")
    if not hits:
        raise PolicyError(
            "review.list",
            f"已关账的月份里没有仍然有效的清单 {list_id}",
            hint="没有入账、已撤销（红冲）的清单不能单议；与别的清单合并结算的，用合并后的结算号",
        )
    ground, line = hits[0]
    return ground, with_departments(home, line)


def _check_open(home: Home, row: Mapping[str, Any], known: Mapping[str, Application], area: str) -> None:
    key = (row["institution_code"], row["case_id"])
    before = next((one for one in known.values() if list_key(one.body) == key and not one.withdrawn), None)
    if before is not None:
        raise PolicyError(
            "review.twice",
            f"清单 {key[1]} 已经申报过（{before.id}，{before.state}）",
            hint=f"用 tongpin review show {before.id} 查看；要重报先撤回",
        )
    loaded = loaded_decisions(home, area)
    loaded = loaded.filter(pc.equal(loaded["kind"], "special_case"))
    if key in set(zip(loaded["institution_code"].to_pylist(), loaded["setl_id"].to_pylist(), strict=True)):
        raise PolicyError("review.twice", f"清单 {key[1]} 在决定表里已有特例单议的结论", hint="一件事只有一个决定")
    if row["pay_scope"] != "DRG":
        raise PolicyError(
            "review.scope", f"清单 {key[1]} 不按病组付费，不需要单议", hint="只有按病组付费的清单可以申报"
        )


def _check_criterion(criterion: str, judged: list[tuple[str, bool, str]], list_id: str) -> None:
    by_code = {code: (met, text) for code, met, text in judged}
    if criterion not in by_code:
        known = "、".join(f"{code}（{LABELS[code]}）" for code in by_code)
        raise PolicyError(
            "review.criterion",
            f"付费办法没有申报条件“{criterion}”",
            where="review.criteria",
            hint=f"可用的条件：{known}",
        )
    met, text = by_code[criterion]
    if not met:
        others = "；".join(
            f"{LABELS[code]}：{words}" for code, (ok, words) in by_code.items() if ok and code != criterion
        )
        raise PolicyError(
            "review.criteria",
            f"清单 {list_id} 不符合“{LABELS[criterion]}”：{text}",
            where=f"review.{criterion}",
            hint=f"符合的条件：{others}" if others else "没有符合的条件，不能申报",
        )


def _check_item(row: Mapping[str, Any], item: Item | None, criterion: str) -> None:
    if item is None:
        if criterion == TECHNOLOGY:
            raise PolicyError(
                "review.item",
                "新技术的申报没有写明新项目",
                hint="用 --item、--item-kind、--item-fee 写明编码、种类与费用",
            )
        return
    if item.kind not in ITEM_KINDS:
        kinds = "、".join(f"{code}（{label}）" for code, (label, _) in ITEM_KINDS.items())
        raise PolicyError("review.item", f"新项目的种类“{item.kind}”不对", hint=f"可写：{kinds}")
    most = row[f"{item.kind}_fee_fen"]
    if not 0 < item.fee_fen <= (row["total_fee_fen"] if most is None else most):
        raise PolicyError(
            "review.item",
            f"新项目费用 {yuan(item.fee_fen)} 元不在 0 与清单的{ITEM_KINDS[item.kind][0]}费之间",
            hint="核对清单的费用；写该例实际收取的新项目费用（元）",
        )


def _check_reason(reason: str, item: Item | None, row: Mapping[str, Any], details: Details) -> None:
    text = f"{reason} {item.name if item else ''}"
    if not reason.strip():
        raise PolicyError("review.reason", "没有写申报理由", hint="用 --reason 写明病情与费用的原因")
    values = {str(one[name]) for one in (row, *details.lists) for name in _NAMES if one.get(name)}
    values |= {str(name) for one in details.lists for name in _surgeons(one) if name}
    found = sorted(value for value in values if _names_somebody(value) and value in text)
    if any(_names_somebody(value) and value in text for value in details.person):
        found.append("患者的姓名或证件号")
    if found:
        raise PolicyError(
            "review.identity",
            f"申报理由或新项目名称里有机构、医师、患者或清单的名称、编号：{'、'.join(found)}",
            hint="专家盲审会看到：去掉这些字，写“我院”“该患者”",
        )


def _names_somebody(value: str) -> bool:
    """Whether a text is long enough to name somebody: `12` may be hours, `李明` may not."""
    return len(value) >= (_SHORTEST_CODE if value.isascii() else _SHORTEST_NAME)


def _surgeons(detail: Mapping[str, Any]) -> list[str | None]:
    names = ("surgeon_name", "surgeon_code", "assistant1_name", "assistant2_name", "anaesthetist_name")
    return [one.get(name) for one in detail.get("procedures") or () for name in names]


def _clinical(details: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What experts judge by: diagnoses and procedures with their names, principal first."""
    found: dict[str, list[str]] = {"diagnoses": [], "procedures": []}
    for one in details:
        for codes, kind in (("dx", "diagnoses"), ("px", "procedures")):
            names = {entry["code"]: entry["name"] for entry in one.get(kind) or ()}
            for code in one.get(codes) or ():
                words = f"{code} {names.get(code) or ''}".strip()
                if words not in found[kind]:
                    found[kind].append(words)
    return found


def _attachment(path: Path) -> dict[str, Any]:
    """Name, size and digest of an evidence file; the file itself stays where it is."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise PolicyError(
            "review.evidence", f"附件读不出：{os_words(error)}", where=str(path), hint="写对附件的路径"
        ) from None
    return {"name": path.name, "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
