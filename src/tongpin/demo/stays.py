"""Stays 住院: which groups come when to a hospital in a month, how long they stay, and which patients come again."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np

from tongpin.demo.calendar import Month, Purpose, is_weekend, stream, weekday

if TYPE_CHECKING:
    from tongpin.demo.groups import Array
    from tongpin.demo.setting import Setting

SEX, AGE, BIRTHDAY, INSURANCE, PRINCIPAL = range(5)
PERSON_DRAWS = 5
"""Uniform numbers that stay with a person: whatever follows from them is the same at every stay."""

MONDAY_SHIFT = np.array([0, 0, 0, 0, 0, 2, 1])
NOT_SPLIT, FIRST_STAY, SECOND_STAY = 0, 1, 2


@dataclass
class Stays:
    """The stays of a hospital-month as parallel arrays; `known_since` is the day from which the age is told.

    `discharge` and `known_since` are days (datetime64[D]), `nights` is discharge minus admission in days, `los` counts
    the day of admission and discharge once. `fee_factor` is the fee against the group's mean, `split` numbers the
    pairs of a split stay (-1 = none) and `part` tells their halves; `interim` numbers the pairs of bills of one stay.
    """

    group: Array
    insured: Array
    patient: Array
    stay_no: Array
    person: Array
    known_since: Array
    discharge: Array
    los: Array
    nights: Array
    fee_factor: Array
    comes_again: Array
    split: Array
    part: Array
    interim: Array

    def take(self, order: Array) -> Stays:
        """The stays in another order."""
        return Stays(**{field.name: getattr(self, field.name)[order] for field in fields(self)})

    @property
    def admission(self) -> Array:
        """The days of admission."""
        days: Array = self.discharge - self.nights.astype("timedelta64[D]")
        return days

    def __len__(self) -> int:
        return len(self.group)


def draw_stays(setting: Setting, month: Month, hospital: int) -> Stays:
    """The stays of a hospital discharged in a month, in order of discharge; the same for the same seed, always."""
    lists = setting.list_count(month, hospital)
    others = round(lists * setting.profile.volume.self_pay_per_list.value)
    rng = stream(setting.seed, Purpose.CASES, month.index, hospital)
    courses = _sessions(setting, month, hospital, most=lists // 2)
    coming_once = lists - len(courses[0]) + others
    mix = setting.mix[hospital] * setting.month_season(month) * (setting.groups.number["cyclic"] == 0)
    group = np.concatenate([courses[0], rng.choice(len(mix), coming_once, p=mix / mix.sum())])
    discharge = np.concatenate([courses[1], _discharge_days(setting, month, rng, coming_once)])
    fee_factor, stay_factor = _fee_and_stay_factors(setting, rng, len(group))
    los = _lengths(setting, hospital, rng, group, stay_factor)
    los[: len(courses[0])] = np.minimum(los[: len(courses[0])], _longest_session(setting))
    same_day = (los == 1) & (rng.random(len(group)) < setting.profile.stay.same_day_share.value)
    nights = np.where(same_day, 0, los)
    admission = discharge - nights.astype("timedelta64[D]")
    stays = Stays(
        group=group,
        insured=np.arange(len(group)) < lists,
        patient=np.concatenate([courses[2], _patients(month, "S", coming_once)]),
        stay_no=np.concatenate([courses[3], np.ones(coming_once, dtype=np.int64)]),
        person=np.concatenate([courses[4], rng.random((coming_once, PERSON_DRAWS))]),
        known_since=np.concatenate([courses[5], admission[len(courses[0]) :]]),
        discharge=discharge,
        los=los,
        nights=nights,
        fee_factor=fee_factor,
        comes_again=np.arange(len(group)) < len(courses[0]),
        split=np.full(len(group), -1),
        part=np.full(len(group), NOT_SPLIT),
        interim=np.full(len(group), -1),
    )
    _join_interim_bills(setting, month, rng, stays, lists)
    _join_split_stays(setting, month, rng, stays, lists)
    _join_readmissions(setting, month, rng, stays, lists)
    return stays.take(np.lexsort((rng.random(len(group)), stays.discharge)))


def _patients(month: Month, letter: str, count: int) -> Array:
    """Numbers of patients who first come in a month."""
    stamp = f"{month.stamp}{letter}"
    return np.array([f"{stamp}{number:05d}" for number in range(count)], dtype="<U16")


def _discharge_days(setting: Setting, month: Month, rng: np.random.Generator, count: int) -> Array:
    days = month.first_day + np.arange(month.days)
    busy = np.array(setting.profile.volume.weekday_factor.value)[weekday(days)]
    return days[rng.choice(month.days, count, p=busy / busy.sum())]


def _fee_and_stay_factors(setting: Setting, rng: np.random.Generator, count: int) -> tuple[Array, Array]:
    """Fee and stay against the group's mean, both with mean 1: most lognormal, a few dear and long."""
    stay = setting.profile.stay
    usual, longer = rng.normal(size=count), rng.normal(size=count)
    costly = rng.random(count) < stay.costly_share.value
    share, dear, far = stay.costly_share.value, stay.costly_sigma.value, stay.fee_sigma.value
    rest = (1 - share * stay.costly_mean.value) / (1 - share)
    fee = np.where(
        costly,
        stay.costly_mean.value * np.exp(dear * usual - dear**2 / 2),
        rest * np.exp(far * usual - far**2 / 2),
    )
    tie, sigma, long = stay.stay_fee_correlation.value, stay.stay_sigma.value, stay.costly_stay_factor.value
    score = tie * usual + np.sqrt(1 - tie**2) * longer
    days = np.exp(sigma * score - sigma**2 / 2) * np.where(costly, long, 1.0) / (1 + share * (long - 1))
    return fee, days


def _lengths(
    setting: Setting,
    hospital: int,
    rng: np.random.Generator,
    group: Array,
    stay_factor: Array,
) -> Array:
    days = setting.mean_stay_days[setting.hospitals[hospital].grade][group] * stay_factor
    los = np.floor(days + rng.random(len(group))).astype(np.int64)
    low, high = (setting.groups.limit[name][group] for name in ("los_low", "los_high"))
    longest = setting.profile.stay.longest_stay_days.value
    return np.clip(los, np.maximum(low, 1), np.where(high < 0, longest, high)).astype(np.int64)


def _longest_session(setting: Setting) -> int:
    """The longest stay, in nights, that is over before the next session can begin."""
    rhythm = setting.profile.rhythm
    early, late = rhythm.jitter_days.value
    return rhythm.interval_days.value + early - late - int(MONDAY_SHIFT.max()) - 1


def _sessions(
    setting: Setting,
    month: Month,
    hospital: int,
    most: int,
) -> tuple[Array, Array, Array, Array, Array, Array]:
    """The sessions of running courses that end in the month: group, day, patient, stay number, person, first day.

    A course belongs to the hospital and the month it begins in, so that the same patient comes back in other months
    whichever of them are built.
    """
    rhythm = setting.profile.rhythm
    fewest, longest = rhythm.sessions.value
    mix = setting.mix[hospital] * (setting.groups.number["cyclic"] == 1)
    expected = mix.sum() * setting.hospitals[hospital].cases / ((fewest + longest) / 2)
    reach = longest * (rhythm.interval_days.value + rhythm.jitter_days.value[1]) // 28 + 1
    parts: list[tuple[Array, ...]] = []
    for begin in (month.plus(-back) for back in range(reach, -1, -1)):
        if expected == 0:
            break
        rng = stream(setting.seed, Purpose.COURSES, begin.index, hospital)
        grown = expected * (1 + setting.profile.volume.growth_per_year.value) ** setting.years_since(begin)
        count = int(rng.poisson(grown))
        group = rng.choice(len(mix), count, p=mix / mix.sum())
        first = begin.first_day + rng.integers(0, begin.days, count)
        sessions = rng.integers(fewest, longest + 1, count)
        low, high = rhythm.jitter_days.value
        jitter = rng.integers(low, high + 1, (count, longest))
        off_weekend = rng.random((count, longest)) > min(setting.profile.volume.weekday_factor.value)
        person = rng.random((count, PERSON_DRAWS))
        day = first[:, None] + np.arange(longest) * rhythm.interval_days.value + jitter
        day = day + np.where(off_weekend & is_weekend(day), MONDAY_SHIFT[weekday(day)], 0)
        held = np.arange(longest) < sessions[:, None]
        course, session = np.nonzero(held & (day.astype("datetime64[M]") == np.datetime64(str(month), "M")))
        patient = _patients(begin, "C", count)
        parts.append((group[course], day[course, session], patient[course], session + 1, person[course], first[course]))
    if not parts:
        nothing = np.zeros(0, dtype=np.int64)
        days = nothing.astype("datetime64[D]")
        return nothing, days, nothing.astype("<U16"), nothing, np.zeros((0, PERSON_DRAWS)), days
    group, day, patient, stay_no, person, first = (np.concatenate(column)[:most] for column in zip(*parts, strict=True))
    return group, day, patient, stay_no, person, first


def _pairs(
    month: Month,
    rng: np.random.Generator,
    stays: Stays,
    free: Array,
    gaps: tuple[int, int],
    count: int,
) -> tuple[Array, Array]:
    """Pairs of free stays of one group that can become one patient's two stays within the month; first and second.

    The later stay is the second; the first is moved so that it ends `gap` days before the second begins.
    """
    rows = rng.permutation(np.flatnonzero(free))
    rows = rows[np.argsort(stays.group[rows], kind="stable")]
    left, right = rows[:-1:2], rows[1::2]
    same = stays.group[left] == stays.group[right]
    left, right = left[same], right[same]
    swap = stays.discharge[left] > stays.discharge[right]
    first, second = np.where(swap, right, left), np.where(swap, left, right)
    gap = rng.integers(gaps[0], gaps[1] + 1, len(first))
    ends = stays.admission[second] - gap.astype("timedelta64[D]")
    fits = np.flatnonzero(ends >= month.first_day)
    chosen = rng.permutation(fits)[:count]
    first, second = first[chosen], second[chosen]
    stays.discharge[first] = ends[chosen]
    for column in (stays.patient, stays.person):
        column[first] = column[second]
    stays.stay_no[second] = stays.stay_no[first] + 1
    stays.known_since[first] = stays.known_since[second] = stays.admission[first]
    stays.comes_again[first] = True
    return first, second


def _may_come_again(setting: Setting, stays: Stays) -> Array:
    """Insured medical stays that are no course, no birth and no newborn: whoever had an operation has had it."""
    groups = setting.groups
    fit = (groups.number["surgery_level"] == 0) & (groups.number["cyclic"] == 0) & ~np.isin(groups.letter, ["O", "P"])
    free: Array = fit[stays.group] & stays.insured & (stays.nights > 0) & (stays.stay_no == 1) & ~stays.comes_again
    return free


def _join_interim_bills(
    setting: Setting,
    month: Month,
    rng: np.random.Generator,
    stays: Stays,
    lists: int,
) -> None:
    """中途结算: one long stay with two lists, the second beginning where the first ends."""
    plan = setting.profile.detail
    count = int(lists * plan.interim_share.value + rng.random())
    free = _may_come_again(setting, stays) & (stays.los >= plan.interim_least_days.value)
    first, second = _pairs(month, rng, stays, free, (0, 0), count)
    stays.stay_no[second] = stays.stay_no[first]
    stays.comes_again[second] = True
    stays.interim[first] = stays.interim[second] = np.arange(len(first))
    stays.part[first], stays.part[second] = FIRST_STAY, SECOND_STAY


def _join_split_stays(
    setting: Setting,
    month: Month,
    rng: np.random.Generator,
    stays: Stays,
    lists: int,
) -> None:
    """分解住院: one treatment billed as two stays, the first cut short."""
    faults = setting.profile.faults
    count = int(lists * faults.split_stay_share.value + rng.random())
    shortest = round(2 / faults.split_first_stay.value)
    free = _may_come_again(setting, stays) & (stays.los >= shortest)
    first, second = _pairs(month, rng, stays, free, faults.split_gap_days.value, count)
    stays.los[first] = stays.nights[first] = np.rint(stays.los[first] * faults.split_first_stay.value)
    stays.fee_factor[first] *= faults.split_fee.value
    stays.fee_factor[second] *= faults.split_fee.value
    stays.split[first] = stays.split[second] = np.arange(len(first))
    stays.part[first], stays.part[second] = FIRST_STAY, SECOND_STAY


def _join_readmissions(
    setting: Setting,
    month: Month,
    rng: np.random.Generator,
    stays: Stays,
    lists: int,
) -> None:
    """Patients who come back for the same illness, as happens."""
    rhythm = setting.profile.rhythm
    count = int(lists * rhythm.readmission_share.value + rng.random())
    free = _may_come_again(setting, stays) & (stays.split < 0)
    _pairs(month, rng, stays, free, rhythm.readmission_gap_days.value, count)
