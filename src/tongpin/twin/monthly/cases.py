"""Cases to look at 先看的病例: a few cases of a department, each with its reason in words, none with a name (S904-01).

Each reason of the catalogue gives its most striking case in turn, until there are enough: five reasons before five
cases of one reason. Every text passes the filter of advice (S920-01).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import pyarrow.compute as pc

from tongpin.base.money import SCALE
from tongpin.measures.catalogue import load_definitions
from tongpin.payment.review.criteria import LABELS
from tongpin.report.words import count_text, number_text, yuan_text
from tongpin.twin.advice import Suggestion, checked

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from collections.abc import Set as AbstractSet
    from datetime import date

    import pyarrow as pa

    from tongpin.base.findings import Finding
    from tongpin.payment.review.candidates import Candidate
    from tongpin.twin.monthly.catalogue import MeetingRules, Reason
    from tongpin.twin.monthly.open_lists import OpenList

NORMAL = "NORMAL"


@dataclass(frozen=True)
class Beside:
    """What cases are held against, all of one month.

    `stays`: mean stay in days and cases of each group in the region; `low_risk`: groups of low risk; `open_lists` and
    `special` (candidates of review by list) of the hospital, as they stand `on` a day.
    """

    on: date
    stays: Mapping[str, tuple[float, int]]
    low_risk: AbstractSet[str] = frozenset()
    open_lists: Sequence[OpenList] = ()
    special: Mapping[str, Candidate] = field(default_factory=dict)


class LookedAt(NamedTuple):
    """A case to look at: 病案号 (else the number of its list), day of discharge, stay, group, reasons and their ids."""

    number: str
    list_id: str
    discharged: date | None
    stay_days: int | None
    drg: str
    why: tuple[str, ...]
    reasons: tuple[str, ...]


class Chosen(NamedTuple):
    """The cases that are shown, how many had a reason, what the filter of advice refused."""

    cases: tuple[LookedAt, ...]
    found: int
    refused: tuple[Finding, ...]


class _Told(NamedTuple):
    """A reason that a case has: how striking (larger first), and the numbers of its words."""

    size: float
    numbers: dict[str, str]


def mean_stays(lists: pa.Table) -> dict[str, tuple[float, int]]:
    """Mean stay and cases of every group."""
    known = lists.filter(pc.is_valid(lists["los"]))
    rows = known.group_by("drg").aggregate([("los", "mean"), ("los", "count")]).to_pylist()
    return {row["drg"]: (row["los_mean"], row["los_count"]) for row in rows}


def cases_to_look_at(lists: pa.Table, dept: str, beside: Beside, rules: MeetingRules) -> Chosen:
    """The cases of a department to look at: of its posted lists paid by their group, and of its open lists."""
    pool = [_of_line(row) for row in lists.to_pylist()]
    pool += [_of_open(one) for one in beside.open_lists if one.dept == dept]
    told: dict[str, dict[int, _Told]] = {}
    for reason in rules.reasons:
        test = _TESTS[reason.test]
        found = {at: one for at, row in enumerate(pool) if (one := test(row, beside, rules)) is not None}
        told[reason.id] = found
    order = {name: sorted(found, key=lambda at: (-found[at].size, pool[at]["number"])) for name, found in told.items()}
    refused: list[Finding] = []
    cases: list[LookedAt] = []
    for at in _in_turn(order.values()):
        if len(cases) == rules.setting("cases"):
            break
        reasons = [one for one in rules.reasons if at in told[one.id]]
        alone = [one for one in reasons if one.alone]
        kept, stopped = _worded(pool[at], alone[:1] or reasons[: rules.setting("reasons_shown")], told, at)
        refused += stopped
        if kept:
            cases.append(_looked_at(pool[at], kept))
    return Chosen(tuple(cases), len({at for found in told.values() for at in found}), tuple(refused))


def _in_turn(orders: Iterable[Sequence[int]]) -> list[int]:
    """The first of each order, then the second of each, every place once."""
    orders = list(orders)
    taken: dict[int, None] = {}
    places = [0] * len(orders)
    while any(place < len(order) for place, order in zip(places, orders, strict=True)):
        for number, order in enumerate(orders):
            while places[number] < len(order) and order[places[number]] in taken:
                places[number] += 1
            if places[number] < len(order):
                taken[order[places[number]]] = None
    return list(taken)


def _worded(
    row: Mapping[str, Any], reasons: Sequence[Reason], told: Mapping[str, Mapping[int, _Told]], at: int
) -> tuple[list[tuple[Reason, str]], tuple[Finding, ...]]:
    texts = [(one, one.words.format(**told[one.id][at].numbers)) for one in reasons]
    judged = [checked([Suggestion(text, audience="physician", subject=row["number"])]) for _, text in texts]
    kept = [pair for pair, one in zip(texts, judged, strict=True) if one.allowed]
    return kept, tuple(finding for one in judged for finding in one.refused)


def _looked_at(row: Mapping[str, Any], kept: Sequence[tuple[Reason, str]]) -> LookedAt:
    return LookedAt(
        row["number"],
        row["list_id"],
        row["discharged"],
        row["los"],
        row["drg"],
        tuple(text for _, text in kept),
        tuple(one.id for one, _ in kept),
    )


def _of_line(row: Mapping[str, Any]) -> dict[str, Any]:
    discharged = row["discharge_time"]
    return {
        **row,
        "number": row["record_no"] or row["case_id"],
        "list_id": row["case_id"],
        "discharged": discharged.date() if discharged else None,
        "open": None,
    }


def _of_open(one: OpenList) -> dict[str, Any]:
    return {
        "number": one.number,
        "list_id": one.list_id,
        "discharged": one.discharged,
        "los": None,
        "drg": "",
        "open": one,
    }


def _low_risk_death(row: Mapping[str, Any], beside: Beside, _rules: MeetingRules) -> _Told | None:
    died = row.get("discharge_way") == str(load_definitions()["discharge.death_way"].value)
    return _Told(0, {}) if died and row["drg"] in beside.low_risk else None


def _returned(row: Mapping[str, Any], _beside: Beside, rules: MeetingRules) -> _Told | None:
    one: OpenList | None = row["open"]
    if one is None or not one.is_returned:
        return None
    due = f"，应于 {one.due} 前重传" if one.due and not one.over_days else ""
    due = f"，重传已超期 {one.over_days} 日" if one.over_days else due
    longest = rules.setting("message_signs")
    message = f"：{one.message[:longest]}{'…' * (len(one.message) > longest)}" if one.message else ""
    return _Told(one.days, {"since": f"{one.since}", "days": count_text(one.days), "due": due, "message": message})


def _overdue(row: Mapping[str, Any], _beside: Beside, _rules: MeetingRules) -> _Told | None:
    one: OpenList | None = row["open"]
    if one is None or one.is_returned or not one.over_days:
        return None
    return _Told(one.over_days, {"due": f"{one.due}", "days": count_text(one.over_days)})


def _special(row: Mapping[str, Any], beside: Beside, _rules: MeetingRules) -> _Told | None:
    one = beside.special.get(row["list_id"]) if row["open"] is None else None
    if one is None or one.application is not None or one.days_left < 0:
        return None
    criteria = "、".join(LABELS[code] for code in one.criteria)
    return _Told(one.gain_fen, {"criteria": criteria, "deadline": f"{one.deadline}", "days": count_text(one.days_left)})


def _high_outlier(row: Mapping[str, Any], _beside: Beside, _rules: MeetingRules) -> _Told | None:
    return _against_standard(row) if row.get("outlier_class") == "HIGH" else None


def _far_above(row: Mapping[str, Any], _beside: Beside, rules: MeetingRules) -> _Told | None:
    if row.get("outlier_class") != NORMAL or not row["standard_fen"]:
        return None
    if row["total_fee_fen"] * SCALE < row["standard_fen"] * rules.setting("far_above_e4"):
        return None
    return _against_standard(row)


def _against_standard(row: Mapping[str, Any]) -> _Told | None:
    fee, standard = row["total_fee_fen"], row["standard_fen"]
    if not standard:
        return None
    numbers = {"fee": yuan_text(fee), "standard": yuan_text(standard), "times": number_text(fee / standard, 2)}
    return _Told(fee - standard, numbers)


def _long_stay(row: Mapping[str, Any], beside: Beside, rules: MeetingRules) -> _Told | None:
    mean, count = beside.stays.get(row["drg"], (0.0, 0))
    if row["los"] is None or count < rules.setting("group_cases"):
        return None
    over = row["los"] - mean
    if row["los"] * SCALE < mean * rules.setting("long_stay_e4") or over < rules.setting("long_stay_days"):
        return None
    return _Told(over, {"stay": count_text(row["los"]), "mean": number_text(mean, 1), "count": count_text(count)})


def _low_outlier(row: Mapping[str, Any], _beside: Beside, _rules: MeetingRules) -> _Told | None:
    if row.get("outlier_class") != "LOW" or row["los"] is None:
        return None
    return _Told(-row["los"], {"stay": count_text(row["los"])})


_TESTS = {
    "low_risk_death": _low_risk_death,
    "returned": _returned,
    "overdue": _overdue,
    "special": _special,
    "high_outlier": _high_outlier,
    "far_above": _far_above,
    "long_stay": _long_stay,
    "low_outlier": _low_outlier,
}
