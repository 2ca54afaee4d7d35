"""Volume surplus 集采结余留用: what a hospital keeps of the money saved by central purchase, assessed, paid apart.

It is no part of the DRG or DIP clearing: its own stream, its own account, a line of its own in the 清算书 (S907-04).
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

import pyarrow.compute as pc

from tongpin.base.errors import PolicyError
from tongpin.base.money import SCALE, round_half_up, yuan
from tongpin.payment.ledger.sources import decision_key

if TYPE_CHECKING:
    import pyarrow as pa

    from tongpin.payment.policy.policy import Policy

KIND = "volume_surplus"


class VolumeLine(NamedTuple):
    """What one decision grants: the money saved, the share kept, the factor of the assessment, the amount in fen."""

    institution_code: str
    fund: str
    subject: str
    document: str
    key: str
    saved_fen: int
    share_e4: int
    score_e4: int
    factor_e4: int
    amount_fen: int
    formula: str
    source: str


def volume_lines(decisions: pa.Table, policy: Policy, year: int) -> list[VolumeLine]:
    """The lines of a year, by hospital and fund: saved × share × factor of the score (S907-04).

    `decisions`: own layout `decision`, kind `volume_surplus` (`amount` the money saved, `value` the score of the
    assessment). PolicyError `ledger.volume` for one without year, fund or score, `policy.gap` for an open parameter.
    """
    of_kind = decisions.filter(pc.equal(decisions["kind"], KIND)).to_pylist()
    for row in of_kind:
        missing = [label for name, label in _NEEDED.items() if row[name] is None]
        if missing:
            raise PolicyError(
                "ledger.volume",
                f"机构 {row['institution_code']} 的集采结余没有写{'、'.join(missing)}",
                where="decision volume_surplus",
                hint="写明 year、fund、amount（节省的金额）与 value（集采考核得分）",
            )
    rows = [row for row in of_kind if row["year"] == year]
    on = date(year, 12, 31)
    order = ("institution_code", "fund", "subject", "document")
    return [_line(row, policy, on) for row in sorted(rows, key=lambda row: [row[name] or "" for name in order])]


_NEEDED = {"year": "年度", "fund": "基金", "value": "考核得分"}


def _line(row: dict[str, Any], policy: Policy, on: date) -> VolumeLine:
    share = policy.scaled("volume_surplus.share", on)
    full = policy.value("volume_surplus.full_score", on)
    score_e4 = int(Decimal(str(row["value"])) * SCALE)
    if not 0 <= score_e4 <= full * SCALE:
        raise PolicyError(
            "ledger.volume",
            f"机构 {row['institution_code']} 的集采考核得分 {row['value']} 不在 0 与 {full} 之间",
            where="decision volume_surplus value",
            hint="改正得分，或改 volume_surplus.full_score",
        )
    reached = Decimal(score_e4) / (full * SCALE)
    bands = [band.value for band in policy.value("volume_surplus.bands", on) if band.start <= reached]
    if not bands:
        raise PolicyError(
            "policy.gap",
            f"集采考核得分率 {reached} 低于最低一档",
            where="volume_surplus.bands",
            hint="让最低一档从 0 起",
        )
    factor = int(bands[-1] * SCALE)
    unit = policy.value("rounding.clearing", on)
    amount = round_half_up(row["amount_fen"] * share * factor, SCALE * SCALE * unit) * unit
    formula = (
        f"节省 {yuan(row['amount_fen'])} × 留用比例 {Decimal(share) / 100:.2f} %"
        f" × 考核系数 {Decimal(factor) / SCALE:.4f}（得分 {Decimal(score_e4) / SCALE:.2f}）"
    )
    parameter = policy.parameter("volume_surplus.share")
    reference = parameter.reference.get(policy.in_force_since("volume_surplus.share", on))
    source = "模拟" if reference is None else f"{reference.title}{reference.clause}"
    return VolumeLine(
        institution_code=row["institution_code"],
        fund=row["fund"],
        subject=row["subject"] or "",
        document=row["document"] or "",
        key=decision_key(row),
        saved_fen=row["amount_fen"],
        share_e4=share,
        score_e4=score_e4,
        factor_e4=factor,
        amount_fen=amount,
        formula=formula,
        source=source,
    )
