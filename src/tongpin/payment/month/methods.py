"""The method of a month 付费方法: an edition pays by the groups of a scheme (DRG) or the diseases of a catalogue (DIP).

Which of the two is decided here and nowhere else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tongpin.grouping.compiled.stage import group
from tongpin.grouping.library import open_scheme
from tongpin.payment.dip.library import catalogue_folders, open_catalogue
from tongpin.payment.dip.price import price_dip
from tongpin.payment.dip.reviews import reviews_of
from tongpin.payment.dip.scheme import group_dip
from tongpin.payment.dip.values import pays_by_scores
from tongpin.payment.month.closed import decisions
from tongpin.payment.month.statement_columns import DIP, DRG
from tongpin.payment.pricing.price import price

if TYPE_CHECKING:
    from collections.abc import Callable

    import pyarrow as pa

    from tongpin.payment.policy.policy import Policy
    from tongpin.store.home import Home


class Method(NamedTuple):
    """How an edition groups and prices lists: the scheme or catalogue with its digest, and the stage.

    `price(lists, policy, institutions)` groups and adds `PRICED_SCHEMA`. `weights_label` is what papers call the
    weights; `assumed` what of the catalogue no document confirms.
    """

    name: str
    scheme_id: str
    digest: str
    weights_label: str
    assumed: tuple[str, ...]
    price: Callable[[pa.Table, Policy, pa.Table], pa.Table]


def method_of(home: Home, policy: Policy) -> Method:
    """The method of an edition: DIP where it states a point value or its `scheme` is a catalogue of the home, else DRG.

    Raises PolicyError `dip.absent` (no such catalogue) or SchemeError `scheme.unknown`.
    """
    is_dip = pays_by_scores(policy) or policy.scheme_id in catalogue_folders(home)
    return _METHODS[DIP if is_dip else DRG](home, policy)


def _drg(home: Home, policy: Policy) -> Method:
    scheme = open_scheme(home, policy.scheme_id)

    def priced(lists: pa.Table, policy: Policy, institutions: pa.Table) -> pa.Table:
        return price(group(lists, scheme), policy, institutions)

    return Method(DRG, scheme.scheme_id, scheme.digest, policy.weights_label, (), priced)


def _dip(home: Home, policy: Policy) -> Method:
    catalogue = open_catalogue(home, policy.scheme_id)
    label = f"病种目录（{catalogue.facts['title']}）"
    reviews = reviews_of(decisions(home, policy.id.split("/")[0]))

    def priced(lists: pa.Table, policy: Policy, institutions: pa.Table) -> pa.Table:
        return price_dip(group_dip(lists, catalogue), policy, catalogue, institutions, reviews)

    return Method(DIP, catalogue.id, catalogue.digest, label, (label,) if catalogue.assumed else (), priced)


_METHODS: dict[str, Callable[[Home, Policy], Method]] = {DRG: _drg, DIP: _dip}
