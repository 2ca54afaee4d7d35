"""The violation catalogue 违规目录: stays that look split, unneeded, drawn out, or lost where few die, as leads.

Every rule is data of the edition: limits in days, in shares of the mean, and the coefficient of what is found. A lead
is no judgement: it names the rule, the evidence and the coefficient that would apply.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tongpin.base.findings import Finding
from tongpin.base.money import SCALE, round_half_up, yuan
from tongpin.payment.dip.auxiliary import DEATH
from tongpin.payment.dip.prefixes import CATEGORY
from tongpin.payment.dip.scheme import flat_lists
from tongpin.payment.dip.values import FEN_FACTOR
from tongpin.payment.policy.lookup import coded
from tongpin.payment.pricing.steps import four

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from tongpin.payment.dip.catalogue import Catalogue
    from tongpin.payment.policy.policy import Policy

VIOLATIONS = {
    "readmission": "二次入院",
    "low_fee": "低标入院",
    "long_stay": "超长住院",
    "death_risk": "死亡风险",
}

RULES = {name: f"DIP-V{place:03d}" for place, name in enumerate(VIOLATIONS, start=1)}
"""The rule of each violation, as findings name it."""

LEAD_SCHEMA = pa.schema(
    [
        ("institution_code", pa.string()),
        ("case_id", pa.string()),
        ("violation", pa.string()),
        ("measure_e4", pa.int64()),
        ("coefficient_e4", pa.int64()),
        ("other_case_id", pa.string()),
    ]
)
"""A lead: `measure_e4` is the days since the last discharge, or the ratio to the mean, or the mortality of the disease;
`other_case_id` the stay before, for a readmission."""


def find_violations(grouped: pa.Table, catalogue: Catalogue, policy: Policy, on: date) -> pa.Table:
    """The leads among grouped cases (`LEAD_SCHEMA`), in the order of the rules, then of the cases.

    Reads `institution_code, case_id, drg, patient_hash, dx, admission_time, discharge_time, los, discharge_way,
    total_fee_fen`. Means of fee are the catalogue's, means of stay and mortality those of the cases given.
    """
    diseases = pc.cast(grouped["drg"], pa.string())
    known = pa.array(list(catalogue.by_code), pa.string())
    numbers = pc.fill_null(pc.index_in(diseases, value_set=known), -1).to_numpy()
    return pa.concat_tables(
        [
            _readmissions(grouped, policy, on),
            _low_fees(grouped, numbers, catalogue, policy, on),
            _long_stays(grouped, numbers, policy, on),
            _deaths(grouped, numbers, policy, on),
        ]
    )


def _leads(
    grouped: pa.Table, violation: str, rows: Any, measure_e4: Any, coefficient_e4: Any, others: Any = None
) -> pa.Table:
    """The leads of one rule; rows whose coefficient is 0 are none."""
    real = np.flatnonzero(coefficient_e4 > 0)
    ids = grouped["case_id"]
    before = pa.nulls(len(real), pa.string()) if others is None else ids.take(pa.array(others[real]))
    columns = [
        grouped["institution_code"].take(pa.array(rows[real])),
        ids.take(pa.array(rows[real])),
        pa.array([violation] * len(real), pa.string()),
        pa.array(measure_e4[real], pa.int64()),
        pa.array(coefficient_e4[real], pa.int64()),
        before,
    ]
    return pa.table(columns, schema=LEAD_SCHEMA)


def _readmissions(grouped: pa.Table, policy: Policy, on: date) -> pa.Table:
    """A stay that begins within the days of the last discharge of the same patient; same or other category."""
    within = policy.value("dip.violation.readmission_days", on)
    same_e4, other_e4 = (
        policy.scaled("dip.violation.readmission", on, readmission=kind) for kind in ("same_dx", "other_dx")
    )
    who = coded(grouped["patient_hash"])
    begin, end = (
        pc.fill_null(pc.cast(pc.cast(grouped[name], pa.date32(), safe=False), pa.int32()), _NO_DAY).to_numpy()
        for name in ("admission_time", "discharge_time")
    )
    words, start, stop, flat = flat_lists(grouped["dx"])
    categories = np.array([*((word or "")[:CATEGORY] for word in words), ""], np.str_)
    principal = np.full(grouped.num_rows, len(words), np.int64)
    principal[stop > start] = flat[start[stop > start]]
    known = np.array([bool(name) for name in who.values] or [False], np.bool_)[who.codes]
    rows = np.flatnonzero(known & (begin != _NO_DAY) & (end != _NO_DAY))
    rows = rows[np.lexsort((end[rows], begin[rows], who.codes[rows]))]
    earlier, later = rows[:-1], rows[1:]
    days = begin[later].astype(np.int64) - end[earlier]
    exempt = policy.value("dip.violation.readmission_exempt", on)
    planned = np.array([(word or "").startswith(exempt) for word in words] + [False], np.bool_)[principal]
    found = (who.codes[earlier] == who.codes[later]) & (days >= 0) & (days <= within) & ~planned[later]
    order = np.flatnonzero(found)
    order = order[np.argsort(later[order], kind="stable")]
    earlier, later, days = earlier[order], later[order], days[order]
    same = categories[principal[earlier]] == categories[principal[later]]
    return _leads(grouped, "readmission", later, days * SCALE, np.where(same, same_e4, other_e4), earlier)


_NO_DAY = -(2**31)


def _banded(policy: Policy, key: str, on: date, ratio_e4: Any) -> Any:
    """The coefficient of the band in which each ratio lies; 0 below the first."""
    bands = policy.value(key, on)
    starts = np.array([int(band.start * SCALE) for band in bands], np.int64)
    values = np.array([0, *(int(band.value * SCALE) for band in bands)], np.int64)
    return values[np.searchsorted(starts, ratio_e4, side="right")]


def _low_fees(grouped: pa.Table, numbers: Any, catalogue: Catalogue, policy: Policy, on: date) -> pa.Table:
    """Fees far below the mean of the disease."""
    rows = np.flatnonzero(numbers >= 0)
    means = np.array([one.weighted_mean_fen for one in catalogue.groups], np.int64)[numbers[rows]]
    ratio = grouped["total_fee_fen"].to_numpy()[rows] * SCALE // np.maximum(means, 1)
    return _leads(grouped, "low_fee", rows, ratio, _banded(policy, "dip.violation.low_fee", on, ratio))


def _long_stays(grouped: pa.Table, numbers: Any, policy: Policy, on: date) -> pa.Table:
    """Stays far above the mean stay of the disease."""
    stay = pc.fill_null(pc.cast(grouped["los"], pa.int64()), 0).to_numpy()
    rows = np.flatnonzero((numbers >= 0) & (stay > 0))
    disease, days = numbers[rows], stay[rows]
    count = np.bincount(disease)
    total = np.bincount(disease, weights=days).astype(np.int64)
    ratio = days * count[disease] * SCALE // total[disease] if len(rows) else days
    return _leads(grouped, "long_stay", rows, ratio, _banded(policy, "dip.violation.long_stay", on, ratio))


def _deaths(grouped: pa.Table, numbers: Any, policy: Policy, on: date) -> pa.Table:
    """Deaths in diseases of which fewer die than the limit."""
    died = pc.fill_null(pc.equal(grouped["discharge_way"], DEATH), False).to_numpy()
    count = np.bincount(numbers[numbers >= 0], minlength=1)
    deaths = np.bincount(numbers[(numbers >= 0) & died], minlength=len(count))
    rate_e4 = deaths * SCALE // np.maximum(count, 1)
    rows = np.flatnonzero((numbers >= 0) & died)
    rate = rate_e4[numbers[rows]]
    limit_e4, coefficient = policy.scaled("dip.violation.mortality", on), policy.scaled("dip.violation.death", on)
    return _leads(grouped, "death_risk", rows, rate, np.where(rate < limit_e4, coefficient, 0))


class Lead(NamedTuple):
    """A lead with what it is about: hospital, disease, evidence, and the points and fen that its coefficient takes.

    A case with several leads loses by those that count (`dip.violation.several`); the others lose nothing.
    """

    institution_code: str
    institution_name: str
    case_id: str
    fund: str
    disease: str
    violation: str
    coefficient_e4: int
    evidence: str
    lost_points_e4: int
    lost_fen: int

    def finding(self) -> Finding:
        """The lead as a finding."""
        return Finding(
            RULES[self.violation],
            "warning",
            self.institution_code,
            0,
            "case_id",
            self.case_id,
            f"{VIOLATIONS[self.violation]}：{self.evidence}；违规系数 {four(self.coefficient_e4)}，"
            f"涉及分值 {four(self.lost_points_e4)}，{yuan(self.lost_fen)} 元",
            "核对病案与收费；属实的写成扣款决定，机构可以申诉",
            ("statement",),
        )


def leads_of(leads: pa.Table, lines: pa.Table, policy: Policy, on: date) -> list[Lead]:
    """The leads on cases that are paid by scores, with what they lose.

    `lines`: posted lines or priced cases (`institution_code, case_id, drg, fund, points_e4, coefficient_parts`), each
    case once; leads on other cases are left out.
    """
    keys = [(row["institution_code"], row["case_id"]) for row in leads.select(_KEY).to_pylist()]
    wanted = pc.is_in(lines["case_id"], value_set=pa.array(sorted({case for _, case in keys}), pa.string()))
    scored = lines.filter(pc.and_(wanted, pc.equal(lines["pay_scope"], "DRG"))).to_pylist()
    paid = {(row["institution_code"], row["case_id"]): row for row in scored}
    several = policy.value("dip.violation.several", on)
    taken: dict[tuple[str, str], int] = {}
    order = range(leads.num_rows)
    rows = leads.to_pylist()
    if several == "highest":
        order = sorted(order, key=lambda place: -rows[place]["coefficient_e4"])  # type: ignore[assignment]
    found: dict[int, Lead] = {}
    for place in order:
        row, line = rows[place], paid.get(keys[place])
        if line is None:
            continue
        used = taken.get(keys[place], 0)
        counted = min(row["coefficient_e4"], SCALE - used)
        if several == "highest" and used:
            counted = 0
        taken[keys[place]] = used + counted
        points = round_half_up(line["points_e4"] * counted, SCALE)
        value_e4 = int(line["coefficient_parts"].partition("point_value=")[2].split(" ")[0])
        found[place] = Lead(
            row["institution_code"],
            line["institution_name"] or row["institution_code"],
            row["case_id"],
            line["fund"],
            line["drg"],
            row["violation"],
            row["coefficient_e4"],
            _evidence(row),
            points,
            round_half_up(points * value_e4, FEN_FACTOR),
        )
    return [found[place] for place in sorted(found)]


_KEY = ["institution_code", "case_id"]


def _evidence(row: Mapping[str, Any]) -> str:
    measure = row["measure_e4"]
    if row["violation"] == "readmission":
        return f"距上一次出院 {measure // SCALE} 天（上一次 {row['other_case_id']}）"
    if row["violation"] == "low_fee":
        return f"费用是病种均费的 {four(measure)} 倍"
    if row["violation"] == "long_stay":
        return f"住院天数是病种平均的 {four(measure)} 倍"
    return f"死亡，而病种死亡率为 {measure / 100:.2f} %"


def deduction_rows(leads: list[Lead], area: str, month: str) -> pa.Table:
    """Rows of the layout `decision` that would deduct the leads in a month; date and document are left open."""
    rows = [
        {
            "institution_code": one.institution_code,
            "area": area,
            "kind": "audit_deduction",
            "fund": one.fund,
            "month": month,
            "amount_fen": one.lost_fen,
            "setl_id": one.case_id,
            "group_code": one.disease,
            "subject": VIOLATIONS[one.violation],
            "reason": one.evidence,
        }
        for one in leads
        if one.lost_fen > 0
    ]
    return pa.Table.from_pylist(rows, _DEDUCTION)


_DEDUCTION = pa.schema(
    [
        *((name, pa.string()) for name in ("institution_code", "area", "kind", "fund", "month")),
        ("amount_fen", pa.int64()),
        *((name, pa.string()) for name in ("setl_id", "group_code", "subject", "reason")),
    ]
)
