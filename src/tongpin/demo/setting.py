"""The setting of a city 城市底稿: profile and plan brought together; who treats what, how dear, and how many."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from tongpin.base.money import FEN_PER_YUAN
from tongpin.demo.calendar import Month, Purpose, apportion, stream
from tongpin.demo.faults.material import FaultCodes, fault_codes
from tongpin.demo.plan_from_scheme import read_groups
from tongpin.demo.profile import GRADES, Profile, read_profile
from tongpin.grouping.tables.read import load_scheme

if TYPE_CHECKING:
    from pathlib import Path

    from tongpin.demo.groups import Array, Groups
    from tongpin.demo.profile import Grade, HospitalRow
    from tongpin.grouping.tables.model import SchemeTables

MIX_ROUNDS = 60
"""Rounds of fitting the hospitals' case mixes to their grade's; far more than it takes to settle."""


@dataclass(frozen=True, eq=False)
class Setting:
    """A city ready to be drawn: everything that does not change from month to month. Hospitals are numbered from 0.

    A setting is equal to itself alone, so that what is worked out for it can be kept.
    """

    profile: Profile
    scheme: SchemeTables
    groups: Groups
    seed: int

    @property
    def hospitals(self) -> tuple[HospitalRow, ...]:
        """The hospitals in the order of the profile."""
        return self.profile.hospitals.every

    @property
    def first_month(self) -> Month:
        """The month that is built first; growth is counted from it."""
        return Month.parse(self.profile.volume.first_month.value)

    def institution_code(self, hospital: int) -> str:
        """The code of a hospital, 12 signs."""
        return f"{self.profile.hospitals.region}{hospital + 1:05d}"

    def of_grade(self, grade: Grade) -> list[int]:
        """The hospitals of a grade."""
        return [index for index, row in enumerate(self.hospitals) if row.grade == grade]

    @cached_property
    def grade_mix(self) -> dict[Grade, Array]:
        """The share of each group among the cases of a grade in a flat month."""
        share = self.groups.number["share_pct"]
        blends = self.profile.grades.case_mix.value
        mixes = {
            grade: share * sum(part * self.groups.level(level) for level, part in blends[grade].items())
            for grade in GRADES
        }
        return {grade: mix / mix.sum() for grade, mix in mixes.items()}

    @cached_property
    def mix(self) -> Array:
        """The share of each group among the cases of a hospital in a flat month (hospitals x groups).

        Hospitals lean towards departments of their own; fitting keeps the hospitals of a grade together at its mix.
        """
        depts, dept_of = np.unique(self.groups.dept, return_inverse=True)
        spread = self.profile.stay.hospital_dept_spread.value
        rng = stream(self.seed, Purpose.MIX)
        lean = np.exp(rng.normal(0.0, spread, (len(self.hospitals), len(depts))))
        for index, row in enumerate(self.hospitals):
            for prefix, factor in row.focus.items():
                lean[index, [dept.startswith(prefix) for dept in depts]] *= factor
        mix = np.empty((len(self.hospitals), len(self.groups.drg)))
        for grade in GRADES:
            members = self.of_grade(grade)
            cases = np.array([self.hospitals[index].cases for index in members], dtype=float)
            target = self.grade_mix[grade] * cases.sum()
            table = lean[members][:, dept_of] * target
            for _ in range(MIX_ROUNDS):
                table *= (cases / table.sum(axis=1))[:, None]
                table *= np.divide(target, table.sum(axis=0), out=np.zeros_like(target), where=target > 0)
            mix[members] = table / table.sum(axis=1)[:, None]
        return mix

    @cached_property
    def mean_fee_fen(self) -> Array:
        """The mean fee of a group in a hospital in the first year, fen (hospitals x groups).

        Weight x rate of the grade x the hospital's own level x a little of its own by group; the hospitals' levels
        average to 1 within their grade, so that the planned mean fee of the grade is met.
        """
        stay = self.profile.stay
        rng = stream(self.seed, Purpose.HOSPITAL)
        own = np.exp(rng.normal(0.0, stay.hospital_fee_spread.value, len(self.hospitals)))
        by_group = np.exp(
            rng.normal(0.0, stay.hospital_group_fee_spread.value, (len(self.hospitals), len(self.groups.drg))),
        )
        weight = self.groups.number["weight"]
        fee = own[:, None] * by_group * weight
        for grade in GRADES:
            members = self.of_grade(grade)
            cases = np.array([self.hospitals[index].cases for index in members], dtype=float)
            mean = (fee[members] * self.mix[members]).sum(axis=1) @ cases / cases.sum()
            fee[members] *= self.profile.grades.mean_fee_yuan.value[grade] * FEN_PER_YUAN / mean
        return fee

    @cached_property
    def mean_stay_days(self) -> dict[Grade, Array]:
        """The mean stay of each group in the hospitals of a grade, days; never under a day."""
        days = self.groups.number["los_days"]
        target = self.profile.grades.mean_stay_days.value
        return {grade: np.maximum(days * target[grade] / float(days @ self.grade_mix[grade]), 1.0) for grade in GRADES}

    def years_since(self, month: Month) -> float:
        """Years from the first month to this one (negative before it)."""
        return (month.index - self.first_month.index) / 12

    @cached_property
    def fault_codes(self) -> FaultCodes:
        """The codes that faults draw from."""
        plan = self.profile.faults
        return fault_codes(self.scheme, plan.unspecific.value, plan.tcm.value)

    @cached_property
    def months(self) -> tuple[Month, ...]:
        """Every month that can be built, in time order; the last is the first to be built."""
        count = self.profile.volume.total_months.value
        return tuple(self.first_month.plus(back) for back in range(1 - count, 1))

    @cached_property
    def list_counts(self) -> Array:
        """The settlement lists of every month and hospital (months x hospitals), summing to the planned total.

        Planned sizes grow, have their season and move a little; largest remainders make them whole. S004-08.
        """
        volume = self.profile.volume
        flat = np.array([row.cases for row in self.hospitals], dtype=float)
        sizes = np.empty((len(self.months), len(flat)))
        for row, month in enumerate(self.months):
            season = volume.month_factor.value[month.number - 1]
            grown = flat * season * (1 + volume.growth_per_year.value) ** self.years_since(month)
            chance = [
                stream(self.seed, Purpose.VOLUME, month.index, hospital).normal() for hospital in range(len(flat))
            ]
            sizes[row] = grown * (1 + volume.hospital_month_spread.value * np.array(chance))
        return apportion(volume.total_cases.value, sizes)

    def list_count(self, month: Month, hospital: int) -> int:
        """How many settlement lists a hospital has for its discharges of a month."""
        return int(self.list_counts[month.index - self.months[0].index, hospital])

    def month_total(self, month: Month) -> int:
        """How many settlement lists the whole city has for the discharges of a month."""
        return int(self.list_counts[month.index - self.months[0].index].sum())

    def month_season(self, month: Month) -> Array:
        """The factor of each group in a month."""
        factors = self.profile.volume.season_factor.value
        of_season = {season: year[month.number - 1] for season, year in factors.items()}
        return np.array([of_season.get(season, 1.0) for season in self.groups.season])  # type: ignore[call-overload]


def prepare(profile: str, scheme_folder: Path, seed: int) -> Setting:
    """The setting of a profile against a scheme folder; raises `TongpinError` where the plan does not hold."""
    found = read_profile(profile)
    scheme = load_scheme(scheme_folder)
    return Setting(found, scheme, read_groups(scheme, found), seed)
