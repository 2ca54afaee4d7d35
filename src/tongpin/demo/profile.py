"""The profile of a city 城市画像: strict YAML in, frozen numbers out; every number has a label, a unit and a basis."""

from __future__ import annotations

from functools import cached_property
from importlib import resources
from typing import Annotated, Any, Generic, Literal, TypeVar

import numpy as np
from pydantic import Field, ValidationError, model_validator

from tongpin.base.errors import TongpinError
from tongpin.base.strict_yaml import Strict, load_strict_yaml
from tongpin.demo.calendar import apportion
from tongpin.demo.faults.registry import kinds

PROFILES = ("prefecture-east", "county-west")

Grade = Literal["三甲", "三乙", "二级", "一级"]
GRADES: tuple[Grade, ...] = ("三甲", "三乙", "二级", "一级")
SETTLEMENT_LEVELS: dict[Grade, str] = {"三甲": "三级", "三乙": "三级", "二级": "二级", "一级": "一级"}
Insurance = Literal["310", "390", "340"]
Manual = Literal["综合三级", "中医三级", "综合二级", "不参加国考"]
Ownership = Literal["公立", "民营"]
FundCode = Literal["310100", "390100"]
CostKind = Literal["人员经费", "药品费", "卫生材料费", "固定资产折旧费", "其他运行费用"]
FeePart = Literal["drug", "consumable", "exam", "service"]
Season = Literal["winter", "summer", "spring"]
PayMode = Literal["drg", "observed"]
Basis = Annotated[str, Field(pattern=r"^(S\d{3}-\d{2}|assumed)$")]
Share = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0)]
Count = Annotated[int, Field(ge=0)]
Month = Annotated[str, Field(pattern=r"^\d{4}-(0[1-9]|1[0-2])$")]
Value = TypeVar("Value")
Range = tuple[Value, Value]
Year = Annotated[tuple[Positive, ...], Field(min_length=12, max_length=12)]


class Item(Strict, Generic[Value]):
    """One planned number: Chinese label, unit, value, and what it rests on (a requirement id, or assumed)."""

    label: str
    unit: str
    value: Value
    basis: Basis


class Volume(Strict):
    """How many lists, when: `total_cases` over the `total_months` that end with `first_month`."""

    flat_month_cases: Item[Count]
    total_cases: Item[Count]
    total_months: Item[Annotated[int, Field(gt=0)]]
    first_month: Item[Month]
    default_months: Item[Count]
    growth_per_year: Item[float]
    fee_growth_per_year: Item[float]
    hospital_month_spread: Item[Share]
    self_pay_per_list: Item[Share]
    month_factor: Item[Year]
    weekday_factor: Item[Annotated[tuple[Positive, ...], Field(min_length=7, max_length=7)]]
    season_factor: Item[dict[Season, Year]]


class Grades(Strict):
    """What differs by the grade of a hospital; `case_mix` blends the levels of the plan into the mix of a grade."""

    case_mix: Item[dict[Grade, dict[Grade, Share]]]
    mean_fee_yuan: Item[dict[Grade, Positive]]
    mean_stay_days: Item[dict[Grade, Positive]]
    discharges_per_bed_year: Item[dict[Grade, Positive]]
    employee_share_of_adults: Item[dict[Grade, Share]]
    drug_factor: Item[dict[Grade, Positive]]
    consumable_factor: Item[dict[Grade, Positive]]
    other_diagnoses: Item[dict[Grade, Positive]]


class Stay(Strict):
    """What a stay is like within its group."""

    hospital_fee_spread: Item[Share]
    hospital_group_fee_spread: Item[Share]
    hospital_dept_spread: Item[Share]
    fee_sigma: Item[Positive]
    costly_share: Item[Share]
    costly_mean: Item[Positive]
    costly_sigma: Item[Positive]
    costly_stay_factor: Item[Positive]
    stay_sigma: Item[Positive]
    stay_fee_correlation: Item[Share]
    longest_stay_days: Item[Count]
    share_sigma: Item[Positive]
    least_service_share: Item[Share]
    same_day_share: Item[Share]
    day_surgery_share: Item[Share]
    left_against_advice_share: Item[Share]
    transfer_share: Item[Share]
    to_community_share: Item[Share]
    unsplit_mcc_share: Item[Share]
    unsplit_cc_share: Item[Share]
    cases_per_doctor: Item[Count]
    icu_share_with_mcc: Item[Share]
    icu_hours_range: Item[Range[int]]
    birth_weight_mean_g: Item[Positive]
    birth_weight_sd_g: Item[Positive]
    birth_weight_range_g: Item[Range[int]]
    ventilation_minutes: Item[dict[str, Range[int]]]


class Settlement(Strict):
    """Who pays, when it is settled and accepted, and what is decided afterwards."""

    same_day_share: Item[Share]
    days_after_discharge: Item[Range[int]]
    days_to_acceptance: Item[Range[int]]
    late_share: Item[Share]
    cutoff_day: Item[Count]
    late_days_after_cutoff: Item[Range[int]]
    adult_from_age: Item[Count]
    retired_from_age: Item[Count]
    retired_share: Item[Share]
    pool_share: Item[dict[Insurance, dict[Grade, Share]]]
    pool_share_spread: Item[Share]
    pool_share_range: Item[Range[float]]
    other_fund_threshold_yuan: Item[dict[Insurance, Count]]
    other_fund_ratio: Item[dict[Insurance, Share]]
    account_share_of_patient_pay: Item[Share]
    withdrawn_lists: Item[Count]
    withdrawal_days: Item[Range[int]]
    successor_fee_cut: Item[Share]
    audit_deductions: Item[Count]
    audit_deduction_share: Item[Range[float]]
    prepay_offsets: Item[Count]
    prepay_offset_share: Item[Range[float]]


class Rhythm(Strict):
    """Patients who come again."""

    interval_days: Item[Count]
    jitter_days: Item[Range[int]]
    sessions: Item[Range[int]]
    readmission_share: Item[Share]
    readmission_gap_days: Item[Range[int]]


class Coded(Strict):
    """A code with its name."""

    code: str
    name: str


class FaultShare(Strict):
    """How often a kind of fault happens (share of the lists), and the share of it that is corrected after a return."""

    share: Share
    corrected: Share


class Faults(Strict):
    """What is planted for the system to find, and how returned lists come back."""

    record_faults: Item[dict[str, FaultShare]]
    days_to_return: Item[Range[int]]
    days_to_correction: Item[Range[int]]
    unspecific: Item[tuple[Coded, ...]]
    tcm: Item[tuple[Coded, ...]]
    split_stay_share: Item[Share]
    split_gap_days: Item[Range[int]]
    split_first_stay: Item[Positive]
    split_fee: Item[Positive]


class Births(Strict):
    """Mothers and newborns."""

    delivery_groups: Item[tuple[str, ...]]
    twin_share: Item[Share]
    twin_weight_g: Item[Range[int]]


class Special(Strict):
    """Lists of 门诊慢特病: no stays, beside the inpatient lists."""

    lists_per_list: Item[Share]
    fee_yuan: Item[Range[int]]
    drug_share: Item[Share]
    diagnoses: Item[tuple[Coded, ...]]


class Detail(Strict):
    """What else stands in the records."""

    fee_split: Item[dict[FeePart, dict[str, Positive]]]
    fee_split_without_procedure: Item[tuple[str, ...]]
    fee_split_sigma: Item[Positive]
    class_b_share: Item[dict[FeePart, Share]]
    own_pay_share: Item[dict[FeePart, Share]]
    emergency_share: Item[Share]
    present_at_admission_share: Item[Share]
    tcm_share: Item[dict[Grade, Share]]
    tcm_share_of_tcm_hospitals: Item[Share]
    transfusion_share_of_surgery: Item[Share]
    red_cells_units: Item[Range[int]]
    occupations: Item[dict[Literal["child", "employee", "retired", "resident"], str]]
    retired_from_age: Item[Count]
    interim_share: Item[Share]
    interim_least_days: Item[Count]
    insurer: Item[str]
    filling_dept: Item[str]


class Layouts(Strict):
    """What the own layouts hold beside the records."""

    lines_per_item: Item[Positive]
    visits_per_list: Item[Positive]
    visit_fee_yuan: Item[Positive]
    visit_fee_sigma: Item[Positive]
    visit_fund_share: Item[Share]
    visit_fund_spread: Item[Share]
    visit_drug_share: Item[Share]
    visit_exam_share: Item[Share]
    visit_appointed_share: Item[Share]
    longest_wait_minutes: Item[Count]
    shelf_days: Item[Range[int]]
    traced_share: Item[Share]
    trace_faults_share: Item[Share]
    nurses_per_doctor: Item[Positive]
    cost_to_fee: Item[dict[Grade, Positive]]
    cost_split: Item[dict[CostKind, Share]]
    cost_spread: Item[Share]
    enrolled: Item[dict[FundCode, Count]]
    fund_balance_months: Item[dict[FundCode, Positive]]
    fund_income_to_spending: Item[dict[FundCode, Positive]]
    inpatient_share_of_fund: Item[dict[FundCode, Share]]
    fund_spread: Item[Share]
    bank_days: Item[Range[int]]
    bank_slip_yuan: Item[Count]
    prepay_share_of_pool: Item[Share]
    bank_faults_per_month: Item[Count]
    peers_per_level: Item[Count]
    peer_spread: Item[Share]
    assessed_peers: Item[Count]
    peer_year_spread: Item[Share]
    filed_spread: Item[Share]


class CommonDiagnosis(Strict):
    """A frequent secondary diagnosis that changes no group."""

    code: str
    weight: Positive
    age_low: Count
    sex: Literal[1, 2] | None = None


class Comorbidity(Strict):
    """What else the patients have."""

    barred_prefixes: Item[tuple[str, ...]]
    own_chapters: Item[dict[str, tuple[str, ...]]]
    age_factor: Item[dict[int, float]]
    most: Item[Count]
    common: Item[tuple[CommonDiagnosis, ...]]


class HospitalRow(Strict):
    """One invented hospital: lists in a flat month, and what it leans towards (department prefix → factor)."""

    name: str
    grade: Grade
    manual: Manual
    ownership: Ownership
    pay: PayMode
    cases: Annotated[int, Field(gt=0)]
    focus: dict[str, Positive] = {}  # noqa: RUF012 - Pydantic copies defaults


class Series(Strict):
    """Many small hospitals told at once: `{county}` goes round `counties`, `{number}` counts within a county.

    Their lists of a flat month sum to `cases` and fall from the first to the last by `largest_to_smallest`.
    """

    name: str
    counties: tuple[str, ...]
    count: Annotated[int, Field(gt=0)]
    cases: Annotated[int, Field(gt=0)]
    largest_to_smallest: Annotated[float, Field(ge=1)]
    grade: Grade
    manual: Manual
    ownership: Ownership
    pay: PayMode

    def rows(self) -> tuple[HospitalRow, ...]:
        """The hospitals of the series, largest first."""
        steps = max(self.count - 1, 1)
        sizes = self.largest_to_smallest ** -(np.arange(self.count) / steps)
        return tuple(
            HospitalRow(
                name=self.name.format(
                    county=self.counties[index % len(self.counties)],
                    number=index // len(self.counties) + 1,
                ),
                grade=self.grade,
                manual=self.manual,
                ownership=self.ownership,
                pay=self.pay,
                cases=cases,
            )
            for index, cases in enumerate(apportion(self.cases, sizes).tolist())
        )


class Hospitals(Strict):
    """The hospitals of the city, largest first within each grade: one by one, then the series."""

    label: str
    basis: Basis
    region: Annotated[str, Field(pattern=r"^H\d{6}$")]
    valid_from: str
    rows: tuple[HospitalRow, ...]
    series: tuple[Series, ...] = ()

    @cached_property
    def every(self) -> tuple[HospitalRow, ...]:
        """All hospitals, those of the series behind the others."""
        return (*self.rows, *(row for one in self.series for row in one.rows()))


class Profile(Strict):
    """A whole city profile; every figure that rests on it is a simulation (模拟)."""

    profile: str
    label: str
    volume: Volume
    grades: Grades
    stay: Stay
    settlement: Settlement
    rhythm: Rhythm
    faults: Faults
    births: Births
    special: Special
    detail: Detail
    layouts: Layouts
    comorbidity: Comorbidity
    hospitals: Hospitals

    @model_validator(mode="after")
    def _hospitals_fill_the_month(self) -> Profile:
        planned = self.volume.flat_month_cases.value
        filled = sum(row.cases for row in self.hospitals.every)
        if filled != planned:
            raise ValueError(f"hospitals 的 cases 合计 {filled}，与 flat_month_cases {planned} 不符")
        absent = set(GRADES) - {row.grade for row in self.hospitals.every}
        if absent:
            raise ValueError(f"hospitals 缺少等级 {'、'.join(sorted(absent))}")
        if len({row.name for row in self.hospitals.every}) != len(self.hospitals.every):
            raise ValueError("hospitals 有重名的医院")
        unknown = self.faults.record_faults.value.keys() - kinds().keys()
        if unknown:
            raise ValueError(f"record_faults 有不认识的差错种类 {'、'.join(sorted(unknown))}")
        return self


def read_profile(name: str) -> Profile:
    """The profile `demo/plan/<name>.yaml`; raises `TongpinError` (`demo.profile`) when it is missing or wrong."""
    place = f"demo/plan/{name}.yaml"
    source = resources.files("tongpin.demo").joinpath("plan", f"{name}.yaml")
    if name not in PROFILES:
        raise TongpinError("demo.profile", f"没有城市画像 {name}", where=place, hint=f"可用：{'、'.join(PROFILES)}")
    return parse_profile(_extended(load_strict_yaml(source, "demo")), place)


def _extended(data: dict[Any, Any]) -> dict[Any, Any]:
    """A profile laid over the one that it extends: sections merge, the items of a section replace each other."""
    base = data.pop("extends", None)
    if base not in PROFILES:
        return data if base is None else {"extends": base, **data}
    under = load_strict_yaml(resources.files("tongpin.demo").joinpath("plan", f"{base}.yaml"), "demo")
    # Hospitals are one list: those of another city never stay.
    merged = {
        name: {**under.get(name, {}), **part} if isinstance(part, dict) and name != "hospitals" else part
        for name, part in data.items()
    }
    return under | merged


def parse_profile(data: Any, place: str) -> Profile:
    """A profile from plain data; `place` names it in the error (`demo.profile`)."""
    try:
        return Profile.model_validate(data)
    except ValidationError as error:
        first = error.errors()[0]
        path = ".".join(str(part) for part in first["loc"])
        raise TongpinError(
            "demo.profile",
            f"城市画像有 {error.error_count()} 处错误，第一处 {path}：{first['msg']}",
            where=place,
            hint="只用已有的键；每个数字写明 label、unit、value、basis",
        ) from error
