"""The daily page of a home 院长日报: every block of a day, or what it lacks and which kind of file would bring it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from tongpin.base.errors import PolicyError, StoreError
from tongpin.payment.month.statement_columns import synthetic_notice
from tongpin.twin.daily.catalogue import IN_HOUSE, MONTH_END, RETURNED, SPECIAL, YESTERDAY, advice, load_daily
from tongpin.twin.daily.ground import ground_of
from tongpin.twin.daily.in_house import in_house
from tongpin.twin.daily.month_end import month_end
from tongpin.twin.daily.returned import returned
from tongpin.twin.daily.special import special
from tongpin.twin.daily.yesterday import yesterday

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date

    from tongpin.store.home import Home
    from tongpin.twin.daily.catalogue import Block
    from tongpin.twin.daily.ground import Ground

_MADE: dict[str, Callable[[Ground], Any]] = {
    YESTERDAY: yesterday,
    IN_HOUSE: in_house,
    RETURNED: returned,
    MONTH_END: month_end,
    SPECIAL: special,
}


class Told(NamedTuple):
    """A block with its figures, or with what is missing (then `figures` is None)."""

    block: Block
    figures: Any
    missing: str


@dataclass(frozen=True)
class Daily:
    """The page of a hospital on a day: blocks in the order of the data, notices, reminders, editions."""

    hospital: str
    hospital_name: str
    area_label: str
    on: date
    yesterday: date
    policy_id: str
    policy_label: str
    scheme_label: str
    simulated: bool
    synthetic: bool
    told: tuple[Told, ...]
    notices: tuple[str, ...]
    advice: tuple[str, ...]

    def of(self, block_id: str) -> Any:
        """The figures of a block, None where something is missing."""
        return next((one.figures for one in self.told if one.block.id == block_id), None)

    def figures(self) -> dict[str, Any]:
        """Counts and sums of every block as plain data, without any patient; what is missing says so."""
        return {
            one.block.id: {"missing": one.missing} if one.figures is None else one.figures.figures()
            for one in self.told
        }


def daily_in_home(home: Home, hospital: str, on: date, area: str | None = None) -> Daily:
    """The page of a hospital (code or name) on a day; what happened after it has not happened yet.

    Closed months count always. Raises as `ground_of`; a block that cannot be told says why. Source: S904-02.
    """
    ground = ground_of(home, hospital, on, area)
    synthetic = synthetic_notice(home)
    assumed = bool(ground.policy.assumed_keys())
    notices = [*synthetic]
    if assumed:
        notices.append("模拟：标准、差额与预计凭付费办法中没有文件确认的参数与权重得出")
    return Daily(
        hospital=ground.hospital.code,
        hospital_name=ground.hospital.name,
        area_label=ground.policy.edition.area,
        on=on,
        yesterday=ground.yesterday,
        policy_id=ground.policy.id,
        policy_label=ground.policy.edition.label,
        scheme_label=ground.scheme.title,
        simulated=assumed,
        synthetic=bool(synthetic),
        told=tuple(_told(ground, block) for block in load_daily().blocks),
        notices=tuple(notices),
        advice=advice(),
    )


def _told(ground: Ground, block: Block) -> Told:
    """One block; a refusal of its policy or of the home is told in its place, so that the others stand."""
    try:
        made = _MADE[block.id](ground)
    except (PolicyError, StoreError) as error:
        return Told(block, None, f"{error.message}（{error.hint}）" if error.hint else error.message)
    if isinstance(made, str):
        return Told(block, None, f"{made}；要装载：{block.needs}")
    return Told(block, made, "")
