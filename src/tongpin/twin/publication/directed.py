"""Directed editions 定向发布: one hospital or county sees itself by name, its peers under code names (S910-01).

Peers stand sorted by each figure; code names come from a keyed digest of the publication, so that neither the order of
the register nor anything outside tells who is who. Numbers that show size (cases, sums, intervals), figures of few
cases and rates of rare events are left out of the peers' rows; a class of few hospitals with cases is not listed at
all, nor is a figure that few of them have.
"""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING, NamedTuple

from tongpin.base.errors import TongpinError
from tongpin.measures.against import SUMS
from tongpin.measures.ranks import SIGNS, least_cases
from tongpin.twin.publication.money import COUNTY, HOSPITAL, LEVEL, TOTAL

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tongpin.twin.publication.run import Place, Publication

_STEMS, _BRANCHES = "甲乙丙丁戊己庚辛壬癸", "子丑寅卯辰巳午未申酉戌亥"
_CYCLE = 60
OWN_WORDS = {HOSPITAL: "本机构", COUNTY: "本区县"}


class Line(NamedTuple):
    """A peer's value of a measure under its code name, or one's own under its name; `measure` of the catalogue."""

    measure: str
    name: str
    is_own: bool
    value: float


class Directed(NamedTuple):
    """What one receiver sees: its own places, the sums beside them, and peers by measure, sorted from best to worst.

    `kind` hospital or county; `peers_label` names the class, `peers` how many in it have cases; `is_small`: too few to
    be listed, so that `lines` are empty and the sums of the class are left out.
    """

    kind: str
    code: str
    name: str
    level: str
    own: tuple[Place, ...]
    sums: tuple[Place, ...]
    peers_label: str
    peers: int
    is_small: bool
    lines: tuple[Line, ...]


def directed(found: Publication, code: str, key: bytes) -> Directed:
    """The edition for a hospital (institution code) or a county (region code); `key` is a secret of the home.

    TongpinError `publication.for` when the publication has neither.
    """
    own = next((one for one in found.places if one.code == code and one.kind in OWN_WORDS), None)
    if own is None:
        counties = "、".join(one.code for one in found.of(COUNTY) if one.code)
        raise TongpinError(
            "publication.for",
            f"这一期没有机构或区县 {code} 的数",
            where="--for",
            hint=f"写机构代码，或区县代码（{counties or '没有登记区县'}）",
        )
    is_hospital = own.kind == HOSPITAL
    peers = found.level_of(own) if is_hospital else found.of(COUNTY)
    # Those without a single case hide nobody: a class is as large as its members that have figures.
    count = sum(_has_cases(one) for one in peers)
    is_small = count < found.plan.limit("peers.smallest")
    mine = (own,) if is_hospital else (*(one for one in found.of(HOSPITAL) if one.county == code), own)
    beside = {(LEVEL, own.level)} if is_hospital and not is_small else set()
    return Directed(
        own.kind,
        code,
        own.name,
        own.level,
        mine,
        tuple(one for one in found.places if one.key in beside or one.kind == TOTAL),
        f"{own.level or '未登记级别'}" if is_hospital else "全部区县",
        count,
        is_small,
        () if is_small else _lines(found, own, peers, key),
    )


def _has_cases(one: Place) -> bool:
    """Whether a place has a case behind one of its figures."""
    return any(entry.year.count for entry in one.entries.values())


def code_names(codes: Sequence[str], key: bytes, publication: str) -> dict[str, str]:
    """A code name for each code: 甲、乙 … up to ten, else two characters of the cycle of sixty, numbered beyond.

    They are given in the order of a keyed digest of publication and code: another publication gives other names.
    """
    order = sorted(codes, key=lambda code: hmac.digest(key, f"{publication}\x1f{code}".encode(), "sha256"))
    few = len(order) <= len(_STEMS)
    return {code: _STEMS[place] if few else _of_cycle(place) for place, code in enumerate(order)}


def _of_cycle(place: int) -> str:
    rounds, at = divmod(place, _CYCLE)
    name = _STEMS[at % len(_STEMS)] + _BRANCHES[at % len(_BRANCHES)]
    return f"{name}{rounds + 1}" if rounds else name


def _lines(found: Publication, own: Place, peers: Sequence[Place], key: bytes) -> tuple[Line, ...]:
    others = [one.code for one in peers if one.code != own.code]
    names = code_names(others, key, f"{found.manifests[0]['area']}\x1f{found.period}\x1f{own.kind}")
    lines = []
    for measure in found.figures.measures:
        if measure.unit in SUMS or measure.limits:
            continue
        sign = SIGNS.get(measure.direction, 1)
        some = [
            Line(measure.id, names.get(one.code, f"{own.name}（{OWN_WORDS[own.kind]}）"), one.code == own.code, value)
            for one in peers
            if (value := one.entries[measure.id].year.value) is not None
            and (one.code == own.code or one.entries[measure.id].year.count >= least_cases())
        ]
        if len(some) < found.plan.limit("peers.smallest"):
            continue
        some.sort(key=lambda one: one.name)
        some.sort(key=lambda one: one.value, reverse=sign > 0)
        lines += some
    return tuple(lines)
