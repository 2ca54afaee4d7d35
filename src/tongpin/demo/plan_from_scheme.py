"""A plan for any scheme 由方案推出规划: candidates read off its rules, tried on its own kernel, the best kept.

Groups that the demonstration plan knows (by ADRG) take its shares, weights and stays; the others neutral ones.
"""

from __future__ import annotations

import zlib
from dataclasses import replace
from importlib import resources
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from tongpin.base.errors import TongpinError
from tongpin.demo.calendar import Month
from tongpin.demo.candidates import Path, paths
from tongpin.demo.codes import draw_codes
from tongpin.demo.donors import Donors
from tongpin.demo.groups import (
    LEVELS,
    LIMITS,
    NUMBERS,
    Array,
    Draft,
    Groups,
    assemble,
    code_indices,
    parse_groups,
    plan_rows,
)
from tongpin.demo.persons import draw_persons
from tongpin.demo.stays import PERSON_DRAWS, PRINCIPAL, Stays

if TYPE_CHECKING:
    from tongpin.demo.profile import Profile
    from tongpin.demo.setting import Setting
    from tongpin.grouping.tables.model import SchemeTables

PRINCIPALS, PROCEDURES, OTHERS, COMPLICATIONS = 8, 4, 6, 40
"""How many codes of each kind a way into a group is tried with."""

WAYS, TRIES = 4, 40
"""Ways into a DRG that are tried, and cases of each."""

GOOD, FIT = 0.9, 0.97
"""A code stays where so many of its cases group as planned, a group where so many do."""


_PLANS: dict[tuple[str, str], Groups] = {}


def read_groups(scheme: SchemeTables, profile: Profile) -> Groups:
    """The plan for a scheme: the written one where it fits the scheme, else one derived from the scheme's own rules.

    Derived plans are kept by the digest of the scheme for the life of the process. Raises `TongpinError` (`demo.plan`).
    """
    text = resources.files("tongpin.demo").joinpath("plan", "groups.csv").read_text(encoding="utf-8")
    rows = plan_rows(text)
    if {row["drg"] for row in rows} <= set(scheme.drg_codes):
        return parse_groups(text, scheme, profile.comorbidity)
    key = (scheme.digest, profile.profile)
    if key not in _PLANS:
        _PLANS[key] = _derive(scheme, profile, rows)
    return _PLANS[key]


def _derive(scheme: SchemeTables, profile: Profile, rows: list[dict[str, str]]) -> Groups:
    rng = np.random.default_rng(zlib.crc32(scheme.digest.encode()))
    draft = _draft(scheme, rng, Donors(rows, scheme.options.newborn_days))
    if not draft.drg:
        raise TongpinError("demo.plan", "方案里没有能规划的病组", where=scheme.scheme_id, hint="检查方案的清单与字典")
    groups = _alive(draft, scheme, profile)
    by_code, _ = _trial(scheme, profile, groups, rng)
    groups = _alive(_without(groups, by_code), scheme, profile)
    _, rate = _trial(scheme, profile, groups, rng)
    best: dict[str, int] = {}
    for place in np.argsort(-rate, kind="stable").tolist():
        if rate[place] >= FIT:
            best.setdefault(groups.drg[place], place)
    if not best:
        raise TongpinError("demo.plan", "方案的病组都试不出病例", where=scheme.scheme_id, hint="检查方案的清单与字典")
    return _scaled(_chosen(_as_draft(groups), sorted(best.values())), scheme, profile)


def _draft(scheme: SchemeTables, rng: np.random.Generator, donors: Donors) -> Draft:
    """Every way into every DRG that has codes to try, as a group of its own."""
    dx_index, px_index = code_indices(scheme)
    wanted: dict[str, list[Any]] = {}
    tried: dict[str, int] = {}
    for path in paths(scheme):
        codes = _codes(path, scheme, rng, dx_index, px_index)
        if codes is None or tried.get(path.drg, 0) >= WAYS:
            continue
        tried[path.drg] = tried.get(path.drg, 0) + 1
        number, limit = donors.numbers(path)
        for name, value in {
            "drg": path.drg,
            "dept": donors.dept(path),
            "season": donors.season(path),
            "severity": path.severity,
            "principals": codes[0],
            "others": codes[1],
            "procedures": codes[2],
            **number,
            **limit,
        }.items():
            wanted.setdefault(name, []).append(value)
    return Draft(
        drg=tuple(wanted.get("drg", ())),
        dept=tuple(wanted.get("dept", ())),
        season=tuple(wanted.get("season", ())),
        number={name: np.array(wanted.get(name, []), dtype=float) for name in NUMBERS},
        limit={name: np.array(wanted.get(name, []), dtype=float) for name in LIMITS},
        severity=np.array(wanted.get("severity", []), dtype=np.int64),
        principals=wanted.get("principals", []),
        others=wanted.get("others", []),
        procedures=wanted.get("procedures", []),
    )


def _codes(
    path: Path, scheme: SchemeTables, rng: np.random.Generator, dx_index: dict[str, int], px_index: dict[str, int]
) -> tuple[list[int], list[int], list[list[int]]] | None:
    """Principal diagnoses, demanded secondary ones and alternatives of procedures; None where there are none."""
    principals = path.principals if path.principals is not None else set(scheme.exclusion) or set(dx_index)
    needed = list(path.others)
    for codes in list(needed):
        # A list that any diagnosis may meet is met by the principal one where it can be.
        if path.principals is not None and principals & codes:
            principals &= codes
            needed.remove(codes)
    others = set(needed[0]) if needed else set()
    if path.sites:
        principals, others = _two_sites(scheme, principals)
    found = _some(rng, principals - path.barred, dx_index, PRINCIPALS)
    second = _some(rng, others - path.barred, dx_index, OTHERS)
    if not found or len(needed) > 1 or (others and not second):
        return None
    sets = [*([path.main] if path.main is not None else []), *path.procedures]
    columns = [_some(rng, set(one) - path.barred_procedures, px_index, PROCEDURES) for one in sets]
    if not all(columns):
        return None
    alternatives = [[column[at % len(column)] for column in columns] for at in range(PROCEDURES if columns else 1)]
    return found, second, [list(dict.fromkeys(one)) for one in alternatives]


def _two_sites(scheme: SchemeTables, principals: set[str]) -> tuple[set[str], set[str]]:
    """Principal diagnoses of one site of the body and secondary ones of another."""
    by_site: dict[str, set[str]] = {}
    for code, site in scheme.sites.items():
        by_site.setdefault(site, set()).add(code)
    fitting = sorted(by_site, key=lambda site: (-len(by_site[site] & principals), site))
    if len(fitting) < 2 or not by_site[fitting[0]] & principals:  # noqa: PLR2004 - two sites
        return set(), set()
    return by_site[fitting[0]] & principals, by_site[fitting[1]]


def _some(rng: np.random.Generator, codes: set[str], index: dict[str, int], most: int) -> list[int]:
    """At most so many of the codes that the dictionary knows, drawn without order."""
    known = sorted(code for code in codes if code in index)
    if len(known) > most:
        known = [known[at] for at in sorted(rng.choice(len(known), most, replace=False).tolist())]
    return [index[code] for code in known]


def _trial(
    scheme: SchemeTables, profile: Profile, groups: Groups, rng: np.random.Generator
) -> tuple[tuple[Array, Array], Array]:
    """Cases of every group, drawn as the city draws them, grouped: hit rates by principal, procedure and group."""
    from tongpin.demo.setting import Setting
    from tongpin.grouping.compiled.stage import group

    setting = Setting(profile, scheme, groups, 0)
    size = len(groups.drg) * TRIES
    stays = _trial_stays(setting, rng, size)
    persons = draw_persons(setting, 0, rng, stays)
    codes = draw_codes(setting, 0, rng, stays, persons)
    table = pa.table(
        {
            "sex": pa.array(persons.sex),
            "age": pa.array(persons.age),
            "age_days": pa.array(persons.age_days.astype(np.int32), mask=persons.age_days < 0),
            "birth_weight": pa.array(persons.birth_weight.astype(np.int32), mask=persons.birth_weight < 0),
            "los": pa.array(stays.los.astype(np.int32)),
            "dx": codes.dx,
            "px": codes.px,
        }
    )
    result = group(table, scheme)
    found = np.asarray(result["drg"].combine_chunks().cast(pa.string()).to_pylist())
    hit = (found == np.array(groups.drg)[stays.group]).astype(float)
    principal = groups.principals.pick(stays.group, stays.person[:, PRINCIPAL])
    return (
        _rate(principal, hit, len(groups.principals.values)),
        _rate(codes.procedure, hit, len(groups.procedures.values)),
    ), _rate(stays.group, hit, len(groups.drg))


def _rate(which: Array, hit: Array, size: int) -> Array:
    """The share of hits of each; one that was never drawn counts as good."""
    count = np.bincount(which, minlength=size)
    hits = np.bincount(which, hit, minlength=size)
    return np.where(count > 0, hits / np.maximum(count, 1), 1.0)


def _trial_stays(setting: Setting, rng: np.random.Generator, size: int) -> Stays:
    group = np.repeat(np.arange(len(setting.groups.drg)), TRIES)
    low, high = (setting.groups.limit[name][group] for name in ("los_low", "los_high"))
    los = np.clip(rng.integers(4, 12, size), np.maximum(low, 1), np.where(high < 0, np.inf, high)).astype(np.int64)
    day = np.full(size, Month.parse(setting.profile.volume.first_month.value).day(20))
    nothing = np.zeros(size, dtype=np.int64)
    return Stays(
        group=group,
        insured=np.ones(size, dtype=bool),
        patient=np.full(size, ""),
        stay_no=nothing,
        person=rng.random((size, PERSON_DRAWS)),
        known_since=day - los.astype("timedelta64[D]"),
        discharge=day,
        los=los,
        nights=los,
        fee_factor=np.ones(size),
        comes_again=np.zeros(size, dtype=bool),
        split=nothing - 1,
        part=nothing,
        interim=nothing - 1,
    )


def _as_draft(groups: Groups) -> Draft:
    """The draft that groups were assembled from."""

    def lists(one: Any) -> list[list[int]]:
        return [one.values[start:end].tolist() for start, end in zip(one.starts[:-1], one.starts[1:], strict=True)]

    codes = lists(groups.procedure_codes)
    return Draft(
        groups.drg,
        groups.dept,
        groups.season,
        groups.number,
        groups.limit,
        groups.severity,
        lists(groups.principals),
        lists(groups.others),
        [[codes[at] for at in alternatives] for alternatives in lists(groups.procedures)],
    )


def _without(groups: Groups, rates: tuple[Array, Array]) -> Draft:
    """The draft of the groups without the codes that miss too often; a group keeps its best where all miss."""
    draft = _as_draft(groups)
    return replace(
        draft,
        principals=_good(draft.principals, groups.principals.starts, rates[0]),
        procedures=_good(draft.procedures, groups.procedures.starts, rates[1]),
    )


def _good(lists: list[list[Any]], starts: Array, rate: Array) -> list[list[Any]]:
    """Of every list the entries with a good rate, else the best one."""
    chosen = []
    for values, start in zip(lists, starts[:-1], strict=True):
        own = rate[start : start + len(values)]
        good = [value for value, one in zip(values, own, strict=True) if one >= GOOD]
        chosen.append(good or [values[int(own.argmax())]])
    return chosen


def _alive(draft: Draft, scheme: SchemeTables, profile: Profile) -> Groups:
    """The draft assembled without principals that no complication fits, and without groups that lose them all."""
    groups = assemble(draft, scheme, profile.comorbidity, COMPLICATIONS)
    barren = groups.barren
    if not barren.any():
        return groups
    starts = groups.principals.starts
    principals = [
        [value for value, dead in zip(values, barren[start : start + len(values)], strict=True) if not dead]
        for values, start in zip(draft.principals, starts[:-1], strict=True)
    ]
    left = [place for place, values in enumerate(principals) if values]
    return assemble(_chosen(replace(draft, principals=principals), left), scheme, profile.comorbidity, COMPLICATIONS)


def _chosen(draft: Draft, places: list[int]) -> Draft:
    """Some of the groups of a draft."""
    at = np.array(places, dtype=np.int64)
    return Draft(
        drg=tuple(draft.drg[place] for place in places),
        dept=tuple(draft.dept[place] for place in places),
        season=tuple(draft.season[place] for place in places),
        number={name: values[at] for name, values in draft.number.items()},
        limit={name: values[at] for name, values in draft.limit.items()},
        severity=draft.severity[at],
        principals=[draft.principals[place] for place in places],
        others=[draft.others[place] for place in places],
        procedures=[draft.procedures[place] for place in places],
    )


def _scaled(draft: Draft, scheme: SchemeTables, profile: Profile) -> Groups:
    """The groups with shares that sum to 100; every grade treats something."""
    number = dict(draft.number)
    number["share_pct"] = number["share_pct"] / number["share_pct"].sum() * 100
    for name in LEVELS.values():
        if not (number["share_pct"] @ number[name]) > 0:
            number[name] = np.ones(len(draft.drg))
    return assemble(replace(draft, number=number), scheme, profile.comorbidity, COMPLICATIONS)
