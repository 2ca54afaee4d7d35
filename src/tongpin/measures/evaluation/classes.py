"""Peer classes 同类: which hospitals are compared with one another, by level and type; small classes are widened."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pyarrow as pa


class PeerClass(NamedTuple):
    """A class: its name, its members, and why it is not the finest one; without members a hospital has no peers."""

    label: str
    members: tuple[str, ...]
    widened: str = ""


def register_at(institutions: pa.Table, month: str) -> dict[str, dict[str, Any]]:
    """The register of institutions as it stood in a month, by code; codes registered later are there as first known."""
    found: dict[str, dict[str, Any]] = {}
    for row in institutions.sort_by("valid_from").to_pylist():
        if row["institution_code"] not in found or str(row["valid_from"])[:7] <= month:
            found[row["institution_code"]] = row
    return found


def peer_classes(
    register: Mapping[str, Mapping[str, Any]],
    codes: Sequence[str],
    divisions: Sequence[Sequence[str]],
    smallest: int,
) -> dict[str, PeerClass]:
    """The class of each of these hospitals: of the finest division in which it has at least `smallest` members.

    Members are of `codes` alone; the same division gives all its hospitals the same class. A hospital that no division
    gives enough peers has none.
    """
    found: dict[str, PeerClass] = {}
    for code in codes:
        tried: list[str] = []
        for columns in divisions:
            own = _words(register.get(code, {}), columns)
            members = tuple(one for one in codes if _words(register.get(one, {}), columns) == own)
            label = "·".join(word or "未登记" for word in own)
            if len(members) >= smallest:
                widened = f"{'、'.join(tried)}，不足 {smallest} 家，并到{label}" if tried else ""
                found[code] = PeerClass(label, members, widened)
                break
            tried.append(f"{label}只有 {len(members)} 家")
        else:
            found[code] = PeerClass(
                tried[0].partition("只有")[0], (), f"{'、'.join(tried)}，不足 {smallest} 家，没有可比的同类"
            )
    return found


def _words(row: Mapping[str, Any], columns: Sequence[str]) -> tuple[str, ...]:
    return tuple(str(row.get(name) or "") for name in columns)
