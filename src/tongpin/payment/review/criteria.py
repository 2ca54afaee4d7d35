"""Criteria 申报条件: which tests an edition asks, and how a case stands against each (S903-01, A15, A16)."""

from __future__ import annotations

import csv
from datetime import date, timedelta
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tongpin.base.money import SCALE, round_half_up, yuan
from tongpin.payment.policy.lookup import Lookup, coded
from tongpin.payment.policy.period import case_days
from tongpin.payment.policy.vocabulary import KNOWN
from tongpin.payment.pricing.rounding import check_size
from tongpin.payment.pricing.special import NewTechnology, new_technology

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tongpin.payment.lists.workdays import Workdays
    from tongpin.payment.policy.lookup import BoolColumn, IntColumn
    from tongpin.payment.policy.policy import Policy

TECHNOLOGY, OTHER = "technology", "other"
LABELS = KNOWN["review.criteria"].options
"""The criteria that an edition may list, with their names."""

ITEM_KINDS: dict[str, tuple[str, str]] = {
    "drug": ("药品", "group_drug_fee_fen"),
    "consumable": ("卫生材料", "group_consumable_fee_fen"),
    "service": ("医疗服务", "group_service_fee_fen"),
}
"""Kinds of a new item: name, and the sum over the group that its mean is taken from."""
_OPS = {"above": "超过", "reaches": "达到"}


class Criterion(NamedTuple):
    """A test on a line: measure (above or reaching) threshold, or threshold × base, the base a mean over a count."""

    criterion: str
    parameter: str
    measure: str
    label: str
    unit: str
    base: str
    base_count: str
    base_label: str
    op: str


class Item(NamedTuple):
    """The new drug, consumable or technology that an application names, with what the list charges for it."""

    code: str
    name: str
    kind: str
    fee_fen: int


class Verdict(NamedTuple):
    """How a case stands against a criterion: the figures in words, and the parameter that they rest on."""

    criterion: str
    label: str
    met: bool
    text: str
    parameter: str


@cache
def criteria() -> dict[str, Criterion]:
    """The criteria that are tested on the line alone, by code."""
    text = (files("tongpin.payment.review") / "criteria.csv").read_text(encoding="utf-8")
    return {row["criterion"]: Criterion(**row) for row in csv.DictReader(text.splitlines())}


def asked(policy: Policy, on: date) -> tuple[str, ...]:
    """The criteria of the edition, in its order."""
    found: tuple[str, ...] = policy.value("review.criteria", on)
    return found


def judged(lines: pa.Table, policy: Policy, codes: tuple[str, ...]) -> dict[str, BoolColumn]:
    """Which lines meet each of the criteria that are tested on the line alone; the values of each case's own day.

    `lines`: columns of `Ground.lines`, and `department_count` where `departments` is asked.
    """
    lookup = _lookup(lines, policy)
    return {code: _met(criteria()[code], lines, lookup) for code in codes if code in criteria()}


def _lookup(lines: pa.Table, policy: Policy) -> Lookup:
    days = case_days(lines, policy.edition.edition_by.value)
    return Lookup(policy, days, lines["case_id"], {"hospital_level": coded(lines["hospital_level"])})


def _thresholds(one: Criterion, lookup: Lookup) -> IntColumn:
    """The threshold of each case in ten-thousandths."""
    if KNOWN[one.parameter].unit == "ratio":
        return lookup.scaled(one.parameter)
    found: IntColumn = lookup.numbers(one.parameter) * SCALE
    return found


def _met(one: Criterion, lines: pa.Table, lookup: Lookup) -> BoolColumn:
    def column(name: str) -> IntColumn:
        if not name:
            return np.ones(lines.num_rows, np.int64)
        found: IntColumn = pc.fill_null(lines[name], 0).to_numpy().astype(np.int64)
        return found

    measure, count, base = column(one.measure), column(one.base_count), column(one.base)
    threshold = _thresholds(one, lookup)
    check_size((measure, count), SCALE)
    check_size((threshold, base))
    left, right = measure * count * SCALE, threshold * base
    met: BoolColumn = left > right if one.op == "above" else left >= right
    if one.base_count:
        met &= count >= lookup.numbers("review.mean_least_cases")
    return met


def verdicts(line: pa.Table, policy: Policy, item: Item | None = None) -> list[Verdict]:
    """How one line (a table of one row) stands against every criterion of its edition, in figures."""
    (day,) = case_days(line, policy.edition.edition_by.value).tolist()
    codes = asked(policy, day)
    met = judged(line, policy, codes)
    (row,) = line.to_pylist()
    made = []
    for code in codes:
        if code in met:
            made.append(_verdict(criteria()[code], row, policy, day, met=bool(met[code][0])))
        elif code == TECHNOLOGY:
            made.append(_technology(row, policy, day, item))
        else:
            made.append(Verdict(code, LABELS[code], True, "没有数字条件，由专家认定", "review.criteria"))
    return made


def _verdict(one: Criterion, row: Mapping[str, Any], policy: Policy, on: date, *, met: bool) -> Verdict:
    threshold = policy.value(one.parameter, on, hospital_level=row["hospital_level"])
    value = row[one.measure] or 0
    if not one.base:
        limit = f" {threshold} {one.unit}"
    else:
        count = row[one.base_count] if one.base_count else 1
        if one.base_count and count < policy.value("review.mean_least_cases", on):
            return Verdict(one.criterion, LABELS[one.criterion], met, f"同组只有 {count} 例，不与平均比", one.parameter)
        product = round_half_up(
            policy.scaled(one.parameter, on, hospital_level=row["hospital_level"]) * row[one.base], count
        )
        mean = _words(row[one.base] / count, one)
        how = f"{one.base_label} {mean} {one.unit}（{count} 例）" if one.base_count else one.base_label
        limit = f"{how}的 {threshold.normalize():f} 倍 = {_words(product / SCALE, one)} {one.unit}"
    text = f"{one.label} {_words(value, one)} {one.unit}，须{_OPS[one.op]}{limit}：{'符合' if met else '不符合'}"
    return Verdict(one.criterion, LABELS[one.criterion], met, text, one.parameter)


def _words(value: float, one: Criterion) -> str:
    if one.measure.endswith("_fen"):
        return yuan(round(value))
    return f"{value:,.2f}".removesuffix(".00")


def technology_of(row: Mapping[str, Any], policy: Policy, on: date, item: Item) -> NewTechnology:
    """The new-technology exclusion of a case and its new item (A16): tests and what is added, fen."""
    count = row["group_cases"]
    table = pa.table(
        {
            "total_fee_fen": pa.array([row["fee_fen"]], pa.int64()),
            "group_mean_fen": pa.array([round_half_up(row["group_fee_fen"], count)], pa.int64()),
            "standard_fen": pa.array([row["standard_fen"]], pa.int64()),
            "new_item_fee_fen": pa.array([item.fee_fen], pa.int64()),
            "kind_mean_fen": pa.array([round_half_up(row[ITEM_KINDS[item.kind][1]], count)], pa.int64()),
        }
    )
    return new_technology(policy, on, table)


def _technology(row: Mapping[str, Any], policy: Policy, on: date, item: Item | None) -> Verdict:
    label, key = LABELS[TECHNOLOGY], "special.technology_multiple"
    multiple, share = (policy.value(name, on) for name in ("special.technology_multiple", "special.technology_share"))
    rule = f"费用须超过同组平均的 {multiple.normalize():f} 倍，且新项目须超过费用的 {share:.2%}"
    if item is None:
        return Verdict(TECHNOLOGY, label, False, f"没有写明新项目；{rule}", key)
    found = technology_of(row, policy, on, item)
    count, (kind, total) = row["group_cases"], ITEM_KINDS[item.kind]
    mean, of_kind = round_half_up(row["group_fee_fen"], count), round_half_up(row[total], count)
    text = (
        f"费用 {yuan(row['fee_fen'])} 元，同组 {count} 例平均 {yuan(mean)} 元；新项目 {yuan(item.fee_fen)} 元占 "
        f"{int(found.share_e4[0]) / 100:.2f}%；{rule}"
    )
    met = bool(found.qualifies[0])
    if met:
        extra = int(found.extra_fen[0])
        text += f"：符合；核增 = 新项目 {yuan(item.fee_fen)} − 同组{kind}费平均 {yuan(of_kind)} = {yuan(extra)} 元"
    else:
        text += "：不符合"
    return Verdict(TECHNOLOGY, label, met, text, key)


def deadline_of(row: Mapping[str, Any], policy: Policy, workdays: Workdays) -> date:
    """The last day on which a posted line may be applied for; `lists.holidays` when working days are not known."""
    month = date.fromisoformat(f"{row['period']}-01")
    on = date(month.year + month.month // 12, month.month % 12 + 1, 1) - timedelta(days=1)
    basis = policy.value("review.deadline_basis", on)
    days = {"month": on, "settlement": row["settlement_date"], "discharge": row["discharge_time"].date()}
    limit = np.array([policy.value("review.deadline_days", on)])
    kind = policy.value("review.deadline_kind", on)
    found: date = workdays.deadlines(np.array([days[basis]], "datetime64[D]"), limit, kind)[0].item()
    return found
