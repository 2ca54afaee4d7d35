"""Top groups 前五十病组: the groups that a department treats most, with their accounts (S002-25)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tongpin.base.errors import TongpinError
from tongpin.base.money import check_balance, round_half_up
from tongpin.measures.compute import roll_up
from tongpin.measures.engine import sum_facts
from tongpin.measures.intervals import confidence
from tongpin.payment.month.statement_columns import synthetic_notice
from tongpin.twin.causes.breakdown import FEW, verdict
from tongpin.twin.causes.catalogue import setting
from tongpin.twin.causes.run import read_month

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tongpin.store.home import Home
    from tongpin.twin.causes.run import Labels, Wanted

REST = "rest"
_SUMS = (
    "case_count",
    "total_fee_fen",
    "standard_fen",
    "result_fen",
    "drug_fee_fen",
    "consumable_fee_fen",
    "exam_fee_fen",
    "stay_days",
    "stay_known_count",
)
_READ = ("result_fen", "total_fee_fen", "standard_fen", "los", "drug_fee_fen", "consumable_fee_fen", "exam_fee_fen")


@dataclass(frozen=True)
class TopReport:
    """The groups of departments: `rows` by hospital, department and rank, `departments` one row each with its sums.

    A row: counts, sums in fen, shares 0–1, `per_case_fen` with `low_fen` and `high_fen` (the interval of the mean
    result), `peer_per_case_fen` of the other hospitals of the level, `verdict` against these. `rest` rows hold what
    lies beyond the limit, so that rows sum to the department.
    """

    wanted: Wanted
    area: str
    area_label: str
    limit: int
    rows: tuple[dict[str, Any], ...]
    departments: tuple[dict[str, Any], ...]
    labels: Labels
    notices: tuple[str, ...]
    notes: tuple[str, ...]


def top_in_home(home: Home, wanted: Wanted, limit: int | None = None) -> TopReport:
    """The groups that each department of a closed month treats most; errors as `causes_in_home`. Source: S002-25."""
    month = read_month(home, wanted)
    limit = setting("top.groups") if limit is None else limit
    scope = month.of_group(month.scoped(month.now))
    if not scope.num_rows:
        raise TongpinError(
            "causes.scope", "本范围没有按病组付费的清单", where=wanted.month, hint="核对机构与科室的代码"
        )
    rows = top_rows(scope, month.now, limit)
    assumed = len(month.manifest["assumed"])
    return TopReport(
        wanted=wanted,
        area=month.area,
        area_label=month.manifest["area_label"],
        limit=limit,
        rows=rows,
        departments=department_rows(rows),
        labels=month.labels,
        notices=(
            *synthetic_notice(home),
            *([f"模拟：付费办法有 {assumed} 项取值没有文件确认"] if assumed else []),
        ),
        notes=(
            "盈亏 = DRG 应付 − 按项目应付，正数归机构；口径：医保DRG（本月与补传清单），按结算月；盈亏按费用",
            f"按例数列前 {limit} 个病组，其余合为一行；区间是每例盈亏的 {confidence():.0%} 区间",
            "对照是同级其他机构同组的每例盈亏，与区间比",
            f"少于 {setting('compare.minimum_cases')} 例的不与对照比较",
        ),
    )


def top_rows(scope: pa.Table, everyone: pa.Table, limit: int) -> tuple[dict[str, Any], ...]:
    """The rows of `TopReport` from the lists of the departments and those of all hospitals (paid by their group)."""
    by = ["institution_code", "dept", "drg"]
    sums = sum_facts(scope.select([*by, *_READ]), by).select([*by, *_SUMS]).to_pylist()
    spread = {
        (row["institution_code"], row["dept"], row["drg"]): row["result_fen_stddev"]
        for row in scope.group_by(by)
        .aggregate([("result_fen", "stddev", pc.VarianceOptions(ddof=1, min_count=2))])
        .to_pylist()
    }
    peers = _peers(everyone)
    levels = dict(zip(scope["institution_code"].to_pylist(), scope["hospital_level"].to_pylist(), strict=True))
    found: list[dict[str, Any]] = []
    for place, groups in _by_department(sums).items():
        whole = _added(groups)
        kept = groups[:limit]
        for rank, row in enumerate(kept, start=1):
            peer = peers.per_case(place[0], levels[place[0]], row["drg"])
            found.append(_told(row, whole, rank) | _against(row, spread[(*place, row["drg"])], peer))
        if groups[limit:]:
            rest = _added(groups[limit:]) | {"institution_code": place[0], "dept": place[1], "drg": REST}
            rest["group_count"] = len(groups) - limit
            found.append(_told(rest, whole, None) | _against(rest, None, None))
    total = int(pc.sum(scope["result_fen"]).as_py() or 0)
    check_balance("causes.top", "病组盈亏之和与科室盈亏", sum(row["result_fen"] for row in found), total)
    return tuple(found)


def department_rows(rows: Sequence[Mapping[str, Any]]) -> tuple[dict[str, Any], ...]:
    """Every department with its sums, the groups that lose, and whether it is to be looked at first.

    `first_look`: it loses, and it has groups whose result per case lies below their peers' beyond the interval.
    """
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for row in rows:
        place = (row["institution_code"], row["dept"])
        one = found.setdefault(
            place,
            {"institution_code": place[0], "dept": place[1], "group_count": 0, "losing_count": 0, "below_count": 0}
            | dict.fromkeys(_SUMS, 0),
        )
        for name in _SUMS:
            one[name] += row[name]
        one["group_count"] += row.get("group_count", 1)
        one["losing_count"] += row["drg"] != REST and row["result_fen"] < 0
        one["below_count"] += row["verdict"] == BELOW_PEERS
    for one in found.values():
        one["per_case_fen"] = round_half_up(one["result_fen"], one["case_count"])
        one["first_look"] = one["result_fen"] < 0 and one["below_count"] > 0
    return tuple(sorted(found.values(), key=lambda one: (one["result_fen"], one["institution_code"], one["dept"])))


BELOW_PEERS = "低于对照"


def _by_department(sums: Sequence[dict[str, Any]]) -> dict[tuple[str, str], list[dict[str, Any]]]:
    found: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in sums:
        found.setdefault((row["institution_code"], row["dept"]), []).append(row)
    for groups in found.values():
        groups.sort(key=lambda row: (-row["case_count"], row["drg"]))
    return found


def _added(groups: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    return {name: sum(row[name] for row in groups) for name in _SUMS}


def _told(row: Mapping[str, Any], whole: Mapping[str, Any], rank: int | None) -> dict[str, Any]:
    """A row with its shares and means."""
    fee, count = row["total_fee_fen"], row["case_count"]
    return {
        **row,
        "rank": rank,
        "case_share": count / whole["case_count"],
        "mean_fee_fen": round_half_up(fee, count),
        "per_case_fen": round_half_up(row["result_fen"], count),
        "mean_stay": row["stay_days"] / row["stay_known_count"] if row["stay_known_count"] else None,
        **{f"{name}_share": row[f"{name}_fee_fen"] / fee if fee else None for name in ("drug", "consumable", "exam")},
    }


def _against(row: Mapping[str, Any], spread: float | None, peer_fen: int | None) -> dict[str, Any]:
    """The interval of the mean result, and what it says beside the peers' mean."""
    per_case, count = round_half_up(row["result_fen"], row["case_count"]), row["case_count"]
    width = NormalDist().inv_cdf((1 + confidence()) / 2)
    reach = None if spread is None else round(width * spread / math.sqrt(count))
    low, high = (None, None) if reach is None else (per_case - reach, per_case + reach)
    said = FEW
    if peer_fen is not None and low is not None and high is not None:
        said = verdict(count, low - peer_fen, high - peer_fen)
    return {"low_fen": low, "high_fen": high, "peer_per_case_fen": peer_fen, "verdict": said}


class _Peers:
    """Cases and results by level and group, of all hospitals and of each."""

    def __init__(self, facts: pa.Table) -> None:
        self._all = self._read(roll_up(facts, ["hospital_level", "drg"]), ["hospital_level", "drg"])
        self._own = self._read(roll_up(facts, ["institution_code", "drg"]), ["institution_code", "drg"])

    @staticmethod
    def _read(table: pa.Table, keys: Sequence[str]) -> dict[tuple[str, ...], tuple[int, int]]:
        return {tuple(row[key] for key in keys): (row["case_count"], row["result_fen"]) for row in table.to_pylist()}

    def per_case(self, institution: str, level: str, drg: str) -> int | None:
        """The result per case of the other hospitals of the level, None with too few cases."""
        every, own = self._all.get((level, drg), (0, 0)), self._own.get((institution, drg), (0, 0))
        count = every[0] - own[0]
        return round_half_up(every[1] - own[1], count) if count >= setting("compare.minimum_cases") else None


def _peers(everyone: pa.Table) -> _Peers:
    keys = ["hospital_level", "institution_code", "drg"]
    facts = everyone.select([*keys, "result_fen"])
    counted = facts.append_column("case_count", pa.array(np.ones(facts.num_rows, dtype=np.int64)))
    return _Peers(roll_up(counted, keys))
