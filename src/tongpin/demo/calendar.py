"""Months and streams 月份与随机流: names of months, and the random stream that belongs to a month and a hospital."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np


@dataclass(frozen=True, order=True)
class Month:
    """A calendar month; `index` counts months, so that months can be added and compared."""

    index: int

    @classmethod
    def parse(cls, text: str) -> Month:
        """The month written `2025-06`."""
        year, number = text.split("-")
        return cls(int(year) * 12 + int(number) - 1)

    @property
    def year(self) -> int:
        """The calendar year."""
        return self.index // 12

    @property
    def number(self) -> int:
        """The month of the year, 1–12."""
        return self.index % 12 + 1

    @property
    def first_day(self) -> np.datetime64:
        """The first day."""
        return np.datetime64(str(self), "D")

    @property
    def days(self) -> int:
        """How many days it has."""
        return int((self.plus(1).first_day - self.first_day).astype(int))

    @property
    def stamp(self) -> str:
        """The month inside of numbers: `2506`."""
        return f"{self.year % 100:02d}{self.number:02d}"

    def plus(self, months: int) -> Month:
        """The month so many months later."""
        return Month(self.index + months)

    def day(self, number: int) -> np.datetime64:
        """Its day of that number (1 = the first)."""
        return self.first_day + np.timedelta64(number - 1, "D")

    def __str__(self) -> str:
        return f"{self.year:04d}-{self.number:02d}"


class Purpose(IntEnum):
    """What a random stream is for: a new use never disturbs the others."""

    HOSPITAL = 1
    MIX = 2
    VOLUME = 3
    COURSES = 4
    CASES = 5
    FAULTS = 6
    ALLOCATION = 7
    AFTERMATH = 8
    UPLOAD = 9
    DETAIL = 10
    LAYOUT = 11
    SPECIAL = 12


def stream(seed: int, purpose: Purpose, *keys: int) -> np.random.Generator:
    """The random stream of a purpose under keys such as (month index, hospital number)."""
    return np.random.default_rng([seed, int(purpose), *keys])


def is_weekend(days: np.ndarray) -> np.ndarray:
    """Whether days (datetime64[D]) are Saturdays or Sundays."""
    return weekday(days) >= 5  # noqa: PLR2004 - Monday is 0


def weekday(days: np.ndarray) -> np.ndarray:
    """The weekday of days (datetime64[D]), Monday = 0; 1970-01-01 was a Thursday."""
    return (days.astype("datetime64[D]").astype(np.int64) + 3) % 7


def apportion(total: int, weights: np.ndarray) -> np.ndarray:
    """`total` in whole numbers by weight, by largest remainders (ties to the first); any shape, at least 1 each."""
    flat = np.asarray(weights, dtype=float).ravel()
    rest = total - len(flat)
    if rest < 0:
        raise ValueError("fewer things than places")
    exact = rest * flat / flat.sum()
    whole = np.floor(exact).astype(np.int64)
    most = np.argsort(whole - exact, kind="stable")[: rest - int(whole.sum())]
    whole[most] += 1
    shares: np.ndarray = (whole + 1).reshape(np.shape(weights))
    return shares
