"""Donors 参照病组: where a derived group takes its planned numbers from."""

from __future__ import annotations

import csv
from importlib import resources
from typing import TYPE_CHECKING

from tongpin.demo.groups import LIMITS, NUMBERS

if TYPE_CHECKING:
    from tongpin.demo.candidates import Path

SURGICAL, PROCEDURE = "ABCDEFGHIJ", "KLMNOPQ"
"""Second signs of ADRGs: operations, other procedures; the rest are medical."""

OLDEST, INFANT_LAST_DAY = 88, 364


class Donors:
    """Where a derived group takes its numbers from: the plan's group of the same ADRG, else a neutral one."""

    def __init__(self, rows: list[dict[str, str]], newborn_days: int) -> None:
        self.newborn_days = newborn_days
        text = resources.files("tongpin.demo").joinpath("plan", "neutral.csv").read_text(encoding="utf-8")
        self.neutral = {row["kind"]: row for row in csv.DictReader(text.splitlines())}
        self.by_group = {row["drg"][:4]: row for row in rows}
        self.by_adrg: dict[str, list[dict[str, str]]] = {}
        self.depts: dict[str, dict[str, int]] = {}
        for row in rows:
            self.by_adrg.setdefault(row["drg"][:3], []).append(row)
            count = self.depts.setdefault(row["drg"][0], {})
            count[row["dept"]] = count.get(row["dept"], 0) + 1

    def _row(self, path: Path) -> dict[str, str]:
        known = self.by_group.get(path.drg[:4])
        if known is not None:
            return known
        adrg = self.by_adrg.get(path.drg[:3])
        if adrg:
            return adrg[len(adrg) // 2]
        sign = path.drg[1:2]
        return self.neutral["surgical" if sign in SURGICAL else "procedure" if sign in PROCEDURE else "medical"]

    def dept(self, path: Path) -> str:
        """The department of the donor, for neutral ones the usual one of the MDC."""
        row = self._row(path)
        usual = self.depts.get(path.letter, {})
        if "kind" in row and usual:
            return max(sorted(usual), key=lambda one: usual[one])
        return row["dept"]

    def season(self, path: Path) -> str:
        """The season of the donor."""
        return self._row(path)["season"]

    def numbers(self, path: Path) -> tuple[dict[str, float], dict[str, float]]:
        """The numbers and limits of a derived group, bounded as its rules say."""
        row = self._row(path)
        number = {name: float(row[name]) for name in NUMBERS}
        limit = dict.fromkeys(LIMITS, -1.0)
        bounds = path.bounds
        if "sex" in bounds:
            number["male_share"] = 1.0 if bounds["sex"][0] == 1 else 0.0
        low, high = bounds.get("age", (number["age_low"], number["age_high"]))
        low, high = max(low, 0.0), min(high, float(OLDEST))
        newborn = "age_days" in bounds or ("birth_weight" in bounds and low == high == 0)
        if newborn:
            # The birth weight is only known of newborns.
            low = high = 0.0
            first, last = bounds.get("age_days", (0.0, float(self.newborn_days)))
            limit["age_days_low"], limit["age_days_high"] = max(first, 0.0), min(last, float(INFANT_LAST_DAY))
        if low > number["age_high"] or high < number["age_low"] or newborn:
            number["age_low"], number["age_high"] = low, high
        else:
            number["age_low"] = max(low, min(number["age_low"], high))
            number["age_high"] = min(high, max(number["age_high"], low))
        number["age_mode"] = min(max(number["age_mode"], number["age_low"]), number["age_high"])
        if "birth_weight" in bounds:
            first, last = bounds["birth_weight"]
            limit["birth_weight_low"] = max(first, 600.0) if first > 0 else max(min(1000.0, last - 200), 400.0)
            limit["birth_weight_high"] = min(last, 4500.0)
        if "los" in bounds:
            first, last = bounds["los"]
            limit["los_low"], limit["los_high"] = max(first, 1.0), -1.0 if last == float("inf") else last
        return number, limit
