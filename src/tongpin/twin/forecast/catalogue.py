"""The forecast's own data: settings, how each item is forecast, which indicators records and money move."""

from __future__ import annotations

from functools import cache
from typing import Literal

from tongpin.base.strict_yaml import Strict
from tongpin.measures.catalogue import Definition, catalogue_folder, read_catalogue

FOLDER = "forecast"
ANY = "*"
MEAN, SHARE, RARE = "mean", "share", "rare"
UNMOVED = "不变"
LEVELS: tuple[int, ...] = (80, 95)
"""The intervals, in percent."""


class Flow(Strict):
    """How an item is forecast: relative to another item, as a mean, a share or rare events."""

    item: str
    per: str
    kind: Literal["mean", "share", "rare"]


class Moved(Strict):
    """An indicator that records or money move, by its tertiary number; `price`: what another edition does to it.

    Source: S000-42.
    """

    number: str
    moved_by: str
    price: Literal["不变", "随结算差额入账", "随应付统筹变"]
    reference: str


@cache
def load_settings() -> dict[str, Definition]:
    """The settings by id."""
    return {one.id: one for one in read_catalogue(catalogue_folder(FOLDER) / "settings.yaml", "settings", Definition)}


def setting(name: str) -> int:
    """The value of one setting."""
    return load_settings()[name].value


@cache
def _flows() -> tuple[Flow, ...]:
    return read_catalogue(catalogue_folder(FOLDER) / "flows.yaml", "flows", Flow)


def flow_of(item: str) -> Flow | None:
    """How an item is forecast; None where by its own monthly volume."""
    for flow in _flows():
        if flow.item == item:
            return flow
        head, star, tail = flow.item.partition(ANY)
        if star and item.startswith(head) and item.endswith(tail):
            name = item[len(head) : len(item) - len(tail)]
            return Flow(item=item, per=flow.per.replace(ANY, name), kind=flow.kind)
    return None


@cache
def moved_indicators() -> dict[str, Moved]:
    """The indicators that a forecast runs through, by tertiary number."""
    found = read_catalogue(catalogue_folder(FOLDER) / "indicators.yaml", "indicators", Moved)
    return {one.number: one for one in found}
