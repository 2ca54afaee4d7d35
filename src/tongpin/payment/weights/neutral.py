"""The neutral coefficient 预算中性系数: what keeps the coefficients of an edition from changing the total."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow.compute as pc

from tongpin.base.money import SCALE, round_half_up
from tongpin.payment.month.posting import SEPARATOR
from tongpin.payment.policy.lookup import coded
from tongpin.payment.pricing.coefficients import neutral_factor_e4
from tongpin.payment.pricing.price import price

if TYPE_CHECKING:
    import numpy.typing as npt
    import pyarrow as pa

    from tongpin.payment.policy.policy import Policy

RESCALE = "rescale"


class Neutral(NamedTuple):
    """The neutral coefficient of a fund and level.

    `plain_fen`, `raised_fen`: Σ RW × rate without and with coefficients; `rescale_e4`: the value of
    `coefficient.rescale` that makes both equal; `stated_e4`: what the edition says now (1 where it says nothing).
    """

    fund: str
    hospital_level: str
    case_count: int
    plain_fen: int
    raised_fen: int
    stated_e4: int
    rescale_e4: int


def neutral_coefficients(grouped: pa.Table, policy: Policy, institutions: pa.Table) -> list[Neutral]:
    """The neutral coefficient of every fund and level over cases paid by their group, in their order.

    `policy` is pinned to a day (`repricing.pinned`). An edition that holds a rescale already keeps its part of it:
    entered in its place, the new value makes the total what it is without coefficients. Source: S001-52, practice §1.
    """
    priced = price(grouped, policy, institutions)
    inside = priced.filter(pc.equal(priced["pay_scope"], "DRG"))
    place = coded(pc.binary_join_element_wise(inside["fund"], inside["hospital_level"], SEPARATOR))
    weight, rate, product = (
        inside[name].to_numpy().astype(np.int64) for name in ("weight_e4", "rate_fen", "coefficient_e4")
    )
    stated = _stated(inside["coefficient_parts"])
    found = []
    for code, name in sorted(enumerate(place.values), key=lambda pair: pair[1]):
        rows = place.codes == code
        amounts = weight[rows].astype(object) * rate[rows].astype(object)
        plain, raised = int(amounts.sum()), int((amounts * product[rows].astype(object)).sum())
        now = int(stated[rows][0])
        rescale = round_half_up(now * neutral_factor_e4(weight[rows], rate[rows], product[rows]), SCALE)
        sums = round_half_up(plain, SCALE), round_half_up(raised, SCALE * SCALE)
        fund, level = name.split(SEPARATOR)
        found.append(Neutral(fund, level, int(rows.sum()), *sums, now, rescale))
    return found


def _stated(parts: pa.ChunkedArray) -> npt.NDArray[np.int64]:
    """The rescale that stands in the parts of each case, 1 where there is none."""
    encoded = parts.combine_chunks().dictionary_encode()
    values = []
    for text in encoded.dictionary.to_pylist():
        named = dict(part.split("=") for part in (text or "").split())
        values.append(int(named.get(RESCALE, SCALE)))
    found: npt.NDArray[np.int64] = np.array([*values, SCALE], np.int64)[
        pc.fill_null(encoded.indices, len(values)).to_numpy()
    ]
    return found
