"""Persons 患者: sex, age, birth and insurance, the same for a patient at every stay; nobody here exists."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tongpin.demo.stays import AGE, BIRTHDAY, INSURANCE, SEX

if TYPE_CHECKING:
    from tongpin.demo.groups import Array
    from tongpin.demo.setting import Setting
    from tongpin.demo.stays import Stays

YEAR_DAYS = 365


@dataclass(frozen=True)
class Persons:
    """Parallel to the stays: sex 1/2, whole years at admission, days under a year (-1 = older), grams (-1 = none)."""

    sex: Array
    age: Array
    age_days: Array
    birth_weight: Array
    birth_date: Array
    insurance: Array


def draw_persons(setting: Setting, hospital: int, rng: np.random.Generator, stays: Stays) -> Persons:
    """Who the stays belong to; `insurance` is "" where there is no list (self-pay)."""
    number, limit = setting.groups.number, setting.groups.limit
    group = stays.group
    sex = np.where(stays.person[:, SEX] < number["male_share"][group], 1, 2).astype(np.int8)
    years = _triangular(
        stays.person[:, AGE],
        number["age_low"][group],
        number["age_mode"][group],
        number["age_high"][group] + 1,
    )
    told = np.floor(years).astype(np.int64)
    into_year = stays.person[:, BIRTHDAY]
    low, high = limit["age_days_low"][group], limit["age_days_high"][group]
    newborn = (low >= 0) & (told == 0)
    infant = (told == 0) & ~newborn
    grown = setting.groups.newborn_days + 1
    days = np.where(infant, grown + into_year * (YEAR_DAYS - grown), into_year * YEAR_DAYS)
    days = np.floor(np.where(newborn, low + into_year * (high - low + 1), days)).astype(np.int64)
    birth = _years_before(stays.known_since, told) - days.astype("timedelta64[D]")
    age = _whole_years(birth, stays.admission)
    lived = (stays.admission - birth).astype(np.int64)
    return Persons(
        sex=sex,
        age=age.astype(np.int16),
        age_days=np.where(age == 0, lived, -1),
        birth_weight=_birth_weight(setting, rng, group, newborn=(age == 0) & (lived < grown)),
        birth_date=birth,
        insurance=np.where(stays.insured, _insurance(setting, hospital, stays, told), ""),
    )


def _triangular(uniform: Array, low: Array, mode: Array, high: Array) -> Array:
    """The value of a triangular distribution below which lies the share `uniform`."""
    split = (mode - low) / (high - low)
    rising = low + np.sqrt(uniform * (high - low) * np.maximum(mode - low, 0))
    falling = high - np.sqrt((1 - uniform) * (high - low) * np.maximum(high - mode, 0))
    value: Array = np.clip(np.where(uniform < split, rising, falling), low, np.nextafter(high, low))
    return value


def _years_before(days: Array, years: Array) -> Array:
    """The same day so many years earlier (29 February becomes 28)."""
    months = days.astype("datetime64[M]")
    day = (days - months.astype("datetime64[D]")).astype(np.int64)
    earlier = months - (12 * years).astype("timedelta64[M]")
    last = ((earlier + 1).astype("datetime64[D]") - earlier.astype("datetime64[D]")).astype(np.int64) - 1
    found: Array = earlier.astype("datetime64[D]") + np.minimum(day, last).astype("timedelta64[D]")
    return found


def _whole_years(birth: Array, at: Array) -> Array:
    born, then = birth.astype("datetime64[M]"), at.astype("datetime64[M]")
    born_day = (birth - born.astype("datetime64[D]")).astype(np.int64)
    then_day = (at - then.astype("datetime64[D]")).astype(np.int64)
    months = (then - born).astype(np.int64) - (then_day < born_day)
    years: Array = np.maximum(months // 12, 0)
    return years


def _birth_weight(setting: Setting, rng: np.random.Generator, group: Array, *, newborn: Array) -> Array:
    stay = setting.profile.stay
    low, high = (setting.groups.limit[name][group] for name in ("birth_weight_low", "birth_weight_high"))
    least, most = stay.birth_weight_range_g.value
    drawn = rng.normal(stay.birth_weight_mean_g.value, stay.birth_weight_sd_g.value, len(group))
    planned = low + rng.random(len(group)) * (high - low)
    grams = np.where(low < 0, np.clip(drawn, least, most), planned)
    return np.where(newborn, (grams // 10 * 10).astype(np.int64), -1)


def _insurance(setting: Setting, hospital: int, stays: Stays, age: Array) -> Array:
    uniform = stays.person[:, INSURANCE]
    plan = setting.profile.settlement
    retired = np.where(age >= plan.retired_from_age.value, plan.retired_share.value, 0.0)
    employee = setting.profile.grades.employee_share_of_adults.value[setting.hospitals[hospital].grade]
    employee_until = np.where(age >= plan.adult_from_age.value, retired + employee * (1 - retired), 0.0)
    return np.where(uniform < retired, "340", np.where(uniform < employee_until, "310", "390"))
