"""Shapes 驾驶舱的回答: figures, pairs, points and steps as pages get them; money in fen, ratios 0–1."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel

Reading = Literal["better", "worse", "none"]


class FigureDefinition(BaseModel):
    """What a figure is: form, population, period, editions, where it stands, and whether it rests on an assumption."""

    form: str
    population: str
    period: str
    weight_edition: str
    benchmark: str
    reference: str
    simulated: bool


class CockpitFigure(BaseModel):
    """A figure: value in its unit (fen for money), as text, its change, how it reads, and the cases behind it."""

    id: str
    label: str
    value: float | None
    unit: str
    text: str
    change: float | None = None
    change_text: str = ""
    reading: Reading = "none"
    note: str = ""
    definition: FigureDefinition
    anchor: str = ""
    href: str | None = None


class SectionShown(BaseModel):
    """A section of the page that the role sees."""

    id: str
    label: str
    reference: str


class CockpitFrame(BaseModel):
    """Whose month it is, what it rests on, and the sections to load."""

    area: str
    area_label: str
    month: str
    reach: str
    place: str
    sections: list[SectionShown]
    sees_money: bool
    simulated: bool
    basis: list[str]


class TwoDesks(BaseModel):
    """The figures of both desks, 医保结算 beside 绩效考核, and what has to be known to read them."""

    settlement: list[CockpitFigure]
    assessment: list[CockpitFigure]
    notes: list[str]


class PairSide(BaseModel):
    """One side of a pair: its heading and figures; `hidden` where the role does not see it."""

    label: str
    figures: list[CockpitFigure]
    hidden: bool


class PairShown(BaseModel):
    """A mirror pair: both sides and what ties them."""

    id: str
    label: str
    settlement: PairSide
    assessment: PairSide
    logic: str
    reference: str


class Deviation(BaseModel):
    """One of the double indicators: actual against what it is measured by, and whether it is a warning."""

    id: str
    label: str
    actual: float | None
    against: float | None
    deviation: float | None
    text: str
    over: bool
    groups_over: int
    limit: str
    href: str | None = None
    definition: FigureDefinition


class GroupPoint(BaseModel):
    """A group of the place: class, weight, cases, means and result; money null for who does not see it."""

    hospital: str
    hospital_code: str
    drg: str
    name: str
    kind: str
    weight: float | None
    cases: int
    mean_fee_fen: int | None
    mean_standard_fen: int | None
    mean_result_fen: int | None
    result_fen: int | None
    fee_deviation: float | None
    cost_deviation: float | None
    share: float | None
    expected_share: float | None
    share_excess: float | None
    fee_over: bool
    cost_over: bool
    share_over: bool
    enough: bool


class DoubleIndicators(BaseModel):
    """The double indicators of a place and the groups that cross both or one of them (S000-23)."""

    indicators: list[Deviation]
    groups: list[GroupPoint]
    crossing: int
    minimum_cases: int
    notes: list[str]
    simulated: bool


class GroupChart(BaseModel):
    """The groups of a place to be drawn: with slopes (outlier multiples) and bounds (weights of classes)."""

    groups: list[GroupPoint]
    left_out: int
    slopes: list[float]
    bounds: list[float]
    minimum_cases: int
    note: str
    simulated: bool


class LinePoint(BaseModel):
    """A hospital against a red line; `expected` is what its case mix leads one to expect."""

    name: str
    value: float | None
    expected: float | None
    excess: float | None
    href: str | None


class RedLineShown(BaseModel):
    """A red line of hospitals with those compared, or of groups with how many cross it; a warning only."""

    id: str
    label: str
    level: str
    limit: float
    limit_text: str
    reference: str
    basis: str
    note: str
    region: float | None
    points: list[LinePoint]
    over: int
    compared: int
    href: str | None = None


class RedLines(BaseModel):
    """The red lines of the place."""

    lines: list[RedLineShown]
    notes: list[str]


class MoneyStep(BaseModel):
    """A step of a waterfall in fen; `total` stands on the ground."""

    label: str
    amount_fen: int
    total: bool = False
    how: str = ""
    href: str | None = None


class Waterfall(BaseModel):
    """Steps that add up to their total, to the fen."""

    title: str
    steps: list[MoneyStep]
    note: str
    simulated: bool


class Waterfalls(BaseModel):
    """The result from its places, and from the lists to the statement."""

    places: Waterfall
    statement: Waterfall | None


class CausesShown(BaseModel):
    """The result against its base by cause, or why there is nothing to compare."""

    found: Waterfall | None
    lacks: str


class FunnelPoint(BaseModel):
    """A hospital of the funnel: how many cases are expected of it, and actual over expected."""

    name: str
    expected: float
    ratio: float
    own: bool
    outside: Literal["", "inner", "outer"]


class FunnelShown(BaseModel):
    """Hospitals against the limits of chance instead of ranks; peers of a hospital are only counted."""

    label: str
    points: list[FunnelPoint]
    limits: dict[str, float]
    least: int
    peers: int
    peers_outside: int
    note: str
    simulated: bool


class PrepayMonth(BaseModel):
    """Money paid ahead at the end of a month: paid, come back, left, and how much of it has been used."""

    month: str
    hospital: str
    fund: str
    scheme: str
    paid_fen: int
    offset_fen: int
    recovered_fen: int
    balance_fen: int
    overdue_fen: int
    use: float | None
    alarms: list[str]


class PrepayUse(BaseModel):
    """The use of prepayments over the closed months of a year."""

    months: list[PrepayMonth]
    notes: list[str]


class BridgeNode(BaseModel):
    """The lists of a month at a stage; `when` empty: not yet."""

    stage: str
    when: str
    count: int
    total_fee_fen: int | None
    pool_payable_fen: int | None


class BridgeLink(BaseModel):
    """The lists between a month at one stage and a month at the next."""

    stage: str
    source: str
    target: str
    count: int


class BridgeShown(BaseModel):
    """The lists discharged in a month on their way 出院→结算→上传→入组→拨付; every stage has them all."""

    title: str
    stages: dict[str, str]
    lists: int
    nodes: list[BridgeNode]
    links: list[BridgeLink]
    notes: list[str]


class MonthProgress(BaseModel):
    """How far the settlement of a month is."""

    month: str
    closed: bool
    should: int
    sent: int
    returned: int
    unsent: int
    overdue: int


class FilingProgress(BaseModel):
    """How far the filing of a hospital is: indicators by state."""

    hospital: str
    name: str
    states: dict[str, int]
    submitted: int
    total: int
    reason: str


class MismatchShown(BaseModel):
    """Something in which settlement and filing do not match, and what to do."""

    id: str
    label: str
    hospital: str
    name: str
    text: str
    next: str
    href: str | None


class CalendarStep(BaseModel):
    """A step of the filing calendar."""

    label: str
    due: str
    past: bool
    assumed: bool


class Progress(BaseModel):
    """Settlement beside filing over a year, and what does not match."""

    year: int
    on: str
    months: list[MonthProgress]
    filings: list[FilingProgress]
    calendar: list[CalendarStep]
    mismatches: list[MismatchShown]
    notes: list[str]


class LoopStage(BaseModel):
    """A stage of the loop: what came in, what is done, what waits."""

    id: str
    label: str
    lines: list[str]
    waiting: int
    waiting_label: str
    href: str | None


class Loop(BaseModel):
    """The loop 上传→质控→结算付费→审核→评估 of a month."""

    stages: list[LoopStage]
    notes: list[str]


class CoreChoice(BaseModel):
    """An indicator that may be chosen."""

    id: str
    label: str
    side: str
    unit: str


class CoreFigures(BaseModel):
    """The indicators that may be chosen, those chosen, and their figures."""

    reference: str
    assumed: bool
    choices: list[CoreChoice]
    chosen: list[str]
    figures: list[CockpitFigure]
