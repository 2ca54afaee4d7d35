"""Cockpit 驾驶舱: the month of whoever asks, section by section; every figure names its cases.

Figures stand against the region (indices, expected shares, funnels), and so the month is counted over the whole home
once (`cockpit.sight`); answered are the figures of the asker's own place, of the region and its levels. Rows of cases
come from the lists, which are read through the desk.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, NamedTuple

from fastapi import APIRouter, BackgroundTasks, Depends, Query
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import delete, insert, select

from tongpin.base.errors import TongpinError
from tongpin.payment.month.closed import closed_manifest
from tongpin.store import journal
from tongpin.store.control import reading
from tongpin.store.home import Home
from tongpin.workbench.api.asking import Bench, needs
from tongpin.workbench.api.shapes import REFUSALS
from tongpin.workbench.cockpit import charts, figures, groups, progress
from tongpin.workbench.cockpit.catalogue import Section, cockpit_data
from tongpin.workbench.cockpit.shapes import (
    BridgeShown,
    CausesShown,
    CockpitFrame,
    CoreFigures,
    DoubleIndicators,
    FunnelShown,
    GroupChart,
    Loop,
    PairShown,
    PrepayUse,
    Progress,
    RedLines,
    SectionShown,
    TwoDesks,
    Waterfalls,
)
from tongpin.workbench.cockpit.sight import Month, Place, chosen_month, month_of, place_of
from tongpin.workbench.cockpit.tables import cockpit_choices
from tongpin.workbench.cockpit.watch import watch_of
from tongpin.workbench.listings.cases import basis
from tongpin.workbench.listings.places import department_names, institution_names
from tongpin.workbench.sign_in.identity import DeniedError, Identity

router = APIRouter(prefix="/cockpit", tags=["驾驶舱"], responses=REFUSALS)
Reader = Annotated[Identity, Depends(needs("cockpit.read"))]
AreaAsked = Annotated[str | None, Query(max_length=64, description="统筹区；空为自己的")]
MonthAsked = Annotated[str | None, Query(pattern=r"^\d{4}-(0[1-9]|1[0-2])$", description="结算月；空为最近关账的")]


class View(NamedTuple):
    """Who looks at which month: the month, the place, the home as the asker sees it, and the asker."""

    month: Month
    place: Place
    desk: Home
    asker: Identity

    @property
    def sees_money(self) -> bool:
        """Whether amounts are shown."""
        return self.asker.role.sees_money

    @property
    def may(self) -> frozenset[str]:
        """What the asker may do."""
        return self.asker.permissions


def view(asker: Reader, bench: Bench, area: AreaAsked = None, month: MonthAsked = None) -> View:
    """The month that is asked for, of the asker's place. Errors: `cockpit.scope`, `cockpit.area`, `settle.open`."""
    place = place_of(asker.grant.scope)
    chosen_area, chosen = chosen_month(bench.home, area, month, asker.grant.area)
    return View(month_of(bench.home, chosen_area, chosen), place, asker.desk(bench.home), asker)


Viewed = Annotated[View, Depends(view)]


def shown_sections(seen: View) -> list[Section]:
    """The sections that the role sees of its place."""
    return [
        one
        for one in cockpit_data().sections
        if seen.place.reach in one.reaches and one.permission in seen.may and (seen.sees_money or not one.needs_money)
    ]


def _require(seen: View, name: str) -> None:
    """Nothing, or DeniedError `cockpit.section` when the role does not see a section."""
    if all(one.id != name for one in shown_sections(seen)):
        label = next(one.label for one in cockpit_data().sections if one.id == name)
        raise DeniedError(
            "cockpit.section", f"“{seen.asker.role.label}”的驾驶舱没有“{label}”", where=name, hint="看 /cockpit 的段落"
        )


@router.get("", summary="驾驶舱：谁的、哪个月、有哪些段落")
def cockpit(seen: Viewed, bench: Bench, later: BackgroundTasks) -> CockpitFrame:
    """The frame of the page. Opening a month lets the alert rules judge it, once it has been answered."""
    month = seen.month
    manifest = closed_manifest(bench.home, month.month, month.area)
    lines, simulated = basis(seen.desk, manifest)
    later.add_task(watch_of(bench).judge, bench, month.area, month.month)
    return CockpitFrame(
        area=month.area,
        area_label=manifest["area_label"],
        month=month.month,
        reach=seen.place.reach,
        place=_place_name(seen, manifest["area_label"]),
        sections=[SectionShown(id=one.id, label=one.label, reference=one.reference) for one in shown_sections(seen)],
        sees_money=seen.sees_money,
        simulated=simulated,
        basis=list(lines),
    )


def _place_name(seen: View, area_label: str) -> str:
    place = seen.place
    if place.hospital is None:
        return area_label
    name = institution_names(seen.desk).get(place.hospital, place.hospital)
    if place.department is not None:
        dept = department_names(seen.desk, place.hospital).get(place.department)
        return f"{name} · {dept or charts.department_label(place.department)}"
    return f"{name} · 医师 {place.doctor}" if place.doctor is not None else name


@router.get("/figures", summary="双看板：医保结算与绩效考核的指标")
def cockpit_figures(seen: Viewed) -> TwoDesks:
    """The cards of the place, each with its definition and the cases behind it."""
    return figures.two_desks(seen.month, seen.place, sees_money=seen.sees_money, may=seen.may)


@router.get("/pairs", summary="四组镜像指标")
def cockpit_pairs(seen: Viewed) -> list[PairShown]:
    """Both sides of every pair (S000-01..04)."""
    return figures.pairs(seen.month, seen.place, sees_money=seen.sees_money, may=seen.may)


@router.get("/double", summary="双指标预警：费用（成本）偏离度与药耗占比超标率")
def cockpit_double(seen: Viewed) -> DoubleIndicators:
    """The two indicators and the groups that cross one of them (S000-23)."""
    return groups.double_indicators(seen.month, seen.place, sees_money=seen.sees_money, may=seen.may)


@router.get("/red-lines", summary="红线")
def cockpit_red_lines(seen: Viewed) -> RedLines:
    """Hospitals against the red lines, and groups against theirs (S000-17..19)."""
    _require(seen, "red_lines")
    return charts.red_lines(seen.month, seen.place, may=seen.may, sees_money=seen.sees_money)


@router.get("/payments", summary="支付与费用：各病组的每例费用对每例支付标准")
def cockpit_payments(seen: Viewed) -> GroupChart:
    """The groups with the slopes of the outlier multiples."""
    _require(seen, "payments")
    return groups.group_chart(seen.month, seen.place, slopes=True)


@router.get("/portfolio", summary="病组组合：权重、每例盈亏与例数")
def cockpit_portfolio(seen: Viewed) -> GroupChart:
    """The groups with the weights that bound the classes."""
    _require(seen, "portfolio")
    return groups.group_chart(seen.month, seen.place, slopes=False)


@router.get("/waterfall", summary="盈亏怎样合成")
def cockpit_waterfall(seen: Viewed) -> Waterfalls:
    """The result from hospitals or departments, and from the lists to the statement; closed to the fen."""
    _require(seen, "waterfall")
    return charts.waterfalls(seen.month, seen.place)


@router.get("/causes", summary="盈亏与对照相差在哪里")
def cockpit_causes(seen: Viewed) -> CausesShown:
    """The result against its base by cause; without a base it says why."""
    _require(seen, "causes")
    return charts.causes(seen.month, seen.place)


@router.get("/funnel", summary="漏斗图：机构与偶然的界限")
def cockpit_funnel(seen: Viewed) -> FunnelShown:
    """Hospitals against the limits of chance; a hospital sees itself, its peers are counted only."""
    _require(seen, "funnel")
    return charts.funnel(seen.month, seen.place)


@router.get("/prepay", summary="预付金使用")
def cockpit_prepay(seen: Viewed) -> PrepayUse:
    """The prepayments of the place over the year (S001-44)."""
    _require(seen, "prepay")
    return progress.prepay_use(seen.month, seen.place)


@router.get("/bridge", summary="出院→结算→上传→入组→拨付")
def cockpit_bridge(seen: Viewed) -> BridgeShown:
    """The lists discharged in the month at every stage (S901-09)."""
    _require(seen, "bridge")
    return progress.bridge(seen.month, seen.place, seen.desk, sees_money=seen.sees_money)


@router.get("/progress", summary="结算进度与国考填报进度，不一致的在哪里")
def cockpit_progress(seen: Viewed) -> Progress:
    """Settlement beside filing over the year of the month (S000-27)."""
    _require(seen, "progress")
    return progress.progress(seen.month, seen.place, seen.desk)


@router.get("/loop", summary="闭环：上传→质控→结算付费→审核→评估")
def cockpit_loop(seen: Viewed) -> Loop:
    """The stages with what each counts and what waits (S004-06)."""
    _require(seen, "loop")
    return progress.loop(seen.month, seen.place, seen.desk, sees_money=seen.sees_money, may=seen.may)


class CoreWanted(BaseModel):
    """The indicators that somebody chooses, in their order."""

    model_config = ConfigDict(extra="forbid")
    measures: list[Annotated[str, Field(max_length=100)]] = Field(min_length=1, max_length=30)


@router.get("/core", summary="核心指标：可选的、选了的与它们的数")
def cockpit_core(seen: Viewed, bench: Bench) -> CoreFigures:
    """The core indicators that the user chose, or the first ones of the set (S001-27)."""
    _require(seen, "core")
    return _core(seen, bench)


@router.put("/core", summary="选自己要看的核心指标")
def choose_core(body: CoreWanted, seen: Viewed, bench: Bench) -> CoreFigures:
    """Keep the choice of the user. Errors: `cockpit.core` (not one of the set, or not for this role)."""
    _require(seen, "core")
    known = {one.id for one in figures.core_choices(seen.month, sees_money=seen.sees_money)}
    chosen = list(dict.fromkeys(body.measures))
    if unknown := [name for name in chosen if name not in known]:
        raise TongpinError("cockpit.core", f"核心指标里没有 {unknown[0]}", where=unknown[0], hint="从列出的指标里选")
    row = {"user_id": seen.asker.user_id, "measures": chosen, "at": datetime.now(UTC).replace(tzinfo=None)}
    with bench.engine.begin() as connection:
        connection.execute(delete(cockpit_choices).where(cockpit_choices.c.user_id == seen.asker.user_id))
        connection.execute(insert(cockpit_choices).values(row))
        journal.record(
            connection,
            actor=seen.asker.name,
            acted_as=seen.asker.role.id,
            act="cockpit.core",
            subject=f"user/{seen.asker.name}",
            details={"measures": chosen},
        )
    return _core(seen, bench)


def _core(seen: View, bench: Bench) -> CoreFigures:
    core = cockpit_data().core
    choices = figures.core_choices(seen.month, sees_money=seen.sees_money)
    wanted = select(cockpit_choices.c.measures).where(cockpit_choices.c.user_id == seen.asker.user_id)
    with reading(bench.engine) as connection:
        kept = connection.execute(wanted).scalar()
    known = [one.id for one in choices]
    chosen = [name for name in kept or core.first if name in known]
    found, _ = figures.cards(seen.month, seen.place, chosen, sees_money=seen.sees_money, may=seen.may)
    return CoreFigures(reference=core.reference, assumed=core.assumed, choices=choices, chosen=chosen, figures=found)
