"""Prefixes 编码截取: how far the catalogue knows a code, and what belongs to a diagnosis or a section."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tongpin.payment.dip.catalogue import Catalogue

CATEGORY = 3
SUBCATEGORY = 5
"""How long the code of a category (I20) and of a subcategory (I20.0, four characters and the dot) is."""


class Prefixes:
    """Cuts codes to the longest beginning that the catalogue knows; the section of a category stands last."""

    def __init__(self, catalogue: Catalogue) -> None:
        listed = {code for (kind, _), codes in catalogue.special_lists.items() if kind == "dx" for code in codes}
        self.sections = catalogue.sections
        names = {section.code for section in self.sections}
        self.known = (listed | {one.dx for one in catalogue.groups if one.dx}) - names
        self.sections_used = names & {one.dx for one in catalogue.groups}
        self._cuts: dict[str, str] = {}

    def cut(self, code: str) -> str:
        """The code as the rules know it; itself when they know nothing of it."""
        found = self._cuts.get(code)
        if found is None:
            lengths = range(len(code), CATEGORY - 1, -1)
            known = next((code[:length] for length in lengths if code[:length] in self.known), "")
            found = self._cuts[code] = known or self.section(code) or code
        return found

    def section(self, code: str) -> str:
        """The section of a code, empty without one that is used."""
        category = code[:CATEGORY]
        return next(
            (s.code for s in self.sections if s.first <= category <= s.last and s.code in self.sections_used), ""
        )

    def members(self, dx: str) -> frozenset[str]:
        """What a case may carry, once cut, that belongs to a diagnosis or a section."""
        if dx in self.sections_used:
            return frozenset({dx, *(code for code in self.known if self.section(code) == dx)})
        return frozenset(code for code in self.known if code.startswith(dx))
