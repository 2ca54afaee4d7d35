"""Shares 分享与分担: a surplus or an overspend split by one of the named schemes (S001-57, 59, 60, 68)."""

from __future__ import annotations

import csv
from decimal import Decimal
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, NamedTuple

from tongpin.base.money import SCALE, split_fen

if TYPE_CHECKING:
    from datetime import date

    from tongpin.payment.policy.policy import Policy

PERSONAL = frozenset({"person", "doctor_team"})
"""Parties that are persons: their shares need a document that decided them (S001-68)."""


class Part(NamedTuple):
    """What one party gets of a surplus, or bears of an overspend, in fen."""

    party: str
    label: str
    amount_fen: int


class Scheme(NamedTuple):
    """A named scheme: of surplus or overspend, and the parties with their ratios (ten-thousandths)."""

    of: str
    label: str
    reference: str
    parties: tuple[tuple[str, str, int], ...]


class Stated(NamedTuple):
    """The schemes of an edition as papers show them, of surplus and of overspend, and what is not shown and why."""

    schemes: dict[str, str]
    notes: tuple[str, ...]


NOBODY = "none"


def shares_stated(policy: Policy, on: date) -> Stated:
    """The share schemes in force; one with shares of persons counts only where a document stands behind it.

    Without the document (`reference` of `surplus.shares`) no share is shown: that is the default (S001-57, S001-68).
    """
    schemes, notes = {}, []
    for of in ("surplus", "overspend"):
        key = f"{of}.shares"
        scheme = policy.value(key, on)
        persons = scheme != NOBODY and any(party in PERSONAL for party, _, _ in share_schemes()[scheme].parties)
        if persons and policy.parameter(key).reference.get(policy.in_force_since(key, on)) is None:
            notes.append(f"结余分配方案 {scheme}（{share_schemes()[scheme].label}）没有决定文件，不列个人份额")
            scheme = NOBODY
        schemes[of] = scheme
    return Stated(schemes, tuple(notes))


@cache
def share_schemes() -> dict[str, Scheme]:
    """The schemes that the documents name; they contradict each other and stand side by side as choices (S001-68)."""
    found: dict[str, Scheme] = {}
    text = (files("tongpin.payment.year") / "share_schemes.csv").read_text(encoding="utf-8")
    for row in csv.DictReader(text.splitlines()):
        known = found.get(row["scheme"], Scheme(row["of"], row["label"], row["reference"], ()))
        party = (row["party"], row["party_label"], int(Decimal(row["ratio"]) * SCALE))
        found[row["scheme"]] = known._replace(parties=(*known.parties, party))
    return found


def shared_out(scheme: str, amount_fen: int) -> list[Part]:
    """An amount split by a scheme, to the fen; the parts sum to the amount."""
    parties = share_schemes()[scheme].parties
    parts = split_fen(amount_fen, [ratio_e4 for _, _, ratio_e4 in parties])
    return [Part(party, label, part) for (party, label, _), part in zip(parties, parts, strict=True)]
