"""Witnesses 病例的实例: a case out of a region, as favourable as can be; only grouping it proves anything."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tongpin.grouping.checks.regions import COMPLICATIONS, COUNTS, NO_PROCEDURE, UNKNOWN
from tongpin.grouping.tables.interpreter import Case

if TYPE_CHECKING:
    from random import Random

    from tongpin.grouping.checks.regions import Region, Space

NOT_A_CODE = "?"
BOTH = 3
"""Both complications."""
_OWN = ("sex", "age", "age_days", "birth_weight", "dept", "los", "discharge_way", "icu_hours")


def witness(space: Space, region: Region, random: Random) -> Case:
    """A case that meets the conditions of the region as far as one draw can; the draw follows `random`."""
    dx = [_one(space, "dx", region.cells["dx_main"], random)]
    main = _one(space, "px", region.cells["px_main"], random)
    px = [main] if main else []
    for kind, mask in region.needs:
        codes, start = (dx, 1 if kind.endswith("other") else 0) if kind[:2] == "dx" else (px, int(kind == "px_other"))
        if any(mask & space.bit(kind[:2], code) for code in codes[start:]):
            continue
        free = mask & ~region.barred.get(f"{kind[:2]}_any", 0) & ~region.barred.get(f"{kind[:2]}_other", 0)
        if free:
            codes.append(_one(space, kind[:2], free, random))
    _sites(space, region, dx, random)
    _complications(space, region, dx, random)
    values = _values(space, region, random)
    _fill_up(space, region, "dx_count", dx)
    _fill_up(space, region, "px_count", px)
    own = {name: values[name] for name in _OWN}
    extra = {name: value for name, value in values.items() if name not in {*_OWN, *COUNTS}}
    return Case(**own, dx=tuple(dx), px=tuple(px), extra=extra)


def _one(space: Space, kind: str, mask: int, random: Random) -> str:
    """A known code of the mask if it has one; for procedures the empty text says that there is none."""
    if kind == "px" and mask & NO_PROCEDURE:
        return ""
    known = mask & ~UNKNOWN & ~NO_PROCEDURE
    if not known:
        return NOT_A_CODE
    names = space.codes[kind]
    at = random.randrange(len(names))
    above = known >> at
    if above:
        return names[at + (above & -above).bit_length() - 1]
    return names[(known & -known).bit_length() - 1]


def _fill_up(space: Space, region: Region, name: str, codes: list[str]) -> None:
    """Unknown codes up to the least count that the region allows; an unknown principal alone may as well be none."""
    if region.cells[name] == space.everything[name]:
        return
    counts = [one for at, one in enumerate(space.numbers[name]) if one is not None and region.cells[name] >> at & 1]
    if codes == [NOT_A_CODE] and 0 in counts:
        codes.clear()
    wanted = min((int(one) for one in counts if one >= len(codes)), default=0)
    codes.extend([NOT_A_CODE] * (wanted - len(codes)))


def _sites(space: Space, region: Region, dx: list[str], random: Random) -> None:
    sites = space.scheme.sites
    barred = region.barred.get("dx_any", 0) | region.barred.get("dx_other", 0)
    codes = space.members("dx", space.site_codes & ~barred) if region.sites[0] else []
    random.shuffle(codes)
    for code in codes:
        seen = {sites[one] for one in dx if one in sites}
        if len(seen) >= region.sites[0]:
            return
        if sites[code] not in seen:
            dx.append(code)


def _complications(space: Space, region: Region, dx: list[str], random: Random) -> None:
    allowed = [at for at in range(4) if region.cells[COMPLICATIONS] >> at & 1]
    wish = random.choice(allowed)
    excluded = space.scheme.exclusion.get(dx[0])
    barred = region.barred.get("dx_any", 0) | region.barred.get("dx_other", 0)
    for bit, table, other in ((2, space.scheme.mcc, space.scheme.cc), (1, space.scheme.cc, space.scheme.mcc)):
        if not wish & bit:
            continue
        codes = list(table)
        at = random.randrange(len(codes))
        for code in codes[at:] + codes[:at]:
            counts = excluded is None or table[code] != excluded
            if counts and not space.bit("dx", code) & barred and (wish == BOTH or code not in other):
                dx.append(code)
                break


def _values(space: Space, region: Region, random: Random) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name, points in (space.numbers | space.values).items():
        cells = region.cells[name]
        allowed = [one for at, one in enumerate(points) if cells >> at & 1]
        present = [one for one in allowed if one is not None]
        untouched = cells == space.everything[name]
        if untouched and name == "age_days" and values["age"] != 0:
            values[name] = None
        else:
            values[name] = random.choice(present) if present else None
    if region.cells["age_days"] != space.everything["age_days"] and values["age_days"] is not None:
        # Days of life are told of infants: age 0 wherever the conditions let it.
        ages = [one for at, one in enumerate(space.numbers["age"]) if region.cells["age"] >> at & 1]
        values["age"] = 0 if 0 in ages else values["age"]
    return values
