"""Quota 例数上限: how many special cases a hospital may have, by the arithmetic of the clearing (A14)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import pyarrow.compute as pc

from tongpin.payment.month.closed import decisions as loaded_decisions
from tongpin.payment.pricing.special import quota_cases

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    from tongpin.payment.review.account import Application
    from tongpin.payment.review.lines import Ground
    from tongpin.store.home import Home

REFUSED_ELSEWHERE = ("不同意", "不通过", "按病组付费")
"""Results of loaded decisions that refuse a special case."""
DEVIATIONS = ("按评议的偏差系数", "偏差系数")
"""Results of loaded decisions that set a deviation coefficient and use no quota."""
COUNTS = {"applied": "申请", "approved": "批准"}
ROUNDINGS = {"floor": "舍去", "nearest": "四舍五入", "ceiling": "进一"}


class Quota(NamedTuple):
    """The quota of a hospital, or of its fund: cases counted, ratio in ten-thousandths, limit, used and left."""

    institution_code: str
    fund: str | None
    cases: int
    ratio_e4: int
    rounding: str
    limit: int
    used: int
    counts: str

    @property
    def left(self) -> int:
        """How many more there may be; not below zero."""
        return max(self.limit - self.used, 0)

    @property
    def text(self) -> str:
        """The arithmetic in words."""
        whose = f"基金 {self.fund} " if self.fund else ""
        return (
            f"{whose}本清算年度已入账 {self.cases} 例 × {self.ratio_e4 / 100:.2f}%（{ROUNDINGS[self.rounding]}）= "
            f"{self.limit} 例；已{COUNTS[self.counts]} {self.used} 例，余 {self.left} 例"
        )


class Asked(NamedTuple):
    """A special case that is asked for or decided: where it counts, and whether it was approved."""

    institution_code: str
    fund: str
    approved: bool


def quota_of(ground: Ground, institution_code: str, fund: str, known: Iterable[Asked]) -> Quota:
    """The quota of the hospital (or its fund) that a case belongs to, from what is posted so far (S903-01).

    `known`: the special cases of the clearing year, withdrawn ones left out. Whether applications or approvals count,
    and of what the limit is a share, is said by the edition (policy choices 14).
    """
    policy, on = ground.policy, ground.on
    by_hospital = policy.value("special.quota_scope", on) == "hospital"
    mine = pc.equal(ground.lines["institution_code"], institution_code)
    if not by_hospital:
        mine = pc.and_(mine, pc.equal(ground.lines["fund"], fund))
    own = ground.lines.filter(mine)
    counted = own if policy.value("special.quota_base", on) == "all" else own.filter(pc.equal(own["pay_scope"], "DRG"))
    level = latest_level(ground, institution_code)
    counts: str = policy.value("special.quota_counts", on)
    used = sum(
        one.institution_code == institution_code
        and (by_hospital or one.fund == fund)
        and (one.approved or counts == "applied")
        for one in known
    )
    return Quota(
        institution_code,
        None if by_hospital else fund,
        counted.num_rows,
        policy.scaled("special.quota_ratio", on, hospital_level=level),
        policy.value("special.quota_rounding", on),
        quota_cases(policy, on, counted.num_rows, level),
        used,
        counts,
    )


def latest_level(ground: Ground, institution_code: str) -> str:
    """The level of a hospital on its latest line of the year, as the clearing takes it."""
    own = ground.lines.filter(pc.equal(ground.lines["institution_code"], institution_code))
    rows: list[Mapping[str, Any]] = own.select(["settlement_date", "hospital_level"]).to_pylist()
    return str(max(rows, key=lambda row: row["settlement_date"])["hospital_level"])


def known_cases(home: Home, ground: Ground, known: Mapping[str, Application]) -> list[Asked]:
    """The special cases of a clearing year: applications that stand, and decisions that were loaded."""
    made = [
        Asked(one.body["institution_code"], one.body["fund"], one.is_approved)
        for one in known.values()
        if one.body["year"] == ground.year and not one.withdrawn
    ]
    loaded = loaded_decisions(home, ground.area)
    loaded = loaded.filter(pc.equal(loaded["kind"], "special_case"))
    if loaded.num_rows:
        names = ["institution_code", "case_id", "fund"]
        mine = ground.lines.filter(pc.is_in(ground.lines["case_id"], value_set=loaded["setl_id"].combine_chunks()))
        funds = {(row["institution_code"], row["case_id"]): row["fund"] for row in mine.select(names).to_pylist()}
        for row in loaded.to_pylist():
            fund = funds.get((row["institution_code"], row["setl_id"]))
            if fund is not None and row["result"] not in DEVIATIONS:
                made.append(Asked(row["institution_code"], fund, row["result"] not in REFUSED_ELSEWHERE))
    return made
