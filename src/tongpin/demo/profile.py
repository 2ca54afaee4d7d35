"""The profile of a city 城市画像: strict YAML in, frozen numbers out; every number has a label, a unit and a basis."""

from __future__ import annotations

from importlib import resources
from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import Field, ValidationError, model_validator

from tongpin.base.errors import TongpinError
from tongpin.base.strict_yaml import Strict, load_strict_yaml

Grade = Literal["三甲", "三乙", "二级", "一级"]
GRADES: tuple[Grade, ...] = ("三甲", "三乙", "二级", "一级")
SETTLEMENT_LEVELS: dict[Grade, str] = {"三甲": "三级", "三乙": "三级", "二级": "二级", "一级": "一级"}
Insurance = Literal["310", "390", "340"]
Season = Literal["winter", "summer", "spring"]
FaultKind = Literal[
    "truncated",
    "negative_fee",
    "discharge_before_admission",
    "unknown_diagnosis",
    "twice",
    "missing_sex",
]
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
    """How many lists, when."""

    flat_month_cases: Item[Count]
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
    """What differs by the grade of a hospital."""

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


class Faults(Strict):
    """What is planted for the system to find."""

    record_faults: Item[dict[FaultKind, Count]]
    split_stay_share: Item[Share]
    split_gap_days: Item[Range[int]]
    split_first_stay: Item[Positive]
    split_fee: Item[Positive]


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
    manual: Literal["综合三级", "中医三级", "综合二级", "不参加国考"]
    ownership: Literal["公立", "民营"]
    cases: Annotated[int, Field(gt=0)]
    focus: dict[str, Positive] = {}  # noqa: RUF012 - Pydantic copies defaults


class Hospitals(Strict):
    """The hospitals of the city, largest first within each grade."""

    label: str
    basis: Basis
    region: Annotated[str, Field(pattern=r"^H\d{6}$")]
    valid_from: str
    rows: tuple[HospitalRow, ...]


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
    comorbidity: Comorbidity
    hospitals: Hospitals

    @model_validator(mode="after")
    def _hospitals_fill_the_month(self) -> Profile:
        planned = self.volume.flat_month_cases.value
        filled = sum(row.cases for row in self.hospitals.rows)
        if filled != planned:
            raise ValueError(f"hospitals.rows 的 cases 合计 {filled}，与 flat_month_cases {planned} 不符")
        absent = set(GRADES) - {row.grade for row in self.hospitals.rows}
        if absent:
            raise ValueError(f"hospitals.rows 缺少等级 {'、'.join(sorted(absent))}")
        return self


def read_profile(name: str) -> Profile:
    """The profile `demo/plan/<name>.yaml`; raises `TongpinError` (`demo.profile`) when it is missing or wrong."""
    place = f"demo/plan/{name}.yaml"
    source = resources.files("tongpin.demo").joinpath("plan", f"{name}.yaml")
    if not source.is_file():
        raise TongpinError("demo.profile", f"没有城市画像 {name}", where=place, hint="可用：prefecture-east")
    return parse_profile(load_strict_yaml(source, "demo"), place)


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
