"""Alerts 预警: the two built-in rules on a closed month, each raised once and on both desks at once (S001-56).

A red line crossed, and a fee consumption index beyond its limit: the hospital's desk gets 绩效预警, the bureau's
医保干预 of the same row, and each answers for itself. An alert is a warning; nothing is deducted.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

import pyarrow.compute as pc
from sqlalchemy import func, insert, select
from sqlalchemy.exc import IntegrityError

from tongpin.base.errors import TongpinError
from tongpin.base.money import SCALE
from tongpin.report.words import count_text, number_text, percent_text, points_text
from tongpin.store import journal
from tongpin.twin.catalogue import setting
from tongpin.workbench.cockpit.catalogue import alert_rules
from tongpin.workbench.cockpit.tables import alert_answers, alerts

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sqlalchemy import Connection, Engine

    from tongpin.store.scope import Scope
    from tongpin.workbench.cockpit.catalogue import AlertRule
    from tongpin.workbench.cockpit.sight import Month
    from tongpin.workbench.sign_in.identity import Identity

DESKS = {"hospital": "绩效预警", "bureau": "医保干预"}
"""What an alert is to each desk."""
RED_LINE, FEE_INDEX = "red_line", "fee_index"


class Alert(NamedTuple):
    """Something that a rule found: its subject (hospital, line or department), and the figures in words."""

    rule: str
    subject: str
    hospital: str
    department: str | None
    details: dict[str, Any]


def found_in(month: Month) -> list[Alert]:
    """What the rules find in a month; nothing is raised."""
    rules = alert_rules()
    return [*_crossed(month), *_beyond(month, rules[FEE_INDEX])]


def _crossed(month: Month) -> Iterator[Alert]:
    """The red lines of hospitals with enough cases, and how many of a hospital's groups cross theirs."""
    joint = month.joint()
    counts = {row["institution_code"]: row["discharge.cases"] or 0 for row in joint.hospitals.to_pylist()}
    for result in joint.red_lines:
        for row in result.hospitals.to_pylist():
            code = row["institution_code"]
            if counts[code] < setting("department.minimum_cases"):
                continue
            words = f"{result.line.label} {percent_text(row['value'])}，红线 {result.line.limit_text}"
            yield Alert(
                RED_LINE,
                f"{code}/{result.line.id}",
                code,
                None,
                {
                    "place": row["institution_name"],
                    "text": f"{words}，高 {points_text(row['excess'])} 个百分点",
                    "value": row["value"],
                    "limit": row["limit"],
                    "cases": counts[code],
                    "simulated": False,
                    "href": f"/cockpit/discharges?f=institution_code~is~{code}&s=-{result.line.id}",
                },
            )
    line = joint.group_line
    names = {row["institution_code"]: row["institution_name"] for row in joint.hospitals.to_pylist()}
    for code in sorted(pc.unique(joint.warnings["institution_code"]).to_pylist()):
        over = joint.warnings.filter(pc.equal(joint.warnings["institution_code"], code)).to_pylist()
        worst = max(over, key=lambda one: (one["multiple"], one["drg"]))
        group = f"{worst['drg']} {joint.group_label(worst['drg'])}".strip()
        told = f"{group} 超标准 +{percent_text(worst['multiple'] - 1)}"
        yield Alert(
            RED_LINE,
            f"{code}/{line.id}",
            code,
            None,
            {
                "place": names.get(code, code),
                "text": f"{len(over)} 个病组费用超过支付标准的 {line.limit_text}，最高 {told}",
                "value": worst["multiple"],
                "limit": line.limit_e4 / SCALE,
                "cases": sum(one["case_count"] for one in over),
                "simulated": joint.basis.weights_assumed or bool(joint.basis.assumed),
                "href": f"/cockpit/groups?f=fee_over~is~true&f=institution_code~is~{code}",
            },
        )


def _beyond(month: Month, rule: AlertRule) -> Iterator[Alert]:
    """Hospitals and departments whose fee index lies beyond the limit, its whole interval above 1."""
    for level, by in (("hospital", ("institution_code",)), ("department", ("institution_code", "dept"))):
        limit = rule.above_e4.get(level)  # type: ignore[call-overload]
        if limit is None:
            continue
        table = month.every_place(by, rule.measure)
        for one in table.figures:
            is_sure = one.low is not None and one.low > 1
            if one.value is None or not is_sure or one.count < rule.minimum_cases or one.value <= limit / SCALE:
                continue
            code, dept = one.place["institution_code"], one.place.get("dept")
            words = f"{one.measure.label} {number_text(one.value, 3)}，界限 {number_text(limit / SCALE, 2)}"
            bounds = f"95% 区间 {number_text(one.low, 3)}～{number_text(one.high, 3)}"
            filters = f"f=institution_code~is~{code}" + (f"&f=dept~is~{dept}" if dept is not None else "")
            yield Alert(
                rule.id,
                code if dept is None else f"{code}/{dept}",
                code,
                dept,
                {
                    "place": " · ".join(one.names[name] for name in by),
                    "text": f"{words}（{count_text(one.count)} 例，{bounds}）",
                    "value": one.value,
                    "limit": limit / SCALE,
                    "cases": one.count,
                    "simulated": rule.assumed or table.basis.simulated(one.measure),
                    "href": f"/cockpit/discharges?{filters}&s=-fee_ratio",
                },
            )


def raise_alerts(engine: Engine, month: Month) -> list[int]:
    """Raise what the rules find in a month and nobody raised yet; the ids of the new alerts.

    An alert stands once per rule, subject and month, however often and by however many processes it is found.
    """
    found = found_in(month)
    raised: list[int] = []
    now = datetime.now(UTC).replace(tzinfo=None)
    with engine.begin() as connection:
        known = _known(connection, month)
        for one in found:
            if (one.rule, one.subject) in known:
                continue
            row = one._asdict() | {"area": month.area, "month": month.month, "raised_at": now}
            try:
                with connection.begin_nested():
                    made = connection.execute(insert(alerts).values(row))
            except IntegrityError:  # another process was first
                continue
            raised.append(int((made.inserted_primary_key or (0,))[0]))
    return raised


def _known(connection: Connection, month: Month) -> set[tuple[str, str]]:
    of_month = (alerts.c.area == month.area) & (alerts.c.month == month.month)
    rows = connection.execute(select(alerts.c.rule, alerts.c.subject).where(of_month))
    return {(row.rule, row.subject) for row in rows}


def newest_alert(connection: Connection) -> int:
    """The id of the newest alert, 0 where there is none."""
    return int(connection.execute(select(func.max(alerts.c.id))).scalar() or 0)


def alerts_after(connection: Connection, number: int) -> list[dict[str, Any]]:
    """The alerts raised after one, oldest first."""
    rows = connection.execute(select(alerts).where(alerts.c.id > number).order_by(alerts.c.id)).mappings()
    return [dict(row) for row in rows]


def seen_by(row: Mapping[str, Any], scope: Scope | None) -> bool:
    """Whether an alert concerns a scope: its hospital whole, or one of its departments that is the alert's own."""
    if scope is None or scope.sees_hospital(row["hospital"]):
        return True
    if scope.cases is not None or scope.doctors is not None or row["department"] is None:
        return False
    in_hospital = scope.hospitals is None or row["hospital"] in scope.hospitals
    return in_hospital and scope.departments is not None and row["department"] in scope.departments


def alerts_of(connection: Connection, area: str, month: str | None, scope: Scope | None) -> list[dict[str, Any]]:
    """The alerts of an area (of a month, or all) that concern a scope, newest first, with both desks' answers."""
    wanted = select(alerts).where(alerts.c.area == area).order_by(alerts.c.id.desc())
    if month is not None:
        wanted = wanted.where(alerts.c.month == month)
    rows = [dict(row) for row in connection.execute(wanted).mappings() if seen_by(dict(row), scope)]
    answers: dict[int, dict[str, dict[str, Any]]] = {}
    of_these = select(alert_answers).where(
        alert_answers.c.alert_id.in_(select(alerts.c.id).where(alerts.c.area == area))
    )
    for answer in connection.execute(of_these).mappings():
        answers.setdefault(answer["alert_id"], {})[answer["desk"]] = dict(answer)
    return [row | {"answers": answers.get(row["id"], {})} for row in rows]


def answer_alert(connection: Connection, asker: Identity, alert_id: int, comment: str) -> dict[str, Any]:
    """Answer an alert for the desk of the role, once, with a comment; journalled.

    Errors: `alerts.missing` (none, or not of the scope), `alerts.closed` (the desk has answered), `alerts.scope` (a
    part of a hospital does not answer for it).
    """
    row = connection.execute(select(alerts).where(alerts.c.id == alert_id)).mappings().first()
    scope = asker.grant.scope
    outside = asker.grant.area is not None and row is not None and row["area"] != asker.grant.area
    if row is None or outside or not seen_by(dict(row), scope):
        raise TongpinError("alerts.missing", f"没有预警 {alert_id}", where=str(alert_id), hint="看预警清单")
    if not scope.sees_hospital(row["hospital"]):
        raise TongpinError(
            "alerts.scope", "科室不代本机构回复预警", where=str(alert_id), hint="由本院医保办或绩效办回复"
        )
    desk = asker.role.desk
    answer = {
        "alert_id": alert_id,
        "desk": desk,
        "name": asker.name,
        "acted_as": asker.role.id,
        "comment": comment.strip(),
        "at": datetime.now(UTC).replace(tzinfo=None),
    }
    try:
        with connection.begin_nested():
            connection.execute(insert(alert_answers).values(answer))
    except IntegrityError:
        raise TongpinError(
            "alerts.closed", "这一侧已经回复过这条预警", where=str(alert_id), hint="看已有的回复"
        ) from None
    journal.record(
        connection,
        actor=asker.name,
        acted_as=asker.role.id,
        act="alert.answer",
        subject=f"alert/{alert_id}",
        details={"desk": desk, "rule": row["rule"], "subject": row["subject"], "comment": comment.strip()},
    )
    return dict(row)


def message_of(row: Mapping[str, Any]) -> dict[str, Any]:
    """What pages are told of an alert as it is raised."""
    rule = alert_rules()[row["rule"]]
    return {
        "id": row["id"],
        "area": row["area"],
        "month": row["month"],
        "rule": rule.label,
        "place": row["details"]["place"],
        "message": f"{rule.label}：{row['details']['place']} {row['details']['text']}",
        "hospital": rule.hospital,
        "bureau": rule.bureau,
    }
