"""Dictionary 原因字典: which causes the figures of a group suggest, with the cases to look at; it accuses nobody."""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tongpin.base.money import SCALE
from tongpin.measures.intervals import confidence
from tongpin.report.words import number_text, percent_text, points_text, yuan_text
from tongpin.twin.causes.catalogue import FIGURES, load_causes, load_settings, setting
from tongpin.twin.causes.decompose import EXTREMES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from tongpin.twin.causes.catalogue import Cause, Test

OPERATED, SURGERY, OTHER_GROUP = "operated", "surgery", "other_group"
"""Columns that `suggested` reads beside those of a line: has an operation, the front page came into another group."""
_LEAST = 2
"""A spread needs two cases."""
_HOME = "1"
"""The way of discharge 医嘱离院."""
_RATIOS = frozenset({"drug_fee_ratio", "exam_fee_ratio", "peer_fee_to_standard", "fee_to_peers"})
_EXCESSES = frozenset({"light_share_excess", "odd_share_excess"})


class EvidenceCase(NamedTuple):
    """A case to look at, and why, in figures."""

    case_id: str
    institution_code: str
    dept: str
    doctor_code: str
    dx: str
    stay_days: int | None
    total_fee_fen: int
    why: str


class Suggested(NamedTuple):
    """A cause that the figures of a group suggest: what was measured, what it is worth (fen, or None), its cases."""

    cause: Cause
    drg: str
    case_count: int
    measured: tuple[str, ...]
    amount_fen: int | None
    cases: tuple[EvidenceCase, ...]


def suggested(cases: pa.Table, peers: pa.Table, parts: Mapping[str, Mapping[str, int]]) -> tuple[Suggested, ...]:
    """The causes suggested by the groups of `cases` against the same groups of `peers`, the largest loss first.

    Both are lists paid by their group with `operated`, `surgery`, `other_group` (null: no front page) and `first_dx`.
    `parts`: by group, the parts of its decomposition. Groups with fewer than `compare.minimum_cases` cases are not
    judged, nor is what chance may explain. Source: S002-27.
    """
    there, found = _groups(peers), []
    for drg, own in _groups(cases).items():
        count = own.sums["case_count"]
        if count < setting("compare.minimum_cases") or drg not in there:
            continue
        figures = _figures(own, there[drg])
        for cause in load_causes():
            told = _told(cause, figures)
            if told:
                amount = sum(parts.get(drg, {}).get(name, 0) for name in cause.parts) if cause.parts else None
                group = cases.filter(pc.equal(cases["drg"], drg))
                evidence = _evidence(cause, group, there[drg])
                found.append(Suggested(cause, drg, count, told, amount, evidence))
    order = {cause.id: number for number, cause in enumerate(load_causes())}
    found.sort(key=lambda one: (_loss(parts, one.drg), one.drg, order[one.cause.id]))
    return tuple(found)


def _loss(parts: Mapping[str, Mapping[str, int]], drg: str) -> int:
    return sum(parts.get(drg, {}).values())


class _Group(NamedTuple):
    """Sums of a group (means rest on the cases that are no outliers), and the single fees of these by part."""

    sums: dict[str, int]
    fees: dict[str, NDArray[np.int64]]

    def share(self, name: str, of: str = "case_count") -> float | None:
        return self.sums[name] / self.sums[of] if self.sums[of] else None

    def mean(self, name: str) -> float | None:
        return self.share(name, "normal_count")


def _groups(cases: pa.Table) -> dict[str, _Group]:
    odd = _odd(cases)
    normal = ~odd
    fees = {name: _fen(cases, f"{name}_fee_fen") for name in ("drug", "exam")}
    drgs = cases["drg"].combine_chunks().dictionary_encode()
    place = np.asarray(drgs.indices.to_numpy(zero_copy_only=False), dtype=np.int64)
    columns = {
        "case_count": np.ones(cases.num_rows, dtype=np.int64),
        "normal_count": normal,
        "surgery": _flag(cases, SURGERY),
        "light": _light(cases),
        "odd": odd,
        "paired": np.asarray(pc.is_valid(cases[OTHER_GROUP]).to_numpy(zero_copy_only=False), dtype=np.bool_),
        "other_group": _flag(cases, OTHER_GROUP),
        "fee": _fen(cases, "total_fee_fen") * normal,
        "standard": _fen(cases, "standard_fen") * normal,
    } | {name: fee * normal for name, fee in fees.items()}
    names = drgs.dictionary.to_pylist()
    sums = {name: np.zeros(len(names), dtype=np.int64) for name in columns}
    for name, column in columns.items():
        np.add.at(sums[name], place, np.asarray(column, dtype=np.int64))
    return {
        drg: _Group(
            {name: int(total[number]) for name, total in sums.items()},
            {name: fee[(place == number) & normal] for name, fee in fees.items()},
        )
        for number, drg in enumerate(names)
    }


def _figures(own: _Group, peers: _Group) -> dict[str, float | None]:
    """The figures of `FIGURES` for one group; None where they cannot be formed or chance alone may explain them."""
    exams, mean_exam = own.fees["exam"], peers.mean("exam")
    return {
        "surgery_share": own.share("surgery"),
        "drug_fee_ratio": _mean_ratio(own, peers, "drug"),
        "exam_fee_ratio": _mean_ratio(own, peers, "exam"),
        "exam_above_share": None if mean_exam is None or not len(exams) else float((exams > mean_exam).mean()),
        "peer_fee_to_standard": peers.share("fee", "standard"),
        "fee_to_peers": _quotient(own.mean("fee"), peers.mean("fee")),
        "light_share_excess": _excess(own, peers, "light"),
        "odd_share_excess": _excess(own, peers, "odd"),
        "other_group_share": own.share("other_group", "paired") if _enough(own, "other_group") else None,
    }


def _width() -> float:
    """Half the width of an interval, in standard errors."""
    return NormalDist().inv_cdf((1 + confidence()) / 2)


def _mean_ratio(own: _Group, peers: _Group, part: str) -> float | None:
    """The mean fee of a part over the peers', unless the peers' lies within the interval of the own mean."""
    fees, mean = own.fees[part], peers.mean(part)
    if mean is None or mean <= 0 or len(fees) < _LEAST:
        return None
    reach = _width() * float(np.std(fees, ddof=1)) / math.sqrt(len(fees))
    return float(fees.mean()) / mean if abs(float(fees.mean()) - mean) > reach else None


def _excess(own: _Group, peers: _Group, name: str) -> float | None:
    """The share above the peers', unless it rests on few cases or lies within what chance does to so many."""
    here, there = own.share(name), peers.share(name)
    if here is None or there is None or not _enough(own, name):
        return None
    reach = _width() * math.sqrt(there * (1 - there) / own.sums["case_count"])
    return here - there if here - there > reach else None


def _enough(own: _Group, name: str) -> bool:
    return own.sums[name] >= setting("compare.evidence_minimum")


def _quotient(above: float | None, below: float | None) -> float | None:
    return above / below if above is not None and below else None


def _told(cause: Cause, figures: Mapping[str, float | None]) -> tuple[str, ...]:
    """What was measured, in words, if the tests of the cause hold; nothing otherwise."""
    held = [
        (test, value) for test in cause.tests if (value := figures[test.figure]) is not None and _holds(test, value)
    ]
    enough = len(held) == len(cause.tests) if cause.when == "all" else bool(held)
    return tuple(_in_words(test, value) for test, value in held) if enough else ()


def _holds(test: Test, value: float) -> bool:
    if test.at_least is not None:
        return value >= setting(test.at_least) / SCALE
    return value <= setting(str(test.at_most)) / SCALE


def _in_words(test: Test, value: float) -> str:
    limit = load_settings()[test.at_least or str(test.at_most)].value / SCALE
    sign = "≥" if test.at_least else "≤"
    return f"{FIGURES[test.figure]} {_shown(test.figure, value)}（{sign} {_shown(test.figure, limit)}）"


def _shown(figure: str, value: float) -> str:
    if figure in _RATIOS:
        return f"{number_text(value)} 倍"
    return f"{points_text(value)} 个百分点" if figure in _EXCESSES else percent_text(value)


def _fen(cases: pa.Table, name: str) -> NDArray[np.int64]:
    return np.asarray(pc.fill_null(cases[name], 0).to_numpy(), dtype=np.int64)


def _flag(cases: pa.Table, name: str) -> NDArray[np.bool_]:
    return np.asarray(pc.fill_null(cases[name], False).to_numpy(zero_copy_only=False), dtype=np.bool_)


def _odd(cases: pa.Table) -> NDArray[np.bool_]:
    extreme = pc.fill_null(pc.is_in(cases["outlier_class"], value_set=pa.array(EXTREMES)), False)
    return np.asarray(extreme.to_numpy(zero_copy_only=False), dtype=np.bool_)


def _light(cases: pa.Table) -> NDArray[np.bool_]:
    short = pc.fill_null(pc.less_equal(cases["los"], setting("admission.light_days")), False)
    home = pc.fill_null(pc.equal(cases["discharge_way"], _HOME), False)
    both = np.asarray(pc.and_(short, home).to_numpy(zero_copy_only=False), dtype=np.bool_)
    return both & ~_flag(cases, OPERATED)


def _evidence(cause: Cause, group: pa.Table, peers: _Group) -> tuple[EvidenceCase, ...]:
    """The cases of a group that show the cause most."""
    fee, standard = _fen(group, "total_fee_fen"), _fen(group, "standard_fen")
    means = {name: round(peers.mean(name) or 0) for name in ("drug", "exam", "fee")}
    told, shown, against = "", fee, standard
    match cause.evidence:
        case "drug_over":
            shown, against = _fen(group, "drug_fee_fen"), fee * 0 + means["drug"]
            mask, score = _flag(group, SURGERY), shown - against
            told = "药费 {} 元，同组均值 {} 元"
        case "exam_over":
            shown, against = _fen(group, "exam_fee_fen"), fee * 0 + means["exam"]
            mask, score = shown > against, shown - against
            told = "检查化验费 {} 元，同组均值 {} 元"
        case "fee_over":
            mask, score = ~_odd(group) & (fee > standard), fee - standard
            told = "费用 {} 元，支付标准 {} 元"
        case "light":
            mask, score, against = _light(group), -fee, fee * 0 + means["fee"]
            told = "无手术操作，费用 {} 元，同组均值 {} 元"
        case "odd":
            odd, other = _odd(group), _flag(group, OTHER_GROUP)
            mask, score = odd | other, other * 2 + odd * 1
    order = sorted(np.flatnonzero(mask).tolist(), key=lambda at: (-score[at], at))
    rows = group.take(order[: setting("compare.evidence_cases")]).to_pylist()
    return tuple(
        _case(row, told.format(yuan_text(int(shown[at])), yuan_text(int(against[at]))) if told else _odd_words(row))
        for at, row in zip(order, rows, strict=False)
    )


def _odd_words(row: Mapping[str, Any]) -> str:
    """Why a case stands out, without money: the reader is who codes."""
    words = {"HIGH": "费用极高", "LOW": "费用极低"}.get(row["outlier_class"] or "", "")
    other = "清单与首页病组不同" if row[OTHER_GROUP] else ""
    return "；".join(one for one in (words, other) if one)


def _case(row: Mapping[str, Any], why: str) -> EvidenceCase:
    return EvidenceCase(
        row["case_id"],
        row["institution_code"],
        row["dept"] or "",
        row["doctor_code"] or "",
        row["first_dx"] or "",
        row["los"],
        row["total_fee_fen"] or 0,
        why,
    )
