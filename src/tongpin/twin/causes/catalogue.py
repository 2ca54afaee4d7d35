"""The causes' own data 原因字典与界值: strict YAML in, frozen values out."""

from __future__ import annotations

from functools import cache
from typing import Annotated, Literal

from pydantic import Field, StrictStr

from tongpin.base.errors import TongpinError
from tongpin.base.strict_yaml import Strict
from tongpin.measures.catalogue import Definition, catalogue_folder, read_catalogue
from tongpin.twin.advice import Audience, Kind  # noqa: TC001 - Pydantic reads them
from tongpin.twin.causes.parts import PART_IDS

FIGURES: dict[str, str] = {
    "surgery_share": "有手术（有级别）的病例占比",
    "drug_fee_ratio": "次均药费与对照机构同组之比",
    "exam_fee_ratio": "次均检查化验费与对照机构同组之比",
    "exam_above_share": "检查化验费高于对照机构同组均值的病例占比",
    "peer_fee_to_standard": "对照机构同组费用与支付标准之比",
    "fee_to_peers": "次均费用与对照机构同组之比",
    "light_share_excess": "住院短、无手术操作、医嘱离院的病例占比，高于对照机构同组",
    "odd_share_excess": "费用极高、极低病例占比，高于对照机构同组",
    "other_group_share": "清单与首页分到不同病组的病例占比",
}
"""The figures of a group that a cause may test."""

Evidence = Literal["drug_over", "exam_over", "fee_over", "light", "odd"]
"""Which cases stand behind a cause."""


class Test(Strict):
    """A figure that suggests a cause when it is at least, or at most, the value of a setting."""

    __test__ = False  # what pytest collects are test classes; this one is data
    figure: StrictStr
    at_least: StrictStr | None = None
    at_most: StrictStr | None = None


class Cause(Strict):
    """One entry of the dictionary: its tests (all or any must hold), its words, its cases, the parts it shows.

    `parts` names parts of the decomposition whose sum is printed beside it; none: no money is shown. `kind`, `audience`
    and `risk` are what the filter of advice judges `next_step` by. Source: S002-27, S920-01.
    """

    id: StrictStr
    label: StrictStr
    when: Literal["all", "any"]
    tests: Annotated[tuple[Test, ...], Field(min_length=1)]
    words: StrictStr
    next_step: StrictStr
    kind: Kind
    audience: Audience
    risk: StrictStr = ""
    evidence: Evidence
    parts: tuple[StrictStr, ...] = ()
    reference: StrictStr
    assumed: bool


@cache
def load_settings() -> dict[str, Definition]:
    """The limits and shares of this folder, by id."""
    path = catalogue_folder("twin") / "cause_settings.yaml"
    return {entry.id: entry for entry in read_catalogue(path, "settings", Definition)}


def setting(setting_id: str) -> int:
    """The value of one of them."""
    return load_settings()[setting_id].value


@cache
def load_causes() -> tuple[Cause, ...]:
    """The cause dictionary; a figure, setting or part that is not known is refused (`causes.unknown`)."""
    return checked(read_catalogue(catalogue_folder("twin") / "causes.yaml", "causes", Cause))


def checked(causes: tuple[Cause, ...]) -> tuple[Cause, ...]:
    """The causes, if each names known figures, settings and parts, and each test one limit."""
    for cause in causes:
        for test in cause.tests:
            limits = [limit for limit in (test.at_least, test.at_most) if limit is not None]
            if test.figure not in FIGURES or len(limits) != 1 or limits[0] not in load_settings():
                raise TongpinError(
                    "causes.unknown",
                    f"原因 {cause.id} 的判断 {test.figure} 用了不认识的数或界值，或没有写明一个界值",
                    where="catalogue/twin/causes.yaml",
                    hint="数用 FIGURES 中的，界值用 cause_settings.yaml 中的，at_least 与 at_most 写一个",
                )
        for part in cause.parts:
            if part not in PART_IDS:
                raise TongpinError(
                    "causes.unknown",
                    f"原因 {cause.id} 写了不认识的分项 {part}",
                    where="catalogue/twin/causes.yaml",
                    hint=f"可用：{'、'.join(PART_IDS)}",
                )
    return causes
